"""A case as plain facts: what is said, what is not said, and that neither order nor spelling matters."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import pytest

from corrin.case.case import Case
from corrin.case.reader import read_case
from corrin.examples import example_text, list_examples
from corrin.guides.apply import apply, red_flags, safety, urgency
from corrin.guides.facts import Report
from corrin.guides.person import facts_of
from corrin.guides.reader import guide_ids


def _case(**parts: Any) -> Case:
    person = {"age_y": 50.0, "sex": "female", **parts.pop("person", {})}
    return read_case({"format": "corrin.case/1", "person": person, "as_of": parts.pop("as_of", "day 0"), **parts})


def test_what_is_not_said_is_not_known() -> None:
    facts = facts_of(_case())
    assert set(facts) == {"age", "sex"}
    assert facts["age"] == (Report(50.0, "a"),)


@pytest.mark.parametrize(
    ("person", "pregnant", "breastfeeding"),
    [
        ({}, None, None), ({"pregnancy": "unknown"}, None, None), ({"pregnancy": "none"}, False, False), ({"age_y": 70.0}, False, False),
        ({"sex": "male"}, False, False), ({"pregnancy": "second trimester"}, True, False), ({"pregnancy": "breastfeeding"}, False, True),
    ],
)  # fmt: skip
def test_pregnancy(person: dict[str, Any], pregnant: bool | None, breastfeeding: bool | None) -> None:
    facts = facts_of(_case(person=person))
    assert facts.get("pregnant") is pregnant
    assert facts.get("breastfeeding") is breastfeeding


def test_a_birth_year_is_right_to_half_a_year() -> None:
    case = read_case({"format": "corrin.case/1", "person": {"birth_year": 1960}, "as_of": "2025-07-02"})
    assert facts_of(case).as_of == case.calendar
    # 65 or 64: at the limit of 65 the clause stays open, well away from it it is settled.
    assert apply("infante-2021", facts_of(case).with_(**{"drug.metformin": True}))["INF-4"].truth == "unknown"
    older = case.model_copy(update={"person": case.person.model_copy(update={"birth_year": 1950})})
    assert apply("infante-2021", facts_of(older).with_(**{"drug.metformin": True}))["INF-4"].truth == "yes"


def test_results_keep_value_unit_comparator_day_and_interval() -> None:
    labs = [
        {"analyte": "Vitamin B12", "value": 150, "unit": "ng/L", "comparator": "<", "date": "-3d"},
        {"analyte": "MMA", "value": 0.5, "unit": "umol/L", "reference_high": 0.4},
        {"analyte": "homocysteine", "word": "raised"},
        {"analyte": "MMA", "value": 9.0, "unit": "umol/L", "held_back": True, "date": "+90d"},
    ]
    facts = facts_of(_case(labs=labs))
    assert facts["lab.serum_b12"] == (Report(150.0, "ng/L", "<", -3.0),)
    assert facts["lab.mma"] == (Report(0.5, "umol/L", reference_high=0.4),)
    assert facts["lab.homocysteine"] == (Report(None, "1", word="raised"),)
    assert facts["first_line.tested"] is True
    assert apply("uk-nice-2024", facts).verdict == "deficient"


def test_signs_seen_looked_for_and_growing_worse() -> None:
    findings = [
        {"what": "gait", "severity": "mild", "date": "-90d"}, {"what": "gait", "severity": "severe", "date": "-2d"},
        {"what": "tingling", "severity": "none"}, {"what": "numbness"},
        {"what": "weakness", "severity": "moderate", "date": "-60d"}, {"what": "weakness", "severity": "none"},
    ]  # fmt: skip
    facts = facts_of(_case(findings=findings))
    assert facts["sign.gait"] is True
    assert facts["sign.gait.severe"] is True
    assert facts["symptoms.worsening"] is True
    assert facts["sign.tingling"] is False
    assert facts["sign.numbness"] is True
    assert "sign.numbness.severe" not in facts
    assert facts["sign.weakness"] is False
    assert "sign.fatigue" not in facts


def test_a_sign_that_gets_better_is_not_worse() -> None:
    findings = [{"what": "gait", "severity": "severe", "date": "-90d"}, {"what": "gait", "severity": "mild"}]
    assert "symptoms.worsening" not in facts_of(_case(findings=findings))


def test_drugs_with_dose_and_years_and_a_list_taken_as_complete() -> None:
    drugs = [
        {"name": "metformin", "dose": 1000, "unit": "mg", "per_day": 2, "from": "-6y"},
        {"name": "omeprazole", "dose": 20, "unit": "mg/d", "from": "~3y"},
        {"name": "colchicine", "to": "-2y"},
    ]
    facts = facts_of(_case(history={"drugs": drugs, "other_drugs": ["Warfarin 3 mg"]}))
    assert facts["drug.metformin"] is True
    assert facts["drug.metformin.dose"] == (Report(2000.0, "mg/d"),)
    assert facts["drug.metformin.duration"] == (Report(6.0, "a"),)
    spread = facts["drug.ppi.duration"][0].spread  # type: ignore[index, union-attr]
    assert 0.5 < spread < 0.7
    assert facts["drug.colchicine"] is False
    assert facts["drug.h2_blocker"] is False
    assert facts["drug.anticoagulant"] is True
    assert apply("us-ada-2025", facts)["ADA-3"].truth == "yes"
    assert any(found.clause.id == "SAFE-S9" for found in safety(facts).speaking)


def test_an_empty_list_says_none_and_no_list_says_nothing() -> None:
    empty = facts_of(_case(history={"drugs": [], "operations": [], "nitrous_oxide": [], "past_b12": []}))
    assert empty["drug.metformin"] is False
    assert empty["operation.total_gastrectomy"] is False
    assert empty["nitrous_oxide.recreational"] is False
    assert empty["b12.treated"] is False
    assert "condition.coeliac" not in empty


def test_conditions_operations_and_names_outside_the_tables() -> None:
    history = {
        "conditions": [
            {"name": "pernicious anaemia", "certainty": "confirmed"},
            {"name": "coeliac disease", "certainty": "suspected"},
            {"name": "type 1 diabetes"},
        ],
        "other_conditions": ["Leber's hereditary optic neuropathy", "grandmother with grave illness"],
        "operations": [{"name": "ileal resection", "removed_cm": 80, "date": "-3y"}],
    }
    facts = facts_of(_case(history=history))
    assert facts["condition.autoimmune_gastritis"] is True
    assert "condition.coeliac" not in facts
    assert facts["condition.leber"] is True
    assert facts["condition.autoimmune_other"] is True
    assert facts["operation.ileal_resection.length"] == (Report(80.0, "cm"),)
    assert facts["operation.total_gastrectomy"] is False
    assert any(outcome.what == "cyanocobalamin" for _, outcome in safety(facts).of("avoid"))


def test_nitrous_oxide_diet_and_alcohol() -> None:
    history: dict[str, Any] = {
        "nitrous_oxide": [{"pattern": "weekends", "from": "~1y"}],
        "diet": [{"diet": "vegan"}],
        "alcohol": {"level": "heavy"},
    }
    facts = facts_of(_case(history=history))
    assert facts["nitrous_oxide.recreational"] is True
    assert facts["nitrous_oxide.recent"] is True
    assert facts["diet.vegan"] is True
    assert facts["alcohol.heavy"] is True
    assert urgency(facts) == "same day"
    old = facts_of(_case(history={"nitrous_oxide": [{"pattern": "weekly", "from": "-5y", "to": "-3y"}]}))
    assert old["nitrous_oxide.recent"] is False
    assert urgency(old) is None


def test_b12_taken_before_the_sample() -> None:
    past = [{"product": "cyanocobalamin tablets", "dose_ug": 1000, "every_days": 1, "from": "-100d"}]
    labs = [{"analyte": "serum_b12", "value": 700, "unit": "pmol/L", "date": "-2d"}]
    facts = facts_of(_case(history={"past_b12": past}, labs=labs))
    assert facts["b12.treated"] is True
    assert facts["b12.oral"] is True
    assert facts["b12.injected"] is False
    assert facts["b12.cyanocobalamin"] is True
    assert facts["b12.before_sample"] is True
    assert facts["b12.since"] == (Report(100.0, "d"),)
    ended = facts_of(_case(history={"past_b12": [{**past[0], "from": "-900d", "to": "-300d"}]}, labs=labs))
    assert ended["b12.treated"] is False
    assert ended["b12.before_sample"] is False


def test_a_treatment_to_come_is_not_one_that_goes_on() -> None:
    given = [
        {"form": "hydroxocobalamin", "route": "intramuscular", "dose_ug": 1000, "from": "+1d"},
        {"form": "cyanocobalamin", "route": "oral"},
    ]
    assert "b12.treated" not in facts_of(_case(treatments=given))


ADULTS = sorted(name for name in list_examples() if json.loads(example_text(name))["person"].get("age_y", 50) >= 16)


@pytest.mark.parametrize("name", ADULTS)
def test_every_example_person_runs_through_every_guide_in_any_order(name: str) -> None:
    case = read_case(example_text(name))
    document = case.to_dict()
    shuffled = json.loads(json.dumps(document))
    order = random.Random(7)
    for key in ("labs", "findings"):
        order.shuffle(shuffled.get(key, []))
    for entries in shuffled.get("history", {}).values():
        if isinstance(entries, list):
            order.shuffle(entries)
    first, second = facts_of(case), facts_of(read_case(shuffled))
    for guide in guide_ids():
        truths = [[found.truth for found in apply(guide, facts).clauses] for facts in (first, second)]
        assert truths[0] == truths[1], guide


@pytest.mark.parametrize("name", ["bmcneurol2017-n2o-20f", "turner2009", "pott2012-p4", "neurolsci2011-63f"])
def test_published_people_with_cord_or_optic_signs_raise_a_flag(name: str) -> None:
    """Two of them had a normal or raised B12."""
    facts = facts_of(read_case(example_text(name)))
    assert urgency(facts) in ("same day", "emergency")
    assert red_flags(facts)


def test_reading_all_profiles_is_light() -> None:
    program = (
        "import sys; from corrin.guides.apply import profiles; profiles(); import corrin.guides.person\n"
        "print([name for name in ('numba', 'scipy', 'jax', 'numpy', 'altair') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
