"""Recent files as a menu: a picture, what it shows, and where it lies."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractButton, QMenu, QWidget, QWidgetAction

from app.theme.theme import Theme


class RecentRow(QAbstractButton):
    """One file."""

    def __init__(
        self, theme: Theme, title: str, path: Path, picture: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._title, self._where = title, path.name
        self._picture = QPixmap(str(picture)) if picture.is_file() else QPixmap()
        self.setAccessibleName(f"{title}, {path.name}")
        self.setToolTip(str(path))
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(320), self.theme.px(54))

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self.underMouse() or self.hasFocus():
            painter.fillRect(self.rect(), theme.colour("hover"))
        edge = theme.px(8)
        area = QRect(edge, theme.px(5), theme.px(70), theme.px(44))
        painter.fillRect(area, theme.colour("stage"))
        if not self._picture.isNull():
            painter.drawPixmap(area, self._picture)
        left = area.right() + theme.px(12)
        words = self.rect().adjusted(left, theme.px(8), -edge, -theme.px(8))
        elide = Qt.TextElideMode.ElideMiddle
        painter.setFont(theme.font("body", QFont.Weight.DemiBold))
        painter.setPen(theme.colour("text"))
        title = painter.fontMetrics().elidedText(self._title, elide, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignTop, title)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text3"))
        where = painter.fontMetrics().elidedText(self._where, elide, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignBottom, where)


def add_row(menu: QMenu, row: RecentRow) -> QWidgetAction:
    """Put a row into a menu, which closes when it is pressed."""
    action = QWidgetAction(menu)
    action.setDefaultWidget(row)
    row.clicked.connect(lambda: menu.close())
    row.clicked.connect(action.trigger)
    menu.addAction(action)
    return action
