"""Worked examples as tests need them: what a file says, made into facts, and the limits it must try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from corrin.guides.facts import Facts, plain_facts
from corrin.guides.reader import definitions_of, read_examples, read_guide
from corrin.guides.schema import Condition, Profile
from corrin.guides.vocabulary import facts as names_of_facts

KEYS = {"name", "facts", "none_of", "expect", "verdict", "from"}
STEP_KEYS = {"clause", "facts", "none_of", "fact", "values"}


@dataclass(frozen=True)
class Worked:
    """One example: facts, what each named clause must answer, and the verdict (`...` where the example says nothing of it)."""

    guide: str
    name: str
    facts: Facts
    expect: dict[str, str]
    verdict: Any = ...
    stepped: tuple[str, str] | None = field(default=None)


def worked(guide: str) -> Iterator[Worked]:
    """Every example and every step of a profile's file."""
    profile = read_guide(guide)
    document = read_examples(guide)
    assert set(document) <= {"example", "step"}, guide
    for entry in document.get("example", []):
        assert set(entry) <= KEYS, entry["name"]
        assert entry.get("from"), f"{entry['name']}: where the example is taken from"
        yield Worked(guide, entry["name"], _facts(profile, entry), entry["expect"], entry.get("verdict", ...))
    for entry in document.get("step", []):
        assert set(entry) <= STEP_KEYS, entry["clause"]
        for value, truth in entry["values"].items():
            made = {**entry, "facts": {**entry["facts"], entry["fact"]: value.split("; ")}}
            name = f"{entry['clause']}: {entry['fact']} {value}"
            yield Worked(guide, name, _facts(profile, made), {entry["clause"]: truth}, stepped=(entry["fact"], value.split("; ")[-1]))


def _facts(profile: Profile, entry: dict[str, Any]) -> Facts:
    absent = {leaf: False for name in entry.get("none_of", []) for leaf in leaves(name, profile)}
    return plain_facts({**absent, **entry["facts"]})


def leaves(name: str, profile: Profile) -> set[str]:
    """The flags under a definition."""
    definitions = definitions_of(profile)
    if name not in definitions:
        return {name} if names_of_facts()[name].kind == "flag" else set()
    found: set[str] = set()
    for part in definitions[name].walk():
        if isinstance(part, str):
            found |= leaves(part, profile)
    return found


def limits(profile: Profile) -> set[tuple[str, str, float]]:
    """Every (fact, unit, limit) that the profile itself writes."""
    conditions = [profile.covers, *profile.define.values()]
    for clause in profile.clause:
        conditions += [clause.applies, clause.when]
    found = set()
    for condition in conditions:
        for part in condition.walk() if isinstance(condition, Condition) else ():
            if isinstance(part, Condition) and part.fact is not None:
                found |= {(part.fact, unit, limit) for bound in part.bounds.values() for unit, limit in bound.items()}
    return found
