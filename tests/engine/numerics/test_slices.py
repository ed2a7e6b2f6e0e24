"""Slices lie where they should, and their arrows point where the field does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.scores import log_density
from engine.numerics.slices import PIXELS, across, lattice_density, plane, readable


def test_a_plane_is_a_grid_at_its_height_with_x_fastest():
    points = plane(2.0, 0.5, 3)
    np.testing.assert_allclose(points[:3], [[-2, -2, 0.5], [0, -2, 0.5], [2, -2, 0.5]])
    assert jnp.all(points[:, 2] == 0.5)


def test_pixels_are_asked_for_in_their_middles():
    points = plane(2.0, 0.0, 4, pixels=True)
    np.testing.assert_allclose(points[:4, 0], [-1.5, -0.5, 0.5, 1.5], rtol=1e-6)


def test_arrows_keep_directions_and_grow_with_the_field(key):
    field = jax.random.normal(key, (50, 3)) * jnp.geomspace(1e-3, 1e3, 50)[:, None]
    drawn = readable(field, 0.3)
    length, strength = jnp.linalg.norm(drawn, axis=1), jnp.linalg.norm(field, axis=1)
    np.testing.assert_allclose(drawn / length[:, None], field / strength[:, None], atol=1e-5)
    assert jnp.all(length < 0.3)
    assert jnp.all(jnp.diff(length[jnp.argsort(strength)]) >= 0)


def test_no_field_is_no_arrow():
    np.testing.assert_array_equal(readable(jnp.zeros((4, 3)), 0.3), 0.0)


def test_across_two_points_the_density_is_two_gaussians_and_arrows_go_to_the_nearer():
    data = jnp.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    t, half, z = 0.1, 2.0, 0.5
    density, at, pull = across(data, t, 0.0, half, z)
    a, v = np.exp(-t), 1 - np.exp(-2 * t)
    x = np.asarray(plane(half, z, PIXELS, pixels=True))
    law = sum(np.exp(-((x - a * np.asarray(y)) ** 2).sum(axis=1) / (2 * v)) for y in data)
    np.testing.assert_allclose(density.ravel(), law / law.max(), atol=1e-4)
    to_nearer = np.sign(np.asarray(at)[:, :1]) * [a, 0, 0] - np.asarray(at)
    aside = np.abs(np.asarray(at)[:, 0]) > 0.5  # between both neither wins
    along = (to_nearer * np.asarray(pull)).sum(axis=1)
    assert (along[aside] > 0).all()
    assert (np.linalg.norm(pull, axis=1) < 2 * half / 15).all()


def test_a_slice_is_a_picture_at_the_ends_of_noise_time():
    data = jax.random.normal(jax.random.key(0), (50, 3))
    for t in (1e-5, 4.0):
        density, _, pull = across(data, t, 0.0, 2.6, 2.6)
        assert jnp.isfinite(density).all()
        assert jnp.isfinite(pull).all()
        assert jnp.max(density) == pytest.approx(1, rel=1e-6)


def test_the_lattice_is_the_density_pixel_by_pixel(key):
    data = jax.random.normal(key, (200, 3))
    for t, width, z in ((1e-3, 0.0, 0.7), (0.1, 0.2, -0.5), (2.0, 0.0, 0.0)):
        level = log_density(plane(2.6, z, PIXELS, pixels=True), data, t, width)
        one_by_one = jnp.exp(level - jnp.max(level)).reshape(PIXELS, PIXELS)
        # Exponents of up to some thousands at t = 1e-3 are rounded to 1e-4 of a power of e.
        np.testing.assert_allclose(
            lattice_density(data, t, width, 2.6, z), one_by_one, rtol=2e-2, atol=1e-3
        )
