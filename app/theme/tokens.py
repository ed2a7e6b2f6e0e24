"""The tokens of the look, read without Qt: figures, videos and thumbnails need no window."""

import json
from functools import cache
from typing import Any

import numpy as np

from engine.resources import resource


@cache
def tokens() -> dict[str, Any]:
    """The tokens of `resources/tokens.json`."""
    return json.loads(resource("tokens.json").read_text("utf-8"))


def colour(name: str, theme: str = "light") -> str:
    """A token's colour, as #rrggbb."""
    return tokens()["themes"][theme][name]


def rgb(hexed: str) -> np.ndarray:
    """Red, green and blue of #rrggbb, from 0 to 1."""
    return np.array([int(hexed[k : k + 2], 16) for k in (1, 3, 5)], np.float32) / 255
