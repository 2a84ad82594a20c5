"""What is shown to whoever opened the record: at most a few cards, each from one part of the assessment, in the words of its sources.

No word of the record itself stands on a card: only our own sentences, numbers and dates.
"""

from __future__ import annotations

import datetime
import html
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from corrin.answers.assess import ADULT_Y, DISCLAIMER, assess
from corrin.case import known as tables
from corrin.case.case import Case
from corrin.guides.apply import profiles
from corrin.guides.facts import Facts
from corrin.guides.person import facts_of
from corrin.guides.schema import Clause
from corrin.shells.cds.orders import Drafts
from corrin.shells.cds.prefetch import Known
from corrin.shells.fhir.written import TEST_WORDS, request_for

Card = dict[str, Any]
LONG_AGO_D = 731.0
"""A test of B12 on metformin this far back counts as long ago (a judgement: no guideline that was read names an interval)."""
WORTH_ASKING = 0.1
"""A test with a smaller chance of another word is not proposed for an open question (a judgement)."""
HARDLY = 0.01
LIKELY = ("likely", "very likely")
CRITICAL = ("emergency", "same day")
TOPIC = "urn:corrin:cds-topic"
OVERRIDE = "urn:corrin:cds-override"
OVERRIDES = {
    "tested-elsewhere": "Tested elsewhere, or already requested",
    "treated": "B12 is already given",
    "known": "Known and being looked after",
    "does-not-apply": "Does not apply to this person",
    "declined": "The person does not want it",
    "later": "Not now",
}
TOPICS = {
    "red-flag": "Neurological or other red flag",
    "likely": "B12 deficiency likely, or open",
    "metformin": "B12 on metformin",
    "acid": "B12 on an acid blocker",
    "nitrous-oxide": "Nitrous oxide",
    "folate-alone": "Folic acid alone",
    "b12": "Before B12 is given",
    "missing": "What was not sent",
}
FIRST_LINE = ("serum_b12", "holotranscobalamin")
SAFETY, METFORMIN = "corrin-safety-2026", "uk-mhra-2022"
NEVER_AFTER = ("SAFE-S3", "SAFE-S4")
"""Safety rules about giving B12 itself that call for more than a note."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What every card needs: the patient's id, today, the page the card points to."""

    patient: str
    today: datetime.date
    page: str


@dataclass(frozen=True, slots=True)
class Person:
    """An adult with their assessment and what guidelines ask about."""

    case: Case
    data: dict[str, Any]
    facts: Facts
    known: Known

    @property
    def treated(self) -> bool:
        """Whether B12 is being given."""
        return self.facts.get("b12.treated") is True

    @property
    def likely(self) -> str:
        """How likely deficiency is, as a word."""
        return str(self.data["deficiency"]["function"]["word"])

    @property
    def low(self) -> bool:
        """Whether deficiency is likely, or a guideline of the person's country calls the results deficient."""
        return self.likely in LIKELY or any(guide["verdict"] == "deficient" for guide in self.data["guides"])

    @property
    def flagged(self) -> bool:
        """Whether a red flag is up."""
        return bool(self.data["red_flags"])

    def last_b12(self) -> float | None:
        """Days since B12 was last measured; None where no result is known."""
        found = [self.case.day(lab.date) for lab in self.case.labs if (row := tables.find_analyte(lab.analyte)) and row.id in FIRST_LINE]
        return -max(found) if found else None

    def measured(self, name: str, within_d: float = 30.0) -> bool:
        """Whether a test was done of late."""
        return any(
            (row := tables.find_analyte(lab.analyte)) is not None and row.id == name and -within_d < self.case.day(lab.date) <= 0.5
            for lab in self.case.labs
        )


def cards(known: Known, drafts: Drafts | None, asked: Asked) -> list[Card]:
    """The cards of one call, the most urgent first. `drafts`: the orders chosen (`order-select`), None when a record was opened.

    Nothing is said of a child or of somebody who has died; for want of the patient one card says what is missing.
    """
    if known.ended:
        return []
    if known.case is None:
        return [_folate_unknown(known, asked) if drafts is not None and drafts.folate_alone else _missing(known, asked)]
    if known.case.age_y < ADULT_Y:
        return []
    person = Person(known.case, dict(assess(known.case).data), facts_of(known.case), known)
    looks: tuple[Callable[[Person, Asked], Card | None], ...]
    if drafts is None:
        looks = (_red_flag, _likely, _metformin)
        made = [card for look in looks if (card := look(person, asked)) is not None]
    else:
        made = [card for what, look in ORDERED.items() if what in drafts.chosen and (card := look(person, drafts, asked)) is not None]
        made += [card for look in (_red_flag,) if drafts.chosen and (card := look(person, asked)) is not None]
    if not made and (not known.sent("observations") and (drafts is None or drafts.chosen)):
        made = [_missing(known, asked)] if _matters(person, drafts) else []
    return sorted(made, key=lambda card: ("critical", "warning", "info").index(card["indicator"]))


