"""Glauber's heat bath for networks whose couplings are a sum over patterns (Hebb)."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key


Scalar = int | float | Float[Array, ""]

BLOCKS = 32  # a sweep updates the network in this many parts, fields recomputed between them


def hebbian_sweep(
    key: Key[Array, ""],
    spin: Float[Array, "replicas n"],
    pattern: Float[Array, "p n"],
    temperature: Scalar,
    *,
    stored: Float[Array, " p"],
    own: Float[Array, " n"] | Float[Array, ""],
) -> Float[Array, "replicas n"]:
    """A sweep of P(σᵢ = +1) = 1/(1 + e^{−2hᵢ/T}), hᵢ = Σ_μ stored_μ ξᵢ^μ m_μ − ownᵢ σᵢ.

    The overlaps m_μ = ξ^μ·σ/N are kept up to date, so a sweep costs O(pN) and no matrix of
    couplings is made. Spins of one part do not see each other change; every `BLOCKS`-th spin
    belongs to a part.
    """
    n = pattern.shape[1]
    room = -n % BLOCKS  # spins of no pattern fill the last part
    own = jnp.broadcast_to(own, n)

    def in_blocks(rows: Float[Array, "*any n"]) -> Float[Array, "blocks *any part"]:
        if room:
            rows = jnp.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, room)])
        return jnp.moveaxis(rows.reshape(*rows.shape[:-1], -1, BLOCKS), -1, 0)

    def update(overlap: Array, block: tuple[Array, ...]) -> tuple[Array, Array]:
        pattern, own, spin, draw = block
        h = (stored * overlap) @ pattern - own * spin
        new = jnp.where(draw < jax.nn.sigmoid(2 * h / temperature), 1.0, -1.0)
        return overlap + (new - spin) @ pattern.T / n, new

    draw = jax.random.uniform(key, spin.shape)
    blocks = tuple(in_blocks(rows) for rows in (pattern, own, spin, draw))
    _, new = lax.scan(update, spin @ pattern.T / n, blocks)
    return jnp.moveaxis(new, 0, -1).reshape(len(spin), -1)[:, :n]
