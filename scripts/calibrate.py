"""Fit the population to studies with role `fit`, the survey, and tracer numbers (make calibrate); with --survey-only to the survey alone.

It goes on where it was cut off: the results of each study are kept in build/calibration. With --cluster every study and every simulation of
the survey's people is a job for the workers of a Dask scheduler, with the same numbers; the tracer numbers (a minute) are made here.
Writes facts/population/calibration.toml, shifts.csv and correlation.csv, and docs/calibration.md (but for what stands below TRIALS there).
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from corrin.errors import CorrinError
from corrin.facts.calibration import Calibrated, calibration, write
from corrin.inference import calibrate as fit
from corrin.inference import population as people_of
from corrin.inference.population import Population, centre, facts_population, prior, rests_on
from corrin.shells.cluster import check_address, workers
from corrin.studies.reader import studies

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import bodies  # noqa: E402
import model_checks  # noqa: E402

ABOUT = """# Calibration

Written by `make calibrate` on {day}. The population of the facts, moved by {count} numbers: {data}. How it is
done: `src/corrin/inference/calibrate.py`; what was tried and not used: [decision 0006](decisions/0006-calibration.md). Studies against
predictions: [validation](validation.md).
`make calibrate ARGS="--cluster tcp://host:8786"` sends studies and survey to [other machines](how-to/virtual-population.md#many-machines).

## What is pinned and what is not

Shift of the typical value in units of its uncertainty before; uncertainty left as a share of that before (1: the data said
nothing). What is left includes what is peculiar to a place: no amount of data takes it below half (`CONTEXT`), but for the two
references. Parameters that came from an earlier fit to the survey began with twice their uncertainty.

| parameter | typical before | after | shift | left unknown |
|---|---|---|---|---|
"""
TRIALS = "\n## Trials\n"
"""What was tried, written by hand, below what is generated."""
MISSES = """
## What misses

Data more than two of their own SDs off before the joint step; they count less, so that one conflict does not bend the rest.

| datum | observed minus predicted, on its scale | SD | weight |
|---|---|---|---|
"""
SURVEY = """
## The survey

Assumed of its people and found by the fit: {assumed}. Quantiles and medians: observed over predicted; correlations: observed minus
predicted, before the joint step. How it stands after: `corrin check --population` (the table under Trials).

| statistic | gap |
|---|---|
"""


def record(made: fit.Calibration, population: Population, day: str, keys: list[str]) -> str:
    """What the run found, as a page: what is pinned and what is not, what differs between people, what misses."""
    rows = {row.name: row for row in prior(population).rows}
    data = (
        "statistics of a health survey, the studies with role `fit`, and tracer and absorption numbers"
        if keys
        else ("statistics of a health survey. No study was fitted, so every study is predicted and none is explained away")
    )
    parts = [ABOUT.format(day=day, count=len(made.rows), data=data)]
    untouched = []
    for name, shift, left, _ in fit.pinned(made, population):
        if name not in rows:
            continue
        if left > 0.97 and abs(shift) < 0.15:
            untouched.append(name)
            continue
        row = rows[name]
        parts.append(f"| `{name}` | {row.value:.4g} | {centre(row, shift):.4g} {row.unit} | {shift:+.2f} | {left:.2f} |\n")
    if untouched:
        parts.append("\nThe data said next to nothing of " + ", ".join(f"`{name}`" for name in untouched) + ".\n")
    parts.append("\nWhat is not named here was not moved.\n")
    parts.append("\n## How much people differ\n\n| parameter | factor on its spread |\n|---|---|\n")
    parts += [f"| `{name}` | {factor:.2f} |\n" for name, factor in made.differ.items()]
    parts.append("\n## Structure\n\n| alternative | weight before | after |\n|---|---|---|\n")
    before = {row.name: row.value for row in population.rows}
    parts += [f"| `{name}` | {before[name]:.2f} | {weight:.2f} |\n" for name, weight in made.structure.items()]
    parts.append(SURVEY.format(assumed=", ".join(f"{name} {value:.2f}" for name, value in asdict(made.assumed).items())))
    for row in made.rows:
        if row.study == "survey":
            parts.append(f"| {row.label} | " + (f"{row.residual:+.3f} |\n" if " with " in row.label else f"{np.exp(row.residual):.2f} |\n"))
    parts.append(MISSES)
    for row, weight in zip(made.rows, made.weights, strict=True):
        sd = float(np.hypot(np.sqrt(row.own), row.effect))
        if abs(row.residual) > 2.0 * sd:
            parts.append(f"| {row.label} | {row.residual:+.3g} | {sd:.3g} | {weight:.2f} |\n")
    return "".join(parts)


def checks_at(population: Population) -> dict[str, model_checks.Check]:
    """The checks of a typical person's body (tests/model_checks.py) with this population in the place of the packaged one."""
    for module in (bodies, model_checks):
        for thing in vars(module).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()
    packaged = people_of.population
    people_of.population = lambda: population
    try:
        return {check.name: check for check in model_checks.of_body()}
    finally:
        people_of.population = packaged


def tracer_rows(population: Population, studied: set[str]) -> list[fit.Row]:
    """Tracer, absorption, loss and steady-state numbers as data, each parameter moved alone; what comes from a study of the fit is left to
    that study, and what sources contradict counts a quarter."""
    here = checks_at(population)
    used = {name: check for name, check in here.items() if check.scale != "range" and check.group not in ("population", "red cells")
            and check.source.lower() not in studied}  # fmt: skip
    gradient: dict[str, dict[str, float]] = {name: {} for name in used}
    for row in population.rows:
        if row.unsure > 0.0 and row.place in fit.SURVEY_PLACES:
            there = checks_at(fit.moved(population, {row.name: fit.STEP}))
            for name, check in used.items():
                slope = (there[name].z - check.z) * check.spread / fit.STEP
                if abs(slope) > 1e-4:
                    gradient[name][row.name] = slope
    return [
        fit.Row(f"fact {check.source}", f"fact {name}", f"{check.group}: {name}", -check.z * check.spread,
                check.spread**2 * (4.0 if check.contradiction else 1.0), 0.0, gradient[name])
        for name, check in used.items()
    ]  # fmt: skip


def main() -> None:
    """Calibrate and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--draws", type=int, default=1000)
    options.add_argument("--people", type=int, default=6000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--passes", type=int, default=fit.PASSES)
    options.add_argument("--survey-only", action="store_true", help="fit the survey alone")
    options.add_argument("--fresh", action="store_true", help="start from the facts, not from the last calibration")
    options.add_argument("--cluster", help="address of a Dask scheduler, such as tcp://host:8786")
    options.add_argument("--out", type=Path, default=ROOT / "src" / "corrin" / "facts" / "population")
    options.add_argument("--work", type=Path, default=ROOT / "build" / "calibration")
    options.add_argument("--page", type=Path, default=ROOT / "docs" / "calibration.md", help="the page that is written")
    chosen = options.parse_args()
    check_address(chosen.cluster)
    began = time.monotonic()

    def progress(text: str, _: float) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    fitted = [study for study in studies() if study.role == "fit" and not chosen.survey_only]
    population = facts_population()
    last_one = None if chosen.fresh else calibration()
    begun = {} if last_one is None else fit.unknowns_at(last_one)  # typical values begin at the facts, so that a second run changes nothing
    begin = {name: value for name, value in begun.items() if " " in name or name in fit.REFERENCES}
    with workers(chosen.cluster, lambda text: progress(text, 0.0)) as run:
        made = fit.calibrate(
            population, fitted, chosen.work, chosen.draws, chosen.people, chosen.seed, chosen.passes, begin,
            (lambda now: tracer_rows(now, set())) if fitted else None, progress, run,
        )  # fmt: skip
    used = sorted(study.key for study in fitted)
    names = tuple(name for name in made.posterior.names if " " not in name)
    shifts = {"": {name: made.posterior.at(name) for name in names}}
    shifts |= {key: {name: left.at(name) for name in names} for key, left in made.without.items()}
    last = made.history[-1]
    kept = Calibrated(
        time.strftime("%Y-%m-%d"), tuple(used), rests_on(used), shifts, names, made.correlation(names), made.differ, made.structure,
        asdict(made.assumed),
        {"points": float(len(made.rows)), "draws": float(chosen.draws), "people": float(chosen.people), "seed": float(chosen.seed),
         "passes": float(chosen.passes), "survey_rms_log": last["survey"], "mean_weight": float(np.mean(made.weights))},
    )  # fmt: skip
    write(kept, chosen.out)
    trials = chosen.page.read_text(encoding="utf-8").partition(TRIALS) if chosen.page.exists() else ("", "", "")
    chosen.page.write_text(record(made, population, kept.made, used) + trials[1] + trials[2], encoding="utf-8")
    progress("written", 1.0)


if __name__ == "__main__":
    try:
        main()
    except CorrinError as problem:
        print(f"{Path(__file__).name}: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
