"""Is it deficiency? (Q1) Three quantities from all markers together, each with what it rests on, and what each marker contributed."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corrin.answers.assess.reports import Counted, Result, allowed_for
from corrin.answers.assess.state import (
    Effect,
    Evidence,
    Shares,
    at_age,
    bands_at,
    beyond_usual,
    exceeds,
    lacking,
    leaning,
    marker_of,
    odds_at,
    posterior,
    with_factors,
    with_shifts,
)
from corrin.facts.deficiency import HISTORY_TOLD, LIMITS, Deficiency, Fit, error_key, stated

Z90 = 1.645
CLEAR, STRONG = math.log(1.5), math.log(4.5)
CONTRADICTS = math.log(3.0)
BANDS = ((0.05, "unlikely"), (0.25, "not likely, not excluded"), (0.75, "open"), (0.95, "likely"), (1.01, "very likely"))
HEALTHY_EGFR = 90.0
FEWEST_ODDS = 1e-6
ODDS_AGE_Y = 50.0
"""Age at which the odds of a history are made (`scripts/distil.py`)."""


@dataclass(frozen=True, slots=True)
class Person:
    """What the table is asked about: spectrum, age, history (what it does), kidney and sex."""

    table: Deficiency
    spectrum: str
    age_y: float
    effects: tuple[Effect, ...]
    egfr: float | None
    unnamed: float = 1.0
    """How much of what a clinic has over the community, in causes nobody named, is left beside what the case names: 0 to 1."""
    sex: str = "unknown"

    @property
    def log_filtration(self) -> float | None:
        """ln(eGFR / 90) where it is known."""
        return None if self.egfr is None else math.log(max(self.egfr, 3.0) / 90.0)

    def prior(self, fits: Mapping[str, Fit]) -> Shares:
        """Bands before any marker."""
        # Where a named cause may be the whole reason, what age brings besides is left out, as it is for the odds of the cause.
        age_y = self.age_y if self.unnamed > 0.0 else ODDS_AGE_Y
        base = bands_at(fits["community"], self.table, age_y)
        if self.spectrum == "clinic":
            clinic = bands_at(fits["clinic"], self.table, self.age_y)
            if self.sex in self.table.by_sex:
                clinic = with_factors(clinic, [at_age(self.table.by_sex[self.sex], self.table.ages, self.age_y)])
            base = tuple(low + self.unnamed * (high - low) for low, high in zip(base, clinic, strict=True))
        return with_factors(base, [effect.odds for effect in self.effects])

    def bands(self, evidence: Sequence[Evidence], fits: Mapping[str, Fit] | None = None) -> Shares:
        """Bands given markers."""
        chosen = fits or self.table.central
        return posterior(self.fit(chosen), self.table, self.prior(chosen), evidence, self.age_y, self.log_filtration)

    def fit(self, fits: Mapping[str, Fit]) -> Fit:
        """How markers lie in people with this history."""
        return with_shifts(fits[self.spectrum], self.table, [effect.shifts for effect in self.effects])

    def exceeds(self, evidence: Sequence[Evidence], limit: float, fits: Mapping[str, Fit] | None = None) -> float:
        """Chance of a reported methylmalonic acid above a limit (nmol/L), by other markers."""
        chosen = fits or self.table.central
        fit, at = self.fit(chosen), (self.age_y, self.log_filtration)
        shares = posterior(fit, self.table, self.prior(chosen), evidence, *at)
        return exceeds(fit, shares, "mma", math.log(limit), *at, beyond_usual(fit, self.table, evidence, *at), allowed_for("mma")[0])

    def leans(self, evidence: Sequence[Evidence], fits: Mapping[str, Fit] | None = None) -> float:
        """Log odds of the same."""
        return leaning(self.bands(evidence, fits), self.table)

    def lacks(self, evidence: Sequence[Evidence], fits: Mapping[str, Fit] | None = None) -> float:
        """Probability that function lies below the floor."""
        return lacking(self.bands(evidence, fits), self.table)


def word(p: float) -> str:
    """A probability as a word."""
    return next(name for limit, name in BANDS if p < limit)


def logit(p: float) -> float:
    """Log odds, kept finite."""
    q = min(max(p, FEWEST_ODDS), 1.0 - FEWEST_ODDS)
    return math.log(q / (1.0 - q))


def expit(x: float) -> float:
    """Probability of log odds."""
    return 1.0 / (1.0 + math.exp(-max(min(x, 500.0), -500.0)))


def interval(person: Person, evidence: Sequence[Evidence], p: float) -> tuple[float, float]:
    """Nine tenths: what is not known of the population, and the table's own error where it says p."""
    own = own_error(person, "function", [item.marker for item in evidence], p)
    return _ends(person.leans(evidence), [person.leans(evidence, fits) for fits in person.table.others], own)


