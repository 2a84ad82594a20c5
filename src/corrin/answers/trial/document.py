"""`corrin.trial-design/1`: a trial as it is designed: who may enter, arms, sizes, visits, measurements, end points.

The shape only; `reader.py` reads files and checks what must agree. An answer of `corrin trial --json` (`corrin.trial/1`, `record.py`) holds
its design and reads back as it.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from corrin.studies.schema import SOME, Population, Strict

FORMAT = "corrin.trial-design/1"
Name = Annotated[str, Field(min_length=1, max_length=60)]
Text = Annotated[str, Field(max_length=4000)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0.0)]
Day = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0.0, le=7305.0)]
Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
People = Annotated[int, Field(strict=True, ge=4, le=100_000)]
Kind = Literal["level", "change", "below", "above", "recovery", "time to below", "time to above", "pain"]
KINDS = "level, change, below, above, recovery, time to below, time to above, pain"
YES_NO = ("below", "above", "recovery")
TO_EVENT = ("time to below", "time to above")


class Rule(Strict):
    """A rule of entry: a laboratory would report the reading, in this unit, between the limits. All rules must be met."""

    reading: Name
    unit: Annotated[str, Field(min_length=1, max_length=40)]
    low: Number | None = None
    high: Number | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> Rule:
        if self.low is None and self.high is None:
            raise ValueError("a rule of entry needs low or high")
        return self


class Baseline(Strict):
    """What day 0 is known to be in such people, as a paper reports it. Instead of a rule for the same reading."""

    reading: Name
    unit: Annotated[str, Field(min_length=1, max_length=40)]
    statistic: Literal["mean", "median", "geometric mean"] = "mean"
    value: Positive
    sd: Positive | None = None


class Stratum(Strict):
    """Randomised apart: those below and those above a cut of a reading (as measured at day 0) or of age (`age_y`)."""

    reading: Name
    cut: Number
    unit: Annotated[str, Field(max_length=40)] | None = None


class Randomisation(Strict):
    """Permuted blocks, within strata where there are any."""

    strata: Annotated[tuple[Stratum, ...], Field(max_length=4)] = ()


class TrialArm(Strict):
    """Treated alike: a plan by name (`corrin plans`; `placebo` is `none`) or written out with the keys of corrin.plan/1."""

    name: Name
    plan: str | dict[str, Any]
    share: Positive = 1.0
    """Of the randomised, relative to the other arms."""
    control: bool = False
    adherence: Share | None = None
    """Chance that a dose is taken; without it, what the plan says, else what is usual for the route."""


class DropOut(Strict):
    """Who leaves, at random in time and whatever their course: this share by the last visit."""

    share: Annotated[float, Field(strict=True, ge=0.0, lt=1.0)] = 0.0
    counts_as: Literal["missing", "failure"] = "missing"
    """What a yes-or-no end point makes of who left: left out, or not reached. Means are of who is there."""


class EndPoint(Strict):
    """One end point, compared between each arm and the control.

    level: of a reading on a day. change: from day 0. below, above: share of people whose measured reading is under or over `limit`.
    recovery: share, of those with a sign or symptom at day 0, without it (`reading` a tract's function or a symptom). time to below, time
    to above: first visit with the reading beyond `limit`. pain: a published effect (`measure`, an id of the pain table), not simulated.
    """

    name: Name
    kind: Kind
    reading: Name | None = None
    unit: Annotated[str, Field(max_length=40)] | None = None
    day: Day | None = None
    limit: Number | None = None
    measure: Annotated[str, Field(max_length=64)] | None = None
    scale: Literal["log", "linear"] | None = None
    """Where levels and changes are compared: ratios (log) or differences. Without it log for laboratory values, linear for the rest."""
    summary: Literal["mean", "geometric mean", "median"] | None = None
    """How an arm's own level is told; without it the geometric mean on log, the mean on linear."""
    analysis: Literal["welch", "adjusted"] = "adjusted"
    """Means compared as they are, or adjusted for day 0 and strata."""
    better: Literal["lower", "higher", "either"] = "either"
    margin: Positive | None = None
    """Non-inferiority: how much worse still counts as as good. A ratio above 1 on log, else in the unit (shares: 0 to 1)."""
    primary: bool = False
    reported: dict[str, Number] = Field(default_factory=dict)
    """What a published trial of this design reported, by arm, in `unit`."""


class Trial(Strict):
    """One trial."""

    format: Literal["corrin.trial-design/1"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Text = ""
    description: Text | None = None
    source: Text | None = None
    """Where the design was published, if it was."""
    people: Population
    entry: Annotated[tuple[Rule, ...], Field(max_length=12)] = ()
    baseline: Annotated[tuple[Baseline, ...], Field(max_length=12)] = ()
    n: People
    """Randomised in all."""
    randomisation: Randomisation = Randomisation()
    arm: Annotated[tuple[TrialArm, ...], Field(max_length=8, json_schema_extra=SOME)]
    visits_d: Annotated[tuple[Day, ...], Field(max_length=60, json_schema_extra=SOME)]
    dropout: DropOut = DropOut()
    noise: dict[str, Annotated[float, Field(strict=True, ge=0.0, le=100.0)]] = Field(default_factory=dict)
    """Scatter of one measurement, by reading: SD of the logarithm for laboratory values, else SD in the unit."""
    alpha: Annotated[float, Field(strict=True, gt=0.0, lt=0.5)] = 0.05
    end_point: Annotated[tuple[EndPoint, ...], Field(max_length=12, json_schema_extra=SOME)]

    @model_validator(mode="after")
    def _something(self) -> Trial:
        for name in ("arm", "visits_d", "end_point"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty; expected one or more")
        return self

    @property
    def control(self) -> TrialArm:
        """The arm the others are compared with: the one marked, else the first."""
        return next((arm for arm in self.arm if arm.control), self.arm[0])

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `read_trial` reads back into an equal trial."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"format": self.format}


def schema_text() -> str:
    """The JSON Schema of a design."""
    schema = Trial.model_json_schema(by_alias=True)
    full = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "corrin.trial-design/1: a trial as designed"}
    return json.dumps(full, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
