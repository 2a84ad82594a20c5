"""Will it help the pain? (Q9) Which trialled condition fits this person, and what trials found, against placebo and other pain relievers.

Published measures stand as published; differences and numbers needed are arithmetic on them and say how they were reached. Only the gap
between an arm and its own control is ever credited to a treatment: what an arm on placebo does belongs to placebo. Without deficiency the
default effect of B12 on pain is zero. No engine is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corrin.answers import features as shown
from corrin.answers.examples import named
from corrin.answers.matters import BACK, b6_message, b6_sum, cited
from corrin.answers.pain_numbers import Estimate, Z, mean_difference, number_needed, share_difference, t_quantile
from corrin.answers.provenance import at_once
from corrin.answers.recognise import recognised
from corrin.case.case import Case
from corrin.case.known import near
from corrin.errors import InputError, expect
from corrin.facts import pain as tables
from corrin.facts.pain import PainMeasure

if TYPE_CHECKING:
    from corrin.facts.rows import _Cited

FORMAT = "corrin.pain/1"
DISCLAIMER = "For education and research; not a medical device and no prescription. Start, change or stop no medicine from this page."
ZERO = "expected effect of B12 on this pain: none (zero points of 10) until a trial shows otherwise"
# Where pain relievers were tried, when not in the condition itself, and where their side effects were counted.
COMPARED_IN = {
    "deficiency": "diabetic",
    "diabetic_deficient": "diabetic",
    "back_chronic_nsaid": "back_chronic",
    "back_acute": "back_chronic",
    "herpetic_subacute": "postherpetic",
}
COUNTED_IN = "diabetic"
TRIED_IN = {"diabetic": "painful diabetic neuropathy", "back_chronic": "chronic low back pain", "postherpetic": "post-herpetic neuralgia"}
CHRONIC_D, ACUTE_D, HERPETIC_D = 84.0, 42.0, 90.0
"""Days that part acute (6 weeks), chronic (12 weeks) back pain and subacute from later pain after shingles (3 months), as trials do."""
SHINGLES = ("zoster", "shingles", "herpetic", "herpes")
NSAID = ("nsaid", "ibuprofen", "diclofenac", "naproxen", "celecoxib", "etoricoxib", "meloxicam", "ketoprofen", "pain reliever")
FITS = ("fits", "may fit", "does not fit")


@dataclass(frozen=True, slots=True)
class ConditionFit:
    """Whether one trialled condition is this person's, what speaks for and against it, and what would tell."""

    condition: str
    fit: str
    speaks_for: tuple[str, ...]
    against: tuple[str, ...]
    missing: tuple[str, ...]


def condition_fits(case: Case) -> tuple[ConditionFit, ...]:
    """Every trialled condition against this case, the best fitting first."""
    there = shown.signs(case)
    picture = shown.b12_picture(case)
    sugar, since = shown.diabetes(case), _pain_days(case)
    neuralgia = [shown.words(sign) for sign in ("pain", "tingling", "numbness") if there.get(sign)]
    back, shingles, reliever = shown.told(case, *BACK), shown.told(case, *SHINGLES), shown.told(case, *NSAID)
    lacking = picture.kind in ("lacking", "blocked")
    found = [_deficiency(picture, neuralgia)]
    found += [_diabetic(name, picture, neuralgia, sugar, shown.on_drug(case, "metformin")) for name in ("diabetic_deficient", "diabetic")]
    found += [_back(name, back, reliever, since) for name in ("back_chronic", "back_chronic_nsaid", "back_acute")]
    found += [_shingles(name, shingles, since) for name in ("herpetic_subacute", "postherpetic")]
    first = {"deficiency": 0} if lacking else {}
    return tuple(sorted(found, key=lambda item: (FITS.index(item.fit), first.get(item.condition, 1))))


def _pain_days(case: Case) -> float | None:
    """Days since pain (else the first nerve sign) began."""
    days = [case.day(finding.date) for finding in case.findings if finding.what == "pain" and finding.date and finding.severity != "none"]
    first = min(days) if days else shown.first_sign_day(case)
    return None if first is None else -first


