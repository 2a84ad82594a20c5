"""A world and drawn values to the arrays the engine takes.

A history has two stretches. Before the first exact event (a past dose, a pulse of nitrous oxide) each person's boundaries are their own:
the dates nobody knows are sorted in among the known ones, so every onset is met exactly. From there on all share the calendar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from corrin.case.timeline import Change, DoseEvent, Timeline
from corrin.case.world import World
from corrin.engine.draw import uniforms
from corrin.engine.simulate import RESTART_D, Kernel, Schedule

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
YEAR_D = 365.25
AGE_STEPS_D = (-12.0 * YEAR_D, -5.0 * YEAR_D)
"""Where a history is cut so that age keeps up."""
AGE_AHEAD_D = YEAR_D
"""How often age moves in the future; the same days under every plan, so that plans differ by what is given and by nothing else."""
AGE = "age_of_participant_y"
"""Latent that holds each person's own age at day 0 where people differ in age (study arms); without it all have the world's."""
CLOSE_D = 1e-6
SLOW_RESTART_D, DATED_RESTART_D = 50.0, 0.1
"""First steps of the pilot in a history, days: after the onset of a slow cause, and after a change on a known day (gas, a drug). Where one
errs it is cut."""


def _array(value: float | str, values: Mapping[str, Floats], people: int) -> Floats:
    return np.asarray(values[value], float) if isinstance(value, str) else np.full(people, float(value))


@dataclass(frozen=True)
class Exposed:
    """What a set of changes makes of every exposure, for drawn values: `at(times)` -> (exposures, ..., people)."""

    kernel: Kernel
    changes: tuple[Change, ...]
    values: Mapping[str, Floats]
    people: int
    age_y: float | Floats

    def at(self, times: Floats) -> Floats:
        """Exposures at times (segments, people); shape (segments, exposures, people). A change counts from its own instant on."""
        names = self.kernel.model.exposures
        out = np.empty((times.shape[0], len(names), self.people))
        out[:] = self.kernel.exposure_defaults()[None, :, None]
        for (target, modifier), runs in self._runs.items():
            if target not in names or target == "age_y":
                continue
            place = names.index(target)
            factor = target.startswith("m_")
            before = out[:, place] if not modifier else np.ones_like(times) if factor else np.zeros_like(times)
            level = self._latest(runs, times, before)
            if modifier and factor:
                out[:, place] *= level
            elif modifier:
                out[:, place] += level - 1.0 if target != "nitrous_oxide" else np.where(np.isnan(level), 0.0, level)
            else:
                out[:, place] = level
        out[:, names.index("age_y")] = np.maximum(self.age_y + times / YEAR_D, 16.0)
        return out

    def moments(self) -> Floats:
        """Every instant at which something changes for somebody, ascending; years of age apart."""
        found = [np.ravel(_array(change.time, self.values, 1)) for change in self.changes if change.target != "age_y"]
        return np.sort(np.concatenate(found)) if found else np.zeros(0)

    @cached_property
    def _runs(self) -> dict[tuple[str, str], list[tuple[list[Change], Floats | None]]]:
        """Changes by what they change, in runs: those on days of the calendar, in order and with their days, and those that are not."""
        groups: dict[tuple[str, str], list[Change]] = {}
        for change in self.changes:
            groups.setdefault((change.target, change.modifier), []).append(change)
        found: dict[tuple[str, str], list[tuple[list[Change], Floats | None]]] = {}
        for key, changes in groups.items():
            for own, some in groupby(changes, lambda change: isinstance(change.time, str)):
                run = list(some)
                if not own:
                    run.sort(key=lambda change: float(change.time))
                found.setdefault(key, []).append((run, None if own else np.array([float(change.time) for change in run])))
        return found

    def _latest(self, runs: Sequence[tuple[list[Change], Floats | None]], times: Floats, before: Floats) -> Floats:
        """The value of the last change so far, at every time; of two at one instant the one named later."""
        level, since = before.copy(), np.full_like(times, -np.inf)
        for moment, value in self._steps(runs, times):
            now = (moment <= times + CLOSE_D) & (moment >= since)
            level = np.where(now, value, level)
            since = np.where(now, moment, since)
        return level

    def _steps(self, runs: Sequence[tuple[list[Change], Floats | None]], times: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Instants and values of changes in order. Of a run on days of the calendar (pulses of gas on a hundred days) only the last so far
        is looked at."""
        for run, days in runs:
            if days is None:
                for change in run:
                    yield self._all(change.time), self._all(change.value)
                continue
            last = np.searchsorted(days, times + CLOSE_D, side="right") - 1
            for place in range(max(int(last.min()), 0), int(last.max()) + 1):
                yield np.where(last == place, days[place], np.inf), self._all(run[place].value)

    def _all(self, value: float | str) -> Floats:
        """A time or a value of everybody (1, people)."""
        return _array(value, self.values, self.people)[None, :]


