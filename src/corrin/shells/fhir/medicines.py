"""Medicines: what, how much at a time, how often, from when to when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corrin.errors import InputError
from corrin.shells.fhir.codes import ALL_DRUG_KINDS, Coded, coded, drug_within, meanings, modifiers
from corrin.shells.fhir.elements import Day, day_of, end_of, first_day, number, objects, period_days, quantity, reference, state
from corrin.shells.fhir.record import Medicine, Origin, Tally
from corrin.units import convert, convertible

NOT_TAKEN = ("entered-in-error", "cancelled", "draft", "not-taken", "not-done", "intended")
ENDED = ("stopped", "completed", "ended")
NOT_ORDERED = ("proposal", "plan", "option")

# HL7's timing abbreviations as intakes a day.
TIMES_A_DAY = {
    "bid": 2.0, "tid": 3.0, "qid": 4.0, "qd": 1.0, "am": 1.0, "pm": 1.0, "bed": 1.0, "qod": 0.5, "q1h": 24.0, "q2h": 12.0, "q3h": 8.0,
    "q4h": 6.0, "q6h": 4.0, "q8h": 3.0, "q12h": 2.0, "wk": 1 / 7, "mo": 1 / 30.4375,
}  # fmt: skip
_NUMBERS = {
    "once": 1.0, "one": 1.0, "twice": 2.0, "two": 2.0, "three": 3.0, "thrice": 3.0, "four": 4.0, "six": 6.0, "eight": 8.0, "twelve": 12.0,
    "other": 2.0, "second": 2.0, "third": 3.0,
}  # fmt: skip
_UNITS = {"day": 1.0, "daily": 1.0, "week": 7.0, "weekly": 7.0, "month": 30.4375, "monthly": 30.4375}
# The wording of a prescription, as far as it is plain.
_WORD_OF_NUMBER = r"\d{1,3}|other|second|third|two|three|four|six|eight|twelve"
_EVERY = re.compile(rf"\bevery\s+(?:({_WORD_OF_NUMBER})(?:\s*(?:to|-)\s*\d{{1,3}})?\s+)?(hours?|days?|weeks?|months?)\b")
_OFTEN = re.compile(
    r"\b(once|twice|thrice|(?:one|two|three|four|\d{1,2}) times?|one|two|three|four)?\s*(?:(?:a|per|each|every)\s+)?"
    r"(daily|weekly|monthly|day|week|month)\b"
)
_LATIN = ((r"\b(?:b\.?d|b\.?i\.?d|bds)\b", 2.0), (r"\b(?:t\.?d\.?s|t\.?i\.?d)\b", 3.0), (r"\b(?:q\.?d\.?s|q\.?i\.?d)\b", 4.0),
          (r"\b(?:o\.?d|qd|qhs|nocte|mane)\b", 1.0))  # fmt: skip

_STRENGTH = re.compile(
    r"(\d[\d,]*(?:\.\d+)?)\s*(mg|mcg|ug|µg|μg|micrograms?|g|milligrams?)(?:\s*/\s*(\d+(?:\.\d+)?)?\s*(ml|millilitres?))?\b", re.IGNORECASE
)
# What is counted, so that the strength in the name is that of one; and how many, in words.
_PIECE = re.compile(
    r"^\{?(?:1|tab(?:let)?s?|tbl|cap(?:sule)?s?|ampoules?|amp|vials?|sprays?|puffs?|doses?|lozenges?|units?|each)\}?$", re.IGNORECASE
)
_PIECES = re.compile(r"\b(one|two|three|four|\d{1,2})\s*(?:tab(?:let)?s?|cap(?:sule)?s?|ampoules?|vials?|sprays?|lozenges?)\b")
FORMS = (
    (r"hydrox[oy]?cobalamin", "hydroxocobalamin"),
    (r"methyl ?cobalamin|mecobalamin", "methylcobalamin"),
    (r"adenosyl ?cobalamin|cobamamide|dibencozide", "adenosylcobalamin"),
    (r"cyano ?cobalamin|\bvitamin b[ -]?12\b|\bvit\.? b[ -]?12\b|\bcobalamin\b", "cyanocobalamin"),
)
ROUTES = (
    (r"sublingual|under the tongue|lozenge", "sublingual"),
    (r"nasal|spray", "nasal"),
    (r"subcutan|\bs\.?c\.?\b", "subcutaneous"),
    (r"intraven|\bi\.?v\.?\b", "intravenous"),
    (r"intramusc|\bi\.?m\.?\b|inject|ampoule|\bvial\b", "intramuscular"),
    (r"oral|tablet|capsule|by mouth|\bp\.?o\.?\b|chewable|drops", "oral"),
)


def medicine(resource: dict[str, Any], origin: Origin, tally: Tally) -> Iterator[Medicine]:
    """A MedicationRequest, -Statement or -Administration that was meant and, as far as is known, taken."""
    if state(resource.get("status")) in NOT_TAKEN or state(resource.get("intent")) in NOT_ORDERED or resource.get("doNotPerform") is True:
        return
    medication, strength, refers_to = coded(resource.get("medicationCodeableConcept")), "", reference(resource.get("medicationReference"))
    if refers_to and refers_to.startswith("#"):
        for held in objects(resource.get("contained")):
            if f"#{held.get('id')}" == refers_to:
                medication, strength = coded(held.get("code")), strength_of(held)
        refers_to = None
    if not medication.name:
        medication = Coded(medication.codes, str((resource.get("medicationReference") or {}).get("display") or "")[:200]
                           if isinstance(resource.get("medicationReference"), dict) else "")  # fmt: skip
    given = resource.get("resourceType") == "MedicationAdministration"
    dosages = objects(resource.get("dosageInstruction")) or objects(resource.get("dosage"))
    dosage = dosages[0] if dosages else {}
    dose, unit = _dose(dosage)
    begin, to = _span(resource, dosage)
    yield Medicine(
        origin, medication, refers_to, strength, coded(dosage.get("route")), begin, to,
        state(resource.get("status")) in ENDED or given or (to is not None and state(resource.get("status")) != "active"),
        dose, unit, _total_per_day(dosages, dose), given,
    )  # fmt: skip


def strength_of(medication: dict[str, Any]) -> str:
    """What a Medication says its parts weigh, as words: `500 mg`."""
    for part in objects(medication.get("ingredient")):
        ratio = part.get("strength")
        over = quantity(ratio.get("numerator")) if isinstance(ratio, dict) else None
        under = quantity(ratio.get("denominator")) if isinstance(ratio, dict) else None
        if over and over.units:
            base = ""
            if under and under.units and under.units[0].lower() in ("ml", "l"):
                base = f"/{under.value:g} {under.units[0].lower()}"
            return f"{over.value:g} {over.units[0]}{base}"
    return ""


def _span(resource: dict[str, Any], dosage: dict[str, Any]) -> tuple[Day | None, Day | None]:
    begin = first_day(resource, "effectiveDateTime", "effectivePeriod", "authoredOn")
    to = end_of(resource, "effectivePeriod")
    timing = dosage.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    if isinstance(bounds, dict):
        begin, to = day_of(bounds.get("start")) or begin, day_of(bounds.get("end")) or to
    dispense = resource.get("dispenseRequest")
    if to is None and isinstance(dispense, dict) and state(resource.get("status")) in ENDED:
        to = end_of(dispense, "validityPeriod")
    return begin, to


def _dose(dosage: dict[str, Any]) -> tuple[float | None, str]:
    rates = objects(dosage.get("doseAndRate")) or [dosage]
    for rate in rates:
        found = quantity(rate.get("doseQuantity")) or quantity(rate.get("dose"))
        if found is None and isinstance(rate.get("doseRange"), dict):
            found = quantity(rate["doseRange"].get("low"))
        if found and found.value > 0.0:
            unit = next((unit for unit in found.units if convertible(unit, "mg") or convertible(unit, "mL")), "")
            if unit or not found.units or any(_PIECE.search(unit) for unit in found.units):
                return found.value, unit
            return None, ""
    text = dosage.get("text")
    words = " ".join(text.lower().split())[:300] if isinstance(text, str) else ""
    found_text = _STRENGTH.search(words)
    if found_text and not found_text[4]:
        return float(found_text[1].replace(",", "")), found_text[2]
    if pieces := _PIECES.search(words):
        return _NUMBERS.get(pieces[1]) or float(pieces[1]), ""
    return None, ""


def _total_per_day(dosages: list[dict[str, Any]], dose: float | None) -> float | None:
    """Intakes a day: of one line, or of several lines of one dose (morning and evening) together."""
    rates = [per_day(item) for item in dosages[:10]]
    if len(rates) > 1 and all(rate is not None for rate in rates) and all(_dose(item)[0] == dose for item in dosages[:10]):
        return sum(rate for rate in rates if rate is not None)
    return rates[0] if rates else None


def per_day(dosage: dict[str, Any]) -> float | None:
    """Intakes a day by a Dosage's timing, its code or its words; None when it does not say, or only when needed."""
    if dosage.get("asNeededBoolean") is True or dosage.get("asNeededCodeableConcept"):
        return None
    timing = dosage.get("timing")
    if isinstance(timing, dict):
        repeat = timing.get("repeat")
        if isinstance(repeat, dict):
            days = period_days(repeat.get("period"), repeat.get("periodUnit"))
            times = number(repeat.get("frequency"))
            moments = repeat.get("when") or repeat.get("timeOfDay")
            weekdays = repeat.get("dayOfWeek")
            if isinstance(weekdays, list) and weekdays and days in (None, 7.0, 1.0):
                return len(set(map(str, weekdays))) / 7.0
            if days:
                count = times or (float(len(moments)) if isinstance(moments, list) and moments else 1.0)
                return count / days if count > 0.0 else None
            if isinstance(moments, list) and moments:
                return float(len(moments))
        word = state(timing.get("code"))
        if word in TIMES_A_DAY:
            return TIMES_A_DAY[word]
        if word and (found := in_words(word)):
            return found
    text = dosage.get("text")
    return in_words(text) if isinstance(text, str) else None


