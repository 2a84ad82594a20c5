"""What a study reports, predicted: a statistic of an arm's people at a time, with its interval and what moves it.

Each statistic is a mean over people of some g(person) (or a smooth function of such means). Its interval has three parts that add as
squares: what is not known of typical people (`shared`), how studies differ from each other (`effect`: assays, methods, selection) and the
chance of who was among the n (`sampling`). The first comes from the draws themselves: moving the centre of parameter j by one unit of its
uncertainty moves the mean of g by cov(g, z_j | entry) unsure_j / spread_j, because the entry markers stay as reported.

Draws differ by both, by what differs between people and by what is not known of typical ones. A share of people beyond a limit and the mean
of skewed values depend on how much people differ; there what all share is taken out of the spread again (`_shared_out`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corrin.case.latent import Latent
from corrin.inference.cohort import Cohort, Seen, canonical, noise
from corrin.inference.population import Population, spread
from corrin.studies.reader import OTHER_READINGS
from corrin.studies.schema import SIMULATED, Arm, Outcome, Study

Floats = NDArray[np.float64]
STUDY_LOG_SD = {
    "serum_b12": 0.18, "holotranscobalamin": 0.18, "mma": 0.18, "homocysteine": 0.12, "haemoglobin": 0.03, "mcv": 0.03,
    "reticulocytes": 0.3,
}  # fmt: skip
STUDY_OTHER_LOG_SD = 0.2
"""How a level differs between studies of people who are alike, as the SD of its logarithm (assumed, fixed before any study was looked at;
methods for cobalamin alone differ by 10 to 20 %)."""
SAME_LAB = 0.7
"""Correlation of the study effect between points of one study and reading, arms included (assumed)."""
STUDY_LOGIT_SD = 0.3
"""The same for a chance, on the logit scale (assumed)."""
SHARED_LATENT = 0.5
"""Share of the spread of an unknown of the history (onset, completeness, adherence) by which a whole arm may differ (assumed)."""
USUAL_N = 20
"""People in an arm that does not tell how many (assumed, small)."""
HEARD_SE = 2.0
"""A gradient below so many of its standard errors counts as none."""
MOST_SHARED = 0.8
"""Most of the draws' variance that can be shared (a bound on an estimate)."""
LEVELS = ("mean", "median", "geometric mean")
CHANGES = ("mean change", "median change", "percent change", "difference")
AGAINST = ("difference", "ratio")
"""Statistics against another arm."""
FROM_ZERO = frozenset(name for name, unit in OTHER_READINGS.items() if unit in ("points", "SD"))
"""Scores and delays: 0 is usual, so that their levels have no logarithm."""
QUANTILES = {"p05": -1.6448536, "p25": -0.6744898, "p50": 0.0, "p75": 0.6744898, "p95": 1.6448536}


@dataclass(frozen=True)
class Point:
    """One reported number. Levels and changes in the reading's own unit, percentages in %."""

    study: str
    arm: str
    label: str
    reading: str
    statistic: str
    day: float
    observed: float
    n: int | None
    role: str
    seen: str
    counted: bool
    why_not: str = ""

    @property
    def scale(self) -> str:
        """`log`, `linear` or `share`: where its interval is a normal one."""
        if self.statistic == "ratio" or (self.statistic in LEVELS and self.reading not in FROM_ZERO):
            return "log"
        return "share" if self.statistic == "percent" else "linear"


