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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.assess.state import Evidence, lacking, normalised, posterior
from corrin.body.nerve import shortfall
from corrin.case.case import Case, History, Person
from corrin.case.causes import cause_weights
from corrin.case.latent import Latent
from corrin.case.observe import EGFR_LOG_SD
from corrin.case.world import World, world
from corrin.engine.draw import normals
from corrin.facts import deficiency as facts
from corrin.facts.reader import analytes
from corrin.inference import survey
from corrin.inference.cohort import noise
from corrin.inference.population import Population, calibration_state, centre, population, the_kernel
from corrin.inference.realise import AGE, YEAR_D
from corrin.inference.update import Teller

Floats = NDArray[np.float64]
FILE = Path(__file__).resolve().parents[1] / "src" / "corrin" / "facts" / "population" / "deficiency.json"
FLOOR_INSULT = 0.01
"""The no-sign floor: activity at which a typical person's nerve comes under one hundredth of the full insult (a definition of ours)."""
AGES = tuple(float(age) for age in range(20, 91, 10))
CLINIC_AGES = tuple(float(age) for age in range(20, 91, 5))
AGE_WIDTH_Y = 8.0
PSEUDO = 0.5
FEWEST = 12
WITH_KIDNEY = ("mma", "homocysteine")
YEARS = (1.0, 4.0, 12.0)
SPREADS = {name: noise(name) for name in facts.MARKERS}
SMALLEST = {"haemoglobin": 2.0, "mcv": 50.0}


@dataclass
class People:
    """Simulated people: `reported` marker -> (people,) as a laboratory has them, true `activity` in %, estimated `egfr`."""

    age_y: Floats
    egfr: Floats
    activity: Floats
    reported: dict[str, Floats]

    @property
    def count(self) -> int:
        return len(self.age_y)

    def only(self, chosen: NDArray[np.bool_]) -> People:
        return People(self.age_y[chosen], self.egfr[chosen], self.activity[chosen], {k: v[chosen] for k, v in self.reported.items()})


def together(parts: Sequence[People]) -> People:
    return People(
        np.concatenate([p.age_y for p in parts]), np.concatenate([p.egfr for p in parts]), np.concatenate([p.activity for p in parts]),
        {name: np.concatenate([p.reported[name] for p in parts]) for name in facts.MARKERS},
    )  # fmt: skip


def seen(teller: Teller, z: dict[str, Floats], age_y: Floats, seed: int, first: int = 0) -> People:
    """These people today, as a laboratory reports them. What lack of folate takes of methylation is given back: it is no lack of B12."""
    parameters, _, made, run = teller.tell(z)
    names = teller.kernel.model.readings
    now = run.readings[np.arange(len(age_y)), made.row_of[0.0]] if 0.0 in made.row_of else run.readings[:, -1]
    rows = [row.name for row in teller.population.rows]
    share, folate = parameters[:, rows.index("methylation_weight")], parameters[:, rows.index("folate_status")]
    methylation, mutase = now[:, names.index("activity_methylation")] / folate, now[:, names.index("activity_mutase")]
    reported = {}
    for name in facts.MARKERS:
        level = np.maximum(now[:, names.index(name)], SMALLEST.get(name, 1e-3))
        reported[name] = level * np.exp(SPREADS[name] * normals(seed, f"distil test {name}", len(age_y), first))
    egfr = now[:, names.index("egfr")] * np.exp(EGFR_LOG_SD * normals(seed, "distil test egfr", len(age_y), first))
    good = ~run.failed & np.isfinite(now[:, names.index("mma")])
    return People(age_y, egfr, share * methylation + (1.0 - share) * mutase, reported).only(good)


def of_community(people: Population, count: int, seed: int) -> People:
    """People made up from the statistics of a survey, with causes as often as in the community."""
    table = survey.people_of_survey(seed, count)
    teller = Teller(survey._world(), the_kernel(), people, seed)
    teller.prepare()
    assumed = survey.Assumed(**the_assumed())
    parts = []
    for low in range(0, count, 2048):
        rows = survey.Table({name: column[low : low + 2048] for name, column in table.columns.items()})
        parts.append(seen(teller, survey._draws(teller, rows, people, assumed, seed, low), rows.get("age_y"), seed, low))
    return together(parts)


def the_assumed() -> dict[str, float]:
    """What the calibration found of the survey's people."""
    from corrin.facts.calibration import calibration

    made = calibration()
    return {} if made is None else dict(made.assumed)


