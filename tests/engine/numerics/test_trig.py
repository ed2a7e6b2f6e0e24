"""The fast sine and cosine, against the exact ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.trig import sincos


@pytest.mark.parametrize(("reach", "error"), [(10, 1.5e-7), (1e4, 1e-6)])
def test_it_is_as_exact_as_it_says(reach, error):
    x = np.random.default_rng(0).uniform(-reach, reach, 200_000).astype(np.float32)
    s, c = jax.jit(sincos)(jnp.asarray(x))
    np.testing.assert_allclose(s, np.sin(x.astype(float)), atol=error, rtol=0)
    np.testing.assert_allclose(c, np.cos(x.astype(float)), atol=error, rtol=0)


def test_it_is_exact_at_quarter_turns_and_odd():
    x = jnp.float32(jnp.pi / 2) * jnp.arange(-8, 9)
    s, c = sincos(x)
    # π/2 in float32 is off by 4e-8, 8 of them by 4e-7; a product near 12 is rounded by 5e-7.
    np.testing.assert_allclose(s, np.tile([0, 1, 0, -1], 5)[:17], atol=1e-6)
    np.testing.assert_allclose(c, np.tile([1, 0, -1, 0], 5)[:17], atol=1e-6)
    np.testing.assert_array_equal(sincos(-x)[0], -s)


def test_its_gradient_is_what_one_expects():
    x = np.linspace(-10, 10, 5001, dtype=np.float32)
    slope = jax.grad(lambda x: jnp.sum(sincos(x)[0]))(jnp.asarray(x))
    # The derivative of a polynomial is less exact than the polynomial.
    np.testing.assert_allclose(slope, np.cos(x.astype(float)), atol=3e-6)


def test_what_is_not_a_number_stays_so():
    assert np.isnan(sincos(jnp.array([jnp.nan, jnp.inf]))).all()
