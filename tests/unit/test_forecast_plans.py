"""Plans carried out on drawn people: who gets which dose when, and what it does. The people are draws of cases without results."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from corrin.case.plan import Plan, built_in_plans, read_plan
from corrin.case.reader import read_case
from corrin.case.world import future, world
from corrin.engine.simulate import Kernel
from corrin.inference.ahead import Followed, _decide, follow, values_of
from corrin.inference.population import population, the_kernel
from corrin.inference.update import People, update

DRAWS, SEED, YEAR = 24, 7, 365.25
INJECTION, TABLET = "hydroxocobalamin-intramuscular", "cyanocobalamin-oral"
SAME = 4e-3
"""Two runs on different grids: twice the numerical contract."""
HISTORIES: dict[str, dict[str, Any]] = {
    "gastritis": {"conditions": [{"name": "autoimmune gastritis", "from": "~8y"}]},
    "vegan": {"diet": [{"diet": "vegan", "from": "~6y"}]},
    "metformin": {"drugs": [{"name": "metformin", "dose": 2550, "unit": "mg/d", "from": "~10y"}]},
}


class Person:
    """Draws of one case, and the plans they went through."""

    def __init__(self, name: str, kernel: Kernel) -> None:
        document = {"format": "corrin.case/1", "person": {"age_y": 60, "sex": "female"}, "as_of": "day 0", "history": HISTORIES[name]}
        self.case, self.kernel = read_case(document), kernel
        self.history = world(self.case)
        self.people: People = update(self.history, kernel, population(), DRAWS, SEED)
        self.under = functools.cache(self._under)

    def _under(self, plan: Plan, years: float = 1.0) -> Followed:
        return follow(self.case, self.history, plan, years, self.people, self.kernel, population(), SEED)

    def decided(self, plan: Plan, years: float) -> tuple[list[list[tuple[float, int]]], np.ndarray, list[Any]]:
        """Each person's own (day, phase) of doses, the day on which the rule ended phase 0, and the doses themselves."""
        timeline = future(self.case, plan, years)
        values = values_of(timeline, self.people.values, SEED, DRAWS, 0)
        given, ends = _decide(self.case, self.history, plan, timeline, years, self.people, values, self.kernel, SEED)
        own = [[(dose.time_days, dose.phase) for dose, share in given if share is None or share[person] > 0.0] for person in range(DRAWS)]
        return own, ends[0], [dose for dose, _ in given]


@pytest.fixture(scope="session")
def person() -> Callable[[str], Person]:
    kernel = the_kernel()
    return functools.cache(lambda name: Person(name, kernel))


def plan(name: str = "p", **more: Any) -> Plan:
    return read_plan({"format": "corrin.plan/1", "name": name, **more})


def step(product: str = INJECTION, dose_ug: float = 1000.0, **more: Any) -> dict[str, Any]:
    return {"product": product, "dose_ug": dose_ug, **more}


NONE = built_in_plans()["none"]


def rule_plan(rule: str, visits: float, longest: float, **more: Any) -> Plan:
    until = {"rule": rule, "visit_every_days": visits, "max_days": longest, "expected_days": min(84.0, longest)}
    phases = [
        {"name": "loading", "until": until, "steps": [step(every_days=2.0)]},
        {"name": "maintenance", "steps": [step(every_days=61.0, from_day=59.0)]},
    ]
    return plan(phases=phases, **more)


def at(course: Followed, reading: str, day: float) -> np.ndarray:
    """Each person's reading on a day."""
    place = int(np.argmin(np.abs(course.times - day)))
    assert abs(course.times[place] - day) < 7.5
    return course.readings[reading][:, place]


def together(one: Followed, other: Followed, until: float, tolerance: float = SAME) -> None:
    """Every reading of two courses is the same on all days both show, up to a day."""
    days = np.intersect1d(one.times, other.times)
    days = days[days <= until]
    assert len(days) >= 5
    for name, values in one.readings.items():
        first, second = values[:, np.isin(one.times, days)], other.readings[name][:, np.isin(other.times, days)]
        scale = np.maximum(np.abs(first), 0.01 * np.abs(first).max() + 1e-9)
        assert np.max(np.abs(first - second) / scale) < tolerance, name


@pytest.mark.parametrize("name", built_in_plans())
def test_every_built_in_plan_can_be_carried_out(name: str, person: Callable[[str], Person]) -> None:
    someone = person("gastritis")
    course = someone.under(built_in_plans()[name], 0.3)
    untreated = someone.under(NONE, 0.3)
    assert not course.failed.any()
    assert np.all(np.diff(course.times) > 0)
    assert (course.times[0], course.times[-1]) == (0.0, pytest.approx(0.3 * YEAR))
    for reading, values in course.readings.items():
        assert values.shape == (DRAWS, len(course.times))
        assert np.isfinite(values).all(), reading
        assert np.array_equal(values[:, 0], untreated.readings[reading][:, 0]), "day 0 is before any dose, whatever the plan"
    if built_in_plans()[name].doses(30.0):
        assert np.all(at(course, "serum_b12", 28.0) > at(untreated, "serum_b12", 28.0))


