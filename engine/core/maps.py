"""Phase diagrams: a measured quantity, and theory, over two parameters.

A map is filled from coarse to fine, a few milliseconds of work at a time, so that whoever asks
may draw what there is, rest, or stop. Cells that lie beside each other run under the same noise:
random numbers are drawn once for all of them, and the map is as smooth as the physics.
"""

import dataclasses
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.parameters import Parameter, declared, parameters, similar
from engine.core.simulation import along, begin, enlarged
from engine.core.system import System, identity
from engine.core.theory import Scalars


COARSEST = 8  # cells along an axis of the first picture
PIECE = 0.025  # s of work between two looks at the clock
VALUES = 32_768  # numbers in the states of cells that run side by side: they stay in the cache
MOST = 64  # cells that run side by side
BLOCKS = 8  # parts of a time average that its error comes from
SAMPLES = 64  # that a time average is made of, where there are as many steps
POINTS = 257  # along a line of theory


class Axis(NamedTuple):
    """A parameter, and the values of it that a map runs through."""

    name: str
    low: float
    high: float
    count: int  # pyright: ignore[reportIncompatibleMethodOverride]
    log: bool = False

    @property
    def values(self) -> np.ndarray:
        return self.finer(self.count)

    def finer(self, count: int) -> np.ndarray:
        """As many values between the same ends."""
        space = np.geomspace if self.log else np.linspace
        return space(self.low, self.high, count)


@dataclasses.dataclass(frozen=True, eq=False)
class PhaseMap:
    """A quantity over two parameters, as far as it is known."""

    system: str  # its id in the gallery
    parameters: dict[str, Any]
    x: Axis
    y: Axis
    observable: str
    mean: np.ndarray  # [y, x]; around a measured cell its value, until there are finer ones
    error: np.ndarray  # [y, x]; not-a-number where nothing is known
    measured: np.ndarray  # [y, x]; whether a cell was run itself
    level: int  # counts how often the map became finer

    @property
    def complete(self) -> bool:
        return bool(self.measured.all())


class Line(NamedTuple):
    """A line of theory on a map; not-a-number is a gap."""

    x: np.ndarray
    y: np.ndarray
    kind: str


class Batch(NamedTuple):
    """Cells under way, side by side; arrays are [seed, cell, ...]."""

    state: Any
    tick: Int[Array, ""]
    blocks: dict[str, Float[Array, "seeds cells blocks"]]  # sums over the samples of each block


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
    ends when `stop` says so. A map that was stopped goes on from what is `known` of it.
    """
    picture = _Picture(system, x, y, measurable(system, observable), known)
    keys = jax.random.split(jax.random.key(0), seeds)
    pace = _Pace()
    together = side_by_side(system)
    many = max(1, _beside(system) // seeds) if together else 1
    yield picture.map()
    for stride in strides(max(x.count, y.count)):
        cells = picture.begin(stride)
        if known is not None:
            yield picture.map()
        while cells:
            part, cells = cells[:many], cells[many:]
            # The last batch of a level is as large as the others, or it would compile anew.
            rows, columns = np.resize(part, (many, 2)).T
            points = {
                x.name: x.values[columns].astype(np.float32),
                y.name: y.values[rows].astype(np.float32),
            }
            batch = _run(system, keys, points, settle, measure, together, pace)
            for result in batch:
                if isinstance(result, System):
                    system = result  # it needed more room, and so will others
                elif result is not None:
                    picture.put(part, *result[picture.observable])
                yield picture.map()
                if stop():
                    return


def blank(system: System[Any], x: Axis, y: Axis, observable: str) -> PhaseMap:
    """A map of which nothing is known yet."""
    return _Picture(system, x, y, observable, None).map()


def predicted(system: System[Any], x: Axis, y: Axis, observable: str) -> np.ndarray:
    """Theory over the map, [y, x]; not-a-number where it is silent."""
    _check_axes(system, x, y)
    theory = along(system, type(system).theory, **{y.name: y.values, x.name: x.values})
    silent = np.full((y.count, x.count), np.nan, np.float32)
    return np.asarray(theory.get(observable, silent))


def lines(system: System[Any], x: Axis, y: Axis) -> dict[str, Line]:
    """The boundaries of theory over the map, at the present values of all other parameters."""
    _check_axes(system, x, y)
    drawn: dict[str, Line] = {}
    for axis, other in ((x, y), (y, x)):
        values = axis.finer(POINTS)
        boundaries = along(system, type(system).boundaries, **{axis.name: values})
        for name, boundary in boundaries.items():
            if other.name in boundary.at and name not in drawn:
                place = {axis.name: values, other.name: np.asarray(boundary.at[other.name])}
                drawn[name] = Line(place[x.name], place[y.name], boundary.kind)
    return drawn


def critical_values(system: System[Any]) -> dict[str, list[float]]:
    """Where theory sees a boundary along each parameter, all others staying as they are."""
    found: dict[str, list[float]] = {}
    for boundary in jax.device_get(_boundaries(system)).values():
        for name, value in boundary.at.items():
            if np.isfinite(value):
                found.setdefault(name, []).append(float(value))
    return found


def default_axes(system: System[Any], count: int = 64) -> tuple[Axis, Axis]:
    """The first two live parameters, along what their sliders offer."""
    first = [p for p in parameters(system).values() if p.kind == "live" and p.span][:2]
    if len(first) < 2:
        raise ValueError(f"{type(system).__name__} has no map: it takes two live parameters.")
    return _offered(first[0], count), _offered(first[1], count)


def theory_curve(system: System[Any], name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Theory of every observable along a parameter; it compiles once for each system."""
    _spannable(system, name)
    curve = along(system, type(system).theory, **{name: np.asarray(values, np.float32)})
    return {name: np.asarray(row) for name, row in curve.items()}


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

    def measured(key: Array) -> tuple[Scalars, Scalars]:
        values = OrderedDict(system.observables(system.init(key)))
        return values, OrderedDict(system.derived(values))

    values, derived = jax.eval_shape(measured, jax.random.key(0))
    return (*values, *derived)


