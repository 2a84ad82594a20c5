"""Virtual people learned from their own laboratory reports: where does the truth rank among the draws?

A history is drawn, a person from its prior, reports from the person's levels (noise, censoring, repeats); the person is then learned from
the reports alone. If the posterior is right, ranks are uniform (Talts S et al. Validating Bayesian inference algorithms with
simulation-based calibration. arXiv:1804.06788, 2018). `scripts/posterior_coverage.py` does this for many and writes what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.case.case import Case
from corrin.case.world import world
from corrin.facts.reader import analytes
from corrin.inference import likelihood
from corrin.inference.blocks import loaded
from corrin.inference.population import Population
from corrin.inference.update import Teller, update

LEVELS = ("serum_b12", "holotranscobalamin", "mma", "homocysteine", "activity_methylation", "activity_mutase", "store_mg", "score",
          "function_dorsal", "haemoglobin")  # fmt: skip
UNKNOWN = ("haptocorrin_synthesis", "mma_production", "nerve_vulnerability", "store_release")
REPORTED = ("serum_b12", "mma", "homocysteine", "holotranscobalamin", "haemoglobin", "mcv")
HISTORIES: tuple[dict[str, object], ...] = (
    {},
    {"diet": [{"diet": "vegan", "from": "~8y"}]},
    {"diet": [{"diet": "lacto_vegetarian"}]},
    {"conditions": [{"name": "autoimmune gastritis"}]},
    {"drugs": [{"name": "metformin", "dose": 2000, "unit": "mg/d", "from": "~6y"}]},
    {"operations": [{"name": "total_gastrectomy", "date": "~3y"}]},
    {"drugs": [{"name": "ppi"}], "diet": [{"diet": "mixed"}]},
    {"conditions": [{"name": "autoimmune gastritis", "from": "~10y"}],
     "past_b12": [{"product": "hydroxocobalamin-intramuscular", "dose_ug": 1000, "every_days": 90, "from": "-700d", "to": "-60d"}]},
)  # fmt: skip


@dataclass(frozen=True)
class VirtualPerson:
    """Who is to be learned: their number, how many draws, the seed, and the population they come from."""

    number: int
    draws: int
    seed: int
    people: Population


def ranks_of(who: VirtualPerson) -> dict[str, Any]:
    """`one` as a job."""
    return one(who.number, who.draws, who.seed, who.people)


def template(rng: np.random.Generator) -> dict[str, object]:
    """A random history without reports."""
    return {
        "format": "corrin.case/1", "as_of": "day 0",
        "person": {"age_y": float(round(rng.uniform(22, 88))), "sex": str(rng.choice(["female", "male"]))},
        "history": HISTORIES[int(rng.integers(len(HISTORIES)))],
    }  # fmt: skip


def asked(rng: np.random.Generator) -> list[tuple[str, float]]:
    """Which reports there will be: one to eight, some of them old."""
    days = [0.0, 0.0, 0.0, -30.0, -400.0, -1500.0]
    return [
        (str(rng.choice(REPORTED, p=(0.35, 0.2, 0.15, 0.1, 0.1, 0.1))), float(rng.choice(days))) for _ in range(int(rng.integers(1, 9)))
    ]


def one(number: int, draws: int, seed: int, people: Population) -> dict[str, Any]:
    """One virtual person, the same wherever they are made: number of reports, effective draws, ranks of the truth (0 to 1) by quantity."""
    rng = np.random.default_rng((seed, number))
    plain = template(rng)
    wanted = sorted(set(asked(rng)))
    stand_in = [{"analyte": name, "value": 1.0, "unit": analytes()[name].unit, "date": day} for name, day in wanted]
    kernel = loaded()
    empty = world(Case.model_validate({**plain, "labs": stand_in}))
    teller = Teller(empty, kernel, people, seed)
    teller.prepare()
    silent = [item for item in empty.observations if item.kind == "unmentioned"]
    for again in range(200):  # nobody wrote of severe findings: such people are fewer among those of whom nothing was written
        z = teller.prior(1, 5_000_000 + 200 * number + again)
        _, _, made, run = teller.tell(z, fine=True)
        if rng.uniform() < np.exp(likelihood.total(silent, teller.predictor(made, run), 1)[0]):
            break
    names = kernel.model.readings
    labs = []
    for name, day in wanted:
        row = analytes()[name]
        level = float(run.readings[0, made.row_of[day][0], names.index(row.reading or name)])
        value = level * float(np.exp((row.total_cv or 0.2) * rng.normal()))
        limit = {"serum_b12": 1476.0, "holotranscobalamin": 128.0}.get(name, np.inf)
        low = {"serum_b12": 61.0, "holotranscobalamin": 5.0}.get(name, 0.0)
        comparator = ">" if value > limit else "<" if value < low else "="
        labs.append({"analyte": name, "value": min(max(value, low), limit), "unit": row.unit, "date": day, "comparator": comparator,
                     "confirmed": True})  # fmt: skip
    case = Case.model_validate({**plain, "labs": labs})
    learned = update(world(case), kernel, people, draws, seed + 1000 + number)
    keep = learned.weights > 0.0
    now = learned.run.readings[np.arange(learned.count), learned.history.row_of[0.0]][keep]
    true_now = run.readings[0, made.row_of[0.0][0]]
    ranks = {}
    for name in LEVELS:
        column = now[:, names.index(name)]
        ranks[name] = _rank(column, float(true_now[names.index(name)]), rng)
    for name in UNKNOWN:
        ranks[name] = _rank(learned.z[name][keep], float(z[name][0]), rng)
    return {"number": number, "labs": len(labs), "effective": learned.effective, "ranks": ranks}


def _rank(draws: NDArray[np.float64], truth: float, rng: np.random.Generator) -> float:
    """Share of the draws below the truth; ties count by chance."""
    scale = 1e-9 * max(1.0, abs(truth))
    below, equal = int((draws < truth - scale).sum()), int((np.abs(draws - truth) <= scale).sum())
    return (below + rng.uniform() * (equal + 1)) / (len(draws) + 1)
