"""Two pictures side by side, or one under the other with a wipe between them."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme


LEAST, MOST = 0.04, 0.96  # share of the width that the first picture may take
GRIP = 11  # pixels that the hand can take hold of


class Opening(QWidget):
    """The part of the stage through which a picture is seen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.picture: QWidget | None = None

    def put(self, picture: QWidget | None) -> None:
        self.picture = picture
        if picture is not None:
            picture.setParent(self)
            picture.show()


class Grip(QWidget):
    """The line between the two, to be drawn aside."""

    moved = Signal(float)  # to this place of the parent, in pixels

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName("Divider between A and B")
        self.set_loose(True)

    def set_loose(self, loose: bool) -> None:
        """Whether the hand can move it."""
        self._loose = loose
        self.setEnabled(loose)
        self.setToolTip("Drag to wipe; double-click for the middle" if loose else "")
        self.update()

    def mouseMoveEvent(self, event) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.moved.emit(self.mapToParent(event.position().toPoint()).x())

    def mouseDoubleClickEvent(self, event) -> None:
        self.moved.emit(self.parentWidget().width() / 2)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        middle = self.width() / 2
        if not self._loose:
            painter.fillRect(
                QRect(round(middle - 1), 0, 2, self.height()), self.theme.colour("window")
            )
            return
        painter.fillRect(QRect(round(middle - 1), 0, 2, self.height()), self.theme.colour("text2"))
        tall = self.theme.px(36)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("text"))
        top = (self.height() - tall) // 2
        wide = self.theme.px(5)
        painter.drawRoundedRect(QRect(round(middle - wide / 2), top, wide, tall), 2, 2)


class Divided(QWidget):
    """Holds one picture, or two. Side by side each has its half; under a wipe both are whole."""

    placed = Signal()  # the places of the pictures have changed

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._first, self._second = Opening(self), Opening(self)
        self._grip = Grip(theme, self)
        self._share, self._wipes = 0.5, False
        self._second.hide()
        self._grip.hide()
        self._grip.moved.connect(lambda x: self.set_share(x / max(1, self.width())))
        self.set_wipes(False)

    def put(self, first: QWidget | None, second: QWidget | None = None) -> None:
        """Show this picture, or these two; those before are let go, not deleted."""
        self._first.put(first)
        self._second.put(second)
        self._second.setVisible(second is not None)
        self._grip.setVisible(second is not None)
        self._place()

    @property
    def wipes(self) -> bool:
        return self._wipes

    def set_wipes(self, wipes: bool) -> None:
        self._wipes = wipes
        self._share = 0.5  # halves see equally much
        self._grip.set_loose(wipes)
        self._place()

    @property
    def share(self) -> float:
        """Of the width that is the first picture's."""
        return self._share

    def set_share(self, share: float) -> None:
        self._share = min(max(share, LEAST), MOST)
        self._place()

    @property
    def border(self) -> int:
        """Where the second picture begins, in pixels."""
        two = self._second.picture is not None
        return round(self._share * self.width()) if two else self.width()

    def restyle(self, theme: Theme) -> None:
        self.theme = self._grip.theme = theme
        self._place()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        width, height, border = self.width(), self.height(), self.border
        self._first.setGeometry(0, 0, border, height)
        self._second.setGeometry(border, 0, width - border, height)
        whole = self._wipes and self._second.picture is not None
        if self._first.picture is not None:
            self._first.picture.setGeometry(0, 0, width if whole else border, height)
        if self._second.picture is not None:
            place = (-border, 0, width, height) if whole else (0, 0, width - border, height)
            self._second.picture.setGeometry(*place)
        grip = self.theme.px(GRIP)
        self._grip.setGeometry(border - grip // 2, 0, grip, height)
        self._grip.raise_()
        self.placed.emit()
