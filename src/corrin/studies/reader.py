"""Reading study files: limits and shape as for a case, then what must agree with the tables; every fault with its place, all at once.

Whatever comes in, what comes out is a `Study` or a `CorrinError`, never a traceback.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from corrin.case import known
from corrin.case.case import Case, History, Person
from corrin.case.check import case_faults, in_canonical, plain, unit_slip
from corrin.case.observe import READING_OF
from corrin.case.plan import Plan, plan_faults
from corrin.case.reader import raise_all, read_document, shape, shown
from corrin.errors import InputError
from corrin.facts.rows import Analyte
from corrin.studies.schema import SIMULATED, Arm, EntryRule, Outcome, Population, Study
from corrin.units import convert, convertible

SIGNS = (*sorted(set(READING_OF.values())), "vibration_loss")
"""Readings that are the chance of a symptom or sign."""
OTHER_READINGS: Mapping[str, str] = MappingProxyType(
    {
        "store_mg": "mg",
        "sural_velocity": "m/s",
        "sural_amplitude": "uV",
        "peroneal_velocity": "m/s",
        "sep_delay": "SD",
        "vep_delay": "SD",
        "mep_delay": "SD",
        "score": "points",
        "score_gait": "points",
        "mmse": "points",
        **dict.fromkeys(SIGNS, "probability"),
    }
)
"""Readings that no analyte of the tables stands for, with their unit."""
LEVELS = ("mean", "median", "geometric mean")
IN_READING_UNIT = (*LEVELS, "mean change", "median change", "difference")
SPREADS = {"sd": "sd", "se": "sd", "log_sd": "sd", "ci95": "low", "iqr": "low", "range": "low"}
LAST_DAY = 40_000.0
OLDEST_Y = 120.0


def read_study(source: str | Path | Mapping[str, Any]) -> Study:
    """A `corrin.study/1` from a file (TOML or JSON), a text of either, a dict, or the key of a study that comes with corrin.

    Raises `InputError` with every fault: file, place, what was found, what was expected, the likely cure.
    """
    if isinstance(source, str) and source in _packaged():
        return _packaged()[source]
    if isinstance(source, str) and re.fullmatch(r"\w{1,64}", source, re.ASCII) and not Path(source).exists():
        near = known.near(source.lower(), {key: key for key in _packaged()})
        cure = f"Did you mean {' or '.join(near)}?" if near else ""
        raise InputError("study", f"{source} is neither the key of a study that comes with corrin nor a file", "", cure)
    where, document = read_document(source, "study")
    study = shape(document, Study, where, "corrin.study/1")
    raise_all(where, study_faults(study))
    return study


def studies() -> tuple[Study, ...]:
    """The studies that come with corrin, in order of their keys."""
    return tuple(_packaged().values())


@lru_cache(maxsize=1)
def _packaged() -> Mapping[str, Study]:
    found: dict[str, Study] = {}
    for item in sorted(files("corrin.studies").iterdir(), key=lambda item: item.name):
        if item.name.endswith(".toml"):
            document = read_document(item.read_text(encoding="utf-8"), "study")[1]
            study = shape(document, Study, item.name, "corrin.study/1")
            raise_all(item.name, study_faults(study))
            found[study.key] = study
    return MappingProxyType(dict(sorted(found.items())))


def readings() -> tuple[str, ...]:
    """Readings of the body that a study may be compared with."""
    return (*(row.reading for row in known.analytes().values() if row.reading), *OTHER_READINGS)


def analyte_of(reading: str) -> Analyte | None:
    """The analyte a laboratory reports a reading as; None for nerves and symptoms."""
    return next((row for row in known.analytes().values() if row.reading == reading), None)


def in_reading_unit(value: float, unit: str, reading: str) -> float:
    """A level, a difference of levels or a limit in the reading's own unit. Raises `InputError` for a unit of another kind."""
    row = analyte_of(reading)
    if row is not None:
        return in_canonical(value, unit, row)
    own = OTHER_READINGS[reading]
    if unit == own:
        return value
    return convert(value, unit, "1" if own == "probability" else own)


def simulated_points(study: Study) -> Iterator[tuple[Arm, Outcome, int]]:
    """(arm, outcome, place in its lists) of every value after day 0 that can be compared with a simulation and was not recalled."""
    for arm in study.arm:
        for outcome in arm.outcome if arm.simulable else ():
            if outcome.reading is None or outcome.statistic not in SIMULATED or (outcome.seen or study.seen) == "recalled":
                continue
            for place, day in enumerate(outcome.time_d):
                if day > 0.0 and outcome.value[place] is not None:
                    yield arm, outcome, place


