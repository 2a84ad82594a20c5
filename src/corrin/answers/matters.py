"""What else matters? (Q10) Glucose, alcohol, smoking, movement, other vitamins, bone; and vitamin B6 added up over everything taken.

Statements with their grade, and a size where one was measured. Only vitamin B6 is arithmetic: its amounts are added and held against the
limits of the table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corrin.answers import features as shown
from corrin.answers.examples import named
from corrin.answers.provenance import at_once
from corrin.case import known
from corrin.case.case import Case
from corrin.case.check import DRUG_KINDS
from corrin.facts import pain as tables
from corrin.facts.reader import intakes, sources
from corrin.facts.rows import ReferenceIntake
from corrin.units import convert, convertible

if TYPE_CHECKING:
    from corrin.facts.rows import _Cited

FORMAT = "corrin.matters/1"
DISCLAIMER = "For education and research; not a medical device and no prescription. Change no medicine without whoever prescribed it."
LIMITS = ("UL", "safe upper level")
EUROPE, AMERICA = "b6_efsa_nda_2023_ul_any_18", "b6_iom_1998_ul_any_19"
NAMES_OF_B6 = re.compile(r"\bb[\s-]?6\b|pyridox", re.IGNORECASE)
MAY_HOLD_B6 = re.compile(r"b[\s-]?complex|vitamin b\b|b vitamins|multivit|neurobion|metanx", re.IGNORECASE)
AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*(mg|ug|µg|mcg|g)\b", re.IGNORECASE)
OFTEN = re.compile(r"(\d+(?:\.\d+)?)\s*(?:x|times|tablets?)\s*(?:a|per|/)?\s*(?:day|daily|d)\b|\b(twice|once)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class B6Part:
    """One thing taken that holds vitamin B6: mg a day, or None where the amount is not told."""

    name: str
    mg_day: float | None


@dataclass(frozen=True, slots=True)
class B6Sum:
    """Vitamin B6 of everything taken, mg a day without food. `known` is the sum of what is told; `above` names the limits it exceeds."""

    parts: tuple[B6Part, ...]
    known_mg_day: float
    complete: bool
    above: tuple[ReferenceIntake, ...]

    @property
    def above_europe(self) -> bool | None:
        """More than the limit of EFSA 2023: None when an amount is missing and the rest is below it, or nothing is told."""
        if any(row.id == EUROPE for row in self.above):
            return True
        return False if self.parts and self.complete else None


def b6_sum(case: Case) -> B6Sum:
    """Vitamin B6 added up over the drugs and other drugs of a case that go on at `as_of`; food is not counted."""
    parts = []
    for drug in case.history.drugs:
        rows = known.find_modifier(drug.name, DRUG_KINDS)
        if rows and rows[0].id == "vitamin_b6_excess" and (drug.to is None or case.day(drug.to) >= 0.0):
            amount = None
            if drug.dose is not None and drug.unit is not None and convertible(drug.unit, "mg/d"):
                amount = convert(drug.dose, drug.unit, "mg/d")
            elif drug.dose is not None and drug.unit is not None:
                amount = convert(drug.dose, drug.unit, "mg") * (drug.per_day if drug.per_day is not None else 1.0)
            parts.append(B6Part(drug.name, amount))
    for text in case.history.other_drugs:
        if NAMES_OF_B6.search(text) or MAY_HOLD_B6.search(text):
            parts.append(B6Part(text, _amount(text)))
    total = sum(part.mg_day for part in parts if part.mg_day is not None)
    limits = [
        (row.value, row)
        for row in intakes()
        if row.nutrient == "vitamin B6"
        and row.status == "current"
        and row.measure in LIMITS
        and row.value is not None
        and row.age_low_y <= case.age_y < row.age_high_y
    ]
    above = tuple(row for limit, row in sorted(limits, key=lambda item: item[0]) if total > limit)
    return B6Sum(tuple(parts), total, all(part.mg_day is not None for part in parts), above)


def _amount(text: str) -> float | None:
    """mg a day of B6 in a free text such as "vitamin B6 50 mg twice a day"; None unless the amount stands behind the name of B6."""
    named = NAMES_OF_B6.search(text)
    found = AMOUNT.search(text, named.end()) if named else None
    if found is None:
        return None
    unit = {"µg": "ug", "mcg": "ug"}.get(found[2].lower(), found[2].lower())
    mg = convert(float(found[1].replace(",", ".")), unit, "mg")
    often = OFTEN.search(text, found.end())
    return mg * (1.0 if often is None else float(often[1]) if often[1] else {"twice": 2.0, "once": 1.0}[often[2].lower()])


def b6_message(case: Case, total: B6Sum) -> str:
    """What the sum means for this person, with nerve signs or without."""
    signs = any(present and sign in shown.NEUROLOGICAL for sign, present in shown.signs(case).items())
    level = shown.reading(case, "vitamin_b6")
    europe, america = (next(row for row in intakes() if row.id == key) for key in (EUROPE, AMERICA))
    limits = f"The limit is {europe.value:g} mg a day in Europe (EFSA 2023) and {america.value:g} mg in the USA (IOM 1998)"
    if level is not None and level.side == "high":
        high = f" The blood level is high ({level.words})."
    else:
        high = ""
    if not total.parts:
        ask = " With nerve signs, ask for every supplement and drink: B6 hides in many." if signs else ""
        return f"No vitamin B6 is told of. {limits}.{ask}{high}"
    amount = (
        f"{total.known_mg_day:g} mg a day"
        if total.complete
        else f"at least {total.known_mg_day:g} mg a day, one amount is not told: read the label"
    )
    if not total.above:
        return f"Vitamin B6 taken: {amount}. {limits}.{high}"
    bodies = ", ".join(f"{row.body} {row.value:g} mg" for row in total.above)
    advice = (
        " With nerve signs this much can be their cause or make them worse: speak with a doctor or pharmacist about stopping it, and have "
        "pyridoxal phosphate measured. Feeling usually returns over months after stopping, not always all of it."
        if signs
        else " No nerve sign is told. There is no reason known to take this much without a medical one: lower it before signs come."
    )
    keep = " Isoniazid is taken: B6 protects the nerves from it; do not stop it, ask." if shown.told(case, "isoniazid") else ""
    return f"Vitamin B6 taken: {amount}, above {bodies}. {limits}.{advice}{keep}{high}"


# --- the answer --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MattersAnswer:
    """Plain data of the answer (`corrin.matters/1`), its text and its JSON."""

    data: Mapping[str, Any]

    def text(self, width: int = 110) -> str:
        """The answer in words."""
        from corrin.show.pain_text import matters_report

        return matters_report(self.data, width)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the plain data."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The plain data as JSON."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) + "\n"


def matters(case: Case | str | Path | Mapping[str, Any]) -> MattersAnswer:
    """What else matters to nerves, pain and spine of this person: first what they tell of, then what is good to know for everybody."""
    case = named(case)
    return MattersAnswer(
        {
            "format": FORMAT,
            "case": case.id,
            **statements(case),
            "disclaimer": DISCLAIMER,
            **at_once({"case": case.to_dict()}),
        }
    )


def statements(case: Case) -> dict[str, Any]:
    """The part of the answer that other answers hold too: `own`, `everybody`, `b6`, `sources`."""
    total = b6_sum(case)
    own, everybody = [], []
    for row in tables.other_things().values():
        reason = _concerns(case, row.shown_to, total)
        if reason:
            own.append(_statement(row) | {"because": reason})
        elif row.shown_to == "everybody":
            everybody.append(_statement(row))
    told = {item["id"] for item in [*own, *everybody]}
    rows: list[_Cited] = [row for row in tables.other_things().values() if row.id in told]
    limits = [row for row in intakes() if row.id in (EUROPE, AMERICA)]
    return {
        "own": own,
        "everybody": everybody,
        "b6": {
            "parts": [{"name": part.name, "mg_day": part.mg_day} for part in total.parts],
            "known_mg_day": total.known_mg_day,
            "complete": total.complete,
            "above": [{"body": row.body, "mg_day": row.value, "source": row.source} for row in total.above],
            "message": b6_message(case, total),
        },
        "sources": cited([*rows, *limits]),
    }


def cited(rows: list[_Cited]) -> dict[str, str]:
    """Key -> citation of what rows rest on, our own judgement named as such, in alphabetical order."""
    keys = sorted({key for row in rows for key in row.sources}, key=str.lower)
    return {key: sources()[key].citation for key in keys}


def _statement(row: tables.OtherThing) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "direction": row.direction,
        "statement": row.statement,
        "measure": row.measure,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "unit": row.unit,
        "people": row.people,
        "grade": row.grade,
        "seen": row.seen,
        "note": row.note,
        "sources": [key for key in row.sources if key != "corrin-assumed"],
    }


def _concerns(case: Case, shown_to: str, total: B6Sum) -> str:
    """Why a statement concerns this person in particular, or nothing."""
    history = case.history
    if shown_to == "diabetes" and shown.diabetes(case):
        return "diabetes is told"
    if shown_to == "alcohol" and history.alcohol is not None and history.alcohol.level in ("moderate", "heavy", "current"):
        return f"alcohol: {history.alcohol.level}"
    if shown_to == "smoking" and history.smoking is not None and history.smoking.level in ("moderate", "heavy", "current"):
        return "smoking is told"
    if shown_to == "b6" and total.parts:
        return "vitamin B6 is taken"
    if shown_to == "back" and shown.told(case, *BACK):
        return "back pain is told"
    return ""


BACK = ("back pain", "lumbago", "low back", "lumbar", "sciatica", "backache", "spine", "vertebra", "disc", "osteoporo")
"""Words that tell of the back in free text."""
