"""Renders the gallery's pictures, `resources/thumbnails/`, without a window.

Each system runs for a while and draws its large view on a dark ground, at twice the size of a
card. A new system gets its picture by `make pages`; systems named on the command line, or `all`,
are drawn anew. Equal runs give equal bytes.
"""

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.figures import paint, raster, scene
from app.figures.film_page import stage_look
from app.theme.tokens import colour, rgb
from engine import Simulation, gallery
from engine.core.compilation import keep_compilations


WIDTH, HEIGHT = 472, 296
MOST = 60_000  # bytes of a picture
PICTURES = Path(__file__).parent.parent / "resources" / "thumbnails"
STEPS = 600
# Values, steps and a view (else the large one) that show best what one sees.
POSES: dict[str, tuple[dict[str, Any], int, str]] = {
    "vicsek": ({"noise": 0.3, "n": 8192}, 60, ""),
    "kuramoto": ({"coupling": 1.6, "noise": 0.05, "n": 3000}, 1500, ""),
    "active-matter": ({"persistence": 80.0, "n": 1600}, 9000, ""),
    "exact-score-cloud": ({"n": 5000}, 500, ""),
    "mean-field-chaos": ({"clouds": 2, "n": 2048, "m": 1000}, 150, ""),
    "ising-2d": ({}, 400, ""),
    "hopfield-ags": ({"corruption": 0.2}, 0, ""),
    "spatial-epidemic": ({}, 150, ""),
    "marginalization-model": ({"beta": 0.45, "length": 8}, 150, "lattice"),
    "spin-glass": ({}, 200, "ladder"),
    "thermalization-front": ({}, 5500, "front"),
    "kde-regimes": ({"data": "torus", "d": 3}, 1, "samples"),
    "vae-active": ({"data": "torus", "code": "deep"}, 200, ""),
    "kinetic-paths": ({}, 75, ""),
    "ode-sde-gap": ({}, 380, ""),
    "gauge-freedom": ({}, 250, ""),
    "bkt-bcs-bec": ({}, 1, "flow"),
    "ion-channel": ({"voltage": 2.0}, 200, ""),
    "value-martingale": ({"n": 256}, 200, ""),
    "importance-cloud": ({}, 40, ""),
    "graphex-game": ({"begins": 0.3}, 20, ""),
    "epochal-relaxation": ({}, 100, ""),
    "mean-field-game": ({}, 200, ""),
    "hamiltonian-zoo": ({"kind": "pendulum", "energy": 0.9}, 780, ""),
}


def large_view(simulation: Simulation[Any]) -> str:
    """The view that fills the stage: the first, or the one that says so."""
    hints = simulation.system.hints
    views = list(simulation.views())
    return next((v for v in views if v not in hints or hints[v].large), views[0])


def picture(name: str) -> np.ndarray:
    values, steps, view = POSES.get(name, ({}, STEPS, ""))
    simulation = Simulation(gallery()[name](**values), seed=1).run(steps)
    view = view or large_view(simulation)
    layers = simulation.look(views=(view,)).frame[view]
    ground = raster.stage(
        WIDTH,
        HEIGHT,
        rgb(colour("stage_glow", "dark")),
        rgb(colour("stage", "dark")),
    )
    panels = scene.panels_of(layers)
    if not scene.in_space(layers):
        return plot(panels[0], ground)
    hint = simulation.system.hints.get(view)
    turn = (hint.azimuth, hint.elevation) if hint else (30.0, 20.0)
    cameras = [scene.camera_for(p, azimuth=turn[0], elevation=turn[1]) for p in panels]
    boxes = scene.named(panels[0], "Box")
    if boxes and boxes[0].periodic and scene.dimension(panels[0]) == 2:
        for camera in cameras:
            camera.zoom = WIDTH / HEIGHT / scene.FILL  # a card is no place for margins
    # A card is small: its points are larger than those of a stage would be.
    style = replace(stage_look(WIDTH, HEIGHT, hint.glow if hint else True), largest=2.4)
    return scene.tiled(panels, WIDTH, HEIGHT, ground, style, None, cameras)


