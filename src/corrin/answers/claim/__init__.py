"""Is what I read true? (Q16) Statements and quantities of a text against tables: right, wrong, disputed or not known, each with its source.

Deterministic and from tables; no language model. What no table knows is left alone, and so is what is denied twice, asked or only reported.
Advice to a reader is never called right: what guides say is put beside it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

FORMAT = "corrin.claim/1"
MOST_FINDINGS = 500
MOST_KEPT = 100_000
"""Characters of a text that an answer keeps, so that it can be made again; a longer one is told by its hash alone."""
DISCLAIMER = (
    "For education and research; not a medical device and no prescription. A text without findings is not thereby true: only what the "
    "tables know is looked at, and doubtful sentences are left alone."
)


@dataclass(frozen=True)
class ClaimAnswer:
    """Plain data of the answer (`corrin.claim/1`), its text and its JSON."""

    data: Mapping[str, Any]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """The verdict of each finding in order: right, wrong, disputed, not known, advice."""
        return tuple(found["verdict"] for found in self.data["findings"])

    def text(self, width: int = 110) -> str:
        """The answer in words."""
        from corrin.show.claim_text import report

        return report(self.data, width)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the plain data."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The plain data as JSON."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) + "\n"


def claim(text: str | Path) -> ClaimAnswer:
    """What tables say about the statements and quantities of a sentence, a text or an HTML page (a `Path` is read as a file).

    Each finding holds the verdict, the sentence and its line, what was found, what holds, source and place. Raises `InputError` for an
    empty, binary or too large input (2 MB).
    """
    from corrin.answers.claim.advice import find_advice
    from corrin.answers.claim.quantities import find_quantities
    from corrin.answers.claim.reading import read_text, sentences
    from corrin.answers.claim.statements import find_statements
    from corrin.answers.claim.weigh import MYTH_BEFORE
    from corrin.answers.provenance import at_once
    from corrin.facts.reader import sources

    whole = read_text(text)
    said = list(sentences(whole))
    findings: list[dict[str, Any]] = []
    myths = False
    left = 0
    for number, sentence in enumerate(said):
        if sentence.heading:
            myths = MYTH_BEFORE.search(sentence.plain) is not None
        before = said[number - 1].plain if number else ""
        after = said[number + 1].plain if number + 1 < len(said) else ""
        place = {"sentence": sentence.text, "line": sentence.line, "number": number + 1}
        here: list[dict[str, Any]] = []
        for found in find_statements(sentence, before, after, myths and not sentence.heading):
            if found.verdict:
                row = found.claim
                here.append(_finding(place, found.verdict, row.what, row.says, row.sources, row.at, row.seen, denied=found.weight.negated))
            else:
                left += not found.weight.advice
        if not myths and not (MYTH_BEFORE.search(before) and not sentence.heading):
            for one in find_quantities(sentence.plain):
                here.append(_finding(place, one.verdict, one.said, one.says, one.sources, one.at, one.seen))
        advised = find_advice(sentence.plain)
        if advised is not None and not any(one["verdict"] == "wrong" for one in here):
            here = [one for one in here if one["verdict"] != "right"]
            here.append({**place, "verdict": "advice", "what": "advice to the reader", "denied": False, **advised})
        findings += here
    counts = Counter(found["verdict"] for found in findings)
    cut = max(0, len(findings) - MOST_FINDINGS)
    findings = findings[:MOST_FINDINGS]
    used = {key for found in findings for key in found["sources"]}
    return ClaimAnswer(
        {
            "format": FORMAT,
            "sentences": len(said),
            "counts": dict(sorted(counts.items())),
            "findings": findings,
            "left_alone": left,
            "cut": cut,
            "sources": {key: sources()[key].citation for key in sorted(used - {"corrin-assumed"})},
            "disclaimer": DISCLAIMER,
            **at_once({"text": whole if len(whole) <= MOST_KEPT else None, "sha256": sha256(whole.encode()).hexdigest()}),
        }
    )


def _finding(
    place: Mapping[str, Any], verdict: str, what: str, says: str, keys: tuple[str, ...], at: str, seen: str, *, denied: bool = False
) -> dict[str, Any]:
    return {**place, "verdict": verdict, "what": what, "denied": denied, "says": says, "sources": list(keys), "at": at, "seen": seen}


__all__ = ["ClaimAnswer", "claim"]
