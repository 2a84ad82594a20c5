"""Virtual people with what a survey would know of them, drawn one by one: person k is the same in any batch, on any machine.

    crowd = draw_crowd(people, first, count, seed)   random numbers, covariates, and the history they all share
    teller = crowd_teller(people, kernel, population, seed); teller.prepare(); teller.tell(crowd.z, certify=True)

Who they are is the survey's (`survey.py`: ages, food, tablets, drugs, kidneys, causes nobody asked about), moved by what a design
says of them. Their history ends at day 0; causes that set in later are in the same world, each on its person's own day, so that who grows
older is as often ill as the older are today.

What is not known of typical people is one for all, and how people differ is each person's own. So the people are dealt to `replicates`:
person k belongs to replicate k mod replicates, whose typical values are drawn once; the spread of a mean between replicates is what is not
known of it. Drawn from the facts alone, many a replicate would be a population nobody has seen; `led_to_survey` moves their typical values
so that each meets the survey within its error (`typical=`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.case import known
from corrin.case.causes import write
from corrin.case.latent import Latent
from corrin.case.timeline import Builder
from corrin.case.world import World
from corrin.engine.draw import normals, uniforms
from corrin.engine.simulate import Kernel
from corrin.errors import Bug
from corrin.inference import survey
from corrin.inference.calibrate import ASSUMED_SD, SURVEY_SD, SURVEY_TOGETHER
from corrin.inference.cohort import noise
from corrin.inference.points import HEARD_SE
from corrin.inference.population import Population, population, spread
from corrin.inference.realise import YEAR_D
from corrin.inference.update import Teller
from corrin.studies.crowd import DRUGS, People

Floats = NDArray[np.float64]
OLDEST_Y, YOUNGEST_Y = 100.0, 20.0
NEW_ONSET_D = 3.0 * 365.25
"""How long a cause that begins after day 0 takes to set in, where the table does not tell (assumed)."""
NEW_CAUSES = ("gastritis", "food_bound")
"""Causes that become more common with age (`case/causes.py`)."""
DIET_LOG_YEARS_SD = 0.7
"""Spread of how long people have kept to a diet, about the design's median (assumed)."""
NEVER_D = 40_000.0
"""A day beyond every horizon."""
REPLICATES = 20
MEMBERS, PEOPLE_OF_MEMBER, STEPS = 64, 200, 3
"""Members of the ensemble led to the survey, people of each, and in how many steps."""
MEMBERS_FIRST, SOME, LEAST_IN_BAND = 1 << 29, 4096, 10
"""Their people are numbered from here (nobody's draws), simulated so many at a time; fewer in an age band tell nothing."""
LED_BY = (0.05, 0.5, 0.95)
PREGNANCY_LEFT_D = 280.0 - survey.PREGNANT_D


@dataclass(frozen=True)
class Crowd:
    """Some of the people. All arrays (people,).

    `z`: random numbers by name, for `Teller.tell`. `covariates`: age_y, female (0 or 1), diet (number in `diets`, -1: as the survey),
    food_ug_d, tablets_ug_d (swallowed, as taken), metformin, ppi, h2ra (0 or 1), gastritis, food_bound, ileal (0 or 1, today),
    new_cause_year (years from day 0 on which a cause begins, inf without one), replicate.
    """

    persons: NDArray[np.int64]
    z: dict[str, Floats]
    covariates: dict[str, Floats]
    diets: tuple[str, ...]
    world: World

    @property
    def count(self) -> int:
        return len(self.persons)


@lru_cache(maxsize=4)
def crowd_world() -> World:
    """The history everybody shares: the survey's, the end of a pregnancy, and causes that begin after day 0. What differs between people
    comes in through its latents."""
    base = survey._world()
    builder = Builder()
    builder.latents = {latent.name: latent for latent in base.latents}
    builder.changes = list(base.history.changes)
    builder.change(PREGNANCY_LEFT_D, "pregnancy", 0.0)
    eaten = builder.add(Latent("crowd_diet_food", "lognormal", (1.0, 1.0)))
    builder.change(builder.add(Latent("crowd_diet_from", "normal", (0.0, 1.0))), "food_ug_d", eaten)
    for name, rows in survey._asked():
        if name not in NEW_CAUSES:
            continue
        ill = builder.add(Latent(f"crowd_new_{name}", "bernoulli", (0.05,)))
        since = builder.add(Latent(f"crowd_new_{name}_from", "normal", (0.0, 1.0)))
        complete = builder.add(Latent(f"crowd_new_{name}_complete", "beta", (2.0, 1.5)))
        for row in rows:
            gradual = row if row.onset_days is not None else replace(row, onset_days=NEW_ONSET_D)
            write(builder, gradual, f"crowd_new_{name}", since, None, builder.times(f"crowd_new_{name}_share", ill, complete))
    return World(base.age_y, base.sex, builder.timeline(base.history.start_days, 0.0), ())


