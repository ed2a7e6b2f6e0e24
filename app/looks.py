"""How the run is looked at: read and shown again in plain words, and noted as steps of undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from app.undo import Look


if TYPE_CHECKING:
    from app.window import Window

REST = 400  # ms after which a camera that moved has arrived
FITTED = ("dim", "home", "half", "radius", "home_turn")  # of a camera: by the world, not the hand
WORDS = {
    "camera": "camera",
    "colouring": "coloured by {}",
    "density": "density picture: {}",
    "overlays": "laid over: {}",
    "wipes": "wipe",
    "axes": "map over {}",
    "small": "view: {}",
    "measure": "measure: {}",
    "quantity": "map of {}",
    "theory": "theory overlay",
    "panels": "panels at the sides",
}


class Looks(QObject):
    """Camera, colours, the axes of the map and which views are shown."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._before: dict[str, Any] = {}
        self._showing = False
        self._rest = QTimer(self, interval=REST, singleShot=True)
        self._rest.timeout.connect(self.note)
        for panel in (window.stage, window.diagrams):
            panel.look_changed.connect(self.changed)
        window.places.changed.connect(self.changed)

    def read(self) -> dict[str, Any]:
        """All of it, as a session file keeps it."""
        window = self._window
        return {
            "theory": window.theory_shown,
            **window.stage.look(),
            **window.diagrams.look(),
        }

    def _all(self) -> dict[str, Any]:
        """With the panels at the sides, which no file moves unasked."""
        return self.read() | {"panels": self._window.places.read()}

    def show(self, look: dict[str, Any]) -> None:
        """Look at it so. A file may say anything: what makes no sense is left as it is."""
        window = self._window
        self._showing = True
        try:
            window.stage.show_look(look)
            window.diagrams.show_look(look)
            if look.get("theory", window.theory_shown) != window.theory_shown:
                window.toggle_theory()
            if "panels" in look:
                window.places.show(look["panels"])
        finally:
            self._showing = False
            self.settle()

    def settle(self) -> None:
        """What is looked at now is no step of undo."""
        self._rest.stop()
        self._before = self._all()

    def changed(self) -> None:
        """Something was turned, coloured or chosen; it is noted when it rests."""
        if not self._showing:
            self._rest.start()

    def note(self) -> None:
        """Make a step of undo of what has changed, if anything."""
        self._rest.stop()
        before, after = self._before, self._all()
        self._before = after
        moved = [name for name in after if name in before and after[name] != before[name]]
        if "camera" in moved and _fitted_anew(before["camera"], after["camera"]):
            moved.remove("camera")
        if moved:
            words = ", ".join(WORDS[name].format(_told(after[name])) for name in moved)
            step = Look(
                words,
                self.show,
                {name: before[name] for name in moved},
                {name: after[name] for name in moved},
            )
            self._window.session.undo_stack.push(step)


def _fitted_anew(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the world changed its size, and the camera with it."""
    return any(before.get(name) != after.get(name) for name in FITTED)


def _told(value: Any) -> str:
    return " and ".join(value) if isinstance(value, list) else str(value)
