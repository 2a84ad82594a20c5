"""Stacked bars of where the width of a range comes from: today, and at the horizon of every plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.errors import InputError
from corrin.show.words import duration

Data = Mapping[str, Any]
Spec = dict[str, Any]

NAME = "width"
PARTS = (
    ("structure", "form of the model", "#000000"),
    ("parameters", "typical values not known", "#0072B2"),
    ("people", "people differ", "#56B4E9"),
    ("history", "unknown history", "#E69F00"),
    ("assay", "laboratory scatter", "#999999"),
)
BAR = 17
"""Pixels of one bar and the room around it."""


def bars(answer: Data) -> dict[str, list[dict[str, Any]]]:
    """Heading -> one row for each reading and part, in per cent."""
    today = {quantity["label"]: quantity["interval_from"] for quantity in answer["today"] if quantity.get("interval_from")}
    found = {"Today (state of the body)": today}
    for plan in answer["plans"]:
        bands = plan["readings"]
        held = {bands[name]["label"]: split for name, split in plan.get("interval_from", {}).items()}
        days = max((bands[name]["time_days"][-1] for name in plan.get("interval_from", {})), default=0.0)
        found[f"After {duration(days)}: {plan['title']}"] = held
    return {
        heading: [
            {"reading": label, "part": words, "order": place, "share": 100.0 * split[key], "explained": f"{split['explained']:.0%}"}
            for label, split in held.items()
            for place, (key, words, _) in enumerate(PARTS)
        ]
        for heading, held in found.items()
        if held
    }


def chart(answer: Data) -> Spec:
    """A Vega-Lite specification. Raises `InputError` for an answer that does not hold the shares."""
    found = bars(answer)
    if not found:
        raise InputError("figure", f"{NAME!r} shows where the width of the ranges comes from, which this answer does not hold", "")
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": "Where the width of the ranges comes from",
            "subtitle": [
                "Share of the variance (of the logarithm for laboratory values). What single causes do not explain is shared out.",
                answer["disclaimer"],
            ],
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 11,
            "subtitleColor": "#555555",
            "offset": 12,
        },
        "vconcat": [_panel(heading, rows) for heading, rows in found.items()],
        "spacing": 22,
        "config": {
            "background": "white",
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {"labelFontSize": 11, "labelLimit": 330, "domainColor": "#999999"},
            "legend": {"labelFontSize": 12, "orient": "top", "direction": "horizontal", "title": None},
        },
    }


def _panel(heading: str, rows: list[dict[str, Any]]) -> Spec:
    readings = list(dict.fromkeys(row["reading"] for row in rows))
    return {
        "width": 460,
        "height": BAR * len(readings),
        "title": {"text": heading, "anchor": "start", "frame": "group", "fontSize": 12, "fontWeight": "bold", "offset": 6},
        "data": {"values": rows},
        "mark": {"type": "bar", "height": BAR - 5},
        "encoding": {
            "y": {"field": "reading", "type": "nominal", "sort": readings, "title": None},
            "x": {
                "field": "share",
                "type": "quantitative",
                "stack": "zero",
                "scale": {"domain": [0, 100], "nice": False},
                "axis": {"title": None, "values": [0, 25, 50, 75, 100], "format": ".0f", "grid": False, "labelExpr": "datum.value + ' %'"},
            },
            "color": {
                "field": "part",
                "type": "nominal",
                "scale": {"domain": [words for _, words, _ in PARTS], "range": [colour for _, _, colour in PARTS]},
            },
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [
                {"field": "part", "type": "nominal"},
                {"field": "share", "type": "quantitative", "format": ".0f", "title": "per cent"},
                {"field": "explained", "type": "nominal", "title": "explained by single causes"},
            ],
        },
    }
