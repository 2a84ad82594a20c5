"""Codes as they are sent: only those that were looked up (`codes.csv`, `verified`), the plainest first; and requests for tests."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from corrin.case import known
from corrin.facts import reader
from corrin.facts.rows import Code

Resource = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
# The plainest code of each, where the table holds several of one meaning: serum in mass units, antibodies that say yes or no.
PREFERRED = ("LOINC", "SNOMED-CT", "WHO-ATC", "RxNorm", "ICD-10-CM", "UK-dmd")
TEST_WORDS = {
    "blood count": "full blood count", "mcv": "mean cell volume", "serum_b12": "serum vitamin B12",
    "holotranscobalamin": "active B12 (holotranscobalamin)",
    "mma": "methylmalonic acid", "homocysteine": "total homocysteine", "folate": "serum folate",
    "intrinsic_factor_antibody": "antibodies to intrinsic factor", "creatinine": "creatinine",
}  # fmt: skip


@lru_cache(maxsize=1)
def _by_meaning() -> dict[str, tuple[Code, ...]]:
    found: dict[str, list[Code]] = {}
    for row in reader.codes():
        # A code that stands for two things at once says more than one of them.
        if row.verified and row.code != "none" and len(row.means) == 1:
            found.setdefault(row.means[0], []).append(row)
    order = {name: place for place, name in enumerate(PREFERRED)}
    return {meaning: tuple(sorted(rows, key=lambda row: order.get(row.source, len(order)))) for meaning, rows in found.items()}


def codes_of(kind: str, name: str) -> tuple[Code, ...]:
    """Verified codes that mean exactly this (`analyte`, `serum_b12`), LOINC and SNOMED CT first; empty where none could be verified."""
    return _by_meaning().get(f"{kind}:{name}", ())


def coding(row: Code) -> Resource:
    """A row of the table as a FHIR Coding."""
    return {"system": row.system, "code": row.code, "display": row.display}


def concept_of_test(name: str) -> Resource:
    """A test as a CodeableConcept: the LOINC code of the analyte where one was verified, and its name."""
    row = known.analytes().get(name)
    words = TEST_WORDS.get(name) or (row.name if row is not None else name.replace("_", " "))
    found = [code for code in codes_of("analyte", name) if code.source == "LOINC"]
    return {"coding": [coding(found[0])], "text": words} if found else {"text": words}


def request_for(name: str, patient: str, day: str, note: str, *, urgent: bool = False) -> Resource:
    """A draft request for one test: a proposal that somebody may take up, never an order. `patient`: the id of the Patient."""
    return {
        "resourceType": "ServiceRequest", "status": "draft", "intent": "proposal", "priority": "urgent" if urgent else "routine",
        "code": concept_of_test(name), "subject": {"reference": f"Patient/{patient}"}, "authoredOn": day, "note": [{"text": note}],
    }  # fmt: skip
