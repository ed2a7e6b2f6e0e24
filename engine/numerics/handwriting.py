"""Handwritten digits as vectors of pixels, and their covariance.

They are measured ones: see `resources/data/NOTICES.md`.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from engine.numerics.shapes import measured


SIDE = 8  # pixels
INK = 16.0  # of a full pixel


class Digits(NamedTuple):
    """Pixels centred, all divided by one number: their variance is 1 on average over pixels."""

    pixels: Float[np.ndarray, "n d"]
    digit: Float[np.ndarray, " n"]  # 0 to 9
    mean: Float[np.ndarray, " d"]  # in units of ink, as `unit`
    unit: float
    covariance: Float[np.ndarray, "d d"]
    spectrum: Float[np.ndarray, " d"]  # its eigenvalues, the largest first

    def ink(self, pixels: Float[Array, "n d"]) -> Float[Array, "n side side"]:
        """As pictures again, row 0 at the bottom."""
        return (pixels * self.unit + self.mean).reshape(len(pixels), SIDE, SIDE)


@cache
def digits() -> Digits:
    """All 400 of them, 40 of each, in an order that tells nothing."""
    order = np.random.default_rng(0).permutation(400)
    ink = measured("digits", "ink").reshape(-1, SIDE**2)[order]
    mean = ink.mean(axis=0)
    unit = float(np.sqrt(np.mean((ink - mean) ** 2)))
    pixels = (ink - mean) / unit
    covariance = pixels.T @ pixels / len(pixels)
    values = np.linalg.eigvalsh(covariance.astype(np.float64))[::-1]
    return Digits(
        pixels,
        measured("digits", "digit")[order],
        mean,
        unit,
        covariance,
        np.maximum(values, 0).astype(np.float32),  # some pixels of the rim never hold ink: 0
    )