def _deficiency(picture: shown.Picture, neuralgia: list[str]) -> ConditionFit:
    lacking = picture.kind in ("lacking", "blocked")
    fit = "fits" if lacking and neuralgia else "may fit" if neuralgia and picture.kind != "enough" else "does not fit"
    speaks = (*neuralgia, *(picture.because if lacking else ()))
    against = [] if neuralgia else ["no pain, tingling or numbness is told"]
    against += picture.because if picture.kind == "enough" else ()
    missing = ("serum B12 with methylmalonic acid",) if picture.kind in ("not tested", "uncertain") else ()
    return ConditionFit("deficiency", fit, speaks, tuple(against), missing)


def _diabetic(name: str, picture: shown.Picture, neuralgia: list[str], sugar: bool | None, metformin: bool) -> ConditionFit:
    speaks = [*neuralgia, *(["diabetes"] if sugar else []), *(["metformin"] if metformin else [])]
    missing = [] if sugar is not None or metformin else ["glucose or HbA1c"]
    if picture.kind in ("not tested", "uncertain"):
        missing.append("serum B12 with methylmalonic acid")
    wanted = {"diabetic_deficient": ("lacking", "blocked"), "diabetic": ("enough",)}[name]
    against = () if neuralgia else ("no pain, tingling or numbness is told",)
    if not neuralgia or not (sugar or metformin):
        return ConditionFit(
            name, "does not fit", tuple(speaks), (*against, *(() if sugar or metformin else ("no diabetes is told",))), tuple(missing)
        )
    if picture.kind in wanted:
        return ConditionFit(name, "fits", (*speaks, *picture.because), (), tuple(missing))
    if picture.kind in ("not tested", "uncertain"):
        return ConditionFit(name, "may fit", tuple(speaks), (), tuple(missing))
    return ConditionFit(name, "does not fit", tuple(speaks), picture.because, tuple(missing))


def _back(name: str, back: str | None, reliever: str | None, since: float | None) -> ConditionFit:
    if back is None:
        return ConditionFit(name, "does not fit", (), ("no back pain is told",), ())
    missing = () if since is not None else ("since when",)
    if name == "back_acute":
        fit = "may fit" if since is None else "fits" if since <= ACUTE_D else "does not fit"
    else:
        fit = "may fit" if since is None else "fits" if since >= CHRONIC_D else "does not fit"
        if name == "back_chronic_nsaid" and reliever is None:
            fit = "does not fit"
    speaks = (back, *((f"beside {reliever}",) if reliever and name == "back_chronic_nsaid" else ()))
    return ConditionFit(name, fit, speaks, (), missing)


def _shingles(name: str, shingles: str | None, since: float | None) -> ConditionFit:
    if shingles is None:
        return ConditionFit(name, "does not fit", (), ("no shingles is told",), ())
    early = since is not None and since <= HERPETIC_D
    fit = "may fit" if since is None else "fits" if early == (name == "herpetic_subacute") else "does not fit"
    return ConditionFit(name, fit, (shingles,), (), () if since is not None else ("since when",))


# --- measures ----------------------------------------------------------------------------------------------------------------


