"""The course of pain as trials measured it: a Vega-Lite specification from the plain data of a `corrin.pain/1`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from corrin.errors import InputError

Data = Mapping[str, Any]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
"""Okabe and Ito's colours, told apart by people with any common colour blindness."""
GREY = "#555555"
WIDTH, HEIGHT = 420, 260
LEGEND = {"orient": "bottom", "columns": 1, "labelLimit": 700, "symbolType": "stroke", "symbolStrokeWidth": 3, "symbolOpacity": 1}
SUBTITLE = (
    "Only start and end were measured: lines between are straight. Bands: 95 % interval of the mean, where the trial gives it.",
    "Dashed: the arm without the treatment. Placebo falls too: only the gap between a line and its own dashed one counts.",
)


def chart(answer: Data) -> dict[str, Any]:
    """One panel for each condition of the answer that has courses. Raises `InputError` when none has."""
    held = [section for section in answer["conditions"] if section["courses"]]
    # Conditions without a course of their own are shown by that of a like one: once, and by its name.
    own = [section for section in held if not section["courses_in"]]
    lent = {section["courses_in"]: section for section in reversed(held) if section["courses_in"]}
    panels = [_panel(section) for section in (*own, *(lent[name] for name in sorted(lent) if name not in {row["name"] for row in own}))]
    if not panels:
        raise InputError(
            "figure", "no trial of these conditions measured a course of pain in points", "a condition with one: diabetic, say"
        )
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": "Change of pain in trials",
            "subtitle": [*SUBTITLE, answer["disclaimer"]],
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 11,
            "subtitleColor": GREY,
            "offset": 12,
        },
        "vconcat": panels,
        "resolve": {"scale": {"color": "independent"}},
        "config": {
            "background": "white",
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {"gridColor": "#eeeeee", "domainColor": "#999999", "titleFontWeight": "normal"},
            "legend": LEGEND,
        },
    }


def _panel(section: Data) -> dict[str, Any]:
    lines, bands = [], []
    for course in section["courses"]:
        name, week = label(course), course["time_days"] / 7.0
        dash = "control" if course["kind"].startswith("control") else "treatment"
        for at, change in ((0.0, 0.0), (week, course["change"])):
            lines.append({"arm": name, "kind": dash, "week": at, "change": change})
        if course["low"] is not None:
            bands += [{"arm": name, "week": 0.0, "low": 0.0, "high": 0.0},
                      {"arm": name, "week": week, "low": course["low"], "high": course["high"]}]  # fmt: skip
    names = [label(course) for course in section["courses"]]
    colour = {"field": "arm", "type": "nominal", "title": None, "scale": {"domain": names, "range": _colours(section["courses"])}}
    x = {"field": "week", "type": "quantitative", "title": "weeks from the start"}
    y = {"type": "quantitative", "title": None}
    where = section["courses_in"] or section["name"]
    name = f"{where[0].upper()}{where[1:]}"
    untried = (
        {"subtitle": f"No trial followed the course of {section['name']}: people with that may differ.", "subtitleFontSize": 11}
        if section["courses_in"]
        else {}
    )
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "title": {"text": f"{name}: change of pain (points of 10, lower is better)", "anchor": "start", "fontSize": 12, **untried},
        "layer": [
            {"data": {"values": bands}, "mark": {"type": "area", "opacity": 0.14},
             "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}, "color": colour}},
            {"data": {"values": lines}, "mark": {"type": "line", "strokeWidth": 2.2, "point": True},
             "encoding": {"x": x, "y": {"field": "change", **y}, "color": colour,
                          "strokeDash": {"field": "kind", "type": "nominal", "legend": None,
                                         "scale": {"domain": ["treatment", "control"], "range": [[1, 0], [5, 4]]}},
                          "tooltip": [{"field": "arm"}, {"field": "week", "format": ".1f"}, {"field": "change", "format": ".2f"}]}},
        ],
    }  # fmt: skip


def _colours(courses: list[Data]) -> list[str]:
    """A colour for each arm: a control has that of the first treatment of its trial."""
    of_trial: dict[str, str] = {}
    found = []
    for number, course in enumerate(courses):
        own = PALETTE[number % len(PALETTE)]
        found.append(of_trial.get(course["source"], own) if course["kind"].startswith("control") else own)
        of_trial.setdefault(course["source"], found[-1])
    return found


def label(course: Data) -> str:
    """An arm by what it got and whose trial it is."""
    beside = f" (beside {course['beside']})" if course["beside"] else ""
    what = course["dose"] or course["arm"]
    return f"{what}{beside} — {course['source']}".replace(" ug ", " µg ")


def png(answer: Data, scale: float = 2.0) -> bytes:
    """The figure as PNG, `scale` pixels a point."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(json.dumps(chart(answer)), vl_version="6.1", scale=scale))
