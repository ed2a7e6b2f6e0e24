"""The order parameter against a parameter: theory's line, measured points, and the run on it.

A run that is led along a path draws its two ways here, and the loop between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.views.plotting import (
    DASH,
    DOT,
    SOLID,
    Naming,
    PlotBase,
    Range,
    add_plot,
    bounds,
    dress,
    note,
    pen,
    put,
)


if TYPE_CHECKING:
    from engine.core.paths import Loop

POINTS = 400  # measured ones that are kept
FADED = 8  # ways of earlier loops that stay
EVERY = 24  # points of a way after which names look for new places
WAYS = {"there": ("a", SOLID), "back": ("b", DASH)}  # colours and lines


class ParameterCurveView(PlotBase):
    """The first of theory's curves is the one to believe; others are estimates and bounds."""

    chosen = Signal(float)  # a value of the parameter that was clicked on

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._x, self._curves = np.empty(0), {}
        self._critical: list[float] = []
        self._unstable: list[np.ndarray] = []
        self._phases = False  # whether the curves are phases rather than estimates of one
        self._width = np.nan  # of the band around theory, to either side
        self._loop: Loop | None = None
        self._faded: list[tuple[np.ndarray, np.ndarray]] = []  # ways of earlier loops
        self._points = np.empty((0, 3))  # x, mean, error
        self._cells = np.empty((0, 3))  # of the map, likewise
        self._run: tuple[float, float, float] | None = None
        self._beside = (np.nan,) * 3
        self._words = ("", "")
        self._span: tuple[float, float] | None = None
        self._log = False
        self._range = Range()
        self._build()
        self.canvas.scene().sigMouseClicked.connect(self._on_clicked)

    def show_theory(
        self, x: np.ndarray, curves: dict[str, np.ndarray], critical: list[float] | None = None
    ) -> None:
        """Theory along the parameter by name, and where it turns."""
        self._phases, self._unstable = False, []
        self._set_theory(x, curves, critical)

    def show_phases(self, x: np.ndarray, phases: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Every phase of theory: its values, and where it is stable; there it is solid."""
        self._phases = True
        curves, self._unstable = {}, []
        for name, (y, stable) in phases.items():
            y, stable = np.asarray(y, float), np.asarray(stable, bool)
            curves[name] = np.where(stable, y, np.nan)
            # A dashed line begins where the solid one ends: one point of overlap.
            beside = stable & np.roll(stable, 1) & np.roll(stable, -1)
            self._unstable.append(np.where(beside, np.nan, y))
        self._set_theory(x, curves, None)

    def _set_theory(
        self, x: np.ndarray, curves: dict[str, np.ndarray], critical: list[float] | None
    ) -> None:
        self._x = np.asarray(x, float)
        self._curves = {name: np.asarray(y, float) for name, y in curves.items()}
        self._critical = [c for c in critical or [] if np.isfinite(c)]
        self.touch()

    def add_measured(self, x: float, mean: float, error: float) -> None:
        """A finished measurement; a later one at the same place replaces it."""
        apart = np.abs(self._points[:, 0] - x)
        kept = self._points[apart > 1e-9 * max(1.0, abs(x))]
        self._points = np.concatenate([kept, [[x, mean, error]]])[-POINTS:]
        self.touch()

    def show_cells(self, x: np.ndarray, mean: np.ndarray, error: np.ndarray) -> None:
        """The cells of the map that lie along the curve: smaller systems, measured for shorter."""
        cells = np.stack([np.asarray(part, float) for part in (x, mean, error)], axis=1)
        cells = cells[np.isfinite(cells[:, 1])]
        if not np.array_equal(cells, self._cells, equal_nan=True):
            self._cells = cells
            self.touch()

    def set_band(self, members: int | None) -> None:
        """How many members a run has: its order parameter scatters by 1/√N."""
        self._width = np.nan if not members else members**-0.5
        self.touch()

    def show_loop(self, loop: Loop | None) -> None:
        """What a run measures on its way along a path, and back; the last loops stay, faint."""
        if self._loop is not None and loop is not self._loop:
            ways = [self._loop.way(back=back) for back in (False, True)]
            self._faded = [*self._faded, *(way for way in ways if len(way[0]))][-FADED:]
        self._loop = loop
        self.touch()

    @property
    def gap(self) -> float:
        """How far the run is from theory (from its nearest phase), in standard errors."""
        if self._run is None or not len(self._x):
            return np.nan
        x, mean, error = self._run
        at = [np.interp(x, self._x, y, left=np.nan, right=np.nan) for y in self._believed()]
        away = np.abs(np.array(at, float) - mean)
        away = away[np.isfinite(away)]
        if not away.size or not error > 0:
            return np.nan
        return float(away.min() / error)

    def set_run(self, x: float, mean: float, error: float = np.nan) -> None:
        """Where the run stands now."""
        self._run = (x, mean, error)
        self.touch()

    def set_beside(self, x: float, mean: float, error: float = np.nan) -> None:
        """Where the run B stands now, beside it; not-a-number where there is none."""
        if (x, mean, error) != self._beside and (np.isfinite(mean) or np.isfinite(self._beside[1])):
            self._beside = (x, mean, error)
            self.touch()

    def set_labels(
        self,
        x: str,
        y: str = "",
        *,
        span: tuple[float, float] | None = None,
        log: bool = False,
    ) -> None:
        """The parameter in words, and what the vertical axis shows at least."""
        self._words, self._span, self._log = (x, y), span, log
        self._range.forget()
        self._build()
        self.touch()

    def clear(self) -> None:
        """Forget what was measured, and where the run stands."""
        self._points, self._run, self._beside = np.empty((0, 3)), None, (np.nan,) * 3
        self._loop, self._faded = None, []
        self.touch()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        theory = {f"theory {name}": y for name, y in self._curves.items()}
        measured = dict(zip(("x", "mean", "error"), self._points.T.copy(), strict=True))
        ways = {}
        if self._loop is not None:
            for name, back in (("there", False), ("back", True)):
                x, y = self._loop.way(back=back)
                ways |= {f"path {name}": x, f"value {name}": y}
        cells = dict(zip(("cell x", "cell mean", "cell error"), self._cells.T, strict=True))
        cells = cells if len(self._cells) else {}
        return {"parameter": self._x, **theory, **measured, **cells, **ways}

    @property
    def measured(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """What was measured along the curve: x, mean, error."""
        return tuple(self._points.T.copy()) if len(self._points) else None  # type: ignore[return-value]

    @property
    def run(self) -> tuple[float, float, float] | None:
        """Where the run stands: x, mean, error."""
        return self._run

    def _build(self) -> None:
        theme = self.theme
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme)
        if self._words[0]:
            self._plot.setLabel("bottom", self._words[0])
            dress(self._plot, theme)
        self._plot.setLogMode(self._log, False)
        ink = theme.colour("measured")
        self._bars = pg.ErrorBarItem(
            x=np.empty(0), y=np.empty(0), height=np.empty(0), pen=pg.mkPen(ink, width=1.25)
        )
        self._spots = pg.ScatterPlotItem(size=6 * theme.scale, pen=None, brush=ink)
        pale = pg.mkPen(theme.colour("text3"), width=1)
        self._rings = pg.ScatterPlotItem(size=5 * theme.scale, pen=pale, brush=None)
        self._cell_bars = pg.ErrorBarItem(
            x=np.empty(0), y=np.empty(0), height=np.empty(0), pen=pale
        )
        self._rings_name = note("map", theme, "text3")
        for item in (self._cell_bars, self._rings, self._rings_name):
            item.setZValue(4)
            self._plot.addItem(item)
        accent = pg.mkPen(theme.colour("accent"), width=2 * theme.scale)
        self._bar = pg.ErrorBarItem(x=np.empty(0), y=np.empty(0), height=np.empty(0), pen=accent)
        self._ring = pg.ScatterPlotItem(
            size=13 * theme.scale, pen=accent, brush=theme.colour("panel")
        )
        self._core = pg.ScatterPlotItem(
            size=5 * theme.scale, pen=None, brush=theme.colour("accent")
        )
        second = theme.colour("b")
        self._square = pg.ScatterPlotItem(
            size=11 * theme.scale, pen=pg.mkPen(theme.colour("panel")), brush=second, symbol="s"
        )
        self._second_bar = pg.ErrorBarItem(
            x=np.empty(0), y=np.empty(0), height=np.empty(0), pen=pg.mkPen(second, width=2)
        )
        self._dashes = pg.PlotDataItem(pen=pen(theme, "weaker"), connect="finite")
        self._dashes.setZValue(5)
        self._plot.addItem(self._dashes)
        edge = pg.mkPen(None)
        self._band = [pg.PlotDataItem(pen=edge), pg.PlotDataItem(pen=edge)]
        self._shade = pg.FillBetweenItem(*self._band, brush=theme.colour("theory", 0.13))
        self._shade.setZValue(1)
        for item in (*self._band, self._shade):
            self._plot.addItem(item)
        # Never colour alone.
        faint = [pg.mkPen(theme.colour(way, 0.3), width=1) for way, _ in WAYS.values()]
        self._old = [pg.PlotDataItem(pen=ink_, connect="finite") for ink_ in faint]
        self._ways = {
            words: pg.PlotDataItem(pen=pg.mkPen(theme.colour(way), width=2, style=style))
            for words, (way, style) in WAYS.items()
        }
        self._way_names = {words: note(words, theme, way) for words, (way, _) in WAYS.items()}
        for item in (*self._old, *self._ways.values(), *self._way_names.values()):
            item.setZValue(8)
            self._plot.addItem(item)
        beside = (self._second_bar, self._square)
        layers = (self._bars, self._spots, *beside, self._bar, self._ring, self._core)
        for z, item in enumerate(layers):
            item.setZValue(10 + z)
            self._plot.addItem(item)
        for name in (self._rings_name, *self._way_names.values()):
            name.hide()  # until there is something to name
        self._naming = Naming(self._plot)
        self._named_in: tuple[Any, ...] = ()  # the ends of the axes and all that names mind
        self._lines: dict[str, tuple[pg.PlotDataItem, pg.TextItem]] = {}
        self._critical_lines: list[pg.InfiniteLine] = []

    def draw(self) -> None:
        moved = False  # whether something did that names must keep clear of
        for name in set(self._lines) - set(self._curves):
            for item in self._lines.pop(name):
                self._plot.removeItem(item)
        for k, (name, y) in enumerate(self._curves.items()):
            if name not in self._lines:
                line = pg.PlotDataItem(
                    pen=pen(self.theme, "weaker" if k and not self._phases else "theory"),
                    connect="finite",
                )
                words = note(name, self.theme, "theory", (1, 1))
                self._plot.addItem(line)
                self._plot.addItem(words)
                self._lines[name] = (line, words)
            moved |= put(self._lines[name][0], self._x, y)
        self._draw_more_theory()
        self._draw_cells()
        self._draw_loop()
        x, mean, error = self._points.T
        at = self._on_axis(x)
        moved |= put(self._spots, at, mean)
        height = np.where(np.isfinite(error), 4 * error, 0)  # two standard errors to each side
        put(self._bars, at, mean, height=height)
        self._draw_run()
        self._fit()
        ways = [len(x) // EVERY for x, _ in self._way_lines().values()]
        seen = self._plot.getViewBox().viewRange(), tuple(self._critical), self.size(), ways
        if moved or seen != self._named_in:
            self._named_in = seen
            self._place_words()

    def _draw_cells(self) -> None:
        x, mean, error = self._cells.T
        at = self._on_axis(x)
        put(self._rings, at, mean)
        put(self._cell_bars, at, mean, height=np.where(np.isfinite(error), 4 * error, 0))
        self._rings_name.setVisible(len(x) > 0)

    def _draw_more_theory(self) -> None:
        """Unstable phases, and the band in which a run of so many members scatters."""
        gap = np.array([np.nan])
        parts = [part for y in self._unstable for part in (y, gap)]
        x = [part for _ in self._unstable for part in (self._x, gap)]
        none = np.empty(0)
        put(self._dashes, np.concatenate(x or [none]), np.concatenate(parts or [none]))
        near = self._nearest()
        known = np.isfinite(near)
        wide = np.isfinite(self._width) and known.any()
        for line, side in zip(self._band, (1, -1), strict=True):
            at = (self._x[known], near[known] + side * self._width) if wide else (none, none)
            put(line, *at)
        self._shade.setVisible(bool(wide))

    def _nearest(self) -> np.ndarray:
        """The curve of theory that the run lies nearest to, or the first one."""
        curves = self._believed()
        if not curves or self._run is None:
            return curves[0] if curves else np.empty(0)
        x, mean, _ = self._run
        away = [abs(np.interp(x, self._x, y, left=np.nan, right=np.nan) - mean) for y in curves]
        return curves[int(np.nanargmin(away))] if np.isfinite(away).any() else curves[0]

    def _believed(self) -> list[np.ndarray]:
        """All phases, or the first of the curves: the others are guides."""
        curves = list(self._curves.values())
        return curves if self._phases else curves[:1]

    def _draw_loop(self) -> None:
        gap = np.array([np.nan])
        for k, item in enumerate(self._old):
            ways = self._faded[k::2]
            x = [part for way in ways for part in (way[0], gap)]
            y = [part for way in ways for part in (way[1], gap)]
            put(item, *(np.concatenate(part) if part else np.empty(0) for part in (x, y)))
        ways = self._way_lines()
        for words, item in self._ways.items():
            put(item, *ways.get(words, (np.empty(0),) * 2))
            self._way_names[words].setVisible(words in ways)

    def _way_lines(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The ways that are long enough to be seen, by name."""
        if self._loop is None:
            return {}
        ways = {name: self._loop.way(back=bool(k)) for k, name in enumerate(self._ways)}
        return {name: way for name, way in ways.items() if len(way[0]) > 2}

    def _draw_run(self) -> None:
        for run, marks, bar in (
            (self._run or (np.nan,) * 3, (self._ring, self._core), self._bar),
            (self._beside, (self._square,), self._second_bar),
        ):
            x, mean, error = run
            at = self._on_axis(np.array([x], float))
            known = np.isfinite(at[0] + mean)
            spot = (at, np.array([mean])) if known else (np.empty(0), np.empty(0))
            for mark in marks:
                put(mark, *spot)
            height = np.full(len(spot[0]), 4 * error if np.isfinite(error) else 0.0)
            put(bar, *spot, height=height)

    def _on_axis(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(x) if self._log else x

    def _fit(self) -> None:
        run = self._run or (np.nan,) * 3
        places = (self._x, self._points[:, 0], self._cells[:, 0])
        left, right = bounds([self._on_axis(x) for x in places])
        if np.isfinite(left) and right > left:
            room = 0.02 * (right - left)
            self._plot.setXRange(left - room, right + room, padding=0)
        stand = np.array([run[1], self._beside[1]], float)
        arrays = [*self._curves.values(), self._points[:, 1], self._cells[:, 1], stand]
        if self._loop is not None:
            arrays += [self._loop.way(back=back)[1] for back in (False, True)]
        if self._span is not None:
            arrays.append(np.array(self._span, float))
        self._plot.setYRange(*self._range.follow(*bounds(arrays)), padding=0)
        while len(self._critical_lines) < len(self._critical):
            edge = pg.mkPen(self.theme.colour("theory", 0.8), width=1, style=DOT)
            line = pg.InfiniteLine(0, pen=edge)
            self._plot.addItem(line)
            self._critical_lines.append(line)
        for k, line in enumerate(self._critical_lines):
            line.setVisible(k < len(self._critical))
            if k < len(self._critical):
                line.setPos(float(self._on_axis(np.array([self._critical[k]]))[0]))

    def _place_words(self) -> None:
        x = self._on_axis(self._x)
        lines = {name: (x, y) for name, y in self._curves.items()}
        names = {name: self._lines[name][1] for name in lines}
        for name, (at, y) in self._way_lines().items():
            lines[name], names[name] = (self._on_axis(at), y), self._way_names[name]
        if len(self._cells):
            lines["map"] = (self._on_axis(self._cells[:, 0]), self._cells[:, 1])
            names["map"] = self._rings_name
        others = [(self._on_axis(self._points[:, 0]), self._points[:, 1])]
        if self._run is not None:
            others.append((self._on_axis(np.array(self._run[:1])), np.array(self._run[1:2])))
        _, (bottom, top) = self._plot.getViewBox().viewRange()
        upright = np.linspace(bottom, top, 60)
        for value in self._critical:
            others.append((self._on_axis(np.full(60, value)), upright))
        self._naming.place(names, lines, others)

    def _on_clicked(self, event) -> None:
        if event.button() == Qt.MouseButton.LeftButton and len(self._x) + len(self._cells):
            at = self._plot.getViewBox().mapSceneToView(event.scenePos()).x()
            (left, right), _ = self._plot.getViewBox().viewRange()
            if left <= at <= right:
                self.chosen.emit(float(10**at if self._log else at))
