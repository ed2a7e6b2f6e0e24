"""Curves, bars and points on axes; several panels share the numbers at their outer axes."""

import math
from typing import Any

import numpy as np

from app.figures import raster, scene
from app.figures.axes import scale_axes, worded
from app.figures.curves import thinned
from app.figures.line_names import name_line
from app.figures.page import Cell, Page
from app.figures.paint import painted
from app.figures.panels import FramePanel
from app.figures.print_look import look_in_print
from app.figures.style import PT


def draw(page: Page, panel: FramePanel, cell: Cell) -> None:
    left, top, width, height = cell
    views = scene.panels_of(panel.layers)
    if len(views) == 1:
        axes = page.axes(cell)
        _plot(page, axes, views[0], panel)
        page.settle(axes, cell)
        return
    columns = math.ceil(math.sqrt(len(views)))
    rows = -(-len(views) // columns)
    em = page.style.font * PT
    beside, below = 1.7 * em, 1.7 * em
    wide, tall = (width - beside) / columns, (height - below) / rows
    for k, layers in enumerate(views):
        row, column = divmod(k, columns)
        place = left + beside + column * wide, top + row * tall
        axes = page.axes(Cell(*place, wide - 0.8, tall - 0.8))
        _plot(page, axes, layers, panel, small=True)
        if column:
            axes.set_yticklabels([])
        if k + columns < len(views):
            axes.set_xticklabels([])


def _plot(page: Page, axes: Any, layers: tuple, panel: FramePanel, *, small: bool = False) -> None:
    """Curves, bars and points on axes."""
    meanings = scene.named(layers, "Axes")
    said = meanings[0] if meanings else None
    for image in scene.named(layers, "Image"):
        rows, columns = np.shape(image.values)
        axes.imshow(
            raster.bytes_of(painted(image.values, image.scale, image.span)),
            extent=(0, columns, 0, rows),
            origin="lower",
            interpolation="none",
            aspect="auto",
        )
    for bars in scene.named(layers, "Bars"):
        tone = page.theory if bars.role == "theory" else page.measured
        axes.stairs(
            np.nan_to_num(np.asarray(bars.height)),
            np.asarray(bars.edges),
            fill=True,
            color=tone,
            alpha=0.24,
            lw=0,
        )
        axes.stairs(
            np.nan_to_num(np.asarray(bars.height)),
            np.asarray(bars.edges),
            color=tone,
            lw=0.9 * page.style.line,
        )
    for points in scene.named(layers, "Points"):
        _scatter(page, axes, points, panel)
    # Theory on top: a line may be hidden by points, never the other way round.
    order = {"guide": 0, "measured": 1, "theory": 2}
    curves = sorted(scene.named(layers, "Curve"), key=lambda c: order.get(c.role, 2))
    drawn = [_line(page, axes, curve) for curve in curves]
    if said:
        axes.set_xlabel("" if small else worded(said.x), labelpad=1.5)
        axes.set_ylabel("" if small else worded(said.y), labelpad=1.5)
    scale_axes(axes, said.log if said else "")
    if not said or "y" not in said.log:
        bottom, top = axes.get_ylim()
        if scene.named(layers, "Bars") and bottom > -1e-9:
            axes.set_ylim(0, top)
    if scene.named(layers, "Bars") or curves:
        axes.margins(x=0)
    if not small:
        for line, curve in zip(drawn, curves, strict=True):
            if curve.label and line is not None:
                name_line(page, axes, line, curve.label)


def _scatter(page: Page, axes: Any, points: Any, panel: FramePanel) -> None:
    position = np.asarray(points.position)
    chosen = scene.shown_colour(points, panel.colouring)
    tones: Any = page.measured
    if chosen:
        name, found = chosen
        kind = look_in_print(page.style).points
        tones = painted(found.value, found.scale, found.span, name, kind)
    size = float(np.clip(40 / np.sqrt(max(len(position), 1)), 0.7, 2.4))
    axes.scatter(*position.T[:2], s=size**2, c=tones, linewidths=0, alpha=0.85, rasterized=True)


def _line(page: Page, axes: Any, curve: Any) -> Any:
    x, y = np.asarray(curve.x, float), np.asarray(curve.y, float)
    if not (np.isfinite(x) & np.isfinite(y)).any():
        return None
    lw = page.style.line
    match curve.role:
        case "measured" if len(x) <= 60:
            look_of = {"color": page.measured, "ls": "", "marker": "o", "ms": 2.2, "mew": 0}
        case "measured":
            look_of = {"color": page.measured, "lw": 1.1 * lw}
        case "guide":
            look_of = {"color": page.ink, "lw": 0.9 * lw, "ls": (0, (4, 2)), "alpha": 0.6}
        case _:
            look_of = {"color": page.theory, "lw": 1.83 * lw}
    return axes.plot(*thinned(x, y), **look_of)[0]
