"""The operations a rate may use, on anything: floats, arrays, symbols of the trace, numbers that carry units.

Rates run at every step of every person, so they use + - * /, `sqrt` and `power` with the exponents below, and nothing else that
depends on the state. `exp`, `log` and `raised` (a free power) may stand in doses and readings, and in rates only on parameters and
exposures: the trace computes those once a segment, and a test counts that none is left in the step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

POWERS = (0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 8)


class One:
    """One of each unit in which a law names a bare number ("from 30 years on"), so that `30.0 * ops.one.year` says which unit it is.

    Plain ones, folded away by the trace; the test of units puts numbers that carry the unit here.
    """

    year: Any = 1.0
    percent: Any = 1.0
    ug: Any = 1.0
    mg: Any = 1.0
    day: Any = 1.0


one = One()


def sqrt(value: Any) -> Any:
    """Square root."""
    return value**0.5


def power(value: Any, exponent: float) -> Any:
    """`value` to one of `POWERS`, by multiplication and at most one square root."""
    if exponent not in POWERS:
        raise ValueError(f"power {exponent} is not one of {POWERS}; free powers cost a library call at every step")
    whole = int(exponent)
    result = sqrt(value) if exponent != whole else None
    factor = value
    while whole:
        if whole & 1:
            result = factor if result is None else result * factor
        whole >>= 1
        if whole:
            factor = factor * factor
    return result


def hill(value: Any, half: Any, exponent: float) -> Any:
    """`value` saturating to 1, one half at `half`."""
    raised_value = power(value, exponent)
    return raised_value / (raised_value + power(half, exponent))


def exp(value: Any) -> Any:
    """e to the value (dimensionless)."""
    return value.exp() if hasattr(value, "exp") and not isinstance(value, np.ndarray) else np.exp(value)


def log(value: Any) -> Any:
    """Natural logarithm (dimensionless)."""
    return value.log() if hasattr(value, "log") and not isinstance(value, np.ndarray) else np.log(value)


def raised(value: Any, exponent: Any) -> Any:
    """A free power, for the empirical laws of doses and meals: `raised(dose / one_ug, k)`."""
    return exp(exponent * log(value))


def logistic(value: Any) -> Any:
    """1 / (1 + e**-value)."""
    return 1.0 / (1.0 + exp(-value))


def above(value: Any, threshold: Any, softness: Any = 0.01) -> Any:
    """How far `value` lies above `threshold`, zero below, with a rounded corner of width `softness`: smooth for derivatives."""
    over = value - threshold
    return 0.5 * (over + sqrt(over * over + softness * softness))
