"""The pair answers what a mixture of shapes reads from its tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import exchangeable as exact
from engine.numerics.exchangeable import TIMES
from engine.numerics.gaussian_pair import GaussianPair
from engine.numerics.shape_mixture import ShapeMixture


HALF = 0.5


@pytest.fixture(scope="module")
def tables():
    pair = GaussianPair(HALF)
    return jax.jit(exact.law)(jax.random.key(0), pair.drawn(jax.random.key(1)), pair.width)


@pytest.mark.parametrize("question", ["certainty", "twins", "entropy"])
def test_the_pair_and_a_mixture_answer_alike_of_the_same_clouds(tables, question):
    told = getattr(GaussianPair(HALF), question)(tables, 0.8, 16)
    read = getattr(ShapeMixture((), None, 1, 1.0), question)(tables, 0.8, 16)
    # Tables are averages over 512 independent clouds: 1/4 / √512 = 0.011, three times that.
    assert told == pytest.approx(float(read), abs=0.035)


def test_the_pair_parts_as_the_squared_distance_of_its_means(tables):
    exact_one = GaussianPair(HALF).divergence(jax.random.key(0), 4)
    # As for the tables themselves: from 8192 points of deviation 2am.
    error = 4 * 2 * HALF * np.exp(-TIMES) / np.sqrt(8192)
    assert np.all(np.abs(tables.divergence - exact_one) < error + 1e-4)


def test_a_mixture_draws_its_shapes_and_yours_centred_and_of_unit_variance():
    yours = jnp.arange(30.0).reshape(10, 3) ** 2
    data = ShapeMixture(("torus", "moons"), yours, 40, 0.1).drawn(jax.random.key(0))
    assert data.shape == (3, 40, 3)
    np.testing.assert_allclose(data.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose((data**2).mean(axis=(1, 2)), 1, rtol=1e-5)
