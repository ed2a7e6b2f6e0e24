"""What the swarm view is made of on the graphics card: sprites, strokes, pictures, light.

Each holds its buffers and its program, takes NumPy arrays, and draws under a matrix. None knows a
camera, a theme or a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from vispy import gloo

from app.views import shaders


CORNERS = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
FAR = np.float32(1e12)  # where a point that is not a number is drawn: beyond every camera
SCREEN = ("one", "one_minus_src_color")
COVER = ("one", "one_minus_src_alpha")


def texture_of(colours: np.ndarray, *, repeat: bool = False, steps: bool = False) -> gloo.Texture2D:
    """256 colours for `texture2D(colours, vec2(level, 0.5))`."""
    return gloo.Texture2D(
        (255 * colours[None] + 0.5).astype(np.uint8),
        interpolation="nearest" if steps else "linear",
        wrapping="repeat" if repeat else "clamp_to_edge",
    )


def gapless(place: np.ndarray) -> np.ndarray:
    """Positions for the card, whose not-a-number would be anywhere."""
    place = np.ascontiguousarray(place, np.float32)
    if not np.isfinite(place.sum()):
        place = np.where(np.isfinite(place).all(axis=-1, keepdims=True), place, FAR)
    return place


class Program(gloo.Program):
    """Tells the card only what has changed: most numbers of a picture never do."""

    def __init__(self, vertex: str, fragment: str) -> None:
        self._told: dict[str, Any] = {}
        super().__init__(vertex, fragment)

    def __setitem__(self, name: str, value: Any) -> None:
        told = value.tobytes() if isinstance(value, np.ndarray) else value
        if name not in self._told or self._told[name] != told:
            self._told[name] = told
            super().__setitem__(name, value)


SPRITE_LOOKS = {"grain": shaders.GRAIN, "comet": shaders.COMET, "disc": shaders.DISC}


class Sprites:
    """Points as round grains, comets, or discs: the same points in one look or another."""

    def __init__(self, look: str, dim: int) -> None:
        self.look, self.dim, self.count = look, dim, 0
        self.tint: dict[str, Any] = {}  # how values become colours: uniforms by name
        self._place, self._value = gloo.VertexBuffer(), gloo.VertexBuffer()
        self._programs: dict[str, Program] = {}

    def put(self, place: np.ndarray, value: np.ndarray | None) -> None:
        """New positions and, where they have colours, their numbers."""
        count = len(place)
        self._place.set_data(gapless(place))
        if value is not None:
            self._value.set_data(np.ascontiguousarray(value, np.float32))
        elif count != self.count:
            self._value.set_data(np.zeros(count, np.float32))
        self.count = count

    def draw(
        self,
        look: str,
        matrix: np.ndarray,
        uniforms: dict[str, Any],
        shifts: Sequence[tuple[float, float]] = ((0.0, 0.0),),
        outside: float = 1.0,
    ) -> None:
        """Once for each shift; `outside` is the strength of those that are periodic images."""
        if not self.count:
            return
        program = self._programs.get(look) or self._begin(look)
        for name, value in (self.tint | uniforms).items():
            program[name] = value
        program["project"] = matrix.T
        for shift in shifts:
            program["shift"] = shift
            program["strength"] = uniforms["strength"] * (outside if any(shift) else 1.0)
            program.draw("points")

    def _begin(self, look: str) -> Program:
        vertex = shaders.SPRITE.format(dim=self.dim, fill=", 0.0" if self.dim == 2 else "")
        program = self._programs[look] = Program(vertex, SPRITE_LOOKS[look])
        program["place"], program["value"] = self._place, self._value
        return program

    def delete(self) -> None:
        for item in (*self._programs.values(), self._place, self._value):
            item.delete()


# along, aside, in the head
LINE = np.array([[0, -1, 0], [0, 1, 0], [1, -1, 0], [1, 1, 0]], np.float32)
BARB = np.array([[0, -1, 1], [0, 1, 1], [1, 0, 1]], np.float32)
STROKE_PARTS = ("tail", "tip", "part", "value", "ends")
LINE_FACES = np.array([0, 1, 2, 2, 1, 3], np.uint32)
ARROW_FACES = np.array([0, 1, 2, 2, 1, 3, 4, 5, 6], np.uint32)


class Strokes:
    """Straight lines or arrows of an even width on the screen."""

    def __init__(self, *, arrows: bool = False) -> None:
        self.program = Program(shaders.STROKE, shaders.STROKE_EDGE)
        self._parts = np.concatenate([LINE, BARB]) if arrows else LINE
        self._faces = ARROW_FACES if arrows else LINE_FACES
        self._buffers = {name: gloo.VertexBuffer() for name in STROKE_PARTS}
        self._index = gloo.IndexBuffer()
        self.count = 0
        self.program["head"] = 0.0

    def put(
        self,
        tail: np.ndarray,
        tip: np.ndarray,
        value: np.ndarray | None = None,
        ends: np.ndarray | None = None,
    ) -> None:
        """New lines; `ends[count, 2]` are shares of their cover that tail and tip have."""
        keep = np.isfinite(tail).all(axis=-1) & np.isfinite(tip).all(axis=-1)
        tail, tip = _in_space(tail[keep]), _in_space(tip[keep])
        count, corners = len(tail), len(self._parts)
        if count:
            self._buffers["tail"].set_data(np.repeat(tail, corners, axis=0))
            self._buffers["tip"].set_data(np.repeat(tip, corners, axis=0))
            if value is not None:
                shown = np.repeat(np.asarray(value, np.float32)[keep], corners)
                self._buffers["value"].set_data(shown)
            if ends is not None:
                left = np.repeat(np.asarray(ends, np.float32)[keep], corners, axis=0)
                self._buffers["ends"].set_data(left)
            if count != self.count:
                self._buffers["part"].set_data(np.tile(self._parts, (count, 1)))
                if value is None:
                    self._buffers["value"].set_data(np.zeros(count * corners, np.float32))
                if ends is None:
                    self._buffers["ends"].set_data(np.ones((count * corners, 2), np.float32))
                step = (corners * np.arange(count, dtype=np.uint32))[:, None]
                self._index.set_data((self._faces + step).ravel())
                for name, buffer in self._buffers.items():
                    self.program[name] = buffer
        self.count = count

    def draw(self, matrix: np.ndarray, pixels: tuple[float, float]) -> None:
        if self.count:
            self.program["project"], self.program["pixels"] = matrix.T, pixels
            self.program.draw("triangles", self._index)

    def delete(self) -> None:
        for item in (self.program, self._index, *self._buffers.values()):
            item.delete()


def _in_space(points: np.ndarray, height: float = 0.0) -> np.ndarray:
    points = np.asarray(points, np.float32)
    if points.shape[1] == 3:
        return points
    return np.concatenate([points, np.full((len(points), 1), height, np.float32)], axis=1)


class Picture:
    """An image on a rectangle of the plane, or around a sphere; bytes with cover."""

    def __init__(self, shape: tuple[int, int], *, smooth: bool, repeated: bool = False) -> None:
        seen = shaders.PICTURE_REPEATED if repeated else shaders.PICTURE_PLAIN
        self.program = Program(shaders.PICTURE, seen)
        self.texture = gloo.Texture2D(
            (*shape, 4), interpolation="linear" if smooth else "nearest", wrapping="clamp_to_edge"
        )
        self.shape = shape
        self._place, self._texel = gloo.VertexBuffer(), gloo.VertexBuffer()
        self._index: gloo.IndexBuffer | None = None
        self.program["picture"] = self.texture

    def put(self, picture: np.ndarray) -> None:
        self.texture.set_data(np.ascontiguousarray(picture))

    def on_plane(
        self, low: np.ndarray, high: np.ndarray, height: float = 0.0, *, images: bool
    ) -> None:
        reach = 3 if images else 0  # periodic images to each side
        side = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
        texel = side * (2 * reach + 1) - reach
        place = low + texel * (high - low)
        self._attach(_in_space(place.astype(np.float32), height), texel, None)

    def on_sphere(self, centre: np.ndarray, radius: float) -> None:
        rows, columns = 48, 96
        latitude, longitude = np.meshgrid(
            np.linspace(-np.pi / 2, np.pi / 2, rows + 1),
            np.linspace(0, 2 * np.pi, columns + 1),
            indexing="ij",
        )
        flat = np.cos(latitude)
        ball = np.stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)], -1)
        v, u = np.meshgrid(
            np.linspace(1e-4, 0.9999, rows + 1),
            np.linspace(1e-4, 0.9999, columns + 1),
            indexing="ij",
        )
        corner = np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)
        faces = corner[..., None] + np.array([0, 1, columns + 1, columns + 1, 1, columns + 2])
        self._attach(
            (centre + radius * ball).reshape(-1, 3).astype(np.float32),
            np.stack([u, v], axis=-1).reshape(-1, 2).astype(np.float32),
            faces.ravel().astype(np.uint32),
        )

    def _attach(self, place: np.ndarray, texel: np.ndarray, faces: np.ndarray | None) -> None:
        self._place.set_data(np.ascontiguousarray(place))
        self._texel.set_data(np.ascontiguousarray(texel, np.float32))
        self.program["place"], self.program["texel"] = self._place, self._texel
        if faces is not None:
            self._index = gloo.IndexBuffer(faces)

    @property
    def is_ball(self) -> bool:
        return self._index is not None

    def draw(self, matrix: np.ndarray) -> None:
        self.program["project"] = matrix.T
        if self._index is None:
            self.program.draw("triangle_strip")
        else:
            self.program.draw("triangles", self._index)

    def delete(self) -> None:
        for item in (self.program, self.texture, self._place, self._texel, self._index):
            if item is not None:
                item.delete()


class Ground:
    """The stage itself, a faint glow in its middle; a coarse mesh, so that it costs nothing."""

    def __init__(self) -> None:
        self.program = Program(shaders.GROUND, shaders.PLAIN)
        side = np.linspace(-1, 1, 15, dtype=np.float32)
        corner = np.arange(14)[:, None] * 15 + np.arange(14)
        faces = corner[..., None] + np.array([0, 1, 15, 15, 1, 16])
        self.program["corner"] = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        self._index = gloo.IndexBuffer(faces.ravel().astype(np.uint32))

    def draw(self) -> None:
        self.program.draw("triangles", self._index)

    def delete(self) -> None:
        self.program.delete()
        self._index.delete()


class Light:
    """Sums in half floats, their bloom at a quarter of the size, and how both are developed."""

    def __init__(self) -> None:
        self.develop = Program(shaders.QUAD, shaders.DEVELOP)
        self.blur = Program(shaders.QUAD, shaders.BLUR)
        self.develop["corner"] = self.blur["corner"] = CORNERS
        self.blur["region"] = (0, 0, 1, 1)
        self.size = (0, 0)
        self._targets: list[tuple[gloo.Texture2D, gloo.FrameBuffer]] = []

    def resize(self, width: int, height: int) -> None:
        if (width, height) == self.size:
            return
        self._free_targets()
        self.size, self.small = (width, height), (max(4, width // 4), max(4, height // 4))
        for wide, high in (self.size, self.small, self.small):
            texture = gloo.Texture2D(
                (high, wide, 4),
                format="rgba",
                internalformat="rgba16f",
                interpolation="linear",
                wrapping="clamp_to_edge",
            )
            self._targets.append((texture, gloo.FrameBuffer(texture)))

    @property
    def target(self) -> gloo.FrameBuffer:
        return self._targets[0][1]

    def spread(self) -> None:
        """Blur the sums into the bloom."""
        gloo.set_state(blend=False, depth_test=False, scissor_test=False)
        (light, _), (across, to_across), (_, to_bloom) = self._targets
        wide, high = self.small
        for source, target, stride in (
            (light, to_across, (1.1 / wide, 0)),
            (across, to_bloom, (0, 1.1 / high)),
        ):
            with target:
                gloo.set_viewport(0, 0, wide, high)
                self.blur["source"], self.blur["stride"] = source, stride
                self.blur.draw("triangle_strip")

    def draw(self, region: tuple[float, float, float, float]) -> None:
        self.develop["light"], self.develop["bloom"] = self._targets[0][0], self._targets[2][0]
        self.develop["region"] = region
        self.develop.draw("triangle_strip")

    def _free_targets(self) -> None:
        for texture, target in self._targets:
            target.delete()
            texture.delete()
        self._targets = []

    def delete(self) -> None:
        self._free_targets()
        self.develop.delete()
        self.blur.delete()


class Sums:
    """A picture of sums that the engine splatted, developed like the light of sprites."""

    def __init__(self, *, ink: bool) -> None:
        self.program = Program(shaders.PLACED, shaders.SUMS_INK if ink else shaders.SUMS)
        self.program["corner"] = CORNERS
        self.ink = ink
        self.shape: tuple[int, ...] = ()
        self.texture: gloo.Texture2D | None = None

    def put(self, sums: np.ndarray) -> None:
        """`sums[height, width, 4]`: red, green, blue and number per pixel, row 0 at the bottom."""
        if self.texture is None or sums.shape != self.shape:
            if self.texture is not None:
                self.texture.delete()
            self.texture = gloo.Texture2D(
                sums.shape,
                format="rgba",
                internalformat="rgba32f",
                interpolation="linear",
                wrapping="clamp_to_edge",
            )
            self.shape = sums.shape
            self.program["light"] = self.texture
        self.texture.set_data(np.ascontiguousarray(sums, np.float32))

    def draw(self, matrix: np.ndarray) -> None:
        if self.texture is not None:
            self.program["project"] = matrix.T
            self.program.draw("triangle_strip")

    def delete(self) -> None:
        self.program.delete()
        if self.texture is not None:
            self.texture.delete()
