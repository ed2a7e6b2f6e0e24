"""Plots, traces and maps: what they hold, how they move, what the hand does."""

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from app.theme.theme import Theme
from app.views.map_view import MapView
from app.views.parameter_curve import ParameterCurveView
from app.views.plot import Crowd, PlotView
from app.views.plotting import BEAT, Range, Scale, number, thinned
from app.views.trace import TraceView
from engine.core.axes import Axis
from engine.core.layers import Axes, Bars, Box, Colour, Curve, Image, Points
from engine.core.maps import PhaseMap
from engine.core.theory_maps import Line
from tests.app.views.conftest import picture
from tests.app.views.plots import colours_in, drawn, middle_of


def inked(view, y, token):
    """Columns that hold the ink of a line at this height: of 1 to 2 pixels, on up to three rows."""
    row = middle_of(view, 0.5, y).y() + view.canvas.mapTo(view, QPoint(0, 0)).y()
    rows = picture(view)[max(row - 4, 0) : row + 5]
    colour = view.theme.colour(token)
    wanted = np.array([colour.red(), colour.green(), colour.blue()])
    ground = np.median(picture(view).reshape(-1, 3), axis=0)
    along = (rows - ground) @ (wanted - ground) / np.sum((wanted - ground) ** 2)
    off = np.abs(rows - ground - along[..., None] * (wanted - ground)).max(axis=2)
    share = np.where(off < 30, along, 0).sum(axis=0)
    return int(((share > 0.7) & (share < 2.5)).sum())


def phase_map(log=False):
    x = Axis("noise", 0.0, 1.0, 5)
    y = Axis("density", 0.1, 10.0, 3, log) if log else Axis("density", 1.0, 3.0, 3)
    mean = np.linspace(0, 1, 15).reshape(3, 5)
    mean[2, 4] = np.nan
    error = np.full_like(mean, 0.01)
    return PhaseMap("vicsek", {}, x, y, "polar order", mean, error, np.isfinite(mean), 1)


# Plots


def test_theory_is_amber_and_measurement_is_ink(theme, shown, qtbot):
    x = np.linspace(0, 1, 200)
    view = PlotView(theme)
    view.show_layers((Axes("x", "y"), Curve(x, 0.2 + 0 * x), Curve(x, 0.8 + 0 * x, "measured")))
    drawn(shown(view), qtbot)
    assert inked(view, 0.2, "theory") > 150
    assert inked(view, 0.8, "measured") > 150


def test_items_are_reused_from_frame_to_frame(dark, shown, qtbot):
    view = shown(PlotView(dark))
    for k in range(1, 4):
        height = np.full(3, float(k))
        view.show_layers((Bars(np.arange(4.0), height), Curve(np.arange(3.0), height)))
        drawn(view, qtbot)
        if k == 1:
            before = dict(view._items)
    assert view._items == before
    curve = next(item for key, item in view._items.items() if key[2] == "curve")
    np.testing.assert_array_equal(curve.yData, 3.0)


def test_frames_are_drawn_twenty_times_a_second_at_most(dark, shown, qtbot):
    view = drawn(shown(PlotView(dark)), qtbot)
    count = []
    draw = view.draw
    view.draw = lambda: (count.append(1), draw())
    for k in range(30):
        view.show_layers((Curve(np.arange(3.0), np.full(3, float(k))),))
        qtbot.wait(4)
    drawn(view, qtbot)
    spent = 30 * 0.004
    # A busy machine sleeps longer than it is asked to: as many beats as there could have been.
    assert 1 <= len(count) <= spent / BEAT + 30 * 0.05 / BEAT
    curve = next(item for key, item in view._items.items() if key[2] == "curve")
    assert curve.yData[0] == 29.0  # the newest is not lost


def test_a_hidden_plot_draws_nothing(dark, qtbot):
    view = PlotView(dark)
    qtbot.addWidget(view)
    view.show_layers((Curve(np.arange(3.0), np.arange(3.0)),))
    qtbot.wait(80)
    assert not view._items


