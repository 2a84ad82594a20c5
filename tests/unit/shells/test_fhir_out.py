"""What is written as FHIR R4 an independent validator finds nothing wrong with, and our own reader reads back as the same person."""

from __future__ import annotations

import datetime
import json
import random
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import fhir_bundles as fhir
from corrin.answers.assess import DISCLAIMER, assess
from corrin.answers.examples import example, examples
from corrin.case import known
from corrin.case.case import Case
from corrin.case.check import CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS
from corrin.case.reader import read_case
from corrin.errors import InputError
from corrin.facts import reader as facts
from corrin.guides.person import facts_of
from corrin.shells.cli import app
from corrin.shells.fhir import read_fhir
from corrin.shells.fhir.answered import QUANTITY, answer_bundle
from corrin.shells.fhir.codes import OWN
from corrin.shells.fhir.out import bundle, case_resources
from corrin.shells.fhir.written import request_for

DAY = datetime.date(2024, 3, 1)
EVIDENCE = Path(__file__).parents[4] / "shared" / "evidence" / "fhir"
NODE = Path(__file__).parents[2] / "node"
IDS = [row.id if hasattr(row, "id") else row for row in examples()]
FULL: dict[str, Any] = {
    "format": "corrin.case/1", "id": "full", "as_of": "2024-03-01",
    "person": {"birth_year": 1950, "sex": "female", "weight_kg": 62.5, "country": "Denmark", "pregnancy": "none"},
    "history": {
        "drugs": [{"name": "metformin", "from": "2016-02", "dose": 850, "unit": "mg", "per_day": 2},
                  {"name": "ppi", "from": "2019", "to": "2021-05-04"}, {"name": "folic_acid", "dose": 5, "unit": "mg", "per_day": 0.5}],
        "other_drugs": ["warfarin"],
        "conditions": [{"name": "autoimmune_gastritis", "from": "2020", "certainty": "confirmed"},
                       {"name": "sibo", "certainty": "suspected"}, {"name": "coeliac", "from": "2001", "to": "2003-04"}],
        "other_conditions": ["allergy: cyanocobalamin", "an unknown illness"],
        "operations": [{"name": "sleeve_gastrectomy", "date": "2012-06"}],
        "nitrous_oxide": [{"pattern": "single", "from": "2023-12-24"}, {"pattern": "pulses", "from": "2023-01-01", "to": "2023-06-01"}],
        "alcohol": {"level": "heavy", "from": "2010", "per_day": 4}, "smoking": {"level": "past"},
        "past_b12": [{"product": "hydroxocobalamin-intramuscular", "dose": 1, "unit": "mg", "from": "2022-01-01", "to": "2022-12-31",
                      "every_days": 90},
                     {"product": "cyanocobalamin-oral", "dose": 50, "unit": "ug", "from": "2023-01", "times_per_day": 1},
                     {"product": "cyanocobalamin-intramuscular", "dose": 1, "unit": "mg", "days": ["2021-03-01", "2021-03-08"]}],
    },
    "labs": [
        {"analyte": "serum_b12", "value": 140, "unit": "pmol/L", "date": "2024-02-28", "reference_low": 200, "reference_high": 600,
         "method": "immunoassay"},
        {"analyte": "serum_b12", "value": 150, "unit": "pg/mL", "comparator": "<", "date": "2019-05"},
        {"analyte": "mma", "value": 0.9, "unit": "umol/L", "date": "2024-02-28"},
        {"analyte": "homocysteine", "value": 31, "unit": "umol/L", "date": "2024-02-28"},
        {"analyte": "holotranscobalamin", "value": 18, "unit": "pmol/L", "date": "2024-02-28"},
        {"analyte": "creatinine", "value": 88, "unit": "umol/L", "date": "2024-02-28"},
        {"analyte": "haemoglobin", "value": 10.1, "unit": "g/dL", "date": "2024-02-28"},
        {"analyte": "egfr", "value": 58, "unit": "mL/min/1.73m2", "date": "2022-01-01"},
        {"analyte": "intrinsic_factor_antibody", "word": "raised", "date": "2021"},
    ],
    "findings": [
        {"what": "numbness", "tract": "sensory_long", "severity": "moderate", "date": "2023-08", "onset": True},
        {"what": "gait", "severity": "mild", "date": "2024-02-28"}, {"what": "romberg", "severity": "none", "date": "2024-02-28"},
    ],
}  # fmt: skip