def in_words(text: str) -> float | None:
    """Intakes a day by the words of a prescription: `twice daily`, `every 3 months`, `TDS`."""
    text = " ".join(text.lower().split())[:300]
    if re.search(r"\bas needed\b|\bp\.?r\.?n\b|\bwhen required\b", text):
        return None
    if found := _EVERY.search(text):
        count = _NUMBERS.get(found[1] or "one") or float(found[1])
        unit = found[2].rstrip("s")
        days = count * (1 / 24 if unit == "hour" else _UNITS[unit])
        return 1.0 / days if days > 0.0 else None
    for pattern, times in _LATIN:
        if re.search(pattern, text):
            return times
    if found := _OFTEN.search(text):
        word = (found[1] or "once").split()[0]
        count = _NUMBERS.get(word) or float(word)
        return count / _UNITS[found[2]]
    return None


def b12_form(medication: Coded) -> str:
    """The form of B12 a medicine holds; empty when it is none."""
    for _, name in meanings(medication, ("form",)):
        return name
    for word in medication.words:
        for pattern, form in FORMS:
            if re.search(pattern, word.lower()):
                return form
    return ""


def b12_product(medication: Coded, route: Coded) -> str:
    """The id of the B12 product a medicine is; empty when it is none."""
    for _, name in meanings(medication, ("product",)):
        return name
    for word in medication.words:
        plain = word.lower()
        if re.search(r"multi-?vitamin|prenatal vitamin", plain):
            return "multivitamin-oral"
        if re.search(r"vitamin b[ -]complex|\bb[ -]complex\b", plain):
            return "b-complex-oral"
    form = b12_form(medication)
    if not form:
        return ""
    from corrin.case import known

    by_code = next((name for _, name in meanings(route, ("route",))), "")
    said = by_code or _first(ROUTES, (*route.words, *medication.words))
    # By what way is not said: B12 on prescription is most often injected, but of hydroxocobalamin only is that so everywhere.
    way = said or ("intramuscular" if form == "hydroxocobalamin" else "oral")
    # The plain product of the form before one that only holds it (a multivitamin).
    row = known.products().get(f"{form}-{way}") or known.product_for(form, way) or known.product_for(form, "oral")
    return row.id if row else ""


