"""Advice on a dose to the reader: never judged right; what guides and labels say is put beside it."""

from __future__ import annotations

import re
from typing import Any

from corrin.answers.claim.weigh import ADVICE, denials
from corrin.facts.claims import advice_rows

DOSE = re.compile(
    r"(?<!\d)\d{1,7}(?:\.\d{1,6})?(?:\s*(?:-|to)\s*\d{1,7}(?:\.\d{1,6})?)?\s*(?:ug|mg|iu)\b(?!\s*/\s*d?[lm])|\binject\w+|\bshots?\b|\bhydroxocobalamin\b"
)
ABOUT = re.compile(r"\b(?:b12|cyanocobalamin|methylcobalamin|hydroxocobalamin)\b|\bvegans?\b")
INJECTED = re.compile(r"\binject\w+|\bshots?\b|\bintramuscular\w*|\bhydroxocobalamin\b")
VEGAN = re.compile(r"\bvegans?\b|\bplant-based\b|\bvegetarians?\b")
INTAKE_ONLY = re.compile(r"\b(?:rda|recommended dietary allowance|reference intake|adequate intake|dietary reference)\b")


def find_advice(plain: str) -> dict[str, Any] | None:
    """What guides say where a sentence advises a dose of B12; None where it does not."""
    if plain.endswith("?") or denials(plain) or not ADVICE.search(plain) or not DOSE.search(plain) or not ABOUT.search(plain):
        return None
    if INTAKE_ONLY.search(plain) or re.search(r"\b(?:pg|ng|[pnu]mol)/m?l\b", plain):
        return None
    topic = "vegan" if VEGAN.search(plain) else "injection" if INJECTED.search(plain) else "oral"
    rows = [row for row in advice_rows() if row.topic in (topic, "any")]
    return {
        "says": "Not judged. " + " ".join(f"{row.issuer}: {row.says}" for row in rows),
        "sources": list(dict.fromkeys(key for row in rows for key in row.sources)),
        "at": "; ".join(dict.fromkeys(row.at for row in rows)),
        "seen": rows[0].seen,
    }
