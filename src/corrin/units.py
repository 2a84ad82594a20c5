"""Units as laboratories print them: a subset of UCUM, parsed and converted.

A unit is a product of powers of a few base kinds (mass, amount, volume, ...) and one factor. Mass turns into amount through a molar
mass in g/mol. HbA1c is the one affine case: mmol/mol (IFCC) and % (NGSP) are joined by the NGSP master equation.

Spelling is forgiving (`µ`, `μ`, `u` and `mc` are the same prefix; `l` is `L`; upper case reports are read), meaning is not: an unknown
unit or a unit of another kind is an `InputError`.
"""

from __future__ import annotations

import difflib
import math
import re
from functools import lru_cache
from types import MappingProxyType

from corrin.errors import InputError

Kind = tuple[tuple[str, int], ...]

PREFIXES = MappingProxyType({"k": 1e3, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "mc": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15})

# Atoms that take a prefix. `U` and `IU` share one kind: laboratories print either, and both are arbitrary amounts of activity.
# `eq` is read as an amount: only monovalent ions (potassium, sodium) are reported so.
PREFIXED: MappingProxyType[str, tuple[float, Kind]] = MappingProxyType(
    {
        "g": (1.0, (("mass", 1),)),
        "mol": (1.0, (("amount", 1),)),
        "eq": (1.0, (("amount", 1),)),
        "l": (1.0, (("volume", 1),)),
        "m": (1.0, (("length", 1),)),
        "s": (1.0 / 86400.0, (("time", 1),)),
        "v": (1.0, (("voltage", 1),)),
        "iu": (1.0, (("activity", 1),)),
        "u": (1.0, (("activity", 1),)),
        "arb'u": (1.0, (("activity", 1),)),
    }
)

# Atoms that take none. Months and years are UCUM's mean Julian ones: 30.4375 and 365.25 days.
PLAIN: MappingProxyType[str, tuple[float, Kind]] = MappingProxyType(
    {
        "1": (1.0, ()),
        "%": (0.01, ()),
        "cell": (1.0, ()),
        "cells": (1.0, ()),
        "score": (1.0, ()),
        "point": (1.0, ()),
        "points": (1.0, ()),
        "k": (1e3, ()),
        "th": (1e3, ()),
        "thou": (1e3, ()),
        "thousand": (1e3, ()),
        "mil": (1e6, ()),
        "million": (1e6, ()),
        "mm3": (1e-6, (("volume", 1),)),
        "cmm": (1e-6, (("volume", 1),)),
        "cumm": (1e-6, (("volume", 1),)),
        "um3": (1e-15, (("volume", 1),)),
        "cc": (1e-3, (("volume", 1),)),
        # The avoirdupois pound: exactly 0.45359237 kg.
        "lb_av": (453.59237, (("mass", 1),)),
        "lb": (453.59237, (("mass", 1),)),
        "lbs": (453.59237, (("mass", 1),)),
        "m2": (1.0, (("length", 2),)),
        # Filtration is printed with and without "/1.73m2"; a laboratory that prints mL/min means the same estimate.
        "bsa": (1.0, ()),
        "min": (1.0 / 1440.0, (("time", 1),)),
        "h": (1.0 / 24.0, (("time", 1),)),
        "hr": (1.0 / 24.0, (("time", 1),)),
        "hour": (1.0 / 24.0, (("time", 1),)),
        "hours": (1.0 / 24.0, (("time", 1),)),
        "d": (1.0, (("time", 1),)),
        "day": (1.0, (("time", 1),)),
        "days": (1.0, (("time", 1),)),
        "wk": (7.0, (("time", 1),)),
        "week": (7.0, (("time", 1),)),
        "weeks": (7.0, (("time", 1),)),
        "mo": (30.4375, (("time", 1),)),
        "month": (30.4375, (("time", 1),)),
        "months": (30.4375, (("time", 1),)),
        "a": (365.25, (("time", 1),)),
        "y": (365.25, (("time", 1),)),
        "yr": (365.25, (("time", 1),)),
        "year": (365.25, (("time", 1),)),
        "years": (365.25, (("time", 1),)),
    }
)

# Whole units whose case or meaning the parser would lose: molar concentrations, and HbA1c after the IFCC.
WHOLE: MappingProxyType[str, tuple[float, Kind]] = MappingProxyType(
    {
        "M": (1.0, (("amount", 1), ("volume", -1))),
        "mM": (1e-3, (("amount", 1), ("volume", -1))),
        "uM": (1e-6, (("amount", 1), ("volume", -1))),
        "nM": (1e-9, (("amount", 1), ("volume", -1))),
        "pM": (1e-12, (("amount", 1), ("volume", -1))),
        "mmol/mol": (1.0, (("HbA1c after the IFCC", 1),)),
    }
)

