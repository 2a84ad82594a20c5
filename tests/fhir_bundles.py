"""FHIR documents for tests: the record of an invented person from a case, and B12 results added to a record that has none."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

LOINC, SNOMED, RXNORM = "http://loinc.org", "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC, UCUM = "http://www.whocc.no/atc", "http://unitsofmeasure.org"
Resource = dict[str, Any]

# analyte: (LOINC code by unit, units), as laboratories pair them.
TESTS = {
    "serum_b12": {"pg/mL": "2132-9", "ng/L": "2132-9", "pmol/L": "14685-2"},
    "mma": {"nmol/L": "13964-2", "umol/L": "13964-2"},
    "homocysteine": {"umol/L": "13965-9"},
    "holotranscobalamin": {"pmol/L": "72160-5"},
    "haemoglobin": {"g/dL": "718-7", "mmol/L": "59260-0"},
    "mcv": {"fL": "787-2"},
    "creatinine": {"mg/dL": "2160-0", "umol/L": "14682-9"},
    "egfr": {"mL/min/1.73m2": "33914-3"},
}
CONDITIONS = {"autoimmune_gastritis": "84027009", "coeliac": "396331005", "ileal_disease": "34000006", "diabetes": "44054006"}
DRUGS = {"metformin": "A10BA02", "ppi": "A02BC01", "h2_blocker": "A02BA03", "colchicine": "M04AC01"}


def concept(system: str, code: str, text: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


def patient(name: str = "p1", born: str = "1950-05-17", gender: str = "female") -> Resource:
    return {"resourceType": "Patient", "id": name, "birthDate": born, "gender": gender, "name": [{"family": "Invented"}]}


def lab(code: str, value: float, unit: str, day: str = "2024-03-01", **more: Any) -> Resource:
    return {
        "resourceType": "Observation", "status": "final", "code": concept(LOINC, code), "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": day, "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit}, **more,
    }  # fmt: skip


def condition(code: str, system: str = SNOMED, **more: Any) -> Resource:
    return {
        "resourceType": "Condition", "code": concept(system, code), "subject": {"reference": "Patient/p1"},
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"), **more,
    }  # fmt: skip


def medicine(code: str, system: str = ATC, **more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": concept(system, code), **more,
    }  # fmt: skip


def bundle(*resources: Resource, kind: str = "collection") -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": item} for item in resources]}


def of_case(case: dict[str, Any]) -> list[Resource]:
    """The resources that say what a small case says. It needs a birth year or no age, calendar dates, and entries of the tables above."""
    person = case["person"]
    made: list[Resource] = [patient(born=str(person["birth_year"]), gender=person["sex"])]
    if "weight_kg" in person:
        made.append(lab("29463-7", person["weight_kg"], "kg", case["as_of"]))
    for entry in case.get("labs", ()):
        more: dict[str, Any] = {}
        if "reference_low" in entry:
            more["referenceRange"] = [{"low": {"value": entry["reference_low"]}, "high": {"value": entry["reference_high"]}}]
        made.append(lab(TESTS[entry["analyte"]][entry["unit"]], entry["value"], entry["unit"], entry["date"], **more))
        if "comparator" in entry:
            made[-1]["valueQuantity"]["comparator"] = entry["comparator"]
    history = case.get("history", {})
    for entry in history.get("conditions", ()):
        made.append(condition(CONDITIONS[entry["name"]]))
        made[-1] |= {"onsetDateTime": entry["from"]} if "from" in entry else {}
        made[-1] |= {"abatementDateTime": entry["to"]} if "to" in entry else {}
    for entry in history.get("drugs", ()):
        made.append(medicine(DRUGS[entry["name"]], authoredOn=entry["from"]))
        if "dose" in entry:
            made[-1]["dosageInstruction"] = [
                {
                    "timing": {"repeat": {"frequency": entry["per_day"], "period": 1, "periodUnit": "d"}},
                    "doseAndRate": [{"doseQuantity": {"value": entry["dose"], "unit": entry["unit"]}}],
                }
            ]
    for entry in history.get("operations", ()):
        made.append({"resourceType": "Procedure", "status": "completed", "code": {"text": entry["name"].replace("_", " ")},
                     "subject": {"reference": "Patient/p1"}, "performedDateTime": entry["date"]})  # fmt: skip
    for number, item in enumerate(made[1:]):
        item["id"] = f"r{number}"
    return made


def with_b12_results(document: Resource, seed: int) -> Resource:
    """A copy of a Bundle with plausible serum B12, MMA and homocysteine on two days, in units that vary: low B12 goes with high markers.

    Made up for tests: log-normal around usual values, with one factor of deficiency moving the three together.
    """
    chance = random.Random(seed)
    copy: Resource = json.loads(json.dumps(document))
    resources = [entry["resource"] for entry in copy["entry"]]
    who = next(item for item in resources if item["resourceType"] == "Patient")
    days = sorted({item["effectiveDateTime"][:10] for item in resources if "effectiveDateTime" in item}) or ["2024-03-01"]
    for day in sorted({days[(len(days) - 1) // 2], days[-1]}):
        lack = max(0.0, chance.gauss(0.0, 0.8))
        values = {
            "serum_b12": 300.0 * 2.718 ** (chance.gauss(0.0, 0.25) - lack),
            "mma": 180.0 * 2.718 ** (chance.gauss(0.0, 0.25) + 1.2 * lack),
            "homocysteine": 10.0 * 2.718 ** (chance.gauss(0.0, 0.2) + 0.7 * lack),
        }
        to_unit = {"pg/mL": 1.35537, "ng/L": 1.35537, "pmol/L": 1.0, "nmol/L": 1.0, "umol/L": 1e-3}
        for analyte, value in values.items():
            unit = chance.choice(sorted(TESTS[analyte]))
            scale = 1.0 if analyte == "homocysteine" else to_unit[unit]
            made = lab(TESTS[analyte][unit], round(value * scale, 4), unit, day)
            made["subject"] = {"reference": f"urn:uuid:{who['id']}"}
            copy["entry"].insert(chance.randrange(len(copy["entry"]) + 1), {"resource": made})
    return copy


def write_ndjson(folder: Path, resources: list[Resource]) -> Path:
    """A Bulk Data folder: one file for each type."""
    folder.mkdir(parents=True, exist_ok=True)
    for item in resources:
        with (folder / f"{item['resourceType']}.ndjson").open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(item) + "\n")
    return folder
