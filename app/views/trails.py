"""Trails as strokes: where points have been, fading into the past."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from app.views.past import shortest


FADE = 1.5  # power of the age at which a trail fades: its older half is a hint


class Strands(NamedTuple):
    """The straight pieces of all trails."""

    tail: np.ndarray  # [pieces, dim]
    tip: np.ndarray
    ends: np.ndarray  # [pieces, 2]: what is left of the cover at both
    point: np.ndarray  # which point a piece belongs to


def strands(path: Any, period: np.ndarray | None = None) -> Strands:
    """The pieces of `path[k, n, dim]`, oldest first.

    In a periodic box a piece that leaves it goes on outside, and does not cross all of it.
    """
    path = np.asarray(path)
    steps, count, dim = path.shape
    left = np.linspace(0, 1, steps) ** FADE
    ends = np.stack([left[:-1], left[1:]], axis=1)
    tail = path[:-1]
    tip = path[1:] if period is None else tail + shortest(path[1:] - tail, period)
    return Strands(
        tail.reshape(-1, dim),
        tip.reshape(-1, dim),
        np.repeat(ends, count, axis=0),
        np.tile(np.arange(count), steps - 1),
    )
