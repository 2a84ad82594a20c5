"""Emitted source to a loaded, compiled program, through a cache that other people cannot write to.

Cache folder: `CORRIN_CACHE_DIR`, else the user's cache folder; never the temp folder. Mode 0700, owner checked. A program is named after
the hash of what its text depends on, the versions of numba, llvmlite and numpy, and the processor, so that one that is found needs no
text; what is kept is held against its own hash before it is loaded; at most 8 are kept. Where the folder cannot be written, the program is
compiled in memory and a note says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from corrin.engine import native
from corrin.errors import EnvironmentProblem

KEPT = 8
_log = logging.getLogger("corrin")


def cache_folder() -> Path:
    """Where compiled modules live."""
    named = os.environ.get("CORRIN_CACHE_DIR")
    if named:
        return Path(named).expanduser() / "kernels"
    import platformdirs

    return Path(platformdirs.user_cache_dir("corrin", appauthor=False)) / "kernels"


def _usable(folder: Path) -> bool:
    """True when the folder is ours alone; creates it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if hasattr(os, "getuid"):
            facts = folder.stat()
            if facts.st_uid != os.getuid():
                raise EnvironmentProblem(
                    f"The cache folder {folder} belongs to another user, so its compiled code is not trusted. "
                    "Set CORRIN_CACHE_DIR to a folder of your own."
                )
            if stat.S_IMODE(facts.st_mode) & 0o077:
                folder.chmod(0o700)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
        return True
    except OSError as reason:
        _log.warning("cache folder %s cannot be written (%s): compiling in memory, for this run only", folder, reason)
        return False


@dataclass(frozen=True)
class Program:
    """A compiled program: `call` as `native.callable_of` says, and what its text says of itself (the names in `FACTS` in lower case)."""

    call: Callable[..., int]
    facts: dict[str, Any]


FACTS = ("TAKES", "ROOM", "ORDER")
_loaded: dict[str, Program] = {}


def key(identity: str) -> str:
    """Name of a program: what its text depends on, versions and processor."""
    return "k" + hashlib.sha256("\0".join((identity, *_here())).encode()).hexdigest()[:24]


@cache
def _here() -> tuple[str, ...]:
    """What machine code depends on besides its program."""
    from importlib.metadata import version

    versions = (version(name) for name in ("numba", "llvmlite", "numpy"))
    return (*versions, platform.python_version(), platform.machine(), _processor())


def _processor() -> str:
    from llvmlite import binding

    return f"{binding.get_host_cpu_name()}:{hashlib.sha256(str(sorted(binding.get_host_cpu_features().items())).encode()).hexdigest()[:8]}"


def load(identity: str, text: Callable[[], str]) -> Program:
    """The program of a source, compiled now or found in the cache. `identity`: all that the text depends on; `text` makes it."""
    name = key(identity)
    if name in _loaded:
        return _loaded[name]
    folder = cache_folder()
    if _usable(folder):
        home = folder / name
        if not (home / "kernel.json").exists():
            source = text()
            _keep(folder, home, source, *_compile(name, source))
        code, facts = _kept(home)
        os.utime(home)
        _forget_old(folder, keep=name)
    else:
        code, facts = _compile(name, text())
    _loaded[name] = Program(native.callable_of(code, facts["entry"], facts["takes"]), facts)
    return _loaded[name]


def is_warm(identity: str) -> bool:
    """True when the machine code of this source is at hand."""
    name = key(identity)
    return name in _loaded or (cache_folder() / name / "kernel.json").is_file()


def _compile(name: str, text: str) -> tuple[bytes, dict[str, Any]]:
    module = native.executed(f"corrin_kernel_{name}", text)
    code, entry = native.compile_entry(module)
    facts = {fact.lower(): list(getattr(module, fact)) for fact in FACTS if hasattr(module, fact)}
    return code, {**facts, "entry": entry, "source": _hash(text.encode()), "code": _hash(code)}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _keep(folder: Path, home: Path, text: str, code: bytes, facts: dict[str, Any]) -> None:
    """Written apart and put in place whole."""
    fresh = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
    (fresh / "kernel.py").write_bytes(text.encode())
    (fresh / "kernel.o").write_bytes(code)
    (fresh / "kernel.json").write_text(json.dumps(facts), encoding="utf-8")
    try:
        fresh.rename(home)
    except OSError:  # another process was first
        shutil.rmtree(fresh, ignore_errors=True)


def _kept(home: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        code = (home / "kernel.o").read_bytes()
        facts: dict[str, Any] = json.loads((home / "kernel.json").read_text(encoding="utf-8"))
        whole = facts["source"] == _hash((home / "kernel.py").read_bytes()) and facts["code"] == _hash(code)
    except (OSError, ValueError, KeyError):
        whole = False
    if not whole:
        raise EnvironmentProblem(f"The compiled model in {home} is not what corrin wrote. Delete this folder and run again.")
    return code, facts


def _forget_old(folder: Path, keep: str) -> None:
    homes = sorted((h for h in folder.iterdir() if h.is_dir() and h.name.startswith("k")), key=lambda h: h.stat().st_mtime, reverse=True)
    for home in homes[KEPT:]:
        if home.name != keep:
            shutil.rmtree(home, ignore_errors=True)
