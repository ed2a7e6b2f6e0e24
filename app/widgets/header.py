"""The head of the window: mark, menus, search, and the one filled button."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenuBar,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from app.theme.logo import logo
from app.theme.theme import Theme
from app.widgets.boxes import Row
from app.widgets.buttons import IconButton, WordButton
from app.widgets.labels import IconLabel, Label


COMPACT = 1600  # pixels of scale 1 below which words give way
MOONS = {"dark": "moon", "light": "sun", "contrast": "circle-half"}


class Mark(QWidget):
    """The logo of the program."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Manyscope")
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self._side = theme.px(24)
        self.setFixedSize(self._side, self._side)
        self.update()

    def paintEvent(self, event) -> None:
        QPainter(self).drawPixmap(0, 0, logo(self._side, self.devicePixelRatioF()))


class PaletteButton(QPushButton):
    """Looks like a field, opens the command palette."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self.setAccessibleName("Command palette")
        self.setToolTip("Every action, system and parameter  Ctrl+K")
        self._words = Label("Search actions, systems, parameters", "caption")
        key = Label("Ctrl K", "key")
        self._row = Row(
            theme,
            IconLabel(theme, "magnifying-glass", "text3", 14),
            self._words,
            None,
            key,
            margins=(10, 0, 8, 0),
        )
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._row)
        self._row.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.set_compact(False, theme)

    def set_compact(self, compact: bool, theme: Theme) -> None:
        self._row.restyle(theme)
        self._words.setText("Search" if compact else "Search actions, systems, parameters")
        self.setFixedSize(theme.px(190 if compact else 380), theme.px(28))


class Header(QFrame):
    """The window adds its menus to `menu_bar`."""

    palette_asked = Signal()
    theme_asked = Signal()
    video_asked = Signal()
    export_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("header")
        self.menu_bar = QMenuBar()
        self.menu_bar.setNativeMenuBar(False)
        self.menu_bar.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self._name = Label("Manyscope", "title")
        self._find = PaletteButton(theme)
        self._theme_button = IconButton(theme, "moon", "Light, dark or contrast  Ctrl+Shift+T")
        self.video = IconButton(theme, "film-strip", "Export video  Ctrl+Shift+E")
        self.export = WordButton(theme, "Export figure", "export", "primary")
        self.export.setToolTip("Export figure  Ctrl+E")
        self._line = Row(
            theme,
            Mark(theme),
            self._name,
            self.menu_bar,
            None,
            self._find,
            None,
            self._theme_button,
            self.video,
            self.export,
            margins=(12, 0, 12, 0),
            gap=8,
        )
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 1)
        whole.addWidget(self._line)
        self._find.clicked.connect(self.palette_asked)
        self._theme_button.clicked.connect(self.theme_asked)
        self.video.clicked.connect(self.video_asked)
        self.export.clicked.connect(self.export_asked)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._was: bool | None = None
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._line.restyle(theme)
        self._theme_button.set_icon(MOONS[theme.name])
        self.setFixedHeight(theme.px(theme.sizes["header"]))
        self._was = None
        self._measure()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(1000), self.theme.px(44))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._measure()

    def _measure(self) -> None:
        compact = self.width() < self.theme.px(COMPACT)
        if compact == self._was:
            return
        self._was = compact
        self._name.setVisible(not compact)
        self.export.setText("Export" if compact else "Export figure")
        self._find.set_compact(compact, self.theme)
