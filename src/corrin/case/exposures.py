"""What a person lived with: food, supplements, life stage, habits, glucose, nitrous oxide, B12 given."""

from __future__ import annotations

from collections.abc import Sequence

from corrin.case import known
from corrin.case.case import Case, Given, NitrousOxide
from corrin.case.causes import YEAR, YEARS_OF_CONDITION, dated, write
from corrin.case.latent import Latent
from corrin.case.timeline import MOLAR_MASS_G_MOL, Builder, DoseEvent
from corrin.facts.reader import parameters
from corrin.facts.rows import Diet, Product
from corrin.units import convert, convertible

KIND_OF_ROUTE = {
    "oral": "oral", "sublingual": "oral", "food": "oral", "nasal": "nasal", "intramuscular": "injected", "subcutaneous": "injected",
    "intravenous": "intravenous",
}  # fmt: skip

MEALS_D = 3.0
# Up to this much a day from a product is a rate added to food; above it each dose is an event.
CRYSTALLINE_LIMIT_UG_D = 25.0
# Daily swallowed doses further back than this are written as a rate: thousands of events would move nothing that is still seen today.
EXACT_DOSES_D = 365.0

# All assumed. Recall of intake (log-SD); share of prescribed swallowed doses taken (beta); a usual dose where none is stated.
RECALL_LOG_SD = 0.3
ADHERENCE = (8.0, 2.0)
USUAL_DOSE_UG = 1000.0
HBA1C_NORMAL, HBA1C_DIABETES, HBA1C_LOG_SD = 5.4, 7.5, 0.15
HABITS = {"none": 0.0, "past": 0.0, "moderate": 0.3, "current": 1.0, "heavy": 1.0}
LACTATION_D, PREGNANCY_D = 365.0, 280.0
TRIMESTERS = ((0.0, 1.0 / 3.0), (91.0, 2.0 / 3.0), (182.0, 1.0))
STAGE_DAY = {"first trimester": 45.0, "second trimester": 136.0, "third trimester": 231.0}

# Nitrous oxide. One exposure unit is breathing 50 %. How long a canister of 8 g lasts at 50 % comes from the modifiers table (canisters a
# day that make an uninterrupted exposure); how much of one is inhaled differs widely (assumed log-SD).
CANISTERS, CANISTER_LOG_SD = "nitrous_oxide_canisters", 0.7
ANAESTHETIC_HOURS, USE_HOURS, HOURS_LOG_SD = 2.0, 1.0, 0.5
MAX_PULSES = 40
DAYS_BETWEEN = {"daily": 1.0, "pulses": 3.0, "weekly": 7.0, "weekends": 3.5}
UNDATED_USE_D = 90.0


def add_food(case: Case, world: Builder, start: float) -> tuple[float | str, bool]:
    """Food B12 over time. Gives the first value, and whether a diet that by itself is low (below half of a mixed one) is stated."""
    mixed = usual_diet(case)
    usual = _usual(world, mixed, "diet_mixed")
    world.change(start, "meals_d", MEALS_D)
    entries = sorted(enumerate(case.history.diet), key=lambda entry: case.day(entry[1].from_, start))
    first: float | str = usual
    low = False
    lifelong = bool(entries) and entries[0][1].from_ is None
    if not lifelong:
        world.change(start, "food_ug_d", usual)
    for number, entry in entries:
        row = known.find_diet(entry.diet) if entry.diet else None
        if entry.food_ug_d is not None:
            latent = Latent(f"diet_{number}", "lognormal", (max(entry.food_ug_d, 0.01), RECALL_LOG_SD), "stated food B12, recall error")
            value: float | str = world.add(latent)
            low = low or entry.food_ug_d < 0.5 * mixed.food_ug_d
        else:
            value = _usual(world, row or mixed, f"diet_{number}")
            low = low or (row is not None and row.food_ug_d < 0.5 * mixed.food_ug_d)
        begins = start if entry.from_ is None else dated(case, world, f"diet_{number}_from", case.moment(entry.from_), YEARS_OF_CONDITION)
        world.change(begins, "food_ug_d", value)
        if begins == start:
            first = value
        end = case.moment(entry.to)
        follows = any(case.day(other.from_, start) >= (end.day if end else 0.0) - 31.0 for number2, other in entries if number2 != number)
        if end is not None and end.day < 0.0 and not follows:
            world.change(end.day, "food_ug_d", usual)
    protein, low_foods = _food_list(case, world, start)
    return (protein if protein is not None and not case.history.diet else first), low or (low_foods and mixed.food_ug_d > 0.0)


