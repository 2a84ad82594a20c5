"""Straight-line programs as LLVM text in which every value is a vector of people, one person a lane.

Written out as vectors, nothing is left to the compiler's loop vectoriser: no checks whether arrays overlap, no second scalar copy, and no
limit beyond which it gives up. (Tried and left out: one division for several, 1/a = b/(ab). It gained nothing, and let the last digit of
one value depend on another that has no part in it.)
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from corrin.engine.trace import Graph, Node, arguments

FAST = "nsz arcp contract afn reassoc"
_BINARY = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}


class Writer:
    """Body of one function: `lanes` doubles a value. Arrays are flat: value i of all lanes begins at i*lanes."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.type = f"<{lanes} x double>"
        self.lines: list[str] = []
        self._count = 0
        self._loaded: dict[tuple[str, int], str] = {}

    def _name(self) -> str:
        self._count += 1
        return f"%t{self._count}"

    def line(self, text: str) -> str:
        """An instruction; returns the name of its value."""
        name = self._name()
        self.lines.append(f"  {name} = {text}")
        return name

    def constant(self, value: float) -> str:
        bits = f"double 0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
        return "<" + ", ".join([bits] * self.lanes) + ">"

    def address(self, array: str, place: int) -> str:
        return self.line(f"getelementptr inbounds double, ptr %{array}, i64 {place * self.lanes}") if place else f"%{array}"

    def load(self, array: str, place: int) -> str:
        """A value of an array that this function does not write."""
        found = self._loaded.get((array, place))
        if found is None:
            found = self.line(f"load {self.type}, ptr {self.address(array, place)}, align 8")
            self._loaded[array, place] = found
        return found

    def store(self, array: str, place: int, value: str) -> None:
        address = self.address(array, place)
        self.lines.append(f"  store {self.type} {value}, ptr {address}, align 8")

    def op(self, word: str, left: str, right: str) -> str:
        return self.line(f"{word} {FAST} {self.type} {left}, {right}")

    def call(self, function: str, *values: str, flags: str = FAST) -> str:
        given = ", ".join(f"{self.type} {value}" for value in values)
        return self.line(f"call {flags} {self.type} @llvm.{function}.v{self.lanes}f64({given})")

    def select(self, mask: str, one: str, other: str) -> str:
        return self.line(f"select <{self.lanes} x i1> {mask}, {self.type} {one}, {self.type} {other}")

    def weighted(self, terms: Sequence[tuple[float, str]], begin: str | None = None) -> str:
        """begin + sum of weight * value."""
        total = begin
        for weight, value in terms:
            if total is None:
                total = value if weight == 1.0 else self.op("fmul", value, self.constant(weight))
            elif weight in (1.0, -1.0):
                total = self.op("fadd" if weight > 0 else "fsub", total, value)
            else:
                total = self.op("fadd", total, self.op("fmul", value, self.constant(weight)))
        return self.constant(0.0) if total is None else total

    def function(self, name: str, arrays: Sequence[str], inline: bool = False) -> str:
        """The finished function; `arrays` are its arguments, which do not overlap."""
        given = ", ".join(f"ptr noalias nocapture %{array}" for array in arrays)
        body = "\n".join(self.lines)
        return f"define weak_odr void @{name}({given}) {'' if inline else 'noinline '}nounwind {{\n{body}\n  ret void\n}}\n"


Given = Callable[[], str]


def write(
    writer: Writer,
    graph: Graph,
    roots: Sequence[Node],
    load: Callable[[int], Given | None],
    store: Callable[[int, str], None],
) -> None:
    """Compute the roots. `load(index)` says how a node that is given comes in, None for one to be computed; `store(place, value)` takes
    each root."""
    given = cache(load)
    values: dict[int, str] = {}

    def operate(operation: tuple[Any, ...]) -> str:
        op, left = operation[0], operation[1]
        if op in _BINARY:
            return writer.op(_BINARY[op], values[left], values[operation[2]])
        if op == "negative":
            return writer.line(f"fneg {FAST} {writer.type} {values[left]}")
        if op in ("sqrt", "exp", "log"):
            return writer.call(op, values[left], flags=FAST if op == "sqrt" else "nsz")
        raise TypeError(f"cannot emit {operation}")

    def value_of(top: int) -> str:
        stack = [top]
        while stack:
            index = stack[-1]
            if index not in values:
                operation, comes = graph.operations[index], given(index)
                if operation[0] == "constant":
                    values[index] = writer.constant(operation[1])
                elif comes is not None:
                    values[index] = comes()
                else:
                    waiting = [argument for argument in arguments(operation) if argument not in values]
                    if waiting:
                        stack.extend(reversed(waiting))
                        continue
                    values[index] = operate(operation)
            stack.pop()
        return values[top]

    for place in sorted(range(len(roots)), key=lambda k: roots[k].index):
        store(place, value_of(roots[place].index))
