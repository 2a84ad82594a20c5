"""The program as JAX arrays against the compiled lanes, on the CPU: one trace, two emitters, the same readings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import bodies
from corrin.engine import rest, simulate
from corrin.engine.simulate import Kernel

pytest.importorskip("jax", reason="the extra `gpu` is not installed")
PEOPLE = 32
INJECTION = 738.0
EVENTS: dict[str, Any] = {
    "days": 30.0,
    "doses": [(0.0, "injected_O", INJECTION), (2.0, "oral_C", INJECTION), (2.0, "oral_C", 2 * INJECTION), (9.0, "injected_C", INJECTION),
              (30.0, "injected_O", INJECTION)],
    "changes": [(4.0, {"nitrous_oxide": 1.0}), (4.25, {"nitrous_oxide": 0.0}), (12.0, {"food_ug_d": 0.5})],
    "times": [0.04, 1.0, 2.0, 4.25, 9.5, 21.0],
}  # fmt: skip
"""An injection at 0, two doses at one instant, nitrous oxide for six hours, a change of diet, a dose at the last instant."""


@pytest.fixture(scope="module")
def arrays() -> Kernel:
    from corrin.engine.gpu import on_gpu

    return on_gpu(bodies.kernel())


@pytest.mark.slow
def test_arrays_and_lanes_agree(arrays: Kernel) -> None:
    parameters = bodies.people(PEOPLE, seed=11)
    exposure = bodies.exposures(PEOPLE, age_y=np.linspace(30.0, 75.0, PEOPLE), food_ug_d=np.linspace(3.0, 6.0, PEOPLE))
    state = bodies.settled(parameters, exposure)
    plan, _ = bodies.schedule(exposure, **EVENTS)
    grid = simulate.find_grid(bodies.kernel(), state, parameters, plan, 1e-3)
    one = simulate.simulate(bodies.kernel(), state, parameters, plan, grid, certify=False)
    other = simulate.simulate(arrays, state, parameters, plan, grid, certify=False)
    assert not other.failed.any()
    scale = np.maximum(np.abs(one.readings), 0.01 * np.abs(one.readings).max(axis=(0, 1), keepdims=True) + 1e-9)
    assert float(np.max(np.abs(one.readings - other.readings) / scale)) < 1e-3
    floors = np.array(arrays.model.floors)
    assert float(np.max(np.abs(one.end - other.end) / (np.abs(one.end) + floors))) < 1e-3

    # The states that lead take the same steps in both; where the followers close every step too, the numbers are the same to rounding.
    lead = [place for place in arrays.order if arrays.model.pools[place] in ("depot_c", "depot_o", "free_c", "free_o")]
    assert lead
    whole = replace(grid, closes=None)
    one = simulate.simulate(bodies.kernel(), state, parameters, plan, whole, certify=False)
    other = simulate.simulate(arrays, state, parameters, plan, whole, certify=False)
    np.testing.assert_allclose(other.end[:, lead], one.end[:, lead], rtol=1e-6, atol=1e-9)
    # The certificate is of the same size: it flags the same people.
    assert float(np.median(np.abs(np.log((other.accumulated + 1e-12) / (one.accumulated + 1e-12))))) < 1.0


def test_people_do_not_feel_each_other(arrays: Kernel) -> None:
    parameters = bodies.people(3, seed=5)
    exposure = bodies.exposures(3, age_y=50.0)
    state = bodies.settled(parameters, exposure)
    plan, _ = bodies.schedule(exposure, 2.0, [(0.5, "oral_C", 100.0)], times=[1.0])
    grid = simulate.find_grid(bodies.kernel(), state, parameters, plan, 1e-2)
    together = simulate.simulate(arrays, state, parameters, plan, grid, certify=False)
    alone = simulate.simulate(arrays, state[1:2], parameters[1:2], plan.only(np.array([1])), grid, certify=False)
    np.testing.assert_allclose(alone.readings[0], together.readings[1], rtol=1e-12)


def test_at_rest_without_any_dose(arrays: Kernel) -> None:
    parameters = bodies.people(3, seed=6)
    exposure = bodies.exposures(3, age_y=50.0)
    floors = np.array(arrays.model.floors)
    one = rest.settle(bodies.kernel(), parameters, exposure, parameters, exposure)
    other = rest.settle(arrays, parameters, exposure, parameters, exposure)
    assert float(np.max(np.abs(one - other) / (np.abs(one) + floors))) < 1e-4