# What a near name is looked for in; not a limit on what is understood.
COMMON = (
    "pg/mL", "ng/L", "pmol/L", "nmol/L", "umol/L", "mmol/L", "ng/mL", "ug/L", "ug/dL", "g/dL", "g/L", "mg/dL", "mg/L", "fL", "pg", "%",
    "mmol/mol", "10*9/L", "10*12/L", "/uL", "mL/min/1.73m2", "IU/mL", "IU/L", "U/mL", "U/L", "mIU/L", "mEq/L", "L/L", "ug", "mg", "g", "kg",
    "ug/d", "mg/d", "g/d", "d", "wk", "mo", "a", "h", "min", "s", "ms", "m/s", "uV", "mV", "cm", "mm", "nmol", "pmol", "umol",
)  # fmt: skip

# NGSP master equation: NGSP (%) = 0.0915 IFCC (mmol/mol) + 2.15. Recalled (Hoelzel 2004; the constant 2.15 is the rounded master
# equation); 48 mmol/mol gives 6.54 %, which is reported as 6.5 %.
NGSP_SLOPE, NGSP_OFFSET = 0.0915, 2.15

# Body surface in an estimated filtration, however it is written: {1.73_m2}, [1.73_m2], (1.73 m^2), 1.73 sqm, 1.73.
_SURFACE = re.compile(r"[{(\[]?1[.,]73(?:[ _*.]*(?:sq\.? ?m|m(?:\^?2|²|\*\*2)?))?[})\]]?", re.IGNORECASE)
_POWER = re.compile(r"^[x*×]?10(?:\*\*|\*|\^|e)(-?\d{1,2})$")
# What laboratories write out in words or signs, as UCUM's own: in order.
_SPELLINGS = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"\[([a-z][a-z_']*)\]", r"\1"),
        (r"\bmicro(?=gram|mol|lit)", "u"),
        (r"\bnano(?=gram|mol|lit)", "n"),
        (r"\bpico(?=gram|mol|lit)", "p"),
        (r"\bfemto(?=gram|mol|lit)", "f"),
        (r"\bmilli(?=gram|mol|lit)", "m"),
        (r"\bdeci(?=lit)", "d"),
        (r"\bkilo(?=gram)", "k"),
        (r"grams?\b", "g"),
        (r"moles?\b", "mol"),
        (r"(?:liter|litre)s?\b", "l"),
        (r"(?<=[a-z])gm\b|\bgms?\b", "g"),
        (r"\bcubic um\b|\bum\*3(?!\d)|\bum\^3(?!\d)", "um3"),
        (r"\bmm\*3(?!\d)|\bmm\^3(?!\d)|\bcu\.? ?mm\b", "mm3"),
        (r"^% of total (?:hgb|hb|h(?:a)?emoglobin)$|^% ?(?:hgb|hb)$", "%"),
        (r"10e\+(?=\d)", "10e"),
        (r"10\((\d{1,2})\)", r"10*\1"),
        (r"\s+per\s+", "/"),
        (r"·", "."),
        (r"(?<=[a-z])\^-1\b", "-1"),
    )
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SUPERSCRIPT_POWER = re.compile(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)")


