"""`corrin assess`: probabilities against independent arithmetic and laws, red flags above everything, guides at their limits, children."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import corrin
from corrin.answers.assess import assess
from corrin.answers.assess.function import Person, mma_limit, own_error
from corrin.answers.assess.state import (
    Evidence,
    bands_at,
    beyond_usual,
    chances,
    effect_at,
    exceeds,
    lacking,
    odds_at,
    posterior,
    with_factors,
    with_shifts,
)
from corrin.case.reader import read_case
from corrin.errors import Bug, InputError
from corrin.facts import deficiency as facts
from corrin.facts.reader import analytes, sources
from corrin.shells.cli import app

ROOT = Path(__file__).resolve().parents[2]
SURVEY = ROOT.parent / "shared" / "evidence" / "data" / "nhanes_1999_2002.csv"
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def case(**parts: Any) -> Any:
    return read_case({"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 55.0, "sex": "female"}, **parts})


def lab(analyte: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {"analyte": analyte, "value": value, "unit": unit, "date": "0", **more}


def probability(*labs: dict[str, Any], **parts: Any) -> float:
    """Function below the floor, as somebody who had reason to be tested."""
    return float(assess(case(labs=list(labs), **parts), spectrum="clinic").data["deficiency"]["function"]["probability"])


# --- the table -----------------------------------------------------------------------------------------------------------------


def test_the_table_is_right_about_people_it_was_not_made_from() -> None:
    for region in facts.deficiency().regions:
        assert abs(region.said - region.true) < 0.06, region
    assert facts.deficiency().auc["clinic: serum B12 and MMA"] > facts.deficiency().auc["clinic: serum B12"]


def test_a_table_that_does_not_hold_together_is_refused() -> None:
    text = (ROOT / "src/corrin/facts/population/deficiency.json").read_text(encoding="utf-8")
    assert facts.read(text) == facts.deficiency()
    data = json.loads(text)
    data["central"]["clinic"]["markers"]["mma"]["means"][0] = -9.0
    with pytest.raises(Bug, match="both ways"):
        facts.read(json.dumps(data))
    data = json.loads(text)
    data["floor_percent"] += 1.0
    with pytest.raises(Bug, match="floor"):
        facts.read(json.dumps(data))
    with pytest.raises(Bug, match=r"python scripts/distil\.py"):
        facts.read(json.dumps({**json.loads(text), "more": 1}))
    data = json.loads(text)
    data["factors"]["vegan_unsupplemented"][0]["shifts"]["mma"] = [0.0, -1.5]
    with pytest.raises(Bug, match="shifts"):
        facts.read(json.dumps(data))
    data = json.loads(text)
    del data["by_sex"]["female"]
    with pytest.raises(Bug, match="sex"):
        facts.read(json.dumps(data))
    data = json.loads(text)
    del data["errors"][facts.error_key("function", ["mma"], "clinic")]
    with pytest.raises(Bug, match="errors"):
        facts.read(json.dumps(data))


def test_every_stated_figure_has_its_source() -> None:
    for row in facts.stated().values():
        assert row.source in sources(), row
        if row.low is not None and row.high is not None:
            assert row.low < row.value < row.high


def test_the_posterior_is_bayes_rule() -> None:
    """Two markers and the prior by hand: densities of normals, nothing of ours."""
    from statistics import NormalDist

    table = facts.deficiency()
    clinic = table.central["clinic"]
    fit = replace(clinic, markers={**clinic.markers, **{n: replace(clinic.markers[n], stretch=0.0) for n in ("serum_b12", "mma")}})
    prior = bands_at(fit, table, 50.0)
    seen = {"serum_b12": math.log(150.0), "mma": math.log(500.0)}
    by_hand = []
    for band, share in enumerate(prior):
        for name, x in seen.items():
            row = fit.markers[name]
            share *= NormalDist(row.middle + row.means[band], row.sd).pdf(x)
        by_hand.append(share)
    expected = sum(by_hand[: table.below]) / sum(by_hand)
    found = posterior(fit, table, prior, [Evidence(name, x, x) for name, x in seen.items()], 50.0, None)
    assert lacking(found, table) == pytest.approx(expected, rel=1e-9)


def test_the_mma_limit_rises_as_the_kidneys_fail() -> None:
    table = facts.deficiency()
    assert mma_limit(table, None) == mma_limit(table, 90.0) == mma_limit(table, 120.0) == 400.0
    assert mma_limit(table, 45.0) == pytest.approx(400.0 * 2.0**table.mma_kidney_power)
    # The chance of a report above a limit falls with the limit, and rises with the lack.
    clinic = table.central["clinic"]
    prior = bands_at(clinic, table, 60.0)
    low, high = (exceeds(clinic, prior, "mma", math.log(limit), 60.0, 0.0) for limit in (200.0, 400.0))
    assert 0.0 < high < low < 1.0


def test_people_in_whom_something_else_rules_methylmalonic_acid_are_mixed_in() -> None:
    """A share of people whose report lies above the limit whatever their B12: the chance is the mixture, and nobody's falls to nothing."""
    table = facts.deficiency()
    fit, prior = table.central["community"], [0.0] * (len(table.edges) - 2) + [1.0]

    def above(limit: float, outside: float) -> float:
        return exceeds(fit, prior, "mma", math.log(limit), 50.0, 0.0, (), outside)

    for limit in (200.0, 400.0, 800.0):
        alone, nobody, half = above(limit, 1.0), above(limit, 0.0), above(limit, 0.5)
        assert half == pytest.approx(0.5 * (alone + nobody))
        assert alone > nobody
    assert above(800.0, 0.001) > 10.0 * above(800.0, 0.0)


