"""What is exact of a cloud in noise: how far it went, its density along x, and its averages.

The law p_t of data y in noise is the mean of the Gaussians N(a y, V), V = 1 − a² + a²h² where each
point has a kernel of width h.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from engine.numerics.distances import projected
from engine.numerics.scores import shrunk, variance


Scalar = int | float | Float[Array, ""]


def departed(
    data: Float[Array, "m 3"], noise: Float[Array, "some 3"], times: Float[Array, " times"]
) -> tuple[Float[Array, "m 64"], Float[Array, " times"]]:
    """The shadows of the data, and the sliced distance from the data in noise to them.

    Each point is noised once: the distance that sampling leaves, of order √(V/M), is far below
    that of the noise itself.
    """
    some = data[: len(noise)]

    def at(t: Float[Array, ""]) -> Float[Array, "some 64"]:
        return projected(shrunk(t) * some + jnp.sqrt(variance(t)) * noise)

    # Without noise at first: what puts shadows in order is compiled once.
    shadows = lax.map(at, jnp.concatenate([jnp.zeros(1), times]))
    apart = jnp.sqrt(jnp.mean((shadows[1:] - shadows[0]) ** 2, axis=(1, 2)))
    return (shadows[0] if len(some) == len(data) else projected(data)), apart


def marginal(
    x: Float[Array, " grid"], data: Float[Array, "m dim"], t: Scalar, width: Scalar
) -> Float[Array, " grid"]:
    """The density of p_t along the first axis: a Gaussian about each data point."""
    v, centre = variance(t, width), shrunk(t) * data[:, 0]

    def density(x: Array) -> Array:
        return jnp.mean(jnp.exp(-((x - centre) ** 2) / (2 * v))) / jnp.sqrt(2 * jnp.pi * v)

    return lax.map(density, x, batch_size=16)


def asked(x: Float[Array, "n 3"]) -> Float[Array, "n 4"]:
    """At each point what `answered` knows the average of: x², x₁², x₁ > ½ and x₃ > 1½."""
    values = [jnp.mean(x**2, axis=1), x[:, 0] ** 2, x[:, 0] > 0.5, x[:, 2] > 1.5]
    return jnp.stack([jnp.asarray(v, float) for v in values], axis=1)


def answered(data: Float[Array, "m 3"], t: Scalar, width: Scalar) -> Float[Array, " 4"]:
    """The averages under p_t of what is `asked`; the last is of a rare event."""
    y, root = shrunk(t) * data, jnp.sqrt(variance(t, width))
    below = jax.scipy.stats.norm.cdf
    return jnp.stack(
        [
            jnp.mean(y**2) + root**2,
            jnp.mean(y[:, 0] ** 2) + root**2,
            jnp.mean(below((y[:, 0] - 0.5) / root)),
            jnp.mean(below((y[:, 2] - 1.5) / root)),
        ]
    )
