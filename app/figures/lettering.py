"""Words, symbols and numbers as pixels of a film."""

import math
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.figures.words import mathtext
from engine.resources import resource


@cache
def font(size: float, weight: str = "Regular") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(resource(f"fonts/Inter-{weight}.ttf")), max(6, round(size)))


@cache
def formula(symbol: str, size: float) -> tuple[np.ndarray, int]:
    """A symbol as the cover of each pixel, and how many rows of it lie below its line."""
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    text = mathtext(symbol)
    with matplotlib.rc_context({"mathtext.fontset": "stix", "font.family": ["DejaVu Sans"]}):
        parsed = MathTextParser("agg").parse(text, 72, FontProperties(size=round(size)))
    return np.asarray(parsed.image), round(parsed.depth)


def write_symbol(
    page: Image.Image, symbol: str, x: float, base: float, size: float, tone: str
) -> float:
    """A symbol that stands on `base`; where it ends."""
    if not mathtext(symbol).startswith("$"):
        face = font(0.8 * size)
        ImageDraw.Draw(page).text((x, base), symbol, font=face, fill=tone, anchor="ls")
        return x + face.getlength(symbol)
    cover, below = formula(symbol, size)
    page.paste(tone, (round(x), round(base) - cover.shape[0] + below), Image.fromarray(cover))
    return x + cover.shape[1]


def write_paragraph(
    page: Image.Image,
    words: str,
    place: tuple[float, float],
    room: float,
    size: float,
    tone: str,
    weight: str = "Regular",
) -> float:
    """Words, broken where the room ends; the height below them."""
    pen, face = ImageDraw.Draw(page), font(size, weight)
    x, y = place
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if face.getlength(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    for line in lines:
        pen.text((x, y), line, font=face, fill=tone)
        y += 1.3 * size
    return y


def digits(value: float) -> str:
    """A number that is read from the last row of a hall."""
    if not math.isfinite(value):
        return "–"
    shown = f"{value:.3f}" if 1e-3 <= abs(value) < 1000 or value == 0 else f"{value:.3g}"
    return shown.replace("-", "−")
