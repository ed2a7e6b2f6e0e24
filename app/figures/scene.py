"""A frame's layers as a picture, seen by a camera: swarms, strokes and images in one raster."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.figures import paint, raster
from app.figures.clouds import TRAIL, trail_strokes, with_slice
from app.theme import tokens
from app.theme.colour_maps import Medium
from app.views.camera import FILL, Camera2D, Camera3D
from app.views.space import dimension, extent, kind, named


FLAT = {  # axes of each array of a layer that is not a row of panels
    "Points": {"position": 2, "radius": 0, "identity": 1},
    "Arrows": {"tail": 2, "vector": 2},
    "Trails": {"path": 3},
    "Segments": {"start": 2, "end": 2},
    "Curve": {"x": 1, "y": 1},
    "Bars": {"edges": 1, "height": 1},
    "Image": {"values": 2, "height": 0},
    "Box": {"low": 1, "high": 1},
    "Text": {"position": 2},
}
SPACE = ("Points", "Arrows", "Trails", "Segments", "Image", "Text")
MOST_IMAGES = 5  # copies of a periodic box along each axis
OUTSIDE = 0.3  # strength of periodic images


@dataclass(frozen=True)
class Look:
    """How a scene is drawn: on which ground, and how large a point may be, in pixels."""

    dark: bool
    smallest: float  # radius of a grain
    largest: float
    line: float  # width of a stroke
    glow: bool = True  # points add up as light or ink; False draws solid discs
    comets: bool = False  # moving points leave a tail
    halo: float = 0.55

    @property
    def measured(self) -> np.ndarray:
        return tokens.rgb(tokens.colour("measured", "dark" if self.dark else "light"))

    @property
    def points(self) -> Medium:
        return "light" if self.dark else "ink"


def in_space(layers: Sequence[Any]) -> bool:
    """Whether a view is a place one looks into, rather than a plot with axes."""
    return not named(layers, "Axes", "Curve", "Bars") and bool(named(layers, *SPACE))


def panels_of(layers: Sequence[Any]) -> list[tuple[Any, ...]]:
    """A view of panels as one view each; a plain view is the only one of its list."""
    counts = {
        np.shape(value)[0]
        for layer in layers
        for value, flat in _arrays(layer)
        if np.ndim(value) > flat
    }
    if not counts:
        return [tuple(layers)]
    return [tuple(_panel(layer, k) for layer in layers) for k in range(max(counts))]


def _arrays(layer: Any) -> list[tuple[Any, int]]:
    fields = FLAT.get(kind(layer), {})
    return [
        (getattr(layer, name), flat)
        for name, flat in fields.items()
        if getattr(layer, name) is not None
    ]


def _panel(layer: Any, k: int) -> Any:
    changed = {
        name: np.asarray(value)[k]
        for name, flat in FLAT.get(kind(layer), {}).items()
        if (value := getattr(layer, name)) is not None and np.ndim(value) > flat
    }
    if kind(layer) == "Points":
        changed["colours"] = {name: _of_panel(c, k) for name, c in layer.colours.items()}
    if kind(layer) in ("Segments", "Trails") and layer.colour is not None:
        changed["colour"] = _of_panel(layer.colour, k)
    return dataclasses.replace(layer, **changed) if changed else layer


def _of_panel(colour: Any, k: int) -> Any:
    if np.ndim(colour.value) < 2:
        return colour
    return dataclasses.replace(colour, value=np.asarray(colour.value)[k])


def corners(layers: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The extent of a view in its own dimension; the unit box where there is nothing."""
    dim = dimension(layers)
    found = extent(layers)
    return (np.zeros(dim), np.ones(dim)) if found is None else (found[0][:dim], found[1][:dim])


def camera_for(
    layers: Sequence[Any], *, azimuth: float = 30.0, elevation: float = 20.0, fill: float = FILL
) -> Camera2D | Camera3D:
    """A camera that shows all there is; in 2D its box takes `fill` of the view."""
    low, high = corners(layers)
    if len(low) == 3:
        near, far = _filled(layers, low, high)
        return Camera3D(near.tolist(), far.tolist(), azimuth, elevation)
    camera = Camera2D(low.tolist(), high.tolist())
    camera.zoom = fill / FILL
    return camera


