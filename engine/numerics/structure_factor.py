"""The static structure factor, summed directly over particles."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from engine.numerics.neighbours import Scalar
from engine.numerics.trig import sincos


GOLDEN = 0.6180339887  # turns the directions from one shell to the next


def structure_factor(
    position: Float[Array, "n 2"],
    length: Float[Array, ""],
    *,
    most: Scalar,
    shells: int = 40,
    ways: int = 8,
) -> tuple[Float[Array, " shells"], Float[Array, " shells"]]:
    """|k| up to `most`, and S(k) = |Σ e^{ik·x}|²/N averaged over `ways` directions of k.

    The average is isotropic as that of `freud.diffraction.StaticStructureFactorDirect`, which takes
    all vectors in one quadrant that fit into the box (multiples of 2π/L). Here it is of some of all
    around: those next to evenly turned ones.
    """
    shell = np.arange(shells)[:, None]
    angle = np.pi * (np.arange(ways) + (shell * GOLDEN) % 1) / ways  # half of all: S(k) = S(−k)
    way = jnp.asarray(np.stack([np.cos(angle), np.sin(angle)], axis=-1), jnp.float32)
    size = jnp.linspace(1.0, jnp.maximum(most * length / (2 * jnp.pi), 2.0), shells)
    waves = jnp.round(size[:, None, None] * way).astype(int)
    s = lax.map(lambda some: jnp.mean(scattered(position, length, some)), waves)
    k = jnp.mean(jnp.linalg.norm(waves.astype(float), axis=-1), axis=1)
    return 2 * jnp.pi / length * k, s


def scattered(
    position: Float[Array, "n 2"], length: Float[Array, ""], waves: Int[Array, "m 2"]
) -> Float[Array, " m"]:
    """S(k) of each wave-vector, given in units of 2π/L."""
    turns = waves.astype(float) @ (position / length).T
    s, c = sincos(2 * jnp.pi * (turns - jnp.round(turns)))
    return (jnp.sum(s, axis=1) ** 2 + jnp.sum(c, axis=1) ** 2) / len(position)
