"""The mark: many become one, a ring of grains that gathers."""

import math
from functools import cache

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from app.theme.tokens import tokens


GRAINS = 14


@cache
def logo(size: int, ratio: float = 1.0) -> QPixmap:
    """The mark in a square of `size` logical pixels."""
    import cmap

    image = QPixmap(round(size * ratio), round(size * ratio))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    colours = cmap.Colormap(tokens()["maps"]["phase"])
    whole = size * ratio
    for grain in range(GRAINS):
        share = grain / GRAINS
        angle = 2 * math.pi * share**1.6 + 0.5
        radius = whole * (0.085 - 0.045 * share)
        painter.setBrush(QColor(colours(0.12 + 0.8 * share).hex))
        x, y = math.cos(angle), -math.sin(angle)
        painter.drawEllipse(
            QPointF(whole * (0.5 + 0.37 * x), whole * (0.5 + 0.37 * y)), radius, radius
        )
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def icon() -> QIcon:
    """The mark as the window's icon, in the sizes that desktops ask for."""
    made = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        made.addPixmap(logo(size))
    return made
