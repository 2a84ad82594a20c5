"""Policies on a population: blocks that do not matter, laws of the model, numbers that follow from counts, the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from corrin.answers import population_run as run
from corrin.answers.population import answered, difference, population, quantile, share
from corrin.answers.population_record import schema
from corrin.errors import InputError
from corrin.studies.crowd import Design, read_design

SCENARIOS = [
    {"name": "today", "title": "nothing"},
    {"name": "flour", "title": "flour", "fortification": {"ug_per_100g": 2.0, "eaten_g_d": 75.0}},
    {
        "name": "tests", "title": "tests",
        "screening": {"who": {"drug": "metformin"}, "every_years": 1.0, "below_pmol_l": 221.0, "treatment": "bnf-hydroxocobalamin"},
    },
    {"name": "tablets", "title": "tablets", "supplement": {"who": {"age_from_y": 60.0}, "ug_d": 50.0, "adherence": 1.0}},
]  # fmt: skip
DESIGN = {
    "format": "corrin.population-design/1", "name": "small", "count": 400, "years": 3.0, "replicates": 4,
    "people": {"drugs": {"metformin": 0.5}}, "scenario": SCENARIOS,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _not_led() -> Iterator[None]:
    """Replicates straight from the facts: leading them to the survey takes seconds and has a test of its own."""
    run._READY.clear()
    run.ready(read_design(DESIGN).to_dict(), 1, {})
    yield
    run._READY.clear()


@pytest.fixture(scope="module")
def design() -> Design:
    return read_design(DESIGN)


def _job(design: Design, first: int, count: int) -> run.Job:
    return run.Job(design.to_dict(), 400, 1, first, count, True, {})


@pytest.fixture(scope="module")
def whole(design: Design) -> tuple[run.Counted, Any]:
    return run.block(_job(design, 0, 400))


def test_how_people_are_cut_into_blocks_moves_nothing(design: Design, whole: tuple[run.Counted, Any]) -> None:
    counted, rows = whole
    parts = [run.block(_job(design, first, count)) for first, count in ((0, 150), (150, 3), (153, 247))]
    total = parts[0][0] + parts[1][0] + parts[2][0]
    for name in run.Counted.__dataclass_fields__:
        assert np.array_equal(getattr(total, name), getattr(counted, name)), name
    for name in ("serum_b12", "mma", "function_percent", "person", "given"):
        one = rows.columns[name].reshape(4, 400, -1)
        cut = np.concatenate([part.columns[name].reshape(4, -1, one.shape[2]) for _, part in parts], axis=1)
        assert np.array_equal(one, cut), name


def test_more_b12_never_lowers_it(whole: tuple[run.Counted, Any]) -> None:
    """More intake never lowers serum B12, person by person (a law of the model)."""
    level = whole[1].columns["serum_b12"].reshape(4, 400, -1)
    assert (level[1] >= level[0] * (1.0 - 2e-3)).all()
    assert (level[3] >= level[0] * (1.0 - 2e-3)).all()


def test_before_it_is_given_nothing_differs(whole: tuple[run.Counted, Any]) -> None:
    level, given = (whole[1].columns[name].reshape(4, 400, -1) for name in ("serum_b12", "given"))
    for scenario in range(1, 4):
        untouched = ~given[scenario][:, -1]
        assert untouched.any() or scenario == 1  # everybody eats the flour
        assert level[scenario][untouched] == pytest.approx(level[0][untouched], rel=2e-3)
    assert np.array_equal(level[:, :, 0], np.repeat(level[:1, :, 0], 4, axis=0))  # day 0 is the same state under each


def test_only_the_group_is_tested_and_found_people_are_not_tested_again(design: Design, whole: tuple[run.Counted, Any]) -> None:
    counted = dict(zip(run.OUTCOMES, whole[0].outcomes[2].sum(axis=1).T, strict=True))
    users = run.GROUPS.index("takes metformin")
    assert counted["tests"][0] == counted["tests"][users] > 0
    policy = run.ready(design.to_dict(), 1)
    assert policy.tests(design.scenario[2]) == [0.0, 365.25, 730.5]
    assert counted["tests"][0] <= 3 * counted["people"][users]


def test_a_seldom_found_test_finds_all_below_the_limit() -> None:
    """Without noise and with everybody coming, who is treated at day 0 is who lies below the limit."""
    policy = run.ready(read_design(DESIGN).to_dict(), 1)
    made = policy.run(0, 400)
    done = made.done["tests"]
    level = made.done["today"].levels[:, 0, made.readings.index("serum_b12")]
    users = made.crowd.covariates["metformin"] > 0.5
    first = done.begun == 0.0
    assert not first[~users].any()
    assert np.median(level[first]) < 221.0 < np.median(level[users & ~first])


def test_grids_hold_what_they_promise() -> None:
    assert run.ready(read_design(DESIGN).to_dict(), 1).error < 2e-3


def test_a_share_with_no_unknowns_is_binomial() -> None:
    """With equal replicates the interval is the binomial one (Wilson's is close to it at this size)."""
    people = np.full(20, 500.0)
    found = share(np.full(20, 50.0), people)
    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((0.0952, 0.1051), abs=5e-4)


def test_what_replicates_do_not_agree_on_widens_the_interval() -> None:
    people = np.full(20, 500.0)
    hits = np.where(np.arange(20) % 2, 80.0, 20.0)
    found = share(hits, people)
    assert found.value == pytest.approx(0.1)
    assert found.low < 0.04
    assert found.high > 0.2


def test_a_difference_counts_who_moved() -> None:
    people, more, less = np.full(10, 100.0), np.full(10, 20.0), np.full(10, 5.0)
    found = difference(more, less, people, np.full(10, 15.0))
    assert found.value == pytest.approx(0.15)
    assert found.low < 0.15 < found.high


def test_quantiles_of_a_histogram() -> None:
    rng = np.random.default_rng(1)
    values = np.exp(rng.normal(5.8, 0.4, 50_000))
    at = ((np.log(values) - run.LEAST_LOG) / run.BIN_LOG).astype(int)
    counts = np.bincount(at, minlength=run.BINS)
    for q in (0.05, 0.5, 0.95):
        assert quantile(counts, q) == pytest.approx(np.quantile(values, q), rel=0.01)


def test_the_answer_is_plain_and_the_page_says_what_it_did(design: Design, whole: tuple[run.Counted, Any]) -> None:
    made = answered(design, 400, 1, [whole[0]])
    assert made.to_dict()["format"] == "corrin.population/1"
    assert not list(Draft202012Validator(schema()).iter_errors(json.loads(made.to_json())))
    assert json.loads(made.to_json()) == json.loads(answered(design, 400, 1, [whole[0]]).to_json())
    page = made.text()
    for words in ("B12 function low", "given per case", "tests per case", "For education and research"):
        assert words in page
    every = {(row.scenario, row.group): row for row in made.outcomes}
    tested = every["tests", "everybody"]
    assert tested.tests_per_person > 0.5
    assert tested.in_vain.value <= tested.given.value
    assert every["flour", "everybody"].averted.value == pytest.approx(
        every["flour", "everybody"].gained.value - every["flour", "everybody"].lost.value
    )


def test_zero_people_is_refused() -> None:
    with pytest.raises(InputError, match="--people: 0"):
        population("today", people=0)


def test_led_replicates_meet_the_survey(monkeypatch: pytest.MonkeyPatch) -> None:
    """The survey's quantiles (facts/population/survey_markers.csv) are met, by replicates that spread less than those of the facts."""
    from corrin.inference import crowd
    from corrin.inference.population import population as of
    from corrin.inference.population import the_kernel

    monkeypatch.setattr(crowd, "MEMBERS", 64)
    monkeypatch.setattr(crowd, "PEOPLE_OF_MEMBER", 100)
    led = crowd.led_to_survey(the_kernel(), of(), 1, 32)
    wanted, _ = crowd._survey_quantiles()
    before, after = (crowd._quantiles_of(the_kernel(), of(), 2, 32, typical) for typical in ({}, led))
    middle = crowd.LED_BY.index(0.5)
    for marker in range(2):  # serum B12 and methylmalonic acid
        row = marker * len(crowd.LED_BY) + middle
        assert np.nanstd(after[row]) < np.nanstd(before[row])
        assert np.nanmean(after[row]) == pytest.approx(wanted[row], abs=0.12)
