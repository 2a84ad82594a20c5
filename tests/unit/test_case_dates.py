"""Dates as people know them."""

from __future__ import annotations

import datetime

import pytest

from corrin.case.dates import parse_as_of, parse_when
from corrin.errors import InputError

AS_OF = datetime.date(2024, 3, 1)


@pytest.mark.parametrize(
    ("text", "day", "spread"),
    [
        ("0", 0.0, 0.0), ("-60d", -60.0, 0.0), ("+30d", 30.0, 0.0), ("-3mo", -91.3125, 0.0), ("-2wk", -14.0, 0.0), ("-1y", -365.25, 0.0),
        ("~5y", -1826.25, 365.25), ("~-60d", -60.0, 12.0), ("2024-02-20", -10.0, 0.0), ("2023-05", -289.5, 8.95), ("2019", -1703.5, 105.4),
    ],
)  # fmt: skip
def test_moments(text: str, day: float, spread: float) -> None:
    moment = parse_when(text, AS_OF)
    assert moment.day == pytest.approx(day, abs=0.01)
    assert moment.spread == pytest.approx(spread, abs=0.05)


def test_a_year_that_holds_as_of_ends_with_it() -> None:
    moment = parse_when("2024", AS_OF)
    assert moment.day == -30.0
    assert moment.spread == pytest.approx(60.0 / 12.0**0.5)


@pytest.mark.parametrize("text", ["5y", "60d", "", "2024-02-30", "2024-00", "24-01-01", "-60", "-60 parsecs", "~", "+-3d", "-99999999d"])
def test_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected"):
        parse_when(text, AS_OF)


def test_a_calendar_date_needs_a_calendar() -> None:
    assert parse_as_of("day 0") is None
    with pytest.raises(InputError, match="day 0"):
        parse_when("2020-01-01", None)
    with pytest.raises(InputError, match="full date"):
        parse_as_of("2024")