@pytest.mark.parametrize(("rule", "start"), [("no further improvement", 0.0), ("count normal", 0.0), ("no further improvement", 20.0)])
def test_each_phase_ends_for_each_person_at_a_visit_of_their_own(rule: str, start: float, person: Callable[[str], Person]) -> None:
    own, ends, _ = person("gastritis").decided(rule_plan(rule, 14.0, 120.0, start_day=start), 1.0)
    assert len(set(ends)) > 1, "all alike: the rule was not run person by person"
    for doses, end in zip(own, ends, strict=True):
        assert end in {start + 14.0 * visit for visit in range(1, 9)} | {start + 120.0}
        loading = [day for day, phase in doses if phase == 0]
        maintenance = [day for day, phase in doses if phase == 1]
        assert loading == pytest.approx(list(np.arange(start, end, 2.0)))
        assert maintenance == pytest.approx(list(np.arange(end + 59.0, YEAR, 61.0)))
        assert maintenance[0] - loading[-1] == pytest.approx(61.0), "the first dose of maintenance keeps its interval"


def test_the_longest_time_of_a_rule_is_kept(person: Callable[[str], Person]) -> None:
    own, ends, _ = person("gastritis").decided(rule_plan("count normal", 14.0, 30.0), 0.5)
    assert set(ends) <= {14.0, 28.0, 30.0}
    assert 30.0 in ends, "nobody was still anaemic: the test says nothing"
    for doses, end in zip(own, ends, strict=True):
        assert max(day for day, phase in doses if phase == 0) < end


def test_nothing_is_given_after_the_stop_even_where_a_rule_goes_on(person: Callable[[str], Person]) -> None:
    own, _, _ = person("gastritis").decided(rule_plan("count normal", 14.0, 120.0, start_day=10.0, stop_after="100d"), 1.0)
    assert max(day for doses in own for day, _ in doses) < 110.0
    assert any(phase == 1 for doses in own for _, phase in doses)


def test_a_count_that_is_normal_at_the_end_of_loading_was_not_before(person: Callable[[str], Person]) -> None:
    """The rule knows what was read at its visits: who ends later was still anaemic at the visits before."""
    someone = person("gastritis")
    regimen = rule_plan("count normal", 14.0, 120.0)
    _, ends, _ = someone.decided(regimen, 0.5)
    course = someone.under(regimen, 0.5)
    own = someone.people.parameters[:, someone.kernel.model.parameters.index("haemoglobin_reference")]
    share = at(course, "haemoglobin", 14.0) / own
    assert ends.max() > 28.0
    assert share[ends > 28.0].mean() < share[ends == 14.0].mean()


def test_a_phase_beyond_the_expected_horizon_keeps_the_plans_adherence(person: Callable[[str], Person]) -> None:
    _, ends, doses = person("gastritis").decided(rule_plan("count normal", 14.0, 120.0, adherence=0.25), 0.35)
    assert ends.min() + 59.0 < 0.35 * YEAR < 84.0 + 59.0, "maintenance lies within the horizon for the early ones only"
    assert {dose.phase for dose in doses} == {0, 1}
    assert {dose.adherence for dose in doses} == {0.25}


def test_waiting_is_no_treatment_until_the_plan_begins(person: Callable[[str], Person]) -> None:
    someone = person("gastritis")
    untreated, delayed = someone.under(NONE), someone.under(plan(steps=[step(every_days=7.0)], start_day=90.0))
    together(untreated, delayed, 90.0)
    assert np.all(at(delayed, "mma", 120.0) < at(untreated, "mma", 120.0))


def test_after_stopping_the_shortage_comes_back(person: Callable[[str], Person]) -> None:
    someone = person("gastritis")
    tablets = step(TABLET, 1000.0, every_days=1.0)
    on, off = someone.under(plan(steps=[tablets]), 2.0), someone.under(plan(steps=[tablets], stop_after="6mo"), 2.0)
    together(on, off, 180.0)
    assert np.all(at(off, "holotranscobalamin", 720.0) < at(off, "holotranscobalamin", 182.0))
    assert np.median(at(off, "mma", 720.0)) > np.median(at(on, "mma", 720.0))


def test_half_the_tablets_do_less_than_all_and_none_do_nothing(person: Callable[[str], Person]) -> None:
    someone = person("gastritis")
    tablets = [step(TABLET, 1000.0, every_days=1.0)]
    full, half, forgotten = (at(someone.under(plan(steps=tablets, adherence=part)), "serum_b12", 364.0) for part in (1.0, 0.5, 0.0))
    assert np.all(half < full)
    assert np.all(forgotten < half)
    together(someone.under(plan(steps=tablets, adherence=0.0)), someone.under(NONE), YEAR)


