"""Under 16: reference intervals and intakes, and no verdict."""

from __future__ import annotations

from typing import Any

from corrin.case.case import Case
from corrin.facts.children import intervals
from corrin.facts.reader import analytes, intakes, sources

REFUSED = (
    "Under 16 no adult limit or rule holds, so no verdict, probability or regimen is given. Levels of children lie higher than those of "
    "adults: read a result against the laboratory's own interval for the age, and turn to a paediatrician; with signs of the nerves, "
    "anaemia or failure to thrive on the same day."
)


def for_child(case: Case) -> dict[str, Any]:
    """What can be said of a child: each result with the interval its own laboratory printed, and the reference intakes of the age."""
    rows = []
    for number, lab in enumerate(case.labs):
        if lab.reference_low is not None or lab.reference_high is not None:
            rows.append({"place": f"labs[{number}]", "analyte": lab.analyte, "value": lab.value, "word": lab.word, "unit": lab.unit,
                         "low": lab.reference_low, "high": lab.reference_high})  # fmt: skip
    found = [
        {"body": row.body, "measure": row.measure, "ug_day": row.value, "seen": row.seen, "source": row.source}
        for row in intakes()
        if row.nutrient == "vitamin B12" and row.state == "any" and row.value is not None and row.age_low_y <= case.age_y < row.age_high_y
    ]
    return {"refused": REFUSED, "own_intervals": rows, "published_intervals": published(case.age_y), "intakes": found}


def published(age_y: float) -> list[dict[str, Any]]:
    """Published reference intervals of the age, whether or not something was measured."""
    return [
        {"analyte": analytes()[row.analyte].name, "low": row.low, "high": row.high, "unit": row.unit, "whose": row.whose,
         "ages": f"{row.age_low_y:g} to under {row.age_high_y:g} years", "source": sources()[row.source].citation, "seen": row.seen}
        for row in intervals()
        if row.age_low_y <= age_y < row.age_high_y
    ]  # fmt: skip