def implied_difference(row: PainMeasure) -> Estimate | None:
    """Treated minus control from the published arms, with its interval where spreads or sizes allow; None without a control arm."""
    if row.treated is None or row.controlled is None:
        return None
    if row.statistic == "share":
        sizes = arm_sizes(row)
        if sizes is None:
            return Estimate(row.treated - row.controlled, None, None, "no interval: the arms' sizes were not read", "")
        found = share_difference(row.treated, row.controlled, *sizes)
        halved = "; only the total was read, arms taken as equal" if row.treated_n is None else ""
        return Estimate(found.value, found.low, found.high, found.method + halved, found.arithmetic)
    treated, controlled = row.treated, row.controlled
    start = ""
    if (
        row.statistic == "mean"
        and row.treated_start is not None
        and row.control_start is not None
        and row.treated_start != row.control_start
    ):
        treated, controlled = row.treated - row.treated_start, row.controlled - row.control_start
        start = f"changes from {row.treated_start:g} and {row.control_start:g}: "
    if row.treated_spread is not None and row.control_spread is not None:
        found = mean_difference(treated, controlled, row.treated_spread, row.control_spread, row.spread_kind, row.treated_n, row.control_n)
        return Estimate(found.value, found.low, found.high, found.method, start + found.arithmetic)
    value = treated - controlled
    return Estimate(
        value, None, None, "no interval: the arms' spreads were not read", f"{start}{treated:.3g} − ({controlled:.3g}) = {value:+.2f}"
    )


def arm_sizes(row: PainMeasure) -> tuple[float, float] | None:
    """People in the treated and the control arm; half of the total each where only that was read."""
    if row.treated_n is not None and row.control_n is not None:
        return row.treated_n, row.control_n
    return (row.total_n / 2.0, row.total_n / 2.0) if row.total_n is not None else None


def implied_number_needed(row: PainMeasure) -> Estimate | None:
    """Number needed to treat (benefit) or to harm from published shares or from a published difference per 1000."""
    sign = -1.0 if row.aim == "benefit" and row.direction == "lower" else 1.0
    if row.published_kind == "per 1000" and row.published:
        return Estimate(
            1000.0 / row.published, None, None, "no interval was read", f"1000 / {row.published:g} = {1000.0 / row.published:.1f}"
        )
    found = implied_difference(row) if row.statistic == "share" else None
    if found is None or found.low is None or found.high is None:
        return None
    low, high = sorted((sign * found.low, sign * found.high))
    return number_needed(Estimate(sign * found.value, low, high, found.method, found.arithmetic))


def measure_data(row: PainMeasure) -> dict[str, Any]:
    """A measure as plain data, with what follows from it."""
    treatment = tables.treatments()[row.treatment]
    data = {
        "id": row.id, "treatment": treatment.name, "kind": treatment.kind, "control": row.control, "control_kind": row.control_kind,
        "differs": row.differs, "outcome": row.outcome, "aim": row.aim, "statistic": row.statistic, "unit": row.unit,
        "direction": row.direction, "time_days": row.time_days, "treated": row.treated, "controlled": row.controlled,
        "treated_start": row.treated_start, "people": row.total_n or sum(n for n in (row.treated_n, row.control_n) if n),
        "published": None if not row.published_kind else {"kind": row.published_kind, "value": row.published, "low": row.published_low,
                                                          "high": row.published_high, "words": row.words},
        "credited_to_b12": credited_to_b12(row), "seen": row.seen, "note": row.note,
        "sources": [key for key in row.sources if key != "corrin-assumed"],
    }  # fmt: skip
    difference, needed = implied_difference(row), implied_number_needed(row)
    data["difference"] = None if difference is None else asdict(difference)
    data["number_needed"] = None if needed is None else asdict(needed)
    return data


def credited_to_b12(row: PainMeasure) -> str:
    """What of a measure may be put down to B12: a difference from placebo only, and only where B12 alone differs between the arms."""
    kind = tables.treatments()[row.treatment].kind
    if kind == "comparator":
        return "nothing: no B12 in it"
    if row.control_kind == "none":
        return "nothing: no arm without it, and people on placebo improve too"
    if kind == "b vitamins":
        return "nothing: several vitamins differ between the arms"
    if row.control_kind == "active":
        return "nothing of its own: the other arm was treated too"
    return "the difference from placebo, and nothing of what placebo did"


