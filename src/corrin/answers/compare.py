"""Which treatment? (Q4) Plans side by side in the same drawn people: the course, the differences, what each asks of the person."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corrin.answers.assemble import Options, assemble
from corrin.answers.assess.advice import cautions
from corrin.answers.compare_record import Burden, Compare, Difference, SideEffect, Supply
from corrin.answers.computed import Computed, Course
from corrin.answers.forecast import DAYS_PER_YEAR, chosen_plans, intended, person_of, subject
from corrin.answers.keep import keep
from corrin.answers.recognise import first_of_all
from corrin.answers.run import draw_people, run
from corrin.answers.summary import normalised, quantiles
from corrin.case import known
from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.errors import InputError, expect_all
from corrin.facts.pain import treatments
from corrin.facts.reader import products
from corrin.facts.rows import Product
from corrin.guides.person import facts_of
from corrin.settings import checked

MONTHS = (1.0, 3.0, 6.0, 12.0, 24.0)
MONTH = DAYS_PER_YEAR / 12.0
FIRST_YEAR_D = 365.0
COMPARED = (
    "serum_b12", "holotranscobalamin", "mma", "homocysteine", "haemoglobin", "mcv", "function_foot", "function_hand", "function_motor",
    "function_dorsal", "function_lateral", "function_optic", "function_cognition", "score", "symptom_tingling", "symptom_numbness",
    "symptom_weakness", "symptom_gait", "symptom_vision", "symptom_cognition",
)  # fmt: skip
INJECTED = ("intramuscular", "subcutaneous", "intravenous")
SWALLOWED = ("oral", "sublingual")
KNOWN_EFFECTS = (
    (("intramuscular", "subcutaneous", "intravenous"), ("methylcobalamin",), "methylcobalamin_im"),
    (("intramuscular", "subcutaneous", "intravenous"), ("cyanocobalamin", "hydroxocobalamin"), "b12_im"),
    (("oral", "sublingual"), ("methylcobalamin",), "methylcobalamin_oral"),
)
"""Routes and forms -> row of the table of treatments whose side effects are theirs."""
TINY = 1e-9

Source = str | Path | Mapping[str, Any]


def compare(
    case: Case | Source,
    plans: Sequence[Plan | Source] | None = None,
    years: float = 2.0,
    draws: int = 1000,
    seed: int = 1,
    prices: Sequence[str] | Mapping[str, float] = (),
    progress: Callable[[str, float], None] | None = None,
) -> Compare:
    """Two or more plans side by side for one person; without plans: no treatment, injections and tablets.

    `prices`: what one unit (an ampoule, a tablet) of a product costs, as `product=amount`; corrin knows no prices. Differences are of the
    state of the body, against the first plan, in the same drawn people.
    """
    years, draws, seed = checked("years", years), checked("draws", draws), checked("seed", seed)
    person = person_of(case)
    chosen = chosen_plans(person, plans, years)
    if len(chosen) < 2:
        raise InputError("--plan", f"one plan ({chosen[0].name})", "two or more to compare", "`corrin forecast` shows a single plan.")
    if years * DAYS_PER_YEAR + 1.0 < MONTHS[0] * MONTH:
        raise InputError("--years", f"{years:g}", "a month or more (0.1)", "Plans are compared at 1, 3, 6, 12 and 24 months.")
    costs = read_prices(prices)
    horizon = years * DAYS_PER_YEAR
    tell = progress or (lambda what, share: None)
    people = draw_people(person, draws, seed, lambda what, share: tell(what, 0.7 * share))
    computed = run(person, chosen, years, draws, seed, lambda what, share: tell(what, 0.7 * share), beside=False, people=people)
    forecast = assemble(subject(person), [intended(plan, horizon) for plan in chosen], computed, Options(years, draws, seed))
    months = tuple(month for month in MONTHS if month * MONTH <= horizon + 1.0)
    answer = Compare(
        forecast=forecast.model_copy(update={"question": "compare"}),
        first=first_of_all(person),
        months=months,
        differences=tuple(differences(computed, [plan.name for plan in chosen], months)),
        burdens=tuple(burden(plan, horizon, costs) for plan in chosen),
        side_effects=side_effects(person, chosen),
        keep=keep(person, people, seed, lambda what, share: tell(what, 0.7 + 0.3 * share)),
    )
    tell("done", 1.0)
    return answer


def differences(computed: Computed, names: Sequence[str], months: Sequence[float]) -> list[Difference]:
    """Each plan less the first, person by person, at each month."""
    good = np.asarray(computed.weights) > 0
    weights = normalised(np.asarray(computed.weights, dtype=np.float64)[good])
    first, *others = names
    found = []
    for name in others:
        for reading in COMPARED:
            info = computed.readings.get(reading)
            if info is None or reading not in computed.futures[name].values:
                continue
            for month in months:
                change = at(computed.futures[name], reading, month) - at(computed.futures[first], reading, month)
                low, middle, high = (float(value) for value in quantiles(change[good], weights, (0.05, 0.5, 0.95))[:, 0])
                found.append(
                    Difference(
                        reading=reading, label=info.label, unit=info.unit, plan=name, against=first, month=month, p05=low, p50=middle,
                        p95=high, clear=low > TINY or high < -TINY,
                    )
                )  # fmt: skip
    return found


def at(course: Course, reading: str, month: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A reading of every draw so many months ahead, by straight lines between the times of the course."""
    times, values = course.time_days, np.asarray(course.values[reading])
    day = min(month * MONTH, float(times[-1]))
    after = int(np.clip(np.searchsorted(times, day), 1, len(times) - 1))
    part = (day - times[after - 1]) / (times[after] - times[after - 1])
    return np.asarray(values[:, after - 1] * (1.0 - part) + values[:, after] * part)


