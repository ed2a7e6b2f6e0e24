"""Videos by step, not by recording: every frame is drawn off-screen from the run itself.

Equal runs give equal videos. The frame is for a talk: the main view on its dark stage, the title,
the order parameter in large digits beside its theory, and its trace.
"""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.figures import raster, scene
from app.figures.metadata import metadata_of, written_out
from app.figures.panels import FramePanel, Label, quantity_label
from app.figures.words import mathtext, number
from app.theme.tokens import colour, rgb
from engine.resources import resource
from engine.storage.atomic import written


GIF_COLOURS = 255


class Rendered(NamedTuple):
    frames: int
    size: tuple[int, int]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """What a frame of the video tells."""

    layers: tuple[Any, ...]
    time: float
    times: list[float]
    values: list[float]
    theory: float
    caveat: str = ""


def render_video(
    simulation: Any,
    path: str | Path,
    *,
    steps: int,
    every: int = 1,
    fps: float = 30.0,
    size: tuple[int, int] = (1280, 720),
    view: str | None = None,
    progress: Callable[[int], None] = lambda done: None,
    stop: Callable[[], bool] = lambda: False,
) -> Rendered:
    """Run on by `steps`, a frame each `every`, into an MP4 or a GIF; then go back to where it was.

    Sizes are made even, for most players need it. `stop` ends early and leaves no file.
    """
    path = Path(path)
    width, height = (side + side % 2 for side in size)
    before = simulation.snapshot()
    shown = view or next(iter(simulation.views()))
    metadata = metadata_of(
        before.system, seed=before.seed, tick=before.tick, time=before.time, views=(shown,)
    )
    metadata |= {"steps": steps, "every": every, "fps": fps, "size": [width, height]}
    canvas = Canvas(simulation.system, shown, width, height)
    count = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal count
        for picture in _frames(simulation, canvas, steps, every):
            if stop():
                raise InterruptedError
            count += 1
            progress(count)
            yield picture

    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    try:
        with written(path) as draft:
            write(draft, frames(), fps, (width, height), written_out(metadata))
    finally:
        simulation.restore(before)
    return Rendered(count, (width, height), metadata)


def _frames(simulation: Any, canvas: "Canvas", steps: int, every: int) -> Iterator[np.ndarray]:
    times: list[float] = []
    values: list[float] = []
    theory = math.nan
    for k in range(steps // every + 1):
        if k:
            simulation.run(every)
        seen = simulation.look(views=(canvas.view,))
        name = next(iter(seen.observables), None)
        if name is not None:
            times.append(simulation.time)
            values.append(seen.observables[name])
            theory = simulation.theory().get(name, math.nan) if k == 0 else theory
            theory = seen.limit.get(name, theory)
        caveat = seen.caveats[0] if seen.caveats else ""
        layers = seen.frame[canvas.view]
        yield canvas.draw(Moment(layers, simulation.time, times, values, theory, caveat))
        if simulation.done and k:
            return


def _write_mp4(
    draft: Path, frames: Iterator[np.ndarray], fps: float, size: tuple[int, int], said: str
) -> None:
    """H.264 that every player plays, its index in front so that it starts at once."""
    import av

    rate = Fraction(fps).limit_denominator(1001)
    options = {"movflags": "faststart", "fflags": "+bitexact"}
    with av.open(str(draft), "w", format="mp4", options=options) as film:
        film.metadata["comment"] = said
        stream = film.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "medium"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for picture in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode())


def _write_gif(
    draft: Path, frames: Iterator[np.ndarray], fps: float, size: tuple[int, int], said: str
) -> None:
    def pictures() -> Iterator[Image.Image]:
        for picture in frames:
            image = Image.fromarray(picture)
            yield image.quantize(GIF_COLOURS, dither=Image.Dither.NONE)

    every = pictures()
    first = next(every)
    first.save(
        draft,
        format="GIF",
        save_all=True,
        append_images=every,
        duration=max(20, 10 * round(100 / fps)),
        loop=0,
        comment=said.encode()[:65_000],
        optimize=False,
    )


@cache
def font(size: float, weight: str = "Regular") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(resource(f"fonts/Inter-{weight}.ttf")), max(6, round(size)))


