"""The people of a study arm: drawn as a patient with their history would be, then led to what was measured in them on day 0.

A paper tells the mean and the spread of a marker at entry, not each person's value. The draws are weighed by (reported distribution of the
marker) / (distribution the draws have of it), so that the markers are distributed as reported and everything else follows from them as it
does in one person (Jeffrey RC. The Logic of Decision. 1965, ch. 11). Entry limits count as a laboratory would have measured them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corrin.case.case import Case, Person
from corrin.case.causes import cause_weights
from corrin.case.check import refuse_uncovered
from corrin.case.latent import Latent
from corrin.case.plan import Plan, Step
from corrin.case.world import World, future, world
from corrin.engine.simulate import Kernel, find_grid, simulate
from corrin.facts.reader import analytes
from corrin.inference.ahead import MANY, panel_of, values_of
from corrin.inference.population import Population
from corrin.inference.realise import AGE, YEAR_D, ahead
from corrin.inference.sampler import Scorer, temper
from corrin.inference.supplements import usual
from corrin.inference.update import People, Teller
from corrin.studies.reader import in_reading_unit
from corrin.studies.schema import Arm, Outcome, Study
from corrin.studies.schema import Population as Who

Floats = NDArray[np.float64]
USUAL_AGE_Y, USUAL_AGE_SD_Y = 50.0, 14.0
"""Where a paper does not tell (assumed)."""
USUAL_LOG_SD = {"serum_b12": 0.4, "holotranscobalamin": 0.5, "mma": 0.7, "homocysteine": 0.45, "haemoglobin": 0.12, "mcv": 0.08}
"""Spread between people at entry where a paper tells only the middle (assumed, fixed before any study was looked at)."""
LEAST_SHARE = 0.3
"""Least share of the reported spread that is between people and not of the test."""
LEAST_LOG_SD = 0.1
"""No group of people is more alike than this in a marker (assumed)."""
COARSE_TOLERANCE = 1e-2
ROUNDS, CLOSE, FAR = 5, 0.12, 0.5
"""How often the way to the entry is corrected, when it is close enough (`_miss`), and when the arm counts as not resolved."""
LOW_B12_PMOL_L = 220.0
"""An arm whose middle at entry, or whose upper limit of entry, lies below this was tested for a reason (assumed)."""


@dataclass(frozen=True)
class Target:
    """What day 0 said of a reading: mean and SD of the logarithm of the level behind the reported values."""

    reading: str
    mean: float
    sd: float


@dataclass(frozen=True)
class Limit:
    """An entry rule: the laboratory's value of a reading lay between two limits, in the reading's unit."""

    reading: str
    low: float
    high: float
    log_sd: float


@dataclass
class Cohort:
    """An arm's people at day 0 and how they got there."""

    people: People
    case: Case
    world: World
    targets: tuple[Target, ...]
    limits: tuple[Limit, ...]
    resolved: bool


def noise(reading: str) -> float:
    """Log-SD of one laboratory value around the person's own level; 0 for what no laboratory reports."""
    return next((row.total_cv or 0.2 for row in analytes().values() if row.reading == reading), 0.0)


def canonical(value: float, unit: str, reading: str) -> float:
    """A value in the reading's own unit."""
    return float(in_reading_unit(value, unit, reading))


def who(study: Study, arm: Arm) -> Who:
    """The arm's own population, else the study's."""
    return arm.population or study.population


def arm_case(study: Study, arm: Arm) -> Case:
    """The typical person of an arm, without laboratory values. Raises `NotCovered` for children."""
    group = who(study, arm)
    sex = {0.0: "male", 1.0: "female"}.get(-1.0 if group.female_share is None else group.female_share, "unknown")
    person = Person.model_validate(
        {"age_y": _age(group), "sex": sex, "weight_kg": group.weight_kg, "country": group.country and group.country[:60],
         "pregnancy": group.pregnancy}
    )  # fmt: skip
    case = Case(format="corrin.case/1", id=study.key[:60], person=person, as_of="day 0", history=group.history)
    refuse_uncovered(case)
    return case


def _age(group: Who) -> float:
    if group.age_mean_y is not None:
        return group.age_mean_y
    if group.age_low_y is not None and group.age_high_y is not None:
        return 0.5 * (group.age_low_y + group.age_high_y)
    return max(USUAL_AGE_Y, group.age_low_y or 0.0) if group.age_high_y is None else min(USUAL_AGE_Y, group.age_high_y)


