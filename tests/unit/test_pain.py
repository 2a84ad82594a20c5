"""Pain: arithmetic against published intervals and SciPy; placebo never credited; which condition; what is said, and how fast."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corrin
from corrin.answers.examples import example, examples
from corrin.answers.pain import (
    condition_fits,
    courses,
    credited_to_b12,
    expected_effect,
    implied_difference,
    implied_number_needed,
    measure_data,
    pain,
)
from corrin.answers.pain_numbers import Estimate, mean_difference, number_needed, share_difference, t_quantile, wilson
from corrin.case.reader import read_case
from corrin.errors import InputError
from corrin.facts import pain as tables
from corrin.shells import cli
from corrin.show.pain_charts import chart, label

MEASURES = {row.id: row for row in tables.measures()}
B12 = [row for row in tables.measures() if tables.treatments()[row.treatment].kind != "comparator"]


def person(**parts: Any) -> Any:
    """A case of 60 years from parts."""
    return read_case(json.dumps({"format": "corrin.case/1", "person": {"age_y": 60, "sex": "female"}, "as_of": "day 0", **parts}))


# --- arithmetic --------------------------------------------------------------------------------------------------------------


def test_intervals_are_those_of_newcombe_1998() -> None:
    # Newcombe RG, Stat Med 1998;17:857-872, table II: 81 of 263 for one share; 873-890, table II (a): 56 of 70 against 48 of 80, method 10.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    found = share_difference(56 / 70, 48 / 80, 70, 80)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize("freedom", [4, 5, 7.5, 12, 31.4, 200])
def test_students_t_is_that_of_scipy(freedom: float) -> None:
    from scipy.stats import t

    assert t_quantile(freedom) == pytest.approx(t.ppf(0.975, freedom), abs=2e-3)


def test_welchs_interval_is_that_of_scipy() -> None:
    from scipy.stats import ttest_ind_from_stats

    found = mean_difference(-4.19, -2.10, 1.54, 0.83, "SD", 21, 21)
    other = ttest_ind_from_stats(-4.19, 1.54, 21, -2.10, 0.83, 21, equal_var=False)
    span = other.confidence_interval() if hasattr(other, "confidence_interval") else None
    half = (found.high or 0.0) - found.value
    assert found.value / other.statistic == pytest.approx(half / t_quantile(31.0), rel=2e-3)
    assert span is None or (found.low, found.high) == pytest.approx((span.low, span.high), abs=1e-3)


def test_a_published_difference_is_met_by_the_one_computed() -> None:
    row = MEASURES["ivmecbl_change"]
    found = implied_difference(row)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((row.published, row.published_low, row.published_high), abs=0.02)


@pytest.mark.parametrize(
    "row", [row for row in tables.measures() if row.published_kind == "number needed to treat"], ids=lambda row: row.id
)
def test_published_numbers_needed_to_treat_are_met(row: tables.PainMeasure) -> None:
    # The reviews round shares to a per cent and pool trials; a tenth, or one unit where the review gives whole numbers, covers both.
    found = implied_number_needed(row)
    assert found is not None
    for ours, theirs in ((found.value, row.published), (found.low, row.published_low), (found.high, row.published_high)):
        assert ours is not None
        assert theirs is not None
        assert abs(ours - theirs) <= max(0.1 * theirs, 1.0)


def test_shares_from_counts_and_what_follows_from_them() -> None:
    dolor, thorax = MEASURES["dolor_success"], MEASURES["shn_low"]
    assert (dolor.treated, dolor.controlled) == pytest.approx((87 / 187, 55 / 185), abs=5e-4)
    found = implied_difference(dolor)
    assert found is not None
    assert found.low is not None
    assert found.low > 0  # the trial's p is 0.0005
    assert thorax.treated is not None
    assert thorax.controlled is not None
    assert thorax.treated / thorax.controlled == pytest.approx(thorax.published, abs=0.01)


@given(
    treated=st.floats(0.01, 0.99), controlled=st.floats(0.01, 0.99), n1=st.integers(5, 2000), n2=st.integers(5, 2000)
)  # fmt: skip
def test_an_interval_holds_its_value_and_turns_with_the_arms(treated: float, controlled: float, n1: int, n2: int) -> None:
    one, other = share_difference(treated, controlled, n1, n2), share_difference(controlled, treated, n2, n1)
    assert one.low is not None
    assert one.high is not None
    assert other.low is not None
    assert other.high is not None
    assert -1.0 <= one.low <= one.value <= one.high <= 1.0
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-12)
    needed = number_needed(one)
    if needed is not None and needed.low is not None and needed.high is not None:
        assert needed.low <= needed.value <= needed.high


def test_a_number_needed_without_a_sure_sign_has_no_interval() -> None:
    needed = number_needed(Estimate(0.02, -0.05, 0.09, "m", ""))
    assert needed is not None
    assert needed.low is None
    assert "zero" in needed.method
    assert number_needed(Estimate(0.0, -0.1, 0.1, "m", "")) is None


# --- placebo -----------------------------------------------------------------------------------------------------------------


@given(shift=st.floats(-3.0, 3.0), row=st.sampled_from([row for row in tables.measures() if row.statistic in ("mean", "change")]))
def test_what_both_arms_gain_is_credited_to_nobody(shift: float, row: tables.PainMeasure) -> None:
    if row.treated is None or row.controlled is None:
        assert implied_difference(row) is None
        return
    moved = dataclasses.replace(row, treated=row.treated + shift, controlled=row.controlled + shift)
    one, other = implied_difference(row), implied_difference(moved)
    assert one is not None
    assert other is not None
    assert other.value == pytest.approx(one.value, abs=1e-9)


@pytest.mark.parametrize("row", B12, ids=lambda row: row.id)
def test_only_a_difference_from_placebo_is_ever_credited_to_b12(row: tables.PainMeasure) -> None:
    words, data = credited_to_b12(row), measure_data(row)
    if row.control_kind == "none":
        assert data["difference"] is None
        assert data["number_needed"] is None
    if row.control_kind == "placebo" and tables.treatments()[row.treatment].kind == "b12":
        assert words.startswith("the difference from placebo")
    else:
        assert words.startswith("nothing")


@pytest.mark.parametrize("condition", tables.CONDITIONS)
def test_without_deficiency_the_expected_effect_is_zero(condition: str) -> None:
    text = pain(example("gaddam2007"), condition).text(10_000)
    if tables.conditions()[condition].without_deficiency:
        assert expected_effect(condition) == 0.0
        assert "expected effect of B12 on this pain: none (zero points" in text
    else:
        assert expected_effect(condition) is None
        assert "zero points" not in text
    assert "Placebo" in text or "on placebo gain is never counted" in text


def test_the_pooled_trials_are_told_with_their_bias() -> None:
    text = pain(example("gaddam2007"), "diabetic").text(10_000)
    assert "risk ratio 1.17" in text
    assert "73 % of the trials are at high risk of bias" in text


# --- certainty ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", tables.certainties(), ids=lambda row: row.id)
def test_a_grade_is_its_steps_and_agrees_with_the_review(row: tables.Certainty) -> None:
    steps = row.bias + row.inconsistency + row.indirectness + row.imprecision + row.selection
    order = ("high", "moderate", "low", "very low")
    assert row.grade == order[min(3, order.index(row.start) + int(steps))]
    assert not row.published or row.published == row.grade
    named = {reason.split(":")[0] for reason in row.reasons}
    assert named == {name for name in ("bias", "inconsistency", "indirectness", "imprecision", "selection") if getattr(row, name)}


def test_no_b12_for_pain_is_graded_above_low() -> None:
    assert {row.grade for row in tables.certainties() if tables.treatments()[row.treatment].kind != "comparator"} <= {"low", "very low"}


def test_every_b12_measure_has_a_grade_or_no_control() -> None:
    graded = {(row.condition, row.treatment) for row in tables.certainties()}
    open_ = {(row.condition, row.treatment) for row in B12 if row.control_kind != "none" and row.id != "ang2008"}
    assert open_ <= graded


# --- which condition ---------------------------------------------------------------------------------------------------------

PAIN = [{"what": "pain", "date": "-200d", "onset": True}]
BACK = [{"what": "pain", "date": "-200d", "note": "low back pain"}]
ENOUGH = [{"analyte": "serum_b12", "value": 400, "unit": "pmol/L"}, {"analyte": "mma", "value": 200, "unit": "nmol/L"}]
LOW = [{"analyte": "serum_b12", "value": 100, "unit": "pmol/L"}]
DIABETES = {"conditions": [{"name": "type 2 diabetes"}]}


@pytest.mark.parametrize(
    ("parts", "fits", "may"),
    [
        ({"findings": PAIN, "labs": LOW}, {"deficiency"}, set()),
        ({"findings": PAIN, "labs": LOW, "history": DIABETES}, {"deficiency", "diabetic_deficient"}, set()),
        ({"findings": PAIN, "labs": ENOUGH, "history": DIABETES}, {"diabetic"}, set()),
        ({"findings": PAIN, "history": DIABETES}, set(), {"deficiency", "diabetic_deficient", "diabetic"}),
        ({"findings": PAIN, "labs": ENOUGH}, set(), set()),
        ({"findings": BACK, "labs": ENOUGH}, {"back_chronic"}, set()),
        ({"findings": [{"what": "pain", "date": "-10d", "note": "lumbago"}], "labs": ENOUGH}, {"back_acute"}, set()),
        ({"findings": BACK, "labs": ENOUGH, "history": {"other_drugs": ["ibuprofen"]}}, {"back_chronic", "back_chronic_nsaid"}, set()),
        ({"findings": [{"what": "pain", "date": "-30d", "note": "after shingles"}], "labs": ENOUGH}, {"herpetic_subacute"}, set()),
        ({"findings": [{"what": "pain", "date": "-300d", "note": "after shingles"}], "labs": ENOUGH}, {"postherpetic"}, set()),
        ({"labs": LOW}, set(), set()),
        ({}, set(), set()),
    ],
)  # fmt: skip
def test_the_condition_that_fits(parts: dict[str, Any], fits: set[str], may: set[str]) -> None:
    found = condition_fits(person(**parts))
    assert {item.condition for item in found if item.fit == "fits"} == fits
    assert {item.condition for item in found if item.fit == "may fit"} == may


def test_nitrous_oxide_counts_as_deficiency_whatever_the_level() -> None:
    found = condition_fits(example("bmcneurol2017-n2o-20f"))
    assert next(item for item in found if item.condition == "deficiency").fit == "fits"


def test_an_unknown_condition_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean diabetic"):
        pain(example("gaddam2007"), "diabtic")


# --- what is said ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", examples())
def test_nothing_is_promised_and_every_urgency_has_a_next_step(name: str) -> None:
    answer = pain(example(name))
    text = answer.text()
    assert not re.search(r"\b(will (cure|relieve|heal|restore)|guarantee|certainly|always helps|miracle)\b", text, re.IGNORECASE)
    assert all(item["next_step"] for item in answer.data["urgent"])
    assert text.count("no prescription") == 1
    assert max(map(len, text.splitlines())) <= 110
    assert json.loads(answer.to_json()) == answer.to_dict()


def test_what_was_read_second_hand_says_so() -> None:
    text = pain(example("gaddam2007"), "diabetic").text(10_000)
    line = next(line for line in text.splitlines() if line.strip().startswith("dizziness (gabapentin)"))
    assert "read second-hand" in line


def test_courses_begin_at_the_start_and_keep_arms_apart() -> None:
    found = courses("diabetic")
    saline = next(item for item in found if item["arm"].startswith("saline"))
    treated = next(item for item in found if item["arm"] == "methylcobalamin into a vein")
    assert saline["change"] == -2.10
    assert treated["change"] == -4.19
    assert saline["low"] < saline["change"] < saline["high"]
    gabapentin = next(item for item in found if item["arm"] == "gabapentin")
    assert gabapentin["change"] == pytest.approx(3.9 - 6.4)
    assert gabapentin["low"] is None
    spec = chart(pain(example("gaddam2007"), "diabetic").data)
    drawn = {row["arm"]: row["change"] for row in spec["vconcat"][0]["layer"][1]["data"]["values"] if row["week"] > 0}
    assert drawn == pytest.approx({label(item): item["change"] for item in found})


def test_a_condition_without_a_course_has_no_figure() -> None:
    with pytest.raises(InputError, match="measured a course"):
        pain(example("devaraj2024")).chart()


def test_the_command_prints_answer_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "pain.png"
    assert cli._run(["pain", "gaddam2007", "--condition", "diabetic", "--figure", str(picture)]) == 0
    assert capsys.readouterr().out == pain(example("gaddam2007"), "diabetic").text()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert cli._run(["pain", "gaddam2007", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "corrin.pain/1"
    assert cli._run(["pain", "gaddam2007", "--condition", "toothache"]) == 2
    assert cli._run(["pain", "gaddam2007", "--condition", "diabetic", "--figure", str(tmp_path / "no" / "pain.png")]) == 2


def test_the_answers_load_no_engine() -> None:
    code = (
        "import sys, corrin\n"
        "case = corrin.example('gaddam2007')\n"
        "corrin.pain(case).text(); corrin.mimics(case).text(); corrin.matters(case).text(); corrin.recognised(case)\n"
        "print(sorted({'numba', 'scipy', 'jax', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert corrin.pain is pain
