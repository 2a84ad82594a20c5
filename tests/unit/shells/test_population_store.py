"""Runs in a folder: killed anywhere, they go on to the same bytes; full disks, strangers' folders; a cluster that loses a worker."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")
from corrin.answers import population_run as run
from corrin.errors import EnvironmentProblem, InputError
from corrin.shells import population as shell
from corrin.shells import store
from corrin.studies.crowd import Design, read_design

DESIGN = {
    "format": "corrin.population-design/1", "name": "small", "years": 2.0, "replicates": 2,
    "scenario": [{"name": "today"}, {"name": "flour", "fortification": {"ug_per_100g": 2.0, "eaten_g_d": 75.0}}],
}  # fmt: skip
PEOPLE, BLOCKS = 80, 5


class Killed(BaseException):
    """Stands for a process that ends without cleaning up."""


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    """Small blocks, and replicates straight from the facts: leading them to the survey takes seconds."""
    run._READY.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "BLOCK", PEOPLE // BLOCKS)
        run.ready(read_design(DESIGN).to_dict(), 1, {})
        yield
    run._READY.clear()


@pytest.fixture(scope="module")
def design() -> Design:
    return read_design(DESIGN)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, design: Design) -> Path:
    folder = tmp_path_factory.mktemp("population") / "whole"
    shell.answer(design, PEOPLE, 1, folder)
    return folder


@pytest.fixture
def whole(done: Path, tmp_path: Path) -> dict[str, bytes]:
    """A finished run, and a copy of it to spoil in tmp_path/whole."""
    shutil.copytree(done, tmp_path / "whole")
    return bytes_of(done)


def test_a_folder_holds_rows_counts_and_the_answer(tmp_path: Path, design: Design, whole: dict[str, bytes]) -> None:
    import pyarrow.parquet

    assert {"answer.json", "report.txt", "population.png", "run.json"} <= set(whole)
    table = pyarrow.parquet.read_table(tmp_path / "whole" / "readings")
    assert table.num_rows == PEOPLE * 2 * 3
    keys = set(zip(table["scenario"].to_pylist(), table["person"].to_pylist(), table["time_days"].to_pylist(), strict=True))
    assert len(keys) == table.num_rows
    assert set(table["person"].to_pylist()) == set(range(PEOPLE))


@pytest.mark.parametrize("step", [0, 1, 2, 6, 12, 14])
@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_it_goes_on_to_the_same_bytes(
    tmp_path: Path, design: Design, monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes], step: int, after: bool
) -> None:
    """The process ends at the step-th rename, before or after it."""
    folder, calls, rename = tmp_path / "cut", [0], os.replace

    def cut(source: Any, target: Any) -> None:
        if after:
            rename(source, target)
        if calls[0] == step:
            raise Killed
        calls[0] += 1
        if not after:
            rename(source, target)

    monkeypatch.setattr(store.os, "replace", cut)
    with pytest.raises(Killed):
        shell.answer(design, PEOPLE, 1, folder)
    assert (after and step == 14) or not (folder / "answer.json").exists()
    monkeypatch.setattr(store.os, "replace", rename)
    shell.answer(design, PEOPLE, 1, folder)
    assert bytes_of(folder) == whole


def test_killed_for_real(tmp_path: Path, design: Design, whole: dict[str, bytes]) -> None:
    """SIGKILL while blocks are being written."""
    script = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from corrin.answers import population_run as run
        from corrin.shells import population as shell, store
        from corrin.studies.crowd import read_design
        run.BLOCK = {PEOPLE // BLOCKS}
        design = read_design({DESIGN!r})
        run.ready(design.to_dict(), 1, {{}})
        keep = store.Store.keep
        def last(self, number, part):
            if number >= 2:
                rows, counts = self.place(number)
                rows.with_name(store.UNFINISHED + rows.name).write_bytes(part.rows[:100])
                os.kill(os.getpid(), signal.SIGKILL)
            keep(self, number, part)
        store.Store.keep = last
        shell.answer(design, {PEOPLE}, 1, Path({str(tmp_path / "cut")!r}))
    """)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=300)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert not (tmp_path / "cut" / "answer.json").exists()
    shell.answer(design, PEOPLE, 1, tmp_path / "cut", resume=True)
    assert bytes_of(tmp_path / "cut") == whole


def test_rows_that_were_changed_are_made_again(tmp_path: Path, design: Design, whole: dict[str, bytes]) -> None:
    part = tmp_path / "whole" / "readings" / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:-7])
    shell.answer(design, PEOPLE, 1, tmp_path / "whole")
    assert bytes_of(tmp_path / "whole") == whole


def test_another_run_is_not_taken_up(tmp_path: Path, design: Design, whole: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="another seed"):
        shell.answer(design, PEOPLE, 2, tmp_path / "whole")
    with pytest.raises(InputError, match="another people"):
        shell.answer(design, PEOPLE + 1, 1, tmp_path / "whole", resume=True)
    with pytest.raises(InputError, match="another design"):
        shell.answer(read_design(DESIGN | {"years": 3.0}), PEOPLE, 1, tmp_path / "whole")
    assert bytes_of(tmp_path / "whole") == whole


def test_a_folder_of_something_else_stays_as_it_is(tmp_path: Path, design: Design) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        shell.answer(design, PEOPLE, 1, tmp_path)
    assert bytes_of(tmp_path) == {"mine.txt": b"mine"}
    with pytest.raises(InputError, match="no run"):
        shell.answer(design, PEOPLE, 1, tmp_path / "new", resume=True)


def test_two_processes_do_not_share_a_folder(tmp_path: Path, design: Design) -> None:
    pytest.importorskip("fcntl")
    identity = {"design": design.to_dict()}
    with store.opened(tmp_path / "one", identity, False, print), pytest.raises(EnvironmentProblem, match="Another process"):  # noqa: SIM117
        with store.opened(tmp_path / "one", identity, False, print):
            pass


def test_a_full_disk_is_said_and_nothing_half_written_stays(tmp_path: Path, design: Design, whole: dict[str, bytes]) -> None:
    """A limit on the size of files stands for the disk: writing fails in the middle of the file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = len(whole["readings/part-000000.parquet"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    try:
        with pytest.raises(EnvironmentProblem, match="could not be written") as caught:
            shell.answer(design, PEOPLE, 1, tmp_path / "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit_code == 5
    left = bytes_of(tmp_path / "full")
    assert set(left) == {"run.json"}
    shell.answer(design, PEOPLE, 1, tmp_path / "full")
    assert bytes_of(tmp_path / "full") == whole


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, design: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(EnvironmentProblem, match=r"corrin\[export\]"):
        shell.answer(design, PEOPLE, 1, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("address", ["here", "tcp://", ""])
def test_an_address_that_is_none(address: str) -> None:
    pytest.importorskip("distributed")
    from corrin.shells.cluster import run_blocks

    with pytest.raises(InputError, match="--cluster"):
        list(run_blocks(str, [(0, 1)], address))


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(tmp_path: Path, design: Design, whole: dict[str, bytes]) -> None:
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's own, about ports and processes that end
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=50
        ) as cluster:
            victim = [True]
            keep = store.Store.keep

            def kill_one(self: store.Store, number: int, part: store.Part) -> None:
                if victim:
                    victim.clear()
                    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
                keep(self, number, part)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(store.Store, "keep", kill_one)
                shell.answer(design, PEOPLE, 1, tmp_path / "cluster", cluster=cluster.scheduler_address)
    assert not victim
    assert bytes_of(tmp_path / "cluster") == whole
