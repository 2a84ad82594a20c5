"""An answer as a folder: report.txt, answer.json, a table (courses.csv, points.csv) and the figures. All of it or nothing."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from corrin.answers.record import Forecast
from corrin.errors import EnvironmentProblem, InputError

if TYPE_CHECKING:
    from corrin.answers.check_record import Check
    from corrin.answers.compare_record import Compare
    from corrin.answers.delay import DelayAnswer
    from corrin.answers.recover import RecoverAnswer
    from corrin.answers.stop import Stop

MARK = "answer.json"


def check_target(folder: Path) -> None:
    """Refuse, before any work, to replace a folder that is not an earlier answer."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file())):
        raise InputError("--out", f"{folder} exists and is not an answer of corrin", "a new folder, an empty one or an earlier answer")
    above = folder.absolute().parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise InputError("--out", f"{above} is not a folder", "a folder that can be made")
    try:
        Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=above)).rmdir()
    except OSError as error:
        raise EnvironmentProblem(f"The answer cannot be written to {folder}: {above}: {error.strerror}.") from error


def write_answer(answer: Forecast, folder: Path) -> None:
    """A forecast with its courses and figures."""
    from corrin.show.charts import save

    _write(answer, answer.text(), {"courses.csv": _table(answer.to_frame())}, save, folder)


def write_compare(answer: Compare, folder: Path) -> None:
    """A comparison of plans with its courses and figures."""
    from corrin.show.compare_charts import save

    _write(answer, answer.text(), {"courses.csv": _table(answer.forecast.to_frame())}, save, folder)


def write_stop(answer: Stop, folder: Path) -> None:
    """A plan that is stopped, with its course and figures."""
    from corrin.show.stop_charts import save

    _write(answer, answer.text(), {"courses.csv": _table(answer.forecast.to_frame())}, save, folder)


def write_recover(answer: RecoverAnswer, folder: Path) -> None:
    """What comes back, with the picture of the nerves."""
    from corrin.show.nerve_picture import save

    _write(answer, answer.text(), {}, save, folder)


def write_delay(answer: DelayAnswer, folder: Path) -> None:
    """What waiting costs, with its chart."""
    from corrin.show.delay_charts import save

    _write(answer, answer.text(), {}, save, folder)


def write_check(answer: Check, folder: Path) -> None:
    """A check of studies with its points and figures."""
    from corrin.show.check_charts import save

    _write(answer, answer.text(), {"points.csv": _table(answer.to_frame())}, save, folder)


def write_again(answer: Any, folder: Path) -> None:
    """An answer made again, of whatever kind, as its own command writes it; those that come at once have words and data only."""
    kinds: dict[str, Callable[[Any, Path], None]] = {
        "corrin.answer/1": write_answer, "corrin.compare/1": write_compare, "corrin.stop/1": write_stop, "corrin.recover/1": write_recover,
        "corrin.delay/1": write_delay,
    }  # fmt: skip
    kind = kinds.get(str(answer.to_dict()["format"]))
    if kind is not None:
        kind(answer, folder)
        return
    _write(answer, answer.text(), {}, lambda data, made: None, folder)


class _Plain(Protocol):
    """An answer that can be written down as plain data."""

    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...


def _write(answer: _Plain, report: str, tables: dict[str, str], figures: Callable[[dict[str, Any], Path], object], folder: Path) -> None:
    """Write beside the target, then rename: who looks sees the old answer or the new one, never half of one."""
    check_target(folder)
    folder = folder.absolute()
    made: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        (made / "report.txt").write_text(report, encoding="utf-8")
        for name, text in tables.items():
            (made / name).write_text(text, encoding="utf-8")
        figures(answer.to_dict(), made)
        (made / MARK).write_text(answer.to_json(), encoding="utf-8")
        made.chmod(0o755 & ~_umask())
        if folder.exists():
            old = made.with_name(made.name + "-old")
            folder.rename(old)
            made.rename(folder)
            shutil.rmtree(old)
        else:
            made.rename(folder)
    except OSError as error:
        raise EnvironmentProblem(f"The answer could not be written to {folder}: {error.strerror}.") from error
    finally:
        if made is not None and made.exists():
            shutil.rmtree(made, ignore_errors=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _table(frame: dict[str, list[Any]]) -> str:
    """Columns as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame)
    for row in zip(*frame.values(), strict=True):
        writer.writerow(f"{value:.6g}" if isinstance(value, float) else value for value in row)
    return text.getvalue()
