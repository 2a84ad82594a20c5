"""The program as numba source: people in lanes, the innermost axis, so that one vector instruction serves many of them.

Memory of a tile of `LANES` people is flat: value i of lane l stands at i*LANES + l. A step of RODAS4 factors W once, then runs the same
stage six times; stages combine in plain loops. What depends on parameters and exposures only is computed once a segment (`prologue`).
One function, `march`, serves the pilot (adaptive, all tiles share the step) and the runs (fixed grid, tile after tile).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from corrin.engine import rosenbrock
from corrin.engine.model import Model
from corrin.engine.trace import Graph, Node, arguments, reachable

LANES = 8
FORGET_D = 30.0
"""Days over which an error of a step is forgotten: what is fast in the body forgets sooner, what is slow makes next to none."""
_BINARY = {"+", "-", "*", "/"}


def source(model: Model, lanes: int = LANES) -> str:
    """Numba source text of the module for this model: the function `march` and its parts."""
    graph = model.graph
    free = model.state_free()
    diagonal = graph.symbol("step", "diagonal")
    store = model.factors.nodes()
    wanted = [*model.rates, *store]
    hoisted = [i for i in _frontier(graph, wanted, free) if graph.operations[i][0] != "constant"]
    place_z = {index: k for k, index in enumerate(hoisted)}
    rebased = [node for node in store if node.index not in free]
    place_f = {node.index: k for k, node in enumerate(rebased)}
    size = len(model.pools)
    pool_place = {node.index: k for k, node in enumerate(model.state)}

    def slot(array: str, place: int) -> str:
        return f"{array}[{place * lanes} + l]"

    def symbol(index: int) -> str | None:
        operation = graph.operations[index]
        if operation[0] != "symbol":
            return None
        kind, name = operation[1], operation[2]
        if kind == "state":
            return slot("Y", pool_place[index])
        if kind == "parameter":
            return slot("P", model.parameters.index(name))
        if kind == "exposure":
            return slot("X", model.exposures.index(name))
        if kind == "dose":
            return slot("D", model.dose_kinds.index(name))
        return "H[l]" if name == "per_day" else "d"

    def in_step(index: int) -> str | None:
        return slot("Z", place_z[index]) if index in place_z else symbol(index)

    prologue = _block(graph, [Node(graph, i) for i in hoisted], symbol, lambda k: slot("Z", k))
    factor = _block(graph, rebased, in_step, lambda k: slot("F", k))

    stage_graph_rates = model.rates
    per_day = graph.symbol("step", "per_day")
    right = [rate + per_day * graph.symbol("combination", str(k)) for k, rate in enumerate(stage_graph_rates)]

    def stored(node: Node) -> Node:
        if node.number() is not None or node.index in place_z:
            return node
        return graph.symbol("factor", str(place_f[node.index])) if node.index in place_f else node

    solution = model.factors.solve(right, stored)

    def in_stage(index: int) -> str | None:
        operation = graph.operations[index]
        if operation[0] == "symbol" and operation[1] == "factor":
            return slot("F", int(operation[2]))
        if operation[0] == "symbol" and operation[1] == "combination":
            return slot("B", int(operation[2]))
        return in_step(index)

    stage = _block(graph, solution, in_stage, lambda k: slot("K", k))
    dose = _block(graph, model.after_dose, symbol, lambda k: slot("Y", k))
    read = _block(graph, model.seen, symbol, lambda k: slot("R", k))
    assert diagonal is not None
    return _MODULE.format(
        lanes=lanes,
        size=size,
        flat=size * lanes,
        nz=max(len(hoisted), 1),
        nf=max(len(place_f), 1),
        nr=len(model.readings),
        nd=len(model.dose_kinds),
        gamma=rosenbrock.GAMMA,
        tiny="1e-40",
        forget=repr(1.0 / FORGET_D),
        prologue=prologue,
        factor=factor,
        stage=stage,
        dose=dose,
        read=read,
        combine=_combine(size, lanes),
        floors=", ".join(repr(float(f)) for f in model.floors),
        worst="\n".join(f"        k{q} = B[{q * lanes} + l]\n        e = e if k{q} <= e else k{q}" for q in range(size)),
    )


def counts(text: str) -> dict[str, int]:
    """Operations per person in each part of the emitted step (for the benchmark and for tests)."""
    out: dict[str, int] = {}
    part = ""
    for line in text.splitlines():
        if line.startswith("def "):
            part = line[4:].split("(")[0]
        out[part] = out.get(part, 0) + sum(line.count(f" {op} ") for op in "+-*/") if "= " in line else out.get(part, 0)
    return out


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


def _block(graph: Graph, roots: Sequence[Node], load: Callable[[int], str | None], target: Callable[[int], str]) -> str:
    """Straight-line code: loads first, then every operation once, then the stores."""
    lines: list[str] = []
    done: set[int] = set()
    stack = [root.index for root in reversed(roots)]
    needed: set[int] = set()
    while stack:
        index = stack.pop()
        if index in needed:
            continue
        needed.add(index)
        if load(index) is None:
            stack.extend(arguments(graph.operations[index]))

    def name(index: int) -> str:
        operation = graph.operations[index]
        return repr(operation[1]) if operation[0] == "constant" else f"v{index}"

    for index in sorted(needed):
        operation, loaded = graph.operations[index], load(index)
        if operation[0] == "constant":
            continue
        if loaded is not None:
            text = loaded
        elif operation[0] in _BINARY:
            text = f"{name(operation[1])} {operation[0]} {name(operation[2])}"
        elif operation[0] == "negative":
            text = f"-{name(operation[1])}"
        elif operation[0] in ("sqrt", "exp", "log"):
            text = f"math.{operation[0]}({name(operation[1])})"
        else:
            raise TypeError(f"cannot emit {operation}")
        lines.append(f"        v{index} = {text}")
        done.add(index)
    for k, root in enumerate(roots):
        lines.append(f"        {target(k)} = {name(root.index)}")
    return "\n".join(lines) if lines else "        pass"


def _combine(size: int, lanes: int) -> str:
    """Stage arguments U and combinations B (before 1/h) for each stage, as flat loops that share the loads of K. K holds the method's
    increments with the sign turned, because the factored matrix is J - diagonal."""
    flat = size * lanes
    text = []
    for s in range(rosenbrock.STAGES):
        text.append(f"    {'if' if s == 0 else 'elif'} s == {s}:\n        for i in range({flat}):")
        if s == 0:
            text.append("            U[i] = Y[i]\n            B[i] = 0.0")
            continue
        for j in range(s):
            text.append(f"            k{j} = K[{j * flat} + i]")
        if s < 5:
            text.append("            U[i] = Y[i] - (" + " + ".join(f"{c!r} * k{j}" for j, c in enumerate(rosenbrock.A[s])) + ")")
        else:
            text.append("            U[i] = U[i] - k4")
        text.append("            B[i] = " + " + ".join(f"{-c!r} * k{j}" for j, c in enumerate(rosenbrock.C[s])))
    return "\n".join(text)


_MODULE = '''"""Generated by corrin.engine.emit.lanes. Do not edit."""
import math
import numba as nb
import numpy as np

FAST = {{"nsz", "arcp", "contract", "afn", "reassoc"}}
part = nb.njit(error_model="numpy", fastmath=FAST, nogil=True)
FLOORS = np.repeat(np.array([{floors}]), {lanes})


@part
def prologue(P, X, Z):
    for l in range({lanes}):
{prologue}


@part
def factor(Y, Z, H, F):
    for l in range({lanes}):
        d = H[l] * {gamma_inverse}
{factor}


@part
def combine(s, Y, K, U, B):
{combine}


@part
def stage(Y, Z, B, F, H, K):
    for l in range({lanes}):
{stage}


@part
def dose(Y, P, X, D):
    for l in range({lanes}):
{dose}


@part
def read(Y, P, X, R):
    for l in range({lanes}):
{read}


@part
def attempt(Y, Z, H, U, B, K, F, N, E):
    """One step of a tile from Y: the new state into N, each lane's relative error into E."""
    factor(Y, Z, H, F)
    for s in range(6):
        combine(s, Y, K, U, B)
        stage(U, Z, B, F, H, K[s * {flat} : (s + 1) * {flat}])
    for i in range({flat}):
        k = K[{last} + i]
        n = U[i] - k
        n = n if abs(n) > {tiny} else 0.0  # numbers too small to matter would be denormal, a hundred times slower
        N[i] = n
        B[i] = abs(k) / (FLOORS[i] + max(abs(Y[i]), abs(n)))
    for l in range({lanes}):
        e = 0.0
{worst}
        E[l] = e if e <= 1e30 else 1e30


