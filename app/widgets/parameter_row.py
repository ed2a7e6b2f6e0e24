"""One live number: symbol, name, value and unit above, its slider and its lock below."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QGuiApplication
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.buttons import IconButton
from app.widgets.labels import ElidedLabel, Label, SymbolLabel
from app.widgets.number_field import NumberField
from app.widgets.parameter_slider import ParameterSlider
from app.widgets.scale import Scale


if TYPE_CHECKING:
    from engine.core.parameters import Parameter

NARROWEST, WIDEST = 52, 130  # pixels of scale 1, of the field of a number
AROUND = 18  # that it needs besides its digits


def words(parameter: Parameter) -> str:
    """What a row calls a parameter: its name, or its meaning where letters are no name."""
    parts = parameter.name.split("_")
    letters = len(parameter.name) <= 2 or any(len(part) == 1 for part in parts)
    return parameter.help if letters and parameter.help else " ".join(parts)


def tip(parameter: Parameter) -> str:
    """The meaning of a parameter and what it may be, for those who rest on it."""
    lines = [parameter.help[:1].upper() + parameter.help[1:] + "."] if parameter.help else []
    if parameter.limits:
        low, high = parameter.limits
        upper = f"from {low:g} to {high:g}" if math.isfinite(high) else f"from {low:g} up"
        lines.append(f"May be any number {upper}.")
    return "\n".join(lines)


class ParameterRow(QWidget):
    """Shows a live parameter, and says when the user moves it.

    The slider spans what the parameter offers and widens for what is typed beyond it, up to the
    limits of physics. `setValue` shows a value and emits nothing, so the panel can follow the run
    without an echo.
    """

    changed = Signal(str, object)  # name, value: on every move
    pressed = Signal(str)  # a drag begins: the gesture lasts until `released`
    released = Signal(str)  # a gesture is over: one step of undo
    lock_changed = Signal(str, bool)

    def __init__(self, parameter: Parameter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.parameter = parameter
        self._span = parameter.span or (0.0, 1.0)
        self._preset = float(parameter.default)
        self._critical: tuple[float, ...] = ()
        self._bare = False
        self._unit_room = 40  # pixels of scale 1; the panel knows what all of its rows need
        self.names: Callable[[], Mapping[str, float]] = dict  # values of the other parameters

        name, hint = words(parameter), tip(parameter)
        self._symbol = SymbolLabel(theme, parameter.symbol, parent=self)
        self._name = ElidedLabel(name, "second", parent=self)
        self._name.setProperty("tip", True)
        self._reset = IconButton(
            theme, "arrow-counter-clockwise", "", size=13, colour="accent", parent=self
        )
        self._reset.hide()
        self._number = NumberField(theme, self._show, self._allowed, quiet=True, parent=self)
        self._number.names = self._known
        self._unit = Label(parameter.unit, "caption", parent=self)
        self.slider = ParameterSlider(theme, Scale(*self._span, parameter.log), self)
        self._lock = IconButton(
            theme,
            "lock-simple-open",
            "Lock: keep out of Randomise and presets",
            size=13,
            colour="text3",
            checkable=True,
            quiet=True,
            parent=self,
        )
        self._lock.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._reset.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setToolTip(hint)
        self._number.set_tip(hint)
        self._number.setAccessibleName(name)
        self.slider.setAccessibleName(name)
        self.slider.setAccessibleDescription(parameter.help)
        self.setFocusProxy(self.slider)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

        self.slider.moved.connect(self._on_moved)
        self.slider.pressed.connect(lambda: self.pressed.emit(parameter.name))
        self.slider.released.connect(lambda: self.released.emit(parameter.name))
        self.slider.preset_asked.connect(self.reset)
        self._number.entered.connect(self._on_entered)
        self._number.textEdited.connect(lambda _: self._make_room())
        self._reset.clicked.connect(self.reset)
        self._lock.toggled.connect(self._on_locked)
        self._number.setValue(self._preset)
        self.slider.set_preset(self._preset)
        self.slider.setValue(self._preset)
        self.restyle(theme)

    def value(self) -> float:
        return self.slider.value()

    def setValue(self, value: float) -> None:
        if value == self.slider.value():
            return
        self._show_value(float(value))

    def set_preset(self, value: float) -> None:
        """What ↺ and a double-click go back to."""
        self._preset = float(value)
        self.slider.set_preset(self._preset)
        self._mark_change()

    def set_critical(self, values: list[float]) -> None:
        """Where theory sees a transition along this parameter."""
        self._critical = tuple(v for v in values if math.isfinite(v))
        self.slider.set_critical(self._critical)

    def locked(self) -> bool:
        return self._lock.isChecked()

    def set_locked(self, locked: bool) -> None:
        self._lock.setChecked(locked)

    def set_unit_room(self, pixels: int) -> None:
        """How wide the column of units is, the same in all rows of a panel."""
        self._unit_room = pixels
        self._place()

    def set_bare(self, bare: bool) -> None:
        """Without lock, reset and unit: nothing to press by accident in a talk."""
        self._bare = bare
        self._lock.setVisible(not bare)
        self._mark_change()
        self._place()

    def reset(self) -> None:
        """Back to the preset, as one gesture."""
        if not self.locked() and self._preset != self.value():
            self._show_value(self._preset)
            self.changed.emit(self.parameter.name, self._preset)
        self.released.emit(self.parameter.name)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        for child in (self._symbol, self._reset, self.slider, self._lock):
            child.restyle(theme)
        self.setFixedHeight(theme.px(48))
        self.setMinimumWidth(self.minimumSizeHint().width())
        self._place()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(290), self.theme.px(48))

    def minimumSizeHint(self) -> QSize:
        return QSize(self.theme.px(216), self.theme.px(48))

    # The hand.

    def mouseDoubleClickEvent(self, event) -> None:
        if event.position().y() < self.theme.px(26):  # the name; the slider has its own
            self.reset()

    def contextMenuEvent(self, event) -> None:
        menu = self.make_menu()
        menu.popup(event.globalPos())

    def make_menu(self) -> QMenu:
        """What else can be done with a parameter."""
        name, value = self.parameter.name, self.value()
        scale, clipboard = self.slider.scale, QGuiApplication.clipboard()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        back = menu.addAction(f"Back to {self._show(self._preset)}", self.reset)
        back.setEnabled(value != self._preset and not self.locked())
        menu.addSeparator()
        menu.addAction("Copy value", lambda: clipboard.setText(repr(value)))
        menu.addAction(f"Copy {name}={value:g}", lambda: clipboard.setText(f"{name}={value!r}"))
        menu.addSeparator()
        low, high = (self._show(end) for end in scale[:2])
        menu.addAction(f"Slider: {low} to {high}").setEnabled(False)
        start = menu.addAction("Begin the slider here", lambda: self._respan(value, scale.high))
        start.setEnabled(scale.low < value < scale.high)
        end = menu.addAction("End the slider here", lambda: self._respan(scale.low, value))
        end.setEnabled(scale.low < value < scale.high)
        usual = menu.addAction("Usual slider", self._usual)
        usual.setEnabled((scale.low, scale.high) != tuple(self._span))
        menu.addSeparator()
        menu.addAction("Unlock" if self.locked() else "Lock", self._lock.toggle)
        return menu

    def _on_moved(self, value: float) -> None:
        self._number.setValue(value)
        self._mark_change()
        self._make_room()
        self.changed.emit(self.parameter.name, value)

    def _on_entered(self, value: float) -> None:
        if value != self.value():
            self._show_value(value)
            self.changed.emit(self.parameter.name, value)
        self.released.emit(self.parameter.name)

    def _on_locked(self, locked: bool) -> None:
        self.slider.set_locked(locked)
        self._number.setReadOnly(locked)
        self._lock.set_icon(
            *(("lock-simple-fill", "text") if locked else ("lock-simple-open", "text3"))
        )
        self._lock.set_tip("Unlock" if locked else "Lock: keep out of Randomise and presets")
        self._symbol.set_colour("text3" if locked else "text")
        self.lock_changed.emit(self.parameter.name, locked)

    # What it shows.

    def _show(self, value: float) -> str:
        scale = self.slider.scale if hasattr(self, "slider") else Scale(*self._span)
        return numbers.value(value, (scale.low, scale.high), log=self.parameter.log)

    def _allowed(self, value: float) -> float:
        return self.parameter.check(value)

    def _known(self) -> Mapping[str, float]:
        known = dict(self.names())
        if len(self._critical) >= 1:
            symbol = self.parameter.symbol or self.parameter.name
            for name in (f"{symbol}c", f"{symbol}_c", "critical"):
                known.setdefault(name, self._critical[0])
        return known

    def _show_value(self, value: float) -> None:
        self.slider.set_scale(self.slider.scale.holding(value))
        self.slider.setValue(value)
        self._number.setValue(value)
        self._mark_change()
        self._make_room()

    def _respan(self, low: float, high: float) -> None:
        self.slider.set_scale(self.slider.scale._replace(low=low, high=high))

    def _usual(self) -> None:
        self.slider.set_scale(Scale(*self._span, self.parameter.log).holding(self.value()))

    def _mark_change(self) -> None:
        differs = not math.isclose(self.value(), self._preset, rel_tol=1e-9, abs_tol=1e-12)
        shown = differs and not self._bare
        if shown == self._reset.isHidden():
            self._reset.setVisible(shown)
            self._reset.set_tip(f"Back to {self._show(self._preset)}")
            self._place()
        self._name.set_role("" if differs else "second")

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place()

    def _digits(self) -> int:
        """How wide the number has to be, in pixels."""
        written = QFontMetricsF(self._number.font()).horizontalAdvance(self._number.text())
        px = self.theme.px
        return min(max(px(NARROWEST), round(written) + px(AROUND)), px(WIDEST))

    def _make_room(self) -> None:
        """For a longer number; while it moves, a shorter one leaves all where it is."""
        if self._digits() > self._number.width():
            self._place()

    def _place(self) -> None:
        px, width = self.theme.px, self.width()
        line, button = px(26), px(26)
        unit = px(1) if self._bare else px(self._unit_room)
        number = self._digits()
        self._unit.setGeometry(width - unit + px(4), 0, unit - px(4), line)
        self._number.setGeometry(width - unit - number, px(1), number, line - px(2))
        left = width - unit - number
        if not self._reset.isHidden():
            left -= button
            self._reset.setGeometry(left, 0, button, line)
        self._symbol.setGeometry(0, 0, px(22), line)
        self._name.setGeometry(px(26), 0, max(0, left - px(28)), line)
        edge = 0 if self._bare else px(30)
        self.slider.setGeometry(0, line, width - edge, px(20))
        self._lock.setGeometry(width - px(28), line - px(3), button, button)
