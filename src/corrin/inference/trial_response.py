"""One answer as a function of everything that is not known: standard normals in, a reading on a day out, on a frozen grid.

On a frozen grid the solution is a smooth function of the parameters (each step is arithmetic), so that differences are clean. The grid
comes from a panel of the prior, as everywhere; what it leaves out is measured on the panel.

`Response.along` differentiates the answer through the trace (engine/tangent.py): from the steady state over the history and the plan. What
an unknown does to parameters, exposures and instants of change is arithmetic without a solver, and its slope is taken by a stencil there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corrin.case.case import Case
from corrin.case.latent import Latent
from corrin.case.latent import draw as draw_latents
from corrin.case.plan import Plan
from corrin.case.timeline import Timeline
from corrin.case.world import World, future, world
from corrin.engine import tangent
from corrin.engine.draw import normals
from corrin.engine.rest import settle
from corrin.engine.simulate import PANEL, SHORTEST_D, Grid, Kernel, Run, Schedule, find_grid, measured_error, simulate
from corrin.errors import Bug
from corrin.inference.ahead import MANY, UNREAD, values_of
from corrin.inference.cohort import _age_latents, arm_case
from corrin.inference.population import Population
from corrin.inference.realise import YEAR_D, Past, _split, ahead, past
from corrin.inference.update import FINE, PANEL_FIRST, Teller, update
from corrin.studies.schema import Arm, Study
from corrin.studies.schema import Population as Who

Floats = NDArray[np.float64]
TOLERANCE = 2e-3
AT_ONCE = 4096
"""People simulated at a time."""
TIGHT = ((TOLERANCE, UNREAD), (3e-4, None), (1e-5, None))
"""Tolerances of a step where derivatives are carried along, and on days nobody reads: the next is taken where one leaves more than
`SLIGHT`."""
SLIGHT = 1e-3
"""Enough between a derivative and that with every step cut in two. The second is given: it erred by 1/7 to 1/50 of that (1/15 at order
4)."""
PACE = 8
"""Of so many directions one sets the steps of all."""
STENCIL = 5e-3
"""Step, in SDs, over which the slope of what an unknown does to parameters, exposures and instants is taken."""
KINK = 0.05
"""Where slopes to both sides differ by such a share there is a bend, and no derivative."""


@dataclass(frozen=True)
class Along:
    """The answer, its derivative by name (per SD of the unknown) and the largest error of a derivative, as a share of itself or of a
    hundredth of the largest: the difference from the same run with every step cut in two."""

    value: float
    slope: dict[str, float]
    error: float


@dataclass
class Response:
    """`reading` on `day` (0: before anything is given) under a plan. `names`: the unknowns, parameters first, then those of the history
    and of the plan. Call with (names, runs) standard normals; answers (runs,), NaN where no solution was found."""

    case: Case
    history: World
    plan: Plan | None
    reading: str
    day: float
    kernel: Kernel
    population: Population
    seed: int
    teller: Teller
    names: tuple[str, ...] = ()
    grid: Grid | None = None
    error: float = 0.0

    def prepare(self) -> Response:
        """Find the grids on the panel."""
        teller = self.teller
        teller.prepare()
        few = teller.prior(PANEL, PANEL_FIRST)
        parameters, values, made = teller.realise(few)
        begin = settle(self.kernel, parameters, made.begin, parameters, made.begin)
        teller.grid = find_grid(self.kernel, begin, parameters, made.schedule, FINE)
        self.error = measured_error(self.kernel, begin, parameters, made.schedule, teller.grid)
        self.names = tuple(teller.names())
        if self.plan is None or self.day <= 0.0:
            return self
        timeline = future(self.case, self.plan, self.day / YEAR_D)
        self.names = (*self.names, *(latent.name for latent in timeline.latents if latent.needs_z))
        run = simulate(self.kernel, begin, parameters, made.schedule, teller.grid, certify=False)
        values = values_of(timeline, values, self.seed, PANEL, PANEL_FIRST)
        panel = ahead(self.history, timeline, self.kernel, values, PANEL, self.seed, np.arange(PANEL), None, [self.day])
        many = len(timeline.doses) > MANY
        self.grid = find_grid(self.kernel, run.end, parameters, panel.schedule, TOLERANCE, UNREAD if many else None)
        self.error = max(self.error, measured_error(self.kernel, run.end, parameters, panel.schedule, self.grid))
        return self

    def __call__(self, z: Floats) -> Floats:
        """Answers (runs,) for standard normals (names, runs)."""
        return np.concatenate([self._some(z[:, first : first + AT_ONCE]) for first in range(0, z.shape[1], AT_ONCE)])

    def _some(self, z: Floats) -> Floats:
        count = z.shape[1]
        by_name = dict(zip(self.names, z, strict=True))
        parameters, values, made = self._past(by_name, count)
        teller = self.teller
        if teller.grid is None or teller.panel is None:
            raise Bug("an answer was asked for before its grid was made")
        begin = settle(self.kernel, parameters, made.begin, *teller.panel, teller.rest)
        run = simulate(self.kernel, begin, parameters, made.schedule, teller.grid, certify=False)
        place = self.kernel.model.readings.index(self.reading)
        if self.grid is None:
            now = run.readings[np.arange(count), made.row_of[0.0], place]
            return np.where(run.failed, np.nan, now)
        _, schedule = self._ahead(by_name, values, count)
        after = simulate(self.kernel, run.end, parameters, schedule, self.grid, certify=False)
        return np.where(run.failed | after.failed, np.nan, after.readings[:, 0, place])

    def _past(self, by_name: Mapping[str, Floats], count: int) -> tuple[Floats, dict[str, Floats], Past]:
        """Parameters, values of the latents and the history.

        Whether a single dose is missed is the same luck in every run, here and ahead: only the share that is taken may move an answer.
        """
        drawn = draw_latents(self.history.latents, by_name)
        values = {name: np.broadcast_to(np.asarray(value, float), (count,)).copy() for name, value in drawn.items()}
        one = np.zeros(count, np.int64)
        made = past(self.history, self.kernel, values, count, self.teller.slots, self.seed, one)
        return self.population.matrix(dict(by_name), count), values, made

    def _timeline(self) -> Timeline | None:
        """What is ahead, if anything is."""
        if self.plan is None or self.day <= 0.0:
            return None
        return future(self.case, self.plan, self.day / YEAR_D)

    def _ahead(self, by_name: Mapping[str, Floats], values: Mapping[str, Floats], count: int) -> tuple[dict[str, Floats], Schedule]:
        """All latents and the schedule of the plan."""
        timeline = self._timeline()
        if timeline is None:
            raise Bug("there is no plan to run")
        drawn = dict(values)
        for latent in timeline.latents:
            drawn[latent.name] = np.broadcast_to(np.asarray(latent.value(by_name.get(latent.name), drawn), float), (count,)).copy()
        one = np.zeros(count, np.int64)
        return drawn, ahead(self.history, timeline, self.kernel, drawn, count, self.seed, one, None, [self.day]).schedule

    def along(self, base: Floats, wanted: Sequence[str]) -> Along:
        """Derivatives through the trace at `base` (names,) for some of the unknowns; those without one are left out of the result."""
        count = len(wanted)
        if not count:
            return Along(float(self(base[:, None])[0]), {}, 0.0)
        columns = 1 + 4 * count
        z = np.repeat(base[:, None], columns, axis=1)
        rows = [self.names.index(name) for name in wanted]
        z[np.repeat(rows, 4), np.arange(1, columns)] += STENCIL * np.tile([-2.0, -1.0, 1.0, 2.0], count)
        by_name = dict(zip(self.names, z, strict=True))
        moved = _Moved(count)
        parameters, values, made = self._past(by_name, columns)
        start = tangent.beside(*(side.T for side in moved(parameters.T))), tangent.with_exposures(*moved(made.begin))
        schedules, row = [moved.schedule(made.schedule)], np.repeat(made.row_of[0.0][:1], count)
        timeline = self._timeline()
        if timeline is not None:
            values, schedule = self._ahead(by_name, values, columns)
            schedules, row = [*schedules, moved.schedule(schedule)], np.zeros(count, np.int64)
        self._jumps(moved, values, timeline)
        many = timeline is not None and len(timeline.doses) > MANY
        kernel, place = tangent.tangent(self.kernel.model), self.kernel.model.readings.index(self.reading)
        for tolerance in TIGHT if many else TIGHT[1:]:
            rough, fine = (run.readings[np.arange(count), row] for run in _twice(kernel, *start, schedules, *tolerance))
            slope, before = (seen[:, place + len(self.kernel.model.readings)] for seen in (fine, rough))
            whole = ~moved.bent & np.isfinite(slope) & np.isfinite(before)
            most = float(np.abs(slope[whole]).max(initial=0.0))
            apart = np.abs(slope - before)[whole] / np.maximum(np.abs(slope[whole]), max(0.01 * most, 1e-300))
            error = float(apart.max(initial=0.0))
            if error <= SLIGHT:
                break
        return Along(float(fine[0, place]), {name: float(slope[k]) for k, name in enumerate(wanted) if whole[k]}, error)

    def _jumps(self, moved: _Moved, values: Mapping[str, Floats], timeline: Timeline | None) -> None:
        """Mark what moves whether a dose is taken, or an instant among days that all share: there the answer jumps."""
        doses = (*self.history.history.doses, *(timeline.doses if timeline else ()))
        changes = (*self.history.history.changes, *(timeline.changes if timeline else ()))
        for taken in {dose.adherence for dose in doses if isinstance(dose.adherence, str)}:
            moved.bent |= moved(values[taken])[1] != 0.0
        for change in changes:
            if isinstance(change.time, str) and values[change.time][0] >= _split(self.history):
                moved.bent |= moved(values[change.time])[1] != 0.0

    def discrete(self) -> set[str]:
        """Unknowns that jump: which form of the model, which cause, whether something is there."""
        rows = {row.name for row in self.population.rows if row.distribution == "bernoulli"}
        return rows | {one.name for one in self.latents() if one.kind in ("bernoulli", "categorical")}

    def latents(self) -> tuple[Latent, ...]:
        """Unknowns of the history and of the plan."""
        timeline = self._timeline()
        return (*self.history.latents, *(timeline.latents if timeline else ()))

    def describe(self, name: str) -> tuple[str, str, float | None]:
        """(words, what it is, SD of its logarithm where it is log-normal)."""
        from corrin.inference.population import spread

        row = next((row for row in self.population.rows if row.name == name), None)
        if row is not None:
            kind = "form of the model" if row.distribution == "bernoulli" else "body"
            return row.description.rstrip("."), kind, spread(row) if row.distribution == "lognormal" else None
        latent = next(one for one in self.latents() if one.name == name)
        about = (latent.about.split(":")[0] if latent.kind == "categorical" else latent.about) or name.replace("_", " ")
        return about.replace("_", " "), "history", float(latent.args[1]) if latent.kind == "lognormal" else None

    def value_at(self, name: str, z: float) -> float | None:
        """What a standard normal of an unknown stands for."""
        from corrin.inference.population import place, spread

        at = np.array([z])
        row = next((row for row in self.population.rows if row.name == name), None)
        if row is not None:
            return float(place(row, at, spread(row))[0])
        latent = next(one for one in self.latents() if one.name == name)
        return float(np.asarray(latent.value(at)).reshape(-1)[0])


class _Moved:
    """Reads arrays whose last axis is the base and then, for each unknown, four places around it: their values at the base and slopes,
    both (..., unknowns). Remembers in `bent` whose slopes differ to the two sides."""

    def __init__(self, count: int) -> None:
        self.bent = np.zeros(count, np.bool_)

    def __call__(self, array: Floats) -> tuple[Floats, Floats]:
        base = np.repeat(array[..., :1], len(self.bent), axis=-1)
        far, left, right, beyond = np.moveaxis(array[..., 1:].reshape(*array.shape[:-1], -1, 4), -1, 0)
        before, after = (base - left) / STENCIL, (right - base) / STENCIL
        most = np.maximum(np.abs(before), np.abs(after))
        bent = np.abs(after - before) > KINK * most + 1e-7 * np.abs(base)
        self.bent |= bent.reshape(-1, len(self.bent)).any(axis=0)
        return base, (8.0 * (right - left) - (beyond - far)) / (12.0 * STENCIL)

    def schedule(self, schedule: Schedule) -> Schedule:
        """The schedule at the base with the direction of each unknown: of exposures and of the lengths of segments."""
        lengths, longer = self(schedule.lengths)
        sets, along = self(schedule.exposures)
        doses = [[(kind, self(amounts)[0]) for kind, amounts in given] for given in schedule.doses]
        usual = replace(schedule, lengths=lengths, exposures=sets, doses=doses)
        return tangent.with_directions(usual, along, longer / np.maximum(lengths, SHORTEST_D))


def _twice(
    kernel: Kernel, parameters: Floats, begin: Floats, schedules: Sequence[Schedule], tolerance: float, unread: float | None
) -> list[Run]:  # fmt: skip
    """From the steady state under `begin` through one schedule after the other: the last run on grids of its own, and with every step cut
    in two."""
    rest = settle(kernel, parameters, begin, parameters, begin)
    pace = np.arange(0, len(parameters), PACE)
    ends, runs = [rest, rest], []
    for schedule in schedules:
        grid = find_grid(kernel, ends[1][pace], parameters[pace], schedule.only(pace), tolerance, unread)
        finer = replace(grid, first=2 * grid.first, steps=np.repeat(0.5 * grid.steps, 2), closes=None)
        runs = [simulate(kernel, end, parameters, schedule, steps, certify=False) for end, steps in zip(ends, (grid, finer), strict=True)]
        ends = [run.end for run in runs]
    return runs


def of_case(case: Case, plan: Plan | None, reading: str, day: float, kernel: Kernel, population: Population, seed: int) -> Response:
    """The answer for one person, before what was measured in them is used."""
    past = replace(world(case), observations=())
    return Response(case, past, plan, reading, day, kernel, population, seed, Teller(past, kernel, population, seed)).prepare()


def of_population(plan: Plan | None, reading: str, day: float, kernel: Kernel, population: Population, seed: int) -> Response:
    """The answer for an adult of the community of whom nothing is known."""
    who = Who(description="adults", age_mean_y=50.0, age_sd_y=18.0, age_low_y=20.0, age_high_y=90.0)
    study = Study(
        format="corrin.study/1", key="adults", citation="", seen="assumed", design="", role="check", population=who, arm=(Arm(name="all"),)
    )
    case = arm_case(study, study.arm[0])
    past = world(case, tested=False)
    past = replace(past, observations=(), history=replace(past.history, latents=(*past.history.latents, *_age_latents(who))))
    return Response(case, past, plan, reading, day, kernel, population, seed, Teller(past, kernel, population, seed)).prepare()


def learned(
    response: Response, draws: int, progress: Callable[[str, float], None] | None = None
) -> tuple[Floats, Floats, Floats] | None:  # fmt: skip
    """After what was measured: a draw in the middle (names,), and the 10 and 90 % points of every unknown. None where nothing was."""
    seen = world(response.case)
    if not seen.observations:
        return None
    people = update(seen, response.kernel, response.population, draws, response.seed, progress)
    count = people.count
    rows = [people.z[name] if name in people.z else normals(response.seed, name, count) for name in response.names]
    z = np.array(rows)[:, people.weights > 0.0]
    if not z.shape[1]:
        raise Bug("no draw of this person could be solved")
    low, high = np.quantile(z, [0.1, 0.9], axis=1)
    far = (((z - z.mean(axis=1, keepdims=True)) / np.maximum(z.std(axis=1, keepdims=True), 0.05)) ** 2).sum(axis=0)
    return z[:, int(np.argmin(far))], low, high
