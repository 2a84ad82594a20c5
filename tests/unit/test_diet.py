"""Diet: what is read from a list, against arithmetic by hand; what is absorbed, against the body solved by other means; what is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import corrin
from corrin.answers.diet import diet
from corrin.answers.diet.said import GRAMS, find_portion, read_foods
from corrin.answers.diet.uptake import Fate, crystalline_nmol, food_nmol, loss_share, person
from corrin.case.exposures import MEALS_D as MEALS_OF_A_FORECAST
from corrin.case.exposures import RECALL_LOG_SD
from corrin.errors import InputError
from corrin.facts.portions import diet_numbers, portions
from corrin.facts.reader import foods, parameters, sources
from corrin.shells import cli


def _day(text: str) -> float:
    return sum(item.ug_day[1] for item in read_foods(text))


# ug a day by hand from the food table: clam 98.89, whole milk 0.45, boiled egg 1.11, cheddar 0.83, beef liver braised 70.58 ug/100 g
@pytest.mark.parametrize(
    ("text", "ug_day"),
    [
        ("clams 84 g weekly", 98.89 * 0.84 / 7),
        ("84g of clams once a week", 98.89 * 0.84 / 7),
        ("steamed clams, 84 g, weekly", None),
        ("3 oz clams per month", 98.89 * 3 * 28.3495 / 100 / 30.4375),
        ("whole milk 250 ml daily", 0.45 * 2.5 * 1.03),
        ("250ml whole milk every day", 0.45 * 2.5 * 1.03),
        ("a glass of whole milk a day", 0.45 * 2.44),
        ("1 cup whole milk twice a day", 2 * 0.45 * 2.36588 * 1.03),
        ("2 eggs a day", 1.11),
        ("two eggs 3 times a week", 1.11 * 3 / 7),
        ("an egg every other day", 1.11 / 4),
        ("6 eggs a week", 1.11 * 3 / 7),
        ("eggs 1-2 per day", 1.11 * 0.75),
        ("half a dozen eggs weekly", 1.11 * 3 / 7),
        ("cheddar 30 g 5x/week", 0.83 * 0.3 * 5 / 7),
        ("2 slices of cheddar on weekdays", 0.83 * 0.56 * 5 / 7),
        ("beef liver 1,000 g every 4 weeks", 705.8 / 28),
        ("beef liver 0,1 kg weekly", 70.58 / 7),
        ("0.5 kg beef liver monthly", 352.9 / 30.4375),
        ("B12 tablet 10 µg daily", 10.0),
        ("vitamin B12 1 mg twice a week", 2000 / 7),
        ("50 mcg cyanocobalamin every day", 50.0),
        ("rice 200 g daily; apples 2 pieces a day", 0.0),
        ("spirulina 5 g daily", 0.0),
        ("2 eggs and 250 ml whole milk daily", 1.11 + 0.45 * 2.5 * 1.03),
        ("Cheese, cheddar 30 g daily", 0.83 * 0.3),
        ("# my week\nclams 84 g weekly\n\ncheddar 30 g daily  # lunch", 98.89 * 0.84 / 7 + 0.83 * 0.3),
        ("milk 0 ml daily", None),
        ("milk -5 ml daily", None),
        ("unicorn 84 g weekly", None),
        ("clams 20 kg daily", None),
        ("clams 84 weekly", None),
        ("1 can of tuna weekly", None),
        ("clams 1 cup daily", None),
        ("clams 50 ug daily", None),
        ("B12 tablet daily", None),
        ("hydroxocobalamin injection 1 mg monthly", None),
        ("milk", None),
        ("84 g weekly", None),
        ("", None),
        (" , ; \n", None),
        ("milk 250 ml 100 times a day", None),
    ],
)  # fmt: skip
def test_a_list_is_read_as_by_hand_or_refused(text: str, ug_day: float | None) -> None:
    if ug_day is None:
        with pytest.raises(InputError):
            read_foods(text)
    else:
        assert _day(text) == pytest.approx(ug_day, rel=1e-4)


def test_an_unknown_food_names_the_nearest_and_all_faults_come_together() -> None:
    with pytest.raises(InputError) as caught:
        read_foods("clms 84 g weekly, zzzq 3 g daily, milk 250 ml daily")
    assert "clam" in str(caught.value)
    assert "zzzq" in str(caught.value)
    assert len(caught.value.faults) == 2


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        items = read_foods(text)
    except InputError:
        return
    assert all(0.0 <= item.ug[0] <= item.ug[1] <= item.ug[2] for item in items)


@given(st.sampled_from(sorted(portions())), st.floats(1.0, 900.0), st.sampled_from(sorted(GRAMS)), st.integers(1, 14))
def test_every_name_is_understood_in_every_mass(name: str, amount: float, unit: str, times: int) -> None:
    grams = round(amount, 1) * GRAMS[unit]
    text = f"{name} {amount:.1f} {unit} {times} times a week"
    if grams > 5000.0:
        return
    (item,) = read_foods(text)
    rows = portions()[name].foods
    expected = foods()[rows[0]].ug_per_100g * grams / 100.0 * times / 7.0 if rows else 0.0
    assert item.ug_day[1] == pytest.approx(expected, rel=1e-6)


def test_names_mean_one_thing_and_lead_to_rows() -> None:
    for row in portions().values():
        assert all(key in foods() for key in row.foods), row.id
        assert set(row.sources) <= set(sources())
        for name in (row.id, *row.aliases):
            assert find_portion(name) is row, name
    assert diet_numbers()["intake_told"].between == RECALL_LOG_SD
    from corrin.answers.diet import said

    assert said.MEALS_D == MEALS_OF_A_FORECAST


def test_uptake_is_the_published_law() -> None:
    """Doets 2013: ln A = 0.7694 ln D - 0.9614 for food; Carmel 2008: about 1.2 % of a large dose without intrinsic factor, 0.56 of 1 ug."""
    who = person()
    for dose in (1.0, 2.5, 5.0, 38.0):
        absorbed = float(np.median(food_nmol(who, dose))) / parameters()["nmol_per_ug"].value
        assert absorbed == pytest.approx(np.exp(0.7694 * np.log(dose) - 0.9614), rel=0.03)
    assert float(np.median(crystalline_nmol(who, 1.0))) / 0.73781 == pytest.approx(0.56, abs=0.06)
    none = person()
    none.y.intrinsic_factor_output = np.zeros_like(none.y.intrinsic_factor_output)
    assert float(np.median(crystalline_nmol(none, 1000.0))) / 0.73781 == pytest.approx(12.0, abs=3.0)
    assert float(np.median(food_nmol(none, 5.0))) / 0.73781 == pytest.approx(0.014 * 5.0, rel=0.1)


@given(st.floats(0.001, 100.0), st.integers(2, 7))
def test_splitting_never_lowers_what_is_absorbed(dose: float, parts: int) -> None:
    who = person()
    for law in (food_nmol, crystalline_nmol):
        assert (parts * law(who, dose / parts) >= law(who, dose) * (1 - 1e-9)).all()
    assert (food_nmol(who, dose) <= dose * who.p.nmol_per_ug * (1 + 1e-9)).all()


def test_the_settled_store_is_that_of_the_whole_body_solved_by_other_means() -> None:
    """The whole body at typical values, solved by SciPy until it settles, against absorbed over lost: one pool leaves little out."""
    from bodies import body, typical
    from corrin.body.plain import run_plain

    run = run_plain(body(), typical(), {"food_ug_d": 4.0}, 365.25 * 40)
    whole_mg = float(run.readings["store_mg"][-1])
    who = person()
    fate = Fate(3.0 * food_nmol(who, 4.0 / 3.0), loss_share(who))
    assert float(np.median(fate.settled)) / 0.73781 / 1000.0 == pytest.approx(whole_mg, rel=0.15)


def test_filling_takes_longer_for_a_larger_goal_and_never_where_it_settles_below() -> None:
    fate = Fate(np.array([1.0, 1.0, 0.1]), np.array([0.001, 0.001, 0.001]))
    days = fate.days(200.0, 800.0)
    assert days[0] == pytest.approx(np.log(800.0 / 200.0) / 0.001)
    assert (days[:2] > fate.days(200.0, 500.0)[:2]).all()
    assert np.isinf(days[2])


def _references(answer: corrin.DietAnswer) -> dict[tuple[str, str], float]:
    return {(row["body"], row["measure"]): row["ug_day"] for row in answer.data["references"]}


@pytest.mark.parametrize(
    ("age", "pregnancy", "rda", "efsa"),
    [(30, "none", 2.4, 4.0), (30, "pregnant", 2.6, 4.5), (30, "breastfeeding", 2.8, 5.0), (70, "none", 2.4, 4.0), (16, "none", 2.4, 4.0)],
)
def test_reference_intakes_by_age_and_state(age: float, pregnancy: str, rda: float, efsa: float) -> None:
    found = _references(diet("milk 250 ml daily", age_y=age, pregnancy=pregnancy))
    assert found["IOM 1998 DRI", "RDA"] == rda
    assert found["EFSA NDA 2015", "AI"] == efsa


def test_a_child_gets_intakes_and_no_adult_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(["diet", "milk 250 ml daily", "--age", "7"]) == 0
    text = capsys.readouterr().out
    assert "no adult verdict" in text
    assert "Would food alone do?" not in text
    assert "What to change" not in text
    answer = diet("milk 250 ml daily", age_y=7)
    assert _references(answer)["IOM 1998 DRI", "RDA"] == 1.2
    assert not {"absorbed", "change", "alone", "vegan"} & set(answer.data)


def test_what_fills_the_gap_fills_it() -> None:
    answer = diet("milk 100 ml daily", age_y=34)
    change = answer.data["change"]
    assert change["servings"]
    for offer in change["servings"]:
        assert offer["times_week"] * offer["ug_serving"] / 7.0 >= change["gap_ug_day"] * 0.97
    assert diet("milk 500 ml daily, salmon 100 g daily").data["change"]["short_of"] == []


def test_rare_large_portions_count_for_less() -> None:
    """Three equal meals count as what they hold; the same amount once a month counts for less (the law is concave)."""
    even = diet("beef 40 g 3 times a day", age_y=40).data
    assert even["change"]["counts_as_ug_day"] == pytest.approx(even["daily_ug"]["middle"], rel=0.08)
    rare = diet("beef liver 200 g monthly", age_y=40)
    assert rare.data["change"]["counts_as_ug_day"] < 0.5 * rare.data["daily_ug"]["middle"]
    assert "counts like" in " ".join(rare.text().split())


def test_plant_eaters_are_offered_plants_and_the_three_ways() -> None:
    answer = diet("rice 300 g daily, fortified soy milk 200 ml daily", age_y=25)
    assert {offer["bound"] for offer in answer.data["change"]["servings"]} <= {"crystalline"}
    assert [way["met"] for way in answer.data["vegan"]] == [False, False, False]
    assert [way["met"] for way in diet("rice 300 g daily, B12 tablet 10 ug daily").data["vegan"]] == [False, True, False]
    assert [way["met"] for way in diet("tofu 100 g daily, B12 2000 ug weekly").data["vegan"]] == [False, False, True]
    assert diet("milk 250 ml daily").data["vegan"] == []


CASE = {"format": "corrin.case/1", "person": {"age_y": 60, "sex": "female"}, "as_of": "2026-11-01"}


def _alone(history: dict[str, object], **more: object) -> dict[str, object]:
    case = corrin.read_case({**CASE, "history": history, **more})
    answer = diet("milk 250 ml daily, beef 100 g daily", case=case)
    assert "Would food alone do?" in answer.text()
    return dict(answer.data["alone"])


def test_without_intrinsic_factor_only_large_doses_do() -> None:
    gone = _alone({"conditions": [{"name": "pernicious anaemia", "certainty": "confirmed"}]})
    food, small, _, large = gone["courses"]  # type: ignore[misc]
    assert food["reaches"] < 0.02
    assert small["reaches"] < 0.1
    assert large["reaches"] > 0.9
    healthy = _alone({})
    assert healthy["courses"][0]["reaches"] > food["reaches"] + 0.3  # type: ignore[index]


def test_acid_blockers_lower_uptake_from_food_and_not_from_tablets() -> None:
    plain = diet("beef 100 g daily, B12 tablet 5 ug daily", case=corrin.read_case({**CASE, "history": {}}))
    drugs = [{"name": "omeprazole", "dose": 40, "unit": "mg"}]
    blocked = diet("beef 100 g daily, B12 tablet 5 ug daily", case=corrin.read_case({**CASE, "history": {"drugs": drugs}}))
    food = [answer.data["items"][0]["absorbed_ug_each"]["middle"] for answer in (plain, blocked)]
    tablet = [answer.data["items"][1]["absorbed_ug_each"]["middle"] for answer in (plain, blocked)]
    assert food[1] < 0.9 * food[0]
    assert tablet[1] == pytest.approx(tablet[0], rel=0.02)
    assert "needs no acid" in " ".join(blocked.text().split())


def test_signs_of_the_nerves_are_never_left_to_food() -> None:
    told = _alone({}, findings=[{"what": "gait", "severity": "mild"}])
    assert told["nerves"] == ["gait"]


def test_a_case_brings_its_own_food() -> None:
    foods_told = corrin.read_case({**CASE, "history": {"foods": [{"food": "Cheese, cheddar", "grams": 30, "times": 1, "per": "day"}]}})
    assert diet(case=foods_told).data["daily_ug"]["middle"] == pytest.approx(0.249)
    for row in foods().values():
        told = {"food": row.name, "grams": 50, "times": 2, "per": "week"}
        eaten = diet(case=corrin.read_case({**CASE, "history": {"foods": [told]}}))
        assert eaten.data["daily_ug"]["middle"] == pytest.approx(row.ug_per_100g / 7.0, rel=0.01)
    vegan = corrin.read_case({**CASE, "history": {"diet": [{"diet": "vegan"}]}})
    assert diet(case=vegan).data["daily_ug"]["middle"] == pytest.approx(0.15)
    assert len(diet(case=vegan).data["vegan"]) == 3


def test_nonsense_about_the_person_is_refused() -> None:
    for options in ({"age_y": -1}, {"age_y": 200}, {"sex": "x"}, {"pregnancy": "maybe"}, {"pregnancy": "pregnant", "sex": "male"},
                    {"pregnancy": "pregnant", "age_y": 80}):  # fmt: skip
        with pytest.raises(InputError):
            diet("milk 250 ml daily", **options)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        diet()


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    week = tmp_path / "week.txt"
    week.write_text("clams 84 g weekly\nmilk 250 ml daily\n", encoding="utf-8")
    assert cli._run(["diet", str(week), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["inputs"]["foods"] == week.read_text(encoding="utf-8")
    asked = diet("clams 84 g weekly, milk 250 ml daily").to_dict()
    assert {name: told[name] for name in asked if name not in ("made", "inputs")} == {
        name: value for name, value in asked.items() if name not in ("made", "inputs")
    }
    assert cli._run(["diet", "gruffalo 3 g daily"]) == 2
    assert "gruffalo" in capsys.readouterr().err
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)))
    assert cli._run(["diet", str(tmp_path / "binary.txt")]) == 2
    capsys.readouterr()
    assert cli._run(["diet", str(tmp_path / "missing.txt")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_the_answer_says_once_that_it_prescribes_nothing_and_names_its_sources() -> None:
    text = diet("milk 250 ml daily").text()
    assert text.count("no prescription") == 1
    assert "[USDA-SR26]" in text
    assert all(len(line) <= 140 for line in text.splitlines())


def test_instant_and_without_the_engine() -> None:
    code = (
        "import sys, corrin; corrin.diet('milk 250 ml daily', case=corrin.example('gaddam2007')).text();"
        "print([name for name in ('numba', 'scipy', 'jax') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_case_in_place_of_a_list_is_told_where_it_belongs() -> None:
    with pytest.raises(InputError, match="--case"):
        diet('{"format": "corrin.case/1", "person": {"age_y": 57}}', age_y=30)
