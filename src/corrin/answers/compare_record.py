"""What the comparison of plans is made of: frozen plain data, written as `corrin.compare/1`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from corrin.answers.record import Answer, Forecast, Record


class Difference(Record):
    """How much higher a reading is under one plan than under another, in the same drawn people: 5, 50 and 95 %."""

    reading: str
    label: str
    unit: str
    plan: str
    against: str
    month: float
    p05: float
    p50: float
    p95: float
    clear: bool = Field(description="true when 0 lies outside the interval")


class Supply(Record):
    """What a plan needs of one product: days of doses, and units (tablets, ampoules) of its strengths."""

    product: str
    name: str
    route: str
    doses_3_months: int
    doses_first_year: int
    doses_all: int
    units_first_year: int
    units_all: int
    price: float | None = Field(None, description="of one unit, as the user gave it")
    cost_first_year: float | None = None
    cost_all: float | None = None


class Burden(Record):
    """What a plan asks of the person."""

    plan: str
    title: str
    supplies: tuple[Supply, ...]
    injections_first_year: int
    injections_all: int
    tablets_first_year: int
    tablets_all: int
    ends_by_rule: bool = Field(description="true when a phase lasts until a rule is met, so that the count is of its expected length")


class SideEffect(Record):
    """A side effect to know of, and where it was read."""

    text: str
    plans: tuple[str, ...] = Field(description="plans it belongs to")
    source: str


class Advised(Record):
    """A clause of a guideline on treatment."""

    guide: str
    issuer: str
    clause: str
    text: str
    plans: tuple[str, ...]
    recalled: bool


class Rung(Record):
    """One dose and rhythm tried, and the share of the drawn people who stay replete under it."""

    product: str
    kind: Literal["injection", "tablet"]
    dose_ug: float
    every_days: float
    chance: float
    low: float | None = Field(None, description="where that chance would lie, were the unmeasured numbers known: 5 %")
    high: float | None = Field(None, description="95 %")


class Keep(Record):
    """The smallest tablet and the longest interval that keep the person replete; `reasons`: why they are not computed."""

    floor_percent: float
    mma_limit_nmol_l: float
    wanted: float
    years_injections: float
    years_tablets: float
    from_months: float
    draws: int
    replete_today: float
    reasons: tuple[str, ...] = ()
    advised: tuple[Advised, ...] = ()
    loading_first: bool = False
    rungs: tuple[Rung, ...] = ()


class Compare(Answer):
    """The answer to: which treatment? `forecast` holds the course under every plan."""

    format: Literal["corrin.compare/1"] = "corrin.compare/1"
    forecast: Forecast
    first: tuple[str, ...] = Field((), description="what the findings call for before any choice of plan, with its urgency")
    months: tuple[float, ...]
    differences: tuple[Difference, ...]
    burdens: tuple[Burden, ...]
    side_effects: tuple[SideEffect, ...]
    keep: Keep

    @property
    def contradicted(self) -> bool:
        """True where the person's data and the model disagree (exit code 4; the answer is still given)."""
        return self.forecast.contradicted

    def text(self, width: int = 110) -> str:
        """The page in plain words."""
        from corrin.show.compare_text import report

        return report(self.to_dict(), width=width)
