"""Fractional Brownian motion as a sum of a few relaxations of one noise.

The motion of type II is B_H(t) = (1/Γ(H + ½)) ∫₀ᵗ (t − s)^{H−½} dW_s, whose variance is
t^{2H} / (2H Γ(H + ½)²). A power law is nearly a sum of exponentials, so nearly

    B̂(t) = Σ_k ω_k Y_k(t),    dY_k = −γ_k Y_k dt + dW,    Y_k(0) = 0,

with rates in equal ratios and the weights that make ∫₀¹ E(B̂ − B_H)² dt least. Time is in units of
the horizon up to which they are fitted.
"""

from functools import cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import gammainc

from engine.numerics.matrices import cholesky, solve_below


SLOWEST, FASTEST = 1 / 20, 20.0
RIDGE = 1e-9  # keeps weights below some 10³, for float32, and changes the error by less than 1 %
ROUGHEST, SMOOTHEST = 0.05, 0.95  # Hurst indices of the table
ORDER = 40  # of the Chebyshev interpolation in H: exact to 1e-6
LAGS = np.array([1, 2, 3, 5, 8])  # times apart over which a variation is taken
GAUSS = np.polynomial.legendre.leggauss(64)


def rates(modes: int) -> Float[np.ndarray, " modes"]:
    return np.geomspace(SLOWEST, FASTEST, modes)


def fitted(hurst: float, modes: int) -> Float[np.ndarray, " modes"]:
    """The best weights, in float64: the equations are ill-conditioned."""
    g = rates(modes)
    both = g[:, None] + g
    a = (1 + np.expm1(-both) / both) / both
    return np.linalg.solve(a + RIDGE * np.eye(modes), overlap(hurst, g))


def overlap(hurst: float, g: Float[np.ndarray, " modes"]) -> Float[np.ndarray, " modes"]:
    """∫₀¹ E[Y_k(t) B_H(t)] dt."""
    first = gammainc(hurst + 0.5, g) / g ** (hurst + 0.5)
    return first - (hurst + 0.5) * gammainc(hurst + 1.5, g) / g ** (hurst + 1.5)


@cache
def table(modes: int) -> Float[np.ndarray, "order modes"]:
    """Chebyshev coefficients of the weights as functions of the Hurst index."""
    node = np.polynomial.chebyshev.chebpts1(ORDER)
    h = (ROUGHEST + SMOOTHEST) / 2 + (SMOOTHEST - ROUGHEST) / 2 * node
    values = np.array([fitted(x, modes) for x in h])
    return np.polynomial.chebyshev.chebfit(node, values, ORDER - 1).astype(np.float32)


def weights(hurst: int | float | Float[Array, ""], modes: int) -> Float[Array, " modes"]:
    """The weights ω at any Hurst index of the table; it may be dragged."""
    x = (jnp.asarray(hurst, float) - (ROUGHEST + SMOOTHEST) / 2) * 2 / (SMOOTHEST - ROUGHEST)
    angle = jnp.arccos(jnp.clip(x, -1, 1))
    return jnp.cos(angle * jnp.arange(ORDER)) @ table(modes)


def exact_variance(hurst: int | float | Array, t: Array) -> Array:
    """Of B_H(t)."""
    hurst = jnp.asarray(hurst, float)
    return t ** (2 * hurst) / (2 * hurst * jnp.exp(2 * log_gamma(hurst + 0.5)))


def log_gamma(x: Array) -> Array:
    # `jax.scipy.special.gammaln` compiles for a second; on [½, 3/2] Stirling after a shift does.
    z = x + 6
    shift = jnp.log(x * (x + 1) * (x + 2) * (x + 3) * (x + 4) * (x + 5))
    return (z - 0.5) * jnp.log(z) - z + jnp.log(2 * jnp.pi) / 2 + 1 / (12 * z) - shift


def variance(
    omega: Float[Array, " modes"], t: Float[Array, " times"], pull: int | float | Array = 0.0
) -> Float[Array, " times"]:
    """Of x(t), dx = −pull x dt + dB̂, which starts at 0: for no pull, of B̂ itself.

    What dW leaves in x after a time s is, with θ the pull,

        h(s) = Σ ω_k [e^{−θs} − γ_k ∫₀ˢ e^{−θ(s−u)} e^{−γ_k u} du]

    and the variance is ∫₀ᵗ h². Large weights cancel in h, where float32 can bear it.
    """
    node, mass = (jnp.asarray(a, jnp.float32) for a in GAUSS)
    g = jnp.asarray(rates(len(omega)), jnp.float32)
    s = t[:, None] * (node + 1) / 2
    left = jnp.exp(-pull * s)
    lag = (g - pull) * s[..., None]  # e^{−θs} − γ ∫₀ˢ e^{−θ(s−u)} e^{−γu} du, where γ = θ too
    share = jnp.where(jnp.abs(lag) < 1e-4, 1 - lag / 2, -jnp.expm1(-lag) / jnp.where(lag, lag, 1))
    h = left * ((1 - g * s[..., None] * share) @ omega)
    return t / 2 * (h**2 @ mass)


