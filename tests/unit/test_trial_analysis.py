"""The tests a trial ends with, against SciPy's own and least squares written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from corrin.answers.trial import analysis

LUCK = np.random.default_rng(20261121)


def _arms(n: int, first: int) -> tuple[np.ndarray, np.ndarray]:
    arm = np.zeros((3, n), bool)
    arm[:, :first] = True
    return arm, ~arm


def test_welch_is_scipys() -> None:
    x = LUCK.normal(size=(3, 40)) * np.linspace(1.0, 3.0, 40)
    x[1, 5] = np.nan
    arm, control = _arms(40, 15)
    found = analysis.welch(x, arm, control)
    for row in range(3):
        one, other = x[row, :15], x[row, 15:]
        wanted = stats.ttest_ind(one[np.isfinite(one)], other, equal_var=False)
        assert found.p[row] == pytest.approx(wanted.pvalue, rel=1e-9)
        low, high = found.interval(0.05)
        interval = wanted.confidence_interval(0.95)
        assert (low[row], high[row]) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_adjusted_is_least_squares_written_out() -> None:
    beside = LUCK.normal(size=(3, 30, 2))
    arm, control = _arms(30, 12)
    x = 1.0 + 0.7 * arm + beside @ np.array([0.5, -2.0]) + LUCK.normal(size=(3, 30))
    x[2, 3] = np.nan
    found = analysis.adjusted(x, beside, arm, control)
    for row in range(3):
        have = np.isfinite(x[row])
        design = np.column_stack([np.ones(30), arm[row], beside[row]])[have]
        slope, rest, *_ = np.linalg.lstsq(design, x[row, have], rcond=None)
        freedom = have.sum() - 4
        se = math.sqrt(rest[0] / freedom * np.linalg.inv(design.T @ design)[1, 1])
        assert found.effect[row] == pytest.approx(slope[1], rel=1e-6)
        assert found.se[row] == pytest.approx(se, rel=1e-6)
        assert found.p[row] == pytest.approx(2 * stats.t.sf(abs(slope[1]) / se, freedom), rel=1e-5)


def test_shares_are_the_chi_square_test() -> None:
    x = (LUCK.random((3, 50)) < 0.4).astype(float)
    arm, control = _arms(50, 20)
    found = analysis.shares(x, arm, control)
    for row in range(3):
        yes1, yes0 = x[row, :20].sum(), x[row, 20:].sum()
        wanted = stats.chi2_contingency([[yes1, 20 - yes1], [yes0, 30 - yes0]], correction=False)
        assert found.p[row] == pytest.approx(wanted.pvalue, rel=1e-9)


def test_log_rank_is_scipys() -> None:
    arm, control = _arms(60, 30)
    event = LUCK.integers(0, 7, (3, 60))
    last = np.where(event > 0, 6, LUCK.integers(1, 7, (3, 60)))
    found = analysis.log_rank(event, last, 6, arm, control)
    for row in range(3):

        def sample(rows: slice, row: int = row) -> stats.CensoredData:
            happened, until = event[row, rows], last[row, rows]
            return stats.CensoredData(uncensored=happened[happened > 0], right=until[happened == 0])

        wanted = stats.logrank(sample(slice(0, 30)), sample(slice(30, 60)))
        assert found.p[row] == pytest.approx(wanted.pvalue, rel=1e-6)


def test_no_difference_and_nobody() -> None:
    arm, control = _arms(10, 5)
    same = analysis.welch(np.ones((3, 10)), arm, control)
    assert (same.p == 1.0).all()
    none = analysis.welch(np.full((3, 10), np.nan), arm, control)
    assert np.isnan(none.p).all()
    assert not analysis.success(none, 0.05, "either", None).any()
    assert not analysis.success(none, 0.05, "lower", 0.1).any()


@pytest.mark.parametrize(("count", "of"), [(0, 20), (7, 20), (20, 20)])
def test_exact_interval_is_scipys(count: int, of: int) -> None:
    wanted = stats.binomtest(count, of).proportion_ci(0.95, "exact")
    assert analysis.exact_interval(count, of) == pytest.approx((wanted.low, wanted.high))


def test_power_is_tabled() -> None:
    """Cohen J. Statistical Power Analysis for the Behavioral Sciences. 1988, table 2.3.5: d = 0.5, 64 in each group: 0.80."""
    assert analysis.power_of_means(0.5, 1.0, 1.0, 64, 64, 0.05) == pytest.approx(0.80, abs=0.005)
    assert analysis.power_of_means(0.0, 1.0, 2.0, 30, 20, 0.05) == pytest.approx(0.05, abs=1e-6)


def test_size_follows_the_root_law() -> None:
    power = analysis.power_of_means(0.5, 1.0, 1.0, 200, 200, 0.05)
    assert analysis.size_for(analysis.power_of_means(0.5, 1.0, 1.0, 50, 50, 0.05), 100, 0.05) == pytest.approx(128, abs=4)
    assert analysis.size_for(0.8, 90, 0.05) == pytest.approx(90)
    assert power > 0.99
    assert analysis.size_for(0.02, 90, 0.05) == math.inf
