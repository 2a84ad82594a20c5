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
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.assess.function import ODDS_AGE_Y, logit, mma_limit
from corrin.answers.assess.function import Person as Asked
from corrin.answers.assess.reports import allowed_for
from corrin.answers.assess.state import Evidence, bands_at, exceeds, lacking, normalised, posterior
from corrin.answers.assess.why import stated_causes, unnamed_share
from corrin.body.nerve import shortfall
from corrin.case.case import Case, History, Person
from corrin.engine.draw import normals
from corrin.facts import deficiency as facts
from corrin.facts.reader import analytes
from corrin.inference.population import Population, calibration_state, centre, population, the_kernel
from virtual_people import People, believed, histories, of_clinic, of_community, of_history

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
FEWEST = 12
WITH_KIDNEY = ("mma", "homocysteine")
MOST_WITH_HISTORY = 8000
OTHER_AGES_Y, HISTORY_STEP = (35.0, 70.0), 4
"""Ages at which the odds of a history are tried, and every how many-th history is."""
CAUSES = sorted({name for name, *_ in histories()})
COMPARED = 250
"""People of each spectrum in whom the table is compared with the person-level posterior, half of them with little function."""
UNSURE = 0.5
"""Where the log odds of the person-level posterior are not known to this SD, nothing is compared."""
LEAST_CHANCE = 1e-3
"""Chances below this, and above one less this, count as the same."""


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
    below = [0.0, *(round(floor * part, 1) for part in (0.12, 0.25, 0.4, 0.55, 0.7, 0.85)), floor]
    above = [round(floor + (100.0 - floor) * part, 1) for part in (0.18, 0.36, 0.55, 0.75, 1.0)]
    return (*below, *above, 115.0, 400.0)


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
    spreads = [
        float(t[band == k].std()) if count[k] >= 4 * FEWEST else like.spreads[k] if like else sd for k in range(len(edges) - 1)
    ]  # fmt: skip
    return facts.Marker(
        tuple(float(v) for v in means), tuple(spreads), sd, stretch if abs(stretch) > 1e-6 else 0.0, middle, float(age), float(square),
        float(filtration),
    )  # fmt: skip


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


def evidence(people: People, place: int, names: Sequence[str]) -> list[Evidence]:
    """What a laboratory reports of somebody, as `assess` counts it."""
    made = []
    for name in names:
        x = float(np.log(people.reported[name][place]))
        outside, spared, given = allowed_for(name)
        made.append(Evidence(name, x, x, outside=outside, spared=spared, spared_with=given))
    return made


PATTERNS: Mapping[str, tuple[str, ...]] = {
    "no result": (),
    "serum B12": ("serum_b12",),
    "MMA": ("mma",),
    "homocysteine": ("homocysteine",),
    "active B12": ("holotranscobalamin",),
    "serum B12 and MMA": ("serum_b12", "mma"),
    "serum B12 and homocysteine": ("serum_b12", "homocysteine"),
    "serum B12, MMA, homocysteine": ("serum_b12", "mma", "homocysteine"),
    "serum B12 and active B12": ("serum_b12", "holotranscobalamin"),
    "serum B12 and blood count": ("serum_b12", "haemoglobin", "mcv"),
    "all": facts.MARKERS,
}


def said(table: facts.Deficiency, people: People, spectrum: str, names: Sequence[str], places: Sequence[int]) -> Floats:
    """Probability below the floor of these people by these markers and their eGFR."""
    fit = table.central[spectrum]
    return np.array([
        lacking(posterior(fit, table, bands_at(fit, table, float(people.age_y[k])), evidence(people, k, names), float(people.age_y[k]),
                          float(np.log(people.egfr[k] / 90.0))), table)
        for k in places
    ])  # fmt: skip


def above_limit(table: facts.Deficiency, people: People, spectrum: str, names: Sequence[str], place: int) -> float:
    """Probability of a reported methylmalonic acid above its limit, by everything but itself."""
    fit, age_y, filtration = table.central[spectrum], float(people.age_y[place]), float(np.log(people.egfr[place] / 90.0))
    rest = evidence(people, place, [name for name in names if name != "mma"])
    bands = posterior(fit, table, bands_at(fit, table, age_y), rest, age_y, filtration)
    return exceeds(fit, bands, "mma", float(np.log(mma_limit(table, float(people.egfr[place])))), age_y, filtration)


