"""A person's draws through a plan: doses, rules decided person by person at visits, readings over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.case.timeline import Decision, DoseEvent, Timeline
from corrin.case.world import World, future
from corrin.engine.draw import normals
from corrin.engine.simulate import LEAP, PANEL, TOLERANCE, Grid, Kernel, Try, find_grid, grid_within, simulate
from corrin.engine.single import in_single
from corrin.inference.population import Population
from corrin.inference.realise import YEAR_D, Ahead, ahead
from corrin.inference.update import People

Floats = NDArray[np.float64]
BETTER, BACK = 0.25, 3
"""Points by which the score must have fallen over so many visits to count as improvement (assumed: what an examiner can tell, and no sooner
than three visits, because myelin comes back over months)."""
MANY = 200
UNREAD, TIGHT = 4e-2, 2e-3
"""Tolerances beside the usual one: on days nobody reads, in plans of more than `MANY` doses (daily tablets); and where the usual one is not
enough."""
ENOUGH = 7e-4
"""Measured error of readings above which a finer grid is tried."""
VISITED = 2e-2
"""Tolerance of the run that decides a rule: what it decides by are points of a score and blood counts."""
NORMAL_HB, NORMAL_MCV = 0.92, 1.06
"""Shares of the person's own normal at which a blood count counts as normal (assumed)."""


@dataclass(frozen=True)
class Followed:
    """Readings by name (people, times) on `times`; their relative error, measured on the panel; who failed."""

    times: Floats
    readings: dict[str, Floats]
    error: float
    failed: NDArray[np.bool_]
    phase_ends: dict[int, Floats]
    """Phase number -> (people,) day on which a rule ended it."""


def follow(
    case: Case, history: World, plan: Plan, years: float, people: People, kernel: Kernel, population: Population, seed: int
) -> Followed:
    """Run everybody from day 0 under a plan."""
    timeline = future(case, plan, years)
    count = people.count
    persons = np.arange(count)
    values = values_of(timeline, people.values, seed, count, 0)
    panel = panel_of(people)
    panel_values = {name: value[panel] for name, value in values.items()}
    given: list[tuple[DoseEvent, Floats | None]] | None = None
    panel_given = given
    ends: dict[int, Floats] = {}
    if timeline.decisions:
        given, ends = _decide(case, history, plan, timeline, years, people, values, kernel, seed)
        panel_given = [(dose, None if share is None else np.ones(len(panel))) for dose, share in given]
    made = ahead(history, timeline, kernel, values, count, seed, persons, given)
    panel_made = ahead(history, timeline, kernel, panel_values, len(panel), seed, panel, panel_given)
    state, parameters = people.state[panel], people.parameters[panel]
    many = len(given if given is not None else timeline.doses) > MANY
    tries: list[Try] = [(TOLERANCE, None, None), (TIGHT, None, None)]
    tries = [(TOLERANCE, UNREAD, LEAP), *tries] if many else tries
    quick = in_single(kernel)
    grid, error = grid_within(quick, state, parameters, panel_made.schedule, tries, ENOUGH)
    run = simulate(quick, people.state, people.parameters, made.schedule, grid)
    readings = {name: run.readings[:, :, place] for place, name in enumerate(kernel.model.readings)}
    _first_row(readings, made, people, kernel)
    return Followed(made.times, readings, error, run.failed, ends)


def panel_of(people: People) -> NDArray[np.int64]:
    """Draws that set the pace: evenly spread over the draws, the same for any batch."""
    return np.unique(np.linspace(0, people.count - 1, min(PANEL, people.count)).astype(np.int64))


def values_of(timeline: Timeline, known: dict[str, Floats], seed: int, count: int, first: int) -> dict[str, Floats]:
    """Latents the plan adds, drawn beside those of the history."""
    z = {latent.name: normals(seed, latent.name, count, first) for latent in timeline.latents if latent.needs_z}
    values = dict(known)
    for latent in timeline.latents:
        values[latent.name] = np.broadcast_to(np.asarray(latent.value(z.get(latent.name), values), float), (count,)).copy()
    return values


def _first_row(readings: dict[str, Floats], made: Ahead, people: People, kernel: Kernel) -> None:
    """Day 0 is where the history ended, before any dose."""
    if made.times[0] != 0.0:
        return
    row = people.history.row_of[0.0]
    now = people.run.readings[np.arange(people.count), row]
    for place, name in enumerate(kernel.model.readings):
        readings[name][:, 0] = now[:, place]


