"""New results in one line, and a case moved to their day: nothing that was dated moves, what was today is dated."""

from __future__ import annotations

from typing import Any

import pytest

from corrin.case.case import Case
from corrin.case.plan import built_in_plans
from corrin.case.reader import read_case
from corrin.case.results import read_finding, read_lab
from corrin.case.revise import revise
from corrin.case.world import world
from corrin.errors import InputError


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("serum_b12=210ng/L@2026-05-01", ("serum_b12", 210.0, "ng/L", "=", "2026-05-01")),
        ("mma<150nmol/L", ("mma", 150.0, "nmol/L", "<", None)),
        ("MMA =>= 150 nmol/L @ -30d", ("MMA", 150.0, "nmol/L", ">=", "-30d")),
        ("platelets = 250 10*9/L", ("platelets", 250.0, "10*9/L", "=", None)),
        ("egfr=62 mL/min/1.73m2@0", ("egfr", 62.0, "mL/min/1.73m2", "=", "0")),
    ],
)
def test_a_line_is_read(line: str, expected: tuple[Any, ...]) -> None:
    lab = read_lab(line)
    assert (lab.analyte, lab.value, lab.unit, lab.comparator, lab.date) == expected


def test_a_word_is_read() -> None:
    assert read_lab("mma=raised@-3d").word == "raised"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mmaa=300nmol/L", "Did you mean mma"),
        ("mma=300", "no unit"),
        ("mma=300mg/dL", "Did you mean 300 nmol/L"),
        ("mma=300bananas", "not a unit known here"),
        ("mma=4,000nmol/L", "without signs between thousands"),
        ("mma=", "not a value"),
        ("mma", "not a result"),
        ("=300nmol/L", "not a result"),
        ("", "not a result"),
        ("mma=300nmol/L@", "nothing after the @"),
        ("mma=300nmol/L@soon", "not a date"),
        ("mma=300nmol/L@60d", "before or after"),
        ("mma=" + "9" * 400 + "nmol/L", "finite"),
    ],
)
def test_a_line_that_is_none_says_what_is_wrong(line: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        read_lab(line)
    assert said in str(error.value)
    assert "--lab" in str(error.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [("tinglin=mild", "tingling"), ("gait=dreadful", "severe"), ("=mild", "not a sign"), ("gait=mild@", "nothing after")],
)
def test_a_finding_that_is_none_says_what_is_wrong(line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_finding(line)


def test_a_finding_is_read() -> None:
    assert read_finding("vibration loss = 2 @ +30d").severity == "moderate"
    assert read_finding("romberg=none").severity == "none"
    assert read_finding("tingling").severity is None


def person(as_of: str = "2026-03-01", **more: Any) -> Case:
    document = {"format": "corrin.case/1", "person": {"age_y": 60, "sex": "female"}, "as_of": as_of, **more}
    return read_case(document)


TREATED = {
    "labs": [{"analyte": "mma", "value": 900, "unit": "nmol/L"}, {"analyte": "mma", "value": 700, "unit": "nmol/L", "date": "-90d"}],
    "findings": [{"what": "tingling", "date": "~6mo", "onset": True}, {"what": "gait", "severity": "mild"}],
    "history": {"drugs": [{"name": "metformin", "from": "-4y", "dose": 2, "unit": "g/d"}]},
    "treatments": [{"product": "hydroxocobalamin-intramuscular", "dose_ug": 1000, "every_days": 30}],
}


@pytest.mark.parametrize(("as_of", "date"), [("2026-03-01", "2026-05-10"), ("2026-03-01", "+70d"), ("day 0", "+70d")])
def test_day_zero_moves_and_nothing_dated_does(as_of: str, date: str) -> None:
    before = person(as_of, **TREATED)
    now = revise(before, [read_lab(f"mma=250nmol/L@{date}")])
    assert now.moved_days == 70.0
    assert now.case.as_of == ("2026-05-10" if as_of != "day 0" else "day 0")
    assert [now.case.day(lab.date) for lab in now.case.labs] == [-70.0, -160.0, 0.0]
    assert now.case.day(now.case.findings[1].date) == -70.0
    assert now.case.moment(now.case.findings[0].date).day == pytest.approx(before.day("~6mo") - 70.0)
    assert now.case.day(now.case.history.drugs[0].from_) == pytest.approx(-4 * 365.25 - 70.0)
    assert now.case.age_y == pytest.approx(60.0 + 70.0 / 365.25, abs=1e-3)
    assert now.added == ("labs[2]",)


def test_treatment_since_becomes_history_in_both() -> None:
    now = revise(person(**TREATED), [read_lab("mma=250nmol/L@+70d")])
    for case in (now.case, now.earlier):
        assert [dose.time_days for dose in world(case).history.doses] == [-70.0, -40.0, -10.0]
    assert len(world(now.case).observations) == len(world(now.earlier).observations) + 1
    assert world(person(**TREATED)).history.doses == ()


def test_without_a_later_result_nothing_moves() -> None:
    case = person(**TREATED)
    now = revise(case, [read_lab("mma=250nmol/L@-20d")], [read_finding("romberg=none")])
    assert now.earlier == case
    assert now.case.as_of == case.as_of
    assert now.added == ("labs[2]", "findings[2]")


def test_a_plan_that_was_followed_is_written_as_given() -> None:
    case = person(labs=TREATED["labs"], history={"past_b12": [{"product": "cyanocobalamin-oral", "dose_ug": 50, "every_days": 1}]})
    plan = built_in_plans()["bnf-hydroxocobalamin"]
    now = revise(case, [read_lab("mma=250nmol/L@+70d")], followed=plan)
    injected = [dose for dose in world(now.case).history.doses if dose.kind == "injected"]
    assert [dose.time_days + 70.0 for dose in injected] == [day for day, _, _ in plan.doses(70.0)]
    tablets = [dose.time_days for dose in world(now.case).history.doses if dose.kind == "oral"]
    assert max(tablets) < -70.0 + 1e-6  # the plan took their place


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [({}, "mma=250nmol/L@-3d", "no result is later"), (TREATED, "mma=250nmol/L@+70d", "one of the two")],
)
def test_a_followed_plan_that_cannot_have_been(more: dict[str, Any], line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        revise(person(**more), [read_lab(line)], followed=built_in_plans()["bnf-hydroxocobalamin"])


def test_nothing_and_the_far_future_are_refused() -> None:
    with pytest.raises(InputError, match="nothing to add"):
        revise(person())
    with pytest.raises(InputError, match="at most 20 years"):
        revise(person(), [read_lab("mma=250nmol/L@2126-05-01")])
    with pytest.raises(InputError, match="calendar"):
        revise(person("day 0"), [read_lab("mma=250nmol/L@2026-05-01")])


def test_a_pregnancy_told_by_its_stage_goes_on_from_where_it_was() -> None:
    case = read_case({"format": "corrin.case/1", "person": {"age_y": 30, "sex": "female", "pregnancy": "second trimester"},
                      "as_of": "2026-03-01"})  # fmt: skip
    now = revise(case, [read_lab("mma=250nmol/L@+70d")])
    births = [[change.time for change in world(held).history.changes if change.target == "pregnancy" and change.value == 0.0]
              for held in (case, now.case)]  # fmt: skip
    assert births[1][0] == pytest.approx(births[0][0] - 70.0)
