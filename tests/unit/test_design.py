"""The next study: closed forms for normals, a search whose answer is plain, and the question about the first weeks."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from corrin.answers import design as answers
from corrin.answers.design_question import Question, packaged, read_question
from corrin.errors import InputError
from corrin.inference.trial_information import Beliefs, expected

LUCK = np.random.default_rng(7).standard_normal((6, 40_000))


def beliefs(gap: list[float], shared: float = 0.0, answer: float = 0.0, weights: tuple[float, float] = (0.5, 0.5)) -> Beliefs:
    """Columns that differ by `gap` between the forms; people differ by 1, one measurement by 0.5; one thing nobody knows moves all columns
    by `shared` and one answer by `answer`."""
    columns = len(gap)
    g = np.array([*[shared] * columns, answer])
    outer = np.outer(g, g)
    return Beliefs(
        mean=np.array([np.zeros(columns), gap]), people=np.array([np.eye(columns)] * 2), noise=np.full(columns, 0.25),
        shared=np.array([outer, outer]), answers=np.zeros((2, 1)), weights=np.array(weights), chance=np.zeros((columns, columns)),
    )  # fmt: skip


def test_the_bayes_factor_of_two_normals() -> None:
    """Kullback and Leibler: half of the squared distance, in natural logarithms."""
    told = expected(beliefs([0.6]), np.array([0]), 20.0, LUCK)
    distance = 0.6**2 / (1.25 / 20.0)
    assert told.log10_factor == pytest.approx(0.5 * distance / math.log(10.0), rel=0.02)


@pytest.mark.parametrize("weight", [0.5, 0.8])
def test_the_information_is_the_integral(weight: float) -> None:
    told = expected(beliefs([0.4], weights=(weight, 1.0 - weight)), np.array([0]), 10.0, LUCK)
    sd = math.sqrt(1.25 / 10.0)

    def density(y: float) -> tuple[float, float]:
        return weight * stats.norm.pdf(y, 0.0, sd), (1.0 - weight) * stats.norm.pdf(y, 0.4, sd)

    def lost(y: float) -> float:
        one, other = density(y)
        return float(sum(part * math.log2(part / (one + other)) for part in (one, other) if part > 0.0))

    entropy = -(weight * math.log2(weight) + (1.0 - weight) * math.log2(1.0 - weight))
    wanted = entropy + integrate.quad(lost, -6.0, 6.0, limit=200)[0]
    assert told.bits == pytest.approx(wanted, abs=0.01)
    right = integrate.quad(lambda y: sum(part**2 for part in density(y)) / max(sum(density(y)), 1e-300), -6.0, 6.0, limit=200)[0]
    assert told.right == pytest.approx(right, abs=0.01)


@pytest.mark.parametrize("columns", [1, 3])
def test_an_answer_is_narrowed_as_linear_regression_says(columns: int) -> None:
    """One thing nobody knows, measured in `columns` ways: the variance left is 1 / (1 + signal / noise)."""
    told = expected(beliefs([0.0] * columns, shared=0.7, answer=2.0), np.arange(columns), 30.0, LUCK)
    left = 1.0 / (1.0 + columns * 0.7**2 / (1.25 / 30.0))
    assert told.sd_before[0] == pytest.approx(2.0)
    assert told.sd_after[0] == pytest.approx(2.0 * math.sqrt(left), rel=1e-6)
    assert told.bits == pytest.approx(0.0, abs=1e-6)


def test_what_is_chance_among_the_drawn_people_tells_nothing() -> None:
    """Means of 50 drawn people that differ by chance alone must not pass for a difference between the forms."""
    luck = np.random.default_rng(1)
    found = []
    for _ in range(200):
        made = beliefs(list(luck.normal(0.0, math.sqrt(2.0 / 50.0), 4)))
        made = Beliefs(made.mean, made.people, made.noise, made.shared, made.answers, made.weights, 2.0 / 50.0 * np.eye(4))
        found.append(expected(made, np.arange(4), 25.0, LUCK[:, :500]).bits)
    naive = expected(beliefs([math.sqrt(2.0 / 50.0)] * 4), np.arange(4), 25.0, LUCK).bits
    assert np.mean(found) < 0.6 * naive
    assert np.median(found) < 0.12


def question(**changed: Any) -> dict[str, Any]:
    """A small question as plain data."""
    return {
        "format": "corrin.design-question/1", "name": "small", "people": {"description": "adults"}, "days": [0.0, 7.0],
        "between": {"parameter": "cell_pool", "no": "one store", "yes": "a fast pool"},
        "arm": [{"name": "tablets", "plan": "oral-2000-daily"}], "measure": [{"reading": "mma"}], "n": [6, 20], **changed,
    }  # fmt: skip


def test_the_search_takes_what_tells_and_leaves_what_is_dear() -> None:
    """Four measurements: nothing, a little, much, and as much at ten times the cost."""
    held = Question.model_validate(question(costs={"person": 1.0, "visit": 0.1}))
    candidates = tuple(answers.Candidate(0, "mma", day, cost) for day, cost in ((0.0, 0.3), (1.0, 0.3), (2.0, 0.3), (3.0, 20.0)))
    study = answers.Study(held, candidates, beliefs([0.0, 0.2, 1.5, 1.5]), LUCK[:5, :2000])
    chosen, way = answers.search(study, 20, 0.95)
    assert chosen == [2]
    assert way[-1][1].right > 0.95
    assert study.cost([2], 20) == pytest.approx(20 * 1.4)
    assert study.cost([1, 2], 20) == pytest.approx(20 * (1.0 + 0.2 + 0.6))
    assert answers.search(answers.Study(held, candidates, beliefs([0.0] * 4), LUCK[:5, :500]), 20, 0.95) == ([], [])


def test_more_people_never_tell_less() -> None:
    made = beliefs([0.3], shared=0.2)
    bits = [expected(made, np.array([0]), n, LUCK).bits for n in (5.0, 20.0, 80.0, 1e5)]
    assert bits == sorted(bits)
    assert bits[-1] < 0.6  # what nobody knows stays in the way


def test_packaged_questions_read_back() -> None:
    assert set(packaged()) >= {"fast-pool", "first-weeks", "central-loss"}
    for one in packaged().values():
        assert read_question(one.to_dict()) == one


@pytest.mark.parametrize(
    ("changed", "where", "cure"),
    [
        ({"between": {"parameter": "cell_pol", "no": "a", "yes": "b"}}, "between.parameter", "cell_pool"),
        ({"between": {"parameter": "food_release", "no": "a", "yes": "b"}}, "between.parameter", "cell_pool"),
        ({"measure": [{"reading": "mna"}]}, "measure[0].reading", "mma"),
        ({"measure": [{"reading": "mma"}, {"reading": "mma"}]}, "measure[1].reading", "once"),
        ({"arm": [{"name": "a", "plan": "nothing-at-all"}]}, "arm[0].plan", ""),
        ({"days": [0.0]}, "days", "after it"),
        ({"days": [7.0, 0.0]}, "days", "order"),
        ({"answer": [{"name": "x", "arm": "other", "reading": "mma", "day": 7.0}]}, "answer[0].arm", "tablets"),
        ({"n": [1]}, "n", ""),
        ({"wanted": 0.2}, "wanted", ""),
        ({"entry": [{"reading": "mma", "unit": "kg", "low": 1.0}]}, "entry[0].unit", "nmol/L"),
    ],
)
def test_a_bad_question_is_told_where_and_what_to_do(changed: dict[str, Any], where: str, cure: str) -> None:
    with pytest.raises(InputError) as caught:
        read_question(question(**changed))
    assert where in str(caught.value)
    assert cure in str(caught.value)


def test_the_name_of_the_answer_is_no_name_of_a_question() -> None:
    with pytest.raises(InputError, match=r"Write \"format\": \"corrin.design-question/1\""):
        read_question({**packaged()["first-weeks"].to_dict(), "format": "corrin.design/1"})


def test_costs_and_draws_have_limits() -> None:
    for given in ({"cost_visit": -1.0}, {"cost_person": math.nan}, {"draws": 50}, {"question": "no-such-question"}):
        with pytest.raises(InputError):
            answers.design(**given)


@cache
def answered() -> Any:
    return answers.design("first-weeks", draws=600)


@pytest.mark.slow
def test_the_first_weeks_tell_the_forms_apart_and_later_months_do_not() -> None:
    found = answered()
    assert found.best.reached
    assert 1.0 <= max(one.day for one in found.best.measured) <= 28.0
    (course,) = found.courses
    gap = np.abs(np.log(np.array(course.no) / np.array(course.yes)))
    assert gap[course.days.index(7.0)] > 3.0 * gap[course.days.index(91.0)]
    narrowed = {one.name: one.narrowing for one in found.best.answers}
    assert narrowed["MMA a week after tablets are begun"] > 0.3


@pytest.mark.slow
def test_the_answer_says_what_it_is(tmp_path: Path) -> None:
    from corrin.show.design_charts import save

    found = answered()
    data = json.loads(found.to_json())
    assert data["format"] == "corrin.design/1"
    assert read_question(data).name == "first-weeks"
    assert sum(found.weights) == pytest.approx(1.0)
    assert "not a medical device" in found.text()
    assert {path.name for path in save(found.to_dict(), tmp_path)} >= {"courses.png", "options.svg"}
