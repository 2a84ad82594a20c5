"""Print the part of requirements.lock that running corrin needs (without the developers' tools), hashes and all."""

from __future__ import annotations

import re
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"


def needed(name: str, extra: str = "", found: set[str] | None = None) -> set[str]:
    """Names of everything `name` asks for, and what that asks for, on this machine."""
    found = set() if found is None else found
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        key = canonicalize_name(requirement.name)
        if key not in found:
            found.add(key)
            for wanted in ("", *requirement.extras):
                needed(requirement.name, wanted, found)
    return found


def main() -> int:
    """Write the entries to stdout; 1 when the lock lacks one."""
    entries = {canonicalize_name(entry.split("==")[0]): entry for entry in re.split(r"\n(?=\S)", LOCK.read_text(encoding="utf-8").strip())}
    names = needed("corrin")
    missing = sorted(names - entries.keys())
    if missing:
        print(f"requirements.lock lacks {', '.join(missing)}; run scripts/lock.sh", file=sys.stderr)
        return 1
    print("\n".join(entries[name] for name in sorted(names)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
