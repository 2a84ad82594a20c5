"""What is absorbed from a meal or a tablet, what is lost in a day and where the store settles, by the body's own rate functions.

No engine: the functions of `body/` are evaluated at one moment, for many people at once (arrays over draws), and the store is taken as one
pool that gains what is absorbed and loses a share a day. Left out, and said with every answer: the days B12 spends in blood and cells,
nitrous oxide, and whatever changes on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.diet.said import MEALS_D, Item
from corrin.body import ileum, intake, liver
from corrin.facts.portions import diet_numbers
from corrin.facts.reader import parameters
from corrin.facts.rows import Parameter

Floats = NDArray[np.float64]

PEOPLE, SEED = 4000, 1
ABSORBING = (
    "food_law_factor", "food_law_power", "nmol_per_ug", "food_release", "ileal_uptake", "passive_fraction", "absorption_share",
    "absorption_half",
)  # fmt: skip
LOSING = ("first_pass", "bile_rate", "bile_reabsorption", "other_loss", "fetal_transfer", "milk_transfer", "store_reference")
"""The body's parameters that uptake and loss need."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """What lowers uptake: the share of normal that is left of each target (arrays over draws), and in words."""

    factors: Mapping[str, Floats]
    applied: tuple[str, ...]
    """With the size used."""
    unknown: tuple[str, ...]
    """What acts by an amount nobody measured."""
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Arrays over draws: parameters `p`, state `y` (intrinsic factor, receptors, a store of 1) and exposures `x`, as rates want them."""

    p: Any
    y: Any
    x: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a store goes on an intake: nmol/d absorbed, share lost a day, and what it settles at (nmol); arrays over draws."""

    absorbed: Floats
    loss: Floats
    settled: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "settled", self.absorbed / self.loss)

    def days(self, start_nmol: float, goal_nmol: float) -> Floats:
        """Days from one store to a larger one; infinite where it is never reached."""
        with np.errstate(divide="ignore", invalid="ignore"):
            days = np.log((self.settled - start_nmol) / (self.settled - goal_nmol)) / self.loss
        return np.where(self.settled > goal_nmol, days, np.inf)


def person(lowered: Lowered | None = None, *, pregnancy: float = 0.0, lactation: float = 0.0) -> Person:
    """Many people like this one: parameters with their spread, and what a case says about acid, intrinsic factor and ileum."""
    random = np.random.default_rng(SEED)
    table = parameters()
    p = {name: drawn(table[name], random) for name in (*ABSORBING, *LOSING)}
    intrinsic_factor = np.ones(PEOPLE)
    if lowered is not None:
        p["food_release"] = p["food_release"] * lowered.factors["food_release"]
        p["ileal_uptake"] = p["ileal_uptake"] * lowered.factors["ileal_uptake"]
        intrinsic_factor = lowered.factors["intrinsic_factor"]
    state = SimpleNamespace(intrinsic_factor_output=intrinsic_factor, receptors_free=1.0, store=1.0)
    return Person(SimpleNamespace(**p), state, {"pregnancy": pregnancy, "lactation": lactation})


def food_nmol(who: Person, ug: Any) -> Floats:
    """nmol absorbed from one meal that holds so much protein-bound B12; never more than was eaten."""
    x = SimpleNamespace(food_ug_d=ug, meals_d=1.0)
    absorbed = intake.food_absorbed(who.y, who.p, x) + intake.food_passive(who.y, who.p, x)
    return np.asarray(np.minimum(absorbed, ug * who.p.nmol_per_ug), dtype=float)


def crystalline_nmol(who: Person, ug: Any) -> Floats:
    """nmol absorbed from one portion of added B12 or one tablet."""
    given = ileum.swallowed_c(ug * who.p.nmol_per_ug, who.y, who.p, SimpleNamespace())
    return np.asarray(given["enterocyte_c1"] + given["gut_c"], dtype=float)


