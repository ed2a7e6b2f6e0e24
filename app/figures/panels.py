"""What stands in a panel of a figure: data and words, no opinion on how they are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from app.figures.scene import named


class Label(NamedTuple):
    """What an axis means."""

    words: str = ""
    symbol: str = ""
    unit: str = ""
    span: tuple[float, float] | None = None
    log: bool = False
    signed: bool = False  # its 0 is a middle


UNSAID = Label()


@dataclass(frozen=True, eq=False)
class FramePanel:
    """A view of a frame, as a camera sees it; without a camera all of it is shown."""

    layers: tuple[Any, ...]
    name: str = ""
    camera: Any = None
    colouring: str | None = None
    azimuth: float = 30.0  # of the camera in 3D that is made where none is given
    elevation: float = 20.0
    glow: bool = True
    marked: bool = True  # with its own colour bar or ring


@dataclass(frozen=True, eq=False)
class Trace:
    """An observable over time, and what theory says of it: a number, or a series."""

    t: np.ndarray
    values: np.ndarray
    theory: float | np.ndarray | None = None
    label: Label = UNSAID
    clock: str = "t"


@dataclass(frozen=True, eq=False)
class MapPanel:
    """A phase diagram: measured cells, lines of theory, and the dot that is the run."""

    map: Any  # engine.core.maps.PhaseMap
    lines: Mapping[str, Any] = field(default_factory=dict)
    dot: tuple[float, float] | None = None
    x: Label = UNSAID
    y: Label = UNSAID
    z: Label = UNSAID
    regions: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # where names stand
    path: np.ndarray | None = None  # [point, xy] that the run was led along


@dataclass(frozen=True, eq=False)
class ParameterCurve:
    """An observable over a parameter: theory as lines, measurement as points, the run as a dot."""

    x: np.ndarray
    theory: Mapping[str, np.ndarray] = field(default_factory=dict)
    measured: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None  # x, mean, error
    run: tuple[float, float, float] | None = None
    critical: Sequence[float] = ()
    x_label: Label = UNSAID
    y_label: Label = UNSAID
    guides: Mapping[str, np.ndarray] = field(default_factory=dict)  # faint lines, along x


Panel = FramePanel | Trace | MapPanel | ParameterCurve


def quantity_label(system: Any, observable: str) -> Label:
    """How a system writes an observable."""
    for q in system.quantities:
        if q.name == observable:
            return Label(q.name, q.symbol, q.unit, q.span, q.log, q.signed)
    return Label(observable)


def parameter_label(system: Any, name: str) -> Label:
    """How a system writes a parameter."""
    from engine.core.parameters import parameters

    parameter = parameters(system)[name]
    return Label(name, parameter.symbol, parameter.unit, parameter.span, parameter.log)


def frame_panels(
    system: Any, frame: Mapping[str, tuple[Any, ...]], views: Sequence[str], **changed: Any
) -> list[FramePanel]:
    """The views of a frame as panels, opened as the system hints."""
    out = []
    for name in views:
        hint = system.hints.get(name)
        turn = {"azimuth": hint.azimuth, "elevation": hint.elevation} if hint else {}
        out.append(
            FramePanel(frame[name], name, glow=hint.glow if hint else True, **turn, **changed)
        )
    return out


def points_of(panel: FramePanel) -> Any:
    """The first swarm of a panel."""
    points = named(panel.layers, "Points")
    return points[0] if points else None
