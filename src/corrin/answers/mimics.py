"""What else could it be? (Q17) How well the findings fit B12 and its companions, which mimics stay open, and the test that tells.

No probabilities: what is seen is counted against what each cause is expected to show (`facts/patterns.csv`), and the counts are shown.
B12 is called the explanation only when it fits, nothing else fits as well, and every mimic that is a red flag here is excluded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from corrin.answers import features as shown
from corrin.answers.examples import named
from corrin.answers.matters import b6_sum, cited
from corrin.answers.pain_numbers import wilson
from corrin.answers.provenance import at_once
from corrin.answers.recognise import outcome_rows, recognised
from corrin.case.case import Case
from corrin.case.known import near
from corrin.errors import InputError, expect_all
from corrin.facts import mimics as tables

FORMAT = "corrin.mimics/1"
NAMES = {
    "b12": "B12 deficiency",
    "nitrous_oxide": "nitrous oxide",
    "diabetes": "diabetes",
    "b6_excess": "too much vitamin B6",
    "alcohol": "alcohol",
    "age": "age alone",
}
GRADES = ("fits well", "would fit", "fits in part", "fits poorly", "cannot be judged", "ruled out")
"""From the best to the least. Would fit: nobody told whether what it needs is there."""
Status = Literal["excluded", "found", "open"]
DISCLAIMER = "For education and research; not a medical device, no diagnosis and no prescription."


@dataclass(frozen=True, slots=True)
class Fit:
    """How the findings fit one cause. `explained`, `unexplained` (seen, and unusual for it or not of it): signs seen.

    `usual_seen`, `usual_absent`, `usual_untold`: its usual signs. `needed`: what it cannot do without, with True, False or None (not told).
    """

    cause: str
    grade: str
    needed: str
    needed_there: bool | None
    explained: tuple[str, ...]
    unexplained: tuple[str, ...]
    usual_seen: tuple[str, ...]
    usual_absent: tuple[str, ...]
    usual_untold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """One mimic for this person: whether it is a red flag here, and whether it is excluded, found or open."""

    row: tables.Mimic
    red_flag: bool
    status: Status
    because: str


def fits(case: Case) -> tuple[Fit, ...]:
    """How the findings of a case fit each cause, the best first."""
    there = all_features(case)
    found = [fit(cause, there) for cause in tables.CAUSES]
    return tuple(sorted(found, key=lambda item: (GRADES.index(item.grade), len(item.unexplained), -len(item.explained))))


def all_features(case: Case) -> dict[str, bool | None]:
    """Signs and derived features of a case, with vitamin B6 above its limit."""
    there = shown.features(case)
    above = b6_sum(case).above_europe
    level = shown.reading(case, "vitamin_b6")
    there["b6_above_limit"] = True if above or (level is not None and level.side == "high") else above
    return there


def fit(cause: str, there: Mapping[str, bool | None]) -> Fit:
    """One cause against features (True, False, None or missing: not told), by counting; see `GRADES` for the rule's outcomes.

    Fits well: what it needs is there, it leaves no sign unexplained, and at least half of its usual signs that were looked for are seen.
    Would fit: the same, but nobody told whether what it needs is there. Fits in part: it explains at least as much as it leaves. Fits
    poorly: it explains less. Ruled out: what it needs is absent. Cannot be judged: no sign is told.
    """
    expected: dict[str, tuple[str, ...]] = dict.fromkeys(tables.EXPECTS, ())
    for row in tables.patterns():
        if row.cause == cause:
            expected[row.expects] += row.features
    needed = expected["needed"][0]
    seen = [name for name in (*shown.NEUROLOGICAL, *shown.TROUBLES_WITHOUT_PLACE, "one_sided") if there.get(name)]
    seen = list(dict.fromkeys(seen))
    fitting = {*expected["usual"], *expected["possible"]}
    explained = tuple(name for name in seen if name in fitting)
    # Troubles that many things give (tiredness, pallor) count for a cause that lists them and against none that does not.
    unexplained = tuple(name for name in seen if name not in fitting and (name in expected["unusual"] or name in shown.NEUROLOGICAL))
    usual_seen, usual_absent, usual_untold = (
        tuple(name for name in expected["usual"] if there.get(name) is state) for state in (True, False, None)
    )
    looked = len(usual_seen) + len(usual_absent)
    has = there.get(needed)
    if has is False:
        grade = "ruled out"
    elif not any(name in shown.NEUROLOGICAL for name in seen):
        grade = "cannot be judged"
    elif not unexplained and explained and 2 * len(usual_seen) >= looked:
        grade = "fits well" if has else "would fit"
    elif explained and len(explained) >= len(unexplained):
        grade = "fits in part"
    else:
        grade = "fits poorly"
    return Fit(cause, grade, needed, has, explained, unexplained, usual_seen, usual_absent, usual_untold)


def open_mimics(case: Case, excluded: Iterable[str] = ()) -> tuple[Open, ...]:
    """Mimics of the tracts that show signs, red flags first. `excluded`: ids that were tested for and not found, told by the user.

    Raises `InputError` for an id that is not in the table.
    """
    named = set(excluded)
    for name in named:
        if name not in tables.mimics():
            close = near(name, {key: key for key in tables.mimics()})
            raise InputError(
                "excluded", ascii(name)[:60], ", ".join(tables.mimics()), f"Did you mean {' or '.join(close)}?" if close else ""
            )
    there = all_features(case)
    where = set(shown.tracts(case))
    found = []
    for row in tables.mimics().values():
        if where & set(row.tracts):
            red = row.red_flag == "always" or (row.red_flag == "raised" and any(there.get(name) for name in row.raised_by))
            status, because = _status(case, row, there, row.id in named)
            found.append(Open(row, red, status, because))
    return tuple(sorted(found, key=lambda item: (item.status == "excluded", not item.red_flag)))


def _status(case: Case, row: tables.Mimic, there: Mapping[str, bool | None], named: bool) -> tuple[Status, str]:
    if named:
        return "excluded", "told to be tested and not found"
    if row.analyte:
        found = shown.reading(case, row.analyte)
        if found is not None:
            return ("excluded" if found.side == row.excluded_by else "found"), found.words
    own = {"diabetes": there.get("diabetes"), "b6_excess": there.get("b6_above_limit")}.get(row.id)
    if own:
        return "found", "told in the case" if row.id == "diabetes" else "the sum of what is taken is above the limit"
    text = shown.told(case, *ALREADY.get(row.id, ("\0",)))
    if text:
        return "found", f"told in the case: {text}"
    if row.id == "compression" and (there.get("mri_dorsal_columns") is not None or there.get("mri_lateral_columns") is not None):
        return "open", "an MRI is told of: does its report exclude compression, over the whole cord?"
    return "open", "not told to be tested"


ALREADY = {
    "hiv": ("hiv positive", "hiv infection", "aids"),
    "syphilis": ("neurosyphilis", "syphilis"),
    "htlv": ("htlv",),
    "thyroid": ("hypothyroid", "autoimmune thyroid", "hashimoto"),
    "paraprotein": ("mgus", "paraprotein", "gammopathy", "myeloma", "waldenstr"),
    "demyelination": ("multiple sclerosis", "neuromyelitis"),
    "compression": ("cervical stenosis", "cord compression", "spondylotic myelopathy"),
    "inflammatory": ("cidp", "guillain"),
    "mind_other": ("alzheimer", "dementia"),
    "leber": ("leber",),
}
"""Words among other conditions that say a mimic is there already."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of B12 as the explanation: `explained` is True only when nothing stands against it; `why` lists what does."""

    explained: bool
    words: str
    why: tuple[str, ...]


