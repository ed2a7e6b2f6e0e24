"""Steps of Langevin's equation that are exact where the force does not change.

dx = v dt,    dv = −(γ v + g) dt + √(2γT) dW        with momentum
dx = −g dt + √(2T) dW                               without
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from engine.numerics.matrices import solve


Scalar = int | float | Float[Array, ""]


class Kicks(NamedTuple):
    """What one step h does: x + a v − b g + ξ and e v − a g + ξ′, with correlated ξ and ξ′."""

    kept: Float[Array, ""]  # e = exp(−γh)
    drift: Float[Array, ""]  # a = (1 − e)/γ
    fall: Float[Array, ""]  # b = (h − a)/γ
    xx: Float[Array, ""]  # ⟨ξ²⟩, ⟨ξ ξ′⟩ and ⟨ξ′²⟩ per component
    xv: Float[Array, ""]
    vv: Float[Array, ""]


def kicks(h: Scalar, friction: Scalar, temperature: Scalar) -> Kicks:
    """The exact Ornstein–Uhlenbeck step, also for γh so small that its formulas cancel."""
    h, friction, temperature = (jnp.asarray(x, float) for x in (h, friction, temperature))
    z = friction * h
    kept, lost = jnp.exp(-z), -jnp.expm1(-z)
    small = z < 0.3  # by series to z⁵ and z⁷: within 1e-6 of b and ⟨ξ²⟩ in float32
    s = jnp.where(small, 1.0, z)
    # (z − 1 + e^{−z})/z² and (2z − 3 + 4e^{−z} − e^{−2z})/z³, which start at ½ and ⅔.
    fall = jnp.where(
        small,
        1 / 2 - z * (1 / 6 - z * (1 / 24 - z * (1 / 120 - z * (1 / 720 - z / 5040)))),
        (s + jnp.expm1(-s)) / s**2,
    )
    spread = jnp.where(
        small,
        2 / 3 - z * (1 / 2 - z * (7 / 30 - z * (1 / 12 - z * (31 / 1260 - z / 160)))),
        (2 * s + 4 * jnp.expm1(-s) - jnp.expm1(-2 * s)) / s**3,
    )
    drift = h * jnp.where(z > 0, lost / jnp.where(z > 0, z, 1.0), 1.0)
    return Kicks(
        kept,
        drift,
        h**2 * fall,
        temperature * friction * h**3 * spread,
        temperature * friction * drift**2,
        -temperature * jnp.expm1(-2 * z),
    )


def underdamped(
    x: Float[Array, "*n d"],
    v: Float[Array, "*n d"],
    slope: Float[Array, "*n d"],
    key: Key[Array, ""],
    *,
    h: Scalar,
    friction: Scalar,
    temperature: Scalar,
) -> tuple[Float[Array, "*n d"], Float[Array, "*n d"]]:
    """One step h with momentum, in a potential of this `slope` for its whole length."""
    by = kicks(h, friction, temperature)
    first, second = jax.random.normal(key, (2, *x.shape))
    # The factor of Cholesky of the 2 × 2 covariance; the leftover is never below 0 but by rounding.
    scale = jnp.sqrt(by.vv)
    shared = by.xv / jnp.maximum(scale, 1e-30)
    alone = jnp.sqrt(jnp.maximum(by.xx - shared**2, 0.0))
    return (
        x + by.drift * v - by.fall * slope + shared * first + alone * second,
        by.kept * v - by.drift * slope + scale * first,
    )


def overdamped(
    x: Float[Array, "*n d"],
    slope: Float[Array, "*n d"],
    key: Key[Array, ""],
    *,
    h: Scalar,
    temperature: Scalar,
) -> Float[Array, "*n d"]:
    """One step h without momentum."""
    noise = jnp.sqrt(2 * jnp.asarray(temperature, float) * h) * jax.random.normal(key, x.shape)
    return x - h * slope + noise


def settled(
    curvature: Scalar, *, h: Scalar, friction: Scalar, temperature: Scalar
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """⟨x²⟩, ⟨xv⟩ and ⟨v²⟩ that steps of length h settle to in the well ½ κ x².

    The discrete Lyapunov equation Σ = A Σ Aᵀ + C for A = [[1 − bκ, a], [−aκ, e]]. Not-a-number
    where steps so long make |A| grow.
    """
    by = kicks(h, friction, temperature)
    k = jnp.asarray(curvature, float)
    p, q, r, s = 1 - by.fall * k, by.drift, -by.drift * k, by.kept
    # I − A ⊗ A on (xx, xv, vv), written for 1 − p² and so on, which would cancel for short steps.
    near_p, near_s = by.fall * k, 1 - by.kept
    matrix = jnp.array(
        [
            [near_p * (2 - near_p), -2 * p * q, -(q**2)],
            [-p * r, near_p + p * near_s - q * r, -q * s],
            [-(r**2), -2 * r * s, near_s * (2 - near_s)],
        ]
    )
    xx, xv, vv = solve(matrix, jnp.array([by.xx, by.xv, by.vv]))
    trace, determinant = p + s, p * s - q * r  # Jury: |λ| < 1 for both eigenvalues
    stable = (jnp.abs(determinant) < 1) & (jnp.abs(trace) < 1 + determinant)
    xx, xv, vv = jnp.where(stable, jnp.stack([xx, xv, vv]), jnp.nan)
    return xx, xv, vv
