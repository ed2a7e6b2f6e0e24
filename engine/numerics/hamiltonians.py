"""A small zoo of Hamiltonian systems: what they are, where orbits begin, and what is exact.

Points are (q₁, q₂, p₁, p₂); the mass on a spring and the pendulum leave q₂ = p₂ = 0. A `share` is
an energy above the bottom over that at which the well opens (the spring has no such energy: its
unit is 1). For two bodies that begin at their nearest, at a distance of 1, it is the eccentricity.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key


Scalar = int | float | Float[Array, ""]
TAU = 2 * np.pi
KINDS = ("mass-spring", "pendulum", "Hénon–Heiles", "two-body")
SPRING, PENDULUM, HENON_HEILES, TWO_BODY = range(4)
FREE = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1]])  # what they have
# Where each is learnt: half a box of (q, p); two bodies are between these distances.
REGION = np.array([[2, 0, 2, 0], [np.pi, 0, 2.2, 0], [0.8, 0.8, 0.5, 0.5], [0, 0, 1.2, 1.2]])
NEAR, WIDE = 0.7, 3.0
FAR = (1e3, 1e3, 3.0, 50.0)  # who is farther has left
DROP = 0.25  # radius of a drop of points
ANGLES = 256  # of an outline


class Task(NamedTuple):
    """One system: H = |p|²/2m + k V(q)."""

    kind: Int[Array, ""]
    mass: Float[Array, ""]
    stiffness: Float[Array, ""]


def spring(q: Float[Array, " 2"]) -> Float[Array, ""]:
    return q[0] ** 2 / 2


def pendulum(q: Float[Array, " 2"]) -> Float[Array, ""]:
    return -jnp.cos(q[0])


def henon_heiles(q: Float[Array, " 2"]) -> Float[Array, ""]:
    x, y = q
    return (x**2 + y**2) / 2 + x**2 * y - y**3 / 3


def two_body(q: Float[Array, " 2"]) -> Float[Array, ""]:
    # Never nearer than 0.01: where another system is asked for, q may be 0.
    return -1 / jnp.sqrt(jnp.maximum(jnp.sum(q**2), 1e-4))


POTENTIALS = (spring, pendulum, henon_heiles, two_body)


def energy(kind: int, x: Float[Array, " 4"]) -> Float[Array, ""]:
    """H of a system with mass and stiffness of 1."""
    return jnp.sum(x[2:] ** 2) / 2 + POTENTIALS[kind](x[:2])


def energy_of(task: Task, x: Float[Array, " 4"]) -> Float[Array, ""]:
    """H of any system, which may be drawn at random."""
    potential = jnp.stack([potential(x[:2]) for potential in POTENTIALS])[task.kind]
    return jnp.sum(x[2:] ** 2) / (2 * task.mass) + task.stiffness * potential


def strewn(kind: Int[Array, ""], u: Float[Array, "*many 4"]) -> Float[Array, "*many 4"]:
    """States all over the region in which a system is learnt, made of numbers in (−1, 1)."""
    r, turn = NEAR + (WIDE - NEAR) * (u[..., 0] + 1) / 2, np.pi * u[..., 1]
    box = u * jnp.asarray(REGION, jnp.float32)[kind]
    ring = jnp.stack([r * jnp.cos(turn), r * jnp.sin(turn), box[..., 2], box[..., 3]], axis=-1)
    return jnp.where(kind == TWO_BODY, ring, box)


def level(kind: int, share: Scalar) -> Float[Array, ""]:
    """H at this share of the energy at which the well opens: 1 at the top, ⅙, or 0 at infinity."""
    share = jnp.asarray(share, float)
    return (share, 2 * share - 1, share / 6, (share - 1) / 2)[kind]


def middle(kind: int, share: Scalar) -> Float[Array, " 4"]:
    """A point of this energy: at rest as far out as it goes, or in motion at the top or nearest."""
    share = jnp.asarray(share, float)
    none = jnp.zeros(())
    if kind == TWO_BODY:
        return jnp.stack([none + 1, none, none, jnp.sqrt(1 + share)])
    if kind == PENDULUM:
        top = 2 * jnp.arcsin(jnp.sqrt(jnp.minimum(share, 1.0)))
        return jnp.stack([top, none, 2 * jnp.sqrt(jnp.maximum(share - 1, 0.0)), none])
    return jnp.stack([jnp.sqrt(2 * share), none, none, none])


def cloud(kind: int, share: Scalar, key: Key[Array, ""], n: int) -> Float[Array, "n 4"]:
    """A drop about the `middle`; of Hénon and Heiles all of the energy surface, evenly.

    The surface's own measure is even in q within the well, with p in all directions.
    """
    u = jax.random.uniform(key, (n, 4))
    if kind != HENON_HEILES:
        return dropped(kind, middle(kind, share), u)
    angle, reach = edge(share)
    ends = jnp.append(angle, TAU)
    upto = jnp.cumsum(reach**2)
    at = jnp.interp(u[:, 0], jnp.append(0.0, upto / upto[-1]), ends)
    r = jnp.sqrt(u[:, 1]) * jnp.interp(at, ends, jnp.append(reach, reach[0]))
    q = polar(r, at)
    left = jnp.maximum(level(kind, share) - jax.vmap(henon_heiles)(q), 0.0)
    return jnp.concatenate([q, polar(jnp.sqrt(2 * left), TAU * u[:, 2])], axis=1)


def dropped(kind: int, middle: Float[Array, " 4"], u: Float[Array, "n 4"]) -> Float[Array, "n 4"]:
    """Points about a middle, made of numbers between 0 and 1: a disc of (q, p), or two."""
    a = polar(DROP * jnp.sqrt(u[:, 0]), TAU * u[:, 1])
    b = polar(DROP / 2 * jnp.sqrt(u[:, 2]), TAU * u[:, 3])
    if kind in (SPRING, PENDULUM):
        return middle + jnp.stack([a[:, 0], 0 * a[:, 0], a[:, 1], 0 * a[:, 0]], axis=1)
    return middle + jnp.concatenate([a, b], axis=1)


def edge(share: Scalar) -> tuple[Float[Array, " a"], Float[Array, " a"]]:
    """Angles, and how far the well of Hénon and Heiles reaches there.

    V = r²/2 + r³ sin(3φ)/3 grows with r up to the saddles' distance of 1, where an open well ends.
    """
    angle = jnp.arange(ANGLES) * (TAU / ANGLES)

    def halved(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        r = (low + high) / 2
        inside = r**2 / 2 + r**3 * jnp.sin(3 * angle) / 3 < level(HENON_HEILES, share)
        return jnp.where(inside, r, low), jnp.where(inside, high, r)

    return angle, lax.fori_loop(0, 24, halved, (jnp.zeros(ANGLES), jnp.ones(ANGLES)))[0]


def outline(kind: int, share: Scalar) -> tuple[Float[Array, "a 2"], Float[Array, "a 2"]]:
    """Segments along the exact orbit of the `middle`, or along the edge of the well.

    In the plane of (q, p), or of q where that has two dimensions. Not-a-number is a gap.
    """
    share = jnp.asarray(share, float)
    turn = jnp.arange(ANGLES + 1) * (TAU / ANGLES)
    s, c = jnp.sin(turn), jnp.cos(turn)
    if kind == SPRING:
        path = polar(jnp.sqrt(2 * share) * jnp.ones_like(turn), turn)
    elif kind == PENDULUM:
        k = jnp.sqrt(share)
        closed = jnp.stack([2 * jnp.arcsin(jnp.minimum(k, 1.0) * s), 2 * k * c], axis=1)
        # Over the top: forwards along one half of the outline, backwards along the other.
        q = (2 * turn) % TAU - np.pi
        speed = 2 * jnp.sqrt(jnp.maximum(share - jnp.sin(q / 2) ** 2, 0.0))
        over = jnp.stack([q, jnp.where(turn < np.pi, speed, -speed)], axis=1)
        path = jnp.where(share < 1, closed, over)
    elif kind == TWO_BODY:
        nearing = 1 + share * c
        r = (1 + share) / jnp.where(nearing > 0.05, nearing, jnp.nan)
        path = polar(r, turn)
    else:
        angle, reach = edge(share)
        path = polar(jnp.append(reach, reach[0]), jnp.append(angle, 0.0))
    leaps = jnp.sum((path[1:] - path[:-1]) ** 2, axis=1, keepdims=True) > 1
    return jnp.where(leaps, jnp.nan, path[:-1]), jnp.where(leaps, jnp.nan, path[1:])


def period(kind: int, share: Scalar) -> Float[Array, ""]:
    """Of the orbit of the `middle`; not-a-number where it does not come back.

    The pendulum's is 4K(sin θ₀/2), and that of two bodies is Kepler's.
    """
    share = jnp.asarray(share, float)
    if kind == SPRING:
        return jnp.asarray(TAU)
    if kind == PENDULUM:
        return jnp.where(share < 1, 4 * elliptic(share), jnp.nan)
    if kind == TWO_BODY:
        return jnp.where(share < 1, TAU * jnp.abs(1 - share) ** -1.5, jnp.nan)
    return jnp.asarray(jnp.nan)


def elliptic(m: Float[Array, ""]) -> Float[Array, ""]:
    """K(k) of m = k², the complete elliptic integral, by the arithmetic-geometric mean."""

    def closer(_: Array, ab: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = ab
        return (a + b) / 2, jnp.sqrt(a * b)

    a, _ = lax.fori_loop(0, 6, closer, (jnp.ones(()), jnp.sqrt(jnp.maximum(1 - m, 0.0))))
    return np.pi / (2 * a)


def gone(kind: int, x: Float[Array, "n 4"]) -> Bool[Array, " n"]:
    """Who has left: of Hénon and Heiles, orbits that fall for ever; of two bodies, who is far."""
    return jnp.sum(x[:, :2] ** 2, axis=1) > FAR[kind] ** 2


def wrapped(kind: int, x: Float[Array, "n 4"]) -> Float[Array, "n 4"]:
    """The pendulum's angle between −π and π; of others, what it is."""
    if kind != PENDULUM:
        return x
    return x.at[:, 0].add(-TAU * jnp.round(x[:, 0] / TAU))


def polar(r: Float[Array, " n"], angle: Float[Array, " n"]) -> Float[Array, "n 2"]:
    return r[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
