"""An observable over a parameter: theory as lines, measurement as points, the run as a dot."""

import math
from typing import Any

import numpy as np

from app.figures.axes import name_axes
from app.figures.line_names import name_line
from app.figures.page import Cell, Page
from app.figures.panels import ParameterCurve
from app.theme.tokens import colour


def draw(page: Page, panel: ParameterCurve, cell: Cell) -> None:
    axes = page.axes(cell)
    _draw_lines(page, axes, panel)
    page.settle(axes, cell)


def _draw_lines(page: Page, axes: Any, panel: ParameterCurve) -> None:
    guides = _draw_guides(page, axes, panel)
    theory = _draw_theory(page, axes, panel)
    points = _draw_measured(page, axes, panel)
    for value in panel.critical:
        axes.axvline(value, color=page.theory, lw=0.9 * page.style.line, ls=(0, (1, 1.8)))
    _draw_run(page, axes, panel)
    axes.margins(x=0.01)
    name_axes(axes, panel.x_label, panel.y_label)
    for name, line in (*guides, *theory):
        name_line(page, axes, line, name, points)


def _draw_guides(page: Page, axes: Any, panel: ParameterCurve) -> list[tuple[str, Any]]:
    """Faint lines to compare with, and their names."""
    look_of = {"color": page.ink, "lw": 0.9 * page.style.line, "ls": (0, (4, 2)), "alpha": 0.6}
    return [(name, axes.plot(panel.x, y, **look_of)[0]) for name, y in panel.guides.items()]


def _draw_theory(page: Page, axes: Any, panel: ParameterCurve) -> list[tuple[str, Any]]:
    """Lines with their names; where theory is silent there is none."""
    lines = []
    for k, (name, y) in enumerate(panel.theory.items()):
        y = np.broadcast_to(np.asarray(y, float), np.shape(panel.x))
        if np.isfinite(y).any():
            dashes = "-" if k == 0 else (0, (4, 2))
            wide = (1.83 if k == 0 else 1.33) * page.style.line
            lines.append((name, axes.plot(panel.x, y, color=page.theory, lw=wide, ls=dashes)[0]))
    return lines


def _draw_measured(page: Page, axes: Any, panel: ParameterCurve) -> list[Any]:
    """Points with bars of two standard errors."""
    if panel.measured is None:
        return []
    x, mean, error = (np.asarray(part, float) for part in panel.measured)
    bars = axes.errorbar(
        x,
        mean,
        yerr=2 * np.nan_to_num(error),
        fmt="o",
        ms=2.2,
        mew=0,
        color=page.measured,
        elinewidth=page.style.line,
        capsize=1.1,
        capthick=page.style.line,
    )
    return [bars[0]]


def _draw_run(page: Page, axes: Any, panel: ParameterCurve) -> None:
    if not panel.run:
        return
    x, mean, error = panel.run
    blue = colour("accent_fill", page.style.theme)
    error = 0.0 if not math.isfinite(error) else error
    axes.errorbar(x, mean, yerr=2 * error, fmt="none", ecolor=blue, elinewidth=page.style.line)
    axes.plot(x, mean, "o", ms=5.0, mew=0.8, mec=blue, mfc="none", zorder=6)
    axes.plot(x, mean, "o", ms=2.4, mew=0, color=blue, zorder=7)