def usual_diet(case: Case) -> Diet:
    """The mixed diet of such a person: older people eat less of it."""
    older = {"male": "mixed_older_man", "female": "mixed_older_woman"}.get(case.person.sex, "mixed")
    name = older if case.age_y >= 65.0 else "mixed"
    return known.find_diet(name) or known.find_diet("mixed") or next(iter(known.diets().values()))


def _usual(world: Builder, diet: Diet, name: str) -> str:
    return world.add(Latent(name, "lognormal", (diet.food_ug_d, diet.log_sd), f"food B12, {diet.name}, ug/d", diet.source))


def _food_list(case: Case, world: Builder, start: float) -> tuple[float | str | None, bool]:
    """A list of foods replaces the diet while it lasts: protein-bound B12 into food, added B12 into crystalline."""
    bound = 0.0
    begins = start
    for entry in case.history.foods:
        row = known.find_food(entry.food)
        if row is None or row.bound != "protein":
            continue
        bound += row.ug_per_100g / 100.0 * entry.grams * entry.times / (7.0 if entry.per == "week" else 1.0)
        begins = min(0.0, max(begins, case.day(entry.from_, start)))
    if not case.history.foods:
        return None, False
    recalled = world.add(Latent("food_list_recall", "lognormal", (1.0, RECALL_LOG_SD), "true over told intake of the food list"))
    value = world.times("food_list_ug_d", recalled, max(bound, 0.01))
    world.change(begins, "food_ug_d", value)
    return value, bound < 2.0


def add_life(case: Case, world: Builder, start: float, end: float, *, past: bool) -> None:
    """Age in steps of at most five years, pregnancy, lactation, habits, glucose, folic acid."""
    step, day = 5.0 * YEAR, start
    while day < end:
        middle = min(end, day + step)
        world.change(day, "age_y", case.age_y + (day + middle) / 2.0 / YEAR)
        day += step
    if not past:
        return
    for time, target, value in life_stages(case):
        world.change(max(start, time), target, value)
    # The body has rates of its own for pregnancy and lactation: their rows in the modifiers table are not written beside them.
    for name, habit in (("alcohol", case.history.alcohol), ("smoking", case.history.smoking)):
        if habit is not None and HABITS.get(habit.level, 0.0) > 0.0:
            world.change(case.day(habit.from_, start), name, HABITS[habit.level])
            if habit.to is not None:
                world.change(case.day(habit.to), name, 0.0)
            for row in known.modifiers().get(name, ()):
                write(world, row, name, case.day(habit.from_, start), case.day(habit.to) if habit.to else None, HABITS[habit.level])
    _folic_acid(case, world, start)
    _glucose(case, world, start)


def life_stages(case: Case) -> list[tuple[float, str, float]]:
    """(day, exposure, value) of pregnancy and lactation, past and to come; the birth is on day 280, nursing lasts a year (assumed)."""
    person = case.person
    stage = person.pregnancy
    if stage in (None, "none", "unknown"):
        return []
    begun = case.moment(person.pregnancy_from)
    if stage == "breastfeeding":
        birth = begun.day if begun is not None else -90.0
        conceived, nursing = birth - PREGNANCY_D, True
    else:
        conceived = begun.day if begun is not None else -STAGE_DAY.get(str(stage), 136.0)
        birth, nursing = conceived + PREGNANCY_D, False
    changes = [(conceived + day, "pregnancy", value) for day, value in TRIMESTERS] + [(birth, "pregnancy", 0.0)]
    if nursing:
        weaned = case.day(person.pregnancy_to, max(birth + LACTATION_D, 30.0))
        changes += [(birth, "lactation", 1.0), (weaned, "lactation", 0.0)]
    return changes


def _folic_acid(case: Case, world: Builder, start: float) -> None:
    rates: list[tuple[float, float, float | str]] = []
    for drug in case.history.drugs:
        rows = known.find_modifier(drug.name, ("nutrient",))
        if rows and rows[0].id == "folic_acid" and drug.dose is not None and drug.unit is not None and convertible(drug.unit, "mg"):
            daily = convert(drug.dose, drug.unit, "mg") * (drug.per_day or 1.0)
            rates.append((case.day(drug.from_, start), case.day(drug.to, 0.0), daily))
    _write_rates(world, "folic_acid_mg_d", rates)