def study_faults(study: Study) -> list[InputError]:
    """Every reason why a study of the right shape cannot be used, each with its place in the document."""
    faults = [*_population(study.population, "population"), *_rules(study.entry, "entry")]
    for number, outcome in enumerate(study.baseline):
        faults += _outcome(outcome, f"baseline[{number}]", outcome.label, only_day_0=True)
    for number, arm in enumerate(study.arm):
        faults += _arm(arm, f"arm[{number}]")
    return faults


def _arm(arm: Arm, where: str) -> Iterator[InputError]:
    if arm.product is not None and known.find_product(arm.product) is None:
        yield _unknown(f"{where}.product", arm.name, "a product", arm.product, known.near_products(arm.product))
    changes = Plan(
        format="corrin.plan/1", name="arm", diet=arm.diet, start_drugs=arm.start_drugs, stop_drugs=arm.stop_drugs
    )  # fmt: skip
    for fault in plan_faults(changes):
        yield InputError(f"{where}.{fault.where} ({_short(arm.name)})", fault.found, fault.expected, fault.cure)
    for day, _ in arm.dose_list():
        if not 0.0 <= day <= LAST_DAY:
            yield InputError(f"{where} ({_short(arm.name)})", f"a dose on day {plain(day)}", f"days 0 to {plain(LAST_DAY)}",
                             "What was given before day 0 belongs to population.history.past_b12.")  # fmt: skip
            break
    if arm.population is not None:
        yield from _population(arm.population, f"{where}.population")
    yield from _rules(arm.entry, f"{where}.entry")
    for name, outcomes in (("baseline", arm.baseline), ("outcome", arm.outcome)):
        for number, outcome in enumerate(outcomes):
            called = f"{arm.name}, {outcome.label}"
            yield from _outcome(outcome, f"{where}.{name}[{number}]", called, only_day_0=name == "baseline")
            if outcome.versus == arm.name:
                yield InputError(f"{where}.{name}[{number}].versus ({_short(called)})", "the arm itself", "the name of another arm")


def _population(people: Population, where: str) -> Iterator[InputError]:
    """Faults of the history, checked as a case's is; the oldest age that may be meant decides what lies before birth."""
    if people.history == History():
        return
    oldest = max((age for age in (people.age_high_y, people.age_mean_y) if age is not None), default=OLDEST_Y)
    case = Case(format="corrin.case/1", as_of="day 0", person=Person(age_y=oldest), history=people.history)
    for fault in case_faults(case):
        yield InputError(f"{where}.{fault.where}", fault.found, fault.expected, fault.cure)


def _rules(rules: tuple[EntryRule, ...], where: str) -> Iterator[InputError]:
    for number, rule in enumerate(rules):
        here = f"{where}[{number}]"
        faults = [*_reading(rule.reading, here, ""), *_unit(rule.unit, rule.reading, f"{here}.unit", "")]
        yield from faults
        for name, value in (("low", rule.low), ("high", rule.high)):
            if value is not None and not faults:
                yield from _possible(value, rule.unit, rule.reading, f"{here}.{name}", "")
        if rule.low is not None and rule.high is not None and rule.low > rule.high:
            yield InputError(
                f"{here}.low", f"{plain(rule.low)} is above high, {plain(rule.high)}", "the lower limit first", "Swap the two."
            )


def _outcome(outcome: Outcome, where: str, called: str, *, only_day_0: bool) -> Iterator[InputError]:
    yield from _times(outcome, where, called, only_day_0)
    yield from _spread(outcome, where, called)
    reading = outcome.reading
    if reading is None:
        return
    unknown = list(_reading(reading, where, called))
    yield from unknown
    if unknown:
        return
    if outcome.statistic in ("percent", "percent change") and outcome.unit != "%":
        yield InputError(_at(f"{where}.unit", called), shown(outcome.unit), f'"%" for {outcome.statistic}')
    elif outcome.statistic == "ratio" and outcome.unit not in ("1", "ratio", "fold"):
        yield InputError(_at(f"{where}.unit", called), shown(outcome.unit), '"1" for a ratio')
    elif outcome.statistic in IN_READING_UNIT:
        faults = list(_unit(outcome.unit, reading, f"{where}.unit", called))
        yield from faults
        if not faults and outcome.statistic in LEVELS:
            for place, value in enumerate(outcome.value):
                if value is not None:
                    yield from _possible(value, outcome.unit, reading, f"{where}.value[{place}]", called)
    if outcome.limit_unit is not None:
        faults = list(_unit(outcome.limit_unit, reading, f"{where}.limit_unit", called))
        yield from faults
        for name, limit in (("below", outcome.below), ("above", outcome.above)):
            if limit is not None and not faults:
                yield from _possible(limit, outcome.limit_unit, reading, f"{where}.{name}", called)


