"""The population fitted to what was measured: centres, what is left unknown of them, and how much people differ.

Unknowns: a shift of each parameter's typical value, in units of its own uncertainty (prior: normal, 0, 1), a factor on how much people
differ in it, and three assumptions about the survey's people. Data: every counted point of the `fit` studies, tracer, absorption and
steady-state numbers of typical people, and the survey's statistics. Each pass simulates all of them as the population now stands, takes how
every number moves with every unknown (studies: `points.gradient`; the rest: each unknown moved alone), and solves the linear problem
(Gauss-Newton; the posterior is normal around the last point). A number that lies far off counts less (weights of Student's t), so that one
conflict does not bend the rest.

A typical value is not quite the same in every place: people, methods and what the equations leave out differ. So every study, and every
source of a tracer number, has typical values of its own around the common ones (`CONTEXT`), and a new study will too. Without this a fit of
all data together shrank what is unknown far below how much studies differ, and predicted unseen studies worse than no fit (decision 0006).
Leaving a study out costs nothing more: the last linear problem is solved again without its rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corrin.facts.calibration import Calibrated
from corrin.inference import cohort, points
from corrin.inference.blocks import Runner, loaded, one_after_another, results
from corrin.inference.compare import compare
from corrin.inference.points import SAME_LAB, Predicted
from corrin.inference.population import Population, Together, moved, prior, spread, the_model
from corrin.inference.survey import Assumed, Summary, people_of_survey, reported_markers, simulate_people, summarise
from corrin.studies.schema import Study

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]
PASSES = 6
PART = 0.55
"""How far everything moves towards the solution of the joint linear problem. Checks of a typical person bend: nearer to it more of them are
missed than at the start (docs/calibration.md)."""
FACTS = 0.5
"""Factor on the variance of tracer numbers: their spreads are mostly assumed, and wide."""
LONGEST_STEP = 0.8
"""Units of uncertainty by which a shift moves at most in one step."""
STUDENT = 4.0
"""Degrees of freedom of the weights."""
SURVEY_SD = {"quantile": 0.08, "median": 0.1, "correlation": 0.05}
"""How exactly the model should meet the survey: of log quantiles and medians, and of correlations (assumed; the sample's own error is
smaller, but it is one country, one time and one laboratory, and its numbers are not independent)."""
DIFFER_SD = 0.3
"""Prior SD of the log of a factor on how much people differ."""
ASSUMED_SD = {"taken": 0.4, "prevalence": 0.4, "food": 0.1}
DIFFER = (
    "haptocorrin_synthesis", "transcobalamin_synthesis", "mma_production", "homocysteine_production", "filtration", "mutase_half",
    "synthase_half", "store_release", "folate_status", "bile_rate", "other_loss", "food_law_factor", "absorption_share", "apo_hc_clearance",
)  # fmt: skip
"""Parameters whose spread between people the survey can speak of."""
SURVEY_TOGETHER = 0.5
"""Correlation between the survey's numbers of one reading (assumed): one laboratory, one sample of people, one model of them."""
REFERENCES = ("mma_reference", "homocysteine_reference")
"""Typical values that the survey settles by itself: they only scale a marker."""
SURVEY_PLACES = ("intake", "stomach", "ileum", "blood", "liver", "kidney", "cell")
CONTEXT = 0.5
"""SD, in units of what is not known of a typical value, of the part that is peculiar to a place (a study, a source): the share its square
leaves (0.75) is common and can be learned. Chosen by how well studies left out were predicted, from 0, 0.3, 0.5, 0.7, 0.8, 0.9 and 0.95,
which differ little (docs/calibration.md); the survey is the common population itself and has none."""
STEP = 0.5
"""Units of uncertainty by which an unknown is moved to see what it moves."""


@dataclass(frozen=True)
class Row:
    """One datum: residual (observed minus predicted), its own variance, a common effect, how it moves with each unknown."""

    study: str
    group: str
    label: str
    residual: float
    own: float
    effect: float
    gradient: dict[str, float]


