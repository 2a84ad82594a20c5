"""A table of people, as a health survey has them: each row simulated from what it tells (age, food, supplements, drugs, kidney), never from
its B12 markers, and the distributions of the markers set beside those measured.

What people tell of their food is one day of many: a true usual intake is drawn around the usual one, a little towards what was told
(regression dilution). Supplements are taken less than told. Causes nobody asked about are drawn by age.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corrin.case import known
from corrin.case.case import Case, Person
from corrin.case.causes import cause_weights, write
from corrin.case.exposures import MEALS_D
from corrin.case.latent import Latent
from corrin.case.observe import egfr_ckd_epi_2021
from corrin.case.timeline import Builder
from corrin.case.world import World
from corrin.engine.draw import normals, uniforms
from corrin.engine.simulate import Kernel
from corrin.errors import InputError
from corrin.facts.calibration import calibration
from corrin.facts.findings import judged
from corrin.facts.rows import Modifier
from corrin.inference.cohort import noise
from corrin.inference.population import Population, spread
from corrin.inference.realise import AGE, YEAR_D
from corrin.inference.update import Teller

Floats = NDArray[np.float64]
MARKERS = ("serum_b12", "mma", "homocysteine")
COLUMNS = {"serum_b12": ("b12_pmol_l", 1.0), "mma": ("mma_umol_l", 1000.0), "homocysteine": ("thcy_umol_l", 1.0)}
"""Reading -> column of the table and factor to the reading's unit."""
AGE_BANDS = ((20.0, 40.0), (40.0, 60.0), (60.0, 70.0), (70.0, 120.0))
B12_BANDS = ((0.0, 126.0), (126.0, 287.0), (287.0, np.inf))
"""pmol/L; the change points of MMA against serum B12 (Bailey RL et al. Am J Clin Nutr 2013)."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
CREATININE_LIMIT_MG_DL = 1.5
HISTORY_Y, SUPPLEMENT_Y = 25.0, 3.0
USUAL_FOOD_UG_D, USUAL_FOOD_LOG_SD, DAY_LOG_SD = 4.7, 0.37, 0.87
"""Usual intake (facts/diets.csv, mixed); one recalled day has log-SD 0.95, so the day itself adds sqrt(0.95^2 - 0.37^2)."""
SUPPLEMENT_LOG_SD = 0.5
"""Spread of the share of a told supplement that is taken (assumed)."""
DRUG_LOG_YEARS = (3.0, 0.9)
ESTIMATED_OVER_TRUE = 1.09
"""Estimated filtration of the survey's people at 50 over the model's (103 / 94.7): creatinine methods of the time read low (assumed)."""
PREGNANT_UNDER_Y, PREGNANT_CREATININE_MG_DL, TRIMESTER, PREGNANT_D = 45.0, 0.5, 0.67, 120.0
"""Surveys ask many pregnant women. Where a table does not tell, a woman under 45 with a creatinine at or below 0.5 mg/dL counts as
pregnant for four months (assumed): filtration rises by half in pregnancy, and few others reach so low."""
ASKED = ("gastritis", "food_bound", "ileal")
"""Causes nobody asked about, drawn as often as in the community (`case/causes.py`); low intake is in what people tell of their food."""


@dataclass(frozen=True)
class Assumed:
    """What is assumed of a survey's people besides the body; the calibration may move it."""

    taken: float = 0.6
    """Middle share of a told supplement that is taken over months."""
    prevalence: float = 1.0
    """Factor on how often unasked causes are there."""
    food: float = 1.0
    """Factor on the usual intake."""


def fitted_assumptions() -> Assumed:
    """What the calibration found of a survey's people; the assumptions themselves before there is one."""
    made = calibration()
    return Assumed() if made is None else Assumed(**made.assumed)


@dataclass(frozen=True)
class Table:
    """People of a survey: columns by name, each (people,), NaN where not known."""

    columns: Mapping[str, Floats]

    @property
    def count(self) -> int:
        return len(next(iter(self.columns.values())))

    def get(self, name: str, otherwise: float = np.nan) -> Floats:
        """A column, with `otherwise` in place of what is missing."""
        column = self.columns.get(name)
        if column is None:
            return np.full(self.count, otherwise)
        return np.where(np.isnan(column), otherwise, column)

    def markers(self) -> dict[str, Floats]:
        """Measured markers in the readings' units."""
        return {reading: self.get(column) * factor for reading, (column, factor) in COLUMNS.items()}

    def only(self, chosen: NDArray[np.bool_]) -> Table:
        return Table({name: column[chosen] for name, column in self.columns.items()})


