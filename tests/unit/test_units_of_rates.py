"""Every rate, dose and reading run on numbers that carry units (pint): the unit must come out, and so must the plain number."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import pytest

import bodies
from corrin.body import intake, ops
from corrin.facts.reader import parameters

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pint

EXPOSURES = {
    "food_ug_d": "ug/d",
    "meals_d": "1/d",
    "crystalline_ug_d": "ug/d",
    "nitrous_oxide": "",
    "age_y": "year",
    "hba1c_percent": "percent",
    "folic_acid_mg_d": "mg/d",
    "pregnancy": "",
    "lactation": "",
}
"""Units of the world's inputs, as their names say."""

SPELLED = {
    "1": "", "/d": "1/d", "/a": "1/year", "/nmol/d": "1/nmol/d", "m/s/a": "m/s/year", "m/s/%/d": "m/s/percent/d", "%": "percent",
    "mL/min/1.73m2": "mL/min/body_area", "10*9/L": "giga_cell/L", "SD": "", "points": "", "probability": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def units() -> Any:
    registry = pint.UnitRegistry()
    registry.define("body_area = 1.73 * m**2")
    registry.define("giga_cell = [cells]")
    return registry


def with_unit(units: Any, value: float, unit: str) -> Any:
    return units.Quantity(value, SPELLED.get(unit, unit))


def mixed(total: bool) -> dict[str, float]:
    """A state in which every pool holds something: at rest, then stirred, so that no term is zero."""
    return {pool.name: max(abs(pool.start), pool.floor) * (0.9 if total else 1.1) for pool in bodies.body().pools}


@pytest.fixture
def carried(units: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """(y, p, x) with units, with the bare ones of the laws carrying theirs."""
    for name in ("year", "percent", "ug", "mg", "day"):
        monkeypatch.setattr(ops.one, name, units.Quantity(1.0, name))
    system, rows = bodies.body(), parameters()
    y = SimpleNamespace(**{pool.name: with_unit(units, mixed(True)[pool.name], pool.unit) for pool in system.pools})
    p = SimpleNamespace(**{name: with_unit(units, bodies.typical()[name], rows[name].unit) for name in system.parameters})
    x = SimpleNamespace(**{name: with_unit(units, plain_exposures()[name], EXPOSURES.get(name, "")) for name in system.exposures})
    return y, system.effective(p, x), x


def plain_exposures() -> dict[str, float]:
    stirred = {
        "crystalline_ug_d": 3.0,
        "nitrous_oxide": 0.1,
        "hba1c_percent": 7.0,
        "folic_acid_mg_d": 1.0,
        "pregnancy": 0.3,
        "lactation": 0.2,
    }
    return {name: stirred.get(name, bodies.body().inputs.get(name, 1.0)) for name in bodies.body().exposures}


@pytest.fixture
def plain() -> Any:
    """The same as floats."""
    x = SimpleNamespace(**plain_exposures())
    return SimpleNamespace(**mixed(True)), bodies.body().effective(SimpleNamespace(**bodies.typical()), x), x


def same(units: Any, value: Any, expected: str, number: float, what: str) -> None:
    quantity = value if isinstance(value, units.Quantity) else units.Quantity(value, "")
    wanted = units.Quantity(1.0, SPELLED.get(expected, expected))
    assert quantity.check(wanted.dimensionality), f"{what} comes out in {quantity.units}, not {expected}"
    found = quantity.to(wanted.units).magnitude
    assert found == pytest.approx(number, rel=1e-9, abs=1e-15), f"{what}: a factor is missing between {quantity.units} and {expected}"


def cases(kind: str) -> list[str]:
    system = bodies.body()
    if kind == "flow":
        return [flow.name for flow in system.flows]
    if kind == "change":
        return [change.state for change in system.changes]
    return [reading.name for reading in system.readings]


def test_exposures_all_have_a_unit() -> None:
    assert set(EXPOSURES) == set(intake.EXPOSURES)


@pytest.mark.parametrize("name", cases("flow"))
def test_flow_moves_nmol_a_day(name: str, carried: Any, plain: Any, units: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = next(flow for flow in bodies.body().flows if flow.name == name)
    value = flow.rate(*carried)
    monkeypatch.undo()
    same(units, value, "nmol/d", flow.rate(*plain), f"flow {name}")


@pytest.mark.parametrize("name", cases("change"))
def test_change_is_the_pools_unit_a_day(name: str, carried: Any, plain: Any, units: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    change = next(change for change in bodies.body().changes if change.state == name)
    unit = next(pool.unit for pool in bodies.body().pools if pool.name == name)
    value = change.rate(*carried)
    monkeypatch.undo()
    same(units, value, f"({SPELLED.get(unit, unit) or '1'})/d", change.rate(*plain), f"change of {name}")


@pytest.mark.parametrize("name", cases("reading"))
def test_reading_comes_out_in_its_unit(name: str, carried: Any, plain: Any, units: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = next(reading for reading in bodies.body().readings if reading.name == name)
    value = reading.value(*carried)
    monkeypatch.undo()
    number = reading.value(*plain)
    if reading.unit == "%":  # a share times a hundred
        value, number, unit = value / 100.0, number / 100.0, "1"
    else:
        unit = reading.unit
    same(units, value, unit, number, f"reading {name}")


def test_dose_adds_each_pools_unit(carried: Any, plain: Any, units: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    system = bodies.body()
    pools = {pool.name: pool.unit for pool in system.pools}
    given = {kind: system.dose(kind, units.Quantity(700.0, "nmol"), *carried) for kind in system.dose_kinds}
    monkeypatch.undo()
    for kind, added in given.items():
        numbers = system.dose(kind, 700.0, *plain)
        for pool, value in added.items():
            same(units, value, pools[pool], numbers[pool], f"dose {kind} into {pool}")
