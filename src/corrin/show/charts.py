"""Figures from an answer's plain data: Vega-Lite specifications, and PNG, SVG or self-contained HTML made from them.

The specification is plain data too, so that a page can draw it, `answer.plot()` can wrap it in Altair, and nothing here needs a browser
or a network. One panel a reading: bands (5-95 % pale, 25-75 % darker), the median line, laboratory values as points (a triangle where
the laboratory gave only a limit), doses as ticks at the foot, limits as dashed lines, and today as a vertical line. A faint band between
dotted lines is what was expected before the results. The figure `width` holds stacked bars instead (`show/width_chart.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corrin.errors import InputError
from corrin.show import width_chart
from corrin.show.words import is_share, plain_unit

Data = Mapping[str, Any]
Spec = dict[str, Any]

MONTH = 365.25 / 12
FIGURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "overview": ("The course in four pictures", ("mma", "haemoglobin", "function_dorsal", "score")),
    "labs": ("Vitamin B12 and its markers", ("serum_b12", "holotranscobalamin", "mma", "homocysteine")),
    "blood": ("Blood", ("haemoglobin", "mcv", "reticulocytes")),
    "nerves": (
        "Nerves and spinal cord: share that works",
        (
            "function_foot",
            "function_hand",
            "function_motor",
            "function_dorsal",
            "function_lateral",
            "function_optic",
            "function_cognition",
        ),
    ),
    "tests": (
        "Nerve tests and severity",
        ("sural_velocity", "sural_amplitude", "peroneal_velocity", "sep_delay", "vep_delay", "mep_delay", "score"),
    ),
    "symptoms": (
        "Chance of each symptom",
        (
            "symptom_tingling",
            "symptom_numbness",
            "symptom_weakness",
            "symptom_gait",
            "symptom_vision",
            "symptom_cognition",
            "vibration_loss",
        ),
    ),
}
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, told apart by people with any common colour blindness."""
GREY = "#555555"
BEFORE = "#7a7a7a"
WIDTH, HEIGHT, RUG = 330, 190, 5
"""Pixels of one panel, and of one row of dose ticks."""
MOST_TICKS = 60
"""More doses than this are drawn as one bar: ticks of a daily tablet would merge anyway."""


def chart(answer: Data, figure: str = "overview", past_months: float | None = None) -> Spec:
    """A Vega-Lite specification of one of `FIGURES` from the plain data of a `corrin.answer/1`."""
    if figure == width_chart.NAME:
        return width_chart.chart(answer)
    if figure not in FIGURES:
        raise InputError("figure", repr(figure), f"one of {', '.join([*FIGURES, width_chart.NAME])}")
    title, wanted = FIGURES[figure]
    plans = list(answer["plans"])
    names = [name for name in wanted if name in answer["past"] or any(name in plan["readings"] for plan in plans)]
    if not names:
        raise InputError("figure", f"{figure!r} shows readings this answer does not hold", ", ".join(wanted))
    first = -MONTH * (past_months if past_months is not None else _past_months(answer, names))
    panels = [_panel(answer, name, plans, first) for name in names]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": title,
            "subtitle": [_subtitle(answer, names), answer["disclaimer"]],
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 11,
            "subtitleColor": GREY,
            "offset": 12,
        },
        "columns": 2 if len(names) <= 4 else 3,
        "spacing": {"row": 76, "column": 62},
        "concat": panels,
        "bounds": "flush",
        "resolve": {"scale": {"color": "shared"}},
        "config": {
            "background": "white",
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {
                "labelFontSize": 11,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "gridColor": "#eeeeee",
                "domainColor": "#999999",
            },
            "legend": {"labelFontSize": 12, "titleFontSize": 12, "orient": "top", "direction": "horizontal", "labelLimit": 700},
        },
    }


def _subtitle(answer: Data, names: Sequence[str]) -> str:
    kinds = {band["kind"] for band in _bands(answer, names)}
    what = "Bands show the state of the body."
    if "lab" in kinds:
        what = "Laboratory values include the scatter of a report." if "state" in kinds else "Bands show what a laboratory would report."
    if any(is_share(band["unit"]) for band in _bands(answer, names)):
        what += " Dots: seen (100) or looked for and not found (0)."
    if any(_earlier(plan, name) for plan in answer["plans"][:1] for name in names):
        what += " Between dots: 90 of 100 before the results."
    today = "" if answer["as_of"] == "day 0" else f" Today is {answer['as_of']}."
    return f"Line: median. Dark band: middle half. Pale band: 90 of 100. {what}{today}"


