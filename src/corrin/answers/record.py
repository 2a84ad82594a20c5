"""What an answer is made of: frozen plain data, written and read as `corrin.answer/1`.

Times are days from `as_of` (today, time 0); history is negative. Every list of a band has one entry per time.
"""

from __future__ import annotations

import json
import math
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from corrin.errors import InputError, expect

FORMAT: Literal["corrin.answer/1"] = "corrin.answer/1"
DISCLAIMER = "For education and research. corrin is not a medical device and does not replace a clinician."

Kind = Literal["state", "lab"]
"""`state`: what is in the body. `lab`: what a laboratory would report, with its own scatter."""


class WarningCode(StrEnum):
    """Every warning an answer can carry; the text beside the code is for people, the code for programs."""

    CONTRADICTION = "data-contradict-model"
    FEW_DRAWS = "few-effective-draws"
    FAILED_PEOPLE = "failed-people"
    INACCURATE = "solution-not-certified"
    CALIBRATION_STALE = "calibration-stale"
    ASSUMED = "rests-on-assumptions"
    MISSING_DATA = "missing-data"
    RECENT_B12 = "recent-b12"
    ASSAY = "assay-interference"
    SAFETY = "safety"
    NO_TREATMENT_HARM = "untreated-course"
    UNKNOWN_EFFECT = "effect-of-unknown-size"
    NO_SIGNS = "no-signs-expected"
    OTHER = "other"


class Record(BaseModel):
    """Frozen, and nothing beyond what is named here."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)


class Fixed(dict[str, Any]):
    """A dict that cannot be changed: what an answer says stays what was computed."""

    def _refuse(self, *given: Any, **named: Any) -> Any:
        raise TypeError("an answer is frozen; copy the dict to change it")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self),))


def _fixed(value: dict[str, Any]) -> dict[str, Any]:
    return Fixed(value)


class Notice(Record):
    """A warning."""

    code: WarningCode
    text: str


class Spread(Record):
    """Five quantiles over the draws."""

    p05: float
    p25: float
    p50: float
    p75: float
    p95: float


class Split(Record):
    """What the width of a reading's interval comes from: shares of its variance (of the logarithm for laboratory values), sum 1."""

    structure: float = Field(description="which form of the model holds")
    parameters: float = Field(description="what is not known of the typical value of the body's parameters")
    people: float = Field(description="how people differ in them")
    history: float = Field(description="cause, onset, completeness, adherence")
    assay: float = Field(description="the laboratory's own scatter; 0 where the band is the state of the body")
    explained: float = Field(
        description="part of the variance between draws that terms of first and second order explain; the rest is shared"
    )


class Quantity(Record):
    """One reading at one time: five quantiles over the draws."""

    name: str
    label: str
    unit: str
    group: str
    kind: Kind = "state"
    p05: float
    p25: float
    p50: float
    p75: float
    p95: float
    before: Spread | None = Field(None, description="the same without the results that `before` of the answer names")
    interval_from: Split | None = None


class Band(Record):
    """One reading over time: five quantiles over the draws at each time."""

    label: str
    unit: str
    group: str
    kind: Kind = "state"
    assumed: str = Field("", description="what in this reading rests on judgement")
    time_days: tuple[float, ...]
    p05: tuple[float, ...]
    p25: tuple[float, ...]
    p50: tuple[float, ...]
    p75: tuple[float, ...]
    p95: tuple[float, ...]


class Lab(Record):
    """A laboratory value or finding the case holds: as it was reported, and in the reading's own unit."""

    reading: str
    label: str
    time_days: float
    value: float
    unit: str
    comparator: Literal["<", "<=", "=", ">=", ">"] = "="
    as_reported: str


class Threshold(Record):
    """A line drawn in a chart: a limit, and whose it is."""

    label: str
    value: float


class Given(Record):
    """One dose of a plan."""

    time_days: float
    label: str
    amount_ug: float
    route: str


class Milestone(Record):
    """A turning point of the course. `p50` is empty when fewer than half of the draws reach it in time."""

    name: str
    label: str
    unit: str
    p05: float | None = None
    p50: float | None = None
    p95: float | None = None
    chance: float | None = Field(None, description="share of the draws that reach it within the horizon")


