"""Vector code of a leap over days of the same doses (decision 0003): the source that stands for a day's doses, how far two leaps are apart.

The source of a state is what the equations without doses lack to do in a day what the day has done: the change over the day less the rate
half way. It is followed as a line in time through the last two days measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from corrin.engine.emit.step import Worst
from corrin.engine.emit.vector import Given, Writer, write
from corrin.engine.model import Model

REST = 2
"""Days that are run truly after a leap, and before a day that is read or after which something changes: what is quick forgets the leap."""
FEWEST = 2
"""Days worth a leap."""
NIL = 1e-3
"""Share of the size that matters by which a pool may lie below zero after a leap: what has all but gone swings about zero."""
NAMES = ("measure", "ramp", "pushed_slope", "move", "apart", "emptied")


def functions(
    model: Model, lanes: int, order: Sequence[int], drives: Sequence[int], now: Callable[[Writer, int], Given | None]
) -> list[str]:
    """Text of the functions `NAMES`; `order`: place in the model of each state of a tile; `now`: where a node stands as a step begins."""
    place_of = {model.state[k].index: place for place, k in enumerate(order)}
    return [
        _measure(model, lanes, order, place_of, now),
        _ramp(lanes, len(order)),
        _pushed_slope(model, lanes, [list(order).index(drive) for drive in drives], drives, now),
        _move(lanes, len(order)),
        _apart(lanes, [model.floors[k] for k in order]),
        _emptied(lanes, [model.floors[k] for k in order]),
    ]


def _measure(model: Model, lanes: int, order: Sequence[int], place_of: dict[int, int], now: Callable[[Writer, int], Given | None]) -> str:
    """Source of the day from A to Y into Q, its slope into S, the slope before that into O. H: one over the days; G: one over the days
    since the source before was measured, or 0."""
    w = Writer(lanes)

    def half_way(index: int) -> Given | None:
        if index not in place_of:
            return now(w, index)
        place = place_of[index]
        return lambda: w.op("fmul", w.op("fadd", w.load("Y", place), w.load("A", place)), w.constant(0.5))

    def store(place: int, rate: str) -> None:
        change = w.op("fmul", w.op("fsub", w.load("Y", place), w.load("A", place)), w.load("H", 0))
        source = w.op("fsub", change, rate)
        slope = w.op("fmul", w.op("fsub", source, w.load("Q", place)), w.load("G", 0))
        w.store("O", place, w.load("S", place))
        w.store("S", place, slope)
        w.store("Q", place, source)

    write(w, model.graph, [model.rates[k] for k in order], half_way, store)
    return w.function("measure", ["Y", "A", "Z", "H", "G", "Q", "S", "O"])


def _ramp(lanes: int, states: int) -> str:
    """A step of D days, A days after the source Q with slope S was measured: the source as it begins into B, what it gains into C, as it
    ends into N; one over the days into H."""
    w = Writer(lanes)
    w.store("H", 0, w.op("fdiv", w.constant(1.0), w.load("D", 0)))
    for place in range(states):
        begin = w.op("fadd", w.load("Q", place), w.op("fmul", w.load("S", place), w.load("A", 0)))
        gain = w.op("fmul", w.load("S", place), w.load("D", 0))
        w.store("B", place, begin)
        w.store("C", place, gain)
        w.store("N", place, w.op("fadd", begin, gain))
    return w.function("ramp", ["Q", "S", "A", "D", "B", "C", "N", "H"])


def _pushed_slope(
    model: Model, lanes: int, places: Sequence[int], drives: Sequence[int], now: Callable[[Writer, int], Given | None]
) -> str:
    """Rates of the drives with the source B, per day."""
    w = Writer(lanes)

    def store(k: int, rate: str) -> None:
        w.store("V", k, w.op("fadd", rate, w.load("B", places[k])))

    write(w, model.graph, [model.rates[drive] for drive in drives], partial(now, w), store)
    return w.function("pushed_slope", ["Y", "Z", "B", "V"])


def _move(lanes: int, states: int) -> str:
    """All states of N into Y."""
    w = Writer(lanes)
    for place in range(states):
        w.store("Y", place, w.load("N", place))
    return w.function("move", ["Y", "N"])


def _apart(lanes: int, floors: Sequence[float]) -> str:
    """Largest difference of N and A, relative to the larger of N and what was there before (Y), into E."""
    w = Writer(lanes)
    worst = Worst(w)
    for place, floor in enumerate(floors):
        size = w.call("maxnum", w.call("fabs", w.load("N", place)), w.call("fabs", w.load("Y", place)))
        worst.add(w.call("fabs", w.op("fsub", w.load("N", place), w.load("A", place))), w.op("fadd", size, w.constant(floor)))
    worst.store("E")
    return w.function("apart", ["Y", "N", "A", "E"])


def _emptied(lanes: int, floors: Sequence[float]) -> str:
    """How far the lowest of N that was not below zero in Y is below, in sizes that matter (`NIL` of its floor), into E."""
    w = Writer(lanes)
    none = w.constant(0.0)
    lowest = none
    for place, floor in enumerate(floors):
        was = w.line(f"fcmp oge {w.type} {w.load('Y', place)}, {none}")
        below = w.op("fmul", w.load("N", place), w.constant(-1.0 / (NIL * floor)))
        lowest = w.call("maxnum", lowest, w.select(was, below, none))
    w.store("E", 0, lowest)
    return w.function("emptied", ["Y", "N", "E"])
