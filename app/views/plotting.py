"""The style of every plot, in one place: two axes, ticks inwards, names at their lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QGraphicsScene, QVBoxLayout, QWidget

from app.views.turns import WAIT, turns
from app.views.view import View


if TYPE_CHECKING:
    from app.theme.theme import Theme

BEAT = 0.05  # s: plots are drawn at most twenty times a second
PATIENCE = 0.2  # s after which a plot waits for its turn no longer: on a machine too slow for turns
DASH, DOT, SOLID = Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.SolidLine


class PlotBase(View):
    """A view of plots: what changes is drawn on the next beat, and only while somebody sees it.

    One after the other, each in a paint of its own: between them there is room for the hand.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        pg.setConfigOptions(antialias=True)
        self.canvas = pg.GraphicsLayoutWidget()
        # Qt's tree of items trusts their outlines, which pyqtgraph changes unannounced: an item
        # that ends then stays in the tree, and the next paint ends the program. A plot has few.
        self.canvas.scene().setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.canvas.setFrameShape(QFrame.Shape.NoFrame)
        self.canvas.ci.layout.setContentsMargins(0, 0, 0, 0)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.canvas)
        self._stale, self._stale_since, self._drawn_at = False, 0.0, 0.0
        self._beat = QTimer(self)
        self._beat.setSingleShot(True)
        self._beat.timeout.connect(self._on_beat)
        self.canvas.setBackground(theme.hex("panel"))

    def draw(self) -> None:
        """Bring the items up to date; called on a beat."""
        raise NotImplementedError

    def touch(self) -> None:
        """Something changed: draw on the next beat."""
        if not self._stale:
            self._stale, self._stale_since = True, time.perf_counter()
        if self.isVisible() and not self._beat.isActive():
            wait = BEAT - (time.perf_counter() - self._drawn_at)
            self._beat.start(max(0, round(1000 * wait)))

    def _on_beat(self) -> None:
        if not self._stale or not self.isVisible():
            return
        if not turns.free() and time.perf_counter() - self._stale_since < PATIENCE:
            self._beat.start(WAIT)
            return
        self._stale, self._drawn_at = False, time.perf_counter()
        self.draw()
        turns.end()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.touch()

    def closeEvent(self, event: Any) -> None:
        self._beat.stop()
        super().closeEvent(event)


class Scale(pg.AxisItem):
    """An axis whose logarithms are marked at 1, 2, 5, 10 or at powers of ten, as numbers."""

    def logTickValues(self, low: float, high: float, size: float, steps: Any) -> list[tuple]:
        marks = np.arange(np.floor(low), np.ceil(high) + 1)
        if high - low < 3:
            marks = np.add.outer(marks, np.log10([1, 2, 5])).ravel()
        elif high - low > 6:
            marks = marks[:: int(np.ceil((high - low) / 6))]
        return [(1.0, [float(m) for m in marks if low <= m <= high])]

    def logTickStrings(self, values: Any, scale: float, spacing: Any) -> list[str]:
        return [number(10.0 ** float(value)) for value in values]


def number(value: float) -> str:
    """A number for a tick: plain where it is short, else a power of ten."""
    if 1e-3 <= abs(value) < 1e5 or value == 0:
        return f"{value:.4g}"
    power = int(np.floor(np.log10(abs(value)) + 1e-9))
    lead = value / 10.0**power
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if abs(lead - 1) < 1e-6 else f"{lead:.3g}·10{raised}"


def add_plot(canvas: pg.GraphicsLayoutWidget, theme: Theme, **kind: Any) -> pg.PlotItem:
    """A plot in the style of the house, without pyqtgraph's menus and buttons."""
    axes = {side: Scale(side) for side in ("left", "bottom")}
    item = canvas.addPlot(axisItems=axes, **kind)
    item.setMenuEnabled(False)
    item.hideButtons()
    item.setMouseEnabled(False, False)
    item.getViewBox().setDefaultPadding(0)
    # Every view says what its axes span. What pyqtgraph would find out before each paint, from all
    # items, takes longer than the paint and draws the axes anew.
    item.disableAutoRange()
    for side in ("left", "bottom"):
        item.getAxis(side).enableAutoSIPrefix(False)
    dress(item, theme)
    return item


