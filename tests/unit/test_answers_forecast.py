"""The way from a case and plans to an answer, with the model replaced: every example and every built-in plan passes through."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import synthetic
from corrin.answers import examples, forecast
from corrin.answers.computed import Computed, ReadingInfo
from corrin.answers.explain import readings
from corrin.case.case import Case
from corrin.case.plan import Plan, built_in_plans
from corrin.errors import InputError


@pytest.fixture
def modelled(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The model replaced by made-up courses under the body's own names; holds what it was asked."""
    asked: dict[str, Any] = {}
    made = synthetic.computed(draws=50)
    named = {
        name: ReadingInfo(reading.label, reading.unit, reading.group, reading.lab, reading.assumed)
        for name, reading in readings().items()
        if name in made.readings
    }

    def run(
        case: Case, plans: Sequence[Plan], years: float, draws: int, seed: int, progress: object = None, earlier: object = None
    ) -> Computed:
        asked.update(case=case, plans=plans, years=years, draws=draws, seed=seed)
        course = made.futures["im_hydroxo"]
        kept = dataclasses.replace(course, values={name: course.values[name] for name in named})
        past = dataclasses.replace(made.past, values={name: made.past.values[name] for name in named})
        return dataclasses.replace(
            made, weights=np.ones(50), readings=named, past=past, futures={plan.name: kept for plan in plans}, parameters=()
        )

    monkeypatch.setattr(forecast, "run", run)
    return asked


@pytest.mark.parametrize("name", examples.examples())
def test_every_example_becomes_an_answer(name: str, modelled: dict[str, Any]) -> None:
    answer = forecast.forecast(examples.example(name), years=2.0, draws=50)
    assert answer.case_id == name
    assert {"none"} < {plan.name for plan in answer.plans}
    assert answer.inputs["case"]["id"] == name
    report = answer.text()
    for plan in answer.plans:
        assert plan.title in report
    assert answer.to_json()


@pytest.mark.parametrize("name", built_in_plans())
def test_every_built_in_plan_is_shown_with_its_doses(name: str) -> None:
    plan = built_in_plans()[name]
    shown = forecast.intended(plan, 730.5)
    assert shown.title
    assert len(shown.doses) == sum(day + plan.start_day <= 730.5 for day, _, _ in plan.doses(730.5 - plan.start_day))
    assert all(dose.amount_ug > 0 and dose.route != "unknown" for dose in shown.doses)
    assert all(0 <= dose.time_days <= 730.5 for dose in shown.doses)


def test_a_course_begins_with_how_soon_somebody_must_look(modelled: dict[str, Any]) -> None:
    """No course without its next step: what the findings call for stands in the first lines, as `corrin mimics` has it."""
    from corrin.answers.recognise import recognised

    person = examples.example("gaddam2007")
    answer = forecast.forecast(person, plans=["none"])
    told = [notice.text for notice in answer.warnings if notice.code == "safety"]
    assert [text.split(":")[0].lower() for text in told] == [item.urgency for item in recognised(person)]
    assert told
    assert " ".join(answer.text().split()).index(f"Note: {told[0]}") < answer.text().index("State today")
    without = forecast.forecast(person.model_copy(update={"findings": ()}), plans=["none"])
    assert "safety" not in {notice.code for notice in without.warnings}


def test_signs_call_for_the_neurological_regimen() -> None:
    with_signs = examples.example("stabler2013-vignette")
    assert "bnf-hydroxocobalamin-neurological" in forecast.usual_plans(with_signs)
    without = with_signs.model_copy(update={"findings": ()})
    assert "bnf-hydroxocobalamin" in forecast.usual_plans(without)
    assert set(forecast.USUAL) | set(forecast.USUAL_NEUROLOGICAL) <= set(built_in_plans())


def test_a_plan_named_twice_is_refused(modelled: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="named twice"):
        forecast.forecast(examples.example("stabler2013-vignette"), plans=["none", "none"])


