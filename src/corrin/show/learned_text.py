"""What results changed, which unknown they taught about, and where the width of a range comes from: sections of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.words import duration, interval, number, percent, plain_unit

Data = Mapping[str, Any]

MOST_LEARNED = 8
NOTABLE_SHIFT, NOTABLE_WIDTH = 0.1, 0.8
"""A reading is listed when its median moved by a tenth of the width it had, or its range is a fifth narrower (or wider as much)."""
ROUGH = 0.4
"""Where the draws explain less than this, the shares are marked as rough."""
PARTS: tuple[tuple[str, str, str], ...] = (
    ("structure", "model", "M"),
    ("parameters", "typical", "T"),
    ("people", "people", "P"),
    ("history", "history", "H"),
    ("assay", "lab", "L"),
)
BAR = 20
WIDTH_NOTE = (
    "Where the width of a range comes from, in per cent: which form of the model holds (M), what is not known of typical people (T), how "
    "people differ (P), this person's history that is not known: cause, onset, completeness, doses taken (H), the laboratory's own "
    "scatter (L)."
)


def changed(answer: Data, width: int) -> str:
    """The main readings before the results and with them; empty where nothing was measured or nothing moved."""
    added = answer.get("before") == "earlier-results"
    plans = {plan["name"]: plan["title"] for plan in answer["plans"]}
    rows = [["", "before" if added else "by the history alone", "now" if added else "with the results", "width of the range"]]
    for plan in ["", *plans]:
        held = [item for item in answer.get("moved", ()) if item["plan"] == plan and notable(item)]
        if held:
            when = "TODAY" if not plan else f"AFTER {duration(held[0]['time_days']).upper()}: {plans[plan].upper()}"
            rows += [[""] * 4, [when, "", "", ""], *([*_pair(item), _times(item)] for item in held)]
    lines = [title(f"What {'these' if added else 'the'} results changed")]
    if added:
        lines.append(wrap(f"Added: {'; '.join(answer['added'])}.", width))
    if len(rows) == 1:
        return "\n".join([*lines, "Nothing that would show: no main reading moved notably."]) if answer.get("moved") else ""
    return "\n".join([*lines, table(rows, width)])


def notable(item: Data) -> bool:
    """Whether a reading moved, or its range changed, so much that it is worth a line."""
    return abs(item["shift"]) >= NOTABLE_SHIFT or not NOTABLE_WIDTH <= item["width"] <= 1.0 / NOTABLE_WIDTH


def _pair(item: Data) -> list[str]:
    shown = [interval(spread["p50"], spread["p05"], spread["p95"], item["unit"]) for spread in (item["before"], item["now"])]
    unit = plain_unit(item["unit"])
    return [f"{item['label']}{f', {unit}' if unit else ''}", *shown]


def _times(item: Data) -> str:
    return f"{100 * item['width']:.0f} % of before"


def learned(answer: Data, width: int) -> str:
    """The unknowns about which most was learned."""
    held = [item for item in answer.get("learned", ()) if item["beyond_chance"]][:MOST_LEARNED]
    if not held:
        return ""
    rows = [["", "before", "now", "known better by"]]
    for item in held:
        if item["levels"]:
            rows.append([f"{_capital(item['label'])}:", "", "", _better(item)])
            levels = sorted(item["levels"], key=lambda level: -level["now"])
            rows += [
                [f"  {level['label']}", percent(level["before"]), percent(level["now"]), ""]
                for level in levels
                if max(level["before"], level["now"]) >= 0.02
            ]
        else:
            unit = plain_unit(item["unit"])
            before, now = (f"{_number(middle)} ({_number(low)} to {_number(high)})" for low, middle, high in (item["before"], item["now"]))
            rows.append(
                [f"{_capital(item['label'])}{f', {unit}' if unit and not unit.startswith('{') else ''}", before, now, _better(item)]
            )
    return title("What they taught about this person: the unknowns of which most was learned") + "\n" + table(rows, width)


def _number(value: float) -> str:
    """Two figures that matter: the values of parameters span many powers of ten."""
    return number(value) if abs(value) >= 100.0 else f"{value:.2g}"


def _better(item: Data) -> str:
    """The part of its variance that is gone; a shift alone is said as such."""
    return f"{100 * item['narrowed']:.0f} %" if item["narrowed"] >= 0.05 else "moved"


def width_of(splits: Mapping[str, Data], labels: Mapping[str, str], width: int, when: str) -> str:
    """One line a reading: a bar of letters and the shares in per cent."""
    if not splits:
        return ""
    rows = [[when, "", *(letter for _, _, letter in PARTS)]]
    rough = False
    for name, split in splits.items():
        mark = " *" if split["explained"] < ROUGH else ""
        rough = rough or bool(mark)
        shares = [split[key] for key, _, _ in PARTS]
        rows.append([f"  {labels[name]}{mark}", bar(shares), *(f"{100 * share:.0f}" for share in shares)])
    lines = [table(rows, width)]
    if rough:
        lines.append(
            wrap(f"* rough: single causes explain less than {ROUGH:.0%} of it; the rest, their interplay, is shared out.", width, "  ")
        )
    return "\n".join(lines)


def bar(shares: Sequence[float]) -> str:
    """A stacked bar of letters, `BAR` long: largest remainders, so that it is always full."""
    exact = [BAR * share for share in shares]
    cells = [int(part) for part in exact]
    order = sorted(range(len(exact)), key=lambda place: cells[place] - exact[place])
    for place in order[: BAR - sum(cells)]:
        cells[place] += 1
    return "".join(letter * count for (_, _, letter), count in zip(PARTS, cells, strict=True))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