@dataclass(frozen=True)
class Posterior:
    """Unknowns by name: mean and covariance, in units of the prior."""

    names: tuple[str, ...]
    mean: Floats
    covariance: Floats

    def at(self, name: str) -> tuple[float, float]:
        """Mean and SD of one; (0, 1) for one that no datum moves."""
        if name not in self.names:
            return 0.0, 1.0
        k = self.names.index(name)
        return float(self.mean[k]), float(np.sqrt(self.covariance[k, k]))


def study_rows(predicted: Sequence[Predicted]) -> list[Row]:
    """The counted points of studies as data."""
    rows = []
    for item in predicted:
        point = item.point
        own, effect, _, gradient = item.datum()
        rows.append(
            Row(point.study, f"{point.study} {point.reading}", f"{point.study}, {point.arm}, {point.label}, day {point.day:g}",
                item.z() * item.sd, own, effect, gradient)
        )  # fmt: skip
    return rows


def _flat(summary: Summary) -> dict[str, tuple[str, float]]:
    """A survey's statistics: name -> (kind, number), levels as logarithms."""
    found = {f"{r} {band} {q:g}": ("quantile", float(np.log(value))) for (r, band, q), value in summary.quantiles.items()}
    found |= {f"mma at B12 {band}": ("median", float(np.log(value))) for band, value in summary.mma_by_b12.items()}
    return found | {f"{one} with {other}": ("correlation", value) for (one, other), value in summary.correlations.items()}


@dataclass(frozen=True)
class SurveyAsked:
    """The survey's people to be simulated: from which population, under which assumptions, which of them and how many."""

    population: Population
    assumed: Assumed
    seed: int
    people: int


def survey_told(asked: SurveyAsked) -> dict[str, tuple[str, float]]:
    """What the survey would tell of these people (see `_flat`)."""
    table = people_of_survey(asked.seed, asked.people)
    levels, _, _ = simulate_people(table, loaded(), asked.population, asked.assumed, asked.seed)
    return _flat(summarise(table.get("age_y"), table.get("creat_mg_dl"), levels))


def survey_rows(
    population: Population, assumed: Assumed, differ: dict[str, float], people: int, seed: int, studies: bool,
    run: Runner = one_after_another,
) -> list[Row]:  # fmt: skip
    """The survey's statistics as data; each unknown is moved alone, with the same people: a block of work each."""

    def asked(now: Population, way: Assumed = assumed) -> SurveyAsked:
        return SurveyAsked(now, way, seed, people)

    moves = {name: asked(moved(population, {name: STEP})) for name in unknowns_of(population, studies) if " " not in name}
    for name in differ:
        moves[f"differ {name}"] = asked(moved(population, {}, differ={name: float(np.exp(STEP * DIFFER_SD))}))
    for name, sd in ASSUMED_SD.items():
        factor = float(np.exp(STEP * sd))
        moves[f"survey {name}"] = asked(population, replace(assumed, **{name: getattr(assumed, name) * factor}))
    here, *told = results(run, survey_told, [asked(population), *moves.values()])
    seen = _flat(reported_markers())
    gradient: dict[str, dict[str, float]] = {key: {} for key in here}
    for name, there in zip(moves, told, strict=True):
        for key in here:
            slope = (there[key][1] - here[key][1]) / STEP
            if abs(slope) > 1e-4:
                gradient[key][name] = slope
    return [
        Row("survey", f"survey {key.split()[0]} {kind}s", key, seen[key][1] - value, SURVEY_SD[kind] ** 2, 0.0, gradient[key])
        for key, (kind, value) in here.items()
        if key in seen
    ]


def own_place(name: str) -> float:
    """Variance of an unknown that is peculiar to a place, in units of the prior; spreads, references and the survey's assumptions have
    none."""
    return 0.0 if " " in name or name in REFERENCES else CONTEXT**2


