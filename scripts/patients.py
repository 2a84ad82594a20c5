"""Published patients: what was forecast from the case alone, beside what happened to them. Writes docs/patients.md.

    python scripts/patients.py [--draws N]

Minutes; what has been simulated is kept in build/patients, so that a run goes on where it was cut off and words can be changed
at once (remove the folder after a change of how a person is learned: the key holds model, population and case).
How a thing seen is read: gait as the package reads a grade (normal around the item, SD between examiners of facts/findings.toml); other
severities in the same way from the item of their tract (the package reads only whether they are there; taken over here); a laboratory value
with the variation of its analyte; a direction as a step of the score or item that an examiner can tell (half a point and a tenth).
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

import corrin
from corrin.answers.run import draw_people
from corrin.answers.summary import FIRST_STEP_POINTS, FIRST_STEP_SHARE, SIGN
from corrin.body.symptom import ITEM_POINTS
from corrin.case import known
from corrin.case.case import Case, Lab
from corrin.case.check import in_canonical
from corrin.case.plan import Plan, built_in_plans
from corrin.case.revise import revise
from corrin.case.world import world
from corrin.facts.findings import grades, judged
from corrin.facts.rows import Analyte
from corrin.inference.ahead import follow
from corrin.inference.population import population, the_kernel
from corrin.inference.update import People
from patients_seen import (
    GRADES,
    MEASURED_AGAIN,
    MONTHLY,
    NOT_STATED,
    SEEN,
    SERIES,
    SERIES_SEEN,
    UNDATED_D,
    USUAL_ELSEWHERE,
    Datum,
    day_of,
    entry_of,
    grade_of,
    patients,
    plan_of,
)

Floats = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
PAGE, KEPT = ROOT / "docs" / "patients.md", ROOT / "build" / "patients"
DRAWS, SEED, YEAR_D = 800, 1, 365.25
TAIL = 0.05
COPIES = 25
"""Laboratory results simulated for each draw, evenly over their distribution."""
ITEMS = {
    "vision": ("optic",), "position sense of the hands": ("hand", "dorsal"), "weakness": ("lateral", "motor"), "cognition": ("cognition",),
}  # fmt: skip
READ_AS = {"position sense of the hands": "position_loss"}
HEALTHY = {"function": 100.0, "mmse": 29.0}
"""Where nothing is found, on readings whose table has no place for it."""
HELP = 1.2
"""Gait item from which walking needs help (body/symptom.py)."""
BASES = ("no change", "recovers", "knows nothing")


@dataclass(frozen=True)
class Days:
    """One person's draws: `weights`, readings by name at day 0 and at each day asked for (draws,), and each draw's threshold of signs."""

    weights: Floats
    effective: float
    threshold: Floats
    at: Mapping[float, Mapping[str, Floats]]

    def mean(self, of: Floats) -> float:
        return float(self.weights @ of)


@dataclass(frozen=True)
class Row:
    """A datum beside its forecast. `seen`: probability of what was seen; `least`, `most`: of that or less, that or more; `grades`: of each
    grade; `range`: 5, 50 and 95 % points; `expected`: how often such a datum lies inside if forecasts like this are right; `scores`: the
    forecast's and the baselines' (0 best, 1 worst)."""

    item: Datum
    day: float
    seen: float
    least: float
    most: float
    expected: float
    grades: tuple[float, ...] = ()
    today: tuple[float, ...] = ()
    range: tuple[float, float, float] | None = None
    value: str = ""
    beside: str = ""
    scores: Mapping[str, float] | None = None

    @property
    def inside(self) -> bool:
        return self.least >= TAIL and self.most >= TAIL


# --- simulating ----------------------------------------------------------------------------------------------------------------


def alone(case: Case) -> Case:
    """The case without what was given and what happened then."""
    return case.model_copy(update={"treatments": (), "observed": "not seen"})


def simulated(case: Case, plan: Plan | None, days: Sequence[float], draws: int, kept: Path | None = KEPT) -> Days:
    """The person from the case alone, under a plan (None: day 0 only)."""
    words = json.dumps([
        the_kernel().model.digest(), population().digest(), case.model_dump(mode="json", exclude={"observed", "citation", "note"}),
        plan.to_dict() if plan else None, sorted(days), draws, SEED,
    ])  # fmt: skip
    file = None if kept is None else kept / f"{case.id}-{hashlib.sha256(words.encode()).hexdigest()[:16]}.npz"
    if file is not None and file.exists():
        with np.load(file) as held:
            return _unpacked({name: held[name] for name in held.files})
    people = draw_people(case, draws, SEED, lambda what, share: None)
    arrays = {"weights": np.where(people.run.failed, 0.0, people.weights), "effective": np.array(people.effective)}
    names = the_kernel().model.parameters
    arrays["threshold"] = people.parameters[:, names.index("sign_threshold")]
    now = people.run.readings[np.arange(people.count), people.history.row_of[0.0]]
    arrays |= {f"0 {name}": now[:, place] for place, name in enumerate(the_kernel().model.readings)}
    for day in days:
        arrays |= {f"{day:g} {name}": values for name, values in _on(case, plan, day, people).items()}
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npz")
        np.savez_compressed(part, **dict[str, Any](arrays))
        part.replace(file)
    return _unpacked(arrays)


def _on(case: Case, plan: Plan | None, day: float, people: People) -> Mapping[str, Floats]:
    """Readings at the end of a forecast of so many days: before any dose of that day."""
    assert plan is not None
    course = follow(case, world(case), plan, day / YEAR_D, people, the_kernel(), population(), SEED)
    return {name: np.where(course.failed, np.nan, values[:, -1]) for name, values in course.readings.items()}


def _unpacked(arrays: Mapping[str, Any]) -> Days:
    at: dict[float, dict[str, Floats]] = {}
    for name, values in arrays.items():
        if " " in name:
            day, reading = name.split(" ", 1)
            at.setdefault(float(day), {})[reading] = np.nan_to_num(values)
    bad = np.any([np.isnan(values) for name, values in arrays.items() if " " in name], axis=0)
    weights = np.where(bad, 0.0, arrays["weights"])
    return Days(weights / weights.sum(), float(arrays["effective"]), arrays["threshold"], at)


# --- reading -------------------------------------------------------------------------------------------------------------------


def item_of(days: Days, day: float, what: str) -> Floats:
    """An examiner's item, 0 to 4, of what is graded."""
    now = days.at[day]
    if what == "gait":
        return np.asarray(now["score_gait"])
    missing = np.max([1.0 - now[f"function_{tract}"] / 100.0 for tract in ITEMS[what]], axis=0)
    return ITEM_POINTS * np.maximum(0.0, (missing - days.threshold) / (1.0 - days.threshold))


