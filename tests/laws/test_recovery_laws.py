"""Laws of recovery, with the model behind it: longer or worse hurt never recovers better, an earlier start is never worse, neither glucose
nor vitamin B6 helps, nothing is promised to who has no sign; and what nobody measured widens the answer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import corrin
from corrin.answers import delay as delays
from corrin.answers import recover as answers
from corrin.answers import recover_run as seam
from corrin.answers import recovery
from corrin.answers.forecast import person_of
from corrin.answers.summary import MONTH
from corrin.body.nerve import TRACTS
from corrin.case.plan import Plan, read_plan
from corrin.case.world import World, world
from corrin.facts.rows import Parameter
from corrin.inference import population as people_of

DRAWS, SEED = 300, 4
GAS: dict[str, Any] = {
    "format": "corrin.case/1",
    "id": "gas",
    "person": {"age_y": 35, "sex": "female"},
    "as_of": "day 0",
    "history": {"nitrous_oxide": [{"pattern": "daily", "from": "-90d"}]},
    "findings": [],
}
PLAN = "us-practice-cyanocobalamin"
NUMERICAL = 0.05
"""Points of 100 by which two solutions of the same equations may differ."""


def _quiet(what: str, share: float) -> None:
    pass


def _learn(case: Any = GAS, population: Any = None, history: World | None = None, draws: int = DRAWS) -> seam.Learnt:
    return seam.learn(person_of(case), 2.0, draws, SEED, _quiet, population, history)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(PLAN)


@pytest.fixture(scope="module")
def learnt() -> seam.Learnt:
    return _learn()


def _function(learnt: seam.Learnt, plan: Plan, people: Any = None) -> np.ndarray:
    """(tracts, draws) at 24 months, of 100."""
    course = seam.taken(learnt, plan, people)
    return np.array([recovery.at(course.time_days, course.values[f"function_{tract}"], 24 * MONTH) for tract in TRACTS])


def test_an_earlier_start_is_never_worse_for_anybody(learnt: seam.Learnt, plan: Plan) -> None:
    found = [_function(learnt, started) for started in delays.begun(learnt.case, plan, (0.0, 2.0, 6.0))]
    assert np.all(found[0] >= found[1] - NUMERICAL)
    assert np.all(found[1] >= found[2] - NUMERICAL)
    assert found[0].mean() > found[2].mean() + 1.0


def test_longer_or_worse_never_recovers_better(learnt: seam.Learnt, plan: Plan) -> None:
    as_is = _function(learnt, plan)
    for share in (0.25, 0.5, 0.75):
        assert np.all(_function(learnt, plan, seam.less_hurt(learnt, share)) >= as_is - NUMERICAL)
        assert np.all(_function(learnt, plan, seam.not_so_long(learnt, share)) >= as_is - NUMERICAL)


def test_the_younger_never_recover_worse_where_age_slows_repair(learnt: seam.Learnt, plan: Plan) -> None:
    slows = learnt.parameter("repair_age") >= 0.0
    found, as_is = _function(learnt, plan, seam.younger(learnt, 20.0)), _function(learnt, plan)
    assert np.all(found[:, slows] >= as_is[:, slows] - NUMERICAL)


def test_nothing_otherwise_is_nothing_otherwise(learnt: seam.Learnt, plan: Plan) -> None:
    """All of the damage, all of the time and no year younger: the same people."""
    as_is = _function(learnt, plan)
    assert _function(learnt, plan, seam.less_hurt(learnt, 1.0)) == pytest.approx(as_is)
    assert _function(learnt, plan, seam.younger(learnt, 0.0)) == pytest.approx(as_is)
    assert _function(learnt, plan, seam.not_so_long(learnt, 1.0)) == pytest.approx(as_is, abs=0.5)


def test_more_glucose_never_helps(plan: Plan) -> None:
    found = {}
    for level in (6.0, 10.0):
        labs = [{"analyte": "hba1c", "value": level, "unit": "%"}]
        history = {**GAS["history"], "conditions": [{"name": "type 2 diabetes", "from": "-10y"}]}
        held = _learn({**GAS, "history": history, "labs": labs}, draws=50)
        course = seam.taken(held, plan)
        found[level] = (course.values["sural_velocity"][:, -1], _function(held, plan))
    assert np.all(found[10.0][0] <= found[6.0][0] + 1e-6)
    assert found[10.0][0].mean() < found[6.0][0].mean() - 0.1
    assert np.all(found[10.0][1] <= found[6.0][1] + NUMERICAL)


def test_vitamin_b6_above_its_limit_never_helps() -> None:
    without = corrin.recover(GAS, PLAN, draws=100, seed=SEED).data
    held = corrin.recover({**GAS, "history": {**GAS["history"], "other_drugs": ["vitamin B6 200 mg"]}}, PLAN, draws=100, seed=SEED)
    assert held.data["plans"] == without["plans"]
    assert "above" in held.data["b6"]


def test_no_gain_is_promised_without_signs() -> None:
    mild = {"format": "corrin.case/1", "person": {"age_y": 70, "sex": "female"}, "as_of": "day 0",
            "labs": [{"analyte": "mma", "value": 420, "unit": "nmol/L"}]}  # fmt: skip
    for answer in (corrin.recover(mild, draws=200, seed=SEED), corrin.delay(mild, months=[6], draws=200, seed=SEED)):
        text = " ".join(answer.text().split())
        assert "whose return could be promised, and none is" in text
        assert not re.search(r"mo: full|no sign (left|at)|half better|first small step", text.split("Published series")[0])


def test_no_chance_without_its_band_and_nothing_called_lost() -> None:
    answer = corrin.recover("gaddam2007", PLAN, draws=100, seed=SEED)

    def check(item: Any) -> None:
        if isinstance(item, dict):
            if "p" in item:
                assert item["low"] <= item["p"] <= item["high"]
            for part in item.values():
                check(part)
        elif isinstance(item, list):
            for part in item:
                check(part)

    check({key: value for key, value in answer.to_dict().items() if key not in ("inputs", "series")})
    text = answer.text()
    head = text[: text.index("What the findings call for")]  # the answer, its band and how soon stand before anything else
    assert head.count("\n") <= 20
    assert re.search(r"\d \(<?\d+–\d+\) have no sign left", head)
    assert "less than half better" in head
    assert "Same day" in head
    own = text[text.index("Plan: ") : text.index("Published series")]
    assert not re.search(r"\blost\b", own)
    assert "not expected back within 24" in own
    assert "Same day" in text
    assert "Next:" in text


# --- what dominates is carried ------------------------------------------------------------------------------------------------

LONG_GAS = {**GAS, "history": {"nitrous_oxide": [{"pattern": "daily", "from": "-200d"}]}}
GASTRITIS = {**GAS, "person": {"age_y": 60, "sex": "female"}, "history": {"conditions": [{"name": "autoimmune gastritis", "from": "~20y"}]}}


VULNERABLE = 0.4
"""Most people never show a sign; these have the vulnerability of those who do."""


def _only(case: Any, *free: str) -> seam.Learnt:
    """The case with every number at its typical value and every unknown of its history at its middle, except those that are free."""

    def middle(row: Parameter) -> float:
        return VULNERABLE if row.name == "nerve_vulnerability" else people_of.typical_value(row)

    rows = people_of.population().rows
    fixed = tuple(
        row if row.name in free else replace(row, value=middle(row), distribution="fixed", unsure=0.0, between=0.0) for row in rows
    )
    held = world(person_of(case))
    latents = tuple(
        replace(latent, kind="normal", args=(float(latent.value(0.0)), 1e-9))
        if latent.needs_z and not any(part in latent.name for part in free)
        else latent
        for latent in held.latents
    )
    settled = replace(held, history=replace(held.history, latents=latents))
    return _learn(case, people_of.Population(fixed), settled, draws=64)


def _widths(learnt: seam.Learnt, plan: Plan) -> tuple[float, float]:
    """Widths of the deficits of all tracts at 12 months together with that of the score, in `recover`; of the score in `delay`."""
    found = answers.answered(learnt.case, [plan], 64, SEED, learnt=learnt).data["plans"][0]
    waited = delays.answered(learnt.case, delays.begun(learnt.case, plan, (0.0, 9.0)), (0.0, 9.0), 64, SEED, learnt=learnt).data["delays"]
    spreads = [item["at_months"]["12"]["left"] for item in (found["by_score"], *found["tracts"].values()) if item["at_months"]]
    return sum(item["p95"] - item["p05"] for item in spreads), waited[1]["score"]["p95"] - waited[1]["score"]["p05"]


@pytest.mark.parametrize(
    ("case", "free"),
    [
        (LONG_GAS, "sign_threshold"),
        (LONG_GAS, "demyelinated_deficit"),
        (LONG_GAS, "nitrous_oxide_0_level"),
        (LONG_GAS, "cell_pool"),
        (GASTRITIS, "set_in"),
        (GASTRITIS, "completeness"),
        (GASTRITIS, "from"),
    ],
)
def test_what_dominates_widens_recover_and_delay(case: Any, free: str, plan: Plan) -> None:
    """Function left, sign threshold, depth of block, form of the body, speed of decline and delay: each alone gives both answers a width,
    and frozen with all the rest it gives none."""
    recover_width, delay_width = _widths(_only(case, free), plan)
    frozen_recover, frozen_delay = _widths(_only(case), plan)
    assert recover_width > 1e-3 > 1e3 * frozen_recover
    assert delay_width > 1e-3 > 1e3 * frozen_delay


TOGETHER = (
    "sign_threshold", "demyelinated_deficit", "nerve_vulnerability", "demyelination_rate", "remyelination_rate", "remyelination_lag",
    "cell_pool",
)  # fmt: skip
HISTORY = ("nitrous_oxide_0_level", "set_in", "completeness", "from")
"""What nobody measured and moves recovery most: of the body, and of a history in words (depth of block, speed of decline, delay)."""


def _without(case: Any, *frozen: str, vulnerability: float = VULNERABLE, draws: int = 128) -> seam.Learnt:
    """The case as always, with these at their typical value or the middle of what is not known; vulnerability as given."""
    rows = tuple(
        replace(row, value=vulnerability if row.name == "nerve_vulnerability" else people_of.typical_value(row), distribution="fixed",
                unsure=0.0, between=0.0) if row.name in frozen else row
        for row in people_of.population().rows
    )  # fmt: skip
    held = world(person_of(case))
    latents = tuple(
        replace(latent, kind="normal", args=(float(latent.value(0.0)), 1e-9))
        if latent.needs_z and any(part in latent.name for part in frozen)
        else latent
        for latent in held.latents
    )
    return _learn(case, people_of.Population(rows), replace(held, history=replace(held.history, latents=latents)), draws=draws)


@pytest.mark.slow
@pytest.mark.parametrize("case", [LONG_GAS, GASTRITIS])
def test_freezing_what_dominates_narrows_recover_and_delay(case: Any, plan: Plan) -> None:
    """All of it together, held at what people with signs have, the rest as uncertain as always: a tenth narrower at least."""
    free = _without(case)
    recover_width, delay_width = _widths(free, plan)
    now = free.people.run.readings[np.arange(free.people.count), free.people.history.row_of[0.0]]
    signs = now[:, free.kernel.model.readings.index("score")] >= 1.0
    vulnerable = float(np.median(free.parameter("nerve_vulnerability")[signs]))
    frozen_recover, frozen_delay = _widths(_without(case, *TOGETHER, *HISTORY, vulnerability=vulnerable), plan)
    assert frozen_recover < 0.9 * recover_width
    assert frozen_delay < 0.9 * delay_width
