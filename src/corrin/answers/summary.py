"""From draws to what is said about them: weighted quantiles, turning points, what is not expected back. Pure NumPy.

Shapes: `values` (draws, times), `weights` (draws,) adding up to one, `time_days` (times,).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MONTH = 365.25 / 12
HORIZON_MONTHS = 24

SIGN = 1.0
"""A severity score below this is "no sign found" (an examiner's zero); it does not say healed."""
FIRST_STEP_POINTS, FIRST_STEP_SHARE = 0.5, 0.10
"""The first improvement: the score down by the larger of the two. A bigger step takes longer; the report names the step."""
MOST = 0.8
"""Most improvement: this share of the change reached at the horizon."""
NOTABLE_POINTS = 3.0
"""A tract is named as not expected back when its median stays at least so many points (of 100) short."""


def normalised(weights: Floats) -> Floats:
    """Weights (draws,) that add up to one."""
    total = float(weights.sum())
    if not total > 0 or not np.all(weights >= 0):
        raise ValueError("weights must be non-negative and not all zero")
    return np.asarray(weights / total, dtype=np.float64)


def effective_sample_size(weights: Floats) -> float:
    """How many equal draws the weighted ones are worth."""
    share = normalised(weights)
    return float(1.0 / np.sum(share**2))


def quantiles(values: Floats, weights: Floats, at: tuple[float, ...] = QUANTILES) -> Floats:
    """Weighted quantiles (len(at), times) of `values` (draws, times).

    Each draw stands at the middle of its own share of the cumulated weight, straight lines between: with equal weights this is
    the common definition (Hazen), and infinite values (a turning point never reached) stay infinite.
    """
    values = np.atleast_2d(values.T).T
    share = normalised(weights)
    if not share.all():
        values, share = values[share > 0], share[share > 0]
    if np.ptp(share) <= 1e-12:  # equal weights: the same rule in closed form, all columns at once
        ordered = values.T.copy()
        ordered.sort(axis=1)
        if np.isfinite(ordered[:, [0, -1]]).all():
            position = np.clip(np.asarray(at) * len(share) - 0.5, 0.0, len(share) - 1.0)
            below = np.minimum(position.astype(int), max(len(share) - 2, 0))
            above = np.minimum(below + 1, len(share) - 1)
            part = position - below
            return np.asarray((ordered[:, below] * (1.0 - part) + ordered[:, above] * part).T)
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    cumulated = np.cumsum(share[order], axis=0) - 0.5 * share[order]
    result = np.empty((len(at), values.shape[1]))
    for column in range(values.shape[1]):
        result[:, column] = _interpolated(np.asarray(at), cumulated[:, column], ordered[:, column])
    return result


def _interpolated(at: Floats, position: Floats, ordered: Floats) -> Floats:
    """Like np.interp, but infinity beside a finite value gives infinity instead of not-a-number."""
    if np.all(np.isfinite(ordered)):
        return np.asarray(np.interp(at, position, ordered))
    above = np.searchsorted(position, at, side="left").clip(0, len(ordered) - 1)
    finite = np.where(np.isfinite(ordered), ordered, 0.0)
    return np.where(np.isfinite(ordered[above]), np.interp(at, position, finite), ordered[above])


def standard_error_of_median(values: Floats, weights: Floats, effective: float | None = None) -> float:
    """Monte Carlo standard error of a weighted median of `values` (draws,), free of any assumed distribution.

    `effective`: how many independent draws they are worth, where the weights do not tell.
    """
    half = 0.5 / np.sqrt(max(effective or effective_sample_size(weights), 1.0))
    low, high = quantiles(values, weights, (max(0.5 - half, 0.0), min(0.5 + half, 1.0)))[:, 0]
    return float(0.5 * (high - low))


def as_reported(values: Floats, log_sd: float, name: str, seed: int) -> Floats:
    """`values` (draws, times) as a laboratory would report them: one scatter per draw, the same at all times, so bands stay smooth.

    Keyed by seed and name, so that a further reading moves no other band.
    """
    generator = np.random.default_rng([seed, *name.encode()])
    scatter = np.exp(log_sd * generator.standard_normal(values.shape[0]))
    return np.asarray(values * scatter[:, None])


def first_time(time_days: Floats, reached: Floats, level: Floats) -> Floats:
    """First time (draws,) at which `reached` (draws, times) is at or below `level` (draws,), by straight lines; infinite if never."""
    below = reached <= level[:, None]
    ever = below.any(axis=1)
    index = below.argmax(axis=1)
    rows = np.arange(len(reached))
    before = np.maximum(index - 1, 0)
    high, low = reached[rows, before], reached[rows, index]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(high > low, (high - level) / (high - low), 1.0)
    time = time_days[before] + np.clip(part, 0.0, 1.0) * (time_days[index] - time_days[before])
    return np.where(ever, np.where(index == 0, time_days[0], time), np.inf)


def _at(time_days: Floats, values: Floats, day: float) -> Floats:
    """Values (draws,) of `values` (draws, times) on a day of the course, by straight lines."""
    after = int(np.searchsorted(time_days, day, side="right"))
    if after == len(time_days):
        return values[:, -1]
    slope = (values[:, after] - values[:, after - 1]) / (time_days[after] - time_days[after - 1])
    return np.asarray(slope * (day - time_days[after - 1]) + values[:, after - 1])


@dataclass(frozen=True)
class Turning:
    """A turning point over the draws; times in days, None where that quantile never reaches it."""

    name: str
    label: str
    unit: str
    p05: float | None
    p50: float | None
    p95: float | None
    chance: float | None


def _turning(name: str, label: str, times: Floats, weights: Floats) -> Turning:
    reached = float(weights[np.isfinite(times)].sum())
    found = [float(value) if np.isfinite(value) else None for value in quantiles(times, weights, (0.05, 0.5, 0.95))[:, 0]]
    return Turning(name, label, "d", found[0], found[1], found[2], reached)


def turning_points(time_days: Floats, score: Floats, weights: Floats) -> tuple[list[Turning], float]:
    """Milestones of the severity score (draws, times), and the share of draws with signs today.

    All are about the draws with a sign today (score at least `SIGN`): who has none cannot lose it. Empty when there are none.
    """
    share = normalised(weights)
    at = min(HORIZON_MONTHS * MONTH, float(time_days[-1]))
    months = round(at / MONTH)
    start = score[:, 0]
    signs = start >= SIGN
    with_signs = float(share[signs].sum())
    if with_signs <= 0.0:
        return [], 0.0
    score, start, share = score[signs], start[signs], normalised(share[signs])
    end = _at(time_days, score, at)
    step = np.maximum(FIRST_STEP_POINTS, FIRST_STEP_SHARE * start)
    within = time_days <= at + 1e-9
    first = first_time(time_days[within], score[:, within], start - step)
    gain = start - end
    most = np.where(gain >= step, first_time(time_days[within], score[:, within], start - MOST * gain), np.inf)
    full = end < SIGN
    half = (end <= 0.5 * start) & ~full
    worse = end > start + step
    points = [
        _turning(
            "first_improvement",
            f"first improvement (score down by {FIRST_STEP_POINTS:g} points or {FIRST_STEP_SHARE:.0%}, whichever is more)",
            first,
            share,
        ),
        _turning("most_improvement", f"most improvement ({MOST:.0%} of the change reached at {months} months)", most, share),
    ]
    for name, label, happened in (
        ("full_recovery", f"full recovery (no sign found at {months} months)", full),
        ("partial_recovery", f"partial recovery (score at least halved at {months} months, signs remain)", half),
        ("worse", f"worse than today at {months} months", worse),
    ):
        points.append(Turning(name, label, "", None, None, None, float(share[happened].sum())))
    return points, with_signs


def not_expected(time_days: Floats, tracts: Mapping[str, tuple[str, Floats]], weights: Floats) -> list[str]:
    """Sentences on what is not expected back within 24 months (or within the horizon asked for, where that is shorter).

    `tracts`: name -> (label, function (draws, times) in per cent of full working). The part short of 100 at the horizon is "not expected
    back": it holds what never returns and what is still slowly returning, and nobody can tell the two apart at the bedside.
    """
    at = min(HORIZON_MONTHS * MONTH, float(time_days[-1]))
    months = round(at / MONTH)
    sentences = []
    for label, working in tracts.values():
        end = _at(time_days, working, at)
        short = np.minimum(100.0 - end, 100.0 - working[:, 0])
        low, middle, high = quantiles(short, weights, (0.05, 0.5, 0.95))[:, 0]
        if middle >= NOTABLE_POINTS:
            span = f"{max(low, 0.0):.0f} to {high:.0f}"
            sentences.append(f"{label}: about {middle:.0f} of 100 (range {span}) not expected back within {months} months")
    return sentences


def band(time_days: Floats, values: Floats, weights: Floats) -> dict[str, Any]:
    """Five quantiles over time as plain lists, ready for a `Band`."""
    if values.shape[1] != len(time_days):
        raise ValueError(f"values hold {values.shape[1]} times, {len(time_days)} expected")
    found = quantiles(values, weights)
    names = ("p05", "p25", "p50", "p75", "p95")
    return {"time_days": time_days.tolist(), **{name: row.tolist() for name, row in zip(names, found, strict=True)}}
