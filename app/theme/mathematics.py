"""Formulas as pictures: LaTeX set by ziamath, sharp at every pixel ratio, drawn once."""

from __future__ import annotations

import threading
import warnings
from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer


X_HEIGHT = 1.12  # of Inter over STIX: mathematics this much larger looks as large as its text
SMALL = (
    r"\alpha \beta \gamma \delta \varepsilon \zeta \eta \theta \iota \kappa \lambda \mu \nu \xi "
    r"\pi \rho \sigma \tau \upsilon \varphi \chi \psi \omega"
)
LARGE = r"\Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma \Phi \Psi \Omega"
OTHER = r"\ell \infty \partial \nabla \surd \langle \rangle \pm \le \ge \cdot \times -"
LETTERS = {
    **dict(zip("αβγδεζηθικλμνξπρστυφχψω", SMALL.split(), strict=True)),
    **dict(zip("ΓΔΘΛΞΠΣΦΨΩ", LARGE.split(), strict=True)),
    **dict(zip("ℓ∞∂∇√⟨⟩±≤≥·×−", OTHER.split(), strict=True)),
}
BELOW = {
    **dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True)),
    **dict(zip("ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥᵦᵧᵨᵩᵪ", "aeoxhklmnpstijruvβγρφχ", strict=True)),
}
ABOVE = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni", strict=True))
HATS = {"\u0302": "hat", "\u0304": "bar", "\u0307": "dot", "\u0303": "tilde"}
_drawing = threading.Lock()  # ziamath keeps its settings and fonts in globals


class Formula(NamedTuple):
    """A formula set at one size: its drawing, and how far it reaches, in logical pixels."""

    svg: bytes
    width: float
    height: float
    depth: float  # below the baseline


def latex(symbol: str) -> str:
    r"""The LaTeX of a symbol written in Unicode: `v₀` is `v_{0}`, `n_max` is `n_{\mathrm{max}}`."""
    if "\\" in symbol:
        return symbol
    if " " in symbol or (symbol.isalpha() and symbol.isascii() and len(symbol) > 2):
        return rf"\mathrm{{{symbol.replace(' ', '~')}}}"
    head, _, tail = symbol.partition("_")
    made = _plain(head)
    if tail:
        tail = tail.strip("{}")
        word = tail.isascii() and tail.isalpha() and len(tail) > 1
        made += rf"_{{\mathrm{{{tail}}}}}" if word else f"_{{{_plain(tail)}}}"
    return made


def _plain(text: str) -> str:
    made: list[str] = []  # letters of LaTeX, so that a hat finds the one it stands on
    script = ""
    for letter in text:
        kind = "_" if letter in BELOW else "^" if letter in ABOVE else ""
        if kind != script:
            made.append(("}" if script else "") + (f"{kind}{{" if kind else ""))
            script = kind
        if letter in HATS and made:
            made[-1] = rf"\{HATS[letter]}{{{made[-1].strip()}}}"
        else:
            letter = BELOW.get(letter) or ABOVE.get(letter) or letter
            name = LETTERS.get(letter, letter)
            made.append(f"{name} " if name.startswith("\\") else name)
    return ("".join(made) + ("}" if script else "")).strip()


@lru_cache(maxsize=512)
def formula(source: str, pixels: float, colour: str) -> Formula | None:
    """LaTeX set with letters of so many logical pixels; None where it cannot be set."""
    with _drawing:
        import ziamath

        ziamath.config.svg2 = False  # QtSvg draws no <symbol>
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it looks for its font in a way that ages
                made = ziamath.Latex(source, size=pixels, color=colour)
            text = made.svg()
            below = made.getyofst()
        except Exception:  # ziamath raises whatever its parsers do
            return None
    renderer = QSvgRenderer(QByteArray(text.encode()))
    if not renderer.isValid():
        return None
    area = renderer.viewBoxF()
    return Formula(text.encode(), area.width(), area.height(), abs(below))


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