def graded(days: Days, day: float, what: str) -> tuple[float, ...]:
    """Probability of each grade an examiner would write: normal around the reading, to the nearest grade (facts/grades.csv)."""
    row, now = grades()[READ_AS.get(what, what)], days.at[day]
    if row.reading.startswith("function_"):
        found = np.min([now[f"function_{tract}"] for tract in ITEMS[what]], axis=0)
    else:
        found = now[row.reading]
    places = [row.value(grade) for grade in GRADES]
    places[0] = HEALTHY[row.reading.split("_")[0]] if places[0] is None else places[0]
    middles = [0.5 * (low + high) for low, high in itertools.pairwise(place for place in places if place is not None)]
    falls = -1.0 if middles[-1] < middles[0] else 1.0
    edges = [days.mean(ndtr(falls * (middle - found) / row.sd)) for middle in middles]
    return tuple(float(step) for step in np.diff([0.0, *edges, 1.0]))


def reported(values: Floats, row: Analyte) -> Floats:
    """What a laboratory would report (draws, copies)."""
    noise = ndtri((np.arange(COPIES) + 0.5) / COPIES) * (row.total_cv or 0.2)
    return np.asarray(values[:, None] * np.exp(noise)[None, :])


def points(values: Floats, weights: Floats) -> tuple[float, float, float]:
    """5, 50 and 95 % points of values (draws, copies)."""
    order = np.argsort(values, axis=None)
    share = np.cumsum(np.repeat(weights / values.shape[1], values.shape[1])[order])
    flat = values.ravel()[order]
    low, middle, high = (float(flat[min(int(np.searchsorted(share, p)), share.size - 1)]) for p in (TAIL, 0.5, 1.0 - TAIL))
    return low, middle, high


