"""The page on stopping a treatment, from the plain data of `corrin.stop/1`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.compare_text import first as first_of_all
from corrin.show.words import duration, percent, share

Data = Mapping[str, Any]

LIFE = {
    "yes": "For life, by its cause: it does not go away, so B12 has to be replaced without end.",
    "likely": "Probably for life: the causes that fit this person best do not go away, though none of them is told.",
    "while the cause lasts": "As long as the cause lasts. If it goes, the need may end; until then B12 has to come from somewhere.",
    "not told by the cause": "The cause is not known well enough to say. Find it before stopping.",
}
LASTS = {
    "lasting": "stays",
    "reversible": "can be removed",
    "perhaps": "can be treated, not surely undone",
    "not known": "not known whether it stays",
}
INFORMS = "This informs and does not prescribe."
SYMPTOMS = (
    "Symptoms and signs decide, not laboratory values: tingling, numbness, unsteady walking, weakness, failing sight or memory. If any "
    "comes back or worsens, treatment begins again at once; nobody waits for a value to fall."
)


def report(answer: Data, width: int = 110) -> str:
    """The whole page; lines at most `width` characters."""
    forecast = answer["forecast"]
    blocks = [
        _head(answer, width),
        _events(answer, width),
        _life(answer, width),
        _watch(answer, width),
        _warnings(forecast, width),
        _rests_on(answer, width),
        wrap(f"{INFORMS} {forecast['disclaimer']}", width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(answer: Data, width: int) -> str:
    forecast = answer["forecast"]
    when = "" if forecast["as_of"] == "day 0" else f", as of {forecast['as_of']}"
    first = f"{forecast['case_id']}: what if treatment is stopped{when}"
    after = duration(answer["stop_day"])
    instead = " It replaces what is given now." if answer["ongoing"] else ""
    how = (
        f"Plan: {answer['plan_title']} ({answer['plan']}), stopped {after} from today.{instead}"
        if answer["stop_day"] > 0.0
        else "Everything stops today: what is given now ends and nothing takes its place."
    )
    what = f"{how} Food, drugs and cause go on as under the plan; nitrous oxide, if any, stays stopped where the plan stops it."
    urgent = [notice for notice in forecast["warnings"] if notice["code"] in ("data-contradict-model", "safety")]
    said = [wrap(sentence, width) for sentence in _in_short(answer)]
    notes = [wrap(f"Note: {notice['text']}", width) for notice in urgent]
    return "\n".join([first, "=" * len(first), *said, *notes, *first_of_all(answer, width), "", wrap(what, width)])


def _in_short(answer: Data) -> list[str]:
    """When deficiency and signs are back, and whether B12 is needed for life."""
    events = {event["name"]: event for event in answer["events"]}
    back, signs = events["deficiency"], events["symptoms"]
    when = f"Stopped after {duration(answer['stop_day'])}" if answer["stop_day"] > 0.0 else "Stopped today"
    if back["already"] > 0.5:
        found = [f"{when}, most ({percent(back['already'])}) are still deficient: too early to stop."]
    else:
        found = [f"{when}: deficient again, {_half(back)}. Nerve signs worse again, {_half(signs)}."]
    return [*found, LIFE[answer["for_life"]]]


def _half(event: Data) -> str:
    """`half by 7.2 years after the stop (90 of 100: 5.2 years to later than shown)`; where half never are, how many."""
    if event["p50"] is None:
        return f"within the time shown: {_chance(event)} of those not so already"
    low, high = (duration(event[key]) if event[key] is not None else "later than shown" for key in ("p05", "p95"))
    return f"half of them by {duration(event['p50'])} after the stop (90 of 100: {low} to {high})"


def _chance(event: Data) -> str:
    """`81 % (70-90)`: with its band where there is one."""
    low, high = event.get("chance_low"), event.get("chance_high")
    band = "" if low is None or high is None else f" ({share(min(low, event['chance']))}–{share(max(high, event['chance']))})"
    return f"{percent(event['chance'])}{band}"


def _events(answer: Data, width: int) -> str:
    left = answer["years"] * 365.25 - answer["stop_day"]
    rows = [["after the stop", "half by", "range (90 of 100)", f"within {duration(left)}", "there already"]]
    for event in answer["events"]:
        low = duration(event["p05"]) if event["p05"] is not None else "later"
        high = duration(event["p95"]) if event["p95"] is not None else "later than shown"
        span = "later than shown" if event["p05"] is None else f"{low} to {high}"
        middle = duration(event["p50"]) if event["p50"] is not None else "later than shown"
        everyone = event["already"] > 0.995
        cells = ["", "", ""] if everyone else [middle, span, _chance(event)]
        rows.append([f"  {event['label']}", *cells, percent(event["already"])])
    lines = [title("When it comes back, if it does"), table(rows, width), ""]
    lines += [wrap(f"{event['label']}: {event['definition']}.", width, "  ", "    ") for event in answer["events"]]
    lines.append(
        wrap(
            "Times are those of the people not already there when it is stopped; `there already` counts all. Read every fortnight. In "
            "brackets after a chance: where it would lie (90 of 100) were the numbers known that nobody has measured. Values fall first, "
            "signs last: what is lost in between may not all come back.",
            width,
        )
    )
    lines += _published(answer, width)
    return "\n".join(lines)


def _published(answer: Data, width: int) -> list[str]:
    """What was seen in people, which may come sooner than what is computed."""
    rows = answer["published"]
    if not rows:
        return []
    said = []
    for row in rows:
        span = "" if row["low_days"] is None else f" ({duration(row['low_days'])} to {duration(row['high_days'])})"
        number = "" if row["n"] is None else f", {row['n']} people"
        said.append(f"{row['label']}, mean {duration(row['days'])}{span}{number}")
    text = "; ".join(said)
    return ["", wrap(f"Seen in people (only those who relapsed are counted): {text}. {rows[0]['citation']}", width, "  ", "    ")]


def _life(answer: Data, width: int) -> str:
    lines = [title("Who needs it for life, and why")]
    for reason in answer["reasons"]:
        chance = "" if reason["probability"] >= 0.995 else f" ({percent(reason['probability'])})"
        again = "" if reason["again"] is None else f" Of drawn people with it, {_again(reason)} are deficient again in that time."
        lines.append(wrap(f"{reason['label']}{chance}: {LASTS[reason['lasts']]}; {reason['why']}.{again}", width, "  ", "    "))
    if not answer["reasons"]:
        lines.append(wrap("No cause is named and none was drawn.", width, "  "))
    return "\n".join(lines)


def _again(reason: Data) -> str:
    low, high = reason.get("again_low"), reason.get("again_high")
    band = "" if low is None or high is None else f" ({share(min(low, reason['again']))}–{share(max(high, reason['again']))})"
    return f"{percent(reason['again'])}{band}"


def _watch(answer: Data, width: int) -> str:
    lines = [title("What to watch"), wrap(SYMPTOMS, width, "  ", "    ")]
    early = answer["test_by_days"]
    back = next(event for event in answer["events"] if event["name"] == "deficiency")
    if back["already"] > 0.5:
        lines.append(wrap("Most are still deficient when it is stopped: this is too early to stop.", width, "  ", "    "))
    elif early is None:
        lines.append(
            wrap("Fewer than one in twenty are deficient again in the time shown; a yearly test still finds them.", width, "  ", "    ")
        )
    else:
        lines.append(
            wrap(
                f"One in twenty is deficient again {duration(early)} after the stop: methylmalonic acid (or homocysteine), active or serum "
                "B12 and a blood count before that, then at shorter steps as the median nears.",
                width,
                "  ",
                "    ",
            )
        )
    lines.append(
        wrap(
            "A serum B12 within its limits does not show that cells have enough; methylmalonic acid does, where the kidneys are sound.",
            width,
            "  ",
            "    ",
        )
    )
    return "\n".join(lines)


def _warnings(forecast: Data, width: int) -> str:
    lines = [wrap(notice["text"], width, "  - ", "    ") for notice in forecast["warnings"]]
    return "\n".join([title("Warnings"), *lines]) if lines else ""


def _rests_on(answer: Data, width: int) -> str:
    made = answer["forecast"]["made"]
    calibrated = {"current": "fitted to studies and a survey", "stale": "fitted, and stale"}.get(
        made["calibration"], "not fitted as a whole"
    )
    return wrap(
        f"{made['draws']:,} drawn people, worth {made['effective_sample_size']:,.0f} after weighing by their data; seed {made['seed']}; "
        f"followed for {answer['years']:g} years; population {calibrated}. Whether a cause stays is common knowledge, not computed.",
        width,
    )
