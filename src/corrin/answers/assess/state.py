"""How well B12 works in somebody's cells, from markers: one posterior over the bands of the distilled table.

Within a band the markers are taken as independent (in the simulated population they are, except total against active B12, which the table
weighs down). Every marker has one SD in all bands and means in one direction, so more of a bad sign never lowers the probability. Two
things that people have and the population has not are allowed for: something else that rules a marker, and a marrow that is spared. Plain
arithmetic on a few hundred numbers: no array library, because the answer must be there at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from corrin.facts.deficiency import Deficiency, Factor, Fit, Marker

Shares = tuple[float, ...]
FAR_SD = 3.0
"""Values further than this beyond the outermost band count as lying there."""
UNBENT = 0.25
"""Least slope of the scale of a marker."""
ELSEWHERE = {"haemoglobin": (-0.25, 0.25), "mcv": (0.0, 0.12), "homocysteine": (0.4, 0.6), "mma": (1.5, 0.7)}
"""Mean and SD (ln, against replete people) of a marker that something other than B12 rules: bleeding, iron, inflammation; folate, genes,
vitamin B6, thyroid; bacteria of the small bowel, genes (a judgement)."""
ONE_WAY = ("homocysteine", "mma")
"""Markers of which more never speaks for less, whatever else may rule them. A blood count may: very small cells are another disease."""
PLACES = 60
"""Places at which the turning points of a marker that something else may rule are looked for."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One marker as it counts: ln of the value in the analyte's unit, between `low` and `high` (equal: known up to the test's error).

    `weight` 0 to 1; `only_raises`: it may speak for deficiency and never against it; `shift` is taken off ln(value).
    """

    marker: str
    low: float
    high: float
    weight: float = 1.0
    only_raises: bool = False
    shift: float = 0.0
    narrower: float = 1.0
    """Factor on the SD where something that widened it (sex) is known."""
    outside: float = 0.0
    """Share of people in whom something else rules this marker; it lies anywhere within `ELSEWHERE` then."""
    spared: float = 0.0
    """Share of people with the lack in whom this marker is as in replete people."""
    spared_with: tuple[float, float] | None = None
    """The same of those in whom haemoglobin is spared, and of those in whom it is not; counts where both are known."""


def scaled(marker: Marker, x: float, age_y: float, log_filtration: float | None) -> float:
    """A value (its ln) on the marker's own scale, less age and, where both know it, kidney."""
    decades = (age_y - 50.0) / 10.0
    y = x - marker.age * decades - marker.age_square * decades * decades - marker.middle
    if log_filtration is not None:
        y -= marker.filtration * log_filtration
    if marker.stretch == 0.0:
        return y
    return math.log(max(1.0 + marker.stretch * y, UNBENT)) / marker.stretch


Density = Callable[[float, float], float]
"""Likelihood of what was reported for a mean and an SD."""


def chances(marker: Marker, item: Evidence, age_y: float, log_filtration: float | None, spared: Sequence[float] | None = None) -> Shares:
    """Likelihood of the evidence in each band (up to a factor); `spared`: by band, in place of the evidence's own share."""
    sd = marker.sd * item.narrower
    density = _density(marker, item, sd, age_y, log_filtration)
    if item.low == item.high and item.marker in ONE_WAY and item.outside:
        return _one_way(marker, item, sd, _place(marker, item.low - item.shift, sd, age_y, log_filtration))
    return _mixed(marker, item, sd, density, spared)


def _place(marker: Marker, x: float, sd: float, age_y: float, log_filtration: float | None) -> float:
    """A value on the marker's scale, no further out than counts."""
    return min(max(scaled(marker, x, age_y, log_filtration), min(marker.means) - FAR_SD * sd), max(marker.means) + FAR_SD * sd)


def _density(marker: Marker, item: Evidence, sd: float, age_y: float, log_filtration: float | None) -> Density:
    if item.low == item.high:
        return _exactly(_place(marker, item.low - item.shift, sd, age_y, log_filtration))
    low, high = (
        _place(marker, end - item.shift, sd, age_y, log_filtration) if math.isfinite(end) else end for end in (item.low, item.high)
    )
    return lambda mean, wide: max(_normal((high - mean) / wide) - _normal((low - mean) / wide), 1e-12)


