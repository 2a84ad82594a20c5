"""Many people in single precision: the kernel of a model with states, parameters and readings in numbers of half the width."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from corrin.engine.emit import lanes
from corrin.engine.model import Model
from corrin.engine.simulate import Kernel, marching, program_of

LANES = 16
NARROW, WRITTEN = (1, 2, 3, 18), (1, 18)
"""Places among the arguments of `march` of state, parameters, exposures and readings; and of those it writes."""


def identity(model: Model) -> str:
    """What the text of the narrow program depends on."""
    return lanes.identity(model, LANES, False, True)


_MADE: dict[int, tuple[Kernel, Kernel]] = {}


def of_doubles(narrow: Callable[..., int]) -> Callable[..., int]:
    """A `march` of single precision, for arrays in double."""

    def march(*given: Any) -> int:
        arguments = list(given)
        for k in NARROW:
            arguments[k] = given[k].astype(np.float32)
        used = narrow(*arguments)
        for k in WRITTEN:
            given[k][:] = arguments[k]
        return used

    return march


def in_single(exact: Kernel) -> Kernel:
    """The same kernel in single precision, what rounding drops of a state carried to its next step: half the time, readings within 1e-5 of
    those in double precision (decision 0003). For many people on a grid found in double precision; one that leaps is run in double
    precision, and so is whoever must be run again. A kernel that does not run on the lanes stays as it is."""
    if exact.passes is not None:
        return exact
    made = _MADE.get(id(exact))
    if made is not None:
        return made[1]
    program = program_of(exact.model, LANES, single=True)

    march = of_doubles(marching(program))
    quick = Kernel(exact.model, march, tuple(program.facts["order"]), LANES, exact=exact)
    _MADE[id(exact)] = exact, quick  # the first is held, so that its id stays its own
    return quick
