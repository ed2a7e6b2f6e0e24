"""Axes of numbers: their names, scales, ticks and ends."""

from typing import Any

import numpy as np

from app.figures.panels import Label
from app.figures.words import axis_label, mathtext


def name_axes(axes: Any, x: Label, y: Label) -> None:
    """Labels, scales and ends of the axes of an observable."""
    axes.set_xlabel(axis_label(x.words, x.symbol, x.unit), labelpad=1.5)
    axes.set_ylabel(axis_label(y.words, y.symbol, y.unit), labelpad=1.5)
    if y.span and not y.log:
        low, high = y.span
        axes.set_ylim(low, high + 0.05 * (high - low))
    elif not y.log:
        # No zoom into the noise of what does not move.
        bottom, top = axes.get_ylim()
        if top - bottom < 1e-6 * max(abs(top), 1e-12):
            axes.set_ylim(bottom - 0.05 * abs(bottom) - 1e-9, top + 0.05 * abs(top) + 1e-9)
    scale_axes(axes, ("x" if x.log else "") + ("y" if y.log else ""))


def scale_axes(axes: Any, log: str) -> None:
    """Linear or logarithmic (`log` holds x, y or both), with few ticks."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    for side, axis, limits in (
        ("x", axes.xaxis, axes.dataLim.intervalx),
        ("y", axes.yaxis, axes.dataLim.intervaly),
    ):
        lowest = axes.dataLim.minposx if side == "x" else axes.dataLim.minposy
        if side in log and np.isfinite(lowest) and limits[1] > 0:
            (axes.set_xscale if side == "x" else axes.set_yscale)("log")
            if limits[1] / lowest > 30:
                axis.set_major_locator(LogLocator(numticks=5))
                axis.set_minor_formatter(NullFormatter())
            else:
                axis.set_major_locator(MaxNLocator(3))
                axis.set_minor_locator(MaxNLocator(1))
                axis.set_major_formatter(_short_tick)
                axis.set_minor_formatter(NullFormatter())
        else:
            axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
            axis.set_major_formatter(_short_tick)
    axes.tick_params(which="both", top=False, right=False)


def worded(label: str) -> str:
    """A label of a layer: its symbols are mathematics, its words stay words."""

    def is_symbol(word: str) -> bool:
        return (len(word) == 1 and word.isalpha() and word not in "aI") or "_" in word

    words = " ".join(mathtext(word) if is_symbol(word) else word for word in label.split(" "))
    if "$" in words:  # beside mathematics no other font lends what Inter has not
        words = words.replace("⟨", r"$\langle$").replace("⟩", r"$\rangle$")
    return words


def _short_tick(value: float, _: int = 0) -> str:
    return "0" if abs(value) < 1e-12 else f"{value:.5g}".replace("-", "−")
