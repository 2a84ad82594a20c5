"""What is learned about one person, against an independent sampler: many long chains of plain Crank-Nicolson steps from the prior.

    python scripts/posterior_long_run.py [--chains 256] [--steps 12000]

The chains share nothing with the sampler of `inference/update.py` but the likelihood. They count as settled when the split R-hat of every
quantity is below 1.01 (Vehtari A et al. Bayesian Anal 2021;16:667-718). The result is written to docs/posterior-long-run.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from corrin.case.case import Case
from corrin.case.world import world
from corrin.inference import likelihood
from corrin.inference.population import population, the_kernel
from corrin.inference.update import Teller, update

ROOT = Path(__file__).resolve().parents[1]
LONGER = {"gastrectomy, four markers": 2}
"""People whose chains mix so slowly that they are run so many times longer."""
QUANTITIES = ("serum_b12", "holotranscobalamin", "mma", "homocysteine", "activity_methylation", "store_mg", "haemoglobin")
CASES: dict[str, dict[str, object]] = {
    "serum B12 alone": {"labs": [("serum_b12", 190.0, "pmol/L")], "history": {}},
    "vegan, B12 and MMA": {"labs": [("serum_b12", 160.0, "pmol/L"), ("mma", 420.0, "nmol/L")],
                           "history": {"diet": [{"diet": "vegan", "from": "~6y"}]}},
    "gastrectomy, four markers": {"labs": [("serum_b12", 140.0, "pmol/L"), ("mma", 600.0, "nmol/L"), ("homocysteine", 19.0, "umol/L"),
                                           ("haemoglobin", 12.1, "g/dL")],
                                  "history": {"operations": [{"name": "total_gastrectomy", "date": "-900d"}]}},
}  # fmt: skip


def case_of(said: dict[str, object]) -> Case:
    """The made-up person as a case."""
    labs = [{"analyte": name, "value": value, "unit": unit, "date": "0d"} for name, value, unit in said["labs"]]  # type: ignore[union-attr]
    return Case.model_validate({"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 60.0, "sex": "female"},
                                "history": said["history"], "labs": labs})  # fmt: skip


def split_r_hat(chains: np.ndarray) -> float:
    """Split R-hat of (steps, chains), on ranks."""
    steps = chains.shape[0] // 2
    halves = np.concatenate([chains[:steps], chains[steps : 2 * steps]], axis=1)
    flat = np.argsort(np.argsort(halves, axis=None)).reshape(halves.shape) / halves.size
    within = flat.var(axis=0, ddof=1).mean()
    between = steps * flat.mean(axis=0).var(ddof=1)
    return float(np.sqrt(((steps - 1) / steps * within + between / steps) / within))


def long_run(case: Case, chains: int, steps: int, seed: int) -> tuple[np.ndarray, float]:
    """Kept states of the quantities (kept steps, chains, quantities), their logarithms; acceptance."""
    past, kernel = world(case), the_kernel()
    teller = Teller(past, kernel, population(), seed)
    teller.prepare()
    names, readings = teller.names(), kernel.model.readings
    seen = tuple(item for item in past.observations if item.reading in readings)
    places = [readings.index(name) for name in QUANTITIES]
    rng = np.random.default_rng(seed)

    def look(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, _, made, run = teller.tell(dict(zip(names, z, strict=True)), certify=True)
        score = likelihood.total(seen, teller.predictor(made, run), chains)
        now = run.readings[np.arange(chains), made.row_of[0.0]][:, places]
        return np.where(run.failed | ~np.isfinite(score), -1e6, score), np.log(np.maximum(now, 1e-9))

    z = rng.normal(size=(len(names), chains))
    score, now = look(z)
    keep, kept, taken = 0.9, [], []
    for step in range(steps):
        # Now a few numbers at once, now all: the first cross between causes, the second move along.
        some = rng.uniform(size=z.shape) < rng.choice([0.05, 0.3, 1.0])
        far = np.where(some, np.sqrt(1.0 - keep * keep), 0.0)
        there = np.sqrt(1.0 - far * far) * z + far * rng.normal(size=z.shape)
        found, shown = look(there)
        accept = np.log(rng.uniform(size=chains)) < found - score
        z, score, now = np.where(accept, there, z), np.where(accept, found, score), np.where(accept[:, None], shown, now)
        taken.append(accept.mean())
        if step < steps // 4 and step % 20 == 19:
            keep = float(np.clip(keep + (0.03 if np.mean(taken[-20:]) < 0.3 else -0.03), 0.3, 0.995))
        if step >= steps // 4:
            kept.append(now)
    return np.array(kept), float(np.mean(taken[steps // 4 :]))


def main() -> None:
    """Run and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--chains", type=int, default=256)
    options.add_argument("--steps", type=int, default=12_000)
    options.add_argument("--draws", type=int, default=2000)
    chosen = options.parse_args()
    began = time.monotonic()
    lines = [
        "# One person's posterior against long chains", "",
        f"Written by `python scripts/posterior_long_run.py`: {chosen.chains} chains of {chosen.steps} steps ("
        + "; ".join(f"{title}: {times * chosen.steps}" for title, times in LONGER.items()) + "),",
        f"the first quarter left out; the sampler with {chosen.draws} draws. `apart`: difference of the means",
        "in posterior SDs. Logarithms of the state on day 0.", "",
        "| person | quantity | chains: mean (SD) | sampler: mean (SD) | apart | R-hat |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for title, said in CASES.items():
        case = case_of(said)
        kept, acceptance = long_run(case, chosen.chains, LONGER.get(title, 1) * chosen.steps, 11)
        learned = update(world(case), the_kernel(), population(), chosen.draws, 5)
        readings = the_kernel().model.readings
        now = learned.run.readings[np.arange(learned.count), learned.history.row_of[0.0]][learned.weights > 0.0]
        for k, name in enumerate(QUANTITIES):
            ours = np.log(np.maximum(now[:, readings.index(name)], 1e-9))
            theirs = kept[:, :, k]
            apart = (ours.mean() - theirs.mean()) / theirs.std()
            lines.append(f"| {title} | {name} | {theirs.mean():.3f} ({theirs.std():.3f}) | {ours.mean():.3f} ({ours.std():.3f}) | "
                         f"{apart:+.2f} | {split_r_hat(theirs):.3f} |")  # fmt: skip
        print(f"{time.monotonic() - began:6.0f} s  {title}: acceptance {acceptance:.2f}", file=sys.stderr, flush=True)
    (ROOT / "docs" / "posterior-long-run.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
