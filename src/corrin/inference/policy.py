"""What is done to a population, person by person: food that is fortified, tablets taken, tests made and who is treated for them.

A block of people is drawn and its history run once; then every scenario starts from the same day 0 with the same random numbers, so that
scenarios differ by what is done and by nothing else. Until somebody is treated for a test they are on the course without treatment; from
that test on they follow the plan, run again from day 0 in a group with all who were found at the same test. Grids come from a panel of the
crowd in which everybody is given what the scenario gives, so that no number depends on how the people are cut into blocks.

Tablets taken every day or two are a rate (`crystalline_ug_d`), as they are in anybody's history; injections are doses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corrin.case import known
from corrin.case.exposures import KIND_OF_ROUTE
from corrin.case.plan import Plan, built_in_plans
from corrin.case.timeline import MOLAR_MASS_G_MOL, Change
from corrin.engine.draw import normals, uniforms
from corrin.engine.simulate import PANEL, RESTART_D, Grid, Kernel, Run, Schedule, find_grid, measured_error, simulate
from corrin.engine.single import in_single
from corrin.inference.cohort import noise
from corrin.inference.crowd import Crowd, CrowdTeller, crowd_teller, draw_crowd, led_to_survey
from corrin.inference.population import Population
from corrin.inference.realise import AGE, AGE_AHEAD_D, YEAR_D, Exposed, _fixed, _sets
from corrin.inference.update import PANEL_FIRST
from corrin.studies.crowd import Design, Group, Scenario

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ADHERENCE_LOGIT_SD = 1.0
"""Spread between people of the share of tablets taken, on the logit scale (assumed)."""
EVERY_DAY_D = 2.0
"""Swallowed doses no further apart than this are a rate."""
TRIES: tuple[tuple[float, float | None], ...] = ((1e-2, 1e-1), (5e-3, 4e-2), (5e-3, None), (2e-3, None))
"""Tolerances tried, and those on days nobody reads, until `ENOUGH`."""
ENOUGH = 7e-4
CRYSTALLINE = "crystalline_ug_d"


@dataclass(frozen=True)
class Done:
    """A scenario's course for some people. `levels` (people, days, readings); `tests` (people,) how many were made; `begun` (people,) day
    from which they were given something, inf if never; `at_begin` (people, readings) levels on that day; `failed` (people,)."""

    levels: Floats
    tests: NDArray[np.int64]
    begun: Floats
    at_begin: Floats
    failed: Flags


@dataclass(frozen=True)
class Block:
    """People and every scenario's course."""

    crowd: Crowd
    parameters: Floats
    days: Floats
    readings: tuple[str, ...]
    done: dict[str, Done]


@dataclass(frozen=True)
class _Here:
    """A block's people at day 0."""

    crowd: Crowd
    parameters: Floats
    values: dict[str, Floats]
    state: Floats
    now: Floats
    failed: Flags

    def only(self, chosen: NDArray[np.int64]) -> _Here:
        crowd = Crowd(
            self.crowd.persons[chosen], {}, {name: value[chosen] for name, value in self.crowd.covariates.items()}, self.crowd.diets,
            self.crowd.world,
        )  # fmt: skip
        values = {name: value[chosen] for name, value in self.values.items()}
        return _Here(crowd, self.parameters[chosen], values, self.state[chosen], self.now[chosen], self.failed[chosen])


@dataclass(frozen=True)
class _Dose:
    day: float
    kind: str
    nmol: float


@dataclass(frozen=True)
class Regimen:
    """A plan's doses and its daily swallowed amounts as rates (from, to, ug a day), counted from its own day 0."""

    doses: tuple[_Dose, ...]
    rates: tuple[tuple[float, float, float], ...]


def regimen(plan: Plan, days: float) -> Regimen:
    """What a plan gives in so many days; phases a rule ends last their expected time."""
    doses: list[_Dose] = []
    rates: list[tuple[float, float, float]] = []
    for span in plan.spans(days):
        for step in span.phase.steps:
            product = known.find_product(step.product)
            if product is None:
                continue
            length = span.end_day - span.start_day
            kind, times = KIND_OF_ROUTE[product.route], step.times(length)
            gap = (step.every_days or (7.0 / step.per_week if step.per_week else 1.0)) / step.times_per_day
            if kind == "oral" and gap <= EVERY_DAY_D and step.days is None and times:
                end = length if step.to_day is None else min(length, step.to_day)
                if step.count is not None:
                    end = min(end, times[-1] + gap)
                rates.append((span.start_day + step.from_day, span.start_day + end, step.dose_ug / gap))
            else:
                nmol = step.dose_ug / MOLAR_MASS_G_MOL * 1000.0
                doses += [_Dose(span.start_day + day, f"{kind}_{product.form_class}", nmol) for day in times]
    return Regimen(tuple(sorted(doses, key=lambda dose: dose.day)), tuple(rates))


