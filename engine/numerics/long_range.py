"""Forces that fall off as 1/r, summed over all pairs: exact, and the reference of the mesh.

Pairs are taken in tiles, so that memory grows with N and not with N². Where N is large,
`particle_mesh` is quicker.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from engine.numerics.trig import sincos


Scalar = int | float | Float[Array, ""]
Columns = tuple[Array, ...]

FEW = 2048  # particles up to which all pairs are about as quick as a mesh
PAIRS = {"cpu": 1 << 16}  # of a tile: what stays in a core's cache
WIDE = 1 << 24  # pairs of a tile elsewhere
ROWS = 2  # of periodic images on either side; what is left out is e^{−5π} = 1.5e-7


def on_mesh(forces: str, n: int) -> bool:
    """Whether forces between `n` particles come from a mesh: "auto", "direct" or "mesh"."""
    return forces == "mesh" or (forces == "auto" and n > FEW)


def over_pairs(
    values: tuple[Float[Array, " n"], ...], kernel: Callable[[Columns, Columns], Columns]
) -> tuple[Float[Array, " n"], ...]:
    """Σⱼ of what `kernel` makes of particle i (columns of a tile) and all particles j (rows).

    A particle meets itself too.
    """
    n = len(values[0])
    rows = max(1, min(n, PAIRS.get(jax.default_backend(), WIDE) // n))
    mine = [jnp.pad(value, (0, -n % rows), mode="edge").reshape(-1, rows, 1) for value in values]

    def tile(part: list[Array]) -> Columns:
        return tuple(jnp.sum(term, axis=1) for term in kernel(tuple(part), values))

    return tuple(total.reshape(-1)[:n] for total in lax.map(tile, mine))


def pair_forces(position: Float[Array, "n 2"], softening: Scalar = 0.0) -> Float[Array, "n 2"]:
    """Σⱼ (xᵢ − xⱼ)/(|xᵢ − xⱼ|² + s²) in the open plane; s = 0 is the bare 1/r."""
    square = jnp.asarray(softening, float) ** 2 + 1e-20  # two in one place push nowhere

    def push(mine: Columns, theirs: Columns) -> Columns:
        dx, dy = mine[0] - theirs[0], mine[1] - theirs[1]
        weight = 1 / (dx**2 + dy**2 + square)
        return weight * dx, weight * dy

    return jnp.stack(over_pairs((position[:, 0], position[:, 1]), push), axis=1)


def periodic_field(
    position: Float[Array, "n 2"],
    charge: Float[Array, " n"],
    length: Scalar,
    softening: Scalar = 0.0,
) -> Float[Array, "n 2"]:
    """The field at each charge of all others and of all periodic images of a square.

    Near a charge it is q r/r². An even background keeps the square neutral, and its mean is 0: the
    solution of div E = 2π (ρ − ρ̄) on a torus. A row of images along x has the closed form
    (π/L) cot(πz/L) in z = x + iy; rows far away cancel, and the background is linear in y.
    """
    wave = 2 * jnp.pi / jnp.asarray(length, float)
    soft = (wave * softening) ** 2 / 2 + 1e-12
    levels = [float(np.exp(2 * np.pi * m)) for m in range(-ROWS, ROWS + 1)]

    def push(mine: Columns, theirs: Columns) -> Columns:
        dx, dy = mine[0] - theirs[0], mine[1] - theirs[1]
        dx, dy = (d - length * jnp.round(d / length) for d in (dx, dy))
        s, c = sincos(wave * dx)
        up = jnp.exp(wave * dy)
        ex, ey = 0.0, -2 * dy / length
        for level in levels:
            sinh, cosh = (up * level - 1 / (up * level)) / 2, (up * level + 1 / (up * level)) / 2
            # cosh − cos of a close pair cancels: near 0 both parts are squares of halves.
            gap = cosh - c if level != 1 else _gap(wave * dx, wave * dy, cosh - c) + soft
            ex, ey = ex + s / gap, ey + sinh / gap
        return theirs[2] * ex, theirs[2] * ey

    sums = over_pairs((position[:, 0], position[:, 1], charge), push)
    return wave / 2 * jnp.stack(sums, axis=1)


def _gap(a: Array, b: Array, plain: Array) -> Array:
    """cosh b − cos a, also where both are small."""
    near = (a**2 + b**2) / 2 + (b**4 - a**4) / 24
    return jnp.where(a**2 + b**2 < 0.05, near, plain)
