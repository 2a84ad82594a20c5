"""The answer on what comes back (`corrin.recover/1`) in plain words, from its plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.charts import MONTH
from corrin.show.words import duration, number, percent, share

Data = Mapping[str, Any]

SCORE = "Neurological score (0 to 20)"
HOW_TO_READ = (
    "A chance is of 100 people like this one; the band in brackets is where the chance itself would lie (90 of 100) were the choices known "
    "that nobody has measured.",
    "No sign (full recovery): an examiner finds nothing; it does not say that no fibre is missing. Half better (partial): a sign is left, "
    "half of today's deficit or more is gone. Sign left (deficit): with half gone or less. For a symptom: no longer felt; felt, with half "
    "or less of what drives it; still felt.",
    "The score adds up five items and forgives a little in each, so it shows no sign (below 1) more often than every tract does. Published "
    "series call that complete.",
    "Not expected back within 24 months: what never returns and what is still slowly returning; nobody can tell the two apart today.",
    "The first weeks are the weakest part: published patients were often better within weeks, sooner than forecast (docs/patients.md); "
    "how much of a deficit is that quick was never measured.",
)
ALIKE = 0.02
NO_WORSE = (
    "In the model this is about as good as the first plan, because what is told leaves this person enough B12 once the cause has ended. It "
    "is no reason to leave B12 out: whether cells have enough is not known from outside, and guidelines give injections with such signs."
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
        *(_plan(plan, answer, width) for plan in answer["plans"] if plan["doses"] or not promised(answer)),
        _untreated(answer, width),
        _how_to_read(answer, width),
        _today(answer, width),
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
    shown, low, high = (share(found[key]) for key in ("p", "low", "high"))
    return shown if shown == low == high else f"{shown} ({low}–{high})"


def said(found: Data) -> str:
    """`34 % (20 to 50 %)` within a sentence."""
    low, high = share(found["low"]), share(found["high"])
    return percent(found["p"]) if low == high == share(found["p"]) else f"{percent(found['p'])} ({low} to {high} %)"


def _head(answer: Data, width: int) -> str:
    line = f"{answer['case']}: what comes back, how much and how fast"
    lines = [line, "=" * len(line)]
    lines += notes(answer, width)
    if not promised(answer):
        return "\n".join([*lines, wrap(NO_PROMISE, width), *_prevents(answer, width), *soonest(answer, width)])
    best = answer["plans"][0]
    found = best["by_score"]["at_months"]
    if found:
        late, first, strict = found["24"], best["by_score"]["times"]["first"], best["every_tract"]["at_months"]
        lines.append(
            wrap(f"Of 100 people like this one with signs today, after 24 months (band in brackets; plan: {best['title']}):", width)
        )
        each = f"; in each place where one is told: {cell(strict['24']['full'])}" if strict else ""
        lines.append(wrap(f"{cell(late['full'])} have no sign left by the score{each};", width, "  ", "    "))
        lines.append(wrap(f"{cell(late['partial'])} are half better or more, with a sign left;", width, "  "))
        lines.append(wrap(f"{cell(late['less'])} are less than half better.", width, "  "))
        if first["p50_days"] is None:
            lines.append("In most of them no first small step is seen within 24 months.")
        else:
            late_step = duration(first["p95_days"]) if first["p95_days"] is not None else "over 24 months"
            text = (
                f"The first small step comes after {duration(first['p50_days'])} (90 of 100: {duration(first['p05_days'])} to {late_step})."
            )
            lines.append(wrap(text, width))
    return "\n".join([*lines, *soonest(answer, width)])


def notes(answer: Data, width: int) -> list[str]:
    """What must be known before any number: data that contradict the model, chances that are not resolved."""
    found = [answer["contradiction"]] if answer["contradiction"] else []
    found += [text for text in answer["warnings"] if text.startswith("Not resolved")]
    return [wrap(f"Note: {text}", width) for text in found]


def soonest(answer: Data, width: int) -> list[str]:
    """How soon somebody must look and what to do next."""
    if not answer["recognised"]:
        return [wrap("Next: `corrin assess` says what the guideline asks to test and to treat.", width)]
    item = answer["recognised"][0]
    return [wrap(f"{item['urgency'][:1].upper()}{item['urgency'][1:]}: {item['name']}. Next: {item['next_step']}", width)]


def _prevents(answer: Data, width: int) -> list[str]:
    """Signs within 24 months under each plan, where nothing is promised."""
    found = [f"{plan['title']}: {said(plan['worse_at_24_months'])}" for plan in answer["plans"]]
    return [wrap(f"New signs, or more of them, within 24 months: {'; '.join(found)}.", width)]


def _untreated(answer: Data, width: int) -> str:
    """Plans without a product, a line each."""
    lines = []
    for plan in answer["plans"]:
        if plan["doses"] or not promised(answer):
            continue
        found = plan["by_score"]["at_months"]
        none = f"; no sign left by the score: {said(found['24']['full'])}" if found else ""
        told = " ".join([plan["description"], *plan["notes"]]).strip()
        worse = f"of all, with a sign today or not, worse at 24 months: {said(plan['worse_at_24_months'])}"
        lines.append(wrap(f"{plan['title']}: {worse}{none}. {told}", width))
    if lines and _no_worse(answer):
        lines.append(wrap(NO_WORSE, width))
    return "\n".join([title("Without a product"), *lines]) if lines else ""


def _no_worse(answer: Data) -> bool:
    """Whether a plan without a product, nitrous oxide stopped, comes to the same as the first plan."""
    best = answer["plans"][0]["by_score"]["at_months"]
    others = [plan["by_score"]["at_months"] for plan in answer["plans"] if not plan["doses"]]
    return bool(best) and any(found and abs(found["24"]["full"]["p"] - best["24"]["full"]["p"]) < ALIKE for found in others)


def _how_to_read(answer: Data, width: int) -> str:
    if not promised(answer):
        return ""
    return "\n".join([title("How to read this"), *(wrap(line, width, "  ", "    ") for line in HOW_TO_READ)])


def of_hundred(found: Data) -> str:
    """`22 (7-43)`: median and range of a share of function, of 100."""
    return f"{share(found['p50'] / 100)} ({share(found['p05'] / 100)}–{share(found['p95'] / 100)})"


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
            of_hundred(item["works"]),
            cell(item["sign"]),
        ]
        for item in today["tracts"].values()
    ]
    rows += [[f"{SCORE}: 1 or more", "", cell(today["sign"])]]
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
    today = answer["today"]
    rows = [_header(), *_together(plan)]
    rows += [_chances(item["label"], item) for name, item in plan["tracts"].items() if item["at_months"] and today["tracts"][name]["told"]]
    felt = [item for name, item in plan["symptoms"].items() if item["at_months"] and today["symptoms"][name]["told"]]
    if felt:
        rows += [[""] * 7, ["SYMPTOMS TOLD, FELT TODAY", *[""] * 6], *(_chances(f"  {item['label']}", item) for item in felt)]
    lines += ["", table(rows, width)]
    unseen = [item["label"] for item in today["tracts"].values() if not item["told"]]
    if unseen:
        text = f"{'; '.join(unseen)}: no finding is told, so nothing is said here of what comes back (`--json` holds it). Examine them."
        lines.append(wrap(text, width, "  ", "    "))
    none = [item["label"] for name, item in plan["tracts"].items() if not item["at_months"] and today["tracts"][name]["told"]]
    if none:
        lines.append(wrap(f"Hardly any sign is expected today, so there is no chance to state: {'; '.join(none)}.", width, "  ", "    "))
    lines += ["", *_times(plan, today, width)]
    lines += [wrap(f"{sentence}.", width, "  ", "    ") for sentence in plan["not_expected"]]
    lines.append(wrap(f"Of all, with a sign today or not, worse at 24 months: {said(plan['worse_at_24_months'])}.", width, "  ", "    "))
    return "\n".join(lines)


def _header() -> list[str]:
    words = ("no sign", "half better", "sign left")
    return ["at", *(f"{month} mo: {what}" if what == words[0] else what for month in (12, 24) for what in words)]


def _together(plan: Data) -> list[list[str]]:
    return [_chances(SCORE, plan["by_score"]), _chances("In each place with a finding", plan["every_tract"])]


def _chances(label: str, item: Data) -> list[str]:
    found = item["at_months"]
    if not found:
        return [label, "no sign today", "", "", "", "", ""]
    return [label, *(cell(found[month][what]) for month in ("12", "24") for what in ("full", "partial", "deficit"))]


def _times(plan: Data, today: Data, width: int) -> list[str]:
    rows = [["Months to", "a first small step", "half gone", "most of what returns", "not half by 24 mo, of 100"]]
    for label, item in ((SCORE, plan["by_score"]), *_told(plan, today)):
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
    rows = [["", "if", "no sign left", "score lower by (0 to 20)"]]
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


def series(answer: Data, width: int, about: str = "") -> str:
    """How people of published series did; `about`: only rows that tell of it, such as `delay`."""
    rows = [row for row in answer["series"] if not about or row.get(about) or about in row["what"]]
    if not rows:
        return ""
    lines = [title("Published series"), wrap(SERIES_NOTE, width)]
    for row in rows:
        told = row.get("share")
        count = (
            f"{row['count']:g} of {row['people']:g} ({100 * told['value']:.0f} %, {100 * told['low']:.0f} to {100 * told['high']:.0f})"
            if told
            else row["words"]
        )
        delay, seen = (row.get("delay"), row.get("follow_up"))
        parts = [row["who"], row.get("severity"), delay and f"delay {delay}", seen and f"seen at {seen}"]
        who = ", ".join(str(part) for part in parts if part)
        read = {"recalled": ", recalled, not read", "secondary": ", read second-hand"}.get(str(row.get("seen")), "")
        cited = ", ".join(row["sources"])
        lines.append(wrap(f"{row['what']}: {count}; {who}. Evidence {row['grade']}{read} [{cited}].", width, "  ", "    "))
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
