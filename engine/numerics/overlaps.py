"""Soft discs of diameter 1: what those that overlap do to each other."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
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
    """Sums over the listed neighbours, in a periodic square; slots that no one uses cost nothing.

    It has no derivative by reverse mode: how many slots are in use is found as it runs.
    """
    x, y = position.T

    def add(slot: Array, total: tuple[Array, ...]) -> tuple[Array, ...]:
        listed = other[slot] >= 0
        there = jnp.maximum(other[slot], 0)
        # Coordinate by coordinate: what is fetched stays in vector registers.
        dx, dy = x - taken(x, there), y - taken(y, there)
        dx = dx - length * jnp.round(dx / length)
        dy = dy - length * jnp.round(dy / length)
        r = jnp.sqrt(dx**2 + dy**2 + 1e-12)
        pull = jnp.where(listed, jnp.maximum(1 - r, 0), 0) / r
        touches = listed & (r < 1)
        # div (1 − r) r̂ = 1/r − 2 in the plane.
        spread = jnp.where(touches, 1 / jnp.maximum(r, 1e-3) - 2, 0)
        new = pull * dx, pull * dy, spread, touches.astype(float)
        return tuple(t + n for t, n in zip(total, new, strict=True))

    used = jnp.sum(jnp.any(other >= 0, axis=1))  # lists are filled from the first slot on
    none = jnp.zeros_like(x)
    fx, fy, spread, touching = lax.fori_loop(0, used, add, (none,) * 4)
    return Overlaps(jnp.stack([fx, fy], axis=1), spread, touching)
