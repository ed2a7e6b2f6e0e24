"""A plane across a cloud: where on it a field is asked for, and arrows that are seen whole.

A slice is a square grid of points at one height. A density of it is an `Image` with that height,
a field of vectors the `Arrows` of this file.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.numerics.scores import score, shrunk, variance


Scalar = int | float | Float[Array, ""]
PIXELS, ARROWS = 64, 15  # along a side of a slice


def plane(
    half: float, height: Scalar, count: int, *, pixels: bool = False
) -> Float[Array, "points 3"]:
    """The points of a grid over |x|, |y| ≤ half at this height, x running fastest.

    `pixels` puts them into the middles of the cells of an image that fills the square; else the
    outermost ones lie on its edge.
    """
    edge = half * (1 - 1 / count) if pixels else half
    side = jnp.linspace(-edge, edge, count)
    y, x = jnp.meshgrid(side, side, indexing="ij")
    return jnp.stack([x.ravel(), y.ravel(), jnp.full(count**2, height)], axis=1)


def readable(vectors: Float[Array, "n dim"], longest: float) -> Float[Array, "n dim"]:
    """Vectors to be drawn: directions exact, lengths saturating at `longest`.

    A score grows as 1/√V near the data, so true lengths would show a few arrows and hide the rest:
    a vector of the mean length takes half of the longest one, v → longest · v / (|v| + ⟨|v|⟩).
    """
    length = jnp.linalg.norm(vectors, axis=1, keepdims=True)
    return longest * vectors / jnp.maximum(length + jnp.mean(length), 1e-12)


def across(
    data: Float[Array, "m 3"], t: Scalar, width: Scalar, half: float, height: Scalar
) -> tuple[
    Float[Array, "side side"],
    Float[Array, "arrows 3"],
    Float[Array, "arrows 3"],
]:
    """What noise of time t has made of a cloud on a slice: its density, and its score as arrows.

    The density is over its own highest: late in the process all of a slice between two points is
    but a tail. `width` is that of the kernels of the data.
    """
    density = lattice_density(data, t, width, half, height)
    at = plane(half, height, ARROWS)
    return density, at, readable(score(at, data, t, width), 2 * half / ARROWS)


def lattice_density(
    data: Float[Array, "m 3"], t: Scalar, width: Scalar, half: float, height: Scalar
) -> Float[Array, "side side"]:
    """The density on the pixels of a slice, over its own highest there.

    A Gaussian is a product over axes, so on a lattice of k × k pixels the sum over m points is one
    product of k × m matrices: 2 k m exponentials instead of k² m. Each factor is taken relative to
    the pixel nearest to the point, so none underflows where the slice is brightest.
    """
    a, v = shrunk(t), variance(t, width)
    side = plane(half, height, PIXELS, pixels=True)[:PIXELS, 0]
    along_x, along_y = (-((side[:, None] - a * data[:, k]) ** 2) / (2 * v) for k in range(2))
    nearest_x, nearest_y = jnp.max(along_x, axis=0), jnp.max(along_y, axis=0)
    share = nearest_x + nearest_y - (height - a * data[:, 2]) ** 2 / (2 * v)
    rows = jnp.exp(along_y - nearest_y + (share - jnp.max(share)))
    density = rows @ jnp.exp(along_x - nearest_x).T
    return density / jnp.max(density)
