"""Figures of a check: each reported number beside the band predicted for it, and all of them together.

`points` (a visual predictive check): one panel a reading and scale, one row a reported number; pale bar 5-95 %, dark bar 25-75 %, tick the
median, dot what the study reported with its own 95 % interval. `calibration`: observed against predicted, and how many lie inside an
interval of each size.
"""

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
FIGURES = {"points": "Predicted against observed, number by number", "calibration": "Predicted against observed, all together"}
BAND, INSIDE, OUTSIDE = "#0072B2", "#000000", "#D55E00"
WIDTH = 360
MOST = 36
"""Rows of one panel; a longer one goes on in the next."""


def chart(answer: Data, figure: str = "points") -> Spec:
    """A Vega-Lite specification from the plain data of a check's answer."""
    if figure not in FIGURES:
        raise InputError("figure", repr(figure), f"one of {', '.join(FIGURES)}")
    counted = [point for point in answer["points"] if point["counted"]]
    if not counted:
        raise InputError("figure", "no number of these studies could be compared", "a study with a point that counts")
    body: Spec = _points(counted) if figure == "points" else _calibration(counted)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": FIGURES[figure], "subtitle": [*_subtitle(answer, figure), answer["disclaimer"]], "anchor": "start", "fontSize": 16,
            "subtitleFontSize": 11, "subtitleColor": GREY, "offset": 14,
        },
        **body,
        "config": {
            "background": "white", "font": "sans-serif", "view": {"stroke": None},
            "axis": {
                "labelFontSize": 10, "titleFontSize": 11, "titleFontWeight": "normal", "gridColor": "#eeeeee", "domainColor": "#999999",
            },
            "legend": {"labelFontSize": 11, "titleFontSize": 11, "orient": "top", "direction": "horizontal", "labelLimit": 500},
        },
    }  # fmt: skip


def _subtitle(answer: Data, figure: str) -> list[str]:
    found = answer["summary"]
    low, high = found["inside_90_interval"]
    coverage = (
        f"{100 * found['inside_90']:.0f} % of {found['points']} numbers lie inside the 90 % interval (exact 95 % interval of that share: "
        f"{100 * low:.0f} to {100 * high:.0f} %), {100 * found['inside_50']:.0f} % inside the 50 % interval."
    )
    if figure == "calibration":
        return [coverage]
    return [
        coverage,
        "Pale bar: 90 of 100 studies of this n. Dark bar: half of them. Tick: median. Dot: reported, with the study's own 95 % interval; "
        "orange: outside.",
    ]


def _points(counted: Sequence[Data]) -> Spec:
    groups: dict[tuple[str, str, str], list[Data]] = {}
    for point in counted:
        kind = "level" if point["scale"] == "log" and point["unit"] != "1" else point["statistic"]
        groups.setdefault((point["reading_label"], kind, point["unit"]), []).append(point)
    total = {label: sum(len(held) for (name, _, _), held in groups.items() if name == label) for label, _, _ in groups}
    ordered = sorted(groups.items(), key=lambda item: (-total[item[0][0]], item[0][0], -len(item[1]), item[0]))
    panels = []
    for (label, kind, unit), held in ordered:
        parts = [held[start : start + MOST] for start in range(0, len(held), MOST)]
        for number, part in enumerate(parts):
            more = f" ({number + 1} of {len(parts)})" if len(parts) > 1 else ""
            what = {"level": "", "percent": ", share of people"}.get(kind, f", {kind}")
            shown = plain_unit(unit)
            panels.append(_panel(part, f"{label}{what}{f' ({shown})' if shown else ''}{more}", held))
    columns = 1 if len(panels) == 1 else 2 if len(panels) <= 6 else 3
    return {"columns": columns, "concat": panels, "spacing": {"row": 50, "column": 40}, "resolve": {"scale": {"color": "shared"}}}


def _row_name(point: Data, twins: Mapping[tuple[Any, ...], int]) -> str:
    n = "" if point["n"] is None else f", n {point['n']}"
    arm = point["arm"] if len(point["arm"]) <= 26 else point["arm"][:24] + "…"
    twin = f" ({point['label']})" if twins[_identity(point)] > 1 else ""
    return f"{point['study']} · {arm} · day {point['day']:g}{n}{twin}"


def _identity(point: Data) -> tuple[Any, ...]:
    return point["study"], point["arm"], point["day"]


