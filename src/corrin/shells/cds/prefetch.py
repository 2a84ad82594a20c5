"""What a records system sent along, as a case; and what it did not send. Nothing is ever asked of its FHIR server."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corrin.case.case import Case
from corrin.errors import CorrinError
from corrin.facts import reader
from corrin.shells.fhir import Report, read_fhir
from corrin.shells.fhir.elements import day_of, objects, state

PATIENT = "patient={{context.patientId}}"
WORDS = {
    "patient": "the Patient",
    "observations": "laboratory results",
    "conditions": "conditions",
    "medications": "medication orders",
    "statements": "medication statements",
    "administrations": "medicines given",
    "procedures": "procedures",
    "allergies": "allergies",
}
"""The prefetch keys and what they hold, in the words of a card."""
MAX_RESOURCES = 5000


def templates() -> dict[str, str]:
    """The queries a client is asked to make before it calls: reads and searches by equality only, newest results first."""
    tests = [row.code for row in reader.codes() if row.source == "LOINC" and row.code != "none" and _read(row.means)]
    wanted = ",".join(f"http://loinc.org|{code}" for code in dict.fromkeys(tests))
    return {
        "patient": "Patient/{{context.patientId}}",
        "observations": f"Observation?{PATIENT}&code={wanted}&_sort=-date&_count=500",
        "conditions": f"Condition?{PATIENT}",
        "medications": f"MedicationRequest?{PATIENT}",
        "statements": f"MedicationStatement?{PATIENT}",
        "administrations": f"MedicationAdministration?{PATIENT}&_sort=-effective-time&_count=200",
        "procedures": f"Procedure?{PATIENT}",
        "allergies": f"AllergyIntolerance?{PATIENT}",
    }


def _read(means: Sequence[str]) -> bool:
    return any(meaning.partition(":")[0] in ("analyte", "person") for meaning in means)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the patient. `case` is None where that is not enough to say anything, and `why` says why.

    `missing`: what was not sent or could not be obtained; `partly`: what was cut off at a page; `ended`: the record says that the person
    has died.
    """

    case: Case | None
    report: Report | None
    why: str = ""
    missing: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    ended: bool = False

    def sent(self, *keys: str) -> bool:
        """Whether all of these were sent."""
        return not set(keys) & set(self.missing)

    @property
    def remarks(self) -> list[str]:
        """Sentences on what was not sent or not used, for the foot of a card. No word of the record itself."""
        made = []
        if self.missing:
            made.append(f"Not sent, so not known: {', '.join(WORDS[key] for key in self.missing)}.")
        if self.partly:
            made.append(f"Only the first page was sent: {', '.join(WORDS[key] for key in self.partly)}.")
        if self.report is not None and self.report.left_out_count:
            count = self.report.left_out_count
            made.append(f"{count:,} entr{'y' if count == 1 else 'ies'} of the record could not be used as written and count for nothing.")
        return made


def known(prefetch: Mapping[str, Any] | None, patient_id: str, today: datetime.date) -> Known:
    """The case of the patient of the context, as of today. What is missing, misshapen or about somebody else is said, never an error."""
    held: dict[str, list[dict[str, Any]]] = {}
    partly = []
    for key in WORDS:
        value = (prefetch or {}).get(key)
        found, more = _resources(value)
        if found is not None:
            held[key] = found
            if more:
                partly.append(key)
    # A client may send what it has under names of its own, such as one Bundle of everything.
    others = [found for key, value in (prefetch or {}).items() if key not in WORDS and (found := _resources(value)[0])]
    every = [item for found in (*held.values(), *others) for item in found]
    kinds = {str(item.get("resourceType")) for found in others for item in found}
    missing = tuple(key for key in WORDS if key not in held and KINDS[key] not in kinds)
    patients = [item for item in every if item.get("resourceType") == "Patient"]
    nobody = Known(None, None, "", tuple(dict.fromkeys(("patient", *missing))), tuple(partly))
    if len(every) > MAX_RESOURCES:
        return _because(nobody, f"More than {MAX_RESOURCES:,} resources were sent: send those the discovery asks for.")
    if not patients:
        return _because(nobody, "The Patient was not sent. Age moves every answer and is never guessed.")
    if any(item.get("id") != patient_id for item in patients):
        return _because(nobody, "The Patient that was sent is not the one of the context. Nothing was read.")
    if any(day_of(item.get("birthDate")) is None for item in patients):
        return _because(nobody, "The Patient has no birth date that can be read. Age moves every answer and is never guessed.")
    ended = any(item.get("deceasedBoolean") is True or item.get("deceasedDateTime") for item in patients)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": item} for item in every]}
    try:
        case, report = read_fhir(bundle, patient=patient_id, as_of=today, today=today, leave_out_doubtful=True, any_age=True)
    except (CorrinError, RecursionError):
        return _because(nobody, "The record that was sent cannot be read as FHIR R4.")
    return Known(case, report, "", missing, tuple(partly), bool(ended))


KINDS = {
    "patient": "Patient", "observations": "Observation", "conditions": "Condition", "medications": "MedicationRequest",
    "statements": "MedicationStatement", "administrations": "MedicationAdministration", "procedures": "Procedure",
    "allergies": "AllergyIntolerance",
}  # fmt: skip


def _because(nobody: Known, why: str) -> Known:
    return Known(None, None, why, nobody.missing, nobody.partly)


def _resources(value: Any) -> tuple[list[dict[str, Any]] | None, bool]:
    """The resources of one prefetch value, and whether there are more pages. None: it was not obtained (absent, null, OperationOutcome)."""
    if not isinstance(value, dict):
        return None, False
    kind = value.get("resourceType")
    if kind == "OperationOutcome" or not isinstance(kind, str):
        return None, False
    if kind != "Bundle":
        return [value], False
    entries = [entry["resource"] for entry in objects(value.get("entry")) if isinstance(entry.get("resource"), dict)]
    found = [item for item in entries if item.get("resourceType") != "OperationOutcome"]
    if entries and not found:
        return None, False
    return found, any(state(link.get("relation")) == "next" for link in objects(value.get("link")))