def test_a_history_shifts_what_markers_mean_and_not_their_direction() -> None:
    """At the floor by the level, away from it by the growth; two histories add levels and multiply growths; none changes nothing."""
    table = facts.deficiency()
    fit = table.central["clinic"]
    assert with_shifts(fit, table, []) is fit
    one, two = {"serum_b12": (-0.2, 0.5), "mma": (0.1, -0.5)}, {"serum_b12": (0.1, 0.0)}
    both = with_shifts(fit, table, [one, two])
    for name, level, growth in (("serum_b12", -0.1, 1.5), ("mma", 0.1, 0.5), ("mcv", 0.0, 1.0)):
        before, after = fit.markers[name].means, both.markers[name].means
        middle = [0.5 * (means[table.below - 1] + means[table.below]) for means in (before, after)]
        assert middle[1] - middle[0] == pytest.approx(level)
        assert after[3] - after[0] == pytest.approx(growth * (before[3] - before[0]))
    assert both.kidney["mma"].means[0] - both.kidney["mma"].means[-1] == pytest.approx(
        0.5 * (fit.kidney["mma"].means[0] - fit.kidney["mma"].means[-1])
    )


def test_a_level_that_fell_lately_says_less_than_one_that_fell_slowly() -> None:
    """Who lost uptake a few years ago has less in the blood than the cells still hold: by the same level, beyond what the prior says, less
    is known to be lacking than in people of whom nothing is told."""
    table = facts.deficiency()
    fit = table.central["clinic"]
    at_floor = 0.5 * (fit.markers["holotranscobalamin"].means[table.below - 1] + fit.markers["holotranscobalamin"].means[table.below])
    for name, years in (("autoimmune_gastritis", 4.0), ("vegan_unsupplemented", 12.0), ("gastric_bypass", 4.0)):
        moved = with_shifts(fit, table, [effect_at(table, name, None, years).shifts]).markers["holotranscobalamin"].means
        assert 0.5 * (moved[table.below - 1] + moved[table.below]) < at_floor - 0.05


def test_sex_counts_among_the_untold_of_a_clinic_and_nowhere_else() -> None:
    """Diet surveys have older women eat the least (facts/diets.csv): more of them lack it. People of a survey are of both sexes; where a
    disease is named that may be the whole reason, what others have counts no more."""
    table = facts.deficiency()

    def before(spectrum: str, sex: str, age_y: float, unnamed: float = 1.0) -> float:
        return lacking(Person(table, spectrum, age_y, (), None, unnamed, sex).prior(table.central), table)

    assert before("clinic", "female", 75.0) > before("clinic", "male", 75.0) > before("clinic", "unknown", 75.0)
    assert before("clinic", "female", 40.0) == pytest.approx(before("clinic", "male", 40.0), abs=0.03)
    assert before("clinic", "intersex", 75.0) == before("clinic", "unknown", 75.0)
    assert before("community", "female", 75.0) == before("community", "unknown", 75.0)
    assert before("clinic", "female", 75.0, 0.0) == before("clinic", "unknown", 75.0, 0.0)


