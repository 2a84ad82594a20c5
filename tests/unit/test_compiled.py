"""The cache of compiled code: ours alone, named after its text, checked before it is imported, never more than five."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corrin.engine import compiled
from corrin.errors import EnvironmentProblem

TEXT = '''"""A small module."""
import numba as nb


@nb.njit(nogil=True, cache=True)
def double(value):
    return 2.0 * value + {number}
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CORRIN_CACHE_DIR", str(tmp_path / "cache"))
    before = set(sys.modules)
    yield tmp_path / "cache" / "kernels"
    for name in set(sys.modules) - before:
        if name.startswith("corrin_kernel_"):
            del sys.modules[name]


def forget(text: str) -> None:
    sys.modules.pop(f"corrin_kernel_{compiled.key(text)}", None)


def test_folder_is_ours_alone(folder: Path) -> None:
    assert compiled.load(TEXT.format(number=1.0)).double(2.0) == 5.0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_open_folder_is_closed(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    compiled.load(TEXT.format(number=2.0))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_module_is_found_again(folder: Path) -> None:
    text = TEXT.format(number=3.0)
    assert not compiled.is_warm(text)
    compiled.load(text).double(1.0)
    assert compiled.is_warm(text)
    forget(text)
    assert compiled.load(text).double(1.0) == 5.0
    assert [home.name for home in folder.iterdir()] == [compiled.key(text)]


def test_another_text_is_another_module(folder: Path) -> None:
    assert compiled.key(TEXT.format(number=4.0)) != compiled.key(TEXT.format(number=5.0))


def test_a_foreign_owner_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True)
    real = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: real + 1)
    with pytest.raises(EnvironmentProblem, match="belongs to another user"):
        compiled.load(TEXT.format(number=6.0))


def test_tampered_content_is_refused(folder: Path) -> None:
    text = TEXT.format(number=7.0)
    compiled.load(text)
    forget(text)
    (folder / compiled.key(text) / "kernel.py").write_text("raise SystemExit\n", encoding="utf-8")
    with pytest.raises(EnvironmentProblem, match="is not what corrin wrote"):
        compiled.load(text)


def test_where_nothing_can_be_written_it_compiles_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiled.tempfile, "NamedTemporaryFile", full)
    assert compiled.load(TEXT.format(number=8.0)).double(1.0) == 10.0
    assert "compiling in memory" in caplog.text
    assert list(folder.iterdir()) == []


def test_a_file_in_the_way_compiles_in_memory(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("not a folder", encoding="utf-8")
    assert compiled.load(TEXT.format(number=9.0)).double(1.0) == 11.0


def test_at_most_five_are_kept_the_newest_among_them(folder: Path) -> None:
    texts = [TEXT.format(number=20.0 + i) for i in range(compiled.KEPT + 3)]
    for age, text in enumerate(texts):
        compiled.load(text)
        os.utime(folder / compiled.key(text), (1e9 + age, 1e9 + age))
    compiled.load(TEXT.format(number=40.0))
    kept = {home.name for home in folder.iterdir()}
    assert len(kept) == compiled.KEPT
    assert compiled.key(TEXT.format(number=40.0)) in kept
    assert compiled.key(texts[0]) not in kept


def test_half_written_modules_are_not_in_the_way(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / ".new-abandoned").mkdir()
    assert compiled.load(TEXT.format(number=50.0)).double(0.0) == 50.0