def _bands(answer: Data, names: Sequence[str]) -> list[Data]:
    courses = [answer["past"], *(plan["readings"] for plan in answer["plans"])]
    return [course[name] for course in courses for name in names if name in course]


def _earlier(plan: Data, name: str) -> Data | None:
    """A reading's band before the results."""
    found: Data | None = plan.get("before", {}).get(name)
    return found


def _past_months(answer: Data, names: Sequence[str]) -> float:
    """As much history as the observed values ask for: at least half a year, at most as long as the future shown."""
    future = max((plan["readings"][name]["time_days"][-1] for plan in answer["plans"] for name in plan["readings"]), default=0.0) / MONTH
    seen = [-lab["time_days"] / MONTH for lab in answer["observed"] if lab["reading"] in names]
    return float(min(max([6.0, *(value * 1.1 for value in seen)]), max(6.0, future)))


def _panel(answer: Data, name: str, plans: Sequence[Data], first: float) -> Spec:
    band = next(course[name] for course in [*(plan["readings"] for plan in plans), answer["past"]] if name in course)
    rows = _rows(answer["past"].get(name), "until today", first)
    for plan in plans:
        rows += _rows(plan["readings"].get(name), plan["title"], 0.0)
    earlier = _rows(_earlier(plans[0], name), _without(answer, plans[0]), 0.0)
    labs = [_point(lab) for lab in answer["observed"] if lab["reading"] == name and lab["time_days"] >= first]
    limits = [{"limit": limit["value"], "label": limit["label"]} for limit in answer["thresholds"].get(name, ())]
    last = max(row["month"] for row in rows)
    x = {
        "field": "month",
        "type": "quantitative",
        "title": "months from today",
        "scale": {"domain": [round(first / MONTH, 2), last], "nice": False},
        "axis": {"values": _month_ticks(first / MONTH, last), "grid": False},
    }
    scale, axis, factor = _vertical(band, [*rows, *earlier], labs, limits)
    unit = "%" if is_share(band["unit"]) else plain_unit(band["unit"])
    y_title = f"{band['label']} ({unit})" if unit else band["label"]
    for row in [*rows, *earlier]:
        for key in ("p05", "p25", "p50", "p75", "p95"):
            row[key] *= factor
    for point in labs:
        point["value"] *= factor

    def y(field: str) -> Spec:
        return {"field": field, "type": "quantitative", "scale": scale, "axis": {**axis, "title": None}}

    titles = [plan["title"] for plan in plans]
    compared = [_without(answer, plans[0])] if answer.get("before") and plans[0].get("before") else []
    colour: Spec = {
        "field": "plan",
        "type": "nominal",
        "title": None,
        "scale": {
            "domain": ["until today", *titles, *compared],
            "range": [GREY, *(PALETTE[i % len(PALETTE)] for i in range(len(titles))), *([BEFORE] if compared else [])],
        },
        "legend": {
            "symbolType": "stroke",
            "symbolStrokeWidth": 4,
            "symbolSize": 300,
            "symbolOpacity": 1,
            "columns": 1 if sum(len(title) for title in [*titles, *compared]) > 80 else 0,
        },
    }
    pale, dark = (0.16, 0.30) if len(plans) <= 2 else (0.10, 0.22)
    layers: list[Spec] = _before_layers(earlier, x, y, colour)
    layers += [
        {"mark": {"type": "area", "opacity": pale}, "encoding": {"x": x, "y": y("p05"), "y2": {"field": "p95"}, "color": colour}},
        {"mark": {"type": "area", "opacity": dark}, "encoding": {"x": x, "y": y("p25"), "y2": {"field": "p75"}, "color": colour}},
        {"mark": {"type": "line", "strokeWidth": 2.2}, "encoding": {"x": x, "y": y("p50"), "color": colour}},
        {
            "data": {"values": [{"month": 0.0}]},
            "mark": {"type": "rule", "color": "#333333", "strokeWidth": 1},
            "encoding": {"x": {"field": "month", "type": "quantitative"}},
        },
    ]
    layers += _limit_layers(limits, factor, y, first / MONTH)
    layers += _dose_layers(plans, titles, last)
    if labs:
        layers.append(_points_layer(labs, y))
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "title": {"text": y_title, "anchor": "start", "frame": "group", "fontSize": 12, "fontWeight": "bold", "offset": 6},
        "data": {"values": rows},
        "layer": layers,
    }


def _without(answer: Data, plan: Data) -> str:
    """What the faint band is called."""
    what = "these results" if answer.get("before") == "earlier-results" else "the results"
    return f"before {what} ({plan['title']})"


