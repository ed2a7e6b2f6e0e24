"""An observable in digits: what is measured, how well it is known, and what theory says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QFont, QFontMetrics, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.theme import Theme
from app.widgets import numbers


if TYPE_CHECKING:
    from engine.core.measurement import Estimate

FEW = 30  # samples below which an error is itself a guess


def written(symbol: str, estimate: Estimate | None) -> tuple[str, str, bool]:
    """A measurement in words: value, error, and whether it is only roughly known.

    With few samples it says ≈; no digit stands beyond the error.
    """
    if estimate is None or not math.isfinite(estimate.mean):
        return f"{symbol} = –", "", False
    mean, error = numbers.estimate(estimate.mean, estimate.error)
    few = not error or estimate.samples < FEW
    return f"{symbol} {'≈' if few else '='} {mean}", f"± {error}" if error else "", few


def theory_words(theory: float | None, like: str, name: str = "theory") -> str:
    """What theory says, in as many digits as the measurement; nothing while it is silent."""
    if theory is None or not math.isfinite(theory):
        return ""
    return f"{name} {numbers.like(theory, like)}"


class Readout(QWidget):
    """φ = 0.542 ± 0.006   theory 0.800   400 samples since the last change.

    Painted in one go, for it changes at every frame. Where there is no room for all of it, the
    count of samples gives way first and theory next; the measurement stays.
    """

    def __init__(self, theme: Theme, symbol: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._symbol, self._theory_name = symbol, "theory"
        self._compact = False
        self.words: tuple[str, str, str, str] = ("", "", "", "")  # value, error, theory, samples
        self.few = False  # the error is itself a guess
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.restyle(theme)

    def set_symbol(self, symbol: str, theory_name: str = "theory") -> None:
        self._symbol, self._theory_name = symbol, theory_name
        self.show_estimate(None)

    def set_compact(self, compact: bool) -> None:
        """Without the count of samples."""
        if compact != self._compact:
            self._compact = compact
            self._measure()

    def show_estimate(self, estimate: Estimate | None, theory: float | None = None) -> None:
        """Show a measurement beside its theory; the same words cost nothing."""
        value, error, few = written(self._symbol, estimate)
        said = theory_words(theory, value.split(" ")[-1], self._theory_name)
        count = estimate.samples if estimate is not None else 0
        plural = "" if count == 1 else "s"
        samples = f"{numbers.count(count)} sample{plural} since the last change" if count else ""
        if ((value, error, said, samples), few) == (self.words, self.few):
            return
        wide = [len(word) for word in self.words]
        self.words, self.few = (value, error, said, samples), few
        self.setAccessibleName(" ".join((value, error, said)))
        if [len(word) for word in self.words] != wide:  # digits are all of one width
            self._measure()
        self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        strong = QFont.Weight.DemiBold
        self._fonts = [theme.font("display", strong), *map(theme.font, ("body", "body", "caption"))]
        self._gaps = [0, theme.px(8), theme.px(12), theme.px(12)]
        self._measure()

    def sizeHint(self) -> QSize:
        return QSize(self._reach[-1] + 1, self._height)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._reach[1] + 1, self._height)

    def _measure(self) -> None:
        self._height = QFontMetrics(self._fonts[0]).height()
        self._reach: list[int] = []  # how far each word goes to the right
        end = 0.0
        for place, word in enumerate(self.words):
            if word and not (place == 3 and self._compact):
                wide = QFontMetricsF(self._fonts[place]).horizontalAdvance(word)
                end += (self._gaps[place] if end else 0) + wide
            self._reach.append(math.ceil(end))
        self.updateGeometry()
        self.update()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        display = QFontMetrics(self._fonts[0])
        baseline = (self.height() + display.ascent() - display.descent()) // 2
        inks = ("text", "warning" if self.few else "text2", "theory", "text3")
        x = 0.0
        for place, word in enumerate(self.words):
            if not word or (place == 3 and self._compact):
                continue
            if place > 1 and self._reach[place] > self.width():
                if place == 3:
                    break
                word = word.split(" ")[-1]  # amber alone says that this is theory's number
                wide = QFontMetricsF(self._fonts[place]).horizontalAdvance(word)
                if x + self._gaps[place] + wide > self.width():
                    break
            x += self._gaps[place] if x else 0
            painter.setFont(self._fonts[place])
            painter.setPen(self.theme.colour(inks[place]))
            painter.drawText(QPointF(x, baseline), word)
            x += QFontMetricsF(self._fonts[place]).horizontalAdvance(word)
