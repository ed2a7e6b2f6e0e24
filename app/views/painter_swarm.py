"""The swarm without OpenGL: the same interface, painted by the processor with NumPy and Qt.

Slower and plainer than `swarm`, for machines whose OpenGL cannot be used. Crowds are added up as
light or ink, few points are drawn as discs, and space is seen through the same camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF, QRadialGradient, QTransform
from PySide6.QtWidgets import QWidget

from app.views import colours
from app.views.past import period_of
from app.views.scene import EDGES, FLAT_EDGES, Part, SceneView
from app.views.slicing import height_of, is_slice
from app.views.space import of_panel
from app.views.trails import strands
from app.views.words import Words


if TYPE_CHECKING:
    from app.theme.theme import Theme
    from engine.core.about import Hint

FEW = 3000  # points that are drawn one by one
SQUARE = ((0, 0), (1, 0), (0, 1), (1, 1))  # pixels that a grain of a crowd covers


class PainterSwarmView(SceneView):
    """Repainted by Qt, at most once a turn of its event loop."""

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, hint: Hint | None = None
    ) -> None:
        super().__init__(theme, parent, hint=hint)
        self.renderer = "painter"
        self._target = _Paper(self)
        self._steer(self._target)
        self._words = Words(self)

    def _repaint(self) -> None:
        self._target.update()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._target.setGeometry(self.rect())
        self._words.setGeometry(self.rect())

    def closeEvent(self, event: Any) -> None:
        self._stop_steering()
        super().closeEvent(event)

    def paint(self, painter: QPainter) -> None:
        self._fresh = False
        self._words.show_words(self._layers, self._panels)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        height = self._target.height()
        for panel, part in enumerate(self._parts(1.0)):
            painter.save()
            top = height - part.bottom - part.height
            painter.setClipRect(part.left, top, part.width, part.height)
            painter.translate(part.left, top)
            for index, layer in enumerate(self._layers):
                draw = getattr(self, f"_paint_{type(layer).__name__.lower()}", None)
                if draw is not None:
                    draw(painter, part, panel, index, layer)
            if self.is_density and self._sums is not None:
                sums = self._sums[panel] if self._sums.ndim == 4 else self._sums
                self._paint_sums(painter, part, sums)
            self._paint_edge_of_slice(painter, part, panel)
            ring = self._ring_on_screen()
            if ring is not None and panel == self._panel_of_pointer:
                painter.setPen(QPen(self.theme.colour("accent"), 1.5))
                painter.drawPolyline(_polygon(self._seen(ring, part)[0]))
            mark = self._mark_on_screen(panel)
            if mark is not None:
                painter.setPen(QPen(self.theme.colour("accent"), 2))
                painter.drawPolyline(_polygon(self._seen(mark, part)[0]))
            painter.restore()

    def _paint_ground(self, painter: QPainter) -> None:
        area, theme = QRectF(self._target.rect()), self.theme
        glow = QRadialGradient(area.center(), 0.55 * max(area.width(), area.height()))
        glow.setColorAt(0, theme.colour("stage_glow"))
        glow.setColorAt(1, theme.colour("stage"))
        painter.fillRect(area, glow)

    def _seen(self, place: np.ndarray, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Points in pixels of their panel, and their depth; what cannot be seen is not a number."""
        place = np.asarray(place, float)
        whole = np.zeros((len(place), 4))
        whole[:, : place.shape[1]], whole[:, 3] = place, 1
        clip = whole @ self.camera.matrix(part.width, part.height).astype(float).T
        w = np.where(clip[:, 3] > 0, clip[:, 3], np.nan)
        x, y = (clip[:, 0] / w + 1) / 2, (1 - clip[:, 1] / w) / 2
        return np.stack([x * part.width, y * part.height], axis=1), w

    def _paint_box(self, painter: QPainter, part: Part, panel: int, _index: int, box: Any) -> None:
        if not self._images:
            return
        low, high = of_panel(box.low, 1, panel), of_panel(box.high, 1, panel)
        corners = np.stack(np.meshgrid(*np.stack([low, high]).T, indexing="ij"), axis=-1)
        seen, _ = self._seen(corners.reshape(-1, len(low)), part)
        painter.setPen(QPen(self.theme.colour("line_strong"), 1))
        for a, b in EDGES if len(low) == 3 else FLAT_EDGES:
            painter.drawLine(QPointF(*seen[a]), QPointF(*seen[b]))

    def _paint_points(
        self, painter: QPainter, part: Part, panel: int, _index: int, points: Any
    ) -> None:
        if self.is_density:
            return
        seen, depth = self._seen(of_panel(points.position, 2, panel), part)
        table, (low, high), _ = self._colours_of_points(points)
        name = self._colouring_of(points)
        value, scale = np.zeros(len(seen)), "level"
        if name:
            value, scale = (
                of_panel(points.colours[name].value, 1, panel),
                points.colours[name].scale,
            )
        elif self.camera.dim == 3:
            distance, radius = self.camera.distance, self.camera.radius
            value, low, high = -depth, -distance - 1.1 * radius, -distance + 0.9 * radius
        tint = colours.painted(value, table, low, high, scale)
        inside = np.isfinite(seen).all(axis=1)
        inside &= (seen > -20).all(axis=1) & (seen < (part.width + 20, part.height + 20)).all(
            axis=1
        )
        seen, tint, depth = seen[inside], tint[inside], depth[inside]
        pixel = self.camera.pixel(part.width, part.height)
        if points.radius is not None or len(seen) <= FEW:
            radius = np.max(np.asarray(points.radius)) / pixel if points.radius is not None else 2.4
            self._paint_discs(painter, seen, tint, depth, float(radius))
        else:
            self._paint_sums(painter, part, _deposited(seen, tint, part), 0.55)

    def _paint_discs(
        self,
        painter: QPainter,
        seen: np.ndarray,
        tint: np.ndarray,
        depth: np.ndarray,
        radius: float,
    ) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        order = np.argsort(-depth) if self.camera.dim == 3 else np.arange(len(seen))
        middle = self.camera.distance if self.camera.dim == 3 else 1.0
        for k in order:
            painter.setBrush(QColor(*(int(c) for c in tint[k])))
            size = max(0.8, radius * middle / depth[k])
            painter.drawEllipse(QPointF(*seen[k]), size, size)

    def _paint_sums(
        self, painter: QPainter, part: Part, sums: np.ndarray, exposure: float = 0.9
    ) -> None:
        light = np.asarray(sums, np.float32) * exposure
        if self.theme.dark:
            colour = 1 - np.exp(-light[..., :3])
            cover = colour.max(axis=2, keepdims=True)
        else:
            cover = 1 - np.exp(-light[..., 3:])
            colour = light[..., :3] / np.maximum(light[..., 3:], 1e-4) * cover
        bytes_ = (255 * np.concatenate([colour, cover], axis=2)[::-1] + 0.5).astype(np.uint8)
        picture = _image(bytes_, QImage.Format.Format_RGBA8888_Premultiplied)
        painter.drawImage(QRectF(0, 0, part.width, part.height), picture)

    def _paint_arrows(
        self, painter: QPainter, part: Part, panel: int, _index: int, arrows: Any
    ) -> None:
        tail = of_panel(arrows.tail, 2, panel)
        a, _ = self._seen(tail, part)
        b, _ = self._seen(tail + of_panel(arrows.vector, 2, panel), part)
        painter.setPen(QPen(self.theme.colour("measured"), 2 if len(a) < 64 else 1.2))
        for start, end in zip(a, b, strict=True):
            along = end - start
            far = float(np.hypot(*along))
            if not far > 1:
                continue
            along /= far
            aside, barb = np.array([-along[1], along[0]]), min(10.0, 0.5 * far)
            painter.drawLine(QPointF(*start), QPointF(*end))
            for side in (-0.45, 0.45):
                painter.drawLine(QPointF(*end), QPointF(*(end - barb * (along + side * aside))))

    def _paint_trails(
        self, painter: QPainter, part: Part, panel: int, _index: int, trails: Any
    ) -> None:
        made = strands(of_panel(trails.path, 3, panel), period_of(self._box(), panel))
        a, _ = self._seen(made.tail, part)
        b, _ = self._seen(made.tip, part)
        known = np.isfinite(a + b).all(axis=1)
        shades = np.linspace(0, 1, 9)
        age = np.digitize(made.ends[:, 1], shades[1:-1])
        for step in range(len(shades) - 1):  # a pen for each shade, not for each piece
            painter.setPen(QPen(self.theme.colour("measured", 0.6 * shades[step + 1]), 1.2))
            for start, end in zip(a[known & (age == step)], b[known & (age == step)], strict=True):
                painter.drawLine(QPointF(*start), QPointF(*end))

    def _paint_edge_of_slice(self, painter: QPainter, part: Part, panel: int) -> None:
        edge = self.edge_of_slice(panel)
        if edge is not None:
            wide = 2.5 if self.is_over_slice else 1.25
            painter.setPen(QPen(self.theme.colour("accent"), wide))
            painter.drawPolyline(_polygon(self._seen(edge, part)[0]))

    def _paint_segments(
        self, painter: QPainter, part: Part, panel: int, _index: int, segments: Any
    ) -> None:
        a, _ = self._seen(of_panel(segments.start, 2, panel), part)
        b, _ = self._seen(of_panel(segments.end, 2, panel), part)
        painter.setPen(QPen(self.theme.colour("text2", 0.55), 1))
        for start, end in zip(a, b, strict=True):
            if np.isfinite(start + end).all():
                painter.drawLine(QPointF(*start), QPointF(*end))

    def _paint_curve(
        self, painter: QPainter, part: Part, panel: int, _index: int, curve: Any
    ) -> None:
        line = np.stack([of_panel(curve.x, 1, panel), of_panel(curve.y, 1, panel)], axis=1)
        token = "theory" if curve.role == "theory" else "measured"
        painter.setPen(QPen(self.theme.colour(token), 2))
        painter.drawPolyline(_polygon(self._seen(line, part)[0]))

    def _paint_image(
        self, painter: QPainter, part: Part, panel: int, index: int, image: Any
    ) -> None:
        values = of_panel(image.values, 2, panel)
        box = self._box()
        ends = np.array([[0.0, 0.0], values.shape[::-1]])
        if box is not None:
            ends = np.stack([of_panel(box.low, 1, panel)[:2], of_panel(box.high, 1, panel)[:2]])
        low, high = self._span_of(f"image {index}", image.values, image)
        table = colours.table(image.scale, "", self.theme)
        bytes_ = colours.painted(values, table, low, high, image.scale, clear=is_slice(image))[::-1]
        if is_slice(image):
            self._paint_slice(painter, part, bytes_, ends, height_of(image, panel))
            return
        (left, bottom), (right, top) = self._seen(ends, part)[0]
        area = QRectF(left, top, right - left, bottom - top)
        painter.drawImage(area, _image(bytes_, QImage.Format.Format_RGBA8888))

    def _paint_slice(
        self, painter: QPainter, part: Part, bytes_: np.ndarray, ends: np.ndarray, height: float
    ) -> None:
        """A picture in space: its corners are carried to where the camera sees them."""
        (left, front), (right, back) = ends
        flat = [(left, back), (right, back), (right, front), (left, front)]
        corners = np.array([(x, y, height) for x, y in flat])
        seen, _ = self._seen(corners, part)
        rows, columns = bytes_.shape[:2]
        whole = [(0, 0), (columns, 0), (columns, rows), (0, rows)]
        bend = QTransform.quadToQuad(_polygon(np.array(whole, float)), _polygon(seen))
        if isinstance(bend, QTransform):
            painter.save()
            painter.setTransform(bend, True)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(0, 0, _image(bytes_, QImage.Format.Format_RGBA8888_Premultiplied))
            painter.restore()


