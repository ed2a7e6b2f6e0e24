"""Where discs of diameter 1 begin in a periodic square: spread evenly, anyhow, or separated."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


DISC = jnp.pi / 4  # area, in squared diameters


def lattice(key: Key[Array, ""], n: int, length: Float[Array, ""]) -> Float[Array, "n 2"]:
    """A square lattice, each disc anywhere in the middle quarter of its cell."""
    across = int(-(-(n**0.5) // 1))
    site = jnp.stack(jnp.divmod(jnp.arange(n), across), axis=1) + 0.25
    return (site + 0.5 * jax.random.uniform(key, (n, 2))) * length / across


def slab(
    key: Key[Array, ""],
    n: int,
    length: Float[Array, ""],
    *,
    dense: float,
    thin: float,
) -> Float[Array, "n 2"]:
    """A hexagonal slab of packing `dense` across the square, and a gas of packing `thin` around.

    Their shares follow from the packing of the whole, by the lever rule; beyond it one is alone.
    """
    packing = n * DISC / length**2
    wide = jnp.clip((packing - thin) / (dense - thin), 0.0, 1.0)
    inside = jnp.round(n * jnp.clip(wide * dense / packing, 0.0, 1.0)).astype(int)
    # Rows close around the square, so their spacing is that which a whole number of discs has.
    in_row = jnp.maximum(jnp.round(length / jnp.sqrt(DISC / dense / (3**0.5 / 2))), 1)
    rows = jnp.ceil(inside / in_row)
    height = wide * length / jnp.maximum(rows, 1)
    row, column = jnp.divmod(jnp.arange(n), in_row.astype(int))
    crystal = jnp.stack(
        [
            (column + 0.5 * (row % 2) + 0.25) * length / in_row,
            (1 - wide) / 2 * length + (row + 0.5) * height,
        ],
        axis=1,
    )
    u = jax.random.uniform(key, (n, 2))
    above = (1 + wide) / 2 + (1 - wide) * u[:, 1]
    gas = jnp.stack([u[:, 0], above], axis=1) * length
    return jnp.where((jnp.arange(n) < inside)[:, None], crystal, gas) % length
