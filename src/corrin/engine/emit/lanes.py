"""The program as compiled source: people in lanes, the innermost axis, so that one vector instruction serves many of them.

Memory of a tile of `LANES` people is flat: value i of lane l stands at i*LANES + l. What depends on parameters and exposures only is
computed once a segment (`prologue`). The parts of a step are straight-line vector code (vector.py, step.py); the loop over segments and
steps, `march`, is numba source (march.py). It serves the pilot (adaptive, all tiles share the step) and the runs (fixed grid).

States that no dose reaches and that nothing a dose reaches depends on (marrow, nerve) follow the others in longer steps of their own: see
`followers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from corrin.engine import rosenbrock
from corrin.engine.emit import leap
from corrin.engine.emit.march import MODULE, entry, takes
from corrin.engine.emit.narrow import narrowed
from corrin.engine.emit.step import Step
from corrin.engine.emit.vector import Given, Writer, write
from corrin.engine.model import Model
from corrin.engine.trace import Graph, Node, arguments, reachable

LANES = 8
FORGET_D = 30.0
"""Days over which an error of a step is forgotten: what is fast in the body forgets sooner, what is slow makes next to none."""
FORGOTTEN_D, SHORT_D = 2.0, 0.5
"""Of what a dose passes through, an error made in a step of at most `SHORT_D` days is forgotten `FORGOTTEN_D` days later: such steps follow
doses, and all they must get right is how much has passed. (Longer steps held as loosely left more behind, up to 6e-4, and saved little.)"""
RIPPLE, BRIEF_D = 0.02, 0.25
"""How far, as a share, what drives the followers may bend away from a line within one of their steps; and the length of such a step, days,
at which it may bend twice as far: the mean over a step is right however it bends, and in hours marrow and nerve do not tell."""


BEHIND = 0.2
"""Tolerance of the followers' steps, as a share of that of the others: several of theirs are not forgotten."""


def followers(model: Model) -> list[int]:
    """Places of the states that follow: those of every mechanism none of whose states is reached by a dose, or acts on one that is."""
    reached = {k for k, node in enumerate(model.after_dose) if node.index != model.state[k].index}
    places = [{model.pools.index(pool.name) for pool in mechanism.pools} for mechanism in model.system.mechanisms]
    while True:
        wider = reached | {column for row in reached for column in model.jacobian[row]}
        wider |= {k for place in places if place & wider for k in place}
        if wider == reached:
            break
        reached = wider
    return [k for k in range(len(model.pools)) if k not in reached] if reached else []


def drivers(model: Model, behind: Sequence[int]) -> list[int]:
    """Places of the states that those that follow look at."""
    return sorted({column for row in behind for column in model.jacobian[row]} - set(behind))


def passing(model: Model) -> list[int]:
    """Places of the states a dose passes through: those of every mechanism into which one is given, but not what drives those that follow;
    none where nothing follows."""
    dosed = {k for k, node in enumerate(model.after_dose) if node.index != model.state[k].index}
    places = [{model.pools.index(pool.name) for pool in mechanism.pools} for mechanism in model.system.mechanisms]
    behind = followers(model)
    found = {k for place in places if place & dosed for k in place} - set(drivers(model, behind))
    return sorted(found) if behind else []


