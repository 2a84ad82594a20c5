"""Grades of findings on the scale of the body: each names a reading there is, in its unit, and gets worse in one direction."""

from __future__ import annotations

import pytest

from corrin.facts.findings import Grade, grades
from corrin.inference.population import the_system

READINGS = {reading.name: reading for reading in the_system().readings}
ROWS = list(grades().values())


@pytest.mark.parametrize("row", ROWS, ids=[row.finding for row in ROWS])
def test_a_grade_is_on_the_scale_of_its_reading(row: Grade) -> None:
    assert row.unit == READINGS[row.reading].unit
    assert row.sd > 0.0


@pytest.mark.parametrize("row", ROWS, ids=[row.finding for row in ROWS])
def test_worse_is_further_the_way_harm_goes(row: Grade) -> None:
    given = [value for value in (row.none, row.mild, row.moderate, row.severe, row.worst) if value is not None]
    assert given == sorted(given, reverse=row.harm == "down")


def test_rows_of_one_reading_agree_which_way_harm_goes() -> None:
    for reading in {row.reading for row in ROWS}:
        assert len({row.harm for row in ROWS if row.reading == reading}) == 1
