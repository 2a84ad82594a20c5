"""The words a mechanism is written in.

A rate is `def rate(y, p, x)`: `y` the pools, `p` the parameters, `x` what the world does now (exposures). Units inside: nmol, litre, day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Rate = Callable[[Any, Any, Any], Any]
OUTSIDE = ("food", "urine", "faeces", "skin", "fetus", "nothing")
"""Sources and sinks outside the body; the ledger counts what passes through them. `nothing` is for TC, HC and inactive analogues."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A state. `floor` is the size below which its error no longer matters (same unit); `b12` says that it holds cobalamin in nmol."""

    name: str
    unit: str
    start: float
    floor: float
    b12: bool = False
    keeps_history: bool = False
    """True where the value is the trace of a life (nerve): the settling run resets it to `start`."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """Amount that moves: leaves `source` and enters `target` at `rate` nmol/d. Either may be one of `OUTSIDE`."""

    name: str
    source: str
    target: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Change:
    """The rate of change of a state that is not an amount of B12."""

    state: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Dose:
    """What a product does at its instant: `taken(dose, y, p, x) -> {pool: amount added}`; `dose` in nmol."""

    kind: str
    form_class: str
    taken: Callable[[Any, Any, Any, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What can be seen of the body: a laboratory value, a nerve test, a score."""

    name: str
    unit: str
    group: Literal["labs", "blood", "nerves", "symptoms", "function", "person"]
    label: str
    value: Rate
    lab: bool = False
    """True where a laboratory or an instrument reports it with noise; False for an inner state."""
    assumed: str = ""
    """What in this reading rests on judgement, in words shown beside it."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One place of the house: its pools and what happens there."""

    name: str
    pools: tuple[Pool, ...] = ()
    flows: tuple[Flow, ...] = ()
    changes: tuple[Change, ...] = ()
    doses: tuple[Dose, ...] = ()
    readings: tuple[Reading, ...] = ()
