"""Who people are: parameters drawn from the facts.

A parameter's value for a person is its typical value moved by what differs between people (`between`) and by what is not known of the
typical value (`unsure`). For one person both are unknown alike and their variances add; for a population the second is shared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from corrin.body.system import System, parameter_names, system
from corrin.engine import compiled
from corrin.engine.emit import lanes
from corrin.engine.model import Model, build
from corrin.engine.simulate import Kernel, constant, find_grid, kernel
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
    return made


def is_compiled() -> bool:
    """True when the body's machine code is in the cache."""
    return compiled.is_warm(lanes.source(the_model()))


def spread(row: Parameter, shared: bool = True) -> float:
    """SD of one person's draw, on the scale of the row's distribution; `shared` adds what is not known of the typical value."""
    if row.distribution == "bernoulli":
        return 1.0
    return float(np.hypot(row.between, row.unsure if shared else 0.0))


def place(row: Parameter, z: Floats, sd: float) -> Floats:
    """Values for standard normals z (people,)."""
    if row.distribution == "fixed":
        return np.full(z.shape, row.value)
    if row.distribution == "lognormal":
        value = row.value * np.exp(sd * z)
    elif row.distribution == "normal":
        value = row.value + sd * z
    elif row.distribution == "logitnormal":
        value = 1.0 / (1.0 + np.exp(-(np.log(row.value / (1.0 - row.value)) + sd * z)))
    else:
        from scipy.special import ndtr

        value = (ndtr(z) < row.value).astype(float)
    return np.asarray(np.clip(value, row.low, row.high))


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

    def matrix(self, z: dict[str, Floats], count: int) -> Floats:
        """Parameters (people, parameters) in the model's order; a name missing in z keeps its typical value."""
        out = np.empty((count, len(self.rows)))
        for column, row in enumerate(self.rows):
            out[:, column] = place(row, z[row.name], spread(row)) if row.name in z else typical_value(row)
        return out

    def typical(self) -> Floats:
        """The typical person (1, parameters)."""
        return self.matrix({}, 1)

    def shared(self, gradient: Mapping[str, float]) -> float:
        """SD of a mean over people from what is not known of typical ones; `gradient` per unit of uncertainty."""
        if self.together is not None:
            return self.together.sd(gradient)
        return float(np.sqrt(sum(value * value for value in gradient.values())))

    def digest(self) -> str:
        """Hash of the rows drawn from."""
        text = "\n".join(repr((r.name, r.value, r.unit, r.distribution, r.between, r.unsure, r.low, r.high)) for r in self.rows)
        return hashlib.sha256(text.encode()).hexdigest()


def typical_value(row: Parameter) -> float:
    """The centre of a row; a structural draw takes its likelier side."""
    return float(row.value >= 0.5) if row.distribution == "bernoulli" else float(row.value)


@cache
def population() -> Population:
    """The population of the facts."""
    rows = parameters()
    return Population(tuple(rows[name] for name in parameter_names()))