@dataclass
class Policy:
    """A design made ready: grids of the history and of every course, found on the panel. `prepare()` first."""

    design: Design
    kernel: Kernel
    population: Population
    seed: int
    grids: dict[tuple[str, float], Grid] = field(default_factory=dict)
    error: float = 0.0
    quick: Kernel | None = None
    """What runs the courses: the kernel in single precision."""
    teller: CrowdTeller | None = None
    typical: dict[str, Floats] = field(default_factory=dict)

    def prepare(self, typical: Mapping[str, Floats] | None = None) -> None:
        """Lead the replicates to the survey (some seconds), or take their `typical` values from an earlier time; find all grids."""
        design = self.design
        self.typical = dict(led_to_survey(self.kernel, self.population, self.seed, design.replicates) if typical is None else typical)
        self.teller = crowd_teller(design.people, self.kernel, self.population, self.seed, design.replicates, self.typical)
        self.teller.prepare()
        self.quick = in_single(self.kernel)
        here = self._today(PANEL_FIRST, PANEL)
        for scenario in design.scenario:
            extra = self._given(scenario, here, everybody=True)
            self._grid(scenario, here, extra, np.inf)
            for begin in self._begins(scenario):
                self._grid(scenario, here, extra, begin)

    def run(self, first: int, count: int) -> Block:
        """Persons first .. first + count - 1 through every scenario."""
        here = self._today(first, count)
        plain: dict[bytes, Run] = {}
        done = {}
        for scenario in self.design.scenario:
            extra = self._given(scenario, here)
            held = extra.tobytes()
            if held not in plain:
                plain[held] = self._course(scenario, here, extra, np.inf)
            done[scenario.name] = self._followed(scenario, here, extra, plain[held])
        return Block(here.crowd, here.parameters, np.array(self.design.days()), self.kernel.model.readings, done)

    def tests(self, scenario: Scenario) -> list[float]:
        """Days of the tests."""
        screening, days = scenario.screening, self.design.years * YEAR_D
        if screening is None:
            return []
        number = int((self.design.years - screening.first_year) / screening.every_years - 1e-9) + 1
        found = [round((screening.first_year + k * screening.every_years) * YEAR_D, 6) for k in range(number)]
        return [day for day in found if day < days - 1e-6]

    def read_days(self) -> list[float]:
        """Every day that is read after day 0: those written, and all tests of any scenario."""
        tests = {day for scenario in self.design.scenario for day in self.tests(scenario)}
        return sorted((tests | set(self.design.days())) - {0.0})

    def _begins(self, scenario: Scenario) -> list[float]:
        return [0.0] if scenario.plan is not None else self.tests(scenario)

    def _today(self, first: int, count: int) -> _Here:
        assert self.teller is not None, "prepare() first"
        crowd = draw_crowd(self.design.people, first, count, self.seed, self.design.replicates, self.population, self.typical)
        parameters, values, made, run = self.teller.tell(crowd.z, certify=True)
        now = run.readings[np.arange(count), made.row_of[0.0]]
        return _Here(crowd, parameters, values, run.end, now, run.failed)

    def _given(self, scenario: Scenario, here: _Here, everybody: bool = False) -> Floats:
        """Crystalline B12 a day that a scenario adds from day 0 on, ug (people,)."""
        first, count = int(here.crowd.persons[0]), here.crowd.count
        extra = np.zeros(count)
        food, tablet = scenario.fortification, scenario.supplement
        if food is not None:
            eaten = food.eaten_g_d * np.exp(food.eaten_log_sd * normals(self.seed, "fortified food eaten", count, first))
            reached = uniforms(self.seed, "fortified food reaches", count, first) < food.reaches
            extra += np.where(reached | everybody, food.ug_per_100g / 100.0 * eaten * food.kept, 0.0)
        if tablet is not None:
            begins = uniforms(self.seed, "supplement begun", count, first) < tablet.taken_up
            share = adherence(tablet.adherence, normals(self.seed, "supplement adherence", count, first))
            mine = members(tablet.who, here.crowd)
            extra += np.where((begins & mine) | everybody, tablet.ug_d * share, 0.0)
        return extra

    def _grid(self, scenario: Scenario, here: _Here, extra: Floats, begin: float) -> None:
        schedule = self._schedule(scenario, here, extra, begin, everybody=True)
        tries = TRIES if any(schedule.doses) else TRIES[2:]
        for tolerance, unread in tries:
            grid = find_grid(self.kernel, here.state, here.parameters, schedule, tolerance, unread)
            error = measured_error(self.quick or self.kernel, here.state, here.parameters, schedule, grid)
            if error <= ENOUGH:
                break
        self.grids[scenario.name, begin] = grid
        self.error = max(self.error, error)

    def _course(self, scenario: Scenario, here: _Here, extra: Floats, begin: float) -> Run:
        """Everybody here from day 0 to the end, treated from `begin` on (inf: never)."""
        schedule = self._schedule(scenario, here, extra, begin)
        return simulate(self.quick or self.kernel, here.state, here.parameters, schedule, self.grids[scenario.name, begin])

    def _schedule(self, scenario: Scenario, here: _Here, extra: Floats, begin: float, everybody: bool = False) -> Schedule:
        count, end = here.crowd.count, self.design.years * YEAR_D
        values = dict(here.values)
        values["policy_base"] = here.values["survey_supplement"] + extra
        changes = [*here.crowd.world.history.changes, Change(0.0, CRYSTALLINE, "policy_base")]
        given: list[tuple[float, str, Floats]] = []
        name = scenario.plan or (scenario.screening.treatment if scenario.screening else None)
        if name is not None and np.isfinite(begin):
            what = regimen(built_in_plans()[name], end - begin)
            stated = scenario.screening.adherence if scenario.screening else None
            taken = self._taken(stated, what, here, everybody)
            for number, day in enumerate(sorted({day for start, stop, _ in what.rates for day in (start, stop)})):
                now = sum(ug for start, stop, ug in what.rates if start <= day < stop)
                values[f"policy_rate_{number}"] = values["policy_base"] + taken * now
                changes.append(Change(begin + day, CRYSTALLINE, f"policy_rate_{number}"))
            for dose in what.doses:
                luck = 1.0 if everybody or stated is None else self._luck(dose.day + begin, here) < taken
                given.append((begin + dose.day, dose.kind, np.full(count, dose.nmol) * luck))
        return _schedule(self.kernel, changes, values, given, self.read_days(), end, count)

    def _taken(self, stated: float | None, what: Regimen, here: _Here, everybody: bool) -> Floats:
        """Share of doses each person takes. Injections are given unless the design says otherwise; of tablets the median is 0.8."""
        if everybody or (stated is None and not what.rates):
            return np.ones(here.crowd.count)
        first = int(here.crowd.persons.min())
        z = normals(self.seed, "treatment adherence", int(here.crowd.persons.max()) - first + 1, first)[here.crowd.persons - first]
        return adherence(0.8 if stated is None else stated, z)

    def _luck(self, day: float, here: _Here) -> Floats:
        first = int(here.crowd.persons.min())
        count = int(here.crowd.persons.max()) - first + 1
        return uniforms(self.seed, f"dose taken {day:.6g}", count, first)[here.crowd.persons - first]

    def _followed(self, scenario: Scenario, here: _Here, extra: Floats, run: Run) -> Done:
        """The whole course under a scenario, from the course without treatment."""
        count = here.crowd.count
        days = [0.0, *self.read_days()]
        levels = np.concatenate([here.now[:, None, :], run.readings], axis=1)
        failed = here.failed | run.failed
        tests = np.zeros(count, np.int64)
        treated = np.full(count, 0.0 if scenario.plan is not None else np.inf)
        at_begin = here.now.copy()
        for day in self.tests(scenario):
            found = self._tested(scenario, here, levels[:, days.index(day)], day, np.isfinite(treated), tests)
            treated[found] = day
            at_begin[found] = levels[found, days.index(day)]
        for begin in self._begins(scenario):
            chosen = np.flatnonzero(treated == begin)
            if len(chosen):
                mine = self._course(scenario, here.only(chosen), extra[chosen], begin)
                later = [place for place, day in enumerate(days) if day > begin]
                levels[np.ix_(chosen, later)] = mine.readings[:, [place - 1 for place in later]]
                failed[chosen] |= mine.failed
        written = [days.index(day) for day in self.design.days()]
        return Done(levels[:, written], tests, np.where(extra > 0.0, 0.0, treated), at_begin, failed)

    def _tested(self, scenario: Scenario, here: _Here, levels: Floats, day: float, treated: Flags, tests: NDArray[np.int64]) -> Flags:
        """Who is found by the test of a day; counts the tests made."""
        screening = scenario.screening
        assert screening is not None
        first, count = int(here.crowd.persons[0]), here.crowd.count
        comes = uniforms(self.seed, f"comes to the test {day:.6g}", count, first) < screening.attends
        comes &= members(screening.who, here.crowd) & ~treated
        level = levels[:, self.kernel.model.readings.index("serum_b12")]
        shown = level * np.exp(noise("serum_b12") * normals(self.seed, f"test of serum B12 {day:.6g}", count, first))
        tests += comes
        return comes & (shown < screening.below_pmol_l)


