"""The answer on what comes back (`corrin.recover/1`) in plain words, from its plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.charts import MONTH
from corrin.show.words import duration, number, percent, share

Data = Mapping[str, Any]

HOW_TO_READ = (
    "A chance is of 100 people like this one; the band in brackets is where the chance itself would lie (90 of 100) were the choices known "
    "that nobody has measured. Full: no sign is found (it does not say that no fibre is missing). Partial: a sign is left, and half of "
    "today's deficit or more is gone. Deficit: a sign is left, much or little gone. The score adds up five items and forgives a little in "
    "each, so it is complete more often than every tract is. What is not expected back within 24 months holds what never returns and what "
    "is still slowly returning: nobody can tell the two apart today."
)
NO_PROMISE = (
    "No nerve sign or symptom is told. Treatment keeps nerves from being hurt and corrects what the blood lacks; there is no deficit here "
    "whose return could be promised, and none is."
)
SERIES_NOTE = "What was counted in people like these (selected by who was published, and when they were looked at):"


def report(answer: Data, width: int = 110) -> str:
    """The whole answer; lines at most `width` characters."""
    blocks = [
        _head(answer, width),
        urgent(answer, width),
        _today(answer, width),
        *(_plan(plan, answer, width) for plan in answer["plans"]),
        _drivers(answer, width),
        _matters(answer, width),
        series(answer, width),
        rests_on(answer, width),
        sources(answer, width),
        wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def promised(answer: Data) -> bool:
    """Whether there is something whose return can be spoken of: a finding told, or signs that are likelier there than not."""
    sign = answer["today"]["sign"]
    return bool(answer["nerve_findings_told"] or (sign is not None and sign["p"] >= 0.5))


def cell(found: Data | None) -> str:
    """`34 (20-50)`: a chance in per cent with its band."""
    if found is None:
        return ""
    shown = share(found["p"])
    return f"{shown} ({share(found['low'])}–{share(found['high'])})"


def said(found: Data) -> str:
    """`34 % (20 to 50 %)` within a sentence."""
    return f"{percent(found['p'])} ({share(found['low'])} to {share(found['high'])} %)"


def _head(answer: Data, width: int) -> str:
    line = f"{answer['case']}: what comes back, how much and how fast"
    lines = [line, "=" * len(line)]
    if answer["contradiction"]:
        lines.append(wrap(f"Note: {answer['contradiction']}", width))
    if not promised(answer):
        return "\n".join([*lines, wrap(NO_PROMISE, width)])
    best = answer["plans"][0]
    found = best["by_score"]["at_months"]
    if found:
        late, steps = found["24"], best["by_score"]["times"]
        text = (
            f"Under the first plan ({best['title']}), of people like this one with signs today {said(late['full'])} are back below 1 of 20 "
            f"on the severity score at 24 months, which published series call complete; {said(late['partial'])} are at least half better "
            "with signs left; in the others more is left."
        )
        strict = best["every_tract"]["at_months"]
        text += f" Every tract with a finding is back within its own threshold in {said(strict['24']['full'])}." if strict else ""
        first = steps["first"]
        if first["p50_days"] is not None:
            late_step = duration(first["p95_days"]) if first["p95_days"] is not None else "over 24 months"
            text += f" The first small step comes after {duration(first['p50_days'])} ({duration(first['p05_days'])} to {late_step})."
        lines.append(wrap(text, width))
    lines.append(wrap(HOW_TO_READ, width))
    return "\n".join(lines)


def urgent(answer: Data, width: int) -> str:
    """Level, urgency, next step, what is open: nothing alarming without what to do."""
    lines = [title("What the findings call for")]
    level = "; ".join(answer["b12"]["because"])
    lines.append(wrap(f"B12: {level}." if level else "B12: not tested. Test it, with methylmalonic acid.", width, "  ", "    "))
    for item in answer["recognised"]:
        sure = "" if item["sure"] == "as told" else f" ({item['sure']})"
        because = ", ".join(item["because"])
        lines.append(
            wrap(f"{item['urgency'][:1].upper()}{item['urgency'][1:]}: {item['name']}{sure}. Because of {because}.", width, "  ", "    ")
        )
        lines.append(wrap(f"Next: {item['next_step']}", width, "    ", "      "))
        lines += [wrap(f"Not known: {unknown}.", width, "    ", "      ") for unknown in item["not_known"]]
    if not answer["recognised"]:
        lines.append(wrap("Next: `corrin assess` says what the guideline asks to test and to treat.", width, "    ", "      "))
    if answer["open_red_flags"]:
        named = "; ".join(f"{item['name']} ({item['test']})" for item in answer["open_red_flags"])
        text = f"Look-alikes not excluded, with the test that tells: {named}. What one of these did, B12 does not bring back."
        lines.append(wrap(text, width, "  ", "    "))
    return "\n".join(lines)


def _today(answer: Data, width: int) -> str:
    today = answer["today"]
    rows = [["", "works, of 100", "a sign is found, chance of 100"]]
    rows += [
        [
            item["label"] + ("" if item["told"] else " †"),
            f"{number(item['works']['p50'])} ({number(item['works']['p05'])}–{number(item['works']['p95'])})",
            cell(item["sign"]),
        ]
        for item in today["tracts"].values()
    ]
    rows += [["Score 1 of 20 or more", "", cell(today["sign"])]]
    lines = [title("Nerves today, learned from the history and what was found"), table(rows, width)]
    if not all(item["told"] for item in today["tracts"].values()):
        lines.append(wrap("† No finding of this tract is told: what stands here is expected, not seen. Examine it.", width, "  ", "    "))
    days = today["days_with_signs"]
    if days is not None and promised(answer):
        lines.append(
            wrap(
                f"Signs could be found for about {duration(days['p50'])} ({duration(days['p05'])} to {duration(days['p95'])}).",
                width,
                "  ",
            )
        )
    return "\n".join(lines)


def _plan(plan: Data, answer: Data, width: int) -> str:
    lines = [title(f"Plan: {plan['title']}")]
    lines += [wrap(plan["description"], width)] if plan["description"] else []
    lines += [wrap(note, width, "  ", "  ") for note in plan["notes"]]
    if not promised(answer):
        lines.append(wrap(f"Signs or more signs within 24 months: {said(plan['worse_at_24_months'])}.", width, "  ", "    "))
        return "\n".join(lines)
    if not plan["doses"]:
        rows = [_header(), _together(plan)[0]]
        lines += [table(rows, width), wrap(f"Worse at 24 months than today: {said(plan['worse_at_24_months'])}.", width, "  ", "    ")]
        return "\n".join(lines)
    today = answer["today"]
    rows = [_header(), *_together(plan)]
    rows += [_chances(item["label"], item) for name, item in plan["tracts"].items() if item["at_months"] and today["tracts"][name]["told"]]
    felt = [item for name, item in plan["symptoms"].items() if item["at_months"] and today["symptoms"][name]["told"]]
    if felt:
        rows += [[""] * 7, ["SYMPTOMS TOLD, FELT TODAY ~", *[""] * 6], *(_chances(f"  {item['label']}", item) for item in felt)]
    lines += ["", table(rows, width)]
    if felt:
        lines.append(
            wrap("~ A symptom: full is no longer felt; partial is felt, with half or less of what drives it.", width, "  ", "    ")
        )
    unseen = [item["label"] for item in today["tracts"].values() if not item["told"]]
    if unseen:
        text = f"{'; '.join(unseen)}: no finding is told, so nothing is said here of what comes back (`--json` holds it). Examine them."
        lines.append(wrap(text, width, "  ", "    "))
    none = [item["label"] for name, item in plan["tracts"].items() if not item["at_months"] and today["tracts"][name]["told"]]
    if none:
        lines.append(wrap(f"Hardly any sign is expected today, so there is no chance to state: {'; '.join(none)}.", width, "  ", "    "))
    lines += ["", *_times(plan, today, width)]
    lines += [wrap(f"{sentence}.", width, "  ", "    ") for sentence in plan["not_expected"]]
    lines.append(wrap(f"Worse at 24 months than today: {said(plan['worse_at_24_months'])}.", width, "  ", "    "))
    return "\n".join(lines)


def _header() -> list[str]:
    return ["", *(f"{month} mo: {what}" if what == "full" else what for month in (12, 24) for what in ("full", "partial", "deficit"))]


def _together(plan: Data) -> list[list[str]]:
    return [_chances("Severity score (of 20)", plan["by_score"]), _chances("Every tract below", plan["every_tract"])]


def _chances(label: str, item: Data) -> list[str]:
    found = item["at_months"]
    if not found:
        return [label, "no sign today", "", "", "", "", ""]
    return [label, *(cell(found[month][what]) for month in ("12", "24") for what in ("full", "partial", "deficit"))]


def _times(plan: Data, today: Data, width: int) -> list[str]:
    rows = [["Months to", "a first small step", "half gone", "most of what returns", "half not within 24, of 100"]]
    for label, item in (("Severity score (of 20)", plan["by_score"]), *_told(plan, today)):
        if item["times"]:
            spans = [_months(item["times"][name]) for name in ("first", "half", "most")]
            rows.append([label, *spans, cell(item["times"]["half"]["never"])])
    return [table(rows, width)] if len(rows) > 1 else []


def _told(plan: Data, today: Data) -> list[tuple[str, Data]]:
    return [(tract["label"], tract) for name, tract in plan["tracts"].items() if today["tracts"][name]["told"]]


def _months(step: Data) -> str:
    """`2.7 (1.4–8.0)`; `>24` where so many of the people never get there within it."""
    middle, low, high = (">24" if step[key] is None else number(step[key] / MONTH) for key in ("p50_days", "p05_days", "p95_days"))
    return middle if middle == low == high else f"{middle} ({low}–{high})"


def _drivers(answer: Data, width: int) -> str:
    found = answer["drivers"]
    if not promised(answer) or not found["ranked"]:
        return ""
    lines = [title("What drives it for this person, the largest first")]
    lines.append(
        wrap(
            f"No sign left at 24 months: {said(found['as_is'])} as things are. The same drawn people again with one thing otherwise "
            f"(plan: {found['title']}):",
            width,
        )
    )
    rows = [["", "if", "no sign left", "score lower by (of 20)"]]
    for item in found["ranked"]:
        lower = item["score_lower_by"]
        rows.append([
            f"  {item['label']}", item["if"], cell(item["no_sign"]),
            f"{number(lower['p50'])} ({number(max(lower['p05'], 0.0))}–{number(lower['p95'])})",
        ])  # fmt: skip
    lines.append(table(rows, width))
    causes = [f"{row['label']}, {percent(row['share'])} likely: {said(row['no_sign'])}" for row in found["causes"]]
    if len(causes) > 1:
        lines.append(wrap(f"Cause, as far as it is not known: {'; '.join(causes)}.", width, "  ", "    "))
    slowed = found["glucose"]["slowed_m_per_s"]
    if slowed["p50"] >= 0.05:
        lines.append(
            wrap(
                f"Glucose: conduction is slower by {number(slowed['p50'])} m/s ({number(slowed['p05'])}–{number(slowed['p95'])}) because "
                "of it. B12 does not give that back; glucose control does, over years.",
                width,
                "  ",
                "    ",
            )
        )
    return "\n".join(lines)


def _matters(answer: Data, width: int) -> str:
    lines = [title("What else matters: direction known, its size for this person's recovery not")]
    lines += [
        wrap(
            f"{item['name'][:1].upper()}{item['name'][1:]} ({item['direction']}; evidence {item['grade']}; {item['because']}): "
            f"{item['statement']}",
            width,
            "  ",
            "    ",
        )
        for item in answer["matters"]
        if item.get("because")
    ]
    others = [f"{item['name']} ({item['direction']}, {item['grade']})" for item in answer["matters"] if not item.get("because")]
    text = f"For everybody, with the grade of the evidence: {'; '.join(others)}. `corrin matters` says what was measured."
    lines.append(wrap(text, width, "  ", "    "))
    lines.append(wrap(answer["b6"], width, "  ", "    "))
    return "\n".join(lines)


def series(answer: Data, width: int) -> str:
    """How people of published series did."""
    if not answer["series"]:
        return ""
    lines = [title("Published series"), wrap(SERIES_NOTE, width)]
    for row in answer["series"]:
        told = row.get("share")
        count = f"{row['count']:g} of {row['people']:g} ({100 * told['low']:.0f} to {100 * told['high']:.0f} %)" if told else row["words"]
        parts = [row["who"], row.get("severity"), row.get("delay"), row.get("follow_up")]
        about = ", ".join(str(part) for part in parts if part)
        read = {"recalled": ", recalled, not read", "secondary": ", read second-hand"}.get(str(row.get("seen")), "")
        cited = ", ".join(row["sources"])
        lines.append(wrap(f"{row['what']}: {count}; {about}. Evidence {row['grade']}{read} [{cited}].", width, "  ", "    "))
    return "\n".join(lines)


def rests_on(answer: Data, width: int) -> str:
    """Evidence and how the answer was made."""
    made, evidence = answer["made"], answer["evidence"]
    lines = [f"Evidence: {evidence['grade']}.", *evidence["because"]]
    lines.append(
        f"{made['draws']:,} drawn people of this history, worth {made['effective_sample_size']:,.0f} after weighing by their data; seed "
        f"{made['seed']}. How a band is made: docs/how-to/recover.md."
    )
    lines += answer["warnings"]
    return title("What this rests on") + "\n" + "\n".join(wrap(line, width, "  ", "    ") for line in lines)


def sources(answer: Data, width: int) -> str:
    """Keys and citations."""
    lines = [wrap(f"[{key}] {citation}", width, "  ", "    ") for key, citation in answer["sources"].items()]
    return title("Sources") + "\n" + "\n".join(lines)
