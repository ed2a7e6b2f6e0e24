"""A formula of the card: broken into lines where it is wider than its panel."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import mathematics
from app.theme.theme import Theme


POINTS = 10.5
LEAST = 140  # pixels of scale 1: narrower than this, a formula shrinks instead


class Equation(QWidget):
    """LaTeX set as large as the text beside it; never cut, and never smaller than it must be."""

    def __init__(self, theme: Theme, latex: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._latex = latex
        self.setAccessibleName(latex)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._gap = theme.px(4)
        points = POINTS * theme.scale * self.logicalDpiY() / 72
        self._pixels = round(mathematics.X_HEIGHT * points, 2)
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        drawn = self._set(width)
        return round(sum(high for _, _, high in drawn) + self._gap * (len(drawn) - 1) + 1)

    def sizeHint(self) -> QSize:
        width = self.theme.px(220)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(self.theme.px(LEAST), self.theme.px(16))

    def paintEvent(self, event) -> None:
        painter, ratio = QPainter(self), self.devicePixelRatioF()
        top = 0.0
        for line, pixels, height in self._set(self.width()):
            drawn = mathematics.picture(line, pixels, self.theme.hex("text"), ratio)
            if drawn is not None:
                painter.drawPixmap(QPointF(0, round(top * ratio) / ratio), drawn)
            else:
                painter.setPen(self.theme.colour("text"))
                painter.drawText(QPointF(0, top + height * 0.8), line)
            top += height + self._gap

    def _set(self, width: int) -> list[tuple[str, float, float]]:
        """Every line with the size of its letters and its height."""
        colour, found = self.theme.hex("text"), []
        for line in mathematics.lines(self._latex, self._pixels, colour, width):
            made = mathematics.formula(line, self._pixels, colour)
            if made is None:
                found.append((line, self._pixels, self._pixels * 1.5))
                continue
            shrunk = min(1.0, max(1, width) / made.width)
            found.append((line, round(self._pixels * shrunk, 2), made.height * shrunk))
        return found
