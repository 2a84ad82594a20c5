"""The world of a case: what happened, what is unknown, what was seen, what comes next."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from corrin.case.case import Case
from corrin.case.observe import egfr_ckd_epi_2021
from corrin.case.plan import built_in_plans, read_plan
from corrin.case.reader import read_case
from corrin.case.world import Change, Latent, Timeline, World, draw, future, world

PEOPLE = 200


def read(**parts: Any) -> Case:
    return read_case({"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 54, "sex": "female"}, **parts})


def drawn(found: World, people: int = PEOPLE) -> dict[str, Any]:
    random = np.random.default_rng(1)
    return draw(found.latents, {latent.name: random.standard_normal(people) for latent in found.latents if latent.needs_z})


def at(timeline: Timeline, values: dict[str, Any], target: str, day: float) -> Any:
    """The exposure at a day for every person, read as `timeline.py` says."""
    number = lambda part: np.broadcast_to(np.asarray(values[part] if isinstance(part, str) else part, dtype=float), (PEOPLE,))  # noqa: E731
    latest: dict[str, Any] = {}
    for change in timeline.changes:
        if change.target == target:
            latest.setdefault(change.modifier, []).append((number(change.time), number(change.value)))
    total = np.ones(PEOPLE)
    for changes in latest.values():
        value, since = np.ones(PEOPLE), np.full(PEOPLE, -np.inf)
        for time, new in changes:
            now = (time <= day) & (time >= since)
            value, since = np.where(now, new, value), np.where(now, time, since)
        total = total * value
    return total


def test_a_person_with_no_data_gets_the_prior() -> None:
    found = world(read())
    assert found.observations == ()
    names = [latent.name for latent in found.latents]
    assert {"cause", "diet_mixed"} <= set(names)
    values = drawn(found)
    assert np.mean(values["cause"] == 0.0) > 0.8  # nobody had reason to test: one of the community
    had_reason = drawn(world(read(labs=[{"analyte": "serum_b12", "value": 250, "unit": "pmol/L", "date": "-1d"}])))
    assert 0.2 < np.mean(had_reason["cause"] == 0.0) < 0.8
    assert np.all(values["cause_from"] <= 0.0)
    assert np.all(values["cause_from"] >= found.history.start_days)
    for target in ("m_intrinsic_factor", "m_food_release", "m_ileal_uptake"):
        today = at(found.history, values, target, 0.0)
        assert np.all((today >= 0.0) & (today <= 1.5))
        assert np.all(at(found.history, values, target, found.history.start_days)[values["cause"] == 0.0] == 1.0)
    assert np.all(at(found.history, values, "m_intrinsic_factor", 0.0)[values["cause"] == 0.0] == 1.0)


def test_every_name_is_a_latent_and_parents_come_first() -> None:
    found = world(read(history={"drugs": [{"name": "metformin"}], "conditions": [{"name": "coeliac", "certainty": "suspected"}]}))
    seen: set[str] = set()
    for latent in found.latents:
        assert set(latent.parents) <= seen
        assert latent.name not in seen
        seen.add(latent.name)
    used = {part for change in found.history.changes for part in (change.time, change.value) if isinstance(part, str)}
    used |= {dose.adherence for dose in found.history.doses if isinstance(dose.adherence, str)}
    assert used <= seen


def test_metformin_acts_by_its_dose_and_stops() -> None:
    def uptake(dose: float) -> Any:
        drug = {"name": "metformin", "dose": dose, "unit": "mg", "per_day": 2, "from": "-2y"}
        case = read(history={"drugs": [drug], "conditions": [{"name": "coeliac", "completeness": 0, "from": "-1y"}]})
        found = world(case)
        return case, found, at(found.history, drawn(found), "m_ileal_uptake", 0.0)

    none, low, high = (float(np.mean(uptake(dose)[2])) for dose in (0.0, 500.0, 1000.0))
    assert none == pytest.approx(1.0)
    assert high < low < none
    case, found, _ = uptake(1000.0)
    stop = future(case, read_plan({"format": "corrin.plan/1", "name": "stop", "stop_drugs": [{"name": "metformin"}]}), 1.0)
    values = drawn(found) | draw(stop.latents, {latent.name: np.zeros(PEOPLE) for latent in stop.latents if latent.needs_z})
    both = Timeline(0.0, 365.0, found.history.changes + stop.changes, (), ())
    assert np.allclose(at(both, values, "m_ileal_uptake", 100.0), 1.0)
    assert np.all(at(both, values, "m_ileal_uptake", -10.0) < 1.0)


def test_gastrectomy_is_complete_and_dated() -> None:
    found = world(read(history={"operations": [{"name": "total gastrectomy", "date": "-9y"}]}))
    values = drawn(found)
    assert not any(latent.name == "cause" for latent in found.latents)
    assert np.all(at(found.history, values, "m_intrinsic_factor", -9 * 365.25 - 1) == 1.0)
    assert np.mean(at(found.history, values, "m_intrinsic_factor", 0.0)) < 0.1


def test_diet_changes_when_it_was_said() -> None:
    found = world(read(history={"diet": [{"diet": "mixed"}, {"diet": "vegan_unsupplemented", "from": "-6y"}]}))
    values = drawn(found)
    assert np.median(at(found.history, values, "food_ug_d", -7 * 365.25)) > 3.0
    assert np.median(at(found.history, values, "food_ug_d", -1.0)) < 0.5


def test_small_daily_amounts_are_a_rate_and_large_ones_doses() -> None:
    past = [
        {"product": "multivitamin-oral", "dose": 6, "unit": "ug", "every_days": 1, "from": "-3y", "adherence": 1},
        {"product": "hydroxocobalamin-intramuscular", "dose": 1, "unit": "mg", "every_days": 90, "from": "-1y", "to": "-10d"},
    ]
    case = read(history={"past_b12": past, "diet": [{"diet": "mixed"}]})
    found = world(case)
    assert at(found.history, drawn(found), "crystalline_ug_d", -1.0)[0] == 6.0
    assert [round(dose.time_days) for dose in found.history.doses] == [-365, -275, -185, -95]
    dose = found.history.doses[0]
    assert (dose.kind, dose.form_class, dose.adherence) == ("injected", "O", 1.0)
    assert dose.amount_nmol == pytest.approx(737.8, abs=0.1)


def test_treatment_goes_on_until_a_plan_replaces_it() -> None:
    given = {"product": "hydroxocobalamin-intramuscular", "dose": 1, "unit": "mg", "every_days": 60, "from": "-100d"}
    case = read(treatments=[given])
    plans = built_in_plans()
    assert [dose.time_days for dose in world(case).history.doses] == [-100.0, -40.0]
    assert [dose.time_days for dose in future(case, plans["none"], 0.5).doses] == [20.0, 80.0, 140.0]
    assert [dose.time_days for dose in future(case, plans["nasal-500-weekly"], 0.1).doses] == [0.0, 7.0, 14.0, 21.0, 28.0, 35.0]
    later = plans["nasal-500-weekly"].model_copy(update={"start_day": 30.0})
    assert [dose.time_days for dose in future(case, later, 0.12).doses] == [20.0, 30.0, 37.0]


def test_nitrous_oxide_pulses() -> None:
    single = world(read(history={"nitrous_oxide": [{"pattern": "single", "from": "-60d", "hours_per_use": 3}]}))
    changes = [change for change in single.history.changes if change.target == "nitrous_oxide"]
    assert [change.time for change in changes] == pytest.approx([-60.0, -60.0 + 3 / 24])
    daily = read(history={"nitrous_oxide": [{"pattern": "daily", "canisters_per_day": 100, "from": "-1y"}]})
    found = world(daily)
    pulses = [change for change in found.history.changes if change.target == "nitrous_oxide" and change.value != 0.0]
    assert len(pulses) == 41
    values = drawn(found)
    assert np.all(at(found.history, values, "nitrous_oxide", -200.0) > 0.0)
    assert np.all(at(found.history, values, "nitrous_oxide", 0.0) == 0.0)
    goes_on, stopped = (future(daily, built_in_plans()[name], 1.0) for name in ("none", "oral-1000-daily"))
    assert any(change.target == "nitrous_oxide" for change in goes_on.changes)
    assert not any(change.target == "nitrous_oxide" for change in stopped.changes)


def test_pregnancy_runs_its_course() -> None:
    found = world(read(person={"age_y": 30, "sex": "female", "pregnancy": "second trimester", "pregnancy_from": "-120d"}))
    values = drawn(found)
    assert at(found.history, values, "pregnancy", -119.0)[0] == pytest.approx(1 / 3)
    assert at(found.history, values, "pregnancy", 0.0)[0] == pytest.approx(2 / 3)
    assert at(found.history, values, "pregnancy", 161.0)[0] == 0.0
    assert not any(change.target == "m_haptocorrin_synthesis" for change in found.history.changes)


def test_labs_become_observations() -> None:
    found = world(read(labs=[
        {"analyte": "vitamin B12", "value": 100, "unit": "pg/mL", "comparator": "<", "hours_since_dose": 24, "date": "-3d"},
        {"analyte": "haematocrit", "value": 30, "unit": "%"},
        {"analyte": "creatinine", "value": 1.0, "unit": "mg/dL"},
        {"analyte": "mma", "word": "raised", "unit": "nmol/L", "reference_high": 340},
        {"analyte": "mma", "value": 900, "unit": "nmol/L", "date": "+10d", "held_back": True},
    ]))  # fmt: skip
    seen = {item.reading: item for item in found.observations}
    assert seen["serum_b12"].value == pytest.approx(73.78, abs=0.01)
    assert (seen["serum_b12"].comparator, seen["serum_b12"].hours_since_dose, seen["serum_b12"].time_days) == ("<", 24.0, -3.0)
    assert seen["haemoglobin"].value == pytest.approx(10.0)
    assert (seen["mma"].value, seen["mma"].comparator) == (340.0, ">")
    assert seen["egfr"].value == pytest.approx(egfr_ckd_epi_2021(1.0, 54.0, "female"))
    assert sum(item.kind == "lab" for item in found.observations) == 4


def test_egfr() -> None:
    assert egfr_ckd_epi_2021(1.0, 50.0, "male") == pytest.approx(92.0, abs=1.0)
    assert egfr_ckd_epi_2021(1.0, 50.0, "female") == pytest.approx(69.0, abs=1.0)
    assert 69.0 < egfr_ckd_epi_2021(1.0, 50.0, "unknown") < 92.0


def test_findings_become_observations() -> None:
    found = world(read(findings=[
        {"what": "tingling", "date": "-300d", "onset": True}, {"what": "gait", "severity": "moderate"},
        {"what": "vision", "severity": "none"},
        {"what": "walking_aid", "date": "-5d"},
    ]))  # fmt: skip
    seen = [(item.time_days, item.reading, item.value) for item in found.observations if item.kind != "unmentioned"]
    assert seen == [
        (-360.0, "symptom_tingling", 0.0), (-300.0, "symptom_tingling", 1.0), (-5.0, "symptom_gait", 1.0), (-5.0, "score_gait", 1.6),
        (0.0, "symptom_gait", 1.0), (0.0, "symptom_vision", 0.0), (0.0, "symptom_tingling", 1.0), (0.0, "score_gait", 1.2),
    ]  # fmt: skip


def test_what_nobody_wrote_down_was_hardly_severe() -> None:
    """Gait, vision and strength were spoken of here; a failing mind was not, so it hardly failed."""
    named = ({"what": "gait", "severity": "moderate"}, {"what": "vision", "severity": "none"}, {"what": "weakness", "severity": "mild"})
    found = world(read(findings=list(named)))
    assert [(item.reading, item.value, item.comparator) for item in found.observations if item.kind == "unmentioned"] == [
        ("mmse", 25.0, ">")
    ]
    assert not [item for item in world(read()).observations if item.kind == "unmentioned"], "an empty case says nothing"


def test_what_happened_afterwards_is_never_read() -> None:
    labs = [{"analyte": "mma", "value": 900, "unit": "nmol/L"}]
    after = [{"day": "+30d", "analyte": "mma", "value": 200, "unit": "nmol/L"}, {"what": "gait", "severity": "none", "day": "+90d"}]
    given = [{"product": "cyanocobalamin-oral", "dose_ug": 1000, "from": "0"}]
    bare, told = world(read(labs=labs)), world(read(labs=labs, observed=after, treatments=given))
    assert bare.history == told.history
    assert bare.observations == told.observations


def test_importing_the_world_loads_nothing_heavy() -> None:
    code = "import sys, corrin.case.world; print([name for name in ('numpy', 'scipy', 'numba', 'jax') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


KINDS: list[tuple[str, tuple[float, ...], Any]] = [
    ("normal", (3.0, 2.0), stats.norm(3.0, 2.0)), ("lognormal", (5.0, 0.5), stats.lognorm(0.5, scale=5.0)),
    ("uniform", (2.0, 6.0), stats.uniform(2.0, 4.0)), ("loguniform", (1.0, 100.0), stats.loguniform(1.0, 100.0)),
    ("beta", (2.0, 3.0), stats.beta(2.0, 3.0)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "law"), KINDS)
def test_latents_follow_their_law(kind: Any, args: tuple[float, ...], law: Any) -> None:
    z = np.linspace(-3.0, 3.0, 61)
    assert np.allclose(law.cdf(Latent("x", kind, args).value(z)), stats.norm.cdf(z), atol=1e-9)


def test_discrete_latents() -> None:
    z = stats.norm.ppf(np.array([0.05, 0.25, 0.65, 0.95]))
    assert list(Latent("x", "categorical", (1.0, 4.0, 5.0)).value(z)) == [0.0, 1.0, 2.0, 2.0]
    assert list(Latent("x", "bernoulli", (0.3,)).value(z)) == [1.0, 1.0, 0.0, 0.0]
    values = {"cause": np.array([0.0, 1.0]), "ratio": np.array([0.2, 0.2])}
    chosen = Latent("is", "chosen", ("cause", 1.0)).value(None, values)
    assert list(chosen) == [0.0, 1.0]
    assert list(Latent("m", "blend", ("ratio", "is")).value(None, values | {"is": chosen})) == [1.0, pytest.approx(0.2)]
    assert Latent("b", "logitnormal", (0.2, 1.0)).value(0.0) == pytest.approx(0.2)


def test_a_latent_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="no latent of kind"):
        Latent("x", "cauchy", (1.0,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no parents"):
        Latent("x", "normal", ("other", 1.0))


@given(some.sampled_from(sorted(built_in_plans())), some.floats(0.1, 5.0), some.floats(0.0, 200.0))
def test_futures_stay_within_their_horizon(name: str, years: float, start: float) -> None:
    found = future(read(), built_in_plans()[name].model_copy(update={"start_day": start}), years)
    assert all(start <= dose.time_days < years * 365.25 for dose in found.doses)
    assert all(isinstance(change, Change) for change in found.changes)
