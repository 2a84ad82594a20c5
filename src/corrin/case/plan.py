"""`corrin.plan/1`: what to do from a day on. Doses, phases that end by a rule, a change of diet, drugs stopped or begun.

Day 0 of a plan is the day it starts; `start_day` shifts it against the case's `as_of` (to see what waiting costs). Doses are in ug of the
product as labelled.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from corrin.case import known
from corrin.case.case import Name, Positive, Share, Strict, Text
from corrin.case.reader import raise_all, read_document, shape
from corrin.errors import InputError
from corrin.units import convert

Day = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.0, le=40000.0)]
Duration = Annotated[str, Field(pattern=r"^\d{1,4}(\.\d{1,3})?(d|wk|mo|a|y)$")]
MAX_DOSES = 50_000


class Until(Strict):
    """A step that lasts until a rule is met at a visit.

    `no further improvement`: at a visit the neurological score is no better than at the visit before. `count normal`: haemoglobin and cell
    volume are inside their reference intervals. `expected_days` is how long it is taken to last where no rule can be run (an assumption
    of the plan, shown with it); `max_days` ends it in any case.
    """

    rule: Literal["no further improvement", "count normal"]
    visit_every_days: Annotated[float, Field(strict=True, ge=1.0, le=3660.0, allow_inf_nan=False)]
    max_days: Annotated[float, Field(strict=True, gt=0.0, le=3660.0, allow_inf_nan=False)]
    expected_days: Positive


class Step(Strict):
    """One product at one dose: every so many days, so many a week, or on listed days, counted from the start of its phase.

    `from_day` counts from the start of the phase; a step ends after `to_day` (not itself a dose day unless a dose falls on it), after
    `count` doses, or with its phase.
    """

    product: Name
    dose_ug: Annotated[float, Field(strict=True, gt=0.0, le=100_000.0, allow_inf_nan=False)]
    every_days: Positive | None = None
    per_week: Annotated[float, Field(strict=True, gt=0.0, le=70.0, allow_inf_nan=False)] | None = None
    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=5000)] | None = None
    times_per_day: Annotated[int, Field(strict=True, ge=1, le=12)] = 1
    from_day: Day = 0.0
    to_day: Day | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=MAX_DOSES)] | None = None

    def most(self, length_days: float) -> int:
        """How many doses `times` lists at most."""
        gap = self.every_days or (7.0 / self.per_week if self.per_week else 1.0)
        return (len(self.days) if self.days is not None else self._number(length_days, gap)) * self.times_per_day

    def _number(self, end: float, gap: float) -> int:
        """Days with doses from `from_day` to before `end`, one every `gap`."""
        return max(0, min(self.count or MAX_DOSES, int((end - self.from_day) / gap - 1e-9) + 1)) if end > self.from_day else 0

    def times(self, length_days: float) -> list[float]:
        """Days of this step's doses within its phase, before `length_days`."""
        end = length_days if self.to_day is None else min(length_days, self.to_day + 1e-9)
        if self.days is not None:
            starts = [day for day in sorted(self.days) if day < end]
        else:
            gap = self.every_days or (7.0 / self.per_week if self.per_week else 1.0)
            number = self._number(end, gap)
            # Whole days where the rhythm has them: three a week falls on days 0, 2, 4 of each week, as it is done.
            starts = [self.from_day + _rhythm(place, gap, self.per_week) for place in range(number)]
        starts = starts[: self.count] if self.count is not None else starts
        return [day + hour / self.times_per_day for day in starts for hour in range(self.times_per_day)]


class Phase(Strict):
    """Steps that run side by side, for a fixed time (`for_days`), until a rule is met, or (the last phase) to the end."""

    name: Name
    steps: Annotated[tuple[Step, ...], Field(max_length=50)] = ()
    for_days: Positive | None = None
    until: Until | None = None


class DrugChange(Strict):
    """A drug of the modifiers table begun or stopped on a day of the plan."""

    name: Name
    day: Day = 0.0
    dose: Annotated[float, Field(strict=True, ge=0.0, le=1e6, allow_inf_nan=False)] | None = None
    unit: Annotated[str, Field(max_length=40)] | None = None
    per_day: Positive | None = None


