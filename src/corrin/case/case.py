"""`corrin.case/1`: a person, what happened to them, what was measured. As reported; nothing is converted on entry.

Whatever is unknown may be absent or null. Dates are calendar dates or times from `as_of` (see `dates.py`). The models here hold the shape;
`check.py` holds what must agree between fields and with the tables; `reader.py` reads a file or text into a `Case`.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from corrin.case.dates import EXPECTED, Moment, parse_as_of, parse_when
from corrin.errors import InputError

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0.0)]
Share = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.0, le=1.0)]
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.0, le=1e6)]
Text = Annotated[str, Field(max_length=4000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _when(value: Any) -> Any:
    """Days may be written as a bare number: -60 is -60d."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = "0" if value == 0 else f"{value:+}d"
    elif isinstance(value, str):
        text = value
    else:
        raise ValueError(f"expected {EXPECTED}")
    try:
        # Any calendar day will do here: whether one is allowed depends on as_of, which check.py knows.
        parse_when(text, datetime.date(2000, 1, 1))
    except InputError as error:
        raise ValueError("; ".join(part for part in (error.found, f"expected {error.expected}", error.cure) if part)) from None
    return text


def _as_of(value: Any) -> Any:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if not isinstance(value, str):
        raise ValueError('expected a date such as 2024-03-01, or "day 0" for an anonymous case')
    try:
        parse_as_of(value)
    except InputError as error:
        raise ValueError(f"{error.found}; expected {error.expected}") from None
    return value


SEVERITIES = ("none", "mild", "moderate", "severe")


def _severity(value: Any) -> Any:
    """0 to 4 and the words mean the same: none, mild, moderate, severe; 4 is the worst a scale knows (cannot walk, blind)."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 4:
        return (*SEVERITIES, "worst")[value]
    return value


When = Annotated[str, BeforeValidator(_when), Field(max_length=40)]
AsOf = Annotated[str, BeforeValidator(_as_of), Field(max_length=10)]
Severity = Annotated[Literal["none", "mild", "moderate", "severe", "worst"], BeforeValidator(_severity)]
Certainty = Literal["stated", "confirmed", "suspected", "assumed"]
Pregnancy = Literal["none", "first trimester", "second trimester", "third trimester", "breastfeeding", "unknown"]
Comparator = Literal["<", "<=", "=", ">=", ">"]
Sign = Literal[
    "tingling", "numbness", "weakness", "gait", "vision", "cognition", "fatigue", "glossitis", "mood", "psychosis", "cramps", "pain",
    "bladder", "bowel", "romberg", "lhermitte", "babinski", "vibration_loss", "position_loss", "touch_loss", "reflexes_increased",
    "reflexes_reduced", "spasticity", "mri_dorsal_columns", "mri_lateral_columns", "sep_abnormal", "vep_abnormal", "mep_abnormal",
    "ncs_abnormal", "optic_neuropathy", "walking_aid", "wheelchair", "falls", "tremor", "pallor", "jaundice", "weight_loss",
    "pancytopenia", "macrocytosis", "other",
]  # fmt: skip
Tract = Literal["sensory_long", "sensory_short", "motor", "dorsal", "lateral", "optic", "cognition"]


class Strict(BaseModel):
    """Unknown keys are refused, and nothing can be changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Span(Strict):
    """Something with a beginning and an end. No `from`: unknown when it began. No `to`: it still goes on at `as_of`."""

    from_: When | None = Field(default=None, alias="from")
    to: When | None = None


class Person(Strict):
    """Who. One of `age_y` (years at `as_of`) and `birth_year` is needed."""

    age_y: Annotated[float, Field(strict=True, ge=0.0, le=120.0, allow_inf_nan=False)] | None = None
    birth_year: Annotated[int, Field(strict=True, ge=1880, le=2200)] | None = None
    sex: Literal["female", "male", "unknown"] = "unknown"
    weight_kg: Annotated[float, Field(strict=True, ge=1.0, le=500.0, allow_inf_nan=False)] | None = None
    country: Annotated[str, Field(max_length=60)] | None = None
    pregnancy: Pregnancy | None = None
    pregnancy_from: When | None = None
    pregnancy_to: When | None = None


class Diet(Span):
    """What was eaten over a time: a diet of the table, or ug of B12 a day in food."""

    diet: Name | None = None
    food_ug_d: Amount | None = None
    certainty: Certainty | None = None
    note: Text | None = None


class Food(Span):
    """One food, eaten regularly: grams each time, so many times a day or a week."""

    food: Name
    grams: Amount
    times: Positive = 1.0
    per: Literal["day", "week"] = "day"


class Drug(Span):
    """One drug of the modifiers table: the dose at each intake, its unit, intakes a day."""

    name: Name
    dose: Amount | None = None
    unit: Annotated[str, Field(max_length=40)] | None = None
    per_day: Positive | None = None
    note: Text | None = None


class Condition(Span):
    """One condition of the modifiers table. `completeness`: share of the function that is gone, 0 to 1."""

    name: Name
    certainty: Certainty | None = None
    completeness: Share | None = None
    note: Text | None = None


class Operation(Strict):
    """One operation of the modifiers table."""

    name: Name
    date: When | None = None
    removed_cm: Amount | None = None
    detail: Text | None = None


