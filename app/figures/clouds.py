"""What a cloud in space has beside its points: a slice across it, and trails into the past."""

from typing import Any

import numpy as np

from app.figures import paint, raster
from app.theme.colour_maps import cover_of_slice
from app.views.space import of_panel
from app.views.trails import strands


TRAIL = 0.7  # of the width of a stroke
FAINT = 0.6  # cover of the newest end of a trail


def with_slice(ground: np.ndarray, image: Any, box: Any, matrix: np.ndarray) -> np.ndarray:
    """A field on a plane of space, by its nearest cell; clear where a level is low."""
    if box is None:
        return ground
    height, width, _ = ground.shape
    values = np.asarray(image.values)
    ends = paint.span_of(values, image.scale, image.span)
    colours = paint.painted(values, image.scale, image.span)
    cover = cover_of_slice(values, image.scale, *ends)
    x, y = _under_pixels(float(of_panel(image.height, 0, 0)), matrix, width, height)
    low, high = (np.asarray(end, float)[:2] for end in (box.low, box.high))
    rows, columns = values.shape
    with np.errstate(invalid="ignore"):
        column = np.floor((x - low[0]) / (high[0] - low[0]) * columns)
        row = np.floor((y - low[1]) / (high[1] - low[1]) * rows)
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    at = tuple(np.where(inside, index, 0).astype(int) for index in (row, column))
    share = np.where(inside, cover[at], 0.0)[..., None].astype(np.float32)
    return ground * (1 - share) + colours[at] * share


def _under_pixels(
    z: float, matrix: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where in a plane of this height each pixel looks; not a number where it looks away.

    A point p = (x, y, z, 1) is seen at X = (M₀·p)/(M₃·p), Y = (M₁·p)/(M₃·p): two equations
    that are linear in x and y.
    """
    seen_x = ((np.arange(width) + 0.5) / width * 2 - 1)[None, :]
    seen_y = (1 - (np.arange(height) + 0.5) / height * 2)[:, None]
    rest = matrix[:, 2] * z + matrix[:, 3]
    a, b, e = (c[0] - seen_x * c[3] for c in (matrix[:, 0], matrix[:, 1], rest))
    c, d, f = (k[1] - seen_y * k[3] for k in (matrix[:, 0], matrix[:, 1], rest))
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = a * d - b * c
        x, y = (b * f - d * e) / turn, (c * e - a * f) / turn
        ahead = matrix[3, 0] * x + matrix[3, 1] * y + rest[3] > 0
    return np.where(ahead, x, np.nan), np.where(ahead, y, np.nan)


def trail_strokes(
    trails: Any, matrix: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
    """Starts and ends in pixels, what is left of each piece, and the colours' numbers."""
    made = strands(trails.path)
    start, _ = raster.projected(made.tail, matrix, width, height)
    end, _ = raster.projected(made.tip, matrix, width, height)
    value = None if trails.colour is None else np.asarray(trails.colour.value)[made.point]
    return start, end, FAINT * made.ends.mean(axis=1), value