def limits(case: Case, row: Analyte) -> tuple[float, float]:
    """The laboratory's own limits where the case tells them, else the table's. Metabolites have no lower one that matters."""
    low, high = row.reference_low or 0.0, row.reference_high or math.inf
    for lab in case.labs:
        if known.find_analyte(lab.analyte) is row and lab.unit:
            low = low if lab.reference_low is None else in_canonical(lab.reference_low, lab.unit, row)
            high = high if lab.reference_high is None else in_canonical(lab.reference_high, lab.unit, row)
    return (0.0 if row.id in ("mma", "homocysteine") else low), high


def analyte(name: str) -> Analyte:
    found = known.find_analyte(name)
    assert found is not None
    return found


def within(days: Days, day: float, case: Case, name: str, upper: bool = True) -> float:
    """Probability that a result lies inside its limits; without `upper`, that it is not low."""
    row, (low, high) = analyte(name), limits(case, analyte(name))
    told = reported(days.at[day][row.reading], row)
    return days.mean(np.mean((told >= low) & ((told <= high) | (not upper)), axis=1))


def step(before: Floats) -> Floats:
    """The change an examiner can tell."""
    return np.maximum(FIRST_STEP_POINTS, FIRST_STEP_SHARE * before)


def course_of(days: Days, day: float, what: str) -> Floats:
    return days.at[day]["score"] if what == "score" else item_of(days, day, what)


def row_of(item: Datum, case: Case, days: Days, day: float | None = None, since: float | None = None) -> Row:
    """A datum beside its forecast; `day` and `since` where the forecast begins later than the case."""
    on, first = day_of(case, item) if day is None else day, item.since if since is None else since
    if item.kind == "value":
        return _value(item, case, days, on)
    if item.kind == "grade":
        return _grade(item, case, days, on)
    beside = ""
    if item.kind in MOVES:
        then, before = course_of(days, on, item.what), course_of(days, first, item.what)
        p = days.mean(MOVES[item.kind](then, before).astype(float))
        beside = _moved(item, days, on, first)
    elif item.kind == "signs left":
        p = days.mean((days.at[on]["score"] >= SIGN).astype(float))
    elif item.kind == "limits":
        p = within(days, on, case, item.what)
        if limits(case, analyte(item.what))[0]:
            beside = f"at least not low: {100 * within(days, on, case, item.what, upper=False):.0f} %"
    elif item.kind == "rises":
        row = analyte(item.what)
        sd = math.sqrt(2.0) * (row.total_cv or 0.2)
        p = days.mean(ndtr(np.log(days.at[on][row.reading] / days.at[first][row.reading]) / sd))
    elif item.kind == "felt":
        p = days.mean(np.minimum(days.at[on][f"symptom_{item.what}"], judged("examiners_agree")))
    else:
        return Row(item, on, math.nan, math.nan, math.nan, math.nan)
    still, back = BASELINES[item.kind]
    brier = dict(zip(BASES, ((still - 1.0) ** 2, (back - 1.0) ** 2, 0.25), strict=True))
    return Row(item, on, p, p, 1.0, _expected((p, 1.0 - p)), beside=beside, scores={"corrin": (1.0 - p) ** 2, **brier})


MOVES: Mapping[str, Callable[[Floats, Floats], NDArray[np.bool_]]] = {
    "better": lambda then, before: then < before - step(before),
    "worse": lambda then, before: then > before + step(before),
    "not worse": lambda then, before: then <= before + step(before),
}
BASELINES = {
    "better": (0.0, 1.0), "worse": (0.0, 0.0), "not worse": (1.0, 1.0), "limits": (0.0, 1.0), "rises": (0.0, 1.0), "felt": (1.0, 0.0),
    "signs left": (1.0, 0.0),
}  # fmt: skip
"""Whether what was seen is what "nothing changes" and "everybody recovers fully by then" say."""