def test_what_is_not_told_of_a_history_is_no_middle_course() -> None:
    """Nobody said since when: the odds are those of people of whom nobody knows it, more than those of the shortest time."""
    table = facts.deficiency()
    base = bands_at(table.central["clinic"], table, 50.0)
    for name, amount in (("strict_vegetarian", None), ("metformin", 2000.0), ("metformin", None), ("autoimmune_gastritis", None)):
        few, unknown = (lacking(with_factors(base, [odds_at(table, name, amount, years)]), table) for years in (1.0, None))
        assert few < unknown
        assert any(row.amount is None and row.years is None for row in table.factors[name])


def test_a_marker_where_its_band_has_it_moves_nothing_else() -> None:
    table = facts.deficiency()
    fit = table.central["clinic"]
    row = fit.markers["holotranscobalamin"]
    flat = replace(fit, markers={**fit.markers, "holotranscobalamin": replace(row, stretch=0.0)})
    for band in (0, table.below, len(row.means) - 1):
        x = row.middle + row.means[band]
        found = beyond_usual(flat, table, [Evidence("holotranscobalamin", x, x)], 50.0, None)
        assert found[band] == pytest.approx(0.0, abs=1e-12)
        more = beyond_usual(flat, table, [Evidence("holotranscobalamin", x + row.sd, x + row.sd)], 50.0, None)
        assert more[band] == pytest.approx(table.along["holotranscobalamin"])


def test_the_error_is_that_of_the_results_at_hand_and_of_the_chance() -> None:
    table = facts.deficiency()
    plain = Person(table, "clinic", 50.0, (), 90.0)
    told = replace(plain, effects=(effect_at(table, "metformin", 2000.0, 4.0),))
    assert own_error(plain, "function", ["serum_b12"], 0.5) == table.errors["function, total B12, clinic"][5]
    assert own_error(plain, "function", [], 0.0) == table.errors["function, no result, clinic"][0]
    assert own_error(told, "mma", ["serum_b12", "holotranscobalamin"], 1.0) == table.errors["mma, active B12, a history told"][-1]
    assert facts.kind_of_results(["mcv", "homocysteine", "serum_b12"]) == "homocysteine"
    assert all(0.1 <= error < 2.5 for row in table.errors.values() for error in row)


def test_homocysteine_that_something_else_may_rule_speaks_less_and_never_backwards() -> None:
    """The likelihood of neighbouring bands only moves one way with the value, and less far than without the allowance."""
    table = facts.deficiency()
    marker = table.central["clinic"].markers["homocysteine"]

    def ratio(value: float, outside: float) -> float:
        x = math.log(value)
        found = chances(marker, Evidence("homocysteine", x, x, outside=outside), 50.0, None)
        return math.log(found[table.below - 1] / found[-3])

    free, allowed = ([ratio(float(value), share) for value in range(3, 120, 3)] for share in (0.0, 0.1))
    assert all(after >= before - 1e-9 for before, after in pairwise(allowed))
    assert max(allowed) < max(free)


def test_a_normal_blood_count_hardly_speaks_against_deficiency() -> None:
    """28 of 100 episodes of clear deficiency had a normal haematocrit (Savage 1994): the odds fall no lower, however clear the rest."""
    clear = [lab("serum_b12", 90, "pg/mL"), lab("mma", 6000, "nmol/L")]
    for normal in ([lab("haemoglobin", 14, "g/dL")], [lab("haemoglobin", 14, "g/dL"), lab("mcv", 90, "fL")]):
        rows = assess(case(labs=[*clear, *normal])).data["markers"]
        odds = [row["odds"] for row in rows if row["marker"] in ("haemoglobin", "mcv")]
        assert min(odds) > 0.2, odds


def test_both_blood_counts_normal_is_as_often_as_counted() -> None:
    """19 of 141 people with nerve signs of deficiency had both normal (Lindenbaum 1988)."""
    share = facts.stated()
    both = share["spared_haemoglobin"].value * share["spared_mcv_with_haemoglobin"].value
    assert both == pytest.approx(19 / 141, abs=0.03)


