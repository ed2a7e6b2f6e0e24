"""The diffusion clock: noise time as a scrubber, with the times that theory knows."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolTip, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.boxes import Row
from app.widgets.buttons import IconButton
from app.widgets.labels import SteadyLabel


PULSE = 33  # ms between two wishes of a hand that is held down: a touch need not arrive
STEP = 0.02  # of the whole scale, for an arrow key
REACH = 6  # pixels of scale 1 within which a mark tells its name
APART = 8  # pixels of scale 1 between the names of two marks


class ClockScale(QWidget):
    """The scale itself: data at the left, noise at the right, the run's place on it."""

    sought = Signal(float)  # noise time, again and again while the hand is down
    held = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now, self._backward = 1.0, True
        self._marks: tuple[tuple[str, float], ...] = ()
        self._span, self._log = (1e-3, 4.0), True
        self._seekable = self._down = False
        self._wanted = 1.0
        self.setAccessibleName("Noise time")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._pulse = QTimer(self, interval=PULSE)
        self._pulse.timeout.connect(lambda: self.sought.emit(self._wanted))
        self.restyle(theme)

    def show_time(self, now: float, *, backward: bool) -> None:
        if (now, backward) != (self._now, self._backward):
            self._now, self._backward = now, backward
            self.update()

    def show_scale(self, span: tuple[float, float], marks: dict[str, float], *, log: bool) -> None:
        """The ends, and times with names; those that are not numbers are not drawn."""
        known = tuple((name, t) for name, t in marks.items() if math.isfinite(t))
        if (span, known, log) != (self._span, self._marks, self._log):
            self._span, self._marks, self._log = span, known, log
            self.update()

    def set_seekable(self, seekable: bool) -> None:
        """Whether a hand may move the time."""
        if seekable == self._seekable:
            return
        self._seekable = seekable
        shape = Qt.CursorShape.PointingHandCursor if seekable else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)
        policy = Qt.FocusPolicy.StrongFocus if seekable else Qt.FocusPolicy.NoFocus
        self.setFocusPolicy(policy)

    # Places.

    def place(self, time: float) -> float:
        """Where a noise time lies, in pixels from the left."""
        pad = self._pad
        return pad + self.share(time) * (self.width() - 2 * pad)

    def share(self, time: float) -> float:
        low, high = self._span
        if self._log:
            time, low, high = (math.log(max(t, 1e-12)) for t in (time, low, high))
        return min(max((time - low) / (high - low), 0.0), 1.0)

    def time_at(self, x: float) -> float:
        pad = self._pad
        return self._at((x - pad) / max(1.0, self.width() - 2 * pad))

    def _at(self, share: float) -> float:
        share = min(max(share, 0.0), 1.0)
        low, high = self._span
        return low * (high / low) ** share if self._log else low + share * (high - low)

    @property
    def _pad(self) -> int:
        return self.theme.px(10)

    # The hand.

    def mousePressEvent(self, event: Any) -> None:
        if not self._seekable or event.button() != Qt.MouseButton.LeftButton:
            return
        self._down = True
        self._wanted = self.time_at(event.position().x())
        self.held.emit(True)
        self.sought.emit(self._wanted)
        self._pulse.start()
        self.update()

    def mouseMoveEvent(self, event: Any) -> None:
        x = event.position().x()
        if self._down:
            self._wanted = self.time_at(x)
            self.update()
            return
        for name, time in self._marks:
            if abs(self.place(time) - x) < self.theme.px(REACH):
                at = event.globalPosition().toPoint()
                QToolTip.showText(at, f"{name}: t = {_time(time)}, by theory", self)
                return
        QToolTip.hideText()

    def mouseReleaseEvent(self, event: Any) -> None:
        if self._down and event.button() == Qt.MouseButton.LeftButton:
            self.sought.emit(self._wanted)
            self._let_go()

    def hideEvent(self, event: Any) -> None:
        if self._down:  # the run must not rest for ever
            self._let_go()
        super().hideEvent(event)

    def _let_go(self) -> None:
        self._down = False
        self._pulse.stop()
        self.held.emit(False)
        self.update()

    def keyPressEvent(self, event: Any) -> None:
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if self._seekable and event.key() in ways:
            self.sought.emit(self._at(self.share(self._now) + STEP * ways[event.key()]))
            return
        super().keyPressEvent(event)

    # Painting.

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setMinimumWidth(theme.px(160))
        self.setFixedHeight(theme.px(46))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(320), self.theme.px(46))

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, middle = self.theme, float(self.theme.px(22))
        left, right = self.place(self._span[0]), self.place(self._span[1])
        painter.setPen(QPen(theme.colour("line_strong"), theme.px(2)))
        painter.drawLine(QPointF(left, middle), QPointF(right, middle))
        self._paint_ticks(painter, middle)
        self._paint_marks(painter, middle)
        if self._down:  # where the hand wants it
            painter.setPen(QPen(theme.colour("accent"), 1))
            x = self.place(self._wanted)
            painter.drawLine(QPointF(x, middle - theme.px(9)), QPointF(x, middle + theme.px(9)))
        if math.isfinite(self._now):
            self._paint_hand(painter, middle)

    def _paint_ticks(self, painter: QPainter, middle: float) -> None:
        theme = self.theme
        painter.setFont(theme.font("tick"))
        metrics = painter.fontMetrics()
        foot = middle + theme.px(20)
        ends = (("data", self._span[0], 0.0), ("noise", self._span[1], 1.0))
        taken = []
        painter.setPen(theme.colour("text3"))
        for word, time, side in ends:
            wide = metrics.horizontalAdvance(word)
            x = self.place(time) - side * wide - (1 - 2 * side) * theme.px(4)
            painter.drawText(QPointF(x, foot), word)
            taken.append((x - theme.px(6), x + wide + theme.px(6)))
        for time in self._ticks():
            x, word = self.place(time), _time(time)
            half = metrics.horizontalAdvance(word) / 2
            painter.setPen(QPen(theme.colour("line_strong"), 1))
            painter.drawLine(QPointF(x, middle), QPointF(x, middle + theme.px(5)))
            if all(x + half < start or x - half > end for start, end in taken):
                taken.append((x - half - theme.px(4), x + half + theme.px(4)))
                painter.setPen(theme.colour("text3"))
                painter.drawText(QPointF(x - half, foot), word)

    def _ticks(self) -> list[float]:
        low, high = self._span
        if not self._log:
            return [low + k / 4 * (high - low) for k in range(1, 4)]
        powers = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
        return [10.0**power for power in powers]

    def _paint_marks(self, painter: QPainter, middle: float) -> None:
        """Amber, as all that theory says: a triangle on the line, its name above."""
        theme = self.theme
        painter.setFont(theme.font("tick", QFont.Weight.Medium))
        metrics = painter.fontMetrics()
        end = -math.inf
        for name, time in sorted(self._marks, key=lambda mark: mark[1]):
            x, half, high = self.place(time), theme.px(4), theme.px(7)
            corners = ((x, middle - 1), (x - half, middle - high), (x + half, middle - high))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("theory"))
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
            wide = metrics.horizontalAdvance(name)
            start = min(max(x - wide / 2, 0.0), self.width() - wide)
            if start > end + theme.px(APART):
                painter.setPen(theme.colour("theory"))
                painter.drawText(QPointF(start, middle - theme.px(10)), name)
                end = start + wide

    def _paint_hand(self, painter: QPainter, middle: float) -> None:
        """Points to where the run goes: left to the data, right into the noise."""
        theme, x = self.theme, self.place(self._now)
        radius = theme.px(7 if self._seekable else 5)
        painter.setPen(QPen(theme.colour("panel"), theme.px(2)))
        painter.setBrush(theme.colour("accent" if self._seekable else "text"))
        painter.drawEllipse(QPointF(x, middle), radius, radius)
        way = -1 if self._backward else 1
        w = radius * 0.42
        tip = (
            (x + way * w, middle),
            (x - way * w * 0.7, middle - w),
            (x - way * w * 0.7, middle + w),
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("panel"))
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in tip]))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("accent"), 1))
            painter.drawEllipse(QPointF(x, middle), radius + theme.px(3), radius + theme.px(3))


