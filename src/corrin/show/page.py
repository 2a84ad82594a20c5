"""Answers as sections of plain words, for a page: what a person needs first, first; numbers of 100 people, never a bare probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from corrin.facts.reader import sources
from corrin.show import assess_text as told
from corrin.show import compare_text
from corrin.show.recover_text import NO_PROMISE, promised
from corrin.show.words import duration, interval, percent, plain_unit, share

Data = Mapping[str, Any]
MOST_CAUSES, MOST_TESTS, MOST_OPEN = 4, 3, 4
URGENT = {
    "emergency": "This is an emergency: get help now",
    "same day": "Please be seen by a clinician today",
    "soon": "Please see a clinician soon",
}
LIKELY = {
    "very likely": "Very likely.",
    "likely": "Likely.",
    "undecided": "The results do not decide it.",
    "unlikely": "Unlikely by the results.",
    "very unlikely": "Very unlikely by the results.",
}


@dataclass(frozen=True)
class Source:
    """Where a number comes from, for a reader: what, in words, and the name `corrin explain` knows it by (empty where it knows none)."""

    what: str
    text: str
    name: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, a list, a table (rows, the first its head), and an afterword. `tone`: `urgent` stands out.
    `sources`: where its numbers and sentences come from."""

    id: str
    title: str
    lines: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    tone: str = ""
    table: tuple[tuple[str, ...], ...] = ()
    sources: tuple[Source, ...] = ()


def assess_sections(answer: Data) -> list[Section]:
    """Is it deficiency, why, what now: the plain-language view of a `corrin.assess/1`."""
    if "child" in answer:
        return _child(answer["child"])
    made = [_urgent(answer), _is_it(answer), _why(answer), _now(answer), _tests(answer), _safe(answer), _else(answer)]
    return [replace(section, sources=_sources(answer, section.id)) for section in made if section is not None]


def _sources(answer: Data, part: str) -> tuple[Source, ...]:
    """Where the words and numbers of a section come from."""
    guides = [Source(row["issuer"], f"{row['title']}; {row['standing']}.") for row in [*answer["guides"], *answer["extra"]]]
    clauses = answer["red_flags"] if part == "urgent" else answer["safety"]["rules"] if part == "safety" else []
    found = [Source(row["id"], f"{row['says']} Clause {row['standing']}.") for row in clauses]
    if part == "deficiency":
        found = [Source("The chance", "Read from a table of simulated people in whom it is known whether B12 does its work.")]
        found += [Source(row["as_reported"], "Scatter, limits and where they were read.", row["marker"]) for row in answer["markers"]]
        found += guides
    elif part == "why":
        found = [Source(row["words"], "How common it is, and what it does.", row["id"]) for row in answer["causes"][:MOST_CAUSES]]
    elif part == "now":
        found = guides
    elif part == "tests":
        found = [
            Source(told.NAMES[row["test"]], "What it measures, and how well.", row["test"]) for row in answer["next_tests"][:MOST_TESTS]
        ]
    elif part == "else" and answer["mimics"]:
        keys = dict.fromkeys(key for row in answer["mimics"]["open"] for key in row["sources"])
        found = [_cited(key) for key in keys]
    return tuple(found)


def _cited(key: str) -> Source:
    """A paper or label by its key, or a rule of ours."""
    row = sources().get(key)
    return Source(key, row.citation, key) if row is not None else Source(key, "A rule of the guides.")


def _urgent(answer: Data) -> Section | None:
    flags = answer["red_flags"]
    if not flags:
        return None
    lines = (*dict.fromkeys(flag["says"] for flag in flags), flags[0]["do"])
    tests = list(dict.fromkeys(test for flag in flags for test in flag["tests"]))
    after = ("No laboratory result, however normal, takes this back.",)
    return Section("urgent", URGENT.get(flags[0]["urgency"], flags[0]["urgency"].capitalize()), lines,
                   (f"Samples and examinations now: {', '.join(tests)}.",) if tests else (), after, "urgent")  # fmt: skip


