"""Shares of a made-up linear truth are found again; what was learned agrees with arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrin.answers.computed import Unknown
from corrin.answers.learned import learned
from corrin.answers.split import split, terms
from corrin.show.learned_text import BAR, bar

DRAWS = 4000
EVEN = np.full(DRAWS, 1.0 / DRAWS)


def unknown(z: np.ndarray, group: str = "person", unsure: float = 0.0, levels: tuple[str, ...] = ()) -> Unknown:
    value = (z > 0).astype(float) if levels else z
    before = np.full(len(levels), 1.0 / len(levels)) if levels else np.array([-1.645, 0.0, 1.645])
    return Unknown("a number", "", group, unsure, z, value, before, levels=levels)


def normals(count: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, DRAWS))


def test_a_linear_truth_is_split_as_it_was_made() -> None:
    z = normals(20)
    held = {f"idle_{row}": unknown(z[row]) for row in range(4, 20)}
    held |= {"person": unknown(z[0], unsure=0.25), "history": unknown(z[1], "history"), "form": unknown(z[2], "structure", 0.0, ("a", "b"))}
    # variances: 4 of a person (1 of them not known of typical ones), 2 of history, 1 of the form (0 or 1, so 4 times a quarter), 3 assay
    y = 2.0 * z[0] + math.sqrt(2.0) * z[1] + 2.0 * (z[2] > 0)
    found = split(y, terms(held, {}, {}, EVEN), DRAWS, assay_variance=3.0)
    assert found is not None
    assert found.shares == pytest.approx((0.1, 0.1, 0.3, 0.2), abs=0.02)
    assert found.assay == pytest.approx(0.3, abs=0.02)
    assert found.explained == pytest.approx(1.0, abs=0.01)


def test_a_product_goes_half_to_each_factor() -> None:
    z = normals(2)
    held = {"person": unknown(z[0]), "history": unknown(z[1], "history")}
    y = 0.7 * z[0] + 0.7 * z[1] + z[0] * z[1]
    found = split(y, terms(held, {}, {}, EVEN), DRAWS)
    assert found is not None
    assert found.explained > 0.99
    assert found.shares[2] == pytest.approx(0.5, abs=0.03)
    assert found.shares[3] == pytest.approx(0.5, abs=0.03)


def test_two_that_are_known_only_together_share_alike() -> None:
    z = normals(2)
    first, second = z[0], 0.9 * z[0] + math.sqrt(1.0 - 0.81) * z[1]
    held = {"person": unknown(first), "history": unknown(second, "history")}
    found = split(first + second, terms(held, {}, {}, EVEN), DRAWS)
    assert found is not None
    assert found.shares[2] == pytest.approx(found.shares[3], abs=0.03)


def test_what_the_history_makes_of_its_unknowns_counts_for_the_history() -> None:
    z = normals(2)
    found = split(z[0] * (z[1] > 0), terms({"x": unknown(z[1])}, {"made": z[0] * (z[1] > 0)}, {}, EVEN), DRAWS)
    assert found is not None
    assert found.shares[3] > 0.95


def test_nothing_is_said_of_what_does_not_vary_or_follows_nothing() -> None:
    z = normals(2)
    assert split(np.full(DRAWS, 3.0), terms({"x": unknown(z[0])}, {}, {}, EVEN), DRAWS) is None
    assert split(z[1], terms({"x": unknown(z[0])}, {}, {}, EVEN), DRAWS) is None


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.floats(0.0, 4.0), st.integers(0, 99))
def test_shares_are_shares(weights: list[float], assay: float, seed: int) -> None:
    z = normals(4, seed)[:, :300]
    held = {"a": unknown(z[0], unsure=0.5), "b": unknown(z[1], "history"), "c": unknown(z[2], "structure", 0.0, ("x", "y")),
            "d": unknown(0.8 * z[0] + 0.6 * z[3])}  # fmt: skip
    found = split(np.array(weights) @ z, terms(held, {}, {}, np.full(300, 1.0 / 300)), 150.0, assay)
    if found is not None:
        parts = (*found.shares, found.assay)
        assert min(parts) >= 0.0
        assert sum(parts) == pytest.approx(1.0)
        assert len(bar(parts)) == BAR


def test_bits_of_a_normal_agree_with_the_formula() -> None:
    z = normals(1)[0]
    z = 1.0 + 0.5 * (z - z.mean()) / z.std()
    (found,) = learned({"x": unknown(z)}, np.full(DRAWS, 1.0 / DRAWS), 1000.0, None)
    assert found.bits == pytest.approx(0.5 * (0.25 + 1.0 - 1.0 - math.log(0.25)) / math.log(2.0))
    assert found.narrowed == pytest.approx(0.75)
    assert found.shift == pytest.approx(1.0)
    assert found.beyond_chance


def test_certainty_between_two_is_one_bit() -> None:
    z = np.ones(200)
    (found,) = learned({"x": unknown(z, "structure", 0.0, ("no", "yes"))}, np.full(200, 1.0 / 200), 200.0, None)
    assert found.bits == pytest.approx(1.0)
    assert found.narrowed == pytest.approx(1.0)
    assert [level.now for level in found.levels] == pytest.approx([0.0, 1.0])


def test_draws_of_the_prior_teach_nothing_beyond_chance() -> None:
    held = {f"x{row}": unknown(z) for row, z in enumerate(normals(40)[:, :400])}
    assert not any(item.beyond_chance for item in learned(held, np.full(400, 1.0 / 400), 400.0, None))
