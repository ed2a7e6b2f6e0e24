"""A torus that lies somewhere in a space of ten dimensions, a little blurred."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


DIMENSIONS, BLUR = 10, 0.05  # of the space, and deviation of the noise along each of them
TUBE = 0.4  # its radius, where that of the ring is 1
# Variances of the three coordinates where points lie as dense on all of the surface.
ROUND, UP = 1 / 2 + 3 / 4 * TUBE**2, TUBE**2 / 2
UNIT = (2 * ROUND + UP) / 3  # they are divided by their mean
SPREAD = (ROUND / UNIT, ROUND / UNIT, UP / UNIT)


def on_torus(
    key: Key[Array, ""], count: int, place: Float[Array, "3 d"]
) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
    """Points of a torus of unit variance on average, and where round the ring they are, in rad.

    `place` holds the three orthonormal directions that it lies along.
    """
    for_turn, for_blur = jax.random.split(key)
    ring, share = 2 * jnp.pi * jax.random.uniform(for_turn, (2, count))
    # As dense on the outer side, which is longer: the density of v is ∝ 1 + r cos v, so v + r sin v
    # is uniform. Newton's method, six times: to the last digit for r = 0.4.
    v = share
    for _ in range(6):
        v = v - (v + TUBE * jnp.sin(v) - share) / (1 + TUBE * jnp.cos(v))
    out = 1 + TUBE * jnp.cos(v)
    point = jnp.stack([out * jnp.cos(ring), out * jnp.sin(ring), TUBE * jnp.sin(v)], axis=1)
    blur = BLUR * jax.random.normal(for_blur, (count, place.shape[1]))
    return point / jnp.sqrt(UNIT) @ place + blur, ring


def covariance(place: Float[Array, "3 d"]) -> Float[Array, "d d"]:
    """Of the points, exactly."""
    return (place.T * jnp.array(SPREAD)) @ place + BLUR**2 * jnp.eye(place.shape[1])