def _matters(person: Person, drafts: Drafts | None) -> bool:
    """Whether results that were not sent could have brought a card: a cause is told, or a drug is chosen that bears on B12."""
    return drafts is not None or any(row["standing"] == "stated" for row in person.data["causes"]) or _on_metformin(person)


# --- one card for each question ------------------------------------------------------------------------------------------


def _red_flag(person: Person, asked: Asked) -> Card | None:
    flags = person.data["red_flags"]
    if not flags:
        return None
    urgency = str(person.data["urgency"])
    names = ("serum_b12", "mma", "homocysteine", "folate", "blood count")
    wanted = [name for name in names if not person.measured("mcv" if name == "blood count" else name)]
    lines = [f"**{flags[0]['do']}**", *(f"- {flag['says']}" for flag in flags)]
    if person.treated:
        lines.append("B12 is already being given; the signs still call for somebody to look.")
    lines += ["No laboratory value, however normal, takes this back.", str(person.data["mimics"]["verdict"]["words"])]
    return _card(
        "red-flag", f"Red flag ({urgency}): take samples, then treat without waiting for the results",
        "critical" if urgency in CRITICAL else "warning", lines, person.known, asked,
        source="corrin, red flags: each rule names its source", tests=wanted, urgent=True,
    )  # fmt: skip


def _likely(person: Person, asked: Asked) -> Card | None:
    if person.treated:
        return None
    found = person.data["deficiency"]["function"]
    tests = person.data["next_tests"]
    telling = person.likely == "open" and found["used"] and tests and tests[0]["chance_of_another_word"] >= WORTH_ASKING
    if not person.low and not telling:
        return None
    wanted = [tests[0]["test"]] if tests and tests[0]["expected_change"] >= HARDLY else []
    causes = [row for row in person.data["causes"] if row["standing"] == "stated"]
    lines = [f"Chance that B12 function is below the floor: {_percent(found['probability'])} ({_percent(found['low'])} to "
             f"{_percent(found['high'])}), before any result {_percent(found['before_markers'])}."]  # fmt: skip
    lines += [f"- {row['as_reported']}: {row['counts']}" for row in person.data["markers"]]
    lines += [f"- why: {row['words']}" for row in causes[:2]]
    for guide in person.data["guides"]:
        verdict = guide["verdict"] or "no verdict"
        waits = f"; waits for {', '.join(guide['waits_for'])}" if guide["verdict"] is None and guide["waits_for"] else ""
        lines.append(f"- {guide['issuer']}: {verdict}{waits}")
    if wanted:
        lines.append(f"Next test: {TEST_WORDS.get(wanted[0], wanted[0])} ({tests[0]['about']}).")
    else:
        lines.append("Further markers would hardly move this; what is open is the cause.")
    if (apart := person.data["tells_apart"]) is not None:
        lines.append(f"For the cause: {apart['test']}.")
        if "intrinsic factor" in apart["test"] and not person.measured("intrinsic_factor_antibody", 36525.0):
            wanted.append("intrinsic_factor_antibody")
    next_words = f"next test {TEST_WORDS.get(wanted[0], wanted[0])}" if wanted else "look for the cause"
    guide = next((row for row in person.data["guides"] if row["verdict"] == "deficient"), person.data["guides"][0])
    said = person.likely if person.likely in LIKELY else "is open"
    if guide["verdict"] == "deficient" and person.likely not in LIKELY:
        said = "by a guideline's limit"
    return _card(
        "likely", f"B12 deficiency {said}: {next_words}", "warning" if person.low else "info", lines, person.known, asked,
        source="corrin: results read together, with guidelines side by side", url=_url(guide["id"]), tests=wanted,
    )  # fmt: skip


def _on_metformin(person: Person) -> bool:
    return person.facts.get("drug.metformin") is True


def _metformin(person: Person, asked: Asked) -> Card | None:
    """B12 never or long ago tested on metformin. Without the results nothing is claimed about them."""
    days = person.last_b12()
    if not _on_metformin(person) or person.treated or not person.known.sent("observations"):
        return None
    if days is not None and days < LONG_AGO_D:
        return None
    clauses = [row for guide in person.data["extra"] if guide["id"] == METFORMIN for row in guide["clauses"]]
    features = any(row["id"] == "MHRA-1" for row in clauses)
    when = "no result is in what was sent" if days is None else f"last tested {days / 365.25:.1f} years ago"
    lines = [f"On metformin; B12: {when}.", *(f"- {row['says']}" for row in clauses)]
    lines.append("How often to test is named by no guideline that was read; two years as long ago is our own.")
    return _card(
        "metformin", f"On metformin: B12 {'never tested in what was sent' if days is None else 'last tested over two years ago'}",
        "warning" if features else "info", lines, person.known, asked, source=_citation(METFORMIN), url=_url(METFORMIN),
        tests=[] if person.flagged else ["serum_b12"],
    )  # fmt: skip


