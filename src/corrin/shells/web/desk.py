"""What is held of the people asked about: in memory, under a name nobody can guess, for a while, and then no more. Nothing is written."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from corrin.case.case import Case
from corrin.errors import CorrinError, NotCovered
from corrin.shells.web.work import Engine, Full, Job, Progress

if TYPE_CHECKING:
    from corrin.answers.kept import Kept
    from corrin.case.plan import Plan

IDLE_SECONDS = 7200.0
ABANDONED_SECONDS = 150.0
"""Work for a page that has not asked after it for so long is stopped; a page that waits asks every few seconds, one a browser has put to
sleep once a minute."""
MOST_VISITS = 40
MOST_KEPT = 6
"""Drawn people take tens of megabytes a person; of older visits only the answers are held."""
YEARS = 2.0
PREVIEW_YEARS = 2.0
WAITS = (0.0, 1.0, 3.0, 6.0, 12.0)
Data = dict[str, Any]


@dataclass
class Visit:
    """One person asked about: the case, the answers found so far as plain data, the people drawn, and the plan the user has entered."""

    case: Case
    assess: Data
    account: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    touched: float = field(default_factory=time.monotonic)
    job: Job[None] | None = None
    kept: Kept | None = None
    answers: dict[str, Data] = field(default_factory=dict)
    refused: str = ""
    own: Plan | None = None
    own_form: dict[str, str] = field(default_factory=dict)
    own_answer: Data | None = None
    own_job: Job[None] | None = None

    abandoned: bool = False

    @property
    def pending(self) -> bool:
        """Whether something is still being computed."""
        return self.job is not None and not self.job.over


class NoVisit(Exception):
    """Nobody of that name is held (any more)."""


class Desk:
    """The visits, and the engine that answers for them."""

    def __init__(self, engine: Engine, draws: int, seed: int) -> None:
        self.engine, self.draws, self.seed = engine, draws, seed
        self.visits: dict[str, Visit] = {}
        self.lock = threading.Lock()

    def open(self, case: Case, account: str = "") -> Visit:
        """Answer at once what needs no engine, and put the rest in the queue. Raises `CorrinError`."""
        from corrin.answers.assess import assess

        visit = Visit(case, dict(assess(case).data), account)
        with self.lock:
            self._forget()
            self.visits[visit.id] = visit
        self.begin(visit)
        return visit

    def begin(self, visit: Visit) -> None:
        """Put what lies ahead of the person in the queue; where that cannot be, say why on the visit."""
        from corrin.case.check import refuse_uncovered

        visit.refused, visit.abandoned = "", False
        try:
            refuse_uncovered(visit.case)
            visit.job = self.engine.submit("ahead", lambda tell: self._ahead(visit, tell))
        except (NotCovered, Full) as error:
            visit.refused = str(error)

    def get(self, name: str) -> Visit:
        """The visit of that name. Raises `NoVisit`."""
        with self.lock:
            self._forget()
            visit = self.visits.get(name)
            if visit is None:
                raise NoVisit
            visit.touched = time.monotonic()
        if visit.abandoned and not visit.pending:
            self.begin(visit)  # somebody looks again
        return visit

    def close(self, name: str) -> None:
        """Forget a visit now."""
        with self.lock:
            visit = self.visits.pop(name, None)
        if visit is not None:
            for job in (visit.job, visit.own_job):
                if job is not None:
                    job.stop()

    def preview(self, visit: Visit, plan: Plan) -> Data:
        """A plan looked at quickly, in the people held. Raises `NoVisit` when they are held no more."""
        kept = visit.kept
        if kept is None:
            raise NoVisit
        return self.engine.glance(lambda: kept.preview(plan, PREVIEW_YEARS))

    def run_own(self, visit: Visit, plan: Plan) -> Job[None]:
        """The plan the user entered, in full. A run of an earlier one is stopped."""
        if visit.own_job is not None:
            visit.own_job.stop()
        visit.own, visit.own_answer = plan, None
        visit.own_job = self.engine.submit("own plan", lambda tell: self._own(visit, plan, tell))
        return visit.own_job

    def _own(self, visit: Visit, plan: Plan, tell: Progress) -> None:
        tell = self._watched(visit, tell)
        kept = self._people(visit, _part(tell, 0.0, 0.6))
        found = kept.forecast([plan], YEARS, _part(tell, 0.6, 1.0)).to_dict()
        if visit.own is plan:
            visit.own_answer = found

    def _people(self, visit: Visit, tell: Progress) -> Kept:
        from corrin.answers.kept import Kept

        if visit.kept is None:
            visit.kept = Kept.learn(visit.case, self.draws, self.seed, tell)
            with self.lock:
                holding = sorted((held for held in self.visits.values() if held.kept is not None), key=lambda held: held.touched)
                for old in holding[: max(len(holding) - MOST_KEPT, 0)]:
                    old.kept = None
        return visit.kept

    def _ahead(self, visit: Visit, tell: Progress) -> None:
        """Everything the page shows of the future, in the order in which it is read."""
        from corrin.answers.forecast import chosen_plans
        from corrin.answers.recover import guideline_plans

        tell = self._watched(visit, tell)
        kept = self._people(visit, _part(tell, 0.0, 0.55))
        visit.answers["forecast"] = kept.forecast([], YEARS, _part(tell, 0.55, 0.65), hold=True).to_dict()
        plans = chosen_plans(visit.case, list(guideline_plans(visit.case)), YEARS)
        visit.answers["recover"] = kept.recover(plans, _part(tell, 0.65, 0.75)).to_dict()
        visit.answers["delay"] = kept.delay(None, WAITS, _part(tell, 0.75, 0.85)).to_dict()
        visit.answers["compare"] = kept.compare([], YEARS, _part(tell, 0.85, 1.0)).to_dict()

    def _watched(self, visit: Visit, tell: Progress) -> Progress:
        """Progress that stops the work of a page nobody looks at any more, here and in the queue."""

        def told(what: str, share: float) -> None:
            now = time.monotonic()
            for held in list(self.visits.values()):
                if now - held.touched > ABANDONED_SECONDS:
                    for job in (held.job, held.own_job):
                        if job is not None and not job.over and not job.asked_to_stop:
                            held.abandoned = held.abandoned or job is held.job
                            job.stop()
            tell(what, share)

        return told

    def _forget(self) -> None:
        now = time.monotonic()
        for visit in sorted(self.visits.values(), key=lambda held: held.touched):
            if now - visit.touched > IDLE_SECONDS or len(self.visits) >= MOST_VISITS:
                del self.visits[visit.id]


def _part(tell: Progress, low: float, high: float) -> Progress:
    """Progress of a part as progress of the whole."""
    return lambda what, share: tell(what, low + (high - low) * min(share, 1.0))


def plan_of(form: Mapping[str, Any]) -> Plan:
    """The plan of the sliders. Raises `InputError` with the plan's own sentences."""
    from corrin.case.plan import read_plan

    def number(name: str, otherwise: float) -> float:
        try:
            return float(form.get(name) or otherwise)
        except (TypeError, ValueError):
            return otherwise

    product, dose = str(form.get("product", ""))[:100], number("dose_ug", 1000.0)
    every, count, gap = number("every_days", 1.0), int(number("loading_count", 0.0)), number("loading_every_days", 1.0)
    step = {"product": product, "dose_ug": dose}
    upkeep = {"name": "upkeep", "steps": [{**step, "every_days": every}]}
    loading = {"name": "loading", "steps": [{**step, "every_days": gap, "count": count}], "for_days": max(count * gap, 1.0)}
    document: Data = {
        "format": "corrin.plan/1", "name": "your-plan", "title": "Your plan", "phases": [loading, upkeep] if count > 0 else [upkeep],
        "adherence": min(max(number("adherence", 100.0) / 100.0, 0.0), 1.0), "start_day": number("start_weeks", 0.0) * 7.0,
    }  # fmt: skip
    stop = number("stop_months", 0.0)
    if stop > 0:
        document["stop_after"] = f"{stop:g}mo"
    return read_plan(document)


def said_of(job: Job[Any] | None, refused: str = "") -> str:
    """What to tell of work that did not end well; empty where nothing went wrong."""
    if refused:
        return refused
    if job is None or job.state not in ("failed", "cancelled"):
        return ""
    if isinstance(job.error, CorrinError):
        return str(job.error)
    return "It was stopped." if job.error is None else "It could not be computed. This is our fault, not yours."
