"""`corrin.assess/1`: an adult, or a child without a verdict."""

from __future__ import annotations

from typing import Literal, NotRequired

from corrin.answers.shapes.common import Made, Mimic, Shape, Verdict


class Person(Shape):
    """Who is asked about."""

    age_y: float
    sex: str
    country: str | None
    pregnancy: str | None


class RedFlag(Shape):
    """What decides before any probability."""

    id: str
    says: str
    urgency: str
    do: str
    tests: list[str]
    standing: str


class Function(Shape):
    """P(functional activity below the floor), nine tenths, before the results, and which results were used."""

    probability: float
    low: float
    high: float
    word: str
    before_markers: float
    floor_percent: float
    used: list[str]


class Mma(Shape):
    """P(MMA above the kidney-adjusted limit if measured), by everything but MMA, and what was measured."""

    limit_nmol_l: float
    limit_unadjusted_nmol_l: float
    adjusted: bool
    kidney_known: bool
    probability: float
    low: float
    high: float
    measured: str | None
    side: Literal["above", "below", "unclear"] | None


class Response(Shape):
    """Whether B12 is expected to help: a graded statement."""

    grade: str
    text: str
    evidence: str
    sources: list[str]


class Combined(Shape):
    """cB12, for comparison."""

    value: float | None
    word: NotRequired[str]
    missing: list[str]
    note: str
    sources: list[str]


class Deficiency(Shape):
    """Is it deficiency?"""

    spectrum: Literal["community", "clinic"]
    egfr: float | None
    egfr_from: str
    function: Function
    mma: Mma
    response: Response
    only_raises: bool
    contradiction: list[list[str]]
    combined: Combined


class Marker(Shape):
    """What one result contributed: the odds it multiplied beside the rest, and alone."""

    marker: str
    as_reported: str
    day: float
    why: list[str]
    counts: str
    odds: float
    alone: float | None
    alone_odds: NotRequired[float]
    without: float | None


class Other(Shape):
    """A result that bears on cause or reading."""

    marker: str
    as_reported: str


class Then(Shape):
    """What a clause says to do."""

    kind: str
    text: str
    plan: str | None
    after_days: float | None


class Clause(Shape):
    """A clause of a guideline that speaks here, and how it was read."""

    id: str
    topic: str
    says: str
    standing: str
    then: list[Then]
    ours: str | None


class Guide(Shape):
    """A guideline's own word."""

    id: str
    title: str
    issuer: str
    standing: str
    kind: str
    in_force: bool | None
    covered: str
    verdict: str | None
    because: list[str]
    because_ids: list[str]
    waits_for: list[str]
    clauses: list[Clause]
    assumed: list[str]


class Row(Shape):
    """A guideline beside others."""

    guide: str
    verdict: str | None
    because: list[str]
    waits_for: list[str]
    standing: str


class Compared(Shape):
    """The same results under several guidelines."""

    differ: bool
    rows: list[Row]


class OddsRatio(Shape):
    """An odds ratio that was read."""

    words: str
    value: float
    low: float | None
    high: float | None
    source: str


class Cause(Shape):
    """A cause, and the chance that it is at work if function is poor."""

    id: str
    words: str
    standing: str
    because: str
    at_work: float
    size_known: bool
    odds_ratios: list[OddsRatio]
    told_by: str | None


class TellsApart(Shape):
    """The test that separates the two leading causes."""

    first: str
    second: str
    test: str
    of: str


class NextTest(Shape):
    """What a test not yet done is expected to do."""

    test: str
    expected_change: float
    chance_of_another_word: float
    about: str


class Safety(Shape):
    """Rules that apply, and what is asked before B12 is given."""

    rules: list[Clause]
    ask: list[str]


class Mimics(Shape):
    """What else it could be."""

    verdict: Verdict
    open: list[Mimic]
    found: list[Mimic]


class Region(Shape):
    """The table's own error where it says `low` to `high`."""

    low: float
    high: float
    people: int
    said: float
    true: float
    error: float


class Table(Shape):
    """The table behind the probabilities."""

    made: dict[str, str]
    regions: list[Region]
    exceeding: list[Region]
    history_error: float
    auc: dict[str, float]


class Adult(Shape):
    """16 years and older."""

    format: Literal["corrin.assess/1"]
    case_id: str
    as_of: str
    person: Person
    red_flags: list[RedFlag]
    urgency: str | None
    deficiency: Deficiency
    markers: list[Marker]
    others: list[Other]
    guides: list[Guide]
    guides_because: str
    extra: list[Guide]
    compared: Compared | None
    causes: list[Cause]
    tells_apart: TellsApart | None
    next_tests: list[NextTest]
    unknown: list[str]
    safety: Safety
    mimics: Mimics
    table: Table
    sources: dict[str, str]
    disclaimer: str
    made: Made
    inputs: dict[str, object]


class Interval(Shape):
    """A result of a child with an interval for the age: the laboratory's own, or a published one (with its source)."""

    place: str
    analyte: str
    value: float | None
    word: str | None
    unit: str | None
    low: float | None
    high: float | None


class Published(Shape):
    """A published reference interval of the age."""

    analyte: str
    low: float
    high: float
    unit: str
    ages: str
    whose: str
    source: str
    seen: str


class Intake(Shape):
    """A reference intake of the age."""

    body: str
    measure: str
    ug_day: float
    seen: str
    source: str


class Child(Shape):
    """What can be said of a child."""

    refused: str
    own_intervals: list[Interval]
    published_intervals: list[Published]
    intakes: list[Intake]


class Young(Shape):
    """Under 16: intervals and intakes, and no verdict."""

    format: Literal["corrin.assess/1"]
    case_id: str
    as_of: str
    person: Person
    child: Child
    disclaimer: str
    made: Made
    inputs: dict[str, object]


Assess = Adult | Young
