"""corrin's population path against diffrax on the same equations: same people, doses and outputs, one run, turn by turn, at the error
each really has.

    python benchmarks/diffrax_rival.py [--json] [--method NAME ...] [--people N] [--years N] [--rounds N]

Error, truth and the choice of tolerances are those of `against_roadrunner.py`. diffrax is helped: the equations are the trace that corrin's
own JAX program is made of, what rests on parameters alone is computed once, the Jacobian is corrin's derivatives and not one by automatic
differentiation, every run stops at each dose, and compiling is not counted. There is a process for each core, and in it people are run
together under `vmap` (one after the other takes as long). Kvaerno3 is the quickest of its methods here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import numpy as np
from against_roadrunner import ALLOWED, CORES, FRESH, TOLERANCES, Floats, Ours, Plan, errors, plans, truth_of
from rival import Processes

METHODS = ("Kvaerno3",)
LOOSER = ((1e-2, 1e-2), (1e-2, 1e-4), (1e-3, 1e-3), (1e-3, 1e-5))
"""Relative and absolute tolerances tried before those of libRoadRunner."""
PEOPLE, YEARS = 8, 1.0
FIRST_D = 1e-4
"""First step after an event, days."""
MOST_STEPS = 20_000
"""Steps between two events beyond which it counts as not solved."""


def equations(model: Any) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """For one person of state y, parameters p and exposures x: what rests on p and x alone, as z; rates of (y, z); the state after amounts
    of all kinds of dose; readings."""
    import jax
    import jax.numpy as jnp

    from corrin.engine.emit.arrays import values
    from corrin.engine.trace import Node, reachable

    graph = model.graph
    entries = [(row, column, node) for row, found in enumerate(model.jacobian) for column, node in found.items()]
    roots = [*model.rates, *(node for _, _, node in entries)]
    free = model.state_free()
    named = ("symbol", "constant")
    inner = [graph.operations[index] for index in reachable(graph, roots) if index not in free]
    used = {place for operation in inner if operation[0] not in named for place in operation[1:]} | {node.index for node in roots}
    kept = [Node(graph, index) for index in sorted(used & free) if graph.operations[index][0] != "constant"]

    def symbols(kind: str, names: Any, given: Any) -> dict[int, Any]:
        return dict(zip([graph.symbol(kind, name).index for name in names], given, strict=True))

    def person(y: Any, p: Any, x: Any) -> dict[int, Any]:
        return symbols("state", model.pools, y) | symbols("parameter", model.parameters, p) | symbols("exposure", model.exposures, x)

    def begun(y: Any, z: Any) -> dict[int, Any]:
        return symbols("state", model.pools, y) | dict(zip([node.index for node in kept], z, strict=True))

    def once(p: Any, x: Any) -> Any:
        known = symbols("parameter", model.parameters, p) | symbols("exposure", model.exposures, x)
        return jnp.stack(values(model, kept, known, p[0]))

    @jax.custom_jvp
    def rates(y: Any, z: Any) -> Any:
        return jnp.stack(values(model, model.rates, begun(y, z), y[0]))

    @rates.defjvp
    def _(at: Any, along: Any) -> Any:
        y, z = at
        slopes = jnp.stack(values(model, [node for _, _, node in entries], begun(y, z), y[0]))
        rows, columns = np.array([row for row, _, _ in entries]), np.array([column for _, column, _ in entries])
        jacobian = jnp.zeros((len(y), len(y)), y.dtype).at[rows, columns].set(slopes)
        return rates(y, z), jacobian @ along[0]

    def dosed(y: Any, p: Any, x: Any, amounts: Any) -> Any:
        return jnp.stack(values(model, model.after_dose, person(y, p, x) | symbols("dose", model.dose_kinds, amounts), y[0]))

    def read(y: Any, p: Any, x: Any) -> Any:
        return jnp.stack(values(model, model.seen, person(y, p, x), y[0]))

    return once, rates, dosed, read


def program(model: Any, method: str) -> Any:
    """Everybody's run: y (people, states), p (people, parameters), x (exposures,), lengths (segments,) days, amounts (segments, kinds) nmol
    as each begins, relative and absolute tolerance -> readings (people, segments, readings) as each ends, steps and solved (people,).
    """
    import diffrax
    import jax
    import jax.numpy as jnp

    once, rates, dosed, read = equations(model)
    term, solver = diffrax.ODETerm(lambda t, y, z: rates(y, z)), getattr(diffrax, method)()

    def one(y: Any, p: Any, x: Any, lengths: Any, amounts: Any, relative: Any, absolute: Any) -> Any:
        z = once(p, x)
        control = diffrax.PIDController(rtol=relative, atol=absolute)

        def segment(y: Any, given: Any) -> Any:
            length, doses = given
            run = diffrax.diffeqsolve(term, solver, 0.0, length, FIRST_D, dosed(y, p, x, doses), z,
                                      stepsize_controller=control, max_steps=MOST_STEPS, throw=False)  # fmt: skip
            end = run.ys[0]
            return end, (read(end, p, x), run.stats["num_steps"], run.result == diffrax.RESULTS.successful)

        _, (readings, steps, solved) = jax.lax.scan(segment, y, (lengths, amounts))
        return readings, steps.sum(), jnp.all(solved)

    return jax.jit(jax.vmap(one, in_axes=(0, 0, None, None, None, None, None)))


class Diffrax:
    """A plan's people shared out among processes, one for each core: within one process diffrax keeps a single core busy."""

    def __init__(self, ours: Ours, plan: Plan, parameters: Floats, state: Floats) -> None:
        ends = sorted({day for day, _, _ in plan.doses if day > 0.0} | set(plan.days))
        amounts = np.zeros((len(ends), len(ours.model.dose_kinds)))
        for day, kind, amount in plan.doses:
            amounts[[0.0, *ends].index(day), ours.model.dose_kinds.index(kind)] += amount
        self.rows = [ends.index(day) for day in plan.days]
        shared = (ours.exposures(plan), np.diff([0.0, *ends]), amounts)
        self.given = [(state[place::CORES], parameters[place::CORES], *shared) for place in range(CORES)]
        self.workers = [ProcessPoolExecutor(1, get_context("spawn")) for _ in range(CORES)]

    def compile(self, method: str) -> float:
        """Seconds, of the slowest process."""
        jobs = [worker.submit(_compile, method, *given) for worker, given in zip(self.workers, self.given, strict=True)]
        return max(job.result() for job in jobs)

    def run(self, method: str, relative: float, absolute: float) -> tuple[Floats | None, float, float, int]:
        """Readings (people, days, readings) or None where somebody was not solved, seconds by the clock and of processor, most steps."""
        began = time.perf_counter()
        jobs = [worker.submit(_run, method, relative, absolute) for worker in self.workers]
        answers = [job.result() for job in jobs]
        wall, cpu = time.perf_counter() - began, sum(spent for *_, spent in answers)
        out = np.empty((sum(len(readings) for readings, *_ in answers), *answers[0][0].shape[1:]))
        for place, (readings, *_) in enumerate(answers):
            out[place::CORES] = readings
        sound = all(solved.all() for _, _, solved, _ in answers) and bool(np.isfinite(out).all())
        return (out[:, self.rows] if sound else None), wall, cpu, max(int(steps.max()) for _, steps, _, _ in answers)

    def close(self) -> None:
        for worker in self.workers:
            worker.shutdown()


