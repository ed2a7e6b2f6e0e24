"""The branches of a run as lines beside each other: which lane each takes, where it forks.

The branch that is followed, with all that it grew from, is the straight line in the middle; every
other branch leaves it, or another, at the step where it began.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, cast


LANES = 3  # to each side of the middle
ROOM = 0.02  # of the length, between the end of a branch and the start of its neighbour

Kind = Literal["set", "restart", "poke", "grow"]


class Branch(NamedTuple):
    """A run of steps that was lived once."""

    id: int
    parent: int | None  # what it grew from; a beginning grew from nothing
    fork: int  # step at which it began
    tip: int  # step to which it got


class Mark(NamedTuple):
    """Something that was done to the run."""

    branch: int
    step: int
    kind: Kind
    words: str


class Stroke(NamedTuple):
    """A branch as it is drawn: from its fork on the lane of its parent to its tip on its own."""

    branch: Branch
    lane: int  # 0 is the middle, above it are negative ones
    leaves: int  # the lane that it leaves; its own where it leaves none


def path(branches: Mapping[int, Branch], end: int) -> list[Branch]:
    """From the beginning to this branch."""
    found: list[Branch] = []
    at: int | None = end
    while at is not None and at in branches:
        found.append(branches[at])
        at = branches[at].parent
    return found[::-1]


def parting(branches: Mapping[int, Branch], one: int, other: int) -> int:
    """The last step to which two branches are one."""
    first, second = path(branches, one), path(branches, other)
    shared = 0
    while shared < min(len(first), len(second)) and first[shared].id == second[shared].id:
        shared += 1
    leaving = [line[shared].fork for line in (first, second) if shared < len(line)]
    return min(leaving, default=first[-1].tip if first else 0) if shared else 0


def arranged(branches: Sequence[Branch], present: int) -> list[Stroke]:
    """A lane for each branch, the nearest that is free; what finds none shares the outermost.

    Of a branch that the present one has left, what came after the fork is a line of its own.
    """
    known = {branch.id: branch for branch in branches}
    main = path(known, present)
    room = ROOM * max((branch.tip for branch in branches), default=1)
    left = {one.id: other.fork for one, other in pairwise(main)}
    rests = [known[id]._replace(fork=fork) for id, fork in left.items() if known[id].tip > fork]
    others = [branch for branch in branches if branch.id not in {each.id for each in main}]
    strokes = [Stroke(branch, 0, 0) for branch in main]
    taken: dict[int, list[tuple[float, float]]] = {}
    lanes: dict[int, int] = {}
    for branch in sorted([*rests, *others], key=lambda branch: (branch.id, branch.fork)):
        parent = branch.parent
        grows = branch.id not in left and parent is not None
        # From the straight line, unless its parent has a lane and it left that one later.
        beside = grows and branch.fork > left.get(cast(int, parent), -1)
        base = lanes.get(cast(int, parent), 0) if beside else 0
        span = (branch.fork - room, branch.tip + room)
        lane = next(
            (
                lane
                for lane in _outwards(base)
                if all(span[1] < low or high < span[0] for low, high in taken.get(lane, []))
            ),
            LANES if base >= 0 else -LANES,
        )
        taken.setdefault(lane, []).append(span)
        lanes[branch.id] = lane
        strokes.append(Stroke(branch, lane, base))
    return strokes


def _outwards(base: int) -> list[int]:
    """Lanes in the order in which a child of this lane tries them."""
    if base == 0:
        return [lane for k in range(1, LANES + 1) for lane in (-k, k)]
    side = 1 if base > 0 else -1
    return [side * k for k in range(abs(base) + 1, LANES + 1)]
