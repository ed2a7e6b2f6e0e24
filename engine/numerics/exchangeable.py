"""Clouds of points that are independent once their shape is known (de Finetti's form).

A shape z is drawn with weight w_z, then N points from its density μ_z: its data points, each a
Gaussian of the given width, in noise of time t. What a cloud tells of its shape is

    p_z ∝ w_z Π_j μ_z(x_j)

which feels the points through their empirical measure alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.numerics.scores import shrunk, variance, weighted


Scalar = int | float | Float[Array, ""]
Points = slice | np.ndarray | Int[Array, " n"]

AGREEMENTS = ("mean field", "independent", "truncated")  # with all points, none, or those nearby
ROWS = 64  # points whose weights are held at once
MANY = 256  # of them where nothing else is at work
TIMES = np.geomspace(1e-3, 5, 20).astype(np.float32)  # at which a law is tabulated
OCTAVES = np.arange(13)  # log₂ of the cardinalities for which it is
HALF = np.log10(TIMES[1] / TIMES[0]) / 2  # of a step of the table along log₁₀ t
LOW = (OCTAVES[0] - 0.5, np.log10(TIMES[0]) - HALF)  # corners of the table, log₂ N and log₁₀ t
HIGH = (OCTAVES[-1] + 0.5, np.log10(TIMES[-1]) + HALF)
SAMPLES = int(2 ** OCTAVES[-1])  # points of each shape that the tables are averages over


class Evidence(NamedTuple):
    """What points tell of shapes: log μ_z(x), up to what all shapes share, and E[y | x, z]."""

    log: Float[Array, "*clouds shapes n"]
    mean: Float[Array, "*clouds shapes n dim"]

    def of(self, points: Points) -> "Evidence":
        """What some of the points tell."""
        return Evidence(self.log[..., points], self.mean[..., points, :])


class Law(NamedTuple):
    """What clouds of exchangeable points know of their shape, on a grid of noise times."""

    certainty: Float[Array, "times octaves"]  # E max p, of clouds of 2^octave points
    twins: Float[Array, "times octaves"]  # E Σ p²: two clouds made of one agree on the shape
    information: Float[Array, "times octaves"]  # I(z; x^N), in nats
    divergence: Float[Array, " times"]  # Kullback–Leibler from shape to shape, averaged


def evidence(
    x: Float[Array, "*clouds n dim"], shapes: Float[Array, "shapes m dim"], t: Scalar, width: Scalar
) -> Evidence:
    """What each point tells, in memory for a block of pairs."""
    a, v = shrunk(t), variance(t, width)
    points = x.reshape(-1, x.shape[-1])

    def under(y: Float[Array, "m dim"]) -> tuple[Array, Array]:
        columns = jnp.concatenate([y, jnp.ones((len(y), 1))], axis=1)
        sums, top = weighted(points, y, columns, a, v, ROWS)
        return top + jnp.log(sums[:, -1]), sums[:, :-1] / sums[:, -1:]

    log, mean = lax.map(under, shapes)
    log, mean = log.reshape(len(shapes), *x.shape[:-1]), mean.reshape(len(shapes), *x.shape)
    return Evidence(jnp.moveaxis(log, 0, -2), jnp.moveaxis(mean, 0, -3))


def densities(
    x: Float[Array, "*clouds n dim"], shapes: Float[Array, "shapes m dim"], t: Scalar, width: Scalar
) -> Float[Array, "*clouds shapes n"]:
    """The logarithm of `evidence` alone: without the means it costs a third less."""
    a, v = shrunk(t), variance(t, width)
    points = x.reshape(-1, x.shape[-1])

    def under(y: Float[Array, "m dim"]) -> Array:
        sums, top = weighted(points, y, jnp.ones((len(y), 1)), a, v, MANY)
        return top + jnp.log(sums[:, 0])

    log = lax.map(under, shapes).reshape(len(shapes), *x.shape[:-1])
    return jnp.moveaxis(log, 0, -2)


def differences(log: Float[Array, "*clouds shapes n"]) -> Float[Array, "*clouds shapes n"]:
    """Log densities relative to the likeliest shape of each point, so that long sums stay exact."""
    return log - jnp.max(log, axis=-2, keepdims=True)


def together(
    log: Float[Array, "*clouds shapes n"], weight: Float[Array, " shapes"], born: Scalar | Array
) -> Float[Array, "*clouds shapes 1"]:
    """The posterior of a cloud, of its first `born` points."""
    counted = jnp.where(jnp.arange(log.shape[-1]) < born, differences(log), 0)
    return jax.nn.softmax(weight[:, None] + jnp.sum(counted, axis=-1, keepdims=True), axis=-2)


def alone(
    log: Float[Array, "*clouds shapes n"], weight: Float[Array, " shapes"]
) -> Float[Array, "*clouds shapes n"]:
    """The posterior of each point for itself."""
    return jax.nn.softmax(weight[:, None] + log, axis=-2)


def nearby(
    log: Float[Array, "clouds shapes n"],
    weight: Float[Array, " shapes"],
    x: Float[Array, "clouds n dim"],
    radius: Scalar,
    born: Scalar | Array,
) -> Float[Array, "clouds shapes n"]:
    """The posterior of each point and of those of the first `born` closer to it than `radius`."""

    def of_cloud(cloud: tuple[Array, Array]) -> Array:
        log, x = cloud
        square = jnp.sum(x**2, axis=1)
        apart = square[:, None] + square - 2 * x @ x.T
        near = (apart < jnp.asarray(radius, float) ** 2) & (jnp.arange(len(x)) < born)[:, None]
        # A point is near to itself, whatever rounding makes of a distance of zero.
        near = near | jnp.eye(len(x), dtype=bool)
        return differences(log) @ near.astype(float)

    return jax.nn.softmax(weight[:, None] + lax.map(of_cloud, (log, x)), axis=-2)


def posterior(
    agreement: str,
    log: Float[Array, "clouds shapes n"],
    weight: Float[Array, " shapes"],
    x: Float[Array, "clouds n dim"],
    radius: Scalar,
    born: Scalar | Array,
) -> Float[Array, "clouds shapes n"]:
    """The probability of each shape for each point, by whom it agrees with; all, unless named."""
    if agreement == "independent":
        return alone(log, weight)
    if agreement == "truncated":
        return nearby(log, weight, x, radius, born)
    return jnp.broadcast_to(together(log, weight, born), log.shape)


def purity(log: Float[Array, "clouds shapes n"]) -> Float[Array, ""]:
    """The share of a cloud's points that are likeliest the same shape, each taken alone."""
    likeliest = jax.nn.one_hot(jnp.argmax(log, axis=1), log.shape[1])
    return jnp.mean(jnp.max(jnp.mean(likeliest, axis=1), axis=1))


