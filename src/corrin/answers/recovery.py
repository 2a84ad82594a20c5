"""What "comes back" means, as arithmetic on draws: full, partial, a deficit left, steps on the way, and how sure a chance itself is.

Definitions, for one tract of the nerves; a deficit is the share of its function that is missing:
- a **sign** is there where the deficit is above the draw's own `sign_threshold`; only draws with a sign today are counted;
- **full recovery**: the deficit is at or below that threshold. No sign is found; it does not say that no fibre is missing;
- **partial recovery**: a sign is left, and at least half of today's deficit is gone;
- **a deficit left**: a sign is left, whether or not half is gone (the opposite of full recovery).
All signs together are read from the severity score in the same way, its threshold being `summary.SIGN`.

A symptom is felt by a person where what drives it is above a limit of their own, which does not move. So of those who feel it today the
part p(later) / p(today) still does, where that is less than one. Full: no longer felt. Partial: still felt, and what drives it halved.

**The band of a chance.** A chance is the mean over draws of yes and no. Those draws differ in what differs between people, which is the
chance itself, and in what nobody has measured: the typical values and the form of the model, the same for everybody. Were these known, the
chance would be another number; the band holds 90 of 100 of those numbers. A draw's random number z of a parameter with variance b^2 between
people and u^2 of not knowing is divided exactly: given z, the unknown part is sqrt(r) z + sqrt(1 - r) e with r = u^2 / (b^2 + u^2) and e a
standard normal, whatever the data said of z. Yes and no are regressed on these parts, for the numbers that dominate recovery (`DOMINATE`)
and the form of the model; nothing is chosen by how well it fits, so the adjusted R^2 is free of bias. It is the variance of the chance over
p (1 - p), as far as effects add up (where draws hold chances instead of yes and no: over the variance between draws, which is less). A
finite number n of independent people adds 1 / (n + 2). The band is the 5 and 95 % points of the beta distribution with that mean and
variance; its mean is (n p + 1/2) / (n + 1), so that none of n is never "certainly not" (Jeffreys).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corrin.answers.computed import Floats, Unknown
from corrin.answers.summary import first_time, normalised, quantiles

FIRST, HALF, MOST = 0.1, 0.5, 0.8
"""Shares of today's deficit that are gone at the first small step and at half; most: the share of what 24 months bring back."""
DOMINATE = (
    "sign_threshold", "demyelinated_deficit", "central_loss_rate", "remyelination_rate", "demyelination_rate", "nerve_vulnerability",
    "reserve_half", "methylation_weight", "symptom_half", "symptom_width", "repair_age", "axon_down_rate", "axon_death_rate",
    "sensitivity_lateral", "sensitivity_optic", "sensitivity_cognition", "sensitivity_foot", "sensitivity_motor", "sensitivity_hand",
    "regrowth_speed",
)  # fmt: skip
"""What the first nerve model found to move recovery, the most first: so many of them are taken as the draws can tell apart."""
EMPTIES = (
    "store_release", "other_loss", "bile_reabsorption", "bile_rate", "synthase_half", "mutase_half", "passive_fraction", "absorption_share",
    "food_law_factor", "mma_ceiling", "mma_rate", "tc_clearance", "transcobalamin_synthesis", "depot_rate_c", "depot_rate_o",
    "nerve_vulnerability", "demyelination_rate", "reserve_half",
)  # fmt: skip
"""The same for how long a store lasts: what lets go of it, what is lost, what function is left, and last the nerves."""
DRAWS_A_TERM = 5.0
"""Independent draws for each term of the regression."""
COUNTED = 0.05
"""A tract or symptom that so few of the draws show today has no chance of recovery: there is hardly anything to recover."""


