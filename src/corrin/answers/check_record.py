"""What `corrin check` answers (`corrin.check/1`): every reported number of a study beside the one predicted, and how good that is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from corrin.answers.record import DISCLAIMER, Answer, Fixed, Made, Notice, Record

Scale = Literal["log", "linear", "share"]


class CheckedPoint(Record):
    """One reported number. Levels and changes in the reading's own unit, shares and changes in per cent in %.

    The quantiles are of what a study of this n would report: what is not known of people, how studies differ and who was among the n.
    Points that are not counted say why; where they could be simulated they carry a prediction all the same.
    """

    study: str
    role: str
    arm: str
    label: str
    reading: str
    reading_label: str
    statistic: str
    unit: str
    scale: Scale = Field(description="where the interval is a normal one: logarithm (levels), linear (changes), logit (shares)")
    day: float
    n: int | None = None
    seen: str
    route: str
    cause: str
    observed: float
    observed_low: float | None = Field(None, description="the study's own 95 % interval of the statistic, where its spread and n tell it")
    observed_high: float | None = None
    counted: bool
    why_not: str = ""
    p05: float | None = None
    p25: float | None = None
    p50: float | None = None
    p75: float | None = None
    p95: float | None = None
    inside_90: bool | None = None
    inside_50: bool | None = None
    fold_error: float | None = Field(None, description="larger of observed / p50 and p50 / observed; positive levels only")
    z: float | None = Field(None, description="observed minus predicted in SDs of the scale")
    sd: float | None = Field(None, description="SD of the prediction on its scale")
    share_known: float | None = Field(None, description="part of the variance that is lack of knowledge of people")
    share_study: float | None = Field(None, description="part of the variance that is how studies differ")
    share_sampling: float | None = Field(None, description="part of the variance that is who was among the n")
    log_score: float | None = Field(None, description="log of the predicted density at what was observed, on the scale")
    no_change: float | None = Field(None, description="what the baseline `no change` says")
    class_mean: float | None = Field(None, description="what the baseline `mean of its class` says")
    log_score_no_change: float | None = None
    log_score_class_mean: float | None = None


class CheckedArm(Record):
    """An arm: simulated, or why not; outcomes that have no counterpart in the body."""

    name: str
    n: int | None = None
    route: str
    cause: str
    simulated: bool
    why_not: str = ""
    effective_sample_size: float | None = None
    entry_met: bool | None = Field(None, description="the drawn people are many enough and as day 0 was reported")
    not_compared: tuple[str, ...] = ()


class CheckedStudy(Record):
    """A study that was read."""

    key: str
    citation: str
    role: str
    seen: str
    design: str
    source: str
    left_out: bool = Field(description="the population was calibrated without this study")
    arms: tuple[CheckedArm, ...]


class Refused(Record):
    """A file that is no study: its faults."""

    source: str
    faults: tuple[str, ...]


class Score(Record):
    """How good a group of predictions is. Shares come with their exact 95 % binomial interval (Clopper and Pearson)."""

    points: int
    inside_90: float | None = None
    inside_90_interval: tuple[float, float] | None = None
    inside_50: float | None = None
    inside_50_interval: tuple[float, float] | None = None
    levels: int = Field(0, description="how many of the points are positive levels")
    median_fold_error: float | None = None
    mean_log_width: float | None = Field(None, description="mean of log(p95 / p05) of the levels")
    log_score: float | None = Field(None, description="mean; larger is better")
    log_score_no_change: float | None = None
    log_score_class_mean: float | None = None


def _fixed(value: dict[str, Score]) -> dict[str, Score]:
    return Fixed(value)


Groups = Annotated[dict[str, Score], AfterValidator(_fixed)]


class Summary(Score):
    """All counted points together, and the same by group."""

    by_role: Groups = Field(default_factory=dict, validate_default=True)
    by_analyte: Groups = Field(default_factory=dict, validate_default=True)
    by_route: Groups = Field(default_factory=dict, validate_default=True)
    by_cause: Groups = Field(default_factory=dict, validate_default=True)
    by_scale: Groups = Field(default_factory=dict, validate_default=True)
    by_study: Groups = Field(default_factory=dict, validate_default=True)


class Check(Answer):
    """The answer to: does the model say what studies found?"""

    format: Literal["corrin.check/1"] = "corrin.check/1"
    question: Literal["check"] = "check"
    disclaimer: str = DISCLAIMER
    verdict: tuple[str, ...] = Field(description="the summary in sentences")
    summary: Summary
    warnings: tuple[Notice, ...] = ()
    studies: tuple[CheckedStudy, ...]
    points: tuple[CheckedPoint, ...]
    refused: tuple[Refused, ...] = ()
    made: Made

    def to_frame(self) -> dict[str, list[Any]]:
        """Every point as one row: any data frame library takes it (`polars.DataFrame(answer.to_frame())`)."""
        return {name: [getattr(point, name) for point in self.points] for name in CheckedPoint.model_fields}

    def text(self, width: int = 120) -> str:
        """The answer in plain words and tables."""
        from corrin.show.check_text import report

        return report(self.to_dict(), width=width)

    def plot(self, figure: str = "points") -> Any:
        """An Altair chart: `points` (each number beside its band) or `calibration` (all of them together)."""
        import altair

        from corrin.show.check_charts import chart

        return altair.Chart.from_dict(chart(self.to_dict(), figure))

    def _repr_html_(self) -> str:
        from corrin.show.check_charts import svg

        return svg(self.to_dict(), "points")


def schema() -> dict[str, Any]:
    """The JSON Schema of a check's answer."""
    made = Check.model_json_schema(mode="serialization")
    title = "corrin.check/1: what studies reported beside what was predicted"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **{k: v for k, v in made.items() if k != "title"}}
