"""Published patients: what happened to some of them lies inside their forecast, and never moves it. All of them: docs/patients.md."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import corrin

ROOT = Path(__file__).resolve().parents[2]
DRAWS = 120


@pytest.fixture(scope="module")
def script() -> Any:
    """The script and the module it takes its data from."""
    folder = str(ROOT / "scripts")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("patients")
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def seen(script: ModuleType) -> ModuleType:
    return sys.modules["patients_seen"]


@pytest.mark.parametrize(
    ("name", "kinds"), [("hwang2016", {"limits", "grade"}), ("emtman2017-n2o-51m", {"value"}), ("shm-dementia-73f", {"grade"})]
)
def test_what_happened_lies_inside(script: ModuleType, name: str, kinds: set[str]) -> None:
    rows, _ = script.forecast(name, DRAWS, kept=None)
    assert {row.item.kind for row in rows if row.item.counted} == kinds
    assert [row.item.said for row in rows if row.item.counted and not row.inside] == []
    for row in rows:
        if row.grades:
            assert sum(row.grades) == pytest.approx(1.0)
        if row.range:
            assert row.range[0] < row.range[1] < row.range[2]


def test_what_happened_and_what_was_given_later_do_not_move_the_forecast(script: ModuleType) -> None:
    """The same bytes with and without, but for the case as repeated in the answer, its hash, and the notes on doses it does not state."""
    told = corrin.example("hwang2016")
    bare = script.alone(told)
    assert told.treatments
    assert told.observed != "not seen"
    answers = []
    for case in (told, bare):
        answer = corrin.forecast(case, "oral-1000-daily", years=0.5, draws=40).to_dict()
        answer["made"].pop("input_hash")
        answer.pop("inputs")
        answer["warnings"] = [warning for warning in answer["warnings"] if not warning["text"].startswith("treatments[")]
        answers.append(json.dumps(answer, sort_keys=True))
    assert answers[0] == answers[1]


def test_everything_observed_stands_on_the_page(script: ModuleType, seen: ModuleType) -> None:
    page = script.PAGE.read_text("utf-8")
    for name in corrin.examples():
        observed = corrin.example(name).observed
        if isinstance(observed, str):
            continue
        items = [item for item in seen.SEEN if item.patient == name]
        assert {item.entry for item in items} == set(range(len(observed))), name
        assert f"### {name}" in page
        assert all(f"| {item.said}" in page for item in items)


def test_the_stated_treatment_is_the_one_forecast(seen: ModuleType) -> None:
    """Seven daily injections, two weekly ones, tablets three times a day from the third week: as the report tells it."""
    plan, _ = seen.plan_of(corrin.example("hwang2016"))
    doses = plan.doses(23.0)
    assert [day for day, product, _ in doses if "intramuscular" in product] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 14.0]
    assert [round(day, 2) for day, product, _ in doses if "oral" in product] == [21.0, 21.33, 21.67, 22.0, 22.33, 22.67]
    spray, _ = seen.plan_of(corrin.example("kaisari2020"))
    assert [day for day, product, _ in spray.doses(90.0)] == [7.0 * week for week in range(13)]
    assert spray.doses(91.0)[-1][:2] == (90.0, "hydroxocobalamin-intramuscular")
    assert all(seen.plan_of(corrin.example(name)) for name in (*seen.patients(), *seen.SERIES))


def test_a_forecast_that_is_right_or_wrong_is_called_so(script: ModuleType) -> None:
    """Known answers: sure and right scores 0, sure and wrong 1; what had less than one chance in twenty lies outside."""
    item = script.Datum("hwang2016", 1, "x", "grade", "gait", told=2)
    case = corrin.example("hwang2016")
    import numpy as np

    days = script.Days(np.ones(1), 1.0, np.array([0.2]), {28.0: {"score_gait": np.array([0.6])}, 0.0: {"score_gait": np.array([2.0])}})
    right = script.row_of(item, case, days)
    assert right.inside
    wrong = script.row_of(
        item, case, script.Days(np.ones(1), 1.0, np.array([0.2]), {28.0: {"score_gait": np.array([4.0])}, 0.0: days.at[0.0]})
    )
    assert not wrong.inside
    assert right.scores["corrin"] < 0.05 < wrong.scores["corrin"]
    assert right.scores["no change"] == pytest.approx(0.25)
    assert right.scores["recovers"] == pytest.approx(0.25)
    assert script._expected((0.02, 0.98)) == pytest.approx(0.98)
    assert script._expected((0.5, 0.5)) == pytest.approx(1.0)