def draw_crowd(
    people: People, first: int, count: int, seed: int, replicates: int = REPLICATES, of: Population | None = None,
    typical: Mapping[str, Floats] | None = None,
) -> Crowd:  # fmt: skip
    """Persons first .. first + count - 1 of the population a design describes (`studies/crowd.py`); `of`: whose bodies they have;
    `typical`: name -> (replicates,) standard normals of the typical values, those of the facts where None."""
    of = of or population()
    persons = np.arange(first, first + count)
    table, diet, names = _table(people, seed, first, count)
    world = crowd_world()
    shared = _Shared(of, world, seed, replicates, typical or {})
    said = survey.fitted_assumptions()
    assumed = {name: getattr(said, name) * np.exp(sd * shared.typical(f"assumed {name}", persons)) for name, sd in ASSUMED_SD.items()}
    z = survey._draws(shared, table, of, survey.Assumed(**assumed), seed, first)
    food = np.log(survey.USUAL_FOOD_UG_D) + survey.USUAL_FOOD_LOG_SD * z["survey_food"]
    for number, name in enumerate(names):
        row = known.diets()[name]
        usual = np.log(row.food_ug_d) + row.log_sd * normals(seed, "crowd food", count, first)
        food = np.where(diet == number, usual, food)
    since = world.history.start_days + 1.0
    if people.diet_years is not None:
        began = -YEAR_D * people.diet_years * np.exp(DIET_LOG_YEARS_SD * normals(seed, "crowd diet years", count, first))
        z["crowd_diet_from"] = np.where(diet >= 0, np.maximum(began, since), since)
    else:  # for as long as the history goes back
        z["crowd_diet_from"] = np.full(count, since)
        z["survey_food"] = (food - np.log(survey.USUAL_FOOD_UG_D)) / survey.USUAL_FOOD_LOG_SD
    z["crowd_diet_food"] = food
    new = _later(people, z, table, assumed["prevalence"], seed, first)
    covariates = {
        "age_y": table.get("age_y"), "female": 1.0 - table.get("male"), "diet": diet.astype(float),
        "food_ug_d": np.exp(food),
        "tablets_ug_d": np.where(table.get("suppl_b12_ug", 0.0) > 0.0, 0.5 * np.exp(2.0 * z["survey_supplement"]), 0.0),
        **{drug: table.get(drug, 0.0) for drug in DRUGS},
        **{name: (z[f"survey_is_{name}"] < 0.0).astype(float) for name, _ in survey._asked()},
        "new_cause_year": new, "replicate": (persons % replicates).astype(float),
    }  # fmt: skip
    return Crowd(persons, z, covariates, names, world)


@dataclass
class CrowdTeller(Teller):
    """A teller whose panel is drawn from the crowd itself."""

    people: People | None = None
    replicates: int = REPLICATES
    typical: Mapping[str, Floats] | None = None

    def prior(self, count: int, first: int = 0) -> dict[str, Floats]:
        """Random numbers of persons first.. of the crowd."""
        return draw_crowd(self.people or People(), first, count, self.seed, self.replicates, self.population, self.typical).z


def crowd_teller(
    people: People, kernel: Kernel, of: Population, seed: int, replicates: int = REPLICATES, typical: Mapping[str, Floats] | None = None
) -> CrowdTeller:
    """A teller for a crowd; `prepare()` it before `tell`."""
    return CrowdTeller(crowd_world(), kernel, of, seed, people=people, replicates=replicates, typical=typical)


