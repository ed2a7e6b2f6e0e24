"""Angles between linear spaces."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.subspaces import largest_angle


@pytest.mark.parametrize("degrees", [0.0, 0.01, 30.0, 90.0])
def test_a_plane_that_is_turned_about_a_line_in_it_is_off_by_the_turn(degrees):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turned = jnp.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    angle = largest_angle(jnp.eye(3), turned, jnp.array([True, True, False]))
    # float32 rounds the columns at 6e-8 rad.
    assert np.rad2deg(angle) == pytest.approx(degrees, abs=1e-3)


def test_all_of_space_is_off_by_nothing():
    mixed = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0].astype(np.float32)
    assert largest_angle(jnp.eye(4), jnp.asarray(mixed), jnp.ones(4, bool)) < 1e-3
