"""Modifiers written down: drugs, conditions and operations with when, how much and how completely; and causes nobody named.

Every effect is a ratio on one of the body's parameters, handed over as the exposure `m_<parameter>`. A part of an effect (dose rule,
completeness, not certain to be there) is 1 + (ratio - 1) share.
"""

from __future__ import annotations

import math

from corrin.case import known
from corrin.case.case import Case, Condition, Drug, Operation
from corrin.case.check import CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS
from corrin.case.dates import Moment
from corrin.case.latent import Drawn, Latent
from corrin.case.timeline import Builder
from corrin.errors import InputError
from corrin.facts.history import causes, history
from corrin.facts.rows import EXPOSURES, STATEMENTS, Modifier
from corrin.units import convert, convertible

YEAR = 365.25
_PAST = history()


def _two(name: str, first: str, second: str) -> tuple[float, float]:
    return _PAST[f"{name}_{first}"].value, _PAST[f"{name}_{second}"].value


# Years that something had gone on before it showed or before as_of, when nobody knows: median; its log-SD is one for all.
YEARS_OF_DRUG, YEARS_OF_CONDITION, YEARS_OF_CAUSE = (_PAST[f"{name}_years"].value for name in ("drug", "condition", "cause"))
LOG_SD_YEARS = _PAST["cause_years"].between
# Build-up of an effect whose onset the table leaves to be drawn (an autoimmune loss of parietal cells): share of the time since its start.
SET_IN = _two("set_in", "low", "high")
# A stated condition is nearly complete, a drawn one may be anything.
COMPLETE_STATED, COMPLETE_UNKNOWN = _two("complete_stated", "gone", "left"), _two("complete_unknown", "gone", "left")
SUSPECTED = _PAST["suspected"].value
LOW_INTAKE_RATIO, LOW_INTAKE_LOG_SD = _PAST["low_intake_ratio"].value, _PAST["low_intake_ratio"].between
NONE_BESIDE_DRUGS = _PAST["none_beside_drugs"].value
ADULT_Y = 16.0
UPTAKE = ("food_release", "intrinsic_factor", "ileal_uptake")


def earliest_day(case: Case) -> float:
    """The first day a history may begin: adulthood, but at least half a year before `as_of`."""
    return -max(0.5, case.age_y - ADULT_Y) * YEAR


def evidence_day(case: Case) -> float:
    """The first dated sign of trouble, else 0: what is not dated had begun before it."""
    days = [case.day(finding.date) for finding in case.findings if finding.severity != "none"]
    return max(earliest_day(case), min([0.0, *days]))


def dated(case: Case, world: Builder, name: str, moment: Moment | None, median_years: float, *, from_evidence: bool = True) -> float | str:
    """A day as a number, or a latent when it is uncertain (normal) or unknown (so many years before the evidence, wide)."""
    first = earliest_day(case)
    if moment is not None and moment.spread <= 0.0:
        return moment.day
    if moment is not None:
        world.earliest = min(world.earliest, moment.day - 4.0 * moment.spread)
        drawn = world.add(Latent(f"{name}_told", "normal", (moment.day, moment.spread), "the day, as well as it was told"))
        return world.add(Latent(name, "at_most", (drawn, -1.0), "not after as_of"))
    years = world.add(Latent(f"{name}_years", "lognormal", (median_years, LOG_SD_YEARS), "years it had gone on; not stated"))
    day = world.total(f"{name}_day", world.times(f"{name}_back", years, -YEAR), evidence_day(case) if from_evidence else 0.0)
    world.earliest = min(world.earliest, first)
    return world.add(Latent(name, "at_least", (day, first), "day it began; not before adult life"))


