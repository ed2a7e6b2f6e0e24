"""Pictures of two tones, for memories that an eye can tell from noise."""

from functools import cache

import numpy as np
from jaxtyping import Float

from engine.resources import resource


def glyphs(side: int) -> Float[np.ndarray, "k side side"]:
    """Letters as ±1, row 0 at the bottom; any two agree in about half of their pixels.

    They are made by `docs/make_glyphs.py`.
    """
    drawn = _drawn()
    nearest = (np.arange(side) + 0.5) * drawn.shape[1] // side
    nearest = nearest.astype(int)
    return drawn[:, nearest][:, :, nearest]


@cache
def _drawn() -> Float[np.ndarray, "k side side"]:
    text = resource("glyphs.txt").read_text("utf-8")
    each = [[list(row) for row in one.split()] for one in text.strip().split("\n\n")]
    return np.where(np.array(each)[:, ::-1] == "#", 1.0, -1.0).astype(np.float32)