def test_a_history_moves_the_prior_as_it_should() -> None:
    table = facts.deficiency()
    base = bands_at(table.central["clinic"], table, 50.0)

    def with_(name: str, amount: float | None = None, years: float | None = None) -> float:
        return lacking(with_factors(base, [odds_at(table, name, amount, years)]), table)

    assert with_("total_gastrectomy", None, 12.0) > with_("total_gastrectomy", None, 4.0) > with_("total_gastrectomy", None, 1.0)
    assert with_("ileal_resection", 100.0, 4.0) > with_("ileal_resection", 60.0, 4.0) > with_("ileal_resection", 10.0, 4.0)
    assert with_("metformin", 3000.0, 12.0) > with_("metformin", 2000.0, 12.0) > lacking(base, table)
    assert with_("metformin", 2500.0, 8.0) == pytest.approx(with_("metformin", 2500.0, 8.0001), rel=1e-3)
    assert with_("vegan_unsupplemented", None, 12.0) > with_("lacto_ovo_vegetarian", None, 12.0)


# --- laws ----------------------------------------------------------------------------------------------------------------------

VALUES = {"serum_b12": (40.0, 900.0), "mma": (60.0, 6000.0), "homocysteine": (3.0, 80.0), "holotranscobalamin": (6.0, 200.0)}
UNITS = {
    "serum_b12": (("pmol/L", 1.0), ("pg/mL", 1.35537), ("ng/L", 1.35537)),
    "holotranscobalamin": (("pmol/L", 1.0), ("pg/mL", 1.35537)),
    "mma": (("nmol/L", 1.0), ("umol/L", 0.001)),
    "homocysteine": (("umol/L", 1.0), ("nmol/mL", 1.0)),
}
HISTORIES: tuple[dict[str, Any], ...] = (
    {},
    {"nitrous_oxide": [{"pattern": "weekends"}]},
    {"conditions": [{"name": "folate deficiency"}]},
    {"drugs": [{"name": "oral_contraceptive"}]},
    {"past_b12": [{"product": "cyanocobalamin-oral", "dose_ug": 1000, "every_days": 1, "from": "-100d"}]},
    {"conditions": [{"name": "black ethnicity"}, {"name": "liver disease"}]},
    {"diet": [{"diet": "vegan_unsupplemented", "from": "-3000d"}], "drugs": [{"name": "metformin"}]},
    {"conditions": [{"name": "autoimmune_gastritis", "from": "-1400d", "certainty": "suspected"}]},
)
CODES = {"intrinsic_factor_antibody": lab("intrinsic_factor_antibody", 90, "U/mL", reference_high=6)}


@QUICK
@given(st.data())
def test_worse_markers_never_lower_the_probability(data: st.DataObject) -> None:
    history = data.draw(st.sampled_from(HISTORIES))
    chosen = data.draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, unique=True))
    values = {name: data.draw(st.floats(*VALUES[name])) for name in chosen}
    extra = [CODES["intrinsic_factor_antibody"]] if data.draw(st.booleans()) else []
    creatinine = [lab("creatinine", data.draw(st.floats(50.0, 300.0)), "umol/L")] if data.draw(st.booleans()) else []
    moved = data.draw(st.sampled_from(chosen))
    factor = data.draw(st.floats(1.01, 3.0))
    worse = {**values, moved: values[moved] * factor if moved in ("mma", "homocysteine") else values[moved] / factor}

    def of(these: dict[str, float]) -> float:
        labs = [lab(name, value, UNITS[name][0][0]) for name, value in these.items()]
        return probability(*labs, *extra, *creatinine, history=history)

    assert of(worse) >= of(values) - 1e-9


@QUICK
@given(st.data())
def test_the_unit_of_a_report_never_changes_the_answer(data: st.DataObject) -> None:
    values = {name: data.draw(st.floats(*span)) for name, span in VALUES.items()}
    units = {name: data.draw(st.sampled_from(UNITS[name])) for name in VALUES}
    usual = assess(case(labs=[lab(name, value, UNITS[name][0][0]) for name, value in values.items()])).data["deficiency"]
    other = assess(case(labs=[lab(name, value * units[name][1], units[name][0]) for name, value in values.items()])).data["deficiency"]
    assert other["function"]["probability"] == pytest.approx(usual["function"]["probability"], abs=2e-4)
    assert (other["mma"]["side"], other["combined"]) == (usual["mma"]["side"], usual["combined"])
    assert other["response"]["grade"] == usual["response"]["grade"]


SIGNS: tuple[dict[str, Any], ...] = (
    {"findings": [{"what": "romberg", "date": "0"}]},
    {"findings": [{"what": "weakness", "date": "0"}]},
    {"findings": [{"what": "optic_neuropathy", "date": "0"}]},
    {"history": {"nitrous_oxide": [{"pattern": "daily", "from": "-60d"}]}},
)


