"""What a code, or failing that a name, of a FHIR resource stands for in a case. All of it is in `codes.csv` and the tables' own names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from corrin.case import known
from corrin.case.case import Sign
from corrin.case.check import CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS
from corrin.facts import reader

# The same terminology under other names: (what its address contains, `source` in codes.csv).
SYSTEMS = (
    ("loinc.org", "LOINC"), ("2.16.840.1.113883.6.1", "LOINC"),
    ("snomed.info/sct", "SNOMED-CT"), ("2.16.840.1.113883.6.96", "SNOMED-CT"),
    ("rxnorm", "RxNorm"), ("2.16.840.1.113883.6.88", "RxNorm"),
    ("icd-10", "ICD-10-CM"), ("icd10", "ICD-10-CM"), ("2.16.840.1.113883.6.90", "ICD-10-CM"), ("2.16.840.1.113883.6.3", "ICD-10-CM"),
    ("atc", "WHO-ATC"), ("2.16.840.1.113883.6.73", "WHO-ATC"),
    ("dmd.nhs.uk", "UK-dmd"), ("readv2", "Read-v2"), ("urn:corrin:case", "corrin"),
)  # fmt: skip
OWN = "urn:corrin:case"
"""Our own codes, as `out.py` writes them beside the standard ones: the kind and name that `means` of codes.csv would hold."""
OWN_KINDS = ("analyte", "modifier", "finding", "product", "person", "value", "route")
# A name after one of these words does not say that the person has it; one beside the others is something else.
NOT_AFTER = {
    "no", "not", "without", "family", "mother", "father", "sibling", "screening", "risk", "suspected", "possible", "probable", "rule",
    "ruled", "negative", "absence", "absent", "denies", "denied", "prevention", "prophylaxis", "vaccination", "query", "exclude",
}  # fmt: skip
NOT_BESIDE = {"insipidus", "gestational", "maternal", "fetal", "fetus", "newborn", "excluded", "unlikely", "colon", "colonic", "large"}
# In front of or behind a name that is otherwise one of ours.
_AROUND = re.compile(
    r"\((?:disorder|finding|situation|procedure|substance|product|morphologic abnormality|observable entity)\)", re.IGNORECASE
)
_BEFORE = re.compile(r"^(?:personal )?(?:history of|h/o|hx of|status post|s/p|post|previous|past)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Coded:
    """A CodeableConcept: its codes as (terminology as codes.csv names it, or the address; code; display), and the words for a reader."""

    codes: tuple[tuple[str, str, str], ...] = ()
    text: str = ""

    @property
    def name(self) -> str:
        """What to call it: its text, a display, else a code."""
        return self.text or next((display for _, _, display in self.codes if display), "") or next((code for _, code, _ in self.codes), "")

    @property
    def words(self) -> tuple[str, ...]:
        """Every name it is given."""
        return tuple(dict.fromkeys(word for word in (self.text, *(display for _, _, display in self.codes)) if word))


def coded(value: Any) -> Coded:
    """A CodeableConcept as far as it can be read; what has another shape is left out."""
    if not isinstance(value, dict):
        return Coded()
    found = []
    coding = value.get("coding")
    for item in coding[:50] if isinstance(coding, list) else ():
        if isinstance(item, dict) and isinstance(item.get("code"), str):
            found.append((terminology(item.get("system")), item["code"].strip()[:60], _words(item.get("display"))))
    return Coded(tuple(found), _words(value.get("text")))


def _words(value: Any) -> str:
    return " ".join(value[:400].split())[:200] if isinstance(value, str) else ""


def terminology(system: Any) -> str:
    """`http://loinc.org` -> `LOINC`; an address nobody knows stays itself."""
    text = system.lower() if isinstance(system, str) else ""
    for part, name in SYSTEMS:
        if text.endswith(part) if part.startswith("2.16") else part in text:
            return name
    return text[:80] or "no system"


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    return {
        (row.source, row.code): tuple((kind, name) for kind, _, name in (meaning.partition(":") for meaning in row.means))
        for row in reader.codes()
        if row.code != "none"
    }


@lru_cache(maxsize=1)
def _notes() -> dict[tuple[str, str], str]:
    return {(row.source, row.code): row.note for row in reader.codes() if row.note}


def note(source: str, code: str) -> str:
    """What codes.csv remarks on a code: why it is questioned, what is taken for granted."""
    return _notes().get((source, code), "")


def assumed(code: Coded) -> str:
    """What had to be taken for granted because a code says too little; empty for most."""
    if any(_by_name(word, CONDITION_KINDS) for word in code.words):
        return ""
    return next((text for source, value, _ in code.codes if "taken as" in (text := note(source, value))), "")


def listed(source: str, code: str) -> tuple[tuple[str, str], ...] | None:
    """The meanings of one code as (kind, name); None when it is not in the table.

    ICD-10 and ATC are trees: a code below a listed one means the same. A10BD is not followed: some of its members hold no metformin.
    """
    table = _table()
    if source == "corrin":
        kind, _, name = code.partition(":")
        real = name in known.modifiers() if kind == "modifier" else name.partition("/")[0] in get_args(Sign) if kind == "finding" else True
        real = name in known.products() if kind == "product" else name in known.analytes() if kind == "analyte" else real
        return ((kind, name),) if kind in OWN_KINDS and real else None
    if source == "ICD-10-CM":
        code = code.upper()
        code = code if "." in code or len(code) <= 3 else f"{code[:3]}.{code[3:]}"
        for length in range(len(code), 2, -1):
            if (source, code[:length].rstrip(".")) in table:
                return table[source, code[:length].rstrip(".")]
        return None
    if source == "WHO-ATC" and len(code) == 7 and (source, code) not in table and code[:5] != "A10BD":
        return table.get((source, code[:5].upper()))
    return table.get((source, code))


def meanings(code: Coded, kinds: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """All meanings of these kinds that the codes have, each once, in the table's order of names."""
    found = {meaning for source, value, _ in code.codes for meaning in listed(source, value) or () if meaning[0] in kinds}
    return tuple(sorted(found))


