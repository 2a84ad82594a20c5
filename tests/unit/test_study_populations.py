"""Study arms' people and what they predict: moments, tilts and gradients against arithmetic and against moving the model itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from corrin.errors import InputError
from corrin.facts.calibration import Calibrated, read, write
from corrin.inference import cohort as people_of
from corrin.inference.calibrate import CONTEXT, Row, noise_of, solve
from corrin.inference.cohort import Target, Tilt, at_entry, enrol, log_moments, treat
from corrin.inference.compare import compare
from corrin.inference.points import _shared_out, predict
from corrin.inference.population import Population, Together, facts_population, moved, population, population_without, the_kernel
from corrin.inference.survey import (
    AGE_BANDS,
    fitted_assumptions,
    people_of_survey,
    read_table,
    reported_markers,
    simulate_people,
    summarise,
)
from corrin.studies.reader import read_study, studies
from corrin.studies.schema import Outcome

PLAIN = """
format = "corrin.study/1"
key = "made_up"
citation = "Nobody. Nowhere."
seen = "assumed"
design = "made up"
role = "check"
[population]
description = "adults"
age_mean_y = 60
age_sd_y = 8
[[arm]]
name = "tablets"
n = 40
product = "cyanocobalamin-oral"
doses = [{ ug = 500, count = 56 }]
[[arm.outcome]]
label = "serum B12"
reading = "serum_b12"
unit = "pmol/L"
statistic = "geometric mean"
time_d = [56]
value = [500]
n = [40]
at = "nowhere"
[[arm.outcome]]
label = "low serum B12"
reading = "serum_b12"
unit = "%"
statistic = "percent"
below = 300
limit_unit = "pmol/L"
time_d = [56]
value = [10]
n = [40]
at = "nowhere"
"""


def outcome(**said: object) -> Outcome:
    base = {"label": "x", "reading": "mma", "unit": "nmol/L", "statistic": "mean", "time_d": [0], "value": [400.0]}
    return Outcome.model_validate({**base, **said})


def test_moments_of_a_lognormal_come_back() -> None:
    mean, sd = 400.0 * np.exp(0.5 * 0.6**2), 400.0 * np.exp(0.5 * 0.6**2) * np.sqrt(np.expm1(0.6**2))
    found = log_moments(outcome(value=[mean], spread="sd", sd=[sd]), 0, None)
    assert found == pytest.approx((np.log(400.0), 0.6))
    assert log_moments(outcome(value=[mean], spread="se", sd=[sd / 5.0], n=[25]), 0, None) == pytest.approx((np.log(400.0), 0.6))
    quartiles = {"statistic": "median", "spread": "iqr", "low": [400.0 * np.exp(-0.6745 * 0.6)], "high": [400.0 * np.exp(0.6745 * 0.6)]}
    assert log_moments(outcome(**quartiles), 0, None) == pytest.approx((np.log(400.0), 0.6), rel=1e-3)
    assert log_moments(outcome(), 0, None) is None
    assert log_moments(outcome(unit="umol/L", value=[0.4], statistic="median"), 0, 0.5) == pytest.approx((np.log(400.0), 0.5))


@pytest.mark.parametrize(("mean", "sd"), [(1.0, 0.5), (-0.7, 0.9), (2.0, 0.3)])
def test_a_tilt_makes_the_reported_distribution(mean: float, sd: float) -> None:
    """On a grid: a normal prior times the tilt has the wanted moments."""
    grid = np.linspace(-8, 8, 40_001)
    rng = np.random.default_rng(3)
    drawn = rng.normal(size=(1, 200_000))
    tilt = Tilt(np.zeros((1, 1)), np.zeros(1)).and_then((Target("mma", mean, sd),), drawn)
    weight = np.exp(-0.5 * grid**2 + tilt.b[0] * grid - 0.5 * tilt.A[0, 0] * grid**2)
    weight /= weight.sum()
    middle = float(weight @ grid)
    assert middle == pytest.approx(mean, abs=0.02)
    assert np.sqrt(weight @ (grid - middle) ** 2) == pytest.approx(sd, rel=0.02)


def test_an_arm_begins_where_it_began() -> None:
    study = read_study("kuzminski1998")
    arm = study.arm[1]
    made = enrol(study, arm, the_kernel(), population(), 400, 1)
    now = made.people.run.readings[np.arange(400), made.people.history.row_of[0.0]]
    targets, _ = at_entry(study, arm)
    assert {item.reading for item in targets} >= {"serum_b12", "mma", "homocysteine"}
    for item in targets:
        if item.reading in ("serum_b12", "mma", "homocysteine"):
            logs = np.log(now[:, the_kernel().model.readings.index(item.reading)])
            assert abs(logs.mean() - item.mean) < 0.35 * item.sd, item.reading
            assert abs(np.log(logs.std() / item.sd)) < 0.5, item.reading


def test_people_without_a_baseline_are_the_prior() -> None:
    study = read_study(PLAIN)
    made = enrol(study, study.arm[0], the_kernel(), population(), 300, 1)
    assert made.targets == ()
    assert made.people.effective == 300
    z = np.array([made.people.z[name] for name in population().drawn])
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1.0) < 0.03


def test_a_gradient_says_what_moving_a_parameter_does() -> None:
    """cov(g, z) against the same people with the parameter's typical value moved."""
    study, kernel, facts = read_study(PLAIN), the_kernel(), facts_population()
    arm = study.arm[0]

    def middles(people: Population) -> list:
        made = enrol(study, arm, kernel, people, 3000, 1)
        return predict(study, arm, made, treat(made, arm, [56.0], kernel, 1), people, kernel.model.readings)

    here = middles(facts)
    for name in ("passive_fraction", "assay_offset"):
        there = middles(moved(facts, {name: 0.5}))
        for before, after in zip(here, there, strict=True):
            told = before.gradient.get(name, 0.0)
            assert after.middle - before.middle == pytest.approx(0.5 * told, abs=0.25 * abs(told) + 0.012), (name, before.point.statistic)