def own_error(person: Person, quantity: str, markers: Iterable[str], p: float) -> float:
    """The table's own error, in log odds, where it says p from these markers of somebody with or without a told history."""
    row = person.table.errors[error_key(quantity, markers, HISTORY_TOLD if person.effects else person.spectrum)]
    return row[min(bisect_right(LIMITS, p), len(row)) - 1]


def _ends(middle: float, others: Sequence[float], own: float) -> tuple[float, float]:
    """Nine tenths around log odds, as probabilities: how far populations that may be the true one lie on either side, and the own error."""
    low, high = (max(0.0, side * (quantile(others, place) - middle)) for side, place in ((-1.0, 0.05), (1.0, 0.95)))
    return expit(middle - math.hypot(low, Z90 * own)), expit(middle + math.hypot(high, Z90 * own))


def quantile(values: Sequence[float], share: float) -> float:
    """A quantile, between neighbours in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = min(int(place), len(ordered) - 2)
    return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])


def function(person: Person, counted: Sequence[Counted]) -> dict[str, Any]:
    """P(functional activity below the floor)."""
    evidence = [row.evidence for row in counted if row.evidence is not None]
    p, before = person.lacks(evidence), person.lacks([])
    low, high = interval(person, evidence, p)
    return {
        "probability": _share(p), "low": _share(low), "high": _share(high), "word": word(p), "before_markers": _share(before),
        "floor_percent": person.table.floor_percent, "used": [row.result.marker for row in counted if row.evidence is not None],
    }  # fmt: skip


def _share(p: float) -> float:
    return round(min(max(p, 0.0), 1.0), 4)


def contributions(person: Person, counted: Sequence[Counted]) -> list[dict[str, Any]]:
    """What each marker says by itself (`counts`, `alone`, `alone_odds`), and what it did beside the others: the odds it multiplied and the
    probability without it. A level that is low, and yet high for how far the metabolites rose, is for deficiency and against at once."""
    evidence = [row.evidence for row in counted if row.evidence is not None]
    whole, before = person.leans(evidence), person.leans([])
    rows = []
    for row in counted:
        data: dict[str, Any] = {"marker": row.result.marker, "as_reported": row.result.words, "day": row.result.day, "why": list(row.why)}
        if row.evidence is None:
            rows.append({**data, "counts": "set aside", "odds": 1.0, "alone": None, "without": None})
            continue
        rest = [item for item in evidence if item is not row.evidence]
        moved = whole - person.leans(rest)
        alone = person.leans([row.evidence]) - before
        rows.append({
            **data, "counts": counts_as(alone), "odds": float(f"{math.exp(moved):.3g}"), "alone": _share(person.lacks([row.evidence])),
            "alone_odds": float(f"{math.exp(alone):.3g}"), "without": _share(person.lacks(rest)),
        })  # fmt: skip
    return rows


def counts_as(moved: float) -> str:
    """Log odds as words."""
    if abs(moved) < CLEAR:
        return "hardly either way"
    strength = "strongly " if abs(moved) >= STRONG else ""
    return f"{strength}{'for' if moved > 0.0 else 'against'}"


def contradiction(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Markers that, each alone, speak clearly for and clearly against deficiency; nothing when they do not disagree."""
    for_, against = [], []
    for row in rows:
        if row["alone"] is not None:
            moved = math.log(row["alone_odds"])
            if moved > CONTRADICTS:
                for_.append(row["marker"])
            elif moved < -CONTRADICTS:
                against.append(row["marker"])
    return [for_, against] if for_ and against else []


