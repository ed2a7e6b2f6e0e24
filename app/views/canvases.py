"""Where a swarm is painted by OpenGL: straight into the window, or beside it and copied.

A card paints into the window. Without one, Qt would put the whole window together in OpenGL, which
costs the processor more than the swarm itself (13 ms a frame of a window of 1280 x 800); so it is
painted beside the window, and only its pixels are copied.
"""

from __future__ import annotations

import ctypes
import gc
import os
import weakref
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QOffscreenSurface, QOpenGLContext, QPainter
from PySide6.QtWidgets import QWidget
from vispy import gloo
from vispy.gloo import gl
from vispy.gloo.context import FakeCanvas, forget_canvas, set_current_canvas


if TYPE_CHECKING:
    from app.views.swarm import SwarmView

GL_BGRA, GL_UNSIGNED_BYTE = 0x80E1, 0x1401


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
        """Paint anew as soon as the window is painted: once, however often this is called."""

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
        kinds = [ctypes.c_int] * 4 + [ctypes.c_uint] * 2 + [ctypes.c_void_p]
        address = int(self._gl.getProcAddress(b"glReadPixels"))
        self._read_pixels = ctypes.CFUNCTYPE(None, *kinds)(address)
        self._target: gloo.FrameBuffer | None = None
        self._stale, self._released = True, False
        self._pixels = np.zeros((1, 1, 4), np.uint8)
        self._upside_down = self._pixels
        self._gl.doneCurrent()

    def set_current(self) -> None:
        self._gl.makeCurrent(self._surface)
        set_current_canvas(self._fake)

    def repaint(self) -> None:
        self._stale = True
        self.native.update()

    def image(self) -> QImage:
        """What the view looks like now, in device pixels."""
        ratio = self.native.devicePixelRatioF()
        size = round(self.native.height() * ratio), round(self.native.width() * ratio)
        if size != self._pixels.shape[:2]:
            self._stale = True
        if self._stale and not self._released and min(size) > 0:
            self._stale = False
            self._paint(*size)
        height, width = self._pixels.shape[:2]
        kind = QImage.Format.Format_RGB32
        shown = QImage(self._pixels.data, width, height, 4 * width, kind)
        shown.setDevicePixelRatio(ratio)
        return shown

    def _paint(self, height: int, width: int) -> None:
        self.set_current()
        if self._target is None or (height, width) != self._pixels.shape[:2]:
            self._pixels = np.zeros((height, width, 4), np.uint8)
            self._upside_down = np.zeros_like(self._pixels)
            self._make_target(height, width)
        assert self._target is not None
        with self._target:
            painted(self.view)
            self.context.flush_commands()
            pointer = self._upside_down.ctypes.data
            self._read_pixels(0, 0, width, height, GL_BGRA, GL_UNSIGNED_BYTE, pointer)
        self.context.flush_commands()
        self._gl.doneCurrent()
        np.copyto(self._pixels, self._upside_down[::-1])

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
        self.set_current()
        self._free_target()
        self.context.flush_commands()
        self._gl.doneCurrent()
        forget_canvas(self._fake)


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
