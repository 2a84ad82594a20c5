"""How good predictions are together: coverage with its exact interval, sharpness, log score, and two baselines to beat.

A baseline says a centre for each point and has one SD for each class of points (reading and scale), the best there is for the very points
it is scored on. That is generous: the model's own SDs are said before the points are seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from corrin.answers.check_record import CheckedPoint, Score, Summary

Z90, Z50 = 1.6448536269514722, 0.6744897501960817
"""Half the width of the intervals that hold 90 and 50 of 100, in SDs of a normal."""
HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def binomial_interval(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share (Clopper and Pearson. Biometrika 1934;26:404-413)."""
    from scipy.special import betaincinv

    tail = 0.5 * (1.0 - level)
    low = 0.0 if hits == 0 else float(betaincinv(hits, of - hits + 1, tail))
    high = 1.0 if hits == of else float(betaincinv(hits + 1, of - hits, 1.0 - tail))
    return low, high


def log_normal_density(miss: float, sd: float) -> float:
    """Log density of a normal at `miss` from its centre."""
    return -0.5 * (miss / sd) ** 2 - math.log(sd) - HALF_LOG_TWO_PI


def score(points: Sequence[CheckedPoint]) -> Score:
    """The numbers of one group; only counted points count."""
    counted = [point for point in points if point.counted]
    if not counted:
        return Score(points=0)
    inside_90, inside_50 = (sum(bool(getattr(point, name)) for point in counted) for name in ("inside_90", "inside_50"))
    folds = [point.fold_error for point in counted if point.fold_error is not None]
    widths = [math.log(point.p95 / point.p05) for point in counted if point.fold_error is not None and point.p95 and point.p05]
    return Score(
        points=len(counted),
        inside_90=inside_90 / len(counted),
        inside_90_interval=binomial_interval(inside_90, len(counted)),
        inside_50=inside_50 / len(counted),
        inside_50_interval=binomial_interval(inside_50, len(counted)),
        levels=len(folds),
        median_fold_error=median(folds) if folds else None,
        mean_log_width=fmean(widths) if widths else None,
        log_score=_mean(point.log_score for point in counted),
        log_score_no_change=_mean(point.log_score_no_change for point in counted),
        log_score_class_mean=_mean(point.log_score_class_mean for point in counted),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    held = [value for value in values if value is not None]
    return fmean(held) if held else None


def summary(points: Sequence[CheckedPoint]) -> Summary:
    """All counted points, and by role, analyte, route, cause, scale and study; larger groups first."""

    def by(of: Callable[[CheckedPoint], str]) -> dict[str, Score]:
        groups: dict[str, list[CheckedPoint]] = {}
        for point in points:
            if point.counted:
                groups.setdefault(of(point), []).append(point)
        return {name: score(held) for name, held in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))}

    return Summary(
        **dict(score(points)),
        by_role=by(lambda point: point.role),
        by_analyte=by(lambda point: point.reading),
        by_route=by(lambda point: point.route),
        by_cause=by(lambda point: point.cause),
        by_scale=by(lambda point: point.scale),
        by_study=by(lambda point: point.study),
    )


@dataclass(frozen=True)
class Shift:
    """How far a study's number moved from its day 0, on the scale of the point."""

    study: str
    reading: str
    route: str
    kind: str
    moved: float


def class_shift(shifts: Sequence[Shift], study: str, reading: str, route: str, kind: str) -> float:
    """Mean movement of the same reading, kind of statistic and route in other studies; by any route where none used this; else none."""
    others = [shift for shift in shifts if shift.study != study and (shift.reading, shift.kind) == (reading, kind)]
    same = [shift.moved for shift in others if shift.route == route] or [shift.moved for shift in others]
    return fmean(same) if same else 0.0


def baseline_sds(misses: Mapping[int, float], classes: Mapping[int, str], floors: Mapping[int, float]) -> dict[int, float]:
    """SD of each point's class: root mean square of its misses, at least the median of what sampling and study differences alone leave."""
    held: dict[str, list[int]] = {}
    for place, name in classes.items():
        held.setdefault(name, []).append(place)
    sds = {}
    for places in held.values():
        best = math.sqrt(fmean(misses[place] ** 2 for place in places))
        sd = max(best, median(floors[place] for place in places))
        sds.update(dict.fromkeys(places, sd))
    return sds


def verdict(found: Summary, asked: int) -> tuple[str, ...]:
    """The summary in sentences. `asked`: how many studies were read."""
    if not found.points or found.inside_90 is None or found.inside_50 is None:
        return (f"No number of {'this study' if asked == 1 else 'these studies'} could be compared; each point below says why.",)
    sentences = [_coverage(found)]
    if found.median_fold_error is not None and found.mean_log_width is not None:
        sentences.append(
            f"Half of the {found.levels} levels were predicted within a factor of {found.median_fold_error:.2f}; "
            f"the 90 % interval of a level spans a factor of {math.exp(found.mean_log_width):.1f} on average."
        )
    if found.log_score is not None and found.log_score_no_change is not None and found.log_score_class_mean is not None:
        gains = {
            "that nothing changes": found.log_score - found.log_score_no_change,
            "the mean of like studies": found.log_score - found.log_score_class_mean,
        }
        better = [f"better than {name} (by {gain:.2f} a point)" for name, gain in gains.items() if gain > 0.0]
        worse = [f"no better than {name} ({gain:+.2f} a point)" for name, gain in gains.items() if gain <= 0.0]
        sentences.append(f"By log score the predictions are {' and '.join((*better, *worse))}.")
    if found.points < FEW:
        sentences.append(f"{found.points} point{'s' if found.points > 1 else ''} cannot tell a good model from a fair one.")
    return tuple(sentences)


FEW = 20


def _coverage(found: Summary) -> str:
    low, high = found.inside_90_interval or (0.0, 1.0)
    middle_low, middle_high = found.inside_50_interval or (0.0, 1.0)
    inside_90, inside_50 = found.inside_90 or 0.0, found.inside_50 or 0.0
    text = (
        f"{round(inside_90 * found.points)} of {found.points} reported numbers ({100 * inside_90:.0f} %; by chance alone "
        f"{100 * low:.0f} to {100 * high:.0f} %) lie inside the predicted 90 % interval, {100 * inside_50:.0f} % inside the 50 % interval"
    )
    if high < 0.9:
        return text + ": the intervals are too narrow for these studies."
    if low > 0.9 or middle_low > 0.5:
        return text + ": the intervals hold, and are wider than these studies need."
    if middle_high < 0.5:
        return text + ": the ends hold, the middle is too narrow."
    return text + ": as often as promised, as far as so many points can tell."
