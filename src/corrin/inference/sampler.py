"""Draws led from a prior to data, whatever they describe: tempering, and steps that tell apart what the data speak of.

Every unknown is a standard normal. The likelihood is let in step by step, draws that agree are kept and copied, and copies are moved by
Metropolis steps shaped by the draws themselves, so that they become draws of their own again. Del Moral P, Doucet A, Jasra A. Sequential
Monte Carlo samplers. J R Stat Soc B 2006;68:411-436.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corrin.engine.draw import normals, uniforms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KEEP = 0.6
"""Share of the draws led on that stays effective at each step of tempering."""
MOVES, LEAST_MOVES, MOST_MOVES = 3, 25, 100
"""Moves of all draws: at each level on the way; at the end, at least and at most. Draws that count for enough after fewer moves still lack
the far ends (decision 0004)."""
LEFT = 0.08
"""On the way, draws are moved no more when no more than this share has stayed where it was in one of the two kinds of direction."""
LOOKED_AT = 16
"""Draws at which the directions that the data speak of are looked for."""
STEP, STEEPEST = 0.3, 30.0
"""Change of a random number by which a slope is measured, and the steepest that counts (a cause that comes or goes is a jump)."""
HILLS, ROUNDS_OF_FIT, MORE_ROUNDS = 5, 12, 4
"""Normal distributions in the mixture that proposes; rounds of its fit, and of one that goes on from the last."""
REFIT_EVERY = 8
"""Steps after which the mixture is fitted again."""
BROAD, BROAD_SHARE = 1.5, 0.1
"""How much wider than all draws one more normal over them is, and how often it proposes."""
SPOKEN = 1.0
"""A direction counts as spoken of when the data say of it at least this share of what the prior says."""
LEAST = 256
FIRST = 8
"""How many more draws of the prior are looked at than are led on: a cause that one person in a hundred has is then among them."""
SHARED = 0.15
"""What the lineages left at the end of tempering are worth: they are not independent, because all moved towards one fitted distribution,
and nobody counts the places that none of them came upon. Set on five patients so that the variance told is the variance between eight seeds
(decision 0004)."""
SAME = 1e-5
"""Values of a quantity that differ by less, as a share of its largest, are one: single precision tells no more."""
ISLANDS = 2
"""Shares of the draws that are led apart."""
LOOK_EVERY = 5
"""Moves at the end between two looks at how many draws count."""
AIMED = 0.15
"""At the end, draws are moved until so large a share of them is effective."""
ENOUGH = 0.1
"""Effective draws, as a share of all, below which an answer says "not resolved"."""


@dataclass(frozen=True)
class Scorer:
    """Draws to their log-likelihood (people,), what was predicted on a symmetric scale (observations, people), and the quantities that
    count (people, quantities); `scale` (observations,) is how exactly each observation speaks on its scale."""

    score: Callable[[dict[str, Floats]], tuple[Floats, Floats, Floats]]
    scale: Floats


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


def led(draws: int) -> int:
    """How many draws are led to the data where so many are wanted at the end."""
    return max(min(draws, LEAST), draws // 2)


@dataclass
class _Island:
    """A share of the draws that is led by itself: `matrix` (names, draws), their `score` and what they `shown`, the ancestor of each, who
    moves them; `begun`: what they were when the last moves began, `worth` how many they were worth by quantity."""

    matrix: Floats
    mover: _Mover
    score: Floats = field(default_factory=lambda: np.zeros(0))
    shown: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    seen: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """What was predicted (observations, draws), and the quantities that count (draws, quantities)."""
    eve: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    begun: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    worth: Floats = field(default_factory=lambda: np.zeros(0))

    def resample(self, step: float, wanted: int, luck: float) -> None:
        chosen = _resample(np.exp(step * (self.score - self.score.max())), wanted, luck)
        self.matrix, self.score, self.eve = self.matrix[:, chosen], self.score[chosen], self.eve[chosen]
        self.shown, self.seen = self.shown[:, chosen], self.seen[chosen]

    def take(self, accept: NDArray[np.bool_], matrix: Floats, score: Floats, shown: Floats, seen: Floats) -> None:
        """Go to these places where they are accepted."""
        self.matrix, self.score = np.where(accept, matrix, self.matrix), np.where(accept, score, self.score)
        self.shown, self.seen = np.where(accept, shown, self.shown), np.where(accept[:, None], seen, self.seen)


def temper(
    scorer: Scorer,
    names: list[str],
    matrix: Floats,
    draws: int,
    seed: int,
    progress: Callable[[str, float], None] | None,
) -> tuple[Floats, int, float]:
    """Lead draws of the prior (names, people) to the data, about half as many as are wanted; at the last step make them all, and move them
    apart. Returns draws, steps, and how many independent draws they
    are worth; where that is too few, the draws returned are those of half the weight of the data, and the number stays what it was, so that
    the answer can say so.

    The draws are led in two shares, computed in one batch. No draw of one comes from the other, so what both find alike is not chance; they
    share only where steps are proposed.
    """
    many = ISLANDS if draws >= ISLANDS * LEAST // 2 else 1
    few = min(led(draws), matrix.shape[1])
    islands = [_Island(part, _Mover(names, seed, f"{number} ")) for number, part in enumerate(np.array_split(matrix, many, axis=1))]
    sizes = [len(part) for part in np.array_split(np.arange(draws), many)]

    def scored(parts: list[Floats]) -> list[tuple[Floats, Floats, Floats]]:
        found, shown, seen = scorer.score(dict(zip(names, np.hstack(parts), strict=True)))
        cuts = np.cumsum([part.shape[1] for part in parts])[:-1]
        return list(zip(np.split(found, cuts), np.split(shown, cuts, axis=1), np.split(seen, cuts), strict=True))

    def move(level: float) -> None:
        halves = [np.hstack([island.matrix[:, start::2] for island in islands]) for start in (0, 1)]
        tried = [island.mover.propose(island.matrix, halves) for island in islands]
        for island, (proposal, extra), there in zip(islands, tried, scored([places for places, _ in tried]), strict=True):
            island.take(island.mover.accepts(level * (there[0] - island.score) + extra), proposal, *there)

    def resolved() -> float:
        return independent([island.begun for island in islands], [island.seen for island in islands], [island.worth for island in islands])

    for island, there in zip(islands, scored([island.matrix for island in islands]), strict=True):
        (island.score, island.shown, island.seen), island.eve = there, np.arange(len(there[0]))
    level, levels = 0.0, 0
    while level < 1.0:
        following = min(_next_level(island.score, level, KEEP * few / many) for island in islands)
        for number, island in enumerate(islands):
            wanted = sizes[number] if following >= 1.0 else few // many
            island.resample(following - level, wanted, float(uniforms(seed, f"{number} resample {levels}", 1)[0]))
        level, levels = following, levels + 1
        around = [island.mover.around(island.matrix, levels, LOOKED_AT // many) for island in islands]
        for island, places, (_, shown, _) in zip(islands, around, scored([places.moved for places in around]), strict=True):
            island.mover.look(places, island.shown, shown, scorer.scale, level)
        if level >= 1.0:
            for island in islands:
                island.begun, island.worth = island.seen, lineages(island.seen, island.eve)
        for turn in range(MOST_MOVES if level >= 1.0 else MOVES):
            move(level)
            if level < 1.0:
                if all(max(island.mover.stayed) < LEFT for island in islands):
                    break
            elif turn % LOOK_EVERY == LOOK_EVERY - 1 and turn + 1 >= LEAST_MOVES and resolved() >= AIMED * draws:
                break
        if progress:
            progress("learning from the data", 0.9 * level + 0.1 * (level >= 1.0))
    effective = resolved()
    if effective < ENOUGH * draws:  # not resolved: half the weight of the data, so that the draws spread
        for _ in range(MOST_MOVES // 2):
            move(0.5)
    return np.hstack([island.matrix for island in islands]), levels, effective


def _ranks(values: Floats) -> Floats:
    """Ranks along the draws (draws, quantities), centred: no single far draw decides. What is equal to `SAME` of the largest (nerves nobody
    hurt) shares its rank; told apart by their places, such draws would seem never to move."""
    largest = np.maximum(np.abs(values).max(axis=0), 1e-300)
    whole = np.ascontiguousarray(np.round(values / (SAME * largest)).T)
    order = np.argsort(whole, axis=1, kind="stable")
    ordered, count = np.take_along_axis(whole, order, axis=1), whole.shape[1]
    other = np.ones((whole.shape[0], count + 1), bool)
    other[:, 1:-1] = ordered[:, 1:] != ordered[:, :-1]
    place = np.arange(count)
    first = np.maximum.accumulate(np.where(other[:, :-1], place, 0), axis=1)
    last = np.minimum.accumulate(np.where(other[:, 1:], place, count)[:, ::-1], axis=1)[:, ::-1]
    found = np.empty(whole.shape)
    np.put_along_axis(found, order, 0.5 * (first + last) - 0.5 * (count - 1), axis=1)
    return found.T


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
    share = np.bincount(eve) / people
    ancestors = 1.0 / float((share**2).sum())  # a single ancestor's deviations sum to nothing and would look like no error at all
    return np.asarray(np.clip(SHARED * ranks.var(axis=0) / np.maximum(variance, 1e-12), 1.0, max(1.0, 0.5 * ancestors)))


def independent(begun: Sequence[Floats], now: Sequence[Floats], worth: Sequence[Floats]) -> float:
    """How many independent draws these are worth, over all quantities that differ between draws: their number by the mean inflation of the
    variance. For each share of the draws: `begun` and `now` (draws, quantities), `worth` (quantities,).

    What the draws were worth when their moves began is told by lineages; moves mend it as far as a draw forgets where it began. The share
    that has not been forgotten is the rank correlation of then and now, and not its square: what is slow (which of several causes) may be
    a small part of a quantity, so that the correlation shows that part once, while the error of the mean is carried by it alone. What no
    lineage knows shows between shares that were led apart; the larger of the two counts.
    """
    whole = np.concatenate(list(begun))
    people = whole.shape[0]
    moving = np.ptp(whole, axis=0) > SAME * np.abs(whole).max(axis=0)
    if not moving.any():
        return float(people)
    inflations = []
    for then, at, left in zip(begun, now, worth, strict=True):
        first, last = _ranks(then[:, moving]), _ranks(at[:, moving])
        rho = (first * last).mean(axis=0) / np.maximum(first.std(axis=0) * last.std(axis=0), 1e-12)
        kept = np.maximum(np.abs(rho) - 1.0 / np.sqrt(len(then)), 0.0)
        inflations.append(np.mean(1.0 + kept * (len(then) / left[moving] - 1.0)))
    within = float(np.mean(inflations))
    if len(now) == 1:
        return people / within
    ranks = _ranks(np.concatenate(list(now))[:, moving])
    cuts = np.cumsum([len(part) for part in now])[:-1]
    means = np.array([part.mean(axis=0) for part in np.split(ranks, cuts)])
    between = float(np.mean(means.var(axis=0, ddof=1) / np.maximum(ranks.var(axis=0), 1e-12))) * people / len(now)
    return people / max(within, between)


@dataclass
class _Mover:
    """Metropolis steps that tell apart what the data speak of from what they do not.

    A few directions in the space of all random numbers carry what the data say; in the rest the posterior is nearly the prior. Steps in the
    few jump to a place of a mixture of normals fitted to the draws there, or go along the difference of two draws; steps in the rest go
    towards the prior by the rule of Crank and Nicolson, which is exact for it, so that only the data decide (Cui T, Law KJH, Marzouk YM.
    Dimension-independent likelihood-informed MCMC. J Comput Phys 2016;304:109-137).
    """

    names: list[str]
    seed: int
    label: str = ""
    """Goes before the names of its random numbers."""
    spoken: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(names, directions), orthonormal."""
    keep: list[float] = field(default_factory=lambda: [0.0, 0.3, 0.0])
    """How much of where it is a step keeps, by kind of step; the mixture's keeps nothing."""
    stayed: list[float] = field(default_factory=lambda: [1.0, 1.0])
    """Share of the draws that has not moved since the last look: in the directions spoken of, and in the rest."""
    turn: int = 0
    fitted: tuple[_Mixture, ...] = ()
    fitted_at: int = 0
    """The mixtures that propose, to every second draw each, and the step they were fitted at."""
    kind: int = 1
    """Of the step proposed last: 0 mixture, 1 the rest, 2 difference of two draws."""

    def around(self, matrix: Floats, levels: int, looked_at: int) -> _Around:
        """Places beside some of the draws, changed in one number each."""
        count, rows = matrix.shape[1], matrix.shape[0]
        luck = uniforms(self.seed, f"{self.label}look {levels}", 1)[0]
        some = np.floor((np.arange(looked_at) + luck) * count / looked_at).astype(np.int64)
        base = matrix[:, some]
        many = np.repeat(base[:, None, :], rows, axis=1)  # (names, changed one, draws)
        away = np.where(base > 0.0, -STEP, STEP)
        many[np.arange(rows), np.arange(rows), :] += away
        return _Around(some, away, many.reshape(rows, -1))

    def look(self, places: _Around, shown: Floats, there: Floats, scale: Floats, level: float) -> None:
        """Find the directions the data speak of: mean square of the predictions' slopes. `shown` (observations, draws), `there`
        (observations, places)."""
        rows, looked_at = places.away.shape
        slope = (there.reshape(-1, rows, looked_at) - shown[:, None, places.some]) / places.away / scale[:, None, None]
        slope = np.clip(slope, -STEEPEST, STEEPEST)
        values, vectors = np.linalg.eigh(level * np.einsum("kip,kjp->ij", slope, slope) / looked_at)
        self.spoken, self.fitted = vectors[:, values > SPOKEN][:, ::-1], ()
        self.stayed = [1.0 if self.spoken.shape[1] else 0.0, 1.0]

    def propose(self, matrix: Floats, halves: Sequence[Floats]) -> tuple[Floats, Floats]:
        """One step of every draw: in the directions spoken of to a place of the fitted mixture, along a difference of two draws, and in the
        rest, by turns. Returns places, and the logarithm of what decides besides the data.

        `halves`: every second draw of all shares, and the others (names, draws). The mixture that proposes to a draw is fitted to the
        half that it is not in: one that was fitted to it too has its peak where the draw happens to be, the more the fewer draws a hill
        has, so that they would leave small hills too readily.
        """
        count, turn = matrix.shape[1], self.turn
        self.turn += 1
        self.kind = (0, 1, 0, 1, 2)[turn % 5] if self.spoken.shape[1] else 1
        along = self.spoken.T @ matrix
        wide = len(self.names) if self.kind == 1 else along.shape[0]  # noise turned into the directions spoken of is noise
        noise = normals(self.seed, f"{self.label}move {turn}", count * wide).reshape(wide, count)
        if self.kind == 0:
            if not self.fitted or turn - self.fitted_at >= REFIT_EVERY:
                before = self.fitted or (None,) * len(halves)
                self.fitted = tuple(_mixture(self.spoken.T @ half, last) for half, last in zip(halves, before, strict=True))
                self.fitted_at = turn
            luck = uniforms(self.seed, f"{self.label}component {turn}", count)
            there, extra = np.empty_like(along), np.empty(count)
            for start, mixture in enumerate(reversed(self.fitted)):
                mine = np.s_[start::2]
                there[:, mine] = mixture.sample(noise[:, mine], luck[mine])
                extra[mine] = mixture.log_density(along[:, mine]) - mixture.log_density(there[:, mine])
            return matrix + self.spoken @ (there - along), extra - 0.5 * (there * there - along * along).sum(axis=0)
        if self.kind == 1:
            rest = noise - self.spoken @ (self.spoken.T @ noise)
            keep = self.keep[1]
            return self.spoken @ along + keep * (matrix - self.spoken @ along) + np.sqrt(1.0 - keep * keep) * rest, np.zeros(count)
        luck = uniforms(self.seed, f"{self.label}pair {turn}", 2 * count).reshape(2, count)
        first, other = np.minimum((luck * count).astype(np.int64), count - 1)
        size = (1.0 - self.keep[2]) * 2.38 / np.sqrt(2.0 * along.shape[0])
        there = along + size * (along[:, first] - along[:, other]) + 0.02 * noise
        return matrix + self.spoken @ (there - along), -0.5 * (there * there - along * along).sum(axis=0)

    def accepts(self, chance: Floats) -> NDArray[np.bool_]:
        """Which draws take the step proposed last, from the logarithm of its chance (draws,); its length follows how many do."""
        accept = np.log(uniforms(self.seed, f"{self.label}accept {self.turn - 1}", len(chance))) < chance
        share, keep = float(accept.mean()), self.keep[self.kind]
        if self.kind < 2 and keep == 0.0:
            self.stayed[self.kind] *= 1.0 - share
        if self.kind:
            self.keep[self.kind] = max(0.0, keep - 0.15) if share > 0.35 else keep + 0.4 * (1.0 - keep) if share < 0.15 else keep
        return np.asarray(accept)


