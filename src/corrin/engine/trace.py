"""Rate functions to one straight-line program.

The rate functions run once on symbols. Every operation becomes a node of a graph in which equal expressions are one node, so what is
computed twice in the source is computed once in the program. Derivatives and the sparse LU are built from the same nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Operand = "Node | float"
LIBM = ("exp", "log")


class Graph:
    """A pool of nodes; `node(op, ...)` returns the one node with that operation and those operands."""

    def __init__(self) -> None:
        self.operations: list[tuple[Any, ...]] = []
        self.free: list[bool] = []
        """Per node: whether it depends on parameters and exposures only, so that it is computed once a segment."""
        self._known: dict[tuple[Any, ...], Node] = {}

    def node(self, *operation: Any) -> Node:
        found = self._known.get(operation)
        if found is None:
            found = Node(self, len(self.operations))
            self.operations.append(operation)
            if operation[0] == "symbol":
                self.free.append(operation[1] in ("parameter", "exposure"))
            else:
                self.free.append(operation[0] == "constant" or all(self.free[index] for index in operation[1:]))
            self._known[operation] = found
        return found

    def symbol(self, kind: str, name: str) -> Node:
        return self.node("symbol", kind, name)

    def constant(self, value: float) -> Node:
        return self.node("constant", float(value))


class Node:
    """One value of the program. Arithmetic with numbers and nodes makes new nodes; trivial operations fold."""

    __slots__ = ("graph", "index")
    __array_ufunc__ = None

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph, self.index = graph, index

    @property
    def operation(self) -> tuple[Any, ...]:
        return self.graph.operations[self.index]

    def number(self) -> float | None:
        """The value, where the node is a constant."""
        operation = self.operation
        return operation[1] if operation[0] == "constant" else None

    @property
    def is_free(self) -> bool:
        """Whether the value depends on parameters and exposures only."""
        return self.graph.free[self.index]

    def _parts(self) -> tuple[Node | None, Node]:
        """(factor that is free of the state, the rest) of a product; (None, itself) for anything else."""
        operation = self.operation
        if operation[0] == "*" and not self.is_free:
            left, right = Node(self.graph, operation[1]), Node(self.graph, operation[2])
            if left.is_free:
                return left, right
            if right.is_free:
                return right, left
        return None, self

    def _lift(self, other: Any) -> Node:
        if isinstance(other, Node):
            return other
        return self.graph.constant(other)

    def _binary(self, op: str, left: Node, right: Node) -> Node:
        a, b = left.number(), right.number()
        if a is not None and b is not None:
            return self.graph.constant(_FOLD[op](a, b))
        if op == "+":
            if a == 0.0:
                return right
            if b == 0.0:
                return left
        elif op == "-":
            if b == 0.0:
                return left
            if left.index == right.index:
                return self.graph.constant(0.0)
            if a == 0.0:
                return -right
        elif op == "*":
            if a == 0.0 or b == 0.0:
                return self.graph.constant(0.0)
            if a == 1.0:
                return right
            if b == 1.0:
                return left
            if left.is_free != right.is_free or not left.is_free:
                joined = self._join(left, right)
                if joined is not None:
                    return joined
        elif op == "/":
            if a == 0.0:
                return left
            if b is not None:
                return self._binary("*", left, self.graph.constant(1.0 / b)) if b != 1.0 else left
            if right.is_free and not left.is_free:  # a division once a segment instead of at every step
                return self._binary("*", left, self._binary("/", self.graph.constant(1.0), right))
        if op in "+*" and left.index > right.index:  # commutative: one order, so that equal sums are one node
            left, right = right, left
        return self.graph.node(op, left.index, right.index)

    def _join(self, left: Node, right: Node) -> Node | None:
        """A product with what is free of the state gathered in one factor; None when there is nothing to gather."""
        if left.is_free or right.is_free:
            free, rest = (left, right) if left.is_free else (right, left)
            factor, inner = rest._parts()
            return None if factor is None else self._binary("*", self._binary("*", factor, free), inner)
        (one, inner), (two, other) = left._parts(), right._parts()
        if one is None and two is None:
            return None
        factor = one if two is None else two if one is None else self._binary("*", one, two)
        assert factor is not None
        return self._binary("*", factor, self._binary("*", inner, other))

    def __add__(self, other: Any) -> Node:
        return self._binary("+", self, self._lift(other))

    def __radd__(self, other: Any) -> Node:
        return self._binary("+", self._lift(other), self)

    def __sub__(self, other: Any) -> Node:
        return self._binary("-", self, self._lift(other))

    def __rsub__(self, other: Any) -> Node:
        return self._binary("-", self._lift(other), self)

    def __mul__(self, other: Any) -> Node:
        return self._binary("*", self, self._lift(other))

    def __rmul__(self, other: Any) -> Node:
        return self._binary("*", self._lift(other), self)

    def __truediv__(self, other: Any) -> Node:
        return self._binary("/", self, self._lift(other))

    def __rtruediv__(self, other: Any) -> Node:
        return self._binary("/", self._lift(other), self)

    def __neg__(self) -> Node:
        value = self.number()
        if value is not None:
            return self.graph.constant(-value)
        if self.operation[0] == "negative":
            return Node(self.graph, self.operation[1])
        factor, inner = self._parts()
        if factor is not None:
            return self._binary("*", -factor, inner)
        return self.graph.node("negative", self.index)

    def __pow__(self, exponent: float) -> Node:
        if exponent == 0.5:
            value = self.number()
            return self.graph.constant(math.sqrt(value)) if value is not None else self.graph.node("sqrt", self.index)
        raise TypeError(f"a rate may not raise to {exponent!r}: use ops.power or, on parameters and exposures, ops.raised")

    def exp(self) -> Node:
        value = self.number()
        return self.graph.constant(math.exp(value)) if value is not None else self.graph.node("exp", self.index)

    def log(self) -> Node:
        value = self.number()
        return self.graph.constant(math.log(value)) if value is not None else self.graph.node("log", self.index)

    def __bool__(self) -> bool:
        raise TypeError("a rate may not branch on a state: use a smooth form (ops.above, ops.hill)")

    __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: self.__bool__()


_FOLD: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


class Names:
    """Attribute view of named values; a name that does not exist says which do."""

    def __init__(self, what: str, values: dict[str, Any]) -> None:
        self.__dict__["_what"], self.__dict__["_values"] = what, values
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        import difflib

        near = difflib.get_close_matches(name, list(self._values), 3)
        raise AttributeError(f"no {self._what} named {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))


def arguments(operation: tuple[Any, ...]) -> tuple[int, ...]:
    """Indices of the nodes an operation reads."""
    return () if operation[0] in ("symbol", "constant") else operation[1:]


def reachable(graph: Graph, roots: Iterable[Node]) -> list[int]:
    """Indices of all nodes the roots need, in an order in which operands come first."""
    wanted = bytearray(len(graph.operations))
    stack = [root.index for root in roots]
    while stack:
        index = stack.pop()
        if not wanted[index]:
            wanted[index] = 1
            stack.extend(arguments(graph.operations[index]))
    return [index for index in range(len(wanted)) if wanted[index]]


def symbols(graph: Graph, roots: Iterable[Node], kind: str) -> set[str]:
    """Names of the symbols of a kind that the roots depend on."""
    return {
        graph.operations[index][2]
        for index in reachable(graph, roots)
        if graph.operations[index][0] == "symbol" and graph.operations[index][1] == kind
    }


def derivatives(graph: Graph, roots: Sequence[Node], with_respect_to: Sequence[Node]) -> list[dict[int, Node]]:
    """Sparse forward derivatives: for each root, {position in `with_respect_to`: node}. Exact; zero entries are left out."""
    position = {node.index: place for place, node in enumerate(with_respect_to)}
    partials: dict[int, dict[int, Node]] = {}
    one = graph.constant(1.0)

    def scaled(parts: dict[int, Node], factor: Node) -> dict[int, Node]:
        return {place: part * factor for place, part in parts.items()}

    def joined(left: dict[int, Node], right: dict[int, Node], minus: bool = False) -> dict[int, Node]:
        out = dict(left)
        for place, part in right.items():
            if minus:
                part = -part
            out[place] = out[place] + part if place in out else part
        return out

    for index in reachable(graph, roots):
        if index in position:
            partials[index] = {position[index]: one}
            continue
        operation = graph.operations[index]
        parts = [partials[argument] for argument in arguments(operation)]
        if not any(parts):
            partials[index] = {}
            continue
        this, op = Node(graph, index), operation[0]
        values = [Node(graph, argument) for argument in arguments(operation)]
        if op == "+":
            partials[index] = joined(*parts)
        elif op == "-":
            partials[index] = joined(*parts, minus=True)
        elif op == "*":
            partials[index] = joined(scaled(parts[0], values[1]), scaled(parts[1], values[0]))
        elif op == "/":
            inverse = 1.0 / values[1]
            partials[index] = joined(scaled(parts[0], inverse), scaled(parts[1], this * inverse), minus=True)
        elif op == "negative":
            partials[index] = {place: -part for place, part in parts[0].items()}
        elif op == "sqrt":
            partials[index] = scaled(parts[0], 0.5 / this)
        elif op == "exp":
            partials[index] = scaled(parts[0], this)
        elif op == "log":
            partials[index] = scaled(parts[0], 1.0 / values[0])
        else:
            raise TypeError(f"no derivative for {op}")
    return [{place: part for place, part in partials[root.index].items() if part.number() != 0.0} for root in roots]


def directional(graph: Graph, roots: Sequence[Node], seeds: Mapping[int, Node]) -> list[Node]:
    """Forward derivatives along one direction; `seeds`: index of a node -> how it moves. Exact; what is not seeded stands still."""
    moved: dict[int, Node] = {}
    none = graph.constant(0.0)
    for index in reachable(graph, roots):
        operation = graph.operations[index]
        if index in seeds:
            moved[index] = seeds[index]
            continue
        parts = [moved[argument] for argument in arguments(operation)]
        if all(part.number() == 0.0 for part in parts):
            moved[index] = none
            continue
        this, op = Node(graph, index), operation[0]
        first, *second = (Node(graph, argument) for argument in arguments(operation))
        if op in "+-":
            moved[index] = parts[0] + parts[1] if op == "+" else parts[0] - parts[1]
        elif op == "*":
            moved[index] = parts[0] * second[0] + first * parts[1]
        elif op == "/":
            moved[index] = (parts[0] - this * parts[1]) / second[0]
        elif op == "negative":
            moved[index] = -parts[0]
        elif op == "sqrt":
            moved[index] = parts[0] * (0.5 / this)
        elif op == "exp":
            moved[index] = parts[0] * this
        elif op == "log":
            moved[index] = parts[0] / first
        else:
            raise TypeError(f"no derivative for {op}")
    return [moved[root.index] for root in roots]


@dataclass(frozen=True)
class Factors:
    """Sparse LU of J - diagonal as nodes (minus the W of the method, so that no entry of J is negated): multipliers below, entries above,
    inverse pivots, and the order of elimination."""

    order: list[int]
    lower: list[tuple[int, int, Node]]
    upper: dict[int, list[tuple[int, Node]]]
    inverse: dict[int, Node]

    def nodes(self) -> list[Node]:
        """Every number the solve needs, each once."""
        found: dict[int, Node] = {}
        for _, _, node in self.lower:
            found[node.index] = node
        for row in self.upper.values():
            for _, node in row:
                found[node.index] = node
        for node in self.inverse.values():
            found[node.index] = node
        return list(found.values())

    def solve(self, right: Sequence[Node], numbers: Callable[[Node], Node]) -> list[Node]:
        """The solution of (J - diagonal) k = right; `numbers` maps a factor to the symbol under which it was stored."""
        out = list(right)
        for row, column, factor in self.lower:
            out[row] = out[row] - numbers(factor) * out[column]
        for row in reversed(self.order):
            total = out[row]
            for column, factor in self.upper[row]:
                total = total - numbers(factor) * out[column]
            out[row] = total * numbers(self.inverse[row])
        return out


def elimination_order(pattern: list[set[int]]) -> list[int]:
    """Markowitz order on the diagonal: at each step the pivot that can fill in least."""
    size = len(pattern)
    rows = [set(row) | {place} for place, row in enumerate(pattern)]
    columns = [{row for row in range(size) if column in rows[row]} for column in range(size)]
    left, order = set(range(size)), []
    while left:
        pivot = min(left, key=lambda i: ((len(rows[i] & left) - 1) * (len(columns[i] & left) - 1), len(columns[i] & left), i))
        order.append(pivot)
        left.discard(pivot)
        for row in columns[pivot] & left:
            for column in rows[pivot] & left:
                rows[row].add(column)
                columns[column].add(row)
    return order


def factorise(jacobian: list[dict[int, Node]], diagonal: Node) -> Factors:
    """Symbolic elimination of `jacobian - diagonal * I`."""
    size = len(jacobian)
    matrix: list[dict[int, Node]] = [{c: v for c, v in row.items() if c != r} for r, row in enumerate(jacobian)]
    for place in range(size):
        own = jacobian[place].get(place)
        matrix[place][place] = -diagonal if own is None else own - diagonal
    order = elimination_order([set(row) for row in jacobian])
    place_of = {row: k for k, row in enumerate(order)}
    lower: list[tuple[int, int, Node]] = []
    inverse: dict[int, Node] = {}
    for pivot in order:
        inverse[pivot] = 1.0 / matrix[pivot][pivot]
        beyond = [c for c in matrix[pivot] if place_of[c] > place_of[pivot]]
        for row in order[place_of[pivot] + 1 :]:
            if pivot in matrix[row]:
                factor = matrix[row].pop(pivot) * inverse[pivot]
                lower.append((row, pivot, factor))
                for column in beyond:
                    term = factor * matrix[pivot][column]
                    matrix[row][column] = matrix[row][column] - term if column in matrix[row] else -term
    upper = {row: [(c, v) for c, v in matrix[row].items() if place_of[c] > place_of[row]] for row in order}
    return Factors(order, lower, upper, inverse)
