"""What an answer hangs on: functions whose indices are known, derivatives against another solver, laws of the body."""

from __future__ import annotations

import json
import math
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

import bodies
from corrin.answers import sensitivity as answers
from corrin.body.plain import run_plain
from corrin.engine.rest import constant
from corrin.engine.simulate import find_grid, simulate
from corrin.errors import CorrinError, EnvironmentProblem, InputError
from corrin.inference.population import place, population, spread

Floats = np.ndarray


def ishigami(z: Floats) -> Floats:
    """Ishigami T, Homma T. 1990: sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 on (-pi, pi)."""
    x = math.pi * (2.0 * ndtr(z) - 1.0)
    return np.asarray(np.sin(x[0]) + 7.0 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0]))


def test_sobol_indices_of_ishigami() -> None:
    a, b = 7.0, 0.1
    v1 = 0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2
    v2, v13 = a * a / 8.0, 8.0 * b * b * math.pi**8 / 225.0
    total = v1 + v2 + v13
    names = ["one", "two", "three"]
    found = answers.sobol(ishigami, names, names, 2048, 1)
    for name, first, both in zip(names, (v1, v2, 0.0), (v1 + v13, v2, v13), strict=True):
        value, error = found.first[name]
        assert abs(value - first / total) < max(3.0 * error, 0.02)
        value, error = found.second[name]
        assert abs(value - both / total) < max(3.0 * error, 0.02)


def g_function(z: Floats) -> Floats:
    """Sobol's g function with a = 0, 1, 9, 99."""
    a = np.array([0.0, 1.0, 9.0, 99.0])[:, None]
    return np.asarray(((np.abs(4.0 * ndtr(z) - 2.0) + a) / (1.0 + a)).prod(axis=0))


def test_sobol_indices_of_g_with_the_rest_as_one_group() -> None:
    a = np.array([0.0, 1.0, 9.0, 99.0])
    v = 1.0 / (3.0 * (1.0 + a) ** 2)
    total = np.prod(1.0 + v) - 1.0
    names = ["a", "b", "c", "d"]
    found = answers.sobol(g_function, names, ["a", "b"], 4096, 1)
    assert set(found.first) == {"a", "b", "rest"}
    assert found.first["a"][0] == pytest.approx(v[0] / total, abs=0.03)
    assert found.first["b"][0] == pytest.approx(v[1] / total, abs=0.03)
    rest = np.prod(1.0 + v[2:]) - 1.0
    assert found.first["rest"][0] == pytest.approx(rest / total, abs=0.02)
    assert found.second["a"][0] == pytest.approx(v[0] * np.prod(1.0 + v[1:]) / total, abs=0.03)


def test_morris_finds_the_order_of_g_and_a_line_exactly() -> None:
    names = ["a", "b", "c", "d"]
    found = answers.morris(g_function, names, 100, 1)
    effects = [found.first[name][0] for name in names]
    assert effects == sorted(effects, reverse=True)
    line = answers.morris(lambda z: 3.0 * ndtr(z[0]) - ndtr(z[1]), ["a", "b"], 10, 1)
    assert line.first["a"][0] == pytest.approx(2.7)
    assert line.first["b"][0] == pytest.approx(0.9)
    assert line.second["a"][0] == pytest.approx(0.0, abs=1e-9)


def test_derivatives_of_a_formula() -> None:
    base = np.array([0.3, -0.2])
    slope, apart = answers.derivatives(lambda z: np.exp(z[0]) * np.sin(z[1]), base)
    assert slope == pytest.approx([math.exp(0.3) * math.sin(-0.2), math.exp(0.3) * math.cos(-0.2)], rel=1e-5)
    assert (apart < 1e-2).all()


