"""How an answer was made, for answers that come at once: enough to make it again. No array library is needed here."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

TABLES = (".csv", ".toml", ".json")


def input_hash(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of the inputs as canonical JSON."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def machine() -> str:
    """The kind of machine an answer was made on."""
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"


@cache
def tables_hash(package: str) -> str:
    """First 16 digits of the SHA-256 of every table of a package, names and contents."""
    found = hashlib.sha256()
    for name, item in sorted(_tables(files(package), "")):
        found.update(name.encode() + b"\0" + item.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def _tables(folder: Traversable, before: str) -> list[tuple[str, Traversable]]:
    found = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _tables(item, f"{before}{item.name}/")
        elif item.name.endswith(TABLES):
            found.append((before + item.name, item))
    return found


def at_once(inputs: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`made` and `inputs` of an answer that is looked up: nothing is drawn, so there is no seed that matters."""
    from corrin.version import __version__

    return {
        "made": {
            "versions": {"corrin": __version__},
            "hashes": {"facts": tables_hash("corrin.facts"), "guides": tables_hash("corrin.guides")},
            "options": dict(options or {}), "seed": None, "draws": 0, "input_hash": input_hash(inputs), "platform": machine(),
        },
        "inputs": dict(inputs),
    }  # fmt: skip