def test_observed_values_keep_their_report_and_carry_the_readings_unit(modelled: dict[str, Any]) -> None:
    answer = forecast.forecast(examples.example("stabler2013-vignette"), plans=["none"])
    serum = next(lab for lab in answer.observed if lab.reading == "serum_b12")
    assert serum.unit == "pmol/L"
    assert serum.value == pytest.approx(151.3, abs=0.5)
    assert serum.as_reported.endswith("205 pg/mL")
    assert not any("[" in lab.as_reported for lab in answer.observed)


@pytest.mark.parametrize(
    "options",
    [{"draws": 0}, {"draws": 2.5}, {"draws": "x"}, {"years": 0}, {"years": float("nan")}, {"years": 1e9}, {"seed": -1}, {"seed": None}],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], modelled: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        forecast.forecast(examples.example("stabler2013-vignette"), plans=["none"], **options)
    assert not modelled


def test_an_example_and_a_plan_may_be_named(modelled: dict[str, Any]) -> None:
    answer = forecast.forecast("stabler2013-vignette", plans="none")
    assert (answer.case_id, [plan.name for plan in answer.plans]) == ("stabler2013-vignette", ["none"])


def test_an_answer_cannot_be_changed(modelled: dict[str, Any]) -> None:
    answer = forecast.forecast("stabler2013-vignette", plans="none")
    with pytest.raises(TypeError, match="frozen"):
        answer.plans[0].readings["mma"] = answer.plans[0].readings["serum_b12"]
    assert pickle.loads(pickle.dumps(answer)) == answer == copy.deepcopy(answer)


def test_what_nobody_wrote_down_was_not_measured(modelled: dict[str, Any]) -> None:
    answer = forecast.forecast(examples.example("stabler2013-vignette"), plans=["none"])
    assert answer.observed
    assert not [lab.as_reported for lab in answer.observed if "not mentioned" in lab.as_reported]


def test_more_doses_than_can_be_computed_are_refused_before_any_work(modelled: dict[str, Any]) -> None:
    step = {"product": "cyanocobalamin-oral", "dose_ug": 1000.0, "every_days": 1.0, "times_per_day": 12}
    plan = {"format": "corrin.plan/1", "name": "hourly", "steps": [step] * 50}
    with pytest.raises(InputError, match="438,600 doses"):
        forecast.forecast(examples.example("stabler2013-vignette"), plans=[plan])
    assert not modelled


def test_assumptions_are_told_in_words(modelled: dict[str, Any]) -> None:
    answer = forecast.forecast(examples.example("stabler2013-vignette"), plans=["none"])
    told = next(notice.text for notice in answer.warnings if notice.code == "rests-on-assumptions")
    assert "none, low intake" in told
    assert "_" not in told


def test_rerun_of_an_answer_is_the_answer(modelled: dict[str, Any], tmp_path: Any) -> None:
    from corrin.answers.rerun import rerun

    first = forecast.forecast(examples.example("stabler2013-vignette"), plans=["oral-1000-daily"], years=1.0, draws=50, seed=3)
    path = tmp_path / "answer.json"
    path.write_text(first.to_json(), encoding="utf-8")
    _, differences = rerun(path)
    assert differences == []
    assert (modelled["years"], modelled["draws"], modelled["seed"]) == (1.0, 50, 3)


def test_a_red_flag_without_nerve_signs_leads_the_forecast() -> None:
    """Severe anaemia calls for somebody on the same day, also beside a sign that alone could wait."""
    from corrin.answers.forecast import urgent_first
    from corrin.case.reader import read_case

    def told(level: float, **more: object) -> list[str]:
        labs = [{"analyte": "haemoglobin", "value": level, "unit": "g/dL", "date": "0"}]
        case = read_case({"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 70.0, "sex": "female"}, "labs": labs, **more})
        return [notice.text for notice in urgent_first(case).notices if notice.code == "safety"]

    assert told(12.5) == []
    (sentence,) = told(5.0)
    assert sentence.startswith("Same day: Severe anaemia")
    both = told(5.0, findings=[{"what": "numbness", "date": "-1y"}])
    assert both[0] == sentence
    assert "neuropathy" in both[1]
    assert len(told(5.0, findings=[{"what": "romberg", "date": "0"}])) == 1
