"""A record in FHIR and the case file that says the same give the same case, however the record is written."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from typer.testing import CliRunner

import corrin
import fhir_bundles as fhir
from corrin.case.case import Case
from corrin.case.check import in_canonical
from corrin.case.reader import read_case
from corrin.errors import CorrinError, InputError, NotCovered
from corrin.facts import reader as facts
from corrin.shells.cli import app
from corrin.shells.fhir import read_fhir
from corrin.shells.recognise import is_fhir

TODAY = datetime.date(2025, 1, 1)
EVIDENCE = Path(__file__).parents[4] / "shared" / "evidence" / "fhir"


def read(source: Any, **more: Any) -> Case:
    return read_fhir(source, today=TODAY, **more)[0]


def one(*resources: dict[str, Any], **more: Any) -> Case:
    return read(fhir.bundle(fhir.patient(), *resources), **more)


def account(*resources: dict[str, Any], **more: Any) -> corrin.shells.fhir.Report:  # type: ignore[name-defined]
    return read_fhir(fhir.bundle(fhir.patient(), *resources), today=TODAY, **more)[1]


# --- the same as the case file -----------------------------------------------------------------------------------------

days = some.dates(datetime.date(2015, 1, 1), datetime.date(2024, 2, 1)).map(datetime.date.isoformat)
PLAUSIBLE = {
    "serum_b12": (50, 900),
    "mma": (60, 3000),
    "homocysteine": (4, 90),
    "holotranscobalamin": (5, 200),
    "haemoglobin": (6, 18),
    "mcv": (70, 125),
    "creatinine": (40, 400),
    "egfr": (15, 130),
}


@some.composite
def labs(draw: Any) -> dict[str, Any]:
    analyte = draw(some.sampled_from(sorted(PLAUSIBLE)))
    row = facts.analytes()[analyte]
    unit = draw(some.sampled_from(sorted(fhir.TESTS[analyte])))
    low, high = PLAUSIBLE[analyte]
    value = in_canonical(1.0, unit, row)
    made = {"analyte": analyte, "value": round(draw(some.floats(low, high)) / value, 6), "unit": unit, "date": draw(days)}
    if draw(some.booleans()):
        made |= {"reference_low": low / value, "reference_high": high / value}
    if draw(some.integers(0, 4)) == 0:
        made["comparator"] = draw(some.sampled_from(["<", ">", ">="]))
    return made


@some.composite
def cases(draw: Any) -> dict[str, Any]:
    names = draw(some.lists(some.sampled_from(sorted(fhir.CONDITIONS)), unique=True, max_size=3))
    drugs = draw(some.lists(some.sampled_from(sorted(fhir.DRUGS)), unique=True, max_size=3))
    doses = {"metformin": 850.0, "ppi": 20.0, "h2_blocker": 150.0, "colchicine": 0.5}
    results = draw(some.lists(labs(), max_size=6, unique_by=lambda item: (item["analyte"], item["date"])))
    history = {
        "conditions": [{"name": name, "from": draw(days)} for name in names],
        "drugs": [
            {"name": name, "from": draw(days)}
            | ({"dose": doses[name], "unit": "mg", "per_day": draw(some.integers(1, 3))} if draw(some.booleans()) else {})
            for name in drugs
        ],
        "operations": [{"name": "sleeve_gastrectomy", "date": draw(days)}] if draw(some.booleans()) else [],
    }
    return {
        "format": "corrin.case/1",
        "note": "Read from FHIR R4.",
        "as_of": "2024-03-01",
        "labs": results,
        "history": history,
        "person": {"birth_year": draw(some.integers(1930, 1990)), "sex": draw(some.sampled_from(["female", "male"])), "weight_kg": 70.5},
    }


def settled(case: Case) -> dict[str, Any]:
    """A case with its lists in one order, for order is all a record does not keep."""
    made = case.to_dict()
    made["labs"] = sorted(made.get("labs", []), key=str)
    for name, entries in made.get("history", {}).items():
        made["history"][name] = sorted(entries, key=str) if isinstance(entries, list) else entries
    return made


@settings(max_examples=60, deadline=None)
@given(cases())
def test_the_same_as_the_case_file(case: dict[str, Any]) -> None:
    assert settled(read(fhir.bundle(*fhir.of_case(case)))) == settled(read_case(case))


@settings(max_examples=40, deadline=None)
@given(cases(), some.integers(0, 10**6), some.sampled_from(["collection", "searchset", "transaction", "document"]))
def test_order_copies_and_needless_fields_never_show(case: dict[str, Any], seed: int, kind: str) -> None:
    chance = random.Random(seed)
    resources = fhir.of_case(case)
    expected = read(fhir.bundle(*resources))
    changed = []
    for item in chance.sample(resources, len(resources)):
        item = dict(item)
        if item["resourceType"] != "Patient" and chance.random() < 0.5:
            item.pop("subject")
        if chance.random() < 0.5:
            item |= {"meta": {"versionId": "3"}, "text": {"div": "<div>Low B12?</div>"}, "encounter": {"reference": "Encounter/gone"}}
        if chance.random() < 0.3:
            item.pop("intent", None)
        changed += [item] * chance.choice((1, 1, 2))
    changed.append({"resourceType": "Encounter", "status": "finished"})
    assert read(fhir.bundle(*changed, kind=kind)) == expected


@settings(max_examples=15, deadline=None)
@given(case=cases(), parts=some.integers(1, 4))
def test_one_bundle_several_or_ndjson(tmp_path_factory: pytest.TempPathFactory, case: dict[str, Any], parts: int) -> None:
    folder = tmp_path_factory.mktemp("record")
    resources = fhir.of_case(case)
    expected = read(fhir.bundle(*resources))
    for number in range(parts):
        some_of = resources[number::parts]
        if some_of:
            (folder / f"part{number}.json").write_text(json.dumps(fhir.bundle(*some_of)), encoding="utf-8")
    assert read(folder) == expected
    assert read(fhir.write_ndjson(folder / "lines", resources)) == expected
    assert read(io.StringIO("\n".join(map(json.dumps, resources)))) == expected
    assert read(io.BytesIO(json.dumps(fhir.bundle(*resources)).encode())) == expected


@pytest.mark.parametrize("seed", range(12))
def test_added_b12_results_are_read(seed: int) -> None:
    record = fhir.bundle(fhir.patient(), fhir.lab("718-7", 12.0, "g/dL", "2023-01-05"), fhir.lab("787-2", 101.0, "fL", "2024-03-01"))
    case = read(fhir.with_b12_results(record, seed))
    assert sorted({item.analyte for item in case.labs}) == ["haemoglobin", "homocysteine", "mcv", "mma", "serum_b12"]
    assert len(case.labs) == 8


# --- whom and when -----------------------------------------------------------------------------------------------------


def test_several_patients_are_named_and_one_is_chosen() -> None:
    two = [
        fhir.patient("p1"),
        fhir.patient("p2", "1980-01-01", "male"),
        fhir.lab("2132-9", 300.0, "pg/mL"),
        fhir.lab("2132-9", 200.0, "pg/mL", subject={"reference": "http://a.b/fhir/Patient/p2/_history/1"}),
    ]
    with pytest.raises(InputError, match="2 patients: p1, p2"):
        read(fhir.bundle(*two))
    with pytest.raises(InputError, match="one of p1, p2"):
        read(fhir.bundle(*two), patient="p3")
    case, report = read_fhir(fhir.bundle(*two), patient="p2", today=TODAY)
    assert [item.value for item in case.labs] == [200.0]
    assert report.other_patients == 1


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (None, "no Patient"),
        ({"birthDate": None}, "no birth date"),
        ({"birthDate": "yesterday"}, "yesterday"),
        ({"birthDate": "1950-13-01"}, "1950-13-01"),
        ({"birthDate": "2199-01-01"}, "a day to come"),
        ({"birthDate": 1950}, "1950"),
    ],
)
def test_no_patient_or_no_age(person: dict[str, Any] | None, said: str) -> None:
    resources = [fhir.lab("2132-9", 300.0, "pg/mL"), *([fhir.patient() | person] if person is not None else [])]
    with pytest.raises(InputError, match=said):
        read(fhir.bundle(*resources))


def test_copies_of_a_patient_that_differ() -> None:
    with pytest.raises(InputError, match="two birth dates"):
        read(fhir.bundle(fhir.patient(), fhir.patient(born="1951-01-01")))


def test_a_child_is_not_covered() -> None:
    with pytest.raises(NotCovered):
        read(fhir.bundle(fhir.patient(born="2015-01-01"), fhir.lab("2132-9", 300.0, "pg/mL")))


def test_days_to_come_and_days_before_birth_are_left_out() -> None:
    case, report = read_fhir(
        fhir.bundle(
            fhir.patient(),
            fhir.lab("2132-9", 300.0, "pg/mL", "2099-01-01"),
            fhir.lab("2132-9", 310.0, "pg/mL", "1930-01-01"),
            fhir.lab("2132-9", 320.0, "pg/mL", "2024-01-01"),
        ),
        today=TODAY,
    )
    assert [item.value for item in case.labs] == [320.0]
    assert case.as_of == "2024-01-01"
    assert {fault.found for fault in report.left_out} == {"dated 2099-01-01, a day to come", "dated 1930-01-01, before the birth"}


def test_an_end_before_its_beginning_is_told() -> None:
    found = fhir.condition("84027009", onsetDateTime="2020-01-01", abatementDateTime="2010-01-01")
    assert one(found).history.conditions[0].to is None
    assert "before the onset" in str(account(found).left_out[0])


# --- anything at all ---------------------------------------------------------------------------------------------------

junk = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-5, 10**30)
    | some.floats()
    | some.text(max_size=8)
    | some.sampled_from(["2020-01-01", "Patient/p1", "mg", "#m"]),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(["coding", "code", "value", "unit", "text", "system", "start", "end", "reference", "repeat", "period", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FIELDS = [
    "status",
    "code",
    "subject",
    "effectiveDateTime",
    "effectivePeriod",
    "valueQuantity",
    "valueCodeableConcept",
    "valueString",
    "referenceRange",
    "component",
    "interpretation",
    "onsetDateTime",
    "onsetAge",
    "abatementDateTime",
    "clinicalStatus",
    "verificationStatus",
    "authoredOn",
    "dosageInstruction",
    "dosage",
    "medicationCodeableConcept",
    "medicationReference",
    "contained",
    "performedDateTime",
    "performedPeriod",
    "birthDate",
    "gender",
    "deceasedDateTime",
    "id",
    "resourceType",
    "entry",
    "reaction",
    "dispenseRequest",
    "ingredient",
]


@settings(max_examples=300, deadline=None)
@given(some.lists(some.tuples(some.integers(0, 20), some.sampled_from(FIELDS), junk), min_size=1, max_size=4))
def test_any_value_in_any_field_is_read_or_refused(changes: list[tuple[int, str, Any]]) -> None:
    base = fhir.of_case(
        {
            "person": {"birth_year": 1950, "sex": "female", "weight_kg": 70.0},
            "as_of": "2024-03-01",
            "labs": [
                {"analyte": "serum_b12", "value": 300.0, "unit": "pg/mL", "date": "2024-01-01", "reference_low": 200, "reference_high": 900}
            ],
            "history": {
                "conditions": [{"name": "coeliac", "from": "2020-01-01"}],
                "operations": [{"name": "gastric_bypass", "date": "2019"}],
                "drugs": [{"name": "metformin", "from": "2020-01-01", "dose": 500.0, "unit": "mg", "per_day": 2}],
            },
        }
    )
    base += [fhir.medicine("B03BA03", authoredOn="2021-01-01"), {"resourceType": "AllergyIntolerance", "code": {"text": "cobalt"}}]
    for place, field, value in changes:
        base[place % len(base)] |= {field: value}
    with contextlib.suppress(CorrinError):
        read(io.StringIO(json.dumps(fhir.bundle(*base))))


# --- the command line and real files -----------------------------------------------------------------------------------


def test_the_command_line_takes_fhir_wherever_a_case_is(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(fhir.bundle(fhir.patient(), fhir.lab("2132-9", 300.0, "pg/mL"))))
    run = CliRunner().invoke(app, ["check-case", str(path)])
    assert run.exit_code == 0, run.output
    assert "1 laboratory values: serum_b12" in run.stdout
    assert "Read from FHIR: 1 Observation, 1 Patient" in run.stdout
    made = CliRunner().invoke(app, ["fhir", str(path)])
    assert read_case(json.loads(made.stdout)) == read_fhir(path)[0]
    folder = fhir.write_ndjson(tmp_path / "bulk", [fhir.patient(), fhir.lab("2132-9", 300.0, "pg/mL")])
    assert CliRunner().invoke(app, ["fhir", str(folder)]).stdout == made.stdout


def test_what_is_fhir_is_seen_by_its_content(tmp_path: Path) -> None:
    for name, text, expected in (
        ("a.json", '{"resourceType": "Bundle"}', True),
        ("b.json", '{"format": "corrin.case/1", "note": "resourceType"}', False),
        ("c.ndjson", "", True),
        ("d.toml", 'x = "resourceType"', False),
    ):
        (tmp_path / name).write_text(text)
        assert is_fhir(tmp_path / name) is expected
    assert not is_fhir(tmp_path / "missing.json")


@pytest.mark.skipif(not EVIDENCE.is_dir(), reason="the synthetic records are not part of the product")
def test_synthetic_records_shuffled_split_and_with_b12(tmp_path: Path) -> None:
    for number, path in enumerate(sorted(EVIDENCE.glob("*.json"))):
        plain, report = read_fhir(path, today=TODAY)
        assert report.left_out_count == 0
        assert plain.labs
        document = fhir.with_b12_results(json.loads(path.read_text(encoding="utf-8")), number)
        case = read(document)
        assert len(case.labs) == len(plain.labs) + 6
        shuffled = dict(document, entry=random.Random(number).sample(document["entry"], len(document["entry"])))
        assert read(shuffled) == case
        assert read(fhir.write_ndjson(tmp_path / path.stem, [entry["resource"] for entry in document["entry"]])) == case