def _filled(
    layers: Sequence[Any], low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A box in space, drawn in around the points, should it be much too large."""
    places = [np.asarray(layer.position, float) for layer in named(layers, "Points")]
    places = [place[np.isfinite(place).all(axis=1)] for place in places]
    if not places or not sum(map(len, places)):
        return low, high
    middle = (low + high) / 2
    away = np.linalg.norm(np.concatenate(places) - middle, axis=1)
    # The camera takes in the sphere around the box.
    half = np.minimum((high - low) / 2, max(1.1 * np.quantile(away, 0.995) / np.sqrt(3), 1e-9))
    return middle - half, middle + half


def aspect(layers: Sequence[Any]) -> float:
    """Height by width of a view's world."""
    low, high = corners(layers)
    if len(low) == 3:
        return 1.0
    wide, tall = np.maximum(high - low, 1e-9)
    return float(np.clip(tall / wide, 0.2, 3.0))


def shown_colour(points: Any, colouring: str | None) -> tuple[str, Any] | None:
    """The colouring that is drawn: the one asked for, or the first."""
    if not points.colours:
        return None
    name = colouring if colouring and colouring in points.colours else next(iter(points.colours))
    return name, points.colours[name]


def picture(
    layers: Sequence[Any],
    camera: Camera2D | Camera3D,
    width: int,
    height: int,
    ground: np.ndarray,
    style: Look,
    colouring: str | None = None,
) -> np.ndarray:
    """The layers over a ground of `[height, width, 3]`; row 0 of the picture is at the top."""
    matrix = np.asarray(camera.matrix(width, height), np.float64)
    boxes = named(layers, "Box")
    box = boxes[0] if boxes else None
    for image in named(layers, "Image"):
        if image.height is None:
            ground = _with_image(ground, image, box, camera, matrix)
        else:
            ground = with_slice(ground, image, box, matrix)
    for trails in named(layers, "Trails"):
        ground = raster.solid(_trails(trails, matrix, width, height, style), ground)
    for segments in named(layers, "Segments"):
        ground = raster.solid(_segments(segments, matrix, width, height, style), ground)
    for points in named(layers, "Points"):
        ground = _with_points(ground, points, box, camera, matrix, style, colouring)
    for arrows in named(layers, "Arrows"):
        ground = raster.solid(_arrows(arrows, matrix, width, height, style), ground)
    return ground


def tiled(
    views: list[tuple[Any, ...]],
    width: int,
    height: int,
    ground: np.ndarray,
    style: Look,
    colouring: str | None,
    cameras: list[Any],
) -> np.ndarray:
    """Panels side by side, as square as they can be."""
    columns = min(max(1, round(np.sqrt(len(views) * width / height))), len(views))
    rows = -(-len(views) // columns)
    out = ground.copy()
    for k, (layers, camera) in enumerate(zip(views, cameras, strict=True)):
        row, column = divmod(k, columns)
        top, bottom = (height * row) // rows, (height * (row + 1)) // rows
        left, right = (width * column) // columns, (width * (column + 1)) // columns
        area = (slice(top, bottom), slice(left, right))
        out[area] = picture(
            layers, camera, right - left, bottom - top, ground[area], style, colouring
        )
    return out


def _with_points(
    ground: np.ndarray,
    points: Any,
    box: Any,
    camera: Camera2D | Camera3D,
    matrix: np.ndarray,
    style: Look,
    colouring: str | None,
) -> np.ndarray:
    height, width, _ = ground.shape
    position = np.asarray(points.position, np.float64)
    chosen = shown_colour(points, colouring)
    colours = np.broadcast_to(style.measured, (len(position), 3))
    if chosen:
        name, colour = chosen
        colours = paint.painted(colour.value, colour.scale, colour.span, name, style.points)
    pixel = camera.pixel(width, height)  # the size of a pixel in the system's units
    weight = np.ones(len(position))
    if points.radius is not None:
        radius = float(np.max(np.asarray(points.radius))) / pixel
        kernel, strength = raster.disc(radius * 0.94), 1.0
    else:
        low, high = corners((points,) if box is None else (box, points))
        area = float(np.prod(np.sort(high - low)[-2:])) / pixel**2
        apart = np.sqrt(max(area, 1.0) / max(len(position), 1))
        radius = float(np.clip(0.42 * apart, style.smallest, style.largest))
        crowd = min(1.0, (0.42 * apart / radius) ** 2 + 0.04)
        kernel = raster.grain(radius) if style.dark else raster.disc(radius)
        strength = (1.15 if style.dark else 1.9) * crowd
    moves = style.comets and points.radius is None
    tail = _tail(chosen, points, radius) if moves else None
    heap = []
    for shift in _shifts(box, camera, matrix, width, height):
        whole = position if shift is None else position + shift
        pixels, depth = raster.projected(whole, matrix, width, height)
        if position.shape[1] == 3:
            weight = _nearness(depth)
        if tail is None:
            heap.append((pixels, colours, weight))
        else:
            along, fading = tail
            heap += [(pixels - back * along, colours, weight * share) for back, share in fading]
    sums = spotted(heap, kernel, width, height)
    if points.radius is not None or not style.glow:
        return raster.solid(sums * _inside(box, matrix, width, height), ground)
    if position.shape[1] == 3 and style.dark:
        strength *= 1.6  # a cloud leaves most of its box dark
    sums *= strength
    sums *= _inside(box, matrix, width, height)
    if style.dark:
        if style.halo:
            sums += style.halo * raster.bloom(sums, max(6.0, min(width, height) / 90))
        return raster.light(1.35 * sums, ground)
    return raster.ink(sums, ground)


def spotted(
    heap: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    kernel: np.ndarray,
    width: int,
    height: int,
) -> np.ndarray:
    """Sums of spots; those whose middle is just outside of the picture reach into it."""
    pad = kernel.shape[0] // 2 + 1
    sums = np.zeros((height, width, 4), np.float32)
    kept = []
    for pixels, colours, weight in heap:
        near = ((pixels > -pad) & (pixels < (width + pad, height + pad))).all(axis=1)
        kept.append((pixels[near], colours[near], weight[near]))
    pixels, colours, weight = (np.concatenate(part) for part in zip(*kept, strict=True))
    if not len(pixels):
        return sums
    # Only where something is: an arrow need not cost a whole picture.
    low = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - pad, -pad)
    high = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + pad, (width + pad, height + pad))
    part = raster.deposited(pixels - low, colours, weight, *(high - low))
    part = raster.spread(part, kernel)
    first, last = np.maximum(low, 0), np.minimum(high, (width, height))
    if (first >= last).any():
        return sums
    inner = part[high[1] - last[1] : high[1] - first[1], first[0] - low[0] : last[0] - low[0]]
    sums[height - last[1] : height - first[1], first[0] : last[0]] = inner
    return sums


