"""How crowded it is: particles in the boxes of a grid over the square."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from engine.numerics.neighbours import taken


class Boxes(NamedTuple):
    """Equal square boxes, of at least the side that was asked for where there is room."""

    place: Int[Array, " n"]  # the box of each particle
    density: Float[Array, " n"]  # particles per area in each box; only the first few are boxes
    across: Int[Array, ""]  # boxes along a side

    def each(self) -> Float[Array, " n"]:
        """The density of each box, not-a-number behind the last one."""
        return jnp.where(jnp.arange(len(self.place)) < self.across**2, self.density, jnp.nan)

    def around(self) -> Float[Array, " n"]:
        """The density in the box of each particle."""
        return taken(self.density, self.place)


def boxes(
    x: Float[Array, " n"], y: Float[Array, " n"], length: Float[Array, ""], side: float
) -> Boxes:
    """Count particles in boxes; no more boxes than particles, so a shape does not depend on L."""
    n = len(x)
    across = jnp.clip((length / side).astype(int), 1, max(int(n**0.5), 1))
    column, row = (
        jnp.clip((along * (across / length)).astype(int), 0, across - 1) for along in (x, y)
    )
    place = row * across + column
    count = jnp.zeros(n).at[place].add(1.0)
    return Boxes(place, count * (across / length) ** 2, across)


def percentiles(
    values: Float[Array, " n"], count: Int[Array, ""], shares: tuple[float, ...]
) -> list[Float[Array, ""]]:
    """Values below which such shares of the first `count` lie; what is behind is not-a-number."""
    ordered = jnp.sort(values)  # not-a-number comes last
    rank = jnp.asarray(shares) * (count - 1)
    low = jnp.floor(rank).astype(int)
    high = jnp.minimum(low + 1, count - 1)
    found = taken(ordered, low) + (rank - low) * (taken(ordered, high) - taken(ordered, low))
    return list(found)
