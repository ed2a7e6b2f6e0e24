"""What stands on the cells of a phase diagram: the dot, lines, a path, hatching."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainterPath, QPen

from app.theme.theme import Theme
from app.theme.tokens import tokens
from app.views.plotting import put


# On a map, which does not change with the theme, theory is the dark theme's amber with a dark rim.
DARK = tokens()["themes"]["dark"]
RIM, AMBER, RING = DARK["stage"], DARK["theory"], DARK["on_accent"]
MARGIN = 2.5  # of the rim: px, both sides together
STYLES: dict[str, tuple[float, tuple[float, float] | None]] = {  # width, dash and gap in px
    "first order": (2.6, None),
    "spinodal": (1.8, (7, 4)),
    "guide": (1.8, (2.5, 4.5)),
}
GRAIN = 8  # pixels of a hatched cell, along a side
GREY = 0.75  # of a stale colour is taken out


class Dot(pg.GraphicsObject):
    """The run on the map. Dark rim, white ring: seen on every colour."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme, self.held = theme, False
        self.setFlag(self.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setZValue(10)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def boundingRect(self) -> Any:
        radius = 13 * self.theme.scale
        return QRectF(-radius, -radius, 2 * radius, 2 * radius)

    def paint(self, painter: Any, *_: Any) -> None:
        scale = self.theme.scale * (1.12 if self.held else 1.0)
        painter.setRenderHint(painter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for radius, colour in (
            (10.5, QColor(RIM)),
            (8.75, QColor(RING)),
            (6.25, self.theme.colour("accent_fill")),
        ):
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(0, 0), radius * scale, radius * scale)


class BesideDot(pg.GraphicsObject):
    """The run beside on the map: a disc with its letter for A, a square for B."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme, self.side = theme, "b"
        self.setFlag(self.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setZValue(9)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def boundingRect(self) -> Any:
        radius = 10 * self.theme.scale
        return QRectF(-radius, -radius, 2 * radius, 2 * radius)

    def paint(self, painter: Any, *_: Any) -> None:
        painter.setRenderHint(painter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for radius, colour in ((8.5, QColor(RIM)), (7, self.theme.colour(self.side))):
            half = radius * self.theme.scale
            area = QRectF(-half, -half, 2 * half, 2 * half)
            painter.setBrush(colour)
            if self.side == "a":
                painter.drawEllipse(area)
            else:
                painter.drawRect(area)
        font = QFont(painter.font())
        font.setPixelSize(round(10 * self.theme.scale))
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(RIM))
        painter.drawText(self.boundingRect(), Qt.AlignmentFlag.AlignCenter, self.side.upper())


class RimmedLine:
    """A line with a dark rim, to be seen on every colour; a point of it on its own is a dot."""

    def __init__(self, plot: pg.PlotItem, pens: tuple[QPen, QPen], z: float = 5) -> None:
        self._plot = plot
        self._lines = [pg.PlotCurveItem(pen=pen, connect="finite") for pen in pens]
        rim, ink = pens
        self._dots = pg.ScatterPlotItem(
            size=2 * rim.widthF(), pen=pg.mkPen(rim.color()), brush=ink.color()
        )
        self._items = [*self._lines, self._dots]
        for item in self._items:
            item.setZValue(z)
            plot.addItem(item)

    def set(self, x: np.ndarray, y: np.ndarray) -> None:
        for item in self._lines:
            put(item, x, y)
        known = np.pad(np.isfinite(x) & np.isfinite(y), 1)
        alone = known[1:-1] & ~known[:-2] & ~known[2:]
        put(self._dots, x[alone], y[alone])

    def remove(self) -> None:
        for item in self._items:
            self._plot.removeItem(item)


class RimmedWords(pg.GraphicsObject):
    """White words with a dark rim, in the middle of their place."""

    def __init__(self, words: str, theme: Theme) -> None:
        super().__init__()
        self.setFlag(self.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setZValue(6)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.words = words
        path = QPainterPath()
        path.addText(0, 0, theme.font("caption", QFont.Weight.DemiBold), words)
        self._path = path.translated(-path.boundingRect().center())
        self._pen = QPen(QColor(RIM), 3 * theme.scale)
        self._pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)

    def boundingRect(self) -> Any:
        return self._path.boundingRect().adjusted(-4, -4, 4, 4)

    def paint(self, painter: Any, *_: Any) -> None:
        painter.setRenderHint(painter.RenderHint.Antialiasing)
        painter.strokePath(self._path, self._pen)
        painter.fillPath(self._path, QColor("white"))


def from_origin(x: np.ndarray, y: np.ndarray) -> float:
    """How far a broken line is from the origin; it is infinitely far where it has no points."""
    points = np.stack([x, y], axis=-1)
    start, step = points[:-1], np.diff(points, axis=0)
    length = np.maximum(np.sum(step**2, axis=-1), 1e-12)
    share = np.clip(-np.sum(start * step, axis=-1) / length, 0, 1)
    away = np.hypot(*(start + share[:, None] * step).T)
    away = away[np.isfinite(away)]
    return float(away.min()) if away.size else np.inf


def line_pens(kind: str, scale: float) -> tuple[QPen, QPen]:
    """Rim and line in the style of a boundary; the rim has narrower gaps."""
    width, dash = STYLES.get(kind, (2.0, None))
    pens = []
    for colour, margin in ((RIM, MARGIN), (AMBER, 0.0)):
        pen = pg.mkPen(QColor(colour), width=(width + margin) * scale)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if dash is not None:  # Qt counts dashes in widths
            on, off = dash[0] + margin / 2, dash[1] - margin / 2
            pen.setDashPattern([on / (width + margin), off / (width + margin)])
            pen.setDashOffset(-margin / 4 / (width + margin))
        pens.append(pen)
    return pens[0], pens[1]


def path_pens(scale: float) -> tuple[QPen, QPen]:
    """Rim and line of a path that the run is led along."""
    return (
        pg.mkPen(QColor(RIM), width=4.2 * scale),
        pg.mkPen(QColor(RING), width=1.8 * scale),
    )


def hatching(where: np.ndarray) -> np.ndarray:
    """Thin diagonals over the cells `where` is true, as [y, x, rgba] of finer pixels."""
    rows, columns = (GRAIN * count for count in where.shape)
    fine = np.kron(where, np.ones((GRAIN, GRAIN), bool))
    diagonal = (np.arange(rows)[:, None] + np.arange(columns)) % GRAIN == 0
    picture = np.zeros((rows, columns, 4), np.uint8)
    picture[fine & diagonal] = (255, 255, 255, 150)
    return picture


def greyed(picture: np.ndarray) -> np.ndarray:
    """Colours of what is no longer true of the present values."""
    grey = picture[..., :3].mean(axis=-1, keepdims=True)
    out = picture.copy()
    out[..., :3] = (1 - GREY) * picture[..., :3] + GREY * (0.6 * grey + 0.4 * 128)
    return out
