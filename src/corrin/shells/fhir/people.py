"""Who a document is about: one Patient, or the one that was asked for."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from corrin.errors import InputError
from corrin.shells.fhir.elements import bad_date, day_of, state
from corrin.shells.fhir.record import Origin, Person

NAMED = 10


def person(resource: dict[str, Any], origin: Origin, url: str | None) -> Person:
    """A Patient. Raises `InputError` for a birth date that is none."""
    if bad_date(resource.get("birthDate")):
        raise InputError(f"{origin.place}: birthDate", repr(resource.get("birthDate"))[:40], "a date such as 1954-03-01, 1954-03 or 1954")
    ids = tuple(text for text in (resource.get("id"), url) if isinstance(text, str) and text)
    sex = state(resource.get("gender"))
    died = day_of(resource.get("deceasedDateTime"))
    dead = died.text if died else "yes" if resource.get("deceasedBoolean") is True else ""
    return Person(origin, ids, day_of(resource.get("birthDate")), sex if sex in ("female", "male") else "unknown", dead)


def choose(people: Sequence[Person], wanted: str | None, where: str) -> Person:
    """The patient meant. Raises `InputError` naming them when there are several, and when there is none."""
    together = _merged(people)
    if not together:
        raise InputError(where, "no Patient resource", "one Patient with a birthDate", "Age moves every answer and is never guessed.")
    if wanted is not None:
        found = [item for item in together if any(_same(wanted, name) for name in item.ids)]
        if len(found) != 1:
            raise InputError("patient", f"{wanted[:80]!r} is not in the document", f"one of {_list(together)}")
        return found[0]
    if len(together) > 1:
        raise InputError(
            where,
            f"{len(together):,} patients: {_list(together)}",
            "one patient",
            "Say which: patient=ID, or `corrin fhir FILE --patient ID`.",
        )
    return together[0]


def is_about(subject: str | None, one: Person, *, alone: bool) -> bool:
    """Whether a resource with this subject is about this person. Without a subject it is, when nobody else is in the document."""
    if subject is None or subject.startswith("#"):
        return alone
    if not one.ids:
        return alone
    return any(_same(subject, name) for name in one.ids)


def born(one: Person) -> datetime.date:
    """The middle of the birth date as far as it is known."""
    if one.birth is None:
        raise InputError(f"{one.origin.place}: birthDate", "no birth date", "a date such as 1954-03-01, 1954-03 or 1954",
                         "Age moves every answer and is never guessed.")  # fmt: skip
    return one.birth.first + (one.birth.last - one.birth.first) / 2


def _merged(people: Sequence[Person]) -> list[Person]:
    """Patients written more than once, together. Raises `InputError` when the copies differ."""
    kept: list[Person] = []
    for one in sorted(people, key=lambda item: (item.ids, str(item.birth), item.sex)):
        twin = next((place for place, other in enumerate(kept) if set(one.ids) & set(other.ids) or (not one.ids and not other.ids)), None)
        if twin is None:
            kept.append(one)
            continue
        other = kept[twin]
        births = {item.birth for item in (one, other) if item.birth is not None}
        sexes = {item.sex for item in (one, other) if item.sex != "unknown"}
        if len(births) > 1 or len(sexes) > 1:
            what = "birth dates" if len(births) > 1 else "sexes"
            raise InputError(f"{one.origin.place}", f"the same Patient with two {what}", "one", "Correct one of the copies.")
        kept[twin] = Person(other.origin, tuple(dict.fromkeys((*other.ids, *one.ids))), next(iter(births), None),
                            next(iter(sexes), "unknown"), other.died or one.died)  # fmt: skip
    return kept


def _list(people: Sequence[Person]) -> str:
    names = [ascii(item.ids[0])[1:-1][:64] if item.ids else "one without id" for item in people]
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")


def _same(reference: str, name: str) -> bool:
    """`Patient/1`, `urn:uuid:1`, `https://server/fhir/Patient/1/_history/2` and `1` are one name."""
    return _tail(reference) == _tail(name)


def _tail(text: str) -> str:
    text = text.strip().split("/_history/")[0].rstrip("/")
    return text.rsplit("/", 1)[-1].removeprefix("urn:uuid:").removeprefix("urn:oid:")
