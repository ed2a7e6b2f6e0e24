"""What theory says of Σ f(xᵢ) over the charges of a two-dimensional gas, N → ∞.

In a trap r^p / p they fill the unit disc with the density ΔV / 2π = p r^{p−2} / 2π.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.numerics.long_range import Scalar


Radial = Callable[[Array], Array]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
RADII, SHARES = (NODES + 1) / 2, WEIGHTS / 2  # to integrate over 0 < r < 1
CIRCLE = 2 * np.pi * np.arange(64) / 64


def mean(f: Radial, power: int) -> Float[Array, ""]:
    """∫ f over the droplet, of a function of the distance."""
    r = jnp.asarray(RADII, float)
    return jnp.sum(SHARES * power * r ** (power - 1) * f(r))


def wave(q: Scalar) -> Radial:
    """cos q x averaged over a circle of radius r: J₀(qr)."""
    return lambda r: jnp.mean(jnp.cos(q * r[:, None] * np.cos(CIRCLE)), axis=1)


def cumulants(f: Radial, power: int, beta: Scalar) -> Float[Array, " 3"]:
    """κ₂, N κ₃ and N² κ₄ of Σ f(|xᵢ|) for smooth f (De Bruyne and others 2023).

    κ_q = (−1)^q β^{1−q} N^{2−q} ∂ₛ^{q−2} ∫₀^{R(s)} r f′² dr at s = 0. The edge R of V + s f has
    R (V′ + s f′) = 1, so it moves by R′(s) = −R f′ / ∂_R [R (V′ + s f′)].
    """
    slope = jax.grad(f)

    def droplet(r: Array, s: Array) -> Array:
        inside = r * jnp.asarray(RADII, float)
        return r * jnp.sum(SHARES * inside * jax.vmap(slope)(inside) ** 2)

    def moving(value: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
        def changed(r: Array, s: Array) -> Array:
            def flux(r: Array) -> Array:
                return r * (r ** (power - 1) + s * slope(r))

            way = -r * slope(r) / jax.grad(flux)(r)
            return jax.jvp(value, (r, s), (way, jnp.ones(())))[1]

        return changed

    beta = jnp.asarray(beta, float)
    at = (jnp.ones(()), jnp.zeros(()))
    second, third, fourth = droplet, moving(droplet), moving(moving(droplet))
    return jnp.stack([second(*at) / beta, -third(*at) / beta**2, fourth(*at) / beta**3])


def variance_of_wave(q: Scalar, beta: Scalar) -> Float[Array, ""]:
    """(2/β) [∫|∇f|² / 4π + ½ Σₖ |k| |f̂ₖ|²] of f = cos q x; f̂ on the rim (Rider and Virág 2007)."""
    q = jnp.asarray(q, float)
    r = jnp.asarray(RADII, float)
    slope = (q * jnp.sin(q * r[:, None] * np.cos(CIRCLE))) ** 2
    inside = jnp.sum(SHARES * r * jnp.mean(slope, axis=1)) / 2
    rim = jnp.fft.fft(jnp.cos(q * np.cos(CIRCLE))) / len(CIRCLE)
    k = np.abs(np.fft.fftfreq(len(CIRCLE), 1 / len(CIRCLE)))
    return 2 / jnp.asarray(beta, float) * (inside + jnp.sum(k * jnp.abs(rim) ** 2) / 2)
