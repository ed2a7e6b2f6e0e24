"""Exact draws of charges in the plane at β = 2, in a trap V = r^p / p.

There the weight is |Vandermonde|² times a product: a determinantal process of the N functions
zᵏ e^{−N rᵖ/p}, k = 0 ... N − 1. Its moduli are independent (Kostlan 1992, for p = 2), and a whole
configuration can be drawn charge by charge (Hough and others 2006): no eigenvalues are needed,
which only the host can compute, and which know but p = 2.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import gammaln
from jaxtyping import Array, Complex, Float, Key


NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
REACH = 7.0  # standard deviations of a modulus that are integrated over


def gamma_draws(key: Key[Array, ""], shape: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Gamma variates by Marsaglia and Tsang (2000), all trials at once until none is left.

    `jax.random.gamma` draws one after the other on a CPU, and takes ten times as long.
    """
    low = shape < 1  # raised by 1, and then lowered by a power of a uniform
    d = jnp.where(low, shape + 1, shape) - 1 / 3
    c = 1 / jnp.sqrt(9 * d)
    for_trials, for_low = jax.random.split(key)

    def trial(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        drawn, there, key = carry
        key, for_x, for_u = jax.random.split(key, 3)
        x = jax.random.normal(for_x, d.shape)
        u = jax.random.uniform(for_u, d.shape, minval=1e-38)
        v = (1 + c * x) ** 3
        safe = jnp.maximum(v, 1e-30)
        good = (v > 0) & (jnp.log(u) < x * x / 2 + d * (1 - safe + jnp.log(safe)))
        return jnp.where(there, drawn, d * v), there | good, key

    start = (jnp.zeros_like(d), jnp.zeros(d.shape, bool), for_trials)
    drawn, _, _ = lax.while_loop(lambda carry: ~carry[1].all(), trial, start)
    u = jax.random.uniform(for_low, d.shape, minval=1e-30)
    return jnp.where(low, drawn * u ** (1 / shape), drawn)


def moduli(key: Key[Array, ""], n: int, power: int, draws: int) -> Float[Array, "draws n"]:
    """Distances from the middle of `n` charges: 2N r_kᵖ/p ~ Gamma(2k/p), k = 1 ... N."""
    shape = jnp.broadcast_to(2 / power * jnp.arange(1.0, n + 1), (draws, n))
    return (power / (2 * n) * gamma_draws(key, shape)) ** (1 / power)


def law(n: int, power: int) -> tuple[Float[Array, "n q"], Float[Array, "n q"]]:
    """Values and weights of the law of each modulus, for integrals over it."""
    shape = 2 / power * jnp.arange(1.0, n + 1)[:, None]
    # y/a = (1 + δ)⁴ with δ nearly Gaussian of width 1/4√a, also where a is small.
    width = REACH / (4 * jnp.sqrt(shape))
    nodes, weights = jnp.asarray(NODES, shape.dtype), jnp.asarray(WEIGHTS, shape.dtype)
    delta = jnp.maximum(width - 1, 0) / 2 + (width + jnp.minimum(width, 1)) / 2 * nodes
    gap = delta * (4 + delta * (6 + delta * (4 + delta)))  # y/a − 1, so that nothing cancels
    weight = weights * jnp.exp(shape * (4 * jnp.log1p(delta) - gap)) / (1 + delta)
    return (power / (2 * n) * shape) ** (1 / power) * (1 + delta) ** (4 / power), weight


def configuration(key: Key[Array, ""], n: int, power: int) -> Float[Array, "n 2"]:
    """All charges at once, by some N ln N trials of N² operations each.

    The k-th charge has the density of what the earlier ones leave of the N functions. A place is
    tried with the density of all of them, and kept with the share that is left there.
    """
    k = jnp.arange(1.0, n + 1)
    log_norm = gammaln(2 * k / power) + 2 * k / power * jnp.log(power / (2 * n))

    def functions(r: Array, angle: Array) -> Complex[Array, " n"]:
        size = (k - 1) * jnp.log(jnp.maximum(r, 1e-30)) - log_norm / 2
        values = jnp.exp(size - jnp.max(size)) * jnp.exp(1j * (k - 1) * angle)
        return values / jnp.sqrt(jnp.sum(jnp.abs(values) ** 2))

    def left(basis: Array, values: Array) -> Array:
        return values - basis.T @ (jnp.conj(basis) @ values)

    def one(i: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        basis, position, key = carry

        def trial(carry: tuple[Array, ...]) -> tuple[Array, ...]:
            key, *_ = carry
            key, for_k, for_r, for_angle, for_u = jax.random.split(key, 5)
            which = jax.random.randint(for_k, (), 1, n + 1).astype(float)
            y = jax.random.gamma(for_r, 2 / power * which)
            r = (power / (2 * n) * y) ** (1 / power)
            angle = jax.random.uniform(for_angle, (), maxval=2 * jnp.pi)
            rest = left(basis, functions(r, angle))
            there = jax.random.uniform(for_u, ()) < jnp.sum(jnp.abs(rest) ** 2)
            return key, rest, r, angle, there

        zero = jnp.zeros(())
        begun = (key, jnp.zeros(n, complex), zero, zero, jnp.bool_(False))
        key, rest, r, angle, _ = lax.while_loop(lambda carry: ~carry[-1], trial, begun)
        rest = left(basis, rest)  # twice is enough against rounding
        rest = rest / jnp.sqrt(jnp.sum(jnp.abs(rest) ** 2))
        place = r * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        return basis.at[i].set(rest), position.at[i].set(place), key

    begun = (jnp.zeros((n, n), complex), jnp.zeros((n, 2)), key)
    return lax.fori_loop(0, n, one, begun)[1]
