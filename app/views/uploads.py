"""What a frame becomes on the graphics card: an item for each layer of each panel.

An item is made once and then only filled; what has not changed since is not sent again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy import gloo

from app.views import colours
from app.views.camera import FILL
from app.views.drawing import Picture, Sprites, Strokes, texture_of
from app.views.past import period_of
from app.views.scene import EDGES, FLAT_EDGES, OUTSIDE, SceneView
from app.views.slicing import height_of, is_slice
from app.views.space import of_panel
from app.views.trails import strands


class Uploads(SceneView):
    """Holds the items of the card; who paints draws them."""

    def _begin_uploads(self) -> None:
        self._drawn: dict[tuple, Any] = {}  # items on the card, by panel, layer and kind
        self._sources: dict[tuple, tuple] = {}  # the arrays that each item holds
        self._tables: dict[tuple, gloo.Texture2D] = {}
        self._old_tables: list[gloo.Texture2D] = []  # to be deleted in the next paint

    def _forget_sources(self) -> None:
        self._sources.clear()

    def _item(self, key: tuple, make: Any) -> Any:
        if key not in self._drawn:
            self._drawn[key] = make()
        return self._drawn[key]

    def _changed(self, key: tuple, *arrays: Any) -> bool:
        """Whether the item does not hold these very arrays yet."""
        held = self._sources.get(key)
        if held is not None and all(map(_same, held, arrays)):
            return False
        self._sources[key] = arrays
        return True

    def _upload(self) -> None:
        used = set()
        for panel in range(self._panels):
            for index, layer in enumerate(self._layers):
                kind = type(layer).__name__
                put = getattr(self, f"_put_{kind.lower()}", None)
                if put is not None and (key := put(panel, index, layer)) is not None:
                    used.add(key)
        for key in set(self._drawn) - used:
            self._drawn.pop(key).delete()
            for source in [held for held in self._sources if held[: len(key)] == key]:
                del self._sources[source]
        self._words.show_words(self._layers, self._panels)
        self._fresh = False

    def _put_points(self, panel: int, index: int, points: Any) -> tuple | None:
        if self.is_density:
            return None
        place = of_panel(points.position, 2, panel)
        name = self._colouring_of(points)
        value = of_panel(points.colours[name].value, 1, panel) if name else None
        table, span, cyclic = self._colours_of_points(points)
        look = "grain"
        if points.radius is not None or (self._hint is not None and not self._hint.glow):
            look = "disc"
        elif cyclic and "heading" in name and place.shape[1] == 2 and not self.software:
            look = "comet"
        key = (panel, index, "points", look, place.shape[1])
        sprites: Sprites = self._item(key, lambda: Sprites(look, place.shape[1]))
        if self._changed(key, points.position, points.colours[name].value if name else None):
            sprites.put(place, value)
        scale = points.colours[name].scale if name else "level"
        low, high = span
        per_span = 1 / max(high - low, 1e-12)
        if scale == "category":  # colours are picked, not mixed
            low, per_span = -0.5, 1 / 256
        sprites.tint = {
            "low": low,
            "per_span": per_span,
            "cyclic": float(cyclic),
            "by_depth": float(not name and place.shape[1] == 3),
            "colours": self._table(table, cyclic, scale),
        }
        return key

    def _table(self, table: np.ndarray, cyclic: bool, scale: str) -> gloo.Texture2D:
        key = (table.tobytes(), cyclic)
        if key not in self._tables:
            self._tables[key] = texture_of(table, repeat=cyclic, steps=scale == "category")
        return self._tables[key]

    def _put_arrows(self, panel: int, index: int, arrows: Any) -> tuple:
        key = (panel, index, "arrows")
        item = self._item(key, lambda: Strokes(arrows=True))
        if self._changed(key, arrows.tail, arrows.vector):
            tail = of_panel(arrows.tail, 2, panel)
            item.put(tail, tail + of_panel(arrows.vector, 2, panel))
            plain(item)
        return key

    def _put_trails(self, panel: int, index: int, trails: Any) -> tuple:
        key = (panel, index, "trails")
        item = self._item(key, lambda: Strokes())
        if self._changed(key, trails.path, trails.colour):
            made = strands(of_panel(trails.path, 3, panel), period_of(self._box(), panel))
            colour = trails.colour
            value = None if colour is None else of_panel(colour.value, 1, panel)[made.point]
            item.put(made.tail, made.tip, value, made.ends)
            self._colour_strokes(item, f"trails {index}", colour)
        return key

    def _put_segments(self, panel: int, index: int, segments: Any) -> tuple:
        key = (panel, index, "segments")
        item = self._item(key, lambda: Strokes())
        colour = segments.colour
        value = None if colour is None else of_panel(colour.value, 1, panel)
        if self._changed(key, segments.start, segments.end, colour):
            item.put(of_panel(segments.start, 2, panel), of_panel(segments.end, 2, panel), value)
            self._colour_strokes(item, f"segments {index}", colour)
        return key

    def _colour_strokes(self, item: Strokes, name: str, colour: Any) -> None:
        if colour is None:
            plain(item)
            return
        low, high = self._span_of(name, colour.value, colour)
        table = colours.table(colour.scale, "", self.theme, points=True)
        program = item.program
        program["use_colours"], program["low"] = 1.0, low
        program["per_span"] = 1 / max(high - low, 1e-12)
        program["cyclic"] = float(colour.scale == "phase")
        program["colours"] = self._table(table, colour.scale == "phase", colour.scale)

    def _put_curve(self, panel: int, index: int, curve: Any) -> tuple:
        key = (panel, index, "curve")
        item = self._item(key, lambda: Strokes())
        if self._changed(key, curve.x, curve.y):
            line = np.stack([of_panel(curve.x, 1, panel), of_panel(curve.y, 1, panel)], axis=1)
            item.put(line[:-1], line[1:])
            plain(item)
        return key

    def _put_box(self, panel: int, index: int, box: Any) -> tuple | None:
        if not self._images:
            return None
        key = (panel, index, "box")
        item = self._item(key, lambda: Strokes())
        low, high = of_panel(box.low, 1, panel), of_panel(box.high, 1, panel)
        if self._changed(key, low.tobytes(), high.tobytes()):
            ends = np.stack([low, high])
            corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, len(low))
            edges = EDGES if len(low) == 3 else FLAT_EDGES
            item.put(corners[edges[:, 0]], corners[edges[:, 1]])
            plain(item)
        return key

    def _put_image(self, panel: int, index: int, image: Any) -> tuple:
        values, box = of_panel(image.values, 2, panel), self._box()
        shape = values.shape
        low, high = np.zeros(2), np.array(shape[::-1], float)
        if box is not None:
            low, high = of_panel(box.low, 1, panel)[:2], of_panel(box.high, 1, panel)[:2]
        repeated = box is not None and box.periodic and self.repeats
        smooth = image.scale == "level" or self._shrinks(shape)
        key = (panel, index, "image", shape, smooth, image.onto, repeated)
        item = self._item(key, lambda: Picture(shape, smooth=smooth, repeated=repeated))
        if self._changed(key, image.values):
            ends = self._span_of(f"image {index}", image.values, image)
            table = colours.table(image.scale, "", self.theme)
            clear = is_slice(image)
            item.put(colours.painted(values, table, *ends, image.scale, clear=clear))
        height = height_of(image, panel)
        if self._changed((*key, "place"), low.tobytes(), high.tobytes(), height):
            if image.onto == "sphere":
                item.on_sphere(np.zeros(3), 1.0)
            else:
                item.on_plane(low, high, height, images=repeated)
                if repeated:
                    item.program["outside"] = OUTSIDE
        return key

    def _shrinks(self, shape: tuple[int, int]) -> bool:
        part = self._parts(self._target.devicePixelRatioF())[0]
        return max(shape) > FILL * min(part.width, part.height)


def _same(held: Any, new: Any) -> bool:
    return held is new or (isinstance(new, bytes | float) and held == new)


def plain(item: Strokes) -> None:
    """A stroke in one colour; the card wants the unused texture to be there all the same."""
    program = item.program
    if item.count and "colours" not in item.__dict__:
        item.__dict__["colours"] = texture_of(np.ones((256, 3), np.float32))
        program["colours"] = item.__dict__["colours"]
        program["use_colours"] = program["low"] = program["cyclic"] = 0.0
        program["per_span"] = 1.0
