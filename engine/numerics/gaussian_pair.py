"""The Gaussian pair N(±m, I): what clouds of N points know of their sign is exact.

In noise of t its posterior is a logistic function of 2√κ (g + √κ), g ~ N(0, 1), with
κ = N |m|² e^{−2t}.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from engine.numerics.exchangeable import TIMES, Law
from engine.numerics.quadrature import NODES, WEIGHTS, weighed
from engine.numerics.scores import shrunk


Scalar = int | float | Float[Array, ""]


class GaussianPair(NamedTuple):
    """Two points as shapes, with kernels of unit width; it knows without tables of its `Law`."""

    half: Scalar  # |m|

    @property
    def width(self) -> Float[Array, ""]:
        """Of the kernel of a data point."""
        return jnp.asarray(1.0, float)

    def drawn(self, key: Key[Array, ""]) -> Float[Array, "shapes m 3"]:
        middle = jnp.array([self.half, 0, 0], float)
        return jnp.stack([middle, -middle])[:, None]

    def kappa(self, t: Scalar, n: int | Int[Array, ""]) -> Float[Array, ""]:
        return n * (jnp.asarray(self.half, float) * shrunk(t)) ** 2

    def certainty(self, tables: Law, t: Scalar, n: int | Int[Array, ""]) -> Float[Array, ""]:
        """E max p."""
        return accuracy(self.kappa(t, n))

    def twins(self, tables: Law, t: Scalar, n: int | Int[Array, ""]) -> Float[Array, ""]:
        """How often two clouds made of one in noise of t agree."""
        return agreement(self.kappa(t, n))

    def entropy(self, tables: Law, t: Scalar, n: int | Int[Array, ""]) -> Float[Array, ""]:
        """Chaotic entropy of a point, in nats."""
        one = self.kappa(t, 1)
        return information(one) - information(n * one) / n

    def divergence(self, key: Key[Array, ""], count: int) -> Float[Array, " times"]:
        """Kullback–Leibler from the one to the other, 2 |m|² e^{−2t}."""
        return 2 * (self.half * jnp.exp(-jnp.asarray(TIMES))) ** 2


def accuracy(kappa: Float[Array, "*grid"] | float) -> Float[Array, "*grid"]:
    """P(the likelier shape is the right one) = E max p = Φ(√κ)."""
    return jax.scipy.stats.norm.cdf(jnp.sqrt(jnp.asarray(kappa, float)))


def agreement(kappa: Float[Array, ""] | float) -> Float[Array, ""]:
    """P(two clouds drawn from one posterior agree) = E[p² + (1 − p)²]."""
    p = jax.nn.sigmoid(_argument(kappa))
    return weighed(p**2 + (1 - p) ** 2, WEIGHTS)


def information(kappa: Float[Array, ""] | float) -> Float[Array, ""]:
    """I(z; x^N) = ln 2 − E ln(1 + e^{−2√κ(g + √κ)}), in nats."""
    return jnp.log(2.0) - weighed(jax.nn.softplus(-_argument(kappa)), WEIGHTS)


def _argument(kappa: Float[Array, ""] | float) -> Float[Array, " z"]:
    root = jnp.sqrt(jnp.asarray(kappa, float))
    return 2 * root * (jnp.asarray(NODES) + root)
