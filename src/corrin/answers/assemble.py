"""From arrays over draws to a `Forecast`: bands, milestones, warnings, what was used and how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.beside import MAIN, Beside, effective_of, moved, spread
from corrin.answers.computed import Computed, Course, Floats, ReadingInfo
from corrin.answers.learned import learned
from corrin.answers.provenance import input_hash as input_hash
from corrin.answers.provenance import machine as machine
from corrin.answers.record import (
    Band,
    Cause,
    Fixed,
    Forecast,
    Given,
    Lab,
    Made,
    Milestone,
    Moved,
    Notice,
    PlanResult,
    Quantity,
    Spread,
    Threshold,
    Used,
    WarningCode,
)
from corrin.answers.summary import (
    as_reported,
    band,
    normalised,
    not_expected,
    quantiles,
    standard_error_of_median,
    turning_points,
)
from corrin.errors import Bug

ENOUGH_DRAWS = 100
"""Fewer effective draws than this and the 5 % and 95 % ends rest on a handful of them: the answer says so."""
ACCURATE = 1e-3
"""The largest relative error of a reading that passes without a warning (the numerical contract)."""
RISING = ("mma", "homocysteine")
"""What a lack of B12 raises: a lower limit says nothing there."""
DEPENDENCIES = ("corrin", "numpy", "numba", "scipy", "pydantic")


@dataclass(frozen=True)
class Subject:
    """The person as far as the answer shows them."""

    case_id: str
    as_of: str
    observed: tuple[Lab, ...] = ()
    case: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    """What reading the case found worth saying."""
    question: str = "forecast"
    added: tuple[str, ...] = ()
    """The results and findings just added, as reported."""
    earlier: Mapping[str, Any] = field(default_factory=dict)
    """Further inputs: what was asked before they were added."""


@dataclass(frozen=True)
class Intended:
    """A plan as far as the answer shows it."""

    name: str
    title: str
    description: str
    doses: tuple[Given, ...] = ()
    notes: tuple[str, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[int, str] = field(default_factory=dict)
    """Number of a phase that a rule ends -> how the sentence about it begins."""


@dataclass(frozen=True)
class Options:
    """What was asked."""

    years: float
    draws: int
    seed: int


def assemble(subject: Subject, plans: Sequence[Intended], computed: Computed, options: Options) -> Forecast:
    """The whole answer. Raises `Bug` when the arrays do not fit together."""
    _check_shapes(computed, [plan.name for plan in plans])
    computed = _counted(computed)
    weights = normalised(np.asarray(computed.weights, dtype=np.float64))
    scatter = _laboratory_scatter(computed.readings)
    beside = Beside.of(computed, weights, effective_of(computed, weights), scatter)
    inputs = {"case": dict(subject.case), "plans": [dict(plan.plan) for plan in plans], **subject.earlier}
    results, signs = [], 0.0
    for plan in plans:
        course = computed.futures[plan.name]
        plan = replace(
            plan, notes=(*plan.notes, *_rule_notes(plan, computed.ended.get(plan.name, {}), weights, float(course.time_days[-1])))
        )
        result, signs = _plan_result(plan, course, beside, options.seed)
        results.append(result)
    notices = [*_notices(computed, weights, signs), *subject.notices]
    today = _today(beside)
    return Forecast(
        case_id=subject.case_id,
        as_of=subject.as_of,
        question=subject.question,
        warnings=tuple(notices),
        today=today,
        past=_bands(computed.past, computed.readings, weights, scatter, options.seed),
        observed=subject.observed,
        thresholds=_thresholds(computed.readings),
        plans=tuple(results),
        causes=tuple(
            Cause(name=name, label=label, probability=probability)
            for name, (label, probability) in sorted(computed.causes.items(), key=lambda item: (-item[1][1], item[0]))
        ),
        before=computed.before.what if computed.before is not None else "",
        added=subject.added,
        moved=tuple(_moved(beside, today, results)),
        learned=learned(computed.unknowns, weights, beside.effective, computed.before.effective) if computed.before is not None else (),
        used=_used(computed),
        made=Made(
            versions=versions(),
            hashes=dict(sorted(computed.hashes.items())),
            seed=options.seed,
            draws=options.draws,
            effective_sample_size=beside.effective,
            options={"years": options.years},
            input_hash=input_hash(inputs),
            platform=machine(),
            failed_people=computed.failed_people,
            monte_carlo_error=_monte_carlo_error(computed, weights),
            certificate=computed.certificate,
            calibration=computed.calibration,
        ),
        inputs=inputs,
    )


def _check_shapes(computed: Computed, plans: Sequence[str]) -> None:
    draws = len(computed.weights)
    missing = [name for name in plans if name not in computed.futures]
    if missing:
        raise Bug(f"the engine returned no course for {', '.join(missing)}.")
    courses = {"the past": (computed.past, computed.weights), **{name: (computed.futures[name], computed.weights) for name in plans}}
    if computed.before is not None:
        courses |= {f"{name} before the results": (course, computed.before.weights) for name, course in computed.before.courses.items()}
    for name, unknown in computed.unknowns.items():
        if np.shape(unknown.z) != (draws,) or np.shape(unknown.value) != (draws,):
            raise Bug(f"the unknown {name} has shape {np.shape(unknown.z)}, expected {(draws,)}.")
    for where, (course, weights) in courses.items():
        times, counted = np.asarray(course.time_days), np.asarray(weights) > 0
        everyone = bool(counted.all())
        if times.ndim != 1 or not np.all(np.diff(times) > 0):
            raise Bug(f"times of {where} do not rise.")
        for name, values in course.values.items():
            if name not in computed.readings:
                raise Bug(f"the engine returned a reading {name!r} that has no label.")
            if np.shape(values) != (len(weights), len(times)):
                raise Bug(f"{name} of {where} has shape {np.shape(values)}, expected {(len(weights), len(times))}.")
            if not np.isfinite(values if everyone else np.asarray(values)[counted]).all():
                raise Bug(f"{name} of {where} holds a number that is not finite; who could not be computed has weight 0.")


def _counted(computed: Computed) -> Computed:
    """Without the draws of weight 0."""
    keep = np.asarray(computed.weights) > 0
    before = computed.before
    if before is not None and not np.all(before.weights > 0):
        mine = before.weights > 0
        before = replace(
            before, weights=before.weights[mine], courses={name: _kept(course, mine) for name, course in before.courses.items()}
        )
    if np.all(keep):
        return replace(computed, before=before)

    def kept(course: Course) -> Course:
        return _kept(course, keep)

    return replace(
        computed,
        weights=np.asarray(computed.weights)[keep],
        past=kept(computed.past),
        futures={name: kept(course) for name, course in computed.futures.items()},
        ended={name: {phase: days[keep] for phase, days in phases.items()} for name, phases in computed.ended.items()},
        before=before,
        unknowns={name: replace(item, z=item.z[keep], value=item.value[keep]) for name, item in computed.unknowns.items()},
        made_of={name: values[keep] for name, values in computed.made_of.items()},
        plan_unknowns={plan: {name: values[keep] for name, values in held.items()} for plan, held in computed.plan_unknowns.items()},
    )


def _kept(course: Course, keep: NDArray[np.bool_]) -> Course:
    return Course(course.time_days, {name: np.asarray(values)[keep] for name, values in course.values.items()})


def _laboratory_scatter(readings: Mapping[str, ReadingInfo]) -> dict[str, float]:
    """log-SD of one report of a reading, from the analytes table."""
    from corrin.facts.reader import analytes

    scatter = {row.reading: row.total_cv for row in analytes().values() if row.reading and row.total_cv}
    return {name: scatter[name] for name, reading in readings.items() if reading.lab and name in scatter}


def _thresholds(readings: Mapping[str, ReadingInfo]) -> dict[str, tuple[Threshold, ...]]:
    """The adult reference limits of the analytes table, where its unit is the reading's own."""
    from corrin.facts.reader import analytes

    found = {}
    for row in analytes().values():
        if row.reading in readings and row.unit == readings[row.reading].unit:
            limits = [
                Threshold(label=f"{side} reference limit", value=value)
                for side, value in (("lower", row.reference_low), ("upper", row.reference_high))
                if value and not (side == "lower" and row.reading in RISING)
            ]
            if limits:
                found[row.reading] = tuple(limits)
    return found


