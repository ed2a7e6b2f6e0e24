"""The exact velocity and score of a stochastic interpolant between two Gaussian mixtures.

x_t = α x₀ + β x₁ + γ z with x₀, x₁ independent: each pair of components is one Gaussian of mean
μ = α m_i + β n_j and variance C = α² A_i + β² B_j + γ², and its own velocity is affine.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


Scalar = int | float | Float[Array, ""]

PATHS = ("linear", "trigonometric", "one-sided")


class Mixture(NamedTuple):
    """Gaussians with round covariances."""

    weight: Float[Array, " k"]
    mean: Float[Array, "k dim"]
    variance: Float[Array, " k"]


class Pairs(NamedTuple):
    """The components of the law at one time, and how they move."""

    weight: Float[Array, " p"]
    mean: Float[Array, "p dim"]
    variance: Float[Array, " p"]
    drift: Float[Array, "p dim"]  # dμ/dt
    growth: Float[Array, " p"]  # dC/dt


def pairs(start: Mixture, end: Mixture, t: Scalar, path: str, latent: Scalar) -> Pairs:
    """The law at time t; `latent` is a_g in γ² = a_g t (1 − t).

    A one-sided path starts from the unit Gaussian, whatever `start` is, and has no latent noise.
    """
    t = jnp.clip(jnp.asarray(t, float), 1e-6, 1 - 1e-6)
    gamma2, gamma2_rate = latent * t * (1 - t), latent * (1 - 2 * t)
    if path == "trigonometric":
        turn = jnp.pi / 2 * t
        a, b = jnp.cos(turn), jnp.sin(turn)
        a_rate, b_rate = -jnp.pi / 2 * b, jnp.pi / 2 * a
    else:
        a, b, a_rate, b_rate = 1 - t, t, -jnp.ones(()), jnp.ones(())
    if path == "one-sided":
        start = Mixture(jnp.ones(1), jnp.zeros((1, end.mean.shape[1])), jnp.ones(1))
        gamma2, gamma2_rate = jnp.zeros(()), jnp.zeros(())

    def each(f: Array, g: Array) -> Array:
        """f of the first component plus g of the second, for each pair."""
        whole = f[:, None] + g[None]
        return whole.reshape(-1, *whole.shape[2:])

    return Pairs(
        jnp.outer(start.weight, end.weight).reshape(-1),
        each(a * start.mean, b * end.mean),
        each(a**2 * start.variance, b**2 * end.variance) + gamma2,
        each(a_rate * start.mean, b_rate * end.mean),
        each(2 * a * a_rate * start.variance, 2 * b * b_rate * end.variance) + gamma2_rate,
    )


class Field(NamedTuple):
    """At points x: the velocity, and the score −k (x − target) with its stiffness k."""

    velocity: Float[Array, "n dim"]
    target: Float[Array, "n dim"]
    stiffness: Float[Array, " n"]

    def score(self, x: Float[Array, "n dim"]) -> Float[Array, "n dim"]:
        return self.stiffness[:, None] * (self.target - x)


def field(x: Float[Array, "n dim"], law: Pairs) -> Field:
    """The mean of the velocities of all pairs, each by its probability at x."""
    r = jax.nn.softmax(log_parts(x, law), axis=1)
    # b = Σ r [dμ + (dC/2C)(x − μ)] and S = −Σ r (x − μ)/C, as products of matrices.
    rate = law.growth / (2 * law.variance)
    velocity = r @ (law.drift - rate[:, None] * law.mean) + (r @ rate)[:, None] * x
    stiffness = r @ (1 / law.variance)
    target = r @ (law.mean / law.variance[:, None]) / stiffness[:, None]
    return Field(velocity, target, stiffness)


def log_parts(x: Float[Array, "n dim"], law: Pairs) -> Float[Array, "n p"]:
    """ln of each pair's part of the density at x."""
    apart = jnp.sum((x[:, None] - law.mean) ** 2, axis=-1)
    normal = x.shape[1] / 2 * jnp.log(2 * jnp.pi * law.variance)
    return jnp.log(law.weight) - apart / (2 * law.variance) - normal


def density(x: Float[Array, "n dim"], law: Pairs) -> Float[Array, " n"]:
    return jnp.exp(jax.nn.logsumexp(log_parts(x, law), axis=1))


def moments(law: Pairs) -> tuple[Float[Array, " dim"], Float[Array, " dim"]]:
    """Mean and variance of each coordinate."""
    mean = law.weight @ law.mean
    second = law.weight @ (law.mean**2 + law.variance[:, None])
    return mean, second - mean**2


def drawn(key: Key[Array, ""], mixture: Mixture, n: int) -> Float[Array, "n dim"]:
    for_part, for_place = jax.random.split(key)
    part = jax.random.categorical(for_part, jnp.log(mixture.weight), shape=(n,))
    z = jax.random.normal(for_place, (n, mixture.mean.shape[1]))
    return mixture.mean[part] + jnp.sqrt(mixture.variance[part])[:, None] * z
