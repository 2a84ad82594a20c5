"""Forward derivatives against complex steps of the plain functions, closed forms, another solver, and Euler's law."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bodies
from corrin.answers import sensitivity as answers
from corrin.body.flow import Dose, Flow, Mechanism, Pool, Reading
from corrin.body.plain import run_plain
from corrin.body.system import System
from corrin.engine import tangent
from corrin.engine.model import build
from corrin.engine.rest import settle
from corrin.engine.simulate import Kernel, Schedule, find_grid, simulate
from corrin.engine.trace import Graph, directional, reachable
from corrin.inference.population import place, population, spread

Floats = np.ndarray
ROOT = Path(__file__).parents[2]


# ---- one evaluation, against complex steps -------------------------------------------------------------------------------------------


def numbers(graph: Graph, values: dict[tuple[str, str], float], roots: Any) -> list[float]:
    """Values of nodes, one after the other."""
    do = {"sqrt": np.sqrt, "exp": np.exp, "log": np.log, "negative": np.negative,
          "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}  # fmt: skip
    out: dict[int, Any] = {}
    for index in reachable(graph, roots):
        op, *rest = graph.operations[index]
        given = op in ("symbol", "constant")
        out[index] = (values.get(tuple(rest), 0.0) if op == "symbol" else rest[0]) if given else do[op](*(out[k] for k in rest))
    return [float(out[root.index]) for root in roots]


def test_rates_doses_and_readings_along_a_direction() -> None:
    """A complex step has no error of differences, and runs the plain functions."""
    base = bodies.body()
    random = np.random.default_rng(4)
    y = {pool.name: max(pool.start, pool.floor) * random.uniform(0.6, 1.4) for pool in base.pools}
    y |= {name: 0.2 * value for name, value in y.items() if name.startswith(("demyelinated", "lost", "regrowing"))}
    p = bodies.typical(cell_pool=0.5)
    x = {name: base.inputs.get(name, 1.0) for name in base.exposures} | {"nitrous_oxide": 0.2, "m_intrinsic_factor": 0.7}
    along = [{name: value * random.normal() for name, value in one.items()} for one in (y, p, x)]
    small = 1e-30

    def stepped(one: dict[str, float], by: dict[str, float]) -> Any:
        return SimpleNamespace(**{name: complex(value, small * by[name]) for name, value in one.items()})

    sy, sp, sx = (stepped(one, by) for one, by in zip((y, p, x), along, strict=True))
    now = base.effective(sp, sx)
    model = build(tangent.Tangent(base))
    values: dict[tuple[str, str], float] = {}
    for kind, one, by in zip(("state", "parameter", "exposure"), (y, p, x), along, strict=True):
        values |= {(kind, name): value for name, value in one.items()} | {(kind, f"d_{name}"): value for name, value in by.items()}
    values |= {("exposure", tangent.DOSES): 0.3, ("dose", "oral_C"): 700.0}

    def same(found: list[float], plain: list[Any]) -> None:
        np.testing.assert_allclose(found, np.imag(plain) / small, rtol=1e-9, atol=1e-12)

    size = len(base.pools)
    same(numbers(model.graph, values, model.rates[size:]), base.right_hand_side(sy, now, sx))
    same(numbers(model.graph, values, model.seen[len(base.readings) :]), [complex(one.value(sy, now, sx)) for one in base.readings])
    taken = base.dose("oral_C", 700.0 * complex(1.0, 0.3 * small), sy, now, sx)
    after = [complex(y[pool.name], small * along[0][pool.name]) + taken.get(pool.name, 0.0) for pool in base.pools]
    same(numbers(model.graph, values, model.after_dose[size:]), after)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 5.0), st.floats(0.1, 5.0), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_the_chain_rule(a: float, b: float, da: float, db: float) -> None:
    graph = Graph()
    one, two, move, turn = (graph.symbol("state", name) for name in ("a", "b", "da", "db"))
    root = (one * two / (one + 2.0)) ** 0.5 - (one / two).log() * (-two).exp()
    found = directional(graph, [root], {one.index: move, two.index: turn})
    values = {("state", "a"): a, ("state", "b"): b, ("state", "da"): da, ("state", "db"): db}
    u, v = complex(a, 1e-30 * da), complex(b, 1e-30 * db)
    expected = np.imag(np.sqrt(u * v / (u + 2.0)) - np.log(u / v) * np.exp(-v)) / 1e-30
    assert numbers(graph, values, found)[0] == pytest.approx(expected, rel=1e-10, abs=1e-12)


# ---- one linear compartment, in closed form ------------------------------------------------------------------------------------------


def compartment() -> System:
    """a' = input - loss a, a dose goes in whole; what is seen is a / volume."""
    place = Mechanism(
        "one", pools=(Pool("a", "nmol", 1.0, 1e-6),),
        flows=(Flow("in", "food", "a", lambda y, p, x: x.food), Flow("out", "a", "urine", lambda y, p, x: p.loss * y.a)),
        doses=(Dose("oral", "C", lambda dose, y, p, x: {"a": dose}),),
        readings=(Reading("level", "nmol/L", "labs", "level", lambda y, p, x: y.a / p.volume),),
    )  # fmt: skip
    return System((place,), ("loss", "volume"), inputs={"food": 2.0})


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORRIN_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        return tangent.tangent(build(compartment()))


