"""The parts of a case's history that come from conditions, procedures and observations."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from corrin.case import known
from corrin.shells.fhir.conditions import NITROUS
from corrin.shells.fhir.elements import Day
from corrin.shells.fhir.medicines import drug
from corrin.shells.fhir.record import Illness, Medicine, Operated, Person, Remark, Tally

# Told apart by more than their name: they have places of their own in a case.
ELSEWHERE = ("pregnancy", "lactation", "alcohol", "smoking", "vitamin_b6_excess", *NITROUS)
STAGED = "kidney_disease_"
PREGNANCY_D, NURSING_D = 294, 365
STAGES = ((91, "first trimester"), (182, "second trimester"), (PREGNANCY_D + 1, "third trimester"))


@dataclass
class Past:
    """What every part of the history needs to know: the day the case stands at, the person, and the account."""

    day: datetime.date
    birth: datetime.date
    one: Person
    tally: Tally
    later: int = 0

    def has(self, day: Day | None) -> bool:
        """Whether something that began then lies before `as_of`; if not it is counted as later."""
        if day is None or day.first <= self.day:
            return True
        self.later += 1
        return False

    def ended(self, day: Day | None) -> Day | None:
        """An end that has come by `as_of`."""
        return day if day is not None and day.first <= self.day else None

    @property
    def now(self) -> Day:
        """`as_of` as a day of the record."""
        return Day(self.day.isoformat())


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch of time: no `begin`, not known since when; no `to`, it goes on."""

    begin: Day | None
    to: Day | None
    certainty: str | None = None

    @property
    def order(self) -> tuple[str, str, str]:
        """For sorting."""
        return (self.begin.text if self.begin else "", self.to.text if self.to else "9999", self.certainty or "")


def _spell(past: Past, item: Illness) -> Spell:
    begin = item.begin
    if begin is None and item.begin_age is not None:
        year = past.birth.year + int(item.begin_age)
        begin = Day(str(min(year, past.day.year)))
    to = past.ended(item.to)
    if to is not None and begin is not None and to.last < begin.first:
        past.tally.leave(
            f"{item.origin.place}: abatement", f"{to.text}, before the onset {begin.text}", "an end after the beginning", "It was left out."
        )
        to = None
    if to is None and item.ended and item.to is None:
        to = past.now
        past.tally.assumed.add(f"{item.name} is over, since when is not written: counted up to {past.day.isoformat()}.")
    return Spell(begin, to, item.certainty)


def together(spells: Iterable[Spell]) -> list[Spell]:
    """Spells that touch or overlap as one. An undated one adds nothing beside dated ones, except that it goes on."""
    every = sorted(set(spells), key=lambda item: item.order)
    dated = [item for item in every if item.begin is not None]
    undated = [item for item in every if item.begin is None]
    if not dated:
        ends = [item.to for item in undated]
        last = None if any(end is None for end in ends) else max((end for end in ends if end), key=lambda end: end.last)
        return [Spell(None, last, _surest(undated))]
    made: list[Spell] = []
    for item in dated:
        previous = made[-1] if made else None
        if previous is None or (previous.to is not None and item.begin is not None and previous.to.last < item.begin.first):
            made.append(item)
            continue
        last = None if previous.to is None or item.to is None else max(previous.to, item.to, key=lambda end: end.last)
        made[-1] = Spell(previous.begin, last, _surest([previous, item]))
    if any(item.to is None for item in undated):
        made[-1] = Spell(made[-1].begin, None, made[-1].certainty)
    return made


def _surest(spells: Iterable[Spell]) -> str | None:
    order = ("confirmed", None, "suspected")
    return min((item.certainty for item in spells), key=order.index)


