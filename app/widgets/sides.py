"""A and B, told apart by colour and by shape: a disc and a square."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.widgets.labels import ElidedLabel, Label
from app.widgets.stage_chips import Chip


Side = Literal["a", "b"]


class SideMark(QWidget):
    """The disc of A or the square of B."""

    def __init__(self, theme: Theme, side: Side, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side: Side = side
        self.setAccessibleName(side.upper())
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setFixedSize(theme.px(10), theme.px(10))
        self.update()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour(self._side))
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self._side == "a":
            painter.drawEllipse(area)
        else:
            painter.drawRect(area)


class SideChip(Chip):
    """Names a side of the stage, and what is different on it."""

    def __init__(self, theme: Theme, side: Side, parent: QWidget | None = None) -> None:
        self._words = ElidedLabel("", "second", least=6)
        super().__init__(
            theme,
            SideMark(theme, side),
            Label(side.upper(), "title"),
            self._words,
            height=36,
            parent=parent,
        )

    def say(self, words: str, room: int) -> None:
        """What this side differs in, in so many pixels at most."""
        if words != self._words.text() or self.maximumWidth() != room:
            self._words.setText(words)
            self._words.setVisible(bool(words))
            self.setMaximumWidth(max(room, self.theme.px(60)))
            self.row.line.activate()
            self.adjustSize()
