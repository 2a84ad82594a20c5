"""A case as plain data: what happened when, what is unknown, what was seen; and a plan as what happens next.

    world(case)                 history up to `as_of` (day 0) and the observations
    future(case, plan, years)   from day 0 on, under a plan

Nothing here simulates. An engine draws every latent for every person (`latent.draw`), puts the values in the place of their names, and
walks the timelines. The body starts in the steady state of the earliest exposures, nerves intact, at `history.start_days`. A history may
hold changes that fall after day 0 (an effect still building up or fading, a birth to come): what lies ahead is the changes of both
timelines together. What is unknown is wide, never "since today": its latents say what was assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corrin.case import known
from corrin.case.case import Case, Drug
from corrin.case.causes import YEAR, add_modifiers, dose_share, draw_cause, earliest_day, fade, write
from corrin.case.check import DRUG_KINDS, Note, check_case
from corrin.case.exposures import (
    DAYS_BETWEEN,
    EXACT_DOSES_D,
    add_food,
    add_given,
    add_life,
    add_nitrous_oxide,
    adherence,
    dose_days,
    dose_event,
    dose_ug,
    product_of,
    use_hours,
)
from corrin.case.latent import Latent, draw
from corrin.case.observe import observations
from corrin.case.plan import Plan
from corrin.case.timeline import Builder, Change, Decision, DoseEvent, Observation, Timeline

__all__ = ["Change", "Decision", "DoseEvent", "Latent", "Observation", "Timeline", "World", "draw", "future", "world"]


@dataclass(frozen=True, slots=True)
class World:
    """A person's past as data. `latents` are those of the history, parents first; `assumed` says in words what was taken for granted."""

    age_y: float
    sex: str
    history: Timeline
    observations: tuple[Observation, ...]
    notes: tuple[Note, ...] = ()

    @property
    def latents(self) -> tuple[Latent, ...]:
        """Every unknown of the history."""
        return self.history.latents

    @property
    def assumed(self) -> tuple[str, ...]:
        """What rests on a judgement and no source."""
        return tuple(latent.about for latent in self.latents if latent.needs_z and latent.source == "corrin-assumed" and latent.about)


def world(case: Case, tested: bool | None = None) -> World:
    """The history and the observations of a case that `read_case` accepted; `tested`: whether there was reason to test this person, where
    the case itself does not tell (a study's arm)."""
    builder, start = _history(case, tested)
    history = builder.timeline(start, 0.0)
    return World(case.age_y, case.person.sex, history, tuple(observations(case)), tuple(check_case(case)))


def future(case: Case, plan: Plan, years: float) -> Timeline:
    """What happens from day 0 for so many years under a plan. Its latents are only those the history does not have."""
    past, _ = _history(case)
    known_latents = tuple(past.latents.values())
    end = years * YEAR
    builder = Builder()
    builder.latents = dict(past.latents)
    add_life(case, builder, 0.0, end, past=False)
    _drugs(case, plan, past, builder)
    _diet(plan, builder)
    _nitrous_oxide_after(case, plan, builder)
    decisions = _plan_doses(plan, builder, end)
    _going_on(case, plan, past, builder, end)
    return builder.timeline(0.0, end, known_latents, tuple(decisions))


def _history(case: Case, tested: bool | None = None) -> tuple[Builder, float]:
    builder = Builder()
    start = earliest_day(case)
    usual, low = add_food(case, builder, start)
    add_life(case, builder, start, 0.0, past=True)
    explained = add_modifiers(case, builder)
    exposed = add_nitrous_oxide(case, builder, start)
    if not explained and not low and not exposed:
        draw_cause(case, builder, usual, tested)
    builder.notes = [name for _, name in add_given(case, builder, start)]
    return builder, start


def _drugs(case: Case, plan: Plan, past: Builder, builder: Builder) -> None:
    for stop in plan.stop_drugs:
        rows = known.find_modifier(stop.name, DRUG_KINDS)
        for number, drug in enumerate(case.history.drugs):
            same = known.find_modifier(drug.name, DRUG_KINDS)
            if not rows or not same or same[0].id != rows[0].id or drug.to is not None:
                continue
            name = f"{rows[0].id}_{number}"
            moved = {change.target for change in (*past.changes, *builder.changes) if change.modifier == name}
            for row in rows:
                if f"m_{row.target}" in moved:
                    fade(builder, row, name, plan.start_day + stop.day, share=dose_share(row, drug, case))
    for number, begin in enumerate(plan.start_drugs):
        drug = Drug(name=begin.name, dose=begin.dose, unit=begin.unit, per_day=begin.per_day)
        for row in known.find_modifier(begin.name, DRUG_KINDS):
            write(builder, row, f"plan_{row.id}_{number}", plan.start_day + begin.day, None, dose_share(row, drug, case))