LOSS, VOLUME, FOOD, DOSE, DAYS = 0.3, 4.0, 2.0, 5.0, 6.0


def followed(both: Kernel, along: Floats, foods: Floats, longer: Floats, doses: float, begin: Floats) -> tuple[Floats, Floats]:
    """(level, its derivative) six days after a dose, a person a direction: of loss and volume, input, length and doses."""
    count = len(along)
    whole = np.ones((1, 1, count))
    schedule = Schedule(
        np.full((1, count), DAYS),
        FOOD * whole,
        np.zeros(1, np.int64),
        [[(0, np.full(count, DOSE))], []],
        [[1.0]],
        [[0]],
        np.full(1, 1e-3),
        1,
    )
    made = tangent.with_directions(schedule, foods[None, None] * whole, longer[None], doses)
    parameters = tangent.beside(np.tile([LOSS, VOLUME], (count, 1)), along)
    run = simulate(both, begin, parameters, made, find_grid(both, begin, parameters, made, 1e-7), certify=False)
    return run.readings[:, 0, 0], run.readings[:, 0, 1]


def test_a_compartment_in_closed_form(linear: Kernel) -> None:
    """From its steady state: loss, volume, input, instant, each alone."""
    along, foods, longer = np.zeros((4, 2)), np.zeros(4), np.zeros(4)
    along[0, 0] = along[1, 1] = foods[2] = 1.0
    longer[3] = 1.0 / DAYS  # a day more
    parameters = tangent.beside(np.tile([LOSS, VOLUME], (4, 1)), along)
    exposures = tangent.with_exposures(np.full((1, 4), FOOD), foods[None])
    rest = settle(linear, parameters, exposures, parameters, exposures)
    np.testing.assert_allclose(rest[:, 0], FOOD / LOSS, rtol=1e-6)
    np.testing.assert_allclose(rest[:, 1], [-FOOD / LOSS**2, 0.0, 1.0 / LOSS, 0.0], rtol=1e-6, atol=1e-9)
    level, slope = followed(linear, along, foods, longer, 0.0, rest)
    left = np.exp(-LOSS * DAYS)
    np.testing.assert_allclose(level, (FOOD / LOSS + DOSE * left) / VOLUME, rtol=1e-6)
    by_loss, by_food, by_day = -FOOD / LOSS**2 - DAYS * DOSE * left, 1.0 / LOSS, -LOSS * DOSE * left
    np.testing.assert_allclose(slope, [by_loss / VOLUME, -level[1] / VOLUME, by_food / VOLUME, by_day / VOLUME], rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.0, 50.0))
def test_euler_on_a_linear_part(linear: Kernel, amount: float) -> None:
    """Scale the start, the input and every dose alike and the level scales with them: its derivative is the level itself."""
    begin = np.array([[amount, amount]])
    level, slope = followed(linear, np.zeros((1, 2)), np.array([FOOD]), np.zeros(1), 1.0, begin)
    np.testing.assert_allclose(slope, level, rtol=1e-9)


# ---- the body ------------------------------------------------------------------------------------------------------------------------

NAMES = ("mma_production", "store_release", "tc_clearance", "bile_rate")
SEEN = ("mma", "holotranscobalamin", "haemoglobin")
DOSES = ((0.0, "injected_O", 700.0), (5.0, "oral_C", 700.0))