def _exactly(t: float) -> Density:
    return lambda mean, wide: math.exp(-0.5 * ((t - mean) / wide) ** 2) / wide


def _mixed(marker: Marker, item: Evidence, sd: float, of: Density, spared: Sequence[float] | None = None) -> Shares:
    """Likelihoods by band: as the lack makes the marker, as it is in replete people, or as something else makes it."""
    full, other = marker.means[-1], 0.0
    if item.outside:
        shift, wide = ELSEWHERE[item.marker]
        other = item.outside * of(full + shift, wide)
    free = spared or (item.spared,) * len(marker.means)
    usual = of(full, sd)
    return tuple(
        (1.0 - item.outside) * ((1.0 - part) * of(mean, sd) + part * usual) + other for mean, part in zip(marker.means, free, strict=True)
    )


def _spared_now(marker: Marker, item: Evidence, age_y: float, log_filtration: float | None) -> Shares:
    """Chance in each band that this very marker is spared, given its value."""
    sd = marker.sd * item.narrower
    of = _density(marker, item, sd, age_y, log_filtration)
    usual = item.spared * of(marker.means[-1], sd)
    return tuple(usual / max(usual + (1.0 - item.spared) * of(mean, sd), 1e-300) for mean in marker.means)


def _one_way(marker: Marker, item: Evidence, sd: float, t: float) -> Shares:
    """The same with neighbouring bands compared no further out than where the comparison turns, so that more never speaks for less."""
    logs = [0.0]
    turning = _turning(marker, item.marker, sd, item.outside)
    for mean, after, (low, high) in zip(marker.means, marker.means[1:], turning, strict=False):
        here, there = _ruled((mean, after), marker, item.marker, sd, item.outside, min(max(t, low), high))
        logs.append(logs[-1] - math.log(here) + math.log(there))
    top = max(logs)
    return tuple(math.exp(value - top) for value in logs)


def _ruled(means: Sequence[float], marker: Marker, name: str, sd: float, outside: float, t: float) -> list[float]:
    """Likelihood of a place for each mean where something else may rule the marker: `_mixed` of an exact value, nobody spared."""
    shift, wide = ELSEWHERE[name]
    other, inside = outside * math.exp(-0.5 * ((t - marker.means[-1] - shift) / wide) ** 2) / wide, (1.0 - outside) / sd
    half = -0.5 / (sd * sd)
    return [inside * math.exp(half * (t - mean) * (t - mean)) + other for mean in means]


@cache
def _turning(marker: Marker, name: str, sd: float, outside: float) -> tuple[tuple[float, float], ...]:
    """For each pair of neighbouring bands, the places where a marker speaks least and most for the one of less function."""
    least, most = min(marker.means) - FAR_SD * sd, max(marker.means) + FAR_SD * sd
    places = [least + (most - least) * k / PLACES for k in range(PLACES + 1)]
    rows = [_ruled(marker.means, marker, name, sd, outside, place) for place in places]
    less, after = (0, 1) if marker.means[0] > marker.means[-1] else (1, 0)
    found = []
    for band in range(len(marker.means) - 1):
        ratios = [row[band + less] / row[band + after] for row in rows]
        high = ratios.index(max(ratios))
        low = ratios.index(min(ratios[: high + 1]))
        found.append((places[low], places[high]))
    return tuple(found)


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def bands_at(fit: Fit, table: Deficiency, age_y: float) -> Shares:
    """Share of people in each band at an age."""
    return at_age(fit.bands, table.ages, age_y)


def at_age(rows: Sequence[Shares], ages: Sequence[float], age_y: float) -> Shares:
    """A row between those of two ages; beyond the last ones, theirs."""
    age = min(max(age_y, ages[0]), ages[-1])
    place = next(k for k in range(len(ages) - 1) if age <= ages[k + 1])
    part = (age - ages[place]) / (ages[place + 1] - ages[place])
    return tuple(low + part * (high - low) for low, high in zip(rows[place], rows[place + 1], strict=True))


