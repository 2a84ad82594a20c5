"""The reader refuses what is not exactly a table, and says where; rows refuse what cannot be."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrin.errors import Bug
from corrin.facts import reader
from corrin.facts.rows import Diet, Modifier, Parameter, Source

HEADER = ",".join(field.name for field in fields(Diet))
ROW = "vegan,vegan diet,plant-based,0.2,0.8,corrin-assumed,no measurement,assumed,assumed,"
PARAMETER = """
[first]
description = "a first number"
value = 1
unit = "nmol"
distribution = "fixed"
low = 0
high = 2
source = "IOM1998"
at = "p. 1"
how = "stated"
seen = "full text"

[second]
description = "a second number"
value = 0.5
unit = "1/d"
distribution = "lognormal"
between = 0.1
unsure = 0.2
low = 0.1
high = 2.0
source = "IOM1998;Doets2013"
at = "p. 2"
how = "computed"
seen = "abstract"
note = "from two"
"""


def diets(text: str) -> list[Diet]:
    return reader.read_csv("facts/diets.csv", text, Diet, lambda row: row.id)


def parameters(text: str) -> dict[str, Parameter]:
    return reader.read_toml("facts/body/ileum.toml", text, Parameter, {"place": "ileum"}, reader.PARAMETER_KEYS_WITH_DEFAULT)


def refused(text: str, *parts: str) -> None:
    with pytest.raises(Bug) as error:
        diets(text)
    for part in parts:
        assert part in str(error.value)


def test_a_row_is_read_whole() -> None:
    (row,) = diets(f"{HEADER}\n{ROW}\n")
    assert row.aliases == ("plant-based",)
    assert row.food_ug_d == 0.2
    assert row.note == ""
    assert row.sources == ("corrin-assumed",)


def test_rows_are_frozen() -> None:
    (row,) = diets(f"{HEADER}\n{ROW}\n")
    with pytest.raises(FrozenInstanceError):
        row.food_ug_d = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("name", [field.name for field in fields(Diet)])
def test_a_missing_column_is_refused(name: str) -> None:
    refused(HEADER.replace(name, "colour", 1) + f"\n{ROW}\n", "diets.csv, line 1", "missing columns", "colour")


def test_an_unknown_column_is_refused() -> None:
    refused(f"{HEADER},colour\n{ROW},red\n", "line 1", "unknown columns colour")


def test_columns_out_of_order_are_refused() -> None:
    refused(HEADER.replace("id,name", "name,id") + f"\n{ROW}\n", "out of order")


def test_a_duplicate_key_is_refused_with_both_lines() -> None:
    refused(f"{HEADER}\n{ROW}\n{ROW}\n", "line 3", "'vegan' stands already in line 2")


@pytest.mark.parametrize("number", ["NaN", "nan", "inf", "-inf", "1e999", "two", "1,5", "0x1"])
def test_what_is_not_a_finite_number_is_refused(number: str) -> None:
    cell = f'"{number}"' if "," in number else number
    refused(f"{HEADER}\n{ROW.replace('0.2', cell)}\n", "diets.csv, line 2, column food_ug_d", repr(number), "a finite number")


def test_an_empty_required_cell_is_refused() -> None:
    refused(f"{HEADER}\n{ROW.replace('no measurement', '')}\n", "line 2, column at", "empty")


def test_a_word_that_is_not_allowed_is_refused_with_the_list() -> None:
    refused(f"{HEADER}\n{ROW.replace('assumed,assumed,', 'guessed,assumed,')}\n", "column how", "'guessed'", "stated, computed")


def test_a_missing_or_extra_cell_is_refused() -> None:
    refused(f"{HEADER}\n{ROW},\n", "line 2", "11 cells", "10")
    refused(f"{HEADER}\n{ROW[:-1]}\n", "9 cells")


def test_lines_are_counted_through_quoted_line_breaks() -> None:
    refused(f'{HEADER}\n{ROW}"two\nlines"\n{ROW.replace("0.2", "nan").replace("vegan,", "other,", 1)}\n', "line 4, column food_ug_d")


def test_an_empty_file_is_refused() -> None:
    refused("", "line 1", "missing columns")


@given(st.text(max_size=60))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    for read in (diets, parameters):
        with suppress(Bug):
            read(text)


@given(st.text(max_size=12).filter(lambda text: text.strip() not in {"", "0.2"}))
def test_a_number_column_holds_numbers(text: str) -> None:
    cell = '"' + text.replace('"', '""') + '"'
    with suppress(Bug):
        (row,) = diets(f"{HEADER}\n{ROW.replace('0.2', cell)}\n")
        assert math.isfinite(row.food_ug_d)


# --- TOML ----------------------------------------------------------------------------------------------------


def test_parameters_are_read_with_their_place_and_defaults() -> None:
    found = parameters(PARAMETER)
    assert list(found) == ["first", "second"]
    assert (found["first"].place, found["first"].between, found["first"].unsure, found["first"].note) == ("ileum", 0.0, 0.0, "")
    assert found["second"].sources == ("IOM1998", "Doets2013")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('unit = "1/d"', 'units = "1/d"', "unknown keys units"),
        ('unit = "1/d"\n', "", "missing keys unit"),
        ("value = 0.5", "value = nan", "found nan; expected a finite number"),
        ("value = 0.5", "value = inf", "found inf"),
        ("value = 0.5", "value = true", "found True"),
        ("value = 0.5", 'value = "0.5"', "found '0.5'"),
        ('unit = "1/d"', 'unit = ""', "empty"),
        ('unit = "1/d"', "unit = 3", "expected text"),
        ('how = "computed"', 'how = "guessed"', "stated, computed"),
        ("value = 0.5", "value = 5", "low <= value <= high"),
        ("between = 0.1", "between = -0.1", "not negative"),
        ('distribution = "lognormal"', 'distribution = "fixed"', "between = unsure = 0"),
        ("high = 2.0", "high = 2.0\nplace = 'ileum'", "unknown keys place"),
    ],
)
def test_a_wrong_parameter_is_refused_with_file_line_and_name(old: str, new: str, said: str) -> None:
    with pytest.raises(Bug) as error:
        parameters(PARAMETER.replace(old, new))
    assert "facts/body/ileum.toml, line 14, [second]" in str(error.value)
    assert said in str(error.value)


def test_a_repeated_table_or_stray_value_is_refused() -> None:
    with pytest.raises(Bug, match="TOML"):
        parameters(PARAMETER + PARAMETER)
    with pytest.raises(Bug, match="outside any table"):
        parameters("colour = 3\n" + PARAMETER)


def test_a_key_means_one_work() -> None:
    def work(key: str, *also: str) -> Source:
        return Source(key, "A paper.", "", "", "paper", "library", also, "")

    found = reader.Library("sources.toml", {"A1": work("A1", "a1"), "B1": work("B1")})
    assert found["a1"] is found["A1"]
    assert list(found) == ["A1", "B1"]
    assert "a1" in found
    assert "C1" not in found
    with pytest.raises(Bug, match="another source"):
        reader.Library("sources.toml", {"A1": work("A1", "B1"), "B1": work("B1")})


def test_tables_are_read_once() -> None:
    for read in (
        reader.sources,
        reader.parameters,
        reader.analytes,
        reader.products,
        reader.modifiers,
        reader.diets,
        reader.foods,
        reader.codes,
    ):
        assert read() is read()


def test_two_papers_of_one_year_are_told_apart() -> None:
    sources = reader.sources()
    assert sources["aroda2016"] is sources["Aroda2016"]
    assert sources["greibe2018"] is not sources["Greibe2018"]
    assert sources["castelli2011"] is not sources["Castelli2011"]


# --- rules of a modifier ----------------------------------------------------------------------------------------------------


def modifier(target: str, id: str) -> Modifier:
    (row,) = (row for row in reader.modifiers() if (row.id, row.target) == (id, target))
    return row


def test_dose_rules() -> None:
    metformin = modifier("ileal_uptake", "metformin")
    assert metformin.ratio() == metformin.ratio(1700) == 0.8
    assert metformin.ratio(850) == pytest.approx(0.9)
    assert metformin.ratio(0) == 1
    assert metformin.ratio(1700, effect=0.7) == 0.7
    resection = modifier("ileal_uptake", "ileal_resection")
    assert resection.ratio(20) == pytest.approx(0.7)
    assert resection.ratio(200) == 0
    ppi = modifier("food_release", "ppi")
    assert ppi.ratio(20) == pytest.approx(0.79)
    assert 0.6 < ppi.ratio(1e9) < ppi.ratio(40) < 0.79
    gas = modifier("nitrous_oxide", "nitrous_oxide")
    assert gas.ratio(25) == 0.5
    assert modifier("filtration", "kidney_function").ratio(45) == pytest.approx(0.45)
    above = replace(modifier("haptocorrin_synthesis", "pregnancy"), dose_rule="above:12")
    assert (above.ratio(11), above.ratio(12)) == (1, 0.44)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_of_a_drug_never_does_less(small: float, large: float) -> None:
    small, large = sorted((small, large))
    for id in ("metformin", "ppi", "ileal_resection"):
        row = next(row for row in reader.modifiers() if row.id == id and row.effect is not None)
        assert 0 <= row.ratio(large) <= row.ratio(small) <= 1


def test_an_unknown_size_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="unknown"):
        modifier("ileal_uptake", "colchicine").ratio()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"effect": None}, "distribution is unknown exactly"),
        ({"target": "pain"}, "not computed by the body"),
        ({"dose_rule": "cubic"}, "dose_rule cubic"),
        ({"dose_rule": "emax"}, "number after the colon"),
        ({"dose_rule": "emax:0"}, "number after the colon"),
        ({"reference_dose": None}, "needs a reference_dose"),
        ({"dose_unit": ""}, "needs a dose_unit"),
        ({"spread": 0.0}, "spread is 0 exactly"),
        ({"spread": None}, "has a spread"),
        ({"effect": 1.2}, "between 0 and 1"),
        ({"distribution": "beta", "spread": 0.5}, "no beta distribution"),
        ({"dose_rule": "exposure"}, "exposures of the body"),
    ],
)
def test_a_modifier_that_cannot_be_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(modifier("ileal_uptake", "metformin"), **changes)
