"""A quantity against time: what was measured, theory beside it, and what was changed when."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.views.plotting import (
    DASH,
    DOT,
    PlotBase,
    Range,
    add_plot,
    bounds,
    dress,
    note,
    pen,
    put,
    thinned,
)


COLUMNS = ("time", "value", "theory", "value of B", "theory of B", "step")
AT_FIRST = 1024  # samples of room
GROWTH = 1.5  # of the time axis, when the trace reaches its end
RECENT = 20  # samples whose mean a name stands at
EVENTS = 40  # that are kept


class TraceView(PlotBase):
    """Grows to the right; the whole run is seen, thinned to the width of the panel.

    Where the run goes back along its timeline, what is known of its future stays, and only the
    disc of the present moves. Beside a second run both are drawn, and their difference.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, unit: str = "") -> None:
        super().__init__(theme, parent)
        self._columns = np.empty((len(COLUMNS), AT_FIRST))
        self._count = 0
        self._present: np.ndarray | None = None  # a sample of the past that is looked at
        self._pair = False
        self._theory_shown = True
        self._events: list[tuple[float, str]] = []
        self._span: tuple[float, float] | None = None
        self._range, self._end = Range(0.08), 0.0
        self._unit, self._names = unit, ("measured", "theory")
        self._build()

    def append(
        self,
        time: float,
        value: float,
        theory: float | None = None,
        *,
        other: float = np.nan,
        other_theory: float = np.nan,
        step: int | None = None,
    ) -> None:
        """A sample of the run, and of the one beside it; without a step it is the next one."""
        step = self._count if step is None else step
        sample = np.array([time, value, np.nan, other, other_theory, step], float)
        sample[2] = np.nan if theory is None else theory
        if self._count and step <= self._columns[-1, self._count - 1]:
            self._present = sample  # the past is known already
            self.touch()
            return
        self._present = None
        if self._count == self._columns.shape[1]:
            self._columns = np.concatenate([self._columns, np.empty_like(self._columns)], axis=1)
        self._columns[:, self._count] = sample
        self._count += 1
        self.touch()

    def cut(self, step: int) -> None:
        """Forget what came from this step on: the run took another branch there."""
        self._count = int(np.searchsorted(self._columns[-1, : self._count], step))
        last = self._columns[0, self._count - 1] if self._count else -np.inf
        self._events = [event for event in self._events if event[0] <= last]
        self._present, self._end = None, 0.0
        self.touch()

    def lift(self, time: float, step: int) -> None:
        """What came between the last sample and this step is not known: no line is drawn there."""
        nothing = np.nan
        self.append(time, nothing, nothing, step=step - 1)

    def set_pair(self, pair: bool) -> None:
        """Whether a second run is drawn beside the first."""
        if pair != self._pair:
            self._pair = pair
            self._columns[3:5, : self._count] = np.nan
            self._build()
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
        self._count, self._events, self._end, self._present = 0, [], 0.0, None
        self._range.forget()
        self.touch()

    def set_span(self, span: tuple[float, float] | None) -> None:
        """What the vertical axis shows at least; None follows the data."""
        self._span = span
        self._range.forget()
        self.touch()

    def set_names(self, measured: str, theory: str, unit: str = "") -> None:
        """What stands at the two lines, and the unit of time."""
        if ((measured, theory), unit) != (self._names, self._unit):
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
        names = COLUMNS if self._pair else (*COLUMNS[:3], "step")
        return {name: self._columns[COLUMNS.index(name), : self._count].copy() for name in names}

    def _build(self) -> None:
        theme, pair = self.theme, self._pair
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme)
        unit = f"  ({self._unit})" if self._unit else ""
        self._plot.setLabel("bottom", f"t{unit}", color=theme.hex("text2"))
        dress(self._plot, theme)
        ink = "a" if pair else "measured"
        self._measured = pg.PlotDataItem(pen=pg.mkPen(theme.colour(ink), width=1), connect="finite")
        self._other = pg.PlotDataItem(
            pen=pg.mkPen(theme.colour("b"), width=1, style=DASH), connect="finite"
        )
        self._gap = pg.PlotDataItem(
            pen=pg.mkPen(theme.colour("text3"), width=1, style=DOT), connect="finite"
        )
        self._theory = pg.PlotDataItem(pen=pen(theme, "theory"), connect="finite")
        self._other_theory = pg.PlotDataItem(pen=pen(theme, "weaker"), connect="finite")
        rim = pg.mkPen(theme.colour("panel"), width=2)
        self._last = pg.ScatterPlotItem(size=8 * theme.scale, pen=rim, brush=theme.colour(ink))
        self._other_last = pg.ScatterPlotItem(
            size=8 * theme.scale, pen=rim, brush=theme.colour("b"), symbol="s"
        )
        self._name = note("A" if pair else self._names[0], theme, ink, (1, 0))
        self._other_name = note("B", theme, "b", (1, 0))
        self._gap_name = note("A − B", theme, "text3", (1, 1))
        self._theory_name = note(self._names[1], theme, "theory", (1, 1))
        for item in (
            self._gap,
            self._measured,
            self._other,
            self._theory,
            self._other_theory,
            self._last,
            self._other_last,
            self._name,
            self._other_name,
            self._gap_name,
            self._theory_name,
        ):
            self._plot.addItem(item)
        for item in (self._other_name, self._gap_name):
            item.setVisible(False)
        self._marks: list[tuple[pg.InfiniteLine, pg.TextItem]] = []

    def draw(self) -> None:
        time, value, theory, other, other_theory, _ = self._columns[:, : self._count]
        if not self._theory_shown:
            theory = other_theory = np.full_like(theory, np.nan)
        width = max(100, self.width())
        put(self._measured, *thinned(time, value, width))
        put(self._theory, *thinned(time, theory, width))
        if self._count:
            start, now = time[0], time[-1]
            if now > self._end or self._end <= start < now:
                self._end = start + max(GROWTH * (now - start), 0.05 * abs(start), 1e-9)
            end = self._end if now > start else start + 1.0  # of one moment alone
            self._plot.setXRange(start, start + 1.01 * (end - start), padding=0)
        arrays = [value, theory]
        if self._pair:
            self._draw_pair(time, value, other, other_theory, width)
            arrays += [other, value - other]
        if self._span is not None:
            arrays.append(np.array(self._span, float))
        low, high = self._range.follow(*bounds(arrays))
        self._plot.setYRange(low, high, padding=0)
        below, above = self._name_lines(time, value, theory, low, high)
        self._place_marks(*((high, 0) if above > below else (low, 1)))

    def _draw_pair(
        self,
        time: np.ndarray,
        value: np.ndarray,
        other: np.ndarray,
        other_theory: np.ndarray,
        width: int,
    ) -> None:
        put(self._other, *thinned(time, other, width))
        put(self._gap, *thinned(time, value - other, width))
        put(self._other_theory, *thinned(time, other_theory, width))
        here = self._present if self._present is not None else self._columns[:, self._count - 1]
        known = bool(self._count) and bool(np.isfinite(here[3]))
        put(self._other_last, *(([here[0]], [here[3]]) if known else ([], [])))
        gap = (value - other)[-RECENT:]
        gap = gap[np.isfinite(gap)]
        self._gap_name.setVisible(bool(len(gap)))
        if len(gap):
            self._gap_name.setPos(time[-1], float(gap.mean()))

    def _name_lines(
        self, time: np.ndarray, value: np.ndarray, theory: np.ndarray, low: float, high: float
    ) -> tuple[float, float]:
        """Each name stands at the end of its line, on the side where the other line is not.

        What room they leave below them and above.
        """
        known = bool(self._count) and bool(np.isfinite(value[-1]))
        predicted = bool(self._count) and bool(np.isfinite(theory[-1]))
        here = self._present if self._present is not None else self._columns[:, self._count - 1]
        put(self._last, *(([here[0]], [here[1]]) if known else ([], [])))
        self._name.setVisible(known)
        self._theory_name.setVisible(predicted)
        other = self._columns[3, max(0, self._count - RECENT) : self._count]
        beside = self._pair and bool(np.isfinite(other).any())
        self._other_name.setVisible(beside)
        pixel = self._plot.getViewBox().viewPixelSize()[1]
        letter = self._name.boundingRect().height() * pixel
        ends = []
        if known:
            ends.append((float(np.nanmean(value[-RECENT:])), self._name))
        if beside:
            ends.append((float(np.nanmean(other)), self._other_name))
        if predicted and len(ends) < 2:
            ends.append((float(theory[-1]), self._theory_name))
        else:
            self._theory_name.setVisible(False)
        ends.sort(key=lambda end: end[0], reverse=True)
        levels = [level for level, _ in ends]
        feet = _feet(levels, letter, low, high)
        for (_, name), foot in zip(ends, feet, strict=True):
            name.setAnchor((1, 1))
            name.setPos(time[-1], foot)
        return (min(feet) - low, high - max(feet) - letter) if feet else (0.0, 0.0)

    def _place_marks(self, level: float, anchor: int) -> None:
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
                words.setAnchor((0, anchor))
                words.setPos(event[0], level)
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