def led_to_survey(kernel: Kernel, of: Population, seed: int, replicates: int = REPLICATES) -> dict[str, Floats]:
    """Typical values of so many replicates (name -> (replicates,) numbers for `typical=`) that meet the survey's markers within its error.

    An ensemble smoother in a few steps: members drawn from the facts are moved, by how their people's quantiles hang together with their
    typical values, towards the survey's quantiles, each with an error of its own (Emerick AA, Reynolds AC. Ensemble smoother with multiple
    data assimilation. Comput Geosci 2013;55:3-15). A connection that chance could have made counts as none.
    """
    members = max(MEMBERS, replicates)
    shared = _Shared(of, crowd_world(), seed, members, {})
    names = shared.names()
    typical = {name: shared.of_replicates(name) for name in names}
    wanted, error = _survey_quantiles()
    root = np.linalg.cholesky(error)
    for step in range(STEPS):
        found = _quantiles_of(kernel, of, seed, members, typical)
        fine = np.isfinite(found).all(axis=0)
        n = int(fine.sum())
        if n < members // 2:
            raise Bug("most members of the ensemble could not be computed")
        matrix = np.array([typical[name] for name in names])
        u = matrix - matrix[:, fine].mean(axis=1, keepdims=True)
        d = found - found[:, fine].mean(axis=1, keepdims=True)
        cross, own = u[:, fine] @ d[:, fine].T / (n - 1), d[:, fine] @ d[:, fine].T / (n - 1)
        sure = np.abs(cross) > HEARD_SE / np.sqrt(n) * np.outer(u[:, fine].std(axis=1), d[:, fine].std(axis=1))
        noise_of = root @ np.array([normals(seed, f"survey error {step} {k}", members) for k in range(len(wanted))])
        gap = wanted[:, None] + np.sqrt(STEPS) * noise_of - np.where(fine, found, wanted[:, None])
        matrix = matrix + np.where(sure, cross, 0.0) @ np.linalg.solve(own + STEPS * error, gap)
        typical = dict(zip(names, matrix, strict=True))
    kept = np.arange(replicates) * members // replicates
    return {name: value[kept] for name, value in typical.items()}


def _survey_quantiles() -> tuple[Floats, Floats]:
    """Logarithms of the survey's quantiles, means over its age bands, and their error (as the calibration has it)."""
    said = survey.reported_markers().quantiles
    bands = [survey.band_name(low, high) for low, high in survey.AGE_BANDS]
    wanted = [np.mean([np.log(said[marker, band, q]) for band in bands]) for marker in survey.MARKERS for q in LED_BY]
    same = np.kron(np.eye(len(survey.MARKERS)), np.ones((len(LED_BY), len(LED_BY))))
    one = SURVEY_SD["quantile"] ** 2
    return np.array(wanted), one * (SURVEY_TOGETHER * same + (1.0 - SURVEY_TOGETHER) * np.eye(len(same)))


def _quantiles_of(kernel: Kernel, of: Population, seed: int, members: int, typical: Mapping[str, Floats]) -> Floats:
    """The same of each member's people, as a laboratory would report them; (quantiles, members), NaN where a band has too few."""
    count = members * PEOPLE_OF_MEMBER
    teller = crowd_teller(People(), kernel, of, seed, members, typical)
    teller.prepare()
    age, member, seen = [], [], []
    for first in range(MEMBERS_FIRST, MEMBERS_FIRST + count, SOME):
        crowd = draw_crowd(People(), first, min(SOME, MEMBERS_FIRST + count - first), seed, members, of, typical)
        _, _, made, run = teller.tell(crowd.z, certify=True)
        now = run.readings[np.arange(crowd.count), made.row_of[0.0]]
        places = [kernel.model.readings.index(marker) for marker in survey.MARKERS]
        test = np.array([noise(marker) * normals(seed, f"survey test {marker}", crowd.count, first) for marker in survey.MARKERS])
        seen.append(np.where(run.failed, np.nan, np.log(np.maximum(now[:, places].T, 1e-9)) + test))
        age.append(crowd.covariates["age_y"])
        member.append(crowd.covariates["replicate"].astype(np.int64))
    values, ages, members_of = np.concatenate(seen, axis=1), np.concatenate(age), np.concatenate(member)
    found = np.full((len(survey.MARKERS) * len(LED_BY), members), np.nan)
    for one in range(members):
        mine = [(members_of == one) & (ages >= low) & (ages < high) & np.isfinite(values[0]) for low, high in survey.AGE_BANDS]
        if min(int(band.sum()) for band in mine) >= LEAST_IN_BAND:
            found[:, one] = np.mean([np.quantile(values[:, band], LED_BY, axis=1).T.reshape(-1) for band in mine], axis=0)
    return found


