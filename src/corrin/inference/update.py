"""A person from their data: draws of who they may be, such that their simulated history agrees with what was measured and found.

Every unknown is a standard normal (parameters of the body, and the latents of the history). The draws start as the prior and are led to
the data (`sampler.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corrin.case.latent import draw as draw_latents
from corrin.case.timeline import Observation
from corrin.case.world import World
from corrin.engine.draw import normals
from corrin.engine.rest import settle, settling_grid
from corrin.engine.simulate import PANEL, Grid, Kernel, Run, find_grid, measured_error, simulate
from corrin.engine.single import in_single
from corrin.errors import Bug
from corrin.inference import likelihood
from corrin.inference.population import Population
from corrin.inference.realise import Past, own_events, past
from corrin.inference.sampler import FIRST, Scorer, led, temper

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PANEL_FIRST = 1 << 30
"""Panel people are numbered from here, so that they are nobody's draws."""
FAINT = 0.5
"""How exactly a sign or a graded finding speaks, on the scale of its prediction's logarithm (only steers the moves)."""
FINE, COARSE = 1e-3, 2e-2
"""Tolerances of a step: for the history shown, and for the many trials of the sampler."""


@dataclass
class People:
    """Draws of one person: `z` name -> (people,), their `parameters`, `values` of the latents, `state` at day 0, `weights`."""

    z: dict[str, Floats]
    parameters: Floats
    values: dict[str, Floats]
    state: Floats
    weights: Floats
    effective: float
    history: Past
    run: Run
    levels: int = 0
    error: float = 0.0
    """Relative error of the history's readings, measured on the panel."""

    @property
    def count(self) -> int:
        return int(self.weights.shape[0])


@dataclass
class Teller:
    """Simulates a history for draws: the grid and the number of own instants come from a panel of the prior."""

    world: World
    kernel: Kernel
    population: Population
    seed: int
    slots: int = 0
    grid: Grid | None = None
    panel: tuple[Floats, Floats] | None = None
    rest: Grid | None = None
    """Steps of the panel on its way to rest."""
    error: float = 0.0

    def names(self) -> list[str]:
        """All random numbers a draw needs, parameters first."""
        return [*self.population.drawn, *(latent.name for latent in self.world.latents if latent.needs_z)]

    def prior(self, count: int, first: int = 0) -> dict[str, Floats]:
        """Standard normals for persons first.., by name."""
        return {name: normals(self.seed, name, count, first) for name in self.names()}

    def realise(self, z: dict[str, Floats], fine: bool = False) -> tuple[Floats, dict[str, Floats], Past]:
        count = len(next(iter(z.values())))
        values = draw_latents(self.world.latents, z)
        values = {name: np.broadcast_to(np.asarray(value, float), (count,)).copy() for name, value in values.items()}
        made = past(self.world, self.kernel, values, count, self.slots, self.seed, np.arange(count), fine)
        return self.population.matrix(z, count), values, made

    def prepare(self) -> None:
        """Find the grid on the panel."""
        z = self.prior(512, PANEL_FIRST)
        values = draw_latents(self.world.latents, z)
        values = {name: np.broadcast_to(np.asarray(value, float), (512,)).copy() for name, value in values.items()}
        self.slots = own_events(self.world, self.kernel, values, 512)
        few = {name: number[:PANEL] for name, number in z.items()}
        parameters, _, made = self.realise(few)
        self.panel = (parameters, made.begin)
        self.rest = settling_grid(self.kernel, parameters, made.begin)
        start = settle(self.kernel, parameters, made.begin, parameters, made.begin, self.rest)
        self.grid = find_grid(self.kernel, start, parameters, made.schedule, COARSE)

    def tell(self, z: dict[str, Floats], fine: bool = False, certify: bool = False) -> tuple[Floats, dict[str, Floats], Past, Run]:
        """Parameters, latent values, realised history and its run."""
        if self.grid is None or self.panel is None:
            raise Bug("a history was asked for before its grid was made")
        parameters, values, made = self.realise(z, fine)
        grid = self.grid
        if fine:
            few = self.prior(PANEL, PANEL_FIRST)
            panel_parameters, _, panel_made = self.realise(few, True)
            begin = settle(self.kernel, panel_parameters, panel_made.begin, panel_parameters, panel_made.begin)
            grid = find_grid(self.kernel, begin, panel_parameters, panel_made.schedule, FINE)
            self.error = measured_error(self.kernel, begin, panel_parameters, panel_made.schedule, grid)
        kernel = self.kernel if fine else in_single(self.kernel)
        start = settle(kernel, parameters, made.begin, *self.panel, self.rest)
        return parameters, values, made, simulate(kernel, start, parameters, made.schedule, grid, certify=certify)

    def today(self, made: Past, run: Run) -> Floats:
        """All readings of a run at day 0 (people, readings)."""
        return np.asarray(run.readings[np.arange(run.failed.shape[0]), made.row_of[0.0]])

    def predictor(self, made: Past, run: Run) -> Callable[[Observation], Floats]:
        """Reads an observation's reading at its day from a run."""
        readings = self.kernel.model.readings
        people = np.arange(run.readings.shape[0])

        def predict(item: Observation) -> Floats:
            return run.readings[people, made.row_of[item.time_days], readings.index(item.reading)]

        return predict


def _person(teller: Teller, seen: tuple[Observation, ...]) -> Scorer:
    """Scores draws by what was seen in one person."""
    scale = np.array([max(item.log_sd, 0.02) if item.kind == "lab" else FAINT for item in seen])

    def score(z: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
        _, _, made, run = teller.tell(z, certify=True)  # people of extreme speed need a finer grid than the panel's
        predict = teller.predictor(made, run)
        count = run.failed.shape[0]
        with np.errstate(all="ignore"):
            found = likelihood.total(seen, predict, count)
            shown = np.array([np.log(np.maximum(predict(item), 1e-9)) for item in seen]) if seen else np.zeros((0, count))
        bad = run.failed | ~np.isfinite(found)
        return np.where(bad, -1e6, found), np.where(np.isfinite(shown), shown, 0.0), np.nan_to_num(teller.today(made, run))

    return Scorer(score, scale)


def update(
    world: World, kernel: Kernel, population: Population, draws: int, seed: int, progress: Callable[[str, float], None] | None = None
) -> People:
    """Draw `draws` people who may be this one. Without observations they are the prior itself, all of equal weight."""
    teller = Teller(world, kernel, population, seed)
    teller.prepare()
    seen = tuple(item for item in world.observations if item.reading in kernel.model.readings)
    names = teller.names()
    levels, effective = 0, float(draws)
    if seen:
        z = teller.prior(FIRST * led(draws))
        matrix, levels, effective = temper(_person(teller, seen), names, np.array([z[name] for name in names]), draws, seed, progress)
        z = dict(zip(names, matrix, strict=True))
    else:
        z = teller.prior(draws)
    parameters, values, made, run = teller.tell(z, fine=True, certify=True)
    weights = np.where(run.failed, 0.0, 1.0)
    weights /= weights.sum()
    return People(z, parameters, values, run.end, weights, effective, made, run, levels, teller.error)
