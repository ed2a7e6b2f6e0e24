"""The page of a figure, at its true proportions."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.theme import Theme


class PagePreview(QWidget):
    """Shows the page as large as there is room; while a newer one is drawn, the last one stays."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._picture: QPixmap | None = None
        self._words = "The page is being drawn…"
        self._clear = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Preview of the page")

    def set_picture(self, picture: QPixmap | None, words: str = "") -> None:
        self._picture, self._words = picture, words
        self.update()

    def set_clear(self, clear: bool) -> None:
        """Whether the page has no ground of its own."""
        self._clear = clear
        self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(self.theme.px(280), self.theme.px(200))

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(520), self.theme.px(460))

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("window"))
        painter.drawRoundedRect(self.rect(), theme.px(6), theme.px(6))
        edge = theme.px(20)
        room = QRectF(self.rect()).adjusted(edge, edge, -edge, -edge)
        if self._picture is None or self._picture.isNull():
            painter.setPen(theme.colour("text3"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, int(flags), self._words)
            return
        size = QSize(self._picture.size())
        size.scale(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        page = QRectF(0, 0, size.width(), size.height())
        page.moveCenter(room.center())
        if self._clear:
            self._draw_checks(painter, page)
        painter.drawPixmap(page, self._picture, QRectF(self._picture.rect()))
        painter.setPen(theme.colour("line_strong"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(page)

    def _draw_checks(self, painter: QPainter, page: QRectF) -> None:
        painter.fillRect(page, QColor("#ffffff"))
        side = self.theme.px(8)
        for row in range(int(page.height() // side) + 1):
            for column in range(row % 2, int(page.width() // side) + 1, 2):
                check = QRectF(page.x() + column * side, page.y() + row * side, side, side)
                painter.fillRect(check.intersected(page), QColor("#e6e9ee"))
