"""The next study in words and tables, from the plain data of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.words import number, plain_unit

Data = Mapping[str, Any]


def report(answer: Data, width: int = 120) -> str:
    """The whole answer."""
    asked = answer["asked"]
    lines = [title(asked.get("title") or asked["name"]), ""]
    if asked.get("description"):
        lines += [wrap(asked["description"], width), ""]
    lines += [wrap(sentence, width) for sentence in answer["verdict"]]
    for notice in answer["warnings"]:
        lines += ["", wrap(notice["text"], width, "! ", "  ")]
    lines += ["", title("By size"), table(_options(answer), width)]
    lines += ["", title(f"The way there ({answer['best']['n']} people an arm)"), table(_steps(answer), width)]
    if answer["best"]["answers"]:
        lines += ["", title("What it would narrow"), table(_answers(answer), width)]
    lines += ["", title("Taken for granted"), *(wrap(text, width, "- ", "  ") for text in answer["assumptions"])]
    lines += ["", answer["disclaimer"]]
    return "\n".join(lines) + "\n"


def _options(answer: Data) -> list[list[str]]:
    rows = [["people an arm", "cost", "right", "bits", "measurements"]]
    for one in answer["options"]:
        mark = " *" if one == answer["best"] else ""
        what = ", ".join(f"{item['reading']}@{item['day']:g}" for item in one["measured"])
        rows.append([f"{one['n']}{mark}", f"{one['cost']:,.0f}", f"{100 * one['right']:.0f} %", f"{one['bits']:.2f}", what])
    return rows


def _steps(answer: Data) -> list[list[str]]:
    rows = [["added", "cost", "right", "bits"]]
    for one in answer["steps"]:
        what = " with ".join(f"{item['label']}, day {item['day']:g} ({item['arm']})" for item in one["added"])
        rows.append([what, f"{one['cost']:,.0f}", f"{100 * one['right']:.0f} %", f"{one['bits']:.2f}"])
    return rows


def _answers(answer: Data) -> list[list[str]]:
    rows = [["answer (mean over people)", "now", "after the study", "narrower by"]]
    for one in answer["best"]["answers"]:
        unit = plain_unit(one["unit"])
        if one["log"]:
            now, after = (f"{number(one['middle'])} {unit} ± {100 * sd:.0f} %" for sd in (one["sd_before"], one["sd_after"]))
        else:
            now, after = (f"{number(one['middle'])} ± {number(sd)} {unit}" for sd in (one["sd_before"], one["sd_after"]))
        rows.append([one["name"], now, after, f"{100 * one['narrowing']:.0f} %"])
    return rows
