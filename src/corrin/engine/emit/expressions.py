"""The program as plain formulas: what other engines and readers of formats (SBML, Antimony) take.

A system is traced once more, this time flow by flow, so that the amounts that move keep their names. A value that several formulas use is
written once, under a name; the names of a caller are used where it has one. Formulas are in the infix text of SBML Level 3 (`ln`, `exp`,
`sqrt`, + - * / ^). Products of one thing with itself become powers again: it reads better, and engines that put definitions in the place of
their names (libRoadRunner) would otherwise write a chain of squares out as often as it doubles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corrin.engine.trace import Graph, Names, Node, arguments

SUM, PRODUCT, POWER, ATOM = range(4)
FUNCTIONS = {"exp": "exp", "log": "ln"}
Named = Callable[[Any, Any, Any], Mapping[str, Any]]
"""(pools, parameters, exposures) -> quantities worth a name."""


@dataclass(frozen=True)
class Expressions:
    """A system as text. `shared` (name -> formula) in an order in which each uses only earlier ones; `flows` and `changes` in the order of
    the system, nmol/d or per day; `readings` by name. `dose` writes what a list of doses at one instant adds to the pools."""

    system: Any
    graph: Graph
    names: dict[int, str]
    shared: dict[str, str]
    flows: tuple[str, ...]
    changes: tuple[str, ...]
    readings: dict[str, str]

    def dose(self, given: Sequence[tuple[str, str]]) -> dict[str, str]:
        """What doses at one instant make of the pools: pool -> formula of its new amount. `given`: (kind, name of the amount in nmol), in
        order; a later dose meets the state an earlier one left."""
        y, p, x = _symbols(self.system, self.graph)
        current = dict(y)
        for kind, amount in given:
            taken = self.system.dose(kind, self.graph.symbol("dose", amount), Names("pool", current), p, x)
            for pool, value in taken.items():
                current[pool] = current[pool] + value
        return {pool: self.text(value) for pool, value in current.items() if value.index != y[pool].index}

    def text(self, node: Node) -> str:
        """One formula, with the names of what is shared."""
        return _write(self.graph, node, self.names)


def expressions(system: Any, named: Named | None = None, prefix: str = "shared_") -> Expressions:
    """Trace a system to text. `named` gives names to quantities inside the equations; what is shared and has none is numbered."""
    graph = Graph()
    y, p, x = _symbols(system, graph)
    pools = Names("pool", y)

    def lifted(value: Any) -> Node:
        return value if isinstance(value, Node) else graph.constant(value)

    flows = [lifted(flow.rate(pools, p, x)) for flow in system.flows]
    changes = [lifted(change.rate(pools, p, x)) for change in system.changes]
    readings = {reading.name: lifted(reading.value(pools, p, x)) for reading in system.readings}
    roots = [*flows, *changes, *readings.values()]
    wanted = {value.index: name for name, value in (named(pools, p, x) if named else {}).items() if isinstance(value, Node)}
    for target in system.targets:
        wanted.setdefault(getattr(p, target).index, f"effective_{target}")
    names = _names_of_shared(graph, roots, wanted, prefix)
    shared = {name: _write(graph, Node(graph, index), names, whole=True) for index, name in sorted(names.items())}
    return Expressions(
        system,
        graph,
        names,
        shared,
        tuple(_write(graph, node, names) for node in flows),
        tuple(_write(graph, node, names) for node in changes),
        {name: _write(graph, node, names) for name, node in readings.items()},
    )


def _symbols(system: Any, graph: Graph) -> tuple[dict[str, Node], Any, Any]:
    y = {pool.name: graph.symbol("state", pool.name) for pool in system.pools}
    p = Names("parameter", {name: graph.symbol("parameter", name) for name in system.parameters})
    x = Names("exposure", {name: graph.symbol("exposure", name) for name in system.exposures})
    return y, system.effective(p, x), x


def _names_of_shared(graph: Graph, roots: Sequence[Node], wanted: Mapping[int, str], prefix: str) -> dict[int, str]:
    """Nodes that get a line of their own: those with a name that are used, and whatever is computed from others and used more than once."""
    needed = _within(graph, roots)
    used = dict.fromkeys(needed, 0)
    for index in needed:
        for argument in _read(graph, index):
            used[argument] += 1
    for root in roots:
        used[root.index] += 1
    names: dict[int, str] = {}
    for index in needed:
        operation = graph.operations[index]
        if operation[0] in ("symbol", "constant", "negative"):
            continue
        if index in wanted:
            names[index] = wanted[index]
        elif used[index] > 1:
            names[index] = f"{prefix}{sum(name.startswith(prefix) for name in names.values()) + 1}"
    return names


def _power(graph: Graph, index: int) -> tuple[int, float]:
    """A node as a power of another: (the other, exponent); (itself, 1) where it is none."""
    operation = graph.operations[index]
    if operation[0] == "sqrt":
        base, exponent = _power(graph, operation[1])
        return (base, 0.5 * exponent) if exponent == 1.0 else (operation[1], 0.5)
    if operation[0] == "*":
        (left, one), (right, other) = _power(graph, operation[1]), _power(graph, operation[2])
        if left == right and graph.operations[left][0] != "constant":
            return left, one + other
    return index, 1.0


def _read(graph: Graph, index: int) -> tuple[int, ...]:
    """Indices of the nodes that the formula of a node reads."""
    base, exponent = _power(graph, index)
    return (base,) if exponent != 1.0 else arguments(graph.operations[index])


def _within(graph: Graph, tops: Sequence[Node], names: Mapping[int, str] | None = None) -> list[int]:
    """Indices the formulas of some nodes are made of, operands first; what has a name is not gone into, except a top itself."""
    found: set[int] = set()
    stack = [top.index for top in tops]
    begun = set(stack)
    while stack:
        index = stack.pop()
        if index in found:
            continue
        found.add(index)
        if names is None or index not in names or index in begun:
            stack.extend(_read(graph, index))
    return sorted(found)


def _write(graph: Graph, top: Node, names: Mapping[int, str], whole: bool = False) -> str:
    """The formula of a node; `whole` writes out the node itself even where it has a name."""
    if top.index in names and not whole:
        return names[top.index]
    known: dict[int, tuple[str, int]] = {}
    for index in _within(graph, [top], names):
        if index in names and index != top.index:
            known[index] = names[index], ATOM
            continue
        base, exponent = _power(graph, index)
        if exponent == 1.0:
            known[index] = _operation(graph.operations[index], known)
        elif exponent == 0.5:
            known[index] = f"sqrt({known[base][0]})", ATOM
        else:
            text, own = known[base]
            if exponent == 2.0 and own == ATOM:  # a product of names costs other engines a third less than a library's power
                known[index] = f"{text} * {text}", PRODUCT
            else:
                known[index] = f"{text if own == ATOM else f'({text})'}^{number(exponent)}", POWER
    return known[top.index][0]


def _operation(operation: tuple[Any, ...], known: Mapping[int, tuple[str, int]]) -> tuple[str, int]:
    op = operation[0]
    if op == "symbol":
        return str(operation[2]), ATOM
    if op == "constant":
        return number(operation[1]), ATOM if operation[1] >= 0.0 else SUM

    def within(index: int, binds: int) -> str:
        text, own = known[index]
        return text if own >= binds else f"({text})"

    if op in FUNCTIONS:
        return f"{FUNCTIONS[op]}({known[operation[1]][0]})", ATOM
    if op == "negative":
        return f"-{within(operation[1], POWER)}", SUM
    left, right = operation[1], operation[2]
    if op == "+":
        return f"{within(left, SUM)} + {within(right, PRODUCT)}", SUM
    if op == "-":
        return f"{within(left, SUM)} - {within(right, PRODUCT)}", SUM
    if op == "*":
        return f"{within(left, PRODUCT)} * {within(right, POWER)}", PRODUCT
    if op == "/":
        return f"{within(left, PRODUCT)} / {within(right, POWER)}", PRODUCT
    raise TypeError(f"cannot write {operation}")


def number(value: float) -> str:
    """A number so that it reads back the same."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
