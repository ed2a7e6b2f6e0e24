"""Cells of a phase diagram: batches of runs at several parameter values, in pieces of work.

Cells that run side by side run under the same noise: random numbers are drawn once for all of
them, and the map is as smooth as the physics. What a cell gives does not depend on its company
beyond rounding, and not at all on the length of the pieces.
"""

import math
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Literal
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, Key

from engine.core.axes import Axis
from engine.core.parameters import parameters
from engine.core.stepping import begin, enlarged
from engine.core.system import System
from engine.core.theory import Scalars
from engine.core.trees import Kind, kind_of


PIECE = 0.025  # s of work between two looks at the clock
VALUES = 32_768  # numbers at work in cells that run side by side: they stay in the cache
ROOM = 2**20  # numbers in all of their states: they fit in memory
MOST = 64  # cells that run side by side
BLOCKS = 8  # parts of a time average that its error comes from
SAMPLES = 64  # that a time average is made of, where there are as many steps

Cell = tuple[int, int]  # row and column
Found = dict[str, tuple[np.ndarray, np.ndarray]]  # of each observable, mean and error of each cell


class Effort(NamedTuple):
    """How long a cell runs: steps before the average, steps of it, and independent runs."""

    settle: int
    measure: int
    seeds: int = 1


class Batch(NamedTuple):
    """Cells under way, side by side; arrays are [seed, cell, ...]."""

    state: Any  # without what is quenched
    quenched: dict[str, Any]  # [seed, ...], which all cells of a seed share
    tick: Int[Array, ""]
    blocks: dict[str, Float[Array, "seeds cells blocks"]]  # sums over the samples of each block


class Pace:
    """How many steps make a piece of work."""

    def __init__(self) -> None:
        self.steps = 1

    def learn(self, steps: int, seconds: float) -> None:
        if steps == self.steps:  # a shorter piece tells less
            fit = int(steps * PIECE / max(seconds, 1e-6))
            # Cautiously: the first piece compiled, and a step may become dearer as a run goes on.
            self.steps = max(1, min(fit, 4 * steps))


def run_cells(
    system: System[Any],
    x: Axis,
    y: Axis,
    cells: tuple[Cell, ...],
    effort: Effort,
    pace: Pace | None = None,
) -> Iterator[System[Any] | Found | None]:
    """Run these cells side by side, a piece at a time.

    It yields None after a piece of work, the system with more room where a cell needed it, and at
    last what was found of all observables. The batch is as large as `beside` says, whatever the
    number of cells, or the last one of a map would compile anew.
    """
    many = beside(system, effort.seeds)
    rows, columns = np.resize(np.asarray(cells), (many, 2)).T
    points = {
        x.name: x.values[columns].astype(np.float32),
        y.name: y.values[rows].astype(np.float32),
    }
    for result in _run(system, points, effort, pace or Pace()):
        if isinstance(result, dict):
            count = len(cells)
            yield {name: (row[:count], doubt[:count]) for name, (row, doubt) in result.items()}
        else:
            yield result


def to_its_end(system: System[Any], x: Axis, y: Axis) -> tuple[System[Any], int]:
    """The system as cells of a map run it, and the steps to the end of its longest run.

    A run that begins again and again would be averaged over all of its way: where the mode `flow`
    is the usual one and may be "once", it is. Another that was chosen stays. How long runs are is
    asked at the corners of the map.
    """
    flow = parameters(system).get("flow")
    corners = product((x.low, x.high), (y.low, y.high))
    lasts = [system.replace(**{x.name: a, y.name: b}).lasts() for a, b in corners]
    if flow and "once" in (flow.choices or ()) and getattr(system, flow.name) == flow.default:
        system = system.replace(flow="once")
    return system, math.ceil(max(map(float, lasts)))


