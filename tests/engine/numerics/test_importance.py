"""A proposal that learns from weights, and errors that are what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import importance
from engine.numerics.importance import Proposal


TARGET = Proposal(
    jnp.array([0.3, 0.7]),
    jnp.array([[-1.5, 0, 0], [1.0, 0.5, 0]]),
    jnp.array([0.3 * np.eye(3), np.diag([0.1, 0.5, 0.2])], jnp.float32),
)


def log_target(x):
    return jax.nn.logsumexp(importance.log_parts(x, TARGET), axis=1)


@jax.jit
def learnt(key):
    def step(proposal, key):
        x = importance.drawn(key, proposal, 1000)
        weight = importance.log_weights(x, log_target(x), proposal)
        return importance.adapted(x, weight, proposal, 0.3), importance.effective(weight)

    return jax.lax.scan(step, importance.broad(6, 3), jax.random.split(key, 60))


def test_points_of_a_proposal_have_its_moments(key):
    x = importance.drawn(key, TARGET, 20_000)
    mean = np.array([0.3 * -1.5 + 0.7, 0.35, 0])
    # Four standard errors of 20 000 points with deviations up to 1.3.
    np.testing.assert_allclose(jnp.mean(x, axis=0), mean, atol=0.04)
    inner = jnp.cov(x[x[:, 0] > 0.2].T)
    np.testing.assert_allclose(jnp.diagonal(inner), [0.1, 0.5, 0.2], rtol=0.15)


def test_a_proposal_comes_to_the_target_and_its_error_bars_hold(key):
    proposal, effective = learnt(key)
    assert effective[0] < 0.5
    assert effective[-1] > 0.9  # of parts that are enough for the target

    def estimate(key):
        x = importance.drawn(key, proposal, 500)
        weight = importance.log_weights(x, log_target(x), proposal)
        return importance.expectations(x, weight)

    value, error = jax.vmap(estimate)(jax.random.split(key, 200))
    pull = (value - np.array([0.25, 0.35, 0])) / error
    # Of 200 estimates each in units of its own error: a mean of 0 and a deviation of 1.
    assert np.all(np.abs(np.mean(pull, axis=0)) < 4 / np.sqrt(200) + 0.1)
    assert np.all(np.std(pull, axis=0) < 1.25)


def test_the_control_variate_makes_a_constant_exact(key):
    x = importance.drawn(key, importance.broad(3, 3), 500)
    weight = importance.log_weights(x, log_target(x), importance.broad(3, 3))
    value, error = importance.expectations(jnp.ones((500, 1)), weight)
    # ⟨w · 1⟩ is off by its scatter, and the known mean of w takes all of that away.
    assert value[0] == pytest.approx(1, abs=1e-4)
    assert error[0] < 1e-4
