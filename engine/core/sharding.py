"""One run on several devices: each of them holds an equal share of the particles, or of a grid."""

import math
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from engine.core.cells import side_by_side
from engine.core.stepping import Run, State
from engine.core.system import System


LEAST = 1 << 15  # numbers of an array that is worth sharing: a step waits for messages


def spread(system: System[State], run: Run[State]) -> Run[State]:
    """The run with its large arrays shared out over the devices, and the rest on each of them.

    An array is cut along its longest axis, where that can be cut evenly. Noise belongs to the key
    and not to a device, so the numbers are those of one device, but for the order of sums. A run
    stays whole where there is one device, and where a step loops as long as its state demands (as
    over lists of neighbours): those look everywhere.
    """
    devices = jax.local_devices()
    many = 2 ** int(math.log2(len(devices)))
    axes = [_longest(leaf, many) for leaf in jax.tree.leaves(run.state)]
    if many == 1 or all(axis is None for axis in axes) or not side_by_side(system):
        return run
    mesh = Mesh(np.array(devices[:many]), ("shares",))

    def placed(leaf: Any) -> Any:
        axis = _longest(leaf, many)
        cut = PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, "shares")
        return jax.device_put(leaf, NamedSharding(mesh, cut))

    return jax.tree.map(placed, run)


def _longest(leaf: Any, many: int) -> int | None:
    """The axis that an array is cut along; None where it stays whole."""
    if leaf.size < LEAST or max(leaf.shape) % many:
        return None
    return int(np.argmax(leaf.shape))
