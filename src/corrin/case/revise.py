"""A case with newer results: what was added, and day 0 moved to them where they are later.

A result dated after `as_of` makes its day the new `as_of`. Then everything that was "today" is dated (a result without a date was of the
old `as_of`), times told from `as_of` are told from the new one, the person is older by so much, and the case's own treatments that began
since become history. What was going on and has no end goes on. `observed` stays what it was: kept for comparison, never read.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corrin.case.case import Case, Finding, Lab
from corrin.case.dates import parse_when
from corrin.case.exposures import life_stages
from corrin.case.plan import MAX_DOSES, Plan
from corrin.case.reader import read_case
from corrin.errors import InputError

MOMENTS = {"from", "to", "last_use", "date", "day", "pregnancy_from", "pregnancy_to"}
FURTHEST_Y = 20.0
"""A result further after `as_of` than this has a wrong date."""


@dataclass(frozen=True)
class Revised:
    """`case` holds what was added, `earlier` is the same at the same day without it; `moved_days` how far `as_of` moved."""

    case: Case
    earlier: Case
    moved_days: float
    added: tuple[str, ...]
    """Places of what was added: `labs[3]`."""


def revise(
    case: Case,
    labs: Sequence[Lab | Mapping[str, Any]] = (),
    findings: Sequence[Finding | Mapping[str, Any]] = (),
    followed: Plan | None = None,
) -> Revised:
    """Add results and findings. `followed`: the plan that was carried out from the old `as_of` on, where the case does not say it."""
    if not labs and not findings:
        raise InputError("update", "nothing to add", "at least one result or finding")
    new_labs, new_findings = [_plain(lab) for lab in labs], [_plain(finding) for finding in findings]
    days = [
        _day(case, entry, f"{kind}: {_name(entry)}") for kind, held in (("result", new_labs), ("finding", new_findings)) for entry in held
    ]
    later = math.ceil(max([0.0, *days]) - 1e-9)
    if later > FURTHEST_Y * 365.25:
        raise InputError("date", f"{later / 365.25:.0f} years after as_of ({case.as_of})", f"at most {FURTHEST_Y:.0f} years")
    document = case.to_dict()
    if followed is not None:
        _follow(case, document, followed, later)
    earlier = _moved(case, document, later)
    now = dict(earlier)
    now["labs"] = [*earlier.get("labs", []), *(_at(case, entry, later) for entry in new_labs)]
    now["findings"] = [*earlier.get("findings", []), *(_at(case, entry, later) for entry in new_findings)]
    added = [f"labs[{len(case.labs) + number}]" for number in range(len(new_labs))]
    added += [f"findings[{len(case.findings) + number}]" for number in range(len(new_findings))]
    return Revised(read_case(now), read_case(earlier), float(later), tuple(added))


def _plain(entry: Lab | Finding | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(entry, (Lab, Finding)):
        return entry.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dict(entry)


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("analyte") or entry.get("what") or "?")[:60]


def _day(case: Case, entry: Mapping[str, Any], where: str) -> float:
    when = entry.get("date")
    if when is None or not isinstance(when, str):
        return 0.0  # another type is a fault that reading the case will name
    try:
        return parse_when(when, case.calendar).day
    except InputError as error:
        raise InputError(where, error.found, error.expected, error.cure) from None


def _at(case: Case, entry: dict[str, Any], later: int) -> dict[str, Any]:
    """A new entry, dated from the new day 0."""
    return {**entry, "date": _shifted(entry.get("date") or "0", later)} if later else entry


def _shifted(when: str, later: int) -> str:
    """A time told from the old `as_of`, told from the new one; a calendar date stays."""
    try:
        day = parse_when(when, None).day - later
    except InputError:  # what cannot be read without a calendar is a date of it
        return when
    return "0" if day == 0.0 else f"{'~' if when.startswith('~') else ''}{day:+.10g}d"


def _moved(case: Case, document: dict[str, Any], later: int) -> dict[str, Any]:
    """The case as of so many days later, nothing added."""
    if not later:
        return document
    then = "0"  # the old as_of, before it is shifted with the rest
    for name in ("labs", "findings"):
        document[name] = [{"date": then, **entry} for entry in document.get(name, [])]
    document["treatments"] = [{"from": then, **entry} for entry in document.get("treatments", [])]
    person = dict(document["person"])
    conceived = [day for day, target, _ in life_stages(case) if target == "pregnancy"]
    if conceived and "pregnancy_from" not in person:
        birth = next(day for day, target, value in life_stages(case) if target == "pregnancy" and value == 0.0)
        start = birth if person["pregnancy"] == "breastfeeding" else conceived[0]
        person["pregnancy_from"] = "0" if start == 0.0 else f"{start:+g}d"
    if "age_y" in person:
        person["age_y"] = round(person["age_y"] + later / 365.25, 4)
    document["person"] = person
    history = dict(document.get("history", {}))
    history["nitrous_oxide"] = [
        {"from": "-1d", **entry} if entry["pattern"] == "single" and not {"from", "last_use", "to"} & entry.keys() else entry
        for entry in history.get("nitrous_oxide", [])
    ]
    document["history"] = {name: entries for name, entries in history.items() if entries}
    shifted = {key: _walk(value, later) for key, value in document.items() if key != "as_of"}
    calendar = case.calendar
    as_of = case.as_of if calendar is None else (calendar + datetime.timedelta(days=later)).isoformat()
    return {**shifted, "as_of": as_of}


def _walk(value: Any, later: int, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _walk(item, later, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_shifted(item, later) if key == "days" and isinstance(item, str) else _walk(item, later) for item in value]
    return _shifted(value, later) if key in MOMENTS and isinstance(value, str) else value


def _follow(case: Case, document: dict[str, Any], plan: Plan, later: int) -> None:
    """Write a plan's doses up to the new day 0 as treatments given since the old one."""
    if not later:
        raise InputError("followed", f"plan {plan.name}, while no result is later than as_of ({case.as_of})", "a result after as_of",
                         "Treatment before as_of stands in history.past_b12 of the case.")  # fmt: skip
    if plan.start_drugs or plan.stop_drugs or plan.diet is not None:
        raise InputError("followed", f"plan {plan.name} changes drugs or diet", "a plan that gives B12 only",
                         "Write such changes into the history of the case.")  # fmt: skip
    if any(case.day(given.from_, 0.0) >= 0.0 for given in case.treatments):
        raise InputError("followed", "a plan, while the case's own treatments say what was given since", "one of the two")
    length = max(0.0, later - plan.start_day)
    if plan.most_doses(length) > MAX_DOSES:
        raise InputError("followed", f"up to {plan.most_doses(length):,} doses of plan {plan.name}", f"at most {MAX_DOSES:,}")
    given: dict[tuple[str, float], list[float]] = {}
    for day, product, amount in plan.doses(length):
        given.setdefault((product, amount), []).append(day + plan.start_day)
    taken = {} if plan.adherence is None else {"adherence": plan.adherence}
    entries = [
        {"product": product, "dose_ug": amount, "from": f"+{days[0]:.10g}d", "days": [f"+{day:.10g}d" for day in days], **taken}
        for (product, amount), days in given.items()
    ]
    begins = f"+{plan.start_day:g}d"
    if plan.replaces_treatment:
        history = dict(document.get("history", {}))
        if "past_b12" in history:
            open_ended = [not {"to", "count", "days"} & entry.keys() for entry in history["past_b12"]]
            history["past_b12"] = [
                {**entry, "to": begins} if is_open else entry for entry, is_open in zip(history["past_b12"], open_ended, strict=True)
            ]
            document["history"] = history
    if plan.stop_nitrous_oxide and document.get("history", {}).get("nitrous_oxide"):
        history = dict(document["history"])
        history["nitrous_oxide"] = [
            entry if entry["pattern"] == "single" or {"to", "last_use"} & entry.keys() else {**entry, "to": begins}
            for entry in history["nitrous_oxide"]
        ]
        document["history"] = history
    document["treatments"] = [*document.get("treatments", []), *entries]