def _age_latents(group: Who) -> tuple[Latent, ...]:
    """Ages differ within an arm."""
    spread = group.age_sd_y
    if spread is None:
        known = group.age_low_y is not None and group.age_high_y is not None
        spread = (group.age_high_y - group.age_low_y) / 4.0 if known else USUAL_AGE_SD_Y  # type: ignore[operator]
    low, high = max(16.0, group.age_low_y or 16.0), group.age_high_y or 100.0
    return (
        Latent("age_drawn", "normal", (_age(group), spread), "age of a participant, years"),
        Latent("age_above", "at_least", ("age_drawn", low)),
        Latent(AGE, "at_most", ("age_above", high)),
    )


def _tested(targets: tuple[Target, ...], limits: tuple[Limit, ...]) -> bool:
    """Whether the people of an arm were found by a test."""
    low = any(item.reading == "serum_b12" and item.mean < np.log(LOW_B12_PMOL_L) for item in targets)
    return low or any((item.reading == "serum_b12" and item.high < np.inf) or (item.reading == "mma" and item.low > 0.0) for item in limits)


def _of_community(latent: Latent, case: Case) -> Latent:
    """Participants are people of the community until the entry says more; a patient who was tested is not."""
    if latent.name != "cause":
        return latent
    _, weights = cause_weights(case.age_y, case.person.sex, tested=False)
    return replace(latent, args=tuple(round(weight / sum(weights), 6) for weight in weights))


def arm_plan(arm: Arm) -> Plan:
    """What the arm was given."""
    given: dict[float, list[float]] = {}
    for day, ug in arm.dose_list():
        given.setdefault(ug, []).append(max(day, 0.0))
    steps = []
    for ug, days in given.items():
        if ug > 0.0 and arm.product:
            for low in range(0, len(days), 5000):
                steps.append(Step(product=arm.product, dose_ug=ug, days=tuple(days[low : low + 5000])))
    return Plan(
        format="corrin.plan/1", name="arm", steps=tuple(steps), adherence=arm.adherence, diet=arm.diet, start_drugs=arm.start_drugs,
        stop_drugs=arm.stop_drugs, stop_nitrous_oxide=arm.stop_nitrous_oxide, replaces_treatment=not arm.keeps_treatment,
    )  # fmt: skip


def log_moments(outcome: Outcome, place: int, usual: float | None) -> tuple[float, float] | None:
    """Mean and SD of the logarithm of reported values at one time of an outcome, in the reading's unit; None where they are not told."""
    value, reading = outcome.value[place], outcome.reading
    if value is None or reading is None or outcome.statistic not in ("mean", "median", "geometric mean"):
        return None
    level = canonical(value, outcome.unit, reading)
    sd = _log_sd(outcome, place, level) or usual
    if sd is None:
        return None
    return float(np.log(level)) - (0.5 * sd * sd if outcome.statistic == "mean" else 0.0), sd


def _log_sd(outcome: Outcome, place: int, level: float) -> float | None:
    """Spread between people as the SD of the logarithm."""

    def at(values: tuple[float | None, ...]) -> float | None:
        found = values[place] if place < len(values) else None
        return None if found is None else canonical(found, outcome.unit, outcome.reading or "")

    if outcome.spread == "log_sd" and place < len(outcome.sd):
        return outcome.sd[place]
    sd = at(outcome.sd)
    people = outcome.n[place] if place < len(outcome.n) else None
    if sd is not None and outcome.spread == "se" and people:
        sd *= np.sqrt(people)
    if sd is not None and outcome.spread in ("sd", "se"):
        return float(np.sqrt(np.log1p((sd / level) ** 2)))
    low, high = at(outcome.low), at(outcome.high)
    if low and high and high > low > 0.0:
        width = {"iqr": 1.349, "ci95": 3.92 / np.sqrt(people) if people else None, "range": 4.0}.get(outcome.spread)
        return float(np.log(high / low) / width) if width else None
    return None


def at_entry(study: Study, arm: Arm) -> tuple[tuple[Target, ...], tuple[Limit, ...]]:
    """What day 0 said of the arm: the first word has the arm's own outcomes, then its baseline, then the study's."""
    targets: dict[str, Target] = {}
    for outcome in (*arm.outcome, *arm.baseline, *study.baseline):
        if outcome.reading is None or outcome.reading in targets:
            continue
        for place, day in enumerate(outcome.time_d):
            if day > 0.0:
                continue
            found = log_moments(outcome, place, USUAL_LOG_SD.get(outcome.reading))
            if found is not None:
                mean, sd = found
                own = max(sd * sd - noise(outcome.reading) ** 2, (LEAST_SHARE * sd) ** 2, LEAST_LOG_SD**2)
                targets[outcome.reading] = Target(outcome.reading, mean, float(np.sqrt(own)))
    limits = []
    for rule in (*study.entry, *arm.entry):
        if rule.reading in targets:
            continue  # the reported distribution already is that of people who met the rule
        low = 0.0 if rule.low is None else canonical(rule.low, rule.unit, rule.reading)
        high = np.inf if rule.high is None else canonical(rule.high, rule.unit, rule.reading)
        limits.append(Limit(rule.reading, low, float(high), noise(rule.reading)))
    return tuple(targets.values()), tuple(limits)


