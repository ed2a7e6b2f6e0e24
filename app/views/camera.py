"""Cameras as plain numbers: from the system's coordinates to clip space, and back for the hand.

A matrix takes columns: clip = M @ (x, y, z, 1). Pixels are counted from the upper left corner, as
the window does, and may be of any size as long as width and height are counted in the same.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike


FILL = 0.92  # of the view's height or width that a fitted box takes
VIEW_ANGLE = np.radians(32.0)  # of the shorter side, in 3D


class Camera2D:
    """Pan and zoom over a plane."""

    dim = 2

    def __init__(self, low: ArrayLike = (0, 0), high: ArrayLike = (1, 1)) -> None:
        self.fit(low, high)

    def fit(self, low: ArrayLike, high: ArrayLike) -> Self:
        """Show this box, whole, from now on and whenever the camera is reset."""
        first, last = np.asarray(low, float)[:2], np.asarray(high, float)[:2]
        self.home = (first + last) / 2
        self.half = np.maximum((last - first) / 2, 1e-9)
        self.centre, self.zoom = self.home.copy(), 1.0
        return self

    def reset(self) -> None:
        self.centre, self.zoom = self.home.copy(), 1.0

    @property
    def at_home(self) -> bool:
        return self.zoom == 1.0 and np.array_equal(self.centre, self.home)

    def pixel(self, width: float, height: float) -> float:
        """The size of a pixel in the system's units."""
        return float(max(2 * self.half[0] / width, 2 * self.half[1] / height) / (FILL * self.zoom))

    def matrix(self, width: float, height: float) -> np.ndarray:
        scale = 2 / (self.pixel(width, height) * np.array([width, height]))
        matrix = np.diag([scale[0], scale[1], 1e-6, 1.0])
        matrix[:2, 3] = -scale * self.centre
        return matrix.astype(np.float32)

    def unproject(self, x: float, y: float, width: float, height: float) -> np.ndarray:
        """The point of the plane under a pixel."""
        away = np.array([x - width / 2, height / 2 - y])
        return self.centre + away * self.pixel(width, height)

    def pan(self, dx: float, dy: float, width: float, height: float) -> None:
        """Move what is seen by so many pixels."""
        self.centre = self.centre - np.array([dx, -dy]) * self.pixel(width, height)

    orbit = pan

    def zoom_at(self, factor: float, x: float, y: float, width: float, height: float) -> None:
        """Zoom in (factor above 1) and keep in place what is under the pixel."""
        before = self.unproject(x, y, width, height)
        self.zoom = float(np.clip(self.zoom * factor, 0.05, 1e4))
        self.centre = self.centre + before - self.unproject(x, y, width, height)

    def state(self) -> dict[str, Any]:
        return {"centre": self.centre.copy(), "zoom": np.log(self.zoom)}

    def home_state(self) -> dict[str, Any]:
        return {"centre": self.home.copy(), "zoom": 0.0}

    def set_state(self, state: dict[str, Any]) -> None:
        self.centre, self.zoom = np.array(state["centre"], float), float(np.exp(state["zoom"]))


