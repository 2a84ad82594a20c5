"""Leaps over days of the same doses: against every day run truly, a closed form, the ledger, a second engine; where they must not be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import bodies
from corrin.body.flow import Change, Dose, Mechanism, Pool, Reading
from corrin.body.plain import run_plain
from corrin.body.system import System
from corrin.engine import simulate
from corrin.engine.emit.leap import FEWEST, REST
from corrin.engine.model import build
from corrin.engine.rhythm import rhythm
from corrin.engine.simulate import Grid, Kernel, Schedule

UNREAD = 4e-2
TABLET = 738.0
DAYS, READ = 420, (30.0, 90.4, 180.0, 300.0, 420.0)
PEOPLE = 40


def tablets(days: int, amount: Any = TABLET, times_a_day: int = 1) -> list[tuple[float, str, Any]]:
    return [(day + part / times_a_day, "oral_C", amount) for day in range(days) for part in range(times_a_day)]


@pytest.fixture(scope="module")
def drawn() -> tuple[Any, Any, Any]:
    """People at rest: who eats enough, who is empty for want of food, and who absorbs next to nothing."""
    parameters = bodies.people(PEOPLE, seed=21)
    food = np.where(np.arange(PEOPLE) % 3 == 1, 0.4, 6.0)
    factor = np.where(np.arange(PEOPLE) % 3 == 2, 0.03, 1.0)
    exposure = bodies.exposures(PEOPLE, age_y=np.linspace(25.0, 80.0, PEOPLE), food_ug_d=food, m_intrinsic_factor=factor)
    return bodies.settled(parameters, exposure), parameters, exposure


def leaping(state: Any, parameters: Any, made: Schedule, leap: float = simulate.LEAP) -> Grid:
    few = np.arange(len(parameters)) < simulate.PANEL
    return simulate.find_grid(bodies.kernel(), state[few], parameters[few], made.only(few), unread=UNREAD, leap=leap)


@pytest.fixture(scope="module")
def daily(drawn: Any) -> tuple[Schedule, Grid]:
    state, parameters, exposure = drawn
    made, _ = bodies.schedule(exposure, float(DAYS), tablets(DAYS), times=READ)
    return made, leaping(state, parameters, made)


def off(found: Any, truth: Any) -> Any:
    """Largest relative error of each person, as docs/performance.md defines it."""
    size = np.maximum(np.abs(truth), np.maximum(0.01 * np.abs(truth).max(axis=(0, 1)), 1e-3))
    return (np.abs(found - truth) / size).max(axis=(1, 2))


# ---- against days that are all run ----------------------------------------------------------------------------------------------------


def test_fewer_steps_at_the_error_allowed(drawn: Any, daily: Any) -> None:
    """People the grid was not made for are among them."""
    state, parameters, _ = drawn
    made, grid = daily
    assert len(grid.steps) < 0.4 * len(grid.by_day.steps)
    run = simulate.simulate(bodies.kernel(), state, parameters, made, grid)
    finer = replace(grid.by_day, first=4 * grid.by_day.first, steps=np.repeat(0.25 * grid.by_day.steps, 4), closes=None)
    truth = simulate.simulate(bodies.kernel(), state, parameters, made, finer, certify=False)
    assert not run.failed.any()
    error = off(run.readings, truth.readings)
    assert error.max() < 1e-3, error
    floors = np.array(bodies.kernel().model.floors)
    assert np.max(np.abs(run.end - truth.end) / (np.abs(truth.end) + floors)) < 3e-3
    assert run.end.min() > -1e-6


def test_the_certificate_tells_what_leaps_do(drawn: Any, daily: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measured error is that against days all run; a grid that leaps far too far has one above what any answer allows."""
    state, parameters, _ = drawn
    made, grid = daily
    few = np.arange(PEOPLE) < simulate.PANEL
    k, panel = bodies.kernel(), (state[few], parameters[few], made.only(few))
    assert simulate.measured_error(k, *panel, grid) < 1e-3
    monkeypatch.setattr("corrin.engine.rhythm.SHARE", 1.0)
    wild = leaping(state, parameters, made, leap=1.0)
    assert wild.leaps is not None
    assert grid.leaps is not None
    assert wild.leaps.over.sum() > grid.leaps.over.sum()
    assert simulate.measured_error(k, *panel, wild) > 2e-3


