"""Colour bars that several panels share: one scale for all, and its bar once beside them."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from app.figures import scene, swarm_panel
from app.figures.colour_bar import draw_bar, room_of
from app.figures.page import Page
from app.figures.panels import FramePanel, Panel, points_of
from app.figures.print_look import look_in_print
from app.figures.style import FigureStyle
from app.theme.colour_maps import table


class SharedBar(NamedTuple):
    """A bar, and the first and last panel that it belongs to."""

    name: str
    scale: str
    ends: tuple[float, float]
    of_points: bool
    first: int
    last: int


def with_shared_bars(
    panels: list[Panel], style: FigureStyle
) -> tuple[list[Panel], list[SharedBar]]:
    """The panels with the bars that the style asks for, and those that stand beside them all."""
    if style.bars == "each":
        return panels, []
    out, bars = list(panels), []
    groups: dict[tuple[str, str], list[int]] = {}
    for k, panel in enumerate(panels):
        if isinstance(panel, FramePanel) and scene.in_space(panel.layers):
            found = swarm_panel.bar_of(panel)
            if style.bars == "none":
                out[k] = replace(panel, marked=False)
            elif found:
                groups.setdefault(found[:2], []).append(k)
            elif (ring := _ring(panel)) is not None:
                groups.setdefault((ring, "phase"), []).append(k)
    for (name, scale), members in groups.items():
        if len(members) == 1:
            continue
        of_group: list[Any] = [panels[k] for k in members]
        if scale == "phase":  # a ring stands in a panel: the first shows it for all
            for k in members[1:]:
                out[k] = replace(out[k], marked=False)
            continue
        every = [bar[2] for panel in of_group if (bar := swarm_panel.bar_of(panel))]
        ends = (min(low for low, _ in every), max(high for _, high in every))
        for k, panel in zip(members, of_group, strict=True):
            out[k] = replace(panel, layers=_spanned(panel, name, ends), marked=False)
        of_points = points_of(of_group[0]) is not None
        bars.append(SharedBar(name, scale, ends, of_points, members[0], members[-1]))
    return out, bars


def room_beside(bars: list[SharedBar], style: FigureStyle) -> float:
    """What the bars need at the right of the page, in mm."""
    return sum(room_of(style, bar.ends) for bar in bars)


def draw_shared(
    page: Page, bars: list[SharedBar], left: float, spans: list[tuple[float, float]]
) -> None:
    """Draw the bars from `left` on; `spans` are the top and the bottom of each panel, in mm."""
    for bar in bars:
        top, bottom = spans[bar.first][0], spans[bar.last][1]
        kind = look_in_print(page.style).points if bar.of_points else None
        shades = table(bar.scale, bar.name, kind)
        draw_bar(page, (left + 0.9, top), bottom - top, shades, bar.ends, bar.name)
        left += room_of(page.style, bar.ends)


def _ring(panel: FramePanel) -> str | None:
    """The name of the cyclic colouring that is shown."""
    points = points_of(panel)
    chosen = None if points is None else scene.shown_colour(points, panel.colouring)
    return chosen[0] if chosen and chosen[1].scale == "phase" else None


def _spanned(panel: FramePanel, name: str, ends: tuple[float, float]) -> tuple[Any, ...]:
    """The layers, their colours from one end of the shared scale to the other."""

    def spanned(layer: Any) -> Any:
        colours = getattr(layer, "colours", None)
        if colours and name in colours:
            return replace(layer, colours={**colours, name: replace(colours[name], span=ends)})
        if scene.kind(layer) == "Image" and layer.scale in ("level", "signed"):
            return replace(layer, span=np.asarray(ends, float))
        return layer

    if points_of(panel) is not None and swarm_panel.bar_of(panel):
        return tuple(layer if scene.kind(layer) == "Image" else spanned(layer)
                     for layer in panel.layers)  # fmt: skip
    return tuple(map(spanned, panel.layers))
