"""How well headings can be held together by steering, in mean field.

    dθ = u dt + √(2D) dW,    reward r − (c/2)⟨u²⟩ with r = |⟨e^{iθ}⟩|

All that matters is q = 2cD². With the density w² and the steering u = 2D w′/w the best reward λ is
the largest eigenvalue of w ↦ q w″ + cos θ w on the circle (Mathieu's equation).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import i0e, i1e
from jaxtyping import Array, Float


Scalar = int | float | Float[Array, ""]

MODES = 64  # of w: enough for q > 1e-4
LANES = 32  # guesses of the eigenvalue at once
ROUNDS = 5  # 32⁵ = 2²⁵: as fine as float32
CELLS = 512  # from θ = π to 0
KAPPA = np.geomspace(1e-2, 1e4, 4001).astype(np.float32)  # of the rule's von Mises density


class Optimum(NamedTuple):
    """The best steering of headings that are told the mean heading."""

    reward: Float[Array, ""]
    order: Float[Array, ""]
    steering: Float[Array, " t"]  # u at θ = 0 ... π from the mean heading; odd in θ
    share: Float[Array, " t"]  # density w² there, of sum 1


def optimum(noise: Scalar, cost: Scalar) -> Optimum:
    """λ, r, and u = 2D g with g = (ln w)′, tabulated at even steps of θ.

    g obeys Riccati's equation g′ = (λ − cos θ)/q − g², and vanishes at π. From there towards 0 its
    errors fade, and a cell with a constant (λ − cos θ)/q is solved exactly, however steep.
    """
    noise, cost = jnp.asarray(noise, float), jnp.asarray(cost, float)
    q = 2 * cost * noise**2
    reward = largest(q)
    step = np.float32(np.pi / CELLS)
    middle = step * (jnp.arange(CELLS)[::-1] + 0.5)

    def back(g: Array, theta: Array) -> tuple[Array, Array]:
        rate = (reward - jnp.cos(theta)) / q
        k = jnp.sqrt(jnp.abs(rate)) + 1e-9
        # w = cosh kx, or cos kx where it bends the other way; a narrow peak ends before π/2.
        turn = jnp.where(rate > 0, jnp.tanh(k * step), -jnp.tan(jnp.minimum(k * step, 1.5)))
        slope = jnp.where(rate > 0, turn / k, -turn / k)
        g = (g - k * turn) / (1 - g * slope)
        return g, g

    _, after = lax.scan(back, jnp.zeros(()), middle)
    g = jnp.concatenate([after[::-1], jnp.zeros(1)]).at[0].set(0.0)
    log = jnp.concatenate([jnp.zeros(1), jnp.cumsum(g[1:] + g[:-1])]) * step  # 2 ln w
    weight = jnp.exp(log - jnp.max(log)).at[jnp.array([0, -1])].multiply(0.5)
    share = weight / jnp.sum(weight)
    theta = step * jnp.arange(CELLS + 1)
    return Optimum(reward, jnp.sum(share * jnp.cos(theta)), 2 * noise * g, share)


def largest(q: Float[Array, ""]) -> Float[Array, ""]:
    """The largest eigenvalue of q d²/dθ² + cos θ, between 0 and 1.

    In even Fourier modes it is tridiagonal, with −q n² and ½ (√½ beside the constant). A guess is
    above it if all pivots from the last mode down are positive (Sturm); no pivot cancels.
    """
    square = q * jnp.arange(MODES, 0, -1) ** 2

    def narrowed(_: Array, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        guess = low + (high - low) * jnp.arange(1, LANES) / LANES

        def pivot(state: tuple[Array, Array], s: Array) -> tuple[tuple[Array, Array], Any]:
            last, above = state
            now = guess + s - jnp.where(jnp.isinf(last), 0.0, 0.25 / last)
            return (now, above & (now > 0)), None

        first = (jnp.full(LANES - 1, jnp.inf), jnp.ones(LANES - 1, bool))
        (last, above), _ = lax.scan(pivot, first, square)
        below = jnp.sum(~(above & (guess - 0.5 / last > 0)))
        width = (high - low) / LANES
        return low + below * width, low + (below + 1) * width

    low, high = lax.fori_loop(0, ROUNDS, narrowed, (jnp.zeros(()), jnp.ones(())))
    return (low + high) / 2


def steered(best: Optimum, angle: Float[Array, " n"]) -> Float[Array, " n"]:
    """The best u at these angles from the mean heading, in (−π, π]."""
    place = jnp.abs(angle) * (CELLS / np.pi)
    cell = jnp.clip(place.astype(int), 0, CELLS - 1)
    share = jnp.clip(place - cell, 0, 1)
    value = best.steering[cell] * (1 - share) + best.steering[cell + 1] * share
    return jnp.sign(angle) * value


class Rule(NamedTuple):
    """What the rule u = −K r sin θ comes to: von Mises headings of κ = K r/D."""

    gain: Float[Array, ""]
    reward: Float[Array, ""]
    order: Float[Array, ""]


def best_rule(noise: Scalar, cost: Scalar) -> Rule:
    """The gain K at which the rule is rewarded most.

    With A(κ) = I₁/I₀ it has r = A, K = κD/A and the reward A (1 − qκ/4).
    """
    noise = jnp.asarray(noise, float)
    q = 2 * cost * noise**2
    order = aligned(jnp.asarray(KAPPA))
    reward = order * (1 - q * KAPPA / 4)
    at = jnp.argmax(reward)
    kappa = jnp.asarray(KAPPA)[at]
    return Rule(kappa * noise / order[at], reward[at], order[at])


def rule(gain: Scalar, noise: Scalar, cost: Scalar) -> Rule:
    """The rule at a gain K: nothing for K ≤ 2D."""
    gain, noise = jnp.asarray(gain, float), jnp.asarray(noise, float)
    # K/D = κ/A(κ) grows from 2 with κ: its inverse by the table.
    needed = KAPPA / aligned(jnp.asarray(KAPPA))
    kappa = jnp.interp(gain / noise, needed, jnp.asarray(KAPPA), left=0.0)
    order = aligned(kappa)
    reward = order * (1 - cost * noise**2 * kappa / 2)
    return Rule(gain, reward, order)


def aligned(kappa: Float[Array, "*k"]) -> Float[Array, "*k"]:
    """⟨cos θ⟩ of a von Mises density, I₁(κ)/I₀(κ)."""
    return i1e(kappa) / i0e(kappa)
