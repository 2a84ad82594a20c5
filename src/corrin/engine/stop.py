"""A flag that stops whatever one thread has asked of the engine, without a word passed through every layer between."""

from __future__ import annotations

from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray

FLAG: ContextVar[NDArray[np.uint8] | None] = ContextVar("corrin-stop", default=None)
"""Where it is set, runs of this thread without a `Cancel` of their own look at it before every segment, and end once it is not 0."""
