"""The answer as a record: stable bytes, a true schema, a long table, and arrays that do not fit refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import synthetic
from corrin.answers import assemble, rerun
from corrin.answers.record import Forecast, WarningCode, read_answer, schema
from corrin.errors import Bug, InputError


def test_the_same_answer_gives_the_same_bytes(made_up_answer: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    assert made_up_answer.to_json() == synthetic.answer(monkeypatch).to_json()


def test_json_is_read_back_and_written_alike(made_up_answer: Forecast, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(made_up_answer.to_json(), encoding="utf-8")
    assert read_answer(path).to_json() == made_up_answer.to_json()


def test_floats_have_six_digits(made_up_answer: Forecast) -> None:
    band = json.loads(made_up_answer.to_json())["plans"][1]["readings"]["mma"]
    assert all(value == float(f"{value:.6g}") for value in band["p50"])


def test_a_number_that_is_not_finite_never_leaves(made_up_answer: Forecast) -> None:
    made = made_up_answer.made.model_copy(update={"monte_carlo_error": float("nan")})
    with pytest.raises(ValueError, match="not finite"):
        made_up_answer.model_copy(update={"made": made}).to_json()


def test_answer_fits_its_schema(made_up_answer: Forecast) -> None:
    import jsonschema

    jsonschema.validate(json.loads(made_up_answer.to_json()), schema())


def test_the_schema_file_is_fresh(root: Path) -> None:
    assert json.loads((root / "schemas" / "answer.json").read_text(encoding="utf-8")) == schema(), "run `make docs`"


def test_bands_are_ordered(made_up_answer: Forecast) -> None:
    for plan in made_up_answer.plans:
        for band in plan.readings.values():
            stack = np.array([band.p05, band.p25, band.p50, band.p75, band.p95])
            assert np.all(np.diff(stack, axis=0) >= -1e-12)


def test_a_laboratory_band_is_named_so_and_wider(made_up_answer: Forecast) -> None:
    assert made_up_answer.past["serum_b12"].kind == "lab"
    assert made_up_answer.past["function_foot"].kind == "state"
    today = next(quantity for quantity in made_up_answer.today if quantity.name == "serum_b12")
    band = made_up_answer.past["serum_b12"]
    assert today.kind == "state"
    assert band.p95[-1] - band.p05[-1] > today.p95 - today.p05


def test_frame_has_one_row_for_each_time(made_up_answer: Forecast) -> None:
    frame = made_up_answer.to_frame()
    lengths = {len(column) for column in frame.values()}
    expected = sum(len(band.time_days) for band in made_up_answer.past.values())
    expected += sum(len(band.time_days) for plan in made_up_answer.plans for band in plan.readings.values())
    assert lengths == {expected}
    assert set(frame["plan"]) == {"past", *synthetic.PLANS}


def test_few_effective_draws_are_said(made_up_answer: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    assert WarningCode.FEW_DRAWS not in {notice.code for notice in made_up_answer.warnings}
    computed = synthetic.computed()
    weights = np.zeros(200)
    weights[:7] = 1.0
    thin = dataclasses.replace(computed, weights=weights, contradiction="The data and the model disagree.")
    plans = [assemble.Intended("no_treatment", "No treatment", "")]
    answer = assemble.assemble(assemble.Subject("x", "day 0"), plans, thin, assemble.Options(2.0, 200, 1))
    assert {WarningCode.FEW_DRAWS, WarningCode.CONTRADICTION} <= {notice.code for notice in answer.warnings}
    assert answer.contradicted


def test_who_could_not_be_computed_counts_for_nothing(made_up_answer: Forecast) -> None:
    computed = synthetic.computed()
    weights = np.ones(200) / 200
    futures = {name: dataclasses.replace(course, values=dict(course.values)) for name, course in computed.futures.items()}
    plan = [assemble.Intended("no_treatment", "No treatment", "")]
    weights[3] = 0.0
    bad = {name: np.where(np.arange(200)[:, None] == 3, np.nan, values) for name, values in futures["no_treatment"].values.items()}
    spoilt = dataclasses.replace(
        computed, weights=weights, futures={"no_treatment": dataclasses.replace(futures["no_treatment"], values=bad)}, failed_people=1
    )
    answer = assemble.assemble(assemble.Subject("x", "day 0"), plan, spoilt, assemble.Options(2.0, 200, 1))
    assert WarningCode.FAILED_PEOPLE in {notice.code for notice in answer.warnings}
    assert answer.made.effective_sample_size == pytest.approx(199)
    assert answer.to_json()


def test_the_model_may_say_that_draws_are_worth_less() -> None:
    plan = [assemble.Intended("no_treatment", "No treatment", "")]
    copies = dataclasses.replace(synthetic.computed(), weights=np.ones(200), effective=30.0)
    answer = assemble.assemble(assemble.Subject("x", "day 0"), plan, copies, assemble.Options(2.0, 200, 1))
    assert answer.made.effective_sample_size == 30.0
    assert WarningCode.FEW_DRAWS in {notice.code for notice in answer.warnings}


@pytest.mark.parametrize("fault", ["shape", "nan", "time", "unlabelled", "missing"])
def test_arrays_that_do_not_fit_are_our_bug(fault: str) -> None:
    computed = synthetic.computed()
    plan = "no_treatment"
    course = computed.futures[plan]
    values, times = dict(course.values), course.time_days
    if fault == "shape":
        values["mma"] = values["mma"][:, :-1]
    elif fault == "nan":
        values["mma"] = values["mma"] * np.nan
    elif fault == "time":
        times = times[::-1]
    elif fault == "unlabelled":
        values["colour"] = values["mma"]
    futures = {} if fault == "missing" else {plan: dataclasses.replace(course, values=values, time_days=times)}
    with pytest.raises(Bug):
        assemble.assemble(
            assemble.Subject("x", "day 0"),
            [assemble.Intended(plan, "No treatment", "")],
            dataclasses.replace(computed, futures=futures),
            assemble.Options(2.0, 200, 1),
        )


def test_rerun_says_what_differs(made_up_answer: Forecast) -> None:
    assert rerun.differences(made_up_answer, made_up_answer) == []
    plan = made_up_answer.plans[0]
    band = plan.readings["mma"]
    moved = band.model_copy(update={"p50": tuple(value * 1.1 for value in band.p50)})
    other = made_up_answer.model_copy(
        update={
            "plans": (plan.model_copy(update={"readings": {**plan.readings, "mma": moved}}), *made_up_answer.plans[1:]),
            "made": made_up_answer.made.model_copy(update={"versions": {**made_up_answer.made.versions, "numpy": "0"}}),
        }
    )
    said = "\n".join(rerun.differences(made_up_answer, other))
    assert "version of numpy" in said
    assert "mma under no_treatment" in said


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "corrin.answer/2"}', '{"format": "corrin.answer/1"}'])
def test_what_is_no_answer_is_an_input_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_answer(path)


def test_a_missing_answer_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_answer(tmp_path / "none.json")