NEEDED = ("age_y",)
KNOWN = (
    "age_y", "male", "b12_pmol_l", "b12_pg_ml", "mma_umol_l", "thcy_umol_l", "creat_mg_dl", "diet_b12_ug_d", "suppl_b12_ug", "metformin",
    "ppi", "h2ra", "pregnant",
)  # fmt: skip
MOST_ROWS, MOST_BYTES = 200_000, 200_000_000


def read_table(path: str | Path) -> Table:
    """People from a CSV file with a header; columns it does not know are left alone. Raises `InputError`."""
    file = Path(path)
    where = str(path)
    if file.is_dir() or not file.exists():
        raise InputError(where, "a folder" if file.is_dir() else "no such file", "a CSV file of people")
    if file.stat().st_size > MOST_BYTES:
        raise InputError(where, f"{file.stat().st_size:,} bytes", f"at most {MOST_BYTES:,}")
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
            names = [name for name in rows.fieldnames if name in KNOWN]
            missing = [name for name in NEEDED if name not in names]
            if missing:
                raise InputError(f"{where}, line 1", ", ".join((rows.fieldnames or ["nothing"])[:8])[:200], f"a column {missing[0]}",
                                 "The columns corrin reads: " + ", ".join(KNOWN))  # fmt: skip
            found: dict[str, list[float]] = {name: [] for name in names}
            for number, row in enumerate(rows, start=2):
                if number > MOST_ROWS:
                    raise InputError(where, "more rows", f"at most {MOST_ROWS:,}")
                for name in names:
                    found[name].append(_number(row.get(name), f"{where}, line {number}, {name}"))
    except (UnicodeDecodeError, csv.Error) as reason:
        raise InputError(where, f"no readable table ({reason})", "a CSV file in UTF-8") from None
    columns = {name: np.array(values) for name, values in found.items()}
    if not columns or len(columns["age_y"]) == 0:
        raise InputError(where, "a header and no people", "one person a line")
    if "b12_pmol_l" not in columns and "b12_pg_ml" in columns:
        columns["b12_pmol_l"] = columns["b12_pg_ml"] * 1000.0 / 1355.37
    adult = columns["age_y"] >= 20.0
    if not adult.any():
        raise InputError(f"{where}, age_y", "nobody of 20 years or more", "adults")
    return Table({name: column[adult] for name, column in columns.items()})


def _number(text: str | None, where: str) -> float:
    if text is None or not text.strip() or text.strip().lower() in ("na", "nan", "."):
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        raise InputError(where, text[:40], "a number, or nothing where it is not known") from None
    if not np.isfinite(value) or not -1.0 <= value < 1e9:
        raise InputError(where, text[:40], "a number that can be")
    return value


def people_of_survey(seed: int = 1, count: int = 6000) -> Table:
    """People made up from the survey's statistics (facts/population/survey_people.csv); none is a row of it."""
    rows = list(csv.DictReader(files("corrin.facts").joinpath("population", "survey_people.csv").read_text("utf-8").splitlines()))
    weight = np.array([float(row["n"]) for row in rows])
    which = np.searchsorted(np.cumsum(weight) / weight.sum(), (np.arange(count) + 0.5) / count)

    def of(name: str) -> Floats:
        return np.array([float(row[name] or 0.0) for row in rows])[which]

    luck = {name: uniforms(seed, f"people of the survey {name}", count) for name in ("age", "male", "pill", "metformin", "ppi", "h2ra")}
    z = {name: normals(seed, f"people of the survey {name}", count) for name in ("diet", "creatinine")}
    male = luck["male"] < of("male")
    steps = np.cumsum([of("pill_none"), of("pill_low"), of("pill_middle")], axis=0)
    amounts = np.array([np.zeros(count), of("pill_low_ug"), of("pill_middle_ug"), of("pill_high_ug")])
    pill = amounts[(luck["pill"] >= steps).sum(axis=0), np.arange(count)]
    middle = np.where(male, of("creatinine_men_log_mean"), of("creatinine_women_log_mean"))
    spread_of = np.where(male, of("creatinine_men_log_sd"), of("creatinine_women_log_sd"))
    return Table({
        "age_y": of("age_low_y") + luck["age"] * (of("age_high_y") - of("age_low_y")), "male": male.astype(float),
        "diet_b12_ug_d": np.exp(of("diet_log_mean") + of("diet_log_sd") * z["diet"]), "suppl_b12_ug": pill,
        "creat_mg_dl": np.exp(middle + spread_of * z["creatinine"]),
        **{drug: (luck[drug] < of(drug)).astype(float) for drug in ("metformin", "ppi", "h2ra")},
    })  # fmt: skip


