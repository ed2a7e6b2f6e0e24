"""What steers a run along a path: again, there and back, slower, faster, stop."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Row
from app.widgets.buttons import IconButton
from app.widgets.labels import ElidedLabel


class PathBar(Row):
    """A line of buttons below a plot; it says how fast, and what the loop encloses."""

    again_asked = Signal()
    stop_asked = Signal()
    closed = Signal()
    speed_asked = Signal(int)  # +1 or -1
    return_toggled = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._play = IconButton(theme, "stop-fill", "Leave the path", size=14)
        self._return = IconButton(
            theme, "arrows-left-right", "There and back", size=14, checkable=True
        )
        self._slower = IconButton(theme, "minus", "Slower along the path", size=14)
        self._faster = IconButton(theme, "plus", "Faster along the path", size=14)
        self._words = ElidedLabel("", "caption", least=20)
        close = IconButton(theme, "x", "Forget the path", size=14)
        super().__init__(
            theme,
            self._play,
            self._return,
            self._slower,
            self._faster,
            4,
            (self._words, 1),
            close,
            margins=(8, 0, 6, 0),
            gap=2,
            parent=parent,
        )
        self._running = True
        self._return.setChecked(True)
        self._play.clicked.connect(
            lambda: (self.stop_asked if self._running else self.again_asked).emit()
        )
        self._return.toggled.connect(self.return_toggled)
        self._slower.clicked.connect(lambda: self.speed_asked.emit(-1))
        self._faster.clicked.connect(lambda: self.speed_asked.emit(1))
        close.clicked.connect(self.closed)

    def show_state(self, running: bool, speed: float, area: float) -> None:
        """Whether the run is on its way, how fast, and the area of the loop so far."""
        self._running = running
        self._play.set_icon("stop-fill" if running else "play-fill")
        self._play.set_tip("Leave the path" if running else "Along the path again")
        fast = f"{speed:g}×" if speed >= 1 else f"1/{1 / speed:g}×"
        self._words.setText(fast if area != area else f"{fast}   area {area:.3g}")

    @property
    def words(self) -> str:
        return self._words.text()
