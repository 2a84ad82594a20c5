"""corrin's population path against libRoadRunner on corrin's own SBML: same people, doses and outputs, one run, turn by turn, at the error
each really has.

    python benchmarks/against_roadrunner.py [--json] [--quick] [--plan NAME ...] [--rounds N] [--rival-people N]

Error: the largest over people, days and readings, relative to the reading, or to a hundredth of the largest value of that reading among
them where that is more, or to a thousandth of its unit (an evoked potential's delay of 0.001 SD has no relative error worth the name). The
truth is libRoadRunner at a relative tolerance of 1e-10, checked on one person against SciPy's LSODA at 1e-10 on the plain rate functions
(`truth_against_lsoda`). The people are drawn anew: neither grid nor tolerances have met them. Those who are treated begin deficient, two
years after an intake of 0.5 ug/d has emptied them; those who become vegan begin replete. The rival may choose: of its tolerances the
quickest whose error is at most 1e-3 counts.

Ratios are people per second on the whole machine: two threads of corrin, two processes of the rival. `ratio` is by the clock; `ratio_cpu`
by seconds of processor, which other programs on the machine move less. The pilot that finds corrin's grid is counted in both, for as many
people as were run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rival import Course, Engine, Processes, Someone, plain_sbml

Floats = NDArray[np.float64]
YEAR_D, MONTH_D = 365.25, 30.4375
FRESH = 700_000
"""Number of the first person drawn for this."""
MG_NMOL = 1000.0 * 0.737805912776585
TOLERANCES = ((1e-4, 1e-4), (1e-4, 1e-6), (1e-5, 1e-5), (1e-5, 1e-7), (1e-6, 1e-6), (1e-6, 1e-8), (1e-7, 1e-8))
"""Relative and absolute; CVODE fails on frequent doses where the absolute one is far below the relative one."""
TRUTH = ((1e-10, 1e-12), (1e-10, 1e-11), (1e-9, 1e-10))
EMPTYING_UG_D, EMPTY_D = 0.5, 730.0
ALLOWED = 1e-3
LONG = 1000
"""Doses from which the rival takes minutes: fewer of its tolerances are tried then, and fewer rounds run."""
CORES = 2


@dataclass(frozen=True)
class Plan:
    """A load: years, doses, days read, exposures that differ from an ordinary day; how many people corrin and the rival take in a turn."""

    name: str
    years: float
    doses: tuple[tuple[float, str, float], ...]
    days: tuple[float, ...]
    exposures: dict[str, float]
    people: int
    rival_people: int
    treated: bool = True
    """Whether people begin deficient."""


def plans(quick: bool, daily_years: float = 1.0) -> dict[str, Plan]:
    """The four loads. Quick ones are shorter in years and people; the work per year is the same.

    Daily tablets last a year: ten take the rival half an hour and more (`--daily-years 10`).
    """
    years, vegan, daily = (2.0, 5.0, 0.25) if quick else (10.0, 20.0, daily_years)
    people, rivals = (1024, 2) if quick else (4096, 4)
    injected, swallowed = "injected_O", "oral_C"

    def months(length: float, first: int = 1, step: int = 1) -> tuple[float, ...]:
        return tuple(MONTH_D * k for k in range(first, int(length * 12 + 1e-9) + first, step))

    loading = (0.0, 2.0, 4.0, 7.0, 9.0, 11.0, *(11.0 + 84.0 * k for k in range(1, int(years * YEAR_D / 84.0))))
    tablets = tuple(float(day) for day in range(int(daily * YEAR_D)))
    found = (
        Plan("monthly", years, _each(months(years, 0), injected), months(years), {}, people, rivals),
        Plan("loading_then_maintenance", years, _each(loading, injected), months(years), {}, people, rivals),
        Plan("vegan_depletion", vegan, (), months(vegan, 3, 3), {"food_ug_d": 0.3}, 2 * people, 4 * rivals, False),
        Plan("daily_oral", daily, _each(tablets, swallowed), months(daily), {}, people // 4 if daily > 1.0 else people, 2),
    )
    return {plan.name: plan for plan in found}


def _each(days: tuple[float, ...], kind: str) -> tuple[tuple[float, str, float], ...]:
    return tuple((day, kind, MG_NMOL) for day in days)


class Ours:
    """corrin's population path: people from the population, in balance on an ordinary diet, then the plan."""

    def __init__(self) -> None:
        from corrin.engine.simulate import PANEL
        from corrin.engine.single import in_single
        from corrin.inference import population as of

        self.kernel, self.population = of.the_kernel(), of.population()
        self.quick = in_single(self.kernel)
        self.model = self.kernel.model
        self.panel = self.drawn(PANEL, 1 << 30)
        self.panel_state = {treated: self.begin(self.panel, treated) for treated in (False, True)}

    def drawn(self, count: int, first: int) -> Floats:
        from corrin.engine.draw import normals

        return self.population.matrix({name: normals(11, name, count, first) for name in self.population.drawn}, count)

    def begin(self, parameters: Floats, treated: bool = True) -> Floats:
        """Their state at the beginning: in balance on an ordinary diet, or two years after an intake that has emptied them."""
        from corrin.engine.rest import constant, settle
        from corrin.engine.simulate import find_grid, simulate

        def around(people: int) -> Floats:
            now = self.kernel.exposure_defaults()
            if treated:
                now[self.model.exposures.index("food_ug_d")] = EMPTYING_UG_D
            return np.repeat(now[:, None], people, axis=1)

        few, many = len(self.panel), len(parameters)
        state = settle(self.kernel, parameters, around(many), self.panel, around(few))
        if not treated:
            return state
        first = settle(self.kernel, self.panel, around(few), self.panel, around(few))
        grid = find_grid(self.kernel, first, self.panel, constant(self.kernel, few, EMPTY_D, around(few)))
        return simulate(self.kernel, state, parameters, constant(self.kernel, many, EMPTY_D, around(many)), grid).end

    def exposures(self, plan: Plan) -> Floats:
        now = self.kernel.exposure_defaults()
        for name, value in plan.exposures.items():
            now[self.model.exposures.index(name)] = value
        return now

    def schedule(self, plan: Plan, people: int) -> Any:
        from corrin.engine.simulate import RESTART_D, Schedule

        ends = sorted({day for day, _, _ in plan.doses if day > 0.0} | {plan.days[-1]})
        begins = [0.0, *ends[:-1]]
        rows = {day: row for row, day in enumerate(plan.days)}
        breaks, outputs, doses, restart = [], [], [], []
        for low, high in zip(begins, ends, strict=True):
            inside = [day for day in plan.days if low < day <= high]
            at = [(day - low) / (high - low) for day in inside]
            out = [rows[day] for day in inside]
            if not at or at[-1] < 1.0:
                at, out = [*at, 1.0], [*out, -1]
            breaks.append(at)
            outputs.append(out)
            given = [(self.model.dose_kinds.index(kind), np.full(people, amount)) for day, kind, amount in plan.doses if day == low]
            doses.append(given)
            first = [RESTART_D[self.model.dose_kinds[kind].rsplit("_", 1)[0]] for kind, _ in given]
            restart.append(min([*first, *([RESTART_D["change"]] if low == 0.0 else [])], default=0.0))
        return Schedule(
            lengths=np.repeat((np.array(ends) - np.array(begins))[:, None], people, axis=1),
            exposures=np.repeat(self.exposures(plan)[:, None], people, axis=1)[None],
            which=np.zeros(len(ends), np.int64),
            doses=[*doses, []],
            breaks=breaks,
            outputs=outputs,
            restart=np.array(restart),
            rows=len(plan.days),
        )

    def grid(self, plan: Plan) -> Any:
        """The steps, found as `corrin forecast` finds them (looser on days nobody reads, and leaps over days, where doses are many)."""
        from corrin.engine.simulate import LEAP, PANEL, TOLERANCE, find_grid
        from corrin.inference.ahead import MANY, UNREAD

        unread, leap = (UNREAD, LEAP) if len(plan.doses) > MANY else (None, None)
        return find_grid(self.kernel, self.panel_state[plan.treated], self.panel, self.schedule(plan, PANEL), TOLERANCE, unread, leap)

    def run(self, parameters: Floats, state: Floats, plan: Plan, grid: Any) -> Any:
        from corrin.engine.simulate import simulate

        return simulate(self.quick, state, parameters, self.schedule(plan, len(parameters)), grid)

    def someone(self, parameters: Floats, state: Floats) -> Someone:
        return Someone(
            dict(zip(self.model.parameters, parameters.tolist(), strict=True)), dict(zip(self.model.pools, state.tolist(), strict=True))
        )

    def course(self, plan: Plan) -> Course:
        return Course(plan.doses, plan.days, dict(zip(self.model.exposures, self.exposures(plan).tolist(), strict=True)))

    def sbml(self) -> str:
        """The export without a course, with what rests on numbers alone as numbers."""
        from rival import constants

        from corrin.shells.export.person import Person
        from corrin.shells.export.sbml import sbml_text, written

        typical = self.population.typical()
        someone = self.someone(typical[0], self.begin(typical)[0])
        ordinary = dict(zip(self.model.exposures, self.kernel.exposure_defaults().tolist(), strict=True))
        person = Person("typical", "", someone.parameters, someone.state, ordinary, (), 1.0, np.zeros(0), {})
        text = sbml_text(self.model.system, person)
        return plain_sbml(text, list(constants(written(self.model.system).shared, {**someone.parameters, **ordinary})))


