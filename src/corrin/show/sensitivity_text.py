"""What an answer hangs on, in words and tables, from the plain data of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.words import duration, interval, number, plain_unit

Data = Mapping[str, Any]
SHOWN = 15
BY = {"trace": "the equations", "difference": "differences"}


def report(answer: Data, width: int = 120) -> str:
    """The whole answer."""
    when = "today" if answer["day"] <= 0 else f"after {duration(answer['day'])} of {answer['plan']}"
    who = "an adult of whom nothing is known" if answer["of"] == "population" else answer["of"]
    unit = plain_unit(answer["unit"])
    lines = [title(f"What {answer['label']} hangs on"), ""]
    lines.append(wrap(f"{answer['label']} {when}, in {who}: {interval(answer['p50'], answer['p05'], answer['p95'], answer['unit'])} {unit} "
                      "before any result.", width))  # fmt: skip
    lines += [wrap(sentence, width) for sentence in answer["verdict"]]
    for notice in answer["warnings"]:
        lines += ["", wrap(notice["text"], width, "! ", "  ")]
    lines += ["", *_indices(answer, width), "", *_tornado(answer, width), "", *_slopes(answer, width)]
    lines += ["", f"{answer['unmoved']} further unknowns do not move it.", "", answer["disclaimer"]]
    return "\n".join(lines) + "\n"


def _indices(answer: Data, width: int) -> list[str]:
    if answer["method"] == "sobol":
        rows = [["unknown", "alone, % of the variance", "with the others, %"]]
        for one in [one for one in answer["indices"] if one["total"] is not None][: SHOWN + 1]:
            rows.append([one["label"], _share(one["first"], one["first_error"]), _share(one["total"], one["total_error"])])
        return [
            title(f"Shares of the variance{' of its logarithm' if answer['log'] else ''} (Sobol; ± half of the 95 % bootstrap interval)"),
            table(rows, width),
        ]
    what = "log units" if answer["log"] else plain_unit(answer["unit"]) or "share"
    rows = [["unknown", f"change over its 90 % (mu*), {what}", "depends on the others (sigma)"]]
    for one in answer["indices"][:SHOWN]:
        rows.append([one["label"], f"{one['mu_star']:.3f} ± {one['mu_star_error']:.3f}", f"{one['sigma']:.3f}"])
    return [title("Elementary effects (Morris; ± half of the 95 % bootstrap interval)"), table(rows, width)]


def _share(value: float, error: float) -> str:
    return f"{100 * value:.1f} ± {100 * error:.1f}"


def _tornado(answer: Data, width: int) -> list[str]:
    unit = plain_unit(answer["unit"])
    rows = [["unknown", "at its 10 % point", "at its 90 % point"]]
    for one in answer["tornado"][:SHOWN]:
        rows.append([one["label"], f"{number(one['low'])} {unit}".rstrip(), f"{number(one['high'])} {unit}".rstrip()])
    after = "after this person's results" if answer["learned"] else "all others at their middle"
    return [title(f"One at a time (from {number(answer['base'])} {unit}; {after})"), table(rows, width)]


def _slopes(answer: Data, width: int) -> list[str]:
    """Exact derivatives; where one is by differences a column says so."""
    what = "% of the answer" if answer["log"] else plain_unit(answer["unit"]) or "share"
    shown = answer["slopes"][:SHOWN]
    mixed = len({one.get("by", "difference") for one in shown}) > 1
    rows = [["unknown", f"for one SD more, {what}", "% for 1 % more", *(["by"] if mixed else [])]]
    for one in shown:
        per_cent = "" if one["elasticity"] is None else f"{one['elasticity']:+.2f}"
        rows.append([one["label"], f"{one['per_sd']:+.2f}", per_cent, *([BY[one.get("by", "difference")]] if mixed else [])])
    exact = any(one.get("by") == "trace" for one in shown)
    return [
        title("Locally (exact derivatives, carried through the equations)" if exact else "Locally (by differences)"),
        table(rows, width),
    ]
