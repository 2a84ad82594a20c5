"""Who people are: parameters drawn from the facts.

A parameter's value for a person is its typical value moved by what differs between people (`between`) and by what is not known of the
typical value (`unsure`). For one person both are unknown alike and their variances add; for a population the second is shared.

A calibration (facts/population/) moves the facts: typical values, what is left unknown of them, spreads between people and the weights of
structural alternatives. What is in it and how it was made: `calibrate.py`.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.body.system import System, parameter_names, system
from corrin.engine import compiled, single
from corrin.engine.emit import lanes
from corrin.engine.model import Model, build
from corrin.engine.rest import constant
from corrin.engine.simulate import Kernel, find_grid, kernel
from corrin.facts.calibration import Calibrated, calibration
from corrin.facts.reader import modifiers, parameters
from corrin.facts.rows import Parameter

Floats = NDArray[np.float64]


@cache
def the_system() -> System:
    """The body with the targets that the modifier table and the parameter files name."""
    names = parameter_names()
    return system(names, {row.target for row in modifiers() if row.target in names})


@cache
def the_model() -> Model:
    """The traced body."""
    return build(the_system())


@cache
def the_kernel() -> Kernel:
    """The compiled body (some tens of seconds on first use, then from the cache)."""
    made = kernel(the_model())
    begin = np.array([[pool.start for pool in the_system().pools]])
    find_grid(made, begin, population().typical(), constant(made, 1, 1.0))  # the first call compiles or loads machine code
    if os.environ.get("CORRIN_DEVICE", "") == "gpu":
        from corrin.engine.gpu import on_gpu

        return on_gpu(made)
    return made


def is_compiled() -> bool:
    """True when the body's machine code is in the cache, in double and in single precision."""
    return all(compiled.is_warm(one) for one in (lanes.identity(the_model()), single.identity(the_model())))


def spread(row: Parameter, shared: bool = True) -> float:
    """SD of one person's draw, on the scale of the row's distribution; `shared` adds what is not known of the typical value."""
    if row.distribution == "bernoulli":
        return 1.0
    return float(np.hypot(row.between, row.unsure if shared else 0.0))


def place(row: Parameter, z: Floats, sd: float) -> Floats:
    """Values for standard normals z (people,)."""
    return _placed(row.distribution, z, row.value, sd, row.low, row.high)


def _placed(distribution: str, z: Floats, value: float | Floats, sd: float | Floats, low: float | Floats, high: float | Floats) -> Floats:
    """Values for standard normals of one distribution; its numbers may be columns beside rows of z."""
    if distribution == "fixed":
        return np.asarray(np.broadcast_to(value, z.shape).copy())
    if distribution == "lognormal":
        found = value * np.exp(sd * z)
    elif distribution == "normal":
        found = value + sd * z
    elif distribution == "logitnormal":
        found = 1.0 / (1.0 + np.exp(-(np.log(value / (1.0 - value)) + sd * z)))
    else:
        from scipy.special import ndtr

        found = (ndtr(z) < value).astype(float)
    return np.asarray(np.clip(found, low, high))


@dataclass(frozen=True)
class Together:
    """Correlation of what is not known of typical values, as a calibration leaves it. Names it does not hold stand alone.

    It matters for means over many people. In one person the differences between people outweigh it, and a draw leaves it out.
    """

    names: tuple[str, ...]
    correlation: tuple[tuple[float, ...], ...]

    def sd(self, gradient: Mapping[str, float]) -> float:
        """SD of a quantity that moves so much with each name (per unit of its uncertainty)."""
        g = np.array([gradient.get(name, 0.0) for name in self.names])
        alone = sum(value * value for name, value in gradient.items() if name not in self.names)
        return float(np.sqrt(max(0.0, float(g @ np.array(self.correlation) @ g)) + alone))


@dataclass(frozen=True)
class Population:
    """The parameters a person is drawn from. `drawn` are those with a spread, in a fixed order; each uses one standard normal."""

    rows: tuple[Parameter, ...]
    together: Together | None = None
    """How what is not known of typical values hangs together; None: independent."""

    @property
    def drawn(self) -> tuple[str, ...]:
        return tuple(row.name for row in self.rows if row.distribution != "fixed" and spread(row) > 0.0)

    @cached_property
    def _numbers(self) -> Floats:
        """Typical value, SD of one draw, lowest and highest (4, rows)."""
        return np.array([(row.value, spread(row), row.low, row.high) for row in self.rows], float).reshape(-1, 4).T

    def matrix(self, z: dict[str, Floats], count: int) -> Floats:
        """Parameters (people, parameters) in the model's order; a name missing in z keeps its typical value."""
        out = np.empty((len(self.rows), count))  # a parameter's values stand together, as the lanes want them
        alike: dict[str, list[int]] = {}
        for number, row in enumerate(self.rows):
            if row.name in z:
                alike.setdefault(row.distribution, []).append(number)
            else:
                out[number] = typical_value(row)
        for distribution, numbers in alike.items():
            rows = [self.rows[number] for number in numbers]
            value, sd, low, high = self._numbers[:, numbers, None]
            out[numbers] = _placed(distribution, np.array([z[row.name] for row in rows]), value, sd, low, high)
        return out.T

    def typical(self) -> Floats:
        """The typical person (1, parameters)."""
        return self.matrix({}, 1)

    def shared(self, gradient: Mapping[str, float]) -> float:
        """SD of a mean over people from what is not known of typical ones; `gradient` per unit of uncertainty."""
        if self.together is not None:
            return self.together.sd(gradient)
        return float(np.sqrt(sum(value * value for value in gradient.values())))

    def as_known(self) -> Population:
        """The same people as if typical values were known: only what differs between people is drawn."""
        return Population(tuple(replace(row, unsure=0.0) for row in self.rows))

    def only(self, names: Collection[str]) -> Population:
        """These parameters alone."""
        return replace(self, rows=tuple(row for row in self.rows if row.name in names))

    def digest(self) -> str:
        """Hash of the rows drawn from."""
        text = "\n".join(repr((r.name, r.value, r.unit, r.distribution, r.between, r.unsure, r.low, r.high)) for r in self.rows)
        if self.together is not None:
            text += repr(self.together)
        return hashlib.sha256(text.encode()).hexdigest()