def _decide(
    case: Case, history: World, plan: Plan, timeline: Timeline, years: float, people: People, values: dict[str, Floats], kernel: Kernel,
    seed: int,
) -> tuple[list[tuple[DoseEvent, Floats | None]], dict[int, Floats]]:  # fmt: skip
    """Run the rule of each phase: solve to its visits, decide person by person from what was known then, and shift what follows.

    Everybody shares the union of dose days; a person whose phase has ended has amount 0 on the days of it that are left.
    """
    count, persons = people.count, np.arange(people.count)
    horizon = years * YEAR_D
    begins: Floats = np.full(count, max(plan.start_day, 0.0))
    given: list[tuple[DoseEvent, Floats | None]] = [(dose, None) for dose in timeline.doses if dose.phase < 0]
    rules = {decision.phase: decision for decision in timeline.decisions}
    ends: dict[int, Floats] = {}
    for number, phase in enumerate(plan.all_phases):
        stop = horizon if plan.stop_day is None else min(horizon, plan.start_day + plan.stop_day)
        longest = phase.until.max_days if phase.until else phase.for_days if phase.for_days else horizon
        starts = np.unique(begins[begins < stop])
        template = _template(plan, number, longest)
        for start in starts:
            mine = (begins == start).astype(float)
            for dose, day in template:
                if start + day < stop:
                    moved = DoseEvent(start + day, dose.kind, dose.form_class, dose.amount_nmol, dose.adherence, dose.product, number)
                    given.append((moved, mine))
        if phase.until is None:
            begins = begins + longest
            continue
        end = np.full(count, np.inf)
        rule = rules.get(number, Decision(number, 0.0, phase.until))
        for start in starts:
            mine_now = begins == start
            met = _visits(history, timeline, given, float(start), rule, people, values, kernel, seed, persons)
            end[mine_now] = met[mine_now]
        end = np.minimum(end, begins + longest)
        given = [(dose, share if dose.phase != number or share is None else share * (dose.time_days < end - 1e-9)) for dose, share in given]
        ends[number] = end
        begins = end
    merged: list[tuple[DoseEvent, Floats | None]] = [
        (dose, share) for dose, share in given if (share is None or share.any()) and 0.0 <= dose.time_days < horizon
    ]
    return sorted(merged, key=lambda item: item[0].time_days), ends


def _template(plan: Plan, number: int, longest: float) -> list[tuple[DoseEvent, float]]:
    """A phase's doses as (dose, day of the phase), as if it ran its full length."""
    from corrin.case import known
    from corrin.case.exposures import adherence, dose_event
    from corrin.case.timeline import Builder

    found = []
    for step in plan.all_phases[number].steps:
        product = known.find_product(step.product)
        if product is not None:
            taken = adherence(Builder(), "plan", plan.adherence, product)
            found += [(dose_event(day, product, step.dose_ug, taken, number), day) for day in step.times(longest)]
    return found


def _visits(
    history: World, timeline: Timeline, given: Sequence[tuple[DoseEvent, Floats | None]], start: float, rule: Decision, people: People,
    values: dict[str, Floats], kernel: Kernel, seed: int, persons: NDArray[np.int64],
) -> Floats:  # fmt: skip
    """The visit at which each person's rule is met; what is read at a visit is all the rule knows."""
    until = rule.until
    days = [start + k * until.visit_every_days for k in range(int(until.max_days / until.visit_every_days + 1e-9) + 1)]
    last = days[-1] if len(days) > 1 else start + until.max_days
    short = Timeline(0.0, last, timeline.changes, (), timeline.latents, ())
    doses = [(dose, share) for dose, share in given if dose.time_days < last]
    made = ahead(history, short, kernel, values, people.count, seed, persons, doses, [day for day in days if day > 0.0] or [last])
    panel = panel_of(people)
    panel_values = {name: value[panel] for name, value in values.items()}
    panel_doses = [(dose, None if share is None else np.ones(len(panel))) for dose, share in doses]
    panel_made = ahead(history, short, kernel, panel_values, len(panel), seed, panel, panel_doses, list(made.times))
    grid: Grid = find_grid(kernel, people.state[panel], people.parameters[panel], panel_made.schedule, VISITED, UNREAD)
    run = simulate(in_single(kernel), people.state, people.parameters, made.schedule, grid)
    names = kernel.model.readings
    now = people.run.readings[np.arange(people.count), people.history.row_of[0.0]]

    def course(name: str) -> Floats:
        place = names.index(name)
        seen = run.readings[:, :, place]
        return np.concatenate([now[:, place : place + 1], seen], axis=1) if days[0] == 0.0 else seen

    end = np.full(people.count, np.inf)
    if until.rule == "count normal":
        hb, mcv = course("haemoglobin"), course("mcv")
        own_hb = people.parameters[:, kernel.model.parameters.index("haemoglobin_reference")]
        own_mcv = people.parameters[:, kernel.model.parameters.index("mcv_reference")]
        met = (hb >= NORMAL_HB * own_hb[:, None]) & (mcv <= NORMAL_MCV * own_mcv[:, None])
    else:
        score = course("score")
        met = np.concatenate([np.zeros((people.count, BACK), bool), score[:, :-BACK] - score[:, BACK:] < BETTER], axis=1)
    for visit in range(len(days) - 1, 0, -1):
        if visit < met.shape[1]:
            end = np.where(met[:, visit], days[visit], end)
    return end
