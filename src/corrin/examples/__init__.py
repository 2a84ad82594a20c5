"""Published patients as cases: facts restated in our own words, each with its citation.

`observed` holds what happened afterwards, or "not seen"; it is never an input. Ages are those of the source; patients whose age is not
given are left out. `not-covered/` holds one infant, as an example of what corrin refuses.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import ModuleType
from typing import TYPE_CHECKING

from corrin.errors import InputError

if TYPE_CHECKING:
    from corrin.case.case import Case

# Both metabolites and B12 as numbers, a dated course, no rare circumstance, cause unknown: what a reader is most likely to meet.
DEMO = "stabler2013-vignette"


@lru_cache(maxsize=1)
def list_examples() -> dict[str, str]:
    """Ids of all examples with one line on each, sorted by id."""
    return {name: _line(json.loads(file.read_text(encoding="utf-8"))) for name, file in sorted(_files().items())}


def example_text(name: str = DEMO) -> str:
    """The text of an example, as `read_case` reads it. Raises `InputError` for an unknown id."""
    found = _files()
    if name not in found:
        import difflib

        near = difflib.get_close_matches(name, list(found), n=3)
        raise InputError("example", f"{ascii(name)[:60]} is not an example", "an id of corrin.examples.list_examples()",
                         f"Did you mean {' or '.join(near)}?" if near else "")  # fmt: skip
    return found[name].read_text(encoding="utf-8")


def load_example(name: str = DEMO) -> Case:
    """An example as a case. Raises `InputError` for an unknown id and `NotCovered` for the infant."""
    from corrin.case.reader import read_case

    return read_case(example_text(name))


def _files() -> dict[str, Traversable]:
    here = files(__name__)
    folders = (here, here.joinpath("not-covered"))
    return {file.name[:-5]: file for folder in folders for file in folder.iterdir() if file.name.endswith(".json")}


def _line(case: dict[str, object]) -> str:
    """Who and what, in one line: `woman of 57: tingling, ...; 5 results; Stabler SP (2013)`."""
    person = case["person"]
    assert isinstance(person, dict)
    who = {"female": "woman", "male": "man"}.get(str(person["sex"]), "person")
    age = float(person["age_y"])
    who = f"{who} of {age:.0f}" if age >= 16 else f"infant of {age * 12:.0f} months (not covered)"
    history = case.get("history", {})
    assert isinstance(history, dict)
    named = [str(entry["name"]) for key in ("conditions", "operations", "drugs") for entry in history.get(key, [])]
    named += ["nitrous oxide"] if history.get("nitrous_oxide") else []
    diets = [str(entry["diet"]) for entry in history.get("diet", []) if entry.get("diet") not in (None, "mixed")]
    named += [diet.replace("_", " ") + " diet" for diet in diets]
    findings = case.get("findings", [])
    assert isinstance(findings, list)
    seen = list(dict.fromkeys(str(entry["what"]).replace("_", " ") for entry in findings if entry.get("severity") != "none"))
    labs = case.get("labs", [])
    assert isinstance(labs, list)
    numbers = sum(1 for entry in labs if "value" in entry)
    cause = ", ".join(dict.fromkeys(named)) or "cause not stated"
    parts = [", ".join(seen[:3]), cause, f"{numbers} results" if numbers else "no numeric results"]
    return f"{who}: " + "; ".join(part for part in parts if part)


class _Folder(ModuleType):
    """This folder bears the name of the public function `corrin.examples` and, once imported, stands in its place: so it can be called."""

    def __call__(self) -> dict[str, str]:
        """id -> the case as text, in alphabetical order."""
        return {name: file.read_text(encoding="utf-8") for name, file in sorted(_files().items()) if "not-covered" not in str(file)}


sys.modules[__name__].__class__ = _Folder