def _is_it(answer: Data) -> Section:
    held = answer["deficiency"]
    found, methyl = held["function"], held["mma"]
    word = told._word(answer, found)
    first = LIKELY.get(found["word"], word[:1].upper() + word[1:] + ".")
    if word != found["word"]:
        first = word[:1].upper() + word[1:] + "."
    people = "people with the same results" if found["used"] else "people of this age, diet, drugs and conditions"
    lines = [
        f"{first} Of 100 {people}, {_people(found)} have B12 that "
        f"no longer does its work in the cells. Before any result it would have been {percent(found['before_markers'])}."
    ]
    if methyl["side"] is not None:
        place = {"above": "above its limit, as when cells lack B12", "below": "not above its limit",
                 "unclear": "too near its limit to tell"}[methyl["side"]]  # fmt: skip
        lines.append(f"Methylmalonic acid, which rises when cells lack B12, is {place}.")
    if held["contradiction"]:
        for_, against = held["contradiction"]
        lines.append(f"The results disagree: {told._list(for_)} speak for it, {told._list(against)} against. They should be repeated.")
    lines += [_guide(answer, row) for row in answer["guides"]]
    items = tuple(_speaks(row) for row in answer["markers"] if row["counts"])
    return Section("deficiency", "Is it B12 deficiency?", tuple(lines), items)


def _speaks(row: Data) -> str:
    why = f" ({'; '.join(row['why'])})" if row["why"] else ""
    said = "is set aside" if row["counts"] == "set aside" else f"speaks {row['counts']} deficiency"
    return f"{row['as_reported'][:1].upper()}{row['as_reported'][1:]} {said}{why}."


def _people(found: Data) -> str:
    return _about(*(found[key] for key in ("probability", "low", "high")))


def _guide(answer: Data, row: Data) -> str:
    because = f" {' '.join(row['because'])}" if row["because"] else ""
    wait = f" It could change with {', '.join(row['waits_for'])}." if row["waits_for"] else ""
    return f"The guideline ({row['issuer']}) would say: {told._verdict(answer, row)}.{because}{wait}"


def _why(answer: Data) -> Section | None:
    rows = answer["causes"][:MOST_CAUSES]
    if not rows:
        return None
    named = {"stated": "", "suspected": ", suspected", "not named": ", which nobody has named yet"}
    items = tuple(f"{row['words'][:1].upper()}{row['words'][1:]}{named[row['standing']]}: {told._at_work(row)}." for row in rows)
    apart = answer["tells_apart"]
    after = (f"What tells the first two apart: {apart['test']}.",) if apart else ()
    return Section("why", "Why?", ("What may be at work; several can be at once.",), items, after)


def _now(answer: Data) -> Section:
    items = []
    for row in [*answer["guides"], *answer["extra"]]:
        for clause in row["clauses"]:
            if clause["topic"] in ("red flag", "safety"):
                continue
            items += [f"{part['text']} ({row['issuer']}, {clause['id']})" for part in clause["then"] if part["kind"] != "verdict"]
    flags = answer["red_flags"]
    if flags:
        items.insert(0, f"First of all: {flags[0]['do']}")
    lines = (
        "What the guideline says for this person; a clinician decides."
        if items
        else "No clause of treatment or follow-up applies by what is known.",
    )
    return Section("now", "What now?", lines, tuple(dict.fromkeys(items)))


def _tests(answer: Data) -> Section:
    items = []
    for row in answer["next_tests"][:MOST_TESTS]:
        moved = row["expected_change"]
        by = (
            "would hardly move the answer"
            if moved < told.LITTLE
            else f"would move the answer by about {max(100 * moved, 1):.0f} points of 100"
        )
        items.append(f"{told.NAMES[row['test']][:1].upper()}{told.NAMES[row['test']][1:]}: {by}; {row['about']}.")
    lines = ("The next tests, the most telling first." if items else "Every marker that counts here has been measured.",)
    after = (f"Not told, and worth telling: {'; '.join(answer['unknown'])}.",) if answer["unknown"] else ()
    return Section("tests", "Which test next, and what is not known?", lines, tuple(items), after)


def _safe(answer: Data) -> Section | None:
    items = tuple(row["says"] for row in answer["safety"]["rules"])
    ask = answer["safety"]["ask"]
    if not items and not ask:
        return None
    return Section("safety", "Is it safe?", (f"Before B12 is given, tell of: {'; '.join(ask)}.",) if ask else (), items)


def _else(answer: Data) -> Section | None:
    held = answer["mimics"]
    if not held:
        return None
    return Section("else", "What else could it be?", (held["verdict"]["words"],), _few(held["verdict"]["why"]))


def _few(lines: Sequence[str]) -> tuple[str, ...]:
    more = (f"And {len(lines) - MOST_OPEN} more: the clinician's view names them.",) if len(lines) > MOST_OPEN else ()
    return (*(_cap(line) for line in lines[:MOST_OPEN]), *more)