def add_modifiers(case: Case, world: Builder) -> bool:
    """Write all stated drugs, conditions and operations. True when a condition or operation could lower B12 (so that no cause is drawn)."""
    explains = False
    present = _present(case)
    for drug_number, drug in enumerate(case.history.drugs):
        rows = known.find_modifier(drug.name, DRUG_KINDS)
        name = f"{rows[0].id}_{drug_number}" if rows else drug.name
        if any(_has_size(row) for row in rows):
            start = dated(case, world, f"{name}_from", case.moment(drug.from_), YEARS_OF_DRUG, from_evidence=False)
            end = case.moment(drug.to)
            for row in rows:
                write(world, row, name, start, end.day if end else None, dose_share(row, drug, case), present)
    for number, condition in enumerate(case.history.conditions):
        rows = known.find_modifier(condition.name, CONDITION_KINDS)
        if any(_has_size(row) for row in rows):
            _condition(case, world, rows, condition, f"{rows[0].id}_{number}", present)
        explains = explains or any(_lowers_uptake(row) for row in rows)
    for number, operation in enumerate(case.history.operations):
        rows = known.find_modifier(operation.name, OPERATION_KINDS)
        if any(_has_size(row) for row in rows):
            name = f"{rows[0].id}_{number}"
            start = dated(case, world, f"{name}_date", case.moment(operation.date), YEARS_OF_CONDITION)
            for row in rows:
                write(world, row, name, start, None, _operation_share(row, operation), present)
        explains = explains or any(_lowers_uptake(row) for row in rows)
    return explains


def _condition(case: Case, world: Builder, rows: tuple[Modifier, ...], condition: Condition, name: str, present: set[str]) -> None:
    start = dated(case, world, f"{name}_from", case.moment(condition.from_), YEARS_OF_CONDITION)
    end = case.moment(condition.to)
    complete: float | str
    if condition.completeness is not None:
        complete = condition.completeness
    else:
        complete = world.add(Latent(f"{name}_completeness", "beta", COMPLETE_STATED, "share of the function that is gone; not stated"))
    if condition.certainty in ("suspected", "assumed"):
        there = world.add(Latent(f"{name}_present", "bernoulli", (SUSPECTED,), "suspected: there or not"))
        complete = world.times(f"{name}_share", there, complete)
    for row in rows:
        write(world, row, name, start, end.day if end else None, world.times(f"{name}_{row.target}_part", complete, _rule_share(row, case)),
              present)  # fmt: skip


def write(
    world: Builder, row: Modifier, name: str, start: float | str, end: float | None, share: float | str, present: set[str] | None = None
) -> None:
    """One row's effect from `start` (building up over its onset) to `end` (going over its offset); nothing for an effect without size."""
    if not _has_size(row) or share == 0.0:
        return
    for other, part in row.interacts_with:
        if other in (present or set()):
            share = world.times(f"{name}_{row.target}_beside_{other}", share, part)
    ratio = _ratio(world, row, name)
    if row.dose_rule == "proportional":
        # The dose is a measurement of the target itself: the ratio moves with it.
        ratio, share = world.times(f"{name}_{row.target}_measured", ratio, share), 1.0
    steps = ((0.0, 1.0),) if row.onset_days is not None and row.onset_days <= 30.0 else (
        (1.0 / 6.0, 1.0 / 3.0), (0.5, 2.0 / 3.0), (5.0 / 6.0, 1.0))  # fmt: skip
    target, stem = f"m_{row.target}", f"{name}_{row.target}"
    for number, (when, part) in enumerate(steps):
        if row.onset_days is not None:
            time = world.total(f"{stem}_time_{number}", start, when * row.onset_days)
        else:
            # Unknown: it set in over some share of the time since it began, so that it is never left to happen after as_of.
            share_of_time = world.add(Latent(f"{name}_set_in", "uniform", SET_IN, "share of the time since its start over which it set in"))
            left = world.total(f"{name}_left_{number}", 1.0, world.times(f"{name}_set_in_{number}", share_of_time, -when))
            time = world.times(f"{name}_time_{number}", start, left)
        value = _blend(world, f"{stem}_ratio_{number}", ratio, world.times(f"{stem}_share_{number}", share, part))
        world.change(time, target, value, name)
    if end is not None:
        fade(world, row, name, end, ratio, share)


