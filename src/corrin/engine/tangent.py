"""Forward derivatives: a system beside its own tangent, as one larger system.

Where a body follows y' = f(y, p, x), a small change (v of the parameters, w of the exposures) follows
s' = (df/dy) s + (df/dp) v + (df/dx) w. `tangent(model)` is the system of y and s together: every rate, dose and reading is differentiated
along the direction by the trace, and the result is built, compiled and run like any other system. A Rosenbrock step of it with the exact
Jacobian is the exact derivative of the step of y on the same grid, so nothing is differenced. Each person of a run is one direction.

Hairer E, Norsett SP, Wanner G. Solving Ordinary Differential Equations I, 2nd ed. Springer 1993, section I.14 (the variational equation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.body.flow import Mechanism, Pool, Reading
from corrin.engine.model import Model, build
from corrin.engine.simulate import Kernel, Schedule, kernel
from corrin.engine.trace import Graph, Node, directional

Floats = NDArray[np.float64]
MARK = "d_"
LENGTH = "d_length"
"""Exposure: relative change of a segment's length."""
DOSES = "d_doses"
"""Exposure: relative change of the doses given as a segment begins."""


@dataclass(frozen=True)
class Tangent:
    """`base` and its tangent. Pools, parameters and exposures of the tangent bear the base's names with `d_` before them."""

    base: Any

    @property
    def pools(self) -> tuple[Pool, ...]:
        """States, then their tangents. The tangent of what the settling run resets is reset to none."""
        beside = (replace(pool, name=MARK + pool.name, start=0.0) for pool in self.base.pools)
        return (*self.base.pools, *beside)

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*self.base.parameters, *(MARK + name for name in self.base.parameters))

    @property
    def exposures(self) -> tuple[str, ...]:
        return (*self.base.exposures, *(MARK + name for name in self.base.exposures), LENGTH, DOSES)

    @property
    def inputs(self) -> dict[str, float]:
        """Ordinary values: no direction at all."""
        usual = {name: self.base.inputs.get(name, 1.0) for name in self.base.exposures}
        return usual | {name: 0.0 for name in self.exposures if name not in usual}

    @property
    def dose_kinds(self) -> tuple[str, ...]:
        return tuple(self.base.dose_kinds)

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """All in one, so that no state is taken for one that only follows: the parabola of what drives those may not go below zero."""
        return (Mechanism("tangent", pools=self.pools),)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Readings, then their tangents."""

        def along(reading: Reading) -> Reading:
            def value(y: Any, p: Any, x: Any) -> Any:
                seen = reading.value(y, p.now, x)
                return directional(p.graph, [_lifted(p.graph, seen)], self._seeds(y, p, x))[0]

            return replace(reading, name=MARK + reading.name, value=value)

        def here(reading: Reading) -> Reading:
            return replace(reading, value=lambda y, p, x: reading.value(y, p.now, x))

        return (*(here(one) for one in self.base.readings), *(along(one) for one in self.base.readings))

    def effective(self, p: Any, x: Any) -> Any:
        """The base's parameters as a person has them (`now`), beside the plain ones."""
        return SimpleNamespace(now=self.base.effective(p, x), plain=p, graph=getattr(p, self.base.parameters[0]).graph)

    def _seeds(self, y: Any, p: Any, x: Any) -> dict[int, Node]:
        pairs = [(getattr(y, pool.name), getattr(y, MARK + pool.name)) for pool in self.base.pools]
        pairs += [(getattr(p.plain, name), getattr(p.plain, MARK + name)) for name in self.base.parameters]
        pairs += [(getattr(x, name), getattr(x, MARK + name)) for name in self.base.exposures]
        return {one.index: along for one, along in pairs}

    def right_hand_side(self, y: Any, p: Any, x: Any) -> list[Any]:
        """Rates, then those of the tangent: with the segment longer by a share, all of it runs on for so much longer."""
        rates = [_lifted(p.graph, rate) for rate in self.base.right_hand_side(y, p.now, x)]
        longer = getattr(x, LENGTH)
        return [*rates, *(t + longer * r for t, r in zip(directional(p.graph, rates, self._seeds(y, p, x)), rates, strict=True))]

    def dose(self, kind: str, amount: Any, y: Any, p: Any, x: Any) -> dict[str, Any]:
        """What a dose adds to the pools, and to their tangents."""
        given = self.base.dose(kind, amount, y, p.now, x)
        seeds = self._seeds(y, p, x) | {amount.index: amount * getattr(x, DOSES)}
        along = directional(p.graph, [_lifted(p.graph, value) for value in given.values()], seeds)
        return {**given, **{MARK + name: value for name, value in zip(given, along, strict=True)}}


def _lifted(graph: Graph, value: Any) -> Node:
    return value if isinstance(value, Node) else graph.constant(value)


def tangent(model: Model) -> Kernel:
    """The compiled system of a model and its tangent (some seconds on first use, then from the cache)."""
    return kernel(build(Tangent(model.system)))


def beside(values: Floats, along: Floats) -> Floats:
    """Parameters (people, parameters) with the direction each person moves in."""
    return np.concatenate([values, along], axis=1)


def with_exposures(exposures: Floats, along: Floats, longer: Floats | float = 0.0, doses: Floats | float = 0.0) -> Floats:
    """Exposures (..., exposures, people) with their direction, the relative change of the segment's length and of its doses."""
    last = np.empty((*exposures.shape[:-2], 2, exposures.shape[-1]))
    last[..., 0, :], last[..., 1, :] = longer, doses
    return np.concatenate([exposures, along, last], axis=-2)


def with_directions(schedule: Schedule, exposures: Floats, longer: Floats, doses: float = 0.0) -> Schedule:
    """A schedule with the direction each person moves in: `exposures` (sets, exposures, people), `longer` (segments, people) the relative
    change of lengths, `doses` that of every dose."""
    kinds, kind = np.unique(longer, axis=0, return_inverse=True)
    pairs, which = np.unique(np.stack([schedule.which, kind.reshape(-1)]), axis=1, return_inverse=True)
    sets = with_exposures(schedule.exposures[pairs[0]], exposures[pairs[0]], kinds[pairs[1]], doses)
    return replace(schedule, exposures=sets, which=which.reshape(-1).astype(np.int64))
