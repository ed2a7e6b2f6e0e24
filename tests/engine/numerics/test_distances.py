"""Distances between clouds: their definitions, and a shift that all of them know."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import energy_distance as energy_distance_on_a_line
from scipy.stats import wasserstein_distance

from engine.numerics.distances import (
    chamfer,
    directions,
    energy_distance,
    in_order,
    nearest,
    sliced_wasserstein,
    staircase,
)
from engine.numerics.shapes import normalised, torus


chamfer, energy_distance, in_order, nearest, sliced_wasserstein = map(
    jax.jit, (chamfer, energy_distance, in_order, nearest, sliced_wasserstein)
)


@settings(deadline=None, max_examples=12)
@given(n=st.sampled_from([1, 2, 9, 32, 100]), seed=st.integers(0, 100))
def test_the_network_sorts(n, seed):
    columns = np.random.default_rng(seed).integers(-9, 9, (n, 5)).astype(np.float32)  # with ties
    np.testing.assert_array_equal(in_order(jnp.asarray(columns)), np.sort(columns, axis=0))


def test_the_sliced_distance_is_its_definition(key):
    x, y = jax.random.normal(key, (2, 200, 3))
    along = directions()
    assert np.linalg.norm(along, axis=1) == pytest.approx(1)
    apart = np.sort(x @ along.T, axis=0) - np.sort(y @ along.T, axis=0)
    assert sliced_wasserstein(x, y) == pytest.approx(np.sqrt(np.mean(apart**2)), rel=1e-5)


def test_the_sliced_distance_of_unequal_clouds_is_that_of_both_repeated(key):
    x, y = jax.random.normal(key, (60, 3)), jax.random.normal(key, (45, 3)) * 2
    same = sliced_wasserstein(jnp.repeat(x, 3, axis=0), jnp.repeat(y, 4, axis=0))
    assert sliced_wasserstein(x, y) == pytest.approx(same.item(), rel=1e-5)


def test_the_staircase_is_the_distance_on_a_line():
    rng = np.random.default_rng(0)
    a, b = np.sort(rng.normal(size=37)), np.sort(rng.normal(size=50))
    left, right, share = staircase(37, 50)
    assert share.sum() == pytest.approx(1)
    apart = np.sum(share * np.abs(a[left] - b[right]))
    assert apart == pytest.approx(wasserstein_distance(a, b), rel=1e-5)


def test_a_shift_is_known_to_all(key):
    x = normalised(torus(key, 512))
    v = jnp.array([0.3, 0.0, 0.0])
    # Every shadow moves by θ·v, so SW₂² is the mean of (θ·v)²: |v|²/3, but for the 64 directions.
    along = np.mean((directions() @ np.asarray(v)) ** 2)
    assert sliced_wasserstein(x, x + v) == pytest.approx(np.sqrt(along), rel=1e-3)
    assert along == pytest.approx(0.09 / 3, rel=0.25)
    # The spec's 0.0844 for 512 points of a torus; 0.2 |v|² covers another draw, and the bound
    # 2 |v|² holds for any.
    assert chamfer(x, x + v) == pytest.approx(0.0844, abs=0.018)
    assert chamfer(x, x + v) < 2 * 0.09
    # By |x|² − 2x·y + |y|² a distance of nought is known to 1e-6.
    assert chamfer(x, x) == pytest.approx(0, abs=2e-6)
    assert sliced_wasserstein(x, x) == 0
    assert energy_distance(x, x) == pytest.approx(0, abs=1e-6)


def test_the_chamfer_and_energy_distances_are_their_definitions(key):
    x, y = jax.random.normal(key, (150, 3)), 1.5 * jax.random.normal(jax.random.key(1), (70, 3))

    def pairs(x, y):
        return np.linalg.norm(np.asarray(x)[:, None] - np.asarray(y), axis=-1)

    both = np.mean(pairs(x, y).min(axis=0) ** 2) + np.mean(pairs(x, y).min(axis=1) ** 2)
    assert chamfer(x, y) == pytest.approx(both, rel=1e-4)
    energy = 2 * pairs(x, y).mean() - pairs(x, x).mean() - pairs(y, y).mean()
    assert energy_distance(x, y) == pytest.approx(energy, rel=1e-4)


def test_on_a_line_the_energy_distance_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(80, 1)), rng.normal(size=(60, 1)) + 1
    squared = energy_distance_on_a_line(a[:, 0], b[:, 0]) ** 2  # SciPy takes the root
    ours = energy_distance(jnp.asarray(a, jnp.float32), jnp.asarray(b, jnp.float32))
    assert ours == pytest.approx(squared, rel=1e-4)


def test_the_nearest_and_the_next_are_found(key):
    x, y = jax.random.normal(key, (300, 3)), jax.random.normal(jax.random.key(1), (90, 3))
    apart = np.sort(np.sum((np.asarray(x)[:, None] - np.asarray(y)) ** 2, axis=-1), axis=1)
    first, second = nearest(x, y)
    np.testing.assert_allclose(first, apart[:, 0], atol=5e-6)  # of |x|² + |y|² in float32
    np.testing.assert_allclose(second, apart[:, 1], atol=5e-6)


def test_two_draws_of_one_law_are_as_far_as_their_sizes_allow(key):
    x, y = jax.random.normal(key, (2, 1000, 3))
    # E W₂² of two samples of a Gaussian on a line is some 2 ln ln N / N: 0.06² for a thousand.
    assert 0.02 < sliced_wasserstein(x, y) < 0.12
