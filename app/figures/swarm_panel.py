"""A swarm or a field: one picture in a closed frame, with words and scales on it."""

from dataclasses import replace

import numpy as np

from app.figures import raster, scene
from app.figures.colour_bar import draw_bar, room_of
from app.figures.page import Cell, Page
from app.figures.paint import span_of
from app.figures.panels import FramePanel, points_of
from app.figures.picture_marks import (
    draw_captions,
    draw_dividers,
    draw_ring,
    draw_scale_bar,
    draw_words,
)
from app.figures.print_look import look_in_print
from app.figures.style import MM, FigureStyle
from app.theme.colour_maps import table
from app.theme.tokens import colour, rgb


def draw(page: Page, panel: FramePanel, cell: Cell) -> None:
    left, top, width, height = cell
    bar = bar_of(panel)
    inner = width - beside(panel, page.style)
    shape = scene.aspect(panel.layers)
    # The frame has the shape of the world: a strip beside a box would be a second hairline.
    frame = min(inner, height / shape) - 0.2  # drawn centred on the edge of the axes
    inner, tall = frame + 0.2, frame * shape
    if len(page.figure.texts) == 0:  # alone on a page of another shape, it stands in the middle
        left += (width - beside(panel, page.style) - inner) / 2
    axes = page.axes(Cell(left + 0.1, top, frame, tall))
    columns = max(8, round(frame * MM * page.style.dpi))
    rows = max(8, round(tall * MM * page.style.dpi))
    views = scene.panels_of(panel.layers)
    cameras = [
        panel.camera
        or scene.camera_for(layers, azimuth=panel.azimuth, elevation=panel.elevation, fill=1.0)
        for layers in views
    ]
    picture = _picture(page, panel, views, cameras, columns, rows)
    axes.imshow(picture, extent=(0, columns, 0, rows), aspect="auto", interpolation="none")
    axes.set(xticks=[], yticks=[], xlim=(0, columns), ylim=(0, rows))
    if len(views) > 1:
        draw_dividers(page, axes, len(views), columns, rows)
    else:
        matrix = np.asarray(cameras[0].matrix(columns, rows), float)
        draw_words(page, axes, views[0], matrix, columns, rows)
        if page.style.scale_bar and scene.dimension(views[0]) == 2:
            draw_scale_bar(page, axes, views[0], cameras[0].pixel(columns, rows), inner, tall)
    draw_captions(page, axes, panel.layers, len(views), columns, rows)
    if panel.marked:
        draw_ring(page, axes, panel, inner, tall)
    if bar:
        name, scale, ends = bar
        points = points_of(panel)
        kind = None if points is None else look_in_print(page.style).points
        draw_bar(page, (left + inner + 0.9, top), tall, table(scale, name, kind), ends, name)


def beside(panel: FramePanel, style: FigureStyle) -> float:
    """Room at the right of a swarm for its colour bar."""
    bar = bar_of(panel)
    return room_of(style, bar[2]) if bar else 0.0


def bar_of(panel: FramePanel) -> tuple[str, str, tuple[float, float]] | None:
    """Name, scale and ends of the colours that need a bar."""
    if not panel.marked:
        return None
    points = points_of(panel)
    if points is not None:
        chosen = scene.shown_colour(points, panel.colouring)
        if chosen and chosen[1].scale in ("level", "signed"):
            name, found = chosen
            return (
                name,
                found.scale,
                span_of(np.asarray(found.value), found.scale, found.span),
            )
    for image in scene.named(panel.layers, "Image"):
        values = np.asarray(image.values)
        if image.scale in ("level", "signed") and len(np.unique(values)) > 2:
            return panel.name, image.scale, span_of(values, image.scale, image.span)
    return None


def _picture(
    page: Page, panel: FramePanel, views: list, cameras: list, columns: int, rows: int
) -> np.ndarray:
    style = replace(look_in_print(page.style), glow=panel.glow)

    def on(ground: np.ndarray) -> np.ndarray:
        paper = np.broadcast_to(ground, (rows, columns, 3)).astype(np.float32)
        return scene.tiled(views, columns, rows, paper, style, panel.colouring, cameras)

    if page.style.background != "transparent":
        tone = rgb(colour("stage", page.style.theme))
        return raster.bytes_of(on(tone))
    # What is the same on white and on black is opaque.
    on_white, on_black = on(np.ones(3)), on(np.zeros(3))
    alpha = np.clip(1 - (on_white - on_black).mean(axis=2, keepdims=True), 0, 1)
    own = np.where(alpha > 1e-3, on_black / np.maximum(alpha, 1e-3), 0)
    return raster.bytes_of(np.concatenate([own, alpha], axis=2))
