"""The members of a swarm that stand best for all: k medoids, found beside the window's thread.

Some of the particles are looked at, always the same ones. From one search to the next a medoid goes
along with its particle; where points are drawn anew, the one nearest to its place takes over.
"""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

import numpy as np

from app.views.past import shortest


SAMPLED = 400  # particles that are looked at: a pass over them takes some hundredths of a second
FEWEST, USUAL, MOST = 2, 6, 20  # medoids
PAUSE = 0.25  # seconds from one search to the next
PASSES = 3  # over all candidates, in a search that begins where the last one ended
LEAP = 0.08  # of the extent: who moves farther in a frame is somebody else
RING = 0.014  # radius of a medoid's ring, as a share of the swarm's extent
TURN = np.linspace(0, 2 * np.pi, 25)
CIRCLE = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
COLOURS = 8  # categories that an eye can tell apart


class Stars(NamedTuple):
    """Lines from each medoid to those it stands for, and its ring; a number says whose it is."""

    start: np.ndarray  # [panel, line, 2]
    end: np.ndarray
    medoid: np.ndarray  # [panel, line]


class Standing(NamedTuple):
    """The medoids of a panel, among those who are looked at, and where they were last seen."""

    who: np.ndarray  # [medoid]
    place: np.ndarray  # [medoid, 2]


class Medoids:
    """Searches in a thread of its own, one search at a time."""

    def __init__(self) -> None:
        self.count = USUAL
        self._now: list[Standing] = []  # of each panel
        self._made: tuple[int, list[Standing]] | None = None  # by a search that is over, its turn
        self._sampled: np.ndarray | None = None
        self._work: threading.Thread | None = None
        self._turn = 0  # a search of an earlier one has come too late
        self._last = 0.0

    def forget(self) -> None:
        self._now, self._made = [], None
        self._turn += 1

    def change(self, by: int) -> None:
        """More or fewer of them."""
        self.count = int(np.clip(self.count + by, FEWEST, MOST))
        self.forget()

    def see(self, place: np.ndarray, period: np.ndarray | None, world: float) -> None:
        """Take in positions `[panel, identity, 2]`."""
        alive = np.flatnonzero(np.isfinite(place).all(axis=(0, 2)))
        if not len(alive):
            self.forget()
            return
        if self._sampled is None or not np.isin(self._sampled, alive).all():
            at = np.linspace(0, len(alive) - 1, min(SAMPLED, len(alive))).astype(int)
            self._sampled = alive[at]
            self.forget()
        some = place[:, self._sampled].astype(float)
        if len(self._now) != len(some):
            self.forget()
            self._now = [_begun(panel, period, self.count) for panel in some]
            self._last = 0.0
        made, self._made = self._made, None
        known = made[1] if made is not None and made[0] == self._turn else self._now
        panels = zip(some, known, strict=True)
        self._now = [_followed(panel, before, period, LEAP * world) for panel, before in panels]
        rested = time.monotonic() - self._last > PAUSE
        if rested and len(self._sampled) > self.count and not self.is_searching:
            work = (some, period, self._now, self._turn)
            self._work = threading.Thread(target=self._search, args=work, daemon=True)
            self._work.start()

    @property
    def is_searching(self) -> bool:
        return self._work is not None and self._work.is_alive()

    def _search(
        self, some: np.ndarray, period: np.ndarray | None, begun: list[Standing], turn: int
    ) -> None:
        from engine.numerics.medoids import distances, improved

        made = []
        for place, before in zip(some, begun, strict=True):
            found = improved(distances(place, period), before.who, PASSES)
            made.append(Standing(found.medoids, place[found.medoids]))
        self._made = turn, made
        self._last = time.monotonic()

    def stars(self, place: np.ndarray, period: np.ndarray | None, world: float) -> Stars | None:
        """None where there is nobody."""
        if not self._now:
            return None
        some = place[:, self._sampled]
        start, end, which = [], [], []
        for panel, (_, hub) in zip(some, self._now, strict=True):
            apart = shortest(panel[:, None] - hub, period)
            one = (apart**2).sum(axis=-1).argmin(axis=1)
            own = hub[one]
            spokes = own + apart[np.arange(len(panel)), one]
            ring = hub[:, None] + RING * world * CIRCLE
            number = np.arange(len(hub))
            start.append(np.concatenate([own, ring[:, :-1].reshape(-1, 2)]))
            end.append(np.concatenate([spokes, ring[:, 1:].reshape(-1, 2)]))
            which.append(np.concatenate([one, np.repeat(number, len(TURN) - 1)]))
        start, end = (np.stack(lines).astype(np.float32) for lines in (start, end))
        return Stars(start, end, np.stack(which).astype(np.float32) % COLOURS)


def _followed(
    place: np.ndarray, before: Standing, period: np.ndarray | None, leap: float
) -> Standing:
    """The same medoids a frame later, or who stands in their places now."""
    moved = np.linalg.norm(shortest(place[before.who] - before.place, period), axis=1)
    away = (shortest(place[:, None] - before.place, period) ** 2).sum(axis=-1)
    who = np.where(moved < leap, before.who, away.argmin(axis=0))
    return Standing(who, place[who])


def _begun(place: np.ndarray, period: np.ndarray | None, count: int) -> Standing:
    """Where a search begins: medoids far from each other."""
    from engine.numerics.medoids import distances, spread_out

    who = spread_out(distances(place, period), count)
    return Standing(who, place[who])
