"""The seam between the model and the check of studies: studies in, plain rows with predictions out, one study after another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from corrin.answers.score import Z90, Shift
from corrin.studies.reader import analyte_of, in_reading_unit
from corrin.studies.schema import Arm, Outcome, Study

if TYPE_CHECKING:
    from corrin.inference.points import Point, Predicted
    from corrin.inference.population import Population

Progress = Callable[[str, float], None]
NORMAL_95 = 1.959964
MIXED = ("mixed", "omni")
MIDDLES = ("mean", "median", "geometric mean")


@dataclass(frozen=True)
class Compared:
    """One reported number with what was predicted; `why_not` where it does not count. Centres of the baselines on the point's scale."""

    point: Any
    outcome: Outcome
    predicted: Any
    why_not: str
    route: str
    cause: str
    low: float | None
    high: float | None
    no_change: float | None


@dataclass
class StudyRun:
    """A study as it was simulated. `arms`: name -> (why it was not simulated, effective draws, whether its people are as those who entered:
    draws enough, and what was reported of day 0 inside their own 90 % interval)."""

    study: Study
    rows: list[Compared] = field(default_factory=list)
    arms: dict[str, tuple[str, float, bool]] = field(default_factory=dict)
    left_out: bool = False
    chance_error: float = 0.0


@dataclass(frozen=True)
class Basis:
    """What predictions rest on: hashes, and the population's calibration (`none`, `current`, `stale`)."""

    hashes: dict[str, str]
    calibration: Any

    @property
    def calibrated(self) -> bool:
        return bool(self.calibration != "none")


def population_without(key: str) -> tuple[Population, bool]:
    """The population calibrated without a study, and whether anything had to be left out."""
    from corrin.facts.calibration import calibration
    from corrin.inference import population as people_of

    made = calibration()
    return people_of.population_without(key), made is not None and key in made.shifts


def basis() -> Basis:
    """Hashes of the model and the population."""
    from corrin.inference.population import calibration_state, population, the_kernel

    people = population()
    hashes = {"program": the_kernel().model.digest()[:16], "population": people.digest()[:16]}
    return Basis(hashes, calibration_state())


def compare_study(study: Study, draws: int, seed: int, progress: Progress) -> StudyRun:
    """Simulate a study and put each of its numbers beside its prediction."""
    import numpy as np

    from corrin.inference.compare import compare
    from corrin.inference.points import points
    from corrin.inference.population import the_kernel

    kernel = the_kernel()
    population, left_out = population_without(study.key)
    found = StudyRun(study, left_out=left_out)
    predicted: dict[Point, Predicted] = {}
    try:
        result = compare(study, kernel, population, draws, seed, progress=progress)
    except (ArithmeticError, np.linalg.LinAlgError, ValueError) as error:
        why = f"the simulation failed ({type(error).__name__}); this is our fault"
        found.arms = {arm.name: (why, 0.0, False) for arm in study.arm}
    else:
        for done in result.arms:
            found.arms[done.name] = (done.skipped, done.effective, done.resolved)
            for item in done.predicted:
                if math.isfinite(item.z()) and item.sd > 0.0 and all(math.isfinite(value) for value in item.quantiles().values()):
                    predicted[item.point] = item
                    own = item.sampling * math.sqrt(item.people / max(done.effective, 1.0))
                    found.chance_error = max(found.chance_error, own / (2.0 * 1.6448536 * item.total))
    for arm in study.arm:
        skipped, effective, resolved = found.arms[arm.name]
        for point, outcome in points(study, arm, kernel.model.readings):
            item = predicted.get(point)
            found.rows.append(_row(study, arm, point, outcome, item, skipped))
            if point.day <= 0.0 and item is not None and abs(item.z()) > Z90:
                resolved = False
        found.arms[arm.name] = (skipped, effective, resolved)
    return found


def _row(study: Study, arm: Arm, point: Point, outcome: Outcome, predicted: Predicted | None, skipped: str) -> Compared:
    why = point.why_not
    if not why and predicted is None:
        why = skipped or ("the other arm could not be simulated" if outcome.versus else "too few people could be simulated")
    low, high = own_interval(outcome, point)
    return Compared(
        point, outcome, predicted, why, route_of(arm), cause_of(study, arm), low, high,
        None if predicted is None else day_0(study, arm, outcome, predicted),
    )  # fmt: skip


def route_of(arm: Arm) -> str:
    """How the arm's B12 got in: the route of its product, else what else was changed, else none."""
    from corrin.case.known import find_product

    product = find_product(arm.product) if arm.product else None
    if product is not None and any(ug > 0.0 for _, ug in arm.dose_list()):
        return str(product.route)
    return "diet" if arm.diet is not None else "none"


def cause_of(study: Study, arm: Arm) -> str:
    """What most likely took the B12: the first condition of the history, else operation, gas, drug or a diet that lacks animal food, else
    unknown."""
    history = (arm.population or study.population).history
    named: list[str] = [condition.name for condition in history.conditions]
    named += [operation.name for operation in history.operations]
    named += ["nitrous oxide"] if history.nitrous_oxide else []
    named += [drug.name for drug in history.drugs]
    named += [f"{diet.diet} diet" for diet in history.diet if diet.diet and not diet.diet.lower().startswith(MIXED)]
    return named[0].strip().lower().replace("_", " ") if named else "unknown"


