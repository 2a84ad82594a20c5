"""How common is B12 deficiency in a population, and what would a policy do: flour with B12, tests on metformin, tablets for vegans?"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.assemble import machine, versions
from corrin.answers.population_record import Anchor, Estimate, Outcome, PopulationAnswer, Prevalence, ScenarioSaid
from corrin.answers.population_run import (
    BAND_NAMES,
    BIN_LOG,
    COUNTED,
    GROUPS,
    HIGH_B12_PMOL_L,
    LEAST_LOG,
    LOW_B12_PMOL_L,
    MARKERS,
    OUTCOMES,
    OUTSIDE,
    Counted,
    Job,
    block,
    jobs,
    ready,
)
from corrin.answers.record import Made
from corrin.case.plan import built_in_plans
from corrin.errors import InputError
from corrin.settings import checked
from corrin.studies.crowd import MOST_PEOPLE, Design, People, Scenario, read_design

Floats = NDArray[np.float64]
Z90 = 1.6448536269514722
FEW = 400
"""People of a band or group below which a number is left out: its interval would say nothing."""
LEAST_REPORTED = 200
"""People below which a reported figure is not set beside theirs."""
LEAST_FOR_REPLICATES = 50
"""People of a replicate below which its own mean says nothing of what is not known."""


def population(
    design: Design | str | Path | Mapping[str, Any],
    people: int | None = None,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> PopulationAnswer:
    """The whole answer on this machine, nothing written. `design`: a file, a text, a dict, or the name of one that comes with corrin.

    Raises `InputError`. For millions of people, rows of every person and several machines: `corrin population` (shells/store.py).
    """
    made = design if isinstance(design, Design) else read_design(design)
    count, seed = counted_people(made, people), checked("seed", seed)
    tell = progress or (lambda what, share: None)
    tell("loading the model", 0.0)
    parts = []
    asked = jobs(made.to_dict(), count, seed, rows=False)
    for number, job in enumerate(asked):
        parts.append(block(job)[0])
        tell("simulating people", (number + 1) / len(asked))
    return answered(made, count, seed, parts)


def counted_people(design: Design, people: int | None) -> int:
    """How many people; raises `InputError` for none or too many."""
    count = design.count if people is None else people
    if isinstance(count, bool) or not 1 <= count <= MOST_PEOPLE:
        raise InputError("--people", f"{count}", f"a whole number from 1 to {MOST_PEOPLE:,}")
    return count


def answered(design: Design, people: int, seed: int, parts: Iterable[Counted]) -> PopulationAnswer:
    """The answer from the counts of all blocks, in any order."""
    total = reduce(lambda one, other: one + other, parts)
    policy = ready(design.to_dict(), seed)
    days = np.array(design.days())
    from corrin.facts.deficiency import deficiency

    table = deficiency()
    asked = json.dumps(design.to_dict(), sort_keys=True)
    warned = _warnings(design, people, total)
    from corrin.answers.check_run import basis
    from corrin.inference.population import calibration_state

    rests = basis()
    return PopulationAnswer(
        name=design.name,
        title=design.title or design.name,
        description=design.description,
        people=people,
        years=design.years,
        who=_who(design.people),
        reference=design.reference,
        scenarios=tuple(ScenarioSaid(name=one.name, title=one.title or one.name, does=does(one)) for one in design.scenario),
        definitions={
            "function": f"the enzymes that need B12 work at less than {table.floor_percent:g} % of a replete person's (state)",
            "mma": f"methylmalonic acid above {table.mma_limit_nmol_l:g} nmol/L, a limit raised as the kidneys fail (as reported)",
            "b12": f"serum B12 below {LOW_B12_PMOL_L:g} pmol/L (as a laboratory would report)",
            "b12_high": f"serum B12 above {HIGH_B12_PMOL_L:g} pmol/L (as a laboratory would report)",
        },
        prevalence=tuple(_prevalence(design, days, total)),
        outcomes=tuple(_outcomes(design, total)),
        anchors=tuple(_anchors(design, total)),
        assumed=ASSUMED,
        sources=tuple(design.sources),
        warnings=tuple(warned),
        made=Made(
            versions=versions(),
            hashes=rests.hashes,
            seed=seed,
            draws=people,
            effective_sample_size=float(people - total.failed),
            options={"replicates": design.replicates, "people": people},
            input_hash=hashlib.sha256(asked.encode()).hexdigest(),
            platform=machine(),
            failed_people=total.failed,
            monte_carlo_error=1.0 / math.sqrt(max(people, 1)),
            calibration=calibration_state(),
            certificate=policy.error,
        ),
        inputs={"design": design.to_dict(), "people": people},
    )


ASSUMED = (
    "The same people are followed: nobody dies, is born or moves; drugs and diet stay as they are unless the scenario changes them.",
    "Who grows older falls ill as often as the older are ill today (autoimmune gastritis, food-bound malabsorption).",
    "How often causes nobody asked about are there is a judgement within what surveys of antibodies and of gastric atrophy found.",
    "Illnesses and drugs go on, so they last longer at the end than at the start at the same age, and deficiency rises when nothing is "
    "done. Compare scenarios at one time, not years under one scenario.",
    "Tablets taken every day count as a steady daily amount, injections as single doses.",
)


def does(scenario: Scenario) -> str:
    """A scenario in a sentence."""
    said = []
    if scenario.fortification is not None:
        food = scenario.fortification
        said.append(
            f"{food.ug_per_100g:g} ug B12 in 100 g of a food of which {100 * food.reaches:.0f} % of people eat {food.eaten_g_d:g} g a day "
            f"(median), {100 * food.kept:.0f} % of it left"
        )
    if scenario.supplement is not None:
        tablet = scenario.supplement
        said.append(
            f"{tablet.ug_d:g} ug a day for {whom(tablet.who)}: {100 * tablet.taken_up:.0f} % begin, and take it on "
            f"{100 * tablet.adherence:.0f} % of days (median)"
        )
    if scenario.screening is not None:
        test = scenario.screening
        plan = built_in_plans()[test.treatment]
        often = "year" if test.every_years == 1.0 else f"{test.every_years:g} years"
        said.append(
            f"serum B12 of {whom(test.who)} every {often} ({100 * test.attends:.0f} % come); below "
            f"{test.below_pmol_l:g} pmol/L: {plan.title or plan.name}"
        )
    if scenario.plan is not None:
        plan = built_in_plans()[scenario.plan]
        said.append(f"everybody is given {plan.title or plan.name}")
    return "; ".join(said) or "nothing is done"


def whom(group: Any) -> str:
    """A group in words."""
    said = [f"people on {group.drug}"] if group.drug else []
    said += [f"people whose diet is {group.diet.replace('_', ' ')}"] if group.diet else []
    if group.age_from_y is not None or group.age_to_y is not None:
        said.append(f"people of {group.age_from_y or 20:g} to {group.age_to_y or 100:g} years")
    return " who are ".join(said) or "everybody"


def _who(people: People) -> tuple[str, ...]:
    said = []
    bands = ", ".join(f"{band.low_y:g}-{band.high_y:g}" for band in people.ages)
    said.append(f"ages {bands}, weighted" if bands else "ages and sex as in NHANES 1999-2002 (a subset, not nationally representative)")
    if people.female_share is not None:
        said.append(f"{100 * people.female_share:.0f} % women")
    long = "for life" if people.diet_years is None else f"for a median of {people.diet_years:g} years"
    said += [f"{100 * share:.0f} % on the diet {name.replace('_', ' ')}, {long}" for name, share in people.diets.items()]
    said += [f"{100 * share:.0f} % take {name}" for name, share in people.drugs.items()]
    said += [f"{name.replace('_', ' ')} {factor:g} times as common as in the community" for name, factor in people.causes.items()]
    if people.tablets == "none":
        said.append("nobody takes B12 today")
    return tuple(said)


def _warnings(design: Design, people: int, total: Counted) -> list[str]:
    said = []
    if people / design.replicates < LEAST_FOR_REPLICATES:
        said.append(
            f"{people} people in {design.replicates} replicates are too few to tell chance from what is not known; the intervals are wide. "
            "Ask for more (--people)."
        )
    if total.failed:
        said.append(f"{total.failed} people could not be computed and are left out.")
    return said


def share(hits: Floats, people: Floats) -> Estimate:
    """A share with its interval, from counts by replicate. The spread between replicates beyond chance is what is not known of typical
    people; chance is that of all people. The interval is a normal one on the logit scale."""
    all_hits, all_people = float(hits.sum()), float(people.sum())
    p = (all_hits + 0.5) / (all_people + 1.0)
    used = people >= 1
    each, number = hits[used] / people[used], people[used]
    unknown = 0.0
    if used.sum() >= 2:
        unknown = max(0.0, float(each.var(ddof=1)) - float(np.mean(p * (1.0 - p) / number)))
    sd = math.sqrt(unknown + p * (1.0 - p) / max(all_people, 1.0)) / (p * (1.0 - p))
    middle = math.log(p / (1.0 - p))
    return Estimate(value=all_hits / max(all_people, 1.0), low=_expit(middle - Z90 * sd), high=_expit(middle + Z90 * sd))


def _expit(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else 0.0


def difference(more: Floats, less: Floats, people: Floats, moved: Floats) -> Estimate:
    """A difference of two shares in the same people; `moved`: how many differ at all, which is what makes chance."""
    n = max(float(people.sum()), 1.0)
    d = float((more - less).sum()) / n
    used = people >= 1
    each = (more - less)[used] / people[used]
    chance = max(float(moved.sum()) / n - d * d, 0.5 / n)
    unknown = max(0.0, float(each.var(ddof=1)) - float(np.mean(chance / people[used]))) if used.sum() >= 2 else 0.0
    sd = math.sqrt(unknown + chance / n)
    return Estimate(value=d, low=max(-1.0, d - Z90 * sd), high=min(1.0, d + Z90 * sd))


def _prevalence(design: Design, days: Floats, total: Counted) -> Iterable[Prevalence]:
    shown = sorted({0, len(days) - 1} | {k for k, day in enumerate(days) if abs(day / 365.25 - round(day / 365.25)) < 1e-6})
    for place, scenario in enumerate(design.scenario):
        for number in shown:
            cells = total.over_time[place, number].astype(float)
            for band in range(-1, len(BAND_NAMES)):
                some = cells.sum(axis=1) if band < 0 else cells[:, band]
                if some[:, 0].sum() < (1 if band < 0 else FEW):
                    continue
                for column, definition in enumerate(COUNTED[1:], start=1):
                    yield Prevalence(
                        scenario=scenario.name, time_years=round(float(days[number]) / 365.25, 6),
                        band="all ages" if band < 0 else BAND_NAMES[band], definition=definition, people=int(some[:, 0].sum()),
                        share=share(some[:, column], some[:, 0]),
                    )  # fmt: skip


def _outcomes(design: Design, total: Counted) -> Iterable[Outcome]:
    for place, scenario in enumerate(design.scenario):
        for group, name in enumerate(GROUPS):
            cells = dict(zip(OUTCOMES, total.outcomes[place, group].astype(float).T, strict=True))
            people = cells["people"]
            number = int(people.sum())
            if number < (1 if group == 0 else FEW):
                continue
            averted = difference(cells["without"], cells["with"], people, cells["gained"] + cells["lost"])
            given, tests = float(cells["given"].sum()) / number, float(cells["tests"].sum()) / number
            yield Outcome(
                scenario=scenario.name, group=name, people=number, deficient_without=share(cells["without"], people),
                deficient_with=share(cells["with"], people), averted=averted, gained=share(cells["gained"], people),
                lost=share(cells["lost"], people), given=share(cells["given"], people), in_vain=share(cells["in_vain"], people),
                high=share(cells["high_with"], people), high_without=share(cells["high_without"], people), tests_per_person=tests,
                **_per_case("given", given, averted), **_per_case("tests", tests, averted),
            )  # fmt: skip


def _per_case(name: str, each: float, averted: Estimate) -> dict[str, Any]:
    """So many for one case averted, and the interval that of the cases averted gives."""
    if each <= 0.0 or averted.value <= 0.0 or averted.high <= 0.0:
        return {f"{name}_per_case": None, f"{name}_per_case_low": None, f"{name}_per_case_high": None}
    return {
        f"{name}_per_case": each / averted.value, f"{name}_per_case_low": each / averted.high,
        f"{name}_per_case_high": each / averted.low if averted.low > 0.0 else None,
    }  # fmt: skip


def _anchors(design: Design, total: Counted) -> Iterable[Anchor]:
    """The survey's quantiles beside those of these people, where the people are the survey's."""
    if not design.people.diets and not design.people.causes and design.people.tablets == "survey":
        yield from _reported(total)
    if design.people != People():
        return
    yield from _outside(total)
    from corrin.inference.survey import QUANTILES, reported_markers

    said = reported_markers()
    units = {"serum_b12": "pmol/L", "mma": "nmol/L", "homocysteine": "umol/L"}
    for place, marker in enumerate(MARKERS):
        for band, words in enumerate(BAND_NAMES):
            counts = total.markers[place, band]
            if counts.sum() < FEW:
                continue
            for q in QUANTILES:
                observed = said.quantiles.get((marker, words, q))
                if observed is None:
                    continue
                predicted = quantile(counts, q)
                yield Anchor(
                    what=f"{marker}, {100 * q:g} %", band=words, unit=units[marker], observed=observed, predicted=predicted,
                    miss=predicted / observed - 1.0, source="NHANES1999-2002", fitted=True,
                )  # fmt: skip


def _reported(total: Counted) -> Iterable[Anchor]:
    """Figures of facts/crowd/reported.csv."""
    for row in csv.DictReader(files("corrin.facts").joinpath("crowd", "reported.csv").read_text("utf-8").splitlines()):
        people, low = (int(number) for number in total.outside[OUTSIDE.index(row["group"])])
        if people < LEAST_REPORTED:
            continue
        observed, predicted = float(row["percent"]), 100.0 * low / people
        yield Anchor(
            what=row["what"], band=row["group"], unit="%", observed=observed,
            observed_low=float(row["low"]) if row["low"] else None, observed_high=float(row["high"]) if row["high"] else None,
            predicted=predicted, miss=predicted - observed, source=row["source"], fitted=False,
        )  # fmt: skip


def _outside(total: Counted) -> Iterable[Anchor]:
    """How many had a low serum B12 in a survey the calibration never saw."""
    from corrin.studies.reader import read_study

    study = read_study("evatt2010")
    for place, name in enumerate(OUTSIDE[:2]):
        arm = next((arm for arm in study.arm if arm.name == name), None)
        people, low = (int(number) for number in total.outside[place])
        if arm is None or people < FEW:
            continue
        outcome = next(one for one in arm.outcome if one.reading == "serum_b12" and one.below == LOW_B12_PMOL_L)
        observed, predicted = float(outcome.value[0] or 0.0), 100.0 * low / people
        yield Anchor(
            what=f"serum B12 below {LOW_B12_PMOL_L:g} pmol/L", band=name, unit="%", observed=observed, observed_low=outcome.low[0],
            observed_high=outcome.high[0], predicted=predicted, miss=predicted - observed, source="Evatt 2010 (NHANES III)", fitted=False,
        )  # fmt: skip


def quantile(counts: Sequence[int] | NDArray[Any], q: float) -> float:
    """A quantile of a marker from its histogram, straight within a bin."""
    steps = np.concatenate([[0.0], np.cumsum(np.asarray(counts, float))])
    at = float(np.interp(q * steps[-1], steps, np.arange(len(steps))))
    return math.exp(LEAST_LOG + BIN_LOG * at)


__all__ = ["Job", "PopulationAnswer", "answered", "counted_people", "population", "quantile", "share"]