def _band(name: str, values: Floats, times: Floats, info: ReadingInfo, weights: Floats, scatter: Mapping[str, float], seed: int) -> Band:
    reported = name in scatter
    shown = as_reported(values, scatter[name], name, seed) if reported else values
    return Band(
        label=info.label,
        unit=info.unit,
        group=info.group,
        kind="lab" if reported else "state",
        assumed=info.assumed,
        **band(np.asarray(times, dtype=np.float64), shown, weights),
    )


def _bands(
    course: Course, readings: Mapping[str, ReadingInfo], weights: Floats, scatter: Mapping[str, float], seed: int
) -> dict[str, Band]:
    """The bands of a course, on all cores: nearly all the time goes into sorting draws."""
    from corrin.engine.simulate import pool

    def one(name: str) -> Band:
        return _band(name, np.asarray(course.values[name]), course.time_days, readings[name], weights, scatter, seed)

    names = [name for name in readings if name in course.values]
    return dict(zip(names, pool().map(one, names), strict=True))


def _today(beside: Beside) -> tuple[Quantity, ...]:
    """The state at time 0: the end of the past, without laboratory scatter."""
    made = []
    past = beside.computed.past.values
    for name, info in beside.computed.readings.items():
        if name in past:
            values = np.asarray(past[name])[:, -1]
            made.append(
                Quantity(
                    name=name, label=info.label, unit=info.unit, group=info.group, **spread(values, beside.weights).model_dump(),
                    before=beside.today(name), interval_from=beside.split_today(name, values) if name in MAIN else None,
                )
            )  # fmt: skip
    return tuple(made)


