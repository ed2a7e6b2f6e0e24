"""What is exact of a cloud in noise, against samples of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.noised_clouds import answered, asked, departed, marginal
from engine.numerics.scores import shrunk, variance


TIME, WIDTH = 0.4, 0.2


@pytest.fixture
def data(key):
    return jax.random.normal(key, (300, 3))


def test_the_averages_are_those_of_many_noised_points(data):
    for_which, for_noise = jax.random.split(jax.random.key(1))
    clean = jax.random.choice(for_which, data, (100_000,))
    noise = jnp.sqrt(variance(TIME, WIDTH)) * jax.random.normal(for_noise, clean.shape)
    seen = asked(shrunk(TIME) * clean + noise)
    error = jnp.std(seen, axis=0) / jnp.sqrt(len(seen))
    assert np.all(np.abs(jnp.mean(seen, axis=0) - answered(data, TIME, WIDTH)) < 4 * error)


def test_the_density_along_an_axis_has_the_moments_of_the_law(data):
    x = jnp.linspace(-9, 9, 2001)
    density, dx = marginal(x, data, TIME, WIDTH), x[1] - x[0]
    assert jnp.sum(density) * dx == pytest.approx(1, abs=1e-4)
    known = answered(data, TIME, WIDTH)[1].item()
    assert jnp.sum(density * x**2) * dx == pytest.approx(known, rel=1e-3)


def test_a_cloud_departs_from_itself_with_the_noise(data, key):
    line = data * jnp.array([1.7, 0, 0])  # it becomes a ball: a Gaussian cloud would stay one
    shadows, apart = departed(line, jax.random.normal(key, (200, 3)), jnp.array([1e-4, 0.1, 2.0]))
    assert shadows.shape == (300, 64)  # of all points, though 200 were noised
    # Hardly any noise moves a shadow by at most its own width, √V = 0.014.
    assert apart[0] < 0.014
    assert np.all(np.diff(apart) > 0)
