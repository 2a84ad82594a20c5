"""A patient's record in FHIR R4 as a case: a Bundle (JSON) or NDJSON, a file, a folder or an open file.

    case, report = read_fhir("bundle.json")

Only what has a part in a case is read and checked: Patient, Observation (with components), Condition, MedicationRequest, -Statement and
-Administration with the Medication they refer to, Procedure, AllergyIntolerance, and what a DiagnosticReport or another resource contains.
Everything else is counted. References are followed within the document only; nothing is ever fetched. Resources may stand in any order and
more than once; the case is the same. `codes.csv` says what a code means.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from corrin.case.case import Case
from corrin.case.dates import parse_as_of
from corrin.case.reader import read_case
from corrin.errors import InputError
from corrin.shells.fhir.build import Records, document
from corrin.shells.fhir.codes import coded
from corrin.shells.fhir.conditions import allergy, condition, procedure
from corrin.shells.fhir.elements import objects, subject_of
from corrin.shells.fhir.medicines import medicine, strength_of
from corrin.shells.fhir.observations import observation
from corrin.shells.fhir.people import choose, is_about, person
from corrin.shells.fhir.record import MAX_KEPT, Operated, Origin, Person, Report, Result, Tally, report
from corrin.shells.fhir.stream import resources

__all__ = ["Report", "fhir_document", "read_fhir"]

MEDICINES = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")


def read_fhir(
    source: str | Path | IO[Any] | Mapping[str, Any],
    *,
    patient: str | None = None,
    as_of: str | datetime.date | None = None,
    leave_out_doubtful: bool = False,
    today: datetime.date | None = None,
    any_age: bool = False,
) -> tuple[Case, Report]:
    """The case of one patient, and the account of what was read, used and left out.

    `patient` chooses among several by id. `as_of` is day 0, by default the last date of anything used; results after it are kept in
    `observed`, B12 begun after it in `treatments`. A result that moves the answer and cannot be right as it stands (its value belongs to
    another unit, its unit to another quantity) is refused, or with `leave_out_doubtful` left out and told. `today` is what counts as the
    future (default: the clock).

    Raises `InputError` (place, what was found, what was expected, the cure) for what cannot be read, `NotCovered` for a person under 16
    unless `any_age`.
    """
    found, account = fhir_document(source, patient=patient, as_of=as_of, leave_out_doubtful=leave_out_doubtful, today=today)
    return read_case(found, any_age=any_age), account


def fhir_document(
    source: str | Path | IO[Any] | Mapping[str, Any],
    *,
    patient: str | None = None,
    as_of: str | datetime.date | None = None,
    leave_out_doubtful: bool = False,
    today: datetime.date | None = None,
) -> tuple[dict[str, Any], Report]:
    """As `read_fhir`, but the case as the plain data of `corrin.case/1`: a file to correct by hand, or a child's."""
    where = _name(source)
    day = _day(as_of)
    tally, records = Tally(), Records()
    for place, item, url in resources(source):
        if isinstance(item, InputError):
            tally.fault(item)
        else:
            _keep(item, place, url, records, tally, 0)
        if records.count > MAX_KEPT:
            raise InputError(where, f"more than {MAX_KEPT:,} entries of use", "the record of one patient", "Export one patient.")
    one = choose(records.people, patient, where)
    mine = _about(records, one, tally)
    made, day_zero, said = document(mine, one, tally, day, today or datetime.date.today(), where, leave_out_doubtful=leave_out_doubtful)
    return made, report(tally, day_zero, said)


def _name(source: object) -> str:
    text = Path(source).name if isinstance(source, str | Path) else ""
    return text.encode("ascii", "backslashreplace").decode() or "bundle"


def _day(as_of: str | datetime.date | None) -> datetime.date | None:
    if as_of is None or isinstance(as_of, datetime.datetime):
        return as_of.date() if as_of is not None else None
    if isinstance(as_of, datetime.date):
        return as_of
    try:
        found = parse_as_of(as_of)
    except InputError:
        found = None
    if found is None:
        raise InputError("as_of", f"{ascii(as_of)[:40]} is not a full date", "a date such as 2024-03-01")
    return found


def _keep(resource: dict[str, Any], place: str, url: str | None, records: Records, tally: Tally, depth: int) -> None:
    """Put what one resource says into the records."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or not kind.isalnum() or len(kind) > 60:
        tally.leave(place, "no resourceType", "a FHIR resource")
        return
    name = resource.get("id")
    origin = Origin(
        f"{place} {kind}" + (f"/{ascii(name)[1:-1][:64]}" if isinstance(name, str) and name else ""), kind, subject_of(resource)
    )
    tally.read[kind if kind in tally.read or len(tally.read) < 200 else "other"] += 1
    if kind == "Patient":
        records.people.append(person(resource, origin, url))
    elif kind == "Observation":
        for found in observation(resource, origin, tally):
            if isinstance(found, Result):
                records.results.append(found)
            else:
                records.remarks.append(found)
    elif kind == "Condition":
        records.illnesses += condition(resource, origin, tally)
    elif kind == "Procedure":
        for done in procedure(resource, origin, tally):
            if isinstance(done, Operated):
                records.operated.append(done)
            else:
                records.illnesses.append(done)
    elif kind in MEDICINES:
        records.medicines += medicine(resource, origin, tally)
    elif kind == "AllergyIntolerance":
        records.allergies += allergy(resource, origin, tally)
    elif kind == "Medication":
        for key in (name, url):
            if isinstance(key, str) and key:
                records.medications[key.rsplit("/", 1)[-1].removeprefix("urn:uuid:")] = (coded(resource.get("code")), strength_of(resource))
    elif kind == "Bundle" and depth < 3:
        for number, entry in enumerate(objects(resource.get("entry"))):
            inner = entry.get("resource")
            if isinstance(inner, dict):
                link = entry.get("fullUrl")
                _keep(inner, f"{place}.entry[{number}]", link if isinstance(link, str) else None, records, tally, depth + 1)
    elif kind == "DiagnosticReport" and depth < 3:
        for inner in objects(resource.get("contained")):
            if inner.get("resourceType") == "Observation":
                shared = {key: resource[key] for key in ("subject", "effectiveDateTime", "effectivePeriod", "issued") if key in resource}
                _keep(shared | inner, place, None, records, tally, depth + 1)


def _about(records: Records, one: Person, tally: Tally) -> Records:
    """The records of one person."""
    alone = len({name for other in records.people for name in other.ids[:1]}) <= 1
    mine = Records(people=[one], medications=records.medications)
    for field in ("results", "remarks", "illnesses", "operated", "medicines", "allergies"):
        kept = []
        for item in getattr(records, field):
            if is_about(item.origin.subject, one, alone=alone):
                kept.append(item)
            else:
                tally.others += 1
        setattr(mine, field, kept)
    return mine
