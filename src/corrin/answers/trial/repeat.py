"""A trial done again and again on drawn people: who is allotted where, what is measured, who leaves, what each end point says.

Axes: repeat, participant, visit (0 is day 0), quantity. Quantities are the readings of the end points and strata on the scale of
`inference.trial.scale_of`, and last the logarithm of the deficit at which a sign shows. Participants of a repeat are drawn with
replacement from the pool and go to one arm each; in a *world* the typical values of the body are drawn too, the same for all participants.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.trial.analysis import Tested, adjusted, log_rank, shares, welch
from corrin.answers.trial.document import TO_EVENT, YES_NO, EndPoint, Trial
from corrin.answers.trial.reader import FUNCTIONS, in_unit, is_log
from corrin.studies.reader import SIGNS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AT_ONCE = 4_000_000
"""Numbers held at once."""
WORLDS = 400
"""Worlds behind the interval of an expected effect."""
LEAST_OF_A_KIND = 20
"""Drawn people of one form of the model below which the forms are not told apart."""


def stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers of their own for each purpose."""
    key = hashlib.blake2b(f"{seed}\0trial {name}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


def quantities(trial: Trial) -> tuple[str, ...]:
    """Readings that a trial measures, each once: those of the end points, then those of the strata."""
    asked = [one.reading for one in trial.end_point if one.reading is not None]
    asked += [stratum.reading for stratum in trial.randomisation.strata if stratum.reading != "age_y"]
    return tuple(dict.fromkeys(asked))


@dataclass(frozen=True)
class Ready:
    """Drawn people ready for repeats. own (people, arms, visits, quantities) without what nobody knows; slopes (names, arms, visits,
    quantities) for each form of the model (what moves a reading under one may not exist under the other); scales and noise by quantity."""

    trial: Trial
    pool: Any
    readings: tuple[str, ...]
    scales: tuple[str, ...]
    noise: Floats
    own: Floats
    slopes: tuple[Floats, ...]
    kinds: tuple[Ints, ...]
    """People of each form of the model."""
    weights: Floats

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms."""
        return tuple(arm.name for arm in self.trial.arm)

    @property
    def control(self) -> int:
        """Which arm is the control."""
        return self.arms.index(self.trial.control.name)

    def without_courses(self) -> Ready:
        """The same without what lies between visits, which repeats do not need: small enough to be sent."""
        return replace(self, pool=replace(self.pool, levels=self.pool.levels[:, :, :0]))


def ready(trial: Trial, pool: Any) -> Ready:
    """People of a pool (its first readings are the trial's) ready for repeats of it."""
    from corrin.inference.trial import laboratory_noise, on_scale, scale_of

    readings = quantities(trial)
    places = [pool.readings.index(name) for name in readings]
    visits = [0, *(int(np.argmin(np.abs(pool.days - day))) for day in trial.visits_d)]
    levels = pool.levels[:, :, visits][:, :, :, places]
    scales = (*(scale_of(name) for name in readings), "log")
    y = np.stack([on_scale(levels[..., k], scales[k]) for k in range(len(readings))], axis=-1)
    edge = np.broadcast_to(np.log(pool.threshold)[:, None, None, None], (*y.shape[:3], 1))
    y = np.concatenate([y, edge], axis=-1)
    flat = y.reshape(len(y), -1)
    kinds = [np.flatnonzero(pool.structure == kind) for kind in (0, 1)]
    parts = [pool.of_form(0), pool.of_form(1)]
    if min(len(one) for one in kinds) < LEAST_OF_A_KIND:
        kinds, parts = [np.arange(pool.count)], [pool]
    own, slopes = flat.copy(), []
    for people, part in zip(kinds, parts, strict=True):
        slope = part.slopes(flat[people])
        own[people] = part.own(flat[people], slope)
        slopes.append(slope.reshape(-1, *y.shape[1:]))
    noise = np.array([trial.noise.get(name, laboratory_noise(name)) for name in readings] + [0.0])
    return Ready(
        trial, pool, readings, scales, noise, own.reshape(y.shape), tuple(slopes), tuple(kinds),
        np.array([len(one) for one in kinds]) / sum(len(one) for one in kinds),
    )  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What the trialists hold: value (r, n, visits, quantities) in the scale of each, NaN after leaving (signs: 1 or 0); arm (r, n);
    stratum (r, n); last visit attended (r, n)."""

    value: Floats
    arm: Ints
    stratum: Ints
    last: Ints


def draw(here: Ready, n: int, repeats: int, seed: int, worlds: bool) -> Iterator[Seen]:
    """Repeats of a trial of n people, some at a time."""
    size = n * len(here.trial.visits_d) * (len(here.readings) + 2)
    some = max(1, min(repeats, AT_ONCE // max(size, 1)))
    shifts, kind = shared_moves(here, repeats, seed) if worlds else (None, np.zeros(repeats, np.int64))
    luck = stream(seed, f"n {n} {'worlds' if worlds else 'typical'}")
    for first in range(0, repeats, some):
        count = min(some, repeats - first)
        chosen = np.empty((count, n), np.int64)
        if worlds:
            for row, which in enumerate(kind[first : first + count]):
                chosen[row] = here.kinds[which][luck.integers(0, len(here.kinds[which]), n)]
        else:
            chosen[:] = luck.integers(0, here.pool.count, (count, n))
        yield _one_lot(here, chosen, None if shifts is None else shifts[first : first + count], luck)


def shared_moves(here: Ready, worlds: int, seed: int) -> tuple[Floats, Ints]:
    """(worlds, arms, visits, quantities) how far each world moves everybody, and (worlds,) which form of the model holds in it."""
    e = (here.pool.worlds(worlds, seed) * here.pool.root[:, None]).T
    kind = stream(seed, "forms").choice(len(here.kinds), worlds, p=here.weights)
    moves = np.empty((worlds, *here.own.shape[1:]))
    for which, slopes in enumerate(here.slopes):
        moves[kind == which] = np.tensordot(e[kind == which], slopes, axes=1)
    return moves, kind


def _one_lot(here: Ready, chosen: Ints, shift: Floats | None, luck: np.random.Generator) -> Seen:
    count, n = chosen.shape
    rows = np.arange(count)[:, None]
    before = here.own[chosen, here.control, 0]
    if shift is not None:
        before = before + shift[:, here.control, 0][:, None]
    first = _measured(here, before, luck.standard_normal(before.shape))
    stratum = _strata(here, first, chosen)
    arm = _allot(here, stratum, luck)
    value = here.own[chosen, arm][:, :, 1:]
    if shift is not None:
        value = value + shift[rows, arm][:, :, 1:]
    value = _measured(here, value, luck.standard_normal(value.shape))
    value = np.concatenate([first[:, :, None], value], axis=2)
    own_limit = luck.random((count, n, 1, len(here.readings)))
    for place, name in enumerate(here.readings):
        if name in SIGNS:  # felt where the chance is above a limit of one's own, which does not move
            value[..., place] = (own_limit[..., place] < 1.0 / (1.0 + np.exp(-value[..., place]))).astype(float)
    visits = np.array(here.trial.visits_d)
    leaves = luck.random((count, n)) < here.trial.dropout.share
    when = np.where(leaves, luck.random((count, n)) * visits[-1], np.inf)
    last = np.searchsorted(visits, when.reshape(-1), side="right").reshape(count, n)
    gone = np.arange(value.shape[2])[None, None, :] > last[..., None]
    value[..., :-1] = np.where(gone[..., None], np.nan, value[..., :-1])
    return Seen(value, arm, stratum, last)


def _measured(here: Ready, truth: Floats, noise: Floats) -> Floats:
    """A measurement of each quantity on its scale; what is a share in per cent stays one."""
    value = truth + here.noise * noise
    for place, name in enumerate(here.readings):
        if name in FUNCTIONS:
            value[..., place] = np.clip(value[..., place], 0.0, 100.0)
    return np.asarray(value)


def _strata(here: Ready, first: Floats, chosen: Ints) -> Ints:
    """Number of the stratum of each participant, by what was measured at day 0."""
    code = np.zeros(chosen.shape, np.int64)
    for stratum in here.trial.randomisation.strata:
        if stratum.reading == "age_y":
            above = here.pool.age_y[chosen] >= stratum.cut
        else:
            place = here.readings.index(stratum.reading)
            cut = in_unit(stratum.cut, stratum.unit, stratum.reading)
            above = first[..., place] >= (np.log(max(cut, 1e-9)) if here.scales[place] == "log" else cut)
        code = 2 * code + above
    return code


def _allot(here: Ready, stratum: Ints, luck: np.random.Generator) -> Ints:
    """Permuted blocks within strata: each block of a stratum holds the arms in their ratio, in random order."""
    count, n = stratum.shape
    parts = np.array([arm.share for arm in here.trial.arm])
    block = _block(parts, n)
    order = np.argsort(stratum + luck.random((count, n)), axis=1)  # within a stratum everybody's place is random
    sorted_code = np.take_along_axis(stratum, order, axis=1)
    place = np.arange(n)[None, :] - np.array([np.searchsorted(row, row, side="left") for row in sorted_code])
    size = len(block)
    blocks = place // size
    # The order within a block is random: the rank of fresh random numbers among those of the block picks the arm.
    rank = np.argsort(np.argsort(sorted_code * (n + 1.0) + blocks + luck.random((count, n)), axis=1), axis=1)
    start = np.array([np.searchsorted(key, key, side="left") for key in sorted_code * (n + 1) + blocks])
    # A block that is not full takes a random part of its arms.
    turn = luck.permuted(np.broadcast_to(np.arange(size), (count, size)), axis=1)
    within = rank - start
    full = np.array([np.searchsorted(key, key, side="right") for key in sorted_code * (n + 1) + blocks]) - start == size
    slot = np.where(full, within, np.take_along_axis(turn, within, axis=1))
    arm = np.empty_like(stratum)
    np.put_along_axis(arm, order, block[slot], axis=1)
    return arm


def _block(parts: Floats, n: int) -> Ints:
    """The smallest block that holds the arms in their ratio; where none of 24 or fewer does, everybody at once in the nearest numbers."""
    for size in range(len(parts), 25):
        wanted = parts / parts.sum() * size
        if np.allclose(wanted, np.round(wanted), atol=1e-6):
            return np.repeat(np.arange(len(parts)), np.round(wanted).astype(int))
    wanted = np.floor(parts / parts.sum() * n).astype(int)
    wanted[0] += n - wanted.sum()
    return np.repeat(np.arange(len(parts)), wanted)


def place_of(here: Ready, one: EndPoint) -> tuple[int, int]:
    """(visit, quantity) of an end point; the last visit where it names no day."""
    day = one.day if one.day is not None else here.trial.visits_d[-1]
    return 1 + here.trial.visits_d.index(day), here.readings.index(one.reading or "")


def is_yes_no(one: EndPoint) -> bool:
    """Whether participants count as yes or no."""
    return one.kind in YES_NO or (one.kind == "level" and one.reading in SIGNS)


def limit_of(here: Ready, one: EndPoint) -> float:
    """The limit of an end point on the scale of its quantity."""
    value = in_unit(float(one.limit or 0.0), one.unit, one.reading or "")
    return float(np.log(max(value, 1e-9))) if here.scales[here.readings.index(one.reading or "")] == "log" else value


def value_of(here: Ready, one: EndPoint, seen: Seen) -> Floats:
    """(r, n) what an end point is of each participant; NaN where it was not obtained or does not apply."""
    visit, place = place_of(here, one)
    now, first = seen.value[:, :, visit, place], seen.value[:, :, 0, place]
    if one.kind in ("level", "change") and one.reading not in SIGNS:
        logs = here.scales[place] == "log"
        if logs and not is_log(one):
            now, first = np.exp(now), np.exp(first)
        return now - first if one.kind == "change" else now
    if one.kind in ("below", "above"):
        limit = limit_of(here, one)
        yes = (now < limit) if one.kind == "below" else (now > limit)
    elif one.reading in SIGNS:
        yes = now < 0.5 if one.kind == "recovery" else now > 0.5
    else:
        edge = np.exp(seen.value[:, :, 0, -1])
        yes = 1.0 - now / 100.0 <= edge
    found = np.where(np.isfinite(now), yes.astype(float), np.nan)
    if here.trial.dropout.counts_as == "failure" and not (one.kind == "level" and one.reading in SIGNS):
        found = np.where(np.isfinite(now), found, 0.0)
    if one.kind == "recovery":
        had = first > 0.5 if one.reading in SIGNS else 1.0 - first / 100.0 > np.exp(seen.value[:, :, 0, -1])
        found = np.where(had, found, np.nan)
    return np.asarray(found)


def compare_arms(here: Ready, one: EndPoint, seen: Seen, arm: int) -> Tested:
    """An arm against the control, for every repeat."""
    mine, theirs = seen.arm == arm, seen.arm == here.control
    _, place = place_of(here, one)
    if one.kind in TO_EVENT:
        limit = limit_of(here, one)
        values = seen.value[:, :, 1:, place]
        with np.errstate(invalid="ignore"):
            beyond = values < limit if one.kind == "time to below" else values > limit
        event = np.where(beyond.any(axis=2), beyond.argmax(axis=2) + 1, 0)
        return log_rank(event, seen.last, values.shape[2], mine, theirs)
    x = value_of(here, one, seen)
    if is_yes_no(one):
        return shares(x, mine, theirs)
    if one.analysis == "welch":
        return welch(x, mine, theirs)
    first = seen.value[:, :, 0, place]
    beside = [np.exp(first) if here.scales[place] == "log" and not is_log(one) else first]
    codes = 2 ** len(here.trial.randomisation.strata)
    beside += [(seen.stratum == code).astype(float) for code in range(1, codes)]
    return adjusted(x, np.stack(beside, axis=2), mine, theirs)


def arm_summary(here: Ready, one: EndPoint, seen: Seen, arm: int) -> Floats:
    """(r,) an arm's own result as a paper would tell it, in the unit of the end point's reading (shares: 0..1; change on log: a ratio)."""
    chosen = seen.arm == arm
    if one.kind in TO_EVENT:
        _, place = place_of(here, one)
        with np.errstate(invalid="ignore"):
            values = seen.value[:, :, 1:, place]
            beyond = (values < limit_of(here, one)) if one.kind == "time to below" else (values > limit_of(here, one))
        x = beyond.any(axis=2).astype(float)
    else:
        x = value_of(here, one, seen)
    x = np.where(chosen, x, np.nan)
    logs = not is_yes_no(one) and one.kind not in TO_EVENT and is_log(one)
    summary = one.summary or ("geometric mean" if logs else "mean")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an arm without anybody has no mean
        if logs and summary == "geometric mean":
            return np.asarray(np.exp(np.nanmean(x, axis=1)))
        x = np.exp(x) if logs else x
        return np.asarray(np.nanmedian(x, axis=1) if summary == "median" else np.nanmean(x, axis=1))


def expected(here: Ready, one: EndPoint, arm: int, shift: Floats | None = None, people: Sequence[int] | Ints | None = None) -> float | None:
    """The effect a trial without end would find, arm against control, in the same people; None for times to an event.

    `shift` (arms, visits, quantities) is a world; `people` those of one form of the model.
    """
    both = [_mean_of(here, one, which, shift, people) for which in (arm, here.control)]
    return None if both[0] is None or both[1] is None else both[0] - both[1]


def _mean_of(here: Ready, one: EndPoint, arm: int, shift: Floats | None, people: Sequence[int] | Ints | None) -> float | None:
    if one.kind in TO_EVENT:
        return None
    from scipy.special import ndtr

    visit, place = place_of(here, one)
    who = slice(None) if people is None else people
    own = here.own[who, arm]
    own = own if shift is None else own + shift[arm]
    now, first = own[:, visit, place], own[:, 0, place]
    edge, sd = np.exp(own[:, 0, -1]), float(here.noise[place])
    if one.kind in ("level", "change") and one.reading not in SIGNS:
        if here.scales[place] == "log" and not is_log(one):
            now, first = np.exp(now + 0.5 * sd * sd), np.exp(first + 0.5 * sd * sd)
        return float((now - first if one.kind == "change" else now).mean())
    if one.kind in ("below", "above"):
        side = 1.0 if one.kind == "below" else -1.0
        gap = side * (limit_of(here, one) - now)
        return float((ndtr(gap / sd) if sd > 0.0 else gap > 0.0).mean())
    if one.reading in SIGNS:
        later, today = 1.0 / (1.0 + np.exp(-now)), 1.0 / (1.0 + np.exp(-first))
        if one.kind == "level":
            return float(later.mean())
        return float(1.0 - np.minimum(later, today).sum() / max(today.sum(), 1e-12))
    had = 1.0 - np.clip(first, 0.0, 100.0) / 100.0 > edge
    if not had.any():
        return 0.0
    return float((1.0 - np.clip(now, 0.0, 100.0) / 100.0 <= edge)[had].mean())


def paired(here: Ready, one: EndPoint, arm: int) -> Floats | None:
    """(people,) each drawn person's own difference between arm and control, without noise; None where a person is yes or no."""
    if is_yes_no(one) or one.kind in TO_EVENT:
        return None
    visit, place = place_of(here, one)
    now, other = here.own[:, arm, visit, place], here.own[:, here.control, visit, place]
    if here.scales[place] == "log" and not is_log(one):
        now, other = np.exp(now), np.exp(other)
    return np.asarray(now - other)
