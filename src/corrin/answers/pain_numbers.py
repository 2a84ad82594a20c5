"""Arithmetic on published arms: differences, numbers needed to treat and to harm, each with a 95 % interval by a named method.

Plain floats, no SciPy. Every result says how it was reached, so that a reader can redo it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval (None: not computable), the method, and the arithmetic in words."""

    value: float
    low: float | None
    high: float | None
    method: str
    arithmetic: str


def wilson(count: float, people: float) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927)."""
    if people <= 0 or not 0 <= count <= people:
        raise ValueError(f"{count} of {people} is no share")
    share = count / people
    middle = (share + Z * Z / (2 * people)) / (1 + Z * Z / people)
    half = Z / (1 + Z * Z / people) * math.sqrt(share * (1 - share) / people + Z * Z / (4 * people * people))
    return max(0.0, middle - half), min(1.0, middle + half)


def share_difference(treated: float, controlled: float, treated_n: float, control_n: float) -> Estimate:
    """Difference of two shares, treated minus control, with Newcombe's hybrid score interval (Newcombe 1998, method 10)."""
    low1, high1 = wilson(treated * treated_n, treated_n)
    low2, high2 = wilson(controlled * control_n, control_n)
    value = treated - controlled
    low = value - math.hypot(treated - low1, high2 - controlled)
    high = value + math.hypot(high1 - treated, controlled - low2)
    said = f"{100 * treated:.1f} % − {100 * controlled:.1f} % = {100 * value:+.1f} % ({treated_n:g} and {control_n:g} people)"
    return Estimate(value, low, high, "Newcombe's hybrid score interval, 95 %", said)


def mean_difference(
    treated: float, controlled: float, treated_spread: float, control_spread: float, kind: str,
    treated_n: float | None = None, control_n: float | None = None,
) -> Estimate:  # fmt: skip
    """Difference of two means, treated minus control. `kind` SD: Welch's t interval from the arms' SD and size; SE: normal interval."""
    value = treated - controlled
    if kind == "SD":
        if treated_n is None or control_n is None or treated_n < 2 or control_n < 2:
            raise ValueError("an interval from SDs needs the size of both arms")
        part1, part2 = treated_spread**2 / treated_n, control_spread**2 / control_n
        se = math.sqrt(part1 + part2)
        freedom = (part1 + part2) ** 2 / (part1**2 / (treated_n - 1) + part2**2 / (control_n - 1))
        times, method = t_quantile(freedom), f"Welch's t interval, 95 %, {freedom:.0f} degrees of freedom"
        spread = f"√({treated_spread:g}²/{treated_n:g} + {control_spread:g}²/{control_n:g})"
    else:
        se = math.hypot(treated_spread, control_spread)
        times, method = Z, "normal interval from the arms' standard errors, 95 %"
        spread = f"√({treated_spread:g}² + {control_spread:g}²)"
    said = f"{treated:g} − ({controlled:g}) = {value:+.2f}; standard error {spread} = {se:.2f}"
    return Estimate(value, value - times * se, value + times * se, method, said)


def t_quantile(freedom: float) -> float:
    """The 97.5 % point of Student's t, by the Cornish-Fisher series around the normal one (error below 0.002 from 4 degrees on)."""
    if freedom < 4:
        raise ValueError(f"the series is for 4 degrees of freedom or more, found {freedom:g}")
    z = Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms))


def number_needed(difference: Estimate) -> Estimate | None:
    """One divided by a difference of shares in the direction looked at (Altman 1998); None where the difference is zero.

    When the interval of the difference holds zero, so does "no effect": then `low` or `high` is None and the method says so.
    """
    if difference.value == 0:
        return None
    value = 1 / difference.value
    said = f"1 / {difference.value:.3f} = {value:.1f}"
    if difference.low is None or difference.high is None:
        return Estimate(value, None, None, "no interval: the arms' sizes were not read", said)
    if difference.low <= 0 <= difference.high:
        return Estimate(value, None, None, "no interval: that of the difference holds zero, so it may be none at all", said)
    ends = sorted((1 / difference.low, 1 / difference.high))
    return Estimate(value, ends[0], ends[1], f"reciprocal of {difference.method}", said)
