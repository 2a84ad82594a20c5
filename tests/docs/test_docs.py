"""The pages are true: every command documented, every command and name they use exists, README's own case is read, links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from corrin.shells import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *ROOT.glob("docs/**/*.md")])
HAND_WRITTEN = [page for page in PAGES if "reference" not in page.parts]


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def _corrin_lines() -> list[tuple[str, str]]:
    found = []
    for page in HAND_WRITTEN:
        for block in _blocks(page, "sh"):
            for line in block.splitlines():
                command = line.split("#")[0].strip().removeprefix(".venv/bin/")
                if command.startswith("corrin "):
                    found.append((page.name, command))
    return found


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_every_command_is_documented() -> None:
    reference = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    written = "\n".join(page.read_text(encoding="utf-8") for page in HAND_WRITTEN)
    for name, text in cli.command_help().items():
        assert text.strip() in reference, f"{name}: run `make docs`"
        assert name in written or f"`{name.removeprefix('corrin ')}`" in written, f"{name} stands in no page"


def test_every_command_and_option_has_help() -> None:
    for command in cli.app.registered_commands:
        assert command.callback is not None
        assert command.callback.__doc__


@pytest.mark.parametrize(("page", "command"), _corrin_lines())
def test_commands_on_the_pages_are_understood(page: str, command: str) -> None:
    """Each is parsed by the real parser; forecasts are run elsewhere."""
    parts = shlex.split(command.split(">")[0])[1:]
    help_text = cli.command_help()
    assert f"corrin {parts[0]}" in help_text, f"{page}: {command}"
    for option in (part for part in parts if part.startswith("--")):
        assert option in help_text[f"corrin {parts[0]}"], f"{page}: {command}"
    from corrin.answers.examples import examples
    from corrin.case.plan import built_in_plans

    for flag, value in pairwise(parts):
        if flag == "--plan":
            assert value in built_in_plans(), f"{page}: {command}"
    if parts[0] in ("forecast", "examples") and len(parts) > 1 and not parts[1].endswith(".json"):
        assert parts[1] in examples(), f"{page}: {command}"


@pytest.mark.parametrize("command", [command for _, command in _corrin_lines() if command.split()[1] in ("plans", "examples", "explain")])
def test_light_commands_on_the_pages_run(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(shlex.split(command.split(">")[0])[1:]) == 0
    assert capsys.readouterr().out


def test_the_case_in_readme_is_a_case() -> None:
    from corrin.case.reader import read_case

    blocks = _blocks(ROOT / "README.md", "json")
    assert blocks
    for block in blocks:
        assert read_case(json.loads(block)).id == "my-case"


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=_id)
def test_python_on_the_pages_uses_public_names(page: Path) -> None:
    import corrin

    for block in _blocks(page, "python"):
        compile(block, str(page), "exec")
        for name in re.findall(r"\bcorrin\.(\w+)", block):
            assert name in corrin.__all__, name


def test_settings_on_the_pages_are_settings(tmp_path: Path) -> None:
    from corrin.settings import choose

    for page in HAND_WRITTEN:
        for block in _blocks(page, "toml"):
            (tmp_path / "corrin.toml").write_text(block, encoding="utf-8")
            choose({}, folder=tmp_path, environment={})


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("target", re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
def test_make_targets_in_readme_exist(target: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert target in {*targets, "nothing"}


def test_the_lock_names_no_host_and_pins_with_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"http|file:|--index|--trusted|--find|@", text, re.IGNORECASE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "==" in entry
        assert "--hash=sha256:" in entry


def test_one_version_everywhere() -> None:
    import tomllib

    import corrin

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == corrin.__version__
    assert f"version: {corrin.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {corrin.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
