"""A parameter estimation problem in PEtab version 1: a person's regimen (in the SBML), what was measured, what is unknown and how well.

Of a case with numbers from a laboratory: their own results over their own history. Else a virtual person: the readings corrin computes,
with the scatter of one laboratory result, from keyed random numbers. Results are log-normal around the reading, so the noise is a log-SD.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corrin.case.timeline import Observation
from corrin.errors import Bug
from corrin.shells.export import needed
from corrin.shells.export.person import Person

CONDITION = "this_person"
VISITS = 8
"""How many days a virtual person is measured on."""
SCALES = {"lognormal": "log", "normal": "lin"}
"""Parameters that are estimated are those whose prior PEtab can say; the others stay as they are."""


@dataclass(frozen=True)
class Measured:
    """One result: reading, day from the beginning of the person's course, value, log-SD."""

    reading: str
    day: float
    value: float
    log_sd: float


def log_sds() -> dict[str, float]:
    """Reading -> log-SD of one laboratory result of it, from the table of analytes."""
    from corrin.facts.reader import analytes

    return {row.reading: row.total_cv for row in analytes().values() if row.reading and row.total_cv}


def virtual(person: Person, seed: int) -> list[Measured]:
    """What a laboratory would report of this person on some days (never those of a dose, when before and after differ)."""
    from corrin.engine.draw import normals

    instants = {instant.time_days for instant in person.instants}
    free = [place for place, day in enumerate(person.days) if day > 0.0 and day not in instants]
    places = sorted({free[round(share * (len(free) - 1))] for share in np.linspace(0.0, 1.0, VISITS)}) if free else []
    found = []
    for reading, sd in log_sds().items():
        if reading in person.readings:
            scatter = normals(seed, f"petab {reading}", len(places))
            values = person.readings[reading][places] * np.exp(sd * scatter)
            found += [Measured(reading, float(person.days[k]), float(value), sd) for k, value in zip(places, values, strict=True)]
    return found


def own_results(observations: Sequence[Observation], first_day: float, person: Person) -> list[Measured]:
    """The numbers of a case that a laboratory gave (not limits and words), on the days of its history."""
    return [
        Measured(item.reading, item.time_days - first_day, item.value, item.log_sd)
        for item in observations
        if item.kind == "lab" and item.comparator == "=" and item.log_sd > 0.0 and item.reading in person.readings
    ]


def log_likelihood(measured: Sequence[Measured], predicted: Sequence[float]) -> float:
    """Of results given what is predicted for each: log-normal densities, as PEtab has them."""
    total = 0.0
    for item, value in zip(measured, predicted, strict=True):
        gap = (math.log(item.value) - math.log(value)) / item.log_sd
        total -= 0.5 * (math.log(2.0 * math.pi * item.log_sd**2 * item.value**2) + gap * gap)
    return total


def predictions(person: Person, measured: Sequence[Measured]) -> list[float]:
    """What corrin computes for each result."""
    place = {float(day): number for number, day in enumerate(person.days)}
    return [float(person.readings[item.reading][place[item.day]]) for item in measured]


def petab_files(sbml: str, person: Person, measured: Sequence[Measured]) -> dict[str, str]:
    """File name -> text of the whole problem; `simulations.tsv` holds what corrin computes for each measurement."""
    predicted = predictions(person, measured)
    observables = {(item.reading, item.log_sd): "" for item in measured}
    several = {reading for reading, _ in observables if sum(other == reading for other, _ in observables) > 1}
    for number, (reading, log_sd) in enumerate(observables):
        observables[reading, log_sd] = f"measured_{reading}" + (f"_{number + 1}" if reading in several else "")
    names = [observables[item.reading, item.log_sd] for item in measured]
    return {
        "model.xml": sbml,
        "conditions.tsv": _tsv(("conditionId",), [(CONDITION,)]),
        "observables.tsv": _tsv(
            ("observableId", "observableFormula", "observableTransformation", "noiseFormula", "noiseDistribution"),
            [(name, f"reading_{reading}", "log", log_sd, "normal") for (reading, log_sd), name in observables.items()],
        ),
        "measurements.tsv": _tsv(
            ("observableId", "simulationConditionId", "time", "measurement"),
            [(name, CONDITION, item.day, item.value) for name, item in zip(names, measured, strict=True)],
        ),
        "simulations.tsv": _tsv(
            ("observableId", "simulationConditionId", "time", "simulation"),
            [(name, CONDITION, item.day, value) for name, item, value in zip(names, measured, predicted, strict=True)],
        ),
        "parameters.tsv": _tsv(
            ("parameterId", "parameterScale", "lowerBound", "upperBound", "nominalValue", "estimate", "objectivePriorType",
             "objectivePriorParameters"),
            _parameters(person.parameters),
        ),
        "problem.yaml": (
            "format_version: 1\nparameter_file: parameters.tsv\nproblems:\n- condition_files:\n  - conditions.tsv\n"
            "  measurement_files:\n  - measurements.tsv\n  observable_files:\n  - observables.tsv\n  sbml_files:\n  - model.xml\n"
        ),
    }  # fmt: skip


def _parameters(values: Mapping[str, float]) -> list[tuple[Any, ...]]:
    """What may be estimated, with the population as its prior: a person's spread and what is not known of the typical value."""
    from corrin.inference import population as of

    rows = []
    for row in of.population().rows:
        sd = of.spread(row)
        scale = SCALES.get(row.distribution)
        if scale is None or sd <= 0.0 or not row.low < row.high or (scale == "log" and row.low <= 0.0):
            continue
        centre = math.log(row.value) if scale == "log" else row.value
        value = min(max(values[row.name], row.low), row.high)
        rows.append((row.name, scale, row.low, row.high, value, 1, "parameterScaleNormal", f"{centre!r};{sd!r}"))
    return rows


def _tsv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["\t".join(head), *("\t".join(repr(cell) if isinstance(cell, float) else str(cell) for cell in row) for row in rows)]
    return "\n".join(lines) + "\n"


def check(problem_file: str) -> None:
    """Refuse what petab's own validation refuses. Raises `EnvironmentProblem` without petab."""
    petab = needed("petab.v1", "PEtab")
    logging.getLogger("petab").setLevel(logging.WARNING)  # it says which optional tables there are not
    problem = petab.Problem.from_yaml(problem_file)
    if petab.lint_problem(problem):
        raise Bug("petab refuses the problem that corrin wrote.")