@cache
def covariances(
    indices: tuple[float, ...], times: int, modes: int
) -> Float[np.ndarray, "hurst times times"]:
    """Of B̂ at 1/times, 2/times, ..., 1, for several Hurst indices; worked out in float64."""
    g = rates(modes)
    t = np.arange(1, times + 1) / times
    early, apart = np.minimum(t[:, None], t), np.abs(t[:, None] - t)
    both = g[:, None] + g
    grown = -np.expm1(-both * early[..., None, None]) / both
    # The later of the two has forgotten by e^{−γ |t−s|} what they had in common.
    shared = np.exp(-g * apart[..., None])[..., None, :] * grown
    omega = np.array([fitted(h, modes) for h in indices])
    summed = np.einsum("hk,stkl,hl->hst", omega, shared, omega)
    return ((summed + np.swapaxes(summed, 1, 2)) / 2).astype(np.float32)


@cache
def memories(indices: tuple[float, ...], times: int, modes: int) -> Float[np.ndarray, " hurst"]:
    """The correlation of neighbouring increments of B̂ over times of 1/times, once begun.

    Of fractional noise long after its beginning it would be 2^{2H−1} − 1; relaxations forget what
    is faster than the fastest of them.
    """
    both = np.diff(np.diff(covariances(indices, times, modes).astype(float), axis=1), axis=2)
    square = np.diagonal(both, axis1=1, axis2=2)
    beside = np.diagonal(both, offset=1, axis1=1, axis2=2)
    return (beside.sum(1) / ((square[:, 1:] + square[:, :-1]) / 2).sum(1)).astype(np.float32)


def moments(
    paths: Float[Array, "paths times"], known: Float[Array, " times"], power: int | float | Array
) -> Float[Array, " lags"]:
    """The mean of |B(t + δ) − B(t)|^p, for δ of each of the LAGS; not-a-number where none is known.

    Over δ it is the p-variation of paths, cut into steps of δ.
    """

    def over(lag: int) -> Array:
        step = jnp.abs(paths[:, lag:] - paths[:, :-lag])
        size = jnp.where(step > 0, jnp.maximum(step, 1e-30) ** power, 0.0)
        count = len(paths) * jnp.sum(known[lag:])  # what is known ends somewhere
        total = jnp.sum(size * known[lag:])
        return jnp.where(count > 0, total / jnp.maximum(count, 1), jnp.nan)

    return jnp.stack([over(int(lag)) for lag in LAGS])


@cache
def step_variances(
    indices: tuple[float, ...], times: int, modes: int
) -> Float[np.ndarray, "hurst lags times"]:
    """Of B̂(t + δ) − B̂(t), for δ of each of the LAGS and as many t as there are for all of them."""
    c = covariances(indices, times, modes).astype(float)
    early, k = np.arange(times - LAGS[-1]), np.arange(times)
    own = c[:, k, k]
    return np.stack(
        [own[:, early + lag] + own[:, early] - 2 * c[:, early, early + lag] for lag in LAGS], axis=1
    ).astype(np.float32)


def expected_moments(
    variances: Float[Array, "*hurst lags times"], power: int | float | Array
) -> Float[Array, "*hurst lags"]:
    """E|B(t + δ) − B(t)|^p, averaged over t: Gaussian, of these variances."""
    half = jnp.asarray(power, float) / 2
    whole = half * jnp.log(2.0) + log_gamma(half + 0.5) - jnp.log(jnp.pi) / 2
    return jnp.exp(whole) * jnp.mean(jnp.maximum(variances, 1e-12) ** half, axis=-1)


def likelihood(
    paths: Float[Array, "paths times"],
    known: Float[Array, " times"],
    noise: int | float | Float[Array, ""],
    covariance: Float[Array, "hurst times times"],
) -> Float[Array, " hurst"]:
    """ln P of paths seen with an error of standard deviation `noise`, up to a constant.

    Exact: both are Gaussian. Times that are not `known` (0 or 1) yet count for nothing.
    """
    seen = known[:, None] * known
    c = covariance * seen + jnp.diag(noise**2 * known + (1 - known))
    root = cholesky(c)
    white = solve_below(root, (paths * known).T)
    log_det = 2 * jnp.sum(jnp.log(jnp.diagonal(root, axis1=-2, axis2=-1)), axis=-1)
    return -(len(paths) * log_det + jnp.sum(white**2, axis=(-2, -1))) / 2
