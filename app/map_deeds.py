"""What the actions of the menu Map do."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from app.diagrams import Diagrams


class MapDeeds:
    """Mixed into the window: one method for each action, by its name."""

    diagrams: Diagrams
    actions_by_name: dict[str, QAction]

    def draw_path(self) -> None:
        self.diagrams.map_panel.draw_path()

    def zoom_back(self) -> None:
        self.diagrams.map_panel.zoom_back()

    def zoom_forward(self) -> None:
        self.diagrams.map_panel.zoom_forward()

    def whole_map(self) -> None:
        self.diagrams.map_panel.whole_map()

    def find_critical_point(self) -> None:
        self.diagrams.instrument.find_critical_point()

    def toggle_ghosts(self) -> None:
        self.diagrams.instrument.toggle_ghosts()
        shown = self.diagrams.instrument.ghosts_shown
        self.actions_by_name["toggle_ghosts"].setChecked(shown)
