"""Observations: laboratory results, and what is observed about the person (weight, smoking, alcohol, pregnancy)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from corrin.case import known
from corrin.case.case import Lab
from corrin.case.check import lab_faults
from corrin.errors import InputError
from corrin.facts import reader
from corrin.facts.rows import Analyte
from corrin.shells.fhir.codes import Coded, coded, is_known, meanings, note
from corrin.shells.fhir.elements import Day, Quantity, bad_date, first_day, number, objects, quantity, state
from corrin.shells.fhir.record import Origin, Remark, Result, Tally
from corrin.units import convert, parse

NOT_MEANT = ("entered-in-error", "cancelled")
RANKS = {"corrected": 2, "amended": 2, "appended": 2, "registered": 0, "preliminary": 0}
MEASURED = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming", "issued")

# Words of a report in the order they are looked for: "not detected" before "detected".
WORDS = (
    (r"undetectable|below detection", "undetectable"),
    (r"\bnot detected\b|\bnegative\b|\bneg\b|\bnon-?reactive\b|\babsent\b|\bnone\b|\bnormal\b|^n$", "normal"),
    (r"\bpositive\b|\bpos\b|\bdetected\b|\breactive\b|\bpresent\b|\braised\b|\bhigh\b|\belevated\b|\bincreased\b|^hh?$|^a$", "raised"),
    (r"\blow\b|\bdecreased\b|\breduced\b|^ll?$", "low"),
)
# Only an antibody is positive or negative; its number has no unit shared between assays.
ANTIBODIES = ("intrinsic_factor_antibody", "parietal_cell_antibody")
SMOKING = (
    (r"\bnever\b|\bnon-?smoker\b", "never"),
    (r"\bformer\b|\bex\b|\bex-|\bquit\b|\bpast\b|\bstopped\b", "past"),
    (r"\bcurrent\b|\bsmoker\b|\bsmokes\b|\bdaily\b|\bevery day\b|\bsome day\b", "current"),
)
YES_NO = ((r"\bnot\b|\bno\b|\bnegative\b", "no"), (r"\bpregnan|\byes\b|\bpositive\b", "yes"))
_NUMBER_IN_TEXT = re.compile(r"^\s*([<>]=?)?\s*(\d+(?:\.\d+)?)\s*([^\d\s].{0,30})?$")


def observation(resource: dict[str, Any], origin: Origin, tally: Tally) -> Iterator[Result | Remark]:
    """What an Observation and its components say. Statuses that mean it never was are passed over."""
    if state(resource.get("status")) in NOT_MEANT:
        return
    yield from _one(resource, resource, origin, tally)
    for part in objects(resource.get("component"))[:500]:
        yield from _one(part, resource, origin, tally)


def _one(part: dict[str, Any], whole: dict[str, Any], origin: Origin, tally: Tally) -> Iterator[Result | Remark]:
    code = coded(part.get("code"))
    if not code.codes and not code.text:
        return
    about = [name for kind, name in meanings(code, ("person",)) if kind == "person"]
    if about:
        yield from _remark(about[0], part, whole, origin, tally)
        return
    names = [name for kind, name in meanings(code, ("analyte",)) if kind == "analyte"]
    if not names and not is_known(code) and not any(source == "LOINC" for source, _, _ in code.codes):
        # A laboratory's own code: its name may be one of ours. A LOINC nobody knows is another test, whatever it is called.
        found = {row.id for word in code.words if (row := known.find_analyte(word)) is not None}
        names = sorted(found)
    questioned = next(
        ((source, value) for source, value, _ in code.codes if meanings(Coded(((source, value, ""),)), ("questioned",))), None
    )
    if questioned and not names:
        tally.leave(
            f"{origin.place}: code", f"{questioned[0]} {questioned[1]}", "", f"{note(*questioned)} It was not taken for the serum test."
        )
        return
    if len(names) > 1:
        tally.leave(f"{origin.place}: code", f"codes of several tests ({', '.join(names)})", "one test")
        return
    if not names:
        if not _has_parts(part):
            tally.unknown(code)
        return
    row = known.analytes().get(names[0])
    if row is not None and (made := _result(row, code, part, whole, origin, tally)):
        yield made


def _has_parts(part: dict[str, Any]) -> bool:
    """A panel: its name need not be known, its parts are read on their own."""
    return bool(part.get("component") or part.get("hasMember")) and not any(key.startswith("value") for key in part)


def _result(row: Analyte, code: Coded, part: dict[str, Any], whole: dict[str, Any], origin: Origin, tally: Tally) -> Result | None:
    day = first_day(whole, *MEASURED)
    if day is None and any(bad_date(whole.get(key)) for key in ("effectiveDateTime", "effectiveInstant")):
        tally.leave(
            f"{origin.place}: effectiveDateTime", "no date that can be read", "a date such as 2024-03-01", "The result was left out."
        )
        return None
    found = _quantity(part)
    said = _said(part, row)
    rank = RANKS.get(state(whole.get("status")), 1)
    method = coded(whole.get("method")).name[:200] or None
    if found is None:
        if said is None:
            if part.get("dataAbsentReason") is None and any(key.startswith("value") for key in part):
                tally.leave(f"{origin.place}: value", f"no number that can be read as {row.name}", "a valueQuantity with a unit")
            return None
        return Result(origin, row.id, None, None, said, "=", day, rank, None, None, method)
    unit = _unit(found, row)
    low, high = _limits(part, found)
    if row.id in ANTIBODIES and said is not None and low is None and high is None:
        # Without the laboratory's limit only its word can be used: units differ between assays.
        return Result(origin, row.id, None, None, said, "=", day, rank, None, None, method)
    comparator: Any = found.comparator
    lab = Lab(analyte=row.id, value=found.value, unit=unit, comparator=comparator, reference_low=low, reference_high=high)
    faults = lab_faults(lab, origin.place)
    if faults and low is not None and high is not None and low > high:
        tally.leave(
            f"{origin.place}: referenceRange", f"low {low:g} is above high {high:g}", "the lower limit first", "The limits were left out."
        )
        low = high = None
        faults = lab_faults(lab.model_copy(update={"reference_low": None, "reference_high": None}), origin.place)
    return Result(
        origin, row.id, found.value, unit, None, found.comparator, day, rank, low, high, method,
        _named(faults[0], row, day) if faults else None, bool(row.reading), _property_slip(code, unit, row) if not faults else "",
    )  # fmt: skip


def _named(fault: InputError, row: Analyte, day: Day | None) -> InputError:
    """A fault that says of which test and day it is."""
    where = fault.where.replace(".unit", ": unit").replace(".value", ": value")
    # A record has no place to say that the laboratory confirmed a value; a case file has.
    cure = fault.cure.partition("If the laboratory confirms")[0].strip()
    return InputError(f"{where} ({row.name}, {day.text if day else 'no date'})", fault.found, fault.expected, cure)


def _quantity(part: dict[str, Any]) -> Quantity | None:
    if (found := quantity(part.get("valueQuantity"))) is not None:
        return found
    if (value := number(part.get("valueInteger"))) is not None:
        return Quantity(value)
    text = part.get("valueString")
    match = _NUMBER_IN_TEXT.match(text) if isinstance(text, str) and len(text) < 60 else None
    if match:
        return Quantity(float(match[2]), "", (match[3] or "").strip(), match[1] or "=")
    return None


def _said(part: dict[str, Any], row: Analyte) -> str | None:
    """What a result says in words: its own value, else the laboratory's interpretation."""
    value = coded(part.get("valueCodeableConcept"))
    codes = {name for _, name in meanings(value, ("value",))}
    if "positive" in codes or "negative" in codes:
        return "raised" if "positive" in codes else "normal"
    text = part.get("valueString")
    words = [*value.words, text] if isinstance(text, str) else list(value.words)
    for item in objects(part.get("interpretation")):
        interpretation = coded(item)
        words += [*(value for _, value, _ in interpretation.codes), *interpretation.words]
    for word in words:
        if found := _word(str(word)[:200], WORDS):
            return found if found != "undetectable" or row.id not in ANTIBODIES else "normal"
    return None


