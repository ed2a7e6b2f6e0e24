"""The phase diagram: measured cells, theory's lines on top, and the run as a dot to be moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QLabel, QWidget

from app.theme.colour_maps import map_table
from app.theme.theme import Theme
from app.theme.tokens import tokens
from app.views import colours
from app.views.plotting import PlotBase, add_plot, cells, dress


if TYPE_CHECKING:
    from engine.core.maps import PhaseMap
    from engine.core.theory_maps import Line

# On a map, which does not change with the theme, theory is the dark theme's amber with a dark rim.
DARK = tokens()["themes"]["dark"]
RIM, AMBER, RING = DARK["stage"], DARK["theory"], DARK["on_accent"]
MARGIN = 2.5  # of the rim: px, both sides together
STYLES: dict[str, tuple[float, tuple[float, float] | None]] = {  # width, dash and gap in px
    "first order": (2.6, None),
    "spinodal": (1.8, (7, 4)),
    "guide": (1.8, (2.5, 4.5)),
}


class MapView(PlotBase):
    """Press anywhere to bring the run there; drag to take it along."""

    dot_moved = Signal(float, float)
    dot_released = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._map: PhaseMap | None = None
        self._lines: dict[str, Line] = {}
        self._predicted: np.ndarray | None = None
        self._labels = ("", "", "")
        self._symbols = ("x", "y", "")
        self._span: tuple[float, float] | None = None
        self._log = (False, False)
        self._fitted: Any = None
        self._place = (0.0, 0.0)  # of the dot
        self._build()

    # What is shown

    def show_map(self, phase_map: PhaseMap | None) -> None:
        """The cells that are known so far; those that are not are left empty."""
        self._map = phase_map
        log = (False, False)
        if phase_map is not None:
            log = (bool(phase_map.x.log), bool(phase_map.y.log))
        if log != self._log:
            self._log = log
            self._place_dot()
        self.touch()

    def show_theory(self, predicted: np.ndarray | None) -> None:
        """Theory's value in each cell, for the words under the pointer."""
        self._predicted = predicted

    def show_theory_lines(self, lines: dict[str, Line]) -> None:
        self._lines = dict(lines)
        self.touch()

    def set_axes(
        self,
        x: str,
        y: str,
        value: str = "",
        *,
        symbols: tuple[str, str, str] | None = None,
        span: tuple[float, float] | None = None,
    ) -> None:
        """Words of the axes and of the quantity, their symbols, and the span of the colours."""
        self._labels, self._span = (x, y, value), span
        self._symbols = symbols or (x, y, value)
        self.touch()

    def set_dot(self, x: float, y: float) -> None:
        """Where the run is now; emits nothing, and waits while the hand holds the dot."""
        if not self._dot.held:
            self._place = (x, y)
            self._place_dot()

    @property
    def dot(self) -> tuple[float, float]:
        return self._place

    @property
    def legend(self) -> colours.Legend:
        low, high = self._levels()
        table = map_table()
        return colours.Legend("level", self._labels[2], table, low, high)

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        found = self._map
        if found is None:
            return {}
        return {
            found.x.name: np.asarray(found.x.values),
            found.y.name: np.asarray(found.y.values),
            "mean": np.asarray(found.mean),
            "error": np.asarray(found.error),
        }

    # Drawing

    def _build(self) -> None:
        theme = self.theme
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme, viewBox=_Hand(self))
        dress(self._plot, theme, grid=False)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._plot.addItem(self._image)
        self._drawn_lines: dict[str, tuple] = {}
        self._dot = Dot(theme)
        self._plot.addItem(self._dot)
        self._place_dot()
        self._words = getattr(self, "_words", None) or QLabel(self)
        self._words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._words.setStyleSheet(
            f"background:{theme.hex('raised')};color:{theme.hex('text')};"
            f"border:1px solid {theme.hex('line')};border-radius:{theme.px(4)}px;"
            f"padding:{theme.px(3)}px {theme.px(6)}px;"
        )
        self._words.setFont(theme.font("caption"))
        self._words.hide()
        self._fitted = None

    def _levels(self) -> tuple[float, float]:
        if self._span is not None:
            return self._span
        if self._map is None:
            return 0.0, 1.0
        known = np.asarray(self._map.mean)
        known = known[np.isfinite(known)]
        if not known.size:
            return 0.0, 1.0
        low, high = float(known.min()), float(known.max())
        if low >= 0 and high <= 1 and high > 0.3:
            return 0.0, 1.0
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def draw(self) -> None:
        found = self._map
        if found is None:
            self._image.clear()
        else:
            x, y = self._axis(found.x), self._axis(found.y)
            low, high = self._levels()
            table = map_table()
            shown = np.asarray(found.mean, float)
            self._image.setImage(
                colours.painted(shown, table, low, high, "level"), autoLevels=False
            )
            frame = cells(x, y)
            self._image.setRect(frame)
            if self._fitted != (frame, self._log):
                self._fitted = (frame, self._log)
                self._plot.setLogMode(*self._log)
                self._plot.setXRange(frame.left(), frame.right(), padding=0)
                self._plot.setYRange(frame.top(), frame.bottom(), padding=0)
        for side, words in zip(("bottom", "left"), self._labels, strict=False):
            axis = self._plot.getAxis(side)
            if words and axis.labelText != words:
                self._plot.setLabel(side, words)
                dress(self._plot, self.theme, grid=False)
        self._draw_lines()

    def _draw_lines(self) -> None:
        for name in set(self._drawn_lines) - set(self._lines):
            for item in self._drawn_lines.pop(name):
                self._plot.removeItem(item)
        for name, line in self._lines.items():
            if name not in self._drawn_lines:
                items = tuple(
                    pg.PlotCurveItem(pen=pen, connect="finite")
                    for pen in line_pens(line.kind, self.theme.scale)
                )
                for item in items:
                    self._plot.addItem(item)
                self._drawn_lines[name] = items
            x = self._to_axis(np.asarray(line.x, float), 0)
            y = self._to_axis(np.asarray(line.y, float), 1)
            for item in self._drawn_lines[name]:
                item.setData(x, y)

    def _axis(self, axis: Any) -> np.ndarray:
        values = np.asarray(axis.values, float)
        return np.log10(values) if axis.log else values

    def _to_axis(self, values: Any, side: int) -> Any:
        if not self._log[side]:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(values)

    def _from_plot(self, at: Any) -> tuple[float, float]:
        x, y = float(at.x()), float(at.y())
        return 10**x if self._log[0] else x, 10**y if self._log[1] else y

    def _place_dot(self) -> None:
        place = [float(self._to_axis(value, side)) for side, value in enumerate(self._place)]
        if np.isfinite(place).all():
            self._dot.setPos(*place)

    # The hand

    def _within(self, at: QPointF) -> QPointF:
        if self._map is None:
            return at
        x, y = self._axis(self._map.x), self._axis(self._map.y)
        return QPointF(float(np.clip(at.x(), x[0], x[-1])), float(np.clip(at.y(), y[0], y[-1])))

    def _take(self, at: QPointF, *, last: bool) -> None:
        """The dot goes to this point of the plot, and the run with it."""
        self._dot.held = not last
        at = self._within(at)
        self._dot.setPos(at)
        self._dot.update()
        self._place = self._from_plot(at)
        self.dot_moved.emit(*self.dot)
        if last:
            self.dot_released.emit()

    def _hover(self, at: QPointF | None) -> None:
        words = self.words_at(*self._from_plot(at)) if at is not None else ""
        self._words.setVisible(bool(words))
        if not words:
            return
        self._words.setText(words)
        self._words.adjustSize()
        scene = self._plot.getViewBox().mapViewToScene(at)
        place = self.canvas.mapTo(self, self.canvas.mapFromScene(scene))
        gap = self.theme.px(14)
        left = place.x() + gap
        if left + self._words.width() > self.width():
            left = place.x() - gap - self._words.width()
        top = min(max(place.y() - self._words.height() - gap, 0), self.height())
        self._words.move(max(0, left), top)

    def words_at(self, x: float, y: float) -> str:
        """What is known of the cell at x and y."""
        found = self._map
        if found is None:
            return ""
        column = _nearest(self._axis(found.x), self._to_axis(x, 0))
        row = _nearest(self._axis(found.y), self._to_axis(y, 1))
        if column is None or row is None:
            return ""
        x_name, y_name, value = self._symbols
        where = f"{x_name} {found.x.values[column]:.3g} · {y_name} {found.y.values[row]:.3g}"
        mean, error = float(found.mean[row, column]), float(found.error[row, column])
        if not np.isfinite(mean):
            return f"{where}\nnot computed yet"
        uncertain = f" ± {error:.2g}" if np.isfinite(error) else ""
        theory = ""
        if self._predicted is not None and np.isfinite(self._predicted[row, column]):
            theory = f"\ntheory {self._predicted[row, column]:.3f}"
        return f"{where}\n{value} {mean:.3f}{uncertain}{theory}"


class _Hand(pg.ViewBox):
    """The area of the map: every press and drag in it moves the dot."""

    def __init__(self, view: MapView) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(False, False)
        self.setAcceptHoverEvents(True)
        self._view = view

    def mouseClickEvent(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            self._view._take(self.mapSceneToView(event.scenePos()), last=True)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            self._view._take(self.mapSceneToView(event.scenePos()), last=event.isFinish())

    def hoverEvent(self, event: Any) -> None:
        if event.isExit():
            self._view._hover(None)
        else:
            self._view._hover(self.mapSceneToView(event.scenePos()))


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
        return pg.QtCore.QRectF(-radius, -radius, 2 * radius, 2 * radius)

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


def _nearest(values: np.ndarray, at: float) -> int | None:
    """The index of the cell that holds a value, or None outside of all."""
    half = (values[-1] - values[0]) / max(1, len(values) - 1) / 2 or 0.5
    if not values[0] - half <= at <= values[-1] + half:
        return None
    return int(np.argmin(np.abs(values - at)))
