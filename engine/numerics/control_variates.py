"""Averages that are helped by what is known: other averages over the same points."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from engine.numerics.matrices import solve


RIDGE = 1e-4  # of the variances of the helpers, some of which may hardly differ


class Sums(NamedTuple):
    """Averages so far, over batches of points that are equally many."""

    batches: Int[Array, ""]
    mean: Float[Array, " v"]
    square: Float[Array, "v v"]  # of products of any two


def of(values: Float[Array, "n v"]) -> Sums:
    return Sums(jnp.int32(1), jnp.mean(values, axis=0), values.T @ values / len(values))


def merged(old: Sums, new: Sums) -> Sums:
    """With one more batch."""
    count = old.batches + 1
    return Sums(
        count,
        old.mean + (new.mean - old.mean) / count,
        old.square + (new.square - old.square) / count,
    )


def spread(sums: Sums) -> Float[Array, "v v"]:
    return sums.square - jnp.outer(sums.mean, sums.mean)


def coefficients(sums: Sums, wanted: int) -> Float[Array, "e k"]:
    """By how much the first `wanted` values go with each of the rest."""
    c = spread(sums)
    among = c[wanted:, wanted:]
    unit = jnp.sqrt(jnp.maximum(jnp.diagonal(among), 1e-12))
    among = among / (unit[:, None] * unit) + RIDGE * jnp.eye(len(unit))
    return solve(among, c[:wanted, wanted:] / unit) / unit


def helped(sums: Sums, by: Float[Array, "e k"]) -> tuple[Float[Array, " e"], Float[Array, " e"]]:
    """Averages, and the variance of one point, of value − by · helper: their mean is known as 0.

    Where `by` comes from other points, the averages have no bias.
    """
    wanted = len(by)
    take = jnp.concatenate([jnp.eye(wanted), -by], axis=1)
    return take @ sums.mean, jnp.einsum("ei,ij,ej->e", take, spread(sums), take)
