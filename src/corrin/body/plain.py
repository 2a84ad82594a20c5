"""The body on plain numbers, one person at a time: to read, to debug, and to solve a second time by other means than the engine.

Nothing here is traced, compiled or shared with the engine: the rate functions run on floats with names, SciPy integrates them with its own
step control, and every dose and change is an instant at which the integration stops and starts anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.body.system import System

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlainRun:
    """One person over time. Values at a time are those just before the doses and changes of that instant; `end` is after all of them."""

    times: Floats
    pools: dict[str, Floats]
    readings: dict[str, Floats]
    end: dict[str, float]


def named(values: Mapping[str, Any]) -> SimpleNamespace:
    """Attribute access to named values."""
    return SimpleNamespace(**values)


def all_exposures(system: System, given: Mapping[str, float]) -> dict[str, float]:
    """Every exposure of the system: an ordinary day and no modifier, except where `given` says otherwise."""
    unknown = sorted(set(given) - set(system.exposures))
    if unknown:
        raise KeyError(f"no exposure named {', '.join(unknown)}")
    return {name: float(given.get(name, system.inputs.get(name, 1.0))) for name in system.exposures}


def read(system: System, state: Mapping[str, float], parameters: Mapping[str, float], exposures: Mapping[str, float]) -> dict[str, float]:
    """What can be seen of this state."""
    x = named(all_exposures(system, exposures))
    p = system.effective(named(parameters), x)
    y = named(state)
    return {reading.name: float(reading.value(y, p, x)) for reading in system.readings}


def run_plain(
    system: System,
    parameters: Mapping[str, float],
    exposures: Mapping[str, float],
    days: float,
    start: Mapping[str, float] | None = None,
    doses: Iterable[tuple[float, str, float]] = (),
    changes: Iterable[tuple[float, Mapping[str, float]]] = (),
    times: Sequence[float] | None = None,
    rtol: float = 1e-8,
    method: str = "LSODA",
) -> PlainRun:
    """Solve from day 0 to `days`.

    `doses` are (day, kind such as `oral_C`, nmol), `changes` (day, {exposure: new value}). At one instant changes come first, then every
    dose in the order given: two doses both count, a dose at 0 comes before the first step, one at the last day counts in `end`.
    """
    from scipy.integrate import solve_ivp

    names = [pool.name for pool in system.pools]
    floors = np.array([pool.floor for pool in system.pools])
    state = np.array([float((start or {}).get(pool.name, pool.start)) for pool in system.pools])
    inputs = all_exposures(system, exposures)
    numbers = named({name: float(parameters[name]) for name in system.parameters})
    wanted = np.unique(np.asarray([0.0, days] if times is None else times, dtype=float))
    given = list(doses)
    turns = list(changes)
    outside = [at for at, *_ in (*given, *turns) if not 0.0 <= at <= days] + [float(at) for at in wanted if not 0.0 <= at <= days]
    if outside:
        raise ValueError(f"day {outside[0]} is not within 0 to {days}")
    instants = sorted({0.0, float(days), *(float(at) for at, *_ in (*given, *turns))})

    pools = np.empty((len(wanted), len(names)))
    seen = np.empty((len(wanted), len(system.readings)))

    def note(row: int, values: Floats) -> None:
        pools[row] = values
        found = read(system, dict(zip(names, values.tolist(), strict=True)), vars(numbers), inputs)
        seen[row] = [found[reading.name] for reading in system.readings]

    for place, now in enumerate(instants):
        if now in wanted:
            note(int(np.searchsorted(wanted, now)), state)
        for at, values in turns:
            if at == now:
                inputs = all_exposures(system, {**inputs, **values})
        x = named(inputs)
        p = system.effective(numbers, x)
        for at, kind, amount in given:
            if at == now:
                added = system.dose(kind, float(amount), named(dict(zip(names, state.tolist(), strict=True))), p, x)
                state = np.array([value + float(added.get(name, 0.0)) for name, value in zip(names, state, strict=True)])
        if place + 1 == len(instants):
            break
        until = instants[place + 1]
        rows = np.flatnonzero((wanted > now) & (wanted < until))

        def slope(_: float, values: Floats, p: Any = p, x: Any = x) -> list[float]:
            return system.right_hand_side(named(dict(zip(names, values.tolist(), strict=True))), p, x)

        solved = solve_ivp(
            slope, (now, until), state, method=method, t_eval=[*wanted[rows], until], rtol=rtol, atol=0.01 * rtol * floors,
            first_step=min(1e-5, until - now),
        )  # fmt: skip
        if not solved.success:
            raise ArithmeticError(f"no solution from day {now} to {until}: {solved.message}")
        for row, values in zip(rows, solved.y.T[:-1], strict=True):
            note(int(row), values)
        state = solved.y[:, -1]
    return PlainRun(
        times=wanted,
        pools={name: pools[:, column] for column, name in enumerate(names)},
        readings={reading.name: seen[:, column] for column, reading in enumerate(system.readings)},
        end=dict(zip(names, state.tolist(), strict=True)),
    )
