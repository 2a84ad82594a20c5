"""Figures of the next study: `courses` (what both alternatives predict, and when to measure) and `options` (cost and what it tells)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corrin.errors import InputError
from corrin.show.charts import GREY, PALETTE, VEGA_LITE
from corrin.show.words import plain_unit

Data = Mapping[str, Any]
Spec = dict[str, Any]
FIGURES = {"courses": "What both alternatives predict", "options": "What a study costs and tells"}


def chart(answer: Data, figure: str = "courses") -> Spec:
    """A Vega-Lite specification from the plain data of the answer."""
    if figure not in FIGURES:
        raise InputError("figure", repr(figure), f"one of {', '.join(FIGURES)}")
    asked = answer["asked"]
    lines = [asked.get("title") or asked["name"]]
    if figure == "courses":
        body = _courses(answer)
        lines.append(
            f"Line: mean over people. Band: 90 of 100 studies of {answer['best']['n']} people an arm. Diamond: a day the study measures."
        )
    else:
        body = _options(answer)
        lines.append("Mean probability the study gives to the alternative that holds; number: people an arm. Orange: the one recommended.")
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": FIGURES[figure], "subtitle": [*lines, answer["disclaimer"]], "anchor": "start", "fontSize": 16, "subtitleFontSize": 11,
            "subtitleColor": GREY, "offset": 14,
        },
        **body,
        "config": {
            "background": "white", "font": "sans-serif", "view": {"stroke": None},
            "axis": {
                "labelFontSize": 10, "titleFontSize": 11, "titleFontWeight": "normal", "gridColor": "#eeeeee", "domainColor": "#999999",
            },
            "legend": {"labelFontSize": 11, "orient": "top", "direction": "vertical", "labelLimit": 500},
        },
    }  # fmt: skip


def _courses(answer: Data) -> Spec:
    between = answer["asked"]["between"]
    words = (between["no"], between["yes"])
    panels = [_panel(course, words) for course in answer["courses"]]
    return {"columns": 1 if len(panels) == 1 else 2, "concat": panels, "spacing": 40}


def _panel(course: Data, words: tuple[str, str]) -> Spec:
    rows = [
        {
            "form": name, "day": day, "mean": course[key][k], "low": course[f"{key}_low"][k], "high": course[f"{key}_high"][k],
            "measured": day in course["chosen"],
        }
        for key, name in zip(("no", "yes"), words, strict=True)
        for k, day in enumerate(course["days"])
    ]  # fmt: skip
    scale: Spec = {"type": "log", "nice": False} if course["log"] else {"zero": False}
    x = {"field": "day", "type": "quantitative", "title": "days", "axis": {"tickCount": 6}, "scale": {"nice": False}}
    colour = {
        "field": "form", "type": "nominal", "title": None, "scale": {"domain": list(words), "range": [PALETTE[0], PALETTE[1]]},
    }  # fmt: skip

    def y(field: str) -> Spec:
        return {"field": field, "type": "quantitative", "scale": scale, "title": None, "axis": {"format": "~r", "tickCount": 6}}

    unit = plain_unit(course["unit"])
    return {
        "width": 340, "height": 220,
        "title": {"text": f"{course['label']}{', ' + unit if unit else ''} ({course['arm']})", "anchor": "start", "fontSize": 12},
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.18},
                "encoding": {"x": x, "y": y("low"), "y2": {"field": "high"}, "color": colour},
            },
            {"mark": {"type": "line", "strokeWidth": 2.2}, "encoding": {"x": x, "y": y("mean"), "color": colour}},
            {
                "transform": [{"filter": "datum.measured"}],
                "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 110, "opacity": 1},
                "encoding": {"x": x, "y": y("mean"), "color": colour},
            },
        ],
    }  # fmt: skip


def _options(answer: Data) -> Spec:
    rows = [
        {"cost": one["cost"], "right": 100 * one["right"], "n": one["n"], "kind": "recommended" if one == answer["best"] else "other"}
        for one in answer["options"]
    ]
    x = {"field": "cost", "type": "quantitative", "scale": {"type": "log"}, "title": "cost, units"}
    y = {"field": "right", "type": "quantitative", "scale": {"domain": [50, 100]}, "title": "given to the alternative that holds, %"}
    colours = {"domain": ["other", "recommended"], "range": [PALETTE[0], PALETTE[1]]}
    colour = {"field": "kind", "type": "nominal", "legend": None, "scale": colours}
    return {
        "width": 420, "height": 260, "data": {"values": rows},
        "layer": [
            {"mark": {"type": "line", "color": "#bbbbbb"}, "encoding": {"x": x, "y": y}},
            {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}, "encoding": {"x": x, "y": y, "color": colour}},
            {"mark": {"type": "text", "dy": -12}, "encoding": {"x": x, "y": y, "text": {"field": "n", "type": "quantitative"}}},
        ],
    }  # fmt: skip


def png(answer: Data, figure: str = "courses", scale: float = 2.0) -> bytes:
    """The figure as PNG, `scale` pixels a point."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE, scale=scale))


def svg(answer: Data, figure: str = "courses") -> str:
    """The figure as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE))


def save(answer: Data, folder: Path) -> list[Path]:
    """Write every figure as PNG and SVG into `folder`; returns the paths."""
    written = []
    for figure in FIGURES:
        for suffix, content in (("png", png(answer, figure)), ("svg", svg(answer, figure).encode("utf-8"))):
            path = folder / f"{figure}.{suffix}"
            path.write_bytes(content)
            written.append(path)
    return written
