"""Drives alone: their laws, and that time may be cut as one likes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.persistent_walks import displacement, relaxed, turned, unit


@pytest.mark.parametrize(("forget", "square"), [(turned, 1.0), (relaxed, 2.0)])
def test_a_drive_forgets_itself_exactly_and_keeps_its_size(forget, square, key):
    n = 100_000
    first, second, third = jax.random.split(key, 3)
    before = tuple(jax.random.normal(first, (2, n)))
    before = unit(before) if square == 1 else before
    at_once = forget(before, jnp.asarray(0.7), second)
    cut = forget(forget(before, jnp.asarray(0.3), second), jnp.asarray(0.4), third)
    for after in (at_once, cut):
        left = sum(np.mean(a * b) for a, b in zip(before, after, strict=True))
        size = sum(np.mean(a**2) for a in after)
        # Of 10⁵ drives known to at most 0.5 %, four times.
        assert left == pytest.approx(square * np.exp(-0.7), rel=0.02)
        assert size == pytest.approx(square, rel=0.02 if square == 2 else 1e-5)


def test_displacement_is_the_double_integral_of_memory():
    s = np.geomspace(1e-3, 30, 20)
    exact = 2 * (s + np.expm1(-s))  # in double precision, which loses no digit that counts
    np.testing.assert_allclose(displacement(jnp.asarray(s, jnp.float32)), exact, rtol=2e-5)
