"""Who is exported: one vector of parameters, the state to begin with, and what happens to them, as the engine takes it.

Either the population's typical person, in balance on an ordinary diet, under a plan; or one draw of a case, from `as_of` on under a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corrin.case.case import Case
from corrin.case.plan import Plan, read_plan
from corrin.case.timeline import Timeline
from corrin.case.world import World, draw, future, world
from corrin.errors import InputError

if TYPE_CHECKING:
    from corrin.engine.simulate import Kernel, Schedule
    from corrin.inference.update import People

Floats = NDArray[np.float64]
YEAR_D = 365.25
TYPICAL_AGE_Y = 45.0
TIGHT = 1e-4
"""Tolerance of a step: one person costs nothing, and others will compare."""
FINE_D = 1e-3
MIDDLE = ("serum_b12", "holotranscobalamin", "mma", "homocysteine", "haemoglobin", "score", "store_mg")
"""Readings by which a draw counts as the middle one."""


@dataclass(frozen=True)
class Instant:
    """What happens at one time: exposures that change, then doses (kind such as `oral_C`, nmol) in order."""

    time_days: float
    changes: dict[str, float]
    doses: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Person:
    """One person and their course. `parameters`, `state` and `exposures` by name; `schedule` is theirs alone; `days` are those that the
    answer reads, from 0 to `end_days`; `readings` (days, readings) what corrin computes there, at a dose's instant just before it.
    `contradiction`: a sentence where their data contradict the model."""

    name: str
    about: str
    parameters: dict[str, float]
    state: dict[str, float]
    exposures: dict[str, float]
    instants: tuple[Instant, ...]
    end_days: float
    days: Floats
    readings: dict[str, Floats]
    contradiction: str = ""

    @property
    def doses(self) -> int:
        """How many doses there are."""
        return sum(len(instant.doses) for instant in self.instants)


def instants(model: Any, schedule: Schedule) -> tuple[dict[str, float], tuple[Instant, ...], float]:
    """(exposures at first, what happens, end) of a schedule of one person. Doses of nothing are left out.

    Raises ValueError where the schedule holds more than one person.
    """
    if schedule.people != 1:
        raise ValueError(f"a schedule of {schedule.people} people is not one person's")
    times = np.concatenate([[0.0], np.cumsum(schedule.lengths[:, 0])])
    levels = [schedule.exposures[which, :, 0] for which in schedule.which]
    first = dict(zip(model.exposures, levels[0].tolist(), strict=True))
    found: list[Instant] = []
    for index, time in enumerate(times):
        now, before = levels[min(index, len(levels) - 1)], levels[max(min(index, len(levels)) - 1, 0)]
        changes = {name: float(now[k]) for k, name in enumerate(model.exposures) if index and now[k] != before[k]}
        doses = tuple((model.dose_kinds[kind], float(amounts[0])) for kind, amounts in schedule.doses[index] if amounts[0] != 0.0)
        if found and found[-1].time_days == time:  # a segment of no length: what it changes counts at the same instant
            found[-1] = Instant(float(time), {**found[-1].changes, **changes}, (*found[-1].doses, *doses))
        elif changes or doses:
            found.append(Instant(float(time), changes, doses))
    return first, tuple(found), float(times[-1])


def typical(plan: Plan | str | None, years: float) -> Person:
    """The population's typical person in balance on an ordinary day, then so many years under a plan (without one: as before).

    Every dose of the plan is taken; a phase that a rule ends lasts as long as the plan expects.
    """
    from corrin.engine.rest import settle
    from corrin.inference import population as of

    chosen = _plan(plan).model_copy(update={"adherence": 1.0})
    kernel, parameters = of.the_kernel(), of.population().typical()
    exposures = kernel.exposure_defaults()[:, None]
    state = settle(kernel, parameters, exposures, parameters, exposures)
    someone = Case.model_validate({
        "format": "corrin.case/1", "id": "typical", "as_of": "day 0", "person": {"age_y": TYPICAL_AGE_Y, "sex": "unknown"},
    })  # fmt: skip
    before = World(TYPICAL_AGE_Y, "unknown", Timeline(0.0, 0.0, (), (), ()), ())
    timeline = future(someone, chosen, years)
    middle = draw(timeline.latents, {latent.name: np.zeros(1) for latent in timeline.latents if latent.needs_z})
    values = {name: np.full(1, float(np.ravel(value)[0])) for name, value in middle.items()}
    about = "The population's typical person, in balance on an ordinary diet at day 0."
    return _course(
        kernel, "typical", f"{about} {_about(chosen)}", before, timeline, values, parameters[0], state[0], np.zeros(1, np.int64), 1
    )


def of_case(
    case: Case, plan: Plan | str | None, years: float, draws: int, seed: int, which: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Person:  # fmt: skip
    """One of the people drawn for a case, from `as_of` on: number `which`, else the one nearest to the middle of all today.

    A middle of each number by itself would be nobody: the parts of one draw belong together.
    """
    from corrin.answers.contradiction import contradiction, misfits
    from corrin.answers.run import draw_people
    from corrin.inference import population as of
    from corrin.inference.ahead import follow, values_of

    chosen = _plan(plan)
    _check_which(which, draws)
    tell = progress or (lambda what, share: None)
    people = draw_people(case, draws, seed, tell)
    kernel, history = of.the_kernel(), world(case)
    number = _middle(people, kernel.model.readings) if which is None else which
    if any(phase.until is not None for phase in chosen.all_phases):
        tell("when the rules end their phases", 0.5)
        followed = follow(case, history, chosen, years, people, kernel, of.population(), seed)
        chosen = _decided(chosen, {phase: float(days[number]) for phase, days in followed.phase_ends.items()}, years)
    timeline = future(case, chosen, years)
    values = {name: value[number : number + 1] for name, value in values_of(timeline, people.values, seed, people.count, 0).items()}
    about = f"Case {_name(case)}: {_which(which)} of {draws}, seed {seed}; day 0 is as_of."
    made = _course(
        kernel, _name(case), f"{about} {_about(chosen)}", history, timeline, values, people.parameters[number], people.state[number],
        np.array([number]), seed,
    )  # fmt: skip
    return replace(made, contradiction=contradiction(case, misfits(history.observations, people, kernel.model.readings)))


def before_today(
    case: Case, draws: int, seed: int, which: int | None = None, progress: Callable[[str, float], None] | None = None
) -> tuple[Person, float]:
    """One of the people drawn for a case, over their history up to `as_of`; day 0 of it is where the history begins, in the steady state of
    the earliest exposures. Also that day, counted from `as_of` (negative)."""
    from corrin.answers.contradiction import contradiction, misfits
    from corrin.answers.run import draw_people
    from corrin.engine.rest import settle
    from corrin.engine.simulate import find_grid, simulate
    from corrin.inference import population as of

    _check_which(which, draws)
    people = draw_people(case, draws, seed, progress or (lambda what, share: None))
    kernel = of.the_kernel()
    number = _middle(people, kernel.model.readings) if which is None else which
    mine = np.array([number])
    schedule, own, begin = people.history.schedule.only(mine), people.parameters[mine], people.history.begin[:, mine]
    state = settle(kernel, own, begin, own, begin)
    run = simulate(kernel, state, own, schedule, find_grid(kernel, state, own, schedule, TIGHT))
    told = world(case)
    first = told.history.start_days
    about = f"Case {_name(case)}: {_which(which)} of {draws}, seed {seed}; day 0 lies {-first:g} days before as_of."
    days = people.history.when[:, number] - first
    made = person(kernel.model, _name(case), about, own[0], state[0], schedule, days, run.readings[0])
    return replace(made, contradiction=contradiction(case, misfits(told.observations, people, kernel.model.readings))), first


def _check_which(which: int | None, draws: int) -> None:
    if which is not None and not 0 <= which < draws:
        raise InputError("--draw", str(which), f"a number from 0 to {draws - 1}")


def _name(case: Case) -> str:
    return case.id or "without a name"


def _which(which: int | None) -> str:
    return "the draw nearest to the middle" if which is None else f"draw {which}"


def _plan(plan: Plan | str | None) -> Plan:
    return plan if isinstance(plan, Plan) else read_plan("none" if plan is None else plan)


def _about(plan: Plan) -> str:
    return f"Plan {plan.name}{f' ({plan.title})' if plan.title else ''}."


def _middle(people: People, names: Sequence[str]) -> int:
    """The draw whose readings today have ranks nearest to one half."""
    now = people.run.readings[np.arange(people.count), people.history.row_of[0.0]]
    good = np.flatnonzero(people.weights > 0.0)
    seen = now[good][:, [names.index(name) for name in MIDDLE]]
    ranks = np.argsort(np.argsort(seen, axis=0, kind="stable"), axis=0, kind="stable") / max(1, len(good) - 1) - 0.5
    return int(good[np.argmin((ranks * ranks).sum(axis=1))])


def _decided(plan: Plan, ends: Mapping[int, float], years: float) -> Plan:
    """The plan with each rule's phase as long as it lasted for this person."""
    begin, phases = 0.0, []
    for number, phase in enumerate(plan.all_phases):
        if number in ends:
            length = min(ends[number], 2.0 * years * YEAR_D) - plan.start_day - begin
            phase = phase.model_copy(update={"until": None, "for_days": max(length, FINE_D)})
        begin += phase.for_days or 0.0
        phases.append(phase)
    return plan.model_copy(update={"steps": (), "phases": tuple(phases)})


