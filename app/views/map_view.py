"""The phase diagram: cells, theory's lines on top, and the run as a dot to be moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.theme.colour_maps import about_zero, map_table
from app.theme.theme import Theme
from app.views import colours
from app.views.map_cells import nearest, told
from app.views.map_hand import Hand
from app.views.map_marks import (
    BesideDot,
    Dot,
    RimmedLine,
    RimmedWords,
    from_origin,
    greyed,
    hatching,
    line_pens,
    path_pens,
)
from app.views.plotting import PlotBase, add_plot, cells, dress


if TYPE_CHECKING:
    from engine.core.maps import PhaseMap
    from engine.core.theory_maps import Line

FEWEST = 6  # pixels between two points of a path that is drawn by hand
WAIT = 250  # ms after the last turn of the wheel that a closer look begins
NEAR = 7  # pixels from a line, at which its name is told
KINDS = {  # of lines, in words; a guide is what its name says
    "continuous": "continuous transition",
    "first order": "first-order transition",
    "spinodal": "spinodal",
}


class MapView(PlotBase):
    """Press anywhere to bring the run there; drag to take it along."""

    dot_moved = Signal(float, float)
    dot_released = Signal()
    zoom_asked = Signal(tuple, tuple)  # the ends of x and of y that are to be looked at
    path_drawn = Signal(object)  # [point, xy]
    drawing_ended = Signal()  # with or without a path
    pinned = Signal(float, float)
    menu_asked = Signal(QPoint)
    moved = Signal()  # the places of the map on the screen

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._map: PhaseMap | None = None
        self._layer: np.ndarray | None = None  # shown in place of what was measured
        self._hatched: np.ndarray | None = None
        self._outdated = False
        self._lines: dict[str, Line] = {}
        self._regions: dict[str, tuple[float, float]] = {}
        self._path = np.empty((0, 2))
        self._predicted: np.ndarray | None = None
        self._labels = ("", "", "")
        self._symbols = ("x", "y", "")
        self._names: dict[str, str] = {}  # symbols of observables
        self._span: tuple[float, float] | None = None
        self._signed = False  # whether the colours part at 0
        self._log = (False, False)
        self._fitted: Any = None
        self._place = (0.0, 0.0)  # of the dot
        self._beside: tuple[str, tuple[float, float] | None] = "b", None
        self._drawing = False
        self._corners: list[QPointF] = []
        self._wish: QRectF | None = None
        self._closer = QTimer(self, singleShot=True, interval=WAIT)
        self._closer.timeout.connect(self._zoom)
        self._build()

    # What is shown

    def show_map(self, phase_map: PhaseMap | None) -> None:
        """The cells that are known so far; those that are not are left empty."""
        self._map, self._outdated = phase_map, False
        log = (False, False)
        if phase_map is not None:
            log = (bool(phase_map.x.log), bool(phase_map.y.log))
        if log != self._log:
            self._log = log
            self._place_dot()
        self.touch()

    def show_layer(self, values: np.ndarray | None, hatched: np.ndarray | None = None) -> None:
        """Something else than what was measured, [y, x], hatched where it is doubtful."""
        self._layer, self._hatched = values, hatched
        self.touch()

    def set_stale(self, stale: bool) -> None:
        """Whether the cells belong to other values than the present ones."""
        if stale != self._outdated:
            self._outdated = stale
            self.touch()

    @property
    def stale(self) -> bool:
        return self._outdated

    def show_theory(self, predicted: np.ndarray | None) -> None:
        """Theory's value in each cell, for the words under the pointer."""
        self._predicted = predicted

    def show_theory_lines(self, lines: dict[str, Line]) -> None:
        self._lines = dict(lines)
        self.touch()

    def show_regions(self, regions: Mapping[str, tuple[float, float]]) -> None:
        """The names of the phases, each at its place."""
        self._regions = dict(regions)
        self.touch()

    def show_path(self, points: np.ndarray | None) -> None:
        """A line that the run is led along, [point, xy]."""
        self._path = np.empty((0, 2)) if points is None else np.asarray(points, float)
        self._draw_path()

    def set_axes(
        self,
        x: str,
        y: str,
        value: str = "",
        *,
        symbols: tuple[str, str, str] | None = None,
        span: tuple[float, float] | None = None,
        signed: bool = False,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Words of the axes and of the quantity, their symbols, and the span of the colours.

        Those of a `signed` quantity part at its 0. `names` are the symbols of all observables, for
        the words under the pointer.
        """
        self._labels, self._span, self._signed = (x, y, value), span, signed
        self._symbols = symbols or (x, y, value)
        self._names = dict(names or {})
        self.touch()

    def set_dot(self, x: float, y: float) -> None:
        """Where the run is now; emits nothing, and waits while the hand holds the dot."""
        if not self._dot.held and (x, y) != self._place:
            self._place = (x, y)
            self._place_dot()

    def set_beside(self, side: str, place: tuple[float, float] | None) -> None:
        """Where the run `"a"` or `"b"` is that the dot is not; None where there is one run."""
        if (side, place) != self._beside:
            self._beside = side, place
            self._place_dot()

    @property
    def dot(self) -> tuple[float, float]:
        return self._place

    @property
    def drawing(self) -> bool:
        """Whether the hand draws a path rather than taking the dot."""
        return self._drawing

    def set_drawing(self, drawing: bool) -> None:
        """Let the hand draw a path: in one go, or corner by corner up to a double click."""
        if drawing != self._drawing:
            self._drawing, self._corners = drawing, []
            shape = Qt.CursorShape.CrossCursor if drawing else Qt.CursorShape.ArrowCursor
            self.canvas.setCursor(shape)
            self._draw_path()
            if not drawing:
                self.drawing_ended.emit()

    @property
    def legend(self) -> colours.Legend:
        low, high = self._levels()
        kind = "signed" if self._signed else "level"
        return colours.Legend(kind, self._labels[2], map_table(signed=self._signed), low, high)

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._build()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        found = self._map
        if found is None:
            return {}
        return {
            found.x.name: np.asarray(found.x.values),
            found.y.name: np.asarray(found.y.values),
            "mean": np.asarray(found.mean),
            "error": np.asarray(found.error),
        }

    def on_screen(self, x: float, y: float) -> QPoint | None:
        """Where a place of the map is in this widget; None outside of what is seen."""
        at = QPointF(float(self._to_axis(x, 0)), float(self._to_axis(y, 1)))
        box = self._plot.getViewBox()
        if not box.viewRect().contains(at):
            return None
        return self.canvas.mapTo(self, self.canvas.mapFromScene(box.mapViewToScene(at)))

    # Drawing

    def _build(self) -> None:
        theme = self.theme
        self.canvas.clear()
        self.canvas.setBackground(theme.hex("panel"))
        self._plot = add_plot(self.canvas, theme, viewBox=Hand(self))
        dress(self._plot, theme, grid=False)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._hatching = pg.ImageItem(axisOrder="row-major")
        self._plot.addItem(self._image)
        self._plot.addItem(self._hatching)
        self._drawn_lines: dict[str, RimmedLine] = {}
        self._drawn_regions: list[RimmedWords] = []
        self._drawn_path = RimmedLine(self._plot, path_pens(theme.scale), z=7)
        self._dot, self._beside_dot = Dot(theme), BesideDot(theme)
        for dot in (self._beside_dot, self._dot):
            self._plot.addItem(dot)
        self._place_dot()
        self._draw_path()
        self._words = getattr(self, "_words", None) or QLabel(self)
        self._words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._words.setStyleSheet(
            f"background:{theme.hex('raised')};color:{theme.hex('text')};"
            f"border:1px solid {theme.hex('line')};border-radius:{theme.px(4)}px;"
            f"padding:{theme.px(3)}px {theme.px(6)}px;"
        )
        self._words.setFont(theme.font("caption"))
        self._words.hide()
        self._fitted = None
        self._painted: tuple[Any, ...] = ()  # what the picture was made of

    def _levels(self) -> tuple[float, float]:
        ends = self._ends()
        return about_zero(*ends) if self._signed else ends

    def _ends(self) -> tuple[float, float]:
        if self._span is not None:
            return self._span
        shown = self._layer if self._layer is not None else getattr(self._map, "mean", None)
        known = np.empty(0) if shown is None else np.asarray(shown)
        known = known[np.isfinite(known)]
        if not known.size:
            return 0.0, 1.0
        low, high = float(known.min()), float(known.max())
        if low >= 0 and high <= 1 and high > 0.3:
            return 0.0, 1.0
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def draw(self) -> None:
        found = self._map
        if found is None:
            self._image.clear()
            self._painted = ()
            self._hatching.clear()
        else:
            x, y = self._axis(found.x), self._axis(found.y)
            low, high = self._levels()
            shown = np.asarray(found.mean if self._layer is None else self._layer, float)
            frame = cells(x, y)
            looks = (shown.tobytes(), low, high, self._signed, self._outdated)
            if looks != self._painted:  # else only the dot has moved
                self._painted = looks
                table = map_table(signed=self._signed)
                picture = colours.painted(shown, table, low, high, "level")
                picture = greyed(picture) if self._outdated else picture
                self._image.setImage(picture, autoLevels=False)
            self._image.setRect(frame)
            if self._hatched is not None and self._hatched.any():
                self._hatching.setImage(hatching(self._hatched), autoLevels=False)
                self._hatching.setRect(frame)
            else:
                self._hatching.clear()
            if self._fitted != (frame, self._log):
                self._fitted = (frame, self._log)
                self._plot.setLogMode(*self._log)
                self._plot.setXRange(frame.left(), frame.right(), padding=0)
                self._plot.setYRange(frame.top(), frame.bottom(), padding=0)
        for side, words in zip(("bottom", "left"), self._labels, strict=False):
            axis = self._plot.getAxis(side)
            if words and axis.labelText != words:
                self._plot.setLabel(side, words)
                dress(self._plot, self.theme, grid=False)
        self._draw_lines()
        self._draw_regions()
        self.moved.emit()

    def _draw_lines(self) -> None:
        for name in set(self._drawn_lines) - set(self._lines):
            self._drawn_lines.pop(name).remove()
        for name, line in self._lines.items():
            if name not in self._drawn_lines:
                pens = line_pens(line.kind, self.theme.scale)
                self._drawn_lines[name] = RimmedLine(self._plot, pens)
            x = self._to_axis(np.asarray(line.x, float), 0)
            y = self._to_axis(np.asarray(line.y, float), 1)
            self._drawn_lines[name].set(x, y)

    def _draw_regions(self) -> None:
        if [item.words for item in self._drawn_regions] != list(self._regions):
            for item in self._drawn_regions:
                self._plot.removeItem(item)
            self._drawn_regions = [RimmedWords(name, self.theme) for name in self._regions]
            for item in self._drawn_regions:
                self._plot.addItem(item, ignoreBounds=True)
        for item, place in zip(self._drawn_regions, self._regions.values(), strict=True):
            at = [float(self._to_axis(value, side)) for side, value in enumerate(place)]
            item.setPos(*at)

    def _draw_path(self) -> None:
        if self._corners:
            at = np.array([[p.x(), p.y()] for p in self._corners])
        else:
            at = np.stack([self._to_axis(self._path[:, k], k) for k in (0, 1)], axis=1)
        self._drawn_path.set(at[:, 0], at[:, 1])

    def _axis(self, axis: Any) -> np.ndarray:
        values = np.asarray(axis.values, float)
        return np.log10(values) if axis.log else values

    def _to_axis(self, values: Any, side: int) -> Any:
        if not self._log[side]:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(values)

    def _from_plot(self, at: Any) -> tuple[float, float]:
        x, y = float(at.x()), float(at.y())
        return 10**x if self._log[0] else x, 10**y if self._log[1] else y

    def _place_dot(self) -> None:
        self._beside_dot.side, beside = self._beside
        self._beside_dot.setVisible(beside is not None)
        for dot, where in ((self._dot, self._place), (self._beside_dot, beside or (np.nan,) * 2)):
            place = [float(self._to_axis(value, side)) for side, value in enumerate(where)]
            if np.isfinite(place).all():
                dot.setPos(*place)
        self._beside_dot.update()

    # The hand

    def take(self, at: QPointF, *, last: bool) -> None:
        """The dot goes to this point of the plot, and the run with it."""
        self._dot.held = not last
        at = self._within(at)
        self._dot.setPos(at)
        self._dot.update()
        self._place = self._from_plot(at)
        self.dot_moved.emit(*self.dot)
        if last:
            self.dot_released.emit()

    def pin(self, at: QPointF) -> None:
        """Keep an eye on this place."""
        self.pinned.emit(*self._from_plot(self._within(at)))

    def draw_on(self, at: QPointF, *, last: bool) -> None:
        """A path goes on to this point; points that lie too close are left out."""
        at = self._within(at)
        pixel = self._plot.getViewBox().viewPixelSize()
        near = bool(self._corners) and np.hypot(
            (at.x() - self._corners[-1].x()) / pixel[0], (at.y() - self._corners[-1].y()) / pixel[1]
        ) < (0 if last else FEWEST)
        if not near:
            self._corners.append(at)
        self._draw_path()
        if last:
            self._finish_path()

    def add_corner(self, at: QPointF, *, last: bool) -> None:
        """A corner of a path; the last one ends it."""
        if not last:  # the second press of a double click is where the first was
            self._corners.append(self._within(at))
            self._draw_path()
        else:
            self._finish_path()

    def _finish_path(self) -> None:
        points = np.array([self._from_plot(at) for at in self._corners])
        self.set_drawing(False)
        if len(points) > 1 and np.ptp(points, axis=0).any():
            self.show_path(points)
            self.path_drawn.emit(points)

    def ask_zoom(self, box: QRectF) -> None:
        """Look into a part of the map; several turns of the wheel are one."""
        self._plot.setXRange(box.left(), box.right(), padding=0)
        self._plot.setYRange(box.top(), box.bottom(), padding=0)
        self._wish = box
        self._closer.start()
        self.moved.emit()

    def _zoom(self) -> None:
        box, self._wish = self._wish, None
        self._fitted = None
        if box is not None:
            low, high = self._from_plot(box.topLeft()), self._from_plot(box.bottomRight())
            self.zoom_asked.emit((low[0], high[0]), (low[1], high[1]))

    def hover(self, at: QPointF | None) -> None:
        """Tell what is known of the cell under the pointer."""
        words = self.words_at(*self._from_plot(at)) if at is not None else ""
        if at is not None and words:
            words = "\n".join([*self.lines_at(at), words])
        self._words.setVisible(bool(words))
        if not words:
            return
        self._words.setText(words)
        self._words.adjustSize()
        self._words.raise_()
        scene = self._plot.getViewBox().mapViewToScene(at)
        place = self.canvas.mapTo(self, self.canvas.mapFromScene(scene))
        gap = self.theme.px(14)
        left = place.x() + gap
        if left + self._words.width() > self.width():
            left = place.x() - gap - self._words.width()
        top = min(max(place.y() - self._words.height() - gap, 0), self.height())
        self._words.move(max(0, left), top)

    def keyPressEvent(self, event: Any) -> None:
        if self._drawing and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._finish_path()
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self.moved.emit)

    def _within(self, at: QPointF) -> QPointF:
        if self._map is None:
            return at
        x, y = self._axis(self._map.x), self._axis(self._map.y)
        return QPointF(float(np.clip(at.x(), x[0], x[-1])), float(np.clip(at.y(), y[0], y[-1])))

    def lines_at(self, at: QPointF) -> list[str]:
        """The names of the lines of theory under the pointer, in coordinates of the plot."""
        width, height = self._plot.getViewBox().viewPixelSize()
        names = []
        for name, line in self._lines.items():
            x = (self._to_axis(np.asarray(line.x, float), 0) - at.x()) / width
            y = (self._to_axis(np.asarray(line.y, float), 1) - at.y()) / height
            if from_origin(x, y) < NEAR * self.theme.scale:
                kind = KINDS.get(line.kind, "")
                names.append(f"{name} ({kind})" if kind and kind not in name else name)
        return names

    def along(self, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places, means and errors of the cells through the dot, along x (0) or y (1)."""
        found = self._map
        if found is not None and not self._outdated:
            axes = (found.x, found.y)
            across = 1 - side
            k = nearest(self._axis(axes[across]), self._to_axis(self._place[across], across))
            if k is not None:
                cells = (slice(None), k) if side else (k, slice(None))
                # A coarse cell is measured at one place of those that it stands for.
                mean = np.where(found.measured[cells], found.mean[cells], np.nan)
                return np.asarray(axes[side].values), mean, found.error[cells]
        none = np.empty(0)
        return none, none, none

    def words_at(self, x: float, y: float) -> str:
        """What is known of the cell at x and y."""
        found = self._map
        if found is None:
            return ""
        column = nearest(self._axis(found.x), self._to_axis(x, 0))
        row = nearest(self._axis(found.y), self._to_axis(y, 1))
        if column is None or row is None:
            return ""
        x_name, y_name, value = self._symbols
        where = f"{x_name} {found.x.values[column]:.3g} · {y_name} {found.y.values[row]:.3g}"
        if not np.isfinite(found.mean[row, column]):
            return f"{where}\nnot computed yet"
        names = self._names | {found.observable: value}
        lines = [where, *told(found, row, column, names, self._predicted)]
        if self._outdated:
            lines.append("at other values than now")
        return "\n".join(lines)
