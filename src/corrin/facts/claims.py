"""Statements health pages make and whether they hold (`claims.toml`), and the cut-offs guides state (`cutoffs.csv`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated

from corrin.facts.reader import _text, read_csv, read_toml
from corrin.facts.rows import EMPTY, How, OneOf, OptionalNumber, OptionalText, Seen, _Cited

VERDICTS = ("right", "wrong", "disputed")
Verdict = Annotated[str, OneOf(VERDICTS)]
Left = Annotated[str, OneOf((*VERDICTS, "")), EMPTY]
"""A verdict, or empty: left alone."""

USUAL = MappingProxyType({"wrong": ("right", ""), "right": ("wrong", "right"), "disputed": ("", "")})
"""Verdict of a statement -> that of the denied and of the weakened one, where the table says nothing."""


@dataclass(frozen=True, slots=True)
class Claim(_Cited):
    """One statement. `find` holds patterns on a sentence in plain form, `about` words of which one must stand in it, `unless` what spoils.

    `verdict` is that of the plain statement, `negated` of its denial, `hedged` of its weakened form; `-` leaves alone, empty: the usual.
    `advice_is_wrong`: also as advice to the reader it is wrong, because it can harm. `says` is what holds, in our words.
    """

    id: str
    what: str
    about: tuple[str, ...]
    find: tuple[str, ...]
    verdict: Verdict
    says: str
    source: str
    at: str
    how: How
    seen: Seen
    negated: OptionalText
    hedged: OptionalText
    unless: OptionalText
    advice_is_wrong: Annotated[str, OneOf(("yes", "no"))]

    def __post_init__(self) -> None:
        for value in (self.negated, self.hedged):
            if value not in ("", "-", *VERDICTS):
                raise ValueError(f"negated and hedged are a verdict or -, found {value}")

    def of(self, *, negated: bool, hedged: bool) -> str:
        """The verdict of the statement as it stands; empty where it is left alone."""
        if negated and hedged:
            return ""
        if not negated and not hedged:
            return self.verdict
        given, usual = (self.negated, USUAL[self.verdict][0]) if negated else (self.hedged, USUAL[self.verdict][1])
        return "" if given == "-" else given or usual


@dataclass(frozen=True, slots=True)
class Cutoff(_Cited):
    """A limit that a guide states for an analyte: `value` (to `value_high`) in `unit`, in words what lies there."""

    id: str
    analyte: str
    side: Annotated[str, OneOf(("below", "above", "between"))]
    value: float
    value_high: OptionalNumber
    unit: str
    meaning: str
    issuer: str
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText


CLAIM_DEFAULTS = MappingProxyType({"negated": "", "hedged": "", "unless": "", "advice_is_wrong": "no"})


@cache
def claims() -> Mapping[str, Claim]:
    """The statements by id."""
    return MappingProxyType(read_toml("facts/claims.toml", _text("claims.toml"), Claim, {}, CLAIM_DEFAULTS))


@cache
def cutoffs() -> tuple[Cutoff, ...]:
    """The stated limits of laboratory values."""
    return tuple(read_csv("facts/cutoffs.csv", _text("cutoffs.csv"), Cutoff, lambda row: row.id))


@dataclass(frozen=True, slots=True)
class Advised(_Cited):
    """What a guide or label says on a dose, in our words, by topic: put beside advice a text gives."""

    id: str
    topic: Annotated[str, OneOf(("oral", "injection", "vegan", "any"))]
    issuer: str
    says: str
    source: str
    at: str
    how: How
    seen: Seen


@cache
def advice_rows() -> tuple[Advised, ...]:
    """What guides and labels say on doses."""
    return tuple(read_csv("facts/advice.csv", _text("advice.csv"), Advised, lambda row: row.id))