class NitrousOxide(Span):
    """Nitrous oxide: one use (`single`, dated by `from` or `last_use`) or a pattern of use between `from` and `last_use` or `to`."""

    pattern: Literal["single", "pulses", "daily", "weekly", "weekends"]
    hours_per_use: Annotated[float, Field(strict=True, gt=0.0, le=24.0, allow_inf_nan=False)] | None = None
    canisters_per_day: Annotated[float, Field(strict=True, gt=0.0, le=2000.0, allow_inf_nan=False)] | None = None
    last_use: When | None = None
    note: Text | None = None


class Habit(Span):
    """Alcohol (`per_day`: drinks) or smoking (`per_day`: cigarettes)."""

    level: Literal["none", "moderate", "heavy", "past", "current", "unknown"]
    per_day: Amount | None = None


class Given(Span):
    """B12 given or taken: a product of the table, or form and route; how much, how often."""

    product: Name | None = None
    form: Name | None = None
    route: Name | None = None
    dose: Amount | None = None
    unit: Annotated[str, Field(max_length=40)] | None = None
    dose_ug: Amount | None = None
    every_days: Positive | None = None
    per_week: Positive | None = None
    times_per_day: Positive | None = None
    days: tuple[When, ...] | None = Field(default=None, max_length=5000)
    count: Annotated[int, Field(strict=True, ge=1, le=100000)] | None = None
    adherence: Share | None = None
    note: Text | None = None


class Lab(Strict):
    """One result as reported. `word` stands for a value when only a word was reported."""

    analyte: Name
    value: Number | None = None
    unit: Annotated[str, Field(max_length=60)] | None = None
    word: Literal["undetectable", "low", "normal", "raised"] | None = None
    comparator: Comparator = "="
    date: When | None = None
    method: Name | None = None
    reference_low: Number | None = None
    reference_high: Number | None = None
    hours_since_dose: Amount | None = None
    confirmed: bool = False
    held_back: bool = False
    note: Text | None = None


class Scale(Strict):
    """A score on a named scale."""

    name: Name
    score: Number


class Finding(Strict):
    """A symptom or sign: seen, or looked for and not found (`severity` none). `onset`: this is when it began."""

    what: Sign
    tract: Tract | None = None
    side: Literal["left", "right", "both"] | None = None
    severity: Severity | None = None
    scale: Scale | None = None
    date: When | None = None
    onset: bool = False
    note: Text | None = None


class Observed(Strict):
    """What happened after `as_of`. Kept for comparison, never read by the world."""

    day: When | None = None
    text: Text | None = None
    analyte: Name | None = None
    value: Number | None = None
    unit: Annotated[str, Field(max_length=60)] | None = None
    comparator: Comparator = "="
    what: Sign | None = None
    severity: Severity | None = None
    scale: Scale | None = None


class History(Strict):
    """Everything before `as_of` that moves B12 or the nerves. `other_*`: names with no row in the tables, shown and never simulated."""

    diet: tuple[Diet, ...] = Field(default=(), max_length=100)
    foods: tuple[Food, ...] = Field(default=(), max_length=200)
    drugs: tuple[Drug, ...] = Field(default=(), max_length=200)
    other_drugs: tuple[Name, ...] = Field(default=(), max_length=200)
    conditions: tuple[Condition, ...] = Field(default=(), max_length=100)
    other_conditions: tuple[Name, ...] = Field(default=(), max_length=200)
    operations: tuple[Operation, ...] = Field(default=(), max_length=50)
    nitrous_oxide: tuple[NitrousOxide, ...] = Field(default=(), max_length=100)
    alcohol: Habit | None = None
    smoking: Habit | None = None
    past_b12: tuple[Given, ...] = Field(default=(), max_length=100)


def _observed_tag(value: Any) -> str:
    return "#word" if isinstance(value, str) else "#list"


class Case(Strict):
    """One person at one moment. `as_of` is day 0; history is negative."""

    format: Literal["corrin.case/1"]
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None
    citation: Text | None = None
    note: Text | None = None
    person: Person
    as_of: AsOf
    history: History = History()
    labs: tuple[Lab, ...] = Field(default=(), max_length=2000)
    findings: tuple[Finding, ...] = Field(default=(), max_length=2000)
    treatments: tuple[Given, ...] = Field(default=(), max_length=200)
    observed: Annotated[
        Annotated[tuple[Observed, ...], Field(max_length=2000), Tag("#list")] | Annotated[Literal["not seen"], Tag("#word")],
        Discriminator(_observed_tag),
    ] = ()

    @property
    def calendar(self) -> datetime.date | None:
        """The calendar day of `as_of`; None for an anonymous case."""
        return parse_as_of(self.as_of)

    @property
    def age_y(self) -> float:
        """Age at `as_of` in years; from the birth year it is right to half a year. Raises `InputError` when neither is given."""
        if self.person.age_y is not None:
            return self.person.age_y
        if self.person.birth_year is None or self.calendar is None:
            raise InputError("person", "no age", "age_y, or birth_year and a calendar date in as_of")
        return self.calendar.year + (self.calendar.timetuple().tm_yday - 1) / 365.25 - self.person.birth_year - 0.5

    def moment(self, when: str | None) -> Moment | None:
        """A date of this case as days from `as_of`; None stays None."""
        return None if when is None else parse_when(when, self.calendar)

    def day(self, when: str | None, otherwise: float = 0.0) -> float:
        """The middle day of a date; `otherwise` when it is not known."""
        moment = self.moment(when)
        return otherwise if moment is None else moment.day

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `read_case` reads back into an equal case."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"format": self.format}
