"""What now? (Q3, Q13, Q14) The guideline's own word, clause by clause; red flags; safety. Nothing is added to what the clauses say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from corrin.case.case import Case
from corrin.errors import InputError
from corrin.guides.apply import ClauseResult, GuideResult, apply, profiles, red_flags, safety, side_by_side
from corrin.guides.facts import Facts
from corrin.guides.vocabulary import facts as vocabulary

DEFAULT = "us-aafp-2025"
BY_COUNTRY = {
    "uk-nice-2024": ("united kingdom", "uk", "gb", "great britain", "england", "wales", "northern ireland", "scotland"),
    "us-aafp-2025": ("united states", "us", "usa", "united states of america"),
    "ca-bc-2023": ("canada", "ca", "british columbia"),
    "nl-nhg-2014": ("netherlands", "nl", "the netherlands"),
    "dk-dsam-2025": ("denmark", "dk"),
    "se-regional-2023": ("sweden", "se"),
}
NO_LEVELS = ("ca-bc-2023",)
"""Guides that give no limit of their own: the default stands beside them."""
SHOWN = ("treat", "follow_up", "test", "refer", "urgent", "avoid", "caution", "advise")
ALWAYS_ASK = ("SAFE-S3", "SAFE-S4", "SAFE-S9")
"""Safety rules whose missing datum is asked for before B12 is given."""
PANELS = {"full blood count": ("haemoglobin", "mcv")}
"""Tests that are several analytes: what says of each that it was done (a haematocrit stands for haemoglobin)."""


def guide_for(country: str | None) -> tuple[str, str]:
    """The default guide of a country, and why."""
    if country:
        for name, names in BY_COUNTRY.items():
            if country.strip().lower() in names:
                return name, f"by the country of the case ({country})"
        return DEFAULT, f"no guide of {country} is held; this one was read best"
    return DEFAULT, "the case names no country; this one was read best"


def chosen(case: Case, guides: Sequence[str]) -> tuple[list[str], str]:
    """Ids of the guides asked for, `all` for every one, and why. Raises `InputError` for a guide nobody knows."""
    if "all" in guides:
        return [name for name, row in profiles().items() if row.kind in ("guideline", "reference", "label")], "all that are held"
    if guides:
        for name in guides:
            if name not in profiles() or profiles()[name].kind in ("red flags", "safety"):
                held = [key for key, row in profiles().items() if row.kind not in ("red flags", "safety")]
                raise InputError("--guide", ascii(name)[:60], "all, or one of " + ", ".join(held))
        return list(dict.fromkeys(guides)), "as asked for"
    name, why = guide_for(case.person.country)
    return [name, DEFAULT] if name in NO_LEVELS else [name], why


def extra(facts: Facts, names: Sequence[str]) -> list[str]:
    """Guides that speak because of what the person takes: nitrous oxide, metformin."""
    found = []
    if facts.get("nitrous_oxide.recreational"):
        found.append("nitrous-oxide-2023")
    if facts.get("drug.metformin"):
        found.append("uk-mhra-2022")
    return [name for name in found if name not in names]


def clause(result: ClauseResult, measured: Collection[str] = ()) -> dict[str, Any]:
    """One clause that holds: its id, what follows (less tests that were done), how it was read."""
    # Whether to test at all is answered once one of the tests offered was done; which further tests, once all were.
    done = any if result.clause.topic == "who to test" else all
    follows = [row for row in result.follows if not (row.kind == "test" and row.tests and done(name in measured for name in row.tests))]
    return {
        "id": result.clause.id, "topic": result.clause.topic, "says": result.clause.says, "standing": result.clause.standing,
        "then": [{"kind": row.kind, "text": row.text, "plan": row.plan, "after_days": row.after_days} for row in follows],
        "ours": result.clause.ours,
    }  # fmt: skip


def guide(name: str, facts: Facts, measured: Collection[str] = ()) -> dict[str, Any]:
    """One profile on this person."""
    result: GuideResult = apply(name, facts)
    return {
        "id": name, "title": result.profile.title, "issuer": result.profile.issuer, "standing": result.profile.standing,
        "kind": result.profile.kind, "in_force": result.in_force, "covered": str(result.covered.truth), "verdict": result.verdict,
        "because": [row.clause.says for row in result.deciding], "because_ids": [row.clause.id for row in result.deciding],
        "waits_for": [item.words for item in result.verdict_missing],
        "clauses": [clause(row, measured) for row in result.speaking if any(outcome.kind != "verdict" for outcome in row.follows)],
        "assumed": list(result.assumed),
    }  # fmt: skip


def differences(facts: Facts) -> dict[str, Any]:
    """The same person under all guides that judge."""
    compared = side_by_side(facts)
    return {
        "differ": compared.differ,
        "rows": [{"guide": row.guide, "verdict": row.verdict, "because": [c.clause.says for c in row.result.deciding],
                  "waits_for": list(row.waits_for), "standing": row.result.profile.standing} for row in compared.rows],
    }  # fmt: skip


def flags(facts: Facts) -> list[dict[str, Any]]:
    """Red flags that are up, the most urgent first."""
    return [
        {"id": row.clause.id, "says": row.clause.says, "urgency": next((o.urgency for o in row.follows if o.urgency), "soon"),
         "do": next((o.text for o in row.follows), ""), "tests": list(dict.fromkeys(t for o in row.follows for t in o.tests)),
         "standing": row.clause.standing}
        for row in red_flags(facts)
    ]  # fmt: skip


def cautions(facts: Facts) -> dict[str, Any]:
    """Safety rules that hold, and what to ask before B12 is given."""
    result = safety(facts)
    ask = [item.words for row in result.open if row.clause.id in ALWAYS_ASK for item in row.missing]
    return {"rules": [clause(row) for row in result.speaking], "ask": list(dict.fromkeys(ask))}


def with_panels(measured: Collection[str]) -> frozenset[str]:
    """What was measured, and every panel whose parts all were."""
    return frozenset(measured) | {panel for panel, parts in PANELS.items() if set(parts) <= set(measured)}


def missing_tests(tests: Sequence[str], measured: Collection[str]) -> list[str]:
    """The tests that are left, in words; of a panel begun, what it lacks."""
    left: list[str] = []
    for name in tests:
        parts = PANELS.get(name, ())
        lacking = [part for part in parts if part not in measured]
        left += [] if name in measured else lacking if len(lacking) < len(parts) else [name]
    return [words_of_test(name) for name in dict.fromkeys(left)]


def words_of_test(name: str) -> str:
    """What a test of a clause is called."""
    row = vocabulary().get(f"lab.{name}")
    return row.words if row is not None else name
