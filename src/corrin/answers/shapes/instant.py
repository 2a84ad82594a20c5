"""Answers that come at once: `corrin.diet/1`, `corrin.claim/1`, `corrin.pain/1`, `corrin.mimics/1`, `corrin.matters/1`."""

from __future__ import annotations

from typing import Literal, NotRequired

from corrin.answers.shapes.common import Made, Mimic, Picture, Recognised, Series, Shape, Statement, Verdict, Who

# --- diet --------------------------------------------------------------------------------------------------------------------


class Eater(Shape):
    """For whom the reference intakes are read."""

    age_y: float
    sex: str
    state: str
    adult: bool


class Span(Shape):
    """Low, middle, high."""

    low: float
    middle: float
    high: float


class Item(Shape):
    """One food or product."""

    said: str
    name: str
    kind: str
    bound: str
    amount: str
    times_week: Span
    ug_each: Span
    ug_day: Span
    notes: list[str]
    absorbed_ug_each: NotRequired[Span]


class UsualDiet(Shape):
    """A diet of the case in place of a list."""

    words: str
    ug_day: Span


class Reference(Shape):
    """A reference intake, and the share of it that is eaten."""

    body: str
    region: str
    measure: str
    state: str
    ug_day: float
    seen: str
    share: Span


class Splitting(Shape):
    """What eating the largest portion in parts would add."""

    name: str
    parts: int
    whole_ug: Span
    split_ug: Span


class Absorbed(Shape):
    """What is absorbed, and what was allowed for."""

    day_ug: Span
    splitting: Splitting | None
    applied: list[str]
    unknown: list[str]


class Serving(Shape):
    """A food that would fill the gap."""

    name: str
    serving_g: float
    ug_serving: float
    times_week: float
    bound: str


class Change(Shape):
    """What to change."""

    short_of: list[str]
    gap_ug_day: float
    goal: str | None
    servings: list[Serving]
    older: bool
    low_acid: bool
    path_share: float
    little_path: bool
    eats: str
    counts_as_ug_day: float


class Vegan(Shape):
    """A vegan choice, and whether the list meets it."""

    body: str
    words: str
    met: bool
    seen: str


class FoodCourse(Shape):
    """Where the store goes by food alone."""

    words: str
    settles_mg: Span
    reaches: float
    keeps: float
    days: Span | None


class Alone(Shape):
    """Whether food alone would replete this person, and how slowly."""

    store_low_mg: float
    store_goal_mg: float
    loss_ug_day_low: Span
    loss_ug_day_full: Span
    store_full_mg: float
    absorbed_ug_day: Span
    courses: list[FoodCourse]
    nerves: list[str]
    nitrous_oxide: bool
    given: bool
    left_out: str


class Diet(Shape):
    """`corrin diet`."""

    format: Literal["corrin.diet/1"]
    person: Eater
    items: list[Item]
    usual_diet: UsualDiet | None
    daily_ug: Span
    references: list[Reference]
    no_value: list[str]
    notes: list[str]
    absorbed: NotRequired[Absorbed]
    change: NotRequired[Change]
    vegan: NotRequired[list[Vegan]]
    alone: NotRequired[Alone | None]
    sources: dict[str, str]
    disclaimer: str
    made: Made
    inputs: dict[str, object]


# --- claim -------------------------------------------------------------------------------------------------------------------


class Finding(Shape):
    """What was found in a sentence and what holds."""

    sentence: str
    line: int
    number: int
    verdict: Literal["right", "wrong", "disputed", "not known", "advice"]
    what: str
    denied: bool
    says: str
    sources: list[str]
    at: str
    seen: str


class Claim(Shape):
    """`corrin claim`."""

    format: Literal["corrin.claim/1"]
    sentences: int
    counts: dict[str, int]
    findings: list[Finding]
    left_alone: int
    cut: int
    sources: dict[str, str]
    disclaimer: str
    made: Made
    inputs: dict[str, str | None]


# --- pain --------------------------------------------------------------------------------------------------------------------


class Sufferer(Shape):
    """Who is asked about."""

    age_y: float
    sex: str
    pain: bool | None
    since_days: float | None


