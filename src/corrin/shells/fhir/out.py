"""A case as FHIR R4 resources: what it tells up to `as_of`, so that our own reader (and another system) reads the same back.

Standard codes are sent where one was verified and says exactly this; beside them stands our own (`urn:corrin:case`), which is complete.
What FHIR has no plain place for is not written and is named in `left_out`; notes and the citation stay behind.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from corrin.case import known
from corrin.case.case import Case, Drug, Finding, Given, Lab
from corrin.case.check import CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS
from corrin.case.dates import parse_when
from corrin.case.exposures import dose_days, product_of
from corrin.errors import InputError
from corrin.shells.fhir.codes import OWN
from corrin.shells.fhir.written import UCUM, Resource, codes_of, coding
from corrin.units import parse

TERMS = "http://terminology.hl7.org/CodeSystem/"
YEAR_D = 365.25
MAX_SINGLE = 400
"""A course counted in doses is written dose by dose up to this many."""
NAMESPACE = uuid.UUID("b6d4d5a4-3a0e-5b8f-9d0c-6a1d1f6a7c12")


@dataclass
class Written:
    """The resources of one person, the Patient first, and what of the case could not be written."""

    patient: str
    day: datetime.date
    resources: list[Resource] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, kind: str, **parts: Any) -> Resource:
        """A resource about the person with an id of its own; parts that are None are left out."""
        name = f"{kind.lower()}-{sum(item['resourceType'] == kind for item in self.resources) + 1}"
        made = {"resourceType": kind, "id": name, **{key: value for key, value in parts.items() if value is not None}}
        self.resources.append(made)
        return made

    @property
    def subject(self) -> Resource:
        """A reference to the person."""
        return {"reference": f"Patient/{self.patient}"}

    def moment(self, when: str | None) -> str | None:
        """A date of the case as FHIR writes one, to the year, the month or the day."""
        if when is None:
            return None
        found = parse_when(when, self.day)
        day = self.day + datetime.timedelta(days=round(found.day))
        text = when.strip()
        if text[:4].isdigit() and len(text) in (4, 7, 10) and text.count("-") in (0, 1, 2):
            return text
        return day.isoformat()


def case_resources(case: Case, as_of: datetime.date | None = None) -> Written:
    """Everything a case tells up to `as_of`. An anonymous case (`day 0`) needs the calendar day that stands for it.

    Raises `InputError` where there is no calendar day.
    """
    day = as_of or case.calendar
    if day is None:
        raise InputError("as_of", '"day 0", without a calendar', "a date that stands for it", "Say which: --as-of 2024-03-01.")
    if case.calendar is not None and as_of is not None and as_of != case.calendar:
        raise InputError("as_of", f"{as_of.isoformat()}, while the case stands at {case.as_of}", "the case's own day", "Leave it out.")
    written = Written(str(uuid.uuid5(NAMESPACE, case.id or case.model_dump_json())), day)
    _person(case, written)
    for lab in case.labs:
        _lab(lab, written)
    history = case.history
    for entry in history.conditions:
        rows = known.find_modifier(entry.name, CONDITION_KINDS)
        sure = {"suspected": "provisional", "assumed": "unconfirmed", "confirmed": "confirmed"}.get(str(entry.certainty))
        _condition(written, f"modifier:{rows[0].id}" if rows else "", rows[0].name if rows else entry.name, entry.from_, entry.to, sure)
        if entry.completeness is not None:
            written.left_out.append(f"how complete {entry.name} is")
    for name in history.other_conditions:
        if name.startswith("allergy: "):
            written.add("AllergyIntolerance", patient=written.subject, code={"text": name.removeprefix("allergy: ")})
        else:
            _condition(written, "", name, None, None, None)
    for finding in case.findings:
        _finding(finding, written)
    for operation in history.operations:
        rows = known.find_modifier(operation.name, OPERATION_KINDS)
        written.add("Procedure", status="completed", subject=written.subject, performedDateTime=written.moment(operation.date),
                    code=_concept(f"modifier:{rows[0].id}" if rows else "", rows[0].name if rows else operation.name))  # fmt: skip
        if operation.removed_cm is not None:
            written.left_out.append(f"the length removed in {operation.name}")
    for drug in history.drugs:
        _drug(drug, written)
    for name in history.other_drugs:
        written.add("MedicationStatement", status="active", subject=written.subject, medicationCodeableConcept={"text": name})
    for given in (*history.past_b12, *(item for item in case.treatments if item.from_ is not None and case.day(item.from_) < 0.0)):
        _given(case, given, written)
    _exposures(case, written)
    if later := len(case.treatments) + (len(case.observed) if isinstance(case.observed, tuple) else 0):
        written.left_out.append(f"what comes after {day.isoformat()} ({later} entries)")
    if history.diet or history.foods:
        written.left_out.append("what is eaten: no code of a diet could be verified")
    written.left_out = list(dict.fromkeys(written.left_out))
    return written


def bundle(resources: list[Resource], day: datetime.date) -> Resource:
    """A collection of these resources; references are made to the names their entries have."""
    urls = {f"{item['resourceType']}/{item['id']}": _url(item) for item in resources}
    return {
        "resourceType": "Bundle", "type": "collection", "timestamp": f"{day.isoformat()}T00:00:00Z",
        "entry": [{"fullUrl": _url(item), "resource": _pointed(item, urls)} for item in resources],
    }  # fmt: skip


def _url(item: Resource) -> str:
    if item["resourceType"] == "Patient":
        return f"urn:uuid:{item['id']}"
    # About whom a resource is makes its name its own.
    about = item.get("subject") or item.get("patient") or {}
    return f"urn:uuid:{uuid.uuid5(NAMESPACE, about.get('reference', '') + item['resourceType'] + item['id'])}"


def _pointed(part: Any, urls: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {key: urls.get(value, value) if key == "reference" else _pointed(value, urls) for key, value in part.items()}
    return [_pointed(value, urls) for value in part] if isinstance(part, list) else part


# --- the parts of a case -----------------------------------------------------------------------------------------------------


def _person(case: Case, written: Written) -> None:
    person = case.person
    if person.birth_year is not None and person.age_y is None:
        born = str(person.birth_year)
    else:
        born = (written.day - datetime.timedelta(days=round(case.age_y * YEAR_D))).isoformat()
        written.left_out.append("the birth date: it is the day of the case less the age")
    address = [{"country": person.country}] if person.country else None
    written.resources.append({"resourceType": "Patient", "id": written.patient, "gender": person.sex, "birthDate": born}
                             | ({"address": address} if address else {}))  # fmt: skip
    if person.weight_kg is not None:
        _observation(written, "person:weight", "body weight", valueQuantity=_quantity(person.weight_kg, "kg"))
    if person.pregnancy == "breastfeeding":
        _condition(written, "modifier:lactation", "breastfeeding", person.pregnancy_from, None, None)
    elif person.pregnancy not in (None, "unknown", "none") and person.pregnancy_from is not None:
        _condition(written, "modifier:pregnancy", "pregnancy", person.pregnancy_from, None, None)
    elif person.pregnancy not in (None, "unknown"):
        said = "no" if person.pregnancy == "none" else "yes"
        _observation(written, "person:pregnancy", "pregnancy status", valueCodeableConcept=_concept(f"value:{said}", said))
        if said == "yes":
            written.left_out.append("the trimester: since when is not told")


def _lab(lab: Lab, written: Written) -> None:
    row = known.find_analyte(lab.analyte)
    if row is None or lab.held_back:
        written.left_out.append("a result that is held back" if lab.held_back else f"a result of {lab.analyte}")
        return
    parts: Resource = {}
    if lab.value is not None:
        parts["valueQuantity"] = _quantity(lab.value, lab.unit or "1", lab.comparator)
    elif lab.word is not None:
        parts["valueCodeableConcept"] = {"text": lab.word}
    limits = {name: _quantity(value, lab.unit or "1") for name, value in (("low", lab.reference_low), ("high", lab.reference_high))
              if value is not None}  # fmt: skip
    _observation(
        written, f"analyte:{row.id}", row.name, _of_unit(lab.unit), when=lab.date,
        method={"text": lab.method} if lab.method else None, referenceRange=[limits] if limits else None, **parts,
    )  # fmt: skip
    if lab.confirmed or lab.hours_since_dose is not None:
        written.left_out.append("remarks on results (confirmed, hours since the dose)")


def _of_unit(unit: str | None) -> str:
    """What a code has to measure to go with this unit: mass or amount, or whatever."""
    kinds = {name for name, _ in parse(unit)[1]} if unit else set()
    return "Mass" if "mass" in kinds else "Moles" if "amount" in kinds else ""


def _observation(written: Written, meaning: str, words: str, measures: str = "", when: str | None = None, **parts: Any) -> Resource:
    found = [row for row in codes_of(*meaning.split(":", 1)) if row.source in ("LOINC", "SNOMED-CT")]
    if measures:
        said = {"Mass": ("Mass/", "mCnc"), "Moles": ("Moles/", "sCnc")}[measures]
        found = [row for row in found if any(text in row.display for text in said)] or [
            row for row in found if not any(text in row.display for text in ("Mass/", "mCnc", "Moles/", "sCnc"))
        ]
    codes = [coding(found[0])] if found else []
    codes.append({"system": OWN, "code": meaning})
    return written.add("Observation", status="final", code={"coding": codes, "text": words}, subject=written.subject,
                       effectiveDateTime=written.moment(when), **parts)  # fmt: skip


def _quantity(value: float, unit: str, comparator: str = "=") -> Resource:
    made: Resource = {"value": value} | ({"comparator": comparator} if comparator != "=" else {}) | {"unit": unit}
    return made | {"system": UCUM, "code": ucum(unit)}


def ucum(unit: str) -> str:
    """A unit in the spelling of UCUM: what is not a unit of measure (per 1.73 m2, points) stands in braces."""
    text = {"mL/min/1.73m2": "mL/min/{1.73_m2}", "mL/min/1.73 m2": "mL/min/{1.73_m2}", "points": "{points}", "SD": "{SD}", "": "1"}.get(
        unit
    )
    return text or unit.replace("µ", "u").replace("μ", "u").replace("mcg", "ug").replace(" ", "")


def _concept(meaning: str, words: str) -> Resource:
    """Our own code, and beside it a standard one that means exactly this."""
    if not meaning:
        return {"text": words}
    kind, _, name = meaning.partition(":")
    found = codes_of(kind, name)
    return {"coding": [*(coding(row) for row in found[:1]), {"system": OWN, "code": meaning}], "text": words}


def _condition(
    written: Written, meaning: str, words: str, begin: str | None, end: str | None, sure: str | None, **parts: Any
) -> Resource:  # fmt: skip
    over = "resolved" if end is not None else "active"
    return written.add(
        "Condition",
        clinicalStatus={"coding": [{"system": f"{TERMS}condition-clinical", "code": over}]} if sure != "refuted" else None,
        verificationStatus={"coding": [{"system": f"{TERMS}condition-ver-status", "code": sure}]} if sure else None,
        code=_concept(meaning, words), subject=written.subject, onsetDateTime=written.moment(begin), abatementDateTime=written.moment(end),
        **parts,
    )  # fmt: skip


def _finding(finding: Finding, written: Written) -> None:
    """A sign: its severity in words; looked for and not found is a refuted one. When it was seen is when it was recorded."""
    what = f"finding:{finding.what}" + (f"/{finding.tract}" if finding.tract else "")
    words = finding.note if finding.what == "other" and finding.note else finding.what.replace("_", " ")
    gone = finding.severity == "none"
    _condition(
        written, what, words[:200], finding.date if finding.onset and not gone else None, None, "refuted" if gone else None,
        severity={"coding": [{"system": OWN, "code": f"severity:{finding.severity}"}], "text": finding.severity}
        if finding.severity and not gone else None,
        recordedDate=written.moment(finding.date),
    )  # fmt: skip
    if finding.scale is not None or finding.side is not None:
        written.left_out.append("scales and sides of findings")


def _drug(drug: Drug, written: Written) -> None:
    rows = known.find_modifier(drug.name, DRUG_KINDS)
    dosage = _dosage(drug.dose, drug.unit, drug.per_day) if drug.dose is not None or drug.per_day is not None else None
    _statement(
        written, _concept(f"modifier:{rows[0].id}" if rows else "", rows[0].name if rows else drug.name), drug.from_, drug.to, dosage
    )


def _statement(written: Written, medication: Resource, begin: str | None, end: str | None, dosage: Resource | None) -> None:
    period = {key: value for key, value in (("start", written.moment(begin)), ("end", written.moment(end))) if value is not None}
    written.add("MedicationStatement", status="active" if end is None else "completed", medicationCodeableConcept=medication,
                subject=written.subject, effectivePeriod=period or None, dosage=[dosage] if dosage else None)  # fmt: skip


def _dosage(dose: float | None, unit: str | None, per_day: float | None, route: str | None = None) -> Resource:
    made: Resource = {}
    if per_day is not None:
        times = per_day if per_day >= 1.0 and float(per_day).is_integer() else None
        repeat = {"frequency": int(times), "period": 1, "periodUnit": "d"} if times else {
            "frequency": 1, "period": round(1.0 / per_day, 6), "periodUnit": "d"}  # fmt: skip
        made["timing"] = {"repeat": repeat}
    if route:
        made["route"] = _concept(f"route:{route}", route)
    if dose is not None and unit:
        made["doseAndRate"] = [{"doseQuantity": _quantity(dose, unit)}]
    return made


def _given(case: Case, given: Given, written: Written) -> None:
    product = product_of(given)
    dose, unit = (given.dose_ug, "ug") if given.dose_ug is not None else (given.dose, given.unit)
    concept = _concept(f"product:{product.id}", product.name)
    often = any(value is not None for value in (given.every_days, given.per_week, given.times_per_day))
    if given.adherence is not None:
        written.left_out.append("how many of the doses of B12 were taken")
    if given.days is not None or (given.count is not None and given.count <= MAX_SINGLE):
        single = given.model_copy(update={"count": given.count}) if given.days is None else given
        begin = case.day(given.from_, -1.0)
        for day in dose_days(case, single, begin, 0.5) if given.days is None else [case.day(when) for when in given.days]:
            when = (written.day + datetime.timedelta(days=round(day))).isoformat() if given.from_ or given.days is not None else None
            _administered(written, concept, product.route, dose, unit, when)
        if given.from_ is None and given.days is None:
            written.left_out.append("when B12 was given")
        return
    per_day = None
    if often:
        per_day = (given.times_per_day or 1.0) / (given.every_days or (7.0 / given.per_week if given.per_week else 1.0))
    if per_day is None and product.route in ("intramuscular", "subcutaneous", "intravenous", "nasal"):
        _administered(written, concept, product.route, dose, unit, written.moment(given.from_))
        return
    _statement(written, concept, given.from_, given.to, _dosage(dose, unit, per_day, product.route))


def _administered(written: Written, concept: Resource, route: str, dose: float | None, unit: str | None, when: str | None) -> None:
    # The time is required: without one it is said to be unknown, which FHIR has a place for.
    unknown = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
    time: Resource = {"effectiveDateTime": when} if when else {"effectivePeriod": unknown}
    amount = {"dose": _quantity(dose, unit)} if dose is not None and unit else {}
    written.add("MedicationAdministration", status="completed", medicationCodeableConcept=concept, subject=written.subject,
                dosage={"route": _concept(f"route:{route}", route), **amount}, **time)  # fmt: skip


def _exposures(case: Case, written: Written) -> None:
    for use in case.history.nitrous_oxide:
        last = use.last_use or use.to
        concept = _concept("modifier:nitrous_oxide", "nitrous oxide")
        if use.pattern == "single":
            written.add("Procedure", status="completed", subject=written.subject, code=concept,
                        performedDateTime=written.moment(use.from_ or last))  # fmt: skip
        else:
            _condition(written, "modifier:nitrous_oxide", "nitrous oxide", use.from_, last, None)
            if use.pattern != "pulses" or use.hours_per_use or use.canisters_per_day:
                written.left_out.append("how often and how much nitrous oxide was breathed")
    for what, words, entry in _habits(case):
        if what == "alcohol" and entry.level == "heavy":
            _condition(written, "modifier:alcohol", words, entry.from_, entry.to, None)
        if what == "alcohol" and entry.per_day is not None:
            _observation(written, "person:alcohol", words, valueQuantity=_quantity(entry.per_day, "1"))
        level = {"none": "never", "past": "past", "current": "current", "heavy": "current"}.get(entry.level)
        if what == "smoking" and level:
            _observation(written, "person:smoking", words, valueCodeableConcept=_concept(f"value:{level}", level))
        elif what == "alcohol" and entry.level != "heavy" and entry.per_day is None and entry.level != "unknown":
            written.left_out.append("alcohol, other than heavy or counted")


def _habits(case: Case) -> Iterator[tuple[str, str, Any]]:
    if case.history.alcohol is not None:
        yield "alcohol", "alcohol", case.history.alcohol
    if case.history.smoking is not None:
        yield "smoking", "smoking status", case.history.smoking
