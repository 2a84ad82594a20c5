"""Simulation-based calibration of what is learned about one person: are the bands as wide as they say?

    python scripts/posterior_coverage.py [--people 200] [--draws 500] [--seed 1]

Virtual people are drawn from the prior of a random history, their laboratory reports from their own levels (noise, censoring, repeats);
each is then learned from the reports alone. The rank of the truth among the draws is uniform if the posterior is right (Talts S et al.
Validating Bayesian inference algorithms with simulation-based calibration. arXiv:1804.06788, 2018); the envelope of the rank curve is
simultaneous (Saeilynoja T et al. Stat Comput 2022;32:32). The result is written to docs/coverage.md; rows already made are kept in
build/coverage, so that a run that was cut off goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np

from corrin.case.case import Case
from corrin.case.world import world
from corrin.facts.reader import analytes
from corrin.inference import likelihood
from corrin.inference.population import Population, population, the_kernel
from corrin.inference.update import Teller, update

ROOT = Path(__file__).resolve().parents[1]
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
BANDS = (0.5, 0.8, 0.95)


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


def one(number: int, draws: int, seed: int, people: Population) -> dict[str, object]:
    """One virtual person: ranks of the truth (0 to 1) by quantity."""
    rng = np.random.default_rng((seed, number))
    plain = template(rng)
    wanted = sorted(set(asked(rng)))
    stand_in = [{"analyte": name, "value": 1.0, "unit": analytes()[name].unit, "date": day} for name, day in wanted]
    kernel = the_kernel()
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


def _rank(draws: np.ndarray, truth: float, rng: np.random.Generator) -> float:
    """Share of the draws below the truth; ties count by chance."""
    scale = 1e-9 * max(1.0, abs(truth))
    below, equal = int((draws < truth - scale).sum()), int((np.abs(draws - truth) <= scale).sum())
    return (below + rng.uniform() * (equal + 1)) / (len(draws) + 1)


PLACES = np.linspace(0.02, 0.98, 49)


def furthest(ranks: np.ndarray) -> float:
    """Largest distance of a rank curve from the diagonal, in the SDs that a uniform sample has there."""
    curve = (ranks[:, None] <= PLACES).mean(axis=0)
    return float(np.max(np.abs(curve - PLACES) / np.sqrt(PLACES * (1.0 - PLACES) / len(ranks))))


def envelope(count: int, chance: float = 0.95, trials: int = 4000) -> float:
    """The distance that so many uniform samples of this size stay within."""
    rng = np.random.default_rng(1)
    return float(np.quantile([furthest(rng.uniform(size=count)) for _ in range(trials)], chance))


def page(rows: list[dict], draws: int, seed: int) -> str:
    """The result as a page."""
    count = len(rows)
    limit = envelope(count)
    lines = [
        "# Coverage: what is learned about one person", "",
        f"Written by `python scripts/posterior_coverage.py`: {count} virtual people with 1 to 8 laboratory reports, {draws} draws each,",
        f"seed {seed}.",
        "A band of 80 % should hold the truth in 80 % of people. `furthest`: largest distance of the rank curve from uniform, in its own",
        f"standard deviations; {limit:.2f} holds 95 % of uniform samples of this size (for one quantity).", "",
        "| quantity | 50 % band | 80 % | 95 % | furthest | uniform |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in (*LEVELS, *UNKNOWN):
        ranks = np.array([row["ranks"][name] for row in rows])
        inside = [float((np.abs(ranks - 0.5) <= band / 2).mean()) for band in BANDS]
        far = furthest(ranks)
        shares = " | ".join(f"{100 * share:.0f} %" for share in inside)
        lines.append(f"| {name} | {shares} | {far:.2f} | {'yes' if far <= limit else 'no'} |")
    effective = np.array([row["effective"] for row in rows]) / draws
    lines += ["", f"Effective draws as a share of all: median {np.median(effective):.2f}, lowest {effective.min():.2f}; "
              f"below a tenth (told as not resolved) in {int((effective < 0.1).sum())} of {count}."]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", type=int, default=200)
    options.add_argument("--draws", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--out", type=Path, default=ROOT / "docs" / "coverage.md")
    chosen = options.parse_args()
    people = population()
    program = hashlib.sha256((people.digest() + the_kernel().model.digest() + f"{chosen.draws} {chosen.seed}").encode()).hexdigest()[:16]
    work = ROOT / "build" / "coverage" / f"{program}.jsonl"
    work.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in work.read_text("utf-8").splitlines()] if work.exists() else []
    began = time.monotonic()
    with work.open("a", encoding="utf-8") as file:
        for number in range(len(rows), chosen.people):
            rows.append(one(number, chosen.draws, chosen.seed, people))
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
            print(f"{time.monotonic() - began:6.0f} s  {number + 1} of {chosen.people}", file=sys.stderr, flush=True)
    chosen.out.write_text(page(rows, chosen.draws, chosen.seed), encoding="utf-8")


if __name__ == "__main__":
    main()
