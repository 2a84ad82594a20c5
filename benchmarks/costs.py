"""What the engine costs: one person; growth with people, years, doses and threads; memory; a step, an operation and the floor.

python benchmarks/costs.py [--json] [--quick]
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
from against_roadrunner import FRESH, MG_NMOL, MONTH_D, Ours, Plan, errors, plans

WIDTH = 8
"""Doubles in a vector of the emitted code."""


def injections(years: float, gap_d: float = MONTH_D) -> Plan:
    """An injection every so many days, read once a month."""
    days = tuple(MONTH_D * k for k in range(1, int(years * 12) + 1))
    doses = tuple((float(day), "injected_O", MG_NMOL) for day in np.arange(0.0, days[-1] - 1e-6, gap_d))
    return Plan("injections", years, doses, days, {}, 0, 0)


def best(call: Any, times: int = 3) -> tuple[float, float, Any]:
    """(least seconds by the clock, least of processor, what it returned)."""
    walls, spent, out = [], [], None
    for _ in range(times):
        began, before = time.perf_counter(), time.process_time()
        out = call()
        walls.append(time.perf_counter() - began)
        spent.append(time.process_time() - before)
    return min(walls), min(spent), out


def operations(source: str) -> dict[str, int]:
    """Arithmetic instructions in the parts of a step of the emitted code, by part."""
    found: dict[str, int] = {}
    for name, body in re.findall(
        r"define weak_odr void @corrin_[0-9a-f]+_((?:lead|follow)_(?:factor|stage|finish)\w*)\(.*?\n(.*?)\n}", source, re.S
    ):
        found[name.split("_")[0]] = found.get(name.split("_")[0], 0) + len(re.findall(r" = (?:f(?:add|sub|mul|div|neg)|call)", body))
    return found


def clock_ghz() -> float:
    """The processor's clock as the system tells it; 0 where it does not."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as told:
            rates = [float(line.split(":")[1]) for line in told if line.startswith("cpu MHz")]
    except OSError:
        return 0.0
    return max(rates, default=0.0) / 1000.0


def tablets(ours: Ours, years: float, people: int = 256) -> dict[str, Any]:
    """Daily tablets with and without leaps: steps, seconds of processor, and the error of each against every day run with every step cut in
    four (defined in against_roadrunner.py)."""
    from corrin.engine.simulate import simulate

    plan = replace(plans(False, years)["daily_oral"], people=people)
    mine = ours.drawn(people, FRESH)
    state, schedule, grid = ours.begin(mine), ours.schedule(plan, people), ours.grid(plan)
    day = grid.by_day
    fine = replace(day, first=4 * day.first, steps=np.repeat(0.25 * day.steps, 4), closes=None)
    truth = simulate(ours.kernel, state, mine, schedule, fine, certify=False).readings
    found: dict[str, Any] = {}
    for name, steps in (("leaps", grid), ("every_day", day)):
        _, spent, run = best(lambda steps=steps: simulate(ours.kernel, state, mine, schedule, steps))
        found[f"tablets_{years:g}y_{name}_steps"] = len(steps.steps)
        found[f"tablets_{years:g}y_{name}_cpu_s"] = spent
        found[f"tablets_{years:g}y_{name}_error"] = errors(run.readings, truth)
        found[f"tablets_{years:g}y_{name}_again"] = run.again
    return found


def measure(quick: bool = False) -> dict[str, Any]:
    """Every number by name; seconds are the least of three."""
    from corrin.engine import simulate as engine
    from corrin.engine.emit import lanes

    ours = Ours()
    found: dict[str, Any] = {}
    years, many = (2.0, 1024) if quick else (10.0, 4096)
    plan = injections(years)
    people = ours.drawn(many, FRESH)
    state = ours.begin(people)
    began = time.perf_counter()
    grid = ours.grid(plan)
    found["pilot_s"] = time.perf_counter() - began
    for count in (1, 64, 1024, many):
        wall, spent, _ = best(lambda count=count: ours.run(people[:count], state[:count], plan, grid))
        found[f"people_{count}_s"], found[f"people_{count}_cpu_s"] = wall, spent
        found[f"people_{count}_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for length in (1.0, 2.0, 5.0, 10.0)[: 2 if quick else 4]:
        short = injections(length)
        own = ours.grid(short)
        found[f"years_{length:g}_cpu_s"] = best(lambda short=short, own=own: ours.run(people[:512], state[:512], short, own), 2)[1]
    for gap in (84.0, MONTH_D, 7.0, 2.0)[: 3 if quick else 4]:
        dense = injections(1.0, gap)
        own = ours.grid(dense)
        name = f"doses_{len(dense.doses)}"
        found[f"{name}_cpu_s"] = best(lambda dense=dense, own=own: ours.run(people[:512], state[:512], dense, own), 2)[1]
        found[f"{name}_steps"] = len(own.steps)
    for length in (0.5,) if quick else (2.0, 10.0):
        found |= tablets(ours, length)
    threads = os.environ.get("CORRIN_THREADS")
    for number in (1, 2):
        os.environ["CORRIN_THREADS"] = str(number)
        engine.pool.cache_clear()
        found[f"threads_{number}_s"] = best(lambda: ours.run(people[:1024], state[:1024], plan, grid))[0]
    if threads is None:
        del os.environ["CORRIN_THREADS"]
    else:
        os.environ["CORRIN_THREADS"] = threads
    engine.pool.cache_clear()
    _, spent, _ = best(lambda: engine.simulate(ours.kernel, state, people, ours.schedule(plan, many), grid, certify=False))
    closed = int(np.sum(grid.closes)) if grid.closes is not None else len(grid.steps)
    counted = operations(lanes.source(ours.model))
    per_person = counted["lead"] * len(grid.steps) + counted["follow"] * closed
    found |= {
        "steps": len(grid.steps),
        "follower_steps": closed,
        "operations_lead_step": counted["lead"],
        "operations_follow_step": counted["follow"],
        "ns_per_step_and_person": 1e9 * spent / many / len(grid.steps),
        "ns_per_operation_and_person": 1e9 * spent / many / per_person,
    }
    ghz = clock_ghz()
    if ghz:
        # Two vector instructions for eight people each tick is the most the processor starts; divisions and loads take more.
        found["floor_ns_per_operation_and_person"] = 1.0 / (2.0 * WIDTH * ghz)
    whole = engine.simulate(ours.kernel, state[:64], people[:64], ours.schedule(plan, 64), grid, certify=False).readings
    together = engine.simulate(ours.kernel, state[:64], people[:64], ours.schedule(plan, 64), replace(grid, closes=None), certify=False)
    found["followers_apart_error"] = float(np.max(np.abs(whole - together.readings) / np.maximum(np.abs(together.readings), 1e-2)))
    return found


def main() -> None:
    found = measure("--quick" in sys.argv)
    if "--json" in sys.argv:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:40s} {value:12.4g}")


if __name__ == "__main__":
    main()