def normalised(weights: Iterable[float]) -> Shares:
    """Weights that sum to one."""
    listed = tuple(weights)
    total = sum(listed)
    return tuple(weight / total for weight in listed)


def posterior(
    fit: Fit, table: Deficiency, prior: Sequence[float], evidence: Sequence[Evidence], age_y: float, log_filtration: float | None
) -> Shares:
    """Share of each band given the evidence. Evidence that may only raise is left out where it would lower."""
    vectors = []
    blood = next((item for item in evidence if item.marker == "haemoglobin" and item.spared), None)
    for item in evidence:
        spared = None
        if item.spared_with is not None and blood is not None:
            both, alone = item.spared_with
            of_blood = _spared_now(marker_of(fit, blood.marker, log_filtration), blood, age_y, log_filtration)
            spared = [both * part + alone * (1.0 - part) for part in of_blood]
        found = chances(marker_of(fit, item.marker, log_filtration), item, age_y, log_filtration, spared)
        vectors.append((item, [math.log(max(chance, 1e-300)) for chance in found]))
    fixed = [pair for pair in vectors if not pair[0].only_raises]
    loose = [pair for pair in vectors if pair[0].only_raises]
    begin = [math.log(share) for share in prior]
    best: Shares = ()
    for kept in product((True, False), repeat=len(loose)):
        chosen = fixed + [pair for pair, keep in zip(loose, kept, strict=True) if keep]
        made = _weighed(table, begin, chosen)
        if not best or lacking(made, table) > lacking(best, table):
            best = made
    return best


def _weighed(table: Deficiency, begin: Sequence[float], chosen: Sequence[tuple[Evidence, list[float]]]) -> Shares:
    names = {item.marker for item, _ in chosen}
    logs = list(begin)
    for item, vector in chosen:
        weight = item.weight * beside(table, item.marker, names)
        logs = [value + weight * more for value, more in zip(logs, vector, strict=True)]
    top = max(logs)
    return normalised(math.exp(value - top) for value in logs)


def beside(table: Deficiency, marker: str, names: Iterable[str]) -> float:
    """Weight of a marker beside others that say in part the same."""
    return math.prod(table.beside.get(f"{marker} beside {name}", 1.0) for name in names if name != marker)


def marker_of(fit: Fit, name: str, log_filtration: float | None) -> Marker:
    """The marker, with the kidney counted where its function is known."""
    return fit.kidney[name] if log_filtration is not None and name in fit.kidney else fit.markers[name]


def lacking(shares: Sequence[float], table: Deficiency) -> float:
    """Probability that function lies below the floor."""
    return min(1.0, sum(shares[: table.below]))


def leaning(shares: Sequence[float], table: Deficiency) -> float:
    """Log odds that function lies below the floor; finer than the probability where that is all but certain."""
    below, above = sum(shares[: table.below]), sum(shares[table.below :])
    return math.log(max(below, 1e-300)) - math.log(max(above, 1e-300))


def exceeds(
    fit: Fit, shares: Sequence[float], marker: str, limit: float, age_y: float, log_filtration: float | None,
    more: Sequence[float] = (), outside: float = 0.0,
) -> float:  # fmt: skip
    """Chance that a laboratory would report the marker above a limit (its ln), given shares of the bands; `more`: by band, how many SD the
    other markers move it; `outside`: share of people in whom something else rules it."""
    row = marker_of(fit, marker, log_filtration)
    t = scaled(row, limit, age_y, log_filtration)
    by_band = zip(shares, row.means, row.spreads, more or (0.0,) * len(row.means), strict=True)
    usual = sum(share * _normal((mean - t) / sd + by) for share, mean, sd, by in by_band)
    if not outside:
        return usual
    shift, wide = ELSEWHERE[marker]
    return (1.0 - outside) * usual + outside * _normal((row.means[-1] + shift - t) / wide)


