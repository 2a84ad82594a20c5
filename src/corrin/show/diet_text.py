"""The answer on a diet in plain words, from its plain data (`corrin.diet/1`)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from corrin.show.words import duration, number, percent

Data = Mapping[str, Any]

MEASURES = {
    "EAR": "average requirement: half of healthy people need more",
    "RDA": "recommended: covers nearly all healthy people",
    "AI": "adequate intake: what healthy groups do well on",
    "RNI": "covers nearly all healthy people",
    "PRI": "covers nearly all healthy people",
    "RI": "recommended",
}
BRACKETS = (
    "In brackets the lowest and highest rows of the food table that each name may mean, and the ranges told: all low, or all high, at "
    "once. Pieces of one food differ further."
)
LARGEST_STORE_MG = 5.0
STATES = {"pregnancy": ", pregnant", "lactation": ", breastfeeding", "any": ""}


def report(answer: Data, width: int = 110) -> str:
    """The whole answer; lines at most `width` characters, tables apart."""
    blocks = [
        _head(answer, width),
        _items(answer, width),
        _references(answer, width),
        _absorbed(answer, width),
        _change(answer, width),
        _vegan(answer, width),
        _alone(answer, width),
        _notes(answer, width),
        _sources(answer, width),
        _wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _wrap(text: str, width: int, first: str = "", rest: str | None = None) -> str:
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=first if rest is None else rest, break_long_words=False)


def _title(text: str) -> str:
    return f"{text}\n{'-' * len(text)}"


def _span(values: Data, unit: str = "µg") -> str:
    shown = [number(values[key]) for key in ("middle", "low", "high")]
    return f"{shown[0]} {unit}" if len(set(shown)) == 1 else f"{shown[0]} {unit} ({shown[1]} to {shown[2]})"


def _table(rows: Sequence[Sequence[str]]) -> str:
    sizes = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows)


def _head(answer: Data, width: int) -> str:
    person = answer["person"]
    sex = "" if person["sex"] == "unknown" else f", {person['sex']}"
    line = f"Vitamin B12 in this diet: {_span(answer['daily_ug'])} a day"
    who = f"a person of {person['age_y']:g} years{sex}{STATES[person['state']]}"
    lines = [line, "=" * len(line), f"For {who}."]
    if answer["items"]:
        lines.append(_wrap(BRACKETS, width))
    return "\n".join(lines)


def _store(values: Data) -> str:
    """A settled store; above the largest ever told the one-pool sum says nothing more."""
    return f"over {LARGEST_STORE_MG:g} mg" if values["middle"] > LARGEST_STORE_MG else _span(values, "mg")


def _times(values: Data) -> str:
    low, middle, high = values["low"], values["middle"], values["high"]
    if low != high:
        return f"{low:g}–{high:g} a week"
    if middle >= 7.0 and middle % 7.0 == 0.0:
        return "daily" if middle == 7.0 else f"{middle / 7.0:g} a day"
    return "weekly" if middle == 1.0 else f"{middle:g} a week"


def _items(answer: Data, width: int) -> str:
    if answer["usual_diet"]:
        return _wrap(
            f"Eaten: {answer['usual_diet']['words']}; {_span(answer['usual_diet']['ug_day'])} a day (90 of 100 such people).", width
        )
    adult = answer["person"]["adult"]
    rows = [["eaten or taken", "each time", "how often", "B12 each time", *(["absorbed of it"] if adult else []), "a day"]]
    for item in answer["items"]:
        absorbed = item.get("absorbed_ug_each")
        rows.append([item["name"], item["amount"], _times(item["times_week"]), _span(item["ug_each"]),
                     *([_span(absorbed) if absorbed else "none"] if adult else []), _span(item["ug_day"])])  # fmt: skip
    remarks = dict.fromkeys(f"{item['name']}: {note}" for item in answer["items"] for note in item["notes"])
    return "\n".join([_title("What is eaten"), _table(rows), *(_wrap(remark, width, "  ", "    ") for remark in remarks)])


def _references(answer: Data, width: int) -> str:
    rows = [["", "", "a day", "this diet", ""]]
    for row in answer["references"]:
        own = "" if row["state"] == answer["person"]["state"] else " (its general value)"
        weak = " (recalled, not read)" if row["seen"] == "recalled" else ""
        share = row["share"]
        low, middle, high = (f"{100 * share[key]:.0f}" for key in ("low", "middle", "high"))
        name = row["body"].removesuffix(f" {row['measure']}")
        reached = f"{middle} %" if low == middle == high else f"{middle} % ({low} to {high})"
        rows.append([name, row["measure"], f"{row['ug_day']:g} µg", reached, MEASURES[row["measure"]] + own + weak])
    lines = [_title("Against the reference intakes"), _table(rows)] if len(rows) > 1 else [_title("Against the reference intakes")]
    if answer["no_value"]:
        lines.append(_wrap(f"No value for this age in the table: {', '.join(answer['no_value'])}.", width, "  ", "    "))
    lines.append(_wrap("These bodies give one value for both sexes.", width, "  ", "    "))
    return "\n".join(lines)


def _absorbed(answer: Data, width: int) -> str:
    found = answer.get("absorbed")
    if not found:
        return ""
    lines = [f"About {_span(found['day_ug'])} a day reaches the body (median, and the range that holds 90 of 100 people)."]
    split = found["splitting"]
    if split:
        lines.append(
            f"Uptake saturates within a meal: {split['name']} at once gives {number(split['whole_ug']['middle'])} µg, the same amount in "
            f"{split['parts']} portions on separate occasions {number(split['split_ug']['middle'])} µg."
        )
    lines += [f"From the case: {words}." for words in found["applied"]]
    lines += [f"From the case: {words}; not counted here." for words in found["unknown"]]
    return "\n".join([_title("What is absorbed"), *(_wrap(line, width, "  ", "    ") for line in lines)])


def _change(answer: Data, width: int) -> str:
    found = answer.get("change")
    if not found:
        return ""
    lines = _lacking(found)
    if found["counts_as_ug_day"] < 0.75 * answer["daily_ug"]["middle"]:
        lines.append(
            f"Much of it comes in large portions, of which less is absorbed: in healthy people it counts like "
            f"{number(found['counts_as_ug_day'])} µg a day in three small meals."
        )
    if found["low_acid"]:
        lines.append("With little stomach acid B12 bound to food is poorly released; added B12 (fortified food, tablets) needs no acid.")
    elif found["older"]:
        lines.append(
            "From 51 years on the IOM advises to take most of it as added B12 (fortified food or products): 10 to 30 % of older people may "
            "absorb little of what is bound to food."
        )
    if found["little_path"]:
        lines.append(
            "With this little of the intrinsic-factor path left, no usual food can do it: about 1 % of any dose still crosses by itself, "
            "so only large doses by mouth (guides say 1000 µg a day or more) or injections reach the need."
        )
    wrapped = (_wrap(line, width, "  ", "      " if line.startswith("  ") else "    ") for line in lines)
    return "\n".join([_title("What to change"), *wrapped])


def _lacking(found: Data) -> list[str]:
    if not found["short_of"]:
        return ["Nothing is short by these tables."]
    lines = [
        f"Short of: {', '.join(found['short_of'])}. To reach the highest ({found['goal']}) {number(found['gap_ug_day'])} µg a day is "
        "missing. One of these would fill it, by what they hold and by what of it is absorbed:"
    ]
    for offer in found["servings"]:
        added = ", added B12" if offer["bound"] == "crystalline" else ""
        amount = f"{offer['serving_g']:g} g ({offer['ug_serving']:g} µg{added})"
        lines.append(f"  {offer['name']}, {amount}: {_often(offer['times_week'])}")
    if found["gap_ug_day"] <= 10.0:
        lines.append("  or a product: the smallest daily tablets sold hold 2.5 to 10 µg")
    return lines


def _often(times_week: float) -> str:
    if times_week > 7.0:
        return f"{times_week / 7.0:.1f} times a day"
    return "once a day" if times_week == 7.0 else "once a week or less" if times_week <= 1.0 else f"{times_week:g} times a week"


def _vegan(answer: Data, width: int) -> str:
    found = answer.get("vegan")
    if not found:
        return ""
    lines = [f"{'[met]    ' if way['met'] else '[not met]'} {way['words']}" for way in found]
    head = f"Eating plants only: any one of these ({found[0]['body']}, for healthy adults; read second-hand)"
    return "\n".join([_title(head), *(_wrap(line, width, "  ", "    ") for line in lines)])


def _alone(answer: Data, width: int) -> str:
    found = answer.get("alone")
    if not found:
        return ""
    food = found["courses"][0]
    low, goal = found["store_low_mg"], found["store_goal_mg"]
    lines = [
        f"Absorbed {_span(found['absorbed_ug_day'])} a day; lost {_span(found['loss_ug_day_low'])} a day from a store of {low:g} mg "
        f"and {_span(found['loss_ug_day_full'])} from a full one of {found['store_full_mg']:g} mg.",
        f"On this food alone the store settles at {_store(food['settles_mg'])}. From {low:g} mg, the least that goes with health, it "
        f"would reach {goal:g} mg in {percent(food['reaches'])} of such people" + (f": {_time(food['days'])}." if food["days"] else "."),
    ]
    rows = [["", "store settles at", f"reaches {goal:g} mg", "in"]]
    rows += [[course["words"], _store(course["settles_mg"]), percent(course["reaches"]), _time(course["days"]) if course["days"] else "–"]
             for course in found["courses"]]  # fmt: skip
    after = []
    if found["nerves"] or found["nitrous_oxide"]:
        why = ", ".join(found["nerves"] + (["nitrous oxide"] if found["nitrous_oxide"] else []))
        after.append(f"With what the case tells ({why}), food is never a reason to wait: this needs a doctor's assessment now.")
    if found["given"]:
        after.append("B12 the case has been given is not counted: this is about food.")
    after.append(f"Left out: {found['left_out']}. `corrin forecast` counts most of it.")
    return "\n".join([_title("Would food alone do?"), *(_wrap(line, width, "  ", "    ") for line in lines), _table(rows),
                      *(_wrap(line, width, "  ", "    ") for line in after)])  # fmt: skip


def _time(days: Data) -> str:
    return f"{duration(days['middle'])} ({duration(days['low'])} to {duration(days['high'])})"


def _notes(answer: Data, width: int) -> str:
    return "\n".join(_wrap(note, width) for note in answer["notes"])


def _sources(answer: Data, width: int) -> str:
    lines = [_wrap(f"[{key}] {citation}", width, "  ", "    ") for key, citation in answer["sources"].items()]
    return "\n".join([_title("Sources"), *lines])
