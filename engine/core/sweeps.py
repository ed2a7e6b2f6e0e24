"""Many systems at once: theory along a curve, averages on a grid of parameters."""

from collections.abc import Callable
from functools import cache, partial
from itertools import product
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from engine.core.parameters import declared, parameters
from engine.core.stepping import advanced, begin, enlarged, record
from engine.core.system import System
from engine.core.theory import Scalars


State = TypeVar("State")
Value = TypeVar("Value")
AnySystem = TypeVar("AnySystem", bound=System[Any])


def along(
    system: AnySystem, value: Callable[[AnySystem], Value], **axes: Array | np.ndarray
) -> Value:
    """`value(system)` on a grid of parameters: a theory curve, a boundary, a phase diagram.

    Sizes are taken one by one, and compile one by one; all other axes are one batch, and the
    same function of the same class compiles once, wherever its other parameters stand.

    >>> along(Kuramoto(), Kuramoto.theory, coupling=jnp.linspace(0, 6, 61))["order"].shape
    (61,)
    """
    known = parameters(system)
    for name in axes:
        declared(system, name)
    traced = {name: axis for name, axis in axes.items() if known[name].traced}
    sizes = {name: axis for name, axis in axes.items() if name not in traced}
    points = [dict(zip(sizes, map(int, point), strict=True)) for point in product(*sizes.values())]
    names, grid = tuple(traced), [jnp.asarray(axis, float) for axis in traced.values()]
    values = [_on_grid(system.replace(**point), value, names, grid) for point in points]
    if not sizes:
        return values[0]
    shape = tuple(len(axis) for axis in sizes.values())
    order = [[*sizes, *traced].index(name) for name in axes]  # as the caller named them

    def arranged(*leaves: Array) -> Array:
        grid = jnp.stack(leaves)
        grid = grid.reshape(*shape, *grid.shape[1:])
        return jnp.moveaxis(grid, order, range(len(order)))

    return jax.tree.map(arranged, *values)


def sweep(
    system: System[State], *, seeds: int = 4, settle: int = 2000, measure: int = 1000, **axes: Array
) -> Scalars:
    """Time averages on a grid of parameters, and what derives from them: `(*axes, seeds)`."""
    mean, demand = along(system, _averages(seeds, settle, measure), **axes)
    larger = enlarged(system, {name: need.max() for name, need in demand.items()})
    if larger is not system:
        return sweep(larger, seeds=seeds, settle=settle, measure=measure, **axes)
    return mean


@cache  # so that the same sweep at other parameters is the same function, and compiles once
def _averages(seeds: int, settle: int, measure: int) -> Callable[[System[Any]], Any]:
    def average(system: System[Any], key: Key[Array, ""]) -> tuple[Scalars, dict[str, Array]]:
        run = advanced(system, begin(system, key), key, settle)
        run, series = record(system, run, key, steps=measure, every=10)
        mean = jax.tree.map(jnp.mean, series)
        return mean | system.derived(mean), system.demand(run.state)

    def averages(system: System[Any]) -> tuple[Scalars, dict[str, Array]]:
        return jax.vmap(partial(average, system))(jax.random.split(jax.random.key(0), seeds))

    return averages


@partial(jax.jit, static_argnames=("value", "names"))
def _on_grid(
    system: AnySystem,
    value: Callable[[AnySystem], Value],
    names: tuple[str, ...],
    axes: list[Array],
) -> Value:
    def at(*point: Array) -> Value:
        return value(system.replace(**dict(zip(names, point, strict=True))))

    for axis in reversed(range(len(axes))):
        at = jax.vmap(at, in_axes=tuple(0 if i == axis else None for i in range(len(axes))))
    return at(*axes)
