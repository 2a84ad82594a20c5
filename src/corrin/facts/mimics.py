"""What nerve signs can come from: patterns of causes, mimics with the test that tells, outcomes of published series. Read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from corrin.facts.reader import _by_id, _text, read_csv
from corrin.facts.rows import Grade, How, OneOf, OptionalNumber, OptionalText, OptionalWords, Seen, _Cited, _ordered

CAUSES = ("b12", "nitrous_oxide", "diabetes", "b6_excess", "alcohol", "age")
EXPECTS = (
    "needed",  # without it this cause is not one
    "usual",  # most people with it show this
    "possible",  # fits, its absence says nothing
    "unusual",  # speaks for something else or something more
)
TRACTS = ("nerve", "cord", "optic", "mind")
SYNDROMES = ("cord", "nitrous_oxide", "nerve", "optic", "mind")


@dataclass(frozen=True, slots=True)
class Pattern(_Cited):
    """Features of one cause that are expected alike. Features are findings of a case, or the derived ones of `answers/features.py`."""

    id: str
    cause: Annotated[str, OneOf(CAUSES)]
    expects: Annotated[str, OneOf(EXPECTS)]
    features: tuple[str, ...]
    grade: Grade
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText


@dataclass(frozen=True, slots=True)
class Mimic(_Cited):
    """Something that looks like B12 deficiency, with the test that tells.

    `tracts`: where it looks alike. `red_flag`: always, or only when one of `raised_by` is present (raised), or never; a red flag left
    untested forbids to call B12 the explanation. `analyte` with `excluded_by`: the laboratory value of a case that excludes it.
    """

    id: str
    name: str
    tracts: tuple[str, ...]
    red_flag: Annotated[str, OneOf(("always", "raised", "never"))]
    raised_by: OptionalWords
    looks: str
    test: str
    analyte: OptionalText
    excluded_by: Annotated[str, OneOf(("", "normal", "low", "high")), "may be empty"]
    why: str
    grade: Grade
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        if unknown := set(self.tracts) - set(TRACTS):
            raise ValueError(f"unknown tracts {', '.join(sorted(unknown))}; expected {', '.join(TRACTS)}")
        if (self.red_flag == "raised") and not self.raised_by:
            raise ValueError("a raised red flag names what raises it")
        if bool(self.analyte) != bool(self.excluded_by):
            raise ValueError("an analyte says which side excludes")


@dataclass(frozen=True, slots=True)
class Outcome(_Cited):
    """How people of a published series did. `count` of `people` where it is a share; otherwise `words`."""

    id: str
    syndrome: Annotated[str, OneOf(SYNDROMES)]
    what: str
    count: OptionalNumber
    people: OptionalNumber
    words: OptionalText
    who: str
    severity: OptionalText
    delay: OptionalText
    follow_up: OptionalText
    grade: Grade
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        _ordered("count <= people", self.count, self.people)
        if (self.count is None) == (not self.words):
            raise ValueError("an outcome has a count or words, and not both")
        if self.count is not None and self.people is None:
            raise ValueError("a count is of so many people")


@cache
def patterns() -> tuple[Pattern, ...]:
    """What each cause is expected to show, in the order of the table."""
    return tuple(read_csv("facts/patterns.csv", _text("patterns.csv"), Pattern, lambda row: (row.cause, row.expects, row.features)))


@cache
def mimics() -> Mapping[str, Mimic]:
    """What looks like B12 deficiency, by id."""
    return _by_id("mimics.csv", Mimic)


@cache
def outcomes() -> Mapping[str, Outcome]:
    """How people of published series did, by id."""
    return _by_id("outcomes.csv", Outcome)


def cited_rows() -> tuple[_Cited, ...]:
    """Every row of these tables."""
    return (*patterns(), *mimics().values(), *outcomes().values())
