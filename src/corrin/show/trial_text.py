"""A virtual trial in words and tables, from the plain data of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.words import duration, number, percent, plain_unit

Data = Mapping[str, Any]


def report(answer: Data, width: int = 120) -> str:
    """The whole answer."""
    design = answer["design"]
    lines = [title(design.get("title") or design["name"]), ""]
    lines += [wrap(sentence, width) for sentence in answer["verdict"]]
    for notice in answer["warnings"]:
        lines += ["", wrap(notice["text"], width, "! ", "  ")]
    lines += ["", title(f"Arms ({answer['n']:,} people)"), table(_arms(answer), width)]
    for one in answer["end_points"]:
        lines += ["", *_end_point(one, width)]
    lines += ["", title("Taken for granted"), *(wrap(text, width, "- ", "  ") for text in answer["assumptions"])]
    lines += ["", answer["disclaimer"]]
    return "\n".join(lines) + "\n"


def _arms(answer: Data) -> list[list[str]]:
    rows = [["arm", "people", "doses", "plan"]]
    for arm in answer["arms"]:
        what = arm["title"] or arm["plan"]
        rows.append([f"{arm['name']}{' (control)' if arm['control'] else ''}", f"{arm['n']:,}", f"{arm['doses']:,}", what])
    return rows


def _end_point(one: Data, width: int) -> list[str]:
    when = "" if one["day"] is None else f", after {duration(one['day'])}" if not one["published"] else f", day {one['day']:g}"
    lines = [title(f"{one['name']}{' (primary)' if one['primary'] else ''}")]
    about = f"{one['label']}{when}; shown: {one['looked_for']}."
    if one["published"]:
        about += " Published effect, not simulated."
    lines.append(wrap(about, width))
    rows = [["", one["effect_kind"], "not known", "single people", "power", "with what is not known", "people for 80 %"]]
    for item in one["comparisons"]:
        rows.append(
            [
                f"{item['arm']} against {item['control']}", _effect(item["expected"], one), _span(item["unknown"], one),
                _span(item["between_people"], one), _chance(item["power"]), _chance(item["assurance"]), _size(item["size"]),
            ]
        )  # fmt: skip
    lines.append(table(rows, width))
    for item in one["comparisons"]:
        forms = [f"{_effect(form['effect'], one)} with {form['name']} ({percent(form['weight'])})" for form in item["forms"]]
        if len({_effect(form["effect"], one) for form in item["forms"]}) > 1:
            lines.append(wrap(f"By form of the model: {'; '.join(forms)}.", width, "  "))
    if one["arms"]:
        lines.append(table(_results(one), width))
    return lines


def _results(one: Data) -> list[list[str]]:
    reported = any(arm["reported"] is not None for arm in one["arms"])
    rows = [["arm", "a trial of this size reports (90 of 100)", *(["published", ""] if reported else [])]]
    for arm in one["arms"]:
        row = [arm["arm"], f"{_value(arm['p50'], arm, one)} ({_value(arm['p05'], arm, one)} to {_value(arm['p95'], arm, one)})"]
        if reported:
            inside = "" if arm["inside"] is None else "inside" if arm["inside"] else "outside"
            row += ["" if arm["reported"] is None else _value(arm["reported"], arm, one), inside]
        rows.append(row)
    return rows


def _value(value: float, arm: Data, one: Data) -> str:
    if arm["unit"]:
        return f"{number(value)} {plain_unit(arm['unit'])}"
    if one["effect_kind"] in ("difference of shares", "hazard ratio"):
        return f"{100 * value:.0f} %"
    return f"x {value:.2f}"


def _effect(value: float | None, one: Data) -> str:
    if value is None:
        return "-"
    if one["effect_kind"] in ("ratio", "hazard ratio"):
        return f"{value:.2f}" if value < 10.0 else f"{value:.1f}"
    if one["effect_kind"] == "difference of shares":
        return f"{100 * value:+.0f} %"
    shown = f"{value:+.2f}" if abs(value) < 10 else f"{value:+,.0f}"
    return f"{shown} {plain_unit(one['unit'])}".rstrip()


def _span(span: Data | None, one: Data) -> str:
    return "-" if span is None else f"{_effect(span['p05'], one)} to {_effect(span['p95'], one)}"


def _chance(chance: Data) -> str:
    return f"{100 * chance['value']:.0f} % ({100 * chance['low']:.0f}-{100 * chance['high']:.0f})"


def _size(size: Data) -> str:
    if size["n"] is None:
        return "not reached"
    if size["low"] is None and size["high"] is not None:
        return f"{size['n']:,} or fewer"
    more = "" if size["high"] is None or size["low"] is None else f" ({size['low']:,}-{size['high']:,})"
    return f"{size['n']:,}{more}"
