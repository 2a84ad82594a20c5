"""Plans: the regimens that come with corrin, and plans that people write."""

from __future__ import annotations

import contextlib
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from corrin.case.plan import built_in_plans, plan_faults, read_plan
from corrin.errors import CorrinError, InputError

PLANS = built_in_plans()


def plan(**change: Any) -> dict[str, Any]:
    step = {"product": "cyanocobalamin-oral", "dose_ug": 1000, "every_days": 1}
    return {"format": "corrin.plan/1", "name": "mine", "steps": [step], **change}


@pytest.mark.parametrize("name", sorted(PLANS))
def test_built_in_plans_are_whole(name: str) -> None:
    found = PLANS[name]
    assert plan_faults(found) == []
    assert all((found.title, found.source, found.seen))
    assert read_plan(found.to_dict()) == found == read_plan(name)
    doses = found.doses(400.0)
    assert doses == sorted(doses)
    assert all(0.0 <= day < 400.0 for day, _, _ in doses)


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("none", []),
        ("bnf-hydroxocobalamin", [0, 2, 4, 7, 9, 11, 95, 179]),
        ("us-practice-cyanocobalamin", [0, 1, 2, 3, 4, 5, 6, 7, 14, 21, 28, 58, 88, 118, 148, 178]),
        ("us-label-cyanocobalamin", [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 17, 19, 21, 24, 28, 31, 35, 38, 68, 98, 128, 158, 188]),
        ("nasal-500-weekly", list(range(0, 200, 7))),
    ],
)
def test_dose_days(name: str, days: list[float]) -> None:
    assert [day for day, _, _ in PLANS[name].doses(200.0)] == days


def test_a_rule_is_a_decision_and_has_an_expected_length() -> None:
    spans = PLANS["bnf-hydroxocobalamin-neurological"].spans(365.0)
    assert [span.phase.name for span in spans] == ["loading", "maintenance"]
    assert spans[0].phase.until is not None
    assert spans[0].end_day == spans[0].phase.until.expected_days == 84.0


def test_times_a_day_and_counts() -> None:
    found = read_plan(plan(steps=[{"product": "methylcobalamin-oral", "dose_ug": 500, "times_per_day": 3, "count": 2}]))
    assert [day for day, _, _ in found.doses(30.0)] == pytest.approx([0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
    assert len(read_plan(plan(stop_after="6mo")).doses(1000.0)) == 183
    listed = read_plan(plan(steps=[{"product": "cyanocobalamin-oral", "dose_ug": 1, "days": [9, 0, 9]}]))
    assert [day for day, _, _ in listed.doses(30.0)] == [0.0, 9.0, 9.0]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (plan(steps=[{"product": "cyanocobalmin-oral", "dose_ug": 1}]), ["steps[0].product", "cyanocobalamin-oral"]),
        (plan(steps=[{"product": "cyanocobalamin-oral", "dose_ug": -1}]), ["steps[0].dose_ug"]),
        (plan(steps=[{"product": "cyanocobalamin-oral", "dose_ug": 1, "every_days": 1, "per_week": 2}]), ["how often"]),
        (plan(steps=[{"product": "cyanocobalamin-oral", "dose_ug": 1, "every_days": 0.5}]), ["times_per_day"]),
        (plan(steps=[{"product": "cyanocobalamin-oral", "dose_ug": 1, "from_day": 9, "to_day": 3}]), ["steps[0].to_day"]),
        (plan(phases=[{"name": "x", "steps": []}]), ["both steps and phases"]),
        (plan(steps=[], phases=[{"name": "x"}, {"name": "y"}]), ["phases[0]", "no end"]),
        (plan(stop_drugs=[{"name": "metfromin"}]), ["stop_drugs[0].name", "metformin"]),
        (plan(diet={"diet": "vegann"}), ["diet.diet", "vegan"]),
        (plan(adherence=2), ["adherence"]),
        (plan(stop_after="soon"), ["stop_after", "6mo"]),
        (plan(name="a b/c"), ["name", "letters, digits"]),
        (plan(start_day=-30), ["start_day"]),
        (
            plan(
                steps=[],
                phases=[{"name": "x", "until": {"rule": "count normal", "visit_every_days": 1e-9, "max_days": 9, "expected_days": 1}}],
            ),
            ["visit_every_days"],
        ),
        (
            plan(
                steps=[],
                phases=[{"name": "x", "until": {"rule": "count normal", "visit_every_days": 7, "max_days": 1e9, "expected_days": 1}}],
            ),
            ["max_days"],
        ),
        ("oral-1000", ["oral-1000-daily"]),
        (plan(format="corrin.case/1"), ["format", "corrin.plan/1"]),
        ("oral-1000-dialy", ["oral-1000-daily"]),
    ],
)
def test_faults(document: Any, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_plan(document)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", built_in_plans())
def test_doses_are_counted_without_being_listed(name: str) -> None:
    held = built_in_plans()[name]
    assert held.most_doses(800.0) == len(held.doses(800.0))


def test_a_plan_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(plan()))
    assert read_plan(tmp_path / "plan.json") == read_plan(str(tmp_path / "plan.json")) == read_plan(json.dumps(plan()))


@given(some.dictionaries(some.sampled_from(sorted(plan())) | some.text(max_size=8), some.floats() | some.text(max_size=9) | some.none()))
@settings(max_examples=200, deadline=None)
def test_random_plans_never_break_it(document: dict[str, Any]) -> None:
    for source in (document, {**plan(), **document}, json.dumps(document), str(document)):
        with contextlib.suppress(CorrinError):
            read_plan(source)


@given(some.floats(1.0, 60.0), some.floats(0.0, 30.0), some.floats(1.0, 400.0))
def test_a_rhythm_keeps_its_interval(every: float, first: float, horizon: float) -> None:
    found = read_plan(plan(steps=[{"product": "cyanocobalamin-oral", "dose_ug": 1, "every_days": every, "from_day": first}]))
    days = [day for day, _, _ in found.doses(horizon)]
    assert all(later - earlier == pytest.approx(every) for earlier, later in itertools.pairwise(days))
    assert all(first <= day < horizon for day in days)
    assert bool(days) == (first < horizon)
