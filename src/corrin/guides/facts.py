"""What is known of one person, as guidelines ask for it: plain facts by name, each as it was reported.

A name that is absent is not known. A flag is yes or no, a choice a word, a quantity one or more dated reports with the unit they were
printed in. Nothing is converted here: `logic.py` compares a report with a threshold in the unit the threshold is written in.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from corrin.errors import InputError
from corrin.guides.vocabulary import Fact, fact_named
from corrin.units import parse

Word = Literal["undetectable", "low", "normal", "raised"]
WORDS = ("undetectable", "low", "normal", "raised")
COMPARATORS = ("<", "<=", "=", ">=", ">")
# A date or duration told with a spread may lie this many standard deviations away; within them the comparison stays unknown.
SPREADS = 2.0

_PLAIN = re.compile(r"^\s*(<=|>=|<|>|=)?\s*(-?[\d.]+(?:[eE]-?\d+)?)\s*(.*?)\s*(?:@\s*(-?[\d.]+)\s*)?$")
_WORDED = re.compile(r"^\s*(undetectable|low|normal|raised)\s*(?:@\s*(-?[\d.]+)\s*)?$")


@dataclass(frozen=True, slots=True)
class Report:
    """One reported quantity in its own unit, on a day counted from `as_of` (history is negative).

    `comparator` as printed: `<150` stands for every value below 150. `spread` is one standard deviation of a value told only roughly.
    `word` stands for the value where only a word was reported. `reference_low` and `reference_high` are the report's own, in its unit.
    """

    value: float | None
    unit: str = "1"
    comparator: str = "="
    day: float = 0.0
    spread: float = 0.0
    word: Word | None = None
    reference_low: float | None = None
    reference_high: float | None = None

    def __post_init__(self) -> None:
        if self.value is None and self.word is None:
            raise ValueError("a report has a value or a word")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError("a reported value is a finite number")
        if self.comparator not in COMPARATORS:
            raise ValueError(f"comparator {self.comparator!r} is none of {', '.join(COMPARATORS)}")
        parse(self.unit)


Value = bool | str | tuple[Report, ...]


@dataclass(frozen=True)
class Facts(Mapping[str, Value]):
    """Facts of one person by name (`vocabulary.py` lists the names). `as_of`: the calendar day, None for an anonymous case."""

    known: Mapping[str, Value]
    as_of: datetime.date | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", MappingProxyType({name: _checked(name, value) for name, value in self.known.items()}))

    def __getitem__(self, name: str) -> Value:
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def __hash__(self) -> int:
        return hash((frozenset(self.known.items()), self.as_of))

    def with_(self, **more: Any) -> Facts:
        """These facts and more; names with dots are given through a dict: `facts.with_(**{"lab.mma": "0.3 umol/L"})`."""
        return plain_facts({**self.known, **more}, self.as_of)


def plain_facts(written: Mapping[str, Any], as_of: datetime.date | None = None) -> Facts:
    """Facts from plain values: `True`, a word, `"<150 ng/L"`, `"1100 pg/mL @ -90"` (day -90), or a list of such texts.

    Raises `InputError` for a name that is not in the vocabulary, an unknown unit or a value of the wrong kind.
    """
    return Facts({name: _read(name, fact_named(name), value) for name, value in written.items()}, as_of)


def _read(name: str, fact: Fact, value: Any) -> Value:
    if fact.kind != "quantity":
        return value  # type: ignore[no-any-return]
    if isinstance(value, Report):
        return (value,)
    if isinstance(value, tuple) and all(isinstance(item, Report) for item in value):
        return value
    listed = value if isinstance(value, list | tuple) else (value,)
    return tuple(_report(name, fact, item) for item in listed)


def _report(name: str, fact: Fact, item: Any) -> Report:
    if isinstance(item, int | float) and not isinstance(item, bool):
        return Report(float(item), fact.unit)
    text = item if isinstance(item, str) else ""
    if worded := _WORDED.match(text):
        return Report(None, fact.unit, word=worded.group(1), day=float(worded.group(2) or 0.0))  # type: ignore[arg-type]
    found = _PLAIN.match(text)
    if not found:
        raise InputError(name, f"{ascii(item)[:60]} is not a quantity", 'a text such as "180 ng/L", "<150 pmol/L" or "raised"')
    comparator, number, unit, day = found.groups()
    return Report(float(number), unit or fact.unit, comparator or "=", float(day or 0.0))


def _checked(name: str, value: Value) -> Value:
    fact = fact_named(name)
    if fact.kind == "flag" and not isinstance(value, bool):
        raise InputError(name, f"{value!r}", "true or false")
    if fact.kind == "choice" and value not in fact.choices:
        raise InputError(name, f"{value!r}", "one of " + ", ".join(fact.choices))
    if fact.kind == "quantity" and not (isinstance(value, tuple) and value and all(isinstance(item, Report) for item in value)):
        raise InputError(name, f"{value!r}", "one or more reports with a unit")
    return value
