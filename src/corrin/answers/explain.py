"""Where does this number come from? (Q15)"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from corrin.errors import InputError, expect


@dataclass(frozen=True)
class Explanation:
    """One thing corrin knows, in pairs of (what, text), ready to be read or written."""

    name: str
    kind: str
    facts: tuple[tuple[str, str], ...]

    def text(self, width: int = 100) -> str:
        """The explanation in lines."""
        size = max(len(key) for key, _ in self.facts)
        lines = [f"{self.name} ({self.kind})"]
        for key, value in self.facts:
            indent = "  " + key.ljust(size) + "  "
            lines.append(textwrap.fill(value, width, initial_indent=indent, subsequent_indent=" " * len(indent), break_long_words=False))
        return "\n".join(lines) + "\n"

    def lists(self) -> dict[str, list[str]]:
        """What -> texts: a modifier of several targets has several effects and sources."""
        found: dict[str, list[str]] = {}
        for key, value in self.facts:
            found.setdefault(key, []).append(value)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"name": self.name, "kind": self.kind, **self.lists()}


def explain(name: str) -> Explanation:
    """A parameter, reading, product, modifier, analyte or source by name. Raises `InputError` with near names for anything else."""
    from corrin.facts import reader
    from corrin.facts.history import history

    expect(name, str, "name", "the name of a parameter, reading, product, modifier, analyte or source")
    key = name.strip()
    if key in reader.parameters():
        return _parameter(reader.parameters()[key])
    if key in history():
        return _parameter(history()[key])
    if key in readings():
        return _reading(key)
    if key in reader.products():
        return _product(reader.products()[key])
    if key in reader.analytes():
        return _analyte(reader.analytes()[key])
    rows = [row for row in reader.modifiers() if row.id == key]
    if rows:
        return _modifier(rows)
    if key in reader.sources():
        return _source(key)
    meant = _synonym(key)
    if meant is not None:
        return explain(meant)
    raise _unknown(name)


def _synonym(name: str) -> str | None:
    """What a laboratory or a clinician calls it: `MMA`, `pernicious anaemia`, `hydroxocobalamin intramuscular`."""
    from corrin.case import known

    exact = {held.lower(): held for held in known_names()}
    if name.lower() in exact and exact[name.lower()] != name:
        return exact[name.lower()]
    analyte, product = known.find_analyte(name), known.find_product(name)
    rows = known.find_modifier(name, tuple({rows[0].kind for rows in known.modifiers().values()}))
    found = next((row.id for row in (analyte, product, *rows[:1]) if row is not None), None)
    return found if found != name else None


def known_names() -> dict[str, str]:
    """Everything `explain` knows: name -> kind."""
    from corrin.facts import reader
    from corrin.facts.history import history

    found = dict.fromkeys(reader.sources(), "source")
    found.update(dict.fromkeys((row.id for row in reader.modifiers()), "modifier"))
    found.update(dict.fromkeys(reader.analytes(), "analyte"))
    found.update(dict.fromkeys(reader.products(), "product"))
    found.update(dict.fromkeys(readings(), "reading"))
    found.update(dict.fromkeys(history(), "parameter"))
    found.update(dict.fromkeys(reader.parameters(), "parameter"))
    return found


@cache
def body() -> Any:
    """The whole body with the parameters its equations ask for and the targets modifiers act on."""
    from corrin.body.system import parameter_names, system
    from corrin.facts.rows import TARGETS

    return system(parameter_names(), TARGETS)


def readings() -> Mapping[str, Any]:
    """The body's readings by name."""
    return {reading.name: reading for reading in body().readings}


@cache
def uses() -> Mapping[str, set[str]]:
    """Parameter -> names of the flows, changes and readings whose equation holds it, found by tracing the equations."""
    from corrin.engine.model import uses as traced

    found: Mapping[str, set[str]] = traced(body())
    return found


def _unknown(name: str) -> InputError:
    names = known_names()
    lowered = {known.lower(): known for known in names}
    near = [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, n=4, cutoff=0.5)]
    part = [known for known in names if name and name.lower() in known.lower() and known not in near][:4]
    near += part
    cure = f"Did you mean {', '.join(near)}?" if near else "`corrin explain` without a name lists what there is."
    return InputError("name", f"{ascii(name)[:60]} is nothing corrin knows", "", cure)


def _cited(row: Any) -> list[tuple[str, str]]:
    """Source, place in it, how it was read: the tail of every explanation."""
    from corrin.facts.reader import sources

    table = sources()
    facts = []
    for key in row.sources:
        source = table.get(key)
        facts.append(("source", f"{key}: {source.citation}" if source else key))
    weak = {"assumed": "; assumed, weak evidence", "recalled": "; recalled and not seen again, weak evidence"}.get(row.how, "")
    facts += [("found at", row.at), ("read as", f"{row.how}; seen: {row.seen}{weak}")]
    if row.note:
        facts.append(("note", row.note))
    return facts


