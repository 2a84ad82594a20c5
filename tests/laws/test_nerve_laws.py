"""Laws of the nerve: what is lost stays lost, nothing heals later by waiting, and a mild shortfall gives no sign."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bodies
from bodies import UG, Floats
from corrin.body import conduction, nerve, symptom
from corrin.engine import draw

SEEDS = st.integers(0, 2**31)
LOADING = [(float(day), "injected_O", 1000.0 * UG) for day in (0, 2, 4, 7, 9, 11, 14)]
KEEPING = [(float(day), "injected_O", 1000.0 * UG) for day in range(60, 720, 60)]


def tracts(random: np.random.Generator) -> dict[str, float]:
    y = {pool.name: pool.start for pool in bodies.body().pools}
    for tract in nerve.TRACTS:
        parts = random.dirichlet(np.ones(4))
        y[f"demyelinated_{tract}"], y[f"lost_{tract}"] = float(parts[0]), float(parts[1])
        if tract in nerve.PERIPHERY:
            y[f"regrowing_{tract}"] = float(parts[2])
    return y


def nerve_rates(y: dict[str, float], p: dict[str, float], **exposures: float) -> dict[str, float]:
    x = SimpleNamespace(**({name: bodies.body().inputs.get(name, 1.0) for name in bodies.body().exposures} | exposures))
    effective = bodies.body().effective(SimpleNamespace(**p), x)
    view = SimpleNamespace(**y)
    return {change.state: float(change.rate(view, effective, x)) for change in nerve.MECHANISM.changes}


def someone(seed: int) -> dict[str, float]:
    return dict(zip(bodies.kernel().model.parameters, bodies.people(1, seed=seed)[0].tolist(), strict=True))


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.floats(0.001, 2.0))
def test_what_is_lost_never_comes_back(seed: int, full: float) -> None:
    p = someone(seed)
    y = tracts(np.random.default_rng(seed)) | {"store": full * p["store_reference"], "cell": full * p["cell_reference"]}
    rates = nerve_rates(y, p)
    assert min(rates[f"lost_{tract}"] for tract in nerve.TRACTS) >= 0.0


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.floats(0.95, 20.0), st.floats(0.9, 1.3))
def test_with_full_activity_demyelination_falls(seed: int, full: float, folate: float) -> None:
    """However full, and with more folate than enough: activity beyond what is needed does no harm."""
    p = someone(seed) | {"folate_status": 1.0, "synthase_half": 0.248, "mutase_half": 0.378}
    y = tracts(np.random.default_rng(seed)) | {"store": full * p["store_reference"], "cell": full * p["cell_reference"], "synthase": 1.0}
    rates = nerve_rates(y, p, m_folate_status=folate)
    for tract in nerve.TRACTS:
        if y[f"demyelinated_{tract}"] > 0.01:
            assert rates[f"demyelinated_{tract}"] < 0.0, tract


@settings(max_examples=100, deadline=None)
@given(st.floats(0.0, 1.2), st.floats(0.0, 1.2))
def test_less_activity_never_hurts_less(a: float, b: float) -> None:
    p = SimpleNamespace(**bodies.typical())
    low, high = sorted((a, b))
    assert nerve.shortfall(low, p) >= nerve.shortfall(high, p) - 1e-9
    assert 0.0 <= nerve.shortfall(a, p) <= 1.0 + 1e-5


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.floats(20.0, 85.0), st.floats(0.5, 10.0))
def test_older_people_never_repair_faster(seed: int, age: float, more: float) -> None:
    p = SimpleNamespace(**someone(seed))
    if p.repair_age >= 0.0:
        assert nerve.repair(p, SimpleNamespace(age_y=age + more)) <= nerve.repair(p, SimpleNamespace(age_y=age))


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_block_never_means_more_function(seed: int, a: float, b: float) -> None:
    """Of any tract, within 0 and 1; the mind, which has no block, stays as it is."""
    p, y = SimpleNamespace(**someone(seed)), tracts(np.random.default_rng(seed))
    less, more = (SimpleNamespace(**(y | {"blocked": share})) for share in sorted((a, b)))
    x = SimpleNamespace(age_y=60.0)
    for tract in nerve.TRACTS:
        low, high = symptom.deficit(less, p, tract), symptom.deficit(more, p, tract)
        assert -1e-9 <= low <= high + 1e-12 <= 1.0 + 1e-6, tract
        assert tract != "cognition" or low == high
    assert conduction.sural_amplitude(more, p, x) <= conduction.sural_amplitude(less, p, x) + 1e-12
    assert conduction.sural_velocity(more, p, x) == conduction.sural_velocity(less, p, x)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.floats(0.0, 2.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_block_moves_towards_what_is_missing(seed: int, full: float, synthase: float, now: float) -> None:
    """So that it stays within 0 and 1."""
    p = someone(seed)
    y = tracts(np.random.default_rng(seed)) | {"store": full * p["store_reference"], "cell": full * p["cell_reference"]}
    assert nerve_rates(y | {"synthase": synthase, "blocked": 0.0}, p)["blocked"] >= 0.0
    assert nerve_rates(y | {"synthase": synthase, "blocked": 1.0}, p)["blocked"] <= 1e-6
    rate = nerve_rates(y | {"synthase": synthase, "blocked": now}, p)["blocked"]
    assert -1.0 <= rate * p["block_days"] <= 1.0 + 1e-5


def test_bare_fibres_conduct_within_weeks_long_before_they_have_myelin() -> None:
    """With enough of everything: half the block is gone between days 7 and 16 (Saida 1980, rat; exponential, so exact), when more than
    nine tenths of the bare fibres are bare still."""
    one = bodies.row(bodies.typical())[None]
    table = bodies.exposures(1, age_y=50.0, food_ug_d=30.0)
    begun = bodies.settled(one, table)
    names = bodies.kernel().model.pools
    begun[0, [names.index("blocked"), names.index("demyelinated_dorsal")]] = 0.6, 0.4
    days = bodies.typical()["block_days"] * np.log(2.0)
    assert 7.0 < days < 16.0
    run = bodies.run(begun, one, table, days, times=[days])
    assert run.end[0, names.index("blocked")] == pytest.approx(0.3, abs=0.02)
    assert run.end[0, names.index("demyelinated_dorsal")] > 0.9 * 0.4
    before = bodies.look(begun, one, table)["function_dorsal"]
    assert run.at["function_dorsal"][0, -1] > before[0] + 2.0


@pytest.fixture(scope="module")
def waiting() -> tuple[Any, Any, Any]:
    """32 people whose intrinsic factor fails; each is treated 0, 2, 4, 8 or 12 months after the first sign."""
    count = 32
    many = bodies.people(count, seed=77, shared=False)
    healthy = bodies.exposures(count, age_y=60.0)
    ill = bodies.exposures(count, age_y=60.0, m_intrinsic_factor=0.02, m_food_release=0.2)
    begun = bodies.settled(many, healthy)
    times = np.arange(30.0, 5000.0, 30.0)
    course = bodies.run(begun, many, ill, 5000.0, times=times.tolist()).at["score"]
    shown = course >= 1.0
    assert shown.any(axis=1).mean() > 0.9
    return begun, many, (ill, np.where(shown.any(axis=1), np.append(times, 5000.0)[shown.argmax(axis=1)], 4000.0))


def recovery(waiting: Any, months: float, doses: Any) -> Floats:
    """Score 3, 6, 12 and 24 months after treatment began; (people, 4)."""
    from corrin.engine import simulate

    begun, many, (ill, onset) = waiting
    after = [91.0, 183.0, 365.0, 729.0]
    made, _ = bodies.schedule(ill, 731.0, [(1.0 + day, kind, dose) for day, kind, dose in doses], [(1.0, {})], [1.0 + day for day in after])
    made.lengths[0] = onset + 30.4 * months
    grid = simulate.find_grid(bodies.kernel(), begun, many, made)
    run = simulate.simulate(bodies.kernel(), begun, many, made, grid)
    assert not run.failed.any()
    return run.readings[:, :4, bodies.kernel().model.readings.index("score")]


def test_later_treatment_never_gives_more_recovery(waiting: Any) -> None:
    scores = [recovery(waiting, months, LOADING + KEEPING) for months in (0.0, 2.0, 4.0, 8.0, 12.0)]
    for sooner, later in itertools.pairwise(scores):
        assert (later >= sooner - 2e-3).all()


def test_stopping_never_speeds_recovery(waiting: Any) -> None:
    kept, stopped = recovery(waiting, 4.0, LOADING + KEEPING), recovery(waiting, 4.0, LOADING[:2])
    assert (stopped >= kept - 2e-3).all()


def test_recovery_is_never_worse_than_none(waiting: Any) -> None:
    treated, left = recovery(waiting, 4.0, LOADING + KEEPING), recovery(waiting, 4.0, [])
    assert (treated <= left + 2e-3).all()
    assert treated[:, -1].mean() < 0.5 * left[:, -1].mean()


def test_feet_recover_after_hands() -> None:
    """Half of both down, then full activity: regrowth at 1 mm a day reaches the foot last."""
    one = bodies.row(bodies.typical())[None]
    table = bodies.exposures(1, age_y=50.0)
    begun = bodies.settled(one, table)
    for tract in ("foot", "hand"):
        begun[0, bodies.kernel().model.pools.index(f"regrowing_{tract}")] = 0.3
    run = bodies.run(begun, one, table, 400.0, times=[60.0, 120.0, 200.0, 300.0])
    assert (run.at["axon_foot"] <= run.at["axon_hand"] + 1e-6).all()
    assert run.at["axon_foot"][0, 2] < run.at["axon_hand"][0, 2] - 3.0


def test_a_mild_shortfall_for_years_gives_no_sign() -> None:
    """Both enzymes above 0.7 for ten years: no sign in the typical person nor in most drawn ones."""
    count = 64
    foods = np.geomspace(0.5, 6.0, count)
    one = np.repeat(bodies.row(bodies.typical())[None], count, axis=0)
    ladder = bodies.exposures(count, food_ug_d=foods)
    seen = bodies.look(bodies.settled(one, ladder), one, ladder)
    worst = np.minimum(seen["activity_methylation"], seen["activity_mutase"])
    food = float(np.interp(70.5, worst, foods))
    many = bodies.people(count, seed=8, shared=False)
    many[0] = one[0]
    for name in ("ileal_uptake", "bile_rate", "store_release", "other_loss", "synthase_half", "mutase_half", "folate_status"):
        many[:, bodies.kernel().model.parameters.index(name)] = bodies.typical()[name]
    table = bodies.exposures(count, food_ug_d=food, age_y=50.0 + 20.0 * draw.uniforms(8, "age", count))
    run = bodies.run(bodies.settled(many, table), many, table, 3650.0)
    score = run.at["score"][:, -1]
    assert score[0] < 0.2
    assert (score < 1.0).mean() > 0.95


def test_anaemia_does_not_mark_the_nerve() -> None:
    """The same shortfall with half the red cells: not one digit of the nerve moves."""
    one = np.repeat(bodies.row(bodies.typical())[None], 2, axis=0)
    table = bodies.exposures(2, m_intrinsic_factor=0.02)
    begun = np.repeat(bodies.settled(one[:1], bodies.exposures(1)), 2, axis=0)
    names = bodies.kernel().model.pools
    for name in names:
        if name.startswith(("red_", "marrow", "retic", "progen")):
            begun[1, names.index(name)] *= 0.5
    run = bodies.run(begun, one, table, 2500.0)
    nerves = [names.index(pool.name) for pool in nerve.MECHANISM.pools]
    assert run.end[0, nerves].tobytes() == run.end[1, nerves].tobytes()
