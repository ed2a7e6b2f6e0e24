"""The menu of the timeline: its branches, and the memory that going back may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu

from app.widgets import numbers
from app.widgets.transport_bar import memory


if TYPE_CHECKING:
    from app.window import Window

SIZES = tuple(2**power for power in range(28, 34))  # bytes
SHOWN = 16  # branches in the menu: the newest


def past_menu(window: Window) -> QMenu:
    """Made anew whenever it is asked for."""
    menu = QMenu(window)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    past = window.session.past
    if past is None:
        menu.addAction("Nothing has run yet").setEnabled(False)
        return menu
    names = window.presenter.branch_names
    for stem in past.branches[-SHOWN:]:
        began = names.get(stem.branch, "the beginning" if stem.parent is None else "as it was")
        words = f"{began}, to {numbers.count(stem.end)} steps"
        action = menu.addAction(words)
        action.setCheckable(True)
        action.setChecked(stem.branch == past.position.branch)
        action.triggered.connect(
            lambda _=False, stem=stem: window.session.go(stem.branch, stem.end)
        )
    menu.addSeparator()
    menu.addAction("Begin a branch here", window.runner.branch)
    menu.addSeparator()
    room = menu.addMenu(f"Memory: {memory(past.kept)} of {memory(past.budget)}")
    room.addAction(f"{past.checkpoints} states kept to go back to").setEnabled(False)
    for size in SIZES:
        action = room.addAction(memory(size))
        action.setCheckable(True)
        action.setChecked(size == past.budget)
        action.triggered.connect(lambda _=False, size=size: set_memory(window, size))
    return menu


def set_memory(window: Window, size: int) -> None:
    """Let going back take so many bytes, from now on and next time."""
    window.settings.setValue("memory", size)
    window.runner.set_memory(size)


def show_past_menu(window: Window, at: QPoint) -> None:
    menu = past_menu(window)
    menu.popup(at - QPoint(0, menu.sizeHint().height()))