@dataclass
class Predicted:
    """A point's prediction on its scale: `middle` and the SDs; `gradient` name -> change of `middle` for one unit of uncertainty."""

    point: Point
    middle: float
    shared: float
    effect: float
    sampling: float
    gradient: dict[str, float] = field(default_factory=dict)
    day0: float | None = None
    """The same statistic of level at day 0, on its scale, as drawn."""

    @property
    def total(self) -> float:
        return float(np.sqrt(self.shared**2 + self.effect**2 + self.sampling**2))

    @property
    def people(self) -> float:
        """The n of the study; where it is not told, a small one."""
        return float(self.point.n or USUAL_N)

    @property
    def centre(self) -> float:
        """The middle where the interval is a normal one: of a share, its logit."""
        if self.point.scale == "share":
            return self.on_scale(100.0 * _shared_out(self.middle, self.shared)[0])
        return self.middle

    @property
    def sd(self) -> float:
        """The SD there."""
        if self.point.scale == "share":
            share, far = _shared_out(self.middle, self.shared)
            # one SD towards the half, from a sample of these people; a tangent would run off near 0 and 1
            p = _with_half(min(share, 1.0 - share), self.people)
            moved = min(p + float(np.hypot(self.effect, self.sampling)), 0.98)
            return float(np.hypot(far, np.log(moved / (1.0 - moved)) - np.log(p / (1.0 - p))))
        return self.total

    def datum(self) -> tuple[float, float, float, dict[str, float]]:
        """On the scale where the interval is a normal one: variance of the sample, SD of the study effect, SD of what is not known of
        typical people, and how the middle moves with each unknown."""
        if self.point.scale != "share":
            return self.sampling**2, self.effect, self.shared, self.gradient
        far = _shared_out(self.middle, self.shared)[1]
        rest = max(self.sd**2 - far**2, 1e-6)
        part = self.effect**2 / max(self.effect**2 + self.sampling**2, 1e-12)
        steep = far / self.shared if self.shared > 0.0 else 0.0
        return rest * (1.0 - part), float(np.sqrt(rest * part)), far, {name: steep * value for name, value in self.gradient.items()}

    def on_scale(self, value: float) -> float:
        """A reported value of this point where its interval is a normal one. Half a person is added to each side of a share, so that a
        share of 0 has a logit; a study of few cannot tell it from a small one."""
        if self.point.scale == "log":
            return float(np.log(value))
        if self.point.scale == "share":
            p = _with_half(value / 100.0, self.people)
            return float(np.log(p / (1.0 - p)))
        return float(value)

    def value(self, sds: float) -> float:
        """The reported statistic so many SDs from the middle, in the unit of the point."""
        at = self.centre + sds * self.sd
        if self.point.scale == "log":
            return float(np.exp(at))
        if self.point.scale == "share":
            p = 0.5 * (1.0 + np.tanh(0.5 * at))
            return float(100.0 * np.clip((p * (self.people + 1.0) - 0.5) / self.people, 0.0, 1.0))
        return at

    def quantiles(self) -> dict[str, float]:
        """p05 to p95 of what a study of this n would report."""
        return {name: self.value(sds) for name, sds in QUANTILES.items()}

    def z(self) -> float:
        """Observed minus predicted, in SDs of the scale."""
        return (self.on_scale(self.point.observed) - self.centre) / self.sd

    def log_density(self) -> float:
        """Log of the predicted density at what was observed, on the scale of the point."""
        return -0.5 * self.z() ** 2 - float(np.log(self.sd)) - 0.5 * float(np.log(2.0 * np.pi))


def _shared_out(share: float, shared: float) -> tuple[float, float]:
    """A share of people among draws that differ by what all share too, without it: the share where typical people are known, and the SD of
    its logit from not knowing them. Exact for a normal quantity and a limit: the draws' variance is the sum of both."""
    from scipy.special import log_ndtr, ndtr, ndtri

    inside = min(max(share, 1e-4), 1.0 - 1e-4)
    at = float(ndtri(inside))
    density = float(np.exp(-0.5 * at * at) / np.sqrt(2.0 * np.pi))
    part = min((shared / density) ** 2, MOST_SHARED)
    own = float(np.sqrt(1.0 - part))
    middle, far = at / own, float(np.sqrt(part)) / own
    low, high = (log_ndtr(at) - log_ndtr(-at) for at in (middle - far, middle + far))  # logits that hold in the tails too
    return float(ndtr(middle)), 0.5 * float(high - low)


def _with_half(share: float, people: float) -> float:
    """A share with half a person added to each side."""
    return (share * people + 0.5) / (people + 1.0)


def points(study: Study, arm: Arm, readings: tuple[str, ...]) -> list[tuple[Point, Outcome]]:
    """Everything an arm reports of readings the body has, counted or not."""
    found = []
    for outcome in arm.outcome:
        if outcome.reading is None or outcome.reading not in readings or outcome.statistic not in SIMULATED:
            continue
        role, seen = outcome.role or study.role, outcome.seen or study.seen
        for place, (day, value) in enumerate(zip(outcome.time_d, outcome.value, strict=True)):
            if value is None:
                continue
            why = "day 0" if day <= 0.0 else "recalled" if seen == "recalled" else "" if role in ("fit", "check") else "not used"
            number = outcome.n[place] if place < len(outcome.n) and outcome.n[place] is not None else arm.n
            statistic = outcome.statistic
            in_unit = statistic not in ("percent", "percent change", "ratio")
            observed = canonical(value, outcome.unit, outcome.reading) if in_unit else float(value)
            if outcome.of_a_sign and statistic in LEVELS:  # the mean of a chance is the share of people
                statistic, observed = "percent", 100.0 * observed
            point = Point(study.key, arm.name, outcome.label, outcome.reading, statistic, day, observed, number, role, seen, not why, why)
            found.append((point, outcome))
    return found


