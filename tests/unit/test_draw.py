"""Keyed random numbers: a batch may start anywhere, a name moves no other name."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from corrin.engine import draw
from corrin.inference import population


@pytest.mark.parametrize("first", [0, 1, 2, 3, 4, 5, 63, 1000])
@pytest.mark.parametrize("count", [1, 7, 64])
def test_a_batch_is_a_window_of_the_whole(first: int, count: int) -> None:
    whole = draw.uniforms(5, "capacity", 1100)
    np.testing.assert_array_equal(draw.uniforms(5, "capacity", count, first), whole[first : first + count])


def test_a_longer_batch_begins_with_the_shorter() -> None:
    np.testing.assert_array_equal(draw.normals(1, "a", 200)[:64], draw.normals(1, "a", 64))


def test_seed_and_name_key_the_stream() -> None:
    assert not np.array_equal(draw.uniforms(1, "a", 8), draw.uniforms(2, "a", 8))
    assert not np.array_equal(draw.uniforms(1, "a", 8), draw.uniforms(1, "b", 8))
    assert not np.array_equal(draw.uniforms(1, "1a", 8), draw.uniforms(11, "a", 8))


def test_another_name_moves_no_draw() -> None:
    found = population.population()
    few, more = ({name: draw.normals(3, name, 16) for name in names} for names in (found.drawn[:5], found.drawn))
    for name, z in few.items():
        np.testing.assert_array_equal(z, more[name])


def test_uniform_and_independent() -> None:
    u = draw.uniforms(2, "one", 20_000)
    v = draw.uniforms(2, "two", 20_000)
    assert 0.0 < u.min() < u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 0.001
    assert stats.kstest(draw.normals(2, "one", 20_000), "norm").pvalue > 0.001
    assert abs(np.corrcoef(u, v)[0, 1]) < 0.03
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.03


def test_values_stay_inside_their_limits() -> None:
    found = population.population()
    matrix = found.matrix({name: draw.normals(9, name, 2000) for name in found.drawn}, 2000)
    for column, row in enumerate(found.rows):
        assert matrix[:, column].min() >= row.low, row.name
        assert matrix[:, column].max() <= row.high, row.name
    assert set(np.unique(matrix[:, [row.name for row in found.rows].index("cell_pool")])) == {0.0, 1.0}