def _moved(item: Datum, days: Days, day: float, since: float) -> str:
    """A direction said less strictly: any change at all, and by the whole score where an item was asked."""
    if item.kind == "not worse":
        return ""
    said = []
    for what in dict.fromkeys((item.what, "score")):
        then, before = course_of(days, day, what), course_of(days, since, what)
        way = then < before if item.kind == "better" else then > before
        if what != item.what:
            said.append(f"a step by the whole score {100 * days.mean(MOVES[item.kind](then, before).astype(float)):.0f} %")
        said.append(f"{'by ' if what == item.what else 'of it '}however little {100 * days.mean(way.astype(float)):.0f} %")
    return "; ".join(said)


def _expected(chances: Iterable[float]) -> float:
    """How often an outcome of these chances, in order, lies inside."""
    p = np.array(list(chances))
    least, most = np.cumsum(p), np.cumsum(p[::-1])[::-1]
    if len(p) == 2:  # yes and no have no order
        return float(p[p >= TAIL].sum())
    return float(p[(least >= TAIL) & (most >= TAIL)].sum())


def _grade(item: Datum, case: Case, days: Days, day: float) -> Row:
    seen, chances = grade_of(case, item), graded(days, day, item.what)
    told = 2 if item.told is None else item.told
    cumulative = np.cumsum(chances)[:-1]

    def off(at_most: Floats) -> float:
        return float(np.mean((at_most - (seen <= np.arange(len(GRADES) - 1))) ** 2))

    places = np.arange(len(GRADES) - 1)
    scores = {
        "corrin": off(cumulative), "no change": off((told <= places).astype(float)), "recovers": off(np.ones(len(places))),
        "knows nothing": off((places + 1.0) / len(GRADES)),
    }  # fmt: skip
    beside = (
        f"item below {HELP:g}: {100 * days.mean((item_of(days, day, 'gait') < HELP).astype(float)):.0f} %" if item.what == "gait" else ""
    )
    return Row(
        item, day, chances[seen], sum(chances[: seen + 1]), sum(chances[seen:]), _expected(chances), chances, graded(days, 0.0, item.what),
        beside=beside,
        scores=scores,
    )  # fmt: skip


def _value(item: Datum, case: Case, days: Days, day: float) -> Row:
    entry, row = entry_of(case, item), analyte(item.what)
    assert entry is not None
    assert entry.value is not None
    assert entry.unit is not None
    return valued(item, days, day, row, in_canonical(entry.value, entry.unit, row), entry.comparator)


def valued(item: Datum, days: Days, day: float, row: Analyte, value: float, comparator: str = "=") -> Row:
    """A laboratory value beside its forecast, in the unit of the analyte's table."""
    told = reported(days.at[day][row.reading], row)
    below = days.mean(np.mean(told <= value, axis=1))
    said = f"{'' if comparator == '=' else comparator + ' '}{float(f'{value:.3g}'):g} {row.unit}"
    found = Row(item, day, math.nan, below, 1.0 - below, 1.0 - 2.0 * TAIL, range=points(told, days.weights), value=said)
    if comparator == "=":
        return found
    p = 1.0 - below if comparator.startswith(">") else below
    return replace(found, seen=p, least=p, most=1.0, expected=_expected((p, 1.0 - p)))


# --- the three sets ------------------------------------------------------------------------------------------------------------


def forecast(name: str, draws: int, plan: Plan | None = None, kept: Path | None = KEPT) -> tuple[list[Row], Days]:
    """Everything seen in one patient beside its forecast, and the draws."""
    case = corrin.example(name)
    items = [item for item in SEEN if item.patient == name]
    asked = sorted({day_of(case, item) for item in items if item.kind != "not in the model"} | {item.since for item in items} - {0.0})
    days = simulated(alone(case), plan or plan_of(case)[0], asked, draws, kept)
    return [row_of(item, case, days) for item in items], days


