"""The people of a virtual trial: drawn once, taken through every arm, and moved together by what is not known of typical people.

The same drawn people go through each arm, so that the difference between arms is that of the treatment alone. What a number in a trial owes
to chance differs from what it owes to ignorance: participants differ from each other, but all share the typical values of the body, which
nobody knows exactly. A person's random number z of a parameter with variance b^2 between people and u^2 of not knowing is
sqrt(r) e + sqrt(1 - r) d, r = u^2 / (b^2 + u^2): e the same for all participants, d their own. A *world* is one draw of all e. Readings
move with z along the slopes found in the drawn people with their entry held fixed (to first order; `inference/points.py` does the same).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corrin.case.plan import Plan
from corrin.case.timeline import DoseEvent
from corrin.case.world import future
from corrin.engine.draw import normals
from corrin.engine.simulate import Kernel, find_grid, measured_error, simulate
from corrin.inference.ahead import MANY, UNREAD, _decide, panel_of, values_of
from corrin.inference.blocks import Runner, loaded, one_after_another, results
from corrin.inference.cohort import Cohort, enrol, noise
from corrin.inference.points import FROM_ZERO, HEARD_SE, SHARED_LATENT
from corrin.inference.population import Population, spread
from corrin.inference.realise import YEAR_D, ahead
from corrin.studies.reader import SIGNS
from corrin.studies.schema import Arm, EntryRule, Outcome, Study
from corrin.studies.schema import Population as Who

Floats = NDArray[np.float64]
STRUCTURE = "cell_pool"
"""The one structural alternative of the body: whether a small fast pool stands between blood and function."""
TOLERANCE = 5e-3
SHARE = 1e-4
"""How near 0 and 1 a chance may come before it is put on the logit scale."""


def scale_of(reading: str) -> str:
    """Where a reading is moved and averaged: `log` (laboratory values, velocities), `logit` (chances), `linear` (scores, per cent)."""
    if reading in SIGNS:
        return "logit"
    return "linear" if reading in FROM_ZERO or reading.startswith(("function_", "myelin_", "axon_", "score", "mmse")) else "log"


def on_scale(values: Floats, scale: str) -> Floats:
    """Readings where they are moved."""
    if scale == "log":
        return np.log(np.maximum(values, 1e-9))
    if scale == "logit":
        share = np.clip(values, SHARE, 1.0 - SHARE)
        return np.log(share / (1.0 - share))
    return np.asarray(values, float)


def off_scale(values: Floats, scale: str) -> Floats:
    """Back to the reading's own unit."""
    if scale == "log":
        return np.exp(values)
    return 1.0 / (1.0 + np.exp(-values)) if scale == "logit" else values


