"""Trial, sensitivity and design on the command line: what a person meets who mistypes, and what is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corrin.shells import cli


@pytest.mark.parametrize("command", ["trial", "design"])
def test_without_a_name_the_list(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run([command]) == 0
    assert {"trial": "oral-or-injected", "design": "first-weeks"}[command] in capsys.readouterr().out


@pytest.mark.parametrize(("command", "name"), [("trial", "tablets-or-placebo"), ("design", "central-loss")])
def test_a_packaged_file_can_be_shown_and_read_again(command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run([command, name, "--show"]) == 0
    file = tmp_path / "mine.json"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert cli._run([command, str(file), "--show"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trial", "oral-or-injectd"], "oral-or-injected"),
        (["trial", "oral-or-injected", "--repeats", "1"], "50 to 20,000"),
        (["trial", "oral-or-injected", "--draws", "none"], "--draws"),
        (["design", "fast-pol"], "fast-pool"),
        (["design", "fast-pool", "--cost-person", "-5"], "0 or more"),
        (["sensitivity", "--answer", "mma"], "mma@90"),
        (["sensitivity", "nobody.json"], "nobody.json"),
        (["sensitivity", "--method", "sobol", "--size", "99"], "power of two"),
    ],
)
def test_a_slip_is_told_with_its_cure(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_folder_that_is_something_else_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "diary.txt").write_text("mine", encoding="utf-8")
    for command in (["trial", "oral-or-injected"], ["design", "first-weeks"], ["sensitivity"]):
        assert cli._run([*command, "--out", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


@pytest.mark.slow
def test_a_trial_is_written_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = {
        "format": "corrin.trial-design/1", "name": "small", "people": {"description": "adults"}, "n": 20, "visits_d": [14.0],
        "arm": [{"name": "nothing", "plan": "none"}, {"name": "tablets", "plan": "oral-1000-daily"}],
        "end_point": [
            {"name": "b12", "kind": "level", "reading": "serum_b12"}, {"name": "pain", "kind": "pain", "measure": "ivmecbl_change"},
        ],
    }  # fmt: skip
    file = tmp_path / "small.json"
    file.write_text(json.dumps(design), encoding="utf-8")
    out = tmp_path / "out"
    assert cli._run(["trial", str(file), "--draws", "200", "--repeats", "60", "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads((out / "answer.json").read_text(encoding="utf-8")) == printed
    assert {path.name for path in out.iterdir()} >= {"report.txt", "answer.json", "courses.csv", "courses.png", "power.svg"}
    assert printed["end_points"][0]["comparisons"][0]["expected"] > 1.2
    assert "not simulated" in (out / "report.txt").read_text(encoding="utf-8")
