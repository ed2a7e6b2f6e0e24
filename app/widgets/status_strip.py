"""One line at the foot: how the run goes, on what, and the order parameter beside its theory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.boxes import Row
from app.widgets.labels import ElidedLabel, Label, SteadyLabel
from app.widgets.readout import theory_words, written


if TYPE_CHECKING:
    from engine.core.measurement import Estimate

INKS = {"ok": "ok", "paused": "text3", "busy": "accent", "warning": "warning", "error": "error"}


class Dot(QWidget):
    """The state in one glance; the words beside it say it too."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ink = "text3"
        self.restyle(theme)

    def set_ink(self, ink: str) -> None:
        if ink != self._ink:
            self._ink = ink
            self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setFixedSize(theme.px(8), theme.px(8))
        self.update()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour(self._ink))
        painter.drawEllipse(self.rect())


class StatusStrip(QFrame):
    """Facts come in silently; a fact that is not known is not shown."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("status")
        self._dot = Dot(theme)
        self._state = Label("", "state")
        self._facts = {
            name: SteadyLabel("", "caption") for name in ("fps", "steps", "n", "device", "seed")
        }
        self._marks = ElidedLabel("", "warningCaption")
        self._value = SteadyLabel("", "strong")
        self._error = SteadyLabel("", "second")
        self._theory = SteadyLabel("", "theory")
        for label in self._facts.values():
            label.hide()
        left = Row(theme, Row(theme, self._dot, self._state, gap=6), *self._facts.values(), gap=16)
        right = Row(theme, Row(theme, self._value, self._error, gap=4), self._theory, gap=12)
        self._line = Row(theme, left, (self._marks, 1), right, margins=(12, 0, 12, 0), gap=16)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 1, 0, 0)
        whole.addWidget(self._line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._order: tuple = ()
        self._fps = 0.0
        self.set_state("No system open", "paused")
        self.restyle(theme)

    def set_facts(
        self,
        fps: float | None = None,
        steps_per_second: float | None = None,
        n: int | None = None,
        device: str = "",
        seed: int | None = None,
    ) -> None:
        """What there is to know about the run; what is left out is not shown."""
        self._say("fps", "" if fps is None else f"{fps:.0f} fps")
        steps = "" if steps_per_second is None else f"{pace(steps_per_second)} steps/s"
        self._say("steps", steps)
        self._say("n", "" if n is None else f"N {numbers.count(n)}")
        self._say("device", device)
        self._say("seed", "" if seed is None else f"seed {seed}")
        self._fit()

    def set_order(
        self,
        symbol: str,
        estimate: Estimate | None,
        theory: float | None,
        theory_name: str = "theory",
    ) -> None:
        """The order parameter with its error, and what theory says of it."""
        value, error, few = written(symbol, estimate) if symbol else ("", "", False)
        value = value.replace(" = ", "  ")
        said = theory_words(theory, value.split(" ")[-1], theory_name)
        order = value, error, few, said
        if order != self._order:
            self._order = order
            self._value.setText(value)
            self._error.setText(error)
            self._error.set_role("warning" if few else "strong")
            self._theory.setText(said)

    def set_state(self, words: str, kind: str = "ok") -> None:
        """How the run goes: kind is `ok`, `paused`, `busy`, `warning` or `error`."""
        self._state.setText(words)
        self._state.set_role(f"state-{INKS.get(kind, 'text3')}")
        self._dot.set_ink(INKS.get(kind, "text3"))

    def set_marks(self, marks: list[str]) -> None:
        """What a reader of the numbers must know: approximate, few samples, reconstructed."""
        text = "   ".join(marks)
        if text != self._marks.text():
            self._marks.setText(text)
            self._marks.setToolTip("\n".join(marks))

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._line.restyle(theme)
        self.setFixedHeight(theme.px(theme.sizes["status"]))
        for label in self._facts.values():
            label.set_least(0)  # letters may have another size now
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(900), self.theme.px(26))

    def minimumSizeHint(self) -> QSize:
        return QSize(self.theme.px(480), self.theme.px(26))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def _say(self, name: str, text: str) -> None:
        label = self._facts[name]
        if text != label.text():
            label.setText(text)
            # Room that was needed once stays: what stands to its right is not to jump.
            label.set_least(label.minimumWidth())

    def _fit(self) -> None:
        # What the transport bar says already gives way first.
        room = self.width()
        for name, least in (
            ("seed", 1250),
            ("device", 900),
            ("n", 700),
            ("steps", 600),
            ("fps", 0),
        ):
            label = self._facts[name]
            wanted = bool(label.text()) and room >= self.theme.px(least)
            if wanted == label.isHidden():
                label.setVisible(wanted)


def pace(number: float) -> str:
    """A pace in three digits: 412, 2.31 k, 1.05 M."""
    for size, unit in ((1e6, " M"), (1e4, " k")):
        if number >= size:
            scaled = number / (1e3 if unit == " k" else size)
            return f"{scaled:.3g}{unit}"
    return numbers.count(number)
