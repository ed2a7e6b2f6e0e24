"""Colour scales by meaning: tables of the look's maps, and spans that do not flicker."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from app.theme.theme import Theme


LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
CATEGORIES = (5, 1, 3, 7, 2, 6, 4)  # of Okabe and Ito's eight, without black
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


def rgb(hexed: str) -> tuple[float, float, float]:
    return int(hexed[1:3], 16) / 255, int(hexed[3:5], 16) / 255, int(hexed[5:7], 16) / 255


def map_name(scale: str, name: str, theme: Theme) -> str:
    """The colour map of a quantity: cyclic and signed ones are settled, others have their own."""
    if scale == "phase":
        return theme.maps["phase"]
    if scale == "signed":
        return theme.maps["spin"]
    return theme.maps.get(name, theme.maps["density"])


def table(scale: str, name: str, theme: Theme, *, points: bool = False) -> np.ndarray:
    """256 colours. Those of points are lifted off a dark stage or deepened on paper."""
    colours = _categories() if scale == "category" else colours_of(map_name(scale, name, theme))
    if scale == "signed" and not points:  # the very ends are nearly black
        colours = colours[np.linspace(30, 225, 256).astype(int)]
    if not points:
        return colours
    return lifted(colours) if theme.dark else deepened(colours)


@cache
def colours_of(name: str) -> np.ndarray:
    import cmap

    return np.asarray(cmap.Colormap(name)(np.linspace(0, 1, 256)), np.float32)[:, :3]


@cache
def _categories() -> np.ndarray:
    import cmap

    stops = np.asarray([stop.color.rgba[:3] for stop in cmap.Colormap("okabe_ito").color_stops])
    wheel = stops[list(CATEGORIES)]
    return wheel[np.arange(256) % len(wheel)].astype(np.float32)


def deepened(colours: np.ndarray, most: float = 0.30) -> np.ndarray:
    """Colours of light as ink: darkened until they read on white, hue and chroma kept."""
    luminance = colours @ LUMINANCE
    factor = np.minimum(1, (most + 0.25 * (luminance - most)) / np.maximum(luminance, 1e-6))
    deep = colours * np.where(luminance > most, factor, 1)[:, None]
    grey = (deep @ LUMINANCE)[:, None]
    return (grey + 1.35 * (deep - grey)).clip(0, 1).astype(np.float32)


def lifted(colours: np.ndarray, least: float = 0.28) -> np.ndarray:
    """Colours of a map as light: what would vanish in the dark is mixed with white."""
    luminance = (colours @ LUMINANCE)[:, None]
    white = np.clip((least - luminance) / (1 - luminance), 0, 1) * (luminance < least)
    return (colours + white * (1 - colours)).astype(np.float32)


def _width(ends: tuple[float, float]) -> float:
    return ends[1] - ends[0]


def natural_span(value: np.ndarray, scale: str) -> tuple[float, float]:
    """The ends of a scale that declares none: without the outermost hundredth at either end."""
    if scale == "phase":
        return 0.0, 2 * np.pi
    if scale == "category":
        return 0.0, 256.0
    value = np.ravel(value)
    value = value[:: max(1, len(value) // SAMPLE)]
    value = value[np.isfinite(value)]
    if not value.size:
        return (-1.0, 1.0) if scale == "signed" else (0.0, 1.0)
    if scale == "signed":
        reach = float(np.quantile(np.abs(value), 0.99)) or 1.0
        return -reach, reach
    low, high = (float(end) for end in np.quantile(value, (0.01, 0.99)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


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
    value: np.ndarray, colours: np.ndarray, low: float, high: float, scale: str
) -> np.ndarray:
    """Bytes of red, green, blue and cover; what is not a number is a hole."""
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
    picture = (255 * whole + 0.5).astype(np.uint8)[index]
    if not known.all():
        picture[~known] = 0
    return picture
