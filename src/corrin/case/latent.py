"""What is not known about a person, as random quantities with names.

A latent of a *drawn* kind is made from one standard normal per person (`value(z)`), so that its random number can be keyed by its name and
adding another latent moves none of them. A latent of a *made* kind is arithmetic on other latents, its parents: their names stand in
`args` and their values are handed over in `drawn`. Parents always come before children in a list of latents, so one pass draws all
(`draw`).

    drawn      args                 value
    normal     mean, sd             mean + sd z
    lognormal  median, log_sd       median exp(log_sd z)
    logitnormal median, logit_sd    logistic(logit(median) + logit_sd z)
    uniform    low, high            low + (high - low) Phi(z)
    loguniform low, high            low (high / low) ** Phi(z)
    beta       a, b                 the quantile Phi(z) of Beta(a, b)
    bernoulli  p                    1 with probability p, else 0
    categorical w0, w1, ...         number of the class that holds Phi(z); weights need not sum to 1

    made       args                 value
    chosen     parent, level        1 where the parent (a categorical) drew that level, else 0
    sum        a, b, ...            a + b + ...          (numbers or names)
    product    a, b, ...            a b ...
    blend      ratio, share         max(0, 1 + (ratio - 1) share): a modifier that works only in part; share 0 leaves 1
    at_least   a, b                 the larger of the two
    at_most    a, b                 the smaller of the two
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Drawn = Literal["normal", "lognormal", "logitnormal", "uniform", "loguniform", "beta", "bernoulli", "categorical"]
Made = Literal["chosen", "sum", "product", "blend", "at_least", "at_most"]
DRAWN_KINDS = ("normal", "lognormal", "logitnormal", "uniform", "loguniform", "beta", "bernoulli", "categorical")
MADE_KINDS = ("chosen", "sum", "product", "blend", "at_least", "at_most")
BETA_PLACES = 4001
"""Places at which a beta distribution's quantiles are kept; straight lines between them are off by less than 2e-5."""


@dataclass(frozen=True, slots=True)
class Latent:
    """One unknown. `source` is a key of the sources (`corrin-assumed` for a judgement); `about` says it in a sentence."""

    name: str
    kind: Drawn | Made
    args: tuple[float | str, ...]
    about: str = ""
    source: str = "corrin-assumed"

    def __post_init__(self) -> None:
        if self.kind not in (*DRAWN_KINDS, *MADE_KINDS):
            raise ValueError(f"{self.name}: no latent of kind {self.kind}")
        if self.kind in DRAWN_KINDS and any(isinstance(argument, str) for argument in self.args):
            raise ValueError(f"{self.name}: a {self.kind} latent has no parents")

    @property
    def needs_z(self) -> bool:
        """Whether a random number is needed; False for arithmetic on parents."""
        return self.kind in DRAWN_KINDS

    @property
    def parents(self) -> tuple[str, ...]:
        """Names of the latents this one is made from."""
        return tuple(argument for argument in self.args if isinstance(argument, str))

    def value(self, z: Any = None, drawn: Mapping[str, Any] | None = None) -> Any:
        """The value for standard normals `z` (a number or an array over people); made kinds take their parents' values from `drawn`."""
        import numpy as np

        if not self.needs_z:
            known = drawn or {}
            return _make(self.kind, [known[part] if isinstance(part, str) else part for part in self.args])
        z = np.asarray(z, dtype=float)
        numbers = [float(argument) for argument in self.args]
        if self.kind == "normal":
            return numbers[0] + numbers[1] * z
        if self.kind == "lognormal":
            return numbers[0] * np.exp(numbers[1] * z)
        if self.kind == "logitnormal":
            return 1.0 / (1.0 + np.exp(-(math.log(numbers[0] / (1.0 - numbers[0])) + numbers[1] * z)))
        from scipy.special import ndtr

        share = ndtr(z)
        if self.kind == "uniform":
            return numbers[0] + (numbers[1] - numbers[0]) * share
        if self.kind == "loguniform":
            return numbers[0] * (numbers[1] / numbers[0]) ** share
        if self.kind == "beta":
            return np.interp(z, *_beta_table(numbers[0], numbers[1]))
        if self.kind == "bernoulli":
            return (share < numbers[0]).astype(float)
        limits = np.cumsum(numbers) / sum(numbers)
        return np.minimum(np.searchsorted(limits, share, side="right"), len(numbers) - 1).astype(float)


@cache
def _beta_table(first: float, second: float) -> tuple[Any, Any]:
    """Standard normals and the quantiles of a beta distribution there: asked for a hundred times for each person, and dear."""
    import numpy as np
    from scipy.special import betaincinv, ndtr

    z = np.linspace(-8.0, 8.0, BETA_PLACES)
    return z, betaincinv(first, second, ndtr(z))


def _make(kind: str, parts: list[Any]) -> Any:
    import numpy as np

    if kind == "chosen":
        return (np.asarray(parts[0]) == parts[1]).astype(float)
    if kind == "blend":
        return np.maximum(0.0, 1.0 + (np.asarray(parts[0], dtype=float) - 1.0) * parts[1])
    if kind == "at_least":
        return np.maximum(parts[0], parts[1])
    if kind == "at_most":
        return np.minimum(parts[0], parts[1])
    total: Any = parts[0]
    for part in parts[1:]:
        total = total + part if kind == "sum" else total * part
    return np.asarray(total, dtype=float)


def draw(latents: Iterable[Latent], normals: Mapping[str, Any]) -> dict[str, Any]:
    """Every latent's value from standard normals by name (needed for drawn kinds only), in order."""
    drawn: dict[str, Any] = {}
    for latent in latents:
        drawn[latent.name] = latent.value(normals[latent.name] if latent.needs_z else None, drawn)
    return drawn
