"""Swimmers alone: how their drives forget themselves, exactly, and how far they come meanwhile.

A drive is a unit vector whose angle diffuses (Brownian), or has two Gaussian components of
variance 1 that relax (Ornstein–Uhlenbeck); `s` is a time in units of its persistence time.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key

from engine.numerics.normals import normal_pair, normals
from engine.numerics.trig import sincos


Drive = tuple[Float[Array, " n"], Float[Array, " n"]]  # its two components


def unit(drive: Drive) -> Drive:
    """The same, of length 1."""
    x, y = drive
    inverse = lax.rsqrt(x**2 + y**2 + 1e-20)
    return x * inverse, y * inverse


def turned(drive: Drive, s: Float[Array, ""], key: Key[Array, ""]) -> Drive:
    """A Brownian drive a time `s` later."""
    x, y = drive
    sine, cosine = sincos(jnp.sqrt(2 * s) * normals(key, x.shape))
    return x * cosine - y * sine, y * cosine + x * sine


def relaxed(drive: Drive, s: Float[Array, ""], key: Key[Array, ""]) -> Drive:
    """An Ornstein–Uhlenbeck drive a time `s` later."""
    x, y = drive
    fresh_x, fresh_y = normal_pair(key, x.shape)
    left, new = jnp.exp(-s), jnp.sqrt(-jnp.expm1(-2 * s))
    return left * x + new * fresh_x, left * y + new * fresh_y


def displacement(s: Float[Array, " m"]) -> Float[Array, " m"]:
    """Mean square way of a drive of mean square 1: 2 (s − 1 + e^{−s}), no digit lost at small s."""
    series = s**2 * (1 - s / 3 + s**2 / 12)
    return jnp.where(s < 0.05, series, 2 * (s + jnp.expm1(-s)))
