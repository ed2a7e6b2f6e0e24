"""A number that can be typed: an expression, or nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QLineEdit, QToolTip, QWidget

from app.theme.theme import Theme
from app.widgets import expression
from app.widgets.boxes import set_property


class NumberField(QLineEdit):
    """Shows a value in words of `show`; tells one that was typed and that `check` let pass.

    What is no number, or not allowed, gets a red edge and a sentence; the old value stays, and
    Esc brings it back.
    """

    entered = Signal(float)

    def __init__(
        self,
        theme: Theme,
        show: Callable[[float], str],
        check: Callable[[float], float] = float,
        *,
        quiet: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.least = 48  # pixels of scale 1 that it needs
        self._show, self._check = show, check
        self._value = 0.0
        self._tip = ""
        self.names: Callable[[], Mapping[str, float]] = dict
        if quiet:
            self.setProperty("kind", "number")
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.returnPressed.connect(self._enter)
        self.editingFinished.connect(self._leave)
        self.textEdited.connect(lambda _: self._blame(""))

    def value(self) -> float:
        return self._value

    def setValue(self, value: float) -> None:
        if value == self._value and self.text() and not self.isModified():
            return  # all numbers are shown anew whenever a hand moves one of them
        self._value = value
        if not (self.hasFocus() and self.isModified()):
            self._write()

    def set_tip(self, tip: str) -> None:
        self._tip = tip
        self.setToolTip(tip)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme

    def minimumSizeHint(self) -> QSize:
        return QSize(self.theme.px(self.least), super().minimumSizeHint().height())

    def mouseDoubleClickEvent(self, event) -> None:
        self.selectAll()

    def focusInEvent(self, event) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.selectAll()

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Escape:
            if self.isModified():
                self._write()
            else:
                self.clearFocus()
            return
        super().keyPressEvent(event)

    def _enter(self) -> None:
        if self._take():
            self.selectAll()

    def _leave(self) -> None:
        if not self.hasFocus() and not self._take():
            self._write()  # left behind unfinished: the value in force is shown again

    def _take(self) -> bool:
        if not self.isModified():
            return True
        try:
            value = self._check(expression.number(self.text(), self.names()))
        except (ValueError, TypeError) as error:
            self._blame(str(error))
            return False
        self._value = value
        self._write()
        self.entered.emit(value)
        return True

    def _write(self) -> None:
        text = self._show(self._value)
        if text != self.text():
            self.setText(text)
            self.setCursorPosition(0)
        self.setModified(False)
        self._blame("")

    def _blame(self, sentence: str) -> None:
        set_property(self, "state", "invalid" if sentence else "")
        self.setToolTip(sentence or self._tip)
        if sentence and self.isVisible():
            QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), sentence, self)
