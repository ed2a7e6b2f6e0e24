"""To learn where learning should begin."""

from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float


Scalar = int | float | Float[Array, ""]
Network = TypeVar("Network")


def descent(rate: Scalar) -> optax.GradientTransformation:
    """Plain gradient descent, with gradients clipped to a norm of 1."""
    return optax.chain(optax.clip_by_global_norm(1.0), optax.scale(-rate))


def after_adapting(
    network: Network,
    loss: Callable[[Network, Any], Float[Array, ""]],
    samples: Any,
    *,
    rate: Scalar,
) -> Float[Array, ""]:
    """The loss on the last of some samples, after a step of `descent` on each one before it.

    Samples lie along the first axis. As a function of the weights it has the gradient at the end of
    these steps (first-order MAML): what they change counts as fixed.
    """
    weights, rest = eqx.partition(network, eqx.is_inexact_array)
    optimiser = descent(rate)

    def descended(
        at: tuple[Network, Float[Array, ""], Network], sample: Any
    ) -> tuple[tuple[Network, Float[Array, ""], Network], None]:
        weights, _, _ = at
        value, slope = jax.value_and_grad(lambda w: loss(eqx.combine(w, rest), sample))(weights)
        change, _ = optimiser.update(slope, optimiser.init(weights))
        return (optax.apply_updates(weights, change), value, slope), None

    # One loop for the steps and for the loss, which compiles twice as fast: the last value and
    # slope are those at the end.
    here = lax.stop_gradient(weights)
    (_, value, slope), _ = lax.scan(descended, (here, jnp.zeros(()), here), samples)
    along = jax.tree.map(lambda w, w0, g: jnp.vdot(w - w0, g), weights, here, slope)
    return value + sum(jax.tree.leaves(along))