def beyond_usual(fit: Fit, table: Deficiency, evidence: Sequence[Evidence], age_y: float, log_filtration: float | None) -> Shares:
    """How many SD methylmalonic acid lies higher in each band for what the other markers are beside what is usual there."""
    found = [0.0] * (len(table.edges) - 1)
    names = {item.marker for item in evidence}
    for item in evidence:
        along = table.along.get(item.marker, 0.0)
        if along and item.low == item.high and not item.only_raises:
            row = marker_of(fit, item.marker, log_filtration)
            t = _place(row, item.low - item.shift, row.sd, age_y, log_filtration)
            part = along * item.weight * beside(table, item.marker, names)
            found = [so_far + part * max(-FAR_SD, min(FAR_SD, (t - mean) / row.sd)) for so_far, mean in zip(found, row.means, strict=True)]
    return tuple(found)


def with_shifts(fit: Fit, table: Deficiency, shifts: Sequence[Mapping[str, tuple[float, float]]]) -> Fit:
    """The markers of people with these histories: each band's mean as far from the floor's as the history has it (`Factor.shifts`)."""
    if not shifts:
        return fit

    def one(name: str, row: Marker) -> Marker:
        level = sum(each[name][0] for each in shifts if name in each)
        growth = math.prod(1.0 + each[name][1] for each in shifts if name in each)
        floor = 0.5 * (row.means[table.below - 1] + row.means[table.below])
        return replace(row, means=tuple(floor + level + growth * (mean - floor) for mean in row.means))

    markers, kidney = ({name: one(name, row) for name, row in rows.items()} for rows in (fit.markers, fit.kidney))
    return Fit(fit.bands, markers, kidney)


def with_factors(prior: Shares, odds: Sequence[Shares]) -> Shares:
    """A prior moved by what the history holds."""
    moved = list(prior)
    for factor in odds:
        moved = [share * ratio for share, ratio in zip(moved, factor, strict=True)]
    return normalised(moved)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a history does: odds by band, and how markers lie beside others of the same function (`Factor`)."""

    odds: Shares
    shifts: Mapping[str, tuple[float, float]]


def effect_at(table: Deficiency, name: str, amount: float | None = None, years: float | None = None) -> Effect:
    """Effect of a factor, between the amounts and years it was simulated at (in ln), outside them the nearest; where either is not told,
    that of people of whom nobody knows it."""
    rows = table.factors[name]
    amounts = sorted({row.amount for row in rows if row.amount is not None})
    if amounts and amount is not None:
        return _between(amounts, amount, lambda at: _over_years([row for row in rows if row.amount == at], years))
    return _over_years([row for row in rows if row.amount is None] or [row for row in rows if row.amount == amounts[0]], years)


def odds_at(table: Deficiency, name: str, amount: float | None = None, years: float | None = None) -> Shares:
    """Odds by band alone."""
    return effect_at(table, name, amount, years).odds


def part_of(effect: Effect, share: float) -> Effect:
    """So much of an effect, in ln of its odds."""
    shifts = {name: (level * share, growth * share) for name, (level, growth) in effect.shifts.items()}
    return Effect(tuple(ratio**share for ratio in effect.odds), shifts)


def _over_years(rows: Sequence[Factor], years: float | None) -> Effect:
    found = {row.years: Effect(row.odds, row.shifts) for row in rows}
    known = sorted(key for key in found if key is not None)
    if None in found and (years is None or not known):
        return found[None]
    return _between(known, known[len(known) // 2] if years is None else years, lambda at: found[at])


def _between(known: Sequence[float], wanted: float, of: Callable[[float], Effect]) -> Effect:
    value = min(max(wanted, known[0]), known[-1])
    if len(known) == 1:
        return of(known[0])
    place = next(k for k in range(len(known) - 1) if value <= known[k + 1])
    part = math.log(value / known[place]) / math.log(known[place + 1] / known[place])
    low, high = of(known[place]), of(known[place + 1])
    return Effect(
        tuple(math.exp((1.0 - part) * math.log(a) + part * math.log(b)) for a, b in zip(low.odds, high.odds, strict=True)),
        {
            name: ((1.0 - part) * a + part * high.shifts[name][0], (1.0 - part) * b + part * high.shifts[name][1])
            for name, (a, b) in low.shifts.items()
        },
    )
