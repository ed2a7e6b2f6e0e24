"""Slices lie where they should, and their arrows point where the field does."""

import jax
import jax.numpy as jnp
import numpy as np

from engine.numerics.slices import plane, readable


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