def _course(
    kernel: Kernel, name: str, about: str, history: World, timeline: Timeline, values: Mapping[str, Floats], parameters: Floats,
    state: Floats, persons: Any, seed: int,
) -> Person:  # fmt: skip
    from corrin.engine.simulate import find_grid, simulate
    from corrin.inference.realise import ahead

    made = ahead(history, timeline, kernel, values, 1, seed, persons)
    start, own = np.ascontiguousarray(state[None]), np.ascontiguousarray(parameters[None])
    run = simulate(kernel, start, own, made.schedule, find_grid(kernel, start, own, made.schedule, TIGHT))
    model = kernel.model
    return person(model, name, about, parameters, state, made.schedule, made.times, run.readings[0])


def person(
    model: Any, name: str, about: str, parameters: Floats, state: Floats, schedule: Schedule, days: Floats, readings: Floats
) -> Person:
    """From arrays to names. `readings` (days, readings); a row for day 0 is computed from the state, because a run does not fill it."""
    from corrin.body.plain import read

    exposures, happens, end = instants(model, schedule)
    named = dict(zip(model.parameters, parameters.tolist(), strict=True))
    begin = dict(zip(model.pools, state.tolist(), strict=True))
    if len(days) and days[0] == 0.0:
        now = read(model.system, begin, named, exposures)
        readings = np.concatenate([[[now[reading] for reading in model.readings]], readings[1:]])
    seen = {reading: readings[:, place] for place, reading in enumerate(model.readings)}
    return Person(name, about, named, begin, exposures, happens, end, np.asarray(days, float), seen)