def dress(item: pg.PlotItem, theme: Theme, *, grid: bool = True) -> None:
    """Colours, sizes and fonts of a theme on a plot that is there."""
    gap = theme.px(4)
    item.layout.setContentsMargins(gap, gap, theme.px(14), gap)
    for side in ("left", "bottom"):
        axis = item.getAxis(side)
        axis.setPen(pg.mkPen(theme.colour("line_strong"), width=1))
        axis.setTextPen(theme.colour("text3"))
        axis.setStyle(
            tickLength=-theme.px(4),
            tickFont=theme.font("tick"),
            tickTextOffset=theme.px(4),
            maxTickLevel=0,
            hideOverlappingLabels=False,
            textFillLimits=[(0, 0.75)],
        )
        if axis.labelText:
            axis.setLabel(axis.labelText, **label_style(theme))
    item.showGrid(x=False, y=grid, alpha=0.10)


def label_style(theme: Theme) -> dict[str, str]:
    size = theme.type["caption"] * theme.scale
    return {"color": theme.hex("text2"), "font-size": f"{size}pt"}


def set_label(item: pg.PlotItem, side: str, words: str, theme: Theme) -> None:
    axis = item.getAxis(side)
    if words and axis.labelText != words:
        axis.setLabel(words, **label_style(theme))
    axis.showLabel(bool(words))


def note(
    words: str,
    theme: Theme,
    token: str,
    anchor: tuple[float, float] = (0, 0.5),
    weight: QFont.Weight = QFont.Weight.Medium,
) -> pg.TextItem:
    """A name beside its line: no legend to look up."""
    item = pg.TextItem(words, color=theme.colour(token), anchor=anchor)
    item.setFont(theme.font("caption", weight))
    return item


def pen(theme: Theme, role: str) -> Any:
    """Theory is amber, measurement ink, a guide a dotted hairline.

    Long measured lines are one pixel: Qt's raster engine draws wider ones many times slower.
    """
    match role:
        case "theory":
            return pg.mkPen(theme.colour("theory"), width=2 * theme.scale)
        case "weaker":
            return pg.mkPen(theme.colour("theory"), width=1.25 * theme.scale, style=DASH)
        case "guide":
            return pg.mkPen(theme.colour("text3"), width=1, style=DOT)
        case _:
            return pg.mkPen(theme.colour("measured"), width=1)


def put(item: Any, x: Any, y: Any, **more: Any) -> bool:
    """Give an item of a plot its points; whether they are others than it has already.

    pyqtgraph works out outlines and asks for a new picture also where nothing changed.
    """
    given = tuple(np.asarray(part).tobytes() for part in (x, y, *more.values()))
    if getattr(item, "given", None) == given:
        return False
    item.given = given
    item.setData(x=x, y=y, **more)
    return True


class Range:
    """The span of an axis that follows its data without trembling.

    It grows at once when data leave it, and shrinks only when they fill less than half of it.
    """

    def __init__(self, margin: float = 0.06) -> None:
        self.margin = margin
        self.ends: tuple[float, float] | None = None

    def follow(self, low: float, high: float) -> tuple[float, float]:
        if not (np.isfinite(low) and np.isfinite(high)):
            return self.ends or (0.0, 1.0)
        if high <= low:
            half = 0.5 * abs(low) or 0.5
            low, high = low - half, high + half
        room = self.margin * (high - low)
        ends = self.ends
        fits = ends is not None and ends[0] <= low and high <= ends[1]
        if ends is None or not fits or high - low < 0.5 * (ends[1] - ends[0]):
            ends = self.ends = (low - room, high + room)
        return ends

    def forget(self) -> None:
        self.ends = None


def bounds(arrays: list[np.ndarray], *, log: bool = False) -> tuple[float, float]:
    """Lowest and highest finite number of all; positive ones, as logarithms, on a log axis."""
    low, high = np.inf, -np.inf
    for array in arrays:
        known = array[np.isfinite(array)]
        if log:
            known = np.log10(known[known > 0])
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    return low, high


