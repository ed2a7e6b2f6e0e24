"""An observable in digits: what is measured, how well it is known, and what theory says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.labels import Label


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


def theory_words(theory: float | None, like: str) -> str:
    """What theory says, in as many digits as the measurement; nothing while it is silent."""
    if theory is None or not math.isfinite(theory):
        return ""
    return f"theory {numbers.like(theory, like)}"


class Readout(QWidget):
    """φ = 0.542 ± 0.006   theory 0.800   400 samples since the last change."""

    def __init__(self, theme: Theme, symbol: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._symbol = symbol
        self._shown: tuple = ()
        self._value = Label("", "display")
        self._error = Label("", "second")
        self._theory = Label("", "theory")
        self._samples = Label("", "caption")
        self._line = QHBoxLayout(self)
        for part in (self._value, self._error, self._theory, self._samples):
            self._line.addWidget(part)
        self._line.addStretch(1)
        self._compact = False
        self.restyle(theme)

    def set_symbol(self, symbol: str) -> None:
        self._symbol = symbol
        self._shown = ()

    def set_compact(self, compact: bool) -> None:
        """Without the count of samples."""
        self._compact = compact
        self._samples.setVisible(not compact)

    def show_estimate(self, estimate: Estimate | None, theory: float | None = None) -> None:
        """Show a measurement beside its theory; the same words cost nothing."""
        value, error, few = written(self._symbol, estimate)
        said = theory_words(theory, value.split(" ")[-1])
        count = estimate.samples if estimate is not None else 0
        plural = "" if count == 1 else "s"
        samples = f"{numbers.count(count)} sample{plural} since the last change" if count else ""
        shown = value, error, few, said, samples
        if shown == self._shown:
            return
        self._shown = shown
        self._value.setText(value)
        self._error.setText(error)
        self._error.set_role("warning" if few else "second")
        self._theory.setText(said)
        self._samples.setText(samples)
        self.setAccessibleName(" ".join((value, error, said)))

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(theme.px(10))
