"""Averages of a run, with errors that respect how long it remembers itself."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np


ROWS = 512  # room for block averages; when it is full, neighbours merge
FEWEST = 8  # blocks that an error can be told from: it is then known to about 25 %

Derive = Callable[[dict[str, Any]], Mapping[str, Any]]


class Estimate(NamedTuple):
    """A time average. `error` is its standard error, or not-a-number while it cannot be known."""

    mean: float
    error: float
    samples: int
    last: float  # the newest sample; not-a-number for what is derived from averages


class Measurement:
    """Running averages of all observables since the last `reset`.

    Samples of a run are not independent, so errors come from averages over blocks that are long
    enough to be (Flyvbjerg and Petersen 1989). Blocks double when there are too many of them, so
    a day of samples takes no more memory than a minute.

    `derive` says what follows from the averages, such as a cumulant; it is called with arrays and
    works on each of their elements. Its errors come from leaving out one block at a time.
    """

    def __init__(self, derive: Derive | None = None) -> None:
        self._derive = derive
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._names: tuple[str, ...] = ()
        self.samples = 0
        self._length = 1  # samples in a block
        self._rows = 0  # blocks that are full
        self._known: dict[str, Estimate] | None = {}

    def add(self, values: Mapping[str, float | np.ndarray]) -> None:
        """Add a sample, or arrays of samples that follow each other."""
        if not values:
            return
        new = np.column_stack([np.atleast_1d(np.asarray(v, float)) for v in values.values()])
        if not self._names:
            self._names = tuple(values)
            self._table = np.zeros((ROWS, len(values)))
            self._sum = np.zeros(len(values))  # of all samples
            self._open = np.zeros(len(values))  # of the block that is being filled
            self._filled = 0  # samples in it
        if tuple(values) != self._names:
            raise ValueError(
                f"The samples measure {', '.join(values)}, the ones before "
                f"{', '.join(self._names)}: reset in between."
            )
        if not len(new):
            return
        self.samples += len(new)
        self._sum += new.sum(axis=0)
        self._last = new[-1]
        self._known = None
        while len(new):
            new = new[self._take(new) :]

    def _take(self, new: np.ndarray) -> int:
        """Put into the table as much as fits at once, and say how much that was."""
        if self._filled == 0 and len(new) >= self._length:
            blocks = min(len(new) // self._length, ROWS - self._rows)
            taken = blocks * self._length
            averages = new[:taken].reshape(blocks, self._length, -1).mean(axis=1)
            self._table[self._rows : self._rows + blocks] = averages
            self._rows += blocks
        else:
            taken = min(len(new), self._length - self._filled)
            self._open += new[:taken].sum(axis=0)
            self._filled += taken
            if self._filled == self._length:
                self._table[self._rows] = self._open / self._length
                self._rows += 1
                self._open[:] = 0
                self._filled = 0
        if self._rows == ROWS:
            self._table[: ROWS // 2] = merged(self._table)
            self._rows //= 2
            self._length *= 2
        return taken

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Of every observable, and of what derives from them."""
        if self._known is None:
            self._known = self._estimated()
        return self._known

    def _estimated(self) -> dict[str, Estimate]:
        blocks = self._table[: self._rows]
        mean = self._sum / self.samples
        found = {
            name: Estimate(float(mean[k]), standard_error(blocks[:, k]), self.samples, float(last))
            for k, (name, last) in enumerate(zip(self._names, self._last, strict=True))
        }
        if self._derive is None:
            return found
        # All averages at once, and always as many, so that a compiled `derive` compiles once.
        averages = np.tile(mean, (ROWS + 1, 1))
        averages[1 : self._rows + 1] = left_out(blocks)
        derived = self._derive({name: averages[:, k] for k, name in enumerate(self._names)})
        for name, values in derived.items():
            values = np.asarray(values, float)
            error = standard_error(pseudovalues(values[1 : self._rows + 1]))
            found[name] = Estimate(float(values[0]), error, self.samples, math.nan)
        return found


def standard_error(series: np.ndarray) -> float:
    """The standard error of the mean of a series that may remember its past.

    Blocks of b = 1, 2, 4, ... members are averaged. Longer blocks are more independent, fewer
    ones tell less. With g, by which the squared error exceeds that of independent members, the
    best b obeys b³ > 2 n g² (Lee et al. 2011). Failing that, the last b that leaves eight blocks
    serves if their averages scatter with less than half the variance of the members, so that
    they are longer than the memory. If they do not, the error is not-a-number: the run is too
    short to know it.
    """
    n = len(series)
    if n < FEWEST or not np.isfinite(series).all():
        return math.nan
    whole = float(np.var(series, ddof=1))
    if whole <= (1e-7 * float(np.max(np.abs(series)))) ** 2:
        return 0.0  # it does not move, but for the rounding of float32
    blocks, length = series, 1
    while True:
        variance = float(np.var(blocks, ddof=1))
        g = length * variance / whole
        if length**3 > 2 * n * g**2 or len(blocks) // 2 < FEWEST:
            break
        blocks, length = merged(blocks), 2 * length
    if length**3 > 2 * n * g**2 or 2 * g < length:
        return math.sqrt(variance / len(blocks))
    return math.nan


def merged(blocks: np.ndarray) -> np.ndarray:
    """Averages of neighbouring pairs; an odd one at the end is left out."""
    even = len(blocks) // 2 * 2
    return (blocks[:even:2] + blocks[1:even:2]) / 2


def left_out(blocks: np.ndarray) -> np.ndarray:
    """The averages of all blocks but one, for each block in turn."""
    return (blocks.sum(axis=0) - blocks) / max(len(blocks) - 1, 1)


def pseudovalues(without: np.ndarray) -> np.ndarray:
    """What each block contributes to a value, given the values without each one (the jackknife).

    Their mean has the error of the value, and they remember their past as the blocks do.
    """
    return np.mean(without) - (len(without) - 1) * (without - np.mean(without))
