"""Virtual series of patients: drawn people fall ill, are found and treated, and are looked at as each published series looked.

A series is people, a cause, how long they waited and what else brought them to a doctor. Two readings of what is not known:
`people()` draws one population around the typical person; `people(sets=S)` draws S such populations, each with its own typical person
and its own setting of the series (delay, depth of the nitrous oxide block), so that a statistic has a distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

import bodies
from bodies import UG, Floats
from corrin.engine import draw, simulate
from corrin.inference import population

MONTH, YEAR = 30.4375, 365.25
PERNICIOUS = {"m_intrinsic_factor": 0.03, "m_food_release": 0.2}
"""What is left of intrinsic factor and of the release from food; assumed."""
FOUND_HB, FOUND_HB_SD = 9.5, 2.0
"""g/dL of haemoglobin at which the blood brings people to a doctor, whatever their nerves: a normal haematocrit in 28 % of 434 episodes of
clear deficiency (Savage 1994, abstract) with 12.5 g/dL as the limit, and 77 g/L with SD 11 in cord patients (36 patients, abstract)."""
LOADING = [(float(day), "injected_O", 1000.0 * UG) for day in (0, 2, 4, 7, 9, 11, 14, *range(28, 760, 28))]
FOLLOWED = (3.0, 5.0, 6.0, 12.0)
"""Months after treatment began."""
SETTING_LOG_SD = {"delay": 0.35, "block": 0.5}
"""How far a series' own median delay and depth of the block may lie from what is taken; assumed."""


@dataclass(frozen=True)
class Setting:
    """How a series came about. `delay_days` from the first sign to treatment: its median; `cause(seed, count)`: exposures from day 0."""

    seed: int
    age: tuple[float, float, float, float]
    cause: Callable[[int, int], dict[str, Any]]
    years: float
    delay_days: float
    delay_log_sd: float


@dataclass(frozen=True)
class Series:
    """People found ill and treated: readings before, and at months after; `weight` 0 who never came or failed, `block` the set of each."""

    onset: Floats
    delay: Floats
    before: dict[str, Floats]
    after: dict[float, dict[str, Floats]]
    weight: Floats
    parameters: dict[str, Floats]
    block: Floats

    def share(self, value: Any, extra: Any = 1.0) -> float:
        """Mean over those who came; `extra` (people,): how much of each passes the entry filter."""
        weight = self.weight * extra
        return float((np.asarray(value, float) * weight).sum() / weight.sum())

    def missing(self, tract: str) -> Floats:
        """Function missing before treatment, 0..1."""
        return 1.0 - self.before[f"function_{tract}"] / 100.0

    def naked(self, tract: str) -> Floats:
        """Demyelinated share before treatment."""
        return 1.0 - self.before[f"myelin_{tract}"] / 100.0

    def down(self, tract: str) -> Floats:
        """Share of axons down or lost before treatment."""
        return 1.0 - self.before[f"axon_{tract}"] / 100.0

    def sign(self, *tracts: str) -> Floats:
        """True where one of the tracts misses more than an examiner's threshold."""
        return np.max([self.missing(tract) for tract in tracts], axis=0) > self.parameters["sign_threshold"]


def drawn(count: int, seed: int, sets: int = 0) -> Floats:
    """Parameters (people, parameters); with `sets`, that many equal groups with a typical person of their own each."""
    if not sets:
        return bodies.people(count, seed=seed, shared=False)
    found = population.population()
    out = np.empty((count, len(found.rows)))
    group = np.arange(count) * sets // count
    for column, row in enumerate(found.rows):
        own, common = draw.normals(seed, row.name, count), draw.normals(seed, f"typical_{row.name}", sets)[group]
        if row.distribution == "bernoulli":
            out[:, column] = population.place(row, own, 1.0)
        elif population.spread(row) > 0.0:
            out[:, column] = population.place(row, row.between * own + row.unsure * common, 1.0)
        else:
            out[:, column] = population.typical_value(row)
    return out


def people(setting: Setting, count: int = 1024, sets: int = 0) -> Series:
    """Drawn people at rest; a cause from day 0. They are treated a delay after the first sign, a month after walking alone is lost, or two
    weeks after their blood brings them to a doctor, whichever comes first."""
    seed = setting.seed
    many = drawn(count, seed, sets)
    group = np.arange(count) * max(sets, 1) // count

    def of_series(what: str) -> Any:
        return np.exp(SETTING_LOG_SD[what] * draw.normals(seed, f"series_{what}", sets)[group]) if sets else 1.0

    mean, sd, low, high = setting.age
    ages = np.clip(mean + sd * draw.normals(seed, "age", count), low, high)
    healthy = bodies.exposures(count, age_y=ages)
    begun = bodies.settled(many, healthy)
    ill, cause = healthy.copy(), setting.cause(seed, count)
    for name, value in cause.items():
        ill[exposure(name)] = np.clip(value * of_series("block"), 0.0, 1.0) if name == "nitrous_oxide" else value
    times = np.linspace(0.0, setting.years * YEAR, 361)[1:]
    run = bodies.run(begun, many, ill, float(times[-1]), times=times.tolist())
    score, gait = run.at["score"], run.at["score_gait"]
    onset, worst = first(times, score >= 1.0), first(times, gait >= 2.4)
    delay = np.clip(
        setting.delay_days * of_series("delay") * np.exp(setting.delay_log_sd * draw.normals(seed, "delay", count)), 3.0, 1825.0
    )
    brought = FOUND_HB + FOUND_HB_SD * draw.normals(seed, "brought", count)
    pale = first(times, run.at["haemoglobin"] <= np.minimum(brought[:, None], run.at["haemoglobin"][:, :1] - 0.7))
    treated = np.minimum(np.minimum(onset + delay, worst + 30.0), pale + 14.0)
    came = np.isfinite(treated) & (treated < times[-1])
    ill_by_then = came & (onset <= treated)
    treated = np.where(came, treated, times[-1])
    days = [month * MONTH for month in FOLLOWED]
    stop = [(1.0, {"nitrous_oxide": 0.0})] if "nitrous_oxide" in cause else []
    doses = [(1.0 + day, kind, dose) for day, kind, dose in LOADING if day < days[-1]]
    made, _ = bodies.schedule(ill, 1.0 + days[-1], doses, stop, [1.0, *(1.0 + day for day in days)])
    made.lengths[0] = treated  # everybody's first segment has its own length
    few = np.arange(count) < simulate.PANEL
    grid = simulate.find_grid(bodies.kernel(), begun[few], many[few], made.only(few))
    done = simulate.simulate(bodies.kernel(), begun, many, made, grid)
    model = bodies.kernel().model
    before, *after = (dict(zip(model.readings, done.readings[:, i].T, strict=True)) for i in range(made.rows))
    return Series(
        onset, treated - onset, before, dict(zip(FOLLOWED, after, strict=True)), (ill_by_then & ~done.failed).astype(float),
        dict(zip(model.parameters, many.T, strict=True)) | {"came": (came & ~done.failed).astype(float)}, group.astype(float),
    )  # fmt: skip


