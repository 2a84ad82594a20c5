"""What `corrin assess` says of virtual people and of the examples, against the posterior of the person: for assess_checks.py.

500 virtual people: of a survey, of a clinic, and with a history told, each with a few results as a laboratory reports them. The posterior
of the person is a crowd of simulated people like them, each weighed by how well the results agree (`virtual_people.believed`); it knows
nothing of the table. In some of them, and in the examples, it is the one forecasts use (`inference/update`), from the results alone:
`assess` leaves signs to the doctor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import corrin
from corrin.answers.assess import assess
from corrin.answers.assess.function import Person as Asked
from corrin.answers.assess.function import logit, mma_limit, own_error
from corrin.answers.assess.reports import counted, filtration, results
from corrin.answers.assess.state import Effect, part_of
from corrin.answers.assess.why import stated_causes, unnamed_share
from corrin.case.case import Case
from corrin.case.reader import read_case
from corrin.case.world import world
from corrin.facts.deficiency import HISTORY_TOLD, MARKERS, SPECTRA, deficiency
from corrin.facts.reader import analytes
from corrin.guides.person import facts_of
from corrin.inference.cohort import noise
from corrin.inference.population import population, the_kernel
from corrin.inference.realise import YEAR_D
from corrin.inference.update import update
from virtual_people import People, believed, of_clinic, of_community, of_history

Floats = NDArray[np.float64]
CROWD, DRAWS, SEED = 150_000, 400, 9
SEEDS = (SEED, SEED + 1)
LEAST_CHANCE, UNSURE, Z90 = 1e-3, 0.5, 1.645
PATTERNS = (
    ("serum_b12",), ("holotranscobalamin",), ("serum_b12", "mma"), ("serum_b12", "homocysteine"), ("serum_b12", "mma", "homocysteine"),
    ("serum_b12", "holotranscobalamin"), ("mma",), ("homocysteine",), ("serum_b12", "haemoglobin", "mcv"), MARKERS,
)  # fmt: skip


def _since(years: float) -> str:
    return f"-{years * YEAR_D:.0f}d"


HISTORIES: Mapping[str, tuple[float, dict[str, Any]]] = {
    "metformin 2 g for 12 years": (65.0, {"drugs": [{"name": "metformin", "dose": 2000.0, "unit": "mg/d", "from": _since(12)}]}),
    "proton pump inhibitor for 4 years": (60.0, {"drugs": [{"name": "ppi", "dose": 20.0, "unit": "mg/d", "from": _since(4)}]}),
    "vegan without supplements for 12 years": (35.0, {"diet": [{"diet": "vegan_unsupplemented", "from": _since(12)}]}),
    "30 cm of ileum removed 12 years ago": (45.0, {"operations": [{"name": "ileal_resection", "date": _since(12), "removed_cm": 30.0}]}),
    "autoimmune gastritis for 4 years": (60.0, {"conditions": [
        {"name": "autoimmune_gastritis", "from": _since(4), "certainty": "confirmed"}]}),
}  # fmt: skip
COMMUNITY, CLINIC = SPECTRA
MMA_NAMES = ("mma", "methylmalonic acid", "methylmalonic_acid")


@dataclass(frozen=True)
class Compared:
    """One person: `said` and `true` of function below the floor and of MMA above its limit; `sd`: of the true log odds, by its draws."""

    group: str
    markers: tuple[str, ...]
    said: float
    low: float
    high: float
    true: float
    sd: float
    said_mma: float
    true_mma: float
    sd_mma: float
    note: str = ""
    whom: str = CLINIC
    """Of whom the error is stated (`facts.WHOM`)."""
    used: tuple[str, ...] = ()
    """Markers that were not set aside."""
    plain: float | None = None
    """`said` where nothing is allowed for that the population has not (`reports.allowed_for`)."""

    def gap(self, mma: bool = False) -> float:
        """Log odds said less true."""
        ends = (self.said_mma, self.true_mma) if mma else (self.said, self.true)
        said, true = (min(max(p, LEAST_CHANCE), 1.0 - LEAST_CHANCE) for p in ends)
        return logit(said) - logit(true)

    def counts(self, mma: bool = False) -> bool:
        """Whether the posterior is known well enough to compare."""
        return (self.sd_mma if mma else self.sd) < UNSURE and not (mma and "mma" in self.markers)

    def error(self, mma: bool = False) -> float:
        """SD of the difference: the table's own error, as stated, and the posterior's."""
        told = self.whom == HISTORY_TOLD
        asked = Asked(deficiency(), CLINIC if told else self.whom, 50.0, (Effect((), {}),) if told else (), None)
        used = [name for name in self.used if not (mma and name == "mma")]
        own = own_error(asked, "mma" if mma else "function", used, self.said_mma if mma else self.said)
        return float(np.hypot(own, self.sd_mma if mma else self.sd))

    def agrees(self, mma: bool = False) -> bool:
        """Within nine tenths of the stated error."""
        return abs(self.gap(mma)) <= Z90 * self.error(mma)

    def by_rule(self) -> bool:
        """Whether a difference is one of rules: results shifted or set aside, or the allowances, without which the two agree."""
        plain = None if self.plain is None else replace(self, said=self.plain)
        return bool(self.note) or (plain is not None and plain.agrees())


def case_of(age_y: float, egfr: float, reported: Mapping[str, float], history: Mapping[str, Any] | None) -> Case:
    """Somebody with results of today. What lies below all a laboratory can tell is reported as its least."""
    labs = [
        {"analyte": name, "value": max(value, analytes()[name].low), "unit": analytes()[name].unit, "date": "0", "confirmed": True}
        for name, value in reported.items()
    ]
    labs.append({"analyte": "egfr", "value": egfr, "unit": "mL/min/1.73m2", "date": "0", "confirmed": True})
    return read_case(
        {"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": age_y}, "labs": labs, "history": dict(history or {})}
    )


def groups(count: int) -> Iterator[tuple[str, str, dict[str, Any] | None, People, People]]:
    """Name, spectrum, history, people to be asked about and the crowd."""
    whole = population()
    told = count * 3 // 10 // len(HISTORIES)
    few = count // 4
    yield COMMUNITY, COMMUNITY, None, of_community(whole, few, SEED), of_community(whole, CROWD, SEED + 1)
    fresh = of_clinic(whole, 15 * (count // 10), SEED)
    many = count - few - told * len(HISTORIES)
    yield CLINIC, CLINIC, None, fresh.only(np.random.default_rng(SEED).permutation(fresh.count)[:many]), of_clinic(whole, CROWD, SEED + 1)
    for name, (age, history) in HISTORIES.items():
        asked = of_history(whole, age, told, SEED, history)
        yield name, CLINIC, history, asked, of_history(whole, age, CROWD // 3, SEED + 1, history)


def virtual(count: int, kept: Path | None = None) -> list[Compared]:
    """So many virtual people; groups already in the file `kept` are not asked again."""
    done: dict[str, list[Compared]] = _read(kept)
    for name, spectrum, history, people, crowd in groups(count):
        if name in done:
            continue
        rows = []
        for k in range(people.count):
            markers = PATTERNS[k % len(PATTERNS)]
            reported = {marker: float(people.reported[marker][k]) for marker in markers}
            rows.append(_compared(name, spectrum, history, float(people.age_y[k]), float(people.egfr[k]), reported, crowd))
        done[name] = rows
        _write(kept, done)
    return [row for name, rows in done.items() if not name.startswith(("example ", "both ")) for row in rows]


def _compared(
    group: str, spectrum: str, history: Mapping[str, Any] | None, age_y: float, egfr: float, reported: Mapping[str, float], crowd: People
) -> Compared:
    table = deficiency()
    found = assess(case_of(age_y, egfr, reported, history), spectrum=spectrum).data["deficiency"]
    function, mma = found["function"], found["mma"]
    true = believed(crowd, age_y, egfr, reported, table.floor_percent, mma_limit(table, egfr))
    p = 0.5 * (function["probability"] + true.lacking)
    return Compared(
        group, tuple(reported), function["probability"], function["low"], function["high"], true.lacking, true.chance_sd(p),
        mma["probability"], true.above, true.above_sd, "", HISTORY_TOLD if history else spectrum, tuple(function["used"]),
    )  # fmt: skip


def without_allowances(case: Case, spectrum: str) -> float:
    """Chance of function below the floor where results are read as the population has them."""
    table, found = deficiency(), results(case)
    named = stated_causes(case, table, found)
    effects = tuple(part_of(cause.effect, cause.present) for cause in named if cause.effect is not None)
    asked = Asked(table, spectrum, case.age_y, effects, filtration(case, found)[0], unnamed_share(case, named), case.person.sex)
    items = [row.evidence for row in counted(case, facts_of(case), found) if row.evidence is not None]
    return asked.lacks([replace(item, outside=0.0, spared=0.0, spared_with=None) for item in items])


@dataclass(frozen=True)
class Sampled:
    """What one run of the sampler says: chances of function below the floor and of MMA above its limit, and what they rest on (draws)."""

    lacking: float
    draws: float
    above: float
    draws_mma: float


def sampled(case: Case, limit: float, seed: int) -> Sampled:
    """By the sampler that forecasts use, from the results alone; MMA without itself."""
    from scipy.special import ndtr

    table, kernel, whole = deficiency(), the_kernel(), population()
    names, rows = kernel.model.readings, [row.name for row in whole.rows]

    def posterior(of: Case) -> tuple[Floats, Floats, Floats, float]:
        made = world(of, tested=True)
        # What nobody wrote down speaks in a forecast (it was hardly severe) and not in `assess`: results alone are compared.
        made = replace(made, observations=tuple(item for item in made.observations if item.kind == "lab"))
        people = update(made, kernel, whole, DRAWS, seed)
        now = people.run.readings[np.arange(people.count), people.history.row_of[0.0]]
        folate, share = people.parameters[:, rows.index("folate_status")], people.parameters[:, rows.index("methylation_weight")]
        activity = share * now[:, names.index("activity_methylation")] / folate + (1.0 - share) * now[:, names.index("activity_mutase")]
        return activity, now[:, names.index("mma")], people.weights, people.effective

    activity, level, weights, worth = posterior(case)
    true, worth_mma = float(weights @ (activity < table.floor_percent)), worth
    labs = tuple(lab for lab in case.labs if lab.analyte.lower() not in MMA_NAMES)
    if len(labs) < len(case.labs):
        _, level, weights, worth_mma = posterior(case.model_copy(update={"labs": labs}))
    above = float(weights @ ndtr((np.log(level) - np.log(limit)) / noise("mma")))
    return Sampled(true, worth, above, worth_mma)


def full(case: Case, group: str, spectrum: str | None = None, runs: Sequence[Sampled] = ()) -> Compared:
    """The table against the sampler run with each of `SEEDS`. Not known of the sampler: its draws, or how far the runs lie apart."""
    only = case.model_copy(update={"findings": ()})
    answer = assess(only, spectrum=spectrum).data
    found = answer["deficiency"]
    runs = runs or [sampled(only, found["mma"]["limit_nmol_l"], seed) for seed in SEEDS]
    said, said_mma = found["function"]["probability"], found["mma"]["probability"]

    def both(said: float, chances: Sequence[float], draws: Sequence[float]) -> tuple[float, float]:
        true = float(np.mean(chances))
        p = 0.5 * (said + true)
        apart = [logit(min(max(chance, LEAST_CHANCE), 1.0 - LEAST_CHANCE)) for chance in chances]
        by_draws = float(1.0 / np.sqrt(max(sum(draws) * p * (1.0 - p), 1e-6)))
        return true, max(by_draws, float(np.ptp(apart)) / 2.0)

    true, sd = both(said, [run.lacking for run in runs], [run.draws for run in runs])
    true_mma, sd_mma = both(said_mma, [run.above for run in runs], [run.draws_mma for run in runs])
    notes = [why for row in answer["markers"] for why in row["why"] if why]
    notes += [f"{row['marker']} set aside" for row in answer["markers"] if row["counts"] == "set aside"]
    return Compared(
        group, tuple(row["marker"] for row in answer["markers"]), said, found["function"]["low"], found["function"]["high"], true, sd,
        said_mma, true_mma, sd_mma, "; ".join(dict.fromkeys(notes)),
        HISTORY_TOLD if any(cause["standing"] != "not named" and cause["size_known"] for cause in answer["causes"]) else found["spectrum"],
        tuple(found["function"]["used"]), without_allowances(only, found["spectrum"]),
    )  # fmt: skip


def examples(kept: Path | None = None) -> list[Compared]:
    """Every example person with results, by the sampler."""
    done = _read(kept)
    for name in corrin.examples():
        key = f"example {name}"
        case = corrin.example(name)
        if key in done or not case.labs:
            continue
        done[key] = [full(case, key)]
        _write(kept, done)
    return [row for key, rows in done.items() if key.startswith("example ") for row in rows]


def crowd_against_sampler(count: int, kept: Path | None = None) -> list[tuple[Compared, Compared]]:
    """People of a clinic by the crowd and by the sampler."""
    done = _read(kept)
    whole = population()
    fresh = of_clinic(whole, 15 * 40, SEED + 5)
    chosen = fresh.only(np.flatnonzero(fresh.activity < 90.0)[::7][:count])
    crowd = None
    for k in range(chosen.count):
        key = f"both {k}"
        if key in done:
            continue
        crowd = crowd or of_clinic(whole, CROWD, SEED + 1)
        reported = {marker: float(chosen.reported[marker][k]) for marker in PATTERNS[k % 5]}
        age, egfr = float(chosen.age_y[k]), float(chosen.egfr[k])
        first = _compared(key, CLINIC, None, age, egfr, reported, crowd)
        done[key] = [first, full(case_of(age, egfr, reported, None), key, CLINIC)]
        _write(kept, done)
    return [(rows[0], rows[1]) for key, rows in done.items() if key.startswith("both ")]


def _table() -> str:
    """Which table was asked."""
    table = deficiency()
    return sha256(repr((table.made, table.central, table.factors, table.beside, table.along)).encode()).hexdigest()


def _read(kept: Path | None) -> dict[str, list[Compared]]:
    if kept is None or not kept.exists():
        return {}
    data = json.loads(kept.read_text(encoding="utf-8"))
    if data["made"] != _table():
        return {}

    def one(row: dict[str, Any]) -> Compared:
        return Compared(**{**row, "markers": tuple(row["markers"]), "used": tuple(row["used"])})

    return {name: [one(row) for row in rows] for name, rows in data["rows"].items()}


def _write(kept: Path | None, done: Mapping[str, list[Compared]]) -> None:
    if kept is None:
        return
    part = kept.with_suffix(".part")
    data = {"made": _table(), "rows": {name: [asdict(row) for row in rows] for name, rows in done.items()}}
    part.write_text(json.dumps(data), encoding="utf-8")
    part.replace(kept)
