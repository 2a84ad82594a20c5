"""What the page draws: chart specifications cut to what a screen shows, pictures made from the same ones, a report, a calendar."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from corrin.case.plan import Plan

Data = Mapping[str, Any]
MOST_TIMES = 110
FIGURES = {
    "labs": "Vitamin B12 and its markers",
    "blood": "Blood",
    "nerves": "Nerves and cord",
    "tests": "Nerve tests",
    "symptoms": "Symptoms",
}
KEYS = ("p05", "p25", "p50", "p75", "p95")
NIGHT = (
    "<style>@media screen and (prefers-color-scheme: dark){rect[fill=white]{fill:#211e1b}[fill='#222222']{fill:#f0ebe4}"
    "[fill='#666666']{fill:#b9b0a5}"
    "[fill='#f4f1ec']{fill:#38332d;stroke:#6b6259}ellipse{fill:#38332d}circle[fill=white]{fill:#211e1b}}</style>"
)
"""The nerve picture on a dark ground: what is not data turns; the colours of function stay."""
TRACTS = ("foot", "hand", "motor", "dorsal", "lateral", "optic", "cognition")


def slim(answer: Data) -> dict[str, Any]:
    """The answer with no more times than a screen shows, and numbers as long as it shows them."""
    return {
        **answer,
        "past": {name: _thin(band) for name, band in answer["past"].items()},
        "plans": [{**plan, "readings": {name: _thin(band) for name, band in plan["readings"].items()}} for plan in answer["plans"]],
    }


def _thin(band: Data) -> dict[str, Any]:
    count = len(band["time_days"])
    step = max(1, -(-count // MOST_TIMES))
    kept = sorted({*range(0, count, step), count - 1}) if count else []
    made = {key: [float(f"{band[key][place]:.4g}") for place in kept] for key in KEYS}
    return {**band, "time_days": [band["time_days"][place] for place in kept], **made}


def spec(answer: Data, figure: str) -> dict[str, Any]:
    """The Vega-Lite specification of a figure. Raises `InputError` for one the answer does not hold."""
    from corrin.show.charts import chart

    return chart(slim(answer), figure)


def picture(specification: Data, kind: str = "png") -> bytes:
    """A specification as PNG or JPEG, drawn here."""
    import vl_convert

    text = json.dumps(specification)
    drawn = vl_convert.vegalite_to_svg(text, vl_version="6.1")
    return bytes(vl_convert.svg_to_png(drawn, scale=1.5) if kind == "png" else vl_convert.svg_to_jpeg(drawn, scale=2.0, quality=88))


def nerves(forecast: Data, recover: Data, plan: int, month: float) -> str:
    """The nerves under one plan so many months from today, as SVG."""
    from corrin.show.nerve_picture import one

    chosen = forecast["plans"][min(max(plan, 0), len(forecast["plans"]) - 1)]
    told = {name: bool(item["told"]) for name, item in recover["today"]["tracts"].items()}
    works = {tract: _at(chosen["readings"][f"function_{tract}"], month * 365.25 / 12.0) for tract in TRACTS}
    return one(works, told, "today" if month == 0 else f"in {month:g} month{'' if month == 1 else 's'}").replace(">", f">{NIGHT}", 1)


def _at(band: Data, day: float) -> float:
    """The median on a day, by straight lines."""
    times, values = band["time_days"], band["p50"]
    for place in range(1, len(times)):
        if times[place] >= day:
            part = (day - times[place - 1]) / (times[place] - times[place - 1])
            return float(values[place - 1] + min(max(part, 0.0), 1.0) * (values[place] - values[place - 1]))
    return float(values[-1])


def calendar(plan: Plan, first: datetime.date, months: int = 12) -> str:
    """The doses of a plan as a calendar file (RFC 5545): one entry for each run of doses at one rhythm, within so many months."""
    from corrin.facts.reader import products

    doses = [(round(day + plan.start_day), product, amount) for day, product, amount in plan.doses(months * 30.4375 - plan.start_day)]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//corrin//plan//EN", "CALSCALE:GREGORIAN"]
    for run in _runs(doses):
        day, product, amount, gap, count = run
        row = products().get(product)
        start = first + datetime.timedelta(days=day)
        name = hashlib.sha256(f"{plan.name} {run} {first}".encode()).hexdigest()[:24]
        lines += [
            "BEGIN:VEVENT", f"UID:{name}@corrin.invalid", f"DTSTAMP:{first:%Y%m%d}T000000Z", f"DTSTART;VALUE=DATE:{start:%Y%m%d}",
            f"DTEND;VALUE=DATE:{start + datetime.timedelta(days=1):%Y%m%d}",
        ]  # fmt: skip
        if count > 1:
            lines.append(f"RRULE:FREQ=DAILY;INTERVAL={gap};COUNT={count}")
        about = f"{amount:,.0f} ug {row.name if row else product}".replace(",", "\\,")
        note = "The plan you entered in corrin (education and research). A clinician decides what is given."
        lines += [f"SUMMARY:{about}", f"DESCRIPTION:{note}", "TRANSP:TRANSPARENT", "END:VEVENT"]
    return "\r\n".join(part for line in [*lines, "END:VCALENDAR"] for part in _folded(line)) + "\r\n"


def _runs(doses: Sequence[tuple[int, str, float]]) -> list[tuple[int, str, float, int, int]]:
    """Doses as runs of one product and amount at one gap: (first day, product, amount, gap, count)."""
    found: list[tuple[int, str, float, int, int]] = []
    for day, product, amount in sorted(set(doses)):
        if found and found[-1][1:3] == (product, amount):
            start, _, _, gap, count = found[-1]
            wait = day - (start + gap * (count - 1))
            if wait > 0 and (count == 1 or wait == gap):
                found[-1] = (start, product, amount, wait, count + 1)
                continue
        found.append((day, product, amount, 1, 1))
    return found


def _folded(line: str) -> list[str]:
    return [line[:74], *(f" {line[place : place + 73]}" for place in range(74, len(line), 73))]
