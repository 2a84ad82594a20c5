"""What trials found on pain: conditions, treatments, published measures, how sure they make us. Rows of `pain_*.csv`, read strictly.

A measure stands as it was published: two arms, or one effect with its interval. What follows from it (a difference, a number needed to
treat) is arithmetic and is done in `answers/pain.py`, never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from corrin.facts.reader import _by_id, _text, read_csv
from corrin.facts.rows import GRADES, Grade, How, OneOf, OptionalNumber, OptionalText, Seen, _Cited, _ordered

CONDITIONS = (
    "deficiency",  # pain of B12 deficiency itself
    "diabetic_deficient",  # painful diabetic neuropathy with little B12
    "diabetic",  # painful diabetic neuropathy with enough B12
    "back_chronic",
    "back_chronic_nsaid",  # chronic low back pain, beside a pain reliever
    "back_acute",
    "herpetic_subacute",  # in the first three months after shingles
    "postherpetic",
)
Condition = Annotated[str, OneOf(CONDITIONS)]
STATISTICS = ("share", "mean", "change", "effect")
EFFECTS = ("difference", "risk ratio", "odds ratio", "number needed to treat", "number needed to harm", "per 1000", "p", "words")


@dataclass(frozen=True, slots=True)
class PainCondition(_Cited):
    """A condition in which B12 was tried. `trialled_in`: who took part; `without_deficiency` yes: the default effect of B12 is zero.

    `mechanism` and `time_scale` in words, where the pain is that of deficiency itself.
    """

    id: Condition
    name: str
    trialled_in: str
    without_deficiency: bool
    b12_says: str
    mechanism: OptionalText
    time_scale: OptionalText
    not_known: tuple[str, ...]
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText


@dataclass(frozen=True, slots=True)
class PainTreatment(_Cited):
    """Something given for pain: B12 by form and route, or what it is compared with. `onset` and `side_effects` are sentences."""

    id: str
    name: str
    kind: Annotated[str, OneOf(("b12", "b vitamins", "comparator"))]
    onset: str
    side_effects: str
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText


@dataclass(frozen=True, slots=True)
class PainMeasure(_Cited):
    """One published outcome of one treatment in one condition.

    `statistic`: share (of 1 in each arm), mean or change (of a score in `unit`, with `spread_kind` of each arm), or effect (only the
    comparison was published). `control` is what the other arm got, `control_kind` placebo, active, usual or none (before and after only).
    `differs`: all that differs between the arms, so that nothing else is credited to B12. `total_n` where the arms' sizes were not read.
    `published` with its interval is the authors' own effect, of kind `published_kind`; `direction`: whether a lower or higher value helps.
    """

    id: str
    condition: Condition
    treatment: str
    control: str
    control_kind: Annotated[str, OneOf(("placebo", "active", "usual", "none"))]
    differs: str
    outcome: str
    aim: Annotated[str, OneOf(("benefit", "harm"))]
    statistic: Annotated[str, OneOf(STATISTICS)]
    unit: OptionalText
    direction: Annotated[str, OneOf(("lower", "higher"))]
    time_days: OptionalNumber
    treated: OptionalNumber
    controlled: OptionalNumber
    spread_kind: Annotated[str, OneOf(("", "SD", "SE")), "may be empty"]
    treated_spread: OptionalNumber
    control_spread: OptionalNumber
    treated_n: OptionalNumber
    control_n: OptionalNumber
    total_n: OptionalNumber
    treated_start: OptionalNumber
    control_start: OptionalNumber
    published_kind: Annotated[str, OneOf(("", *EFFECTS)), "may be empty"]
    published: OptionalNumber
    published_low: OptionalNumber
    published_high: OptionalNumber
    words: OptionalText
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        _ordered("published_low <= published <= published_high", self.published_low, self.published, self.published_high)
        if self.statistic == "effect":
            if any(value is not None for value in (self.treated, self.controlled)):
                raise ValueError("an effect has no arms")
            if not self.published_kind:
                raise ValueError("an effect says its kind")
        elif self.treated is None:
            raise ValueError(f"a {self.statistic} needs the treated arm")
        if self.statistic == "share" and not all(0.0 <= value <= 1.0 for value in (self.treated, self.controlled) if value is not None):
            raise ValueError("shares lie between 0 and 1")
        if (self.control_kind == "none") and (self.controlled is not None or self.published_kind):
            raise ValueError("without a control there is no effect to publish")
        if bool(self.spread_kind) != (self.treated_spread is not None):
            raise ValueError("a spread has a kind, and the reverse")


@dataclass(frozen=True, slots=True)
class Certainty(_Cited):
    """How sure the evidence makes us, by the GRADE steps: randomised evidence starts high, other evidence low; each step down has a reason.

    The five columns are steps down, 0 to 2. `grade` is what is left; `published` the grade of a review where one was read.
    """

    id: str
    condition: Condition
    treatment: str
    trials: OptionalNumber
    people: OptionalNumber
    start: Annotated[str, OneOf(("high", "low"))]
    bias: float
    inconsistency: float
    indirectness: float
    imprecision: float
    selection: float
    reasons: tuple[str, ...]
    published: Annotated[str, OneOf(("", *GRADES)), "may be empty"]
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        steps = (self.bias, self.inconsistency, self.indirectness, self.imprecision, self.selection)
        if any(step not in (0.0, 1.0, 2.0) for step in steps):
            raise ValueError("a step down is 0, 1 or 2")
        if sum(step > 0 for step in steps) > len(self.reasons):
            raise ValueError("every step down has its reason")

    @property
    def grade(self) -> str:
        """The grade after all steps down."""
        steps = self.bias + self.inconsistency + self.indirectness + self.imprecision + self.selection
        return GRADES[min(len(GRADES) - 1, int(GRADES.index(self.start) + steps))]


@dataclass(frozen=True, slots=True)
class OtherThing(_Cited):
    """Something else that matters to nerves, pain or spine. `measure` says what was measured; empty numbers: direction only.

    `shown_to`: everybody, or who tells of it (diabetes, alcohol, smoking, b6, folic_acid, deficiency, back).
    """

    id: str
    name: str
    shown_to: Annotated[str, OneOf(("everybody", "diabetes", "alcohol", "smoking", "b6", "folate", "back"))]
    direction: Annotated[str, OneOf(("harm", "benefit", "none", "mixed"))]
    statement: str
    measure: OptionalText
    value: OptionalNumber
    low: OptionalNumber
    high: OptionalNumber
    unit: OptionalText
    people: OptionalText
    grade: Grade
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        _ordered("low <= value <= high", self.low, self.value, self.high)
        if (self.value is not None) and not (self.measure and self.unit):
            raise ValueError("a number says what it measures and in which unit")


@cache
def conditions() -> Mapping[str, PainCondition]:
    """Conditions in which B12 was tried for pain, by id."""
    return _by_id("pain_conditions.csv", PainCondition)


@cache
def treatments() -> Mapping[str, PainTreatment]:
    """What was given, by id."""
    return _by_id("pain_treatments.csv", PainTreatment)


@cache
def measures() -> tuple[PainMeasure, ...]:
    """Published outcomes, in the order of the table."""
    return tuple(read_csv("facts/pain_measures.csv", _text("pain_measures.csv"), PainMeasure, lambda row: row.id))


@cache
def certainties() -> tuple[Certainty, ...]:
    """How sure the evidence makes us, for each condition and treatment."""
    return tuple(read_csv("facts/pain_certainty.csv", _text("pain_certainty.csv"), Certainty, lambda row: (row.condition, row.treatment)))


@cache
def other_things() -> Mapping[str, OtherThing]:
    """What else matters, by id."""
    return _by_id("other_things.csv", OtherThing)


def cited_rows() -> tuple[_Cited, ...]:
    """Every row of these tables."""
    return (*conditions().values(), *treatments().values(), *measures(), *certainties(), *other_things().values())
