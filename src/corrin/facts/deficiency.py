"""The table behind `corrin assess`: markers and B12 function as the population has them, distilled by `scripts/distil.py`.

Function is cut into bands of activity (share of a replete person's, both enzymes that need B12, by what each weighs for nerve). For each
band the table holds how often it is there, by age, and how each marker lies in it: for people of the community, many of whom take
supplements, and for people of a clinic. Made from the population, never fitted to anything else; written anew whenever it changes.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from corrin.errors import Bug

FORMAT = "corrin.deficiency/3"
MARKERS = ("serum_b12", "holotranscobalamin", "mma", "homocysteine", "haemoglobin", "mcv")
SPECTRA = ("community", "clinic")
SEXES = ("female", "male")
KINDS_OF_RESULTS = ("no result", "total B12", "active B12", "blood count", "homocysteine", "methylmalonic acid")
HISTORY_TOLD = "a history told"
WHOM = (*SPECTRA, HISTORY_TOLD)
"""Whom the table's error is stated for: people of whom no history is told, and people with one."""
LIMITS = (0.0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 1.0)
"""Chances between which the table's error is stated."""


def kind_of_results(markers: Iterable[str]) -> str:
    """What the table's error is stated by: the result among several that says most."""
    there = set(markers)
    for kind, names in (("methylmalonic acid", {"mma"}), ("homocysteine", {"homocysteine"}), ("blood count", {"haemoglobin", "mcv"}),
                        ("active B12", {"holotranscobalamin"}), ("total B12", {"serum_b12"})):  # fmt: skip
        if there & names:
            return kind
    return "no result"


def error_key(quantity: str, markers: Iterable[str], whom: str) -> str:
    """Name of a row of errors; `quantity`: "function" or "mma"; `whom`: one of `WHOM`."""
    return f"{quantity}, {kind_of_results(markers)}, {whom}"


@dataclass(frozen=True, slots=True)
class Marker:
    """How one marker lies in each band, on the scale t = ln(1 + k (x - m)) / k of x = ln(value in the analyte's unit), less age and kidney.

    `means` by band on that scale, in one direction throughout; `sd` the same in all bands, so that a higher (or lower) value always
    speaks the same way; `spreads` the SD of each band, for what a laboratory would report. `age`, `age_square` per decade from 50;
    `filtration` per unit of ln(eGFR / 90), 0 where the kidney is not counted.
    """

    means: tuple[float, ...]
    spreads: tuple[float, ...]
    sd: float
    stretch: float
    middle: float
    age: float
    age_square: float
    filtration: float


@dataclass(frozen=True, slots=True)
class Fit:
    """People of one spectrum. `bands`: ages -> share of people in each band; `kidney`: markers where eGFR is known."""

    bands: tuple[tuple[float, ...], ...]
    markers: Mapping[str, Marker]
    kidney: Mapping[str, Marker]


@dataclass(frozen=True, slots=True)
class Factor:
    """What something in a history does: `amount` and `years` of the person drawn (None: not told), `odds` by band against people without.

    `shifts`: marker -> how it lies in people with it against others of the same function. A level falls before function does, so who lost
    uptake lately has less in the blood than the cells still hold. The first is what is added at the floor, the second the part by which the
    distance of the bands from the floor grows (`state.with_shifts`), both on the marker's scale.
    """

    amount: float | None
    years: float | None
    odds: tuple[float, ...]
    shifts: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Region:
    """People the table was not made from, without a history, where it said `low` to `high`: mean said, share true, and the error: how far
    what it said lies from the person-level posterior, root mean square of log odds (chance of the posterior's own draws taken off)."""

    low: float
    high: float
    people: int
    said: float
    true: float
    error: float


@dataclass(frozen=True, slots=True)
class Deficiency:
    """The table. `edges` of the bands in percent of activity, the floor one of them; `beside`: weights of markers that say the same;
    `along`: how many SD methylmalonic acid lies higher, within a band, for one SD that a marker does; `by_sex`: sex -> ages -> odds by band
    of people of a clinic against those whose sex nobody told (older men and women eat less than the mean adult, causes differ).

    `central` and each of `others` (populations that may be the true one): spectrum -> fit. `regions` are of P(function below the floor),
    `exceeding` of P(methylmalonic acid above its limit). `errors`: what an interval is made of, the error of log odds by `error_key` and
    between `LIMITS`, found on people the table was not made from; `history_error` is that of the prior with a history.
    """

    made: Mapping[str, str]
    floor_percent: float
    floor_insult: float
    edges: tuple[float, ...]
    ages: tuple[float, ...]
    central: Mapping[str, Fit]
    others: tuple[Mapping[str, Fit], ...]
    factors: Mapping[str, tuple[Factor, ...]]
    beside: Mapping[str, float]
    along: Mapping[str, float]
    by_sex: Mapping[str, tuple[tuple[float, ...], ...]]
    regions: tuple[Region, ...]
    exceeding: tuple[Region, ...]
    errors: Mapping[str, tuple[float, ...]]
    history_error: float
    auc: Mapping[str, float]
    mma_limit_nmol_l: float
    mma_kidney_power: float

    @property
    def below(self) -> int:
        """How many bands lie below the floor."""
        return self.edges.index(self.floor_percent)


@dataclass(frozen=True, slots=True)
class Stated:
    """A figure of the literature that stands in answers: an odds ratio, a test's sensitivity and specificity, a shift of a test."""

    name: str
    of: str
    words: str
    value: float
    low: float | None
    high: float | None
    specificity: float | None
    source: str
    at: str
    how: str
    seen: str


