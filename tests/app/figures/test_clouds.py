"""Slices and trails in a figure lie where the camera sees them."""

import numpy as np
import pytest

from app.figures import scene
from app.figures.clouds import _under_pixels, trail_strokes
from app.figures.raster import projected
from app.views.camera import Camera3D
from engine.core.layers import Box, Image, Points, Trails


CUBE = Box(-np.ones(3), np.ones(3))
CAMERA = Camera3D(-np.ones(3), np.ones(3))
LOOK = scene.Look(dark=True, smallest=1.0, largest=3.0, line=1.0, halo=0.0)
BLACK = np.zeros((90, 120, 3), np.float32)


def drawn(*layers):
    return scene.picture((CUBE, *layers), CAMERA, 120, 90, BLACK, LOOK)


def pixel_of(point):
    matrix = np.asarray(CAMERA.matrix(120, 90), float)
    (x, y), _ = projected(np.array([point], float), matrix, 120, 90)[0][0], None
    return 89 - int(y), int(x)  # row from the top, column


def test_a_pixel_looks_at_the_point_of_the_plane_that_is_seen_there():
    matrix = np.asarray(CAMERA.matrix(120, 90), float)
    x, y = _under_pixels(0.4, matrix, 120, 90)
    row, column = 40, 70
    seen, _ = projected(np.array([[x[row, column], y[row, column], 0.4]]), matrix, 120, 90)
    assert seen[0] == pytest.approx([70.5, 90 - 40.5], abs=1e-6)


def test_a_slice_is_drawn_where_it_is_dense_and_clear_where_it_is_not():
    values = np.zeros((21, 21))
    values[7:14, 7:14] = 1.0
    picture = drawn(Image(values, span=(0.0, 1.0), height=0.5))
    assert picture[pixel_of((0.0, 0.0, 0.5))].max() > 0.3
    assert picture[pixel_of((0.6, 0.6, 0.5))].max() < 0.01


def test_panels_have_slices_of_their_own_height():
    image = Image(np.ones((2, 4, 4)), height=np.array([-0.5, 0.5]))
    first, second = scene.panels_of((CUBE, image))
    assert float(first[1].height) == -0.5
    assert float(second[1].height) == 0.5


def test_a_trail_fades_and_has_gaps():
    path = np.linspace([-0.9, 0, 0], [0.9, 0, 0], 40)[:, None]
    picture = drawn(Trails(path))
    new, old = (picture[pixel_of((x, 0.0, 0.0))].max() for x in (0.85, -0.6))
    assert new > 0.2
    assert old < 0.5 * new
    path[:] = np.nan
    assert drawn(Trails(path)).max() == 0.0


def test_every_piece_of_a_trail_knows_its_point():
    path = np.random.default_rng(0).normal(size=(5, 3, 3))
    matrix = np.asarray(CAMERA.matrix(120, 90), float)
    start, end, cover, value = trail_strokes(Trails(path), matrix, 120, 90)
    assert value is None
    assert start.shape == end.shape == (12, 2)
    assert (np.diff(cover[::3]) > 0).all()
    seen, _ = projected(path[0], matrix, 120, 90)
    np.testing.assert_allclose(start[:3], seen)


def test_a_swarm_and_its_trails_are_one_picture():
    points = Points(np.zeros((1, 3), np.float32))
    path = np.zeros((4, 1, 3), np.float32)
    assert drawn(points, Trails(path)).max() >= drawn(points).max()
