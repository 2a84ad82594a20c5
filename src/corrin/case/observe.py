"""Labs and findings up to `as_of`, as observations of the body's readings.

Values stay what the laboratory reported, in the reading's canonical unit; how well one result shows the person's own level is the analyte's
total log-SD. Nothing dated after `as_of` is read.
"""

from __future__ import annotations

import math

from corrin.case import known
from corrin.case.case import Case, Lab
from corrin.case.check import in_canonical
from corrin.case.timeline import Observation
from corrin.facts.findings import grades, judged
from corrin.facts.rows import Analyte
from corrin.units import convert

# Which probability curve a symptom or sign speaks for. Tingling to cognition are the curves themselves; the signs stand in for the curve
# whose tract they test (assumed): vibration and touch for numbness, position sense, Romberg, falls and walking aids for gait.
READING_OF = {
    "tingling": "symptom_tingling", "numbness": "symptom_numbness", "vibration_loss": "symptom_numbness", "touch_loss": "symptom_numbness",
    "weakness": "symptom_weakness", "gait": "symptom_gait", "position_loss": "symptom_gait", "romberg": "symptom_gait",
    "falls": "symptom_gait", "walking_aid": "symptom_gait", "wheelchair": "symptom_gait", "vision": "symptom_vision",
    "optic_neuropathy": "symptom_vision", "cognition": "symptom_cognition",
}  # fmt: skip

# What nobody wrote down was hardly severe: an examiner who records a case would have named a gait that needs help, failing sight, a failing
# mind or weak legs. Reading, side, and the name of its limit and softness in facts/findings.toml.
UNMENTIONED = {
    ("gait", "walking_aid", "wheelchair", "falls"): ("score_gait", "<", "unnamed_gait"),
    ("vision", "optic_neuropathy"): ("function_optic", ">", "unnamed_sight"),
    ("cognition",): ("mmse", ">", "unnamed_mind"),
    ("weakness", "spasticity", "wheelchair"): ("function_lateral", ">", "unnamed_weakness"),
}  # fmt: skip


HAEMATOCRIT_TO_G_DL = judged("haematocrit_to_haemoglobin")
"""The laboratory's rule of three."""


def observations(case: Case) -> list[Observation]:
    """All observations of a case up to `as_of`, in order of time."""
    found = [item for number, lab in enumerate(case.labs) if not lab.held_back for item in _lab(case, lab, number)]
    found += _findings(case)
    return sorted(found, key=lambda item: item.time_days)


def _lab(case: Case, lab: Lab, number: int) -> list[Observation]:
    row = known.find_analyte(lab.analyte)
    time = min(0.0, case.day(lab.date))
    if row is None or (lab.value is None and not lab.word):
        return []
    if lab.value is None:
        return _in_words(lab, row, time, f"labs[{number}]")
    value, unit, comparator = lab.value, lab.unit, lab.comparator
    if unit is None:
        return []
    label = f"labs[{number}]"
    if row.reading:
        canonical = in_canonical(value, unit, row)
        sd = row.total_cv or 0.2
        return [Observation(time, row.reading, canonical, comparator, sd, label, hours_since_dose=lab.hours_since_dose)]
    if row.id in ("haematocrit", "hematocrit"):
        return _haematocrit(row, value, unit, comparator, time, label)
    if row.id == "creatinine" and comparator == "=":
        return _creatinine(case, row, value, unit, time, label)
    return []


def _in_words(lab: Lab, row: Analyte, time: float, label: str) -> list[Observation]:
    """A word says on which side of the laboratory's own limits the value lay, or of the table's where it gave none."""
    if not row.reading:
        return []
    own = lab.unit is not None
    low = in_canonical(lab.reference_low, lab.unit, row) if own and lab.reference_low is not None and lab.unit else row.reference_low
    high = in_canonical(lab.reference_high, lab.unit, row) if own and lab.reference_high is not None and lab.unit else row.reference_high
    sides = {"low": [("<", low)], "undetectable": [("<", low)], "raised": [(">", high)], "normal": [(">", low), ("<", high)]}
    sd = row.total_cv or 0.2
    said = sides.get(lab.word or "", [])
    return [Observation(time, row.reading, limit, side, sd, label, hours_since_dose=lab.hours_since_dose) for side, limit in said if limit]


