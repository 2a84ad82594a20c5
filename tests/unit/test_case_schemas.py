"""The schemas in the repository are those of the models."""

from __future__ import annotations

from pathlib import Path

import pytest

from corrin.case.schemas import schema_texts
from corrin.studies.schema import Study, schema_text

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", ["case.json", "plan.json", "study.json"])
def test_schema_is_fresh(name: str) -> None:
    wanted = {**schema_texts(), "study.json": schema_text()}[name]
    found = (SCHEMAS / name).read_text(encoding="utf-8")
    assert found == wanted, "stale: run `python -m corrin.case.schemas` and `python -m corrin.studies.schema`"


STUDY = {
    "format": "corrin.study/1", "key": "example2000", "citation": "Example 2000", "seen": "abstract", "design": "trial", "role": "fit",
    "population": {"description": "adults"},
    "arm": [{"name": "oral", "product": "cyanocobalamin-oral", "doses": [{"ug": 1000, "count": 3, "every_d": 2}],
             "outcome": [{"label": "B12", "unit": "pg/mL", "statistic": "mean", "time_d": [0, 120], "value": [93, None]}]}],
}  # fmt: skip


def test_study_shape() -> None:
    study = Study.model_validate(STUDY)
    assert study.arm[0].dose_list() == [(0.0, 1000.0), (2.0, 1000.0), (4.0, 1000.0)]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"value": [1.0]}, "entries"), ({"seen": "recalled"}, "never fitted"), ({"tolerance": 0.1}, "tolerance_assumed")],
)
def test_study_refuses(change: dict[str, object], words: str) -> None:
    outcome = {**STUDY["arm"][0]["outcome"][0], **change}  # type: ignore[index]
    broken = {**STUDY, "arm": [{**STUDY["arm"][0], "outcome": [outcome]}]}  # type: ignore[index]
    with pytest.raises(ValueError, match=words):
        Study.model_validate(broken)
