"""What floats on the stage: title, tools, the legend of the colours, a scale bar."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QConicalGradient, QFont, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.boxes import Column, Row
from app.widgets.buttons import IconButton
from app.widgets.labels import Label
from app.widgets.scale import nice_below


Table = np.ndarray  # colours × 3, from 0 to 1
ROUND = 6  # pixels of scale 1, as the style sheet rounds a chip
FIT = (QEvent.Type.LayoutRequest, QEvent.Type.PolishRequest, QEvent.Type.Show)


class Chip(QFrame):
    """A small matte panel that floats on the stage."""

    resized = Signal()  # whoever lets it float may have to move it
    corner = 0  # pixels of a side that its round corners take; all else covers what is beneath

    def __init__(
        self,
        theme: Theme,
        *items: Any,
        height: int = 0,
        margins: tuple[int, int, int, int] = (12, 0, 12, 0),
        gap: int = 8,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("chip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.row = Row(theme, *items, margins=margins, gap=gap)
        self._height = height
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.row)
        self._dress(theme)

    def event(self, event) -> bool:
        done = super().event(event)
        if event.type() in FIT:
            self.adjustSize()  # nobody lays out what floats
        return done

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def restyle(self, theme: Theme) -> None:
        self.row.restyle(theme)
        self._dress(theme)

    def _dress(self, theme: Theme) -> None:
        self.theme, self.corner = theme, theme.px(ROUND)
        if self._height:
            self.setFixedHeight(theme.px(self._height))
        self.adjustSize()


class TitleChip(Chip):
    """Which system, which preset, and whether it was changed since."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._title = Label("", "title")
        self._preset = Label("", "tag")
        self._edited = Label("edited", "caption")
        super().__init__(theme, self._title, self._preset, self._edited, height=36, parent=parent)
        self._told: tuple[str, str, bool, bool] | None = None
        self.show_title("")

    def show_title(
        self, title: str, preset: str = "", *, edited: bool = False, compact: bool = False
    ) -> bool:
        """Say it; whether that is new."""
        told = title, preset, edited, compact
        if told == self._told:
            return False
        self._told = told
        self._title.setText(title)
        self._preset.setText(preset)
        self._preset.setVisible(bool(preset) and not compact)
        self._edited.setVisible(edited and not compact)
        self.adjustSize()
        return True


class ToolsChip(Chip):
    """The tools of the stage; one is pressed by its name."""

    pressed = Signal(str, bool)  # name, whether it is now on

    def __init__(
        self,
        theme: Theme,
        tools: tuple[tuple[str, str, str, bool], ...],  # name, icon, tip, checkable
        parent: QWidget | None = None,
    ) -> None:
        self.buttons: dict[str, IconButton] = {}
        for name, icon, hint, checkable in tools:
            button = IconButton(theme, icon, hint, checkable=checkable)
            button.clicked.connect(lambda on, name=name: self.pressed.emit(name, on))
            self.buttons[name] = button
        super().__init__(
            theme, *self.buttons.values(), height=36, margins=(4, 0, 4, 0), gap=2, parent=parent
        )

    def set_on(self, name: str, on: bool) -> None:
        """Show a tool as on or off; emits nothing."""
        self.buttons[name].setChecked(on)


