"""Work beside the window in a thread of its own: what is asked for in turn, sketches the newest.

What a job makes is a deed for the window's thread: a callable without arguments.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.priority import BUILD, give_way


Deed = Callable[[], None]
Make = Callable[[], Deed]


class Jobs(QObject):
    """Does one job at a time; the thread lives as long as there is something to do."""

    made = Signal(object)  # a deed for the window's thread
    progressed = Signal(str, float)  # words, share; negative while nobody knows
    failed = Signal(str)  # one sentence

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, Make]] = deque()
        self._sketch: Make | None = None
        self._thread: threading.Thread | None = None
        self._ending = False
        self._cancelled = threading.Event()
        self.made.connect(lambda deed: deed())

    @property
    def busy(self) -> bool:
        """Whether anything is under way or waits."""
        with self._lock:
            return self._thread is not None

    @property
    def cancelled(self) -> bool:
        """Whether the present job is to give up; it raises InterruptedError then."""
        return self._cancelled.is_set()

    def begin(self, words: str, make: Make) -> None:
        """Do this after what was asked for before; `words` say what, if it takes long."""
        with self._lock:
            self._waiting.append((words, make))
            self._wake()

    def sketch(self, make: Make) -> None:
        """Do this soon; a later sketch replaces one that waits."""
        with self._lock:
            self._sketch = make
            self._wake()

    def cancel(self) -> None:
        """Give up the present job."""
        self._cancelled.set()

    def stop(self) -> None:
        """Give up everything, and wait until the thread has ended."""
        with self._lock:
            self._ending = True
            self._waiting.clear()
            self._sketch = None
            thread = self._thread
        self._cancelled.set()
        if thread is not None:
            thread.join(timeout=60)

    def _wake(self) -> None:
        if self._thread is None and not self._ending:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def _next(self) -> tuple[str, Make] | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._sketch is not None:
                make, self._sketch = self._sketch, None
                return "", make
            self._thread = None
            return None

    def _work(self) -> None:
        give_way(BUILD)
        while (job := self._next()) is not None:
            words, make = job
            if not self._ending:
                self._cancelled.clear()
            if words:
                self.progressed.emit(words, -1.0)
            try:
                self.made.emit(make())
            except InterruptedError:
                continue
            except Exception as error:  # shown in words; the window goes on
                self.failed.emit(str(error) or type(error).__name__)
