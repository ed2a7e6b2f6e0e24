"""How a critical point was found: curves of several sizes; and their collapse onto one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.views.plotting import DOT, Naming, PlotBase, add_plot, bounds, note, set_label


if TYPE_CHECKING:
    from engine.core.criticality import CriticalPoint, SizeRuns
    from engine.core.scaling import Exponents

LOOKED_AT = {  # what stands on the vertical axis, by the method
    "binder": "Binder cumulant U",
    "susceptibility": "susceptibility χ",
    "jump": "size-free stiffness",
    "loss": "order",
    "onset": "square of the order",
}
MARKS = ("o", "s", "t", "d", "star", "p")


def shades(theme: Theme, count: int) -> list[QColor]:
    """From faint to full: small sizes to large ones."""
    first, last = theme.colour("text3"), theme.colour("measured")
    ends = np.array([(c.redF(), c.greenF(), c.blueF()) for c in (first, last)])
    steps = np.linspace(0, 1, count) if count > 1 else np.ones(1)
    return [QColor.fromRgbF(*map(float, (1 - s) * ends[0] + s * ends[1])) for s in steps]


class CriticalView(PlotBase):
    """Curves of each size, where they turn, with its error, and where theory says they do.

    A sentence above them says what was found, or why nothing was.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._point: CriticalPoint | None = None
        self._symbol, self._size = "", "N"
        self._head = QLabel(wordWrap=True)
        box = self.layout()
        assert isinstance(box, QVBoxLayout)
        box.insertWidget(0, self._head)
        self._build()

    def set_names(self, parameter: str, size: str) -> None:
        """Symbols of the parameter and of the size."""
        self._symbol, self._size = parameter, size
        self._build()
        self.touch()

    def show_point(self, point: CriticalPoint) -> None:
        self._point = point
        self._head.setText(f"{self._symbol} = {point.words}")
        self._build()
        self.touch()

    def say(self, words: str) -> None:
        """How far the search is, or why there is no point."""
        self._head.setText(words)

    @property
    def words(self) -> str:
        return self._head.text()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        point = self._point
        if point is None:
            return {}
        sizes = zip(point.runs.sizes, point.curves, strict=True)
        return {point.parameter: point.runs.values} | {
            f"{LOOKED_AT[point.method]}, {self._size} = {size}": row for size, row in sizes
        }

    def _build(self) -> None:
        theme, point = self.theme, self._point
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme)
        self._naming = Naming(self._plot)
        set_label(self._plot, "bottom", self._symbol or "parameter", theme)
        self._head.setFont(theme.font("body"))
        self._head.setStyleSheet(
            f"color:{theme.hex('text')};background:{theme.hex('panel')};"
            f"padding:{theme.px(6)}px {theme.px(12)}px;"
        )
        self._names: dict[str, pg.TextItem] = {}
        self._lines: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        if point is None:
            return
        set_label(self._plot, "left", LOOKED_AT[point.method], theme)
        for k, (size, row, tint) in enumerate(
            zip(point.runs.sizes, point.curves, shades(theme, len(point.curves)), strict=True)
        ):
            line = pg.PlotDataItem(
                point.runs.values,
                row,
                pen=pg.mkPen(tint, width=1),
                symbol=MARKS[k % len(MARKS)],
                symbolSize=6 * theme.scale,
                symbolBrush=tint,
                symbolPen=None,
            )
            self._plot.addItem(line)
            name = f"{self._size} = {size}"
            self._names[name] = note(name, theme, "text2")
            self._plot.addItem(self._names[name], ignoreBounds=True)
            self._lines[name] = (point.runs.values, row)
        band = pg.LinearRegionItem(
            (point.value - point.error, point.value + point.error),
            movable=False,
            brush=theme.colour("accent", 0.25),
            pen=pg.mkPen(theme.colour("accent"), width=1),
        )
        self._plot.addItem(band, ignoreBounds=True)
        if point.theory is not None:
            self._plot.addItem(
                pg.InfiniteLine(
                    point.theory, pen=pg.mkPen(theme.colour("theory"), width=2, style=DOT)
                ),
                ignoreBounds=True,
            )
        low, high = bounds([point.curves])
        if np.isfinite(low) and high > low:
            room = 0.08 * (high - low)
            self._plot.setYRange(low - room, high + room, padding=0)
        self._plot.setXRange(point.runs.values[0], point.runs.values[-1], padding=0.02)

    def draw(self) -> None:
        self._naming.place(self._names, self._lines, [])


class CollapseView(PlotBase):
    """m N^{β/ν} over (λ − λ_c) N^{1/ν}: of all sizes one curve, if the exponents are right."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._runs: SizeRuns | None = None
        self._by: Exponents | None = None
        self._symbols = ("λ", "m", "N")
        self._build()

    def set_names(self, parameter: str, order: str, size: str) -> None:
        self._symbols = (parameter, order, size)
        self._build()
        self.touch()

    def show_runs(self, runs: SizeRuns, by: Exponents) -> None:
        """Runs of several sizes, scaled by these exponents."""
        anew = self._runs is None or self._runs.sizes != runs.sizes
        self._runs, self._by = runs, by
        if anew:
            self._build()
        self.touch()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        from engine.core.scaling import collapsed

        if self._runs is None or self._by is None:
            return {}
        x, y, error = collapsed(self._runs, self._by)
        size = np.broadcast_to(np.array(self._runs.sizes, float)[:, None], x.shape)
        names = ("size", "scaled parameter", "scaled order", "error")
        return {n: c.ravel() for n, c in zip(names, (size, x, y, error), strict=True)}

    def _build(self) -> None:
        theme = self.theme
        parameter, order, size = self._symbols
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme)
        set_label(self._plot, "bottom", f"({parameter} − {parameter}_c) {size}^(1/ν)", theme)
        set_label(self._plot, "left", f"{order} {size}^(β/ν)", theme)
        self._items: list[tuple[pg.ScatterPlotItem, pg.ErrorBarItem]] = []
        if self._runs is None:
            return
        tints = shades(theme, len(self._runs.sizes))
        for k, tint in enumerate(tints):
            bars = pg.ErrorBarItem(
                x=np.empty(0), y=np.empty(0), height=np.empty(0), pen=pg.mkPen(tint, width=1)
            )
            spots = pg.ScatterPlotItem(
                size=7 * theme.scale, pen=None, brush=tint, symbol=MARKS[k % len(MARKS)]
            )
            self._plot.addItem(bars)
            self._plot.addItem(spots)
            words = note(f"{size} = {self._runs.sizes[k]}", theme, "text2", (1, 0))
            words.setColor(tint)
            words.setParentItem(self._plot.getViewBox())
            words.setPos(0, 0)
            self._items.append((spots, bars))

    def draw(self) -> None:
        from engine.core.scaling import collapsed

        if self._runs is None or self._by is None:
            return
        x, y, error = collapsed(self._runs, self._by)
        for k, (spots, bars) in enumerate(self._items):
            spots.setData(x[k], y[k])
            bars.setData(x=x[k], y=y[k], height=2 * error[k])
        (left, right), (low, high) = bounds([x]), bounds([y])
        if right > left and high > low:
            self._plot.setXRange(left, right, padding=0.03)
            self._plot.setYRange(low, high, padding=0.06)
