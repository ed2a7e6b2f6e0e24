"""The sheet that panels are drawn on: lengths are mm, axes shrink until their labels fit."""

from typing import Any, NamedTuple

from app.figures.style import MM, PT, FigureStyle
from app.theme.tokens import colour


class Cell(NamedTuple):
    """A place on the page, in mm from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


class Page:
    """A figure while it is drawn; what its panels show is their own."""

    def __init__(self, style: FigureStyle, height: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.style = style
        self.ink = colour("text", style.theme)
        self.paper = "#ffffff" if style.theme == "light" else colour("panel", "dark")
        self.theory = colour("theory", style.theme)
        self.measured = colour("measured", style.theme)
        self.width, self.height = style.width, height
        self.figure = Figure(figsize=(self.width * MM, self.height * MM), facecolor=self.paper)
        self.canvas = FigureCanvasAgg(self.figure)

    def axes(self, cell: Cell) -> Any:
        """Axes whose frame is the cell."""
        left, top, width, height = cell
        axes = self.figure.add_axes(
            (
                left / self.width,
                1 - (top + height) / self.height,
                width / self.width,
                height / self.height,
            ),
        )
        axes.spines[:].set_zorder(10)  # over the patches of scale bar and colour ring
        return axes

    def write_letter(self, letter: str, left: float, top: float) -> None:
        self.figure.text(
            left / self.width,
            1 - (top + 1.1 * self.style.font * PT) / self.height,
            f"({letter})",
            fontsize=1.07 * self.style.font,
            fontfamily="Inter",
            fontweight=600,
        )

    def settle(self, axes: Any, cell: Cell) -> None:
        """Shrink axes until their labels, too, lie in the cell."""
        left, top, width, height = cell
        for turn in range(3):  # again with the ticks of the new size
            dpi = self.figure.dpi
            if turn == 1:
                self._wrap(axes)
            box = axes.get_window_extent()
            whole = axes.get_tightbbox(self.canvas.get_renderer())
            over = [
                max(0.0, (box.x0 - whole.x0) / dpi / MM),
                max(0.0, (whole.x1 - box.x1) / dpi / MM),
                max(0.0, (whole.y1 - box.y1) / dpi / MM),
                max(0.0, (box.y0 - whole.y0) / dpi / MM),
            ]
            inner = max(width - over[0] - over[1], 4.0), max(height - over[2] - over[3], 4.0)
            place = left + over[0], top + over[2]
            axes.set_position(
                (
                    place[0] / self.width,
                    1 - (place[1] + inner[1]) / self.height,
                    inner[0] / self.width,
                    inner[1] / self.height,
                )
            )

    def _wrap(self, axes: Any) -> None:
        """Break an axis' name that is longer than the axis."""
        box = axes.get_window_extent()
        for label, length in ((axes.xaxis.label, box.width), (axes.yaxis.label, box.height)):
            said = label.get_window_extent(self.canvas.get_renderer())
            words = label.get_text().split(" ")
            if len(words) > 1 and max(said.width, said.height) > length:
                cuts = range(1, len(words))
                best = min(
                    cuts, key=lambda k: abs(len(" ".join(words[:k])) - len(label.get_text()) / 2)
                )
                label.set_text(" ".join(words[:best]) + "\n" + " ".join(words[best:]))
