"""Lines of equal height on a grid."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


Scalar = int | float | Float[Array, ""]


def contours(
    height: Float[Array, "n m"],
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " m"],
    level: Scalar,
) -> tuple[Float[Array, "s 2"], Float[Array, "s 2"]]:
    """Both ends of the pieces of one line; not-a-number where a cell has none.

    Each cell is cut into two triangles, in which a line is straight and never ambiguous.
    """
    h = height - level
    place = jnp.stack(jnp.meshgrid(jnp.asarray(x), jnp.asarray(y), indexing="ij"), axis=-1)
    corner = {
        "sw": (h[:-1, :-1], place[:-1, :-1]),
        "se": (h[1:, :-1], place[1:, :-1]),
        "nw": (h[:-1, 1:], place[:-1, 1:]),
        "ne": (h[1:, 1:], place[1:, 1:]),
    }
    pieces = [
        crossed(*(corner[name] for name in triangle))
        for triangle in (("sw", "se", "ne"), ("sw", "ne", "nw"))
    ]
    start, end = (jnp.concatenate([p[i].reshape(-1, 2) for p in pieces]) for i in (0, 1))
    return start, end


def crossed(
    a: tuple[Array, Array], b: tuple[Array, Array], c: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Where height 0 enters and leaves triangles, given by height and place of their corners."""
    first, second, third = between(*a, *b), between(*b, *c), between(*c, *a)
    # A line meets two sides or none: what misses a side is not-a-number there.
    start = jnp.where(jnp.isnan(first), second, first)
    end = jnp.where(jnp.isnan(third), second, third)
    none = jnp.isnan(start) | jnp.isnan(end)
    return jnp.where(none, jnp.nan, start), jnp.where(none, jnp.nan, end)


def between(h: Array, p: Array, k: Array, q: Array) -> Array:
    """Where the height is 0 on a side from p to q."""
    apart = jnp.where(h == k, 1.0, h - k)
    share = jnp.where((h > 0) != (k > 0), h / apart, jnp.nan)
    return p + share[..., None] * (q - p)
