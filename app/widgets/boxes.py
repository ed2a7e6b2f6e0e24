"""Rows and columns whose margins and gaps grow with the interface, and how a look spreads."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.theme.theme import Theme


Item = QWidget | tuple[QWidget, int] | int | None
Margins = tuple[int, int, int, int]


def restyle_children(parent: QWidget, theme: Theme) -> None:
    """Give a new look to all that is inside; who has a `restyle` cares for its own children."""
    for child in parent.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
        restyle = getattr(child, "restyle", None)
        if restyle is not None:
            restyle(theme)
        else:
            restyle_children(child, theme)


def set_property(widget: QWidget, name: str, value: Any) -> None:
    """Set a property that the style sheet asks for; costs nothing when it is already so."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class Box(QFrame):
    """Children in a line. An int among them is a space in pixels of scale 1, None a stretch."""

    layout_kind: type[QHBoxLayout] | type[QVBoxLayout] = QHBoxLayout

    def __init__(
        self,
        theme: Theme,
        *items: Item,
        margins: Margins = (0, 0, 0, 0),
        gap: int = 8,
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._margins, self._gap = margins, gap
        self._spaces: list[tuple[Any, int]] = []
        if name:
            self.setObjectName(name)
        self.line = self.layout_kind(self)
        for item in items:
            self.add(item)
        self._measure()

    def add(self, item: Item) -> None:
        if item is None:
            self.line.addStretch(1)
        elif isinstance(item, int):
            self.line.addSpacing(self.theme.px(item))
            self._spaces.append((self.line.itemAt(self.line.count() - 1).spacerItem(), item))
        elif isinstance(item, tuple):
            self.line.addWidget(*item)
        else:
            self.line.addWidget(item)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._measure()
        restyle_children(self, theme)

    def _measure(self) -> None:
        px = self.theme.px
        self.line.setContentsMargins(*(px(m) if m else 0 for m in self._margins))
        self.line.setSpacing(px(self._gap) if self._gap else 0)
        fixed, least = QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Minimum
        for spacer, pixels in self._spaces:
            if isinstance(self.line, QHBoxLayout):
                spacer.changeSize(px(pixels), 0, fixed, least)
            else:
                spacer.changeSize(0, px(pixels), least, fixed)
        self.line.invalidate()


class Row(Box):
    """Children from left to right."""


class Column(Box):
    """Children from top to bottom."""

    layout_kind = QVBoxLayout


class Rule(QFrame):
    """A hairline between groups."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rule")


class Post(QFrame):
    """A hairline that stands between groups in a bar."""

    def __init__(self, theme: Theme, height: int = 24, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("post")
        self._height = height
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self.setFixedHeight(theme.px(self._height))
