"""The body on plain floats: instants, names, and what it refuses."""

from __future__ import annotations

import pytest

import bodies
from corrin.body.plain import all_exposures, read, run_plain


def test_values_are_those_before_the_instant_and_end_is_after_it() -> None:
    run = run_plain(bodies.body(), bodies.typical(), {}, 1.0, doses=[(1.0, "injected_C", 5.0)], times=[0.0, 1.0], rtol=1e-5)
    assert run.pools["depot_c"][-1] == pytest.approx(0.0, abs=1e-9)
    assert run.end["depot_c"] == pytest.approx(5.0)


def test_two_doses_at_nought_both_count() -> None:
    run = run_plain(bodies.body(), bodies.typical(), {}, 0.0, doses=[(0.0, "injected_O", 5.0), (0.0, "injected_O", 7.0)])
    assert run.pools["depot_o"][0] == 0.0
    assert run.end["depot_o"] == 12.0


def test_a_change_comes_before_the_doses_of_its_instant() -> None:
    none = run_plain(
        bodies.body(), bodies.typical(), {}, 0.0, {"receptors_free": 1.0}, [(0.0, "oral_C", 700.0)], [(0.0, {"m_ileal_uptake": 0.0})]
    )
    assert none.end["enterocyte_c1"] == 0.0


def test_reading_a_state_needs_no_solve() -> None:
    start = {pool.name: pool.start for pool in bodies.body().pools}
    seen = read(bodies.body(), start, bodies.typical(), {"age_y": 30.0})
    assert seen["haemoglobin"] == pytest.approx(bodies.typical()["haemoglobin_reference"])
    assert seen["score"] < 0.01


@pytest.mark.parametrize("day", [-1.0, 3.0])
def test_a_day_outside_the_run_is_refused(day: float) -> None:
    with pytest.raises(ValueError, match="is not within"):
        run_plain(bodies.body(), bodies.typical(), {}, 2.0, doses=[(day, "oral_C", 1.0)])


def test_an_unknown_exposure_or_dose_is_refused() -> None:
    with pytest.raises(KeyError, match="no exposure named"):
        all_exposures(bodies.body(), {"food": 1.0})
    with pytest.raises(KeyError, match="swallowed_C"):
        run_plain(bodies.body(), bodies.typical(), {}, 1.0, doses=[(0.0, "swallowed_C", 1.0)])
