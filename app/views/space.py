"""Where the layers of a view lie: of what dimension, and between which corners. Needs no Qt."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


MANY = 50  # points above which the outermost do not decide what is shown
MARGIN = 0.04  # of the extent, on each side


def kind(layer: Any) -> str:
    return type(layer).__name__


def named(layers: Iterable[Any], *kinds: str) -> list[Any]:
    """The layers of these kinds. By name, so that drawing needs no JAX."""
    return [layer for layer in layers if kind(layer) in kinds]


def dimension(layers: Sequence[Any]) -> int:
    """2 or 3: of the space that the layers lie in."""
    for layer in layers:
        match kind(layer):
            case "Points" | "Text":
                return np.shape(layer.position)[-1]
            case "Box":
                return np.shape(layer.low)[-1]
            case "Arrows":
                return np.shape(layer.tail)[-1]
            case "Trails":
                return np.shape(layer.path)[-1]
            case "Segments":
                return np.shape(layer.start)[-1]
            case "Image" if layer.onto == "sphere":
                return 3
    return 2


def extent(layers: Sequence[Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """The corners of what there is to see, or None where there is nothing.

    The view's box, or all that lies in it: of many points all but the outermost, for one that
    flies away would make the others small.
    """
    boxes = named(layers, "Box")
    if boxes:
        low, high = np.asarray(boxes[0].low, float), np.asarray(boxes[0].high, float)
        return (low, high) if low.ndim == 1 else (low.min(axis=0), high.max(axis=0))
    if any(kind(layer) == "Image" and layer.onto == "sphere" for layer in layers):
        return np.full(3, -1.0), np.full(3, 1.0)
    clouds = [cloud for layer in layers for cloud in _places(layer)]
    if not clouds:
        return None
    dim = max(cloud.shape[-1] for cloud in clouds)
    flat = [cloud.reshape(-1, cloud.shape[-1]) for cloud in clouds]
    whole = np.concatenate([np.pad(c, ((0, 0), (0, dim - c.shape[1]))) for c in flat])
    whole = whole[np.isfinite(whole).all(axis=1)]
    if not len(whole):
        return None
    if named(layers, "Image"):  # cells fill their view to its edges
        return whole.min(axis=0), whole.max(axis=0)
    ends = (0.005, 0.995) if len(whole) > MANY else (0.0, 1.0)
    low, high = np.quantile(whole, ends, axis=0)
    margin = MARGIN * max(float((high - low).max()), 1e-6)
    return low - margin, high + margin


def _places(layer: Any) -> list[np.ndarray]:
    """All points that a layer touches."""
    match kind(layer):
        case "Points" | "Text":
            return [np.asarray(layer.position, float)]
        case "Arrows":
            tail = np.asarray(layer.tail, float)
            return [tail, tail + np.asarray(layer.vector, float)]
        case "Trails":
            return [np.asarray(layer.path, float)]
        case "Segments":
            return [np.asarray(layer.start, float), np.asarray(layer.end, float)]
        case "Image":
            rows, columns = np.shape(layer.values)[-2:]
            return [np.array([[0.0, 0.0], [columns, rows]])]
    return []


def of_panel(array: Any, ndim: int, panel: int) -> np.ndarray:
    """The part of an array that belongs to a panel; an array without panels belongs to all."""
    array = np.asarray(array)
    return array[min(panel, len(array) - 1)] if array.ndim > ndim else array


def panels_of(layer: Any) -> int:
    """How many panels a layer has; 1 where it belongs to all of them."""
    match type(layer).__name__:
        case "Points" | "Text":
            array, ndim = layer.position, 2
        case "Arrows":
            array, ndim = layer.tail, 2
        case "Trails":
            array, ndim = layer.path, 3
        case "Segments":
            array, ndim = layer.start, 2
        case "Image":
            array, ndim = layer.values, 2
        case "Box":
            array, ndim = layer.low, 1
        case _:
            return 1
    return np.shape(array)[0] if np.ndim(array) > ndim else 1


def caption_of(captions: Any, panel: int) -> str:
    """The word of a panel, and its number."""
    which = panel
    if captions.which is not None:
        which = int(of_panel(captions.which, 0, panel))
    word = captions.words[which] if which < len(captions.words) else ""
    if captions.value is None:
        return word
    value = float(of_panel(captions.value, 0, panel))
    number = f"{value:.2f}".replace("-", "\u2212") if np.isfinite(value) else "–"
    return f"{word} {number}".strip()
