"""Colours, type and words of what is drawn without a window: figures, videos, thumbnails.

The same tokens as the window's `app.theme`, read without Qt.
"""

import json
import re
from functools import cache
from typing import Any, Literal

import numpy as np

from engine.resources import resource


CATEGORIES = (5, 1, 3, 7, 2, 6, 4)  # of Okabe and Ito's eight, without black
MAPS = {"phase": "crameri:romaO", "signed": "crameri:vik", "level": "matplotlib:viridis"}
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉ᵢⱼₜₙ", "0123456789ijtn")
HATS = {"\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar", "\u0307": r"\dot"}

Medium = Literal["ink", "light"]  # what points are drawn with: on paper, or in the dark


@cache
def tokens() -> dict[str, Any]:
    """The tokens of the look."""
    return json.loads(resource("tokens.json").read_text("utf-8"))


def colour(name: str, theme: str = "light") -> str:
    """A token's colour, as #rrggbb."""
    return tokens()["themes"][theme][name]


def rgb(hexed: str) -> np.ndarray:
    return np.array([int(hexed[k : k + 2], 16) for k in (1, 3, 5)], np.float32) / 255


@cache
def table(scale: str, name: str = "", points: Medium | None = None) -> np.ndarray:
    """256 colours of a scale; the name of a quantity may ask for a map of its own.

    Those of points are deepened until they read on white, or lifted until they shine on black.
    """
    import cmap

    chosen = MAPS.get(scale, MAPS["level"])
    if scale == "category":
        stops = np.asarray([stop.color.rgba[:3] for stop in cmap.Colormap("okabe_ito").color_stops])
        wheel = stops[list(CATEGORIES)].astype(np.float32)
        return wheel[np.arange(256) % len(wheel)]
    if scale == "level":
        chosen = tokens()["maps"].get(name, chosen)
    # The ends of a diverging map are almost black: a spin shall still be red or blue.
    ends = (0.12, 0.88) if scale == "signed" else (0, 1)
    colours = np.asarray(cmap.Colormap(chosen)(np.linspace(*ends, 256)), np.float32)[:, :3]
    if points is None:
        return colours
    return deepened(colours) if points == "ink" else lifted(colours)


def map_table() -> np.ndarray:
    """The colours of an order parameter under a line of theory: dark is disorder."""
    import cmap

    chosen = tokens()["maps"]["order"]
    return np.asarray(cmap.Colormap(chosen)(np.linspace(0, 1, 256)), np.float32)[:, :3]


def deepened(colours: np.ndarray, most: float = 0.30) -> np.ndarray:
    """Colours of light as ink: darkened until they read on white, hue and chroma kept."""
    luminance = colours @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    factor = np.minimum(1, (most + 0.25 * (luminance - most)) / np.maximum(luminance, 1e-6))
    deep = colours * np.where(luminance > most, factor, 1)[:, None]
    grey = (deep @ np.array([0.2126, 0.7152, 0.0722], np.float32))[:, None]
    return (grey + 1.35 * (deep - grey)).clip(0, 1)


def lifted(colours: np.ndarray, least: float = 0.28) -> np.ndarray:
    """Colours of a map as light: what would vanish in the dark is mixed with white."""
    luminance = (colours @ np.array([0.2126, 0.7152, 0.0722], np.float32))[:, None]
    white = np.clip((least - luminance) / (1 - luminance), 0, 1)
    return colours + white * (1 - colours)


def span_of(value: np.ndarray, scale: str, span: tuple[float, float] | None) -> tuple:
    """The ends of a colour scale: the declared ones, or those of the data without outliers."""
    if span is not None:
        return float(span[0]), float(span[1])
    finite = value[np.isfinite(value)]
    if scale == "phase":
        return 0.0, 2 * np.pi
    if not finite.size:
        return 0.0, 1.0
    if scale == "signed":
        far = float(np.quantile(np.abs(finite), 0.99)) or 1.0
        return -far, far
    low, high = (float(end) for end in np.quantile(finite, (0.01, 0.99)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def painted(
    value: np.ndarray,
    scale: str,
    span: tuple[float, float] | None = None,
    name: str = "",
    points: Medium | None = None,
) -> np.ndarray:
    """Each value as red, green, blue; what is not a number is the middle grey."""
    value = np.asarray(value, np.float32)
    missing = ~np.isfinite(value)
    known = np.where(missing, 0, value)
    if scale == "category":
        index = known.astype(int) % 256
    else:
        low, high = span_of(value, scale, span)
        share = (known - low) / (high - low)
        share = share % 1 if scale == "phase" else share.clip(0, 1)
        index = (share * 255 + 0.5).astype(int)
    colours = table(scale, name, points)[index]
    return np.where(missing[..., None], np.float32(0.5), colours)


def mathtext(symbol: str) -> str:
    """A symbol as mathematics of matplotlib: `v₀` is $v_{0}$; words stay words."""
    if not symbol or re.search(r"[A-Za-z]{3,}|\s", symbol):
        return symbol
    out = symbol
    for mark, command in HATS.items():
        out = re.sub(f"(.){mark}", lambda m, c=command: f"{c}{{{m[1]}}}", out)
    out = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda m: "^{" + m[0].translate(RAISED) + "}", out)
    out = re.sub("[₀₁₂₃₄₅₆₇₈₉ᵢⱼₜₙ]+", lambda m: "_{" + m[0].translate(LOWERED) + "}", out)
    out = re.sub(r"_(?!\{)(\w+)", r"_{\1}", out)
    out = re.sub(r"√(\w)", r"\\sqrt{\1}", out)
    out = out.replace("⟨", r"\langle ").replace("⟩", r"\rangle ").replace("−", "-")
    out = out.replace("%", r"\%").replace("#", r"\#").replace("$", r"\$")
    return f"${out}$"


def axis_label(words: str, symbol: str = "", unit: str = "") -> str:
    """`polar order φ (rad)`, the symbol as mathematics, and never the same word twice."""
    shown = mathtext(symbol)
    parts = [words] if not shown or shown == words else [words, shown]
    return " ".join(part for part in parts if part) + (f" ({unit})" if unit else "")


def number(value: float) -> str:
    """A number for a tick or a caption: `1 048 576` has narrow spaces, −1 a true minus."""
    shown = f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e7 else f"{value:.4g}"
    return shown.replace(",", "\u202f").replace("-", "−")