def _row(where: str, kind: type, data: Any) -> Any:
    names = {column.name for column in fields(kind)}
    if not isinstance(data, dict) or set(data) != names:
        raise ValueError(f"{where}: keys {sorted(data) if isinstance(data, dict) else data!r}, expected {sorted(names)}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})


def _fits(where: str, data: Any, bands: int, ages: int) -> Mapping[str, Fit]:
    if not isinstance(data, dict) or set(data) != set(SPECTRA):
        raise ValueError(f"{where}: spectra {sorted(data)}")
    return MappingProxyType({spectrum: _fit(f"{where}.{spectrum}", fit, bands, ages) for spectrum, fit in data.items()})


def _fit(where: str, data: Any, bands: int, ages: int) -> Fit:
    if set(data) != {"bands", "markers", "kidney"} or set(data["markers"]) != set(MARKERS):
        raise ValueError(f"{where}: keys {sorted(data)}")
    rows = data["bands"]
    if len(rows) != ages or any(len(row) != bands or abs(sum(row) - 1.0) > 1e-3 or min(row) <= 0.0 for row in rows):
        raise ValueError(f"{where}: bands are not shares")
    found = []
    for part in ("markers", "kidney"):
        markers = {name: _row(f"{where}.{part}.{name}", Marker, marker) for name, marker in data[part].items()}
        for name, marker in markers.items():
            steps = [after - before for before, after in zip(marker.means, marker.means[1:], strict=False)]
            if (
                {len(marker.means), len(marker.spreads)} != {bands}
                or min(marker.sd, *marker.spreads) <= 0.0
                or (min(steps) < 0.0 < max(steps))
            ):
                raise ValueError(f"{where}.{part}.{name}: means go both ways or are not one for each band")
        found.append(MappingProxyType(markers))
    return Fit(tuple(tuple(float(share) for share in row) for row in rows), *found)


def _factor(where: str, data: Any) -> Factor:
    row: Factor = _row(where, Factor, data)
    if not set(row.shifts) <= set(MARKERS) or any(len(pair) != 2 or pair[1] <= -1.0 for pair in row.shifts.values()):
        raise ValueError(f"{where}: shifts of markers are a level and a growth above -1")
    return Factor(row.amount, row.years, row.odds, MappingProxyType({name: (pair[0], pair[1]) for name, pair in row.shifts.items()}))


def read(text: str) -> Deficiency:
    """The table from its text. Raises `Bug` where it does not hold together."""
    try:
        data = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError("another format")
        edges, ages = tuple(data["edges"]), tuple(data["ages"])
        bands = len(edges) - 1
        if data["floor_percent"] not in edges or list(edges) != sorted(set(edges)):
            raise ValueError("the floor is no edge, or the edges are out of order")
        data["central"] = _fits("central", data["central"], bands, len(ages))
        data["others"] = [_fits(f"others[{k}]", other, bands, len(ages)) for k, other in enumerate(data["others"])]
        data["factors"] = {name: tuple(_factor(f"factors.{name}", row) for row in rows) for name, rows in data["factors"].items()}
        if any(len(row.odds) != bands or min(row.odds) <= 0.0 for rows in data["factors"].values() for row in rows):
            raise ValueError("odds of a factor are not one for each band")
        for part in ("regions", "exceeding"):
            data[part] = [_row(part, Region, row) for row in data[part]]
        data["by_sex"] = {sex: tuple(tuple(float(ratio) for ratio in row) for row in rows) for sex, rows in data["by_sex"].items()}
        if set(data["by_sex"]) != set(SEXES) or any(
            len(rows) != len(ages) or any(len(row) != bands or min(row) <= 0.0 for row in rows) for rows in data["by_sex"].values()
        ):
            raise ValueError("odds by sex are not one for each age and band")
        data["errors"] = {name: tuple(float(error) for error in row) for name, row in data["errors"].items()}
        keys = {error_key(of, {marker}, whom) for of in ("function", "mma") for marker in ("", *MARKERS) for whom in WHOM}
        if set(data["errors"]) != keys or any(len(row) != len(LIMITS) - 1 or min(row) <= 0.0 for row in data["errors"].values()):
            raise ValueError("errors are not one for each kind of results and chance")
        made: Deficiency = _row("table", Deficiency, data)
        return made
    except (ValueError, KeyError, TypeError) as reason:
        raise Bug(f"facts/population/deficiency.json cannot be read: {reason}. Run python scripts/distil.py, or put it back.") from None


@cache
def deficiency() -> Deficiency:
    """The table of the population in use."""
    return read(files("corrin.facts").joinpath("population", "deficiency.json").read_text("utf-8"))


KINDS = {"odds ratio", "test", "shift"}
HOWS = {"stated", "computed", "assumed", "recalled"}


@cache
def stated() -> Mapping[str, Stated]:
    """Figures of the literature by name (facts/population/deficiency.toml)."""
    table = tomllib.loads(files("corrin.facts").joinpath("population", "deficiency.toml").read_text("utf-8"))
    columns = {column.name for column in fields(Stated)}
    found = {}
    for name, row in table.items():
        where = f"facts/population/deficiency.toml, [{name}]"
        full = {"low": None, "high": None, "specificity": None, **row}
        if {"name", *full} != columns:
            raise Bug(f"{where}: keys {sorted(row)}; expected {sorted(columns)}.")
        made = Stated(name=name, **full)
        if made.how not in HOWS or not math.isfinite(made.value) or not made.source or not made.at or made.of.split(" of ")[0] not in KINDS:
            raise Bug(f"{where}: of {made.of!r}, how {made.how!r}; expected {sorted(KINDS)}, {sorted(HOWS)}, a source and a place.")
        found[name] = made
    return MappingProxyType(found)
