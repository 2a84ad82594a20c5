"""What kind of document a path holds, from its first bytes: nothing is loaded to find out."""

from __future__ import annotations

from pathlib import Path

SNIFFED = 2**16


def is_fhir(path: Path) -> bool:
    """Whether a file or folder is FHIR by what is in it: NDJSON, a folder of such, or JSON with a `resourceType`."""
    try:
        if path.is_dir():
            return any(item.suffix.lower() in (".json", ".ndjson", ".jsonl") for item in path.iterdir())
        if path.suffix.lower() in (".ndjson", ".jsonl"):
            return True
        if path.suffix.lower() == ".toml" or not path.is_file():
            return False
        with path.open("rb") as opened:
            head = opened.read(SNIFFED)
    except (OSError, ValueError):
        return False
    return b'"resourceType"' in head and b'"corrin.case/' not in head
