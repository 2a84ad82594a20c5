"""docs/nerve-series.md says what its record says, the record rests on the model as it is, and nothing collected on nerves is left out."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

import nerve_checks
from corrin.facts.reader import sources

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "tests" / "nerve_rows.csv"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nerve_series_script", ROOT / "scripts" / "nerve_series.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_not_stale(script: ModuleType) -> None:
    record = json.loads(script.RECORD.read_text("utf-8"))
    assert script.stale(record, script.PAGE.read_text("utf-8")) == [], "run scripts/nerve_series.py"


def test_every_statistic_was_simulated_and_stands_on_the_page(script: ModuleType) -> None:
    names = [item.name for item in nerve_checks.statistics()]
    assert [row["name"] for row in json.loads(script.RECORD.read_text("utf-8"))["statistics"]] == names
    assert len(set(names)) == len(names)
    assert set(script.TITLES) == {item.series for item in nerve_checks.statistics()}


def test_every_row_of_the_evidence_has_a_check_or_a_reason() -> None:
    with ROWS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["row"] for row in rows}) == len(rows) > 260
    assert all(row["treatment"] and row["why"] for row in rows)
    checked = {row["row"] for row in rows if row["treatment"] == "checked"}
    assert checked == {row for item in nerve_checks.statistics() for row in item.rows}


def test_every_statistic_names_a_source() -> None:
    assert {item.source for item in nerve_checks.statistics()} - set(sources()) == set()


def test_a_reported_number_outside_is_said_to_be_outside(script: ModuleType) -> None:
    record = json.loads(script.RECORD.read_text("utf-8"))
    item = next(item for item in nerve_checks.statistics() if not item.ranged)
    row = next(row for row in record["statistics"] if row["name"] == item.name)
    assert "| inside |" in script.line(item, row | {"p05": item.observed - 1.0, "p95": item.observed + 1.0})
    assert "| **outside** |" in script.line(item, row | {"p05": item.observed + 1.0, "p95": item.observed + 2.0})