@pytest.mark.slow
def test_derivatives_are_those_of_an_independent_solver() -> None:
    """Three weeks on an ordinary day from one state: the engine's frozen grid against SciPy's integrator, each with its own differences."""
    system, kernel, people = bodies.body(), bodies.kernel(), population()
    names = ("mma_production", "tc_clearance", "store_release", "filtration")
    rows = {row.name: row for row in people.rows}
    begin = np.array([[pool.start for pool in system.pools]])
    reading = kernel.model.readings.index("mma")
    grid = find_grid(kernel, begin, people.typical(), constant(kernel, 1, 21.0), 1e-3)

    def fast(z: Floats) -> Floats:
        count = z.shape[1]
        run = simulate(
            kernel, np.repeat(begin, count, axis=0), people.matrix(dict(zip(names, z, strict=True)), count), constant(kernel, count, 21.0),
            grid, certify=False,
        )  # fmt: skip
        return np.asarray(np.log(run.readings[:, 0, reading]))

    slope, _ = answers.derivatives(fast, np.zeros(len(names)))
    start = {pool.name: pool.start for pool in system.pools}

    def slow(name: str, z: float) -> float:
        value = float(place(rows[name], np.array([z]), spread(rows[name]))[0])
        run = run_plain(system, bodies.typical(**{name: value}), {}, 21.0, start, times=[21.0], rtol=1e-9)
        return math.log(run.readings["mma"][-1])

    for number, name in enumerate(names):
        wanted = (slow(name, 0.05) - slow(name, -0.05)) / 0.1
        assert slope[number] == pytest.approx(wanted, rel=3e-3, abs=3e-5), name


@cache
def answered() -> Any:
    return answers.sensitivity(answer="mma@0", method="sobol", size=64)


@pytest.mark.slow
def test_mma_is_proportional_to_its_production() -> None:
    """In the steady state: production over clearance, so that one per cent more is one per cent more."""
    found = {one.name: one for one in answered().slopes}
    assert found["mma_production"].elasticity == pytest.approx(1.0, abs=1e-6)
    assert found["mma_reference"].elasticity == pytest.approx(1.0, abs=1e-6)
    assert {one.by for one in found.values()} == {"trace"}
    assert answered().slopes_error < 1e-3
    assert found["filtration"].per_sd < 0.0


@pytest.mark.slow
def test_the_answer_says_what_it_is(tmp_path: Path) -> None:
    from corrin.show.sensitivity_charts import save

    found = answered()
    data = json.loads(found.to_json())
    assert data["format"] == "corrin.sensitivity/1"
    assert data["unmoved"] > 40  # what belongs to nerves and blood cells does not move MMA
    names = [one["name"] for one in data["tornado"]]
    assert "remyelination_rate" not in names
    assert names[0] in ("filtration", "mma_production", "age_drawn", "cause")
    assert "% of the variance" in found.text()
    assert "exact derivatives" in found.text()
    assert "not a medical device" in found.text()
    assert {path.name for path in save(found.to_dict(), tmp_path)} >= {"tornado.png", "indices.svg"}


@pytest.mark.slow
def test_a_derivative_by_differences_is_told() -> None:
    from corrin.show.sensitivity_text import report

    data = answered().to_dict()
    assert "  by" not in report(data)
    data["slopes"][1]["by"] = "difference"
    lines = report(data).splitlines()
    assert sum(line.endswith("differences") for line in lines) == 1
    assert sum(line.endswith("the equations") for line in lines) > 3


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"answer": "mma"}, "--answer"), ({"answer": "mmaa@3"}, "mma"), ({"answer": "mma@99999"}, "--answer"),
        ({"method": "guess"}, "--method"),
        ({"method": "sobol", "size": 100}, "power of two"), ({"size": 1}, "--size"), ({"plan": "oral-1000-dayly"}, "oral-1000-daily"),
        ({"of": "/nowhere.json"}, "nowhere"), ({"seed": -3}, "seed"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(given: dict[str, Any], where: str) -> None:
    with pytest.raises(CorrinError) as caught:
        answers.sensitivity(**given)
    assert isinstance(caught.value, InputError)
    assert where in str(caught.value)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SALib", None)
    with pytest.raises(EnvironmentProblem, match=r"corrin\[sensitivity\]"):
        answers.sensitivity()
