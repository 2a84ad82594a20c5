"""One answer as a function of everything that is not known: standard normals in, a reading on a day out, on a frozen grid.

On a frozen grid the solution is a smooth function of the parameters (each step is arithmetic), so that differences are clean. The grid
comes from a panel of the prior, as everywhere; what it leaves out is measured on the panel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corrin.case.case import Case
from corrin.case.latent import Latent
from corrin.case.plan import Plan
from corrin.case.world import World, future, world
from corrin.engine.draw import normals
from corrin.engine.simulate import PANEL, Grid, Kernel, find_grid, measured_error, settle, simulate
from corrin.errors import Bug
from corrin.inference.ahead import MANY, UNREAD, values_of
from corrin.inference.cohort import _age_latents, arm_case
from corrin.inference.population import Population
from corrin.inference.realise import YEAR_D, ahead
from corrin.inference.update import FINE, PANEL_FIRST, Teller, update
from corrin.studies.schema import Arm, Study
from corrin.studies.schema import Population as Who

Floats = NDArray[np.float64]
TOLERANCE = 2e-3
AT_ONCE = 4096
"""People simulated at a time."""


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
        _, values, made, run = self.teller.tell(by_name)
        place = self.kernel.model.readings.index(self.reading)
        if self.grid is None or self.plan is None:
            now = run.readings[np.arange(count), made.row_of[0.0], place]
            return np.where(run.failed, np.nan, now)
        timeline = future(self.case, self.plan, self.day / YEAR_D)
        drawn = dict(values)
        for latent in timeline.latents:
            drawn[latent.name] = np.broadcast_to(np.asarray(latent.value(by_name.get(latent.name), drawn), float), (count,)).copy()
        # Whether a single dose is missed is the same luck in every run: only the share that is taken may move an answer.
        one = np.zeros(count, np.int64)
        made_ahead = ahead(self.history, timeline, self.kernel, drawn, count, self.seed, one, None, [self.day])
        parameters = self.population.matrix(by_name, count)
        after = simulate(self.kernel, run.end, parameters, made_ahead.schedule, self.grid, certify=False)
        return np.where(run.failed | after.failed, np.nan, after.readings[:, 0, place])

    def discrete(self) -> set[str]:
        """Unknowns that jump: which form of the model, which cause, whether something is there."""
        rows = {row.name for row in self.population.rows if row.distribution == "bernoulli"}
        return rows | {one.name for one in self.latents() if one.kind in ("bernoulli", "categorical")}

    def latents(self) -> tuple[Latent, ...]:
        """Unknowns of the history and of the plan."""
        if self.plan is None or self.day <= 0.0:
            return self.history.latents
        return (*self.history.latents, *future(self.case, self.plan, self.day / YEAR_D).latents)

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
