"""How findings are read: limits and chances that no study gives, from `findings.toml`. Each is assumed and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from corrin.facts.reader import _text, read_toml
from corrin.facts.rows import How, Seen, _Cited


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