def _word(text: str, table: tuple[tuple[str, str], ...]) -> str | None:
    return next((meaning for pattern, meaning in table if re.search(pattern, text.lower())), None)


def _unit(found: Quantity, row: Analyte) -> str | None:
    """The unit in the table's spelling where it is the same unit, else as written. A UCUM code that is none gives way to the print."""
    for text in found.units:
        try:
            factor, kind = parse(text)
        except InputError:
            continue
        if text == "1" and row.unit != "1":
            continue
        spellings = tuple(dict.fromkeys((row.unit, *row.units)))
        same = next((name for name in spellings if known.slug(name) == known.slug(text) and parse(name)[1] == kind), None)
        same = same or next((name for name in spellings if parse(name)[1] == kind and abs(parse(name)[0] / factor - 1.0) < 1e-12), None)
        return same or text
    return found.units[0] if found.units else None


def _property_slip(code: Coded, unit: str | None, row: Analyte) -> str:
    """Code and unit that contradict one another: the code says mass, the unit amount, or the reverse. The unit is what the number has."""
    if unit is None or row.molar_mass_g_mol is None:
        return ""
    kinds = {name for name, _ in parse(unit)[1]}
    for source, value, _ in code.codes:
        said = {"mass": "mass", "molar": "amount"}.get(_property_of(source, value), "")
        if said and said not in kinds and kinds & {"mass", "amount"}:
            return f"{row.name}: {source} {value} is the code for {said} in volume, while the unit is {unit}. The unit was taken."
    return ""


