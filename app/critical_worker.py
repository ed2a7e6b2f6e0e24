"""The thread that looks for a critical point, or for exponents, while the run goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.priority import MAPS, give_way


if TYPE_CHECKING:
    from engine.core.criticality import SizeRuns
    from engine.core.scaling import Exponents
    from engine.core.system import System

    Tell = Callable[[Callable[[], None]], None]


class CriticalWorker(QObject):
    """One search at a time; asking again while one is under way gives that one up."""

    progressed = Signal(str, float)  # words, share
    found = Signal(object)  # CriticalPoint
    fitted = Signal(object)  # Fit
    refused = Signal(str)  # why there is none
    _told = Signal(int, object)  # the turn of a search, and what it says by emitting it

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._turn = 0  # of the newest search
        self._lock = threading.Lock()
        self._told.connect(self._tell)

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def find(self, system: System[Any]) -> None:
        """Look for the critical point at the present values of the other parameters."""

        def work(wanted: Callable[[], bool], tell: Tell) -> None:
            from engine.core.criticality import CriticalPoint, find_critical_point

            for stage in find_critical_point(system):
                if not wanted():
                    return
                if isinstance(stage, CriticalPoint):
                    tell(partial(self.found.emit, stage))
                else:
                    tell(partial(self.progressed.emit, stage.words, stage.share))

        self._begin(work)

    def fit(self, runs: SizeRuns, start: Exponents) -> None:
        """The exponents of the best collapse."""

        def work(wanted: Callable[[], bool], tell: Tell) -> None:
            from engine.core.scaling import best_fit

            tell(partial(self.progressed.emit, "Fitting", 0.5))
            tell(partial(self.fitted.emit, best_fit(runs, start)))

        self._begin(work)

    def cancel(self) -> None:
        """Give up what is under way; it ends at its next look around."""
        with self._lock:
            self._turn += 1

    def stop(self) -> None:
        """Give up what is under way, and wait for it."""
        self.cancel()
        if self.busy and self._thread is not None:
            self._thread.join(timeout=120)

    def _tell(self, turn: int, say: Callable[[], None]) -> None:
        """In the window's thread: what waited there while a search was given up is not said."""
        if turn == self._turn:
            say()

    def _begin(self, work: Callable[[Callable[[], bool], Tell], None]) -> None:
        with self._lock:
            self._turn += 1
            turn = self._turn
        before = self._thread

        def live() -> None:
            give_way(MAPS)
            if before is not None:
                before.join()
            try:
                if self._turn == turn:
                    work(lambda: self._turn == turn, partial(self._told.emit, turn))
            except Exception as error:  # shown in words
                why = str(error) or type(error).__name__
                self._told.emit(turn, partial(self.refused.emit, why))

        self._thread = threading.Thread(target=live, name="critical", daemon=True)
        self._thread.start()
