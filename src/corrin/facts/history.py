"""What is taken of a past that nobody tells: causes nobody named (`causes.csv`), how long things had gone on (`history.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from corrin.facts.reader import PARAMETER_KEYS_WITH_DEFAULT, _text, read_csv, read_toml
from corrin.facts.rows import How, OptionalText, OptionalWords, Parameter, Seen, _Cited


@dataclass(frozen=True, slots=True)
class UnnamedCause(_Cited):
    """A cause that may be at work though nobody named it.

    `modifiers`: ids of modifiers.csv, the first that the table holds counts; empty: none needed. `tested`, `community`: weights at 50
    years, for somebody who had reason to be tested and for somebody of the community; `per_decade`: factor for each ten years of age
    beyond 50; `women`: factor for women.
    """

    id: str
    modifiers: OptionalWords
    tested: float
    community: float
    per_decade: float
    women: float
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        if min(self.tested, self.community, self.per_decade, self.women) <= 0.0:
            raise ValueError("weights and factors are above 0")


@cache
def causes() -> tuple[UnnamedCause, ...]:
    """Causes nobody named, in the order of their numbers."""
    return tuple(read_csv("facts/causes.csv", _text("causes.csv"), UnnamedCause, lambda row: row.id))


@cache
def history() -> Mapping[str, Parameter]:
    """Numbers about the untold past, by name."""
    rows = read_toml("facts/history.toml", _text("history.toml"), Parameter, {"place": "history"}, PARAMETER_KEYS_WITH_DEFAULT)
    return MappingProxyType(rows)