def _own_times(changes: Sequence[Change], values: Mapping[str, Floats], people: int, low: float, high: float) -> Floats:
    """Instants of change that are each person's own, (events, people), NaN where the change does nothing to that person."""
    rows: dict[str, Floats] = {}
    before: dict[tuple[str, str], float | str] = {}
    for change in changes:
        key = (change.target, change.modifier)
        if isinstance(change.time, str):
            value = _array(change.value, values, people)
            usual = _array(before.get(key, 1.0 if change.modifier else np.nan), values, people)
            moment = np.asarray(values[change.time], float)
            moves = ~(np.abs(value - usual) <= 1e-9 * np.maximum(1.0, np.abs(usual))) & (moment > low) & (moment < high)
            row = np.where(moves, moment, np.nan)
            rows[change.time] = np.where(np.isnan(rows[change.time]), row, rows[change.time]) if change.time in rows else row
        before[key] = change.value
    return np.array(list(rows.values())) if rows else np.zeros((0, people))


def _fixed(changes: Sequence[Change]) -> list[float]:
    return [float(change.time) for change in changes if not isinstance(change.time, str) and change.target != "age_y"]


@dataclass(frozen=True)
class Past:
    """A realised history: its schedule, where each observation is to be read, and each output row's own time."""

    schedule: Schedule
    row_of: dict[float, Ints]
    """Observed day -> (people,) output row."""
    when: Floats
    """(rows, people) days."""
    begin: Floats
    """(exposures, people): the earliest exposures, in whose steady state the body starts."""


def own_events(world: World, kernel: Kernel, values: Mapping[str, Floats], people: int) -> int:
    """How many own instants a person of these may have; taken from the panel, so that it does not depend on the batch."""
    own = _own_times(world.history.changes, values, people, world.history.start_days, _split(world))
    return int((~np.isnan(own)).sum(axis=0).max()) if own.size else 0


def _split(world: World) -> float:
    """The first exact event: from here on all share the calendar."""
    exact = [dose.time_days for dose in world.history.doses]
    exact += [float(c.time) for c in world.history.changes if c.target == "nitrous_oxide" and not isinstance(c.time, str)]
    return min([0.0, *exact])


def past(
    world: World, kernel: Kernel, values: Mapping[str, Floats], people: int, slots: int, seed: int, persons: Ints, fine: bool = False
) -> Past:
    """The history of these people. `slots` own instants are kept for each; `persons` their numbers (for missed doses); `fine` asks for
    more output rows, for a picture of the past."""
    history = world.history
    start, split = history.start_days, _split(world)
    observed = sorted({item.time_days for item in world.observations})
    fixed = sorted({t for t in (*_fixed(history.changes), *AGE_STEPS_D, *observed) if start < t < split} | {split})
    own = _own_times(history.changes, values, people, start, split - CLOSE_D)
    own = np.sort(own, axis=0)[:slots] if own.size else own  # NaN sorts last
    if own.shape[0] < slots:
        own = np.concatenate([own, np.full((slots - own.shape[0], people), np.nan)])
    edges = np.concatenate([np.repeat(np.array(fixed)[:, None], people, axis=1), np.where(np.isnan(own), split, own)])
    order = np.argsort(edges, axis=0, kind="stable")
    ends = np.take_along_axis(edges, order, axis=0)
    rank = np.argsort(order, axis=0, kind="stable")
    late, late_doses = _calendar(world, kernel, split, observed)
    ends = np.concatenate([ends, np.repeat(np.array(late)[:, None], people, axis=1)]) if late else ends
    early = len(fixed) + slots
    lengths = np.diff(np.concatenate([np.full((1, people), start), ends]), axis=0)
    middles = ends - 0.5 * lengths
    exposed = Exposed(kernel, history.changes, values, people, values.get(AGE, world.age_y))
    sets, which = _sets(exposed, middles, early, late)
    places = (0.5, 1.0) if fine else (1.0,)
    dense = [places if index < early or not late else (1.0,) for index in range(len(ends))]
    keep = [True] * early + _kept(late, observed, fine)
    breaks, outputs, when, row_at_end = [], [], [], []
    rows = 0
    for index, at in enumerate(dense):
        breaks.append(list(at) if keep[index] else [1.0])
        if keep[index]:
            outputs.append(list(range(rows, rows + len(at))))
            when += [ends[index] - lengths[index] * (1.0 - place) for place in at]
            rows += len(at)
        else:
            outputs.append([-1])
        row_at_end.append(rows - 1)
    end_row = np.array(row_at_end, np.int64)
    row_of: dict[float, Ints] = {}
    for time in observed:
        if time in fixed:
            row_of[time] = end_row[rank[fixed.index(time)]]
        elif time <= start:
            row_of[time] = np.zeros(people, np.int64)
        else:
            row_of[time] = np.full(people, end_row[early + late.index(time)], np.int64)
    if 0.0 not in row_of:
        row_of[0.0] = np.full(people, rows - 1, np.int64)
    doses: list[list[tuple[int, Floats]]] = [[] for _ in range(len(ends) + 1)]
    for number, dose in enumerate(late_doses):
        at_segment = early + (late.index(dose.time_days) + 1 if dose.time_days in late else 0)
        doses[at_segment].append(_given(kernel, dose, values, people, seed, f"past {number}", persons))
    restart = np.array([SLOW_RESTART_D] * early + [DATED_RESTART_D] * len(late))
    for index, given in enumerate(doses[:-1]):
        for kind, _ in given:
            restart[index] = min(restart[index], RESTART_D[kernel.model.dose_kinds[kind].rsplit("_", 1)[0]])
    schedule = Schedule(lengths, sets, which, doses, breaks, outputs, restart, rows)
    return Past(schedule, row_of, np.array(when), sets[0])