def test_a_share_stays_a_share_and_quantiles_are_in_order() -> None:
    study = read_study(PLAIN)
    for item in compare(study, the_kernel(), population(), 200).counted:
        values = list(item.quantiles().values())
        assert values == sorted(values)
        assert item.total >= item.sampling > 0.0
        if item.point.statistic == "percent":
            assert 0.0 <= values[0] <= values[-1] <= 100.0


def row(label: str, residual: float, gradient: dict[str, float], sd: float = 0.1, study: str = "one") -> Row:
    return Row(study, f"{study} {label}", label, residual, sd**2, 0.0, gradient)


def test_the_linear_problem_is_solved_as_on_paper() -> None:
    """One unknown, prior N(0, 1), two data: precision 1 + 2 g^2 / sd^2."""
    rows = [row("a", 0.41, {"differ k": 0.5}), row("b", 0.39, {"differ k": 0.5})]
    found, weights = solve(rows, ("differ k",), {})
    precision = 1.0 + 2 * 0.25 / 0.01
    assert found.covariance[0, 0] == pytest.approx(1.0 / precision, rel=1e-6)
    assert found.mean[0] == pytest.approx((0.41 * 0.5 + 0.39 * 0.5) / 0.01 / precision, rel=1e-3)
    assert weights == pytest.approx([1.0, 1.0])
    alone, _ = solve(rows[:1], ("differ k",), {}, weights[:1])
    assert alone.covariance[0, 0] > found.covariance[0, 0]


def test_a_typical_value_is_another_in_every_place() -> None:
    """Of the prior's variance 1, c^2 is peculiar to a place. Two data of one place say common + peculiar: their mean has the variance
    sd^2 / 2 + g^2 c^2 around g times the common part, and a new place has its own c^2 again."""
    own = CONTEXT**2
    rows = [row("a", 0.41, {"k": 0.5}), row("b", 0.39, {"k": 0.5})]
    found, _ = solve(rows, ("k",), {}, np.ones(2))
    around = 0.01 / 2 + 0.25 * own
    precision = 1.0 / (1.0 - own) + 0.25 / around
    assert found.covariance[0, 0] == pytest.approx(1.0 / precision + own, rel=1e-6)
    assert found.mean[0] == pytest.approx(0.5 * 0.40 / around / precision, rel=1e-6)
    apart = [rows[0], replace(rows[1], study="two")]
    assert solve(apart, ("k",), {}, np.ones(2))[0].covariance[0, 0] < found.covariance[0, 0]


def test_what_all_share_is_taken_out_of_a_share() -> None:
    """Normal values with SD 0.4 between people and 0.3 of what all share, a limit 1.0 below: of the draws Phi(-1 / 0.5) lie below it, of
    people whose typical value is known Phi(-1 / 0.4)."""
    total = np.hypot(0.4, 0.3)
    moved = 0.3 / total * norm.pdf(-1.0 / total)  # of the share, for one SD of what is shared
    found, _ = _shared_out(float(norm.cdf(-1.0 / total)), float(moved))
    assert found == pytest.approx(norm.cdf(-1.0 / 0.4), rel=1e-6)
    assert _shared_out(0.2, 0.0)[0] == pytest.approx(0.2)


def test_everybody_of_a_survey_runs_however_extreme() -> None:
    """These made-up surveys hold people whom the rough way to rest led to infinity, and haemoglobins of -142 g/dL."""
    for seed in (3, 5):
        _, _, ran = simulate_people(people_of_survey(seed, 6000), the_kernel(), population(), seed=seed)
        assert ran.all()