@QUICK
@given(st.data())
def test_no_marker_takes_a_red_flag_back(data: st.DataObject) -> None:
    parts = data.draw(st.sampled_from(SIGNS))
    before = assess(case(**parts)).data["red_flags"]
    values = {name: data.draw(st.floats(*span)) for name, span in VALUES.items()}
    answer = assess(case(labs=[lab(name, value, UNITS[name][0][0]) for name, value in values.items()], **parts))
    assert {flag["id"] for flag in before} <= {flag["id"] for flag in answer.data["red_flags"]}
    page = answer.text()
    assert page.index("RED FLAG: same day") < page.index("How likely is deficiency?")
    assert "treat without waiting" in page
    for line in page.splitlines():
        assert not line.rstrip(" .").endswith(": unlikely"), line


def test_unlikely_never_stands_alone_beside_a_red_flag() -> None:
    well = [lab("serum_b12", 900, "pg/mL"), lab("mma", 90, "nmol/L"), lab("homocysteine", 6, "umol/L")]
    assert assess(case(labs=well)).data["deficiency"]["function"]["word"] == "unlikely"
    assert "unlikely" in assess(case(labs=well)).text()
    page = assess(case(labs=well, findings=[{"what": "romberg", "date": "0"}]), ["uk-nice-2024"]).text()
    assert "unlikely by the markers, which does not decide here" in " ".join(page.split())
    assert "deficiency unlikely, and the red flag stands" in " ".join(page.split())


@pytest.mark.parametrize("extra", [lab("tsh", 2.0, "mU/L"), lab("hba1c", 5.4, "%"), lab("potassium", 4.1, "mmol/L")])
def test_a_datum_that_says_nothing_changes_nothing(extra: dict[str, Any]) -> None:
    labs = [lab("serum_b12", 210, "pg/mL"), lab("homocysteine", 17, "umol/L")]
    assert assess(case(labs=[*labs, extra])).data["deficiency"] == assess(case(labs=labs)).data["deficiency"]


def test_the_order_of_results_changes_nothing_and_the_newest_counts() -> None:
    labs = [lab("serum_b12", 400, "pg/mL", date="-90d"), lab("serum_b12", 150, "pg/mL"), lab("mma", 700, "nmol/L")]
    answers = [assess(case(labs=order)).data for order in (labs, labs[::-1])]
    assert answers[0]["deficiency"] == answers[1]["deficiency"]
    assert answers[0]["deficiency"] == assess(case(labs=labs[1:])).data["deficiency"]


SAME_DAY = (
    lab("mma", 3.6, "umol/L"), lab("mma", 120, "nmol/L"), lab("mma", 300, "nmol/L", comparator="<"), lab("mma", 320, "nmol/L"),
    {"analyte": "mma", "word": "raised", "date": "0"}, lab("serum_b12", 150, "pmol/L"), lab("serum_b12", 170, "pmol/L"),
    lab("creatinine", 80, "umol/L"), lab("creatinine", 300, "umol/L"), lab("intrinsic_factor_antibody", 3, "U/mL"),
    {"analyte": "intrinsic_factor_antibody", "word": "raised", "date": "0"},
    {"analyte": "intrinsic_factor_antibody", "word": "normal", "date": "0"},
)  # fmt: skip


@QUICK
@given(st.data())
def test_the_order_of_results_of_one_day_changes_nothing(data: Any) -> None:
    labs = data.draw(st.lists(st.sampled_from(SAME_DAY), min_size=2, max_size=6))
    told = [{"what": "numbness", "date": "-60d"}]
    first = assess(case(labs=labs, findings=told)).to_dict()
    second = assess(case(labs=data.draw(st.permutations(labs)), findings=told)).to_dict()
    del first["inputs"], second["inputs"], first["made"], second["made"]
    assert first == second


def test_results_of_one_day_that_disagree_are_both_shown_and_span_what_may_be() -> None:
    """Read as anywhere between two results, a marker says less than either of them alone."""
    high, low = lab("mma", 3.6, "umol/L"), lab("mma", 120, "nmol/L")
    answer = assess(case(labs=[high, low]))
    (row,) = answer.data["markers"]
    assert row["as_reported"] == "methylmalonic acid 120 nmol/L and 3.6 umol/L"
    assert "cannot all be right" in " ".join(answer.text().split())
    assert answer.data["deficiency"]["mma"]["side"] == "unclear"
    assert probability(low) < probability(high, low) < probability(high)
    assert abs(math.log(row["alone_odds"])) < math.log(2.0)


