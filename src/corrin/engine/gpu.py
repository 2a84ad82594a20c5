"""Run people on a graphics processor: the passes of a kernel handed to JAX (extra `gpu`). Grids still come from the lanes' pilot.

Without such a processor JAX runs the same program on the CPU, slower than the lanes: good for a test, not for work.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.engine.simulate import SHORTEST_D, Grid, Kernel, Run, Schedule
from corrin.errors import EnvironmentProblem

Floats = NDArray[np.float64]
BATCH = 32_768
"""People at once: with a thousand doses and a hundred rows of readings some 2 GiB."""


def ready() -> None:
    """Load JAX, in double precision. Raises `EnvironmentProblem` without the extra `gpu`."""
    try:
        import jax
    except ImportError as error:
        cure = "Install corrin with the extra `gpu`, or leave --gpu out."
        raise EnvironmentProblem(f"--gpu needs JAX, which is not installed. {cure}") from error
    jax.config.update("jax_enable_x64", True)


def on_gpu(kernel: Kernel) -> Kernel:
    """The same kernel whose passes run in JAX. Raises `EnvironmentProblem` without the extra `gpu`."""
    ready()
    from corrin.engine.emit.arrays import compiled

    return replace(kernel, passes=_Passes(compiled(kernel.model)))


def device() -> str:
    """What JAX runs on, in words."""
    import jax

    found = jax.devices()[0]
    return "no graphics processor: JAX on the CPU, slower than without --gpu" if found.platform == "cpu" else str(found.device_kind)


class _Passes:
    """Takes the place of the lanes' pass over all people."""

    def __init__(self, run: Any) -> None:
        self.run = run

    def __call__(self, start: Floats, parameters: Floats, schedule: Schedule, grid: Grid, halve: int) -> Run:
        """Everybody on a grid, in batches; shapes as in `simulate`."""
        parts = []
        for low in range(0, len(start), BATCH):
            some = np.arange(low, min(low + BATCH, len(start)))
            parts.append(self._batch(start[some], parameters[some], schedule.only(some), grid, halve))
        return Run(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("end", "readings", "accumulated", "failed")))

    def _batch(self, start: Floats, parameters: Floats, schedule: Schedule, grid: Grid, halve: int) -> Run:
        people, segments = schedule.people, schedule.lengths.shape[0]
        wide = _room(people, 256)
        counts = [len(at) for at in schedule.breaks]
        breaks = sum(counts)
        rows = [amounts for given in schedule.doses for _, amounts in given]
        kinds = np.array([kind for given in schedule.doses for kind, _ in given] or [0], np.int64)
        dose_first = np.concatenate([[0], np.cumsum([len(given) for given in schedule.doses])]).astype(np.int64)
        end, readings, worst = self.run(
            _people(start.T, wide),
            _people(parameters.T, wide),
            _rows(_people(schedule.exposures, wide), _room(len(schedule.exposures))),
            _rows(_people(np.maximum(schedule.lengths, SHORTEST_D), wide), _room(segments)),
            _rows(_people(np.array(rows) if rows else np.zeros((1, people)), wide), _room(max(1, len(rows)))),
            _rows(kinds, _room(max(1, len(kinds)))),
            _rows(dose_first, _room(segments + 2)),
            _rows(np.asarray(schedule.which, np.int64), _room(segments)),
            _rows(np.repeat(np.arange(segments), counts), _room(breaks)),
            _rows(np.concatenate([np.arange(count) == 0 for count in counts]), _room(breaks)),
            _rows(grid.first, _room(breaks + 1)),
            _rows(grid.steps, _room(len(grid.steps), 1024)),
            _rows(np.array([row for out in schedule.outputs for row in out], np.int64), _room(breaks)),
            breaks,
            segments,
            halve,
            grid.ease,
            rows=_room(schedule.rows),
        )
        end, readings = np.asarray(end).T[:people], np.asarray(readings).transpose(2, 0, 1)[:people, : schedule.rows]
        failed = ~np.isfinite(readings.sum(axis=(1, 2)) + end.sum(axis=1))
        return Run(end.copy(), readings.copy(), np.sqrt(np.asarray(worst))[:people], failed)


def _room(count: int, least: int = 16) -> int:
    """The next power of two: the program is compiled anew for each shape, so there are few."""
    return max(least, 1 << max(0, count - 1).bit_length())


def _people(array: Floats, wide: int) -> Floats:
    """Filled up with the last person."""
    return np.concatenate([array, np.repeat(array[..., -1:], wide - array.shape[-1], axis=-1)], axis=-1)


def _rows(array: Any, count: int) -> Any:
    """Filled up with rows that nobody looks at."""
    return np.concatenate([array, np.repeat(array[-1:], count - len(array), axis=0)]) if count > len(array) else array
