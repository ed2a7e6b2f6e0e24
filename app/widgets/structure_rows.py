"""What a run is built of: sizes, words, beginnings and data; a change builds it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.boxes import Row, restyle_children
from app.widgets.buttons import IconButton, WordButton
from app.widgets.labels import ElidedLabel, SymbolLabel
from app.widgets.number_field import NumberField
from app.widgets.parameter_row import tip, words
from app.widgets.segments import choice


if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.core.parameters import Parameter


class StructureRow(QWidget):
    """Symbol and name of a parameter at the left, a control at the right."""

    changed = Signal(str, object)  # name, value

    def __init__(self, parameter: Parameter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.parameter = parameter
        self._symbol = SymbolLabel(theme, parameter.symbol, parent=self)
        self._name = ElidedLabel(words(parameter), "second", parent=self)
        self._name.setProperty("tip", True)
        self.setToolTip(tip(parameter))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._line = QHBoxLayout(self)
        self._line.addWidget(self._symbol)
        self._line.addWidget(self._name, 2)

    def take(self, control: QWidget) -> None:
        """Place the control of this row."""
        control.setAccessibleName(self._name.text())
        self._line.addWidget(control, 3)
        self._measure()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        restyle_children(self, theme)
        self._measure()

    def _measure(self) -> None:
        px = self.theme.px
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(px(4))
        self._symbol.setFixedSize(px(22), px(28))
        self._name.setMinimumWidth(px(56))

    def value(self) -> Any:
        raise NotImplementedError

    def setValue(self, value: Any) -> None:
        raise NotImplementedError


class SizeRow(StructureRow):
    """How many: a field between half and twice as many."""

    def __init__(self, parameter: Parameter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parameter, theme, parent)
        self.field = NumberField(theme, numbers.count, self._allowed)
        halve = IconButton(theme, "minus", "Half as many", size=13)
        double = IconButton(theme, "plus", "Twice as many", size=13)
        halve.clicked.connect(lambda: self._go(self.value() // 2))
        double.clicked.connect(lambda: self._go(self.value() * 2))
        self.field.entered.connect(lambda value: self.changed.emit(parameter.name, int(value)))
        self.field.setValue(parameter.default)
        self.field.least = 70
        self.take(Row(theme, halve, (self.field, 1), double, gap=2))
        self.field.setAccessibleName(words(parameter))

    def value(self) -> int:
        return int(self.field.value())

    def setValue(self, value: int) -> None:
        self.field.setValue(value)

    def _allowed(self, value: float) -> int:
        return self.parameter.check(round(value))

    def _go(self, value: int) -> None:
        low, high = self.parameter.span or (1, 2**31)
        value = int(min(max(value, low), max(high, self.value())))
        if value != self.value():
            self.field.setValue(value)
            self.changed.emit(self.parameter.name, value)


class NumberRow(StructureRow):
    """A number that only the beginning reads."""

    def __init__(self, parameter: Parameter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parameter, theme, parent)
        self.field = NumberField(theme, self._show, parameter.check)
        self.field.entered.connect(lambda value: self.changed.emit(parameter.name, value))
        self.field.setValue(float(parameter.default))
        self.field.least = 56
        self.take(self.field)

    def value(self) -> float:
        return self.field.value()

    def setValue(self, value: float) -> None:
        self.field.setValue(float(value))

    def _show(self, value: float) -> str:
        text = numbers.value(value, self.parameter.span, log=self.parameter.log)
        return f"{text} {self.parameter.unit}".strip()


class ChoiceRow(StructureRow):
    """One of several words."""

    def __init__(self, parameter: Parameter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parameter, theme, parent)
        self.control = choice(theme, parameter.choices or ())
        self.control.setValue(parameter.default)
        self.control.chosen.connect(lambda word: self.changed.emit(parameter.name, word))
        self.take(self.control)

    def value(self) -> str:
        return self.control.value()

    def setValue(self, value: str) -> None:
        self.control.setValue(value)


class SeveralRow(StructureRow):
    """Several words at once, as chips; the last one cannot be taken away."""

    COLUMNS = 3

    def __init__(self, parameter: Parameter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parameter, theme, parent)
        inside = QWidget()
        self._grid = QGridLayout(inside)
        self._chips: dict[str, QToolButton] = {}
        for place, word in enumerate(parameter.choices or ()):
            chip = QToolButton()
            chip.setText(word)
            chip.setCheckable(True)
            chip.setProperty("kind", "chip")
            chip.setAccessibleName(word)
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            chip.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            chip.clicked.connect(lambda _, word=word: self._on_clicked(word))
            self._chips[word] = chip
            self._grid.addWidget(chip, place // self.COLUMNS, place % self.COLUMNS)
        self.setValue(parameter.default)
        # A line of its own below the name: chips need the whole width.
        self._line.removeWidget(self._symbol)
        self._line.removeWidget(self._name)
        head = QHBoxLayout()
        head.addWidget(self._symbol)
        head.addWidget(self._name, 1)
        whole = QGridLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(head, 0, 0)
        whole.addWidget(inside, 1, 0)
        self._whole, self._head = whole, head
        self._line.addLayout(whole, 1)
        self._measure()

    def _measure(self) -> None:
        super()._measure()
        px = self.theme.px
        if hasattr(self, "_head"):
            self._head.setSpacing(px(4))
            self._whole.setVerticalSpacing(px(2))
        if hasattr(self, "_grid"):
            self._grid.setContentsMargins(0, 0, 0, 0)
            self._grid.setSpacing(px(4))

    def value(self) -> tuple[str, ...]:
        return tuple(word for word, chip in self._chips.items() if chip.isChecked())

    def setValue(self, value: tuple[str, ...]) -> None:
        for word, chip in self._chips.items():
            chip.setChecked(word in value)

    def _on_clicked(self, word: str) -> None:
        if not self.value():
            self._chips[word].setChecked(True)
            return
        self.changed.emit(self.parameter.name, self.value())


class AssetRow(StructureRow):
    """Data of the user's own: opened from a file, or left out."""

    file_asked = Signal(str)  # name: the window asks for a file

    def __init__(self, parameter: Parameter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parameter, theme, parent)
        self._value: Any = None
        self._open = WordButton(theme, "Open file…", "folder-open")
        self._clear = IconButton(theme, "x", "Leave it out", size=13)
        self._clear.hide()
        self._open.clicked.connect(lambda: self.file_asked.emit(parameter.name))
        self._clear.clicked.connect(lambda: self.changed.emit(parameter.name, None))
        self.take(Row(theme, (self._open, 1), self._clear, gap=2))

    def value(self) -> Any:
        return self._value

    def setValue(self, value: Any) -> None:
        if value is self._value:
            return
        self._value = value
        self._clear.setVisible(value is not None)
        shape = getattr(value, "shape", None)
        text = " × ".join(numbers.count(n) for n in shape) if shape else "Open file…"
        self._open.setText(text)


def structure_row(parameter: Parameter, theme: Theme) -> StructureRow:
    """The row that suits a parameter which is no live number."""
    make: Callable[..., StructureRow]
    if parameter.kind == "size":
        make = SizeRow
    elif parameter.choices is not None:
        make = SeveralRow if parameter.several else ChoiceRow
    elif parameter.span is None:
        make = AssetRow
    else:
        make = NumberRow
    return make(parameter, theme)
