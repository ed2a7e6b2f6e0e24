"""Everything that happens to a run, in order: one timeline, and the branches it grows.

A run is a system, a seed and a timeline. Noise depends on the seed and the tick alone, so the
events below, each at its step, say what a run is at any step, bit for bit on the same device.

A place is told by a `Position`: how many steps were taken since the beginning of the session, and
how many events had happened. Steps are not ticks: a restart sets the tick back to 0, while steps go
on, so that steps order all that ever happened on a line. (Without restarts the two are the same.)

Branches share their pasts. Steps and events are counted along the whole line of a branch, from the
beginning of the session through its ancestors.
"""

from __future__ import annotations

import bisect
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np

from engine.core.parameters import Parameter, parameters
from engine.core.system import System, Touch


GESTURE = 64  # steps between two changes of the same parameter that are still one gesture
MARKS = 400  # marks that are told of: a strip of the screen shows no more


class Position(NamedTuple):
    """A place on the timeline: the line it is on, steps taken, events that have happened."""

    branch: int
    step: int
    events: int


class Set(NamedTuple):
    """Parameters took other values, and the state went on from where it was."""

    step: int
    values: Mapping[str, Any]


class Restart(NamedTuple):
    """A fresh state was drawn under this seed, after these parameters had changed."""

    step: int
    seed: int
    values: Mapping[str, Any]


class Stroke(NamedTuple):
    """A touch in plain numbers, of the precision that it acts with."""

    position: tuple[float, ...]
    drag: tuple[float, ...]
    radius: float
    sign: float

    @classmethod
    def of(cls, touch: Touch) -> Self:
        """What there is to remember of a touch."""
        position, drag = (np.asarray(v, np.float32).tolist() for v in touch[:2])
        radius, sign = (float(np.float32(value)) for value in touch[2:])
        return cls(tuple(position), tuple(drag), radius, sign)

    @property
    def touch(self) -> Touch:
        """The same touch again, in arrays of one type: nothing compiles twice."""
        arrays: Any = (np.asarray(value, np.float32) for value in self)
        return Touch(*arrays)


class Poke(NamedTuple):
    """A poke of this name acted on the state, the so-many-th one at its tick."""

    step: int
    name: str
    stroke: Stroke | None
    order: int


class Grow(NamedTuple):
    """Arrays were made larger, the new room empty."""

    step: int
    sizes: Mapping[str, int]


Event = Set | Restart | Poke | Grow


class Stem(NamedTuple):
    """A branch, as a picture of the tree needs it."""

    branch: int
    parent: int | None
    step: int  # where it leaves its parent
    end: int  # the last step that was ever reached on it


class Mark(NamedTuple):
    """An event to be shown; many changes of one gesture are one mark.

    `Position(mark.branch, mark.step, mark.events)` is the place just before it.
    """

    branch: int
    step: int
    events: int
    kind: str  # "set", "restart", "poke", "grow"
    words: str


class Past(NamedTuple):
    """All that a window shows of the timeline at an instant."""

    branches: tuple[Stem, ...]
    position: Position
    end: int  # of the line that the run is on: behind it, the run replays
    marks: tuple[Mark, ...]
    kept: int  # bytes of checkpoints
    budget: int  # bytes they may take
    checkpoints: int
    seeking: bool = False  # on the way to a place that was asked for


@dataclass
class Branch:
    """What happened on a branch since it left its parent."""

    parent: int | None = None
    step: int = 0  # where it leaves its parent, ...
    first: int = 0  # ... and after how many events of the line
    events: list[Event] = field(default_factory=list)
    end: int = 0  # the last step that was reached

    @property
    def count(self) -> int:
        """Events of the whole line to the tip."""
        return self.first + len(self.events)