def side_by_side(system: System[Any]) -> bool:
    """Whether cells gain by running as one batch.

    Not where a step loops as long as its state demands, as over the neighbours in the fullest
    cell: in a batch, every cell would wait for the longest loop, and list neighbours anew in
    each step.
    """
    if type(system).demand is not System.demand:
        return False
    state = jax.eval_shape(system.init, jax.random.key(0))
    return not _loops(jax.make_jaxpr(system.step)(state, jax.random.key(0)).jaxpr)


def strides(count: int) -> list[int]:
    """How far apart the cells of each level lie, so that the first has about `COARSEST` a side."""
    finest = max(0, math.ceil(math.log2(count / COARSEST))) if count > COARSEST else 0
    return [2**power for power in range(finest, -1, -1)]


class _Pace:
    """How many steps make a piece of work."""

    def __init__(self) -> None:
        self.steps = 1

    def learn(self, steps: int, seconds: float) -> None:
        if steps == self.steps:  # a shorter piece tells less
            fit = int(steps * PIECE / max(seconds, 1e-6))
            # Cautiously: the first piece compiled, and a step may become dearer as a run goes on.
            self.steps = max(1, min(fit, 4 * steps))


class _Picture:
    """The arrays of a map while it is being filled."""

    def __init__(
        self, system: System[Any], x: Axis, y: Axis, observable: str, known: PhaseMap | None
    ) -> None:
        _check_axes(system, x, y)
        self.system, self.x, self.y, self.observable, self.known = system, x, y, observable, known
        shape = (y.count, x.count)
        self.mean, self.error = np.full(shape, np.nan), np.full(shape, np.nan)
        self.measured = np.zeros(shape, bool)
        self.level = 0
        self.stride = (1, 1)

    def begin(self, stride: int) -> list[tuple[int, int]]:
        """Start a level, and say which cells it still needs."""
        self.stride = (
            min(stride, strides(self.y.count)[0]),
            min(stride, strides(self.x.count)[0]),
        )
        self.level += 1
        rows, columns = (
            range(0, axis.count, s) for axis, s in zip((self.y, self.x), self.stride, strict=True)
        )
        cells = [cell for cell in product(rows, columns) if not self.measured[cell]]
        if self.known is None:
            return cells
        old = [cell for cell in cells if self.known.measured[cell]]
        if old:
            where = tuple(np.transpose(old))
            self.put(old, self.known.mean[where], self.known.error[where])
        return [cell for cell in cells if not self.known.measured[cell]]

    def put(self, cells: list[tuple[int, int]], mean: np.ndarray, error: np.ndarray) -> None:
        """Enter cells, and let each stand for its surroundings while these are not known."""
        for cell, value, doubt in zip(cells, mean, error, strict=False):
            around = tuple(
                slice(max(at - step // 2, 0), at + (step + 1) // 2 if at + step < count else count)
                for at, step, count in zip(cell, self.stride, self.mean.shape, strict=True)
            )
            free = ~self.measured[around]
            self.mean[around][free] = value
            self.error[around][free] = doubt
            self.measured[cell] = True

    def map(self) -> PhaseMap:
        system = self.system
        return PhaseMap(
            system=identity(system),
            parameters={name: getattr(system, name) for name in parameters(system)},
            x=self.x,
            y=self.y,
            observable=self.observable,
            mean=self.mean.copy(),
            error=self.error.copy(),
            measured=self.measured.copy(),
            level=self.level,
        )


def _run(
    system: System[Any],
    keys: Key[Array, " seeds"],
    points: dict[str, np.ndarray],
    settle: int,
    measure: int,
    together: bool,
    pace: _Pace,
) -> Iterator[System[Any] | dict[str, tuple[np.ndarray, np.ndarray]] | None]:
    """Run a batch of cells, a piece at a time; a system with more room comes before a result."""
    every = max(1, measure // SAMPLES)
    samples = max(1, measure // every)
    batch = _begun(system, keys, points)
    left = settle + samples * every
    while left:
        steps = min(left, pace.steps)
        start = time.perf_counter()
        batch = _marched(system, keys, points, batch, steps, settle, every, samples, together)
        jax.block_until_ready(batch.tick)
        pace.learn(steps, time.perf_counter() - start)
        left -= steps
        if left:
            yield None
    result, demand = jax.device_get(_summarised(system, points, batch, samples))
    roomy = enlarged(system, demand)
    if roomy is system:
        yield result
    else:
        yield roomy
        yield from _run(roomy, keys, points, settle, measure, together, pace)


@jax.jit
def _boundaries(system: System[Any]) -> dict[str, Any]:
    return system.boundaries()


@jax.jit
def _begun(system: System[Any], keys: Key[Array, " seeds"], points: dict[str, Array]) -> Batch:
    def first(key: Array, point: dict[str, Array]) -> Any:
        return begin(system.replace(**point), key).state

    state = jax.vmap(jax.vmap(first, in_axes=(None, 0)), in_axes=(0, None))(keys, points)
    one = jax.tree.map(lambda leaf: leaf[0, 0], state)
    shape = (len(keys), len(next(iter(points.values()))), BLOCKS)
    blocks = {name: jnp.zeros(shape) for name in jax.eval_shape(system.observables, one)}
    return Batch(state, jnp.int32(0), blocks)


@partial(jax.jit, static_argnames="together", donate_argnames="batch")
def _marched(
    system: System[Any],
    keys: Key[Array, " seeds"],
    points: dict[str, Array],
    batch: Batch,
    steps: int | Int[Array, ""],
    settle: int | Int[Array, ""],
    every: int | Int[Array, ""],
    samples: int | Int[Array, ""],
    together: bool,
) -> Batch:
    """Take `steps` more steps, and sum up samples once all is settled."""
    each = jax.vmap if together else _one_by_one
    ends = type(system).done is not System.done

    def step(point: dict[str, Array], state: Any, key: Array) -> Any:
        here = system.replace(**point)
        new = jax.tree.map(lambda a, b: a.astype(b.dtype), here.step(state, key), state)
        if ends:
            over = here.done(state)
            new = jax.tree.map(lambda old, new: jnp.where(over, old, new), state, new)
        return new

    def measured(point: dict[str, Array], state: Any) -> Scalars:
        return system.replace(**point).observables(state)

    def advance(_: Array, batch: Batch) -> Batch:
        tick = batch.tick + 1

        def of_seed(key: Array, state: Any) -> Any:
            # The key belongs to the seed and not to the cell, so noise is drawn once for all.
            key = jax.random.fold_in(key, tick)
            return each(lambda point, state: step(point, state, key))(points, state)

        def add(blocks: dict[str, Array]) -> dict[str, Array]:
            block = ((tick - settle) // every - 1) * BLOCKS // samples
            new = each(lambda state: each(measured)(points, state))(state)
            return {name: blocks[name].at[:, :, block].add(new[name]) for name in blocks}

        state = each(of_seed)(keys, batch.state)
        due = (tick > settle) & ((tick - settle) % every == 0)
        return Batch(state, tick, lax.cond(due, add, lambda blocks: blocks, batch.blocks))

    return lax.fori_loop(0, steps, advance, batch)


@jax.jit
def _summarised(
    system: System[Any], points: dict[str, Array], batch: Batch, samples: int | Int[Array, ""]
) -> tuple[dict[str, tuple[Array, Array]], dict[str, Array]]:
    """Averages and their errors in each cell, by leaving out blocks; and the room they took."""
    seeds = next(iter(batch.blocks.values())).shape[0]
    sample = jnp.arange(2 * SAMPLES)  # there are never more
    block = jnp.where(sample < samples, sample * BLOCKS // samples, BLOCKS)
    held = jnp.zeros(BLOCKS).at[block].add(1.0, mode="drop")  # samples of each block

    def of_cell(point: dict[str, Array], sums: dict[str, Array]) -> dict[str, tuple[Array, Array]]:
        here = system.replace(**point)

        def value(weight: Float[Array, "seeds blocks"]) -> Scalars:
            count = jnp.sum(weight * held)
            mean = {name: jnp.sum(weight * row) / count for name, row in sums.items()}
            return mean | here.derived(mean)

        def spread(without: Scalars, parts: int) -> Scalars:
            return {
                name: jnp.sqrt((parts - 1) * jnp.mean((row - jnp.mean(row)) ** 2))
                for name, row in without.items()
            }

        whole = value(jnp.ones((seeds, BLOCKS)))
        apart = 1 - jnp.eye(seeds * BLOCKS).reshape(-1, seeds, BLOCKS)
        error = spread(jax.vmap(value)(apart), seeds * BLOCKS)
        if seeds > 2:
            # Runs are independent even where the blocks of one of them are not.
            apart = jnp.broadcast_to(1 - jnp.eye(seeds)[:, :, None], (seeds, seeds, BLOCKS))
            other = spread(jax.vmap(value)(apart), seeds)
            error = {name: jnp.maximum(error[name], other[name]) for name in error}
        return {name: (whole[name], error[name]) for name in whole}

    sums = {name: jnp.moveaxis(row, 1, 0) for name, row in batch.blocks.items()}
    result = jax.vmap(of_cell)(points, sums)
    demand = jax.vmap(jax.vmap(system.demand))(batch.state)
    return result, {name: jnp.max(need) for name, need in demand.items()}


def _one_by_one(f: Callable[..., Any]) -> Callable[..., Any]:
    """`vmap`, without working on several at once."""
    return lambda *args: lax.map(lambda row: f(*row), args)


def _beside(system: System[Any]) -> int:
    """How many cells to run at once: a power of two."""
    state = jax.eval_shape(system.init, jax.random.key(0))
    values = max(1, sum(leaf.size for leaf in jax.tree.leaves(state)))
    return 2 ** int(math.log2(min(max(VALUES / values, 1), MOST)))


def _loops(jaxpr: Any) -> bool:
    """Whether a traced function holds a loop of a length that is not known beforehand."""
    for equation in jaxpr.eqns:
        inner = jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
        )
        if equation.primitive.name == "while" or any(
            _loops(p) for p in inner if hasattr(p, "eqns")
        ):
            return True
    return False


def _offered(parameter: Parameter, count: int) -> Axis:
    assert parameter.span is not None
    low, high = parameter.span
    return Axis(parameter.name, float(low), float(high), count, parameter.log)


def _check_axes(system: System[Any], x: Axis, y: Axis) -> None:
    if x.name == y.name:
        raise ValueError(f"Both axes are {x.name!r}: a map takes two different parameters.")
    for axis in (x, y):
        parameter = _spannable(system, axis.name)
        for end in (axis.low, axis.high):
            parameter.check(float(end))
        if axis.count < 1:
            raise ValueError(f"{axis.name} takes {axis.count} values: give at least 1.")
        if axis.log and min(axis.low, axis.high) <= 0:
            raise ValueError(
                f"{axis.name} from {axis.low:g} to {axis.high:g} has no logarithm: "
                "give ends above 0, or a linear axis."
            )


def _spannable(system: System[Any], name: str) -> Parameter:
    parameter = declared(system, name)
    if not (parameter.traced and parameter.span):
        able = [p.name for p in parameters(system).values() if p.traced and p.span]
        raise ValueError(
            f"{name!r} of {type(system).__name__} is no axis of a map: choose from "
            f"{', '.join(able)}."
        )
    return parameter
