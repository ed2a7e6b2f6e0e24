"""Soft discs of diameter 1: what those that overlap do to each other."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from engine.numerics.neighbours import Neighbours, taken, wrapped


class Overlaps(NamedTuple):
    """Of each disc; forces are those of stiffness 1."""

    across: Float[Array, " n"]  # its force, Σⱼ (1 − rᵢⱼ)₊ r̂ᵢⱼ
    up: Float[Array, " n"]
    divergence: Float[Array, " n"]  # of its force by its own place
    touching: Float[Array, " n"]  # how many

    @property
    def force(self) -> Float[Array, "n 2"]:
        return jnp.stack([self.across, self.up], axis=1)


def overlaps(
    x: Float[Array, " n"],
    y: Float[Array, " n"],
    near: Neighbours,
    length: Float[Array, ""],
) -> Overlaps:
    """Sums over the listed neighbours, in a periodic square; slots that no one uses cost nothing.

    It has no derivative by reverse mode: how many slots are in use is found as it runs.
    """

    def add(slot: Array, total: Overlaps) -> Overlaps:
        listed = near.other[slot] >= 0
        there = jnp.maximum(near.other[slot], 0)
        # Coordinate by coordinate: what is fetched stays in vector registers.
        dx, dy = wrapped(x - taken(x, there), length), wrapped(y - taken(y, there), length)
        inverse = lax.rsqrt(dx**2 + dy**2 + 1e-12)
        touches = listed & (inverse > 1)
        pull = jnp.where(touches, inverse - 1, 0)  # (1 − r)/r
        # div (1 − r) r̂ = 1/r − 2 in the plane.
        spread = jnp.where(touches, jnp.minimum(inverse, 1e3) - 2, 0)
        return Overlaps(
            total.across + pull * dx,
            total.up + pull * dy,
            total.divergence + spread,
            total.touching + touches,
        )

    none = jnp.zeros_like(x)
    return lax.fori_loop(0, near.used, add, Overlaps(none, none, none, none))