def source(model: Model, lanes: int = LANES, leaps: bool = False, single: bool = False) -> str:
    """Source text of the module for this model: the function `march` and its parts. Without `leaps` it runs every day and compiles in half
    the time; `single`: in numbers of half the width (engine/single.py)."""
    graph, size = model.graph, len(model.pools)
    free = model.state_free()
    behind = followers(model)
    ahead = [k for k in range(size) if k not in behind]
    order = [*ahead, *behind]
    drives = drivers(model, behind)
    lead, follow = Step(model, "lead", ahead, 0, (), set(passing(model))), Step(model, "follow", behind, len(ahead), drives)
    slopes = [model.rates[drive] for drive in drives]
    wanted = [*lead.nodes(), *follow.nodes(), *slopes]
    hoisted = [i for i in _frontier(graph, wanted, free) if graph.operations[i][0] != "constant"]
    place_z = {index: k for k, index in enumerate(hoisted)}
    place_of = {model.state[k].index: place for place, k in enumerate(order)}
    pool_place = {k: place for place, k in enumerate(order)}

    def outside(w: Writer, index: int) -> Given | None:
        """A symbol in the code that runs once a segment, a dose or an output."""
        operation = graph.operations[index]
        if operation[0] != "symbol":
            return None
        kind, name = operation[1], operation[2]
        names = {"parameter": ("P", model.parameters), "exposure": ("X", model.exposures), "dose": ("D", model.dose_kinds)}
        if kind == "state":
            return partial(w.load, "Y", place_of[index])
        return partial(w.load, names[kind][0], names[kind][1].index(name))

    def once(name: str, arrays: str, roots: Sequence[Node], target: str) -> str:
        w = Writer(lanes)
        write(w, graph, roots, partial(outside, w), partial(w.store, target))
        return w.function(name, arrays.split())

    def now(w: Writer, index: int) -> Given | None:
        if index in place_z:
            return partial(w.load, "Z", place_z[index])
        return partial(w.load, "Y", place_of[index]) if index in place_of else None

    def slope() -> str:
        """Rates of the drives, per day."""
        w = Writer(lanes)
        write(w, graph, slopes, partial(now, w), partial(w.store, "V"))
        return w.function("slope", ["Y", "Z", "V"])

    places = [pool_place[drive] for drive in drives]
    dosed = [k for k, node in enumerate(model.after_dose) if node.index != model.state[k].index]
    dose = Writer(lanes)
    given: dict[int, str] = {}
    write(dose, graph, [model.after_dose[k] for k in dosed], partial(outside, dose), given.__setitem__)
    for k, value in given.items():  # only when all are known: one may be computed from another as it was before
        dose.store("Y", pool_place[dosed[k]], value)
    parts = [
        once("prologue", "P X Z", [Node(graph, i) for i in hoisted], "Z"),
        dose.function("dose", ["Y", "P", "X", "D"]),
        once("read", "Y P X R", model.seen, "R"),
        slope(),
        _gather(lanes, places),
        _drive(lanes, places, [model.floors[drive] for drive in drives]),
        *leap.functions(model, lanes, order, drives, now),
    ]
    names, room = ["prologue", "dose", "read", "slope", "gather", "drive", *leap.NAMES], 1
    for step in (lead, follow):
        functions, called, used = step.code(lanes, place_z, free, single)
        parts, names, room = parts + functions, names + called, max(room, used)
    text = "\n".join(parts) + _DECLARED.format(lanes=lanes)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    for name in names:
        text = text.replace(f"@{name}(", f"@corrin_{mark}_{name}(")
    flat, drive, states, errors = (
        size * lanes,
        max(len(drives), 1) * lanes,
        max(len(ahead), len(behind)),
        (2 + size if single else 2) * lanes,
    )
    work = [
        ("Z", True, max(len(hoisted), 1) * lanes), *((name, True, flat) for name in ("N", "C", "MARK", "Q", "QS", "QO", "BACK", "HELD")),
        *((name, True, drive) for name in ("S", "V", "W", "M", "MORE")), *((name, True, lanes) for name in ("L", "NOW", "WHEN", "J")),
        ("G", False, 3 * drive), ("K", False, rosenbrock.STAGES * states * lanes), ("F", False, room * lanes), ("E", False, errors),
        ("EB", False, errors), *((name, False, lanes) for name in ("H", "R", "since", "far")), ("D", False, len(model.dose_kinds) * lanes),
        *((name, False, flat) for name in ("B", "BC", "BN", "U", "UW")), ("NONE", False, drive),
    ]  # fmt: skip
    module = MODULE.format(
        mark=mark,
        vector=text,
        takes=takes(single),
        room=[sum(length for _, each, length in work if each), sum(length for _, each, length in work if not each)],
        entry=entry(work, single),
        given=", ".join(name for name, _, _ in work),
        order=", ".join(map(str, order)) + ",",
        lanes=lanes,
        flat=flat,
        lead=len(ahead) * lanes,
        follows=bool(behind),
        leaps=leaps,
        places=", ".join(map(str, places)) + ("," if places else ""),
        drives=drive,
        behind=BEHIND,
        forgotten=FORGOTTEN_D,
        short=SHORT_D,
        forget=repr(1.0 / FORGET_D),
        rest=leap.REST,
        fewest=leap.FEWEST,
    )
    return narrowed(module, lanes) if single else module


