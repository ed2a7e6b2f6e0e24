"""Formulas as pictures: LaTeX set by ziamath, sharp at every pixel ratio, drawn once."""

from __future__ import annotations

import re
import threading
import warnings
from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.theme.symbols import latex as latex


X_HEIGHT = 1.12  # of Inter over STIX: mathematics this much larger looks as large as its text
PAUSES = (r"\qquad", r"\quad")
RELATIONS = ("=", r"\sim", r"\propto", r"\approx", r"\to", r"\leftarrow", r"\le", r"\ge", "<", ">")
SUMS = ("+", "-")
INDENT = r"\quad "
MARGIN = 1.0  # that ziamath leaves around a formula
_drawing = threading.Lock()  # ziamath keeps its settings and fonts in globals


class Formula(NamedTuple):
    """A formula set at one size: its drawing, and how far it reaches, in logical pixels."""

    svg: bytes
    width: float
    height: float
    depth: float  # below the baseline


@lru_cache(maxsize=512)
def formula(source: str, pixels: float, colour: str) -> Formula | None:
    """LaTeX set with letters of so many logical pixels; None where it cannot be set."""
    with _drawing, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for its font in a way that ages
        from ziamath.config import config
        from ziamath.zmath import Latex

        config.svg2 = False  # QtSvg draws no <symbol>
        try:
            made = Latex(source, size=pixels, color=colour)
            text, below = made.svg(), made.getyofst()
        except Exception:  # its parsers raise whatever they like
            return None
    renderer = QSvgRenderer(QByteArray(text.encode()))
    if not renderer.isValid():
        return None
    area = renderer.viewBoxF()
    return Formula(text.encode(), area.width(), area.height(), MARGIN - below)


def lines(source: str, pixels: float, colour: str, width: float) -> list[str]:
    """A formula as lines that fit a width: broken where it pauses, then at relations and sums."""
    made = formula(source, pixels, colour)
    if made is None or made.width <= width:
        return [source]
    found: list[str] = []
    for part in _split(source, PAUSES):
        line = ""
        for piece in _split(part, RELATIONS):
            for term in _split(piece, SUMS) if _width(piece, pixels, colour) > width else [piece]:
                if line and _width(line + term, pixels, colour) > width:
                    found.append(line)
                    line = INDENT
                line += term
        found.append(line)
    return found


def _width(source: str, pixels: float, colour: str) -> float:
    made = formula(source, pixels, colour)
    return made.width if made is not None else 0.0


def _split(source: str, marks: tuple[str, ...]) -> list[str]:
    """Cut before every mark that stands in no bracket; pauses themselves are left out."""
    parts, start, place, depth = [], 0, 0, 0
    while place < len(source):
        for opens in (r"\left", r"\begin"):
            depth += source.startswith(opens, place) and not source[place + len(opens)].islower()
        for closes in (r"\right", r"\end"):
            depth -= source.startswith(closes, place) and not source[place + len(closes)].islower()
        if source[place] == "\\":
            whole = re.match(r"\\(?:[A-Za-z]+|.)", source[place:])
            token = whole.group() if whole else "\\"
        else:
            token = source[place]
        if token in "{([":
            depth += 1
        elif token in "})]":
            depth -= 1
        elif depth == 0 and token in marks and source[start:place].strip(" &"):
            parts.append(source[start:place].rstrip())
            start = place + len(token) if marks is PAUSES else place
        place += len(token)
    parts.append(source[start:].strip() if marks is PAUSES else source[start:])
    return [part for part in parts if part.strip()]


@lru_cache(maxsize=512)
def picture(source: str, pixels: float, colour: str, ratio: float) -> QPixmap | None:
    """A formula drawn for a screen of this device pixel ratio."""
    made = formula(source, pixels, colour)
    if made is None:
        return None
    size = QSize(max(1, round(made.width * ratio)), max(1, round(made.height * ratio)))
    image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(made.svg)).render(painter, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    pixmap = QPixmap.fromImage(image)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def prepare() -> threading.Thread:
    """Load the typesetter in the background: it takes a third of a second the first time."""

    def load() -> None:
        formula(r"\eta_0", 12.0, "#000000")

    thread = threading.Thread(target=load, name="typesetter", daemon=True)
    thread.start()
    return thread
