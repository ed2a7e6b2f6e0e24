"""What is laid over a swarm, in numbers: the ends of its density, the speed of an arrow."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.boxes import Column
from app.widgets.labels import Label
from app.widgets.stage_chips import Chip, Ramp


class OverlayChip(Chip):
    """Hidden while nothing needs a word."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._flow = Label("", "caption")
        self._flow.setToolTip("The speed of an arrow as long as a square of the grid")
        self._density, self._ramp = Label("density / mean", "caption"), Ramp(theme)
        column = Column(theme, self._flow, self._density, self._ramp, gap=1)
        super().__init__(theme, column, margins=(12, 6, 12, 6), parent=parent)
        self.hide()

    def show_scales(
        self, unit: float | None, density: tuple[np.ndarray, float, float] | None
    ) -> None:
        """The speed of an arrow, and the colours of a density with their ends; None is none."""
        self._flow.setVisible(unit is not None)
        if unit is not None:
            self._flow.setText(f"arrow of a square = {numbers.value(float(f'{unit:.2g}'))}")
        for part in (self._density, self._ramp):
            part.setVisible(density is not None)
        if density is not None:
            table, low, high = density
            self._ramp.set_table(table)
            self._ramp.set_ends(low, high)
        self.setVisible(unit is not None or density is not None)
        self.row.line.activate()
        self.adjustSize()
