"""`corrin.population-design/1`: who a population is, what happens to it, and what is read. The shape and its reader.

Whatever is left out of `people` is as the survey had it (facts/population/survey_people.csv): ages, sex, food, tablets, drugs. A scenario
says what is done from day 0 on; several things in one scenario are done together. The numbers of a scenario are the question, not facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from corrin.case import known
from corrin.case.plan import Plan, built_in_plans
from corrin.case.reader import raise_all, read_document, shape, shown
from corrin.errors import InputError

FORMAT = "corrin.population-design/1"
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(allow_inf_nan=False, ge=0.0, le=1.0)]
Text = Annotated[str, Field(max_length=4000)]
Age = Annotated[float, Field(allow_inf_nan=False, ge=20.0, le=100.0)]
Ug = Annotated[float, Field(allow_inf_nan=False, gt=0.0, le=5000.0)]
MOST_PEOPLE = 100_000_000
MOST_YEARS = 50.0
DRUGS = ("metformin", "ppi", "h2ra")
CAUSES = ("gastritis", "food_bound", "ileal")


def _key(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", value, re.ASCII):
        raise ValueError(f"{ascii(value)[:60]} is no name; expected small letters, digits, hyphens and underscores, such as flour-2")
    return value


Key = Annotated[str, AfterValidator(_key)]


class Strict(BaseModel):
    """Unknown keys are refused, and nothing can be changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AgeBand(Strict):
    """People from `low_y` to before `high_y`, as many as `weight` says beside the other bands."""

    low_y: Age
    high_y: Age
    weight: Annotated[float, Field(allow_inf_nan=False, gt=0.0)]


class People(Strict):
    """Who they are. `diets`: share of people on each diet of the table; the rest eat as the survey did. `diet_years`: median of
    how long they have kept to it; without it, for life. `drugs`: share who take one, at
    every age. `causes`: factor on how often a cause nobody asked about is there. `tablets`: as the survey took them, or none."""

    ages: Annotated[tuple[AgeBand, ...], Field(max_length=50)] = ()
    female_share: Share | None = None
    diets: dict[str, Share] = {}
    diet_years: Annotated[float, Field(allow_inf_nan=False, gt=0.0, le=80.0)] | None = None
    drugs: dict[Literal["metformin", "ppi", "h2ra"], Share] = {}
    causes: dict[Literal["gastritis", "food_bound", "ileal"], Annotated[float, Field(allow_inf_nan=False, ge=0.0, le=10.0)]] = {}
    tablets: Literal["survey", "none"] = "survey"


class Group(Strict):
    """Whom a measure is meant for: all conditions together; none of them means everybody."""

    drug: Literal["metformin", "ppi", "h2ra"] | None = None
    diet: str | None = None
    age_from_y: Age | None = None
    age_to_y: Age | None = None


class Fortification(Strict):
    """B12 added to a food: so much in 100 g, so much eaten a day (median, and SD of the logarithm between people); `reaches`: share of
    people who eat it at all; `kept`: share that is left after baking and storing."""

    ug_per_100g: Ug
    eaten_g_d: Annotated[float, Field(allow_inf_nan=False, gt=0.0, le=2000.0)]
    eaten_log_sd: Annotated[float, Field(allow_inf_nan=False, ge=0.0, le=2.0)] = 0.5
    reaches: Share = 1.0
    kept: Share = 1.0


class Supplement(Strict):
    """A daily tablet for a group: `taken_up` is the share who begin, `adherence` the middle share of days on which they take it."""

    who: Group = Group()
    ug_d: Ug
    taken_up: Share = 1.0
    adherence: Annotated[float, Field(allow_inf_nan=False, gt=0.0, le=1.0)] = 0.8


class Screening(Strict):
    """Serum B12 of a group at an interval, with the laboratory's noise; who lies below the limit is treated from then on. `attends`: share
    who come to any one test."""

    who: Group = Group()
    every_years: Annotated[float, Field(allow_inf_nan=False, ge=0.25, le=20.0)]
    first_year: Annotated[float, Field(allow_inf_nan=False, ge=0.0, le=20.0)] = 0.0
    attends: Share = 1.0
    below_pmol_l: Annotated[float, Field(allow_inf_nan=False, ge=50.0, le=1000.0)]
    treatment: Annotated[str, Field(min_length=1, max_length=64)]
    adherence: Annotated[float, Field(allow_inf_nan=False, gt=0.0, le=1.0)] | None = None


