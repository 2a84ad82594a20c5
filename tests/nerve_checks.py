"""What each published nerve series reported, asked of its virtual series: entry filter, definition, follow-up and delay as in the series.

A `Statistic` is asked twice: of one population of typical people (docs/checks.md, with a tolerance), and of many populations with the
numbers nobody knows drawn anew, resampled to the size of the series (docs/nerve-series.md, with its interval).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import norm

from bodies import Floats
from nerve_people import YEAR, Series

HEALTHY_SD = {"sural": 4.48, "peroneal": 4.5, "amplitude": 0.34}
"""Spread between healthy people in m/s and, of the amplitude, on the log scale: what a laboratory's limits are made of."""
LIMIT_SD = 2.5
MRI_HALF, MRI_WIDTH = 0.40, 0.07
"""Share of the dorsal columns ill at which half of scans show it, and the width of the step; assumed."""
NORMAL_HB, NORMAL_MCV = 12.5, 98.0


@dataclass(frozen=True)
class Statistic:
    """One reported number. `of` gives it from a series whose weights are those who entered; `share`: a share of people, else a mean or ratio.

    `sd` is the tolerance of the check of typical people (assumed), `low` and `high` a range where the report is no number. `recalled` numbers
    are shown and never fitted.
    """

    rows: tuple[str, ...]
    series: str
    name: str
    definition: str
    of: Callable[[Series], Any]
    observed: float
    n: int
    source: str
    sd: float
    entry: Callable[[Series], Any] = lambda s: np.ones(len(s.weight))
    share: bool = True
    low: float = -math.inf
    high: float = math.inf
    recalled: bool = False

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


def picked(s: Series, chosen: Any) -> Series:
    """The series of these people, each counting once."""

    def of(table: dict[str, Floats]) -> dict[str, Floats]:
        return {name: values[chosen] for name, values in table.items()}

    after = {month: of(table) for month, table in s.after.items()}
    return Series(s.onset[chosen], s.delay[chosen], of(s.before), after, np.ones(len(chosen)), of(s.parameters), s.block[chosen])


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


def early(s: Series) -> Floats:
    return cord_disease(s) * (s.delay <= 183.0)


def gained(s: Series) -> Floats:
    """Share of the score gone at 3 months."""
    return np.asarray((s.before["score"] - s.after[3.0]["score"]) / np.maximum(s.before["score"], 0.5))


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

HEALTON, PURI, SCD36, VASC, SWART = "Healton1991", "Puri-Misra-Kalita2007", "SCD36-2004", "Vasconcelos2006", "Swart2021"
NAN = math.nan

