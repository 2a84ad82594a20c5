"""What comes back, how much and how fast? (Q6, Q7) For each tract and each symptom with a curve, what drives it, and what is not known.

What the words mean, and where the bands come from: `recovery.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corrin.answers import features as shown
from corrin.answers import recover_run as seam
from corrin.answers import recovery
from corrin.answers.assemble import input_hash, machine, versions
from corrin.answers.computed import Course, Floats
from corrin.answers.explain import readings
from corrin.answers.forecast import chosen_plans, intended, person_of, subject, usual_plans
from corrin.answers.matters import cited, statements
from corrin.answers.mimics import mimics
from corrin.answers.record import DISCLAIMER
from corrin.answers.recovery import Chance
from corrin.answers.summary import FIRST_STEP_POINTS, MONTH, SIGN, normalised, not_expected, quantiles
from corrin.body.nerve import LABELS, TRACTS
from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.settings import checked

FORMAT = "corrin.recover/1"
YEARS = 2.0
AT_MONTHS = (12, 24)
PICTURED = (0, 3, 6, 12, 24)
YOUNGER_Y = 20.0
SYMPTOMS = ("symptom_tingling", "symptom_numbness", "symptom_weakness", "symptom_gait", "symptom_vision", "symptom_cognition")
PLACES = dict.fromkeys(("foot", "hand", "motor"), "nerve") | {
    "dorsal": "cord", "lateral": "cord", "optic": "optic", "cognition": "mind",
}  # fmt: skip
"""Tract -> where its signs are told of (`features.tracts`)."""
STATE_TO_SIGN = (
    "The nerves: which share of function is missing is computed from rates that were set with published series in view, some by a fit, "
    "most by hand (docs/nerve-series.md); from what deficit a sign is found, and what a demyelinated fibre still does, nobody has "
    "measured: both are drawn."
)
RESOLVED_SHARE, RESOLVED_DRAWS = 0.1, 50.0
"""Chances are not resolved when fewer of the draws than this share, or fewer than so many, count independently: few of many are left over
from a poor search, and below 50 chance alone moves a share by ten points. The same rule in `recover` and `delay`."""
NOT_RESOLVED = "Not resolved"
FELT = "The symptoms: how much missing function is felt is an assumption; no study counted symptoms cleanly enough to fit it."


@dataclass(frozen=True)
class RecoverAnswer:
    """Plain data of the answer (`corrin.recover/1`), its text, its JSON and its figures."""

    data: Mapping[str, Any]

    @property
    def contradicted(self) -> bool:
        """True where the person's data and the model disagree (exit code 4; the answer is still given)."""
        return bool(self.data["contradiction"])

    def text(self, width: int = 110) -> str:
        """The answer in words."""
        from corrin.show.recover_text import report

        return report(self.data, width)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the plain data."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The plain data as JSON. The same answer gives the same bytes."""
        return json.dumps(rounded(self.data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def recover(
    case: Case | str | Path | Mapping[str, Any],
    plans: Sequence[Plan | str | Path | Mapping[str, Any]] | Plan | str | Path | Mapping[str, Any] | None = None,
    draws: int = 1000,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> RecoverAnswer:
    """Chances of full and partial recovery and of a deficit at 12 and 24 months, times on the way, and what drives them for this person.

    Without plans: the guideline's injections as the signs call for, and no treatment beside. What drives it is told for the first plan.
    """
    draws, seed = checked("draws", draws), checked("seed", seed)
    person = person_of(case)
    asked = plans if plans is not None and plans != [] else guideline_plans(person)
    return answered(person, chosen_plans(person, asked, YEARS), draws, seed, progress)


def guideline_plans(case: Case) -> tuple[str, ...]:
    """The guideline's injections as the signs call for; no product to set them against (where the gas is used, it is stopped in both)."""
    without = "stop-nitrous-oxide-only" if case.history.nitrous_oxide else "none"
    return (*(name for name in usual_plans(case) if name.startswith("bnf-")), without)


def answered(
    case: Case, plans: Sequence[Plan], draws: int, seed: int, progress: Callable[[str, float], None] | None = None,
    learnt: seam.Learnt | None = None,
) -> RecoverAnswer:  # fmt: skip
    """The whole answer; `learnt`: the person already learned."""
    tell = progress or (lambda what, share: None)
    held = learnt or seam.learn(case, YEARS, draws, seed, tell)
    courses = {}
    for number, plan in enumerate(plans):
        tell(f"plan {plan.name}", 0.6 + 0.2 * number / len(plans))
        courses[plan.name] = seam.taken(held, plan)
    tell("what drives it", 0.8)
    others = {
        "severity": seam.taken(held, plans[0], seam.less_hurt(held, 0.5)),
        "duration": seam.taken(held, plans[0], seam.not_so_long(held, 0.5)),
        "age": seam.taken(held, plans[0], seam.younger(held, YOUNGER_Y)),
    }
    view = View.of(held)
    shown_of = subject(case)
    findings = findings_of(case)
    inputs = {"case": case.to_dict(), "plans": [plan.to_dict() for plan in plans]}
    matter = statements(case)
    data = {
        "format": FORMAT,
        "question": "recover",
        "case": shown_of.case_id,
        "as_of": case.as_of,
        "person": {"age_y": case.age_y, "sex": case.person.sex},
        "disclaimer": DISCLAIMER,
        **findings,
        "contradiction": held.contradiction(),
        "warnings": [notice.text for notice in shown_of.notices] + view.warnings(draws),
        "today": _today(view, courses[plans[0].name]),
        "plans": [_plan(view, plan, courses[plan.name]) for plan in plans],
        "drivers": _drivers(view, plans[0], courses[plans[0].name], others),
        "matters": [*matter["own"], *matter["everybody"]],
        "b6": matter["b6"]["message"],
        "evidence": {"grade": "low", "because": [STATE_TO_SIGN, FELT]},
        "sources": {**sources_of_nerves(), **findings["sources"], **_sources_of(matter["own"], matter["sources"])},
        "made": made(view, draws, seed, inputs),
        "inputs": inputs,
    }
    tell("done", 1.0)
    return RecoverAnswer(data)


@dataclass(frozen=True)
class View:
    """What every chance needs: draws with their weights, what they are worth, and what nobody has measured."""

    learnt: seam.Learnt
    weights: Floats
    effective: float
    unmeasured: Floats

    @staticmethod
    def of(learnt: seam.Learnt) -> View:
        """From people taken through all their plans (who fails in one counts in none)."""
        from corrin.engine.draw import normals

        unknowns = learnt.unknowns()
        noise = {name: normals(learnt.seed, f"unmeasured_{name}", learnt.people.count) for name in unknowns}
        return View(learnt, learnt.weights, learnt.effective, recovery.shared(unknowns, noise))

    def chance(self, yes: Floats, weights: Floats | None = None) -> Chance | None:
        """The chance of `yes` (draws,), of the draws with `weights` where not all count alike."""
        return recovery.chance(yes, self.weights if weights is None else weights, self.effective, self.unmeasured)

    def spread(self, values: Floats, weights: Floats | None = None) -> dict[str, float]:
        """Median and the range that holds 90 of 100 draws."""
        found = quantiles(values, normalised(self.weights if weights is None else weights), (0.05, 0.5, 0.95))[:, 0]
        return {"p05": float(found[0]), "p50": float(found[1]), "p95": float(found[2])}

    def warnings(self, draws: int) -> list[str]:
        """What the numbers themselves call for."""
        found = []
        if self.effective < max(RESOLVED_SHARE * draws, RESOLVED_DRAWS):
            found.append(
                f"{NOT_RESOLVED}: only {self.effective:.0f} of {draws:,} draws count independently, so that other draws would move "
                "every chance here. Ask for more draws (--draws)."
            )
        if seam.calibration() == "stale":
            found.append("calibration: stale. The equations or the numbers under them have changed since the population was fitted.")
        return found


def rounded(value: Any) -> Any:
    """Floats to six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}") + 0.0
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


def findings_of(case: Case) -> dict[str, Any]:
    """What the findings say before any model: level, urgency, next step, what else it could be, how published people did."""
    found = mimics(case).data
    signs = shown.signs(case)
    return {
        "nerve_findings_told": any(present and sign in shown.NEUROLOGICAL for sign, present in signs.items()),
        "b12": found["b12"],
        "recognised": found["recognised"],
        "verdict": found["verdict"],
        "open_red_flags": [
            {key: item[key] for key in ("name", "test", "why")} for item in found["mimics"] if item["red_flag"] and item["status"] == "open"
        ],
        "series": found["outcomes"],
        "sources": _sources_of(found["outcomes"], found["sources"]),
    }


def _sources_of(rows: Sequence[Mapping[str, Any]], citations: Mapping[str, str]) -> dict[str, str]:
    """The citations of rows that are shown with their numbers; what is only named has them where its own command shows it."""
    return {key: citations[key] for key in sorted({key for row in rows for key in row["sources"]}, key=str.lower) if key in citations}


def sources_of_nerves() -> dict[str, str]:
    """What nerve and symptom numbers rest on."""
    from corrin.facts.reader import parameters

    names = [
        *TRACTS,
        "nerve",
        "demyelin",
        "myelin",
        "axon",
        "central_loss",
        "repair",
        "reserve_half",
        "regrowth",
        "symptom",
        "sign_threshold",
    ]
    return cited([row for row in parameters().values() if any(part in row.name for part in names)])


def made(view: View, draws: int, seed: int, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Enough to make the answer again."""
    return {
        "versions": versions(),
        "hashes": view.learnt.hashes(),
        "seed": seed,
        "draws": draws,
        "effective_sample_size": view.effective,
        "failed_people": int(view.learnt.failed.sum()),
        "certificate": view.learnt.certificate,
        "calibration": seam.calibration(),
        "input_hash": input_hash(inputs),
        "platform": machine(),
    }


def told_tracts(case: Case) -> tuple[str, ...]:
    """Tracts with a finding; all of them where no place is told."""
    told = shown.tracts(case)
    return tuple(tract for tract in TRACTS if PLACES[tract] in told) or TRACTS


def deficit(course: Course, tract: str) -> Floats:
    """Function missing (draws, times), 0..1."""
    return np.asarray(1.0 - course.values[f"function_{tract}"] / 100.0)


def _today(view: View, course: Course) -> dict[str, Any]:
    threshold = view.learnt.parameter("sign_threshold")
    case = view.learnt.case
    signs, known = shown.signs(case), told_tracts(case)
    tracts = {
        tract: {
            "label": LABELS[tract],
            "told": tract in known,
            "works": view.spread(course.values[f"function_{tract}"][:, 0]),
            "sign": _plain(view.chance((deficit(course, tract)[:, 0] > threshold).astype(float))),
        }
        for tract in TRACTS
    }
    score = course.values["score"][:, 0]
    symptoms = {
        name: {
            "label": readings()[name].label,
            "told": bool(signs.get(name.removeprefix("symptom_"))),
            "felt": _plain(view.chance(course.values[name][:, 0])),
        }
        for name in SYMPTOMS
    }
    return {
        "tracts": tracts,
        "symptoms": symptoms,
        "sign": _plain(view.chance((score >= SIGN).astype(float))),
        "score": view.spread(score),
        "days_with_signs": view.spread(view.learnt.sign_days(), view.weights * (score >= SIGN)) if (score >= SIGN).any() else None,
    }


def _plain(found: Chance | None) -> dict[str, float] | None:
    return None if found is None else found.plain()


def _plan(view: View, plan: Plan, course: Course) -> dict[str, Any]:
    times, learnt = course.time_days, view.learnt
    threshold = learnt.parameter("sign_threshold")
    shown_plan = intended(plan, YEARS * 365.25)
    tracts = {}
    for tract in TRACTS:
        missing = deficit(course, tract)
        tracts[tract] = {"label": LABELS[tract], **_tract(view, times, missing, threshold, recovery.FIRST * missing[:, 0])}
    score = course.values["score"]
    step = np.maximum(FIRST_STEP_POINTS, recovery.FIRST * score[:, 0])
    by_score = _tract(view, times, score, np.full(len(score), SIGN), step)
    known = told_tracts(learnt.case)
    worst = np.max([deficit(course, tract) for tract in known], axis=0)
    half, width = learnt.parameter("symptom_half"), learnt.parameter("symptom_width")
    symptoms = {name: {"label": readings()[name].label, **_symptom(view, course, name, half, width)} for name in SYMPTOMS}
    return {
        "name": plan.name,
        "title": shown_plan.title,
        "description": shown_plan.description,
        "notes": [*shown_plan.notes, *gas_notes(view.learnt.case, plan)],
        "doses": len(shown_plan.doses),
        "by_score": by_score,
        "every_tract": _tract(view, times, worst, threshold, recovery.FIRST * worst[:, 0]),
        "tracts": tracts,
        "symptoms": symptoms,
        "worse_at_24_months": _plain(view.chance((recovery.at(times, score, 24 * MONTH) > score[:, 0] + step).astype(float))),
        "not_expected": not_expected(times, {tract: (LABELS[tract], course.values[f"function_{tract}"]) for tract in known}, view.weights),
        "picture": {
            str(month): {tract: view.spread(recovery.at(times, course.values[f"function_{tract}"], month * MONTH)) for tract in TRACTS}
            for month in PICTURED
        },
    }


def gas_notes(case: Case, plan: Plan) -> list[str]:
    """Whether nitrous oxide goes on, where it is told of: no plan means much without saying so."""
    if not case.history.nitrous_oxide:
        return []
    return ["Nitrous oxide is stopped when the plan begins." if plan.stop_nitrous_oxide else "Nitrous oxide goes on as before."]


def _tract(view: View, times: Floats, missing: Floats, threshold: Floats, first: Floats) -> dict[str, Any]:
    """Chances and times for draws with a sign today; `missing` (draws, times), `first`: how much less is the first small step."""
    start = missing[:, 0]
    counted = view.weights * (start > threshold)
    sign = float(counted.sum() / view.weights.sum())
    if sign < recovery.COUNTED:
        return {"counted": sign, "at_months": {}, "times": {}}
    chances = {
        str(month): {
            name: _plain(view.chance(yes, counted))
            for name, yes in recovery.outcomes(start, recovery.at(times, missing, month * MONTH), threshold).items()
        }
        | {"left": view.spread(recovery.at(times, missing, month * MONTH), counted)}
        for month in AT_MONTHS
    }
    mine = counted > 0.0
    levels = recovery.levels(start, recovery.at(times, missing, 24 * MONTH), first)
    steps = {}
    for name, level in levels.items():
        found = recovery.when(times, missing[mine], counted[mine], level[mine])
        never = view.chance(1.0 - missing_reached(missing, level), counted)
        steps[name] = {**found.plain(), "never": _plain(never)}
    return {"counted": sign, "at_months": chances, "times": steps}


def missing_reached(missing: Floats, level: Floats) -> Floats:
    """Whether each draw ever reaches its level (draws,; 0 or 1)."""
    return np.asarray((missing <= level[:, None]).any(axis=1).astype(float))


def _symptom(view: View, course: Course, name: str, half: Floats, width: Floats) -> dict[str, Any]:
    felt, times = course.values[name], course.time_days
    counted = view.weights * felt[:, 0]
    if counted.sum() < recovery.COUNTED * view.weights.sum():
        return {"counted": float(counted.sum()), "at_months": {}}
    drive = recovery.driver(felt, half, width)
    return {
        "counted": float(counted.sum()),
        "at_months": {
            str(month): {
                what: _plain(view.chance(yes, counted))
                for what, yes in recovery.felt_outcomes(
                    felt[:, 0], recovery.at(times, felt, month * MONTH), drive[:, 0], recovery.at(times, drive, month * MONTH)
                ).items()
            }
            for month in AT_MONTHS
        },
    }


DRIVERS = {
    "severity": ("how badly the nerves are hurt today", "half as much damage today"),
    "duration": ("how long signs have been there", "met when signs had been there half as long"),
    "age": ("age, by slower repair", f"{YOUNGER_Y:.0f} years younger"),
}


def _drivers(view: View, plan: Plan, course: Course, others: Mapping[str, Course]) -> dict[str, Any]:
    """What the chance of no sign at 24 months hangs on: the same draws again with one thing otherwise, the largest change first."""
    start = course.values["score"][:, 0]
    counted = view.weights * (start >= SIGN)
    if counted.sum() < recovery.COUNTED:
        return {"plan": plan.name, "ranked": [], "causes": [], "as_is": None, "glucose": _glucose(view)}
    end = recovery.at(course.time_days, course.values["score"], 24 * MONTH)
    ranked: list[dict[str, Any]] = []
    for name, other in others.items():
        then = recovery.at(other.time_days, other.values["score"], 24 * MONTH)
        label, if_so = DRIVERS[name]
        ranked.append({
            "id": name,
            "label": label,
            "if": if_so,
            "no_sign": _plain(view.chance((then < SIGN).astype(float), counted)),
            "score_lower_by": view.spread(end - then, counted),
            "mean": float(normalised(counted) @ (end - then)),
        })  # fmt: skip
    ranked.sort(key=lambda item: -abs(float(item["mean"])))
    return {
        "plan": plan.name,
        "title": plan.title or plan.name,
        "as_is": _plain(view.chance((end < SIGN).astype(float), counted)),
        "score_at_24_months": view.spread(end, counted),
        "ranked": ranked,
        "causes": _causes(view, counted, end),
        "glucose": _glucose(view),
    }


def _causes(view: View, counted: Floats, end: Floats) -> list[dict[str, Any]]:
    """The chance of no sign at 24 months among the draws of each cause that is likely enough to tell."""
    found = view.learnt.cause()
    if found is None:
        return []
    names, which = found
    rows: list[dict[str, Any]] = []
    for level, (name, words) in enumerate(names):
        mine = counted * (which == level)
        share = float(mine.sum() / counted.sum())
        if share >= recovery.COUNTED:
            rows.append({"id": name, "label": words, "share": share, "no_sign": _plain(view.chance((end < SIGN).astype(float), mine))})
    return sorted(rows, key=lambda row: -row["share"])


def _glucose(view: View) -> dict[str, Any]:
    """What glucose has taken from conduction so far: B12 does not give it back, and it stands beside the function shown."""
    return {"slowed_m_per_s": view.spread(view.learnt.pool("slowed_by_glucose"))}
