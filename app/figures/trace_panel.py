"""An observable over time, and what theory says of it."""

from typing import Any

import numpy as np

from app.figures.axes import name_axes, worded
from app.figures.curves import thinned
from app.figures.line_names import name_line
from app.figures.page import Cell, Page
from app.figures.panels import Label, Trace


def draw(page: Page, trace: Trace, cell: Cell) -> None:
    axes = page.axes(cell)
    _draw_lines(page, axes, trace)
    page.settle(axes, cell)


def _draw_lines(page: Page, axes: Any, trace: Trace) -> None:
    t, values = np.asarray(trace.t, float), np.asarray(trace.values, float)
    line = None
    if trace.theory is not None:
        theory = np.broadcast_to(np.asarray(trace.theory, float), t.shape)
        if np.isfinite(theory).any():
            line = axes.plot(
                *thinned(t, theory), color=page.theory, lw=1.83 * page.style.line, zorder=3
            )[0]
    own = axes.plot(*thinned(t, values), color=page.measured, lw=1.1 * page.style.line)[0]
    known = np.flatnonzero(np.isfinite(values))
    if known.size:
        last = known[-1]
        axes.plot(t[last], values[last], "o", ms=2.6, mew=0, color=page.measured, zorder=5)
    name_axes(axes, Label(worded(trace.clock)), trace.label)
    axes.margins(x=0)
    if len(t) > 1:
        axes.set_xlim(t[0], t[-1] + 0.02 * (t[-1] - t[0]))
    if line is not None:
        name_line(page, axes, line, "theory", [own])
