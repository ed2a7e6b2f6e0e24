"""Which cell of a map lies at a place, and what is known of it in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    from engine.core.maps import PhaseMap


LISTED = 6  # observables that are told of a cell


def nearest(values: np.ndarray, at: float) -> int | None:
    """The index of the cell that holds a value, or None outside of all."""
    half = (values[-1] - values[0]) / max(1, len(values) - 1) / 2 or 0.5
    if not values[0] - half <= at <= values[-1] + half:
        return None
    return int(np.argmin(np.abs(values - at)))


def told(
    found: PhaseMap,
    row: int,
    column: int,
    names: Mapping[str, str],
    predicted: np.ndarray | None,
) -> list[str]:
    """What was measured in a cell, with theory beside the map's own observable."""
    lines = []
    for name, (mean, error) in list(found.at(row, column).items())[:LISTED]:
        uncertain = f" ± {error:.2g}" if np.isfinite(error) else ""
        lines.append(f"{names.get(name, name)} {mean:.3f}{uncertain}")
        if name == found.observable and predicted is not None:
            theory = predicted[row, column]
            if np.isfinite(theory):
                lines.append(f"theory {theory:.3f}")
    if not np.isfinite(found.error[row, column]) and not found.measured[row, column]:
        lines.append("a first glance, yet to be measured")
    return lines
