"""The typical body and drawn people for tests: values of the facts, the compiled kernel, events in the engine's words."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.body.system import System
from corrin.engine import draw, rest, simulate
from corrin.engine.simulate import Kernel, Schedule
from corrin.inference import population

Floats = NDArray[np.float64]
UG = 0.73781
"""nmol in a microgram of cyanocobalamin."""


def body() -> System:
    """The whole body with the targets of the facts."""
    return population.the_system()


def kernel() -> Kernel:
    """The compiled body."""
    return population.the_kernel()


@cache
def _typical() -> tuple[tuple[str, float], ...]:
    found = population.population()
    return tuple(zip((row.name for row in found.rows), found.typical()[0].tolist(), strict=True))


def typical(**changed: float) -> dict[str, float]:
    """Parameters of the typical person, some of them changed."""
    values = dict(_typical())
    unknown = sorted(set(changed) - set(values))
    if unknown:
        raise KeyError(", ".join(unknown))
    return values | changed


def people(count: int, seed: int = 1, first: int = 0, shared: bool = True, **changed: float) -> Floats:
    """Drawn people (people, parameters), some parameters held at a value. `shared` adds what is not known of the typical values; without it
    they are one population around the typical person, of the likelier structure."""
    found = population.population()
    z = {name: draw.normals(seed, name, count, first) for name in found.drawn}
    matrix = found.matrix(z, count)
    for column, one in enumerate(found.rows):
        if not shared and one.distribution == "bernoulli":
            matrix[:, column] = population.typical_value(one)
        elif not shared and one.name in z:
            matrix[:, column] = population.place(one, z[one.name], population.spread(one, shared=False))
    order = [one.name for one in found.rows]
    for name, value in changed.items():
        matrix[:, order.index(name)] = value
    return matrix


def row(values: Mapping[str, float]) -> Floats:
    """Named parameters as one row in the model's order."""
    return np.array([values[name] for name in kernel().model.parameters])


def exposures(count: int, **given: float | Floats) -> Floats:
    """(exposures, people) of an ordinary day, some changed."""
    k = kernel()
    table = np.repeat(k.exposure_defaults()[:, None], count, axis=1)
    for name, value in given.items():
        table[k.model.exposures.index(name)] = value
    return table


@dataclass
class Courses:
    """Readings over time, `at[name]` (people, times); `end` (people, pools) after the last event."""

    times: Floats
    at: dict[str, Floats]
    end: Floats
    accumulated: Floats
    failed: NDArray[np.bool_]
    again: int = 0


def schedule(
    exposure: Floats,
    days: float,
    doses: Iterable[tuple[float, str, Any]] = (),
    changes: Iterable[tuple[float, Mapping[str, Any]]] = (),
    times: Sequence[float] = (),
) -> tuple[Schedule, Floats]:
    """One list of events for everybody as segments; a dose's amount or a change's value may differ between people.

    Readings are taken just before what happens at that instant, and at `days` always. Returns the schedule and the times of its rows.
    """
    k = kernel()
    count = exposure.shape[1]
    given, turns = list(doses), list(changes)
    cuts = sorted({0.0, float(days), *(float(d[0]) for d in given), *(float(c[0]) for c in turns)})
    wanted = np.unique([float(t) for t in (*times, days) if t > 0.0])
    sets, which, lengths, at, breaks, outputs, restart = [exposure], [], [], [], [], [], []
    rows = 0
    for now, until in itertools.pairwise(cuts):
        turned = [values for when, values in turns if when == now]
        if turned:
            changed = sets[-1].copy()
            for values in turned:
                for name, value in values.items():
                    changed[k.model.exposures.index(name)] = value
            sets.append(changed)
        which.append(len(sets) - 1)
        lengths.append(np.full(count, until - now))
        taken = [(kind, amount) for when, kind, amount in given if when == now]
        at.append([(k.model.dose_kinds.index(kind), np.broadcast_to(np.asarray(amount, float), (count,)).copy()) for kind, amount in taken])
        firsts = [simulate.RESTART_D[kind.rsplit("_", 1)[0]] for kind, _ in taken] + [simulate.RESTART_D["change"]] * bool(
            turned or not which[1:]
        )
        restart.append(min(firsts, default=0.0))
        stops = [(t - now) / (until - now) for t in wanted if now < t < until]
        breaks.append([*stops, 1.0])
        ends_seen = until in wanted
        outputs.append([*range(rows, rows + len(stops)), rows + len(stops) if ends_seen else -1])
        rows += len(stops) + ends_seen
    last = [(kind, amount) for when, kind, amount in given if when == cuts[-1]]
    at.append([(k.model.dose_kinds.index(kind), np.broadcast_to(np.asarray(amount, float), (count,)).copy()) for kind, amount in last])
    made = Schedule(
        lengths=np.array(lengths), exposures=np.array(sets), which=np.array(which, np.int64), doses=at, breaks=breaks, outputs=outputs,
        restart=np.array(restart), rows=rows,
    )  # fmt: skip
    return made, wanted


def run(
    start: Floats,
    parameters: Floats,
    exposure: Floats,
    days: float,
    doses: Iterable[tuple[float, str, Any]] = (),
    changes: Iterable[tuple[float, Mapping[str, Any]]] = (),
    times: Sequence[float] = (),
    tolerance: float = simulate.TOLERANCE,
    panel: int = simulate.PANEL,
) -> Courses:
    """Run people on a grid found by the first of them."""
    k = kernel()
    made, wanted = schedule(exposure, days, doses, changes, times)
    few = np.arange(len(parameters)) < panel
    grid = simulate.find_grid(k, start[few], parameters[few], made.only(few), tolerance)
    done = simulate.simulate(k, start, parameters, made, grid)
    return Courses(
        wanted,
        {name: done.readings[:, :, i] for i, name in enumerate(k.model.readings)},
        done.end,
        done.accumulated,
        done.failed,
        done.again,
    )


def settled(parameters: Floats, exposure: Floats) -> Floats:
    """Steady state (people, pools)."""
    return rest.settle(kernel(), parameters, exposure, parameters[:32], exposure[:, :32])


def look(state: Floats, parameters: Floats, exposure: Floats) -> dict[str, Floats]:
    """Readings of a state, by the plain functions; {name: (people,)}."""
    k = kernel()
    from corrin.body.plain import named

    y = named({name: state[:, i] for i, name in enumerate(k.model.pools)})
    x = named({name: exposure[i] for i, name in enumerate(k.model.exposures)})
    p = body().effective(named({name: parameters[:, i] for i, name in enumerate(k.model.parameters)}), x)
    return {one.name: np.broadcast_to(one.value(y, p, x), (len(state),)) for one in body().readings}
