"""What `corrin design` answers (`corrin.design/1`): the recommended study, others by size, and what each would tell."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from corrin.answers.record import DISCLAIMER, Answer, Made, Notice, Record


class Measured(Record):
    """One measurement of the study."""

    arm: str
    reading: str
    label: str
    day: float


class Narrowed(Record):
    """An answer before and after the study: SD of its mean in the unit, or of its logarithm where `log`."""

    name: str
    log: bool
    unit: str
    middle: float
    sd_before: float
    sd_after: float
    narrowing: float = Field(description="share of the SD that is gone")


class Option(Record):
    """A study of one size: what it measures, costs and tells."""

    n: int = Field(description="people in an arm")
    people: int = Field(description="in all arms used")
    cost: float
    right: float = Field(description="mean probability given to the alternative that holds")
    bits: float = Field(description="expected information on which holds; at most the entropy of the weights")
    log10_factor: float = Field(description="expected log10 Bayes factor for the alternative that holds")
    reached: bool
    measured: tuple[Measured, ...]
    answers: tuple[Narrowed, ...]


class Step(Record):
    """The way to the recommended study: after each measurement was added."""

    added: tuple[Measured, ...]
    cost: float
    right: float
    bits: float


class Expected(Record):
    """A candidate's mean under both alternatives over the days, and what n people would scatter (SD of their mean); in the unit."""

    arm: str
    reading: str
    label: str
    unit: str
    log: bool
    days: tuple[float, ...]
    no: tuple[float, ...]
    yes: tuple[float, ...]
    no_low: tuple[float, ...]
    no_high: tuple[float, ...]
    yes_low: tuple[float, ...]
    yes_high: tuple[float, ...]
    chosen: tuple[float, ...]


class Design(Answer):
    """The answer to: which study would tell these apart?"""

    format: Literal["corrin.design/1"] = "corrin.design/1"
    question: Literal["design"] = "design"
    disclaimer: str = DISCLAIMER
    verdict: tuple[str, ...]
    asked: dict[str, Any]
    weights: tuple[float, float] = Field(description="of the two alternatives in people who enter, before the study")
    best: Option
    options: tuple[Option, ...]
    steps: tuple[Step, ...]
    courses: tuple[Expected, ...]
    warnings: tuple[Notice, ...] = ()
    assumptions: tuple[str, ...]
    made: Made

    def to_frame(self) -> dict[str, list[Any]]:
        """The courses of both alternatives, one row a day."""
        names = ("arm", "reading", "unit", "day", "no", "yes")
        rows = [(one.arm, one.reading, one.unit, day, one.no[k], one.yes[k]) for one in self.courses for k, day in enumerate(one.days)]
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}

    def text(self, width: int = 120) -> str:
        """The answer in plain words and tables."""
        from corrin.show.design_text import report

        return report(self.to_dict(), width=width)

    def plot(self, figure: str = "courses") -> Any:
        """An Altair chart: `courses` (both alternatives) or `options` (cost and what it tells)."""
        import altair

        from corrin.show.design_charts import chart

        return altair.Chart.from_dict(chart(self.to_dict(), figure))
