"""What a case shows: signs seen, looked for and absent, or not told; which side of its limits a result lies; what B12 looks like.

Three-valued throughout: True, False, and None for what nobody told. Nothing after `as_of` is read and nothing is guessed. This is a
reading of single results for the answers on pain and mimics; weighing all markers together is another question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from corrin.case import known
from corrin.case.case import Case, Lab
from corrin.case.check import CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS, in_canonical
from corrin.facts.rows import Analyte
from corrin.show.words import number
from corrin.units import convert

LATER_D = 0.5
"""A finding or sample of the same day counts as of that day."""
RECENT_USE_D = 183.0
"""Harm by nitrous oxide that shows later than half a year after its last use has another reason (assumed)."""
FAST_D = 28.0
"""First nerve sign within four weeks (assumed: the limit that parts acute from chronic inflammatory neuropathy)."""
OLDER_Y = 65.0

NERVE = ("tingling", "numbness", "touch_loss", "vibration_loss", "reflexes_reduced", "ncs_abnormal", "weakness", "cramps")
CORD = (
    "gait", "romberg", "lhermitte", "babinski", "position_loss", "reflexes_increased", "spasticity", "mri_dorsal_columns",
    "mri_lateral_columns", "sep_abnormal", "mep_abnormal", "walking_aid", "wheelchair", "falls",
)  # fmt: skip
CORD_SURE = ("lhermitte", "babinski", "reflexes_increased", "spasticity", "mri_dorsal_columns", "mri_lateral_columns", "mep_abnormal")
"""Signs that no neuropathy gives; the other signs of the cord can come from nerves."""
OPTIC = ("optic_neuropathy", "vision", "vep_abnormal")
MIND = ("cognition", "psychosis")
BLADDER = ("bladder", "bowel")
TRACTS: Mapping[str, tuple[str, ...]] = {"nerve": NERVE, "cord": CORD, "optic": OPTIC, "mind": MIND}
NEUROLOGICAL = (*NERVE, *CORD, *OPTIC, *MIND, *BLADDER, "pain")
TROUBLES_WITHOUT_PLACE = ("fatigue", "mood", "glossitis", "pallor", "jaundice", "weight_loss", "pancytopenia", "macrocytosis", "tremor")

WORDS = {
    "ncs_abnormal": "abnormal nerve conduction",
    "sep_abnormal": "abnormal sensory evoked potentials",
    "vep_abnormal": "abnormal visual evoked potentials",
    "mep_abnormal": "abnormal motor evoked potentials",
    "mri_dorsal_columns": "dorsal columns on MRI",
    "mri_lateral_columns": "lateral columns on MRI",
    "vibration_loss": "lost vibration sense",
    "position_loss": "lost position sense",
    "touch_loss": "lost touch",
    "reflexes_reduced": "reduced reflexes",
    "reflexes_increased": "brisk reflexes",
    "babinski": "Babinski sign",
    "romberg": "Romberg sign",
    "lhermitte": "Lhermitte sign",
    "gait": "unsteady gait",
    "vision": "failing sight",
    "cognition": "failing memory or thinking",
    "optic_neuropathy": "optic neuropathy",
    "walking_aid": "walking with an aid",
    "bladder": "trouble with the bladder",
    "bowel": "trouble with the bowel",
    "mood": "low mood",
    "macrocytosis": "large red cells",
    "one_sided": "one side only",
    "fast": "first sign within four weeks",
    "weight_loss": "loss of weight",
    "b12_lacking": "laboratory signs of too little B12",
    "nitrous_oxide": "use of nitrous oxide",
    "diabetes": "diabetes",
    "b6_above_limit": "more vitamin B6 than its limit",
    "heavy_alcohol": "heavy drinking",
    "older_than_65": "age of 65 or more",
    "stomach_operation": "an operation on the stomach",
}
"""Features in words, where the name will not do."""

STOMACH = (
    "total_gastrectomy",
    "partial_gastrectomy",
    "gastric_bypass",
    "sleeve_gastrectomy",
    "biliopancreatic_diversion",
    "oesophagectomy",
)
KIDNEYS = ("kidney_disease_3", "kidney_disease_4", "kidney_disease_5")
Side = Literal["low", "normal", "high"]


def words(feature: str) -> str:
    """A feature as a report says it."""
    return WORDS.get(feature, feature.replace("_", " "))


def signs(case: Case) -> dict[str, bool]:
    """Sign -> present on the last day it was looked at up to `as_of`; a sign nobody told of is missing."""
    last: dict[str, tuple[float, bool]] = {}
    for finding in case.findings:
        day = case.day(finding.date)
        if finding.what == "other" or day > LATER_D:
            continue
        present = finding.severity != "none"
        held = last.get(finding.what)
        if held is None or day > held[0] or (day == held[0] and present):
            last[finding.what] = (day, present)
    return {sign: present for sign, (_, present) in last.items()}


def first_sign_day(case: Case) -> float | None:
    """Day of the first nerve sign that is still there (negative), or None when there is none."""
    there = signs(case)
    days = [
        case.day(finding.date)
        for finding in case.findings
        if finding.what in NEUROLOGICAL and there.get(finding.what) and finding.severity != "none" and case.day(finding.date) <= LATER_D
    ]
    return min(days) if days else None


def tracts(case: Case) -> tuple[str, ...]:
    """Where the signs of a case lie: nerve, cord, optic, mind."""
    there = signs(case)
    return tuple(tract for tract, names in TRACTS.items() if any(there.get(name) for name in names))


# --- results -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """One result against its limits: its side, and in words with the limit used."""

    side: Side
    words: str


def reading(case: Case, analyte: str) -> Reading | None:
    """The last result of an analyte up to `as_of` against the report's own limits, else those of the table; None: no side can be told."""
    row = known.analytes().get(analyte)
    if row is None:
        return None
    labs = [lab for lab in case.labs if not lab.held_back and case.day(lab.date) <= LATER_D and known.find_analyte(lab.analyte) is row]
    sided = [(case.day(lab.date), found) for lab in labs if (found := _side(lab, row)) is not None]
    if not sided:
        return None
    last = max(day for day, _ in sided)
    # Of one day, whatever their order, the one outside its limits: what it calls for is not to be missed.
    return min((found for day, found in sided if day == last), key=lambda found: (found.side == "normal", found.side, found.words))


