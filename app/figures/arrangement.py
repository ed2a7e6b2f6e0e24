"""Panels in rows on a page, each as high as what it shows asks for, with their letters."""

from app.figures import curve_panel, map_panel, plot_panel, scene, swarm_panel, trace_panel
from app.figures.page import Cell, Page
from app.figures.panels import FramePanel, MapPanel, Panel, ParameterCurve, Trace
from app.figures.shared_bars import draw_shared, room_beside, with_shared_bars
from app.figures.style import PT, FigureStyle


EDGE = 0.8  # mm around the page
GAP = 2.6  # mm between panels


def arranged(panels: list[Panel], style: FigureStyle) -> Page:
    """The page with all panels drawn on it."""
    panels, bars = with_shared_bars(panels, style)
    aside = room_beside(bars, style)
    lettered = style.letters and len(panels) > 1
    count = style.columns or min(len(panels), 3 if style.width >= 120 else 2)
    rows = [panels[k : k + count] for k in range(0, len(panels), count)]
    width = (style.width - 2 * EDGE - aside - (count - 1) * GAP) / count
    head = 1.55 * style.font * PT if lettered else 0.0
    heights = [_row_height(row, width, style) for row in rows]
    fixed = 2 * EDGE + len(rows) * head + (len(rows) - 1) * GAP
    if style.height is None:
        total = fixed + sum(heights)
    else:
        total = style.height
        scale = max(total - fixed, 5.0) / sum(heights)
        heights = [height * scale for height in heights]
    page = Page(style, total)
    top, letters = EDGE, iter("abcdefghijklmnopqrstuvwxyz")
    spans = []
    for row, height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            left = EDGE + column * (width + GAP)
            if lettered:
                page.write_letter(next(letters), left, top)
            _draw(page, panel, Cell(left, top + head, width, height))
            spans.append((top + head, top + head + height))
        top += head + height + GAP
    draw_shared(page, bars, style.width - EDGE - aside, spans)
    return page


def _row_height(row: list[Panel], width: float, style: FigureStyle) -> float:
    shapes = [
        scene.aspect(panel.layers) * (width - swarm_panel.beside(panel, style))
        for panel in row
        if isinstance(panel, FramePanel) and scene.in_space(panel.layers)
    ]
    if shapes:
        return max(shapes)
    square = any(isinstance(panel, MapPanel) for panel in row)
    return (0.86 if square else 0.74) * width


def _draw(page: Page, panel: Panel, cell: Cell) -> None:
    match panel:
        case FramePanel() if scene.in_space(panel.layers):
            swarm_panel.draw(page, panel, cell)
        case FramePanel():
            plot_panel.draw(page, panel, cell)
        case Trace():
            trace_panel.draw(page, panel, cell)
        case MapPanel():
            map_panel.draw(page, panel, cell)
        case ParameterCurve():
            curve_panel.draw(page, panel, cell)
