"""Densities on a line that drift and diffuse, without a particle's noise."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.numerics.matrices import solve_in_line


Scalar = int | float | Float[Array, ""]


def carried(
    density: Float[Array, " g"],
    drift: Float[Array, " g-1"],
    diffusion: Scalar,
    dx: Scalar,
    dt: Scalar,
) -> Float[Array, " g"]:
    """One implicit step of ∂ρ = −∂(fρ) + D ∂²ρ, with f on the edges between cells.

    The flux of Chang and Cooper (also Scharfetter and Gummel's): positive and conserving for any
    step, and exact for a stationary density. Nothing leaves at the ends.
    """
    w = drift * dx / diffusion
    rate = diffusion * dt / dx**2
    down, up = rate * bernoulli(-w), rate * bernoulli(w)  # from below, and from above, an edge
    zero = jnp.zeros(1)
    lower = jnp.concatenate([zero, -down])
    upper = jnp.concatenate([-up, zero])
    middle = 1 + jnp.concatenate([down, zero]) + jnp.concatenate([zero, up])
    return solve_in_line(lower, middle, upper, density)


def bernoulli(w: Float[Array, " g"]) -> Float[Array, " g"]:
    """w/(e^w − 1)."""
    small = jnp.abs(w) < 1e-3
    safe = jnp.where(small, 1.0, jnp.clip(w, -80, 80))
    return jnp.where(small, 1 - w / 2, safe / jnp.expm1(safe))


def quantiles(
    density: Float[Array, " g"], x: Float[Array, " g"], u: Float[Array, " q"]
) -> Float[Array, " q"]:
    """Where the distribution of a density on an even grid reaches each u."""
    cells = jnp.cumsum(density)
    below = (cells - density / 2) / cells[-1]
    # A hair of slope, so that empty stretches do not make it ambiguous.
    return jnp.interp(u, below + 1e-9 * jnp.arange(len(x)), x)


def wasserstein(a: Float[Array, " q"], b: Float[Array, " q"]) -> Float[Array, ""]:
    """W₂ of two laws on a line by their quantiles at the same even levels."""
    return jnp.sqrt(jnp.mean((a - b) ** 2))