def _relative(found: Floats, truth: Floats) -> Floats:
    largest = np.abs(truth).max(axis=(0, 1), keepdims=True)
    return np.asarray(np.abs(found - truth) / np.maximum(np.abs(truth), np.maximum(0.01 * largest, 1e-3)))


def errors(found: Floats, truth: Floats) -> float:
    """Largest relative error as above; readings are (people, days, readings)."""
    return float(_relative(found, truth).max())


def worst_reading(found: Floats, truth: Floats, names: tuple[str, ...]) -> str:
    return names[int(np.argmax(_relative(found, truth).max(axis=(0, 1))))]


def truth_of(rival: Processes, people: list[Someone], course: Course) -> tuple[Floats, tuple[float, float]]:
    """The tightest run that the integrator finishes."""
    for relative, absolute in TRUTH:
        found, _, _ = rival.run(people, course, relative, absolute)
        if found is not None:
            return found, (relative, absolute)
    raise SystemExit("libRoadRunner finished none of the tight runs")


def against_lsoda(ours: Ours, plan: Plan, someone: Someone, truth: Floats, days: int = 3) -> float:
    """Largest relative difference of the truth from SciPy's LSODA at 1e-10 over the first few days read, one person."""
    from corrin.body.plain import run_plain

    chosen = plan.days[:days]
    doses = [dose for dose in plan.doses if dose[0] < chosen[-1]]
    inputs = dict(zip(ours.model.exposures, ours.exposures(plan).tolist(), strict=True))
    exact = run_plain(ours.model.system, someone.parameters, inputs, chosen[-1], someone.state, doses, times=chosen, rtol=1e-10)
    other = np.array([exact.readings[name] for name in ours.model.readings]).T
    return errors(truth[None, :days], other[None])