class Scenario(Strict):
    """What is done from day 0 on; empty: everything stays as it is. `plan`: a built-in plan given to everybody."""

    name: Key
    title: Text = ""
    fortification: Fortification | None = None
    supplement: Supplement | None = None
    screening: Screening | None = None
    plan: Annotated[str, Field(min_length=1, max_length=64)] | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing is done."""
        return not (self.fortification or self.supplement or self.screening or self.plan)


class Design(Strict):
    """A question about a population. `readings`: what is written for each person and time, beside what the answer itself needs.

    `replicates`: how many times what is not known of typical people is drawn; each serves its share of the people."""

    format: Literal["corrin.population-design/1"]
    name: Key
    title: Text = ""
    description: Text = ""
    people: People = People()
    count: Annotated[int, Field(strict=True, ge=1, le=MOST_PEOPLE)] = 20_000
    years: Annotated[float, Field(allow_inf_nan=False, gt=0.0, le=MOST_YEARS)] = 10.0
    every_years: Annotated[float, Field(allow_inf_nan=False, ge=0.05, le=MOST_YEARS)] = 1.0
    replicates: Annotated[int, Field(strict=True, ge=2, le=200)] = 20
    readings: Annotated[tuple[str, ...], Field(max_length=60)] = ("serum_b12", "holotranscobalamin", "mma", "homocysteine")
    scenario: Annotated[tuple[Scenario, ...], Field(min_length=1, max_length=12)]
    compare_with: Key | None = None
    sources: Annotated[tuple[Text, ...], Field(max_length=30)] = ()
    """Where the numbers of the question come from, or that they are assumed."""

    @property
    def reference(self) -> str:
        """The scenario the others are compared with."""
        plain = next((one.name for one in self.scenario if one.plain), self.scenario[0].name)
        return self.compare_with or plain

    def days(self) -> tuple[float, ...]:
        """Days that are read: 0, every so many years, and the end."""
        number = int(self.years / self.every_years + 1e-9)
        found = {round(k * self.every_years * 365.25, 6) for k in range(number + 1)}
        return tuple(sorted(found | {round(self.years * 365.25, 6)}))

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `read_design` reads back into an equal design."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"format": self.format}


def read_design(source: str | Path | Mapping[str, Any]) -> Design:
    """A `corrin.population-design/1` from a file (TOML or JSON), a text, a dict, or the name of a design that comes with corrin.

    Raises `InputError` with every fault: file, place, what was found, what was expected, the likely cure.
    """
    if isinstance(source, str) and source in packaged():
        return packaged()[source]
    if isinstance(source, str) and re.fullmatch(r"[\w-]{1,64}", source, re.ASCII) and not Path(source).exists():
        near = known.near(source.lower(), {key: key for key in packaged()}) or list(packaged())
        raise InputError(
            "population", f"{source} is neither a design that comes with corrin nor a file", "", f"There are {', '.join(near)}."
        )
    where, document = read_document(source, "population-design")
    design = shape(document, Design, where, FORMAT)
    raise_all(where, list(design_faults(design)))
    return design


@lru_cache(maxsize=1)
def packaged() -> Mapping[str, Design]:
    """The designs that come with corrin, by name."""
    found: dict[str, Design] = {}
    for item in sorted(files("corrin.populations").iterdir(), key=lambda item: item.name):
        if item.name.endswith(".toml"):
            document = read_document(item.read_text(encoding="utf-8"), "population-design")[1]
            design = shape(document, Design, item.name, FORMAT)
            raise_all(item.name, list(design_faults(design)))
            found[design.name] = design
    return MappingProxyType(found)


def design_faults(design: Design) -> Iterator[InputError]:
    """Every reason why a design of the right shape cannot be used, each with its place in the document."""
    yield from _people(design.people)
    names = [scenario.name for scenario in design.scenario]
    for number, scenario in enumerate(design.scenario):
        where = f"scenario[{number}]"
        if names.index(scenario.name) != number:
            yield InputError(f"{where}.name", f"{scenario.name} again", "a name of its own")
        yield from _scenario(scenario, design, where)
    if design.compare_with is not None and design.compare_with not in names:
        yield InputError("compare_with", shown(design.compare_with), f"one of {', '.join(names)}")
    if design.every_years > design.years:
        yield InputError("every_years", f"{design.every_years:g}", f"at most years, {design.years:g}")
    for number, reading in enumerate(design.readings):
        if reading not in readings():
            near = known.near(reading.lower(), {name: name for name in readings()})
            cure = f"Did you mean {' or '.join(near)}?" if near else f"Readings: {', '.join(readings())}."
            yield InputError(f"readings[{number}]", f"{shown(reading)} is not a reading of the body", "", cure)
    if design.replicates * 2 > design.count and design.replicates != Design.model_fields["replicates"].default:
        yield InputError("replicates", f"{design.replicates} of {design.count} people", "at most half as many as people")


@lru_cache(maxsize=1)
def readings() -> tuple[str, ...]:
    """Everything that can be read from the body."""
    from corrin.body.system import parameter_names, system

    return tuple(reading.name for reading in system(parameter_names(), set()).readings)


def _people(people: People) -> Iterator[InputError]:
    last = 0.0
    for number, band in enumerate(people.ages):
        if band.high_y <= band.low_y:
            yield InputError(f"people.ages[{number}].high_y", f"{band.high_y:g}", f"above low_y, {band.low_y:g}")
        if band.low_y < last:
            yield InputError(f"people.ages[{number}].low_y", f"{band.low_y:g}", f"at least {last:g}, where the band before ends")
        last = max(last, band.high_y)
    for name in people.diets:
        yield from _diet(name, f"people.diets.{name}")
    if sum(people.diets.values()) > 1.0 + 1e-9:
        yield InputError("people.diets", f"shares that sum to {sum(people.diets.values()):g}", "1 at most")


def _diet(name: str, where: str) -> Iterator[InputError]:
    row = known.find_diet(name)
    if row is None:
        near = known.near_diets(name)
        cure = f"Did you mean {' or '.join(near)}?" if near else f"Diets: {', '.join(known.diets())}."
        yield InputError(where, f"{shown(name)} is not a diet", "", cure)
    elif row.id != name:
        yield InputError(where, shown(name), row.id, "Use the id of the diet.")


def _scenario(scenario: Scenario, design: Design, where: str) -> Iterator[InputError]:
    if scenario.supplement is not None:
        yield from _group(scenario.supplement.who, f"{where}.supplement.who")
    if scenario.screening is not None:
        yield from _group(scenario.screening.who, f"{where}.screening.who")
        yield from _plan(scenario.screening.treatment, f"{where}.screening.treatment")
        if scenario.screening.first_year >= design.years:
            yield InputError(f"{where}.screening.first_year", f"{scenario.screening.first_year:g}", f"before the end, {design.years:g}")
    if scenario.plan is not None:
        yield from _plan(scenario.plan, f"{where}.plan")
        if scenario.screening is not None:
            yield InputError(f"{where}.plan", "a plan for everybody beside screening", "one of the two")


def _group(group: Group, where: str) -> Iterator[InputError]:
    if group.diet is not None:
        yield from _diet(group.diet, f"{where}.diet")
    if group.age_from_y is not None and group.age_to_y is not None and group.age_to_y <= group.age_from_y:
        yield InputError(f"{where}.age_to_y", f"{group.age_to_y:g}", f"above age_from_y, {group.age_from_y:g}")


def _plan(name: str, where: str) -> Iterator[InputError]:
    plan: Plan | None = built_in_plans().get(name)
    if plan is None:
        near = known.near(name.lower(), {key: key for key in built_in_plans()})
        cure = f"Did you mean {' or '.join(near)}?" if near else "`corrin plans` lists them."
        yield InputError(where, f"{shown(name)} is not a built-in plan", "", cure)
    elif plan.diet is not None or plan.start_drugs or plan.stop_drugs:
        yield InputError(where, f"{name} changes diet or drugs", "a plan of doses only")


def schema() -> dict[str, Any]:
    """The JSON Schema of a design."""
    made = Design.model_json_schema(by_alias=True)
    title = "corrin.population-design/1: a question about a population"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}
