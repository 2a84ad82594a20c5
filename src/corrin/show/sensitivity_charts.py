"""Figures of a sensitivity analysis: `tornado` (one unknown at a time) and `indices` (Sobol shares or Morris effects)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corrin.errors import InputError
from corrin.show.charts import GREY, PALETTE, VEGA_LITE
from corrin.show.words import duration, plain_unit

Data = Mapping[str, Any]
Spec = dict[str, Any]
FIGURES = {"tornado": "One unknown at a time", "indices": "What it hangs on"}
MOST = 18


def chart(answer: Data, figure: str = "tornado") -> Spec:
    """A Vega-Lite specification from the plain data of the answer."""
    if figure not in FIGURES:
        raise InputError("figure", repr(figure), f"one of {', '.join(FIGURES)}")
    body, said = _tornado(answer) if figure == "tornado" else _indices(answer)
    when = "today" if answer["day"] <= 0 else f"after {duration(answer['day'])} of {answer['plan']}"
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {
            "text": FIGURES[figure], "subtitle": [f"{answer['label']} {when}, {answer['of']}", said, answer["disclaimer"]],
            "anchor": "start", "frame": "bounds", "fontSize": 16, "subtitleFontSize": 11, "subtitleColor": GREY, "offset": 14,
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


def _short(label: str) -> str:
    return label if len(label) <= 62 else label[:60] + "…"


def _y() -> Spec:
    axis = {"labelLimit": 400, "grid": False, "ticks": False, "domain": False}
    return {"field": "row", "type": "nominal", "sort": None, "title": None, "axis": axis}


def _tornado(answer: Data) -> tuple[Spec, str]:
    rows = [
        {"row": _short(one["label"]), "from": answer["base"], "to": one[side], "end": words}
        for one in answer["tornado"][:MOST]
        for side, words in (("low", "at its 10 % point"), ("high", "at its 90 % point"))
    ]
    unit = plain_unit(answer["unit"])
    logs = answer["log"] and all(row["to"] > 0 for row in rows)
    scale: Spec = {"type": "log", "nice": False} if logs else {"zero": False}
    x = {"type": "quantitative", "scale": scale, "title": f"{answer['label']}{', ' + unit if unit else ''}", "axis": {"format": "~r"}}
    colour = {
        "field": "end", "type": "nominal", "title": None,
        "scale": {"domain": ["at its 10 % point", "at its 90 % point"], "range": [PALETTE[0], PALETTE[1]]},
    }  # fmt: skip
    body = {
        "width": 420, "height": {"step": 20}, "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "bar", "height": 12},
                "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}, "y": _y(), "color": colour},
            },
            {
                "data": {"values": [{"at": answer["base"]}]}, "mark": {"type": "rule", "color": "#333333"},
                "encoding": {"x": {**x, "field": "at"}},
            },
        ],
    }  # fmt: skip
    after = "after this person's results" if answer["learned"] else "all others at their middle"
    return body, f"The answer with one unknown at its 10 % and its 90 % point, {after}."


def _indices(answer: Data) -> tuple[Spec, str]:
    kinds: tuple[tuple[str, str], ...]
    if answer["method"] == "sobol":
        held = [one for one in answer["indices"] if one["total"] is not None][:MOST]
        kinds, said = (("first", "alone"), ("total", "with the others")), "Share of the variance; bar: 95 % bootstrap interval."
        title = "share of the variance, %"
        times = 100.0
    else:
        held = list(answer["indices"][:MOST])
        kinds, said = (
            (("mu_star", "mean absolute change"),),
            "Mean absolute change over the central 90 % of each unknown (mu*), 95 % interval.",
        )
        title, times = ("change, log units" if answer["log"] else "change"), 1.0
    rows = [
        {
            "row": _short(one["label"]), "kind": words, "value": times * one[key], "low": times * (one[key] - one[f"{key}_error"]),
            "high": times * (one[key] + one[f"{key}_error"]),
        }
        for one in held
        for key, words in kinds
    ]  # fmt: skip
    x = {"type": "quantitative", "title": title}
    colour = {
        "field": "kind", "type": "nominal", "title": None,
        "scale": {"domain": [words for _, words in kinds], "range": [PALETTE[0], PALETTE[1]][: len(kinds)]},
    }  # fmt: skip
    offset = {"field": "kind", "type": "nominal", "sort": None}
    body = {
        "width": 420, "height": {"step": 12 if len(kinds) > 1 else 20}, "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": _y(), "yOffset": offset, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
                "encoding": {"x": {**x, "field": "value"}, "y": _y(), "yOffset": offset, "color": colour},
            },
        ],
    }  # fmt: skip
    return body, said


def png(answer: Data, figure: str = "tornado", scale: float = 2.0) -> bytes:
    """The figure as PNG, `scale` pixels a point."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE, scale=scale))


def svg(answer: Data, figure: str = "tornado") -> str:
    """The figure as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(json.dumps(chart(answer, figure)), vl_version=VEGA_LITE))


def save(answer: Data, folder: Path) -> list[Path]:
    """Write every figure as PNG and SVG into `folder`; returns the paths."""
    written = []
    for figure in FIGURES:
        for suffix, content in (("png", png(answer, figure)), ("svg", svg(answer, figure).encode("utf-8"))):
            path = folder / f"{figure}.{suffix}"
            path.write_bytes(content)
            written.append(path)
    return written
