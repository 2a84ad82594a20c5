"""A run of many blocks in a folder: each block's rows in a Parquet file and its counts beside it, all of it or nothing, and taken up again.

    OUT/run.json              what is being run: design, people, seed, program, versions; written first
    OUT/readings/part-*.parquet   rows of one block
    OUT/blocks/part-*.npz     counts of one block and the hash of its rows; written after them, so that a block without one is not done
    OUT/report.txt, figures, answer.json   last; a folder with answer.json is whole

Every file is written under another name in the same folder, flushed to the disk, and renamed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corrin.errors import EnvironmentProblem, InputError

if TYPE_CHECKING:
    from corrin.answers.population_run import Counted, Job, Rows

RUN, MARK, ROWS, BLOCKS = "run.json", "answer.json", "readings", "blocks"
UNFINISHED = ".unfinished-"
EXTRA = "Rows are written with pyarrow, which is not installed. Install it with: pip install 'corrin[export]'."
HASH_OF_ROWS = "sha256"


@dataclass(frozen=True)
class Part:
    """A finished block as bytes: its rows (Parquet; empty where none are written) and its counts (npz)."""

    rows: bytes
    counts: bytes


def need_pyarrow() -> None:
    """Raises `EnvironmentProblem` naming the extra where pyarrow is missing."""
    try:
        import pyarrow.parquet  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        raise EnvironmentProblem(EXTRA) from None


def make(job: Job) -> Part:
    """Simulate a block and write it down as bytes; runs here or on another machine."""
    from corrin.answers.population_run import block

    counted, rows = block(job)
    written = b"" if rows is None else parquet(rows)
    return Part(written, pack(counted, hashlib.sha256(written).hexdigest()))


def parquet(rows: Rows) -> bytes:
    """Rows as a Parquet file. The same rows give the same bytes."""
    import pyarrow
    import pyarrow.parquet

    columns = dict(rows.columns)
    number = pyarrow.array(columns.pop("scenario"))
    arrays = {"scenario": pyarrow.DictionaryArray.from_arrays(number, list(rows.scenarios))}
    arrays |= {name: pyarrow.array(values) for name, values in columns.items()}
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(arrays), out, compression="zstd", compression_level=3)
    return out.getvalue()


def pack(counted: Counted, rows_hash: str) -> bytes:
    """Counts as bytes, with the hash of the rows they belong to."""
    import numpy as np

    out = io.BytesIO()
    held: Any = {**{name: getattr(counted, name) for name in counted.__dataclass_fields__}, HASH_OF_ROWS: np.array(rows_hash)}
    np.savez_compressed(out, **held)
    return out.getvalue()


def unpack(written: bytes) -> tuple[Counted, str]:
    """Counts and the hash of their rows. Raises `ValueError` for bytes that are not that."""
    import zipfile

    import numpy as np

    from corrin.answers.population_run import Counted

    try:
        with np.load(io.BytesIO(written), allow_pickle=False) as held:
            found: dict[str, Any] = {name: held[name] for name in held.files}
        rows_hash = str(found.pop(HASH_OF_ROWS))
        counts: Any = {name: int(value) if value.ndim == 0 else value for name, value in found.items()}
        return Counted(**counts), rows_hash
    except (OSError, KeyError, TypeError, zipfile.BadZipFile) as reason:
        raise ValueError(str(reason)) from None


@dataclass(frozen=True)
class Store:
    """The folder of one run."""

    folder: Path

    def place(self, number: int) -> tuple[Path, Path]:
        """Files of a block: rows and counts."""
        return self.folder / ROWS / f"part-{number:06d}.parquet", self.folder / BLOCKS / f"part-{number:06d}.npz"

    def done(self, number: int) -> Counted | None:
        """Counts of a finished block; None where it is not finished, or its rows are not the ones that were counted."""
        rows, counts = self.place(number)
        try:
            counted, rows_hash = unpack(counts.read_bytes())
            whole = hashlib.sha256(rows.read_bytes()).hexdigest() == rows_hash
        except (OSError, ValueError):
            return None
        return counted if whole else None

    def keep(self, number: int, part: Part) -> None:
        """Write a block: first its rows, then its counts."""
        rows, counts = self.place(number)
        write(rows, part.rows)
        write(counts, part.counts)


def write(path: Path, content: bytes) -> None:
    """Write beside the target, then rename. Raises `EnvironmentProblem`; nothing of it is left then."""
    beside = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise EnvironmentProblem(
            f"{path} could not be written: {error.strerror}. What is finished stays; the same command goes on from there."
        ) from error


@contextmanager
def opened(folder: Path, identity: Mapping[str, Any], resume: bool, say: Callable[[str], None]) -> Iterator[Store]:
    """The folder of a run, new or taken up again, held by this process alone.

    Raises `InputError` for a folder of something else or of another run, or with `resume` where there is none; `EnvironmentProblem` where
    it cannot be made.
    """
    wanted = json.dumps(identity, indent=1, sort_keys=True) + "\n"
    run = folder / RUN
    if folder.exists() and not folder.is_dir():
        raise InputError("--out", f"{folder} is no folder", "a new folder, or that of an earlier run")
    held = run.read_text("utf-8") if run.is_file() else None
    if held is None:
        some = [item.name for item in folder.iterdir() if not item.name.startswith(UNFINISHED)] if folder.is_dir() else []
        if some:
            raise InputError(
                "--out", f"{folder} holds something else ({some[0][:40]})", "a new folder, an empty one, or that of an earlier run"
            )
        if resume:
            raise InputError("--resume", f"{folder} holds no run", "the folder of a run that was begun")
    elif held != wanted:
        raise InputError("--out", f"{folder} holds another run: {_differs(held, identity)}", "the same design, people, seed and program",
                         "Take another folder, or remove this one.")  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if held is None:
            write(run, wanted.encode())
        for part in (folder / ROWS, folder / BLOCKS):
            part.mkdir(exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(f"{folder} cannot be made: {error.strerror}.") from error
    with _alone(run):
        for part in (folder, folder / ROWS, folder / BLOCKS):
            for left in part.glob(f"{UNFINISHED}*"):
                left.unlink(missing_ok=True)
        if held is not None:
            say(f"Going on with the run in {folder}.")
        yield Store(folder)


def _differs(held: str, identity: Mapping[str, Any]) -> str:
    """Which parts of a run are not the wanted ones."""
    try:
        earlier = json.loads(held)
        names = [name for name in identity if earlier.get(name) != identity[name]] if isinstance(earlier, dict) else []
    except ValueError:
        names = []
    return ", ".join(f"another {name}" for name in names) or "its run.json cannot be read"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a file for this process; the system lets go of it when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing is held
        yield
        return
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EnvironmentProblem(f"Another process is writing into {path.parent}.") from None
        yield
