"""What each published nerve series reported, asked of its virtual series: entry filter, definition, follow-up and delay as in the series.

A `Statistic` is asked twice: of one population of typical people (docs/checks.md, with a tolerance), and of many populations with the
numbers nobody knows drawn anew, resampled to the size of the series (docs/nerve-series.md, with its interval).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from bodies import Floats
from nerve_people import YEAR, Series

Measure = Callable[[Series], Any]
HEALTHY_SD = {"sural": 4.48, "peroneal": 4.5, "amplitude": 0.34}
"""Spread between healthy people in m/s and, of the amplitude, on the log scale: what a laboratory's limits are made of."""
LIMIT_SD = 2.5
MRI_HALF, MRI_WIDTH = 0.40, 0.07
"""Share of the dorsal columns ill at which half of scans show it, and the width of the step; assumed."""
NORMAL_HB, NORMAL_MCV = 12.5, 98.0


@dataclass(frozen=True)
class Statistic:
    """One reported number. `of` gives it from a series whose weights are those who entered; `share`: of people, else a mean or ratio.

    `sd` is the tolerance of the check of typical people (assumed), `low` and `high` a range where the report is no number. Recalled
    numbers are shown and never fitted.
    """

    rows: tuple[str, ...]
    series: str
    name: str
    definition: str
    of: Measure
    observed: float
    n: int
    source: str
    sd: float
    entry: Measure
    share: bool
    low: float
    high: float
    recalled: bool

    @property
    def ranged(self) -> bool:
        return math.isnan(self.observed)

    def value(self, s: Series) -> float:
        """Of everybody who entered."""
        return self.summary(replace(s, weight=s.weight * self.entry(s)))

    def summary(self, s: Series) -> float:
        """A mean over people where `of` gives one value each, else what it gives."""
        found = self.of(s)
        return s.share(found) if np.ndim(found) else float(found)

    def resampled(self, s: Series, generator: Any, times: int) -> list[float]:
        """Of `n` people drawn from those who entered, again and again."""
        weight = s.weight * self.entry(s)
        if (weight > 0.0).sum() < 5:
            return []
        out = []
        for _ in range(times):
            chosen = generator.choice(len(weight), self.n, p=weight / weight.sum())
            some = picked(s, chosen)
            found = self.of(some)
            if np.ndim(found) and self.share:
                found = (generator.random(self.n) < np.asarray(found, float)).astype(float)
            out.append(float(np.mean(found)) if np.ndim(found) else float(found))
        return [value for value in out if math.isfinite(value)]


def picked(s: Series, chosen: Any, weight: Floats | None = None) -> Series:
    """The series of these people, each counting once, or by `weight` (people of the whole series,)."""

    def of(table: dict[str, Floats]) -> dict[str, Floats]:
        return {name: values[chosen] for name, values in table.items()}

    counts = np.ones(len(chosen)) if weight is None else weight[chosen]
    after = {month: of(table) for month, table in s.after.items()}
    return Series(s.onset[chosen], s.delay[chosen], of(s.before), after, counts, of(s.parameters), s.block[chosen])


# ---- definitions -------------------------------------------------------------------------------------------------------------------------


def abnormal(s: Series, test: str) -> Floats:
    """Chance that a laboratory calls a test abnormal before treatment (2.5 SD of healthy people)."""
    if test != "NCV":
        return np.asarray(norm.cdf(s.before[f"{test.lower()}_delay"] - LIMIT_SD))
    p = s.parameters

    def slowed(tract: str) -> Floats:
        return p["velocity_demyelinated"] * s.naked(tract) + p["velocity_down"] * s.down(tract)

    velocity = norm.cdf(p["sural_velocity_reference"] * slowed("foot") / HEALTHY_SD["sural"] - LIMIT_SD)
    lively = np.clip(1.0 - s.down("foot"), 0.01, 1.0) ** 1.5 * (1.0 - p["amplitude_demyelinated"] * s.naked("foot"))
    amplitude = norm.cdf(-np.log(lively) / HEALTHY_SD["amplitude"] - LIMIT_SD)
    motor = norm.cdf(p["peroneal_velocity_reference"] * slowed("motor") / HEALTHY_SD["peroneal"] - LIMIT_SD)
    return np.asarray(1.0 - (1.0 - np.maximum(velocity, amplitude)) * (1.0 - motor))


def ill_dorsal(s: Series) -> Floats:
    """Chance that a scan shows the dorsal columns."""
    return np.asarray(1.0 / (1.0 + np.exp(-(s.naked("dorsal") + s.down("dorsal") - MRI_HALF) / MRI_WIDTH)))


def cord(s: Series) -> Floats:
    """A cord syndrome: more than a fifth of the function of dorsal or lateral columns is missing; assumed."""
    return np.asarray(np.maximum(s.missing("dorsal"), s.missing("lateral")) > 0.20, float)


