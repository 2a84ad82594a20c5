"""Recovery and symptoms against delay, as bands: a Vega-Lite specification from the plain data of a `corrin.delay/1`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corrin.show.recover_text import SCORE, promised

Data = Mapping[str, Any]
Spec = dict[str, Any]

BLUE, GREY = "#0072B2", "#555555"
WIDTH, HEIGHT = 300, 190
MOST_TRACTS = 4
VEGA_LITE = "6.1"


def chart(answer: Data) -> Spec:
    """Panels over the month in which treatment begins: chance of no sign, score, then tracts and symptoms of which something is told."""
    end = f"{answer['compared_at_months']:g}"
    delays = answer["delays"]
    panels = [_panel(f"{SCORE}, lower is better", [(item["months"], item["score"]) for item in delays], 1.0)]
    if promised(answer) and all(item["no_sign"] for item in delays):
        panels.insert(
            0, _panel("No sign left (score below 1), chance in %", [(item["months"], item["no_sign"]) for item in delays], 100.0, (0, 100))
        )
    last = delays[-1]
    known = [name for name, item in last["tracts"].items() if item["told"]]
    tracts = sorted(known, key=lambda name: -last["tracts"][name]["more_missing"]["p50"])[:MOST_TRACTS]
    for name in tracts:
        course = [(item["months"], item["tracts"][name]["missing"]) for item in delays]
        panels.append(_panel(f"{last['tracts'][name]['label']}, missing, %", course, 1.0, (0, 100)))
    panels += [
        _panel(f"{found['label']}, chance in %", [(item["months"], item["symptoms"][name]["felt"]) for item in delays], 100.0, (0, 100))
        for name, found in last["symptoms"].items()
        if found["felt"] and found["told"]
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": f"What waiting costs: {answer['case']}, {end} months from today",
            "subtitle": [
                f"Plan: {answer['plan']['title']}. Line: median or chance; band: 90 of 100.",
                answer["disclaimer"],
            ],
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 11,
            "subtitleColor": GREY,
            "offset": 12,
        },
        "columns": 3,
        "spacing": {"row": 50, "column": 40},
        "concat": panels,
        "config": {
            "background": "white",
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {"gridColor": "#eeeeee", "domainColor": "#999999", "titleFontWeight": "normal"},
        },
    }


def _panel(words: str, found: list[tuple[float, Data]], factor: float, domain: tuple[float, float] | None = None) -> Spec:
    """One band: a chance with its own (`p`, `low`, `high`), or a median with the range of the draws."""
    rows = [
        {
            "month": month,
            "low": factor * item.get("low", item.get("p05", 0.0)),
            "middle": factor * item.get("p", item.get("p50", 0.0)),
            "high": factor * item.get("high", item.get("p95", 0.0)),
        }
        for month, item in found
    ]
    scale: Spec = {"domain": list(domain), "nice": False} if domain else {"zero": True}
    x = {"field": "month", "type": "quantitative", "title": "treatment begins after so many months", "axis": {"grid": False}}

    def y(field: str) -> Spec:
        return {"field": field, "type": "quantitative", "title": None, "scale": scale}

    return {
        "width": WIDTH,
        "height": HEIGHT,
        "title": {"text": words, "anchor": "start", "frame": "group", "fontSize": 12, "limit": WIDTH + 40, "offset": 6},
        "data": {"values": rows},
        "layer": [
            {"mark": {"type": "area", "opacity": 0.2, "color": BLUE}, "encoding": {"x": x, "y": y("low"), "y2": {"field": "high"}}},
            {"mark": {"type": "line", "color": BLUE, "strokeWidth": 2.2, "point": {"color": BLUE}}, "encoding": {"x": x, "y": y("middle")}},
        ],
    }


def png(answer: Data, scale: float = 2.0) -> bytes:
    """The chart as PNG."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(json.dumps(chart(answer)), vl_version=VEGA_LITE, scale=scale))


def save(answer: Data, folder: Path) -> None:
    """Write the chart as PNG and SVG into `folder`."""
    import vl_convert

    drawn = str(vl_convert.vegalite_to_svg(json.dumps(chart(answer)), vl_version=VEGA_LITE))
    (folder / "delay.svg").write_text(drawn, encoding="utf-8")
    (folder / "delay.png").write_bytes(bytes(vl_convert.svg_to_png(drawn, scale=2.0)))
