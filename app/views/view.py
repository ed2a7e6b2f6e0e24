"""What every picture on the stage can do, whoever draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QWidget


if TYPE_CHECKING:
    from app.theme.theme import Theme

Layer = Any  # one of `engine.core.layers`, told apart by its name: a view imports no JAX


def titled(name: str) -> str:
    """The name of a view where it begins a line; a symbol stays as it is written: g(r)."""
    return name if name[1:2] == "(" else name[:1].upper() + name[1:]


class Hand(NamedTuple):
    """A hand in a view, in the coordinates of the system: what a poke is called with."""

    position: tuple[float, ...]
    drag: tuple[float, ...]  # how far it moved since the last one
    radius: float
    sign: float  # −1 with Shift or the right button
    down: bool  # False once, when the button is let go


class View(QWidget):
    """Shows the layers of one view of a frame."""

    drawn = Signal()  # a picture that was on its way is there
    touched = Signal(object)  # Hand, once a frame while the button is down

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme

    def keep_clear(self, taken: list[QRect]) -> None:
        """What floats over the foot of this view: words stand above it."""

    def keep_head_clear(self, height: int) -> None:
        """What floats over the head of this view, in pixels: plots stand below it."""

    def show_layers(self, layers: tuple[Layer, ...]) -> None:
        """Draw the newest frame; the arrays are NumPy's and are not changed."""
        raise NotImplementedError

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    def reset_camera(self) -> None:
        """Show all there is."""

    def data(self) -> dict[str, np.ndarray]:
        """What is drawn, as named columns: for copying the data of a view."""
        return {}


def named_data(layers: tuple[Layer, ...]) -> dict[str, np.ndarray]:
    """The arrays of layers by readable names: `position`, `colour heading`, `theory y`."""
    columns: dict[str, np.ndarray] = {}
    for layer in layers:
        kind = type(layer).__name__
        label = getattr(layer, "label", "") or kind.lower()
        match kind:
            case "Points":
                columns["position"] = np.asarray(layer.position)
                for name, colour in layer.colours.items():
                    columns[name] = np.asarray(colour.value)
            case "Curve":
                columns[f"{label} x"], columns[f"{label} y"] = (
                    np.asarray(layer.x),
                    np.asarray(layer.y),
                )
            case "Bars":
                columns[f"{label} edges"] = np.asarray(layer.edges)
                columns[f"{label} height"] = np.asarray(layer.height)
            case "Image":
                columns["image"] = np.asarray(layer.values)
            case "Arrows":
                columns[f"{label} tail"] = np.asarray(layer.tail)
                columns[f"{label} vector"] = np.asarray(layer.vector)
            case "Trails":
                columns["path"] = np.asarray(layer.path)
            case "Comparison":
                columns["made"], columns["data"] = np.asarray(layer.made), np.asarray(layer.data)
            case "Clock":
                columns["noise time"] = np.asarray(layer.now)
                for name, time in layer.marks.items():
                    columns[f"{name} time"] = np.asarray(time)
            case "Segments":
                columns["start"], columns["end"] = np.asarray(layer.start), np.asarray(layer.end)
    return columns