def _cap(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _child(held: Data) -> list[Section]:
    items = tuple(
        f"{row['analyte']}: {row['value'] if row['value'] is not None else row['word']} {row['unit'] or ''}; the laboratory's own interval "
        f"{'' if row['low'] is None else row['low']} to {'' if row['high'] is None else row['high']}" for row in held["own_intervals"]
    )  # fmt: skip
    intakes = tuple(f"{row['body']}, {row['measure']}: {row['ug_day']:g} µg a day" for row in held["intakes"])
    return [Section("child", "Not answered for a child", (held["refused"],), (*items, *intakes), tone="urgent")]


def recover_sections(answer: Data) -> list[Section]:
    """What comes back and how sure that is: the plain-language view of a `corrin.recover/1`."""
    if not promised(answer):
        return [Section("recovery", "What comes back?", (NO_PROMISE,))]
    best = answer["plans"][0]
    found = best["by_score"]["at_months"]
    lines, items = [], []
    if found:
        late, first = found["24"], best["by_score"]["times"]["first"]
        lines.append(
            f"With {_title(best)}, after two years: of 100 people like this one with signs today, "
            f"{_chance(late['full'])} have no sign left on a severity score, {_chance(late['partial'])} are at least half better, "
            "and in the others more is left."
        )
        if first["p50_days"] is not None:
            late_step = duration(first["p95_days"]) if first["p95_days"] is not None else "over two years"
            lines.append(
                f"The first small step is felt or found after about {duration(first['p50_days'])} "
                f"({duration(first['p05_days'])} to {late_step}). Single published patients were often better sooner."
            )
    for name, symptom in best["symptoms"].items():
        at = symptom.get("at_months")
        if at and answer["today"]["symptoms"][name]["told"]:
            items.append(
                f"{symptom['label']}: gone after two years in {_chance(at['24']['full'])} of 100; "
                f"still there in {_chance(at['24']['deficit'])}."
            )
    items += [_cap(text) for text in best["not_expected"]]
    after = ["The numbers in brackets say how unsure the chance itself is: nobody has measured everything it rests on.", _weak(answer)]
    drivers = answer["drivers"]["ranked"] if answer["drivers"] else []
    if drivers and drivers[0].get("no_sign"):
        row = drivers[0]
        after.insert(
            0,
            f"What matters most here: {row['label']}. {row['if'][:1].upper()}{row['if'][1:]}, "
            f"no sign would be left in {_chance(row['no_sign'])} of 100.",
        )
    return [
        Section("recovery", "What comes back, and how sure is that?", tuple(lines), tuple(items), tuple(after), "", (), _simulated(answer))
    ]


def _simulated(answer: Data) -> tuple[Source, ...]:
    """What a simulated chance rests on."""
    made = answer["made"]
    return (
        Source("People like this one", f"{made['draws']:,} drawn, weighed by the results; the numbers are shares of them."),
        Source("Severity score", "How it is computed from the nerves, and what is assumed.", "score"),
        Source("When a sign shows", "The share of a tract that must be missing.", "sign_threshold"),
        Source("What comes back at all", "What a demyelinated fibre still does.", "demyelinated_deficit"),
    )


def _title(plan: Data) -> str:
    return f"“{plan['title']}”"


def _chance(found: Data) -> str:
    return _about(*(found[key] for key in ("p", "low", "high")))


def _about(middle: float, low: float, high: float) -> str:
    """`about 62 (44 to 78)`, `over 99 (98 to over 99)`: so many of 100, never none and never all."""
    shown = [share(value).replace("<", "under ").replace(">", "over ") for value in (middle, low, high)]
    first = shown[0] if " " in shown[0] else f"about {shown[0]}"
    return first if len(set(shown)) == 1 else f"{first} ({shown[1]} to {shown[2]})"


def _weak(answer: Data) -> str:
    return f"Evidence: {answer['evidence']['grade']}. {' '.join(answer['evidence']['because'])}"


def delay_sections(answer: Data) -> list[Section]:
    """What waiting costs: the plain-language view of a `corrin.delay/1`."""
    end = f"{answer['compared_at_months']:g} months"
    items = []
    for row in answer["delays"]:
        when = "Begun at once" if row["months"] == 0 else f"Begun {row['months']:g} month{'' if row['months'] == 1 else 's'} later"
        score = row["score"]
        chance = f"; no sign left in {_chance(row['no_sign'])} of 100" if row["no_sign"] and promised(answer) else ""
        items.append(f"{when}: severity {interval(score['p50'], score['p05'], score['p95'], '')} of 20 after {end}{chance}.")
    return [
        Section(
            "delay",
            "What does waiting cost?",
            (f"The same treatment, begun later; everybody compared {end} from today.",),
            tuple(items),
            sources=_simulated(answer),
        )
    ]


SIDE = (("mma", 3.0), ("haemoglobin", 6.0), ("score", 24.0))
"""What of the course stands in the table side by side: reading and month."""


def compare_sections(answer: Data) -> list[Section]:
    """Treatments side by side: what each does, asks and may do besides, from a `corrin.compare/1`."""
    forecast = answer["forecast"]
    plans, titles = forecast["plans"], {plan["name"]: plan["title"] for plan in forecast["plans"]}
    shown = [(name, month) for name, month in SIDE if month in answer["months"] and all(name in plan["readings"] for plan in plans)]
    head = ("plan", "injections, first year", "tablets, first year", *(_column(plans[0]["readings"][name], month) for name, month in shown))
    rows = []
    for plan, burden in zip(plans, answer["burdens"], strict=True):
        rule = "about " if burden["ends_by_rule"] and burden["injections_first_year"] else ""
        cells = (_at(plan["readings"][name], month) for name, month in shown)
        rows.append((plan["title"], f"{rule}{burden['injections_first_year']:,}", f"{burden['tablets_first_year']:,}", *cells))
    items = [
        f"With {' or '.join(_title({'title': titles[name]}) for name in row['plans'])}: {row['text']}" for row in answer["side_effects"]
    ]
    lines = ("What each treatment asks and does, in the same drawn people: median, and where 90 of 100 lie.",)
    rests = [_cited(key) for row in answer["side_effects"] for key in row["source"].split(", ")]
    rests += [Source(supply["name"], "Strengths, uptake and where they were read.", supply["product"])
              for burden in answer["burdens"] for supply in burden["supplies"]]  # fmt: skip
    after = ("An injection is a visit unless it is given at home. No prices are known here.",)
    unique = tuple(dict.fromkeys((*rests, *_simulated(forecast))))
    return [
        Section("compare", "Treatments side by side", lines, tuple(items), after, "", (head, *rows), unique),
        _smallest(answer["keep"]),
    ]


def _column(band: Data, month: float) -> str:
    unit = plain_unit(band["unit"])
    return f"{band['label']}{f', {unit}' if unit and unit not in band['label'] else ''}, after {month:g} months"


def _at(band: Data, month: float) -> str:
    place = _nearest(band["time_days"], month * 365.25 / 12)
    return interval(band["p50"][place], band["p05"][place], band["p95"][place], band["unit"])


def _smallest(keep: Data) -> Section:
    """The smallest plan that keeps replete, or why none is computed."""
    name, title = "smallest", "The least that keeps B12 at work"
    if keep["reasons"]:
        said = f"Not computed, because {'; '.join(keep['reasons'])}. Then the guideline's regimen holds, in full."
        return Section(name, title, (said,))
    injected = [row for row in keep["rungs"] if row["kind"] == "injection"]
    items = [
        compare_text._longest(product, [row for row in injected if row["product"] == product], keep)
        for product in dict.fromkeys(row["product"] for row in injected)
    ]
    items.append(compare_text._smallest([row for row in keep["rungs"] if row["kind"] == "tablet"], keep))
    lines = ["Computed from blood alone. Symptoms decide: who feels them sooner needs it sooner, and sooner is never wrong."]
    if keep["loading_first"]:
        lines.insert(0, "B12 does not do its work yet: the guideline's treatment comes first, and what stands here begins after it.")
    floor = Source(
        "At work", f"B12 function above {keep['floor_percent']:g} % and methylmalonic acid under {keep['mma_limit_nmol_l']:g} nmol/L."
    )
    return Section(name, title, tuple(lines), tuple(items), (compare_text.UNTOLD,), "", (), (floor,))


def table(answer: Data, reading: str, months: Sequence[float] = (0, 1, 3, 6, 12, 24)) -> tuple[list[str], list[list[str]]] | None:
    """A reading as a table (heading, rows): what a chart shows, for who cannot see it; a row a plan, a column a month."""
    plans = [plan for plan in answer["plans"] if reading in plan["readings"]]
    if not plans:
        return None
    last = max(plan["readings"][reading]["time_days"][-1] for plan in plans) / (365.25 / 12)
    shown = [month for month in months if month <= last + 0.1]
    rows = []
    for plan in plans:
        band = plan["readings"][reading]
        at = [_nearest(band["time_days"], month * 365.25 / 12) for month in shown]
        rows.append([plan["title"], *(interval(band["p50"][place], band["p05"][place], band["p95"][place], band["unit"]) for place in at)])
    return ["plan", *("today" if month == 0 else f"{month:g} mo" for month in shown)], rows


def _nearest(times: Sequence[float], day: float) -> int:
    return min(range(len(times)), key=lambda place: abs(times[place] - day))
