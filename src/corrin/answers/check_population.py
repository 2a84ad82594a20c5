"""Does the model make people as a survey found them? Quantiles by age, MMA by serum B12, correlations: predicted and observed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from corrin.answers import check_run, people_run
from corrin.answers.assemble import machine, versions
from corrin.answers.record import DISCLAIMER, Answer, Made, Record
from corrin.settings import checked

PROMISED_QUANTILE, PROMISED_BAND, PROMISED_CORRELATION = 0.15, 0.30, 0.12
"""What a prediction may be off: quantiles as a share (or one reported unit), medians of MMA by serum B12 as a share, correlations."""


class Compared(Record):
    """One number of the table beside the model's. `miss`: share of the observed (quantiles, medians) or difference (correlations)."""

    what: Literal["quantile by age", "median by serum B12", "rank correlation"]
    name: str
    unit: str
    observed: float
    predicted: float
    miss: float
    within: bool = Field(description="inside what was promised")


class Worst(Record):
    """The largest miss of a kind and where it is."""

    miss: float
    where: str


class PopulationSummary(Record):
    """The largest misses; `within`: share of all numbers inside what was promised."""

    people: int
    numbers: int
    within: float
    worst_quantile_miss: Worst | None = None
    worst_band_miss: Worst | None = None
    worst_correlation_miss: Worst | None = None


class PopulationCheck(Answer):
    """The answer to: does the model make people as a survey found them?"""

    format: Literal["corrin.check-population/1"] = "corrin.check-population/1"
    question: Literal["check population"] = "check population"
    disclaimer: str = DISCLAIMER
    verdict: str
    summary: PopulationSummary
    numbers: tuple[Compared, ...]
    made: Made

    @classmethod
    def schema_of_json(cls) -> dict[str, Any]:
        """The JSON Schema of this answer."""
        made = cls.model_json_schema(mode="serialization")
        title = "corrin.check-population/1: a survey's people, observed beside predicted"
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}

    def to_frame(self) -> dict[str, list[Any]]:
        """Every number as one row."""
        return {name: [getattr(number, name) for number in self.numbers] for name in Compared.model_fields}

    def text(self, width: int = 120) -> str:
        """The answer in plain words and a table."""
        del width
        lines = [self.verdict, ""]
        for what in ("quantile by age", "median by serum B12", "rank correlation"):
            some = [number for number in self.numbers if number.what == what]
            if some:
                lines += [f"{what}", f"  {'':44} {'observed':>10} {'predicted':>10} {'miss':>8}"]
            for number in some:
                miss = f"{number.miss:+8.2f}" if what == "rank correlation" else f"{100 * number.miss:+7.0f}%"
                lines.append(f"  {number.name:44} {number.observed:10.4g} {number.predicted:10.4g} {miss}{'' if number.within else '  *'}")
        lines += [
            "",
            "* outside what was promised (quantiles 15 % or one reported unit, medians 30 %, correlations 0.12).",
            "",
            self.disclaimer,
        ]
        return "\n".join(lines) + "\n"


def check_population(path: str | Path, seed: int = 1, progress: Callable[[str, float], None] | None = None) -> PopulationCheck:
    """Simulate the people of a table from their age, food, supplements, drugs and kidney, and compare their markers with those measured.

    The table is CSV with a header; `age_y` is needed; other columns are used when present: male, diet_b12_ug_d, suppl_b12_ug,
    metformin, ppi, h2ra, creat_mg_dl, and the markers b12_pmol_l (or b12_pg_ml), mma_umol_l, thcy_umol_l. Raises `InputError`.
    """
    seed = checked("seed", seed)
    tell = progress or (lambda what, share: None)
    tell("loading the model", 0.0)
    found = people_run.compare_people(Path(path), seed, tell)
    numbers = [
        _number(what, name, unit, observed, predicted, found.resolution.get(unit, 0.0))
        for what, name, unit, observed, predicted in found.numbers
    ]
    if not numbers:
        verdict = "The table has no markers to compare, or too few people in every group."
    else:
        inside = sum(number.within for number in numbers)
        verdict = (
            f"{inside} of {len(numbers)} numbers of this table of {found.people} adults are met as promised. Nobody's markers were used: "
            "each person was simulated from what else the table tells of them."
        )
    basis = check_run.basis()
    return PopulationCheck(
        verdict=verdict,
        summary=PopulationSummary(
            people=found.people,
            numbers=len(numbers),
            within=sum(number.within for number in numbers) / len(numbers) if numbers else 0.0,
            worst_quantile_miss=_worst(numbers, "quantile by age"),
            worst_band_miss=_worst(numbers, "median by serum B12"),
            worst_correlation_miss=_worst(numbers, "rank correlation"),
        ),
        numbers=tuple(numbers),
        made=Made(
            versions=versions(),
            hashes=basis.hashes,
            seed=seed,
            draws=found.people,
            effective_sample_size=float(found.people),
            options={"calibrated": basis.calibrated},
            input_hash=hashlib.sha256(Path(path).read_bytes()).hexdigest(),
            platform=machine(),
            failed_people=found.failed,
            monte_carlo_error=found.chance_error,
        ),
    )


def _number(what: Any, name: str, unit: str, observed: float, predicted: float, resolution: float) -> Compared:
    if what == "rank correlation":
        miss = predicted - observed
        within = abs(miss) <= PROMISED_CORRELATION
        return Compared(what=what, name=name, unit=unit, observed=observed, predicted=predicted, miss=miss, within=within)
    miss = predicted / observed - 1.0
    limit = PROMISED_BAND if what == "median by serum B12" else PROMISED_QUANTILE
    within = abs(miss) <= limit or abs(predicted - observed) <= resolution
    return Compared(what=what, name=name, unit=unit, observed=observed, predicted=predicted, miss=miss, within=within)


def _worst(numbers: list[Compared], what: str) -> Worst | None:
    some = [number for number in numbers if number.what == what]
    worst = max(some, key=lambda number: abs(number.miss), default=None)
    return None if worst is None else Worst(miss=worst.miss, where=worst.name)
