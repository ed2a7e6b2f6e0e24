"""The swarm on the graphics card: points, arrows, lines and images, in the plane and in space.

A frame is kept as it comes and uploaded when the window paints, so frames that nobody sees cost
nothing and a slow screen drops frames instead of queueing them. With OpenGL in software there are
no bloom, no comets and no periodic images, and crowds become a picture of their density.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QVBoxLayout, QWidget
from vispy import gloo
from vispy.gloo import gl

from app.theme.tokens import rgb
from app.views.canvases import Canvas, canvas_for, uncovered
from app.views.choose import gl_facts
from app.views.drawing import COVER, SCREEN, Ground, Light, Sprites, Strokes, Sums
from app.views.scene import OUTSIDE, Part
from app.views.space import of_panel
from app.views.uploads import Uploads, plain
from app.views.words import Words


if TYPE_CHECKING:
    from app.theme.theme import Theme
    from engine.core.about import Hint

WHOLE = QRect(QPoint(0, 0), QSize(-1, -1))  # as Qt writes it
IMAGES_AT_MOST = 3  # periodic images to each side
EXPOSURE, EXPOSURE_INK = 1.35, 1.7
FAR, NEAR = 2.5, 5.0  # pixels across: a disc is a point of light, or drawn true to size
HALO, HALO_INK = 0.55, 0.10
SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "software", "basic render")


class SwarmView(Uploads):
    """Points and what belongs to them, as light on a dark stage or ink on paper."""

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, hint: Hint | None = None
    ) -> None:
        super().__init__(theme, parent, hint=hint)
        self._begin_uploads()
        self._software: bool | None = None
        self.renderer = ""
        self.partner: weakref.ref[SwarmView] | None = None  # that is seen together with this one
        self._waits = False  # a picture of this one is there, that of its partner not yet
        self.floating: Callable[[], Iterable[QWidget]] = tuple  # what may lie over it

        self._canvas: Canvas | None = canvas_for(self, software=self.software)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._canvas.native)
        self._steer(self._canvas.native)
        self._words = Words(self)

    @property
    def software(self) -> bool:
        """Whether OpenGL is computed by the processor."""
        if self._software is None:
            facts = gl_facts()
            self.renderer = facts.renderer
            self._software = any(word in facts.renderer.lower() for word in SOFTWARE)
        return self._software

    def restyle(self, theme: Theme) -> None:
        self._old_tables += self._tables.values()
        self._tables = {}
        super().restyle(theme)

    # Painting

    def _repaint(self) -> None:
        if self._canvas is not None:
            self._canvas.repaint()
        if self._words.isVisible():
            self._words.update()

    @property
    def busy(self) -> bool:
        """Whether a picture is on its way."""
        return self._canvas is not None and self._canvas.busy

    def show_picture(self) -> None:
        """A picture is there; of two that belong together the later one shows both."""
        partner = self.partner and self.partner()
        self._waits = partner is not None and partner.busy and not partner._waits
        if self._waits:
            return
        for view in (self, partner):
            if view is not None and view._canvas is not None:
                view._waits = False
                view._canvas.native.update(uncovered(view._canvas.native, view.floating()))

    def grab(self, /, rectangle: QRect = WHOLE) -> QPixmap:
        """A picture of what is to be seen now, painted already or not."""
        if self._canvas is not None:
            self._canvas.finish()
        return super().grab(rectangle)

    def paint(self) -> None:
        """Called by the canvas, in its OpenGL context."""
        while self._old_tables:
            self._old_tables.pop().delete()
        if self._fresh:
            self._upload()
        ratio = self._target.devicePixelRatioF()
        width, height = round(self._target.width() * ratio), round(self._target.height() * ratio)
        ink = 0.0 if self.theme.dark else 1.0
        stage = rgb(self.theme.hex("stage"))
        gloo.set_viewport(0, 0, width, height)
        gloo.set_state(blend=False, depth_test=False, cull_face=False, scissor_test=False)
        gloo.clear(color=(*stage, 1), depth=True)
        if self.theme.hex("stage") != self.theme.hex("stage_glow"):
            ground = self._item_of_view("ground", Ground)
            ground.program["stage"] = stage
            ground.program["stage_glow"] = rgb(self.theme.hex("stage_glow"))
            ground.draw()
        parts = self._parts(ratio)
        self._draw_beneath(parts, ratio)
        if self.is_density:
            self._draw_sums(parts, ink)
        else:
            self._draw_points(parts, ratio, ink, (width, height))
        self._draw_above(parts, ratio)
        # vispy clears the alpha of what was drawn with this colour, and Qt blends by it.
        gloo.set_state(scissor_test=False, depth_test=False, clear_color=(0, 0, 0, 1))

    def _item_of_view(self, name: str, make: Any) -> Any:
        found = getattr(self, f"_{name}", None)
        if found is None:
            found = make()
            setattr(self, f"_{name}", found)
        return found

    def _enter(self, part: Part) -> np.ndarray:
        gloo.set_viewport(*part)
        if self._panels > 1:
            gloo.set_state(scissor_test=True)
            gloo.set_scissor(*part)
        return self.camera.matrix(part.width, part.height)

    def _items(self, panel: int, *kinds: str) -> list[Any]:
        keys = sorted(
            (k for k in self._drawn if k[0] == panel and k[2] in kinds), key=lambda k: k[1]
        )
        return [self._drawn[key] for key in keys]

    def _draw_beneath(self, parts: list[Part], ratio: float) -> None:
        for panel, part in enumerate(parts):
            matrix = self._enter(part)
            for picture in self._items(panel, "image"):
                ball = picture.is_ball
                gloo.set_state(blend=True, blend_func=COVER, depth_test=ball)
                picture.draw(matrix)
            gloo.set_state(blend=True, blend_func=COVER, depth_test=False)
            for item in self._items(panel, "box"):
                self._stroke(item, matrix, part, "line_strong", 1.0, 0.75)
            for item in self._items(panel, "segments"):
                self._stroke(item, matrix, part, "text2", 1.25 * self.theme.scale * ratio, 0.7)
            for item in self._items(panel, "trails"):
                # On a dark stage they are light: where they cross it is brighter.
                gloo.set_state(blend_func=SCREEN if self.theme.dark else COVER)
                self._stroke(item, matrix, part, "measured", 1.25 * self.theme.scale * ratio, 0.6)
            gloo.set_state(blend_func=COVER)

    def _draw_above(self, parts: list[Part], ratio: float) -> None:
        gloo.set_state(blend=True, blend_func=COVER, depth_test=False)
        for panel, part in enumerate(parts):
            matrix = self._enter(part)
            for layer_index, layer in enumerate(self._layers):
                if type(layer).__name__ == "Curve":
                    token = "theory" if layer.role == "theory" else "measured"
                    item = self._drawn.get((panel, layer_index, "curve"))
                    if item is not None:
                        self._stroke(item, matrix, part, token, 2 * self.theme.scale * ratio, 1.0)
            for item in self._items(panel, "arrows"):
                few = item.count < 64
                item.program["head"] = (12 if few else 7) * self.theme.scale * ratio
                wide = (2.5 if few else 1.25) * self.theme.scale * ratio
                self._stroke(item, matrix, part, "measured", wide, 1.0 if few else 0.8)
            edge = self.edge_of_slice(panel)
            if edge is not None:
                wide = (2.5 if self.is_over_slice else 1.25) * self.theme.scale
                self._outline("edge", edge, matrix, part, wide * ratio)
            ring = self._ring_on_screen()
            if ring is not None and panel == self._panel_of_pointer:
                self._outline("ring", ring, matrix, part, 1.5 * ratio)
            mark = self._mark_on_screen(panel)
            if mark is not None:
                self._outline("mark", mark, matrix, part, 2.5 * self.theme.scale * ratio)

    def _outline(
        self, name: str, corners: np.ndarray, matrix: np.ndarray, part: Part, width: float
    ) -> None:
        """A closed line in the colour of what can be touched."""
        item = self._item_of_view(name, Strokes)
        item.put(corners[:-1], corners[1:])
        plain(item)
        self._stroke(item, matrix, part, "accent", width, 0.9)

    def _stroke(
        self, item: Strokes, matrix: np.ndarray, part: Part, token: str, width: float, cover: float
    ) -> None:
        program = item.program
        program["plain"] = rgb(self.theme.hex(token))
        program["width"], program["cover"] = width, cover
        item.draw(matrix, (part.width, part.height))

    def _draw_points(
        self, parts: list[Part], ratio: float, ink: float, size: tuple[int, int]
    ) -> None:
        swarms = [
            (part, item, self._nearness(item, part, ratio))
            for panel, part in enumerate(parts)
            for item in self._items(panel, "points")
        ]
        shining = [(part, item, 1 - near) for part, item, near in swarms if near < 1]
        if shining and self.software:
            for part, item, share in shining:
                matrix = self._enter(part)
                gloo.set_state(blend=True, blend_func=COVER if ink else SCREEN, depth_test=False)
                self._shine(item, part, matrix, ratio, ink, share)
        elif shining:
            self._draw_light(parts, shining, ratio, ink, size)
        for part, item, near in swarms:
            if near > 0:
                matrix = self._enter(part)
                gloo.set_state(blend=True, blend_func=COVER, depth_test=item.dim == 3)
                uniforms = self._as_disc(item, part, ratio, ink, near)
                item.draw("disc", matrix, uniforms, self._shifts(matrix), OUTSIDE)

    def _draw_light(
        self,
        parts: list[Part],
        shining: list[tuple[Part, Sprites, float]],
        ratio: float,
        ink: float,
        size: tuple[int, int],
    ) -> None:
        """Points of light are added up beside the picture, with their bloom, and developed."""
        light = self._item_of_view("light", Light)
        light.resize(*size)
        with light.target:
            gloo.set_state(scissor_test=False)
            gloo.set_viewport(0, 0, *size)
            gloo.clear(color=(0, 0, 0, 0), depth=False)
            gloo.set_state(blend=True, blend_func=("one", "one"), depth_test=False)
            for part, item, share in shining:
                matrix = self._enter(part)
                self._shine(item, part, matrix, ratio, ink, share)
        if self._glow:
            light.spread()
        develop = light.develop
        develop["ink"] = ink
        develop["exposure"] = EXPOSURE_INK if ink else EXPOSURE
        develop["halo"] = (HALO_INK if ink else HALO) if self._glow else 0.0
        gloo.set_state(blend=True, blend_func=COVER if ink else SCREEN)
        for panel, part in enumerate(parts):
            matrix = self._enter(part)
            develop["box"], develop["outside"] = self._frame_of_images(matrix, panel)
            left, bottom, wide, high = part
            light.draw((left / size[0], bottom / size[1], wide / size[0], high / size[1]))

    def _diameter(self, part: Part, ratio: float) -> float:
        """Of a disc, in device pixels."""
        points = self._points()
        radius = points.radius if points is not None else None
        if radius is None:
            return 7.0 * self.theme.scale * ratio
        return 2 * float(np.max(np.asarray(radius))) / self.camera.pixel(part.width, part.height)

    def _nearness(self, item: Sprites, part: Part, ratio: float) -> float:
        """From 0, where a disc is too small to be more than a point of light, to 1."""
        if item.look != "disc":
            return 0.0
        share = (self._diameter(part, ratio) / ratio - FAR) / (NEAR - FAR)
        share = min(max(share, 0.0), 1.0)
        return share * share * (3 - 2 * share)

    def _depths(self) -> tuple[float, tuple[float, float]]:
        """The distance of the eye, and the nearest and farthest there is to see."""
        camera = self.camera
        if camera.dim == 2:
            return 1.0, (1.0, 2.0)
        eye = camera.distance
        return eye, (eye - 0.9 * camera.radius, eye + 1.1 * camera.radius)

    def _as_disc(
        self, item: Sprites, part: Part, ratio: float, ink: float, near: float
    ) -> dict[str, Any]:
        diameter, (distance, depths) = self._diameter(part, ratio), self._depths()
        return {
            "size": diameter * distance,
            "diameter": diameter,
            "smallest": 1.5,
            "largest": max(4.0, self._largest_sprite()),
            "strength": 1.0,
            "share": near,
            "stage": rgb(self.theme.hex("stage")),
            "ink": ink,
            "depths": depths,
        }

    def _shine(
        self,
        item: Sprites,
        part: Part,
        matrix: np.ndarray,
        ratio: float,
        ink: float,
        share: float,
    ) -> None:
        """Sizes and strengths, so that a crowd of any number is as bright as it is dense."""
        pixel, (distance, depths) = self.camera.pixel(part.width, part.height), self._depths()
        size, strength = self._grain(item, pixel, ratio)
        uniforms = {
            "size": size * distance,
            "smallest": 1.6 * ratio,
            "largest": 40.0 * ratio,
            "strength": strength * share * (1.25 if self.software and not ink else 1.0),
            "depths": depths,
        }
        look = "comet" if item.look == "comet" else "grain"
        item.draw(look, matrix, uniforms, self._shifts(matrix), OUTSIDE if self.software else 1.0)

    def _grain(self, item: Sprites, pixel: float, ratio: float) -> tuple[float, float]:
        """Size in device pixels and strength of a sprite: both follow √(area / N)."""
        camera = self.camera
        apart = math.sqrt(self._area(pixel) / item.count) / ratio  # logical pixels
        if item.look == "comet":
            size = min(max(2.2 * apart, 4.0), 15.0)
            strength = 0.55 * min(1.6, (2.2 * apart / size) ** 2 + 0.1)
        else:
            widest = 7.0 if not self.software or item.count < 3000 else 4.2
            size = min(max(1.05 * apart, 2.4), widest)
            if camera.dim == 3 or not self.software or item.count < 3000:
                size = min(max(1.3 * apart, 2.6), widest)
            strength = 0.85 * min(1.0, (1.05 * apart / size) ** 2 + 0.15)
        return size * ratio * self.theme.scale, strength

    def _largest_sprite(self) -> float:
        if not hasattr(self, "_sprite_limit"):
            limits = gl.glGetParameter(gl.GL_ALIASED_POINT_SIZE_RANGE)
            self._sprite_limit = float(np.ravel(limits)[-1])
        return self._sprite_limit

    def _shifts(self, matrix: np.ndarray) -> list[tuple[float, float]]:
        """The box itself, and those of its periodic images that are in sight."""
        box = self._box()
        here = [(0.0, 0.0)]
        if not self.repeats or box is None or not box.periodic:
            return here
        if self.camera.dim == 3 or np.ndim(box.low) != 1:
            return here
        low, high = np.asarray(box.low, float), np.asarray(box.high, float)
        side = high - low
        reach = 1 / np.array([matrix[0, 0], matrix[1, 1]])
        seen = np.stack([self.camera.centre - reach, self.camera.centre + reach])
        first, last = np.floor((seen - low) / side).clip(-IMAGES_AT_MOST, IMAGES_AT_MOST)
        return [
            (i * side[0], j * side[1])
            for i in np.arange(first[0], last[0] + 1)
            for j in np.arange(first[1], last[1] + 1)
        ] or here

    def _frame_of_images(self, matrix: np.ndarray, panel: int) -> tuple[tuple, float]:
        """The box in shares of the view, and how strong it is drawn outside."""
        box = self._box()
        if box is None or not box.periodic or self.camera.dim == 3:
            return (0.0, 0.0, 1.0, 1.0), 1.0
        ends = np.stack([of_panel(box.low, 1, panel), of_panel(box.high, 1, panel)])
        shares = (ends @ matrix[:2, :2].T + matrix[:2, 3] + 1) / 2
        return tuple(shares.ravel()), OUTSIDE

    def _draw_sums(self, parts: list[Part], ink: float) -> None:
        points = self._points()
        if self._sums is None or points is None:
            return
        whole = self._sums if self._sums.ndim == 4 else self._sums[None]
        items = self._item_of_view("density", list)
        while items and (len(items) > len(whole) or items[0].ink != bool(ink)):
            items.pop().delete()
        while len(items) < len(whole):
            items.append(Sums(ink=bool(ink)))
        gloo.set_state(blend=True, blend_func=COVER if ink else SCREEN, depth_test=False)
        for item, sums, part in zip(items, whole, parts, strict=False):
            matrix = self._enter(part)
            if self._sums_fresh or item.texture is None:
                item.put(sums)
            pixel = self.camera.pixel(part.width, part.height)
            cell = part.width * part.height / (sums.shape[0] * sums.shape[1])
            each = self._area(pixel) / (self.count / self._panels) / cell
            # A pixel that holds its even share of the points is as bright as sprites make it.
            item.program["exposure"] = 0.9 * min(each, 1.2)
            item.draw(self._moved_since(matrix))
        self._sums_fresh = False

    def _moved_since(self, matrix: np.ndarray) -> np.ndarray:
        """Takes a picture made under an earlier camera to where this one sees it."""
        if self._sums_matrix is None or self.camera.dim == 3:
            return np.eye(4, dtype=np.float32)
        before = np.linalg.inv(np.asarray(self._sums_matrix, float))
        return (matrix.astype(float) @ before).astype(np.float32)

    # The end

    def release(self) -> None:
        """Give back what is held on the graphics card; the view draws nothing afterwards."""
        canvas, self._canvas = self._canvas, None
        if canvas is None:
            return
        self._stop_steering()
        canvas.set_current()
        everything = [*self._drawn.values(), *self._tables.values()]
        everything += [
            getattr(self, f"_{name}", None) for name in ("ground", "light", "ring", "edge", "mark")
        ]
        everything += getattr(self, "_density", [])
        for item in everything:
            if item is not None:
                item.delete()
        canvas.context.flush_commands()
        self._drawn, self._tables = {}, {}
        canvas.release()

    def closeEvent(self, event: Any) -> None:
        self.release()
        super().closeEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DeferredDelete:
            self.release()
        return super().event(event)

    def sizeHint(self) -> QSize:
        return QSize(720, 560)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._words.setGeometry(self.rect())
        self._fresh = True
