"""Gaussian random numbers in pairs, which cost about half of what `jax.random.normal` costs."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key

from engine.numerics.trig import sincos


def normal_pair(
    key: Key[Array, ""], shape: tuple[int, ...]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Two arrays of independent Gaussian numbers: radius and angle of a point (Box & Muller 1958).

    From 24 and 32 bits, so none is beyond 5.8: one in 10⁸ would be. A logarithm, a root and one
    sine and cosine of our own serve two numbers; the inverse error function serves one.
    """
    for_radius, for_angle = jax.random.bits(key, (2, *shape))
    share = ((for_radius >> 8).astype(float) + 1) * 2.0**-24  # in (0, 1]
    radius = jnp.sqrt(-2 * jnp.log(share))
    turn = lax.bitcast_convert_type(for_angle, jnp.int32).astype(float)
    s, c = sincos(turn * (jnp.pi * 2.0**-31))
    return radius * c, radius * s


def normals(key: Key[Array, ""], n: int) -> Float[Array, " n"]:
    """So many Gaussian numbers."""
    return jnp.concatenate(normal_pair(key, ((n + 1) // 2,)))[:n]
