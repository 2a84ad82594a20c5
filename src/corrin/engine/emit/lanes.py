"""The program as compiled source: people in lanes, the innermost axis, so that one vector instruction serves many of them.

Memory of a tile of `LANES` people is flat: value i of lane l stands at i*LANES + l. A step of RODAS4 factors W once, then runs six stages,
each with the combination of earlier stages it begins from. What depends on parameters and exposures only is computed once a segment
(`prologue`). These parts are straight-line vector code (vector.py); the loop over segments and steps, `march`, is numba source. It serves
the pilot (adaptive, all tiles share the step) and the runs (fixed grid, tile after tile).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

from corrin.engine import rosenbrock
from corrin.engine.emit.vector import Given, Writer, write
from corrin.engine.model import Model
from corrin.engine.trace import Graph, Node, arguments, reachable

LANES = 8
FORGET_D = 30.0
"""Days over which an error of a step is forgotten: what is fast in the body forgets sooner, what is slow makes next to none."""
LAST = rosenbrock.STAGES - 1
TINY = 1e-40
"""A value below is set to zero: numbers too small to matter would be denormal, a hundred times slower."""


def source(model: Model, lanes: int = LANES) -> str:
    """Source text of the module for this model: the function `march` and its parts."""
    graph = model.graph
    free = model.state_free()
    store = model.factors.nodes()
    hoisted = [i for i in _frontier(graph, [*model.rates, *store], free) if graph.operations[i][0] != "constant"]
    place_z = {index: k for k, index in enumerate(hoisted)}
    rebased = [node for node in store if node.index not in free]
    place_f = {node.index: k for k, node in enumerate(rebased)}
    size = len(model.pools)
    pool_place = {node.index: k for k, node in enumerate(model.state)}
    per_day = graph.symbol("step", "per_day")
    combined = [graph.symbol("combination", str(k)) for k in range(size)]
    right = [rate + per_day * extra for rate, extra in zip(model.rates, combined, strict=True)]

    def stored(node: Node) -> Node:
        if node.number() is not None or node.index in place_z:
            return node
        return graph.symbol("factor", str(place_f[node.index])) if node.index in place_f else node

    solution = model.factors.solve(right, stored)
    combination_place = {node.index: k for k, node in enumerate(combined)}

    def outside(w: Writer, index: int) -> Given | None:
        """A symbol in the code that runs once a segment, a dose or an output."""
        operation = graph.operations[index]
        if operation[0] != "symbol":
            return None
        kind, name = operation[1], operation[2]
        names = {"parameter": ("P", model.parameters), "exposure": ("X", model.exposures), "dose": ("D", model.dose_kinds)}
        if kind == "state":
            return partial(w.load, "Y", pool_place[index])
        return partial(w.load, names[kind][0], names[kind][1].index(name))

    def once(name: str, arrays: str, roots: Sequence[Node], target: str) -> str:
        w = Writer(lanes)
        write(w, graph, roots, partial(outside, w), partial(w.store, target))
        return w.function(name, arrays.split())

    def hour(w: Writer) -> str:
        return w.load("H", 0)

    def factor() -> str:
        w = Writer(lanes)

        def given(index: int) -> Given | None:
            if index in place_z:
                return partial(w.load, "Z", place_z[index])
            if graph.operations[index] == ("symbol", "step", "diagonal"):
                return lambda: w.op("fmul", hour(w), w.constant(1.0 / rosenbrock.GAMMA))
            return partial(w.load, "Y", pool_place[index]) if index in pool_place else None

        write(w, graph, rebased, given, partial(w.store, "F"))
        return w.function("factor", ["Y", "Z", "H", "F"])

    def stage(s: int) -> str:
        w = Writer(lanes)
        arguments_of: dict[int, str] = {}

        def earlier(j: int, q: int) -> str:
            return w.load("K", j * size + q)

        def argument(q: int) -> str:
            """The state this stage looks at. K holds the increments with the sign turned: the factored matrix is J - diagonal."""
            if q not in arguments_of:
                if s == LAST:
                    arguments_of[q] = w.op("fsub", w.load("N", q), earlier(s - 1, q))
                else:
                    terms = [(-weight, earlier(j, q)) for j, weight in enumerate(rosenbrock.A[s])]
                    arguments_of[q] = w.weighted(terms, w.load("Y", q))
            return arguments_of[q]

        def combination(q: int) -> str:
            return w.weighted([(-weight, earlier(j, q)) for j, weight in enumerate(rosenbrock.C[s])])

        def given(index: int) -> Given | None:
            if index in place_z:
                return partial(w.load, "Z", place_z[index])
            if index in pool_place:
                return partial(argument, pool_place[index])
            operation = graph.operations[index]
            if operation[0] != "symbol":
                return None
            if operation[1] == "factor":
                return partial(w.load, "F", int(operation[2]))
            if operation[1] == "combination":
                return partial(combination, combination_place[index])
            return partial(hour, w)

        write(w, graph, solution, given, lambda q, value: w.store("K", s * size + q, value))
        if s >= LAST - 1:
            for q in range(size):
                w.store("N", q, argument(q))
        return w.function(f"stage{s}", ["Y", "Z", "H", "F", "K", "N"])

    def finish() -> str:
        """The new state is the argument of the last stage and its increment, which is the error too."""
        w = Writer(lanes)
        worst = _Worst(w)
        for q in range(size):
            change = w.load("K", LAST * size + q)
            new = w.op("fsub", w.load("N", q), change)
            size_of = w.call("fabs", new)
            kept = w.line(f"fcmp ugt {w.type} {size_of}, {w.constant(TINY)}")
            w.store("N", q, w.select(kept, new, w.constant(0.0)))
            larger = w.call("maxnum", size_of, w.call("fabs", w.load("Y", q)))
            worst.add(w.call("fabs", change), w.op("fadd", larger, w.constant(model.floors[q])))
        worst.store()
        return w.function("finish", ["Y", "K", "N", "E"])

    parts = [
        once("prologue", "P X Z", [Node(graph, i) for i in hoisted], "Z"),
        once("dose", "Y P X D", model.after_dose, "Y"),
        once("read", "Y P X R", model.seen, "R"),
        factor(),
        *(stage(s) for s in range(rosenbrock.STAGES)),
        finish(),
        _attempt(),
    ]
    text = "\n".join(parts) + _DECLARED.format(lanes=lanes)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    for name in ("prologue", "dose", "read", "factor", "attempt", "finish", *(f"stage{s}" for s in range(rosenbrock.STAGES))):
        text = text.replace(f"@{name}(", f"@corrin_{mark}_{name}(")
    return _MODULE.format(
        mark=mark,
        vector=text,
        lanes=lanes,
        flat=size * lanes,
        nz=max(len(hoisted), 1),
        nf=max(len(place_f), 1),
        nr=len(model.readings),
        nd=len(model.dose_kinds),
        forget=repr(1.0 / FORGET_D),
    )


class _Worst:
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

    def store(self) -> None:
        """The largest into E."""
        w, top = self.w, self.tops[0]
        for other in self.tops[1:]:
            top = self._larger(top, other)
        quotient = w.op("fadd", w.op("fdiv", *top), w.weighted([(1.0, value) for value in self.whole]))
        sane = w.line(f"fcmp ole {w.type} {quotient}, {w.constant(1e30)}")
        w.store("E", 0, w.select(sane, quotient, w.constant(1e30)))


def _frontier(graph: Graph, roots: Sequence[Node], free: set[int]) -> list[int]:
    """State-free nodes that the state-dependent part of the roots reads directly."""
    found: set[int] = set()
    for root in roots:
        if root.index in free:
            found.add(root.index)
    for index in reachable(graph, roots):
        if index not in free:
            found.update(argument for argument in arguments(graph.operations[index]) if argument in free)
    return sorted(found)


def _attempt() -> str:
    """A whole step."""
    calls = [("factor", "Y Z H F"), *((f"stage{s}", "Y Z H F K N") for s in range(rosenbrock.STAGES)), ("finish", "Y K N E")]
    given = ", ".join(f"ptr noalias nocapture %{array}" for array in ["Y", "Z", "H", "K", "F", "N", "E"])
    lines = [f"  call void @{name}({', '.join(f'ptr %{array}' for array in arrays.split())})" for name, arrays in calls]
    return f"define weak_odr void @attempt({given}) nounwind {{\n" + "\n".join(lines) + "\n  ret void\n}\n"


_DECLARED = """
declare <{lanes} x double> @llvm.sqrt.v{lanes}f64(<{lanes} x double>)
declare <{lanes} x double> @llvm.exp.v{lanes}f64(<{lanes} x double>)
declare <{lanes} x double> @llvm.log.v{lanes}f64(<{lanes} x double>)
declare <{lanes} x double> @llvm.fabs.v{lanes}f64(<{lanes} x double>)
declare <{lanes} x double> @llvm.maxnum.v{lanes}f64(<{lanes} x double>, <{lanes} x double>)
"""


_MODULE = '''"""Generated by corrin.engine.emit.lanes. Do not edit."""
import numba as nb
import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic

FAST = {{"nsz", "arcp", "contract", "afn", "reassoc"}}
VECTOR = r"""
{vector}"""


def vector(name, arrays):
    """A call of straight-line vector code: the addresses of the arrays' data go to it."""

    def generate(context, builder, signature, values):
        library = context.active_code_library
        if not hasattr(library, "corrin_vector"):
            library.add_llvm_module(binding.parse_assembly(VECTOR))
            library.corrin_vector = True
        data = [
            builder.bitcast(context.make_array(kind)(context, builder, value).data, ir.IntType(8).as_pointer())
            for kind, value in zip(signature.args, values)
        ]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in data])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "corrin_{mark}_" + name), data)
        return context.get_dummy_value()

    return types.void(*arrays), generate


