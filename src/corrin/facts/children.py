"""Published reference intervals of children by age (`children.csv`): shown beside a result, never a limit of a rule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from corrin.facts.reader import _text, read_csv
from corrin.facts.rows import How, OptionalText, Seen, _Cited


@dataclass(frozen=True, slots=True)
class Interval(_Cited):
    """95 % of healthy children of an age, from `low` to `high` in `unit`."""

    id: str
    analyte: str
    age_low_y: float
    age_high_y: float
    low: float
    high: float
    unit: str
    whose: str
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText


@cache
def intervals() -> tuple[Interval, ...]:
    """All of them."""
    return tuple(read_csv("facts/children.csv", _text("children.csv"), Interval, lambda row: row.id))
