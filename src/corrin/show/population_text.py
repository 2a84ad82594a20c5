"""The answer on a population (`corrin.population/1`) in plain words and tables, from its plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap

Data = Mapping[str, Any]
ORDER = ("function", "mma", "b12", "b12_high")
HEADS = {"function": "B12 function low", "mma": "MMA high", "b12": "serum B12 low", "b12_high": "serum B12 above 1000"}
NOTABLE = 0.001
"""Groups are listed where a scenario moves the share of deficient people by at least so much."""


def report(answer: Data, width: int = 110) -> str:
    """The whole answer; lines at most `width` characters where words allow."""
    blocks = [
        _head(answer, width), _prevalence(answer, width), _effect(answer, width), _groups(answer, width), _anchors(answer, width),
        _rests(answer, width), wrap(answer["disclaimer"], width),
    ]  # fmt: skip
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(answer: Data, width: int) -> str:
    line = answer["title"]
    lines = [line, "=" * min(len(line), width)]
    if answer["description"]:
        lines.append(wrap(answer["description"], width))
    lines.append(wrap(f"{answer['people']:,} virtual people: {'; '.join(answer['who'])}. Followed for {answer['years']:g} years.", width))
    lines += [wrap(f"{one['name']}: {one['title']}. {one['does'][0].upper()}{one['does'][1:]}.", width, "  ", "    ")
              for one in answer["scenarios"]]  # fmt: skip
    lines += [wrap(f"Note: {text}", width) for text in answer["warnings"]]
    return "\n".join(lines)


def percent(found: Data) -> str:
    """`4.2 (2.0-8.1)` of a share."""
    return f"{_digits(100 * found['value'])} ({_digits(100 * found['low'])}-{_digits(100 * found['high'])})"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 20.0 else f"{value:.1f}"


def _prevalence(answer: Data, width: int) -> str:
    end = answer["years"]
    blocks = [title(f"How many are deficient, per cent (90 of 100), at the start and after {end:g} years")]
    bands = list(dict.fromkeys(row["band"] for row in answer["prevalence"]))
    first = answer["reference"]

    def line(scenario: str, time: float, words: str, band: str) -> list[str]:
        found = {
            row["definition"]: row["share"]
            for row in answer["prevalence"]
            if row["scenario"] == scenario and row["band"] == band and abs(row["time_years"] - time) < 1e-3
        }
        return [words, *(percent(found[name]) if name in found else "-" for name in ORDER)]

    rows = [["", *(HEADS[name] for name in ORDER)]]
    for band in bands:
        rows.append([band, *[""] * len(ORDER)])
        rows.append(line(first, 0.0, "  at the start", band))
        rows += [line(one["name"], end, f"  {one['title']}", band) for one in answer["scenarios"]]
    blocks.append(table([row for row in rows if len(row) == 5 and (not row[0].startswith("  ") or any(c != "-" for c in row[1:]))], width))
    blocks += [wrap(f"{HEADS[name]}: {answer['definitions'][name]}.", width, "", "  ") for name in ORDER]
    return "\n".join(blocks)


def _effect(answer: Data, width: int) -> str:
    others = [one for one in answer["scenarios"] if one["name"] != answer["reference"]]
    found = {(row["scenario"], row["group"]): row for row in answer["outcomes"]}
    if not others:
        return ""
    rows = [["of 1,000 people", "no longer deficient", "given B12", "given in vain", "given per case", "tests per case", "above 1000"]]
    for one in others:
        row = found[one["name"], "everybody"]
        rows.append([
            one["title"], _thousand(row["averted"]), _thousand(row["given"], False), _thousand(row["in_vain"], False),
            _per(row, "given"), _per(row, "tests"), _thousand(row["high"], False),
        ])  # fmt: skip
    reference = next(one["title"] for one in answer["scenarios"] if one["name"] == answer["reference"])
    return "\n".join([
        title(f"What it does, beside \"{reference}\", at the end"), table(rows, width),
        wrap("Deficient: B12 function low. In vain: not deficient when it began, nor at the end without it. Above 1000: reported serum B12 "
             "above 1000 pmol/L, no harm by itself. \"no limit\": the interval of cases averted reaches 0.", width),
    ])  # fmt: skip


def _thousand(found: Data, band: bool = True) -> str:
    value = f"{1000 * found['value']:.0f}" if abs(found["value"]) >= 0.01 else f"{1000 * found['value']:.1f}"
    return f"{value} ({1000 * found['low']:.0f} to {1000 * found['high']:.0f})" if band else value


def _per(row: Data, name: str) -> str:
    value, low, high = (row[f"{name}_per_case{end}"] for end in ("", "_low", "_high"))
    if value is None:
        return "-"
    return f"{_count(value)} ({_count(low)} to {_count(high) if high is not None else 'no limit'})"


def _count(value: float) -> str:
    return f"{value:.1f}" if value < 10.0 else f"{value:.0f}"


def _groups(answer: Data, width: int) -> str:
    others = [one for one in answer["scenarios"] if one["name"] != answer["reference"]]
    if not others:
        return ""
    names = list(dict.fromkeys(row["group"] for row in answer["outcomes"] if row["group"] != "everybody"))
    found = {(row["scenario"], row["group"]): row for row in answer["outcomes"]}
    rows = [["deficient, % of the group", "without", *(one["title"] for one in others)]]
    for name in names:
        base = found.get((others[0]["name"], name))
        if base is None:
            continue
        cells = [_digits(100 * found[one["name"], name]["deficient_with"]["value"]) for one in others]
        moved = max(abs(found[one["name"], name]["averted"]["value"]) for one in others)
        if moved >= NOTABLE:
            rows.append([f"{name} ({base['people']:,})", _digits(100 * base["deficient_without"]["value"]), *cells])
    return "\n".join([title("Who gains (B12 function low at the end)"), table(rows, width)]) if len(rows) > 1 else ""


def _anchors(answer: Data, width: int) -> str:
    if not answer["anchors"]:
        return ""
    fitted = [row for row in answer["anchors"] if row["fitted"]]
    if not fitted:
        return "\n".join([title("Beside a survey"), *(wrap(_outside(row), width) for row in answer["anchors"])])
    near = sum(abs(row["miss"]) <= 0.15 for row in fitted)
    worst = sorted(fitted, key=lambda row: -abs(row["miss"]))[:3]
    said = "; ".join(f"{row['what']}, {row['band']}: {row['predicted']:.3g} for {row['observed']:.3g} {row['unit']}" for row in worst)
    return "\n".join([
        title("Beside a survey"),
        *(wrap(_outside(row), width) for row in answer["anchors"] if not row["fitted"]),
        wrap(f"{near} of {len(fitted)} quantiles of serum B12, methylmalonic acid and homocysteine by age lie within 15 % of the survey's "
             f"(the population was calibrated on them, so this is no independent test). Furthest off: {said}.", width),
    ])  # fmt: skip


def _outside(row: Data) -> str:
    """A number the population was not fitted to."""
    band = f" ({row['observed_low']:g}-{row['observed_high']:g})" if row["observed_low"] is not None else ""
    said = f"{row['what']}, {row['band']}: {row['predicted']:.1f} {row['unit']} here"
    return f"{said}; {row['observed']:g}{band} in {row['source']} (not fitted)."


def _rests(answer: Data, width: int) -> str:
    made = answer["made"]
    lines = [title("What it rests on")]
    lines += [wrap(f"- {text}", width, "", "  ") for text in (*answer["assumed"], *answer["sources"])]
    lines.append(wrap(
        f"Intervals hold 90 of 100: what is not known of typical people ({made['options']['replicates']} draws of it) and chance. "
        f"Seed {made['seed']}; relative error of the solution {made['certificate']:.0e}; calibration {made['calibration']}.", width,
    ))  # fmt: skip
    return "\n".join(lines)
