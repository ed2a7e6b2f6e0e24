"""The head of a dock: its name, and the buttons that float and close it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QWidget

from app.widgets.boxes import Row
from app.widgets.buttons import IconButton
from app.widgets.labels import Label


if TYPE_CHECKING:
    from app.theme.theme import Theme


class DockTitle(QWidget):
    """Shrinks to nothing while a tab says the name already."""

    def __init__(self, theme: Theme, name: str, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setObjectName("dockTitle")
        float_button = IconButton(theme, "arrow-square-out", f"Float {name}", size=14)
        close = IconButton(theme, "x", f"Close {name}", size=14)
        float_button.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        close.clicked.connect(dock.close)
        self._row = Row(
            theme, Label(name, "strong"), None, float_button, close, margins=(12, 0, 6, 0), gap=2
        )
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._row)
        self._shown = True
        self.restyle(theme)

    def set_shown(self, shown: bool) -> None:
        self._shown = shown
        self.restyle(self.theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._row.restyle(theme)
        self._row.setVisible(self._shown)
        self.setFixedHeight(theme.px(theme.sizes["title"]) if self._shown else 0)
