"""How `corrin assess` does: against the person-level posterior, and on people of a survey. Writes docs/assess-checks.md.

    python scripts/assess_checks.py FILE.csv [--people N] [--keep FILE.json]

Virtual people and the examples: what `assess` says against the posterior of the person (a large crowd of simulated people, each weighed by
how well the results agree with it; for the examples, and some of the virtual people as a check of the crowd, `inference/update`). What has
been done is kept in `--keep`, so that a run goes on where it was cut off.

Survey: methylmalonic acid above three limits is predicted from serum B12, homocysteine, age and creatinine; it is itself no input, and
neither is cB12. The table behind `assess` was not fitted to these rows (its population was to a few of their quantiles), but for
two numbers: how often something other than B12 rules homocysteine, and methylmalonic acid. They are chosen from other people than those
they are tried on, as the regressions beside it are fitted. Intervals are bootstraps over people. Creatinine of 1999-2000 is brought to the
standard first, as the survey's own notes on its data advise (Selvin E, et al. Am J Kidney Dis 2007;50:918-26).
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corrin.answers.assess.state import Evidence, bands_at, beyond_usual, exceeds, posterior
from corrin.case.observe import egfr_ckd_epi_2021
from corrin.facts.deficiency import KINDS_OF_RESULTS, LIMITS, WHOM, deficiency, stated
from corrin.inference.survey import read_table
from person_level import CROWD as CROWD_SIZE
from person_level import DRAWS, Compared, crowd_against_sampler, examples, virtual

Floats = NDArray[np.float64]
LIMITS_UMOL_L = (0.271, 0.376, 0.75)
CREATININE_MG_DL = 1.5
FOLDS, BOOTSTRAPS, ADULT_Y = 10, 400, 20.0
PAGE = Path(__file__).resolve().parents[1] / "docs" / "assess-checks.md"
NAMES = ("serum_b12", "homocysteine")
SHARES = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1)
"""Tried for how often something other than B12 rules homocysteine; more than one in ten is not believed, whatever the score."""
MMA_SHARES = (0.0, 0.001, 0.002)
"""Tried for how often something other than B12 and kidneys rules methylmalonic acid."""
OLD_CYCLE, STANDARD_SLOPE, STANDARD_MG_DL = "1999-2000", 1.013, 0.147
"""Standard creatinine = 1.013 x measured + 0.147 mg/dL in the first cycle (the survey's notes on its biochemistry file)."""
PROMISED = (0.85, 1.15)
"""Slopes of calibration that count as chances meaning what they say."""


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
    """Adults with B12, MMA, homocysteine and a standard creatinine of at most 1.5 mg/dL."""
    table = read_table(path)
    columns = [table.get(name) for name in ("age_y", "male", "b12_pmol_l", "mma_umol_l", "thcy_umol_l", "creat_mg_dl")]
    columns[5] = np.where(_old_cycle(path), STANDARD_SLOPE * columns[5] + STANDARD_MG_DL, columns[5])
    whole = np.all(np.isfinite(columns), axis=0) & (columns[5] <= CREATININE_MG_DL)
    return Rows(*(column[whole] for column in columns))


def _old_cycle(path: str | Path) -> NDArray[np.bool_]:
    """Whether each adult was asked in the first cycle; nobody where the table does not tell."""
    with Path(path).open(encoding="utf-8-sig", newline="") as lines:
        adults = [row for row in csv.DictReader(lines) if float(row["age_y"] or "nan") >= ADULT_Y]
    return np.array([row.get("cycle") == OLD_CYCLE for row in adults])


@dataclass(frozen=True)
class Predicted:
    """Chance of MMA above each limit, (people, limits): as B12 and kidneys rule it, and as something else does."""

    usual: Floats
    otherwise: Floats

    def mixed(self, share: float) -> Floats:
        """With something else ruling it in so many people."""
        return (1.0 - share) * self.usual + share * self.otherwise


def predicted(rows: Rows, share: float) -> Predicted:
    """Chances of these people; `share`: how often something other than B12 rules homocysteine."""
    table = deficiency()
    fit = table.central["community"]
    usual, otherwise = (np.empty((len(rows.age_y), len(LIMITS_UMOL_L))) for _ in range(2))
    for k, age in enumerate(rows.age_y):
        egfr = egfr_ckd_epi_2021(max(float(rows.creatinine[k]), 0.2), float(age), "male" if rows.male[k] > 0.5 else "female")
        kidney = math.log(egfr / 90.0)
        seen = [
            Evidence(name, x := math.log(value), x, outside=share if name == "homocysteine" else 0.0)
            for name, value in zip(NAMES, (rows.b12[k], rows.homocysteine[k]), strict=True)
        ]
        bands = posterior(fit, table, bands_at(fit, table, float(age)), seen, float(age), kidney)
        more = beyond_usual(fit, table, seen, float(age), kidney)
        for place, limit in enumerate(LIMITS_UMOL_L):
            for chances, outside in ((usual, 0.0), (otherwise, 1.0)):
                chances[k, place] = exceeds(fit, bands, "mma", math.log(1000.0 * limit), float(age), kidney, more, outside)
    return Predicted(usual, otherwise)


def folds(count: int) -> NDArray[np.int64]:
    """Which tenth each person is in."""
    return np.random.default_rng(1).integers(0, FOLDS, count)


def chosen_without(rows: Rows) -> tuple[Floats, list[tuple[float, float]]]:
    """Chances with the two shares that suit everybody else, and the shares each tenth got: of those whose chances mean what they say at
    every limit (of all, where there is none) the ones with the best log score."""
    by_share = {share: predicted(rows, share) for share in SHARES}
    tried = {(share, other): by_share[share].mixed(other) for share in SHARES for other in MMA_SHARES}
    above = rows.mma_umol[:, None] > np.array(LIMITS_UMOL_L)
    scores = {both: np.where(above, np.log(np.clip(p, 1e-6, 1)), np.log(np.clip(1 - p, 1e-6, 1))).sum(axis=1) for both, p in tried.items()}
    fold, out, got = folds(len(rows.age_y)), np.empty(above.shape), []

    def suits(both: tuple[float, float], others: NDArray[np.bool_]) -> tuple[bool, float]:
        said = logit(tried[both][others])
        slopes = [logistic(said[:, place][:, None], above[others, place].astype(float))[1] for place in range(len(LIMITS_UMOL_L))]
        return all(PROMISED[0] <= slope <= PROMISED[1] for slope in slopes), float(scores[both][others].sum())

    for k in range(FOLDS):
        others = fold != k
        best = max(tried, key=lambda both, others=others: suits(both, others))  # type: ignore[misc]
        out[fold == k] = tried[best][fold == k]
        got.append(best)
    return out, got


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
    fold = folds(len(above))
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


def check(rows: Rows, said: Floats) -> list[Checked]:
    """All limits; `said`: chances (people, limits)."""
    random = np.random.default_rng(2)
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

The table is made from the population by `scripts/distil.py` and tried on other simulated people. Calibration of the population: {state}.
Floor: {floor:g} % of a replete person's activity. Chances are compared as log odds; below 0.1 % and above 99.9 % they count as the same.

## Against the posterior of the person

{count} virtual people: of a survey, of a clinic, and with a history told, each with their eGFR and one of ten patterns of results, from
serum B12 alone to all six markers, as a laboratory reports them. The posterior of the person comes from a crowd of {crowd:,} simulated
people like them ({told:,} with the same history), each weighed by how well the results agree, by the rule a forecast uses; it knows nothing
of the table. Left out of the comparison: people whom so few of the crowd resemble that their own log odds are not known to 0.5.

Stated error: what `distil.py` found on other people, with histories at other ages, by the results at hand, whom (of the community, of a
clinic, with a history told) and what the table says (below); it is part of every interval shown. Agrees: within nine tenths of the stated
error (and of the chance of the crowd).

| people | function: compared | agree | inside the interval | error | largest difference | MMA: compared | agree | error | largest |
|---|---|---|---|---|---|---|---|---|---|
"""
WHY = """
What the differences are. Homocysteine and the blood count are read with an allowance that the population has not (something else rules
homocysteine in one of ten, the blood count in one of ten; the blood count is spared in 17 to 28 of 100 clear deficiencies), because people
have it: without it the chances were too sure in the survey below; and methylmalonic acid with one of a thousand. By pattern of results:

| results | people | agree | error, log odds | on average | largest difference | width of the interval shown, half the people |
|---|---|---|---|---|---|---|
"""
STATED = """
### The error stated

In log odds, by the result that says most and by the chance said: of the community, of a clinic, and with a history told.

| asked, results | {spans} |
|---|{lines}|
"""
CROWD = """
### The crowd against the sampler of forecasts

The same question asked of `inference/update`, twice, with {draws} draws, people of the clinic:

| person | results | table | crowd | sampler |
|---|---|---|---|---|
"""
EXAMPLES = """
## The examples

By `inference/update`, twice, with {draws} draws, from the results alone (how far the two lie apart counts as its chance): `assess` leaves
signs to the doctor, a forecast does not. {agree} of {all} agree within the stated error{mma}.
{rule} differ by a rule: a result is shifted or set aside (last column), or read with the allowances above, without which the
two agree ("without"), while the sampler has the mechanism alone. {left}

| example | results | table | shown | without | sampler | agrees | what is read by a rule |
|---|---|---|---|---|---|---|---|
"""
REGIONS = """
## People it was not made from, simulated

Where it said a probability, the share of people whose function truly lies below the floor; eight patterns of results, both spectra.

| it said | people | mean said | true | error against the person's posterior |
|---|---|---|---|---|
"""
AREAS = """
| markers | community: AUC | clinic: AUC |
|---|---|---|
"""
TOLD = """
## What single markers do in clear deficiency

Published shares beside those of the table, in people of the clinic below half of the floor (clear deficiency; most of it pernicious anaemia
in the series).

| what | published | table |
|---|---|---|
"""
SURVEY = """
## People of a survey

{people:,} adults (NHANES 1999-2002, a subset of the files, unweighted, creatinine at most 1.5 mg/dL). Is methylmalonic acid above a limit?
From serum B12, homocysteine, age and creatinine; methylmalonic acid and cB12 are no inputs. Beside it two logistic regressions on the same
four, fitted to these very people and predicted out of fold. In brackets 5 to 95 % of {boots} bootstraps. The creatinine of 1999-2000 was
brought to the standard, as the survey advises. How often something other than B12 rules homocysteine was chosen out of fold as well, of
{shares}, and methylmalonic acid, of {others}: the tenths of the people got {got}. Without these allowances the slopes were {before}:
homocysteine alone was trusted too far, and methylmalonic acid above 0.75 µmol/L taken to have no other reason.

| MMA above, µmol/L | people above | mean said | AUC, corrin | logistic on logs | logistic as printed | corrin less the better | slope |
|---|---|---|---|---|---|---|---|
"""


def agreement(rows: Sequence[Compared]) -> str:
    """One row of the table: what was compared, the share that agrees, the error and the largest difference; function, then MMA."""
    parts = []
    for mma in (False, True):
        mine = [row for row in rows if row.counts(mma)]
        if not mine:
            parts.append("0 | – | – | –" if mma else "0 | – | – | – | –")
            continue
        gaps = np.array([row.gap(mma) for row in mine])
        error = math.sqrt(max(float((gaps**2).mean()) - float(np.mean([(row.sd_mma if mma else row.sd) ** 2 for row in mine])), 0.0))
        apart = max(abs(row.said_mma - row.true_mma) if mma else abs(row.said - row.true) for row in mine)
        share = sum(row.agrees(mma) for row in mine) / len(mine)
        inside = "" if mma else f" | {sum(row.low <= row.true <= row.high for row in mine) / len(mine):.0%}"
        parts.append(f"{len(mine)} | {share:.0%}{inside} | {error:.2f} | {apart:.2f}")
    return " | ".join(parts)


def stated_errors() -> str:
    """The table's own errors."""
    table = deficiency()
    spans = " | ".join(f"{low:.0%} to {high:.0%}" for low, high in pairwise(LIMITS))
    lines = [STATED.format(spans=spans, lines="|".join("---" for _ in LIMITS[1:]))]
    for quantity, words in (("function", "function"), ("mma", "MMA")):
        for kind in KINDS_OF_RESULTS:
            if quantity == "mma" and kind == "methylmalonic acid":
                continue
            rows = [table.errors[f"{quantity}, {kind}, {whom}"] for whom in WHOM]
            cells = " | ".join(", ".join(f"{error:.2f}" for error in each) for each in zip(*rows, strict=True))
            lines.append(f"| {words}, {kind} | {cells} |\n")
    return "".join(lines)


def in_clear_deficiency() -> list[tuple[str, float, float]]:
    """Words, published share and the table's, of what markers do in clear deficiency."""
    table, share = deficiency(), stated()
    fit = table.central["clinic"]
    clear = [place for place in range(table.below) if table.edges[place + 1] <= 0.5 * table.floor_percent]
    bands = bands_at(fit, table, 65.0)
    weights = [bands[place] / sum(bands[k] for k in clear) if place in clear else 0.0 for place in range(len(bands))]

    def above(marker: str, limit: float) -> float:
        return exceeds(fit, weights, marker, math.log(limit), 65.0, None)

    free = share["spared_haemoglobin"].value, share["spared_mcv"].value
    return [
        ("methylmalonic acid above 400 nmol/L (published: more than 3 SD above the mean; Savage 1994)", 0.984, above("mma", 400.0)),
        ("homocysteine above 15 µmol/L (published: more than 3 SD above the mean; Savage 1994)", 0.959, above("homocysteine", 15.0)),
        ("haemoglobin of 12 g/dL or more (published: normal haematocrit; Savage 1994)", 0.28,
         free[0] + (1.0 - free[0]) * above("haemoglobin", 12.0)),
        ("MCV of 100 fL or less (published: normal MCV; Savage 1994)", 0.17, free[1] + (1.0 - free[1]) * (1.0 - above("mcv", 100.0))),
        ("serum B12 below 148 pmol/L (published: about 0.95 to 0.97 of those with signs; NHG 2014)", 0.96, 1.0 - above("serum_b12", 148.0)),
    ]  # fmt: skip


def page(people: Sequence[Compared], both: Sequence[tuple[Compared, Compared]], told: Sequence[Compared], rows: Rows) -> str:
    """The page."""
    table = deficiency()
    lines = [HEAD.format(state=table.made["calibration"], floor=table.floor_percent, count=len(people), crowd=CROWD_SIZE,
                         told=CROWD_SIZE // 3)]  # fmt: skip
    for group in dict.fromkeys(row.group for row in people):
        mine = [row for row in people if row.group == group]
        lines.append(f"| {group} ({len(mine)}) | {agreement(mine)} |\n")
    lines.append(f"| **all ({len(people)})** | {agreement(people)} |\n")
    lines.append(WHY)
    for markers in dict.fromkeys(row.markers for row in people):
        mine = [row for row in people if row.markers == markers and row.counts()]
        if mine:
            gaps = np.array([row.gap() for row in mine])
            apart = max(abs(row.said - row.true) for row in mine)
            name = ", ".join(markers).replace("_", " ")
            agree = sum(row.agrees() for row in mine) / len(mine)
            wide = float(np.median([row.high - row.low for row in mine]))
            error = math.sqrt(float((gaps**2).mean()))
            lines.append(f"| {name} | {len(mine)} | {agree:.0%} | {error:.2f} | {gaps.mean():+.2f} | {apart:.2f} | {wide:.2f} |\n")
    lines.append(stated_errors())
    lines.append(CROWD.format(draws=DRAWS))
    for number, (first, second) in enumerate(both, start=1):
        lines.append(f"| {number} | {', '.join(first.markers)} | {first.said:.3f} | {first.true:.3f} | {second.true:.3f} |\n")
    agree = sum(row.agrees() for row in told)
    others = [row for row in told if row.counts(True)]
    mma = f"; of {len(others)} without a measured MMA, {sum(row.agrees(True) for row in others)} on that" if others else ""
    rule = sum(row.by_rule() for row in told if not row.agrees())
    odd = len(told) - agree - rule
    left = f"Differences of which the reason is not known: {odd}."
    lines.append(EXAMPLES.format(draws=DRAWS, agree=agree, all=len(told), mma=mma, rule=rule, left=left))
    for row in told:
        name, yes = row.group.removeprefix("example "), "yes" if row.agrees() else "by a rule" if row.by_rule() else "**no**"
        shown = f"{row.low:.3f} to {row.high:.3f}"
        plain = "–" if row.plain is None else f"{row.plain:.3f}"
        lines.append(f"| {name} | {', '.join(row.markers)} | {row.said:.3f} | {shown} | {plain} | {row.true:.3f} | {yes} | {row.note} |\n")
    lines.append(REGIONS)
    lines += [f"| {r.low:.0%} to {r.high:.0%} | {r.people:,} | {r.said:.3f} | {r.true:.3f} | {r.error:.2f} |\n" for r in table.regions]
    lines.append(AREAS)
    for name in [key.removeprefix("community: ") for key in table.auc if key.startswith("community: ")]:
        lines.append(f"| {name} | {table.auc[f'community: {name}']:.3f} | {table.auc[f'clinic: {name}']:.3f} |\n")
    lines.append(TOLD)
    lines += [f"| {words} | {published:.2f} | {mine:.2f} |\n" for words, published, mine in in_clear_deficiency()]
    return "".join(lines) + survey_page(rows)


def survey_page(rows: Rows) -> str:
    """The part on people of a survey."""
    said, got = chosen_without(rows)
    plain = check(rows, predicted(rows, 0.0).usual)
    found = check(rows, said)
    before = ", ".join(f"{row.slope[0]:.2f}" for row in plain)
    chosen = " or ".join(f"{share:g} and {other:g}" for share, other in sorted(set(got)))
    shares, others = (", ".join(f"{share:g}" for share in row) for row in (SHARES, MMA_SHARES))
    lines = [SURVEY.format(people=found[0].people, boots=BOOTSTRAPS, shares=shares, others=others, got=chosen, before=before)]
    for row in found:
        areas = " | ".join(f"{value:.3f} ({low:.3f} to {high:.3f})" for value, (low, high) in zip(row.areas, row.area_spans, strict=True))
        gap, slope = (f"{v[0]:.3f} ({v[1]:.3f} to {v[2]:.3f})" for v in (row.difference, row.slope))
        lines.append(
            f"| {row.limit:g} | {row.positive} | {row.said:.3f} (true {row.positive / row.people:.3f}) | {areas} | {gap} | {slope} |\n"
        )
    return "".join(lines)


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("survey", help="the survey's rows, CSV")
    reader.add_argument("--people", type=int, default=500)
    reader.add_argument("--keep", type=Path, default=None)
    asked = reader.parse_args()
    people = virtual(asked.people, asked.keep)
    print(agreement(people), file=sys.stderr)
    told = examples(asked.keep)
    both = crowd_against_sampler(6, asked.keep)
    PAGE.write_text(page(people, both, told, rows_of(asked.survey)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
