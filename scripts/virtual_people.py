"""Virtual people as a laboratory sees them, and what may be said of one of them from a few results: for distil.py and assess_checks.py.

People of the community (those of a survey) and of a clinic (somebody had reason to test), with or without a history, simulated by the
model. A large crowd of them is the person-level posterior of anybody like them: each is weighed by how well what was measured agrees with
it, by the rule of `inference/likelihood.py` (importance sampling from the prior, exact but for the crowd's size).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.case.case import Case, History, Person
from corrin.case.latent import Latent
from corrin.case.timeline import Observation
from corrin.case.world import World, world
from corrin.engine.draw import normals
from corrin.facts import deficiency as facts
from corrin.facts.findings import judged
from corrin.inference import survey
from corrin.inference.cohort import noise
from corrin.inference.likelihood import one
from corrin.inference.population import Population, the_kernel
from corrin.inference.realise import AGE, YEAR_D
from corrin.inference.update import Teller

Floats = NDArray[np.float64]
CLINIC_AGES = tuple(float(age) for age in range(20, 91, 5))
YEARS = (1.0, 4.0, 12.0)
SPREADS = {name: noise(name) for name in facts.MARKERS}
SMALLEST = {"haemoglobin": 2.0, "mcv": 50.0}
NEAR_Y = 3.0
"""People of about this age stand for somebody of an age."""
FARTHEST = 4.0
"""And nobody so many times as far away."""
BLOCK = 20_000


@dataclass
class People:
    """Simulated people, arrays of (people,): true `activity` in %, true levels `own` and `reported` by marker, true and estimated eGFR."""

    age_y: Floats
    filtration: Floats
    egfr: Floats
    activity: Floats
    own: dict[str, Floats]
    reported: dict[str, Floats]

    @property
    def count(self) -> int:
        return len(self.age_y)

    def only(self, chosen: NDArray[Any]) -> People:
        return People(
            self.age_y[chosen], self.filtration[chosen], self.egfr[chosen], self.activity[chosen],
            {name: values[chosen] for name, values in self.own.items()}, {name: values[chosen] for name, values in self.reported.items()},
        )  # fmt: skip


def together(parts: Sequence[People]) -> People:
    """All of them."""

    def of(name: str) -> Floats:
        return np.concatenate([getattr(part, name) for part in parts])

    def by_marker(name: str) -> dict[str, Floats]:
        return {marker: np.concatenate([getattr(part, name)[marker] for part in parts]) for marker in facts.MARKERS}

    return People(of("age_y"), of("filtration"), of("egfr"), of("activity"), by_marker("own"), by_marker("reported"))


def seen(teller: Teller, z: dict[str, Floats], age_y: Floats, seed: int, first: int = 0) -> People:
    """These people today, as a laboratory reports them. What lack of folate takes of methylation is given back: it is no lack of B12."""
    parameters, _, made, run = teller.tell(z)
    names = teller.kernel.model.readings
    now = run.readings[np.arange(len(age_y)), made.row_of[0.0]] if 0.0 in made.row_of else run.readings[:, -1]
    rows = [row.name for row in teller.population.rows]
    share, folate = parameters[:, rows.index("methylation_weight")], parameters[:, rows.index("folate_status")]
    methylation, mutase = now[:, names.index("activity_methylation")] / folate, now[:, names.index("activity_mutase")]
    own = {name: np.maximum(now[:, names.index(name)], SMALLEST.get(name, 1e-3)) for name in facts.MARKERS}
    reported = {
        name: level * np.exp(SPREADS[name] * normals(seed, f"distil test {name}", len(age_y), first)) for name, level in own.items()
    }
    filtration = now[:, names.index("egfr")]
    egfr = filtration * np.exp(judged("egfr_log_sd") * normals(seed, "distil test egfr", len(age_y), first))
    good = ~run.failed & np.isfinite(now[:, names.index("mma")])
    return People(age_y, filtration, egfr, share * methylation + (1.0 - share) * mutase, own, reported).only(good)


def of_community(people: Population, count: int, seed: int) -> People:
    """People made up from the statistics of a survey, with causes as often as in the community."""
    table = survey.people_of_survey(seed, count)
    teller = Teller(survey._world(), the_kernel(), people, seed)
    teller.prepare()
    assumed = survey.Assumed(**the_assumed())
    parts = []
    for low in range(0, count, 2048):
        rows = survey.Table({name: column[low : low + 2048] for name, column in table.columns.items()})
        parts.append(seen(teller, survey._draws(teller, rows, people, assumed, seed, low), rows.get("age_y"), seed, low))
    return together(parts)


def the_assumed() -> dict[str, float]:
    """What the calibration found of the survey's people."""
    from corrin.facts.calibration import calibration

    made = calibration()
    return {} if made is None else dict(made.assumed)


