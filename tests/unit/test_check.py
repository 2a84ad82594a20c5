"""Checking studies: scores against independent arithmetic and known truth, faults of files, one small study from end to end."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from scipy import stats

from corrin.answers import check_run
from corrin.answers.check import check, read_all
from corrin.answers.check_record import Check, CheckedPoint, Refused, schema
from corrin.answers.score import Shift, baseline_sds, binomial_interval, class_shift, log_normal_density, score, summary, verdict
from corrin.errors import InputError
from corrin.inference.points import Point, Predicted
from corrin.shells import cli
from corrin.studies.reader import read_study
from corrin.studies.schema import Study

STUDY = """
format = "corrin.study/1"
key = "made_up"
citation = "Made up for a test."
seen = "abstract"
design = "before and after"
role = "check"

[population]
description = "omnivores of middle age"
age_mean_y = 50

[[arm]]
name = "tablets"
n = 40
product = "cyanocobalamin-oral"
doses = [{ ug = 1000, count = 28 }]

[[arm.outcome]]
label = "serum B12"
reading = "serum_b12"
unit = "pg/mL"
statistic = "mean"
time_d = [0, 28]
value = [400, 700]
sd = [150, 250]

[[arm.outcome]]
label = "serum B12 below 200"
reading = "serum_b12"
unit = "%"
statistic = "percent"
below = 200
limit_unit = "pg/mL"
time_d = [28]
value = [0]

[[arm.outcome]]
label = "pain"
unit = "mm"
statistic = "mean"
time_d = [28]
value = [40]

[[arm]]
name = "told in words only"
simulable = false
note = "the dose is not told"

