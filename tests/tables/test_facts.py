"""The tables, row by row: units, sources, locators, codes, and marks on what was recalled or assumed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import pytest

from corrin import units
from corrin.facts import history, mimics, pain, reader, rows

DIHEDRAL = [[(i + j) % 5 if i < 5 and j < 5 else 0 for j in range(10)] for i in range(10)]
for i in range(10):
    for j in range(10):
        flip, turn = (i >= 5) != (j >= 5), (i % 5 - j % 5 if i >= 5 else i % 5 + j % 5) % 5
        DIHEDRAL[i][j] = turn + 5 * flip
STEP = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def cited() -> Iterator[tuple[str, rows._Cited]]:
    """Every row that names a source, with a name for messages."""
    for table, found in (
        ("parameters", reader.parameters().values()),
        ("history", history.history().values()),
        ("causes", history.causes()),
        ("analytes", reader.analytes().values()),
        ("products", reader.products().values()),
        ("modifiers", reader.modifiers()),
        ("diets", reader.diets().values()),
        ("foods", reader.foods().values()),
        ("intakes", reader.intakes()),
        ("codes", reader.codes()),
        ("pain", pain.cited_rows()),
        ("mimics", mimics.cited_rows()),
    ):
        for row in found:
            yield f"{table} {getattr(row, 'id', getattr(row, 'name', getattr(row, 'code', '')))}", row


ROWS = list(cited())
READ = [(name, row) for name, row in ROWS if not isinstance(row, rows.Code)]
SIZED = [modifier for modifier in reader.modifiers() if modifier.effect is not None]


def test_every_source_named_is_known() -> None:
    unknown = {f"{name}: {key}" for name, row in ROWS for key in row.sources if key not in reader.sources()}
    assert not unknown


def test_every_source_is_used_or_kept_for_the_library() -> None:
    idle = {source.key for source in reader.sources().values() if source.used == "facts"} - reader.cited()
    assert not idle, "no row rests on these: mark them used = library"


def test_every_source_behind_a_row_is_marked_so() -> None:
    library = {
        key for _, row in ROWS if not isinstance(row, rows.Parameter) for key in row.sources if reader.sources()[key].used != "facts"
    }
    assert not library, "rows rest on these: mark them used = facts"


@pytest.mark.parametrize("source", reader.sources().values(), ids=lambda source: source.key)
def test_source_is_a_citation_and_no_address(source: rows.Source) -> None:
    whole = f"{source.citation} {source.doi} {source.pmid} {source.note}"
    assert not re.search(r"https?:|www\.|github|scribd|docslib", whole, re.IGNORECASE)
    assert source.citation.endswith((".", "?"))
    assert not source.doi or re.fullmatch(r"10\.\d{4,9}/\S+", source.doi)
    assert not source.pmid or re.fullmatch(r"[1-9]\d{4,7}", source.pmid)


def test_a_retracted_paper_is_never_used() -> None:
    retracted = {source.key for source in reader.sources().values() if "RETRACTED" in source.note}
    assert retracted
    assert not [name for name, row in ROWS for key in row.sources if reader.sources()[key].key in retracted]


@pytest.mark.parametrize(("name", "row"), READ, ids=[name for name, _ in READ])
def test_row_says_where_it_stands_and_how_it_was_read(name: str, row: rows._Cited) -> None:
    assert row.at.strip()  # type: ignore[attr-defined]
    how, seen = row.how, row.seen  # type: ignore[attr-defined]
    assert (how == "recalled") <= (seen == "recalled"), f"{name}: recalled rows are marked in seen"
    assert (seen == "assumed") <= (how == "assumed"), f"{name}: what was assumed was not read"
    keys = set(row.sources)
    assert (seen == "assumed") <= ("corrin-assumed" in keys), f"{name}: a judgement names corrin-assumed"
    assert (keys == {"corrin-assumed"}) <= (how == "assumed"), f"{name}: a judgement is marked assumed"


def test_parameters_parse_in_their_unit() -> None:
    for name, parameter in reader.parameters().items():
        assert units.dimension(parameter.unit), name


def test_what_modifiers_multiply_are_parameters_of_the_body() -> None:
    if not reader.parameters():
        pytest.skip("the body has no parameters yet")
    assert not set(rows.TARGETS) - set(reader.parameters())


@pytest.mark.parametrize("analyte", reader.analytes().values(), ids=lambda analyte: analyte.id)
def test_analyte_units_convert_and_limits_are_wide(analyte: rows.Analyte) -> None:
    for unit in analyte.units:
        there = units.convert(analyte.plausible_high, analyte.unit, unit, analyte.molar_mass_g_mol)
        assert units.convert(there, unit, analyte.unit, analyte.molar_mass_g_mol) == pytest.approx(analyte.plausible_high)
    if analyte.reference_low is not None:
        assert analyte.plausible_low <= analyte.reference_low
    if analyte.reference_high is not None:
        assert analyte.reference_high <= analyte.plausible_high


def test_known_conversions_follow_from_the_molar_masses() -> None:
    analytes = reader.analytes()

    def convert(name: str, value: float, unit: str) -> float:
        return units.convert(value, unit, analytes[name].unit, analytes[name].molar_mass_g_mol)

    assert convert("serum_b12", 180, "pg/mL") == pytest.approx(133, abs=0.5)
    assert convert("serum_b12", 350, "ng/L") == pytest.approx(258, abs=0.5)
    assert convert("mma", 0.4, "umol/L") == pytest.approx(400)
    assert convert("mma", 118.09, "ng/mL") == pytest.approx(1000)
    assert convert("homocysteine", 1, "mg/L") == pytest.approx(7.397, abs=0.01)
    assert convert("folate", 1, "ng/mL") == pytest.approx(2.265, abs=0.002)
    assert convert("creatinine", 1, "mg/dL") == pytest.approx(88.4, abs=0.05)
    assert convert("haemoglobin", 8, "mmol/L") == pytest.approx(12.89, abs=0.01)
    assert convert("hba1c", 48, "mmol/mol") == pytest.approx(6.5, abs=0.05)


def test_slips_of_the_web_fall_outside_the_plausible_range() -> None:
    b12, mma, homocysteine = (reader.analytes()[name] for name in ("serum_b12", "mma", "homocysteine"))
    assert units.convert(30, "ng/mL", b12.unit, b12.molar_mass_g_mol) > b12.plausible_high
    assert units.convert(15, "nmol/L", homocysteine.unit) < homocysteine.plausible_low
    assert units.convert(0.4, "nmol/L", mma.unit) < mma.plausible_low
    assert units.convert(120, "umol/L", mma.unit) > mma.plausible_high


def test_body_readings_have_their_analyte_and_unit() -> None:
    expected = {
        "serum_b12": "pmol/L",
        "holotranscobalamin": "pmol/L",
        "mma": "nmol/L",
        "homocysteine": "umol/L",
        "haemoglobin": "g/dL",
        "mcv": "fL",
        "reticulocytes": "10*9/L",
        "egfr": "mL/min/1.73m2",
    }
    assert {row.reading: row.unit for row in reader.analytes().values() if row.reading} == expected


@pytest.mark.parametrize("table", [reader.analytes(), reader.products(), reader.diets()], ids=["analytes", "products", "diets"])
def test_an_alias_means_one_row(table: dict[str, rows.Analyte]) -> None:
    owners: dict[str, str] = {}
    for row in table.values():
        for alias in {word.lower() for word in (row.id, row.name, *row.aliases)}:
            assert owners.setdefault(alias, row.id) == row.id, alias


def test_a_modifier_alias_means_one_modifier() -> None:
    owners: dict[str, str] = {}
    for row in reader.modifiers():
        for alias in {word.lower() for word in (row.id, row.name, *row.aliases)}:
            assert owners.setdefault(alias, row.id) == row.id, alias


def test_a_modifier_tells_one_story_in_all_its_rows() -> None:
    first: dict[str, rows.Modifier] = {}
    for row in reader.modifiers():
        other = first.setdefault(row.id, row)
        assert (row.name, row.aliases, row.kind) == (other.name, other.aliases, other.kind)


@pytest.mark.parametrize("modifier", SIZED, ids=lambda row: f"{row.id} {row.target}")
def test_a_size_has_a_locator_or_is_called_very_low(modifier: rows.Modifier) -> None:
    if modifier.how == "assumed":
        assert modifier.grade == "very low"
        assert {"corrin-assumed", "corrin-fit-2026"} & set(modifier.sources)
    else:
        assert len(modifier.at) > 10
        assert set(modifier.sources) != {"corrin-assumed"}
    assert modifier.target in {*rows.TARGETS, *rows.EXPOSURES}


def test_interactions_name_known_modifiers() -> None:
    known = {row.id for row in reader.modifiers()}
    for row in reader.modifiers():
        for other, share in row.interacts_with:
            assert other in known - {row.id}
            assert 0 <= share <= 1


def test_dose_units_parse() -> None:
    for unit in {row.dose_unit for row in reader.modifiers()} - {""}:
        assert units.dimension(unit)


def test_questions_of_the_product_find_their_modifiers() -> None:
    words = {alias.lower() for row in reader.modifiers() for alias in (row.id, *row.aliases)}
    asked = (
        "pernicious anaemia; food-bound malabsorption; total gastrectomy; gastric bypass; sleeve gastrectomy; "
        "ileal resection; crohn; coeliac; pancreatic insufficiency; "
        "metformin; ppi; h2 blocker; nitrous oxide; alcohol; pregnancy; lactation; colchicine; pregabalin; "
        "phenobarbital; primidone; topiramate; radiotherapy; smoking; exercise; thiamine; vitamin b6; folic acid; "
        "vitamin d; vitamin c; omega-3; ckd; "
    )
    for word in asked.strip("; ").split("; "):
        assert word in words, word


def test_products_cover_forms_and_routes() -> None:
    pairs = {(row.form, row.route) for row in reader.products().values()}
    assert {form for form, _ in pairs} == {"cyanocobalamin", "hydroxocobalamin", "methylcobalamin", "adenosylcobalamin"}
    assert {route for _, route in pairs} == set(rows.ROUTES)


def test_foods_hold_what_the_web_gets_wrong() -> None:
    foods = reader.foods().values()
    by_ndb = {food.ndb_id: food for food in foods}
    assert by_ndb["11667"].ug_per_100g == 0, "dried spirulina"
    assert by_ndb["11446"].ug_per_100g == 0, "raw laver"
    assert by_ndb["16114"].ug_per_100g < 0.2, "tempeh"
    assert all(food.ug_per_serving < 100 for food in foods), "no serving holds a milligram"
    assert {food.bound for food in foods if food.origin == "fortified plant"} == {"crystalline"}


def test_reference_intakes_of_an_age_do_not_overlap() -> None:
    bands: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for row in reader.intakes():
        if row.measure != "advice":
            bands.setdefault((row.nutrient, row.body, row.state, row.measure), []).append((row.age_low_y, row.age_high_y))
    for key, ages in bands.items():
        for (_, end), (start, _) in zip(sorted(ages)[:-1], sorted(ages)[1:], strict=True):
            assert end <= start, key


def test_recommended_is_a_fifth_above_the_average_requirement() -> None:
    values = {(row.age_low_y, row.state, row.measure): row.value for row in reader.intakes() if row.source == "IOM1998" and row.value}
    for (age, state, measure), value in values.items():
        if measure == "EAR":
            assert values[age, state, "RDA"] == pytest.approx(1.2 * value, abs=0.09)


# --- codes --------------------------------------------------------------------------------------------------------------


def verhoeff(digits: str) -> bool:
    """The check digit of SNOMED CT and dm+d."""
    check, power = 0, list(range(10))
    for digit in reversed(digits):
        check = DIHEDRAL[check][power[int(digit)]]
        power = [STEP[p] for p in power]
    return check == 0


def luhn(digits: str) -> bool:
    """The check digit of LOINC (Mod 10), the last one included."""
    doubled = (int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits)))
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


PATTERNS = {
    "LOINC": r"(LA)?\d{1,7}-\d",  # LA: an answer; its digit follows another rule
    "SNOMED-CT": r"\d{6,18}",
    "UK-dmd": r"\d{6,18}",
    "ICD-10-CM": r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?",
    "WHO-ATC": r"[A-Z]\d\d[A-Z]([A-Z](\d\d)?)?",
    "RxNorm": r"\d{1,8}",
    "Read-v2": r"[0-9A-Za-z.]{5,7}",
    "UCUM": r"\S+",
}
LISTED = chain.from_iterable(
    (
        (("LOINC", code) for row in reader.analytes().values() for code in row.loinc),
        (("WHO-ATC", row.atc) for row in reader.products().values() if row.atc),
        (("WHO-ATC", code) for row in reader.modifiers() for code in row.atc),
        (("ICD-10-CM", code) for row in reader.modifiers() for code in row.icd10),
        (("SNOMED-CT", code) for row in reader.modifiers() for code in row.snomed),
    )
)


def well_formed(system: str, code: str) -> bool:
    if not re.fullmatch(PATTERNS[system], code):
        return False
    if system == "LOINC" and not code.startswith("LA"):
        return luhn(code.replace("-", ""))
    return verhoeff(code) if system in {"SNOMED-CT", "UK-dmd"} else True


def test_check_digits_catch_a_slip() -> None:
    assert well_formed("LOINC", "2132-9")
    assert not well_formed("LOINC", "2132-8")
    assert well_formed("SNOMED-CT", "84027009")
    assert not well_formed("SNOMED-CT", "84027090")


@pytest.mark.parametrize("code", reader.codes(), ids=lambda code: f"{code.source} {code.code} {code.concept}")
def test_code_matches_its_system(code: rows.Code) -> None:
    if code.code == "none":
        assert not code.verified
        assert "No code could be verified" in code.note
        return
    assert well_formed(code.source, code.code)
    assert code.verified or "ecalled" in code.note


MEANT = {
    kind: {name for code in reader.codes() for got, _, name in (m.partition(":") for m in code.means) if got == kind}
    for kind in rows.MEANINGS
}


def test_everything_named_has_a_code_or_says_none() -> None:
    assert MEANT["analyte"] == set(reader.analytes())
    assert MEANT["modifier"] == {row.id for row in reader.modifiers()}
    forms = {row.form for row in reader.products().values()}
    assert MEANT["form"] == forms
    assert MEANT["route"] == {row.route for row in reader.products().values()} - {"food"}
    for product in reader.products().values():
        assert product.atc or product.id in MEANT["product"], product.id


def test_meanings_are_of_the_tables_and_agree_with_their_columns() -> None:
    for code in reader.codes():
        assert all(meaning.partition(":")[0] in rows.MEANINGS for meaning in code.means)
        assert "questioned" not in code.means or code.note, code
    assert MEANT["product"] <= set(reader.products())
    loinc = {code.code: code.means for code in reader.codes() if code.source == "LOINC"}
    for analyte in reader.analytes().values():
        assert all(loinc[code] == (f"analyte:{analyte.id}",) for code in analyte.loinc)


def test_one_code_has_one_meaning() -> None:
    meanings: dict[tuple[str, str], set[tuple[str, ...]]] = {}
    for code in reader.codes():
        if code.code != "none":
            meanings.setdefault((code.system, code.code), set()).add(code.means)
    assert {key: found for key, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("system", "code"), sorted(set(LISTED)))
def test_codes_in_other_tables_stand_in_the_table_of_codes(system: str, code: str) -> None:
    assert well_formed(system, code)
    assert code in {row.code for row in reader.codes() if row.source == system}
