"""Figures hold the data they were given and come out as PNG, SVG and HTML without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from corrin.answers.record import Forecast
from corrin.errors import InputError
from corrin.show import charts


@pytest.mark.parametrize("figure", charts.FIGURES)
def test_every_figure_is_valid_vega_lite(made_up_answer: Forecast, figure: str) -> None:
    chart = made_up_answer.plot(figure)
    assert chart.to_dict(validate=True)["title"]["text"] == charts.FIGURES[figure][0]


def test_axes_are_titled_with_units_and_relative_to_today(made_up_answer: Forecast) -> None:
    spec = charts.chart(made_up_answer.to_dict(), "labs")
    titles = [panel["title"]["text"] for panel in spec["concat"]]
    assert "Serum B12 (pmol/L)" in titles
    assert "Homocysteine (µmol/L)" in titles
    assert all(panel["layer"][0]["encoding"]["x"]["title"] == "months from today" for panel in spec["concat"])
    assert made_up_answer.as_of in spec["title"]["subtitle"][0]


def test_decades_get_a_log_axis(made_up_answer: Forecast) -> None:
    panels = {panel["title"]["text"]: panel for panel in charts.chart(made_up_answer.to_dict(), "labs")["concat"]}
    assert panels["Serum B12 (pmol/L)"]["layer"][0]["encoding"]["y"]["scale"]["type"] == "log"
    assert "type" not in panels["Homocysteine (µmol/L)"]["layer"][0]["encoding"]["y"]["scale"]


def test_a_score_never_gets_a_log_axis(made_up_answer: Forecast) -> None:
    band = {"unit": "points"}
    scale, _, _ = charts._vertical(band, [{"p05": 0.01, "p95": 20.0}], [], [])
    assert "type" not in scale
    scale, _, _ = charts._vertical({"unit": "nmol/L"}, [{"p05": 0.01, "p95": 20.0}], [], [])
    assert scale["type"] == "log"


def test_a_limit_only_is_a_triangle_and_a_threshold_a_labelled_line(made_up_answer: Forecast) -> None:
    panel = charts.chart(made_up_answer.to_dict(), "labs")["concat"][0]
    points = next(layer for layer in panel["layer"] if "shape" in layer["encoding"])
    assert points["data"]["values"][0]["shape"] == "at most"
    assert any(layer["encoding"].get("text") for layer in panel["layer"])


def test_many_doses_are_one_bar_and_few_are_ticks(made_up_answer: Forecast) -> None:
    marks = [layer["mark"] for layer in charts.chart(made_up_answer.to_dict(), "labs")["concat"][0]["layer"]]
    assert sum(mark["type"] == "tick" for mark in marks) == 1
    assert sum(mark.get("strokeDash") == [2, 1] for mark in marks) == 1


def test_files(made_up_answer: Forecast, tmp_path: Path) -> None:
    paths = charts.save(made_up_answer.to_dict(), tmp_path, ["blood"])
    assert [path.name for path in paths] == ["blood.png", "blood.svg", "blood.html"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert paths[1].read_text(encoding="utf-8").startswith("<svg")
    page = paths[2].read_text(encoding="utf-8")
    assert "<script src" not in page, "the page must hold its scripts itself"


def test_an_unknown_figure_names_the_known(made_up_answer: Forecast) -> None:
    with pytest.raises(InputError, match="overview, labs"):
        charts.chart(made_up_answer.to_dict(), "pie")


def test_notebooks_get_a_picture(made_up_answer: Forecast) -> None:
    assert made_up_answer._repr_html_().startswith("<svg")
