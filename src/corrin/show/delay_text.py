"""The answer on what waiting costs (`corrin.delay/1`) in plain words, from its plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.recover_text import NO_PROMISE, SCORE, cell, notes, of_hundred, promised, rests_on, series, soonest, sources, urgent

Data = Mapping[str, Any]

NOTABLE = 1.0
"""A tract is shown when some delay leaves so many points of 100 more missing (median)."""


UNTOLD = "† Not told of in this person: expected from the model alone, not seen."


def report(answer: Data, width: int = 110) -> str:
    """The whole answer; lines at most `width` characters."""
    blocks = [
        _head(answer, width),
        _courses(answer, width),
        urgent(answer, width),
        _tracts(answer, width),
        _symptoms(answer, width),
        _how_to_read(answer, width),
        series(answer, width, "delay"),
        rests_on(answer, width),
        sources(answer, width),
        wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(answer: Data, width: int) -> str:
    line = f"{answer['case']}: what waiting costs"
    end, delays = f"{answer['compared_at_months']:g}", answer["delays"]
    lines = [line, "=" * len(line), *notes(answer, width)]
    if promised(answer):
        if all(item["no_sign"] for item in delays):
            begun = "; ".join(f"{_wait(item)} {cell(item['no_sign'])}" for item in delays)
            many = f"so many have no sign left {end} months from now (band in brackets) when treatment begins"
            text = f"Of 100 people like this one with signs today, {many}: {begun}."
            lines.append(wrap(text, width))
    else:
        lines.append(wrap(NO_PROMISE, width))
        begun = "; ".join(f"{_wait(item)} {cell(item['sign'])}" for item in delays)
        many = f"so many have signs {end} months from now (band in brackets) when treatment begins"
        lines.append(wrap(f"Of 100 people like this one, {many}: {begun}.", width))
    scores = "; ".join(f"{_wait(item)} {_points(item['score'])}" for item in delays)
    lines.append(wrap(f"{SCORE}, lower is better, on that day: {scores}.", width))
    return "\n".join([*lines, *soonest(answer, width)])


def _how_to_read(answer: Data, width: int) -> str:
    end, after, plan = f"{answer['compared_at_months']:g}", f"{answer['after_start_months']:g}", answer["plan"]
    lines = [
        f"Plan: {plan['title']}. {' '.join(plan['notes'])}".strip(),
        f"All are compared {end} months from today, the same drawn people under each delay; until the plan begins, everything goes on as "
        "before. `More than at once` is the difference within the same person.",
    ]
    if promised(answer):
        lines.append(
            f"Who begins later is treated for less time until that day: `no sign {after} mo after start` gives everybody {after} "
            "months of it. No sign: below 1 of the score; `corrin recover` says what that leaves out."
        )
    lines.append(
        "Chances are of 100, with the band in which the chance itself would lie (90 of 100) were the choices known that nobody has "
        "measured; other numbers are medians with the range that holds 90 of 100 people."
    )
    return "\n".join([title("How to read this"), *(wrap(line, width, "  ", "    ") for line in lines)])


def _points(found: Data) -> str:
    """Points of the score: `2.8 (0.2–6.8)`; 0 where all three are."""
    middle, low, high = (f"{found[key]:.1f}" for key in ("p50", "p05", "p95"))
    return "0" if middle == low == high == "0.0" else f"{middle} ({low}–{high})"


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
        row = [_wait(item), *(_points(item[key]) for key in ("score_when_begun", "score", "score_more"))]
        rows.append([*row, cell(item["no_sign"]), cell(item["no_sign_after_start"])] if shown else [*row, cell(item["sign"])])
    return title(f"{SCORE} against delay") + "\n" + table(rows, width)


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
    rows += [[_marked(first[name]), *(of_hundred(item["tracts"][name]["missing"]) for item in answer["delays"])] for name in names]
    return heading + "\n" + table(rows, width)


def _symptoms(answer: Data, width: int) -> str:
    end = f"{answer['compared_at_months']:g}"
    rows = [["begun", *(_wait(item) for item in answer["delays"])]]
    first = answer["delays"][0]["symptoms"]
    rows += [[_marked(first[name]), *(cell(item["symptoms"][name]["felt"]) for item in answer["delays"])] for name in first]
    note = wrap(f"How much missing function is felt is an assumption. {UNTOLD}", width, "  ")
    return title(f"Symptoms felt at {end} months, of 100") + "\n" + table(rows, width) + "\n" + note
