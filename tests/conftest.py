"""Shared settings of the test suite: explicit seeds, one Hypothesis profile for each place, caches kept out of the user's home."""

from __future__ import annotations

import os
import random
from pathlib import Path

import hypothesis
import numpy as np
import pytest

hypothesis.settings.register_profile("local", deadline=None, max_examples=50)
# In CI a failure must come back on the next run: the examples are derived from the test itself, not from the clock.
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _explicit_seeds() -> None:
    """Code under test takes its seed as an argument; this only makes a forgotten one repeatable."""
    random.seed(20261120)
    np.random.seed(20261120)


@pytest.fixture(autouse=True)
def _no_user_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own CORRIN_* settings must not change a test; the compiled cache alone may be shared for speed."""
    for name in list(os.environ):
        if name.startswith("CORRIN_") and name != "CORRIN_CACHE_DIR":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def made_up_answer() -> object:
    """A whole `Forecast` of made-up courses (see `synthetic.py`)."""
    import synthetic

    with pytest.MonkeyPatch.context() as patch:
        return synthetic.answer(patch)
