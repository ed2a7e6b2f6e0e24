"""Three sliders that make curves of several sizes fall onto one, and a button that does it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row
from app.widgets.buttons import WordButton
from app.widgets.labels import ElidedLabel, Label
from app.widgets.parameter_slider import ParameterSlider
from app.widgets.scale import Scale


NAMES = ("critical", "inverse_nu", "beta_over_nu")
SYMBOLS = ("λ_c", "1/ν", "β/ν")


class ExponentsPanel(Column):
    """Says where its sliders are dragged to, live; `set_values` is silent."""

    changed = Signal(tuple)  # critical value, 1/ν, β/ν
    fit_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._sliders = [ParameterSlider(theme, Scale(0.0, 1.0)) for _ in NAMES]
        self._labels = [Label(symbol, "second") for symbol in SYMBOLS]
        self._numbers = [Label("", "caption") for _ in NAMES]
        self._words = ElidedLabel("", "caption", least=12)
        self._fit = WordButton(theme, "Best fit", kind="outline")
        rows = [
            Row(theme, label, (slider, 1), number, gap=6)
            for label, slider, number in zip(
                self._labels, self._sliders, self._numbers, strict=True
            )
        ]
        foot = Row(theme, (self._words, 1), self._fit, gap=6)
        super().__init__(theme, *rows, foot, margins=(12, 2, 12, 2), gap=0, parent=parent)
        self._values = [0.0, 1.0, 0.1]
        for k, slider in enumerate(self._sliders):
            slider.setAccessibleName(SYMBOLS[k])
            slider.moved.connect(lambda value, k=k: self._on_moved(k, value))
        self._fit.clicked.connect(self.fit_asked)
        self._dress(theme)

    def set_spans(self, critical: tuple[float, float], symbol: str) -> None:
        """From where to where each slider goes, and the symbol of the parameter."""
        self._labels[0].setText(f"{symbol}_c")
        for slider, span in zip(self._sliders, (critical, (0.05, 2.5), (0.0, 1.5)), strict=True):
            slider.set_scale(Scale(*span))

    def set_values(
        self, values: tuple[float, ...], errors: tuple[float, ...] | None = None
    ) -> None:
        """Show these exponents, with errors where they are known."""
        self._values = list(values)
        for slider, value in zip(self._sliders, values, strict=True):
            slider.setValue(value)
        self._write(errors)

    def say(self, words: str) -> None:
        self._words.setText(words)

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(self._values)

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._dress(theme)

    def _dress(self, theme: Theme) -> None:
        for label, number in zip(self._labels, self._numbers, strict=True):
            label.setFixedWidth(theme.px(30))
            number.setFixedWidth(theme.px(96))

    def _on_moved(self, k: int, value: float) -> None:
        self._values[k] = value
        self._write(None)
        self.changed.emit(self.values)

    def _write(self, errors: tuple[float, ...] | None) -> None:
        for k, number in enumerate(self._numbers):
            doubt = "" if errors is None else f" ± {errors[k]:.2g}"
            number.setText(f"{self._values[k]:.4g}{doubt}")