def test_panels_are_plots_side_by_side(dark, shown, qtbot):
    view = PlotView(dark)
    view.show_layers((Bars(np.tile(np.arange(4.0), (3, 1)), np.ones((3, 3))),))
    drawn(shown(view), qtbot)
    assert len(view._plots) == 3


def test_logarithmic_axes_hold_logarithms(dark, shown, qtbot):
    view = PlotView(dark)
    x = np.geomspace(1, 1000, 50)
    view.show_layers((Axes("x", "y", "xy"), Curve(x, x**-2)))
    drawn(shown(view), qtbot)
    (left, right), (bottom, top) = view._plots[0].getViewBox().viewRange()
    assert (left, right) == pytest.approx((0, 3), abs=0.05)
    assert (bottom, top) == pytest.approx((-6, 0), abs=0.5)


def test_bars_stand_on_zero(dark, shown, qtbot):
    view = PlotView(dark)
    view.show_layers((Bars(np.arange(4.0), np.array([3.0, 4.0, 5.0])),))
    drawn(shown(view), qtbot)
    assert view._plots[0].getViewBox().viewRange()[1][0] == 0


def test_points_and_images_may_stand_on_axes(theme, shown, qtbot):
    place = np.random.default_rng(0).random((500, 2))
    place[0] = np.nan
    points = Points(place, {"speed": Colour(np.linspace(0, 1, 500))})
    image = Image(np.array([[0.0, 0.0], [1.0, 1.0]]), "level", (0, 1))
    view = PlotView(theme)
    view.show_layers((Axes("x", "y"), Box(np.zeros(2), np.ones(2)), image, points))
    drawn(shown(view), qtbot)
    assert any(isinstance(item, Crowd) for item in view._items.values())
    # Row 0 is at the bottom: the first colour of the map is low in the picture.
    seen = picture(view)
    low, high = middle_of(view, 0.5, 0.1), middle_of(view, 0.5, 0.9)
    strips = [seen[at.y(), at.x() - 40 : at.x() + 40, 0].mean() for at in (low, high)]
    assert strips[0] < strips[1]  # the map goes from violet to yellow


def test_names_stand_beside_their_lines_and_not_on_them(dark, shown, qtbot):
    x = np.linspace(0, 1, 100)
    view = PlotView(dark)
    view.show_layers((Curve(x, x, "theory", "rising"), Curve(x, 1 - x, "theory", "falling")))
    drawn(shown(view, 500, 400), qtbot)
    view._place_notes("")
    box = view._plots[0].getViewBox()
    names = [item for key, item in view._items.items() if key[2] == "note"]
    frames = [item.mapRectToScene(item.boundingRect()) for item in names]
    assert not frames[0].intersects(frames[1])
    for frame in frames:
        inner = frame.adjusted(6, 6, -6, -6)
        for y in (x, 1 - x):
            on_line = [box.mapViewToScene(QPointF(a, b)) for a, b in zip(x, y, strict=True)]
            assert not any(inner.contains(point) for point in on_line)


def test_pyqtgraphs_own_menu_and_buttons_are_off(dark, shown, qtbot):
    view = PlotView(dark)
    view.show_layers((Curve(np.arange(3.0), np.arange(3.0)),))
    drawn(shown(view), qtbot)
    assert not view._plots[0].getViewBox().menuEnabled()
    assert not view._plots[0].autoBtn.isVisible()


@pytest.mark.parametrize("kind", [PlotView, TraceView, ParameterCurveView, MapView])
def test_themes_change_live(kind, shown, qtbot):
    view = drawn(shown(kind(Theme("dark"))), qtbot)
    for name in ("light", "contrast", "dark"):
        view.restyle(Theme(name))
        drawn(view, qtbot)
        panel = view.theme.colour("panel")
        wanted = (panel.red(), panel.green(), panel.blue())
        assert picture(view)[3, 3] == pytest.approx(wanted, abs=8)  # a display of 16 bits


# The parts


