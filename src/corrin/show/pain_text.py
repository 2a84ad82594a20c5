"""The answers on pain (`corrin.pain/1`) and on what else matters (`corrin.matters/1`) in plain words, from their plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corrin.show.blocks import title, wrap
from corrin.show.words import duration, number

Data = Mapping[str, Any]

SEEN = {
    "secondary": "read second-hand",
    "recalled": "recalled, not read",
    "assumed": "our judgement",
    "derived": "computed from other rows",
}
KINDS = {"per 1000": "more of 1000 than on placebo"}
NO_CONTROL = {True: ", no control", False: ", the other arm was not read"}
METHODS = (
    "Numbers in brackets are 95 % intervals. Differences are treated minus control, from the published arms: of shares with Newcombe's "
    "hybrid score interval, of means with Welch's t interval (or the normal one where standard errors were published). A number needed to "
    "treat or to harm is one divided by a difference of shares, its interval the reciprocal of that one's ends. The arithmetic stands in "
    "the JSON."
)
NO_CONDITION = (
    "None of the conditions in which B12 was tried is told of. The expected effect of B12 on pain without deficiency is none. Look at one "
    "anyway with --condition."
)
PLACEBO = "What people on placebo gain is never counted for a treatment: only the gap between an arm and its own control is."


def report(answer: Data, width: int = 110) -> str:
    """The whole answer on pain; lines at most `width` characters."""
    blocks = [
        _head(answer, width),
        _urgent(answer, width),
        _fits(answer, width),
        *(_condition(section, width) for section in answer["conditions"]),
        _b6(answer, width),
        _reading(answer, width),
        _sources(answer, width),
        wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _lines(parts: Sequence[str], width: int, first: str = "  ", rest: str = "    ") -> list[str]:
    return [wrap(part, width, first, rest) for part in parts]


def _head(answer: Data, width: int) -> str:
    line = "Pain: what B12 and other treatments did in trials"
    person = answer["person"]
    told = {True: "pain is told", False: "no pain", None: "pain is not told of"}[person["pain"]]
    since = f", since {duration(person['since_days'])}" if person["pain"] and person["since_days"] else ""
    sex = "" if person["sex"] == "unknown" else f", {person['sex']}"
    who = f"{person['age_y']:.0f} years{sex}; {told}{since}. {_b12(answer['b12'])}"
    return "\n".join([line, "=" * len(line), *(wrap(text, width) for text in (*_in_short(answer), who))])


def _in_short(answer: Data) -> list[str]:
    """Will it help? What is known for each condition that fits, most fitting first; and what must come before pain."""
    found = [f"{_upper(section['name'])}: {section['b12_says']}" for section in answer["conditions"]]
    soon = [f"Before pain, {item['urgency']}: {item['name']}. Next: {item['next_step']}" for item in answer["urgent"][:1]]
    return [*(found or [NO_CONDITION]), *soon]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _b12(picture: Data) -> str:
    head = {
        "lacking": "B12 lacks by the results told",
        "blocked": "Nitrous oxide switches B12 off",
        "enough": "B12 is enough by the results told",
        "uncertain": "Whether B12 lacks is not decided by the results told",
        "not tested": "B12 is not tested",
    }[picture["kind"]]
    because = [item for item in picture["because"] if not item.startswith("nitrous oxide")]
    return f"{head}{': ' + '; '.join(because) if because else ''}."


def _urgent(answer: Data, width: int) -> str:
    """What else comes before pain; the most urgent stands in the head."""
    lines = [f"{_upper(item['urgency'])}: {item['name']}. Next: {item['next_step']}" for item in answer["urgent"][1:]]
    return "\n".join([title("Also before pain"), *_lines(lines, width)]) if lines else ""


def _fits(answer: Data, width: int) -> str:
    lines = []
    for item in answer["fits"]:
        if item["fit"] == "does not fit":
            continue
        parts = [f"{item['name']}: {item['fit']}"]
        # What the results say of B12 stands in the head already.
        said = [text for text in item["speaks_for"] if text not in answer["b12"]["because"]]
        said += ["the B12 results"] if len(said) < len(item["speaks_for"]) else []
        if said:
            parts.append("for it: " + "; ".join(said))
        if item["missing"]:
            parts.append("would tell: " + ", ".join(item["missing"]))
        lines.append("; ".join(parts) + ".")
    out = [item["name"] for item in answer["fits"] if item["fit"] == "does not fit"]
    if not lines:
        lines.append(NO_CONDITION)
    if answer["asked"]:
        lines.append("Asked for below: the condition named on the command line.")
    if out:
        lines.append("Not told of here: " + "; ".join(out) + ".")
    return "\n".join([title("Which trialled condition is it"), *_lines(lines, width)])


# --- one condition -----------------------------------------------------------------------------------------------------------


def _condition(section: Data, width: int) -> str:
    name = section["name"][0].upper() + section["name"][1:]
    lines = []
    if section["effect_points_of_10"] == 0.0:
        lines.append(f"Here: {section['effect_words']}.")
    if section["also_deficient"]:
        lines.append("B12 lacks in this person: that is treated for itself, and relief of this other pain is not promised by it.")
    if section["mechanism"]:
        lines += [section["mechanism"], section["time_scale"]]
    lines.append(f"Who took part: {section['trialled_in']}.")
    blocks = [title(name), *_lines(lines, width)]
    if section["measures"]:
        blocks += ["", "  What trials measured", *_measures(section["measures"], width)]
    if section["measures_elsewhere"]:
        head = f"  {section['elsewhere']}"
        blocks += ["", wrap(head, width, "", "    "), *_measures(section["measures_elsewhere"], width)]
    if section["certainty"]:
        blocks += ["", "  How sure (GRADE: steps down from randomised = high, others = low)", *_certainty(section["certainty"], width)]
    if section["treatments"]:
        blocks += ["", "  Onset and side effects"]
        blocks += _lines(
            [f"{item['name']}: {item['onset']} {item['side_effects']}" for item in section["treatments"]], width, "    ", "      "
        )
    blocks += ["", "  Not known", *_lines([f"{item}." for item in section["not_known"]], width, "    ", "      ")]
    return "\n".join(blocks)


def _measures(measures: Sequence[Data], width: int) -> list[str]:
    lines = []
    last = ""
    for item in measures:
        against = "" if item["control_kind"] == "none" else f", against {item['control']}"
        head = f"{item['treatment']}{against}"
        if head != last:
            lines.append(wrap(f"{head}:", width, "    ", "      "))
            last = head
        lines.append(wrap(_measure(item), width, "      ", "        "))
        if item["kind"] != "comparator":
            lines.append(wrap(f"Credited to B12: {item['credited_to_b12']}.", width, "        ", "          "))
    return lines


def _measure(item: Data) -> str:
    people = f"{item['people']:,.0f} people" if item["people"] else ""
    when = duration(item["time_days"]) if item["time_days"] else ""
    where = ", ".join(part for part in (item["differs"], when, people) if part)
    parts = [f"{item['outcome']} ({where})"]
    if item["treated"] is not None:
        start = f" from {_value(item, item['treated_start'])}" if item["treated_start"] is not None else ""
        against = (
            f" against {_value(item, item['controlled'])}" if item["controlled"] is not None else NO_CONTROL[item["control_kind"] == "none"]
        )
        parts.append(f"{_value(item, item['treated'])}{start}{against}")
    if item["difference"] is not None and item["difference"]["value"] is not None:
        parts.append(f"difference {_estimate(item, item['difference'])}")
    if item["number_needed"] is not None:
        needed = item["number_needed"]
        label = "number needed to treat" if item["aim"] == "benefit" else "number needed to harm"
        span = f" ({needed['low']:.1f} to {needed['high']:.1f})" if needed["low"] is not None else f", {needed['method']}"
        parts.append(f"{label} {needed['value']:.1f}{span}")
    if item["published"] is not None:
        parts.append(_published(item["published"], alone=item["treated"] is None))
    marks = "; ".join(part for part in (SEEN.get(item["seen"], ""), item["note"]) if part)
    sources = " ".join(f"[{key}]" for key in item["sources"])
    return "; ".join(parts) + f". {sources}" + (f" ({marks.rstrip('.')})" if marks else "")


def _value(item: Data, value: float) -> str:
    if item["statistic"] == "share":
        return f"{round(100 * value, 1):g} %"
    unit = item["unit"].replace("points ", "")
    return f"{value:.1f} {unit}".rstrip()


def _estimate(item: Data, found: Data) -> str:
    scale, unit = (100.0, " %") if item["statistic"] == "share" else (1.0, "")
    digits = 0 if item["statistic"] == "share" else 1
    shown = f"{scale * found['value']:+.{digits}f}{unit}"
    if found["low"] is None:
        return f"{shown}, {found['method']}"
    halved = "; only the total was read, arms taken as equal" if "taken as equal" in found["method"] else ""
    return f"{shown} ({scale * found['low']:+.{digits}f} to {scale * found['high']:+.{digits}f}{halved})"


def _published(found: Data, alone: bool) -> str:
    if found["kind"] == "words":
        return str(found["words"])
    span = f" ({found['low']:g} to {found['high']:g})" if found["low"] is not None else ""
    words = f"; {found['words']}" if found["words"] else ""
    value = f"{found['value']:g}"
    return f"{'' if alone else 'published '}{KINDS.get(found['kind'], found['kind'])} {value}{span}{words}"


def _certainty(rows: Sequence[Data], width: int) -> list[str]:
    lines = []
    for row in rows:
        trials = f"{row['trials']:.0f} trial{'' if row['trials'] == 1 else 's'}" if row["trials"] else ""
        people = f"{row['people']:,.0f} people" if row["people"] else ""
        base = ", ".join(part for part in (trials, people) if part)
        judged = f" in {row['judged_in']}, less sure here" if row["judged_in"] else ""
        lines.append(f"{row['treatment']}{judged}: {row['grade']}{f' ({base})' if base else ''}; down for {'; '.join(row['reasons'])}.")
    return _lines(lines, width, "    ", "      ")


def _b6(answer: Data, width: int) -> str:
    return "\n".join([title("Vitamin B6"), *_lines([answer["b6"]], width)]) if answer["b6"] else ""


def _reading(answer: Data, width: int) -> str:
    if not answer["conditions"]:
        return ""
    return "\n".join([title("How to read this"), *_lines([PLACEBO, METHODS], width)])


def _sources(answer: Data, width: int) -> str:
    if not answer["sources"]:
        return ""
    lines = [f"[{key}] {citation}" for key, citation in answer["sources"].items()]
    return "\n".join([title("Sources"), *_lines(lines, width)])


# --- what else matters -------------------------------------------------------------------------------------------------------


def matters_report(answer: Data, width: int = 110) -> str:
    """The whole answer on what else matters; lines at most `width` characters."""
    line = "What else matters to nerves, pain and spine"
    blocks = ["\n".join([line, "=" * len(line), *(wrap(text, width) for text in _matters_in_short(answer))])]
    if answer["own"]:
        blocks.append("\n".join([title("For what is told here"), *_statements(answer["own"], width)]))
    blocks.append("\n".join([title("Vitamin B6, added up"), *_lines(_parts(answer["b6"]), width)]))
    blocks.append("\n".join([title("For everybody"), *_statements(answer["everybody"], width)]))
    blocks += [_sources(answer, width), wrap(answer["disclaimer"], width)]
    return "\n\n".join(blocks) + "\n"


def _matters_in_short(answer: Data) -> list[str]:
    own = [f"{row['name']} ({row['direction']}, {row['grade']} certainty)" for row in answer["own"]]
    if own:
        return [f"Told here and known to matter: {'; '.join(own)}. {MATTERS_MEANS}"]
    return [f"Nothing that is told here, beside B12, is known to matter. {MATTERS_ASK} {MATTERS_MEANS}"]


MATTERS_ASK = "Ask for glucose, alcohol, smoking, medicines and every supplement, vitamin B6 above all."
MATTERS_MEANS = "None of it takes the place of B12 where B12 lacks."


def _parts(b6: Data) -> list[str]:
    parts = [
        f"{part['name']}: {'amount not told' if part['mg_day'] is None else number(part['mg_day']) + ' mg a day'}" for part in b6["parts"]
    ]
    return [*parts, b6["message"]]


def _statements(rows: Sequence[Data], width: int) -> list[str]:
    lines = []
    for row in rows:
        because = f" ({row['because']})" if row.get("because") else ""
        size = ""
        if row["value"] is not None:
            span = f" ({row['low']:g} to {row['high']:g})" if row["low"] is not None else ""
            people = f"; {row['people']}" if row["people"] else ""
            size = f" Measured: {row['measure']}: {row['value']:g}{span} {row['unit']}{people}."
        marks = [f"{row['grade']} certainty", SEEN.get(row["seen"], "")]
        sources = " ".join(f"[{key}]" for key in row["sources"])
        lines.append(
            f"{_upper(row['name'])}{because}: {row['statement']}{size} [{'; '.join(mark for mark in marks if mark)}] {sources}".rstrip()
        )
    return _lines(lines, width)
