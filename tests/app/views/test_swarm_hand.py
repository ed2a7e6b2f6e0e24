"""A hand in the swarm: the camera, the tools, the keys."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from engine.core.layers import Box
from tests.app.views.swarms import SQUARE, cloud, drag, mouse, where


pytestmark = pytest.mark.usefixtures("screen")


def test_dragging_orbits_in_space_and_pans_in_the_plane(kind, dark, shown):
    view = shown(kind(dark))
    view.show_layers((SQUARE, cloud(10)))
    before = where(view, (0.5, 0.5))
    drag(view, (100, 100), (140, 90))
    after = where(view, (0.5, 0.5))
    assert np.subtract(after, before) == pytest.approx((40, -10), abs=1)

    view.show_layers((Box(np.zeros(3), np.ones(3)), cloud(10, 3)))
    turn = view.camera.turn.copy()
    drag(view, (100, 100), (140, 90))
    assert not np.allclose(view.camera.turn, turn)
    target = view.camera.target.copy()
    drag(view, (100, 100), (140, 90), Qt.MouseButton.RightButton)
    assert not np.allclose(view.camera.target, target)


def test_the_wheel_zooms_about_the_pointer(kind, dark, shown):
    view = shown(kind(dark))
    view.show_layers((SQUARE, cloud(10)))
    at = QPointF(120, 80)
    under = view.camera.unproject(120, 80, 400, 300)
    scale = view.scale
    turned = QWheelEvent(
        at,
        view._target.mapToGlobal(at),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view._target, turned)
    assert view.scale < scale
    np.testing.assert_allclose(view.camera.unproject(120, 80, 400, 300), under)


def test_the_camera_glides_home(kind, dark, shown, qtbot):
    view = shown(kind(dark))
    view.show_layers((SQUARE, cloud(10)))
    drag(view, (100, 100), (180, 140))
    mouse(view, QEvent.Type.MouseButtonDblClick, 50, 50)
    assert not view.camera.at_home
    qtbot.waitUntil(lambda: view.camera.at_home, timeout=2000)


def test_the_camera_stays_while_frames_come_and_goes_with_the_box(kind, dark, shown):
    view = shown(kind(dark))
    view.show_layers((SQUARE, cloud(10)))
    drag(view, (100, 100), (140, 90))
    moved = view.camera.centre.copy()
    view.show_layers((SQUARE, cloud(10, seed=1)))
    np.testing.assert_array_equal(view.camera.centre, moved)
    view.show_layers((Box(np.zeros(2), np.full(2, 8.0)), cloud(10)))
    np.testing.assert_array_equal(view.camera.centre, (4, 4))


def test_a_tool_turns_the_left_button_into_a_hand(kind, dark, shown, qtbot):
    view = shown(kind(dark))
    view.show_layers((SQUARE, cloud(10)))
    home = view.camera.centre.copy()
    view.set_tool("stir")
    hands = []
    view.touched.connect(hands.append)
    mouse(view, QEvent.Type.MouseButtonPress, 150, 150)
    mouse(view, QEvent.Type.MouseMove, 250, 150)
    qtbot.waitUntil(lambda: len(hands) > 3, timeout=2000)
    mouse(view, QEvent.Type.MouseButtonRelease, 250, 150)
    count = len(hands)
    qtbot.wait(60)
    assert len(hands) == count  # nothing after the hand has let go
    first, *_, last = hands
    np.testing.assert_allclose(first.position, view.camera.unproject(150, 150, 400, 300))
    np.testing.assert_allclose(last.position, view.camera.unproject(250, 150, 400, 300))
    np.testing.assert_allclose(
        np.sum([hand.drag for hand in hands], axis=0), (100 * view.scale, 0), atol=1e-9
    )
    assert first.down
    assert not last.down
    assert first.sign == 1.0
    assert first.radius == view.poke_radius > 0
    np.testing.assert_array_equal(view.camera.centre, home)


def test_shift_and_the_right_button_push_the_other_way(kind, dark, shown):
    view = shown(kind(dark))
    view.show_layers((SQUARE, cloud(10)))
    view.set_tool("stir")
    hands = []
    view.touched.connect(hands.append)
    for button, keys in (
        (Qt.MouseButton.RightButton, None),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier),
    ):
        mouse(view, QEvent.Type.MouseButtonPress, 150, 150, button, keys)
        mouse(view, QEvent.Type.MouseButtonRelease, 150, 150, button, keys)
    assert {hand.sign for hand in hands} == {-1.0}


def test_keys_are_left_to_the_window(kind, dark, shown, qtbot):
    window = QWidget()
    keys = []
    window.keyPressEvent = lambda event: keys.append(event.key())
    view = kind(dark, window)
    view.resize(200, 150)
    shown(window)
    view._target.setFocus()
    qtbot.keyClick(view._target, Qt.Key.Key_Space)
    assert keys == [Qt.Key.Key_Space]
