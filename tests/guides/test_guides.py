"""Every worked example of every profile; every clause hit; every limit tried at, just under and just over."""

from __future__ import annotations

import datetime
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import pytest

from corrin.case.plan import built_in_plans
from corrin.errors import InputError
from corrin.facts.reader import intakes, sources
from corrin.guides.apply import apply, profiles, side_by_side
from corrin.guides.facts import plain_facts
from corrin.guides.logic import in_unit
from corrin.guides.page import guides_page
from corrin.guides.reader import guide_ids, parse_guide, read_guide
from corrin.guides.schema import schema_text
from corrin.guides.vocabulary import fact_named
from corrin.units import parse
from guides.worked import Worked, limits, worked

ASKED = {
    "uk-nice-2024", "uk-bsh-2014", "us-aafp-2017", "us-aafp-2025", "us-ada-2025", "uk-mhra-2022", "ca-bc-2023", "nl-nhg-2014",
    "dk-dsam-2025", "se-regional-2023", "who-population-2008", "eu-efsa-2015", "us-iom-1998", "jp-label-mecobalamin",
    "uk-label-hydroxocobalamin", "us-label-cyanocobalamin", "be-label-cyanocobalamin", "nitrous-oxide-2023", "corrin-safety-2026",
    "corrin-red-flags-2026",
}  # fmt: skip
ALL = [entry for guide in guide_ids() for entry in worked(guide)]


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: f"{entry.guide}: {entry.name}")
def test_worked_example(entry: Worked) -> None:
    result = apply(entry.guide, entry.facts)
    for clause, wanted in entry.expect.items():
        assert result[clause].truth == wanted, f"{clause}: {[item.words for item in result[clause].missing]}"
    if entry.verdict is not ...:
        assert result.verdict == entry.verdict


def test_the_profiles_that_were_asked_for() -> None:
    assert set(guide_ids()) >= ASKED


@pytest.mark.parametrize("guide", guide_ids())
def test_every_clause_speaks_in_some_example(guide: str) -> None:
    spoken = {clause for entry in worked(guide) for clause, truth in entry.expect.items() if truth == "yes"}
    assert spoken == {clause.id for clause in read_guide(guide).clause}


@pytest.mark.parametrize("guide", guide_ids())
def test_every_limit_is_tried_at_just_under_and_just_over(guide: str) -> None:
    """Within a tenth of the limit on either side, in the unit it is written in (or another of its kind)."""
    tried = defaultdict(list)
    for entry in worked(guide):
        for name, value in entry.facts.items():
            if isinstance(value, tuple):
                tried[name] += [report for report in value if report.comparator == "=" and report.value is not None]
    for name, unit, limit in limits(read_guide(guide)):
        same = [report for report in tried[name] if parse(report.unit)[1] == parse(unit)[1]]
        values = [in_unit(report.value, report.unit, unit, fact_named(name).molar_mass) for report in same if report.value is not None]
        assert limit in values, f"{name} at {limit:g} {unit}"
        assert any(0.9 * limit <= value < limit for value in values), f"{name} just under {limit:g} {unit}"
        assert any(limit < value <= 1.1 * limit for value in values), f"{name} just over {limit:g} {unit}"


@pytest.mark.parametrize("guide", guide_ids())
def test_what_a_profile_points_to_exists(guide: str) -> None:
    profile = read_guide(guide)
    assert set(profile.sources) <= set(sources())
    bodies = {row.body for row in intakes()}
    for clause in profile.clause:
        for outcome in clause.then:
            assert outcome.plan is None or outcome.plan in built_in_plans(), clause.id
            assert outcome.table is None or outcome.table in bodies, clause.id


def test_every_file_has_its_examples_and_its_id() -> None:
    names = {item.name for item in files("corrin.guides").iterdir() if item.name.endswith(".toml")} - {"vocabulary.toml"}
    stems = {guide.replace("-", "_") for guide in guide_ids()}
    assert names == {f"{stem}.toml" for stem in stems} | {f"{stem}.examples.toml" for stem in stems}


def test_standing_counts_what_was_read() -> None:
    profile = read_guide("ca-bc-2023")
    assert profile.standing == "5 of 5 clauses verified"
    nice = read_guide("uk-nice-2024")
    assert nice.partial
    assert nice.standing.endswith("clauses verified (partial)")
    assert sum(clause.standing == "verified" for clause in nice.clause) == nice.verified


def test_a_recalled_clause_decides_nothing() -> None:
    result = apply("us-aafp-2017", plain_facts({"age": 50, "lab.serum_b12": "120 pg/mL"}))
    assert result["AAFP17-V1"].truth == "yes"
    assert result.verdict is None
    assert [found.clause.id for found in result.unverified] == ["AAFP17-V1"]


