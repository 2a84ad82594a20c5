"""A block of virtual people reduced to what the answer needs: whole numbers that add up in any order, and the rows that are written.

`block` is what one machine does; it takes plain data and gives plain data, so that it can be sent to another.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]
BLOCK = 4096
"""People of a block; each block is one file of rows."""
BANDS = ((20.0, 40.0), (40.0, 60.0), (60.0, 70.0), (70.0, 150.0))
BAND_NAMES = ("20-39 years", "40-59 years", "60-69 years", ">= 70 years")
LOW_B12_PMOL_L, HIGH_B12_PMOL_L = 148.0, 1000.0
LOW_FOOD_UG_D = 2.4
"""Recommended daily amount of the IOM (facts/intakes.csv)."""
COUNTED = ("people", "function", "mma", "b12", "b12_high")
OUTCOMES = ("people", "without", "with", "gained", "lost", "given", "in_vain", "tests", "high_without", "high_with")
GROUPS = (
    "everybody", *BAND_NAMES, "women", "men", "takes metformin", "takes an acid blocker", "autoimmune gastritis",
    "food-bound malabsorption", "disease of the ileum", f"food B12 below {LOW_FOOD_UG_D:g} ug/d", "takes B12 tablets today",
)  # fmt: skip
MARKERS = ("serum_b12", "mma", "homocysteine")
OUTSIDE = ("over 50, no supplement", "18 to 50, no supplement", "50 years or more on metformin")
"""Arms of the survey `evatt2010`, which the calibration never saw; a group of facts/crowd/reported.csv."""
BIN_LOG = 0.02
BINS = 700
LEAST_LOG = -2.0
"""Histograms of the logarithm of a marker: so fine that a quantile is met within 1 %."""


@dataclass(frozen=True)
class Job:
    """A block to compute: the design as plain data, its number of people, seed, first person, how many."""

    design: Mapping[str, Any]
    people: int
    seed: int
    first: int
    count: int
    rows: bool
    typical: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Counted:
    """Whole numbers of a block or of many: `over_time` (scenarios, days, replicates, bands, COUNTED); `outcomes` (scenarios, groups,
    replicates, OUTCOMES); `markers` (MARKERS, bands, bins) as a laboratory reports them at day 0; `outside` (OUTSIDE, 2) people of each
    group at day 0 and those of them with a low serum B12; people who failed."""

    over_time: Counts
    outcomes: Counts
    markers: Counts
    outside: Counts
    failed: int

    def __add__(self, other: Counted) -> Counted:
        return Counted(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Rows:
    """What is written of a block: columns of equal length, one row a person, scenario and day."""

    columns: dict[str, NDArray[Any]]
    scenarios: tuple[str, ...]


_READY: dict[tuple[str, int], Any] = {}
_MAKING = threading.Lock()


def _make(design: str, seed: int, typical: Mapping[str, Any] | None) -> Any:
    """The design with its grids."""
    from corrin.inference.policy import Policy
    from corrin.inference.population import population, the_kernel
    from corrin.studies.crowd import read_design

    made = Policy(read_design(json.loads(design)), the_kernel(), population(), seed)
    made.prepare(typical)
    return made


def ready(design: Mapping[str, Any], seed: int, typical: Mapping[str, Any] | None = None) -> Any:
    """The design made ready to run (`inference/policy.py`), once in each process. `typical`: what is shared by the people of each
    replicate, where it is known already."""
    key = (json.dumps(design, sort_keys=True), seed)
    with _MAKING:
        if key not in _READY:
            _READY.clear()
            _READY[key] = _make(*key, typical)
        return _READY[key]


def jobs(design: Mapping[str, Any], people: int, seed: int, rows: bool) -> list[Job]:
    """The blocks of a run, in order. Makes the design ready, so that no other machine has to lead its people to the survey."""
    held = ready(design, seed).typical
    return [Job(design, people, seed, first, min(BLOCK, people - first), rows, held) for first in range(0, people, BLOCK)]


def block(job: Job) -> tuple[Counted, Rows | None]:
    """Simulate a block, count what the answer needs, and give the rows that are written."""
    policy = ready(job.design, job.seed, job.typical)
    made = policy.run(job.first, job.count)
    seen = {scenario.name: _seen(policy, made, scenario.name) for scenario in policy.design.scenario}
    failed = np.any([done.failed for done in made.done.values()], axis=0)
    return _count(policy, made, seen, failed), _rows(policy, made, seen) if job.rows else None


def _function(policy: Any, made: Any, levels: Floats) -> Floats:
    """B12 function in per cent (people, ...), as `answers/keep.py` has it."""
    names, readings = policy.kernel.model.parameters, made.readings
    shape = (-1,) + (1,) * (levels.ndim - 2)
    share, folate = (made.parameters[:, names.index(name)].reshape(shape) for name in ("methylation_weight", "folate_status"))
    methylation, mutase = (levels[..., readings.index(f"activity_{name}")] for name in ("methylation", "mutase"))
    return np.asarray(share * methylation / folate + (1.0 - share) * mutase)


def _limit(egfr: Floats) -> Floats:
    """Upper limit of methylmalonic acid for each filtration, nmol/L."""
    from corrin.answers.assess.function import mma_limit
    from corrin.facts.deficiency import deficiency

    table, at = deficiency(), np.linspace(1.0, 150.0, 1491)
    return np.interp(egfr, at, [mma_limit(table, float(value)) for value in at])


def _seen(policy: Any, made: Any, name: str) -> dict[str, Any]:
    """A scenario's states and what a laboratory would report, (people, days)."""
    from corrin.engine.draw import normals
    from corrin.facts.deficiency import deficiency
    from corrin.inference.cohort import noise

    done, first, count = made.done[name], int(made.crowd.persons[0]), made.crowd.count
    found: dict[str, Any] = {"function": _function(policy, made, done.levels)}
    for marker in MARKERS:
        level = done.levels[..., made.readings.index(marker)]
        z = np.stack([normals(policy.seed, f"reported {marker} {day:.6g}", count, first) for day in made.days], axis=1)
        found[marker] = level * np.exp(noise(marker) * z)
    limit = _limit(done.levels[..., made.readings.index("egfr")])
    floor = deficiency().floor_percent
    found["low"] = {
        "function": found["function"] < floor, "mma": found["mma"] > limit, "b12": found["serum_b12"] < LOW_B12_PMOL_L,
        "b12_high": found["serum_b12"] > HIGH_B12_PMOL_L,
    }  # fmt: skip
    found["low_at_begin"] = _function(policy, made, done.at_begin[:, None, :])[:, 0] < floor
    return found