def _start_metformin(person: Person, drafts: Drafts, asked: Asked) -> Card | None:
    if not person.known.sent("observations") or person.treated or "b12" in drafts.every:
        return None
    days = person.last_b12()
    if days is not None and days < LONG_AGO_D:
        return None
    says = _clause(METFORMIN, "MHRA-4").says
    lines = [says, f"- {_clause(METFORMIN, 'MHRA-5').says}"]
    lines.append(f"B12: {'no result is in what was sent' if days is None else f'last tested {days / 365.25:.1f} years ago'}.")
    return _card("metformin", "Metformin lowers B12 over time: a level now makes later ones readable", "info", lines, person.known, asked,
                 source=_citation(METFORMIN), url=_url(METFORMIN), tests=["serum_b12"])  # fmt: skip


def _start_acid_blocker(person: Person, drafts: Drafts, asked: Asked) -> Card | None:
    """An acid blocker alone is common; it is remarked on beside metformin, or where deficiency is likely."""
    together = _on_metformin(person) or "metformin" in drafts.every
    days = person.last_b12()
    lately = days is not None and days < LONG_AGO_D
    if person.treated or not (together or person.low) or (lately and not person.low):
        return None
    lines = ["Without acid less B12 is freed from food; tablets of B12 are taken up all the same."]
    if together:
        lines.append("Together with metformin, which lowers B12 in another way.")
    lines.append(f"Chance of too little B12 at work now: {_percent(person.data['deficiency']['function']['probability'])}.")
    return _card("acid", "An acid blocker adds to the causes of low B12 here: a level before it", "info", lines, person.known, asked,
                 source=_citation(METFORMIN) if together else _citation("us-aafp-2025"),
                 url=_url(METFORMIN if together else "us-aafp-2025"), tests=[] if lately else ["serum_b12"])  # fmt: skip


def _nitrous_oxide(person: Person, drafts: Drafts, asked: Asked) -> Card | None:
    rule = _clause(SAFETY, "SAFE-S10D")
    held = any(row["id"] == rule.id for row in person.data["safety"]["rules"])
    grave = held or person.low or person.flagged
    causes = [row for row in person.data["causes"] if row["standing"] == "stated"]
    tested = bool(person.data["deficiency"]["function"]["used"])
    doubt = person.likely == "open" if tested else bool(causes) or not person.known.sent("observations")
    if not grave and not doubt:
        return None
    lines = [rule.says, f"- {rule.then[0].text}", *(f"- here: {row['words']}" for row in causes[:3])]
    lines.append(f"Chance of too little B12 at work now: {_percent(person.data['deficiency']['function']['probability'])}.")
    summary = f"Nitrous oxide takes the effect of B12: {'not while it may be low' if grave else 'B12 is not known'}"
    return _card("nitrous-oxide", summary, "warning" if grave else "info", lines, person.known, asked, source=str(rule.at),
                 tests=[name for name in ("serum_b12", "homocysteine", "mma") if not person.measured(name)])  # fmt: skip


def _folate_alone(person: Person, drafts: Drafts, asked: Asked) -> Card | None:
    """Folic acid without B12 while B12 is low or not known."""
    if person.treated or not drafts.folate_alone:
        return None
    tested = bool(set(person.data["deficiency"]["function"]["used"]) - {"mcv", "haemoglobin"})
    if tested and person.likely == "unlikely" and not person.flagged:
        return None
    rule = _clause(SAFETY, "SAFE-S1")
    grave = person.low or person.flagged or any(person.facts.get(name) is True for name in NERVES)
    lines = [rule.says, f"- {rule.then[0].text}"]
    lines.append(f"Chance of too little B12 at work now: {_percent(person.data['deficiency']['function']['probability'])}"
                 f"{'' if tested else ', without a test of B12 in what was sent'}.")  # fmt: skip
    return _card("folate-alone", f"Folic acid alone while B12 {'may be low' if grave or tested else 'is not known'}: B12 first",
                 "warning" if grave else "info", lines, person.known, asked, source=str(rule.at),
                 tests=[name for name in ("serum_b12", "mma") if not person.measured(name)])  # fmt: skip


NERVES = ("sign.tingling", "sign.numbness", "sign.gait", "sign.weakness", "sign.vibration_loss", "sign.cognition")


def _folate_unknown(known: Known, asked: Asked) -> Card:
    """The same where the patient was not sent: B12 is not known."""
    rule = _clause(SAFETY, "SAFE-S1")
    lines = [rule.says, f"- {rule.then[0].text}", known.why]
    return _card("folate-alone", "Folic acid alone while B12 is not known: B12 first", "info", lines, known, asked,
                 source=str(rule.at), tests=["serum_b12"])  # fmt: skip


