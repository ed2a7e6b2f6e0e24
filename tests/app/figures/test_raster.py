"""Light and ink: sums of points, their spots, and what becomes of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.figures import raster


def deposited(pixels, width=20, height=10, weight=None):
    pixels = np.atleast_2d(np.asarray(pixels, float))
    weight = np.ones(len(pixels)) if weight is None else np.asarray(weight, float)
    return raster.deposited(pixels, np.full((len(pixels), 3), 0.5), weight, width, height)


@settings(deadline=None, max_examples=50)
@given(x=st.floats(1, 19), y=st.floats(1, 9), w=st.floats(0.01, 10))
def test_a_point_shares_its_whole_weight(x, y, w):
    sums = deposited([x, y], weight=[w])
    # Single precision: four shares of w.
    assert sums[..., 3].sum() == pytest.approx(w, rel=1e-5)
    assert sums[..., 0].sum() == pytest.approx(w / 2, rel=1e-5)


def test_a_point_lies_where_it_is_and_row_0_is_at_the_top():
    sums = deposited([3.5, 0.5])
    assert np.argwhere(sums[..., 3] > 0.99).tolist() == [[9, 3]]


@pytest.mark.parametrize("place", [[np.nan, 5], [-50, 5], [5, 1e9], [np.inf, np.inf]])
def test_what_is_nowhere_near_is_dropped(place):
    assert deposited(place).sum() == 0


@pytest.mark.parametrize("radius", [0.3, 1.0, 4.0])
def test_a_disc_covers_its_area(radius):
    # A smooth edge of one pixel makes a disc a little too large: by 1/(12 r²).
    assert raster.disc(radius).sum() == pytest.approx(np.pi * radius**2, rel=0.01)


def test_a_spot_is_as_wide_as_its_kernel_and_none_is_lost_at_the_edge():
    sums = deposited([10.5, 5.5])
    spot = raster.spread(sums, raster.disc(2.5))[..., 3]
    assert spot[4, 10] == pytest.approx(1, abs=1e-5)
    assert spot.sum() == pytest.approx(raster.disc(2.5).sum(), rel=1e-5)
    corner = raster.spread(deposited([0.5, 0.5]), raster.disc(2.5))
    assert corner[9, 0, 3] == pytest.approx(1, abs=1e-5)
    assert corner[0, 19, 3] == pytest.approx(0, abs=1e-5)  # it does not come round


def test_a_grain_is_the_product_of_its_profiles():
    sums = deposited([10.5, 5.5])
    profile = raster.grain(2.0)
    by_axes = raster.spread(sums, profile)
    by_square = raster.spread(sums, np.outer(profile, profile))
    # The transform of a 20-pixel picture in single precision.
    np.testing.assert_allclose(by_axes, by_square, atol=2e-6)


@settings(deadline=None, max_examples=30)
@given(crowd=st.floats(0, 1e4))
def test_light_and_ink_stay_colours_however_dense_the_crowd(crowd):
    sums = np.full((2, 2, 4), crowd, np.float32)
    sums[..., :3] *= 0.7
    for picture in (
        raster.light(sums, np.zeros(3)),
        raster.ink(sums, np.ones(3)),
        raster.solid(sums, np.ones(3)),
    ):
        # White less a little ink, and that ink: rounded in single precision.
        assert ((picture >= 0) & (picture <= 1 + 1e-6)).all()


def test_ink_of_a_crowd_is_its_own_colour_and_of_nobody_is_paper():
    sums = np.zeros((1, 2, 4), np.float32)
    sums[0, 0] = 100 * np.array([0.2, 0.4, 0.6, 1])
    picture = raster.ink(sums, np.ones(3))
    np.testing.assert_allclose(picture[0, 0], [0.2, 0.4, 0.6], atol=1e-6)
    np.testing.assert_allclose(picture[0, 1], 1)


def test_projection_counts_pixels_from_the_lower_left():
    matrix = np.eye(4)
    pixels, depth = raster.projected(np.array([[-1.0, -1.0], [1.0, 0.0]]), matrix, 40, 20)
    np.testing.assert_allclose(pixels, [[0, 0], [40, 10]])
    np.testing.assert_allclose(depth, 0)


def test_what_is_behind_the_camera_is_not_a_number():
    matrix = np.eye(4)
    matrix[3] = [0, 0, -1, 0]
    pixels, _ = raster.projected(np.array([[0.0, 0.0, 1.0]]), matrix, 40, 20)
    assert np.isnan(pixels).all()


def test_a_dither_is_the_same_each_time_and_small():
    picture = np.full((9, 9, 3), 0.5, np.float32)
    once, twice = (raster.bytes_of(picture, dither=True) for _ in range(2))
    assert np.array_equal(once, twice)
    assert abs(int(once.max()) - int(once.min())) <= 1
