"""The trace in a film: an observable so far, and what theory says of it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from app.figures.lettering import write
from app.figures.panels import Label


FINE = 3  # drawn large and made small: smooth lines


def draw_trace(
    page: Image.Image,
    area: tuple[float, float, float, float],
    label: Label,
    series: tuple[Sequence[float], Sequence[float], Sequence[float]],  # times, values, theory
    tone: Mapping[str, str],
    unit: float,  # a pixel of the design
) -> None:
    left, top, right, bottom = (round(side) for side in area)
    width, height = right - left, bottom - top
    if width < 20 or height < 20:
        return
    image = Image.new("RGB", (FINE * width, FINE * height), tone["panel"])
    pen = ImageDraw.Draw(image)
    times, values, theory = (np.asarray(column, float) for column in series)
    low, high = _ends(label, values, theory)
    if label.log:
        with np.errstate(divide="ignore", invalid="ignore"):
            values, theory = (np.log10(np.maximum(v, 1e-12)) for v in (values, theory))
    span = max(times[-1] - times[0], 1e-9)
    u = FINE * unit

    def placed(t: np.ndarray, v: np.ndarray) -> list[tuple[float, float]]:
        x = 5 * u + (t - times[0]) / span * (FINE * width - 10 * u)  # a point is not cut
        y = (1 - (v - low) / (high - low)) * (FINE * height - 8 * u) + 4 * u
        return list(zip(x.tolist(), y.tolist(), strict=True))

    for share in (0.0, 0.5, 1.0):
        y = placed(times[:1], np.array([low + share * (high - low)]))[0][1]
        pen.line([(0, y), (FINE * width, y)], fill=tone["line"], width=max(1, round(u)))
    if np.isfinite(theory).any():
        said = np.isfinite(theory)
        line = placed(times[said], theory[said])
        if len(line) == 1 or times[0] == times[-1]:  # what it will be, as far as it is known
            line = [(0, line[-1][1]), (FINE * width, line[-1][1])]
        pen.line(line, fill=tone["theory"], width=round(2.2 * u))
    points = placed(times, np.where(np.isfinite(values), values, low))
    if len(points) > 1:
        pen.line(points, fill=tone["measured"], width=round(1.6 * u), joint="curve")
    x, y = points[-1]
    r = 4 * u
    pen.ellipse([x - r, y - r, x + r, y + r], fill=tone["measured"])
    page.paste(image.resize((width, height), Image.Resampling.LANCZOS), (left, top))
    ends = (10**low, 10**high) if label.log else (low, high)
    size, shade = 14 * unit, tone["text3"]
    write(page, f"{ends[1]:.3g}", (left, top - 3 * unit), size, shade)
    write(page, f"{ends[0]:.3g}", (left, bottom + 4 * unit), size, shade, anchor="la")
    write(page, "t", (right, bottom + 4 * unit), size, shade, anchor="ra")


def _ends(label: Label, values: np.ndarray, theory: np.ndarray) -> tuple[float, float]:
    """The ends of the axis: declared, or what is there; of a logarithmic one the powers of ten."""
    if label.span and not label.log:
        return label.span
    every = np.concatenate([values, theory])
    every = every[np.isfinite(every)]
    if label.log:
        every = np.log10(every[every > 0]) if (every > 0).any() else np.zeros(1)
    if not every.size:
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    middle = math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-9)
    return (low - 0.5, high + 0.5) if middle else (low, high)