def _before_layers(rows: Sequence[Data], x: Spec, y: Any, colour: Spec) -> list[Spec]:
    """The band before the results: faint, between dotted lines, with a dotted median."""
    if not rows:
        return []
    data = {"values": list(rows)}
    lines = [
        {
            "data": data,
            "mark": {"type": "line", "strokeWidth": 1.6 if key == "p50" else 1.2, "strokeDash": [1, 3], "strokeCap": "round"},
            "encoding": {"x": x, "y": y(key), "color": colour},
        }
        for key in ("p05", "p50", "p95")
    ]
    area = {"type": "area", "opacity": 0.09}
    return [{"data": data, "mark": area, "encoding": {"x": x, "y": y("p05"), "y2": {"field": "p95"}, "color": colour}}, *lines]


def _rows(band: Data | None, plan: str, first: float) -> list[dict[str, Any]]:
    if band is None:
        return []
    keys = ("p05", "p25", "p50", "p75", "p95")
    times = band["time_days"]
    rows = [
        {"plan": plan, "month": round(time / MONTH, 3), **{key: band[key][index] for key in keys}}
        for index, time in enumerate(times)
        if time >= first - 1e-9
    ]
    cut = len(times) - len(rows)
    if cut and rows and times[cut] > first:
        # The panel begins between two times of the band: straight lines up to its edge.
        part = (first - times[cut - 1]) / (times[cut] - times[cut - 1])
        edge = {key: band[key][cut - 1] + part * (band[key][cut] - band[key][cut - 1]) for key in keys}
        rows.insert(0, {"plan": plan, "month": round(first / MONTH, 3), **edge})
    return rows


def _vertical(band: Data, rows: Sequence[Data], labs: Sequence[Data], limits: Sequence[Data]) -> tuple[Spec, Spec, float]:
    """Scale, axis and factor of a panel's vertical axis: per cent for shares, logarithms for values (not scores) that span decades."""
    if is_share(band["unit"]):
        return {"domain": [0, 100], "nice": False}, {"tickCount": 5}, 100.0
    if band["unit"] == "%":
        lowest = min((row["p05"] for row in rows), default=0.0)
        return {"domain": [0 if lowest < 40 else 20 if lowest < 60 else 40, 100], "nice": False, "clamp": True}, {"tickCount": 6}, 1.0
    low = min([row["p05"] for row in rows] + [point["value"] for point in labs] + [limit["limit"] for limit in limits])
    high = max([row["p95"] for row in rows] + [point["value"] for point in labs] + [limit["limit"] for limit in limits])
    if low > 0 and high / low > 25 and band["unit"] not in ("points", "SD"):
        ticks = _log_ticks(low, high)
        return (
            {"type": "log", "domain": [low * 0.8, high * 1.2], "nice": False},
            {"values": ticks, "format": "~s" if high >= 1e5 else ","},
            1.0,
        )
    margin = 0.06 * (high - low) or 1.0
    bottom = 0.0 if 0 <= low < 0.35 * high else low - 2 * margin
    return {"domain": [bottom, high + margin], "nice": True, "zero": False}, {"tickCount": 5}, 1.0


def _log_ticks(low: float, high: float) -> list[float]:
    steps = (1, 3) if math.log10(high / low) > 2.2 else (1, 2, 5)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**decade for decade in decades for step in steps if low * 0.8 <= step * 10.0**decade <= high * 1.2]


def _month_ticks(first: float, last: float) -> list[float]:
    span = last - first
    step = next(step for step in (1, 3, 6, 12, 24, 60, 120, 1200) if span / step <= 8.5)
    return [float(value) for value in range(math.ceil(first / step) * step, math.floor(last + 1e-6) + 1, step)]


def _point(lab: Data) -> dict[str, Any]:
    shape = "at most" if lab["comparator"] in ("<", "<=") else "at least" if lab["comparator"] in (">", ">=") else "measured"
    return {"month": round(lab["time_days"] / MONTH, 3), "value": lab["value"], "reported": lab["as_reported"], "shape": shape}


def _points_layer(labs: Sequence[Data], y: Any) -> Spec:
    return {
        "data": {"values": list(labs)},
        "mark": {"type": "point", "filled": True, "size": 65, "color": "#000000", "opacity": 1, "stroke": "white", "strokeWidth": 0.8},
        "encoding": {
            "x": {"field": "month", "type": "quantitative"},
            "y": y("value"),
            "shape": {
                "field": "shape",
                "type": "nominal",
                "scale": {"domain": ["measured", "at most", "at least"], "range": ["circle", "triangle-down", "triangle-up"]},
                "legend": None,
            },
            "tooltip": [{"field": "reported", "type": "nominal", "title": "reported"}],
        },
    }


