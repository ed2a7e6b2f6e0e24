"""A name at its line instead of a legend: in its colour, where there is most room."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.figures.axes import worded
from app.figures.page import Page
from app.figures.style import PT


ENOUGH = 0.1  # of the axes' side, from all but its own line: more room is of no use
# Where a name may stand, seen from a point of its line.
SIDES = np.array(
    [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 0.8), (-1, 0.8), (1, -0.8), (-1, -0.8), (0, 2), (0, -2)]
)


def name_line(
    page: Page,
    axes: Any,
    line: Any,
    words: str,
    others: Sequence[Any] = (),
    rim: str | None = None,
    tone: str | None = None,
) -> None:
    """Write a name at its line, clear of all that is drawn on the axes, of the names that are
    there already, and of `others`.
    """
    from matplotlib import patheffects

    path = _shares(axes, line)
    path = path[((path > -0.01) & (path < 1.01)).all(axis=1)]
    if not len(path):
        return
    font = 0.87 * page.style.font
    box = axes.get_position()
    size = np.array([box.width * page.width, box.height * page.height]) / PT
    extent = _extent(words, font) / size
    words_there = [_box(axes, text, size) for text in axes.texts]
    crowd = [np.concatenate([part, 0 * part], axis=1) for part in _crowd(axes, line, others)]
    boxes = np.concatenate([*crowd, *words_there, np.empty((0, 4))])
    own = _denser(path)
    place = _roomiest(path[:: max(1, len(path) // 60)], own, boxes, *extent)
    if place is None:
        return
    effects = [patheffects.withStroke(linewidth=1.4, foreground=rim or page.paper)]
    axes.text(
        *place,
        worded(words),
        transform=axes.transAxes,
        color=tone or line.get_color(),
        fontsize=font,
        ha="center",
        va="center",
        path_effects=effects,
        zorder=8,
    )


def _shares(axes: Any, drawn: Any) -> np.ndarray:
    """The points of a line as shares of the axes."""
    data = np.column_stack([drawn.get_xdata(), drawn.get_ydata()]).astype(float)
    with np.errstate(all="ignore"):
        placed = axes.transAxes.inverted().transform(drawn.get_transform().transform(data))
    return placed[np.isfinite(placed).all(axis=1)]


def _crowd(axes: Any, line: Any, others: Sequence[Any]) -> list[np.ndarray]:
    """Points of all that the name of a line must not cover, as shares of the axes."""
    rest = [other for other in (*axes.get_lines(), *others) if other is not line]
    every = [_shares(axes, other) for other in rest]
    every += [_outline(axes, patch) for patch in axes.patches]
    for dots in axes.collections:
        if len(dots.get_offsets()) > 1:
            placed = dots.get_offset_transform().transform(dots.get_offsets())
            every.append(axes.transAxes.inverted().transform(placed))
    return [_denser(one) for one in every if len(one)]


def _extent(words: str, font: float) -> np.ndarray:
    """Width and height of words in points, about."""
    return np.array([0.56 * font * len(words), 1.15 * font])


def _box(axes: Any, text: Any, size: np.ndarray) -> np.ndarray:
    """Middle and half the extent of words that are there, in shares of axes of `size` points:
    [1, 4], as all that has an extent.
    """
    wide, tall = _extent(text.get_text(), text.get_fontsize()) / size
    placed = text.get_transform().transform(text.get_position())
    x, y = axes.transAxes.inverted().transform(placed)
    x += wide * {"left": 0.5, "center": 0.0, "right": -0.5}[text.get_ha()]
    y += tall * {"bottom": 0.5, "baseline": 0.5, "top": -0.5}.get(text.get_va(), 0.0)
    return np.array([[x, y, wide / 2, tall / 2]])


def _roomiest(
    path: np.ndarray, own: np.ndarray, boxes: np.ndarray, wide: float, tall: float
) -> np.ndarray | None:
    """The middle of a name beside its path, as far from all others as there is use.

    It may lie on a line where there is no other place, but never on other words: rather none.
    """
    best, found, half, gap = -1.0, None, np.array([wide, tall]) / 2, np.array([0.035, 0.045])
    others, extents = boxes[:, :2], boxes[:, 2:]
    named = extents[:, 0] > 0
    for point in _from_the_middle(path):
        for side in SIDES:
            middle = point + side * (half + gap)
            inside = (middle > half + 0.03) & (middle < 1 - half - 0.03)
            apart = np.abs(others - middle) - half - extents
            if not inside.all() or (apart[named] < 0).all(axis=1).any():
                continue
            room = min(_nearest(apart), ENOUGH) + min(_nearest(np.abs(own - middle) - half), 0.05)
            room -= 0.002 * (side[0] != 0)
            if room > best + 1e-9:
                best, found = room, middle
    return found


def _nearest(apart: np.ndarray) -> float:
    """The least distance between boxes of which the edges are so far apart, along x and y."""
    return float(np.hypot(*np.maximum(apart, 0).T).min(initial=np.inf))


def _from_the_middle(path: np.ndarray) -> np.ndarray:
    """The same points, those at two thirds of the way first."""
    away = np.abs(np.arange(len(path)) - 0.67 * len(path))
    return path[np.argsort(away, kind="stable")]


def _outline(axes: Any, patch: Any) -> np.ndarray:
    """The steps of a histogram and what is under them, as shares of the axes."""
    corners = patch.get_path().vertices
    placed = axes.transAxes.inverted().transform(patch.get_transform().transform(corners))
    placed = placed[np.isfinite(placed).all(axis=1)]
    # Down to the axis and up again, corner by corner.
    return np.stack([placed, placed * (1, 0), placed], axis=1).reshape(-1, 2)


def _denser(path: np.ndarray) -> np.ndarray:
    """More points along a path, so that nothing slips between two of them."""
    if len(path) < 2:
        return path
    share = np.linspace(0, 1, max(3, 240 // len(path)))[None, :, None]
    between = path[:-1, None] * (1 - share) + path[1:, None] * share
    return between.reshape(-1, 2)