def noise_of(rows: Sequence[Row], unknowns: Sequence[str], weights: Floats) -> Floats:
    """Covariance of the data given the unknowns: their own error, the study effect common to a study's reading, what is peculiar to a study
    (the history of its people, typical values of its own)."""
    own = np.diag([row.own for row in rows])
    peculiar_sd = {name: np.sqrt(own_place(name)) for name in unknowns}
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            if one.study != other.study:
                continue
            if one.study == "survey":
                if i != j and one.group == other.group and one.group.endswith("quantiles"):
                    own[i, j] += SURVEY_TOGETHER * np.sqrt(one.own * other.own)
                continue
            if one.group == other.group:
                own[i, j] += one.effect * other.effect * (1.0 if i == j else SAME_LAB)
            own[i, j] += sum(
                one.gradient[name] * other.gradient[name] * peculiar_sd.get(name, 1.0) ** 2
                for name in one.gradient
                if name in other.gradient
            )
    scale = 1.0 / np.sqrt(weights)
    return own * np.outer(scale, scale)


def solve(rows: Sequence[Row], unknowns: Sequence[str], at: dict[str, float], weights: Floats | None = None) -> tuple[Posterior, Floats]:
    """The posterior of the unknowns for data linearised at `at`, and the weights each datum had. The covariance is that of a new place."""
    names = tuple(name for name in unknowns if any(name in row.gradient for row in rows))
    G = np.array([[row.gradient.get(name, 0.0) for name in names] for row in rows])
    now = np.array([at.get(name, 0.0) for name in names])
    residual = np.array([row.residual for row in rows])
    fixed = weights is not None
    survey = np.array([row.study == "survey" for row in rows])  # thousands of people are no outlier
    w = np.ones(len(rows)) if weights is None else weights
    apart = np.diag([own_place(name) for name in names])
    common = np.linalg.inv(np.eye(len(names)) - apart)
    for _ in range(1 if fixed else 12):
        R = noise_of(rows, unknowns, w)
        inverse = np.linalg.inv(R + 1e-10 * np.eye(len(rows)))
        covariance = np.linalg.inv(common + G.T @ inverse @ G)
        mean = covariance @ (G.T @ inverse @ (residual + G @ now))
        if fixed:
            break
        left = residual - G @ (mean - now)
        plain = noise_of(rows, unknowns, np.ones(len(rows)))
        z2 = left**2 / np.diag(plain)
        w = np.where(survey, 1.0, np.minimum(1.0, (STUDENT + 1.0) / (STUDENT + z2)))
    return Posterior(names, mean, covariance + apart), w


@dataclass
class Calibration:
    """The result: posterior, factors on spreads, structural weights, assumptions about the survey, the study left out -> its posterior."""

    posterior: Posterior
    differ: dict[str, float]
    structure: dict[str, float]
    assumed: Assumed
    without: dict[str, Posterior]
    rows: list[Row]
    weights: Floats
    history: list[dict[str, float]] = field(default_factory=list)

    def correlation(self, names: Sequence[str]) -> tuple[tuple[float, ...], ...]:
        """Correlation of what is left unknown, to three digits."""
        places = [self.posterior.names.index(name) for name in names]
        covariance = self.posterior.covariance[np.ix_(places, places)]
        sd = np.sqrt(np.diag(covariance))
        return tuple(tuple(row) for row in (covariance / np.outer(sd, sd)).round(3).tolist())


def unknowns_of(population: Population, studies: bool) -> tuple[str, ...]:
    """Names of everything that may move: not the marrow, the nerve and what is read from it, of which these data say next to nothing;
    without studies only what the survey alone can tell."""
    shifts = [
        row.name for row in population.rows if row.unsure > 0.0 and row.place in SURVEY_PLACES and (studies or row.name in REFERENCES)
    ]
    between = [f"differ {row.name}" for row in population.rows if row.name in DIFFER and row.between > 0.0]
    return (*shifts, *between, *(f"survey {name}" for name in ASSUMED_SD))


def standing(population: Population, at: dict[str, float]) -> tuple[Population, Assumed, dict[str, float]]:
    """Population, survey assumptions and factors on spreads at a point of the unknowns."""
    differ = {name.removeprefix("differ "): float(np.exp(DIFFER_SD * value)) for name, value in at.items() if name.startswith("differ ")}
    usual = Assumed()
    assumed = Assumed(**{name: getattr(usual, name) * float(np.exp(sd * at.get(f"survey {name}", 0.0))) for name, sd in ASSUMED_SD.items()})
    shift = {name: value for name, value in at.items() if " " not in name}
    return moved(population, shift, differ=differ), assumed, differ


