"""What tests of plots ask of a view: that it is drawn, how much of a colour, where a point is."""

import numpy as np
from PySide6.QtCore import QPointF

from app.views.plot import PlotView
from tests.app.views.conftest import picture


def drawn(view, qtbot):
    qtbot.waitUntil(lambda: not view._stale, timeout=2000)
    return view


def colours_in(view, token, tolerance=40):
    """How many pixels have about this token's colour."""
    colour = view.theme.colour(token)
    wanted = (colour.red(), colour.green(), colour.blue())
    return int((np.abs(picture(view) - wanted).max(axis=2) < tolerance).sum())


def middle_of(view, x, y):
    """The pixel of the view's canvas at a point of the plot."""
    plot = view._plots[0] if isinstance(view, PlotView) else view._plot
    scene = plot.getViewBox().mapViewToScene(QPointF(x, y))
    return view.canvas.mapFromScene(scene)
