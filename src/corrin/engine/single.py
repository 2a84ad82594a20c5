"""Many people in single precision: the kernel of a model with states, parameters and readings in numbers of half the width."""

from __future__ import annotations

import numpy as np

from corrin.engine.emit import lanes
from corrin.engine.model import Model
from corrin.engine.simulate import Kernel, marching, program_of

LANES = 16


def identity(model: Model) -> str:
    """What the text of the narrow program depends on."""
    return lanes.identity(model, LANES, False, True)


_MADE: dict[int, tuple[Kernel, Kernel]] = {}


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
    quick = Kernel(exact.model, marching(program), tuple(program.facts["order"]), LANES, np.float32, exact=exact)
    _MADE[id(exact)] = exact, quick  # the first is held, so that its id stays its own
    return quick
