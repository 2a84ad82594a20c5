"""Figures of a comparison: the course under every plan, and the differences between them in the same people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corrin.show import charts
from corrin.show.words import is_share, plain_unit

Data = Mapping[str, Any]
Spec = dict[str, Any]
NAME = "differences"
SHOWN = ("mma", "haemoglobin", "function_foot", "function_dorsal", "score", "symptom_numbness")
WIDTH, HEIGHT = 300, 190


def chart(answer: Data) -> Spec:
    """A Vega-Lite specification: each plan less the first at each month; bars hold 90 of 100 drawn people, points are medians."""
    plans = answer["forecast"]["plans"]
    titles = {plan["name"]: plan["title"] for plan in plans}
    names = [name for name in SHOWN if any(row["reading"] == name for row in answer["differences"])]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": f"Difference from: {plans[0]['title']}",
            "subtitle": [
                "In the same drawn people. Point: median. Bar: 90 of 100. Where the bar leaves out 0 the plans differ for this person.",
                answer["forecast"]["disclaimer"],
            ],
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 11,
            "subtitleColor": charts.GREY,
            "offset": 12,
        },
        "columns": 3,
        "spacing": {"row": 70, "column": 60},
        "concat": [_panel(answer, name, titles) for name in names],
        "resolve": {"scale": {"color": "shared"}},
        "config": {
            "background": "white",
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {"labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": "#eeeeee"},
            "legend": {"labelFontSize": 12, "orient": "top", "direction": "vertical", "labelLimit": 700, "title": None},
        },
    }


def _panel(answer: Data, name: str, titles: Mapping[str, str]) -> Spec:
    rows = [row for row in answer["differences"] if row["reading"] == name]
    factor = 100.0 if is_share(rows[0]["unit"]) else 1.0
    unit = "% points" if factor > 1.0 else plain_unit(rows[0]["unit"])
    values = [
        {"plan": titles[row["plan"]], "month": f"{row['month']:g}", **{key: factor * row[key] for key in ("p05", "p50", "p95")}}
        for row in rows
    ]
    first = next(iter(titles.values()))
    held = [title for title in titles.values() if title != first]
    x: Spec = {"field": "month", "type": "ordinal", "sort": None, "title": "months", "axis": {"labelAngle": 0}}
    offset: Spec = {"field": "plan", "sort": held}
    # The first plan keeps its colour of the other figures, so the others keep theirs.
    colour: Spec = {
        "field": "plan",
        "type": "nominal",
        "scale": {"domain": held, "range": [charts.PALETTE[(place + 1) % len(charts.PALETTE)] for place in range(len(held))]},
    }
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "title": {"text": f"{rows[0]['label']}{f', {unit}' if unit else ''}", "anchor": "start", "frame": "group", "fontSize": 12},
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2.4},
                "encoding": {
                    "x": x, "xOffset": offset, "color": colour, "y": {"field": "p05", "type": "quantitative", "title": None},
                    "y2": {"field": "p95"},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
                "encoding": {"x": x, "xOffset": offset, "color": colour, "y": {"field": "p50", "type": "quantitative"}},
            },
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "color": "#333333"},
                "encoding": {"y": {"field": "zero", "type": "quantitative"}},
            },
        ],
    }  # fmt: skip


def save(answer: Data, folder: Path) -> list[Path]:
    """Every figure as PNG, SVG and HTML; returns the paths."""
    return [*charts.save(answer["forecast"], folder), *save_one(chart(answer), folder, NAME)]


def save_one(spec: Spec, folder: Path, name: str) -> list[Path]:
    """One specification as PNG, SVG and self-contained HTML."""
    import vl_convert

    text = json.dumps(spec)
    drawn = str(vl_convert.vegalite_to_svg(text, vl_version=charts.VEGA_LITE))
    page = str(vl_convert.vegalite_to_html(text, vl_version=charts.VEGA_LITE, bundle=True))
    written = []
    for suffix, content in (("png", bytes(vl_convert.svg_to_png(drawn, scale=2.0))), ("svg", drawn.encode()), ("html", page.encode())):
        path = folder / f"{name}.{suffix}"
        path.write_bytes(content)
        written.append(path)
    return written
