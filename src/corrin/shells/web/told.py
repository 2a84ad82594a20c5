"""What the page and the report say of a visit, and where it comes from."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from corrin.shells.web import drawn
from corrin.shells.web.desk import NoVisit, Visit

if TYPE_CHECKING:
    from corrin.show.page import Section, Source


def sections(assess: dict[str, Any], held: dict[str, Any]) -> dict[str, list[Section]]:
    """The answer in plain words, in the order of the page."""
    from corrin.show.page import assess_sections, compare_sections, delay_sections, recover_sections

    return {
        "sections": assess_sections(assess),
        "recovery": recover_sections(held["recover"]) if "recover" in held else [],
        "waiting": delay_sections(held["delay"]) if "delay" in held else [],
        "compared": compare_sections(held["compare"]) if "compare" in held else [],
    }


@cache
def behind(readings: tuple[str, ...]) -> tuple[Source, ...]:
    """What the readings of a figure or a table rest on."""
    from corrin.answers.explain import explain
    from corrin.answers.explain import readings as known
    from corrin.show.page import Source

    found = [Source("The bands", "People like this one, drawn and weighed by the results; the numbers are shares of them.")]
    for name in readings:
        if name in known():
            facts = explain(name).lists()
            told = [*facts.get("source", []), *facts.get("found at", []), *facts.get("weak", [])]
            rests = [f"Rests on {', '.join(facts['parameters'])}."] if "parameters" in facts else []
            found.append(Source(facts["what"][0], " ".join([*told, *rests]) or "Computed from the model's equations.", name))
    return tuple(found)


def reports(visit: Visit) -> dict[str, str]:
    """The command line's own reports, for the clinician's view."""
    from corrin.show import assess_text, compare_text, delay_text, recover_text, text

    made = {"Assessment": assess_text.report(visit.assess, 96)}
    for name, title, module in (("forecast", "Forecast", text), ("recover", "Recovery", recover_text), ("delay", "Waiting", delay_text),
                                ("compare", "Treatments side by side", compare_text)):  # fmt: skip
        if name in visit.answers:
            made[title] = module.report(visit.answers[name], width=96)
    return {title: once(text) for title, text in made.items()}


def once(text: str) -> str:
    """A report without its last paragraph, where that says what the foot of every page says."""
    head, _, last = text.rstrip().rpartition("\n\n")
    return f"{head}\n" if "education and research" in last else text


def sources(visit: Visit) -> dict[str, str]:
    found = dict(visit.assess.get("sources", {}))
    if "forecast" in visit.answers:
        found |= visit.answers["forecast"]["used"]["sources"]
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def other(visit: Visit, figure: str) -> dict[str, Any]:
    if figure == "delay" and "delay" in visit.answers:
        from corrin.show.delay_charts import chart as delay_chart

        return delay_chart(visit.answers["delay"])
    if figure == "pain":
        from corrin.answers.pain import pain
        from corrin.show.pain_charts import chart as pain_chart

        return pain_chart(pain(visit.case).data)
    raise NoVisit


def report(visit: Visit, view: str) -> bytes:
    """The page as PDF: its sections, a page for each figure; for a clinician the command line's reports behind them."""
    from corrin.shells.web import pdf

    held = dict(visit.answers)
    made = sections(visit.assess, held)
    sex = "" if visit.case.person.sex == "unknown" else f", {visit.case.person.sex}"
    flow: list[pdf.Block] = [
        ("title", f"{visit.case.age_y:.0f} years{sex}"),
        ("soft", f"{visit.case.id or 'case'}, as of {visit.case.as_of}"),
    ]
    for section in (*made["sections"], *made["recovery"], *made["waiting"], *made["compared"]):
        flow.append(("head", section.title))
        flow += [("text", line) for line in section.lines]
        flow += [("row", "\t".join(row)) for row in section.table]
        flow += [("item", line) for line in section.items]
        flow += [("soft", line) for line in section.after]
    flow += [("head", "Where the numbers come from")]
    flow += [("soft", f"{key}: {text}") for key, text in sources(visit).items()]
    shown = [(words, drawn.spec(held["forecast"], name)) for name, words in drawn.FIGURES.items()] if "forecast" in held else []
    shown += [("What waiting costs", other(visit, "delay"))] if "delay" in held else []
    pictures = [(words, drawn.picture({**found, "title": ""}, "jpeg")) for words, found in shown]
    fixed = "\n\n\n".join(reports(visit).values()) if view == "clinician" else ""
    return pdf.report(
        f"corrin: {visit.case.id or 'case'}", flow, pictures, fixed, "corrin: for education and research; not a medical device."
    )