def _tail(
    chosen: tuple[str, Any] | None, points: Any, radius: float
) -> tuple[np.ndarray, list[tuple[float, float]]] | None:
    """Direction and fading of a comet's tail, where points of a plane have a heading."""
    if chosen is None or chosen[0] != "heading" or np.shape(points.position)[-1] != 2:
        return None
    angle = np.asarray(chosen[1].value, np.float64)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    reach = 3.4 * radius
    steps = np.arange(6)
    share = np.exp(-((steps / 3.2) ** 2))
    return along, list(zip(steps * reach / 5, share / share.sum() * 1.25, strict=True))


def _nearness(depth: np.ndarray) -> np.ndarray:
    """How strongly a point in space is drawn: the near ones more, so that a cloud has depth."""
    known = np.isfinite(depth)
    if not known.any():
        return np.zeros(len(depth))
    near, far = np.quantile(depth[known], (0.02, 0.98))
    share = np.clip((depth - near) / max(far - near, 1e-9), 0, 1)
    return np.where(known, 1.15 - 0.75 * share, 0)


def _shifts(
    box: Any, camera: Camera2D | Camera3D, matrix: np.ndarray, width: int, height: int
) -> list[np.ndarray | None]:
    """By how much the periodic images that are in sight are shifted."""
    if box is None or not box.periodic or camera.dim == 3:
        return [None]
    low, high = np.asarray(box.low, float)[:2], np.asarray(box.high, float)[:2]
    side = high - low
    half = 1 / np.abs(np.diag(matrix)[:2])  # of what the view shows
    middle = -np.array([matrix[0, 3] / matrix[0, 0], matrix[1, 3] / matrix[1, 1]])
    # A little more than is in sight: a point just outside still reaches in.
    first = np.floor((middle - half - low) / side - 0.02).astype(int)
    last = np.floor((middle + half - low) / side + 0.02).astype(int)
    first, last = np.maximum(first, -MOST_IMAGES), np.minimum(last, MOST_IMAGES)
    return [
        np.array([i, j]) * side
        for i in range(first[0], last[0] + 1)
        for j in range(first[1], last[1] + 1)
    ]


