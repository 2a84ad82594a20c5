"""What `corrin trial` answers (`corrin.trial/1`): per end point what to expect, how sure that is, how often a trial would show it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from corrin.answers.record import DISCLAIMER, Answer, Made, Notice, Record


class Chance(Record):
    """A share of repeats with its exact 95 % binomial interval (the error of repeating so often and no more)."""

    value: float
    low: float
    high: float


class Size(Record):
    """People to randomise in all for a power of 80 %; None: more than was looked at, or it is never reached."""

    n: int | None
    low: int | None = None
    high: int | None = None


class Span(Record):
    """5, 50 and 95 % points."""

    p05: float
    p50: float
    p95: float


class Form(Record):
    """The expected effect should one form of the model hold."""

    name: str
    weight: float
    effect: float


class Comparison(Record):
    """An arm against the control at one end point. Effects are what `effect_kind` of the end point says."""

    arm: str
    control: str
    expected: float | None = Field(None, description="effect of a trial without end; of a time to event the median over repeats")
    expected_error: float | None = Field(None, description="standard error of it from the number of drawn people; of a ratio, of its log")
    unknown: Span | None = Field(None, description="the expected effect over what nobody knows of typical people and of the model's form")
    between_people: Span | None = Field(None, description="the effect in single people")
    observed: Span | None = Field(None, description="the effect that trials of this size would report, all things drawn")
    forms: tuple[Form, ...] = ()
    power: Chance = Field(description="share of repeats that show it, were typical people exactly as the calibrated population has them")
    assurance: Chance = Field(description="the same with what nobody knows drawn anew for each repeat")
    size: Size


class ArmResult(Record):
    """What trials of this size would report of an arm: 90 of 100 between p05 and p95, differences between laboratories included."""

    arm: str
    p05: float
    p50: float
    p95: float
    unit: str
    reported: float | None = None
    inside: bool | None = None


class EndPointAnswer(Record):
    """One end point."""

    name: str
    kind: str
    reading: str
    label: str
    unit: str
    day: float | None
    primary: bool
    looked_for: str = Field(description="what counts as shown, in words")
    effect_kind: Literal["ratio", "difference", "difference of shares", "hazard ratio"]
    published: bool = Field(False, description="a published effect, nothing simulated")
    comparisons: tuple[Comparison, ...]
    arms: tuple[ArmResult, ...]


class ArmAnswer(Record):
    """An arm as it was run."""

    name: str
    plan: str
    title: str
    n: int
    control: bool
    doses: int


class CourseBand(Record):
    """A reading over time in the drawn people of an arm, as the state of the body."""

    arm: str
    reading: str
    label: str
    unit: str
    time_days: tuple[float, ...]
    p05: tuple[float, ...]
    p25: tuple[float, ...]
    p50: tuple[float, ...]
    p75: tuple[float, ...]
    p95: tuple[float, ...]


class TrialAnswer(Answer):
    """The answer to: what would this trial find, and how often?"""

    format: Literal["corrin.trial/1"] = "corrin.trial/1"
    question: Literal["trial"] = "trial"
    disclaimer: str = DISCLAIMER
    verdict: tuple[str, ...]
    design: dict[str, Any]
    n: int
    arms: tuple[ArmAnswer, ...]
    end_points: tuple[EndPointAnswer, ...]
    courses: tuple[CourseBand, ...]
    warnings: tuple[Notice, ...] = ()
    assumptions: tuple[str, ...]
    made: Made

    def to_frame(self) -> dict[str, list[Any]]:
        """The courses as one row for each arm, reading and day."""
        columns: dict[str, list[Any]] = {name: [] for name in ("arm", "reading", "unit", "time_days", "p05", "p25", "p50", "p75", "p95")}
        for band in self.courses:
            for place, day in enumerate(band.time_days):
                levels = (values[place] for values in (band.p05, band.p25, band.p50, band.p75, band.p95))
                row = (band.arm, band.reading, band.unit, day, *levels)
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
        return columns

    def text(self, width: int = 120) -> str:
        """The answer in plain words and tables."""
        from corrin.show.trial_text import report

        return report(self.to_dict(), width=width)

    def plot(self, figure: str = "courses") -> Any:
        """An Altair chart: `courses` (each arm) or `power` (effects and how often they are shown)."""
        import altair

        from corrin.show.trial_charts import chart

        return altair.Chart.from_dict(chart(self.to_dict(), figure))

    def _repr_html_(self) -> str:
        from corrin.show.trial_charts import svg

        return svg(self.to_dict(), "courses")
