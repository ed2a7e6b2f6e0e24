"""The panels of a figure in their order: which view, at which step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row
from app.widgets.buttons import IconButton, WordButton
from app.widgets.labels import Label
from app.widgets.segments import Combo
from app.widgets.spin import Count


MOST = 12
NOW = -1  # the value of a step field that means: where the run is

Panel = tuple[str, int | None]  # name of a view, step of the session


class PanelRow(Row):
    """One panel: its letter, what it shows, and when."""

    changed = Signal()
    moved = Signal(int)  # by so many places
    removed = Signal()

    def __init__(
        self,
        theme: Theme,
        titles: Mapping[str, str],
        timed: Sequence[str],
        steps: int,
        panel: Panel,
    ) -> None:
        self._names, self._timed = tuple(titles), timed
        self.letter = Label("", "strong")
        self._view = Combo(theme, tuple(titles.values()))
        self._view.setAccessibleName("View")
        self._step = Count(NOW, max(steps, 0), NOW, prefix="step ", step=max(1, steps // 20))
        self._step.setSpecialValueText("now")
        self._step.setAccessibleName("Step of the run")
        self._step.setToolTip("Any step since the run began: it happens again for the figure")
        self.up = IconButton(theme, "arrow-up", "Further to the front", size=14, quiet=True)
        self.down = IconButton(theme, "arrow-down", "Further to the back", size=14, quiet=True)
        self.gone = IconButton(theme, "x", "Remove this panel", size=14, quiet=True)
        super().__init__(
            theme, self.letter, (self._view, 1), self._step, self.up, self.down, self.gone, gap=4
        )
        self.letter.setMinimumWidth(theme.px(22))
        self._view.setCurrentIndex(self._names.index(panel[0]))
        self._step.setValue(NOW if panel[1] is None else panel[1])
        self._view.chosen.connect(lambda _: self._on_view())
        self._step.valueChanged.connect(lambda _: self.changed.emit())
        self.up.clicked.connect(lambda: self.moved.emit(-1))
        self.down.clicked.connect(lambda: self.moved.emit(1))
        self.gone.clicked.connect(lambda: self.removed.emit())
        self._show_step()

    @property
    def panel(self) -> Panel:
        name = self._names[self._view.currentIndex()]
        step = self._step.value()
        return name, None if step == NOW or name not in self._timed else step

    def _on_view(self) -> None:
        self._show_step()
        self.changed.emit()

    def _show_step(self) -> None:
        """What was measured on the way (a trace, a map) has no step."""
        self._step.setVisible(self._names[self._view.currentIndex()] in self._timed)


class PanelList(Column):
    """Panels (a), (b), ... that are added, moved and removed."""

    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        titles: Mapping[str, str],  # of the views, by name
        timed: Sequence[str],  # those that can be drawn at another step
        steps: int,  # of the run so far
        panels: Sequence[Panel],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, gap=4, parent=parent)
        self._titles, self._timed, self._steps = titles, timed, steps
        self._rows: list[PanelRow] = []
        self._add = WordButton(theme, "Add a panel", "plus", "plain")
        self._add.clicked.connect(self._on_add)
        self.add(Row(theme, self._add, None))
        for panel in panels:
            self._insert(panel)
        self._letter()

    def panels(self) -> list[Panel]:
        return [row.panel for row in self._rows]

    def setPanels(self, panels: Sequence[Panel]) -> None:
        with QSignalBlocker(self):
            while self._rows:
                self._drop(self._rows[-1])
            for panel in panels:
                self._insert(panel)
            self._letter()

    def _insert(self, panel: Panel) -> None:
        row = PanelRow(self.theme, self._titles, self._timed, self._steps, panel)
        row.changed.connect(self.changed)
        row.moved.connect(lambda places, row=row: self._move(row, places))
        row.removed.connect(lambda row=row: self._remove(row))
        self.line.insertWidget(len(self._rows), row)
        self._rows.append(row)

    def _on_add(self) -> None:
        """The next view that is not there yet; where all are, the first, at another step."""
        here = {name for name, _ in self.panels()}
        name = next((name for name in self._titles if name not in here), next(iter(self._titles)))
        self._insert((name, None))
        self._on_change()

    def _move(self, row: PanelRow, places: int) -> None:
        old = self._rows.index(row)
        new = min(max(old + places, 0), len(self._rows) - 1)
        self._rows.insert(new, self._rows.pop(old))
        self.line.removeWidget(row)
        self.line.insertWidget(new, row)
        self._on_change()

    def _remove(self, row: PanelRow) -> None:
        self._drop(row)
        self._on_change()

    def _drop(self, row: PanelRow) -> None:
        self._rows.remove(row)
        self.line.removeWidget(row)
        row.hide()
        row.deleteLater()

    def _on_change(self) -> None:
        self._letter()
        self.changed.emit()

    def _letter(self) -> None:
        several = len(self._rows) > 1
        for k, row in enumerate(self._rows):
            row.letter.setText(f"({chr(97 + k)})" if several else "")
            row.up.setEnabled(k > 0)
            row.down.setEnabled(k < len(self._rows) - 1)
        self._add.setEnabled(len(self._rows) < MOST)
