"""Forces that fall off as 1/r, by way of a mesh: cost grows with N, and a pair closer than about
four cells feels less than it should.

Charges are shared among the four nodes around them and forces read back with the same weights
(cloud in cell), so no particle pushes itself. A field is indexed [row y, column x].
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from engine.numerics.long_range import Scalar


CLOUD = 1.0  # cells: the width of a charge on a periodic mesh


def deposited(
    position: Float[Array, "n 2"], charge: Float[Array, " n"], length: Scalar, grid: int
) -> Float[Array, "{grid} {grid}"]:
    """Charge per area at the nodes of a periodic square of this side."""
    node, weight = _around(position * (grid / length), grid)
    return _spread(node, weight, charge, grid) * (grid / jnp.asarray(length, float)) ** 2


def at_particles(
    field: Float[Array, "grid grid"], position: Float[Array, "n 2"], length: Scalar
) -> Float[Array, " n"]:
    """A periodic field where the particles are."""
    grid = field.shape[0]
    node, weight = _around(position * (grid / length), grid)
    return _read(field.reshape(-1), node, weight)


def waves(length: Scalar, grid: int) -> tuple[Float[Array, "1 half"], Float[Array, "grid 1"]]:
    """k_x and k_y of the modes that `rfft2` has."""
    unit = 2 * jnp.pi / jnp.asarray(length, float)
    kx, ky = jnp.fft.rfftfreq(grid, 1 / grid), jnp.fft.fftfreq(grid, 1 / grid)
    return unit * kx[None, :], unit * ky[:, None]


def periodic_mesh_field(
    position: Float[Array, "n 2"], charge: Float[Array, " n"], length: Scalar, grid: int
) -> Float[Array, "n 2"]:
    """As `long_range.periodic_field`, on a mesh of cells h: div E = 2π (ρ − ρ̄) by waves.

    Each charge is a Gaussian cloud of width σ = `CLOUD` h, so that short waves do not ring: a pair
    feels (1 − e^{−r²/4σ²})/r, give or take a tenth of the largest force at a cell's distance and
    1 % from eight cells on. Sharing among nodes blurs too; that is divided out.
    """
    node, weight = _around(position * (grid / length), grid)
    density = _spread(node, weight, charge, grid) * (grid / jnp.asarray(length, float)) ** 2
    kx, ky = waves(length, grid)
    square = kx**2 + ky**2
    cell = jnp.asarray(length, float) / grid
    shared = (jnp.sinc(kx * cell / (2 * jnp.pi)) * jnp.sinc(ky * cell / (2 * jnp.pi))) ** 4
    clouds = jnp.exp(-square * (CLOUD * cell) ** 2) / shared
    green = jnp.where(square > 0, 2 * jnp.pi * clouds / jnp.where(square > 0, square, 1.0), 0.0)
    # The shortest waves have no sign, and so no slope.
    half = grid // 2
    signed = (jnp.arange(grid)[:, None] != half) & (jnp.arange(half + 1)[None, :] != half)
    potential = jnp.fft.rfft2(density) * green * signed
    fields = (jnp.fft.irfft2(-1j * k * potential, density.shape) for k in (kx, ky))
    return jnp.stack([_read(field.reshape(-1), node, weight) for field in fields], axis=1)


def mesh_forces(position: Float[Array, "n 2"], softening: Scalar, grid: int) -> Float[Array, "n 2"]:
    """As `long_range.pair_forces`, on a mesh that just covers the particles.

    Empty space as wide as the mesh on two sides keeps its periodic images out (Hockney's trick),
    so the plane is open. x and y are the real and imaginary part of one transform.
    """
    low, cell = covered(position, grid)
    node, weight = _around((position - low) / cell, 2 * grid)
    mass = _spread(node, weight, jnp.ones(len(position)), 2 * grid)
    away = jnp.fft.fftfreq(2 * grid, 1 / (2 * grid)) * cell
    x, y = away[None, :], away[:, None]
    square = x**2 + y**2 + jnp.asarray(softening, float) ** 2
    kernel = (x + 1j * y) / jnp.where(square > 0, square, 1.0)
    force = jnp.fft.ifft2(jnp.fft.fft2(kernel) * jnp.fft.fft2(mass)).reshape(-1)
    return jnp.stack([_read(part, node, weight) for part in (force.real, force.imag)], axis=1)


def covered(
    position: Float[Array, "n 2"], grid: int
) -> tuple[Float[Array, " 2"], Float[Array, ""]]:
    """The low corner of a mesh that covers the particles, and the side of its cells."""
    low = jnp.min(position, axis=0)
    span = jnp.maximum(jnp.max(jnp.max(position, axis=0) - low), 1e-6)
    return low, span / (grid - 2)


def _around(place: Float[Array, "n 2"], grid: int) -> tuple[Int[Array, "4 n"], Float[Array, "4 n"]]:
    """The four nodes around each place (in cells) of a periodic mesh, and the share of each."""
    first = jnp.floor(place)
    over = place - first
    column, row = first.astype(int).T % grid
    right, above = (column + 1) % grid, (row + 1) % grid
    x, y = over.T
    node = jnp.stack([r * grid + c for r in (row, above) for c in (column, right)])
    return node, jnp.stack([b * a for b in (1 - y, y) for a in (1 - x, x)])


def _spread(node: Array, weight: Array, charge: Array, grid: int) -> Float[Array, "grid grid"]:
    flat = (
        jnp.zeros(grid * grid)
        .at[node.reshape(-1)]
        .add((weight * charge).reshape(-1), mode="promise_in_bounds")
    )
    return flat.reshape(grid, grid)


def _read(flat: Array, node: Array, weight: Array) -> Float[Array, " n"]:
    return jnp.sum(weight * flat.at[node].get(mode="promise_in_bounds"), axis=0)