class DietChange(Strict):
    """From a day on, another diet of the table or so much food B12 a day."""

    day: Day = 0.0
    diet: Name | None = None
    food_ug_d: Annotated[float, Field(strict=True, ge=0.0, le=1000.0, allow_inf_nan=False)] | None = None


class Plan(Strict):
    """One way to go on."""

    format: Literal["corrin.plan/1"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: Text = ""
    description: Text | None = None
    source: Text | None = None
    seen: Literal["full text", "abstract", "secondary", "recalled", "assumed"] | None = None
    steps: Annotated[tuple[Step, ...], Field(max_length=50)] = ()
    phases: Annotated[tuple[Phase, ...], Field(max_length=20)] = ()
    adherence: Share | None = None
    diet: DietChange | None = None
    start_drugs: Annotated[tuple[DrugChange, ...], Field(max_length=20)] = ()
    stop_drugs: Annotated[tuple[DrugChange, ...], Field(max_length=20)] = ()
    stop_nitrous_oxide: bool = True
    replaces_treatment: bool = True
    start_day: Day = 0.0
    stop_after: Duration | None = None

    @property
    def all_phases(self) -> tuple[Phase, ...]:
        """The plan as phases: loose steps are one phase that lasts to the end."""
        return self.phases or ((Phase(name="all", steps=self.steps),) if self.steps else ())

    @property
    def stop_day(self) -> float | None:
        """Days from the start of the plan after which nothing is given; None when it goes on."""
        if self.stop_after is None:
            return None
        unit = self.stop_after.lstrip("0123456789.")
        return convert(float(self.stop_after[: -len(unit)]), unit, "d")

    def spans(self, horizon_days: float) -> list[PhaseSpan]:
        """When each phase begins and ends if every rule is met after its `expected_days`; days of the plan, up to the horizon."""
        end = horizon_days if self.stop_day is None else min(horizon_days, self.stop_day)
        spans: list[PhaseSpan] = []
        start = 0.0
        for phase in self.all_phases:
            length = phase.for_days if phase.for_days is not None else phase.until.expected_days if phase.until else end - start
            if start >= end:
                break
            spans.append(PhaseSpan(phase, start, min(end, start + length)))
            start += length
        return spans

    def doses(self, horizon_days: float) -> list[tuple[float, str, float]]:
        """(day of the plan, product id, ug) of every dose before the horizon, in order of time; rule phases last their `expected_days`."""
        found: list[tuple[float, str, float]] = []
        for span in self.spans(horizon_days):
            for step in span.phase.steps:
                product = known.find_product(step.product)
                name = step.product if product is None else product.id
                found += [(span.start_day + day, name, step.dose_ug) for day in step.times(span.end_day - span.start_day)]
        return sorted(found, key=lambda dose: dose[0])

    def most_doses(self, horizon_days: float) -> int:
        """How many doses `doses` would list, counted without listing them (a phase of listed days may have fewer)."""
        return sum(step.most(span.end_day - span.start_day) for span in self.spans(horizon_days) for step in span.phase.steps)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `read_plan` reads back into an equal plan."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"format": self.format}


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """A phase with its first day and its end, in days of the plan."""

    phase: Phase
    start_day: float
    end_day: float


def read_plan(source: str | Path | Mapping[str, Any]) -> Plan:
    """A `corrin.plan/1` from a file (JSON or TOML), a text, a dict, or the name of a built-in plan. Raises `InputError`."""
    if isinstance(source, str) and source in built_in_plans():
        return built_in_plans()[source]
    if isinstance(source, str) and "/" not in source and "." not in source and "{" not in source and "\n" not in source and source.strip():
        near = known.near(source.lower(), {name: name for name in built_in_plans()})
        near = near or [name for name in built_in_plans() if source.lower() in name][:3]
        if not Path(source[:200]).exists():
            cure = f"Did you mean {' or '.join(near)}?" if near else "`corrin plans` lists them; a plan of your own is a file."
            raise InputError("plan", f"{ascii(source)[:60]} is neither a built-in plan nor a file", "", cure)
    where, document = read_document(source, "plan")
    plan = shape(document, Plan, where, "corrin.plan/1")
    raise_all(where, plan_faults(plan))
    return plan


def plan_faults(plan: Plan) -> list[InputError]:
    """Every reason why the plan cannot be used, each with its place."""
    faults: list[InputError] = []
    if plan.steps and plan.phases:
        faults.append(InputError("phases", "both steps and phases", "one of them"))
    for number, phase in enumerate(plan.phases):
        if phase.for_days is not None and phase.until is not None:
            faults.append(InputError(f"phases[{number}]", "both for_days and until", "one of them"))
        if phase.for_days is None and phase.until is None and number < len(plan.phases) - 1:
            faults.append(InputError(f"phases[{number}]", "no end, though another phase follows", "for_days or until"))
        if phase.until is not None and phase.until.expected_days > phase.until.max_days:
            faults.append(InputError(f"phases[{number}].until.expected_days", "longer than max_days", "at most max_days"))
    places = [(f"steps[{number}]", step) for number, step in enumerate(plan.steps)]
    places += [(f"phases[{n}].steps[{m}]", step) for n, phase in enumerate(plan.phases) for m, step in enumerate(phase.steps)]
    for where, step in places:
        faults += _step_faults(step, where)
    if plan.diet is not None and (plan.diet.diet is None) == (plan.diet.food_ug_d is None):
        faults.append(InputError("diet", "neither or both of diet and food_ug_d", "one of them"))
    elif plan.diet is not None and plan.diet.diet is not None and known.find_diet(plan.diet.diet) is None:
        faults.append(_unknown("diet.diet", "a diet", plan.diet.diet, known.near_diets(plan.diet.diet)))
    for name, changes in (("start_drugs", plan.start_drugs), ("stop_drugs", plan.stop_drugs)):
        for number, change in enumerate(changes):
            if not known.find_modifier(change.name, DRUG_KINDS):
                near = known.near_modifiers(change.name, DRUG_KINDS)
                faults.append(_unknown(f"{name}[{number}].name", "a drug that moves B12", change.name, near))
    return faults


DRUG_KINDS = ("drug", "nutrient", "exposure")


def _step_faults(step: Step, where: str) -> list[InputError]:
    faults = []
    if known.find_product(step.product) is None:
        faults.append(_unknown(f"{where}.product", "a product", step.product, known.near_products(step.product)))
    ways = [name for name in ("every_days", "per_week", "days") if getattr(step, name) is not None]
    if len(ways) > 1:
        faults.append(InputError(f"{where}.{ways[1]}", " and ".join(ways), "one way of saying how often"))
    if step.to_day is not None and step.to_day < step.from_day:
        faults.append(InputError(f"{where}.to_day", f"{step.to_day:g} is before from_day, {step.from_day:g}", "an end after the beginning"))
    if step.every_days is not None and step.every_days < 1.0:
        faults.append(InputError(f"{where}.every_days", f"{step.every_days:g}", "1 or more", "Use times_per_day for several doses a day."))
    return faults


def _unknown(where: str, what: str, name: str, near: list[str]) -> InputError:
    return InputError(where, f"{ascii(name)[:60]} is not {what}", "", f"Did you mean {' or '.join(near)}?" if near else "")


def _rhythm(place: int, gap: float, per_week: float | None) -> float:
    """Day of the dose number `place`: so many a week are spread over whole days of each week, every so many days just follow."""
    if per_week is None or per_week > 7.0 or per_week != int(per_week):
        return place * gap
    week, within = divmod(place, int(per_week))
    return 7.0 * week + float(int(within * 7.0 / per_week))


@lru_cache(maxsize=1)
def built_in_plans() -> Mapping[str, Plan]:
    """The plans that come with corrin, by name: regimens of labels and formularies, oral doses, diet alone, no treatment."""
    table = tomllib.loads(files("corrin.case").joinpath("plans.toml").read_text(encoding="utf-8"))
    return {name: Plan.model_validate({"format": "corrin.plan/1", "name": name, **entry}) for name, entry in table.items()}
