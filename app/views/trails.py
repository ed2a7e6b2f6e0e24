"""Trails as strokes: where points have been, fading into the past."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


FADE = 1.5  # power of the age at which a trail fades: its older half is a hint


class Strands(NamedTuple):
    """The straight pieces of all trails."""

    tail: np.ndarray  # [pieces, dim]
    tip: np.ndarray
    ends: np.ndarray  # [pieces, 2]: what is left of the cover at both
    point: np.ndarray  # which point a piece belongs to


def strands(path: Any) -> Strands:
    """The pieces of `path[k, n, dim]`, oldest first."""
    path = np.asarray(path)
    steps, count, dim = path.shape
    left = np.linspace(0, 1, steps) ** FADE
    ends = np.stack([left[:-1], left[1:]], axis=1)
    return Strands(
        path[:-1].reshape(-1, dim),
        path[1:].reshape(-1, dim),
        np.repeat(ends, count, axis=0),
        np.tile(np.arange(count), steps - 1),
    )
