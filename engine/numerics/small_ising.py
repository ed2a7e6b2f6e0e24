"""A magnet so small that all its states can be listed, and what approximations make of it.

Sites may be observed: clamped to +1 or −1. The others are free, and asked is the probability that
each of them is up. `neighbours` is the matrix of bonds, `field` and `coupling` are in units of T.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int


Scalar = int | float | Float[Array, ""]
Sites = Float[Array, " n"]


def torus(length: int) -> Float[np.ndarray, "n n"]:
    """The bonds of a periodic square lattice, each in both directions; `length` from 3 up."""
    site = np.arange(length**2).reshape(length, length)
    bonds = np.zeros((length**2, length**2), np.float32)
    for axis in (0, 1):
        other = np.roll(site, -1, axis)
        bonds[site, other] = bonds[other, site] = 1
    return bonds


def all_states(n: int) -> Float[np.ndarray, "states n"]:
    """Every configuration of n spins; n up to 16."""
    return 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.float32) - 1


def log_weights(
    neighbours: Float[np.ndarray, "n n"], coupling: Scalar, field: Scalar
) -> Float[Array, " states"]:
    """−H/T of every state."""
    state = all_states(len(neighbours))
    agreement = np.sum(state @ neighbours * state, axis=1, dtype=np.float32) / 2
    return coupling * jnp.asarray(agreement) + field * jnp.asarray(np.sum(state, axis=1))


def exact(
    neighbours: Float[np.ndarray, "n n"],
    coupling: Scalar,
    field: Scalar,
    observed: Int[Array, " n"],
) -> tuple[Sites, Float[Array, ""]]:
    """The mean of each spin given those that are observed, and ln Z of the free ones."""
    state = all_states(len(neighbours))
    against = jnp.asarray(state) @ observed.astype(float) < jnp.sum(jnp.abs(observed))
    weight = jnp.where(against, -jnp.inf, log_weights(neighbours, coupling, field))
    log_z = jax.nn.logsumexp(weight)
    mean = jnp.exp(weight - log_z) @ state
    return jnp.where(observed != 0, observed, mean), log_z


def mean_field(
    neighbours: Float[np.ndarray, "n n"],
    coupling: Scalar,
    field: Scalar,
    observed: Int[Array, " n"],
) -> Sites:
    """The naive mean field: mᵢ = tanh(h + K Σⱼ mⱼ)."""

    def mix(_: Array, m: Array) -> Array:
        new = jnp.tanh(field + coupling * neighbours @ m)
        return jnp.where(observed != 0, observed, (m + new) / 2)

    start = jnp.where(observed != 0, observed, 0.1 * jnp.sign(jnp.asarray(field) + 1e-9))
    return lax.fori_loop(0, 300, mix, start.astype(float))


def bethe(
    neighbours: Float[np.ndarray, "n n"],
    coupling: Scalar,
    field: Scalar,
    observed: Int[Array, " n"],
) -> Sites:
    """Belief propagation: exact on trees, good where loops are long."""
    seen = jnp.where(observed != 0, 30.0 * observed, 0.0)  # as strong as a field can be
    grip = jnp.tanh(jnp.asarray(coupling, float))

    def total(message: Array) -> Array:
        return jnp.asarray(field) + seen + jnp.sum(message, axis=0)

    def mix(_: Array, message: Array) -> Array:
        # message[i, j] is what i tells j: the field on i but for what j told it.
        cavity = total(message)[:, None] - message.T
        told = jnp.arctanh(jnp.clip(grip * jnp.tanh(cavity), -0.9999999, 0.9999999))
        return jnp.asarray(neighbours) * (message + told) / 2

    bias = 0.05 * jnp.sign(jnp.asarray(field) + 1e-9) * neighbours
    return jnp.tanh(total(lax.fori_loop(0, 300, mix, jnp.asarray(bias, float))))
