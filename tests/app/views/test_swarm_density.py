"""Crowds as a picture of their density."""

import numpy as np
import pytest

from app.views.scene import MANY_IN_SOFTWARE
from app.views.swarm import SwarmView
from engine.core.layers import Points
from tests.app.views.conftest import light, settle
from tests.app.views.swarms import SQUARE, cloud, drag, near, splatted, where


pytestmark = pytest.mark.usefixtures("screen")


def test_crowds_become_a_picture_of_their_density(dark, shown, qtbot):
    view = shown(SwarmView(dark))
    told = []
    view.density_changed.connect(told.append)
    few, many = cloud(1000), cloud(MANY_IN_SOFTWARE + 1)
    view.show_layers((SQUARE, few))
    assert not view.is_density
    assert view.density_wanted is None
    view.show_layers((SQUARE, many))
    assert view.is_density
    wish = view.density_wanted
    assert wish.table.shape == (256, 3)
    assert (wish.width, wish.height) == (200, 150)  # half of the window: drawn coarser
    view.show_density(splatted(view, many), wish.matrix)
    settle(qtbot)
    inside = light(view)[where(view, (0.5, 0.9))[1] : where(view, (0.5, 0.1))[1], 150:250]
    assert inside.mean() > 30
    # From here on the engine sends no points along.
    view.show_layers((SQUARE,))
    assert view.is_density
    view.set_density("never")
    assert view.density_wanted is None
    assert told == [True, False]


def test_a_picture_of_density_looks_like_its_points(theme, shown, qtbot):
    points = cloud(8000)
    points = Points(points.position * (0.5, 1.0), {})  # the left half of the box
    view = shown(SwarmView(theme))
    view.set_images(False)
    view.show_layers((SQUARE, points))
    settle(qtbot)
    drawn = light(view).astype(float)
    view.set_density("always")
    view.show_density(splatted(view, points))
    settle(qtbot)
    as_density = light(view).astype(float)
    middle = where(view, (0.5, 0.5))[0]
    for seen in (drawn, as_density):
        assert seen[:, : middle - 3].mean() > 8 * seen[:, middle + 3 :].mean()
    # As bright on average within a factor of two: one is grains, the other a smooth picture.
    assert 0.5 < as_density.mean() / drawn.mean() < 2.0


def test_a_picture_of_density_follows_the_camera_before_the_next_one_comes(dark, shown, qtbot):
    points = Points(np.full((500, 2), 0.5, np.float32))
    view = shown(SwarmView(dark))
    view.set_images(False)
    view.set_density("always")
    view.show_layers((SQUARE, points))
    view.show_density(splatted(view, points), view.density_wanted.matrix)
    drag(view, (200, 150), (260, 150))
    settle(qtbot)
    seen = light(view)
    assert near(seen, where(view, (0.5, 0.5)), 4).max() > 60
    assert where(view, (0.5, 0.5)) == pytest.approx((260, 150), abs=1)
