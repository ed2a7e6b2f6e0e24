"""One distance: its symbol, what it is called, how it went, and its value with its error."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import mathematics
from app.theme.theme import Theme
from app.widgets import numbers


KEPT = 120  # values that the line remembers
LINE = 84  # pixels of scale 1 of the line of past values
ROOMY = 330  # pixels of scale 1 above which there is room for it


class MetricRow(QWidget):
    """Painted in one go; the line of past values gives way where there is little room."""

    def __init__(
        self,
        theme: Theme,
        latex: str,
        name: str,
        tip: Callable[[], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._latex, self._name, self._tip = latex, name, tip
        self.words = ("–", "")  # value and error
        self._past: deque[float] = deque(maxlen=KEPT)
        self._marked = False
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.restyle(theme)

    def show_value(self, value: float, error: float, *, approximate: bool = False) -> None:
        """A new value; an `approximate` one is written with ≈."""
        self.words = numbers.estimate(value, error)
        self._marked = approximate
        if math.isfinite(value):
            self._past.append(value)
        self.update()

    def forget(self) -> None:
        """Another run: nothing is known, and nothing was."""
        self.words, self._marked = ("–", ""), False
        self._past.clear()
        self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setFixedHeight(theme.px(28))
        self.setMinimumWidth(theme.px(200))
        self.update()

    def event(self, event) -> bool:
        if event.type() == QEvent.Type.ToolTip:  # set now: nobody waits for what nobody reads
            QToolTip.showText(event.globalPos(), self._tip(), self)
            return True
        return super().event(event)

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(300), self.theme.px(28))

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, left = self.height() / 2, float(theme.px(12))
        self._paint_symbol(painter, left, middle)
        left += theme.px(58)
        right = self.width() - theme.px(12)
        right = self._paint_value(painter, right, middle)
        if self.width() > theme.px(ROOMY):
            self._paint_line(painter, right - theme.px(LINE + 10), middle)
            right -= theme.px(LINE + 18)
        painter.setFont(theme.font("body"))
        painter.setPen(theme.colour("text2"))
        area = QRectF(left, 0, max(0.0, right - left - theme.px(8)), self.height())
        words = painter.fontMetrics().elidedText(
            self._name, Qt.TextElideMode.ElideRight, int(area.width())
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_symbol(self, painter: QPainter, left: float, middle: float) -> None:
        theme, ratio = self.theme, self.devicePixelRatioF()
        points = theme.type["body"] * theme.scale * self.logicalDpiY() / 72
        pixels = round(mathematics.X_HEIGHT * points, 2)
        drawn = mathematics.picture(self._latex, pixels, theme.hex("text"), ratio)
        if drawn is not None:
            top = round((middle - drawn.height() / ratio / 2) * ratio) / ratio
            painter.drawPixmap(QPointF(left, top), drawn)

    def _paint_value(self, painter: QPainter, right: float, middle: float) -> float:
        """The error at the right, the value before it; both in columns of their own."""
        theme = self.theme
        value, error = self.words
        error_width = theme.px(66)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text3"))
        area = QRectF(right - error_width, 0, error_width, self.height())
        if error:
            place = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            painter.drawText(area, place, f" ± {error}")
        painter.setFont(theme.font("body", QFont.Weight.DemiBold))
        painter.setPen(theme.colour("text"))
        words = f"≈ {value}" if self._marked else value
        wide = theme.px(66)
        area = QRectF(right - error_width - wide, 0, wide, self.height())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words)
        return right - error_width - wide

    def _paint_line(self, painter: QPainter, left: float, middle: float) -> None:
        """The past, from the lowest of it to the highest; logarithmic where it falls far."""
        past = np.array(self._past)
        if len(past) < 2:
            return
        if past.min() > 0 and past.max() > 10 * past.min():
            past = np.log(past)
        low, high = past.min(), past.max()
        theme = self.theme
        share = (past - low) / (high - low) if high > low else np.full(len(past), 0.5)
        x = left + np.linspace(0, theme.px(LINE), KEPT)[-len(past) :]
        y = middle + theme.px(8) - share * theme.px(16)
        painter.setPen(QPen(theme.colour("measured", 0.8), 1))
        painter.drawPolyline(QPolygonF([QPointF(*at) for at in zip(x, y, strict=True)]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("measured"))
        painter.drawEllipse(QPointF(x[-1], y[-1]), theme.px(2), theme.px(2))