def unknowns_at(made: Calibrated) -> dict[str, float]:
    """Where an earlier calibration ended, to start from."""
    at = {name: shift for name, (shift, _) in made.shifts[""].items()}
    at |= {f"differ {name}": float(np.log(factor)) / DIFFER_SD for name, factor in made.differ.items()}
    usual = asdict(Assumed())
    return at | {f"survey {name}": float(np.log(value / usual[name])) / ASSUMED_SD[name] for name, value in made.assumed.items()}


def calibrate(
    population: Population, studies: Sequence[Study], work: Path, draws: int = 1000, people: int = 6000, seed: int = 1,
    passes: int = PASSES, begin: dict[str, float] | None = None, facts: Callable[[Population], list[Row]] | None = None,
    progress: Progress | None = None, run: Runner = one_after_another,
) -> Calibration:  # fmt: skip
    """Fit, from `begin` if given: spreads, references and assumptions to the survey (`passes` times), then everything to everything once,
    then the first again. `work` keeps each study, so that a run that was cut off goes on where it was; `facts` gives further data at a
    population (tracer, absorption and steady-state numbers of a typical person) with how they move. Without studies the first is all.
    `run`: where blocks of work are done, each study and each simulation of the survey's people; numbers are the same wherever it is."""
    start = prior(population)
    at: dict[str, float] = dict(begin or {})
    history: list[dict[str, float]] = []
    few, unknowns = unknowns_of(start, False), unknowns_of(start, bool(studies))
    differ = {name.removeprefix("differ "): 1.0 for name in unknowns if name.startswith("differ ")}

    def survey(every: bool) -> list[Row]:
        now, assumed, _ = standing(start, at)
        return survey_rows(now, assumed, differ, people, seed, every, run)

    def step(posterior: Posterior, part: float, rows: Sequence[Row], weights: Floats) -> None:
        for k, name in enumerate(posterior.names):
            here = at.get(name, 0.0)
            at[name] = here + part * float(np.clip(posterior.mean[k] - here, -LONGEST_STEP / part, LONGEST_STEP / part))
        history.append({"pass": len(history) + 1.0, **_misses(rows, weights)})
        if progress:
            progress(", ".join(f"{key} {value:.3g}" for key, value in history[-1].items()), 0.0)

    rows: list[Row] = []
    weights: Floats = np.ones(0)
    posterior = Posterior((), np.zeros(0), np.zeros((0, 0)))
    for _ in range(passes):
        rows = survey(False)
        posterior, weights = solve(rows, few, at)
        step(posterior, 1.0, rows, weights)
    without: dict[str, Posterior] = {}
    if studies:
        now, keys = standing(start, at)[0], {study.key for study in studies}
        rows = survey(True)
        for found in _studies(work, [StudyAsked(study, now, draws, seed) for study in studies], run, progress):
            rows += found
        tracer = facts(now) if facts else []
        rows += [replace(row, own=FACTS * row.own) for row in tracer if row.study.removeprefix("fact ").lower() not in keys]
        linearised = dict(at)
        posterior, weights = solve(rows, unknowns, at)
        step(posterior, PART, rows, weights)
        full = solve(rows, unknowns, linearised, weights)[0]
        again = [*survey(False), *(_of(row, REFERENCES) for row in (facts(standing(start, at)[0]) if facts else []))]
        step(solve(again, few, at)[0], 1.0, again, np.ones(len(again)))
        # Leaving a study out is a change of the same linear problem.
        for study in studies:
            kept = np.array([row.study != study.key for row in rows])
            if kept.all():
                continue
            left = solve([row for row, stays in zip(rows, kept, strict=True) if stays], unknowns, linearised, weights[kept])[0]
            mean = np.array([at.get(name, 0.0) + PART * (left.at(name)[0] - full.at(name)[0]) for name in left.names])
            without[study.key] = Posterior(left.names, mean, left.covariance)
    # The evidence for a structural alternative at one centre swung from 0.1 to 0.9 between fits: the weights stay as they were.
    structure = {row.name: row.value for row in population.rows if row.distribution == "bernoulli"}
    here = Posterior(posterior.names, np.array([at.get(name, 0.0) for name in posterior.names]), posterior.covariance)
    _, assumed, spreads = standing(start, at)
    return Calibration(here, spreads, structure, assumed, without, rows, weights, history)


