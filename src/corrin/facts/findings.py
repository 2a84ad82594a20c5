"""How findings are read: limits and chances that no study gives, from `findings.toml`, and what a grade of a finding means on the scale of
the body, from `grades.csv`. Each is assumed and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from corrin.facts.reader import _text, read_csv, read_toml
from corrin.facts.rows import How, OneOf, OptionalNumber, OptionalText, Seen, _Cited


@dataclass(frozen=True, slots=True)
class Judgement(_Cited):
    """One number of the reading of findings, in `unit`."""

    name: str
    description: str
    value: float
    unit: str
    source: str
    at: str
    how: How
    seen: Seen
    note: str


@cache
def judgements() -> Mapping[str, Judgement]:
    """Every row by name."""
    return read_toml("facts/findings.toml", _text("findings.toml"), Judgement, {}, {})


def judged(name: str) -> float:
    """The value of one."""
    return judgements()[name].value


@dataclass(frozen=True, slots=True)
class Grade(_Cited):
    """Where each severity of a finding lies on a reading of the body, in `unit`, which is the reading's; empty: that severity grades
    nothing. `harm`: which way the reading goes as it gets worse. `unsaid`: where the finding alone tells how bad it is. `sd`: how far two
    examiners lie apart."""

    finding: str
    reading: str
    unit: str
    harm: Annotated[str, OneOf(("up", "down"))]
    none: OptionalNumber
    mild: OptionalNumber
    moderate: OptionalNumber
    severe: OptionalNumber
    worst: OptionalNumber
    unsaid: OptionalNumber
    sd: float
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def value(self, severity: str | None) -> float | None:
        """The reading of this severity."""
        found: float | None = getattr(self, severity or "unsaid")
        return found


@cache
def grades() -> Mapping[str, Grade]:
    """Rows by finding."""
    return {row.finding: row for row in read_csv("grades.csv", _text("grades.csv"), Grade, lambda row: row.finding)}