@dataclass(frozen=True)
class Tilt:
    """A factor exp(b.u - u.A.u / 2) on the density of the markers' logarithms u."""

    A: Floats
    b: Floats

    @staticmethod
    def towards(targets: tuple[Target, ...]) -> Tilt:
        """The reported distribution as if it were an observation: half the way, whatever the draws look like."""
        sd = np.array([item.sd for item in targets])
        return Tilt(np.diag(1.0 / sd**2), np.array([item.mean for item in targets]) / sd**2)

    def and_then(self, targets: tuple[Target, ...], found: Floats) -> Tilt:
        """Tilted further by reported over found distribution, both taken as normal; `found` (markers, people). Own correlations stay."""
        mean, sd = np.array([item.mean for item in targets]), np.array([item.sd for item in targets])
        middle, own = found.mean(axis=1), np.atleast_2d(np.cov(found)) + 1e-6 * np.eye(len(targets))
        root = np.sqrt(np.diag(own))
        wanted = own / np.outer(root, root) * np.outer(sd, sd)
        inverse_own, inverse_wanted = np.linalg.inv(own), np.linalg.inv(wanted)
        A = self.A + inverse_wanted - inverse_own
        values, vectors = np.linalg.eigh(A)
        b = self.b + inverse_wanted @ mean - inverse_own @ middle
        if values.min() < 0.0:  # reported people differ more than any drawn: do not run off; keep the middle where it is wanted
            b = b - A @ mean
            A = vectors @ np.diag(np.maximum(values, 0.0)) @ vectors.T
            b = b + A @ mean
        return Tilt(A, b)


