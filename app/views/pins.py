"""Small pictures of runs at other places of a map, each tied to its place by a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.views.choose import is_plot
from app.views.map_marks import RIM, RING
from app.widgets.buttons import IconButton
from app.widgets.labels import ElidedLabel


if TYPE_CHECKING:
    from app.companions import PinFrame
    from app.views.map_view import MapView
    from app.views.view import View

SIDE, FOOT = 84, 18  # pixels of a picture, and of the words below it
APART = 10


class Pin(QFrame):
    """A picture, what it measures, and a button that takes it away."""

    closed = Signal(int)

    def __init__(self, theme: Theme, key: int, place: tuple[float, float], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("chip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.key, self.place = key, place
        self.view: View | None = None
        self._words = ElidedLabel("…", "caption", least=4)
        self._column = QVBoxLayout(self)
        self._column.addStretch(1)
        self._column.addWidget(self._words)
        self._close = IconButton(theme, "x", "Take this picture away", size=10, parent=self)
        self._close.clicked.connect(lambda: self.closed.emit(key))
        self.restyle(theme)

    def show_frame(self, frame: PinFrame, symbol: str) -> None:
        if self.view is None:
            self.view = _small_view(frame, self.theme, self)
            self.view.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self._column.insertWidget(0, self.view, 10)
            self._close.raise_()
        self.view.show_layers(frame.layers)
        value = next(iter(frame.observables.values()), float("nan"))
        self._words.setText(f"{symbol} {value:.2f}")

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        px = theme.px
        self.setFixedSize(px(SIDE), px(SIDE + FOOT))
        self._column.setContentsMargins(px(3), px(3), px(3), px(1))
        self._column.setSpacing(0)
        self._words.setFixedHeight(px(FOOT))
        self._close.restyle(theme)
        self._close.setFixedSize(px(16), px(16))
        self._close.move(px(SIDE - 18), px(2))
        if self.view is not None:
            self.view.restyle(theme)


class Pins(QWidget):
    """All pins of a map, above it; presses go through to the map."""

    changed = Signal()

    def __init__(self, theme: Theme, over: MapView) -> None:
        super().__init__(over)
        self.theme, self._map = theme, over
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.pins: dict[int, Pin] = {}
        self._next = 1
        over.moved.connect(self.arrange)
        self.setGeometry(over.rect())
        self.hide()

    def add(self, x: float, y: float, most: int) -> None:
        """Pin a place; the oldest pin gives way where there are too many."""
        while len(self.pins) >= most:
            self._drop(next(iter(self.pins)))
        pin = Pin(self.theme, self._next, (x, y), self._map)
        pin.closed.connect(self.remove)
        self.pins[self._next] = pin
        self._next += 1
        pin.show()
        self.arrange()
        self.changed.emit()

    def remove(self, key: int) -> None:
        self._drop(key)
        self.arrange()
        self.changed.emit()

    def clear(self) -> None:
        for key in list(self.pins):
            self._drop(key)
        self.arrange()
        self.changed.emit()

    def _drop(self, key: int) -> None:
        pin = self.pins.pop(key)
        pin.hide()
        pin.deleteLater()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        for pin in self.pins.values():
            pin.restyle(theme)
        self.arrange()

    def arrange(self) -> None:
        """Each picture beside its place, inside of the map and beside the others."""
        self.setGeometry(self._map.rect())
        self.setVisible(bool(self.pins))
        self.raise_()
        taken: list[QRect] = []
        gap = self.theme.px(APART)
        for pin in self.pins.values():
            at = self._map.on_screen(*pin.place)
            pin.setVisible(at is not None)
            if at is None:
                continue
            wide, high = pin.width(), pin.height()
            corners = [
                QPoint(at.x() + dx, at.y() + dy)
                for dx in (gap, -gap - wide)
                for dy in (-gap - high, gap, -high // 2)
            ]
            corners += [
                QPoint(x, y)
                for y in range(0, self.height(), high + 4)
                for x in range(0, self.width(), wide + 4)
            ]
            frame = self.rect().adjusted(2, 2, -2, -2)
            free = [
                corner
                for corner in corners
                if frame.contains(QRect(corner, pin.size()))
                and not any(QRect(corner, pin.size()).intersects(other) for other in taken)
            ]
            place = free[0] if free else corners[0]
            pin.move(place)
            pin.raise_()
            taken.append(QRect(place, pin.size()))
        self.update()

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pin in self.pins.values():
            at = self._map.on_screen(*pin.place)
            if at is None:
                continue
            nearest = QPointF(
                min(max(at.x(), pin.x()), pin.x() + pin.width()),
                min(max(at.y(), pin.y()), pin.y() + pin.height()),
            )
            for colour, width in ((RIM, 3.4), (RING, 1.4)):
                painter.setPen(QPen(QColor(colour), width))
                painter.drawLine(QPointF(at), nearest)
                painter.drawEllipse(QPointF(at), 3, 3)


def _small_view(frame: PinFrame, theme: Theme, parent: QWidget) -> View:
    """Painted by Qt: several small OpenGL surfaces above a plot cost more than they give."""
    if is_plot(frame.layers):
        from app.views.plot import PlotView

        return PlotView(theme, parent)
    from app.views.painter_swarm import PainterSwarmView

    return PainterSwarmView(theme, parent, hint=type(frame.system).hints.get(frame.name))
