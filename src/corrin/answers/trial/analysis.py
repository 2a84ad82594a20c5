"""The tests a trial ends with, for many repeats of it at once. Axes: repeat, participant. NaN is a value that was not obtained.

Every test gives the effect (arm minus control), its standard error and a two-sided p. Student's t quantiles are SciPy's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
LEAST = 2
"""People in an arm below which nothing can be tested."""


@dataclass(frozen=True)
class Tested:
    """(repeats,) each: effect, its standard error, degrees of freedom, two-sided p. NaN where the arms had too few people."""

    effect: Floats
    se: Floats
    freedom: Floats
    p: Floats

    def interval(self, alpha: float) -> tuple[Floats, Floats]:
        """The two-sided interval of 1 - alpha."""
        from scipy.special import stdtrit

        share = 1.0 - alpha / 2.0
        times = np.where(np.isfinite(self.freedom), stdtrit(np.maximum(self.freedom, 1.0), share), _z(share))
        return self.effect - times * self.se, self.effect + times * self.se


def _z(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def _moments(x: Floats, chosen: Bools) -> tuple[Floats, Floats, Floats]:
    """Number, mean and variance of those chosen who have a value."""
    have = chosen & np.isfinite(x)
    n = have.sum(axis=1).astype(float)
    value = np.where(have, x, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = value.sum(axis=1) / n
        variance = np.where(have, (x - mean[:, None]) ** 2, 0.0).sum(axis=1) / (n - 1.0)
    return n, mean, variance


def welch(x: Floats, arm: Bools, control: Bools) -> Tested:
    """Difference of means with unequal variances (Welch 1947)."""
    from scipy.special import stdtr

    n1, m1, v1 = _moments(x, arm)
    n0, m0, v0 = _moments(x, control)
    with np.errstate(invalid="ignore", divide="ignore"):
        part1, part0 = v1 / n1, v0 / n0
        se = np.sqrt(part1 + part0)
        freedom = (part1 + part0) ** 2 / (part1**2 / (n1 - 1.0) + part0**2 / (n0 - 1.0))
        effect = m1 - m0
        p = np.where(se > 0.0, 2.0 * stdtr(freedom, -np.abs(effect) / se), np.where(effect == 0.0, 1.0, 0.0))
    bad = (n1 < LEAST) | (n0 < LEAST)
    return Tested(*(np.where(bad, np.nan, value) for value in (effect, se, freedom, p)))


def adjusted(x: Floats, beside: Floats, arm: Bools, control: Bools) -> Tested:
    """Difference of means adjusted for covariates (repeats, participants, covariates) by least squares with one slope for all (ANCOVA)."""
    from scipy.special import stdtr

    have = (arm | control) & np.isfinite(x) & np.isfinite(beside).all(axis=2)
    design = np.concatenate([np.ones((*x.shape, 1)), arm[..., None].astype(float), np.where(np.isfinite(beside), beside, 0.0)], axis=2)
    design = np.where(have[..., None], design, 0.0)
    y = np.where(have, x, 0.0)
    cross = np.einsum("rni,rnj->rij", design, design)
    size = cross.shape[1]
    ridge = 1e-10 * (1.0 + np.abs(cross).max(axis=(1, 2)))[:, None, None] * np.eye(size)
    inverse = np.linalg.inv(cross + ridge)
    slope = np.einsum("rij,rnj,rn->ri", inverse, design, y)
    rest = np.where(have, y - np.einsum("rni,ri->rn", design, slope), 0.0)
    n1, n0 = (have & arm).sum(axis=1), (have & control).sum(axis=1)
    freedom = (n1 + n0 - size).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt((rest**2).sum(axis=1) / freedom * inverse[:, 1, 1])
        effect = slope[:, 1]
        p = np.where(se > 0.0, 2.0 * stdtr(np.maximum(freedom, 1.0), -np.abs(effect) / se), 1.0)
    bad = (n1 < LEAST) | (n0 < LEAST) | (freedom < 1.0)
    return Tested(*(np.where(bad, np.nan, value) for value in (effect, se, freedom, p)))


def shares(x: Floats, arm: Bools, control: Bools) -> Tested:
    """Difference of two shares of yes (1) and no (0): p of the chi-square test without correction, standard error of the difference."""
    from scipy.special import ndtr

    n1, p1, _ = _moments(x, arm)
    n0, p0, _ = _moments(x, control)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = (n1 * p1 + n0 * p0) / (n1 + n0)
        pooled = np.sqrt(whole * (1.0 - whole) * (1.0 / n1 + 1.0 / n0))
        se = np.sqrt(p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0)
        effect = p1 - p0
        p = np.where(pooled > 0.0, 2.0 * ndtr(-np.abs(effect) / pooled), 1.0)
    bad = (n1 < LEAST) | (n0 < LEAST)
    return Tested(*(np.where(bad, np.nan, value) for value in (effect, se, np.full_like(effect, np.inf), p)))


def log_rank(event: NDArray[np.int64], last: NDArray[np.int64], visits: int, arm: Bools, control: Bools) -> Tested:
    """Log-rank test over visits 1..`visits`; `event` the visit of the event (0: none seen), `last` the last visit attended.

    The effect is the log of the hazard ratio as (O - E) / V with standard error 1 / sqrt(V) (Peto's one-step estimate).
    """
    from scipy.special import ndtr

    gap, variance = np.zeros(event.shape[0]), np.zeros(event.shape[0])
    until = np.where(event > 0, event, last)
    for visit in range(1, visits + 1):
        risk, now = until >= visit, event == visit
        n1, n0 = (risk & arm).sum(axis=1), (risk & control).sum(axis=1)
        d = (now & (arm | control)).sum(axis=1)
        n = n1 + n0
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(n > 0, n1 / n, 0.0)
            gap += (now & arm).sum(axis=1) - d * share
            variance += np.where(n > 1, d * share * (1.0 - share) * (n - d) / (n - 1.0), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        effect, se = gap / variance, 1.0 / np.sqrt(variance)
        p = np.where(variance > 0.0, 2.0 * ndtr(-np.abs(gap) * se), 1.0)
    none = variance <= 0.0
    return Tested(np.where(none, 0.0, effect), np.where(none, np.inf, se), np.full_like(effect, np.inf), p)


def success(found: Tested, alpha: float, better: str, margin: float | None) -> Bools:
    """Whether a repeat shows what was looked for.

    Without a margin: p below alpha, and the effect on the side that is `better` (`lower`, `higher`; `either`: any side). With one: the
    interval of 1 - alpha excludes being worse by the margin (non-inferiority).
    """
    with np.errstate(invalid="ignore"):
        if margin is not None:
            low, high = found.interval(alpha)
            return np.asarray((high < margin) if better == "lower" else (low > -margin))
        side = {"lower": found.effect < 0.0, "higher": found.effect > 0.0}.get(better, np.ones(found.p.shape, bool))
        return np.asarray((found.p < alpha) & side)


def exact_interval(count: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Exact binomial interval of a share (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    tail = 0.5 * (1.0 - level)
    low = 0.0 if count == 0 else float(betaincinv(count, of - count + 1, tail))
    return low, 1.0 if count == of else float(betaincinv(count + 1, of - count, 1.0 - tail))


def power_of_means(effect: float, sd1: float, sd0: float, n1: float, n0: float, alpha: float) -> float:
    """Power of a two-sided comparison of two means, both sides counted, by the noncentral t with Welch's degrees of freedom."""
    from scipy.stats import nct, t

    part1, part0 = sd1**2 / n1, sd0**2 / n0
    freedom = (part1 + part0) ** 2 / (part1**2 / (n1 - 1.0) + part0**2 / (n0 - 1.0))
    far = effect / math.sqrt(part1 + part0)
    limit = float(t.ppf(1.0 - alpha / 2.0, freedom))
    return float(nct.sf(limit, freedom, far) + nct.cdf(-limit, freedom, far))


def size_for(power_seen: float, n: float, alpha: float, wanted: float = 0.8) -> float:
    """The size at which the power is `wanted`, from the power seen at size n: the distance in standard errors grows with the root of n."""
    near = _z(1.0 - alpha / 2.0)
    far = near + _z(min(max(power_seen, 1e-6), 1.0 - 1e-6))
    return math.inf if far <= 0.05 else n * ((near + _z(wanted)) / far) ** 2


def plain(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if math.isfinite(float(value)) else None