def compare(ours: Ours, rival: Processes, plan: Plan, rounds: int, say: Any, brief: bool = False) -> dict[str, Any]:
    """One load: errors first, then times turn by turn."""
    count = plan.rival_people
    mine = ours.drawn(count, FRESH)
    state = ours.begin(mine, plan.treated)
    people, course = [ours.someone(*pair) for pair in zip(mine, state, strict=True)], ours.course(plan)
    say(f"{plan.name}: truth")
    truth, tight = truth_of(rival, people, course)
    lsoda = against_lsoda(ours, plan, people[0], truth[0])
    grid = ours.grid(plan)
    own = ours.run(mine, state, plan, grid).readings
    error = errors(own, truth)
    by_day = errors(ours.run(mine, state, plan, grid.by_day).readings, truth)
    say(f"{plan.name}: corrin's error {error:.1e}, every day run {by_day:.1e}; the truth against LSODA {lsoda:.1e}")
    tried = []
    long = len(plan.doses) > LONG
    for relative, absolute in TOLERANCES[::2][:3] if long or brief else TOLERANCES:
        found, wall, cpu = rival.run(people, course, relative, absolute)
        if found is not None:
            tried.append((cpu, relative, absolute, errors(found, truth)))
            say(f"{plan.name}: libRoadRunner at {relative:g}/{absolute:g}: {wall:.2f} s, error {tried[-1][3]:.1e}")
    fair = [item for item in tried if item[3] <= ALLOWED] or sorted(tried, key=lambda item: item[3])[:1]
    _, relative, absolute, rival_error = min(fair)
    many = ours.drawn(plan.people, FRESH + 1000)
    begin = ours.begin(many, plan.treated)
    ours.run(many[:64], begin[:64], plan, grid)
    fast, slow, fast_cpu, slow_cpu, pilots = [], [], [], [], []
    for turn in range(min(rounds, 2) if long else rounds):
        began, before = time.perf_counter(), time.process_time()
        grid = ours.grid(plan)
        pilots.append(time.perf_counter() - began)
        run = ours.run(many, begin, plan, grid)
        fast.append((time.perf_counter() - began) / plan.people)
        fast_cpu.append((time.process_time() - before) / plan.people)
        _, wall, cpu = rival.run(people, course, relative, absolute)
        slow.append(wall / count)
        slow_cpu.append(cpu / count)
        say(f"{plan.name}: round {turn + 1}: {slow[-1] / fast[-1]:.0f} by the clock, {slow_cpu[-1] / fast_cpu[-1]:.0f} by processor")
    seconds = statistics.median(fast)
    return {
        "ratio": statistics.median(s / f for s, f in zip(slow, fast, strict=True)),
        "ratio_cpu": statistics.median(s / f for s, f in zip(slow_cpu, fast_cpu, strict=True)),
        "ratios": [round(s / f, 1) for s, f in zip(slow, fast, strict=True)],
        "error": error,
        "error_by_day": by_day,
        "worst": worst_reading(own, truth, ours.model.readings),
        "rival_error": rival_error,
        "rival_tolerances": [relative, absolute],
        "rival_tried": [[r, a, round(cpu / count, 4), float(f"{e:.2g}")] for cpu, r, a, e in tried],
        "truth_tolerances": list(tight),
        "truth_against_lsoda": lsoda,
        "decades_s": plan.years / 10.0 / seconds,
        "rival_decades_s": plan.years / 10.0 / statistics.median(slow),
        "pilot_s": statistics.median(pilots),
        "steps": len(grid.steps),
        "steps_by_day": len(grid.by_day.steps),
        "doses": len(plan.doses),
        "outputs": len(plan.days),
        "years": plan.years,
        "people": plan.people,
        "rival_people": count,
        "again": run.again,
        "failed": int(run.failed.sum()),
    }