def test_a_range_grows_at_once_and_shrinks_late():
    follow = Range(0.1).follow
    assert follow(0, 1) == pytest.approx((-0.1, 1.1))
    assert follow(0.2, 0.9) == pytest.approx((-0.1, 1.1))
    assert follow(0, 2)[1] > 2
    assert follow(0.5, 0.6)[1] < 1
    assert follow(np.inf, -np.inf)[1] < 1  # nothing known: as before


def test_a_thinned_line_keeps_its_extremes():
    x = np.arange(100_000.0)
    y = np.sin(x / 700)
    y[12_345], y[54_321] = 5.0, -7.0
    y[60_000:70_000] = np.nan
    thin_x, thin_y = thinned(x, y, 300)
    assert len(thin_x) < 2000
    assert np.nanmax(thin_y) == 5.0
    assert np.nanmin(thin_y) == -7.0
    assert np.isnan(thin_y[(thin_x > 61_000) & (thin_x < 69_000)]).all()
    assert (np.diff(thin_x) >= 0).all()
    assert thin_x[-1] == x[-1]


@pytest.mark.parametrize(
    ("value", "words"), [(0.02, "0.02"), (500.0, "500"), (1e-6, "10⁻⁶"), (2e7, "2·10⁷")]
)
def test_numbers_of_ticks_are_short(value, words):
    assert number(value) == words


def test_logarithms_are_marked_at_round_numbers(qapp):
    axis = Scale("left")
    marks = 10 ** np.array(axis.logTickValues(-0.6, 0.9, 300, None)[0][1])
    np.testing.assert_allclose(marks, [0.5, 1, 2, 5])
    marks = axis.logTickValues(-8, 0.5, 300, None)[0][1]
    assert len(marks) <= 6
    assert all(float(mark).is_integer() for mark in marks)


# Traces


def test_a_trace_grows_and_keeps_all_its_samples(theme, shown, qtbot):
    view = shown(TraceView(theme))
    for k in range(3000):
        view.append(float(k), np.sin(k / 50), 0.5)
    view.event(1000.0, "K 1.0 → 2.0")
    drawn(view, qtbot)
    data = view.data()
    np.testing.assert_array_equal(data["time"], np.arange(3000))
    np.testing.assert_array_equal(data["theory"], 0.5)
    (left, right), _ = view._plot.getViewBox().viewRange()
    assert left == 0
    assert right >= 3000
    assert view._marks[0][1].toPlainText() == "K 1.0 → 2.0"
    assert colours_in(view, "theory") > 100
    view.clear()
    drawn(view, qtbot)
    assert len(view.data()["time"]) == 0
    assert not any(line.isVisible() for line, _ in view._marks)


def test_events_that_would_cover_each_other_are_written_once(dark, shown, qtbot):
    view = shown(TraceView(dark))
    for k in range(1000):
        view.append(float(k), 0.5)
    for k in range(8):
        view.event(500.0 + k, f"K {k}.0 → {k + 1}.0")
    drawn(view, qtbot)
    written = [words.toPlainText() for _, words in view._marks if words.isVisible()]
    assert written == ["K 7.0 → 8.0"]  # the newest


def test_a_trace_whose_theory_is_silent_is_drawn(dark, shown, qtbot):
    view = shown(TraceView(dark))
    for k in range(100):
        view.append(float(k), np.nan if k < 10 else 0.3, np.nan)
    drawn(view, qtbot)
    assert not view._theory_name.isVisible()
    assert view._name.isVisible()


@pytest.mark.parametrize("levels", [(0.99, 1.0), (0.0, 0.01), (0.5, 0.52), (0.1, 0.9), (0.9, 0.2)])
def test_the_names_of_a_trace_never_cover_each_other(dark, shown, qtbot, levels):
    view = shown(TraceView(dark), 400, 160)
    view.set_span((0, 1))
    for k in range(50):
        view.append(float(k), *levels)
    drawn(view, qtbot)
    view.draw()
    names = (view._name, view._theory_name)
    frames = [name.mapRectToScene(name.boundingRect()) for name in names]
    assert not frames[0].adjusted(0, 1, 0, -1).intersects(frames[1])
    stage = view._plot.getViewBox().sceneBoundingRect().adjusted(-4, -4, 4, 4)
    assert all(stage.contains(frame) for frame in frames)