@cache
def formula(symbol: str, size: float) -> tuple[np.ndarray, int]:
    """A symbol as the cover of each pixel, and how many rows of it lie below its line."""
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    text = mathtext(symbol)
    with matplotlib.rc_context({"mathtext.fontset": "stix", "font.family": ["DejaVu Sans"]}):
        parsed = MathTextParser("agg").parse(text, 72, FontProperties(size=round(size)))
    return np.asarray(parsed.image), round(parsed.depth)


class Canvas:
    """Draws a moment of one system into frames of one size."""

    def __init__(self, system: Any, view: str, width: int, height: int) -> None:
        from engine.systems import title

        self.view, self.width, self.height = view, width, height
        self.unit = min(width, height * 16 / 9) / 1280  # a pixel of the design
        self.wide = width / height > 1.2
        if self.wide:
            self.stage = (0, 0, round(0.71 * width), height)
            self.panel = (self.stage[2], 0, width, height)
        else:
            self.stage = (0, 0, width, round(0.74 * height))
            self.panel = (0, self.stage[3], width, height)
        self.title = title(system)
        self.facts = _facts(system)
        self.hint = system.hints.get(view)
        self.label = quantity_label(system, "")
        self.system = system
        self.camera: Any = None
        self.tone = {
            name: colour(name, "dark")
            for name in (
                "panel",
                "text",
                "text2",
                "text3",
                "theory",
                "measured",
                "line",
                "line_strong",
                "warning",
            )
        }
        left, top, right, bottom = self.stage
        self.ground = raster.stage(
            right - left,
            bottom - top,
            rgb(colour("stage_glow", "dark")),
            rgb(colour("stage", "dark")),
        )

    def draw(self, moment: Moment) -> np.ndarray:
        page = Image.new("RGB", (self.width, self.height), self.tone["panel"])
        page.paste(Image.fromarray(self._stage(moment)), self.stage[:2])
        self._tell(page, moment)
        return np.asarray(page)

    def _stage(self, moment: Moment) -> np.ndarray:
        left, top, right, bottom = self.stage
        width, height = right - left, bottom - top
        if not scene.in_space(moment.layers):
            return self._plot(moment, width, height)
        views = scene.panels_of(moment.layers)
        if self.camera is None:
            # Of the first frame, and kept: a camera that follows would hide what moves.
            turn = (self.hint.azimuth, self.hint.elevation) if self.hint else (30.0, 20.0)
            self.camera = [
                scene.camera_for(view, azimuth=turn[0], elevation=turn[1]) for view in views
            ]
        glow = self.hint.glow if self.hint else True
        picture = scene.tiled(
            views, width, height, self.ground, stage_look(width, height, glow), None, self.camera
        )
        picture = raster.bytes_of(picture, dither=True)
        if len(views) == 1:
            self._box(picture, views[0])
        return picture

    def _box(self, picture: np.ndarray, layers: tuple[Any, ...]) -> None:
        """The periodic box as a hairline."""
        boxes = scene.named(layers, "Box")
        if not boxes or scene.dimension(layers) != 2 or not boxes[0].periodic:
            return
        height, width, _ = picture.shape
        matrix = np.asarray(self.camera[0].matrix(width, height), float)
        left, bottom, right, top = scene.box_in_pixels(boxes[0], matrix, width, height)
        edge = (255 * rgb(self.tone["line_strong"])).astype(np.uint8)
        rows = np.clip([round(height - top), round(height - bottom)], 0, height - 1)
        columns = np.clip([round(left), round(right)], 0, width - 1)
        picture[rows, columns[0] : columns[1] + 1] = edge
        picture[rows[0] : rows[1] + 1, columns] = edge

    def _plot(self, moment: Moment, width: int, height: int) -> np.ndarray:
        from app.figures.figure import figure_bytes
        from app.figures.style import FigureStyle

        paper = float(np.clip(width / 72 * 25.4, 10.0, 160.0))  # mm
        share = paper / 160.0
        style = FigureStyle(
            width=paper,
            height=max(10.0, paper * height / width),
            dpi=max(30.0, width / paper * 25.4),
            font=max(3.0, 11.0 * share),
            line=max(0.1, 0.9 * share),
            background="dark",
        )
        with Image.open(io.BytesIO(figure_bytes([FramePanel(moment.layers)], style))) as image:
            return np.asarray(image.convert("RGB").resize((width, height)))

    def _tell(self, page: Image.Image, moment: Moment) -> None:
        pen = ImageDraw.Draw(page)
        u = self.unit
        left, top, right, bottom = self.panel
        margin = 26 * u
        x, y = left + margin, top + (34 if self.wide else 22) * u
        room = (right - left - 2 * margin) if self.wide else 0.46 * (right - left)
        y = self._paragraph(pen, self.title, x, y, room, 25 * u, "SemiBold", "text")
        y += 6 * u
        if self.wide:
            for fact in self.facts:
                y = self._fact(page, pen, fact, x, y, room)
        pen.text(
            (x, y + 6 * u),
            f"t = {moment.time:.4g}",
            font=font(17 * u),
            fill=self.tone["text3"],
        )
        y += 44 * u
        if not moment.values:
            return
        label = self._order()
        if self.wide:
            tall = 200 * u
            area = (x, bottom - margin - tall, right - margin, bottom - margin - 18 * u)
            self._read_out(page, pen, label, moment, x, area[1] - 124 * u)
        else:
            self._read_out(page, pen, label, moment, x, y + 6 * u)
            area = (left + 0.52 * (right - left), top + margin, right - margin, bottom - 2 * margin)
        self._trace(page, area, label, moment)
        if moment.caveat and self.wide:
            self._paragraph(pen, moment.caveat, x, y + 8 * u, room, 14 * u, "Regular", "warning")

    def _order(self) -> Label:
        """The order parameter is the first observable; its quantity says how it is written."""
        if not self.label.words:
            import jax

            names: list[str] = []
            state = jax.eval_shape(self.system.init, jax.random.key(0))

            def traced(state: Any) -> int:
                names.extend(self.system.observables(state))
                return 0

            jax.eval_shape(traced, state)
            self.label = quantity_label(self.system, names[0])
        return self.label

    def _paragraph(
        self,
        pen: Any,
        words: str,
        x: float,
        y: float,
        room: float,
        size: float,
        weight: str,
        tone: str,
    ) -> float:
        """Words, broken where the room ends; the height below them."""
        face = font(size, weight)
        lines = [""]
        for word in words.split():
            longer = f"{lines[-1]} {word}".strip()
            if face.getlength(longer) <= room or not lines[-1]:
                lines[-1] = longer
            else:
                lines.append(word)
        for line in lines:
            pen.text((x, y), line, font=face, fill=self.tone[tone])
            y += 1.3 * size
        return y

    def _fact(
        self,
        page: Image.Image,
        pen: Any,
        fact: tuple[str, str, str],
        x: float,
        y: float,
        room: float,
    ) -> float:
        symbol, name, value = fact
        u = self.unit
        self._symbol(page, symbol, x, y + 16 * u, 20 * u, "text2")
        pen.text(
            (x + 36 * u, y + 16 * u), name, font=font(17 * u), fill=self.tone["text2"], anchor="ls"
        )
        pen.text(
            (x + room, y + 16 * u), value, font=font(17 * u), fill=self.tone["text"], anchor="rs"
        )
        return y + 29 * u

    def _symbol(
        self, page: Image.Image, symbol: str, x: float, base: float, size: float, tone: str
    ) -> float:
        """A symbol that stands on `base`; where it ends."""
        if not mathtext(symbol).startswith("$"):
            face = font(0.8 * size)
            ImageDraw.Draw(page).text(
                (x, base), symbol, font=face, fill=self.tone[tone], anchor="ls"
            )
            return x + face.getlength(symbol)
        cover, below = formula(symbol, size)
        place = round(x), round(base) - cover.shape[0] + below
        page.paste(self.tone[tone], place, Image.fromarray(cover))
        return x + cover.shape[1]

    def _read_out(
        self, page: Image.Image, pen: Any, label: Label, moment: Moment, x: float, y: float
    ) -> None:
        u = self.unit
        base = y + 46 * u
        pen.text((x, y - 6 * u), label.words, font=font(17 * u), fill=self.tone["text2"])
        end = self._symbol(page, label.symbol or label.words, x, base, 47 * u, "text")
        pen.text(
            (end + 10 * u, base),
            f"= {_digits(moment.values[-1])}",
            font=font(40 * u, "SemiBold"),
            fill=self.tone["text"],
            anchor="ls",
        )
        if math.isfinite(moment.theory):
            pen.text(
                (x, base + 12 * u),
                f"theory {_digits(moment.theory)}",
                font=font(21 * u),
                fill=self.tone["theory"],
            )

    def _trace(
        self, page: Image.Image, area: tuple[float, ...], label: Label, moment: Moment
    ) -> None:
        """The order parameter so far, and theory; drawn large and made small: smooth lines."""
        left, top, right, bottom = (round(side) for side in area)
        width, height = right - left, bottom - top
        if width < 20 or height < 20:
            return
        fine = 3
        image = Image.new("RGB", (fine * width, fine * height), self.tone["panel"])
        pen = ImageDraw.Draw(image)
        values = np.asarray(moment.values, float)
        times = np.asarray(moment.times, float)
        known = values[np.isfinite(values)]
        if label.log:
            shown = np.log10(np.maximum(values, 1e-12))
            theory = math.log10(moment.theory) if moment.theory > 0 else math.nan
        else:
            shown, theory = values, moment.theory
        low, high = _ends(label, known, moment.theory)
        span = max(times[-1] - times[0], 1e-9)
        u = fine * self.unit

        def place(t: np.ndarray, v: np.ndarray) -> list[tuple[float, float]]:
            x = (t - times[0]) / span * (fine * width - 12 * u)
            y = (1 - (v - low) / (high - low)) * (fine * height - 8 * u) + 4 * u
            return list(zip(x.tolist(), y.tolist(), strict=True))

        for share in (0.0, 0.5, 1.0):
            y = place(times[:1], np.array([low + share * (high - low)]))[0][1]
            pen.line([(0, y), (fine * width, y)], fill=self.tone["line"], width=max(1, round(u)))
        if math.isfinite(theory):
            (a, b) = place(times[[0, -1]] if len(times) > 1 else times[[0, 0]], np.full(2, theory))
            pen.line([a, (fine * width, b[1])], fill=self.tone["theory"], width=round(2.2 * u))
        points = place(times, np.where(np.isfinite(shown), shown, low))
        if len(points) > 1:
            pen.line(points, fill=self.tone["measured"], width=round(1.6 * u), joint="curve")
        x, y = points[-1]
        r = 4 * u
        pen.ellipse([x - r, y - r, x + r, y + r], fill=self.tone["measured"])
        page.paste(image.resize((width, height), Image.Resampling.LANCZOS), (left, top))
        small = font(14 * self.unit)
        words = ImageDraw.Draw(page)
        ends = (10**low, 10**high) if label.log else (low, high)
        words.text(
            (left, top - 3 * self.unit),
            f"{ends[1]:.3g}",
            font=small,
            fill=self.tone["text3"],
            anchor="ls",
        )
        words.text(
            (left, bottom + 4 * self.unit), f"{ends[0]:.3g}", font=small, fill=self.tone["text3"]
        )
        words.text(
            (right, bottom + 4 * self.unit), "t", font=small, fill=self.tone["text3"], anchor="ra"
        )


