"""A score network for a cloud of particles: A(t, x) of each alone, B[ν](x) of all the others."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Key

from engine.numerics.scores import shrunk, variance


Scalar = int | float | Float[Array, ""]

FIELDS = ("global", "ball", "none")  # what B sees of the other particles
WIDTH, POOLED = 96, 48
CLOUDS, POINTS = 8, 128  # that an optimiser step learns from
FEATURES = 3 + 2 * 3 * 3 + 7  # of the place and of the time
IGNORANT = 0.5  # loss of a network that says s x: a², averaged over the cosine schedule


class CloudNetwork(eqx.Module):
    """The noise ε in a cloud, from which its score is −ε/s: s x + A(t, x) + B[ν](x).

    ν is the empirical measure of the particles. B is a network of the place, the time and of
    ∫ φ(y) dν(y), taken over all of the cloud or over a ball about x; without B every particle is
    moved on its own. The first term is the noise in unit Gaussian data: a cloud that is noise is
    right from the start. As ν is a mean, what was learnt with a few particles holds for many.
    """

    alone: eqx.nn.MLP  # A
    inside: eqx.nn.MLP  # φ
    pooled: eqx.nn.MLP  # B

    def __init__(self, *, key: Key[Array, ""]) -> None:
        keys = jax.random.split(key, 3)

        def perceptron(inputs: int, outputs: int, depth: int, key: Key[Array, ""]) -> eqx.nn.MLP:
            return eqx.nn.MLP(inputs, outputs, WIDTH, depth, activation=jax.nn.silu, key=key)

        self.alone = perceptron(FEATURES, 3, 2, keys[0])
        self.inside = perceptron(FEATURES, POOLED, 1, keys[1])
        self.pooled = perceptron(FEATURES + POOLED, 3, 2, keys[2])

    def __call__(
        self, x: Float[Array, "n 3"], t: Scalar, field: str = "global", radius: Scalar = 1.0
    ) -> Float[Array, "n 3"]:
        """The noise in each particle of a cloud; `radius` is that of the ball."""
        seen = features(x, t)
        noise = jnp.sqrt(variance(t)) * x + _each(self.alone, seen)
        if field == "none":
            return noise
        told = _each(self.inside, seen)
        if field == "global":
            pool = jnp.broadcast_to(jnp.mean(told, axis=0), told.shape)
        else:
            square = jnp.sum(x**2, axis=1)
            apart = square[:, None] + square - 2 * x @ x.T
            near = (apart < jnp.asarray(radius, float) ** 2) | jnp.eye(len(x), dtype=bool)
            pool = near.astype(float) @ told / len(x)
        return noise + _each(self.pooled, jnp.concatenate([seen, pool], axis=1))

    def origin(
        self,
        clouds: Float[Array, "clouds n 3"],
        t: Scalar,
        width: Scalar,
        field: str = "global",
        radius: Scalar = 1.0,
    ) -> Float[Array, "clouds n 3"]:
        """E[y | x] of each particle, for data points y with kernels of this width."""
        noise = lax.map(lambda x: self(x, t, field, radius), clouds)
        return (clouds - variance(t, width) / jnp.sqrt(variance(t)) * noise) / shrunk(t)


def lesson(
    shapes: Float[Array, "shapes m 3"],
    weight: Float[Array, " shapes"],
    width: Scalar,
    field: str = "global",
    radius: Scalar = 1.0,
) -> Callable[[CloudNetwork, Key[Array, ""]], Float[Array, ""]]:
    """The loss of a network: the error of its noise in clouds of fresh shapes, points and times.

    `weight` is ln w of each shape, up to a constant, and `width` that of a data point's kernel.
    """
    m = shapes.shape[1]
    share = jnp.cumsum(jax.nn.softmax(weight))

    def loss(network: CloudNetwork, key: Key[Array, ""]) -> Float[Array, ""]:
        for_choice, for_noise = jax.random.split(key)
        choice = jax.random.uniform(for_choice, (CLOUDS, 2 + POINTS))
        noise, kernel = jax.random.normal(for_noise, (2, CLOUDS, POINTS, 3))
        z = jnp.minimum(jnp.searchsorted(share, choice[:, :1]), len(shapes) - 1)
        y = shapes[z, (m * choice[:, 2:]).astype(int)] + width * kernel
        # One time from each of as many equal spans: the loss scatters less.
        t = noise_time(0.02 + 0.978 * (jnp.arange(CLOUDS) + choice[:, 1]) / CLOUDS)
        kept, spread = jnp.exp(-t)[:, None, None], -jnp.expm1(-2 * t)[:, None, None]
        x = kept * y + jnp.sqrt(spread) * noise
        guess = jax.vmap(lambda x, t: network(x, t, field, radius))(x, t)
        return jnp.mean((guess - noise) ** 2)

    return loss


def features(x: Float[Array, "n 3"], t: Scalar) -> Float[Array, "n k"]:
    """The place and its waves, and waves of the cosine schedule's time u, a = cos(πu/2)."""
    waves = x[:, :, None] * np.array([1.0, 2, 4], np.float32)
    waves = waves.reshape(len(x), -1)
    u = cosine_time(t)
    turns = np.pi * np.arange(1, 4) * u
    clock = jnp.concatenate([u[None], jnp.sin(turns), jnp.cos(turns)])
    clock = jnp.broadcast_to(clock, (len(x), len(clock)))
    return jnp.concatenate([x, jnp.sin(waves), jnp.cos(waves), clock], axis=1)


def cosine_time(t: Scalar) -> Float[Array, ""]:
    """u from 0 (data) to 1 (noise), with e^{−t} = cos(πu/2)."""
    return jnp.arctan2(jnp.sqrt(variance(t)), shrunk(t)) * (2 / np.pi)


def noise_time(u: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """t, with e^{−t} = cos(πu/2)."""
    return -jnp.log(jnp.cos(np.pi / 2 * u))


def _each(network: Any, rows: Float[Array, "n k"]) -> Float[Array, "n o"]:
    return jax.vmap(network)(rows)
