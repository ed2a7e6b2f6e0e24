"""Where the particles of a swarm were: what a view remembers of the frames it has seen.

No system has to keep a path for it: particles are told apart by their identity, or by their place
in the array where they keep it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from app.views.space import of_panel


FOLLOWED = 300  # particles whose paths are kept
MOMENTS = 40  # places that a path keeps behind the present one
STRIDE = 0.003  # of the world, that the typical particle moves from one of them to the next
LONGEST = 0.15  # of the world: what is behind that of a fast one would only cover the others
LEAP = 8.0  # usual times between two frames that may pass before paths begin anew


def by_identity(points: Any) -> np.ndarray:
    """Positions `[panel, identity, dim]`; not-a-number where nobody has that identity."""
    place = np.asarray(points.position)
    place = place.reshape(-1, *place.shape[-2:])
    if points.identity is None:
        return place
    who = np.broadcast_to(np.asarray(points.identity), place.shape[:2])
    sorted_ = np.full(
        (len(place), int(who.max(initial=-1)) + 1, place.shape[2]), np.nan, np.float32
    )
    for panel, (names, places) in enumerate(zip(who, place, strict=True)):
        sorted_[panel, names] = places
    return sorted_


def index_of(points: Any, who: int, panel: int = 0) -> int | None:
    """Where a particle stands in the arrays now."""
    if points.identity is None:
        return who if who < np.shape(points.position)[-2] else None
    found = np.flatnonzero(of_panel(points.identity, 1, panel) == who)
    return int(found[0]) if len(found) else None


def period_of(box: Any, panel: int = 0) -> np.ndarray | None:
    """The sides of a periodic box."""
    if box is None or not box.periodic:
        return None
    low, high = of_panel(box.low, 1, panel), of_panel(box.high, 1, panel)
    return np.asarray(high - low, float)


def shortest(apart: np.ndarray, period: np.ndarray | None) -> np.ndarray:
    """A difference of places, by the nearest periodic image."""
    return apart if period is None else apart - period * np.round(apart / period)


class Past:
    """Paths of some particles and the velocity of all, from frame to frame."""

    def __init__(self, followed: int = FOLLOWED, moments: int = MOMENTS) -> None:
        self._followed = followed
        self._paths: deque[np.ndarray] = deque(maxlen=moments)  # [panel, particle, dim] each
        self._head: np.ndarray | None = None  # the same now
        self._who = np.empty(0, int)
        self._last: np.ndarray | None = None
        self._now: float | None = None
        self._usual: float | None = None  # time between two frames
        self._period: np.ndarray | None = None
        self._world = 1.0
        self.velocity: np.ndarray | None = None  # [panel, identity, dim]; None at the beginning

    def forget(self) -> None:
        self._paths.clear()
        self._head = self._last = self._now = self._usual = self.velocity = None

    def see(self, points: Any, box: Any, now: float) -> None:
        """Take in a frame; one of the same time is none, and after a leap all begins anew."""
        place = by_identity(points)
        if self._last is not None and self._leaps(place, now):
            self.forget()
        if self._last is not None and self._now is not None:
            passed = now - self._now
            if passed == 0:
                return
            self._usual = passed if self._usual is None else 0.8 * self._usual + 0.2 * passed
            moved = shortest(place - self._last, period_of(box))
            self.velocity = moved / passed
        elif not len(self._paths):
            count = place.shape[1]
            self._who = np.unique(np.linspace(0, count - 1, min(count, self._followed)).astype(int))
        self._last, self._now = place, now
        self._head = head = place[:, self._who]
        self._period, self._world = period_of(box), _world(head, box)
        if not self._paths or self._stride(head, self._paths[-1]) > STRIDE:
            self._paths.append(head)

    def also(self, who: int) -> None:
        """Keep the path of this one too, from now on: of one fewer of the others."""
        known = self._last is not None and who < self._last.shape[1]
        if known and len(self._who) and who not in self._who:
            slot = len(self._who) // 2
            self._who[slot] = who
            for places in self._paths:
                places[:, slot] = np.nan  # where it was is not known
            assert self._last is not None
            self._head = self._last[:, self._who]

    def paths(self, *, panels: bool) -> np.ndarray | None:
        """`[moment, particle, dim]` of those that are followed, behind an axis of panels."""
        if self._head is None:
            return None
        whole = np.stack([*self._paths, self._head], axis=1)
        steps = np.linalg.norm(shortest(np.diff(whole, axis=1), self._period), axis=-1)
        behind = np.cumsum(np.nan_to_num(steps)[:, ::-1], axis=1)[:, ::-1]
        whole[:, :-1][behind > LONGEST * self._world] = np.nan
        return whole if panels else whole[0]

    @property
    def followed(self) -> np.ndarray:
        """Identities of those whose paths are kept."""
        return self._who

    def _leaps(self, place: np.ndarray, now: float) -> bool:
        assert self._last is not None
        assert self._now is not None
        passed = now - self._now
        far = self._usual is not None and passed > LEAP * self._usual
        return passed < 0 or far or place.shape != self._last.shape

    def _stride(self, now: np.ndarray, before: np.ndarray) -> float:
        """How far the typical particle has come, as a share of its world."""
        apart = np.linalg.norm(shortest(now - before, self._period), axis=-1)
        known = apart[np.isfinite(apart)]
        return float(np.median(known)) / self._world if len(known) else 0.0


def _world(place: np.ndarray, box: Any) -> float:
    """The longest side of the box, or else of the cloud."""
    if box is not None:
        return float(np.max(np.asarray(box.high) - np.asarray(box.low)))
    known = place[np.isfinite(place).all(axis=-1)]
    return max(float(np.max(np.ptp(known, axis=0))), 1e-12) if len(known) else 1.0
