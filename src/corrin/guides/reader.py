"""Reading the profiles: `guides/<issuer>_<year>.toml`, and their worked examples in `<same>.examples.toml`.

A profile's id is its file name with hyphens. Each is read once, and only when asked for. A fault names the file, the clause and the cure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from corrin.case import known
from corrin.case.reader import shape
from corrin.errors import InputError
from corrin.guides.schema import Condition, Definition, Profile
from corrin.guides.vocabulary import FOLDER, facts, written
from corrin.units import convertible, near_units

EXAMPLES = ".examples.toml"
NOT_PROFILES = ("vocabulary.toml",)


@cache
def guide_ids() -> tuple[str, ...]:
    """Ids of all profiles, sorted."""
    names = (item.name for item in files(FOLDER).iterdir())
    stems = (name.removesuffix(".toml") for name in names if name.endswith(".toml") and name not in NOT_PROFILES)
    return tuple(sorted(stem.replace("_", "-") for stem in stems if not stem.endswith(".examples")))


@lru_cache(maxsize=256)
def read_guide(guide: str) -> Profile:
    """The profile of this id. Raises `InputError` when there is none or when its file is faulty."""
    if guide not in guide_ids():
        near = known.near(guide.lower(), {name: name for name in guide_ids()})
        near = near or [name for name in guide_ids() if guide.lower() in name][:3]
        raise InputError(f"guide {ascii(guide)[:60]}", "no such guideline profile", "one of " + ", ".join(guide_ids()),
                         f"Did you mean {' or '.join(near)}?" if near else "")  # fmt: skip
    return parse_guide(_document(guide.replace("-", "_") + ".toml"), f"guides/{guide.replace('-', '_')}.toml", guide)


def parse_guide(document: Mapping[str, Any], where: str, guide: str | None = None) -> Profile:
    """A profile from plain data, with every name checked. Raises `InputError`; `where` stands in the message."""
    profile = shape({**document, **({"id": guide} if guide and "id" not in document else {})}, Profile, where, "corrin.guide/1")
    faults = list(name_faults(profile, where))
    if guide is not None and profile.id != guide:
        faults.append(InputError(f"{where}: id", profile.id, guide, "The id is the file name with hyphens."))
    if faults:
        raise faults[0] if len(faults) == 1 else InputError(where, "several faults", faults=tuple(faults))
    return profile


def read_examples(guide: str) -> Mapping[str, Any]:
    """The worked examples of a profile as plain data; used by the tests and by whoever wants to see a clause at work."""
    return MappingProxyType(_document(guide.replace("-", "_") + EXAMPLES))


@lru_cache(maxsize=1)
def shared_definitions() -> Mapping[str, Definition]:
    """Definitions of the vocabulary. Raises `InputError` for one that is not well formed."""
    try:
        return MappingProxyType({name: Definition.model_validate(entry) for name, entry in written()["define"].items()})
    except ValidationError as error:
        raise InputError("guides/vocabulary.toml", str(error.errors()[0]["msg"])) from None


def definitions_of(profile: Profile) -> Mapping[str, Definition]:
    """The shared definitions and the profile's own, which come first."""
    return {**shared_definitions(), **profile.define}


def name_faults(profile: Profile, where: str) -> Iterator[InputError]:
    """Names of facts and definitions that nothing stands for, limits in a unit that does not fit, examinations nobody knows."""
    definitions = definitions_of(profile)
    conditions = [("covers", profile.covers)]
    conditions += [(f"define.{name}", definition) for name, definition in profile.define.items()]
    for clause in profile.clause:
        conditions += [(f"{clause.id}.applies", clause.applies), (f"{clause.id}.when", clause.when)]
        for name in clause.needs:
            if name not in facts():
                yield _unknown(f"{where}: {clause.id}.needs", name)
        for outcome in clause.then:
            for test in outcome.tests:
                if test not in known.analytes() and test not in written()["examinations"]:
                    yield InputError(f"{where}: {clause.id}.then", f"{test!r} is no analyte and no examination of the vocabulary")
    for place, condition in conditions:
        yield from _condition_faults(condition, definitions, f"{where}: {place}")


def _condition_faults(condition: Condition | str | None, definitions: Mapping[str, Definition], where: str) -> Iterator[InputError]:
    walked = [condition] if isinstance(condition, str) else [] if condition is None else condition.walk()
    for part in walked:
        if isinstance(part, str):
            if part not in definitions and (part not in facts() or facts()[part].kind != "flag"):
                yield _unknown(where, part, tuple(definitions))
        elif part.fact is not None:
            yield from _fact_faults(part, where)


def _fact_faults(condition: Condition, where: str) -> Iterator[InputError]:
    name = condition.fact or ""
    if name not in facts():
        yield _unknown(where, name)
        return
    fact = facts()[name]
    if condition.bounds and fact.kind != "quantity":
        yield InputError(where, f"{name} is no quantity", "is")
    if isinstance(condition.is_, bool) and fact.kind != "flag":
        yield InputError(where, f"{name} is no flag", "a limit, or a word")
    if isinstance(condition.is_, str):
        allowed = fact.choices if fact.kind == "choice" else ("low", "normal", "raised") if fact.kind == "quantity" else ()
        if condition.is_ not in allowed:
            yield InputError(where, f"{name} is {condition.is_!r}", "one of " + ", ".join(allowed))
    for limits in condition.bounds.values():
        for unit in limits:
            if not convertible(unit, fact.unit):
                yield InputError(where, f"{name} in {unit!r}", f"a unit such as {fact.unit}", " ".join(near_units(unit)))


def _unknown(where: str, name: str, more: tuple[str, ...] = ()) -> InputError:
    near = known.near(name, {key: key for key in (*facts(), *more)})
    return InputError(where, f"{name!r} is no fact, flag or definition", "", f"Did you mean {' or '.join(near)}?" if near else "")


def _document(name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(files(FOLDER).joinpath(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"guides/{name}", "no such file", "worked examples beside every profile") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"guides/{name}", f"not readable as TOML: {error}") from None
