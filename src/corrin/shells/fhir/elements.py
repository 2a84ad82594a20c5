"""The data types of FHIR as plain values: dates, quantities, references, states. What has another shape is None, never a crash."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from typing import Any

from corrin.errors import InputError
from corrin.units import convert

_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}:\d{2}).*)?)?)?$", re.ASCII)
_PERIODS = {"s": 1 / 86400, "min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.4375, "a": 365.25}
FIRST_YEAR, LAST_YEAR = 1880, 2200


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """A FHIR date or dateTime as written: to the year, the month or the day; the clock time only tells results of one day apart."""

    text: str
    clock: str = ""

    @property
    def first(self) -> datetime.date:
        """The first day it may mean."""
        year, month, day = (int(part) for part in (*self.text.split("-"), "1", "1")[:3])
        return datetime.date(year, month, day)

    @property
    def last(self) -> datetime.date:
        """The last day it may mean."""
        first = self.first
        if len(self.text) == 4:
            return datetime.date(first.year, 12, 31)
        if len(self.text) == 7:
            return datetime.date(first.year + first.month // 12, first.month % 12 + 1, 1) - datetime.timedelta(days=1)
        return first

    @property
    def when(self) -> str:
        """As a case writes it."""
        return self.text


def day_of(value: Any) -> Day | None:
    """A date, dateTime or instant. None when it is absent or nothing FHIR allows."""
    found = _DATE.match(value.strip()) if isinstance(value, str) and len(value) <= 60 else None
    if not found:
        return None
    text = "-".join(part for part in found.groups()[:3] if part)
    made = Day(text, found.group(4) or "")
    try:
        return made if FIRST_YEAR <= made.first.year <= LAST_YEAR else None
    except ValueError:
        return None


def bad_date(value: Any) -> bool:
    """Whether something was written that should be a date and is none."""
    return value is not None and day_of(value) is None


def first_day(resource: dict[str, Any], *names: str) -> Day | None:
    """The first of these elements that holds a date or a Period with a beginning (or only an end)."""
    for name in names:
        value = resource.get(name)
        if isinstance(value, dict):
            found = day_of(value.get("start")) or day_of(value.get("end"))
            events = value.get("event")
            found = found or (day_of(events[0]) if isinstance(events, list) and events else None)
        else:
            found = day_of(value)
        if found:
            return found
    return None


def end_of(resource: dict[str, Any], *names: str) -> Day | None:
    """The end of the first of these Periods that has one."""
    for name in names:
        value = resource.get(name)
        if isinstance(value, dict) and (found := day_of(value.get("end"))):
            return found
    return None


def number(value: Any) -> float | None:
    """A finite number; text is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        made = float(value)
    except OverflowError:
        return None
    return made if math.isfinite(made) else None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit: the UCUM code where there is one, and the unit as printed."""

    value: float
    code: str = ""
    printed: str = ""
    comparator: str = "="

    @property
    def units(self) -> tuple[str, ...]:
        """The unit's spellings, the UCUM code first."""
        return tuple(dict.fromkeys(text for text in (self.code, self.printed) if text))


def quantity(value: Any) -> Quantity | None:
    """A FHIR Quantity; None without a usable number."""
    if not isinstance(value, dict) or (amount := number(value.get("value"))) is None:
        return None
    comparator = value.get("comparator", "=")
    ucum = "unitsofmeasure" in str(value.get("system", "unitsofmeasure"))
    code, printed = value.get("code"), value.get("unit")
    return Quantity(
        amount,
        code.strip()[:60] if ucum and isinstance(code, str) else "",
        printed.strip()[:60] if isinstance(printed, str) else "",
        comparator if comparator in ("<", "<=", "=", ">=", ">") else "=",
    )


def years(value: Any) -> float | None:
    """An Age in years."""
    found = quantity(value)
    for unit in found.units if found else ():
        try:
            return convert(found.value, unit, "a") if found else None
        except InputError:
            continue
    return None


def reference(value: Any) -> str | None:
    """The literal reference of a Reference."""
    text = value.get("reference") if isinstance(value, dict) else None
    return text.strip()[:300] if isinstance(text, str) and text.strip() else None


def subject_of(resource: dict[str, Any]) -> str | None:
    """Whom a resource is about, as written."""
    return reference(resource.get("subject")) or reference(resource.get("patient"))


def state(value: Any) -> str:
    """A status, or the code of a status that is a CodeableConcept; empty when absent."""
    if isinstance(value, str):
        return value.strip().lower()
    if isinstance(value, dict):
        coding = value.get("coding")
        for item in coding if isinstance(coding, list) else ():
            if isinstance(item, dict) and isinstance(item.get("code"), str):
                return str(item["code"]).strip().lower()
        return str(value.get("text") or "").strip().lower()
    return ""


def period_days(count: Any, unit: Any) -> float | None:
    """A length of time in days; None when it is none."""
    amount = number(count)
    if amount is None or amount <= 0.0 or unit not in _PERIODS:
        return None
    return amount * _PERIODS[str(unit)]


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or an object that stands where a list should."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