def item_nmol(who: Person, item: Item, which: int = 1) -> Floats:
    """nmol absorbed each time an item is taken, at its low (0), middle (1) or high (2) content."""
    ug = item.ug[which]
    if item.bound == "none" or ug <= 0.0:
        return np.zeros(PEOPLE)
    return food_nmol(who, ug) if item.bound == "protein" else crystalline_nmol(who, ug)


def daily_nmol(who: Person, items: tuple[Item, ...]) -> Floats:
    """nmol absorbed a day from a whole list.

    What is eaten every day is laid into three meals, the largest first, each into the meal that holds least: several foods in one meal
    share the law. What is eaten less often is a meal of its own. Contents are drawn between their low and high ends (triangular, peak at
    the middle), one draw for all items, as who eats more of one food eats more of another; intake as told is off by its recall error.
    """
    random = np.random.default_rng(SEED + 1)
    place = random.random(PEOPLE)
    recall = drawn(diet_numbers()["intake_told"], random)
    meals = [np.zeros(PEOPLE) for _ in range(int(MEALS_D))]
    total = np.zeros(PEOPLE)
    for item in sorted(items, key=lambda item: -item.ug[1]):
        ug, often = _triangular(item.ug, place), _triangular(item.times_week, place) / 7.0
        if item.kind == "product":
            total += often * crystalline_nmol(who, ug)
        elif item.bound == "crystalline":
            total += often * crystalline_nmol(who, ug * recall)
        elif item.bound == "protein" and item.times_week[1] >= 7.0:
            for _ in range(max(1, min(len(meals), round(item.times_week[1] / 7.0)))):
                least = min(range(len(meals)), key=lambda number: float(meals[number].mean()))
                meals[least] = meals[least] + ug * recall * often / max(1, min(len(meals), round(item.times_week[1] / 7.0)))
        elif item.bound == "protein":
            total += often * food_nmol(who, ug * recall)
    return total + sum((food_nmol(who, meal) for meal in meals if meal.any()), np.zeros(PEOPLE))


def spread_nmol(who: Person, ug_day: float, log_sd: float) -> Floats:
    """nmol absorbed a day from a usual diet of so much protein-bound B12 in three meals; `log_sd` is the spread of what is eaten."""
    eaten = ug_day * np.exp(log_sd * np.random.default_rng(SEED + 1).standard_normal(PEOPLE))
    return MEALS_D * food_nmol(who, eaten / MEALS_D)


def loss_share(who: Person) -> Floats:
    """Share of the store lost in a day: bile that is not taken back, skin and urine, and the child."""
    x = SimpleNamespace(**who.x)
    lost = liver.bile_to_faeces(who.y, who.p, x) + liver.other_losses(who.y, who.p, x) + liver.to_fetus(who.y, who.p, x)
    return np.asarray(lost, dtype=float)


# --- draws -------------------------------------------------------------------------------------------------------------------


def drawn(row: Parameter, random: np.random.Generator) -> Floats:
    """A parameter over people: what differs between them and what is not known, together."""
    z = random.standard_normal(PEOPLE) * float(np.hypot(row.between, row.unsure))
    if row.distribution == "lognormal":
        values = row.value * np.exp(z)
    elif row.distribution == "normal":
        values = row.value + z
    elif row.distribution == "logitnormal":
        values = 1.0 / (1.0 + (1.0 - row.value) / row.value * np.exp(-z))
    else:
        values = np.full(PEOPLE, row.value)
    return np.clip(values, row.low, row.high)


def _triangular(values: tuple[float, float, float], place: Floats) -> Floats:
    low, middle, high = values
    if high <= low:
        return np.full(PEOPLE, middle)
    cut = (middle - low) / (high - low)
    rising = low + np.sqrt(place * (high - low) * (middle - low))
    falling = high - np.sqrt((1.0 - place) * (high - low) * (high - middle))
    return np.where(place < cut, rising, falling)
