"""The steps of undo: one list for what was done to the run and for what was done to its views.

Parameters that act on the run as it goes are set back on the run as it is now. What gave the run
another state (a structural change, a restart, a poke) is undone on the timeline: the very same
state comes back, and what was undone stays there as a branch. A run that was left for another one,
and one that was left beside it, come back as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QUndoCommand


if TYPE_CHECKING:
    from app.session import Session
    from app.wishes import Goal
    from engine.core.timeline import Position


class Step(QUndoCommand):
    """Something that the hand has already done: the first `redo` of Qt is not asked for."""

    def __init__(self, words: str, icon: str) -> None:
        super().__init__(words)
        self.icon = icon
        self._done = True

    def redo(self) -> None:
        if not self._done:
            self.again()
        self._done = True

    def undo(self) -> None:
        self.back()
        self._done = False

    def again(self) -> None:
        raise NotImplementedError

    def back(self) -> None:
        raise NotImplementedError


class Change(Step):
    """Parameters that moved together."""

    def __init__(
        self, session: Session, row: int, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        symbols = {n: session.parameters[n].symbol or n for n in before}
        words = ", ".join(f"{symbols[n]} {short(before[n])} → {short(after[n])}" for n in before)
        super().__init__(f"{'B: ' if row else ''}{words}", "sliders-horizontal")
        self._session, self._row = session, row
        self._before, self._after = before, after

    def again(self) -> None:
        self._session.apply(self._after, self._row)

    def back(self) -> None:
        self._session.apply(self._before, self._row)


class Jump(Step):
    """An event that gave a run another state, or two, and the values that moved with it."""

    def __init__(
        self,
        session: Session,
        words: str,
        icon: str,
        before: Goal,
        after: Goal,
        with_it: Change | None = None,
    ) -> None:
        super().__init__(words, icon)
        self._session, self._before, self._after = session, before, after
        self._with_it = with_it

    def again(self) -> None:
        self._session.jump(self._after)

    def back(self) -> None:
        self._session.jump(self._before)
        if self._with_it is not None:
            self._with_it.back()


class Visit(Step):
    """A walk along the timeline, from one place to another."""

    def __init__(self, session: Session, words: str, before: Position, after: Position) -> None:
        super().__init__(words, "clock-counter-clockwise")
        self._session, self._before, self._after = session, before, after

    def again(self) -> None:
        self._session.visit(self._after.branch, self._after.step)

    def back(self) -> None:
        self._session.visit(self._before.branch, self._before.step)


class Beside(Step):
    """A second run that was put beside the first, or left; `values` are those it was left with."""

    def __init__(
        self, session: Session, on: bool, number: int, values: dict[str, Any] | None = None
    ) -> None:
        super().__init__("A | B" if on else "A alone", "columns")
        self._session, self._on, self._number = session, on, number
        self._values = values or {}

    def again(self) -> None:
        self._session.put_beside(self._on, self._number, self._values)

    def back(self) -> None:
        self._session.put_beside(not self._on, self._number, self._values)


class Opening(Step):
    """Another run that was opened; `swap` shows a run that was left, and tells of the present."""

    def __init__(self, words: str, swap: Callable[[Any], Any], left: Any) -> None:
        super().__init__(words, "folder-open")
        self._swap, self._other = swap, left

    def again(self) -> None:
        self._other = self._swap(self._other)

    def back(self) -> None:
        self._other = self._swap(self._other)


class Look(Step):
    """Views that were turned, coloured or chosen anew."""

    def __init__(
        self,
        words: str,
        show: Callable[[dict[str, Any]], None],
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        super().__init__(words, "eye")
        self._show, self._before, self._after = show, before, after

    def again(self) -> None:
        self._show(self._after)

    def back(self) -> None:
        self._show(self._before)


def short(value: Any) -> str:
    """A value in few letters."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if value is None or hasattr(value, "shape"):
        return "own" if value is not None else "none"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