def beside(system: System[Any], seeds: int = 1) -> int:
    """How many cells run at once, each with all its seeds: a power of two."""
    if not side_by_side(system):
        return 1
    held, touched = _numbers(kind_of(system))
    share = min(VALUES / max(touched, 1), ROOM / max(held, 1), MOST)
    fit = 2 ** int(math.log2(max(share, 1)))
    devices = jax.local_device_count()
    return max(1, fit // seeds) * (1 if devices == 1 else 2 ** int(math.log2(devices)))


def side_by_side(system: System[Any]) -> bool:
    """Whether cells gain by running as one batch.

    Not where a step loops as long as its state demands, as over the neighbours in the fullest
    cell: in a batch, every cell would wait for the longest loop, and list neighbours anew in
    each step.
    """
    return _side_by_side(kind_of(system))


@cache
def _side_by_side(kind: Kind) -> bool:
    system = kind.blank()
    if type(system).demand is not System.demand:
        return False
    state = jax.eval_shape(system.init, jax.random.key(0))
    return not _loops(jax.make_jaxpr(system.step)(state, jax.random.key(0)).jaxpr)


def _run(
    system: System[Any], points: dict[str, np.ndarray], effort: Effort, pace: Pace
) -> Iterator[System[Any] | Found | None]:
    """A batch of cells; a system with more room comes before a result."""
    settle, measure, seeds = effort
    keys, together = jax.random.split(jax.random.key(0), seeds), side_by_side(system)
    shared = _shared_out(points) if together else points
    every = max(1, measure // SAMPLES)
    samples = max(1, measure // every)
    batch = _begun(system, keys, shared)
    left = settle + samples * every
    while left:
        steps = min(left, pace.steps)
        start = time.perf_counter()
        batch = _marched(system, keys, shared, batch, steps, settle, every, samples, together)
        jax.block_until_ready(batch.tick)
        pace.learn(steps, time.perf_counter() - start)
        left -= steps
        if left:
            yield None
    result, demand = jax.device_get(_summarised(system, shared, batch, samples))
    roomy = enlarged(system, demand)
    if roomy is system:
        yield result
    else:
        yield roomy
        yield from _run(roomy, points, effort, pace)


@jax.jit
def _begun(system: System[Any], keys: Key[Array, " seeds"], points: dict[str, Array]) -> Batch:
    def first(key: Array, point: dict[str, Array]) -> Any:
        return begin(system.replace(**point), key).state

    state = jax.vmap(jax.vmap(first, in_axes=(None, 0)), in_axes=(0, None))(keys, points)
    one = jax.tree.map(lambda leaf: leaf[0, 0], state)
    shape = (len(keys), len(next(iter(points.values()))), BLOCKS)
    blocks = {name: jnp.zeros(shape) for name in jax.eval_shape(system.observables, one)}
    own, quenched = parted(system, state)
    shared = {name: jax.tree.map(lambda leaf: leaf[:, 0], part) for name, part in quenched.items()}
    return Batch(own, shared, jnp.int32(0), blocks)


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

    def step(point: dict[str, Array], own: Any, shared: dict[str, Any], key: Array) -> Any:
        here, state = system.replace(**point), whole(own, shared)
        new = jax.tree.map(lambda a, b: a.astype(b.dtype), here.step(state, key), state)
        if ends:
            ended = here.done(state)
            new = jax.tree.map(lambda old, new: jnp.where(ended, old, new), state, new)
        return parted(system, new)[0]

    def over(point: dict[str, Array], own: Any, shared: dict[str, Any]) -> Array:
        return system.replace(**point).done(whole(own, shared))

    def measured(point: dict[str, Array], own: Any, shared: dict[str, Any]) -> Scalars:
        return system.replace(**point).observables(whole(own, shared))

    def advance(_: Array, batch: Batch) -> Batch:
        tick = batch.tick + 1

        def of_seed(key: Array, state: Any, shared: dict[str, Any]) -> Any:
            # The key belongs to the seed and not to the cell, so noise is drawn once for all.
            key = jax.random.fold_in(key, tick)
            return each(lambda point, state: step(point, state, shared, key))(points, state)

        def of_seed_measured(state: Any, shared: dict[str, Any]) -> Scalars:
            return each(lambda point, state: measured(point, state, shared))(points, state)

        def add(blocks: dict[str, Array]) -> dict[str, Array]:
            block = ((tick - settle) // every - 1) * BLOCKS // samples
            new = each(of_seed_measured)(state, batch.quenched)
            return {name: blocks[name].at[:, :, block].add(new[name]) for name in blocks}

        def moved(state: Any) -> Any:
            return each(of_seed)(keys, state, batch.quenched)

        def of_seed_over(state: Any, shared: dict[str, Any]) -> Array:
            return each(lambda point, state: over(point, state, shared))(points, state)

        if ends:  # once all have ended nothing moves
            idle = jnp.all(each(of_seed_over)(batch.state, batch.quenched))
            state = lax.cond(idle, lambda state: state, moved, batch.state)
        else:
            state = moved(batch.state)
        due = (tick > settle) & ((tick - settle) % every == 0)
        blocks = lax.cond(due, add, lambda blocks: blocks, batch.blocks)
        return Batch(state, batch.quenched, tick, blocks)

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

        mean = value(jnp.ones((seeds, BLOCKS)))
        apart = 1 - jnp.eye(seeds * BLOCKS).reshape(-1, seeds, BLOCKS)
        error = spread(jax.vmap(value)(apart), seeds * BLOCKS)
        if seeds > 2 or (seeds > 1 and type(system).done is not System.done):
            # Runs are independent even where the blocks of one of them are not, and must be asked
            # where it has ended.
            apart = jnp.broadcast_to(1 - jnp.eye(seeds)[:, :, None], (seeds, seeds, BLOCKS))
            other = spread(jax.vmap(value)(apart), seeds)
            error = {name: jnp.maximum(error[name], other[name]) for name in error}
        return {name: (mean[name], error[name]) for name in mean}

    sums = {name: jnp.moveaxis(row, 1, 0) for name, row in batch.blocks.items()}
    result = jax.vmap(of_cell)(points, sums)

    def demanded(state: Any, shared: dict[str, Any]) -> dict[str, Array]:
        return jax.vmap(lambda own: system.demand(whole(own, shared)))(state)

    demand = jax.vmap(demanded)(batch.state, batch.quenched)
    return result, {name: jnp.max(need) for name, need in demand.items()}


def parted(system: System[Any], state: Any) -> tuple[Any, dict[str, Any]]:
    """A state without what is quenched, and that."""
    shared = {name: getattr(state, name) for name in type(system).quenched}
    return (state._replace(**dict.fromkeys(shared)) if shared else state), shared


def whole(own: Any, shared: dict[str, Any]) -> Any:
    """The state that `parted` took apart."""
    return own._replace(**shared) if shared else own


def _one_by_one(f: Callable[..., Any]) -> Callable[..., Any]:
    """`vmap`, without working on several at once."""
    return lambda *args: lax.map(lambda row: f(*row), args)


def _shared_out(points: dict[str, np.ndarray]) -> dict[str, Any]:
    """The cells of a batch, spread over all devices of this machine; the rest follows them."""
    devices = jax.local_devices()
    many = 2 ** int(math.log2(len(devices)))
    if many == 1 or len(next(iter(points.values()))) % many:
        return dict(points)
    where = NamedSharding(Mesh(np.array(devices[:many]), ("cells",)), PartitionSpec("cells"))
    return {name: jax.device_put(values, where) for name, values in points.items()}


@cache
def _numbers(kind: Kind) -> tuple[int, int]:
    """How many numbers a cell holds, and how many of them a step touches: the others only wait."""
    system = kind.blank()
    own, shared = parted(system, jax.eval_shape(system.init, jax.random.key(0)))

    def step(own: Any, shared: dict[str, Any]) -> Any:
        return parted(system, system.step(whole(own, shared), jax.random.key(0)))[0]

    leaves = jax.tree.leaves(own)
    traced = jax.make_jaxpr(step)(own, shared).jaxpr
    read = {id(variable) for equation in traced.eqns for variable in equation.invars}
    waiting = sum(
        leaf.size
        for leaf, before, after in zip(leaves, traced.invars, traced.outvars, strict=False)
        if before is after and id(before) not in read
    )
    held = sum(leaf.size for leaf in leaves)
    return held, held - waiting


def _loops(jaxpr: Any) -> bool:
    """Whether a traced function holds a loop whose length its arguments decide."""
    for equation in jaxpr.eqns:
        inner = jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
        )
        repeats = equation.primitive.name == "while" and not _ends_at_once(**equation.params)
        if repeats or any(_loops(p) for p in inner if hasattr(p, "eqns")):
            return True
    return False


def _ends_at_once(cond_jaxpr: Any, body_jaxpr: Any, **_: Any) -> bool:
    """Whether a loop's first round says that there is no other, as that of `drawn_once` does."""
    carried, (goes_on,) = cond_jaxpr.jaxpr.invars, cond_jaxpr.jaxpr.outvars
    if goes_on not in carried:
        return False
    last = body_jaxpr.jaxpr.outvars[carried.index(goes_on)]
    return isinstance(last, Literal) and not last.val
