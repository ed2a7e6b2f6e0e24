"""A plane across a cloud: where on it a field is asked for, and arrows that are seen whole.

A slice is a square grid of points at one height. A density of it is an `Image` with that height,
a field of vectors the `Arrows` of this file.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.numerics.scores import log_density, score


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
    level = log_density(plane(half, height, PIXELS, pixels=True), data, t, width)
    density = jnp.exp(level - jnp.max(level)).reshape(PIXELS, PIXELS)
    at = plane(half, height, ARROWS)
    return density, at, readable(score(at, data, t, width), 2 * half / ARROWS)
