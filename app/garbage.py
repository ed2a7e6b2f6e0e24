"""Python's collector of reference cycles, kept to the window's thread.

Widgets, views and their closures form cycles. Left to itself, Python frees them in whichever
thread happens to allocate next, often the one that steps the run, and a Qt object or an OpenGL
buffer that is freed there can end the program. What is loaded once is set aside as well: to walk
JAX's a quarter of a million objects takes longer than several frames.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer


PERIOD = 200  # ms between two looks
YOUNG, MIDDLE, OLD = 2000, 10, 10  # new objects, and rounds of the younger, before a round


class Collector(QObject):
    """Collects cycles while it lives, in the thread it was made in and nowhere else."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=PERIOD)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Free what is due."""
        young, middle, old = gc.get_count()
        if old > OLD and middle > MIDDLE:
            gc.collect()
        elif middle > MIDDLE:
            gc.collect(1)
        elif young > YOUNG:
            gc.collect(0)

    def set_aside(self) -> None:
        """Walk no more what is there now: the modules and all they made."""
        gc.freeze()

    def stop(self) -> None:
        """Let Python collect as it does by itself."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
