"""What tests do with a swarm view: clouds to show it, a hand in it, pixels to read."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from engine.core.layers import Box, Points


SQUARE = Box(np.zeros(2), np.ones(2))


def cloud(n, dim=2, seed=0, **more):
    place = np.random.default_rng(seed).random((n, dim)).astype(np.float32)
    return Points(place, **more)


def where(view, point, panel=0):
    """The pixel of a point."""
    part = view._parts(1.0)[panel]
    whole = np.zeros(4)
    whole[: len(point)], whole[3] = point, 1
    x, y, _, w = view.camera.matrix(part.width, part.height).astype(float) @ whole
    top = view.height() - part.bottom - part.height
    return (
        round(part.left + (x / w + 1) / 2 * part.width),
        round(top + (1 - y / w) / 2 * part.height),
    )


def near(values, at, reach=3):
    x, y = at
    return values[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]


def splatted(view, points):
    """What the engine would answer to the view's request."""
    wish = view.density_wanted
    place = np.asarray(points.position, float)
    whole = np.zeros((len(place), 4))
    whole[:, : place.shape[1]], whole[:, 3] = place, 1
    clip = whole @ wish.matrix.astype(float).T
    at = np.floor((clip[:, :2] / clip[:, 3:] + 1) / 2 * (wish.width, wish.height)).astype(int)
    inside = ((at >= 0) & (at < (wish.width, wish.height))).all(axis=1)
    colour = np.tile(wish.table[:1], (len(place), 1))
    sums = np.zeros((wish.height, wish.width, 4), np.float32)
    drops = np.concatenate([colour, np.ones((len(place), 1))], axis=1)[inside]
    np.add.at(sums, (at[inside, 1], at[inside, 0]), drops)
    return sums


def mouse(view, kind, x, y, button=Qt.MouseButton.LeftButton, modifiers=None):
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    at = QPointF(x, y)
    keys = modifiers or Qt.KeyboardModifier.NoModifier
    sent = QMouseEvent(kind, at, view._target.mapToGlobal(at), button, held, keys)
    QApplication.sendEvent(view._target, sent)


def drag(view, start, end, button=Qt.MouseButton.LeftButton):
    mouse(view, QEvent.Type.MouseButtonPress, *start, button)
    mouse(view, QEvent.Type.MouseMove, *end, button)
    mouse(view, QEvent.Type.MouseButtonRelease, *end, button)
