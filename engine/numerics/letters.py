"""Letters as strokes of a pen, and clouds of points along them."""

import json
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from engine.resources import resource


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Strokes(NamedTuple):
    """Straight pieces of each letter, which is 1 high and about (0, 0); where none is left, 0."""

    start: Float[np.ndarray, "letters pieces 2"]
    along: Float[np.ndarray, "letters pieces 2"]
    until: Float[np.ndarray, "letters pieces"]  # share of the ink up to the end of a piece


@cache
def strokes() -> Strokes:
    held = json.loads(resource("letters.json").read_text("utf-8"))
    each = [
        np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in map(np.array, lines)])
        for lines in map(held.__getitem__, ALPHABET)
    ]
    most = max(map(len, each))
    pieces = np.stack([np.pad(one, ((0, most - len(one)), (0, 0), (0, 0))) for one in each])
    along = pieces[:, :, 1] - pieces[:, :, 0]
    until = np.cumsum(np.linalg.norm(along, axis=-1), axis=1)
    parts = pieces[:, :, 0], along, until / until[:, -1:]
    return Strokes(*(part.astype(np.float32) for part in parts))


def written(
    key: Key[Array, ""], which: Int[Array, " letters"], n: int
) -> Float[Array, "letters n 2"]:
    """For each letter (0 is A) n points on its strokes, as many on equal lengths."""
    start, along, until = (jnp.asarray(part)[which] for part in strokes())
    share = jax.random.uniform(key, (len(which), n))
    piece = jnp.sum(share[:, :, None] >= until[:, None, :-1], axis=-1)[..., None]

    def at(part: Array) -> Array:
        return jnp.take_along_axis(part, piece, axis=1)

    before = jnp.pad(until[:, :-1], ((0, 0), (1, 0)))[..., None]
    way = (share[..., None] - at(before)) / jnp.maximum(at(until[..., None]) - at(before), 1e-6)
    return at(start) + jnp.clip(way, 0, 1) * at(along)
