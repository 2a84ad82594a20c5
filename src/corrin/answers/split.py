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
    """Candidate regressors (draws, terms), and how each one's share is divided over `GROUPS` (terms, groups)."""

    columns: Floats
    owners: Floats


@dataclass(frozen=True)
class Shares:
    """Shares of `GROUPS` and of the assay, sum 1; `explained` is the part of the variance between draws that the terms explain."""

    shares: tuple[float, float, float, float]
    assay: float
    explained: float


def terms(unknowns: Mapping[str, Unknown], made_of: Mapping[str, Floats], more: Mapping[str, Floats]) -> Terms:
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
    count = len(columns[0]) if columns else 0
    return Terms(np.array(columns).T if columns else np.zeros((count, 0)), np.array(owners).reshape(-1, len(GROUPS)))


def split(values: Floats, candidates: Terms, weights: Floats, effective: float, assay_variance: float = 0.0) -> Shares | None:
    """Shares for `values` (draws,), already on the scale of the reading. None where the draws cannot tell anything apart."""
    root = np.sqrt(weights / weights.sum())
    y = root * (values - np.average(values, weights=weights))
    variance = float(y @ y)
    if candidates.columns.shape[1] == 0 or variance <= 1e-12 * max(1.0, float(np.abs(values).max()) ** 2):
        return None
    columns, owners = _standard(candidates.columns, root), candidates.owners
    entered = _forward(columns, y, [], effective)
    if not entered:
        return None
    pairs = [(a, b) for place, a in enumerate(entered) for b in entered[place:]]
    plain = _centred(candidates.columns, root)
    columns = np.column_stack([columns, _standard(np.column_stack([plain[:, a] * plain[:, b] for a, b in pairs]), root)])
    owners = np.vstack([owners, [0.5 * (owners[a] + owners[b]) for a, b in pairs]])
    entered = _forward(columns, y, entered, effective)
    weight = _relative_weights(columns[:, entered], y / np.sqrt(variance))
    found = weight @ owners[entered]
    between = variance / (variance + assay_variance)
    shares = between * found / found.sum()
    return Shares((float(shares[0]), float(shares[1]), float(shares[2]), float(shares[3])), 1.0 - between, float(min(1.0, weight.sum())))


def _centred(columns: Floats, root: Floats) -> Floats:
    """Columns of mean 0 and variance 1 under the weights; one that does not vary is 0."""
    share = (root * root)[:, None]
    columns = columns - (share * columns).sum(axis=0)
    sd = np.sqrt((share * columns**2).sum(axis=0))
    return np.asarray(columns / np.where(sd > 1e-9, sd, np.inf))


def _standard(columns: Floats, root: Floats) -> Floats:
    """Weighted columns of length 1."""
    return np.asarray(root[:, None] * _centred(columns, root))


def _forward(columns: Floats, y: Floats, entered: Sequence[int], effective: float) -> list[int]:
    """Places of the terms that enter: each must explain more of what is left than the best of so many columns of noise would."""
    chosen = list(entered)
    needed = 2.0 * np.log(max(columns.shape[1], 2)) / max(effective, 2.0)
    left, rest = y.copy(), columns.copy()

    def remove(direction: Floats) -> None:
        nonlocal left, rest
        left = left - direction * float(direction @ left)
        rest = rest - np.outer(direction, direction @ rest)

    for place in chosen:
        length = float(np.linalg.norm(rest[:, place]))
        if length > 1e-9:
            remove(rest[:, place] / length)
    while len(chosen) < MOST_TERMS:
        length = np.linalg.norm(rest, axis=0)
        own = length > ALIKE
        gain = np.where(own, (left @ rest) / np.where(own, length, 1.0), 0.0) ** 2
        best, remaining = int(np.argmax(gain)), float(left @ left)
        if remaining <= 0.0 or gain[best] / remaining < needed:
            break
        chosen.append(best)
        remove(rest[:, best] / length[best])
    return chosen


def _relative_weights(columns: Floats, y: Floats) -> Floats:
    """Relative weights (terms,) of standardised columns; their sum is the squared multiple correlation."""
    size, axes = np.linalg.eigh(columns.T @ columns)
    half = axes @ np.diag(np.sqrt(np.maximum(size, 1e-12))) @ axes.T
    loading = np.linalg.solve(half, columns.T @ y)
    return np.asarray((half**2) @ (loading**2))
