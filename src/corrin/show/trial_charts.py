"""Figures of a virtual trial: `courses` (each reading in each arm) and `power` (each effect, and how often a trial shows it)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corrin.errors import InputError
from corrin.show.charts import GREY, PALETTE, VEGA_LITE
from corrin.show.words import plain_unit

Data = Mapping[str, Any]
Spec = dict[str, Any]
FIGURES = {"courses": "What happens in each arm", "power": "How often a trial of this size shows it"}
LOGARITHMIC = ("nmol/L", "pmol/L", "umol/L")


def chart(answer: Data, figure: str = "courses") -> Spec:
    """A Vega-Lite specification from the plain data of a trial's answer."""
    if figure not in FIGURES:
        raise InputError("figure", repr(figure), f"one of {', '.join(FIGURES)}")
    body = _courses(answer) if figure == "courses" else _power(answer)
    name = answer["design"].get("title") or answer["design"]["name"]
    lines = {
        "courses": ["Line: median of the people who may enter. Band: 90 of 100 of them, as the body has it (no laboratory's scatter)."],
        "power": [
            "Dot: share of repeats that show it, bar: exact 95 % interval of that share.",
            "Blue: typical people as the population has them. Orange: what nobody knows of them drawn for each repeat.",
        ],
    }[figure]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": f"{FIGURES[figure]} ({answer['n']:,} people)", "subtitle": [name, *lines, answer["disclaimer"]], "anchor": "start",
            "fontSize": 16, "subtitleFontSize": 11, "subtitleColor": GREY, "offset": 14,
        },
        **body,
        "config": {
            "background": "white", "font": "sans-serif", "view": {"stroke": None},
            "axis": {
                "labelFontSize": 10, "titleFontSize": 11, "titleFontWeight": "normal", "gridColor": "#eeeeee", "domainColor": "#999999",
            },
            "legend": {"labelFontSize": 11, "orient": "top", "direction": "horizontal", "labelLimit": 400},
        },
    }  # fmt: skip


def _courses(answer: Data) -> Spec:
    names = [arm["name"] for arm in answer["arms"]]
    groups: dict[str, list[Data]] = {}
    for band in answer["courses"]:
        groups.setdefault(band["reading"], []).append(band)
    panels = [_panel(bands, names) for bands in groups.values()]
    return {"columns": 1 if len(panels) == 1 else 2, "concat": panels, "spacing": 40}


def _panel(bands: Sequence[Data], names: Sequence[str]) -> Spec:
    unit = bands[0]["unit"]
    rows = [
        {"arm": band["arm"], "day": day, **{key: band[key][place] for key in ("p05", "p50", "p95")}}
        for band in bands
        for place, day in enumerate(band["time_days"])
    ]
    share = unit in ("1", "probability")
    if share:
        rows = [{**row, **{key: 100 * row[key] for key in ("p05", "p50", "p95")}} for row in rows]
    logs = unit in LOGARITHMIC and min(row["p05"] for row in rows) > 0.0
    scale: Spec = {"type": "log", "nice": False} if logs else {"zero": False}
    axis: Spec = {"format": "~r", "tickCount": 6} if not logs else {"format": "~r", "values": _ticks(rows)}
    x = {"field": "day", "type": "quantitative", "title": "days", "axis": {"tickCount": 6}}
    called = f"{bands[0]['label']}, {'%' if share else plain_unit(unit)}".rstrip(", ")
    colour = {
        "field": "arm", "type": "nominal", "title": None,
        "scale": {"domain": list(names), "range": [PALETTE[place % len(PALETTE)] for place in range(len(names))]},
    }  # fmt: skip

    def y(field: str) -> Spec:
        return {"field": field, "type": "quantitative", "scale": scale, "axis": axis, "title": None}

    return {
        "width": 340, "height": 200, "title": {"text": called, "anchor": "start", "fontSize": 12},
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.18},
                "encoding": {"x": x, "y": y("p05"), "y2": {"field": "p95"}, "color": colour},
            },
            {"mark": {"type": "line", "strokeWidth": 2.2}, "encoding": {"x": x, "y": y("p50"), "color": colour}},
        ],
    }  # fmt: skip


def _ticks(rows: Sequence[Data]) -> list[float]:
    low, high = min(row["p05"] for row in rows), max(row["p95"] for row in rows)
    steps = (1.0, 3.0) if math.log10(high / low) > 1.2 else (1.0, 2.0, 5.0)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [round(step * 10.0**decade, 10) for decade in decades for step in steps if low <= step * 10.0**decade <= high]


def _power(answer: Data) -> Spec:
    kinds = (("power", "as the population has them"), ("assurance", "with what nobody knows"))
    several = len(answer["arms"]) > 2
    rows = [
        {
            "row": f"{one['name']}{', ' + item['arm'] if several else ''}", "kind": words, "value": 100 * item[kind]["value"],
            "low": 100 * item[kind]["low"], "high": 100 * item[kind]["high"],
        }
        for one in answer["end_points"]
        for item in one["comparisons"]
        for kind, words in kinds
    ]  # fmt: skip
    scale = {"domain": [0, 100], "nice": False}
    x = {"type": "quantitative", "scale": scale, "title": "repeats that show it, %"}
    y = {"field": "row", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 320, "grid": True}}
    offset = {"field": "kind", "type": "nominal", "sort": None}
    colour = {
        "field": "kind", "type": "nominal", "title": None,
        "scale": {"domain": [words for _, words in kinds], "range": [PALETTE[0], PALETTE[1]]},
    }  # fmt: skip
    wanted = {"data": {"values": [{"at": 80}]}, "mark": {"type": "rule", "color": "#999999", "strokeDash": [4, 3]},
              "encoding": {"x": {**x, "field": "at"}}}  # fmt: skip
    return {
        "width": 420, "height": {"step": 26},
        "data": {"values": rows},
        "layer": [
            wanted,
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "yOffset": offset, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {"x": {**x, "field": "value"}, "y": y, "yOffset": offset, "color": colour},
            },
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


def html(answer: Data, figure: str = "courses") -> str:
    """The figure as one HTML file with everything in it."""
    import vl_convert

    return str(vl_convert.vegalite_to_html(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE, bundle=True))


def save(answer: Data, folder: Path) -> list[Path]:
    """Write every figure as PNG, SVG and HTML into `folder`; returns the paths."""
    written = []
    for figure in FIGURES:
        for suffix, content in (("png", png(answer, figure)), ("svg", svg(answer, figure)), ("html", html(answer, figure))):
            path = folder / f"{figure}.{suffix}"
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
            written.append(path)
    return written