def reported_markers() -> Summary:
    """What was measured in the survey (facts/population/survey_markers.csv)."""
    found = Summary({}, {}, {}, {})
    for row in csv.DictReader(files("corrin.facts").joinpath("population", "survey_markers.csv").read_text("utf-8").splitlines()):
        value = float(row["value"])
        if row["what"] == "quantile":
            found.quantiles[(row["reading"], row["band"], float(row["quantile"]))] = value
            found.counts[row["band"]] = int(row["n"])
        elif row["what"] == "rank correlation":
            found.correlations[(row["reading"], row["other"])] = value
        else:
            found.mma_by_b12[row["band"]] = value
    return found


def _world() -> World:
    """One history for everybody; what differs between rows comes in through its latents."""
    case = Case(format="corrin.case/1", person=Person(age_y=50.0), as_of="day 0")
    start = -HISTORY_Y * YEAR_D
    builder = Builder()
    builder.change(start, "meals_d", MEALS_D)
    builder.change(start, "food_ug_d", builder.add(Latent("survey_food", "lognormal", (USUAL_FOOD_UG_D, USUAL_FOOD_LOG_SD))))
    supplement = builder.add(Latent("survey_supplement", "lognormal", (0.5, 2.0)))
    builder.change(-SUPPLEMENT_Y * YEAR_D, "crystalline_ug_d", supplement)
    taken = []
    for drug in ("metformin", "ppi", "h2ra"):
        rows = known.find_modifier({"ppi": "proton pump inhibitor", "h2ra": "H2 blocker"}.get(drug, drug), ("drug",))
        if rows:
            taken.append(drug)
            on = builder.add(Latent(f"survey_{drug}", "bernoulli", (0.1,)))
            years = builder.add(Latent(f"survey_{drug}_years", "lognormal", DRUG_LOG_YEARS))
            began = builder.add(Latent(f"survey_{drug}_from", "product", (years, -YEAR_D)))
            for row in rows:
                write(
                    builder, row, f"survey_{drug}", builder.add(Latent(f"survey_{drug}_start", "at_least", (began, start + 1.0))), None, on
                )
    for name, rows in _asked():
        ill = builder.add(Latent(f"survey_is_{name}", "bernoulli", (0.05,)))
        complete = builder.add(Latent(f"survey_{name}_complete", "beta", (2.0, 1.5)))
        years = builder.add(Latent(f"survey_{name}_years", "lognormal", (8.0, 0.9)))
        began = builder.add(Latent(f"survey_{name}_began", "product", (years, -YEAR_D)))
        since = builder.add(Latent(f"survey_{name}_from", "at_least", (began, start + 1.0)))
        for row in rows:
            write(builder, row, f"survey_{name}", since, None, builder.times(f"survey_{name}_share", ill, complete))
    pregnant = builder.add(Latent("survey_pregnant", "bernoulli", (0.05,)))
    builder.change(-PREGNANT_D, "pregnancy", builder.times("survey_pregnancy", pregnant, TRIMESTER))
    builder.add(Latent(AGE, "normal", (50.0, 15.0)))
    return World(case.age_y, "unknown", builder.timeline(start, 0.0), ())


def _asked() -> list[tuple[str, tuple[Modifier, ...]]]:
    """Causes and their rows."""
    return [(name, rows) for name, rows in cause_weights(50.0, "unknown", tested=False)[0] if name in ASKED]


def _sure(true: NDArray[np.bool_]) -> Floats:
    """The normal number that makes a chance certain, either way."""
    return np.where(true, -8.0, 8.0)


