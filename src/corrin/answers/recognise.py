"""What must not be missed: cord, optic nerve and mind in B12 deficiency, and nitrous oxide whatever the level, from the findings alone.

A pure function. Urgency speaks of how soon somebody must look, never of how likely B12 deficiency is; no result lowers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corrin.answers import features as shown
from corrin.answers.examples import named
from corrin.case import known
from corrin.case.case import SEVERITIES, Case
from corrin.facts.mimics import Outcome, outcomes

URGENCIES = ("emergency", "same day", "within a week", "soon")
"""From the most to the least urgent."""
UNDECIDED = {
    "not tested": "not tested",
    "uncertain": "the results told do not decide it",
    "enough": "the results told speak against it, so look elsewhere",
}

SAMPLED = {
    "serum B12": ("serum_b12",), "methylmalonic acid": ("mma",), "homocysteine": ("homocysteine",), "folate": ("folate",),
    "blood count": ("haemoglobin", "mcv"),
}  # fmt: skip
"""What is sampled before treatment -> analytes that say it was."""
STILL_TRUE_D = 90.0
"""A result of the last so many days need not be taken again before treating (judgement)."""
INJECTIONS = "Guidelines treat such signs with injections first; never folic acid alone."
SAMPLE_MIND = "Test B12 with methylmalonic acid, thyroid, folate and blood count, and examine the mind with a score that can be repeated."
EXAMINE = "Examine position sense, reflexes and Babinski sign: they tell whether the cord takes part."
WEAK = " Weakness: think of inflammatory neuropathy and of the cord."


@dataclass(frozen=True, slots=True)
class Recognised:
    """One picture: its name, how sure the findings make it, how urgent it is and why, what to do next, what is not known.

    `outcomes`: ids of the published series on how such people did (`facts/outcomes.csv`).
    """

    id: str
    name: str
    sure: str
    urgency: str
    because: tuple[str, ...]
    next_step: str
    not_known: tuple[str, ...]
    outcomes: tuple[str, ...]


def recognised(case: Case | str | Path | Mapping[str, Any]) -> tuple[Recognised, ...]:
    """The pictures the findings of a case show, the most urgent first; empty when no nerve sign is told.

    `case` is a `Case`, a file, a text, a dict or the id of an example.
    """
    case = named(case)
    there = {sign for sign, present in shown.signs(case).items() if present}
    picture = shown.b12_picture(case)
    found = [item for item in (_cord(case, there, picture), _optic(case, there, picture), _mind(case, there, picture)) if item is not None]
    if not any(item.id in ("cord", "nitrous_oxide") for item in found):
        found += [item for item in (_nerve(case, there, picture),) if item is not None]
    return tuple(sorted(found, key=lambda item: URGENCIES.index(item.urgency)))


def first_of_all(case: Case) -> tuple[str, ...]:
    """What the findings call for before any choice of plan: urgency, name, next step; empty when no nerve sign is told."""
    return tuple(f"{item.urgency[:1].upper()}{item.urgency[1:]}: {item.name}. {item.next_step}" for item in recognised(case))


def sample(case: Case) -> str:
    """What to take before treating, without what a recent result already says."""
    recent = {
        row.id
        for lab in case.labs
        if -STILL_TRUE_D <= case.day(lab.date) <= shown.LATER_D
        and not lab.held_back
        and (row := known.find_analyte(lab.analyte)) is not None
    }
    missing = [name for name, analytes in SAMPLED.items() if not recent & set(analytes)]
    if not missing:
        return "The samples that come first are told of: treat without waiting for more."
    rest = "" if len(missing) == len(SAMPLED) else " that are not told of"
    return f"Take the samples{rest} ({', '.join(missing)}), then treat without waiting for them."


def _in_words(there: set[str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(shown.words(name) for name in names if name in there)


def _cord(case: Case, there: set[str], picture: shown.Picture) -> Recognised | None:
    if not there & set(shown.CORD):
        return None
    bladder = there & set(shown.BLADDER)
    sure = bool(there & set(shown.CORD_SURE))
    urgency = "emergency" if bladder else "same day"
    because = _in_words(there, (*shown.CORD, *shown.BLADDER, "vibration_loss", "weakness"))
    image = "" if {"mri_dorsal_columns", "mri_lateral_columns"} & there else " MRI of the whole cord."
    step = f"{'Exclude compression of the cord at once. ' if bladder else ''}{sample(case)}{image}"
    unknown = [] if sure else ["whether the cord takes part: such signs can come from nerves alone (look for Babinski sign, reflexes, MRI)"]
    if not {"mri_dorsal_columns", "mri_lateral_columns"} & set(shown.signs(case)):
        unknown.append("what an MRI of the cord shows: none is told")
    how = "signs of the cord are there" if sure else "the cord may take part"
    if picture.kind == "blocked":
        step = f"Stop nitrous oxide. {step} {INJECTIONS}"
        level = shown.reading(case, "serum_b12")
        if level is not None and level.side == "normal":
            unknown.append("how much B12 works: a normal serum level excludes nothing here")
        tested = [found for name in ("mma", "homocysteine") if (found := shown.reading(case, name)) is not None]
        if not tested:
            unknown.append("methylmalonic acid and homocysteine: not told; usually raised, both normal in some")
        elif all(found.side != "high" for found in tested):
            unknown.append(
                "why the metabolites told are not raised: usual after the gas is stopped or B12 was taken, and seen in some without"
            )
        name, ids = "myeloneuropathy by nitrous oxide", _ids("nitrous_oxide", "cord")
        return Recognised("nitrous_oxide", name, how, urgency, because, step, tuple(unknown), ids)
    if picture.kind == "lacking":
        name = "subacute combined degeneration of the cord" if sure else "nerve damage of B12 deficiency, perhaps with the cord"
        return Recognised("cord", name, how if sure else "as told", urgency, because, f"{step} {INJECTIONS}", tuple(unknown), _ids("cord"))
    name = "a disorder of the cord: B12 deficiency is one cause among others" if sure else "unsteadiness or lost feeling: cord or nerves"
    unknown.append(f"whether B12 lacks: {UNDECIDED[picture.kind]}")
    return Recognised("cord", name, how, urgency, because, step, tuple(unknown), _ids("cord"))


def _optic(case: Case, there: set[str], picture: shown.Picture) -> Recognised | None:
    if not there & set(shown.OPTIC):
        return None
    step = (
        f"Eye examination with visual fields on the same day. {sample(case)} Hydroxocobalamin rather than cyanocobalamin until Leber's "
        "disease is excluded; MRI of orbits and brain."
    )
    sure = "optic nerve named" if "optic_neuropathy" in there else "sight fails; whether by the optic nerve is not told"
    name = (
        "optic neuropathy with B12 deficiency" if picture.kind in ("lacking", "blocked") else "failing sight: B12 is one cause among others"
    )
    unknown = (
        "what share of such people see well again: no series counted it",
        "whether tobacco, alcohol, ethambutol, lack of folate or of copper takes part",
    )
    return Recognised("optic", name, sure, "same day", _in_words(there, shown.OPTIC), step, unknown, _ids("optic"))


def _mind(case: Case, there: set[str], picture: shown.Picture) -> Recognised | None:
    if not there & set(shown.MIND):
        return None
    graded = sorted(
        (case.day(finding.date), (*SEVERITIES, "worst").index(finding.severity))
        for finding in case.findings
        if finding.what == "cognition" and finding.severity is not None and case.day(finding.date) <= shown.LATER_D
    )
    worse = len(graded) > 1 and graded[-1][1] > graded[0][1]
    severe = bool(graded) and graded[-1][1] >= SEVERITIES.index("severe")
    gas = picture.kind == "blocked"
    urgency = "same day" if "psychosis" in there or severe or worse or gas else "soon"
    beside = {"blocked": " with nitrous oxide", "lacking": " with B12 deficiency"}.get(picture.kind, ": B12 is one cause among others")
    step = f"{'Stop nitrous oxide. ' if gas else ''}{sample(case) if urgency == 'same day' else SAMPLE_MIND}"
    unknown = ("whether B12 is the reason: most dementia with low B12 does not improve, mild and recent trouble more often does",)
    name = f"{'psychosis' if 'psychosis' in there else 'failing memory or thinking'}{beside}"
    return Recognised("mind", name, "as told", urgency, _in_words(there, shown.MIND), step, unknown, _ids("mind"))


def _nerve(case: Case, there: set[str], picture: shown.Picture) -> Recognised | None:
    if not there & set(shown.NERVE):
        return None
    day = shown.first_sign_day(case)
    weak, fast = "weakness" in there, day is not None and day >= -shown.FAST_D
    gas = picture.kind == "blocked"
    urgency = "same day" if gas or weak else "within a week" if fast else "soon"
    beside = {"blocked": " by nitrous oxide", "lacking": " with B12 deficiency"}.get(
        picture.kind, ": B12 deficiency is one cause among others"
    )
    step = f"{'Stop nitrous oxide. ' if gas else ''}{sample(case)} {EXAMINE}{WEAK if weak else ''}"
    absent = [shown.words(sign) for sign, present in shown.signs(case).items() if sign in shown.CORD and not present]
    unknown = (
        f"signs of the cord: none is told{'; absent: ' + ', '.join(absent) if absent else ''}; whether all were looked for is not known"
    )
    kind = "nitrous_oxide" if gas else "nerve"
    return Recognised(kind, f"neuropathy{beside}", "as told", urgency, _in_words(there, shown.NERVE), step, (unknown,), _ids(kind))


def _ids(*syndromes: str) -> tuple[str, ...]:
    return tuple(row.id for row in outcomes().values() if row.syndrome in syndromes)


def outcome_rows(found: tuple[Recognised, ...]) -> tuple[Outcome, ...]:
    """The published series behind what was recognised, each once, in the order of the table."""
    wanted = {key for item in found for key in item.outcomes}
    return tuple(row for row in outcomes().values() if row.id in wanted)
