"""Make the table behind `corrin assess` from the population in use: facts/population/deficiency.json.

    python scripts/distil.py [--people N] [--others K] [--check]

Simulates people of the community (those of a survey) and of a clinic (somebody had reason to test), with their causes; what a laboratory
would report of them; and how well B12 works in their cells. The table keeps how the markers lie in each band of function, how often each
band is there by age, and what a history does to it. It is then tried on people it was not made from. `--others` populations, drawn from
what is not known of typical people, say how sure it is. With --check nothing is written: whether the table belongs to the population.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.assess.function import ODDS_AGE_Y
from corrin.answers.assess.function import Person as Asked
from corrin.answers.assess.state import UNBENT, normalised
from corrin.answers.assess.why import stated_causes, unnamed_share
from corrin.body.nerve import shortfall
from corrin.engine.draw import normals
from corrin.facts import deficiency as facts
from corrin.facts.reader import analytes
from corrin.inference.population import Population, calibration_state, centre, population, the_kernel
from distil_error import case_with, history_error, on_others, weights
from virtual_people import People, histories, of_clinic, of_community, of_history

Floats = NDArray[np.float64]
FILE = Path(__file__).resolve().parents[1] / "src" / "corrin" / "facts" / "population" / "deficiency.json"
SEEN = (*facts.MARKERS, "activity_methylation", "activity_mutase", "egfr")
"""Readings the table is made of."""
BESIDES = {"methylation_weight", "folate_status", "reserve_half"}
"""Parameters it uses itself, for what function is and where its floor lies."""
FLOOR_INSULT = 0.01
"""The no-sign floor: activity at which a typical person's nerve comes under one hundredth of the full insult (a definition of ours)."""
AGES = tuple(float(age) for age in range(20, 91, 10))
AGE_WIDTH_Y = 6.0
PSEUDO = 0.5
LINE_PEOPLE, LEAST_GROWTH = 20.0, -0.6
"""How markers lie in people with a history: people it would take to move them, and the least by which bands may close up."""
FEWEST, MANY = 12, 200
TAIL = (0.975, 0.99)
WITH_KIDNEY = ("mma", "homocysteine")
MOST_WITH_HISTORY = 8000
CAUSES = sorted({name for name, *_ in histories()})


def floor_percent() -> float:
    """Activity (%) at which the typical person's insult is `FLOOR_INSULT`, to the nearest whole number."""
    half = {row.name: row.value for row in population().rows}["reserve_half"]

    class Typical:
        reserve_half = half

    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if shortfall(middle, Typical) > FLOOR_INSULT else (low, middle)
    return float(round(100.0 * low))


def bands_of(floor: float) -> tuple[float, ...]:
    """Edges of the bands: fine where a cofactor runs out, because markers move fast there."""
    below = (0.06, 0.12, 0.18, 0.25, 0.32, 0.4, 0.48, 0.55, 0.62, 0.7, 0.78, 0.85, 0.93)
    above = (0.09, 0.18, 0.27, 0.36, 0.455, 0.55, 0.65, 0.75, 0.875, 1.0)
    under, over = (round(floor * part, 1) for part in below), (round(floor + (100.0 - floor) * part, 1) for part in above)
    return (0.0, *under, floor, *over, 107.0, 115.0, 400.0)


def shares(people: People, edges: Sequence[float], age_y: float | None) -> tuple[float, ...]:
    """Share of each band, of people near an age."""
    band = np.clip(np.digitize(people.activity, edges) - 1, 0, len(edges) - 2)
    near = np.ones(people.count) if age_y is None else np.exp(-0.5 * ((people.age_y - age_y) / AGE_WIDTH_Y) ** 2)
    worth = near.sum() ** 2 / (near**2).sum()
    counts = np.bincount(band, weights=near / near.sum() * worth, minlength=len(edges) - 1) + PSEUDO
    return tuple(float(share) for share in counts / counts.sum())


