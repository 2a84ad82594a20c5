"""Plans side by side: what is counted from them, laws of the differences and of the smallest plan, what the page must and must not say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import corrin
from corrin.answers import keep
from corrin.answers.assess.function import mma_limit
from corrin.answers.compare import burden, compare, read_prices, units
from corrin.answers.compare_record import Compare
from corrin.case.plan import Plan, read_plan
from corrin.case.reader import read_case
from corrin.errors import InputError
from corrin.facts.deficiency import deficiency
from corrin.facts.reader import products
from corrin.shells import cli

NO_SIGNS: dict[str, Any] = {
    "format": "corrin.case/1", "person": {"age_y": 60, "sex": "male", "country": "United Kingdom"}, "as_of": "2026-03-01",
    "history": {"conditions": [{"name": "pernicious anaemia", "from": "2024"}], "nitrous_oxide": [], "drugs": []},
    "labs": [{"analyte": "serum_b12", "value": 150, "unit": "ng/L"}],
}  # fmt: skip
EVERY_56 = {"format": "corrin.plan/1", "name": "eight-weekly",
            "steps": [{"product": "hydroxocobalamin-intramuscular", "dose_ug": 1000, "every_days": 56}]}  # fmt: skip


def plan(name: str, **changes: Any) -> Plan:
    """The eight-weekly plan with its one step changed."""
    return read_plan({**EVERY_56, "name": name, "steps": [{**EVERY_56["steps"][0], **changes}]})


@pytest.fixture(scope="module")
def compared() -> Compare:
    """The same plan under two names, and one twice as often."""
    with pytest.MonkeyPatch.context() as patch:  # the laws hold at any horizon, and daily tablets over years take seconds
        patch.setattr(keep, "INJECTION_YEARS", 4.0)
        patch.setattr(keep, "TABLET_YEARS", 1.0)
        return compare(NO_SIGNS, [plan("one"), plan("same"), plan("oftener", every_days=28)], years=1, draws=128, seed=4)


def test_a_plan_differs_from_itself_by_nothing(compared: Compare) -> None:
    mine = [row for row in compared.differences if row.plan == "same"]
    assert len(mine) > 50
    assert all((row.p05, row.p50, row.p95) == (0.0, 0.0, 0.0) and not row.clear for row in mine)


def test_differences_are_those_of_the_same_people_not_of_two_bands(compared: Compare) -> None:
    """Paired, the interval is far narrower than the spread between people."""
    row = next(row for row in compared.differences if (row.plan, row.reading, row.month) == ("oftener", "mma", 6.0))
    band = compared.forecast.plans[0].readings["mma"]
    assert row.p05 < row.p50 < row.p95 <= 1e-6
    assert row.p95 - row.p05 < 0.5 * (band.p95[-1] - band.p05[-1])


def test_the_same_seed_gives_the_same_bytes() -> None:
    asked = {"years": 0.5, "draws": 64, "seed": 9}
    signs = {**NO_SIGNS, "findings": [{"what": "tingling"}]}
    first, second = (compare(signs, ["none", "oral-1000-daily"], **asked).to_json() for _ in range(2))
    assert first == second


def test_more_often_and_more_never_lowers_the_share_that_stays_replete(compared: Compare) -> None:
    for product in keep.INJECTED:
        chances = [rung.chance for rung in compared.keep.rungs if rung.product == product]
        assert chances == sorted(chances, reverse=True)  # rungs stand with growing intervals
    assert all(rung.low is not None and rung.high is not None and rung.low <= rung.chance <= rung.high for rung in compared.keep.rungs)
    tablets = [rung for rung in compared.keep.rungs if rung.kind == "tablet"]
    assert [rung.chance for rung in sorted(tablets, key=lambda rung: rung.dose_ug)] == sorted(rung.chance for rung in tablets)


def test_nested_doses_never_lower_a_trough() -> None:
    """Every dose of the rarer plan is in the oftener one, so each person's lowest active B12 is no lower; a bigger dose likewise."""
    case = read_case(NO_SIGNS)
    from corrin.answers.run import draw_people, run

    people = draw_people(case, 96, 2, lambda what, share: None)
    plans = [plan("rare", every_days=112), plan("often"), plan("big", every_days=112, dose_ug=2000)]
    found = run(case, plans, 1.5, 96, 2, beside=False, people=people).futures
    # Whole days: at a dose the level just before it, the trough. Hours after one, carriers already full may bind a little less of it.
    days = [day for day in found["rare"].time_days if day > 28 and day == int(day) and day in set(found["often"].time_days)]
    at = {name: np.isin(course.time_days, days) for name, course in found.items()}
    for reading, sign in (("holotranscobalamin", 1.0), ("activity_mutase", 1.0), ("mma", -1.0)):
        rare = sign * found["rare"].values[reading][:, at["rare"]]
        for more in ("often", "big"):
            higher = sign * found[more].values[reading][:, at[more]]
            assert np.all(higher >= rare - 2e-3 * np.abs(rare)), (reading, more)


