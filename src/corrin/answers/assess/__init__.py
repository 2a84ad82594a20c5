"""Is it B12 deficiency, why, and what now? (Q1-Q3, Q13, Q14) One page, at once: a distilled table and guidelines, never the engine.

Red flags come first and no marker lowers them. It informs and prescribes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corrin.answers.examples import named
from corrin.answers.provenance import at_once
from corrin.case.case import Case
from corrin.errors import InputError, expect_all

FORMAT = "corrin.assess/1"
ADULT_Y = 16.0
SPECTRA = ("community", "clinic")
DISCLAIMER = "For education and research; not a medical device, no diagnosis and no prescription."


@dataclass(frozen=True)
class AssessAnswer:
    """Plain data of the answer (`corrin.assess/1`), its text and its JSON."""

    data: Mapping[str, Any]

    def text(self, width: int = 110) -> str:
        """The answer in words: one page."""
        from corrin.show.assess_text import report

        return report(self.data, width)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the plain data."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The plain data as JSON."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) + "\n"


def assess(case: Case | str | Path | Mapping[str, Any], guides: Sequence[str] | str = (), *, spectrum: str | None = None) -> AssessAnswer:
    """The laboratory values of a case read together, the causes, and what guidelines say next.

    `case` is a `Case`, a file, a text, a dict or the id of an example. `guides`: ids of guideline profiles, or `all`; without any, that of
    the person's country. `spectrum`: whom the person is taken to be one of, `community` (nobody had reason to test) or `clinic` (somebody
    had); without it clinic where there are findings or results. Under 16 only reference intakes and intervals are given.

    Raises `InputError` for a guide or a spectrum nobody knows.
    """
    if spectrum not in (None, *SPECTRA):
        raise InputError("--spectrum", ascii(spectrum)[:40], " or ".join(SPECTRA))
    expect_all(guides, str, "--guide", "ids of guideline profiles, or all")
    case, guides = named(case, any_age=True), (guides,) if isinstance(guides, str) else guides
    made = at_once({"case": case.to_dict()}, {"guides": list(guides), "spectrum": spectrum})
    if case.age_y < ADULT_Y:
        from corrin.answers.assess.child import for_child
        from corrin.answers.assess.parts import head

        return AssessAnswer({**head(case, FORMAT), "child": for_child(case), "disclaimer": DISCLAIMER, **made})
    from corrin.answers.assess.parts import adult

    return AssessAnswer({**adult(case, tuple(guides), spectrum, FORMAT), "disclaimer": DISCLAIMER, **made})


__all__ = ["AssessAnswer", "assess"]
