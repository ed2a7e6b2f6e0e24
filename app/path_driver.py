"""Leads the run along a path of the map, and collects what it measures on the way."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal


if TYPE_CHECKING:
    from app.runner import Moment
    from app.session import Session
    from engine.core.paths import Loop, Path

FRAMES = 240  # that a path of one side of the map takes at speed 1, each way
LEAP = 1 / 60  # of a way: the most that a frame goes
RECENT = 16  # places that the run was sent to and has not yet been seen at
SPEEDS = tuple(2.0**power for power in range(-5, 5))


class PathDriver(QObject):
    """Sets the parameters by the run's own clock, so that a pause is a pause on the path.

    Each place that it sends the run to is a change of parameters at a step: the timeline holds
    the whole path, and replays it.
    """

    moved = Signal()  # the loop has grown
    ended = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.path: Path | None = None
        self.loop: Loop | None = None
        self.speed = 1.0
        self.returns = True  # there and back
        self.running = False
        self._observable = ""
        self._travelled = 0.0  # ways: up to 1 there, up to 2 back
        self._tick: int | None = None
        self._build = 0
        self._sent: deque[tuple[tuple[float, ...], float, bool]] = deque(maxlen=RECENT)

    def start(self, path: Path, observable: str) -> None:
        """Begin at the start of a path."""
        from engine.core.paths import Loop

        self.path, self.loop, self._observable = path, Loop(path), observable
        self._travelled, self._tick = 0.0, None
        self._sent.clear()
        self.running = True
        self._session.commit()
        self._session.hold()
        self._send()
        if not self._session.running:
            self._session.play(True)
        self.moved.emit()

    def stop(self) -> None:
        """Leave the run where it is; what it changed is one step of undo."""
        if self.running:
            self.running = False
            self._session.commit()
            self.ended.emit()

    def follow(self, moment: Moment) -> None:
        """Note what the run measures, and send it on by as many steps as it took."""
        if not self.running or self.path is None or self.loop is None:
            return
        if self._tick is None:
            self._tick, self._build = moment.tick, moment.build
        if moment.build != self._build or moment.tick < self._tick:
            self.stop()  # another run, or the same one from its beginning
            return
        arrived = self._note(moment)
        steps, self._tick = moment.tick - self._tick, moment.tick
        way = FRAMES * self._session.pace * max(self.path.length, 0.25) / self.speed
        end = 2.0 if self.returns else 1.0
        if self._travelled >= end:
            if arrived:  # it was measured at the very end
                self.stop()
        elif steps:
            # Both ends are visited, and no part of the path is leapt over.
            ahead = self._travelled + min(steps / way, LEAP)
            turn = 1.0 if self._travelled < 1 else end
            self._travelled = min(ahead, turn)
            self._send()
        self.moved.emit()

    def _send(self) -> None:
        assert self.path is not None
        back = self._travelled > 1
        share = 2 - self._travelled if back else self._travelled
        values = self.path.at(share)
        self._sent.append((tuple(values.values()), share, back))
        self._session.set(**values)

    def _note(self, moment: Moment) -> bool:
        """What was measured belongs to the place where the run was then, not where it is sent.

        Says whether that is where it was sent last.
        """
        assert self.path is not None
        assert self.loop is not None
        here = tuple(_plain(getattr(moment.system, n)) for n in self.path.at(0.0))
        for values, share, back in reversed(self._sent):
            if values == here and self._observable in moment.observables:
                self.loop.add(share, moment.observables[self._observable], back=back)
                return values is self._sent[-1][0]
        return False


def _plain(value: Any) -> float:
    return float(value)