def of_history(people: Population, age_y: float, count: int, seed: int, history: Mapping[str, Any] | None = None, tested: bool = True,
               **person: Any) -> People:  # fmt: skip
    """People with a history at an age; what nobody told is drawn as for somebody who was tested, or as in the community."""
    case = Case(
        format="corrin.case/1", as_of="day 0", person=Person(age_y=age_y, **person), history=History.model_validate(dict(history or {}))
    )  # fmt: skip
    made = world(case)
    latents = tuple(latent if tested else community(latent, case) for latent in made.history.latents)
    made = World(made.age_y, made.sex, replace(made.history, latents=(*latents, Latent(AGE, "normal", (age_y, 0.01)))), ())
    teller = Teller(made, the_kernel(), people, seed)
    teller.prepare()
    return seen(teller, teller.prior(count), np.full(count, age_y), seed)


def community(latent: Latent, case: Case) -> Latent:
    """A cause nobody named, as often as in the community."""
    if latent.name != "cause":
        return latent
    _, weights = cause_weights(case.age_y, case.person.sex, tested=False)
    return replace(latent, args=tuple(weight / sum(weights) for weight in weights))


def of_clinic(people: Population, count: int, seed: int) -> People:
    """People somebody had reason to test, of all ages alike."""
    each = count // len(CLINIC_AGES)
    return together([of_history(people, age, each, seed + number) for number, age in enumerate(CLINIC_AGES)])


def histories() -> Iterator[tuple[str, float | None, float | None, dict[str, Any], dict[str, Any]]]:
    """Name, amount, years, history and person of everything the table has odds for."""
    for years in YEARS:
        since = f"-{years * YEAR_D:.0f}d"
        for mg in (1000.0, 2000.0, 3000.0):
            yield "metformin", mg, years, {"drugs": [{"name": "metformin", "dose": mg, "unit": "mg/d", "from": since}]}, {}
        for mg in (20.0, 40.0):
            yield "ppi", mg, years, {"drugs": [{"name": "ppi", "dose": mg, "unit": "mg/d", "from": since}]}, {}
        yield "h2_blocker", None, years, {"drugs": [{"name": "h2_blocker", "from": since}]}, {}
        for diet in (
            "vegan_unsupplemented",
            "strict_vegetarian",
            "lacto_vegetarian",
            "lacto_ovo_vegetarian",
            "low_animal_food",
            "malnutrition",
        ):
            yield diet, None, years, {"diet": [{"diet": diet, "from": since}]}, {}
        for name in ("autoimmune_gastritis", "food_bound_malabsorption", "ileal_disease", "coeliac", "pancreatic_insufficiency"):
            yield name, None, years, {"conditions": [{"name": name, "from": since, "certainty": "confirmed"}]}, {}
        for name in ("total_gastrectomy", "partial_gastrectomy", "gastric_bypass", "sleeve_gastrectomy", "biliopancreatic_diversion"):
            yield name, None, years, {"operations": [{"name": name, "date": since}]}, {}
        for length in (10.0, 30.0, 60.0, 100.0):
            yield "ileal_resection", length, years, {"operations": [{"name": "ileal_resection", "date": since, "removed_cm": length}]}, {}
    for hours in (0.5, 3.0):
        yield "nitrous_oxide", hours, None, {"nitrous_oxide": [{"pattern": "daily", "hours_per_use": hours, "from": "-90d"}]}, {}


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


