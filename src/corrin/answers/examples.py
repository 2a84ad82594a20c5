"""The example people that come with corrin."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from corrin.case.case import Case
from corrin.case.reader import read_case
from corrin.errors import InputError, expect

SUFFIXES = (".json", ".toml")


def examples() -> dict[str, str]:
    """id -> the case as text, in alphabetical order."""
    found = {}
    for entry in files("corrin.examples").iterdir():
        stem, dot, suffix = entry.name.rpartition(".")
        if dot + suffix in SUFFIXES:
            found[stem] = entry.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def example(name: str, *, any_age: bool = False) -> Case:
    """The example person of that id. Raises `InputError` naming near ones."""
    expect(name, str, "example", "the id of an example")
    held = examples()
    if name not in held:
        near = difflib.get_close_matches(name, held, n=3, cutoff=0.5)
        cure = f"Did you mean {' or '.join(near)}?" if near else "`corrin examples` lists them."
        raise InputError("case", f"{name[:60]!r} is neither a file nor an example", "", cure)
    return read_case(held[name], any_age=any_age)


def named(case: Case | str | Path | Mapping[str, Any], *, any_age: bool = False) -> Case:
    """A case, however it was named: a `Case`, a file, a text, a dict or the id of an example. `any_age` as in `read_case`."""
    if isinstance(case, Case):
        return case
    if isinstance(case, str) and case in examples() and not Path(case).exists():
        return example(case, any_age=any_age)
    return read_case(case, any_age=any_age)
