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
"""Share of the draws led on that stays effective at each step of tempering."""
MOVES, MOST_MOVES = 3, 60
LEFT = 0.08
"""At the end, draws are moved until no more than this share has stayed where it was in one of the two kinds of direction."""
FAINT = 0.5
"""How exactly a sign or a graded finding speaks, on the scale of its prediction's logarithm (only steers the moves)."""
LOOKED_AT = 16
"""Draws at which the directions that the data speak of are looked for."""
STEP, STEEPEST = 0.3, 30.0
"""Change of a random number by which a slope is measured, and the steepest that counts (a cause that comes or goes is a jump)."""
HILLS, ROUNDS_OF_FIT = 5, 12
"""Normal distributions in the mixture that proposes, and how often it is refitted."""
WIDER, BROAD, BROAD_SHARE = 1.1, 1.5, 0.1
"""How much wider than fitted they are; how wide one more over all of them is, and how often it proposes."""
SPOKEN = 1.0
"""A direction counts as spoken of when the data say of it at least this share of what the prior says."""
FINE, COARSE = 1e-3, 7e-3
"""Tolerances of a step: for the history shown, and for the many trials of the sampler."""
LEAST = 256
FIRST = 8
"""How many more draws of the prior are looked at than are led on: a cause that one person in a hundred has is then among them."""
SHARED = 0.15
"""What the lineages left at the end of tempering are worth: they are not independent, because all moved towards one fitted distribution,
and nobody counts the places that none of them came upon. Set on five patients so that the variance told is the variance between eight seeds
(decision 0004)."""
NOISE_OF_RHO = 0.03
"""What the correlation of a thousand unrelated numbers comes to."""
LOOK_EVERY = 10
"""Moves at the end between two looks at how many draws count."""
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

    def today(self, z: dict[str, Floats]) -> Floats:
        """All readings at day 0 (people, readings)."""
        _, _, made, run = self.tell(z, certify=True)
        return np.asarray(np.nan_to_num(run.readings[np.arange(run.failed.shape[0]), made.row_of[0.0]]))

    def predictor(self, made: Past, run: Run) -> Callable[[Observation], Floats]:
        """Reads an observation's reading at its day from a run."""
        readings = self.kernel.model.readings
        people = np.arange(run.readings.shape[0])

        def predict(item: Observation) -> Floats:
            return run.readings[people, made.row_of[item.time_days], readings.index(item.reading)]

        return predict


@dataclass(frozen=True)
class Scorer:
    """Draws to their log-likelihood (people,) and what was predicted on a symmetric scale (observations, people); `scale` (observations,)
    is how exactly each observation speaks on it."""

    score: Callable[[dict[str, Floats]], tuple[Floats, Floats]]
    scale: Floats


def _person(teller: Teller, seen: tuple[Observation, ...]) -> Scorer:
    """Scores draws by what was seen in one person."""
    scale = np.array([max(item.log_sd, 0.02) if item.kind == "lab" else FAINT for item in seen])

    def score(z: dict[str, Floats]) -> tuple[Floats, Floats]:
        _, _, made, run = teller.tell(z, certify=True)  # people of extreme speed need a finer grid than the panel's
        predict = teller.predictor(made, run)
        count = run.failed.shape[0]
        with np.errstate(all="ignore"):
            found = likelihood.total(seen, predict, count)
            shown = np.array([np.log(np.maximum(predict(item), 1e-9)) for item in seen]) if seen else np.zeros((0, count))
        bad = run.failed | ~np.isfinite(found)
        return np.where(bad, -1e6, found), np.where(np.isfinite(shown), shown, 0.0)

    return Scorer(score, scale)


def _next_level(score: Floats, level: float, wanted: float) -> float:
    """The next share of the likelihood to let in: so many draws stay effective."""

    def kept(step: float) -> float:
        w = np.exp(step * (score - score.max()))
        return float(w.sum() ** 2 / (w * w).sum())

    low, high = 0.0, 1.0 - level
    if kept(high) >= wanted:
        return 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if kept(middle) >= wanted else (low, middle)
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
        z = teller.prior(FIRST * led(draws))
        matrix, levels, effective = temper(
            teller.today, _person(teller, seen), names, np.array([z[name] for name in names]), draws, seed, progress
        )
        z = dict(zip(names, matrix, strict=True))
    else:
        z = teller.prior(draws)
    parameters, values, made, run = teller.tell(z, fine=True, certify=True)
    weights = np.where(run.failed, 0.0, 1.0)
    weights /= weights.sum()
    return People(z, parameters, values, run.end, weights, effective, made, run, levels, teller.error)


