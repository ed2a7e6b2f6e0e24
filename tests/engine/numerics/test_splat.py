"""The density picture: nothing is lost, and everything lies where it should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.splat import splat


def test_every_point_inside_counts_once_with_its_colour():
    rng = np.random.default_rng(0)
    position = rng.normal(size=(5000, 3)).astype(np.float32)
    colour = rng.uniform(size=(5000, 2)).astype(np.float32)
    picture = splat(jnp.asarray(position), jnp.asarray(colour), jnp.eye(4), 30, 40)
    inside = (np.abs(position[:, :2]) < 1).all(axis=1)
    assert picture.shape == (30, 40, 3)
    assert picture[..., 2].sum() == inside.sum()
    # Sums of some 2000 float32 numbers.
    np.testing.assert_allclose(picture.sum(axis=(0, 1))[:2], colour[inside].sum(axis=0), rtol=1e-4)


@pytest.mark.parametrize(
    ("point", "pixel"),
    [((-0.9, -0.9), (0, 0)), ((0.9, -0.9), (0, 3)), ((-0.9, 0.9), (1, 0)), ((0.1, 0.1), (1, 2))],
)
def test_the_first_row_is_at_the_bottom_and_the_first_column_left(point, pixel):
    picture = splat(jnp.array([point]), jnp.array([[7.0]]), jnp.eye(4), 2, 4)
    assert tuple(np.argwhere(picture[..., 1])[0]) == pixel
    assert picture[pixel].tolist() == [7.0, 1.0]


def test_perspective_divides_and_what_is_behind_the_camera_is_dropped():
    projection = jnp.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0.0]])  # w = z
    position = jnp.array([[3.0, 0.5, 4.0], [3.0, 0.5, -4.0], [3.0, 0.5, 2.0]])
    picture = splat(position, jnp.zeros((3, 0)), projection, 4, 4)
    assert picture.sum() == 1  # the second is behind, the third outside
    assert picture[2, 3, 0] == 1


def test_what_is_not_a_number_is_not_drawn():
    position = jnp.array([[jnp.nan, 0.0], [jnp.inf, 0.0], [0.0, 0.0]])
    assert splat(position, jnp.zeros((3, 0)), jnp.eye(4), 8, 8).sum() == 1


def test_panels_are_a_batch():
    position = jax.random.normal(jax.random.key(0), (3, 100, 2))
    colour = jnp.ones((3, 100, 1))
    panels = jax.vmap(lambda p, c: splat(p, c, jnp.eye(4), 8, 8))(position, colour)
    np.testing.assert_array_equal(panels[1], splat(position[1], colour[1], jnp.eye(4), 8, 8))
