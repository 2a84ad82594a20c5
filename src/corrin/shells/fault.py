"""What is written down when corrin itself fails: where, and with which versions. Never a value, for a value may be a patient's."""

from __future__ import annotations

import datetime
import platform
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs


def report_fault(error: BaseException) -> str:
    """Write the report and return the sentence for the user. Where it cannot be written, the sentence holds it."""
    text = fault_text(error)
    folder = Path(platformdirs.user_log_dir("corrin", appauthor=False))
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%f")
    path = folder / f"fault-{stamp}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text, encoding="utf-8")
        where = f"A report without any patient data is in {path}"
    except OSError:
        where = f"A report without any patient data:\n{text}"
    return f"corrin: this is our fault, not yours ({type(error).__name__}). {where}"


def fault_text(error: BaseException) -> str:
    """Versions, kinds of error, and the lines of code passed through: no message and no local value."""
    lines = [f"corrin {_version('corrin')}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"]
    lines.append(", ".join(f"{name} {_version(name)}" for name in ("numpy", "numba", "scipy", "pydantic", "typer", "altair")))
    link: BaseException | None = error
    while link is not None:
        lines += ["", type(link).__name__]
        lines += [f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(link.__traceback__)]
        link = link.__cause__ or link.__context__
    return "\n".join(lines) + "\n"


def _short(filename: str) -> str:
    """A path from the package on: what lies before tells who runs it."""
    parts = Path(filename).parts
    for anchor in ("corrin", "site-packages"):
        if anchor in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(anchor) :])
    return parts[-1] if parts else filename


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
