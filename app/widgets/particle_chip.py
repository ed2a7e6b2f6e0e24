"""What is known of one particle: who it is, where, and each of its colours in numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.boxes import Column, Row
from app.widgets.buttons import IconButton
from app.widgets.labels import Label
from app.widgets.stage_chips import Chip


if TYPE_CHECKING:
    from app.views.picking import Facts

AXES = "xyz"


class ParticleChip(Chip):
    """Follows a particle as long as it is held."""

    follow_asked = Signal(bool)
    let_go_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._name = Label("", "strong")
        self.follow = IconButton(
            theme, "crosshair", "Keep it in the middle of the view", size=14, checkable=True
        )
        self._close = IconButton(theme, "x", "Let go of it  Esc", size=14)
        self._table = QWidget()
        self._lines = QGridLayout(self._table)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._cells: dict[str, tuple[Label, Label]] = {}
        head = Row(theme, self._name, None, self.follow, self._close, margins=(0, 0, 0, 0), gap=2)
        column = Column(theme, head, self._table, gap=2)
        super().__init__(theme, column, margins=(12, 4, 6, 8), parent=parent)
        self.follow.clicked.connect(self.follow_asked)
        self._close.clicked.connect(self.let_go_asked)
        self.hide()

    def show_facts(self, facts: Facts | None, *, follows: bool) -> None:
        """None: nobody is held."""
        self.setVisible(facts is not None)
        if facts is None:
            return
        self._name.setText(f"particle {numbers.count(facts.who)}")
        self.follow.setChecked(follows)
        rows = {AXES[k]: _short(x) for k, x in enumerate(facts.position)}
        rows |= {name: _words(value, scale) for name, (value, scale) in facts.values.items()}
        if list(rows) != list(self._cells):
            self._lay_out(list(rows))
        for name, words in rows.items():
            self._cells[name][1].setText(words)
        self.adjustSize()

    def _lay_out(self, names: list[str]) -> None:
        for pair in self._cells.values():
            for label in pair:
                self._lines.removeWidget(label)
                label.hide()
                label.deleteLater()
        self._cells = {}
        for row, name in enumerate(names):
            pair = Label(name, "caption"), Label("")
            pair[1].setMinimumWidth(self.theme.px(72))
            for column, label in enumerate(pair):
                self._lines.addWidget(label, row, column)
            self._cells[name] = pair

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._lines.setVerticalSpacing(theme.px(1))
        self._lines.setHorizontalSpacing(theme.px(12))


def _short(value: float) -> str:
    """Four digits: a number that changes at every frame is not read farther."""
    return f"{value:.4g}".replace("-", numbers.MINUS) if math.isfinite(value) else "–"


def _words(value: float, scale: str) -> str:
    if scale == "phase" and math.isfinite(value):
        return f"{value % (2 * math.pi) / math.pi:.2f} π"
    if scale == "category" and math.isfinite(value):
        return str(round(value))
    return _short(value)
