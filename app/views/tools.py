"""How the tools of the mouse look: an icon each, and a pointer that tells which one is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QPainter, QPen, QPixmap


if TYPE_CHECKING:
    from app.theme.theme import Theme

CAMERA = "hand-grabbing"
ICONS = (  # words of a poke's name, and what stands for them
    (("push", "repel", "blow"), "arrows-out"),
    (("pull", "attract", "gather"), "arrows-in"),
    (("stir", "swirl", "twist", "turn"), "arrows-clockwise"),
    (("drag", "move", "carry"), "hand-pointing"),
    (("infect", "vaccinate"), "bug"),
    (("heat", "burn"), "fire"),
    (("flip", "paint", "draw", "write", "seed", "put", "add"), "paint-brush"),
    (("erase", "remove", "cut"), "eraser"),
)
SIDE, CENTRE = 36, 11  # pixels of scale 1 of a pointer, and where its cross stands


def icon_of(name: str) -> str:
    """The icon of a poke, by the words of its name."""
    parts = name.split("_")
    return next((icon for words, icon in ICONS if set(words) & set(parts)), "hand-pointing")


def cursor_of(theme: Theme, name: str) -> QCursor:
    """A small cross with the icon of the tool beside it."""
    screen = QGuiApplication.primaryScreen()
    ratio = screen.devicePixelRatio() if screen is not None else 1.0
    side, centre = theme.px(SIDE), theme.px(CENTRE)
    picture = QPixmap(round(side * ratio), round(side * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    inner, outer = theme.px(3), theme.px(9)
    for width, token in ((3, "stage"), (1, "text")):  # a rim, so that it shows on any colour
        painter.setPen(QPen(theme.colour(token), width))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            start = QPoint(centre + inner * dx, centre + inner * dy)
            painter.drawLine(start, QPoint(centre + outer * dx, centre + outer * dy))
    size = theme.px(16)
    theme.icon(icon_of(name), "text").paint(painter, side - size, side - size, size, size)
    painter.end()
    return QCursor(picture, centre, centre)