def test_where_leaps_err_too_much_every_day_is_run(drawn: Any, daily: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state, parameters, _ = drawn
    made, grid = daily
    few = np.arange(PEOPLE) < simulate.PANEL
    k, panel = bodies.kernel(), (state[few], parameters[few], made.only(few))
    kept, error = simulate.grid_within(k, *panel, [(simulate.TOLERANCE, UNREAD, simulate.LEAP)], 1e-3)
    assert kept.leaps is not None
    assert error == simulate.measured_error(k, *panel, grid)
    monkeypatch.setattr("corrin.engine.rhythm.SHARE", 1.0)
    days, error = simulate.grid_within(k, *panel, [(simulate.TOLERANCE, UNREAD, 1.0)], 1e-3)
    assert days.leaps is None
    assert days.steps.tobytes() == grid.by_day.steps.tobytes()
    assert error <= 1e-3


def test_a_second_engine_agrees(drawn: Any) -> None:
    """A replete person and one who absorbs nothing, by SciPy on the plain rates, after six weeks with leaps."""
    state, parameters, exposure = drawn
    made, times = bodies.schedule(exposure, 44.0, tablets(44), times=[44.0])
    grid = leaping(state, parameters, made)
    assert grid.leaps is not None
    run = simulate.simulate(bodies.kernel(), state, parameters, made, grid)
    model = bodies.kernel().model
    for person in (0, 2):
        slow = run_plain(
            bodies.body(), dict(zip(model.parameters, parameters[person], strict=True)),
            dict(zip(model.exposures, exposure[:, person], strict=True)), 44.0, dict(zip(model.pools, state[person], strict=True)),
            tablets(44), (), times.tolist(), rtol=1e-5,
        )  # fmt: skip
        truth = np.array([slow.readings[name] for name in model.readings]).T
        assert off(run.readings[person][None], truth[None]).max() < 1e-3


def test_three_a_day(drawn: Any) -> None:
    """A day is then three segments, and so are leaps."""
    state, parameters, exposure = drawn
    made, _ = bodies.schedule(exposure, 150.0, tablets(150, 300.0, 3), times=[150.0])
    grid = leaping(state, parameters, made)
    assert grid.leaps is not None
    assert grid.leaps.period == 3
    assert (grid.leaps.over % 3 == 0).all()
    k = bodies.kernel()
    run = simulate.simulate(k, state, parameters, made, grid)
    assert off(run.readings, simulate.simulate(k, state, parameters, made, grid.by_day).readings).max() < 1e-3


# ---- known answers ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """A dose goes through a quick pool into one that takes weeks; what leaves that is summed up."""
    chain = Mechanism(
        "linear",
        pools=(Pool("gut", "nmol", 0.0, 0.1), Pool("body", "nmol", 0.0, 0.1), Pool("gone", "nmol", 0.0, 0.1)),
        changes=(
            Change("gut", lambda y, p, x: -p.quick * y.gut),
            Change("body", lambda y, p, x: p.quick * y.gut - p.slow * y.body),
            Change("gone", lambda y, p, x: p.slow * y.body),
        ),
        doses=(Dose("oral", "C", lambda dose, y, p, x: {"gut": dose}),),
        readings=(
            Reading("body", "nmol", "labs", "body", lambda y, p, x: y.body),
            Reading("gone", "nmol", "labs", "gone", lambda y, p, x: y.gone),
        ),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORRIN_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        made = simulate.kernel(build(System((chain,), ("quick", "slow"), inputs={})))
        simulate.find_grid(made, np.zeros((1, 3)), np.array([[9.0, 0.04]]), every_day(5, 5, 1))  # compiled while the folder stands
    return made


def every_day(days: int, read: int, people: int, dose: float = 10.0) -> Schedule:
    """A dose a day, read every `read` days."""
    ends = [(day + 1) % read == 0 for day in range(days)]
    return Schedule(
        lengths=np.ones((days, people)),
        exposures=np.zeros((1, 0, people)),
        which=np.zeros(days, np.int64),
        doses=[*([[(0, np.full(people, dose))]] * days), []],
        breaks=[[1.0]] * days,
        outputs=[[sum(ends[:day]) if ends[day] else -1] for day in range(days)],
        restart=np.full(days, 1e-2),
        rows=days // read,
    )


def test_closed_form_of_a_linear_chain(linear: Kernel) -> None:
    """A linear system has the powers of a matrix for its days. What is counted (dose in, amount gone) adds up exactly."""
    slow = np.array([0.002, 0.02, 0.08, 0.3])
    parameters = np.array([[9.0, rate] for rate in slow])
    days, read = 600, 60
    made = every_day(days, read, len(slow))
    grid = simulate.find_grid(linear, np.zeros((4, 3)), parameters, made, 1e-3, 1e-3, simulate.LEAP)
    assert grid.leaps is not None
    assert grid.leaps.over.sum() > 0.8 * days
    run = simulate.simulate(linear, np.zeros((4, 3)), parameters, made, grid)
    for person, rate in enumerate(slow):
        day = expm(np.array([[-9.0, 0.0, 0.0], [9.0, -rate, 0.0], [0.0, rate, 0.0]]))
        state, seen = np.zeros(3), []
        for number in range(days):
            state = day @ (state + np.array([10.0, 0.0, 0.0]))
            if (number + 1) % read == 0:
                seen.append(state[1:])
        np.testing.assert_allclose(run.readings[person], np.array(seen), rtol=1e-3)
    np.testing.assert_allclose(run.end.sum(axis=1), 10.0 * days, rtol=1e-10)


def test_the_ledger_balances(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the whole body with pools for what is outside: all B12 together is what was there and what was given, leaps or not."""
    monkeypatch.setenv("CORRIN_CACHE_DIR", str(tmp_path))
    ledger = bodies.body().with_ledger()
    model = build(ledger)
    k = simulate.kernel(model)
    plain = bodies.kernel().model
    assert model.parameters == plain.parameters
    parameters = bodies.people(8, seed=3)
    exposure = bodies.exposures(8, food_ug_d=np.linspace(0.5, 6.0, 8))
    begun = bodies.settled(parameters, exposure)
    state = np.zeros((8, len(model.pools)))
    state[:, [model.pools.index(name) for name in plain.pools]] = begun
    made, _ = bodies.schedule(exposure, 200.0, tablets(200), times=[100.0])
    grid = simulate.find_grid(k, state, parameters, made, unread=UNREAD, leap=simulate.LEAP)
    assert grid.leaps is not None
    assert grid.leaps.over.sum() > 60
    run = simulate.simulate(k, state, parameters, made, grid, certify=False)
    holding = [place for place, pool in enumerate(ledger.pools) if pool.b12]
    gained = run.end[:, holding].sum(axis=1) - state[:, holding].sum(axis=1)
    np.testing.assert_allclose(gained, 200 * TABLET, rtol=1e-9)


# ---- where leaps may be ------------------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(20, 90), st.sets(st.integers(1, 90), max_size=6), st.sets(st.integers(0, 89), max_size=3), st.integers(0, 2**31))
def test_what_is_read_or_changes_is_run_truly(days: int, read: set[int], missed: set[int], seed: int) -> None:
    """Whatever days are read, missed or of another exposure: none of them is leapt, nor are the days of rest before."""
    random = np.random.default_rng(seed)
    exposure = bodies.exposures(2, food_ug_d=5.0)
    doses: list[tuple[float, str, Any]] = [
        (float(day), "oral_C", np.array([TABLET, 0.0 if day in missed else TABLET])) for day in range(days)
    ]
    turned = float(random.integers(1, days))
    made, _ = bodies.schedule(exposure, float(days), doses, [(turned, {"food_ug_d": 3.0})], [float(day) for day in read if day < days])
    beat = rhythm(made)
    if beat is None:
        return
    ends = made.lengths[:, 0].cumsum()
    for s in np.flatnonzero(beat.room):
        leapt = range(s, s + int(beat.room[s]))
        assert len(leapt) >= FEWEST
        held = range(s, s + int(beat.room[s]) + REST)
        assert all(row < 0 for segment in leapt for row in made.outputs[segment])
        assert len({tuple(made.doses[segment][0][1]) for segment in held}) == 1
        assert len({int(made.which[segment]) for segment in held}) == 1
        assert not any(made.outputs[segment][0] >= 0 for segment in held[:-1])
        assert held[-1] < len(ends)


def test_where_days_differ_nothing_is_leapt(drawn: Any) -> None:
    """Every day read, few days, every other dose different, a dose a week: the grid is the same as without."""
    state, parameters, exposure = (value[..., :8] if value is drawn[2] else value[:8] for value in drawn)
    weekly = [(7.0 * week, "oral_C", TABLET) for week in range(8)]
    uneven = [(float(day), "oral_C", TABLET * (1.0 + day % 2 / 2.0 + day % 3 / 5.0 + day % 5 / 7.0)) for day in range(40)]
    for doses, days, read in (
        (tablets(40), 40.0, [float(day) for day in range(40)]),
        (tablets(REST + FEWEST), float(REST + FEWEST), []),
        (weekly, 56.0, []),
        (uneven, 40.0, []),
    ):
        made, _ = bodies.schedule(exposure, days, doses, times=read)
        grid = simulate.find_grid(bodies.kernel(), state, parameters, made, unread=UNREAD, leap=simulate.LEAP)
        plain = simulate.find_grid(bodies.kernel(), state, parameters, made, unread=UNREAD)
        assert grid.leaps is None
        assert grid.steps.tobytes() == plain.steps.tobytes()


# ---- the same for one and for many -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def some_miss(drawn: Any, daily: Any) -> tuple[Schedule, Any]:
    """The same days, but every fifth person forgets one tablet."""
    state, parameters, exposure = drawn
    amounts = np.full(PEOPLE, TABLET)
    doses = tablets(DAYS)
    for day in (100, 250):
        missed = amounts.copy()
        missed[::5] = 0.0
        doses[day] = (float(day), "oral_C", missed)
    made, _ = bodies.schedule(exposure, float(DAYS), doses, times=READ)
    return made, simulate.simulate(bodies.kernel(), state, parameters, made, daily[1])


def test_who_misses_a_dose_is_run_day_by_day(drawn: Any, daily: Any, some_miss: Any) -> None:
    state, parameters, _ = drawn
    _, grid = daily
    made, run = some_miss
    days = simulate.simulate(bodies.kernel(), state, parameters, made, grid.by_day)
    kept = simulate.simulate(bodies.kernel(), state, parameters, daily[0], grid)
    misses = np.arange(PEOPLE) % 5 == 0
    assert run.readings[misses].tobytes() == days.readings[misses].tobytes()
    assert run.readings[~misses].tobytes() == kept.readings[~misses].tobytes()


@pytest.mark.parametrize("count", [1, 7, 16])
def test_same_bytes_whatever_the_batch(drawn: Any, daily: Any, some_miss: Any, count: int) -> None:
    state, parameters, _ = drawn
    made, whole = some_miss
    for first in (0, 17):
        some = (np.arange(PEOPLE) >= first) & (np.arange(PEOPLE) < first + count)
        part = simulate.simulate(bodies.kernel(), state[some], parameters[some], made.only(some), daily[1])
        assert part.readings.tobytes() == whole.readings[some].tobytes()
        assert part.end.tobytes() == whole.end[some].tobytes()


@pytest.mark.parametrize(("threads", "tiles"), [("1", 1), ("3", 100)])
def test_same_bytes_whatever_the_threads(
    drawn: Any, daily: Any, some_miss: Any, threads: str, tiles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, parameters, _ = drawn
    made, whole = some_miss
    monkeypatch.setenv("CORRIN_THREADS", threads)
    monkeypatch.setattr(simulate, "BLOCK_TILES", tiles)
    simulate.pool.cache_clear()
    try:
        run = simulate.simulate(bodies.kernel(), state, parameters, made, daily[1])
        simulate.pool().shutdown()
    finally:
        simulate.pool.cache_clear()
    assert run.readings.tobytes() == whole.readings.tobytes()


def test_the_same_grid_again(drawn: Any, daily: Any) -> None:
    state, parameters, _ = drawn
    made, grid = daily
    again = leaping(state, parameters, made)
    assert again.steps.tobytes() == grid.steps.tobytes()
    assert again.leaps is not None
    assert grid.leaps is not None
    assert again.leaps.over.tobytes() == grid.leaps.over.tobytes()
