"""The answer beside what was believed before the results, and where the width of its intervals comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from corrin.answers.computed import Before, Computed, Course, Floats, ReadingInfo
from corrin.answers.record import Moved, Split, Spread
from corrin.answers.split import Shares, Terms, split, terms
from corrin.answers.summary import effective_sample_size, normalised, quantiles

MAIN = ("serum_b12", "holotranscobalamin", "mma", "homocysteine", "haemoglobin", "mcv", "function_foot", "function_dorsal", "score")
"""Readings whose interval is taken apart and whose move is listed."""


@dataclass(frozen=True)
class Beside:
    """What the bands of an answer are compared with, ready for every reading. `before` has its own draws, so its own weights."""

    computed: Computed
    weights: Floats
    effective: float
    scatter: Mapping[str, float]
    candidates: Terms

    @classmethod
    def of(cls, computed: Computed, weights: Floats, effective: float, scatter: Mapping[str, float]) -> Beside:
        """For an answer whose draws of weight 0 are already left out."""
        return cls(computed, weights, effective, scatter, terms(computed.unknowns, computed.made_of, {}, weights))

    @property
    def before(self) -> Before | None:
        """The same person with less known."""
        return self.computed.before

    def today(self, name: str) -> Spread | None:
        """A reading on day 0 before the results, as the state of the body."""
        course = next(iter(self.before.courses.values()), None) if self.before is not None else None
        if self.before is None or course is None or name not in course.values:
            return None
        return spread(np.asarray(course.values[name])[:, 0], normalised(self.before.weights))

    def course(self, plan: str) -> tuple[Course, Floats] | None:
        """Readings under a plan before the results, and the weights of their draws."""
        if self.before is None or plan not in self.before.courses:
            return None
        return self.before.courses[plan], normalised(self.before.weights)

    def split_today(self, name: str, values: Floats) -> Split | None:
        """Where the width of today's state comes from."""
        return self._split(name, values, self.candidates, 0.0)

    def split_ahead(self, plan: str, course: Course) -> dict[str, Split]:
        """Where the width at the horizon comes from, for the main readings."""
        more = self.computed.plan_unknowns.get(plan, {})
        candidates = self.candidates
        if more and candidates.columns.shape[1]:
            candidates = terms(self.computed.unknowns, self.computed.made_of, more, self.weights)
        found = {
            name: self._split(name, np.asarray(course.values[name])[:, -1], candidates, self.scatter.get(name, 0.0) ** 2)
            for name in MAIN
            if name in course.values
        }
        return {name: part for name, part in found.items() if part is not None}

    def _split(self, name: str, values: Floats, candidates: Terms, assay_variance: float) -> Split | None:
        if candidates.columns.shape[1] == 0:
            return None
        logarithmic = name in self.scatter and float(values.min()) > 0.0
        found = split(np.log(values) if logarithmic else values, candidates, self.effective, assay_variance)
        return None if found is None else _record(found)


def _record(found: Shares) -> Split:
    structure, parameters, people, history = found.shares
    return Split(structure=structure, parameters=parameters, people=people, history=history, assay=found.assay, explained=found.explained)


def spread(values: Floats, weights: Floats) -> Spread:
    """Five quantiles of values (draws,)."""
    p05, p25, p50, p75, p95 = quantiles(values[:, None], weights)[:, 0].tolist()
    return Spread(p05=p05, p25=p25, p50=p50, p75=p75, p95=p95)


def moved(name: str, info: ReadingInfo, plan: str, day: float, before: Spread, now: Spread, logarithmic: bool) -> Moved:
    """How far and how wide: on the logarithm for laboratory values. A width of nothing before makes both 0."""

    def scale(value: float) -> float:
        return math.log(max(value, 1e-9)) if logarithmic and before.p05 > 0.0 and now.p05 > 0.0 else value

    was, is_now = scale(before.p95) - scale(before.p05), scale(now.p95) - scale(now.p05)
    known = was > 0.0
    return Moved(
        reading=name, label=info.label, unit=info.unit, plan=plan, time_days=day, before=before, now=now,
        shift=(scale(now.p50) - scale(before.p50)) / was if known else 0.0, width=is_now / was if known else 0.0,
    )  # fmt: skip


def effective_of(computed: Computed, weights: Floats) -> float:
    """Independent draws: what the model says, never more than the weights allow."""
    by_weight = effective_sample_size(weights)
    return by_weight if computed.effective is None else min(computed.effective, by_weight)
