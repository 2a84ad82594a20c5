"""What "comes back" means, and the band of a chance, against arithmetic done another way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm

from corrin.answers import recovery
from corrin.answers.computed import Unknown
from corrin.answers.recover import View
from corrin.show import nerve_picture, recover_text

FEW = 4000
DEFICITS = st.floats(0.0, 1.0)


def _unknown(name: str, unsure: float, z: np.ndarray, group: str = "person") -> Unknown:
    return Unknown(name, "1", group, unsure, z, z, np.zeros(3))


def test_where_nothing_is_unmeasured_the_band_is_that_of_the_draws_alone() -> None:
    """Then it is the Jeffreys interval of a share, as a table of the beta distribution gives it."""
    yes = np.repeat([1.0, 0.0], [30, 70])
    found = recovery.chance(yes, np.full(100, 0.01), 100.0, np.zeros((100, 0)))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(beta(30.5, 70.5).ppf([0.05, 0.95]), abs=2e-3)


def test_the_band_holds_the_chance_that_each_unmeasured_value_would_give() -> None:
    """Yes where a shared part s and a person's own part e together pass a limit: given s the chance is known, and so is its spread."""
    s, e = (np.random.default_rng(seed).standard_normal(FEW) for seed in (1, 2))
    yes = (0.6 * s + 0.8 * e > 0.3).astype(float)
    given_s = norm.cdf((0.6 * s - 0.3) / 0.8)
    found = recovery.chance(yes, np.full(FEW, 1 / FEW), FEW, s[:, None])
    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(given_s, [0.05, 0.95])), abs=0.07)
    assert found.high - found.low > 5 * (lambda x: x.high - x.low)(recovery.chance(yes, np.full(FEW, 1 / FEW), FEW, e[:, None] * 0.0))  # type: ignore[union-attr]


def test_draws_that_hold_chances_give_the_band_of_those_chances() -> None:
    """A symptom's chance that hangs on an unmeasured number alone: the band is its own 90 of 100, not that of a yes or no as rare."""
    s = np.random.default_rng(6).standard_normal(FEW)
    felt = np.clip(0.06 + 0.01 * s, 0.0, 1.0)
    found = recovery.chance(felt, np.full(FEW, 1 / FEW), float(FEW), s[:, None])
    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(felt, [0.05, 0.95])), abs=0.006)


@pytest.mark.parametrize(("draws", "effective", "said"), [(1000, 99.9, True), (1000, 100.0, False), (200, 49.9, True), (200, 50.0, False)])
def test_what_is_not_resolved_is_said_by_one_rule_and_first(draws: int, effective: float, said: bool) -> None:
    """Fewer independent draws than a tenth, or than 50; `recover` and `delay` take the sentence from here."""
    learnt = cast(Any, SimpleNamespace())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("corrin.answers.recover_run.calibration", lambda: "current")
        warnings = View(learnt, np.ones(1), effective, np.zeros((1, 0))).warnings(draws)
    noted = recover_text.notes({"contradiction": "", "warnings": ["Something else.", *warnings]}, 110)
    assert [line.startswith("Note: Not resolved") for line in noted] == ([True] if said else [])


def test_the_unmeasured_part_of_a_number_is_divided_from_what_differs_between_people() -> None:
    """Its correlation with the whole is the root of its share of the variance, and its own variance is one."""
    z, e = (np.random.default_rng(seed).standard_normal(20 * FEW) for seed in (3, 4))
    columns = recovery.shared({"sign_threshold": _unknown("sign_threshold", 0.36, z)}, {"sign_threshold": e})
    assert columns.shape == (20 * FEW, 1)
    assert np.corrcoef(columns[:, 0], z)[0, 1] == pytest.approx(0.6, abs=0.01)
    assert columns.std() == pytest.approx(1.0, abs=0.01)


