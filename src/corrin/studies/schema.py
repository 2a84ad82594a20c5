"""`corrin.study/1`: a published experiment as it can be simulated and compared. The shape only; `reader.py` reads the files.

A study has arms; an arm has doses (as a rhythm or listed days) and outcomes over time. Values stay in the units of the paper. Who the
people were stands in the words of `corrin.case/1` (`history`), so that an arm begins as a patient does; what was measured in them at the
start (day 0 outcomes, `baseline`) conditions them as a patient's laboratory values condition theirs. `role` says what a study may be used
for: `fit` (the population is calibrated on it) or `check` (never fitted, only compared).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from corrin.case.case import History, Pregnancy
from corrin.case.plan import MAX_DOSES, DietChange, DrugChange

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=4000)]


def _key(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]{0,63}", value, re.ASCII):
        raise ValueError(f"{ascii(value)[:60]} is no key; expected small letters, digits and underscores, such as smith2004")
    return value


Key = Annotated[str, AfterValidator(_key), Field(json_schema_extra={"pattern": "^[a-z0-9][a-z0-9_]{0,63}$"})]
SOME = {"minItems": 1}
Seen = Literal["full text", "abstract", "secondary", "derived", "recalled", "assumed"]
Statistic = Literal[
    "mean", "median", "geometric mean", "mean change", "median change", "percent change", "percent", "difference", "count", "ratio",
    "odds ratio", "slope", "correlation", "time", "other",
]  # fmt: skip
"""`mean change`, `median change`: against `from_day`; `percent change`: of the geometric mean, in %; `percent`: of people whose
reading lies `below` or `above` a limit, or who have a sign (readings that are chances, without a limit); `difference`: of the mean change
against another arm (`versus`); `ratio`: of the mean level to that of another arm (`versus`). The rest is kept and not simulated."""
SIMULATED = frozenset(
    {"mean", "median", "geometric mean", "mean change", "median change", "percent change", "percent", "difference", "ratio"}
)  # fmt: skip
SpreadKind = Literal["sd", "se", "ci95", "iqr", "range", "log_sd", "none"]


class Strict(BaseModel):
    """Unknown keys are refused, and nothing can be changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Supplements(Strict):
    """Small daily supplements taken before and during the study by a share of the people; `ug` a day of those who take some (not told: as
    varied as in the health survey)."""

    share: Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
    ug: Annotated[float, Field(strict=True, gt=0.0, le=1000.0)] | None = None


class Population(Strict):
    """Who took part, as far as a simulation needs it. An arm's own population replaces the study's as a whole.

    `history` uses the case vocabulary: conditions, diet, drugs, operations, nitrous oxide, past B12, each with what is known of its time
    (`from` as `~6y` before the start); what is left out is unknown and drawn.
    """

    description: Text
    age_mean_y: Annotated[float, Field(strict=True, ge=0.0, le=120.0)] | None = None
    age_sd_y: Annotated[float, Field(strict=True, ge=0.0, le=40.0)] | None = None
    age_low_y: Annotated[float, Field(strict=True, ge=0.0, le=120.0)] | None = None
    age_high_y: Annotated[float, Field(strict=True, ge=0.0, le=120.0)] | None = None
    female_share: Annotated[float, Field(strict=True, ge=0.0, le=1.0)] | None = None
    weight_kg: Annotated[float, Field(strict=True, gt=0.0, le=500.0)] | None = None
    country: Text | None = None
    folate_fortified: bool | None = None
    pregnancy: Pregnancy | None = None
    history: History = History()
    tested: bool | None = None
    """Whether a test that had a reason brought them in; not told: when a low serum B12 or a high MMA was required or found at entry. It
    decides how common causes are."""
    supplements: Supplements | None = None
    """Not told: people of the United States who were not found by a test take them as often as in the health survey, others do not."""
    assumed: Text | None = None
    """What in `history` is a judgement and not in the paper."""

    @model_validator(mode="after")
    def _ages_in_order(self) -> Population:
        if self.age_low_y is not None and self.age_high_y is not None and self.age_low_y > self.age_high_y:
            raise ValueError("age_low_y is above age_high_y")
        return self