def probed(
    key: Key[Array, ""],
    shapes: Float[Array, "shapes m dim"],
    weight: Float[Array, " shapes"],
    t: Scalar,
    width: Scalar,
    n: int,
    born: Scalar | Array,
) -> Float[Array, ""]:
    """How certain a fresh cloud of the data is in noise of t: it takes no way back to know."""
    for_shape, for_point, for_noise = jax.random.split(key, 3)
    own = shapes[jax.random.categorical(for_shape, weight)]
    clean = jax.random.choice(for_point, own, (n,))
    v = variance(t, width)
    cloud = shrunk(t) * clean + jnp.sqrt(v) * jax.random.normal(for_noise, clean.shape)
    return jnp.max(together(densities(cloud, shapes, t, width), weight, born))


def chaotic_entropy(
    log: Float[Array, "clouds shapes n"],
    weight: Float[Array, " shapes"],
    whole: Float[Array, "clouds shapes"],
    n: Scalar | Array,
) -> Float[Array, ""]:
    """I(z; x₁) − I(z; x^N)/N in nats, of n points whose posterior together is `whole`."""
    shapes = jax.nn.softmax(weight)
    known = jnp.sum(shapes * jnp.log(shapes))
    one = jnp.mean(nats(alone(log, weight))) - known
    return one - (jnp.mean(nats(whole[..., None])) - known) / n


