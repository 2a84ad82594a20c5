"""The answer of `corrin assess` in plain words, from its plain data (`corrin.assess/1`): one page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table as _table
from corrin.show.blocks import title as _title
from corrin.show.blocks import wrap as _wrap
from corrin.show.words import duration, number, percent

Data = Mapping[str, Any]
NAMES = {
    "serum_b12": "serum B12", "holotranscobalamin": "active B12", "mma": "MMA", "homocysteine": "homocysteine",
    "haemoglobin": "haemoglobin", "mcv": "MCV", "blood count": "blood count (haemoglobin, MCV)",
}  # fmt: skip
VERDICTS = {
    "deficient": "deficient", "indeterminate": "undecided", "unlikely": "deficiency unlikely",
    "discordant": "its tests disagree", None: "no verdict",
}  # fmt: skip
STANDING = {"verified": "", "second-hand": " [second-hand]", "not verified": " [not verified: recalled]", "our own": " [our own]"}
TOPICS = {"verdict": "reading the tests", "who to test": "testing"}
MOST_CAUSES, MOST_OPEN, LITTLE, WORTH = 6, 5, 0.005, 0.1
SPECTRA = {"clinic": "somebody who had reason to be tested", "community": "somebody of the community, whom nobody had reason to test"}


def report(answer: Data, width: int = 110) -> str:
    """The whole page; lines at most `width` characters, tables apart."""
    if "child" in answer:
        return _child(answer, width)
    blocks = [
        _head(answer, width),
        _urgent(answer, width),
        _likely(answer, width),
        _markers(answer, width),
        _guides(answer, width),
        _why(answer, width),
        _next(answer, width),
        _now(answer, width),
        _safety(answer, width),
        _mimics(answer, width),
        _sources(answer, width),
        _wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(answer: Data, width: int) -> str:
    person = answer["person"]
    sex = "" if person["sex"] == "unknown" else f", {person['sex']}"
    line = f"{answer['case_id']}: is it B12 deficiency, why, and what now"
    return f"{line}\n{'=' * len(line)}\n{person['age_y']:.0f} years{sex}" + (
        "" if answer["as_of"] == "day 0" else f", as of {answer['as_of']}"
    )


def _urgent(answer: Data, width: int) -> str:
    flags = answer["red_flags"]
    if not flags:
        return ""
    first = flags[0]
    lines = [f"Do first: {first['do']}"]
    tests = list(dict.fromkeys(test for flag in flags for test in flag["tests"]))
    if tests:
        lines.append(f"Samples and examinations now: {', '.join(tests)}.")
    lines += [f"{flag['says']}{STANDING[flag['standing']]}" for flag in flags]
    lines.append("No laboratory value below, however normal, takes this back.")
    wrapped = (_wrap(line, width, "  ", "    ") for line in lines)
    return "\n".join([_title(f"RED FLAG: {first['urgency']}"), *wrapped])


def _span(low: float, high: float) -> str:
    shown = percent(low), percent(high)
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"


def _within(found: Data) -> str:
    """A probability with its interval, once where both read the same."""
    middle, span = percent(found["probability"]), _span(found["low"], found["high"])
    return middle if middle == span else f"{middle} ({span})"


def _word(answer: Data, found: Data) -> str:
    """The word of a probability. With red flags, or where tests are void, `unlikely` never stands alone."""
    said = str(found["word"])
    if "likely" in said and said not in ("likely", "very likely"):
        if answer["red_flags"]:
            return f"{said} by the markers, which does not decide here: the red flag does"
        if answer["deficiency"]["only_raises"]:
            return f"{said} by the markers, which cannot exclude it here"
    return said


def _likely(answer: Data, width: int) -> str:
    held = answer["deficiency"]
    found, methyl = held["function"], held["mma"]
    used = ", ".join(NAMES[name] for name in found["used"]) or "no marker: history and age alone"
    lines = [
        f"1. B12 function below the floor: {_within(found)}: {_word(answer, found)}.",
        f"   By {used}; before them {percent(found['before_markers'])}, as {SPECTRA[held['spectrum']]}.",
    ]
    limit = f"{number(methyl['limit_nmol_l'])} nmol/L"
    kidney = (
        f"adjusted to an eGFR of {held['egfr']:.0f}"
        if methyl["adjusted"]
        else "kidneys not known"
        if held["egfr"] is None
        else f"eGFR {held['egfr']:.0f}"
    )
    if methyl["side"] is not None:
        place = {"above": "above", "below": "not above", "unclear": "on neither side for certain of"}[methyl["side"]]
        lines.append(
            f"2. MMA above its limit ({limit}; {kidney}): measured, {methyl['measured']}, {place} it; the rest would have given "
            f"{percent(methyl['probability'])}."
        )
    else:
        lines.append(f"2. MMA above its limit ({limit}; {kidney}) if it were measured: {_within(methyl)}.")
    response = held["response"]
    lines.append(f"3. Response to B12: {response['grade']} (evidence {response['evidence']}). {response['text']}")
    if held["contradiction"]:
        for_, against = held["contradiction"]
        lines.append(
            f"The markers contradict each other: {_list(for_)} for, {_list(against)} against. Repeat them; something may move one of them."
        )
    both = held["combined"]
    if both["value"] is not None:
        lines.append(f"For comparison cB12 = {both['value']:.2f}: {both['word']} ({both['note']}).")
    else:
        lines.append(f"For comparison cB12: needs {_list(both['missing'])} as well.")
    floor = f"Floor: {found['floor_percent']:.0f} % of a replete person's activity, below which nerves begin to come to harm in the model."
    return "\n".join([_title("How likely is deficiency?"), *(_indented(line, width) for line in lines), _wrap(floor, width, "  ", "    ")])


def _indented(line: str, width: int) -> str:
    return _wrap(line.strip(), width, "     " if line.startswith("   ") else "  ", "     ")


def _list(names: Any) -> str:
    return ", ".join(NAMES.get(name, name) for name in names)


def _markers(answer: Data, width: int) -> str:
    rows, notes = [["result", "alone it speaks", "odds, alone", "beside the others", "without it"]], dict[str, list[str]]()
    for row in answer["markers"]:
        alone, odds = ("–", "–") if row["without"] is None else (f"× {_odds(row[name])}" for name in ("alone_odds", "odds"))
        without = "–" if row["without"] is None else percent(row["without"])
        when = "" if abs(row["day"]) < 1.0 else f" ({duration(-row['day'])} before)"
        rows.append([row["as_reported"] + when, row["counts"], alone, odds, without])
        for text in row["why"]:
            notes.setdefault(text, []).append(NAMES[row["marker"]])
    lines = [_table(rows, width)] if len(rows) > 1 else ["No marker of B12 was measured."]
    lines += [_wrap(f"{', '.join(names)}: {text}.", width, "  ", "    ") for text, names in notes.items()]
    if answer["others"]:
        lines.append(_wrap("Also read: " + "; ".join(row["as_reported"] for row in answer["others"]) + ".", width, "  ", "    "))
    return "\n".join([_title("What each result contributed"), *lines])


def _odds(value: float) -> str:
    return "over 1000" if value > 1000 else "under 0.01" if value < 0.01 else f"{value:.2g}" if value < 100 else f"{value:.0f}"


def _verdict(answer: Data, row: Data) -> str:
    said = VERDICTS[row["verdict"]]
    if row["verdict"] == "unlikely" and answer["red_flags"]:
        said += ", and the red flag stands"
    return said


def _guides(answer: Data, width: int) -> str:
    lines = []
    if answer["compared"]:
        head = "They differ:" if answer["compared"]["differ"] else "Those that judge agree:"
        rows = answer["compared"]["rows"]
        lines.append(head)
        for row in rows:
            because = (
                f" ({'; '.join(row['because'])})"
                if row["because"]
                else f" (waits for {', '.join(row['waits_for'])})"
                if row["waits_for"]
                else ""
            )
            lines.append(f"{row['guide']} [{row['standing']}]: {_verdict(answer, row)}{because}")
    else:
        for row in answer["guides"]:
            lines.append(f"{row['issuer']}, {row['title']} ({row['id']}; {row['standing']}): {_verdict(answer, row)}.")
            lines += [f"  {text}" for text in row["because"]]
            if row["waits_for"]:
                lines.append(f"  Could change with: {', '.join(row['waits_for'])}.")
            if row["in_force"] is False:
                lines.append("  Not in force on the day of the case.")
            if row["covered"] == "no":
                lines.append("  It does not cover this person.")
        lines.append(f"Chosen: {answer['guides_because']}. `--guide all` shows every one side by side.")
    wrapped = (_wrap(line.strip(), width, "    " if line.startswith("  ") else "  ", "      ") for line in lines)
    return "\n".join([_title("What the guideline says"), *wrapped])


def _why(answer: Data, width: int) -> str:
    lines = []
    for place, row in enumerate(answer["causes"][:MOST_CAUSES], start=1):
        named = {"stated": "", "suspected": " (suspected)", "not named": " (nobody named it)"}[row["standing"]]
        because = f"; {row['because']}" if row["because"] and row["because"] != "not named" else ""
        lines.append(f"{place}. {row['words']}{named}{because}: {_at_work(row)}.")
        shown = row["odds_ratios"] if row["standing"] != "not named" else []
        lines += [f"  odds ratio {ratio['value']:g}{_ci(ratio)}: {ratio['words']} [{ratio['source']}]" for ratio in shown]
    apart = answer["tells_apart"]
    if apart:
        lines.append(f"Tells the first two apart: {apart['test']}.")
    lines.append(
        "Several may hold at once. Words and order: the chance that each is at work if function is poor, in the simulated population."
    )
    wrapped = (_wrap(line.strip(), width, "     " if line.startswith("  ") else "  ", "     ") for line in lines)
    return "\n".join([_title("Why?"), *wrapped])


def _at_work(row: Data) -> str:
    if not row["size_known"]:
        return "how much it does is not known" if row["standing"] != "not named" else "not told; ask"
    chance = row["at_work"]
    return (
        "very likely at work" if chance >= 0.75 else "likely at work" if chance >= 0.5 else "possible" if chance >= 0.1 else "less likely"
    )


def _ci(ratio: Data) -> str:
    return f" ({ratio['low']:g} to {ratio['high']:g})" if ratio["low"] is not None and ratio["high"] is not None else ""


def _next(answer: Data, width: int) -> str:
    rows = [["test", "would move the probability by", "chance it changes the word", ""]]
    for row in answer["next_tests"]:
        moved = (
            "hardly"
            if row["expected_change"] < LITTLE
            else f"{100 * row['expected_change']:.0f} points"
            if row["expected_change"] >= 0.015
            else "1 point"
        )
        rows.append([NAMES[row["test"]], moved, percent(row["chance_of_another_word"]), row["about"]])
    lines = [_table(rows, width)] if len(rows) > 1 else ["  Every marker the table knows has been measured."]
    if answer["red_flags"] and len(rows) > 1:
        lines.append(_wrap("Sampled now, not waited for.", width, "  ", "    "))
    causes = [
        row for row in answer["causes"][:MOST_CAUSES] if row["told_by"] and row["standing"] == "not named" and row["at_work"] >= WORTH
    ]
    if causes:
        lines.append(_wrap("For the cause: " + "; ".join(dict.fromkeys(row["told_by"] for row in causes[:3])) + ".", width, "  ", "    "))
    if answer["unknown"]:
        lines.append(_wrap("Not told: " + "; ".join(answer["unknown"]) + ".", width, "  ", "    "))
    return "\n".join([_title("What is unknown, and the next tests in order of value"), *lines])


def _now(answer: Data, width: int) -> str:
    lines = []
    for row in [*answer["guides"], *answer["extra"]]:
        clauses = [item for item in row["clauses"] if item["topic"] not in ("red flag", "safety")]
        shown = []
        for item in clauses:
            texts = [part["text"] for part in item["then"] if part["kind"] != "verdict"]
            plans = [part["plan"] for part in item["then"] if part["plan"]]
            plan = f" (`corrin forecast ... --plan {plans[0]}`)" if plans else ""
            if texts:
                mark = item["id"] + STANDING[item["standing"]].replace(" [", ", ").rstrip("]")
                shown.append(f"  {TOPICS.get(item['topic'], item['topic'])}: {' '.join(texts)}{plan} [{mark}]")
        if shown:
            lines += [f"{row['id']}:", *shown]
    if not lines:
        lines = ["No clause of treatment or follow-up applies by what is known."]
    wrapped = (_wrap(line.strip(), width, "    " if line.startswith("  ") else "  ", "      ") for line in lines)
    return "\n".join([_title("Test, treat, follow up: the clauses that apply"), *wrapped])


def _safety(answer: Data, width: int) -> str:
    lines = [f"{row['says']}{STANDING[row['standing']]} [{row['id']}]" for row in answer["safety"]["rules"]]
    if answer["safety"]["ask"]:
        lines.append(f"Ask before B12 is given: {'; '.join(answer['safety']['ask'])}.")
    return "\n".join([_title("Safety"), *(_wrap(line, width, "  ", "    ") for line in lines)]) if lines else ""


def _mimics(answer: Data, width: int) -> str:
    held = answer["mimics"]
    if not held:
        return ""
    lines = [held["verdict"]["words"], *held["verdict"]["why"]]
    wrapped = [_wrap(lines[0], width, "  ", "    ")]
    if lines[1:]:
        shown = lines[1 : 1 + MOST_OPEN]
        more = f"; and {len(lines) - 1 - len(shown)} more" if len(lines) - 1 > len(shown) else ""
        wrapped.append(_wrap("; ".join(shown) + more + ".", width, "  ", "    "))
    return "\n".join([_title("What else it could be"), *wrapped])


def _sources(answer: Data, width: int) -> str:
    made = answer["table"]["made"]
    lines = [
        "Probabilities: a table made from the simulated population "
        f"(calibration {made['calibration']}, population {made['population']}); the interval holds what is not known of the population and "
        "the table's own error on people it was not made from.",
        *(f"[{key}] {citation}" for key, citation in answer["sources"].items()),
    ]
    return "\n".join([_title("Sources"), *(_wrap(line, width, "  ", "    ") for line in lines)])


def _child(answer: Data, width: int) -> str:
    held = answer["child"]
    blocks = [_head(answer, width), _wrap(held["refused"], width)]
    if held["own_intervals"]:
        rows = [f"{row['analyte']}: {_result(row)}; the laboratory's own interval {_interval(row)}" for row in held["own_intervals"]]
        blocks.append("\n".join([_title("Reference intervals"), *(_wrap(row, width, "  ", "    ") for row in rows)]))
    if held["published_intervals"]:
        rows = [
            f"{row['analyte']}: {row['low']:g} to {row['high']:g} {row['unit'].replace('umol', 'µmol')} ({row['whose']}, {row['ages']})"
            for row in held["published_intervals"]
        ]
        rows.append(f"{held['published_intervals'][0]['source']} Another laboratory's method may differ: its own interval goes first.")
        blocks.append("\n".join([_title("Published reference intervals at this age"), *(_wrap(row, width, "  ", "    ") for row in rows)]))
    rows = [
        f"{row['body']}, {row['measure']}: {row['ug_day']:g} µg a day{' (recalled, not read)' if row['seen'] == 'recalled' else ''}"
        for row in held["intakes"]
    ]
    blocks.append("\n".join([_title("Reference intakes of vitamin B12 at this age"), *(_wrap(row, width, "  ", "    ") for row in rows)]))
    return "\n\n".join([*blocks, _wrap(answer["disclaimer"], width)]) + "\n"


def _result(row: Data) -> str:
    return str(row["word"]) if row["value"] is None else f"{row['value']:g} {row['unit'] or ''}".rstrip()


def _interval(row: Data) -> str:
    if row["low"] is None:
        return f"up to {row['high']:g}"
    return f"from {row['low']:g}" if row["high"] is None else f"{row['low']:g} to {row['high']:g}"