def day_0(study: Study, arm: Arm, outcome: Outcome, predicted: Predicted) -> float:
    """What `no change` says, on the point's scale: the reported day 0 where there is one, else the drawn; no difference for the rest."""
    if predicted.point.statistic not in (*MIDDLES, "percent"):
        return 0.0
    reported = reported_day_0(study, arm, outcome, predicted.point.statistic)
    if reported is not None:
        return float(predicted.on_scale(reported))
    if predicted.day0 is None:
        return float(predicted.centre)
    return float(predicted.on_scale(100.0 * predicted.day0)) if predicted.point.scale == "share" else float(predicted.day0)


def reported_day_0(study: Study, arm: Arm, outcome: Outcome, statistic: str) -> float | None:
    """The same quantity on day 0, in the unit of the point: of the outcome itself, else (a level) of the arm's or the study's baseline."""
    if statistic == "percent":
        same = [outcome]
    else:
        same = [one for one in (outcome, *arm.baseline, *study.baseline) if one.reading == outcome.reading and one.statistic in MIDDLES]
    for one in same:
        for day, value in zip(one.time_d, one.value, strict=True):
            if day <= 0.0 and value is not None and one.reading is not None:
                if statistic == "percent":
                    return float(value) * (100.0 * in_reading_unit(1.0, one.unit, one.reading) if one.statistic in MIDDLES else 1.0)
                level = in_reading_unit(value, one.unit, one.reading)
                if level > 0.0:
                    return level
    return None


def shift_kind(point: Point) -> str:
    """Which movements are alike: of levels (log or linear), of shares, and each kind of change."""
    return str(point.scale) if point.statistic in (*MIDDLES, "percent") else str(point.statistic)


def sd_class(point: Point) -> str:
    """Points of a reading whose misses have one size: levels, shares, changes in the unit, changes in %, ratios."""
    return str(point.statistic) if point.statistic in ("percent change", "ratio") else str(point.scale)


def shifts_of(study: Study) -> list[Shift]:
    """How far each counted number of a study moved from its reported day 0; nothing is simulated for it."""
    from corrin.inference.points import Predicted, points
    from corrin.inference.population import the_model

    found = []
    for arm in study.arm:
        for point, outcome in points(study, arm, the_model().readings):
            if not point.counted:
                continue
            scale = Predicted(point, 0.0, 0.0, 0.0, 1.0)
            if point.statistic not in (*MIDDLES, "percent"):
                moved = scale.on_scale(point.observed)
            else:
                first = reported_day_0(study, arm, outcome, point.statistic)
                if first is None:
                    continue
                moved = scale.on_scale(point.observed) - scale.on_scale(first)
            found.append(Shift(study.key, point.reading, route_of(arm), shift_kind(point), moved))
    return found


def own_interval(outcome: Outcome, point: Point) -> tuple[float | None, float | None]:
    """The study's own 95 % interval of its statistic, in the unit of the point; (None, None) where spread and n do not tell it."""
    place = outcome.time_d.index(point.day)
    if point.scale == "share":
        return _wilson(point.observed / 100.0, point.n) if point.n else (None, None)
    reading = outcome.reading or ""

    def at(values: tuple[float | None, ...]) -> float | None:
        value = values[place] if place < len(values) else None
        if value is None or point.statistic in ("percent change", "ratio"):
            return value
        return in_reading_unit(value, outcome.unit, reading)

    low, high = at(outcome.low), at(outcome.high)
    if outcome.spread == "ci95" and low is not None and high is not None:
        return low, high
    if point.scale == "log" and point.statistic != "ratio":
        from corrin.inference.cohort import log_moments

        moments = log_moments(outcome, place, None)
        if moments is None or not point.n:
            return None, None
        wide = NORMAL_95 * moments[1] / math.sqrt(point.n) * (1.2533 if point.statistic == "median" else 1.0)
        return point.observed * math.exp(-wide), point.observed * math.exp(wide)
    sd = at(outcome.sd) if outcome.spread in ("sd", "se") else None
    if outcome.spread == "iqr" and low is not None and high is not None:
        sd = (high - low) / 1.349
    if sd is None or (outcome.spread != "se" and not point.n):
        return None, None
    wide = NORMAL_95 * sd / (1.0 if outcome.spread == "se" else math.sqrt(point.n or 1))
    return point.observed - wide, point.observed + wide


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share, in %."""
    z = NORMAL_95
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    wide = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return 100.0 * max(0.0, middle - wide), 100.0 * min(1.0, middle + wide)


def not_compared(arm: Arm, readings: Sequence[str]) -> tuple[str, ...]:
    """Outcomes of an arm that have no counterpart, each with the reason."""
    from corrin.inference.points import SIMULATED

    found = []
    for outcome in arm.outcome:
        if outcome.reading is None:
            found.append(f"{outcome.label}: no reading of the body")
        elif outcome.reading not in readings:
            found.append(f"{outcome.label}: the body has no reading {outcome.reading}")
        elif outcome.statistic not in SIMULATED:
            found.append(f"{outcome.label}: the statistic `{outcome.statistic}` is kept and not simulated")
    return tuple(found)


def unit_of(point: Point) -> str:
    """The unit a point is shown in."""
    if point.statistic in ("percent", "percent change"):
        return "%"
    if point.statistic == "ratio":
        return "1"
    from corrin.studies.reader import OTHER_READINGS

    row = analyte_of(point.reading)
    return str(row.unit) if row is not None else OTHER_READINGS[point.reading]
