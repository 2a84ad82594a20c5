"""What must agree between the fields of a case and with the tables; and what a reader of the answer should know about it.

`case_faults` finds what makes a case unusable, `check_case` what is unknown (and will be drawn) or odd but possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from corrin.case import known
from corrin.case.case import Case, Finding, Given, Lab
from corrin.case.dates import DAY_ZERO
from corrin.errors import InputError, NotCovered
from corrin.facts.rows import Analyte, Modifier
from corrin.units import convert, convertible, dimension, near_units

ADULT_FROM_Y = 16.0
MOST_DOSES_A_DAY = 12.0
# Half a day of grace, for a result of the day itself.
GRACE_D = 0.5
DRUG_KINDS = ("drug", "nutrient", "exposure")
CONDITION_KINDS = ("cause", "condition", "life_stage", "operation", "exposure")
OPERATION_KINDS = ("operation", "cause", "condition")


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence about a case: `unknown` will be drawn, `odd` is possible but worth a second look, `unused` takes no part."""

    where: str
    kind: Literal["unknown", "odd", "unused"]
    text: str


def refuse_uncovered(case: Case) -> None:
    """Raise `NotCovered` for a person under 16."""
    person = case.person
    if person.age_y is None and (person.birth_year is None or case.calendar is None):
        return
    if -0.5 <= case.age_y < ADULT_FROM_Y:
        raise NotCovered(
            f"The person is {case.age_y:.3g} years old. Under {ADULT_FROM_Y:.0f} corrin gives reference intakes only, and no verdict, "
            "forecast or regimen: adult limits and doses do not hold for a child. Please turn to a paediatrician."
        )


def case_faults(case: Case) -> list[InputError]:
    """Every reason why the case cannot be used, each with its place in the document."""
    faults = [*_person(case), *_dates(case)]
    for number, lab in enumerate(case.labs):
        faults += lab_faults(lab, f"labs[{number}]")
    for number, entry in enumerate(case.observed if isinstance(case.observed, tuple) else ()):
        if entry.analyte is not None and entry.value is not None:
            seen = Lab(analyte=entry.analyte, value=entry.value, unit=entry.unit, comparator=entry.comparator)
            faults += lab_faults(seen, f"observed[{number}]")
    faults += _names(case)
    for field, entries in (("history.past_b12", case.history.past_b12), ("treatments", case.treatments)):
        for number, given in enumerate(entries):
            faults += given_faults(given, f"{field}[{number}]")
            faults += _too_many_doses(given, f"{field}[{number}]")
    return faults


def _too_many_doses(given: Given, where: str) -> list[InputError]:
    """A rhythm that nobody keeps, and that would fill memory."""
    between = given.every_days or (7.0 / given.per_week if given.per_week else 1.0)
    per_day = (given.times_per_day or 1.0) / between if between > 0.0 else float("inf")
    if per_day > MOST_DOSES_A_DAY:
        return [InputError(where, f"{plain(per_day)} doses a day", f"at most {MOST_DOSES_A_DAY:.0f}")]
    return []


def lab_faults(lab: Lab, where: str) -> list[InputError]:
    """Faults of one result: unknown analyte, unknown or unsuitable unit, a value that cannot be, reference limits the wrong way round."""
    row = known.find_analyte(lab.analyte)
    if row is None:
        return [_unknown_name(f"{where}.analyte", "an analyte", lab.analyte, known.near_analytes(lab.analyte))]
    if lab.value is None:
        return [] if lab.word else [InputError(f"{where}.value", "no value", "a number, or a word (low, normal, raised, undetectable)")]
    if lab.unit is None:
        return [InputError(f"{where}.unit", "no unit", f"one of {_units(row)}", "A value without its unit cannot be used.")]
    if not convertible(lab.unit, row.unit):
        try:
            found = f"{lab.unit!r} measures {dimension(lab.unit)}"
        except InputError:
            found = f"{ascii(lab.unit)[:60]} is not a unit known here"
        return [InputError(f"{where}.unit", found, f"a unit of {row.name}: {_units(row)}", _near_unit(lab.unit, row))]
    faults = []
    value = in_canonical(lab.value, lab.unit, row)
    low, high = (row.low, row.high) if lab.confirmed else (row.plausible_low, row.plausible_high)
    if not low <= value <= high and not (lab.comparator in ("<", "<=") and 0.0 < value <= high):
        also = "" if lab.unit == row.unit else f" = {plain(value)} {row.unit}"
        cure = unit_slip(lab.value, lab.unit, row)
        if row.low <= value <= row.high:
            cure = f'{cure} If the laboratory confirms it, add "confirmed": true.'.strip()
        expected = f"between {plain(low)} and {plain(high)} {row.unit}{_as_written(low, high, lab.unit, row)}"
        faults.append(InputError(f"{where}.value", f"{row.name} of {plain(lab.value)} {lab.unit}{also}", expected, cure))
    if lab.reference_low is not None and lab.reference_high is not None and lab.reference_low > lab.reference_high:
        faults.append(InputError(f"{where}.reference_low", f"{lab.reference_low:g} is above reference_high, {lab.reference_high:g}",
                                 "the lower limit first", "Swap the two."))  # fmt: skip
    return faults