def _glucose(case: Case, world: Builder, start: float) -> None:
    results = []
    for lab in case.labs:
        row = known.find_analyte(lab.analyte)
        if row is not None and row.id == "hba1c" and lab.value is not None and lab.unit is not None and case.day(lab.date) <= 0.0:
            results.append((case.day(lab.date), convert(lab.value, lab.unit, "%", row.molar_mass_g_mol)))
    diabetic = [entry for entry in case.history.conditions if "diabet" in entry.name.lower() and "prediabet" not in entry.name.lower()]
    diabetic_drug = any(drug.name.lower() == "metformin" for drug in case.history.drugs)
    if not results and not diabetic and not diabetic_drug:
        return
    results.sort()
    level: float | str
    if results:
        level = results[0][1]
    else:
        level = world.add(Latent("hba1c", "lognormal", (HBA1C_DIABETES, HBA1C_LOG_SD), "HbA1c in diabetes, not measured"))
    begun: float | str = start
    if diabetic or diabetic_drug:
        begun = dated(case, world, "diabetes_from", case.moment(diabetic[0].from_) if diabetic else None, YEARS_OF_CONDITION)
        world.change(start, "hba1c_percent", HBA1C_NORMAL)
    world.change(begun, "hba1c_percent", level)
    for day, value in results[1:]:
        world.change(day, "hba1c_percent", value)


def add_nitrous_oxide(case: Case, world: Builder, start: float) -> bool:
    """Pulses of use, the last forty one by one, earlier use as its mean share of time. True when there was any."""
    for number, use in enumerate(case.history.nitrous_oxide):
        _one_use(case, world, use, f"nitrous_oxide_{number}", start)
    return bool(case.history.nitrous_oxide)


def hours_per_canister() -> float:
    """Hours at 50 % that one canister of 8 g is worth."""
    return 24.0 / float(known.modifiers()[CANISTERS][0].reference_dose or 1000.0)


def use_hours(use: NitrousOxide) -> tuple[float, float]:
    """Hours at 50 % each time, and the log-SD of what is not known about it."""
    if use.hours_per_use is not None:
        return use.hours_per_use, 0.2
    if use.canisters_per_day is not None:
        return min(22.0, use.canisters_per_day * hours_per_canister()), CANISTER_LOG_SD
    return (ANAESTHETIC_HOURS if use.pattern == "single" else USE_HOURS), HOURS_LOG_SD


