"""The names facts go by in guidelines, what kind each is, and what it is called in a sentence.

Most names follow the tables: `lab.<analyte>`, `sign.<sign of a case>`, `drug.<id>`, `condition.<id>`, `operation.<id>` of the modifiers
table. The rest stand in `vocabulary.toml`, with the words a case may use for them under other drugs or other conditions. Definitions
(`[define]`) are conditions under a name, shared by all profiles; a profile may bring its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, get_args

from corrin.case import known
from corrin.case.case import Sign
from corrin.errors import InputError

FOLDER = "corrin.guides"


@dataclass(frozen=True, slots=True)
class Fact:
    """One name: its kind, the unit of a bare number, its words; for a laboratory quantity its molar mass (g/mol) and adult reference.

    `names`: what a case may call it among other drugs or other conditions. `reference_low` and `reference_high` are in `unit`.
    """

    name: str
    kind: Literal["flag", "choice", "quantity"]
    words: str
    unit: str = "1"
    choices: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    molar_mass: float | None = None
    reference_low: float | None = None
    reference_high: float | None = None


@cache
def facts() -> Mapping[str, Fact]:
    """Every name a guideline may ask for."""
    found = [*_laboratory(), *_signs(), *_modifiers(), *_written()]
    table = {fact.name: fact for fact in found}
    if len(table) != len(found):
        raise InputError("guides/vocabulary.toml", "a name stands twice", "each name once")
    return MappingProxyType(table)


def fact_named(name: str) -> Fact:
    """The fact of this name. Raises `InputError` with near names when there is none."""
    table = facts()
    if name not in table:
        near = known.near(name, {key: key for key in table})
        raise InputError(f"fact {ascii(name)[:60]}", "not a name of the vocabulary", "a name of guides/vocabulary.toml or of the tables",
                         f"Did you mean {' or '.join(near)}?" if near else "")  # fmt: skip
    return table[name]


def words_of(name: str) -> str:
    """What a fact is called in a sentence."""
    return fact_named(name).words


@cache
def written() -> dict[str, Any]:
    """The vocabulary file as plain data: `facts` and `define`."""
    return tomllib.loads(files(FOLDER).joinpath("vocabulary.toml").read_text(encoding="utf-8"))


def _laboratory() -> list[Fact]:
    found = []
    for row in known.analytes().values():
        # What counts as a low B12 is just what guidelines differ in: only the report's own interval will do there.
        own = row.id in ("serum_b12", "holotranscobalamin")
        low, high = (None, None) if own else (row.reference_low, row.reference_high)
        found.append(Fact(f"lab.{row.id}", "quantity", row.name, row.unit, (), (), row.molar_mass_g_mol, low, high))
    return found


def _signs() -> list[Fact]:
    found = []
    for sign in get_args(Sign):
        if sign != "other":
            words = SIGN_WORDS.get(sign, sign.replace("_", " "))
            found += [Fact(f"sign.{sign}", "flag", words), Fact(f"sign.{sign}.severe", "flag", f"{words}: whether severe")]
    return found


def _modifiers() -> list[Fact]:
    found = []
    for name, rows in known.modifiers().items():
        kind, words = rows[0].kind, rows[0].name
        room = {"drug": "drug", "nutrient": "drug", "operation": "operation"}.get(kind, "condition")
        found.append(Fact(f"{room}.{name}", "flag", words))
        if room == "drug":
            found.append(Fact(f"drug.{name}.dose", "quantity", f"daily dose of {words}", "mg/d"))
            found.append(Fact(f"drug.{name}.duration", "quantity", f"how long {words} has been taken", "a"))
        if room == "operation":
            found.append(Fact(f"operation.{name}.length", "quantity", f"length removed: {words}", "cm"))
    return found


def _written() -> list[Fact]:
    return [
        Fact(name, row["kind"], row["words"], row.get("unit", "1"), tuple(row.get("choices", ())), tuple(row.get("names", ())))
        for name, row in written()["facts"].items()
    ]


SIGN_WORDS = {
    "gait": "unsteady or changed gait",
    "vision": "loss of vision",
    "cognition": "trouble with memory or thinking",
    "mood": "low mood or anxiety",
    "bladder": "bladder trouble",
    "bowel": "bowel trouble",
    "romberg": "Romberg's sign",
    "lhermitte": "Lhermitte's sign",
    "babinski": "Babinski's sign",
    "vibration_loss": "loss of the sense of vibration",
    "position_loss": "loss of the sense of position",
    "touch_loss": "loss of touch",
    "reflexes_increased": "brisk reflexes",
    "reflexes_reduced": "reduced reflexes",
    "mri_dorsal_columns": "changes of the dorsal columns on MRI",
    "mri_lateral_columns": "changes of the lateral columns on MRI",
    "sep_abnormal": "abnormal sensory evoked potentials",
    "vep_abnormal": "abnormal visual evoked potentials",
    "mep_abnormal": "abnormal motor evoked potentials",
    "ncs_abnormal": "abnormal nerve conduction",
    "walking_aid": "need of a walking aid",
    "wheelchair": "need of a wheelchair",
    "weight_loss": "loss of weight",
}
