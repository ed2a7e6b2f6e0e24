"""Words, symbols and numbers as pixels of a film."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.figures.words import mathtext
from engine.resources import resource


BOX = Image.Resampling.BOX


LEADING = 1.3  # from line to line, in sizes
FINE = 4  # drawn large and made small: at ten pixels hinted letters run together


class Extent(NamedTuple):
    """Of what is written, in pixels."""

    width: float
    above: float  # its line
    below: float


@cache
def font(size: float, weight: str = "Regular") -> ImageFont.FreeTypeFont:
    """Letters of so many pixels, `FINE` times as large."""
    file = str(resource(f"fonts/Inter-{weight}.ttf"))
    return ImageFont.truetype(file, round(FINE * max(6.0, size)))


def width_of(words: str, size: float, weight: str = "Regular") -> float:
    return font(size, weight).getlength(words) / FINE


def write(
    page: Image.Image,
    words: str,
    place: tuple[float, float],
    size: float,
    tone: str,
    weight: str = "Regular",
    anchor: str = "ls",
) -> None:
    """Words at a place, which the anchor reads as Pillow does: `ls` is the left of their line."""
    face = font(size, weight)
    box = face.getbbox(words, anchor=anchor)
    left, top = (math.floor(at + end / FINE) for at, end in zip(place, box[:2], strict=True))
    right, bottom = (math.ceil(at + end / FINE) for at, end in zip(place, box[2:], strict=True))
    if right <= left or bottom <= top:
        return
    cover = Image.new("L", (FINE * (right - left), FINE * (bottom - top)))
    inside = (FINE * (place[0] - left), FINE * (place[1] - top))
    ImageDraw.Draw(cover).text(inside, words, font=face, fill=255, anchor=anchor)
    page.paste(tone, (left, top), cover.resize((right - left, bottom - top), BOX))


@cache
def formula(symbol: str, size: float) -> tuple[Image.Image, int]:
    """A symbol as the cover of each pixel, and how many rows of it lie below its line."""
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    text = mathtext(symbol)
    with matplotlib.rc_context({"mathtext.fontset": "stix", "font.family": ["DejaVu Sans"]}):
        parsed = MathTextParser("agg").parse(text, 72, FontProperties(size=FINE * size))
    large = np.asarray(parsed.image)
    below = math.ceil(parsed.depth / FINE)
    above = math.ceil((large.shape[0] - parsed.depth) / FINE)
    whole = np.zeros((FINE * (above + below), FINE * math.ceil(large.shape[1] / FINE)), np.uint8)
    first = FINE * above + round(parsed.depth) - large.shape[0]
    whole[first : first + large.shape[0], : large.shape[1]] = large
    cover = Image.fromarray(whole)
    return cover.resize((cover.width // FINE, cover.height // FINE), BOX), below


def extent_of(symbol: str, size: float) -> Extent:
    """What `write_symbol` takes."""
    if not mathtext(symbol).startswith("$"):
        _, top, _, bottom = font(0.8 * size).getbbox(symbol, anchor="ls")
        return Extent(width_of(symbol, 0.8 * size), -top / FINE, max(0.0, bottom / FINE))
    cover, below = formula(symbol, size)
    return Extent(cover.width, cover.height - below, below)


def write_symbol(
    page: Image.Image, symbol: str, x: float, base: float, size: float, tone: str
) -> float:
    """A symbol that stands on `base`; where it ends."""
    if not mathtext(symbol).startswith("$"):
        write(page, symbol, (x, base), 0.8 * size, tone)
        return x + width_of(symbol, 0.8 * size)
    cover, below = formula(symbol, size)
    page.paste(tone, (round(x), round(base) - cover.height + below), cover)
    return x + cover.width


def shortened(words: str, room: float, size: float) -> str:
    """Words that have room, the last of them as `…` where not all have."""
    if width_of(words, size) <= room:
        return words
    while words and width_of(f"{words}…", size) > room:
        words = words[:-1].rstrip()
    return f"{words}…" if words else ""


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
    x, y = place
    for line in broken(words, room, size, weight):
        write(page, line, (x, y), size, tone, weight, "la")
        y += LEADING * size
    return y


def broken(words: str, room: float, size: float, weight: str = "Regular") -> list[str]:
    """Words in lines that have room."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size, weight) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def digits(value: float) -> str:
    """A number that is read from the last row of a hall."""
    if not math.isfinite(value):
        return "–"
    shown = f"{value:.3f}" if 1e-3 <= abs(value) < 1000 or value == 0 else f"{value:.3g}"
    return shown.replace("-", "−")