@nb.njit(error_model="numpy", fastmath=FAST, nogil=True, cache=True)
def march(adaptive, Y, P, X, which, T, kinds, amounts, dose_first, restart, first, break_at, slot, steps_first, steps, halve, tolerance,
          OUT, CERT, stop):
    """Run tiles of people through a list of segments.

    Y (tiles, states*lanes) in and out; P (tiles, parameters*lanes); X (sets, tiles, exposures*lanes), which (segments) names the set;
    T (segments, tiles, lanes) days; kinds (doses), amounts (doses, tiles, lanes) nmol, dose_first (segments+2): doses before each segment
    and after the last; first (segments+1) -> breaks; break_at (breaks) relative places to hit, the last of a segment 1; slot (breaks)
    output row or -1; steps_first (breaks+1) -> steps, each a share of its segment; written when adaptive, read otherwise.
    CERT (tiles, 2*lanes): squares of the steps' relative errors, summed and forgotten over a month: now, and
    the most it ever was. Returns steps used; -1 too many, -2 step too small.
    """
    tiles = Y.shape[0]
    groups = 1 if adaptive else tiles
    wide = tiles if adaptive else 1
    Z = np.empty((wide, {nz} * {lanes}))
    N = np.empty((wide, {flat}))
    U = np.empty({flat})
    B = np.empty({flat})
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
                            attempt(Y[t], Z[t], H, U, B, K, F, N[t], E)
                            for l in range({lanes}):
                                e = E[l] / tolerance
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
                            attempt(Y[low], Z[0], H, U, B, K, F, N[0], E)
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
_MODULE = _MODULE.replace("{gamma_inverse}", repr(1.0 / rosenbrock.GAMMA)).replace("{last}", "{last_stage}")
_MODULE = _MODULE.replace("{last_stage}", "5 * {flat}")
