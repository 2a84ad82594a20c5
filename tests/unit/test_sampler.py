"""The sampler on made-up problems whose posterior is known, and on a few virtual people."""

from __future__ import annotations

import numpy as np
import pytest

from corrin.answers.examples import named
from corrin.case.case import Case
from corrin.case.world import world
from corrin.engine.draw import normals
from corrin.inference import likelihood
from corrin.inference.population import population, the_kernel
from corrin.inference.sampler import FIRST, Scorer, _Mover, led, temper
from corrin.inference.update import Teller, update

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


def test_no_mixture_is_fitted_to_the_draws_it_proposes_to() -> None:
    """Else it has its peak where they are, and few draws in a small hill leave it too readily: far away half of the draws, and the other
    half is proposed the same places only if theirs were not fitted to it."""
    rng = np.random.default_rng(3)
    near = rng.normal(size=(len(NAMES), 200))
    for moved in (0, 1):
        far = near.copy()
        far[:, moved::2] += 50.0
        steps = []
        for draws in (near, far):
            mover = _Mover(NAMES, 5, spoken=np.eye(len(NAMES))[:, :3])
            steps.append(mover.propose(draws, [draws[:, ::2], draws[:, 1::2]])[0][:3])
            assert mover.kind == 0
        np.testing.assert_allclose(steps[0][:, moved::2], steps[1][:, moved::2], atol=1e-9)
        assert np.abs(steps[0][:, 1 - moved :: 2] - steps[1][:, 1 - moved :: 2]).min() > 1.0


@pytest.mark.slow
def test_one_person_agrees_with_importance_sampling() -> None:
    """A hundred thousand draws of the prior, weighed by the same results: exact but for chance. The form of the model counts too."""
    case = Case.model_validate({
        "format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 59.0, "sex": "female"},
        "history": {"diet": [{"diet": "vegan", "from": "~8y"}]},
        "labs": [{"analyte": "holotranscobalamin", "value": 31.6, "unit": "pmol/L", "date": "0d"},
                 {"analyte": "mma", "value": 456.0, "unit": "nmol/L", "date": "0d"}],
    })  # fmt: skip
    past, kernel, people = world(case), the_kernel(), population()
    teller = Teller(past, kernel, people, 3)
    teller.prepare()
    seen = tuple(item for item in past.observations if item.reading in kernel.model.readings)
    store = kernel.model.readings.index("store_mg")
    scores, stores, pools = [], [], []
    for first in range(0, 12 * 8192, 8192):
        z = teller.prior(8192, first)
        _, _, made, run = teller.tell(z, certify=True)
        with np.errstate(all="ignore"):
            score = likelihood.total(seen, teller.predictor(made, run), 8192)
        scores.append(np.where(run.failed | ~np.isfinite(score), -1e6, score))
        stores.append(teller.today(made, run)[:, store])
        pools.append(teller.population.matrix(z, 8192)[:, kernel.model.parameters.index("cell_pool")])
    weight = np.exp(np.concatenate(scores) - np.max(scores))
    weight /= weight.sum()
    worth = 1.0 / (weight**2).sum()
    assert worth > 1000.0
    order = np.argsort(np.concatenate(stores))
    below = np.cumsum(weight[order])
    pool = float(weight @ np.concatenate(pools))
    ran = [update(past, kernel, people, 1000, seed) for seed in (1, 2)]
    claimed = sum(one.effective for one in ran)

    def agrees(found: float, wanted: float) -> bool:
        return abs(found - wanted) < 4.0 * np.sqrt(wanted * (1.0 - wanted) * (1.0 / claimed + 1.0 / worth))

    for level in (0.02, 0.1, 0.5, 0.9, 0.98):
        edge = np.concatenate(stores)[order][np.searchsorted(below, level)]
        found = np.mean([(teller.today(one.history, one.run)[:, store] < edge).mean() for one in ran])
        assert agrees(float(found), level), (level, found)
    assert agrees(float(np.mean([one.parameters[:, kernel.model.parameters.index("cell_pool")].mean() for one in ran])), pool)


@pytest.mark.slow
def test_virtual_people_lie_in_their_own_bands() -> None:
    """A small version of scripts/posterior_coverage.py: the ranks of the truth in what was learned from reports are spread evenly."""
    from corrin.inference.coverage import one

    rows = [one(number, 200, 77, population()) for number in range(10)]
    ranks = np.array([[row["ranks"][name] for name in ("serum_b12", "mma", "store_mg", "haemoglobin")] for row in rows])
    # Mean rank of ten people: 0.5 with SD 0.091. Four quantities, each outside 3.5 SD by chance in 1 of 2,000.
    assert np.all(np.abs(ranks.mean(axis=0) - 0.5) < 3.5 * 0.0913)
    outside = (np.abs(ranks - 0.5) > 0.475).mean()  # 5 % are outside the 95 % band
    assert outside <= 0.2


@pytest.mark.parametrize("example", ["neurolsci2011-63f", "bmcneurol2020-n2o-24m"])
def test_a_trial_weighs_a_draw_as_the_history_that_is_shown(example: str) -> None:
    """The log-likelihood of a trial decides which draws stay: off by far less than one from that of the history in finer steps."""
    history, kernel = world(named(example)), the_kernel()
    people = update(history, kernel, population(), 128, 1)
    teller = Teller(history, kernel, population(), 1)
    teller.prepare()
    _, _, *trial = teller.tell(people.z, certify=True)
    both = (trial, (people.history, people.run))
    rough, shown = (likelihood.total(history.observations, teller.predictor(*told), people.count) for told in both)
    assert np.any(rough != shown)
    assert float(np.sqrt(np.mean((rough - shown) ** 2))) < 0.02
    assert float(np.max(np.abs(rough - shown))) < 0.2
