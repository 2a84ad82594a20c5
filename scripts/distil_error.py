"""How the table of distil.py does on people it was not made from: its error against the person-level posterior, stated in the table.

The error depends on what is asked, on the results at hand, on whether a history was told and on the chance said; each is found on people
simulated anew: of a survey, of a clinic, and with histories at ages the table's odds were not made at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.assess.function import Z90, logit, mma_limit
from corrin.answers.assess.function import Person as Asked
from corrin.answers.assess.reports import allowed_for
from corrin.answers.assess.state import Effect, Evidence, lacking
from corrin.answers.assess.why import stated_causes, unnamed_share
from corrin.case.case import Case, History, Person
from corrin.facts import deficiency as facts
from corrin.inference.population import population
from virtual_people import People, believed, histories, of_clinic, of_community, of_history

Floats = NDArray[np.float64]
OTHER_AGES_Y, HISTORY_STEP = (35.0, 70.0), 7
"""Ages at which the odds of a history are tried, and every how many-th history is."""
BOTH = (
    (("metformin", 2000.0, 4.0), ("ppi", 20.0, 4.0)), (("metformin", 1000.0, 12.0), ("autoimmune_gastritis", None, 4.0)),
    (("low_animal_food", None, 12.0), ("ppi", 20.0, 12.0)),
)  # fmt: skip
"""Two things told at once, on which the error is tried as well."""
COMPARED, CROWD_TOLD = 400, 30_000
"""People of each spectrum in whom the table is compared with the person-level posterior, half of them with little function (a sixteenth as
many with each history); and the crowd of people with a history."""
UNSURE = 0.5
"""Where the log odds of the person-level posterior are not known to this SD, nothing is compared."""
LEAST_CHANCE = 1e-3
"""Chances below this, and above one less this, count as the same."""


def evidence(people: People, place: int, names: Sequence[str]) -> list[Evidence]:
    """What a laboratory reports of somebody, as `assess` counts it."""
    made = []
    for name in names:
        x = float(np.log(people.reported[name][place]))
        outside, spared, given = allowed_for(name)
        made.append(Evidence(name, x, x, outside=outside, spared=spared, spared_with=given))
    return made


PATTERNS: Mapping[str, tuple[str, ...]] = {
    "no result": (),
    "serum B12": ("serum_b12",),
    "MMA": ("mma",),
    "homocysteine": ("homocysteine",),
    "active B12": ("holotranscobalamin",),
    "serum B12 and MMA": ("serum_b12", "mma"),
    "serum B12 and homocysteine": ("serum_b12", "homocysteine"),
    "serum B12, MMA, homocysteine": ("serum_b12", "mma", "homocysteine"),
    "serum B12 and active B12": ("serum_b12", "holotranscobalamin"),
    "serum B12 and blood count": ("serum_b12", "haemoglobin", "mcv"),
    "all": facts.MARKERS,
}


@dataclass(frozen=True)
class Told:
    """What somebody told: a history's effects, and how much of a clinic's unnamed causes is left beside it (`Asked`)."""

    effects: tuple[Effect, ...] = ()
    unnamed: float = 1.0


def asked(table: facts.Deficiency, people: People, spectrum: str, place: int, told: Told, kidney: bool = True) -> Asked:
    """One of these people, as the table is asked about them; `kidney`: whether their eGFR is known."""
    egfr = float(people.egfr[place]) if kidney else None
    return Asked(table, spectrum, float(people.age_y[place]), told.effects, egfr, told.unnamed)


def said(
    table: facts.Deficiency, people: People, spectrum: str, names: Sequence[str], places: Sequence[int], told: Told | None = None
) -> Floats:
    """Probability below the floor of these people by these markers and their eGFR."""
    return np.array([asked(table, people, spectrum, k, told or Told()).lacks(evidence(people, k, names)) for k in places])


def score(said_: Floats, true: NDArray[np.bool_]) -> float:
    """Mean log score."""
    p = np.clip(said_, 1e-6, 1.0 - 1e-6)
    return float(np.where(true, np.log(p), np.log(1.0 - p)).mean())


def area(said_: Floats, true: NDArray[np.bool_]) -> float:
    """Area under the ROC curve."""
    from scipy.stats import rankdata

    ranks, positive = rankdata(said_), int(true.sum())
    return float((ranks[true].sum() - positive * (positive + 1) / 2) / (positive * (len(true) - positive)))


@dataclass(frozen=True)
class Tried:
    """Somebody's chance by the table and by the person-level posterior, the SD of the latter's log odds from its own draws, and by what."""

    said: float
    true: float
    chance_sd: float
    names: tuple[str, ...] = ()
    whom: str = ""


def tried(
    table: facts.Deficiency, people: People, crowd: People, spectrum: str, places: Sequence[int], told: Told | None = None
) -> tuple[list[Tried], list[Tried]]:
    """The table against the person-level posterior of these people: function below the floor, and methylmalonic acid above its limit. The
    eGFR of every other one is not known."""
    function, exceeding = [], []
    whom = spectrum if told is None else facts.HISTORY_TOLD
    for number, k in enumerate(places):
        person = asked(table, people, spectrum, k, told or Told(), kidney=number % 2 == 0)
        limit = mma_limit(table, person.egfr)
        for names in PATTERNS.values():
            items = evidence(people, k, names)
            results = {name: float(people.reported[name][k]) for name in names}
            true = believed(crowd, float(people.age_y[k]), person.egfr, results, table.floor_percent, limit)
            p = person.lacks(items)
            # How sure the posterior is, is taken where both are in the middle, so that neither of them decides.
            function.append(Tried(p, true.lacking, true.chance_sd(0.5 * (p + true.lacking)), names, whom))
            if "mma" not in names:
                exceeding.append(Tried(person.exceeds(items, limit), true.above, true.above_sd, names, whom))
    return [row for row in function if row.chance_sd < UNSURE], [row for row in exceeding if row.chance_sd < UNSURE]


def gap(row: Tried) -> float:
    """Log odds of the table less those of the person-level posterior."""
    low, high = LEAST_CHANCE, 1.0 - LEAST_CHANCE
    return logit(min(max(row.said, low), high)) - logit(min(max(row.true, low), high))


LEAST_ERROR, FIRST_ERROR = 0.1, 0.3
"""No error is said to be smaller than the first, in log odds; the second is believed before anything is seen."""
LIKE_PEOPLE = 15.0
"""A kind of results is believed to err like all kinds until so many people of it were seen."""
MANY_ERRORS = 30
"""From so many people on, nine tenths of them shall lie within nine tenths of the error, however their differences are spread."""


def error_of(rows: Sequence[Tried], usual: float) -> float:
    """Error in log odds: root mean square of the differences less the chance of the posterior's own draws, `usual` where few were seen; at
    least what holds nine tenths of them."""
    squares = np.array([gap(row) ** 2 - row.chance_sd**2 for row in rows])
    error = float(np.sqrt(max((squares.sum() + LIKE_PEOPLE * usual**2) / (len(rows) + LIKE_PEOPLE), LEAST_ERROR**2)))
    if len(rows) < MANY_ERRORS:
        return error
    return max(error, float(np.sqrt(max(np.quantile(squares, 0.9), 0.0))) / Z90)


def errors(function: Sequence[Tried], exceeding: Sequence[Tried]) -> dict[str, tuple[float, ...]]:
    """The table's error by what is asked, the results, whom, and the chance said (`Deficiency.errors`)."""
    made = {}
    for quantity, rows in (("function", function), ("mma", exceeding)):
        everybody = error_of(rows, FIRST_ERROR)
        for whom in facts.WHOM:
            for marker in ("", *facts.MARKERS):
                key = facts.error_key(quantity, {marker}, whom)
                found = []
                for low, high in pairwise(facts.LIMITS):
                    near = [row for row in rows if row.whom == whom and (low <= row.said < high or row.said == high == 1.0)]
                    mine = [row for row in near if facts.error_key(quantity, row.names, whom) == key]
                    found.append(error_of(mine, error_of(near, everybody)))
                made[key] = tuple(found)
    return made


