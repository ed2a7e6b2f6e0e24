"""All parameters of a system: live ones with sliders, what it is built of below a hairline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Box, Column, Row, Rule
from app.widgets.buttons import IconButton, WordButton
from app.widgets.labels import Label
from app.widgets.parameter_row import ParameterRow, words
from app.widgets.scroll import Scroll
from app.widgets.search_field import SearchField
from app.widgets.segments import Combo, Segments
from app.widgets.structure_rows import AssetRow, StructureRow, structure_row


if TYPE_CHECKING:
    from engine.core.parameters import Parameter
    from engine.core.system import Poke

USUAL = "Usual values"  # the preset that every system has
PROMISE = "Builds in the background; the run goes on meanwhile."
PanelRow = ParameterRow | StructureRow


class ParametersPanel(QFrame):
    """Made anew for every system, from its declarations alone."""

    changed = Signal(str, object)  # name, value
    pressed = Signal(str)  # a drag begins
    released = Signal(str)  # a gesture is over
    preset_chosen = Signal(str)  # the empty name is the usual values
    reset_asked = Signal()
    randomise_asked = Signal()
    poke_asked = Signal(str)
    file_asked = Signal(str)  # for the array of this name
    focus_chosen = Signal(str)  # whose parameters are shown, of two runs: A, B or both

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("panel")
        self._rows: dict[str, PanelRow] = {}
        self._values: dict[str, Any] = {}
        self._preset = Combo(theme)
        self._preset.setAccessibleName("Preset")
        self._preset.setToolTip("Preset")
        randomise = IconButton(theme, "dice-five", "Randomise what is not locked")
        reset = IconButton(theme, "arrow-counter-clockwise", "All to the preset  Ctrl+R")
        self.filter_field = SearchField(theme, "Filter parameters")
        self._focus = Segments(theme, ("A", "B", "both"))
        self._focus.hide()
        self._focus.chosen.connect(self.focus_chosen)
        self._top = Column(
            theme,
            self._focus,
            Row(theme, (self._preset, 1), randomise, reset, gap=4),
            self.filter_field,
            margins=(12, 12, 12, 4),
            gap=8,
        )
        self._body = Column(theme)
        self._scroll: Scroll | None = None
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(0)
        self._whole.addWidget(self._top)
        self._whole.addWidget(self._body, 1)
        self._preset.chosen.connect(
            lambda name: self.preset_chosen.emit("" if name == USUAL else name)
        )
        randomise.clicked.connect(self.randomise_asked)
        reset.clicked.connect(self.reset_asked)
        self.filter_field.textChanged.connect(self._filter)

    def show_system(
        self, parameters: Mapping[str, Parameter], values: Mapping[str, Any], presets: list[str]
    ) -> None:
        """Make the rows of a system, and forget those of the one before."""
        self._values = dict(values)
        self._preset.clear()
        self._preset.addItems([USUAL, *presets])
        self.filter_field.clear()
        live = [p for p in parameters.values() if p.kind in ("live", "mode")]
        built = [p for p in parameters.values() if p.kind not in ("live", "mode")]
        self._rows = {}
        self._live = Column(self.theme, gap=8)
        self._built = Column(self.theme, gap=6)
        self._pokes = Column(self.theme, gap=6)
        for group, members in ((self._live, live), (self._built, built)):
            for parameter in members:
                row = self._row(parameter)
                self._rows[parameter.name] = row
                group.add(row)
        self._align_units()
        self._badge = Label("rebuilds", "badge")
        self._badge.setToolTip(PROMISE)
        promise = Label(PROMISE, "caption", wrap=True)
        self._live_head = Row(
            self.theme, Label("Live", "section"), None, Label("acts on the next step", "caption")
        )
        self._built_head = Column(
            self.theme, Rule(), Row(self.theme, Label("Structure", "section"), None, self._badge)
        )
        self._built_foot = promise
        self._nothing = Label("No parameter is called that.", "caption")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._live_head.setVisible(bool(live))
        self._built_head.setVisible(bool(built))
        promise.setVisible(bool(built))
        self._nothing.hide()
        inside = Column(
            self.theme,
            self._live_head,
            self._live,
            self._pokes,
            self._built_head,
            self._built,
            promise,
            self._nothing,
            None,
            margins=(12, 4, 12, 12),
            gap=8,
            name="panel",
        )
        self._pokes.hide()
        self.set_values(values)
        scroll = Scroll(self.theme, inside)
        self._whole.replaceWidget(self._scroll or self._body, scroll)
        (self._scroll or self._body).hide()
        (self._scroll or self._body).deleteLater()
        self._scroll = scroll

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values; emits nothing."""
        self._values.update(values)
        for name, value in values.items():
            row = self._rows.get(name)
            if row is not None:
                row.setValue(value)

    def set_preset(self, values: Mapping[str, Any], name: str = "") -> None:
        """What every row goes back to, and what the list of presets calls it."""
        for parameter, value in values.items():
            row = self._rows.get(parameter)
            if isinstance(row, ParameterRow):
                row.set_preset(value)
        self._preset.setValue(name or USUAL)

    def set_focus(self, focus: str) -> None:
        """Whose parameters these are: A, B or both; the empty word while there is one run."""
        self._focus.setVisible(bool(focus))
        self._focus.setValue(focus)

    def set_critical(self, critical: Mapping[str, list[float]]) -> None:
        """Where theory sees transitions, by parameter; a parameter left out has none."""
        for name, row in self._rows.items():
            if isinstance(row, ParameterRow):
                row.set_critical(list(critical.get(name, ())))

    def set_pokes(self, pokes: list[Poke]) -> None:
        """Buttons for what may be done to the running state."""
        while self._pokes.line.count():
            item = self._pokes.line.takeAt(0).widget()
            if item is not None:
                item.hide()
                item.deleteLater()
        line: Box = self._pokes
        for place, poke in enumerate(pokes):
            if place % 2 == 0:
                line = Row(self.theme, gap=6)
                self._pokes.add(line)
            title = poke.name.replace("_", " ").capitalize()
            button = WordButton(self.theme, title, "hand-pointing")
            button.setToolTip(poke.help)
            button.clicked.connect(lambda _, name=poke.name: self.poke_asked.emit(name))
            line.add((button, 1))
        self._pokes.setVisible(bool(pokes))

    def locked(self) -> set[str]:
        """Names that Randomise and presets leave alone."""
        return {
            name
            for name, row in self._rows.items()
            if isinstance(row, ParameterRow) and row.locked()
        }

    def set_locked(self, names: Any) -> None:
        """Lock these rows, and no others."""
        wanted = set(map(str, names)) if isinstance(names, list) else set()
        for name, row in self._rows.items():
            if isinstance(row, ParameterRow):
                row.set_locked(name in wanted)

    def row(self, name: str) -> PanelRow:
        return self._rows[name]

    def focus_row(self, name: str) -> None:
        """Bring a parameter into sight and under the keys."""
        row = self._rows[name]
        self.filter_field.clear()
        if self._scroll is not None:
            self._scroll.ensureWidgetVisible(row)
        row.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._top.restyle(theme)
        if self._scroll is not None:
            self._scroll.restyle(theme)

    def _align_units(self) -> None:
        rows = [row for row in self._rows.values() if isinstance(row, ParameterRow)]
        advance = QFontMetricsF(self.theme.font("caption")).horizontalAdvance
        widest = max((advance(row.parameter.unit) for row in rows), default=0.0)
        for row in rows:
            row.set_unit_room(min(round(widest / self.theme.scale) + 8, 72) if widest else 4)

    def _row(self, parameter: Parameter) -> PanelRow:
        if parameter.kind == "live" and parameter.choices is None:
            row = ParameterRow(parameter, self.theme)
            row.names = self._numbers
            row.pressed.connect(self.pressed)
            row.released.connect(self.released)
            row.changed.connect(self._on_changed)
            return row
        row = structure_row(parameter, self.theme)
        row.changed.connect(self._on_changed)
        row.changed.connect(lambda name, _: self.released.emit(name))
        if isinstance(row, AssetRow):
            row.file_asked.connect(self.file_asked)
        return row

    def _on_changed(self, name: str, value: Any) -> None:
        self._values[name] = value
        self.changed.emit(name, value)

    def _numbers(self) -> dict[str, float]:
        """Values that an expression may name, by name and by symbol."""
        found: dict[str, float] = {}
        for name, value in self._values.items():
            if isinstance(value, int | float):
                found[name] = float(value)
                symbol = self._rows[name].parameter.symbol if name in self._rows else ""
                if symbol:
                    found[symbol] = float(value)
        return found

    def _filter(self, text: str) -> None:
        wanted = text.casefold().strip()
        shown = {"live": 0, "built": 0}
        for name, row in self._rows.items():
            known = (name, words(row.parameter), row.parameter.symbol, row.parameter.help)
            fits = any(wanted in word.casefold() for word in known)
            row.setVisible(fits)
            shown["live" if row.parameter.kind in ("live", "mode") else "built"] += fits
        if not self._rows:
            return
        self._live_head.setVisible(bool(shown["live"]))
        self._built_head.setVisible(bool(shown["built"]))
        self._built_foot.setVisible(bool(shown["built"]))
        self._nothing.setVisible(not any(shown.values()))