def _haematocrit(row: Analyte, value: float, unit: str, comparator: str, time: float, label: str) -> list[Observation]:
    haemoglobin = known.find_analyte("haemoglobin")
    if haemoglobin is None or not haemoglobin.reading or any(item is None for item in (value, unit)):
        return []
    grams = convert(convert(value, unit, "%") * judged("haematocrit_to_haemoglobin"), "g/dL", haemoglobin.unit)
    sd = math.hypot(haemoglobin.total_cv or 0.05, judged("rule_of_three_log_sd"))
    return [Observation(time, haemoglobin.reading, grams, comparator, sd, f"{label} (haematocrit / 3)")]


def _creatinine(case: Case, row: Analyte, value: float, unit: str, time: float, label: str) -> list[Observation]:
    filtration = known.find_analyte("egfr")
    if filtration is None or not filtration.reading:
        return []
    mg_dl = convert(value, unit, "mg/dL", row.molar_mass_g_mol or 113.12)
    estimate = egfr_ckd_epi_2021(mg_dl, case.age_y + time / 365.25, case.person.sex)
    sd = math.hypot(judged("egfr_log_sd"), judged("sex_unknown_log_sd") if case.person.sex == "unknown" else 0.0)
    return [Observation(time, filtration.reading, convert(estimate, "mL/min/1.73m2", filtration.unit), "=", sd, f"{label} (CKD-EPI 2021)")]


def egfr_ckd_epi_2021(creatinine_mg_dl: float, age_y: float, sex: str) -> float:
    """Estimated filtration in mL/min/1.73 m2 by the CKD-EPI creatinine equation of 2021 (Inker, N Engl J Med 2021;385:1737-49; recalled).

    142 min(Scr/k, 1)^a max(Scr/k, 1)^-1.200 0.9938^age (1.012 if female), k 0.7 and a -0.241 for women, 0.9 and -0.302 for men. With sex
    unknown: the geometric mean of both.
    """
    if sex not in ("female", "male"):
        return math.sqrt(egfr_ckd_epi_2021(creatinine_mg_dl, age_y, "female") * egfr_ckd_epi_2021(creatinine_mg_dl, age_y, "male"))
    k, a, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine_mg_dl / k
    return float(142.0 * min(ratio, 1.0) ** a * max(ratio, 1.0) ** -1.2 * 0.9938**age_y * factor)


def _findings(case: Case) -> list[Observation]:
    """One observation for each reading and day: seen if any of its findings was seen."""
    seen: dict[tuple[float, str], tuple[float, str]] = {}
    graded: dict[tuple[float, str], tuple[float, float, str]] = {}
    onsets: list[tuple[float, str, str]] = []
    for number, finding in enumerate(case.findings):
        reading, time, label = READING_OF.get(finding.what), case.day(finding.date), f"findings[{number}]"
        if reading is None or time > 0.0:
            continue
        present = 0.0 if finding.severity == "none" else 1.0
        if present >= seen.get((time, reading), (-1.0, ""))[0]:
            seen[(time, reading)] = (present, label)
        row = grades().get(finding.what)
        grade = row.value(finding.severity) if row else None
        if row is not None and grade is not None:
            told = graded.get((time, row.reading))
            worse = max if row.harm == "up" else min
            if told is None or worse(grade, told[0]) == grade:
                graded[time, row.reading] = (grade, row.sd, label)
        if finding.onset and present:
            onsets.append((time, reading, label))
    for time, reading, label in onsets:
        before = time - max(judged("absent_before"), judged("absent_share") * -time)
        first = min(day for day, name in seen if name == reading and seen[(day, name)][0] > 0.0)
        if time <= first:
            seen.setdefault((before, reading), (0.0, f"{label} (before its onset)"))
        # From its onset on, unless a later finding says otherwise.
        if not any(name == reading and day > time for day, name in seen):
            seen.setdefault((0.0, reading), (1.0, f"{label} (since its onset)"))
    found = [Observation(time, reading, value, "=", 0.0, label, "present") for (time, reading), (value, label) in seen.items()]
    found += [Observation(time, reading, value, "=", 0.0, label, "graded", sd) for (time, reading), (value, sd, label) in graded.items()]
    return found + _unmentioned(case)


def _unmentioned(case: Case) -> list[Observation]:
    """What would have been written down had it been severe."""
    named = {finding.what for finding in case.findings if case.day(finding.date) <= 0.0}
    if not case.labs and not named:
        return []
    return [
        Observation(0.0, reading, judged(limit), side, 0.0, f"{whats[0]} not mentioned", "unmentioned", judged(f"{limit}_sd"))
        for whats, (reading, side, limit) in UNMENTIONED.items()
        if not named & set(whats)
    ]
