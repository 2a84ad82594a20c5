"""Units: what laboratories print, converted and refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from corrin.errors import CorrinError, InputError
from corrin.units import convert, convertible, dimension

COBALAMIN = 1355.37


@pytest.mark.parametrize(
    ("value", "unit", "to", "molar_mass", "expected"),
    [
        (1.0, "pg/mL", "ng/L", None, 1.0),
        (180.0, "pg/mL", "pmol/L", COBALAMIN, 132.8),
        (30.0, "ng/mL", "pmol/L", COBALAMIN, 22134.0),
        (258.0, "pmol/L", "ng/L", COBALAMIN, 349.7),
        (0.4, "umol/L", "nmol/L", None, 400.0),
        (0.4, "µmol/L", "nmol/l", None, 400.0),
        (0.4, "mcmol/L", "NMOL/L", None, 400.0),
        (1.0, "umol/L", "ug/L", 118.09, 118.09),
        (89.0, "nmol/mL", "umol/L", None, 89.0),
        (4.7, "g/dL", "g/L", None, 47.0),
        (4680.0, "/uL", "10*9/L", None, 4.68),
        (4.68, "x10^9/L", "/uL", None, 4680.0),
        (45.0, "K/uL", "10⁹/L", None, 45.0),
        (42.0, "%", "L/L", None, 0.42),
        (48.0, "mmol/mol", "%", None, 6.542),
        (6.5, "%", "mmol/mol", None, 47.54),
        (4.4, "ng/mL", "nmol/L", 441.4, 9.97),
        (90.0, "mL/min/1.73m2", "mL/min/{1.73_m2}", None, 90.0),
        (90.0, "mL/min/1.73 m²", "mL/min/1.73m2", None, 90.0),
        (1.0, "mg/d", "ug/d", None, 1000.0),
        (7.0, "ug/wk", "ug/d", None, 1.0),
        (2.0, "a", "d", None, 730.5),
        (4.0, "mEq/L", "mmol/L", None, 4.0),
        (100.0, "nM", "nmol/L", None, 100.0),
        (5.0, "kIU/L", "IU/mL", None, 5.0),
        (250.0, "pmol.L-1", "pmol/L", None, 250.0),
        (40.0, "m/s", "mm/ms", None, 40.0),
    ],
)
def test_known_conversions(value: float, unit: str, to: str, molar_mass: float | None, expected: float) -> None:
    assert convert(value, unit, to, molar_mass) == pytest.approx(expected, rel=1e-3)


SPELLINGS = {
    "umol/L": (
        "umol/l",
        "\u00b5mol/L",
        "\u03bcmol/L",
        "mcmol/L",
        "micromol/L",
        "micromoles/litre",
        "[umol]/L",
        "umol\u00b7L-1",
        "umol.L^-1",
        "\u00b5mol / L",
    ),
    "pg/mL": ("pg/ml", "PG/ML", "pg/cc", "picograms per milliliter"),
    "nmol/L": ("nmol/l", "nmol/L{serum}", "nanomoles/liter", "nM"),
    "10*9/L": ("10*3/uL", "10^3/\u00b5L", "X10E+3/UL", "x10(3)/mcL", "K/uL", "Thousand/uL", "thou/cmm", "th/mm3", "10*3/mm^3"),
    "mL/min/1.73m2": (
        "mL/min/{1.73_m2}",
        "mL/min/[1.73_m2]",
        "ml/min/1.73",
        "mL/min per 1.73 m2",
        "mL/min/1.73 sqm",
        "mL/min/1.73 m\u00b2",
    ),
    "g/dL": ("gm/dL", "g/dl", "grams/deciliter"),
    "fL": ("fl", "um3", "um*3", "cubic um"),
    "%": ("% of total Hgb", "%{HemoglobinA1C}"),
    "ug": ("mcg", "\u00b5g", "\u03bcg", "micrograms", "microgram"),
    "U/mL": ("[IU]/mL", "IU/ml", "[arb'U]/mL", "k[IU]/L"),
}


@pytest.mark.parametrize(("unit", "spelt"), [(unit, spelt) for unit, every in SPELLINGS.items() for spelt in every])
def test_spellings_seen_in_reports(unit: str, spelt: str) -> None:
    assert convert(1.0, spelt, unit) == pytest.approx(1.0, rel=1e-12)


def test_the_pound_is_exact() -> None:
    assert convert(1.0, "[lb_av]", "kg") == pytest.approx(0.45359237, rel=1e-15)


@pytest.mark.parametrize(("unit", "words"), [("pg/mL", "mass/volume"), ("/uL", "number/volume"), ("%", "number"), ("d", "time")])
def test_dimension(unit: str, words: str) -> None:
    assert dimension(unit) == words


@pytest.mark.parametrize("unit", ["", "   ", "pgg/mL", "banana", "mL//", "/", "pg/mL/mL/xx", "10*999/L", "a" * 1000, "{}{", "\ud800"])
def test_unknown_unit_is_refused(unit: str) -> None:
    with pytest.raises(InputError):
        convert(1.0, unit, "pmol/L", COBALAMIN)


def test_near_unit_is_named() -> None:
    with pytest.raises(InputError, match="pmol/L"):
        convert(1.0, "pmoll/L", "pmol/L")


def test_other_kind_is_refused() -> None:
    with pytest.raises(InputError, match="measures"):
        convert(1.0, "fL", "pmol/L")
    with pytest.raises(InputError, match="molar mass"):
        convert(1.0, "pg/mL", "pmol/L")
    with pytest.raises(InputError, match="finite"):
        convert(float("nan"), "pg/mL", "ng/L")
    assert not convertible("fL", "pmol/L")
    assert not convertible("nonsense", "pmol/L")


CONCENTRATIONS = ("pg/mL", "ng/L", "ng/mL", "ug/dL", "mg/dL", "g/L", "pmol/L", "nmol/mL", "umol/L", "mmol/L", "nM")
numbers = some.floats(1e-6, 1e6)
masses = some.floats(10.0, 2000.0)
concentrations = some.sampled_from(CONCENTRATIONS)


@given(numbers, concentrations, concentrations, masses)
def test_there_and_back(value: float, unit: str, to: str, molar_mass: float) -> None:
    assert convert(convert(value, unit, to, molar_mass), to, unit, molar_mass) == pytest.approx(value, rel=1e-12)


@given(numbers, concentrations, concentrations, concentrations, masses)
def test_two_steps_are_one(value: float, first: str, second: str, third: str, molar_mass: float) -> None:
    by_way = convert(convert(value, first, second, molar_mass), second, third, molar_mass)
    assert by_way == pytest.approx(convert(value, first, third, molar_mass), rel=1e-12)


@given(numbers, some.floats(1e-3, 1e3), concentrations, concentrations, masses)
def test_scale(value: float, times: float, unit: str, to: str, molar_mass: float) -> None:
    assert convert(times * value, unit, to, molar_mass) == pytest.approx(times * convert(value, unit, to, molar_mass), rel=1e-12)


@given(some.text(max_size=50))
def test_any_text_is_understood_or_refused_politely(text: str) -> None:
    with contextlib.suppress(CorrinError):
        convert(1.0, text, "pmol/L", COBALAMIN)