def cord_disease(s: Series) -> Floats:
    """Subacute combined degeneration: more than a quarter of the dorsal columns' function is missing; assumed."""
    return np.asarray(s.missing("dorsal") > 0.25, float)


def with_lesion(s: Series) -> Floats:
    return cord_disease(s) * ill_dorsal(s)


def late(s: Series) -> Floats:
    return cord_disease(s) * (s.delay > 183.0)


def gained(s: Series) -> Floats:
    """Share of the score gone at 3 months."""
    return np.asarray((s.before["score"] - s.after[3.0]["score"]) / np.maximum(s.before["score"], 0.5))


def early_over_late(s: Series) -> float:
    """Gain at 3 months of who was treated within 6 months over that of the others."""
    late_share = s.delay > 183.0
    return float(replace(s, weight=s.weight * ~late_share).share(gained(s)) / gain_or_none(replace(s, weight=s.weight * late_share)))


def gain_or_none(s: Series) -> float:
    return max(s.share(gained(s)), 1e-3) if s.weight.sum() > 0.0 else math.nan


def able(s: Series) -> Any:
    """Walks and works at 3 months: gait item below 0.6, score below 3."""
    return (s.after[3.0]["score_gait"] < 0.6) & (s.after[3.0]["score"] < 3.0)


def walked_badly(s: Series) -> Any:
    return s.before["score_gait"] >= 1.0


def forgetful(s: Series) -> Any:
    """Cognitive trouble with low B12: MMSE below 26, serum below 300 pg/mL."""
    return (s.before["mmse"] < 26.0) & (s.before["serum_b12"] < 221.0)


def forgetful_for(s: Series, low: float, high: float) -> Any:
    return forgetful(s) & (s.delay >= low) & (s.delay < high)


def gain_of_mind(s: Series, month: float) -> Floats:
    return np.asarray(s.after[month]["mmse"] - s.before["mmse"])


def demyelination_left(s: Series) -> float:
    """Naked fibres of the cord at 3 months over those before: what protein of myelin in the fluid is read as."""
    then = 2.0 - (s.after[3.0]["myelin_dorsal"] + s.after[3.0]["myelin_lateral"]) / 100.0
    return s.share(then) / max(s.share(s.naked("dorsal") + s.naked("lateral")), 1e-9)


def correlation(s: Series, reading: str) -> float:
    """Of the damage of the cord with a laboratory value."""
    damage, value = s.naked("dorsal") + s.down("dorsal"), np.log(np.maximum(s.before[reading], 1e-6))
    a, b = damage - s.share(damage), value - s.share(value)
    return s.share(a * b) / math.sqrt(s.share(a * a) * s.share(b * b))


def fallen(s: Series) -> Any:
    """MMA or homocysteine less than half at 3 months."""
    later = s.after[3.0]
    return (later["mma"] < 0.5 * s.before["mma"]) | (later["homocysteine"] < 0.5 * s.before["homocysteine"])


def plain_blood(s: Series) -> Any:
    return (s.before["haemoglobin"] >= NORMAL_HB) | (s.before["mcv"] < NORMAL_MCV)


def brain(s: Series) -> Any:
    return s.sign("cognition")


def nerves(s: Series) -> Any:
    return s.sign("foot", "motor")


def improved(s: Series, month: float) -> Any:
    """The first small step: half a point, and a tenth of the score."""
    return s.after[month]["score"] <= s.before["score"] - np.maximum(0.5, 0.1 * s.before["score"])


# ---- what was reported -------------------------------------------------------------------------------------------------------------------


def at(reading: str, month: float | None = None) -> Measure:
    """A reading before treatment, or at a month after."""
    return lambda s: (s.before if month is None else s.after[month])[reading]


def any_potential(s: Series) -> Any:
    return 1.0 - (1.0 - abnormal(s, "SEP")) * (1.0 - abnormal(s, "VEP")) * (1.0 - abnormal(s, "MEP"))


def short_of_b12(s: Series) -> Any:
    """Serum below 260 pmol/L and MMA above 271 nmol/L."""
    return (s.before["serum_b12"] < 260.0) & (s.before["mma"] > 271.0)


def slower_when_short(s: Series) -> float:
    """Peroneal velocity of who is short of B12 less that of the others, m/s."""
    short, velocity = np.asarray(short_of_b12(s), float), s.before["peroneal_velocity"]
    return float(s.share(velocity * short) / max(s.share(short), 1e-9) - s.share(velocity * (1.0 - short)) / s.share(1.0 - short))


