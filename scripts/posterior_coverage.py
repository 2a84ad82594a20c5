"""Simulation-based calibration of what is learned about one person: are the bands as wide as they say?

    python scripts/posterior_coverage.py [--people 1200] [--draws 500] [--seed 1] [--cluster tcp://host:8786]

Virtual people are learned from their own laboratory reports (`src/corrin/inference/coverage.py`). The rank of the truth among the draws is
uniform if the posterior is right (Talts S et al. arXiv:1804.06788, 2018); the envelope of the rank curve is simultaneous (Saeilynoja T et
al. Stat Comput 2022;32:32). The result is written to docs/coverage.md; rows already made are kept in build/coverage, in the order of the
people, so that a run that was cut off goes on. With --cluster every person is a job for the workers of a Dask scheduler: the same rows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from corrin.errors import CorrinError
from corrin.inference import likelihood
from corrin.inference.blocks import in_order
from corrin.inference.coverage import LEVELS, UNKNOWN, VirtualPerson, ranks_of
from corrin.inference.population import population, the_model
from corrin.shells.cluster import check_address, workers

ROOT = Path(__file__).resolve().parents[1]
BANDS = (0.5, 0.8, 0.95)
PLACES = np.linspace(0.02, 0.98, 49)


def furthest(ranks: np.ndarray) -> float:
    """Largest distance of a rank curve from the diagonal, in the SDs that a uniform sample has there."""
    curve = (ranks[:, None] <= PLACES).mean(axis=0)
    return float(np.max(np.abs(curve - PLACES) / np.sqrt(PLACES * (1.0 - PLACES) / len(ranks))))


def envelope(count: int, chance: float = 0.95, trials: int = 20_000) -> float:
    """The distance that so many uniform samples of this size stay within."""
    rng = np.random.default_rng(1)
    return float(np.quantile([furthest(rng.uniform(size=count)) for _ in range(trials)], chance))


def page(rows: list[dict], draws: int, seed: int) -> str:
    """The result as a page."""
    count = len(rows)
    limit, together = envelope(count), envelope(count, 0.95 ** (1.0 / len((*LEVELS, *UNKNOWN))))
    lines = [
        "# Coverage: what is learned about one person", "",
        f"Written by `python scripts/posterior_coverage.py`: {count} virtual people with 1 to 8 laboratory reports, {draws} draws each,",
        f"seed {seed}.",
        "A band of 80 % should hold the truth in 80 % of people. `furthest`: largest distance of the rank curve from uniform, in its own",
        f"standard deviations; {limit:.2f} holds 95 % of uniform samples of this size for one quantity, {together:.2f} for all of these",
        "at once (as if they were independent, which makes it a little wide). Uniform: yes, within the first; \"one of many\", within the",
        "second only.", "",
        "| quantity | 50 % band | 80 % | 95 % | furthest | uniform |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in (*LEVELS, *UNKNOWN):
        ranks = np.array([row["ranks"][name] for row in rows])
        inside = [float((np.abs(ranks - 0.5) <= band / 2).mean()) for band in BANDS]
        far = furthest(ranks)
        shares = " | ".join(f"{100 * share:.0f} %" for share in inside)
        lines.append(f"| {name} | {shares} | {far:.2f} | {'yes' if far <= limit else 'one of many' if far <= together else 'no'} |")
    effective = np.array([row["effective"] for row in rows]) / draws
    lines += ["", f"Effective draws as a share of all: median {np.median(effective):.2f}, lowest {effective.min():.2f}; "
              f"below a tenth (told as not resolved) in {int((effective < 0.1).sum())} of {count}."]  # fmt: skip
    return "\n".join(lines) + "\n"


def kept(work: Path) -> list[dict[str, Any]]:
    """The rows of people 0, 1, 2, ... that an earlier run made; what it was writing when it was cut off is taken away."""
    rows: list[dict[str, Any]] = []
    if not work.exists():
        return rows
    whole = 0
    for line in work.read_bytes().splitlines(keepends=True):
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n") or row.get("number") != len(rows):
            break
        rows.append(row)
        whole += len(line)
    if whole < work.stat().st_size:
        with work.open("r+b") as file:
            file.truncate(whole)
    return rows


def _code() -> str:
    """Hash of what learns, beside the equations: rows of another sampler or engine are other rows."""
    home = Path(likelihood.__file__).parents[1]
    files = sorted(file for room in ("case", "engine", "inference") for file in (home / room).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def main() -> None:
    """Run and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", type=int, default=1200)
    options.add_argument("--draws", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--cluster", help="address of a Dask scheduler, such as tcp://host:8786")
    options.add_argument("--out", type=Path, default=ROOT / "docs" / "coverage.md")
    options.add_argument("--work", type=Path, default=ROOT / "build" / "coverage", help="where rows are kept")
    chosen = options.parse_args()
    check_address(chosen.cluster)
    people = population()
    program = hashlib.sha256((people.digest() + the_model().digest() + _code() + f"{chosen.draws} {chosen.seed}").encode()).hexdigest()[:16]
    work = chosen.work / f"{program}.jsonl"
    work.parent.mkdir(parents=True, exist_ok=True)
    rows = kept(work)
    jobs = [(number, VirtualPerson(number, chosen.draws, chosen.seed, people)) for number in range(len(rows), chosen.people)]
    began = time.monotonic()
    with work.open("a", encoding="utf-8") as file, workers(chosen.cluster, lambda text: print(text, file=sys.stderr)) as run:
        for row in in_order(run(ranks_of, jobs), len(rows)):
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(f"{time.monotonic() - began:6.0f} s  {len(rows)} of {chosen.people}", file=sys.stderr, flush=True)
    chosen.out.write_text(page(rows[: chosen.people], chosen.draws, chosen.seed), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except CorrinError as problem:
        print(f"{Path(__file__).name}: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
