"""A person learned once and looked at under any plan: the whole answers from the same drawn people, and a quick preview of a plan.

For whoever asks more than one question of one person (the page). Learning takes seconds, taking the people on takes less, and a preview
of some of them on a coarser grid takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from corrin.answers.assemble import Options, assemble
from corrin.answers.compare_record import Compare
from corrin.answers.computed import Computed
from corrin.answers.delay import DelayAnswer, begun, horizon
from corrin.answers.delay import answered as delay_answered
from corrin.answers.forecast import DAYS_PER_YEAR, chosen_plans, intended, urgent_first
from corrin.answers.recognise import first_of_all
from corrin.answers.record import Forecast, WarningCode
from corrin.answers.recover import YEARS, RecoverAnswer
from corrin.answers.recover import answered as recover_answered
from corrin.answers.recover_run import Learnt
from corrin.answers.run import draw_people, run
from corrin.answers.summary import as_reported, band, normalised
from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.case.world import future, world
from corrin.settings import checked

if TYPE_CHECKING:
    from corrin.inference.update import People

Progress = Callable[[str, float], None]
LOOKED_AT = 96
"""Drawn people in a preview."""
PANEL = 16
MANY, UNREAD = 100, 4e-2
"""More doses than this are daily tablets: the days between are stepped over coarsely, as `inference.ahead` does."""


@dataclass
class Kept:
    """A person with the people drawn for them, weighed by their data."""

    case: Case
    people: People
    draws: int
    seed: int
    _ran: tuple[tuple[Any, ...], Computed] | None = None

    @staticmethod
    def learn(case: Case, draws: int, seed: int, progress: Progress | None = None) -> Kept:
        """Draw people like this one and weigh them by their data (seconds)."""
        draws, seed = checked("draws", draws), checked("seed", seed)
        return Kept(case, draw_people(case, draws, seed, progress or (lambda what, share: None)), draws, seed)

    def forecast(self, plans: Sequence[Any], years: float = YEARS, progress: Progress | None = None, hold: bool = False) -> Forecast:
        """As `corrin.forecast`, without the picture of the time before the results. `hold`: everybody's course stays in memory (hundreds
        of megabytes) until `compare` of the same plans has used it."""
        years = checked("years", years)
        chosen = chosen_plans(self.case, plans or None, years)
        computed = self._run(chosen, years, progress, hold)
        days = years * DAYS_PER_YEAR
        return assemble(urgent_first(self.case), [intended(plan, days) for plan in chosen], computed, Options(years, self.draws, self.seed))

    def compare(self, plans: Sequence[Any], years: float = YEARS, progress: Progress | None = None) -> Compare:
        """As `corrin.compare`, without prices; right after `forecast` of the same plans nothing of it is computed again."""
        from corrin.answers import compare as side_by_side
        from corrin.answers.keep import keep

        tell = progress or (lambda what, share: None)
        chosen = chosen_plans(self.case, plans or None, checked("years", years))
        forecast = self.forecast(chosen, years, lambda what, share: tell(what, 0.6 * share), hold=True)
        computed = self._run(chosen, years, None, hold=False)
        days = years * DAYS_PER_YEAR
        months = tuple(month for month in side_by_side.MONTHS if month * side_by_side.MONTH <= days + 1.0)
        # What the findings call for stands in `first` here.
        warnings = tuple(notice for notice in forecast.warnings if notice.code is not WarningCode.SAFETY)
        return Compare(
            forecast=forecast.model_copy(update={"question": "compare", "warnings": warnings}),
            first=first_of_all(self.case), months=months,
            differences=tuple(side_by_side.differences(computed, [plan.name for plan in chosen], months)),
            burdens=tuple(side_by_side.burden(plan, days, {}) for plan in chosen),
            side_effects=side_by_side.side_effects(self.case, chosen),
            keep=keep(self.case, self.people, self.seed, lambda what, share: tell(what, 0.6 + 0.4 * share)),
        )  # fmt: skip

    def recover(self, plans: Sequence[Plan], progress: Progress | None = None) -> RecoverAnswer:
        """As `corrin.recover`."""
        return recover_answered(self.case, plans, self.draws, self.seed, progress, self._learnt(YEARS))

    def delay(self, plan: Plan | str | None, waits: Sequence[float], progress: Progress | None = None) -> DelayAnswer:
        """As `corrin.delay`; `waits` in months, rising, 0 first."""
        plans = begun(self.case, plan, waits)
        return delay_answered(self.case, plans, waits, self.draws, self.seed, progress, self._learnt(horizon(waits) / 12.0))

    def preview(self, plan: Plan, years: float = 1.0) -> dict[str, Any]:
        """The plan as one of the plans of a `corrin.answer/1` (name, title, doses, readings), from some of the people: a preview.

        The numbers scatter more than those of a full run; a phase that a rule ends lasts its expected time for everybody.
        """
        from corrin.engine.simulate import TOLERANCE, find_grid, simulate
        from corrin.facts.reader import analytes
        from corrin.inference import population as people_of
        from corrin.inference.ahead import values_of
        from corrin.inference.realise import ahead

        kernel, few, history = people_of.the_kernel(), some(self.people, LOOKED_AT), world(self.case)
        timeline = future(self.case, plan, years)
        values = values_of(timeline, few.values, self.seed, few.count, 0)
        made = ahead(history, timeline, kernel, values, few.count, self.seed, np.arange(few.count))
        panel = np.unique(np.linspace(0, few.count - 1, min(PANEL, few.count)).astype(np.int64))
        unread = UNREAD if len(timeline.doses) > MANY else None
        grid = find_grid(kernel, few.state[panel], few.parameters[panel], made.schedule.only(panel), TOLERANCE, unread)
        course = simulate(kernel, few.state, few.parameters, made.schedule, grid)
        readings = course.readings.copy()
        if made.times[0] == 0.0:
            readings[:, 0, :] = few.run.readings[np.arange(few.count), few.history.row_of[0.0]]
        good = ~course.failed & np.isfinite(readings).all(axis=(1, 2))
        weights = normalised(np.where(good, few.weights, 0.0))[good]
        scatter = {row.reading: row.total_cv for row in analytes().values() if row.reading and row.total_cv}
        bands = {}
        for place, item in enumerate(kernel.model.system.readings):
            found, reported = readings[good][:, :, place], item.lab and item.name in scatter
            shown = as_reported(found, scatter[item.name], item.name, self.seed) if reported else found
            bands[item.name] = {
                "label": item.label,
                "unit": item.unit,
                "group": item.group,
                "kind": "lab" if reported else "state",
                "assumed": item.assumed,
                **band(np.asarray(made.times, dtype=np.float64), shown, weights),
            }
        told = intended(plan, years * DAYS_PER_YEAR)
        doses = [
            {"time_days": dose.time_days, "label": dose.label, "amount_ug": dose.amount_ug, "route": dose.route} for dose in told.doses
        ]
        return {"name": told.name, "title": told.title, "doses": doses, "readings": bands, "people": int(good.sum())}

    def _run(self, plans: Sequence[Plan], years: float, progress: Progress | None, hold: bool) -> Computed:
        """The plans run on, or the last run where it was of the same ones and held."""
        asked = (*plans, years)
        held, self._ran = self._ran, None
        made = held[1] if held is not None and held[0] == asked else None
        if made is None:
            made = run(self.case, plans, years, self.draws, self.seed, progress, beside=False, people=self.people)
        self._ran = (asked, made) if hold else None
        return made

    def _learnt(self, years: float) -> Learnt:
        from corrin.inference import population as people_of

        kernel, population = people_of.the_kernel(), people_of.population()
        failed = self.people.run.failed.copy()
        return Learnt(self.case, world(self.case), self.people, kernel, population, self.seed, years, failed, self.people.error)


def some(people: People, most: int) -> People:
    """At most so many of the people who could be computed, evenly spread; only what taking them on needs."""
    fit = np.flatnonzero(people.weights > 0.0)
    few = fit if len(fit) <= most else fit[np.unique(np.linspace(0, len(fit) - 1, most).astype(np.int64))]
    past, ran = people.history, people.run
    return replace(
        people,
        z={},
        parameters=people.parameters[few],
        values={name: value[few] for name, value in people.values.items()},
        state=people.state[few],
        weights=people.weights[few],
        history=replace(past, row_of={0.0: past.row_of[0.0][few]}, when=past.when[:, few], begin=past.begin[:, few]),
        run=replace(ran, end=ran.end[few], readings=ran.readings[few], accumulated=ran.accumulated[few], failed=ran.failed[few]),
    )
