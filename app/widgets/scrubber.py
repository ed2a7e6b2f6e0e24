"""The timeline of a run: what can be gone back to, what was changed, where we are."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme.theme import Theme


class Scrubber(QWidget):
    """A hairline is the run's whole length, a bar what can be gone back to, a diamond a change.

    Without a past that is kept there is no handle, and nothing to drag.
    """

    sought = Signal(float)  # time

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now, self._end = 0.0, 1.0
        self._kept: tuple[float, float] | None = None
        self._changes: tuple[tuple[float, str], ...] = ()
        self._scenes: tuple[tuple[float, str], ...] = ()
        self._drag = False
        self.setAccessibleName("Timeline")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.restyle(theme)

    def set_now(self, time: float) -> None:
        """Where the run is; a run that is longer than the line makes it longer, in strides."""
        if time == self._now:
            return
        if time < self._now:
            self._changes = tuple(change for change in self._changes if change[0] <= time)
        self._now = time
        while time > 0.9 * self._end:
            self._end *= 2
        while time < 0.2 * self._end and self._end > 1 and not self._changes:
            self._end /= 2
        self.update()

    def set_kept(self, span: tuple[float, float] | None) -> None:
        """From when to when the run can be gone back to."""
        self._kept = span
        self.update()

    def add_change(self, time: float, words: str) -> None:
        """A parameter moved."""
        self._changes = (*self._changes[-199:], (time, words))
        self.update()

    def set_scenes(self, scenes: list[tuple[float, str]]) -> None:
        """Snapshots, with their names."""
        self._scenes = tuple(scenes)
        self.update()

    def clear(self) -> None:
        """A new run."""
        self._now, self._end, self._kept = 0.0, 1.0, None
        self._changes = self._scenes = ()
        self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setMinimumWidth(theme.px(60))
        self.setFixedHeight(theme.px(34))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(240), self.theme.px(34))

    def mousePressEvent(self, event) -> None:
        self._drag = self._kept is not None and event.button() == Qt.MouseButton.LeftButton
        self._seek(event.position().x())

    def mouseMoveEvent(self, event) -> None:
        x = event.position().x()
        self._seek(x)
        reach = self.theme.px(6)
        for time, words in (*self._changes, *self._scenes):
            if abs(self._place(time) - x) < reach:
                QToolTip.showText(event.globalPosition().toPoint(), words, self)
                return
        QToolTip.hideText()

    def mouseReleaseEvent(self, event) -> None:
        self._drag = False

    def _seek(self, x: float) -> None:
        if self._drag and self._kept is not None:
            pad = self.theme.px(8)
            time = (x - pad) / max(1, self.width() - 2 * pad) * self._end
            self.sought.emit(min(max(time, self._kept[0]), self._kept[1]))

    def _place(self, time: float) -> float:
        pad = self.theme.px(8)
        return pad + min(max(time / self._end, 0), 1) * (self.width() - 2 * pad)

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, now = self.height() / 2, self._place(self._now)

        def bar(start: float, end: float, thick: int, colour: str, alpha: float = 1.0) -> None:
            painter.setBrush(theme.colour(colour, alpha))
            height = theme.px(thick)
            area = QRectF(start, middle - height / 2, max(0.0, end - start), height)
            painter.drawRoundedRect(area, height / 2, height / 2)

        bar(self._place(0), self._place(self._end), 2, "line_strong", 0.75)
        if self._kept is not None:
            start, end = (self._place(time) for time in self._kept)
            bar(start, end, 6, "line_strong")
            bar(start, now, 6, "accent")
        else:
            bar(self._place(0), now, 2, "accent")
        painter.setPen(QPen(theme.colour("panel"), theme.scale * 1.5))
        painter.setBrush(theme.colour("text"))
        for time, _ in self._changes:
            x, w = self._place(time), theme.px(5)
            corners = ((x, middle - w), (x + w, middle), (x, middle + w), (x - w, middle))
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("text2"))
        for time, _ in self._scenes:
            x = self._place(time)
            painter.drawRoundedRect(QRectF(x - 1, middle - theme.px(11), 2, theme.px(8)), 1, 1)
            painter.drawEllipse(QPointF(x, middle - theme.px(11)), theme.px(3), theme.px(3))
        painter.setPen(QPen(theme.colour("panel"), theme.px(2)))
        painter.setBrush(theme.colour("text"))
        side = theme.px(8 if self._kept is not None else 5)
        painter.drawEllipse(QPointF(now, middle), side, side)