def adherence(middle: float, z: Floats) -> Floats:
    """Share of doses each person takes: `middle` is the median, 1 means all of them."""
    if middle >= 1.0:
        return np.ones_like(z)
    return 1.0 / (1.0 + np.exp(-(np.log(middle / (1.0 - middle)) + ADHERENCE_LOGIT_SD * z)))


def members(who: Group, crowd: Crowd) -> Flags:
    """Who of a crowd a measure is meant for."""
    found = np.ones(crowd.count, bool)
    if who.drug is not None:
        found &= crowd.covariates[who.drug] > 0.5
    if who.diet is not None:
        found &= crowd.covariates["diet"] == (crowd.diets.index(who.diet) if who.diet in crowd.diets else -2)
    if who.age_from_y is not None:
        found &= crowd.covariates["age_y"] >= who.age_from_y
    if who.age_to_y is not None:
        found &= crowd.covariates["age_y"] < who.age_to_y
    return found


def _schedule(
    kernel: Kernel, changes: Sequence[Change], values: dict[str, Floats], given: Sequence[tuple[float, str, Floats]],
    days: Sequence[float], end: float, people: int,
) -> Schedule:  # fmt: skip
    """From day 0 to the end: cut at every year, every exact change and every dose; read on `days` (all after 0)."""
    edges = {t for t in _fixed(changes) if 0.0 < t < end} | {day for day, _, _ in given if 0.0 < day < end} | {end}
    edges |= set(np.arange(AGE_AHEAD_D, end, AGE_AHEAD_D).tolist())
    ends = sorted(edges)
    starts = [0.0, *ends[:-1]]
    lengths = np.repeat((np.array(ends) - np.array(starts))[:, None], people, axis=1)
    middles = np.repeat((0.5 * (np.array(ends) + np.array(starts)))[:, None], people, axis=1)
    sets, which = _sets(Exposed(kernel, tuple(changes), values, people, values[AGE]), middles, 1, ends, AGE_AHEAD_D)
    breaks: list[list[float]] = []
    outputs: list[list[int]] = []
    row = 0
    for low, high in zip(starts, ends, strict=True):
        mine = [day for day in days if low < day <= high]
        at = [1.0 if day >= high - 1e-9 else (day - low) / (high - low) for day in mine]
        out = list(range(row, row + len(mine)))
        row += len(mine)
        if not at or at[-1] < 1.0:
            at, out = [*at, 1.0], [*out, -1]
        breaks.append(at)
        outputs.append(out)
    doses: list[list[tuple[int, Floats]]] = [[] for _ in range(len(ends) + 1)]
    at_start = {time: number for number, time in enumerate(starts)}
    for day, kind, amounts in given:
        if day in at_start:
            doses[at_start[day]].append((kernel.model.dose_kinds.index(kind), amounts))
    restart = np.zeros(len(ends))
    changed = np.concatenate([[True], which[1:] != which[:-1]])
    for index in range(len(ends)):
        firsts = [RESTART_D[kernel.model.dose_kinds[kind].rsplit("_", 1)[0]] for kind, _ in doses[index]]
        restart[index] = min([*firsts, *([RESTART_D["change"]] if changed[index] else [])], default=0.0)
    return Schedule(lengths, sets, which, doses, breaks, outputs, restart, max(row, 1))
