"""Phase diagrams: what is measured over two parameters.

A map is filled from coarse to fine, a few milliseconds of work at a time, so that whoever asks
may draw what there is, rest, or stop; finer cells come first where the map changes.
"""

import dataclasses
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array
from scipy import ndimage

from engine.core.axes import Axis, check_axes
from engine.core.cells import Cell, Effort, Found, Pace, beside, run_cells
from engine.core.parameters import parameters, similar
from engine.core.system import System, identity
from engine.core.theory import Scalars
from engine.core.trees import Kind, kind_of


COARSEST = 8  # cells along an axis of the first picture
SMOOTH = 0.03  # of the map's span: a smaller step between neighbours is no change


@dataclasses.dataclass(frozen=True, eq=False)
class PhaseMap:
    """All observables over two parameters, as far as they are known, and the one that is shown."""

    system: str  # its id in the gallery
    parameters: dict[str, Any]
    x: Axis
    y: Axis
    observable: str
    mean: np.ndarray  # [y, x]; around a measured cell its value, until there are finer ones
    error: np.ndarray  # [y, x]; not-a-number where nothing is known
    measured: np.ndarray  # [y, x]; whether a cell was run itself
    level: int  # counts how often the map became finer
    values: dict[str, tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return bool(self.measured.all())

    def of(self, observable: str) -> "PhaseMap":
        """The same cells, showing another of their observables."""
        mean, error = self.values[observable]
        return dataclasses.replace(self, observable=observable, mean=mean, error=error)

    def at(self, row: int, column: int) -> dict[str, tuple[float, float]]:
        """Mean and error of every observable in a cell."""
        known = self.values or {self.observable: (self.mean, self.error)}
        return {n: (float(m[row, column]), float(e[row, column])) for n, (m, e) in known.items()}


class Part(NamedTuple):
    """Cells that run side by side, and how far apart they lie, in rows and columns."""

    stride: tuple[int, int]
    cells: tuple[Cell, ...]


def plan(rows: int, columns: int, many: int, coarsest: int = COARSEST) -> list[list[Part]]:
    """All cells of a map in levels from coarse to fine, each in parts of at most `many`.

    Who shares a part with whom depends on nothing else, so that a map that was interrupted, or
    run on several machines, has the same numbers to the last bit.
    """
    levels, seen = [], set()
    most = strides(rows, coarsest)[0], strides(columns, coarsest)[0]
    for stride in strides(max(rows, columns), coarsest):
        step = (min(stride, most[0]), min(stride, most[1]))
        lattice = product(range(0, rows, step[0]), range(0, columns, step[1]))
        cells = [cell for cell in lattice if cell not in seen]
        seen.update(cells)
        cells.sort(key=lambda cell: _along_a_curve(cell[0] // step[0], cell[1] // step[1]))
        levels.append([Part(step, tuple(cells[k : k + many])) for k in range(0, len(cells), many)])
    return levels


def fill(
    system: System[Any],
    x: Axis,
    y: Axis,
    observable: str | None = None,
    *,
    settle: int,
    measure: int,
    seeds: int = 1,
    stop: Callable[[], bool] = lambda: False,
    known: PhaseMap | None = None,
) -> Iterator[PhaseMap]:
    """Run a cell of every pair of values, from coarse to fine; the first yield is empty.

    Each cell runs `settle` steps, then its average is taken over `measure` steps and over `seeds`
    runs. The error is of that average, from blocks of time and from the spread over the seeds,
    whichever is larger. It yields after each piece of work, whether or not a cell got ready, and
    ends when `stop` says so. A map that was stopped goes on from what is `known` of it: no cell
    that was measured is run again; what was only seen, at a glance, is shown until it is.
    """
    effort = Effort(settle, measure, seeds)
    picture = Picture(system, x, y, measurable(system, observable), known)
    pace = Pace()
    yield picture.map()
    late: list[Part] = []  # where nothing changes
    levels = plan(y.count, x.count, beside(system, seeds))
    for level, parts in enumerate([*levels, late], start=1):
        picture.level = max(picture.level, min(level, len(levels)))
        for part in picture.by_change(parts):
            if picture.has(part):
                continue
            if 1 < level <= len(levels) and not picture.changes(part):
                late.append(part)
                continue
            for result in run_cells(system, x, y, part.cells, effort, pace):
                if isinstance(result, System):
                    system = result  # it needed more room, and so will others
                elif result is not None:
                    picture.put(part, result)
                yield picture.map()
                if stop():
                    return


def blank(system: System[Any], x: Axis, y: Axis, observable: str) -> PhaseMap:
    """A map of which nothing is known yet; nothing is traced for it."""
    empty = np.full((y.count, x.count), np.nan)
    values = {name: getattr(system, name) for name in parameters(system)}
    measured = np.zeros(empty.shape, bool)
    return PhaseMap(identity(system), values, x, y, observable, empty, empty, measured, 0)


def seen_closer(found: PhaseMap, empty: PhaseMap) -> PhaseMap:
    """What is known of a map, on the cells of another one: the nearest cell, unmeasured."""
    if (found.x.name, found.y.name) != (empty.x.name, empty.y.name):
        return empty
    columns, rows = (
        np.rint(old.share(new.values) * (old.count - 1)).astype(int)
        for old, new in ((found.x, empty.x), (found.y, empty.y))
    )
    inside = ((rows >= 0) & (rows < found.y.count))[:, None] & (
        (columns >= 0) & (columns < found.x.count)
    )
    at = np.ix_(np.clip(rows, 0, found.y.count - 1), np.clip(columns, 0, found.x.count - 1))
    mean = np.where(inside, found.mean[at], np.nan)
    error = np.where(inside, found.error[at], np.nan)
    return dataclasses.replace(
        empty, mean=mean, error=error, values={empty.observable: (mean, error)}
    )


def measurable(system: System[Any], name: str | None = None) -> str:
    """The observable of this name, also a derived one; the order parameter unless named."""
    known = names(system)
    if name is None:
        return known[0]
    if name not in known:
        raise ValueError(
            f"{type(system).__name__} has no observable {name!r}: "
            f"it has {', '.join(known)}.{similar(name, known)}"
        )
    return name


def names(system: System[Any]) -> tuple[str, ...]:
    """All that is measured, then all that derives from it, in the order of the file."""
    return _names(kind_of(system))


@cache
def _names(kind: Kind) -> tuple[str, ...]:
    system = kind.blank()

    def measured(key: Array) -> tuple[Scalars, Scalars]:
        values = OrderedDict(system.observables(system.init(key)))
        return values, OrderedDict(system.derived(values))

    values, derived = jax.eval_shape(measured, jax.random.key(0))
    return (*values, *derived)


def strides(count: int, coarsest: int = COARSEST) -> list[int]:
    """How far apart the cells of each level lie, so that the first has about `coarsest` a side."""
    finest = max(0, math.ceil(math.log2(count / coarsest))) if count > coarsest else 0
    return [2**power for power in range(finest, -1, -1)]


class Picture:
    """The arrays of a map while it is being filled."""

    def __init__(
        self, system: System[Any], x: Axis, y: Axis, observable: str, known: PhaseMap | None
    ) -> None:
        check_axes(system, x, y)
        self.system, self.x, self.y, self.observable = system, x, y, observable
        shape = (y.count, x.count)
        self.values = {n: (np.full(shape, np.nan), np.full(shape, np.nan)) for n in names(system)}
        self.measured = np.zeros(shape, bool)
        self.level = 0
        if known is not None:
            self.measured, self.level = known.measured.copy(), known.level
            for name, (mean, error) in known.values.items():
                self.values[name] = (mean.copy(), error.copy())
        # How far apart the cells were that the value of each place was taken from.
        self._grain = np.where(self.measured, 0, max(shape) + 1)
        self._shown: PhaseMap | None = None
        self._range: tuple[tuple[int, int], np.ndarray] | None = None

    def has(self, part: Part) -> bool:
        """Whether all cells of a part are known."""
        return all(self.measured[cell] for cell in part.cells)

    def put(self, part: Part, found: Found) -> None:
        """Enter cells, and let each stand for its surroundings while these are not known."""
        self._shown = self._range = None
        for k, cell in enumerate(part.cells):
            around = tuple(
                slice(max(at - step // 2, 0), at + (step + 1) // 2 if at + step < count else count)
                for at, step, count in zip(cell, part.stride, self.measured.shape, strict=True)
            )
            free = self._grain[around] >= max(part.stride)
            for name, (mean, error) in found.items():
                self.values[name][0][around][free] = mean[k]
                self.values[name][1][around][free] = error[k]
                self.values[name][0][cell], self.values[name][1][cell] = mean[k], error[k]
            self._grain[around][free] = max(part.stride)
            self._grain[cell] = 0
            self.measured[cell] = True

    def by_change(self, parts: list[Part]) -> list[Part]:
        """Those first around which the map changes most."""
        return sorted(parts, key=self._change, reverse=True)

    def changes(self, part: Part) -> bool:
        """Whether neighbours of a part differ by more than their errors explain."""
        return self._change(part) > SMOOTH

    def _change(self, part: Part) -> float:
        """The largest step between neighbours, as a share of the span of the whole map."""
        if self._range is None or self._range[0] != part.stride:
            mean, error = self.values[self.observable]
            known = np.isfinite(mean)
            if not known.any():
                return math.inf
            span = max(float(mean[known].max() - mean[known].min()), 1e-12)
            size = tuple(4 * step + 1 for step in part.stride)
            high = ndimage.maximum_filter(np.where(known, mean, -np.inf), size, mode="nearest")
            low = ndimage.minimum_filter(np.where(known, mean, np.inf), size, mode="nearest")
            noise = ndimage.maximum_filter(np.nan_to_num(error), size, mode="nearest")
            self._range = (part.stride, (high - low - 4 * noise) / span)
        return max(float(self._range[1][cell]) for cell in part.cells)

    def map(self) -> PhaseMap:
        """The map as it is now; the reader's own."""
        if self._shown is None or self._shown.level != self.level:
            system = self.system
            values = {name: (m.copy(), e.copy()) for name, (m, e) in self.values.items()}
            self._shown = PhaseMap(
                system=identity(system),
                parameters={name: getattr(system, name) for name in parameters(system)},
                x=self.x,
                y=self.y,
                observable=self.observable,
                mean=values[self.observable][0],
                error=values[self.observable][1],
                measured=self.measured.copy(),
                level=self.level,
                values=values,
            )
        return self._shown


def _along_a_curve(row: int, column: int) -> int:
    """Where a cell lies along Morton's curve: neighbours along it are neighbours on the map."""
    bits = range(max(row, column, 1).bit_length())
    return sum((column >> k & 1) << 2 * k | (row >> k & 1) << 2 * k + 1 for k in bits)
