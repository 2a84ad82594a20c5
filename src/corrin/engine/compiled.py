"""Emitted source to a loaded, compiled module, through a cache that other people cannot write to.

Cache folder: `CORRIN_CACHE_DIR`, else the user's cache folder; never the temp folder. Mode 0700, owner checked. A module is named after
the hash of its text, the versions of numba, llvmlite and numpy, and the processor; its content is compared before import; at most 5 are
kept. Where the folder cannot be written, the module is compiled in memory and a note says so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import platform
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from corrin.errors import EnvironmentProblem

KEPT = 5
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


def key(text: str) -> str:
    """Name of a module: text, versions and processor."""
    import llvmlite
    import numba
    import numpy

    parts = (text, numba.__version__, llvmlite.__version__, numpy.__version__, platform.python_version(), platform.machine(), _processor())
    return "k" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _processor() -> str:
    from llvmlite import binding

    return f"{binding.get_host_cpu_name()}:{hashlib.sha256(str(sorted(binding.get_host_cpu_features().items())).encode()).hexdigest()[:8]}"


def load(text: str) -> ModuleType:
    """The module of this source, compiled now or found in the cache."""
    name = key(text)
    loaded = sys.modules.get(f"corrin_kernel_{name}")
    if loaded is not None:
        return loaded
    folder = cache_folder()
    if not _usable(folder):
        return _in_memory(name, text)
    home = folder / name
    path = home / "kernel.py"
    if not path.exists():
        fresh = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
        (fresh / "kernel.py").write_text(text, encoding="utf-8")
        try:
            fresh.rename(home)
        except OSError:  # another process was first
            shutil.rmtree(fresh, ignore_errors=True)
    if path.read_text(encoding="utf-8") != text:
        raise EnvironmentProblem(f"The cached module {path} is not what corrin wrote. Delete the folder {home} and run again.")
    os.utime(home)
    _forget_old(folder, keep=name)
    return _import(name, path)


def is_warm(text: str) -> bool:
    """True when the machine code of this source is in the cache."""
    home = cache_folder() / key(text)
    return home.is_dir() and any(home.glob("__pycache__/*.nbc"))


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"corrin_kernel_{name}", path)
    if spec is None or spec.loader is None:
        raise EnvironmentProblem(f"The cached module {path} cannot be loaded. Delete the folder {path.parent} and run again.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _in_memory(name: str, text: str) -> ModuleType:
    module = ModuleType(f"corrin_kernel_{name}")
    exec(compile(text.replace(", cache=True", ""), module.__name__, "exec"), module.__dict__)
    sys.modules[module.__name__] = module
    return module


def _forget_old(folder: Path, keep: str) -> None:
    homes = sorted((h for h in folder.iterdir() if h.is_dir() and h.name.startswith("k")), key=lambda h: h.stat().st_mtime, reverse=True)
    for home in homes[KEPT:]:
        if home.name != keep:
            shutil.rmtree(home, ignore_errors=True)