def one_way(values: Floats, weights: Floats) -> Floats:
    """The nearest values that only rise (pool adjacent violators)."""
    blocks: list[list[float]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append([value, weight, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            last, before = blocks.pop(), blocks.pop()
            weight = before[1] + last[1]
            blocks.append([(before[0] * before[1] + last[0] * last[1]) / weight, weight, before[2] + last[2]])
    return np.concatenate([np.full(int(size), value) for value, _, size in blocks])


def marker(name: str, people: People, edges: Sequence[float], kidney: bool, like: facts.Marker | None) -> facts.Marker:
    """How a marker lies in the bands. `like`: take the scale from there, and what too few people tell."""
    x = np.log(people.reported[name])
    decades = (people.age_y - 50.0) / 10.0
    band = np.clip(np.digitize(people.activity, edges) - 1, 0, len(edges) - 2)
    count = np.bincount(band, minlength=len(edges) - 1).astype(float)
    # Coefficients where most people are: in the depths of deficiency other things rule.
    well = people.activity > 60.0
    columns = [(band[well, None] == np.unique(band[well])[None, :]).astype(float), decades[well, None], decades[well, None] ** 2]
    if kidney:
        columns.append(np.log(people.egfr[well] / 90.0)[:, None])
    found = np.linalg.lstsq(np.hstack(columns), x[well], rcond=None)[0]
    age, square, filtration = (*found[-3:],) if kidney else (*found[-2:], 0.0)
    y = x - age * decades - square * decades**2 - (filtration * np.log(people.egfr / 90.0) if kidney else 0.0)
    usable = [k for k in range(len(edges) - 1) if count[k] >= FEWEST]
    if like is None:
        middle = float(np.median(y[people.activity > 90.0]))
        means = np.array([np.median(y[band == k]) for k in usable])
        sds = np.array([1.2533 * np.abs(y[band == k] - np.median(y[band == k])).mean() for k in usable])
        slope, level = np.polyfit(means - middle, sds, 1, w=np.sqrt(count[usable]))
        stretch = float(np.clip(slope / level, -1.0, 1.0))
        # No value of the data may fall off the end of the scale.
        ends = np.quantile(y - middle, [0.0005, 0.9995])
        if stretch < 0.0:
            stretch = max(stretch, -0.6 / max(ends[1], 1e-9))
        else:
            stretch = min(stretch, 0.6 / max(-ends[0], 1e-9))
    else:
        middle, stretch = like.middle, like.stretch
    t = np.log(np.maximum(1.0 + stretch * (y - middle), 0.25)) / stretch if abs(stretch) > 1e-6 else y - middle
    means = np.array([t[band == k].mean() if count[k] >= FEWEST else (like.means[k] if like else np.nan) for k in range(len(edges) - 1)])
    gaps = np.isnan(means)
    means[gaps] = np.interp(np.flatnonzero(gaps), np.flatnonzero(~gaps), means[~gaps])
    up = -1.0 if name in ("mma", "homocysteine", "mcv") else 1.0
    means = up * one_way(up * means, np.maximum(count, 1.0))
    weight = np.where(people.activity < 85.0, 1.0, 0.3)  # how widely a marker lies near the floor matters more than far above it
    sd = float(np.sqrt(np.average((t - means[band]) ** 2, weights=weight)))
    spreads = [upper_tail(t[band == k] - means[k]) if count[k] >= MANY else like.spreads[k] if like else sd for k in range(len(edges) - 1)]
    return facts.Marker(
        tuple(float(v) for v in means), tuple(spreads), sd, stretch if abs(stretch) > 1e-6 else 0.0, middle, float(age), float(square),
        float(filtration),
    )  # fmt: skip


def residuals(name: str, people: People, fit: facts.Fit, edges: Sequence[float]) -> tuple[Floats, NDArray[np.int64], facts.Marker]:
    """How far a reported marker lies from what is usual in each person's band, on its own scale; the bands; the marker."""
    row = fit.kidney.get(name, fit.markers[name])
    decades = (people.age_y - 50.0) / 10.0
    y = np.log(people.reported[name]) - row.age * decades - row.age_square * decades**2 - row.middle
    y = y - row.filtration * np.log(people.egfr / 90.0)
    t = np.log(np.maximum(1.0 + row.stretch * y, UNBENT)) / row.stretch if row.stretch else y
    band = np.clip(np.digitize(people.activity, edges) - 1, 0, len(edges) - 2)
    return t - np.array(row.means)[band], band, row


def shifts(people: People, fit: facts.Fit, table: facts.Deficiency) -> dict[str, tuple[float, float]]:
    """How markers lie in people with a history against others of the same function: a line over what the bands are (`Factor.shifts`)."""
    found = {}
    for name in facts.MARKERS:
        rest, band, row = residuals(name, people, fit, table.edges)
        means = np.array(row.means)
        place = (means - 0.5 * (means[table.below - 1] + means[table.below]))[band]
        near = np.abs(rest) < 4.0 * row.sd
        columns = np.column_stack([np.ones(near.sum()), place[near]])
        prior = np.diag([LINE_PEOPLE, LINE_PEOPLE * means.var()])
        level, growth = np.linalg.solve(columns.T @ columns + prior, columns.T @ rest[near])
        found[name] = (float(level), float(max(growth, LEAST_GROWTH)))
    return found


def along(groups: Mapping[str, People], central: Mapping[str, facts.Fit], edges: Sequence[float]) -> dict[str, float]:
    """SD that methylmalonic acid lies higher for one SD that another marker does, in people of one band (mean over bands and spectra)."""
    found = {}
    for name in facts.MARKERS:
        if name == "mma":
            continue
        top = bottom = 0.0
        for spectrum, people in groups.items():
            mine, _, row = residuals(name, people, central[spectrum], edges)
            mma, _, its = residuals("mma", people, central[spectrum], edges)
            x, y = np.clip(mine / row.sd, -3.0, 3.0), np.clip(mma / its.sd, -3.0, 3.0)
            weight = np.where(people.activity < 90.0, 1.0, 0.3)
            top, bottom = top + (weight * x * y).sum(), bottom + (weight * x * x).sum()
        found[name] = float(top / bottom)
    return found


def by_sex(whole: Population, edges: Sequence[float], count: int, seed: int) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Odds by band of people of a clinic of each sex, against those of whom nobody told it, by age."""

    def at(age_y: float, sex: str) -> tuple[float, ...]:
        return shares(of_history(whole, age_y, count, seed, {}, sex=sex), edges, None)

    unknown = [at(age_y, "unknown") for age_y in AGES]
    return {
        sex: tuple(tuple(a / b for a, b in zip(at(age_y, sex), row, strict=True)) for age_y, row in zip(AGES, unknown, strict=True))
        for sex in facts.SEXES
    }


def upper_tail(rest: Floats) -> float:
    """SD of the normal distribution whose upper tail falls off as this does: chances of a high value lie there."""
    from scipy.special import ndtri

    return float(np.mean([np.quantile(rest, place) / ndtri(place) for place in TAIL]))


def fit(people: People, edges: Sequence[float], like: facts.Fit | None = None) -> facts.Fit:
    """How often each band is there, and how markers lie in it."""
    return facts.Fit(
        tuple(shares(people, edges, age) for age in AGES),
        {name: marker(name, people, edges, False, like.markers[name] if like else None) for name in facts.MARKERS},
        {name: marker(name, people, edges, True, like.kidney[name] if like else None) for name in WITH_KIDNEY},
    )


def drawn_population(seed: int) -> Population:
    """One population that may be the true one: what is not known of typical people drawn once and shared."""
    whole = population()
    z = {row.name: float(normals(seed, f"distil population {row.name}", 1)[0]) for row in whole.rows}
    if whole.together is not None:
        root = np.linalg.cholesky(np.array(whole.together.correlation) + 1e-9 * np.eye(len(whole.together.names)))
        z.update(zip(whole.together.names, (root @ np.array([z[name] for name in whole.together.names])).tolist(), strict=True))
    return Population(tuple(replace(row, value=centre(row, z[row.name]), unsure=0.0) for row in whole.rows))


def plain(item: Any) -> Any:
    """Numbers with five significant digits, everything else as it is."""
    if isinstance(item, Mapping):
        return {key: plain(value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [plain(value) for value in item]
    if hasattr(item, "__dataclass_fields__"):
        return {name: plain(getattr(item, name)) for name in item.__dataclass_fields__}
    return float(f"{item:.5g}") if isinstance(item, float | np.floating) else item


def made_of() -> dict[str, str]:
    """What the table rests on: of the equations and of the population what its markers and activities rest on."""
    model = the_kernel().model
    _, used = model.part(SEEN)
    return {
        "population": population().only(used | BESIDES).digest()[:16],
        "program": model.digest(SEEN)[:16],
        "calibration": calibration_state(),
    }


def distil(count: int, others: int, seed: int) -> facts.Deficiency:
    """The table of the population in use."""
    floor = floor_percent()
    edges = bands_of(floor)
    print(f"floor {floor:g} % of activity", file=sys.stderr)
    whole = population()
    groups = {"community": of_community(whole, count, seed), "clinic": of_clinic(whole, count, seed)}
    each = min(MOST_WITH_HISTORY, max(400, count // 10))
    clinic = fit(groups["clinic"], edges)
    central = {"community": fit(groups["community"], edges, clinic), "clinic": clinic}
    parameters = {row.name: row for row in whole.rows}
    limit = analytes()["mma"].reference_high
    sexes = by_sex(whole, edges, each, seed)
    table = facts.Deficiency(
        made_of(), floor, FLOOR_INSULT, edges, AGES, central, (), {}, {}, along(groups, central, edges), sexes, (), (), {}, 0.0, {},
        float(limit or 0.0), parameters["mma_kidney_power"].value,
    )  # fmt: skip
    factors: dict[str, list[facts.Factor]] = {}
    for name, amount, years, history, person in histories():
        people = of_history(whole, ODDS_AGE_Y, each, seed, history, **person)
        with_, without = shares(people, edges, None), without_history(table, ODDS_AGE_Y, history)
        odds = tuple(a / b for a, b in zip(with_, without, strict=True))
        factors.setdefault(name, []).append(facts.Factor(amount, years, odds, shifts(people, clinic, table)))
        print(f"{name} {amount or ''} {years or ''}: {sum(with_[: edges.index(floor)]):.1%}", file=sys.stderr)
    table = replace(table, factors={name: tuple(rows) for name, rows in factors.items()})
    table = replace(table, history_error=history_error(table, each, seed + 500))
    tests = {"community": of_community(whole, 10_000, seed + 1000), "clinic": of_clinic(whole, 10_000, seed + 1000)}
    table = replace(table, beside=weights(table, tests))
    table = on_others(table, groups, seed)
    drawn = []
    for number in range(others):
        mine = drawn_population(seed + number)
        few = {"community": of_community(mine, count // 4, seed), "clinic": of_clinic(mine, count // 4, seed)}
        drawn.append({spectrum: fit(people, edges, central[spectrum]) for spectrum, people in few.items()})
        print(f"population {number + 1} of {others}", file=sys.stderr)
    return replace(table, others=tuple(drawn))


def without_history(table: facts.Deficiency, age_y: float, history: Mapping[str, Any]) -> tuple[float, ...]:
    """What the table takes for somebody of a clinic before the named causes count: the odds of a cause are against this."""
    case = case_with(age_y, history)
    named = stated_causes(case, replace(table, factors=dict.fromkeys(CAUSES, (facts.Factor(None, None, (), {}),))), {})
    return Asked(table, "clinic", age_y, (), None, unnamed_share(case, named)).prior(table.central)


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--people", type=int, default=100_000)
    reader.add_argument("--others", type=int, default=12)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--check", action="store_true")
    asked = reader.parse_args()
    if asked.check:
        if dict(facts.deficiency().made) == made_of():
            return 0
        print("facts/population/deficiency.json was made from another population: run python scripts/distil.py", file=sys.stderr)
        return 1
    table = distil(asked.people, asked.others, asked.seed)
    write(table)
    for name, value in table.auc.items():
        print(f"{name}: AUC {value:.3f}")
    for region in (*table.regions, *table.exceeding):
        span = f"said {region.low:.2f} to {region.high:.2f} (n {region.people})"
        print(f"{span}: mean {region.said:.3f}, true {region.true:.3f}, error {region.error:.2f}")
    print(table.beside)
    return 0


def write(table: facts.Deficiency) -> None:
    """The table as JSON, read back before it takes the place of the old one."""
    data = {"format": facts.FORMAT, **plain(table)}
    for each in (data["central"], *data["others"]):
        for one in each.values():
            one["bands"] = [list(normalised(row)) for row in one["bands"]]
    text = json.dumps(plain(data), separators=(",", ":")).replace('},{"community"', '},\n{"community"').replace('],"', '],\n"') + "\n"
    facts.read(text)
    part = FILE.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(FILE)


if __name__ == "__main__":
    sys.exit(main())
