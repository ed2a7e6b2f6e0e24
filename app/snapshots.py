"""Nine snapshots: places of the timeline under a digit, and how they were looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from app.widgets.scrubber import Pin
from app.widgets.snapshot_strip import SLOTS
from app.widgets.transport_bar import clock


if TYPE_CHECKING:
    from app.window import Window


class Kept(NamedTuple):
    """A place that was kept."""

    branch: int
    step: int
    time: float
    look: dict[str, Any]


class Snapshots(QObject):
    """Stores under Ctrl and a digit, recalls under the digit."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._kept: dict[int, Kept] = {}
        strip, transport = window.history.snapshots, window.transport
        strip.recalled.connect(self.recall)
        strip.stored.connect(self.store)
        transport.snapshot_asked.connect(lambda: self.store(self.free()))
        window.session.opened.connect(lambda _: self.clear())
        for slot in range(1, SLOTS + 1):
            self._bind(f"Snapshot {slot}", str(slot), lambda slot=slot: self.recall(slot))
            self._bind(f"Keep as {slot}", f"Ctrl+{slot}", lambda slot=slot: self.store(slot))

    def _bind(self, title: str, key: str, deed: Any) -> None:
        action = QAction(title, self._window)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _=False: deed())
        self._window.addAction(action)

    def free(self) -> int:
        """The first digit that holds nothing, or the last one."""
        return next((slot for slot in range(1, SLOTS + 1) if slot not in self._kept), SLOTS)

    def store(self, slot: int) -> None:
        """Keep the present under a digit."""
        moment = self._window.moment
        if moment is None:
            return
        here = moment.past.position
        self._kept[slot] = Kept(here.branch, here.step, moment.time, self._window.looks.read())
        self._show()
        words = f"t = {clock(moment.time)}; {slot} goes back to it"
        self._window.stage.say("bookmark-simple", f"Snapshot {slot}", words)

    def recall(self, slot: int) -> None:
        """Go back to what a digit holds."""
        kept = self._kept.get(slot)
        if kept is None:
            words = f"Ctrl+{slot} keeps the present there"
            self._window.stage.say("bookmark-simple", f"Snapshot {slot} is empty", words)
            return
        self._window.session.go(kept.branch, kept.step)
        self._window.looks.show(kept.look)

    def clear(self) -> None:
        self._kept = {}
        self._show()

    def read(self) -> dict[str, Any]:
        """All of them, as a session file keeps them."""
        return {str(slot): kept._asdict() for slot, kept in self._kept.items()}

    def show(self, told: Any) -> None:
        """Those of a session file, which may say anything."""
        self._kept = {}
        for slot, kept in told.items() if isinstance(told, dict) else ():
            try:
                branch, step, look = int(kept["branch"]), int(kept["step"]), dict(kept["look"])
                found = Kept(branch, step, float(kept["time"]), look)
            except (KeyError, TypeError, ValueError):
                continue
            if slot in {str(k) for k in range(1, SLOTS + 1)} and branch >= 0 and step >= 0:
                self._kept[int(slot)] = found
        self._show()

    def _show(self) -> None:
        words = {slot: f"t = {clock(kept.time)}" for slot, kept in self._kept.items()}
        self._window.history.snapshots.show_slots(words)
        pins = [Pin(slot, kept.branch, kept.step) for slot, kept in self._kept.items()]
        self._window.transport.scrubber.set_pins(pins)
