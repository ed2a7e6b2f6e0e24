"""A panel of the stage: one line of title, one picture."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Row
from app.widgets.buttons import IconButton
from app.widgets.labels import ElidedLabel


class PanelFrame(QFrame):
    """Title, some more words or widgets, tools at the right, and the body below."""

    export_asked = Signal()
    more_asked = Signal(object)  # QPoint on the screen, for a menu

    def __init__(
        self,
        theme: Theme,
        title: str,
        body: QWidget,
        extra: tuple[QWidget, ...] = (),
        tools: tuple[QWidget, ...] = (),
        *,
        export: bool = True,
        more: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.body = body
        self._title = ElidedLabel(title, "strong", least=18)
        self._title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._export = IconButton(theme, "export", "Export this view", size=14)
        self._more = IconButton(theme, "dots-three", "More", size=14)
        self._export.setVisible(export)
        self._more.setVisible(more)
        spaced = (8, *extra) if extra else ()
        self.head = Row(
            theme,
            self._title,
            *spaced,
            None,
            *tools,
            self._export,
            self._more,
            margins=(12, 0, 6, 0),
            gap=6,
        )
        self._column = QVBoxLayout(self)
        self._column.setSpacing(0)
        self._column.addWidget(self.head)
        self._column.addWidget(body, 1)
        self._export.clicked.connect(self.export_asked)
        self._more.clicked.connect(
            lambda: self.more_asked.emit(self._more.mapToGlobal(self._more.rect().bottomLeft()))
        )
        self._dress(theme)

    def set_title(self, title: str) -> None:
        self._title.setText(title)

    def title(self) -> str:
        return self._title.text()

    def restyle(self, theme: Theme) -> None:
        self.head.restyle(theme)
        restyle = getattr(self.body, "restyle", None)
        if restyle is not None:
            restyle(theme)
        self._dress(theme)

    def _dress(self, theme: Theme) -> None:
        self.theme = theme
        self.head.setFixedHeight(theme.px(theme.sizes["title"]))
        self._column.setContentsMargins(0, 0, 0, theme.px(6))
