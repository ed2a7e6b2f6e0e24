"""How crowded it is: particles in the boxes of a grid over the square."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from engine.numerics.neighbours import taken


class Boxes(NamedTuple):
    """Equal square boxes, of at least the side that was asked for where there is room."""

    place: Int[Array, " n"]  # the box of each particle
    held: Int[Array, " n"]  # particles in each box; only the first few are boxes
    across: Int[Array, ""]  # boxes along a side
    length: Float[Array, ""]  # of the square

    @property
    def density(self) -> Float[Array, " n"]:
        """Particles per area in each box."""
        return self.held * (self.across / self.length) ** 2

    def each(self) -> Float[Array, " n"]:
        """The density of each box, not-a-number behind the last one."""
        return jnp.where(self._there(), self.density, jnp.nan)

    def around(self) -> Float[Array, " n"]:
        """The density in the box of each particle."""
        return taken(self.density, self.place)

    def percentiles(self, shares: tuple[float, ...]) -> list[Float[Array, ""]]:
        """Densities below which such shares of the boxes lie, linear between two boxes."""
        # Boxes hold whole numbers: how many hold so many puts them in order, without sorting.
        holding = jnp.zeros(len(self.held) + 1, int).at[self.held].add(self._there().astype(int))
        upto, last = jnp.cumsum(holding), self.across**2 - 1
        rank = jnp.asarray(shares) * last
        low = jnp.floor(rank)
        below, above = (
            jnp.searchsorted(upto, jnp.minimum(low + more, last).astype(int), side="right")
            for more in (0, 1)
        )
        found = below + (rank - low) * (above - below)
        return list(found * (self.across / self.length) ** 2)

    def _there(self) -> Bool[Array, " n"]:
        return jnp.arange(len(self.place)) < self.across**2


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
    count = jnp.zeros(n, int).at[place].add(1)
    return Boxes(place, count, across, length)