@dataclass(frozen=True)
class _Around:
    """Places beside draws: which draws (looked at,), how far each number was moved (names, looked at), the places (names, ...)."""

    some: Ints
    away: Floats
    moved: Floats


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
        own = np.linalg.inv(self.factors) @ (places - self.centres[:, :, None])
        heights = np.log(self.weights) - np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(axis=1)
        return np.asarray(heights[:, None] - 0.5 * np.einsum("kij,kij->kj", own, own))

    def log_density(self, places: Floats) -> Floats:
        """Log density up to a constant (draws,)."""
        logs = self.each(places)
        top = logs.max(axis=0)
        return np.asarray(top + np.log(np.exp(logs - top).sum(axis=0)))


def _shares(logs: Floats) -> Floats:
    """Which hill each draw belongs to (hills, draws), from the logs of weight times density."""
    logs = logs - logs.max(axis=0)
    shares = np.exp(logs)
    return np.asarray(shares / shares.sum(axis=0))


def _mixture(places: Floats, last: _Mixture | None = None) -> _Mixture:
    """A few normal distributions fitted to draws (directions, draws) by expectation and maximisation: a posterior with several causes has
    several hills. Covariances are drawn towards that of all draws, the more the fewer draws a hill has. `last`: the fit to the same draws
    some steps ago, from which this one goes on."""
    rows, count = places.shape
    whole = np.atleast_2d(np.cov(places)) + 1e-6 * np.eye(rows)
    if last is None:
        hills = max(1, min(HILLS, count // (4 * rows)))
        part = np.zeros((hills, count))
        part[np.minimum((np.argsort(np.argsort(places[0])) * hills / count).astype(int), hills - 1), np.arange(count)] = 1.0
    else:
        part = _shares(last.each(places)[:-1])
    for _ in range(ROUNDS_OF_FIT if last is None else MORE_ROUNDS):
        size = np.maximum(part.sum(axis=1), 1e-9)
        centres = part @ places.T / size[:, None]
        gap = places - centres[:, :, None]
        own = (gap * part[:, None]) @ gap.transpose(0, 2, 1) / size[:, None, None]
        shrink = ((rows + 2.0) / (rows + 2.0 + size))[:, None, None]
        factors = np.linalg.cholesky((1.0 - shrink) * own + shrink * whole)
        weights = np.maximum(size / count, 0.01)
        made = _Mixture(weights / weights.sum(), centres, factors)
        part = _shares(made.each(places))
    # A wide one beside them: a place that is proposed too seldom holds its draw for ever.
    centres = np.concatenate([made.centres, places.mean(axis=1)[None]])
    factors = np.concatenate([made.factors, BROAD * np.linalg.cholesky(whole)[None]])
    return _Mixture(np.append((1.0 - BROAD_SHARE) * made.weights, BROAD_SHARE), centres, factors)
