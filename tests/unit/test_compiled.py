"""The cache of compiled code: ours alone, named after its text, checked before it is loaded, never more than five."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from corrin.engine import compiled
from corrin.engine.emit.parts import PARTS
from corrin.errors import Bug, EnvironmentProblem

ARRAYS = PARTS[PARTS.index("def array(") : PARTS.index("PLAIN = dict(")]
TEXT = (
    '''"""A small program: the sum of an array, times a number."""
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

TAKES = ["values:double2", "times:int"]
'''
    + ARRAYS
    + """
def entry(table):
    t = ints(table, (1,))
    values = doubles(t[0], (t[1], t[2]))
    total = 0.0
    for i in range(t[1]):
        for j in range(t[2]):
            total += (j + 1) * values[i, j]
    return int(total) * t[3] + {number}
"""
)
WORK = np.zeros(1)


def load(text: str) -> compiled.Program:
    return compiled.load(text, lambda: text)


def result(text: str, *given: object) -> int:
    """What the program of a text makes of [[1, 2], [3, 4]] (weighted by column: 16) times 10."""
    values = given or (np.array([[1.0, 2.0], [3.0, 4.0]]), 10)
    return load(text).call(*values, WORK)


def source(number: int) -> str:
    return TEXT.replace("{number}", str(number))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CORRIN_CACHE_DIR", str(tmp_path / "cache"))
    before = set(compiled._loaded)
    yield tmp_path / "cache" / "kernels"
    for name in set(compiled._loaded) - before:
        del compiled._loaded[name]


def forget(text: str) -> None:
    compiled._loaded.pop(compiled.key(text), None)


def test_folder_is_ours_alone(folder: Path) -> None:
    assert result(source(1)) == 161
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_open_folder_is_closed(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    load(source(2))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_module_is_found_again(folder: Path) -> None:
    text = source(3)
    assert not compiled.is_warm(text)
    assert result(text) == 163
    assert compiled.is_warm(text)
    forget(text)
    assert compiled.is_warm(text)
    assert result(text) == 163
    assert [home.name for home in folder.iterdir()] == [compiled.key(text)]


def test_another_text_is_another_module(folder: Path) -> None:
    assert compiled.key(source(4)) != compiled.key(source(5))


def test_a_foreign_owner_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True)
    real = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: real + 1)
    with pytest.raises(EnvironmentProblem, match="belongs to another user"):
        load(source(6))


def test_tampered_content_is_refused(folder: Path) -> None:
    text = source(7)
    load(text)
    forget(text)
    (folder / compiled.key(text) / "kernel.py").write_text("raise SystemExit\n", encoding="utf-8")
    with pytest.raises(EnvironmentProblem, match="is not what corrin wrote"):
        load(text)


@pytest.mark.parametrize("part", ["kernel.o", "kernel.json"])
def test_cut_off_machine_code_is_refused_and_says_what_to_delete(folder: Path, part: str) -> None:
    text = source(70)
    load(text)
    forget(text)
    file = folder / compiled.key(text) / part
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(EnvironmentProblem, match=str(file.parent)):
        load(text)


def test_what_does_not_fit_is_refused_before_it_is_run(folder: Path) -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert result(source(71), values, 1) == int((values * [1, 2, 3, 4]).sum()) + 71
    for wrong in (values[:, ::2], values.astype(np.float32), values[0], values.T):
        with pytest.raises(Bug, match="takes values as a contiguous array"):
            result(source(71), wrong, 1)
    with pytest.raises(Bug, match="takes 3 arguments"):
        load(source(71)).call(values, 1)


def test_what_is_in_the_cache_runs_without_numba(folder: Path) -> None:
    text = source(72)
    load(text)
    program = (
        "import sys, numpy as np\n"
        "from corrin.engine import compiled\n"
        f"print(compiled.load({text!r}, str).call(np.array([[1.0, 2.0], [3.0, 4.0]]), 10, np.zeros(1)), 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["232", "False"]


def test_where_nothing_can_be_written_it_compiles_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiled.tempfile, "NamedTemporaryFile", full)
    assert result(source(8)) == 168
    assert "compiling in memory" in caplog.text
    assert list(folder.iterdir()) == []


def test_a_file_in_the_way_compiles_in_memory(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("not a folder", encoding="utf-8")
    assert result(source(9)) == 169


def test_at_most_five_are_kept_the_newest_among_them(folder: Path) -> None:
    texts = [source(20 + i) for i in range(compiled.KEPT + 3)]
    for age, text in enumerate(texts):
        load(text)
        os.utime(folder / compiled.key(text), (1e9 + age, 1e9 + age))
    load(source(40))
    kept = {home.name for home in folder.iterdir()}
    assert len(kept) == compiled.KEPT
    assert compiled.key(source(40)) in kept
    assert compiled.key(texts[0]) not in kept


def test_half_written_modules_are_not_in_the_way(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / ".new-abandoned").mkdir()
    assert result(source(50)) == 210