def led(draws: int) -> int:
    """How many draws are led to the data where so many are wanted at the end."""
    return max(min(draws, LEAST), draws // 2)


def temper(
    today: Callable[[dict[str, Floats]], Floats],
    scorer: Scorer,
    names: list[str],
    matrix: Floats,
    draws: int,
    seed: int,
    progress: Callable[[str, float], None] | None,
) -> tuple[Floats, int, float]:
    """Lead draws of the prior (names, people) to the data, about half as many as are wanted; at the last step make them all, and move them
    apart. `today` gives of draws the quantities (draws, quantities) that count. Returns draws, steps, and how many independent draws they
    are worth; where that is too few, the draws returned are those of half the weight of the data, and the number stays what it was, so that
    the answer can say so."""
    count, few = matrix.shape[1], min(led(draws), matrix.shape[1])
    score, shown = scorer.score(dict(zip(names, matrix, strict=True)))
    level, levels = 0.0, 0
    eve = np.arange(count)
    mover = _Mover(scorer, names, seed)
    begun, worth = np.zeros((0, 0)), np.zeros(0)
    effective = float(draws)

    def now() -> Floats:
        return today(dict(zip(names, matrix, strict=True)))

    while level < 1.0:
        following = _next_level(score, level, KEEP * few)
        weights = np.exp((following - level) * (score - score.max()))
        wanted = draws if following >= 1.0 else few
        chosen = _resample(weights, wanted, float(uniforms(seed, f"resample {levels}", 1)[0]))
        count, eve = wanted, eve[chosen]
        matrix, score, shown = matrix[:, chosen], score[chosen], shown[:, chosen]
        level, levels = following, levels + 1
        mover.look(matrix, shown, level, levels)
        if level >= 1.0:
            begun = now()
            worth = lineages(begun, eve)
        for turn in range(MOST_MOVES if level >= 1.0 else MOVES):
            matrix, score, shown = mover.move(matrix, score, shown, level)
            if max(mover.stayed) >= LEFT:
                continue
            if level < 1.0:
                break
            if turn % LOOK_EVERY == LOOK_EVERY - 1:
                effective = independent(begun, now(), worth)
                if effective >= ENOUGH * count:
                    break
        if progress:
            progress("learning from the data", 0.9 * level + 0.1 * (level >= 1.0))
    effective = independent(begun, now(), worth)
    if effective < ENOUGH * count:  # not resolved: half the weight of the data, so that the draws spread
        for _ in range(MOST_MOVES // 2):
            matrix, score, shown = mover.move(matrix, score, shown, 0.5)
    return matrix, levels, effective


def _ranks(values: Floats) -> Floats:
    """Ranks along the draws (draws, quantities), centred: no single far draw decides."""
    found = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable").astype(float)
    return np.asarray(found - found.mean(axis=0))


def lineages(seen: Floats, eve: Ints) -> Floats:
    """How many independent draws these are worth before they have moved on, for each quantity; `seen` (draws, quantities).

    Draws of one ancestor may err together, so the variance of a mean is taken over ancestors: the sum over them of the squared sum of
    deviations (Chan HP, Lai TL. A general theory of particle filters in hidden Markov models. Ann Stat 2013;41:2877-2904).
    """
    people = seen.shape[0]
    ranks = _ranks(seen)
    sums = np.zeros((int(eve.max()) + 1, ranks.shape[1]))
    np.add.at(sums, eve, ranks)
    variance = (sums**2).sum(axis=0) / people**2
    return np.asarray(np.clip(SHARED * ranks.var(axis=0) / np.maximum(variance, 1e-12), 1.0, people))


def independent(begun: Floats, now: Floats, worth: Floats) -> float:
    """How many independent draws these are worth, over all quantities (draws, quantities) that differ between draws: their number by the
    mean inflation of the variance.

    What the draws were worth when their moves began is told by lineages; moves mend it as far as a draw forgets where it began. The share
    that has not been forgotten is the rank correlation of then and now, and not its square: what is slow (which of several causes) may be
    a small part of a quantity, so that the correlation shows that part once, while the error of the mean is carried by it alone.
    """
    people = begun.shape[0]
    moving = np.ptp(begun, axis=0) > 1e-9 * np.maximum(1.0, np.abs(begun).max(axis=0))
    first, last = _ranks(begun[:, moving]), _ranks(now[:, moving])
    if not moving.any():
        return float(people)
    rho = (first * last).mean(axis=0) / np.maximum(first.std(axis=0) * last.std(axis=0), 1e-12)
    kept = np.maximum(np.abs(rho) - NOISE_OF_RHO, 0.0)
    return float(people / np.mean(1.0 + kept * (people / worth[moving] - 1.0)))


@dataclass
class _Mover:
    """Metropolis steps that tell apart what the data speak of from what they do not.

    A few directions in the space of all random numbers carry what the data say; in the rest the posterior is nearly the prior. Steps in the
    few jump to a place of a mixture of normals fitted to the draws there, or go along the difference of two draws; steps in the rest go
    towards the prior by the rule of Crank and Nicolson, which is exact for it, so that only the data decide (Cui T, Law KJH, Marzouk YM.
    Dimension-independent likelihood-informed MCMC. J Comput Phys 2016;304:109-137).
    """

    scorer: Scorer
    names: list[str]
    seed: int
    spoken: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(names, directions), orthonormal."""
    keep: list[float] = field(default_factory=lambda: [0.0, 0.3, 0.0])
    """How much of where it is a step keeps, by kind of step; the mixture's keeps nothing."""
    stayed: list[float] = field(default_factory=lambda: [1.0, 1.0])
    """Share of the draws that has not moved since the last look: in the directions spoken of, and in the rest."""
    turn: int = 0

    def look(self, matrix: Floats, shown: Floats, level: float, levels: int) -> None:
        """Find the directions the data speak of: mean square of the predictions' slopes, at some of the draws."""
        count, rows = matrix.shape[1], matrix.shape[0]
        some = np.floor((np.arange(LOOKED_AT) + uniforms(self.seed, f"look {levels}", 1)[0]) * count / LOOKED_AT).astype(np.int64)
        base = matrix[:, some]
        many = np.repeat(base[:, None, :], rows, axis=1)  # (names, changed one, draws)
        away = np.where(base > 0.0, -STEP, STEP)
        many[np.arange(rows), np.arange(rows), :] += away
        _, there = self.scorer.score(dict(zip(self.names, many.reshape(rows, -1), strict=True)))
        slope = (there.reshape(-1, rows, LOOKED_AT) - shown[:, None, some]) / away / self.scorer.scale[:, None, None]
        slope = np.clip(slope, -STEEPEST, STEEPEST)
        size = level * np.einsum("kip,kjp->ij", slope, slope) / LOOKED_AT
        values, vectors = np.linalg.eigh(size)
        self.spoken = vectors[:, values > SPOKEN][:, ::-1]
        self.stayed = [1.0 if self.spoken.shape[1] else 0.0, 1.0]

    def move(self, matrix: Floats, score: Floats, shown: Floats, level: float) -> tuple[Floats, Floats, Floats]:
        """One step of every draw: in the directions spoken of to a place of the fitted mixture, along a difference of two draws, and in the
        rest, by turns."""
        count, turn = matrix.shape[1], self.turn
        self.turn += 1
        kind = (0, 1, 0, 1, 2)[turn % 5] if self.spoken.shape[1] else 1
        noise = np.array([normals(self.seed, f"move {turn} {name}", count) for name in self.names])
        along = self.spoken.T @ matrix
        if kind == 0:
            fitted = _mixture(along)
            there = fitted.sample(self.spoken.T @ noise, uniforms(self.seed, f"component {turn}", count))
            proposal = matrix + self.spoken @ (there - along)
            extra = -0.5 * (there * there - along * along).sum(axis=0) - fitted.log_density(there) + fitted.log_density(along)
        elif kind == 1:
            rest = noise - self.spoken @ (self.spoken.T @ noise)
            keep = self.keep[1]
            proposal = self.spoken @ along + keep * (matrix - self.spoken @ along) + np.sqrt(1.0 - keep * keep) * rest
            extra = np.zeros(count)
        else:
            luck = uniforms(self.seed, f"pair {turn}", 2 * count).reshape(2, count)
            first, other = np.minimum((luck * count).astype(np.int64), count - 1)
            size = (1.0 - self.keep[2]) * 2.38 / np.sqrt(2.0 * along.shape[0])
            there = along + size * (along[:, first] - along[:, other]) + 0.02 * (self.spoken.T @ noise)
            proposal = matrix + self.spoken @ (there - along)
            extra = -0.5 * (there * there - along * along).sum(axis=0)
        found, predicted = self.scorer.score(dict(zip(self.names, proposal, strict=True)))
        accept = np.log(uniforms(self.seed, f"accept {turn}", count)) < level * (found - score) + extra
        share, keep = float(accept.mean()), self.keep[kind]
        if kind < 2 and keep == 0.0:
            self.stayed[kind] *= 1.0 - share
        if kind:
            self.keep[kind] = max(0.0, keep - 0.15) if share > 0.35 else keep + 0.4 * (1.0 - keep) if share < 0.15 else keep
        return np.where(accept, proposal, matrix), np.where(accept, found, score), np.where(accept, predicted, shown)


@dataclass(frozen=True)
class _Mixture:
    """Normal distributions side by side: weights (k,), centres (k, directions), factors (k, directions, directions)."""

    weights: Floats
    centres: Floats
    factors: Floats

    def sample(self, noise: Floats, luck: Floats) -> Floats:
        """Places (directions, draws) from standard normals and uniforms."""
        which = np.minimum(np.searchsorted(np.cumsum(self.weights), luck), len(self.weights) - 1)
        return np.asarray(self.centres[which].T + np.einsum("nij,jn->in", self.factors[which], noise))

    def each(self, places: Floats) -> Floats:
        """Log of weight times density, up to a constant (k, draws)."""
        found = []
        for weight, centre, factor in zip(self.weights, self.centres, self.factors, strict=True):
            own = np.linalg.solve(factor, places - centre[:, None])
            found.append(np.log(weight) - 0.5 * (own * own).sum(axis=0) - np.log(np.diag(factor)).sum())
        return np.array(found)

    def log_density(self, places: Floats) -> Floats:
        """Log density up to a constant (draws,)."""
        return np.asarray(np.logaddexp.reduce(self.each(places), axis=0))


def _mixture(places: Floats) -> _Mixture:
    """A few normal distributions fitted to draws (directions, draws) by expectation and maximisation: a posterior with several causes has
    several hills. Covariances are drawn towards that of all draws, the more the fewer draws a hill has."""
    rows, count = places.shape
    whole = np.atleast_2d(np.cov(places)) + 1e-6 * np.eye(rows)
    hills = max(1, min(HILLS, count // (4 * rows)))
    part = np.zeros((hills, count))
    part[np.minimum((np.argsort(np.argsort(places[0])) * hills / count).astype(int), hills - 1), np.arange(count)] = 1.0
    made = _Mixture(np.ones(1), places.mean(axis=1)[None], np.linalg.cholesky(whole)[None])
    for _ in range(ROUNDS_OF_FIT):
        weights, centres, factors = [], [], []
        for mine in part:
            size = float(mine.sum())
            centre = places @ mine / max(size, 1e-9)
            gap = places - centre[:, None]
            shrink = (rows + 2.0) / (rows + 2.0 + size)
            covariance = (1.0 - shrink) * (gap * mine) @ gap.T / max(size, 1e-9) + shrink * whole
            weights.append(max(size / count, 0.01))
            centres.append(centre)
            factors.append(np.linalg.cholesky(covariance))
        made = _Mixture(np.array(weights) / sum(weights), np.array(centres), np.array(factors))
        logs = made.each(places)
        part = np.exp(logs - np.logaddexp.reduce(logs, axis=0))
    # A wide one beside them, and all a little wider than fitted: a place that is proposed too seldom holds its draw for ever.
    centres, factors = [*made.centres, places.mean(axis=1)], [*(WIDER * made.factors), BROAD * np.linalg.cholesky(whole)]
    return _Mixture(np.append((1.0 - BROAD_SHARE) * made.weights, BROAD_SHARE), np.array(centres), np.array(factors))