def mma_limit(table: Deficiency, egfr: float | None) -> float:
    """Upper limit of methylmalonic acid in nmol/L: the laboratory's usual one, raised as filtration falls below 90."""
    if egfr is None or egfr >= HEALTHY_EGFR:
        return table.mma_limit_nmol_l
    raised: float = (HEALTHY_EGFR / max(egfr, 3.0)) ** table.mma_kidney_power
    return table.mma_limit_nmol_l * raised


def mma(person: Person, counted: Sequence[Counted], found: dict[str, Result]) -> dict[str, Any]:
    """P(MMA above the kidney-adjusted limit if measured), by everything but MMA itself; and what was measured."""
    limit = mma_limit(person.table, person.egfr)
    rest = [row.evidence for row in counted if row.evidence is not None and row.result.marker != "mma"]

    def chance(fits: Mapping[str, Fit]) -> float:
        return person.exceeds(rest, limit, fits)

    p = chance(person.table.central)
    own = own_error(person, "mma", [item.marker for item in rest], p)
    low, high = _ends(logit(p), [logit(chance(fits)) for fits in person.table.others], own)
    row = found.get("mma")
    side = None if row is None else "above" if row.low > limit else "below" if row.high <= limit else "unclear"
    return {
        "limit_nmol_l": round(limit, 1), "limit_unadjusted_nmol_l": person.table.mma_limit_nmol_l,
        "adjusted": limit != person.table.mma_limit_nmol_l,
        "kidney_known": person.egfr is not None, "probability": _share(p), "low": _share(low),
        "high": _share(high), "measured": None if row is None else row.words, "side": side,
    }  # fmt: skip


def response(p: float, above: str | None, nerves: bool, treated: bool) -> dict[str, Any]:
    """Whether B12 is expected to help: a graded statement, because data are thin."""
    missed, clear = stated()["missed_by_serum_b12"], stated()["mma_in_clear_deficiency"]
    if treated:
        grade, text = "cannot be told", "B12 is being given: its answer is judged by the course (blood count in weeks, nerves in months)."
    elif p >= 0.75 or (above == "above" and p >= 0.5):
        grade = "expected"
        text = f"In clear deficiency nearly all who respond had a raised MMA before ({100 * clear.value:.0f} % of 434 episodes)."
    elif p >= 0.05:
        grade = "possible"
        text = f"Markers decide poorly here: of 37 people who responded, {100 * missed.value:.0f} % had a normal serum B12."
    else:
        grade = "not expected, not excluded"
        text = (
            f"Normal markers do not rule a response out: of 37 people who responded, {100 * missed.value:.0f} % had a normal serum B12, "
            f"{100 * stated()['missed_by_mma'].value:.0f} % a normal MMA."
        )
    if nerves:
        text += " For nerves it depends on how long it has lasted: `corrin forecast` shows it."
    return {"grade": grade, "text": text, "evidence": "low", "sources": sorted({missed.source, clear.source})}


