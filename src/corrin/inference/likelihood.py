"""How well a simulated person agrees with what was seen: one rule for every kind of observation.

A laboratory value is log-normal around the reading, with the analyte's total variation; `<` and `>` count the whole side. A sign that was
looked for is a chance; graded findings are normal in points. Signs of one kind on one day speak together, not each for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from corrin.case.timeline import Observation

Floats = NDArray[np.float64]
SURE = 0.98
"""A sign is never counted as more certain than this: examiners differ (assumed)."""
TAIL = 1e-4
"""Share of laboratory results that are wrong in a way no variation describes (assumed); keeps one slip from ruling out everybody."""
TAIL_LOG_SD = 1.2


NAMED = 0.85
"""Chance that something severe would have been written down (assumed)."""


def one(item: Observation, predicted: Floats) -> Floats:
    """Log-likelihood of one observation for predictions (people,) in the reading's unit."""
    from scipy.special import log_ndtr

    if item.kind == "present":
        chance = np.clip(predicted, 1.0 - SURE, SURE)
        return np.log(chance if item.value >= 0.5 else 1.0 - chance)
    if item.kind == "graded":
        return -0.5 * ((predicted - item.value) / item.sd) ** 2
    if item.kind == "unmentioned":
        from scipy.special import ndtr

        beyond = (predicted - item.value) / item.sd
        return np.log1p(-NAMED * ndtr(beyond if item.comparator == "<" else -beyond))
    gap = np.log(np.maximum(predicted, 1e-9)) - np.log(item.value)
    if item.comparator in ("<", "<="):
        return np.asarray(np.maximum(log_ndtr(-gap / item.log_sd), np.log(TAIL)))
    if item.comparator in (">", ">="):
        return np.asarray(np.maximum(log_ndtr(gap / item.log_sd), np.log(TAIL)))
    near = np.log1p(-TAIL) - 0.5 * (gap / item.log_sd) ** 2 - np.log(item.log_sd)
    far = np.log(TAIL) - 0.5 * (gap / TAIL_LOG_SD) ** 2 - np.log(TAIL_LOG_SD)
    return np.asarray(np.logaddexp(near, far))


def total(observations: Sequence[Observation], predict: Callable[[Observation], Floats], people: int) -> Floats:
    """Log-likelihood of all; `predict(observation)` gives the reading at its time for every person."""
    score = np.zeros(people)
    groups: dict[tuple[str, float, str], list[Observation]] = {}
    for item in observations:
        groups.setdefault((item.reading, item.time_days, item.kind), []).append(item)
    for items in groups.values():
        parts = [one(item, predict(item)) for item in items]
        score += np.sum(parts, axis=0) if items[0].kind == "lab" else np.mean(parts, axis=0)
    return score
