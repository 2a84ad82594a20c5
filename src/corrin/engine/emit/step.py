"""Code of one step of RODAS4 for some of the states: factor W once, then six stages, then the new state and its error.

The states may be driven by others that the step does not compute: each drive is a parabola over the step, with the right ends and the right
mean, so the method is that for equations that depend on time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from corrin.engine import rosenbrock
from corrin.engine.emit.vector import Given, Writer, write
from corrin.engine.model import Model
from corrin.engine.trace import Node, factorise

LAST = rosenbrock.STAGES - 1
TINY = 1e-40
"""A value below is set to zero: numbers too small to matter would be denormal, a hundred times slower."""
Outside = Callable[[Writer, int], Given | None]


class Step:
    """The algebra of a step of the states `rows` (places in the model), which stand in a tile from `first` on, driven by `drives`. Errors
    of those in `passing` are told apart."""

    def __init__(
        self, model: Model, name: str, rows: Sequence[int], first: int, drives: Sequence[int], passing: Collection[int] = ()
    ) -> None:
        graph = model.graph
        self.model, self.name, self.rows, self.first, self.passing = model, name, list(rows), first, passing
        local = {row: k for k, row in enumerate(rows)}
        jacobian = [{local[c]: v for c, v in model.jacobian[row].items() if c in local} for row in rows]
        self.factors = factorise(jacobian, graph.symbol("step", "diagonal"))
        self.rates = [model.rates[row] for row in rows]
        self.state = {model.state[row].index: k for k, row in enumerate(rows)}
        self.drive = {model.state[row].index: k for k, row in enumerate(drives)}
        self.push: dict[int, Node] = {}
        """State -> how fast the drives change its rate as the step begins, per step."""
        for k, row in enumerate(rows):
            for number, drive in enumerate(drives):
                slope = model.jacobian[row].get(drive)
                if slope is not None:
                    part = slope * graph.symbol("ramp", str(number))
                    self.push[k] = self.push[k] + part if k in self.push else part
        added = [graph.symbol(f"added {name}", str(k)) for k in range(len(rows))]
        self.added = {node.index: k for k, node in enumerate(added)}
        self.source = [graph.symbol(f"source {name}", str(k)) for k in range(len(rows))]
        self.right = [rate + extra for rate, extra in zip(self.rates, added, strict=True)]

    def nodes(self) -> list[Node]:
        """Everything a step needs of the graph."""
        return [*self.rates, *self.factors.nodes(), *self.push.values()]

    def code(self, lanes: int, place_z: Mapping[int, int], free: set[int], carried: bool = False) -> tuple[list[str], list[str], int]:
        """Functions, their names, and how many values F holds. `place_z`: what the segment has computed; `carried`: what rounding drops of
        a state is added at its next step (a compensated sum), kept in E behind the errors."""
        graph, size = self.model.graph, len(self.rows)
        kept = [node for node in self.factors.nodes() if node.index not in free]
        place_f = {node.index: k for k, node in enumerate(kept)}
        place_push = {k: len(kept) + number for number, k in enumerate(self.push)}
        diagonal = graph.symbol("step", "diagonal").index

        def stored(node: Node) -> Node:
            if node.number() is not None or node.index in place_z:
                return node
            return graph.symbol(f"factor {self.name}", str(place_f[node.index])) if node.index in place_f else node

        solution = self.factors.solve(self.right, stored)

        def driven(w: Writer, number: int, share: float) -> str:
            """A drive at a share of the step."""
            bend = (share * (1.0 - share), w.load("G", 3 * number + 2))
            terms = [(weight, value) for weight, value in ((share, w.load("G", 3 * number + 1)), bend) if weight]
            return w.weighted(terms, w.load("G", 3 * number))

        def factor() -> str:
            w = Writer(lanes)

            def given(index: int) -> Given | None:
                if index in place_z:
                    return partial(w.load, "Z", place_z[index])
                if index == diagonal:
                    return lambda: w.op("fmul", w.load("H", 0), w.constant(1.0 / rosenbrock.GAMMA))
                if index in self.state:
                    return partial(w.load, "Y", self.first + self.state[index])
                if index in self.drive:
                    return partial(driven, w, self.drive[index], 0.0)
                operation = graph.operations[index]
                if operation[:2] == ("symbol", "ramp"):
                    place = 3 * int(operation[2])
                    return lambda: w.op("fadd", w.load("G", place + 1), w.load("G", place + 2))
                return None

            write(w, graph, [*kept, *self.push.values()], given, partial(w.store, "F"))
            return w.function(f"{self.name}_factor", ["Y", "Z", "G", "H", "F"])

        def stage(s: int) -> str:
            w = Writer(lanes)
            arguments_of: dict[int, str] = {}

            def earlier(j: int, q: int) -> str:
                return w.load("K", j * size + q)

            def argument(q: int) -> str:
                """The state this stage looks at. K holds the increments with the sign turned: the factored matrix is J - diagonal."""
                if q not in arguments_of:
                    if s == LAST:
                        arguments_of[q] = w.op("fsub", w.load("N", self.first + q), earlier(s - 1, q))
                    else:
                        terms = [(-weight, earlier(j, q)) for j, weight in enumerate(rosenbrock.A[s])]
                        arguments_of[q] = w.weighted(terms, w.load("Y", self.first + q))
                return arguments_of[q]

            def added(q: int) -> str:
                """What earlier stages and the drives add to a rate."""
                total = w.weighted([(-weight, earlier(j, q)) for j, weight in enumerate(rosenbrock.C[s])])
                total = w.op("fmul", total, w.load("H", 0))
                pushed = [(rosenbrock.PUSH[s], w.load("F", place_push[q]))] if q in place_push and rosenbrock.PUSH[s] else []
                return w.weighted(pushed, total)

            def given(index: int) -> Given | None:
                if index in place_z:
                    return partial(w.load, "Z", place_z[index])
                if index in self.state:
                    return partial(argument, self.state[index])
                if index in self.drive:
                    return partial(driven, w, self.drive[index], rosenbrock.NODES[s])
                if index in self.added:
                    return partial(added, self.added[index])
                operation = graph.operations[index]
                return partial(w.load, "F", int(operation[2])) if operation[0] == "symbol" else None

            write(w, graph, solution, given, lambda q, value: w.store("K", s * size + q, value))
            if s >= LAST - 1:
                for q in range(size):
                    w.store("N", self.first + q, argument(q))
            return w.function(f"{self.name}_stage{s}", ["Y", "Z", "G", "H", "F", "K", "N"])

        def grown(w: Writer, q: int) -> str:
            """The new state as the old one and the sum of its increments. Three operations that must be left as they are written."""
            terms = [*((-weight, w.load("K", j * size + q)) for j, weight in enumerate(rosenbrock.A[LAST - 1]))]
            terms += [(-1.0, w.load("K", (LAST - 1) * size + q)), (-1.0, w.load("K", LAST * size + q))]
            before, place = w.load("Y", self.first + q), 2 + self.first + q
            growth = w.line(f"fsub {w.type} {w.weighted(terms, w.constant(0.0))}, {w.load('E', place)}")
            new = w.line(f"fadd {w.type} {before}, {growth}")
            w.store("E", place, w.line(f"fsub {w.type} {w.line(f'fsub {w.type} {new}, {before}')}, {growth}"))
            return new

        def finish() -> str:
            """The new state is the argument of the last stage and its increment, which is the error too: the largest of what stays, then
            of what passes."""
            w = Writer(lanes)
            worst = (Worst(w), Worst(w))
            for q, row in enumerate(self.rows):
                change = w.load("K", LAST * size + q)
                new = grown(w, q) if carried else w.op("fsub", w.load("N", self.first + q), change)
                size_of = w.call("fabs", new)
                kept_whole = w.line(f"fcmp ugt {w.type} {size_of}, {w.constant(TINY)}")
                w.store("N", self.first + q, w.select(kept_whole, new, w.constant(0.0)))
                larger = w.call("maxnum", size_of, w.call("fabs", w.load("Y", self.first + q)))
                worst[row in self.passing].add(w.call("fabs", change), w.op("fadd", larger, w.constant(self.model.floors[row])))
            for place, largest in enumerate(worst):
                largest.store("E", place)
            return w.function(f"{self.name}_finish", ["Y", "K", "N", "E"])

        calls = [
            (f"{self.name}_factor", "Y Z G H F"),
            *((f"{self.name}_stage{s}", "Y Z G H F K N") for s in range(rosenbrock.STAGES)),
            (f"{self.name}_finish", "Y K N E"),
        ]
        whole = Writer(lanes)
        for name, arrays in calls:
            whole.lines.append(f"  call void @{name}({', '.join(f'ptr %{array}' for array in arrays.split())})")
        functions = [factor(), *(stage(s) for s in range(rosenbrock.STAGES)), finish()]
        functions.append(whole.function(self.name, ["Y", "Z", "G", "H", "K", "F", "N", "E"]))
        more, named = self._pushed(lanes, place_z, place_f, stored, calls)
        return [*functions, *more], [*(name for name, _ in calls), self.name, *named], len(kept) + len(self.push)

    def _pushed(
        self, lanes: int, place_z: Mapping[int, int], place_f: Mapping[int, int], stored: Callable[[Node], Node],
        calls: Sequence[tuple[str, str]],
    ) -> tuple[list[str], list[str]]:  # fmt: skip
        """The same step with a source added to every rate: B when it begins, changing by C over it. Every stage solves the same linear
        equations, so what a source adds to its increment is the solution for the source alone: two solves a step and no other code."""
        size, graph = len(self.rows), self.model.graph
        place = {node.index: k for k, node in enumerate(self.source)}
        w = Writer(lanes)

        def given(index: int) -> Given | None:
            if index in place_z:
                return partial(w.load, "Z", place_z[index])
            if index in place:
                return partial(w.load, "B", self.first + place[index])
            operation = graph.operations[index]
            return partial(w.load, "F", int(operation[2])) if operation[0] == "symbol" else None

        write(w, graph, self.factors.solve(self.source, stored), given, partial(w.store, "U"))
        functions, named = [w.function(f"{self.name}_source", ["Z", "F", "B", "U"])], [f"{self.name}_source"]
        for s in range(rosenbrock.STAGES):
            w = Writer(lanes)
            for q in range(size):
                both = w.weighted([(rosenbrock.NODES[s] + rosenbrock.PUSH[s], w.load("W", q))], w.load("U", q))
                w.store("K", s * size + q, w.op("fadd", w.load("K", s * size + q), both))
            functions.append(w.function(f"{self.name}_add{s}", ["K", "U", "W"]))
            named.append(f"{self.name}_add{s}")
        whole = Writer(lanes)
        stages = [(call, s) for s, call in enumerate(calls[1:-1])]
        sourced = [(f"{self.name}_source", "Z F B U"), (f"{self.name}_source", "Z F C W")]
        both_calls = [(call, (f"{self.name}_add{s}", "K U W")) for call, s in stages]
        for name, arrays in (calls[0], *sourced, *(call for pair in both_calls for call in pair), calls[-1]):
            whole.lines.append(f"  call void @{name}({', '.join(f'ptr %{array}' for array in arrays.split())})")
        functions.append(whole.function(f"{self.name}_pushed", ["Y", "Z", "G", "H", "K", "F", "N", "E", "B", "C", "U", "W"]))
        return functions, [*named, f"{self.name}_pushed"]


class Worst:
    """The largest of several quotients, compared crosswise so that only the last is divided; what is not finite counts as huge."""

    CHAINS = 4
    """Comparisons that do not wait for each other."""

    def __init__(self, w: Writer) -> None:
        self.w = w
        self.tops: list[tuple[str, str]] = []
        self.whole: list[str] = []
        self.turn = 0

    def _larger(self, one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str]:
        w = self.w
        more = w.line(f"fcmp ogt {w.type} {w.op('fmul', other[0], one[1])}, {w.op('fmul', one[0], other[1])}")
        return w.select(more, other[0], one[0]), w.select(more, other[1], one[1])

    def add(self, above: str, below: str) -> None:
        """One more quotient."""
        none = self.w.op("fmul", above, self.w.constant(0.0))  # zero, or not a number
        if len(self.tops) < self.CHAINS:
            self.tops.append((above, below))
            self.whole.append(none)
            return
        chain = self.turn % self.CHAINS
        self.tops[chain] = self._larger(self.tops[chain], (above, below))
        self.whole[chain] = self.w.op("fadd", self.whole[chain], none)
        self.turn += 1

    def store(self, array: str, place: int = 0) -> None:
        """The largest into an array; zero where there was none."""
        w = self.w
        if not self.tops:
            w.store(array, place, w.constant(0.0))
            return
        top = self.tops[0]
        for other in self.tops[1:]:
            top = self._larger(top, other)
        quotient = w.op("fadd", w.op("fdiv", *top), w.weighted([(1.0, value) for value in self.whole]))
        sane = w.line(f"fcmp ole {w.type} {quotient}, {w.constant(1e30)}")
        w.store(array, place, w.select(sane, quotient, w.constant(1e30)))