def stage_look(width: int, height: int, glow: bool = True) -> scene.Look:
    """How points shine on a dark stage of this size."""
    scale = min(width, height) / 700
    return scene.Look(
        dark=True,
        smallest=max(0.8, 1.1 * scale),
        largest=max(1.2, 3.4 * scale),
        line=max(1.0, 2.0 * scale),
        glow=glow,
        comets=True,
        halo=0.45,
    )


def _facts(system: Any) -> list[tuple[str, str, str]]:
    """Symbol, name and value of the live parameters and of the sizes."""
    from engine.core.parameters import parameters

    out = []
    for name, p in parameters(system).items():
        if p.span is None or p.kind not in ("live", "size") or name in ("dt", "slots", "moments"):
            continue
        value = getattr(system, name)
        shown = number(value) if p.kind == "size" else f"{float(value):.4g}"
        out.append((p.symbol, name.replace("_", " "), shown + (f" {p.unit}" if p.unit else "")))
    return out[:7]


def _digits(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    shown = f"{value:.3f}" if 1e-3 <= abs(value) < 1000 or value == 0 else f"{value:.3g}"
    return shown.replace("-", "−")


def _ends(label: Label, known: np.ndarray, theory: float) -> tuple[float, float]:
    """The ends of the trace's axis: declared, or what is there."""
    if label.span and not label.log:
        return label.span
    every = np.append(known, theory if math.isfinite(theory) else [])
    if label.log:
        every = np.log10(every[every > 0]) if (every > 0).any() else np.zeros(1)
    if not every.size:
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    return (low, high) if high > low + 1e-9 * max(abs(high), 1) else (low - 0.5, high + 0.5)
