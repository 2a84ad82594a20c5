"""The seam between the model and the check of a table of people: a table in, observed and predicted numbers out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

UNITS = {"serum_b12": "pmol/L", "mma": "nmol/L", "homocysteine": "umol/L"}


@dataclass(frozen=True)
class ComparedPeople:
    """(what, name, unit, observed, predicted) of each number; how finely each unit was reported; who failed; chance error of a median."""

    people: int
    failed: int
    chance_error: float
    resolution: dict[str, float]
    numbers: tuple[tuple[str, str, str, float, float], ...]


def compare_people(path: Path, seed: int, tell: Callable[[str, float], None]) -> ComparedPeople:
    """Simulate everybody of a table and summarise their markers as measured and as simulated, for those in whom they were measured."""
    import numpy as np

    from corrin.inference.population import population, the_kernel
    from corrin.inference.survey import MARKERS, fitted_assumptions, read_table, simulate_people, summarise

    table = read_table(path)
    observed = table.markers()
    levels, _, ran = simulate_people(table, the_kernel(), population(), fitted_assumptions(), seed, tell)
    same = {name: np.where(np.isfinite(observed[name]), levels[name], np.nan) for name in MARKERS}
    age, creatinine = table.get("age_y"), table.get("creat_mg_dl")
    seen, made = summarise(age, creatinine, observed), summarise(age, creatinine, same)
    numbers: list[tuple[str, str, str, float, float]] = []
    for (reading, band, q), value in seen.quantiles.items():
        if (reading, band, q) in made.quantiles:
            name = f"{reading}, {band}, {100 * q:g} %"
            numbers.append(("quantile by age", name, UNITS[reading], value, made.quantiles[(reading, band, q)]))
    for band, value in seen.mma_by_b12.items():
        if band in made.mma_by_b12:
            numbers.append(("median by serum B12", f"mma, serum B12 {band}", UNITS["mma"], value, made.mma_by_b12[band]))
    for (one, other), value in seen.correlations.items():
        if (one, other) in made.correlations:
            numbers.append(("rank correlation", f"{one} with {other}", "1", value, made.correlations[(one, other)]))
    spread = float(np.nanstd(np.log(np.maximum(levels["mma"][ran], 1e-9)))) if ran.any() else 0.0
    resolution = {UNITS[name]: _resolution(observed[name]) for name in MARKERS}
    return ComparedPeople(table.count, int((~ran).sum()), 1.2533 * spread / max(1.0, float(ran.sum())) ** 0.5, resolution, tuple(numbers))


def _resolution(values: object) -> float:
    """The unit in which a marker was reported: the smallest step between different values, as far as there are any."""
    import numpy as np

    seen = np.unique(np.asarray(values, float))
    seen = seen[np.isfinite(seen)]
    return float(np.quantile(np.diff(seen), 0.05)) if len(seen) > 20 else 0.0