def convert(value: float, unit: str, to: str, molar_mass: float | None = None) -> float:
    """`value` given in `unit`, expressed in the unit `to`.

    `molar_mass` (g/mol) is needed only between mass and amount (`pg/mL` to `pmol/L`). Raises `InputError` when a unit is unknown, when
    the two units are of different kinds, or when the value is not a finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError("value", f"{value!r} is not a finite number", f"a number in {unit}")
    factor, kind = parse(unit)
    target_factor, target_kind = parse(to)
    if kind == target_kind:
        return value if factor == target_factor else value * factor / target_factor
    if _is_hba1c(kind) and to.strip().startswith("%"):
        return NGSP_SLOPE * value + NGSP_OFFSET
    if _is_hba1c(target_kind) and unit.strip().startswith("%"):
        return (value - NGSP_OFFSET) / NGSP_SLOPE
    step = _mass_to_amount(kind, target_kind)
    if step:
        if molar_mass is None:
            raise InputError("unit", f"{unit} cannot be turned into {to} without a molar mass", "a molar mass in g/mol")
        if not math.isfinite(molar_mass) or molar_mass <= 0.0:
            raise InputError("molar mass", f"{molar_mass!r}", "a positive number of g/mol")
        return value * factor / target_factor / molar_mass**step
    raise InputError("unit", f"{unit} measures {dimension(unit)}, and {to} measures {dimension(to)}", f"a unit of {dimension(to)}")


def convertible(unit: str, to: str) -> bool:
    """Whether `convert` can go from `unit` to `to` once a molar mass is given. False, not an error, when either unit is unknown."""
    try:
        kind, target = parse(unit)[1], parse(to)[1]
    except InputError:
        return False
    if kind == target or _mass_to_amount(kind, target):
        return True
    return (_is_hba1c(kind) and to.strip().startswith("%")) or (_is_hba1c(target) and unit.strip().startswith("%"))


def dimension(unit: str) -> str:
    """What a unit measures, in words: `dimension("pg/mL") == "mass/volume"`. Raises `InputError` when the unit is unknown."""
    kind = parse(unit)[1]
    above = [name if power == 1 else f"{name}^{power}" for name, power in kind if power > 0]
    below = [name if power == -1 else f"{name}^{-power}" for name, power in kind if power < 0]
    return "/".join([" ".join(above) or "number", *below])


def near_units(unit: str, among: tuple[str, ...] = COMMON) -> list[str]:
    """Up to three known units spelt nearly like `unit`, for a message."""
    lowered = {name.lower(): name for name in among}
    return [lowered[name] for name in difflib.get_close_matches(unit.strip().lower(), list(lowered), n=3, cutoff=0.5)]


@lru_cache(maxsize=4096)
def parse(unit: str) -> tuple[float, Kind]:
    """Factor to base units (g, mol, L, d, m, V, unit of activity) and the powers of each kind. Raises `InputError` when unknown."""
    if not isinstance(unit, str) or not unit.strip() or len(unit) > 40:
        raise _unknown(unit)
    text = _SURFACE.sub("bsa", unit.strip().replace("µ", "u").replace("μ", "u"))
    text = re.sub(r"\{[^{}]*\}", "", text).strip() or "1"
    if text in WHOLE:
        return WHOLE[text]
    text = _SUPERSCRIPT_POWER.sub(lambda found: "10^" + found.group(1).translate(_SUPERSCRIPTS), text).translate(_SUPERSCRIPTS).lower()
    if text in WHOLE:
        return WHOLE[text]
    for pattern, plain in _SPELLINGS:
        text = pattern.sub(plain, text)
    text = re.sub(r"\s*/\s*", "/", text)
    text = re.sub(r"[.\s]([a-z]+)-1", r"/\1", text)
    parts = text.split("/")
    factor = 1.0
    powers: dict[str, int] = {}
    for place, part in enumerate(parts):
        sign = 1 if place == 0 else -1
        if place == 0 and part == "" and len(parts) > 1:
            continue
        for atom in re.split(r"[.\s]+", part):
            atom_factor, atom_kind = _atom(atom, unit)
            factor *= atom_factor**sign
            for name, power in atom_kind:
                powers[name] = powers.get(name, 0) + sign * power
    return factor, tuple(sorted((name, power) for name, power in powers.items() if power))


def _atom(atom: str, unit: str) -> tuple[float, Kind]:
    """One factor of a unit, already in lower case."""
    if atom in PLAIN:
        return PLAIN[atom]
    if atom in PREFIXED:
        return PREFIXED[atom]
    power = _POWER.match(atom)
    if power:
        return 10.0 ** int(power.group(1)), ()
    for name, (factor, kind) in PREFIXED.items():
        prefix = atom[: -len(name)]
        if atom.endswith(name) and prefix in PREFIXES:
            return PREFIXES[prefix] * factor, kind
    raise _unknown(unit)


def _unknown(unit: object) -> InputError:
    near = near_units(unit) if isinstance(unit, str) else []
    shown = ascii(unit) if len(ascii(unit)) <= 60 else ascii(unit)[:57] + "..."
    return InputError("unit", f"{shown} is not a unit known here", "a unit such as pg/mL, pmol/L or umol/L",
                      f"Did you mean {' or '.join(near)}?" if near else "")  # fmt: skip


def _is_hba1c(kind: Kind) -> bool:
    return kind == WHOLE["mmol/mol"][1]


def _mass_to_amount(kind: Kind, target: Kind) -> int:
    """+1 when `target` is `kind` with one mass replaced by an amount, -1 for the reverse, 0 otherwise."""
    have, want = dict(kind), dict(target)
    rest = {name: power for name, power in have.items() if name not in ("mass", "amount")}
    if rest != {name: power for name, power in want.items() if name not in ("mass", "amount")}:
        return 0
    moved = want.get("amount", 0) - have.get("amount", 0)
    return moved if abs(moved) == 1 and have.get("mass", 0) - want.get("mass", 0) == moved else 0
