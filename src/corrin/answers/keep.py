"""The smallest plan, and the longest interval between injections, that keep a person replete. Never offered where the guideline decides.

*Replete*, for one drawn person: activity of the enzymes that need B12 above the floor at which nerves begin to come to harm, and
methylmalonic acid under the limit for that person's kidneys, at every reading from `FROM_MONTHS` on, troughs before a dose included. Both
limits are those of `corrin assess`. It is biochemical only: symptoms decide, and nobody is told that an injection came too soon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corrin.answers import recovery
from corrin.answers.assess.advice import chosen, extra
from corrin.answers.assess.function import mma_limit
from corrin.answers.compare_record import Advised, Keep, Rung
from corrin.answers.computed import Floats
from corrin.answers.features import nitrous_oxide
from corrin.answers.recovery import Chance
from corrin.answers.summary import effective_sample_size, normalised
from corrin.answers.unknown import unknowns
from corrin.case.case import Case
from corrin.case.exposures import dose_days, product_of
from corrin.case.plan import Phase, Plan, Step, built_in_plans
from corrin.case.world import world
from corrin.facts.deficiency import Deficiency, deficiency
from corrin.guides.apply import RED_FLAGS, apply
from corrin.guides.logic import Truth, evaluate
from corrin.guides.person import facts_of
from corrin.guides.reader import definitions_of, read_guide

if TYPE_CHECKING:
    from corrin.inference.update import People

KEPT = 0.95
"""Share of the draws that must stay replete."""
FROM_MONTHS, MONTH = 3.0, 365.25 / 12
INJECTION_YEARS, TABLET_YEARS = 10.0, 4.0
"""How far ahead the rungs are followed: stores fall slowly; daily doses cost more to compute."""
KEEP_DRAWS = 256
INJECTED = {
    "hydroxocobalamin-intramuscular": (28.0, 61.0, 84.0, 122.0, 182.0, 365.0),
    "cyanocobalamin-intramuscular": (30.0, 61.0, 91.0, 182.0),
}
"""Days between injections of 1 mg that are tried: those of labels and formularies (monthly to twice a year), some between, one beyond."""
TABLETS = ("oral-10-daily", "oral-50-daily", "oral-150-daily", "oral-1000-daily", "oral-2000-daily")
"""Daily tablets that are tried, smallest first."""
LOADING = Step(product="hydroxocobalamin-intramuscular", dose_ug=1000.0, per_week=3)
LOADING_DAYS, LAST_LOADING_DAY = 14.0, 11.0
LOADING_GAP_D, LOADING_NUMBER = 21.0, 2
"""So many injections within so many days before today: loading is under way (assumed; maintenance is monthly or rarer everywhere)."""


def activity(people: People, readings: Mapping[str, Floats]) -> Floats:
    """B12 function in per cent of a replete person: both enzymes by their weight for nerve. What lack of folate takes of one of them is
    given back, because it is no lack of B12; the table behind `corrin assess` is made the same way. Readings are (draws, times)."""
    from corrin.inference.population import the_kernel

    names = the_kernel().model.parameters
    share, folate = (people.parameters[:, names.index(name), None] for name in ("methylation_weight", "folate_status"))
    return np.asarray(share * readings["activity_methylation"] / folate + (1.0 - share) * readings["activity_mutase"])


def limits(table: Deficiency, egfr: Floats) -> Floats:
    """Upper limit of methylmalonic acid for each filtration, nmol/L: that of `assess` (`function.mma_limit`)."""
    known, place = np.unique(np.round(egfr, 1), return_inverse=True)
    return np.array([mma_limit(table, float(value)) for value in known])[place].reshape(np.shape(egfr))


def is_replete(people: People, readings: Mapping[str, Floats]) -> NDArray[np.bool_]:
    """Whether each draw is replete at each time (draws, times)."""
    table = deficiency()
    return np.asarray((activity(people, readings) > table.floor_percent) & (readings["mma"] < limits(table, readings["egfr"])))


def replete_today(people: People) -> float:
    """Share of the draws that are replete at day 0, before any plan."""
    from corrin.inference.population import the_kernel

    now = people.run.readings[np.arange(people.count), people.history.row_of[0.0]]
    readings = {name: now[:, place, None] for place, name in enumerate(the_kernel().model.readings)}
    return float(normalised(people.weights)[is_replete(people, readings)[:, 0]].sum())


def kept(case: Case, people: People, plan: Plan, years: float, seed: int) -> Chance:
    """Share of the draws that are replete under a plan at every reading from `FROM_MONTHS` on, with its band."""
    from corrin.inference.ahead import follow
    from corrin.inference.population import population, the_kernel

    course = follow(case, world(case), plan, years, people, the_kernel(), population(), seed)
    later = course.times >= FROM_MONTHS * MONTH
    weights = normalised(np.where(course.failed, 0.0, people.weights))
    yes = is_replete(people, course.readings)[:, later].all(axis=1).astype(float)
    found = recovery.chance(yes, weights, min(people.effective, effective_sample_size(weights)), _unmeasured(case, people, seed))
    share = min(float(weights @ yes), 1.0)
    return Chance(share, share, share) if found is None else Chance(share, min(found.low, share), max(found.high, share))


def _unmeasured(case: Case, people: People, seed: int) -> Floats:
    """What nobody has measured of how a store empties (draws, terms)."""
    from corrin.engine.draw import normals
    from corrin.inference.population import population, the_kernel

    known = unknowns(people, population(), world(case).latents, the_kernel().model.parameters)
    noise = {name: normals(seed, f"unmeasured_{name}", people.count) for name in known}
    return recovery.shared(known, noise, recovery.EMPTIES)


def thinned(people: People, wanted: int) -> People:
    """Evenly spread draws, at most so many: copies of one ancestor stand side by side, so each ancestor keeps its part."""
    if people.count <= wanted:
        return people
    chosen = np.linspace(0, people.count - 1, wanted).astype(np.int64)
    past = replace(people.history, row_of={day: row[chosen] for day, row in people.history.row_of.items()})
    run = replace(people.run, readings=people.run.readings[chosen], failed=people.run.failed[chosen])
    return replace(
        people, z={name: z[chosen] for name, z in people.z.items()}, parameters=people.parameters[chosen],
        values={name: value[chosen] for name, value in people.values.items()}, state=people.state[chosen], weights=people.weights[chosen],
        history=past, run=run,
    )  # fmt: skip


def why_not(case: Case) -> tuple[str, ...]:
    """Reasons for which no smallest plan and no interval is computed; empty when there is none."""
    facts, definitions = facts_of(case), definitions_of(read_guide(RED_FLAGS))

    def holds(name: str) -> bool:
        return evaluate(name, facts, definitions).truth is Truth.YES

    found = []
    if holds("neurological") or holds("optic") or holds("cord"):
        found.append(SIGNS)
    if facts.get("pregnant") is True:
        found.append("pregnancy")
    if any(result.clause.id == "RF-ANAEMIA" for result in apply(RED_FLAGS, facts).speaking):
        found.append("severe anaemia")
    if nitrous_oxide(case):
        found.append(GAS)
    if loading(case):
        found.append("injections are still being given as loading")
    return tuple(found)


def loading(case: Case) -> bool:
    """Whether injections within the last weeks are as close together as only loading has them."""
    recent = 0
    for given in (*case.history.past_b12, *case.treatments):
        begin = case.day(given.from_, -1e9)
        if begin < 0.0 and case.day(given.to, 0.0) >= -LOADING_GAP_D and product_of(given).route in ("intramuscular", "subcutaneous"):
            days = dose_days(case, given, max(begin, -LOADING_GAP_D * 20.0), 1e-9)
            recent += sum(-LOADING_GAP_D <= day <= 0.0 and day <= case.day(given.to, 0.0) for day in days)
    return recent >= LOADING_NUMBER


SIGNS = "there are signs of nerves, cord, eye or thinking"
GAS = "nitrous oxide was used, which switches B12 off whatever its level"
FORMULARY = "uk-bnf-2024"
"""It says in doses what nerve signs call for, which not every guideline does."""


def advised(case: Case, reasons: tuple[str, ...] = ()) -> tuple[Advised, ...]:
    """What the guideline of the person's country says of treatment, clause by clause, injections first.

    With nerve signs or nitrous oxide among the `reasons` the formulary stands beside it, and clauses on tablets alone, which speak of
    people in general, are left out where a clause on injections speaks.
    """
    facts, nerves = facts_of(case), SIGNS in reasons or GAS in reasons
    names, _ = chosen(case, ())
    found: list[tuple[bool, Advised]] = []
    for name in dict.fromkeys((*names, *extra(facts, names), *((FORMULARY,) if nerves else ()))):
        result = apply(name, facts)
        for row in result.speaking:
            treat = [then for then in row.follows if then.kind == "treat"]
            if treat:
                said = Advised(
                    guide=result.profile.title,
                    issuer=result.profile.issuer,
                    clause=row.clause.id,
                    text=" ".join(then.text for then in treat),
                    plans=tuple(then.plan for then in treat if then.plan),
                    recalled=row.clause.standing == "not verified",
                )
                found.append((all(then.route == "oral" for then in treat), said))
    injected = [said for tablets, said in found if not tablets]
    return tuple(injected) if nerves and injected else tuple(said for _, said in sorted(found, key=lambda pair: pair[0]))


def injections(product: str, every_days: float, first: bool) -> Plan:
    """1 mg every so many days; `first`: six injections in two weeks before, the next one interval after the last of them."""
    name = f"keep-{product.split('-')[0]}-{every_days:g}d"
    if not first:
        return Plan(format="corrin.plan/1", name=name, steps=(Step(product=product, dose_ug=1000.0, every_days=every_days),))
    begin = Phase(name="loading", for_days=LOADING_DAYS, steps=(LOADING.model_copy(update={"product": product}),))
    then = Step(product=product, dose_ug=1000.0, every_days=every_days, from_day=LAST_LOADING_DAY + every_days - LOADING_DAYS)
    return Plan(format="corrin.plan/1", name=name, phases=(begin, Phase(name="maintenance", steps=(then,))))


def keep(case: Case, people: People, seed: int, progress: Callable[[str, float], None] | None = None) -> Keep:
    """The ladder of daily tablets and of intervals; or, where the guideline decides, its words and the reason.

    Every rung is simulated with the same people, who begin after loading where they are not yet replete.
    """
    table, today, reasons = deficiency(), replete_today(people), why_not(case)
    few = thinned(people, KEEP_DRAWS)
    common = {
        "floor_percent": table.floor_percent, "mma_limit_nmol_l": table.mma_limit_nmol_l, "wanted": KEPT, "from_months": FROM_MONTHS,
        "draws": few.count, "years_injections": INJECTION_YEARS, "years_tablets": TABLET_YEARS, "replete_today": today,
        "advised": advised(case, reasons),
    }  # fmt: skip
    if reasons:
        return Keep(**common, reasons=reasons)
    tell = progress or (lambda what, share: None)
    first = today < KEPT
    rungs: list[Rung] = []
    for product, ladder in INJECTED.items():
        for days in ladder:
            tell(f"injections every {days:g} days", 0.5 * len(rungs) / sum(map(len, INJECTED.values())))
            chance = kept(case, few, injections(product, days, first), INJECTION_YEARS, seed)
            rungs.append(
                Rung(product=product, kind="injection", dose_ug=1000.0, every_days=days, chance=chance.p, low=chance.low, high=chance.high)
            )
    rungs += _tablets(case, few, seed, tell)
    return Keep(**common, loading_first=first, rungs=tuple(rungs))


def _tablets(case: Case, people: People, seed: int, tell: Callable[[str, float], None]) -> list[Rung]:
    """The two tablets between which the share passes what is wanted, found by halving: a higher dose never keeps fewer replete."""
    held: dict[int, Chance] = {}

    def at(place: int) -> Chance:
        if place not in held:
            plan = built_in_plans()[TABLETS[place]]
            tell(f"plan {plan.name}", 0.5 + len(held) / 6.0)
            held[place] = kept(case, people, plan, TABLET_YEARS, seed)
        return held[place]

    low, high = 0, len(TABLETS) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if at(middle).p >= KEPT else (middle + 1, high)
    at(low)
    steps: Mapping[int, Step] = {place: built_in_plans()[TABLETS[place]].steps[0] for place in held}
    return [
        Rung(
            product="cyanocobalamin-oral",
            kind="tablet",
            dose_ug=steps[place].dose_ug,
            every_days=1.0,
            chance=found.p,
            low=found.low,
            high=found.high,
        )
        for place, found in sorted(held.items())
    ]