[[arm.outcome]]
label = "serum B12"
reading = "serum_b12"
unit = "pg/mL"
statistic = "mean"
time_d = [28]
value = [500]
"""
CHILDREN = STUDY.replace("age_mean_y = 50", "age_mean_y = 9").replace("made_up", "children")


def predicted(observed: float, middle: float, sd: float, statistic: str = "mean", n: int | None = 30) -> Predicted:
    """A prediction whose three parts are equal."""
    part = sd / math.sqrt(3.0)
    return Predicted(
        Point("s", "a", "l", "serum_b12", statistic, 30.0, observed, n, "check", "abstract", True), middle, part, part, part
    )  # fmt: skip


def checked(**changes: Any) -> CheckedPoint:
    base = {
        "study": "s", "role": "check", "arm": "a", "label": "l", "reading": "serum_b12", "reading_label": "Serum B12", "statistic": "mean",
        "unit": "pmol/L", "scale": "log", "day": 30.0, "seen": "abstract", "route": "oral", "cause": "unknown", "observed": 300.0,
        "counted": True,
    }  # fmt: skip
    return CheckedPoint(**{**base, **changes})


@given(of=st.integers(1, 400), share=st.floats(0.0, 1.0))
def test_binomial_interval_is_clopper_and_pearsons(of: int, share: float) -> None:
    """By its definition: at each end, what was seen or more extreme has a chance of 2.5 %."""
    hits = round(share * of)
    low, high = binomial_interval(hits, of)
    assert 0.0 <= low <= hits / of <= high <= 1.0
    if hits:
        assert stats.binom.sf(hits - 1, of, low) == pytest.approx(0.025, rel=1e-6)
    if hits < of:
        assert stats.binom.cdf(hits, of, high) == pytest.approx(0.025, rel=1e-6)


def test_an_interval_printed_in_textbooks() -> None:
    """8 of 10: 0.444 to 0.975 (Clopper and Pearson)."""
    assert binomial_interval(8, 10) == pytest.approx((0.4439, 0.9748), abs=1e-4)


@pytest.mark.parametrize(
    ("statistic", "middle", "sd"), [("mean", math.log(300.0), 0.3), ("mean change", 40.0, 12.0), ("percent", 0.3, 0.05)]
)
def test_what_is_drawn_from_the_prediction_falls_inside_as_often_as_it_says(statistic: str, middle: float, sd: float) -> None:
    generator = np.random.default_rng(7)
    template = predicted(1.0, middle, sd, statistic)
    rows = []
    for _ in range(3000):
        item = predicted(template.value(generator.standard_normal()), middle, sd, statistic)
        quantiles = item.quantiles()
        inside = [quantiles[low] <= item.point.observed <= quantiles[high] for low, high in (("p05", "p95"), ("p25", "p75"))]
        rows.append(checked(inside_90=inside[0], inside_50=inside[1], log_score=item.log_density(), z=item.z()))
    found = score(rows)
    assert found.inside_90 == pytest.approx(0.9, abs=0.02)
    assert found.inside_50 == pytest.approx(0.5, abs=0.03)
    # the mean log density of a normal at its own draws is minus its entropy
    assert found.log_score == pytest.approx(-0.5 * math.log(2.0 * math.pi * math.e * template.sd**2), abs=0.05)
    assert np.std([row.z for row in rows]) == pytest.approx(1.0, abs=0.04)


def test_what_all_share_is_taken_out_of_a_share() -> None:
    """People differ by d and all share e: half of such populations have fewer beyond the limit than this, counted in drawn populations."""
    random, between, common, limit = np.random.default_rng(3), 0.8, 0.6, 1.2
    beyond = np.array([np.mean(common * e + between * random.standard_normal(4000) > limit) for e in random.standard_normal(1001)])
    density = math.exp(-0.5 * limit**2) / math.sqrt(2.0 * math.pi)
    item = Predicted(
        Point("s", "a", "l", "serum_b12", "percent", 30.0, 10.0, 10**6, "check", "abstract", True), float(beyond.mean()), common * density,
        1e-9, 1e-9,
    )  # fmt: skip
    found = item.quantiles()
    for name, q in (("p05", 5), ("p25", 25), ("p50", 50), ("p75", 75), ("p95", 95)):
        assert found[name] == pytest.approx(100.0 * np.quantile(beyond, q / 100), rel=0.25, abs=0.5), (
            name
        )  # normal on the logit, not on the probit


@given(middle=st.floats(0.0, 1.0), n=st.integers(1, 10**9), observed=st.floats(0.0, 100.0), sd=st.floats(1e-6, 0.5))
def test_a_share_keeps_an_ordered_interval_of_possible_shares(middle: float, n: int, observed: float, sd: float) -> None:
    item = predicted(observed, middle, sd, "percent", n)
    values = list(item.quantiles().values())
    assert values == sorted(values)
    assert min(values) >= 0.0
    assert max(values) <= 100.0
    told = 100.0 * min(max(middle, 1e-4), 1.0 - 1e-4)  # no share of people is certain
    assert abs(values[2] - 50.0) >= abs(told - 50.0) - 1e-3, "who differ by less lie on one side of a limit more often"
    assert math.isfinite(item.z())
    assert math.isfinite(item.log_density())


def test_scores_are_those_of_plain_arithmetic() -> None:
    rows = [
        checked(inside_90=True, inside_50=True, fold_error=1.1, p05=100.0, p95=200.0, log_score=-1.0, route="oral"),
        checked(inside_90=True, inside_50=False, fold_error=1.5, p05=100.0, p95=400.0, log_score=-2.0, route="oral"),
        checked(inside_90=False, inside_50=False, fold_error=3.0, p05=100.0, p95=800.0, log_score=-6.0, route="intramuscular"),
        checked(counted=False, inside_90=False, inside_50=False, why_not="day 0", log_score=-99.0),
    ]
    found = summary(rows)
    assert (found.points, found.levels) == (3, 3)
    assert found.inside_90 == pytest.approx(2 / 3)
    assert found.inside_50 == pytest.approx(1 / 3)
    assert found.median_fold_error == 1.5
    assert found.mean_log_width == pytest.approx((math.log(2) + math.log(4) + math.log(8)) / 3)
    assert found.log_score == pytest.approx(-3.0)
    assert {name: held.points for name, held in found.by_route.items()} == {"oral": 2, "intramuscular": 1}
    assert found.by_route["oral"].log_score == pytest.approx(-1.5)
    assert summary(rows[3:]).points == 0
    assert summary(rows[3:]).inside_90 is None


def test_the_mean_of_a_class_never_uses_the_study_itself() -> None:
    rows = [
        ("mine", "oral", "log", 50.0), ("other", "oral", "log", -1.0), ("third", "oral", "log", -2.0),
        ("fourth", "intramuscular", "log", -9.0), ("other", "oral", "share", 7.0),
    ]  # fmt: skip
    shifts = [Shift(study, "mma", route, kind, moved) for study, route, kind, moved in rows]
    assert class_shift(shifts, "mine", "mma", "oral", "log") == pytest.approx(-1.5)
    assert class_shift(shifts, "mine", "mma", "nasal", "log") == pytest.approx(-4.0)  # no other study by that route: any route
    assert class_shift(shifts, "mine", "haemoglobin", "oral", "log") == 0.0


def test_a_baseline_gets_the_best_spread_of_its_class_and_not_less_than_chance_leaves() -> None:
    misses = {0: 0.3, 1: -0.4, 2: 0.0}
    sds = baseline_sds(misses, {0: "mma", 1: "mma", 2: "mcv"}, {0: 0.1, 1: 0.1, 2: 0.05})
    assert sds[0] == sds[1] == pytest.approx(math.sqrt((0.09 + 0.16) / 2))
    assert sds[2] == 0.05
    mean = np.mean([stats.norm.logpdf(misses[place], 0.0, sds[place]) for place in (0, 1)])
    for other in (0.8, 1.2):  # no other single spread scores better
        assert mean > np.mean([stats.norm.logpdf(misses[place], 0.0, other * sds[place]) for place in (0, 1)])
    assert log_normal_density(0.3, 0.2) == pytest.approx(stats.norm.logpdf(0.3, 0.0, 0.2))


@pytest.mark.parametrize(
    ("hits", "middles", "of", "words"), [(90, 50, 100, "as often as promised"), (60, 30, 100, "too narrow"), (100, 80, 100, "wider than")]
)
def test_the_verdict_says_what_the_numbers_say(hits: int, middles: int, of: int, words: str) -> None:
    rows = [checked(inside_90=place < hits, inside_50=place < middles) for place in range(of)]
    assert words in verdict(summary(rows), 3)[0]


def test_nothing_to_compare_is_said() -> None:
    assert "could be compared" in verdict(summary([]), 1)[0]


def _study(text: str) -> Study:
    return read_study(text)


def test_route_and_cause() -> None:
    study = _study(STUDY)
    assert [check_run.route_of(arm) for arm in study.arm] == ["oral", "none"]
    assert check_run.cause_of(study, study.arm[0]) == "unknown"
    ill = _study(STUDY.replace("[[arm]]\nname = \"tablets\"", '[population.history]\ndiet = [{ diet = "vegan" }]\nconditions = '
                               '[{ name = "pernicious_anaemia" }]\n\n[[arm]]\nname = "tablets"'))  # fmt: skip
    assert check_run.cause_of(ill, ill.arm[0]) == "pernicious anaemia"


def test_day_0_is_taken_as_reported_in_the_unit_of_the_point() -> None:
    study = _study(STUDY)
    outcome = study.arm[0].outcome[0]
    first = check_run.reported_day_0(study, study.arm[0], outcome, "mean")
    assert first == pytest.approx(400 * 0.7378, rel=1e-3)  # pg/mL to pmol/L: 1000 / 1355.4
    assert check_run.reported_day_0(study, study.arm[0], study.arm[0].outcome[1], "percent") is None
    (shift,) = [shift for shift in check_run.shifts_of(study) if shift.kind == "log"]
    assert shift.moved == pytest.approx(math.log(700 / 400))


def test_the_studys_own_interval() -> None:
    outcome = _study(STUDY).arm[0].outcome
    low, high = check_run.own_interval(outcome[0], Point("s", "a", "l", "serum_b12", "mean", 28.0, 516.5, 40, "check", "abstract", True))
    assert low is not None
    assert high is not None
    assert math.log(high / low) / 2 / 1.96 == pytest.approx(math.sqrt(math.log1p((250 / 700) ** 2)) / math.sqrt(40), rel=1e-3)
    point = Point("s", "a", "l", "serum_b12", "percent", 28.0, 0.0, 40, "check", "abstract", True)
    assert check_run.own_interval(outcome[1], point) == pytest.approx((0.0, 8.76), abs=0.01)  # Wilson, 0 of 40


def test_a_folder_is_its_files_and_the_bad_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "b.toml").write_text(CHILDREN.replace("cyanocobalamin-oral", "snake oil"), encoding="utf-8")
    (tmp_path / "c.json").write_text("{", encoding="utf-8")
    (tmp_path / "d.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no study", encoding="utf-8")
    held, refused = read_all([tmp_path, tmp_path / "a.toml"])
    assert [study.key for _, study in held] == ["made_up"]
    assert [Path(item.source).name for item in refused] == ["b.toml", "c.json", "d.toml"]
    assert "snake oil" in refused[0].faults[0]
    assert "made_up" in refused[2].faults[0]


@pytest.mark.parametrize("name", ["missing.toml", "no_such_key", "empty", "", "a\x00b"])
def test_what_is_no_study_is_a_fault_of_input(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        read_all([name])
    assert str(caught.value)


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(InputError, match="at least 100"):
        check(STUDY, draws=50)


@pytest.fixture(scope="module")
def small() -> Check:
    """Two studies with few draws: one that can be compared, one of children."""
    return check([STUDY, CHILDREN], draws=150)


def test_end_to_end(small: Check) -> None:
    level, share = [point for point in small.points if point.counted]
    assert (level.statistic, share.statistic) == ("mean", "percent")
    assert level.observed == pytest.approx(700 * 0.7378, rel=1e-3)
    assert level.p05 is not None
    assert level.p50 is not None
    assert level.p95 is not None
    assert level.p05 < level.p50 < level.p95
    assert level.z is not None
    assert level.sd is not None
    assert level.z == pytest.approx(math.log(level.observed / level.p50) / level.sd)
    assert level.sd == pytest.approx(math.log(level.p95 / level.p05) / 2 / 1.6448536)
    assert level.no_change == pytest.approx(400 * 0.7378, rel=1e-3)
    parts = (level.share_known, level.share_study, level.share_sampling)
    assert sum(part for part in parts if part is not None) == pytest.approx(1.0)
    reasons = {(point.study, point.arm, point.day): point.why_not for point in small.points if not point.counted}
    assert reasons["made_up", "tablets", 0.0] == "day 0"
    assert "not told" in reasons["made_up", "told in words only", 28.0]
    assert "Under 16" in reasons["children", "tablets", 28.0]
    assert small.summary.points == 2
    assert small.studies[0].arms[0].not_compared == ("pain: no reading of the body",)


def test_the_answer_is_written_and_read_again(small: Check) -> None:
    text = small.to_json()
    again = Check.model_validate_json(text)
    assert again.to_json() == text
    data = json.loads(text)
    assert data["format"] == "corrin.check/1"
    assert not list(Draft202012Validator(schema()).iter_errors(data))
    assert {"points", "inside_90", "inside_50", "median_fold_error", "mean_log_width", "log_score", "log_score_no_change",
            "log_score_class_mean", "by_analyte", "by_route", "by_cause", "by_role"} <= set(data["summary"])  # fmt: skip
    assert set(data["made"]["hashes"]) == {"program", "population", "studies"}
    assert isinstance(data["made"]["options"]["calibrated"], bool)
    frame = small.to_frame()
    assert {len(column) for column in frame.values()} == {len(small.points)}


def test_the_report_says_it_all_once(small: Check) -> None:
    text = small.text()
    assert text.count(small.disclaimer) == 1
    for part in ("made_up", "Under 16", "the dose is not told", "Not compared: pain", small.verdict[0][:40]):
        assert part in text


def test_command_writes_the_folder_and_keeps_the_good(
    small: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import corrin.answers.check

    asked: dict[str, Any] = {}

    def answer(studies: Any, **options: Any) -> Check:
        asked.update(options, studies=studies)
        return small.model_copy(update={"refused": (Refused(source="b.toml", faults=("b.toml: wrong.",)),) if studies else ()})

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(corrin.answers.check, "check", answer)
    assert cli._run(["check", "--json", "--out", "answer", "--draws", "400"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["question"] == "check"
    assert err == ""
    assert (asked["draws"], asked["seed"], asked["studies"]) == (400, 1, None)
    made = {path.name for path in (tmp_path / "answer").iterdir()}
    assert {"answer.json", "report.txt", "points.csv", "points.png", "points.svg", "points.html", "calibration.png"} <= made
    lines = (tmp_path / "answer" / "points.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(small.points)
    html = (tmp_path / "answer" / "points.html").read_text(encoding="utf-8")
    assert 'src="http' not in html
    assert cli._run(["check", "a.toml", "b.toml"]) == 2
    out, err = capsys.readouterr()
    assert "made_up" in out
    assert err == "b.toml: wrong.\n"


def test_a_missing_file_leaves_stdout_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli._run(["check", "nowhere.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "nowhere.toml" in err


def test_the_figure_shows_every_counted_point(small: Check) -> None:
    from corrin.show.check_charts import chart

    panels = chart(small.to_dict(), "points")["concat"]
    shown = [row["observed"] for panel in panels for row in panel["data"]["values"]]
    assert sorted(shown) == pytest.approx(sorted(point.observed for point in small.points if point.counted), rel=1e-5)
    with pytest.raises(InputError, match="one of points"):
        chart(small.to_dict(), "nothing")


def test_another_commands_answer_is_named_when_a_forecast_is_wanted(small: Check, tmp_path: Path) -> None:
    from corrin.answers.record import read_answer

    path = tmp_path / "answer.json"
    path.write_text(small.to_json(), encoding="utf-8")
    with pytest.raises(InputError, match="question `check`"):
        read_answer(path)


def test_the_validation_page_shows_misses_and_what_was_left_out(small: Check, root: Path) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("validation", root / "scripts" / "validation.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    missed = small.model_copy(update={"points": tuple(p.model_copy(update={"inside_90": False}) for p in small.points)})
    text = script.page(missed)
    assert text.count("**outside**") == small.summary.points
    assert "the dose is not told" in text
    assert f"{small.summary.points} numbers lie outside" in text
    for name, value in small.made.hashes.items():
        assert f"{name} `{value}`" in text


@pytest.mark.slow
def test_a_table_of_made_up_people_is_answered_as_its_schema_says(tmp_path: Path) -> None:
    """Markers drawn around usual levels: every number stands beside its prediction, and the worst is among them."""
    from corrin.answers.check_population import PopulationCheck, check_population

    random = np.random.default_rng(5)
    rows = ["age_y,male,b12_pmol_l,mma_umol_l,thcy_umol_l,creat_mg_dl"]
    for _ in range(240):
        b12, mma, homocysteine = np.exp(random.normal((5.85, -2.0, 2.1), (0.4, 0.4, 0.35)))
        rows.append(
            f"{random.uniform(20, 90):.0f},{random.integers(2)},{b12:.0f},{mma:.3f},{homocysteine:.1f},{random.uniform(0.7, 1.2):.2f}"
        )
    table = tmp_path / "people.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    data = json.loads(check_population(table).to_json())
    assert not list(Draft202012Validator(PopulationCheck.schema_of_json()).iter_errors(data))
    told = [row for row in data["numbers"] if row["what"] == "quantile by age"]
    for row in told:
        assert row["miss"] == pytest.approx(row["predicted"] / row["observed"] - 1.0, abs=2e-3), row["name"]
    levels = np.array([[float(part) for part in line.split(",")] for line in rows[1:]])
    young = levels[(levels[:, 0] >= 20) & (levels[:, 0] < 40)]
    assert min(abs(row["observed"] / np.quantile(young[:, 2], 0.5) - 1.0) for row in told) < 1e-3, "the table's own median is told"
