"""Exports that other programs run: SBML, Antimony, PEtab, COMBINE archives, tables. The equations come from the same trace as everything.

Each format is one file. Optional packages are loaded only where a format needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from corrin.errors import EnvironmentProblem


def needed(module: str, what: str) -> Any:
    """An optional package's module; raises `EnvironmentProblem` that says how to get it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise EnvironmentProblem(
            f"{what} needs the Python package that holds {module!r}, which is not installed. Install it with: pip install 'corrin[export]'."
        ) from error
