"""How long a forecast takes, in new processes as a user starts them, and how exact and fast the engine is beside SciPy's LSODA.

    python benchmarks/forecast.py [--json] [--quick]

Prints medians over runs. `ratio_*` compares people per second at the measured error of each, same people, same doses, one run, interleaved.
Nothing here is asserted: times belong to the machine they were taken on.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ORDINARY = ("none", "bnf-hydroxocobalamin", "us-practice-cyanocobalamin")
TABLETS = ("none", "bnf-hydroxocobalamin", "oral-1000-daily")
CASE = "stabler2013-vignette"


def timed(arguments: list[str], cache: str) -> tuple[float, float]:
    """Seconds of one `corrin` process: by the clock, and of processor on all cores (what other work on the machine moves less)."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "corrin", *arguments],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CORRIN_CACHE_DIR": cache},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def asked(plans: tuple[str, ...], draws: int = 1000) -> list[str]:
    """Arguments of a forecast."""
    return ["forecast", CASE, *(word for plan in plans for word in ("--plan", plan)), "--years", "2", "--draws", str(draws), "--json"]


def processes(runs: int) -> dict[str, float]:
    """Import, first forecast with an empty cache, later ones."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as cache:
        found["first_forecast_s"], found["first_forecast_cpu_s"] = timed(asked(TABLETS), cache)
        for name, plans in (("ordinary", ORDINARY), ("daily_tablets", TABLETS)):
            several = [timed(asked(plans), cache) for _ in range(runs)]
            found[f"forecast_{name}_s"] = statistics.median(wall for wall, _ in several)
            found[f"forecast_{name}_cpu_s"] = min(processor for _, processor in several)
    loading = [_import_seconds() for _ in range(max(runs, 3))]
    found["import_s"] = statistics.median(loading)
    return found


def _import_seconds() -> float:
    code = "import time; began = time.perf_counter(); import corrin; print(time.perf_counter() - began)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def engines(people: int = 512, rival_people: int = 3) -> dict[str, float]:
    """Lanes against LSODA on injections for a year: people per second and largest relative error of readings against LSODA at 1e-10."""
    from corrin.body.plain import run_plain
    from corrin.engine.draw import normals
    from corrin.engine.rest import settle
    from corrin.engine.simulate import PANEL, Schedule, find_grid, simulate
    from corrin.inference import population as of

    kernel, population = of.the_kernel(), of.population()
    model = kernel.model

    def drawn(count: int, first: int) -> Any:
        return population.matrix({name: normals(7, name, count, first) for name in population.drawn}, count)

    everyone, panel = drawn(people, 0), drawn(PANEL, 1 << 30)
    ordinary = kernel.exposure_defaults()
    days = [0.0, 2.0, 4.0, 7.0, 14.0, *(float(day) for day in range(30, 365, 61))]
    kind = model.dose_kinds.index("injected_O")
    ends = [*days[1:], 365.0]

    def schedule(count: int) -> Schedule:
        return Schedule(
            lengths=np.repeat(np.diff([*days, 365.0])[:, None], count, axis=1),
            exposures=np.repeat(ordinary[:, None], count, axis=1)[None],
            which=np.zeros(len(ends), np.int64),
            doses=[[(kind, np.full(count, 737.8))] for _ in days] + [[]],
            breaks=[[0.5, 1.0] for _ in ends],
            outputs=[[2 * n, 2 * n + 1] for n in range(len(ends))],
            restart=np.full(len(ends), 1e-4),
            rows=2 * len(ends),
        )

    def steady(parameters: Any) -> Any:
        count = parameters.shape[0]
        rest = np.repeat(ordinary[:, None], count, axis=1)
        return settle(kernel, parameters, rest, panel, np.repeat(ordinary[:, None], PANEL, axis=1))

    start = steady(everyone)
    grid = find_grid(kernel, steady(panel), panel, schedule(PANEL))
    simulate(kernel, start, everyone, schedule(people), grid)
    began = time.perf_counter()
    lanes = simulate(kernel, start, everyone, schedule(people), grid)
    fast = people / (time.perf_counter() - began)
    times = [low + share * (high - low) for low, high in zip([0.0, *ends[:-1]], ends, strict=True) for share in (0.5, 1.0)]
    inputs = dict(zip(model.exposures, ordinary.tolist(), strict=True))
    errors: dict[str, float] = {"lanes": 0.0, "lsoda": 0.0}
    spent = 0.0
    for person in range(rival_people):
        parameters = dict(zip(model.parameters, everyone[person].tolist(), strict=True))
        state = dict(zip(model.pools, start[person].tolist(), strict=True))
        doses = [(day, "injected_O", 737.8) for day in days]
        exact = run_plain(model.system, parameters, inputs, 365.0, state, doses, times=times, rtol=1e-10)
        began = time.perf_counter()
        rough = run_plain(model.system, parameters, inputs, 365.0, state, doses, times=times, rtol=1e-5)
        spent += time.perf_counter() - began
        truth = np.array([np.asarray(exact.readings[name]) for name in model.readings]).T
        other = np.array([np.asarray(rough.readings[name]) for name in model.readings]).T
        scale = np.maximum(np.abs(truth), 1e-3)
        errors["lanes"] = max(errors["lanes"], float(np.max(np.abs(lanes.readings[person] - truth) / scale)))
        errors["lsoda"] = max(errors["lsoda"], float(np.max(np.abs(other - truth) / scale)))
    slow = rival_people / spent
    steps = len(grid.steps)
    return {
        "lanes_people_s": fast,
        "lsoda_people_s": slow,
        "ratio_injections": fast / slow,
        "error_injections": errors["lanes"],
        "error_injections_lsoda": errors["lsoda"],
        "steps": float(steps),
        "ns_a_step_and_person": 1e9 / (fast * steps) * (os.cpu_count() or 1),
    }


def one_person(draws: int = 2000, runs: int = 3) -> dict[str, float]:
    """The engine's part of an answer: one person's drawn histories (ten years of gastritis after health at rest), then two years under
    three plans, pilots included, in a process that has the model loaded. Nothing is learned, summed up or drawn."""
    from corrin.case.plan import read_plan
    from corrin.case.reader import read_case
    from corrin.case.world import world
    from corrin.inference import population as of
    from corrin.inference.ahead import follow
    from corrin.inference.update import update

    ill = {"conditions": [{"name": "autoimmune_gastritis", "from": "-10y"}]}
    case = read_case({"format": "corrin.case/1", "person": {"age_y": 63, "sex": "male"}, "as_of": "day 0", "history": ill})
    kernel, population, history, plans = of.the_kernel(), of.population(), world(case), [read_plan(name) for name in ORDINARY]
    spent = []
    for seed in range(runs):
        began = time.perf_counter()
        people = update(history, kernel, population, draws, seed)
        for plan in plans:
            follow(case, history, plan, 2.0, people, kernel, population, seed)
        spent.append(time.perf_counter() - began)
    return {f"engine_{draws}_draws_s": statistics.median(spent)}


def measure(quick: bool = False) -> dict[str, float]:
    """Everything, by name."""
    summary = {**engines(), **one_person(), **processes(1 if quick else 3)}
    summary["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return summary


def main() -> None:
    summary = measure("--quick" in sys.argv)
    facts = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version(), "folder": Path.cwd().name}
    if "--json" in sys.argv:
        print(json.dumps({"summary": summary, "machine": facts}, indent=1))
        return
    for name, value in summary.items():
        print(f"{name:28s} {value:12.4g}")


if __name__ == "__main__":
    main()
