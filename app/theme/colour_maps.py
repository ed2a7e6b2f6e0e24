"""Colour scales by meaning, for window and figures alike: NumPy only, no Qt."""

from functools import cache
from typing import Literal

import numpy as np

from app.theme.tokens import tokens


LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
CATEGORIES = (5, 1, 3, 7, 2, 6, 4)  # of Okabe and Ito's eight, without black
WHOLE = (0.0, 1.0)
SLICE = 0.85  # cover of the densest part of a slice: what lies behind still shines through
COLOURED = (0.12, 0.88)  # of a diverging map, whose very ends are almost black

Medium = Literal["ink", "light"]  # what points are drawn with: on paper, or in the dark


@cache
def table(
    scale: str,
    name: str = "",
    points: Medium | None = None,
    signed: tuple[float, float] = COLOURED,
) -> np.ndarray:
    """256 colours of a scale; the name of a quantity may ask for a map of its own.

    Those of points are deepened until they read on white, or lifted until they shine on black.
    `signed` is the part of a diverging map that is used.
    """
    if scale == "category":
        colours = _categories()
    else:
        colours = _colours_of(_map_name(scale, name), signed if scale == "signed" else WHOLE)
    if points is None:
        return colours
    return deepened(colours) if points == "ink" else lifted(colours)


def map_table(*, signed: bool = False) -> np.ndarray:
    """The colours of an order parameter under a line of theory: dark is disorder.

    Those of a signed quantity part at its 0, which lies in their middle.
    """
    return table("signed") if signed else _colours_of(tokens()["maps"]["order"], WHOLE)


def about_zero(low: float, high: float) -> tuple[float, float]:
    """The ends of a scale that has 0 in its middle."""
    reach = max(abs(low), abs(high)) or 1.0
    return -reach, reach


def _map_name(scale: str, name: str) -> str:
    """The colour map of a quantity: cyclic and signed ones are settled, others have their own."""
    maps = tokens()["maps"]
    if scale == "phase":
        return maps["phase"]
    if scale == "signed":
        return maps["spin"]
    return maps.get(name, maps["density"])


@cache
def _colours_of(name: str, part: tuple[float, float]) -> np.ndarray:
    import cmap

    return np.asarray(cmap.Colormap(name)(np.linspace(*part, 256)), np.float32)[:, :3]


@cache
def _categories() -> np.ndarray:
    import cmap

    stops = np.asarray([stop.color.rgba[:3] for stop in cmap.Colormap("okabe_ito").color_stops])
    wheel = stops[list(CATEGORIES)].astype(np.float32)
    return wheel[np.arange(256) % len(wheel)]


def deepened(colours: np.ndarray, most: float = 0.30) -> np.ndarray:
    """Colours of light as ink: darkened until they read on white, hue and chroma kept."""
    luminance = colours @ LUMINANCE
    factor = np.minimum(1, (most + 0.25 * (luminance - most)) / np.maximum(luminance, 1e-6))
    deep = colours * np.where(luminance > most, factor, 1)[:, None]
    grey = (deep @ LUMINANCE)[:, None]
    return (grey + 1.35 * (deep - grey)).clip(0, 1)


def lifted(colours: np.ndarray, least: float = 0.28) -> np.ndarray:
    """Colours of a map as light: what would vanish in the dark is mixed with white."""
    luminance = (colours @ LUMINANCE)[:, None]
    white = np.clip((least - luminance) / (1 - luminance), 0, 1)
    return colours + white * (1 - colours)


def natural_span(value: np.ndarray, scale: str) -> tuple[float, float]:
    """The ends of a scale that declares none: without the outermost hundredth at either end."""
    if scale == "phase":
        return 0.0, 2 * np.pi
    if scale == "category":
        return 0.0, 256.0
    value = value[np.isfinite(value)]
    if not value.size:
        return (-1.0, 1.0) if scale == "signed" else (0.0, 1.0)
    if scale == "signed":
        reach = float(np.quantile(np.abs(value), 0.99)) or 1.0
        return -reach, reach
    low, high = (float(end) for end in np.quantile(value, (0.01, 0.99)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def cover_of_slice(value: np.ndarray, scale: str, low: float, high: float) -> np.ndarray:
    """How much a slice across a cloud hides of what lies behind it: nothing where it is low.

    Of a signed field the middle is clear; phases and categories hide alike everywhere.
    """
    known = np.isfinite(value)
    if scale not in ("level", "signed"):
        return np.where(known, SLICE, 0.0)
    share = np.clip((np.where(known, value, low) - low) / (high - low), 0, 1)
    share = np.abs(2 * share - 1) if scale == "signed" else share
    return np.where(known, SLICE * np.sqrt(share), 0.0)
