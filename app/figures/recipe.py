"""What a figure was drawn from, as plain words and numbers: it stands in the file itself.

A view is drawn again from the run, at a step of its session; what was measured on the way (a
trace, the cells of a map) comes along as numbers, in single precision. A figure is always drawn
from its recipe, so that drawing it again gives the same bytes. Files come from anywhere: what is
read is checked, in types by msgspec and in sizes here.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from app.figures.curves import thinned
from app.figures.panels import (
    Label,
    MapPanel,
    Panel,
    ParameterCurve,
    Trace,
    frame_panels,
    parameter_label,
    quantity_label,
)
from app.figures.style import FigureStyle
from app.views.camera import camera_of


MOST_PANELS = 12
MOST_NUMBERS = 1 << 20


class Numbers(msgspec.Struct, frozen=True, tag=False):
    """An array in single precision."""

    shape: tuple[int, ...]
    bytes: str  # little-endian float32, base64

    @classmethod
    def of(cls, array: Any) -> "Numbers":
        array = np.ascontiguousarray(array, "<f4")
        return cls(array.shape, base64.b64encode(array.tobytes()).decode())

    @property
    def array(self) -> np.ndarray:
        count = 1
        for side in self.shape:
            count *= side
        try:
            data = base64.b64decode(self.bytes, validate=True)
        except ValueError as error:
            raise ValueError("An array of this file is not written in base64.") from error
        if not 0 <= count <= MOST_NUMBERS or min(self.shape, default=0) < 0:
            raise ValueError(f"An array of {count} numbers is none of a figure.")
        if len(data) != 4 * count:
            raise ValueError("An array of this file is not as long as it says.")
        return np.frombuffer(data, "<f4").reshape(self.shape).astype(float)

    def row(self, count: int | None = None) -> np.ndarray:
        """Numbers one after the other; as many as another row has, where `count` says it."""
        array = self.array
        if array.ndim != 1 or count not in (None, len(array)):
            raise ValueError(f"An array of shape {array.shape} is no row of a figure's numbers.")
        return array


class ViewPart(msgspec.Struct, frozen=True, tag="view", omit_defaults=True):
    """A view of the run's frame."""

    view: str
    step: int | None = None  # of the session; None is where the session stands
    camera: dict[str, Any] | None = None
    colouring: str | None = None


class TracePart(msgspec.Struct, frozen=True, tag="trace", omit_defaults=True):
    """An observable over time."""

    observable: str
    t: Numbers
    values: Numbers
    theory: Numbers | None = None
    clock: str = "t"


class LinePart(msgspec.Struct, frozen=True):
    x: Numbers
    y: Numbers
    kind: str


