"""How well a simulated person agrees with what was seen: one rule for every kind of observation.

A laboratory value is log-normal around the reading, with the analyte's total variation; `<` and `>` count the whole side. A sign that was
looked for is a chance; a graded finding is normal on the scale of its reading, unless the grade has another cause. Signs of one kind on one
day speak together, not each for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from corrin.case.timeline import Observation
from corrin.facts.findings import judged

Floats = NDArray[np.float64]


def one(item: Observation, predicted: Floats) -> Floats:
    """Log-likelihood of one observation for predictions (people,) in the reading's unit."""
    from scipy.special import log_ndtr

    if item.kind == "present":
        sure = judged("examiners_agree")
        chance = np.clip(predicted, 1.0 - sure, sure)
        return np.log(chance if item.value >= 0.5 else 1.0 - chance)
    if item.kind == "graded":
        sure = judged("examiners_agree")
        return np.asarray(np.logaddexp(np.log(sure) - 0.5 * ((predicted - item.value) / item.sd) ** 2, np.log(1.0 - sure)))
    if item.kind == "unmentioned":
        from scipy.special import ndtr

        beyond = (predicted - item.value) / item.sd
        return np.asarray(np.log1p(-judged("severe_is_named") * ndtr(beyond if item.comparator == "<" else -beyond)))
    gap = np.log(np.maximum(predicted, 1e-9)) - np.log(item.value)
    slip, slip_sd = judged("laboratory_slip"), judged("laboratory_slip_log_sd")
    if item.comparator in ("<", "<="):
        return np.asarray(np.maximum(log_ndtr(-gap / item.log_sd), np.log(slip)))
    if item.comparator in (">", ">="):
        return np.asarray(np.maximum(log_ndtr(gap / item.log_sd), np.log(slip)))
    near = np.log1p(-slip) - 0.5 * (gap / item.log_sd) ** 2 - np.log(item.log_sd)
    far = np.log(slip) - 0.5 * (gap / slip_sd) ** 2 - np.log(slip_sd)
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