class _Paper(QWidget):
    def paintEvent(self, _event: Any) -> None:
        painter = QPainter(self)
        cast(PainterSwarmView, self.parentWidget()).paint(painter)
        painter.end()


def _deposited(seen: np.ndarray, tint: np.ndarray, part: Part) -> np.ndarray:
    """Sums of (colour, 1) per pixel of the panel, row 0 at the bottom."""
    colour = np.concatenate([tint[:, :3] / 255, np.ones((len(tint), 1))], axis=1)
    sums = np.zeros((4, part.height * part.width))
    column = np.floor(seen[:, 0]).astype(int)
    row = part.height - 1 - np.floor(seen[:, 1]).astype(int)
    for dx, dy in SQUARE:
        x, y = column + dx, row + dy
        keep = (x >= 0) & (x < part.width) & (y >= 0) & (y < part.height)
        at = y[keep] * part.width + x[keep]
        for channel in range(4):
            sums[channel] += np.bincount(at, colour[keep, channel], sums.shape[1])
    return np.moveaxis(sums.reshape(4, part.height, part.width), 0, 2).astype(np.float32)


def _image(bytes_: np.ndarray, kind: QImage.Format) -> QImage:
    bytes_ = np.ascontiguousarray(bytes_)
    height, width = bytes_.shape[:2]
    return QImage(bytes_.data, width, height, 4 * width, kind).copy()


def _polygon(points: np.ndarray) -> QPolygonF:
    return QPolygonF([QPointF(*point) for point in points if np.isfinite(point).all()])