def test_the_same_blood_under_several_guides() -> None:
    """140 pmol/L (190 ng/L) with tingling: grey for NICE and Denmark, deficient for NHG, as the survey of guidelines states."""
    facts = plain_facts({"age": 50, "pregnant": False, "lab.serum_b12": "140 pmol/L", "sign.tingling": True})
    found = side_by_side(facts, ["uk-nice-2024", "nl-nhg-2014", "dk-dsam-2025", "who-population-2008"])
    assert [row.verdict for row in found.rows] == ["indeterminate", "deficient", "indeterminate", "deficient"]
    assert found.differ
    assert found.rows[1].because == ("NHG-2",)


def test_old_advice_keeps_its_end_date() -> None:
    spring = profiles("guideline", datetime.date(2025, 3, 1))
    winter = profiles("guideline", datetime.date(2025, 12, 1))
    assert "us-aafp-2017" in spring
    assert "us-aafp-2025" not in spring
    assert "us-aafp-2017" not in winter
    assert "us-aafp-2025" in winter
    assert not apply("us-aafp-2017", plain_facts({"age": 50}, datetime.date(2026, 1, 1))).in_force


def test_our_own_part_of_a_condition_is_said() -> None:
    result = apply("us-label-cyanocobalamin", plain_facts({"lab.haemoglobin": "7 g/dL", "lab.mcv": "115 fL"}))
    assert result["USL-4"].truth == "yes"
    assert any("8 g/dL" in text for text in result.assumed)


def test_without_names_all_that_give_a_verdict_are_compared() -> None:
    found = {row.guide for row in side_by_side(plain_facts({"age": 50, "lab.serum_b12": "140 pmol/L"})).rows}
    assert {"uk-nice-2024", "se-regional-2023", "who-population-2008"} <= found
    assert not found & {"eu-efsa-2015", "corrin-safety-2026", "uk-bnf-2024"}


def test_missing_is_named_and_counted() -> None:
    result = apply("dk-dsam-2025", plain_facts({"age": 50, "pregnant": False, "lab.serum_b12": "200 pmol/L"}))
    assert result.verdict == "indeterminate"
    assert "lab.mma" in {fact for item in result.verdict_missing for fact in item.facts}
    counted = dict(result.missing)
    assert max(counted.values()) > 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"when": "sign.tinglign"}, "Did you mean"),
        ({"when": {"fact": "lab.serum_b12", "below": {"fL": 1}}}, "a unit such as"),
        ({"when": {"fact": "sign.tingling", "below": {"1": 1}}}, "no quantity"),
        ({"when": {"fact": "sex", "is": "other"}}, "one of female, male"),
        ({"when": {"any": [], "fact": "sex"}}, "exactly one"),
        ({"needs": ["lab.nothing"]}, "no fact"),
        ({"then": [{"kind": "test", "tests": ["a guess"], "text": "x"}]}, "no analyte"),
        ({"then": [{"kind": "verdict", "text": "x"}]}, "needs verdict"),
        ({"then": [{"kind": "advise", "plan": "none", "text": "x"}]}, "has no plan"),
        ({"seen": "recalled", "at": "1.2"}, "recalled"),
        ({"seen": "secondary"}, "who restates"),
        ({"says": "x", "colour": "red"}, "no such key"),
    ],
)
def test_a_faulty_profile_is_refused_with_its_place(change: dict[str, object], words: str) -> None:
    clause = {
        "id": "X-1",
        "topic": "verdict",
        "says": "x",
        "when": "pregnant",
        "then": [{"kind": "advise", "text": "x"}],
        "seen": "full text",
    }
    header = {
        "format": "corrin.guide/1",
        "id": "x-1",
        "kind": "guideline",
        "issuer": "x",
        "title": "x",
        "jurisdiction": "x",
        "citation": "x",
    }
    parse_guide({**header, "clause": [clause]}, "x.toml")
    with pytest.raises(InputError, match=words) as raised:
        parse_guide({**header, "clause": [{**clause, **change}]}, "x.toml")
    assert "x.toml" in str(raised.value)


def test_an_unknown_guide_is_refused() -> None:
    with pytest.raises(InputError, match="uk-nice-2024"):
        read_guide("uk-nice-2023")


def test_schema_and_page_are_fresh(root: Path) -> None:
    assert (root / "schemas" / "guide.json").read_text(encoding="utf-8") == schema_text(), "run `make docs`"
    page = guides_page()
    assert (root / "docs" / "reference" / "guides.md").read_text(encoding="utf-8") == page, "run `make docs`"
    for profile in profiles().values():
        assert profile.standing in page
        assert all(f"`{clause.id}`" in page for clause in profile.clause)


def test_no_page_or_profile_names_a_mirror() -> None:
    """Only the issuer's own pages are linked."""
    for profile in profiles().values():
        assert profile.url is None or not any(host in profile.url for host in ("scribd", "docslib", "studyres", "booksci", "droracle"))