def _before_b12(person: Person, drafts: Drafts, asked: Asked) -> Card | None:
    """Samples before the first dose, and the safety rules that hold."""
    rules = [row for row in person.data["safety"]["rules"] if any(then["kind"] in ("avoid", "test") for then in row["then"])]
    rules = [row for row in rules if row["id"] not in ("SAFE-S1", "SAFE-S10D") and not row["id"].startswith("SAFE-S11")]
    wanted = [] if person.treated else [name for name in ("serum_b12", "mma", "homocysteine") if not person.measured(name, LONG_AGO_D)]
    first = bool(wanted) and len(wanted) == 3
    if not rules and not first:
        return None
    lines = [f"- {row['says']} {' '.join(then['text'] for then in row['then'])}" for row in rules]
    if first:
        lines.append("Nothing was measured yet: a sample before the first dose, for afterwards the level shows the dose, not the cells.")
    if person.flagged:
        lines.append("With a red flag nothing waits: sample, then treat.")
    lines.append(f"To ask: {', '.join(person.data['safety']['ask'])}." if person.data["safety"]["ask"] else "")
    grave = any(row["id"] in NEVER_AFTER for row in rules)
    summary = "Before B12 is given: a safety rule holds" if rules else "Before the first B12: take the samples"
    return _card("b12", summary, "warning" if grave else "info", lines, person.known, asked, source=_citation(SAFETY),
                 tests=wanted if first else [])  # fmt: skip


ORDERED: dict[str, Callable[[Person, Drafts, Asked], Card | None]] = {
    "folic_acid": _folate_alone,
    "nitrous_oxide": _nitrous_oxide,
    "metformin": _start_metformin,
    "ppi": _start_acid_blocker,
    "b12": _before_b12,
}


def _missing(known: Known, asked: Asked) -> Card:
    why = known.why or "Laboratory results were not sent, so nothing can be said of B12 in the blood."
    return _card("missing", "B12: too little was sent to say anything", "info", [why], known, asked,
                 source="corrin: what the service asks for is in its discovery")  # fmt: skip


# --- the shape of a card ---------------------------------------------------------------------------------------------------


def _card(
    topic: str, summary: str, indicator: str, lines: Sequence[str], known: Known, asked: Asked, *, source: str, url: str | None = None,
    tests: Sequence[str] = (), urgent: bool = False,
) -> Card:  # fmt: skip
    foot = [*known.remarks, DISCLAIMER]
    # Everything is our own text; it is escaped all the same, so that no sign of a record can become markup.
    detail = "\n\n".join(html.escape(line, quote=False) for line in (*lines, *foot) if line)
    made: Card = {
        "uuid": str(uuid.uuid4()),
        "summary": summary if len(summary) < 140 else summary[:136] + "...",
        "detail": detail,
        "indicator": indicator,
        "source": {"label": source} | ({"url": url} if url else {})
        | {"topic": {"system": TOPIC, "code": topic, "display": TOPICS[topic]}},
        "overrideReasons": [{"code": code, "system": OVERRIDE, "display": words} for code, words in OVERRIDES.items()],
        "links": [{"label": "Look at it with corrin, on this machine", "url": asked.page, "type": "absolute"}],
    }  # fmt: skip
    if tests:
        made |= {"suggestions": [_suggestion(tests, asked, urgent)], "selectionBehavior": "any"}
    return made


def _suggestion(tests: Sequence[str], asked: Asked, urgent: bool) -> dict[str, Any]:
    """Draft requests for these tests, taken up together."""
    words = [TEST_WORDS.get(name, name.replace("_", " ")) for name in tests]
    return {
        "label": f"Draft a request: {', '.join(words)}",
        "uuid": str(uuid.uuid4()),
        # It informs: which of the proposals is best is for whoever reads it.
        "isRecommended": False,
        "actions": [
            {"type": "create", "description": f"Draft request for {text}",
             "resource": request_for(name, asked.patient, asked.today.isoformat(), f"Proposed by corrin. {DISCLAIMER}", urgent=urgent)}
            for name, text in zip(tests, words, strict=True)
        ],
    }  # fmt: skip


def _clause(guide: str, name: str) -> Clause:
    return next(row for row in profiles()[guide].clause if row.id == name)


def _citation(guide: str) -> str:
    row = profiles()[guide]
    return row.citation if row.issuer != "corrin" else f"corrin, {row.title}"


def _url(guide: str) -> str | None:
    return profiles()[guide].url


def _percent(p: float) -> str:
    return "over 99 %" if p > 0.99 else "under 1 %" if p < 0.01 else f"{100.0 * p:.0f} %"
