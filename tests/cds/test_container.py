"""The container's recipe, which cannot be built here: a linter's rules, what it may copy, and that its lock is that of the tests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def steps(name: str) -> list[str]:
    """The arguments of every instruction of this name, continued lines joined, comments gone."""
    plain = "\n".join(line for line in DOCKERFILE.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [line.split(None, 1)[1] for line in plain.splitlines() if line.split(None, 1)[:1] == [name]]


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def test_the_linter_has_nothing_to_say() -> None:
    found = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([found, str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_it_runs_as_nobody_in_particular_and_stops_when_told() -> None:
    assert steps("USER") == ["10001"]
    last = DOCKERFILE.rindex("\nUSER")
    assert "apt-get" not in DOCKERFILE[last:]
    for name in ("ENTRYPOINT", "CMD"):
        (step,) = steps(name)
        assert step.startswith('["'), "the exec form, so that the signal reaches corrin itself"
    assert steps("STOPSIGNAL") == ["SIGTERM"]
    assert "/health" in steps("HEALTHCHECK")[0]


def test_it_fits_a_read_only_file_system() -> None:
    joined = " ".join(steps("ENV"))
    assert "CORRIN_CACHE_DIR=/var/cache/corrin" in joined
    assert "PYTHONDONTWRITEBYTECODE=1" in joined
    assert '["corrin", "warm"]' in steps("RUN")
    assert DOCKERFILE.index("USER 10001") < DOCKERFILE.index('["corrin", "warm"]'), "the cache belongs to who runs it"


def test_images_have_a_tag_and_no_secret_or_host_stands_in_it() -> None:
    assert all(re.match(r"\S+:\d[\w.-]+( AS \w+)?$", step) for step in steps("FROM"))
    assert len(steps("FROM")) == 2
    code = "\n".join(line for line in DOCKERFILE.splitlines() if not line.startswith("#"))
    assert not re.search(r"https?://(?!127\.0\.0\.1)|--index|--trusted|--find-links", code)
    assert not re.search(r"TOKEN|SECRET|PASSWORD", code)
    assert not steps("ADD")


def test_the_context_holds_only_what_is_copied() -> None:
    listed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in listed
    let = {line[1:] for line in listed if line.startswith("!")}
    copied = {part for step in steps("COPY") if "--from" not in step for part in step.split()[:-1]}
    assert copied <= let
    assert all((ROOT / name).exists() for name in let)


def test_what_it_installs_is_what_the_tests_ran_with() -> None:
    served, tested = pins("requirements-serve.lock"), pins("requirements-test.lock")
    assert served
    assert all(tested[name] == version for name, version in served.items() if name in tested)
    assert set(served) <= set(tested) | set(pins("requirements.lock"))
    text = (ROOT / "requirements-serve.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|--index|--find|--trusted", text)
    assert text.count("--hash") >= len(served)