class Wheel(QWidget):
    """Legend of a cyclic quantity: its colours in a ring, the mean as a needle."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours: list[QColor] = []
        self._angle = self._length = 0.0
        self._ring: QPixmap | None = None  # drawn once: the needle moves with every frame
        self.restyle(theme)

    def set_table(self, table: Table) -> None:
        self._colours = _colours(table, 60)  # between two of them the ring is shaded
        self._ring = None
        self.update()

    def set_mean(self, angle: float, length: float) -> None:
        """The mean direction, and how strongly all agree on it."""
        if (angle, length) != (self._angle, self._length):
            self._angle, self._length = angle, min(max(length, 0.0), 1.0)
            self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setFixedSize(theme.px(64), theme.px(64))
        self._ring = None
        self.update()

    def _drawn_ring(self, radius: float, width: float) -> QPixmap:
        ratio = self.devicePixelRatioF()
        if self._ring is None or self._ring.devicePixelRatio() != ratio:
            self._ring = QPixmap(self.size() * ratio)
            self._ring.setDevicePixelRatio(ratio)
            self._ring.fill(Qt.GlobalColor.transparent)
            centre = QRectF(self.rect()).center()
            shades = QConicalGradient(centre, 0)
            for k, colour in enumerate(self._colours):
                shades.setColorAt(k / len(self._colours), colour)
            last = self._colours[0] if self._colours else self.theme.colour("line")
            shades.setColorAt(1.0, last)
            painter = QPainter(self._ring)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(shades, width))
            painter.drawEllipse(centre, radius, radius)
            painter.end()
        return self._ring

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, width = self.width() / 2, theme.px(7)
        radius = middle - theme.px(6)
        painter.drawPixmap(0, 0, self._drawn_ring(radius, width))
        if not math.isfinite(self._angle + self._length):
            return
        reach = (radius - width) * self._length
        x, y = reach * math.cos(self._angle), -reach * math.sin(self._angle)
        centre, tip = QPointF(middle, middle), QPointF(middle + x, middle + y)
        line = QPen(theme.colour("text"), theme.px(2))
        line.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(line)
        painter.drawLine(centre, tip)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("text"))
        painter.drawEllipse(tip, theme.px(2.5), theme.px(2.5))


class Ramp(QWidget):
    """A colour bar of one line: low, colours, high."""

    def __init__(
        self,
        theme: Theme,
        table: Table | None = None,
        low: float = 0.0,
        high: float = 1.0,
        *,
        zero: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._low, self._high, self._zero = "", "", zero
        self._colours: list[QColor] = []
        self.theme = theme
        if table is not None:
            self.set_table(table)
        self.set_ends(low, high)
        self.restyle(theme)

    def set_table(self, table: Table) -> None:
        self._colours = _colours(table, 64)
        self.update()

    def set_ends(self, low: float, high: float) -> None:
        ends = end_words(low, high)
        if ends != (self._low, self._high):
            self._low, self._high = ends
            self._measure()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._measure()

    def _measure(self) -> None:
        theme = self.theme
        advance = QFontMetrics(theme.font("caption")).horizontalAdvance
        gap = theme.px(6)
        self._left = advance(self._low) + gap if self._low else 0
        self._right = advance(self._high) + gap if self._high else 0
        self.setFixedSize(theme.px(84) + self._left + self._right, theme.px(16))
        self.update()

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text3"))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | middle, self._low)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignRight | middle, self._high)
        room = self.width() - self._left - self._right
        each = room / max(1, len(self._colours))
        top, height = self.height() / 2 - theme.px(3), theme.px(6)
        for k, colour in enumerate(self._colours):
            painter.fillRect(QRectF(self._left + k * each, top, each + 0.6, height), colour)
        if self._zero:
            x = self._left + room / 2
            painter.fillRect(
                QRectF(x - 0.5, top - theme.px(2), 1, height + theme.px(4)), theme.colour("text2")
            )


class Swatches(QWidget):
    """Legend of kinds: a disc in the colour of each, and its name."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kinds: list[tuple[str, QColor]] = []
        self.restyle(theme)

    def set_kinds(self, names: list[str], table: Table) -> None:
        colours = _colours(table, len(table))
        self._kinds = (
            [(n, colours[k % len(colours)]) for k, n in enumerate(names)] if colours else []
        )
        self._measure()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._measure()

    def _measure(self) -> None:
        theme = self.theme
        metrics = QFontMetrics(theme.font("caption"))
        wide = max((metrics.horizontalAdvance(name) for name, _ in self._kinds), default=0)
        self.setFixedSize(wide + theme.px(18), max(1, len(self._kinds)) * theme.px(16))
        self.update()

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("caption"))
        line = theme.px(16)
        for row, (name, colour) in enumerate(self._kinds):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(theme.px(6), (row + 0.5) * line), theme.px(4), theme.px(4))
            painter.setPen(theme.colour("text2"))
            area = QRectF(theme.px(16), row * line, self.width(), line)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, name)


