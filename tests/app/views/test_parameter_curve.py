"""The curve of a parameter: theory, what was measured along it, the map's cells, and the run."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.views.parameter_curve import ParameterCurveView
from tests.app.views.plots import colours_in, drawn, middle_of


def test_the_curve_shows_theory_points_and_the_run(theme, shown, qtbot):
    x = np.linspace(0, 6, 100)
    view = ParameterCurveView(theme)
    view.set_labels("coupling K", span=(0, 1))
    view.show_theory(x, {"order": np.tanh(x), "bound": np.ones(100)}, critical=[2.0, np.nan])
    for value in (1.0, 2.0, 3.0):
        view.add_measured(value, 0.4, 0.02)
    view.add_measured(2.0, 0.5, 0.01)  # better known now
    view.set_run(3.0, 0.9, 0.05)
    drawn(shown(view), qtbot)
    data = view.data()
    assert sorted(data["x"]) == [1.0, 2.0, 3.0]
    assert data["mean"][data["x"] == 2.0] == 0.5
    assert set(view._lines) == {"order", "bound"}
    assert colours_in(view, "accent") > 10
    assert view.gap == pytest.approx((np.tanh(3.0) - 0.9) / 0.05, rel=0.02)  # not to the guide
    view.show_theory(x, {"order": np.tanh(x)})
    drawn(view, qtbot)
    assert set(view._lines) == {"order"}


def test_a_run_that_moves_draws_itself_alone(dark, shown, qtbot):
    view = shown(ParameterCurveView(dark))
    x = np.linspace(0, 6, 50)
    view.show_theory(x, {"theory": np.tanh(x)})
    view.set_band(100)
    view.set_run(3.0, 0.5, 0.05)
    drawn(view, qtbot)
    lines = [line for line, _ in view._lines.values()] + view._band
    drawn_anew = []
    for line in lines:
        line.sigPlotChanged.connect(drawn_anew.append)
    view.set_run(4.0, 0.6, 0.05)
    drawn(view, qtbot)
    assert not drawn_anew
    view.show_theory(x, {"theory": np.tanh(2 * x)})
    drawn(view, qtbot)
    assert len(drawn_anew) == len(lines)


def test_the_run_beside_stands_on_the_curve_while_there_is_one(dark, shown, qtbot):
    view = shown(ParameterCurveView(dark))
    view.show_theory(np.linspace(0, 6, 50), {"theory": np.linspace(0, 1, 50)})
    view.set_run(3.0, 0.5, 0.05)
    before = colours_in(drawn(view, qtbot), "b")
    view.set_beside(5.0, 0.3, 0.02)
    assert colours_in(drawn(view, qtbot), "b") > before + 40
    view.set_beside(np.nan, np.nan)
    assert colours_in(drawn(view, qtbot), "b") == before


def test_a_click_on_the_curve_chooses_a_value(dark, shown, qtbot):
    view = ParameterCurveView(dark)
    view.show_theory(np.linspace(0, 6, 50), {"order": np.linspace(0, 1, 50)})
    drawn(shown(view), qtbot)
    with qtbot.waitSignal(view.chosen) as told:
        at = middle_of(view, 3.0, 0.5)
        qtbot.mouseClick(view.canvas.viewport(), Qt.MouseButton.LeftButton, pos=at)
    # Pixels are whole: 6 / 300 a pixel.
    assert told.args[0] == pytest.approx(3.0, abs=0.04)


def test_the_curve_shows_the_cells_of_the_map_and_leaves_out_those_to_come(dark, shown, qtbot):
    x = np.linspace(0, 1, 5)
    curve = shown(ParameterCurveView(dark))
    curve.show_cells(x, np.array([0.1, 0.2, np.nan, 0.4, 0.5]), np.full(5, 0.01))
    drawn(curve, qtbot)
    np.testing.assert_array_equal(curve.data()["cell x"], [0, 0.25, 0.75, 1])
    np.testing.assert_array_equal(curve._rings.getData()[1], [0.1, 0.2, 0.4, 0.5])
    (left, right), (low, high) = curve._plot.getViewBox().viewRange()
    assert left < 0 < 1 < right
    assert low < 0.1 < 0.5 < high
    curve.show_cells(*(np.empty(0),) * 3)
    drawn(curve, qtbot)
    assert not curve._rings_name.isVisible()
    assert "cell x" not in curve.data()
