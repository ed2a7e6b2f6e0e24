"""The quick exponential: near enough, differentiable, and honest about what is no number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.numerics.exponential import decay


def test_it_is_the_exponential_to_single_precision():
    x = jnp.linspace(-87, 0, 400_001)
    error = np.abs(np.asarray(decay(x), float) / np.exp(np.asarray(x, float)) - 1)
    # 9e-8 of the polynomial and as much of rounding; x log₂e is rounded to 6e-8 of itself.
    assert np.all(error < (2 + np.abs(x)) * 1e-7)
    assert decay(jnp.zeros(())) == 1


@given(st.floats(-87, 0, width=32))
def test_it_does_not_fall_where_its_argument_rises(x):
    here = jnp.float32(x)
    more = jnp.float32(min(x + 1e-3 + 1e-6 * abs(x), 0.0))
    assert decay(more) >= decay(here)


def test_far_below_it_is_next_to_nothing():
    assert 0 <= decay(jnp.float32(-1e30)) < 2e-38
    assert 0 <= decay(jnp.float32(-jnp.inf)) < 2e-38


def test_what_is_no_number_stays_none():
    assert jnp.isnan(jax.jit(decay)(jnp.float32(jnp.nan)))


def test_it_differentiates_as_the_exponential():
    for x in (-0.3, -5.0):
        assert jax.grad(decay)(jnp.float32(x)) == pytest.approx(np.exp(x), rel=1e-6)
        assert jax.hessian(decay)(jnp.float32(x)) == pytest.approx(np.exp(x), rel=1e-6)
        assert jax.jvp(decay, (jnp.float32(x),), (jnp.float32(2),))[1] == pytest.approx(
            2 * np.exp(x), rel=1e-6
        )
