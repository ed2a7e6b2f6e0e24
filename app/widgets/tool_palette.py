"""What the left button does in a view: the camera, or one of the tools of the system."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QToolButton, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.labels import Label


FEW = 3  # tools that are named; of more the icons have to do


class Tool(NamedTuple):
    """As the palette shows it."""

    word: str
    icon: str
    help: str = ""


class ToolPalette(QFrame):
    """Icons with words, one of them on, and the radius within which it acts."""

    chosen = Signal(str)  # the word

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("segment")
        self._line = QHBoxLayout(self)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        self._tools: tuple[Tool, ...] = ()
        self._room: int | None = None  # pixels; None: as much as it takes
        self._radius = Label("", "caption")
        self._radius.setToolTip("Radius of the tool  Ctrl+wheel")
        self._line.addWidget(self._radius)
        self._radius.hide()
        self._group.buttonClicked.connect(lambda button: self._choose(button.accessibleName()))
        self.restyle(theme)

    def set_tools(self, tools: tuple[Tool, ...]) -> None:
        """Offer these; the first is on."""
        for button in self._buttons.values():
            self._group.removeButton(button)
            button.hide()
            button.deleteLater()
        self._buttons, self._tools = {}, tools
        for place, tool in enumerate(tools):
            button = QToolButton()
            button.setText(tool.word)
            button.setCheckable(True)
            button.setAccessibleName(tool.word)
            button.setToolTip(tool.help or tool.word)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._group.addButton(button)
            self._line.insertWidget(place, button)
            self._buttons[tool.word] = button
        if tools:
            self.setValue(tools[0].word)
        self.restyle(self.theme)

    def value(self) -> str:
        button = self._group.checkedButton()
        return button.accessibleName() if button else ""

    def setValue(self, word: str) -> None:
        if word in self._buttons:
            self._buttons[word].setChecked(True)
            self._radius.setVisible(self._acts)

    def set_radius(self, radius: float) -> None:
        """Of the ring at the pointer, in the system's units."""
        self._radius.setText(f"r = {numbers.value(float(f'{radius:.2g}'))}")
        self._radius.setVisible(self._acts)

    def set_room(self, room: int) -> None:
        """Within so many pixels: tools are not named where their names do not fit."""
        named, self._room = self._named, room
        if self._named != named:
            self.restyle(self.theme)

    @property
    def _named(self) -> bool:
        advance, px = self.fontMetrics().horizontalAdvance, self.theme.px
        wide = sum(advance(tool.word) + px(46) for tool in self._tools)
        wide += self._radius.sizeHint().width() if self._radius.isVisibleTo(self) else 0
        return len(self._tools) <= FEW and (self._room is None or wide <= self._room)

    @property
    def _acts(self) -> bool:
        return bool(self._tools) and self.value() != self._tools[0].word

    def _choose(self, word: str) -> None:
        self._radius.setVisible(self._acts)
        self.chosen.emit(word)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._line.setContentsMargins(*[theme.px(2)] * 4)
        self._line.setSpacing(theme.px(2))
        self._radius.setContentsMargins(theme.px(6), 0, theme.px(6), 0)
        style = (
            Qt.ToolButtonStyle.ToolButtonTextBesideIcon
            if self._named
            else Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        for tool in self._tools:
            button = self._buttons[tool.word]
            button.setIcon(theme.icon(tool.icon, "text2", "accent"))
            button.setIconSize(QSize(theme.px(14), theme.px(14)))
            button.setToolButtonStyle(style)
