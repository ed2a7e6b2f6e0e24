"""What is open: a system, its parameter values, its seed. Everything on the window reads this.

The session posts wishes to the runner and remembers what can be undone; it computes nothing.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from app.happenings import Happenings
from app.undo import Beside, Change, Jump, Visit


if TYPE_CHECKING:
    from app.runner import Moment, Runner
    from app.views.view import Hand
    from app.wishes import Goal
    from engine.core.about import Pair
    from engine.core.parameters import Parameter
    from engine.core.system import System
    from engine.core.timeline import Past, Position

GESTURE = 400  # ms without a move that end a gesture of wheel and keys
FASTEST = 4096  # steps per frame
ICONS = {"restart": "arrow-counter-clockwise", "poke": "hand-pointing"}  # of happenings
ROWS = {"A": (0,), "B": (1,), "both": (0, 1)}


class Session(QObject):
    """One run as a person sees it, or two beside each other: opened, changed, undone, rewound.

    A gesture (a drag of a slider or of the dot) is one step of undo: it begins with the first
    `set` and ends with `commit`, or by itself after a moment of rest.
    """

    opened = Signal(str)  # the id of a system; parameters and values are there
    values_changed = Signal(dict)  # of all parameters, by name
    state_changed = Signal()  # running, pace or seed
    rows_changed = Signal()  # one run or two, or which of them the parameters belong to
    refused = Signal(str)  # one sentence: what was wrong, what is allowed
    not_opened = Signal()  # what was opened cannot be built: another run still goes

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._gallery: Mapping[str, type[System[Any]]] = {}
        self._systems: list[System[Any]] = []  # of the run, and of the one beside it
        self._unseen: list[dict[str, Any]] = [{}, {}]  # asked, and in no moment yet
        self._before: list[dict[str, Any]] = [{}, {}]  # what the present gesture changed
        self._gesture = QTimer(self, interval=GESTURE, singleShot=True)
        self._gesture.timeout.connect(self.commit)
        self._build = 0  # of the newest moment
        self._opening: int | None = None  # the build that was shown when another was asked for
        self._held = False  # a mouse button is down: only its release ends the gesture
        self._seed_asked: int | None = None
        self._happenings = Happenings()
        self._structural: Change | None = None  # waits for its mark on the timeline
        self._left: Position | None = None  # where a walk along the timeline began
        self._numbers = itertools.count(1)
        self._number = 0  # of the run that is or was last beside
        self.undo_stack = QUndoStack(self)
        self.id = ""
        self.parameters: dict[str, Parameter] = {}
        self.preset: dict[str, Any] = {}  # the values that ↺ and Ctrl+R go back to
        self.preset_name = ""
        self.seed = 0
        self.running = True
        self.pace = 4
        self.focus = "A"  # whose parameters are shown: A, B or both
        self.past: Past | None = None  # the timeline as the newest moment tells it

    @property
    def gallery(self) -> Mapping[str, type[System[Any]]]:
        return self._gallery

    def show_gallery(self, gallery: Mapping[str, type[System[Any]]]) -> None:
        self._gallery = gallery

    @property
    def system(self) -> System[Any] | None:
        """The system under the hand: of the run, or of the one beside it that has the focus."""
        row = ROWS[self.focus][0]
        return self._systems[row] if row < len(self._systems) else None

    @property
    def systems(self) -> tuple[System[Any], ...]:
        """Of the run, and of the one beside it where there is one."""
        return tuple(self._systems)

    @property
    def comparing(self) -> bool:
        return len(self._systems) > 1

    @property
    def values(self) -> dict[str, Any]:
        """The value of every parameter, by name."""
        return {name: getattr(self.system, name) for name in self.parameters}

    def open(self, name: str, seed: int = 0, **values: Any) -> bool:
        """Run a system of the gallery from its beginning; False where that was refused."""
        if name not in self._gallery:
            near = difflib.get_close_matches(name, self._gallery, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            known = ", ".join(self._gallery)
            self.refused.emit(f"There is no system {name!r}: there are {known}.{hint}")
            return False
        try:
            kind = self._gallery[name]
        except Exception as error:  # a file of the user's may hold any mistake
            self.refused.emit(f"The file of {name!r} cannot be loaded; mend it first: {error}")
            return False
        try:
            system = kind().replace(**values)
        except (TypeError, ValueError) as error:
            self.refused.emit(str(error))
            return False
        self.adopt(name, system, seed, pace=getattr(system, "pace", 4), running=True)
        self._runner.open(system, seed)
        self._tell_runner()
        return True

    def adopt(
        self,
        name: str,
        system: System[Any],
        seed: int,
        *,
        pace: int,
        running: bool,
        beside: bool = False,
    ) -> None:
        """Show this system as what is open; who calls tells the runner."""
        from engine.core.parameters import parameters

        self._begin_anew()
        self.id, self.seed = name, seed
        self._systems = [system] * (2 if beside else 1)
        self._number = next(self._numbers)
        self.parameters = parameters(system)
        self.preset = {n: p.default for n, p in self.parameters.items()}
        self.preset_name = ""
        self.pace, self.running = pace, running
        self.opened.emit(name)
        self.values_changed.emit(self.values)
        self.rows_changed.emit()
        self.state_changed.emit()

    def _begin_anew(self) -> None:
        self._gesture.stop()
        self._before, self._unseen = [{}, {}], [{}, {}]
        self._held, self._seed_asked, self._structural, self._left = False, None, None, None
        self._happenings = Happenings()
        self.focus, self.past = "A", None
        self.await_another()

    def await_another(self) -> None:
        """What is asked for now replaces what is shown, as soon as it is there."""
        self._opening = self._build

    @property
    def opening(self) -> bool:
        """Whether something is asked for that was not seen yet."""
        return self._opening is not None

    def _tell_runner(self) -> None:
        self._runner.set_pace(self.pace)
        self._runner.play(self.running)

    # Parameters.

    def set(self, **values: Any) -> bool:
        """Change parameters as part of the present gesture; False where that was refused."""
        if self.system is None:
            return False
        for row in self._rows():
            system = self._systems[row]
            before = {name: getattr(system, name) for name in values if name in self.parameters}
            if not self.apply(values, row):
                return False
            self._before[row] = before | self._before[row]
        if not self._held:
            self._gesture.start()
        return True

    def _rows(self) -> tuple[int, ...]:
        return tuple(row for row in ROWS[self.focus] if row < len(self._systems))

    def hold(self) -> None:
        """A button went down on a control: the gesture lasts until `commit`."""
        self._held = True
        self._gesture.stop()

    def commit(self) -> None:
        """End the gesture: what it changed is one step of undo."""
        self._gesture.stop()
        self._held = False
        gestures, self._before = self._before, [{}, {}]
        changes = [self._change(row, gesture) for row, gesture in enumerate(gestures)]
        changes = [change for change in changes if change is not None]
        if len(changes) == 2:
            self.undo_stack.beginMacro(changes[0].text())
        for change in changes:
            self.undo_stack.push(change)
        if len(changes) == 2:
            self.undo_stack.endMacro()

    def _change(self, row: int, before: dict[str, Any]) -> Change | None:
        """A step of undo; a structural one waits for its event on the timeline."""
        if row >= len(self._systems):
            return None
        after = {name: getattr(self._systems[row], name) for name in before}
        moved = [name for name in before if differ(before[name], after[name])]
        if not moved:
            return None
        change = Change(self, row, {n: before[n] for n in moved}, {n: after[n] for n in moved})
        if any(self.parameters[name].restarts for name in moved):
            self._structural = change
            return None
        return change

    def choose_preset(self, name: str, locked: set[str] | None = None) -> None:
        """Take the values of a named preset, but for what is locked; no name is the defaults."""
        self.commit()
        self.name_preset(name)
        self.reset(*(n for n in self.preset if n not in (locked or ())))

    def name_preset(self, name: str) -> None:
        """What ↺ goes back to; nothing is changed. A name that is not known is the defaults."""
        self.preset, self.preset_name = {n: p.default for n, p in self.parameters.items()}, ""
        for known in type(self.system).presets if self.system is not None else ():
            if known.name == name:
                self.preset, self.preset_name = self.preset | known.values, name

    def reset(self, *names: str) -> None:
        """Back to the values of the preset: all parameters, or these."""
        wanted = {n: v for n, v in self.preset.items() if not names or n in names}
        now = self.values
        self.set(**{n: v for n, v in wanted.items() if differ(now[n], v)})
        self.commit()
        self.values_changed.emit(self.values)

    def undo(self) -> None:
        self.commit()
        if self._structural is not None:  # not even built yet
            change, self._structural = self._structural, None
            change.undo()
            return
        self.undo_stack.undo()

    def redo(self) -> None:
        self.commit()
        self.undo_stack.redo()

    def apply(self, values: dict[str, Any], row: int = 0) -> bool:
        """Change parameters of a row, without a step of undo."""
        if not values or row >= len(self._systems):
            return False
        try:
            system = self._systems[row].replace(**values)
        except (TypeError, ValueError) as error:
            self.refused.emit(str(error))
            self.values_changed.emit(self.values)
            return False
        self._systems[row] = system
        plain = {name: getattr(system, name) for name in values}
        self._unseen[row] |= plain
        if row:
            self._runner.set(row=row, **plain)
        else:
            self._runner.set(**plain)
        self.values_changed.emit(self.values)
        return True

    # Two runs beside each other.

    def compare(self, on: bool) -> None:
        """Run a second row under the same noise, from the present state; or go on with A alone."""
        if not self._systems or on == self.comparing:
            return
        self.commit()
        values: dict[str, Any] = {}
        if on:
            self._number = next(self._numbers)
        else:
            one, other = self._systems
            free = [n for n, p in self.parameters.items() if not p.restarts]
            pairs = {n: (getattr(one, n), getattr(other, n)) for n in free}
            values = {n: there for n, (mine, there) in pairs.items() if differ(mine, there)}
        self.put_beside(on, self._number)
        self.undo_stack.push(Beside(self, on, self._number, values))

    def put_beside(self, on: bool, number: int, values: dict[str, Any] | None = None) -> None:
        """Show a second run, or the first alone; one of a known number comes back with `values`."""
        self._systems = [self._systems[0]] * (2 if on else 1)
        self._unseen[1], self.focus = {}, "B" if on else "A"
        self._happenings.forget_beside()
        self._number = number
        self._runner.compare(on, number)
        if on and values:
            self.apply(values, 1)
        self.values_changed.emit(self.values)
        self.rows_changed.emit()

    def poke(self, name: str, hand: Hand | None = None, row: int | None = None) -> None:
        """Let a hand act: on the run whose picture it is in; a button, on those that are chosen."""
        if not self.comparing:
            self._runner.poke(name, hand)
        elif row is None or self.focus == "both":
            self._runner.poke(name, hand, self._rows())
        else:
            self._runner.poke(name, hand, (row,))

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """What the system says is worth comparing."""
        return () if self.system is None else type(self.system).pairs

    def choose_pair(self, name: str) -> None:
        """Give A and B the settings of a named pair, as one step of undo."""
        pair = next((pair for pair in self.pairs if pair.name == name), None)
        if pair is None:
            return
        self.commit()
        alone = not self.comparing
        if alone:
            self.undo_stack.beginMacro(f"A | B: {name}")
            self.compare(True)
        for row, values in enumerate((pair.a, pair.b)):
            self._before[row] = {n: getattr(self._systems[row], n) for n in values}
            self.apply(dict(values), row)
        self.commit()
        if alone:
            self.undo_stack.endMacro()

    def set_focus(self, focus: str) -> None:
        """Whose parameters are under the hand: A, B or both."""
        if self.comparing and focus in ROWS and focus != self.focus:
            self.commit()
            self.focus = focus
            self.values_changed.emit(self.values)
            self.rows_changed.emit()

    # What the run tells.

    def follow(self, moment: Moment) -> None:
        """Adopt what the run did by itself: arrays that it made larger, and a past gone back to."""
        if self._opening is not None and moment.build == self._opening:
            return  # of what was open before
        self._build, self._opening = moment.build, None
        self.past = moment.past
        told = [moment.system] + ([moment.other.system] if moment.other is not None else [])
        changed = [self._adopt(row, system) for row, system in enumerate(told)]
        if any(changed):
            self.values_changed.emit(self.values)
        self._follow_seed(moment.seed)
        self._follow_marks(moment.past, None if moment.other is None else moment.other.past)

    def _adopt(self, row: int, told: System[Any]) -> bool:
        """Whether a system that the run tells of differs in what nobody has just asked for."""
        if row >= len(self._systems) or type(told) is not type(self._systems[row]):
            return False
        unseen, mine = self._unseen[row], self._systems[row]
        if told is mine and not unseen:
            return False
        moved = {}
        for name in self.parameters:
            value = getattr(told, name)
            if name in unseen and differ(value, unseen[name]):
                continue
            unseen.pop(name, None)
            if name not in self._before[row] and differ(value, getattr(mine, name)):
                moved[name] = value
        if moved:
            self._systems[row] = mine.replace(**moved)
        return bool(moved)

    def _follow_seed(self, seed: int) -> None:
        if self._seed_asked is not None and seed != self._seed_asked:
            return
        self._seed_asked = None
        if seed != self.seed:
            self.seed = seed
            self.state_changed.emit()

    def _follow_marks(self, past: Past, other: Past | None) -> None:
        """What gave a run another state is a step of undo as soon as it stands on its line."""
        for new in self._happenings.new(past, other):
            with_it = self._structural if new.kind == "restart" else None
            words, icon = new.words, ICONS[new.kind]
            if with_it is not None:
                self._structural, words, icon = None, with_it.text(), "wrench"
            self.undo_stack.push(Jump(self, words, icon, new.before, new.after, with_it))

    def turn_back(self, words: str, system: System[Any] | None) -> None:
        """What was asked could not be built: show the run as it still is, and say why."""
        self._unseen, self._structural = [{}, {}], None
        if self.opening:
            self.not_opened.emit()
        elif system is not None and self._systems and type(system) is type(self._systems[0]):
            self._systems[0] = system
            self.values_changed.emit(self.values)
        self.refused.emit(words)

    # The timeline.

    def seek(self, branch: int, step: int) -> None:
        """Go to a place while the hand moves; `arrive` ends the walk."""
        if self.past is not None:
            self.commit()
            if self._left is None:
                self._left = self.past.position
            self.visit(branch, step)

    def arrive(self) -> None:
        """The hand let go: the walk is one step of undo."""
        left, self._left = self._left, None
        if left is None or self._sought is None or self._sought == (left.branch, left.step):
            return
        branch, step = self._sought
        there = left._replace(branch=branch, step=step)
        self.undo_stack.push(Visit(self, f"step {left.step} → {step}", left, there))

    def go(self, branch: int, step: int) -> None:
        """Go to a place at once, as a step of undo."""
        self.seek(branch, step)
        self.arrive()

    _sought: tuple[int, int] | None = None

    def visit(self, branch: int, step: int) -> None:
        """Go to a step of a branch; what was recorded there is replayed when the run goes on."""
        self._sought = branch, step
        self._unseen = [{}, {}]
        self._runner.seek(step, branch)

    def jump(self, goal: Goal) -> None:
        """Go to a place, and go on from there anew."""
        self._unseen, self._seed_asked = [{}, {}], None
        self._runner.travel(goal)

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

    def step_back(self) -> None:
        """One step back along the timeline, paused."""
        if self.running:
            self.play(False)
        if self.past is not None and self.past.position.step > 0:
            self.visit(self.past.position.branch, self.past.position.step - 1)

    def restart(self, *, new_seed: bool = False) -> None:
        self.set_seed(self.seed + 1 if new_seed else self.seed)

    def set_seed(self, seed: int) -> None:
        """Restart under this seed."""
        self.commit()
        self.seed = self._seed_asked = seed
        self._runner.restart(seed)
        self.state_changed.emit()

    def set_pace(self, steps_per_frame: int) -> None:
        self.pace = min(max(1, steps_per_frame), FASTEST)
        self._runner.set_pace(self.pace)
        self.state_changed.emit()

    def metadata(self) -> dict[str, Any]:
        """What makes the present run again, as plain words and numbers."""
        from app.figures.metadata import values_of

        values = {} if self.system is None else values_of(self.system)
        return {"system": self.id, "parameters": values, "seed": self.seed}


def differ(one: Any, other: Any) -> bool:
    """Whether two values of a parameter are not the same; arrays are told apart by identity."""
    if one is None or other is None or hasattr(one, "shape") or hasattr(other, "shape"):
        return one is not other
    return one != other
