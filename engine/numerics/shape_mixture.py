"""A mixture of shapes, each with equally many data points, and what its clouds know by tables."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from engine.numerics.exchangeable import Law, divergences, read
from engine.numerics.shapes import SHAPES, normalised


Scalar = int | float | Float[Array, ""]


class ShapeMixture(NamedTuple):
    """Shapes by name, and one's own; a law of clouds as `GaussianPair` is."""

    names: tuple[str, ...]
    own: Float[Array, "k 3"] | None
    m: int  # data points of a shape
    kernel: Scalar

    @property
    def width(self) -> Float[Array, ""]:
        """Of the kernel of a data point."""
        return jnp.asarray(self.kernel, float)

    def drawn(self, key: Key[Array, ""]) -> Float[Array, "shapes m 3"]:
        keys = jax.random.split(key, len(self.names) + 1)
        data = [normalised(SHAPES[z](k, self.m)) for z, k in zip(self.names, keys, strict=False)]
        if self.own is not None:
            data.append(normalised(jax.random.choice(keys[-1], self.own, (self.m,))))
        return jnp.stack(data)

    def certainty(self, tables: Law, t: Scalar, n: int | Int[Array, ""]) -> Float[Array, ""]:
        """E max p, of clouds of n points in noise of t."""
        return read(tables.certainty, t, n)

    def twins(self, tables: Law, t: Scalar, n: int | Int[Array, ""]) -> Float[Array, ""]:
        """How often two clouds made of one in noise of t agree."""
        return read(tables.twins, t, n)

    def entropy(self, tables: Law, t: Scalar, n: int | Int[Array, ""]) -> Float[Array, ""]:
        """Chaotic entropy of a point, in nats."""
        return read(tables.information, t, 1) - read(tables.information, t, n) / n

    def divergence(self, key: Key[Array, ""], count: int) -> Float[Array, " times"]:
        """Kullback–Leibler from shape to shape, averaged; from so many points of each."""
        for_shape, for_points = jax.random.split(key)
        return divergences(for_points, self.drawn(for_shape), self.width, count)