def test_results_of_one_day_that_agree_count_as_their_geometric_mean() -> None:
    two = assess(case(labs=[lab("mma", 400, "nmol/L"), lab("mma", 484, "nmol/L")]))
    assert two.data["deficiency"]["function"] == assess(case(labs=[lab("mma", 440, "nmol/L")])).data["deficiency"]["function"]
    assert "geometric mean" in " ".join(two.data["markers"][0]["why"])
    again = assess(case(labs=[lab("mma", 440, "nmol/L"), lab("mma", 440, "nmol/L")]))
    assert again.data["markers"][0]["why"] == []  # written down twice
    below = assess(case(labs=[lab("mma", 440, "nmol/L"), lab("mma", 300, "nmol/L", comparator=">")]))
    assert below.data["deficiency"]["function"] == two.data["deficiency"]["function"]


CELL_VOLUME = analytes()["mcv"].name


@pytest.mark.parametrize(
    ("labs", "asked"),
    [
        ([], "full blood count"), ([lab("haematocrit", 40, "%"), lab("mcv", 101, "fL")], None),
        ([lab("haemoglobin", 13, "g/dL"), lab("mcv", 101, "fL", date="-80d")], None), ([lab("haematocrit", 40, "%")], CELL_VOLUME),
        ([lab("mcv", 101, "fL")], "haemoglobin"), ([lab("haemoglobin", 13, "g/dL"), lab("mcv", 101, "fL", date="-2y")], CELL_VOLUME),
    ],
)  # fmt: skip
def test_only_what_is_missing_is_asked_for(labs: list[dict[str, Any]], asked: str | None) -> None:
    answer = assess(case(labs=labs, findings=[{"what": "romberg", "date": "0"}])).data
    tests = [test for flag in answer["red_flags"] for test in flag["tests"]]
    counts = [test for test in tests if test in ("full blood count", "haemoglobin", CELL_VOLUME)]
    assert counts == ([] if asked is None else [asked])


def test_folate_that_is_known_is_not_asked_for_and_what_is_left_of_the_count_is_named() -> None:
    told = [lab("folate", 20, "nmol/L"), lab("haemoglobin", 13, "g/dL")]
    answer = assess(case(labs=told, findings=[{"what": "romberg", "date": "0"}])).data
    assert not any("folate" in test for flag in answer["red_flags"] for test in flag["tests"])
    assert {"mcv"} <= {row["test"] for row in answer["next_tests"]}
    assert "blood count" in {row["test"] for row in assess(case()).data["next_tests"]}


# --- switches ------------------------------------------------------------------------------------------------------------------


def test_a_normal_level_counts_for_nothing_where_the_test_is_void() -> None:
    normal, low = lab("serum_b12", 600, "pg/mL"), lab("serum_b12", 90, "pg/mL")
    antibody = CODES["intrinsic_factor_antibody"]
    assert probability(normal) < probability()
    assert probability(normal, antibody) == probability(antibody)
    assert probability(low, antibody) > probability(antibody)
    for history in (HISTORIES[1], HISTORIES[4]):
        assert probability(normal, history=history) == probability(history=history)


def test_folate_takes_homocysteine_out_and_kidneys_take_off_methylmalonic_acid() -> None:
    high, folate = lab("homocysteine", 35, "umol/L"), lab("folate", 2.0, "ng/mL")
    assert probability(high, folate) == probability(folate) < probability(high)
    raised = lab("mma", 600, "nmol/L")
    assert probability(raised, lab("creatinine", 300, "umol/L")) < probability(raised, lab("creatinine", 60, "umol/L"))


def test_pregnancy_the_pill_and_ancestry_shift_the_level() -> None:
    low = lab("serum_b12", 150, "pg/mL")
    pregnant = {"age_y": 30.0, "sex": "female", "pregnancy": "third trimester"}
    assert probability(low, person=pregnant) < probability(low, person={**pregnant, "pregnancy": "none"})
    assert probability(low, history=HISTORIES[3]) < probability(low)
    assert probability(lab("serum_b12", 250, "pg/mL"), history={"conditions": [{"name": "black ethnicity"}]}) > probability(
        lab("serum_b12", 250, "pg/mL")
    )