def test_what_differs_between_people_alone_is_no_reason_for_a_band() -> None:
    z = np.random.default_rng(5).standard_normal(FEW)
    assert recovery.shared({"sign_threshold": _unknown("sign_threshold", 0.0, z)}, {"sign_threshold": z}).shape[1] == 0


@given(DEFICITS, DEFICITS, st.floats(0.05, 0.3))
def test_full_and_deficit_are_opposites_and_partial_is_a_deficit(today: float, later: float, threshold: float) -> None:
    found = {key: value[0] for key, value in recovery.outcomes(np.array([today]), np.array([later]), threshold).items()}
    assert found["full"] + found["deficit"] == 1.0
    assert found["partial"] <= found["deficit"]


@given(DEFICITS, DEFICITS, DEFICITS, st.floats(0.05, 0.3))
def test_less_missing_is_never_worse(today: float, a: float, b: float, threshold: float) -> None:
    low, high = (recovery.outcomes(np.array([today]), np.array([x]), threshold) for x in sorted((a, b)))
    assert low["full"] >= high["full"]
    assert low["full"] + low["partial"] >= high["full"] + high["partial"]


@given(st.floats(0.0, 0.9), st.floats(0.1, 0.4), st.floats(0.03, 0.1))
def test_what_drives_a_symptom_is_found_again_from_its_chance(amount: float, half: float, width: float) -> None:
    felt = 1.0 / (1.0 + np.exp(-(amount - half) / width))
    found = recovery.driver(np.array([[felt]]), np.array([half]), np.array([width]))[0, 0]
    assert found == pytest.approx(amount, abs=2e-3)


def test_a_symptom_that_is_felt_less_often_stops_in_those_who_feel_it() -> None:
    """Of 80 in 100 who feel it today, 60 still do when the chance is 60: a quarter no longer."""
    found = recovery.felt_outcomes(np.array([0.8]), np.array([0.6]), np.array([0.5]), np.array([0.2]))
    assert found["full"][0] == pytest.approx(0.25)
    assert found["partial"][0] == pytest.approx(0.75)


def test_days_to_a_step_and_those_who_never_reach_it() -> None:
    times = np.array([0.0, 10.0, 20.0])
    values = np.array([[1.0, 0.5, 0.0], [1.0, 1.0, 1.0]])
    found = recovery.when(times, values, np.array([0.5, 0.5]), np.array([0.25, 0.25]))
    assert found.p05 == pytest.approx(15.0)
    assert found.p95 is None
    assert found.never == pytest.approx(0.5)


@given(st.floats(0.0, 100.0))
def test_colours_are_colours(works: float) -> None:
    found = nerve_picture.colour(works)
    assert len(found) == 7
    assert 0 <= int(found[1:], 16) < 1 << 24


def test_most_is_counted_of_what_comes_back_and_not_where_hardly_anything_does() -> None:
    found = recovery.levels(np.array([0.5, 0.5]), np.array([0.25, 0.49]), np.array([0.05, 0.05]))
    assert found["first"] == pytest.approx([0.45, 0.45])
    assert found["half"] == pytest.approx([0.25, 0.25])
    assert found["most"] == pytest.approx([0.3, -np.inf])


def test_the_picture_says_what_works_where_something_is_told_and_no_more() -> None:
    tracts = ("foot", "hand", "motor", "dorsal", "lateral", "optic", "cognition")
    months = {month: {tract: {"p50": 40.0 + place} for place, tract in enumerate(tracts)} for month in ("0", "24")}
    answer = {
        "case": "a<b",
        "disclaimer": "no device",
        "today": {"tracts": {tract: {"told": tract != "optic"} for tract in tracts}},
        "plans": [{"title": "tablets & injections", "picture": months}],
    }
    drawn = nerve_picture.svg(answer)
    assert drawn.count("dorsal 43") == 2
    assert "optic 45" not in drawn
    assert drawn.count("optic: not told") == 2
    assert "a&lt;b" in drawn
    assert "tablets &amp; injections" in drawn
    assert nerve_picture.png(answer)[:4] == b"\x89PNG"
