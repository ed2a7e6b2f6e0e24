"""Sixfold order: how much the neighbours of a particle stand as in a triangular lattice."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.numerics.long_range import over_pairs


SHELL = 1.4  # lattice spacings that neighbours are within: six are at 1, the next at 1.73


def hexatic(
    position: Float[Array, "n 2"], density: Float[Array, " n"]
) -> tuple[Float[Array, " n"], Float[Array, " n"], Float[Array, " n"]]:
    """Neighbours of each particle, and the real and imaginary part of ψ₆ = ⟨e^{6iθ}⟩ over them.

    Neighbours are within 1.4 spacings of a lattice of the `density` that is expected there, in the
    open plane. All pairs are looked at.
    """
    x, y = position.T
    reach = SHELL**2 * 2 / (np.sqrt(3) * density)

    def near(mine: tuple[Array, ...], theirs: tuple[Array, ...]) -> tuple[Array, ...]:
        dx, dy = mine[0] - theirs[0], mine[1] - theirs[1]
        r2 = dx**2 + dy**2
        there = (r2 < mine[2]) & (r2 > 0)
        inverse = jnp.where(there, 1 / jnp.where(r2 > 0, r2, 1.0), 0.0)
        c, s = (dx**2 - dy**2) * inverse, 2 * dx * dy * inverse  # of 2θ; 6θ by its cube
        return there.astype(float), c * (c * c - 3 * s * s), s * (3 * c * c - s * s)

    count, c, s = over_pairs((x, y, reach), near)
    known = jnp.maximum(count, 1.0)
    return count, c / known, s / known
