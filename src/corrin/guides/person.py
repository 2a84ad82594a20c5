"""A case as the plain facts guidelines ask for. One pure function; nothing is converted and nothing is guessed.

What a case does not say is not known. A list that is given (drugs, operations, nitrous oxide, past B12; even an empty one) is taken as
complete, so that what it leaves out is a no; a list that is absent says nothing. Conditions and signs may be there unseen: only what was
looked for and not found (`severity` none) is a no.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corrin.case import known
from corrin.case.case import SEVERITIES, Case, Finding, Given, Lab
from corrin.case.check import CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS
from corrin.case.dates import Moment
from corrin.guides.facts import Facts, Report, Value
from corrin.guides.vocabulary import facts as names_of_facts
from corrin.units import convertible

YEAR = 365.25
# Assumed: what ended within a month of as_of still counts as going on, B12 that ended a month before a sample still shows in it.
GRACE_D = 30.0
LATER_D = 0.5
# Assumed: harm by nitrous oxide that shows later than half a year after the last use has another reason.
RECENT_USE_D = 183.0
# A birth year is right to half a year; the spread is that of a uniform year, so that two of them reach its ends.
BIRTH_YEAR_SPREAD = 0.25
FERTILE_Y = (12.0, 56.0)
LOW_B12_DIETS = ("low_animal_food", "lacto_ovo_vegetarian", "lacto_vegetarian", "strict_vegetarian", "vegan_unsupplemented", "malnutrition")
VEGAN_DIETS = ("vegan_unsupplemented", "strict_vegetarian")
INJECTED = ("intramuscular", "subcutaneous", "intravenous")
SWALLOWED = ("oral", "sublingual")
B12_FLAGS = ("treated", "injected", "oral", "cyanocobalamin", "mecobalamin", "before_sample")


def facts_of(case: Case) -> Facts:
    """What a case says, by the names of the vocabulary. Raises `InputError` when it has neither age nor birth year."""
    found: dict[str, Value] = {}
    for part in (_person, _labs, _signs, _drugs, _conditions, _operations, _diet, _exposures, _b12):
        found.update(part(case))
    return Facts(found, case.calendar)


Pairs = Iterator[tuple[str, Value]]


def _person(case: Case) -> Pairs:
    person = case.person
    yield "age", (Report(case.age_y, "a", spread=0.0 if person.age_y is not None else BIRTH_YEAR_SPREAD),)
    if person.sex != "unknown":
        yield "sex", person.sex
    if person.pregnancy not in (None, "unknown"):
        yield "pregnant", person.pregnancy.endswith("trimester") if person.pregnancy else False
        yield "breastfeeding", person.pregnancy == "breastfeeding"
    elif person.sex == "male" or not FERTILE_Y[0] <= case.age_y < FERTILE_Y[1]:
        yield "pregnant", False
        yield "breastfeeding", False


def _labs(case: Case) -> Pairs:
    for name, labs in _by_analyte(case).items():
        yield f"lab.{name}", tuple(_report(case, lab) for lab in labs)
    if "serum_b12" in _by_analyte(case) or "holotranscobalamin" in _by_analyte(case):
        yield "first_line.tested", True


def _by_analyte(case: Case) -> dict[str, list[Lab]]:
    """Results by analyte, in an order of their own so that the order of the case does not matter."""
    found: dict[str, list[Lab]] = {}
    for lab in case.labs:
        row = known.find_analyte(lab.analyte)
        if row is not None and not lab.held_back and case.day(lab.date) <= LATER_D and (lab.word or (lab.value is not None and lab.unit)):
            found.setdefault(row.id, []).append(lab)
    return {name: sorted(labs, key=lambda lab: (case.day(lab.date), str(lab))) for name, labs in sorted(found.items())}


def _report(case: Case, lab: Lab) -> Report:
    unit = lab.unit or "1"
    return Report(lab.value, unit, lab.comparator, case.day(lab.date), 0.0, lab.word, lab.reference_low, lab.reference_high)


def _signs(case: Case) -> Pairs:
    by_sign: dict[str, list[Finding]] = {}
    for finding in case.findings:
        if finding.what != "other" and case.day(finding.date) <= LATER_D:
            by_sign.setdefault(finding.what, []).append(finding)
    for sign, findings in by_sign.items():
        newest = max(case.day(finding.date) for finding in findings)
        last = [finding for finding in findings if case.day(finding.date) == newest]
        present = any(finding.severity != "none" for finding in last)
        yield f"sign.{sign}", present
        told = [finding.severity for finding in last if finding.severity not in (None, "none")]
        if not present or told:
            yield f"sign.{sign}.severe", any(severity in ("severe", "worst") for severity in told)
    worse = [_course(case, findings) for findings in by_sign.values()]
    if any(worse):
        yield "symptoms.worsening", True


def _course(case: Case, findings: Sequence[Finding]) -> bool:
    """Whether one sign was milder (or absent) on an earlier day than on the last."""
    graded = sorted((case.day(f.date), (*SEVERITIES, "worst").index(f.severity)) for f in findings if f.severity is not None)
    return len(graded) > 1 and graded[0][0] < graded[-1][0] and graded[-1][1] > min(grade for _, grade in graded)


def _drugs(case: Case) -> Pairs:
    given = "drugs" in case.history.model_fields_set
    now = {}
    for drug in case.history.drugs:
        rows = known.find_modifier(drug.name, DRUG_KINDS)
        if rows and _goes_on(case, drug.to):
            now[rows[0].id] = drug
    for name in names_of_facts():
        parts = name.split(".")
        if parts[0] == "drug" and len(parts) == 2 and (known.modifiers().get(parts[1]) or given):
            if parts[1] in now:
                yield name, True
            elif given and parts[1] in known.modifiers():
                yield name, False
    for name, drug in now.items():
        if f"drug.{name}" not in names_of_facts():
            continue
        if (start := case.moment(drug.from_)) is not None:
            yield f"drug.{name}.duration", (_since(start, "a"),)
        if drug.dose is not None and drug.unit is not None:
            unit = drug.unit if convertible(drug.unit, "mg/d") else f"{drug.unit}/d"
            if convertible(unit, "mg/d"):
                yield f"drug.{name}.dose", (Report(drug.dose * (drug.per_day if drug.per_day is not None else 1.0), unit),)
    yield from _named("drug.", case.history.other_drugs, complete=given or "other_drugs" in case.history.model_fields_set)


def _since(start: Moment, unit: str) -> Report:
    size = YEAR if unit == "a" else 1.0
    return Report(max(0.0, -start.day) / size, unit, spread=start.spread / size)


def _goes_on(case: Case, end: str | None) -> bool:
    return end is None or case.day(end) >= -GRACE_D


def _named(room: str, written: Sequence[str], complete: bool = False) -> Pairs:
    """Facts outside the tables, from what a case lists among other drugs or other conditions."""
    texts = [f" {known.slug(text).replace('_', ' ')} " for text in written]
    for name, fact in names_of_facts().items():
        if fact.names and name.startswith(room):
            wanted = [f" {known.slug(word).replace('_', ' ')}" for word in fact.names]
            if any(word in text for word in wanted for text in texts):
                yield name, True
            elif complete:
                yield name, False


def _conditions(case: Case) -> Pairs:
    for condition in case.history.conditions:
        rows = known.find_modifier(condition.name, CONDITION_KINDS)
        # A suspected condition is not a known one; what was once there and ended is no longer there.
        if rows and condition.certainty not in ("suspected", "assumed"):
            room = "operation" if rows[0].kind == "operation" else "condition"
            if f"{room}.{rows[0].id}" in names_of_facts():
                yield f"{room}.{rows[0].id}", room == "operation" or _goes_on(case, condition.to)
    listed = [*case.history.other_conditions, *(condition.name for condition in case.history.conditions)]
    yield from _named("condition.", listed)
    yield from _named("family.", listed)


def _operations(case: Case) -> Pairs:
    found = {}
    for operation in case.history.operations:
        rows = known.find_modifier(operation.name, OPERATION_KINDS)
        if rows and rows[0].kind == "operation":
            found[rows[0].id] = operation
        elif rows:
            yield f"condition.{rows[0].id}", True
    if "operations" in case.history.model_fields_set:
        for name in names_of_facts():
            parts = name.split(".")
            if parts[0] == "operation" and len(parts) == 2:
                yield name, parts[1] in found
    for name, operation in found.items():
        if operation.removed_cm is not None:
            yield f"operation.{name}.length", (Report(operation.removed_cm, "cm"),)


def _diet(case: Case) -> Pairs:
    rows = [known.find_diet(diet.diet) for diet in case.history.diet if diet.diet is not None and _goes_on(case, diet.to)]
    named = [row.id for row in rows if row is not None]
    if named:
        yield "diet.vegan", any(name in VEGAN_DIETS for name in named)
        yield "diet.low_b12", any(name in LOW_B12_DIETS for name in named)


def _exposures(case: Case) -> Pairs:
    uses = case.history.nitrous_oxide
    if uses or "nitrous_oxide" in case.history.model_fields_set:
        yield "nitrous_oxide", bool(uses)
        yield "nitrous_oxide.recreational", any(use.pattern != "single" for use in uses)
        # A use whose end is not told counts as recent: what is not known must not lower an alarm.
        ends = [case.day(use.last_use or use.to or (use.from_ if use.pattern == "single" else None)) for use in uses]
        yield "nitrous_oxide.recent", any(end >= -RECENT_USE_D for end in ends)
    last = [moment for use in uses if (moment := case.moment(use.last_use or use.to or (use.from_ if use.pattern == "single" else None)))]
    if last:
        yield "nitrous_oxide.since", (_since(max(last, key=lambda moment: moment.day), "d"),)
    if case.history.alcohol is not None and case.history.alcohol.level != "unknown":
        yield "alcohol.heavy", case.history.alcohol.level == "heavy"


@dataclass(frozen=True, slots=True)
class _Course:
    """One course of B12: when it began and ended (days from as_of), its form and route as far as told."""

    start: Moment | None
    end: float
    form: str
    route: str


def _courses(case: Case) -> list[_Course]:
    found = []
    for given in (*case.history.past_b12, *case.treatments):
        start = case.moment(given.from_ or (given.days[0] if given.days else None))
        if (start is not None and start.day >= 0.0) or _planned(case, given, start):
            continue
        last = given.to or (given.days[-1] if given.days else None)
        product = known.find_product(given.product) if given.product else known.product_for(given.form, given.route)
        form = product.form if product is not None and (given.product or given.form) else given.form or ""
        route = product.route if product is not None and (given.product or given.route) else given.route or ""
        found.append(_Course(start, case.day(last) if last is not None else 0.0, form, route))
    return found


def _planned(case: Case, given: Given, start: Moment | None) -> bool:
    """A treatment without a date is one to come; past B12 without a date has begun."""
    return start is None and given in case.treatments


def _b12(case: Case) -> Pairs:
    courses = _courses(case)
    if not courses:
        if "past_b12" in case.history.model_fields_set:
            yield from ((f"b12.{name}", False) for name in B12_FLAGS)
        return
    now = [course for course in courses if course.end >= -GRACE_D]
    yield "b12.treated", bool(now)
    for name, routes in (("injected", INJECTED), ("oral", SWALLOWED)):
        if any(course.route in routes for course in now) or all(course.route for course in now):
            yield f"b12.{name}", any(course.route in routes for course in now)
    for name, form in (("cyanocobalamin", "cyanocobalamin"), ("mecobalamin", "methylcobalamin")):
        if any(course.form == form for course in now) or all(course.form for course in now):
            yield f"b12.{name}", any(course.form == form for course in now)
    started = [course.start for course in now if course.start is not None]
    if started:
        yield "b12.since", (_since(max(started, key=lambda moment: moment.day), "d"),)
    if samples := _by_analyte(case).get("serum_b12"):
        day = max(case.day(lab.date) for lab in samples)
        shows = ((course.start is None or course.start.day < day) and course.end >= day - GRACE_D for course in courses)
        yield "b12.before_sample", any(shows)
