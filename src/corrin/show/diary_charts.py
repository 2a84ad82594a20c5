"""A diary beside the simulated injection cycle: a Vega-Lite specification from plain data, one panel of blood, one of what was felt."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from corrin.show.charts import PALETTE
from corrin.show.words import plain_unit

Data = Mapping[str, Any]
Spec = dict[str, Any]
BLUE = PALETTE[0]
WIDTH = 640


def chart(bands: Sequence[Data], doses: Sequence[Data], symptoms: Sequence[Data], first: datetime.date) -> Spec:
    """`bands`: readings from the day `first` on (label, unit, time_days, p05, p50, p95); `doses`: (time_days, label); `symptoms`: (date,
    what, score of 0 to 10)."""

    def day(time_days: float) -> str:
        return (first + datetime.timedelta(days=round(time_days))).isoformat()

    ends = [day(0.0), *(item["date"] for item in symptoms), *(day(band["time_days"][-1]) for band in bands)]
    x = {
        "field": "date",
        "type": "temporal",
        "title": None,
        "scale": {"domain": [min(ends), max(ends)]},
        "axis": {"grid": False, "labelOverlap": True},
    }
    panels: list[Spec] = []
    for band in bands:
        rows = [
            {"date": day(time), "p05": band["p05"][place], "p50": band["p50"][place], "p95": band["p95"][place]}
            for place, time in enumerate(band["time_days"])
        ]

        def y(field: str, scale: Spec) -> Spec:
            return {"field": field, "type": "quantitative", "axis": {"title": None, "tickCount": 5}, "scale": scale}

        low = min((row["p05"] for row in rows), default=1.0)
        scale: Spec = {"type": "log", "nice": False} if low > 0 else {"zero": True}
        given = [{"date": day(dose["time_days"]), "label": dose["label"]} for dose in doses]
        panels.append(
            {
                "width": WIDTH,
                "height": 150,
                "title": {"text": f"{band['label']} ({plain_unit(band['unit'])}), simulated", "anchor": "start", "fontSize": 12},
                "data": {"values": rows},
                "layer": [
                    {
                        "mark": {"type": "area", "opacity": 0.2, "color": BLUE},
                        "encoding": {"x": x, "y": y("p05", scale), "y2": {"field": "p95"}},
                    },
                    {"mark": {"type": "line", "color": BLUE}, "encoding": {"x": x, "y": y("p50", scale)}},
                    {
                        "data": {"values": given},
                        "mark": {"type": "rule", "color": "#D55E00", "strokeDash": [3, 3]},
                        "encoding": {"x": x, "tooltip": [{"field": "label", "type": "nominal", "title": "given"}]},
                    },
                ],
            }
        )
    if symptoms:
        panels.append(
            {
                "width": WIDTH,
                "height": 150,
                "title": {"text": "What was felt, 0 (none) to 10 (worst)", "anchor": "start", "fontSize": 12},
                "data": {"values": [dict(item) for item in symptoms]},
                "mark": {"type": "line", "point": {"filled": True, "size": 60}},
                "encoding": {
                    "x": x,
                    "y": {"field": "score", "type": "quantitative", "scale": {"domain": [0, 10]}, "axis": {"title": None, "tickCount": 5}},
                    "color": {"field": "what", "type": "nominal", "title": None, "scale": {"range": list(PALETTE)}},
                    "shape": {"field": "what", "type": "nominal", "legend": None},
                    "tooltip": [
                        {"field": "what", "type": "nominal"},
                        {"field": "score", "type": "quantitative"},
                        {"field": "date", "type": "nominal"},
                    ],
                },
            }
        )
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "columns": 1,
        "spacing": 30,
        "concat": panels,
        "config": {
            "background": "white",
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {"labelFontSize": 11, "gridColor": "#eeeeee"},
            "legend": {"labelFontSize": 12, "orient": "bottom"},
        },
    }
