"""What is known exactly of the Ising magnet on an infinite square lattice, without field."""

import math

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


CRITICAL = 2 / math.log(1 + math.sqrt(2))  # T_c / J
BETHE = 2 / math.log(2)  # T_c / J of a tree with four bonds a site, which is rough
CRITICAL_DECAY = 0.70338  # ⟨s₀ s_r⟩ r^{1/4} at T_c, for large r (McCoy and Wu 1973)


def onsager(k: Float[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The spontaneous magnetisation, and the energy in units of J, at K = J/T > 0."""
    x = 2 * jnp.where(k > 0, k, 1.0)
    modulus = 2 * jnp.sinh(x) / jnp.cosh(x) ** 2
    # K(k) = π / (2 AGM(1, √(1 − k²))), so (2/π) K = 1 / AGM.
    other = jnp.sqrt(jnp.maximum(1 - modulus**2, 1e-12))
    both = (jnp.ones_like(other), other)
    agm = lax.fori_loop(0, 8, lambda _, p: ((p[0] + p[1]) / 2, jnp.sqrt(p[0] * p[1])), both)[0]
    energy = -1 / jnp.tanh(x) * (1 + (2 * jnp.tanh(x) ** 2 - 1) / agm)
    return jnp.maximum(1 - jnp.sinh(x) ** -4, 0) ** 0.125, energy