def of_history(people: Population, age_y: float, count: int, seed: int, history: Mapping[str, Any] | None = None, tested: bool = True,
               **person: Any) -> People:  # fmt: skip
    """People with a history at an age; what nobody told is drawn as for somebody who was tested, or as in the community."""
    case = Case(
        format="corrin.case/1", as_of="day 0", person=Person(age_y=age_y, **person), history=History.model_validate(dict(history or {}))
    )  # fmt: skip
    made = world(case, tested)
    latents = (*made.history.latents, Latent(AGE, "normal", (age_y, 0.01)))
    made = World(made.age_y, made.sex, replace(made.history, latents=latents), ())
    teller = Teller(made, the_kernel(), people, seed)
    teller.prepare()
    parts = [min(BLOCK, count - first) for first in range(0, count, BLOCK)]
    return together([
        seen(teller, teller.prior(part, k * BLOCK), np.full(part, age_y), seed, k * BLOCK) for k, part in enumerate(parts)
    ])  # fmt: skip


def of_clinic(people: Population, count: int, seed: int) -> People:
    """People somebody had reason to test, of all ages alike."""
    each = count // len(CLINIC_AGES)
    return together([of_history(people, age, each, seed + number) for number, age in enumerate(CLINIC_AGES)])


def histories() -> Iterator[tuple[str, float | None, float | None, dict[str, Any], dict[str, Any]]]:
    """Name, amount, years, history and person of everything the table has odds for; an amount or years of None: nobody told."""

    def drug(name: str, mg: float | None, since: dict[str, str]) -> dict[str, Any]:
        dose = {} if mg is None else {"dose": mg, "unit": "mg/d"}
        return {"drugs": [{"name": name, **dose, **since}]}

    for years in (*YEARS, None):
        told = "" if years is None else f"-{years * YEAR_D:.0f}d"
        since, date = ({}, {}) if years is None else ({"from": told}, {"date": told})
        for mg in (1000.0, 2000.0, 3000.0, None):
            yield "metformin", mg, years, drug("metformin", mg, since), {}
        for mg in (20.0, 40.0, None):
            yield "ppi", mg, years, drug("ppi", mg, since), {}
        yield "h2_blocker", None, years, drug("h2_blocker", None, since), {}
        for diet in (
            "vegan_unsupplemented",
            "strict_vegetarian",
            "lacto_vegetarian",
            "lacto_ovo_vegetarian",
            "low_animal_food",
            "malnutrition",
        ):
            yield diet, None, years, {"diet": [{"diet": diet, **since}]}, {}
        for name in ("autoimmune_gastritis", "food_bound_malabsorption", "ileal_disease", "coeliac", "pancreatic_insufficiency"):
            yield name, None, years, {"conditions": [{"name": name, **since, "certainty": "confirmed"}]}, {}
        for name in ("total_gastrectomy", "partial_gastrectomy", "gastric_bypass", "sleeve_gastrectomy", "biliopancreatic_diversion"):
            yield name, None, years, {"operations": [{"name": name, **date}]}, {}
        for length in (10.0, 30.0, 60.0, 100.0, None):
            removed = {} if length is None else {"removed_cm": length}
            yield "ileal_resection", length, years, {"operations": [{"name": "ileal_resection", **date, **removed}]}, {}
    for hours in (0.5, 3.0):
        yield "nitrous_oxide", hours, None, {"nitrous_oxide": [{"pattern": "daily", "hours_per_use": hours, "from": "-90d"}]}, {}


@dataclass(frozen=True)
class Believed:
    """What a crowd says of somebody: chances of function below the floor and of a reported MMA above a limit (with the SD of its log odds),
    and how many people of the crowd that rests on."""

    lacking: float
    above: float
    above_sd: float
    people: float

    def chance_sd(self, p: float) -> float:
        """SD of the log odds of a share p of so many effective people."""
        return float(1.0 / np.sqrt(max(self.people * p * (1.0 - p), 1e-6)))


def believed(crowd: People, age_y: float, egfr: float | None, results: Mapping[str, float], floor: float, mma_limit: float) -> Believed:
    """The person-level posterior of somebody of the crowd: exact but for its size. The second chance leaves MMA itself out."""
    from scipy.special import ndtr

    apart = (crowd.age_y - age_y) / NEAR_Y
    if np.ptp(crowd.age_y) > 0.0:  # those of quite another age hardly count and cost time
        near = np.abs(apart) < FARTHEST
        crowd, apart = crowd.only(near), apart[near]
    score = -0.5 * apart**2
    if egfr is not None:
        score = score + one(Observation(0.0, "egfr", egfr, "=", judged("egfr_log_sd"), ""), crowd.filtration)
    for name, value in results.items():
        if name != "mma":
            score = score + one(Observation(0.0, name, value, "=", SPREADS[name], ""), crowd.own[name])
    without = _weights(score)
    if "mma" in results:
        score = score + one(Observation(0.0, "mma", results["mma"], "=", SPREADS["mma"], ""), crowd.own["mma"])
    weights = _weights(score)
    above = ndtr((np.log(crowd.own["mma"]) - np.log(mma_limit)) / SPREADS["mma"])
    p = float(without @ above)
    sd = float(np.sqrt((without**2) @ (above - p) ** 2)) / max(p * (1.0 - p), 1e-12)
    return Believed(float(weights @ (crowd.activity < floor)), p, sd, 1.0 / float(weights @ weights))


def _weights(score: Floats) -> Floats:
    found = np.exp(score - score.max())
    return np.asarray(found / found.sum())
