"""Colour scales as the window draws them: bytes for textures, and spans that do not flicker."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.theme import colour_maps
from app.theme.theme import Theme


SAMPLE = 4096  # values that a span is taken from
INERTIA = 0.9  # of a span, from one frame to the next


class Legend(NamedTuple):
    """What the colours of a view say, for a chip on the stage."""

    kind: str  # "phase", "signed", "category", "level"
    label: str
    table: np.ndarray  # 256 × 3 in 0..1, as drawn
    low: float
    high: float
    angle: float = 0.0  # of the mean of a phase
    length: float = 0.0


def table(scale: str, name: str, theme: Theme, *, points: bool = False) -> np.ndarray:
    """256 colours. Those of points are lifted off a dark stage or deepened on paper."""
    if not points:
        return colour_maps.table(scale, name)
    medium = "light" if theme.dark else "ink"
    return colour_maps.table(scale, name, medium, signed=colour_maps.WHOLE)


def _width(ends: tuple[float, float]) -> float:
    return ends[1] - ends[0]


def natural_span(value: np.ndarray, scale: str) -> tuple[float, float]:
    """The ends of a scale that declares none, from a sample: it is asked for at every frame."""
    value = np.ravel(value)
    return colour_maps.natural_span(value[:: max(1, len(value) // SAMPLE)], scale)


class SmoothSpan:
    """A span that follows its data slowly, so that colours do not flicker."""

    def __init__(self) -> None:
        self.ends: tuple[float, float] | None = None

    def follow(
        self, value: np.ndarray, scale: str, span: tuple[float, float] | None
    ) -> tuple[float, float]:
        now = natural_span(value, scale) if span is None else (float(span[0]), float(span[1]))
        before = self.ends
        if span is not None or before is None or _width(before) > 50 * _width(now):
            self.ends = now
        else:
            (low, high), rest = before, 1 - INERTIA
            self.ends = INERTIA * low + rest * now[0], INERTIA * high + rest * now[1]
        return self.ends


def painted(
    value: np.ndarray,
    colours: np.ndarray,
    low: float,
    high: float,
    scale: str,
    *,
    clear: bool = False,
) -> np.ndarray:
    """Bytes of red, green, blue and cover; what is not a number is a hole.

    `clear` lets through what is behind where a value is low, or near the middle of a signed one.
    """
    with np.errstate(invalid="ignore"):
        if scale == "category":
            index = value
        elif scale == "phase":
            index = np.mod(value / (2 * np.pi), 1) * 255.99
        else:
            index = np.clip((value - low) * (255.99 / (high - low)), 0, 255)
        index = index.astype(np.uint8)
    known = np.isfinite(value)
    whole = np.concatenate([colours, np.ones((256, 1), np.float32)], axis=1)
    words = (255 * whole + 0.5).astype(np.uint8).view(np.uint32)[:, 0]  # four bytes in one look-up
    picture = words.take(index, mode="clip").view(np.uint8).reshape(*value.shape, 4)
    if not known.all():
        picture[~known] = 0
    if clear:  # colours multiplied by their cover, as the card blends them
        cover = colour_maps.cover_of_slice(value, scale, low, high)
        picture = (picture * cover[..., None] + 0.5).astype(np.uint8)
    return picture
