"""Mean fields of the Ising spin glass whose spins interact p at a time, h = 0 unless said.

H = −Σ J s…s − h Σ s with couplings of variance p!/2N^{p−1}. One step of replica symmetry breaking
has clusters of states: overlap q within one and 0 between them, with probabilities 1 − m and m.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.numerics.fixed_points import fixed_point
from engine.numerics.quadrature import gaussian_mean
from engine.numerics.roots import bisect


Scalar = float | Float[Array, ""]

STEPS = np.linspace(-1, 1, 801, dtype=np.float32)
REM = 1 / (2 * math.sqrt(math.log(2)))  # where random energies (p → ∞) freeze


def symmetric(p: int, t: Scalar, field: Scalar) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """q of the replica-symmetric solution in a field, and how far it is from solved."""

    def step(q: Array) -> Array:
        width = jnp.sqrt(p * jnp.maximum(q, 0) ** (p - 1) / 2 + 1e-14)
        return gaussian_mean(lambda z: jnp.tanh((field + width * z) / t) ** 2)

    q, residual = fixed_point(step, jnp.ones(()) * 0.999, iterations=150, newton=4)
    return jnp.where(q > 1e-4, q, 0.0), residual


def instability(p: int, t: Scalar, field: Scalar, q: Float[Array, ""]) -> Float[Array, ""]:
    """The right side of 1 = β² p(p−1)/2 q^{p−2} ∫Dz sech⁴ (de Almeida and Thouless): above 1 the
    replica-symmetric solution is unstable.
    """
    width = jnp.sqrt(p * q ** (p - 1) / 2)
    sech4 = gaussian_mean(lambda z: (1 - jnp.tanh((field + width * z) / t) ** 2) ** 2)
    return p * (p - 1) / 2 * q ** (p - 2) * sech4 / jnp.asarray(t) ** 2


def _tilted(
    p: int, t: Scalar, q: Float[Array, ""], m: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """ln ∫Dz (2 cosh sz)^m, and the averages of tanh² and ln 2cosh under that weight."""
    s = jnp.sqrt(p * q ** (p - 1) / 2) / t
    z = STEPS * (7 + m * s)
    size = jnp.abs(s * z)
    log_cosh = size + jnp.log1p(jnp.exp(-2 * size))  # ln 2cosh
    weight = m * log_cosh - z**2 / 2
    norm = jax.nn.logsumexp(weight)
    share = jnp.exp(weight - norm)
    area = jnp.log((z[1] - z[0]) / jnp.sqrt(2 * jnp.pi))
    return norm + area, jnp.sum(share * jnp.tanh(size) ** 2), jnp.sum(share * log_cosh)


def cluster(p: int, t: Scalar, m: Scalar) -> Float[Array, ""]:
    """q within clusters of weight parameter m, from q = 1 down; 0 where there are none."""
    m = jnp.asarray(m, float)
    q, residual = fixed_point(
        lambda q: _tilted(p, t, q, m)[1], jnp.asarray(0.999), damping=0.0, iterations=60, newton=8
    )
    return jnp.where((q > 1e-2) & (residual < 1e-5), q, 0.0)


def gain(p: int, t: Scalar, q: Float[Array, ""], m: Scalar) -> Float[Array, ""]:
    """∂(βf)/∂m; f is greatest in m."""
    m = jnp.asarray(m, float)
    log_sum, _, log_cosh = _tilted(p, t, q, m)
    return (p - 1) * q**p / (4 * jnp.asarray(t) ** 2) + log_sum / m**2 - log_cosh / m


def broken(p: int, t: Scalar) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """q, m and the energy with one step of symmetry breaking; m = 1 above the Kauzmann point."""
    m = bisect(lambda m: gain(p, t, cluster(p, t, m), m), 0.01, 1.0, halvings=16)
    q = cluster(p, t, m)
    liquid = (m > 0.999) | (q == 0)
    q, m = jnp.where(liquid, 0.0, q), jnp.where(liquid, 1.0, m)
    return q, m, -(1 - (1 - m) * q**p) / (2 * jnp.asarray(t))


def transitions(p: int) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """T_d, below which clusters exist, and T_K, below which few of them are left; p ≥ 3."""

    def exist(t: Array) -> Array:
        return cluster(p, t, 1.0) - 0.3

    dynamic = bisect(exist, 0.3, 1.0, halvings=20)
    # On the branch that exists only up to T_d.
    static = bisect(
        lambda t: -gain(p, jnp.minimum(t, dynamic), cluster(p, jnp.minimum(t, dynamic), 1.0), 1.0),
        0.3,
        1.0,
        halvings=20,
    )
    return dynamic, jnp.minimum(static, dynamic)
