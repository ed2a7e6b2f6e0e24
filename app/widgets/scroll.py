"""A panel that is longer than its room."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QLinearGradient, QPainter
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from app.theme.theme import Theme


FADE = 36  # pixels over which what goes on disappears


class Veil(QWidget):
    """Fades the foot of a panel, so that it reads as more to come."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    def paintEvent(self, event) -> None:
        fade = QLinearGradient(0, 0, 0, self.height())
        fade.setColorAt(0, self.theme.colour("panel", 0))
        fade.setColorAt(1, self.theme.colour("panel"))
        QPainter(self).fillRect(self.rect(), fade)


class Scroll(QScrollArea):
    """Scrolls up and down, never sideways: it is at least as wide as what it holds."""

    def __init__(self, theme: Theme, inside: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._veil = Veil(theme, self)
        self.setWidget(inside)
        inside.installEventFilter(self)
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._place_veil)
        bar.rangeChanged.connect(self._place_veil)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._veil.restyle(theme)
        inside = self.widget()
        restyle = getattr(inside, "restyle", None)
        if restyle is not None:
            restyle(theme)
        self._widen()

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self._widen()
        return super().eventFilter(watched, event)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._widen()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place_veil()

    def _widen(self) -> None:
        least = self.widget().minimumSizeHint().width() + self.theme.px(10)
        if least != self.minimumWidth():
            self.setMinimumWidth(least)

    def _place_veil(self) -> None:
        bar, height = self.verticalScrollBar(), self.theme.px(FADE)
        width = self.width() - (bar.width() if bar.maximum() else 0)
        self._veil.setGeometry(QRect(0, self.height() - height, width, height))
        self._veil.setVisible(bar.value() < bar.maximum())
        self._veil.raise_()
