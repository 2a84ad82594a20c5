"""The answer on what waiting costs (`corrin.delay/1`) in plain words, from its plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.recover_text import NO_PROMISE, cell, promised, rests_on, said, series, sources, urgent
from corrin.show.words import number

Data = Mapping[str, Any]

NOTABLE = 1.0
"""A tract is shown when some delay leaves so many points of 100 more missing (median)."""


UNTOLD = "† Not told of in this person: expected from the model alone, not seen."


def report(answer: Data, width: int = 110) -> str:
    """The whole answer; lines at most `width` characters."""
    blocks = [
        _head(answer, width),
        urgent(answer, width),
        _courses(answer, width),
        _tracts(answer, width),
        _symptoms(answer, width),
        series(answer, width),
        rests_on(answer, width),
        sources(answer, width),
        wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(answer: Data, width: int) -> str:
    line = f"{answer['case']}: what waiting costs"
    end, plan = f"{answer['compared_at_months']:g}", answer["plan"]
    lines = [line, "=" * len(line)]
    if answer["contradiction"]:
        lines.append(wrap(f"Note: {answer['contradiction']}", width))
    lines.append(wrap(f"Plan: {plan['title']}. {' '.join(plan['notes'])}", width))
    if promised(answer):
        first, last = answer["delays"][0], answer["delays"][-1]
        if first["no_sign"] is not None and last["no_sign"] is not None and last is not first:
            lines.append(
                wrap(
                    f"Begun today, the severity score is below 1 of 20 at {end} months in {said(first['no_sign'])} of people like this one "
                    f"with signs today; begun after {last['months']:g} months, in {said(last['no_sign'])}.",
                    width,
                )
            )
    else:
        lines.append(wrap(NO_PROMISE, width))
    lines.append(
        wrap(
            f"All are compared {end} months from today, the same drawn people under each delay. Until the plan begins, everything goes on "
            "as before. Chances are of 100, with the band in which the chance itself would lie were the choices known that nobody has "
            "measured; other numbers are medians with the range that holds 90 of 100.",
            width,
        )
    )
    return "\n".join(lines)


def _spread(found: Data) -> str:
    return f"{number(found['p50'])} ({number(found['p05'])}–{number(found['p95'])})"


def _wait(item: Data) -> str:
    return "today" if item["months"] == 0 else f"after {item['months']:g} month{'' if item['months'] == 1 else 's'}"


def _marked(item: Data) -> str:
    return f"{item['label']}{'' if item['told'] else ' †'}"


def _courses(answer: Data, width: int) -> str:
    end, after = f"{answer['compared_at_months']:g}", f"{answer['after_start_months']:g}"
    shown = promised(answer)
    rows = [
        ["begun", "score at start", f"score at {end} mo", "more than at once", f"no sign at {end} mo", f"no sign {after} mo after start"]
    ]
    if not shown:
        rows = [[*rows[0][:4], f"signs at {end} mo"]]
    for item in answer["delays"]:
        row = [_wait(item), *(_spread(item[key]) for key in ("score_when_begun", "score", "score_more"))]
        rows.append([*row, cell(item["no_sign"]), cell(item["no_sign_after_start"])] if shown else [*row, cell(item["sign"])])
    return title("Severity score (0 to 20) against delay") + "\n" + table(rows, width)


def _tracts(answer: Data, width: int) -> str:
    end = f"{answer['compared_at_months']:g}"
    names = [
        name
        for name in answer["delays"][0]["tracts"]
        if any(item["tracts"][name]["more_missing"]["p50"] >= NOTABLE for item in answer["delays"])
    ]
    heading = title(f"Function not expected back within {end} months, of 100")
    if not names:
        return f"{heading}\n  No delay asked for leaves a tract more than {NOTABLE:g} of 100 short of what treatment today gives (median)."
    rows = [["begun", *(_wait(item) for item in answer["delays"])]]
    first = answer["delays"][0]["tracts"]
    rows += [[_marked(first[name]), *(_spread(item["tracts"][name]["missing"]) for item in answer["delays"])] for name in names]
    return heading + "\n" + table(rows, width)


def _symptoms(answer: Data, width: int) -> str:
    end = f"{answer['compared_at_months']:g}"
    rows = [["begun", *(_wait(item) for item in answer["delays"])]]
    first = answer["delays"][0]["symptoms"]
    rows += [[_marked(first[name]), *(cell(item["symptoms"][name]["felt"]) for item in answer["delays"])] for name in first]
    note = wrap(f"How much missing function is felt is an assumption. {UNTOLD}", width, "  ")
    return title(f"Symptoms felt at {end} months, of 100") + "\n" + table(rows, width) + "\n" + note
