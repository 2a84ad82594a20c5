"""Records of one person as a `corrin.case/1` document. Their order never shows: everything is sorted, and merged by what it says."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from corrin.case import known
from corrin.case.check import in_canonical
from corrin.errors import InputError
from corrin.shells.fhir.codes import Coded
from corrin.shells.fhir.elements import Day
from corrin.shells.fhir.history import Past, conditions, findings, habits, life_stage, nitrous_oxide, operations
from corrin.shells.fhir.people import born
from corrin.shells.fhir.record import Allergy, Illness, Medicine, Operated, Origin, Person, Remark, Result, Tally
from corrin.shells.fhir.taken import drugs, given, resolve

MAX_LABS, MAX_OTHERS, MAX_OBSERVED = 2000, 100, 2000
# Two reports of one sample, in two units, differ by rounding; results of one day further apart than this are odd.
ROUNDING, ODD_RATIO = 0.005, 1.25


@dataclass
class Records:
    """All that was kept of a document, by kind; `medications` by the name references use."""

    people: list[Person] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    illnesses: list[Illness] = field(default_factory=list)
    operated: list[Operated] = field(default_factory=list)
    medicines: list[Medicine] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    medications: dict[str, tuple[Coded, str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many records are held."""
        return (len(self.people) + len(self.results) + len(self.remarks) + len(self.illnesses) + len(self.operated) + len(self.medicines)
                + len(self.allergies) + len(self.medications))  # fmt: skip


def document(
    records: Records, one: Person, tally: Tally, as_of: datetime.date | None, today: datetime.date, where: str, *, leave_out_doubtful: bool
) -> tuple[dict[str, Any], str, str]:
    """The case as plain data, `as_of`, and where that comes from. Raises `InputError` for results in doubt unless they may be left out."""
    birth = born(one)
    if birth > today:
        raise InputError(f"{one.origin.place}: birthDate", "a day to come", "a day in the past")
    dated = _Dated(tally, one, today)
    results = [item for item in records.results if dated.fits(item.origin, item.day)]
    remarks = [item for item in records.remarks if dated.fits(item.origin, item.day)]
    illnesses = [item for item in records.illnesses if dated.fits(item.origin, item.begin)]
    operated = [item for item in records.operated if dated.fits(item.origin, item.day)]
    medicines = [item for item in records.medicines if dated.fits(item.origin, item.begin)]
    if as_of is None:
        latest = _latest(results, remarks, illnesses, operated, medicines, today)
        day, said = (latest, "the last date of use in the record") if latest else (today, "today, for nothing in the record is dated")
    else:
        day, said = as_of, "as given"
    if day < birth:
        raise InputError("as_of", f"{day.isoformat()}, before the birth", "a day of the person's life")
    labs, observed = _labs(results, day, tally, where, leave_out_doubtful=leave_out_doubtful)
    past = Past(day, birth, one, tally)
    illnesses = [item for item in illnesses if past.has(item.begin)]
    operated = [item for item in operated if past.has(item.day)]
    remarks = [item for item in remarks if past.has(item.day)]
    medicines = [item for item in (resolve(record, records.medications, tally) for record in medicines) if item is not None]
    history: dict[str, Any] = {}
    person = _person(one, birth, day) | life_stage(past, illnesses, remarks)
    weight = max(
        (item for item in remarks if item.what == "weight"), key=lambda item: (item.day.text if item.day else "", item.value), default=None
    )
    if weight is not None:
        person["weight_kg"] = weight.value
        tally.used[weight.origin.kind] += 1
    taken, others = drugs(past, medicines)
    history["drugs"] = taken + _vitamin_excess(past, illnesses)
    history["other_drugs"] = _bounded(others, MAX_OTHERS, "medicines without a part in a case", tally)
    history["conditions"], unnamed = conditions(past, illnesses)
    allergies = sorted({f"allergy: {item.name}" for item in records.allergies})
    history["other_conditions"] = _bounded([*allergies, *unnamed], MAX_OTHERS, "conditions without a part in a case", tally)
    history["operations"] = operations(past, operated, illnesses)
    history["nitrous_oxide"] = nitrous_oxide(past, illnesses, medicines)
    history |= habits(past, illnesses, remarks)
    history["past_b12"], treatments = given(past, medicines)
    for item in records.allergies:
        tally.used[item.origin.kind] += 1
    tally.used["Patient"] = 1
    if past.later:
        tally.odd.add(f"{past.later:,} entries of history after {day.isoformat()} were not used.")
    case: dict[str, Any] = {
        "format": "corrin.case/1",
        "note": _note(one, [item.removeprefix("allergy: ") for item in allergies], tally.doubtful),
        "person": person,
        "as_of": day.isoformat(),
        "history": {key: value for key, value in history.items() if value},
        "labs": labs,
        "findings": findings(past, illnesses),
        "treatments": treatments,
        "observed": observed,
    }
    return {key: value for key, value in case.items() if value}, day.isoformat(), said


