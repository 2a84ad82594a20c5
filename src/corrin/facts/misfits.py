"""What to think of when a result or a finding lies off what the model expects. Rows of `misfits.csv`, read strictly.

`direction`: the result lies above or below what is expected of such a person (a finding that was seen lies above, one that was looked for
and not found below). `lack` yes: it lies where more lack of B12 would put it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from corrin.facts.reader import _text, read_csv
from corrin.facts.rows import How, OneOf, Seen, _Cited

Direction = Annotated[str, OneOf(("above", "below"))]


@dataclass(frozen=True, slots=True)
class Misfit(_Cited):
    """Causes, outside the history, of one reading being off in one direction."""

    reading: str
    direction: Direction
    lack: bool
    consider: tuple[str, ...]
    source: str
    at: str
    how: How
    seen: Seen


@cache
def misfits() -> Mapping[tuple[str, str], Misfit]:
    """Rows by (reading, direction)."""
    rows = read_csv("misfits.csv", _text("misfits.csv"), Misfit, lambda row: (row.reading, row.direction))
    return {(row.reading, row.direction): row for row in rows}
