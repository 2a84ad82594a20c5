"""What the model hands to an answer: arrays over draws, and nothing of how they came about.

Axes: draw first, then time. Times are days from today (`as_of`), history negative, ascending; the future begins at 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReadingInfo:
    """How a reading is named and shown (from the body's own `Reading`)."""

    label: str
    unit: str
    group: str
    lab: bool = False
    assumed: str = ""


@dataclass(frozen=True)
class Course:
    """Readings over time: `time_days` (times,), `values` reading -> (draws, times) in the reading's unit."""

    time_days: Floats
    values: Mapping[str, Floats]


@dataclass(frozen=True)
class Computed:
    """Everything the model knows of one person: `weights` (draws,) after their own data; `past` under no new plan, `futures` by plan.

    A draw of weight 0 (one that could not be computed) is left out; its values may be anything.
    """

    weights: Floats
    readings: Mapping[str, ReadingInfo]
    past: Course
    futures: Mapping[str, Course]
    causes: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """name -> (words for it, probability)"""
    parameters: tuple[str, ...] = ()
    """Names of the parameters the equations used."""
    modifiers: tuple[str, ...] = ()
    """Ids of the modifier rows that applied to this person."""
    studies: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    """`program`, `population` ... as far as they exist."""
    contradiction: str = ""
    """A sentence when the data contradict the model, else empty."""
    notices: tuple[tuple[str, str], ...] = ()
    """Further warnings: (code of `WarningCode`, sentence)."""
    failed_people: int = 0
    effective: float | None = None
    """How many independent draws these are worth, where the weights do not tell (draws copied and moved); None: from the weights."""
    ended: Mapping[str, Mapping[int, Floats]] = field(default_factory=dict)
    """plan -> number of a phase that a rule ends -> (draws,) day on which it ended."""
    certificate: float | None = None
    """Largest accumulated relative error of the solution over the people that count."""