class NoiseClock(QFrame):
    """Time in numbers, the scale, and the U-turn."""

    sought = Signal(float)
    held = Signal(bool)
    turn_asked = Signal(str)  # the name of a poke

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("clock")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._turn_name = ""
        self._way = SteadyLabel("", "caption")
        self._time = SteadyLabel("", "strong")
        self.scale = ClockScale(theme)
        self.turn = IconButton(theme, "arrow-u-up-left", "U-turn: add noise, and come back")
        self._line = Row(
            theme,
            self._time,
            self._way,
            (self.scale, 1),
            self.turn,
            margins=(12, 0, 8, 0),
            gap=6,
        )
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._line)
        self.scale.sought.connect(self.sought)
        self.scale.held.connect(self.held)
        self.turn.clicked.connect(lambda: self.turn_asked.emit(self._turn_name))
        self.restyle(theme)
        self.hide()

    def show_clock(self, clock: Any, *, seekable: bool) -> None:
        """A layer `Clock`; of panels the first, for they are at one time."""
        first = _first(clock.now)
        backward = bool(_first(clock.backward))
        self.scale.show_scale(
            clock.span,
            {name: _first(time) for name, time in clock.marks.items()},
            log=clock.log,
        )
        self.scale.show_time(first, backward=backward)
        self.scale.set_seekable(seekable)
        self._time.setText(f"t = {_time(first)}")
        self._way.setText("to data" if backward else "to noise")
        self._turn_name = clock.turn
        self.turn.setVisible(bool(clock.turn))

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._line.restyle(theme)
        self.setFixedHeight(theme.px(54))
        # Room for the widest words, so that nothing moves when they change.
        self._time.set_least(self._time.fontMetrics().horizontalAdvance("t = 0.00000") + 2)
        self._way.set_least(self._way.fontMetrics().horizontalAdvance("to noise") + 2)


def _first(value: Any) -> float:
    import numpy as np

    return float(np.ravel(np.asarray(value, float))[0])


def _time(time: float) -> str:
    """Three digits: 0.00125, 0.318, 2.35."""
    if not math.isfinite(time):
        return "–"
    if time >= 1e-4 and time < 1e4:
        text = f"{time:.3g}"
        return text if "e" not in text else f"{time:.6f}".rstrip("0")
    return numbers.value(float(f"{time:.3g}"))
