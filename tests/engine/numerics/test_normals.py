"""Gaussian numbers in pairs: their law, and that they are independent."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import kstest

from engine.numerics.normals import normal_pair, normals


def test_pairs_are_gaussian_and_independent(key):
    n = 400_000
    x, y = (np.asarray(part, float) for part in normal_pair(key, (n,)))
    for part in (x, y):
        assert kstest(part[:100_000], "norm").pvalue > 1e-4
        # Errors of moments: √(1, 2, 15, 96)/√n, four times.
        for power, exact, scatter in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            assert abs(np.mean(part**power) - exact) < 4 * np.sqrt(scatter / n)
    for f in (lambda v: v, lambda v: v**2, np.abs):
        assert abs(np.corrcoef(f(x), f(y))[0, 1]) < 4 / np.sqrt(n)
        assert abs(np.corrcoef(f(x[1:]), f(x[:-1]))[0, 1]) < 4 / np.sqrt(n)
    assert 4 < np.abs(x).max() < 5.8


def test_any_shape_is_drawn_and_a_key_gives_the_same_numbers(key):
    for shape in ((), (1,), (7,), (2, 3)):
        assert normals(key, shape).shape == shape
    compiled = jax.jit(normals, static_argnums=1)
    np.testing.assert_allclose(normals(key, (7,)), compiled(key, (7,)), rtol=1e-6)
    np.testing.assert_array_equal(compiled(key, (7,)), compiled(key, (7,)))
    many = normals(key, (100_001,))
    assert abs(jnp.mean(many)) < 4 / np.sqrt(100_001)
    assert kstest(np.asarray(many), "norm").pvalue > 1e-4