def _one_use(case: Case, world: Builder, use: NitrousOxide, name: str, start: float) -> None:
    hours, spread = use_hours(use)
    level = world.add(Latent(f"{name}_level", "lognormal", (1.0, spread), "how deep each use was, 1 = 50 % inhaled"))
    length = hours / 24.0
    last = min(0.0, case.day(use.last_use or use.to, -1.0 if use.pattern != "single" else case.day(use.from_, -1.0)))
    if use.pattern == "single":
        days = [case.day(use.from_ or use.last_use, last)]
    else:
        first = max(start, case.day(use.from_, last - UNDATED_USE_D))
        gap = DAYS_BETWEEN[use.pattern]
        count = max(1, int((last - first) / gap + 1e-9) + 1)
        days = [last - gap * place for place in range(min(count, MAX_PULSES))][::-1]
        if use.pattern == "weekends":
            days = [last - 7.0 * (place // 2) - (place % 2) for place in range(min(count, MAX_PULSES))][::-1]
        if count > MAX_PULSES:
            world.change(first, "nitrous_oxide", world.times(f"{name}_mean", level, length / gap), name)
            world.change(days[0] - 1e-3, "nitrous_oxide", 0.0, name)
    for day in days:
        # A use dated on as_of itself had ended by then.
        begin = min(day, -length)
        world.change(begin, "nitrous_oxide", level, name)
        world.change(min(0.0, begin + length), "nitrous_oxide", 0.0, name)


def add_given(case: Case, world: Builder, start: float) -> list[tuple[Given, str]]:
    """B12 taken before `as_of`: doses, and small or old daily amounts as a rate. Gives what still goes on at `as_of`, with its name."""
    rates: list[tuple[float, float, float | str]] = []
    going_on: list[tuple[Given, str]] = []
    entries = [(given, f"past_b12_{number}") for number, given in enumerate(case.history.past_b12)]
    entries += [(given, f"treatment_{number}") for number, given in enumerate(case.treatments) if case.day(given.from_, 0.0) < 0.0]
    for given, name in entries:
        product = product_of(given)
        dose = dose_ug(given)
        end = min(0.0, case.day(given.to, 0.0))
        taken = adherence(world, name, given.adherence, product)
        if given.to is None and given.count is None and given.days is None:
            going_on.append((given, name))
        begin = case.day(given.from_, max(start, end - YEAR))
        swallowed = KIND_OF_ROUTE[product.route] == "oral"
        gap = _gap(given)
        if swallowed and given.days is None and dose / gap <= CRYSTALLINE_LIMIT_UG_D and gap <= 2.0:
            rates.append((begin, end, world.times(f"{name}_ug_d", taken, dose / gap)))
            continue
        exact_from = begin
        if swallowed and given.days is None and gap <= 2.0 and begin < -EXACT_DOSES_D:
            exact_from = min(end, -EXACT_DOSES_D)
            rates.append((begin, exact_from, world.times(f"{name}_ug_d", taken, dose / gap)))
        for day in dose_days(case, given, exact_from, end):
            world.doses.append(dose_event(day, product, dose, taken))
    for number, entry in enumerate(case.history.foods):
        row = known.find_food(entry.food)
        if row is not None and row.bound == "crystalline":
            daily = row.ug_per_100g / 100.0 * entry.grams * entry.times / (7.0 if entry.per == "week" else 1.0)
            told = world.times(f"fortified_{number}", "food_list_recall", daily)
            rates.append((case.day(entry.from_, start), case.day(entry.to, 0.0), told))
    _write_rates(world, "crystalline_ug_d", rates)
    return going_on


def _write_rates(world: Builder, target: str, rates: Sequence[tuple[float, float, float | str]]) -> None:
    """Overlapping daily rates as one exposure: at each beginning and end, the sum of what is taken then. An end at 0 leaves it going on."""
    breaks = sorted({begin for begin, _, _ in rates} | {end for _, end, _ in rates if end < 0.0})
    for number, day in enumerate(breaks):
        parts = [value for begin, end, value in rates if begin <= day < end or (begin <= day and end >= 0.0)]
        world.change(day, target, world.total(f"{target}_{number}", *parts) if parts else 0.0)


def product_of(given: Given) -> Product:
    """The product that was given; where form or route is not known, cyanocobalamin into the muscle or by mouth (assumed)."""
    found = known.find_product(given.product) if given.product else None
    found = found or known.product_for(given.form, given.route) or known.product_for(None, given.route)
    found = found or known.product_for(given.form, "intramuscular") or known.product_for("cyanocobalamin", "intramuscular")
    return found or next(iter(known.products().values()))


def dose_ug(given: Given) -> float:
    """One dose in ug; a usual one where it was not stated."""
    if given.dose_ug is not None:
        return given.dose_ug
    return convert(given.dose, given.unit, "ug") if given.dose is not None and given.unit is not None else USUAL_DOSE_UG


def dose_event(day: float, product: Product, amount_ug: float, taken: float | str, phase: int = -1) -> DoseEvent:
    """A dose as the body takes it. Of a nasal spray the body takes one share for all (a parameter); forms that the nose takes better or
    worse count as more or less of it."""
    kind = KIND_OF_ROUTE[product.route]
    if kind == "nasal" and product.bioavailability:
        amount_ug *= product.bioavailability / parameters()["nasal_bioavailability"].value
    return DoseEvent(day, kind, product.form_class, amount_ug / MOLAR_MASS_G_MOL * 1000.0, taken, product.id, phase)


def adherence(world: Builder, name: str, stated: float | None, product: Product) -> float | str:
    """The chance that each dose is taken: as stated; injections are given; what is swallowed at home is drawn."""
    if stated is not None:
        return stated
    if KIND_OF_ROUTE[product.route] in ("injected", "intravenous"):
        return 1.0
    return world.add(Latent(f"{name}_adherence", "beta", ADHERENCE, "share of doses taken; not stated"))


def _gap(given: Given) -> float:
    """Days between doses."""
    between = given.every_days or (7.0 / given.per_week if given.per_week else 1.0)
    return between / (given.times_per_day or 1.0)


def dose_days(case: Case, given: Given, begin: float, end: float) -> list[float]:
    """Days of doses from `begin` up to but not including `end`."""
    if given.days is not None:
        return sorted(day for day in (case.day(when) for when in given.days) if begin <= day < end or (day < 0.0 and day < end))
    if given.count == 1 or (given.every_days is None and given.per_week is None and given.times_per_day is None and given.count is None
                            and KIND_OF_ROUTE[product_of(given).route] != "oral" and given.to is None):  # fmt: skip
        return [begin] if begin < end else []
    gap = _gap(given)
    number = int((end - begin) / gap - 1e-9) + 1 if end > begin else 0
    return [begin + gap * place for place in range(min(number, given.count or number))]
