"""Steps after a dose: binding to transcobalamin at equilibrium is the limit of fast binding; what passes is held loosely while nobody
reads, and readings do not tell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import bodies
from corrin.body import blood
from corrin.engine import simulate
from corrin.engine.emit import lanes
from corrin.engine.model import build
from corrin.engine.simulate import Grid
from corrin.engine.tangent import Tangent

INJECTION, MONTH = 738.0, 30.0


def test_binding_at_equilibrium_is_the_limit_of_fast_binding() -> None:
    """Free B12, transcobalamin and what it carries, with association written out as a reaction: the faster it is, the closer to the
    equilibrium of blood.py, in proportion."""
    p = bodies.typical()
    capacity, cleared, uptake, constant = 2.0, 10.0, p["tc_uptake_rate"], p["binding_constant"]

    def slowly(rate: float) -> Any:
        def slopes(t: float, y: Any) -> Any:
            free, empty, bound = y
            binds = rate * (free * empty - constant * bound)
            return [-cleared * free - binds, uptake * bound - binds, binds - uptake * bound]  # the carrier is made anew as it is used

        return slopes

    def at_once(t: float, y: Any) -> Any:
        state = SimpleNamespace(plasma_c=y[0], plasma_o=0.0, transcobalamin=capacity)
        bound = blood.holotranscobalamin(state, SimpleNamespace(**p))
        return [-cleared * (y[0] - bound) - uptake * bound]

    days = np.linspace(0.02, 0.4, 20)

    def run(slopes: Any, start: list[float]) -> Any:
        return solve_ivp(slopes, (0.0, 0.4), start, "Radau", days, rtol=1e-10, atol=1e-13).y

    limit = run(at_once, [50.0])[0]
    off = []
    for rate in (1e4, 1e5, 1e6):
        free, _, bound = run(slowly(rate), [50.0, capacity, 0.0])
        off.append(float(np.max(np.abs(free + bound - limit) / limit)))
    assert off[0] / off[1] == pytest.approx(10.0, rel=0.2)
    assert off[1] / off[2] == pytest.approx(10.0, rel=0.2)
    assert off[2] < 1e-3


def test_what_passes_is_where_doses_go() -> None:
    model = bodies.kernel().model
    names = {model.pools[k] for k in lanes.passing(model)}
    assert {"gut_c", "depot_o", "plasma_c", "transcobalamin", "captured", "loose"} <= names
    assert not names & {"store", "cell", "mma", "homocysteine", "synthase", "intrinsic_factor_output", "reticulocytes", "lost_dorsal"}
    assert lanes.passing(build(Tangent(model.system))) == []  # all in one place: nothing is told apart


def test_days_to_the_next_reading() -> None:
    """Counted for the person whose segments are shortest; the end is read."""
    exposure = bodies.exposures(2)
    made, _ = bodies.schedule(exposure, 10.0, [(4.0, "oral_C", 1.0), (7.0, "oral_C", 1.0)], times=[5.0])
    ready = simulate._prepare(bodies.kernel(), np.zeros((2, len(bodies.kernel().order))), np.zeros((2, 3)), made)
    assert made.outputs == [[-1], [0, -1], [1]]
    np.testing.assert_allclose(simulate._ahead(made, ready), [1.0, 0.0, 3.0, 0.0], atol=1e-12)


@pytest.fixture(scope="module")
def treated() -> tuple[Any, Any, Any]:
    """People who eat too little, in balance; the first are the panel."""
    count = simulate.PANEL + 32
    parameters = bodies.people(count, seed=23)
    exposure = bodies.exposures(count, age_y=60.0, food_ug_d=1.0)
    return bodies.settled(parameters, exposure), parameters, exposure


def grids(treated: Any, days: float, doses: Any, times: Any) -> tuple[Any, Grid, Grid]:
    """The schedule, the grid as it is made, and one that holds everything to the same tolerance."""
    state, parameters, exposure = treated
    made, _ = bodies.schedule(exposure, days, doses, times=times)
    panel = np.arange(len(state)) < simulate.PANEL
    some = (bodies.kernel(), state[panel], parameters[panel], made.only(panel), simulate.TOLERANCE)
    return made, simulate.find_grid(*some), simulate.find_grid(*some, unread=simulate.TOLERANCE)


@pytest.mark.parametrize("kind", ["injected_O", "injected_C"])
def test_a_fifth_fewer_steps_at_the_same_error(treated: Any, kind: str) -> None:
    """Monthly injections read monthly, on people the grid was not made for, against every step cut in eight. (The worst of them are as far
    off with either grid: one in hundreds, whose nerve or marrow turns at that time.)"""
    months = [MONTH * k for k in range(6)]
    made, grid, strict = grids(treated, 6 * MONTH, [(day, kind, INJECTION) for day in months], months[1:])
    assert len(grid.steps) < 0.8 * len(strict.steps)
    state, parameters, _ = treated
    fresh = np.arange(len(state)) >= simulate.PANEL
    args = (bodies.kernel(), state[fresh], parameters[fresh], made.only(fresh))

    def readings(one: Grid, cut: int) -> Any:
        return simulate._pass(*args, one, cut, None, None).readings

    exact = readings(Grid(strict.first, strict.steps), 8)
    scale = np.maximum(np.abs(exact), 0.01 * np.abs(exact).max(axis=(0, 1)) + 1e-3)
    error, before = (np.quantile((np.abs(readings(one, 1) - exact) / scale).max(axis=(1, 2)), 0.9) for one in (grid, strict))
    assert error < 2e-4, (error, before)


def test_a_reading_soon_after_a_dose_is_waited_for(treated: Any) -> None:
    """Where it is read within two days of a dose, no step is looser."""
    _, grid, strict = grids(treated, 2.0, [(0.0, "injected_O", INJECTION)], [0.1, 0.5, 1.0, 1.5])
    assert grid.steps.tobytes() == strict.steps.tobytes()
