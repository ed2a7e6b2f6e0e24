"""Data and noise behind a point of a Gaussian path."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.gaussian_paths import parted


@pytest.mark.parametrize("width", [0.0, 0.3, 1.0])
def test_data_and_noise_add_up_to_what_is_seen(width, key):
    x = jax.random.normal(key, (50, 2))
    y = jax.random.normal(jax.random.key(1), (7, 2))
    data, noise = parted(x, y, 0.8, 0.4, width)
    np.testing.assert_allclose(0.8 * data + 0.4 * noise, x, atol=1e-5)


def test_the_denoiser_is_the_regression_of_the_data_on_what_is_seen(key):
    """By Bayes on a grid of data points, for a mixture of two on a line."""
    centres, width, alpha, sigma = jnp.array([[-1.0], [1.5]]), 0.3, 0.7, 0.5
    x = jnp.linspace(-2, 2, 9)[:, None]
    grid = np.linspace(-4, 4, 4001)
    prior = np.exp(-((grid[:, None] - np.asarray(centres).T) ** 2) / (2 * width**2)).sum(1)
    like = np.exp(-((np.asarray(x) - alpha * grid) ** 2) / (2 * sigma**2)) * prior
    exact = (like @ grid) / like.sum(1)
    data, _ = parted(x, centres, alpha, sigma, width)
    np.testing.assert_allclose(data[:, 0], exact, atol=1e-5)  # float32


def test_gaussian_data_are_shrunk_linearly(key):
    x = jax.random.normal(key, (10, 3))
    data, _ = parted(x, jnp.zeros((1, 3)), 0.6, 0.8, 1.0)
    np.testing.assert_allclose(data, 0.6 * x, atol=1e-6)