@dataclass(frozen=True)
class Pool:
    """Drawn people who may enter, under every arm.

    days (days,), day 0 first; levels (people, arms, days, readings) in each reading's unit; z (names, people) of what a whole trial may
    share, `root` (names,) the square root of r; entry (columns, people) of what is fixed at entry; structure (people,) 0 or 1;
    threshold (people,) own deficit at which a sign shows; age_y (people,); effective: independent draws; error: of the solution.
    """

    days: Floats
    readings: tuple[str, ...]
    levels: Floats
    names: tuple[str, ...]
    z: Floats
    root: Floats
    entry: Floats
    structure: NDArray[np.int64]
    threshold: Floats
    age_y: Floats
    population: Population
    effective: float
    resolved: bool
    failed: int
    error: float

    @property
    def count(self) -> int:
        return int(self.levels.shape[0])

    def of_form(self, kind: int) -> Pool:
        """The people of one form of the model."""
        mine = self.structure == kind
        return replace(
            self, levels=self.levels[mine], z=self.z[:, mine], entry=self.entry[:, mine], structure=self.structure[mine],
            threshold=self.threshold[mine], age_y=self.age_y[mine], effective=self.effective * float(mine.mean()),
        )  # fmt: skip

    def slopes(self, y: Floats) -> Floats:
        """(names, columns): how far y (people, columns) moves with each z at a fixed entry; below two standard errors counts as none."""
        columns = np.concatenate([self.entry, self.structure[None, :].astype(float)]).T
        rest = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
        count = len(rest)
        slope = self.z @ rest / count
        second = (self.z**2) @ (rest**2) / count
        error = np.sqrt(np.maximum(second - slope**2, 0.0) / max(self.effective, 1.0))
        return np.where(np.abs(slope) > HEARD_SE * error, slope, 0.0)

    def worlds(self, count: int, seed: int) -> Floats:
        """(names, count) draws of what all participants share, correlated as the calibration left it."""
        e = np.array([normals(seed, f"world {name}", count) for name in self.names])
        together = self.population.together
        if together is None:
            return e
        held = [name for name in together.names if name in self.names]
        if held:
            rows = [self.names.index(name) for name in held]
            some = [together.names.index(name) for name in held]
            values, vectors = np.linalg.eigh(np.array(together.correlation)[np.ix_(some, some)])
            e[rows] = vectors @ np.diag(np.sqrt(np.maximum(values, 0.0))) @ e[rows]
        return np.asarray(e)

    def covariance(self, gradient: Floats) -> Floats:
        """(columns, columns) of means over participants from what is not known; gradient (names, columns) per unit of uncertainty."""
        together = self.population.together
        R = np.eye(len(self.names))
        if together is not None:
            held = [name for name in together.names if name in self.names]
            rows = [self.names.index(name) for name in held]
            some = [together.names.index(name) for name in held]
            R[np.ix_(rows, rows)] = np.array(together.correlation)[np.ix_(some, some)]
        return np.asarray(gradient.T @ R @ gradient)

    def own(self, y: Floats, slopes: Floats) -> Floats:
        """y (people, columns) with what is not known of typical people taken out of the differences between people."""
        z = self.z - self.z.mean(axis=1, keepdims=True)
        return np.asarray(y - (z * (1.0 - np.sqrt(1.0 - self.root**2))[:, None]).T @ slopes)


@dataclass(frozen=True)
class Given:
    """An arm: its name and what is given."""

    name: str
    plan: Plan


def recruit(
    key: str, who: Who, entry: Sequence[EntryRule], baseline: Sequence[Outcome], kernel: Kernel, population: Population, draws: int,
    seed: int, progress: Callable[[str, float], None] | None = None,
) -> Cohort:  # fmt: skip
    """People who meet the rules of entry as a laboratory would have measured them, or whose day 0 is as was reported."""
    nobody = Arm(name="all")
    study = Study(
        format="corrin.study/1", key=key, citation="", seen="assumed", design="", role="check", population=who, entry=tuple(entry),
        baseline=tuple(baseline), arm=(nobody,),
    )  # fmt: skip
    return enrol(study, nobody, kernel, population, draws, seed, progress)


def follow_arm(cohort: Cohort, plan: Plan, days: Sequence[float], kernel: Kernel, seed: int) -> tuple[Floats, NDArray[np.bool_], float]:
    """Readings (people, 1 + days, readings), day 0 first (before any dose), who failed, and the measured error of the solution."""
    people = cohort.people
    now = people.run.readings[np.arange(people.count), people.history.row_of[0.0]][:, None, :]
    later = [float(day) for day in days]
    years = later[-1] / YEAR_D
    timeline = future(cohort.case, plan, years)
    values = values_of(timeline, people.values, seed, people.count, 0)
    given: list[tuple[DoseEvent, Floats | None]] | None = None
    if timeline.decisions:
        given, _ = _decide(cohort.case, cohort.world, plan, timeline, years, people, values, kernel, seed)
    chosen = panel_of(people)
    some = {name: value[chosen] for name, value in values.items()}
    few = None if given is None else [(dose, None if share is None else np.ones(len(chosen))) for dose, share in given]
    made = ahead(cohort.world, timeline, kernel, values, people.count, seed, np.arange(people.count), given, later)
    panel = ahead(cohort.world, timeline, kernel, some, len(chosen), seed, chosen, few, later)
    many = len(given if given is not None else timeline.doses) > MANY
    grid = find_grid(kernel, people.state[chosen], people.parameters[chosen], panel.schedule, TOLERANCE, UNREAD if many else None)
    error = measured_error(kernel, people.state[chosen], people.parameters[chosen], panel.schedule, grid)
    run = simulate(kernel, people.state, people.parameters, made.schedule, grid)
    return np.concatenate([now, run.readings], axis=1), run.failed | people.run.failed, error