def _side(lab: Lab, row: Analyte) -> Reading | None:
    if lab.word:
        side: Side = "low" if lab.word in ("low", "undetectable") else "high" if lab.word == "raised" else "normal"
        return Reading(side, f"{row.name} {lab.word}")
    if lab.value is None or lab.unit is None:
        return None
    value = in_canonical(lab.value, lab.unit, row)
    low = in_canonical(lab.reference_low, lab.unit, row) if lab.reference_low is not None else row.reference_low
    high = in_canonical(lab.reference_high, lab.unit, row) if lab.reference_high is not None else row.reference_high
    sign = "" if lab.comparator == "=" else f"{lab.comparator} "
    said = f"{row.name} {sign}{lab.value:g} {lab.unit}"
    at_most, at_least = lab.comparator in ("<", "<="), lab.comparator in (">", ">=")
    if low is not None and value < low and not at_least:
        return Reading("low", f"{said} (limit {_limit(low, lab, row)})")
    if high is not None and value > high and not at_most:
        return Reading("high", f"{said} (limit {_limit(high, lab, row)})")
    if at_most or at_least:
        return None
    return Reading("normal", f"{said} (within its limits)")


def _limit(limit: float, lab: Lab, row: Analyte) -> str:
    """A limit in the unit of the report."""
    return f"{number(convert(limit, row.unit, lab.unit or row.unit, row.molar_mass_g_mol))} {lab.unit}"


# --- B12 ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Picture:
    """What single results say of B12. `kind`: lacking, blocked (nitrous oxide, whatever the level), enough, uncertain, not tested."""

    kind: Literal["lacking", "blocked", "enough", "uncertain", "not tested"]
    because: tuple[str, ...]
    lacking: bool | None


def b12_picture(case: Case) -> Picture:
    """What the last results of each marker say of B12, one by one."""
    serum, active = reading(case, "serum_b12"), reading(case, "holotranscobalamin")
    mma, homocysteine, folate = (reading(case, name) for name in ("mma", "homocysteine", "folate"))
    kidneys = weak_kidneys(case)
    lacking, because = False, []
    for level in (serum, active):
        if level is not None:
            lacking |= level.side == "low"
            because.append(level.words)
    if mma is not None:
        lacking |= mma.side == "high" and not kidneys
        because.append(mma.words + (", which weak kidneys raise too" if mma.side == "high" and kidneys else ""))
    if homocysteine is not None:
        other = "lack of folate" if folate is not None and folate.side == "low" else "weak kidneys" if kidneys else ""
        lacking |= homocysteine.side == "high" and not other
        because.append(homocysteine.words + (f", which {other} raises too" if homocysteine.side == "high" and other else ""))
    gas = nitrous_oxide(case)
    if gas:
        because.insert(0, "nitrous oxide switches B12 off whatever its level")
        return Picture("blocked", tuple(because), True if lacking else None)
    if lacking:
        return Picture("lacking", tuple(because), True)
    if not because:
        return Picture("not tested", (), None)
    if mma is not None and mma.side == "normal" and any(level is not None and level.side == "normal" for level in (serum, active)):
        return Picture("enough", tuple(because), False)
    return Picture("uncertain", tuple(because), None)


