"""How far what was made is from the data: a row for each distance, measured beside the run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.comparing import Compared, Comparer
from app.views.view import Layer, View, named_data
from app.widgets import numbers
from app.widgets.boxes import Column
from app.widgets.formula_tip import formula_tip
from app.widgets.labels import Label
from app.widgets.metric_row import MetricRow


if TYPE_CHECKING:
    from app.theme.theme import Theme
    from engine.numerics.metrics import Measured


ROW, LEAST = 28, 18  # heights of a row in pixels of scale 1


class Metric(NamedTuple):
    """How a distance is written, and what its tip says."""

    name: str  # short, for there is little room: its symbol stands beside it
    latex: str
    formula: str
    words: str


POINTS = {
    "sliced": Metric(
        "Sliced",
        r"\mathrm{SW}_2",
        r"\mathrm{SW}_2^2=\frac{1}{L}\sum_{\ell}\int_0^1"
        r"\left(F^{-1}_{\ell}(u)-G^{-1}_{\ell}(u)\right)^2\mathrm{d}u",
        "Quantiles of the shadows along L = 64 fixed directions. The error is that of so many "
        "directions.",
    ),
    "earth mover": Metric(
        "Earth mover",
        r"\mathrm{EMD}",
        r"\mathrm{EMD}=\min_{\pi}\frac{1}{N}\sum_a\left|a-\pi(a)\right|",
        "Over all bijections: exact for up to 512 points of each. With more, ≈ marks Sinkhorn "
        "(ε = 0.02 mean distances), which lies some per cent above.",
    ),
    "chamfer": Metric(
        "Chamfer",
        r"\mathrm{CD}",
        r"\mathrm{CD}=\frac{1}{N}\sum_a\min_b|a-b|^2+\frac{1}{M}\sum_b\min_a|a-b|^2",
        "Squared norms and the sum of both means; other texts halve it or take roots.",
    ),
    "energy": Metric(
        "Energy",
        r"\mathrm{ED}",
        r"\mathrm{ED}=2\,\mathrm{E}|a-b|-\mathrm{E}|a-a'|-\mathrm{E}|b-b'|",
        "Over all pairs, a point with itself too.",
    ),
    "kernel": Metric(
        "Kernel",
        r"\mathrm{MMD}^2",
        r"\mathrm{MMD}^2=\mathrm{E}\,k(a,a')+\mathrm{E}\,k(b,b')-2\,\mathrm{E}\,k(a,b),\quad "
        r"k=e^{-|a-b|^2/2\sigma^2}",
        "σ is half a standard deviation of a coordinate of the data. Over all pairs, a point with "
        "itself too.",
    ),
}
SETS = {
    "matching": Metric(
        "Matching",
        r"\mathrm{MMD}_{\mathrm{CD}}",
        r"\frac{1}{|R|}\sum_{r}\min_{g}\mathrm{CD}(g,r)",
        "From each cloud of the data to the nearest that was made: low is good. It has nothing to "
        "do with the kernel discrepancy.",
    ),
    "coverage": Metric(
        "Coverage",
        r"\mathrm{COV}_{\mathrm{CD}}",
        r"\left|\left\{\arg\min_r\mathrm{CD}(g,r):g\in G\right\}\right|/\,|R|",
        "The share of the data that is nearest to something made. Two sets of one law give about "
        "0.5 to 0.63, not 1.",
    ),
    "neighbour": Metric(
        "Neighbour",
        r"1\text{-}\mathrm{NNA}",
        r"\mathrm{P}\left(\text{nearest other cloud is of the same set}\right)",
        "How often a nearest neighbour tells made from real: 0.5 is ideal, 1 is told apart always, "
        "0 is a copy.",
    ),
}


class MetricsView(View):
    """Shows a layer `Comparison`. Nothing is computed in the window's thread."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._layers: tuple[Layer, ...] = ()
        self.compared: Compared | None = None
        self._shape: tuple = ()
        self._head = Label("", "caption")
        self._foot = Label("", "caption", wrap=True)
        self.rows, self.set_rows = (
            {n: MetricRow(theme, m.latex, m.name, partial(self.tip_of, n)) for n, m in some.items()}
            for some in (POINTS, SETS)
        )
        self._set_head = Label("", "caption")
        self._column = Column(
            theme,
            self._head,
            4,
            *self.rows.values(),
            6,
            self._set_head,
            *self.set_rows.values(),
            None,
            self._foot,
            margins=(0, 8, 0, 6),
            gap=0,
        )
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._column)
        self._sets_shown = False
        self._show_sets(False)
        self._comparer = Comparer(self)
        self._comparer.compared.connect(self._show)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self._comparer.join)
        self._dress()

    def show_layers(self, layers: tuple[Layer, ...]) -> None:
        self._layers = layers
        layer = next((la for la in layers if type(la).__name__ == "Comparison"), None)
        if layer is None:
            return
        made, data = np.asarray(layer.made), np.asarray(layer.data)
        shape = (made.shape, data.shape)
        if shape != self._shape:
            self._shape = shape
            for row in (*self.rows.values(), *self.set_rows.values()):
                row.forget()
            self._head.setText("measuring …")
        self._comparer.compare(made, data)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._column.restyle(theme)
        self._dress()

    def data(self) -> dict[str, np.ndarray]:
        """The distances with their errors, and both clouds."""
        columns: dict[str, np.ndarray] = {}
        if self.compared is not None:
            for name, found in self.compared.distances.items():
                columns[name] = np.array([found.value, found.error])
            if self.compared.between is not None:
                for name in SETS:
                    found = getattr(self.compared.between, name)
                    columns[name] = np.array([found.value, found.error])
        return columns | named_data(self._layers)

    def hideEvent(self, event: Any) -> None:
        self._comparer.stop()
        super().hideEvent(event)

    def closeEvent(self, event: Any) -> None:
        self._comparer.join()
        super().closeEvent(event)

    def _show(self, compared: Compared) -> None:
        self.compared = compared
        made, data = compared.held
        self._head.setText(
            f"{numbers.count(made)} points against {numbers.count(data)} of the data"
        )
        for name, found in compared.distances.items():
            self.rows[name].show_value(found.value, found.error, approximate=not found.exact)
        between = compared.between
        self._show_sets(between is not None)
        if between is not None:
            clouds = between.matching
            self._set_head.setText(f"{clouds.made} clouds against {clouds.data}, by Chamfer")
            for name, row in self.set_rows.items():
                found = getattr(between, name)
                row.show_value(found.value, found.error)
        self._foot.setText(compared.trouble or self._used(compared))

    def _used(self, compared: Compared) -> str:
        """How many points were used, where that is fewer than there are."""
        used = {(m.made, m.data) for m in compared.distances.values()}
        fewest = min(used, default=compared.held)
        if fewest == compared.held:
            return ""
        return f"from {numbers.count(fewest[0])} and {numbers.count(fewest[1])} of them at least"

    def _show_sets(self, on: bool) -> None:
        for widget in (self._set_head, *self.set_rows.values()):
            widget.setVisible(on)
        self._sets_shown = on
        self._fit_rows()

    def _fit_rows(self) -> None:
        """Rows move together where there is little room."""
        px, shown = self.theme.px, [*self.rows.values()]
        if self._sets_shown:
            shown += self.set_rows.values()
        room = self.height() - px(60 if self._sets_shown else 40)
        height = min(px(ROW), max(px(LEAST), room // len(shown)))
        for row in shown:
            row.setFixedHeight(height)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit_rows()

    def _dress(self) -> None:
        px = self.theme.px
        for label in (self._head, self._set_head, self._foot):
            label.setContentsMargins(px(12), 0, px(12), 0)
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._fit_rows()

    def tip_of(self, name: str) -> str:
        """The formula of a distance, and what the data's own halves are from each other."""
        metric = (POINTS | SETS)[name]
        floor = self.compared.floor.get(name) if self.compared is not None else None
        words = metric.words + _floor_words(floor)
        return formula_tip(self.theme, metric.name, metric.formula, words)


def _floor_words(floor: Measured | None) -> str:
    if floor is None:
        return ""
    value, error = numbers.estimate(floor.value, floor.error)
    return f" One half of the data is {value} ± {error} from the other ({floor.made} points each)."
