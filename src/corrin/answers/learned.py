"""Which unknown of a person the results taught how much."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from corrin.answers.computed import Floats, Unknown
from corrin.answers.record import Learned, Level
from corrin.answers.summary import quantiles

CLAIMED = 5.0
"""Of a single unknown, draws are worth up to so many times fewer than they claim (docs/decisions/0004: readings, up to three times)."""
SURE_SD = 3.0


def learned(unknowns: Mapping[str, Unknown], weights: Floats, effective: float, effective_before: float | None) -> tuple[Learned, ...]:
    """Every unknown, the one of which most was learned first; `weights` (draws,) add up to one.

    `effective`: how many independent draws stand for now, `effective_before` for before (None: the prior, known exactly). They tell how
    far a mean moves by chance, and so how many bits would be learned of nothing.
    """
    variance = CLAIMED / max(effective, 1.0) + (0.0 if effective_before is None else CLAIMED / max(effective_before, 1.0))
    chance = 0.5 * SURE_SD**2 * variance / math.log(2.0)
    found = [_one(name, unknown, weights) for name, unknown in unknowns.items()]
    found = [item.model_copy(update={"beyond_chance": item.bits > chance}) for item in found]
    return tuple(sorted(found, key=lambda item: (-item.bits, item.name)))


def _one(name: str, unknown: Unknown, weights: Floats) -> Learned:
    if unknown.levels:
        return _possibilities(name, unknown, weights)
    mean = float(weights @ unknown.z)
    variance = max(float(weights @ (unknown.z - mean) ** 2), 1e-9)
    mean_before, variance_before = unknown.before_moments
    ratio, shift = variance / variance_before, (mean - mean_before) / math.sqrt(variance_before)
    low, middle, high = quantiles(unknown.value[:, None], weights, (0.05, 0.5, 0.95))[:, 0].tolist()
    before = unknown.before.tolist()
    return Learned(
        name=name, label=unknown.label, unit=unknown.unit, group=unknown.group,
        bits=0.5 * (ratio + shift * shift - 1.0 - math.log(ratio)) / math.log(2.0), narrowed=1.0 - ratio, shift=shift,
        before=(before[0], before[1], before[2]), now=(low, middle, high),
    )  # fmt: skip


def _possibilities(name: str, unknown: Unknown, weights: Floats) -> Learned:
    """Which of several: information between the two distributions; its variance is the chance that two draws differ."""
    before = unknown.before / unknown.before.sum()
    now = np.bincount(unknown.value.astype(int), weights=weights, minlength=len(unknown.levels))
    held = now > 0.0
    bits = float(np.sum(now[held] * np.log2(now[held] / np.maximum(before[held], 1e-6))))
    spread, spread_before = 1.0 - float(now @ now), 1.0 - float(before @ before)
    levels = [
        Level(label=level, before=float(was), now=float(is_now)) for level, was, is_now in zip(unknown.levels, before, now, strict=True)
    ]
    return Learned(
        name=name, label=unknown.label, unit="", group=unknown.group, bits=max(bits, 0.0),
        narrowed=1.0 - spread / spread_before if spread_before > 0.0 else 0.0, shift=0.0, levels=tuple(levels),
    )  # fmt: skip
