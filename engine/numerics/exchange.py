"""Particles that change places with their neighbours (Kawasaki): their number stays."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int8, Key


def exchanged(
    key: Key[Array, ""], spin: Int8[Array, "length length"], coupling: float | Float[Array, ""]
) -> Int8[Array, "length length"]:
    """A sweep: each bond of a periodic lattice, whose side is a multiple of 4, is asked once.

    `coupling` is J/T. Bonds of one direction fall into four classes: within one, no two touch each
    other or each other's neighbours, so all of them decide at once and detailed balance holds.
    """
    length = len(spin)
    row, column = jnp.indices((length, length))

    def of_class(number: Array, spin: Array) -> Array:
        across = number < 4
        spin = jnp.where(across, spin, spin.T)
        first = (column - 2 * row - number) % 4 == 0
        second = jnp.roll(first, 1, axis=1)
        right = jnp.roll(spin, -1, axis=1)
        around = sum(jnp.roll(spin, by, axis) for by in (1, -1) for axis in (0, 1))
        # Neighbours but the partner; the energy of an exchange is J (s − s')(n − n').
        own, others = around - right, jnp.roll(around, -1, axis=1) - spin
        cost = coupling * ((spin - right) * (own - others)).astype(float)
        draw = jax.random.uniform(jax.random.fold_in(key, number), spin.shape)
        swap = first & (draw < jax.nn.sigmoid(-cost))
        spin = jnp.where(
            swap,
            right,
            jnp.where(jnp.roll(swap, 1, axis=1) & second, jnp.roll(spin, 1, axis=1), spin),
        )
        return jnp.where(across, spin, spin.T)

    return lax.fori_loop(0, 8, of_class, spin)
