"""The engine against a second solver, its order, its events, its certificate, and the same bytes whatever the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bodies
from corrin.body.flow import Change, Mechanism, Pool, Reading
from corrin.body.plain import run_plain
from corrin.body.system import System
from corrin.engine import rest, rosenbrock, simulate
from corrin.engine.emit import lanes
from corrin.engine.model import build
from corrin.engine.simulate import Grid
from corrin.errors import Bug

PEOPLE, COMPARED = simulate.PANEL, 2


# ---- order of the method -------------------------------------------------------------------------------------------------------------


def test_coefficients_are_of_order_four_on_a_stiff_linear_system() -> None:
    """RODAS4 on y' = A y with known solution, in plain numpy: halving the step divides the error by sixteen."""
    a = np.array([[-1.0, 0.4, 0.0], [0.2, -3.0, 1.0], [0.0, 0.5, -8.0]])
    values, vectors = np.linalg.eig(a)
    start = np.array([1.0, 0.5, 0.25])

    def last(steps: int) -> Any:
        h, y = 1.0 / steps, start.copy()
        w = np.eye(3) / (rosenbrock.GAMMA * h) - a
        for _ in range(steps):
            k: list[Any] = []
            u = y
            for s in range(rosenbrock.STAGES):
                if 0 < s < 5:
                    u = y + sum(c * k[j] for j, c in enumerate(rosenbrock.A[s]))
                elif s == 5:
                    u = u + k[4]
                k.append(np.linalg.solve(w, a @ u + sum((c / h * k[j] for j, c in enumerate(rosenbrock.C[s])), np.zeros(3))))
            y = u + k[5]
        return y

    exact = (vectors @ np.diag(np.exp(values)) @ np.linalg.solve(vectors, start)).real
    errors = [np.abs(last(n) - exact).max() for n in (8, 16, 32)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders.min() > 3.7, orders


@pytest.fixture(scope="module")
def typical() -> tuple[Any, Any, Any]:
    parameters = bodies.row(bodies.typical())[None]
    exposure = bodies.exposures(1, age_y=40.0)
    return bodies.settled(parameters, exposure), parameters, exposure


def fixed_steps(state: Any, parameters: Any, exposure: Any, days: float, steps: int) -> Any:
    schedule = rest.constant(bodies.kernel(), 1, days, exposure)
    grid = Grid(np.array([0, steps]), np.full(steps, 1.0 / steps))
    return simulate.simulate(bodies.kernel(), state, parameters, schedule, grid, certify=False).end[0]


def test_order_four_on_the_body(typical: Any) -> None:
    """A smooth stretch: the person eats half as much; no dose, no corner."""
    state, parameters, _ = typical
    less = bodies.exposures(1, age_y=40.0, food_ug_d=2.0)
    floors = np.array(bodies.kernel().model.floors)
    best = fixed_steps(state, parameters, less, 0.5, 512)
    errors = [np.max(np.abs(fixed_steps(state, parameters, less, 0.5, n) - best) / (np.abs(best) + floors)) for n in (8, 16, 32)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders.max() > 3.5, (orders, errors)
    assert orders.min() > 2.8, (orders, errors)


# ---- events, against the plain solver ------------------------------------------------------------------------------------------------

INJECTION, TABLET = 738.0, 738.0
SCHEDULES: dict[str, dict[str, Any]] = {
    "injection of hydroxocobalamin at 0": {"days": 30.0, "doses": [(0.0, "injected_O", INJECTION)], "times": [0.04, 0.2, 1.0, 3.0, 21.0]},
    "two doses at one instant": {
        "days": 5.0, "doses": [(1.0, "oral_C", TABLET), (1.0, "oral_C", 2 * TABLET), (1.0, "injected_C", INJECTION)],
        "times": [1.0, 1.1, 1.5, 3.0],
    },
    "a dose at the very last instant": {
        "days": 4.0, "doses": [(2.0, "injected_O", INJECTION), (4.0, "injected_C", INJECTION)], "times": [2.2],
    },
    "1 mg by mouth daily for two weeks": {
        "days": 16.0, "doses": [(float(d), "oral_C", TABLET) for d in range(14)], "times": [0.3, 7.0, 13.4, 15.0],
    },
    "nitrous oxide for six hours": {
        "days": 8.0, "changes": [(1.0, {"nitrous_oxide": 1.0}), (1.25, {"nitrous_oxide": 0.0})], "times": [1.05, 1.25, 2.0, 4.0],
    },
    "stop and restart": {
        "days": 60.0,
        "doses": [(float(d), "oral_O", 100.0) for d in (*range(5), *range(50, 55))],
        "changes": [(5.0, {"food_ug_d": 0.5, "m_intrinsic_factor": 0.05}), (50.0, {"food_ug_d": 6.0})],
        "times": [5.0, 30.0, 50.5, 55.0],
    },
    "through the nose and into a vein": {
        "days": 2.0, "doses": [(0.0, "nasal_C", INJECTION), (0.5, "intravenous_C", 10.0), (1.0, "intravenous_O", 10.0)],
        "times": [0.1, 0.52, 1.5],
    },
}  # fmt: skip


SMALL = {"%": 10.0, "SD": 1.0, "points": 1.0, "probability": 0.1}
"""Size of a reading below which its error is not taken relative to it any more, as pools have a floor."""


@pytest.fixture(scope="module")
def drawn() -> tuple[Any, Any, Any]:
    """A panel of drawn people at rest, as the engine uses one to find its steps; the second has a fast cell pool."""
    parameters = bodies.people(PEOPLE, seed=11)
    parameters[:2, bodies.kernel().model.parameters.index("cell_pool")] = [0.0, 1.0]
    exposure = bodies.exposures(PEOPLE, age_y=np.linspace(30.0, 75.0, PEOPLE), food_ug_d=np.linspace(3.0, 6.0, PEOPLE))
    return bodies.settled(parameters, exposure), parameters, exposure


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_two_engines_agree(name: str, drawn: Any) -> None:
    state, parameters, exposure = drawn
    events = SCHEDULES[name]
    fast = bodies.run(state, parameters, exposure, **events)
    assert not fast.failed.any()
    model = bodies.kernel().model
    floors = np.array(model.floors)
    for person in range(COMPARED):
        slow = run_plain(
            bodies.body(),
            dict(zip(model.parameters, parameters[person], strict=True)),
            dict(zip(model.exposures, exposure[:, person], strict=True)),
            events["days"],
            dict(zip(model.pools, state[person], strict=True)),
            events.get("doses", ()),
            events.get("changes", ()),
            fast.times.tolist(),
            rtol=1e-6,
        )
        for reading in bodies.body().readings:
            np.testing.assert_allclose(
                fast.at[reading.name][person],
                slow.readings[reading.name],
                rtol=1e-3,
                atol=1e-3 * SMALL.get(reading.unit, 0.0),
                err_msg=f"{name}: {reading.name}",
            )
        end = np.array([slow.end[pool] for pool in model.pools])
        worst = np.abs(fast.end[person] - end) / (np.abs(end) + floors)
        assert worst.max() < 1e-3, (name, model.pools[int(worst.argmax())])


def test_every_dose_counts(typical: Any) -> None:
    """At 0, twice at one instant, and at the last instant: what the pools hold just after is what was given."""
    state, parameters, exposure = typical
    depot = bodies.kernel().model.pools.index("depot_c")
    for doses in ([(1e-6, "injected_C", 5.0)] * 2, [(1.0, "injected_C", 10.0)], [(1.0, "injected_C", 4.0), (1.0, "injected_C", 6.0)]):
        days = doses[0][0]
        end = bodies.run(state, parameters, exposure, days, doses).end[0]
        assert end[depot] == pytest.approx(10.0, rel=1e-12)


def test_a_missed_dose_is_a_zero_amount(typical: Any) -> None:
    state, parameters, exposure = (np.repeat(v, 2, axis=axis) for v, axis in zip(typical, (0, 0, 1), strict=True))
    both = bodies.run(state, parameters, exposure, 3.0, [(1.0, "oral_C", np.array([738.0, 0.0]))], times=[2.0])
    none = bodies.run(state, parameters, exposure, 3.0, times=[2.0])
    assert both.at["serum_b12"][0, 0] > 1.05 * both.at["serum_b12"][1, 0]
    np.testing.assert_allclose(both.at["serum_b12"][1], none.at["serum_b12"][1], rtol=1e-4)


# ---- batch, threads, failures --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd() -> tuple[Any, Any, Any, Any, Any]:
    """200 people on a month of tablets, with a grid from the first 32."""
    parameters = bodies.people(200, seed=4)
    exposure = bodies.exposures(200, age_y=60.0)
    state = bodies.settled(parameters, exposure)
    made, _ = bodies.schedule(exposure, 20.0, [(float(d), "oral_C", 738.0) for d in range(10)], times=[5.0, 9.5])
    few = np.arange(200) < simulate.PANEL
    grid = simulate.find_grid(bodies.kernel(), state[few], parameters[few], made.only(few))
    return state, parameters, made, grid, simulate.simulate(bodies.kernel(), state, parameters, made, grid)


@pytest.mark.parametrize("count", [1, 8, 64])
def test_same_bytes_whatever_the_batch(crowd: Any, count: int) -> None:
    state, parameters, made, grid, whole = crowd
    few = np.arange(200) < count
    part = simulate.simulate(bodies.kernel(), state[few], parameters[few], made.only(few), grid)
    assert part.end.tobytes() == whole.end[few].tobytes()
    assert part.readings.tobytes() == whole.readings[few].tobytes()


@pytest.mark.parametrize(("threads", "tiles"), [("1", 1), ("2", 3), ("3", 100)])
def test_same_bytes_whatever_the_threads(crowd: Any, threads: str, tiles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    state, parameters, made, grid, whole = crowd
    monkeypatch.setenv("CORRIN_THREADS", threads)
    monkeypatch.setattr(simulate, "BLOCK_TILES", tiles)
    simulate.pool.cache_clear()
    try:
        run = simulate.simulate(bodies.kernel(), state, parameters, made, grid)
        simulate.pool().shutdown()
    finally:
        simulate.pool.cache_clear()
    assert run.readings.tobytes() == whole.readings.tobytes()


def test_a_coarse_grid_is_flagged_and_mended(crowd: Any) -> None:
    state, parameters, made, grid, whole = crowd
    first, steps = [0], []
    for low, high in zip(grid.first[:-1], grid.first[1:], strict=True):  # six steps become one
        merged = [float(grid.steps[i : min(i + 6, high)].sum()) for i in range(low, high, 6)]
        steps += merged
        first.append(len(steps))
    coarse = Grid(np.array(first), np.array(steps))
    rough = simulate.simulate(bodies.kernel(), state, parameters, made, coarse, certify=False)
    assert (rough.accumulated > simulate.CERTIFIED).all()
    mended = simulate.simulate(bodies.kernel(), state, parameters, made, coarse)
    assert mended.again >= 200
    serum = bodies.kernel().model.readings.index("serum_b12")

    def off(run: Any) -> float:
        found = np.abs(run.readings[:, :, serum] / whole.readings[:, :, serum] - 1.0)
        return float(np.max(np.nan_to_num(found, nan=np.inf)))  # a course that ran wild is as far off as can be

    assert off(mended) < 1e-3 < off(rough)


def test_one_person_without_a_solution_spoils_nobody(crowd: Any) -> None:
    state, parameters, made, grid, whole = crowd
    broken = parameters.copy()
    broken[17, bodies.kernel().model.parameters.index("store_release")] = np.nan
    run = simulate.simulate(bodies.kernel(), state, broken, made, grid)
    assert run.failed.sum() == 1
    assert run.failed[17]
    others = ~run.failed
    assert run.end[others].tobytes() == whole.end[others].tobytes()
    assert np.isfinite(run.readings[others]).all()


def test_a_run_can_be_cancelled(crowd: Any) -> None:
    state, parameters, made, grid, _ = crowd
    stop = simulate.Cancel()
    stop.cancel()
    with pytest.raises(simulate.Stopped):
        simulate.simulate(bodies.kernel(), state, parameters, made, grid, cancel=stop)


def test_progress_ends_at_one(crowd: Any) -> None:
    state, parameters, made, grid, _ = crowd
    seen: list[float] = []
    simulate.simulate(bodies.kernel(), state, parameters, made, grid, progress=seen.append)
    assert seen[-1] == 1.0
    assert seen == sorted(seen)


def test_a_schedule_needs_doses_for_the_end(crowd: Any) -> None:
    state, parameters, made, grid, _ = crowd
    short = simulate.replace(made, doses=made.doses[:-1])
    with pytest.raises(Bug, match="one for the end"):
        simulate.simulate(bodies.kernel(), state, parameters, short, grid)


# ---- a small system with a known answer ----------------------------------------------------------------------------------------------


def test_a_chain_with_a_known_solution(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pools in a row; the second is a difference of exponentials."""
    monkeypatch.setenv("CORRIN_CACHE_DIR", str(tmp_path))
    chain = Mechanism(
        "chain",
        pools=(Pool("a", "nmol", 1.0, 1e-3), Pool("b", "nmol", 0.0, 1e-3)),
        changes=(Change("a", lambda y, p, x: -p.fast * y.a), Change("b", lambda y, p, x: p.fast * y.a - p.slow * y.b)),
        readings=(Reading("b", "nmol", "labs", "b", lambda y, p, x: y.b),),
    )
    model = build(System((chain,), ("fast", "slow"), inputs={}))
    small = simulate.kernel(model)
    start, parameters = np.array([[1.0, 0.0]]), np.array([[40.0, 0.1]])
    schedule = rest.constant(small, 1, 10.0, np.zeros((0, 1)), stops=(0.01, 0.1, 1.0))
    grid = simulate.find_grid(small, start, parameters, schedule, 1e-4)
    run = simulate.simulate(small, start, parameters, schedule, grid)
    t = np.array([0.1, 1.0, 10.0])
    exact = 40.0 / 39.9 * (np.exp(-0.1 * t) - np.exp(-40.0 * t))
    np.testing.assert_allclose(run.readings[0, :, 0], exact, rtol=2e-4)


def test_what_depends_on_time_is_looked_at_at_the_right_places() -> None:
    """The weights for equations that depend on time follow from the other coefficients (Hairer and Wanner, IV.7, 7.18 to 7.25)."""
    size = rosenbrock.STAGES
    a, c = np.zeros((size, size)), np.zeros((size, size))
    for stage, row in enumerate((*rosenbrock.A, (*rosenbrock.A[4], 1.0))):
        a[stage, : len(row)] = row
    for stage, row in enumerate(rosenbrock.C):
        c[stage, : len(row)] = row
    gamma = np.linalg.inv(np.eye(size) / rosenbrock.GAMMA - c)
    np.testing.assert_allclose((a @ gamma).sum(axis=1), rosenbrock.NODES, atol=1e-12)
    np.testing.assert_allclose(gamma.sum(axis=1), rosenbrock.PUSH, atol=1e-12)


def test_marrow_and_nerve_follow() -> None:
    """Whatever no dose reaches and nothing a dose reaches looks at takes longer steps; the order of states is that."""
    made = bodies.kernel()
    behind = lanes.followers(made.model)
    names = {made.model.pools[k] for k in behind}
    assert {"red_volume1", "marrow1", "progenitors", "demyelinated_foot", "lost_dorsal", "slowed_by_glucose"} <= names
    assert not names & {"plasma_o", "store", "cell", "synthase", "mma", "homocysteine", "intrinsic_factor_output"}
    for row, entries in enumerate(made.model.jacobian):
        assert row in behind or not set(entries) & set(behind)
    assert sorted(made.order) == list(range(len(made.model.pools)))
    assert list(made.order[-len(behind) :]) == behind


def test_longer_steps_of_the_followers_change_little(crowd: Any) -> None:
    """Against the same steps taken by all states together."""
    state, parameters, made, grid, _ = crowd
    assert grid.closes is not None
    assert grid.closes.sum() < 0.6 * len(grid.steps)
    kernel = bodies.kernel()
    apart = simulate.simulate(kernel, state, parameters, made, grid, certify=False).readings
    together = simulate.simulate(kernel, state, parameters, made, Grid(grid.first, grid.steps), certify=False).readings
    scale = np.maximum(np.abs(together), 0.01 * np.abs(together).max(axis=(0, 1)) + 1e-9)
    off = np.abs(apart - together) / scale
    assert 0.0 < np.quantile(off.max(axis=(1, 2)), 0.9) < 1e-3
