"""What results changed is shown where there is something to show: in text, figures and record. Contradictions name what to consider."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import altair
import numpy as np
import pytest

import synthetic
from corrin.answers import assemble
from corrin.answers.computed import Before, Course, Unknown
from corrin.answers.contradiction import contradiction, misfits
from corrin.answers.record import Forecast
from corrin.case.case import Case
from corrin.case.reader import read_case
from corrin.case.timeline import Observation
from corrin.errors import Bug
from corrin.facts import misfits as table
from corrin.facts.reader import sources
from corrin.show import charts, width_chart

DRAWS = 200


def learning(what: str = "no-results", wider: float = 3.0) -> Forecast:
    """The made-up answer with a `before` three times as wide (on the logarithm) under its first plan, and two unknowns."""
    computed = synthetic.computed(DRAWS)
    first = computed.futures["no_treatment"]

    def wide(values: np.ndarray) -> np.ndarray:
        middle = np.exp(np.mean(np.log(np.maximum(values, 1e-3)), axis=0))
        return middle * (np.maximum(values, 1e-3) / middle) ** wider

    course = Course(first.time_days, {name: wide(np.asarray(values)) for name, values in first.values.items()})
    z = np.log(np.asarray(computed.past.values["mma"])[:, -1])
    z = (z - z.mean()) / z.std()
    cause = (np.arange(DRAWS) % 4 == 0).astype(float)
    prior = np.array([-1.645, 0.0, 1.645])
    unknowns = {
        "production": Unknown("Production of the acid", "1", "person", 0.2, 0.3 * z + 1.5, np.exp(0.3 * z), np.exp(prior)),
        "cause": Unknown("which cause", "", "history", 0.0, z, cause, np.array([0.2, 0.8]), levels=("no cause", "a cause")),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assemble, "_laboratory_scatter", lambda readings: {"serum_b12": 0.23, "mma": 0.23, "homocysteine": 0.17})
        patch.setattr(assemble, "_thresholds", lambda readings: {})
        person = assemble.Subject("someone", "2026-11-01", added=("MMA 900 nmol/L",), question="update")
        given = [assemble.Intended("no_treatment", "No treatment", "Nothing is given.")]
        before = Before(what, np.ones(DRAWS), {"no_treatment": course}, None if what == "no-results" else 150.0)
        held = replace(computed, weights=np.ones(DRAWS), before=before, unknowns=unknowns, futures={"no_treatment": first})
        return assemble.assemble(person, given, held, assemble.Options(2.0, DRAWS, 1))


def test_bands_before_and_now_stand_side_by_side() -> None:
    answer = learning()
    plan = answer.plans[0]
    assert plan.before["mma"].time_days == plan.readings["mma"].time_days
    moved = {(item.reading, item.plan): item for item in answer.moved}
    # Widened by a power of three is a third of the width, on the logarithm; the made-up past and future are of different draws.
    assert moved["mma", ""].width == pytest.approx(1 / 3, rel=0.15)
    assert answer.today[2].before is not None
    assert sum(plan.interval_from["mma"].model_dump(exclude={"explained"}).values()) == pytest.approx(1.0)


def test_the_report_says_what_changed_and_what_was_learned() -> None:
    flat = " ".join(learning().text().split())
    for said in ("What the results changed", "37 % of before", "by the history alone", "Production of the acid", "a cause 80 % 25 %",
                 "Where the width of a range comes from"):  # fmt: skip
        assert said in flat, said
    updated = " ".join(learning("earlier-results").text().split())
    assert "What these results changed" in updated
    assert "Added: MMA 900 nmol/L." in updated


def test_results_that_change_nothing_are_said_to() -> None:
    assert "no main reading moved notably" in learning(wider=1.0).text()


def test_an_answer_without_results_shows_none_of_it(made_up_answer: Forecast) -> None:
    assert made_up_answer.before == ""
    assert "results changed" not in made_up_answer.text()
    assert width_chart.NAME not in charts.available(made_up_answer.to_dict())


@pytest.mark.parametrize("figure", ["labs", "nerves", "width"])
def test_figures_are_valid_and_hold_the_band_before(figure: str) -> None:
    data = learning().to_dict()
    spec = charts.chart(data, figure)
    altair.Chart.from_dict(spec)
    if figure == "width":
        today = spec["vconcat"][0]["data"]["values"]
        assert sum(row["share"] for row in today if row["reading"] == "Methylmalonic acid") == pytest.approx(100.0, abs=0.01)
    else:
        domain = spec["concat"][0]["layer"][0]["encoding"]["color"]["scale"]["domain"]
        assert domain[-1] == "before the results (No treatment)"


def test_shapes_that_do_not_fit_are_our_fault() -> None:
    computed = synthetic.computed(DRAWS)
    wrong = Unknown("x", "", "person", 0.0, np.zeros(3), np.zeros(3), np.zeros(3))
    with pytest.raises(Bug, match="shape"):
        assemble._check_shapes(replace(computed, unknowns={"x": wrong}), list(computed.futures))


def people(**readings: float) -> Any:
    """Draws that all read the same."""
    values = np.tile(np.array(list(readings.values())), (4, 1, 1))
    return SimpleNamespace(
        count=4, weights=np.ones(4), history=SimpleNamespace(row_of={0.0: np.zeros(4, int)}),
        run=SimpleNamespace(failed=np.zeros(4, bool), readings=values),
    )  # fmt: skip


def case() -> Case:
    return read_case({
        "format": "corrin.case/1", "person": {"age_y": 60}, "as_of": "day 0",
        "labs": [{"analyte": "mma", "value": 4000, "unit": "nmol/L"}, {"analyte": "serum_b12", "value": 600, "unit": "pmol/L"}],
        "findings": [{"what": "vision", "severity": "severe"}],
    })  # fmt: skip


def lab(number: int, reading: str, value: float, comparator: str = "=") -> Observation:
    return Observation(0.0, reading, value, comparator, 0.23, f"labs[{number}]")


def test_two_results_that_exclude_each_other_are_named_with_what_would_explain_them() -> None:
    seen = [lab(0, "mma", 4000.0), lab(1, "serum_b12", 600.0)]
    said = contradiction(case(), misfits(seen, people(mma=300.0, serum_b12=450.0), ["mma", "serum_b12"]))
    assert "methylmalonic acid 4000 nmol/L together with serum vitamin B12 600 pmol/L" in said
    assert f"{np.log(4000 / 300) / 0.23:.1f} of its own variations above" in said
    for cause in ("kidney function", "nitrous oxide", "assay interference"):
        assert cause in said


def test_what_lies_below_has_causes_of_its_own() -> None:
    seen = [lab(1, "serum_b12", 100.0)]
    said = contradiction(case(), misfits(seen, people(serum_b12=450.0), ["serum_b12"]))
    assert "below what the model expects" in said
    assert "haptocorrin" in said
    assert "the rest" in said


def test_a_limit_is_off_only_on_its_wrong_side() -> None:
    for comparator, value, far in (("<", 150.0, True), ("<", 900.0, False), (">", 900.0, True), (">", 150.0, False)):
        found = misfits([lab(0, "mma", value, comparator)], people(mma=400.0), ["mma"])
        assert found[0].far == far


def test_a_finding_nobody_drawn_would_have_contradicts() -> None:
    seen = [Observation(0.0, "symptom_vision", 1.0, "=", 0.0, "findings[0]", "present")]
    said = contradiction(case(), misfits(seen, people(symptom_vision=0.001), ["symptom_vision"]))
    assert "vision, severe" in said
    assert "2 of 100" in said
    assert "optic nerve" in said
    assert contradiction(case(), misfits(seen, people(symptom_vision=0.2), ["symptom_vision"])) == ""


def test_the_table_of_misfits_names_known_sources_and_readings() -> None:
    from corrin.answers.explain import readings

    for (reading, _), row in table.misfits().items():
        assert reading in readings(), reading
        assert set(row.sources) <= set(sources()), row
        assert row.consider
