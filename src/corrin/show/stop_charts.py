"""Figures of a stopped treatment: the course, and the share of people in whom each turning point has come."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corrin.show import charts
from corrin.show.compare_charts import save_one
from corrin.show.words import duration

Data = Mapping[str, Any]
Spec = dict[str, Any]
NAME = "relapse"
YEAR = 365.25


def chart(answer: Data) -> Spec:
    """A Vega-Lite specification: share of the drawn people at each time since the stop."""
    values = [
        {"event": event["label"], "year": round(day / YEAR, 4), "share": 100.0 * share}
        for event in answer["events"]
        for day, share in zip(answer["curve_days"], event["curve"], strict=True)
    ]
    labels = [event["label"] for event in answer["events"]]
    colour: Spec = {
        "field": "event",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": labels, "range": list(charts.PALETTE[: len(labels)])},
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 560,
        "height": 300,
        "title": {
            "text": "After the stop: in how many people it has come back",
            "subtitle": [f"{answer['plan_title']}, stopped after {duration(answer['stop_day'])}.", answer["forecast"]["disclaimer"]],
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 11,
            "subtitleColor": charts.GREY,
            "offset": 12,
        },
        "data": {"values": values},
        "mark": {"type": "line", "strokeWidth": 2.4, "interpolate": "step-after"},
        "encoding": {
            "x": {"field": "year", "type": "quantitative", "title": "years since the stop"},
            "y": {"field": "share", "type": "quantitative", "title": "% of drawn people", "scale": {"domain": [0, 100]}},
            "color": colour,
            "strokeDash": {"field": "event", "type": "nominal", "sort": None, "scale": {"domain": labels}},
        },
        "config": {
            "background": "white",
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {"labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": "#eeeeee"},
            "legend": {"labelFontSize": 12, "orient": "top", "direction": "vertical", "labelLimit": 700, "title": None, "symbolSize": 300},
        },
    }


def save(answer: Data, folder: Path) -> list[Path]:
    """Every figure as PNG, SVG and HTML; returns the paths."""
    return [*charts.save(answer["forecast"], folder), *save_one(chart(answer), folder, NAME)]
