"""A body at rest: a schedule in which nothing changes, and the steady state at its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from corrin.engine.simulate import RESTART_D, Grid, Kernel, Schedule, find_grid, finer, simulate

Floats = NDArray[np.float64]


def constant(
    kernel: Kernel,
    people: int,
    days: float,
    exposures: Floats | None = None,
    stops: Sequence[float] = (1.0,),
    first: float = RESTART_D["change"],
) -> Schedule:
    """A schedule of one segment in which nothing changes; `exposures` (exposures, people), outputs at relative `stops`; days of the `first`
    step."""
    if exposures is None:
        exposures = np.repeat(kernel.exposure_defaults()[:, None], people, axis=1)
    return Schedule(
        lengths=np.full((1, people), float(days)),
        exposures=exposures[None],
        which=np.zeros(1, np.int64),
        doses=[[], []],
        breaks=[list(stops)],
        outputs=[list(range(len(stops)))],
        restart=np.array([first]),
        rows=len(stops),
    )


SETTLING_D = 60_000.0
"""Long enough for the slowest time constant (three years) to be forgotten."""


SETTLING_TOLERANCE = 0.3
"""The way to the steady state may be rough: its end is right to 1e-7 all the same, because the method damps what is left."""
SETTLING_FIRST_D = 0.1
"""First step on that way, days."""
SETTLED = 4.0
"""Accumulated error on that way above which a person is taken along it again in finer steps. One in some thousands is so extreme that the
rough way leads away from the steady state and not to it."""


def settling_grid(kernel: Kernel, panel_parameters: Floats, panel_exposures: Floats) -> Grid:
    """The steps on the way to the steady state; they depend on the panel alone."""
    begin = np.array([pool.start for pool in kernel.model.system.pools])
    trial = constant(kernel, panel_parameters.shape[0], SETTLING_D, panel_exposures, first=SETTLING_FIRST_D)
    return find_grid(kernel, np.tile(begin, (panel_parameters.shape[0], 1)), panel_parameters, trial, SETTLING_TOLERANCE)


def settle(
    kernel: Kernel, parameters: Floats, exposures: Floats, panel_parameters: Floats, panel_exposures: Floats, grid: Grid | None = None
) -> Floats:
    """The body's steady state under these exposures, nerves intact; shape (people, states). `grid`: the panel's, where it is known."""
    pools = kernel.model.system.pools
    begin = np.array([pool.start for pool in pools])
    grid = grid or settling_grid(kernel, panel_parameters, panel_exposures)
    everyone = constant(kernel, parameters.shape[0], SETTLING_D, exposures, first=SETTLING_FIRST_D)
    first = np.tile(begin, (parameters.shape[0], 1))
    run = simulate(kernel, first, parameters, everyone, grid, certify=False)
    finer(run, kernel.exact or kernel, first, parameters, everyone, grid, SETTLED, (4, 16, 64))
    for place, one in enumerate(pools):
        if one.keeps_history:
            run.end[:, place] = one.start
    return run.end