def reading_days(arm: Arm, outcome: Outcome) -> list[float]:
    """Days on which an outcome is read; with `hours_since_dose`, so long after the last dose by then."""
    if outcome.hours_since_dose is None:
        return list(outcome.time_d)
    doses = [day for day, _ in arm.dose_list()]
    days = []
    for time in outcome.time_d:
        before = [day for day in doses if day <= time + 1e-9]
        days.append(before[-1] + outcome.hours_since_dose / 24.0 if before and time > 0.0 else time)
    return days


@dataclass(frozen=True)
class _People:
    """An arm's draws with what is needed to see what moves a mean over them."""

    cohort: Cohort
    seen: Seen
    names: tuple[str, ...]
    z: Floats
    """(names, people)."""
    scale: Floats
    """(names,) change of the mean of z for one unit of uncertainty."""
    entry: Floats
    """(columns, people) of what is fixed at entry: 1, u, u squared."""
    fine: NDArray[np.bool_]
    population: Population

    def gradient(self, g: Floats) -> dict[str, float]:
        """What moves the mean of g (people who ran, ...), per unit of uncertainty."""
        entry = self.entry[:, self.fine]
        rest = g - entry.T @ np.linalg.lstsq(entry.T, g, rcond=None)[0]
        z = self.z[:, self.fine]
        slope = (z * rest).mean(axis=1)
        error = (z * rest).std(axis=1) / np.sqrt(rest.shape[0])
        kept = np.abs(slope) > HEARD_SE * error
        return {name: float(slope[k] * self.scale[k]) for k, name in enumerate(self.names) if kept[k]}


def _moved(cohort: Cohort, seen: Seen, population: Population, latents: tuple[Latent, ...], readings: tuple[str, ...]) -> _People:
    rows = {row.name: row for row in population.rows}
    names, scale = [], []
    for name in cohort.people.z:
        row = rows.get(name)
        if row is None:
            unit = SHARED_LATENT
        elif row.distribution == "bernoulli" or row.unsure <= 0.0:
            unit = 0.0
        else:
            unit = row.unsure / spread(row)
        if unit > 0.0:
            names.append(name)
            scale.append(unit)
    z = np.array([cohort.people.z[name] for name in names])
    fixed = [readings.index(item.reading) for item in (*cohort.targets, *cohort.limits)]
    u = np.log(np.maximum(seen.levels[:, 0, fixed].T, 1e-9)) if fixed else np.zeros((0, z.shape[1]))
    entry = np.concatenate([np.ones((1, z.shape[1])), u, u * u])
    return _People(cohort, seen, tuple(names), z, np.array(scale), entry, ~seen.failed, population)


def predict(
    study: Study, arm: Arm, cohort: Cohort, seen: Seen, population: Population, readings: tuple[str, ...]
) -> list[Predicted]:  # fmt: skip
    """Every point of an arm, but for differences between arms, which come as this arm's own change (see `against`)."""
    people = _moved(cohort, seen, population, cohort.world.latents, readings)
    found = []
    for point, outcome in points(study, arm, readings):
        day = reading_days(arm, outcome)[outcome.time_d.index(point.day)] if point.day > 0.0 else 0.0
        made = _one(point, outcome, people, readings, day, outcome.from_day, people.fine)
        if made is None:
            continue
        found.append(made)
    return found


def _level(people: _People, readings: tuple[str, ...], reading: str, day: float, fine: NDArray[np.bool_]) -> Floats | None:
    place = int(np.argmin(np.abs(people.seen.days - max(day, 0.0))))
    if abs(people.seen.days[place] - max(day, 0.0)) > 1e-6:
        return None
    levels = people.seen.levels[fine, place, readings.index(reading)]
    return levels if reading in FROM_ZERO else np.maximum(levels, 1e-9)


