"""Run people through events: the schedule, the grid found by a pilot panel, the run itself, each person's error certificate.

People share an ordered list of segments; the length of a segment, the exposures in it and the amount of a dose are each person's own. The
grid gives steps as shares of a segment. All work goes through one pool of threads; the compiled code releases the interpreter lock.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.engine import compiled
from corrin.engine.emit import lanes
from corrin.engine.model import Model
from corrin.engine.rhythm import rhythm, strays
from corrin.engine.stop import FLAG
from corrin.errors import Bug

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = 5e-3
"""Relative error allowed in one step of the pilot. At 7e-3 holotranscobalamin was 2e-3 off after three doses at one instant."""
LOOSER, UNREAD = 8.0, 4e-2
"""Tolerance of what a dose passes through while nobody reads: so many times that of the rest, and at most."""
EASE = 4.0
"""How much less an accumulated error in what passes may count than one in the rest, where it was held so much looser or more."""
CERTIFIED = 0.06
"""Accumulated error (`Run.accumulated`) above which a person is run again on a finer grid; more on a grid made with a looser tolerance, in
proportion and up to four times. It is a flag, not a measure of the error of readings: that is measured on the panel (`measured_error`),
because the embedded error of a step misses what one large step skips."""
WILD = 1.0
"""Accumulated error above which nobody is believed, however fine the steps were: levels below zero were seen from 3 on."""
LEAP = 3e-3
"""Relative error that a leap over days may leave in a state after days of rest: how far it is from a leap with the source's slope as it was
one measurement ago. Readings were then no further off than where every day is run (6e-4, 256 people, ten years of tablets)."""
SHORTEST_D = 1e-6
PANEL = 32
MEASURED = 16
BLOCK_TILES = 16
RESTART_D = {"oral": 1e-2, "nasal": 1e-4, "injected": 1e-4, "intravenous": 1e-5, "change": 2e-3}
"""First step after an event, days."""


@dataclass(frozen=True)
class Kernel:
    """A compiled model."""

    model: Model
    march: Callable[..., int]
    order: tuple[int, ...]
    """Place in the model of each state of a tile: those that lead, then those that follow."""
    lanes: int = lanes.LANES
    number: type[np.floating[Any]] = np.float64
    """Of states, parameters, exposures and readings within the lanes."""
    passes: Callable[[Floats, Floats, Schedule, Grid, int], Run] | None = None
    """What runs everybody on a grid in the place of the lanes (`engine.gpu`)."""
    exact: Kernel | None = None
    """The same in double precision, where this one is in single: for whoever must be run again."""

    def leaping(self) -> Callable[..., int]:
        """`march` that can leap over days, compiled when first asked for: most plans never do."""
        return _leaping(self.model)

    def exposure_defaults(self) -> Floats:
        """One value per exposure: an ordinary day, no modifier; shape (exposures,)."""
        inputs = self.model.system.inputs
        return np.array([inputs.get(name, 1.0) for name in self.model.exposures])


_LEAPING: dict[int, tuple[Model, Callable[..., int]]] = {}


def _leaping(model: Model) -> Callable[..., int]:
    found = _LEAPING.get(id(model))
    if found is None:
        found = _LEAPING[id(model)] = model, marching(program_of(model, leaps=True))
    return found[1]


def marching(program: compiled.Program) -> Callable[..., int]:
    """`march` of a compiled program, with its room to work in."""
    each, besides = program.facts["room"]

    def march(adaptive: bool, Y: NDArray[Any], *given: Any) -> int:
        return program.call(adaptive, Y, *given, np.zeros(each * (Y.shape[0] if adaptive else 1) + besides))

    return march


def program_of(model: Model, lanes_wide: int = lanes.LANES, leaps: bool = False, single: bool = False) -> compiled.Program:
    """A model compiled, or found compiled."""
    options = (lanes_wide, leaps, single)
    return compiled.load(lanes.identity(model, *options), partial(lanes.source, model, *options))


def kernel(model: Model) -> Kernel:
    """Compile a model, or find it compiled."""
    program = program_of(model)
    return Kernel(model, marching(program), tuple(program.facts["order"]))


@dataclass(frozen=True)
class Schedule:
    """What happens to `people` in order. All arrays have people as the last axis.

    lengths (segments, people) days; exposures (sets, exposures, people); which (segments,) set of each segment; doses: per segment (and one
    more for after the last) a list of (kind index, amounts (people,) nmol); breaks: per segment, relative places to stop at, the last is 1;
    outputs: per segment, the row of output for each break or -1; restart (segments,) days of the first step, 0 to carry on.
    """

    lengths: Floats
    exposures: Floats
    which: Ints
    doses: Sequence[Sequence[tuple[int, Floats]]]
    breaks: Sequence[Sequence[float]]
    outputs: Sequence[Sequence[int]]
    restart: Floats
    rows: int

    @property
    def people(self) -> int:
        return int(self.lengths.shape[1])

    def only(self, chosen: NDArray[Any]) -> Schedule:
        """The same events for some of the people."""
        return replace(
            self,
            lengths=self.lengths[:, chosen],
            exposures=self.exposures[:, :, chosen],
            doses=[[(kind, amounts[chosen]) for kind, amounts in given] for given in self.doses],
        )


@dataclass(frozen=True)
class Leaps:
    """Where a grid crosses days of the same doses at once. `over` (segments,): how many segments from here on, 0 for none; `marks`
    (segments,): 1 where a day of `period` segments is measured, 2 where the first is; `days`: the grid of the same steps that runs every
    day."""

    period: int
    over: Ints
    marks: Ints
    days: Grid


@dataclass(frozen=True)
class Grid:
    """Steps of a schedule: `first` (breaks + 1,) into `steps` (n,), each a share of its segment; `closes` (n,): whether the followers' step
    ends with this one, every one where it is None; the tolerance they were made with, and how many times looser, up to `EASE`, what a dose
    passes through was held."""

    first: Ints
    steps: Floats
    closes: NDArray[np.uint8] | None = None
    tolerance: float = TOLERANCE
    ease: float = 1.0
    leaps: Leaps | None = None

    @property
    def by_day(self) -> Grid:
        """The grid that leaps over nothing."""
        return self if self.leaps is None else self.leaps.days


@dataclass
class Run:
    """Result: `end` (people, states); `readings` (people, rows, readings); `accumulated` (people,) root of the summed squares of step
    errors, forgotten over a month; `failed` (people,) true where no finite solution was found."""

    end: Floats
    readings: Floats
    accumulated: Floats
    failed: NDArray[np.bool_]
    again: int = 0


class Stopped(Exception):
    """The run was cancelled."""


@dataclass
class Cancel:
    """A flag the compiled code looks at before every segment."""

    flag: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1, np.uint8))

    def cancel(self) -> None:
        self.flag[0] = 1


@cache
def pool() -> ThreadPoolExecutor:
    """The one thread pool of this process; `CORRIN_THREADS` sets its size."""
    wanted = os.environ.get("CORRIN_THREADS", "")
    return ThreadPoolExecutor(int(wanted) if wanted.isdigit() and int(wanted) > 0 else os.cpu_count() or 1, "corrin")


def _tiles(array: Floats, width: int, number: type[np.floating[Any]] = np.float64) -> NDArray[Any]:
    """(..., rows, people) -> (..., tiles, rows*width), the last tile filled up with its last person. The people may lie apart in memory."""
    *outer, rows, people = array.shape
    tiles = -(-people // width)
    whole = people // width
    made = np.empty((*outer, tiles, rows, width), number)
    made[..., :whole, :, :] = np.moveaxis(array[..., : whole * width].reshape(*outer, rows, whole, width), -2, -3)
    if whole < tiles:
        rest = people - whole * width
        made[..., whole, :, :rest] = array[..., whole * width :]
        made[..., whole, :, rest:] = array[..., -1:]
    return made.reshape(*outer, tiles, rows * width)


@dataclass
class _Prepared:
    Y: NDArray[Any]
    P: NDArray[Any]
    X: NDArray[Any]
    which: Ints
    T: Floats
    kinds: Ints
    amounts: Floats
    dose_first: Ints
    restart: Floats
    first: Ints
    break_at: Floats
    slot: Ints
    people: int

    def part(self, low: int, high: int) -> tuple[Any, ...]:
        """Arguments of `march` up to the breaks, for tiles low..high. All contiguous: a strided view would be another compiled version,
        whose last digits differ, so that numbers would depend on how the batch is cut."""
        whole = np.ascontiguousarray
        return (
            self.Y[low:high].copy(), self.P[low:high], whole(self.X[:, low:high]), self.which, whole(self.T[:, low:high]), self.kinds,
            whole(self.amounts[:, low:high]), self.dose_first, self.restart, self.first, self.break_at, self.slot,
        )  # fmt: skip


def _prepare(kernel: Kernel, start: Floats, parameters: Floats, schedule: Schedule) -> _Prepared:
    width = kernel.lanes
    segments = schedule.lengths.shape[0]
    lengths = np.maximum(schedule.lengths, SHORTEST_D)
    T = _tiles(lengths[:, None, :], width)
    counts = [len(given) for given in schedule.doses]
    if len(counts) != segments + 1:
        raise Bug("a schedule needs one list of doses for each segment and one for the end")
    rows = [amounts for given in schedule.doses for _, amounts in given]
    amounts = _tiles(np.array(rows)[:, None, :], width) if rows else np.zeros((0, T.shape[1], width))
    return _Prepared(
        Y=_tiles(start[:, list(kernel.order)].T, width, kernel.number),
        P=_tiles(parameters.T, width, kernel.number),
        X=_tiles(schedule.exposures, width, kernel.number),
        which=np.asarray(schedule.which, np.int64),
        T=T,
        kinds=np.array([kind for given in schedule.doses for kind, _ in given], np.int64),
        amounts=amounts,
        dose_first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        restart=np.asarray(schedule.restart, float),
        first=np.concatenate([[0], np.cumsum([len(at) for at in schedule.breaks])]).astype(np.int64),
        break_at=np.array([place for at in schedule.breaks for place in at], float),
        slot=np.array([row for out in schedule.outputs for row in out], np.int64),
        people=schedule.people,
    )


def _ahead(schedule: Schedule, ready: _Prepared) -> Floats:
    """Days from each break to the next reading, at least; the state at the end counts as read."""
    shortest = schedule.lengths.min(axis=1)
    ends = np.cumsum(shortest)
    segment = np.repeat(np.arange(len(shortest)), np.diff(ready.first))
    at = ends[segment] - (1.0 - ready.break_at) * shortest[segment]
    read = np.append(at[ready.slot >= 0], at[-1])
    return np.asarray(read[np.searchsorted(read, at)] - at)


def find_grid(
    kernel: Kernel, start: Floats, parameters: Floats, schedule: Schedule, tolerance: float = TOLERANCE, unread: float | None = None,
    leap: float | None = None,
) -> Grid:  # fmt: skip
    """The steps an adaptive run of a panel takes; its worst member sets the pace. The panel must be the same whatever the batch.

    `unread` is the tolerance of what a dose passes through (`lanes.passing`) as long as nobody reads: by the next reading it has forgotten.
    What stays, and what follows, is held to `tolerance` all the time.
    `leap` lets it leap over days of the same doses, with that relative error (`LEAP`); what it makes of readings `measured_error` tells.
    """
    kernel = kernel.exact or kernel
    ready = _prepare(kernel, start, parameters, schedule)
    tiles, cert = ready.Y.shape[0], np.zeros((ready.Y.shape[0], 2 * kernel.lanes))
    out = np.zeros((tiles, schedule.rows, len(kernel.model.readings) * kernel.lanes))
    room = 400 * len(ready.break_at) + 20_000
    unread = max(tolerance, min(LOOSER * tolerance, UNREAD)) if unread is None else unread
    ease = min(EASE, unread / tolerance) if any(schedule.doses) else 1.0
    allowed = np.stack([np.full(len(ready.slot), tolerance), np.full(len(ready.slot), unread), _ahead(schedule, ready)], axis=1)

    def found(leaping: _Leaping, error: float) -> Grid:
        first = np.zeros(len(ready.break_at) + 1, np.int64)
        steps, closes = np.zeros(room), np.zeros(room, np.uint8)
        used = (kernel.leaping() if error > 0.0 else kernel.march)(
            True, *ready.part(0, tiles), first, steps, closes, 1, allowed, out, cert, np.zeros(1, np.uint8), *leaping, error
        )
        if used < 0:
            raise Bug("the pilot found no step that solves its panel" if used == -2 else "the pilot ran out of steps")
        return Grid(first, steps[:used].copy(), closes[:used].copy(), tolerance, ease)

    days = found(_no_leaps(schedule), 0.0)
    beat = None if leap is None or kernel.passes is not None else rhythm(schedule)
    if beat is None or leap is None:
        return days
    marks, over = np.zeros(len(beat.turn), np.int64), np.zeros(len(beat.turn), np.int64)
    grid = found((beat.period, beat.turn, beat.room, marks, over), leap)
    marks[_idle(marks, over)] = 0
    return replace(grid, leaps=Leaps(beat.period, over, marks, days)) if over.any() else days


_Leaping = tuple[int, Ints, Ints, Ints, Ints]


def _no_leaps(schedule: Schedule) -> _Leaping:
    none = np.zeros(schedule.lengths.shape[0], np.int64)
    return 1, none, none, none, none


def _idle(marks: Ints, over: Ints) -> NDArray[np.int64]:
    """Days measured after which nothing is leapt until a new stretch begins."""
    wanted, idle = False, []
    for s in range(len(marks) - 1, -1, -1):
        wanted = wanted or over[s] > 0
        if marks[s] and not wanted:
            idle.append(s)
        if marks[s] == 2:
            wanted = False
    return np.array(idle, np.int64)


def simulate(
    kernel: Kernel,
    start: Floats,
    parameters: Floats,
    schedule: Schedule,
    grid: Grid,
    progress: Callable[[float], None] | None = None,
    cancel: Cancel | None = None,
    certify: bool = True,
) -> Run:
    """Run everybody on a grid; those whose certificate fails run again day by day and with every step cut in two, then in eight, and who
    still runs wild in thirty-two. Who does so even then counts as failed: finite is not yet sound. Where a grid leaps, those whose days
    there are not all alike (they miss doses) are run day by day."""
    exact = kernel.exact or kernel
    run = _pass(kernel if grid.leaps is None else exact, start, parameters, schedule, grid, 1, progress, cancel)
    if grid.leaps is not None:
        _by_day(
            run, strays(schedule, grid.leaps.period, grid.leaps.over, grid.leaps.marks), kernel, start, parameters, schedule, grid, cancel
        )
    if certify:
        limit = CERTIFIED * min(4.0, max(1.0, grid.tolerance / TOLERANCE))
        finer(run, exact, start, parameters, schedule, grid, limit, (2, 8), cancel)
        finer(run, exact, start, parameters, schedule, grid, WILD / grid.ease, (32,), cancel)
        run.failed |= ~(run.accumulated <= WILD / grid.ease)
    return run


def _by_day(
    run: Run, chosen: NDArray[np.bool_], kernel: Kernel, start: Floats, parameters: Floats, schedule: Schedule, grid: Grid,
    cancel: Cancel | None,
) -> None:  # fmt: skip
    """Run some again without leaps."""
    if not chosen.any():
        return
    days = _pass(kernel, start[chosen], parameters[chosen], schedule.only(chosen), grid.by_day, 1, None, cancel)
    run.end[chosen], run.readings[chosen] = days.end, days.readings
    run.accumulated[chosen], run.failed[chosen] = days.accumulated, days.failed


def finer(
    run: Run, kernel: Kernel, start: Floats, parameters: Floats, schedule: Schedule, grid: Grid, limit: float, halves: Sequence[int],
    cancel: Cancel | None = None,
) -> None:  # fmt: skip
    """Run those above a limit again, each time with every step cut in more."""
    for halve in halves:
        flagged = ~(run.accumulated <= limit) | run.failed
        if not flagged.any():
            return
        finer = _pass(kernel, start[flagged], parameters[flagged], schedule.only(flagged), grid.by_day, halve, None, cancel)
        run.end[flagged], run.readings[flagged] = finer.end, finer.readings
        run.accumulated[flagged], run.failed[flagged] = finer.accumulated, finer.failed
        run.again += int(flagged.sum())


def measured_error(kernel: Kernel, start: Floats, parameters: Floats, schedule: Schedule, grid: Grid) -> float:
    """Largest difference of any reading of some of a panel from the same run day by day with every step cut in two (at order 4 that is
    15/16 of the error of steps; of leaps it is all), relative to the reading, or to a hundredth of its largest value among them where that
    is more."""
    some = np.arange(0, start.shape[0], max(1, start.shape[0] // MEASURED))[:MEASURED]
    start, parameters, schedule = start[some], parameters[some], schedule.only(some)
    double = kernel.exact or kernel
    rough = _pass(kernel if grid.leaps is None else double, start, parameters, schedule, grid, 1, None, None)
    fine = _pass(double, start, parameters, schedule, grid.by_day, 2, None, None)
    whole = ~(rough.failed | fine.failed)
    if not whole.any():
        return float("inf")
    exact = fine.readings[whole]
    scale = np.maximum(np.abs(exact), 0.01 * np.abs(exact).max(axis=(0, 1), keepdims=True) + 1e-9)
    return float(np.max(np.abs(rough.readings[whole] - exact) / scale))


Try = tuple[float, float | None, float | None]
"""Tolerance, that on days nobody reads, and the error leaps may make, as `find_grid` takes them."""


def grid_within(
    kernel: Kernel, start: Floats, parameters: Floats, schedule: Schedule, tries: Sequence[Try], enough: float
) -> tuple[Grid, float]:  # fmt: skip
    """The first grid of several whose measured error is `enough`, else the last, and that error. A grid whose leaps err too much is tried
    without them."""
    for tolerance, unread, leap in tries:
        grid = find_grid(kernel, start, parameters, schedule, tolerance, unread, leap)
        error = measured_error(kernel, start, parameters, schedule, grid)
        if error > enough and grid.leaps is not None:
            grid = grid.by_day
            error = measured_error(kernel, start, parameters, schedule, grid)
        if error <= enough:
            break
    return grid, error


def _pass(
    kernel: Kernel,
    start: Floats,
    parameters: Floats,
    schedule: Schedule,
    grid: Grid,
    halve: int,
    progress: Callable[[float], None] | None,
    cancel: Cancel | None,
) -> Run:
    if kernel.passes is not None:
        return kernel.passes(start, parameters, schedule, grid.by_day, halve)
    ready = _prepare(kernel, start, parameters, schedule)
    tiles, width, seen = ready.Y.shape[0], kernel.lanes, len(kernel.model.readings)
    people, states = schedule.people, len(kernel.model.pools)
    # People last, as they lie in the lanes and as whoever sums them up wants them.
    ended, out = np.empty((states, tiles, width)), np.empty((seen, schedule.rows, tiles, width))
    total, failed = np.empty((tiles, width)), np.empty((tiles, width), np.bool_)
    every = np.ones(schedule.rows * seen, kernel.number)
    closes = np.ones(len(grid.steps), np.uint8) if grid.closes is None else grid.closes
    leaps = grid.leaps
    leaping = _no_leaps(schedule) if leaps is None else (leaps.period, leaps.marks, leaps.over, leaps.marks, leaps.over)
    march = kernel.march if leaps is None else kernel.leaping()
    looser = np.array([[0.0, grid.ease, 0.0]])
    asked = FLAG.get()
    stop = cancel.flag if cancel is not None else Cancel().flag if asked is None else asked
    if stop[0]:
        raise Stopped
    done, lock = [0], threading.Lock()

    def block(low: int, high: int) -> None:
        part = ready.part(low, high)
        read = np.zeros((high - low, schedule.rows, seen, width), kernel.number)
        cert = np.zeros((high - low, 2 * width))
        march(
            False, *part, grid.first, grid.steps, closes, halve, looser, read.reshape(high - low, schedule.rows, -1), cert, stop,
            *leaping, 0.0,
        )  # fmt: skip
        final = part[0].reshape(-1, states, width)
        ended[:, low:high] = final.swapaxes(0, 1)
        out[:, :, low:high] = read.transpose(2, 1, 0, 3)
        total[low:high] = np.sqrt(cert[:, width:])
        sums = every @ read.reshape(high - low, -1, width) + 0.0 * final.sum(axis=1)  # a product is a tenth of the time of a sum here
        failed[low:high] = ~np.isfinite(sums)
        with lock:
            done[0] += high - low
            if progress:
                progress(done[0] / tiles)

    size = max(1, min(BLOCK_TILES, -(-tiles // (os.cpu_count() or 1))))  # a small panel still uses every core
    jobs: list[Future[None]] = [pool().submit(block, low, min(low + size, tiles)) for low in range(0, tiles, size)]
    try:
        for job in jobs:
            job.result()
    except BaseException:
        if stop is not asked:  # who else looks at that flag has asked for nothing to stop
            stop[0] = 1
        for job in jobs:
            job.cancel()
        raise
    if stop[0]:
        raise Stopped
    end = np.empty_like(ended)
    end[list(kernel.order)] = ended
    return Run(
        end.reshape(states, -1)[:, :people].T,
        out.reshape(seen, schedule.rows, -1)[:, :, :people].transpose(2, 1, 0),
        total.reshape(-1)[:people],
        failed.reshape(-1)[:people],
    )
