"""What else could it be: never put down to B12 while a red flag is untested; fits by counting; what is recognised, and how soon."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corrin.answers import features as shown
from corrin.answers.examples import example, examples
from corrin.answers.mimics import GRADES, all_features, fit, fits, mimics, open_mimics, verdict
from corrin.answers.recognise import URGENCIES, recognised
from corrin.case.case import Case, Sign
from corrin.case.reader import read_case
from corrin.errors import InputError
from corrin.facts import mimics as tables
from corrin.guides.apply import URGENCIES as URGENCIES_OF_GUIDES
from corrin.guides.apply import urgency
from corrin.guides.person import facts_of
from corrin.shells import cli

SIGNS = get_args(Sign)
DERIVED = {
    "one_sided",
    "fast",
    "older_than_65",
    "b12_lacking",
    "nitrous_oxide",
    "diabetes",
    "heavy_alcohol",
    "b6_above_limit",
    "stomach_operation",
}


def person(**parts: Any) -> Case:
    """A case of 60 years from parts."""
    return read_case(json.dumps({"format": "corrin.case/1", "person": {"age_y": 60, "sex": "female"}, "as_of": "day 0", **parts}))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """People with any findings, some results, some history."""
    findings = draw(
        st.lists(
            st.fixed_dictionaries(
                {"what": st.sampled_from(SIGNS), "date": st.sampled_from(["0", "-5d", "-90d", "-800d"])},
                optional={"severity": st.sampled_from(["none", "mild", "severe"]), "side": st.sampled_from(["left", "right", "both"])},
            ),
            max_size=10,
        )
    )
    labs = [
        {"analyte": name, "value": value, "unit": unit}
        for name, value, unit in (
            ("serum_b12", draw(st.sampled_from([None, 60, 400])), "pmol/L"),
            ("mma", draw(st.sampled_from([None, 200, 3000])), "nmol/L"),
            ("homocysteine", draw(st.sampled_from([None, 8, 60])), "umol/L"),
            ("copper", draw(st.sampled_from([None, 2, 15])), "umol/L"),
        )
        if value is not None
    ]
    history: dict[str, Any] = {}
    if draw(st.booleans()):
        history["nitrous_oxide"] = [{"pattern": "daily", "from": "-100d"}]
    if draw(st.booleans()):
        history["conditions"] = [{"name": "type 2 diabetes"}]
    if draw(st.booleans()):
        history["alcohol"] = {"level": "heavy"}
    age = draw(st.integers(18, 90))
    return person(findings=findings, labs=labs, history=history) if age == 60 else read_case(
        json.dumps({"format": "corrin.case/1", "person": {"age_y": age}, "as_of": "day 0", "findings": findings, "labs": labs,
                    "history": history}))  # fmt: skip


# --- explained ---------------------------------------------------------------------------------------------------------------


def explained_fairly(case: Case, excluded: tuple[str, ...] = ()) -> bool:
    """Whether B12 is called the explanation; fails when that is said while a red flag is open."""
    answer = mimics(case, excluded)
    said, open_ = answer.data["verdict"]["explained"], open_mimics(case, excluded)
    if said:
        assert not [item.row.id for item in open_ if item.red_flag and item.status != "excluded"]
        assert not [item.row.id for item in open_ if item.status == "found"]
    assert ("Explained by" in answer.text()) == said
    return bool(said)


@pytest.mark.parametrize("name", examples())
def test_no_example_is_put_down_to_b12_while_a_red_flag_is_open(name: str) -> None:
    assert not explained_fairly(example(name))


@given(case=cases(), excluded=st.sets(st.sampled_from(sorted(tables.mimics()))))
@settings(deadline=None)
def test_nobody_is_put_down_to_b12_while_a_red_flag_is_open(case: Case, excluded: set[str]) -> None:
    explained_fairly(case, tuple(excluded))


def test_with_every_red_flag_excluded_it_may_be_said() -> None:
    case = example("stabler2013-vignette")
    red = tuple(item.row.id for item in open_mimics(case) if item.red_flag)
    assert red
    assert explained_fairly(case, red)
    for left_out in red:
        assert not explained_fairly(case, tuple(name for name in red if name != left_out))


@given(case=cases())
@settings(deadline=None)
def test_enough_b12_is_never_the_explanation(case: Case) -> None:
    picture = shown.b12_picture(case)
    if picture.kind == "enough":
        assert next(item for item in fits(case) if item.cause == "b12").grade == "ruled out"
        assert not mimics(case, tuple(tables.mimics())).data["verdict"]["explained"]


def test_a_cord_always_asks_for_compression_and_copper() -> None:
    for name in examples():
        case = example(name)
        if "cord" in shown.tracts(case):
            red = {item.row.id for item in open_mimics(case) if item.red_flag}
            assert {"compression", "copper_zinc"} <= red


def test_a_normal_result_excludes_and_an_abnormal_one_is_found() -> None:
    base = {"findings": [{"what": "babinski"}]}
    for value, status in ((15, "excluded"), (3, "found")):
        case = person(**base, labs=[{"analyte": "copper", "value": value, "unit": "umol/L"}])
        assert next(item for item in open_mimics(case) if item.row.id == "copper_zinc").status == status
    assert next(item for item in open_mimics(person(**base)) if item.row.id == "copper_zinc").status == "open"


def test_an_unknown_mimic_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean"):
        open_mimics(example("gaddam2007"), ("coper_zinc",))


# --- fits --------------------------------------------------------------------------------------------------------------------


def test_patterns_name_signs_of_a_case_or_derived_features() -> None:
    named = {name for row in tables.patterns() for name in row.features} | {
        name for row in tables.mimics().values() for name in row.raised_by
    }
    assert named <= set(SIGNS) | DERIVED
    for cause in tables.CAUSES:
        lists = [set(row.features) for row in tables.patterns() if row.cause == cause]
        assert sum(map(len, lists)) == len(set().union(*lists)), f"{cause} expects a feature in two ways"
        assert len(next(row for row in tables.patterns() if row.cause == cause and row.expects == "needed").features) == 1


@given(
    cause=st.sampled_from(tables.CAUSES),
    there=st.dictionaries(st.sampled_from([*SIGNS, *sorted(DERIVED)]), st.sampled_from([True, False, None])),
    more=st.sampled_from(shown.NEUROLOGICAL),
)
def test_a_sign_that_a_cause_does_not_give_never_betters_its_fit(cause: str, there: dict[str, bool | None], more: str) -> None:
    before, after = fit(cause, there), fit(cause, {**there, more: True})
    if more in after.unexplained and before.grade != "cannot be judged":
        assert GRADES.index(after.grade) >= GRADES.index(before.grade)
    seen = {name for name, state in there.items() if state}
    assert set(before.explained) <= seen
    assert not set(before.explained) & set(before.unexplained)


@pytest.mark.parametrize(
    ("name", "cause", "grade"),
    [
        ("bmcneurol2017-n2o-20f", "nitrous_oxide", "fits well"),
        ("shm-n2o-34m", "nitrous_oxide", "fits well"),
        ("shm-n2o-50f", "nitrous_oxide", "fits well"),
        ("cwru-n2o-pa", "nitrous_oxide", "fits well"),
        ("cwru-n2o-pa", "b12", "fits well"),
        ("shm-pa-45m", "b12", "fits well"),
        ("stabler2013-vignette", "b12", "fits well"),
        ("gaddam2007", "b12", "fits well"),
        ("gaddam2007", "diabetes", "fits in part"),
        ("stabler2013-vignette", "age", "ruled out"),
    ],
)
def test_published_people_fit_what_they_had(name: str, cause: str, grade: str) -> None:
    assert next(item for item in fits(example(name)) if item.cause == cause).grade == grade


def test_diabetic_feet_fit_diabetes_and_leave_a_babinski_sign() -> None:
    findings = [{"what": what} for what in ("numbness", "vibration_loss", "reflexes_reduced", "ncs_abnormal", "pain")]
    case = person(findings=findings, history={"conditions": [{"name": "type 2 diabetes"}]})
    assert fits(case)[0].cause == "diabetes"
    assert fits(case)[0].grade == "fits well"
    more = person(findings=[*findings, {"what": "babinski"}], history={"conditions": [{"name": "type 2 diabetes"}]})
    found = next(item for item in fits(more) if item.cause == "diabetes")
    assert found.unexplained == ("babinski",)
    assert found.grade == "fits in part"


def test_usual_signs_that_are_absent_speak_against_a_cause() -> None:
    low = [{"analyte": "serum_b12", "value": 80, "unit": "pmol/L"}]
    absent = [{"what": what, "severity": "none"} for what in ("numbness", "vibration_loss")]
    assert fit_of("b12", person(findings=[{"what": "tingling"}], labs=low)) == "fits well"
    assert fit_of("b12", person(findings=[{"what": "tingling"}, *absent], labs=low)) == "fits in part"


def fit_of(cause: str, case: Case) -> str:
    """The grade of one cause."""
    return next(item for item in fits(case) if item.cause == cause).grade


def test_vitamin_b6_above_its_limit_fits_lost_feeling() -> None:
    findings = [{"what": what} for what in ("numbness", "tingling", "position_loss", "reflexes_reduced")]
    case = person(findings=findings, history={"drugs": [{"name": "vitamin B6", "dose": 100, "unit": "mg", "per_day": 1}]})
    assert all_features(case)["b6_above_limit"]
    assert next(item for item in fits(case) if item.cause == "b6_excess").grade == "fits well"
    assert "also fits: too much vitamin B6" in verdict(case, fits(case), open_mimics(case)).why


# --- recognised --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kinds", "first"),
    [
        ("bmcneurol2017-n2o-20f", {"nitrous_oxide", "mind"}, "same day"),
        ("shm-n2o-34m", {"nitrous_oxide"}, "same day"),
        ("shm-n2o-50f", {"nitrous_oxide"}, "same day"),
        ("cwru-n2o-pa", {"nitrous_oxide"}, "same day"),
        ("shm-pa-45m", {"cord"}, "same day"),
        ("gaddam2007", {"cord"}, "same day"),
        ("stabler2013-vignette", {"cord"}, "same day"),
        ("turner2009", {"cord"}, "emergency"),
        ("pott2012-p3", {"optic"}, "same day"),
        ("emtman2017-n2o-51m", {"mind"}, "same day"),
        ("azenha2017", {"optic"}, "same day"),
    ],
)
def test_what_is_recognised_in_published_people(name: str, kinds: set[str], first: str) -> None:
    found = recognised(example(name))
    assert {item.id for item in found} == kinds
    assert found[0].urgency == first


@given(case=cases())
@settings(deadline=None)
def test_urgency_has_a_reason_and_a_next_step_and_is_sorted(case: Case) -> None:
    found = recognised(case)
    assert [URGENCIES.index(item.urgency) for item in found] == sorted(URGENCIES.index(item.urgency) for item in found)
    for item in found:
        assert item.because
        assert item.next_step
        assert item.not_known or item.id in ("cord", "nitrous_oxide")
    if any(shown.signs(case).get(sign) for sign in shown.CORD_SURE):
        assert found[0].urgency in ("emergency", "same day")


@given(case=cases())
@settings(deadline=None)
def test_results_never_lower_an_urgency(case: Case) -> None:
    bare = case.model_copy(update={"labs": ()})
    assert [item.urgency for item in recognised(case)] == [item.urgency for item in recognised(bare)]


@pytest.mark.parametrize("name", examples())
def test_urgency_agrees_with_the_red_flags(name: str) -> None:
    assert URGENCIES == URGENCIES_OF_GUIDES
    case = example(name)
    flags, found = urgency(facts_of(case)), recognised(case)
    if found and found[0].urgency in ("emergency", "same day"):
        assert flags is not None
        assert URGENCIES.index(flags) <= URGENCIES.index(found[0].urgency)


def test_a_normal_level_excludes_nothing_with_nitrous_oxide() -> None:
    case = example("bmcneurol2017-n2o-20f")
    assert shown.reading(case, "serum_b12").side == "normal"  # type: ignore[union-attr]
    found = recognised(case)[0]
    assert found.name == "myeloneuropathy by nitrous oxide"
    assert "Stop nitrous oxide" in found.next_step
    assert any("normal serum level excludes nothing" in item for item in found.not_known)


def test_failing_sight_asks_for_leber_before_cyanocobalamin() -> None:
    assert "Hydroxocobalamin rather than cyanocobalamin" in recognised(example("pott2012-p1"))[0].next_step


def test_what_went_away_is_not_recognised() -> None:
    case = person(findings=[{"what": "babinski", "date": "-90d"}, {"what": "babinski", "date": "0", "severity": "none"}])
    assert recognised(case) == ()
    assert recognised(person()) == ()


def test_limits_are_told_in_the_unit_of_the_report() -> None:
    case = person(labs=[{"analyte": "serum_b12", "value": 205, "unit": "pg/mL"}])
    found = shown.reading(case, "serum_b12")
    assert found is not None
    assert found.side == "low"
    assert "271 pg/mL" in found.words  # 200 pmol/L x 1.355


def test_weak_kidneys_take_the_edge_off_methylmalonic_acid() -> None:
    labs = [{"analyte": "mma", "value": 600, "unit": "nmol/L"}]
    assert shown.b12_picture(person(labs=labs)).kind == "lacking"
    weak = person(labs=[*labs, {"analyte": "egfr", "value": 40, "unit": "mL/min/1.73m2"}])
    assert shown.b12_picture(weak).kind == "uncertain"


# --- outcomes and text -------------------------------------------------------------------------------------------------------


def test_shares_of_series_are_their_counts() -> None:
    data = mimics(example("gaddam2007")).data
    found = next(item for item in data["outcomes"] if item["id"] == "vasconcelos_complete")
    assert found["share"]["value"] == pytest.approx(0.14, abs=0.005)  # printed as 14 %
    assert found["share"]["low"] < 0.14 < found["share"]["high"]


def test_a_recalled_series_says_so() -> None:
    text = mimics(example("gaddam2007")).text(10_000)
    line = next(line for line in text.splitlines() if "57 of 121" in line)
    assert "recalled, not read" in line


@pytest.mark.parametrize("name", examples())
def test_the_text_is_calm_and_complete(name: str) -> None:
    answer = mimics(example(name))
    text = answer.text()
    assert max(map(len, text.splitlines())) <= 110
    assert text.count("no diagnosis and no prescription") == 1
    for word in ("irreversible", "fatal", "paralys", "too late", "permanent"):
        assert word not in text.lower()
    for item in answer.data["recognised"]:
        assert item["next_step"] in " ".join(text.split())
    assert json.loads(answer.to_json()) == answer.to_dict()


def test_the_command_takes_what_was_excluded(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(["mimics", "stabler2013-vignette", "--excluded", "compression", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["format"] == "corrin.mimics/1"
    assert next(item for item in data["mimics"] if item["id"] == "compression")["status"] == "excluded"
    assert cli._run(["mimics", "stabler2013-vignette", "--excluded", "gout"]) == 2
