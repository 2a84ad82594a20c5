"""Ranks of drawn quantities: ties share their rank, whatever the order of the draws, and rounding makes no order of its own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from corrin.inference.sampler import SAME, _ranks, independent


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=40))
def test_equal_values_share_their_rank(values: list[int]) -> None:
    column = np.array(values, float)[:, None]
    assert np.allclose(_ranks(column)[:, 0], rankdata(values) - 0.5 * (len(values) + 1))


def test_rounding_is_no_order() -> None:
    """A nerve nobody hurt reads 100 and a last digit; only those that are hurt have a place of their own."""
    rng = np.random.default_rng(1)
    whole = 100.0 * (1.0 - 0.1 * SAME * rng.uniform(size=(300, 1)))
    hurt = rng.uniform(10, 90, size=(100, 1))
    ranks = _ranks(np.concatenate([whole, hurt]))
    assert np.ptp(ranks[:300]) == 0.0
    assert len(np.unique(ranks[300:])) == 100


def test_who_is_unhurt_everywhere_is_not_taken_for_stuck() -> None:
    """Draws that forgot where they began are worth all of them, though nearly all read the same then and now."""
    rng = np.random.default_rng(2)

    def seen() -> np.ndarray:
        hurt = np.where(rng.uniform(size=(500, 6)) < 0.1, rng.uniform(size=(500, 6)), 0.0)
        return 100.0 * (1.0 - hurt)

    now = [seen(), seen()]
    worth = independent([seen(), seen()], now, [np.full(6, 10.0)] * 2)
    assert worth > 300
