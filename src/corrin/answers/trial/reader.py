"""Reading designs of trials: limits and shape as for a case, then what must agree with the tables; every fault with its place, all at once.

Whatever comes in, what comes out is a `Trial` or a `CorrinError`, never a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from corrin.answers.trial.document import FORMAT, TO_EVENT, YES_NO, EndPoint, Stratum, Trial, TrialArm
from corrin.case import known
from corrin.case.plan import Plan, read_plan
from corrin.case.reader import raise_all, read_document, shape, shown
from corrin.errors import InputError
from corrin.studies.reader import OTHER_READINGS, SIGNS, analyte_of, study_faults
from corrin.studies.reader import readings as lab_readings
from corrin.studies.schema import Arm, EntryRule, Outcome, Study

PLACEBO = "placebo"
TRACTS = ("foot", "hand", "motor", "dorsal", "lateral", "optic", "cognition")
FUNCTIONS = tuple(f"function_{tract}" for tract in TRACTS)
SYMPTOMS = tuple(name for name in SIGNS if name.startswith("symptom_"))
MOST_DOSES = 20_000


def readings() -> tuple[str, ...]:
    """Readings an end point may be about."""
    return (*lab_readings(), *FUNCTIONS)


def unit_of(reading: str) -> str:
    """A reading's own unit."""
    row = analyte_of(reading)
    if row is not None:
        return str(row.unit)
    return "%" if reading in FUNCTIONS else OTHER_READINGS[reading]


def in_unit(value: float, unit: str | None, reading: str) -> float:
    """A value of an end point in the reading's own unit."""
    from corrin.studies.reader import in_reading_unit

    return value if unit is None or unit == unit_of(reading) else in_reading_unit(value, unit, reading)


def read_trial(source: str | Path | Mapping[str, Any]) -> Trial:
    """A `corrin.trial-design/1` from a file (TOML or JSON), a text of either, a dict, or the name of a design that comes with corrin.

    Raises `InputError` with every fault: file, place, what was found, what was expected, the likely cure.
    """
    if isinstance(source, str) and source in packaged():
        return packaged()[source]
    if isinstance(source, str) and re.fullmatch(r"[\w-]{1,64}", source, re.ASCII) and not Path(source).exists():
        near = known.near(source.lower(), {name: name for name in packaged()})
        cure = f"Did you mean {' or '.join(near)}?" if near else f"Designs that come with corrin: {', '.join(packaged())}."
        raise InputError("design", f"{source} is neither a design that comes with corrin nor a file", "", cure)
    where, document = read_document(source, "trial-design")
    if document.get("question") == "trial" and isinstance(document.get("design"), dict):
        document = document["design"]  # an answer reads back as its design
    trial = shape(document, Trial, where, FORMAT)
    raise_all(where, list(trial_faults(trial)))
    return trial


@lru_cache(maxsize=1)
def packaged() -> Mapping[str, Trial]:
    """The designs that come with corrin, by name."""
    found = {}
    for item in sorted(files("corrin").joinpath("trials").iterdir(), key=lambda item: item.name):
        if item.name.endswith(".toml") and not item.name.startswith("question-"):
            document = read_document(item.read_text(encoding="utf-8"), "trial-design")[1]
            trial = shape(document, Trial, item.name, FORMAT)
            raise_all(item.name, list(trial_faults(trial)))
            found[trial.name] = trial
    return MappingProxyType(found)


def plan_of(arm: TrialArm) -> Plan:
    """What an arm is given. Raises `InputError`."""
    if isinstance(arm.plan, str):
        found = read_plan("none" if arm.plan == PLACEBO else arm.plan)
    else:
        name = re.sub(r"[^A-Za-z0-9._-]", "-", arm.name)
        found = read_plan({"format": "corrin.plan/1", "name": name, **arm.plan})
    return found if arm.adherence is None else found.model_copy(update={"adherence": arm.adherence})


def as_study(trial: Trial) -> Study:
    """Who enters, in the words of a study: one arm without treatment."""
    rules = tuple(EntryRule(reading=rule.reading, unit=rule.unit, low=rule.low, high=rule.high) for rule in trial.entry)
    baseline = tuple(
        Outcome(
            label=item.reading, reading=item.reading, unit=item.unit, statistic=item.statistic, time_d=(0.0,), value=(item.value,),
            spread="none" if item.sd is None else "sd", sd=() if item.sd is None else (item.sd,),
        )
        for item in trial.baseline
    )  # fmt: skip
    return Study(
        format="corrin.study/1", key=trial.name.replace("-", "_"), citation=trial.source or "", seen="assumed", design="", role="check",
        population=trial.people, entry=rules, baseline=baseline, arm=(Arm(name="all"),),
    )  # fmt: skip


