"""Buttons of the look: icons without edges, words with them."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from app.theme.theme import Theme


class IconButton(QToolButton):
    """An icon to press; its tip is also its name for a screen reader."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        tip: str,
        *,
        size: int = 16,
        colour: str = "text2",
        checkable: bool = False,
        quiet: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon, self._size, self._colour = icon, size, colour
        self._active = "accent"
        if quiet:  # the icon alone says that it is on
            self._active = "text"
            self.setProperty("kind", "quiet")
        self.setCheckable(checkable)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.set_tip(tip)
        self.restyle(theme)

    def set_tip(self, tip: str) -> None:
        self.setToolTip(tip)
        self.setAccessibleName(tip.split("  ")[0])

    def set_icon(self, icon: str, colour: str = "") -> None:
        colour = colour or self._colour
        if (icon, colour) != (self._icon, self._colour):
            self._icon, self._colour = icon, colour
            self.restyle(self.theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setIcon(theme.icon(self._icon, self._colour, self._active))
        self.setIconSize(QSize(theme.px(self._size), theme.px(self._size)))


class WordButton(QPushButton):
    """A word to press: `outline`, `primary` (one a window) or `plain`."""

    def __init__(
        self,
        theme: Theme,
        text: str,
        icon: str = "",
        kind: str = "outline",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._icon = icon
        self._colour = "on_accent" if kind == "primary" else "text2"
        self.setProperty("kind", kind)
        self.setAutoDefault(False)
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        if self._icon:
            self.setIcon(theme.icon(self._icon, self._colour))
            self.setIconSize(QSize(theme.px(15), theme.px(15)))