class _Dated:
    """Refuses what lies before birth or in the future."""

    def __init__(self, tally: Tally, one: Person, today: datetime.date) -> None:
        self.tally, self.one, self.today = tally, one, today

    def fits(self, origin: Origin, day: Day | None) -> bool:
        """Whether the day can be; if not it is noted as left out."""
        if day is not None and day.first > self.today:
            self.tally.leave(origin.place, f"dated {day.text}, a day to come", "a day in the past")
            return False
        if day is not None and self.one.birth is not None and day.last < self.one.birth.first:
            self.tally.leave(origin.place, f"dated {day.text}, before the birth", "a day of the person's life")
            return False
        return True


def _latest(
    results: Iterable[Result], remarks: Iterable[Remark], illnesses: Iterable[Illness], operated: Iterable[Operated],
    medicines: Iterable[Medicine], today: datetime.date,
) -> datetime.date | None:  # fmt: skip
    """The last day of anything that has a part in the case; what ends in the future does not count."""
    days: list[Day | None] = [item.day for item in results]
    days += [item.day for item in remarks]
    days += [item.day for item in operated]
    days += [day for item in illnesses if item.modifiers or item.findings for day in (item.begin, item.to)]
    days += [day for item in medicines for day in (item.begin, item.to)]
    lasts = [min(day.last, today) for day in days if day is not None and day.first <= today]
    return max(lasts, default=None)


def _person(one: Person, birth: datetime.date, day: datetime.date) -> dict[str, Any]:
    made: dict[str, Any] = {"sex": one.sex}
    if one.birth is not None and len(one.birth.text) == 4:
        made["birth_year"] = one.birth.first.year
    else:
        made["age_y"] = round(max(0.0, (day - birth).days / 365.25), 2)
    return made


def _note(one: Person, allergies: Sequence[str], doubtful: int) -> str:
    parts = ["Read from FHIR R4."]
    if doubtful:
        parts.append(f"Results left out because they cannot be right as they stand: {doubtful}.")
    if allergies:
        parts.append(f"Allergy in the record: {', '.join(allergies)}.")
    if one.died:
        parts.append("The record says that the person has died" + (f" ({one.died})." if one.died != "yes" else "."))
    return " ".join(parts)


