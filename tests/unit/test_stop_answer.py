"""A plan that ends: the turning points counted by hand, laws of stopping, what a cause says of the need, what the page says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import corrin
from corrin.answers.run import draw_people, run
from corrin.answers.stop import Reason, Stop, ending, for_life, lasting, stop, turning
from corrin.case.plan import read_plan
from corrin.case.reader import read_case
from corrin.errors import InputError
from corrin.shells import cli

DEFICIENT: dict[str, Any] = {
    "format": "corrin.case/1", "person": {"age_y": 60, "sex": "female"}, "as_of": "2026-03-01",
    "history": {"conditions": [{"name": "pernicious anaemia", "from": "2019"}]},
    "labs": [{"analyte": "mma", "value": 2.5, "unit": "umol/L"}], "findings": [{"what": "numbness", "date": "2026-01"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def stopped() -> Stop:
    return stop(DEFICIENT, "6mo", "bnf-hydroxocobalamin", draws=128, seed=2)


def test_turning_points_are_those_counted_by_hand() -> None:
    """Four people read every 100 days, stopped at day 100: one falls at once, one 100 days later, one 300 later, one never."""
    times = np.arange(0.0, 501.0, 100.0)
    b12 = np.array([[300, 150, 100, 100, 90, 90], [400, 300, 150, 90, 80, 80], [500, 400, 300, 250, 150, 90], [900.0] * 6])
    replete = b12 > 95
    score = np.array([[5, 2, 1, 1.2, 1.6, 2], [5, 2, 1, 1.4, 1.45, 1.49], [0, 0, 0, 0.3, 0.6, 0.9], [3, 2, 1, 0, 0, 0.4]])
    values = {"serum_b12": b12, "score": score}
    events, deficient = turning(times, values, replete, np.full(4, 0.25), 100.0, (0.0, 150.0, 400.0))
    low, back, signs = events
    assert (low.already, low.chance) == (0.25, pytest.approx(2 / 3))
    assert low.curve == (0.25, 0.5, 0.75)
    assert deficient.tolist() == [300.0, 200.0, 400.0, np.inf]
    assert (back.already, back.chance, back.p95) == (0.0, 0.75, None)
    # Half a point above the best since the stop, and a sign at all: only the first; the second stays 0.01 short, the third under 1.
    assert signs.chance == 0.25
    assert signs.curve == (0.0, 0.0, 0.25)


def test_stopping_never_speeds_recovery_and_never_lowers_mma() -> None:
    """The same people with and without the end of the plan: nobody is better at any time for having stopped."""
    case = read_case(DEFICIENT)
    people = draw_people(case, 96, 2, lambda what, share: None)
    on = read_plan("bnf-hydroxocobalamin")
    off = ending(on, "6mo", 5.0).model_copy(update={"name": "off"})
    found = run(case, [on, off], 5.0, 96, 2, beside=False, people=people).futures
    days = [day for day in found["off"].time_days if day == int(day) and day in set(found[on.name].time_days)]
    at = {name: np.isin(course.time_days, days) for name, course in found.items()}
    for reading, sign in (("score", 1.0), ("mma", 1.0), ("function_dorsal", -1.0), ("haemoglobin", -1.0)):
        going, stopping = (sign * found[name].values[reading][:, at[name]] for name in (on.name, "off"))
        # Haemoglobin overshoots by a little while a marrow that lacked B12 answers; what is compared is solved to about a thousandth.
        assert np.all(stopping >= going - 5e-3 * np.maximum(np.abs(going), 1.0)), reading


def test_values_fall_before_signs_return(stopped: Stop) -> None:
    event = {row.name: row for row in stopped.events}
    assert event["deficiency"].p50 is not None
    assert event["deficiency"].chance >= event["symptoms"].chance
    for row in stopped.events:
        assert list(row.curve) == sorted(row.curve)
        assert len(row.curve) == len(stopped.curve_days)
        assert row.p05 is None or row.p50 is None or row.p05 <= row.p50


def test_pernicious_anaemia_comes_back_within_the_times_that_were_seen(stopped: Stop) -> None:
    """Savage and Lindenbaum 1983: those who relapsed did so 21 to 123 months after the last dose."""
    seen = next(row for row in stopped.published if row.low_days is not None)
    back = next(row for row in stopped.events if row.name == "deficiency")
    assert back.p50 is not None
    assert seen.low_days is not None
    assert seen.high_days is not None
    assert seen.low_days < back.p50 < seen.high_days
    assert "1983" in seen.citation


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second = (stop(DEFICIENT, "1mo", "bnf-hydroxocobalamin", years=0.5, draws=48, seed=5).to_json() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("cause", "lasts"),
    [("autoimmune_gastritis", "lasting"), ("total_gastrectomy", "lasting"), ("ileal_resection", "lasting"), ("metformin", "reversible"),
     ("ppi", "reversible"), ("nitrous_oxide", "reversible"), ("vegan_unsupplemented", "reversible"), ("coeliac", "perhaps"),
     ("radiotherapy", "not known")],
)  # fmt: skip
def test_whether_a_cause_lasts(cause: str, lasts: str) -> None:
    assert lasting(cause)[0] == lasts


def test_who_needs_it_for_life() -> None:
    def reason(lasts: Any, probability: float) -> Reason:
        return Reason(name="x", label="x", lasts=lasts, why="", probability=probability)

    assert for_life((reason("lasting", 1.0), reason("reversible", 1.0))) == "yes"
    assert for_life((reason("lasting", 0.5), reason("lasting", 0.1))) == "likely"
    drawn = Reason(name="x", label="x", lasts="lasting", why="", probability=0.95, again=0.9)
    assert for_life((drawn,)) == "likely", "a cause that nobody told of is not certain, however likely"
    assert for_life((reason("reversible", 1.0),)) == "while the cause lasts"
    assert for_life((reason("reversible", 1.0), reason("lasting", 0.3))) == "not told by the cause"
    assert for_life((reason("lasting", 0.3),)) == "not told by the cause"
    assert for_life(()) == "not told by the cause"


@pytest.mark.parametrize("after", ["soon", "6 months", "", "-3mo", "10a", "50y"])
def test_a_time_that_cannot_be_used_is_refused_with_its_place(after: str) -> None:
    with pytest.raises(InputError, match="--after"):
        ending(read_plan("none"), after, 10.0)


def test_the_page_says_what_decides_and_what_to_do(stopped: Stop) -> None:
    text = " ".join(stopped.text().split())
    assert "Symptoms and signs decide" in text
    assert "For life, by its cause" in text
    assert "no reason to stop" in text
    assert "does not prescribe" in text
    assert "Savage" in text
    assert max(map(len, stopped.text().split("\n"))) <= 110
    head = " ".join(stopped.text().split("\n")[2:7])
    assert "deficient again" in head
    assert "For life" in head


def test_every_chance_of_the_page_has_its_band(stopped: Stop) -> None:
    for event in stopped.events:
        if event.already < 1.0:
            assert event.chance_low is not None
            assert event.chance_high is not None
            assert 0.0 <= event.chance_low <= event.chance + 1e-9
            assert event.chance <= event.chance_high + 1e-9
    assert all((reason.again is None) == (reason.again_low is None) for reason in stopped.reasons)


def test_it_is_public() -> None:
    assert corrin.stop is stop


def test_the_command_writes_the_page_and_every_figure(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps(DEFICIENT), encoding="utf-8")
    few = ["--years", "1", "--draws", "48"]
    assert cli._run(["stop", str(case), "--after", "2mo", *few, "--out", str(tmp_path / "out")]) in (0, 4)
    assert capsys.readouterr().out == (tmp_path / "out" / "report.txt").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "out" / "answer.json").read_text(encoding="utf-8"))["format"] == "corrin.stop/1"
    assert {"relapse.png", "overview.png", "courses.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert cli._run(["stop", str(case), "--after", "soon"]) == 2