def _plan_result(plan: Intended, course: Course, beside: Beside, seed: int) -> tuple[PlanResult, float]:
    readings, weights, scatter = beside.computed.readings, beside.weights, beside.scatter
    times = np.asarray(course.time_days, dtype=np.float64)
    points, signs = turning_points(times, np.asarray(course.values["score"]), weights) if "score" in course.values else ([], 0.0)
    tracts = {name: (readings[name].label, np.asarray(values)) for name, values in course.values.items() if name.startswith("function_")}
    before = beside.course(plan.name)
    result = PlanResult(
        name=plan.name,
        title=plan.title,
        description=plan.description,
        doses=plan.doses,
        readings=_bands(course, readings, weights, scatter, seed),
        milestones=tuple(
            Milestone(name=point.name, label=point.label, unit=point.unit, p05=point.p05, p50=point.p50, p95=point.p95, chance=point.chance)
            for point in points
        ),
        not_expected=tuple(not_expected(times, tracts, weights)),
        notes=plan.notes,
        before=Fixed(_bands(before[0], readings, before[1], scatter, seed) if before is not None else {}),
        interval_from=Fixed(beside.split_ahead(plan.name, course)),
    )
    return result, signs


def _moved(beside: Beside, today: Sequence[Quantity], results: Sequence[PlanResult]) -> list[Moved]:
    """What the results did to the main readings: today, then at the horizon of every plan that has both."""
    readings, found = beside.computed.readings, []
    for quantity in today:
        if quantity.name in MAIN and quantity.before is not None:
            now = Spread(**{key: getattr(quantity, key) for key in Spread.model_fields})
            info = readings[quantity.name]
            found.append(moved(quantity.name, info, "", 0.0, quantity.before, now, quantity.name in beside.scatter))
    for plan in results:
        for name in MAIN:
            if name in plan.before and name in plan.readings:
                was, now = (Spread(**{key: getattr(band, key)[-1] for key in Spread.model_fields})
                            for band in (plan.before[name], plan.readings[name]))  # fmt: skip
                day = plan.readings[name].time_days[-1]
                found.append(moved(name, readings[name], plan.name, day, was, now, name in beside.scatter))
    return found