@lru_cache(maxsize=1)
def full() -> Case:
    return read_case(FULL)


def day_of(case: Case) -> datetime.date | None:
    return None if case.calendar else DAY


def told(case: Case) -> dict[str, Any]:
    """What a case tells, whatever the words and the order: ids of the tables, days, amounts."""
    history = case.history

    def day(when: str | None) -> float | None:
        return None if when is None else round(case.day(when))

    def rate(item: Any) -> float | None:
        if item.every_days is None and item.per_week is None and item.times_per_day is None:
            return None
        return round((item.times_per_day or 1) / (item.every_days or (7 / item.per_week if item.per_week else 1)), 4)

    def name(text: str, kinds: tuple[str, ...]) -> str:
        rows = known.find_modifier(text, kinds)
        return rows[0].id if rows else text

    return {
        "person": (round(case.age_y, 1), case.person.sex, case.person.weight_kg),
        "labs": sorted(str((known.find_analyte(x.analyte).id, x.value, x.unit, x.word, x.comparator, day(x.date) or 0, x.reference_low,
                            x.reference_high)) for x in case.labs if not x.held_back),
        "conditions": sorted(map(str, ((name(x.name, CONDITION_KINDS), day(x.from_), day(x.to),
                                        x.certainty if x.certainty in ("confirmed", "suspected") else None) for x in history.conditions))),
        "drugs": sorted(map(str, ((name(x.name, DRUG_KINDS), day(x.from_), day(x.to), x.dose, x.unit,
                                   round(x.per_day, 4) if x.per_day and x.dose else None) for x in history.drugs))),
        "operations": sorted(str((name(x.name, OPERATION_KINDS), day(x.date))) for x in history.operations),
        "findings": sorted(str((x.what, x.tract, x.severity, day(x.date) or 0, x.onset)) for x in case.findings),
        "b12": sorted(str((x.product, day(x.from_), day(x.to), x.dose, x.unit, rate(x), x.days)) for x in history.past_b12),
        "nitrous_oxide": sorted(str((x.pattern, day(x.from_), day(x.to or x.last_use))) for x in history.nitrous_oxide),
        "others": (sorted(history.other_drugs), sorted(history.other_conditions)),
        "alcohol": history.alcohol and (history.alcohol.level, day(history.alcohol.from_), history.alcohol.per_day),
        "smoking": history.smoking and history.smoking.level,
    }  # fmt: skip


def back(case: Case) -> Case:
    written = case_resources(case, day_of(case))
    return read_fhir(bundle(written.resources, written.day), as_of=written.day, today=written.day)[0]


def test_what_is_written_is_read_back_as_the_same_person() -> None:
    assert told(back(full())) == told(full())


def test_guidelines_see_the_same_person_in_it() -> None:
    once, twice = facts_of(full()), facts_of(back(full()))
    assert {name: value for name, value in once.items() if isinstance(value, bool)} == {
        name: value for name, value in twice.items() if isinstance(value, bool)
    }
    answers = [assess(case, ("dk-dsam-2025",)).data for case in (full(), back(full()))]
    for key in ("deficiency", "red_flags", "markers", "causes", "safety"):
        assert answers[0][key] == answers[1][key], key


@pytest.mark.parametrize("name", IDS)
def test_every_example_is_read_back_as_far_as_it_is_written(name: str) -> None:
    """Labs, findings, conditions, operations and drugs come back; what cannot is named."""
    case = example(name)
    written = case_resources(case, DAY)
    first, second = told(case), told(back(case))
    for key in ("labs", "conditions", "operations", "findings"):
        assert second[key] == first[key], key
    if second["nitrous_oxide"] != first["nitrous_oxide"]:
        assert any("nitrous oxide" in text for text in written.left_out)
    if case.history.diet or case.history.foods:
        assert any("eaten" in text for text in written.left_out)


