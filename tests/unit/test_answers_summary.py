"""Summaries of draws, against distributions and courses whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrin.answers import summary

EQUAL = np.ones(4) / 4


def test_quantiles_of_a_weighted_normal_are_those_of_the_normal() -> None:
    """Draws from a wide normal, weighted to a narrow one: the quantiles are the narrow one's."""
    draws = np.random.default_rng(5).normal(0.0, 2.0, 200_000)
    weights = np.exp(-0.5 * ((draws - 1.0) / 1.0) ** 2 + 0.5 * (draws / 2.0) ** 2)
    found = summary.quantiles(draws[:, None], weights)[:, 0]
    assert found == pytest.approx(1.0 + np.array([-1.6449, -0.6745, 0.0, 0.6745, 1.6449]), abs=0.02)


def test_quantiles_with_equal_weights_are_hazens() -> None:
    values = np.random.default_rng(1).normal(size=(31, 3))
    expected = np.quantile(values, summary.QUANTILES, axis=0, method="hazen")
    assert summary.quantiles(values, np.ones(31)) == pytest.approx(expected)


def test_a_draw_without_weight_counts_for_nothing() -> None:
    values = np.array([[1.0], [2.0], [1000.0]])
    assert summary.quantiles(values, np.array([1.0, 1.0, 0.0]))[-1, 0] == 2.0


@given(st.lists(st.floats(0.01, 10.0), min_size=2, max_size=20, unique=True), st.integers(1, 5))
def test_a_weight_is_so_many_copies(values: list[float], copies: int) -> None:
    """Weight 3 of one draw says the same as three equal draws."""
    draws = np.array(values)
    weights = np.ones(len(draws))
    weights[0] = copies
    repeated = np.concatenate([np.repeat(draws[0], copies), draws[1:]])
    low, high = draws.min(), draws.max()
    for level in (0.25, 0.5, 0.75):
        weighted = summary.quantiles(draws[:, None], weights, (level,))[0, 0]
        copied = summary.quantiles(repeated[:, None], np.ones(len(repeated)), (level,))[0, 0]
        assert low <= weighted <= high
        # Both lie within one draw of each other: only the straight lines between draws differ.
        ranks = np.searchsorted(np.sort(draws), [weighted, copied])
        assert abs(int(ranks[0]) - int(ranks[1])) <= 1


def test_infinite_values_stay_infinite_and_spoil_no_other() -> None:
    values = np.array([[1.0], [2.0], [np.inf], [np.inf]])
    low, middle, high = summary.quantiles(values, EQUAL, (0.05, 0.5, 0.95))[:, 0]
    assert low == 1.0
    assert np.isinf(middle)
    assert np.isinf(high)


def test_effective_sample_size() -> None:
    assert summary.effective_sample_size(np.ones(50)) == pytest.approx(50.0)
    assert summary.effective_sample_size(np.array([1.0, 0.0, 0.0])) == pytest.approx(1.0)


def test_standard_error_of_median_is_that_of_repeated_samples() -> None:
    generator = np.random.default_rng(2)
    medians = [np.median(generator.normal(size=400)) for _ in range(500)]
    found = np.mean([summary.standard_error_of_median(generator.normal(size=400), np.ones(400)) for _ in range(50)])
    assert found == pytest.approx(np.std(medians), rel=0.15)


def test_first_time_is_found_between_times() -> None:
    times = np.array([0.0, 10.0, 20.0])
    score = np.array([[6.0, 4.0, 2.0], [6.0, 6.0, 6.0], [3.0, 9.0, 1.0]])
    assert summary.first_time(times, score, np.array([5.0, 5.0, 3.0])).tolist() == [5.0, np.inf, 0.0]


def test_turning_points_of_a_known_course() -> None:
    """Score 10 exp(-t/100): down by 10 % after 10.5 days; 80 % of the change at 160.9 days; below 1 at two years."""
    times = np.arange(0.0, 731.0)
    course = 10.0 * np.exp(-times / 100.0)
    points, signs = summary.turning_points(times, np.vstack([course] * 4), EQUAL)
    found = {point.name: point for point in points}
    assert signs == pytest.approx(1.0)
    assert found["first_improvement"].p50 == pytest.approx(100 * np.log(10 / 9), abs=0.1)
    end = 10.0 * np.exp(-7.305)
    assert found["most_improvement"].p50 == pytest.approx(-100 * np.log((10 - 0.8 * (10 - end)) / 10), abs=0.1)
    assert found["full_recovery"].chance == 1.0
    assert found["partial_recovery"].chance == 0.0
    assert found["worse"].chance == 0.0


def test_chances_are_exclusive_and_only_about_people_with_signs() -> None:
    times = np.array([0.0, 730.5])
    score = np.array([[8.0, 0.5], [8.0, 3.0], [8.0, 7.0], [8.0, 12.0], [0.2, 0.1]])
    weights = np.array([0.1, 0.2, 0.3, 0.2, 0.2])
    points, signs = summary.turning_points(times, score, weights)
    found = {point.name: point.chance for point in points}
    assert signs == pytest.approx(0.8)
    assert found["full_recovery"] == pytest.approx(0.125)
    assert found["partial_recovery"] == pytest.approx(0.25)
    assert found["worse"] == pytest.approx(0.25)


def test_without_signs_nothing_is_promised() -> None:
    points, signs = summary.turning_points(np.array([0.0, 700.0]), np.full((4, 2), 0.3), EQUAL)
    assert points == []
    assert signs == 0.0


def test_the_label_names_the_horizon_it_is_about() -> None:
    points, _ = summary.turning_points(np.array([0.0, 365.25]), np.full((4, 2), 5.0), EQUAL)
    assert all("12 months" in point.label for point in points if point.name != "first_improvement")
    assert "24" not in "".join(point.label for point in points)


def test_not_expected_says_within_24_months_and_never_lost() -> None:
    times = np.array([0.0, 730.5])
    tracts = {
        "function_foot": ("Feet", np.array([[60.0, 88.0]] * 4)),
        "function_hand": ("Hands", np.array([[95.0, 99.5]] * 4)),
    }
    sentences = summary.not_expected(times, tracts, EQUAL)
    assert sentences == ["Feet: about 12 of 100 (range 12 to 12) not expected back within 24 months"]


def test_scatter_of_a_report_widens_by_its_cv_and_keeps_the_median() -> None:
    values = np.full((20_000, 2), 300.0)
    reported = summary.as_reported(values, 0.23, "serum_b12", 1)
    assert np.median(reported[:, 0]) == pytest.approx(300.0, rel=0.01)
    assert np.std(np.log(reported[:, 1])) == pytest.approx(0.23, rel=0.02)
    assert np.array_equal(reported[:, 0], reported[:, 1])
    assert not np.array_equal(reported, summary.as_reported(values, 0.23, "mma", 1))


def test_weights_must_be_weights() -> None:
    with pytest.raises(ValueError, match="weights"):
        summary.normalised(np.array([0.0, 0.0]))
    with pytest.raises(ValueError, match="weights"):
        summary.normalised(np.array([1.0, -1.0]))


def test_a_value_on_a_day_is_read_between_the_times() -> None:
    times, values = np.array([0.0, 1.0, 4.0, 10.0]), np.random.default_rng(4).standard_normal((5, 4))
    for day in (0.0, 0.5, 1.0, 3.0, 9.9, 10.0):
        assert list(summary._at(times, values, day)) == [np.interp(day, times, row) for row in values]
