"""Motion in phase space: points are (q, p), the first half of their numbers is q."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int


Scalar = int | float | Float[Array, ""]
Hamiltonian = Callable[[Float[Array, " two_d"]], Float[Array, ""]]
Map = Callable[[Float[Array, "n two_d"]], Float[Array, "n two_d"]]


class Section(NamedTuple):
    """The last points at which orbits of two degrees of freedom went through a plane."""

    at: Float[Array, "s 2"]  # (q₂, p₂), in no order; only the first `seen` are there
    rate: Float[Array, " s"]  # a number of each orbit at that time
    seen: Int[Array, ""]  # so far


def canonical(hamiltonian: Hamiltonian, x: Float[Array, "n two_d"]) -> Float[Array, "n two_d"]:
    """J∇H: q̇ = ∂H/∂p, ṗ = −∂H/∂q, at each point."""
    q_slope, p_slope = jnp.split(jax.vmap(jax.grad(hamiltonian))(x), 2, axis=1)
    return jnp.concatenate([p_slope, -q_slope], axis=1)


def misfit(
    hamiltonian: Hamiltonian, x: Float[Array, "n two_d"], speed: Float[Array, "n two_d"]
) -> Float[Array, ""]:
    """How wrong J∇H is about the speed of some states, over that speed; squares."""
    return jnp.mean((canonical(hamiltonian, x) - speed) ** 2) / jnp.mean(speed**2)


def leapfrog(
    hamiltonian: Hamiltonian, x: Float[Array, "n two_d"], dt: Scalar
) -> Float[Array, "n two_d"]:
    """A step for H = T(p) + V(q), which keeps areas exactly and H to second order."""
    d = x.shape[1] // 2

    def kicked(x: Float[Array, "n two_d"], dt: Scalar) -> Float[Array, "n two_d"]:
        return x.at[:, d:].add(dt * canonical(hamiltonian, x)[:, d:])

    x = kicked(x, dt / 2)
    x = x.at[:, :d].add(dt * canonical(hamiltonian, x)[:, :d])
    return kicked(x, dt / 2)


def runge_kutta(field: Map, x: Float[Array, "n two_d"], dt: Scalar) -> Float[Array, "n two_d"]:
    """A step of fourth order along any field; of H it loses dt⁵ at a step."""

    def stage(
        at: tuple[Array, Array], how: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        (slope, moved), (ahead, weight) = at, how
        slope = field(x + ahead * dt * slope)
        return (slope, moved + weight * dt * slope), None

    stages = (jnp.array([0.0, 0.5, 0.5, 1.0]), jnp.array([1.0, 2.0, 2.0, 1.0]) / 6)
    (_, moved), _ = lax.scan(stage, (jnp.zeros_like(x), x), stages)
    return moved


def stretched(
    step: Map, x: Float[Array, "n two_d"], aside: Float[Array, "n two_d"]
) -> tuple[Float[Array, "n two_d"], Float[Array, "n two_d"], Float[Array, " n"]]:
    """A step of points and of short vectors beside them, and the logarithm of their growth.

    The vectors come back with a length of 1. Their growth, added up and divided by time, tends to
    the largest Lyapunov exponent.
    """
    x, aside = jax.jvp(step, (x,), (aside,))
    length = jnp.sqrt(jnp.sum(aside**2, axis=1))
    return x, aside / jnp.maximum(length, 1e-20)[:, None], jnp.log(jnp.maximum(length, 1e-20))


def crossings(
    before: Float[Array, "n 4"], after: Float[Array, "n 4"]
) -> tuple[Float[Array, "n 2"], Bool[Array, " n"]]:
    """Where orbits of two degrees of freedom pass q₁ = 0 upwards: (q₂, p₂), and whether they do.

    On a straight line between two steps.
    """
    up = (before[:, 0] < 0) & (after[:, 0] >= 0)
    share = before[:, 0] / jnp.where(up, before[:, 0] - after[:, 0], 1.0)
    at = before + share[:, None] * (after - before)
    return at[:, 1::2], up


def passed(
    section: Section,
    before: Float[Array, "n 4"],
    after: Float[Array, "n 4"],
    rate: Float[Array, " n"],
) -> Section:
    """The section with the passages of a step, in place of the oldest ones."""
    at, up = crossings(before, after)
    room = len(section.rate)
    slot = jnp.where(up, (section.seen + jnp.cumsum(up) - 1) % room, room)
    return Section(
        section.at.at[slot].set(at, mode="drop"),
        section.rate.at[slot].set(rate, mode="drop"),
        section.seen + jnp.sum(up),
    )