@intrinsic
def prologue(typing, P, X, Z):
    return vector("prologue", (P, X, Z))


@intrinsic
def dose(typing, Y, P, X, D):
    return vector("dose", (Y, P, X, D))


@intrinsic
def read(typing, Y, P, X, R):
    return vector("read", (Y, P, X, R))


@intrinsic
def attempt(typing, Y, Z, H, K, F, N, E):
    """One step of a tile from Y: the new state into N, each lane's relative error into E."""
    return vector("attempt", (Y, Z, H, K, F, N, E))


@nb.njit(error_model="numpy", fastmath=FAST, nogil=True, cache=True)
def march(adaptive, Y, P, X, which, T, kinds, amounts, dose_first, restart, first, break_at, slot, steps_first, steps, halve, tolerance,
          OUT, CERT, stop):
    """Run tiles of people through a list of segments.

    Y (tiles, states*lanes) in and out; P (tiles, parameters*lanes); X (sets, tiles, exposures*lanes), which (segments) names the set;
    T (segments, tiles, lanes) days; kinds (doses), amounts (doses, tiles, lanes) nmol, dose_first (segments+2): doses before each segment
    and after the last; first (segments+1) -> breaks; break_at (breaks) relative places to hit, the last of a segment 1; slot (breaks)
    output row or -1; steps_first (breaks+1) -> steps, each a share of its segment; written when adaptive, read otherwise; tolerance (breaks) of a step on the
    way to each break, when adaptive.
    CERT (tiles, 2*lanes): squares of the steps' relative errors, summed and forgotten over a month: now, and
    the most it ever was. Returns steps used; -1 too many, -2 step too small.
    """
    tiles = Y.shape[0]
    groups = 1 if adaptive else tiles
    wide = tiles if adaptive else 1
    Z = np.empty((wide, {nz} * {lanes}))
    N = np.empty((wide, {flat}))
    K = np.empty(6 * {flat})
    F = np.empty({nf} * {lanes})
    H = np.empty({lanes})
    E = np.empty({lanes})
    D = np.zeros({nd} * {lanes})
    used = 0
    for g in range(groups):
        low = 0 if adaptive else g
        count = 0
        days = 1e-5
        for s in range(T.shape[0]):
            if stop[0]:
                return used
            longest = 0.0
            for t in range(wide):
                for d in range(dose_first[s], dose_first[s + 1]):
                    for l in range({lanes}):
                        D[kinds[d] * {lanes} + l] = amounts[d, low + t, l]
                    dose(Y[low + t], P[low + t], X[which[s], low + t], D)
                    D[:] = 0.0
                prologue(P[low + t], X[which[s], low + t], Z[t])
                for l in range({lanes}):
                    longest = max(longest, T[s, low + t, l])
            if restart[s] > 0.0:
                days = min(days, restart[s])
            at = 0.0
            for b in range(first[s], first[s + 1]):
                if adaptive:
                    steps_first[b] = count
                    while at < break_at[b]:
                        left = break_at[b] - at
                        want = days / longest
                        share = left if left < 1.01 * want else (left * 0.5 if left < 2.0 * want else want)
                        worst = 0.0
                        for t in range(wide):
                            for l in range({lanes}):
                                H[l] = 1.0 / (share * T[s, t, l])
                            attempt(Y[t], Z[t], H, K, F, N[t], E)
                            for l in range({lanes}):
                                e = E[l] / tolerance[b]
                                if not (e <= 1e30):
                                    e = 1e30
                                worst = max(worst, e)
                        if worst <= 1.0:
                            at = break_at[b] if share == left else at + share
                            for t in range(wide):
                                for i in range({flat}):
                                    Y[t, i] = N[t, i]
                            if count >= steps.shape[0]:
                                return -1
                            steps[count] = share
                            count += 1
                        if worst < 1e30:
                            change = 4.0 if worst < 1e-8 else 0.85 * worst ** (-0.25)
                        else:
                            change = 0.2
                        tried = share * longest
                        if worst <= 1.0 and share < 0.999 * want:
                            tried = days  # a step cut short by a break says nothing against the longer one
                            change = min(change, 1.0)
                        days = tried * min(4.0, max(0.2, change))
                        if days < 1e-11:
                            return -2
                else:
                    for k in range(steps_first[b], steps_first[b + 1]):
                        for _ in range(halve):
                            for l in range({lanes}):
                                H[l] = halve / (steps[k] * T[s, low, l])
                            attempt(Y[low], Z[0], H, K, F, N[0], E)
                            for l in range({lanes}):
                                CERT[low, l] = CERT[low, l] * H[l] / (H[l] + {forget}) + E[l] * E[l]
                                CERT[low, {lanes} + l] = max(CERT[low, {lanes} + l], CERT[low, l])
                            for i in range({flat}):
                                Y[low, i] = N[0, i]
                            used += 1
                if slot[b] >= 0:
                    for t in range(wide):
                        read(Y[low + t], P[low + t], X[which[s], low + t], OUT[low + t, slot[b]])
        s = T.shape[0]
        for t in range(wide):
            for d in range(dose_first[s], dose_first[s + 1]):
                for l in range({lanes}):
                    D[kinds[d] * {lanes} + l] = amounts[d, low + t, l]
                dose(Y[low + t], P[low + t], X[which[s - 1], low + t], D)
                D[:] = 0.0
        if adaptive:
            steps_first[first[s]] = count
            used = count
    return used
'''
