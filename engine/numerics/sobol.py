"""Ishigami's function, and how much of its variance each input explains (Sobol's indices)."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float


A, B = 7.0, 0.1


class Indices(NamedTuple):
    """Shares of the variance: of one input alone, and of all that it has a part in."""

    first: tuple[float, float, float]
    total: tuple[float, float, float]


def exact() -> Indices:
    one = (1 + B * np.pi**4 / 5) ** 2 / 2
    two = A**2 / 8
    both = 8 * B**2 * np.pi**8 / 225  # of the first and the third together
    whole = one + two + both
    first = (one / whole, two / whole, 0.0)
    return Indices(first, ((one + both) / whole, two / whole, both / whole))


def ishigami(x: Float[Array, "*n 3"]) -> Float[Array, "*n"]:
    """sin x₁ + 7 sin² x₂ + 0.1 x₃⁴ sin x₁, of inputs that are even on (−π, π)."""
    one, two, three = x[..., 0], x[..., 1], x[..., 2]
    return jnp.sin(one) + A * jnp.sin(two) ** 2 + B * three**4 * jnp.sin(one)


def products(z: Float[Array, "n 6"]) -> Float[Array, "n 5"]:
    """Y, Y², and Y times what becomes of it when all inputs but one are drawn again.

    z holds two draws of the inputs, as unit Gaussians.
    """
    x = 2 * jnp.pi * ndtr(z) - jnp.pi
    one, again = x[:, :3], x[:, 3:]
    y = ishigami(one)
    with_one = jnp.where(jnp.eye(3, dtype=bool), one[:, None], again[:, None])
    return jnp.concatenate([jnp.stack([y, y**2], axis=1), y[:, None] * ishigami(with_one)], axis=1)


def indices(means: Float[Array, " 5"]) -> Float[Array, " 3"]:
    """First-order indices, of the means of `products`."""
    variance = means[1] - means[0] ** 2
    return (means[2:] - means[0] ** 2) / jnp.maximum(variance, 1e-6)
