"""Numbers and units in the words people read."""

from __future__ import annotations

_UNITS = {
    "umol/L": "µmol/L",
    "ug/L": "µg/L",
    "ug": "µg",
    "uV": "µV",
    "10*9/L": "×10⁹/L",
    "10*12/L": "×10¹²/L",
    "1": "",
    "probability": "",
    "points": "",
    "d": "days",
    "a": "years",
    "mL/min/1.73m2": "mL/min/1.73 m²",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
}


def plain_unit(unit: str) -> str:
    """A unit as people write it: `umol/L` -> `µmol/L`; `0..20` -> `of 20`."""
    if unit.startswith("0..") and unit[3:].isdigit():
        return f"of {unit[3:]}"
    return _UNITS.get(unit, unit)


def is_share(unit: str) -> bool:
    """True for a reading that is a probability, shown in per cent."""
    return unit in ("1", "probability")


def number(value: float, unit: str = "") -> str:
    """Two significant digits below 100, whole numbers above: 0.83, 4.2, 57, 1,240. Haemoglobin in g/dL keeps its decimal: 13.2."""
    size = abs(value)
    if size >= 1000:
        rounded = round(value, -1 if size < 10000 else -2)
        return f"{rounded:,.0f}"
    if size >= 9.95:
        return f"{value:.1f}" if unit == "g/dL" and size < 100 else f"{value:.0f}"
    if size >= 0.995:
        return f"{value:.1f}"
    return "0" if size < 0.005 else f"{value:.2f}"


def interval(middle: float, low: float, high: float, unit: str) -> str:
    """`57 (41 to 80)`; one number alone where all three read the same."""
    shown = [share(value) if is_share(unit) else number(value, unit) for value in (middle, low, high)]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} ({shown[1]} to {shown[2]})"


def share(value: float) -> str:
    """A probability in per cent; 0 and 100 would claim what nobody knows."""
    return "<1" if value < 0.01 else ">99" if value > 0.99 else f"{100 * value:.0f}"


def percent(share: float) -> str:
    """A probability in words that never claim certainty: `under 1 %`, `62 %`, `over 99 %`."""
    if share < 0.01:
        return "under 1 %"
    if share > 0.99:
        return "over 99 %"
    return f"{100 * share:.0f} %"


def duration(days: float) -> str:
    """`5 days`, `6 weeks`, `8 months`, `3.5 years`."""
    if days < 13.5:
        return f"{days:.0f} day" + ("" if round(days) == 1 else "s")
    if days < 84:
        return f"{days / 7:.0f} weeks"
    if days < 730:
        return f"{days * 12 / 365.25:.0f} months"
    return f"{days / 365.25:.1f} years".replace(".0 ", " ")