def conditions(past: Past, illnesses: Sequence[Illness]) -> tuple[list[dict[str, Any]], list[str]]:
    """Conditions of the modifiers table, one entry for each spell; and the names of those that go on and have no part."""
    spells: dict[str, list[Spell]] = {}
    unnamed = []
    for item in illnesses:
        names = [name for name in item.modifiers if name not in ELSEWHERE and known.modifiers()[name][0].kind != "operation"]
        for name in names:
            spells.setdefault(name, []).append(_spell(past, item))
        if item.assumed:
            past.tally.assumed.add(item.assumed)
        if item.modifiers or item.findings:
            past.tally.used[item.origin.kind] += 1
        elif not item.ended or (item.to is not None and past.ended(item.to) is None):
            unnamed.append(item.name)
    rows = [(name, spell) for name, found in spells.items() for spell in together(found)]
    rows = _stages(rows)
    made = [
        {
            "name": name,
            "from": spell.begin.text if spell.begin else None,
            "to": spell.to.text if spell.to else None,
            "certainty": spell.certainty,
        }
        for name, spell in sorted(rows, key=lambda row: (row[0], row[1].order))
    ]
    return [_filled(item) for item in made], unnamed


def _stages(rows: list[tuple[str, Spell]]) -> list[tuple[str, Spell]]:
    """Stages of one disease follow one another: each ends where the next begins, and of undated ones the worst holds."""
    staged = sorted((row for row in rows if row[0].startswith(STAGED)), key=lambda row: (row[1].begin.text if row[1].begin else "", row[0]))
    made = [row for row in rows if not row[0].startswith(STAGED)]
    for place, (name, spell) in enumerate(staged):
        following = staged[place + 1][1].begin if place + 1 < len(staged) else None
        if place + 1 < len(staged) and (following is None or (spell.begin is not None and following.first <= spell.begin.first)):
            continue
        if following is not None and (spell.to is None or spell.to.last > following.first):
            spell = Spell(spell.begin, following, spell.certainty)
        made.append((name, spell))
    return made


def operations(past: Past, operated: Sequence[Operated], illnesses: Sequence[Illness]) -> list[dict[str, Any]]:
    """Each operation once, at its first date. One whose kind had to be taken for granted gives way to one that is named."""
    found = [(item.name, item.day, item.assumed, item.origin.kind) for item in operated]
    found += [
        (name, item.begin, item.assumed, "")
        for item in illnesses
        for name in item.modifiers
        if known.modifiers()[name][0].kind == "operation"
    ]
    sure = {name for name, _, assumed, _ in found if not assumed}
    first: dict[str, Day | None] = {}
    for name, day, assumed, kind in found:
        if kind:
            past.tally.used[kind] += 1
        if assumed and sure:
            continue
        if assumed:
            past.tally.assumed.add(assumed)
        earlier = first.get(name)
        first[name] = day if earlier is None else earlier if day is None else min(earlier, day)
    rows = ({"name": name, "date": day.text if day else None} for name, day in sorted(first.items()))
    return [_filled(row) for row in rows]


def findings(past: Past, illnesses: Sequence[Illness]) -> list[dict[str, Any]]:
    """Symptoms and signs: when each began, and when it was gone."""
    made: dict[str, dict[str, Any]] = {}
    for item in illnesses:
        for name in item.findings:
            what, _, tract = name.partition("/")
            spell = _spell(past, item)
            entry: dict[str, Any] = {"what": what, "tract": tract or None, "note": item.name if what == "other" else None}
            if spell.begin is None and spell.to is not None:
                continue
            entry |= {"severity": item.severity}
            seen = item.seen if item.seen is not None and past.has(item.seen) else past.now
            rows = [entry | {"date": spell.begin.text, "onset": True} if spell.begin else entry | {"date": seen.text}]
            if spell.to is not None:
                rows.append(entry | {"severity": "none", "date": spell.to.text})
            made.update({str(sorted(_filled(row).items())): _filled(row) for row in rows})
    return [made[key] for key in sorted(made)]


