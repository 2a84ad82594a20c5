"""What is kept of a document while it is read, in plain records; and the account of what was read, used and left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from corrin.errors import InputError
from corrin.shells.fhir.codes import Coded
from corrin.shells.fhir.elements import Day

MAX_KEPT = 50_000
MAX_LISTED = 200
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record comes from: its place in the document, what kind of resource, whom it is about."""

    place: str
    kind: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A Patient."""

    origin: Origin
    ids: tuple[str, ...]
    birth: Day | None
    sex: str
    died: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A laboratory result. `rank`: 2 corrected, 1 final, 0 before. `fault`: why it cannot be used; `decides`: it moves the answer."""

    origin: Origin
    analyte: str
    value: float | None
    unit: str | None
    word: str | None
    comparator: str
    day: Day | None
    rank: int
    low: float | None
    high: float | None
    method: str | None
    fault: InputError | None = None
    decides: bool = False
    odd: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """An observation about the person: weight (kg), smoking, alcohol (drinks a day), pregnancy (yes, no)."""

    origin: Origin
    what: str
    value: float | str
    day: Day | None


@dataclass(frozen=True, slots=True)
class Illness:
    """A Condition: the modifiers and findings it stands for, and since when. `ended` without `to`: nobody wrote when.

    `severity`: how bad a finding is, `none` where it was looked for and not found; `seen`: when it was recorded.
    """

    origin: Origin
    name: str
    modifiers: tuple[str, ...]
    findings: tuple[str, ...]
    begin: Day | None
    begin_age: float | None
    to: Day | None
    ended: bool
    certainty: str | None
    assumed: str = ""
    once: bool = False
    severity: str | None = None
    seen: Day | None = None


@dataclass(frozen=True, slots=True)
class Operated:
    """A Procedure that is one of ours."""

    origin: Origin
    name: str
    day: Day | None
    assumed: str = ""


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine ordered, taken or given. `per_day`: intakes a day; `given`: a single administration."""

    origin: Origin
    medication: Coded
    refers_to: str | None
    strength: str
    route: Coded
    begin: Day | None
    to: Day | None
    ended: bool
    dose: float | None
    dose_unit: str
    per_day: float | None
    given: bool = False


@dataclass(frozen=True, slots=True)
class Allergy:
    """An AllergyIntolerance to cobalamin or cobalt."""

    origin: Origin
    name: str


@dataclass
class Tally:
    """The account while reading. Lists are bounded; the counts are of everything."""

    read: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    codes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    more_codes: int = 0
    left: list[InputError] = field(default_factory=list)
    left_count: int = 0
    assumed: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)
    merged: int = 0
    others: int = 0
    doubtful: int = 0

    def leave(self, place: str, found: str, expected: str = "", cure: str = "") -> None:
        """Note that something was left out, and why."""
        self.fault(InputError(place, found, expected, cure))

    def fault(self, fault: InputError) -> None:
        """Note a fault as left out."""
        self.left_count += 1
        if len(self.left) < MAX_LISTED:
            self.left.append(fault)

    def unknown(self, code: Coded) -> None:
        """Count a code that has no part in a case."""
        source, value, display = code.codes[0] if code.codes else ("no code", code.text[:60] or "no text", "")
        key = (source, value, "")
        if key in self.codes or len(self.codes) < 2000:
            self.codes[key] += 1
            # The first display in the alphabet, so that the order of the document does not show.
            self.displays[source, value] = min(self.displays.get((source, value), display) or display, display) or ""
        else:
            self.more_codes += 1

    displays: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What was read of a FHIR document, used, and left out and why. Lists hold at most 200; the counts are complete.

    `read` and `used` count resources by type (used: of this patient, with a part in the case). `unknown_codes`: (terminology, code,
    display, how often). `left_out`: resources that could have had a part. `assumed` and `odd`: sentences.
    """

    as_of: str
    as_of_from: str
    read: Mapping[str, int]
    used: Mapping[str, int]
    unknown_codes: tuple[tuple[str, str, str, int], ...]
    unknown_count: int
    left_out: tuple[InputError, ...]
    left_out_count: int
    merged: int
    other_patients: int
    assumed: tuple[str, ...]
    odd: tuple[str, ...]

    def summary(self) -> str:
        """One line without any value of the patient's."""
        parts = [f"FHIR: {sum(self.read.values()):,} resources read, {sum(self.used.values()):,} used"]
        if self.left_out_count:
            parts.append(f"{self.left_out_count:,} left out")
        if self.odd or self.assumed:
            parts.append(f"{len(self.odd) + len(self.assumed)} remarks")
        return ", ".join(parts) + ". `corrin check-case` shows the account."

    def text(self) -> str:
        """The account for a reader."""
        lines = [
            f"Read from FHIR: {_counted(self.read) or 'nothing'}",
            f"Used: {_counted(self.used) or 'nothing'}",
            f"as of: {self.as_of} ({self.as_of_from})",
        ]
        if self.merged:
            lines.append(f"Written more than once and counted once: {self.merged:,}")
        if self.other_patients:
            lines.append(f"About somebody else, or not said about whom: {self.other_patients:,}")
        if self.unknown_count:
            kinds = len(self.unknown_codes)
            different = f"{kinds:,}{'' if kinds < MAX_LISTED else ' or more'} different"
            lines.append(f"Codes without a part in a case: {self.unknown_count:,} times, {different}")
            for source, code, display, count in self.unknown_codes[:SHOWN]:
                lines.append(f"  {count:5,} x {source} {code} {display}".rstrip())
            if kinds > SHOWN:
                lines.append(f"  and {kinds - SHOWN:,} more")
        for title, items in (("Odd", self.odd), ("Taken for granted", self.assumed)):
            lines += [f"{title}: {text}" for text in items[:SHOWN]]
            if len(items) > SHOWN:
                lines.append(f"{title}: {len(items) - SHOWN:,} more")
        lines += [f"Left out: {fault}" for fault in self.left_out[:SHOWN]]
        if self.left_out_count > SHOWN:
            lines.append(f"Left out: {self.left_out_count - SHOWN:,} more")
        return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def report(tally: Tally, as_of: str, as_of_from: str) -> Report:
    """The finished account."""
    codes = sorted(((source, code, tally.displays.get((source, code), ""), count) for (source, code, _), count in tally.codes.items()),
                   key=lambda row: (-row[3], row[0], row[1]))  # fmt: skip
    return Report(
        as_of, as_of_from, dict(sorted(tally.read.items())), dict(sorted(tally.used.items())), tuple(codes[:MAX_LISTED]),
        sum(tally.codes.values()) + tally.more_codes, tuple(tally.left), tally.left_count, tally.merged, tally.others,
        tuple(sorted(tally.assumed)), tuple(sorted(tally.odd)),
    )  # fmt: skip
