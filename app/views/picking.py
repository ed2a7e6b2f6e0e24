"""One particle of a swarm: picked by a click, marked, told of, and followed by the camera."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, Signal

from app.views.past import index_of
from app.views.space import of_panel


if TYPE_CHECKING:
    from app.views.view import View as Mixed
else:
    Mixed = object

REACH = 12  # pixels of scale 1 around a particle that belong to it
RING = 7  # pixels of scale 1: the mark around a particle without a size
CORNERS = 40


class Particle(NamedTuple):
    """Who was picked; in which panel of a view of several."""

    who: int
    panel: int = 0


class Facts(NamedTuple):
    """What there is to say of a particle now."""

    who: int
    position: tuple[float, ...]
    values: dict[str, tuple[float, str]]  # by the names of the colours: a value and its scale


class Picking(Mixed):
    """Mixed into a view of a swarm."""

    picked = Signal(object)  # Particle, or None when it is let go

    camera: Any
    _points: Any
    _under: Any
    _on_screen: Any
    _moved: Any
    _repaint: Any
    _size: Any
    _panel_of_pointer: int
    _swarm_is_here: bool
    particle: Particle | None = None
    follows = False
    _sought: tuple[float, float, float, float] | None = None  # a click that awaits its points

    def pick(self, at: QPointF) -> None:
        """Take the particle under the pointer, or let go of one where there is none.

        Where only a picture of the density is shown, the points come with the next frame.
        """
        self._sought = self._under(at)
        if self._swarm_is_here:
            self._find_particle()

    def select(self, particle: Particle | None) -> None:
        """Mark this one; emits nothing."""
        self.particle = particle
        if particle is None:
            self.follows = False
        self._repaint()

    def let_go(self) -> bool:
        """Whether there was one to let go of."""
        held = self.particle is not None
        if held:
            self.select(None)
            self.picked.emit(None)
        return held

    def set_following(self, on: bool) -> None:
        """Keep the particle in the middle of the view."""
        self.follows = on and self.particle is not None
        self._follow()
        self._repaint()

    @property
    def seeks(self) -> bool:
        """Whether the points are needed for a particle, even where their density is shown."""
        return self.particle is not None or self._sought is not None

    def facts(self) -> Facts | None:
        """Of the particle that is held, if it is there now."""
        found, points = self._found(), self._points()
        if found is None or self.particle is None:
            return None
        panel = self.particle.panel
        values = {
            name: (float(of_panel(colour.value, 1, panel)[found]), colour.scale)
            for name, colour in points.colours.items()
        }
        place = of_panel(points.position, 2, panel)[found]
        return Facts(self.particle.who, tuple(float(x) for x in place), values)

    def _found(self) -> int | None:
        points = self._points()
        if self.particle is None or points is None or not self._swarm_is_here:
            return None
        return index_of(points, self.particle.who, self.particle.panel)

    def _find_particle(self) -> None:
        """The one nearest to the click; in space of these the one in front."""
        assert self._sought is not None
        (x, y, width, height), self._sought = self._sought, None
        points, panel = self._points(), self._panel_of_pointer
        if points is None:
            return
        place = np.asarray(of_panel(points.position, 2, panel), float)
        seen = self._on_screen(place, width, height)
        away = np.hypot(*(seen - (x, y)).T)
        reach = max(self.theme.px(REACH), self._radius_on_screen(points))
        near = np.flatnonzero(away < reach)
        if not len(near):
            self.let_go()
            return
        if self.camera.dim == 3:
            depth = place[near] @ self.camera.axes()[2]
            best = near[np.argmax(depth - 1e-3 * away[near] * self.camera.pixel(width, height))]
        else:
            best = near[np.argmin(away[near])]
        who = int(best)
        if points.identity is not None:
            who = int(of_panel(points.identity, 1, panel)[best])
        self.particle = Particle(who, panel)
        self._repaint()
        self.picked.emit(self.particle)

    def _radius_on_screen(self, points: Any) -> float:
        if points.radius is None:
            return 0.0
        return float(np.max(np.asarray(points.radius))) / self.camera.pixel(*self._size())

    def _follow(self) -> None:
        """After a frame: the camera goes where the particle went."""
        if self._sought is not None and self._swarm_is_here:
            self._find_particle()
        found = self._found() if self.follows else None
        if found is None or self.particle is None:
            return
        place = of_panel(self._points().position, 2, self.particle.panel)[found]
        if not np.isfinite(place).all():
            return
        if self.camera.dim == 3:
            self.camera.target = np.asarray(place, float)
        else:
            self.camera.centre = np.asarray(place, float)
        self._moved()

    def _mark_on_screen(self, panel: int) -> np.ndarray | None:
        """The ring around the particle, in the system's coordinates, facing the eye."""
        found = self._found()
        if found is None or self.particle is None or self.particle.panel != panel:
            return None
        points = self._points()
        middle = np.asarray(of_panel(points.position, 2, panel)[found], float)
        pixel = self.camera.pixel(*self._size())
        radius = (max(self.theme.px(RING), self._radius_on_screen(points)) + 2) * pixel
        turn = np.linspace(0, 2 * math.pi, CORNERS + 1)[:, None]
        right, up = np.eye(2) if self.camera.dim == 2 else self.camera.axes()[:2]
        return middle + radius * (np.cos(turn) * right + np.sin(turn) * up)
