"""Figures of a population: how many are deficient by age under each scenario, and over the years, as Vega-Lite from plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from corrin.show.charts import GREY, PALETTE, VEGA_LITE

Data = Mapping[str, Any]
Spec = dict[str, Any]
WIDTH, HEIGHT = 300, 230
WORDS = {"function": "B12 function low", "mma": "Methylmalonic acid high", "b12": "Serum B12 below 148 pmol/L"}


def chart(answer: Data) -> Spec:
    """One panel a definition: by age at the end above, all ages over the years below."""
    above = [_by_age(answer, name) for name in WORDS]
    below = [_over_time(answer, name) for name in WORDS]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": answer["title"],
            "subtitle": [
                f"{answer['people']:,} virtual people. Per cent deficient after {answer['years']:g} years by age (above), and over "
                "time at all ages (below).",
                "Dot and line: of all draws together. Bar and band: 90 of 100, from what is not known of typical people and from chance.",
                answer["disclaimer"],
            ],
            "anchor": "start", "fontSize": 16, "subtitleFontSize": 11, "subtitleColor": GREY, "offset": 12,
        },
        "vconcat": [{"hconcat": above, "spacing": 40}, {"hconcat": below, "spacing": 40}],
        "spacing": 40,
        "config": {
            "background": "white", "font": "sans-serif", "view": {"stroke": None},
            "axis": {"gridColor": "#eeeeee", "domainColor": "#999999", "titleFontWeight": "normal"},
            "legend": {"orient": "top", "direction": "horizontal", "columns": 3, "labelLimit": 400, "title": None},
        },
    }  # fmt: skip


def _colour(answer: Data) -> Spec:
    titles = [one["title"] for one in answer["scenarios"]]
    return {
        "field": "scenario", "type": "nominal", "title": None, "sort": titles,
        "scale": {"domain": titles, "range": [PALETTE[k % len(PALETTE)] for k in range(len(titles))]},
    }  # fmt: skip


def _rows(answer: Data, definition: str) -> list[Spec]:
    words = {one["name"]: one["title"] for one in answer["scenarios"]}
    return [
        {
            "scenario": words[row["scenario"]], "band": row["band"], "year": row["time_years"],
            **{part: 100.0 * row["share"][part] for part in ("value", "low", "high")},
        }
        for row in answer["prevalence"] if row["definition"] == definition
    ]  # fmt: skip


def _by_age(answer: Data, definition: str) -> Spec:
    last = max(row["time_years"] for row in answer["prevalence"])
    rows = [row for row in _rows(answer, definition) if row["year"] == last]
    bands = list(dict.fromkeys(row["band"] for row in rows))
    x = {"field": "band", "type": "nominal", "sort": bands, "title": None, "axis": {"labelAngle": -30}}
    shift = {"field": "scenario", "type": "nominal", "sort": [one["title"] for one in answer["scenarios"]]}
    y = {"field": "value", "type": "quantitative", "title": "%", "scale": {"zero": True}}
    low = {**y, "field": "low"}
    colour = _colour(answer)
    return {
        "width": WIDTH, "height": HEIGHT, "title": {"text": WORDS[definition], "anchor": "start", "frame": "group", "fontSize": 12},
        "data": {"values": rows},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.35},
             "encoding": {"x": x, "xOffset": shift, "y": low, "y2": {"field": "high"}, "color": colour}},
            {"mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
             "encoding": {"x": x, "xOffset": shift, "y": y, "color": colour}},
        ],
    }  # fmt: skip


def _over_time(answer: Data, definition: str) -> Spec:
    rows = [row for row in _rows(answer, definition) if row["band"] == "all ages"]
    x = {"field": "year", "type": "quantitative", "title": "years from today", "axis": {"grid": False}}
    y = {"field": "value", "type": "quantitative", "title": "%", "scale": {"zero": True}}
    colour = _colour(answer)
    return {
        "width": WIDTH, "height": HEIGHT, "data": {"values": rows},
        "layer": [
            {"mark": {"type": "area", "opacity": 0.12},
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}},
            {"mark": {"type": "line", "strokeWidth": 2.2}, "encoding": {"x": x, "y": y, "color": colour}},
        ],
    }  # fmt: skip


def figures(answer: Data) -> dict[str, bytes]:
    """The chart as files: name -> bytes."""
    import vl_convert

    drawn = str(vl_convert.vegalite_to_svg(json.dumps(chart(answer)), vl_version=VEGA_LITE))
    return {"population.svg": drawn.encode("utf-8"), "population.png": bytes(vl_convert.svg_to_png(drawn, scale=2.0))}