class EntryRule(Strict):
    """A virtual person enters when the reading as a laboratory would report it, in this unit, lies between the limits at day 0."""

    reading: Text
    unit: Text
    low: Number | None = None
    high: Number | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> EntryRule:
        if self.low is None and self.high is None:
            raise ValueError("an entry rule needs low or high")
        return self


class DoseRhythm(Strict):
    """The same dose again and again: ug, first day, days between, how many."""

    ug: Annotated[float, Field(strict=True, ge=0.0)]
    start_d: Number = 0.0
    every_d: Annotated[float, Field(strict=True, gt=0.0)] = 1.0
    count: Annotated[int, Field(strict=True, ge=1)]
    per_day: Annotated[int, Field(strict=True, ge=1)] = 1


class Outcome(Strict):
    """One quantity over time. Lists have one entry for each time; an entry that is not known is null.

    `reading` is the body's reading it is compared with (none: kept, not simulated). `spread` says what `low`/`high` or `sd` mean: between
    people, or of the statistic itself (se, ci95). `definition` says what was counted or scored, `at` where in the paper it stands. A day-0
    entry is the state at entry. `hours_since_dose`: blood taken so long after a dose; without it a time that falls on a dose day means
    before that dose.
    """

    label: Text
    reading: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    unit: Annotated[str, Field(min_length=1, max_length=100)]
    definition: Text | None = None
    statistic: Statistic
    below: Number | None = None
    above: Number | None = None
    limit_unit: Annotated[str, Field(max_length=40)] | None = None
    versus: Text | None = None
    from_day: Number = 0.0
    time_d: Annotated[tuple[Number, ...], Field(max_length=500, json_schema_extra=SOME)]
    value: Annotated[tuple[Number | None, ...], Field(max_length=500, json_schema_extra=SOME)]
    spread: SpreadKind = "none"
    sd: tuple[Number | None, ...] = ()
    low: tuple[Number | None, ...] = ()
    high: tuple[Number | None, ...] = ()
    n: tuple[Annotated[int, Field(strict=True, ge=1)] | None, ...] = ()
    hours_since_dose: Annotated[float, Field(strict=True, ge=0.0)] | None = None
    follow_up_d: Number | None = None
    role: Literal["fit", "check", "none"] | None = None
    role_reason: Text | None = None
    tolerance: Annotated[float, Field(strict=True, gt=0.0)] | None = None
    tolerance_assumed: bool = False
    seen: Seen | None = None
    at: Text | None = None
    note: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _sd_is_an_sd(cls, data: Any) -> Any:
        """`sd` without `spread` is what it is called."""
        if isinstance(data, dict) and data.get("sd") and "spread" not in data:
            return {**data, "spread": "sd"}
        return data

    @property
    def of_a_sign(self) -> bool:
        """The reading is the chance of a symptom or sign, so that a percentage of people needs no limit."""
        return self.reading is not None and (self.reading.startswith("symptom_") or self.reading == "vibration_loss")

    @model_validator(mode="after")
    def _same_length(self) -> Outcome:
        if not self.time_d:
            raise ValueError("time_d is empty; expected one time or more")
        for name in ("value", "sd", "low", "high", "n"):
            found = getattr(self, name)
            if found and len(found) != len(self.time_d):
                raise ValueError(f"{name} has {len(found)} entries and time_d has {len(self.time_d)}")
        if self.tolerance is not None and not self.tolerance_assumed and self.spread == "none" and not self.sd:
            raise ValueError("a tolerance without a spread in the paper is assumed: set tolerance_assumed")
        if self.statistic == "percent" and self.reading is not None:
            if not self.of_a_sign and (self.below is None) == (self.above is None):
                raise ValueError("a percentage of people needs below or above, one of them")
            if not self.of_a_sign and self.limit_unit is None:
                raise ValueError("below or above needs limit_unit")
            if any(value is not None and not 0.0 <= value <= 100.0 for value in self.value):
                raise ValueError("a percentage of people lies between 0 and 100")
        if self.statistic in ("difference", "ratio") and self.reading is not None and self.versus is None:
            raise ValueError(f"a {self.statistic} needs versus, the name of the other arm")
        positive = self.statistic in ("mean", "median", "geometric mean", "ratio") and not self.of_a_sign
        if self.reading is not None and positive and any(value is not None and value <= 0.0 for value in self.value):
            raise ValueError("a level must be positive")
        return self