def _one(
    point: Point, outcome: Outcome, people: _People, readings: tuple[str, ...], day: float, from_day: float, fine: NDArray[np.bool_]
) -> Predicted | None:  # fmt: skip
    """One point. `fine` are the draws it is taken over."""
    y = _level(people, readings, point.reading, day, fine)
    before = _level(people, readings, point.reading, from_day, fine)
    if y is None or before is None or len(y) < 20:
        return None
    sd, effect = noise(point.reading), STUDY_LOG_SD.get(point.reading, STUDY_OTHER_LOG_SD)
    n = float(point.n or USUAL_N)
    day0: float | None = None
    statistic = point.statistic
    if point.scale == "log":
        statistic = "mean" if point.statistic == "ratio" else point.statistic
        middle, g, sampling = _level_of(statistic, y, sd)
        day0 = _level_of(statistic, before, sd)[0]
    elif point.statistic in LEVELS:
        middle, g, sampling = (float(np.median(y)) if point.statistic == "median" else float(y.mean())), y, float(y.std())
        day0 = float(np.median(before)) if point.statistic == "median" else float(before.mean())
        effect *= max(abs(middle), 1.0)
    elif point.statistic == "percent":
        if outcome.of_a_sign:
            g, first = (1.0 - y, 1.0 - before) if outcome.below is not None else (y, before)
            effect = STUDY_LOGIT_SD * float(g.mean() * (1.0 - g.mean()))
        else:
            first = _share(outcome, point.reading, before, max(sd, 0.02), effect)[0]
            g, effect = _share(outcome, point.reading, y, max(sd, 0.02), effect)
        middle, day0 = float(g.mean()), float(first.mean())
        sampling = float(np.sqrt(max(middle * (1.0 - middle), 0.5 / n * (1.0 - 0.5 / n))))
    else:
        middle, g, sampling, typical = _change(point.statistic, y, before, sd)
        effect *= typical
    whole = len(g) == int(people.fine.sum())
    gradient = people.gradient(g) if whole else {}
    shared = people.population.shared(gradient)
    if point.scale == "log" and statistic == "mean":  # the mean of a log-normal is above its median, and not by what all share
        middle -= 0.5 * min(shared, 1.0) ** 2
    return Predicted(point, middle, shared, effect, sampling / np.sqrt(n), gradient, day0)


def _level_of(statistic: str, y: Floats, sd: float) -> tuple[float, Floats, float]:
    """Log of the statistic of measured values, each person's influence on it, and the SD of one person's influence with its noise."""
    logs = np.log(y)
    if statistic == "mean":
        g = y / y.mean() - 1.0
        return float(np.log(y.mean())) + 0.5 * sd * sd, g, float(np.sqrt(g.var() + np.expm1(sd * sd)))
    if statistic == "geometric mean":
        return float(logs.mean()), logs, float(np.sqrt(logs.var() + sd * sd))
    from scipy.optimize import brentq
    from scipy.special import ndtr

    wide = max(sd, 0.05)
    middle = float(brentq(lambda m: ndtr((m - logs) / wide).mean() - 0.5, logs.min() - 5.0, logs.max() + 5.0))
    below = ndtr((middle - logs) / wide)
    density = float((np.exp(-0.5 * ((middle - logs) / wide) ** 2) / np.sqrt(2.0 * np.pi) / wide).mean())
    density = max(density, 0.5 / (float(np.ptp(logs)) + wide))  # where the middle lies in a gap between two groups of people
    return middle, (0.5 - below) / density, 0.5 / density


def _share(outcome: Outcome, reading: str, y: Floats, sd: float, effect: float) -> tuple[Floats, float]:
    """Each person's chance to be measured beyond the limit, and how much the share moves with the study effect."""
    from scipy.special import ndtr

    limit = outcome.below if outcome.below is not None else outcome.above
    at = np.log(max(canonical(float(limit or 0.0), outcome.limit_unit or "", reading), 1e-9))
    side = 1.0 if outcome.below is not None else -1.0

    def chance(shift: float) -> Floats:
        return np.asarray(ndtr(side * (at - shift - np.log(y)) / sd))

    return chance(0.0), float(abs(chance(effect).mean() - chance(-effect).mean()) / 2.0)


def _change(statistic: str, y: Floats, before: Floats, sd: float) -> tuple[float, Floats, float, float]:
    """Middle, influence, SD of one person's change with its noise, and the size that a study effect works on."""
    if statistic == "percent change":
        logs = np.log(y / before)
        ratio = float(np.exp(logs.mean()))
        g = 100.0 * ratio * logs
        return 100.0 * (ratio - 1.0), g, float(np.sqrt(g.var() + (100.0 * ratio * sd) ** 2 * 2.0)), 100.0 * ratio
    change = y - before
    one = float(np.sqrt(change.var() + sd * sd * ((y**2).mean() + (before**2).mean())))
    if statistic == "median change":
        low, high = np.quantile(change, [0.05, 0.95])
        return float(np.median(change)), np.clip(change, low, high), 1.2533 * one, float(np.median(y))
    return float(change.mean()), change, one, float(y.mean())


def against(mine: Predicted, other: Predicted, population: Population) -> Predicted:
    """A difference (or, on the log scale, a ratio) between two arms; what moves both alike cancels."""
    names = dict.fromkeys((*mine.gradient, *other.gradient))  # a set would be summed in another order in each process
    gradient = {name: mine.gradient.get(name, 0.0) - other.gradient.get(name, 0.0) for name in names}
    shared = population.shared(gradient)
    effect = float(np.sqrt(mine.effect**2 + other.effect**2 - 2.0 * SAME_LAB * mine.effect * other.effect))
    return Predicted(
        mine.point, mine.middle - other.middle, shared, effect,
        float(np.hypot(mine.sampling, other.sampling)), gradient,
    )  # fmt: skip
