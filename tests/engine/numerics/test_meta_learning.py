"""Meta-learning: the first-order gradient, and beginnings from which learning is quick."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.meta_learning import after_adapting, descent


def loss(w, target):
    return jnp.sum((w - target) ** 2) / 2


def test_value_and_gradient_are_those_at_the_end_of_the_steps():
    w, samples = jnp.array([1.0, 0.0]), jnp.zeros((4, 2))
    value, slope = jax.value_and_grad(after_adapting)(w, loss, samples, rate=0.5)
    # Three steps halve the distance each; the first-order gradient is that of the loss there.
    np.testing.assert_allclose(slope, [1 / 8, 0], rtol=1e-6)
    assert value == pytest.approx(1 / 128)


def test_steps_are_no_longer_than_their_rate():
    w = {"a": jnp.array([300.0]), "b": jnp.array([400.0])}
    change, _ = descent(0.1).update(w, descent(0.1).init(w))
    np.testing.assert_allclose([change["a"][0], change["b"][0]], [-0.06, -0.08], rtol=1e-5)


def test_a_beginning_is_found_amid_the_tasks():
    """Two targets: from between them each is as near as it can be."""
    w = jnp.array([3.0, 1.0])
    targets = jnp.array([[1.0, 0.0], [-1.0, 0.0]])

    def foreseen(w):
        each = [after_adapting(w, loss, jnp.stack([t, t]), rate=0.3) for t in targets]
        return sum(each) / 2

    slope = jax.jit(jax.grad(foreseen))
    for _ in range(60):
        w = w - 0.2 * slope(w)
    np.testing.assert_allclose(w, [0, 0], atol=1e-2)