def _panel(points: Sequence[Data], title: str, whole: Sequence[Data]) -> Spec:
    twins: dict[tuple[Any, ...], int] = {}
    for point in points:
        twins[_identity(point)] = twins.get(_identity(point), 0) + 1
    rows = []
    for place, point in enumerate(points):
        name = _row_name(point, twins)
        rows.append(
            {
                "row": f"{place:03d}|{name}",
                **{key: point[key] for key in ("p05", "p25", "p50", "p75", "p95", "observed")},
                "low": point["observed_low"],
                "high": point["observed_high"],
                "where": "inside the 90 % interval" if point["inside_90"] else "outside",
                "source": f"{name}: {point['label']}",
            }
        )
    scale, axis = _horizontal(whole)
    bottom = scale["domain"][0]
    for row in rows:  # an interval that leaves the panel ends at its edge
        for key in ("p05", "low"):
            if row[key] is not None and scale["type"] == "log":
                row[key] = max(row[key], bottom)

    def x(field: str, **more: Any) -> Spec:
        return {"field": field, "type": "quantitative", "scale": scale, "axis": axis, **more}

    y: Spec = {
        "field": "row", "type": "nominal", "sort": None, "title": None,
        "axis": {
            "labelExpr": "slice(datum.label, 4)", "labelLimit": 320, "minExtent": 330, "maxExtent": 330,
            "grid": False, "ticks": False, "domain": False, "labelPadding": 6,
        },
    }  # fmt: skip
    colour: Spec = {
        "field": "where", "type": "nominal", "title": None,
        "scale": {"domain": ["inside the 90 % interval", "outside"], "range": [INSIDE, OUTSIDE]}, "legend": None,
    }  # fmt: skip
    tip = [{"field": key, "type": "nominal", "title": key} for key in ("source", "observed", "p05", "p50", "p95")]
    bar = {"type": "bar", "color": BAND}
    layers: list[Spec] = [
        {"mark": {**bar, "opacity": 0.22, "height": 10}, "encoding": {"x": x("p05"), "x2": {"field": "p95"}, "y": y, "tooltip": tip}},
        {"mark": {**bar, "opacity": 0.5, "height": 10}, "encoding": {"x": x("p25"), "x2": {"field": "p75"}, "y": y}},
        {"mark": {"type": "tick", "color": "#ffffff", "thickness": 2, "size": 10}, "encoding": {"x": x("p50"), "y": y}},
        {
            "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
            "mark": {"type": "rule", "strokeWidth": 1.4, "clip": True},
            "encoding": {"x": x("low"), "x2": {"field": "high"}, "y": y, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 42, "opacity": 1, "stroke": "white", "strokeWidth": 0.6},
            "encoding": {"x": x("observed"), "y": y, "color": colour, "tooltip": tip},
        },
    ]
    if scale["type"] == "linear" and scale["domain"][0] < 0.0 < scale["domain"][1]:
        zero = {"data": {"values": [{"at": 0.0}]}, "mark": {"type": "rule", "color": "#999999"}, "encoding": {"x": x("at")}}
        layers.insert(0, zero)
    return {
        "width": WIDTH,
        "height": {"step": 17},
        "title": {"text": title, "anchor": "start", "frame": "bounds", "fontSize": 12, "fontWeight": "bold", "offset": 6},
        "data": {"values": rows},
        "layer": layers,
    }


def _horizontal(points: Sequence[Data]) -> tuple[Spec, Spec]:
    """Scale and axis: logarithms for levels and ratios, per cent for shares."""
    values = [
        point[key] for point in points for key in ("p05", "p95", "observed", "observed_low", "observed_high") if point[key] is not None
    ]
    if points[0]["scale"] == "share":
        return {"type": "linear", "domain": [0, 100], "nice": False}, {"tickCount": 5, "title": None, "orient": "bottom"}
    if points[0]["scale"] == "log":
        positive = [value for value in values if value > 0.0]
        floor = 0.2 * min(point[key] for point in points for key in ("p05", "observed"))
        low, high = max(min(positive), floor) * 0.9, max(positive) * 1.1
        ticks = _ticks(low, high)
        return {"type": "log", "domain": [low, high], "nice": False}, {"values": ticks, "format": "~r", "title": None, "orient": "bottom"}
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or 1.0
    return {"type": "linear", "domain": [low - margin, high + margin], "nice": True}, {"tickCount": 6, "title": None, "orient": "bottom"}


def _ticks(low: float, high: float) -> list[float]:
    span = math.log10(high / low)
    steps: tuple[float, ...] = (1.0,) if span > 3.5 else (1.0, 3.0) if span > 1.8 else (1.0, 2.0, 5.0)
    if span < 0.45:
        steps = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [round(step * 10.0**decade, 10) for decade in decades for step in steps if low <= step * 10.0**decade <= high]


def _calibration(counted: Sequence[Data]) -> Spec:
    return {"hconcat": [_scatter(counted), _coverage(counted)], "spacing": 60}