def _diet(plan: Plan, builder: Builder) -> None:
    if plan.diet is None:
        return
    row = known.find_diet(plan.diet.diet) if plan.diet.diet else None
    value: float | str = plan.diet.food_ug_d if plan.diet.food_ug_d is not None else 0.0
    if row is not None:
        about = f"food B12 under the plan, {row.name}, ug/d"
        value = builder.add(Latent("plan_diet", "lognormal", (row.food_ug_d, row.log_sd), about, row.source))
    builder.change(plan.start_day + plan.diet.day, "food_ug_d", value)


def _nitrous_oxide_after(case: Case, plan: Plan, builder: Builder) -> None:
    """Use that had not ended goes on as its mean share of time until the plan stops it."""
    for number, use in enumerate(case.history.nitrous_oxide):
        ended = use.pattern == "single" or use.to is not None or (use.last_use is not None and case.day(use.last_use) < -30.0)
        if ended:
            continue
        stop = plan.start_day if plan.stop_nitrous_oxide else None
        if stop is None or stop > 0.0:
            name = f"nitrous_oxide_{number}"
            share = use_hours(use)[0] / 24.0 / DAYS_BETWEEN[use.pattern]
            builder.change(0.0, "nitrous_oxide", builder.times(f"{name}_after", f"{name}_level", share), name)
            if stop is not None:
                builder.change(stop, "nitrous_oxide", 0.0, name)


def _plan_doses(plan: Plan, builder: Builder, end: float) -> list[Decision]:
    decisions = []
    # Also of phases that lie beyond the horizon if every rule takes its expected time: for some people they begin earlier.
    products = [known.find_product(step.product) for phase in plan.all_phases for step in phase.steps]
    for product in products:
        if product is not None:
            adherence(builder, "plan", plan.adherence, product)
    for number, span in enumerate(plan.spans(end - plan.start_day)):
        if span.phase.until is not None:
            decisions.append(Decision(number, plan.start_day + span.start_day, span.phase.until))
        for step in span.phase.steps:
            product = known.find_product(step.product)
            if product is None:
                continue
            taken = adherence(builder, "plan", plan.adherence, product)
            for day in step.times(span.end_day - span.start_day):
                time = plan.start_day + span.start_day + day
                if 0.0 <= time < end:
                    builder.doses.append(dose_event(time, product, step.dose_ug, taken, number))
    return decisions


def _going_on(case: Case, plan: Plan, past: Builder, builder: Builder, end: float) -> None:
    """Treatment that was going on at day 0 goes on until the plan takes its place. Small daily amounts are part of the diet and stay."""
    until = plan.start_day if plan.replaces_treatment else end
    entries = [(given, f"past_b12_{number}") for number, given in enumerate(case.history.past_b12)]
    entries += [(given, f"treatment_{number}") for number, given in enumerate(case.treatments) if case.day(given.from_, 0.0) < 0.0]
    for given, name in entries:
        product = product_of(given)
        if name not in past.notes or any(change.target == "crystalline_ug_d" and change.value == f"{name}_ug_d" for change in past.changes
                                         if not isinstance(change.time, str) and change.time > -EXACT_DOSES_D):  # fmt: skip
            continue
        taken = adherence(builder, name, given.adherence, product)
        before = dose_days(case, given, case.day(given.from_, -YEAR), 1e-9)
        if not before:
            continue
        rhythm = dose_days(case, given, before[-1], until)
        builder.doses += [dose_event(day, product, dose_ug(given), taken) for day in rhythm if 0.0 <= day < until]


def given_afterwards(case: Case) -> Sequence[DoseEvent]:
    """Doses of the case's own treatments from day 0 on, as far as stated: what really followed, to compare with `observed`."""
    builder = Builder()
    for number, given in enumerate(case.treatments):
        begin = case.day(given.from_, 0.0)
        if begin < 0.0:
            continue
        product = product_of(given)
        taken = adherence(builder, f"treatment_{number}", given.adherence, product)
        for day in dose_days(case, given, begin, case.day(given.to, begin + YEAR)):
            builder.doses.append(dose_event(day, product, dose_ug(given), taken))
    return builder.doses