def _group(teller: Teller, tilt: Tilt, places: list[int], targets: tuple[Target, ...], limits: tuple[Limit, ...]) -> Scorer:
    """Scores draws by the tilt of their markers and by the entry limits."""
    from scipy.special import log_ndtr

    many = len(tilt.b)

    def score(z: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
        _, _, made, run = teller.tell(z, certify=True)
        now = teller.today(made, run)
        shown = np.log(np.maximum(now[:, places].T, 1e-9))
        u = shown[:many]
        found = tilt.b @ u - 0.5 * np.einsum("ip,ij,jp->p", u, tilt.A, u)
        for row, limit in enumerate(limits, start=many):
            sd = max(limit.log_sd, 0.02)
            if limit.low > 0.0:
                found = found + log_ndtr((shown[row] - np.log(limit.low)) / sd)
            if np.isfinite(limit.high):
                found = found + log_ndtr((np.log(limit.high) - shown[row]) / sd)
        bad = run.failed | ~np.isfinite(found)
        return np.where(bad, -1e6, found), np.where(np.isfinite(shown), shown, 0.0), np.nan_to_num(now)

    return Scorer(score, np.array([item.sd for item in targets] + [max(limit.log_sd, 0.02) for limit in limits]))


def _led(
    teller: Teller, targets: tuple[Target, ...], limits: tuple[Limit, ...], draws: int, seed: int,
    progress: Callable[[str, float], None] | None,
) -> tuple[dict[str, Floats], int, float, float]:  # fmt: skip
    """Draws led to their entry, steps, effective draws, and how far the markers still are from it (`_miss`).

    The density of the draws is not normal, so the tilt is corrected by what it made, a few times.
    """
    names, drawn = teller.kernel.model.readings, teller.names()
    places = [names.index(item.reading) for item in (*targets, *limits)]
    start = teller.prior(max(512, draws // 2), 1 << 29)
    first = np.array([start[name] for name in drawn])
    many = len(targets)
    tilt = Tilt.towards(targets)
    plain = _group(teller, tilt, places, targets, ())
    best: tuple[float, Floats, int, float] = (np.inf, first[:, :draws], 0, 0.0)
    for _ in range(ROUNDS if many else 1):
        matrix, levels, effective = temper(_group(teller, tilt, places, targets, limits), drawn, first.copy(), draws, seed, progress)
        found = plain.score(dict(zip(drawn, matrix, strict=True)))[1][:many]
        miss = _miss(targets, found) if many else 0.0
        if miss < best[0]:
            best = (miss, matrix, levels, effective)
        if miss < CLOSE:
            break
        tilt = tilt.and_then(targets, found)
    miss, matrix, levels, effective = best
    return dict(zip(drawn, matrix, strict=True)), levels, effective, miss


def _miss(targets: tuple[Target, ...], found: Floats) -> float:
    """Largest distance of the draws' markers from the reported: of the middle, in reported SDs; half of the log ratio of the spreads."""
    middle = [abs(row.mean() - item.mean) / item.sd for item, row in zip(targets, found, strict=True)]
    spread = [0.5 * abs(float(np.log(row.std() / item.sd))) for item, row in zip(targets, found, strict=True)]
    return float(max(*middle, *spread))


def enrol(
    study: Study, arm: Arm, kernel: Kernel, population: Population, draws: int, seed: int,
    progress: Callable[[str, float], None] | None = None,
) -> Cohort:  # fmt: skip
    """Draw the people of an arm."""
    case = arm_case(study, arm)
    past = world(case, tested=True)
    targets, limits = at_entry(study, arm)
    told = who(study, arm).tested
    tested = _tested(targets, limits) if told is None else told
    of_case = past.history.latents if tested else [_of_community(latent, case) for latent in past.history.latents]
    group = who(study, arm)
    pills, taken = usual(group, case.age_y, tested, past.history.start_days)
    latents, changes = (*of_case, *pills, *_age_latents(group)), (*past.history.changes, *taken)
    past = replace(past, observations=(), history=replace(past.history, latents=latents, changes=changes))
    names = kernel.model.readings
    targets = tuple(item for item in targets if item.reading in names)
    limits = tuple(item for item in limits if item.reading in names)
    teller = Teller(past, kernel, population, seed)
    teller.prepare()
    z, effective, levels, miss = teller.prior(draws), float(draws), 0, 0.0
    if targets or limits:
        z, levels, effective, miss = _led(teller, targets, limits, draws, seed, progress)
    parameters, values, made, run = teller.tell(z, fine=True, certify=True)
    weights = np.where(run.failed, 0.0, 1.0)
    people = People(z, parameters, values, run.end, weights / weights.sum(), effective, made, run, levels, teller.error)
    met = all(_met(limit, people, names) > 1.0 - FAR for limit in limits)
    return Cohort(people, case, past, targets, limits, effective >= 0.1 * draws and miss < FAR and met)


def _met(limit: Limit, people: People, names: tuple[str, ...]) -> float:
    """Share of the people whose own level lies within an entry limit, give or take the test's noise."""
    now = people.run.readings[np.arange(people.count), people.history.row_of[0.0], names.index(limit.reading)]
    slack = float(np.exp(limit.log_sd)) if limit.log_sd > 0.0 else 1.02
    return float(((now >= limit.low / slack) & (now <= limit.high * slack)).mean())


@dataclass(frozen=True)
class Seen:
    """Readings of an arm's people: `levels` (people, days, readings) on `days`, day 0 first (before any dose)."""

    days: Floats
    levels: Floats
    failed: NDArray[np.bool_]


def treat(cohort: Cohort, arm: Arm, days: list[float], kernel: Kernel, seed: int) -> Seen:
    """Follow an arm's people through its treatment, read on `days` (> 0)."""
    people = cohort.people
    now = people.run.readings[np.arange(people.count), people.history.row_of[0.0]]
    later = sorted({float(day) for day in days if day > 0.0})
    if not later:
        return Seen(np.zeros(1), now[:, None, :], people.run.failed)
    timeline = future(cohort.case, arm_plan(arm), later[-1] / YEAR_D)
    values = values_of(timeline, people.values, seed, people.count, 0)
    made = ahead(cohort.world, timeline, kernel, values, people.count, seed, np.arange(people.count), None, later)
    chosen = panel_of(people)
    some = {name: value[chosen] for name, value in values.items()}
    panel = ahead(cohort.world, timeline, kernel, some, len(chosen), seed, chosen, None, later)
    tolerance = COARSE_TOLERANCE if len(timeline.doses) > MANY else 5e-3
    grid = find_grid(kernel, people.state[chosen], people.parameters[chosen], panel.schedule, tolerance)
    run = simulate(kernel, people.state, people.parameters, made.schedule, grid)
    return Seen(np.array([0.0, *later]), np.concatenate([now[:, None, :], run.readings], axis=1), run.failed | people.run.failed)