class Arm(Strict):
    """People treated alike. Without doses nothing is given; `simulable = false` says that what was given is not known well enough."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    n: Annotated[int, Field(strict=True, ge=1)] | None = None
    simulable: bool = True
    regimen: Text | None = None
    product: Text | None = None
    doses: tuple[DoseRhythm, ...] = ()
    dose_days: tuple[Number, ...] = ()
    dose_ug: Annotated[float, Field(strict=True, ge=0.0)] | None = None
    background: Text | None = None
    start_drugs: tuple[DrugChange, ...] = ()
    stop_drugs: tuple[DrugChange, ...] = ()
    diet: DietChange | None = None
    stop_nitrous_oxide: bool = True
    keeps_treatment: bool = False
    """Treatment before day 0 goes on beside this arm's."""
    adherence: Annotated[float, Field(strict=True, ge=0.0, le=1.0)] | None = None
    population: Population | None = None
    entry: tuple[EntryRule, ...] = ()
    """Rules of this arm beside the study's (a band of a survey)."""
    baseline: tuple[Outcome, ...] = ()
    outcome: tuple[Outcome, ...] = ()
    note: Text | None = None

    @model_validator(mode="after")
    def _one_way_of_dosing(self) -> Arm:
        if self.doses and self.dose_days:
            raise ValueError("doses and dose_days: one of them")
        if self.dose_days and self.dose_ug is None:
            raise ValueError("dose_days needs dose_ug")
        if (self.doses or self.dose_days) and self.product is None:
            raise ValueError("an arm with doses needs a product")
        if len(self.dose_days) + sum(rhythm.count * rhythm.per_day for rhythm in self.doses) > MAX_DOSES:
            raise ValueError(f"an arm has at most {MAX_DOSES} doses")
        return self

    def dose_list(self) -> list[tuple[float, float]]:
        """(day, ug) of every dose in order of time."""
        listed = [(day, self.dose_ug or 0.0) for day in self.dose_days]
        for rhythm in self.doses:
            starts = [rhythm.start_d + rhythm.every_d * place for place in range(rhythm.count)]
            listed += [(day + part / rhythm.per_day, rhythm.ug) for day in starts for part in range(rhythm.per_day)]
        return sorted(listed)


class Study(Strict):
    """One published study."""

    format: Literal["corrin.study/1"]
    key: Key
    citation: Text
    doi: Text | None = None
    pmid: Text | None = None
    seen: Seen
    design: Text
    role: Literal["fit", "check"]
    role_reason: Text | None = None
    population: Population
    entry: tuple[EntryRule, ...] = ()
    baseline: tuple[Outcome, ...] = ()
    follow_up_d: Annotated[float, Field(strict=True, gt=0.0)] | None = None
    arm: Annotated[tuple[Arm, ...], Field(json_schema_extra=SOME)]
    note: Text | None = None

    @model_validator(mode="after")
    def _nothing_recalled_is_fitted(self) -> Study:
        names = [arm.name for arm in self.arm]
        if not names:
            raise ValueError("the study is without an arm; expected one or more")
        if len(set(names)) != len(names):
            raise ValueError("two arms have the same name")
        for arm in self.arm:
            for outcome in arm.outcome:
                if outcome.versus is not None and outcome.versus not in names:
                    raise ValueError(f"{arm.name}, {outcome.label}: versus names no arm: {outcome.versus}")
                seen, role = outcome.seen or self.seen, outcome.role or self.role
                if role == "fit" and seen == "recalled":
                    raise ValueError(f"{arm.name}, {outcome.label}: a recalled number is never fitted")
        return self


def schema_text() -> str:
    """The JSON Schema of a study file."""
    schema = Study.model_json_schema(by_alias=True)
    full = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "corrin.study/1: one published study"}
    return json.dumps(full, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(folder: str = "schemas") -> None:
    """Write the schema into a folder."""
    Path(folder, "study.json").write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
