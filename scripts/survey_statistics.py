"""Statistics of a health survey's people and markers, for the calibration; the rows themselves stay where they are.

    python scripts/survey_statistics.py FILE.csv

writes facts/population/survey_people.csv (who they are, by five years of age) and survey_markers.csv (what was measured in them).
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from corrin.inference.survey import read_table, summarise

HOME = Path(__file__).resolve().parents[1] / "src" / "corrin" / "facts" / "population"
PILLS_UG = (0.1, 10.0, 100.0)
"""Supplements told: none below the first, then three classes, each with its own geometric mean."""


def main(path: str) -> None:
    """Write both tables."""
    table = read_table(path)
    table = table.only(np.isfinite(table.get("b12_pmol_l")))
    age, male = table.get("age_y"), table.get("male")
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "survey_people.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["age_low_y", "age_high_y", "n", "male", "diet_log_mean", "diet_log_sd", "pill_none", "pill_low", "pill_low_ug",
                      "pill_middle", "pill_middle_ug", "pill_high", "pill_high_ug", "metformin", "ppi", "h2ra", "creatinine_men_log_mean",
                      "creatinine_men_log_sd", "creatinine_women_log_mean", "creatinine_women_log_sd"])  # fmt: skip
        for low in range(20, 90, 5):
            inside = (age >= low) & ((age < low + 5) if low < 85 else (age >= low))
            if inside.sum() < 20:
                continue
            diet = np.log(np.maximum(table.get("diet_b12_ug_d")[inside], 0.2))
            diet = diet[np.isfinite(diet)]
            pill = table.get("suppl_b12_ug", 0.0)[inside]
            row: list[object] = [low, low + 5, int(inside.sum()), round(float(np.nanmean(male[inside])), 3), round(float(diet.mean()), 3),
                                 round(float(diet.std()), 3), round(float((pill < PILLS_UG[0]).mean()), 3)]  # fmt: skip
            for start, end in zip(PILLS_UG, (*PILLS_UG[1:], np.inf), strict=True):
                some = pill[(pill >= start) & (pill < end)]
                row += [round(len(some) / len(pill), 3), round(float(np.exp(np.log(some).mean())), 1) if len(some) else ""]
            row += [round(float(table.get(drug, 0.0)[inside].mean()), 4) for drug in ("metformin", "ppi", "h2ra")]
            for sex in (1.0, 0.0):
                mg = np.log(table.get("creat_mg_dl")[inside & (male == sex)])
                mg = mg[np.isfinite(mg)]
                row += [round(float(np.median(mg)), 3), round(float((np.quantile(mg, 0.84) - np.quantile(mg, 0.16)) / 2.0), 3)]
            out.writerow(row)
    found = summarise(age, table.get("creat_mg_dl"), table.markers())
    with (HOME / "survey_markers.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["what", "reading", "other", "band", "quantile", "value", "unit", "n", "source", "at", "how", "seen"])
        said = ("NHANES1999-2002", "adults of 20 years and more in a subset of the files; not nationally representative",
                "computed", "derived")  # fmt: skip
        units = {"serum_b12": "pmol/L", "mma": "nmol/L", "homocysteine": "umol/L"}
        for (reading, band, q), value in found.quantiles.items():
            out.writerow(["quantile", reading, "", band, q, f"{value:.5g}", units[reading], found.counts[band], *said])
        for band, value in found.mma_by_b12.items():
            out.writerow(["median by serum B12", "mma", "serum_b12", band, 0.5, f"{value:.5g}", "nmol/L", table.count, *said])
        for (one, other), value in found.correlations.items():
            out.writerow(["rank correlation", one, other, "", "", f"{value:.3f}", "1", table.count, *said])


if __name__ == "__main__":
    main(sys.argv[1])