@dataclass(frozen=True)
class Chance:
    """A probability, and the band it would lie in were the unmeasured choices of the model known."""

    p: float
    low: float
    high: float

    def plain(self) -> dict[str, float]:
        """For an answer."""
        return {"p": self.p, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class When:
    """Days to a step: points of the distribution over draws, None where that point is never reached, and the share that never does."""

    p05: float | None
    p50: float | None
    p95: float | None
    never: float

    def plain(self) -> dict[str, float | None]:
        """For an answer."""
        return {"p05_days": self.p05, "p50_days": self.p50, "p95_days": self.p95, "never_within_horizon": self.never}


def shared(unknowns: Mapping[str, Unknown], noise: Mapping[str, Floats], names: Sequence[str] = DOMINATE) -> Floats:
    """What nobody has measured (draws, terms): the form of the model, then the unknown parts of `names`, the most moving first.

    `noise`: a standard normal (draws,) for each name.
    """
    columns = [(unknown.value == 1).astype(float) for unknown in unknowns.values() if unknown.group == "structure"]
    for name in names:
        unknown = unknowns.get(name)
        if unknown is not None and unknown.unsure > 0.0:
            columns.append(np.sqrt(unknown.unsure) * unknown.z + np.sqrt(1.0 - unknown.unsure) * noise[name])
    count = len(next(iter(unknowns.values())).z) if unknowns else 0
    return np.array(columns).T if columns else np.zeros((count, 0))


def explained(yes: Floats, columns: Floats, share: Floats, worth: float) -> float:
    """Adjusted R^2 (0..1) of `yes` (draws,) on `columns` (draws, terms); `share` adds up to 1, `worth` independent draws."""
    root = np.sqrt(share)
    y = root * (yes - share @ yes)
    x = root[:, None] * (columns - share @ columns)
    x = x[:, (x**2).sum(axis=0) > 1e-9][:, : int(worth / DRAWS_A_TERM)]
    total, terms = float(y @ y), x.shape[1]
    if terms == 0 or total <= 1e-12:
        return 0.0
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(np.clip(1.0 - (left @ left) / total * (worth - 1.0) / max(worth - 1.0 - terms, 1.0), 0.0, 1.0))


def chance(yes: Floats, weights: Floats, effective: float, unmeasured: Floats) -> Chance | None:
    """The chance of `yes` (draws,; 0..1) over draws of weight above 0, with its band. None where no draw counts.

    `effective`: how many independent draws all of them together are worth; those that count are worth their share of it.
    """
    from scipy.special import betaincinv

    total = float(weights.sum())
    counts = weights > 0.0
    if total <= 0.0 or not counts.any():
        return None
    worth = max(effective * min(total, 1.0), 1.0)
    share = normalised(weights[counts])
    p = float(np.clip(share @ yes[counts], 0.0, 1.0))
    mean = (worth * p + 0.5) / (worth + 1.0)
    # A draw that holds a chance varies less than one that holds yes or no; for these the ratio is 1.
    between = float(share @ (yes[counts] - p) ** 2) / max(p * (1.0 - p), 1e-12)
    known = min(between, 1.0) * explained(yes[counts], unmeasured[counts], share, worth)
    size = 1.0 / min(known + 1.0 / (worth + 2.0), 0.98) - 1.0
    low, high = betaincinv(mean * size, (1.0 - mean) * size, np.array([0.05, 0.95]))
    return Chance(p, float(min(low, p)), float(max(high, p)))


def when(times: Floats, values: Floats, weights: Floats, level: Floats) -> When:
    """Days until `values` (draws, times) are at or below `level` (draws,)."""
    day = first_time(times, values, level)
    share = normalised(weights)
    low, middle, high = (float(x) if np.isfinite(x) else None for x in quantiles(day, share, (0.05, 0.5, 0.95))[:, 0])
    return When(low, middle, high, float(share[~np.isfinite(day)].sum()))


def levels(today: Floats, end: Floats, first: Floats) -> dict[str, Floats]:
    """What is still missing (draws,) at each step. Who gains less than the first small step has no most: minus infinity."""
    gain = today - end
    return {
        "first": today - first,
        "half": (1.0 - HALF) * today,
        "most": np.where(gain >= first, today - MOST * gain, -np.inf),
    }


def at(times: Floats, values: Floats, day: float) -> Floats:
    """Values (draws,) on a day, by straight lines; at the end where the day lies beyond it."""
    place = int(np.clip(np.searchsorted(times, day), 1, len(times) - 1))
    step = times[place] - times[place - 1]
    part = float(np.clip((day - times[place - 1]) / step, 0.0, 1.0))
    return np.asarray(values[:, place - 1] + part * (values[:, place] - values[:, place - 1]))


def outcomes(today: Floats, later: Floats, threshold: Floats | float) -> dict[str, Floats]:
    """Full, partial and a deficit left (draws,; 0 or 1), by the definitions above; less: a deficit left that is not partial recovery."""
    full = later <= threshold
    partial = ~full & (later <= (1.0 - HALF) * today)
    found = {"full": full, "partial": partial, "deficit": ~full, "less": ~full & ~partial}
    return {name: yes.astype(float) for name, yes in found.items()}


def felt_outcomes(today: Floats, later: Floats, driver_today: Floats, driver_later: Floats) -> dict[str, Floats]:
    """The same for a symptom from its chance (draws,), and from what drives it: still felt by the part p(later) / p(today)."""
    still = np.minimum(later, today) / np.maximum(today, 1e-12)
    halved = driver_later <= (1.0 - HALF) * driver_today
    return {"full": 1.0 - still, "partial": still * halved, "deficit": still}


def driver(felt: Floats, half: Floats, width: Floats) -> Floats:
    """What drives a symptom, from its chance (draws, times): the logistic of `body.symptom.felt`, undone."""
    p = np.clip(felt, 1e-12, 1.0 - 1e-12)
    return np.asarray(half[:, None] + width[:, None] * np.log(p / (1.0 - p)))
