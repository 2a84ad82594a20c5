"""Yes, no or unknown: whether a condition holds for what is known of a person, and which facts are missing where it stays open.

Strong three-valued logic (Kleene): one no settles `all`, one yes settles `any`, whatever else is unknown; a fact that is added can settle
what was open and never turns a settled answer round. A reported quantity is compared with a limit in the unit the limit is written in: with
the limit in mass when mass was reported, in amount when amount was, each as printed (180 ng/L is 180 ng/L); only where the document prints
the other kind alone is the report converted, exactly, through the molar mass of the table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from corrin.errors import InputError
from corrin.guides.facts import SPREADS, Facts, Report
from corrin.guides.schema import Condition, Definition
from corrin.guides.vocabulary import Fact, fact_named
from corrin.units import convert, convertible, parse


class Truth(StrEnum):
    """Whether something holds."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not known: a fact or a definition by name, its words, and the facts it stands for."""

    name: str
    words: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """How a condition came out. `missing`: what is open (only when unknown). `assumed`: what was taken for granted on the way."""

    truth: Truth
    missing: tuple[Missing, ...] = ()
    assumed: tuple[str, ...] = ()


Definitions = Mapping[str, Definition]
YES, NO = Finding(Truth.YES), Finding(Truth.NO)


def evaluate(condition: Condition | str | None, facts: Facts, definitions: Definitions) -> Finding:
    """Whether a condition (or the flag or definition of a name) holds; nothing asked always holds."""
    if condition is None:
        return YES
    if isinstance(condition, str):
        if condition in definitions:
            return _defined(condition, definitions[condition], facts, definitions)
        return _flag(condition, True, facts)
    if condition.fact is not None:
        return _asked(condition, condition.fact, facts)
    found = [evaluate(part, facts, definitions) for part in condition.parts]
    if condition.all is not None:
        return every(found)
    if condition.any is not None:
        return some(found)
    return opposite(some(found))


def every(found: list[Finding]) -> Finding:
    """All of them."""
    assumed = _joined(found)
    if any(item.truth is Truth.NO for item in found):
        return Finding(Truth.NO, (), assumed)
    missing = _missing(found)
    return Finding(Truth.UNKNOWN if any(item.truth is Truth.UNKNOWN for item in found) else Truth.YES, missing, assumed)


def some(found: list[Finding]) -> Finding:
    """At least one of them."""
    assumed = _joined(found)
    if any(item.truth is Truth.YES for item in found):
        return Finding(Truth.YES, (), assumed)
    missing = _missing(found)
    return Finding(Truth.UNKNOWN if any(item.truth is Truth.UNKNOWN for item in found) else Truth.NO, missing, assumed)


def opposite(found: Finding) -> Finding:
    """No for yes, yes for no."""
    turned = {Truth.YES: Truth.NO, Truth.NO: Truth.YES, Truth.UNKNOWN: Truth.UNKNOWN}[found.truth]
    return Finding(turned, found.missing, found.assumed)


def known(name: str, facts: Facts) -> Finding:
    """Yes when the fact is known at all; else unknown, never no."""
    return YES if name in facts else _open(name)


def _defined(name: str, definition: Definition, facts: Facts, definitions: Definitions) -> Finding:
    inner = evaluate(definition, facts, definitions)
    if inner.truth is not Truth.UNKNOWN:
        return inner
    leaves = tuple(dict.fromkeys(leaf for item in inner.missing for leaf in item.facts))
    if len(leaves) == 1:
        return inner
    return Finding(Truth.UNKNOWN, (Missing(name, definition.words, leaves),), inner.assumed)


def _joined(found: list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for item in found for text in item.assumed))


def _missing(found: list[Finding]) -> tuple[Missing, ...]:
    return tuple(dict.fromkeys(entry for item in found if item.truth is Truth.UNKNOWN for entry in item.missing))


def _open(name: str, more: str = "") -> Finding:
    return Finding(Truth.UNKNOWN, (Missing(name, fact_named(name).words + more, (name,)),))


def _flag(name: str, wanted: bool, facts: Facts) -> Finding:
    if name not in facts:
        return _open(name)
    return YES if facts[name] is wanted else NO


def _asked(condition: Condition, name: str, facts: Facts) -> Finding:
    """A condition on one fact."""
    if isinstance(condition.is_, bool):
        return _flag(name, condition.is_, facts)
    if name not in facts:
        return _open(name)
    value, fact = facts[name], fact_named(name)
    if not isinstance(value, tuple):
        return YES if value == condition.is_ else NO
    if condition.times > 1:
        return _repeated(condition, fact, value)
    # Only the newest day counts; two results of one day that disagree leave the question open.
    newest = max(report.day for report in value)
    today = [_reported(condition, fact, report) for report in value if report.day > newest - 0.5]
    truths = {found.truth for found in today}
    if len(truths) == 1:
        return Finding(today[0].truth, today[0].missing, _joined(today))
    return _open(name, ", which the reports of one day leave open")