class PlanResult(Record):
    """What one plan does."""

    name: str
    title: str
    description: str
    doses: tuple[Given, ...]
    readings: Annotated[dict[str, Band], AfterValidator(_fixed)]
    milestones: tuple[Milestone, ...]
    not_expected: tuple[str, ...] = Field((), description="what is not expected back within 24 months")
    notes: tuple[str, ...] = ()
    before: Annotated[dict[str, Band], AfterValidator(_fixed)] = Field(
        default_factory=Fixed,
        description="reading -> band without the results that `before` of the answer names; a forecast has it for its first plan",
    )
    interval_from: Annotated[dict[str, Split], AfterValidator(_fixed)] = Field(
        default_factory=Fixed, description="main reading -> what the width of its interval at the horizon comes from"
    )


class Cause(Record):
    """A cause and how probable it is after the person's own data."""

    name: str
    label: str
    probability: float


class Level(Record):
    """One of several possibilities: its probability before and after the results."""

    label: str
    before: float
    now: float


class Learned(Record):
    """What the results taught about one unknown of this person."""

    name: str
    label: str
    unit: str
    group: Literal["structure", "person", "history"]
    bits: float = Field(description="information gained (of normal distributions with the means and variances before and after)")
    beyond_chance: bool = Field(False, description="more than so few independent draws would seem to learn of nothing")
    narrowed: float = Field(description="1 - variance after / variance before; negative where it became wider")
    shift: float = Field(description="change of the mean in standard deviations of before")
    before: tuple[float, float, float] | None = Field(None, description="5, 50 and 95 % before the results, in `unit`")
    now: tuple[float, float, float] | None = None
    levels: tuple[Level, ...] = ()


class Moved(Record):
    """What the results did to one reading: today (no plan), or at the horizon of a plan."""

    reading: str
    label: str
    unit: str
    plan: str = ""
    time_days: float
    before: Spread
    now: Spread
    shift: float = Field(description="change of the median as a share of the 90 % width before (of logarithms for laboratory values)")
    width: float = Field(description="90 % width now over that before, on the same scale")


class Used(Record):
    """What the answer rests on."""

    parameters: dict[str, str] = Field(description="parameter -> how its value was read (stated, computed, fitted, assumed ...)")
    sources: dict[str, str] = Field(description="source key -> citation")
    studies: tuple[str, ...] = ()


class Made(Record):
    """How the answer was made: enough to make it again, and how far it may be off for numerical reasons."""

    versions: dict[str, str]
    hashes: dict[str, str]
    seed: int
    draws: int
    effective_sample_size: float
    options: dict[str, Any]
    input_hash: str
    platform: str
    failed_people: int = 0
    monte_carlo_error: float = Field(description="largest standard error of a median at the horizon, as a share of its 5-95 % width")
    calibration: Literal["none", "current", "stale"] = Field(
        "none", description="none: the population is that of the facts; stale: what its calibration rests on has changed since"
    )
    certificate: float | None = Field(
        None, description="largest relative error of a reading from the numerical solution, measured on a panel of the drawn people"
    )


class Answer(Record):
    """What every answer can do: be written down, the same each time."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, floats rounded to six significant digits."""
        rounded = _rounded(self.model_dump(mode="json"))
        assert isinstance(rounded, dict)
        return rounded

    def to_json(self) -> str:
        """The answer as text. The same answer gives the same bytes."""
        return _layout(self.to_dict()) + "\n"


