"""Every name corrin knows can be explained, with a source where it holds a number; an unknown one is met with near names."""

from __future__ import annotations

import pytest

from corrin.answers.explain import explain, known_names, readings, uses
from corrin.errors import InputError
from corrin.facts import reader


@pytest.mark.parametrize(("name", "kind"), sorted(known_names().items()))
def test_every_known_name_is_explained(name: str, kind: str) -> None:
    found = explain(name)
    assert found.name == name
    assert found.kind == kind
    text = found.text()
    assert name in text
    assert all(len(line) <= 100 or " " not in line.strip()[20:] for line in text.splitlines())
    if kind in ("parameter", "product", "analyte", "modifier"):
        lists = found.lists()
        assert lists["source"]
        assert lists["found at"]
        assert lists["read as"]


@pytest.mark.parametrize(("wrong", "near"), [("mmaa", "mma"), ("serum_b21", "serum_b12"), ("cyanocobalamin-orl", "cyanocobalamin-oral")])
def test_an_unknown_name_is_met_with_near_ones(wrong: str, near: str) -> None:
    with pytest.raises(InputError, match=near):
        explain(wrong)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Serum_B12", "serum_b12"),
        ("MMA", "mma"),
        ("pernicious anaemia", "autoimmune_gastritis"),
        ("hydroxocobalamin intramuscular", "hydroxocobalamin-intramuscular"),
    ],
)
def test_what_a_clinician_calls_it_is_understood(said: str, meant: str) -> None:
    assert explain(said) == explain(meant)


def test_assumed_numbers_are_called_weak() -> None:
    for name, row in reader.parameters().items():
        if row.how in ("assumed", "recalled"):
            assert "weak evidence" in explain(name).text().replace("\n", " ")


def test_a_reading_names_the_parameters_behind_it() -> None:
    behind = {parameter for parameter, users in uses().items() if "reading serum_b12" in users}
    assert set(explain("serum_b12").lists().get("parameters", [""])[0].split(", ")) - {""} == behind


def test_analytes_observe_readings_that_exist() -> None:
    for row in reader.analytes().values():
        assert not row.reading or row.reading in readings(), row.id
