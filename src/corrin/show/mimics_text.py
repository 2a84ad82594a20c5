"""The answer on what else it could be (`corrin.mimics/1`) in plain words, from its plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corrin.show.blocks import title, wrap

Data = Mapping[str, Any]

SEEN = {"secondary": "read second-hand", "recalled": "recalled, not read", "assumed": "our judgement, common neurology"}
COUNTING = (
    "How fit is counted: signs seen that a cause usually or possibly gives, against signs it does not give; its usual signs looked for; "
    "and whether what it needs is told. No probabilities: `docs/how-to/ask-what-else.md` has the rule."
)


def report(answer: Data, width: int = 110) -> str:
    """The whole answer; lines at most `width` characters."""
    blocks = [
        _head(answer, width),
        _recognised(answer, width),
        _verdict(answer, width),
        _fits(answer, width),
        _mimics(answer, width),
        _outcomes(answer, width),
        _not_known(answer, width),
        _sources(answer, width),
        wrap(answer["disclaimer"], width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _lines(parts: Sequence[str], width: int, first: str = "  ", rest: str = "    ") -> list[str]:
    return [wrap(part, width, first, rest) for part in parts]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _head(answer: Data, width: int) -> str:
    line = "What else could it be"
    person = answer["person"]
    sex = "" if person["sex"] == "unknown" else f", {person['sex']}"
    lines = [answer["verdict"]["words"]]
    if answer["recognised"]:
        soonest = answer["recognised"][0]
        lines.append(f"{_upper(soonest['urgency'])}: {soonest['name']}. Next: {soonest['next_step']}")
    first = [item["test"] for item in answer["mimics"] if item["red_flag"] and item["status"] == "open"]
    if first:
        lines.append(f"Test first, because it cannot wait or looks the same: {'; '.join(first)}.")
    lines += [f"{person['age_y']:.0f} years{sex}. Seen: {', '.join(answer['seen']) or 'no sign is told'}."]
    if answer["absent"]:
        lines.append(f"Looked for and absent: {', '.join(answer['absent'])}.")
    if answer["b12"]["because"]:
        lines.append(f"B12: {'; '.join(answer['b12']['because'])}.")
    else:
        lines.append("B12: not tested.")
    return "\n".join([line, "=" * len(line), *(wrap(part, width) for part in lines)])


def _recognised(answer: Data, width: int) -> str:
    if not answer["recognised"]:
        return ""
    lines = []
    for item in answer["recognised"]:
        sure = "" if item["sure"] == "as told" else f" ({item['sure']})"
        lines.append(
            wrap(f"{_upper(item['urgency'])}: {item['name']}{sure}. Because of {', '.join(item['because'])}.", width, "  ", "    ")
        )
        lines.append(wrap(f"Next: {item['next_step']}", width, "    ", "      "))
        lines += [wrap(f"Not known: {unknown}.", width, "    ", "      ") for unknown in item["not_known"]]
    return "\n".join([title("How soon, and what next"), *lines])


def _verdict(answer: Data, width: int) -> str:
    found = answer["verdict"]
    grouped: dict[str, list[str]] = {}
    for item in found["why"]:
        what, _, name = item.partition(": ")
        grouped.setdefault(what, []).append(name)
    against = [f"{_upper(what)}: {'; '.join(names)}." for what, names in grouped.items()]
    return "\n".join([title("What stands against calling it B12"), *_lines(against, width)]) if against else ""


def _fits(answer: Data, width: int) -> str:
    if not answer["seen"]:
        return ""
    lines = []
    for item in answer["fits"]:
        unknown = "not decided by what is told" if item["cause"] == "b12" and answer["b12"]["because"] else "not told: ask"
        needed = {True: "told", False: "absent", None: unknown}[item["needed_there"]]
        head = f"{_upper(item['name'])}: {item['grade']}. Needs {item['needed']} ({needed})."
        parts = [f"explains {len(item['explained'])} of {len(item['explained']) + len(item['unexplained'])} signs seen"]
        if item["unexplained"]:
            parts.append(f"leaves {', '.join(item['unexplained'])}")
        looked = len(item["usual_seen"]) + len(item["usual_absent"])
        usual = f"usual: {', '.join(item['usual'])}"
        parts.append(f"{usual} (seen {len(item['usual_seen'])} of {looked} told of)" if looked else f"{usual} (none told of)")
        if item["usual_absent"]:
            parts.append(f"absent: {', '.join(item['usual_absent'])}")
        mark = " [pattern: our judgement, common neurology]" if item["assumed"] else ""
        lines.append(wrap(f"{head} {_upper('; '.join(parts))}.{mark}", width, "  ", "    "))
    return "\n".join([title("How the findings fit"), *lines, wrap(COUNTING, width, "  ", "    ")])


def _mimics(answer: Data, width: int) -> str:
    if not answer["mimics"]:
        return ""
    groups = (
        ("Red flags not excluded", [item for item in answer["mimics"] if item["red_flag"] and item["status"] == "open"]),
        ("Found, or told already", [item for item in answer["mimics"] if item["status"] == "found"]),
        ("Worth a thought", [item for item in answer["mimics"] if not item["red_flag"] and item["status"] == "open"]),
        ("Excluded", [item for item in answer["mimics"] if item["status"] == "excluded"]),
    )
    lines: list[str] = []
    for head, items in groups:
        if items:
            lines += ["", f"  {head}"] if lines else [f"  {head}"]
            lines += [wrap(_mimic(item), width, "    ", "      ") for item in items]
    tested = ", ".join(item["id"] for item in answer["mimics"] if item["status"] == "open")
    if tested:
        lines += ["", wrap(f"Say what was tested for and not found with --excluded ID: {tested}.", width, "  ", "    ")]
    return "\n".join([title("What looks alike, and the test that tells"), *lines])


def _mimic(item: Data) -> str:
    because = "" if item["because"] == "not told to be tested" else f" ({item['because']})"
    if item["status"] == "excluded":
        return f"{_upper(item['name'])}{because}."
    mark = _mark(item["grade"], item["seen"])
    sources = " ".join(f"[{key}]" for key in item["sources"])
    return f"{_upper(item['name'])}{because}: {item['looks']}. Test: {item['test']}. {item['why']} [{mark}] {sources}".rstrip()


def _mark(grade: str, seen: str, note: str = "") -> str:
    return "; ".join(part for part in (f"{grade} certainty", SEEN.get(seen, ""), note.rstrip(".")) if part)


def _outcomes(answer: Data, width: int) -> str:
    if not answer["outcomes"]:
        return ""
    lines = [
        *(_outcome(item) for item in answer["outcomes"]),
        "Series differ in who was in them, how ill and for how long, and what they called recovery: none is this person's chance. Shares "
        "with Wilson's 95 % interval.",
    ]
    return "\n".join([title("How people in published series did"), *_lines(lines, width)])


def _outcome(item: Data) -> str:
    said = item["words"]
    if item.get("share"):
        value, low, high = (f"{100 * item['share'][key]:.0f}" for key in ("value", "low", "high"))
        said = f"{item['count']:.0f} of {item['people']:.0f} ({value} %, {low} to {high})"
    delay = f"delay {item['delay']}" if item["delay"] else ""
    seen = f"seen at {item['follow_up']}" if item["follow_up"] else ""
    around = "; ".join(part for part in (item["who"], item["severity"], delay, seen) if part)
    sources = " ".join(f"[{key}]" for key in item["sources"])
    return f"{_upper(item['what'])}: {said} — {around} [{_mark(item['grade'], item['seen'], item['note'])}] {sources}"


def _not_known(answer: Data, width: int) -> str:
    if not answer["not_known"]:
        return ""
    return "\n".join([title("Not known here"), *_lines([f"{_upper(item)}." for item in answer["not_known"]], width)])


def _sources(answer: Data, width: int) -> str:
    lines = [f"[{key}] {citation}" for key, citation in answer["sources"].items()]
    return "\n".join([title("Sources"), *_lines(lines, width)])