@dataclass(frozen=True)
class _Shared:
    """Random numbers of which each name's shared part is one for all people of a replicate."""

    population: Population
    world: World
    seed: int
    replicates: int
    held: Mapping[str, Floats]

    def names(self) -> list[str]:
        """What the people of a replicate have in common."""
        rows = {row.name: row for row in self.population.rows}
        shared = [name for name in self.population.drawn if rows[name].distribution == "bernoulli" or rows[name].unsure > 0.0]
        return [*shared, *(f"assumed {name}" for name in ASSUMED_SD)]

    def of_replicates(self, name: str) -> Floats:
        """Standard normals of the replicates: as they are held, else drawn, hanging together as a calibration left them."""
        if name in self.held:
            return self.held[name]
        together = self.population.together
        if together is None or name not in together.names:
            return self._alone(name)
        rows = np.linalg.cholesky(np.array(together.correlation) + 1e-9 * np.eye(len(together.names)))
        mine = rows[together.names.index(name)]
        return np.asarray(sum(part * self._alone(other) for part, other in zip(mine, together.names, strict=True) if part))

    def _alone(self, name: str) -> Floats:
        """One number from each of `replicates` equal parts of the normal distribution: few replicates already spread as they should."""
        from scipy.special import ndtri

        places = np.argsort(np.argsort(uniforms(self.seed, f"replicate {name}", self.replicates), kind="stable"), kind="stable")
        return np.asarray(ndtri((places + 0.5) / self.replicates))

    def typical(self, name: str, persons: NDArray[np.int64]) -> Floats:
        """The replicate's own number for each person."""
        return self.of_replicates(name)[persons % self.replicates]

    def prior(self, count: int, first: int = 0) -> dict[str, Floats]:
        """Standard normals of persons first.., parameters and latents of the history."""
        persons = np.arange(first, first + count)
        rows = {row.name: row for row in self.population.rows}
        z: dict[str, Floats] = {}
        for name in self.population.drawn:
            row, own = rows[name], normals(self.seed, name, count, first)
            if row.distribution == "bernoulli":  # which of two forms the body has: nobody knows, but it is the same in all
                z[name] = self.typical(name, persons)
            elif row.unsure > 0.0:
                z[name] = (row.between * own + row.unsure * self.typical(name, persons)) / spread(row)
            else:
                z[name] = own
        for latent in self.world.latents:
            if latent.needs_z:
                z[latent.name] = normals(self.seed, latent.name, count, first)
        return z


@lru_cache(maxsize=1)
def _survey_rows() -> dict[str, Floats]:
    rows = list(csv.DictReader(files("corrin.facts").joinpath("population", "survey_people.csv").read_text("utf-8").splitlines()))
    return {name: np.array([float(row[name] or 0.0) for row in rows]) for name in rows[0]}