def test_what_a_plan_asks_is_counted_from_it() -> None:
    """1 mg three times a week for two weeks, then every twelve weeks: six, then days 95, 179, 263, 347 of the first year."""
    found = burden(read_plan("bnf-hydroxocobalamin"), 2 * 365.25, {"hydroxocobalamin-intramuscular": 2.5})
    assert (found.injections_first_year, found.tablets_first_year, found.ends_by_rule) == (10, 0, False)
    assert found.supplies[0].cost_first_year == 25.0
    assert burden(read_plan("oral-2000-daily"), 365.25, {}).tablets_first_year == 365
    assert burden(read_plan("jp-mecobalamin-oral"), 365.25, {}).tablets_first_year == 3 * 365
    assert burden(read_plan("none"), 365.25, {}).supplies == ()


@given(st.sampled_from(sorted(products())), st.floats(1.0, 9000.0))
def test_units_make_the_dose(name: str, dose: float) -> None:
    row = products()[name]
    number = units(row, dose)
    assert number >= 1
    assert number * max(row.strengths_ug) >= dose * (1 - 1e-6)


@pytest.mark.parametrize("price", ["aspirin=1", "hydroxocobalamin-intramuscular", "cyanocobalamin-oral=much", "cyanocobalamin-oral=-1"])
def test_a_price_that_cannot_be_read_is_refused_with_its_place(price: str) -> None:
    with pytest.raises(InputError, match="--price"):
        read_prices([price])


def test_one_plan_is_no_comparison() -> None:
    with pytest.raises(InputError, match="two or more"):
        compare(NO_SIGNS, ["none"])
    with pytest.raises(InputError, match="--years"):
        compare(NO_SIGNS, ["none", "oral-10-daily"], years=0.05)


SIGNS = {"findings": [{"what": "numbness"}]}
PREGNANT = {"person": {"age_y": 30, "sex": "female", "pregnancy": "second trimester", "country": "United Kingdom"}}
ANAEMIA = {"labs": [{"analyte": "haemoglobin", "value": 6.9, "unit": "g/dL"}]}
LOADING = {"treatments": [{"product": "hydroxocobalamin-intramuscular", "dose": 1000, "unit": "ug", "per_week": 3, "from": "2026-02-20"}]}
GAS = {"history": {"nitrous_oxide": [{"pattern": "weekly", "from": "2025-10", "last_use": "2026-02-20"}]}}


@pytest.mark.parametrize(
    ("more", "reason"),
    [(SIGNS, "signs of nerves"), (PREGNANT, "pregnancy"), (ANAEMIA, "severe anaemia"), (LOADING, "loading"), (GAS, "nitrous oxide")],
)
def test_where_the_guideline_decides_no_smallest_plan_is_offered(more: dict[str, Any], reason: str) -> None:
    found = keep.why_not(read_case({**NO_SIGNS, **more}))
    assert any(reason in text for text in found)
    assert keep.why_not(read_case(NO_SIGNS)) == ()


def test_maintenance_is_not_loading() -> None:
    given = [{"product": "hydroxocobalamin-intramuscular", "dose": 1000, "unit": "ug", "every_days": 56, "from": "2024-02-20"}]
    assert not keep.loading(read_case({**NO_SIGNS, "treatments": given}))


def test_the_guidelines_regimen_stands_in_its_place() -> None:
    answer = compare({**NO_SIGNS, **SIGNS}, ["none", "bnf-hydroxocobalamin"], years=0.5, draws=48, seed=1)
    assert answer.keep.rungs == ()
    assert answer.keep.advised
    text = " ".join(answer.text().split())
    assert "Not computed, because there are signs of nerves" in text
    assert answer.keep.advised[0].clause in text
    assert "every 84 days" not in text


def test_the_page_never_calls_a_shorter_interval_wrong(compared: Compare) -> None:
    text = " ".join(compared.text().split()).lower()
    assert "symptoms decide" in text
    assert "a shorter interval is never wrong" in text
    assert "it informs" in text or "this informs and does not prescribe" in text
    for word in ("too often", "unnecessary", "overtreat", "excessive", "needlessly", "too short"):
        assert word not in text
    assert max(map(len, compared.text().split("\n"))) <= 110


@given(st.lists(st.floats(3.0, 150.0), min_size=1, max_size=20))
def test_the_limit_of_mma_is_that_of_assess(egfr: list[float]) -> None:
    table = deficiency()
    found = keep.limits(table, np.array([egfr]))
    assert found[0] == pytest.approx([mma_limit(table, value) for value in egfr], rel=0.02)


def test_it_is_public() -> None:
    assert corrin.compare is compare


def test_the_command_writes_the_page_and_every_figure(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps({**NO_SIGNS, **SIGNS}), encoding="utf-8")
    few = ["--years", "0.5", "--draws", "48"]
    asked = ["compare", str(case), "--plan", "none", "--plan", "bnf-hydroxocobalamin", *few, "--out", str(tmp_path / "out")]
    assert cli._run([*asked, "--price", "hydroxocobalamin-intramuscular=2.50"]) in (0, 4)
    shown = capsys.readouterr().out
    assert shown == (tmp_path / "out" / "report.txt").read_text(encoding="utf-8")
    assert "x 2.50 =" in shown
    assert json.loads((tmp_path / "out" / "answer.json").read_text(encoding="utf-8"))["format"] == "corrin.compare/1"
    assert {"differences.png", "overview.png", "courses.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert cli._run(["compare", str(case), "--plan", "none"]) == 2
    assert cli._run(["compare", str(case), *few, "--price", "aspirin=1"]) == 2
