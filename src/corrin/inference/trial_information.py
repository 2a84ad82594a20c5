"""How much a study would tell: two forms of the model, means over n people as data, everything normal.

Under each form s the means over n people of the measured columns are normal around mu_s with covariance V_s = C_s + (Sigma_s + noise) / n:
C_s is what nobody knows of typical people and how studies differ, Sigma_s how people differ. Only means count, not how the spread of people
looks, so that what is said is a floor. From it follow, by drawing data:

- the expected information on the form: entropy before minus mean entropy after, in bits (Lindley DV. Ann Math Stat 1956;27:986-1005);
- the expected log10 Bayes factor in favour of the true form, and the mean probability given to it;
- the expected variance of an answer after the study (expected value of sample information by regression; exact for normals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DATA = 2000
"""Sets of data drawn."""


@dataclass(frozen=True)
class Beliefs:
    """Two forms of the model. mean (2, columns); people (2, columns, columns) how people differ, 0 between arms; noise (columns,) variance
    of one measurement; shared (2, columns + answers, columns + answers) what nobody knows and how studies differ; answers (2, answers)
    means; weights (2,); chance (columns, columns) variance of the difference of the two means from the number of drawn people."""

    mean: Floats
    people: Floats
    noise: Floats
    shared: Floats
    answers: Floats
    weights: Floats
    chance: Floats


@dataclass(frozen=True)
class Told:
    """What a study is expected to tell: bits, log10 Bayes factor for the truth, probability given to the truth; sd_before, sd_after of the
    answers (answers,)."""

    bits: float
    log10_factor: float
    right: float
    sd_before: Floats
    sd_after: Floats


def entropy(weights: Floats) -> Floats:
    """Bits, along the first axis."""
    w = np.clip(weights, 1e-300, 1.0)
    return np.asarray(-(w * np.log2(w)).sum(axis=0))


def expected(beliefs: Beliefs, chosen: Ints, n: float, luck: Floats, answers: bool = True) -> Told:
    """What measuring the columns `chosen` in n people an arm tells; `luck` (1 + columns, sets) standard normals, the same for all designs
    that are compared, so that their difference is not chance. Without `answers` only the form is looked at, which is quicker."""
    from scipy.special import ndtr

    means, V = _both(beliefs, chosen, n)
    sets = luck.shape[1]
    first = (ndtr(luck[0]) < beliefs.weights[0]).astype(int)
    truth = 1 - first
    noise = luck[1 + chosen]
    factors = [np.linalg.cholesky(V[s]) for s in (0, 1)]
    y = np.where(truth[None, :] == 0, means[0][:, None] + factors[0] @ noise, means[1][:, None] + factors[1] @ noise)
    logs = np.array([_log_density(y, means[s], factors[s]) + np.log(beliefs.weights[s]) for s in (0, 1)])
    after = np.exp(logs - np.logaddexp.reduce(logs, axis=0))
    bits = float(entropy(beliefs.weights[:, None])[0] - entropy(after).mean())
    factor = (logs[0] - logs[1]) - np.log(beliefs.weights[0] / beliefs.weights[1])
    favour = np.where(truth == 0, factor, -factor)
    right = after[truth, np.arange(sets)]
    before = now = np.zeros(0)
    if answers:
        before, now = _answers(beliefs, chosen, means, V, y, after)
    return Told(max(bits, 0.0), float(favour.mean() / np.log(10.0)), float(right.mean()), before, now)


def _answers(beliefs: Beliefs, chosen: Ints, means: Floats, V: Floats, y: Floats, after: Floats) -> tuple[Floats, Floats]:
    """SD of the answers before and after: given a form normal, over both a mixture (sets of data y, `after` (2, sets) their weights)."""
    K, a = beliefs.mean.shape[1], beliefs.answers
    middle, rest, own = [], [], []
    for s in (0, 1):
        cross = beliefs.shared[s][K:, :K][:, chosen]
        own.append(np.diag(beliefs.shared[s])[K:])
        gain = np.linalg.solve(V[s], cross.T).T
        middle.append(a[s][:, None] + gain @ (y - means[s][:, None]))
        rest.append(own[s] - np.einsum("ij,ij->i", gain, cross))
    m, v = np.array(middle), np.array(rest)
    mean = (after[:, None, :] * m).sum(axis=0)
    variance = (after[:, None, :] * (v[:, :, None] + m**2)).sum(axis=0) - mean**2
    prior = beliefs.weights @ (np.array(own) + a**2) - (beliefs.weights @ a) ** 2
    return np.sqrt(np.maximum(prior, 0.0)), np.sqrt(np.maximum(variance.mean(axis=1), 0.0))


def _both(beliefs: Beliefs, chosen: Ints, n: float) -> tuple[Floats, Floats]:
    """Means (2, chosen) and covariances (2, chosen, chosen). The means are drawn together by what of their distance is the chance of
    who was drawn."""
    rows = np.ix_(chosen, chosen)
    V = np.array([beliefs.shared[s][rows] + (beliefs.people[s][rows] + np.diag(beliefs.noise[chosen])) / n for s in (0, 1)])
    V += 1e-12 * np.eye(len(chosen)) * np.maximum(np.trace(V, axis1=1, axis2=2), 1e-9)[:, None, None]
    means = beliefs.mean[:, chosen].copy()
    difference = means[1] - means[0]
    pooled = V.mean(axis=0)
    inverse = np.linalg.inv(pooled)
    distance = float(difference @ inverse @ difference)
    by_chance = float(np.trace(inverse @ beliefs.chance[rows]))
    kept = float(np.sqrt(max(0.0, 1.0 - by_chance / distance))) if distance > 0.0 else 0.0
    centre = means.mean(axis=0)
    return np.array([centre - 0.5 * kept * difference, centre + 0.5 * kept * difference]), V


def _log_density(y: Floats, mean: Floats, factor: Floats) -> Floats:
    """Normal log density (sets,) up to the constant both forms share."""
    own = np.linalg.inv(factor) @ (y - mean[:, None])
    return np.asarray(-0.5 * (own * own).sum(axis=0) - np.log(np.diag(factor)).sum())