def simulate_people(
    table: Table,
    kernel: Kernel,
    population: Population,
    assumed: Assumed | None = None,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
    block: int = 2048,
) -> tuple[dict[str, Floats], dict[str, Floats], Floats]:
    """Markers as a laboratory would report them, reading -> (people,); the draws, name -> (people,); (people,) levels ran or not.

    Person k has the same draws in any block. People differ by what differs between people: what is not known of the typical person is the
    same for everybody in a survey, and drawn anew for each it would pass for differences and widen every distribution.
    """
    world = _world()
    population = population.as_known()
    teller = Teller(world, kernel, population, seed)
    teller.prepare()
    names = kernel.model.readings
    parts: list[dict[str, Floats]] = []
    kept: list[dict[str, Floats]] = []
    for low in range(0, table.count, block):
        rows = Table({name: column[low : low + block] for name, column in table.columns.items()})
        z = _draws(teller, rows, population, assumed or Assumed(), seed, low)
        _, _, made, run = teller.tell(z, certify=True)
        now = run.readings[np.arange(rows.count), made.row_of[0.0]]
        measured = {}
        for reading in MARKERS:
            level = np.where(run.failed, np.nan, now[:, names.index(reading)])
            measured[reading] = level * np.exp(noise(reading) * normals(seed, f"survey test {reading}", rows.count, low))
            measured[f"{reading} level"] = level
        parts.append(measured)
        kept.append(z)
        if progress:
            progress("people of the survey", min(1.0, (low + block) / table.count))
    levels = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    draws = {name: np.concatenate([part[name] for part in kept]) for name in kept[0]}
    return levels, draws, np.isfinite(levels[MARKERS[0]])


def _chances(age_y: Floats, sex: str) -> dict[str, Floats]:
    """How often each cause is there at these ages."""
    ages = np.arange(20.0, 101.0)
    rows = []
    for years in ages:
        levels, weights = cause_weights(float(years), sex, tested=False)
        rows.append([weight / sum(weights) for weight in weights])
    return {name: np.interp(age_y, ages, np.array(rows)[:, k]) for k, (name, _) in enumerate(levels)}


def _draws(teller: Teller, rows: Table, population: Population, assumed: Assumed, seed: int, first: int) -> dict[str, Floats]:
    """Random numbers of these people, with what their row tells in the place of chance."""
    count = rows.count
    z = teller.prior(count, first)
    told = rows.get("diet_b12_ug_d")
    mean = np.log(USUAL_FOOD_UG_D)
    dilution = USUAL_FOOD_LOG_SD**2 / (USUAL_FOOD_LOG_SD**2 + DAY_LOG_SD**2)
    # One recalled day has the usual mean, not the usual median: exp(SD^2 / 2) above it.
    gap = np.where(np.isnan(told), 0.0, np.log(np.maximum(told, 0.2)) - mean + 0.5 * DAY_LOG_SD**2)
    left = np.where(np.isnan(told), 1.0, np.sqrt(1.0 - dilution))
    z["survey_food"] = dilution * gap / USUAL_FOOD_LOG_SD + left * z["survey_food"] + np.log(assumed.food) / USUAL_FOOD_LOG_SD
    pill = rows.get("suppl_b12_ug", 0.0)
    some = assumed.taken * np.exp(SUPPLEMENT_LOG_SD * normals(seed, "supplement taken", count, first))
    z["survey_supplement"] = np.log(np.maximum(pill * np.minimum(some, 1.0), 1e-6) / 0.5) / 2.0
    for drug in ("metformin", "ppi", "h2ra"):
        if f"survey_{drug}" in z:
            z[f"survey_{drug}"] = _sure(rows.get(drug, 0.0) > 0.5)
    age = np.clip(rows.get("age_y", 50.0), 20.0, 100.0)
    z[AGE] = (age - 50.0) / 15.0
    women = 1.0 - rows.get("male", 0.5)
    luck = uniforms(seed, "survey cause", count, first)
    shares = {sex: _chances(age, sex) for sex in ("female", "male")}
    low = np.zeros(count)
    for name, _ in _asked():
        chance = np.minimum(0.6, assumed.prevalence * np.where(women > 0.5, shares["female"][name], shares["male"][name]))
        z[f"survey_is_{name}"] = _sure((luck >= low) & (luck < low + chance))
        low = low + chance
    creatinine = rows.get("creat_mg_dl")
    likely = (women > 0.9) & (age < PREGNANT_UNDER_Y) & (creatinine <= PREGNANT_CREATININE_MG_DL)
    told_so = rows.get("pregnant")
    z["survey_pregnant"] = _sure(np.where(np.isnan(told_so), likely, told_so > 0.5))
    if "filtration" in z and np.isfinite(creatinine).any():
        row = next(row for row in population.rows if row.name == "filtration")
        fall = next(row.value for row in population.rows if row.name == "filtration_age_fall")
        sd = spread(row)
        estimate = np.array([
            egfr_ckd_epi_2021(max(float(mg), 0.2), float(years), "male" if woman < 0.5 else "female") if np.isfinite(mg) else np.nan
            for mg, years, woman in zip(creatinine, age, women, strict=True)
        ])  # fmt: skip
        healthy = next(row.value for row in population.rows if row.name == "egfr_reference")
        expected = ESTIMATED_OVER_TRUE * healthy * np.exp(-fall * np.maximum(age - 30.0, 0.0))
        seen = np.log(estimate / expected)
        error = judged("egfr_log_sd")
        believed = sd**2 / (sd**2 + error**2)
        far = np.where(np.abs(seen) > 3.0 * np.hypot(sd, error), 1.0, believed)  # a failing kidney is no test error
        moved = far * seen / sd + np.sqrt(1.0 - believed) * z["filtration"]
        z["filtration"] = np.where(np.isfinite(seen), np.clip(moved, -8.0, 4.0), z["filtration"])
    return z