def events_or_segments(ours: Ours, plan: Plan) -> dict[str, float]:
    """Seconds of the rival for one person, with the export's own events and stopped at each dose: which is faster."""
    from corrin.engine.simulate import TOLERANCE, find_grid, simulate
    from corrin.shells.export.person import person
    from corrin.shells.export.sbml import sbml_text, written

    mine = ours.drawn(1, FRESH)
    state = ours.begin(mine, plan.treated)
    schedule = ours.schedule(plan, 1)
    run = simulate(ours.kernel, state, mine, schedule, find_grid(ours.kernel, state, mine, schedule, TOLERANCE))
    exported = person(ours.model, "one", "", mine[0], state[0], schedule, np.array(plan.days), run.readings[0])
    someone, course = ours.someone(mine[0], state[0]), ours.course(plan)
    shared = written(ours.model.system).shared
    kept = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        first = Engine(sbml_text(ours.model.system, exported), ours.model.system, {}, ours.model.readings)
        first.engine.integrator.relative_tolerance, first.engine.integrator.absolute_tolerance = 1e-5, 1e-6
        began = time.process_time()
        first.engine.simulate(times=[0.0, *plan.days])
        by_events = time.process_time() - began
        other = Engine(ours.sbml(), ours.model.system, shared, ours.model.readings)
        began = time.process_time()
        other.run(someone, course, 1e-5, 1e-6)
        by_segments = time.process_time() - began
    finally:
        os.dup2(kept, 2)
    return {"rival_events_s": by_events, "rival_segments_s": by_segments}


def measure(
    quick: bool = False, names: list[str] | None = None, rounds: int = 3, rival_people: int | None = None, daily_years: float = 1.0
) -> dict[str, Any]:
    """Everything: {"summary": {...}, "plans": {...}}."""
    from dataclasses import replace

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    ours = Ours()
    chosen = [plan for plan in plans(quick, daily_years).values() if not names or plan.name in names]
    rival = Processes(ours.sbml(), ours.model.readings, CORES)
    try:
        found = {}
        for plan in chosen:
            if rival_people:
                plan = replace(plan, rival_people=rival_people)
            found[plan.name] = compare(ours, rival, plan, rounds, say, quick)
    finally:
        rival.close()
    summary = {}
    for name, result in found.items():
        for key in ("ratio", "ratio_cpu", "error", "rival_error"):
            summary[f"{key}_{name}"] = result[key]
        if result["steps"] < result["steps_by_day"]:
            summary[f"error_by_day_{name}"] = result["error_by_day"]
    if not names or "monthly" in names:
        found["monthly"] |= events_or_segments(ours, plans(True)["monthly"])
    return {"summary": summary, "plans": found}


def text(found: dict[str, Any]) -> str:
    """A table."""
    lines = [
        f"{'plan':26s}{'ratio':>8s}{'by cpu':>8s}{'error':>10s}{'rival':>10s}{'decades/s':>11s}{'rival':>8s}{'steps':>8s}  worst reading"
    ]
    for name, r in found["plans"].items():
        lines.append(
            f"{name:26s}{r['ratio']:8.0f}{r['ratio_cpu']:8.0f}{r['error']:10.1e}{r['rival_error']:10.1e}{r['decades_s']:11.0f}"
            f"{r['rival_decades_s']:8.2f}{r['steps']:8d}  {r['worst']}"
        )
    return "\n".join(lines)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--quick", action="store_true")
    ask.add_argument("--plan", action="append")
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--rival-people", type=int)
    ask.add_argument("--daily-years", type=float, default=1.0)
    given = ask.parse_args()
    found = measure(given.quick, given.plan, given.rounds, given.rival_people, given.daily_years)
    print(json.dumps(found, indent=1) if given.json else text(found))


if __name__ == "__main__":
    main()
