"""All shortcuts on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row
from app.widgets.buttons import IconButton
from app.widgets.labels import Label
from app.widgets.scroll import Scroll


Keys = tuple[str, str]  # what one presses, what it does
Group = tuple[str, Sequence[Keys]]


class KeyGroup(QWidget):
    """Shortcuts that belong together."""

    def __init__(self, theme: Theme, group: Group, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name, lines = group
        self.count = len(lines) + 2
        self._grid = QGridLayout(self)
        self._grid.setColumnStretch(0, 1)
        self._grid.addWidget(Label(name, "section"), 0, 0, 1, 2)
        for row, (keys, words) in enumerate(lines, 1):
            self._grid.addWidget(Label(words, "second"), row, 0)
            caps: list[QWidget | None] = [None, *(Label(key, "key") for key in keys.split("  "))]
            self._grid.addWidget(Row(theme, *caps, gap=4), row, 1)
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self._grid.setContentsMargins(0, 0, 0, theme.px(8))
        self._grid.setHorizontalSpacing(theme.px(16))
        self._grid.setVerticalSpacing(theme.px(4))


class KeyList(QFrame):
    """Floats over its parent; any key or a click beside it closes it."""

    closed = Signal()

    def __init__(self, theme: Theme, groups: Sequence[Group], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        close = IconButton(theme, "x", "Close  Esc")
        close.clicked.connect(self.leave)
        self._head = Row(theme, Label("Keys", "title"), None, close)
        made = [KeyGroup(theme, group) for group in groups]
        # The longest first onto the shorter column: both end at about the same height.
        columns: list[list[KeyGroup]] = [[], []]
        whole = sum(group.count for group in made)
        for group in made:
            left = sum(g.count for g in columns[0])
            columns[int(left + group.count / 2 > whole / 2)].append(group)
        body = Row(theme, *[(Column(theme, *c, None, gap=4), 1) for c in columns], gap=32)
        body.line.setContentsMargins(0, 0, 0, 0)
        self._scroll = Scroll(theme, body)
        self._column = QVBoxLayout(self)
        self._column.addWidget(self._head)
        self._column.addWidget(self._scroll, 1)
        parent.installEventFilter(self)
        self.setAccessibleName("All keys")
        self.hide()
        self.restyle(theme)

    def open(self) -> None:
        self._place()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def leave(self) -> None:
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def toggle(self) -> None:
        self.open() if self.isHidden() else self.leave()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._head.restyle(theme)
        self._scroll.restyle(theme)
        self._column.setContentsMargins(theme.px(24), theme.px(16), theme.px(16), theme.px(16))
        self._column.setSpacing(theme.px(12))
        self._place()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(760), self.theme.px(560))

    def keyPressEvent(self, event) -> None:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
        if event.key() in keys:
            bar = self._scroll.verticalScrollBar()
            step = 40 if event.key() in keys[:2] else bar.pageStep()
            down = event.key() in (Qt.Key.Key_Down, Qt.Key.Key_PageDown)
            bar.setValue(bar.value() + (step if down else -step))
        elif event.key() not in (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt):
            self.leave()

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        elif event.type() == QEvent.Type.MouseButtonPress and self.isVisible():
            self.leave()
        return super().eventFilter(watched, event)

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        if event.reason() == Qt.FocusReason.MouseFocusReason:
            self.leave()

    def _place(self) -> None:
        parent, px = self.parentWidget(), self.theme.px
        inside = self._scroll.widget().sizeHint()
        width = min(max(px(760), inside.width() + px(60)), parent.width() - px(32))
        height = min(inside.height() + px(90), parent.height() - px(64))
        left, top = (parent.width() - width) // 2, (parent.height() - height) // 2
        self.setGeometry(left, top, width, height)
