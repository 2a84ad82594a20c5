"""With the model behind it: nothing measured changes nothing, a precise result narrows its reading, the same seed gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import corrin
from corrin.answers.record import WarningCode
from corrin.inference import population as people_of

FEW = {"plans": "none", "years": 0.25, "draws": 300, "seed": 3}
CASE: dict[str, Any] = {"format": "corrin.case/1", "person": {"age_y": 60, "sex": "female"}, "as_of": "2026-03-01"}
MEASURED = {**CASE, "labs": [{"analyte": "serum_b12", "value": 250, "unit": "pmol/L"}]}


@pytest.fixture(scope="module")
def updated() -> corrin.Forecast:
    return corrin.update(MEASURED, labs=["mma=900nmol/L"], **{**FEW, "draws": 600})


def test_where_nothing_was_measured_there_is_nothing_to_compare() -> None:
    answer = corrin.forecast(CASE, **FEW)
    assert (answer.before, answer.moved, answer.learned) == ("", (), ())


def test_the_history_alone_is_the_answer_of_a_case_without_results() -> None:
    """`before` leaves the results out: drawn from the same people as the forecast of the case that never had them. The cause is told, as
    who was tested had more reason to have one."""
    known = {"history": {"diet": [{"diet": "vegan_unsupplemented", "from": "-6y"}]}}
    alone = corrin.forecast({**CASE, **known}, **FEW).plans[0].readings
    before = corrin.forecast({**MEASURED, **known}, **{**FEW, "draws": 600}).plans[0].before
    for name in ("mma", "haemoglobin"):
        assert before[name].p50 == pytest.approx(alone[name].p50, rel=2e-3)


def test_a_result_narrows_its_reading(updated: corrin.Forecast) -> None:
    assert updated.question == "update"
    assert updated.added == ("methylmalonic acid 900 nmol/L",)
    moved = {(item.reading, item.plan): item for item in updated.moved}
    now = moved["mma", ""]
    assert now.width < 0.7
    assert np.log(now.now.p95 / now.now.p05) < np.log(now.before.p95 / now.before.p05)
    assert abs(np.log(now.now.p50 / 900.0)) < abs(np.log(now.before.p50 / 900.0))
    assert updated.learned[0].bits > 0.1


def test_the_same_seed_gives_the_same_bytes_and_an_update_can_be_made_again(
    updated: corrin.Forecast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "answer.json").write_text(updated.to_json(), encoding="utf-8")
    monkeypatch.setattr(people_of, "calibration_state", lambda: updated.made.calibration)
    again, differences = corrin.rerun(tmp_path / "answer.json")
    assert differences == []
    assert again.to_json() == updated.to_json()


def test_a_stale_calibration_is_stamped_on_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_of, "calibration_state", lambda: "stale")
    answer = corrin.forecast(CASE, **{**FEW, "draws": 50})
    assert answer.made.calibration == "stale"
    assert [notice.code for notice in answer.warnings].count(WarningCode.CALIBRATION_STALE) == 1
    assert "calibration: stale" in answer.text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "neither --lab nor --finding"),
        (["--lab", "mma=300"], "no unit"),
        (["--lab", "mma=300nmol/L@+60d", "--followed", "nothing-like-it"], "neither a built-in plan nor a file"),
        (["--lab", "mma=300nmol/L", "--followed", "oral-1000-daily"], "no result is later than as_of"),
        (["--finding", "gaitt=mild"], "Did you mean gait"),
        (["--lab", "mma=300nmol/L", "--plan", " "], "--plan"),
    ],
)
def test_a_command_that_cannot_be_read_says_why(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    from corrin.shells import cli

    assert cli._run(["update", "stabler2013-vignette", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_the_command_hands_over_what_was_written(
    made_up_answer: corrin.Forecast, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import corrin.answers.update as module
    from corrin.shells import cli

    asked: dict[str, Any] = {}

    def answer(case: object, **options: Any) -> corrin.Forecast:
        asked.update(options)
        return made_up_answer

    monkeypatch.setattr(module, "update", answer)
    written = ["--lab", "mma=300nmol/L@+60d", "--lab", "b12=300pmol/L", "--finding", "romberg=none", "--seed", "4", "--plan", "none"]
    assert cli._run(["update", "stabler2013-vignette", *written]) == 0
    assert capsys.readouterr().out == made_up_answer.text()
    assert asked["labs"] == ["mma=300nmol/L@+60d", "b12=300pmol/L"]
    assert (asked["findings"], asked["plans"], asked["seed"], asked["followed"]) == (["romberg=none"], ["none"], 4, None)
