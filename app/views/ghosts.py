"""The ensemble under a run: faint traces of its replicas, and their histogram at the side."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.views.plotting import PlotBase, Range, add_plot, bounds, note, set_label


LONGEST = 600  # samples of a trace that are seen
BINS = 24


class GhostView(PlotBase):
    """The run is bright, its replicas are faint; the histogram is of the replicas alone."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._times: list[float] = []
        self._values: list[np.ndarray] = []  # [replica] at each time
        self._run: list[tuple[float, float]] = []
        self._symbol, self._note = "", ""
        self._range = Range(0.06)
        self._build()

    def set_names(self, symbol: str, words: str) -> None:
        """The symbol of the observable; how many replicas there are, and of what size."""
        if (symbol, words) != (self._symbol, self._note):
            self._symbol, self._note = symbol, words
            self._build()
            self.touch()

    def add(self, time: float, values: np.ndarray) -> None:
        """The observable in every replica, at a time since their start."""
        if self._times and (time < self._times[-1] or len(values) != len(self._values[-1])):
            self.clear()
        self._times.append(time)
        self._values.append(np.asarray(values, float))
        if len(self._times) > LONGEST:  # every other one: the whole time stays in sight
            self._times, self._values = self._times[::2], self._values[::2]
        self.touch()

    def add_run(self, time: float, value: float) -> None:
        """The observable in the run itself, since the same start."""
        if self._run and time < self._run[-1][0]:
            self._run = []
        self._run.append((time, value))
        if len(self._run) > 4 * LONGEST:
            self._run = self._run[::2]

    def clear(self) -> None:
        self._times, self._values, self._run = [], [], []
        self._range.forget()
        self.touch()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        if not self._times:
            return {}
        return {"time": np.array(self._times), "replica": np.array(self._values)}

    def _build(self) -> None:
        theme = self.theme
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme)
        self._side = add_plot(self.canvas, theme)
        self._side.setMaximumWidth(theme.px(72))
        self._side.hideAxis("left")
        self._side.getAxis("bottom").setStyle(showValues=False, tickLength=0)
        self._side.getAxis("bottom").setLabel(" ")  # as high as the one beside it
        self._side.setYLink(self._plot)
        set_label(self._plot, "bottom", "t since the ensemble began", theme)
        set_label(self._plot, "left", self._symbol, theme)
        faint = pg.mkPen(theme.colour("measured", 0.22), width=1)
        self._traces = pg.PlotCurveItem(pen=faint, connect="finite")
        self._bright = pg.PlotCurveItem(pen=pg.mkPen(theme.colour("accent"), width=2))
        self._bars = pg.BarGraphItem(
            x0=[], y0=[], width=[], height=[], pen=None, brush=theme.colour("measured", 0.45)
        )
        level = pg.mkPen(theme.colour("accent"), width=2)
        self._level = pg.InfiniteLine(0, angle=0, pen=level)
        self._words = note(self._note, theme, "text2", (1, 0))
        self._plot.addItem(self._traces)
        self._plot.addItem(self._bright)
        self._plot.addItem(self._words, ignoreBounds=True)
        self._side.addItem(self._bars)
        self._side.addItem(self._level, ignoreBounds=True)

    def draw(self) -> None:
        if not self._times:
            for item in (self._traces, self._bright):
                item.setData([], [])
            return
        times, values = np.array(self._times), np.array(self._values)
        gap = np.full((1, values.shape[1]), np.nan)
        lines = np.concatenate([values, gap]).T.ravel()
        self._traces.setData(np.tile(np.append(times, np.nan), values.shape[1]), lines)
        run = np.array(self._run).reshape(-1, 2)
        self._bright.setData(run[:, 0], run[:, 1])
        low, high = self._range.follow(*bounds([values, run[:, 1]]))
        self._plot.setYRange(low, high, padding=0)
        right = max(times[-1], run[-1, 0] if len(run) else 0.0, 1e-9)
        self._plot.setXRange(0, right, padding=0)
        self._words.setPos(right, high)
        count, edges = np.histogram(values[-1], BINS, (low, high))
        self._bars.setOpts(x0=np.zeros(BINS), width=count, y0=edges[:-1], height=np.diff(edges))
        self._side.setXRange(0, max(1, count.max()), padding=0.05)
        if len(run):
            self._level.setPos(run[-1, 1])