def trial_faults(trial: Trial) -> Iterator[InputError]:
    """Every reason why a trial of the right shape cannot be run, each with its place in the document."""
    for fault in study_faults(as_study(trial)):
        yield InputError(_place(fault.where), fault.found, fault.expected, fault.cure)
    yield from _twice("arm", [arm.name for arm in trial.arm])
    yield from _twice("end_point", [one.name for one in trial.end_point])
    for reading in {item.reading for item in trial.baseline} & {rule.reading for rule in trial.entry}:
        yield InputError("baseline", f"{reading} has a rule of entry too", "one of them: people with a reported day 0 met the rule")
    if sum(arm.control for arm in trial.arm) > 1:
        yield InputError("arm", "two arms are the control", "one", "Leave `control` out of the others.")
    if list(trial.visits_d) != sorted(set(trial.visits_d)):
        yield InputError("visits_d", "not in order, or twice the same", "days in order, each once")
    if sum(one.primary for one in trial.end_point) > 1:
        yield InputError("end_point", "two are primary", "one; the rest are read beside it")
    for number, arm in enumerate(trial.arm):
        yield from _arm(arm, f"arm[{number}].plan ({arm.name})", trial.visits_d[-1])
        if trial.n * arm.share / sum(one.share for one in trial.arm) < 2.0:
            yield InputError(f"arm[{number}].share ({arm.name})", f"fewer than 2 of the {trial.n}", "2 people or more", "Raise n or share.")
    for number, stratum in enumerate(trial.randomisation.strata):
        yield from _stratum(stratum, f"randomisation.strata[{number}]")
    for reading in trial.noise:
        if reading not in readings():
            yield _unknown(f"noise.{reading}", reading)
    for number, one in enumerate(trial.end_point):
        yield from _end_point(one, f"end_point[{number}]", trial)


def _place(where: str) -> str:
    return where.replace("population", "people", 1) if where.startswith("population") else where


def _twice(where: str, names: list[str]) -> Iterator[InputError]:
    for name in {name for name in names if names.count(name) > 1}:
        yield InputError(where, f"two are named {shown(name)}", "each name once")


def _arm(arm: TrialArm, where: str, last: float) -> Iterator[InputError]:
    try:
        plan = plan_of(arm)
    except InputError as error:
        for fault in error.faults or (error,):
            inner = fault.where.split(": ", 1)[-1]
            yield InputError(f"{where}{'' if inner in ('plan', where) else f', {inner}'}", fault.found, fault.expected, fault.cure)
        return
    if plan.most_doses(last) > MOST_DOSES:
        yield InputError(where, f"more than {MOST_DOSES:,} doses", "fewer", "Shorten the trial or the rhythm.")


def _stratum(stratum: Stratum, where: str) -> Iterator[InputError]:
    if stratum.reading == "age_y":
        return
    if stratum.reading not in readings() or stratum.reading in SIGNS:
        yield _unknown(f"{where}.reading", stratum.reading, "age_y or a reading that is measured")
        return
    yield from _unit(stratum.unit, stratum.reading, f"{where}.unit")


def _unit(unit: str | None, reading: str, where: str) -> Iterator[InputError]:
    if unit is None or unit == unit_of(reading):
        return
    try:
        in_unit(1.0, unit, reading)
    except (InputError, KeyError):
        yield InputError(where, f"{shown(unit)} for {reading}", f"a unit of it, such as {unit_of(reading)}")


def _unknown(where: str, name: str, wanted: str = "a reading of the body") -> InputError:
    row = known.find_analyte(name)
    near = [row.reading] if row is not None and row.reading else known.near(name, {one: one for one in readings()})
    cure = f"Did you mean {' or '.join(near)}?" if near else f"Readings: {', '.join(readings())}."
    return InputError(where, f"{shown(name)} is not {wanted}", "", cure)


