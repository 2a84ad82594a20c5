"""What the steps after an injection are spent on: their hours, the states that ask for them, and what holding less tightly what a dose
passes through spares, at which error.

    python benchmarks/binding.py [--json] [--quick]

The states left out of the pilot's control bound what putting them at quasi-equilibrium could spare: the equations stay as they are, only
the pilot no longer looks at the error in them. Errors are on fresh people against steps cut in eight, all states together.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
from against_roadrunner import FRESH, MG_NMOL, MONTH_D, Ours, Plan, _each, errors, worst_reading

HOURS = (0.0, 1.0, 4.0, 24.0, np.inf)
LEFT_OUT: dict[str, tuple[str, ...]] = {
    "none": (),
    "transcobalamin": ("transcobalamin",),
    "plasma and transcobalamin": ("plasma_c", "plasma_o", "transcobalamin"),
    "capture sites": ("captured",),
    "loose binding": ("loose",),
    "injection sites": ("depot_c", "depot_o"),
}


def plans(quick: bool) -> dict[str, Plan]:
    """Injections: monthly of each form, loading then every twelve weeks, weekly through the nose, three doses at one instant."""
    years = 1.0 if quick else 2.0
    months = tuple(MONTH_D * k for k in range(1, int(12 * years) + 1))
    loading = (0.0, 2.0, 4.0, 7.0, 9.0, 11.0, *(11.0 + 84.0 * k for k in range(1, int(years * 365.25 / 84.0))))
    begins = (0.0, *months[:-1])
    three = tuple((day, kind, MG_NMOL) for day in (1.0, 40.0) for kind in ("oral_C", "injected_C", "injected_O"))
    soon = (1.04, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 40.1, 40.3, 41.0, 42.0, 45.0, 60.0, 100.0)
    found = (
        Plan("monthly, hydroxocobalamin", years, _each(begins, "injected_O"), months, {}, 0, 0),
        Plan("monthly, cyanocobalamin", years, _each(begins, "injected_C"), months, {}, 0, 0),
        Plan("loading, then every 12 weeks", years, _each(loading, "injected_O"), months, {}, 0, 0),
        Plan("weekly, nasal", years, _each(tuple(np.arange(0.0, months[-1] - 1.0, 7.0).tolist()), "nasal_C"), months, {}, 0, 0),
        Plan("three doses at one instant", 0.3, three, soon, {}, 0, 0),
    )
    return {plan.name: plan for plan in found}


def by_hour(schedule: Any, grid: Any) -> list[float]:
    """Steps after a dose, in the stretches between `HOURS`."""
    first = np.concatenate([[0], np.cumsum([len(at) for at in schedule.breaks])])
    days = [
        np.cumsum(grid.steps[grid.first[low] : grid.first[high]]) * length
        for low, high, length, given in zip(first[:-1], first[1:], schedule.lengths[:, 0], schedule.doses, strict=False)
        if given
    ]
    counts = np.histogram(24.0 * np.concatenate(days), HOURS)[0]
    return [float(count) / len(days) for count in counts]


def measure(quick: bool = False) -> dict[str, Any]:
    """Everything by name."""
    from corrin.engine.emit import lanes
    from corrin.engine.simulate import PANEL, TOLERANCE, _pass, find_grid, kernel, simulate

    ours = Ours()
    count = 128 if quick else 1024
    people = ours.drawn(count, FRESH)
    state = ours.begin(people)
    found: dict[str, Any] = {"passing": [ours.model.pools[k] for k in lanes.passing(ours.model)], "plans": {}, "left_out": {}}

    def grid(plan: Plan, unread: float | None, by: Any = ours.kernel) -> Any:
        return find_grid(by, ours.panel_state[True], ours.panel, ours.schedule(plan, PANEL), TOLERANCE, unread)

    for name, plan in plans(quick).items():
        schedule = ours.schedule(plan, count)
        tight = replace(grid(plan, TOLERANCE), closes=None)
        truth = _pass(ours.kernel, state, people, schedule, tight, 8, None, None).readings
        rows = {}
        for way, unread in (("held alike", TOLERANCE), ("as it is", None)):
            steps = grid(plan, unread)
            spent = []
            for _ in range(5):
                before = time.process_time()
                run = simulate(ours.kernel, state, people, schedule, steps)
                spent.append(time.process_time() - before)
            rows[way] = {
                "steps": len(steps.steps),
                "follower_steps": int(steps.closes.sum()),
                "by_hour": by_hour(schedule, steps),
                "error": errors(run.readings, truth),
                "worst": worst_reading(run.readings, truth, ours.model.readings),
                "accumulated": float(run.accumulated.max()),
                "again": run.again,
                "cpu_s": min(spent),
            }
        found["plans"][name] = rows
    for out, states in LEFT_OUT.items():
        floors = tuple(1e12 if pool in states else floor for pool, floor in zip(ours.model.pools, ours.model.floors, strict=True))
        other = kernel(replace(ours.model, floors=floors))
        found["left_out"][out] = {
            name: len(grid(plan, TOLERANCE, other).steps) for name, plan in plans(quick).items() if name.startswith("monthly")
        }
    return found


def main() -> None:
    found = measure("--quick" in sys.argv)
    if "--json" in sys.argv:
        print(json.dumps(found, indent=1))
        return
    print("passing:", ", ".join(found["passing"]))
    for name, rows in found["plans"].items():
        for way, row in rows.items():
            hours = " ".join(f"{value:5.1f}" for value in row["by_hour"])
            steps = f"steps {row['steps']:5d}, of followers {row['follower_steps']:4d}; after a dose, hours 0-1-4-24-: {hours}"
            error = f"error {row['error']:.1e} ({row['worst']}); accumulated {row['accumulated']:.3f}, again {row['again']}"
            print(f"{name:30s} {way:11s} {steps}; {error}; {row['cpu_s']:.3f} s")
    for out, rows in found["left_out"].items():
        print(f"without {out:28s}", ", ".join(f"{name}: {steps}" for name, steps in rows.items()))


if __name__ == "__main__":
    main()
