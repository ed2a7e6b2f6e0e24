"""Soft discs of diameter 1: what those that overlap do to each other."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from engine.numerics.neighbours import taken


class Overlaps(NamedTuple):
    """Of each disc; forces are those of stiffness 1."""

    force: Float[Array, "n 2"]  # Σⱼ (1 − rᵢⱼ)₊ r̂ᵢⱼ
    divergence: Float[Array, " n"]  # of its force by its own place
    touching: Float[Array, " n"]  # how many


def overlaps(
    position: Float[Array, "n 2"], other: Int[Array, "slots n"], length: Float[Array, ""]
) -> Overlaps:
    """Sums over the listed neighbours, in a periodic square."""
    x, y = position.T
    there = jnp.maximum(other, 0)
    # Coordinate by coordinate: what is fetched stays in vector registers.
    dx, dy = x - taken(x, there), y - taken(y, there)
    dx = dx - length * jnp.round(dx / length)
    dy = dy - length * jnp.round(dy / length)
    r = jnp.sqrt(dx**2 + dy**2 + 1e-12)
    pull = jnp.where(other >= 0, jnp.maximum(1 - r, 0), 0) / r
    touches = (other >= 0) & (r < 1)
    # div (1 − r) r̂ = 1/r − 2 in the plane.
    spread = jnp.sum(jnp.where(touches, 1 / jnp.maximum(r, 1e-3) - 2, 0), axis=0)
    push = jnp.stack([jnp.sum(pull * dx, axis=0), jnp.sum(pull * dy, axis=0)], axis=1)
    return Overlaps(push, spread, jnp.sum(touches, axis=0).astype(float))
