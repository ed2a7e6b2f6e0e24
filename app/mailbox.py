"""What the window may ask of the run: the newest wish of each kind, and the newest moment back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.wishes import Beside, DensityWish, Goal, Moment, Touched, Wishes


if TYPE_CHECKING:
    from app.views.view import Hand
    from engine.core.simulation import Simulation
    from engine.core.system import System
    from engine.core.timeline import Position
    from engine.storage.sessions import Session


class Mailbox(QObject):
    """Takes wishes from any thread; nothing here waits or computes."""

    ready = Signal(object)  # the gallery: id -> system class
    progress = Signal(str)  # what is being prepared, in words; empty when done
    arrived = Signal()  # a moment is there: call `take`
    troubled = Signal(object)  # Trouble
    refused = Signal(str, object)  # why a plan could not be built; the system that still runs

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Condition()
        self._wishes = Wishes()
        self._newest: Moment | None = None

    def take(self) -> Moment | None:
        """The newest moment, once."""
        with self._lock:
            moment, self._newest = self._newest, None
            self._lock.notify_all()
        return moment

    def open(self, system: System[Any], seed: int) -> None:
        """Run this system from its beginning; it is built while the old run goes on."""
        with self._lock:
            self._wishes.system, self._wishes.session = (system, seed), None
            self._forget_values()

    def open_document(self, session: Session) -> None:
        """Go on where a session was saved; it is built while the old run goes on."""
        with self._lock:
            self._wishes.system, self._wishes.session = None, session
            self._forget_values()

    def set(self, *, row: int = 0, **values: Any) -> None:
        """Change parameters: live ones act on the next step. Row 1 is the run beside."""
        with self._lock:
            self._wishes.values[row].update(values)
            self._lock.notify_all()

    def restart(self, seed: int | None = None) -> None:
        self._wish(restart=True, seed=seed)

    def play(self, running: bool) -> None:
        self._wish(running=running)

    def step(self, steps: int = 1) -> None:
        with self._lock:
            self._wishes.steps += steps
            self._lock.notify_all()

    def set_pace(self, steps_per_frame: int) -> None:
        self._wish(pace=max(1, steps_per_frame))

    def poke(self, name: str, hand: Hand | None = None, rows: tuple[int, ...] = (0, 1)) -> None:
        """Let a hand (or a button) act, on both runs or on one of them."""
        self._wish(hand=Touched(name, hand, rows))

    def want_densities(self, wishes: tuple[DensityWish, ...]) -> None:
        self._wish(densities=wishes, look=True)

    def want_views(self, whole: bool) -> None:
        """Whether somebody sees the views beside the large one; else they are not computed."""
        self._wish(whole=whole, look=True)

    def go_back(self) -> None:
        """Return to the last state that was sound, paused."""
        self._wish(back=True, running=False)

    def seek(self, step: int, branch: int | None = None) -> None:
        """Go to a step of a line (of the present one where none is named).

        From there the run goes on as it did, to the tip; a change there begins a branch.
        """
        self.travel(Goal(branch, step))

    def undo_to(self, position: Position) -> None:
        """Go to a place, and from there on anew: what was recorded behind it does not return."""
        self.travel(Goal(position=position, replays=False))

    def go_to(self, branch: int) -> None:
        """Go to the tip of a branch."""
        self.travel(Goal(branch))

    def travel(self, goal: Goal) -> None:
        """Go to a place of the timeline, or of two."""
        with self._lock:
            # What was changed before belongs to the place that is left.
            self._wishes.earlier.append(self._wishes.values)
            self._wishes.values = ({}, {})
            self._wishes.goal = goal
            self._lock.notify_all()

    def branch(self) -> None:
        """Begin a branch here."""
        self._wish(branch=True)

    def compare(self, on: bool, number: int = 0) -> None:
        """Run a second one beside, under the same noise, from the present state on; or end it.

        One that was left is kept under its number, and comes back as what it was.
        """
        self._wish(compare=Beside(on, number), look=True)

    def set_memory(self, size: int) -> None:
        """How many bytes the states may take that are kept to go back to."""
        self._wish(memory=size, look=True)

    def ask(self, question: Callable[[Simulation[Any]], Any]) -> Future[Any]:
        """What the simulation answers between two frames: a whole frame, a snapshot.

        The window's thread must not wait for the answer; a thread that exports may.
        """
        answer: Future[Any] = Future()
        with self._lock:
            self._wishes.questions = (*self._wishes.questions, (question, answer))
            self._lock.notify_all()
        return answer

    def look_again(self) -> None:
        self._wish(look=True)

    def _wish(self, **wishes: Any) -> None:
        with self._lock:
            for name, value in wishes.items():
                setattr(self._wishes, name, value)
            self._lock.notify_all()

    def _forget_values(self) -> None:
        self._wishes.values, self._wishes.goal = ({}, {}), None
        self._wishes.earlier.clear()
        self._lock.notify_all()
