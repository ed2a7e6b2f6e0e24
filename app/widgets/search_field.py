"""A field that filters what stands below it."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QLineEdit, QWidget

from app.theme.theme import Theme


class SearchField(QLineEdit):
    """A line with a magnifying glass; Esc empties it."""

    def __init__(self, theme: Theme, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.setClearButtonEnabled(False)
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setTextMargins(theme.px(18), 0, 0, 0)

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event) -> None:
        super().paintEvent(event)
        side = self.theme.px(14)
        area = QRect(self.theme.px(9), (self.height() - side) // 2, side, side)
        self.theme.icon("magnifying-glass", "text3").paint(QPainter(self), area)
