"""States of a run that were kept on the way: dense in the recent past, sparse in the far one.

What lies between two of them is run again, so that they cost memory and buy time, and nothing else
depends on them.
"""

import copy
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from engine.core.stepping import Run
from engine.core.system import System
from engine.core.timeline import Position, Timeline


BUDGET = 2**30  # bytes
ON_DEVICE = 0.25  # of the budget, where a device has memory of its own
MOST = 1000  # however small they are: so many are looked through in a millisecond
EVERY = 0.05  # s of stepping between two of them, or
SHARE = 0.01  # so much of the time for keeping them, where a copy is slow


class Clock(NamedTuple):
    """From when on time goes at one pace: it does not depend on how steps were taken together."""

    time: float
    tick: int

    def at(self, tick: int, pace: float) -> float:
        return self.time + (tick - self.tick) * pace


class Snapshot(NamedTuple):
    """All that a run is at an instant: from here it goes on as it did, bit for bit."""

    system: System[Any]
    run: Run[Any]  # a copy: no step consumes it
    seed: int
    clock: Clock
    timeline: Timeline
    position: Position

    @property
    def tick(self) -> int:
        return int(self.run.tick)

    @property
    def time(self) -> float:
        return self.clock.at(self.tick, float(self.system.tick))

    @property
    def size(self) -> int:
        """Bytes of the state."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self.run))


class Checkpoints:
    """A ring of snapshots within a budget of memory.

    Where room runs out, the one goes that is missed least: whose neighbours lie close together,
    measured by how long ago it was kept. What is left is spaced in proportion to its age.
    """

    def __init__(self, budget: int = BUDGET, *, on_device: int | None = None) -> None:
        self.budget = budget
        self.every = EVERY  # s of stepping; infinity keeps none
        separate = jax.default_backend() != "cpu"
        self.on_device: float = on_device if on_device is not None else math.inf
        if on_device is None and separate:
            self.on_device = ON_DEVICE * budget
        self._size, self._cost = -1, 0.0  # of the newest one: bytes, and s that it took
        self._kept: list[Snapshot] = []  # in the order they were made
        self._sizes: list[int] = []
        self._serials: list[int] = []  # the how-manyth each one was
        self._made = 0
        self.bytes = 0
        self._hosted = 0  # the first so many lie in the memory of the host

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def interval(self) -> float:
        """Seconds of stepping between two of them."""
        return max(self.every, self._cost / SHARE)

    def keep(self, take: Callable[[], Snapshot]) -> None:
        """Take one and make room for it, and mind how long that takes."""
        began = time.perf_counter()
        snapshot = take()
        jax.block_until_ready(snapshot.run)
        if snapshot.size != self._size:
            # The first of its size was compiled perhaps: the second one tells the cost.
            self._size, began = snapshot.size, time.perf_counter()
            jax.block_until_ready(take().run)
        self._cost = time.perf_counter() - began
        owned = snapshot.timeline.owner(snapshot.position)
        snapshot = snapshot._replace(position=owned)
        if any(kept.position == owned for kept in self._kept[-8:]):
            return
        self._kept.append(snapshot)
        self._sizes.append(snapshot.size)
        self._serials.append(self._made)
        self._made += 1
        self.bytes += self._sizes[-1]
        self.trim()

    def nearest(self, goal: Position) -> Snapshot | None:
        """The last one on the way to a place."""
        found = None
        for kept in self._kept:
            if (found is None or kept.position[1:] > found.position[1:]) and (
                kept.timeline.leads_to(kept.position, goal)
            ):
                found = kept
        return found

    def trim(self) -> None:
        """Let go of what does not fit; the newest one stays, however large it is."""
        while len(self._kept) > 1 and (self.bytes > self.budget or len(self._kept) > MOST):
            self._drop(self._least_missed())
        self._move_to_host()

    def clear(self) -> None:
        self._kept, self._sizes, self._serials = [], [], []
        self.bytes = self._hosted = 0

    def copy(self, timeline: Timeline) -> "Checkpoints":
        """The same states, which are not changed, of the copy of a timeline."""
        other = copy.copy(self)
        other._kept = [kept._replace(timeline=timeline) for kept in self._kept]
        other._sizes, other._serials = self._sizes.copy(), self._serials.copy()
        return other

    def _least_missed(self) -> int:
        """Of all but the newest one."""
        last = len(self._kept) - 1
        order = sorted(range(len(self._kept)), key=lambda k: self._kept[k].position)
        best, least = 0, math.inf
        for place, k in enumerate(order):
            if k == last:
                continue
            here = self._kept[k].position
            before = self._kept[order[place - 1]].position if place else None
            after = self._kept[order[place + 1]].position if place + 1 < len(order) else None
            start = before.step if before and before.branch == here.branch else 0
            # The last one of a branch is the way back to its tip.
            end = after.step if after and after.branch == here.branch else 2 * here.step + 1
            missed = (end - start) / (self._serials[last] - self._serials[k])
            if missed < least:
                best, least = k, missed
        return best

    def _drop(self, k: int) -> None:
        self.bytes -= self._sizes[k]
        del self._kept[k], self._sizes[k], self._serials[k]
        self._hosted -= k < self._hosted

    def _move_to_host(self) -> None:
        """Older ones leave the device, so that a system has its memory."""
        held = sum(self._sizes[self._hosted :])
        while held > self.on_device and self._hosted < len(self._kept) - 1:
            kept = self._kept[self._hosted]
            self._kept[self._hosted] = kept._replace(run=jax.device_get(kept.run))
            held -= self._sizes[self._hosted]
            self._hosted += 1