def _of(row: Row, names: Sequence[str]) -> Row:
    """A datum that speaks of some unknowns only."""
    return replace(row, gradient={name: slope for name, slope in row.gradient.items() if name in names})


def _misses(rows: Sequence[Row], weights: Floats) -> dict[str, float]:
    """Root mean square of the residuals: of studies in SDs of their own error, of the survey as they are; and the mean weight."""
    study = [row.residual / np.hypot(np.sqrt(row.own), row.effect) for row in rows if row.effect > 0.0]
    facts = [row.residual / np.sqrt(row.own) for row in rows if row.study.startswith("fact ")]
    survey = [row.residual for row in rows if row.study == "survey"]
    return {"studies": float(np.sqrt(np.mean(np.square(study)))) if study else 0.0, "survey": float(np.sqrt(np.mean(np.square(survey)))),
            "facts": float(np.sqrt(np.mean(np.square(facts)))) if facts else 0.0, "weight": float(np.mean(weights))}  # fmt: skip


@dataclass(frozen=True)
class StudyAsked:
    """A study to be simulated with people of a population."""

    study: Study
    population: Population
    draws: int
    seed: int

    def name(self) -> str:
        """Name of the file its data are kept in: another for any change of program, population or study."""
        code = b"".join(Path(module.__file__ or "").read_bytes() for module in (cohort, points))
        text = "\0".join(
            (hashlib.sha256(code).hexdigest(), self.population.digest(), self.study.model_dump_json(), the_model().digest(),
             f"{self.draws} {self.seed}")
        )  # fmt: skip
        return f"{self.study.key}-{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"


def study_told(asked: StudyAsked) -> list[Row]:
    """The data of a study at a population."""
    made = compare(asked.study, loaded(), asked.population, asked.draws, asked.seed, ("fit",))
    return study_rows([item for item in made.counted if item.point.role == "fit"])


def _studies(work: Path, asked: Sequence[StudyAsked], run: Runner, progress: Progress | None) -> list[list[Row]]:
    """The data of every study in this pass, in order; those that the folder holds are not made again, and each is kept when it is there."""
    paths = [work / one.name() for one in asked]
    found = {number: _kept(path) for number, path in enumerate(paths) if path.exists()}
    left = [(number, one) for number, one in enumerate(asked) if number not in found]
    for number, rows in run(study_told, left):
        found[number] = rows
        _keep(paths[number], rows)
        if progress:
            progress(asked[number].study.key, len(found) / len(asked))
    return [found[number] for number in range(len(asked))]


def _kept(path: Path) -> list[Row]:
    return [Row(**item) for item in json.loads(path.read_text("utf-8"))]


def _keep(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
    fresh.replace(path)


def result(population: Population, studies: Sequence[Study], made: Calibration, without: str | None = None) -> Population:
    """The fitted population, or that of all studies but one."""
    posterior = made.posterior if without is None else made.without.get(without, made.posterior)
    names = tuple(name for name in posterior.names if " " not in name)
    shift = {name: posterior.at(name)[0] for name in names}
    width = {name: posterior.at(name)[1] for name in names}
    rows = moved(prior(population), shift, width, made.differ, made.structure).rows
    return Population(rows, Together(names, made.correlation(names)))


def pinned(made: Calibration, population: Population) -> list[tuple[str, float, float, float]]:
    """(name, shift in prior SDs, SD after over SD before, the prior's SD), the best pinned first."""
    rows = {row.name: row for row in population.rows}
    found = [(name, *made.posterior.at(name), spread(rows[name]) if name in rows else 0.0) for name in made.posterior.names]
    return sorted(found, key=lambda item: item[2])