@cache
def body_along() -> tuple[Floats, Floats]:
    """(readings, their derivatives) on day 20 after two doses, from the steady state; (directions, readings)."""
    people = population()
    rows = {row.name: row for row in people.rows}
    count = len(NAMES)
    along = np.zeros((count, len(people.rows)))
    for k, name in enumerate(NAMES):
        along[k, [row.name for row in people.rows].index(name)] = rows[name].value * spread(rows[name])
    both = tangent.tangent(bodies.kernel().model)
    parameters = tangent.beside(np.repeat(people.typical(), count, axis=0), along)
    usual = bodies.exposures(count)
    begin = tangent.with_exposures(usual, np.zeros_like(usual))
    rest = settle(both, parameters, begin, parameters, begin)
    schedule, _ = bodies.schedule(usual, 20.0, DOSES)
    made = tangent.with_directions(schedule, np.zeros_like(schedule.exposures), np.zeros_like(schedule.lengths))
    run = simulate(both, rest, parameters, made, find_grid(both, rest, parameters, made, 1e-6), certify=False)
    size = len(bodies.kernel().model.readings)
    columns = [bodies.kernel().model.readings.index(name) for name in SEEN]
    return run.readings[:, 0, columns], run.readings[:, 0, [column + size for column in columns]]


def plain_rest(people: dict[str, float], guess: Floats) -> dict[str, float]:
    """Where the plain rates are none, by Newton's method on complex steps; nerves stay as they begin."""
    system = bodies.body()
    x = SimpleNamespace(**{name: system.inputs.get(name, 1.0) for name in system.exposures})
    p = system.effective(SimpleNamespace(**people), x)
    names = [pool.name for pool in system.pools]
    free = [k for k, pool in enumerate(system.pools) if not pool.keeps_history]
    state = np.array([pool.start if pool.keeps_history else guess[k] for k, pool in enumerate(system.pools)])
    for _ in range(6):
        columns = []
        for k in free:
            moved = state.astype(complex)
            moved[k] += 1e-30j
            columns.append(np.array(system.right_hand_side(SimpleNamespace(**dict(zip(names, moved, strict=True))), p, x)))
        state[free] -= np.linalg.solve(np.imag(np.array(columns).T[free]) / 1e-30, np.real(columns[0])[free])
    assert np.abs(np.real(columns[0])[free]).max() < 1e-9
    return dict(zip(names, state.tolist(), strict=True))


@pytest.mark.slow
def test_the_body_against_an_independent_solver() -> None:
    """Steady state and three weeks with an injection and a tablet: the plain rates by SciPy at 1e-10, differenced at five points."""
    system, name = bodies.body(), "tc_clearance"
    row = {row.name: row for row in population().rows}[name]
    guess = bodies.settled(population().typical(), bodies.exposures(1))[0]

    def plain(z: float) -> Floats:
        value = float(place(row, np.array([z]), spread(row))[0])
        people = bodies.typical(**{name: value})
        run = run_plain(system, people, {}, 20.0, plain_rest(people, guess), DOSES, times=[20.0], rtol=1e-10)
        return np.array([run.readings[one][-1] for one in SEEN])

    h = 0.05
    expected = (8.0 * (plain(h) - plain(-h)) - (plain(2 * h) - plain(-2 * h))) / (12.0 * h)
    np.testing.assert_allclose(body_along()[1][NAMES.index(name)], expected, rtol=1e-4, atol=1e-8)


@pytest.mark.slow
def test_mma_is_proportional_to_its_production_at_any_time() -> None:
    level, slope = body_along()
    production = next(row for row in population().rows if row.name == "mma_production")
    assert slope[0, 0] / level[0, 0] == pytest.approx(spread(production), rel=1e-9)
    assert slope[0, 2] == 0.0  # and it moves no blood count


@pytest.mark.slow
def test_a_person_whose_illness_began_nobody_knows_when() -> None:
    """Exact through instants of change and uncertain histories; what moves which tablets are taken is left to differences."""
    from corrin.case.plan import read_plan
    from corrin.case.reader import read_case
    from corrin.inference.trial_response import of_case

    case = read_case(ROOT / "src/corrin/examples/shm-pa-45m.json")
    response = of_case(case, read_plan("oral-1000-daily"), "haemoglobin", 30.0, bodies.kernel(), population(), 1)
    base = 0.5 * np.random.default_rng(5).standard_normal(len(response.names))
    smooth = [name for name in response.names if name not in response.discrete()]
    found = response.along(base, smooth)
    assert set(smooth) - set(found.slope) == {"plan_adherence"}
    assert found.error < 1e-3
    own = [name for name in found.slope if name.startswith("autoimmune_gastritis") and found.slope[name]]
    assert any("from" in name for name in own)
    wanted = [*own, "diet_0", "marrow_days", "bile_rate"]
    expected, _ = answers.derivatives(
        answers._held(response, response.names, wanted, base), base[[response.names.index(n) for n in wanted]]
    )
    most = max(abs(slope) for slope in found.slope.values())
    np.testing.assert_allclose([found.slope[name] for name in wanted], expected, rtol=3e-3, atol=1e-4 * most)
