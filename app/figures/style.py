"""The page of a figure: sizes in mm and pt, colours of paper; the pages of journals by name."""

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from engine.resources import resource


MM = 1 / 25.4  # inches
PT = 25.4 / 72  # mm


@dataclass(frozen=True)
class FigureStyle:
    """The page: sizes in mm and pt, as a journal asks for them."""

    width: float = 86.0  # mm
    height: float | None = None  # mm; None follows from the panels
    dpi: float = 600.0
    font: float = 7.5  # pt
    line: float = 0.6  # pt, of axes; theory is drawn at 1.1 / 0.6 of it
    background: Literal["white", "transparent", "dark"] = "white"
    columns: int | None = None  # panels in a row
    letters: bool = True  # (a), (b), ... where there are several
    bars: Literal["each", "shared", "none"] = "each"  # of colour
    scale_bar: bool = True  # in a periodic box

    def __post_init__(self) -> None:
        for name, low, high in (
            ("width", 10, 2000),
            ("height", 10, 2000),
            ("dpi", 30, 2400),
            ("font", 3, 48),
            ("line", 0.1, 6),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:  # also refuses not-a-number
                raise ValueError(f"{name} = {value:g} is impossible: give {low} to {high}.")
        pixels = self.width * (self.height or self.width) * (self.dpi * MM) ** 2
        if pixels > 4e8:
            raise ValueError(
                f"{self.width:g} mm at {self.dpi:g} dpi is too large a picture: lower one of them."
            )

    @property
    def theme(self) -> str:
        return "dark" if self.background == "dark" else "light"


@cache
def presets() -> dict[str, dict[str, Any]]:
    """The pages of journals by name, from `resources/figure_presets.json`."""
    return json.loads(resource("figure_presets.json").read_text("utf-8"))


def preset(name: str, **changed: Any) -> FigureStyle:
    """The style of a journal."""
    values = {key: value for key, value in presets()[name].items() if key != "title"}
    return replace(FigureStyle(**values), **changed)