def courses(condition: str) -> list[dict[str, Any]]:
    """Change of pain from its start (points of 10) over time, for each arm that a trial of this condition measured.

    Only start and end were measured. `low` and `high`: 95 % interval of the mean, where the trial gives the spread of the change.
    """
    found = []
    for row in tables.measures():
        if row.condition != condition or row.time_days is None or row.statistic not in ("mean", "change") or not row.unit.endswith("of 10"):
            continue
        own = tables.treatments()[row.treatment]
        arms = (
            (row.treated, row.treated_start, row.treated_spread, row.treated_n, own.name, own.kind, ""),
            (row.controlled, row.control_start, row.control_spread, row.control_n, row.control, f"control: {row.control_kind}", own.name),
        )
        for value, start, spread, people, arm, kind, beside in arms:
            if value is None or (row.statistic == "mean" and start is None):
                continue
            change = value - start if row.statistic == "mean" and start is not None else value
            half = _half_width(row, spread, people)
            low, high = (None, None) if half is None else (change - half, change + half)
            found.append(
                {
                    "arm": arm,
                    "kind": kind,
                    "beside": beside,
                    "dose": row.differs if not beside and row.control_kind != "none" else "",
                    "source": row.sources[0],
                    "time_days": row.time_days,
                    "change": change,
                    "low": low,
                    "high": high,
                }
            )
    unique: dict[tuple[Any, ...], dict[str, Any]] = {}
    for course in found:
        unique.setdefault((course["arm"], course["source"], course["change"], course["time_days"]), course)
    return list(unique.values())


def _half_width(row: PainMeasure, spread: float | None, people: float | None) -> float | None:
    if row.statistic != "change" or spread is None:
        return None
    if row.spread_kind == "SE":
        return Z * spread
    return None if people is None else float(t_quantile(people - 1) * spread / people**0.5)


# --- the answer --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PainAnswer:
    """Plain data of the answer (`corrin.pain/1`), its text, its figure and its JSON."""

    data: Mapping[str, Any]

    def text(self, width: int = 110) -> str:
        """The answer in words."""
        from corrin.show.pain_text import report

        return report(self.data, width)

    def chart(self) -> dict[str, Any]:
        """The course of pain as a Vega-Lite specification. Raises `InputError` where no trial measured a course."""
        from corrin.show.pain_charts import chart

        return chart(self.data)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the plain data."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The plain data as JSON."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) + "\n"


def pain(case: Case | str | Path | Mapping[str, Any], condition: str | None = None) -> PainAnswer:
    """What is known of B12 and other treatments for this person's pain. `condition`: look at this trialled condition instead.

    Raises `InputError` for an unknown condition.
    """
    case = named(case)
    expect(condition, (str, type(None)), "condition", ", ".join(tables.CONDITIONS))
    if condition is not None and condition not in tables.CONDITIONS:
        close = near(condition, {name: name for name in tables.CONDITIONS})
        cure = f"Did you mean {' or '.join(close)}?" if close else ""
        raise InputError("condition", ascii(condition)[:60], ", ".join(tables.CONDITIONS), cure)
    found = condition_fits(case)
    chosen = [condition] if condition else _chosen(found)
    picture = shown.b12_picture(case)
    sections = [_section(name, picture) for name in chosen]
    used: list[_Cited] = [row for name in chosen for row in _rows(name)]
    total = b6_sum(case)
    since = _pain_days(case)
    urgent = [item for item in recognised(case) if item.urgency in ("emergency", "same day")]
    return PainAnswer(
        {
            "format": FORMAT,
            "case": case.id,
            "person": {"age_y": case.age_y, "sex": case.person.sex, "pain": shown.signs(case).get("pain"), "since_days": since},
            "b12": {"kind": picture.kind, "because": list(picture.because)},
            "urgent": [{"name": item.name, "urgency": item.urgency, "next_step": item.next_step} for item in urgent],
            "asked": condition,
            "fits": [asdict(item) | {"name": tables.conditions()[item.condition].name} for item in found],
            "conditions": sections,
            "b6": b6_message(case, total) if total.parts else "",
            "disclaimer": DISCLAIMER,
            "sources": cited(used),
            **at_once({"case": case.to_dict()}, {"condition": condition}),
        }
    )


