"""The parts of the answer put together, as plain data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from corrin.answers.assess import advice, why
from corrin.answers.assess.function import (
    Person,
    combined,
    contradiction,
    contributions,
    function,
    mma,
    next_tests,
    response,
)
from corrin.answers.assess.reports import Counted, Result, counted, filtration, results, switches
from corrin.answers.assess.state import Effect, Shares, part_of
from corrin.answers.recognise import STILL_TRUE_D
from corrin.case.case import Case
from corrin.facts.deficiency import Deficiency, deficiency, stated
from corrin.facts.reader import sources
from corrin.guides.facts import Facts
from corrin.guides.person import facts_of

RECENT_D = 30.0
"""A result of the last month needs no new sample (a judgement)."""
UNTOLD = {
    "drugs": "drugs taken (metformin, acid blockers)",
    "operations": "operations on stomach or bowel",
    "diet": "what is eaten",
    "nitrous_oxide": "use of nitrous oxide",
    "past_b12": "B12 already taken",
}


def head(case: Case, form: str) -> dict[str, Any]:
    """Who is asked about."""
    return {
        "format": form, "case_id": case.id or "case", "as_of": case.as_of,
        "person": {"age_y": case.age_y, "sex": case.person.sex, "country": case.person.country, "pregnancy": case.person.pregnancy},
    }  # fmt: skip


def adult(case: Case, guides: tuple[str, ...], spectrum: str | None, form: str) -> dict[str, Any]:
    """Everything the answer says."""
    table = deficiency()
    found = results(case)
    egfr, egfr_from = filtration(case, found)
    facts = facts_of(case)
    if egfr is not None and "lab.egfr" not in facts:
        facts = facts.with_(**{"lab.egfr": f"{egfr:.3f} mL/min/1.73m2"})
    chosen = spectrum or ("clinic" if case.labs or any(finding.severity != "none" for finding in case.findings) else "community")
    named = why.stated_causes(case, table, found)
    causes = [*named, *why.unnamed_causes(case, facts, table, found, named)]
    person = Person(table, chosen, case.age_y, _effects(named), egfr, why.unnamed_share(case, named), case.person.sex)
    markers = counted(case, facts, found)
    rows = contributions(person, markers)
    working = function(person, markers)
    methyl = mma(person, markers, found)
    flags = advice.flags(facts)
    nerves = any(facts.get(f"sign.{name}") is True for name in NERVES)
    names, because = advice.chosen(case, guides)
    evidence = [row.evidence for row in markers if row.evidence is not None]

    def without(name: str) -> tuple[Shares, Shares]:
        rest = replace(person, effects=_effects([cause for cause in named if cause.id != name]))
        return rest.prior(table.central), rest.bands(evidence)

    ranked = why.ranked(causes, table, without)
    measured = advice.with_panels({name for name, row in found.items() if row.day > -RECENT_D})
    still_true = advice.with_panels({name for name, row in found.items() if row.day >= -STILL_TRUE_D})
    for flag in flags:
        flag["tests"] = advice.missing_tests(flag["tests"], still_true)
    held = [advice.guide(name, facts, measured) for name in names]
    data = {
        **head(case, form), "red_flags": flags, "urgency": flags[0]["urgency"] if flags else None,
        "deficiency": {
            "spectrum": chosen, "egfr": None if egfr is None else round(egfr, 1), "egfr_from": egfr_from,
            "function": working, "mma": methyl,
            "response": response(working["probability"], methyl["side"], nerves, facts.get("b12.treated") is True),
            "only_raises": bool(markers) and all(row.evidence is None or row.evidence.only_raises for row in markers),
            "contradiction": contradiction(rows), "combined": combined(found, case.age_y),
        },
        "markers": rows, "others": _others(found), "guides": held, "guides_because": because,
        "extra": [advice.guide(name, facts, measured) for name in advice.extra(facts, names)],
        "compared": advice.differences(facts) if "all" in guides else None,
        "causes": ranked, "tells_apart": why.tells_apart(ranked), "next_tests": next_tests(person, markers, _switched(case, facts, found)),
        "unknown": _unknown(case, egfr, markers), "safety": advice.cautions(facts), "mimics": _mimics(case),
        "table": {"made": dict(table.made), "regions": [_region(region) for region in table.regions],
                  "exceeding": [_region(region) for region in table.exceeding],
                  "history_error": table.history_error, "auc": dict(table.auc)},
    }  # fmt: skip
    return {**data, "sources": _sources(data)}


NERVES = (
    "tingling", "numbness", "weakness", "gait", "cognition", "vision", "optic_neuropathy", "vibration_loss", "position_loss", "touch_loss",
    "romberg", "babinski", "spasticity", "mri_dorsal_columns", "mri_lateral_columns", "walking_aid", "wheelchair",
)  # fmt: skip


def _effects(named: list[why.Cause]) -> tuple[Effect, ...]:
    """What the stated causes do; half of it (in ln) where one is only suspected."""
    return tuple(part_of(cause.effect, cause.present) for cause in named if cause.effect is not None)


def _switched(case: Case, facts: Facts, found: dict[str, Result]) -> dict[str, float]:
    """Weight each marker would have here, negative where it could only raise."""
    made: dict[str, float] = {}
    for switch in switches(case, facts, found):
        weight = min(switch.weight, abs(made.get(switch.marker, 1.0)))
        once = made.get(switch.marker, 1.0) < 0.0
        made[switch.marker] = -max(weight, 1e-9) if switch.only_raises or once else weight
    return made


def _others(found: dict[str, Result]) -> list[dict[str, Any]]:
    """Results that bear on cause or reading and are no marker of function."""
    names = (
        "egfr",
        "creatinine",
        "folate",
        "red_cell_folate",
        "intrinsic_factor_antibody",
        "parietal_cell_antibody",
        "gastrin",
        "vitamin_b6",
    )
    return [{"marker": name, "as_reported": found[name].words} for name in names if name in found]


def _unknown(case: Case, egfr: float | None, markers: tuple[Counted, ...]) -> list[str]:
    """What nobody told and what would matter."""
    told = case.history.model_fields_set
    missing = [words for name, words in UNTOLD.items() if name not in told]
    if egfr is None and any(row.result.marker in ("mma", "homocysteine") for row in markers):
        missing.insert(0, "kidney function (creatinine): it raises methylmalonic acid and homocysteine without lack of B12")
    if not any(lab for lab in case.labs if lab.analyte.lower() in ("folate", "serum_folate")) and any(
        row.result.marker == "homocysteine" for row in markers
    ):
        missing.append("folate: lack of it raises homocysteine")
    if case.person.sex == "female" and case.person.pregnancy in (None, "unknown") and 12.0 <= case.age_y < 56.0:
        missing.append("pregnancy or breastfeeding")
    return missing


def _mimics(case: Case) -> dict[str, Any]:
    """What else it could be: the words of that answer and what is open."""
    from corrin.answers.mimics import mimics

    full = mimics(case).data
    open_ = [row for row in full["mimics"] if row["status"] == "open"]
    return {"verdict": full["verdict"], "open": open_, "found": [row for row in full["mimics"] if row["status"] == "found"]}


def _region(region: Any) -> dict[str, float]:
    return {name: getattr(region, name) for name in ("low", "high", "people", "said", "true", "error")}


def _sources(data: dict[str, Any]) -> dict[str, str]:
    """Works behind the figures shown."""
    keys = {ratio["source"] for cause in data["causes"] if cause["standing"] != "not named" for ratio in cause["odds_ratios"]}
    keys |= set(data["deficiency"]["response"]["sources"])
    if data["deficiency"]["combined"]["value"] is not None:
        keys |= set(data["deficiency"]["combined"]["sources"])
    if any("Black" in text for row in data["markers"] for text in row["why"]):
        keys.add(stated()["black_serum_b12"].source)
    return {key: sources()[key].citation for key in sorted(keys)}


__all__ = ["Deficiency", "adult", "head"]