def test_a_second_writing_changes_nothing() -> None:
    """Read, written and read again: the same case, for records as they come."""
    chance = random.Random(4)
    for _ in range(20):
        rows = [fhir.patient(born=f"{chance.randrange(1930, 2000)}-05-17", gender=chance.choice(["female", "male"]))]
        for analyte, by_unit in fhir.TESTS.items():
            unit = chance.choice(sorted(by_unit))
            value = {"g/dL": 12.5, "fL": 99.0, "mL/min/1.73m2": 71.0, "mg/dL": 1.1}.get(unit, 300.0 if unit != "umol/L" else 20.0)
            if unit == "mmol/L":
                value = 8.0
            if (analyte, unit) == ("mma", "umol/L"):
                value = 0.4
            if (analyte, unit) == ("creatinine", "umol/L"):
                value = 90.0
            rows.append(fhir.lab(by_unit[unit], value, unit, f"20{chance.randrange(10, 24)}-0{chance.randrange(1, 10)}-11"))
        rows += [fhir.condition(code, onsetDateTime="2015") for code in chance.sample(sorted(fhir.CONDITIONS.values()), 2)]
        rows += [fhir.medicine(code, authoredOn="2018-03-04") for code in chance.sample(sorted(fhir.DRUGS.values()), 2)]
        once = read_fhir(fhir.bundle(*rows), as_of=DAY, today=DAY)[0]
        assert told(back(once)) == told(once)


def test_synthetic_records_come_back() -> None:
    if not EVIDENCE.is_dir():
        pytest.skip("the synthetic records are not part of the product")
    for path in sorted(EVIDENCE.glob("*.json")):
        record = fhir.with_b12_results(json.loads(path.read_text(encoding="utf-8")), 7)
        once = read_fhir(record, today=datetime.date(2025, 1, 1))[0]
        again = back(once)
        first, second = told(once), told(again)
        for key in ("person", "labs", "conditions", "operations", "findings", "drugs", "b12"):
            assert second[key] == first[key], (path.name, key)


def test_an_anonymous_case_needs_a_day_and_a_dated_one_keeps_its_own() -> None:
    with pytest.raises(InputError, match="--as-of"):
        case_resources(example(IDS[0]))
    with pytest.raises(InputError, match="own day"):
        case_resources(full(), datetime.date(2020, 1, 1))


# --- what the answers become -------------------------------------------------------------------------------------------------


