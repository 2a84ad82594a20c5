"""Arguments of a type that cannot be meant are an `InputError` that says what was expected, for whoever calls corrin from Python."""

from __future__ import annotations

from typing import Any

import pytest

import corrin
from corrin.errors import CorrinError, InputError

WRONG: tuple[Any, ...] = (7, 1.5, True, b"x", object(), [7], float("nan"))
FIRST = (
    "assess", "claim", "compare", "delay", "design", "diet", "example", "explain", "forecast", "matters", "mimics", "pain", "population",
    "read_answer", "read_case", "read_fhir", "read_plan", "recognised", "recover", "rerun", "sensitivity", "stop", "trial", "update",
)  # fmt: skip
NAMED = (
    ("assess", "guides"), ("assess", "spectrum"), ("mimics", "excluded"), ("pain", "condition"), ("forecast", "plans"), ("delay", "plan"),
    ("stop", "plan"), ("stop", "after"), ("compare", "plans"), ("recover", "plans"), ("update", "labs"), ("update", "findings"),
)  # fmt: skip


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("function", FIRST)
def test_a_first_argument_of_another_type(function: str, value: Any) -> None:
    with pytest.raises(InputError):
        getattr(corrin, function)(value)


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(("function", "name"), NAMED)
def test_a_named_argument_of_another_type(function: str, name: str, value: Any) -> None:
    with pytest.raises(InputError):
        getattr(corrin, function)("gaddam2007", **{name: value})


@pytest.mark.parametrize("function", ["claim", "example", "explain", "rerun", "assess", "read_plan"])
def test_nothing_at_all(function: str) -> None:
    with pytest.raises(InputError) as caught:
        getattr(corrin, function)(None)
    assert "NoneType" in caught.value.found
    assert caught.value.expected


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("diet", {"foods": "milk 250 ml daily", "age_y": "x"}), ("diet", {"foods": "milk 250 ml daily", "case": 7}),
        ("delay", {"case": "gaddam2007", "months": ["x"]}), ("delay", {"case": "gaddam2007", "months": 3}),
        ("compare", {"case": "gaddam2007", "prices": [7]}), ("sensitivity", {"answer": 7}), ("sensitivity", {"size": "x"}),
        ("design", {"question": "first-weeks", "cost_person": "x"}), ("check", {"studies": 7}), ("check", {"studies": [7]}),
    ],
)  # fmt: skip
def test_other_arguments(function: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(CorrinError) as caught:
        getattr(corrin, function)(**arguments)
    assert caught.value.exit_code == 2


def test_a_diet_takes_a_case_however_it_is_named() -> None:
    by_name = corrin.diet("milk 250 ml daily", case="gaddam2007").to_dict()
    assert by_name == corrin.diet("milk 250 ml daily", case=corrin.example("gaddam2007")).to_dict()
