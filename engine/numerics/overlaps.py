"""Soft discs of diameter 1: what those that overlap do to each other."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from engine.numerics.neighbours import (
    Neighbours,
    each_candidate,
    sorted_into_cells,
    taken,
    wrapped,
)


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
    """Sums over all neighbours, in a periodic square: over those on the list, if it had room."""
    # A loop of one round or none, and no `cond`: of two equal loops, XLA leaves out one.
    _, found = lax.while_loop(
        lambda carry: carry[0],
        lambda _: (jnp.bool_(False), overlaps_in_cells(x, y, length)),
        (near.used > len(near.other), overlaps_on_list(x, y, near, length)),
    )
    return found


def overlaps_on_list(
    x: Float[Array, " n"], y: Float[Array, " n"], near: Neighbours, length: Float[Array, ""]
) -> Overlaps:
    """Sums over the listed neighbours; slots that no one uses cost nothing.

    It has no derivative by reverse mode: how many slots are in use is found as it runs.
    """

    def add(slot: Array, total: Overlaps) -> Overlaps:
        listed = near.other[slot] >= 0
        there = jnp.maximum(near.other[slot], 0)
        # Coordinate by coordinate: what is fetched stays in vector registers.
        dx, dy = wrapped(x - taken(x, there), length), wrapped(y - taken(y, there), length)
        return _joined(total, dx, dy, listed)

    none = jnp.zeros_like(x)
    used = jnp.minimum(near.used, len(near.other))
    return lax.fori_loop(0, used, add, Overlaps(none, none, none, none))


def overlaps_in_cells(
    x: Float[Array, " n"], y: Float[Array, " n"], length: Float[Array, ""]
) -> Overlaps:
    """The same without a list, and so without a bound: the quicker way in a dense crowd."""
    cells = sorted_into_cells(x, y, length, 1.0)
    my_x, my_y, me = taken(x, cells.order), taken(y, cells.order), jnp.arange(len(x))

    def add(total: Overlaps, other: Array, valid: Array) -> Overlaps:
        there = jnp.where(valid, other, 0)
        dx = wrapped(my_x - taken(my_x, there), length)
        dy = wrapped(my_y - taken(my_y, there), length)
        return _joined(total, dx, dy, valid & (other != me))

    none = jnp.zeros_like(x)
    found = each_candidate(cells, add, Overlaps(none, none, none, none))
    return Overlaps(*(none.at[cells.order].set(part) for part in found))


def _joined(total: Overlaps, dx: Array, dy: Array, there: Array) -> Overlaps:
    """With what discs do that lie at −(dx, dy), where they are there."""
    inverse = lax.rsqrt(dx**2 + dy**2 + 1e-12)
    touches = there & (inverse > 1)
    pull = jnp.where(touches, inverse - 1, 0)  # (1 − r)/r
    # div (1 − r) r̂ = 1/r − 2 in the plane.
    spread = jnp.where(touches, jnp.minimum(inverse, 1e3) - 2, 0)
    return Overlaps(
        total.across + pull * dx,
        total.up + pull * dy,
        total.divergence + spread,
        total.touching + touches,
    )