def _scatter(counted: Sequence[Data]) -> Spec:
    """Levels of every reading on one pair of axes."""
    rows = [
        {
            "observed": point["observed"], "predicted": point["p50"], "low": point["p05"], "high": point["p95"],
            "reading": f"{point['reading_label']} ({plain_unit(point['unit'])})",
            "source": f"{point['study']}, {point['arm']}, day {point['day']:g}",
        }
        for point in counted if point["scale"] == "log" and point["unit"] != "1"
    ]  # fmt: skip
    names = list(dict.fromkeys(row["reading"] for row in sorted(rows, key=lambda row: row["reading"])))
    values = [row[key] for row in rows for key in ("observed", "predicted")] or [1.0, 10.0]
    low, high = 0.7 * min(values), 1.4 * max(values)
    scale = {"type": "log", "domain": [low, high], "nice": False}
    axis = {"values": _ticks(low, high), "format": "~r"}
    x = {"field": "predicted", "type": "quantitative", "scale": scale, "title": "predicted (bar: 90 of 100)", "axis": axis}
    y = {"field": "observed", "type": "quantitative", "scale": scale, "title": "observed", "axis": axis}
    colour = {
        "field": "reading", "type": "nominal", "title": None, "legend": {"columns": 2, "orient": "bottom", "symbolOpacity": 1},
        "scale": {"domain": names, "range": [PALETTE[place % len(PALETTE)] for place in range(len(names))]},
    }  # fmt: skip
    line = {"values": [{"predicted": low, "observed": low}, {"predicted": high, "observed": high}]}
    return {
        "width": 420, "height": 420, "title": {"text": "Levels", "anchor": "start", "fontSize": 12},
        "data": {"values": rows},
        "layer": [
            {"data": line, "mark": {"type": "line", "color": "#999999", "strokeWidth": 1}, "encoding": {"x": x, "y": y}},
            {
                "mark": {"type": "rule", "opacity": 0.35, "clip": True},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.9},
                "encoding": {"x": x, "y": y, "color": colour, "tooltip": [{"field": "source", "type": "nominal"}]},
            },
        ],
    }  # fmt: skip


def _coverage(counted: Sequence[Data]) -> Spec:
    """Share of the points inside the central interval of each size, with what chance allows a perfect model (95 of 100)."""
    n = len(counted)
    sizes = [0.02 * place for place in range(1, 50)]
    # |z| -> the size of the central interval that just holds it
    needed = sorted(math.erf(abs(point["z"]) / math.sqrt(2.0)) for point in counted)
    rows = []
    for size in sizes:
        wide = 1.96 * math.sqrt(size * (1.0 - size) / n)
        rows.append(
            {
                "size": 100 * size, "found": 100 * sum(value <= size for value in needed) / n,
                "low": 100 * max(0.0, size - wide), "high": 100 * min(1.0, size + wide),
            }
        )  # fmt: skip
    scale = {"domain": [0, 100], "nice": False}
    x = {"field": "size", "type": "quantitative", "scale": scale, "title": "size of the predicted interval, %"}

    def y(field: str) -> Spec:
        return {"field": field, "type": "quantitative", "scale": scale, "title": "numbers inside it, %"}

    return {
        "width": 420, "height": 420,
        "title": {"text": "How often the intervals hold (grey: right ones, by chance)", "anchor": "start", "fontSize": 12},
        "data": {"values": rows},
        "layer": [
            {"mark": {"type": "area", "color": "#999999", "opacity": 0.25}, "encoding": {"x": x, "y": y("low"), "y2": {"field": "high"}}},
            {"mark": {"type": "line", "color": "#999999", "strokeWidth": 1}, "encoding": {"x": x, "y": y("size")}},
            {"mark": {"type": "line", "color": BAND, "strokeWidth": 2.5}, "encoding": {"x": x, "y": y("found")}},
        ],
    }  # fmt: skip


def png(answer: Data, figure: str = "points", scale: float = 2.0) -> bytes:
    """The figure as PNG, `scale` pixels a point."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE, scale=scale))


def svg(answer: Data, figure: str = "points") -> str:
    """The figure as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE))


def html(answer: Data, figure: str = "points") -> str:
    """The figure as one HTML file with everything in it: it opens without a network."""
    import vl_convert

    return str(vl_convert.vegalite_to_html(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE, bundle=True))


def save(answer: Data, folder: Path) -> list[Path]:
    """Write every figure as PNG, SVG and HTML into `folder`; returns the paths. None where no point counts."""
    written = []
    for figure in FIGURES if answer["summary"]["points"] else ():
        for suffix, content in (("png", png(answer, figure)), ("svg", svg(answer, figure)), ("html", html(answer, figure))):
            path = folder / f"{figure}.{suffix}"
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
            written.append(path)
    return written