def _limit_layers(limits: Sequence[Data], factor: float, y: Any, first: float) -> list[Spec]:
    if not limits:
        return []
    data = {"values": [{"limit": limit["limit"] * factor, "label": limit["label"], "month": first} for limit in limits]}
    return [
        {
            "data": data,
            "mark": {"type": "rule", "strokeDash": [4, 3], "color": "#777777"},
            "encoding": {"y": y("limit")},
        },
        # White behind, so that the words stay readable where they cross a band or a line.
        *(
            {
                "data": data,
                "mark": {"type": "text", "align": "left", "dx": 3, "dy": -6, "fontSize": 10, **paint},
                "encoding": {
                    "x": {"field": "month", "type": "quantitative"},
                    "y": y("limit"),
                    "text": {"field": "label", "type": "nominal"},
                },
            }
            for paint in ({"stroke": "white", "strokeWidth": 3, "opacity": 0.8}, {"color": "#333333"})
        ),
    ]


def _dose_layers(plans: Sequence[Data], titles: Sequence[str], last: float) -> list[Spec]:
    """One row of ticks a plan at the panel's foot; a plan of very many doses is drawn as a bar over its span."""
    layers: list[Spec] = []
    row = 0
    for index, (plan, title) in enumerate(zip(plans, titles, strict=True)):
        doses = [dose for dose in plan["doses"] if dose["time_days"] / MONTH <= last + 1e-9]
        if not doses:
            continue
        place: Spec = {"value": HEIGHT - 3 - RUG * row}
        paint = {"color": PALETTE[index % len(PALETTE)], "opacity": 0.9}
        row += 1
        if len(doses) > MOST_TICKS:
            span = {"from": round(doses[0]["time_days"] / MONTH, 3), "to": round(doses[-1]["time_days"] / MONTH, 3), "plan": title}
            layers.append(
                {
                    "data": {"values": [span]},
                    "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [2, 1], **paint},
                    "encoding": {"x": {"field": "from", "type": "quantitative"}, "x2": {"field": "to"}, "y": place},
                }
            )
        else:
            ticks = [{"month": round(dose["time_days"] / MONTH, 3), "label": dose["label"]} for dose in doses]
            layers.append(
                {
                    "data": {"values": ticks},
                    "mark": {"type": "tick", "orient": "vertical", "size": RUG, "thickness": 1.4, **paint},
                    "encoding": {
                        "x": {"field": "month", "type": "quantitative"},
                        "y": place,
                        "tooltip": [{"field": "label", "type": "nominal", "title": "dose"}],
                    },
                }
            )
    return layers


def _converter() -> Any:
    import vl_convert

    return vl_convert


VEGA_LITE = "6.1"


def png(answer: Data, figure: str = "overview", scale: float = 2.0) -> bytes:
    """The figure as PNG, `scale` pixels a point."""
    return _painted(svg(answer, figure), scale)


def _painted(drawn: str, scale: float = 2.0) -> bytes:
    """An SVG as PNG: the same bytes as from the specification, without laying it out again."""
    return bytes(_converter().svg_to_png(drawn, scale=scale))


def svg(answer: Data, figure: str = "overview") -> str:
    """The figure as SVG."""
    return str(_converter().vegalite_to_svg(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE))


def html(answer: Data, figure: str = "overview") -> str:
    """The figure as one HTML file with everything in it: it opens without a network."""
    return str(_converter().vegalite_to_html(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE, bundle=True))


def available(answer: Data) -> list[str]:
    """The figures this answer can draw."""
    held = set(answer["past"]).union(*(plan["readings"] for plan in answer["plans"]))
    figures = [figure for figure, (_, names) in FIGURES.items() if held.intersection(names)]
    return [*figures, *([width_chart.NAME] if width_chart.bars(answer) else [])]


def save(answer: Data, folder: Path, figures: Sequence[str] | None = None) -> list[Path]:
    """Write every figure as PNG, SVG and HTML into `folder`; returns the paths."""
    written = []
    for figure in figures if figures is not None else available(answer):
        drawn = svg(answer, figure)
        for suffix, content in (("png", _painted(drawn)), ("svg", drawn), ("html", html(answer, figure))):
            path = folder / f"{figure}.{suffix}"
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
            written.append(path)
    return written
