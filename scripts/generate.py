"""Write what is generated from code and tables: the schemas and the reference pages. With --check: say what is stale, change nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def _schema(make: Callable[[], dict[str, object]]) -> str:
    return json.dumps(make(), indent=2, ensure_ascii=False) + "\n"


def _model(model: Any, title: str) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True), "title": title}
    return _schema(lambda: schema)


def files() -> dict[str, str]:
    """Path from the repository's root -> what must stand there."""
    from corrin.answers.check_population import PopulationCheck
    from corrin.answers.check_record import schema as check_schema
    from corrin.answers.design_question import Question
    from corrin.answers.population_record import schema as population_schema
    from corrin.answers.record import schema
    from corrin.answers.reference import commands_page, parameters_page, plans_page, products_page, readings_page, sources_page
    from corrin.answers.shapes import schemas as answer_schemas
    from corrin.answers.trial.document import schema_text as trial_schema
    from corrin.case.schemas import schema_texts
    from corrin.guides.page import guides_page
    from corrin.guides.schema import schema_text as guide_schema
    from corrin.shells.cli import command_help
    from corrin.studies.crowd import schema as population_design_schema
    from corrin.studies.schema import schema_text

    return {
        "schemas/answer.json": _schema(schema),
        "schemas/check.json": _schema(check_schema),
        "schemas/check-population.json": _schema(PopulationCheck.schema_of_json),
        **{f"schemas/{name}.json": json.dumps(made, indent=2, ensure_ascii=False) + "\n" for name, made in answer_schemas().items()},
        "schemas/design-question.json": _model(Question, "corrin.design-question/1: a question about the next study"),
        "schemas/guide.json": guide_schema(),
        "schemas/population.json": _schema(population_schema),
        "schemas/population-design.json": _schema(population_design_schema),
        "schemas/trial-design.json": trial_schema(),
        "schemas/study.json": schema_text(),
        **{f"schemas/{name}": text for name, text in schema_texts().items()},
        "docs/reference/commands.md": commands_page(command_help()),
        "docs/reference/guides.md": guides_page(),
        "docs/reference/parameters.md": parameters_page(),
        "docs/reference/plans.md": plans_page(),
        "docs/reference/products.md": products_page(),
        "docs/reference/readings.md": readings_page(),
        "docs/reference/sources.md": sources_page(),
    }


def main() -> int:
    """0 when all is fresh or written, 1 when --check found something stale."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, text in files().items():
        path = ROOT / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'stale' if check else 'written'}: {name}")
    if check and stale:
        print("run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