def box_in_pixels(
    box: Any, matrix: np.ndarray, width: int, height: int
) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a box of the plane."""
    corners = np.stack([np.asarray(box.low, float)[:2], np.asarray(box.high, float)[:2]])
    pixels, _ = raster.projected(corners, matrix, width, height)
    return pixels[0, 0], pixels[0, 1], pixels[1, 0], pixels[1, 1]


def _inside(box: Any, matrix: np.ndarray, width: int, height: int) -> np.ndarray:
    """1 in the box and less in its periodic images."""
    if box is None or not box.periodic or np.size(box.low) == 3:
        return np.ones((1, 1, 1), np.float32)
    left, bottom, right, top = box_in_pixels(box, matrix, width, height)
    x, y = np.arange(width) + 0.5, height - np.arange(height) - 0.5
    within = ((y > bottom - 0.5) & (y < top + 0.5))[:, None] & (x > left - 0.5) & (x < right + 0.5)
    return np.where(within, 1, OUTSIDE).astype(np.float32)[..., None]


def _with_image(
    ground: np.ndarray, image: Any, box: Any, camera: Camera2D | Camera3D, matrix: np.ndarray
) -> np.ndarray:
    """A field by its nearest cell at each pixel: no smoothing, for cells are the data."""
    height, width, _ = ground.shape
    values = np.asarray(image.values)
    colours = paint.painted(values, image.scale, image.span)
    rows, columns = values.shape
    x = (np.arange(width) + 0.5) / width * 2 - 1
    y = 1 - (np.arange(height) + 0.5) / height * 2
    if image.onto == "sphere":
        return _with_sphere(ground, colours, camera)
    low = np.zeros(2) if box is None else np.asarray(box.low, float)[:2]
    high = np.array([columns, rows]) if box is None else np.asarray(box.high, float)[:2]
    across = (x - matrix[0, 3]) / matrix[0, 0]
    up = (y - matrix[1, 3]) / matrix[1, 1]
    column = np.floor((across - low[0]) / (high[0] - low[0]) * columns).astype(int)
    row = np.floor((up - low[1]) / (high[1] - low[1]) * rows).astype(int)
    inside = ((row >= 0) & (row < rows))[:, None] & (column >= 0) & (column < columns)
    painted = colours[(row % rows)[:, None], column % columns]
    if box is not None and box.periodic:
        faint = ground + OUTSIDE * (painted - ground)
        return np.where(inside[..., None], painted, faint)
    return np.where(inside[..., None], painted, ground)


def _with_sphere(
    ground: np.ndarray, colours: np.ndarray, camera: Camera2D | Camera3D
) -> np.ndarray:
    """Latitudes and longitudes on the unit sphere, seen from the camera's side."""
    height, width, _ = ground.shape
    axes = camera.axes() if isinstance(camera, Camera3D) else np.eye(3)
    step = camera.pixel(width, height)
    x = (np.arange(width) + 0.5 - width / 2) * step
    y = (height / 2 - np.arange(height) - 0.5)[:, None] * step
    square = x**2 + y**2
    z = np.sqrt(np.maximum(1 - square, 0))
    place = x[..., None] * axes[0] + y[..., None] * axes[1] + z[..., None] * axes[2]
    rows, columns, _ = colours.shape
    latitude = np.arcsin(np.clip(place[..., 2], -1, 1))
    longitude = np.arctan2(place[..., 1], place[..., 0])
    row = np.clip(((latitude / np.pi + 0.5) * rows).astype(int), 0, rows - 1)
    column = (longitude / (2 * np.pi) * columns).astype(int) % columns
    shaded = colours[row, column] * (0.45 + 0.55 * z[..., None])
    cover = np.clip((1 - np.sqrt(square)) / step + 0.5, 0, 1)[..., None]
    return ground * (1 - cover) + shaded * cover


