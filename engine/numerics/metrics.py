"""What a person asks of a cloud that was made: how far from the data, and how sure.

Each distance comes with a standard error of what it is a mean of. For Chamfer, energy and kernel
distances that is the influence of the points (the error of sampling, to first order); for the
sliced distance that of its 64 directions; for the earth mover's that of the matched lengths.
Between sets of clouds there are three more: minimum matching distance, coverage, and the accuracy
of a nearest neighbour that tells made from real.

These run beside a simulation, in a thread of their own: they take and give NumPy, and what has to
be compiled is compiled for few sizes (`thinned`).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from engine.numerics.distances import (
    directions,
    mean_distances,
    mean_kernels,
    nearest,
    projected,
    staircase,
)


EXACT = 512  # points up to which the earth mover's distance is exact: it costs N³
BLUR = 0.02  # ε of Sinkhorn, in mean distances
ROUNDS = 200  # of Sinkhorn at most
WIDTH = 0.5  # of the kernel, in standard deviations of a coordinate of the data

Cloud = Float[np.ndarray, "_ dim"]  # each of its own size


class Measured(NamedTuple):
    """A distance, one standard error of it, and how many points of both it was taken from."""

    value: float
    error: float
    made: int
    data: int
    exact: bool = True  # False where it was approximated


class SetMeasured(NamedTuple):
    """How a set of clouds compares with another."""

    matching: float  # MMD-D: mean over the data of the distance to the nearest that was made
    coverage: float  # COV-D: share of the data that is nearest to something made
    neighbour: float  # 1-NNA-D: 0.5 where both sets look alike, 1 where each keeps to itself
    made: int
    data: int


def thinned(cloud: np.ndarray, most: int, seed: int = 0) -> np.ndarray:
    """At most so many points of a cloud, drawn evenly and without repetition."""
    cloud = np.asarray(cloud, np.float32)
    if len(cloud) <= most:
        return cloud
    return cloud[np.random.default_rng(seed).choice(len(cloud), most, replace=False)]


def chamfer_distance(made: Cloud, data: Cloud) -> Measured:
    """(1/N) Σ min |a − b|² + (1/M) Σ min |b − a|²: squared norms, the sum of both means."""
    there, back = map(np.asarray, _both_ways(made, data))
    return _of_means(there.mean() + back.mean(), there, back)


def energy(made: Cloud, data: Cloud) -> Measured:
    """2 E|a − b| − E|a − a′| − E|b − b′|, a point with itself counted (the V-statistic)."""
    across, own, back, others = map(np.asarray, _distances(made, data))
    value = across.mean() + back.mean() - own.mean() - others.mean()
    return _of_means(value, 2 * (across - own), 2 * (back - others))


def kernel_discrepancy(made: Cloud, data: Cloud, width: float | None = None) -> Measured:
    """MMD² = E k(a, a′) + E k(b, b′) − 2 E k(a, b) with k = exp(−|a − b|² / 2σ²) (V-statistic).

    Without a `width`, σ is `WIDTH` standard deviations of a coordinate of the data.
    """
    if width is None:
        width = WIDTH * float(np.sqrt(np.mean(np.var(data, axis=0))))
    across, own, back, others = map(np.asarray, _kernels(made, data, width))
    value = own.mean() + others.mean() - across.mean() - back.mean()
    return _of_means(value, 2 * (own - across), 2 * (others - back))


def sliced_distance(made: Cloud, data: Cloud) -> Measured:
    """√ mean over 64 fixed directions of ∫ (F⁻¹ − G⁻¹)² du; the error is that of the mean."""
    squares = np.asarray(_sliced(made, data))
    mean = float(squares.mean())
    value = float(np.sqrt(mean))
    spread = float(squares.std(ddof=1)) / np.sqrt(len(squares))
    error = spread / (2 * value) if value else 0.0
    return Measured(value, float(error), len(made), len(data))


def earth_mover(made: Cloud, data: Cloud) -> Measured:
    """min over bijections π of (1/N) Σ |a − π(a)|.

    Exact (linear assignment) for clouds of equal size up to `EXACT`. Others are matched by Sinkhorn
    with ε of `BLUR` mean distances: its plan is a feasible one but for rounding, so the value lies
    above the least one, by some per cent where ε is far below it.
    """
    cost = cdist(made, data)
    if len(made) == len(data) <= EXACT:
        return _of_matching(cost[linear_sum_assignment(cost)], made, data)
    import ot

    weights = [np.full(len(cloud), 1 / len(cloud)) for cloud in (made, data)]
    plan = ot.sinkhorn(
        *weights, cost, BLUR * cost.mean(), numItermax=ROUNDS, stopThr=1e-4, warn=False
    )
    plan = plan / plan.sum()
    moved = (plan * cost).sum(axis=1) * len(made)  # of each point that was made
    return _of_matching(moved, made, data)._replace(exact=False)


def wasserstein(made: Cloud, data: Cloud) -> float:
    """W₂ = √ min over bijections of (1/N) Σ |a − π(a)|², exact; for clouds of equal size."""
    cost = cdist(made, data, "sqeuclidean")
    return float(np.sqrt(cost[linear_sum_assignment(cost)].mean()))


def between_sets(
    made: Float[np.ndarray, "g n dim"],
    data: Float[np.ndarray, "r m dim"],
    distance: Callable[[Cloud, Cloud], float] | None = None,
) -> SetMeasured:
    """Matching, coverage and nearest neighbours of two sets of clouds, by Chamfer's distance.

    Sets of different size are cut to the smaller one. Two sets of one law cover about
    1 − (1 − 1/R)^R ≈ 0.63 of each other at most, not all; the neighbour then is right by chance.
    """
    size = min(len(made), len(data))
    made, data = made[:size], data[:size]
    if distance is None:
        across = np.asarray(_table(made, data))
        own, others = (np.asarray(_table(s, s)) for s in (made, data))
    else:
        across, own, others = (
            np.array([[distance(a, b) for b in second] for a in first])
            for first, second in ((made, data), (made, made), (data, data))
        )
    whole = np.block([[own, across], [across.T, others]])
    np.fill_diagonal(whole, np.inf)  # nobody is its own neighbour
    real = np.arange(2 * size) >= size
    return SetMeasured(
        matching=float(across.min(axis=0).mean()),
        coverage=len(np.unique(across.argmin(axis=1))) / size,
        neighbour=float((real[whole.argmin(axis=1)] == real).mean()),
        made=size,
        data=size,
    )


# What is compiled.


@jax.jit
def _both_ways(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> tuple[Array, Array]:
    return nearest(x, y)[0], nearest(y, x)[0]


@jax.jit
def _distances(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> tuple[Array, ...]:
    return tuple(mean_distances(*pair) for pair in ((x, y), (x, x), (y, x), (y, y)))


@jax.jit
def _kernels(
    x: Float[Array, "n dim"], y: Float[Array, "m dim"], width: Float[Array, ""] | float
) -> tuple[Array, ...]:
    return tuple(mean_kernels(*pair, width) for pair in ((x, y), (x, x), (y, x), (y, y)))


@jax.jit
def _sliced(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, " count"]:
    along = directions(dim=x.shape[1])
    a, b = projected(x, along), projected(y, along)
    left, right, share = staircase(len(a), len(b))
    return jnp.sum(share[:, None] * (a[left] - b[right]) ** 2, axis=0)


@jax.jit
def _table(first: Float[Array, "g n dim"], second: Float[Array, "r m dim"]) -> Float[Array, "g r"]:
    """Chamfer's distance of each of some clouds to each of others."""

    def apart(x: Float[Array, "n dim"], y: Float[Array, "m dim"]) -> Float[Array, ""]:
        square = jnp.sum(x**2, axis=1)[:, None] - 2 * x @ y.T + jnp.sum(y**2, axis=1)
        square = jnp.maximum(square, 0)
        return jnp.mean(jnp.min(square, axis=0)) + jnp.mean(jnp.min(square, axis=1))

    return jax.lax.map(lambda x: jax.vmap(partial(apart, x))(second), first)


# What a value is known to.


def _of_means(value: np.floating, of_made: np.ndarray, of_data: np.ndarray) -> Measured:
    """A value that moves with the mean over either cloud by these numbers of its points."""
    variance = sum(v.var(ddof=1) / len(v) if len(v) > 1 else 0.0 for v in (of_made, of_data))
    return Measured(float(value), float(np.sqrt(variance)), len(of_made), len(of_data))


def _of_matching(moved: np.ndarray, made: Cloud, data: Cloud) -> Measured:
    error = moved.std(ddof=1) / np.sqrt(len(moved)) if len(moved) > 1 else 0.0
    return Measured(float(moved.mean()), float(error), len(made), len(data))
