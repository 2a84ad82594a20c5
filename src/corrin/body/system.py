"""All mechanisms together: pools, right-hand side, doses, readings, and the ledger.

Follow the molecule: intake, stomach, ileum, blood, liver, kidney, cell, marrow, nerve, conduction, symptom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from corrin.body import blood, cell, conduction, ileum, intake, kidney, liver, marrow, nerve, stomach, symptom
from corrin.body.flow import OUTSIDE, Change, Flow, Mechanism, Pool, Reading

MECHANISMS: tuple[Mechanism, ...] = tuple(
    place.MECHANISM for place in (intake, stomach, ileum, blood, liver, kidney, cell, marrow, nerve, conduction, symptom)
)


class Effective:
    """Parameters as a person has them now: `p.name` times its multiplier `x.m_name`, where the parameter is a modifier's target."""

    def __init__(self, p: Any, x: Any, targets: frozenset[str]) -> None:
        self._p, self._x, self._targets = p, x, targets

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._p, name)
        return value * getattr(self._x, f"m_{name}") if name in self._targets else value


@dataclass(frozen=True)
class System:
    """A list of mechanisms as one system of equations. `parameters` are the names that must be given; `targets` those modifiers act on."""

    mechanisms: tuple[Mechanism, ...]
    parameters: tuple[str, ...]
    targets: tuple[str, ...] = ()
    inputs: dict[str, float] = field(default_factory=lambda: dict(intake.EXPOSURES))

    @property
    def pools(self) -> tuple[Pool, ...]:
        return tuple(pool for mechanism in self.mechanisms for pool in mechanism.pools)

    @property
    def flows(self) -> tuple[Flow, ...]:
        return tuple(flow for mechanism in self.mechanisms for flow in mechanism.flows)

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for mechanism in self.mechanisms for change in mechanism.changes)

    @property
    def readings(self) -> tuple[Reading, ...]:
        return tuple(reading for mechanism in self.mechanisms for reading in mechanism.readings)

    @property
    def exposures(self) -> tuple[str, ...]:
        """Names of the world's inputs: those of intake.py, then one multiplier for each target."""
        return (*self.inputs, *(f"m_{target}" for target in self.targets))

    @property
    def dose_kinds(self) -> tuple[str, ...]:
        """`<kind>_<class>`, e.g. `oral_C`."""
        return tuple(f"{dose.kind}_{dose.form_class}" for mechanism in self.mechanisms for dose in mechanism.doses)

    def effective(self, p: Any, x: Any) -> Effective:
        """Parameters with the person's modifiers on them."""
        return Effective(p, x, frozenset(self.targets))

    def right_hand_side(self, y: Any, p: Any, x: Any) -> list[Any]:
        """d/dt of every pool, in order; flows are taken from one pool and given to another, so no amount is made."""
        total: dict[str, Any] = {pool.name: 0.0 for pool in self.pools}
        for flow in self.flows:
            rate = flow.rate(y, p, x)
            for pool, sign in ((flow.source, -1.0), (flow.target, 1.0)):
                if pool not in OUTSIDE or pool in total:
                    total[pool] = total[pool] + rate if sign > 0 else total[pool] - rate
        for change in self.changes:
            total[change.state] = total[change.state] + change.rate(y, p, x)
        return list(total.values())

    def dose(self, kind: str, amount: Any, y: Any, p: Any, x: Any) -> dict[str, Any]:
        """What a dose of `amount` nmol adds to which pools. With a ledger, the rest is booked to faeces."""
        for mechanism in self.mechanisms:
            for dose in mechanism.doses:
                if f"{dose.kind}_{dose.form_class}" == kind:
                    given = dict(dose.taken(amount, y, p, x))
                    names = {pool.name: pool for pool in self.pools}
                    if "faeces" in names:
                        inside = sum((value for name, value in given.items() if names[name].b12), 0.0)
                        given["faeces"] = amount - inside
                    return given
        raise KeyError(kind)

    def with_ledger(self) -> System:
        """The same system with a pool for everything outside, so that what goes in and out is counted."""
        sinks = tuple(Pool(name, "nmol", 0.0, 10.0, b12=True) for name in OUTSIDE)
        return replace(self, mechanisms=(*self.mechanisms, Mechanism("ledger", pools=sinks)))


def system(parameters: Iterable[str], targets: Iterable[str]) -> System:
    """The whole body for these parameter names and modifier targets (both come from the facts, which this layer may not read)."""
    return System(MECHANISMS, tuple(parameters), tuple(sorted(set(targets))))


@cache
def parameter_names() -> tuple[str, ...]:
    """Every parameter the rates, doses and readings ask for, in the order in which they first ask."""
    asked: dict[str, None] = {}

    class Asked:
        def __getattr__(self, name: str) -> float:
            asked[name] = None
            return 0.5

    class State:
        def __getattr__(self, name: str) -> float:
            return 0.5

    y, p, x = State(), Asked(), State()
    whole = System(MECHANISMS, ())
    for flow in whole.flows:
        flow.rate(y, p, x)
    for change in whole.changes:
        change.rate(y, p, x)
    for mechanism in MECHANISMS:
        for dose in mechanism.doses:
            dose.taken(1.0, y, p, x)
        for reading in mechanism.readings:
            reading.value(y, p, x)
    return tuple(asked)
