"""Paths through a phase diagram: a run that follows one, there and back, draws its hysteresis."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.core.axes import Axis
from engine.core.maps import measurable
from engine.core.simulation import Simulation


BINS = 48  # along a path, that the two ways are compared in
EDGE = 3  # bins at an end, of which one must be known


class Path:
    """A line of points on a map, followed at constant speed as the map is seen."""

    def __init__(self, x: Axis, y: Axis, points: Any) -> None:
        """`points` are [point, 2] in the units of the axes; two of them at least."""
        points = np.asarray(points, float)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
            raise ValueError("A path takes at least two points, each with two coordinates.")
        if not np.isfinite(points).all():
            raise ValueError("A path takes finite points: one of these is not a number.")
        seen = np.stack([x.share(points[:, 0]), y.share(points[:, 1])], axis=1)
        steps = np.linalg.norm(np.diff(seen, axis=0), axis=1)
        if not steps.sum() > 0:
            raise ValueError("A path takes two different points: all of these are the same.")
        self.x, self.y, self.points = x, y, points
        self._seen = seen
        self._reach = np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def length(self) -> float:
        """In sides of the map."""
        return float(self._reach[-1])

    @property
    def main(self) -> Axis:
        """The axis that the path runs along, which orders its points best."""
        wide, high = np.ptp(self._seen, axis=0)
        return self.x if wide >= high else self.y

    def at(self, share: float) -> dict[str, float]:
        """The two parameters at a share of the way, from 0 to 1."""
        reach = min(max(share, 0.0), 1.0) * self.length
        where = [np.interp(reach, self._reach, self._seen[:, k]) for k in range(2)]
        return {self.x.name: float(self.x.at(where[0])), self.y.name: float(self.y.at(where[1]))}


class Loop:
    """What was measured along a path: the way there, and the way back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._samples: tuple[list[tuple[float, float, float]], ...] = ([], [])

    def add(self, share: float, value: float, *, back: bool) -> None:
        """A value at a share of the way."""
        self._samples[back].append((share, self.path.at(share)[self.path.main.name], value))

    def way(self, *, back: bool) -> tuple[np.ndarray, np.ndarray]:
        """The parameter of the path's main axis, and what was measured at it, in order."""
        rows = np.array(self._samples[back], float).reshape(-1, 3)
        return rows[:, 1], rows[:, 2]

    @property
    def area(self) -> float:
        """What the two ways enclose, ∮ value dλ over the main parameter λ; positive either way.

        Not-a-number until the way back has ended.
        """
        sums = []
        for rows in self._samples:
            if not rows:
                return np.nan
            share, _, value = np.array(rows, float).T
            index = np.minimum((share * BINS).astype(int), BINS - 1)
            count = np.bincount(index, minlength=BINS)
            with np.errstate(invalid="ignore", divide="ignore"):
                sums.append(np.bincount(index, value, minlength=BINS) / count)
        gap = sums[1] - sums[0]
        known = np.isfinite(gap)
        if not (known[:EDGE].any() and known[-EDGE:].any()):
            return np.nan  # not there yet, or not back
        gap = np.interp(np.arange(BINS), np.flatnonzero(known), gap[known])
        name = self.path.main.name
        ends = np.array([self.path.at(k / BINS)[name] for k in range(BINS + 1)])
        return float(abs(np.sum(gap * np.diff(ends))))


def drive(
    simulation: Simulation[Any],
    path: Path,
    *,
    steps: int,
    stops: int = 96,
    observable: str | None = None,
) -> Loop:
    """Lead a run along a path and back, in `steps` steps each way, and measure on the way.

    >>> loop = drive(Simulation(system), Path(x, y, [(0.5, 0.2), (3.0, 0.2)]), steps=4000)
    >>> loop.area
    """
    *_, loop = driven(simulation, path, steps=steps, stops=stops, observable=observable)
    return loop


def driven(
    simulation: Simulation[Any],
    path: Path,
    *,
    steps: int,
    stops: int = 96,
    observable: str | None = None,
) -> Iterator[Loop]:
    """Like `drive`, with a look at the loop after each stop."""
    order = measurable(simulation.system, observable)
    loop, each = Loop(path), max(1, round(steps / stops))
    shares = (np.arange(stops) + 0.5) / stops
    for back in (False, True):
        for share in shares[::-1] if back else shares:
            simulation.set(**path.at(share)).run(each)
            loop.add(float(share), simulation.observables[order], back=back)
            yield loop
