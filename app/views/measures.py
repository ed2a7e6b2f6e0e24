"""A measure of the swarm, with error bars: what it is, of how many frames, and what a gas has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.plotting import Naming, PlotBase, Range, add_plot, bounds, note, pen, put, set_label
from app.views.view import View
from app.widgets import numbers
from app.widgets.boxes import Column, Row
from app.widgets.labels import ElidedLabel, Label
from app.widgets.segments import Combo


if TYPE_CHECKING:
    from app.theme.theme import Theme
    from engine.core.measures import Average, Measure

GAS = "ideal gas"


class Found(NamedTuple):
    """What is shown of a measure."""

    about: Measure
    average: Average
    theory: dict[str, np.ndarray]  # of the system itself, at the places where it was measured
    marks: dict[str, float]  # places on the axis that the system points to


class MeasuresView(View):
    """One measure at a time, chosen above its plot."""

    chosen = Signal(str)
    seen = Signal(bool)  # whether somebody looks

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._measures: Mapping[str, Measure] = {}
        self._lines: Mapping[str, tuple[Any, ...]] = {}
        self._marks: dict[str, float] = {}
        self.average: Average | None = None
        self.plot = MeasurePlot(theme)
        self.choice = Combo(theme)
        self.choice.setAccessibleName("Measure")
        self._count = ElidedLabel("", "caption", least=8)
        self._foot = Label("", "caption", wrap=True)
        self._head = Row(theme, self.choice, (self._count, 1), margins=(12, 2, 12, 2), gap=8)
        self._base = Row(theme, (self._foot, 1), margins=(12, 0, 12, 2))
        self._column = Column(theme, self._head, (self.plot, 1), self._base, gap=0)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._column)
        self.choice.chosen.connect(self._on_chosen)

    def offer(self, measures: Mapping[str, Measure]) -> None:
        """The measures that there are; what was shown belonged to another run."""
        self._measures = measures
        if self.choice.count() != len(measures):
            self.choice.addItems(list(measures))
            self.choice.updateGeometry()
        self._forget()

    def value(self) -> str:
        return self.choice.value()

    def setValue(self, name: str) -> None:
        if name in self._measures and name != self.value():
            self.choice.setValue(name)
            self._forget()

    def guide(self, lines: Mapping[str, tuple[Any, ...]], marks: Mapping[str, Any]) -> None:
        """Views of the system that may have theory of a measure, under its name; and its marks."""
        self._lines, self._marks = lines, {name: float(at) for name, at in marks.items()}

    def show_average(self, average: Average) -> None:
        """What was found so far, of the measure that is chosen."""
        self.average = average
        found = bool(len(average.x))
        frames = f"n = {numbers.count(average.frames)} frame{'s' * (average.frames != 1)}"
        self._count.setText(frames if found else "")
        some = numbers.count(average.used)
        if average.used < average.particles:
            some += f" of {numbers.count(average.particles)}"
        words = [f"{some} particles"] if found else []
        self.say(", ".join([*words, *([average.words] if average.words else [])]))
        theory, marks = (self.theory, self._marks) if found else ({}, {})
        self.plot.show_measure(Found(self._measures[average.name], average, theory, marks))

    def say(self, words: str) -> None:
        """How it was measured, or why it was not."""
        if words != self._foot.text():
            self._foot.setText(words)
            self._base.setVisible(bool(words))

    @property
    def words(self) -> tuple[str, str]:
        """What stands above and below the plot."""
        return self._count.text(), self._foot.text()

    @property
    def theory(self) -> dict[str, np.ndarray]:
        """What a system itself says of this measure, at the places where it was measured."""
        average = self.average
        if average is None or not len(average.x):
            return {}
        found = {}
        for layer in self._lines.get(average.name, ()):
            if type(layer).__name__ == "Curve" and layer.role == "theory":
                x, y = np.asarray(layer.x, float), np.asarray(layer.y, float)
                known = np.isfinite(x) & np.isfinite(y)
                if x.ndim == 1 and known.any() and (np.diff(x[known]) > 0).all():
                    at = np.interp(average.x, x[known], y[known], left=np.nan, right=np.nan)
                    found[layer.label or "theory"] = at
        return found

    @property
    def found(self) -> Found | None:
        """What is shown, if anything is."""
        if self.average is None or not len(self.average.x):
            return None
        about = self._measures[self.average.name]
        return Found(about, self.average, self.theory, self._marks)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._column.restyle(theme)
        self.plot.restyle(theme)

    def reset_camera(self) -> None:
        self.plot.reset_camera()

    def data(self) -> dict[str, np.ndarray]:
        if self.found is None:
            return {}
        about, average, theory, _ = self.found
        columns = {about.x: average.x, about.y: average.mean, "error": average.error}
        if average.edges is not None:
            columns["edges"] = average.edges
        if average.ideal is not None:
            columns[GAS] = average.ideal
        return columns | theory

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.seen.emit(True)

    def hideEvent(self, event: Any) -> None:
        self.seen.emit(False)
        super().hideEvent(event)

    def _on_chosen(self, name: str) -> None:
        self._forget()
        self.chosen.emit(name)

    def _forget(self) -> None:
        self.average = None
        about = self._measures.get(self.value())
        self.choice.setToolTip("" if about is None else about.definition)
        self._count.setText("")
        self.say("measuring …")
        self.plot.forget()


class MeasurePlot(PlotBase):
    """Points or bars with two standard errors to either side, over what an ideal gas has."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._found: Found | None = None
        self._ranges = Range(0.015), Range()
        self._build()

    def show_measure(self, found: Found) -> None:
        if self._found is None or found.about is not self._found.about:
            self.forget()
        self._found = found
        self.touch()

    def forget(self) -> None:
        """Nothing is shown until something is measured."""
        self._found = None
        self.reset_camera()
        self.touch()

    def reset_camera(self) -> None:
        for ends in self._ranges:
            ends.forget()
        self.touch()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def _build(self) -> None:
        theme = self.theme
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme)
        ink = theme.colour("measured")
        self._gas = pg.PlotDataItem(pen=pen(theme, "guide"), connect="finite")
        self._bars = pg.PlotDataItem(
            stepMode="center",
            pen=pg.mkPen(theme.colour("measured", 0.9), width=1),
            brush=theme.colour("measured", 0.22),
        )
        self._errors = pg.ErrorBarItem(pen=pg.mkPen(ink, width=1.25))
        self._spots = pg.ScatterPlotItem(size=4 * theme.scale, pen=None, brush=ink)
        self._line = pg.PlotDataItem(pen=pen(theme, "measured"), connect="finite")
        self._says = pg.PlotDataItem(pen=pen(theme, "theory"), connect="finite")
        self._notes = {
            GAS: note(GAS, theme, "text3", (1, 1)),
            "theory": note("theory", theme, "theory", (1, 1)),
        }
        self._marks: dict[str, pg.InfiniteLine] = {}
        shown = (self._bars, self._gas, self._line, self._errors, self._spots, self._says)
        for z, item in enumerate((*shown, *self._notes.values())):
            item.setZValue(z)
            self._plot.addItem(item)
        self._naming = Naming(self._plot)

    def draw(self) -> None:
        found, none = self._found, np.empty(0)
        if found is None or not len(found.average.x):
            self._plot.setVisible(False)
            return
        about, average, theory, marks = found
        self._plot.setVisible(True)
        log = about.log
        set_label(self._plot, "bottom", about.x, self.theme)
        set_label(self._plot, "left", about.y, self.theme)
        self._plot.setLogMode("x" in log, "y" in log)
        x, mean, edges = average.x, average.mean, average.edges
        error = 2 * np.where(np.isfinite(average.error), average.error, 0.0)
        shape = _filled(mean, edges)
        x, mean, error = x[:shape], mean[:shape], error[:shape]
        ideal = none if average.ideal is None else average.ideal[:shape]
        if edges is None:
            self._bars.setData(none, none)
            put(self._line, x, mean)
        else:
            self._bars.setFillLevel(0.0)
            self._bars.setData(edges[: shape + 1], mean)
            put(self._line, none, none)
        put(self._gas, x[: len(ideal)], ideal)
        name, says = next(iter(theory.items()), ("", none))
        says = says[:shape]
        put(self._says, x[: len(says)], says)
        at, low, high = _on_axes(x, mean, error, log)
        middle = _logarithm(mean) if "y" in log else mean
        known = np.isfinite(at) & np.isfinite(middle)
        put(self._spots, *((at[known], middle[known]) if edges is None else (none, none)))
        self._errors.setData(
            x=at[known],
            y=middle[known],
            top=(high - middle)[known],
            bottom=(middle - low)[known],
        )
        self._set_ranges(edges[: shape + 1] if edges is not None else x, [low, high], ideal, log)
        outline = (at[known], middle[known]) if edges is None else _outline(edges, mean, log)
        self._name(x, ideal, says, name, outline, log)
        self._mark(marks, log)

    def _mark(self, marks: dict[str, float], log: str) -> None:
        for name in self._marks.keys() - marks.keys():
            self._plot.removeItem(self._marks.pop(name))
        for name, place in marks.items():
            line = self._marks.get(name)
            if line is None:
                ink = self.theme.colour("text3")
                options = {"position": 0.05, "color": ink, "anchors": [(0, 0.5), (0, 0.5)]}
                line = pg.InfiniteLine(pen=pen(self.theme, "guide"), label=name, labelOpts=options)
                line.label.setFont(self.theme.font("caption"))
                self._marks[name] = line
                self._plot.addItem(line)
            line.setVisible(place > 0 or "x" not in log)
            if line.isVisible():
                line.setValue(np.log10(place) if "x" in log else place)

    def _set_ranges(
        self, x: np.ndarray, heights: list[np.ndarray], ideal: np.ndarray, log: str
    ) -> None:
        across, up = self._ranges
        left, right = across.follow(*bounds([x], log="x" in log))
        low, high = bounds(heights)
        gas_low, gas_high = bounds([ideal], log="y" in log)
        if np.isfinite(gas_high) and np.isfinite(high):
            low, high = min(low, gas_low), max(high, gas_high)
        if "y" not in log:
            low = min(0.0, low)
        ends = up.follow(low, high)
        self._plot.setXRange(left, right, padding=0)
        self._plot.setYRange(0.0 if "y" not in log else ends[0], ends[1], padding=0)

    def _name(
        self,
        x: np.ndarray,
        ideal: np.ndarray,
        says: np.ndarray,
        words: str,
        measured: tuple[np.ndarray, np.ndarray],
        log: str,
    ) -> None:
        names, lines = {}, {}
        for key, y in ((GAS, ideal), ("theory", says)):
            item = self._notes[key]
            item.setVisible(bool(len(y)))
            if len(y):
                if key == "theory" and item.toPlainText() != words:
                    item.setText(words, color=self.theme.colour("theory"))
                at, height, _ = _on_axes(x[: len(y)], y, np.zeros(len(y)), log)
                names[key], lines[key] = item, (at, height)
        self._naming.place(names, lines, [measured])


