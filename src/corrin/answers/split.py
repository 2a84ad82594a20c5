"""What the width of an interval comes from, told from the draws themselves: no further simulation.

The reading (its logarithm where it is a laboratory value) is regressed on the random numbers of the draws. Terms enter one by one, the one
that explains most first, for as long as one explains more than chance would with so many independent draws; then squares and products of
those that entered. Draws of one person are correlated, because the data tie their unknowns together, so a term's share of the variance is
its relative weight (Genizi A. Decomposition of R2 in multiple regression with correlated regressors. Stat Sin 1993;3:407-420): never
negative, and the shares add up to the part explained. What remains unexplained is shared out in proportion. A parameter's share is divided
between "not known of the typical value" and "people differ" as their variances; a product's goes half to each of its factors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corrin.answers.computed import Floats, Unknown

GROUPS = ("structure", "parameters", "people", "history")
MOST_TERMS = 30
ALIKE = 0.1
"""A term must keep this share of its length beside those that entered before it, or it says nothing of its own."""


@dataclass(frozen=True)
class Terms:
    """Regressors: columns (draws, terms) of mean 0 and variance 1 under the weights (draws,), which add up to one; how each
    one's share is divided over `GROUPS` (terms, groups); and the correlations of all with all (terms, terms), alike for every reading."""

    columns: Floats
    owners: Floats
    weights: Floats
    products: Floats


@dataclass(frozen=True)
class Shares:
    """Shares of `GROUPS` and of the assay, sum 1; `explained` is the part of the variance between draws that the terms explain."""

    shares: tuple[float, float, float, float]
    assay: float
    explained: float


def terms(unknowns: Mapping[str, Unknown], made_of: Mapping[str, Floats], more: Mapping[str, Floats], weights: Floats) -> Terms:
    """Regressors from the random numbers: possibilities as 0 and 1, the rest as they are. `made_of` and `more` are of history kind."""
    columns: list[Floats] = []
    owners: list[list[float]] = []
    history = [0.0, 0.0, 0.0, 1.0]
    for unknown in unknowns.values():
        person = [0.0, unknown.unsure, 1.0 - unknown.unsure, 0.0]
        owner = {"structure": [1.0, 0.0, 0.0, 0.0], "person": person}.get(unknown.group, history)
        if unknown.levels:
            found = [(unknown.value == level).astype(float) for level in range(len(unknown.levels))]
        else:
            found = [unknown.z]
        columns += found
        owners += [owner] * len(found)
    for values in (*made_of.values(), *more.values()):
        columns.append(np.asarray(values, float))
        owners.append(history)
    share = weights / weights.sum()
    centred = _centred(np.array(columns).T if columns else np.zeros((len(share), 0)), share)
    return Terms(centred, np.array(owners).reshape(-1, len(GROUPS)), share, _products(centred, share, centred))


def split(values: Floats, candidates: Terms, effective: float, assay_variance: float = 0.0) -> Shares | None:
    """Shares for `values` (draws,), already on the scale of the reading. None where the draws cannot tell anything apart."""
    weights, columns, owners = candidates.weights, candidates.columns, candidates.owners
    y = values - weights @ values
    variance = float(weights @ y**2)
    if len(owners) == 0 or variance <= 1e-12 * max(1.0, float(np.abs(values).max()) ** 2):
        return None
    along = (weights * y) @ columns
    entered = _forward(candidates.products, along, variance, [], effective)
    if not entered:
        return None
    first, second = np.array([(a, b) for place, a in enumerate(entered) for b in entered[place:]]).T
    pairs = _centred(columns[:, first] * columns[:, second], weights)
    beside = _products(columns, weights, pairs)
    products = np.block([[candidates.products, beside], [beside.T, _products(pairs, weights, pairs)]])
    along = np.concatenate([along, (weights * y) @ pairs])
    owners = np.vstack([owners, 0.5 * (owners[first] + owners[second])])
    entered = _forward(products, along, variance, entered, effective)
    weight = _relative_weights(products[np.ix_(entered, entered)], along[entered] / np.sqrt(variance))
    found = weight @ owners[entered]
    between = variance / (variance + assay_variance)
    shares = between * found / found.sum()
    return Shares((float(shares[0]), float(shares[1]), float(shares[2]), float(shares[3])), 1.0 - between, float(min(1.0, weight.sum())))


def _products(columns: Floats, weights: Floats, others: Floats) -> Floats:
    """Mean products (terms, others) of columns under the weights."""
    return np.asarray(columns.T @ (weights[:, None] * others))


def _centred(columns: Floats, weights: Floats) -> Floats:
    """Columns of mean 0 and variance 1 under the weights; one that does not vary is 0."""
    columns = columns - weights @ columns
    sd = np.sqrt(weights @ columns**2)
    return np.asarray(columns / np.where(sd > 1e-9, sd, np.inf))


def _forward(products: Floats, along: Floats, variance: float, entered: Sequence[int], effective: float) -> list[int]:
    """Places of the terms that enter: each must explain more of what is left than the best of so many columns of noise would.

    `products` (terms, terms) of the columns with each other, `along` (terms,) with the reading, `variance` of the reading: all that a
    regression asks of the draws. Those that `entered` come first. The rows of a Cholesky factor take out of the rest what has entered.
    """
    chosen: list[int] = []
    needed = 2.0 * np.log(max(len(along), 2)) / max(effective, 2.0)
    factor = np.zeros((MOST_TERMS, len(along)))
    length, along, left = products.diagonal().copy(), along.copy(), variance

    def enter(place: int) -> None:
        nonlocal left
        taken = factor[: len(chosen)]
        row = (products[place] - taken[:, place] @ taken) / np.sqrt(length[place])
        part = float(along[place] / np.sqrt(length[place]))
        factor[len(chosen)] = row
        chosen.append(place)
        length[:] -= row**2
        along[:] -= part * row
        left -= part * part

    for place in entered:
        enter(place)
    while len(chosen) < MOST_TERMS:
        own = length > ALIKE**2
        gain = np.where(own, along**2 / np.where(own, length, 1.0), 0.0)
        best = int(np.argmax(gain))
        if left <= 0.0 or gain[best] / left < needed:
            break
        enter(best)
    return chosen


def _relative_weights(products: Floats, along: Floats) -> Floats:
    """Relative weights (terms,) of standardised columns, from their products with each other (terms, terms) and with the reading (terms,);
    their sum is the squared multiple correlation."""
    size, axes = np.linalg.eigh(products)
    half = axes @ np.diag(np.sqrt(np.maximum(size, 1e-12))) @ axes.T
    loading = np.linalg.solve(half, along)
    return np.asarray((half**2) @ (loading**2))
