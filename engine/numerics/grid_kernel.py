"""Sums over a neighbourhood through a grid: smoothed, and as dear in a crowd as in a gas."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def summed_on_a_grid(
    x: Float[Array, " n"],
    y: Float[Array, " n"],
    values: tuple[Float[Array, " n"], ...],
    length: Float[Array, ""],
    reach: float,
    *,
    nodes: int,
) -> tuple[Float[Array, " n"], ...]:
    """About what `summed` of `neighbours` gives, by Fourier transforms of `nodes` × `nodes` points.

    Values are shared out to the four nodes around each particle, convolved with the disc, and read
    off between nodes. The disc's rim is so smeared over about a node's distance to either side:
    from four nodes to a reach on, flocks take no notice.
    """
    corners = _corners(x, y, length, nodes)
    disc = jnp.fft.rfft2(_disc(length, reach, nodes))
    sums = []
    for value in values:
        grid = jnp.zeros(nodes * nodes)
        for node, share in corners:
            grid = grid.at[node].add(share * value, mode="promise_in_bounds")
        spread = jnp.fft.rfft2(grid.reshape(nodes, nodes)) * disc
        field = jnp.fft.irfft2(spread, s=(nodes, nodes)).reshape(-1)
        sums.append(sum(share * field[node] for node, share in corners))
    return tuple(jnp.asarray(total) for total in sums)


def _corners(
    x: Float[Array, " n"], y: Float[Array, " n"], length: Float[Array, ""], nodes: int
) -> list[tuple[Int[Array, " n"], Float[Array, " n"]]]:
    """The four nodes around each particle, and how near it is to each."""
    column, row = x * (nodes / length), y * (nodes / length)
    left, low = jnp.floor(column), jnp.floor(row)
    right, up = column - left, row - low
    left, low = left.astype(int), low.astype(int)
    return [
        (
            (low + above) % nodes * nodes + (left + beside) % nodes,
            (up if above else 1 - up) * (right if beside else 1 - right),
        )
        for above in (0, 1)
        for beside in (0, 1)
    ]


def _disc(length: Float[Array, ""], reach: float, nodes: int) -> Float[Array, "nodes nodes"]:
    """How much of a square around each node lies within reach of node 0."""
    step = length / nodes
    index = jnp.arange(nodes)
    away = jnp.minimum(index, nodes - index) * step
    return jnp.clip((reach - jnp.hypot(away[:, None], away)) / step + 0.5, 0, 1)