def stroked(
    start: np.ndarray,
    end: np.ndarray,
    colours: np.ndarray,
    line: float,
    width: int,
    height: int,
    cover: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Straight lines between pixels as sums for `raster.solid`; round ends, smooth edges."""
    cover = np.broadcast_to(cover, len(start))
    known = np.isfinite(start).all(axis=1) & np.isfinite(end).all(axis=1)
    start, end, colours, cover = start[known], end[known], colours[known], cover[known]
    radius = max(line / 2, 0.5)
    length = np.linalg.norm(end - start, axis=1)
    # A line that leaves the picture by far would take samples without number.
    count = np.minimum(np.ceil(length / 0.5).astype(int) + 1, 8 * max(width, height))
    owner = np.repeat(np.arange(len(count)), count)
    share = (np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)) / np.maximum(
        count[owner] - 1, 1
    )
    pixels = start[owner] + share[:, None] * (end - start)[owner]
    weight = cover[owner] * (0.5 / (1.3 * radius))
    heap = [(pixels, colours[owner], weight)]
    return spotted(heap, raster.disc(radius), width, height) * min(line, 1.0)


def _trails(layer: Any, matrix: np.ndarray, width: int, height: int, style: Look) -> np.ndarray:
    start, end, cover, value = trail_strokes(layer, matrix, width, height)
    colours = np.broadcast_to(style.measured, (len(start), 3))
    if value is not None:
        colours = paint.painted(value, layer.colour.scale, layer.colour.span, "", style.points)
    return stroked(start, end, colours, TRAIL * style.line, width, height, cover)


def _segments(layer: Any, matrix: np.ndarray, width: int, height: int, style: Look) -> np.ndarray:
    start, _ = raster.projected(np.asarray(layer.start), matrix, width, height)
    end, _ = raster.projected(np.asarray(layer.end), matrix, width, height)
    colours = np.broadcast_to(style.measured, (len(start), 3))
    if layer.colour is not None:
        colour = layer.colour
        colours = paint.painted(colour.value, colour.scale, colour.span, "", style.points)
    sums = stroked(start, end, colours, 0.7 * style.line, width, height)
    return (
        sums
        if layer.colour is not None
        else 0.45 * np.minimum(sums, 1 / np.maximum(sums[..., 3:], 1))
    )


def _arrows(layer: Any, matrix: np.ndarray, width: int, height: int, style: Look) -> np.ndarray:
    tail = np.asarray(layer.tail, float)
    foot, _ = raster.projected(tail, matrix, width, height)
    head, _ = raster.projected(tail + np.asarray(layer.vector, float), matrix, width, height)
    along = head - foot
    length = np.linalg.norm(along, axis=1, keepdims=True)
    barb = np.minimum(0.4 * length, 5.5 * style.line)
    unit = along / np.maximum(length, 1e-9)
    aside = np.stack([-unit[:, 1], unit[:, 0]], axis=1)
    left, right = (head - barb * (unit + side * 0.5 * aside) for side in (1, -1))
    start = np.concatenate([foot, left, right])
    end = np.concatenate([head, head, head])
    colours = np.broadcast_to(style.measured, (len(start), 3))
    thick = style.line * (1.5 if len(foot) < 50 else 0.9)
    return stroked(start, end, colours, thick, width, height)
