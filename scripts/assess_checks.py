"""How `corrin assess` does on people of a survey, beside logistic regressions fitted to those same people: docs/assess-checks.md.

    python scripts/assess_checks.py FILE.csv

Methylmalonic acid above three limits is predicted from serum B12, homocysteine, age and creatinine; it is itself no input, and neither is
cB12. The table behind `assess` was not fitted to these rows (its population was to a few of their quantiles); the regressions are predicted
out of fold. Intervals are bootstraps over people.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corrin.answers.assess.state import Evidence, bands_at, exceeds, posterior
from corrin.case.observe import egfr_ckd_epi_2021
from corrin.facts.deficiency import deficiency
from corrin.inference.survey import read_table

Floats = NDArray[np.float64]
LIMITS_UMOL_L = (0.271, 0.376, 0.75)
CREATININE_MG_DL = 1.5
FOLDS, BOOTSTRAPS = 10, 400
PAGE = Path(__file__).resolve().parents[1] / "docs" / "assess-checks.md"
NAMES = ("serum_b12", "homocysteine")


@dataclass(frozen=True)
class Rows:
    """People with all that is needed: columns (people,)."""

    age_y: Floats
    male: Floats
    b12: Floats
    mma_umol: Floats
    homocysteine: Floats
    creatinine: Floats


def rows_of(path: str | Path) -> Rows:
    """Adults with B12, MMA, homocysteine and a creatinine of at most 1.5 mg/dL."""
    table = read_table(path)
    columns = [table.get(name) for name in ("age_y", "male", "b12_pmol_l", "mma_umol_l", "thcy_umol_l", "creat_mg_dl")]
    whole = np.all(np.isfinite(columns), axis=0) & (columns[5] <= CREATININE_MG_DL)
    return Rows(*(column[whole] for column in columns))


def predicted(rows: Rows) -> Floats:
    """Chance of MMA above each limit, (people, limits)."""
    table = deficiency()
    out = np.empty((len(rows.age_y), len(LIMITS_UMOL_L)))
    for k, age in enumerate(rows.age_y):
        egfr = egfr_ckd_epi_2021(max(float(rows.creatinine[k]), 0.2), float(age), "male" if rows.male[k] > 0.5 else "female")
        kidney = math.log(egfr / 90.0)
        seen = [Evidence(name, x := math.log(value), x) for name, value in zip(NAMES, (rows.b12[k], rows.homocysteine[k]), strict=True)]
        bands = posterior(table.central, table, bands_at(table.central, table, "community", float(age)), seen, float(age), kidney)
        for place, limit in enumerate(LIMITS_UMOL_L):
            out[k, place] = exceeds(table.central, bands, "mma", math.log(1000.0 * limit), float(age), kidney)
    return out


def logit(p: Floats) -> Floats:
    """Log odds."""
    q = np.clip(p, 1e-6, 1.0 - 1e-6)
    return np.asarray(np.log(q / (1.0 - q)))


def logistic(x: Floats, y: Floats) -> Floats:
    """Coefficients of a logistic regression, intercept first (Newton)."""
    full = np.column_stack([np.ones(len(x)), x])
    beta = np.zeros(full.shape[1])
    for _ in range(60):
        p = 1.0 / (1.0 + np.exp(-np.clip(full @ beta, -30.0, 30.0)))
        step = np.linalg.solve((full * (p * (1.0 - p) + 1e-9)[:, None]).T @ full, full.T @ (y - p))
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return beta


def out_of_fold(rows: Rows, above: Floats, logs: bool) -> Floats:
    """Log odds of a logistic regression on B12, homocysteine, age and creatinine, each person by the others' fit."""
    parts = [rows.b12, rows.homocysteine, rows.creatinine]
    x = np.column_stack([*(np.log(part) if logs else part / part.mean() for part in parts), rows.age_y / 10.0])
    fold = np.random.default_rng(1).integers(0, FOLDS, len(above))
    found = np.empty(len(above))
    for k in range(FOLDS):
        beta = logistic(x[fold != k], above[fold != k])
        found[fold == k] = beta[0] + x[fold == k] @ beta[1:]
    return found


def area(score: Floats, above: Floats) -> float:
    """Area under the ROC curve."""
    from scipy.stats import rankdata

    positive = above > 0.5
    count = positive.sum()
    return float((rankdata(score)[positive].sum() - count * (count + 1) / 2) / (count * (len(above) - count)))


