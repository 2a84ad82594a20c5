"""Laws of the body that hold for everybody: amounts are conserved, nothing is negative, more intake never lowers the store."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bodies
from bodies import UG
from corrin.body import intake, marrow, nerve
from corrin.body.flow import OUTSIDE
from corrin.body.plain import run_plain
from corrin.engine import simulate
from corrin.engine.simulate import Grid

SEEDS = st.integers(0, 2**31)
FEW = settings(max_examples=10, deadline=None)
WAYS = ["food_ug_d", "crystalline_ug_d", "oral_C", "oral_O", "injected_C", "injected_O", "nasal_C", "intravenous_O"]
MANY = settings(max_examples=100, deadline=None)


def state(random: np.random.Generator) -> dict[str, float]:
    """A state a body may be in: every pool anywhere, shares of a tract and of haptocorrin no more than the whole."""
    y = {pool.name: float(max(pool.start, pool.floor) * 10.0 ** random.uniform(-3.0, 1.5)) for pool in bodies.body().pools}
    for name in ("receptors_free", "intrinsic_factor_output", "ripening", "synthase"):
        y[name] = float(random.uniform(0.05, 1.0))
    y["holohaptocorrin"] = y["haptocorrin"] * float(random.uniform(0.0, 1.0))
    y["captured"] = float(random.uniform(0.0, 27.0))
    for tract in nerve.TRACTS:
        parts = random.dirichlet(np.ones(4))
        y[f"demyelinated_{tract}"], y[f"lost_{tract}"] = float(parts[0]), float(parts[1])
        if tract in nerve.PERIPHERY:
            y[f"regrowing_{tract}"] = float(parts[2])
    return y


def world(random: np.random.Generator) -> dict[str, float]:
    x = {name: bodies.body().inputs.get(name, 1.0) for name in bodies.body().exposures}
    x |= {
        "food_ug_d": float(random.uniform(0, 30)),
        "crystalline_ug_d": float(random.uniform(0, 25)),
        "age_y": float(random.uniform(18, 95)),
    }
    x |= {"nitrous_oxide": float(random.choice([0.0, 0.2, 1.0])), "folic_acid_mg_d": float(random.choice([0.0, 0.4, 5.0]))}
    x |= {
        "m_intrinsic_factor": float(random.uniform(0, 1)),
        "m_ileal_uptake": float(random.uniform(0, 1)),
        "pregnancy": float(random.uniform(0, 1)),
    }
    return x


def person(random: np.random.Generator) -> dict[str, float]:
    drawn = bodies.people(1, seed=int(random.integers(2**31)))[0]
    return dict(zip(bodies.kernel().model.parameters, drawn.tolist(), strict=True))


def slope(system: Any, y: dict[str, float], p: dict[str, float], x: dict[str, float]) -> dict[str, float]:
    view = SimpleNamespace(**x)
    rates = system.right_hand_side(SimpleNamespace(**y), system.effective(SimpleNamespace(**p), view), view)
    return dict(zip((pool.name for pool in system.pools), rates, strict=True))


# ---- amounts ---------------------------------------------------------------------------------------------------------------------------


@MANY
@given(SEEDS)
def test_no_rate_makes_b12(seed: int) -> None:
    """In any state, what all pools and everything outside gain together is nothing."""
    random = np.random.default_rng(seed)
    ledger = bodies.body().with_ledger()
    y = state(random) | dict.fromkeys(OUTSIDE, 0.0)
    rates = slope(ledger, y, person(random), world(random))
    moved = [rates[pool.name] for pool in ledger.pools if pool.b12]
    assert abs(sum(moved)) <= 1e-11 * max(abs(rate) for rate in moved)


@MANY
@given(SEEDS, st.floats(0.01, 5e5))
def test_a_dose_is_all_accounted_for(seed: int, amount: float) -> None:
    random = np.random.default_rng(seed)
    ledger = bodies.body().with_ledger()
    y, p, x = SimpleNamespace(**(state(random) | dict.fromkeys(OUTSIDE, 0.0))), SimpleNamespace(**person(random)), world(random)
    view = SimpleNamespace(**x)
    holds = {pool.name: pool.b12 for pool in ledger.pools}
    for kind in ledger.dose_kinds:
        added = ledger.dose(kind, amount, y, ledger.effective(p, view), view)
        parts = {name: value for name, value in added.items() if holds[name]}
        assert sum(parts.values()) == pytest.approx(amount, rel=1e-12)
        assert min(parts.values()) >= -1e-9 * amount, (kind, parts)
        if "receptors_free" in added:
            assert -y.receptors_free <= added["receptors_free"] <= 0.0


@settings(max_examples=3, deadline=None)
@given(SEEDS)
def test_in_less_out_is_the_change_of_the_store(seed: int) -> None:
    """Over days with doses of every kind, solved: the ledger balances."""
    random = np.random.default_rng(seed)
    ledger = bodies.body().with_ledger()
    kinds = ledger.dose_kinds
    doses = [(float(random.choice([0.0, 0.5, 1.0, 2.0])), str(random.choice(kinds)), float(random.uniform(1, 1000))) for _ in range(4)]
    run = run_plain(ledger, person(random), {"food_ug_d": 4.0, "nitrous_oxide": 0.05}, 2.0, doses=doses, rtol=1e-7)
    holding = [pool.name for pool in ledger.pools if pool.b12]
    before = sum(run.pools[name][0] for name in holding)
    assert sum(run.end[name] for name in holding) - before == pytest.approx(sum(amount for *_, amount in doses), abs=1e-4)
    assert run.end["food"] < 0.0 < run.end["faeces"]


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_an_empty_pool_is_not_drawn_on(seed: int) -> None:
    """No rate is negative where its pool is empty, so no pool can fall below zero."""
    random = np.random.default_rng(seed)
    y, p, x = state(random), person(random), world(random)
    for pool in bodies.body().pools:
        empty = dict(y) | {pool.name: 0.0}
        if pool.name == "haptocorrin":
            empty["holohaptocorrin"] = 0.0
        if pool.name == "transcobalamin":
            continue  # at no transcobalamin nothing is bound: made only
        assert slope(bodies.body(), empty, p, x)[pool.name] >= -1e-12, pool.name
    assert slope(bodies.body(), dict(y) | {"transcobalamin": 0.0}, p, x)["transcobalamin"] > 0.0


@FEW
@given(SEEDS)
def test_no_pool_below_zero(seed: int) -> None:
    """Solved by the engine: deficiency, nitrous oxide, doses; nothing below zero by more than a hundredth of what matters."""
    random = np.random.default_rng(seed)
    many = bodies.people(8, seed=seed)
    table = bodies.exposures(8, food_ug_d=random.uniform(0.0, 8.0, 8), m_intrinsic_factor=random.uniform(0.0, 1.0, 8))
    begun = bodies.settled(many, table)
    kinds = bodies.body().dose_kinds
    doses = [(float(day), str(random.choice(kinds)), random.uniform(0.0, 1500.0, 8)) for day in (0, 1, 1, 30, 400)]
    changes = [(300.0, {"nitrous_oxide": 1.0}), (301.0, {"nitrous_oxide": 0.0})]
    run = bodies.run(begun, many, table, 800.0, doses, changes)
    floors = np.array(bodies.kernel().model.floors)
    assert not run.failed.any()
    assert (run.end >= -0.01 * floors).all(), bodies.kernel().model.pools[int((run.end / floors).min(axis=0).argmin())]


# ---- intake ----------------------------------------------------------------------------------------------------------------------------


@FEW
@given(
    SEEDS, st.sampled_from(["food_ug_d", "crystalline_ug_d", "oral_C", "oral_O", "injected_C", "injected_O", "nasal_C", "intravenous_O"])
)
def test_more_intake_never_lowers_the_store(seed: int, way: str) -> None:
    """One person eight times over, each taking more than the one before."""
    one = bodies.people(1, seed=seed)
    many = np.repeat(one, 8, axis=0)
    amounts = np.array([0.0, 0.5, 1.0, 2.0, 5.0, 25.0, 200.0, 2000.0])
    rising = np.array([0.0, 0.3, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0])
    plain = bodies.exposures(1, food_ug_d=2.0)
    begun = np.repeat(bodies.settled(one, plain), 8, axis=0)
    table = bodies.exposures(8, **({"food_ug_d": 2.0} | ({way: rising} if "_ug_d" in way else {})))
    doses = [] if "_ug_d" in way else [(float(day), way, amounts * UG) for day in (0, 1, 20)]
    run = bodies.run(begun, many, table, 90.0, doses, times=[30.0], panel=8)
    for place in range(2):
        store = run.at["store_mg"][:, place]
        assert (np.diff(store) >= -2e-5 * store[:-1]).all(), (way, store)
    assert run.at["store_mg"][-1, -1] > run.at["store_mg"][0, -1]


@MANY
@given(SEEDS)
def test_without_intrinsic_factor_only_the_passive_route_works(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, p = SimpleNamespace(**world(random)), SimpleNamespace(**person(random))
    effective = bodies.body().effective(p, x)
    y = SimpleNamespace(**(state(random) | {"intrinsic_factor_output": 0.0}))
    assert intake.food_absorbed(y, effective, x) == 0.0
    assert intake.crystalline_absorbed(y, effective, x) == 0.0
    passive = intake.food_passive(y, effective, x)
    assert passive == pytest.approx(p.passive_fraction * effective.food_release * x.food_ug_d * p.nmol_per_ug)
    added = bodies.body().dose("oral_C", 700.0, y, effective, x)
    assert added["enterocyte_c1"] == 0.0
    assert added["gut_c"] == pytest.approx(p.passive_fraction * 700.0)


def test_without_ileum_food_feeds_nobody() -> None:
    """Solved: on food alone without intrinsic factor the store falls; on a tablet of 1 mg it does not."""
    many = np.repeat(bodies.row(bodies.typical())[None], 2, axis=0)
    table = bodies.exposures(2, m_intrinsic_factor=0.0)
    begun = np.repeat(bodies.settled(many[:1], bodies.exposures(1)), 2, axis=0)
    run = bodies.run(begun, many, table, 1500.0, [(float(day), "oral_C", np.array([0.0, 1000.0 * UG])) for day in range(1500)])
    assert run.at["store_mg"][0, -1] < 0.3 * run.at["store_mg"][1, -1]


# ---- time ------------------------------------------------------------------------------------------------------------------------------


@FEW
@given(SEEDS, st.floats(0.05, 0.95))
def test_splitting_a_solve_in_two_changes_nothing(seed: int, share: float) -> None:
    """The same steps in one run or in two runs: the same bytes."""
    many, days = bodies.people(8, seed=seed), 40.0
    table = bodies.exposures(8)
    begun = bodies.settled(many, table)
    cut = days * share
    doses = [(0.0, "oral_C", 738.0), (cut, "injected_O", 738.0)]
    whole, _ = bodies.schedule(table, days, doses)
    grid = simulate.find_grid(bodies.kernel(), begun, many, whole)
    once = simulate.simulate(bodies.kernel(), begun, many, whole, grid, certify=False)
    first, _ = bodies.schedule(table, cut, doses[:1])
    second, _ = bodies.schedule(table, days - cut, [(0.0, "injected_O", 738.0)])
    second.lengths[:] = whole.lengths[1]
    middle = int(grid.first[1])
    assert grid.closes is not None
    begin = Grid(np.array([0, middle]), grid.steps[:middle], grid.closes[:middle])
    a = simulate.simulate(bodies.kernel(), begun, many, first, begin, certify=False)
    rest = Grid(np.array([0, len(grid.steps) - middle]), grid.steps[middle:], grid.closes[middle:])
    b = simulate.simulate(bodies.kernel(), a.end, many, second, rest, certify=False)
    np.testing.assert_allclose(b.end, once.end, rtol=1e-6, atol=1e-12)
    assert b.end.tobytes() == once.end.tobytes()


def test_a_stop_to_look_changes_nothing() -> None:
    """A reading in the middle moves the steps; the end stays within the error of the method."""
    many = bodies.people(8, seed=5)
    table = bodies.exposures(8)
    begun = bodies.settled(many, table)
    doses = [(0.0, "injected_C", 738.0)]
    looked = bodies.run(begun, many, table, 30.0, doses, times=np.linspace(0.1, 29.0, 60).tolist(), tolerance=1e-6)
    straight = bodies.run(begun, many, table, 30.0, doses, tolerance=1e-6)
    floors = np.array(bodies.kernel().model.floors)
    assert np.max(np.abs(looked.end - straight.end) / (np.abs(straight.end) + floors)) < 1e-6


def test_at_rest_stays_at_rest() -> None:
    many = bodies.people(8, seed=6)
    table = bodies.exposures(8, food_ug_d=np.linspace(2.0, 9.0, 8))
    begun = bodies.settled(many, table)
    run = bodies.run(begun, many, table, 3650.0)
    serum = bodies.look(begun, many, table)["serum_b12"]
    np.testing.assert_allclose(run.at["serum_b12"][:, -1], serum, rtol=3e-3)


# ---- who acts on whom ------------------------------------------------------------------------------------------------------------------


def touches(rows: set[str]) -> set[str]:
    """Pools that the rates of these pools look at."""
    model = bodies.kernel().model
    return {model.pools[c] for name in rows for c in model.jacobian[model.pools.index(name)]}


NERVE = {pool.name for pool in nerve.MECHANISM.pools}
BLOOD_CELLS = {pool.name for pool in marrow.MECHANISM.pools}


def test_anaemia_and_serum_are_absent_from_the_nerve() -> None:
    assert touches(NERVE) - NERVE == {"store", "cell", "synthase"}


def test_nerve_never_acts_back() -> None:
    everything = {pool.name for pool in bodies.body().pools}
    assert touches(everything - NERVE) & NERVE == set()


def test_red_cells_act_on_themselves_alone() -> None:
    everything = {pool.name for pool in bodies.body().pools}
    assert touches(everything - BLOOD_CELLS) & BLOOD_CELLS == set()