def verdict(case: Case, found: tuple[Fit, ...], open_: tuple[Open, ...]) -> Verdict:
    """Whether B12 (or nitrous oxide) may be called the explanation."""
    by_cause = {item.cause: item for item in found}
    b12, gas = by_cause["b12"], by_cause["nitrous_oxide"]
    # Where nitrous oxide was used it comes first: the level of B12 says little then. Where nobody told of it, B12 does.
    own = min((gas, b12) if gas.needed_there else (b12, gas), key=lambda item: GRADES.index(item.grade))
    name = NAMES[own.cause]
    if own.cause == "nitrous_oxide" and b12.needed_there:
        name = "nitrous oxide with too little B12 at work"
    if own.grade == "cannot be judged":
        return Verdict(False, "No nerve sign is told: there is nothing to explain.", ())
    why = [f"not tested: {item.row.name}" for item in open_ if item.red_flag and item.status == "open"]
    why += [f"also there: {item.row.name}" for item in open_ if item.status == "found"]
    why += [f"also fits: {NAMES[item.cause]}" for item in found if item.grade == "fits well" and item not in (b12, gas)]
    if own.grade == "fits well" and not why:
        return Verdict(True, f"Explained by {name} as far as told; a response to treatment would confirm it.", ())
    if own.grade == "fits well":
        return Verdict(False, f"The findings fit {name}, and are not put down to it while something else is open.", tuple(why))
    if own.grade == "would fit":
        head = f"The findings would fit {name}; not known: {shown.words(own.needed)}."
    elif own.grade == "ruled out":
        head = "What is told speaks against B12 as the reason: look elsewhere."
    else:
        left = ", ".join(shown.words(sign) for sign in own.unexplained)
        head = f"{name[0].upper()}{name[1:]} {own.grade}{f' and leaves unexplained: {left}' if left else ''}."
    return Verdict(False, head, tuple(why))