def identity(model: Model, lanes: int = LANES, leaps: bool = False, single: bool = False) -> str:
    """All that the text of `source` depends on: the equations, which states stand together, the code that writes it, the options."""
    together = [[pool.name for pool in mechanism.pools] for mechanism in model.system.mechanisms]
    return repr((model.program, together, _writer(), lanes, leaps, single))


@cache
def _writer() -> str:
    """Hash of the engine's own code."""
    home = Path(__file__).parents[1]
    found = hashlib.sha256()
    for file in sorted(home.rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()


def _gather(lanes: int, places: Sequence[int]) -> str:
    """The integral of each drive over a step more: ends, and slopes at the ends (V before, W after), of the states Y before and N after."""
    w = Writer(lanes)
    days = w.op("fdiv", w.constant(1.0), w.load("H", 0))
    for k, place in enumerate(places):
        ends = w.op("fadd", w.load("Y", place), w.load("N", place))
        bend = w.op("fmul", days, w.op("fsub", w.load("V", k), w.load("W", k)))
        mean = w.weighted([(0.5, ends), (1.0 / 12.0, bend)])
        w.store("T", k, w.op("fadd", w.load("M", k), w.op("fmul", days, mean)))
    return w.function("gather", ["Y", "N", "V", "W", "H", "M", "T"])


def _drive(lanes: int, places: Sequence[int], floors: Sequence[float]) -> str:
    """The parabola of each drive (S at the beginning, N at the end, integral M, H one over the days) into G: beginning, rise, bend; never
    below zero. E: how far it bends, as a share of what is allowed."""
    w = Writer(lanes)
    none, worst = w.constant(0.0), w.constant(0.0)
    for k, place in enumerate(places):
        begin, end = w.load("S", k), w.load("N", place)
        bend = w.op("fsub", w.op("fmul", w.load("M", k), w.load("H", 0)), w.op("fmul", w.op("fadd", begin, end), w.constant(0.5)))
        bend = w.op("fmul", bend, w.constant(6.0))
        roots = w.op("fadd", *(w.call("sqrt", w.call("maxnum", value, none)) for value in (begin, end)))
        bend = w.call("maxnum", bend, w.line(f"fneg {w.type} {w.op('fmul', roots, roots)}"))
        w.store("G", 3 * k, begin)
        w.store("G", 3 * k + 1, w.op("fsub", end, begin))
        w.store("G", 3 * k + 2, bend)
        larger = w.op("fadd", w.call("maxnum", w.call("fabs", begin), w.call("fabs", end)), w.constant(floors[k]))
        worst = w.call("maxnum", worst, w.op("fdiv", w.call("fabs", bend), larger))
    allowed = w.op("fmul", w.op("fadd", w.constant(1.0), w.op("fmul", w.constant(BRIEF_D), w.load("H", 0))), w.constant(4.0 * RIPPLE))
    w.store("E", 0, w.op("fdiv", worst, allowed))
    return w.function("drive", ["S", "N", "M", "H", "G", "E"])


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


_DECLARED = """
declare <{lanes} x double> @llvm.sqrt.v{lanes}f64(<{lanes} x double>)
declare <{lanes} x double> @llvm.exp.v{lanes}f64(<{lanes} x double>)
declare <{lanes} x double> @llvm.log.v{lanes}f64(<{lanes} x double>)
declare <{lanes} x double> @llvm.fabs.v{lanes}f64(<{lanes} x double>)
declare <{lanes} x double> @llvm.maxnum.v{lanes}f64(<{lanes} x double>, <{lanes} x double>)
"""