def is_known(code: Coded) -> bool:
    """Whether any of the codes stands in the table, be it without a part in a case."""
    return any(listed(source, value) is not None for source, value, _ in code.codes)


def modifiers(code: Coded, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Ids of the modifiers of these kinds: by name where the words are exact (a name says more than a shared code), else by code, else by
    a name within the words."""
    for word in code.words:
        if exact := _by_name(word, kinds):
            return (exact,)
    by_code = tuple(name for kind, name in meanings(code, ("modifier",)) if _kind(name) in kinds)
    if by_code:
        return by_code
    if is_known(code) and not any(source in ("LOINC", "no system") for source, _, _ in code.codes):
        return ()
    return tuple(dict.fromkeys(name for word in code.words if (name := _within(word, kinds))))[:1]


def _kind(name: str) -> str:
    rows = known.modifiers().get(name, ())
    return rows[0].kind if rows else ""


def _by_name(word: str, kinds: tuple[str, ...]) -> str:
    plain = _BEFORE.sub("", _AROUND.sub("", word).strip())
    rows = known.find_modifier(plain, kinds)
    return rows[0].id if rows else ""


@lru_cache(maxsize=8)
def _names(kinds: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(name as words, id), the longest first."""
    found = {}
    for rows in known.modifiers().values():
        if rows[0].kind in kinds:
            found.update(dict.fromkeys((name for row in rows for name in known.names_of(row)), rows[0].id))
    return tuple(sorted(found.items(), key=lambda item: (-len(item[0]), item[0])))


def _within(word: str, kinds: tuple[str, ...]) -> str:
    """The longest name of several words that the text holds, unless the text says that it is not so."""
    text = known.slug(_AROUND.sub("", word))
    if NOT_BESIDE & set(text.split("_")):
        return ""
    for key, name in _names(kinds):
        before, found, _ = f"_{text}_".partition(f"_{key}_")
        if "_" in key and found:
            return "" if NOT_AFTER & set(before.split("_")) else name
    return ""


def drug_within(word: str) -> str:
    """The drug or nutrient a product's words name: a drug anywhere, a nutrient only at the beginning (calcium is in many salts)."""
    text = f"_{known.slug(word)}_"
    for key, name in _names(("drug",)):
        if len(key) >= 5 and f"_{key}_" in text:
            return name
    return next((name for key, name in _names(("nutrient",)) if len(key) >= 5 and text.startswith(f"_{key}_")), "")


ALL_CONDITION_KINDS, ALL_DRUG_KINDS, ALL_OPERATION_KINDS = CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS
