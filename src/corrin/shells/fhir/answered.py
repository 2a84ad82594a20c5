"""Answers as FHIR R4: computed quantities (Observation), how likely what is (RiskAssessment), what could come next (CarePlan, a proposal).

No new number: each is taken from the answer's plain data. Every resource says that it is for education and research. Quantities the model
computes carry our own code (`urn:corrin:quantity`), never that of a laboratory test, so that nobody takes them for results.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from corrin.answers.assess import DISCLAIMER
from corrin.case import known
from corrin.case.case import Case
from corrin.shells.fhir.out import Written, bundle, case_resources, ucum
from corrin.shells.fhir.written import TEST_WORDS, UCUM, Resource, concept_of_test

QUANTITY = "urn:corrin:quantity"
TERMS = "http://terminology.hl7.org/CodeSystem/"
NOT_MEASURED = "Computed, not measured."
MAX_CAUSES = 5
SHOWN_GROUPS = ("function", "nerves")


def answer_bundle(
    case: Case, assessed: Mapping[str, Any], forecast: Mapping[str, Any] | None = None, *, as_of: datetime.date | None = None
) -> tuple[Resource, tuple[str, ...]]:
    """A Bundle with the case, what `assess` says of it and, when given, a forecast; and what of the case could not be written.

    `assessed` and `forecast` are the plain data of the answers. Raises `InputError` for a case without a calendar day.
    """
    written = case_resources(case, as_of)
    results = [f"Observation/{item['id']}" for item in written.resources if item["resourceType"] == "Observation"]
    if "child" in assessed:
        written.left_out.append("an assessment: under 16 no adult rule holds")
    else:
        computed = _computed(assessed, written)
        risk = _risk(case, assessed, written, [*results, *computed])
        _plan(assessed, written, risk)
    if forecast is not None:
        _today(forecast, written)
        _course(forecast, written)
    return bundle(written.resources, written.day), tuple(written.left_out)


def _note(*texts: str) -> list[Resource]:
    return [{"text": " ".join((*texts, DISCLAIMER))}]


def _own(code: str, words: str) -> Resource:
    return {"coding": [{"system": QUANTITY, "code": code}], "text": words}


def _references(names: Sequence[str]) -> list[Resource] | None:
    return [{"reference": name} for name in names] or None


# --- assess ------------------------------------------------------------------------------------------------------------------


def _computed(data: Mapping[str, Any], written: Written) -> list[str]:
    """Kidney function from creatinine and cB12, where the answer computed them."""
    made = []
    found = data["deficiency"]
    if found["egfr"] is not None and found["egfr_from"].startswith("from"):
        made.append(("egfr-computed", f"eGFR, computed {found['egfr_from']}", found["egfr"], "mL/min/1.73m2"))
    if found["combined"]["value"] is not None:
        made.append(("cb12", "Combined indicator of B12 status (cB12), computed", found["combined"]["value"], "1"))
    names = []
    for code, words, value, unit in made:
        item = written.add(
            "Observation", status="final", code=_own(code, words), subject=written.subject, effectiveDateTime=written.day.isoformat(),
            valueQuantity={"value": value, "unit": unit, "system": UCUM, "code": ucum(unit)}, note=_note(NOT_MEASURED),
        )  # fmt: skip
        names.append(f"Observation/{item['id']}")
    return names


def _risk(case: Case, data: Mapping[str, Any], written: Written, basis: Sequence[str]) -> str:
    """How likely deficiency is and why. Probabilities are in percent, as FHIR has them."""
    found = data["deficiency"]
    working, methyl = found["function"], found["mma"]
    interval = (
        f"Nine tenths: {_percent(working['low'])} to {_percent(working['high'])}. Before any result {_percent(working['before_markers'])}."
    )
    predictions: list[Resource] = [
        {"outcome": {"text": f"B12 function below the floor ({working['floor_percent']:g} % of a replete person's)"},
         "probabilityDecimal": _share(working["probability"]), "qualitativeRisk": {"text": working["word"]}, "rationale": interval}
    ]  # fmt: skip
    if methyl.get("probability") is not None:
        predictions.append({"outcome": {"text": f"Methylmalonic acid above {methyl['limit_nmol_l']:g} nmol/L, if it were measured"},
                            "probabilityDecimal": _share(methyl["probability"])})  # fmt: skip
    predictions.append({"outcome": {"text": "Response to B12"}, "qualitativeRisk": {"text": found["response"]["grade"]},
                        "rationale": found["response"]["text"].replace("`", "")})  # fmt: skip
    for row in data["causes"][:MAX_CAUSES]:
        if row["standing"] != "not named" or row["at_work"] >= 0.1:
            words = f"At work if function is poor: {row['words']}"
            chance = {"probabilityDecimal": _share(row["at_work"])} if row["size_known"] else {"qualitativeRisk": {"text": "not sized"}}
            predictions.append({"outcome": {"text": words}, **chance})
    flags = [f"Red flag ({flag['urgency']}): {flag['says']}" for flag in data["red_flags"]]
    item = written.add(
        "RiskAssessment", status="final", subject=written.subject, occurrenceDateTime=written.day.isoformat(),
        code={"text": "Vitamin B12 deficiency, from all results read together"},
        method={"text": f"corrin assess, population {data['table']['made'].get('population', '')}".strip()},
        basis=_references(basis), prediction=predictions, mitigation=data["red_flags"][0]["do"] if data["red_flags"] else None,
        note=_note(*flags),
    )  # fmt: skip
    return f"RiskAssessment/{item['id']}"


def _plan(data: Mapping[str, Any], written: Written, risk: str) -> None:
    """What could be done next: samples a red flag calls for, tests by their worth, and the guideline's own clauses."""
    urgent = data["urgency"] in ("emergency", "same day")
    activities: list[Resource] = []
    tests = list(dict.fromkeys(str(name) for flag in data["red_flags"] for name in flag["tests"]))
    activities += [_test(name, "Sampled now, not waited for.") for name in tests]
    said = {_plain(name) for name in tests}
    for row in data["next_tests"]:
        if _plain(TEST_WORDS.get(row["test"], row["test"])) not in said:
            activities.append(_test(row["test"], f"Would move the probability by {_percent(row['expected_change'])}; {row['about']}."))
    for guide in (*data["guides"], *data["extra"]):
        for clause in guide["clauses"]:
            for then in clause["then"]:
                if then["kind"] in ("treat", "follow_up", "refer", "urgent", "avoid", "advise"):
                    text = f"{guide['issuer']}, {clause['id']} ({clause['standing']}): {then['text']}"
                    activities.append({"detail": {"status": "not-started", "description": text}})
    activities += [{"detail": {"status": "not-started", "description": f"Safety, {rule['id']}: {rule['says']}"}}
                   for rule in data["safety"]["rules"]]  # fmt: skip
    ask = data["safety"]["ask"]
    written.add(
        "CarePlan", status="draft", intent="proposal", title="Vitamin B12: what could be looked at next",
        description="A proposal to be thought over by a clinician; nothing in it is ordered." + (" Same-day assessment." if urgent else ""),
        subject=written.subject, created=written.day.isoformat(), supportingInfo=[{"reference": risk}], activity=activities or None,
        note=_note(f"Ask before B12 is given: {', '.join(ask)}." if ask else ""),
    )  # fmt: skip


def _test(name: str, why: str) -> Resource:
    """A test by its id or its words."""
    row = known.find_analyte(name)
    code = concept_of_test(row.id) if row is not None else concept_of_test(name)
    return {"detail": {"kind": "ServiceRequest", "code": code, "status": "not-started", "description": why}}


def _plain(words: str) -> str:
    row = known.find_analyte(words)
    return row.id if row is not None else known.slug(words)


# --- forecast ------------------------------------------------------------------------------------------------------------------


def _today(data: Mapping[str, Any], written: Written) -> None:
    """The state of the body as the model sees it today: median, and five of a hundred below and above as components."""
    for row in data["today"]:
        if row["group"] not in SHOWN_GROUPS or row["name"].startswith(("axon_", "myelin_")):
            continue
        parts = [{"code": _own(name, words), "valueQuantity": _quantity(row[name], row["unit"])}
                 for name, words in (("p05", "5 % of people like this one lie below"), ("p95", "5 % lie above"))]  # fmt: skip
        written.add("Observation", status="preliminary", code=_own(row["name"], f"Model: {row['label']}"), subject=written.subject,
                    effectiveDateTime=written.day.isoformat(), valueQuantity=_quantity(row["p50"], row["unit"]), component=parts,
                    note=_note(NOT_MEASURED))  # fmt: skip


def _course(data: Mapping[str, Any], written: Written) -> None:
    """What each plan would do: the chance of each turning point, and when."""
    for plan in data["plans"]:
        predictions: list[Resource] = []
        for row in plan["milestones"]:
            item: Resource = {"outcome": {"text": row["label"]}}
            if row["chance"] is not None:
                item["probabilityDecimal"] = _share(row["chance"])
            times = {name: row[key] for name, key in (("low", "p05"), ("high", "p95")) if row[key] is not None}
            if times:
                item["rationale"] = f"Nine tenths of those who reach it, in {row['unit']}: " + " to ".join(
                    f"{v:.3g}" for v in times.values()
                )
            predictions.append(item)
        predictions += [{"outcome": {"text": f"Not expected back within 24 months: {name}"}} for name in plan["not_expected"]]
        written.add(
            "RiskAssessment", status="preliminary", subject=written.subject, occurrenceDateTime=written.day.isoformat(),
            code={"text": f"Course under the plan: {plan['title']}"},
            method={"text": f"corrin forecast, {data['made']['draws']} people drawn, seed {data['made']['seed']}"},
            prediction=predictions or None, note=_note(plan["description"]),
        )  # fmt: skip


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit or "1", "system": UCUM, "code": ucum(unit)}


def _share(p: float) -> float:
    return round(100.0 * p, 2)


def _percent(p: float) -> str:
    return "over 99 %" if p > 0.99 else "under 1 %" if p < 0.01 else f"{100.0 * p:.0f} %"