def _parameter(row: Any) -> Explanation:
    facts = [("what", row.description), ("value", f"{row.value:g} {row.unit}"), ("spread", _spread(row))]
    facts += _calibrated(row)
    facts.append(("allowed", f"{row.low:g} to {row.high:g} {row.unit}"))
    used = sorted(uses().get(row.name, ()))
    facts.append(("place", f"{row.place}" + (f"; used by {', '.join(used)}" if used else "")))
    shown = [label.removeprefix("reading ") for label in used if label.startswith("reading ")]
    facts.append(("answers", "forecast" + (f", through {', '.join(shown)}" if shown else ", through every reading it reaches")))
    return Explanation(row.name, "parameter", tuple(facts + _cited(row)))


def _calibrated(row: Any) -> list[tuple[str, str]]:
    """What the answers use in the place of the fact, where a calibration moved it."""
    from corrin.inference.population import population

    now = next((other for other in population().rows if other.name == row.name), row)
    if (now.value, now.between, now.unsure) == (row.value, row.between, row.unsure):
        return []
    return [("in answers", f"{now.value:.4g} {row.unit}, as calibrated (docs/calibration.md); {_spread(now)}")]


def _spread(row: Any) -> str:
    scale = {"lognormal": " on the log scale", "logitnormal": " on the logit scale", "normal": f" {row.unit}"}.get(row.distribution, "")
    if row.distribution == "fixed":
        return "none (fixed)"
    return f"{row.distribution}; between people SD {row.between:g}{scale}; not known about the typical value SD {row.unsure:g}{scale}"


def _reading(name: str) -> Explanation:
    from corrin.facts.reader import analytes

    row = readings()[name]
    facts = [("what", row.label), ("unit", row.unit), ("group", row.group)]
    facts.append(("kind", "a laboratory or an instrument reports it" if row.lab else "a state of the body"))
    observed = sorted(analyte.id for analyte in analytes().values() if analyte.reading == name)
    for analyte in observed:
        # A laboratory value mostly bears the same name as the reading it observes: its limits and source belong to the answer.
        facts += [("observed by", analyte), *_analyte(analytes()[analyte]).facts[1:]]
    behind = sorted(parameter for parameter, users in uses().items() if f"reading {name}" in users)
    if behind:
        facts.append(("parameters", ", ".join(behind)))
    if row.assumed:
        facts.append(("weak", row.assumed))
    facts.append(("answers", "forecast"))
    return Explanation(name, "reading", tuple(facts))


def _product(row: Any) -> Explanation:
    facts = [("what", row.name), ("form", row.form), ("route", row.route)]
    facts.append(("strengths", ", ".join(f"{strength:g}" for strength in row.strengths_ug) + " µg"))
    if row.bioavailability is None:
        facts.append(("absorbed", "computed by the gut, dose by dose"))
    else:
        span = f" ({row.bioavailability_low:g} to {row.bioavailability_high:g})" if row.bioavailability_low is not None else ""
        facts.append(("absorbed", f"{row.bioavailability:g}{span} of the dose"))
    return Explanation(row.id, "product", tuple(facts + _cited(row)))


def _analyte(row: Any) -> Explanation:
    facts = [("what", row.name), ("unit", f"{row.unit} (also read: {', '.join(unit for unit in row.units if unit != row.unit) or 'none'})")]
    if row.reference_low is not None or row.reference_high is not None:
        low = f"{row.reference_low:g}" if row.reference_low is not None else ""
        high = f"{row.reference_high:g}" if row.reference_high is not None else ""
        facts.append(
            ("reference", f"{low} to {high} {row.unit}" if low and high else f"{'from ' + low if low else 'up to ' + high} {row.unit}")
        )
    if row.total_cv is not None:
        facts.append(("scatter", f"{row.total_cv:.0%} (log-SD of one routine result)"))
    facts.append(("observes", f"the reading {row.reading}" if row.reading else "nothing the model computes; kept and shown"))
    return Explanation(row.id, "analyte", tuple(facts + _cited(row)))


def _modifier(rows: list[Any]) -> Explanation:
    """All rows of one id: one cause, drug or state may reach several targets."""
    facts = [("what", f"{rows[0].name} ({rows[0].kind})")]
    for row in rows:
        if row.effect is None:
            facts.append(
                ("effect", f"on {row.target}: {row.direction}, size unknown, so it is shown and never simulated; evidence {row.grade}")
            )
        else:
            dose = f" at {row.reference_dose:g} {row.dose_unit}" if row.reference_dose else ""
            facts.append(
                ("effect", f"on {row.target}: times {row.effect:g}{dose} ({row.distribution}, spread {row.spread:g}); evidence {row.grade}")
            )
        facts += _cited(row)
    return Explanation(rows[0].id, "modifier", tuple(facts))


def _source(key: str) -> Explanation:
    from corrin.facts import reader

    row = reader.sources()[key]
    facts = [("citation", row.citation)]
    facts += [(label, text) for label, text in (("doi", row.doi), ("pmid", row.pmid), ("note", row.note)) if text]
    used = [name for name, parameter in reader.parameters().items() if key in parameter.sources]
    used += [name for name, product in reader.products().items() if key in product.sources]
    used += [name for name, analyte in reader.analytes().items() if key in analyte.sources]
    used += sorted({modifier.id for modifier in reader.modifiers() if key in modifier.sources})
    facts.append(("behind", ", ".join(used) if used else "no number of this version; kept for readers"))
    return Explanation(key, "source", tuple(facts))
