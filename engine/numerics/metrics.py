"""What a person asks of a cloud that was made: how far from the data, and how sure.

Each distance comes with a standard error of what it is a mean of. For Chamfer, energy and kernel
distances that is the influence of the points (the error of sampling, to first order); for the
sliced distance that of its 64 directions; for the earth mover's that of the matched lengths.
Between sets of clouds there are three more: minimum matching distance, coverage, and the accuracy
of a nearest neighbour that tells made from real.

These run beside a simulation, in a thread of their own and for clouds of any size: they are NumPy
and SciPy, for which nothing has to be compiled. Pairs are held a block of rows at a time.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from engine.numerics.distances import directions, staircase


BLOCK = 256  # rows of pairs held at once
EXACT = 512  # points up to which the earth mover's distance is exact: it costs N³
BLUR = 0.02  # ε of Sinkhorn, in mean distances
ROUNDS = 100  # of Sinkhorn at most
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
    """How a set of clouds compares with another; the counts are of clouds."""

    matching: Measured  # MMD-D: mean over the data of the distance to the nearest that was made
    coverage: Measured  # COV-D: share of the data that is nearest to something made
    neighbour: Measured  # 1-NNA-D: 0.5 where both sets look alike, 1 where each keeps to itself


def thinned(cloud: np.ndarray, most: int, seed: int = 0) -> np.ndarray:
    """At most so many points of a cloud, drawn evenly and without repetition."""
    cloud = np.asarray(cloud, np.float32)
    if len(cloud) <= most:
        return cloud
    return cloud[np.random.default_rng(seed).choice(len(cloud), most, replace=False)]


def chamfer_distance(made: Cloud, data: Cloud) -> Measured:
    """(1/N) Σ min |a − b|² + (1/M) Σ min |b − a|²: squared norms, the sum of both means."""
    there, _ = cKDTree(data).query(made)
    back, _ = cKDTree(made).query(data)
    there, back = there**2, back**2
    return _of_means(there.mean() + back.mean(), there, back)


def energy(made: Cloud, data: Cloud) -> Measured:
    """2 E|a − b| − E|a − a′| − E|b − b′|, a point with itself counted (the V-statistic)."""
    across, back = _row_means(made, data, np.asarray)
    own, others = (_row_means(cloud, cloud, np.asarray)[0] for cloud in (made, data))
    value = across.mean() + back.mean() - own.mean() - others.mean()
    return _of_means(value, 2 * (across - own), 2 * (back - others))


def kernel_discrepancy(made: Cloud, data: Cloud, width: float | None = None) -> Measured:
    """MMD² = E k(a, a′) + E k(b, b′) − 2 E k(a, b) with k = exp(−|a − b|² / 2σ²) (V-statistic).

    Without a `width`, σ is `WIDTH` standard deviations of a coordinate of the data.
    """
    if width is None:
        width = WIDTH * float(np.sqrt(np.mean(np.var(data, axis=0))))
    scale = -0.5 / width**2

    def kernel(apart: np.ndarray) -> np.ndarray:
        return np.exp(scale * apart**2)

    across, back = _row_means(made, data, kernel)
    own, others = (_row_means(cloud, cloud, kernel)[0] for cloud in (made, data))
    value = own.mean() + others.mean() - across.mean() - back.mean()
    return _of_means(value, 2 * (own - across), 2 * (others - back))


def sliced_distance(made: Cloud, data: Cloud) -> Measured:
    """√ mean over 64 fixed directions of ∫ (F⁻¹ − G⁻¹)² du; the error is that of the mean."""
    along = directions(dim=made.shape[1])
    a, b = (np.sort(cloud @ along.T, axis=0) for cloud in (made, data))
    left, right, share = staircase(len(a), len(b))
    squares = share @ (a[left] - b[right]) ** 2
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

    The errors are those of shares and means of so many independent clouds. Sets of different size
    are cut to the smaller one. Two sets of one law cover about
    1 − (1 − 1/R)^R ≈ 0.63 of each other at most, not all; the neighbour then is right by chance.
    """
    size = min(len(made), len(data))
    made, data = made[:size], data[:size]
    if distance is None:
        across, own, others = _table(made, data), _table(made, made), _table(data, data)
    else:
        across, own, others = (
            np.array([[distance(a, b) for b in second] for a in first])
            for first, second in ((made, data), (made, made), (data, data))
        )
    whole = np.block([[own, across], [across.T, others]])
    np.fill_diagonal(whole, np.inf)  # nobody is its own neighbour
    real = np.arange(2 * size) >= size
    nearest_made = across.min(axis=0)
    right = real[whole.argmin(axis=1)] == real
    covered = np.isin(np.arange(size), across.argmin(axis=1))
    return SetMeasured(
        *(
            Measured(float(part.mean()), float(part.std() / np.sqrt(len(part))), size, size)
            for part in (nearest_made, covered, right)
        )
    )


# Pairs.


def _row_means(
    made: Cloud, data: Cloud, of: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """From each point the mean over all of the other cloud of a function of the distance."""
    rows, columns = np.empty(len(made)), np.zeros(len(data))
    for first in range(0, len(made), BLOCK):
        block = of(cdist(made[first : first + BLOCK], data))
        rows[first : first + BLOCK] = block.mean(axis=1)
        columns += block.sum(axis=0)
    return rows, columns / len(made)


def _table(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Chamfer's distance of each of some clouds to each of others."""
    count, points, dim = second.shape
    everyone = second.reshape(-1, dim)
    table = np.empty((len(first), count))
    for k, cloud in enumerate(first):
        square = cdist(cloud, everyone, "sqeuclidean").reshape(len(cloud), count, points)
        table[k] = square.min(axis=0).mean(axis=1) + square.min(axis=2).mean(axis=0)
    return table


# What a value is known to.


def _of_means(value: np.floating, of_made: np.ndarray, of_data: np.ndarray) -> Measured:
    """A value that moves with the mean over either cloud by these numbers of its points."""
    variance = sum(v.var(ddof=1) / len(v) if len(v) > 1 else 0.0 for v in (of_made, of_data))
    return Measured(float(value), float(np.sqrt(variance)), len(of_made), len(of_data))


def _of_matching(moved: np.ndarray, made: Cloud, data: Cloud) -> Measured:
    error = moved.std(ddof=1) / np.sqrt(len(moved)) if len(moved) > 1 else 0.0
    return Measured(float(moved.mean()), float(error), len(made), len(data))