def _rule_notes(plan: Intended, ended: Mapping[int, Floats], weights: Floats, horizon_days: float) -> list[str]:
    """When the phases that a rule ends came to their end."""
    from corrin.show.words import duration

    found = []
    for phase, days in sorted(ended.items()):
        at = quantiles(np.asarray(days)[:, None], weights, (0.05, 0.5, 0.95))[:, 0]
        if at[1] > horizon_days:
            continue
        low, middle, high = (duration(day) if day <= horizon_days else "later than shown" for day in at)
        when = f"about {middle} from today" + ("" if low == high else f" ({low} to {high})")
        found.append(f"{plan.rules.get(phase, 'A phase that a rule ends')}: ends person by person, {when}.")
    return found


def _notices(computed: Computed, weights: Floats, signs: float) -> list[Notice]:
    found = []
    if computed.contradiction:
        found.append(Notice(code=WarningCode.CONTRADICTION, text=computed.contradiction))
    effective = effective_of(computed, weights)
    if effective < ENOUGH_DRAWS and not any(code == WarningCode.FEW_DRAWS.value for code, _ in computed.notices):
        text = f"The intervals rest on only about {effective:.0f} effective draws and are rough; ask for more with --draws."
        found.append(Notice(code=WarningCode.FEW_DRAWS, text=text))
    if computed.failed_people:
        text = f"{computed.failed_people} drawn people could not be computed and were left out."
        found.append(Notice(code=WarningCode.FAILED_PEOPLE, text=text))
    if computed.certificate is not None and computed.certificate > ACCURATE:
        text = f"The numerical solution is certified only to {computed.certificate:.2g} of each reading (the aim is {ACCURATE:g})."
        found.append(Notice(code=WarningCode.INACCURATE, text=text))
    if "score" in computed.readings and 0.0 < signs < 0.5:
        text = f"A nerve sign today is not certain (probability {signs:.0%}); times and chances of recovery are about that part only."
        found.append(Notice(code=WarningCode.NO_SIGNS, text=text))
    elif "score" in computed.readings and signs == 0.0:
        text = "No nerve sign is expected today, so no nerve gain is promised."
        found.append(Notice(code=WarningCode.NO_SIGNS, text=text))
    found += [Notice(code=WarningCode(code), text=text) for code, text in computed.notices]
    return found


def _used(computed: Computed) -> Used:
    """Parameters, and the papers behind them and behind the modifiers that applied."""
    from corrin.facts.reader import modifiers, parameters, sources

    rows = parameters()
    table = sources()
    how = {name: rows[name].how for name in sorted(computed.parameters) if name in rows}
    keys = {key for name in how for key in rows[name].sources}
    keys.update(key for row in modifiers() if row.id in computed.modifiers for key in row.sources)
    return Used(
        parameters=how,
        sources={key: table[key].citation for key in sorted(keys) if key in table},
        studies=computed.studies,
    )


def _monte_carlo_error(computed: Computed, weights: Floats) -> float:
    """Largest standard error of a median at the horizon, as a share of that reading's 5-95 % width."""
    worst = 0.0
    for course in computed.futures.values():
        for values in course.values.values():
            last = np.asarray(values)[:, -1]
            low, high = quantiles(last, weights, (0.05, 0.95))[:, 0]
            if high > low:
                worst = max(worst, standard_error_of_median(last, weights, effective_of(computed, weights)) / float(high - low))
    return worst


def versions() -> dict[str, str]:
    """corrin and what it computes with."""
    found = {}
    for name in DEPENDENCIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
