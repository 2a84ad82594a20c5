"""Statements of the table found in a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from corrin.answers.claim.reading import Sentence
from corrin.answers.claim.weigh import Weight, limited, weigh
from corrin.facts.claims import Claim, claims

GAP = r"(?P<gap{number}>(?:[\s,:;()\"'/-]+(?!\s)[^\s]{{1,30}}){{0,8}}?)[\s,:;()\"'/-]+"
# A statement that adds no new verdict where the narrower one is found.
COVERED = {
    "methylcobalamin-superior": ("methylcobalamin-better-absorbed",),
    "normal-b12-excludes": ("normal-b12-n2o",),
    "liver-stores": ("stores-years", "stores-fixed-years"),
    "folic-acid-alone-given": ("folic-acid-alone-safe",),
    "oral-not-passive": ("passive-one-percent",),
    "sublingual-better": ("sublingual-through-mouth",),
}


@dataclass(frozen=True, slots=True)
class Found:
    """A statement in a sentence and how it stands."""

    claim: Claim
    span: tuple[int, int]
    weight: Weight
    verdict: str
    """right, wrong, disputed, or empty: left alone."""


@cache
def _patterns() -> tuple[tuple[Claim, tuple[re.Pattern[str], ...], re.Pattern[str] | None], ...]:
    found = []
    for claim in claims().values():
        found.append((claim, tuple(_compiled(text) for text in claim.find), re.compile(claim.unless) if claim.unless else None))
    return tuple(found)


def _compiled(text: str) -> re.Pattern[str]:
    parts = re.split(r"\s*~\s*", text)
    whole = parts[0]
    for number, part in enumerate(parts[1:]):
        whole += GAP.format(number=number) + part
    return re.compile(rf"(?<![\w]){whole}(?![\w])")


def find_statements(sentence: Sentence, before: str, after: str, heading_myth: bool) -> list[Found]:
    """The statements of the table that a sentence makes."""
    plain = sentence.plain
    found: dict[str, Found] = {}
    for claim, patterns, unless in _patterns():
        if not any(word in plain for word in claim.about) or (unless is not None and unless.search(plain)):
            continue
        for pattern in patterns:
            match = pattern.search(plain)
            if match is None:
                continue
            gaps = "\0".join(value for value in match.groupdict().values() if value)
            weight = weigh(plain, match.span(), gaps, before=before, after=after, heading_myth=heading_myth)
            found[claim.id] = Found(claim, match.span(), weight, _verdict(claim, weight, plain, gaps, match.span()))
            if found[claim.id].verdict:
                break  # a pattern that holds the "if" of a sentence itself goes before one that only passes over it
    return [one for name, one in found.items() if not any(other in found for other in COVERED.get(name, ()))]


def _verdict(claim: Claim, weight: Weight, plain: str, gaps: str, span: tuple[int, int]) -> str:
    if weight.left:
        return ""
    verdict = claim.of(negated=weight.negated, hedged=weight.hedged)
    if weight.negated and verdict == "wrong" and limited(plain, gaps, span):
        return ""
    if weight.advice and not (claim.advice_is_wrong == "yes" and verdict == "wrong"):
        # Advice is never called right; a wrong statement in it stays wrong only where following it can harm or nothing is advised.
        return "" if verdict == "right" else verdict
    return verdict