def plot(layers: tuple[Any, ...], ground: np.ndarray) -> np.ndarray:
    """A picture, bars, curves and points without axes."""
    images, boxes = scene.named(layers, "Image"), scene.named(layers, "Box")
    bars, curves = scene.named(layers, "Bars"), scene.named(layers, "Curve")
    points = scene.named(layers, "Points")
    axes = scene.named(layers, "Axes")
    log = axes[0].log if axes else ""

    def scaled(values: Any, side: str) -> np.ndarray:
        values = np.asarray(values, float)
        return np.log10(np.where(values > 0, values, np.nan)) if side in log else values

    across = [scaled(b.edges, "x") for b in bars] + [scaled(c.x, "x") for c in curves]
    across += [scaled(p.position[:, 0], "x") for p in points]
    up = [scaled(b.height, "y") for b in bars] + [scaled(c.y, "y") for c in curves]
    up += [scaled(p.position[:, 1], "y") for p in points]
    low, high = (
        np.array([end(np.concatenate(across)), end(np.concatenate(up))])
        for end in (np.nanmin, np.nanmax)
    )
    if images:
        low, high = np.asarray(boxes[0].low, float), np.asarray(boxes[0].high, float)
    if bars and "y" not in log:
        low[1] = min(low[1], 0)
    size, margin = np.array([WIDTH, HEIGHT]), np.array([40, 34])
    theory = rgb(colour("theory", "dark"))
    measured = rgb(colour("measured", "dark"))

    def place(x: Any, y: Any) -> np.ndarray:
        data = np.column_stack([scaled(x, "x"), scaled(y, "y")])
        return margin + (data - low) / np.maximum(high - low, 1e-12) * (size - 2 * margin)

    out = ground.copy()
    for image in images:
        colours = paint.painted(np.asarray(image.values), image.scale, image.span)
        height, width = HEIGHT - 2 * margin[1], WIDTH - 2 * margin[0]
        row = (np.arange(height)[::-1] + 0.5) / height * len(colours)
        column = (np.arange(width) + 0.5) / width * colours.shape[1]
        inside = colours[row.astype(int)[:, None], column.astype(int)]
        out[margin[1] : HEIGHT - margin[1], margin[0] : WIDTH - margin[0]] = inside
    for one in bars:
        edges, tops = np.asarray(one.edges), np.asarray(one.height)
        first, last = place(edges[:-1], np.full_like(tops, max(low[1], 0))), place(edges[1:], tops)
        for (left, bottom), (right, top) in zip(first, last, strict=True):
            if np.isfinite([left, bottom, right, top]).all():
                rows = slice(HEIGHT - round(top), HEIGHT - round(bottom))
                columns = slice(round(left) + 1, max(round(right), round(left) + 2))
                out[rows, columns] += 0.5 * (measured - out[rows, columns])
    for one in points:
        spots = place(one.position[:, 0], one.position[:, 1])
        heap = [(spots, np.broadcast_to(measured, (len(spots), 3)), np.full(len(spots), 0.9))]
        out = raster.light(scene.spotted(heap, raster.grain(2.2), WIDTH, HEIGHT), out)
    for curve in curves:
        path = place(curve.x, curve.y)
        tone = theory if curve.role == "theory" else measured
        tones = np.broadcast_to(tone, (len(path) - 1, 3))
        out = raster.solid(scene.stroked(path[:-1], path[1:], tones, 3.0, WIDTH, HEIGHT), out)
    return out


def packed(drawn: np.ndarray) -> bytes:
    """As PNG, with as many colours as its size allows."""
    whole = Image.fromarray(raster.bytes_of(drawn))
    data = b""
    for colours in (256, 192, 128, 96, 64, 48, 32):
        out = io.BytesIO()
        few = whole.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(out, format="PNG", optimize=True)
        data = out.getvalue()
        if len(data) <= MOST:
            break
    return data


if __name__ == "__main__":
    keep_compilations()
    PICTURES.mkdir(parents=True, exist_ok=True)
    asked = sys.argv[1:] or [n for n in gallery() if not (PICTURES / f"{n}.png").exists()]
    for name in gallery() if asked == ["all"] else asked:
        data = packed(picture(name))
        (PICTURES / f"{name}.png").write_bytes(data)
        print(f"{name}: {len(data) / 1000:.0f} kB", flush=True)
