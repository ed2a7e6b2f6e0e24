"""What is open: a system, its parameter values, its seed. Everything on the window reads this.

The session posts wishes to the runner and remembers what can be undone; it computes nothing.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack


if TYPE_CHECKING:
    from app.runner import Moment, Runner
    from engine.core.parameters import Parameter
    from engine.core.system import System

GESTURE = 400  # ms without a move that end a gesture of wheel and keys
FASTEST = 4096  # steps per frame


class Session(QObject):
    """One run as a person sees it: opened, changed, undone, restarted, paused.

    A gesture (a drag of a slider or of the dot) is one step of undo: it begins with the first
    `set` and ends with `commit`, or by itself after a moment of rest.
    """

    opened = Signal(str)  # the id of a system; parameters and values are there
    values_changed = Signal(dict)  # of all parameters, by name
    state_changed = Signal()  # running, pace or seed
    refused = Signal(str)  # one sentence: what was wrong, what is allowed

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._gallery: dict[str, type[System[Any]]] = {}
        self._before: dict[str, Any] = {}  # what the present gesture has changed, as it was
        self._gesture = QTimer(self, interval=GESTURE, singleShot=True)
        self._gesture.timeout.connect(self.commit)
        self._build = 0  # of the newest moment
        self._awaiting = False  # a structural change is under way
        self._held = False  # a mouse button is down: only its release ends the gesture
        self.undo_stack = QUndoStack(self)
        self.id = ""
        self.system: System[Any] | None = None
        self.parameters: dict[str, Parameter] = {}
        self.preset: dict[str, Any] = {}  # the values that ↺ and Ctrl+R go back to
        self.preset_name = ""
        self.seed = 0
        self.running = True
        self.pace = 4

    @property
    def gallery(self) -> dict[str, type[System[Any]]]:
        return self._gallery

    def show_gallery(self, gallery: dict[str, type[System[Any]]]) -> None:
        self._gallery = gallery

    @property
    def values(self) -> dict[str, Any]:
        """The value of every parameter, by name."""
        return {name: getattr(self.system, name) for name in self.parameters}

    def open(self, name: str, seed: int = 0, **values: Any) -> bool:
        """Run a system of the gallery from its beginning; False where that was refused."""
        from engine.core.parameters import parameters

        if name not in self._gallery:
            near = difflib.get_close_matches(name, self._gallery, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            known = ", ".join(self._gallery)
            self.refused.emit(f"There is no system {name!r}: there are {known}.{hint}")
            return False
        try:
            system = self._gallery[name]().replace(**values)
        except (TypeError, ValueError) as error:
            self.refused.emit(str(error))
            return False
        self._before, self._awaiting = {}, True
        self.undo_stack.clear()
        self.id, self.seed, self.system = name, seed, system
        self.parameters = parameters(system)
        self.preset = {n: p.default for n, p in self.parameters.items()}
        self.preset_name = ""
        self.pace = getattr(system, "pace", 4)
        self.running = True
        self._runner.open(system, seed)
        self._runner.set_pace(self.pace)
        self._runner.play(True)
        self.opened.emit(name)
        self.values_changed.emit(self.values)
        self.state_changed.emit()
        return True

    # Parameters.

    def set(self, **values: Any) -> bool:
        """Change parameters as part of the present gesture; False where that was refused."""
        if self.system is None:
            return False
        before = {name: getattr(self.system, name) for name in values if name in self.parameters}
        if not self._apply(values):
            return False
        for name, value in before.items():
            self._before.setdefault(name, value)
        if not self._held:
            self._gesture.start()
        return True

    def hold(self) -> None:
        """A button went down on a control: the gesture lasts until `commit`."""
        self._held = True
        self._gesture.stop()

    def commit(self) -> None:
        """End the gesture: what it changed is one step of undo."""
        self._gesture.stop()
        self._held = False
        before, self._before = self._before, {}
        after = {name: getattr(self.system, name) for name in before}
        changed = [name for name in before if before[name] is not after[name]]
        changed = [name for name in changed if _differ(before[name], after[name])]
        if changed:
            self.undo_stack.push(
                _Change(self, {n: before[n] for n in changed}, {n: after[n] for n in changed})
            )

    def choose_preset(self, name: str) -> None:
        """Take the values of a named preset; the empty name is the defaults."""
        self.commit()
        preset = {n: p.default for n, p in self.parameters.items()}
        for known in type(self.system).presets if self.system is not None else ():
            if known.name == name:
                preset |= known.values
        self.preset, self.preset_name = preset, name
        self.reset()

    def reset(self, *names: str) -> None:
        """Back to the values of the preset: all parameters, or these."""
        wanted = {n: v for n, v in self.preset.items() if not names or n in names}
        now = self.values
        self.set(**{n: v for n, v in wanted.items() if _differ(now[n], v)})
        self.commit()
        self.values_changed.emit(self.values)

    def undo(self) -> None:
        self.commit()
        self.undo_stack.undo()

    def redo(self) -> None:
        self.commit()
        self.undo_stack.redo()

    def _apply(self, values: dict[str, Any]) -> bool:
        if not values or self.system is None:
            return False
        try:
            self.system = self.system.replace(**values)
        except (TypeError, ValueError) as error:
            self.refused.emit(str(error))
            self.values_changed.emit(self.values)
            return False
        self._awaiting |= any(not self.parameters[name].span for name in values) or any(
            not self.parameters[name].traced for name in values
        )
        self._runner.set(**{name: getattr(self.system, name) for name in values})
        self.values_changed.emit(self.values)
        return True

    def follow(self, moment: Moment) -> None:
        """Adopt what the run did to itself: arrays that it made larger."""
        if moment.build != self._build:
            self._build, self._awaiting = moment.build, False
        if self._awaiting or self._before or type(moment.system) is not type(self.system):
            return
        grown = {
            name: getattr(moment.system, name)
            for name, parameter in self.parameters.items()
            if parameter.kind == "size" and getattr(moment.system, name) > self.values[name]
        }
        if grown and self.system is not None:
            self.system = self.system.replace(**grown)
            self.values_changed.emit(self.values)

    def turn_back(self, words: str, system: System[Any] | None) -> None:
        """What was asked could not be built: show the run as it still is, and say why."""
        self._awaiting = False
        if system is not None and type(system) is type(self.system):
            self.system = system
            self.values_changed.emit(self.values)
        self.refused.emit(words)

    # The run.

    def play(self, running: bool) -> None:
        self.running = running
        self._runner.play(running)
        self.state_changed.emit()

    def toggle(self) -> None:
        self.play(not self.running)

    def step(self) -> None:
        """One step forward; a running run is paused first."""
        if self.running:
            self.play(False)
        self._runner.step(1)

    def restart(self, *, new_seed: bool = False) -> None:
        self.set_seed(self.seed + 1 if new_seed else self.seed)

    def set_seed(self, seed: int) -> None:
        """Restart under this seed."""
        self.seed = seed
        self._runner.restart(seed)
        self.state_changed.emit()

    def set_pace(self, steps_per_frame: int) -> None:
        self.pace = min(max(1, steps_per_frame), FASTEST)
        self._runner.set_pace(self.pace)
        self.state_changed.emit()

    def metadata(self) -> dict[str, Any]:
        """What makes the present run again, as plain words and numbers."""
        return {
            "system": self.id,
            "parameters": {name: _plain(value) for name, value in self.values.items()},
            "seed": self.seed,
        }


class _Change(QUndoCommand):
    """Parameters that moved together."""

    def __init__(self, session: Session, before: dict[str, Any], after: dict[str, Any]) -> None:
        symbols = {n: session.parameters[n].symbol or n for n in before}
        words = (f"{symbols[n]} {_short(before[n])} → {_short(after[n])}" for n in before)
        super().__init__(", ".join(words))
        self._session, self._before, self._after = session, before, after
        self._done = True  # by the hand, before the command was made

    def redo(self) -> None:
        if not self._done:
            self._session._apply(self._after)
        self._done = True

    def undo(self) -> None:
        self._session._apply(self._before)
        self._done = False


def _differ(one: Any, other: Any) -> bool:
    if one is None or other is None or hasattr(one, "shape") or hasattr(other, "shape"):
        return one is not other
    return one != other


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if value is None or hasattr(value, "shape"):
        return "own" if value is not None else "none"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "shape"):
        return f"array of shape {tuple(value.shape)}"
    return list(value) if isinstance(value, tuple) else value
