"""Sorting by small whole numbers, as cells and bins ask for."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int


def sorted_by(key: Int[Array, " n"]) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
    """The keys in order, and who they belong to: `key[order] == ordered`. Ties keep their order.

    Keys are at least 0. Key and index are packed into one 64-bit number, so that a sort of one
    operand does both: `jnp.argsort` carries the index along and takes several times as long.
    """
    with jax.enable_x64(True):  # for this sort alone; all else stays in 32 bits
        index = jnp.arange(len(key), dtype=jnp.uint64)
        packed = key.astype(jnp.uint64) << jnp.uint64(32) | index
        packed = lax.sort(packed, is_stable=False)  # no two are equal
        ordered, order = packed >> jnp.uint64(32), packed & jnp.uint64(0xFFFF_FFFF)
        return ordered.astype(jnp.int32), order.astype(jnp.int32)