def _repeated(condition: Condition, fact: Fact, reports: tuple[Report, ...]) -> Finding:
    found = [_reported(condition, fact, report) for report in reports]
    holds = sum(item.truth is Truth.YES for item in found)
    if holds >= condition.times:
        return Finding(Truth.YES, (), _joined(found))
    if len(reports) < condition.times or holds + sum(item.truth is Truth.UNKNOWN for item in found) >= condition.times:
        return _open(fact.name, f", {condition.times} results")
    return NO


def _reported(condition: Condition, fact: Fact, report: Report) -> Finding:
    return _standing(str(condition.is_), fact, report) if condition.is_ is not None else _limited(condition, fact, report)


def _limited(condition: Condition, fact: Fact, report: Report) -> Finding:
    """A report against limits in the unit they are written in."""
    if report.value is None:
        return _open(fact.name, " as a number")
    bounds = condition.bounds
    unit = written_unit(report.unit, tuple(next(iter(bounds.values()))), fact)
    low, high = _interval(report, unit, fact)
    outcomes = [_side(kind, limits[unit], low, high) for kind, limits in bounds.items()]
    if Truth.NO in outcomes:
        return NO
    return _open(fact.name, " more exactly") if Truth.UNKNOWN in outcomes else YES


def written_unit(reported: str, written: tuple[str, ...], fact: Fact) -> str:
    """Which of the units a limit is written in a report is compared in: the one of its own kind, else the first it converts to."""
    kind = parse(reported)[1]
    same = [unit for unit in written if parse(unit)[1] == kind]
    possible = same or [unit for unit in written if convertible(reported, unit)]
    if not possible:
        raise InputError(fact.name, f"a report in {reported}", f"a unit such as {' or '.join(written)}")
    return possible[0]


End = tuple[float, bool]


def _interval(report: Report, unit: str, fact: Fact) -> tuple[End, End]:
    """Lowest and highest value the report leaves open, in `unit`; each with whether it is itself possible."""
    assert report.value is not None
    value = in_unit(report.value, report.unit, unit, fact.molar_mass)
    wide = in_unit(report.value + SPREADS * report.spread, report.unit, unit, fact.molar_mass) - value if report.spread else 0.0
    if report.comparator in ("<", "<="):
        return (-math.inf, False), (value + wide, report.comparator == "<=")
    if report.comparator in (">", ">="):
        return (value - wide, report.comparator == ">="), (math.inf, False)
    return (value - wide, True), (value + wide, True)


def in_unit(value: float, unit: str, to: str, molar_mass: float | None) -> float:
    """A value in another unit, to twelve figures: a change of unit must not push a printed limit over itself by the last bit."""
    return float(f"{convert(value, unit, to, molar_mass):.12g}")


def _side(kind: str, limit: float, low: End, high: End) -> Truth:
    """Whether everything between `low` and `high` lies on one side of a limit."""
    if kind in ("above", "at_least"):
        turned = {"above": "at_most", "at_least": "below"}[kind]
        return {Truth.YES: Truth.NO, Truth.NO: Truth.YES, Truth.UNKNOWN: Truth.UNKNOWN}[_side(turned, limit, low, high)]
    inside = high[0] < limit or (high[0] == limit and (kind == "at_most" or not high[1]))
    outside = low[0] > limit or (low[0] == limit and (kind == "below" or not low[1]))
    return Truth.YES if inside else Truth.NO if outside else Truth.UNKNOWN


def _standing(wanted: str, fact: Fact, report: Report) -> Finding:
    """A report against its reference interval: its own, else the adult one of the table, which is then said."""
    if report.word is not None and report.value is None:
        return YES if wanted == ("low" if report.word == "undetectable" else report.word) else NO
    assert report.value is not None
    unit, limits, assumed = report.unit, (report.reference_low, report.reference_high), ()
    if limits == (None, None):
        if fact.reference_low is None and fact.reference_high is None:
            return _open(fact.name, " with its reference interval")
        unit, limits = fact.unit, (fact.reference_low, fact.reference_high)
        shown = " to ".join(f"{limit:g}" for limit in limits if limit is not None)
        assumed = (f"{fact.words}: the report brings no reference interval, {shown} {unit} is taken",)  # type: ignore[assignment]
    low, high = _interval(report, unit, fact)
    under = Truth.NO if limits[0] is None else _side("below", limits[0], low, high)
    over = Truth.NO if limits[1] is None else _side("above", limits[1], low, high)
    truth = {"low": under, "raised": over, "normal": opposite(some([Finding(under), Finding(over)])).truth}[wanted]
    if truth is Truth.UNKNOWN:
        return Finding(truth, (Missing(fact.name, f"{fact.words} more exactly", (fact.name,)),), assumed)
    return Finding(truth, (), assumed)