class Forecast(Answer):
    """The answer to: what will the blood and the nerves do, under each plan?"""

    format: Literal["corrin.answer/1"] = FORMAT
    case_id: str
    as_of: str
    question: str = "forecast"
    disclaimer: str = DISCLAIMER
    warnings: tuple[Notice, ...] = ()
    today: tuple[Quantity, ...]
    past: Annotated[dict[str, Band], AfterValidator(_fixed)]
    observed: tuple[Lab, ...]
    thresholds: dict[str, tuple[Threshold, ...]] = {}
    plans: tuple[PlanResult, ...]
    causes: tuple[Cause, ...] = ()
    before: Literal["", "no-results", "earlier-results"] = Field(
        "",
        description="what every `before` leaves out: all results and findings, or those just added; empty: there is none",
    )
    added: tuple[str, ...] = Field((), description="`update`: the results and findings just added, as reported")
    moved: tuple[Moved, ...] = Field((), description="what the results did to the main readings")
    learned: tuple[Learned, ...] = Field((), description="every unknown of this person, by what was learned of it")
    used: Used
    made: Made
    inputs: dict[str, Any] = Field({}, description="the case and the plans as read, so that the answer can be made again")

    @property
    def contradicted(self) -> bool:
        """True where the person's data and the model disagree (exit code 4; the answer is still given)."""
        return any(notice.code is WarningCode.CONTRADICTION for notice in self.warnings)

    def to_frame(self) -> dict[str, list[Any]]:
        """Every band as columns of one long table: any data frame library takes it (`polars.DataFrame(answer.to_frame())`)."""
        columns = ("plan", "reading", "label", "unit", "group", "kind", "time_days", "p05", "p25", "p50", "p75", "p95")
        frame: dict[str, list[Any]] = {column: [] for column in columns}
        courses = [("past", self.past)] + [(plan.name, plan.readings) for plan in self.plans]
        for course, bands in courses:
            for name, band in bands.items():
                count = len(band.time_days)
                for column, value in zip(columns[:6], (course, name, band.label, band.unit, band.group, band.kind), strict=True):
                    frame[column].extend([value] * count)
                for column in columns[6:]:
                    frame[column].extend(getattr(band, column))
        return frame

    def text(self, width: int = 110) -> str:
        """The report in plain words."""
        from corrin.show.text import report

        return report(self.to_dict(), width=width)

    def plot(self, figure: str = "overview") -> Any:
        """An Altair chart: `overview`, `labs`, `blood`, `nerves`, `tests` or `symptoms`."""
        import altair

        from corrin.show.charts import chart

        return altair.Chart.from_dict(chart(self.to_dict(), figure))

    def _repr_html_(self) -> str:
        from corrin.show.charts import svg

        return svg(self.to_dict(), "overview")


def read_answer(path: str | Path) -> Forecast:
    """A `corrin.answer/1` file."""
    expect(path, (str, Path), "answer", "the path of an answer that corrin wrote with --json")
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        other = re.search(r'^ "question": "(\w+)"', text, re.MULTILINE)
        if other and other[1] not in ("forecast", "update"):
            raise InputError(str(file), f"answers the question `{other[1]}`", "the answer of a forecast", "Ask the question again.")
        return Forecast.model_validate_json(text)
    except OSError as error:
        raise InputError(str(file), f"cannot be read ({error.strerror})", "a corrin answer (JSON)") from error
    except (UnicodeDecodeError, ValidationError) as error:
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_input=False)[0]
            found = f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {first['msg']}"
        else:
            found = "is not UTF-8 text"
        raise InputError(str(file), found, f"the format {FORMAT}", "Write it with `corrin forecast CASE --json`.") from error


def schema() -> dict[str, Any]:
    """The JSON Schema of `corrin.answer/1`."""
    made = Forecast.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **{k: v for k, v in made.items() if k != "title"}}


def _rounded(value: Any) -> Any:
    """Floats to six significant digits: below that stands no medicine, and bytes stay the same where the last bits differ."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("an answer holds a number that is not finite")
        return float(f"{value:.6g}") + 0.0
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if value and all(type(item) is float for item in value) and math.isfinite(math.fsum(value)):  # a band: by far the most
            return [float(f"{item:.6g}") + 0.0 for item in value]
        return [_rounded(item) for item in value]
    return value


def _layout(value: Any, indent: int = 0) -> str:
    """JSON with one key a line, and each list of plain values on a single line."""
    pad, end = " " * (indent + 1), " " * indent
    if isinstance(value, dict) and value:
        parts = [f"{pad}{json.dumps(str(key), ensure_ascii=False)}: {_layout(item, indent + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{end}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "[\n" + ",\n".join(pad + _layout(item, indent + 1) for item in value) + f"\n{end}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