class LegendChip(Chip):
    """What the colours of the stage say: a wheel, a ramp, or names."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._wheel, self._ramp, self._kinds = Wheel(theme), Ramp(theme), Swatches(theme)
        self._label, self._note = Label("", "strong"), Label("", "caption")
        self._words = Column(
            theme, None, self._label, self._note, self._ramp, self._kinds, None, gap=1
        )
        self._was: tuple = ()
        super().__init__(
            theme, self._wheel, self._words, margins=(8, 8, 12, 8), gap=8, parent=parent
        )
        self.hide()

    def show_legend(self, legend: Any, kinds: list[str] | None = None) -> None:
        """Show a `Legend` of the views, with names of the kinds of a category; None is none."""
        if legend is None:
            self._was = ()
            self.hide()
            return
        kind = legend.kind
        was = (
            kind,
            legend.label,
            np.asarray(legend.table).tobytes(),  # the view makes an equal one for every frame
            tuple(kinds or ()),
            end_words(legend.low, legend.high),
        )
        if kind == "phase":
            self._wheel.set_mean(legend.angle, legend.length)
        if was == self._was:
            return
        self._was = was
        self._label.setText(legend.label)
        self._label.setVisible(bool(legend.label))
        phase, category = kind == "phase", kind == "category"
        self._wheel.setVisible(phase)
        self._note.setVisible(phase)
        self._note.setText("needle: the mean")
        self._ramp.setVisible(not phase and not category)
        self._kinds.setVisible(category and bool(kinds))
        if phase:
            self._wheel.set_table(legend.table)
        elif category:
            self._kinds.set_kinds(kinds or [], legend.table)
        else:
            self._ramp._zero = kind == "signed"
            self._ramp.set_table(legend.table)
            self._ramp.set_ends(legend.low, legend.high)
        self.setVisible(not category or bool(kinds))
        self.row.line.activate()
        self.adjustSize()


class ScaleBar(QWidget):
    """A length of the system, as round as it can be at this zoom."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._length = "", 0.0
        self._unit = ""
        self.restyle(theme)

    def set_scale(self, pixels_per_unit: float, unit: str = "", most: float = 120) -> None:
        """Choose 1, 2 or 5 times a power of ten that is at most `most` pixels of scale 1 long."""
        if not (math.isfinite(pixels_per_unit) and pixels_per_unit > 0):
            return
        length = nice_below(self.theme.px(most) / pixels_per_unit)
        text = f"{numbers.value(length) if length < 1e5 else f'{length:.0e}'} {unit}".strip()
        pixels = length * pixels_per_unit
        if (text, round(pixels)) != (self._text, round(self._length)):
            self._text, self._length = text, pixels
            self._measure()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._measure()

    def _measure(self) -> None:
        metrics = QFontMetrics(self.theme.font("caption", QFont.Weight.Medium))
        wide = max(round(self._length), metrics.horizontalAdvance(self._text))
        self.setFixedSize(wide + self.theme.px(8), self.theme.px(26))
        self.update()

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setPen(theme.colour("text"))
        painter.setFont(theme.font("caption", QFont.Weight.Medium))
        words = self.rect().adjusted(0, 0, 0, -theme.px(8))
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self._text)
        left = (self.width() - self._length) / 2
        bar = QRectF(left, self.height() - theme.px(4), self._length, theme.px(2))
        painter.fillRect(bar, theme.colour("text"))


class ScaleChip(Chip):
    """The scale bar on its chip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self.bar = ScaleBar(theme)
        super().__init__(theme, self.bar, margins=(6, 4, 6, 4), parent=parent)

    def set_scale(self, pixels_per_unit: float, unit: str = "") -> None:
        before = self.bar.size()
        self.bar.set_scale(pixels_per_unit, unit)
        if self.bar.size() != before:
            self.row.line.activate()
            self.adjustSize()


def end_words(low: float, high: float) -> tuple[str, str]:
    """The ends of a ramp in three digits at most; like ends look alike."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "", ""
    reach = max(abs(low), abs(high), 1e-300)
    if low == round(low) and high == round(high) and reach < 1e4:
        return numbers.count(low), numbers.count(high)
    if 0.01 <= reach < 1e3:
        places = max(0, 2 - math.floor(math.log10(reach)) - (reach >= 1))
        return tuple(f"{end:.{places}f}".replace("-", numbers.MINUS) for end in (low, high))  # type: ignore[return-value]
    return numbers.value(float(f"{low:.2g}")), numbers.value(float(f"{high:.2g}"))


def _colours(table: Table, count: int) -> list[QColor]:
    table = np.asarray(table)
    if not len(table):
        return []
    chosen = table[np.linspace(0, len(table) - 1, count).round().astype(int)]
    return [QColor.fromRgbF(*(float(c) for c in row[:3])) for row in chosen]
