"""Ishigami's function: indices as the literature gives them, and as products of two draws do."""

import jax
import jax.numpy as jnp
import numpy as np

from engine.numerics import sobol


def test_exact_indices_are_those_of_the_specification():
    first, total = sobol.exact()
    np.testing.assert_allclose(first, (0.3139, 0.4424, 0.0), atol=1e-4)
    np.testing.assert_allclose(total, (0.5576, 0.4424, 0.2437), atol=1e-4)


def test_products_of_two_draws_lead_to_the_indices():
    z = jax.random.normal(jax.random.key(1), (200_000, 6))
    means = jnp.mean(jax.jit(sobol.products)(z), axis=0)
    # Y Y' has a standard deviation of some 25, variances are 13.8: 25/13.8/√(2·10⁵) = 0.4 %.
    np.testing.assert_allclose(sobol.indices(means), sobol.exact().first, atol=0.02)