def fit(groups: Mapping[str, People], pool: People, edges: Sequence[float], like: facts.Fit | None = None) -> facts.Fit:
    return facts.Fit(
        {name: tuple(shares(people, edges, age) for age in AGES) for name, people in groups.items()},
        {name: marker(name, pool, edges, False, like.markers[name] if like else None) for name in facts.MARKERS},
        {name: marker(name, pool, edges, True, like.kidney[name] if like else None) for name in WITH_KIDNEY},
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
    return [Evidence(name, x := float(np.log(people.reported[name][place])), x) for name in names]


PATTERNS: Mapping[str, tuple[str, ...]] = {
    "serum B12": ("serum_b12",),
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
    from corrin.answers.assess.state import bands_at

    return np.array([
        lacking(posterior(table.central, table, bands_at(table.central, table, spectrum, float(people.age_y[k])),
                          evidence(people, k, names), float(people.age_y[k]), float(np.log(people.egfr[k] / 90.0))), table)
        for k in places
    ])  # fmt: skip


def score(said_: Floats, true: NDArray[np.bool_]) -> float:
    """Mean log score."""
    p = np.clip(said_, 1e-6, 1.0 - 1e-6)
    return float(np.where(true, np.log(p), np.log(1.0 - p)).mean())


def area(said_: Floats, true: NDArray[np.bool_]) -> float:
    """Area under the ROC curve."""
    from scipy.stats import rankdata

    ranks, positive = rankdata(said_), int(true.sum())
    return float((ranks[true].sum() - positive * (positive + 1) / 2) / (positive * (len(true) - positive)))


LIMITS = (0.0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 1.0)


def regions(table: facts.Deficiency, tests: Mapping[str, People]) -> tuple[tuple[facts.Region, ...], dict[str, float]]:
    """Said against true on people the table was not made from, over both spectra and all patterns of markers."""
    all_said, all_true, aucs = [], [], {}
    for spectrum, people in tests.items():
        places = range(min(people.count, 3000))
        true = people.activity[: len(places)] < table.floor_percent
        for label, names in PATTERNS.items():
            found = said(table, people, spectrum, names, places)
            aucs[f"{spectrum}: {label}"] = round(area(found, true), 3)
            all_said.append(found)
            all_true.append(true)
    whole, true = np.concatenate(all_said), np.concatenate(all_true)
    made = []
    for low, high in pairwise(LIMITS):
        inside = (whole >= low) & ((whole < high) | (high == 1.0))
        worst, count = 0.0, 0
        for found, is_true in zip(all_said, all_true, strict=True):
            mine = (found >= low) & ((found < high) | (high == 1.0))
            if mine.sum() < 25:
                continue
            mean, share, n = found[mine].mean(), (is_true[mine].sum() + 0.5) / (mine.sum() + 1.0), mine.sum()
            gap = np.log(share / (1 - share)) - np.log(mean / (1 - mean))
            chance = 1.0 / max(n * share * (1 - share), 0.5)
            worst += n * max(0.0, gap**2 - chance)
            count += n
        error = float(np.sqrt(worst / count)) if count else 0.0
        made.append(facts.Region(low, high, int(inside.sum()), float(whole[inside].mean()), float(true[inside].mean()), error))
    return tuple(made), aucs


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
    return {"population": population().digest()[:16], "program": the_kernel().model.digest()[:16], "calibration": calibration_state()}


def distil(count: int, others: int, seed: int) -> facts.Deficiency:
    """The table of the population in use."""
    floor = floor_percent()
    edges = bands_of(floor)
    print(f"floor {floor:g} % of activity", file=sys.stderr)
    whole = population()
    groups = {"community": of_community(whole, count, seed), "clinic": of_clinic(whole, count, seed)}
    each = max(400, count // 10)
    without = shares(of_history(whole, 50.0, 4 * each, seed, tested=False), edges, None)
    factors: dict[str, list[facts.Factor]] = {}
    pooled = list(groups.values())
    for name, amount, years, history, person in histories():
        people = of_history(whole, 50.0, each, seed, history, tested=False, **person)
        with_ = shares(people, edges, None)
        factors.setdefault(name, []).append(facts.Factor(amount, years, tuple(a / b for a, b in zip(with_, without, strict=True))))
        print(f"{name} {amount or ''} {years or ''}: {sum(with_[: edges.index(floor)]):.1%}", file=sys.stderr)
        if name != "nitrous_oxide":  # it breaks the enzyme and leaves the vitamin: markers mean something else there
            pooled.append(people)
    central = fit(groups, together(pooled), edges)
    parameters = {row.name: row for row in whole.rows}
    limit = analytes()["mma"].reference_high
    table = facts.Deficiency(
        made_of(), floor, FLOOR_INSULT, edges, AGES, central, (), {name: tuple(rows) for name, rows in factors.items()}, {}, (), {},
        float(limit or 0.0), parameters["mma_kidney_power"].value,
    )  # fmt: skip
    tests = {"community": of_community(whole, count, seed + 1000), "clinic": of_clinic(whole, count, seed + 1000)}
    table = replace(table, beside=weights(table, tests))
    made, aucs = regions(table, {"community": of_community(whole, count, seed + 2000), "clinic": of_clinic(whole, count, seed + 2000)})
    drawn = []
    for number in range(others):
        mine = drawn_population(seed + number)
        few = {"community": of_community(mine, count // 2, seed), "clinic": of_clinic(mine, count // 2, seed)}
        drawn.append(fit(few, together(list(few.values())), edges, central))
        print(f"population {number + 1} of {others}", file=sys.stderr)
    return replace(table, regions=made, auc=aucs, others=tuple(drawn))


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
    reader.add_argument("--people", type=int, default=9000)
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
    data = {"format": facts.FORMAT, **plain(table)}
    for each in (data["central"], *data["others"]):
        each["bands"] = {name: [list(normalised(row)) for row in rows] for name, rows in each["bands"].items()}
    text = json.dumps(plain(data), separators=(",", ":")).replace('},{"bands"', '},\n{"bands"').replace('],"', '],\n"') + "\n"
    facts.read(text)
    FILE.write_text(text, encoding="utf-8")
    for name, value in table.auc.items():
        print(f"{name}: AUC {value:.3f}")
    for region in table.regions:
        span = f"said {region.low:.2f} to {region.high:.2f} (n {region.people})"
        print(f"{span}: mean {region.said:.3f}, true {region.true:.3f}, error {region.error:.2f}")
    print(table.beside)
    return 0


if __name__ == "__main__":
    sys.exit(main())