class Camera3D:
    """A turntable around a target, with perspective; the third axis points up."""

    dim = 3

    def __init__(
        self,
        low: ArrayLike = (-1, -1, -1),
        high: ArrayLike = (1, 1, 1),
        azimuth: float = 30.0,
        elevation: float = 20.0,
    ) -> None:
        self.home_turn = np.radians([azimuth, elevation])
        self.turn = self.home_turn.copy()
        self.fit(low, high)

    def fit(self, low: ArrayLike, high: ArrayLike) -> Self:
        """Show this box, whole, from now on and whenever the camera is reset."""
        first, last = np.asarray(low, float), np.asarray(high, float)
        self.home = (first + last) / 2
        self.radius = max(float(np.linalg.norm(last - first)) / 2, 1e-9)
        self.target, self.zoom = self.home.copy(), 1.0
        return self

    def reset(self) -> None:
        self.target, self.zoom, self.turn = self.home.copy(), 1.0, self.home_turn.copy()

    @property
    def at_home(self) -> bool:
        return (
            self.zoom == 1.0
            and np.array_equal(self.target, self.home)
            and np.array_equal(self.turn, self.home_turn)
        )

    @property
    def distance(self) -> float:
        """From the eye to the target: the sphere around the box just fits the shorter side."""
        return self.radius / (np.sin(VIEW_ANGLE / 2) * self.zoom)

    def axes(self) -> np.ndarray:
        """Rows: right, up and towards the eye, as directions of the system."""
        (cos_a, cos_e), (sin_a, sin_e) = np.cos(self.turn), np.sin(self.turn)
        right = np.array([-sin_a, cos_a, 0.0])
        back = np.array([cos_a * cos_e, sin_a * cos_e, sin_e])
        return np.stack([right, np.cross(back, right), back])

    def pixel(self, width: float, height: float) -> float:
        """The size of a pixel at the depth of the target, in the system's units."""
        return float(2 * self.distance * np.tan(VIEW_ANGLE / 2) / min(width, height))

    def matrix(self, width: float, height: float) -> np.ndarray:
        axes, far = self.axes(), self.distance
        view = np.eye(4)
        view[:3, :3] = axes
        view[:3, 3] = -axes @ self.target
        view[2, 3] -= far
        near = max(far - 2.5 * self.radius, 0.02 * far)
        beyond = far + 4 * self.radius
        focus = min(width, height) / np.tan(VIEW_ANGLE / 2)
        lens = np.zeros((4, 4))
        lens[0, 0], lens[1, 1] = focus / width, focus / height
        lens[2, 2] = (beyond + near) / (near - beyond)
        lens[2, 3] = 2 * beyond * near / (near - beyond)
        lens[3, 2] = -1
        return (lens @ view).astype(np.float32)

    def unproject(self, x: float, y: float, width: float, height: float) -> np.ndarray:
        """The point under a pixel in the plane through the target that faces the eye."""
        right, up, _ = self.axes()
        step = self.pixel(width, height)
        return self.target + step * ((x - width / 2) * right + (height / 2 - y) * up)

    def pan(self, dx: float, dy: float, width: float, height: float) -> None:
        right, up, _ = self.axes()
        self.target = self.target - self.pixel(width, height) * (dx * right - dy * up)

    def orbit(self, dx: float, dy: float, width: float, height: float) -> None:
        """Turn by a drag of so many pixels: half a turn across the view."""
        step = np.pi / min(width, height)
        azimuth, elevation = self.turn + step * np.array([-dx, dy])
        self.turn = np.array([azimuth, np.clip(elevation, -np.pi / 2, np.pi / 2)])

    def zoom_at(self, factor: float, x: float, y: float, width: float, height: float) -> None:
        before = self.unproject(x, y, width, height)
        self.zoom = float(np.clip(self.zoom * factor, 0.1, 200.0))
        self.target = self.target + before - self.unproject(x, y, width, height)

    def state(self) -> dict[str, Any]:
        return {"target": self.target.copy(), "zoom": np.log(self.zoom), "turn": self.turn.copy()}

    def home_state(self) -> dict[str, Any]:
        # The short way round.
        azimuth = self.turn[0] + (self.home_turn[0] - self.turn[0] + np.pi) % (2 * np.pi) - np.pi
        turn = np.array([azimuth, self.home_turn[1]])
        return {"target": self.home.copy(), "zoom": 0.0, "turn": turn}

    def set_state(self, state: dict[str, Any]) -> None:
        self.target, self.turn = np.array(state["target"], float), np.array(state["turn"], float)
        self.zoom = float(np.exp(state["zoom"]))


Camera = Camera2D | Camera3D


def between(start: dict[str, Any], end: dict[str, Any], share: float) -> dict[str, Any]:
    """A state of a camera on its way, slow at the end."""
    eased = 1 - (1 - share) ** 3
    return {name: start[name] + eased * (end[name] - start[name]) for name in start}


def described(camera: Camera) -> dict[str, Any]:
    """A camera as plain words and numbers, for files."""
    if isinstance(camera, Camera2D):
        names, own = ("home", "half", "centre"), {}
    else:
        names, own = ("home", "home_turn", "target", "turn"), {"radius": camera.radius}
    places = {name: getattr(camera, name).tolist() for name in names}
    return {"dim": camera.dim, "zoom": camera.zoom} | own | places


def camera_of(said: dict[str, Any]) -> Camera:
    """The camera that was described; ValueError where that is none, for files say anything."""
    camera: Camera = Camera3D() if said.get("dim") == 3 else Camera2D()
    lengths = {"home": camera.dim, "half": 2, "centre": 2, "target": 3, "turn": 2, "home_turn": 2}
    try:
        for name in described(camera):
            if name == "dim":
                continue
            value = np.asarray(said[name], float)
            wanted = (lengths[name],) if name in lengths else ()
            if value.shape != wanted or not np.isfinite(value).all():
                raise ValueError
            setattr(camera, name, value if wanted else float(value))
        scale = camera.half if isinstance(camera, Camera2D) else camera.radius
        if not (1e-6 <= camera.zoom <= 1e6 and np.all(np.asarray(scale) > 0)):
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("The camera in this file is none: leave it out.") from error
    return camera
