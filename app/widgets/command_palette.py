"""Every action, system and parameter by a few letters of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QVBoxLayout,
    QWidget,
)

from app.theme.theme import Theme
from app.widgets.boxes import Rule


WIDTH, ROWS = 560, 9  # pixels of scale 1, lines that are seen at once


class Command(NamedTuple):
    """Something that can be asked for by its name."""

    title: str
    hint: str = ""  # where it belongs: a menu, a family
    shortcut: str = ""
    run: Callable[[], object] = lambda: None


def match(wanted: str, text: str) -> float | None:
    """How well letters fit a text that has them in this order; None if it has not.

    Beginnings of words and letters that follow each other count for more.
    """
    wanted, text = wanted.casefold().replace(" ", ""), text.casefold()
    if not wanted:
        return 0.0
    if wanted in text.replace(" ", ""):
        start = text.replace(" ", "").index(wanted)
        whole = any(word.startswith(wanted) for word in text.split())
        return 100.0 + 50 * whole + 30 * (start == 0) - 0.1 * len(text)
    score, place, last = 0.0, 0, -2
    for letter in wanted:
        found = text.find(letter, place)
        if found < 0:
            return None
        begins = found == 0 or not text[found - 1].isalnum()
        score += 1 + 4 * begins + 3 * (found == last + 1) - 0.02 * (found - place)
        last, place = found, found + 1
    return score - 0.05 * len(text)


class _Line(QStyledItemDelegate):
    def __init__(self, palette: CommandPalette) -> None:
        super().__init__(palette)
        self._palette = palette

    def sizeHint(self, option, index) -> QSize:
        return QSize(0, self._palette.theme.px(32))

    def paint(self, painter: QPainter, option, index) -> None:
        theme, command = self._palette.theme, index.data(Qt.ItemDataRole.UserRole)
        area = option.rect.adjusted(theme.px(6), 1, -theme.px(6), -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent_soft"))
            painter.drawRoundedRect(area, theme.px(6), theme.px(6))
        inner = area.adjusted(theme.px(8), 0, -theme.px(8), 0)
        middle, right = Qt.AlignmentFlag.AlignVCenter, inner.right()
        painter.setFont(theme.font("caption"))
        if command.shortcut:
            wide = painter.fontMetrics().horizontalAdvance(command.shortcut) + theme.px(10)
            high = theme.px(18)
            key = QRect(right - wide, inner.center().y() - high // 2, wide, high)
            painter.setPen(theme.colour("line_strong"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(key, theme.px(4), theme.px(4))
            painter.setPen(theme.colour("text3"))
            painter.drawText(key, Qt.AlignmentFlag.AlignCenter, command.shortcut)
            right = key.left() - theme.px(10)
        painter.setPen(theme.colour("text3"))
        wide = painter.fontMetrics().horizontalAdvance(command.hint)
        place = QRect(right - wide, inner.top(), wide, inner.height())
        painter.drawText(place, middle, command.hint)
        painter.setFont(theme.font("body"))
        painter.setPen(theme.colour("text"))
        room = QRect(inner.left(), inner.top(), place.left() - inner.left() - 8, inner.height())
        elide = Qt.TextElideMode.ElideRight
        title = painter.fontMetrics().elidedText(command.title, elide, room.width())
        painter.drawText(room, middle, title)


class CommandPalette(QFrame):
    """Floats over its parent; Enter runs what is chosen, Esc or a click elsewhere closes it."""

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._commands: list[Command] = []
        self._before: QWidget | None = None
        self.field = QLineEdit()
        self.field.setProperty("kind", "command")
        self.field.setPlaceholderText("Search actions, systems, parameters")
        self.field.setAccessibleName("Command palette")
        self._list = QListWidget()
        self._list.setItemDelegate(_Line(self))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setUniformItemSizes(True)
        self._column = QVBoxLayout(self)
        self._column.addWidget(self.field)
        self._column.addWidget(Rule())
        self._column.addWidget(self._list, 1)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self._list.itemClicked.connect(self._run)
        parent.installEventFilter(self)
        self.hide()
        self.restyle(theme)

    def set_commands(self, commands: list[Command]) -> None:
        self._commands = commands
        if self.isVisible():
            self._filter(self.field.text())

    def open(self) -> None:
        """Show all commands, ready for letters."""
        window = self.window()
        self._before = window.focusWidget()
        self.field.clear()
        self._filter("")
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def leave(self) -> None:
        """Close, and give the focus back to who had it."""
        if self.isHidden():
            return
        self.hide()
        before, self._before = self._before, None
        if before is not None:
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.closed.emit()

    def titles(self) -> list[str]:
        """What is listed now, best first."""
        rows = range(self._list.count())
        return [self._list.item(row).data(Qt.ItemDataRole.UserRole).title for row in rows]

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._column.setContentsMargins(1, theme.px(4), 1, theme.px(6))
        self._column.setSpacing(theme.px(4))
        self._place()
        self._list.doItemsLayout()

    def eventFilter(self, watched, event) -> bool:
        if watched is self.field:
            if event.type() == QEvent.Type.KeyPress:
                return self._on_key(event.key())
            left = event.type() == QEvent.Type.FocusOut and self.isVisible()
            if left and event.reason() != Qt.FocusReason.PopupFocusReason:
                self._before = None
                self.leave()
        elif event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _on_key(self, key: int) -> bool:
        step = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: ROWS,
            Qt.Key.Key_PageUp: -ROWS,
        }.get(Qt.Key(key))
        if step is not None and self._list.count():
            row = self._list.currentRow() + step
            if abs(step) == 1:
                row %= self._list.count()
            self._list.setCurrentRow(min(max(row, 0), self._list.count() - 1))
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self._list.currentItem())
            return True
        if key == Qt.Key.Key_Escape:
            self.leave()
            return True
        return False

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            command = item.data(Qt.ItemDataRole.UserRole)
            self.leave()
            command.run()

    def _filter(self, text: str) -> None:
        found: list[tuple[float, int, Command]] = []
        for place, command in enumerate(self._commands):
            title = match(text, command.title)
            both = match(text, f"{command.title} {command.hint}")
            best = max((s for s in (title, both and both - 5) if s is not None), default=None)
            if best is not None:
                found.append((-best, place, command))
        self._list.clear()
        for _, _, command in sorted(found, key=lambda f: f[:2]):
            item = QListWidgetItem(command.title)
            item.setData(Qt.ItemDataRole.UserRole, command)
            self._list.addItem(item)
        if not found:
            item = QListWidgetItem("Nothing is called that.")
            item.setData(Qt.ItemDataRole.UserRole, Command("Nothing is called that."))
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(item)
        else:
            self._list.setCurrentRow(0)
        self._place()

    def _place(self) -> None:
        parent, px = self.parentWidget(), self.theme.px
        width = min(px(WIDTH), parent.width() - px(32))
        rows = min(max(self._list.count(), 1), ROWS)
        height = min(px(64) + rows * px(32), parent.height() - px(80))
        top = min(px(64), max(0, parent.height() - height))
        self.setGeometry((parent.width() - width) // 2, top, width, height)
