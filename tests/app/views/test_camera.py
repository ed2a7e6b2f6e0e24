"""Cameras are arithmetic: what they project they find again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views.camera import Camera2D, Camera3D, between


pixels = st.floats(0, 500)


def pixel_of(camera, point, width, height):
    whole = np.ones(4)
    whole[:3] = 0
    whole[: len(point)] = point
    x, y, _, w = camera.matrix(width, height).astype(float) @ whole
    return (x / w + 1) / 2 * width, (1 - y / w) / 2 * height


@given(pixels, pixels, st.floats(0.2, 20))
def test_a_point_under_a_pixel_of_the_plane_is_projected_onto_it(x, y, zoom):
    camera = Camera2D((-3, 1), (5, 9))
    camera.zoom_at(zoom, 100, 200, 640, 480)
    found = pixel_of(camera, camera.unproject(x, y, 640, 480), 640, 480)
    # Single precision of the matrix: 1e-7 of the picture's size, times its shift from the middle.
    assert found == pytest.approx((x, y), abs=0.05)


@given(pixels, pixels, st.floats(-300, 300), st.floats(-300, 300))
def test_a_point_under_a_pixel_of_space_is_projected_onto_it(x, y, dx, dy):
    camera = Camera3D((-2, -2, -1), (2, 3, 4))
    camera.orbit(dx, dy, 640, 480)
    camera.pan(0.2 * dx, -0.3 * dy, 640, 480)
    found = pixel_of(camera, camera.unproject(x, y, 640, 480), 640, 480)
    assert found == pytest.approx((x, y), abs=0.05)  # single precision, as above


@pytest.mark.parametrize("size", [(640, 480), (300, 900)])
def test_a_fitted_box_is_seen_whole(size):
    for camera, dim in ((Camera2D((-3, 1), (5, 9)), 2), (Camera3D((-2, -2, -1), (2, 3, 4)), 3)):
        low, high = ((-3, 1), (5, 9)) if dim == 2 else ((-2, -2, -1), (2, 3, 4))
        for corner in np.stack(np.meshgrid(*zip(low, high, strict=True)), -1).reshape(-1, dim):
            x, y = pixel_of(camera, corner, *size)
            assert 0 < x < size[0]
            assert 0 < y < size[1]


@pytest.mark.parametrize("camera", [Camera2D((0, 0), (2, 1)), Camera3D()])
def test_zooming_keeps_what_is_under_the_pointer(camera):
    before = camera.unproject(120, 80, 400, 300)
    camera.zoom_at(3.0, 120, 80, 400, 300)
    np.testing.assert_allclose(camera.unproject(120, 80, 400, 300), before, atol=1e-12)
    assert not camera.at_home
    camera.reset()
    assert camera.at_home


@pytest.mark.parametrize("camera", [Camera2D(), Camera3D()])
def test_panning_takes_the_world_along(camera):
    point = camera.unproject(100, 100, 400, 300)
    camera.pan(30, -20, 400, 300)
    assert pixel_of(camera, point, 400, 300) == pytest.approx((130, 80), abs=0.05)


def test_units_of_the_plane_are_square_on_the_screen():
    matrix = Camera2D((0, 0), (4, 1)).matrix(800, 300)
    assert matrix[0, 0] * 800 == pytest.approx(matrix[1, 1] * 300)


def test_orbiting_upwards_stops_at_the_pole():
    camera = Camera3D()
    camera.orbit(0, 1e5, 400, 300)
    assert camera.turn[1] == pytest.approx(np.pi / 2)
    assert np.isfinite(camera.matrix(400, 300)).all()


def test_dragging_to_the_right_brings_the_left_side_to_the_front():
    camera = Camera3D((-1, -1, -1), (1, 1, 1), azimuth=0, elevation=0)
    front = np.array([1.0, 0.0, 0.0])  # towards the eye
    before = pixel_of(camera, front, 400, 400)[0]
    camera.orbit(20, 0, 400, 400)
    assert pixel_of(camera, front, 400, 400)[0] > before


def test_the_way_home_ends_there():
    camera = Camera3D()
    camera.orbit(300, 100, 400, 300)
    start, end = camera.state(), camera.home_state()
    camera.set_state(between(start, end, 1.0))
    home = Camera3D().matrix(400, 300)
    # A whole turn more or less is the same view.
    np.testing.assert_allclose(camera.matrix(400, 300), home, atol=1e-5)
