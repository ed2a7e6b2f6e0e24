"""Values as red, green and blue, in floats that light is added up in."""

import numpy as np

from app.theme.colour_maps import Medium, natural_span, table


def span_of(value: np.ndarray, scale: str, span: tuple[float, float] | None) -> tuple[float, float]:
    """The ends of a colour scale: the declared ones, or those of the data without outliers."""
    return natural_span(value, scale) if span is None else (float(span[0]), float(span[1]))


def painted(
    value: np.ndarray,
    scale: str,
    span: tuple[float, float] | None = None,
    name: str = "",
    points: Medium | None = None,
) -> np.ndarray:
    """Each value as red, green, blue; what is not a number is the middle grey."""
    value = np.asarray(value, np.float32)
    missing = ~np.isfinite(value)
    known = np.where(missing, 0, value)
    if scale == "category":
        index = known.astype(int) % 256
        points = None  # the colours of categories read on both grounds
    else:
        low, high = span_of(value, scale, span)
        share = (known - low) / (high - low)
        share = share % 1 if scale == "phase" else share.clip(0, 1)
        index = (share * 255 + 0.5).astype(int)
    colours = table(scale, name, points)[index]
    return np.where(missing[..., None], np.float32(0.5), colours)
