"""The parts of the answer on a diet, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from corrin.answers.diet import ADULT_Y, DISCLAIMER, FORMAT, NERVES, OLDER_Y, Who
from corrin.answers.diet.said import MEALS_D, Item, items_words, listed
from corrin.answers.diet.uptake import (
    ABSORBING,
    LOSING,
    PEOPLE,
    SEED,
    Fate,
    Lowered,
    Person,
    crystalline_nmol,
    daily_nmol,
    food_nmol,
    item_nmol,
    loss_share,
    person,
    spread_nmol,
)
from corrin.case import known
from corrin.errors import InputError
from corrin.facts.portions import diet_numbers, portions
from corrin.facts.reader import intakes, parameters, sources
from corrin.facts.rows import ReferenceIntake
from corrin.version import __version__

if TYPE_CHECKING:
    from corrin.case.case import Case

REFERENCES = ("EAR", "RDA", "AI", "RNI", "PRI", "RI")
GOALS = ("RDA", "AI", "RNI", "PRI", "RI")
TABLETS_UG = (10.0, 50.0, 1000.0)
MOST_TIMES_WEEK = 21.0
LITTLE_PATH = 0.3
"""Share of the intrinsic-factor path below which no usual food is said to do (a judgement)."""
OFFERED = 6
LEFT_OUT = (
    "the results of the laboratory (`corrin assess` reads them), the days B12 spends in blood and cells, nitrous oxide, drugs started or "
    "stopped later, illness and bowel changes, how well tablets are taken, and what the kidneys lose of large doses; one pool stands for "
    "liver and tissues"
)


def whole_answer(items: tuple[Item, ...], who: Who, case: Case | None) -> dict[str, Any]:
    """Everything the answer says, as plain data."""
    items = items or _foods_of(case)
    usual = None if items or case is None else _usual(case)
    if not items and usual is None:
        raise InputError("foods", "nothing", 'a list such as "clams 84 g weekly, milk 250 ml daily", or --case')
    adult = who.age_y >= ADULT_Y
    if case is not None:
        from corrin.answers.diet.lowered import lowered
    low = lowered(case) if case is not None and adult else None
    eater = person(low, pregnancy=who.stage, lactation=1.0 if who.state == "lactation" else 0.0)
    daily = _daily(items, usual)
    rows = _references(who)
    notes = list(who.assumed)
    if not adult:
        notes.append(
            f"Under {ADULT_Y:.0f} years: only the intake and the reference intakes for the age are given. What is absorbed, what would "
            "fill a gap and whether food would do are adult questions here, and no adult verdict is given of a child. With worry about "
            "a child's B12, ask a doctor or dietitian."
        )
    data: dict[str, Any] = {
        "format": FORMAT,
        "person": {"age_y": round(who.age_y, 1), "sex": who.sex, "state": who.state, "adult": adult},
        "items": [_shown(item, eater if adult else None) for item in items],
        "usual_diet": None if usual is None else {"words": usual[0], "ug_day": _rounded(daily)},
        "daily_ug": _rounded(daily),
        "references": [_against(row, daily) for row in rows],
        "no_value": _no_value(who, rows),
        "notes": notes,
    }
    used = {key for item in items for key in item.sources} | {key for row in rows for key in row.sources}
    if usual is not None:
        used |= set(usual[3])
    if adult:
        absorbed = daily_nmol(eater, items) if items else spread_nmol(eater, usual[1], usual[2]) if usual is not None else np.zeros(PEOPLE)
        data["absorbed"] = _absorbed(items, eater, absorbed, low)
        data["change"] = _change(items, usual, daily, rows, who, eater)
        data["vegan"] = _vegan(items, case)
        data["alone"] = _alone(absorbed, eater, case) if case is not None else None
        names = ABSORBING if case is None else (*ABSORBING, *LOSING)
        used |= {key for name in names for key in parameters()[name].sources} | set(low.sources if low else ())
        used |= {key for row in diet_numbers().values() for key in row.sources} if case is not None else set()
        used |= {"VeganSociety"} if data["vegan"] else set()
        used |= {"NICE-NG239"} if data["change"]["path_share"] < LITTLE_PATH else set()
    data["sources"] = {key: sources()[key].citation for key in sorted(used - {"corrin-assumed"})}
    data["made"] = {"corrin": __version__, "people": PEOPLE, "seed": SEED}
    data["disclaimer"] = DISCLAIMER
    return data


# --- what was eaten ----------------------------------------------------------------------------------------------------------


Usual = tuple[str, float, float, tuple[str, ...]]
"""A diet known only as a whole: words, ug a day, log-SD of what is not known about it, sources."""


def _usual(case: Case) -> Usual:
    """The diet that goes on in a case without a food list; where it says nothing, the mixed diet of such a person."""
    from corrin.case.exposures import usual_diet

    diets = [entry for entry in case.history.diet if entry.to is None or case.day(entry.to) >= 0.0]
    entry = max(diets, key=lambda entry: case.day(entry.from_, -1e9)) if diets else None
    if entry is not None and entry.food_ug_d is not None:
        return f"{entry.food_ug_d:g} µg a day in food, as told", max(entry.food_ug_d, 0.01), diet_numbers()["intake_told"].between, ()
    stated = known.find_diet(entry.diet) if entry is not None and entry.diet else None
    row = stated or usual_diet(case)
    words = row.name if stated else f"{row.name} (the case says nothing: what such people usually eat)"
    return words, row.food_ug_d, row.log_sd, tuple(key for key in row.sources if key != "corrin-assumed")


def _foods_of(case: Case | None) -> tuple[Item, ...]:
    """The foods of a case that it still eats, as items."""
    if case is None:
        return ()
    rows = ((known.find_food(entry.food), entry) for entry in case.history.foods if entry.to is None and entry.grams > 0.0)
    return tuple(listed(row, entry.grams, entry.times * (7.0 if entry.per == "day" else 1.0)) for row, entry in rows if row is not None)


def _daily(items: tuple[Item, ...], usual: Usual | None) -> tuple[float, float, float]:
    if usual is not None:
        factor = float(np.exp(1.645 * usual[2]))
        return usual[1] / factor, usual[1], usual[1] * factor
    low, middle, high = (sum(item.ug_day[place] for item in items) for place in range(3))
    return low, middle, high


def _rounded(values: Iterable[float]) -> dict[str, float]:
    low, middle, high = (float(f"{value:.3g}") for value in values)
    return {"low": low, "middle": middle, "high": high}


def _band(values: Any) -> dict[str, float]:
    """Median and the range that holds 90 of 100."""
    return _rounded(np.percentile(values, [5.0, 50.0, 95.0]))


def _shown(item: Item, eater: Person | None) -> dict[str, Any]:
    shown = {
        "said": item.said, "name": item.name, "kind": item.kind, "bound": item.bound, "amount": item.amount,
        "times_week": _rounded(item.times_week), "ug_each": _rounded(item.ug), "ug_day": _rounded(item.ug_day), "notes": list(item.notes),
    }  # fmt: skip
    if eater is not None and item.bound != "none":
        shown["absorbed_ug_each"] = _band(item_nmol(eater, item) / eater.p.nmol_per_ug)
    return shown


# --- reference intakes -------------------------------------------------------------------------------------------------------


def _references(who: Who) -> list[ReferenceIntake]:
    """The current reference intakes of every body for this age and state; without one of its own for a state, the general one."""
    rows = [row for row in intakes() if row.nutrient == "vitamin B12" and row.status == "current" and row.measure in REFERENCES
            and row.value is not None and row.age_low_y <= who.age_y < row.age_high_y]  # fmt: skip
    found = []
    for body in dict.fromkeys(row.body for row in rows):
        own = [row for row in rows if row.body == body and row.state == who.state]
        found += own or [row for row in rows if row.body == body and row.state == "any"]
    return found


def _against(row: ReferenceIntake, daily: tuple[float, float, float]) -> dict[str, Any]:
    value = row.value or 1.0
    return {"body": row.body, "region": row.region, "measure": row.measure, "state": row.state, "ug_day": value, "seen": row.seen,
            "share": _rounded(amount / value for amount in daily)}  # fmt: skip


def _no_value(who: Who, rows: list[ReferenceIntake]) -> list[str]:
    """Bodies of the table that say nothing for this age."""
    bodies = {row.body for row in intakes() if row.nutrient == "vitamin B12" and row.status == "current" and row.measure in REFERENCES
              and row.value is not None}  # fmt: skip
    return sorted(bodies - {row.body for row in rows})


# --- uptake ------------------------------------------------------------------------------------------------------------------


def _absorbed(items: tuple[Item, ...], eater: Person, absorbed: Any, low: Lowered | None) -> dict[str, Any]:
    """What is absorbed a day, and what splitting the largest portion would bring."""
    per_ug = eater.p.nmol_per_ug
    found: dict[str, Any] = {
        "day_ug": _band(absorbed / per_ug),
        "splitting": None,
        "applied": list(low.applied) if low else [],
        "unknown": list(low.unknown) if low else [],
    }
    large = [item for item in items if item.bound != "none" and item.ug[1] >= 3.0]
    if large:
        item = max(large, key=lambda item: item.ug[1])
        law = food_nmol if item.bound == "protein" else crystalline_nmol
        parts = 7 if item.times_week[1] <= 1.0 else 3
        found["splitting"] = {
            "name": item.name, "parts": parts, "whole_ug": _band(law(eater, item.ug[1]) / per_ug),
            "split_ug": _band(parts * law(eater, item.ug[1] / parts) / per_ug),
        }  # fmt: skip
    return found


def _change(
    items: tuple[Item, ...], usual: Usual | None, daily: tuple[float, float, float],
    rows: list[ReferenceIntake], who: Who, eater: Person,
) -> dict[str, Any]:  # fmt: skip
    """What is short, against the largest reference intake, and what would fill it: so many servings a week, or a tablet."""
    goals = [row for row in rows if row.measure in GOALS and row.value]
    short = [row for row in goals if (row.value or 0.0) > daily[1]]
    origins = items_words(items)
    plants_only = (bool(origins) and origins <= {"plant", "fortified plant"}) or (usual is not None and "vegan" in usual[0])
    milk_and_eggs = bool(origins) and not plants_only and "flesh" not in origins
    low_acid = bool(np.median(eater.p.food_release) < 0.95)
    no_path = float(np.median(eater.y.intrinsic_factor_output * eater.p.ileal_uptake))
    found: dict[str, Any] = {
        "short_of": [_called(row) for row in short], "gap_ug_day": 0.0, "goal": None, "servings": [], "older": who.age_y >= OLDER_Y,
        "low_acid": low_acid, "path_share": round(no_path, 2), "little_path": no_path < LITTLE_PATH,
        "eats": "plants" if plants_only else "milk and eggs" if milk_and_eggs else "all",
    }  # fmt: skip
    healthy = person()
    brought = float(np.median(daily_nmol(healthy, items) if usual is None else MEALS_D * food_nmol(healthy, usual[1] / MEALS_D)))
    found["counts_as_ug_day"] = float(f"{_small_meals(brought, healthy):.2g}")
    if short:
        goal = max(short, key=lambda row: row.value or 0.0)
        gap = (goal.value or 0.0) - daily[1]
        found |= {"gap_ug_day": float(f"{gap:.2g}"), "goal": f"{_called(goal)}, {goal.value:g} µg a day"}
        allowed = {"plant", "fortified plant"} | (set() if plants_only else {"milk", "egg"} | (set() if milk_and_eggs else {"flesh"}))
        lacking = 7.0 * (float(np.median(MEALS_D * food_nmol(healthy, (goal.value or 0.0) / MEALS_D))) - brought)
        found["servings"] = _servings(gap, lacking, healthy, allowed, crystalline_first=who.age_y >= OLDER_Y or low_acid)
    return found


def _small_meals(nmol_day: float, healthy: Person) -> float:
    """The ug a day that, eaten in three meals, would bring as much: what a diet of rare large portions counts as."""
    low, high = 0.0, 1000.0
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(np.median(MEALS_D * food_nmol(healthy, middle / MEALS_D))) < nmol_day else (low, middle)
    return high


def _called(row: ReferenceIntake) -> str:
    return row.body if row.measure in row.body.split() else f"{row.body} {row.measure}"


def _servings(
    gap_ug_day: float, lacking_nmol_week: float, healthy: Person, allowed: set[str], *, crystalline_first: bool
) -> list[dict[str, Any]]:
    """Servings a week of single foods that fill the gap, by what they hold and by what of it is absorbed; fewest first, each kind once.

    What is lacking by absorption: what the reference intake in three small meals would bring, less what this diet brings (both in nmol a
    week in healthy people). One large serving brings less than its share.
    """
    table = known.foods()
    offers = []
    for portion in portions().values():
        if portion.offer == "no" or not portion.foods:
            continue
        row = table[portion.foods[0]]
        each = row.ug_per_serving
        if each <= 0.0:
            continue
        law = food_nmol if row.bound == "protein" else crystalline_nmol
        often = max(gap_ug_day * 7.0 / each, lacking_nmol_week / float(np.median(law(healthy, each))))
        if row.origin in allowed and often <= MOST_TIMES_WEEK:
            often = float(np.ceil(often * 2.0) / 2.0)
            serving_g = row.serving_g
            kind = row.group if allowed - {"plant", "fortified plant"} else portion.id
            offers.append((crystalline_first and row.bound != "crystalline", often, kind,
                           {"name": portion.id, "serving_g": serving_g, "ug_serving": float(f"{each:.3g}"), "times_week": often,
                            "bound": row.bound}))  # fmt: skip
    chosen: dict[str, dict[str, Any]] = {}
    for _, _, kind, offer in sorted(offers, key=lambda entry: entry[:2]):
        chosen.setdefault(kind, offer)
    return list(chosen.values())[:OFFERED]


def _vegan(items: tuple[Item, ...], case: Case | None) -> list[dict[str, Any]]:
    """The advice of a vegan body, each way with whether this list follows it; empty where animal food is eaten and no case says vegan."""
    origins = items_words(items)
    says = case is not None and any("vegan" in (entry.diet or "").lower() for entry in case.history.diet)
    if not (says or (origins and origins <= {"plant", "fortified plant"})):
        return []
    fortified = [item for item in items if item.kind == "food" and item.bound == "crystalline"]
    tablets = [item for item in items if item.kind == "product"]
    portions_day = sum(item.times_week[1] for item in fortified) / 7.0
    ug_day = sum(item.ug_day[1] for item in fortified)
    found = []
    for row in intakes():
        if row.state != "vegan" or row.value is None:
            continue
        if row.unit == "ug/wk":
            words, met = f"one product of at least {row.value:g} µg once a week", any(
                item.ug[1] >= row.value and item.times_week[1] >= 1.0 for item in tablets)  # fmt: skip
        elif "fortified" in row.note.lower():
            words, met = f"fortified foods two or three times a day, together at least {row.value:g} µg", (
                ug_day >= row.value and portions_day >= 2.0)  # fmt: skip
        else:
            words, met = f"one product of at least {row.value:g} µg every day", any(
                item.ug[1] >= row.value and item.times_week[1] >= 7.0 for item in tablets)  # fmt: skip
        found.append({"body": row.body, "words": words, "met": bool(met), "seen": row.seen})
    return found


# --- with a case -------------------------------------------------------------------------------------------------------------


def _alone(absorbed: Any, eater: Person, case: Case) -> dict[str, Any]:
    """Whether this food alone would fill a low store, how slowly, and what a daily tablet beside it would do; and what is left out."""
    per_ug = parameters()["nmol_per_ug"].value
    low, goal = (diet_numbers()[name].value * per_ug for name in ("store_low", "store_goal"))
    loss = loss_share(eater)
    reference = parameters()["store_reference"].value
    courses = [("this food alone", absorbed)]
    for ug in TABLETS_UG:
        courses.append((f"with a tablet of {ug:g} µg every day", absorbed + crystalline_nmol(eater, ug)))
    nerves = sorted({finding.what for finding in case.findings if finding.what in NERVES and finding.severity != "none"})
    return {
        "store_low_mg": diet_numbers()["store_low"].value / 1000.0, "store_goal_mg": diet_numbers()["store_goal"].value / 1000.0,
        "loss_ug_day_low": _band(loss * low / per_ug), "loss_ug_day_full": _band(loss * reference / per_ug),
        "store_full_mg": round(reference / per_ug / 1000.0, 2), "absorbed_ug_day": _band(absorbed / per_ug),
        "courses": [_course(words, Fate(np.asarray(amount), loss), low, goal, per_ug) for words, amount in courses],
        "nerves": [sign.replace("_", " ") for sign in nerves], "nitrous_oxide": bool(case.history.nitrous_oxide),
        "given": bool(case.history.past_b12), "left_out": LEFT_OUT,
    }  # fmt: skip


def _course(words: str, fate: Fate, low: float, goal: float, per_ug: float) -> dict[str, Any]:
    days = fate.days(low, goal)
    reached = float(np.mean(np.isfinite(days)))
    shown = None
    if reached >= 0.05:
        among = days[np.isfinite(days)]
        shown = _rounded(np.percentile(among, [5.0, 50.0, 95.0]))
    return {"words": words, "settles_mg": _band(fate.settled / per_ug / 1000.0), "reaches": round(reached, 2),
            "keeps": round(float(np.mean(fate.settled > low)), 2), "days": shown}  # fmt: skip