MEASURES: dict[str, Measure] = {
    "signs_by_treatment": lambda s: s.delay >= 0.0,
    "no_sign_at_3_months": lambda s: at("score", 3.0)(s) < 1.0,
    "no_sign_at_6_months": lambda s: at("score", 6.0)(s) < 1.0,
    "no_sign_at_12_months": lambda s: at("score", 12.0)(s) < 1.0,
    "score_at_least_halved": lambda s: at("score", 12.0)(s) <= 0.5 * at("score")(s),
    "walks_alone_at_the_start": lambda s: at("score_gait")(s) < 1.2,
    "cannot_walk_alone_at_the_start": lambda s: at("score_gait")(s) >= 2.4,
    "needs_help_to_walk_at_3_months": lambda s: at("score_gait", 3.0)(s) >= 1.2,
    "needs_help_to_walk_at_12_months": lambda s: at("score_gait", 12.0)(s) >= 1.2,
    "first_small_step_within_3_months": lambda s: improved(s, 3.0),
    "better_not_complete_at_6_months": lambda s: improved(s, 6.0) & (at("score", 6.0)(s) >= 1.0),
    "able": able,
    "between_the_two_at_3_months": lambda s: ~able(s) & (at("score_gait", 3.0)(s) < 1.2),
    "sep_abnormal": lambda s: abnormal(s, "SEP"),
    "vep_abnormal": lambda s: abnormal(s, "VEP"),
    "mep_abnormal": lambda s: abnormal(s, "MEP"),
    "ncv_abnormal": lambda s: abnormal(s, "NCV"),
    "an_evoked_potential_abnormal": any_potential,
    "ill_dorsal": ill_dorsal,
    "nerves": nerves,
    "brain": brain,
    "plain_blood": plain_blood,
    "fallen": fallen,
    "gained": gained,
    "early_over_late": early_over_late,
    "demyelination_left": demyelination_left,
    "haemoglobin_g_l": lambda s: 10.0 * at("haemoglobin")(s),
    "serum_b12_pmol_l": at("serum_b12"),
    "active_b12_pmol_l": at("holotranscobalamin"),
    "homocysteine_umol_l": at("homocysteine"),
    "peroneal_velocity": at("peroneal_velocity"),
    "slower_when_short": slower_when_short,
    "damage_against_haemoglobin_correlation": lambda s: correlation(s, "haemoglobin"),
    "damage_against_serum_b12_correlation": lambda s: correlation(s, "serum_b12"),
    "weeks_of_daily_use_to_the_first_sign": lambda s: float(np.median(s.onset[s.weight > 0.0])) / 7.0,
    "gait_item_at_the_start": at("score_gait"),
    "gait_item_at_5_months": at("score_gait", 5.0),
    "some_deficit_at_5_months": lambda s: at("score", 5.0)(s) > 0.5,
    "unsteady_gait": at("symptom_gait"),
    "weakness": at("symptom_weakness"),
    "tingling": at("symptom_tingling"),
    "mind_gained_at_12_months": lambda s: gain_of_mind(s, 12.0),
    "mind_better_at_12_months": lambda s: gain_of_mind(s, 12.0) >= 2.0,
    "mind_better_at_3_months": lambda s: gain_of_mind(s, 3.0) >= 1.0,
}
ENTRIES: dict[str, Measure] = {
    "everybody": lambda s: np.ones(len(s.weight)),
    "cord": cord,
    "cord_disease": cord_disease,
    "with_lesion": with_lesion,
    "late": late,
    "walked_badly": walked_badly,
    "forgetful": forgetful,
    "forgetful_under_a_year": lambda s: forgetful_for(s, 0.0, YEAR),
    "forgetful_over_a_year": lambda s: forgetful_for(s, YEAR, 1e9),
    "mildly_forgetful": lambda s: (at("mmse")(s) < 28.0) & (at("mmse")(s) >= 21.0),
    "short_of_b12": short_of_b12,
    "not_short_of_b12": lambda s: ~short_of_b12(s),
}
"""Who is in a series, as the series took them."""


@cache
def statistics() -> tuple[Statistic, ...]:
    """Every number of a series, in the order of the page (tests/nerve_statistics.csv)."""

    def number(text: str, empty: float) -> float:
        return float(text) if text else empty

    with (Path(__file__).parent / "nerve_statistics.csv").open(encoding="utf-8") as file:
        return tuple(
            Statistic(
                tuple(row["rows"].split()), row["series"], row["name"], row["definition"], MEASURES[row["of"]],
                number(row["observed"], math.nan), int(row["n"]), row["source"], number(row["sd"], math.nan), ENTRIES[row["entry"]],
                row["kind"] == "share", number(row["low"], -math.inf), number(row["high"], math.inf), row["recalled"] == "yes",
            )
            for row in csv.DictReader(file)
        )  # fmt: skip