class Urgent(Shape):
    """What does not wait."""

    name: str
    urgency: str
    next_step: str


class ConditionFit(Shape):
    """How a trialled condition fits this person."""

    condition: str
    fit: str
    speaks_for: list[str]
    against: list[str]
    missing: list[str]
    name: str


class PublishedEffect(Shape):
    """An effect as the trial printed it."""

    kind: str
    value: float | None
    low: float | None
    high: float | None
    words: str


class Difference(Shape):
    """A difference computed here, with its arithmetic."""

    value: float
    low: float | None
    high: float | None
    method: str
    arithmetic: str


class Measure(Shape):
    """One measure of one trial."""

    id: str
    treatment: str
    kind: str
    control: str
    control_kind: str
    differs: str
    outcome: str
    aim: str
    statistic: str
    unit: str
    direction: str
    time_days: float | None
    treated: float | None
    controlled: float | None
    treated_start: float | None
    people: float | None
    published: PublishedEffect | None
    credited_to_b12: str
    seen: str
    note: str
    sources: list[str]
    difference: Difference | None
    number_needed: Difference | None


class Treatment(Shape):
    """A treatment that was tried."""

    id: str
    name: str
    kind: str
    onset: str
    side_effects: str
    seen: str


class Certainty(Shape):
    """How sure the evidence on a treatment is."""

    treatment: str
    judged_in: str
    grade: str
    published: str
    start: str
    trials: float | None
    people: float | None
    reasons: list[str]
    sources: list[str]


class PainCourse(Shape):
    """A point of the course of pain in an arm."""

    arm: str
    kind: str
    beside: str
    dose: str
    source: str
    time_days: float
    change: float
    low: float | None
    high: float | None


class Condition(Shape):
    """What trials found in one condition."""

    condition: str
    name: str
    trialled_in: str
    b12_says: str
    effect_points_of_10: float | None
    effect_words: str
    also_deficient: bool
    mechanism: str
    time_scale: str
    not_known: list[str]
    measures: list[Measure]
    elsewhere: str
    measures_elsewhere: list[Measure]
    treatments: list[Treatment]
    certainty: list[Certainty]
    courses: list[PainCourse]
    courses_in: str


class Pain(Shape):
    """`corrin pain`."""

    format: Literal["corrin.pain/1"]
    case: str | None
    person: Sufferer
    b12: Picture
    urgent: list[Urgent]
    asked: str | None
    fits: list[ConditionFit]
    conditions: list[Condition]
    b6: str
    disclaimer: str
    sources: dict[str, str]
    made: Made
    inputs: dict[str, object]


# --- mimics and matters ------------------------------------------------------------------------------------------------------


class CauseFit(Shape):
    """How a cause fits the findings."""

    cause: str
    name: str
    grade: str
    needed: str
    needed_there: bool | None
    explained: list[str]
    unexplained: list[str]
    usual_seen: list[str]
    usual_absent: list[str]
    usual_untold: list[str]
    usual: list[str]
    assumed: bool


class Mimics(Shape):
    """`corrin mimics`."""

    format: Literal["corrin.mimics/1"]
    case: str | None
    person: Who
    b12: Picture
    recognised: list[Recognised]
    seen: list[str]
    absent: list[str]
    fits: list[CauseFit]
    verdict: Verdict
    mimics: list[Mimic]
    outcomes: list[Series]
    not_known: list[str]
    disclaimer: str
    sources: dict[str, str]
    made: Made
    inputs: dict[str, object]


class B6Part(Shape):
    """Vitamin B6 in one product."""

    name: str
    mg_day: float | None


class B6Above(Shape):
    """A limit that is exceeded."""

    body: str
    mg_day: float | None
    source: str


class B6(Shape):
    """Vitamin B6 of everything taken."""

    parts: list[B6Part]
    known_mg_day: float
    complete: bool
    above: list[B6Above]
    message: str


class Matters(Shape):
    """`corrin matters`."""

    format: Literal["corrin.matters/1"]
    case: str | None
    own: list[Statement]
    everybody: list[Statement]
    b6: B6
    sources: dict[str, str]
    disclaimer: str
    made: Made
    inputs: dict[str, object]
