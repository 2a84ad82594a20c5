"""Single precision with carried rounding: as good as double for readings, the same bytes whatever the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bodies
from corrin.engine import simulate
from corrin.engine.emit import lanes
from corrin.engine.emit.march import TAKES
from corrin.engine.emit.narrow import SMALLEST, narrowed
from corrin.engine.single import in_single


@pytest.fixture(scope="module")
def injected() -> tuple[Any, Any, Any, Any, Any]:
    """People who eat too little, given an injection a month for two years; the grid is of the first."""
    count = simulate.PANEL + 40
    parameters = bodies.people(count, seed=31)
    exposure = bodies.exposures(count, age_y=60.0, food_ug_d=1.0)
    state = bodies.settled(parameters, exposure)
    months = [30.0 * k for k in range(24)]
    made, _ = bodies.schedule(exposure, 720.0, [(day, "injected_O", 738.0) for day in months], times=months[1:])
    few = np.arange(count) < simulate.PANEL
    grid = simulate.find_grid(bodies.kernel(), state[few], parameters[few], made.only(few))
    quick = in_single(bodies.kernel())
    return state, parameters, made, grid, simulate.simulate(quick, state, parameters, made, grid)


def test_readings_are_those_of_double_precision(injected: Any) -> None:
    """Within a tenth of what is allowed (1e-4) of the same steps in double precision."""
    state, parameters, made, grid, found = injected
    exact = simulate.simulate(bodies.kernel(), state, parameters, made, grid).readings
    scale = np.maximum(np.abs(exact), 0.01 * np.abs(exact).max(axis=(0, 1)) + 1e-3)
    assert 0.0 < np.max(np.abs(found.readings - exact) / scale) < 2e-5
    assert not found.failed.any()


@pytest.mark.parametrize("count", [1, 16, 25])
def test_same_bytes_whatever_the_batch(injected: Any, count: int) -> None:
    state, parameters, made, grid, whole = injected
    few = np.arange(len(state)) < count
    part = simulate.simulate(in_single(bodies.kernel()), state[few], parameters[few], made.only(few), grid)
    assert part.readings.tobytes() == whole.readings[few].tobytes()
    assert part.end.tobytes() == whole.end[few].tobytes()


def test_who_is_run_again_is_run_in_double_precision(injected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state, parameters, made, grid, _ = injected
    monkeypatch.setattr(simulate, "CERTIFIED", 1e-9)
    few = np.arange(len(state)) < 8
    args = (state[few], parameters[few], made.only(few), grid)
    quick, exact = (simulate.simulate(kernel, *args) for kernel in (in_single(bodies.kernel()), bodies.kernel()))
    assert quick.again > 0
    assert quick.readings.tobytes() == exact.readings.tobytes()


def test_the_text_is_narrow_throughout() -> None:
    """No double is left in the vector code, no constant becomes denormal, and the arrays handed over are the ones the loop knows."""
    made = bodies.kernel()
    text = lanes.source(made.model, 16, single=True)
    vector = text[text.index("VECTOR = ") : text.index('"""', text.index("VECTOR = ") + 13)]
    assert "double" not in vector
    assert "f64" not in vector
    small = narrowed('VECTOR = r"""@corrin_0123456789abcdef_x double 0x37A16C262777579C"""', 8)  # 1e-40
    assert f"0x{np.float64(SMALLEST).view(np.uint64):016X}" in small
    assert [taken.split(":")[0] for taken in TAKES if ":real" in taken] == ["Y", "P", "X", "OUT"]  # what `Kernel.number` is for


def test_a_kernel_off_the_lanes_stays_as_it_is() -> None:
    elsewhere = simulate.Kernel(bodies.kernel().model, bodies.kernel().march, bodies.kernel().order, passes=lambda *given: None)  # type: ignore[arg-type,return-value]
    assert in_single(elsewhere) is elsewhere
