"""A person from their data: draws of who they may be, such that their simulated history agrees with what was measured and found.

Every unknown is a standard normal (parameters of the body, and the latents of the history). The draws start as the prior and are led to
the data by tempering: the likelihood is let in step by step, draws that agree are kept and copied, and copies are moved by Metropolis
steps shaped by the draws themselves, so that they become people of their own again. Del Moral P, Doucet A, Jasra A. Sequential Monte
Carlo samplers. J R Stat Soc B 2006;68:411-436.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corrin.case.latent import draw as draw_latents
from corrin.case.timeline import Observation
from corrin.case.world import World
from corrin.engine.draw import normals, uniforms
from corrin.engine.simulate import PANEL, Grid, Kernel, Run, find_grid, measured_error, settle, simulate
from corrin.errors import Bug
from corrin.inference import likelihood
from corrin.inference.population import Population
from corrin.inference.realise import Past, own_events, past

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PANEL_FIRST = 1 << 30
"""Panel people are numbered from here, so that they are nobody's draws."""
KEEP = 0.6
"""Share of draws that stays effective at each step of tempering."""
MOVES, MOST_MOVES = 3, 12
FINE, COARSE = 1e-3, 7e-3
"""Tolerances of a step: for the history shown, and for the many trials of the sampler."""
HEARD = 0.01
"""Smallest change of a prediction (log) by one standard deviation of a random number that counts as being heard of."""
LEAST = 256
SAME = 0.15
"""Copies count as independent when what they predict correlates less than this with where they began."""
SHARED = 0.5
"""Lineages are not quite independent, because all move towards one fitted distribution: between seeds, means of two hard patients spread
as those of a quarter to a half as many draws."""
ENOUGH = 0.1
"""Effective draws, as a share of all, below which an answer says "not resolved"."""


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
    misfit: dict[str, float] = field(default_factory=dict)
    """Observation label -> how far the middle of the draws lies from it, in its SD."""
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
        start = settle(self.kernel, parameters, made.begin, parameters, made.begin)
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
        start = settle(self.kernel, parameters, made.begin, *self.panel)
        return parameters, values, made, simulate(self.kernel, start, parameters, made.schedule, grid, certify=certify)

    def predictor(self, made: Past, run: Run) -> Callable[[Observation], Floats]:
        """Reads an observation's reading at its day from a run."""
        readings = self.kernel.model.readings
        people = np.arange(run.readings.shape[0])

        def predict(item: Observation) -> Floats:
            return run.readings[people, made.row_of[item.time_days], readings.index(item.reading)]

        return predict


Scorer = Callable[[dict[str, Floats]], tuple[Floats, Floats]]
"""Draws to their log-likelihood (people,) and what was predicted on a symmetric scale (observations, people)."""


def _person(teller: Teller, seen: tuple[Observation, ...]) -> Scorer:
    """Scores draws by what was seen in one person."""

    def score(z: dict[str, Floats]) -> tuple[Floats, Floats]:
        _, _, made, run = teller.tell(z, certify=True)  # people of extreme speed need a finer grid than the panel's
        predict = teller.predictor(made, run)
        count = run.failed.shape[0]
        with np.errstate(all="ignore"):
            found = likelihood.total(seen, predict, count)
            shown = np.array([np.log(np.maximum(predict(item), 1e-9)) for item in seen]) if seen else np.zeros((0, count))
        bad = run.failed | ~np.isfinite(found)
        return np.where(bad, -1e6, found), np.where(np.isfinite(shown), shown, 0.0)

    return score


def _next_level(score: Floats, level: float) -> float:
    """The next share of the likelihood to let in: keeps `KEEP` of the draws effective."""

    def kept(step: float) -> float:
        w = np.exp(step * (score - score.max()))
        return float(w.sum() ** 2 / (w * w).sum() / len(w))

    low, high = 0.0, 1.0 - level
    if kept(high) >= KEEP:
        return 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if kept(middle) >= KEEP else (low, middle)
    return level + max(low, 1e-6)


