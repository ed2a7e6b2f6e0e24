"""The page that a figure is printed on: journal, size, type, marks, ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Row, restyle_children
from app.widgets.labels import Label
from app.widgets.segments import Combo, Segments
from app.widgets.spin import Amount, Count


OWN = "Own page"
GROUNDS = ("white", "transparent", "dark")
BARS = ("each", "shared", "none")
AUTO = 0.0  # of a height or a number of columns: it follows from the panels
DEFAULTS = {"height": None, "font": 7.5, "line": 0.6, "dpi": 600.0}  # what a preset may leave out


class PageForm(QWidget):
    """Shows a style of a page, and says when the user changes it."""

    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        presets: Mapping[str, Mapping[str, Any]],  # as `figure_presets.json` holds them
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._presets = tuple(presets.values())
        self._given: dict[str, Any] = {}  # the style that was last shown, ...
        self._shown: dict[str, Any] = {}  # ... and as the fields showed it
        names = tuple(f"{p['title']}  ·  {p['width']:g} mm" for p in self._presets)
        self._preset = Combo(theme, (*names, OWN))
        self._width = Amount(20, 2000, 86.0, " mm")
        self._height = Amount(AUTO, 2000, AUTO, " mm")
        self._height.setSpecialValueText("fits")
        self._font = Amount(3, 48, 7.5, " pt", step=0.5)
        self._line = Amount(0.1, 6, 0.6, " pt", step=0.1)
        self._dpi = Count(72, 2400, 600, " dpi", step=50)
        self._columns = Count(0, 6, 0, " columns", prefix="in ")
        self._columns.setSpecialValueText("as fits")
        self._bars = Segments(theme, BARS)
        self._bars.setValue("each")
        self._bars.setToolTip("A colour bar for each panel, one for all of the same kind, or none")
        self._scale = QCheckBox("Scale bar")
        self._scale.setChecked(True)
        self._letters = QCheckBox("Letters")
        self._letters.setChecked(True)
        self._ground = Segments(theme, GROUNDS)
        self._ground.setValue("white")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, tuple[QWidget, ...]], ...] = (
            ("Journal", (self._preset,)),
            ("Page", (self._width, self._height)),
            ("Type, lines", (self._font, self._line)),
            ("Raster", (self._dpi, self._columns)),
            ("Colour bars", (self._bars,)),
            ("Marks", (self._scale, self._letters)),
            ("Ground", (self._ground,)),
        )
        for place, (words, controls) in enumerate(rows):
            self._grid.addWidget(Label(words, "second"), place, 0)
            self._grid.addWidget(Row(theme, *((c, 1) for c in controls), gap=6), place, 1)
        for control, words in (
            (self._preset, "Journal"), (self._width, "Width"), (self._height, "Height"),
            (self._font, "Size of type"), (self._line, "Width of lines"), (self._dpi, "Raster"),
            (self._columns, "Columns"), (self._bars, "Colour bars"), (self._ground, "Ground"),
        ):  # fmt: skip
            control.setAccessibleName(words)
        self._preset.chosen.connect(self._on_preset)
        for spin in (self._width, self._height, self._font, self._line):
            spin.valueChanged.connect(self._on_change)
        for spin in (self._dpi, self._columns):
            spin.valueChanged.connect(self._on_change)
        for words in (self._bars, self._ground):
            words.chosen.connect(self._on_change)
        for tick in (self._scale, self._letters):
            tick.toggled.connect(self._on_change)
        self._name_page()
        self.restyle(theme)

    def style_asked(self) -> dict[str, Any]:
        """The fields of a `FigureStyle`; what was given and not touched is as it was given."""
        shown = self._read()
        kept = {n: v for n, v in self._given.items() if n in shown and shown[n] == self._shown[n]}
        return shown | kept

    def _read(self) -> dict[str, Any]:
        """As the fields show it, which are not as fine as numbers are."""
        return {
            "width": self._width.value(),
            "height": self._height.value() or None,
            "dpi": float(self._dpi.value()),
            "font": self._font.value(),
            "line": self._line.value(),
            "columns": self._columns.value() or None,
            "letters": self._letters.isChecked(),
            "bars": self._bars.value(),
            "scale_bar": self._scale.isChecked(),
            "background": self._ground.value(),
        }

    def setStyleAsked(self, style: Mapping[str, Any]) -> None:
        with QSignalBlocker(self):
            self._width.setValue(style["width"])
            self._height.setValue(style["height"] or AUTO)
            self._dpi.setValue(round(style["dpi"]))
            self._font.setValue(style["font"])
            self._line.setValue(style["line"])
            self._columns.setValue(style["columns"] or 0)
            self._letters.setChecked(style["letters"])
            self._bars.setValue(style["bars"])
            self._scale.setChecked(style["scale_bar"])
            self._ground.setValue(style["background"])
        self._given, self._shown = dict(style), self._read()
        self._name_page()

    def restyle(self, theme: Theme) -> None:
        self._grid.setHorizontalSpacing(theme.px(12))
        self._grid.setVerticalSpacing(theme.px(6))
        restyle_children(self, theme)

    def _on_preset(self, _: str) -> None:
        chosen = self._preset.currentIndex()
        if chosen < len(self._presets):
            page = DEFAULTS | dict(self._presets[chosen])
            self.setStyleAsked(self.style_asked() | {k: page[k] for k in ("width", *DEFAULTS)})
            with QSignalBlocker(self._preset):
                self._preset.setCurrentIndex(chosen)  # of two that are alike the one that was meant
            self.changed.emit()

    def _on_change(self, *_: object) -> None:
        self._name_page()
        self.changed.emit()

    def _name_page(self) -> None:
        """Show the journal whose page this is."""
        style = self.style_asked()
        fits = [k for k, page in enumerate(self._presets) if _is_page(style, page)]
        if self._preset.currentIndex() not in fits:
            with QSignalBlocker(self._preset):
                self._preset.setCurrentIndex(fits[0] if fits else len(self._presets))


def _is_page(style: Mapping[str, Any], page: Mapping[str, Any]) -> bool:
    page = DEFAULTS | dict(page)
    if (style["height"] is None) != (page["height"] is None):
        return False
    names = [name for name in ("width", *DEFAULTS) if page[name] is not None]
    return all(abs(style[name] - page[name]) < 0.05 for name in names)
