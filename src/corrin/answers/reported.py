"""What the case says, in the words of a report."""

from __future__ import annotations

import re

from corrin.case.case import Case
from corrin.case.known import find_analyte


def as_reported(case: Case, place: str) -> str:
    """What stands at a place of the case, in words: `labs[0]` -> `Serum B12 205 pg/mL`; what follows the bracket is kept."""
    found = re.match(r"(labs|findings)\[(\d+)\](.*)", place)
    if not found:
        return place
    number, more = int(found[2]), found[3]
    if found[1] == "labs":
        lab = case.labs[number]
        row = find_analyte(lab.analyte)
        value = lab.word or f"{'' if lab.comparator == '=' else lab.comparator + ' '}{lab.value:g} {lab.unit or ''}".rstrip()
        return f"{row.name if row else lab.analyte} {value}{more}"
    finding = case.findings[number]
    degree = f", {finding.severity}" if finding.severity else ""
    score = f", {finding.scale.name} {finding.scale.score:g}" if finding.scale else ""
    return f"{finding.what.replace('_', ' ')}{degree}{score}{more}"