def test_markers_that_contradict_each_other_are_said_to() -> None:
    data = assess(case(labs=[lab("serum_b12", 700, "pg/mL"), lab("mma", 1500, "nmol/L")])).data
    assert data["deficiency"]["contradiction"] == [["mma"], ["serum_b12"]]
    assert "contradict" in assess(case(labs=[lab("serum_b12", 700, "pg/mL"), lab("mma", 1500, "nmol/L")])).text()
    agree = [lab("serum_b12", 100, "pg/mL"), lab("mma", 1500, "nmol/L")]
    assert assess(case(labs=agree)).data["deficiency"]["contradiction"] == []


def test_the_spectrum_moves_the_prior() -> None:
    found = {name: assess(case(), spectrum=name).data["deficiency"]["function"]["before_markers"] for name in ("community", "clinic")}
    assert found["community"] < found["clinic"]
    with pytest.raises(InputError, match="community or clinic"):
        assess(case(), spectrum="hospital")


def test_an_anaemia_of_another_kind_is_not_all_put_down_to_b12() -> None:
    """Iron deficiency: small cells, low haemoglobin, B12 well."""
    labs = [lab("haemoglobin", 8.5, "g/dL"), lab("mcv", 70, "fL"), lab("serum_b12", 600, "pg/mL"), lab("mma", 120, "nmol/L")]
    assert probability(*labs) < 0.1


# --- why, next, guides -----------------------------------------------------------------------------------------------------------


def test_causes_are_ranked_from_what_is_told() -> None:
    labs = [lab("serum_b12", 120, "pg/mL"), lab("mma", 900, "nmol/L")]
    surgery = assess(case(labs=labs, history={"operations": [{"name": "total gastrectomy", "date": "-6y"}]})).data["causes"]
    assert surgery[0]["id"] == "total_gastrectomy"
    both = {"drugs": [{"name": "metformin", "dose": 1000, "unit": "mg", "per_day": 2, "from": "-8y"}, {"name": "omeprazole"}]}
    found = {row["id"]: row for row in assess(case(labs=labs, history=both)).data["causes"]}
    assert {"metformin", "ppi"} <= found.keys()
    assert [ratio["value"] for ratio in found["metformin"]["odds_ratios"]] == [2.88, 2.39, 2.92]
    without = {row["id"]: row["at_work"] for row in assess(case(labs=labs)).data["causes"]}
    antibody = lab("intrinsic_factor_antibody", 1, "U/mL", reference_high=6)
    absent = {row["id"]: row["at_work"] for row in assess(case(labs=[*labs, antibody])).data["causes"]}
    assert absent["autoimmune_gastritis"] < without["autoimmune_gastritis"]
    present = assess(case(labs=[*labs, CODES["intrinsic_factor_antibody"]])).data["causes"]
    assert present[0]["id"] == "autoimmune_gastritis"
    assert present[0]["standing"] == "stated"


def test_next_tests_are_those_that_move_most() -> None:
    grey = assess(case(labs=[lab("serum_b12", 230, "pg/mL")])).data["next_tests"]
    assert [row["expected_change"] for row in grey] == sorted((row["expected_change"] for row in grey), reverse=True)
    assert grey[0]["test"] in ("holotranscobalamin", "mma")
    assert "serum_b12" not in {row["test"] for row in grey}
    sure = assess(case(labs=[lab("serum_b12", 50, "pg/mL"), lab("homocysteine", 60, "umol/L")])).data["next_tests"]
    assert max(row["expected_change"] for row in sure) < max(row["expected_change"] for row in grey)


@pytest.mark.parametrize(
    ("value", "unit", "verdict"),
    [
        (179.9, "ng/L", "deficient"), (180.0, "ng/L", "indeterminate"), (350.0, "ng/L", "indeterminate"), (350.1, "ng/L", "unlikely"),
        (132.9, "pmol/L", "deficient"), (133.0, "pmol/L", "indeterminate"), (258.0, "pmol/L", "indeterminate"),
        (258.1, "pmol/L", "unlikely"),
    ],
)  # fmt: skip
def test_the_guideline_is_applied_in_the_unit_it_is_written_in(value: float, unit: str, verdict: str) -> None:
    found = assess(case(labs=[lab("serum_b12", value, unit)]), ["uk-nice-2024"]).data["guides"][0]
    assert (found["verdict"], found["standing"]) == (verdict, "2 of 45 clauses verified (partial)")


