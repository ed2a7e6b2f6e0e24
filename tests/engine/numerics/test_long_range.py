"""Long-range forces: all pairs against plain loops and lattice sums, the mesh against both."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.long_range import FEW, on_mesh, over_pairs, pair_forces, periodic_field
from engine.numerics.particle_mesh import (
    CLOUD,
    at_particles,
    deposited,
    mesh_forces,
    periodic_mesh_field,
)


def cloud(n, seed=0):
    return jax.random.uniform(jax.random.key(seed), (n, 2))


def plainly(position, square):
    x = np.asarray(position, float)
    d = x[:, None] - x[None]
    return (d / (np.sum(d**2, axis=2, keepdims=True) + square)).sum(axis=1)


@pytest.mark.parametrize("n", [1, 2, 300, 700])  # tiles that do and do not divide them
def test_tiles_sum_over_all_pairs(n):
    position = cloud(n)
    forces = pair_forces(position, 0.01)
    exact = plainly(position, 1e-4)
    # Single precision: some 1e-7 of the largest terms, which are 1/2s = 50 each.
    np.testing.assert_allclose(forces, exact, atol=1e-4 * max(1.0, np.abs(exact).max()))


def test_two_in_one_place_push_nowhere():
    assert (pair_forces(jnp.zeros((2, 2))) == 0).all()
    # Rows of images above and below cancel to rounding, of a field of 2π/L.
    assert jnp.abs(periodic_field(jnp.zeros((2, 2)), jnp.ones(2), 1.0)).max() < 1e-5


def test_memory_of_pairs_grows_with_their_number_only():
    n = 4096
    compiled = jax.jit(pair_forces).lower(jax.ShapeDtypeStruct((n, 2), float)).compile()
    # All pairs at once would take n² · 4 bytes = 67 MB; a tile is 2^16 pairs of a few numbers.
    assert compiled.memory_analysis().temp_size_in_bytes < 4e6


def test_a_kernel_may_see_more_than_places():
    weight = jnp.arange(5.0)
    (total,) = over_pairs((weight, weight), lambda mine, theirs: (mine[0] * theirs[1],))
    np.testing.assert_allclose(total, weight * 10)


def test_the_periodic_field_is_the_lattice_sum():
    """Against Ewald's sum: images screened by Gaussians in space, the rest in waves."""
    length, alpha = 2.0, 3.0
    x = np.asarray(cloud(12, seed=3), float) * length
    q = np.where(np.arange(12) % 3 == 0, 1.0, -0.5)  # neutral or not, the background takes care
    d = x[:, None] - x[None]
    field = np.zeros((12, 2))
    for i in range(-3, 4):
        for j in range(-3, 4):
            away = d + length * np.array([i, j])
            r2 = np.sum(away**2, axis=2, keepdims=True)
            near = np.where(r2 > 0, away / np.where(r2 > 0, r2, 1.0), 0.0)
            field += np.sum(q[None, :, None] * near * np.exp(-(alpha**2) * r2), axis=1)
    k = 2 * np.pi / length * np.stack(np.meshgrid(*2 * [np.arange(-24, 25)]), -1).reshape(-1, 2)
    k = k[np.sum(k**2, axis=1) > 0]
    k2 = np.sum(k**2, axis=1)
    for wave, square in zip(k, k2, strict=True):
        phase = np.exp(1j * d @ wave)
        term = 2 * np.pi / length**2 * np.exp(-square / (4 * alpha**2)) / square
        field += (q[None] * (-1j * phase)).sum(axis=1).real[:, None] * term * wave
    found = periodic_field(jnp.asarray(x, jnp.float32), jnp.asarray(q, jnp.float32), length)
    np.testing.assert_allclose(found, field, atol=2e-5 * np.abs(field).max() + 1e-5)


def test_a_mesh_conserves_charge_and_no_particle_pushes_itself():
    position, charge = cloud(50), jnp.linspace(-1, 2, 50)
    density = deposited(position, charge, 1.0, 16)
    assert jnp.sum(density) / 16**2 == pytest.approx(float(charge.sum()), abs=1e-5)
    alone = periodic_mesh_field(position[:1], jnp.ones(1), 1.0, 32)
    # A lone charge in its background feels nothing; pairs at a cell's distance feel about 30.
    assert jnp.abs(alone).max() < 1e-3
    assert jnp.abs(mesh_forces(position[:1], 0.1, 32)).max() < 1e-3


def test_a_field_is_read_linearly_between_nodes():
    field = jnp.broadcast_to(jnp.arange(8.0), (8, 8))
    place = jnp.array([[0.25, 0.9], [0.5625, 0.1]])
    np.testing.assert_allclose(at_particles(field, place, 1.0), [2.0, 4.5], rtol=1e-6)


GRID = 64


@jax.jit
def two_charges(cells):
    """Exact and meshed fields of pairs so far apart, at angles and offsets as good as any."""
    angle, corner = jax.random.uniform(jax.random.key(7), (2, 40)) * 2 * jnp.pi
    way = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1) * cells / GRID
    one = jnp.stack([corner, 2 * corner], axis=1) % 1.0
    pairs, charge = jnp.stack([one, one + way], axis=1), jnp.array([1.0, -1.0])
    exact = jax.vmap(lambda pair: periodic_field(pair, charge, 1.0))(pairs)
    return exact, jax.vmap(lambda pair: periodic_mesh_field(pair, charge, 1.0, GRID))(pairs)


@pytest.mark.parametrize("cells", [0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
def test_mesh_and_pairs_agree_on_a_torus(cells):
    exact, meshed = two_charges(cells)
    blurred = exact * -jnp.expm1(-(cells**2) / (4 * CLOUD**2))
    # The largest force between two clouds is 0.32/h. Waves shorter than two cells pass for longer
    # ones: by the share (kh/2π)² = 3 % for the k = 1/h that matter, of x and of y.
    np.testing.assert_allclose(meshed, blurred, atol=0.03 * GRID)
    if cells >= 8:
        assert jnp.abs(meshed - exact).max() < 0.01 * GRID / cells


def test_mesh_and_pairs_agree_in_the_open_plane():
    position = jax.random.normal(jax.random.key(1), (2000, 2))
    exact, meshed = pair_forces(position, 0.3), mesh_forces(position, 0.3, 128)
    # Cells are 0.06 wide, a fifth of the softening: (h/s)² = 4 %, of which a twelfth is felt.
    scale = jnp.sqrt(jnp.mean(exact**2))
    assert jnp.sqrt(jnp.mean((meshed - exact) ** 2)) < 0.005 * scale


def test_what_is_chosen_by_number_can_be_chosen_by_hand():
    assert not on_mesh("auto", FEW)
    assert on_mesh("auto", FEW + 1)
    assert on_mesh("mesh", 16)
    assert not on_mesh("direct", 10**6)