@dataclass(frozen=True)
class Summary:
    """What a survey tells of its markers. Keys: (reading, age band, quantile), (band of serum B12), (reading, reading)."""

    quantiles: dict[tuple[str, str, float], float]
    mma_by_b12: dict[str, float]
    correlations: dict[tuple[str, str], float]
    counts: dict[str, int]


def band_name(low: float, high: float, unit: str = "years") -> str:
    """`20-39 years`, `>= 70 years`."""
    if not np.isfinite(high) or (high >= 120.0 and unit == "years"):
        return f">= {low:g} {unit}"
    return f"{low:g}-{high - 1:g} {unit}" if unit == "years" else f"{low:g}-{high:g} {unit}"


def summarise(age_y: Floats, creatinine_mg_dl: Floats, markers: Mapping[str, Floats]) -> Summary:
    """Quantiles by age band (everybody), medians of MMA by band of serum B12 and rank correlations (creatinine up to the limit)."""
    from scipy.stats import spearmanr

    quantiles: dict[tuple[str, str, float], float] = {}
    counts: dict[str, int] = {}
    for low, high in AGE_BANDS:
        inside = (age_y >= low) & (age_y < high)
        counts[band_name(low, high)] = int(inside.sum())
        for reading in MARKERS:
            values = markers[reading][inside]
            values = values[np.isfinite(values)]
            if len(values) >= 30:
                for q in QUANTILES:
                    quantiles[(reading, band_name(low, high), q)] = float(np.quantile(values, q))
    well = ~(creatinine_mg_dl > CREATININE_LIMIT_MG_DL)
    bands: dict[str, float] = {}
    for low, high in B12_BANDS:
        inside = well & (markers["serum_b12"] >= low) & (markers["serum_b12"] < high) & np.isfinite(markers["mma"])
        if inside.sum() >= 20:
            bands[band_name(low, high, "pmol/L")] = float(np.median(markers["mma"][inside]))
    columns = {**{reading: markers[reading] for reading in MARKERS}, "age_y": age_y}
    pairs = [(one, other) for number, one in enumerate(MARKERS) for other in MARKERS[number + 1 :]]
    correlations: dict[tuple[str, str], float] = {}
    for one, other in (*pairs, *((one, "age_y") for one in MARKERS)):
        both = well & np.isfinite(columns[one]) & np.isfinite(columns[other])
        if both.sum() >= 30 and np.ptp(columns[one][both]) > 0.0 and np.ptp(columns[other][both]) > 0.0:
            correlations[(one, other)] = float(spearmanr(columns[one][both], columns[other][both]).statistic)
    return Summary(quantiles, bands, correlations, counts)
