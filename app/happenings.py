"""What happened on the timelines of two runs since one last looked, as places to go between."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from app.wishes import Goal


if TYPE_CHECKING:
    from engine.core.timeline import Mark, Past, Position

JUMPS = ("restart", "poke")  # kinds of marks that gave a run another state


class Happening(NamedTuple):
    """An event that gave a run another state, or both; the places before and after it."""

    kind: str
    words: str
    before: Goal
    after: Goal


class Happenings:
    """Follows the marks of a run, and of the one beside it."""

    def __init__(self) -> None:
        self._marks: list[tuple[Mark, ...] | None] = [None, None]  # as last seen
        self._known: list[set[tuple[int, int, int]]] = [set(), set()]

    def forget_beside(self) -> None:
        """Another run is beside, or none: what happened to it so far is no news."""
        self._marks[1] = None

    def new(self, past: Past, other: Past | None) -> list[Happening]:
        """What was not there the last time; what happened to both at once is one."""
        found = []
        mine, beside = self._unseen(0, past), self._unseen(1, other)
        for mark in mine:
            both = next((m for m in beside if (m.step, m.kind) == (mark.step, mark.kind)), None)
            if both is not None:
                beside.remove(both)
            goals = (
                Goal(
                    position=_place(mark, events),
                    replays=False,
                    beside=None if both is None else _place(both, events),
                )
                for events in (0, 1)
            )
            found.append(Happening(mark.kind, mark.words, *goals))
        told = {_key(mark) for mark in past.marks}
        for mark in beside:
            if _key(mark) not in told:  # else it has become a copy of the first
                here = past.position.branch
                goals = (Goal(here, mark.step, beside=_place(mark, events)) for events in (0, 1))
                found.append(Happening(mark.kind, f"B: {mark.words}", *goals))
        return found

    def _unseen(self, row: int, past: Past | None) -> list[Mark]:
        if past is None or past.marks is self._marks[row]:
            return []
        first, known = self._marks[row] is None, self._known[row]
        new = [m for m in past.marks if m.kind in JUMPS and _key(m) not in known and not first]
        self._marks[row] = past.marks
        known.update(map(_key, past.marks))
        return new


def _key(mark: Mark) -> tuple[int, int, int]:
    return mark.branch, mark.step, mark.events


def _place(mark: Mark, events: int) -> Position:
    """Just before a mark, or behind its first event."""
    from engine.core.timeline import Position

    return Position(mark.branch, mark.step, mark.events + events)