@lru_cache(maxsize=512)
def _property_of(source: str, value: str) -> str:
    if source != "LOINC":
        return ""
    display = next((code.display for code in reader.codes() if code.source == source and code.code == value), "")
    if re.search(r"Mass/volume|\bmCnc\b|-mCnc", display):
        return "mass"
    return "molar" if re.search(r"Moles/volume|-sCnc", display) else ""


def _limits(part: dict[str, Any], found: Quantity) -> tuple[float | None, float | None]:
    """The laboratory's own normal range, when there is one and it is in the unit of the result."""
    ranges = [
        item for item in objects(part.get("referenceRange")) if state(item.get("type")) in ("", "normal") and not item.get("appliesTo")
    ]
    pairs = set()
    for item in ranges:
        low, high = quantity(item.get("low")), quantity(item.get("high"))
        if any(limit and limit.units and not set(limit.units) & set(found.units) for limit in (low, high)):
            continue
        if low or high:
            pairs.add((low.value if low else None, high.value if high else None))
    return pairs.pop() if len(pairs) == 1 else (None, None)


def _remark(what: str, part: dict[str, Any], whole: dict[str, Any], origin: Origin, tally: Tally) -> Iterator[Remark]:
    day = first_day(whole, *MEASURED)
    found = quantity(part.get("valueQuantity"))
    if what == "weight":
        for unit in found.units if found else ():
            try:
                kilograms = convert(found.value, unit, "kg") if found else 0.0
            except InputError:
                continue
            if 1.0 <= kilograms <= 500.0:
                yield Remark(origin, what, round(kilograms, 6), day)
            else:
                tally.leave(f"{origin.place}: value", f"a body weight of {kilograms:.4g} kg", "between 1 and 500 kg")
            return
        if found:
            tally.leave(f"{origin.place}: unit", "no unit of mass", "kg, g or [lb_av]")
        return
    if what == "alcohol":
        if found and 0.0 <= found.value <= 100.0:
            yield Remark(origin, what, found.value, day)
        return
    answer = coded(part.get("valueCodeableConcept"))
    wanted = ("never", "past", "current") if what == "smoking" else ("yes", "no")
    value = next((name for _, name in meanings(answer, ("value",)) if name in wanted), None)
    text = part.get("valueString")
    flag = part.get("valueBoolean")
    if value is None and isinstance(flag, bool) and what == "pregnancy":
        value = "yes" if flag else "no"
    for word in (*answer.words, text) if isinstance(text, str) else answer.words:
        value = value or _word(str(word)[:200], SMOKING if what == "smoking" else YES_NO)
    if value is not None:
        yield Remark(origin, what, value, day)
