"""When what was measured and found cannot be joined in one person: which result lies off, where, beside what, and what would explain it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corrin.answers.reported import as_reported
from corrin.answers.summary import normalised, quantiles
from corrin.case.case import Case
from corrin.case.timeline import Observation
from corrin.facts.misfits import Misfit
from corrin.facts.misfits import misfits as table

if TYPE_CHECKING:
    from corrin.inference.update import People

FAR = 3.0
"""A result further than this (in its own SD) from the middle of the draws contradicts the model."""
UNLIKELY = 0.04
"""So does a finding whose opposite the draws expect: the mean chance of what was seen is at most this (a sign is never surer than 0.98)."""
MOST_CAUSES = 3
"""So many causes are named for each result; the table has the likeliest first."""
BESIDE = 0.5
"""A result that pulls the other way is named beside it when it lies at least so many of its SDs off."""


@dataclass(frozen=True)
class Off:
    """One observation and how far off it lies: `size` in its own SD, above (+) or below what is expected of the draws."""

    observation: Observation
    size: float
    chance: float = 1.0
    """For a sign: the mean chance of what was seen."""

    @property
    def far(self) -> bool:
        """Whether it contradicts the model."""
        return self.chance <= UNLIKELY if self.observation.kind == "present" else abs(self.size) > FAR

    @property
    def row(self) -> Misfit | None:
        """What the table says of it."""
        return table().get((self.observation.reading, "above" if self.size > 0 else "below"))


def misfits(observations: Sequence[Observation], people: People, readings: Sequence[str]) -> list[Off]:
    """Every observation that one can lie off from; what nobody mentioned is not one."""
    found = []
    drawn = np.arange(people.count)
    counted = ~people.run.failed
    weights = normalised(np.where(counted, people.weights, 0.0))
    for item in observations:
        if item.reading not in readings or item.kind == "unmentioned":
            continue
        predicted = people.run.readings[drawn, people.history.row_of[item.time_days], readings.index(item.reading)]
        predicted = np.where(counted, predicted, 0.0)
        if item.kind == "present":
            chance = float(weights @ np.clip(predicted, 0.02, 0.98))
            seen = item.value >= 0.5
            found.append(Off(item, (1.0 if seen else -1.0) * (1.0 - (chance if seen else 1.0 - chance)), chance if seen else 1.0 - chance))
            continue
        middle = float(quantiles(predicted[counted, None], weights[counted], (0.5,))[0, 0])
        if item.kind == "graded":
            found.append(Off(item, (item.value - middle) / item.sd))
            continue
        size = float(np.log(item.value) - np.log(max(middle, 1e-9))) / item.log_sd
        outside = size < 0 if item.comparator in ("<", "<=") else size > 0 if item.comparator in (">", ">=") else True
        found.append(Off(item, size if outside else 0.0))
    return found


def contradiction(case: Case, off: Sequence[Off]) -> str:
    """A sentence or three when something lies too far off; empty otherwise."""
    far = sorted((item for item in off if item.far), key=lambda item: -abs(item.size))  # a sign's size is below 1: results first
    if not far:
        return ""
    worst = far[0]
    beside = _beside(worst, off)
    others = [_name(case, item) for item in far[1:3] if item is not beside]
    rest = _name(case, beside) if beside else "the rest"
    which = "the first" if beside else "it"
    sentences = [f"No simulated person like this explains {_name(case, worst)} together with {rest}: {_where(worst, which)}."]
    if others:
        sentences.append(f"{_capital(' and '.join(others))} {'does' if len(others) == 1 else 'do'} not fit either.")
    consider = list(dict.fromkeys(cause for item in (worst, beside) if item and item.row for cause in item.row.consider[:MOST_CAUSES]))
    if consider:
        sentences.append(f"Consider {_listed(consider)}.")
    return " ".join([*sentences, "Check the value, its unit and its date as well."])


def _beside(worst: Off, off: Sequence[Off]) -> Off | None:
    """The result that pulls hardest the other way: one says lack of B12 and the other does not."""
    if worst.row is None:
        return None
    against = [
        item for item in off if item.row and item.row.lack != worst.row.lack and item.observation.kind == "lab" and abs(item.size) >= BESIDE
    ]
    return max(against, key=lambda item: abs(item.size), default=None)


def _name(case: Case, item: Off) -> str:
    return as_reported(case, item.observation.label)


def _where(item: Off, which: str) -> str:
    if item.observation.kind == "present":
        return f"the chance of that finding is {100 * item.chance:.0f} of 100 in the people that remain"
    side = "above" if item.size > 0 else "below"
    own = "of its own variations" if item.observation.kind == "lab" else "of an examiner's variations"
    return f"{which} lies {abs(item.size):.1f} {own} {side} what the model expects"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
