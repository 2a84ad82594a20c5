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
class Unknown:
    """One random number of a person. `z` (draws,) is standard normal before anything was measured; `value` (draws,) is what it stands for.

    `group`: structure (which form of the model), person (a parameter of the body), history (cause, onset, completeness, adherence).
    `unsure`: share of a parameter's variance that is lack of knowledge of the typical value; the rest is how people differ.
    `before`: value at the 5, 50 and 95 % points before the results; with `levels` the probability of each level.
    `before_moments`: mean and variance of z before the results.
    """

    label: str
    unit: str
    group: str
    unsure: float
    z: Floats
    value: Floats
    before: Floats
    before_moments: tuple[float, float] = (0.0, 1.0)
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Before:
    """The same person with less known: `what` is `no-results` (the history alone) or `earlier-results`. Draws of their own."""

    what: str
    weights: Floats
    courses: Mapping[str, Course]
    """Plan -> readings from day 0 on, for the plans it was made for."""
    effective: float | None = None
    """How many independent draws these are worth; None: they were drawn from the prior, whose moments are known exactly."""


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
    before: Before | None = None
    """None where nothing was measured, so that there is nothing to compare."""
    unknowns: Mapping[str, Unknown] = field(default_factory=dict)
    """Random numbers of the history and of the body."""
    made_of: Mapping[str, Floats] = field(default_factory=dict)
    """Quantities (draws,) that are arithmetic on unknowns of the history alone."""
    plan_unknowns: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    """plan -> random numbers (draws,) of history kind that it adds: doses taken or not, food under it."""
    calibration: str = "none"
    """`none`, `current` or `stale`: the population's calibration."""
