"""People held for the page: the same numbers as the library's own answers, and a preview that agrees with the full run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import corrin
from corrin.answers.kept import Kept
from corrin.answers.recognise import first_of_all
from corrin.case.plan import read_plan

CASE = {"format": "corrin.case/1", "id": "held", "person": {"age_y": 61, "sex": "female"}, "as_of": "day 0"}
DRAWS = 48
PLANS = ["bnf-hydroxocobalamin", "oral-1000-daily"]


@pytest.fixture(scope="module")
def kept() -> Kept:
    return Kept.learn(corrin.read_case(CASE), DRAWS, 3)


def test_the_forecast_is_that_of_the_library(kept: Kept) -> None:
    mine = kept.forecast(PLANS, 1.0)
    other = corrin.forecast(CASE, PLANS, years=1.0, draws=DRAWS, seed=3)
    for plan, same in zip(mine.plans, other.plans, strict=True):
        for name, band in plan.readings.items():
            np.testing.assert_allclose(band.p50, same.readings[name].p50, rtol=1e-9, err_msg=f"{plan.name} {name}")


def test_a_course_comes_with_how_soon_somebody_must_look(kept: Kept) -> None:
    """In the forecast among its warnings, in the comparison once, in its own first lines."""
    told = replace(kept, case=corrin.read_case({**CASE, "findings": [{"what": "tingling", "date": "0"}]}))
    assert [notice.text for notice in told.forecast(PLANS, 1.0).warnings if notice.code == "safety"] == list(first_of_all(told.case)) != []
    compared = told.compare(PLANS, 1.0)
    assert compared.first == first_of_all(told.case)
    assert "safety" not in {notice.code for notice in compared.forecast.warnings}


def test_the_comparison_is_that_of_the_library(kept: Kept) -> None:
    kept.forecast(PLANS, 1.0, hold=True)
    mine, other = kept.compare(PLANS, 1.0), corrin.compare(CASE, PLANS, years=1.0, draws=DRAWS, seed=3)
    assert mine.first == other.first
    assert {notice.code for notice in mine.forecast.warnings} == {notice.code for notice in other.forecast.warnings}
    assert mine.burdens == other.burdens
    assert mine.side_effects == other.side_effects
    assert mine.keep == other.keep
    for here, there in zip(mine.differences, other.differences, strict=True):
        np.testing.assert_allclose((here.p05, here.p50, here.p95), (there.p05, there.p50, there.p95), rtol=1e-9, atol=1e-12)
    assert kept._ran is None, "everybody's course is let go"


@pytest.mark.parametrize("name", PLANS)
def test_a_preview_of_everybody_agrees_with_the_full_run(kept: Kept, name: str) -> None:
    """Fewer people than the preview looks at: only the grid differs, and a coarser one must not be seen on a screen."""
    full = kept.forecast([name], 1.0).plans[0].readings
    seen = kept.preview(read_plan(name), 1.0)
    assert seen["people"] == DRAWS
    for reading in ("serum_b12", "mma", "homocysteine", "haemoglobin", "function_foot", "score"):
        band = full[reading]
        middle = np.interp(band.time_days, seen["readings"][reading]["time_days"], seen["readings"][reading]["p50"])
        scale = max(float(np.ptp(np.array([band.p05, band.p95]))), 1e-9)
        assert np.abs(middle - np.array(band.p50)).max() < 0.02 * scale, reading


def test_a_preview_begins_where_the_history_ended(kept: Kept) -> None:
    first = [kept.preview(read_plan(name), 0.5)["readings"]["store_mg"]["p50"][0] for name in ("none", *PLANS)]
    assert first[0] == pytest.approx(first[1]) == pytest.approx(first[2])