_compiled: dict[str, tuple[Any, Sequence[Floats]]] = {}
"""Of a process: method -> its program and the people."""


def _compile(method: str, *given: Floats) -> float:
    from corrin.engine.gpu import ready
    from corrin.inference.population import the_kernel

    ready()
    model = the_kernel().model
    began = time.perf_counter()
    compiled = program(model, method).lower(*given, 1e-4, 1e-6).compile()
    spent = time.perf_counter() - began
    _compiled[method] = compiled, given
    compiled(*given, 1e-2, 1e-2)[0].block_until_ready()
    return spent


def _run(method: str, relative: float, absolute: float) -> tuple[Floats, Floats, Floats, float]:
    compiled, given = _compiled[method]
    began = time.process_time()
    readings, steps, solved = (np.asarray(part) for part in compiled(*given, relative, absolute))
    return readings, steps, solved, time.process_time() - began


def measure(methods: Sequence[str] = METHODS, people: int = PEOPLE, years: float = YEARS, rounds: int = 5) -> dict[str, Any]:
    """Monthly injections: {"ratio": ..., "error": ..., "rival_error": ..., ...}; no ratio where nothing came within the error allowed."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    whole, last = plans(False)["monthly"], years * 365.25
    doses, days = tuple(dose for dose in whole.doses if dose[0] < last - 1.0), tuple(day for day in whole.days if day < last + 1.0)
    plan = replace(whole, years=years, doses=doses, days=days)
    ours = Ours()
    mine = ours.drawn(people, FRESH)
    state = ours.begin(mine, plan.treated)
    exact = Processes(ours.sbml(), ours.model.readings, CORES)
    try:
        truth, tight = truth_of(exact, [ours.someone(*pair) for pair in zip(mine, state, strict=True)], ours.course(plan))
    finally:
        exact.close()
    own = ours.run(mine, state, plan, ours.grid(plan)).readings
    found = {"years": years, "doses": len(doses), "people": plan.people, "rival_people": people, "truth_tolerances": list(tight)}
    rival = Diffrax(ours, plan, mine, state)
    try:
        tried, compiling = tries(rival, methods, truth)
        found |= {"error": errors(own, truth), "compile_s": compiling}
        found["rival_tried"] = [[*chosen, round(wall / people, 4), steps, float(f"{error:.2g}")] for wall, error, steps, chosen in tried]
        fair = [one for one in tried if one[1] <= ALLOWED]
        if fair:
            _, error, steps, chosen = min(fair)
            found |= {"method": chosen[0], "rival_tolerances": chosen[1:], "rival_error": error, "rival_steps": steps}
            found |= turns(ours, rival, chosen, plan, people, rounds)
    finally:
        rival.close()
    return found


def tries(
    rival: Diffrax, methods: Sequence[str], truth: Floats
) -> tuple[list[tuple[float, float, int, tuple[str, float, float]]], dict[str, float]]:
    """Seconds, error, steps, method and tolerances, the loosest first, until a method is within the error allowed; seconds of compiling."""
    tried, compiling = [], {}
    for method in methods:
        compiling[method] = round(rival.compile(method), 1)
        _say(f"{method}: compiled in {compiling[method]} s")
        for relative, absolute in (*LOOSER, *TOLERANCES):
            readings, wall, _, steps = rival.run(method, relative, absolute)
            error = float("inf") if readings is None else errors(readings, truth)
            _say(f"{method} at {relative:g}/{absolute:g}: {wall:.2f} s, {steps} steps, error {error:.1e}")
            tried.append((wall, error, steps, (method, relative, absolute)))
            if error <= ALLOWED:
                break
    return tried, compiling


def turns(ours: Ours, rival: Diffrax, chosen: tuple[str, float, float], plan: Plan, people: int, rounds: int) -> dict[str, Any]:
    """Times turn by turn; corrin's with the pilot that finds its grid."""
    many = ours.drawn(plan.people, FRESH + 1000)
    begin = ours.begin(many, plan.treated)
    ours.run(many[:64], begin[:64], plan, ours.grid(plan))
    rows = []
    for turn in range(rounds):
        began, before = time.perf_counter(), time.process_time()
        ours.run(many, begin, plan, ours.grid(plan))
        fast, fast_cpu = (time.perf_counter() - began) / plan.people, (time.process_time() - before) / plan.people
        _, wall, cpu, _ = rival.run(*chosen)
        rows.append((fast, wall / people, wall / people / fast, cpu / people / fast_cpu))
        _say(f"round {turn + 1}: {rows[-1][2]:.0f} by the clock, {rows[-1][3]:.0f} by processor")
    fast, slow, ratio, ratio_cpu = (statistics.median(column) for column in zip(*rows, strict=True))
    ratios = [round(row[2], 1) for row in rows]
    return {"ratio": ratio, "ratio_cpu": ratio_cpu, "ratios": ratios, "people_s": 1.0 / fast, "rival_people_s": 1.0 / slow}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def text(found: dict[str, Any]) -> str:
    """A line."""
    compiling = ", ".join(f"{method} {seconds:.0f} s" for method, seconds in found["compile_s"].items())
    if "ratio" not in found:
        return f"diffrax, monthly injections: no method came within an error of {ALLOWED:g} (compiling: {compiling})"
    return (
        f"diffrax ({found['method']}), monthly injections, {found['years']:g} years: ratio {found['ratio']:.0f}, by cpu"
        f" {found['ratio_cpu']:.0f}, error {found['error']:.1e}, its own {found['rival_error']:.1e}, people a second"
        f" {found['people_s']:.0f} and {found['rival_people_s']:.2f} (compiling, not counted: {compiling})"
    )


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--method", choices=("Kvaerno3", "Kvaerno4", "Kvaerno5", "KenCarp4"), action="append")
    ask.add_argument("--people", type=int, default=PEOPLE)
    ask.add_argument("--years", type=float, default=YEARS)
    ask.add_argument("--rounds", type=int, default=5)
    given = ask.parse_args()
    found = measure(given.method or METHODS, given.people, given.years, given.rounds)
    print(json.dumps(found, indent=1) if given.json else text(found))


if __name__ == "__main__":
    main()