def _sets(exposed: Exposed, middles: Floats, early: int, late: Sequence[float], age_step_d: float = 0.0) -> tuple[Floats, Ints]:
    """Sets of exposures and which one each segment has; in the shared stretch equal neighbours use one set.

    Age is that of the middle of each step of `age_step_d`; without one it is that of the first segment of its set.
    """

    def exposures(index: int, count: int = 1) -> Floats:
        now = exposed.at(middles[index : index + count])
        if age_step_d:
            middle = (np.floor(middles[index : index + count] / age_step_d) + 0.5) * age_step_d
            now[:, age] = np.maximum(exposed.age_y + middle / YEAR_D, 16.0)
        return now

    age = exposed.kernel.model.exposures.index("age_y")
    moments = exposed.moments() if early < middles.shape[0] else np.zeros(0)

    def as_before(index: int) -> bool:
        """Nobody's exposures change between the middles of this segment and the one before."""
        last, now = middles[index - 1, 0], middles[index, 0]
        if age_step_d and np.floor(last / age_step_d) != np.floor(now / age_step_d):
            return False
        low, high = np.searchsorted(moments, (last + CLOSE_D, now + CLOSE_D), side="right")
        return bool(low == high)

    sets = [exposures(0, early)]
    which = list(range(early))
    count = early
    for index in range(early, middles.shape[0]):
        if count > early and as_before(index):
            which.append(count - 1)
            continue
        now = exposures(index)
        same = sets[-1][-1:] == now
        if not age_step_d:
            same[:, age] = True
        if count > early and same.all():
            which.append(count - 1)
            continue
        sets.append(now)
        which.append(count)
        count += 1
    return np.concatenate(sets) if len(sets) > 1 else sets[0], np.array(which, np.int64)


def _calendar(world: World, kernel: Kernel, split: float, observed: Sequence[float]) -> tuple[list[float], list[DoseEvent]]:
    """Ends of segments after the first exact event, and the doses, in order."""
    if split >= 0.0:
        return [], []
    doses = [dose for dose in world.history.doses if dose.time_days < 0.0]
    ends = {t for t in (*_fixed(world.history.changes), *observed, *(dose.time_days for dose in doses)) if split < t <= 0.0}
    return sorted(ends | {0.0}), doses