def _filled(mean: np.ndarray, edges: np.ndarray | None) -> int:
    """How many classes to draw of a histogram: to the last that holds something, and one more."""
    if edges is None:
        return len(mean)
    held = np.flatnonzero(mean > 0)
    return min(len(mean), held[-1] + 2) if len(held) else len(mean)


def _outline(edges: np.ndarray, height: np.ndarray, log: str) -> tuple[np.ndarray, np.ndarray]:
    """Points all over the bars, which names keep clear of."""
    ends = _logarithm(edges[: len(height) + 1]) if "x" in log else edges[: len(height) + 1]
    share = np.linspace(0, 1, 9)
    across = ends[:-1, None] + np.diff(ends)[:, None] * share
    whole = np.broadcast_to(height[:, None, None] * share[:, None], (len(height), 9, 9))
    return np.repeat(across[:, None], 9, axis=1).ravel(), whole.ravel()


def _on_axes(
    x: np.ndarray, y: np.ndarray, error: np.ndarray, log: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places and both ends of error bars, as logarithms where an axis is; gaps where none is."""
    at = _logarithm(x) if "x" in log else x
    if "y" not in log:
        return at, y - error, y + error
    low = _logarithm(np.maximum(y - error, y / 10))  # a bar that reaches 0 ends a decade lower
    return at, low, _logarithm(y + error)


def _logarithm(values: np.ndarray) -> np.ndarray:
    return np.log10(values, where=values > 0, out=np.full(len(values), np.nan))