def regions(rows: Sequence[Tried], whole: Floats, true: Floats) -> tuple[facts.Region, ...]:
    """By what the table said: how many people, mean said, true, and its error. `whole`, `true`: said of everybody, and how it was."""
    made = []
    for low, high in pairwise(facts.LIMITS):
        inside = (whole >= low) & ((whole < high) | (high == 1.0))
        error = error_of([row for row in rows if low <= row.said < high or row.said == high == 1.0], FIRST_ERROR)
        middle = 0.5 * (low + high)
        said_, true_ = (float(whole[inside].mean()), float(true[inside].mean())) if inside.any() else (middle, middle)
        made.append(facts.Region(low, high, int(inside.sum()), said_, true_, error))
    return tuple(made)


def areas(table: facts.Deficiency, tests: Mapping[str, People]) -> tuple[Floats, Floats, dict[str, float]]:
    """What the table says of many people by each pattern of markers, whether it is so, and the areas under the curves."""
    all_said, all_true, aucs = [], [], {}
    for spectrum, people in tests.items():
        places = range(min(people.count, 3000))
        true = people.activity[: len(places)] < table.floor_percent
        for label, names in PATTERNS.items():
            found = said(table, people, spectrum, names, places)
            aucs[f"{spectrum}: {label}"] = round(area(found, true), 3)
            all_said.append(found)
            all_true.append(true)
    return np.concatenate(all_said), np.concatenate(all_true).astype(float), aucs