def typical_value(row: Parameter) -> float:
    """The centre of a row; a structural draw takes its likelier side."""
    return float(row.value >= 0.5) if row.distribution == "bernoulli" else float(row.value)


WIDENED = 2.0
"""A parameter whose centre came from an earlier fit to the same survey has its uncertainty widened by so much before the fit, so that the
survey does not count twice. What an earlier fit took from a study is left as it is: the rest of its uncertainty is allowed for by what is
peculiar to a study (`calibrate.CONTEXT`), and widening it too predicted unseen studies worse."""
EARLIER_FIT = "corrin-fit-2026"
SURVEYS = frozenset(("nhanes1999-2002", "bailey2013"))


def prior(population: Population) -> Population:
    """The population of the facts, with what earlier fits to the survey had narrowed widened again."""
    rows = []
    for row in population.rows:
        used = {part.strip().lower() for part in row.source.split(";")}
        again = EARLIER_FIT in row.source and bool(used & SURVEYS)
        rows.append(replace(row, unsure=row.unsure * WIDENED) if again and row.unsure > 0.0 else row)
    return Population(tuple(rows))


def centre(row: Parameter, shift: float) -> float:
    """A parameter's typical value, moved by so many units of its uncertainty."""
    if row.distribution == "lognormal":
        value = row.value * np.exp(row.unsure * shift)
    elif row.distribution == "logitnormal":
        value = 1.0 / (1.0 + np.exp(-(np.log(row.value / (1.0 - row.value)) + row.unsure * shift)))
    elif row.distribution == "normal":
        value = row.value + row.unsure * shift
    else:
        return row.value
    return float(np.clip(value, row.low, row.high))


def moved(population: Population, shift: dict[str, float], width: dict[str, float] | None = None, differ: dict[str, float] | None = None,
          structure: dict[str, float] | None = None) -> Population:  # fmt: skip
    """A population with typical values shifted (prior units), uncertainty scaled, spread between people scaled, structural weights set."""
    rows = []
    for row in population.rows:
        if structure and row.name in structure:
            rows.append(replace(row, value=structure[row.name]))
            continue
        rows.append(
            replace(
                row, value=centre(row, shift.get(row.name, 0.0)), unsure=row.unsure * (width or {}).get(row.name, 1.0),
                between=row.between * (differ or {}).get(row.name, 1.0),
            )
        )  # fmt: skip
    return Population(tuple(rows))


@cache
def facts_population() -> Population:
    """The population as the facts have it, before any calibration."""
    rows = parameters()
    return Population(tuple(rows[name] for name in parameter_names()))


def apply(calibration: Calibrated, without: str = "") -> Population:
    """The facts moved as a calibration says; `without`: a study of it that is to count as never seen."""
    start = prior(facts_population())
    mine = calibration.shifts.get(without) or calibration.shifts[""]
    shift = {name: values[0] for name, values in mine.items()}
    width = {name: values[1] for name, values in mine.items()}
    together = Together(calibration.names, calibration.correlation)
    return Population(moved(start, shift, width, calibration.differ, calibration.structure).rows, together)


@cache
def population() -> Population:
    """The population people are drawn from: calibrated where there is a calibration, else that of the facts."""
    made = calibration()
    return facts_population() if made is None else apply(made)


@cache
def population_without(study: str) -> Population:
    """The population as it would be had a study not been fitted; the same as `population()` for one that was not."""
    made = calibration()
    return population() if made is None or study not in made.shifts else apply(made, study)


def calibration_state() -> str:
    """`none`, `current`, or `stale` when the equations or the numbers the fit rested on have changed since."""
    made = calibration()
    if made is None:
        return "none"
    return "current" if made.hashes == rests_on(made.studies) else "stale"


def _readings(told: Any) -> Iterator[str]:
    """Every reading that a study's file names."""
    if isinstance(told, dict):
        for key, value in told.items():
            if key == "reading" and value in the_model().readings:
                yield value
            yield from _readings(value)
    elif isinstance(told, list):
        for value in told:
            yield from _readings(value)


def rests_on(studies: Sequence[str]) -> dict[str, str]:
    """Hashes of what a calibration rests on: the studies, the survey, and of equations and parameters (as the facts have them) those that
    what was fitted rests on. A change of what nothing fitted depends on, as of a nerve's tract, leaves it current."""
    texts = [files("corrin.studies").joinpath(f"{key}.toml").read_text("utf-8") for key in sorted(studies)]
    survey = [files("corrin.facts").joinpath("population", name).read_text("utf-8") for name in ("survey_people.csv", "survey_markers.csv")]
    fitted = sorted({name for text in texts for name in _readings(tomllib.loads(text))} | {"serum_b12", "mma", "homocysteine", "egfr"})
    _, used = the_model().part(fitted)
    return {
        "program": the_model().digest(fitted)[:16],
        "parameters": facts_population().only(used).digest()[:16],
        "studies": hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16],
        "survey": hashlib.sha256("\0".join(survey).encode()).hexdigest()[:16],
    }
