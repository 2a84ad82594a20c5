"""Simulated answers without a record of their own: `corrin.recover/1` and `corrin.delay/1`. They may gain keys within their version."""

from __future__ import annotations

from typing import Literal

from corrin.answers.shapes.common import Evidence, MadeByDraws, Open, Picture, Recognised, Series, Shape, Statement, Verdict, Who


class Quantiles(Shape):
    """5, 50 and 95 % of the drawn people."""

    p05: float
    p50: float
    p95: float


class Chance(Shape):
    """A chance with its interval."""

    p: float
    low: float
    high: float


class RedFlag(Open):
    """Something urgent that is still open."""

    name: str
    test: str
    why: str


class Findings(Open):
    """What both answers say of the findings."""

    question: str
    case: str
    as_of: str
    person: Who
    disclaimer: str
    nerve_findings_told: bool
    b12: Picture
    recognised: list[Recognised]
    verdict: Verdict
    open_red_flags: list[RedFlag]
    series: list[Series]
    sources: dict[str, str]
    contradiction: str
    warnings: list[str]
    evidence: Evidence
    made: MadeByDraws
    inputs: dict[str, object]


class TractToday(Open):
    """A tract today: share of function, chance of a sign."""

    label: str
    told: bool
    works: Quantiles
    sign: Chance | None


class SymptomToday(Open):
    """A symptom today."""

    label: str
    told: bool
    felt: Chance | None


class Today(Open):
    """The nerves today."""

    tracts: dict[str, TractToday]
    symptoms: dict[str, SymptomToday]
    sign: Chance | None
    score: Quantiles


class Until(Open):
    """Days until a step of recovery; null: that quantile does not reach it within the horizon."""

    p05_days: float | None
    p50_days: float | None
    p95_days: float | None
    never_within_horizon: float | None
    never: Chance | None


class Recovery(Open):
    """Chances at 12 and 24 months, of those with something to recover (`counted`), and times on the way."""

    counted: float
    at_months: dict[str, dict[str, Chance | Quantiles | None]] | None
    times: dict[str, Until] | None


class TractRecovery(Recovery):
    """The same of one tract."""

    label: str


class SymptomRecovery(Open):
    """Chances that a symptom is gone, less or left."""

    label: str
    counted: float
    at_months: dict[str, dict[str, Chance | Quantiles | None]] | None


class RecoverPlan(Open):
    """What comes back under one plan."""

    name: str
    title: str
    description: str
    notes: list[str]
    doses: int
    by_score: Recovery
    every_tract: Recovery
    tracts: dict[str, TractRecovery]
    symptoms: dict[str, SymptomRecovery]
    worse_at_24_months: Chance | None
    not_expected: list[str]


class Drivers(Open):
    """What drives recovery in this person, told for one plan."""

    plan: str
    title: str


class Recover(Findings):
    """`corrin recover`."""

    format: Literal["corrin.recover/1"]
    today: Today
    plans: list[RecoverPlan]
    drivers: Drivers
    matters: list[Statement]
    b6: str


class DelayPlan(Open):
    """The plan that is begun later and later."""

    name: str
    title: str
    description: str
    notes: list[str]


class DelayToday(Open):
    """The nerves today."""

    score: Quantiles
    sign: Chance | None


class TractDelay(Open):
    """What is missing of a tract, and how much more than begun at once."""

    label: str
    told: bool
    missing: Quantiles
    more_missing: Quantiles


class Begun(Open):
    """The plan begun after so many months."""

    months: float
    score_when_begun: Quantiles
    score: Quantiles
    score_more: Quantiles
    score_after_start: Quantiles
    no_sign: Chance | None
    no_sign_after_start: Chance | None
    sign: Chance | None
    tracts: dict[str, TractDelay]
    symptoms: dict[str, SymptomToday]


class Delay(Findings):
    """`corrin delay`."""

    format: Literal["corrin.delay/1"]
    plan: DelayPlan
    compared_at_months: float
    after_start_months: float
    today: DelayToday
    delays: list[Begun]
