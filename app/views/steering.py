"""The hand on a swarm: it moves the camera, or pokes the run when a tool is chosen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.views.camera import Camera2D, between
from app.views.tools import cursor_of
from app.views.view import Hand


if TYPE_CHECKING:
    from app.views.view import View as Mixed
else:
    Mixed = object


FRAME = 16  # ms between two touches of a hand that is held down
STEP = 1.18  # of the zoom, for a notch of the wheel
RING = 48  # corners of the ring around the pointer
SHARE = 0.06  # of the view: the ring's radius at first
STILL = 4  # pixels within which a hand that lets go has clicked


class Steering(Mixed):
    """Mixed into a `View` that has panels (`_parts`) and can `_repaint`."""

    camera_changed: Signal
    _parts: Any  # the panels, at a ratio of pixels
    _repaint: Any
    _place_camera: Any
    _take_slice: Any  # of a slice that the hand may drag
    _drag_slice: Any
    _leave_slice: Any
    _note_pointer: Any
    holds_slice: bool
    pick: Any  # the particle under a click
    follows: bool  # whether the camera goes with one
    set_following: Any
    radius_changed: Signal

    def _steer(self, target: QWidget) -> None:
        self.camera: Any = Camera2D()  # or a Camera3D, as the frame asks
        self._world: Any = None  # what the camera was last fitted to
        self._target = target
        self._tool: str | None = None
        self._reach: float | None = None  # radius of the ring, in the system's units
        self._pointer: QPointF | None = None
        self._held: Qt.MouseButton | None = None
        self._pressed: QPointF | None = None  # where a button went down that may click
        self._poking, self._sign = False, 1.0
        self._last: np.ndarray | None = None
        self._panel_of_pointer = 0
        target.setMouseTracking(True)
        target.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        target.installEventFilter(self)
        self._pulse = QTimer(self)
        self._pulse.setInterval(FRAME)
        self._pulse.timeout.connect(self._touch)
        self._flight = QTimer(self)
        self._flight.setInterval(FRAME)
        self._flight.timeout.connect(self._fly)

    def _stop_steering(self) -> None:
        self._pulse.stop()
        self._flight.stop()
        self._target.removeEventFilter(self)

    def set_tool(self, name: str | None) -> None:
        """Give the left button to a poke, or back to the camera."""
        if self._poking:
            self._let_go()
        self._tool = name
        cursor = cursor_of(self.theme, name) if name else Qt.CursorShape.ArrowCursor
        self._target.setCursor(cursor)
        if name:
            self.radius_changed.emit(self.poke_radius)
        self._repaint()

    @property
    def tool(self) -> str | None:
        return self._tool

    def reset_camera(self) -> None:
        """Glide back to where all is seen."""
        self._world = None
        at_home = self.camera.at_home
        state, dim = self.camera.state(), self.camera.dim
        self._place_camera()
        if dim == self.camera.dim and not at_home:
            self.camera.set_state(state)
        self._start, self._end = self.camera.state(), self.camera.home_state()
        self._since = time.perf_counter()
        self._flight.start()
        self._fly()

    def set_camera(self, camera: Any) -> None:
        """Look from there at once; a camera of the other dimension is left alone."""
        if camera.dim == self.camera.dim:
            self._flight.stop()
            self.camera = camera
            self._moved()

    def _fly(self) -> None:
        length = self.theme.motion["camera"] / 1000
        share = (time.perf_counter() - self._since) / length if length > 0 else 1.0
        if share >= 1:
            self._flight.stop()
            self.camera.reset()
        else:
            self.camera.set_state(between(self._start, self._end, share))
        self._moved()

    def _moved(self) -> None:
        self.camera_changed.emit()
        self._repaint()

    # Where the pointer is

    def _under(self, at: QPointF) -> tuple[float, float, float, float]:
        """The pointer in its panel: x, y, width, height."""
        height = self._target.height()
        for k, part in enumerate(self._parts(1.0)):
            x, y = at.x() - part.left, at.y() - (height - part.bottom - part.height)
            if 0 <= x < part.width and 0 <= y < part.height:
                self._panel_of_pointer = k
                return x, y, part.width, part.height
        part = self._parts(1.0)[0]
        return at.x(), at.y(), part.width, part.height

    def _size(self) -> tuple[float, float]:
        part = self._parts(1.0)[0]
        return part.width, part.height

    @property
    def poke_radius(self) -> float:
        """Of the ring around the pointer, in the system's units."""
        if self._reach is None:
            width, height = self._size()
            reach = SHARE * min(width, height) * self.camera.pixel(width, height)
            self._reach = float(reach)
        return self._reach

    def _ring_on_screen(self) -> np.ndarray | None:
        """Corners of the ring, in the system's coordinates, facing the eye."""
        if self._tool is None or self._pointer is None:
            return None
        middle = self.camera.unproject(*self._under(self._pointer))
        turn = np.linspace(0, 2 * np.pi, RING + 1)[:, None]
        right, up = np.eye(2) if self.camera.dim == 2 else self.camera.axes()[:2]
        return middle + self.poke_radius * (np.cos(turn) * right + np.sin(turn) * up)

    # Events

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.MouseButtonPress:
                return self._press(event)
            case QEvent.Type.MouseMove:
                return self._move(event)
            case QEvent.Type.MouseButtonRelease:
                return self._release_button(event)
            case QEvent.Type.MouseButtonDblClick:
                if self._tool is None:
                    self.reset_camera()
                    return True
                return self._press(event)
            case QEvent.Type.Wheel:
                return self._wheel(event)
            case QEvent.Type.KeyPress | QEvent.Type.KeyRelease:
                event.ignore()  # keys are the window's
                return True
            case QEvent.Type.Leave:
                self._pointer = None
                if self._tool:
                    self._repaint()
        return False

    def _press(self, event: Any) -> bool:
        self._flight.stop()
        self._pointer, self._held = event.position(), event.button()
        left = event.button() == Qt.MouseButton.LeftButton
        if left and self._tool is None and self._take_slice(event.position()):
            self._repaint()
            return True
        pokes = self._tool is not None and event.button() in (
            Qt.MouseButton.LeftButton,
            Qt.MouseButton.RightButton,
        )
        if pokes:
            shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            right = event.button() == Qt.MouseButton.RightButton
            self._sign = -1.0 if shifted or right else 1.0
            self._poking, self._last = True, None
            self._touch()
            self._pulse.start()
        self._pressed = event.position() if left and not pokes else None
        return True

    def _move(self, event: Any) -> bool:
        before, self._pointer = self._pointer, event.position()
        if self._held is None or before is None:
            if self._tool or self._note_pointer(self._pointer):
                self._repaint()
            return True
        if self.holds_slice:
            self._drag_slice(self._pointer)
            return True
        if self._poking:
            self._repaint()
            return True
        dx, dy = self._pointer.x() - before.x(), self._pointer.y() - before.y()
        if self.follows and (self.camera.dim == 2 or self._held != Qt.MouseButton.LeftButton):
            self.set_following(False)
        if self._held == Qt.MouseButton.LeftButton:
            self.camera.orbit(dx, dy, *self._size())
        else:
            self.camera.pan(dx, dy, *self._size())
        self._moved()
        return True

    def _release_button(self, event: Any) -> bool:
        if event.button() == self._held:
            if self._poking:
                self._pointer = event.position()
                self._let_go()
            pressed, self._pressed = self._pressed, None
            clicked = pressed is not None and not self.holds_slice
            self._leave_slice()
            self._held = None
            if clicked and pressed and _apart(event.position(), pressed) < STILL:
                self.pick(event.position())
        return True

    def _let_go(self) -> None:
        self._pulse.stop()
        self._poking = False
        self._touch(down=False)

    def _wheel(self, event: Any) -> bool:
        notches = event.angleDelta().y() / 120
        if not notches:
            return True
        if self._tool and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._reach = self.poke_radius * STEP**notches
            self.radius_changed.emit(self._reach)
            self._repaint()
            return True
        self._flight.stop()
        self.camera.zoom_at(STEP**notches, *self._under(event.position()))
        self._moved()
        return True

    def _touch(self, down: bool = True) -> None:
        if self._pointer is None:
            return
        place = self.camera.unproject(*self._under(self._pointer))
        drag = np.zeros_like(place) if self._last is None else place - self._last
        self._last = place
        hand = Hand(tuple(place), tuple(drag), self.poke_radius, self._sign, down)
        self.touched.emit(hand)


def _apart(one: QPointF, other: QPointF) -> float:
    return float(np.hypot(one.x() - other.x(), one.y() - other.y()))
