"""Medicines over time: orders and statements of one drug joined into spells with a dose; B12 into doses and their rhythm."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corrin.case import known
from corrin.case.case import Given
from corrin.case.check import MOST_DOSES_A_DAY, given_faults
from corrin.case.exposures import KIND_OF_ROUTE
from corrin.shells.fhir.codes import Coded, is_known, meanings, note
from corrin.shells.fhir.conditions import NITROUS
from corrin.shells.fhir.elements import Day
from corrin.shells.fhir.history import Past
from corrin.shells.fhir.medicines import amount, b12_product, drug, route_said
from corrin.shells.fhir.record import Medicine, Tally
from corrin.units import convertible

# Orders of the same dose with no more than this between them are one spell: a prescription renewed late was hardly a pause.
RENEWED_LATE_D = 31
MAX_GIVEN, MAX_DAYS, MAX_DRUGS = 100, 5000, 200
Dose = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Order:
    """One order or statement: from when, to when, how much at a time, how often."""

    begin: Day | None
    to: Day | None
    open: bool
    dose: Dose | None
    per_day: float | None

    @property
    def rank(self) -> tuple[Any, ...]:
        """Of two that begin together, the one that says more: it goes on, has a dose, a rhythm, the larger one."""
        return (
            self.open,
            self.dose is not None,
            self.per_day is not None,
            self.dose or (0.0, ""),
            self.per_day or 0.0,
            self.to.text if self.to else "",
        )


def resolve(record: Medicine, medications: Mapping[str, tuple[Coded, str]], tally: Tally) -> Medicine | None:
    """The record with the Medication it refers to. One that is not in the document keeps the name it was given, if any."""
    if record.refers_to is None:
        return record
    found = medications.get(record.refers_to.rsplit("/", 1)[-1].removeprefix("urn:uuid:"))
    if found is not None:
        return dataclasses.replace(record, medication=found[0], strength=found[1], refers_to=None)
    if record.medication.name:
        return record
    tally.leave(
        f"{record.origin.place}: medicationReference",
        "a Medication that is not in the document",
        "the Medication, or medicationCodeableConcept",
    )
    return None


def drugs(past: Past, medicines: Sequence[Medicine]) -> tuple[list[dict[str, Any]], list[str]]:
    """Drugs of the modifiers table, one entry for each spell; and the names of medicines that go on and have no part."""
    orders: dict[str, list[Order]] = {}
    names: dict[str, str] = {}
    others = []
    for item in medicines:
        if b12_product(item.medication, item.route) and not _questioned(past, item):
            continue
        if not past.has(item.begin):
            continue
        name = drug(item.medication) if not _questioned(past, item) else ""
        kind = known.modifiers()[name][0].kind if name else ""
        if name in NITROUS:
            continue
        if not name or kind == "exposure":
            if not is_known(item.medication):
                past.tally.unknown(item.medication)
            if not item.ended:
                others.append(item.medication.name)
            continue
        past.tally.used[item.origin.kind] += 1
        names[name] = min(names.get(name, item.medication.name), item.medication.name)
        orders.setdefault(name, []).append(_order(past, item, name))
    made = []
    for name, found in sorted(orders.items()):
        spells = join(found)
        if not spells:
            others.append(f"{name}, stopped")
            past.tally.assumed.add(f"{name} was stopped; how long it was taken is not written: it is shown and not counted.")
        for spell in spells:
            made.append({"name": name, "from": _text(spell.begin), "to": _text(past.ended(spell.to)),
                         "dose": spell.dose[0] if spell.dose else None, "unit": spell.dose[1] if spell.dose else None,
                         "per_day": spell.per_day if spell.dose else None})  # fmt: skip
    return [{key: value for key, value in row.items() if value is not None} for row in made[-MAX_DRUGS:]], others


def _questioned(past: Past, item: Medicine) -> bool:
    """A medicine that holds B12 for another purpose."""
    for source, value, _ in item.medication.codes:
        if meanings(Coded(((source, value, ""),)), ("questioned",)):
            past.tally.odd.add(f"{item.medication.name}: {note(source, value)} It was not counted as a treatment.")
            return True
    return False


def _order(past: Past, item: Medicine, name: str) -> Order:
    dose = amount(item, item.medication, item.strength)
    wanted = next((row.dose_unit for row in known.modifiers().get(name, ()) if row.dose_unit), "mg")
    if dose and not any(convertible(dose[1], unit) for unit in (wanted, wanted.split("/")[0], "mg")):
        dose = None
    if item.dose is None and item.per_day is None:
        # The strength of a tablet alone is no daily dose.
        dose = None
    return Order(item.begin, _end(past, item), not item.ended, dose, item.per_day)


def _end(past: Past, item: Medicine) -> Day | None:
    to = past.ended(item.to)
    if to is not None and item.begin is not None and to.last < item.begin.first:
        past.tally.leave(
            f"{item.origin.place}: period",
            f"its end {to.text} is before its beginning {item.begin.text}",
            "an end after it",
            "The end was left out.",
        )
        return None
    return to


def join(orders: Sequence[Order]) -> list[Order]:
    """Orders of one drug as spells, in order of time: a later order takes the place of an earlier one.

    One that was stopped without a date is counted up to the next order; the last one of them only as long as is written, which may be not
    at all. Undated orders say nothing beside dated ones.
    """
    dated: dict[Day, Order] = {}
    undated = [item for item in orders if item.begin is None]
    for item in orders:
        if item.begin is not None:
            dated[item.begin] = max(dated.get(item.begin, item), item, key=lambda one: one.rank)
    if not dated:
        best = max(undated, key=lambda one: one.rank, default=None)
        return [best] if best is not None and (best.open or best.to is not None) else []
    rows = [dated[day] for day in sorted(dated, key=lambda day: (day.first, day.text, day.clock))]
    spells: list[Order] = []
    for place, item in enumerate(rows):
        following = rows[place + 1].begin if place + 1 < len(rows) else None
        to = item.to
        if to is None and not item.open:
            to = following or item.begin
        if following is not None and (to is None or to.first > following.first):
            to = following
        previous = spells[-1] if spells else None
        same = previous is not None and (previous.dose, previous.per_day) == (item.dose, item.per_day)
        if same and previous is not None and previous.to is not None and item.begin is not None:
            same = (item.begin.first - previous.to.last).days <= RENEWED_LATE_D
        if same and previous is not None:
            spells[-1] = dataclasses.replace(previous, to=to, open=to is None)
        else:
            spells.append(dataclasses.replace(item, to=to, open=to is None))
    return [item for item in spells if item.to is None or item.begin is None or item.to.last > item.begin.first]


def given(past: Past, medicines: Sequence[Medicine]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """B12 up to `as_of` (`past_b12`) and what was begun after it (`treatments`, kept for comparison)."""
    single: dict[tuple[str, Dose | None, bool], set[Day]] = {}
    orders: dict[tuple[str, bool], list[Order]] = {}
    undated: set[tuple[str, Dose | None]] = set()
    for item in medicines:
        product = b12_product(item.medication, item.route)
        if not product or _questioned(past, item):
            continue
        past.tally.used[item.origin.kind] += 1
        if not route_said(item.medication, item.route):
            past.tally.assumed.add(f"{item.medication.name}: the way it is given is not written; {product} was taken.")
        dose = _dose(past, item, product)
        swallowed = KIND_OF_ROUTE[known.products()[product].route] == "oral"
        rate = item.per_day if item.per_day is None or item.per_day <= MOST_DOSES_A_DAY else None
        later = item.begin is not None and item.begin.first > past.day
        if item.given or (rate is None and not swallowed):
            if item.begin is None:
                undated.add((product, dose))
            else:
                single.setdefault((product, dose, later), set()).add(Day(item.begin.text))
            if not item.given:
                past.tally.assumed.add(f"{item.medication.name}: how often is not written; each order counts as one dose.")
            continue
        orders.setdefault((product, later), []).append(Order(item.begin, _end(past, item), not item.ended, dose, rate))
    before: list[dict[str, Any]] = []
    after: list[dict[str, Any]] = []
    for (product, dose, later), days in single.items():
        entry = {"product": product, **_amount(dose), "days": sorted(day.text for day in days)[-MAX_DAYS:]}
        (after if later else before).append(entry)
    for product, dose in undated:
        before.append({"product": product, **_amount(dose), "count": 1})
    for (product, later), found in orders.items():
        spells = join(found)
        for spell in spells:
            (after if later else before).append(_given(past, product, spell))
        if not spells:
            first = min((item.begin for item in found if item.begin is not None), default=None)
            best = max(found, key=lambda one: one.rank)
            (after if later else before).append(_given(past, product, dataclasses.replace(best, begin=first)) | {"count": 1})
    return _tidy(before), _tidy(after)


def _given(past: Past, product: str, item: Order) -> dict[str, Any]:
    entry: dict[str, Any] = {"product": product, "from": _text(item.begin), "to": _text(past.ended(item.to)), **_amount(item.dose)}
    if item.per_day is not None and item.per_day >= 1.0:
        entry["times_per_day"] = round(item.per_day, 6)
    elif item.per_day is not None:
        entry["every_days"] = round(1.0 / item.per_day, 4)
    return {key: value for key, value in entry.items() if value is not None}


def _dose(past: Past, item: Medicine, product: str) -> Dose | None:
    dose = amount(item, item.medication, item.strength)
    if dose is None or not convertible(dose[1], "ug"):
        return None
    faults = given_faults(Given(product=product, dose=dose[0], unit=dose[1]), item.origin.place)
    for fault in faults:
        past.tally.fault(fault)
    return None if faults else dose


def _amount(dose: Dose | None) -> dict[str, Any]:
    return {} if dose is None else {"dose": dose[0], "unit": dose[1]}


def _tidy(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In an order that does not depend on the document, the latest last; at most as many as a case holds."""
    return sorted(entries, key=lambda item: (str(item.get("from") or item.get("days", [""])[-1]), str(sorted(item.items(), key=str))))[
        -MAX_GIVEN:
    ]


def _text(day: Day | None) -> str | None:
    return day.text if day is not None else None