def _end_point(one: EndPoint, where: str, trial: Trial) -> Iterator[InputError]:
    called = f"{where} ({one.name})"
    if one.kind == "pain":
        yield from _pain(one, called)
        return
    if one.measure is not None:
        yield InputError(f"{called}.measure", "a published measure", 'only with kind = "pain"')
    if one.reading is None:
        yield InputError(f"{called}.reading", "missing", "the reading that is compared", f"Readings: {', '.join(readings())}.")
        return
    if one.reading not in readings():
        yield _unknown(f"{called}.reading", one.reading)
        return
    yield from _unit(one.unit, one.reading, f"{called}.unit")
    yield from _fits(one, called)
    if one.kind not in TO_EVENT and one.day is not None and one.day not in trial.visits_d:
        shown_days = ", ".join(f"{day:g}" for day in trial.visits_d)
        yield InputError(f"{called}.day", f"day {one.day:g} is no visit", f"one of visits_d: {shown_days}")
    if one.kind in TO_EVENT and one.day is not None:
        yield InputError(f"{called}.day", "a day", "none: time runs over all visits")
    names = [arm.name for arm in trial.arm]
    for name in one.reported:
        if name not in names:
            yield InputError(f"{called}.reported", f"{shown(name)} is no arm", f"one of {', '.join(names)}")


def _fits(one: EndPoint, called: str) -> Iterator[InputError]:
    """What a kind needs and what it cannot take."""
    reading = one.reading or ""
    limited = one.kind in ("below", "above", *TO_EVENT)
    if limited and one.limit is None:
        yield InputError(f"{called}.limit", "missing", f"the limit of {reading}, in {one.unit or unit_of(reading)}")
    if not limited and one.limit is not None:
        yield InputError(f"{called}.limit", "a limit", f"none for the kind {one.kind}")
    if reading in SIGNS and one.kind not in ("recovery", "level"):
        yield InputError(f"{called}.kind", f"{one.kind} of {reading}, which is there or not", "recovery, or level (share with it)")
    if one.kind == "recovery" and reading not in (*FUNCTIONS, *SYMPTOMS):
        names = ", ".join((*FUNCTIONS, *SYMPTOMS))
        yield InputError(f"{called}.reading", f"recovery of {reading}", f"one of {names}")
    if one.scale == "log" and (reading not in lab_readings() or unit_of(reading) in ("points", "SD", "probability")):
        yield InputError(f"{called}.scale", f"log of {reading}", "linear: it may be 0")
    if one.margin is not None and one.better == "either":
        yield InputError(f"{called}.better", "either, beside a margin", "lower or higher: which side is worse")
    if one.margin is not None and one.kind in TO_EVENT and one.margin <= 1.0:
        yield InputError(f"{called}.margin", f"{one.margin:g}", "a hazard ratio above 1")
    if one.margin is not None and one.kind in YES_NO and one.margin >= 1.0:
        yield InputError(f"{called}.margin", f"{one.margin:g}", "a difference of shares between 0 and 1", "10 % is 0.1.")
    logs = one.scale == "log" or (one.scale is None and _usually_log(reading))
    if one.margin is not None and one.kind in ("level", "change") and logs and one.margin <= 1.0:
        yield InputError(f"{called}.margin", f"{one.margin:g} on the log scale", "a ratio above 1", "1.2 is 20 % worse.")


def _usually_log(reading: str) -> bool:
    return analyte_of(reading) is not None or unit_of(reading) in ("m/s", "uV", "mg")


def is_log(one: EndPoint) -> bool:
    """Whether levels and changes of an end point are compared as ratios."""
    return one.scale == "log" or (one.scale is None and one.reading is not None and _usually_log(one.reading))


def _pain(one: EndPoint, called: str) -> Iterator[InputError]:
    from corrin.facts.pain import measures

    usable = [row.id for row in measures() if usable_pain(row)]
    if one.measure is None:
        yield InputError(f"{called}.measure", "missing: pain is not simulated", "the id of a published measure with both arms",
                         f"Such as {', '.join(usable)}.")  # fmt: skip
    elif one.measure not in usable:
        known_id = any(row.id == one.measure for row in measures())
        found = "has no size with a spread in both arms" if known_id else "is no published measure of pain"
        yield InputError(f"{called}.measure", f"{shown(one.measure)} {found}", f"one of {', '.join(usable)}")
    if one.reading is not None or one.limit is not None or one.margin is not None:
        yield InputError(called, "a reading, limit or margin beside pain", "measure alone: pain has only published effects")


def usable_pain(row: Any) -> bool:
    """A published measure with both arms, so that a trial of another size can be computed."""
    both = row.treated is not None and row.controlled is not None
    return both and (row.statistic == "share" or (row.spread_kind == "SD" and row.control_spread is not None))
