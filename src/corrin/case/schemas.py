"""JSON Schemas of the formats, from the models: `python -m corrin.case.schemas [folder]` writes them; a test fails when they are stale."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from corrin.case.case import Case
from corrin.case.plan import Plan


def schema_texts() -> dict[str, str]:
    """File name and text of the schemas of case and plan."""
    found = {}
    titles = ((Case, "case", "corrin.case/1: one person at one moment"), (Plan, "plan", "corrin.plan/1: one way to go on"))
    for model, name, title in titles:
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True), "title": title}
        found[f"{name}.json"] = json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return found


def main(folder: str = "schemas") -> None:
    """Write the schemas into a folder."""
    for name, text in schema_texts().items():
        Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