def combined(found: dict[str, Result], age_y: float) -> dict[str, Any]:
    """cB12 (Fedosov): log10(holoTC B12 / (MMA Hcy)) less an age factor, in pmol/L and umol/L; needs all four."""
    names = ("holotranscobalamin", "serum_b12", "mma", "homocysteine")
    missing = [name for name in names if name not in found or found[name].value is None or not found[name].value]
    note = "the age factor is recalled, not read; the bands are read from a laboratory's guide"
    if missing:
        return {"value": None, "missing": missing, "note": note, "sources": ["Fedosov2013", "ViapathcB12"]}
    active, total, methyl, homocysteine = (float(found[name].low) for name in names)
    factor = stated()["age_factor_cb12"].value / (1.0 + (age_y / 230.0) ** 2.6)
    value = math.log10(active * total / (methyl / 1000.0 * homocysteine)) - factor
    words = ((-2.5, "probable deficiency"), (-1.5, "possible deficiency"), (-0.5, "low"), (1.5, "adequate"), (math.inf, "elevated"))
    return {"value": round(value, 2), "word": next(name for limit, name in words if value < limit), "missing": [], "note": note,
            "sources": ["Fedosov2013", "ViapathcB12"]}  # fmt: skip


NODES = 15
TESTS = {
    "serum_b12": "cheap, everywhere",
    "holotranscobalamin": "not offered everywhere; not moved by pregnancy or the pill",
    "mma": "sent away by many laboratories; read with kidney function",
    "homocysteine": "common; the sample is cooled and separated at once; moved by folate and kidneys",
    "blood count": "cheap, everywhere",
    "mcv": "cheap, everywhere; stands in the blood count",
}


def next_tests(person: Person, counted: Sequence[Counted], voided: dict[str, float]) -> list[dict[str, Any]]:
    """What each marker not yet measured is expected to do: mean change of the probability, and the chance of another word.

    `voided`: weight a marker would have here, from the same switches as those measured.
    """
    evidence = [row.evidence for row in counted if row.evidence is not None]
    have = {row.result.marker for row in counted}
    now, bands, fit = person.lacks(evidence), person.bands(evidence), person.fit(person.table.central)
    rows = []
    for name in ("serum_b12", "holotranscobalamin", "mma", "homocysteine", "mcv"):
        if name in have:
            continue
        marker = marker_of(fit, name, person.log_filtration)
        low, high = min(marker.means) - 2.5 * marker.sd, max(marker.means) + 2.5 * marker.sd
        change = flips = total = 0.0
        outside, spared, given = allowed_for(name)
        for node in range(NODES):
            t = low + (high - low) * (node + 0.5) / NODES
            weight = sum(share * math.exp(-0.5 * ((t - mean) / marker.sd) ** 2) for share, mean in zip(bands, marker.means, strict=True))
            item = Evidence(
                name, x := _unscaled(person, name, t), x, abs(voided.get(name, 1.0)), voided.get(name, 1.0) < 0.0, outside=outside,
                spared=spared, spared_with=given,
            )  # fmt: skip
            then = person.lacks([*evidence, item])
            change += weight * abs(then - now)
            flips += weight * (word(then) != word(now))
            total += weight
        label = "blood count" if name == "mcv" and "haemoglobin" not in have else name
        rows.append({"test": label, "expected_change": round(change / total, 4), "chance_of_another_word": round(flips / total, 4),
                     "about": TESTS[label]})  # fmt: skip
    return sorted(rows, key=lambda row: (-row["expected_change"], row["test"]))


def _unscaled(person: Person, name: str, t: float) -> float:
    """ln(value) of a place on a marker's scale, for this age and kidney."""
    marker = marker_of(person.fit(person.table.central), name, person.log_filtration)
    decades = (person.age_y - 50.0) / 10.0
    y = (math.exp(marker.stretch * t) - 1.0) / marker.stretch if marker.stretch else t
    x = y + marker.age * decades + marker.age_square * decades * decades + marker.middle
    return x + (marker.filtration * person.log_filtration if person.log_filtration is not None else 0.0)


__all__ = ["Person", "combined", "contradiction", "contributions", "function", "mma", "mma_limit", "next_tests", "odds_at", "response"]
