"""Dates as people know them: exact, a month, a year, or `about five years ago`.

A moment is a day counted from the case's `as_of` (day 0; history is negative) and a spread: one standard deviation, in days, of where the
day may truly lie.
"""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from functools import lru_cache

from corrin.errors import InputError
from corrin.units import convert

DAY_ZERO = "day 0"
EXPECTED = "a date such as 2019-05-17, 2019-05 or 2019, or a time from as_of such as -60d, -3mo, ~5y, +30d or 0"

# A date known to a month or a year is uniform over it: standard deviation is its length over the square root of 12.
_ROOT_TWELVE = math.sqrt(12.0)
# "About five years" is taken as right to one part in five (assumed): recall of when something began is that good at best.
ABOUT = 0.2

_ISO = re.compile(r"^(~?)(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")
_RELATIVE = re.compile(r"^(~?)([+-]?)(\d{1,5}(?:\.\d{1,4})?)\s*(d|days?|wk|w|weeks?|mo|months?|y|a|yr|years?)$")
_WORDS = {"w": "wk", "day": "d", "days": "d", "week": "wk", "weeks": "wk", "month": "mo", "months": "mo"}


@dataclass(frozen=True, slots=True)
class Moment:
    """A day relative to `as_of` and one standard deviation of it, both in days."""

    day: float
    spread: float = 0.0


@lru_cache(maxsize=256)  # asked for at every date of a case
def parse_as_of(text: str) -> datetime.date | None:
    """The calendar day of `as_of`, or None for an anonymous case counted from `day 0`. Raises `InputError`."""
    if text == DAY_ZERO:
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError(text)
        return datetime.date.fromisoformat(text)
    except ValueError:
        expected = 'a date such as 2024-03-01, or "day 0" for an anonymous case'
        raise InputError("as_of", f"{ascii(text)[:40]} is not a full date", expected) from None


@lru_cache(maxsize=4096)
def parse_when(text: str, as_of: datetime.date | None) -> Moment:
    """The moment a date in a case means. Raises `InputError` for anything else, and for a calendar date when `as_of` has none.

    `~5y` without a sign means about five years before `as_of`; `5y` without a sign and without `~` is refused, for it could mean either.
    """
    text = text.strip()
    if text in ("0", "as_of", "now"):
        return Moment(0.0)
    found = _ISO.match(text)
    if found:
        return _calendar(found, text, as_of)
    found = _RELATIVE.match(text)
    if not found:
        raise InputError("date", f"{ascii(text)[:42]} is not a date", EXPECTED)
    about, sign, number, unit = found.groups()
    if not sign and not about and float(number) != 0.0:
        raise InputError("date", f"{text!a} does not say whether it is before or after as_of", EXPECTED,
                         f"Did you mean -{text} (before) or +{text} (after)?")  # fmt: skip
    days = convert(float(number), _WORDS.get(unit, unit), "d")
    return Moment(days if sign == "+" else -days, ABOUT * days if about else 0.0)


def _calendar(found: re.Match[str], text: str, as_of: datetime.date | None) -> Moment:
    about, year, month, day = found.groups()
    if as_of is None:
        raise InputError("date", f"{text!a} is a calendar date, but as_of is {DAY_ZERO!r}", "a time from as_of such as -60d or ~5y",
                         "Give as_of as a calendar date, or this date relative to it.")  # fmt: skip
    try:
        first = datetime.date(int(year), int(month or 1), int(day or 1))
        if month is None:
            length = 365
        elif day is None:
            length = (datetime.date(first.year + first.month // 12, first.month % 12 + 1, 1) - first).days
        else:
            length = 0
    except ValueError:
        raise InputError("date", f"{text!a} is not a day of the calendar", EXPECTED) from None
    middle = (first - as_of).days + length / 2.0
    # A year or month that holds as_of itself cannot be taken beyond it.
    if length and middle > 0.0 >= (first - as_of).days:
        length = -(first - as_of).days
        middle = -length / 2.0
    spread = length / _ROOT_TWELVE
    if about:
        spread = max(spread, ABOUT * abs(middle))
    return Moment(middle, spread)
