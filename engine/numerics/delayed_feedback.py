"""A particle pulled to where it was: the linear delay equation and its mean square displacement.

    dx = −k (x(t) − x(t − τ)) dt + √(2D) dW

Its answer to a kick, G' = −k (G(t) − G(t − τ)) with G(0) = 1 and G = 0 before, settles to
1/(1 + kτ). All follows from it: x(t) = √(2D) ∫ G(t − s) dW(s), and so per component

    ⟨(x(t) − x(0))²⟩ = 2D [∫₀ᵗ G² ds + ∫₀^∞ (G(s + t) − G(s))² ds],

the same as (2D/π) ∫ (1 − cos ωt) / |iω + k (1 − e^{−iωτ})|² dω over all ω, without its sharp peaks.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int


NODES = 64  # in a delay
DELAYS = 64  # that the answer is followed for
TURNS = np.unique(np.round(np.geomspace(1, NODES * DELAYS // 2, 40)).astype(int))


class Answer(NamedTuple):
    """To a kick at time 0, on even times."""

    value: Float[Array, " times"]
    step: Float[Array, ""]
    end: Float[Array, ""]  # as t → ∞


def answer(k: Float[Array, ""], tau: Float[Array, ""]) -> Answer:
    """Delay by delay: what is delayed is known, and linear between nodes; the rest is exact."""
    step = jnp.maximum(tau, 1e-4) / NODES
    x = k * step
    left = jnp.exp(-x)
    gone = -jnp.expm1(-x)
    # ∫₀¹ u x e^{−x(1−u)} du, of which the direct form cancels for small x.
    late = jnp.where(x < 0.05, x / 2 - x**2 / 6 + x**3 / 24, 1 - gone / jnp.maximum(x, 1e-9))
    index = np.arange(NODES + 1)[:, None] - 1 - np.arange(NODES)
    kernel = jnp.where(index >= 0, left ** jnp.maximum(index, 0), 0)
    kept = left ** jnp.arange(NODES + 1)

    def next_delay(before: Array, _: None) -> tuple[Array, Array]:
        push = before[:-1] * (gone - late) + before[1:] * late
        values = kept * before[-1] + kernel @ push
        return values, values[:-1]

    first = kept
    _, rest = lax.scan(next_delay, first, length=DELAYS - 1)
    return Answer(jnp.concatenate([first[:-1], rest.reshape(-1)]), step, 1 / (1 + k * tau))


def displacement(
    k: Float[Array, ""], tau: Float[Array, ""], d: Float[Array, ""], turns: Int[Array, " m"]
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Times, in whole 64ths of the delay, and the mean square displacement in the plane.

    Not-a-number where the answer has not settled in time (k τ beyond some tens).
    """
    g = answer(k, tau)
    square = jnp.square(g.value)
    so_far = jnp.concatenate([jnp.zeros(1), jnp.cumsum((square[1:] + square[:-1]) / 2)])
    there = jnp.arange(len(g.value)) + turns[:, None]
    later = jnp.where(there < len(g.value), g.value[jnp.minimum(there, len(g.value) - 1)], g.end)
    change = jnp.square(later - g.value)
    # Trapezia; G jumps to 1 at time 0, where the integral begins.
    rest = jnp.sum(change, axis=1) - change[:, 0] / 2
    spread = 4 * d * g.step * (so_far[turns] + rest)
    settled = jnp.max(jnp.abs(g.value[-NODES:] - g.end)) < 0.02 * g.end
    return turns * g.step, jnp.where(settled, spread, jnp.nan)
