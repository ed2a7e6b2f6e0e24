"""Nine places for snapshots, as many as there are digits: press one to go back to it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme.theme import Theme


SLOTS = 9
GAP = 4


class SnapshotStrip(QWidget):
    """A filled place holds a snapshot; an empty one keeps the present when it is pressed."""

    recalled = Signal(int)  # the digit of a snapshot
    stored = Signal(int)  # the digit that the present is to have

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words: dict[int, str] = {}
        self._over = 0
        self.setAccessibleName("Snapshots")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.restyle(theme)

    def show_slots(self, words: Mapping[int, str]) -> None:
        """What each digit holds, in words."""
        self._words = dict(words)
        held = ", ".join(map(str, sorted(self._words))) or "none"
        self.setAccessibleDescription(f"Held: {held}")
        self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setFixedHeight(theme.px(26))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(228), self.theme.px(26))

    def mousePressEvent(self, event) -> None:
        slot = self._slot(event.position().x())
        if not slot or event.button() != Qt.MouseButton.LeftButton:
            return
        keeps = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        (self.recalled if slot in self._words and not keeps else self.stored).emit(slot)

    def mouseMoveEvent(self, event) -> None:
        slot = self._slot(event.position().x())
        if slot == self._over:
            return
        self._over = slot
        self.update()
        if slot:
            empty = f"Snapshot {slot}: empty. Press to keep the present  Ctrl+{slot}"
            held = f"Snapshot {slot}: {self._words.get(slot)}. Press to go there  {slot}"
            words = held if slot in self._words else empty
            QToolTip.showText(event.globalPosition().toPoint(), words, self)

    def leaveEvent(self, event) -> None:
        self._over = 0
        self.update()

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("caption"))
        for slot in range(1, SLOTS + 1):
            area, held, over = self._area(slot), slot in self._words, slot == self._over
            painter.setBrush(theme.colour("hover" if over else "raised" if held else "panel"))
            painter.setPen(QPen(theme.colour("accent" if held else "line"), 1))
            painter.drawRoundedRect(area, theme.px(4), theme.px(4))
            painter.setPen(theme.colour("text" if held else "text3"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, str(slot))

    def _area(self, slot: int) -> QRectF:
        gap = self.theme.px(GAP)
        each = (self.width() - (SLOTS - 1) * gap) / SLOTS
        return QRectF((slot - 1) * (each + gap) + 0.5, 0.5, each - 1, self.height() - 1)

    def _slot(self, x: float) -> int:
        return next(
            (s for s in range(1, SLOTS + 1) if self._area(s).left() <= x <= self._area(s).right()),
            0,
        )