def groups(crowd: Any) -> dict[str, Flags]:
    """Who is in each group, by what they are at day 0."""
    of = crowd.covariates
    age = of["age_y"]
    found = [np.ones(crowd.count, bool), *((age >= low) & (age < high) for low, high in BANDS)]
    found += [of["female"] > 0.5, of["female"] < 0.5, of["metformin"] > 0.5, (of["ppi"] > 0.5) | (of["h2ra"] > 0.5)]
    found += [of[name] > 0.5 for name in ("gastritis", "food_bound", "ileal")]
    found += [of["food_ug_d"] < LOW_FOOD_UG_D, of["tablets_ug_d"] > 0.05]
    return dict(zip(GROUPS, found, strict=True))


def _count(policy: Any, made: Any, seen: Mapping[str, Any], failed: Flags) -> Counted:
    design = policy.design
    names, days, parts = [one.name for one in design.scenario], made.days, design.replicates
    replicate = made.crowd.covariates["replicate"].astype(np.int64)
    fine = ~failed
    over_time = np.zeros((len(names), len(days), parts, len(BANDS), len(COUNTED)), np.int64)
    outcomes = np.zeros((len(names), len(GROUPS), parts, len(OUTCOMES)), np.int64)
    markers = np.zeros((len(MARKERS), len(BANDS), BINS), np.int64)
    edges = np.array([low for low, _ in BANDS[1:]])
    age = made.crowd.covariates["age_y"]
    for place, name in enumerate(names):
        for number, day in enumerate(days):
            band = np.searchsorted(edges, age + day / 365.25, side="right")
            cell = (replicate * len(BANDS) + band)[fine]
            over_time[place, number, :, :, 0] = _tally(cell, parts * len(BANDS)).reshape(parts, -1)
            for column, what in enumerate(COUNTED[1:], start=1):
                flags = seen[name]["low"][what][fine, number]
                over_time[place, number, :, :, column] = _tally(cell[flags], parts * len(BANDS)).reshape(parts, -1)
    reference = seen[design.reference]["low"]
    for place, name in enumerate(names):
        mine, done = seen[name]["low"], made.done[name]
        without, with_it = reference["function"][:, -1], mine["function"][:, -1]
        given = np.isfinite(done.begun)
        counted = {
            "people": np.ones(len(fine), bool), "without": without, "with": with_it, "gained": without & ~with_it,
            "lost": with_it & ~without, "given": given, "in_vain": given & ~seen[name]["low_at_begin"] & ~without,
            "tests": done.tests, "high_without": reference["b12_high"][:, -1], "high_with": mine["b12_high"][:, -1],
        }  # fmt: skip
        for group, inside in enumerate(groups(made.crowd).values()):
            chosen = inside & fine
            for column, what in enumerate(OUTCOMES):
                weights = np.asarray(counted[what])[chosen].astype(np.int64)
                outcomes[place, group, :, column] = np.bincount(replicate[chosen], weights, parts).astype(np.int64)
    band = np.searchsorted(edges, age, side="right")
    for place, marker in enumerate(MARKERS):
        value = np.log(np.maximum(seen[names[0]][marker][:, 0], 1e-9))
        at = np.clip(((value - LEAST_LOG) / BIN_LOG).astype(np.int64), 0, BINS - 1)
        markers[place] = _tally((band * BINS + at)[fine], len(BANDS) * BINS).reshape(len(BANDS), BINS)
    low = seen[names[0]]["low"]["b12"][:, 0]
    within = [fine & inside for inside in _outside(made.crowd)]
    outside = np.array([[int(inside.sum()), int((inside & low).sum())] for inside in within])
    return Counted(over_time, outcomes, markers, outside, int(failed.sum()))


