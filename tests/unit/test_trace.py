"""The trace: one node for equal expressions, exact derivatives, a sparse LU that solves, and rates that may not branch."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import bodies
from corrin.body import ops
from corrin.body.flow import Change, Mechanism, Pool, Reading
from corrin.body.system import System
from corrin.engine import trace
from corrin.engine.model import build, uses
from corrin.engine.trace import Graph, Names, Node

RANDOM = np.random.default_rng(7)


def evaluate(graph: Graph, values: dict[tuple[str, str], Any]) -> list[Any]:
    """Every node of the graph as a number; a symbol that is not given becomes nan."""
    out: list[Any] = []
    for operation in graph.operations:
        op = operation[0]
        if op == "symbol":
            out.append(values.get((operation[1], operation[2]), math.nan))
        elif op == "constant":
            out.append(operation[1])
        else:
            a = [out[i] for i in operation[1:]]
            out.append(
                a[0] + a[1] if op == "+" else a[0] - a[1] if op == "-" else a[0] * a[1] if op == "*" else a[0] / a[1] if op == "/"
                else -a[0] if op == "negative" else {"sqrt": np.sqrt, "exp": np.exp, "log": np.log}[op](a[0])
            )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def model() -> Any:
    return build(bodies.body())


@pytest.fixture(scope="module")
def point() -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """A stirred state, the typical person, an exposed world."""
    random = np.random.default_rng(3)
    y = {pool.name: max(pool.start, pool.floor) * random.uniform(0.6, 1.4) for pool in bodies.body().pools}
    y |= {name: value * 0.2 for name, value in y.items() if name.startswith(("demyelinated", "lost", "regrowing"))}
    x = {name: bodies.body().inputs.get(name, 1.0) for name in bodies.body().exposures}
    return (
        y,
        bodies.typical(cell_pool=0.5),
        x | {"nitrous_oxide": 0.2, "folic_acid_mg_d": 0.4, "crystalline_ug_d": 3.0, "m_intrinsic_factor": 0.7},
    )


def symbols(y: dict[str, Any], p: dict[str, Any], x: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        **{("state", k): v for k, v in y.items()},
        **{("parameter", k): v for k, v in p.items()},
        **{("exposure", k): v for k, v in x.items()},
    }


def rates(y: dict[str, Any], p: dict[str, Any], x: dict[str, Any]) -> list[Any]:
    system = bodies.body()
    view = SimpleNamespace(**x)
    return system.right_hand_side(SimpleNamespace(**y), system.effective(SimpleNamespace(**p), view), view)


def test_equal_expressions_are_one_node() -> None:
    graph = Graph()
    a, b = graph.symbol("state", "a"), graph.symbol("state", "b")
    assert (a * b + a).index == (b * a + a).index
    assert ops.hill(a, 0.3, 2).index == ops.hill(a, 0.3, 2).index
    assert (a - b).index != (b - a).index


def test_constants_fold_and_trivial_operations_vanish() -> None:
    graph = Graph()
    a = graph.symbol("state", "a")
    assert (2.0 * graph.constant(3.0)).number() == 6.0
    assert (graph.constant(4.0) ** 0.5).number() == 2.0
    assert ops.exp(graph.constant(0.0)).number() == 1.0
    assert ops.log(graph.constant(1.0)).number() == 0.0
    assert (a + 0.0).index == (0.0 + a).index == (a * 1.0).index == (a / 1.0).index == (a - 0.0).index == a.index
    assert (a * 0.0).number() == 0.0 == (a - a).number()
    assert (0.0 / a).number() == 0.0
    negative = -a
    assert (-negative).index == a.index
    assert (0.0 - a).index == (-a).index


@pytest.mark.parametrize("exponent", ops.POWERS)
def test_powers_are_exact(exponent: float) -> None:
    graph = Graph()
    node = ops.power(graph.symbol("state", "a"), exponent)
    assert evaluate(graph, {("state", "a"): 1.7})[node.index] == pytest.approx(1.7**exponent, rel=1e-15)
    assert ops.power(1.7, exponent) == pytest.approx(1.7**exponent, rel=1e-15)


def test_a_rate_may_not_branch_nor_use_a_free_power() -> None:
    a = Graph().symbol("state", "a")
    with pytest.raises(TypeError, match="may not branch"):
        bool(a)
    with pytest.raises(TypeError, match="may not branch"):
        assert a < 3.0
    with pytest.raises(TypeError, match="may not branch"):
        max(a, 0.0)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="may not raise"):
        a**2.7
    with pytest.raises(ValueError, match="not one of"):
        ops.power(a, 2.7)


def test_a_name_that_does_not_exist_names_near_ones() -> None:
    with pytest.raises(AttributeError, match="did you mean store"):
        _ = Names("pool", {"store": 1.0, "cell": 2.0}).stor


def test_the_trace_computes_what_the_functions_compute(model: Any, point: Any) -> None:
    values = evaluate(model.graph, symbols(*point))
    plain = rates(*point)
    np.testing.assert_allclose([values[node.index] for node in model.rates], plain, rtol=1e-12, atol=1e-15)


def test_jacobian_against_complex_steps(model: Any, point: Any) -> None:
    """The derivative by a complex step has no rounding error of differences; it runs the plain functions, not the trace."""
    y, p, x = point
    values = evaluate(model.graph, symbols(y, p, x))
    size = len(model.pools)
    found = np.zeros((size, size))
    for row, entries in enumerate(model.jacobian):
        for column, node in entries.items():
            found[row, column] = values[node.index]
    expected = np.zeros((size, size))
    for column, name in enumerate(model.pools):
        stepped = {key: complex(value) for key, value in y.items()}
        stepped[name] += 1e-30j
        expected[:, column] = [np.imag(rate) / 1e-30 for rate in rates(stepped, p, x)]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)


def test_jacobian_against_sympy() -> None:
    import sympy

    a, b = sympy.symbols("a b", positive=True)
    k = sympy.Rational(3, 10)

    def first(y: Any, half: Any = 0.3) -> Any:
        return ops.hill(y.a, half, 2.5) * y.b / (1.0 + y.a) - ops.sqrt(y.b)

    def second(y: Any) -> Any:
        return ops.above(y.a, 0.5, 0.1) * ops.power(1.0 - y.b, 6)

    graph = Graph()
    view = Names("pool", {"a": graph.symbol("state", "a"), "b": graph.symbol("state", "b")})
    state = [graph.symbol("state", "a"), graph.symbol("state", "b")]
    jacobian = trace.derivatives(graph, [first(view), second(view)], state)
    hill = a ** sympy.Rational(5, 2) / (a ** sympy.Rational(5, 2) + k ** sympy.Rational(5, 2))
    exact = [
        hill * b / (1 + a) - sympy.sqrt(b),
        (a - sympy.Rational(1, 2) + sympy.sqrt((a - sympy.Rational(1, 2)) ** 2 + sympy.Rational(1, 100))) / 2 * (1 - b) ** 6,
    ]
    at = {a: 0.71, b: 0.23}
    values = evaluate(graph, {("state", "a"): 0.71, ("state", "b"): 0.23})
    for row, expression in enumerate(exact):
        for column, symbol in enumerate((a, b)):
            node = jacobian[row].get(column)
            assert (0.0 if node is None else values[node.index]) == pytest.approx(float(expression.diff(symbol).subs(at)), rel=1e-12)


@pytest.mark.parametrize("per_day", [0.5, 4.0, 4e3])
def test_the_factors_solve_as_numpy_does(model: Any, point: Any, per_day: float) -> None:
    y, p, x = point
    size = len(model.pools)
    right = [model.graph.symbol("test", str(i)) for i in range(size)]
    solution = model.factors.solve(right, lambda node: node)
    numbers = RANDOM.standard_normal(size)
    given = symbols(y, p, x) | {("step", "diagonal"): per_day} | {("test", str(i)): v for i, v in enumerate(numbers)}
    values = evaluate(model.graph, given)
    matrix = -np.diag(np.full(size, per_day))
    for row, entries in enumerate(model.jacobian):
        for column, node in entries.items():
            matrix[row, column] += values[node.index]
    np.testing.assert_allclose([values[node.index] for node in solution], np.linalg.solve(matrix, numbers), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_factors_solve_random_sparse_matrices(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = 9
    dense = np.where(random.random((size, size)) < 0.3, random.standard_normal((size, size)), 0.0)
    graph = Graph()
    jacobian: list[dict[int, Node]] = [
        {c: graph.symbol("entry", f"{r},{c}") for c in range(size) if dense[r, c] != 0.0} for r in range(size)
    ]
    factors = trace.factorise(jacobian, graph.symbol("step", "diagonal"))
    right = [graph.symbol("right", str(i)) for i in range(size)]
    solution = factors.solve(right, lambda node: node)
    numbers = random.standard_normal(size)
    given = {("entry", f"{r},{c}"): dense[r, c] for r in range(size) for c in range(size)}
    values = evaluate(graph, given | {("step", "diagonal"): 6.0} | {("right", str(i)): v for i, v in enumerate(numbers)})
    expected = np.linalg.solve(dense - 6.0 * np.eye(size), numbers)
    np.testing.assert_allclose([values[node.index] for node in solution], expected, rtol=1e-10)


def test_no_library_call_is_left_in_the_step(model: Any) -> None:
    assert model.library_calls() == 0


def test_a_free_power_of_a_state_is_counted() -> None:
    bad = Mechanism("bad", pools=(Pool("a", "1", 1.0, 0.1),), changes=(Change("a", lambda y, p, x: -ops.raised(y.a, 0.7)),))
    assert build(System((bad,), ())).library_calls() > 0


def test_the_digest_is_of_the_equations_alone(model: Any) -> None:
    assert build(bodies.body()).digest() == model.digest()
    one = Mechanism("m", pools=(Pool("a", "1", 1.0, 0.1),), changes=(Change("a", lambda y, p, x: -y.a),))
    two = Mechanism("m", pools=(Pool("a", "1", 1.0, 0.1),), changes=(Change("a", lambda y, p, x: -2.0 * y.a),))
    assert build(System((one,), ())).digest() != build(System((two,), ())).digest()


def test_every_parameter_is_used_and_says_where() -> None:
    found = uses(bodies.body())
    assert [name for name, where in found.items() if not where] == []
    assert "reading serum_b12" in found["assay_offset"]
    assert any(where.startswith("dose oral") for where in found["passive_fraction"])


def test_a_reading_may_be_a_constant() -> None:
    one = Mechanism(
        "m", pools=(Pool("a", "1", 1.0, 0.1),), changes=(Change("a", lambda y, p, x: 0.0),),
        readings=(Reading("r", "1", "labs", "r", lambda y, p, x: 3.0),),
    )  # fmt: skip
    assert build(System((one,), ())).seen[0].number() == 3.0
