"""What every swarm view knows, whoever paints it: layers, colours, camera, panels, density."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QWidget

from app.theme.tokens import rgb
from app.views import colours
from app.views.camera import Camera2D, Camera3D
from app.views.overlays import Overlays
from app.views.picking import Picking
from app.views.slicing import Slicing
from app.views.space import dimension, extent, panels_of
from app.views.steering import Steering
from app.views.view import Layer, View, named_data
from app.views.words import Words


if TYPE_CHECKING:
    from app.theme.theme import Theme
    from engine.core.about import Hint

MANY_IN_SOFTWARE = 20_000  # points above which a picture of their density is cheaper
MANY = 500_000
OUTSIDE = 0.3  # strength of periodic images
EDGES = np.argwhere(np.triu([[(a ^ b).bit_count() == 1 for a in range(8)] for b in range(8)]))
FLAT_EDGES = EDGES[(EDGES < 4).all(axis=1)]


class DensityRequest(NamedTuple):
    """A picture of sums that the engine is asked for: (w·colour, w) of the points in each pixel."""

    matrix: np.ndarray  # 4 × 4, columns, to clip space
    height: int
    width: int
    colouring: str  # "" where the points have none
    table: np.ndarray  # 256 × 3
    low: float
    high: float
    cyclic: bool
    keeps: bool = False  # whether the points are wanted beside their picture


class Part(NamedTuple):
    """The share of the window that a panel takes, in device pixels from the lower left corner."""

    left: int
    bottom: int
    width: int
    height: int


class SceneView(Steering, Slicing, Picking, View):
    """A swarm and what belongs to it. Who paints gives `_target` and says when to `_repaint`."""

    density_changed = Signal(bool)  # whether crowds are shown as a picture of their density
    camera_changed = Signal()
    radius_changed = Signal(float)  # of the ring of a tool, in the system's units

    _words: Words

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, hint: Hint | None = None
    ) -> None:
        super().__init__(theme, parent)
        self._hint = hint
        self._frame: tuple[Layer, ...] = ()  # as it came
        self._layers: tuple[Layer, ...] = ()  # with what the view lays over it
        self.overlays = Overlays()
        self.now: float | None = None  # the time of the next frame; whoever has it says so
        self.keeps_points = False  # somebody reads them beside a picture of their density
        self._frames = 0
        self._fresh = False
        self._last_points: Any | None = None
        self._swarm_is_here = False
        self._panels = 1
        self._colouring = ""
        self._spans: dict[str, colours.SmoothSpan] = {}
        self._density_mode, self._was_density = "auto", False
        self._sums: np.ndarray | None = None
        self._sums_matrix: np.ndarray | None = None
        self._sums_fresh = False
        self._glow, self._images = True, True
        self._repeats: bool | None = None  # periodic images; None: where a card draws

    def keep_clear(self, taken: list[QRect]) -> None:
        if self._words.taken != tuple(taken):
            self._words.taken = tuple(taken)
            self._words.update()

    def _repaint(self) -> None:
        raise NotImplementedError

    def _forget_sources(self) -> None:
        """All that is drawn has to be made anew."""

    @property
    def software(self) -> bool:
        """Whether the processor draws."""
        return True

    # What is shown

    def show_layers(self, layers: tuple[Layer, ...]) -> None:
        if layers is self._frame:
            return
        self._frame = layers
        self._frames += 1
        self._dress_frame()
        everything = [*self._layers, self._last_points]
        self._panels = max(panels_of(layer) for layer in everything)
        self._place_camera()
        self._note_density()
        self._follow()
        self._repaint()

    def _dress_frame(self) -> None:
        """Take the frame in, and lay over it what is wanted."""
        self._layers, self._fresh = tuple(self._frame), True
        found = next((la for la in self._layers if type(la).__name__ == "Points"), None)
        self._swarm_is_here = found is not None
        if found is not None or not self._was_density:
            self._last_points = found
        if found is None:
            return
        over, box = self.overlays, self._box()
        coloured = self._colouring in over.colours(found, box) and not self._was_density
        if over.shown or coloured or self.particle is not None:
            over.see(found, box, self._frames if self.now is None else self.now)
            if self.particle is not None:
                over.past.also(self.particle.who)
        shown = found
        if coloured:
            shown = self._last_points = over.coloured(found, box, self._colouring)
        named = self._colouring_of(shown)
        self._layers = (
            *(shown if layer is found else layer for layer in self._layers),
            *over.layers(shown, box, self._panels, named),
        )

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._fresh = True
        self._forget_sources()
        self._repaint()

    def data(self) -> dict[str, np.ndarray]:
        return named_data(self._layers)

    @property
    def colourings(self) -> list[str]:
        points = self._points()
        if points is None:
            return []
        # Plain marks on a picture stay plain: its colours are those that the legend explains.
        marks = not points.colours and any(type(la).__name__ == "Image" for la in self._frame)
        nothing = marks or self._was_density
        worked_out = [] if nothing else self.overlays.colours(points, self._box())
        return [*points.colours, *worked_out]

    @property
    def colouring(self) -> str:
        points = self._points()
        return "" if points is None else self._colouring_of(points)

    def _colouring_of(self, points: Any) -> str:
        """The chosen colouring, or the first of a swarm that does not have it."""
        chosen = self._colouring
        return chosen if chosen in points.colours else next(iter(points.colours), "")

    def set_colouring(self, name: str) -> None:
        self._colouring = name
        self._dress_frame()
        self._repaint()

    @property
    def legend(self) -> colours.Legend | None:
        """What the colours say, or None where they say nothing."""
        found = self._scale_of_view()
        if found is None:
            return None
        value, scale, label, (low, high), points = found
        angle, length = math.nan, 0.0
        if scale == "phase" and (self._swarm_is_here or not points):
            some = np.ravel(value)
            some = some[:: max(1, len(some) // 16_384)]
            mean = np.mean(np.exp(1j * some[np.isfinite(some)])) if len(some) else 0
            angle, length = float(np.angle(mean)), float(np.abs(mean))
        table = colours.table(scale, label, self.theme, points=points)
        return colours.Legend(scale, label, table, low, high, angle, length)

    @property
    def scale(self) -> float:
        """The system's units per (logical) pixel; in space at the depth of the target."""
        part = self._parts(1.0)[0]
        return self.camera.pixel(part.width, part.height)

    def set_glow(self, on: bool) -> None:
        """Bloom on or off, where the card can."""
        self._glow = on
        self._repaint()

    def set_images(self, on: bool) -> None:
        """The box and its periodic images on or off."""
        self._images, self._fresh = on, True
        self._forget_sources()
        self._repaint()

    def set_repeats(self, on: bool) -> None:
        """The periodic images alone, which cost a machine without a card much."""
        self._repeats, self._fresh = on, True
        self._forget_sources()
        self._repaint()

    @property
    def repeats(self) -> bool:
        """Whether periodic images are drawn."""
        return self._images and (not self.software if self._repeats is None else self._repeats)

    # What the view lays over the swarm

    @property
    def has_box(self) -> bool:
        return self._box() is not None

    @property
    def is_periodic(self) -> bool:
        box = self._box()
        return box is not None and bool(box.periodic)

    @property
    def able_overlays(self) -> list[str]:
        return self.overlays.fit(self._points(), self._box())

    def scales(self) -> tuple[float | None, tuple[np.ndarray, float, float] | None]:
        """What the overlays say in numbers: the speed of an arrow, the colours of the density."""
        able, shown = self.able_overlays, self.overlays.shown
        unit = self.overlays.unit if "flow" in shown and "flow" in able else None
        density = None
        for index, layer in enumerate(self._layers[len(self._frame) :], len(self._frame)):
            if type(layer).__name__ == "Image":
                ends = self._span_of(f"image {index}", layer.values, layer)
                density = colours.table("level", "", self.theme), *ends
        return unit or None, density

    def set_overlay(self, name: str, on: bool) -> None:
        """Trails, the flow or a coarse density over the swarm, or not."""
        self.overlays.set_shown(name, on)
        self._dress_frame()
        self._repaint()

    # Density

    @property
    def is_density(self) -> bool:
        points = self._points()
        if points is None or self._density_mode == "never":
            return False
        many = MANY_IN_SOFTWARE if self.software else MANY
        return self._density_mode == "always" or self.count > many

    @property
    def count(self) -> int:
        """How many points there are, in all panels."""
        points = self._points()
        return 0 if points is None else int(np.prod(np.shape(points.position)[:-1]))

    @property
    def density_wanted(self) -> DensityRequest | None:
        """What the engine is to splat, while crowds are shown as their density."""
        points = self._points()
        if points is None or not self.is_density:
            return None
        coarse = 2.0 if self.software else 1.0
        part = self._parts(self._target.devicePixelRatioF())[0]
        width, height = max(8, round(part.width / coarse)), max(8, round(part.height / coarse))
        table, (low, high), cyclic = self._colours_of_points(points)
        matrix = self.camera.matrix(part.width, part.height)
        keeps = bool(self.overlays.shown) or self.seeks or self.keeps_points
        return DensityRequest(
            matrix, height, width, self.colouring, table, low, high, cyclic, keeps
        )

    def show_density(self, sums: np.ndarray, matrix: np.ndarray | None = None) -> None:
        """Draw these sums; with the matrix they were made for, they follow the camera at once."""
        self._sums, self._sums_matrix, self._sums_fresh = sums, matrix, True
        self._repaint()

    def set_density(self, mode: str) -> None:
        """How crowds are shown: as their density "auto", "always" or "never"."""
        self._density_mode, self._fresh = mode, True
        self._note_density()
        self._dress_frame()
        self._repaint()

    def _note_density(self) -> None:
        now = self.is_density
        if now != self._was_density:
            self._was_density = now
            self._sums = None
            self.density_changed.emit(now)

    # Layers

    def _points(self) -> Any | None:
        """The swarm; the last one seen where only its density comes along."""
        found = next((la for la in self._layers if type(la).__name__ == "Points"), None)
        return found if found is not None else self._last_points

    def _box(self) -> Any | None:
        return next((la for la in self._layers if type(la).__name__ == "Box"), None)

    def _colours_of_points(self, points: Any) -> tuple[np.ndarray, tuple[float, float], bool]:
        name = self._colouring_of(points)
        if not name:
            token = "measured" if self.theme.dark else "text"
            plain = np.tile(rgb(self.theme.hex(token)), (256, 1))
            if self.camera.dim == 3:
                plain = colours.table("level", "depth", self.theme, points=True)
            return plain, (0.0, 1.0), False
        colour = points.colours[name]
        table = colours.table(colour.scale, name, self.theme, points=True)
        return table, self._span_of(name, colour.value, colour), colour.scale == "phase"

    def _span_of(self, name: str, value: np.ndarray, colour: Any) -> tuple[float, float]:
        follower = self._spans.setdefault(name, colours.SmoothSpan())
        if self._fresh or follower.ends is None:
            return follower.follow(np.asarray(value), colour.scale, colour.span)
        return follower.ends

    def _scale_of_view(self) -> tuple | None:
        points = self._points()
        if points is not None and self.colouring:
            colour = points.colours[self.colouring]
            span = self._span_of(self.colouring, colour.value, colour)
            return colour.value, colour.scale, self.colouring, span, True
        for index, layer in enumerate(self._layers[: len(self._frame)]):
            if type(layer).__name__ == "Image":
                span = self._span_of(f"image {index}", layer.values, layer)
                return layer.values, layer.scale, "", span, False
        return None

    def _place_camera(self) -> None:
        """Fit the world when it is first seen, and again when its box changes."""
        box = self._box()
        dim = dimension(self._frame)
        ends = () if box is None else (np.asarray(box.low), np.asarray(box.high))
        key = (dim, *(end.tobytes() for end in ends))
        if key == self._world:
            return
        found = extent(self._frame)
        if found is None:
            return
        self._world = key
        if dim != self.camera.dim:
            if dim == 3:
                hint = self._hint
                turn = (hint.azimuth, hint.elevation) if hint is not None else (30.0, 20.0)
                self.camera = Camera3D(*found, *turn)
            else:
                self.camera = Camera2D(*found)
        else:
            self.camera.fit(*found)
        self.camera_changed.emit()

    # Panels

    def _parts(self, ratio: float) -> list[Part]:
        """Panels side by side, in as many rows as makes them largest."""
        width, height = round(self._target.width() * ratio), round(self._target.height() * ratio)
        count = self._panels
        if count == 1:
            return [Part(0, 0, max(1, width), max(1, height))]
        columns = max(
            range(1, count + 1), key=lambda c: min(width / c, height / math.ceil(count / c))
        )
        rows = math.ceil(count / columns)
        wide, high = max(1, width // columns), max(1, height // rows)
        return [
            Part((k % columns) * wide, height - (k // columns + 1) * high, wide, high)
            for k in range(count)
        ]

    def _area(self, pixel: float) -> float:
        """What the world takes of the view, in square pixels of this size."""
        camera = self.camera
        if camera.dim == 2:
            return float(np.prod(2 * camera.half)) / pixel**2
        return float(np.pi * (0.6 * camera.radius / pixel) ** 2)
