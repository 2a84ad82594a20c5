"""The report in plain words, from an answer's plain data (`corrin.answer/1`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table as _table
from corrin.show.blocks import title as _title
from corrin.show.blocks import wrap as _wrap
from corrin.show.charts import MONTH
from corrin.show.learned_text import WIDTH_NOTE, changed, learned, width_of
from corrin.show.words import duration, interval, is_share, percent, plain_unit

Data = Mapping[str, Any]

SHOWN_MONTHS = (1, 3, 6, 12, 24)
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Vitamin B12 and its markers", ("serum_b12", "holotranscobalamin", "mma", "homocysteine")),
    ("Blood", ("haemoglobin", "mcv", "reticulocytes")),
    (
        "Nerves and spinal cord (100 = all works)",
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
    (
        "Nerve tests and severity",
        ("sural_velocity", "sural_amplitude", "peroneal_velocity", "sep_delay", "vep_delay", "mep_delay", "score", "score_gait", "mmse"),
    ),
    (
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
)
ORIGIN = {
    "stated": "stated in a paper",
    "computed": "computed from a paper's numbers",
    "digitised": "read off a paper's figure",
    "fitted": "fitted to studies",
    "assumed": "assumed (weak)",
    "recalled": "recalled, not seen again (weak)",
}
MARKERS = SECTIONS[0][1] + SECTIONS[1][1]
MEASURED = MARKERS + SECTIONS[3][1]
"""What can be measured: where nobody did, the row says so."""
NEXT = "Next: `corrin assess` says what the guideline asks to test and to treat."
SERUM_NOTE = (
    "Serum B12 rises with every dose, whether or not cells and nerves answer: on treatment the serum level is not a measure of response. "
    "Methylmalonic acid, homocysteine, the blood count and the person's own signs are."
)


def report(answer: Data, width: int = 110) -> str:
    """The whole report; lines at most `width` characters."""
    blocks = [
        _head(answer, width),
        _today(answer, width),
        _causes(answer),
        changed(answer, width),
        learned(answer, width),
        *(_plan(plan, answer, width) for plan in answer["plans"]),
        _comparison(answer, width),
        _warnings(answer, width),
        _rests_on(answer, width),
        _sources(answer, width),
        _wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(answer: Data, width: int) -> str:
    when = "" if answer["as_of"] == "day 0" else f", as of {answer['as_of']}"
    lines = [f"{answer['case_id']}: vitamin B12, blood and nerves{when}"]
    lines.append("=" * len(lines[0]))
    lines.append(
        _wrap(
            "Each number is a median, with the range that holds 90 of 100 in brackets. Under a plan, blood values are what a laboratory "
            "would report, with its own scatter; today's are the state of the body.",
            width,
        )
    )
    urgent = [notice for notice in answer["warnings"] if notice["code"] in ("data-contradict-model", "safety")]
    lines += [_wrap(f"Note: {notice['text']}", width) for notice in urgent]
    if not any(notice["code"] == "safety" for notice in urgent):
        lines.append(_wrap(NEXT, width))
    seen = {lab["reading"] for lab in answer["observed"]}
    missing = [quantity["label"] for quantity in answer["today"] if quantity["name"] in MARKERS and quantity["name"] not in seen]
    if missing:
        lines.append(
            _wrap(
                f"Not measured in this person: {', '.join(missing)}. What stands below for them is simulated, and may reach values, grave "
                "or normal, that nobody has seen in this person.",
                width,
            )
        )
    return "\n".join(lines)


def _unit(unit: str) -> str:
    return "%" if is_share(unit) else plain_unit(unit)


def _named(label: str, unit: str, weak: bool) -> str:
    """The first cell of a row; `~` marks what rests on judgement."""
    shown = _unit(unit)
    return f"{label}{f', {shown}' if shown else ''}{' ~' if weak else ''}"


def _today(answer: Data, width: int) -> str:
    held = {quantity["name"]: quantity for quantity in answer["today"]}
    seen: dict[str, Data] = {}
    for lab in sorted(answer["observed"], key=lambda item: item["time_days"]):
        seen[lab["reading"]] = lab
    weak = {name for name, band in answer["past"].items() if band["assumed"]}
    rows = [["", "today", "last measured or seen"]]
    for _, names in SECTIONS:
        for name in names:
            if name in held:
                quantity = held[name]
                rows.append(
                    [
                        _named(quantity["label"], quantity["unit"], name in weak),
                        interval(quantity["p50"], quantity["p05"], quantity["p95"], quantity["unit"]),
                        _measured(seen[name]) if name in seen else "not measured; simulated" if name in MEASURED else "",
                    ]
                )
    found = {quantity["name"]: quantity["interval_from"] for quantity in answer["today"] if quantity.get("interval_from")}
    parts = [_title("State today, learned from the history and what was measured"), _table(rows, width)]
    if found:
        labels = {quantity["name"]: quantity["label"] for quantity in answer["today"]}
        parts += ["", _wrap(WIDTH_NOTE, width), width_of(found, labels, width, "Today")]
    return "\n".join(parts)


def _measured(lab: Data) -> str:
    when = "today" if abs(lab["time_days"]) < 1 else f"{duration(-lab['time_days'])} ago"
    said = lab["as_reported"]
    return f"{said[:-1]}; {when})" if said.endswith(")") else f"{said} ({when})"


def _causes(answer: Data) -> str:
    likely = [cause for cause in answer["causes"] if cause["probability"] >= 0.01]
    if not likely:
        return ""
    rows = [[f"  {cause['label']}", percent(cause["probability"])] for cause in likely]
    return _title("Why: how probable each cause is, given this person's data") + "\n" + _table(rows, 100)


def at_month(band: Data, months: float) -> tuple[float, float, float] | None:
    """Median, 5 % and 95 % at so many months, by straight lines between the times of the band; None beyond its end."""
    times, day = band["time_days"], months * MONTH
    if day > times[-1] + 1.0:
        return None
    upper = next((index for index, time in enumerate(times) if time >= day), len(times) - 1)
    lower = max(upper - 1, 0)
    step = times[upper] - times[lower]
    part = min(max((day - times[lower]) / step, 0.0), 1.0) if step else 0.0
    middle, low, high = (band[key][lower] + part * (band[key][upper] - band[key][lower]) for key in ("p50", "p05", "p95"))
    return middle, low, high


def _plan(plan: Data, answer: Data, width: int) -> str:
    parts = [_title(f"Plan: {plan['title']}")]
    parts += [_wrap(plan["description"], width)] if plan["description"] else []
    parts += [_wrap(note, width, "  ", "  ") for note in plan["notes"]]
    last = max((band["time_days"][-1] for band in plan["readings"].values()), default=0.0) / MONTH
    months = [month for month in SHOWN_MONTHS if month <= last + 0.05]
    rows = [["", *(f"{month} month{'s' if month > 1 else ''}" for month in months)]]
    for section, names in SECTIONS:
        held = [name for name in names if name in plan["readings"]]
        if held:
            rows += [[""] * len(rows[0]), [section.upper(), *[""] * len(months)]]
            rows += [_row(plan["readings"][name], months) for name in held]
    parts += ["", _table(rows, width), ""]
    if plan["doses"] and "serum_b12" in plan["readings"]:
        parts += [_wrap(SERUM_NOTE, width), ""]
    labels = {name: band["label"] for name, band in plan["readings"].items()}
    sources = width_of(plan.get("interval_from", {}), labels, width, f"Width of the ranges after {duration(last * MONTH)}, from")
    parts += [sources, ""] if sources else []
    parts.append(_recovery(plan, width))
    return "\n".join(parts).strip()


def _row(band: Data, months: list[int]) -> list[str]:
    cells = [_named(band["label"], band["unit"], bool(band["assumed"]))]
    for month in months:
        found = at_month(band, month)
        cells.append("" if found is None else _short(*found, band["unit"]))
    return cells


def _short(middle: float, low: float, high: float, unit: str) -> str:
    text = interval(middle, low, high, unit)
    return text.replace(" to ", "–") if low >= 0 else text


def _recovery(plan: Data, width: int) -> str:
    lines = []
    for point in plan["milestones"]:
        if point["unit"] == "d":
            lines.append(_wrap(f"{_capital(point['label'])}: {_when(point)}", width, "  ", "    "))
        elif point["chance"] is not None:
            lines.append(_wrap(f"Chance of {point['label']}: {percent(point['chance'])}", width, "  ", "    "))
    lines += [_wrap(sentence, width, "  ", "    ") for sentence in plan["not_expected"]]
    return "Nerve recovery (times and chances: of those with a sign today)\n" + "\n".join(lines) if lines else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _when(point: Data) -> str:
    chance = point["chance"] or 0.0
    if point["p50"] is None:
        if chance < 0.01:
            return "not expected in the time shown"
        return f"reached by {percent(chance)} in the time shown"
    span = f"about {duration(point['p50'])}"
    early = duration(point["p05"]) if point["p05"] is not None else None
    late = duration(point["p95"]) if point["p95"] is not None else "later than shown"
    if early is not None and not early == late == duration(point["p50"]):
        span += f" ({early} to {late})"
    return f"{span}; reached by {percent(chance)}"


def _comparison(answer: Data, width: int) -> str:
    """The plans side by side, once there is more than one."""
    plans = answer["plans"]
    if len(plans) < 2:
        return ""
    rows = [["Plan", "first improvement", "most improvement", "full recovery", "partial", "worse"]]
    for plan in plans:
        points = {point["name"]: point for point in plan["milestones"]}
        if not points:
            continue
        cells = [plan["title"]]
        for name in ("first_improvement", "most_improvement"):
            middle = points[name]["p50"] if name in points else None
            cells.append(duration(middle) if middle is not None else "not expected")
        for name in ("full_recovery", "partial_recovery", "worse"):
            chance = points[name]["chance"] if name in points else None
            cells.append("" if chance is None else percent(chance))
        rows.append(cells)
    return _title("The plans side by side (nerves)") + "\n" + _table(rows, width) if len(rows) > 1 else ""


def _warnings(answer: Data, width: int) -> str:
    lines = [_wrap(notice["text"], width, "  - ", "    ") for notice in answer["warnings"]]
    return _title("Warnings") + "\n" + "\n".join(lines) if lines else ""


def _rests_on(answer: Data, width: int) -> str:
    used, made = answer["used"], answer["made"]
    lines = []
    if used["parameters"]:
        counts = Counter(used["parameters"].values())
        shares = ", ".join(f"{counts[how]} {words}" for how, words in ORIGIN.items() if counts[how])
        lines.append(f"{sum(counts.values())} numbers of the model: {shares}. `corrin explain NAME` shows any of them with its source.")
    weak = sorted({band["assumed"] for plan in answer["plans"] for band in plan["readings"].values() if band["assumed"]})
    lines += [f"~ Weak evidence: {sentence}." for sentence in (text.rstrip(".") for text in weak)]
    lines.append(
        f"{made['draws']:,} drawn people of this history, worth {made['effective_sample_size']:,.0f} after weighing by their data; "
        f"seed {made['seed']}. Chance alone may move a median by {100 * made['monte_carlo_error']:.1f} % of its range."
    )
    state = {
        "current": "fitted to studies and a survey",
        "stale": "fitted to studies and a survey, and stale: the numbers have changed since",
    }
    lines.append(f"The population people are drawn from: {state.get(made['calibration'], 'as the facts have it, not fitted as a whole')}.")
    if made["certificate"] is not None:
        lines.append(
            f"The equations were solved to within {100 * made['certificate']:.2g} % of each reading (measured on some of the people)."
        )
    return _title("What this rests on") + "\n" + "\n".join(_wrap(line, width, "  ", "    ") for line in lines)


def _sources(answer: Data, width: int) -> str:
    sources = answer["used"]["sources"]
    if not sources:
        return ""
    lines = [_wrap(f"[{key}] {citation}", width, "  ", "    ") for key, citation in sources.items()]
    return _title("Sources") + "\n" + "\n".join(lines)