def _outside(crowd: Any) -> list[Flags]:
    """The groups of OUTSIDE."""
    age, tablets = crowd.covariates["age_y"], crowd.covariates["tablets_ug_d"] > 0.05
    return [(age > 50.0) & ~tablets, (age < 50.0) & ~tablets, (age >= 50.0) & (crowd.covariates["metformin"] > 0.5)]


def _tally(cell: Counts, size: int) -> Counts:
    return np.bincount(cell, minlength=size).astype(np.int64)


def _rows(policy: Any, made: Any, seen: Mapping[str, Any]) -> Rows:
    """One row a scenario, person and day: the person's own levels (not what a laboratory would report)."""
    design, days, people = policy.design, made.days, made.crowd.count
    names = tuple(one.name for one in design.scenario)
    shape = (len(names), people, len(days))

    def spread(value: Any, axis: int) -> NDArray[Any]:
        return np.broadcast_to(np.expand_dims(value, tuple(k for k in range(3) if k != axis)), shape).reshape(-1)

    begun = np.stack([made.done[name].begun for name in names])
    columns: dict[str, NDArray[Any]] = {
        "scenario": spread(np.arange(len(names), dtype=np.int8), 0), "person": spread(made.crowd.persons, 1),
        "time_days": spread(days, 2),
        "age_y": (made.crowd.covariates["age_y"][None, :, None] + spread(days, 2).reshape(shape) / 365.25).astype(np.float32).reshape(-1),
        "given": (begun[:, :, None] <= days[None, None, :]).reshape(-1),
    }  # fmt: skip
    for reading in design.readings:
        place = made.readings.index(reading)
        columns[reading] = np.stack([made.done[name].levels[..., place] for name in names]).astype(np.float32).reshape(-1)
    columns["function_percent"] = np.stack([seen[name]["function"] for name in names]).astype(np.float32).reshape(-1)
    failed = np.stack([made.done[name].failed for name in names])
    columns["failed"] = np.broadcast_to(failed[:, :, None], shape).reshape(-1)
    return Rows(columns, names)