def standing(setting: Setting, count: int = 1024, sets: int = 0) -> Series:
    """People after some years of a cause, seen once."""
    many = drawn(count, setting.seed, sets)
    mean, sd, low, high = setting.age
    healthy = bodies.exposures(count, age_y=np.clip(mean + sd * draw.normals(setting.seed, "age", count), low, high))
    begun, ill = bodies.settled(many, healthy), healthy.copy()
    for name, value in setting.cause(setting.seed, count).items():
        ill[exposure(name)] = value
    run = bodies.run(begun, many, ill, setting.years * YEAR)
    parameters = dict(zip(bodies.kernel().model.parameters, many.T, strict=True))
    seen = {name: values[:, -1] for name, values in run.at.items()}
    group = np.arange(count) * max(sets, 1) // count
    return Series(np.zeros(count), np.zeros(count), seen, {}, (~run.failed).astype(float), parameters, group.astype(float))


def first(times: Floats, true: Any) -> Floats:
    """The first of `times` at which it is true (people, times); infinity if never."""
    return np.where(true.any(axis=1), times[true.argmax(axis=1)], np.inf)


def exposure(name: str) -> int:
    """Its row."""
    return bodies.kernel().model.exposures.index(name)


@cache
def food_for(activity: float) -> float:
    """ug/d of food at which a typical adult of 30 keeps this share of methionine synthase at work."""
    foods = np.geomspace(0.01, 40.0, 64)
    table = bodies.exposures(len(foods), age_y=30.0, food_ug_d=foods)
    many = np.repeat(bodies.row(bodies.typical(cell_pool=0.0))[None, :], len(foods), axis=0)
    at_work = bodies.look(bodies.settled(many, table), many, table)["activity_methylation"] / 100.0
    return float(np.exp(np.interp(activity, at_work, np.log(foods))))


def pernicious(seed: int, count: int) -> dict[str, Any]:
    """Intrinsic factor lost."""
    return dict(PERNICIOUS)


def diet_or_stomach(seed: int, count: int) -> dict[str, Any]:
    """Half a vegetarian diet, half loss of intrinsic factor: the causes of the series were not seen."""
    by_diet = draw.uniforms(seed, "cause", count) < 0.5
    poorest, richest = food_for(0.12), food_for(0.42)
    eaten = np.where(by_diet, poorest * (richest / poorest) ** draw.uniforms(seed, "eaten", count), 5.0)
    return {"food_ug_d": eaten} | {name: np.where(by_diet, 1.0, size) for name, size in PERNICIOUS.items()}


def gas(seed: int, count: int) -> dict[str, Any]:
    """Nitrous oxide for 15 % of the time."""
    return {"nitrous_oxide": 0.15}


def poor_status(seed: int, count: int) -> dict[str, Any]:
    """Old people, a quarter of whose food leaves 40 to 85 % of the enzyme at work; the others eat 5 ug. Assumed."""
    low, high = food_for(0.40), food_for(0.85)
    poorly = draw.uniforms(seed, "cause", count) < 0.25
    return {"food_ug_d": np.where(poorly, low * (high / low) ** draw.uniforms(seed, "eaten", count), 5.0)}


SETTINGS = {
    "hospital": Setting(31, (65.0, 12.0, 25.0, 90.0), pernicious, 15.0, 120.0, 1.0),
    "india": Setting(32, (45.3, 14.0, 17.0, 80.0), diet_or_stomach, 40.0, 120.0, 1.0),
    "cord": Setting(33, (50.0, 14.0, 15.0, 81.0), pernicious, 15.0, 150.0, 1.0),
    "gas": Setting(34, (24.0, 4.0, 18.0, 40.0), gas, 2.0, 18.0, 0.7),
    "old": Setting(36, (76.5, 2.9, 70.0, 84.0), poor_status, 10.0, 0.0, 0.0),
    "mind": Setting(35, (75.0, 7.0, 60.0, 92.0), diet_or_stomach, 40.0, 300.0, 0.9),
}


@cache
def series(name: str, count: int = 1024, sets: int = 0) -> Series:
    """One of the virtual series; `<name>_all`: with those who came without a sign; `old`: seen once, not treated."""
    if name.endswith("_all"):
        signs = series(name.removesuffix("_all"), count, sets)
        return replace(signs, weight=signs.parameters["came"])
    return standing(SETTINGS[name], count, sets) if name == "old" else people(SETTINGS[name], count, sets)
