"""A frame of a film: the view on its stage, and beside it what a hall has to read.

The title, the parameters, the order parameter in large digits beside its theory, and its trace.
"""

import io
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from app.figures import raster, scene
from app.figures.film_trace import draw_trace
from app.figures.lettering import (
    LEADING,
    broken,
    digits,
    extent_of,
    shortened,
    width_of,
    write,
    write_paragraph,
    write_symbol,
)
from app.figures.panels import FramePanel, Label, quantity_label
from app.figures.words import number
from app.theme.tokens import colour, rgb
from app.views.camera import Camera2D, Camera3D, camera_of


TONES = (
    "panel", "text", "text2", "text3", "theory", "measured", "line", "line_strong", "warning",
)  # fmt: skip
MOST = 7  # facts
HIDDEN = ("dt", "moments")  # parameters that say nothing of the physics


@dataclass(frozen=True)
class Moment:
    """What a frame of the film tells."""

    layers: tuple[Any, ...]
    time: float
    times: list[float]
    values: list[float]
    theory: list[float]  # at those times; not-a-number is its silence
    caveat: str = ""


class Canvas:
    """Draws moments of one system into frames of one size."""

    def __init__(
        self,
        system: Any,
        view: str,
        width: int,
        height: int,
        *,
        theme: str = "dark",
        colouring: str | None = None,
    ) -> None:
        from engine.systems import title

        self.view, self.width, self.height = view, width, height
        self.theme, self.colouring = theme, colouring
        self.unit = min(width, height * 16 / 9) / 1280  # a pixel of the design
        self.wide = width / height > 1.2
        if self.wide:
            self.stage = (0, 0, round(0.71 * width), height)
            self.panel = (self.stage[2], 0, width, height)
        else:
            self.stage = (0, 0, width, round(0.74 * height))
            self.panel = (0, self.stage[3], width, height)
        self.title = title(system)
        self.hint = system.hints.get(view)
        self.label = Label()
        self.tone = {name: colour(name, theme) for name in TONES}
        self._sizes: Any = None
        self._cameras: list[Any] = []
        self.follow(system)
        left, top, right, bottom = self.stage
        self.ground = raster.stage(
            right - left,
            bottom - top,
            rgb(colour("stage_glow", theme)),
            rgb(colour("stage", theme)),
        )

    def follow(self, system: Any) -> None:
        """Tell of this system from now on: its parameters move."""
        self.system = system
        self.facts = facts_of(system)
        widths = [extent_of(symbol, 20 * self.unit).width for symbol, _, _ in self.facts]
        self.indent = max([26 * self.unit, *widths]) + 10 * self.unit  # of their names
        sizes = _sizes(system)
        if sizes != self._sizes:  # another world
            self._sizes, self._cameras = sizes, []

    def draw(
        self, moment: Moment, camera: dict[str, Any] | None = None, turn: float = 0.0
    ) -> np.ndarray:
        """A frame, `[height, width, 3]` in bytes; the camera is turned by so many radians."""
        page = Image.new("RGB", (self.width, self.height), self.tone["panel"])
        page.paste(Image.fromarray(self._stage(moment, camera, turn)), self.stage[:2])
        self._tell(page, moment)
        return np.asarray(page)

    # The stage.

    def _stage(self, moment: Moment, camera: dict[str, Any] | None, turn: float) -> np.ndarray:
        left, top, right, bottom = self.stage
        width, height = right - left, bottom - top
        if not scene.in_space(moment.layers):
            return self._plot(moment, width, height)
        views = scene.panels_of(moment.layers)
        cameras = [self._camera(k, view, camera, turn) for k, view in enumerate(views)]
        look = stage_look(width, height, self.hint.glow if self.hint else True, self.theme)
        picture = scene.tiled(views, width, height, self.ground, look, self.colouring, cameras)
        picture = raster.bytes_of(picture, dither=self.theme == "dark")
        if len(views) == 1:
            self._box(picture, views[0], cameras[0])
        return picture

    def _camera(
        self, k: int, layers: tuple[Any, ...], said: dict[str, Any] | None, turn: float
    ) -> Camera2D | Camera3D:
        """The camera that is asked for; else that of the first frame, for one that follows
        would hide what moves.
        """
        if said is None:
            if k == len(self._cameras):
                hint = self.hint
                angles = (hint.azimuth, hint.elevation) if hint else (30.0, 20.0)
                self._cameras.append(
                    scene.camera_for(layers, azimuth=angles[0], elevation=angles[1])
                )
            camera = self._cameras[k]
        else:
            camera = camera_of(said)
        if turn and isinstance(camera, Camera3D):
            camera = camera_of_turned(camera, turn)
        return camera

    def _box(self, picture: np.ndarray, layers: tuple[Any, ...], camera: Any) -> None:
        """The periodic box as a hairline, where it lies inside of the picture."""
        boxes = scene.named(layers, "Box")
        if not boxes or scene.dimension(layers) != 2 or not boxes[0].periodic:
            return
        height, width, _ = picture.shape
        matrix = np.asarray(camera.matrix(width, height), float)
        left, bottom, right, top = scene.box_in_pixels(boxes[0], matrix, width, height)
        edge = (255 * rgb(self.tone["line_strong"])).astype(np.uint8)
        rows = np.clip([round(height - top), round(height - bottom)], 0, height - 1)
        columns = np.clip([round(left), round(right)], 0, width - 1)
        for row, seen in zip(rows, (height - top >= 0, height - bottom <= height), strict=True):
            if seen:
                picture[row, columns[0] : columns[1] + 1] = edge
        for column, seen in zip(columns, (left >= 0, right <= width), strict=True):
            if seen:
                picture[rows[0] : rows[1] + 1, column] = edge

    def _plot(self, moment: Moment, width: int, height: int) -> np.ndarray:
        from app.figures.figure import figure_bytes
        from app.figures.style import FigureStyle

        whole, margin = (width, height), round(20 * self.unit)
        width, height = width - 2 * margin, height - 2 * margin
        paper = float(np.clip(width / 72 * 25.4, 10.0, 160.0))  # mm
        share = paper / 160.0
        style = FigureStyle(
            width=paper,
            height=max(10.0, paper * height / width),
            dpi=max(30.0, width / paper * 25.4),
            font=max(3.0, 11.0 * share),
            line=max(0.1, 0.9 * share),
            background="dark" if self.theme == "dark" else "white",
        )
        with Image.open(io.BytesIO(figure_bytes([FramePanel(moment.layers)], style))) as image:
            drawn = image.convert("RGB").resize((width, height))
        page = Image.new("RGB", whole, drawn.getpixel((0, 0)))
        page.paste(drawn, (margin, margin))
        return np.asarray(page)

    # The words.

    def _tell(self, page: Image.Image, moment: Moment) -> None:
        u, tone = self.unit, self.tone
        left, top, right, bottom = self.panel
        margin = 26 * u
        x, y = left + margin, top + (34 if self.wide else 22) * u
        room = (right - left - 2 * margin) if self.wide else 0.46 * (right - left)
        y = write_paragraph(page, self.title, (x, y), room, 25 * u, tone["text"], "SemiBold")
        y += 6 * u
        area = (x, bottom - margin - 200 * u, right - margin, bottom - margin - 18 * u)
        caveat = broken(moment.caveat, room, 15 * u) if moment.caveat else []
        if self.wide:
            # What must not go unread takes the room of facts.
            left_over = area[1] - 140 * u - y - 44 * u - len(caveat) * LEADING * 15 * u
            for fact in self.facts[: max(0, int(left_over / (29 * u)))]:
                y = self._fact(page, fact, x, y, room)
        clock = type(self.system).clock
        now = f"t = {moment.time:.4g}" + (f" {clock}" if clock != "t" else "")
        write(page, now, (x, y + 6 * u), 17 * u, tone["text3"], anchor="la")
        y += 44 * u
        if not moment.values:
            return
        label = self._order()
        if self.wide:
            self._read_out(page, label, moment, x, area[1] - 124 * u, room)
        else:
            area = (left + 0.52 * (right - left), top + margin, right - margin, bottom - 2 * margin)
            y = self._read_out(page, label, moment, x, y + 6 * u, room)
        draw_trace(page, area, label, (moment.times, moment.values, moment.theory), tone, u)
        write_paragraph(page, moment.caveat, (x, y), room, 15 * u, tone["warning"])

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

    def _fact(
        self, page: Image.Image, fact: tuple[str, str, str], x: float, y: float, room: float
    ) -> float:
        symbol, name, value = fact
        u, tone = self.unit, self.tone
        base, size, gap = y + 16 * u, 17 * u, 8 * u
        tall = extent_of(symbol, 20 * u)
        small = min(1.0, 26 * u / max(tall.above + tall.below, 1.0))  # no higher than its row
        write_symbol(page, symbol, x, base, 20 * u * small, tone["text2"])
        name = shortened(name, room - self.indent - width_of(value, size) - gap, size)
        write(page, name, (x + self.indent, base), size, tone["text2"])
        write(page, value, (x + room, base), size, tone["text"], anchor="rs")
        return y + 29 * u

    def _read_out(
        self, page: Image.Image, label: Label, moment: Moment, x: float, y: float, room: float
    ) -> float:
        """The order parameter in large, its theory below it; the height below both."""
        u, tone = self.unit, self.tone
        symbol, value = label.symbol or label.words, f"= {digits(moment.values[-1])}"
        wide = extent_of(symbol, 47 * u).width + 10 * u + width_of(value, 40 * u, "SemiBold")
        share = min(1.0, room / wide)
        tall = extent_of(symbol, 47 * u * share)
        # Words, symbol and theory lie above each other, however tall the symbol is.
        base = max(y + 46 * u, y + 10 * u + tall.above)
        write(page, label.words, (x, y + 2 * u), 17 * u, tone["text2"])
        end = write_symbol(page, symbol, x, base, 47 * u * share, tone["text"])
        write(page, value, (end + 10 * u * share, base), 40 * u * share, tone["text"], "SemiBold")
        below = base + max(12 * u, tall.below + 4 * u)
        theory = moment.theory[-1] if moment.theory else math.nan
        if math.isfinite(theory):
            words = f"{self.system.theory_name} {digits(theory)}"
            size = 21 * u * min(1.0, room / width_of(words, 21 * u))
            write(page, words, (x, below), size, tone["theory"], anchor="la")
            below += 32 * u
        return below