def test_a_known_truth_comes_back_and_an_outlier_hardly_moves_it() -> None:
    rng = np.random.default_rng(0)
    truth = {f"differ k{number}": rng.normal() for number in range(4)}
    rows = []
    for number in range(60):
        gradient = {name: rng.normal() for name in truth}
        rows.append(row(f"{number}", sum(g * truth[n] for n, g in gradient.items()) + 0.1 * rng.normal(), gradient, study=f"s{number}"))
    found, _ = solve(rows, tuple(truth), {})
    for name, value in truth.items():
        mean, sd = found.at(name)
        assert abs(mean - value) < 4 * sd
    spoiled = [*rows[:-1], replace(rows[-1], residual=rows[-1].residual + 8.0)]
    bent, weights = solve(spoiled, tuple(truth), {})
    assert weights[-1] < 0.1
    assert np.abs(bent.mean - found.mean).max() < 0.1


def test_one_laboratory_errs_alike() -> None:
    pair = [
        Row("s", "s mma", "1", 0.0, 0.01, 0.2, {}),
        Row("s", "s mma", "2", 0.0, 0.01, 0.2, {}),
        Row("t", "t mma", "3", 0.0, 0.01, 0.2, {}),
    ]
    made = noise_of(pair, (), np.ones(3))
    assert made[0, 1] > 0.02
    assert made[0, 2] == 0.0


def test_what_hangs_together_widens_or_cancels() -> None:
    rows = facts_population().rows
    opposed = Population(rows, Together(("a", "b"), ((1.0, -0.9), (-0.9, 1.0))))
    assert opposed.shared({"a": 1.0, "b": 1.0}) == pytest.approx(np.sqrt(0.2))
    assert Population(rows).shared({"a": 3.0, "b": 4.0}) == pytest.approx(5.0)
    assert opposed.shared({"c": 2.0}) == pytest.approx(2.0)


def test_a_study_that_was_not_fitted_changes_nothing_when_left_out() -> None:
    assert population_without("no_such_study") == population()
    fitted = next(study.key for study in studies() if study.role == "check")
    assert population_without(fitted) == population()


def test_a_calibration_reads_back_as_written(tmp_path: Path) -> None:
    shifts = {"": {"a": (0.5, 0.25), "b": (0.0, 1.0)}, "one": {"a": (0.1, 0.5), "b": (0.0, 1.0)}}
    rest = ({"a": 0.9}, {"cell_pool": 0.3}, {"taken": 0.6}, {"points": 3.0})
    made = Calibrated("2026-01-01", ("one",), {"program": "x"}, shifts, ("a", "b"), ((1.0, -0.5), (-0.5, 1.0)), *rest)
    write(made, tmp_path)
    texts = [(tmp_path / name).read_text("utf-8") for name in ("calibration.toml", "shifts.csv", "correlation.csv")]
    assert read(*texts) == made


def test_the_survey_is_made_of_people_like_those_asked() -> None:
    table = people_of_survey(1, 4000)
    assert 20.0 <= table.get("age_y").min() < 25.0 < table.get("age_y").max() <= 90.0
    assert 0.6 < (table.get("suppl_b12_ug", 0.0) < 0.1).mean() < 0.9
    reported = reported_markers()
    assert len(reported.quantiles) == 3 * len(AGE_BANDS) * 5


def test_a_person_of_a_survey_is_the_same_in_any_block() -> None:
    table = people_of_survey(1, 60)
    whole, _, ran = simulate_people(table, the_kernel(), population(), seed=4)
    parts, _, _ = simulate_people(table, the_kernel(), population(), seed=4, block=16)
    assert ran.all()
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])


def test_the_survey_is_met_within_what_was_promised() -> None:
    """People made up from the survey's statistics: most quantiles by age within 15 %, all within 30 %."""
    table = people_of_survey(1, 6000)
    levels, _, _ = simulate_people(table, the_kernel(), population(), fitted_assumptions())
    found, seen = summarise(table.get("age_y"), table.get("creat_mg_dl"), levels), reported_markers()
    gaps = np.array([abs(np.log(found.quantiles[key] / value)) for key, value in seen.quantiles.items()])
    assert np.mean(gaps < 0.15) > 0.85
    assert gaps.max() < 0.3


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "a column age_y"), ("b12_pmol_l\n200\n", "a column age_y"), ("age_y\n", "one person a line"), ("age_y\nold\n", "a number"),
     ("age_y\n12\n", "adults"), ("age_y,b12_pmol_l\n50,-7\n", "a number that can be"), ("age_y\ninf\n", "a number that can be")],
)  # fmt: skip
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_table(path)
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "nobody.csv")
    with pytest.raises(InputError, match="a folder"):
        read_table(tmp_path)
    (tmp_path / "raw.csv").write_bytes(b"\xff\xfe\x00age\x81")
    with pytest.raises(InputError):
        read_table(tmp_path / "raw.csv")


def test_noise_is_that_of_the_table() -> None:
    assert people_of.noise("serum_b12") == pytest.approx(0.23)
    assert people_of.noise("store_mg") == 0.0