def answered(case: Case) -> dict[str, list[dict[str, Any]]]:
    made, _ = answer_bundle(case, assess(case).data, as_of=day_of(case))
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in made["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def test_the_plan_is_a_proposal_and_says_what_it_is_for() -> None:
    found = answered(full())
    (plan,), (risk,) = found["CarePlan"], found["RiskAssessment"]
    assert (plan["intent"], plan["status"]) == ("proposal", "draft")
    for item in (plan, risk):
        assert DISCLAIMER in item["note"][0]["text"]
    assert "MedicationRequest" not in found, "nothing is ordered"
    assert any(row["detail"].get("kind") == "ServiceRequest" for row in plan["activity"])


def test_probabilities_are_those_of_the_answer_in_percent() -> None:
    data = assess(full()).data
    (risk,) = answered(full())["RiskAssessment"]
    assert risk["prediction"][0]["probabilityDecimal"] == pytest.approx(100 * data["deficiency"]["function"]["probability"])
    assert all(0 <= row.get("probabilityDecimal", 0) <= 100 for row in risk["prediction"])
    assert any(text["text"].startswith("Red flag") for text in risk["note"])


def test_what_is_computed_is_never_read_as_a_result() -> None:
    """Four markers give cB12; it carries our own code, so that a second reading has no more results than the case."""
    case = full()
    made, _ = answer_bundle(case, assess(case).data)
    computed = [entry["resource"] for entry in made["entry"] if QUANTITY in json.dumps(entry["resource"].get("code", {}))]
    assert computed
    assert told(read_fhir(made, as_of=DAY, today=DAY)[0])["labs"] == told(case)["labs"]


def test_only_codes_that_were_looked_up_are_sent() -> None:
    verified = {(row.system, row.code) for row in facts.codes() if row.verified and row.code != "none"}
    found: set[tuple[str, str]] = set()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if "system" in part and "code" in part and "value" not in part:
                found.add((part["system"], part["code"]))
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(answer_bundle(full(), assess(full()).data)[0])
    ours = {pair for pair in found if pair[0] in (OWN, QUANTITY) or pair[0].startswith("http://terminology.hl7.org/")}
    assert found - ours <= verified
    assert len(found - ours) >= 10


def test_references_lead_to_entries() -> None:
    made, _ = answer_bundle(full(), assess(full()).data)
    names = {entry["fullUrl"] for entry in made["entry"]}
    assert len(names) == len(made["entry"])
    text = json.dumps(made)
    for part in text.split('"reference": "')[1:]:
        assert part.split('"')[0] in names


def test_a_child_is_written_without_an_assessment() -> None:
    case = read_case({"format": "corrin.case/1", "person": {"age_y": 7.0}, "as_of": "2024-03-01"}, any_age=True)
    made, left_out = answer_bundle(case, assess(case).data)
    assert [entry["resource"]["resourceType"] for entry in made["entry"]] == ["Patient"]
    assert any("under 16" in text for text in left_out)


FORECAST = {
    "today": [{"name": "function_foot", "label": "Feet, working", "unit": "%", "group": "nerves", "p05": 40.0, "p50": 60.0, "p95": 80.0}],
    "plans": [{"title": "Injections", "description": "One milligram.", "not_expected": ["gait"],
               "milestones": [{"label": "First improvement", "unit": "weeks", "p05": 2.0, "p95": 9.0, "chance": 0.8},
                              {"label": "Most improvement", "unit": "weeks", "p05": None, "p95": None, "chance": 0.0}]}],
    "made": {"draws": 50, "seed": 1},
}  # fmt: skip


def test_a_forecast_is_written_as_risk_and_state() -> None:
    made, _ = answer_bundle(full(), assess(full()).data, FORECAST)
    kinds = [entry["resource"] for entry in made["entry"]]
    course = next(item for item in kinds if item["resourceType"] == "RiskAssessment" and "Injections" in item["code"]["text"])
    assert course["prediction"][0]["probabilityDecimal"] == 80.0
    state = next(item for item in kinds if item["resourceType"] == "Observation" and item["status"] == "preliminary")
    assert state["valueQuantity"]["value"] == 60.0


# --- an independent validator --------------------------------------------------------------------------------------------------


def complaints(resources: list[dict[str, Any]], folder: Path) -> list[str]:
    """What the package `fhir` of Node finds wrong with resources."""
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules" / "fhir").is_dir():
        pytest.skip("no Node, or `npm ci` was not run in tests/node")
    lines = folder / "resources.ndjson"
    lines.write_text("\n".join(json.dumps(item) for item in resources), encoding="utf-8")
    done = subprocess.run([node, str(NODE / "validate.mjs"), str(lines)], capture_output=True, text=True, timeout=120, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(resources)
    bad = [f"{row['kind']}: {item}" for row in rows for item in row["messages"] if item["severity"] in ("error", "fatal")]
    return bad + [row["kind"] for row in rows if not row["valid"]]


def test_the_validator_finds_faults_that_are_there(tmp_path: Path) -> None:
    wrong = {"resourceType": "CarePlan", "status": "draft", "intent": "wish", "subject": {"reference": "Patient/1"}}
    assert complaints([wrong], tmp_path)
    assert complaints([{"resourceType": "RiskAssessment", "subject": {"reference": "Patient/1"}}], tmp_path)


def test_every_resource_is_valid(tmp_path: Path) -> None:
    made = [answer_bundle(full(), assess(full()).data, FORECAST)[0]]
    made += [answer_bundle(case, assess(case).data, as_of=DAY)[0] for case in map(example, IDS)]
    resources = [*made, *(entry["resource"] for item in made for entry in item["entry"])]
    resources += [request_for(name, "p1", "2024-03-01", "A note.", urgent=True) for name in ("mma", "blood count", "serum_b12")]
    assert complaints(resources, tmp_path) == []


# --- the command ---------------------------------------------------------------------------------------------------------------


def test_the_command_writes_what_the_library_does(tmp_path: Path) -> None:
    runner = CliRunner()
    case = tmp_path / "case.json"
    case.write_text(json.dumps(FULL), encoding="utf-8")
    done = runner.invoke(app, ["fhir-out", str(case)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == answer_bundle(full(), assess(full()).data)[0]
    target = tmp_path / "bundle.json"
    assert runner.invoke(app, ["fhir-out", IDS[0], "--as-of", "2024-03-01", "--out", str(target)]).exit_code == 0
    assert json.loads(target.read_text(encoding="utf-8"))["resourceType"] == "Bundle"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.json", "case.json"]