def plain(value: float) -> str:
    """A number for a message: four figures that matter, thousands apart, no powers of ten where people do not write them."""
    return f"{value:,.0f}" if 1000.0 <= abs(value) < 1e12 else f"{value:.4g}"


def _as_written(low: float, high: float, unit: str, analyte: Analyte) -> str:
    """The same limits in the unit of the report, so that a slip of unit is seen at a glance."""
    if unit == analyte.unit:
        return ""
    low, high = (convert(limit, analyte.unit, unit, analyte.molar_mass_g_mol) for limit in (low, high))
    return f" ({plain(low)} to {plain(high)} {unit})"


def in_canonical(value: float, unit: str, analyte: Analyte) -> float:
    """A result in the analyte's own unit."""
    return convert(value, unit, analyte.unit, analyte.molar_mass_g_mol)


def unit_slip(value: float, unit: str, analyte: Analyte) -> str:
    """What was probably meant: the same number in another unit that laboratories use, or a slip of a power of ten."""

    def possible(number: float, name: str) -> bool:
        return analyte.plausible_low <= in_canonical(number, name, analyte) <= analyte.plausible_high

    usual = [name for name in _unit_list(analyte) if name != unit and possible(value, name)]
    meant = [f"{plain(value)} {name}" for name in usual[:3]]
    if not meant:
        for factor in (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001):
            if possible(value * factor, unit):
                meant = [f"{plain(value * factor)} {unit}"]
                break
    return f"Did you mean {' or '.join(meant)}?" if meant else ""


def given_faults(given: Given, where: str) -> list[InputError]:
    """Faults of B12 that was given: an unknown product, a dose without a usable unit, two schedules at once."""
    faults = []
    if given.product is not None and known.find_product(given.product) is None:
        faults.append(_unknown_name(f"{where}.product", "a product", given.product, known.near_products(given.product)))
    if given.dose is not None and given.dose_ug is not None:
        faults.append(InputError(f"{where}.dose", "both dose and dose_ug", "one of them"))
    if given.dose is not None:
        if given.unit is None:
            faults.append(InputError(f"{where}.unit", "no unit", "ug or mg", "A dose without its unit cannot be used."))
        elif not convertible(given.unit, "ug"):
            faults.append(InputError(f"{where}.unit", f"{ascii(given.unit)[:60]}", "a mass such as ug or mg"))
        elif convert(given.dose, given.unit, "ug") > 100_000.0:
            faults.append(InputError(f"{where}.dose", f"{given.dose:g} {given.unit} of B12 in one dose", "at most 100 mg",
                                     f"Did you mean {given.dose:g} ug?" if given.unit != "ug" else ""))  # fmt: skip
    if given.dose_ug is not None and given.dose_ug > 100_000.0:
        faults.append(InputError(f"{where}.dose_ug", f"{given.dose_ug:g} ug of B12 in one dose", "at most 100,000 ug"))
    schedules = [name for name in ("every_days", "per_week", "days", "times_per_day") if getattr(given, name) is not None]
    if len([name for name in schedules if name != "times_per_day"]) > 1:
        faults.append(InputError(f"{where}.{schedules[1]}", " and ".join(schedules), "one way of saying how often"))
    return faults


def check_case(case: Case) -> list[Note]:
    """What is unknown and will be drawn, and what is odd but possible."""
    return list(_notes(case))


def _person(case: Case) -> Iterator[InputError]:
    person = case.person
    if person.age_y is None and person.birth_year is None:
        yield InputError("person.age_y", "no age", "age_y (years at as_of) or birth_year", "Age moves every answer and is never guessed.")
    elif person.age_y is None and case.calendar is None:
        yield InputError("person.birth_year", f"a birth year, while as_of is {DAY_ZERO!r}", "age_y", "Give the age at as_of.")
    if person.birth_year is not None and case.calendar is not None:
        oldest = case.calendar.year - person.birth_year
        if oldest < 0:
            yield InputError("person.birth_year", f"{person.birth_year}, after as_of", f"at most {case.calendar.year}")
        elif person.age_y is not None and not oldest - 1.1 <= person.age_y <= oldest + 1.1:
            yield InputError("person.age_y", f"{person.age_y:g} years, while birth_year {person.birth_year} makes {oldest - 1} or {oldest}",
                             "an age that agrees with birth_year")  # fmt: skip
    if person.sex == "male" and person.pregnancy not in (None, "none", "unknown"):
        yield InputError("person.pregnancy", f"{person.pregnancy!r}, while sex is male", "none", "Correct one of the two.")
    if person.pregnancy in (None, "none") and (person.pregnancy_from or person.pregnancy_to):
        yield InputError("person.pregnancy_from", "a date, while pregnancy is not stated", "no date, or a stage of pregnancy")


