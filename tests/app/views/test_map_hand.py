"""The hand on a phase diagram: paths, closer looks, pins; and what lies on the cells."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtWidgets import QApplication

from app.views.map_marks import from_origin, greyed, hatching
from app.views.map_view import MapView
from app.views.pins import Pins
from engine.core.axes import Axis
from engine.core.maps import PhaseMap, seen_closer
from engine.core.theory_maps import Line

from .conftest import picture
from .plots import drawn


X, Y = Axis("a", 0, 1, 5), Axis("b", 1, 3, 3)


def phase_map(x=X, y=Y):
    mean = np.linspace(0, 1, y.count * x.count).reshape(y.count, x.count)
    values = {"order": (mean, 0 * mean + 0.01), "energy": (2 * mean, 0 * mean)}
    measured = np.ones(mean.shape, bool)
    return PhaseMap("vicsek", {}, x, y, "order", mean, 0 * mean + 0.01, measured, 1, values)


@pytest.fixture
def view(dark, shown, qtbot):
    view = MapView(dark)
    view.show_map(phase_map())
    view.set_dot(0.5, 2.0)
    return drawn(shown(view, 400, 300), qtbot)


def place(view, x, y):
    return view.canvas.mapFrom(view, view.on_screen(x, y))


def test_a_path_is_drawn_in_one_go_and_leaves_the_dot_alone(view, qtbot):
    drawn, moves, ended = [], [], []
    view.path_drawn.connect(drawn.append)
    view.dot_moved.connect(lambda *at: moves.append(at))
    view.drawing_ended.connect(lambda: ended.append(1))
    view.set_drawing(True)
    port, left = view.canvas.viewport(), Qt.MouseButton.LeftButton
    qtbot.mousePress(port, left, pos=place(view, 0.1, 1.2))
    for x in np.linspace(0.2, 0.9, 8):
        qtbot.mouseMove(port, pos=place(view, x, 1.2 + x))
        qtbot.wait(15)
    qtbot.mouseRelease(port, left, pos=place(view, 0.9, 2.1))
    (points,) = drawn
    assert points[0] == pytest.approx((0.1, 1.2), abs=0.02)
    assert points[-1] == pytest.approx((0.9, 2.1), abs=0.02)
    assert not moves
    assert not view.drawing
    assert ended == [1]


def test_a_path_is_drawn_corner_by_corner_up_to_a_double_click(view, qtbot):
    drawn = []
    view.path_drawn.connect(drawn.append)
    view.set_drawing(True)
    for x, y in ((0.2, 1.5), (0.8, 1.5), (0.8, 2.5)):
        view.add_corner(QPointF(x, y), last=False)
    view.add_corner(QPointF(0.8, 2.5), last=True)
    np.testing.assert_allclose(drawn[0], [(0.2, 1.5), (0.8, 1.5), (0.8, 2.5)])


def test_a_path_of_one_point_is_none(view):
    drawn = []
    view.path_drawn.connect(drawn.append)
    view.set_drawing(True)
    view.add_corner(QPointF(0.2, 1.5), last=False)
    view.add_corner(QPointF(0.2, 1.5), last=True)
    assert not drawn
    assert not view.drawing


def test_the_wheel_looks_closer_around_the_pointer_and_once(view, qtbot):
    asked = []
    view.zoom_asked.connect(lambda x, y: asked.append((x, y)))
    for share in (0.8, 0.64):
        view.ask_zoom(QRectF(0.5 - share / 2, 2 - share, share, 2 * share))
    qtbot.waitUntil(lambda: bool(asked), timeout=3000)
    qtbot.wait(300)
    assert len(asked) == 1
    assert asked[0][0] == pytest.approx((0.18, 0.82))


def test_a_double_click_pins_a_place(view, qtbot):
    pinned = []
    view.pinned.connect(lambda *at: pinned.append(at))
    view.pin(QPointF(0.25, 1.5))
    assert pinned == [(0.25, 1.5)]


def test_pins_stand_beside_their_places_and_apart_from_each_other(view, dark, qtbot):
    pins = Pins(dark, view)
    for k in range(5):
        pins.add(0.5, 2.0 + 0.02 * k, most=3)
    assert len(pins.pins) == 3  # the oldest gave way
    frames = [pin.geometry() for pin in pins.pins.values()]
    assert not any(a.intersects(b) for a in frames for b in frames if a is not b)
    assert all(view.rect().contains(frame) for frame in frames)
    first = next(iter(pins.pins))
    pins.remove(first)
    assert first not in pins.pins
    QApplication.sendPostedEvents()


def test_a_cell_tells_all_its_observables(view):
    view.set_axes("a", "b", "order", symbols=("a", "b", "r"), names={"energy": "e"})
    assert view.words_at(0.5, 2.0) == "a 0.5 · b 2\nr 0.500 ± 0.01\ne 1.000 ± 0"
    view.set_stale(True)
    assert "at other values than now" in view.words_at(0.5, 2.0)


def test_a_cell_that_was_only_glanced_at_says_so(view):
    glanced = phase_map()
    glanced.measured[1, 2] = False
    view.show_map(glanced)
    assert "glance" not in view.words_at(0.5, 2.0)  # a coarse cell, measured beside it
    glanced.error[1, 2] = np.nan
    assert view.words_at(0.5, 2.0).endswith("a first glance, yet to be measured")


def test_the_pointer_on_a_line_is_told_its_name(view):
    limits = np.array([1.2, 2.8])
    view.show_theory_lines(
        {
            "T_c": Line(np.array([0.5, 0.5]), limits, "continuous"),
            "mean-field spinodal": Line(np.array([0.8, np.nan]), limits, "spinodal"),
            "no points": Line(np.full(2, np.nan), limits, "guide"),
        }
    )
    on, off = view._plot.getViewBox().viewPixelSize()[0] * np.array([3, 20])
    assert view.lines_at(QPointF(0.5 + on, 2.0)) == ["T_c (continuous transition)"]
    assert view.lines_at(QPointF(0.5 + off, 2.0)) == []
    assert view.lines_at(QPointF(0.5, 2.0 - 1.5)) == []  # beyond its end


def test_a_broken_line_is_as_far_as_its_nearest_part():
    assert from_origin(np.array([-1.0, 3.0]), np.array([2.0, 2.0])) == 2
    assert from_origin(np.array([3.0, 5.0]), np.array([4.0, 4.0])) == 5
    assert from_origin(np.array([1.0, np.nan, 3.0, 3.0]), np.array([0.0, 0, -1, 1])) == 3
    assert from_origin(np.array([]), np.array([])) == np.inf


def test_cells_along_the_dot_are_told_while_they_are_of_now(view):
    view.set_dot(0.5, 2.9)
    x, mean, error = view.along(0)
    np.testing.assert_array_equal(x, X.values)
    np.testing.assert_array_equal(mean, phase_map().mean[2])
    np.testing.assert_array_equal(error, 0.01)
    y, mean, _ = view.along(1)
    np.testing.assert_array_equal(y, Y.values)
    np.testing.assert_array_equal(mean, phase_map().mean[:, 2])
    coarse = phase_map()
    coarse.measured[2, 1] = False
    view.show_map(coarse)
    assert np.isnan(view.along(0)[1]).tolist() == [False, True, False, False, False]
    view.set_stale(True)
    assert not view.along(0)[0].size


def test_stale_cells_lose_their_colours(view, qtbot):
    at = view.on_screen(0.75, 2.0)
    before = picture(view)[at.y(), at.x()]
    view.set_stale(True)
    drawn(view, qtbot)
    after = picture(view)[at.y(), at.x()]
    assert np.ptp(after) < 0.5 * np.ptp(before)
    assert np.ptp(greyed(np.array([[[255, 0, 0, 255]]], np.uint8))[0, 0, :3]) < 80


def test_colours_of_a_signed_quantity_part_at_its_zero(view, qtbot):
    found = phase_map()
    across = np.broadcast_to(np.linspace(-0.25, 0.25, 5), found.mean.shape).copy()
    across[0, 0] = -0.75  # the span is that of the farther end
    view.show_map(dataclasses.replace(found, mean=across))
    view.set_axes("a", "b", "ln v", signed=True)
    drawn(view, qtbot)
    assert (view.legend.kind, view.legend.low, view.legend.high) == ("signed", -0.75, 0.75)
    seen = picture(view)
    cold, middle, warm = (
        np.asarray(seen[at.y() + 14, at.x() + 9], int)
        for at in (view.on_screen(x, 2.0) for x in (0.0, 0.5, 1.0))
    )
    assert cold[2] > cold[0] + 20  # blue below 0
    assert warm[0] > warm[2] + 20  # red above
    assert np.ptp(middle) < 30  # and neither at it


def test_doubtful_cells_are_hatched():
    seen = hatching(np.array([[True, False]]))
    left, right = np.split(seen[..., 3], 2, axis=1)
    assert 0.05 < (left > 0).mean() < 0.3
    assert not right.any()


def test_regions_are_named_on_the_map(view, qtbot):
    view.show_regions({"ordered": (0.2, 1.5), "free": (0.8, 2.5)})
    drawn(view, qtbot)
    assert [item.words for item in view._drawn_regions] == ["ordered", "free"]
    view.show_regions({})
    drawn(view, qtbot)
    assert not view._drawn_regions


def test_a_closer_look_begins_with_what_is_known():
    closer = seen_closer(
        phase_map(), phase_map(X._replace(low=0.5, count=9), Y._replace(low=2, count=9))
    )
    np.testing.assert_allclose(closer.mean[0, 0], phase_map().mean[1, 2])
    np.testing.assert_allclose(closer.mean[-1, -1], 1.0)
    outside = seen_closer(phase_map(), phase_map(X._replace(low=-1, high=0)))
    assert np.isnan(outside.mean[:, 0]).all()
    assert outside.mean[0, -1] == 0.0


def test_a_place_outside_of_what_is_seen_is_nowhere(view):
    assert view.on_screen(5.0, 2.0) is None
    assert isinstance(view.on_screen(0.5, 2.0), QPoint)
