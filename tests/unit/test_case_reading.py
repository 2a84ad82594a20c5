"""Reading cases: what strangers write, and what they are told."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from corrin.case.case import Case
from corrin.case.check import check_case
from corrin.case.reader import read_case
from corrin.case.world import world
from corrin.errors import CorrinError, InputError, NotCovered


def case(**change: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "format": "corrin.case/1",
        "person": {"age_y": 54, "sex": "male"},
        "as_of": "2024-03-01",
        "labs": [{"analyte": "serum_b12", "value": 205, "unit": "pg/mL", "date": "2024-02-20"}],
    }
    return {**found, **change}


def lab(**entry: Any) -> dict[str, Any]:
    return case(labs=[{"analyte": "serum_b12", "value": 205, "unit": "pg/mL", **entry}])


def told(source: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_case(source)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_case_reads() -> None:
    found = read_case(case())
    assert found.age_y == 54.0
    assert found.day(found.labs[0].date) == -10.0
    assert found.labs[0].unit == "pg/mL"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (lab(unit="pgg/mL"), ["labs[0].unit", "pg/mL"]),
        (lab(unit="fL"), ["labs[0].unit", "volume", "pmol/L"]),
        (lab(unit=None), ["labs[0].unit", "without its unit"]),
        (lab(value=30, unit="ng/mL"), ["labs[0].value", "22,134 pmol/L", "Did you mean", "pg/mL", "ng/L"]),
        (lab(analyte="MMA", value=300, unit="umol/L"), ["labs[0].value", "300,000 nmol/L", "Did you mean 300 nmol/L"]),
        (lab(analyte="homocysteine", value=15, unit="nmol/L"), ["labs[0].value", "15 umol/L"]),
        (lab(analyte="serum_b21"), ["labs[0].analyte", "serum_b12"]),
        (lab(value="205"), ["labs[0].value", "quotation marks"]),
        (lab(value=True), ["labs[0].value", "a number"]),
        (lab(value=float("nan")), ["labs[0].value", "NaN"]),
        (lab(valeu=1), ["labs[0].valeu", "Did you mean value?"]),
        (lab(reference_low=900, reference_high=200), ["labs[0].reference_low", "Swap"]),
        (lab(date="2024-13-01"), ["labs[0].date", "calendar"]),
        (lab(date="2025-01-01"), ["labs[0].date", "after as_of", "observed"]),
        (lab(date="yesterday"), ["labs[0].date", "is not a date"]),
        (lab(date="5y"), ["labs[0].date", "-5y", "+5y"]),
        (lab(date="-80y"), ["labs[0].date", "before birth"]),
        (case(person={"sex": "male"}), ["person.age_y", "no age"]),
        (case(person={"age_y": 54, "birth_year": 1990}), ["person.age_y", "birth_year"]),
        (case(person={"birth_year": 2030}), ["person.birth_year", "after as_of"]),
        (case(person={"age_y": 54, "sex": "man"}), ["person.sex", "female", "male"]),
        (case(person={"age_y": 30, "sex": "male", "pregnancy": "first trimester"}), ["person.pregnancy", "sex is male"]),
        (case(as_of="someday"), ["as_of", "full date"]),
        (case(as_of="day 0"), ["labs[0].date", "calendar date"]),
        (case(format="corrin.case/2"), ["format", "corrin.case/1"]),
        (case(history={"drugs": [{"name": "metfromin"}]}), ["history.drugs[0].name", "metformin", "other_drugs"]),
        (case(history={"drugs": [{"name": "metformin", "dose": 1000}]}), ["history.drugs[0].unit"]),
        (case(history={"drugs": [{"name": "metformin", "from": "2020", "to": "2018"}]}), ["history.drugs[0].to", "before"]),
        (case(history={"conditions": [{"name": "autoimmune gastritiss"}]}), ["history.conditions[0].name", "autoimmune_gastritis"]),
        (case(history={"diet": [{"diet": "vegann"}]}), ["history.diet[0].diet", "vegan"]),
        (case(history={"diet": [{"from": "2020"}]}), ["history.diet[0]", "neither"]),
        (case(history={"foods": [{"food": "unicorn", "grams": 100}]}), ["history.foods[0].food"]),
        (case(treatments=[{"product": "hydroxocobalamine-intramuscular"}]), ["treatments[0].product", "hydroxocobalamin-intramuscular"]),
        (case(treatments=[{"product": "cyanocobalamin-oral", "dose": 1, "unit": "mL"}]), ["treatments[0].unit", "mg"]),
        (case(treatments=[{"every_days": 1e-9, "from": "-5y"}]), ["treatments[0]", "doses a day"]),
        (case(treatments=[{"every_days": 2, "per_week": 3}]), ["treatments[0].per_week", "how often"]),
        (case(findings=[{"what": "tinglin"}]), ["findings[0].what", "Did you mean tingling?"]),
        (case(findings=[{"what": "gait", "severity": 7}]), ["findings[0].severity", "mild"]),
        (case(labs="none"), ["labs", "a list"]),
        ([1, 2], ["of type list"]),
        (7, ["of type int"]),
    ],
)
def test_faults_say_where_what_and_how_to_mend(document: Any, words: list[str]) -> None:
    message = told(document)
    for word in words:
        assert word in message, message


def test_all_faults_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read_case(lab(unit="fL") | {"history": {"drugs": [{"name": "aspirinn"}], "diet": [{"diet": "meat"}]}})
    assert len(caught.value.faults) == 3
    assert str(caught.value).count("\n") == 2


def test_a_confirmed_value_may_be_extreme() -> None:
    assert read_case(lab(value=6000, unit="pmol/L", confirmed=True)).labs[0].value == 6000
    assert "confirm" in told(lab(value=6000, unit="pmol/L"))


def test_a_child_is_not_covered() -> None:
    with pytest.raises(NotCovered, match="reference intakes only") as caught:
        read_case(case(person={"age_y": 12}))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "an empty text"),
        ("   \n", "empty"),
        ("{", "not JSON"),
        ('{"format": "corrin.case/1", "format": "corrin.case/1"}', "format: this key is written twice"),
        ('{"labs": [{"unit": "a", "unit": "b"}]}', "labs[0].unit: this key is written twice"),
        ('{"a": NaN}', "a: NaN"),
        ('{"a": -Infinity}', "a: Infinity"),
        ('{"a": 1e999}', "a: Infinity"),
        ('{"a": ' + "9" * 5000 + "}", "not readable"),
        ("[" * 100_000, "nested deeper"),
        ('{"a":' * 100_000, "nested deeper"),
        ("a = " + "[" * 100_000 + "\n", "nested deeper"),
        (".".join(["a"] * 5000) + " = 1\n", "nested deeper"),
        ("x" * 10_000_000, "10,000,000 characters"),
        ("no such file.json", "no such file"),
        ("a = 1\na = 2\n", "neither JSON nor TOML"),
        ("\x00\x01", "no such file"),
    ],
)
def test_texts(text: str, words: str) -> None:
    assert words in told(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "' + '\\"' * 490_000,
        '{"' + '"' * 990_000,
        "{" + ",".join(f'"k{number}": 1' for number in range(70_000)) + "}",
        '{"format": "corrin.case/1", "labs": [' + ",".join(["{}"] * 300_000) + "]}",
        '{"format": "corrin.case/1", ' + ",".join(f'"labs{number}": 1' for number in range(50_000)) + "}",
        "a = '" + "[" * 900_000 + "'\n",
        "\n".join(f"a{number} = 1" for number in range(20_000)),
        ("a." * 400_000) + "a = 1\n",
        'x = {b = """\n""", ' + ("a." * 400_000) + "a = 1}\n",
        "x = '\"'\n" + ("a." * 400_000) + "a = 1\n",
        "x = {b = '\\', " + ("a." * 400_000) + "a = 1}\n",
        'x = 1 # "\n' + ("a . " * 200_000) + "a = 1\n",
    ],
    ids=["escapes", "quotes", "keys", "labs", "unknown keys", "literal", "toml", "dots", "inline", "hidden", "literal mark", "comment"],
)
def test_hostile_texts_are_refused_soon(text: str) -> None:
    begun = time.process_time()
    told(text)
    assert time.process_time() - begun < 10.0


def test_brackets_inside_text_are_no_nesting() -> None:
    assert read_case(json.dumps(case(note="[" * 100 + '"\\"{' * 20))).note is not None


def test_files(tmp_path: Path) -> None:
    assert "a folder" in told(tmp_path)
    assert "no such file" in told(tmp_path / "missing.json")
    (tmp_path / "empty.json").write_text("")
    assert "an empty file" in told(tmp_path / "empty.json")
    (tmp_path / "junk.json").write_bytes(b"\xff\xfe\x00junk")
    assert "not UTF-8" in told(tmp_path / "junk.json")
    (tmp_path / "big.json").write_bytes(b"7" * 10_000_000)
    assert "10,000,000 bytes" in told(tmp_path / "big.json")
    (tmp_path / "case.json").write_text(json.dumps(case()))
    assert "Did you mean case.json?" in told(tmp_path / "csae.json")
    assert read_case(tmp_path / "case.json") == read_case(str(tmp_path / "case.json")) == read_case(case())
    (tmp_path / "case.toml").write_text(
        'format = "corrin.case/1"\nas_of = 2024-03-01\n[person]\nage_y = 54\nsex = "male"\n'
        '[[labs]]\nanalyte = "serum_b12"\nvalue = 205\nunit = "pg/mL"\ndate = 2024-02-20\n'
    )
    assert read_case(tmp_path / "case.toml") == read_case(case())


def test_a_case_goes_round() -> None:
    found = read_case(case(
        history={
            "diet": [{"diet": "vegan_unsupplemented", "from": "~5y"}],
            "drugs": [{"name": "metformin", "dose": 1, "unit": "g", "from": "2019-05"}],
        },
        findings=[{"what": "gait", "severity": 2, "date": "-30d", "onset": True}],
        observed="not seen",
    ))  # fmt: skip
    assert read_case(found.to_dict()) == found
    assert read_case(json.dumps(found.to_dict())) == found


def test_a_case_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_case(case()).as_of = "2020-01-01"  # type: ignore[misc]


def test_notes_name_what_is_unknown() -> None:
    kinds = {note.where for note in check_case(read_case(case())) if note.kind == "unknown"}
    assert {"history", "history.diet"} <= kinds


UNITS = {"pg/mL": 1.0, "ng/L": 1.0, "ng/mL": 1e-3, "pmol/L": 1000.0 / 1355.37, "nmol/L": 1.0 / 1355.37}


@given(some.floats(30.0, 3000.0), some.sampled_from(sorted(UNITS)))
def test_the_unit_of_a_report_changes_nothing(value: float, unit: str) -> None:
    plain, other = (read_case(lab(value=value * UNITS[name], unit=name)) for name in ("pg/mL", unit))
    first, second = world(plain).observations[0], world(other).observations[0]
    assert first.value == pytest.approx(second.value, rel=1e-9)
    assert (first.reading, first.log_sd) == (second.reading, second.log_sd)


scalars = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20)
plain_data = some.recursive(
    scalars, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=10), inner, max_size=4), max_leaves=20
)
fields = sorted(Case.model_fields)


@given(some.dictionaries(some.sampled_from(fields) | some.text(max_size=10), plain_data, max_size=6))
@settings(max_examples=300, deadline=None)
def test_random_documents_never_break_it(document: dict[str, Any]) -> None:
    with contextlib.suppress(CorrinError):
        read_case(document)
    with contextlib.suppress(CorrinError):
        read_case(case(**document))
    with contextlib.suppress(CorrinError):
        read_case(json.dumps(case(**document)))


@given(some.sampled_from(["person", "history", "labs", "findings", "treatments", "observed"]), some.data())
@settings(max_examples=200, deadline=None)
def test_random_entries_never_break_it(part: str, data: Any) -> None:
    names = {"person": "Person", "history": "History", "labs": "Lab", "findings": "Finding", "treatments": "Given", "observed": "Observed"}
    from corrin.case import case as models

    keys = [field.alias or name for name, field in getattr(models, names[part]).model_fields.items()]
    entry = data.draw(some.dictionaries(some.sampled_from(keys), plain_data, max_size=5))
    with contextlib.suppress(CorrinError):
        world(read_case(case(**{part: entry if part in ("person", "history") else [entry]})))


@given(some.text(max_size=200))
def test_random_text_never_breaks_it(text: str) -> None:
    for source in (text, "{" + text, text + "\n"):
        with contextlib.suppress(CorrinError):
            read_case(source)


@given(some.binary(max_size=200))
@settings(deadline=None)
def test_random_files_never_break_it(raw: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.json", "a.toml"):
            path = Path(folder, name)
            path.write_bytes(raw)
            with contextlib.suppress(CorrinError):
                read_case(path)


def test_no_unit_is_offered_that_the_analyte_is_not_reported_in() -> None:
    with pytest.raises(InputError) as caught:
        read_case(case(labs=[{"analyte": "serum_b12", "value": 205, "unit": "mg/furlong", "date": "-1d"}]))
    said = str(caught.value)
    assert "pg/mL" in said
    assert "mg/L" not in said


def test_a_fault_is_told_once() -> None:
    assert told(lab(date="2027-01-01")).count("is after as_of") == 1
