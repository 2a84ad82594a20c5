"""The form: its fields, what was typed in them as a case, and where in the form a fault of the case belongs.

Nothing is judged here: what was typed is handed to the reader of cases, whose sentences come back to the field they speak of.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import ValidationError

from corrin.case.case import Case, Lab
from corrin.case.check import lab_faults
from corrin.case.reader import read_case
from corrin.errors import InputError

ROWS = 5
"""Rows for results that an empty form shows; a script adds more."""
MOST_ROWS = 60
COUNTRIES = (
    ("united kingdom", "United Kingdom"), ("united states", "United States"), ("canada", "Canada"), ("netherlands", "Netherlands"),
    ("denmark", "Denmark"), ("sweden", "Sweden"),
)  # fmt: skip
"""Countries whose guideline is held."""
SYMPTOMS = {
    "tingling": "tingling, pins and needles",
    "numbness": "numbness",
    "pain": "burning or shooting pain",
    "weakness": "weakness of arms or legs",
    "gait": "trouble walking, unsteady",
    "falls": "falls",
    "vision": "sight is failing",
    "cognition": "memory or thinking is worse",
    "mood": "low mood, irritable",
    "psychosis": "seeing or believing what is not there",
    "fatigue": "tiredness",
    "glossitis": "sore, smooth tongue",
    "cramps": "cramps",
    "bladder": "trouble with the bladder",
    "bowel": "trouble with the bowel",
    "weight_loss": "weight loss",
    "pallor": "pale skin",
}
SIGNS = {
    "vibration_loss": "vibration sense lost", "position_loss": "position sense lost", "touch_loss": "touch sense lost",
    "romberg": "Romberg's sign", "reflexes_increased": "reflexes brisk", "reflexes_reduced": "reflexes weak",
    "babinski": "Babinski's sign", "spasticity": "spasticity", "lhermitte": "Lhermitte's sign", "optic_neuropathy": "optic neuropathy",
    "mri_dorsal_columns": "MRI: dorsal columns bright", "ncs_abnormal": "nerve conduction abnormal", "macrocytosis": "large red cells",
    "pancytopenia": "all blood cells low",
}  # fmt: skip
CONDITIONS = (
    "autoimmune_gastritis", "food_bound_malabsorption", "h_pylori", "ileal_disease", "coeliac", "pancreatic_insufficiency", "sibo",
    "diabetes", "hypothyroidism", "liver_disease", "folate_deficiency", "kidney_disease_3", "kidney_disease_4", "kidney_disease_5",
)  # fmt: skip
OPERATIONS = (
    "gastric_bypass", "sleeve_gastrectomy", "partial_gastrectomy", "total_gastrectomy", "biliopancreatic_diversion", "ileal_resection",
)  # fmt: skip
DRUGS = {"metformin": "metformin", "ppi": "acid blocker such as omeprazole", "h2_blocker": "acid blocker such as famotidine",
         "folic_acid": "folic acid", "oral_contraceptive": "the combined pill", "colchicine": "colchicine"}  # fmt: skip
NITROUS = {"single": "once", "pulses": "now and then", "weekends": "at weekends", "weekly": "every week", "daily": "every day"}
ALCOHOL = {"none": "none", "moderate": "moderate", "heavy": "heavy", "past": "in the past"}
PREGNANCY = ("none", "first trimester", "second trimester", "third trimester", "breastfeeding")
_BARE = re.compile(r"^(\d{1,5}(?:\.\d{1,4})?)\s*(d|days?|wk|w|weeks?|mo|months?|y|a|yr|years?)(?:\s+ago)?$")
_VALUE = re.compile(r"^(<=|>=|<|>|=)?\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$")
_WORDS = ("undetectable", "low", "normal", "raised")


@dataclass
class Filled:
    """A form as it was filled in: the case it makes, where each part of the case came from, faults by field (`""`: of the whole)."""

    document: dict[str, Any]
    places: dict[str, str] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    case: Case | None = None

    def fault(self, name: str, text: str) -> None:
        """One more sentence about a field."""
        held = self.faults.setdefault(name, [])
        if text not in held:
            held.append(text)


def read_form(form: Mapping[str, str]) -> Filled:
    """What was typed, as a case; with every fault at its field where it makes none."""
    filled = Filled({"format": "corrin.case/1", "id": "me"})
    _who(form, filled)
    _history(form, filled)
    _findings(form, filled)
    _labs(form, filled)
    try:
        case = read_case(filled.document, any_age=True)
    except InputError as error:
        for item in error.faults or (error,):
            filled.fault(_field_of(filled, item.where), _sentence(item))
        _each_lab(filled)
    else:
        filled.case = None if filled.faults else case
    return filled


def _each_lab(filled: Filled) -> None:
    """Faults of single results, which the reader of cases looks for only when the shape of all else is right."""
    for number, item in enumerate(filled.document.get("labs", ())):
        try:
            lab = Lab.model_validate(item)
        except ValidationError:
            continue
        for found in lab_faults(lab, f"labs[{number}]"):
            filled.fault(_field_of(filled, found.where), _sentence(found))


def _sentence(fault: InputError) -> str:
    """A fault without its place: it stands at the field."""
    text = fault.found[:1].upper() + fault.found[1:]
    text += f"; expected {fault.expected}." if fault.expected else "."
    return f"{text} {fault.cure}".strip()


def _field_of(filled: Filled, where: str) -> str:
    place = where.removeprefix("case: ").removeprefix("case")
    found = max((key for key in filled.places if place.startswith(key)), key=len, default=None)
    return filled.places[found] if found is not None else ""


def _text(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").strip()[:300]


def _when(text: str) -> str:
    """`3 years` and `3y ago` mean about three years before today, as people say it; anything else is a date as a case has it."""
    found = _BARE.match(text.lower())
    return f"~{found.group(1)}{found.group(2)}" if found else text


def _number(form: Mapping[str, str], name: str, filled: Filled) -> float | None:
    text = _text(form, name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or abs(value) == float("inf"):
        cure = " Write it with a point and without signs between thousands." if "," in text else ""
        filled.fault(name, f"{ascii(text)[:40]} is not a number.{cure}")
        return None
    return value


def _who(form: Mapping[str, str], filled: Filled) -> None:
    person: dict[str, Any] = {"sex": _text(form, "sex") or "unknown"}
    age = _number(form, "age", filled)
    if age is not None:
        person["age_y"] = age
    for name, key in (("country", "country"), ("pregnancy", "pregnancy")):
        if _text(form, name):
            person[key] = _text(form, name)
    filled.document["person"] = person
    filled.document["as_of"] = _text(form, "as_of") or datetime.date.today().isoformat()
    filled.places |= {
        "person.age_y": "age",
        "person.sex": "sex",
        "person.country": "country",
        "person.pregnancy": "pregnancy",
        "as_of": "as_of",
        "person": "age",
    }
    if age is None:
        if "age" not in filled.faults:
            filled.fault("age", "Age is missing. It moves every answer and is never guessed.")
        person["age_y"] = 50.0  # a stand-in, so that the one fault is told once; the case is not used


def _add(filled: Filled, items: list[dict[str, Any]], place: str, item: dict[str, Any], fields: Mapping[str, str], whole: str) -> None:
    here = f"{place}[{len(items)}]"
    filled.places |= {f"{here}.{key}": name for key, name in fields.items()} | {here: whole}
    items.append(item)


def _history(form: Mapping[str, str], filled: Filled) -> None:
    history: dict[str, Any] = {}
    diet, since = _text(form, "diet"), _when(_text(form, "diet_since"))
    if diet:
        history["diet"] = [{"diet": diet, **({"from": since} if since else {})}]
        filled.places |= {"history.diet[0].from": "diet_since", "history.diet[0]": "diet"}
    drugs: list[dict[str, Any]] = []
    for name in DRUGS:
        if _text(form, f"drug_{name}"):
            item: dict[str, Any] = {"name": name}
            if since := _when(_text(form, f"drug_{name}_since")):
                item["from"] = since
            dose = _number(form, "drug_metformin_mg", filled) if name == "metformin" else None
            if dose is not None:
                item |= {"dose": dose, "unit": "mg", "per_day": 1.0}
            fields = {"from": f"drug_{name}_since", "dose": f"drug_{name}_mg"}
            _add(filled, drugs, "history.drugs", item, fields, f"drug_{name}")
    conditions: list[dict[str, Any]] = []
    for name in CONDITIONS:
        if _text(form, f"has_{name}"):
            since = _when(_text(form, f"has_{name}_since"))
            item = {"name": name, **({"from": since} if since else {})}
            _add(filled, conditions, "history.conditions", item, {"from": f"has_{name}_since"}, f"has_{name}")
    operations: list[dict[str, Any]] = []
    for name in OPERATIONS:
        if _text(form, f"had_{name}"):
            since = _when(_text(form, f"had_{name}_since"))
            item = {"name": name, **({"date": since} if since else {})}
            _add(filled, operations, "history.operations", item, {"date": f"had_{name}_since"}, f"had_{name}")
    gas = _text(form, "nitrous")
    if gas:
        last = _when(_text(form, "nitrous_last"))
        since = _when(_text(form, "nitrous_since"))
        history["nitrous_oxide"] = [{"pattern": gas, **({"from": since} if since else {}), **({"last_use": last} if last else {})}]
        filled.places |= {
            "history.nitrous_oxide[0].from": "nitrous_since", "history.nitrous_oxide[0].last_use": "nitrous_last",
            "history.nitrous_oxide": "nitrous",
        }  # fmt: skip
    if _text(form, "alcohol"):
        history["alcohol"] = {"level": _text(form, "alcohol")}
        filled.places["history.alcohol"] = "alcohol"
    for key, items in (("drugs", drugs), ("conditions", conditions), ("operations", operations)):
        if items:
            history[key] = items
    product = _text(form, "b12_product")
    if product:
        given: dict[str, Any] = {"product": product}
        fields = {"dose_ug": "b12_dose", "every_days": "b12_every", "from": "b12_from", "to": "b12_to"}
        for key, name in (("dose_ug", "b12_dose"), ("every_days", "b12_every")):
            value = _number(form, name, filled)
            if value is not None:
                given[key] = value
        for key, name in (("from", "b12_from"), ("to", "b12_to")):
            if when := _when(_text(form, name)):
                given[key] = when
        history["past_b12"] = [given]
        filled.places |= {f"history.past_b12[0].{key}": name for key, name in fields.items()} | {"history.past_b12": "b12_product"}
    if history:
        filled.document["history"] = history
    other = [part.strip() for part in _text(form, "other_drugs").split(",") if part.strip()]
    if other:
        filled.document.setdefault("history", {})["other_drugs"] = other
        filled.places["history.other_drugs"] = "other_drugs"


def _findings(form: Mapping[str, str], filled: Filled) -> None:
    found: list[dict[str, Any]] = []
    for name in (*SYMPTOMS, *SIGNS):
        level = _text(form, f"feel_{name}")
        if not level:
            continue
        since = _when(_text(form, f"feel_{name}_since"))
        item: dict[str, Any] = {"what": name} | ({} if level == "yes" else {"severity": level})
        if since:
            item |= {"date": since, "onset": True}
        if level == "none":
            item.pop("onset", None)
        fields = {"date": f"feel_{name}_since", "severity": f"feel_{name}"}
        _add(filled, found, "findings", item, fields, f"feel_{name}")
    if found:
        filled.document["findings"] = found


def _labs(form: Mapping[str, str], filled: Filled) -> None:
    found: list[dict[str, Any]] = []
    for row in range(MOST_ROWS):
        names = {key: f"lab_{row}_{key}" for key in ("analyte", "value", "unit", "date", "low", "high")}
        analyte, said, unit = (_text(form, names[key]) for key in ("analyte", "value", "unit"))
        if not analyte and not said:
            continue
        item: dict[str, Any] = {"analyte": analyte}
        if not analyte:
            filled.fault(names["analyte"], "No test is named. Say what was measured.")
            continue
        if not said:
            filled.fault(names["value"], "No result. Write the number as on the sheet, or low, normal, raised.")
            continue
        if said.lower() in _WORDS:
            item["word"] = said.lower()
        else:
            number = _VALUE.match(said)
            if number is None:
                cure = " Write it with a point and without signs between thousands." if "," in said else ""
                filled.fault(names["value"], f"{ascii(said)[:40]} is not a result; expected a number, or one of {', '.join(_WORDS)}.{cure}")
                continue
            item["value"] = float(number.group(2))
            if number.group(1):
                item["comparator"] = number.group(1)
            if unit:
                item["unit"] = unit
        if date := _when(_text(form, names["date"])):
            item["date"] = date
        for key in ("low", "high"):
            limit = _number(form, names[key], filled)
            if limit is not None:
                item[f"reference_{key}"] = limit
        fields = {"analyte": names["analyte"], "value": names["value"], "unit": names["unit"], "date": names["date"],
                  "reference_low": names["low"], "reference_high": names["high"]}  # fmt: skip
        _add(filled, found, "labs", item, fields, names["value"])
    if found:
        filled.document["labs"] = found


@cache
def choices() -> dict[str, Any]:
    """What the form offers, from the tables: diets, products, conditions, operations, analytes with their units."""
    from corrin.case import known

    names = {name: rows[0].name for name, rows in known.modifiers().items()}
    return {
        "diets": [(row.id, row.name) for row in known.diets().values()],
        "products": [(row.id, row.name) for row in known.products().values() if row.route not in ("food", "intravenous")],
        "conditions": [(name, names[name]) for name in CONDITIONS],
        "operations": [(name, names[name]) for name in OPERATIONS],
        "analytes": [(row.id, row.name, [*dict.fromkeys((row.unit, *row.units))]) for row in known.analytes().values()],
        "units": sorted({unit for row in known.analytes().values() for unit in (row.unit, *row.units)}),
        "drugs": DRUGS, "nitrous": NITROUS, "alcohol": ALCOHOL, "pregnancy": PREGNANCY, "countries": COUNTRIES,
        "symptoms": SYMPTOMS, "signs": SIGNS,
    }  # fmt: skip


def written(case: Case) -> dict[str, str]:
    """A case back in the fields of the form, as far as the form has fields for it (to change it and ask again)."""
    person, form = case.person, dict[str, str]()
    form |= {"sex": person.sex, "country": (person.country or "").lower(), "pregnancy": person.pregnancy or "", "age": f"{case.age_y:g}"}
    form["as_of"] = "" if case.as_of == "day 0" else case.as_of
    if case.history.diet:
        form |= {"diet": case.history.diet[-1].diet or "", "diet_since": case.history.diet[-1].from_ or ""}
    for drug in case.history.drugs:
        if drug.name in DRUGS:
            form |= {f"drug_{drug.name}": "yes", f"drug_{drug.name}_since": drug.from_ or ""}
    for condition in case.history.conditions:
        form |= {f"has_{condition.name}": "yes", f"has_{condition.name}_since": condition.from_ or ""}
    for operation in case.history.operations:
        form |= {f"had_{operation.name}": "yes", f"had_{operation.name}_since": operation.date or ""}
    for gas in case.history.nitrous_oxide[-1:]:
        form |= {"nitrous": gas.pattern, "nitrous_since": gas.from_ or "", "nitrous_last": gas.last_use or ""}
    if case.history.alcohol is not None:
        form["alcohol"] = case.history.alcohol.level
    for given in case.history.past_b12[-1:]:
        form |= {
            "b12_product": given.product or "",
            "b12_dose": f"{given.dose_ug:g}" if given.dose_ug else "",
            "b12_every": f"{given.every_days:g}" if given.every_days else "",
            "b12_from": given.from_ or "",
            "b12_to": given.to or "",
        }
    for finding in case.findings:
        form |= {f"feel_{finding.what}": finding.severity or "yes", f"feel_{finding.what}_since": finding.date or ""}
    for row, lab in enumerate(case.labs[:MOST_ROWS]):
        value = lab.word or f"{'' if lab.comparator == '=' else lab.comparator}{'' if lab.value is None else format(lab.value, 'g')}"
        limits = {key: "" if limit is None else f"{limit:g}" for key, limit in (("low", lab.reference_low), ("high", lab.reference_high))}
        cells = {"analyte": lab.analyte, "value": value, "unit": lab.unit or "", "date": lab.date or "", **limits}
        form |= {f"lab_{row}_{key}": text for key, text in cells.items()}
    return form