def weak_kidneys(case: Case) -> bool:
    """Whether the case tells of kidneys that raise methylmalonic acid and homocysteine by themselves."""
    found = reading(case, "egfr")
    creatinine = reading(case, "creatinine")
    named = any(_is(entry.name, CONDITION_KINDS, KIDNEYS) for entry in case.history.conditions)
    return named or (found is not None and found.side == "low") or (creatinine is not None and creatinine.side == "high")


def nitrous_oxide(case: Case) -> bool | None:
    """Use of nitrous oxide in the last half year: None when nobody told."""
    history = case.history
    if not history.nitrous_oxide:
        return False if "nitrous_oxide" in history.model_fields_set else None
    for use in history.nitrous_oxide:
        last = use.last_use or use.to or (use.from_ if use.pattern == "single" else None)
        if case.day(last, 0.0) >= -RECENT_USE_D:
            return True
    return False


# --- everything --------------------------------------------------------------------------------------------------------------


def features(case: Case) -> dict[str, bool | None]:
    """Every sign and derived feature of a case. What is missing from it was not told."""
    found: dict[str, bool | None] = dict(signs(case))
    mcv = reading(case, "mcv")
    if mcv is not None:
        found["macrocytosis"] = mcv.side == "high"
    sides = {
        finding.side
        for finding in case.findings
        if finding.what in NEUROLOGICAL and found.get(finding.what) and finding.severity != "none" and case.day(finding.date) <= LATER_D
    }
    if sides - {None}:
        # Signs told without a side may lie on both: one side only is said when every sign has the same.
        found["one_sided"] = True if sides in ({"left"}, {"right"}) else False if "both" in sides or {"left", "right"} <= sides else None
    day = first_sign_day(case)
    if day is not None:
        found["fast"] = day >= -FAST_D
    found["older_than_65"] = case.age_y >= OLDER_Y
    found["b12_lacking"] = b12_picture(case).lacking
    found["nitrous_oxide"] = nitrous_oxide(case)
    found["diabetes"] = diabetes(case)
    level = case.history.alcohol.level if case.history.alcohol else "unknown"
    found["heavy_alcohol"] = True if level == "heavy" else False if level in ("none", "moderate") else None
    found["stomach_operation"] = any(_is(entry.name, OPERATION_KINDS, STOMACH) for entry in case.history.operations) or None
    return found


def diabetes(case: Case) -> bool | None:
    """Diabetes told, or HbA1c above its limits; a normal HbA1c says no; metformin alone says probably (None)."""
    if any(_is(entry.name, CONDITION_KINDS, ("diabetes",)) for entry in case.history.conditions):
        return True
    if any("diabet" in text.lower() for text in case.history.other_conditions):
        return True
    found = reading(case, "hba1c")
    return None if found is None else found.side == "high"


def on_drug(case: Case, *ids: str) -> bool:
    """Whether one of these drugs of the modifiers table is being taken."""
    return any(_is(drug.name, DRUG_KINDS, ids) and (drug.to is None or case.day(drug.to) >= 0.0) for drug in case.history.drugs)


def told(case: Case, *parts: str) -> str | None:
    """The first free text of history or findings (other conditions, other drugs, notes) that holds one of these words, else None."""
    texts = [
        *case.history.other_conditions,
        *case.history.other_drugs,
        *(finding.note for finding in case.findings if finding.note and finding.what in (*NEUROLOGICAL, "other")),
        *(entry.note for entry in case.history.conditions if entry.note),
    ]
    return next((text for text in texts if any(part in text.lower() for part in parts)), None)


def _is(name: str, kinds: tuple[str, ...], ids: tuple[str, ...]) -> bool:
    rows = known.find_modifier(name, kinds)
    return bool(rows) and rows[0].id in ids
