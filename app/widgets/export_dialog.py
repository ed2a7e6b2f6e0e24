"""The page that a figure is printed on: which views, how wide, how fine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row, Rule, restyle_children
from app.widgets.buttons import WordButton
from app.widgets.labels import Label
from app.widgets.scroll import Scroll
from app.widgets.segments import Combo, Segments


WAIT = 250  # ms of rest before the page is drawn again
FORMATS = ("PDF", "SVG", "PNG")
GROUNDS = ("white", "transparent", "dark")
OWN = "Own width"


class Width(NamedTuple):
    """A width that a journal asks for, in mm."""

    name: str
    mm: float


WIDTHS = (
    Width("APS, one column", 86),
    Width("APS, two columns", 178),
    Width("Nature, one column", 89),
    Width("Nature, two columns", 183),
    Width("PNAS, one column", 87),
    Width("PNAS, two columns", 178),
    Width("Elsevier, one column", 90),
    Width("Elsevier, one and a half", 140),
    Width("Elsevier, two columns", 190),
    Width("NeurIPS, text", 139.7),
    Width("ICML, one column", 82.5),
    Width("Slide, 16 : 9", 160),
)


class Page(QWidget):
    """The page at its true proportions, as large as there is room."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._picture: QPixmap | None = None
        self._words = "The page is being drawn…"
        self._clear = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Preview of the page")

    def set_picture(self, picture: QPixmap | None, words: str = "") -> None:
        self._picture, self._words = picture, words
        self.update()

    def set_clear(self, clear: bool) -> None:
        """Whether the page has no ground of its own."""
        self._clear = clear
        self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(self.theme.px(280), self.theme.px(200))

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(460), self.theme.px(420))

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("window"))
        painter.drawRoundedRect(self.rect(), theme.px(6), theme.px(6))
        edge = theme.px(20)
        room = QRectF(self.rect()).adjusted(edge, edge, -edge, -edge)
        if self._picture is None or self._picture.isNull():
            painter.setPen(theme.colour("text3"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, int(flags), self._words)
            return
        size = QSize(self._picture.size())
        size.scale(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        page = QRectF(0, 0, size.width(), size.height())
        page.moveCenter(room.center())
        if self._clear:
            self._draw_checks(painter, page)
        painter.drawPixmap(page, self._picture, QRectF(self._picture.rect()))
        painter.setPen(theme.colour("line_strong"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(page)

    def _draw_checks(self, painter: QPainter, page: QRectF) -> None:
        painter.fillRect(page, QColor("#ffffff"))
        side = self.theme.px(8)
        for row in range(int(page.height() // side) + 1):
            for column in range(row % 2, int(page.width() // side) + 1, 2):
                check = QRectF(page.x() + column * side, page.y() + row * side, side, side)
                painter.fillRect(check.intersected(page), QColor("#e6e9ee"))


class ExportDialog(QDialog):
    """Asks how a figure shall be; the window draws it, and the previews too.

    A style is a dict: `views` (names, in the order of their letters), `width` (mm), `dpi`, `font`
    (pt), `background`, `format`, `metadata`.
    """

    asked = Signal(dict)  # style
    preview_wanted = Signal(dict)  # style

    def __init__(
        self,
        theme: Theme,
        views: Sequence[tuple[str, str]],  # name, title
        ticked: Sequence[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle("Export figure")
        self._rest = QTimer(self, interval=WAIT, singleShot=True)
        self._rest.timeout.connect(lambda: self.preview_wanted.emit(self.style_asked()))
        self.page = Page(theme)
        self._caption = Label("", "caption")

        self._views: dict[str, QCheckBox] = {}
        self._titles = dict(views)
        self._letters: dict[str, Label] = {}
        rows: list[QWidget] = []
        for name, title in views:
            tick = QCheckBox(title)
            tick.setChecked(name in ticked or (not ticked and not rows))
            tick.toggled.connect(self._on_change)
            letter = Label("", "strong")
            self._views[name], self._letters[name] = tick, letter
            rows.append(Row(theme, (tick, 1), letter))
        names = tuple(f"{width.name}  ·  {width.mm:g} mm" for width in WIDTHS)
        self._preset = Combo(theme, (*names, OWN))
        self._preset.setAccessibleName("Width")
        self._width = _spin(20, 2000, 86.0, " mm", 1)
        self._dpi = QSpinBox(minimum=72, maximum=2400, singleStep=50, value=600, suffix=" dpi")
        self._font = _spin(4, 24, 7.5, " pt", 1)
        self._ground = Segments(theme, GROUNDS)
        self._ground.setValue("white")
        self._format = Segments(theme, FORMATS)
        self._format.setValue("PDF")
        self._metadata = QCheckBox("Embed system, parameters and seed")
        self._metadata.setToolTip("So that the figure can be made again; leave it out for review.")
        self._metadata.setChecked(True)
        self._save = WordButton(theme, "Save figure…", "export", "primary")
        self._save.setDefault(True)
        cancel = WordButton(theme, "Cancel")

        self._grid = QGridLayout()
        grid = QWidget()
        grid.setLayout(self._grid)
        for row, (words, control) in enumerate(
            (
                ("Width", self._preset),
                ("", self._width),
                ("Raster", self._dpi),
                ("Type", self._font),
                ("Ground", self._ground),
                ("Format", self._format),
            )
        ):
            self._grid.addWidget(Label(words, "second"), row, 0)
            self._grid.addWidget(control, row, 1)
            if words:
                control.setAccessibleName(words)
        self._grid.setColumnStretch(1, 1)
        self._fields = Scroll(
            theme,
            Column(
                theme,
                Label("Panels", "section"),
                *rows,
                4,
                Rule(),
                4,
                grid,
                4,
                self._metadata,
                None,
                margins=(0, 0, 8, 0),
                gap=6,
                name="panel",
            ),
        )
        self._foot = Row(theme, self._caption, None, cancel, self._save)
        self._side = Column(theme, (self._fields, 1), self._foot, gap=12)
        self._line = QHBoxLayout(self)
        self._line.addWidget(self.page, 3)
        self._line.addWidget(self._side, 2)

        self._preset.chosen.connect(self._on_preset)
        self._width.valueChanged.connect(self._on_width)
        for spin in (self._dpi, self._font):
            spin.valueChanged.connect(self._on_change)
        self._ground.chosen.connect(self._on_change)
        self._format.chosen.connect(self._on_change)
        self._metadata.toggled.connect(self._on_change)
        self._save.clicked.connect(lambda: self.asked.emit(self.style_asked()))
        cancel.clicked.connect(self.reject)
        self.restyle(theme)
        self._on_change()

    def style_asked(self) -> dict[str, Any]:
        """The figure as it is asked for now."""
        return {
            "views": [name for name, tick in self._views.items() if tick.isChecked()],
            "width": self._width.value(),
            "dpi": self._dpi.value(),
            "font": self._font.value(),
            "background": self._ground.value(),
            "format": self._format.value().lower(),
            "metadata": self._metadata.isChecked(),
        }

    def show_preview(self, picture: QPixmap | None, words: str = "") -> None:
        """The page as it will be printed, or a sentence that says why it cannot be."""
        self.page.set_picture(picture, words)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        px = theme.px
        restyle_children(self, theme)
        self._line.setContentsMargins(px(16), px(16), px(16), px(16))
        self._line.setSpacing(px(16))
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(px(12))
        self._grid.setVerticalSpacing(px(6))
        self.resize(px(900), px(540))

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._rest.start(0)

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._rest.stop()

    def _on_preset(self, _: str) -> None:
        chosen = self._preset.currentIndex()
        if chosen < len(WIDTHS):
            self._width.setValue(WIDTHS[chosen].mm)

    def _on_width(self, width: float) -> None:
        fits = [k for k, known in enumerate(WIDTHS) if abs(known.mm - width) < 0.05]
        if self._preset.currentIndex() not in fits:
            with QSignalBlocker(self._preset):
                self._preset.setCurrentIndex(fits[0] if fits else len(WIDTHS))
        self._on_change()

    def _on_change(self, *_: object) -> None:
        style = self.style_asked()
        several = len(style["views"]) > 1
        for name, letter in self._letters.items():
            here = name in style["views"]
            place = style["views"].index(name) if here else 0
            letter.setText(f"({chr(97 + place)})" if here and several else "")
        self._save.setEnabled(bool(style["views"]))
        pixels = round(style["width"] / 25.4 * style["dpi"])
        fine = style["format"] == "png"
        width = f"{style['width']:g} mm"
        self._caption.setText(f"{width}, {pixels} px wide" if fine else f"{width} wide")
        self.page.set_clear(style["background"] == "transparent")
        if not style["views"]:
            self.page.set_picture(None, "Tick a panel to see the page.")
            self._rest.stop()
        elif self.isVisible():
            self._rest.start()


def _spin(low: float, high: float, value: float, unit: str, digits: int) -> QDoubleSpinBox:
    spin = QDoubleSpinBox(minimum=low, maximum=high, decimals=digits, suffix=unit)
    spin.setValue(value)
    return spin
