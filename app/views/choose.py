"""Which view shows which layers, and what OpenGL there is to show them with."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext

from app.views.view import Layer, View


if TYPE_CHECKING:
    from app.theme.theme import Theme
    from engine.core.about import Hint

VENDOR, RENDERER, VERSION = 0x1F00, 0x1F01, 0x1F02
LEAST = (2, 1)  # shaders, point sprites, framebuffers
PLOTTED = {"Curve", "Bars", "Axes"}
IN_SPACE = {"Points", "Arrows", "Trails", "Segments", "Image", "Text"}


class GLFacts(NamedTuple):
    """What OpenGL says of itself, or in one sentence why it cannot be used."""

    vendor: str = ""
    renderer: str = ""
    version: str = ""
    error: str = ""

    @property
    def works(self) -> bool:
        return not self.error


@cache
def gl_facts() -> GLFacts:
    """Asks once, with a context of its own; needs a QGuiApplication."""
    platform = QGuiApplication.platformName()
    if platform in ("offscreen", "minimal", "vnc", "linuxfb"):
        return GLFacts(error=f"The Qt platform '{platform}' has no OpenGL; a display has.")
    context = QOpenGLContext()
    surface = QOffscreenSurface()
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        return GLFacts(error="No OpenGL context could be made; install a driver or Mesa.")
    functions = context.functions()
    vendor, renderer, version = (
        functions.glGetString(n) or "" for n in (VENDOR, RENDERER, VERSION)
    )
    context.doneCurrent()
    found = re.search(r"(\d+)\.(\d+)", version)
    numbers: tuple[int, int] = (int(found[1]), int(found[2])) if found else (0, 0)
    error = ""
    if tuple(numbers) < LEAST:
        error = f"OpenGL {version or 'of no version'} is too old; 2.1 or newer is needed."
    return GLFacts(vendor, renderer, version, error)


def gl_works() -> bool:
    """Whether swarms are drawn by OpenGL; MANYSCOPE_PAINTER=1 says no."""
    return os.environ.get("MANYSCOPE_PAINTER", "") in ("", "0") and gl_facts().works


def is_plot(layers: tuple[Layer, ...]) -> bool:
    """Whether layers are a plot with axes, rather than things in space."""
    kinds = {type(layer).__name__ for layer in layers}
    return "Axes" in kinds or (bool(kinds & PLOTTED) and not kinds & IN_SPACE)


def view_for(
    layers: tuple[Layer, ...], theme: Theme, hint: Hint | None = None, parent=None
) -> View:
    """A view that can show these layers; it has still to be shown them."""
    if any(type(layer).__name__ == "Comparison" for layer in layers):
        from app.views.metrics import MetricsView

        return MetricsView(theme, parent)
    if is_plot(layers):
        from app.views.plot import PlotView

        return PlotView(theme, parent)
    if gl_works():
        from app.views.swarm import SwarmView

        return SwarmView(theme, parent, hint=hint)
    from app.views.painter_swarm import PainterSwarmView

    return PainterSwarmView(theme, parent, hint=hint)
