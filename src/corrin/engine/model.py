"""From a system of mechanisms to the programs the engine runs.

`build(system)` traces every rate once and returns the expression graph with: right-hand side, Jacobian, LU of the step, doses, readings.
A system is anything with `pools`, `parameters`, `exposures`, `dose_kinds`, `dose(...)`, `readings` and `right_hand_side`
(see body/system.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from corrin.engine.trace import LIBM, Factors, Graph, Names, Node, derivatives, factorise, reachable, symbols


@dataclass(frozen=True)
class Model:
    """The traced system. Lists are in the order of `pools`, `readings`, `dose_kinds`; nodes live in `graph`."""

    graph: Graph
    pools: tuple[str, ...]
    floors: tuple[float, ...]
    parameters: tuple[str, ...]
    exposures: tuple[str, ...]
    dose_kinds: tuple[str, ...]
    readings: tuple[str, ...]
    state: list[Node]
    rates: list[Node]
    jacobian: list[dict[int, Node]]
    factors: Factors
    after_dose: list[Node]
    seen: list[Node]
    system: Any

    @cached_property
    def program(self) -> str:
        """Hash of all equations."""
        return self.digest()

    def part(self, readings: Sequence[str]) -> tuple[list[int], set[str]]:
        """What these readings rest on: places of the states, with all that acts on them, and names of the parameters."""
        place = {node.index: k for k, node in enumerate(self.state)}
        found: set[int] = set()
        roots = [self.seen[self.readings.index(name)] for name in readings]
        while True:
            used = reachable(self.graph, roots)
            fresh = {place[index] for index in used if index in place} - found
            if not fresh:
                break
            found |= fresh
            roots += [node for k in sorted(fresh) for node in (self.rates[k], self.after_dose[k])]
        named = [self.graph.operations[index] for index in used]
        return sorted(found), {operation[2] for operation in named if operation[:2] == ("symbol", "parameter")}

    def digest(self, readings: Sequence[str] | None = None) -> str:
        """Hash of the equations: the same text of rates gives the same digest. With `readings`, of what these rest on alone."""
        if readings is None:
            text = repr((self.pools, self.parameters, self.exposures, self.dose_kinds, self.readings, self.floors))
            roots = [*self.rates, *self.after_dose, *self.seen]
        else:
            states, _ = self.part(readings)
            text = repr((readings, self.dose_kinds, [(self.pools[k], self.floors[k]) for k in states]))
            seen = [self.seen[self.readings.index(name)] for name in readings]
            roots = [*(self.rates[k] for k in states), *(self.after_dose[k] for k in states), *seen]
        known: dict[int, int] = {}
        lines = []
        for index in reachable(self.graph, roots):
            operation = self.graph.operations[index]
            known[index] = len(known)
            lines.append(repr(operation if operation[0] in ("symbol", "constant") else (operation[0], *(known[i] for i in operation[1:]))))
        return hashlib.sha256((text + "\n".join(lines) + repr([known[n.index] for n in roots])).encode()).hexdigest()

    def state_free(self) -> set[int]:
        """Nodes that depend on parameters and exposures only: computed once a segment, not at every step."""
        free = {index for index, flag in enumerate(self.graph.free) if flag}
        return free

    def library_calls(self) -> int:
        """How many exp and log are left in the step (none is the rule)."""
        free = self.state_free()
        roots = [*self.rates, *(node for row in self.jacobian for node in row.values())]
        return sum(1 for i in reachable(self.graph, roots) if self.graph.operations[i][0] in LIBM and i not in free)


def build(system: Any) -> Model:
    """Trace a system. Takes well under a second."""
    graph = Graph()
    pools = tuple(pool.name for pool in system.pools)
    y = Names("pool", {name: graph.symbol("state", name) for name in pools})
    p = Names("parameter", {name: graph.symbol("parameter", name) for name in system.parameters})
    x = Names("exposure", {name: graph.symbol("exposure", name) for name in system.exposures})
    effective = system.effective(p, x)

    def lifted(value: Any) -> Node:
        return value if isinstance(value, Node) else graph.constant(value)

    rates = [lifted(rate) for rate in system.right_hand_side(y, effective, x)]
    state = [graph.symbol("state", name) for name in pools]
    jacobian = derivatives(graph, rates, state)
    factors = factorise(jacobian, graph.symbol("step", "diagonal"))
    current = {name: graph.symbol("state", name) for name in pools}
    for kind in system.dose_kinds:
        given = system.dose(kind, graph.symbol("dose", kind), Names("pool", current), effective, x)
        current = {name: current[name] + lifted(given[name]) if name in given else current[name] for name in pools}
    seen = [lifted(reading.value(y, effective, x)) for reading in system.readings]
    return Model(
        graph=graph,
        pools=pools,
        floors=tuple(pool.floor for pool in system.pools),
        parameters=tuple(system.parameters),
        exposures=tuple(system.exposures),
        dose_kinds=tuple(system.dose_kinds),
        readings=tuple(reading.name for reading in system.readings),
        state=state,
        rates=rates,
        jacobian=jacobian,
        factors=factors,
        after_dose=[current[name] for name in pools],
        seen=seen,
        system=system,
    )


def uses(system: Any) -> dict[str, set[str]]:
    """Parameter -> names of the flows, changes and readings that use it, read off the trace."""
    graph = Graph()
    y = Names("pool", {pool.name: graph.symbol("state", pool.name) for pool in system.pools})
    p = Names("parameter", {name: graph.symbol("parameter", name) for name in system.parameters})
    x = Names("exposure", {name: graph.symbol("exposure", name) for name in system.exposures})
    effective = system.effective(p, x)
    found: dict[str, set[str]] = {name: set() for name in system.parameters}

    def note(label: str, value: Any) -> None:
        if isinstance(value, Node):
            for name in symbols(graph, [value], "parameter"):
                found[name].add(label)

    for mechanism in system.mechanisms:
        for flow in mechanism.flows:
            note(flow.name, flow.rate(y, effective, x))
        for change in mechanism.changes:
            note(f"change of {change.state}", change.rate(y, effective, x))
        for reading in mechanism.readings:
            note(f"reading {reading.name}", reading.value(y, effective, x))
        for dose in mechanism.doses:
            for pool, value in dose.taken(graph.symbol("dose", dose.kind), y, effective, x).items():
                note(f"dose {dose.kind} {dose.form_class} into {pool}", value)
    return found
