"""The points of a cloud that stand best for all: k medoids, by swaps that cost O(n) each.

The loss is the sum of the distances of all points to their nearest medoid. One pass over a
candidate tells what putting it in the place of each of the k medoids would change, for what a
point loses with its medoid, and what it gains by the candidate, hardly depend on each other
(FasterPAM of Schubert and Rousseeuw, who swap at once wherever it pays). In NumPy, for views.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


ROUNDS = 100  # passes over all candidates, of which a few are needed
LEAST = 1e-9  # of the loss: a smaller gain is rounding


class Nearest(NamedTuple):
    """The two nearest medoids of every point; the second is nowhere if there is only one."""

    one: Int[np.ndarray, " n"]  # which of the medoids
    first: Float[np.ndarray, " n"]  # its distance, ...
    second: Float[np.ndarray, " n"]  # ... and that of the next one


class Clusters(NamedTuple):
    """Medoids, and whose each point is."""

    medoids: Int[np.ndarray, " k"]
    one: Int[np.ndarray, " n"]
    loss: float
    swaps: int
    asked: int  # candidates that were looked at; PAM pays k times as much for each


def distances(
    place: Float[np.ndarray, "n dim"], period: Float[np.ndarray, " dim"] | None = None
) -> Float[np.ndarray, "n n"]:
    """Between all points, by the nearest image where the world is periodic."""
    apart = place[:, None] - place
    if period is not None:
        apart = apart - period * np.round(apart / period)
    return np.sqrt((apart**2).sum(axis=-1))


def spread_out(distance: Float[np.ndarray, "n n"], k: int) -> Int[np.ndarray, " k"]:
    """Where to begin: the most central point, then always the one farthest from all so far."""
    chosen = [int(distance.sum(axis=1).argmin())]
    left = distance[chosen[0]].copy()
    for _ in range(1, min(k, len(distance))):
        chosen.append(int(left.argmax()))
        left = np.minimum(left, distance[chosen[-1]])
    return np.array(chosen)


def nearest(distance: Float[np.ndarray, "n n"], medoids: Int[np.ndarray, " k"]) -> Nearest:
    from_each = distance[medoids]
    one = from_each.argmin(axis=0)
    columns = np.arange(from_each.shape[1])
    first = from_each[one, columns]
    # Farther than any point: a candidate then takes a lone medoid's place by the same formulas.
    from_each[one, columns] = 2 * distance.max() + 1
    return Nearest(one, first, from_each.min(axis=0))


def changes(
    distance: Float[np.ndarray, "n n"], now: Nearest, candidate: int, k: int
) -> Float[np.ndarray, " k"]:
    """What the loss changes by if the candidate takes the place of each medoid."""
    to = distance[candidate]
    nearer = to < now.first
    # Whoever loses its medoid goes to the second one or to the candidate, ...
    lost = np.where(nearer, 0.0, np.minimum(to, now.second) - now.first)
    # ... and whoever is nearer to the candidate goes there anyway.
    gained = np.where(nearer, to - now.first, 0.0).sum()
    return np.bincount(now.one, lost, minlength=k) + gained


def improved(
    distance: Float[np.ndarray, "n n"],
    medoids: Int[np.ndarray, " k"],
    rounds: int = ROUNDS,
) -> Clusters:
    """Swapped until no single swap lowers the loss, or for so many passes."""
    medoids, n = medoids.copy(), len(distance)
    k, now = len(medoids), nearest(distance, medoids)
    loss, swaps, asked, idle = float(now.first.sum()), 0, 0, 0
    for turn in range(rounds * n):
        candidate = turn % n
        if idle >= n:  # once round without a swap
            break
        idle += 1
        if (medoids == candidate).any():
            continue
        asked += 1
        change = changes(distance, now, candidate, k)
        best = int(change.argmin())
        if change[best] < -LEAST * loss:
            medoids[best], idle, swaps = candidate, 0, swaps + 1
            now = nearest(distance, medoids)
            loss = float(now.first.sum())
    return Clusters(medoids, now.one, loss, swaps, asked)