@dataclass(frozen=True)
class ArmAsked:
    """An arm to be gone through by a cohort, read on `days` after day 0; `places` of the model's readings are given back."""

    cohort: Cohort
    plan: Plan
    days: tuple[float, ...]
    places: tuple[int, ...]
    seed: int


def arm_told(asked: ArmAsked) -> tuple[Floats, NDArray[np.bool_], float]:
    """`follow_arm` as a block of work."""
    seen, failed, error = follow_arm(asked.cohort, asked.plan, asked.days, loaded(), asked.seed)
    return seen[:, :, list(asked.places)], failed, error


def pool_of(
    cohort: Cohort, arms: Sequence[Given], days: Sequence[float], readings: Sequence[str], kernel: Kernel, population: Population,
    seed: int, progress: Callable[[str, float], None] | None = None, run: Runner = one_after_another,
) -> Pool:  # fmt: skip
    """Take the people of a cohort through every arm, read on `days` (> 0, ascending). Who fails in one arm is left out of all. `run`: where
    the arms are computed."""
    names = kernel.model.readings
    places = tuple(names.index(name) for name in readings)

    def told(done: int) -> None:
        if progress:
            progress(f"{done} of {len(arms)} arms", done / len(arms))

    asked = [ArmAsked(cohort, arm.plan, tuple(float(day) for day in days), places, seed) for arm in arms]
    courses, failed, error = [], cohort.people.run.failed.copy(), cohort.people.error
    for seen, lost, off in results(run, arm_told, asked, told):
        courses.append(seen)
        failed |= lost
        error = max(error, off)
    fine = ~failed
    shared, root = _shared(cohort, population)
    fixed = [names.index(item.reading) for item in (*cohort.targets, *cohort.limits)]
    people = cohort.people
    now = people.run.readings[np.arange(people.count), people.history.row_of[0.0]][:, fixed][fine]
    u = np.log(np.maximum(now.T, 1e-9)) if fixed else np.zeros((0, int(fine.sum())))
    parameters = list(kernel.model.parameters)
    age = people.values.get("age_of_participant_y", np.full(people.count, cohort.world.age_y))
    return Pool(
        days=np.array([0.0, *days]), readings=tuple(readings), levels=np.stack(courses, axis=1)[fine],
        names=shared, z=np.array([people.z[name] for name in shared])[:, fine], root=root,
        entry=np.concatenate([np.ones((1, int(fine.sum()))), u, u * u]),
        structure=people.parameters[fine, parameters.index(STRUCTURE)].astype(np.int64),
        threshold=people.parameters[fine, parameters.index("sign_threshold")], age_y=np.asarray(age, float)[fine], population=population,
        effective=min(people.effective, float(fine.sum())), resolved=cohort.resolved, failed=int(failed.sum()), error=error,
    )  # fmt: skip


def _shared(cohort: Cohort, population: Population) -> tuple[tuple[str, ...], Floats]:
    """Names of what a whole trial may share, and the part of each person's random number that it is."""
    rows = {row.name: row for row in population.rows}
    found: dict[str, float] = {}
    for name in cohort.people.z:
        row = rows.get(name)
        if row is None:
            found[name] = SHARED_LATENT
        elif row.distribution != "bernoulli" and row.unsure > 0.0:
            found[name] = row.unsure / spread(row)
    return tuple(found), np.array(list(found.values()))


def laboratory_noise(reading: str) -> float:
    """Log-SD of one result around the person's own level; 0 for what no laboratory reports."""
    return noise(reading)


def with_adherence(plan: Plan, adherence: float | None) -> Plan:
    """A plan of which each dose is taken with this chance."""
    return plan if adherence is None else plan.model_copy(update={"adherence": adherence})
