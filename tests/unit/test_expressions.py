"""The program as text says what the rate functions compute."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrin.engine.emit.expressions import Expressions, expressions
from corrin.inference import population as of

SYSTEM = of.the_system()
PARAMETERS = dict(zip(SYSTEM.parameters, of.population().typical()[0].tolist(), strict=True))
EXPOSURES = {name: SYSTEM.inputs.get(name, 1.0) for name in SYSTEM.exposures}


@pytest.fixture(scope="module")
def formulas() -> Expressions:
    return expressions(SYSTEM)


def value_of(formula: str, names: dict[str, Any]) -> float:
    return float(eval(formula.replace("^", "**"), {"__builtins__": {}, "sqrt": math.sqrt, "exp": math.exp, "ln": math.log, **names}))


def with_shared(formulas: Expressions, names: dict[str, float]) -> dict[str, float]:
    """The definitions, each from earlier ones: their order is part of what is promised."""
    known = dict(names)
    for name, formula in formulas.shared.items():
        known[name] = value_of(formula, known)
    return known


@given(scale=st.floats(0.2, 3.0), pull=st.floats(0.3, 1.5), nitrous_oxide=st.sampled_from([0.0, 1.0]), seed=st.integers(0, 1000))
def test_text_computes_what_the_rate_functions_compute(
    formulas: Expressions, scale: float, pull: float, nitrous_oxide: float, seed: int
) -> None:
    luck = np.random.default_rng(seed)
    state = {pool.name: (pool.start * scale + 0.01) * float(luck.uniform(0.5, 1.5)) for pool in SYSTEM.pools}
    exposures = EXPOSURES | {"m_ileal_uptake": pull, "nitrous_oxide": nitrous_oxide}
    names = with_shared(formulas, {**PARAMETERS, **exposures, **state})
    x = SimpleNamespace(**exposures)
    y, p = SimpleNamespace(**state), SYSTEM.effective(SimpleNamespace(**PARAMETERS), x)
    for flow, formula in zip(SYSTEM.flows, formulas.flows, strict=True):
        assert value_of(formula, names) == pytest.approx(flow.rate(y, p, x), rel=1e-9, abs=1e-12), flow.name
    for change, formula in zip(SYSTEM.changes, formulas.changes, strict=True):
        assert value_of(formula, names) == pytest.approx(change.rate(y, p, x), rel=1e-7, abs=1e-10), change.state
    for reading in SYSTEM.readings:
        assert value_of(formulas.readings[reading.name], names) == pytest.approx(reading.value(y, p, x), rel=1e-9), reading.name


@given(first=st.floats(1.0, 2000.0), second=st.floats(1.0, 2000.0), kinds=st.permutations(["oral_C", "oral_O", "injected_O"]))
def test_doses_at_one_instant_follow_each_other(formulas: Expressions, first: float, second: float, kinds: list[str]) -> None:
    state = {pool.name: pool.start + 0.01 for pool in SYSTEM.pools}
    names = with_shared(formulas, {**PARAMETERS, **EXPOSURES, **state, "one": first, "two": second})
    x = SimpleNamespace(**EXPOSURES)
    p = SYSTEM.effective(SimpleNamespace(**PARAMETERS), x)
    after = dict(state)
    for kind, amount in ((kinds[0], first), (kinds[1], second)):
        for pool, added in SYSTEM.dose(kind, amount, SimpleNamespace(**after), p, x).items():
            after[pool] += added
    written = formulas.dose([(kinds[0], "one"), (kinds[1], "two")])
    assert set(written) == {pool for pool in state if after[pool] != state[pool]}
    for pool, formula in written.items():
        assert value_of(formula, names) == pytest.approx(after[pool], rel=1e-12), pool


def test_a_chain_of_squares_is_a_power_and_what_is_shared_is_written_once() -> None:
    def rate(y: Any, p: Any, x: Any) -> Any:
        return (y.a * y.a) * y.a**0.5 - p.k * (1.0 + y.a) * (3.0 - (1.0 + y.a)) + p.k * p.k

    class System:
        pools = (SimpleNamespace(name="a"),)
        parameters, exposures, targets = ("k",), (), ()
        flows, readings = (), ()
        changes = (SimpleNamespace(state="a", rate=rate),)

        def effective(self, p: Any, x: Any) -> Any:
            return p

    found = expressions(System())
    assert found.shared == {"shared_1": "a + 1"}
    text = found.changes[0]
    assert "a^2.5" in text
    assert "k * k" in text
    for a, k in ((0.7, 2.0), (3.0, 0.1)):
        assert value_of(text, {"a": a, "k": k, "shared_1": 1.0 + a}) == pytest.approx(
            rate(SimpleNamespace(a=a), SimpleNamespace(k=k), None)
        )
