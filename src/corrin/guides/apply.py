"""What the guidelines say of one person, clause by clause: yes, no, or unknown with what is missing.

`apply` runs one profile on plain facts (`person.py` makes them from a case). Nothing is drawn, estimated or assumed silently: an answer is
what the clause says of what is known. It informs and does not prescribe.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from corrin.guides.facts import Facts
from corrin.guides.logic import Finding, Missing, Truth, evaluate, every, known
from corrin.guides.reader import definitions_of, guide_ids, read_guide
from corrin.guides.schema import Clause, Kind, Outcome, Profile

Verdict = Literal["deficient", "indeterminate", "unlikely", "discordant"]
RED_FLAGS = "corrin-red-flags-2026"
SAFETY = "corrin-safety-2026"
URGENCIES = ("emergency", "same day", "within a week", "soon")


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """One clause and how it came out. `missing` names what would settle it (only when unknown), `assumed` what was taken for granted."""

    clause: Clause
    truth: Truth
    missing: tuple[Missing, ...]
    assumed: tuple[str, ...]

    @property
    def follows(self) -> tuple[Outcome, ...]:
        """What the clause advises, when it speaks; else nothing."""
        return self.clause.then if self.truth is Truth.YES else ()


@dataclass(frozen=True, slots=True)
class GuideResult:
    """One profile applied to one person. `in_force`: whether it was on the day of the case, None for an anonymous case."""

    profile: Profile
    covered: Finding
    clauses: tuple[ClauseResult, ...]
    in_force: bool | None

    def __getitem__(self, clause: str) -> ClauseResult:
        """The result of a clause by its id. Raises `KeyError`."""
        return {result.clause.id: result for result in self.clauses}[clause]

    @property
    def speaking(self) -> tuple[ClauseResult, ...]:
        """Clauses that hold, in the order of the document."""
        return tuple(result for result in self.clauses if result.truth is Truth.YES)

    @property
    def open(self) -> tuple[ClauseResult, ...]:
        """Clauses that stay open for want of a datum."""
        return tuple(result for result in self.clauses if result.truth is Truth.UNKNOWN)

    def of(self, *kinds: Kind) -> tuple[tuple[Clause, Outcome], ...]:
        """Outcomes of these kinds that follow, each with its clause."""
        return tuple((result.clause, outcome) for result in self.speaking for outcome in result.follows if outcome.kind in kinds)

    @property
    def unverified(self) -> tuple[ClauseResult, ...]:
        """Clauses that hold but were only recalled: they may be shown as such, never as the document's word."""
        return tuple(result for result in self.speaking if result.clause.standing == "not verified")

    @property
    def deciding(self) -> tuple[ClauseResult, ...]:
        """The clauses behind `verdict`: those of a test that settles what the first left open, else those of the first test.

        A clause that was only recalled decides nothing.
        """
        read = [result for result in self.speaking if result.clause.standing != "not verified"]
        for line in (2, 1):
            found = tuple(r for r in read if any(o.kind == "verdict" and o.line == line for o in r.follows))
            if found:
                return found
        return ()

    @property
    def verdict(self) -> Verdict | None:
        """The document's own word on deficiency; `discordant` when tests of one line disagree, None when no clause speaks."""
        line = max((o.line for r in self.deciding for o in r.follows if o.kind == "verdict"), default=1)
        words = {o.verdict for r in self.deciding for o in r.follows if o.kind == "verdict" and o.line == line}
        if len(words) > 1:
            return "discordant"
        return next(iter(words), None)

    @property
    def verdict_missing(self) -> tuple[Missing, ...]:
        """What the open verdict clauses wait for: any of it may change the verdict."""
        waiting = [r for r in self.open if any(o.kind == "verdict" for o in r.clause.then)]
        return tuple(dict.fromkeys(item for result in waiting for item in result.missing))

    @property
    def missing(self) -> tuple[tuple[Missing, int], ...]:
        """What is missing, and how many open clauses wait for it, most first."""
        count = Counter(item for result in self.open for item in dict.fromkeys(result.missing))
        return tuple(count.most_common())

    @property
    def assumed(self) -> tuple[str, ...]:
        """What was taken for granted anywhere in the profile."""
        return tuple(dict.fromkeys(text for result in self.clauses for text in result.assumed))