def thinned(x: np.ndarray, y: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A few points a pixel column, lowest and highest among them: looks as if all were drawn."""
    count = len(x)
    step = count // max(2 * width, 1)
    if step < 2:
        return x, y
    whole = count // step * step
    blocks = np.where(np.isfinite(y[:whole]), y[:whole], np.nan).reshape(-1, step)
    empty = ~np.isfinite(blocks).any(axis=1)
    lowest = np.where(np.isfinite(blocks), blocks, np.inf).argmin(axis=1)
    highest = np.where(np.isfinite(blocks), blocks, -np.inf).argmax(axis=1)
    first = np.arange(len(blocks)) * step
    pick = np.sort(np.stack([first + lowest, first + highest], axis=1), axis=1).ravel()
    thin_y = y[pick].astype(float)
    thin_y[np.repeat(empty, 2)] = np.nan
    return np.concatenate([x[pick], x[whole:]]), np.concatenate([thin_y, y[whole:]])


class Naming:
    """Finds places for the names of lines: beside their line, and on top of nothing else.

    A name stays where it is until that place is clearly worse than the best one.
    """

    CANDIDATES = 16  # places along a line
    PATIENCE = 3.0  # how much worse a place may become before its name moves

    def __init__(self, plot: pg.PlotItem) -> None:
        self._plot = plot
        self._held: dict[str, tuple[float, int]] = {}  # share along the line, and the side

    def place(
        self, names: dict[str, pg.TextItem], lines: dict[str, tuple], others: list[tuple]
    ) -> None:
        """Move the names to their `lines`, away from all lines and from the `others`.

        Lines and others are pairs of arrays in the coordinates of the plot.
        """
        box = self._plot.getViewBox()
        (left, right), (bottom, top) = box.viewRange()
        frame = box.boundingRect()
        size = np.array([max(1.0, frame.width()), max(1.0, frame.height())])

        def on_screen(x: Any, y: Any) -> np.ndarray:
            x, y = np.asarray(x, float), np.asarray(y, float)
            share = np.stack([(x - left) / (right - left), (top - y) / (top - bottom)], axis=-1)
            share = share[np.isfinite(share).all(axis=1)]
            return np.clip(share, -2, 3) * size

        drawn = {name: _dense(on_screen(*line)) for name, line in lines.items()}
        taken = [*drawn.values(), *(on_screen(*other) for other in others)]
        crowd = np.concatenate(taken) if taken else np.empty((0, 2))
        for name, item in names.items():
            line = drawn[name]
            inside = ((line > 0) & (line < size)).all(axis=1)
            line = line[inside]
            item.setVisible(bool(len(line)))
            if not len(line):
                continue
            at = self._best(name, line, crowd, size, item)
            x = left + at[0] / size[0] * (right - left)
            item.setAnchor((0, 0))
            item.setPos(x, top - at[1] / size[1] * (top - bottom))
            words = item.boundingRect()
            corners = np.linspace(0, 1, 6)
            mesh = np.stack(np.meshgrid(corners * words.width(), corners * words.height()), -1)
            crowd = np.concatenate([crowd, at + mesh.reshape(-1, 2)])

    def _best(
        self, name: str, line: np.ndarray, crowd: np.ndarray, size: np.ndarray, item: Any
    ) -> np.ndarray:
        words = item.boundingRect()
        wide, high = words.width(), words.height()
        share = np.linspace(0.02, 0.98, self.CANDIDATES)
        along = line[(share * (len(line) - 1)).astype(int)]
        sides = np.array([[-wide, -high], [0, -high], [-wide, 0], [0, 0]], float)
        corner = along[:, None] + sides  # candidate, side, xy: the upper left corner of the words
        out = np.maximum(0, -corner).sum(axis=-1)
        out += np.maximum(0, corner + np.array([wide, high]) - size).sum(axis=-1)
        room = np.array([wide, high]) - 4  # a line may touch the edge of the words' box
        under = crowd[None, None] - corner[:, :, None] - 2
        hits = ((under > 0) & (under < room)).all(axis=-1).sum(axis=-1)
        cost = hits + out + 4 * np.abs(share[:, None] - 0.75)
        best = np.unravel_index(np.argmin(cost), cost.shape)
        held = self._held.get(name)
        if held is not None:
            before = (int(np.argmin(np.abs(share - held[0]))), held[1])
            if cost[before] < cost[best] + self.PATIENCE:
                best = before
        self._held[name] = (float(share[best[0]]), int(best[1]))
        return corner[best]


def _dense(line: np.ndarray, most: int = 90) -> np.ndarray:
    """Points a few pixels apart along a line on the screen."""
    if len(line) < 2:
        return line
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if length[-1] == 0:
        return line[:1]
    at = np.linspace(0, length[-1], min(most, int(length[-1] / 4) + 2))
    return np.stack([np.interp(at, length, line[:, k]) for k in range(2)], axis=1)


def cells(x: np.ndarray, y: np.ndarray) -> QRectF:
    """The rectangle of an image whose pixels are centred on evenly spaced x and y."""
    dx = (x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 1.0
    dy = (y[-1] - y[0]) / (len(y) - 1) if len(y) > 1 else 1.0
    return QRectF(x[0] - dx / 2, y[0] - dy / 2, dx * len(x), dy * len(y))