def case_with(age_y: float, history: Mapping[str, Any]) -> Case:
    """Somebody with a history and nothing else."""
    return Case(format="corrin.case/1", as_of="day 0", person=Person(age_y=age_y), history=History.model_validate(dict(history)))


def history_error(table: facts.Deficiency, count: int, seed: int) -> float:
    """How far the prior with a history lies from people simulated with it, at ages the table's odds were not made at (log odds)."""
    whole, gaps = population(), []
    for age_y in OTHER_AGES_Y:
        for name, amount, years, history, _ in list(histories())[::HISTORY_STEP]:
            if name == "nitrous_oxide":
                continue
            people = of_history(whole, age_y, count, seed, history)
            told = told_of(table, age_y, history)
            said_ = lacking(Asked(table, "clinic", age_y, told.effects, None, told.unnamed).prior(table.central), table)
            true = float((people.activity < table.floor_percent).mean())
            gaps.append(gap(Tried(said_, true, 0.0)))
            print(f"{name} {amount or ''} {years or ''} at {age_y:g}: said {said_:.1%}, true {true:.1%}", file=sys.stderr)
    return float(np.sqrt(np.mean(np.square(gaps))))


def told_of(table: facts.Deficiency, age_y: float, history: Mapping[str, Any]) -> Told:
    """What the table makes of a history."""
    case = case_with(age_y, history)
    named = stated_causes(case, table, {})
    return Told(tuple(cause.effect for cause in named if cause.effect is not None), unnamed_share(case, named))


def on_others(table: facts.Deficiency, crowds: Mapping[str, People], seed: int, count: int = COMPARED) -> facts.Deficiency:
    """The table with its error, tried on people it was not made from: of a survey, of a clinic, and with histories at other ages."""
    whole = population()
    fresh = {"community": of_community(whole, 10_000, seed + 2000), "clinic": of_clinic(whole, 10_000, seed + 2000)}
    function, exceeding = [], []
    for spectrum, people in fresh.items():
        little = np.flatnonzero(people.activity < 1.3 * table.floor_percent)[: count // 2].tolist()
        usual = np.random.default_rng(seed).permutation(people.count)[: count - len(little)].tolist()
        both = tried(table, people, crowds[spectrum], spectrum, [*little, *usual])
        function += both[0]
        exceeding += both[1]
    everybody, true, aucs = areas(table, fresh)
    chances = np.array([row.said for row in exceeding])
    parts = regions(function, everybody, true), regions(exceeding, chances, np.array([row.true for row in exceeding]))
    for number, (age_y, history) in enumerate(told_histories()):
        people, crowd = (of_history(whole, age_y, n, seed + k, history) for n, k in ((count // 16, 3000 + number), (CROWD_TOLD, 4000)))
        both = tried(table, people, crowd, "clinic", range(people.count), told_of(table, age_y, history))
        function += both[0]
        exceeding += both[1]
        print(f"told {number + 1}: {json.dumps(history)} at {age_y:g}", file=sys.stderr)
    return replace(table, regions=parts[0], exceeding=parts[1], errors=errors(function, exceeding), auc=aucs)


def told_histories() -> Iterator[tuple[float, dict[str, Any]]]:
    """Histories the error is tried on: every few of those the table has, at ages its odds were not made at; and two things at once."""
    rows = [row for row in histories() if row[0] != "nitrous_oxide"]
    for age_y in OTHER_AGES_Y:
        for _, _, _, history, _ in rows[::HISTORY_STEP]:
            yield age_y, history
    single = {(name, amount, years): history for name, amount, years, history, _ in rows}
    for first, second in BOTH:
        yield (
            OTHER_AGES_Y[-1],
            {key: [*single[first].get(key, []), *single[second].get(key, [])] for key in {**single[first], **single[second]}},
        )


def weights(table: facts.Deficiency, tests: Mapping[str, People]) -> dict[str, float]:
    """How much total B12 still counts beside active B12 and the reverse: what predicts best on other people."""
    names, best, found = ("serum_b12", "holotranscobalamin"), -np.inf, {}
    for total in (0.0, 0.15, 0.3, 0.45, 0.6):
        for active in (0.7, 0.85, 1.0):
            beside = {"serum_b12 beside holotranscobalamin": total, "holotranscobalamin beside serum_b12": active}
            tried = replace(table, beside=beside)
            value = sum(
                score(said(tried, people, spectrum, names, range(1500)), people.activity[:1500] < table.floor_percent)
                for spectrum, people in tests.items()
            )
            if value > best:
                best, found = value, beside
    return found