def fade(world: Builder, row: Modifier, name: str, end: float, ratio: float | str | None = None, share: float | str = 1.0) -> None:
    """The end of an effect: in thirds over its offset, at once when that is short or unknown."""
    target, stem = f"m_{row.target}", f"{name}_{row.target}"
    ratio = _ratio(world, row, name) if ratio is None else ratio
    if row.offset_days is not None and row.offset_days > 30.0:
        for number, (when, part) in enumerate(((1.0 / 6.0, 2.0 / 3.0), (0.5, 1.0 / 3.0))):
            value = _blend(world, f"{stem}_fading_{number}", ratio, world.times(f"{stem}_left_{number}", share, part))
            world.change(end + when * row.offset_days, target, value, name)
        world.change(end + 5.0 / 6.0 * row.offset_days, target, 1.0, name)
    else:
        world.change(end, target, 1.0, name)


def _ratio(world: Builder, row: Modifier, name: str) -> float | str:
    """The full effect of a row: fixed, or a latent with its spread."""
    effect, spread = float(row.effect or 0.0), float(row.spread or 0.0)
    if row.distribution == "fixed" or spread == 0.0:
        return effect
    latent, about = f"{name}_{row.target}_effect", f"ratio of {row.target} under {row.name}"
    if row.distribution == "beta":
        size = effect * (1.0 - effect) / spread**2 - 1.0
        return world.add(Latent(latent, "beta", (effect * size, (1.0 - effect) * size), about, row.source))
    kind: Drawn = "logitnormal" if row.distribution == "logitnormal" else "lognormal"
    return world.add(Latent(latent, kind, (effect, spread), about, row.source))


def _blend(world: Builder, name: str, ratio: float | str, share: float | str) -> float | str:
    if not isinstance(ratio, str) and not isinstance(share, str):
        return max(0.0, 1.0 + (ratio - 1.0) * share)
    return ratio if share == 1.0 else world.add(Latent(name, "blend", (ratio, share)))


def _has_size(row: Modifier) -> bool:
    return row.effect is not None and row.target not in EXPOSURES and row.target not in STATEMENTS


def _lowers_uptake(row: Modifier) -> bool:
    return _has_size(row) and row.target in UPTAKE and row.effect is not None and row.effect < 1.0


def _present(case: Case) -> set[str]:
    """Ids of all modifiers a case names, for rows that act differently beside one another."""
    history = case.history
    found = [known.find_modifier(drug.name, DRUG_KINDS) for drug in history.drugs]
    found += [known.find_modifier(condition.name, CONDITION_KINDS) for condition in history.conditions]
    found += [known.find_modifier(operation.name, OPERATION_KINDS) for operation in history.operations]
    return {rows[0].id for rows in found if rows}


def dose_share(row: Modifier, drug: Drug, case: Case) -> float:
    """How much of a row's effect the person's daily dose brings: 1 at its reference dose, by its dose rule."""
    if drug.dose is None or drug.unit is None or row.dose_unit is None:
        return 1.0
    daily = drug.dose * (drug.per_day if drug.per_day is not None else 1.0)
    unit = drug.unit
    if not convertible(unit, row.dose_unit) and convertible(f"{unit}/d", row.dose_unit):
        unit = f"{unit}/d"
    if not convertible(unit, row.dose_unit):
        return 1.0
    try:
        return rule_share(row, convert(daily, unit, row.dose_unit))
    except InputError:
        return 1.0


def rule_share(row: Modifier, dose: float) -> float:
    """Share of the effect at a dose, so that 1 + (effect - 1) share is the row's own ratio at that dose."""
    rule, _, threshold = row.dose_rule.partition(":")
    if rule == "above":
        return 1.0 if dose >= float(threshold) else 0.0
    if row.reference_dose is None or rule in ("none", "exposure"):
        return 1.0
    share = dose / row.reference_dose
    if rule == "emax":
        half = float(threshold)
        share = dose / (dose + half) * (row.reference_dose + half) / row.reference_dose
    return share