def route_said(medication: Coded, route: Coded) -> bool:
    """Whether the way it is given stands anywhere."""
    return bool(meanings(route, ("route",)) or meanings(medication, ("product",)) or _first(ROUTES, (*route.words, *medication.words)))


def _first(table: tuple[tuple[str, str], ...], words: tuple[str, ...]) -> str:
    return next((name for word in words for pattern, name in table if re.search(pattern, word.lower())), "")


def drug(medication: Coded) -> str:
    """The id of the modifier a medicine is; empty when it is none."""
    found = modifiers(medication, ALL_DRUG_KINDS)
    return found[0] if found else next((name for word in medication.words if (name := drug_within(word))), "")


def amount(record: Medicine, medication: Coded, strength: str) -> tuple[float, str] | None:
    """One dose as a mass: as stated, or so many tablets or millilitres of the strength in the name. None when it cannot be told."""
    per_unit = _STRENGTH.search(strength) or next((found for word in medication.words if (found := _STRENGTH.search(word))), None)
    if record.dose is not None and record.dose_unit and convertible(record.dose_unit, "mg"):
        return record.dose, _plain_unit(record.dose_unit)
    if per_unit is None:
        return None
    mass, unit = float(per_unit[1].replace(",", "")), _plain_unit(per_unit[2])
    if per_unit[4]:
        # A strength in each ml, or in so many ml: how many were given decides.
        if record.dose is None or not convertible(record.dose_unit or "1", "mL"):
            # An ampoule that names its volume is taken as given whole.
            return (mass, unit) if per_unit[3] else None
        return round(mass * convert(record.dose, record.dose_unit, "mL") / float(per_unit[3] or 1.0), 6), unit
    return round(mass * (record.dose if record.dose is not None and not record.dose_unit else 1.0), 6), unit


def _plain_unit(unit: str) -> str:
    """mg, ug or g, however it was spelt."""
    try:
        factor = convert(1.0, unit, "g")
    except InputError:
        return unit
    return {1.0: "g", 1e-3: "mg", 1e-6: "ug"}.get(float(f"{factor:.6g}"), unit)