def habits(past: Past, illnesses: Sequence[Illness], remarks: Sequence[Remark]) -> dict[str, Any]:
    """Smoking and alcohol: the latest that was said; a disorder from its onset."""
    made: dict[str, Any] = {}
    for what in ("smoking", "alcohol"):
        said = max(
            (item for item in remarks if item.what == what),
            key=lambda item: (item.day.text if item.day else "", str(item.value)),
            default=None,
        )
        spells = (
            together([_spell(past, item) for item in illnesses if what in item.modifiers])
            if any(what in i.modifiers for i in illnesses)
            else []
        )
        entry: dict[str, Any] = {}
        if spells:
            last = spells[-1]
            entry = {"level": "heavy" if what == "alcohol" else "current", "from": last.begin.text if last.begin else None,
                     "to": last.to.text if last.to else None}  # fmt: skip
        if said is not None:
            past.tally.used[said.origin.kind] += 1
            if what == "alcohol":
                entry = {"level": "unknown"} | entry | {"per_day": said.value}
            elif not entry:
                entry = {"level": {"never": "none"}.get(str(said.value), said.value)}
        if entry:
            made[what] = _filled(entry)
    return made


def life_stage(past: Past, illnesses: Sequence[Illness], remarks: Sequence[Remark]) -> dict[str, Any]:
    """Pregnancy and nursing at `as_of`, by what was said last."""
    spells = [("yes", _spell(past, item), item.origin.kind) for item in illnesses if "pregnancy" in item.modifiers]
    nursing = [_spell(past, item) for item in illnesses if "lactation" in item.modifiers]
    said = [item for item in remarks if item.what == "pregnancy"]
    if not spells and not nursing and not said:
        return {}
    if past.one.sex == "male":
        past.tally.odd.add("A pregnancy is in the record of a man: it was not used.")
        return {}
    latest = max(said, key=lambda item: (item.day.text if item.day else "", str(item.value)), default=None)
    for _, spell, _ in sorted(spells, key=lambda item: item[1].order, reverse=True):
        if spell.to is not None or (
            latest is not None and latest.value == "no" and latest.day and spell.begin and latest.day > spell.begin
        ):
            continue
        days = (past.day - spell.begin.first).days if spell.begin else None
        if days is not None and days > PREGNANCY_D:
            continue
        return _pregnant(past, spell.begin, days)
    for spell in sorted(nursing, key=lambda item: item.order, reverse=True):
        if spell.to is None and (spell.begin is None or (past.day - spell.begin.first).days <= NURSING_D):
            return _filled({"pregnancy": "breastfeeding", "pregnancy_from": spell.begin.text if spell.begin else None})
    if latest is not None and latest.value == "yes" and (latest.day is None or (past.day - latest.day.first).days <= PREGNANCY_D):
        past.tally.used[latest.origin.kind] += 1
        return _pregnant(past, None, None)
    return {"pregnancy": "none"}


def _pregnant(past: Past, begin: Day | None, days: int | None) -> dict[str, Any]:
    if days is None:
        past.tally.assumed.add("How far the pregnancy is, is not written: the second trimester was taken.")
        return {"pregnancy": "second trimester"}
    stage = next(name for limit, name in STAGES if days < limit)
    past.tally.assumed.add("The pregnancy is counted from the date it was written down.")
    return _filled({"pregnancy": stage, "pregnancy_from": begin.text if begin else None})


def nitrous_oxide(past: Past, illnesses: Sequence[Illness], medicines: Sequence[Medicine]) -> list[dict[str, Any]]:
    """Nitrous oxide: a single exposure, or use over a time."""
    rows: set[tuple[str, str, str]] = set()
    for item in illnesses:
        if not set(item.modifiers) & set(NITROUS):
            continue
        spell = _spell(past, item) if not item.once else Spell(item.begin, None)
        rows.add(("single" if item.once else "pulses", spell.begin.text if spell.begin else "", spell.to.text if spell.to else ""))
    for medicine in medicines:
        if drug(medicine.medication) in NITROUS and past.has(medicine.begin):
            past.tally.used[medicine.origin.kind] += 1
            rows.add(("single", medicine.begin.text if medicine.begin else "", ""))
    made = [_filled({"pattern": pattern, "from": begin or None, "to": to or None}) for pattern, begin, to in sorted(rows)]
    if any(row["pattern"] == "pulses" for row in made):
        past.tally.assumed.add("How often nitrous oxide was breathed is not written: pulses every few days were taken.")
    return made[-100:]


def _filled(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}
