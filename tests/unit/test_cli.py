"""The command line as a person meets it: exit codes, what stands on stdout and stderr, whole folders, settings and their origin."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from corrin.answers.record import Forecast, Notice, WarningCode
from corrin.errors import Bug, EnvironmentProblem, InputError, NotCovered
from corrin.shells import cli

CASE = {"format": "corrin.case/1", "id": "someone", "person": {"age_y": 60, "sex": "female"}, "as_of": "2026-11-01"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def case_file(tmp_path: Path) -> str:
    path = tmp_path / "case.json"
    path.write_text(json.dumps(CASE), encoding="utf-8")
    return str(path)


@pytest.fixture
def answered(made_up_answer: Forecast, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The command line with the model replaced by a made-up answer; holds what it was asked."""
    import corrin.answers.forecast

    asked: dict[str, Any] = {"answer": made_up_answer}

    def answer(case: object, plans: object, **options: object) -> Forecast:
        asked.update(options, plans=plans)
        return asked["answer"]

    monkeypatch.setattr(corrin.answers.forecast, "forecast", answer)
    return asked


def _fails_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    import corrin.answers.forecast

    def fail(*given: object, **options: object) -> None:
        secret = "haemoglobin 47.1137 of a named patient"
        assert secret
        raise error

    monkeypatch.setattr(corrin.answers.forecast, "forecast", fail)


def test_help_begins_with_what_most_people_ask(capsys: pytest.CaptureFixture[str]) -> None:
    cli._run(["--help"])
    listed = capsys.readouterr().out.split("Commands:")[1]
    assert listed.split()[0] == "forecast"
    assert listed.index("  assess ") < listed.index("  explain ") < listed.index("  trial ") < listed.index("  export ")