def _kept(late: Sequence[float], observed: Sequence[float], fine: bool) -> list[bool]:
    """Segments of the shared stretch whose end is read: observed days, day 0, and some for the picture."""
    stride = max(1, len(late) // 80)
    return [time in observed or time == 0.0 or (fine and number % stride == 0) for number, time in enumerate(late)]


def _given(
    kernel: Kernel, dose: DoseEvent, values: Mapping[str, Floats], people: int, seed: int, label: str, persons: Ints
) -> tuple[int, Floats]:
    """Kind and each person's amount of a dose; a missed one is 0."""
    kind = kernel.model.dose_kinds.index(f"{dose.kind}_{dose.form_class}")
    amounts = np.full(people, dose.amount_nmol)
    if dose.adherence != 1.0:
        luck = uniforms(seed, f"taken {label}", int(persons.max()) + 1)[persons]
        amounts = np.where(luck < _array(dose.adherence, values, people), amounts, 0.0)
    return kind, amounts


@dataclass(frozen=True)
class Ahead:
    """A realised future: schedule and the days of its output rows, equal for all."""

    schedule: Schedule
    times: Floats


EARLY_D = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 10.0, 14.0, 21.0)
AFTER_INJECTION_D = (0.125, 1.0, 3.0)
MOST_PEAKS = 40


def output_days(doses: Sequence[DoseEvent], end: float) -> list[float]:
    """Days to read: closer at first, then every fortnight at the trough before a dose where one is near, and after some injections."""
    days = {day for day in EARLY_D if day <= end} | {end}
    days |= {float(day) for day in np.arange(28.0, end, 14.0)}
    shots = sorted({dose.time_days for dose in doses if dose.kind in ("injected", "intravenous", "nasal")})
    for time in shots[:: max(1, -(-len(shots) // MOST_PEAKS))]:
        days |= {time} | {time + gap for gap in AFTER_INJECTION_D}
    return sorted(day for day in days if 0.0 <= day <= end)


def ahead(
    world: World, timeline: Timeline, kernel: Kernel, values: Mapping[str, Floats], people: int, seed: int, persons: Ints,
    doses: Sequence[tuple[DoseEvent, Floats | None]] | None = None, days: Sequence[float] | None = None,
) -> Ahead:  # fmt: skip
    """The future under a timeline. `doses` may give each dose with each person's share of it (0 where a rule has ended the phase)."""
    given = doses if doses is not None else [(dose, None) for dose in timeline.doses]
    end = timeline.end_days
    times = sorted(days if days is not None else output_days([dose for dose, _ in given], end))
    changes = world.history.changes + timeline.changes
    edges = {t for t in _fixed(changes) if 0.0 < t < end} | {dose.time_days for dose, _ in given if 0.0 < dose.time_days < end} | {end}
    edges |= set(np.arange(AGE_AHEAD_D, end, AGE_AHEAD_D).tolist())
    ends = sorted(edges)
    starts = [0.0, *ends[:-1]]
    lengths = np.repeat((np.array(ends) - np.array(starts))[:, None], people, axis=1)
    exposed = Exposed(kernel, changes, values, people, values.get(AGE, world.age_y))
    middles = np.repeat((0.5 * (np.array(ends) + np.array(starts)))[:, None], people, axis=1)
    sets, which = _sets(exposed, middles, 1, ends, AGE_AHEAD_D)
    breaks: list[list[float]] = []
    outputs: list[list[int]] = []
    rows = 1 if times and times[0] == 0.0 else 0  # day 0 is the state handed over, before any dose
    read = iter(times[rows:])
    day = next(read, None)
    for low, high in zip(starts, ends, strict=True):
        at: list[float] = []
        out: list[int] = []
        while day is not None and day <= high + 1e-9:
            place = min(1.0, (day - low) / (high - low))
            at.append(place)
            out.append(rows)
            rows += 1
            day = next(read, None)
        if not at or at[-1] < 1.0:
            at.append(1.0)
            out.append(-1)
        breaks.append(at)
        outputs.append(out)
    listed: list[list[tuple[int, Floats]]] = [[] for _ in range(len(ends) + 1)]
    at_start = {time: number for number, time in enumerate(starts)}
    for dose, share in given:
        # Keyed by the day: the same dose is missed in every plan that holds it, and in the trial run of a rule as in the real one.
        kind, amounts = _given(kernel, dose, values, people, seed, f"{dose.time_days:.9g} {dose.product}", persons)
        segment = at_start.get(dose.time_days, len(ends) if dose.time_days >= end else -1)
        if segment >= 0:
            listed[segment].append((kind, amounts if share is None else amounts * share))
    restart = np.zeros(len(ends))
    changed = np.concatenate([[True], which[1:] != which[:-1]])
    for index in range(len(ends)):
        first = [RESTART_D[kernel.model.dose_kinds[kind].rsplit("_", 1)[0]] for kind, _ in listed[index]]
        restart[index] = min([*first, *([RESTART_D["change"]] if changed[index] else [])], default=0.0)
    return Ahead(Schedule(lengths, sets, which, listed, breaks, outputs, restart, max(rows, 1)), np.array(times))