def _chosen(found: tuple[ConditionFit, ...]) -> list[str]:
    for wanted in FITS[:2]:
        if names := [item.condition for item in found if item.fit == wanted]:
            return names
    return []


def _rows(name: str) -> list[_Cited]:
    rows = [*_own(name), *_elsewhere(name)]
    used = {row.treatment for row in rows}
    return [tables.conditions()[name], *rows, *(tables.treatments()[key] for key in sorted(used)), *_judged(name)]


def _own(name: str) -> list[PainMeasure]:
    return [row for row in tables.measures() if row.condition == name]


def _elsewhere(name: str) -> list[PainMeasure]:
    """Pain relievers tried in a like condition, and side effects counted in another."""
    other = COMPARED_IN.get(name)
    compared = [row for row in tables.measures() if row.condition == other and _is_comparator(row)]
    shown_already = {row.treatment for row in [*_own(name), *compared] if row.aim == "harm"}
    used = {row.treatment for row in [*_own(name), *compared] if _is_comparator(row)} - shown_already
    return compared + [row for row in tables.measures() if row.condition == COUNTED_IN and row.aim == "harm" and row.treatment in used]


def _judged(name: str) -> list[tables.Certainty]:
    return [row for row in tables.certainties() if row.condition == name or
            (row.condition == COMPARED_IN.get(name) and tables.treatments()[row.treatment].kind == "comparator")]  # fmt: skip


def _is_comparator(row: PainMeasure) -> bool:
    return tables.treatments()[row.treatment].kind == "comparator"


def _section(name: str, picture: shown.Picture) -> dict[str, Any]:
    row, own, other = tables.conditions()[name], _own(name), _elsewhere(name)
    lacking = picture.kind in ("lacking", "blocked")
    if name in COMPARED_IN:
        elsewhere = f"What pain relievers did in {TRIED_IN[COMPARED_IN[name]]} (not tried in this condition as far as read)"
    else:
        elsewhere = f"Side effects counted in {TRIED_IN[COUNTED_IN]}"
    return {
        "condition": name,
        "name": row.name,
        "trialled_in": row.trialled_in,
        "b12_says": row.b12_says,
        "effect_points_of_10": expected_effect(name),
        "effect_words": ZERO if row.without_deficiency else "not a number: no trial measured it in points",
        "also_deficient": lacking and row.without_deficiency,
        "mechanism": row.mechanism,
        "time_scale": row.time_scale,
        "not_known": list(row.not_known),
        "measures": [measure_data(item) for item in own],
        "elsewhere": elsewhere if other else "",
        "measures_elsewhere": [measure_data(item) for item in other],
        "treatments": [_treatment(item) for item in _treatments_of([*own, *other])],
        "certainty": [_certainty(item, name) for item in _judged(name)],
        "courses": courses(name) or courses(COMPARED_IN.get(name, "")),
        "courses_in": "" if courses(name) or name not in COMPARED_IN else TRIED_IN[COMPARED_IN[name]],
    }


def expected_effect(condition: str) -> float | None:
    """Points of 10 by which B12 is expected to lower pain beyond placebo: 0 without deficiency, None (no number) where deficiency is it."""
    return 0.0 if tables.conditions()[condition].without_deficiency else None


def _treatments_of(rows: list[PainMeasure]) -> list[tables.PainTreatment]:
    return [tables.treatments()[key] for key in dict.fromkeys(row.treatment for row in rows)]


def _treatment(row: tables.PainTreatment) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "kind": row.kind, "onset": row.onset, "side_effects": row.side_effects, "seen": row.seen}


def _certainty(row: tables.Certainty, condition: str) -> dict[str, Any]:
    return {
        "treatment": tables.treatments()[row.treatment].name,
        "judged_in": "" if row.condition == condition else TRIED_IN[row.condition],
        "grade": row.grade,
        "published": row.published,
        "start": row.start,
        "trials": row.trials,
        "people": row.people,
        "reasons": list(row.reasons),
        "sources": [key for key in row.sources if key != "corrin-assumed"],
    }
