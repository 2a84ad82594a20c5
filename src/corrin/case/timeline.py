"""Plain data about what happens to a person when: exposures that change, doses, decisions, what was observed.

Times are days, day 0 is `as_of`. A time or a value is a number or the name of a latent (see `latent.py`). Amounts are nmol.

Reading a timeline: an exposure keeps its value until its next change. Changes that carry a `modifier` belong to that modifier alone: at any
time the exposure is the product over modifiers of each one's latest value (1 before its first change).
"""

from __future__ import annotations

from dataclasses import dataclass

from corrin.case.latent import Latent
from corrin.case.plan import Until

# Doses on labels are ug of the compound; cyanocobalamin's molar mass serves all forms, as in pg/mL = 0.738 pmol/L for serum.
MOLAR_MASS_G_MOL = 1355.37


@dataclass(frozen=True, slots=True)
class Change:
    """From `time` on, `target` has `value`; with `modifier`, that modifier's factor of it."""

    time: float | str
    target: str
    value: float | str
    modifier: str = ""


@dataclass(frozen=True, slots=True)
class DoseEvent:
    """One dose: `kind` is oral, injected, intravenous or nasal; `form_class` C or O; `adherence` the chance that it is taken.

    `phase` is the number of the plan's phase the dose belongs to, -1 for what happened before.
    """

    time_days: float
    kind: str
    form_class: str
    amount_nmol: float
    adherence: float | str = 1.0
    product: str = ""
    phase: int = -1


@dataclass(frozen=True, slots=True)
class Decision:
    """A phase that ends for each person when a rule is met at a visit, between `start_days` and `start_days + until.max_days`.

    The timeline's doses assume the phase lasts `until.expected_days`; an engine that runs the rule shifts later phases person by person.
    """

    phase: int
    start_days: float
    until: Until


@dataclass(frozen=True, slots=True)
class Timeline:
    """Changes and doses in order of time as far as it is known, and the latents they name (parents first)."""

    start_days: float
    end_days: float
    changes: tuple[Change, ...]
    doses: tuple[DoseEvent, ...]
    latents: tuple[Latent, ...] = ()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen on a day, in the unit of the body's reading.

    `kind`: `lab` (value with `comparator` and `log_sd`, a standard deviation of the logarithm), `present` (1 seen, 0 looked for and not
    found, against a probability), `graded` (value and `sd` in the unit of the reading), `unmentioned` (nobody wrote it
    down, so it hardly lay beyond `value`; `sd` is the softness).
    """

    time_days: float
    reading: str
    value: float
    comparator: str = "="
    log_sd: float = 0.0
    label: str = ""
    kind: str = "lab"
    sd: float = 0.0
    hours_since_dose: float | None = None


class Builder:
    """Collects latents, changes and doses while a history is written down; latents keep their order, each name once."""

    def __init__(self) -> None:
        self.latents: dict[str, Latent] = {}
        self.changes: list[Change] = []
        self.doses: list[DoseEvent] = []
        self.notes: list[str] = []
        self.earliest = 0.0

    def add(self, latent: Latent) -> str:
        """Keep a latent and give back its name. The same name twice must mean the same latent."""
        if self.latents.setdefault(latent.name, latent) != latent:
            raise ValueError(f"two latents are called {latent.name}")
        return latent.name

    def change(self, time: float | str, target: str, value: float | str, modifier: str = "") -> None:
        """Write one change."""
        self.changes.append(Change(time, target, value, modifier))

    def total(self, name: str, *parts: float | str) -> float | str:
        """The sum of numbers and latents: a number when all are, else a latent called `name`."""
        numbers = sum(part for part in parts if not isinstance(part, str))
        names = [part for part in parts if isinstance(part, str)]
        if not names:
            return numbers
        if len(names) == 1 and numbers == 0.0:
            return names[0]
        return self.add(Latent(name, "sum", (*names, numbers) if numbers else tuple(names)))

    def times(self, name: str, *parts: float | str) -> float | str:
        """The product of numbers and latents: a number when all are, else a latent called `name`."""
        number = 1.0
        for part in parts:
            number *= 1.0 if isinstance(part, str) else part
        names = [part for part in parts if isinstance(part, str)]
        if not names or number == 0.0:
            return number
        if len(names) == 1 and number == 1.0:
            return names[0]
        return self.add(Latent(name, "product", (*names, number) if number != 1.0 else tuple(names)))

    def timeline(
        self, start_days: float, end_days: float, known: tuple[Latent, ...] = (), decisions: tuple[Decision, ...] = ()
    ) -> Timeline:
        """Everything collected; `known` latents are left out because they came with an earlier timeline."""
        have = {latent.name for latent in known}
        changes = sorted(self.changes, key=lambda change: change.time if not isinstance(change.time, str) else start_days)
        return Timeline(
            start_days, end_days, tuple(changes), tuple(sorted(self.doses, key=lambda dose: dose.time_days)),
            tuple(latent for latent in self.latents.values() if latent.name not in have), decisions,
        )  # fmt: skip