def score(said_: Floats, true: NDArray[np.bool_]) -> float:
    """Mean log score."""
    p = np.clip(said_, 1e-6, 1.0 - 1e-6)
    return float(np.where(true, np.log(p), np.log(1.0 - p)).mean())


def area(said_: Floats, true: NDArray[np.bool_]) -> float:
    """Area under the ROC curve."""
    from scipy.stats import rankdata

    ranks, positive = rankdata(said_), int(true.sum())
    return float((ranks[true].sum() - positive * (positive + 1) / 2) / (positive * (len(true) - positive)))


LEAST_ERROR = 0.1
"""No error is said to be smaller than this, in log odds."""
LIMITS = (0.0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 1.0)


@dataclass(frozen=True)
class Tried:
    """Somebody's chance by the table and by the person-level posterior, and the SD of the latter's log odds from its own draws."""

    said: float
    true: float
    chance_sd: float


def tried(
    table: facts.Deficiency, tests: Mapping[str, People], crowds: Mapping[str, People], count: int
) -> tuple[list[Tried], list[Tried]]:
    """The table against the person-level posterior: function below the floor, and methylmalonic acid above its limit."""
    function, exceeding = [], []
    for spectrum, people in tests.items():
        little = np.flatnonzero(people.activity < 1.3 * table.floor_percent)[: count // 2]
        places = [*little.tolist(), *range(count - len(little))]
        for names in PATTERNS.values():
            found = said(table, people, spectrum, names, places)
            for k, p in zip(places, found, strict=True):
                results = {name: float(people.reported[name][k]) for name in names}
                limit = mma_limit(table, float(people.egfr[k]))
                true = believed(crowds[spectrum], float(people.age_y[k]), float(people.egfr[k]), results, table.floor_percent, limit)
                # How sure the posterior is, is taken where both are in the middle, so that neither of them decides.
                function.append(Tried(float(p), true.lacking, true.chance_sd(0.5 * (float(p) + true.lacking))))
                if "mma" not in names:
                    exceeding.append(Tried(above_limit(table, people, spectrum, names, k), true.above, true.above_sd))
    return tuple([row for row in rows if row.chance_sd < UNSURE] for rows in (function, exceeding))  # type: ignore[return-value]


def gap(row: Tried) -> float:
    """Log odds of the table less those of the person-level posterior."""
    low, high = LEAST_CHANCE, 1.0 - LEAST_CHANCE
    return logit(min(max(row.said, low), high)) - logit(min(max(row.true, low), high))


LEAST_ERROR = 0.1
"""No error is said to be smaller than this, in log odds."""
LIMITS = (0.0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 1.0)


def errors(rows: Sequence[Tried], whole: Floats, true: Floats) -> tuple[facts.Region, ...]:
    """By what the table said: how many people, mean said, true, and its error. `whole`, `true`: said of everybody, and how it was."""
    made = []
    for low, high in pairwise(LIMITS):
        inside = (whole >= low) & ((whole < high) | (high == 1.0))
        mine = [row for row in rows if low <= row.said < high or row.said == high == 1.0]
        square = float(np.mean([gap(row) ** 2 - row.chance_sd**2 for row in mine])) if mine else 0.0
        error = float(np.sqrt(max(square, LEAST_ERROR**2))) if len(mine) >= FEWEST else made[-1].error if made else 1.0
        if not inside.any():
            made.append(facts.Region(low, high, 0, 0.5 * (low + high), 0.5 * (low + high), error))
            continue
        made.append(facts.Region(low, high, int(inside.sum()), float(whole[inside].mean()), float(true[inside].mean()), error))
    return tuple(made)


def areas(table: facts.Deficiency, tests: Mapping[str, People]) -> tuple[Floats, Floats, dict[str, float]]:
    """What the table says of many people by each pattern of markers, whether it is so, and the areas under the curves."""
    all_said, all_true, aucs = [], [], {}
    for spectrum, people in tests.items():
        places = range(min(people.count, 3000))
        true = people.activity[: len(places)] < table.floor_percent
        for label, names in PATTERNS.items():
            found = said(table, people, spectrum, names, places)
            aucs[f"{spectrum}: {label}"] = round(area(found, true), 3)
            all_said.append(found)
            all_true.append(true)
    return np.concatenate(all_said), np.concatenate(all_true).astype(float), aucs


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
    table = facts.Deficiency(
        made_of(), floor, FLOOR_INSULT, edges, AGES, central, (), {}, {}, (), (), 0.0, {}, float(limit or 0.0),
        parameters["mma_kidney_power"].value,
    )  # fmt: skip
    factors: dict[str, list[facts.Factor]] = {}
    for name, amount, years, history, person in histories():
        with_ = shares(of_history(whole, ODDS_AGE_Y, each, seed, history, **person), edges, None)
        without = without_history(table, ODDS_AGE_Y, history)
        factors.setdefault(name, []).append(facts.Factor(amount, years, tuple(a / b for a, b in zip(with_, without, strict=True))))
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


def case_with(age_y: float, history: Mapping[str, Any]) -> Case:
    """Somebody with a history and nothing else."""
    return Case(format="corrin.case/1", as_of="day 0", person=Person(age_y=age_y), history=History.model_validate(dict(history)))


def without_history(table: facts.Deficiency, age_y: float, history: Mapping[str, Any]) -> tuple[float, ...]:
    """What the table takes for somebody of a clinic before the named causes count: the odds of a cause are against this."""
    case = case_with(age_y, history)
    named = stated_causes(case, replace(table, factors=dict.fromkeys(CAUSES, (facts.Factor(None, None, ()),))), {})
    return Asked(table, "clinic", age_y, (), None, unnamed_share(case, named)).prior(table.central)


def history_error(table: facts.Deficiency, count: int, seed: int) -> float:
    """How far the prior with a history lies from people simulated with it, at ages the table's odds were not made at (log odds)."""
    whole, gaps = population(), []
    for age_y in OTHER_AGES_Y:
        for name, amount, years, history, _ in list(histories())[::HISTORY_STEP]:
            if name == "nitrous_oxide":
                continue
            people = of_history(whole, age_y, count, seed, history)
            named = stated_causes(case_with(age_y, history), table, {})
            unnamed = unnamed_share(case_with(age_y, history), named)
            odds = tuple(cause.odds for cause in named if cause.odds is not None)
            said_ = lacking(Asked(table, "clinic", age_y, odds, None, unnamed).prior(table.central), table)
            true = float((people.activity < table.floor_percent).mean())
            gaps.append(gap(Tried(said_, true, 0.0)))
            print(f"{name} {amount or ''} {years or ''} at {age_y:g}: said {said_:.1%}, true {true:.1%}", file=sys.stderr)
    return float(np.sqrt(np.mean(np.square(gaps))))


def on_others(table: facts.Deficiency, crowds: Mapping[str, People], seed: int, count: int = COMPARED) -> facts.Deficiency:
    """The table with its error, tried on people it was not made from."""
    whole = population()
    fresh = {"community": of_community(whole, 10_000, seed + 2000), "clinic": of_clinic(whole, 10_000, seed + 2000)}
    function, exceeding = tried(table, fresh, crowds, count)
    everybody, true, aucs = areas(table, fresh)
    chances = np.array([row.said for row in exceeding])
    regions = errors(function, everybody, true)
    return replace(table, regions=regions, exceeding=errors(exceeding, chances, np.array([row.true for row in exceeding])), auc=aucs)


def weights(table: facts.Deficiency, tests: Mapping[str, People]) -> dict[str, float]:
    """How much total B12 still counts beside active B12 and the reverse: what predicts best on other people."""
    names, best, found = ("serum_b12", "holotranscobalamin"), -np.inf, {}
    for total in (0.0, 0.15, 0.3, 0.45, 0.6):
        for active in (0.7, 0.85, 1.0):
            beside = {"serum_b12 beside holotranscobalamin": total, "holotranscobalamin beside serum_b12": active}
            tried = replace(table, beside=beside)
            value = sum(
                score(said(tried, people, spectrum, names, range(1500)), people.activity[:1500] < table.floor_percent)
                for spectrum, people in tests.items()
            )
            if value > best:
                best, found = value, beside
    return found


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
