"""A quantity against time: what was measured, theory beside it, and what was changed when."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.views.plotting import DOT, PlotBase, Range, add_plot, bounds, dress, note, pen, thinned


AT_FIRST = 1024  # samples of room
GROWTH = 1.5  # of the time axis, when the trace reaches its end
RECENT = 20  # samples whose mean a name stands at
EVENTS = 40  # that are kept


class TraceView(PlotBase):
    """Grows to the right; the whole run is seen, thinned to the width of the panel."""

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, unit: str = "") -> None:
        super().__init__(theme, parent)
        self._columns = np.empty((3, AT_FIRST))  # time, value, theory
        self._count = 0
        self._theory_shown = True
        self._events: list[tuple[float, str]] = []
        self._span: tuple[float, float] | None = None
        self._range, self._end = Range(0.08), 0.0
        self._unit, self._names = unit, ("measured", "theory")
        self._build()

    def append(self, time: float, value: float, theory: float = np.nan) -> None:
        if self._count == self._columns.shape[1]:
            self._columns = np.concatenate([self._columns, np.empty_like(self._columns)], axis=1)
        self._columns[:, self._count] = time, value, np.nan if theory is None else theory
        self._count += 1
        self.touch()

    def event(self, *arguments) -> bool | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """`event(time, words)` marks a change; with one argument this is Qt's own `event`."""
        if len(arguments) == 1:
            return super().event(*arguments)
        self.mark(*arguments)
        return None

    def mark(self, time: float, words: str) -> None:
        """A dotted line at this time, with these words at its foot."""
        self._events = [*self._events[1 - EVENTS :], (time, words)]
        self.touch()

    def clear(self) -> None:
        self._count, self._events, self._end = 0, [], 0.0
        self._range.forget()
        self.touch()

    def set_span(self, span: tuple[float, float] | None) -> None:
        """What the vertical axis shows at least; None follows the data."""
        self._span = span
        self._range.forget()
        self.touch()

    def set_names(self, measured: str, theory: str, unit: str = "") -> None:
        """What stands at the two lines, and the unit of time."""
        self._names, self._unit = (measured, theory), unit
        self._build()
        self.touch()

    def show_theory(self, on: bool) -> None:
        """Whether theory is drawn beside the measurement."""
        self._theory_shown = on
        self.touch()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        known = self._columns[:, : self._count]
        return dict(zip(("time", "value", "theory"), known.copy(), strict=True))

    def _build(self) -> None:
        theme = self.theme
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme)
        unit = f"  ({self._unit})" if self._unit else ""
        self._plot.setLabel("bottom", f"t{unit}", color=theme.hex("text2"))
        dress(self._plot, theme)
        self._measured = pg.PlotDataItem(pen=pen(theme, "measured"), connect="finite")
        self._theory = pg.PlotDataItem(pen=pen(theme, "theory"), connect="finite")
        rim = pg.mkPen(theme.colour("panel"), width=2)
        self._last = pg.ScatterPlotItem(
            size=8 * theme.scale, pen=rim, brush=theme.colour("measured")
        )
        self._name = note(self._names[0], theme, "measured", (1, 0))
        self._theory_name = note(self._names[1], theme, "theory", (1, 1))
        for item in (self._measured, self._theory, self._last, self._name, self._theory_name):
            self._plot.addItem(item)
        self._marks: list[tuple[pg.InfiniteLine, pg.TextItem]] = []

    def draw(self) -> None:
        time, value, theory = self._columns[:, : self._count]
        if not self._theory_shown:
            theory = np.full_like(theory, np.nan)
        width = max(100, self.width())
        self._measured.setData(*thinned(time, value, width))
        self._theory.setData(*thinned(time, theory, width))
        if self._count:
            start, now = time[0], time[-1]
            if now > self._end or self._end <= start:
                self._end = start + max(GROWTH * (now - start), 1e-9)
            self._plot.setXRange(start, start + 1.01 * (self._end - start), padding=0)
        arrays = [value, theory]
        if self._span is not None:
            arrays.append(np.array(self._span, float))
        low, high = self._range.follow(*bounds(arrays))
        self._plot.setYRange(low, high, padding=0)
        self._name_lines(time, value, theory, low, high)
        self._place_marks(low)

    def _name_lines(
        self, time: np.ndarray, value: np.ndarray, theory: np.ndarray, low: float, high: float
    ) -> None:
        """Each name stands at the end of its line, on the side where the other line is not."""
        known = bool(self._count) and bool(np.isfinite(value[-1]))
        predicted = bool(self._count) and bool(np.isfinite(theory[-1]))
        self._last.setData(*((time[-1:], value[-1:]) if known else ([], [])))
        self._name.setVisible(known)
        self._theory_name.setVisible(predicted)
        pixel = self._plot.getViewBox().viewPixelSize()[1]
        letter = self._name.boundingRect().height() * pixel
        ends = []
        if known:
            ends.append((float(np.nanmean(value[-RECENT:])), self._name))
        if predicted:
            ends.append((float(theory[-1]), self._theory_name))
        ends.sort(key=lambda end: end[0], reverse=True)
        levels = [level for level, _ in ends]
        for (_, name), foot in zip(ends, _feet(levels, letter, low, high), strict=True):
            name.setAnchor((1, 1))
            name.setPos(time[-1], foot)

    def _place_marks(self, low: float) -> None:
        theme = self.theme
        while len(self._marks) < len(self._events):
            line = pg.InfiniteLine(0, pen=pg.mkPen(theme.colour("line_strong"), width=1, style=DOT))
            words = note("", theme, "text2", (0, 1))
            self._plot.addItem(line)
            self._plot.addItem(words)
            self._marks.append((line, words))
        free = np.inf  # from the newest to the oldest: a name that would cover another is left out
        pixel = max(self._plot.getViewBox().viewPixelSize()[0], 1e-12)
        events = sorted(self._events, reverse=True)
        for (line, words), event in zip_longest(self._marks, events):
            line.setVisible(event is not None)
            words.setVisible(False)
            if event is None:
                continue
            line.setPos(event[0])
            words.setText(event[1])
            wide = words.boundingRect().width() * pixel
            if event[0] + wide < free:
                words.setPos(event[0], low)
                words.setVisible(True)
                free = event[0]


def _feet(levels: list[float], letter: float, low: float, high: float) -> list[float]:
    """Where names of this height stand: the upper above its line, the lower below its own."""
    if len(levels) < 2:
        return [level if level < (low + high) / 2 else level - letter for level in levels]
    upper, lower = levels[0], levels[1] - letter
    if lower < low:  # no room below: both above, the upper on top
        lower = levels[1]
        upper = max(upper, lower + letter)
        if upper + letter > high and levels[0] - letter >= lower + letter:
            upper = levels[0] - letter  # nor above: both in between
    elif upper + letter > high:  # no room above
        upper = levels[0] - letter
        lower = min(lower, upper - letter)
    return [upper, lower]
