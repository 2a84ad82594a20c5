"""Where a schedule repeats itself day after day: there days may be leapt over (see decision 0003).

A day is a run of segments that comes again: same doses for everybody, same exposures, same lengths. A stretch of such days ends
where something else is given, where an exposure changes (age does, once a year) and where a dose is missed by somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corrin.engine.emit.leap import FEWEST, REST

if TYPE_CHECKING:
    from corrin.engine.simulate import Schedule

Ints = NDArray[np.int64]
MOST_PARTS = 4
"""Segments of a day at most: tablets up to four times a day."""
DAY_D = 0.9, 1.1
"""Only what is about a day is leapt: its doses must have settled when it ends, and between injections weeks apart few steps are saved."""
SHARE = 0.1
"""A leap is no longer than this share of the time since what is given changed: the sooner after a change, the quicker everything bends."""
GENTLE = 0.05
"""An exposure that changes by no more than this share, as age does from year to year, starts nothing anew."""
SAME = 1e-9
"""Two lengths that differ by no more, as a share, are the same."""


@dataclass(frozen=True)
class Rhythm:
    """`period`: segments of a day. All others (segments,): `turn` 1 where a day begins that is like the one before, 2 where the first of
    them begins; `room` how many segments from here on may be leapt, so that the days after which something is read or changes, and
    `REST` days before them, are run truly; `repeats` whether a segment is one of such a stretch."""

    period: int
    turn: Ints
    room: Ints
    repeats: NDArray[np.bool_]


def _alike(schedule: Schedule, one: int, other: int) -> NDArray[np.bool_]:
    """(people,): whether two segments are the same for a person, exposures aside."""
    first, second = schedule.doses[one], schedule.doses[other]
    if [kind for kind, _ in first] != [kind for kind, _ in second]:
        return np.zeros(schedule.people, np.bool_)
    longer, shorter = schedule.lengths[one], schedule.lengths[other]
    alike = np.abs(longer - shorter) <= SAME * longer
    for (_, given), (_, before) in zip(first, second, strict=True):
        if given is not before:
            alike &= given == before
    return np.asarray(alike)


def _as_before(schedule: Schedule, period: int) -> NDArray[np.bool_]:
    """(segments,): whether a segment is for everybody as the one a period earlier."""
    count = len(schedule.which)
    same = np.zeros(count, np.bool_)
    for s in range(period, count):
        same[s] = schedule.which[s] == schedule.which[s - period] and bool(_alike(schedule, s, s - period).all())
    return same


def rhythm(schedule: Schedule) -> Rhythm | None:
    """The days a schedule repeats; None where it has none worth a leap."""
    best = None
    for period in range(1, MOST_PARTS + 1):
        found = _stretches(schedule, period)
        if found is not None and (best is None or int((found.room > 0).sum()) * found.period > int((best.room > 0).sum()) * best.period):
            best = found
        if best is not None and best.repeats.mean() > 0.5:
            break
    return best


def _stretches(schedule: Schedule, period: int) -> Rhythm | None:
    same = _as_before(schedule, period)
    count = len(same)
    turn, room, repeats = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.bool_)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    read = np.array([any(row >= 0 for row in out) or len(out) > 1 for out in schedule.outputs])
    starts = np.concatenate([[0.0], np.cumsum(schedule.lengths.max(axis=1))])
    last, since, before = 0, 0.0, -1
    for low, high in edges.reshape(-1, 2):
        begin, end = max(int(low) - period, last), int(high)
        last = end
        days = schedule.lengths[begin : begin + period].sum(axis=0)
        if days.min() < DAY_D[0] or days.max() > DAY_D[1]:
            continue
        if before < 0 or starts[begin] - starts[before + period] > DAY_D[1] or not _goes_on(schedule, before, begin, period):
            since = starts[begin]
        before = end - period
        repeats[begin:end] = True
        turn[begin:end:period] = 1
        turn[begin] = 2
        stops = np.append(np.flatnonzero(read[begin:end]) + begin, end)
        for s in range(begin, end, period):
            free = (int(stops[np.searchsorted(stops, s)]) - s) // period - REST
            free = min(free, int(SHARE * (starts[s] - since)))
            room[s] = period * free if free >= FEWEST else 0
    return Rhythm(period, turn, room, repeats) if room.any() else None


def _goes_on(schedule: Schedule, day: int, other: int, period: int) -> bool:
    """Whether two days are the same for everybody but for exposures that hardly differ."""
    old, new = schedule.exposures[schedule.which[day]], schedule.exposures[schedule.which[other]]
    gentle = bool((np.abs(new - old) <= GENTLE * np.abs(old)).all())
    return gentle and all(bool(_alike(schedule, day + k, other + k).all()) for k in range(period))


def strays(schedule: Schedule, period: int, leaps: Ints, marks: Ints) -> NDArray[np.bool_]:
    """(people,): whose days are not all alike where a grid leaps, as when a dose is missed: they are run day by day. Compared are the days
    from the first that is measured to the last that is leapt."""
    astray = np.zeros(schedule.people, np.bool_)
    begin = -1
    for s in range(len(leaps)):
        if marks[s] == 2:
            begin = s
        if leaps[s]:
            for one in range(begin + period, s + int(leaps[s])):
                astray |= ~_alike(schedule, one, one - period)
            begin = s + int(leaps[s]) - period
    return astray