# --- the answer --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MimicsAnswer:
    """Plain data of the answer (`corrin.mimics/1`), its text and its JSON."""

    data: Mapping[str, Any]

    def text(self, width: int = 110) -> str:
        """The answer in words."""
        from corrin.show.mimics_text import report

        return report(self.data, width)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the plain data."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The plain data as JSON."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) + "\n"


def mimics(case: Case | str | Path | Mapping[str, Any], excluded: Iterable[str] = ()) -> MimicsAnswer:
    """What else it could be, for one person. `excluded`: ids of mimics that were tested for and not found.

    Raises `InputError` for an unknown id.
    """
    expect_all(excluded, str, "excluded", "ids of mimics that were tested for and not found")
    case, excluded = named(case), tuple(excluded)
    there = all_features(case)
    found, open_ = fits(case), open_mimics(case, excluded)
    urgent = recognised(case)
    series = outcome_rows(urgent)
    picture = shown.b12_picture(case)
    judged = verdict(case, found, open_)
    rows = [*(row for row in tables.patterns()), *(item.row for item in open_), *series]
    return MimicsAnswer(
        {
            "format": FORMAT,
            "case": case.id,
            "person": {"age_y": case.age_y, "sex": case.person.sex},
            "b12": {"kind": picture.kind, "because": list(picture.because)},
            "recognised": [asdict(item) for item in urgent],
            "seen": [shown.words(name) for name, state in there.items() if state and name in SHOWN],
            "absent": [shown.words(name) for name, state in there.items() if state is False and name in SHOWN],
            "fits": [_fit_data(item) for item in found],
            "verdict": asdict(judged),
            "mimics": [_open_data(item) for item in open_],
            "outcomes": [_outcome_data(row) for row in series],
            "not_known": _not_known(found),
            "disclaimer": DISCLAIMER,
            "sources": cited(rows),
            **at_once({"case": case.to_dict()}, {"excluded": list(excluded)}),
        }
    )


SHOWN = frozenset((*shown.NEUROLOGICAL, *shown.TROUBLES_WITHOUT_PLACE))


def _fit_data(item: Fit) -> dict[str, Any]:
    lists = ("explained", "unexplained", "usual_seen", "usual_absent", "usual_untold")
    rows = [row for row in tables.patterns() if row.cause == item.cause]
    return {
        "cause": item.cause,
        "name": NAMES[item.cause],
        "grade": item.grade,
        "needed": shown.words(item.needed),
        "needed_there": item.needed_there,
        **{key: [shown.words(name) for name in getattr(item, key)] for key in lists},
        "usual": [shown.words(name) for row in rows if row.expects == "usual" for name in row.features],
        "assumed": all(row.seen == "assumed" for row in rows if row.expects == "usual"),
    }


def _open_data(item: Open) -> dict[str, Any]:
    row = item.row
    return {
        "id": row.id,
        "name": row.name,
        "red_flag": item.red_flag,
        "status": item.status,
        "because": item.because,
        **{key: getattr(row, key) for key in ("looks", "test", "why", "grade", "seen", "note")},
        "sources": [key for key in row.sources if key != "corrin-assumed"],
    }


def _outcome_data(row: tables.Outcome) -> dict[str, Any]:
    keys = ("id", "syndrome", "what", "count", "people", "words", "who", "severity", "delay", "follow_up", "grade", "seen", "note")
    data: dict[str, Any] = {key: getattr(row, key) for key in keys} | {"sources": list(row.sources)}
    if row.count is not None and row.people:
        low, high = wilson(row.count, row.people)
        data["share"] = {"value": row.count / row.people, "low": low, "high": high, "method": "Wilson score interval, 95 %"}
    return data


def _not_known(found: tuple[Fit, ...]) -> list[str]:
    lines = [f"{shown.words(item.needed)}: not told ({NAMES[item.cause]})" for item in found if item.needed_there is None]
    untold = list(dict.fromkeys(name for item in found[:2] for name in item.usual_untold))
    if untold:
        lines.append("signs nobody told of: " + ", ".join(shown.words(name) for name in untold))
    return lines