class AxisPart(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    low: float
    high: float
    count: int
    log: bool = False


class MapPart(msgspec.Struct, frozen=True, tag="map", omit_defaults=True):
    """A phase diagram."""

    observable: str
    x: AxisPart
    y: AxisPart
    mean: Numbers
    lines: dict[str, LinePart] = {}
    dot: tuple[float, float] | None = None
    regions: dict[str, tuple[float, float]] = {}
    path: Numbers | None = None


class CurvePart(msgspec.Struct, frozen=True, tag="curve", omit_defaults=True):
    """An observable over a parameter."""

    observable: str
    parameter: str
    x: Numbers
    theory: dict[str, Numbers] = {}
    measured: Numbers | None = None  # [x, mean, error]
    run: Numbers | None = None  # x, mean, error
    critical: tuple[float, ...] = ()


class MeasurePart(msgspec.Struct, frozen=True, tag="measures", omit_defaults=True):
    """A measure of the swarm, averaged over frames."""

    x: str  # what the axes mean
    y: str
    measured: Numbers  # [x, mean, error]
    theory: dict[str, Numbers] = {}
    gas: Numbers | None = None  # what it is in an ideal gas
    log: str = ""
    marks: tuple[float, ...] = ()


Part = ViewPart | TracePart | MapPart | CurvePart | MeasurePart


class Recipe(msgspec.Struct, frozen=True):
    """Panels in their order, and the page that they stand on."""

    panels: tuple[Part, ...]
    style: FigureStyle

    def plain(self) -> dict[str, Any]:
        """As words and numbers for JSON."""
        return msgspec.to_builtins(self)


class Instant(NamedTuple):
    """A run at a step: what a view is drawn from."""

    system: Any
    frame: Mapping[str, tuple[Any, ...]]


def recipe_of(said: Any) -> Recipe:
    """The recipe in a file's metadata; ValueError with a sentence where it is none."""
    try:
        found = msgspec.convert(said, Recipe)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(f"This figure says nothing that it can be drawn from: {error}.") from error
    if not 0 < len(found.panels) <= MOST_PANELS:
        raise ValueError(f"A figure of {len(found.panels)} panels: there are 1 to {MOST_PANELS}.")
    return found


def panels_from(recipe: Recipe, system: Any, at: Callable[[int | None], Instant]) -> list[Panel]:
    """The panels of a recipe; `at` gives the run at a step."""
    return [_panel(part, system, at) for part in recipe.panels]


def _panel(part: Part, system: Any, at: Callable[[int | None], Instant]) -> Panel:
    match part:
        case ViewPart():
            there = at(part.step)
            if part.view not in there.frame:
                raise ValueError(
                    f"There is no view {part.view!r}: choose from {', '.join(there.frame)}."
                )
            camera = None if part.camera is None else camera_of(part.camera)
            changed = {"camera": camera, "colouring": part.colouring}
            return frame_panels(there.system, there.frame, (part.view,), **changed)[0]
        case TracePart():
            t = part.t.row()
            theory = None if part.theory is None else _or_one(part.theory.row(), len(t))
            label = quantity_label(system, part.observable)
            return Trace(t, part.values.row(len(t)), theory, label, part.clock)
        case MapPart():
            return _map(part, system)
        case CurvePart():
            _check_axis(system, part.parameter)
            x = part.x.row()
            return ParameterCurve(
                x,
                {name: values.row(len(x)) for name, values in part.theory.items()},
                None if part.measured is None else _columns(part.measured),
                None if part.run is None else _three(part.run.array),
                part.critical,
                parameter_label(system, part.parameter),
                quantity_label(system, part.observable),
            )
        case MeasurePart():
            measured = _columns(part.measured)
            x = measured[0]
            return ParameterCurve(
                x,
                {name: values.row(len(x)) for name, values in part.theory.items()},
                measured,
                critical=part.marks,
                x_label=Label(part.x, log="x" in part.log),
                y_label=Label(part.y, log="y" in part.log),
                guides={} if part.gas is None else {"ideal gas": part.gas.row(len(x))},
            )


def _columns(measured: Numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, mean and error."""
    columns = measured.array
    if columns.ndim != 2 or len(columns) != 3:
        raise ValueError("What was measured along a curve takes three rows of numbers.")
    return columns[0], columns[1], columns[2]


def _map(part: MapPart, system: Any) -> MapPanel:
    from engine.core.axes import Axis, check_axes
    from engine.core.maps import PhaseMap
    from engine.core.theory_maps import Line

    x, y = (Axis(a.name, a.low, a.high, a.count, a.log) for a in (part.x, part.y))
    for axis in (x, y):
        _check_axis(system, axis.name)
    check_axes(system, x, y)
    path = None if part.path is None else part.path.array
    if path is not None and path.shape[1:] != (2,):
        raise ValueError("A path over a map takes points of two numbers.")
    mean = part.mean.array
    if mean.shape != (y.count, x.count) or not mean.size:
        raise ValueError("The cells of this map do not fit its axes.")
    known = np.isfinite(mean)
    found = PhaseMap("", {}, x, y, part.observable, mean, 0 * mean, known, 0)
    return MapPanel(
        found,
        {
            name: Line(at := line.x.row(), line.y.row(len(at)), line.kind)
            for name, line in part.lines.items()
        },
        part.dot,
        parameter_label(system, x.name),
        parameter_label(system, y.name),
        quantity_label(system, part.observable),
        part.regions,
        path,
    )


def _check_axis(system: Any, name: str) -> None:
    from engine.core.axes import spannable

    try:
        spannable(system, name)
    except TypeError as error:  # of a name that no parameter has
        raise ValueError(str(error)) from error


def trace_part(
    observable: str, t: Any, values: Any, theory: Any = None, clock: str = "t"
) -> TracePart:
    """A trace, as few of its points as the eye tells apart."""
    t, values = np.asarray(t, float), np.asarray(values, float)
    short_t, short = thinned(t, values)
    said = None
    if theory is not None:
        line = np.broadcast_to(np.asarray(theory, float), t.shape)
        if np.isfinite(line).any():
            # A line that moves is read off where the trace is.
            constant = np.ptp(line[np.isfinite(line)]) == 0
            said = Numbers.of(line[np.isfinite(line)][:1] if constant else _at(short_t, t, line))
    return TracePart(observable, Numbers.of(short_t), Numbers.of(short), said, clock)


def map_part(
    found: Any,
    lines: Mapping[str, Any],
    dot: tuple[float, float] | None = None,
    regions: Mapping[str, tuple[float, float]] | None = None,
    path: Any = None,
) -> MapPart:
    x, y = (AxisPart(a.name, float(a.low), float(a.high), int(a.count), bool(a.log))
            for a in (found.x, found.y))  # fmt: skip
    return MapPart(
        found.observable,
        x,
        y,
        Numbers.of(found.mean),
        {
            n: LinePart(Numbers.of(line.x), Numbers.of(line.y), line.kind)
            for n, line in lines.items()
        },
        None if dot is None else (float(dot[0]), float(dot[1])),
        {name: (float(a), float(b)) for name, (a, b) in (regions or {}).items()},
        None if path is None else Numbers.of(path),
    )


def line_part(line: Any) -> LinePart:
    return LinePart(Numbers.of(line.x), Numbers.of(line.y), line.kind)


def curve_part(
    observable: str,
    parameter: str,
    x: Any,
    theory: Mapping[str, Any],
    measured: Sequence[Any] | None = None,
    run: Sequence[float] | None = None,
    critical: Sequence[float] = (),
) -> CurvePart:
    return CurvePart(
        observable,
        parameter,
        Numbers.of(x),
        {name: Numbers.of(np.broadcast_to(y, np.shape(x))) for name, y in theory.items()},
        None if measured is None else Numbers.of(np.stack([np.asarray(c) for c in measured])),
        None if run is None else Numbers.of(run),
        tuple(map(float, critical)),
    )


def measure_part(
    about: Any, average: Any, theory: Mapping[str, Any], marks: Mapping[str, float]
) -> MeasurePart:
    """A measure (of `engine.core.measures`) and its average; theory lies where it was measured."""
    return MeasurePart(
        about.x,
        about.y,
        Numbers.of(np.stack([average.x, average.mean, average.error])),
        {name: Numbers.of(y) for name, y in theory.items()},
        None if average.ideal is None else Numbers.of(average.ideal),
        about.log,
        tuple(marks.values()),
    )


def _at(some: np.ndarray, t: np.ndarray, line: np.ndarray) -> np.ndarray:
    order = np.argsort(t, kind="stable")
    return line[order][np.clip(np.searchsorted(t[order], some), 0, len(t) - 1)]


def _or_one(theory: np.ndarray, count: int) -> float | np.ndarray:
    if len(theory) not in (1, count):
        raise ValueError(f"Theory of {len(theory)} numbers does not fit a trace of {count}.")
    return float(theory[0]) if len(theory) == 1 else theory


def _three(values: np.ndarray) -> tuple[float, float, float]:
    if values.shape != (3,):
        raise ValueError("Where the run stands on a curve takes three numbers.")
    return float(values[0]), float(values[1]), float(values[2])
