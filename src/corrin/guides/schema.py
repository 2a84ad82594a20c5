"""`corrin.guide/1`: one guideline, label or table of advice as dated data. The shape only: `reader.py` reads the files, `logic.py` decides.

A profile is a header and clauses. A clause says in one sentence of our own what is advised, whom it concerns (`applies`), when it speaks
(`when`) and what follows (`then`). Conditions are data: all, any, none over named facts; nothing is evaluated as code. Thresholds carry the
unit they are written in, in two units where the document prints two.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
ClauseId = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*-[A-Z0-9]+$", max_length=40)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{1,80}$")]
Bound = Annotated[dict[str, Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=1, max_length=3)]
Seen = Literal["full text", "abstract", "secondary", "recalled", "assumed"]
VerdictClass = Literal["deficient", "indeterminate", "unlikely"]
Urgency = Literal["emergency", "same day", "within a week", "soon"]
Kind = Literal["verdict", "test", "treat", "follow_up", "refer", "urgent", "avoid", "caution", "advise", "intake"]
Topic = Literal["who to test", "which test", "verdict", "cause", "treatment", "follow-up", "referral", "safety", "red flag", "intake"]

# Seen in the document itself, or in a text that reproduces it; what others restate is second-hand, what nobody read is not verified.
Standing = Literal["verified", "second-hand", "not verified", "our own"]
STANDINGS: dict[str, Standing] = {"full text": "verified", "abstract": "verified", "secondary": "second-hand", "recalled": "not verified",
                                  "assumed": "our own"}  # fmt: skip
PARTIAL_BELOW = 0.8

# What an outcome of a kind must bring besides its text, and what it may bring.
NEEDED = {"verdict": "verdict", "test": "tests", "refer": "to", "urgent": "urgency", "avoid": "what", "caution": "shift", "intake": "table"}
ALLOWED = {
    "verdict": ("line",), "test": ("after_days",), "treat": ("plan", "route"), "follow_up": ("after_days", "tests"), "refer": ("urgency",),
    "urgent": ("tests",), "caution": ("analyte",),
}  # fmt: skip


class Strict(BaseModel):
    """Unknown keys are refused, and nothing can be changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Condition(Strict):
    """Exactly one of: `all`, `any`, `none` over conditions and names; or a `fact` with what is asked of it.

    A bare name stands for a flag that is yes, or for a definition. `is`: the answer asked for (a flag's yes or no, a choice's word; for a
    laboratory quantity `low`, `normal` or `raised` against the report's own interval). `below`, `at_most`, `above`, `at_least`: a limit, in
    one unit or in the two that the document prints; several together must all hold. `times`: at least so many reports must hold.
    """

    all: tuple[Condition | Name, ...] | None = None
    any: tuple[Condition | Name, ...] | None = None
    none: tuple[Condition | Name, ...] | None = None
    fact: Name | None = None
    is_: bool | Annotated[str, Field(max_length=40)] | None = Field(default=None, alias="is")
    below: Bound | None = None
    at_most: Bound | None = None
    above: Bound | None = None
    at_least: Bound | None = None
    times: Annotated[int, Field(ge=1, le=10)] = 1

    @property
    def bounds(self) -> dict[str, dict[str, float]]:
        """The limits given, by their kind."""
        kinds = ("below", "at_most", "above", "at_least")
        return {kind: limits for kind in kinds if (limits := getattr(self, kind)) is not None}

    @property
    def parts(self) -> tuple[Condition | str, ...]:
        """What stands under all, any or none."""
        return self.all or self.any or self.none or ()

    @model_validator(mode="after")
    def _one_form(self) -> Condition:
        given = [name for name in ("all", "any", "none", "fact") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a condition is exactly one of all, any, none and fact")
        asked = self.is_ is not None or bool(self.bounds)
        if self.fact is None and (asked or self.times != 1):
            raise ValueError("is, limits and times go with a fact")
        if self.fact is not None and not asked:
            raise ValueError("a fact needs is or a limit; a bare name stands for a flag")
        if self.fact is not None and self.is_ is not None and self.bounds:
            raise ValueError("is and limits: one of them")
        if self.fact is None and not self.parts:
            raise ValueError(f"{given[0]} holds nothing")
        if len({frozenset(limits) for limits in self.bounds.values()}) > 1:
            raise ValueError("the limits of one condition are written in the same units")
        return self

    def walk(self) -> Iterator[Condition | str]:
        """This condition and everything under it; names as they stand."""
        yield self
        for part in self.parts:
            if isinstance(part, str):
                yield part
            else:
                yield from part.walk()


class Definition(Condition):
    """A condition under a name. `words`: what it is called in a sentence."""

    words: Text


class Outcome(Strict):
    """What follows when a clause speaks: `text` in our own words, and the parts a program can use.

    verdict    `verdict`, and `line`: 1 for the first test, 2 for a test that settles what the first left open
    test       `tests`: analytes of the tables or named examinations
    treat      `plan`: a built-in plan where one holds the regimen; `route`
    follow_up  `after_days`
    refer      `to`, `urgency`
    urgent     `urgency`
    avoid      `what`
    caution    `analyte` and `shift`: how its result may mislead
    intake     `table`: the body in the table of reference intakes
    """

    kind: Kind
    text: Text
    verdict: VerdictClass | None = None
    line: Literal[1, 2] = 1
    tests: tuple[Text, ...] = ()
    plan: Key | None = None
    route: Literal["oral", "intramuscular", "either", "nasal"] | None = None
    after_days: Annotated[float, Field(gt=0.0, le=3660.0, allow_inf_nan=False)] | None = None
    to: Text | None = None
    urgency: Urgency | None = None
    what: Text | None = None
    analyte: Name | None = None
    shift: Literal["false low", "false normal", "false high", "raised without deficiency", "not interpretable"] | None = None
    table: Text | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Outcome:
        name = NEEDED.get(self.kind)
        if name is not None and not getattr(self, name):
            raise ValueError(f"{self.kind} needs {name}")
        allowed = {*ALLOWED.get(self.kind, ()), NEEDED.get(self.kind)}
        if strange := sorted(self.model_fields_set - allowed - {"kind", "text"}):
            raise ValueError(f"{self.kind} has no {', '.join(strange)}")
        return self


class Clause(Strict):
    """One piece of advice.

    `at`: the place in the document, only where it was seen. `says`: one sentence of our own. `needs`: facts without which the clause stays
    open even though `when` would hold. `strength`: the issuer's own grade or verb where seen. `seen`: how the sentence was read (assumed:
    it is our own), `source`: where, when that is not the document itself. `ours`: what the condition holds that the document does not say.
    """

    id: ClauseId
    topic: Topic
    says: Text
    at: Text | None = None
    applies: Condition | Name | None = None
    needs: tuple[Name, ...] = ()
    when: Condition | Name | None = None
    then: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    strength: Text | None = None
    seen: Seen
    source: Text | None = None
    ours: Text | None = None
    note: Text | None = None

    @property
    def standing(self) -> Standing:
        """Whether the sentence was read in the document, restated by others, only recalled, or is our own."""
        return STANDINGS[self.seen]

    @model_validator(mode="after")
    def _honest(self) -> Clause:
        if self.seen in ("recalled", "assumed") and (self.at or self.strength):
            raise ValueError(f"a clause that is {self.seen} has no place in a document and no grade")
        if self.seen == "secondary" and not self.source:
            raise ValueError("a second-hand clause says in source who restates it")
        return self


class Profile(Strict):
    """One document of one issuer. `covers`: whom it is for. `valid_to`: the last day it was in force, None while it is."""

    format: Literal["corrin.guide/1"]
    id: Key
    kind: Literal["guideline", "label", "reference", "safety", "red flags"]
    issuer: Text
    title: Text
    jurisdiction: Text
    published: datetime.date | None = None
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None
    url: Annotated[str, Field(pattern=r"^https://[^\s]+$")] | None = None
    citation: Text
    sources: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")], ...] = ()
    note: Text | None = None
    covers: Condition | Name | None = None
    define: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,60}$")], Definition] = {}
    clause: Annotated[tuple[Clause, ...], Field(min_length=1)]

    @property
    def verified(self) -> int:
        """How many clauses were read in the document itself."""
        return sum(clause.standing == "verified" for clause in self.clause)

    @property
    def partial(self) -> bool:
        """Whether fewer than 80 % of the clauses were read in the document."""
        return self.verified < PARTIAL_BELOW * len(self.clause)

    @property
    def standing(self) -> str:
        """`n of m clauses verified`, and `partial` below 80 %."""
        return f"{self.verified} of {len(self.clause)} clauses verified" + (" (partial)" if self.partial else "")

    def in_force(self, on: datetime.date) -> bool:
        """Whether the document was in force on a day. An open end lasts."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)

    @model_validator(mode="after")
    def _each_once(self) -> Profile:
        names = [clause.id for clause in self.clause]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"clauses stand twice: {', '.join(doubled)}")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self


def schema_text() -> str:
    """The JSON Schema of a profile."""
    schema = Profile.model_json_schema(by_alias=True)
    title = "corrin.guide/1: one guideline, label or table of advice"
    full = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
    return json.dumps(full, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
