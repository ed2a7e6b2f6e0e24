"""Sparse random graphs of a separable graphex: a dense core and a periphery without end.

Vertices are a Poisson process of `rate` ν along x ≥ 0; two of them are joined with the probability
(1 + x)^{−a} (1 + y)^{−a}, independently. Those without an edge are not part of the graph.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from engine.numerics.spatial_network import Edges


CORE = 256  # vertices among which every pair is asked
STEPS = 2000  # of integrals along ln(1 + x)


class Graph(NamedTuple):
    """Vertices with an edge, from the core outwards; behind the last they have no neighbours."""

    x: Float[Array, " room"]
    degree: Int[Array, " room"]
    edges: Edges
    vertices: Int[Array, ""]
    expected: Float[Array, ""]  # edges, given where all vertices are


def drawn(
    key: Key[Array, ""],
    rate: Float[Array, ""],
    power: Float[Array, ""],
    *,
    candidates: int,
    room: int,
) -> Graph:
    """A graph among so many candidates from the core outwards; farther ones are left out.

    `edges.total` tells how many edges there should be room for.
    """
    for_place, for_core, for_total, for_edges = jax.random.split(key, 4)
    x = jnp.cumsum(jax.random.exponential(for_place, (candidates,))) / rate
    weight = (1 + x) ** -power
    # Within the core, pair by pair.
    core = min(CORE, candidates)
    chance = weight[:core, None] * weight[:core]
    joined = jnp.triu(jax.random.uniform(for_core, (core, core)) < chance, 1)
    near, close = jnp.nonzero(joined, size=room, fill_value=candidates)
    # All other pairs are rarely joined. A Poisson number of edges of the rate −ln(1 − p) for each
    # pair, of which several count as one, joins it with the probability p. They are drawn at a
    # rate that is a little too high, c p, and thinned.
    within = jnp.concatenate([jnp.zeros(1), jnp.cumsum(weight)])  # of those before each
    there = jnp.where(jnp.arange(candidates) >= core, weight * within[:-1], 0.0)
    upto = jnp.cumsum(there)
    most = weight[core - 1]
    excess = -jnp.log1p(-most) / most
    total = jax.random.poisson(for_total, excess * upto[-1]).astype(jnp.int32)
    share, inner, kept = jax.random.uniform(for_edges, (3, room))
    far = jnp.searchsorted(upto, share * upto[-1], side="right")
    far = jnp.clip(far, min(core, candidates - 1), candidates - 1)
    mate = jnp.searchsorted(within, inner * within[far], side="right") - 1
    mate = jnp.clip(mate, 0, far - 1)
    p = weight[far] * weight[mate]
    taken = (kept * excess * p < -jnp.log1p(-p)) & (jnp.arange(room) < total)
    taken = taken & (far >= core)
    mate, far = jnp.where(taken, mate, candidates), jnp.where(taken, far, candidates)
    order = jnp.lexsort((mate, far))
    mate, far = mate[order], far[order]
    again = (mate[1:] == mate[:-1]) & (far[1:] == far[:-1])
    again = jnp.concatenate([jnp.zeros(1, bool), again])
    mate, far = jnp.where(again, candidates, mate), jnp.where(again, candidates, far)

    one, other = jnp.concatenate([near, mate]), jnp.concatenate([close, far])
    first = jnp.argsort(one == candidates, stable=True)[:room]  # real edges first
    one, other = one[first], other[first]
    ends = jnp.concatenate([one, other])
    degree = jnp.zeros(candidates + 1, jnp.int32).at[ends].add(1)[:candidates]
    rank = jnp.append(jnp.cumsum(degree > 0) - 1, room)
    rank = jnp.minimum(jnp.where(jnp.append(degree, 1) > 0, rank, room), room)
    (alive,) = jnp.nonzero(degree > 0, size=room, fill_value=candidates)
    ends, neighbour = rank[ends], rank[jnp.concatenate([other, one])]
    order = jnp.argsort(ends)
    begins = jnp.searchsorted(ends[order], jnp.arange(room + 1)).astype(jnp.int32)
    found = jnp.sum(one < candidates)
    vertices = jnp.sum(degree > 0)
    asked = jnp.maximum(jnp.sum(joined) + total, vertices).astype(jnp.int32)
    # More than there is room for asks for room; else `total` are the edges there are.
    total = jnp.where(asked > room, asked, found).astype(jnp.int32)
    square = jnp.sum(weight) ** 2 - jnp.sum(weight**2)
    return Graph(
        jnp.append(x, x[-1])[alive],
        jnp.append(degree, 0)[alive],
        Edges(neighbour[order].astype(jnp.int32), begins, total),
        vertices.astype(jnp.int32),
        square / 2,
    )


def edges_expected(rate: Float[Array, ""], power: Float[Array, ""]) -> Float[Array, ""]:
    return (rate / (power - 1)) ** 2 / 2


def vertices_expected(
    rate: Float[Array, ""], power: Float[Array, ""], farthest: Float[Array, ""]
) -> Float[Array, ""]:
    """With an edge, up to the farthest x: ν ∫ (1 − e^{−ν (1 + x)^{−a}/(a − 1)}) dx."""
    u = jnp.linspace(0, 1, STEPS) * jnp.log1p(farthest)
    there = -jnp.expm1(-rate / (power - 1) * jnp.exp(-power * u)) * jnp.exp(u)
    return rate * jnp.trapezoid(there, u)


def branching(rate: Float[Array, ""], power: Float[Array, ""]) -> Float[Array, ""]:
    """⟨k²⟩/⟨k⟩: degrees are Poisson about ν (1 + x)^{−a}/(a − 1)."""
    return 1 + rate / (2 * power - 1)
