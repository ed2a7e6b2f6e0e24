"""A phase diagram: cells, lines of theory over them, and the run as a dot."""

from typing import Any

import numpy as np

from app.figures.axes import scale_axes
from app.figures.colour_bar import draw_bar, room_of
from app.figures.line_names import name_line
from app.figures.page import Cell, Page
from app.figures.paint import span_of
from app.figures.panels import MapPanel
from app.figures.words import axis_label
from app.theme.colour_maps import about_zero, map_table
from app.theme.tokens import colour


DASHES = {"spinodal": (0, (4, 2)), "guide": (0, (1, 1.6))}  # by the kind of a line


def draw(page: Page, panel: MapPanel, cell: Cell) -> None:
    ends = _span(panel)
    inner = cell._replace(width=cell.width - room_of(page.style, ends))
    axes = page.axes(inner)
    _draw_cells(page, axes, panel)
    page.settle(axes, inner)
    box = axes.get_position()
    draw_bar(
        page,
        (box.x1 * page.width + 1.0, (1 - box.y1) * page.height),
        box.height * page.height,
        map_table(signed=panel.z.signed),
        ends,
        axis_label(panel.z.words, panel.z.symbol, panel.z.unit),
    )


def _span(panel: MapPanel) -> tuple[float, float]:
    ends = panel.z.span or span_of(np.asarray(panel.map.mean), "level", None)
    return about_zero(*ends) if panel.z.signed else ends


def _draw_cells(page: Page, axes: Any, panel: MapPanel) -> None:
    from matplotlib.colors import ListedColormap

    found = panel.map
    low, high = _span(panel)
    missing = colour("line", page.style.theme)
    shades = ListedColormap(map_table(signed=panel.z.signed)).with_extremes(bad=missing)
    axes.pcolormesh(
        _edges(found.x.values, found.x.log),
        _edges(found.y.values, found.y.log),
        np.ma.masked_invalid(found.mean),
        cmap=shades,
        vmin=low,
        vmax=high,
        rasterized=True,
        antialiased=False,
    )
    axes.set_xlabel(axis_label(panel.x.words, panel.x.symbol, panel.x.unit), labelpad=1.5)
    axes.set_ylabel(axis_label(panel.y.words, panel.y.symbol, panel.y.unit), labelpad=1.5)
    scale_axes(axes, ("x" if found.x.log else "") + ("y" if found.y.log else ""))
    axes.set_xlim(*_edges(found.x.values, found.x.log)[[0, -1]])
    axes.set_ylim(*_edges(found.y.values, found.y.log)[[0, -1]])
    _draw_names(page, axes, panel)
    _draw_theory(page, axes, panel)
    if panel.path is not None:
        rim = {"color": colour("stage", "dark"), "lw": 2.4 * page.style.line}
        axes.plot(*panel.path.T, zorder=5, **rim)
        axes.plot(*panel.path.T, zorder=5, color="white", lw=1.2 * page.style.line)
    if panel.dot:
        dark, blue = colour("stage", "dark"), colour("accent_fill", "dark")
        axes.plot(*panel.dot, "o", ms=6.2, mew=0, color=dark, zorder=6)
        axes.plot(*panel.dot, "o", ms=4.4, mew=0.9, mec="white", color=blue, zorder=7)


def _draw_names(page: Page, axes: Any, panel: MapPanel) -> None:
    """The phases, each where it has most room."""
    from matplotlib import patheffects

    rim = [patheffects.withStroke(linewidth=1.6, foreground=colour("stage", "dark"))]
    for name, place in panel.regions.items():
        axes.text(
            *place,
            name,
            ha="center",
            va="center",
            color="white",
            size=page.style.font,
            path_effects=rim,
            zorder=5,
        )


def _draw_theory(page: Page, axes: Any, panel: MapPanel) -> None:
    """Lines with a dark rim, to be seen on every colour of the cells."""
    from matplotlib import patheffects

    dark, amber = colour("stage", "dark"), colour("theory", "dark")
    lines: list[tuple[int, str, Any]] = []  # with how many points they have
    for name, line in panel.lines.items():
        x, y = np.asarray(line.x, float), np.asarray(line.y, float)
        known = int(np.sum(np.isfinite(x) & np.isfinite(y)))
        if not known:
            continue
        rim = patheffects.withStroke(linewidth=4.2 * page.style.line, foreground=dark)
        look_of = {"color": amber, "lw": 2 * page.style.line, "path_effects": [rim]}
        point = {"marker": "o", "ms": 4 * page.style.line} if known == 1 else {}
        (drawn,) = axes.plot(x, y, ls=DASHES.get(line.kind, "-"), **look_of, **point)
        lines.append((known, name, drawn))
    # Clear of all lines, so they are all there; a point has the fewest places for its name.
    for _, name, drawn in sorted(lines, key=lambda line: line[0]):
        name_line(page, axes, drawn, name, rim=dark, tone=amber)


def _edges(values: np.ndarray, log: bool) -> np.ndarray:
    """The edges of cells around values."""
    values = np.log(values) if log else np.asarray(values, float)
    if len(values) == 1:
        edges = np.array([values[0] - 0.5, values[0] + 0.5])
    else:
        inner = (values[1:] + values[:-1]) / 2
        edges = np.concatenate([[2 * values[0] - inner[0]], inner, [2 * values[-1] - inner[-1]]])
    return np.exp(edges) if log else edges
