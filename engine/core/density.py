"""A swarm's picture of density, for a view that could not draw each of its points in time."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.core.layers import Colour, Frame, Points
from engine.core.trees import tree, word
from engine.numerics.splat import splat


@tree
class Splat:
    """What a view wants to see as density: which points, how coloured, from where.

    The camera may turn and the colours may change without compiling; another size, view or
    colouring compiles once.
    """

    projection: Float[Array, "4 4"]  # to clip space
    table: Float[Array, "256 3"]  # the colours of the scale, from its lowest value to its highest
    view: str = word(default="")
    colouring: str = word(default="")  # the first of the points' colours unless named
    height: int = word(default=600)
    width: int = word(default=800)
    keeps: bool = word(default=False)  # whether the points are wanted as well


def density(frame: Frame, wish: Splat) -> Float[Array, "*panel height width 4"]:
    """In each pixel the sum of the points' colours, and their number; row 0 is at the bottom."""
    points = swarm(frame, wish.view)
    share = jnp.ones(points.position.shape[:-1])
    if points.colours:
        share = shares(points.colours[wish.colouring or next(iter(points.colours))])
    colour = wish.table[(share * (len(wish.table) - 1) + 0.5).astype(int)]

    def picture(position: Array, colour: Array) -> Array:
        return splat(position, colour, wish.projection, wish.height, wish.width)

    for _ in range(points.position.ndim - 2):
        picture = jax.vmap(picture)  # over panels
    return picture(points.position, colour)


def without_swarm(frame: Frame, view: str) -> Frame:
    """The frame without the points that a picture of density stands for."""
    drawn = swarm(frame, view)
    return frame | {view: tuple(layer for layer in frame[view] if layer is not drawn)}


def swarm(frame: Frame, view: str) -> Points:
    """The points of a view; the first, if it has several."""
    return next(layer for layer in frame[view] if isinstance(layer, Points))


def shares(colour: Colour) -> Float[Array, "*panel n"]:
    """Where on its scale each value lies, from 0 to 1."""
    value = colour.value.astype(float)
    if colour.scale == "phase":
        return value / (2 * jnp.pi) % 1
    if colour.scale == "category":
        return value % 256 / 255
    finite = jnp.isfinite(value)
    low, high = colour.span or (
        jnp.min(value, where=finite, initial=jnp.inf),
        jnp.max(value, where=finite, initial=-jnp.inf),
    )
    if colour.scale == "signed":
        high = jnp.maximum(jnp.abs(low), jnp.abs(high))
        low = -high
    share = (value - low) / jnp.maximum(high - low, 1e-30)
    return jnp.where(finite, jnp.clip(share, 0, 1), 0)