STATISTICS: tuple[Statistic, ...] = (
    # A hospital's patients with signs; recalled numbers stand for the order of size.
    Statistic(("N010",), "hospital", "hospital series (recalled): no sign at 12 months, share", "score below 1", lambda s: s.after[12.0]["score"] < 1.0, 0.471, 121, HEALTON, 0.05, recalled=True),
    Statistic(("N011",), "hospital", "hospital series (recalled): score at least halved, share", "at 12 months", lambda s: s.after[12.0]["score"] <= 0.5 * s.before["score"], 0.91, 121, HEALTON, 0.04, recalled=True),
    Statistic(("N012",), "hospital", "hospital series (recalled): needs help to walk at 12 months, share", "gait item 1.2 or more", lambda s: s.after[12.0]["score_gait"] >= 1.2, 0.061, 121, HEALTON, 0.03, recalled=True),
    Statistic(("N005", "N006"), "hospital", "hospital series (recalled): walks alone at the start, share", "gait item below 1.2", lambda s: s.before["score_gait"] < 1.2, 0.65, 153, HEALTON, 0.06, recalled=True),
    Statistic(("N007",), "hospital", "hospital series (recalled): cannot walk alone at the start, share", "gait item 2.4 or more", lambda s: s.before["score_gait"] >= 2.4, 0.10, 153, HEALTON, 0.04, recalled=True),
    Statistic(("N009", "N014"), "hospital", "first small step within 3 months, share (recalled)", "half a point and a tenth of the score", lambda s: improved(s, 3.0), 1.0, 121, HEALTON, 0.03, recalled=True),
    Statistic(("N021", "N025"), "hospital", "improved within 3 months, share", "half a point and a tenth of the score", lambda s: improved(s, 3.0), 1.0, 39, "Lindenbaum1988", 0.05),
    Statistic(("N023",), "hospital", "MMA or homocysteine halved at 3 months, share", "either below half of its value before", fallen, 1.0, 31, "Lindenbaum1988", 0.06),
    Statistic(("N017",), "hospital", "haemoglobin or cell size normal beside signs, share", "haemoglobin 12.5 g/dL or more, or MCV below 98 fL", plain_blood, 0.284, 141, "Lindenbaum1988", 0.08),
    # Neurological patients of North India, mostly vegetarian.
    Statistic(("N048",), "india", "neurological series: SEP abnormal, share", "2.5 SD", lambda s: abnormal(s, "SEP"), 0.873, 57, PURI, 0.05, cord),
    Statistic(("N049",), "india", "neurological series: VEP abnormal, share", "2.5 SD", lambda s: abnormal(s, "VEP"), 0.636, 57, PURI, 0.07, cord),
    Statistic(("N047",), "india", "neurological series: MEP abnormal, share", "2.5 SD", lambda s: abnormal(s, "MEP"), 0.566, 57, PURI, 0.07, cord),
    Statistic(("N046",), "india", "neurological series: NCV abnormal, share", "2.5 SD of sural velocity or amplitude, or peroneal velocity", lambda s: abnormal(s, "NCV"), 0.15, 57, PURI, 0.05, cord),
    Statistic(("N044",), "india", "neurological series: MRI shows the dorsal columns, share", "half of scans at 40 % ill", ill_dorsal, 0.447, 47, PURI, 0.08, cord),
    Statistic(("N039", "N041"), "india", "neurological series: with peripheral nerve, share", "a sign from feet or motor nerves", nerves, 0.667, 57, PURI, 0.08, cord),
    Statistic(("N041", "N042", "N043"), "india", "neurological series: with the brain, share", "a sign of cognition", brain, 0.316, 57, PURI, 0.08, cord),
    Statistic(("N050",), "india", "neurological series: walks and works at 3 months, share", "complete recovery read as gait item below 0.6 and score below 3: the abstract defines none", able, 0.689, 45, PURI, 0.07, cord),
    Statistic(("N050",), "india", "neurological series: no sign at 3 months, share", "the same number read strictly: score below 1", lambda s: s.after[3.0]["score"] < 1.0, 0.689, 45, PURI, 0.07, cord),
    Statistic(("N051",), "india", "neurological series: between the two at 3 months, share", "neither walks and works nor needs help", lambda s: ~able(s) & (s.after[3.0]["score_gait"] < 1.2), 0.244, 45, PURI, 0.07, cord),
    Statistic(("N052",), "india", "neurological series: needs help to walk at 3 months, share", "gait item 1.2 or more", lambda s: s.after[3.0]["score_gait"] >= 1.2, 0.067, 45, PURI, 0.04, cord),
    # Cord disease.
    Statistic(("N033",), "cord", "cord series: MRI lesion, share", "half of scans at 40 % ill", ill_dorsal, 0.714, 36, SCD36, 0.08, cord_disease),
    Statistic(("N032",), "cord", "cord series: an evoked potential abnormal, share", "any of three, 2.5 SD", lambda s: 1.0 - (1.0 - abnormal(s, "SEP")) * (1.0 - abnormal(s, "VEP")) * (1.0 - abnormal(s, "MEP")), 1.0, 36, SCD36, 0.05, cord_disease),
    Statistic(("N034", "N035"), "cord", "cord series: demyelination at 3 months over before", "naked fibres of the cord, as myelin basic protein is read", demyelination_left, 0.568, 36, SCD36, 0.10, cord_disease, share=False),
    Statistic(("N030",), "cord", "cord series: haemoglobin, g/L", "before treatment", lambda s: 10.0 * s.before["haemoglobin"], 77.1, 36, SCD36, 12.0, cord_disease, share=False),
    Statistic(("N031",), "cord", "cord series: serum B12, pmol/L", "before treatment; ng/L as printed", lambda s: s.before["serum_b12"], 64.2, 36, SCD36, 20.0, cord_disease, share=False),
    Statistic(("N036",), "cord", "cord series: damage against haemoglobin, correlation", "dorsal columns", lambda s: correlation(s, "haemoglobin"), -0.19, 36, SCD36, 0.17, cord_disease, share=False),
    Statistic(("N036",), "cord", "cord series: damage against serum B12, correlation", "dorsal columns", lambda s: correlation(s, "serum_b12"), 0.09, 36, SCD36, 0.17, cord_disease, share=False),
    Statistic(("N026",), "cord", "cord series with lesion: no sign at 6 months, share", "score below 1; follow-up not seen, 6 months taken", lambda s: s.after[6.0]["score"] < 1.0, 0.14, 57, VASC, 0.05, with_lesion),
    Statistic(("N027",), "cord", "cord series with lesion: better, not complete, at 6 months, share", "first small step, score 1 or more", lambda s: improved(s, 6.0) & (s.after[6.0]["score"] >= 1.0), 0.86, 57, VASC, 0.06, with_lesion),
    Statistic(("N037",), "cord", "cord series, treated after 6 months: gain at 3 months", "share of the score; a small group's test was not significant", gained, NAN, 12, SCD36, NAN, late, share=False, low=0.0, high=0.36),
    # Nitrous oxide.
    Statistic(("N268",), "gas", "nitrous oxide: weeks of daily use to the first sign", "median of who walks badly; 12 weeks of use less 3", lambda s: float(np.median(s.onset[s.weight > 0.0])) / 7.0, 9.0, 7, "Adam2024", 5.0, walked_badly, share=False),
    Statistic(("N268",), "gas", "nitrous oxide: gait item at the start", "Rankin 3 read as 1.8", lambda s: s.before["score_gait"], 1.8, 7, "Adam2024", 0.4, walked_badly, share=False),
    Statistic(("N269",), "gas", "nitrous oxide: gait item at 5 months", "Rankin 1 read as 0.3", lambda s: s.after[5.0]["score_gait"], 0.3, 7, "Adam2024", 0.25, walked_badly, share=False),
    Statistic(("N269",), "gas", "nitrous oxide: some deficit at 5 months, share", "score above 0.5; 5 of 5", lambda s: s.after[5.0]["score"] > 0.5, 0.9, 5, "Adam2024", 0.1, walked_badly),
    Statistic(("N090",), "gas", "nitrous oxide: MRI shows the dorsal columns, share", "half of scans at 40 % ill; 20 of 20 in hospital", ill_dorsal, 1.0, 20, SWART, 0.10, walked_badly),
    Statistic(("N086",), "gas", "nitrous oxide: bedbound, share", "gait item 2.4 or more, of those in hospital", lambda s: s.before["score_gait"] >= 2.4, 0.35, 20, SWART, 0.12, walked_badly),
    Statistic(("N087",), "gas", "nitrous oxide: serum B12, pmol/L", "mean before treatment", lambda s: s.before["serum_b12"], 258.0, 20, SWART, 60.0, walked_badly, share=False),
    Statistic(("N088",), "gas", "nitrous oxide: active B12, pmol/L", "mean before treatment", lambda s: s.before["holotranscobalamin"], 87.0, 20, SWART, 25.0, walked_badly, share=False),
    Statistic(("N089",), "gas", "nitrous oxide: homocysteine, umol/L", "mean before treatment", lambda s: s.before["homocysteine"], 51.0, 20, SWART, 15.0, walked_badly, share=False),
    Statistic(("N092", "N097"), "gas", "nitrous oxide: unsteady gait, share", "felt, of those in hospital", lambda s: s.before["symptom_gait"], 0.95, 20, "GaoHui2023", 0.07, walked_badly),
    Statistic(("N093", "N096"), "gas", "nitrous oxide: weakness, share", "felt, of those in hospital", lambda s: s.before["symptom_weakness"], 0.95, 20, "GaoHui2023", 0.07, walked_badly),
    Statistic(("N094",), "gas", "nitrous oxide: tingling, share", "felt, of those in hospital", lambda s: s.before["symptom_tingling"], 0.70, 20, "GaoHui2023", 0.10, walked_badly),
    # Old people whose memory failed.
    Statistic(("N077",), "mind", "MMSE gained, trouble for less than 12 months, points", "MMSE below 26, serum below 300 pg/mL; at 12 months", lambda s: gain_of_mind(s, 12.0), 6.0, 28, "Abyad2002", 2.0, lambda s: forgetful_for(s, 0.0, YEAR), share=False),
    Statistic(("N078",), "mind", "MMSE gained, trouble for more than 12 months, points", "the same", lambda s: gain_of_mind(s, 12.0), 4.0, 28, "Abyad2002", 3.0, lambda s: forgetful_for(s, YEAR, 1e9), share=False),
    Statistic(("N076",), "mind", "improved cognitively, share", "MMSE 2 points or more up at 12 months", lambda s: gain_of_mind(s, 12.0) >= 2.0, 0.714, 56, "Abyad2002", 0.10, forgetful),
    Statistic(("N081",), "mind", "mild trouble of memory: MMSE better at 3 months, share", "MMSE 21 to 28 before; a point or more up", lambda s: gain_of_mind(s, 3.0) >= 1.0, 0.782, 202, "Cureus2020-MCI", 0.12, lambda s: (s.before["mmse"] < 28.0) & (s.before["mmse"] >= 21.0)),
)  # fmt: skip
"""Every number of a series, in the order of the page."""
