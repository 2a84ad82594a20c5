"""The numbers of the body: what the equations ask for and what the tables give are the same, each with its source and its mark."""

from __future__ import annotations

import math
import re

import pytest

from corrin import units
from corrin.body import system
from corrin.body.flow import Mechanism
from corrin.facts.reader import parameters, sources
from corrin.facts.rows import Parameter

ROWS = parameters()
PLACES = tuple(mechanism.name for mechanism in system.MECHANISMS)
EACH = pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)


class Half:
    """Stands for pools and exposures: every value is 0.5."""

    def __getattr__(self, name: str) -> float:
        return 0.5


class Asked(Half):
    """Stands for the parameters and remembers which were asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> float:
        self.names.add(name)
        return 0.5


def asked_by(mechanism: Mechanism) -> set[str]:
    y, p, x = Half(), Asked(), Half()
    for part in (*mechanism.flows, *mechanism.changes):
        part.rate(y, p, x)
    for dose in mechanism.doses:
        dose.taken(1.0, y, p, x)
    for reading in mechanism.readings:
        reading.value(y, p, x)
    return p.names


def spread(row: Parameter) -> tuple[float, float]:
    """The value one SD below and above, both spreads together."""
    sd = math.hypot(row.between, row.unsure)
    if row.distribution == "lognormal":
        return row.value * math.exp(-sd), row.value * math.exp(sd)
    if row.distribution == "logitnormal":
        logit = math.log(row.value / (1.0 - row.value))
        return 1.0 / (1.0 + math.exp(sd - logit)), 1.0 / (1.0 + math.exp(-sd - logit))
    return row.value - sd, row.value + sd


def test_every_parameter_of_the_equations_has_a_row() -> None:
    assert not set(system.parameter_names()) - set(ROWS)


def test_every_row_is_asked_for_by_an_equation() -> None:
    assert not set(ROWS) - set(system.parameter_names())


def test_a_row_stands_in_the_file_of_the_place_that_asks_first() -> None:
    first: dict[str, str] = {}
    for mechanism in system.MECHANISMS:
        for name in asked_by(mechanism):
            first.setdefault(name, mechanism.name)
    assert {name: row.place for name, row in ROWS.items()} == first


@EACH
def test_sources_are_known_and_agree_with_how(row: Parameter) -> None:
    assert not [key for key in row.sources if key not in sources()]
    assert len(set(row.sources)) == len(row.sources)
    assert (row.how == "fitted") <= ("corrin-fit-2026" in row.sources)
    assert (row.how == "assumed") <= ("corrin-assumed" in row.sources)
    assert (row.how in ("stated", "digitised")) <= bool(set(row.sources) - {"corrin-fit-2026", "corrin-assumed"})


@EACH
def test_what_was_recalled_is_marked_and_never_fitted(row: Parameter) -> None:
    if "recalled" in (row.how, row.seen):
        assert row.seen == "recalled"
        assert row.how != "fitted"
        assert "never fitted" in row.note.lower()


@EACH
def test_value_and_limits(row: Parameter) -> None:
    assert row.low <= row.value <= row.high
    low, high = spread(row)
    assert row.low <= low <= high <= row.high, "the limits cut into the middle of the spread"
    if row.distribution in ("lognormal", "logitnormal", "normal"):
        assert row.between > 0 or row.unsure > 0, "without spread it is fixed"
    if row.distribution == "lognormal":
        assert row.low > 0


@EACH
def test_unit_is_understood(row: Parameter) -> None:
    assert units.dimension(row.unit)


@EACH
def test_texts_are_for_readers(row: Parameter) -> None:
    assert row.place in PLACES
    assert row.description.endswith(".")
    assert row.at
    assert row.note
    whole = f"{row.description} {row.at} {row.note}"
    assert not re.search(r"\b(N\d{3}|E1-\w+)\b|https?:|prototype", whole), "names an internal row or file"