def series(draws: int, kept: Path | None = KEPT) -> list[Row]:
    """Seven patients, four of them measured again, which four not told: all four inside their limits."""
    rows = []
    made = {}
    for name in SERIES:
        case = corrin.example(name)
        made[name] = (case, simulated(alone(case), plan_of(case)[0], [UNDATED_D], draws, kept))
    for marker, said in SERIES_SEEN:
        chances = [within(days, UNDATED_D, case, marker) for case, days in made.values()]
        p = float(np.mean([math.prod(four) for four in itertools.combinations(chances, MEASURED_AGAIN)]))
        item = Datum("pott2012-p1 to p7", None, said, "limits", marker)
        rows.append(Row(item, UNDATED_D, p, p, 1.0, _expected((p, 1.0 - p)), scores={"corrin": (1.0 - p) ** 2, "no change": 1.0,
                                                                                    "recovers": 0.0, "knows nothing": 0.25}))  # fmt: skip
    return rows


LATER = "kaisari2020"


def later(draws: int, kept: Path | None = KEPT) -> list[Row]:
    """What came after day 90 in the one patient followed by measurements, forecast from all that was seen up to day 90."""
    case = corrin.example(LATER)
    assert not isinstance(case.observed, str)
    level, sight = case.observed[3], case.observed[0]
    moved = revise(
        case, [{"analyte": level.analyte, "value": level.value, "unit": level.unit, "date": level.day}],
        [{"what": sight.what, "severity": sight.severity, "date": sight.day}],
    )  # fmt: skip
    begun = tuple(given for given in moved.case.treatments if moved.case.day(given.from_) < 0.0)
    known_then = moved.case.model_copy(update={"treatments": begun, "observed": "not seen"})
    items = [item for item in SEEN if item.patient == LATER and day_of(case, item) > moved.moved_days]
    asked = sorted({day_of(case, item) - moved.moved_days for item in items})
    days = simulated(known_then, built_in_plans()[USUAL_ELSEWHERE], asked, draws, kept)
    return [replace(row_of(item, case, days, day_of(case, item) - moved.moved_days, 0.0), day=day_of(case, item)) for item in items]


def left_out(draws: int, kept: Path | None = KEPT) -> list[Row]:
    """Each laboratory reading of day 0, from everything else in the case."""
    rows = []
    for name in corrin.examples():
        case = alone(corrin.example(name))
        for reading in dict.fromkeys(_reading(lab) for lab in case.labs):
            mine = [lab for lab in case.labs if _reading(lab) == reading and lab.value is not None and lab.unit is not None]
            if reading is None or not mine or not (row := analyte(mine[0].analyte)).reading:
                continue
            lab = mine[0]
            assert lab.value is not None
            assert lab.unit is not None
            rest = case.model_copy(update={"labs": tuple(other for other in case.labs if _reading(other) != reading)})
            days = simulated(rest, None, [], draws, kept)
            item = Datum(name, None, row.name, "value", row.id, day=0.0)
            rows.append(valued(item, days, 0.0, row, in_canonical(lab.value, lab.unit, row), lab.comparator))
            print(f"{name}, {row.name}: {'inside' if rows[-1].inside else 'outside'}", file=sys.stderr)
    return rows


def _reading(lab: Lab) -> str | None:
    """What a result speaks of: a haematocrit speaks of haemoglobin."""
    row = known.find_analyte(lab.analyte)
    return None if row is None else "haemoglobin" if row.id == "haematocrit" else row.reading or None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=DRAWS)
    draws = parser.parse_args().draws
    found, effective = [], {}
    sparse: dict[tuple[str, str], Row] = {}
    for name in patients():
        rows, days = forecast(name, draws)
        found += rows
        effective[name] = days.effective
        if name in NOT_STATED:
            sparse |= {(row.item.patient, row.item.said): row for row in forecast(name, draws, MONTHLY)[0]}
        for row in rows:
            print(name, f"{row.day:g}", row.item.said, f"{row.seen:.3f} {row.least:.3f} {row.most:.3f}", row.range or "", row.inside,
                  [round(g, 2) for g in row.grades], [round(g, 2) for g in row.today], file=sys.stderr)  # fmt: skip
    found += series(draws)
    from patients_page import page

    PAGE.write_text(page(found, later(draws), left_out(draws // 2), sparse, effective, draws), encoding="utf-8")


if __name__ == "__main__":
    main()