def _resample(weights: Floats, wanted: int, luck: float) -> Ints:
    """Systematic resampling to so many: one number decides all."""
    places = (np.arange(wanted) + luck) / wanted
    return np.minimum(np.searchsorted(np.cumsum(weights) / weights.sum(), places), len(weights) - 1)


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
        few = max(min(draws, LEAST), draws // 2)
        z = teller.prior(few)
        matrix, levels, effective = temper(
            teller, _person(teller, seen), names, np.array([z[name] for name in names]), draws, seed, progress
        )
        z = dict(zip(names, matrix, strict=True))
    else:
        z = teller.prior(draws)
    parameters, values, made, run = teller.tell(z, fine=True, certify=True)
    weights = np.where(run.failed, 0.0, 1.0)
    weights /= weights.sum()
    misfit = {}
    predict = teller.predictor(made, run)
    for item in seen:
        if item.kind == "lab" and item.comparator == "=":
            middle = float(np.median(np.log(np.maximum(predict(item)[~run.failed], 1e-9))))
            misfit[f"{item.label} {item.reading}"] = (middle - np.log(item.value)) / item.log_sd
    return People(z, parameters, values, run.end, weights, effective, made, run, misfit, levels, teller.error)


def temper(
    teller: Teller,
    scorer: Scorer,
    names: list[str],
    matrix: Floats,
    draws: int,
    seed: int,
    progress: Callable[[str, float], None] | None,
) -> tuple[Floats, int, float]:
    """Lead half the draws to the data; at the last step make them all, and move them apart. Returns draws, steps, and how many
    independent draws they are worth; where that is too few, the draws returned are those of half the weight of the data, and the number
    stays what it was, so that the answer can say so."""
    count = matrix.shape[1]
    score, shown = scorer(dict(zip(names, matrix, strict=True)))
    heard = _heard(scorer, names, seed)
    level, levels, turn, keep, likeness = 0.0, 0, 0, 0.7, 1.0
    eve = np.arange(count)
    while level < 1.0:
        following = _next_level(score, level)
        weights = np.exp((following - level) * (score - score.max()))
        wanted = draws if following >= 1.0 else count
        chosen = _resample(weights, wanted, float(uniforms(seed, f"resample {levels}", 1)[0]))
        count, eve = wanted, eve[chosen]
        matrix, score, shown = matrix[:, chosen], score[chosen], shown[:, chosen]
        level, levels = following, levels + 1
        began, likeness = shown.copy(), 1.0
        for _ in range(MOST_MOVES if level >= 1.0 else MOVES):
            matrix, score, shown, accepted = _move(scorer, names, heard, matrix, score, shown, level, keep, seed, turn)
            keep = max(0.0, keep - 0.15) if accepted > 0.35 else keep + 0.4 * (1.0 - keep) if accepted < 0.15 else keep
            turn += 1
            likeness = _likeness(began, shown)
            if likeness < SAME:
                break
        if progress:
            progress("learning from the data", 0.9 * level + 0.1 * (level >= 1.0))
    for row, name in enumerate(names):
        if not heard[row]:  # nothing was seen of these: the prior is their posterior
            matrix[row] = normals(seed, name, count)
    _, _, made, run = teller.tell(dict(zip(names, matrix, strict=True)), certify=True)
    now = run.readings[np.arange(count), made.row_of[0.0]]
    effective = independent(now[~run.failed], eve[~run.failed])
    if effective < ENOUGH * count:  # not resolved: half the weight of the data, so that the draws spread
        for _ in range(MOST_MOVES):
            matrix, score, shown, _ = _move(scorer, names, heard, matrix, score, shown, 0.5, keep, seed, turn)
            turn += 1
    return matrix, levels, effective


def independent(seen: Floats, eve: Ints) -> float:
    """How many independent draws these are worth, for the quantity that is worst off; `seen` (people, quantities).

    Draws of one ancestor may err together, so the variance of a mean is taken over ancestors: the sum over them of the squared sum of
    deviations (Chan HP, Lai TL. A general theory of particle filters in hidden Markov models. Ann Stat 2013;41:2877-2904).
    """
    people = seen.shape[0]
    ranks = np.argsort(np.argsort(seen, axis=0, kind="stable"), axis=0, kind="stable") / people - 0.5  # no single far draw decides
    moving = np.ptp(seen, axis=0) > 1e-9 * np.maximum(1.0, np.abs(seen).max(axis=0))
    if not moving.any():
        return float(people)
    ranks = ranks[:, moving] - ranks[:, moving].mean(axis=0)
    sums = np.zeros((int(eve.max()) + 1, ranks.shape[1]))
    np.add.at(sums, eve, ranks)
    variance = (sums**2).sum(axis=0) / people**2
    return float(SHARED * min(people, np.min(ranks.var(axis=0) / np.maximum(variance, 1e-12))))


def _likeness(before: Floats, after: Floats) -> float:
    """Largest correlation, over observations, of what a draw predicts now with what it predicted before its moves."""
    worst = 0.0
    for old, new in zip(before, after, strict=True):
        if old.std() > 1e-9 and new.std() > 1e-9:
            worst = max(worst, float(np.corrcoef(old, new)[0, 1]))
    return worst


def _heard(scorer: Scorer, names: list[str], seed: int) -> NDArray[np.bool_]:
    """Which random numbers the data can speak of: those that move a prediction when they alone are changed, in any of a few people."""
    few = 6
    base = np.array([normals(seed, name, few, PANEL_FIRST) for name in names])
    rows = len(names)
    many = np.repeat(base[:, None, :], rows + 1, axis=1)  # (names, changed one, people)
    many[np.arange(rows), np.arange(rows), :] += 1.0
    _, shown = scorer(dict(zip(names, many.reshape(rows, -1), strict=True)))
    shown = shown.reshape(-1, rows + 1, few)
    return np.asarray(np.abs(shown[:, :rows] - shown[:, rows:]).max(axis=(0, 2)) > HEARD)


def _move(
    scorer: Scorer,
    names: list[str],
    heard: NDArray[np.bool_],
    matrix: Floats,
    score: Floats,
    shown: Floats,
    level: float,
    keep: float,
    seed: int,
    turn: int,
) -> tuple[Floats, Floats, Floats, float]:
    """One Metropolis step of every draw.

    Numbers the data can speak of move towards a normal distribution fitted to the draws (a preconditioned Crank-Nicolson step with that
    distribution in place of the prior: its size does not shrink with their number); all others stay as they are.
    """
    count = matrix.shape[1]
    noise = np.array([normals(seed, f"move {turn} {name}", count) for name, told in zip(names, heard, strict=True) if told])
    proposal = matrix.copy()
    now = matrix[heard]
    centre = now.mean(axis=1, keepdims=True)
    shrink = now.shape[0] / (now.shape[0] + count)
    covariance = (1.0 - shrink) * np.atleast_2d(np.cov(now)) + shrink * np.eye(now.shape[0])
    factor = np.linalg.cholesky(covariance)
    own = np.linalg.solve(factor, now - centre)  # the draws as standard normals of the fitted distribution
    moved = keep * own + np.sqrt(1.0 - keep * keep) * noise
    there = centre + factor @ moved
    proposal[heard] = there
    fresh, predicted = scorer(dict(zip(names, proposal, strict=True)))

    def excess(z: Floats, own: Floats) -> Floats:
        """Log of prior over fitted distribution."""
        return np.asarray(-0.5 * (z * z).sum(axis=0) + 0.5 * (own * own).sum(axis=0))

    gain = level * (fresh - score) + excess(there, moved) - excess(now, own)
    accept = np.log(uniforms(seed, f"accept {turn}", count)) < gain
    return np.where(accept, proposal, matrix), np.where(accept, fresh, score), np.where(accept, predicted, shown), float(accept.mean())