class Timeline:
    """A system as it was opened, and all that happened since, on every branch."""

    def __init__(self, system: System[Any], seed: int) -> None:
        self.system = system
        self.seed = seed
        self.branches = [Branch()]
        self._known = parameters(system)
        self._marks: dict[int, list[Mark]] = {0: []}  # of each branch
        self._told: tuple[tuple[int, int, int], tuple[Mark, ...]] = ((-1, -1, -1), ())

    # Reading.

    def tip(self, branch: int) -> Position:
        """The end of a branch."""
        return Position(branch, self._branch(branch).end, self._branch(branch).count)

    def is_tip(self, position: Position) -> bool:
        return position == self.tip(position.branch)

    def at(self, step: int, branch: int) -> Position:
        """The place at a step of a line, after all that happened there."""
        end = self._branch(branch).end
        if not 0 <= step <= end:
            raise ValueError(f"Step {step} is not on this line: it goes from 0 to {end}.")
        for number, last in self.line(self.tip(branch)):
            part = self.branches[number]
            # A child that leaves at this very step may have events there too: its own come last.
            if part.parent is None or step >= part.step:
                events = part.events[: last.events - part.first]
                after = bisect.bisect_right(events, step, key=lambda event: event.step)
                return Position(branch, step, part.first + after)
        raise AssertionError("Every line begins at step 0.")

    def check(self, position: Position) -> Position:
        """The same place, or an error that says what is wrong with it."""
        tip = self.tip(position.branch)
        position = Position(*map(int, position))
        if not (0 <= position.step <= tip.step and 0 <= position.events <= tip.events):
            raise ValueError(
                f"Branch {position.branch} has no step {position.step} after {position.events} "
                f"events: it goes to step {tip.step} with {tip.events} events."
            )
        before = self.event(position._replace(events=position.events - 1))
        after = self.event(position)
        if (before and before.step > position.step) or (after and after.step < position.step):
            raise ValueError(
                f"Branch {position.branch} never was at step {position.step} after "
                f"{position.events} events: go to a step, `back_to({position.step})`."
            )
        return position

    def line(self, position: Position) -> Iterator[tuple[int, Position]]:
        """The branches that lead to a place, the youngest first, and how far each is followed."""
        number: int | None = position.branch
        while number is not None:
            yield number, position
            part = self.branches[number]
            number = part.parent
            if number is not None:
                position = Position(
                    number, min(position.step, part.step), min(position.events, part.first)
                )

    def owner(self, position: Position) -> Position:
        """The same place on the oldest branch that has it."""
        part = self.branches[position.branch]
        while part.parent is not None and (
            position.step <= part.step and position.events <= part.first
        ):
            position = position._replace(branch=part.parent)
            part = self.branches[part.parent]
        return position

    def leads_to(self, owned: Position, goal: Position) -> bool:
        """Whether the way to `goal` passes a place (given as its `owner`)."""
        return any(
            number == owned.branch and owned.step <= last.step and owned.events <= last.events
            for number, last in self.line(goal)
        )

    def event(self, position: Position) -> Event | None:
        """What happens next on the line of a place; None behind the last event."""
        index = position.events
        if index < 0:
            return None
        for number, _ in self.line(self.tip(position.branch)):
            part = self.branches[number]
            if index >= part.first:
                own = index - part.first
                return part.events[own] if own < len(part.events) else None
        return None

    def events(self, position: Position, first: int = 0) -> list[Event]:
        """All that happened on the way to a place, or from the `first` event on."""
        found: list[Event] = []
        for number, last in self.line(position):
            part = self.branches[number]
            if last.events <= first:
                break
            found[:0] = part.events[max(0, first - part.first) : max(0, last.events - part.first)]
        return found

    def pokes(self, position: Position) -> int:
        """How many pokes there were at this very tick: the next one needs noise of its own."""
        count = 0
        while position.events > 0:
            position = position._replace(events=position.events - 1)
            event = self.event(position)
            if event is None or event.step != position.step or isinstance(event, Restart):
                break
            count += isinstance(event, Poke)
        return count

    def system_at(self, position: Position) -> System[Any]:
        """The system with the values it has at a place."""
        values: dict[str, Any] = {}
        for event in self.events(position):
            values |= _values(event)
        return self.system.replace(**values)

    def birth(self, goal: Position) -> tuple[Position, System[Any], int]:
        """Where the state that leads to a place was drawn, from which system, under which seed."""
        events = self.events(goal)
        last = next((k for k in reversed(range(len(events))) if type(events[k]) is Restart), -1)
        if last < 0:
            return Position(goal.branch, 0, 0), self.system, self.seed
        event = events[last]
        assert isinstance(event, Restart)
        system = self.system_at(goal._replace(step=event.step, events=last + 1))
        return Position(goal.branch, event.step, last + 1), system, event.seed

    def marks(self, position: Position) -> tuple[Mark, ...]:
        """The newest events of all branches that lead here, and of what lies ahead, in words."""
        known = (position.branch, len(self.branches), self.tip(position.branch).events)
        if known != self._told[0]:
            found: list[Mark] = []
            for number, last in self.line(self.tip(position.branch)):
                found[:0] = [m for m in self._marks[number] if m.events < last.events]
            self._told = (known, tuple(found[-MARKS:]))
        return self._told[1]

    def last_act(self, position: Position) -> Position | None:
        """The place just before what the hand did last on the way to a place."""
        for mark in reversed(self.marks(position)):
            if mark.kind != "grow" and mark.events < position.events:
                return Position(mark.branch, mark.step, mark.events)
        return None

    def stems(self) -> tuple[Stem, ...]:
        return tuple(
            Stem(number, part.parent, part.step, part.end)
            for number, part in enumerate(self.branches)
        )

    # Writing: at tips only.

    def record(self, position: Position, event: Event) -> Position:
        """Add an event to the tip of a branch, and return the new tip."""
        part = self.branches[position.branch]
        mark = _mark(self._known, position, event)
        marks = self._marks[position.branch]
        if marks and _goes_on(marks[-1], mark, part.events[-1] if part.events else None):
            marks[-1] = marks[-1]._replace(words=mark.words)
        else:
            marks.append(mark)
        self._told = ((-1, -1, -1), ())
        part.events.append(event)
        return position._replace(events=part.count)

    def reach(self, position: Position) -> None:
        """Steps were taken on a branch."""
        part = self.branches[position.branch]
        part.end = max(part.end, position.step)

    def fork(self, position: Position) -> Position:
        """Begin a branch at a place, and return that place on it."""
        start = self.owner(position)
        self.branches.append(
            Branch(start.branch, start.step, start.events, [], start.step),
        )
        number = len(self.branches) - 1
        self._marks[number] = []
        return Position(number, start.step, start.events)

    def copy(self) -> Timeline:
        """The same past, which goes on by itself."""
        other = copy.copy(self)
        other.branches = [replace(part, events=part.events.copy()) for part in self.branches]
        other._marks = {number: marks.copy() for number, marks in self._marks.items()}
        return other

    def upto(self, position: Position) -> Timeline:
        """A timeline of its own that holds the one line to a place, without branches."""
        other = Timeline(self.system, self.seed)
        place = Position(0, 0, 0)
        for event in self.events(position):
            place = other.record(place._replace(step=event.step), event)
        other.branches[0].end = position.step
        return other

    def rebuilt(self, branches: list[Branch]) -> Timeline:
        """The same beginning with these branches, read from a file."""
        other = Timeline(self.system, self.seed)
        other.branches = []
        for number, part in enumerate(branches):
            other._marks[number] = []
            other.branches.append(
                Branch(part.parent, part.step, part.first, [], part.end),
            )
            for event in part.events:
                other.record(Position(number, event.step, other.branches[number].count), event)
        return other

    def _branch(self, number: int) -> Branch:
        if not 0 <= number < len(self.branches):
            raise ValueError(
                f"There is no branch {number}: there are {len(self.branches)}, counted from 0."
            )
        return self.branches[number]


