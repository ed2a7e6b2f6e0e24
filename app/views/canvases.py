"""Where a swarm is painted by OpenGL: straight into the window, or beside it and copied.

A card paints into the window. Without one, Qt would put the whole window together in OpenGL, which
costs the processor more than the swarm itself (13 ms a frame of a window of 1280 x 800); so it is
painted beside the window, and only its pixels are copied. The window does not wait for them: the
processor fills them on other threads, and they are copied once they are there.
"""

from __future__ import annotations

import ctypes
import gc
import os
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtGui import QImage, QOffscreenSurface, QOpenGLContext, QPainter, QRegion
from PySide6.QtWidgets import QWidget
from vispy import gloo
from vispy.gloo import gl
from vispy.gloo.context import FakeCanvas, forget_canvas, set_current_canvas

from app.views.turns import turns


if TYPE_CHECKING:
    from app.views.swarm import SwarmView

GL_BGRA, GL_UNSIGNED_BYTE = 0x80E1, 0x1401
GL_SYNC_GPU_COMMANDS_COMPLETE, GL_TIMEOUT_EXPIRED = 0x9117, 0x911B
FIRST = 0.0005  # s that a picture leaves to others: plots leave more, and it goes before them
POLL = 3  # ms between two looks whether a picture is done


def keep_the_interpreter() -> None:
    """Let vispy's calls of OpenGL not give the interpreter away.

    A picture takes some hundred calls of a microsecond each. Python hands its lock to the runner's
    thread in every one of them, and waits up to milliseconds to have it back: 30 ms a picture.
    What takes long (reading the pixels) is called here, and does give it away.
    """
    library = gl.gl2._lib
    if os.name != "nt" and library is not None:
        gl.gl2._lib = ctypes.PyDLL(library._name)


keep_the_interpreter()


class Canvas(Protocol):
    """What a view needs of it."""

    native: Any  # the widget
    context: Any  # vispy's, which is told to `flush_commands`

    def set_current(self) -> None: ...

    def repaint(self) -> None:
        """Paint anew, soon: once, however often this is called."""

    @property
    def busy(self) -> bool:
        """Whether a picture is on its way: the view says `drawn` when it is there."""
        return False

    def finish(self) -> None:
        """Have painted what was asked for."""

    def release(self) -> None:
        """Paint no more."""


def canvas_for(view: SwarmView, *, software: bool) -> Canvas:
    return BesideCanvas(view) if software else window_canvas(view)


def painted(view: weakref.ref[SwarmView]) -> None:
    """Let the view paint into the current context."""
    alive = view()
    if alive is None:
        return
    # Collecting a forgotten window here would take the current OpenGL context away.
    collects = gc.isenabled()
    gc.disable()
    try:
        alive.paint()
    finally:
        if collects:
            gc.enable()


def window_canvas(view: SwarmView) -> Canvas:
    """vispy's own canvas, a QOpenGLWidget."""
    import vispy

    vispy.use("pyside6")
    from vispy import app

    class WindowCanvas(app.Canvas):
        def __init__(self) -> None:
            super().__init__(keys=None, vsync=False, config={"depth_size": 24})
            self.view = weakref.ref(view)  # no cycle: a view ends when it is let go

        def on_draw(self, _event: Any) -> None:
            painted(self.view)

        def repaint(self) -> None:
            self.native.update()

        @property
        def busy(self) -> bool:
            return False

        def finish(self) -> None:
            """It paints whenever it is looked at."""

        def release(self) -> None:
            self.events.draw.disconnect()
            # Not close(): it runs the event loop, in the middle of whatever deletes the view.
            forget_canvas(self)

    return WindowCanvas()