def camera_of_turned(camera: Camera3D, turn: float) -> Camera3D:
    """The same camera, further around by so many radians."""
    from app.views.camera import described

    turned = camera_of(described(camera))
    assert isinstance(turned, Camera3D)
    turned.turn = camera.turn + np.array([turn, 0.0])
    return turned


def stage_look(width: int, height: int, glow: bool = True, theme: str = "dark") -> scene.Look:
    """How points shine on a dark stage of this size, or lie as ink on a light one."""
    scale = min(width, height) / 700
    dark = theme == "dark"
    return scene.Look(
        dark=dark,
        smallest=max(0.8, 1.1 * scale),
        largest=max(1.2, (3.4 if dark else 2.6) * scale),
        line=max(1.0, 2.0 * scale),
        glow=glow,
        comets=dark,
        halo=0.45,
    )


def _sizes(system: Any) -> dict[str, Any]:
    """What the extent of a view may depend on."""
    from engine.core.parameters import parameters

    return {n: getattr(system, n) for n, p in parameters(system).items() if p.kind == "size"}


def facts_of(system: Any) -> list[tuple[str, str, str]]:
    """Symbol, name and value of the live parameters and of the sizes: the first, and how many."""
    from engine.core.parameters import parameters
    from engine.core.stepping import rooms

    hidden = {*HIDDEN, *rooms(system)}
    known = {
        name: p
        for name, p in parameters(system).items()
        if p.span is not None and p.kind in ("live", "size") and name not in hidden
    }
    told = list(known)
    if len(told) > MOST and "n" in told[MOST:]:
        told = [*told[: MOST - 1], "n"]
    return [_fact_of(known[name], getattr(system, name)) for name in told[:MOST]]


def _fact_of(p: Any, value: Any) -> tuple[str, str, str]:
    shown = number(value) if p.kind == "size" else f"{float(value):.4g}"
    name = p.name.replace("_", " ")
    spelt = unicodedata.name(p.symbol[:1], "").split()  # GREEK SMALL LETTER BETA
    if len(name) == 1 or p.name == p.symbol or p.name.upper() in spelt:
        name = re.split("[,;:(]", p.help)[0].strip()  # "β beta" says a thing twice
    return p.symbol, name, shown + (f" {p.unit}" if p.unit else "")
