"""Angles between linear spaces."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from engine.numerics.matrices import eigvalsh


def largest_angle(
    one: Float[Array, "*k dim dim"], other: Float[Array, "*k dim dim"], taken: Bool[Array, "*k dim"]
) -> Float[Array, "*k"]:
    """The largest principal angle in rad between the spaces of the columns that are `taken`.

    Columns are orthonormal. The sine is the largest singular value of what of the other space
    sticks out of the first, so that small angles are as exact as large ones.
    """
    ours, theirs = one * taken[..., None, :], other * taken[..., None, :]
    out = theirs - ours @ (jnp.swapaxes(ours, -1, -2) @ theirs)
    square = eigvalsh(jnp.swapaxes(out, -1, -2) @ out)[..., -1]
    return jnp.arcsin(jnp.sqrt(jnp.clip(square, 0, 1)))