def burden(plan: Plan, horizon_days: float, prices: Mapping[str, float]) -> Burden:
    """Doses and units, counted from the plan; a phase that ends by a rule counts with its expected length."""
    table = products()
    doses = [(day + plan.start_day, product, ug) for day, product, ug in plan.doses(horizon_days - plan.start_day)]
    supplies = []
    for product in dict.fromkeys(name for _, name, _ in doses):
        row, price = table[product], prices.get(product)
        mine = [(day, units(row, ug)) for day, name, ug in doses if name == product]

        def before(days: float, mine: Sequence[tuple[float, int]] = mine) -> list[int]:
            return [number for day, number in mine if day < days]

        year, whole = sum(before(FIRST_YEAR_D)), sum(before(math.inf))
        supplies.append(
            Supply(
                product=product, name=row.name, route=row.route, doses_3_months=len(before(3 * MONTH)),
                doses_first_year=len(before(FIRST_YEAR_D)), doses_all=len(mine), units_first_year=year, units_all=whole, price=price,
                cost_first_year=None if price is None else price * year, cost_all=None if price is None else price * whole,
            )
        )  # fmt: skip

    def total(routes: Sequence[str], key: str) -> int:
        return sum(getattr(supply, key) for supply in supplies if supply.route in routes)

    return Burden(
        plan=plan.name, title=plan.title or plan.name, supplies=tuple(supplies),
        injections_first_year=total(INJECTED, "doses_first_year"), injections_all=total(INJECTED, "doses_all"),
        tablets_first_year=total(SWALLOWED, "units_first_year"), tablets_all=total(SWALLOWED, "units_all"),
        ends_by_rule=any(phase.until is not None for phase in plan.all_phases),
    )  # fmt: skip


def units(product: Product, dose_ug: float) -> int:
    """Fewest units of one strength that make the dose; where none divides it, of the largest strength, begun units counted whole."""
    whole = [round(dose_ug / strength) for strength in product.strengths_ug if abs(dose_ug / strength - round(dose_ug / strength)) < TINY]
    fewest = [number for number in whole if number >= 1]
    return min(fewest) if fewest else max(1, math.ceil(dose_ug / max(product.strengths_ug, default=dose_ug) - TINY))


def side_effects(case: Case, plans: Sequence[Plan]) -> tuple[SideEffect, ...]:
    """What to know of the products in the plans, from the table of treatments, and the safety rules that hold for this person."""
    table, rows = products(), treatments()
    found: dict[str, tuple[str, list[str]]] = {}
    for plan in plans:
        used = {
            known_product.id for phase in plan.all_phases for step in phase.steps if (known_product := known.find_product(step.product))
        }
        for product in sorted(used):
            for routes, forms, name in KNOWN_EFFECTS:
                row = rows.get(name)
                if row is not None and table[product].route in routes and table[product].form in forms:
                    found.setdefault(row.side_effects, (", ".join(row.sources), []))[1].append(plan.name)
    effects = [SideEffect(text=text, plans=tuple(dict.fromkeys(of)), source=source) for text, (source, of) in found.items()]
    treated = tuple(plan.name for plan in plans if plan.all_phases)
    if treated:
        effects += [SideEffect(text=rule["says"], plans=treated, source=rule["id"]) for rule in cautions(facts_of(case))["rules"]]
    return tuple(effects)


def read_prices(prices: Sequence[str] | Mapping[str, float]) -> dict[str, float]:
    """Product id -> price of one unit. Raises `InputError` with its place."""
    expect_all(prices, str, "--price", "product=amount, such as hydroxocobalamin-intramuscular=2.50")
    pairs = list(prices.items()) if isinstance(prices, Mapping) else [tuple(text.rsplit("=", 1)) for text in prices]
    found: dict[str, float] = {}
    for pair in pairs:
        if len(pair) != 2:
            raise InputError("--price", ascii(pair[0])[:60], "product=amount, such as hydroxocobalamin-intramuscular=2.50")
        name, amount = str(pair[0]).strip(), pair[1]
        row = known.find_product(name)
        if row is None:
            near = known.near_products(name)
            cure = f"Did you mean {' or '.join(near)}?" if near else "`corrin products` lists them."
            raise InputError("--price", f"{ascii(name)[:60]} is not a product", "", cure)
        try:
            price = float(amount)
        except (TypeError, ValueError):
            price = math.nan
        if not 0.0 <= price <= 1e6:
            raise InputError("--price", f"{name}={ascii(amount)[:40]}", "an amount from 0 to 1,000,000", "One unit's price, with a point.")
        if row.id in found:
            raise InputError("--price", f"{row.id} named twice", "each product once")
        found[row.id] = price
    return found