def _table(people: People, seed: int, first: int, count: int) -> tuple[survey.Table, NDArray[np.int64], tuple[str, ...]]:
    """What a survey would know of persons first..: columns, number of each one's diet (-1: the survey's), names of the diets."""
    rows = _survey_rows()
    luck = {name: uniforms(seed, f"crowd {name}", count, first) for name in ("age", "band", "male", "pill", "diet", *DRUGS)}
    z = {name: normals(seed, f"crowd {name}", count, first) for name in ("diet", "creatinine")}
    low, high, weight = rows["age_low_y"], rows["age_high_y"], rows["n"]
    if people.ages:
        low = np.array([band.low_y for band in people.ages])
        high = np.array([band.high_y for band in people.ages])
        weight = np.array([band.weight for band in people.ages])
    band = np.minimum(np.searchsorted(np.cumsum(weight) / weight.sum(), luck["band"], side="right"), len(weight) - 1)
    age = low[band] + luck["age"] * (high[band] - low[band])
    which = np.clip(np.searchsorted(rows["age_low_y"], age, side="right") - 1, 0, len(rows["n"]) - 1)
    of: Mapping[str, Floats] = {name: column[which] for name, column in rows.items()}
    male = luck["male"] < (of["male"] if people.female_share is None else 1.0 - people.female_share)
    steps = np.cumsum([of["pill_none"], of["pill_low"], of["pill_middle"]], axis=0)
    amounts = np.array([np.zeros(count), of["pill_low_ug"], of["pill_middle_ug"], of["pill_high_ug"]])
    pill = amounts[(luck["pill"] >= steps).sum(axis=0), np.arange(count)]
    middle = np.where(male, of["creatinine_men_log_mean"], of["creatinine_women_log_mean"])
    width = np.where(male, of["creatinine_men_log_sd"], of["creatinine_women_log_sd"])
    names = tuple(people.diets)
    limits = np.cumsum([people.diets[name] for name in names]) if names else np.zeros(0)
    diet = np.searchsorted(limits - 1e-12, luck["diet"], side="right")
    columns = {
        "age_y": age, "male": male.astype(float), "diet_b12_ug_d": np.exp(of["diet_log_mean"] + of["diet_log_sd"] * z["diet"]),
        "suppl_b12_ug": pill if people.tablets == "survey" else np.zeros(count), "creat_mg_dl": np.exp(middle + width * z["creatinine"]),
        **{drug: (luck[drug] < (people.drugs[drug] if drug in people.drugs else of[drug])).astype(float) for drug in DRUGS},
    }  # fmt: skip
    return survey.Table(columns), np.where(diet < len(names), diet, -1), names


@lru_cache(maxsize=2)
def _by_age(female: bool) -> tuple[Floats, Floats]:
    """Ages and how often each cause is there at them (causes, ages)."""
    ages = np.arange(YOUNGEST_Y, OLDEST_Y + 1.0)
    shares = survey._chances(ages, "female" if female else "male")
    return ages, np.array([shares[name] for name, _ in survey._asked()])


def _later(people: People, z: dict[str, Floats], table: survey.Table, prevalence: Any, seed: int, first: int) -> Floats:
    """Causes as the design has them today, and those that begin later; writes both into z. Gives the year of a later one, inf without.

    One number decides for each person, as in the survey: a cause is there while the chance of any at that age lies above it, so that a
    person meets theirs on the day the chance has grown to it.
    """
    count, names = table.count, [name for name, _ in survey._asked()]
    age, female = np.clip(table.get("age_y"), YOUNGEST_Y, OLDEST_Y), table.get("male") < 0.5
    luck, which = uniforms(seed, "survey cause", count, first), uniforms(seed, "crowd new cause", count, first)
    factor = np.array([{**people.causes}.get(name, 1.0) for name in names])
    growing = [names.index(name) for name in NEW_CAUSES if name in names]
    begins, kind = np.full(count, np.inf), np.full(count, -1)
    there = np.full(count, -1)
    for woman in (True, False):
        mine = female == woman
        ages, shares = _by_age(woman)
        weighed = shares * factor[:, None]
        today = np.array([np.interp(age[mine], ages, row) for row in weighed]) * np.broadcast_to(prevalence, count)[mine]
        steps = np.cumsum(np.minimum(today, 0.6), axis=0)
        there[mine] = np.where(luck[mine] < steps[-1], (luck[mine] >= steps).sum(axis=0), -1)
        if not growing:
            continue
        any_of = np.maximum.accumulate(weighed.sum(axis=0)) + 1e-12 * np.arange(len(ages))
        wanted = luck[mine] / np.broadcast_to(prevalence, count)[mine]
        met = np.interp(wanted, any_of, ages)
        later = (there[mine] < 0) & (wanted <= any_of[-1])
        begins[mine] = np.where(later, np.maximum(met - age[mine], 1e-3), np.inf)
        growth = np.maximum(np.gradient(weighed[growing], ages, axis=1), 0.0)
        part = np.array([np.interp(met, ages, row) for row in np.cumsum(growth, axis=0) / np.maximum(growth.sum(axis=0), 1e-12)])
        kind[mine] = np.where(later, np.minimum((which[mine] >= part).sum(axis=0), len(growing) - 1), -1)
    for place, name in enumerate(names):
        z[f"survey_is_{name}"] = survey._sure(there == place)
    for place, index in enumerate(growing):
        mine = kind == place
        z[f"crowd_new_{names[index]}"] = survey._sure(mine)
        z[f"crowd_new_{names[index]}_from"] = np.where(mine, begins * YEAR_D, NEVER_D)
    return begins