def _rule_share(row: Modifier, case: Case) -> float:
    """A condition measured by the laboratory (kidney disease by its filtration) counts as far as the last result says."""
    if row.dose_rule != "proportional" or row.dose_unit is None:
        return 1.0
    for lab in sorted(case.labs, key=lambda lab: case.day(lab.date), reverse=True):
        analyte = known.find_analyte(lab.analyte)
        if analyte is not None and analyte.id == "egfr" and lab.value is not None and lab.unit and convertible(lab.unit, row.dose_unit):
            return rule_share(row, convert(lab.value, lab.unit, row.dose_unit))
    return 1.0


def _operation_share(row: Modifier, operation: Operation) -> float:
    if operation.removed_cm is None or not row.dose_unit or not convertible("cm", row.dose_unit):
        return 1.0
    return rule_share(row, convert(operation.removed_cm, "cm", row.dose_unit))


def cause_weights(
    age_y: float, sex: str, *, tested: bool, drugs: bool = False
) -> tuple[list[tuple[str, tuple[Modifier, ...]]], list[float]]:
    """Causes with their rows of the modifiers table, and the weight of each at an age; `tested`: somebody had reason to test."""
    levels: list[tuple[str, tuple[Modifier, ...]]] = []
    weights: list[float] = []
    for cause in causes():
        rows = next((known.modifiers()[key] for key in cause.modifiers if key in known.modifiers()), ())
        if cause.modifiers and not rows:
            continue
        weight = cause.tested if tested else cause.community
        weight *= NONE_BESIDE_DRUGS if drugs and cause.id == "none" else 1.0
        by_sex = cause.women if sex == "female" else math.sqrt(cause.women) if sex == "unknown" else 1.0
        levels.append((cause.id, rows))
        weights.append(weight * cause.per_decade ** ((age_y - 50.0) / 10.0) * by_sex)
    return levels, weights


def draw_cause(case: Case, world: Builder, usual_food: float | str, tested: bool | None = None) -> None:
    """A cause nobody named: one categorical latent over the usual ones, each writing no effect where another was drawn.

    Who has a result or a finding had reason to be tested (`tested`, where it is known); anybody else is one of the community. A drug that
    could explain a deficiency makes "none besides" more likely and does not rule the others out.
    """
    drugs = any(_has_size(row) for drug in case.history.drugs for row in known.find_modifier(drug.name, ("drug",)))
    if tested is None:
        tested = bool(case.labs) or any(finding.severity != "none" for finding in case.findings)
    levels, weights = cause_weights(case.age_y, case.person.sex, tested=tested, drugs=drugs)
    world.add(Latent("cause", "categorical", tuple(round(weight / sum(weights), 6) for weight in weights),
                     "which cause: " + ", ".join(f"{number} {name}" for number, (name, _) in enumerate(levels))))  # fmt: skip
    start = dated(case, world, "cause_from", None, YEARS_OF_CAUSE)
    complete = world.add(Latent("cause_completeness", "beta", COMPLETE_UNKNOWN, "how complete the cause is; unknown"))
    for number, (name, rows) in enumerate(levels):
        if name == "none":
            continue
        chosen = world.add(Latent(f"cause_is_{name}", "chosen", ("cause", float(number))))
        if name == "low_intake":
            ratio = world.add(Latent("low_intake_ratio", "lognormal", (LOW_INTAKE_RATIO, LOW_INTAKE_LOG_SD), "share of the usual intake"))
            value = world.times("low_intake_food", usual_food, world.add(Latent("low_intake_part", "blend", (ratio, chosen))))
            world.change(start, "food_ug_d", value)
            continue
        share = world.times(f"cause_{name}_share", chosen, complete)
        for row in rows:
            write(world, row, f"cause_{name}", start, None, share)