@pytest.mark.parametrize("level", [0.02, 0.98])
def test_words_of_a_change_stand_where_no_name_of_a_line_does(dark, shown, qtbot, level):
    view = shown(TraceView(dark), 400, 160)
    view.set_span((0.0, 1.0))
    for k in range(100):
        view.append(float(k), level, level)
    view.mark(90.0, "η 0.3 → 0.995")
    drawn(view, qtbot)
    words = view._marks[0][1]
    assert words.isVisible()
    place = words.mapRectToScene(words.boundingRect())
    for name in (view._name, view._theory_name):
        assert name.isVisible()
        assert not place.intersects(name.mapRectToScene(name.boundingRect()))


def test_a_trace_starts_empty_and_with_one_sample(dark, shown, qtbot):
    view = drawn(shown(TraceView(dark)), qtbot)
    view.append(0.0, 0.5, 0.6)
    drawn(view, qtbot)
    assert view._last.getData()[0].tolist() == [0.0]


# The map


def test_the_run_beside_stands_on_the_map_and_is_not_taken_by_the_hand(dark, shown, qtbot):
    view = shown(MapView(dark))
    view.show_map(phase_map())
    view.set_dot(0.2, 1.2)
    before = colours_in(drawn(view, qtbot), "b")
    view.set_beside("b", (0.8, 2.0))
    qtbot.wait(20)
    assert colours_in(view, "b") > before + 40
    assert view.dot == (0.2, 1.2)
    view.set_beside("b", None)
    qtbot.wait(20)
    assert colours_in(view, "b") == before


@pytest.mark.parametrize("log", [False, True])
def test_a_click_on_the_map_brings_the_run_there(theme, shown, qtbot, log):
    view = MapView(theme)
    view.show_map(phase_map(log))
    view.set_dot(0.5, 2.0)
    drawn(shown(view), qtbot)
    assert view.dot == (0.5, 2.0)
    goal = np.log10(5.0) if log else 1.5
    with qtbot.waitSignals([view.dot_moved, view.dot_released]):
        at = middle_of(view, 0.75, goal)
        qtbot.mouseClick(view.canvas.viewport(), Qt.MouseButton.LeftButton, pos=at)
    # Pixels are whole: 1.25 / 300 a pixel in x, 3 / 200 in y (in decades on a log axis).
    assert view.dot[0] == pytest.approx(0.75, abs=0.01)
    assert view.dot[1] == pytest.approx(5.0 if log else 1.5, rel=0.05)


def test_dragging_the_dot_takes_the_run_along_and_ends_inside(dark, shown, qtbot):
    view = MapView(dark)
    view.show_map(phase_map())
    view.set_dot(0.5, 2.0)
    drawn(shown(view), qtbot)
    moves, ends = [], []
    view.dot_moved.connect(lambda x, y: moves.append((x, y)))
    view.dot_released.connect(lambda: ends.append(1))
    port, left = view.canvas.viewport(), Qt.MouseButton.LeftButton
    start = middle_of(view, 0.5, 2.0)
    qtbot.mousePress(port, left, pos=start)
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        at = middle_of(view, 0.5 + share, 2.0 + share)  # leaves the map
        qtbot.mouseMove(port, pos=at)
        qtbot.wait(20)
        view.set_dot(0.1, 1.0)  # the run's echo comes late: the hand has the dot
    assert moves
    assert not ends
    qtbot.mouseRelease(port, left, pos=at)
    assert ends == [1]
    assert view.dot == pytest.approx((1.0, 3.0))
    view.set_dot(0.25, 1.5)
    assert view.dot == (0.25, 1.5)
    assert moves[-1] == pytest.approx((1.0, 3.0))  # setting the dot says nothing


