"""What was done to the run, newest first; a click goes back to there."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QVBoxLayout,
    QWidget,
)

from app.theme.theme import Theme
from app.widgets.boxes import Row
from app.widgets.snapshot_strip import SnapshotStrip


class Past(NamedTuple):
    """One line: what was done, and when."""

    text: str
    when: str = ""
    icon: str = "sliders-horizontal"
    undone: bool = False


class _Line(QStyledItemDelegate):
    def __init__(self, panel: HistoryPanel) -> None:
        super().__init__(panel)
        self._panel = panel

    def sizeHint(self, option, index) -> QSize:
        return QSize(0, self._panel.theme.px(27))

    def paint(self, painter: QPainter, option, index) -> None:
        theme, past = self._panel.theme, index.data(Qt.ItemDataRole.UserRole)
        now = index.row() == self._panel.current()
        area, pad = option.rect, theme.px(12)
        state = option.state
        if state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.fillRect(area, theme.colour("hover"))
        side = theme.px(14)
        ink = "accent" if now else "line_strong" if past.undone else "text3"
        place = QRect(area.left() + pad, area.center().y() - side // 2 + 1, side, side)
        theme.icon("caret-right" if now else past.icon, ink).paint(painter, place)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text3"))
        inner = area.adjusted(pad + side + theme.px(8), 0, -pad, 0)
        painter.drawText(inner, middle | Qt.AlignmentFlag.AlignRight, past.when)
        when = painter.fontMetrics().horizontalAdvance(past.when) + theme.px(8)
        painter.setFont(theme.font("body", QFont.Weight.DemiBold if now else QFont.Weight.Normal))
        painter.setPen(theme.colour("text" if now else "text3" if past.undone else "text2"))
        room = inner.adjusted(0, 0, -when, 0)
        elide = Qt.TextElideMode.ElideRight
        text = painter.fontMetrics().elidedText(past.text, elide, room.width())
        painter.drawText(room, middle, text)


class HistoryPanel(QFrame):
    """Snapshots, and the steps of undo below them.

    What was undone stays in the list, faint, until something else is done.
    """

    chosen = Signal(int)  # how many steps are done when one goes there

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("panel")
        self._list = QListWidget()
        self._list.setItemDelegate(_Line(self))
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setMouseTracking(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setAccessibleName("History")
        self._list.itemClicked.connect(self._on_chosen)
        self._list.itemActivated.connect(self._on_chosen)
        self._done = 0
        self.snapshots = SnapshotStrip(theme)
        self._head = Row(theme, (self.snapshots, 1), margins=(12, 4, 12, 6))
        self._whole = QVBoxLayout(self)
        self._whole.setSpacing(0)
        self._whole.addWidget(self._head)
        self._whole.addWidget(self._list)
        self.restyle(theme)

    def show_steps(self, steps: list[Past], done: int, start: str = "start") -> None:
        """All steps in the order they were taken; `done` of them are in force."""
        self._done = done
        lines = [step._replace(undone=n >= done) for n, step in enumerate(steps)]
        lines = [*reversed(lines), Past(start, "", "play")]
        while self._list.count() > len(lines):
            self._list.takeItem(self._list.count() - 1)
        for row, line in enumerate(lines):
            item = self._list.item(row)
            if item is None:
                item = QListWidgetItem()
                self._list.addItem(item)
            item.setData(Qt.ItemDataRole.UserRole, line)
            item.setData(Qt.ItemDataRole.DisplayRole, line.text)
            item.setToolTip(line.text)
        self._list.viewport().update()

    def current(self) -> int:
        """The row of the present."""
        return self._list.count() - 1 - self._done

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setMinimumWidth(theme.px(180))
        self._head.restyle(theme)
        self._whole.setContentsMargins(0, theme.px(8), 0, theme.px(8))
        self._list.doItemsLayout()
        self._list.viewport().update()

    def _on_chosen(self, item: QListWidgetItem) -> None:
        self.chosen.emit(self._list.count() - 1 - self._list.row(item))
