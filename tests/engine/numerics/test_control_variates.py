"""Control variates: what is known of other averages takes error away, and no truth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import control_variates


def values(seed, n=500):
    """Of two numbers of mean 1 and 2, and two helpers of mean 0 that go with them."""
    u = jax.random.normal(jax.random.key(seed), (n, 4))
    helpers = u[:, :2]
    wanted = jnp.stack([1 + u[:, 0] + 0.1 * u[:, 2], 2 - 3 * u[:, 1] + u[:, 0] + u[:, 3]], axis=1)
    return jnp.concatenate([wanted, helpers], axis=1)


def test_coefficients_are_those_of_least_squares():
    by = control_variates.coefficients(control_variates.of(values(0, 20_000)), 2)
    np.testing.assert_allclose(by, [[1, 0], [1, -3]], atol=0.03)  # 1/√(20 000), four times


def test_batches_add_up_to_one_large_one():
    one, other = values(1), values(2)
    both = control_variates.merged(control_variates.of(one), control_variates.of(other))
    whole = control_variates.of(jnp.concatenate([one, other]))
    np.testing.assert_allclose(both.mean, whole.mean, atol=1e-5)
    np.testing.assert_allclose(both.square, whole.square, rtol=1e-4, atol=1e-4)
    assert both.batches == 2


def test_averages_are_unbiased_and_their_errors_right():
    by = control_variates.coefficients(control_variates.of(values(0)), 2)

    def estimated(seed):
        return control_variates.helped(control_variates.of(values(seed)), by)

    means, variances = jax.vmap(estimated)(jnp.arange(1, 401))
    # 400 estimates: their mean to an error in 20, four times; their spread to 1/√800, four times.
    error = np.sqrt(variances.mean(axis=0) / 500)
    np.testing.assert_allclose(means.mean(axis=0), [1, 2], atol=4 * error.max() / 20)
    np.testing.assert_allclose(means.std(axis=0), error, rtol=0.15)
    assert variances.mean(axis=0)[0] == pytest.approx(0.01, rel=0.1)  # 1.01 without the helpers
