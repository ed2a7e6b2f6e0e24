"""A cloud that turns, beside a bare draw of its points: what the view costs over the picture.

    .venv/bin/python benchmarks/clouds.py [points ...]

A real window on a virtual display (software OpenGL where there is no card). `bare` is a program of
six lines that draws the same points as squares under the same turning matrix into a framebuffer of
the same size, and reads it back where the view does. `points` is the view with every point drawn,
`view` the view as it opens: with software OpenGL a crowd is a picture of its density, which the
engine splats. All turn by the same angle in each frame; the ratio is paired within a round.
"""

import os
import sys
from typing import Any

import numpy as np
from bench import Candidate, interleave, show


FRAMES = 12  # of a round
SIZE = (900, 700)
VERTEX = """
attribute vec3 place;
uniform mat4 project;
uniform float size;
void main() { gl_Position = project * vec4(place, 1.0); gl_PointSize = size; }
"""
FRAGMENT = "void main() { gl_FragColor = vec4(0.3, 0.4, 0.5, 1.0); }"


def main(counts: list[int]) -> int:
    from pyvirtualdisplay import Display

    os.environ["QT_QPA_PLATFORM"] = "xcb"
    kept = True
    with Display(visible=False, size=(1920, 1200), color_depth=24):
        from PySide6.QtWidgets import QApplication

        from app.theme.theme import Theme

        application = QApplication(["manyscope"])
        for count in counts or [100_000]:
            kept &= measured(Theme("dark"), count)
        application.shutdown()
    return 0 if kept else 1


def measured(theme: Any, count: int) -> bool:
    """Whether the view, as it opens, turns at least as fast as the bare draw."""
    from app.views.choose import gl_facts
    from app.views.swarm import SwarmView
    from engine.core.layers import Box, Points

    cloud = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    layers = Box(np.full(3, -2.6), np.full(3, 2.6)), Points(cloud)
    views = {name: SwarmView(theme) for name in ("view", "points")}
    for view in views.values():
        view.resize(*SIZE)
        view.show()
        view.show_layers(layers)
    views["points"].set_density("never")
    live()
    candidates: dict[str, Candidate] = {
        "bare draw": bare(views["points"], cloud),
        "view, every point": turning(views["points"], None),
        "view, as it opens": turning(views["view"], layers),
    }
    timings = interleave(candidates, ref="bare draw", rounds=7)
    show(f"{count} points turning, {SIZE[0]} x {SIZE[1]}, {gl_facts().renderer}", timings, "frames")
    for name, timing in timings.items():
        rate = 1000 * FRAMES / timing.rate / FRAMES
        print(f"  {name:20} {rate:7.2f} ms a frame; frame rate {1 / timing.ratio:5.2f} of the bare")
    for view in views.values():
        view.close()
    return timings["view, as it opens"].ratio <= 1.05  # a twentieth is what turns scatter by


def turning(view: Any, splatted: Any) -> Candidate:
    """Turn the camera and paint, as a drag does; with the engine's splat where that is shown."""

    def work() -> int:
        for _ in range(FRAMES):
            view.camera.orbit(6, 0, *SIZE)
            wish = view.density_wanted if splatted is not None else None
            if wish is not None:
                view.show_density(splat_of(wish, splatted), wish.matrix)
            finish(view)
        return FRAMES

    return work


def splat_of(wish: Any, layers: Any) -> np.ndarray:
    import jax

    from engine.core.density import Splat, density

    global _density
    if _density is None:
        _density = jax.jit(density)
    asked = Splat(
        wish.matrix, wish.table, view="cloud", colouring="", height=wish.height, width=wish.width
    )
    return np.asarray(_density({"cloud": layers}, asked))


_density: Any = None


def bare(view: Any, cloud: np.ndarray) -> Candidate:
    """The same points and camera, as plain squares, in the view's own OpenGL context."""
    from vispy import gloo

    canvas = view._canvas
    canvas.set_current()
    program = gloo.Program(VERTEX, FRAGMENT)
    program["place"] = gloo.VertexBuffer(cloud)
    program["size"] = 3.0
    target = gloo.FrameBuffer(
        gloo.Texture2D((SIZE[1], SIZE[0], 4)), gloo.RenderBuffer((SIZE[1], SIZE[0]), "depth")
    )
    canvas.context.flush_commands()

    def work() -> int:
        for _ in range(FRAMES):
            view.camera.orbit(6, 0, *SIZE)
            canvas.set_current()
            with target:
                gloo.set_viewport(0, 0, *SIZE)
                gloo.set_state(blend=True, blend_func=("one", "one"), depth_test=False)
                gloo.clear(color=(0, 0, 0, 1))
                program["project"] = view.camera.matrix(*SIZE).T
                program.draw("points")
                if view.software:
                    gloo.read_pixels((0, 0, *SIZE))
                else:
                    gloo.gl.glFinish()
            canvas.context.flush_commands()
        return FRAMES

    return work


def finish(view: Any) -> None:
    """Paint now, and wait for the card."""
    from vispy import gloo

    canvas = view._canvas
    canvas.repaint()
    if view.software:
        canvas.finish()
        return
    canvas.native.repaint()
    canvas.set_current()
    gloo.gl.glFinish()


def live() -> None:
    """Let the windows appear and paint once."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(400, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main([int(float(text)) for text in sys.argv[1:]]))
