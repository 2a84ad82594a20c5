"""What people call a food and what a cup or a piece of it weighs (`portions.csv`), and numbers only a diet needs (`diet.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated

from corrin.facts.reader import PARAMETER_KEYS_WITH_DEFAULT, _text, read_csv, read_toml
from corrin.facts.rows import EMPTY, How, OneOf, OptionalNumber, OptionalText, OptionalWords, Parameter, Seen, _Cited


@dataclass(frozen=True, slots=True)
class Portion(_Cited):
    """A name people use, the rows of `foods.csv` it may mean (the first is taken, all give the range) and its weights.

    No row: a food that holds no B12. `density_g_ml` is that of a liquid, `piece_g` one piece, `cup_g` one US cup (236.6 mL). A portion
    with `offer` is named where an answer says what would fill a gap.
    """

    id: str
    aliases: OptionalWords
    foods: Annotated[tuple[str, ...], EMPTY]
    density_g_ml: OptionalNumber
    piece_g: OptionalNumber
    cup_g: OptionalNumber
    offer: Annotated[str, OneOf(("yes", "no"))]
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        if any(value is not None and value <= 0 for value in (self.density_g_ml, self.piece_g, self.cup_g)):
            raise ValueError("densities and weights are above 0")


@cache
def portions() -> Mapping[str, Portion]:
    """What foods are called and what a measure of them weighs, by name."""
    rows = read_csv("facts/portions.csv", _text("portions.csv"), Portion, lambda row: row.id)
    return MappingProxyType({row.id: row for row in rows})


@cache
def diet_numbers() -> Mapping[str, Parameter]:
    """Numbers of the answer on a diet, by name: where filling a store begins and ends (ug), how far a told intake is off."""
    rows = read_toml("facts/diet.toml", _text("diet.toml"), Parameter, {"place": "diet"}, PARAMETER_KEYS_WITH_DEFAULT)
    return MappingProxyType(rows)
