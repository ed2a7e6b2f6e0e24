"""What pairs of particles tell of their order: g(r), |ψ₆|, and who hangs together with whom.

Definitions are those of freud (Ramasubramani et al. 2020): `freud.density.RDF` with the
normalisation "finite_size", `freud.order.Hexatic`, `freud.cluster.Cluster`.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from engine.numerics.neighbours import Scalar, each_candidate, sorted_into_cells, taken, wrapped


CLASSES = 20  # of the sizes of clusters: 1, 2 to 3, 4 to 7, ...


def radial_distribution(
    position: Float[Array, "n 2"],
    length: Float[Array, ""],
    *,
    most: Scalar,
    bins: int,
    centres: int = 1024,
) -> tuple[Float[Array, " bins"], Float[Array, " bins"]]:
    """Middles of the bins of r, up to `most`, and g(r): others at r over those of an ideal gas.

    Around so many `centres` of the particles, spread evenly; not-a-number beyond half the square,
    where a ring would meet its own image.
    """
    n = len(position)
    cells = sorted_into_cells(position[:, 0], position[:, 1], length, most)
    ordered = taken(position, cells.order)
    chosen = jnp.asarray(np.arange(min(n, centres)) * n // min(n, centres))
    mine = taken(ordered, chosen)

    def add(total: Array, other: Array, valid: Array) -> Array:
        other = jnp.where(valid, other, 0)
        apart = wrapped(taken(ordered, other) - mine, length)
        ring = (jnp.sqrt(jnp.sum(apart**2, axis=1)) * (bins / most)).astype(int)
        counted = valid & (other != chosen) & (ring < bins)
        return total.at[jnp.where(counted, ring, bins)].add(1.0, mode="drop")

    around = cells._replace(cell=taken(cells.cell, chosen))
    pairs = each_candidate(around, add, jnp.zeros(bins))
    edges = jnp.linspace(0, most, bins + 1)
    ideal = jnp.pi * jnp.diff(edges**2) * max(n - 1, 1) / length**2 * len(chosen)
    return (edges[1:] + edges[:-1]) / 2, jnp.where(edges[1:] < length / 2, pairs / ideal, jnp.nan)


def hexatic(
    position: Float[Array, "n 2"], length: Float[Array, ""], *, reach: Scalar
) -> Complex[Array, " n"]:
    """ψ₆ of each: the mean of e^{6iα} over the directions α of all within reach; 0 if alone."""
    x, y = position.T
    cells = sorted_into_cells(x, y, length, reach)
    # Coordinate by coordinate: pairs of them would be fetched one by one, and slowly.
    x, y = taken(x, cells.order), taken(y, cells.order)
    me = jnp.arange(len(x))

    def add(total: tuple[Array, ...], other: Array, valid: Array) -> tuple[Array, ...]:
        real, imaginary, count = total
        other = jnp.where(valid, other, 0)
        dx, dy = wrapped(taken(x, other) - x, length), wrapped(taken(y, other) - y, length)
        square = dx * dx + dy * dy
        near = valid & (other != me) & (square < reach**2) & (square > 0)
        # (dx + i dy)⁶, by way of its square
        a, b = dx * dx - dy * dy, 2 * dx * dy
        scale = 1 / jnp.where(near, square**3, 1.0)
        real = real + jnp.where(near, scale * a * (a * a - 3 * b * b), 0)
        imaginary = imaginary + jnp.where(near, scale * b * (3 * a * a - b * b), 0)
        return real, imaginary, count + near

    zero = jnp.zeros(len(x))
    real, imaginary, count = each_candidate(cells, add, (zero, zero, zero))
    psi = (real + 1j * imaginary) / jnp.maximum(count, 1)
    return jnp.zeros_like(psi).at[cells.order].set(psi)


def clusters(other: Int[Array, "slots n"], touches: Bool[Array, "slots n"]) -> Int[Array, " n"]:
    """A number for each particle that all of its cluster share: the least index in it.

    `other` are neighbours, listed both ways, of which those that touch hang together.
    """
    n = other.shape[1]
    there = jnp.where(touches, other, 0)

    def joined(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        label, _ = carry
        seen = jnp.min(jnp.where(touches, taken(label, there), n), axis=0, initial=n)
        # A whole cluster follows its first one, so a chain of n needs some log n rounds.
        hooked = label.at[label].min(jnp.minimum(label, seen))
        ahead = taken(hooked, hooked)
        ahead = taken(ahead, ahead)
        return ahead, jnp.any(ahead != label)

    start = jnp.arange(n), jnp.bool_(True)
    return lax.while_loop(lambda carry: carry[1], joined, start)[0]


def cluster_sizes(
    label: Int[Array, " n"],
) -> tuple[Float[Array, " edges"], Float[Array, " classes"]]:
    """The share of particles in clusters of 1, 2 to 3, 4 to 7, ..., and where classes end."""
    n = len(label)
    members = jnp.zeros(n).at[label].add(1.0)
    size = jnp.floor(jnp.log2(jnp.maximum(members, 1)) + 1e-4).astype(int)
    share = jnp.zeros(CLASSES).at[size].add(members / n, mode="drop")
    return jnp.asarray(2.0 ** np.arange(CLASSES + 1)), share
