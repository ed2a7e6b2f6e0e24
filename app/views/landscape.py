"""The landscape that a run lives in: −ln P of an observable, and the run as a ball in it."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.views.plotting import PlotBase, Range, add_plot, bounds, note, pen, put, set_label


BINS = 41
FEW = 4  # samples that make a bin worth showing
KEPT = 20_000  # samples
SEEN = 12.0  # above the lowest point: what lies higher is never visited


class LandscapeView(PlotBase):
    """Theory's −ln P as a line, the run's own as points; both begin at 0."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._x, self._y = np.empty(0), np.empty(0)
        self._samples: list[float] = []
        self._now = np.nan
        self._symbol, self._name = "", "theory"
        self._range = Range()
        self._build()

    def set_names(self, symbol: str, theory: str) -> None:
        self._symbol, self._name = symbol, theory
        self._build()
        self.touch()

    def show_landscape(self, x: np.ndarray, y: np.ndarray) -> None:
        """−ln P along the values of the observable, up to a constant."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        if not np.array_equal(x, self._x) or not np.array_equal(y, self._y):
            self._x, self._y = x, y - np.nanmin(y) if np.isfinite(y).any() else y
            self.touch()

    def add(self, value: float) -> None:
        """What the run measures now."""
        self._samples.append(value)
        del self._samples[:-KEPT]
        self._now = value
        self.touch()

    def forget(self) -> None:
        """The values have changed: what was measured belongs to another landscape."""
        self._samples.clear()
        self.touch()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        at, height = self.measured()
        return {"value": self._x, "-ln P": self._y, "measured value": at, "measured -ln P": height}

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """−ln P of the samples so far, in bins, raised to lie on theory's line where it can."""
        samples = np.array(self._samples)
        if len(samples) < 8 * FEW or not len(self._x):
            return np.empty(0), np.empty(0)
        inside = self._x[self._y < SEEN] if (self._y < SEEN).any() else self._x
        low, high = min(inside[0], samples.min()), max(inside[-1], samples.max())
        count, edges = np.histogram(samples, BINS, (low, high))
        at = (edges[1:] + edges[:-1]) / 2
        kept = count >= FEW
        at, count = at[kept], count[kept]
        height = -np.log(count)
        line = np.interp(at, self._x, self._y, left=np.nan, right=np.nan)
        known = np.isfinite(line)
        shift = np.average((line - height)[known], weights=count[known]) if known.any() else 0
        return at, height + shift

    def _build(self) -> None:
        theme = self.theme
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme)
        set_label(self._plot, "bottom", self._symbol or "value", theme)
        set_label(self._plot, "left", "−ln P", theme)
        self._line = pg.PlotDataItem(pen=pen(theme, "theory"), connect="finite")
        self._points = pg.ScatterPlotItem(
            size=6 * theme.scale, pen=None, brush=theme.colour("measured")
        )
        accent = pg.mkPen(theme.colour("accent"), width=2 * theme.scale)
        self._ball = pg.ScatterPlotItem(
            size=15 * theme.scale, pen=accent, brush=theme.colour("accent_fill")
        )
        self._words = note(self._name, theme, "theory", (0, 0))
        for z, item in enumerate((self._line, self._points, self._ball, self._words)):
            item.setZValue(z)
            self._plot.addItem(item)
        self._range.forget()

    def draw(self) -> None:
        seen = self._y < SEEN
        put(self._line, self._x, self._y)
        at, height = self.measured()
        put(self._points, at, height)
        ball = np.interp(self._now, self._x, self._y) if len(self._x) else np.nan
        here = np.isfinite(self._now) and np.isfinite(ball)
        put(self._ball, *(([self._now], [min(ball, SEEN)]) if here else ([], [])))
        left, right = bounds([self._x[seen], at, np.array([self._now])])
        if np.isfinite(left) and right > left:
            room = 0.03 * (right - left)
            self._plot.setXRange(left - room, right + room, padding=0)
            self._words.setPos(left, min(SEEN, float(np.nanmax(self._y))))
        self._plot.setYRange(*self._range.follow(*bounds([self._y[seen], height])), padding=0)