@dataclass(frozen=True, slots=True)
class Row:
    """One profile in a comparison: its verdict, the clauses behind it, and what would have to be known."""

    guide: str
    verdict: Verdict | None
    because: tuple[str, ...]
    waits_for: tuple[str, ...]
    result: GuideResult


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same person under several profiles. `differ`: whether two of them that reach a verdict reach different ones."""

    rows: tuple[Row, ...]

    @property
    def differ(self) -> bool:
        return len({row.verdict for row in self.rows if row.verdict is not None}) > 1


def profiles(kind: str | None = None, on: datetime.date | None = None) -> Mapping[str, Profile]:
    """All profiles by id; with `kind` those of one kind, with `on` those in force on that day."""
    found = {name: read_guide(name) for name in guide_ids()}
    return {
        name: profile for name, profile in found.items() if (kind is None or profile.kind == kind) and (on is None or profile.in_force(on))
    }


def apply(profile: Profile | str, facts: Facts) -> GuideResult:
    """Every clause of a profile on what is known of a person. A profile may be given by its id. Raises `InputError` for an unknown id."""
    guide = read_guide(profile) if isinstance(profile, str) else profile
    definitions = definitions_of(guide)
    covered = evaluate(guide.covers, facts, definitions)
    results = []
    for clause in guide.clause:
        asked = every([covered, evaluate(clause.applies, facts, definitions), evaluate(clause.when, facts, definitions)])
        if asked.truth is not Truth.NO:
            asked = every([asked, *(known(name, facts) for name in clause.needs)])
        ours = (clause.ours,) if clause.ours is not None and asked.truth is Truth.YES else ()
        results.append(ClauseResult(clause, asked.truth, asked.missing, (*asked.assumed, *ours)))
    in_force = None if facts.as_of is None else guide.in_force(facts.as_of)
    return GuideResult(guide, covered, tuple(results), in_force)


def red_flags(facts: Facts) -> tuple[ClauseResult, ...]:
    """Red flags that are up, the most urgent first. No marker takes part in them, so none can lower one."""
    raised = apply(RED_FLAGS, facts).speaking
    return tuple(sorted(raised, key=lambda result: URGENCIES.index(_urgency(result))))


def urgency(facts: Facts) -> str | None:
    """The highest urgency of the red flags that are up; None when none is."""
    raised = red_flags(facts)
    return _urgency(raised[0]) if raised else None


def safety(facts: Facts) -> GuideResult:
    """The safety rules: those that hold (`speaking`), and those that nobody can exclude yet (`open`)."""
    return apply(SAFETY, facts)


def side_by_side(facts: Facts, guides: Iterable[str] | None = None, on: datetime.date | None = None) -> Comparison:
    """The same person under several guidelines: those named, else all that give a verdict (in force on `on`, when a day is given)."""
    chosen = list(guides) if guides is not None else [name for name, profile in profiles(on=on).items() if _judges(profile)]
    rows = []
    for name in chosen:
        result = apply(name, facts)
        because = tuple(found.clause.id for found in result.deciding)
        rows.append(Row(name, result.verdict, because, tuple(item.words for item in result.verdict_missing), result))
    return Comparison(tuple(rows))


def _judges(profile: Profile) -> bool:
    return any(outcome.kind == "verdict" for clause in profile.clause for outcome in clause.then)


def _urgency(result: ClauseResult) -> str:
    named = [outcome.urgency for outcome in result.clause.then if outcome.urgency is not None]
    return min(named, key=URGENCIES.index) if named else URGENCIES[-1]
