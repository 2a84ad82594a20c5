"""What of a case lowers the uptake of B12 today: drugs, conditions, operations, and where none is named the usual causes."""

from __future__ import annotations

import numpy as np

from corrin.answers.diet.uptake import PEOPLE, SEED, Floats, Lowered
from corrin.case import known
from corrin.case.case import Case
from corrin.case.causes import COMPLETE_STATED, COMPLETE_UNKNOWN, SUSPECTED, UPTAKE, cause_weights, dose_share, rule_share
from corrin.case.check import CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS
from corrin.facts.rows import Modifier
from corrin.units import convertible

WHAT = {"food_release": "release from food", "intrinsic_factor": "intrinsic factor", "ileal_uptake": "uptake in the last ileum"}
Share = tuple[float, bool, bool]
"""How much of an effect is there, whether that was stated, and whether it is certain to be there."""


def lowered(case: Case) -> Lowered:
    """Shares of normal uptake in people like this one, after everything has set in."""
    random = np.random.default_rng(SEED + 2)
    factors = {name: np.ones(PEOPLE) for name in UPTAKE}
    applied: list[str] = []
    unknown: list[str] = []
    sources: set[str] = set()
    explained = False
    for row, share in _acting(case):
        if row.effect is None:
            unknown.append(f"{row.name} lowers {WHAT[row.target]} by an amount nobody measured")
            continue
        ratio = np.maximum(0.0, 1.0 + (_effect(row, random) - 1.0) * _share(share, random))
        factors[row.target] = factors[row.target] * ratio
        applied.append(f"{row.name} leaves about {100.0 * np.median(ratio):.0f} % of {WHAT[row.target]}")
        sources.update(row.sources)
        explained = explained or row.kind not in DRUG_KINDS
    if not explained and not case.history.nitrous_oxide:
        applied.append(_unnamed_cause(case, factors, random))
    return Lowered(factors, tuple(dict.fromkeys(applied)), tuple(dict.fromkeys(unknown)), tuple(sorted(sources - {"corrin-assumed"})))


def _unnamed_cause(case: Case, factors: dict[str, Floats], random: np.random.Generator) -> str:
    """The usual causes with the weights a forecast gives them; a low intake is left out, as the food is known."""
    tested = bool(case.labs) or any(finding.severity != "none" for finding in case.findings)
    levels, weighed = cause_weights(case.age_y, case.person.sex, tested=tested)
    weights = [weight for (name, _), weight in zip(levels, weighed, strict=True) if name != "low_intake"]
    chosen = [rows for name, rows in levels if name != "low_intake"]
    cause = random.choice(len(chosen), size=PEOPLE, p=np.array(weights) / sum(weights))
    complete = random.beta(*COMPLETE_UNKNOWN, PEOPLE)
    for number, rows in enumerate(chosen):
        for row in rows:
            if row.target in factors and row.effect is not None:
                share = np.where(cause == number, complete, 0.0)
                factors[row.target] = factors[row.target] * np.maximum(0.0, 1.0 + (_effect(row, random) - 1.0) * share)
    return "no disease is named, so the usual ones are drawn with the weights a forecast gives them (a judgement)"


def _effect(row: Modifier, random: np.random.Generator) -> Floats:
    effect, spread = float(row.effect or 0.0), float(row.spread or 0.0)
    if row.distribution == "beta":
        size = effect * (1.0 - effect) / spread**2 - 1.0
        return random.beta(effect * size, (1.0 - effect) * size, PEOPLE)
    z = spread * random.standard_normal(PEOPLE)
    if row.distribution == "logitnormal":
        return np.asarray(1.0 / (1.0 + (1.0 - effect) / effect * np.exp(-z)))
    return np.asarray(effect * np.exp(z))


def _share(share: Share, random: np.random.Generator) -> Floats:
    size, stated, certain = share
    values = np.full(PEOPLE, size) if stated else size * random.beta(*COMPLETE_STATED, PEOPLE)
    return values if certain else values * (random.random(PEOPLE) < SUSPECTED)


def _acting(case: Case) -> list[tuple[Modifier, Share]]:
    """The rows of what a case says is there today and acts on uptake."""
    found: list[tuple[Modifier, Share]] = []
    for drug in case.history.drugs:
        if drug.to is None or case.day(drug.to) >= 0.0:
            found += [(row, (dose_share(row, drug, case), True, True)) for row in known.find_modifier(drug.name, DRUG_KINDS)]
    for condition in case.history.conditions:
        if condition.to is None or case.day(condition.to) >= 0.0:
            share = (1.0 if condition.completeness is None else condition.completeness, condition.completeness is not None,
                     condition.certainty not in ("suspected", "assumed"))  # fmt: skip
            found += [(row, share) for row in known.find_modifier(condition.name, CONDITION_KINDS)]
    for operation in case.history.operations:
        for row in known.find_modifier(operation.name, OPERATION_KINDS):
            sized = operation.removed_cm is not None and row.dose_unit and convertible("cm", row.dose_unit)
            found.append((row, (rule_share(row, operation.removed_cm or 0.0) if sized else 1.0, True, True)))
    present = {row.id for row, _ in found}
    acting = []
    for row, (size, stated, certain) in found:
        if row.target not in UPTAKE:
            continue
        for other, part in row.interacts_with:
            size = size * part if other in present else size
        acting.append((row, (size, stated, certain)))
    return acting
