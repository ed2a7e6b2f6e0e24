"""Trails, slices and captions in a real window: where they are drawn, and what the hand does."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QRect, QRectF

from app.views.painter_swarm import PainterSwarmView
from app.views.space import caption_of
from app.views.swarm import SwarmView
from app.views.words import clear_of
from engine.core.layers import Arrows, Box, Captions, Colour, Image, Points, Trails
from tests.app.views.conftest import light, picture
from tests.app.views.swarms import mouse, near, where


pytestmark = pytest.mark.usefixtures("screen")
CUBE = Box(-np.ones(3), np.ones(3))


@pytest.fixture(params=[SwarmView, PainterSwarmView])
def kind(request):
    return request.param


def sliced(height, values=None):
    values = np.ones((8, 8), np.float32) if values is None else values
    return Image(values, span=(0.0, 1.0), height=height, handle="slice_height")


def shown_cube(kind, theme, shown, *layers):
    view = kind(theme)
    view.set_images(False)  # no edges of the box
    view.show_layers((CUBE, *layers))
    return shown(view)


def test_a_trail_fades_into_the_past(kind, theme, shown):
    path = np.linspace([-0.9, 0.0, 0.0], [0.9, 0.0, 0.0], 30, dtype=np.float32)[:, None]
    view = shown_cube(kind, theme, shown, Trails(path))
    seen = light(view)
    old, new = (near(seen, where(view, (x, 0, 0))).max() for x in (-0.6, 0.8))
    assert new > 60
    assert old < 0.6 * new


def test_a_gap_in_a_trail_is_no_line(kind, theme, shown):
    path = np.zeros((3, 1, 3), np.float32)
    path[:, 0, 0] = (-0.8, np.nan, 0.8)
    view = shown_cube(kind, theme, shown, Trails(path))
    assert light(view).max() < 20  # the glow of the stage alone


def test_a_slice_lies_at_its_height_and_is_clear_where_it_is_low(kind, theme, shown):
    values = np.zeros((64, 64), np.float32)
    values[28:36, 28:36] = 1.0
    view = shown_cube(kind, theme, shown, Image(values, span=(0.0, 1.0), height=0.5))
    seen = light(view)
    assert near(seen, where(view, (0.0, 0.0, 0.5))).max() > 60
    assert near(seen, where(view, (-0.7, 0.7, 0.5))).max() < 20


def test_a_slice_is_dragged_by_its_edge_to_where_the_hand_is(kind, dark, shown, qtbot):
    view = shown_cube(kind, dark, shown, sliced(0.0))
    moves, holds = [], []
    view.handle_moved.connect(lambda name, z: moves.append((name, z)))
    view.handle_held.connect(holds.append)
    start, end = where(view, (1.0, 0.5, 0.0)), where(view, (1.0, 0.5, 0.4))
    mouse(view, QEvent.Type.MouseButtonPress, *start)
    mouse(view, QEvent.Type.MouseMove, *end)
    mouse(view, QEvent.Type.MouseButtonRelease, *end)
    name, z = moves[-1]
    assert name == "slice_height"
    assert z == pytest.approx(0.4, abs=0.06)  # a pixel is 0.01, and perspective bends a little
    assert holds == [True, False]


def test_beside_a_slice_the_hand_turns_the_camera(kind, dark, shown):
    view = shown_cube(kind, dark, shown, sliced(0.0))
    before, middle = view.camera.turn.copy(), where(view, (0.0, 0.0, 0.0))
    mouse(view, QEvent.Type.MouseButtonPress, *middle)
    mouse(view, QEvent.Type.MouseMove, middle[0] + 40, middle[1])
    mouse(view, QEvent.Type.MouseButtonRelease, middle[0] + 40, middle[1])
    assert not np.array_equal(view.camera.turn, before)


def test_seen_from_above_a_slice_still_follows_slowly(kind, dark, shown):
    view = shown_cube(kind, dark, shown, sliced(0.0))
    view.camera.turn = np.array([0.0, np.pi / 2])
    moves = []
    view.handle_moved.connect(lambda _, z: moves.append(z))
    at = where(view, (1.0, 0.0, 0.0))
    mouse(view, QEvent.Type.MouseButtonPress, *at)
    mouse(view, QEvent.Type.MouseMove, at[0], at[1] + 30)
    mouse(view, QEvent.Type.MouseButtonRelease, at[0], at[1] + 30)
    assert np.isfinite(moves).all()
    assert max(np.abs(moves)) <= 1.0


def test_a_grid_of_clouds_turns_together(kind, dark, shown):
    clouds = np.random.default_rng(0).normal(size=(6, 50, 3)).astype(np.float32) / 3
    words = tuple(f"cloud {k}" for k in range(6))
    view = shown_cube(kind, dark, shown, Points(clouds), Captions(words))
    parts = view._parts(1.0)
    assert len(parts) == 6
    before = picture(view)
    mouse(view, QEvent.Type.MouseButtonPress, 50, 50)
    mouse(view, QEvent.Type.MouseMove, 90, 60)
    mouse(view, QEvent.Type.MouseButtonRelease, 90, 60)
    after = picture(view)
    for part in parts:  # dragged in one panel, turned in all
        top = view.height() - part.bottom - part.height
        area = np.s_[top : top + part.height, part.left : part.left + part.width]
        assert np.abs(before[area] - after[area]).max() > 60


def test_a_caption_says_what_a_panel_is_and_its_number():
    captions = Captions(("torus", "helix"), which=np.array([1, 0]), value=np.array([0.25, np.nan]))
    assert caption_of(captions, 0) == "helix 0.25"
    assert caption_of(captions, 1) == "torus –"
    assert caption_of(Captions(("A", "B")), 1) == "B"


def test_a_caption_stands_beside_what_floats_there_or_else_above_it():
    area, words = QRectF(0, 182, 400, 18), QRectF(160, 182, 80, 18)
    corner, scale = QRect(0, 120, 180, 75), QRect(320, 165, 80, 30)
    assert clear_of((), words, area, 4) == area
    assert clear_of((scale,), words, area, 4) == area
    beside = clear_of((corner, scale), words, area, 4)
    assert not any(beside.intersects(QRectF(chip)) for chip in (corner, scale))
    assert beside.width() >= words.width()
    wide = QRect(0, 120, 260, 75)
    assert clear_of((wide, scale), words, area, 4).bottom() == wide.top() - 4


def test_arrows_on_a_slice_start_on_it(kind, dark, shown):
    tail = np.array([[0.0, 0.0, 0.5]], np.float32)
    arrows = Arrows(tail, np.array([[0.4, 0.0, 0.0]], np.float32))
    view = shown_cube(kind, dark, shown, arrows)
    seen = light(view)
    assert near(seen, where(view, (0.1, 0.0, 0.5)), 1).max() > 100  # on its shaft
    assert near(seen, where(view, (-0.1, 0.0, 0.5)), 1).max() < 20  # and not behind it


def test_two_swarms_may_be_coloured_by_different_things(kind, dark, shown):
    left, right = (np.full((1, 3), x, np.float32) for x in (-0.5, 0.5))
    first = Points(left, {"charge": Colour(np.ones(1), span=(0.0, 1.0))})
    second = Points(right, {"speed": Colour(np.ones(1), span=(0.0, 1.0))})
    view = shown_cube(kind, dark, shown, first, second)
    seen = light(view)
    assert near(seen, where(view, left[0])).max() > 60
    assert near(seen, where(view, right[0])).max() > 60
