"""Virtual people of a population: keyed by person, as the survey has them, causes that come with age; designs and their faults."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corrin.case.plan import built_in_plans
from corrin.errors import CorrinError, InputError
from corrin.inference import survey
from corrin.inference.crowd import crowd_world, draw_crowd
from corrin.inference.policy import adherence, regimen
from corrin.studies.crowd import Design, People, packaged, read_design, schema

FORMAT = "corrin.population-design/1"
KEYS = ["name", "people", "scenario", "years", "count", "ages", "format"]
PLAIN = {"format": FORMAT, "name": "x", "scenario": [{"name": "today"}]}


def test_a_person_is_the_same_in_any_batch() -> None:
    whole = draw_crowd(People(), 0, 600, 1)
    part = draw_crowd(People(), 401, 77, 1)
    for name, z in whole.z.items():
        assert np.array_equal(z[401:478], part.z[name]), name
    for name, values in whole.covariates.items():
        assert np.array_equal(values[401:478], part.covariates[name]), name


def test_another_seed_is_another_crowd() -> None:
    assert not np.array_equal(draw_crowd(People(), 0, 50, 1).covariates["age_y"], draw_crowd(People(), 0, 50, 2).covariates["age_y"])


def test_every_latent_of_the_world_has_its_number() -> None:
    crowd = draw_crowd(People(), 0, 8, 1)
    assert {latent.name for latent in crowd_world().latents if latent.needs_z} <= set(crowd.z)


def test_ages_and_metformin_are_the_survey_s() -> None:
    """facts/population/survey_people.csv: counts by age, share on metformin."""
    crowd = draw_crowd(People(), 0, 40_000, 3)
    age = crowd.covariates["age_y"]
    rows = survey.people_of_survey(1, 20_000)
    assert np.quantile(age, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(rows.get("age_y"), [0.1, 0.5, 0.9]), abs=1.0)
    assert crowd.covariates["metformin"].mean() == pytest.approx(rows.get("metformin").mean(), abs=0.004)


def test_replicates_share_what_is_not_known_and_the_whole_is_one_person_s_prior() -> None:
    """The variance of a number is that of a standard normal; what a replicate shares is the part that is lack of knowledge."""
    crowd = draw_crowd(People(), 0, 60_000, 1, replicates=60)
    z, replicate = crowd.z["haptocorrin_synthesis"], crowd.covariates["replicate"].astype(int)
    assert z.mean() == pytest.approx(0.0, abs=0.05)
    assert z.std() == pytest.approx(1.0, abs=0.05)
    from corrin.inference.population import population, spread

    row = next(row for row in population().rows if row.name == "haptocorrin_synthesis")
    means = np.array([z[replicate == k].mean() for k in range(60)])
    assert means.std() == pytest.approx(row.unsure / spread(row), rel=0.2)


def test_causes_to_come_keep_pace_with_age() -> None:
    """People of 50 have, twenty years on, as often a growing cause as people of 70 have today (case/causes.py)."""
    ages = {"low_y": 50.0, "high_y": 51.0, "weight": 1.0}, {"low_y": 70.0, "high_y": 71.0, "weight": 1.0}
    young, old = (draw_crowd(People.model_validate({"ages": [band]}), 0, 40_000, 5) for band in ages)
    today = {name: (young.covariates["gastritis"] + young.covariates["food_bound"]).mean() for name in ("now",)}["now"]
    later = today + (young.covariates["new_cause_year"] < 20.0).mean()
    then = (old.covariates["gastritis"] + old.covariates["food_bound"]).mean()
    assert later == pytest.approx(then, abs=0.012)


def test_a_diet_a_drug_and_no_tablets() -> None:
    people = People.model_validate({"diets": {"vegan_unsupplemented": 0.5}, "drugs": {"metformin": 1.0}, "tablets": "none"})
    crowd = draw_crowd(people, 0, 4000, 1)
    vegan = crowd.covariates["diet"] == 0
    assert vegan.mean() == pytest.approx(0.5, abs=0.03)
    assert np.median(crowd.covariates["food_ug_d"][vegan]) == pytest.approx(0.15, rel=0.1)  # facts/diets.csv
    assert crowd.covariates["metformin"].all()
    assert not crowd.covariates["tablets_ug_d"].any()


def test_adherence_has_its_median() -> None:
    z = np.linspace(-3, 3, 101)
    assert np.median(adherence(0.8, z)) == pytest.approx(0.8)
    assert (adherence(1.0, z) == 1.0).all()


def test_a_regimen_holds_what_its_plan_gives() -> None:
    daily = regimen(built_in_plans()["oral-1000-daily"], 365.0)
    assert not daily.doses
    assert sum((to - since) * ug for since, to, ug in daily.rates) == pytest.approx(365_000.0, rel=0.01)
    shots = regimen(built_in_plans()["us-practice-cyanocobalamin"], 365.0)
    assert len(shots.doses) == len(built_in_plans()["us-practice-cyanocobalamin"].doses(365.0))
    assert not shots.rates


def test_the_designs_that_come_with_corrin_read_back_equal() -> None:
    assert set(packaged()) == {"today", "flour", "metformin-screening", "vegan-supplement"}
    for name, design in packaged().items():
        assert read_design(name) == design
        assert read_design(design.to_dict()) == design


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"count": 0}, "count"),
        ({"years": 1000.0}, "years"),
        ({"years": 2.0, "every_years": 3.0}, "every_years"),
        ({"peple": {}}, "peple"),
        ({"people": {"diets": {"vegn": 0.5}}}, "people.diets.vegn"),
        ({"people": {"diets": {"mixed": 0.7, "vegan_unsupplemented": 0.7}}}, "people.diets"),
        ({"people": {"ages": [{"low_y": 40.0, "high_y": 30.0, "weight": 1.0}]}}, "people.ages[0].high_y"),
        ({"scenario": []}, "scenario"),
        ({"scenario": [{"name": "a"}, {"name": "a"}]}, "scenario[1].name"),
        ({"scenario": [{"name": "a", "plan": "monthly"}]}, "scenario[0].plan"),
        ({"compare_with": "b"}, "compare_with"),
        ({"readings": ["serum_b12", "cobalt"]}, "readings[1]"),
        ({"format": "corrin.case/1"}, "format"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place(change: dict[str, object], where: str) -> None:
    with pytest.raises(InputError) as caught:
        read_design(PLAIN | change)
    assert where in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=12))  # fmt: skip
def test_whatever_comes_in_is_a_design_or_an_error_of_ours(document: object) -> None:
    try:
        made = read_design(PLAIN | document if isinstance(document, dict) else str(document))
    except CorrinError:
        return
    assert isinstance(made, Design)


def test_the_schema_knows_every_key_of_a_design() -> None:
    made = schema()
    assert set(made["properties"]) == set(Design.model_fields)
    assert not made["additionalProperties"]