def _dates(case: Case) -> Iterator[InputError]:
    """Order of dates. A date that cannot be read in this case (calendar date, no calendar as_of) is a fault of its own."""
    age = case.person.age_y or (case.age_y if case.person.birth_year and case.calendar else 120.0)
    born = -365.25 * (age + 1.0)
    for where, item, start, end, may_be_later in _spans(case):
        try:
            first, last = case.moment(start), case.moment(end)
        except InputError as error:
            yield InputError(where, error.found, error.expected, error.cure)
            continue
        if first and last and last.day + 2.0 * last.spread < first.day - 2.0 * first.spread:
            yield InputError(f"{where}.to", f"{end} is before {start}", "an end after the beginning", "Swap the two dates.")
        for name, moment in (("from", first),) if start is end else (("from", first), ("to", last)):
            place = where if start is end or not hasattr(item, "to") else f"{where}.{name}"
            if moment and moment.day + 2.0 * moment.spread < born:
                yield InputError(place, f"{start if name == 'from' else end} is before birth", f"a date within {age:g} years before as_of")
            if moment and moment.day - 2.0 * moment.spread > GRACE_D and not may_be_later:
                yield InputError(place, f"{start if name == 'from' else end} is after as_of", "a date at or before as_of",
                                 "What happened later belongs in observed.")  # fmt: skip


def _spans(case: Case) -> Iterator[tuple[str, Any, str | None, str | None, bool]]:
    """Place, entry, first and last date of everything dated, and whether it may lie after `as_of`."""
    history = case.history
    for name in ("diet", "foods", "drugs", "conditions"):
        for number, entry in enumerate(getattr(history, name)):
            yield f"history.{name}[{number}]", entry, entry.from_, entry.to, False
    for number, use in enumerate(history.nitrous_oxide):
        yield f"history.nitrous_oxide[{number}]", use, use.from_, use.last_use or use.to, False
    for number, operation in enumerate(history.operations):
        yield f"history.operations[{number}].date", operation, operation.date, operation.date, False
    for name in ("alcohol", "smoking"):
        habit = getattr(history, name)
        if habit is not None:
            yield f"history.{name}", habit, habit.from_, habit.to, False
    for number, lab in enumerate(case.labs):
        yield f"labs[{number}].date", lab, lab.date, lab.date, lab.held_back
    for number, finding in enumerate(case.findings):
        yield f"findings[{number}].date", finding, finding.date, finding.date, False
    for name, entries in (("history.past_b12", history.past_b12), ("treatments", case.treatments)):
        for number, given in enumerate(entries):
            yield f"{name}[{number}]", given, given.from_, given.to, name == "treatments"
            for place, day in enumerate(given.days or ()):
                yield f"{name}[{number}].days[{place}]", day, day, day, name == "treatments"
    for number, entry in enumerate(case.observed if isinstance(case.observed, tuple) else ()):
        yield f"observed[{number}].day", entry, entry.day, entry.day, True
    if case.person.pregnancy_from or case.person.pregnancy_to:
        yield "person.pregnancy", case.person, case.person.pregnancy_from, case.person.pregnancy_to, True


def _names(case: Case) -> Iterator[InputError]:
    history = case.history
    for number, diet in enumerate(history.diet):
        if diet.diet is None and diet.food_ug_d is None:
            yield InputError(f"history.diet[{number}]", "neither diet nor food_ug_d", "one of them")
        elif diet.diet is not None and known.find_diet(diet.diet) is None:
            near = known.near_diets(diet.diet) or sorted(known.diets())
            yield _unknown_name(f"history.diet[{number}].diet", "a diet", diet.diet, near[:6])
    for number, food in enumerate(history.foods):
        if known.find_food(food.food) is None:
            yield _unknown_name(f"history.foods[{number}].food", "one food of the table", food.food, known.near_foods(food.food))
    named: tuple[tuple[str, tuple[Any, ...], tuple[str, ...], str], ...] = (
        ("drugs", history.drugs, DRUG_KINDS, "history.other_drugs"),
        ("conditions", history.conditions, CONDITION_KINDS, "history.other_conditions"),
        ("operations", history.operations, OPERATION_KINDS, "history.other_conditions"),
    )
    for name, entries, kinds, other in named:
        for number, entry in enumerate(entries):
            where = f"history.{name}[{number}]"
            rows = known.find_modifier(entry.name, kinds)
            if not rows:
                near = known.near_modifiers(entry.name, kinds)
                fault = _unknown_name(f"{where}.name", f"among the {name} that move B12", entry.name, near)
                cure = f"{fault.cure} Anything else goes into {other}, shown but not simulated.".strip()
                yield InputError(fault.where, fault.found, fault.expected, cure)
            elif name == "drugs" and entry.dose is not None:
                yield from _drug_dose(entry, rows, where)