def nats(p: Float[Array, "*clouds shapes n"]) -> Float[Array, "*clouds n"]:
    """Σ p ln p over the shapes."""
    return jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.maximum(p, 1e-30)), 0), axis=-2)


def law(key: Key[Array, ""], shapes: Float[Array, "shapes m dim"], width: Scalar) -> Law:
    """The tables for equally likely shapes, from 4096 points of each shape in noise.

    The points are exactly those of a noised cloud: no reverse run is needed. The clouds of N
    points are all N that follow each other, around the end: 4096/N of them are independent.
    """
    count, noised = len(shapes), _noised(key, shapes, SAMPLES)

    def at(t: Float[Array, ""]) -> Law:
        log = densities(noised(t, width), shapes, t, width)

        def doubled(clouds: Array, octave: Array) -> tuple[Array, tuple[Array, Array, Array]]:
            p = jax.nn.softmax(clouds, axis=1)
            told = jnp.log(float(count)) + jnp.mean(nats(p))
            seen = jnp.mean(jnp.max(p, axis=1)), jnp.mean(jnp.sum(p**2, axis=1)), told
            return clouds + jnp.roll(clouds, -(2**octave), axis=-1), seen

        _, tables = lax.scan(doubled, differences(log), jnp.asarray(OCTAVES))
        return Law(*tables, _apart(log))

    return lax.map(at, jnp.asarray(TIMES))


def divergences(
    key: Key[Array, ""], shapes: Float[Array, "shapes m dim"], width: Scalar, count: int
) -> Float[Array, " times"]:
    """The divergence of a law alone, from so many points of each shape."""
    noised = _noised(key, shapes, count)

    def at(t: Float[Array, ""]) -> Array:
        return _apart(densities(noised(t, width), shapes, t, width))

    return lax.map(at, jnp.asarray(TIMES))


def _noised(
    key: Key[Array, ""], shapes: Float[Array, "shapes m dim"], n: int
) -> Callable[[Scalar, Scalar], Float[Array, "shapes n dim"]]:
    """So many points of each shape, at any noise time; their noise is the same at all."""
    for_point, for_noise = jax.random.split(key)
    index = jax.random.randint(for_point, (len(shapes), n), 0, shapes.shape[1])
    z = jax.random.normal(for_noise, (len(shapes), n, shapes.shape[2]))
    clean = jnp.take_along_axis(shapes, index[:, :, None], axis=1)
    return lambda t, width: shrunk(t) * clean + jnp.sqrt(variance(t, width)) * z


def _apart(log: Float[Array, "shapes shapes n"]) -> Float[Array, ""]:
    """The mean divergence from a shape to another one; 0 from a shape to itself."""
    own = jnp.diagonal(log, axis1=0, axis2=1).T
    pairs = max(len(log) * (len(log) - 1), 1)
    return jnp.sum(jnp.mean(own[:, None] - log, axis=-1)) / pairs


def read(
    table: Float[Array, "times octaves"], t: Scalar, n: int | Int[Array, ""]
) -> Float[Array, ""]:
    """A value of a table, linear in ln t and ln N."""
    octave = jnp.clip(jnp.log2(jnp.asarray(n, float)), 0, len(OCTAVES) - 1)
    low = jnp.minimum(jnp.floor(octave).astype(int), len(OCTAVES) - 2)
    column = table[:, low] + (octave - low) * (table[:, low + 1] - table[:, low])
    return jnp.interp(jnp.log(jnp.asarray(t, float)), np.log(TIMES), column)


def reaches(
    divergence: Float[Array, " times"], level: Float[Array, "*grid"]
) -> Float[Array, "*grid"]:
    """The largest noise time at which the divergence is `level`; not-a-number if it never is."""
    falling = lax.cummax(divergence, reverse=True)  # sampling may make it a little uneven
    log = jnp.log(jnp.maximum(falling, 1e-12))
    wanted = jnp.log(level)
    time = jnp.exp(jnp.interp(-wanted, -log, np.log(TIMES)))
    return jnp.where((wanted < log[0]) & (wanted > log[-1]), time, jnp.nan)
