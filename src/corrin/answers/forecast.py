"""What will the blood and the nerves do, under each plan? (Q5 to Q7, and plans side by side)"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from corrin.answers.assemble import Intended, Options, Subject, assemble
from corrin.answers.assess.advice import flags
from corrin.answers.examples import named
from corrin.answers.explain import readings
from corrin.answers.recognise import URGENCIES, first_of_all, recognised
from corrin.answers.record import Forecast, Given, Lab, Notice, WarningCode
from corrin.answers.reported import as_reported
from corrin.answers.run import run
from corrin.case.case import Case
from corrin.case.plan import MAX_DOSES, Plan, built_in_plans, read_plan
from corrin.errors import InputError, expect_all
from corrin.guides.person import facts_of
from corrin.settings import checked

DAYS_PER_YEAR = 365.25
NEUROLOGICAL = {
    "tingling", "numbness", "weakness", "gait", "vision", "cognition", "bladder", "bowel", "romberg", "lhermitte", "babinski",
    "vibration_loss", "position_loss", "touch_loss", "reflexes_increased", "reflexes_reduced", "spasticity", "mri_dorsal_columns",
    "mri_lateral_columns", "sep_abnormal", "vep_abnormal", "mep_abnormal", "ncs_abnormal", "optic_neuropathy", "walking_aid", "wheelchair",
    "falls",
}  # fmt: skip
"""Findings that call for the neurological regimen."""
NOTE_CODES = {"unknown": WarningCode.MISSING_DATA, "odd": WarningCode.OTHER, "unused": WarningCode.UNKNOWN_EFFECT}
USUAL = ("none", "bnf-hydroxocobalamin", "oral-1000-daily")
USUAL_NEUROLOGICAL = ("none", "bnf-hydroxocobalamin-neurological", "oral-1000-daily")


def forecast(
    case: Case | str | Path | Mapping[str, Any],
    plans: Sequence[Plan | str | Path | Mapping[str, Any]] | Plan | str | Path | Mapping[str, Any] | None = None,
    years: float = 2.0,
    draws: int = 1000,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> Forecast:
    """The course of one person under each plan, with intervals.

    `case` is a `Case`, a file, a text, a dict or the id of an example; `plans` likewise, or names of built-in plans; without plans: no
    treatment, injections and tablets. `progress` is told what is being done and how far it is, 0 to 1.
    """
    years, draws, seed = checked("years", years), checked("draws", draws), checked("seed", seed)
    person = person_of(case)
    chosen = chosen_plans(person, plans, years)
    return answered(person, chosen, Options(years=years, draws=draws, seed=seed), progress)


def chosen_plans(
    person: Case, plans: Sequence[Plan | str | Path | Mapping[str, Any]] | Plan | str | Path | Mapping[str, Any] | None, years: float
) -> list[Plan]:
    """The plans asked for, read and checked; without any the usual ones."""
    if isinstance(plans, (Plan, str, Path, Mapping)):
        plans = [plans]
    expect_all(plans or (), (Plan, str, Path, Mapping), "plans", "names of built-in plans, plan files, or plans")
    chosen = [plan if isinstance(plan, Plan) else read_plan(plan) for plan in (plans or usual_plans(person))]
    names = [plan.name for plan in chosen]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError("plans", f"{', '.join(twice)} named twice", "each plan once", "Give a copied plan a name of its own.")
    horizon = years * DAYS_PER_YEAR
    for plan in chosen:
        if plan.most_doses(horizon) > MAX_DOSES:
            raise InputError(
                f"plan {plan.name}", f"up to {plan.most_doses(horizon):,} doses in {years:g} years", f"at most {MAX_DOSES:,}",
                "Give several tablets taken together as one dose, or look less far ahead.",
            )  # fmt: skip
    return chosen


def answered(
    person: Case, plans: Sequence[Plan], options: Options, progress: Callable[[str, float], None] | None = None, earlier: Case | None = None
) -> Forecast:
    """The whole answer for a case and plans as they are; `earlier`: the case before its newest results, to stand beside it."""
    horizon = options.years * DAYS_PER_YEAR
    computed = run(person, plans, options.years, options.draws, options.seed, progress, earlier)
    shown = urgent_first(person)
    if earlier is not None:
        places = [f"labs[{number}]" for number in range(len(earlier.labs), len(person.labs))]
        places += [f"findings[{number}]" for number in range(len(earlier.findings), len(person.findings))]
        added = tuple(as_reported(person, place) for place in places)
        shown = replace(shown, question="update", added=added, earlier={"earlier": earlier.to_dict()})
    return assemble(shown, [intended(plan, horizon) for plan in plans], computed, options)


def person_of(case: Case | str | Path | Mapping[str, Any]) -> Case:
    """A case, however it was named: a `Case`, a file, a text, a dict or the id of an example."""
    return named(case)


def usual_plans(case: Case) -> tuple[str, ...]:
    """What is compared when nothing is named: no treatment, injections as the signs call for, tablets."""
    signs = any(finding.what in NEUROLOGICAL and finding.severity != "none" for finding in case.findings)
    held = built_in_plans()
    return tuple(name for name in (USUAL_NEUROLOGICAL if signs else USUAL) if name in held)


def urgent_first(case: Case) -> Subject:
    """The person as a forecast shows them: a course is not read without how soon somebody must look, so that leads."""
    shown = subject(case)
    safety = tuple(Notice(code=WarningCode.SAFETY, text=sentence) for sentence in (*_sooner(case), *first_of_all(case)))
    return replace(shown, notices=(*safety, *shown.notices))


def _sooner(case: Case) -> tuple[str, ...]:
    """A red flag that calls sooner than the nerve signs do, or without any (severe anaemia)."""
    raised, pictures = flags(facts_of(case)), recognised(case)
    if not raised or (pictures and URGENCIES.index(pictures[0].urgency) <= URGENCIES.index(raised[0]["urgency"])):
        return ()
    first = raised[0]
    return (f"{first['urgency'][:1].upper()}{first['urgency'][1:]}: {first['says']} {first['do']}",)


def subject(case: Case) -> Subject:
    """The person as the answer shows them: their observations in the units of the readings, and as reported."""
    from corrin.case.world import world

    history = world(case)
    shown = readings()
    observed = tuple(
        Lab(
            reading=observation.reading,
            label=shown[observation.reading].label,
            time_days=observation.time_days,
            value=observation.value,
            unit=shown[observation.reading].unit,
            comparator=observation.comparator,
            as_reported=as_reported(case, observation.label),
        )
        for observation in history.observations
        if observation.reading in shown and observation.kind != "unmentioned"  # what nobody wrote down was not measured
    )
    notices = [Notice(code=NOTE_CODES[note.kind], text=f"{note.where}: {note.text}") for note in history.notes]
    if history.assumed:
        drawn = ". ".join(text[:1].upper() + text[1:] for text in dict.fromkeys(_words(text) for text in history.assumed))
        notices.append(Notice(code=WarningCode.ASSUMED, text=f"Not known, and drawn from ranges that rest on judgement (weak): {drawn}."))
    return Subject(case_id=case.id or "case", as_of=case.as_of, observed=observed, case=case.to_dict(), notices=tuple(notices))


def _words(about: str) -> str:
    """What a latent is about, for people: `which cause: 0 none, 1 low_intake` -> `which cause: none, low intake`."""
    return re.sub(r"\b\d ", "", about).replace("_", " ")


def intended(plan: Plan, horizon_days: float) -> Intended:
    """The plan as the answer shows it, doses counted from `as_of`."""
    from corrin.facts.reader import products

    table = products()
    doses = []
    for day, product, amount in plan.doses(max(horizon_days - plan.start_day, 0.0)):
        if day + plan.start_day > horizon_days:
            break
        row = table.get(product)
        label = f"{amount:,.0f} µg {row.name if row else product}"
        doses.append(Given(time_days=day + plan.start_day, label=label, amount_ug=amount, route=row.route if row else "unknown"))
    notes = []
    if plan.source and plan.seen != "assumed" and plan.source != "corrin-assumed":
        notes.append(f"Regimen after {plan.source}" + (" (recalled, not seen again)." if plan.seen == "recalled" else "."))
    if plan.start_day > 0:
        notes.append(f"Begins {plan.start_day:.0f} days from today.")
    return Intended(
        name=plan.name,
        title=plan.title or plan.name,
        description=plan.description or "",
        doses=tuple(doses),
        notes=tuple(notes),
        plan=plan.to_dict(),
        rules={
            number: f"Phase '{phase.name}' (rule: {phase.until.rule}; its doses are shown for {phase.until.expected_days:g} days)"
            for number, phase in enumerate(plan.all_phases)
            if phase.until is not None
        },
    )