@dataclass(frozen=True)
class Checked:
    """One limit: areas (corrin, logistic on logs, logistic as printed), slope and intercept, each with its 5 and 95 %."""

    limit: float
    people: int
    positive: int
    said: float
    areas: tuple[float, float, float]
    area_spans: tuple[tuple[float, float], ...]
    difference: tuple[float, float, float]
    slope: tuple[float, float, float]


def check(rows: Rows) -> list[Checked]:
    """All limits."""
    said, random = predicted(rows), np.random.default_rng(2)
    draws = [random.integers(0, len(rows.age_y), len(rows.age_y)) for _ in range(BOOTSTRAPS)]
    made = []
    for place, limit in enumerate(LIMITS_UMOL_L):
        above = (rows.mma_umol > limit).astype(float)
        mine = logit(said[:, place])
        scores = (mine, out_of_fold(rows, above, True), out_of_fold(rows, above, False))
        areas = np.array([[area(score[d], above[d]) for score in scores] for d in draws])
        slopes = [logistic(mine[d][:, None], above[d])[1] for d in draws]
        gaps = areas[:, 0] - areas[:, 1:].max(axis=1)
        best = tuple(area(score, above) for score in scores)
        made.append(
            Checked(
                limit, len(above), int(above.sum()), float(said[:, place].mean()), best,  # type: ignore[arg-type]
                tuple(tuple(np.quantile(areas[:, k], [0.05, 0.95])) for k in range(3)),  # type: ignore[misc]
                (best[0] - max(best[1:]), *np.quantile(gaps, [0.05, 0.95])),  # type: ignore[arg-type]
                (float(logistic(mine[:, None], above)[1]), *np.quantile(slopes, [0.05, 0.95])),  # type: ignore[arg-type]
            )
        )  # fmt: skip
    return made


HEAD = """<!-- Written by scripts/assess_checks.py; do not edit. -->

# How `corrin assess` does

## People it was not made from, simulated

The table is made from the population by `scripts/distil.py`, then tried on other simulated people, with eight patterns of markers, in both
spectra. Where it said a probability, the share of people whose B12 function truly lies below the floor ({floor:g} % of a replete person's
activity). Error: beyond chance, in log odds; it is part of every interval shown. Calibration of the population: {state}.

| it said | people | mean said | true | error |
|---|---|---|---|---|
"""
AREAS = """
| markers | community: AUC | clinic: AUC |
|---|---|---|
"""
SURVEY = """
## People of a survey

{people:,} adults (NHANES 1999-2002, a subset of the files, unweighted, creatinine at most 1.5 mg/dL). Is methylmalonic acid above a limit?
From serum B12, homocysteine, age and creatinine; methylmalonic acid and cB12 are no inputs. Beside it two logistic regressions on the same
four, fitted to these very people and predicted out of fold. In brackets 5 to 95 % of {boots} bootstraps.

| MMA above, µmol/L | people above | mean said | AUC, corrin | logistic on logs | logistic as printed | corrin less the better | slope |
|---|---|---|---|---|---|---|---|
"""


def page(found: list[Checked]) -> str:
    """The page."""
    table = deficiency()
    lines = [HEAD.format(floor=table.floor_percent, state=table.made["calibration"])]
    lines += [f"| {r.low:.0%} to {r.high:.0%} | {r.people:,} | {r.said:.3f} | {r.true:.3f} | {r.error:.2f} |\n" for r in table.regions]
    lines.append(AREAS)
    for name in [key.removeprefix("community: ") for key in table.auc if key.startswith("community: ")]:
        lines.append(f"| {name} | {table.auc[f'community: {name}']:.3f} | {table.auc[f'clinic: {name}']:.3f} |\n")
    lines.append(SURVEY.format(people=found[0].people, boots=BOOTSTRAPS))
    for row in found:
        areas = " | ".join(f"{value:.3f} ({low:.3f} to {high:.3f})" for value, (low, high) in zip(row.areas, row.area_spans, strict=True))
        gap, slope = (f"{v[0]:.3f} ({v[1]:.3f} to {v[2]:.3f})" for v in (row.difference, row.slope))
        lines.append(
            f"| {row.limit:g} | {row.positive} | {row.said:.3f} (true {row.positive / row.people:.3f}) | {areas} | {gap} | {slope} |\n"
        )
    return "".join(lines)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(page(check(rows_of(sys.argv[1]))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
