"""A study simulated as it was done, and every number it reports beside the one predicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from corrin.engine.simulate import Kernel
from corrin.errors import NotCovered
from corrin.inference.cohort import Cohort, enrol, treat
from corrin.inference.points import AGAINST, Point, Predicted, against, points, predict, reading_days
from corrin.inference.population import Population
from corrin.studies.schema import Arm, Study

DRAWS = 1000


@dataclass
class ArmResult:
    """An arm: its predictions, how well its people met what was told of day 0, or why it was not simulated."""

    name: str
    predicted: list[Predicted] = field(default_factory=list)
    effective: float = 0.0
    resolved: bool = True
    skipped: str = ""


@dataclass
class StudyResult:
    """A study: its arms; `listed` are points that are shown and not counted."""

    study: Study
    arms: list[ArmResult]
    listed: list[Point]

    @property
    def counted(self) -> list[Predicted]:
        """Predictions that count."""
        return [item for arm in self.arms for item in arm.predicted if item.point.counted]


def compare(
    study: Study, kernel: Kernel, population: Population, draws: int = DRAWS, seed: int = 1, roles: tuple[str, ...] = ("fit", "check"),
    progress: Callable[[str, float], None] | None = None,
) -> StudyResult:  # fmt: skip
    """Simulate every arm of a study that can be. Arms of equal people share their draws: what differs then is the treatment."""
    readings = kernel.model.readings
    results: dict[str, ArmResult] = {}
    listed: list[Point] = []
    cohorts: dict[str, Cohort] = {}
    for number, arm in enumerate(study.arm):
        result = results[arm.name] = ArmResult(arm.name)
        reported = points(study, arm, readings)
        listed += [point for point, _ in reported if not point.counted]
        needed = any(point.counted and point.role in roles for point, _ in reported) or _is_versus(study, arm)
        if not needed:
            result.skipped = "nothing to compare" if reported else "no reading of the body reported"
            continue
        if not arm.simulable:
            result.skipped = arm.note or "what was given is not told well enough"
            continue
        try:
            key = _same_people(study, arm)
            if key not in cohorts:
                cohorts[key] = enrol(study, arm, kernel, population, draws, seed)
            cohort = cohorts[key]
        except NotCovered as reason:
            result.skipped = str(reason)
            continue
        days = sorted({day for _, outcome in reported for day in (*reading_days(arm, outcome), outcome.from_day) if day > 0.0})
        days = days or [day for other in study.arm for item in other.outcome for day in item.time_d if day > 0.0]
        seen = treat(cohort, arm, days, kernel, seed)
        result.predicted = predict(study, arm, cohort, seen, population, readings)
        result.effective, result.resolved = cohort.people.effective, cohort.resolved
        if progress:
            progress(f"{study.key}: {arm.name}", (number + 1) / len(study.arm))
    for arm in study.arm:
        results[arm.name].predicted = _differences(study, arm, results, cohorts, kernel, population, seed)
    return StudyResult(study, list(results.values()), listed)


def _is_versus(study: Study, arm: Arm) -> bool:
    return any(outcome.versus == arm.name and outcome.reading for other in study.arm for outcome in other.outcome)


def _same_people(study: Study, arm: Arm) -> str:
    """Arms share their people when nothing about day 0 differs between them."""
    from corrin.inference.cohort import at_entry, who

    return repr((who(study, arm), at_entry(study, arm)))


def _differences(
    study: Study, arm: Arm, results: dict[str, ArmResult], cohorts: dict[str, Cohort], kernel: Kernel, population: Population, seed: int
) -> list[Predicted]:  # fmt: skip
    """Put the other arm's change beside each difference; drop those whose other arm was not simulated."""
    found = []
    for item in results[arm.name].predicted:
        if item.point.statistic not in AGAINST:
            found.append(item)
            continue
        outcome = next(
            o
            for o in arm.outcome
            if o.label == item.point.label and o.reading == item.point.reading and o.statistic == item.point.statistic
            and item.point.day in o.time_d
        )  # fmt: skip
        other = next((one for one in study.arm if one.name == outcome.versus), None)
        if other is None or results[other.name].skipped or _same_people(study, other) not in cohorts:
            continue
        stand_in = other.model_copy(update={"outcome": (outcome,)})
        cohort = cohorts[_same_people(study, other)]
        seen = treat(cohort, stand_in, [*reading_days(stand_in, outcome), outcome.from_day], kernel, seed)
        theirs = [
            one for one in predict(study, stand_in, cohort, seen, population, kernel.model.readings) if one.point.day == item.point.day
        ]
        if theirs:
            found.append(against(item, theirs[0], population))
    return found