def _times(outcome: Outcome, where: str, called: str, only_day_0: bool) -> Iterator[InputError]:
    days = outcome.time_d
    for place, day in enumerate(days):
        here = _at(f"{where}.time_d[{place}]", called)
        if day < 0.0:
            yield InputError(here, f"day {plain(day)}", "0 or later: day 0 is the first day of the study", "Shift the times.")
        elif day > LAST_DAY:
            yield InputError(here, f"day {plain(day)}", f"at most {plain(LAST_DAY)}", "Times are days.")
        elif only_day_0 and day > 0.0:
            yield InputError(here, f"day {plain(day)}", "0 in a baseline", "What came later belongs in an arm's outcome.")
    for place in range(1, len(days)):
        if days[place] <= days[place - 1]:
            yield InputError(_at(f"{where}.time_d[{place}]", called), f"day {plain(days[place])} after day {plain(days[place - 1])}",
                             "days in order, each once")  # fmt: skip
            break
    if outcome.from_day < 0.0 or ("change" in outcome.statistic and outcome.from_day >= days[0]):
        yield InputError(_at(f"{where}.from_day", called), f"day {plain(outcome.from_day)}", "0 or later, and before the first time")


def _spread(outcome: Outcome, where: str, called: str) -> Iterator[InputError]:
    wanted = SPREADS.get(outcome.spread)
    if wanted == "sd" and not outcome.sd:
        yield InputError(_at(f"{where}.spread", called), f"{outcome.spread}, and no sd", "sd, a list with one entry for each time")
    if wanted == "low" and not (outcome.low and outcome.high):
        yield InputError(_at(f"{where}.spread", called), f"{outcome.spread}, and no low and high", "both, a list each")
    if outcome.spread == "none" and (outcome.low or outcome.high):
        yield InputError(_at(f"{where}.spread", called), "low or high, and no spread", f"spread, one of {', '.join(SPREADS)}")
    for place, value in enumerate(outcome.sd):
        if value is not None and value < 0.0:
            yield InputError(_at(f"{where}.sd[{place}]", called), plain(value), "0 or more")
    for place, (low, high) in enumerate(zip(outcome.low, outcome.high, strict=False)):
        if low is not None and high is not None and low > high:
            yield InputError(_at(f"{where}.low[{place}]", called), f"{plain(low)} is above high, {plain(high)}", "the lower limit first",
                             "Swap the two.")  # fmt: skip


def _reading(reading: str, where: str, called: str) -> Iterator[InputError]:
    if reading in readings():
        return
    row = known.find_analyte(reading)
    near = [row.reading] if row is not None and row.reading else known.near(known.slug(reading), {name: name for name in readings()})
    fault = _unknown(f"{where}.reading", called, "a reading of the body", reading, [str(name) for name in near])
    cure = fault.cure or f"Readings: {', '.join(readings())}. Without a reading the outcome is kept and not simulated."
    yield InputError(fault.where, fault.found, "", cure)


def _unit(unit: str, reading: str, where: str, called: str) -> Iterator[InputError]:
    """The unit must turn into the reading's own."""
    if reading not in readings():
        return
    row = analyte_of(reading)
    own = row.unit if row is not None else OTHER_READINGS[reading]
    if unit == own or (own == "probability" and unit == "%"):
        return
    also = ", ".join(dict.fromkeys((own, *row.units))) if row is not None else {"probability": '"%" or "probability"'}.get(own, own)
    try:
        usable = own not in ("probability", "SD") and convertible(unit, own)
    except InputError:
        usable = False
    if not usable:
        yield InputError(_at(where, called), f"{shown(unit)} for {reading}", f"a unit of it: {also}")


def _possible(value: float, unit: str, reading: str, where: str, called: str) -> Iterator[InputError]:
    """A level far from what people have is a slip of the unit."""
    row = analyte_of(reading)
    if row is None:
        return
    level = in_canonical(value, unit, row)
    if not math.isfinite(level) or not row.plausible_low <= level <= row.plausible_high:
        also = "" if unit == row.unit else f" = {plain(level)} {row.unit}"
        expected = f"between {plain(row.plausible_low)} and {plain(row.plausible_high)} {row.unit}"
        yield InputError(_at(where, called), f"{row.name} of {plain(value)} {unit}{also}", expected, unit_slip(value, unit, row))


def _unknown(where: str, called: str, what: str, name: str, near: list[str]) -> InputError:
    return InputError(_at(where, called), f"{shown(name)} is not {what}", "", f"Did you mean {' or '.join(near)}?" if near else "")


def _at(where: str, called: str) -> str:
    return f"{where} ({_short(called)})" if called else where


def _short(name: str) -> str:
    text = ascii(name)[1:-1]
    return text if len(text) <= 60 else text[:57] + "..."
