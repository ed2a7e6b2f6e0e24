"""A swarm as a picture of its density, where drawing each point would take too long."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def splat(
    position: Float[Array, "n dim"],
    colour: Float[Array, "n c"],
    projection: Float[Array, "4 4"],
    height: int,
    width: int,
) -> Float[Array, "{height} {width} c+1"]:
    """In each pixel the sum of (colour, 1) over the points in it; row 0 is at the bottom.

    `projection` takes columns (x, y, z, 1) to clip space, as OpenGL does. Points outside the
    picture or behind the camera are dropped, and so is what is not a number.
    """
    # Broadcast sums, for a product of matrices would first copy the points into rows of four.
    x, y, _, w = (
        sum((row[i] * position[:, i] for i in range(position.shape[1])), row[3])
        for row in projection
    )
    column = jnp.floor((x / w + 1) / 2 * width)
    row = jnp.floor((y / w + 1) / 2 * height)
    inside = (w > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    pixel = jnp.where(inside, row * width + column, height * width).astype(int)
    # Rows of all planes at once: scattering plane by plane reads the pixels as often again.
    drops = jnp.concatenate([colour, jnp.ones((len(colour), 1))], axis=1)
    picture = jnp.zeros((height * width, drops.shape[1])).at[pixel].add(drops, mode="drop")
    return picture.reshape(height, width, -1)
