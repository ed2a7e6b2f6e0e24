"""Curves, bars and points over axes: what was measured, and what theory says beside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.views import colours
from app.views.plotting import (
    Naming,
    PlotBase,
    Range,
    add_plot,
    bounds,
    note,
    pen,
    put,
    set_label,
)
from app.views.view import Layer, named_data


if TYPE_CHECKING:
    from app.theme.theme import Theme

FEW = 120  # measured points that are drawn as points
PANELS = 9  # plots side by side at most


class PlotView(PlotBase):
    """Reuses its items from frame to frame; panels stand side by side."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._layers: tuple[Layer, ...] = ()
        self._plots: list[pg.PlotItem] = []
        self._items: dict[tuple, Any] = {}
        self._ranges: list[tuple[Range, Range]] = []

    def show_layers(self, layers: tuple[Layer, ...]) -> None:
        self._layers = tuple(layers)
        self.touch()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self.canvas.setBackground(theme.hex("panel"))
        self._clear()
        self.touch()

    def keep_head_clear(self, height: int) -> None:
        self.canvas.ci.layout.setContentsMargins(0, height, 0, 0)

    def reset_camera(self) -> None:
        for x, y in self._ranges:
            x.forget()
            y.forget()
        self.touch()

    def data(self) -> dict[str, np.ndarray]:
        return named_data(self._layers)

    # Drawing

    def draw(self) -> None:
        count = min(PANELS, max((_panels(layer) for layer in self._layers), default=1))
        kinds = [type(layer).__name__ for layer in self._layers]
        shape = (count, *kinds)
        if shape != getattr(self, "_shape", None):
            self._clear()
            self._shape = shape
        self._arrange(count)
        axes = next((la for la in self._layers if type(la).__name__ == "Axes"), None)
        log = axes.log if axes is not None else ""
        for panel in range(count):
            plot = self._plots[panel]
            if axes is not None:
                set_label(plot, "bottom", axes.x, self.theme)
                set_label(plot, "left", axes.y, self.theme)
            if plot.__dict__.get("log_axes") != log:
                plot.setLogMode("x" in log, "y" in log)
                plot.__dict__["log_axes"] = log
            drawn = [
                self._draw_layer(panel, index, layer, log)
                for index, layer in enumerate(self._layers)
            ]
            self._set_ranges(panel, [d for d in drawn if d is not None], log)
        self._place_notes(log)

    def _clear(self) -> None:
        self.canvas.clear()
        self._plots, self._items, self._ranges, self._shape = [], {}, [], None
        self._namings: list[Naming] = []

    def _arrange(self, count: int) -> None:
        if len(self._plots) == count:
            return
        self.canvas.clear()
        self._plots, self._items = [], {}
        columns = math.ceil(math.sqrt(count))
        for k in range(count):
            self._plots.append(add_plot(self.canvas, self.theme, row=k // columns, col=k % columns))
        self._ranges = [(Range(0.015), Range()) for _ in range(count)]
        self._namings = [Naming(plot) for plot in self._plots]

    def _item(self, panel: int, key: tuple, make: Any) -> Any:
        if (panel, *key) not in self._items:
            item = self._items[panel, *key] = make()
            self._plots[panel].addItem(item)
        return self._items[panel, *key]

    def _draw_layer(self, panel: int, index: int, layer: Any, log: str) -> tuple | None:
        """Draws it and says what it fills: arrays of x and of y, and whether it stands on zero."""
        match type(layer).__name__:
            case "Curve":
                return self._draw_curve(panel, index, layer)
            case "Bars":
                return self._draw_bars(panel, index, layer, log)
            case "Points":
                return self._draw_points(panel, index, layer)
            case "Image":
                return self._draw_image(panel, index, layer)
        return None

    def _draw_curve(self, panel: int, index: int, curve: Any) -> tuple:
        x, y = _of(curve.x, 1, panel), _of(curve.y, 1, panel)
        dots = curve.role == "measured" and len(x) <= FEW
        item = self._item(
            panel, (index, "curve", curve.role, dots), lambda: self._line(curve.role, dots)
        )
        put(item, x, y)
        item.__dict__["line"] = (x, y)
        if curve.label:
            token = {"theory": "theory", "guide": "text3"}.get(curve.role, "measured")
            self._note(panel, index, curve.label, token, x, y)
        # A theory may diverge: only what was measured decides how far the axis reaches.
        return (x, y, False, curve.role)

    def _line(self, role: str, dots: bool) -> pg.PlotDataItem:
        theme = self.theme
        if not dots:
            item = pg.PlotDataItem(pen=pen(theme, role), connect="finite")
            item.setDownsampling(auto=True, method="peak")
        else:
            item = pg.PlotDataItem(
                pen=None,
                symbol="o",
                symbolSize=6 * theme.scale,
                symbolPen=None,
                symbolBrush=theme.colour("measured"),
            )
        item.setZValue(2 if role == "theory" else 1)
        return item

    def _draw_bars(self, panel: int, index: int, bars: Any, log: str) -> tuple:
        edges, height = _of(bars.edges, 1, panel), _of(bars.height, 1, panel)
        shown = np.nan_to_num(height, nan=0.0)
        theme = self.theme
        theory = bars.role == "theory"

        def make() -> pg.PlotDataItem:
            token = "theory" if theory else "measured"
            floor = -12.0 if "y" in log else 0.0
            return pg.PlotDataItem(
                stepMode="center",
                pen=pg.mkPen(theme.colour(token, 0.9), width=1),
                fillLevel=floor,
                brush=theme.colour(token, 0.13 if theory else 0.22),
            )

        item = self._item(panel, (index, "bars", bars.role), make)
        put(item, edges, shown)
        if bars.label:
            middle = (edges[1:] + edges[:-1]) / 2
            self._note(panel, index, bars.label, "theory" if theory else "measured", middle, height)
        return (edges, height, "y" not in log, bars.role)

    def _draw_points(self, panel: int, index: int, points: Any) -> tuple:
        place = _of(points.position, 2, panel)
        name = next(iter(points.colours), "")
        tint = self.theme.colour("measured").getRgb()
        colour = np.array([tint], np.uint8)
        if name:
            scale = points.colours[name]
            value = _of(scale.value, 1, panel)
            low, high = scale.span or colours.natural_span(value, scale.scale)
            table = colours.table(scale.scale, name, self.theme, points=True)
            colour = colours.painted(value, table, low, high, scale.scale)
        item = self._item(panel, (index, "points"), Crowd)
        item.show_points(place, colour, self.theme)
        some = place[:: max(1, len(place) // 200)]
        item.__dict__["line"] = (some[:, 0], some[:, 1])
        return (place[:, 0], place[:, 1], False, "measured")

    def _draw_image(self, panel: int, index: int, image: Any) -> tuple:
        values = _of(image.values, 2, panel)
        low, high = image.span or colours.natural_span(values, image.scale)
        table = colours.table(image.scale, "", self.theme)
        item = self._item(panel, (index, "image"), lambda: pg.ImageItem(axisOrder="row-major"))
        item.setImage(colours.painted(values, table, low, high, image.scale), autoLevels=False)
        box = next((la for la in self._layers if type(la).__name__ == "Box"), None)
        rows, columns = values.shape
        corner, far = np.zeros(2), np.array([columns, rows], float)
        if box is not None:
            corner, far = _of(box.low, 1, panel)[:2], _of(box.high, 1, panel)[:2]
        item.setRect(QRectF(*corner, *(far - corner)))
        item.setZValue(-1)
        return (np.array([corner[0], far[0]]), np.array([corner[1], far[1]]), False, "image")

    def _note(
        self, panel: int, index: int, words: str, token: str, x: np.ndarray, y: np.ndarray
    ) -> None:
        item = self._item(
            panel, (index, "note", words), lambda: note(words, self.theme, token, (1, 1))
        )
        item.__dict__["line"] = (x, y)

    def _place_notes(self, log: str) -> None:
        with np.errstate(divide="ignore", invalid="ignore"):
            for panel, naming in enumerate(self._namings):
                lines, names, others = {}, {}, []
                for (where, index, kind, *_), item in self._items.items():
                    if where == panel and "line" in item.__dict__:
                        x, y = (np.asarray(a, float) for a in item.__dict__["line"])
                        x = np.log10(x) if "x" in log else x
                        y = np.log10(y) if "y" in log else y
                        if kind == "note":
                            names[str(index)], lines[str(index)] = item, (x, y)
                        else:
                            others.append((x, y))
                naming.place(names, lines, others)

    def _set_ranges(self, panel: int, drawn: list[tuple], log: str) -> None:
        if not drawn:
            return
        x_range, y_range = self._ranges[panel]
        deciding = [d for d in drawn if d[3] != "guide"] or drawn
        measured = [d for d in deciding if d[3] not in ("theory",)]
        low, high = x_range.follow(*bounds([d[0] for d in deciding], log="x" in log))
        # Theory may diverge: where something is measured, that decides, with half as much again.
        y_low, y_high = bounds([d[1] for d in measured or deciding], log="y" in log)
        t_low, t_high = bounds([d[1] for d in deciding], log="y" in log)
        if measured and np.isfinite(y_high - y_low):
            room = 0.5 * (y_high - y_low) or t_high - t_low
            y_low, y_high = max(t_low, y_low - room), min(t_high, y_high + room)
        if any(d[2] for d in drawn):
            y_low = min(0.0, y_low)
        ends = y_range.follow(y_low, y_high)
        if any(d[2] for d in drawn) and y_low == 0:
            ends = (0.0, ends[1])
        plot = self._plots[panel]
        plot.setXRange(low, high, padding=0)
        plot.setYRange(*ends, padding=0)


class Crowd(pg.GraphicsObject):
    """Many points at once, each a small square: pyqtgraph's own are too slow for a crowd."""

    def __init__(self) -> None:
        super().__init__()
        self._place, self._colour = np.empty((0, 2)), np.empty((0, 4), np.uint8)
        self._side = 3

    def show_points(self, place: np.ndarray, colour: np.ndarray, theme: Theme) -> None:
        known = np.isfinite(place).all(axis=1)
        self.prepareGeometryChange()
        self._place = np.asarray(place[known], float)
        self._colour = colour[known] if len(colour) > 1 else colour
        self._side = theme.px(3 if len(place) > 1000 else 5)
        self.update()

    def boundingRect(self) -> QRectF:
        if not len(self._place):
            return QRectF()
        low, high = self._place.min(axis=0), self._place.max(axis=0)
        return QRectF(*low, *np.maximum(high - low, 1e-12))

    def paint(self, painter: Any, *_: Any) -> None:
        """Stamps the squares into a picture of the device's own pixels."""
        view, device = self.viewRect(), painter.deviceTransform()
        frame = device.mapRect(view)
        wide, high = round(frame.width()), round(frame.height())
        if wide < 1 or high < 1 or not len(self._place):
            return
        x = (self._place[:, 0] - view.left()) / view.width() * wide
        y = (self._place[:, 1] - view.top()) / view.height() * high
        ratio = frame.width() / max(1.0, self.getViewBox().boundingRect().width())
        side = max(1, round(self._side * ratio))
        column, row = np.floor(x - side / 2).astype(int), np.floor(y - side / 2).astype(int)
        inside = (column >= 0) & (row >= 0) & (column + side <= wide) & (row + side <= high)
        column, row = column[inside], row[inside]
        colour = self._colour[inside] if len(self._colour) > 1 else self._colour
        picture = np.zeros((high, wide, 4), np.uint8)
        for dy in range(side):
            for dx in range(side):
                if side > 3 and {dx, dy} <= {0, side - 1}:
                    continue  # without its corners a square looks round
                picture[row + dy, column + dx] = colour
        image = QImage(picture.data, wide, high, 4 * wide, QImage.Format.Format_RGBA8888)
        painter.drawImage(view, image)  # its first row is the lowest, as this axis points up


def _of(array: Any, ndim: int, panel: int) -> np.ndarray:
    array = np.asarray(array)
    return array[min(panel, len(array) - 1)] if array.ndim > ndim else array


def _panels(layer: Any) -> int:
    match type(layer).__name__:
        case "Curve":
            array, ndim = layer.y, 1
        case "Bars":
            array, ndim = layer.height, 1
        case "Points":
            array, ndim = layer.position, 2
        case "Image":
            array, ndim = layer.values, 2
        case _:
            return 1
    return np.shape(array)[0] if np.ndim(array) > ndim else 1
