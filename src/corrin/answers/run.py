"""The seam between the model and the answers: one person and some plans in, arrays over draws out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from corrin.answers.computed import Computed
from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.errors import Bug

Progress = Callable[[str, float], None]
"""Told what is being done and how far it is, 0 to 1."""


def run(case: Case, plans: Sequence[Plan], years: float, draws: int, seed: int, progress: Progress | None = None) -> Computed:
    """Draw people like this one, weigh them by their data, and take each through every plan.

    `futures` of the result is keyed by `plan.name`, times from 0 to `years` * 365.25 days; `past` ends at 0.
    """
    raise Bug("the model is not connected to the answers yet.")


def warm() -> str:
    """Compile the model and keep it in the cache; returns a sentence on what was done."""
    raise Bug("the model is not connected to the answers yet.")
