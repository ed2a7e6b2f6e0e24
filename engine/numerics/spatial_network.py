"""Random networks whose edges prefer short distances, in time proportional to the edges.

Nodes lie on the unit torus and are sorted by the cells of a square grid, so that a node near a
place is found by drawing its cell. An edge is drawn as a first node, a displacement and a cell;
the cell is kept with a probability in proportion to what it holds, or all three are drawn anew.
So every pair is as likely as its kernel says (over distances of a cell), and degrees are Poisson.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key


Jumps = Callable[[Key[Array, ""], int], Float[Array, "e 2"]]


class Nodes(NamedTuple):
    """Nodes in the order of their cells, row after row of a grid of `side` x `side`."""

    position: Float[Array, "n 2"]
    weight: Float[Array, " n"]
    upto: Float[Array, " ends"]  # weights of all nodes before each
    first: Int[Array, " corners"]  # node of each cell


class Edges(NamedTuple):
    """Both directions of every edge, sorted by the node they end at; n where there is none."""

    neighbour: Int[Array, " entries"]
    first: Int[Array, " ends"]  # entry of each node
    total: Int[Array, ""]  # edges that were asked for, perhaps more than there is room for


def sorted_nodes(position: Float[Array, "n 2"], weight: Float[Array, " n"], side: int) -> Nodes:
    """Nodes on the unit torus, sorted by the cells of a grid of `side` x `side`."""
    column, row = jnp.clip((position * side).astype(jnp.int32), 0, side - 1).T
    cell = row * side + column
    order = jnp.argsort(cell)
    weight = weight[order]
    upto = jnp.concatenate([jnp.zeros(1), jnp.cumsum(weight)])
    first = jnp.searchsorted(cell[order], jnp.arange(side**2 + 1)).astype(jnp.int32)
    return Nodes(position[order], weight, upto, first)


def cell_sums(nodes: Nodes, mine: Int[Array, " n"] | Bool[Array, " n"]) -> Int[Array, " cells"]:
    """Sums over the nodes of each cell: exact, without scattering."""
    upto = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(mine.astype(jnp.int32))])
    return jnp.diff(upto[nodes.first])


def edges(
    key: Key[Array, ""],
    nodes: Nodes,
    jumps: Jumps,
    expected: Float[Array, ""],
    *,
    side: int,
    room: int,
    rounds: int = 4000,
) -> Edges:
    """A Poisson number of independent edges, `expected` of them on average, without loops.

    Two nodes may have several edges. `jumps(key, count)` draws displacements. What is not placed
    after so many `rounds` (none, but for grids on which almost all cells are empty) is left out.
    """
    n = len(nodes.position)
    for_total, for_edges = jax.random.split(key)
    total = jax.random.poisson(for_total, expected).astype(jnp.int32)
    held = jnp.diff(nodes.upto[nodes.first])  # weight of each cell
    largest = jnp.max(held)

    def unplaced(carry: tuple[Array, Array, Array]) -> Array:
        k, one, _ = carry
        return (k < rounds) & jnp.any((one == n) & (jnp.arange(room) < total))

    def place(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        k, one, other = carry
        keys = jax.random.split(jax.random.fold_in(for_edges, k), 4)
        share, within, chance = jax.random.uniform(keys[0], (3, room))
        first = _drawn(nodes.upto, share * nodes.upto[-1])
        target = (nodes.position[first] + jumps(keys[1], room)) % 1.0
        column, row = jnp.clip((target * side).astype(jnp.int32), 0, side - 1).T
        cell = row * side + column
        second = _drawn(nodes.upto, nodes.upto[nodes.first[cell]] + within * held[cell])
        # Rounding may lead to the node of another cell where a cell is empty.
        second = jnp.clip(second, nodes.first[cell], jnp.maximum(nodes.first[cell + 1] - 1, 0))
        kept = (chance * largest < held[cell]) & (first != second) & (one == n)
        return k + 1, jnp.where(kept, first, one), jnp.where(kept, second, other)

    nowhere = jnp.full(room, n, jnp.int32)
    _, one, other = lax.while_loop(unplaced, place, (jnp.int32(0), nowhere, nowhere))
    there = (jnp.arange(room) < total) & (one < n)
    one, other = jnp.where(there, one, n), jnp.where(there, other, n)
    ends, neighbour = jnp.concatenate([one, other]), jnp.concatenate([other, one])
    order = jnp.argsort(ends)
    first = jnp.searchsorted(ends[order], jnp.arange(n + 1)).astype(jnp.int32)
    return Edges(neighbour[order], first, total)


def neighbours_that(edges: Edges, are: Bool[Array, " n"]) -> Int[Array, " n"]:
    """How many neighbours of each node are so: a gather and a running sum."""
    padded = jnp.append(are, False)[edges.neighbour]
    upto = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(padded.astype(jnp.int32))])
    return jnp.diff(upto[edges.first])


def _drawn(upto: Float[Array, " ends"], value: Float[Array, " e"]) -> Int[Array, " e"]:
    """The node whose share of the running sum holds each value."""
    found = jnp.searchsorted(upto, value, side="right").astype(jnp.int32) - 1
    return jnp.clip(found, 0, len(upto) - 2)
