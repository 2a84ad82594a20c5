"""Conditions, procedures and allergies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corrin.shells.fhir.codes import ALL_CONDITION_KINDS, ALL_OPERATION_KINDS, assumed, coded, is_known, meanings, modifiers
from corrin.shells.fhir.elements import bad_date, day_of, end_of, first_day, objects, state, years
from corrin.shells.fhir.record import Allergy, Illness, Operated, Origin, Tally

REFUTED = ("refuted", "entered-in-error")
UNSURE = ("unconfirmed", "provisional", "differential")
ENDED = ("inactive", "remission", "resolved")
NOT_DONE = ("not-done", "entered-in-error", "preparation", "stopped")
# A single exposure, not a habit.
ONCE = re.compile(r"poison|adverse|toxic|an(?:a)?esthe|overdose", re.IGNORECASE)
ALLERGENS = re.compile(r"cyanocobalamin|hydroxocobalamin|methylcobalamin|mecobalamin|cobalamin|vitamin b ?12|cobalt", re.IGNORECASE)
SEVERITIES = ("mild", "moderate", "severe", "worst")
NITROUS = ("nitrous_oxide", "nitrous_oxide_canisters")


def condition(resource: dict[str, Any], origin: Origin, tally: Tally) -> Iterator[Illness]:
    """A Condition that was not refuted."""
    sure = state(resource.get("verificationStatus"))
    code = coded(resource.get("code"))
    if sure in REFUTED and not (sure == "refuted" and any(source == "corrin" for source, _, _ in code.codes)):
        return
    if not code.name:
        return
    found = modifiers(code, ALL_CONDITION_KINDS)
    # An excess of a vitamin is listed as a drug and seen as a condition.
    found = found or tuple(name for _, name in meanings(code, ("modifier",)) if name == "vitamin_b6_excess")
    findings = tuple(name for _, name in meanings(code, ("finding",)))
    own = any(source == "corrin" for source, _, _ in code.codes)
    if sure == "refuted" and not findings:
        return
    for key in ("onsetDateTime", "abatementDateTime"):
        if (found or findings) and bad_date(resource.get(key)):
            tally.leave(f"{origin.place}: {key}", "no date that can be read", "a date such as 2024-03-01", "The date was left out.")
    if not found and not findings and not is_known(code):
        tally.unknown(code)
    begin = first_day(resource, "onsetDateTime", "onsetPeriod")
    to = first_day(resource, "abatementDateTime") or end_of(resource, "abatementPeriod", "onsetPeriod")
    ended = state(resource.get("clinicalStatus")) in ENDED or to is not None or resource.get("abatementBoolean") is True
    certainty = "suspected" if sure in UNSURE else "confirmed" if sure == "confirmed" else None
    yield Illness(
        origin, code.name, found, findings, begin, years(resource.get("onsetAge")), to, ended, certainty,
        f"{code.name}: {text}" if found and (text := assumed(code)) else "", bool(ONCE.search(code.name)),
        "none" if sure == "refuted" else _severity(resource.get("severity")), day_of(resource.get("recordedDate")) if own else None,
    )  # fmt: skip


def _severity(value: Any) -> str | None:
    """How bad, where it is said in one of the words of a case."""
    return next((word.lower() for word in coded(value).words if word.lower() in SEVERITIES), None)


def procedure(resource: dict[str, Any], origin: Origin, tally: Tally) -> Iterator[Operated | Illness]:
    """A Procedure that was done; nitrous oxide breathed in one counts as an exposure."""
    if state(resource.get("status")) in NOT_DONE:
        return
    code = coded(resource.get("code"))
    found = modifiers(code, ALL_OPERATION_KINDS) or modifiers(code, ("exposure",))
    if not found:
        if not is_known(code) and (code.codes or code.text):
            tally.unknown(code)
        return
    if bad_date(resource.get("performedDateTime")):
        tally.leave(f"{origin.place}: performedDateTime", "no date that can be read", "a date such as 2024-03-01", "The date was left out.")
    day = first_day(resource, "performedDateTime", "performedPeriod")
    for name in found:
        if name in NITROUS:
            yield Illness(origin, code.name, (name,), (), day, None, day, True, None, once=True)
        elif name not in ("smoking", "alcohol"):
            yield Operated(origin, name, day, f"{code.name}: {text}" if (text := assumed(code)) else "")


def allergy(resource: dict[str, Any], origin: Origin, tally: Tally) -> Iterator[Allergy]:
    """An AllergyIntolerance to a form of B12 or to cobalt."""
    if state(resource.get("verificationStatus")) in REFUTED or state(resource.get("clinicalStatus")) in ENDED:
        return
    code = coded(resource.get("code"))
    codes = [code, *(coded(item.get("substance")) for item in objects(resource.get("reaction")))]
    names = {name for item in codes for _, name in meanings(item, ("allergy",))}
    names |= {match[0].lower() for item in codes for word in item.words for match in ALLERGENS.finditer(word)}
    if names:
        yield Allergy(origin, sorted(names)[0])
    elif code.codes or code.text:
        tally.unknown(code)
