"""A tip with a formula in it: words, then mathematics as it is typeset everywhere else."""

from __future__ import annotations

import html

from PySide6.QtCore import QBuffer, QIODevice

from app.theme import mathematics
from app.theme.theme import Theme


WIDE = 420  # pixels of scale 1 at which a formula is broken


def formula_tip(theme: Theme, title: str, latex: str, words: str) -> str:
    """Rich text for `setToolTip`; a formula that cannot be set is left out."""
    pixels = round(mathematics.X_HEIGHT * theme.type["body"] * theme.scale * 96 / 72, 2)
    colour = theme.hex("text")
    pictures = [
        _picture(line, pixels, colour)
        for line in mathematics.lines(latex, pixels, colour, theme.px(WIDE))
    ]
    body = "<br>".join(picture for picture in pictures if picture)
    parts = [f"<b>{html.escape(title)}</b>", body, html.escape(words)]
    return "".join(f"<p style='margin:4px 0'>{part}</p>" for part in parts if part)


def _picture(latex: str, pixels: float, colour: str) -> str:
    fine = 2.0  # drawn at twice the size, so that it is sharp on every screen
    drawn = mathematics.picture(latex, pixels, colour, fine)
    if drawn is None:
        return ""
    held = QBuffer()
    held.open(QIODevice.OpenModeFlag.WriteOnly)
    drawn.save(held, "PNG")
    data = held.data().toBase64().toStdString()
    width, height = round(drawn.width() / fine), round(drawn.height() / fine)
    return f"<img src='data:image/png;base64,{data}' width='{width}' height='{height}'>"
