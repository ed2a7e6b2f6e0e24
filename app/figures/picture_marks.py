"""What stands on the picture of a swarm: dividers, words, a scale bar, a ring of colours."""

import math
from typing import Any

import numpy as np

from app.figures import raster, scene
from app.figures.page import Page
from app.figures.panels import FramePanel, points_of
from app.figures.print_look import look_in_print
from app.figures.style import PT
from app.figures.words import number
from app.theme.colour_maps import table
from app.theme.tokens import colour
from app.views.space import caption_of


def draw_dividers(page: Page, axes: Any, count: int, columns: int, rows: int) -> None:
    """Hairlines between the tiles of several panels."""
    across = min(max(1, round(math.sqrt(count * columns / rows))), count)
    down = -(-count // across)
    line = {"color": page.ink, "linewidth": 0.5 * page.style.line, "alpha": 0.35}
    for k in range(1, across):
        axes.axvline(columns * k // across, **line)
    for k in range(1, down):
        axes.axhline(rows - rows * k // down, **line)


def draw_captions(
    page: Page, axes: Any, layers: tuple, count: int, columns: int, rows: int
) -> None:
    """The word of each tile, at its foot."""
    across = min(max(1, round(math.sqrt(count * columns / rows))), count)
    down = -(-count // across)
    for captions in scene.named(layers, "Captions"):
        for k in range(count):
            row, column = divmod(k, across)
            axes.text(
                (column + 0.5) * columns / across,
                rows - (row + 0.97) * rows / down,
                caption_of(captions, k),
                fontsize=0.87 * page.style.font,
                ha="center",
                va="bottom",
            )


def draw_words(
    page: Page, axes: Any, layers: tuple, matrix: np.ndarray, columns: int, rows: int
) -> None:
    for text in scene.named(layers, "Text"):
        pixels, _ = raster.projected(np.asarray(text.position), matrix, columns, rows)
        for (x, y), word in zip(pixels, text.words, strict=False):
            if 0 < x < columns and 0 < y < rows:
                axes.text(x, y, word, fontsize=0.87 * page.style.font, ha="center")


def draw_scale_bar(
    page: Page, axes: Any, layers: tuple, pixel: float, width: float, height: float
) -> None:
    """A scale bar of a periodic box, whose size is a length; on a patch at the lower left."""
    boxes = scene.named(layers, "Box")
    if not boxes or not boxes[0].periodic:
        return
    columns = axes.get_xlim()[1]
    mm = columns / width
    length = _round_length(0.26 * columns * pixel)
    reach = length / pixel
    font = 0.87 * page.style.font
    words = number(length)
    room = reach + 3.4 * mm + 0.62 * font * PT * mm * len(words)
    tall = 1.75 * font * PT * mm
    _patch(page, axes, 0, 0, room + 0.6 * mm, tall + 0.5 * mm)
    axes.plot(
        [1.2 * mm, 1.2 * mm + reach],
        [0.55 * tall] * 2,
        color=page.ink,
        lw=2 * page.style.line,
        solid_capstyle="butt",
        zorder=4,
    )
    axes.text(2.2 * mm + reach, 0.55 * tall, words, fontsize=font, va="center_baseline", zorder=4)


def draw_ring(page: Page, axes: Any, panel: FramePanel, width: float, height: float) -> None:
    """The ring of a cyclic colour scale, upper right."""
    points = points_of(panel)
    chosen = points is not None and scene.shown_colour(points, panel.colouring)
    if not chosen or chosen[1].scale != "phase":
        return
    from matplotlib.patches import Circle, Wedge

    columns = axes.get_xlim()[1]
    rows = axes.get_ylim()[1]
    mm = columns / width
    radius = min(0.44 * page.style.font, 0.09 * width) * mm
    middle = columns - radius * 1.32, rows - radius * 1.32
    axes.add_patch(
        Circle(
            middle,
            1.18 * radius,
            fc=colour("stage", page.style.theme),
            ec="none",
            alpha=0.94,
            zorder=3,
        )
    )
    colours = table("phase", chosen[0], look_in_print(page.style).points)
    for k in range(96):
        axes.add_patch(
            Wedge(
                middle,
                radius,
                k * 3.75,
                (k + 1.3) * 3.75,
                width=0.36 * radius,
                fc=colours[int(k / 96 * 255)],
                ec="none",
                zorder=4,
            )
        )
    axes.text(
        *middle,
        r"$\theta$" if chosen[0] in ("phase", "heading", "angle") else "",
        fontsize=0.93 * page.style.font,
        ha="center",
        va="center_baseline",
        zorder=5,
    )


def _patch(page: Page, axes: Any, x: float, y: float, width: float, height: float) -> None:
    from matplotlib.patches import Rectangle

    tone = colour("stage", page.style.theme)
    axes.add_patch(Rectangle((x, y), width, height, fc=tone, ec="none", alpha=0.94, zorder=3))


def _round_length(length: float) -> float:
    """The nearest length below that reads 1, 2 or 5."""
    power = 10 ** math.floor(math.log10(length))
    return max(step * power for step in (1, 2, 5) if step * power <= length * 1.0001)
