"""What a view adds to a swarm of its own accord: trails, flow, medoids, coarse density, colours.

All of it is made of what the view has seen and becomes layers like those of a frame, so whoever
paints needs no more than these.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any

import numpy as np

from app.views.coarse import Flow, Grid, crowding, over_mean, squares_across
from app.views.medoids import COLOURS, Medoids
from app.views.past import Past, by_identity, period_of
from app.views.space import of_panel


NAMES = ("trails", "flow", "medoids", "coarse density")  # what can be laid over a swarm
SPEED, CROWDING = "speed", "local density"  # colours that any swarm has
OWN_NAMES = {"density": CROWDING, "packing": CROWDING}  # what systems call the same


class Overlays:
    """Which of them are on, and what they remember."""

    names = NAMES

    def __init__(self) -> None:
        self.shown: set[str] = set()
        self.past = Past()
        self.medoids = Medoids()
        self._flows: list[Flow] = []
        self.unit = 0.0  # the speed of an arrow as long as a square

    def set_shown(self, name: str, on: bool) -> None:
        if on:
            self.shown.add(name)
        else:
            self.shown.discard(name)
        if name == "flow":
            self._flows = []
        if name == "medoids":
            self.medoids.forget()

    def fit(self, points: Any, box: Any) -> list[str]:
        """Those that make sense for this swarm."""
        if points is None:
            return []
        flat = np.shape(points.position)[-1] == 2
        able = {"trails": True, "medoids": flat and np.shape(points.position)[-2] > 1}
        return [n for n in NAMES if able.get(n, flat and box is not None)]

    def colours(self, points: Any, box: Any) -> list[str]:
        """Colours that this swarm does not bring along and that can be worked out."""
        flat = np.shape(points.position)[-1] == 2
        known = (SPEED, CROWDING) if flat and box is not None else (SPEED,)
        own = {OWN_NAMES.get(name, name) for name in points.colours}
        return [name for name in known if name not in own]

    def coloured(self, points: Any, box: Any, name: str) -> Any:
        """The swarm with one of these colours."""
        value = self._speed(points) if name == SPEED else self._crowding(points, box)
        colours = OrderedDict(points.colours)
        colours[name] = _layer("Colour", value.reshape(np.shape(points.position)[:-1]))
        return replace(points, colours=colours)

    def see(self, points: Any, box: Any, now: float) -> None:
        """Take a frame in, before layers and colours are asked for."""
        self.past.see(points, box, now)

    def layers(self, points: Any, box: Any, panels: int, colouring: str) -> tuple[Any, ...]:
        """What is laid over the swarm; the density first, for it lies beneath."""
        able = self.fit(points, box)
        made: list[Any] = []
        for name in NAMES[::-1]:
            if name in self.shown and name in able:
                made += getattr(self, f"_{name.replace(' ', '_')}")(points, box, panels, colouring)
        return tuple(made)

    def _trails(self, points: Any, _box: Any, _panels: int, colouring: str) -> list[Any]:
        several = np.ndim(points.position) > 2
        path = self.past.paths(panels=several)
        if path is None:
            return []
        colour = points.colours.get(colouring)
        if colour is not None:
            value = np.asarray(colour.value)
            if several:
                tint = np.stack([_of(points, row, self.past, k) for k, row in enumerate(value)])
            else:
                tint = _of(points, value, self.past, 0)
            colour = _layer("Colour", tint, colour.scale, colour.span)
        return [_layer("Trails", path, colour)]

    def _flow(self, points: Any, box: Any, panels: int, _colouring: str) -> list[Any]:
        place, velocity = by_identity(points), self.past.velocity
        if velocity is None or velocity.shape != place.shape:
            place, velocity = _by_heading(points)
        if velocity is None:
            return []
        self._flows += [Flow() for _ in range(len(place) - len(self._flows))]
        found = []
        for panel, flow in enumerate(self._flows[: len(place)]):
            grid = _grid(box, panel, place.shape[1])
            flow.see(grid, place[panel], velocity[panel])
            found.append(flow.arrows(grid))
        self.unit = found[0][2]
        most = max(len(tail) for tail, _, _ in found)
        tails = np.stack([_filled(tail, most) for tail, _, _ in found])
        vectors = np.stack([_filled(vector, most) for _, vector, _ in found])
        if np.ndim(points.position) == 2:
            tails, vectors = tails[0], vectors[0]
        return [_layer("Arrows", tails, vectors)]

    def _medoids(self, points: Any, box: Any, _panels: int, _colouring: str) -> list[Any]:
        place, period = by_identity(points), period_of(box)
        if box is None:
            there = place.reshape(-1, 2)
            world = float(np.nanmax(there, axis=0).max() - np.nanmin(there, axis=0).min())
        else:
            world = float(np.max(np.asarray(box.high) - np.asarray(box.low)))
        self.medoids.see(place, period, world)
        stars = self.medoids.stars(place, period, world)
        if stars is None:
            return []
        start, end, which = stars
        if np.ndim(points.position) == 2:
            start, end, which = start[0], end[0], which[0]
        colour = _layer("Colour", which, "category", (0, COLOURS - 1))
        return [_layer("Segments", start, end, colour)]

    def _coarse_density(self, points: Any, box: Any, _panels: int, _colouring: str) -> list[Any]:
        place = np.asarray(points.position)
        place = place.reshape(-1, *place.shape[-2:])
        seen = [over_mean(_grid(box, k, place.shape[1]), some) for k, some in enumerate(place)]
        values = seen[0] if np.ndim(points.position) == 2 else np.stack(seen)
        return [_layer("Image", values, height=0.0)]  # a slice: clear where there is little

    def _speed(self, points: Any) -> np.ndarray:
        place, velocity = np.asarray(points.position), self.past.velocity
        shape = (-1, place.shape[-2])
        if velocity is None:
            return np.zeros(place.shape[:-1], np.float32)
        speed = np.linalg.norm(velocity, axis=-1).astype(np.float32)
        if points.identity is None:
            return speed
        who = np.broadcast_to(np.asarray(points.identity), place.shape[:-1]).reshape(shape)
        return np.take_along_axis(speed, who, axis=1)

    def _crowding(self, points: Any, box: Any) -> np.ndarray:
        place = np.asarray(points.position)
        place = place.reshape(-1, *place.shape[-2:])
        seen = [crowding(_grid(box, k, place.shape[1]), some) for k, some in enumerate(place)]
        return np.stack(seen)


def _layer(kind: str, *parts: Any, **more: Any) -> Any:
    """A layer of NumPy arrays, like those of a frame that has left the device."""
    from engine.core import layers

    return getattr(layers, kind)(*parts, **more)


def _grid(box: Any, panel: int, count: int) -> Grid:
    low, high = of_panel(box.low, 1, panel), of_panel(box.high, 1, panel)
    return Grid(low, high, squares_across(count))


def _of(points: Any, value: np.ndarray, past: Past, panel: int) -> np.ndarray:
    """The values of those whose paths are kept."""
    if points.identity is None:
        return value[past.followed]
    who = of_panel(points.identity, 1, panel)
    sorted_ = np.zeros(int(who.max()) + 1, value.dtype)
    sorted_[who] = value
    return sorted_[past.followed]


def _by_heading(points: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Before anything has moved: directions as the colours tell them."""
    place = np.asarray(points.position)
    place = place.reshape(-1, *place.shape[-2:])
    heading = next((c for n, c in points.colours.items() if n == "heading"), None)
    if heading is None:
        return place, None
    angle = np.asarray(heading.value).reshape(place.shape[:2])
    return place, np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _filled(array: np.ndarray, most: int) -> np.ndarray:
    return np.pad(array, ((0, most - len(array)), (0, 0)), constant_values=np.nan)
