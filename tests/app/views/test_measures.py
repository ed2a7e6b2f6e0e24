"""The plot of a measure: the marks that a system points to stand at their places."""

import numpy as np

from app.figures.recipe import measure_part
from app.views.measures import Found, MeasurePlot, MeasuresView
from engine.core.measures import MEASURES, Average


def average(name="g(r)"):
    x = np.linspace(0.05, 4, 60)
    y = 1 + np.exp(-2 * (x - 1.5) ** 2)
    return Average(name, x, y, 0.05 * y, 80, 200, 200, ideal=np.ones(60))


def test_marks_stand_at_their_places_and_go(shown, dark, qtbot):
    plot = shown(MeasurePlot(dark))
    for marks in ({"R": 1.5}, {"R": 2.0}, {}):
        plot.show_measure(Found(MEASURES["g(r)"], average(), {}, marks))
        qtbot.waitUntil(lambda: not plot._stale)
        assert {name: line.value() for name, line in plot._marks.items()} == marks
    plot.show_measure(Found(MEASURES["S(k)"], average("S(k)"), {}, {"k₀": 2.0}))
    qtbot.waitUntil(lambda: not plot._stale)
    assert plot._marks["k₀"].value() == np.log10(2.0)


def test_marks_go_into_figures(theme):
    view = MeasuresView(theme)
    view.offer(MEASURES)
    view.guide({}, {"R": np.float32(1.5)})
    before = view.found
    assert before is None
    view.show_average(average())
    found = view.found
    assert found is not None
    assert found.marks == {"R": 1.5}
    assert measure_part(*found).marks == (1.5,)
