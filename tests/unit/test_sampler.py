"""The sampler on made-up problems whose posterior is known, and on a few virtual people."""

from __future__ import annotations

import numpy as np
import pytest

from corrin.engine.draw import normals
from corrin.inference.sampler import FIRST, Scorer, led, temper

NAMES = [f"x{number}" for number in range(12)]
DRAWS = 600


def _prior(seed: int) -> np.ndarray:
    return np.array([normals(seed, name, FIRST * led(DRAWS)) for name in NAMES])


def _all(z: dict[str, np.ndarray]) -> np.ndarray:
    """Every number counts."""
    return np.array([z[name] for name in NAMES]).T


def _run(scorer: Scorer, seed: int) -> tuple[np.ndarray, float]:
    matrix, _, effective = temper(scorer, NAMES, _prior(seed), DRAWS, seed, None)
    return matrix, effective


def _linear() -> tuple[Scorer, np.ndarray, np.ndarray]:
    """Four readings, each a sum of all twelve numbers, measured closely: posterior mean and covariance in closed form."""
    rng = np.random.default_rng(4)
    slopes, seen, sd = rng.normal(size=(4, 12)), rng.normal(size=4) * 3.0, np.full(4, 0.2)

    def score(z: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        shown = slopes @ np.array([z[name] for name in NAMES])
        return -0.5 * (((shown - seen[:, None]) / sd[:, None]) ** 2).sum(axis=0), shown, _all(z)

    covariance = np.linalg.inv(np.eye(12) + slopes.T @ (slopes / sd[:, None] ** 2))
    return Scorer(score, sd), covariance @ (slopes.T @ (seen / sd**2)), covariance


def test_it_finds_a_normal_posterior_and_tells_its_own_error() -> None:
    scorer, mean, covariance = _linear()
    ran = [_run(scorer, seed) for seed in range(1, 9)]
    sd = np.sqrt(np.diag(covariance))
    off = np.array([(matrix.mean(axis=1) - mean) / sd for matrix, _ in ran])  # (seeds, names)
    claimed = np.array([effective for _, effective in ran])
    assert np.all(claimed > 0.1 * DRAWS)
    # The means scatter about the truth by no more than the claimed number of draws allows: chi-squared of 96 numbers, 99.9 % below 1.5.
    assert float((off**2 * claimed[:, None]).mean()) < 1.5
    spread = np.array([matrix.std(axis=1) / sd for matrix, _ in ran])
    assert np.all(np.abs(spread.mean(axis=0) - 1.0) < 0.12)


def test_two_hills_are_both_found() -> None:
    """|x0| + 0.3 x1 was measured: by symmetry, half of the draws have x0 below zero."""

    def score(z: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        shown = np.array([np.abs(z["x0"]) + 0.3 * z["x1"]])
        return -0.5 * (((shown - 2.0) / 0.1) ** 2).sum(axis=0), shown, _all(z)

    ran = [_run(Scorer(score, np.array([0.1])), seed) for seed in range(1, 7)]
    below = np.array([(matrix[0] < 0.0).mean() for matrix, _ in ran])
    claimed = np.array([effective for _, effective in ran])
    assert abs(below.mean() - 0.5) < 4.0 * 0.5 / np.sqrt(claimed.sum())
    assert np.all(np.abs(below - 0.5) < 4.0 * 0.5 / np.sqrt(claimed))


def test_draws_that_cannot_be_told_apart_are_not_called_resolved() -> None:
    """A needle: one thousandth of the prior in each of eight directions at once. Few find it; the number says so."""

    def score(z: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        there = np.array([z[name] for name in NAMES[:8]])
        shown = np.tanh(40.0 * (there - 2.5))  # flat nearly everywhere: no slope leads to it
        return 5.0 * shown.sum(axis=0), shown, _all(z)

    _, effective = _run(Scorer(score, np.full(8, 0.1)), 1)
    assert effective < 0.35 * DRAWS


@pytest.mark.slow
def test_virtual_people_lie_in_their_own_bands() -> None:
    """A small version of scripts/posterior_coverage.py: the ranks of the truth in what was learned from reports are spread evenly."""
    from corrin.inference.coverage import one
    from corrin.inference.population import population

    rows = [one(number, 200, 77, population()) for number in range(10)]
    ranks = np.array([[row["ranks"][name] for name in ("serum_b12", "mma", "store_mg", "haemoglobin")] for row in rows])
    # Mean rank of ten people: 0.5 with SD 0.091. Four quantities, each outside 3.5 SD by chance in 1 of 2,000.
    assert np.all(np.abs(ranks.mean(axis=0) - 0.5) < 3.5 * 0.0913)
    outside = (np.abs(ranks - 0.5) > 0.475).mean()  # 5 % are outside the 95 % band
    assert outside <= 0.2