class BesideCanvas:
    """A context and a framebuffer of its own, and a widget that shows what was painted there."""

    def __init__(self, view: SwarmView) -> None:
        self.view = weakref.ref(view)
        self.native = _Paper(self)
        self._surface = QOffscreenSurface()
        self._surface.create()
        self._gl = QOpenGLContext()
        if not self._gl.create():
            raise RuntimeError("No OpenGL context could be made.")
        self._gl.makeCurrent(self._surface)
        self._fake = FakeCanvas()
        self.context = self._fake.context
        self._read_pixels = self._found(
            "glReadPixels", None, *[ctypes.c_int] * 4, *[ctypes.c_uint] * 2, ctypes.c_void_p
        )
        self._flush = self._found("glFlush", None)
        handle, number = ctypes.c_void_p, ctypes.c_uint
        self._fence_sync = self._found("glFenceSync", handle, number, number)
        self._wait_sync = self._found(
            "glClientWaitSync", number, handle, number, ctypes.c_uint64, waits=False
        )
        self._delete_sync = self._found("glDeleteSync", None, handle)
        self._target: gloo.FrameBuffer | None = None
        self._stale, self._released = True, False
        self._filling = False  # whether a picture is being filled
        self._fence: int | None = None  # behind it; where OpenGL knows none, it is waited for
        self._pixels = np.zeros((1, 1, 4), np.uint8)
        self._upside_down = self._pixels
        self._timer = QTimer(self.native, singleShot=True)
        self._timer.timeout.connect(self._go_on)
        self._gl.doneCurrent()

    def _found(self, name: str, result: Any, *kinds: Any, waits: bool = True) -> Any:
        """A function of OpenGL; other threads run on meanwhile if it `waits`."""
        address = int(self._gl.getProcAddress(name.encode()) or 0)
        kind = ctypes.CFUNCTYPE if waits else ctypes.PYFUNCTYPE
        return kind(result, *kinds)(address) if address else lambda *_: None

    def set_current(self) -> None:
        self._gl.makeCurrent(self._surface)
        set_current_canvas(self._fake)

    def repaint(self) -> None:
        self._stale = True
        if not self._timer.isActive():
            self._timer.start(0)

    @property
    def busy(self) -> bool:
        return self._timer.isActive()

    def finish(self) -> None:
        size = self._wanted_size()
        if (self._stale or self._filling or size != self._pixels.shape[:2]) and min(size) > 0:
            self._begin(*size)
            self._end()

    def image(self) -> QImage:
        """The newest picture that is done, in device pixels; of the size that is wanted."""
        new_size = self._wanted_size() != self._pixels.shape[:2]
        if not self._released and (new_size or (self._stale and not self.busy)):
            self.finish()
        height, width = self._pixels.shape[:2]
        kind = QImage.Format.Format_RGB32
        shown = QImage(self._pixels.data, width, height, 4 * width, kind)
        shown.setDevicePixelRatio(self.native.devicePixelRatioF())
        return shown

    def _wanted_size(self) -> tuple[int, int]:
        ratio = self.native.devicePixelRatioF()
        return round(self.native.height() * ratio), round(self.native.width() * ratio)

    def _go_on(self) -> None:
        """Begin the next picture, or see whether the last one is done."""
        if self._released:
            return
        if not self.native.isVisible():  # it is painted when it is looked at
            self._stale = True
            self._drop()
        elif self._wanted_size() != self._pixels.shape[:2]:
            self.native.update()  # which paints it at once: nothing of that size can be shown yet
        elif not self._filling:
            if self._stale and turns.free(FIRST):
                self._begin(*self._wanted_size())
                turns.end()
                self._timer.start(POLL)
            elif self._stale:
                self._timer.start(1)
        elif self._is_filled():
            self._end()
            if self._stale:
                self._timer.start(0)
            view = self.view()
            if view is not None:
                view.show_picture()
        else:
            self._timer.start(POLL)
        view = self.view()
        if not self.busy and view is not None:
            view.drawn.emit()

    def _begin(self, height: int, width: int) -> None:
        """Let a picture be filled."""
        self.set_current()
        self._forget_fence()
        if self._target is None or (height, width) != self._pixels.shape[:2]:
            self._pixels = np.zeros((height, width, 4), np.uint8)
            self._upside_down = np.zeros_like(self._pixels)
            self._make_target(height, width)
        assert self._target is not None
        self._stale, self._filling = False, True
        with self._target:
            painted(self.view)
        self.context.flush_commands()
        self._fence = self._fence_sync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0)
        self._flush()
        self._gl.doneCurrent()

    def _is_filled(self) -> bool:
        if self._fence is None:
            return True
        self.set_current()
        waited = self._wait_sync(self._fence, 0, 0)
        self._gl.doneCurrent()
        return waited != GL_TIMEOUT_EXPIRED

    def _end(self) -> None:
        """Copy the picture, as soon as it is filled."""
        height, width = self._pixels.shape[:2]
        self._filling = False
        self.set_current()
        self._forget_fence()
        assert self._target is not None
        with self._target:
            self.context.flush_commands()
            pointer = self._upside_down.ctypes.data
            self._read_pixels(0, 0, width, height, GL_BGRA, GL_UNSIGNED_BYTE, pointer)
        self.context.flush_commands()
        self._gl.doneCurrent()
        np.copyto(self._pixels, self._upside_down[::-1])

    def _drop(self) -> None:
        """The picture that is being filled is of no use."""
        self._filling = False
        self.set_current()
        self._forget_fence()
        self._gl.doneCurrent()

    def _forget_fence(self) -> None:
        if self._fence is not None:
            self._delete_sync(self._fence)
            self._fence = None

    def _make_target(self, height: int, width: int) -> None:
        self._free_target()
        colour = gloo.Texture2D((height, width, 4), interpolation="nearest")
        depth = gloo.RenderBuffer((height, width), "depth")
        self._target = gloo.FrameBuffer(colour, depth)

    def _free_target(self) -> None:
        if self._target is not None:
            for part in (self._target.color_buffer, self._target.depth_buffer, self._target):
                part.delete()
            self._target = None

    def release(self) -> None:
        self._released = True
        self._timer.stop()
        self.set_current()
        self._forget_fence()
        self._free_target()
        self.context.flush_commands()
        self._gl.doneCurrent()
        forget_canvas(self._fake)


def uncovered(paper: QWidget, floating: Iterable[QWidget]) -> QRegion:
    """Where a picture can be seen beneath what floats over it.

    Qt paints anew all that lies over what is painted: with a picture those would be all the chips,
    which have not changed. Of a chip only the round corners let the picture through.
    """
    seen = QRegion(paper.rect())
    for part in floating:
        stage, corner = part.parentWidget(), getattr(part, "corner", 0)
        if not corner or stage is None or not part.isVisible():
            continue
        place, inner = QRect(paper.mapFrom(stage, part.pos()), part.size()), round(corner / 3)
        for x, y in ((corner, 0), (inner, inner), (0, corner)):  # beneath the arc of a corner
            seen -= QRegion(place.adjusted(x, y, -x, -y))
    return seen


class _Paper(QWidget):
    def __init__(self, canvas: BesideCanvas) -> None:
        super().__init__()
        self._canvas = weakref.ref(canvas)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, _event: Any) -> None:
        canvas = self._canvas()
        if canvas is not None:
            painter = QPainter(self)
            painter.drawImage(0, 0, canvas.image())
            painter.end()
