"""What `corrin delay` and `corrin compare` refuse before anybody is simulated: a plan that begins nothing, and a plan beside itself."""

from __future__ import annotations

from typing import Any

import pytest

import corrin
from corrin.answers.delay import begun
from corrin.errors import InputError

NOTHING: dict[str, Any] = {"format": "corrin.plan/1", "name": "mine", "stop_nitrous_oxide": False}


@pytest.mark.parametrize("plan", ["none", "stop-nitrous-oxide-only", NOTHING])
def test_a_plan_that_begins_nothing_cannot_be_delayed(plan: Any) -> None:
    with pytest.raises(InputError, match="nothing to delay") as caught:
        corrin.delay("gaddam2007", plan)
    assert "--plan bnf-hydroxocobalamin" in caught.value.cure


@pytest.mark.parametrize(
    ("person", "plan"),
    [
        ("gaddam2007", "bnf-hydroxocobalamin"), ("gaddam2007", "diet-only"), ("shm-n2o-34m", "stop-nitrous-oxide-only"),
        ("gaddam2007", {**NOTHING, "stop_drugs": [{"name": "metformin"}]}),
    ],
)  # fmt: skip
def test_whatever_begins_something_can_be_delayed(person: str, plan: Any) -> None:
    first, later = begun(corrin.example(person), plan, (0.0, 6.0))
    assert later.start_day - first.start_day == pytest.approx(365.25 / 2.0)


def test_a_plan_is_not_compared_with_itself() -> None:
    with pytest.raises(InputError, match="none named twice"):
        corrin.compare("gaddam2007", ["none", "none"])
