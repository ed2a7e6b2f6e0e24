"""A swarm on a coarse grid: how many there are in each square, and which way they move."""

from __future__ import annotations

import numpy as np


MOST = 32  # squares across
EACH = 12  # particles in a square, on average, where there are enough
INERTIA = 0.8  # of what is seen, from one frame to the next: displacements are noisy
LONGEST = 0.9  # of a square: an arrow that nineteen of twenty are shorter than


def squares_across(count: int) -> int:
    """How fine a grid so many particles bear."""
    return int(np.clip(np.sqrt(count / EACH), 4, MOST))


class Grid:
    """Squares over a rectangle of the plane, row 0 at the bottom."""

    def __init__(self, low: np.ndarray, high: np.ndarray, across: int) -> None:
        self.low, self.side = np.asarray(low, float), np.asarray(high - low, float)
        shape = np.maximum(1, np.round(across * self.side / self.side.max())).astype(int)
        self.columns, self.rows = int(shape[0]), int(shape[1])

    def cells(self, place: np.ndarray) -> np.ndarray:
        """The square of each particle; −1 for those outside."""
        with np.errstate(invalid="ignore"):
            share = np.asarray((place - self.low) / self.side)
            inside = np.asarray(((share >= 0) & (share <= 1)).all(axis=1))
            at = np.where(inside[:, None], share, 0) * (self.columns, self.rows)
        column = np.minimum(at[:, 0].astype(int), self.columns - 1)
        row = np.minimum(at[:, 1].astype(int), self.rows - 1)
        return np.where(inside, row * self.columns + column, -1)

    def sums(self, cells: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """In each square `[row, column]` the number of particles, or the sum of their weights."""
        inside = cells >= 0
        some = None if weight is None else weight[inside]
        total = np.bincount(cells[inside], some, self.rows * self.columns)
        return total.reshape(self.rows, self.columns)

    def middles(self) -> np.ndarray:
        """`[row, column, 2]`."""
        x = self.low[0] + self.side[0] * (np.arange(self.columns) + 0.5) / self.columns
        y = self.low[1] + self.side[1] * (np.arange(self.rows) + 0.5) / self.rows
        return np.stack(np.meshgrid(x, y), axis=-1)

    @property
    def square(self) -> float:
        """The side of a square."""
        return float(min(self.side[0] / self.columns, self.side[1] / self.rows))


def over_mean(grid: Grid, place: np.ndarray) -> np.ndarray:
    """The density of each square, in units of the mean."""
    counts = grid.sums(grid.cells(place))
    return (counts / max(counts.mean(), 1e-9)).astype(np.float32)


def crowding(grid: Grid, place: np.ndarray) -> np.ndarray:
    """The density around each particle, in units of the mean: not-a-number outside."""
    cells = grid.cells(place)
    counts = grid.sums(cells)
    share = (counts / max(counts.mean(), 1e-9)).ravel()
    return np.where(cells >= 0, share[cells], np.nan).astype(np.float32)


class Flow:
    """The mean velocity of each square, averaged over the last frames."""

    def __init__(self) -> None:
        self._count: np.ndarray | None = None
        self._sum = np.empty(0)
        self._fast: float | None = None

    def forget(self) -> None:
        self._count = self._fast = None

    def see(self, grid: Grid, place: np.ndarray, velocity: np.ndarray) -> None:
        known = np.isfinite(velocity).all(axis=1)
        cells = grid.cells(place[known])
        count = grid.sums(cells)
        total = np.stack([grid.sums(cells, velocity[known, k]) for k in range(2)], axis=-1)
        if self._count is None or self._count.shape != count.shape:
            self._count, self._sum = count.astype(float), total
            self._fast = None
        else:
            self._count = INERTIA * self._count + (1 - INERTIA) * count
            self._sum = INERTIA * self._sum + (1 - INERTIA) * total

    def arrows(self, grid: Grid) -> tuple[np.ndarray, np.ndarray, float]:
        """Tails, vectors and the speed of an arrow as long as a square; empty squares have none.

        An arrow stands on the middle of its square. The scale follows the fastest slowly, so that
        arrows do not pulse.
        """
        if self._count is None:
            return np.empty((0, 2)), np.empty((0, 2)), 0.0
        held = self._count > 0.5
        mean = self._sum[held] / self._count[held][:, None]
        speed = np.hypot(*mean.T)
        fast = float(np.quantile(speed, 0.95)) if len(speed) else 0.0
        self._fast = fast if not self._fast else 0.9 * self._fast + 0.1 * fast
        unit = max(self._fast, 1e-12) / (LONGEST * grid.square)
        vector = mean / unit
        return grid.middles()[held] - vector / 2, vector, unit * grid.square