def test_unknown_cells_are_the_panels_colour_and_cells_have_edges(theme, shown, qtbot):
    view = MapView(theme)
    view.show_map(phase_map())
    view.set_dot(0.0, 1.0)
    drawn(shown(view, 400, 300), qtbot)
    seen = picture(view)
    at = middle_of(view, 1.0, 3.0)
    panel = theme.colour("panel")
    wanted = (panel.red(), panel.green(), panel.blue())
    assert seen[at.y(), at.x()] == pytest.approx(wanted, abs=8)
    # No interpolation: a cell is of one colour.
    left, right = middle_of(view, 0.42, 2.0), middle_of(view, 0.58, 2.0)
    np.testing.assert_array_equal(seen[left.y(), left.x()], seen[right.y(), right.x()])


def test_lines_of_theory_lie_on_the_map_in_their_styles(dark, shown, qtbot):
    view = MapView(dark)
    view.show_map(phase_map())
    y = np.linspace(1, 3, 20)
    lines = {
        "onset": Line(np.full(20, 0.25), y, "continuous"),
        "limit": Line(np.full(20, 0.75), y, "spinodal"),
    }
    view.show_theory_lines(lines)
    drawn(shown(view), qtbot)
    assert set(view._drawn_lines) == {"onset", "limit"}
    assert colours_in(view, "theory") > 100
    styles = [line._items[1].opts["pen"].style() for line in view._drawn_lines.values()]
    assert set(styles) == {Qt.PenStyle.SolidLine, Qt.PenStyle.CustomDashLine}
    view.show_theory_lines({})
    drawn(view, qtbot)
    assert not view._drawn_lines


def test_the_pointer_reads_a_cell(dark, shown, qtbot):
    view = MapView(dark)
    view.show_map(phase_map())
    view.set_axes("noise η", "density ρ", "polar order", symbols=("η", "ρ", "φ"))
    view.show_theory(np.full((3, 5), 0.4))
    drawn(shown(view), qtbot)
    assert view.words_at(0.5, 2.0) == "η 0.5 · ρ 2\nφ 0.500 ± 0.01\ntheory 0.400"
    assert "not computed yet" in view.words_at(1.0, 3.0)
    assert view.words_at(5.0, 2.0) == ""
    view.hover(QPointF(0.5, 2.0))
    assert view._words.isVisible()
    view.hover(None)
    assert not view._words.isVisible()


def test_a_map_that_is_not_there_yet_takes_a_dot(dark, shown, qtbot):
    view = drawn(shown(MapView(dark)), qtbot)
    view.set_dot(0.3, 0.4)
    assert view.data() == {}
    view.show_map(phase_map(log=True))
    drawn(view, qtbot)
    assert view.dot == (0.3, 0.4)
    assert view._dot.pos().y() == pytest.approx(np.log10(0.4))


def test_pyqtgraph_is_told_once(dark):
    assert pg.getConfigOption("antialias")


def test_a_trace_that_is_gone_back_along_keeps_its_future_and_a_branch_cuts_it(theme, qtbot):
    trace = TraceView(theme)
    qtbot.addWidget(trace)
    for step in range(10):
        trace.append(0.1 * step, float(step), step=step)
    trace.append(0.3, 3.0, step=3)
    assert len(trace.data()["value"]) == 10
    assert trace._present[0] == 0.3
    trace.cut(4)
    trace.append(0.4, -1.0, step=4)
    assert trace.data()["value"].tolist() == [0, 1, 2, 3, -1]
    assert trace._present is None
    trace.lift(2.0, 20)
    trace.append(2.0, 5.0, step=20)
    assert np.isnan(trace.data()["value"][-2])


def test_two_runs_are_drawn_with_their_difference(theme, qtbot):
    trace = TraceView(theme)
    qtbot.addWidget(trace)
    trace.set_pair(True)
    trace.resize(400, 200)
    trace.show()
    for step in range(50):
        trace.append(step, 0.5, 0.6, other=0.2, other_theory=0.3)
    trace.draw()
    assert trace._gap.getData()[1] == pytest.approx(0.3)
    assert trace._other.getData()[1] == pytest.approx(0.2)
    assert trace._gap_name.isVisible()
    trace.set_pair(False)
    trace.draw()
    assert "value of B" not in trace.data()
