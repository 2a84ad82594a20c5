"""What does waiting cost? (Q8) The same plan begun later: recovery and symptoms against the delay, for the same drawn people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corrin.answers import features as shown
from corrin.answers import recover_run as seam
from corrin.answers import recovery
from corrin.answers.computed import Course, Floats
from corrin.answers.explain import readings
from corrin.answers.forecast import chosen_plans, intended, person_of, subject
from corrin.answers.record import DISCLAIMER
from corrin.answers.recover import (
    FELT,
    STATE_TO_SIGN,
    SYMPTOMS,
    View,
    deficit,
    findings_of,
    gas_notes,
    guideline_plans,
    made,
    rounded,
    sources_of_nerves,
    told_tracts,
)
from corrin.answers.summary import MONTH, SIGN
from corrin.body.nerve import LABELS, TRACTS
from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.errors import InputError, expect_all
from corrin.settings import checked

FORMAT = "corrin.delay/1"
MONTHS = (0.0, 1.0, 3.0, 6.0, 12.0)
MOST_MONTHS, MOST_DELAYS = 60.0, 12
FOLLOWED = 12.0
"""Months after the latest start that are still looked at."""
LEAST_HORIZON = 24.0
"""Everybody is compared on one day, this many months from today or later."""


@dataclass(frozen=True)
class DelayAnswer:
    """Plain data of the answer (`corrin.delay/1`), its text, its JSON and its figure."""

    data: Mapping[str, Any]

    @property
    def contradicted(self) -> bool:
        """True where the person's data and the model disagree (exit code 4; the answer is still given)."""
        return bool(self.data["contradiction"])

    def text(self, width: int = 110) -> str:
        """The answer in words."""
        from corrin.show.delay_text import report

        return report(self.data, width)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the plain data."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The plain data as JSON. The same answer gives the same bytes."""
        return json.dumps(rounded(self.data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def delay(
    case: Case | str | Path | Mapping[str, Any],
    plan: Plan | str | Path | Mapping[str, Any] | None = None,
    months: Sequence[float] = MONTHS,
    draws: int = 1000,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> DelayAnswer:
    """The plan begun after each of `months`, beside the plan begun at once. Without a plan: the guideline's injections."""
    draws, seed = checked("draws", draws), checked("seed", seed)
    waits = checked_months(months)
    person = person_of(case)
    return answered(person, begun(person, plan, waits), waits, draws, seed, progress)


def checked_months(months: Sequence[float]) -> tuple[float, ...]:
    """Delays in rising order, 0 first. Raises `InputError` for one that cannot be meant."""
    expect_all(months, (int, float), "--months", "months to wait, such as 0, 3 and 12")
    for month in months:
        if not 0.0 <= month <= MOST_MONTHS:
            raise InputError("--months", f"{month:g}", f"0 to {MOST_MONTHS:g} months")
    waits = tuple(sorted({0.0, *(float(month) for month in months)}))
    if len(waits) > MOST_DELAYS:
        raise InputError("--months", f"{len(waits)} delays", f"at most {MOST_DELAYS}")
    return waits


def begun(case: Case, plan: Plan | str | Path | Mapping[str, Any] | None, waits: Sequence[float]) -> list[Plan]:
    """The plan begun after each delay; a plan's own start counts as the first. Raises `InputError` for one that begins nothing."""
    base = chosen_plans(case, plan if plan is not None else guideline_plans(case)[0], horizon(waits) / 12.0)[0]
    if not _begins(case, base):
        cure = f"For this person, for example, --plan {guideline_plans(case)[0]}; `corrin forecast` shows the course without treatment."
        raise InputError(
            "--plan", f"{base.name} begins nothing, so there is nothing to delay", "a plan that gives or changes something", cure
        )
    return [base.model_copy(update={"start_day": base.start_day + wait * MONTH}) for wait in waits]


def _begins(case: Case, plan: Plan) -> bool:
    """Whether anything happens on the first day of a plan or after it: a dose, another diet, a drug, the end of the gas."""
    gas = plan.stop_nitrous_oxide and bool(case.history.nitrous_oxide)
    return gas or bool(plan.diet or plan.start_drugs or plan.stop_drugs) or any(phase.steps for phase in plan.all_phases)


def horizon(waits: Sequence[float]) -> float:
    """Months from today on which everybody is compared."""
    return max(LEAST_HORIZON, waits[-1] + FOLLOWED)


def answered(
    case: Case, plans: Sequence[Plan], waits: Sequence[float], draws: int, seed: int,
    progress: Callable[[str, float], None] | None = None, learnt: seam.Learnt | None = None,
) -> DelayAnswer:  # fmt: skip
    """The whole answer; `learnt`: the person already learned, with a horizon of `horizon(waits)` months."""
    tell = progress or (lambda what, share: None)
    end = horizon(waits)
    held = learnt or seam.learn(case, end / 12.0, draws, seed, tell)
    courses = []
    for number, (plan, wait) in enumerate(zip(plans, waits, strict=True)):
        tell(f"begun after {wait:g} months", 0.6 + 0.38 * number / len(plans))
        courses.append(seam.taken(held, plan))
    view = View.of(held)
    findings = findings_of(case)
    shown_of, shown_plan = subject(case), intended(plans[0], end * MONTH)
    inputs = {"case": case.to_dict(), "plan": plans[0].to_dict(), "months": list(waits)}
    tell("done", 1.0)
    return DelayAnswer({
        "format": FORMAT,
        "question": "delay",
        "case": shown_of.case_id,
        "as_of": case.as_of,
        "person": {"age_y": case.age_y, "sex": case.person.sex},
        "disclaimer": DISCLAIMER,
        **findings,
        "contradiction": held.contradiction(),
        "warnings": [notice.text for notice in shown_of.notices] + view.warnings(draws),
        "plan": {
            "name": plans[0].name, "title": shown_plan.title, "description": shown_plan.description,
            "notes": [note for note in shown_plan.notes if not note.startswith("Begins ")] + gas_notes(case, plans[0]),
        },
        "compared_at_months": end,
        "after_start_months": FOLLOWED,
        "today": _today(view, courses[0]),
        "delays": [_delay(view, wait, course, courses[0], end) for wait, course in zip(waits, courses, strict=True)],
        "evidence": {"grade": "low", "because": [STATE_TO_SIGN, FELT]},
        "sources": {**sources_of_nerves(), **findings["sources"]},
        "made": made(view, draws, seed, inputs),
        "inputs": inputs,
    })  # fmt: skip


def _plain(view: View, yes: Floats, weights: Floats | None = None) -> dict[str, float] | None:
    found = view.chance(yes, weights)
    return None if found is None else found.plain()


def _today(view: View, course: Course) -> dict[str, Any]:
    score = course.values["score"][:, 0]
    return {"score": view.spread(score), "sign": _plain(view, (score >= SIGN).astype(float))}


def _delay(view: View, wait: float, course: Course, at_once: Course, end: float) -> dict[str, Any]:
    """One delay: the state when treatment begins, at the day all are compared, and so long after the start."""
    times, score = course.time_days, course.values["score"]
    start, last = score[:, 0], recovery.at(times, score, end * MONTH)
    best = recovery.at(at_once.time_days, at_once.values["score"], end * MONTH)
    begin, later = recovery.at(times, score, wait * MONTH), recovery.at(times, score, (wait + FOLLOWED) * MONTH)
    counted = view.weights * (start >= SIGN)
    some = float(counted.sum()) >= recovery.COUNTED
    known, signs = told_tracts(view.learnt.case), shown.signs(view.learnt.case)
    tracts = {}
    for tract in TRACTS:
        missing = recovery.at(times, deficit(course, tract), end * MONTH)
        first = recovery.at(at_once.time_days, deficit(at_once, tract), end * MONTH)
        tracts[tract] = {
            "label": LABELS[tract],
            "told": tract in known,
            "missing": view.spread(100.0 * missing),
            "more_missing": view.spread(100.0 * (missing - first)),
        }
    return {
        "months": wait,
        "score_when_begun": view.spread(begin),
        "score": view.spread(last),
        "score_more": view.spread(last - best),
        "score_after_start": view.spread(later),
        "no_sign": _plain(view, (last < SIGN).astype(float), counted) if some else None,
        "no_sign_after_start": _plain(view, (later < SIGN).astype(float), counted) if some else None,
        "sign": _plain(view, (last >= SIGN).astype(float)),
        "tracts": tracts,
        "symptoms": {
            name: {
                "label": readings()[name].label,
                "told": bool(signs.get(name.removeprefix("symptom_"))),
                "felt": _plain(view, recovery.at(times, course.values[name], end * MONTH)),
            }
            for name in SYMPTOMS
        },
    }