def _labs(
    results: Sequence[Result], day: datetime.date, tally: Tally, where: str, *, leave_out_doubtful: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Labs up to `as_of`, and those after it as `observed`."""
    doubtful = [item.fault for item in results if item.fault and item.decides and not _after(item.day, day)]
    if doubtful and not leave_out_doubtful:
        doubtful.sort(key=str)
        more = InputError(where, f"{len(doubtful):,} results that move the answer cannot be used as they stand", "",
                          "Correct them in the record, or leave them out: `corrin fhir FILE --leave-out-doubtful`.")  # fmt: skip
        shown = doubtful[:20]
        if len(doubtful) > len(shown):
            shown.append(InputError(where, f"{len(doubtful) - len(shown):,} more of them"))
        raise InputError(where, more.found, faults=(*shown, more))
    tally.doubtful = len(doubtful)
    for item in results:
        if item.fault:
            tally.fault(item.fault)
    merged = _merge([item for item in results if not item.fault], tally)
    now, later = [item for item in merged if not _after(item.day, day)], [item for item in merged if _after(item.day, day)]
    undated = sum(item.day is None for item in now)
    if undated:
        tally.odd.add(f"{undated:,} results have no date: they are taken as of {day.isoformat()}.")
    if len(now) > MAX_LABS:
        tally.odd.add(f"{len(now) - MAX_LABS:,} earlier results were left out: a case holds {MAX_LABS:,}.")
        now = now[-MAX_LABS:]
    for item in now:
        tally.used[item.origin.kind] += 1
        if item.odd:
            tally.odd.add(item.odd)
    observed = [
        {"day": item.day.text, "analyte": item.analyte, "value": item.value, "unit": item.unit, "comparator": item.comparator}
        for item in later[:MAX_OBSERVED]
        if item.value is not None and item.day is not None
    ]
    return [_lab(item) for item in now], observed


def _after(day: Day | None, as_of: datetime.date) -> bool:
    return day is not None and day.first > as_of


def _lab(item: Result) -> dict[str, Any]:
    made = {
        "analyte": item.analyte, "value": item.value, "unit": item.unit, "word": item.word,
        "comparator": item.comparator if item.comparator != "=" else None, "date": item.day.text if item.day else None,
        "method": item.method, "reference_low": item.low, "reference_high": item.high,
    }  # fmt: skip
    return {key: value for key, value in made.items() if value is not None}


def _merge(results: Sequence[Result], tally: Tally) -> list[Result]:
    """Each result once: copies, corrected results in place of earlier ones, one sample in two units. By date, then by what it is."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for item in results:
        groups.setdefault((item.analyte, item.day.text if item.day else ""), []).append(item)
    kept: list[Result] = []
    for (analyte, text), group in groups.items():
        best: dict[str, int] = {}
        for item in group:
            clock = item.day.clock if item.day else ""
            best[clock] = max(best.get(clock, 0), item.rank)
        current = [item for item in group if item.rank == best[item.day.clock if item.day else ""]]
        numbers = sorted((item for item in current if item.value is not None), key=_order)
        words = {item.word: item for item in sorted(current, key=_order, reverse=True) if item.value is None}
        chosen: list[Result] = []
        for item in numbers:
            twin = next((place for place, other in enumerate(chosen) if _same_value(item, other)), None)
            if twin is None:
                chosen.append(item)
            else:
                chosen[twin] = min(chosen[twin], item, key=_preference)
        values = [_canonical(item) for item in chosen if item.comparator == "="]
        if text.count("-") == 2 and len(values) > 1 and max(values) > ODD_RATIO * min(values):
            row = known.analytes().get(analyte)
            tally.odd.add(f"{row.name if row else analyte} of {text}: {len(values)} results that differ; all were taken.")
        # A word beside a number of the same day says nothing more.
        chosen = chosen or sorted(words.values(), key=_order)
        tally.merged += len(group) - len(chosen)
        kept += chosen
    return sorted(kept, key=lambda item: (item.day.text if item.day else "9999", item.analyte, *_order(item)))


def _canonical(item: Result) -> float:
    row = known.analytes().get(item.analyte)
    return in_canonical(item.value, item.unit, row) if row and item.value is not None and item.unit is not None else 0.0


def _order(item: Result) -> tuple[Any, ...]:
    return (_canonical(item), item.comparator, item.word or "", *_preference(item))


def _preference(item: Result) -> tuple[Any, ...]:
    """The report that says more first: with limits, in the analyte's own units; then anything that is the same whatever the order."""
    row = known.analytes().get(item.analyte)
    units = (row.unit, *row.units) if row else ()
    place = units.index(item.unit) if item.unit in units else len(units)
    said = (str(item.value), str(item.unit), str(item.low), str(item.high), str(item.method), item.day.clock if item.day else "", item.odd)
    return (item.low is None and item.high is None, item.method is None, place, *said)


def _same_value(one: Result, other: Result) -> bool:
    if one.comparator != other.comparator:
        return False
    first, second = _canonical(one), _canonical(other)
    return abs(first - second) <= ROUNDING * max(abs(first), abs(second))


def _vitamin_excess(past: Past, illnesses: Sequence[Illness]) -> list[dict[str, Any]]:
    return [{"name": "vitamin_b6_excess"} for item in illnesses if "vitamin_b6_excess" in item.modifiers][:1]


def _bounded(names: Iterable[str], most: int, what: str, tally: Tally) -> list[str]:
    kept = sorted({name[:200] for name in names if name.strip()})
    if len(kept) > most:
        tally.odd.add(f"{len(kept) - most:,} {what} are not listed.")
    return kept[:most]
