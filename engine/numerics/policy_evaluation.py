"""What a value is worth along random paths, and four ways to learn it from them.

dX = −κ X dt + dW from 0, to the time 1. The value of a place at a time is what is still to come on
average: X² at the end ("final"), or its integral until then ("running"). Values are learnt in a
family V = base + θ₁ f₁ + θ₂ f₂ that meets the end exactly and holds the truth, at any time step.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Key

from engine.numerics.matrices import solve


LEAST = 1e-3  # of κ: below it the paths differ by a part in a thousand, and formulas cancel
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(7)  # exact for all that is averaged here
WEIGHTS = WEIGHTS / np.sum(WEIGHTS)
TRUTH = {"final": (1.0, 0.0), "running": (1.0, 1.0)}  # θ


class Walk(NamedTuple):
    """κ, and the step of time that it is taken in."""

    pull: Float[Array, ""]
    steps: int

    @property
    def dt(self) -> float:
        return 1 / self.steps

    @property
    def kept(self) -> Float[Array, ""]:
        """Of a place, one step later."""
        return jnp.exp(-self.pull * self.dt)

    def variance(self, t: Float[Array, "*k"] | float) -> Float[Array, "*k"]:
        """That has gathered in a time t."""
        return -jnp.expm1(-2 * self.pull * t) / (2 * self.pull)

    def paths(self, key: Key[Array, ""], n: int) -> Float[Array, "times n"]:
        """n of them, exactly; all times from 0 to 1."""
        kicks = jnp.sqrt(self.variance(self.dt)) * jax.random.normal(key, (self.steps, n))

        def later(x: Array, kick: Array) -> tuple[Array, Array]:
            x = self.kept * x + kick
            return x, x

        begin = jnp.zeros(n)
        return jnp.concatenate([begin[None], lax.scan(later, begin, kicks)[1]])


class Values(NamedTuple):
    """The family along paths."""

    base: Float[Array, "..."]
    features: Float[Array, "2 ..."]
    reward: Float[Array, "..."]  # per time


class Equations(NamedTuple):
    """matrix θ = right, of each way to learn: see `WAYS`."""

    matrix: Float[Array, "ways 2 2"]
    right: Float[Array, "ways 2"]


WAYS = ("TD error", "martingale loss", "TD(0)", "TD(λ)")


def walk(pull: Float[Array, ""] | float, steps: int) -> Walk:
    return Walk(jnp.maximum(jnp.asarray(pull, float), LEAST), steps)


def values(problem: str, walk: Walk, left: Array, x: Array) -> Values:
    """At places x with the time `left` to go."""
    gathered = walk.variance(left)
    if problem == "final":
        kept = jnp.exp(-2 * walk.pull * left)
        features = jnp.stack(jnp.broadcast_arrays(gathered, -left * x**2))
        return Values(kept * x**2, features, 0 * x)
    # What x² adds up to, step by step, so that the truth is in the family at any step.
    memory = walk.dt * jnp.expm1(-2 * walk.pull * left) / jnp.expm1(-2 * walk.pull * walk.dt)
    spread = (left - memory) / (2 * walk.pull)
    features = jnp.stack(jnp.broadcast_arrays(spread, memory * x**2))
    return Values(0 * x, features, x**2)


def equations(
    problem: str, walk: Walk, x: Float[Array, "times n"], trace: Float[Array, ""]
) -> Equations:
    """As averages over paths tell them; each way solves its own.

    - TD error: the sum of squares of dV + r dt is least.
    - martingale loss: the squared distance of V to what really came is least, over all times.
    - TD(0) and TD(λ): dV + r dt is uncorrelated with f, or with a fading memory of it.
    """
    left = 1 - jnp.arange(len(x)) / walk.steps
    base, f, reward = values(problem, walk, left[:, None], x)
    n, dt = x.shape[1], walk.dt
    gain = jnp.diff(base, axis=0) + dt * reward[:-1]
    change, now = jnp.diff(f, axis=1), f[:, :-1]
    come = base[-1] + jnp.cumsum(dt * reward[:-1][::-1], axis=0)[::-1]

    def fading(memory: Array, f: Array) -> tuple[Array, Array]:
        memory = trace * memory + (1 - trace) * f
        return memory, memory

    _, faded = lax.scan(fading, jnp.zeros((2, n)), jnp.moveaxis(now, 1, 0))
    faded = jnp.moveaxis(faded, 0, 1)

    def over(a: Array, b: Array) -> Array:
        return jnp.einsum("itn,jtn->ij", a, b) / n

    def along(a: Array, b: Array) -> Array:
        return jnp.einsum("itn,tn->i", a, b) / n

    matrix = (over(change, change), dt * over(now, now), -over(now, change), -over(faded, change))
    right = (
        -along(change, gain),
        dt * along(now, come - base[:-1]),
        along(now, gain),
        along(faded, gain),
    )
    return Equations(jnp.stack(matrix), jnp.stack(right))


def nearer(
    theta: Float[Array, "ways 2"], law: Equations, rate: Float[Array, ""]
) -> Float[Array, "ways 2"]:
    """θ one step on: implicitly, so that no rate is too large."""
    off = law.right - jnp.einsum("kij,kj->ki", law.matrix, theta)
    damped = jnp.eye(2) + rate * law.matrix
    return theta + rate * solve(damped, off)


def least_td_error(problem: str, walk: Walk) -> Float[Array, " 2"]:
    """θ where the mean square TD error is least: exact for infinitely many paths."""
    t = jnp.arange(walk.steps) / walk.steps
    x = jnp.sqrt(walk.variance(t))[:, None, None] * jnp.asarray(NODES, float)[:, None]
    kick = jnp.sqrt(walk.variance(walk.dt)) * jnp.asarray(NODES, float)
    later = walk.kept * x + kick
    left = (1 - t)[:, None, None]
    base, f, reward = values(problem, walk, left, jnp.broadcast_to(x, later.shape))
    there = values(problem, walk, left - walk.dt, later)
    gain, change = there.base - base + walk.dt * reward, there.features - f
    weight = jnp.asarray(np.outer(WEIGHTS, WEIGHTS), jnp.float32)
    matrix = jnp.einsum("itab,jtab,ab->ij", change, change, weight)
    return solve(matrix, -jnp.einsum("itab,tab,ab->i", change, gain, weight))


def distance(problem: str, walk: Walk, off: Float[Array, "*some 2"]) -> Float[Array, "*some"]:
    """Root mean square of off · f over all times, and over where paths are then."""
    t = jnp.arange(walk.steps) / walk.steps
    x = jnp.sqrt(walk.variance(t))[:, None] * jnp.asarray(NODES, float)
    f = values(problem, walk, (1 - t)[:, None], x).features
    square = jnp.einsum("...i,ita->...ta", off, f) ** 2
    return jnp.sqrt(jnp.mean(square @ jnp.asarray(WEIGHTS, jnp.float32), axis=-1))