def test_forecast_prints_the_report_and_only_that(answered: dict[str, Any], case_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(["forecast", case_file]) == 0
    out, err = capsys.readouterr()
    assert out == answered["answer"].text()
    assert err == ""
    assert (answered["years"], answered["draws"], answered["seed"], answered["plans"]) == (2.0, 1000, 1, None)


def test_json_is_the_answer(answered: dict[str, Any], case_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(["forecast", case_file, "--json", "--plan", "none", "--plan", "diet-only", "--seed", "7"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "corrin.answer/1"
    assert answered["plans"] == ["none", "diet-only"]
    assert answered["seed"] == 7


def test_out_is_a_whole_folder_and_nothing_beside_it(answered: dict[str, Any], case_file: str, tmp_path: Path) -> None:
    for _ in range(2):
        # A second run replaces the first one's folder.
        assert cli._run(["forecast", case_file, "--out", "there/answer"]) == 0
    names = {path.name for path in (tmp_path / "there" / "answer").iterdir()}
    assert {"answer.json", "report.txt", "courses.csv", "overview.png", "overview.svg", "labs.html"} <= names
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["answer"]


def test_out_never_replaces_what_is_not_an_answer(answered: dict[str, Any], case_file: str, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("mine", encoding="utf-8")
    assert cli._run(["forecast", case_file, "--out", "precious"]) == 2
    assert (tmp_path / "precious" / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    case_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read_only(*given: object, **options: object) -> str:
        raise OSError(30, "Read-only file system")

    _fails_with(monkeypatch, AssertionError("the model was asked"))
    monkeypatch.setattr("tempfile.mkdtemp", read_only)
    assert cli._run(["forecast", case_file, "--out", "closed/answer"]) == 5
    assert "Read-only file system" in capsys.readouterr().err


def test_a_failure_while_writing_leaves_nothing(
    answered: dict[str, Any], case_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import corrin.show.charts

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corrin.show.charts, "save", full)
    before = set(tmp_path.iterdir())
    assert cli._run(["forecast", case_file, "--out", "answer"]) == 5
    assert set(tmp_path.iterdir()) == before


def test_contradiction_is_exit_4_with_the_answer(answered: dict[str, Any], case_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    notice = Notice(code=WarningCode.CONTRADICTION, text="The data and the model disagree.")
    answered["answer"] = answered["answer"].model_copy(update={"warnings": (notice,)})
    assert cli._run(["forecast", case_file]) == 4
    assert "The data and the model disagree." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("labs[0].value", "-3", "a number above 0"), 2),
        (NotCovered("Under 16 there are no adult verdicts."), 3),
        (EnvironmentProblem("The cache cannot be written."), 5),
        (MemoryError(), 5),
        (Bug("A pool fell below zero."), 70),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("61 / 0"), 70),
    ],
)
def test_every_failure_has_its_exit_code_and_no_traceback(
    error: BaseException, code: int, case_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails_with(monkeypatch, error)
    assert cli._run(["forecast", case_file]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err


def test_an_interruption_is_said(case_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _fails_with(monkeypatch, KeyboardInterrupt())
    assert cli._run(["forecast", case_file]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_the_fault_report_holds_no_value(
    case_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails_with(monkeypatch, ValueError("haemoglobin 47.1137 of a named patient"))
    assert cli._run(["forecast", case_file]) == 70
    reports = list(tmp_path.rglob("fault-*.txt"))
    said = capsys.readouterr().err
    text = reports[0].read_text(encoding="utf-8") if reports else said
    assert "ValueError" in text
    assert "simulated.py" in text
    for secret in ("47.1137", "named", "haemoglobin", str(tmp_path)):
        assert secret not in text.replace("without any patient data", ""), secret


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nosuch"],
        ["forecast"],
        ["forecast", "no-such-example"],
        ["forecast", "missing.json"],
        ["forecast", ""],
        ["forecast", "case.json", "--plan", ""],
        ["forecast", "case.json", "--out", "case.json/answer"],
        ["forecast", "case.json", "--draws", "many"],
        ["forecast", "case.json", "--draws", "1"],
        ["forecast", "case.json", "--years", "-1"],
        ["forecast", "case.json", "--years", "nan"],
        ["check-case", "missing.json"],
        ["explain", "no_such_thing"],
        ["plans", "no-such-plan"],
        ["rerun", "missing.json"],
        ["examples", "no-such-example"],
    ],
)
def test_what_the_user_wrote_wrong_is_exit_2(arguments: list[str], case_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import corrin

    assert cli._run(["--version"]) == 0
    assert capsys.readouterr().out == f"corrin {corrin.__version__}\n"


@pytest.mark.parametrize("arguments", [["plans"], ["products"], ["examples"], ["explain"], ["config"]])
def test_lists(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(arguments) == 0
    assert capsys.readouterr().out


def test_a_plan_can_be_printed_and_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from corrin.case.plan import read_plan

    assert cli._run(["plans", "oral-1000-daily"]) == 0
    path = tmp_path / "mine.json"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert read_plan(path) == read_plan("oral-1000-daily")


def test_check_case_says_what_was_understood(case_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(["check-case", case_file]) == 0
    said = capsys.readouterr().out
    assert "someone: 60 years, female, as of 2026-11-01" in said
    assert "history.diet: " in said, "what was not stated is named"


def test_config_names_each_origin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "corrin.toml").write_text("draws = 300\nseed = 4\n", encoding="utf-8")
    monkeypatch.setenv("CORRIN_SEED", "9")
    assert cli._run(["config"]) == 0
    lines = {line.split(" ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "300" in lines["draws"]
    assert "[./corrin.toml]" in lines["draws"]
    assert "9 " in lines["seed"]
    assert "[CORRIN_SEED]" in lines["seed"]
    assert "[default]" in lines["years"]


def test_an_argument_goes_before_all(answered: dict[str, Any], case_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORRIN_SEED", "9")
    assert cli._run(["forecast", case_file, "--seed", "3"]) == 0
    assert answered["seed"] == 3


@pytest.mark.parametrize("text", ["draws = 'many'", "speed = 3", "draws = [", "years = -1"])
def test_a_wrong_settings_file_is_exit_2(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "corrin.toml").write_text(text, encoding="utf-8")
    assert cli._run(["config"]) == 2
    assert "corrin.toml" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error(root: Path) -> None:
    """`corrin explain | head -1`"""
    command = [sys.executable, "-m", "corrin", "explain"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert error == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_exit_5(root: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([sys.executable, "-m", "corrin", "explain", "mma"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=root)
    assert done.returncode == 5
    assert done.stderr.startswith("corrin: The output could not be written")
    assert len(done.stderr.splitlines()) == 1


def test_names_are_sorted_exact_and_found() -> None:
    import corrin

    assert corrin.__all__ == sorted(corrin.__all__)
    assert set(corrin.__all__) == set(corrin._HOMES) | {"__version__"}
    for name in corrin.__all__:
        assert getattr(corrin, name) is not None
    with pytest.raises(AttributeError):
        _ = corrin.nothing


def test_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    import corrin

    assert corrin.__version__ == version("corrin")


def test_importing_corrin_is_light() -> None:
    """No heavy package is loaded, and the import itself takes under a tenth of a second."""
    code = (
        "import time, sys; start = time.process_time(); import corrin; spent = time.process_time() - start\n"
        "heavy = {'numba', 'scipy', 'jax', 'numpy', 'pydantic', 'altair', 'vl_convert', 'typer'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "print(spent)"
    )
    # Time of this process alone, the quickest of three: other work on the machine may slow any one of them.
    spent = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    assert min(spent) < 0.1


@pytest.mark.parametrize("arguments", [["--version"], ["plans"], ["config"], ["check-case", "case.json"]])
def test_light_commands_load_no_engine(arguments: list[str], case_file: str) -> None:
    code = (
        "import sys; from corrin.shells.cli import _run; code = _run(sys.argv[1:])\n"
        "assert not {'numba', 'scipy', 'jax'} & set(sys.modules); sys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=dict(os.environ))
    assert result.returncode == 0, result.stderr


def test_help_shows_the_default_of_how_far_and_how_many() -> None:
    """In every command that takes one; what it says is what the settings hold."""
    from corrin.settings import SETTINGS
    from corrin.shells.cli import command_help

    defaults = {setting.name: f"{setting.default:g}" for setting in SETTINGS if setting.name in ("years", "draws", "seed")}
    own = {("corrin stop", "years"): "10.0", ("corrin sensitivity", "draws"): "500", ("corrin design", "draws"): "2000"}
    seen = set()
    for command, text in command_help().items():
        for name, value in defaults.items():
            option = re.search(rf"^  --{name} .*?(?=^  -|\Z)", text, re.MULTILINE | re.DOTALL)
            if option is None or command == "corrin serve":  # the page draws fewer, and says so in words
                continue
            seen.add(name)
            said = " ".join(option[0].split())
            assert f"[default: {own.get((command, name), f'({value})')}]" in said, (command, said)
    assert seen == {"years", "draws", "seed"}
