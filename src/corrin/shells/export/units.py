"""Units of the facts as SBML unit definitions: (kind, exponent, scale, multiplier) of the International System's base words."""

from __future__ import annotations

import math
import re

Part = tuple[str, int, int, float]
BASE: dict[str, Part] = {
    "L": ("litre", 1, 0, 1.0),
    "mol": ("mole", 1, 0, 1.0),
    "g": ("gram", 1, 0, 1.0),
    "m": ("metre", 1, 0, 1.0),
    "V": ("volt", 1, 0, 1.0),
    "s": ("second", 1, 0, 1.0),
    "min": ("second", 1, 0, 60.0),
    "d": ("second", 1, 0, 86_400.0),
    "a": ("second", 1, 0, 31_557_600.0),
}
PREFIX = {"d": -1, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
PLAIN = {"1": 1.0, "SD": 1.0, "points": 1.0, "probability": 1.0, "%": 0.01, "10*9": 1e9}


def parts(unit: str) -> list[Part]:
    """A unit such as `nmol/L`, `/d` or `mL/min/1.73m2` as SBML parts; dimensionless parts carry a multiplier. Raises KeyError."""
    above, *below = unit.split("/")
    found = _one(above, 1) if above else []
    for word in below:
        found += _one(word, -1)
    return found or [("dimensionless", 1, 0, 1.0)]


def _one(word: str, sign: int) -> list[Part]:
    if word in PLAIN:
        return [] if PLAIN[word] == 1.0 else [("dimensionless", sign, 0, PLAIN[word])]
    area = re.fullmatch(r"([\d.]+)m2", word)
    if area:
        return [("metre", 2 * sign, 0, math.sqrt(float(area.group(1))))]
    if word in BASE:
        kind, exponent, scale, multiplier = BASE[word]
        return [(kind, sign * exponent, scale, multiplier)]
    kind, exponent, _, multiplier = BASE[word[1:]]
    return [(kind, sign * exponent, PREFIX[word[0]], multiplier)]


def name_of(unit: str) -> str:
    """A name that SBML takes: `nmol/L` is `nmol_per_L`."""
    if unit in PLAIN and PLAIN[unit] == 1.0:
        return "dimensionless"
    text = unit.replace("%", "percent").replace("10*9", "giga").replace(".", "_")
    text = re.sub(r"/(\d)", r"_per_area_\1", text)
    text = re.sub(r"^/", "per_", text).replace("/", "_per_")
    return text
