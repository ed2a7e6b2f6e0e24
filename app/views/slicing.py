"""A slice across a cloud: where it lies on the screen, and the hand that moves it up and down."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal

from app.views.space import of_panel


if TYPE_CHECKING:
    from app.views.view import View as Mixed
else:
    Mixed = object

REACH = 9  # pixels of scale 1 from its edge within which a slice is taken hold of
FLATTEST = 0.15  # of a pixel per pixel: seen from above, a slice still follows the hand
UP = np.array([0.0, 0.0, 1.0])


def height_of(image: Any, panel: int) -> float:
    """Of a slice; 0 for an image of the plane."""
    return 0.0 if image.height is None else float(of_panel(image.height, 0, panel))


def is_slice(layer: Any) -> bool:
    return type(layer).__name__ == "Image" and layer.height is not None


class Slicing(Mixed):
    """Mixed into a view of space: an image with a `handle` is dragged by its edge."""

    handle_moved = Signal(str, float)  # a live parameter, and its value under the hand
    handle_held = Signal(bool)  # whether the hand is down

    camera: Any
    _layers: tuple[Any, ...]
    _target: Any
    _box: Any
    _under: Any  # the pointer in its panel
    _panel_of_pointer: int
    _grabbed: np.ndarray | None = None  # where on the edge the hand took it
    _near_edge = False
    holds_slice: bool = False

    def slice_with_handle(self) -> Any | None:
        """The slice that a hand may move."""
        if self.camera.dim != 3 or self._box() is None:
            return None
        return next((la for la in self._layers if is_slice(la) and la.handle), None)

    def edge_of_slice(self, panel: int = 0) -> np.ndarray | None:
        """The corners of the slice, the first one again at the end."""
        image, box = self.slice_with_handle(), self._box()
        if image is None or box is None:
            return None
        low, high = of_panel(box.low, 1, panel), of_panel(box.high, 1, panel)
        z = height_of(image, panel)
        (left, front), (right, back) = low[:2], high[:2]
        flat = [(left, front), (right, front), (right, back), (left, back), (left, front)]
        return np.array([(x, y, z) for x, y in flat], float)

    @property
    def is_over_slice(self) -> bool:
        """Whether the pointer is where a slice can be taken hold of."""
        return self._near_edge or self.holds_slice

    def _find_edge(self, at: QPointF) -> np.ndarray | None:
        """The point of the edge under the pointer."""
        x, y, width, height = self._under(at)
        edge = self.edge_of_slice(self._panel_of_pointer)
        if edge is None:
            return None
        share = np.linspace(0, 1, 33)[:-1, None]
        along = np.concatenate([a + share * (b - a) for a, b in itertools.pairwise(edge)])
        seen = self._on_screen(along, width, height)
        away = np.hypot(*(seen - (x, y)).T)
        nearest = int(np.nanargmin(away)) if np.isfinite(away).any() else 0
        return along[nearest] if away[nearest] < self.theme.px(REACH) else None

    def _on_screen(self, points: np.ndarray, width: float, height: float) -> np.ndarray:
        """Pixels of their panel, from its upper left corner."""
        matrix = np.asarray(self.camera.matrix(width, height), float)
        dim = points.shape[1]
        clip = points @ matrix[:, :dim].T + matrix[:, 3]
        w = np.where(clip[:, 3] > 0, clip[:, 3], np.nan)
        x, y = (clip[:, 0] / w + 1) / 2 * width, (1 - clip[:, 1] / w) / 2 * height
        return np.stack([x, y], axis=1)

    def _take_slice(self, at: QPointF) -> bool:
        """Take hold of the slice under a button that goes down."""
        place = self._find_edge(at)
        if place is None:
            return False
        self._grabbed, self.holds_slice = place, True
        self.handle_held.emit(True)
        return True

    def _drag_slice(self, at: QPointF) -> None:
        """To the height whose edge lies under the pointer, as near as the view allows."""
        image, box = self.slice_with_handle(), self._box()
        place = self._grabbed
        if place is None or image is None or box is None:
            return
        x, y, width, height = self._under(at)
        low = float(of_panel(box.low, 1, 0)[2])
        high = float(of_panel(box.high, 1, 0)[2])
        step = 0.01 * (high - low)
        here, above = self._on_screen(np.stack([place, place + step * UP]), width, height)
        per_unit = (above - here) / step  # pixels for a unit of height
        steepest = 1 / self.camera.pixel(width, height)
        square = max(float(per_unit @ per_unit), (FLATTEST * steepest) ** 2)
        moved = float((np.array([x, y]) - here) @ per_unit) / square
        value = min(max(float(place[2]) + moved, low), high)
        self.handle_moved.emit(image.handle, value)

    def _leave_slice(self) -> None:
        if self._grabbed is not None:
            self._grabbed, self.holds_slice = None, False
            self.handle_held.emit(False)

    def _note_pointer(self, at: QPointF) -> bool:
        """Show that the slice can be taken; whether that has changed."""
        near = self._find_edge(at) is not None
        if near == self._near_edge:
            return False
        self._near_edge = near
        shape = Qt.CursorShape.SizeVerCursor if near else Qt.CursorShape.ArrowCursor
        self._target.setCursor(shape)
        return True
