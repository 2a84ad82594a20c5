"""Every answer printed as JSON against its JSON Schema, read by an independent validator; made again by `corrin rerun`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

import corrin
from claim_sentences import __dict__ as sentences
from corrin.answers.shapes import schemas
from corrin.case.reader import read_case
from corrin.errors import InputError
from corrin.facts import pain as pain_tables
from corrin.shells.cli import app

ROOT = Path(__file__).resolve().parents[2]


@cache
def validator(name: str) -> Draft202012Validator:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def faults(name: str, data: dict[str, Any]) -> list[str]:
    return [f"{'.'.join(map(str, fault.absolute_path))}: {fault.message[:200]}" for fault in validator(name).iter_errors(data)]


def people() -> Iterator[Any]:
    yield from (corrin.example(name) for name in corrin.examples())
    usual = {"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 55.0, "sex": "female"}}
    yield read_case(usual)
    above = {"analyte": "mma", "value": 300, "comparator": ">", "unit": "nmol/L", "date": "-300d"}
    yield read_case({**usual, "labs": [{"analyte": "serum_b12", "word": "low", "date": "0"}, above]})
    yield read_case({**usual, "person": {"age_y": 30.0, "sex": "female", "pregnancy": "third trimester", "country": "Denmark"},
                     "history": {"drugs": [{"name": "metformin", "dose": 1000, "unit": "mg", "per_day": 2, "from": "-8y"}],
                                 "nitrous_oxide": [{"pattern": "daily", "from": "-60d"}], "alcohol": {"level": "heavy"},
                                 "other_conditions": ["back pain for years", "shingles in May"]}})  # fmt: skip


@pytest.mark.parametrize("person", list(people()), ids=lambda person: str(person.id))
def test_answers_about_a_person(person: Any) -> None:
    assert faults("assess", corrin.assess(person).to_dict()) == []
    assert faults("mimics", corrin.mimics(person).to_dict()) == []
    assert faults("matters", corrin.matters(person).to_dict()) == []
    assert faults("pain", corrin.pain(person).to_dict()) == []
    assert faults("diet", corrin.diet("clams 84 g weekly, oats 50 g daily", case=person).to_dict()) == []


def test_answers_of_other_kinds() -> None:
    person = corrin.example("gaddam2007")
    assert faults("assess", corrin.assess(person, ["all"]).to_dict()) == []
    for condition in pain_tables.CONDITIONS:
        assert faults("pain", corrin.pain(person, condition).to_dict()) == []
    for age in (0.2, 3.0, 15.0):
        child = read_case({"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": age}, "labs": [
            {"analyte": "serum_b12", "value": 240, "unit": "pmol/L", "date": "0", "reference_low": 276}]}, any_age=True)  # fmt: skip
        assert faults("assess", corrin.assess(child).to_dict()) == []
        assert faults("diet", corrin.diet("milk 250 ml daily", age_y=age).to_dict()) == []
    texts = [text for value in sentences.values() if isinstance(value, list | tuple) for text in value if isinstance(text, str)]
    for text in [*texts, "Homocysteine above 15 nmol/L indicates deficiency.", "You should take 1000 ug B12 a day."]:
        assert faults("claim", corrin.claim(text).to_dict()) == []


def test_a_schema_refuses_what_is_not_its_answer() -> None:
    data = corrin.matters(corrin.example("gaddam2007")).to_dict()
    assert faults("mimics", data)
    assert faults("matters", {**data, "surprise": 1})
    assert faults("matters", {key: value for key, value in data.items() if key != "made"})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["recover", "delay", "compare", "stop"])
def test_simulated_answers(kind: str, tmp_path: Path) -> None:
    answer = getattr(corrin, kind)(corrin.example("gaddam2007"), draws=60)
    file = tmp_path / "answer.json"
    file.write_text(answer.to_json(), encoding="utf-8")
    assert faults(kind, json.loads(file.read_text(encoding="utf-8"))) == []
    assert corrin.rerun(file)[1] == []


@pytest.mark.slow
def test_answers_for_who_plans_studies() -> None:
    found = {
        "trial": corrin.trial("tablets-or-placebo", repeats=100, draws=100),
        "design": corrin.design("first-weeks", draws=200),
        "sensitivity": corrin.sensitivity(answer="mma@0", size=4),
    }
    for kind, answer in found.items():
        assert faults(kind, json.loads(answer.to_json())) == []


def test_no_two_schemas_share_a_format() -> None:
    """What a person writes and what corrin answers carry names of their own, so that a file says which of the two it is."""
    names = []
    for file in sorted((ROOT / "schemas").glob("*.json")):
        schema = json.loads(file.read_text(encoding="utf-8"))
        form = schema.get("properties", {}).get("format", {})
        names.append(form.get("const", schema["title"]))
        if "const" in form:
            assert schema["title"].split(":")[0].startswith(form["const"])
    assert len(set(names)) == len(names)


def test_every_answer_at_once_is_made_again(tmp_path: Path) -> None:
    person = corrin.example("shm-n2o-34m")
    answers = [
        corrin.assess(person, ["all"], spectrum="community"), corrin.mimics(person), corrin.matters(person),
        corrin.pain(person, "back_acute"),
        corrin.diet("milk 250 ml daily", age_y=30.0, sex="female", pregnancy="pregnant"), corrin.diet("eggs 2 daily", case=person),
        corrin.claim("Methylcobalamin is better absorbed than cyanocobalamin."),
    ]  # fmt: skip
    for number, answer in enumerate(answers):
        file = tmp_path / f"{number}.json"
        file.write_text(answer.to_json(), encoding="utf-8")
        assert corrin.rerun(file)[1] == []
        data = answer.to_dict()
        data["made"]["versions"]["corrin"] = "0.0.1"
        file.write_text(json.dumps(data), encoding="utf-8")
        differences = corrin.rerun(file)[1]
        assert len(differences) == 1
        assert "0.0.1 then" in differences[0]


def test_a_changed_value_is_named(tmp_path: Path) -> None:
    data = corrin.assess(corrin.example("gaddam2007")).to_dict()
    data["deficiency"]["function"]["probability"] = 0.5
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    result = CliRunner().invoke(app, ["rerun", str(file), "--out", str(tmp_path / "again")])
    assert result.exit_code == 0
    assert "deficiency function probability: 0.5 then" in result.output
    assert (tmp_path / "again" / "report.txt").read_text(encoding="utf-8").startswith("gaddam2007")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"), ("[1]", "is no answer"), ('{"format":"corrin.pian/1"}', "Did you mean corrin.pain/1"),
        ('{"format":"corrin.pain/1"}', "holds no inputs"), ('{"format":"corrin.assess/1","inputs":[],"made":3}', "holds no inputs"),
        ("[" * 100_000, "is no JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_again_is_refused(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        corrin.rerun(file)


def test_what_is_named_by_mistake_is_called_what_it_is(tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_text(corrin.examples()["gaddam2007"], encoding="utf-8")
    for place, found, cure in (
        (case, "is a case", f"`corrin forecast {case}`"), (tmp_path / "no.json", "no such file", "Check the name"),
        ("gaddam2007", "is an example", "`corrin assess gaddam2007`"), (tmp_path, "a folder", ""),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            corrin.rerun(place)
        assert caught.value.found == found
        assert cure in caught.value.cure
    for file in sorted((ROOT / "src" / "corrin" / "trials").glob("*.toml")):
        with pytest.raises(InputError, match="is no JSON"):
            corrin.rerun(file)
    for form, command in (
        ("corrin.trial-design/1", "corrin trial"),
        ("corrin.design-question/1", "corrin design"),
        ("corrin.plan/1", "--plan"),
    ):
        case.write_text(json.dumps({"format": form}), encoding="utf-8")
        with pytest.raises(InputError, match=command):
            corrin.rerun(case)


def test_the_schemas_are_fresh() -> None:
    for name, schema in schemas().items():
        written = (ROOT / "schemas" / f"{name}.json").read_text(encoding="utf-8")
        assert written == json.dumps(schema, indent=2, ensure_ascii=False) + "\n", "run `make docs`"