def test_the_name_of_a_plan_moves_no_number(person: Callable[[str], Person]) -> None:
    someone = person("gastritis")
    steps = [step(TABLET, 1000.0, every_days=1.0)]
    one, other = (someone.under(plan(name, steps=steps, adherence=0.5), 0.2) for name in ("one", "other"))
    assert all(np.array_equal(one.readings[name], other.readings[name]) for name in one.readings)


def test_two_products_at_one_instant_both_count(person: Callable[[str], Person]) -> None:
    someone = person("gastritis")
    one = someone.under(plan(steps=[step("cyanocobalamin-intramuscular", 1000.0, days=[3.0])]), 0.2)
    two = plan(steps=[step(f"{form}-intramuscular", 500.0, days=[3.0]) for form in ("cyanocobalamin", "methylcobalamin")])
    together(one, someone.under(two, 0.2), 0.2 * YEAR)
    half = someone.under(plan(steps=[step("cyanocobalamin-intramuscular", 500.0, days=[3.0])]), 0.2)
    assert np.all(at(half, "serum_b12", 4.0) < at(one, "serum_b12", 4.0))


def test_a_dose_today_shows_tomorrow_and_one_on_the_last_day_is_beyond_the_course(person: Callable[[str], Person]) -> None:
    someone = person("gastritis")
    years = 56.0 / YEAR
    untreated = someone.under(NONE, years)
    today = someone.under(plan(steps=[step(days=[0.0])]), years)
    assert np.array_equal(today.readings["serum_b12"][:, 0], untreated.readings["serum_b12"][:, 0])
    assert np.all(at(today, "serum_b12", 1.0) > 2.0 * at(untreated, "serum_b12", 1.0))
    last = someone.under(plan(steps=[step(days=[56.0])]), years)
    together(last, untreated, 56.0)
    before = someone.under(plan(steps=[step(days=[55.0])]), years)
    assert np.all(at(before, "serum_b12", 56.0) > 2.0 * at(untreated, "serum_b12", 56.0))


def test_three_times_a_day_is_three_doses(person: Callable[[str], Person]) -> None:
    someone = person("gastritis")
    once, thrice = (plan(steps=[step(TABLET, 500.0, every_days=1.0, times_per_day=number)]) for number in (1, 3))
    given = future(someone.case, thrice, 60.0 / YEAR).doses
    assert len(given) == 180
    assert len({dose.time_days for dose in given}) == 180
    low, high = (at(someone.under(regimen, 60.0 / YEAR), "holotranscobalamin", 60.0) for regimen in (once, thrice))
    assert np.all(high > 1.1 * low)


def test_a_better_diet_fills_the_store(person: Callable[[str], Person]) -> None:
    someone = person("vegan")
    untreated, mixed = someone.under(NONE, 2.0), someone.under(plan(diet={"day": 90.0, "food_ug_d": 12.0}), 2.0)
    together(untreated, mixed, 89.0)
    assert np.all(at(mixed, "store_mg", 728.0) > at(untreated, "store_mg", 728.0))
    assert np.median(at(mixed, "mma", 728.0)) < np.median(at(untreated, "mma", 728.0))


def test_stopping_metformin_lets_b12_in_again(person: Callable[[str], Person]) -> None:
    someone = person("metformin")
    untreated, stopped = someone.under(NONE, 2.0), someone.under(plan(stop_drugs=[{"name": "metformin", "day": 60.0}]), 2.0)
    together(untreated, stopped, 59.0)
    gain = at(stopped, "holotranscobalamin", 728.0) / at(untreated, "holotranscobalamin", 728.0)
    assert np.all(gain > 0.999)
    assert np.median(gain) > 1.02


def test_the_answer_says_when_a_rule_ended_a_phase(person: Callable[[str], Person]) -> None:
    import corrin

    answer = corrin.forecast(person("gastritis").case, [rule_plan("count normal", 14.0, 120.0)], years=0.5, draws=16, seed=SEED)
    assert any("rule: count normal" in note and "from today" in note for note in answer.plans[0].notes)


PROGRAM = """
import corrin, hashlib
case = {"format": "corrin.case/1", "person": {"age_y": 60, "sex": "female"}, "as_of": "day 0",
        "labs": [{"analyte": "mma", "value": 900, "unit": "nmol/L", "date": "0"}]}
plans = ["bnf-hydroxocobalamin-neurological", "jp-mecobalamin-oral"]
print(hashlib.sha256(corrin.forecast(case, plans, years=0.2, draws=40, seed=3).to_json().encode()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_on_one_thread_and_on_two() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env={**os.environ, "CORRIN_THREADS": threads}, capture_output=True, text=True, check=True
        )
        for threads in ("1", "2", "2")
    ]
    assert len(runs[0].stdout.strip()) == 64
    assert len({run.stdout for run in runs}) == 1
