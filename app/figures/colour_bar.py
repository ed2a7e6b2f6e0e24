"""A slim colour bar beside a panel, its ends as numbers."""

import numpy as np

from app.figures import raster
from app.figures.page import Cell, Page
from app.figures.style import PT, FigureStyle


WIDTH = 1.7  # mm


def room_of(style: FigureStyle, ends: tuple[float, float]) -> float:
    """What a bar needs at the right of a panel, its numbers and its name with it, in mm."""
    longest = max(len(_short(end)) for end in ends)
    return 1.4 + WIDTH + max(0.6 * longest, 1.7) * style.font * PT


def draw_bar(
    page: Page,
    place: tuple[float, float],
    height: float,
    table: np.ndarray,
    ends: tuple[float, float],
    words: str,
) -> None:
    axes = page.axes(Cell(*place, WIDTH, height))
    axes.imshow(
        raster.bytes_of(table[:, None]),
        extent=(0, 1, 0, 1),
        origin="lower",
        aspect="auto",
        interpolation="none",
    )
    axes.set(xticks=[])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_yticks([0, 1], [_short(ends[0]), _short(ends[1])])
    for label, side in zip(axes.get_yticklabels(), ("bottom", "top"), strict=True):
        label.set_va(side)
    axes.tick_params(length=0)
    axes.set_ylabel(words, labelpad=0)
    axes.yaxis.set_label_coords(1 + 0.35 * page.style.font * PT / WIDTH, 0.5)
    axes.yaxis.label.set_va("top")


def _short(value: float) -> str:
    return "0" if abs(value) < 1e-12 else f"{value:.3g}".replace("-", "−")