def test_guides_by_country_by_name_and_all() -> None:
    assert assess(case(person={"age_y": 50.0, "country": "Netherlands"})).data["guides"][0]["id"] == "nl-nhg-2014"
    assert assess(case()).data["guides"][0]["id"] == "us-aafp-2025"
    every = assess(corrin.example("stabler2013-vignette"), ["all"])
    assert every.data["compared"]["differ"]
    assert "not verified: recalled" in assess(corrin.example("shm-n2o-34m"), ["uk-nice-2024"]).text().replace("\n      ", " ")
    with pytest.raises(InputError, match="--guide"):
        assess(case(), ["nonesuch"])


# --- pages -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(corrin.examples()))
def test_every_example_gets_a_page(name: str) -> None:
    answer = assess(corrin.example(name))
    page = answer.text()
    assert page.count("no prescription") == 1
    assert json.loads(answer.to_json())["format"] == "corrin.assess/1"
    found = answer.data["deficiency"]["function"]
    assert found["low"] <= found["probability"] <= found["high"]
    if answer.data["red_flags"]:
        assert page.index("Do first:") < page.index("How likely")
    assert "None" not in page
    assert "nan" not in page.split()


def test_a_child_gets_intakes_and_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "child.json"
    document = {"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 4.0},
                "labs": [lab("serum_b12", 240, "pmol/L", reference_low=276, reference_high=1102)]}  # fmt: skip
    file.write_text(json.dumps(document), encoding="utf-8")
    result = CliRunner().invoke(app, ["assess", str(file)])
    assert result.exit_code == 0
    assert "no verdict, probability or regimen" in " ".join(result.output.split())
    assert "276 to 1102" in result.output
    assert "µg a day" in result.output
    assert "deficient" not in result.output
    assert "function" not in json.loads(CliRunner().invoke(app, ["assess", str(file), "--json"]).output)["child"]


def test_it_needs_no_array_library_and_no_engine() -> None:
    program = (
        "import sys; from corrin.shells.cli import app; "
        "app(['assess', 'gaddam2007'], standalone_mode=False); "
        "print([m for m in ('numba', 'scipy', 'jax', 'numpy', 'corrin.engine.simulate') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip().splitlines()[-1] == "[]"


# --- people of a survey ------------------------------------------------------------------------------------------------------------


@cache
def checked() -> Any:
    sys.path.insert(0, str(ROOT / "scripts"))  # it imports its neighbours
    spec = importlib.util.spec_from_file_location("assess_checks", ROOT / "scripts" / "assess_checks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["assess_checks"] = module
    spec.loader.exec_module(module)
    module.BOOTSTRAPS = 20
    rows = module.rows_of(SURVEY)
    return module.check(rows, module.chosen_without(rows)[0])


@pytest.mark.skipif(not SURVEY.exists(), reason="the survey's rows are not here")
def test_people_of_a_survey_are_told_apart_as_well_as_by_a_regression_fitted_to_them() -> None:
    for row in checked():
        assert row.difference[0] >= -0.01, row


@pytest.mark.skipif(not SURVEY.exists(), reason="the survey's rows are not here")
def test_its_chances_mean_what_they_say_in_a_survey() -> None:
    if facts.deficiency().made["calibration"] != "current":
        pytest.skip("the table was made from a population that is not calibrated")
    for row in checked():
        assert 0.85 <= row.slope[0] <= 1.15, row


def test_a_case_may_be_named_as_everywhere_else(tmp_path: Path) -> None:
    """A file, a dict, an example or a `Case` give the same answer; what is none is told as an input, in one way."""
    person = corrin.example("gaddam2007")
    path = tmp_path / "case.json"
    path.write_text(json.dumps(person.to_dict()), encoding="utf-8")
    whole = corrin.assess(person, ["us-aafp-2025"]).data
    for told in ("gaddam2007", str(path), path, person.to_dict()):
        assert corrin.assess(told, "us-aafp-2025").data == whole
        assert corrin.recognised(told) == corrin.recognised(person)
    for wrong in ("nobody.json", {}, None, 5):
        with pytest.raises(corrin.InputError):
            corrin.assess(wrong)  # type: ignore[arg-type]
    child = {"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 8}}
    assert corrin.assess(child).data["child"]
