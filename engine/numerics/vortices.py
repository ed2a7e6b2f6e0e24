"""Vortices of a field of angles, and how they screen its stiffness (Kosterlitz and Thouless).

K = Υ/T is the stiffness in units of temperature, y the fugacity of a vortex. On larger and larger
scales l

    dK⁻¹/dl = 4π³ y²,    dy/dl = (2 − πK) y,

so that 2π³ y² − 2K⁻¹ + π ln K⁻¹ never changes: where a flow ends is a root, not an integration.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int8

from engine.numerics.roots import bisect


Scalar = float | Float[Array, ""]

UNIVERSAL = 2 / np.pi  # Υ/T just below the transition (Nelson and Kosterlitz 1977)


def wrap(angle: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The same angle in (−π, π]."""
    return angle - 2 * jnp.pi * jnp.ceil(angle / (2 * jnp.pi) - 0.5)


def charges(angle: Float[Array, "length length"]) -> Int8[Array, "length length"]:
    """How often the angle turns around each plaquette of a periodic lattice: +1, −1 or 0.

    Plaquette [y, x] has its corners in rows y, y + 1 and columns x, x + 1. Each edge is wrapped
    once and shared by two plaquettes, so the sum over all is exactly 0.
    """
    across = wrap(jnp.roll(angle, -1, axis=1) - angle)
    up = wrap(jnp.roll(angle, -1, axis=0) - angle)
    turn = across + jnp.roll(up, -1, axis=1) - jnp.roll(across, -1, axis=0) - up
    return jnp.round(turn / (2 * jnp.pi)).astype(jnp.int8)


def renormalised(k: Scalar, fugacity: Scalar) -> Float[Array, ""]:
    """K on the largest scales: from 2/π up, or 0 where free vortices have destroyed it."""
    x0 = 1 / jnp.asarray(k, float)
    constant = 2 * x0 - jnp.pi * jnp.log(x0) - 2 * jnp.pi**3 * jnp.asarray(fugacity) ** 2
    last = jnp.pi / 2
    lowest = np.pi - np.pi * np.log(np.pi / 2)
    bound = (x0 < last) & (constant >= lowest)
    start = jnp.minimum(x0, last)

    def excess(share: Array) -> Array:
        x = start + (last - start) * share
        return 2 * x - jnp.pi * jnp.log(x) - constant

    x = start + (last - start) * bisect(excess, 0.0, 1.0)
    return jnp.where(bound, 1 / x, 0.0)


def flow_line(k: Scalar, fugacity: Scalar, inverse: Float[Array, " x"]) -> Float[Array, " x"]:
    """y along the flow through (K⁻¹, y) at other values of K⁻¹; not-a-number where it never is."""
    x0 = 1 / jnp.asarray(k, float)
    rise = (2 * (inverse - x0) - jnp.pi * jnp.log(inverse / x0)) / (2 * jnp.pi**3)
    squared = jnp.asarray(fugacity) ** 2 + rise
    return jnp.where(squared >= 0, jnp.sqrt(jnp.maximum(squared, 0)), jnp.nan)


def separatrix(inverse: Float[Array, " x"]) -> Float[Array, " x"]:
    """y on the line that parts flows to y = 0 from flows to free vortices."""
    return flow_line(UNIVERSAL, 0.0, inverse)