def _drug_dose(entry: Any, rows: tuple[Modifier, ...], where: str) -> Iterator[InputError]:
    wanted = next((row.dose_unit for row in rows if row.dose_unit), "mg")
    if entry.unit is None:
        yield InputError(f"{where}.unit", "no unit", f"a unit such as {wanted}", "A dose without its unit cannot be used.")
    elif not any(convertible(entry.unit, unit) for unit in (wanted, wanted.split("/")[0], "mg")):
        yield InputError(f"{where}.unit", ascii(entry.unit)[:60], f"a unit such as {wanted}")


def _unknown_name(where: str, what: str, name: str, near: list[str]) -> InputError:
    shown = ascii(name) if len(ascii(name)) <= 60 else ascii(name)[:57] + "..."
    return InputError(where, f"{shown} is not {what}", "", f"Did you mean {' or '.join(near)}?" if near else "")


def _unit_list(analyte: Analyte) -> list[str]:
    return list(dict.fromkeys([analyte.unit, *analyte.units]))


def _units(analyte: Analyte) -> str:
    return ", ".join(_unit_list(analyte))


def _near_unit(unit: str, analyte: Analyte) -> str:
    near = near_units(unit, tuple(_unit_list(analyte)))
    return f"Did you mean {' or '.join(near)}?" if near else ""


def _notes(case: Case) -> Iterator[Note]:
    history, person = case.history, case.person
    if person.sex == "unknown":
        yield Note("person.sex", "unknown", "Sex is not stated: kidney function and reference intakes take the middle of both.")
    if not history.diet and not history.foods:
        yield Note("history.diet", "unknown", "Diet is not stated: a mixed diet is drawn with a wide spread.")
    if not history.conditions and not history.operations and not history.drugs and not history.nitrous_oxide:
        yield Note("history", "unknown", "No cause is stated: it is drawn from the usual causes and learned from the results.")
    for name in ("drugs", "conditions"):
        for number, entry in enumerate(getattr(history, name)):
            if entry.from_ is None:
                yield Note(f"history.{name}[{number}].from", "unknown", f"When {entry.name} began is not stated: it is drawn.")
    for number, drug in enumerate(history.drugs):
        if drug.dose is None:
            yield Note(f"history.drugs[{number}].dose", "unknown", f"The dose of {drug.name} is not stated: the reference dose is taken.")
    for number, operation in enumerate(history.operations):
        if operation.date is None:
            yield Note(f"history.operations[{number}].date", "unknown", f"The date of {operation.name} is not stated: it is drawn.")
    for number, given in enumerate(case.treatments):
        if given.dose is None and given.dose_ug is None:
            yield Note(f"treatments[{number}].dose", "unknown", "The dose is not stated.")
    yield from _lab_notes(case)
    yield from _finding_notes(case.findings)
    for name in (*history.other_drugs, *history.other_conditions):
        yield Note("history", "unused", f"{name} is shown and takes no part in the simulation.")


def _lab_notes(case: Case) -> Iterator[Note]:
    for number, lab in enumerate(case.labs):
        row = known.find_analyte(lab.analyte)
        if row is None:
            continue
        if not row.reading and row.id not in ("creatinine", "haematocrit", "hba1c"):
            yield Note(f"labs[{number}]", "unused", f"{row.name} is shown and takes no part in the simulation.")
        if lab.value is not None and lab.reference_high and lab.value > 100.0 * lab.reference_high:
            yield Note(f"labs[{number}].value", "odd", f"{row.name} is more than a hundred times its upper limit: is the unit right?")
        if lab.word:
            yield Note(f"labs[{number}]", "odd", f"{row.name} was reported in a word only; without limits it is not used.")
    treated = any(case.day(given.from_, -1.0) < 0.0 for given in (*case.history.past_b12, *case.treatments))
    names = [row.id for lab in case.labs if (row := known.find_analyte(lab.analyte)) is not None]
    if treated and "serum_b12" in names:
        yield Note("labs", "odd", "B12 was taken before the sample: serum B12 shows the dose more than the state.")
    if not names:
        yield Note("labs", "unknown", "No result is given: the answer shows what is expected of such a person.")


def _finding_notes(findings: tuple[Finding, ...]) -> Iterator[Note]:
    for number, finding in enumerate(findings):
        if finding.date is None:
            yield Note(f"findings[{number}].date", "unknown", f"{finding.what} has no date: it is taken as seen at as_of.")
