"""Icons of a font, drawn once for each size and state and then kept.

qtawesome draws an icon anew whenever it is asked for, and what floats on the stage is painted with
every frame: that was a twentieth of the window's time.
"""

from __future__ import annotations

from typing import Any

import qtawesome
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap


def icon_of(name: str, colour: str, active: str, disabled: str) -> QIcon:
    """A Phosphor icon by its name, such as `play-fill`, in these colours."""
    drawn = qtawesome.icon(f"ph.{name}", color=colour, color_on=active, color_disabled=disabled)
    return QIcon(Kept(drawn))


class Kept(QIconEngine):
    """Another icon, which is asked once for each picture."""

    def __init__(self, icon: QIcon) -> None:
        super().__init__()
        self._icon = icon
        self._made: dict[tuple[Any, ...], QPixmap] = {}

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        self._icon.paint(painter, rect, Qt.AlignmentFlag.AlignCenter, mode, state)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Of so many device pixels: Qt has multiplied already."""
        key = size.width(), size.height(), mode, state
        if key not in self._made:
            made = QPixmap(size)
            made.fill(Qt.GlobalColor.transparent)
            painter = QPainter(made)
            self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
            painter.end()
            self._made[key] = made
        return self._made[key]

    def clone(self) -> QIconEngine:
        return Kept(self._icon)