def same(one: Any, other: Any) -> bool:
    """Whether two values of a parameter are the same; arrays are compared by what they hold."""
    if one is other:
        return True
    if hasattr(one, "shape") or hasattr(other, "shape"):
        return (
            hasattr(one, "shape")
            and hasattr(other, "shape")
            and one.dtype == other.dtype
            and np.array_equal(one, other)
        )
    return one == other


def changes(before: System[Any], after: System[Any]) -> dict[str, Any]:
    """The parameters that differ between two systems of a class, as they are afterwards."""
    return {
        name: getattr(after, name)
        for name in parameters(before)
        if not same(getattr(before, name), getattr(after, name))
    }


def _values(event: Event) -> Mapping[str, Any]:
    """The values that parameters take by an event."""
    match event:
        case Set(_, values) | Restart(_, _, values) | Grow(_, values):
            return values
    return {}


def _goes_on(last: Mark, new: Mark, before: Event | None) -> bool:
    """Whether a mark belongs to the gesture of the one before it."""
    return (
        last.kind == new.kind == "set"
        and before is not None
        and new.step - before.step <= GESTURE
        and _names(last) == _names(new)
    ) or (
        last.kind == new.kind == "poke"
        and last.words == new.words
        and before is not None
        and new.step - before.step <= GESTURE
    )


def _names(mark: Mark) -> list[str]:
    return [part.split(" = ")[0] for part in mark.words.split(", ")]


def _mark(known: Mapping[str, Parameter], position: Position, event: Event) -> Mark:
    def told(values: Mapping[str, Any]) -> str:
        return ", ".join(f"{known[n].symbol or n} = {short(v)}" for n, v in values.items())

    match event:
        case Set(_, values):
            kind, words = "set", told(values)
        case Restart(_, seed, values):
            kind, words = "restart", told(values) or f"restart, seed {seed}"
        case Poke(_, name, _, _):
            kind, words = "poke", name.replace("_", " ")
        case Grow(_, sizes):
            kind, words = "grow", told(sizes)
    return Mark(position.branch, event.step, position.events, kind, words)


def short(value: Any) -> str:
    """A value in few letters."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if hasattr(value, "shape"):
        return "×".join(map(str, value.shape)) + " numbers"
    if value is None:
        return "none"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
