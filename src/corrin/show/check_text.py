"""The check of studies in plain words and tables, from an answer's plain data (`corrin.check/1`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.words import number, plain_unit

Data = Mapping[str, Any]
GROUPS = (
    ("by_role", "role"), ("by_analyte", "what was measured"), ("by_route", "route"), ("by_cause", "cause"), ("by_scale", "scale"),
)  # fmt: skip
SCALES = {"log": "levels", "linear": "changes and scores", "share": "shares of people"}
ROLES = {
    "fit": "fit (the population may be calibrated on these; each predicted without itself)",
    "check": "check (never fitted, only compared)",
}
SHOWN = 12
"""Groups shown of a kind; the rest stand in the answer."""


def report(answer: Data, width: int = 120) -> str:
    """The whole report; lines at most `width` characters, tables as wide as they need."""
    blocks = [
        _head(answer, width),
        *_studies(answer, width),
        _summary(answer, width),
        _notes(answer, width),
        wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(answer: Data, width: int) -> str:
    count = len(answer["studies"])
    first = f"Predicted against observed: {count} {'study' if count == 1 else 'studies'}"
    lines = [first, "=" * len(first), *(wrap(sentence, width) for sentence in answer["verdict"])]
    for refused in answer["refused"]:
        lines.append(wrap(f"Not answered: {refused['source']}", width))
        lines += [wrap(fault, width, "  ", "    ") for fault in refused["faults"]]
    return "\n".join(lines)


def _studies(answer: Data, width: int) -> list[str]:
    blocks = []
    for role in ("fit", "check"):
        held = [study for study in answer["studies"] if study["role"] == role]
        if held and len({study["role"] for study in answer["studies"]}) > 1:
            blocks.append(title(f"Studies of role {ROLES[role]}"))
        blocks += [_study(study, [point for point in answer["points"] if point["study"] == study["key"]], width) for study in held]
    return blocks


def _study(study: Data, points: Sequence[Data], width: int) -> str:
    lines = [
        title(study["key"]),
        wrap(study["citation"], width),
        wrap(f"{study['design']}; seen as {study['seen']}; {study['source']}", width),
    ]
    rows = [["", "day", "n", "observed", "predicted (90 of 100)", "z", ""]]
    for arm in study["arms"]:
        own = [point for point in points if point["arm"] == arm["name"]]
        said = f"{arm['name']} ({_of(arm)})"
        if not arm["simulated"]:
            said += f": not simulated, {arm['why_not']}"
        if own and arm["simulated"]:
            rows += [[said, *[""] * 6], *(_row(point) for point in own)]
        else:
            lines.append(wrap(said, width))
            lines += [
                wrap(f"{_name(point)}, day {point['day']:g}: {_number(point['observed'], point)}", width, "    ", "      ") for point in own
            ]
        lines += [wrap(f"Not compared: {text}", width, "  ", "    ") for text in arm["not_compared"]]
    if len(rows) > 1:
        lines.append(table(rows, width))
    return "\n".join(lines)


def _of(arm: Data) -> str:
    people = "" if arm["n"] is None else f"n {arm['n']:,}; "
    route = {"none": "no B12 given", "diet": "diet"}.get(arm["route"], arm["route"])
    return f"{people}{route}; cause {arm['cause']}"


def _name(point: Data) -> str:
    unit = plain_unit(point["unit"])
    kind = "" if point["statistic"] == "percent" else f", {point['statistic']}"
    return f"{point['label']}{kind}{f', {unit}' if unit else ''}"


def _number(value: float, point: Data) -> str:
    return number(value, point["unit"])


def _row(point: Data) -> list[str]:
    cells = [f"  {_name(point)}", f"{point['day']:g}", "" if point["n"] is None else f"{point['n']:,}", _number(point["observed"], point)]
    if point["p50"] is None:
        return [*cells, "", "", point["why_not"]]
    middle, low, high = (_number(point[name], point) for name in ("p50", "p05", "p95"))
    place = "OUTSIDE" if not point["inside_90"] else "inside 50" if point["inside_50"] else "inside"
    return [*cells, f"{middle} ({low} to {high})", f"{point['z']:+.1f}", place if point["counted"] else f"not counted: {point['why_not']}"]


def _summary(answer: Data, width: int) -> str:
    found = answer["summary"]
    if not found["points"]:
        return ""
    head = ["", "points", "in 90 %", "(95 % interval)", "in 50 %", "fold error", "width", "log score", "no change", "class mean"]
    rows = [head, _score("all", found)]
    for key, what in GROUPS:
        groups = list(found[key].items())
        if len(groups) > 1:
            rows += [[""] * len(head), [f"by {what}", *[""] * (len(head) - 1)]]
            rows += [_score(f"  {SCALES.get(name, name) if key == 'by_scale' else name}", held) for name, held in groups[:SHOWN]]
            if len(groups) > SHOWN:
                rows.append([f"  ({len(groups) - SHOWN} more in the answer's JSON)", *[""] * (len(head) - 1)])
    notes = [
        "Fold error: half of the levels are closer than this factor. Width: p95 / p05 of a level, geometric mean. Log score: mean log "
        "density at what was observed; larger is better.",
        "Baselines: `no change` keeps day 0 (reported, else drawn); `class mean` moves day 0 as other studies of the same reading and "
        "route moved. Both are given the one spread for each class that fits these very points best, which the model is not.",
    ]
    return "\n".join([title("Summary"), table(rows, width), *(wrap(note, width) for note in notes)])


def _score(name: str, held: Data) -> list[str]:
    def shown(value: float | None, form: str = ".2f") -> str:
        return "" if value is None else format(value, form)

    low, high = held["inside_90_interval"]
    width = held["mean_log_width"]
    return [
        name, f"{held['points']}", f"{100 * held['inside_90']:.0f}", f"({100 * low:.0f} to {100 * high:.0f})",
        f"{100 * held['inside_50']:.0f}", shown(held["median_fold_error"]),
        "" if width is None else f"{math.exp(width):.1f}", shown(held["log_score"]),
        shown(held["log_score_no_change"]), shown(held["log_score_class_mean"]),
    ]  # fmt: skip


def _notes(answer: Data, width: int) -> str:
    made = answer["made"]
    lines = [f"! {notice['text']}" for notice in answer["warnings"]]
    if not any(arm["simulated"] for study in answer["studies"] for arm in study["arms"]):
        return title("What this rests on") + "\n" + "\n".join(wrap(line, width, "  ", "    ") for line in lines)
    lines.append(
        f"{made['draws']:,} drawn people an arm, worth at least {made['effective_sample_size']:,.0f} after they were led to what day 0 "
        f"showed; seed {made['seed']}. Chance alone may move a middle by {100 * made['monte_carlo_error']:.1f} % of its interval."
    )
    return title("What this rests on") + "\n" + "\n".join(wrap(line, width, "  ", "    ") for line in lines)
