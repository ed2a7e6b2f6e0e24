"""The phase diagram with what belongs to it: axes, layers, a history of closer looks, its menu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from app.views.map_view import MapView
from app.widgets.buttons import IconButton
from app.widgets.labels import Label
from app.widgets.panel_frame import PanelFrame
from app.widgets.parameter_row import words


if TYPE_CHECKING:
    from app.map_worker import Diagram
    from app.session import Session
    from app.theme.theme import Theme
    from engine.core.axes import Axis

Axes = tuple["Axis", "Axis"]
MEASURED, THEORY = "Measured", "Theory"
DEPTH = 40  # closer looks that are remembered


class MapPanel(PanelFrame):
    """Shows where the run stands among all runs; the dot is the run."""

    axes_changed = Signal()  # another map is wanted
    refill_asked = Signal()
    axis_chosen = Signal(int, str)  # by hand: across or up, the name of a parameter
    quantity_chosen = Signal(str)  # by hand: the name of an observable
    path_asked = Signal()
    point_asked = Signal()  # the critical point
    ghosts_asked = Signal()

    def __init__(self, theme: Theme, session: Session) -> None:
        self.map = MapView(theme)
        self._note = Label("", "caption")
        self._draw = IconButton(
            theme, "path", "Draw a path for the run  P", size=14, checkable=True
        )
        self._back = IconButton(theme, "arrow-left", "Look from farther back  Alt+Left", size=14)
        super().__init__(
            theme,
            "Phase diagram",
            self.map,
            extra=(self._note,),
            tools=(self._back, self._draw),
        )
        self._session = session
        self.axes: Axes | None = None
        self.theory_shown = True
        self._whole: Axes | None = None
        self._looks: list[Axes] = []  # closer and closer, and back
        self._look = 0
        self._layer = MEASURED
        self._observable, self._symbol = "", ""
        self._diagram: Diagram | None = None
        self.measured: Any = None
        self._lines: dict[str, Any] = {}
        self._back.hide()
        self._draw.toggled.connect(self.map.set_drawing)
        self.map.drawing_ended.connect(lambda: self._draw.setChecked(False))
        self._back.clicked.connect(self.zoom_back)
        self.map.zoom_asked.connect(self.zoom)
        self.map.menu_asked.connect(self.show_menu)
        self.map.dot_moved.connect(self._on_dot_moved)
        self.map.dot_released.connect(session.commit)
        self.more_asked.connect(self.show_menu)

    # What is shown.

    def begin(self, system: Any, observable: str, symbol: str) -> None:
        """Make room for another system."""
        from engine.core.axes import default_axes

        try:
            self.axes = default_axes(system)
        except ValueError:
            self.axes = None  # fewer than two live parameters: no map
        self._whole, self._layer = self.axes, MEASURED
        self._looks, self._look = ([self.axes] if self.axes else []), 0
        self._observable, self._symbol = observable, symbol
        self.setVisible(self.axes is not None)
        self.map.show_path(None)
        self._empty()

    def show_values(self) -> None:
        """Bring the dot to where the sliders are."""
        if self.axes is None:
            return
        session, x, y = self._session, self.axes[0].name, self.axes[1].name
        self.map.set_dot(session.values[x], session.values[y])
        beside = 0 if session.focus == "B" else 1
        other = session.systems[beside] if session.comparing else None
        place = None if other is None else (float(getattr(other, x)), float(getattr(other, y)))
        self.map.set_beside("ab"[beside], place)

    def show_diagram(self, diagram: Diagram) -> None:
        """What is known of the map now; while nothing is, what was known before stays, greyed."""
        if self.axes is None or diagram.request[1:3] != self.axes:
            return
        self._diagram, self._lines = diagram, diagram.lines
        if diagram.measured is None or not np.isfinite(diagram.measured.mean).any():
            self.map.set_stale(
                self.measured is not None and bool(np.isfinite(self.measured.mean).any())
            )
        else:
            self.measured = diagram.measured
            self.map.show_map(self.measured)
        self._show_layers()
        size = "" if diagram.members is None else f"N = {diagram.members}"
        filled = 0.0 if diagram.measured is None else diagram.measured.measured.mean()
        note = size if diagram.complete else f"{size}, {filled:.0%}".lstrip(", ")
        self._note.setText(note)
        self._note.setToolTip(f"The cells of the map: {note.replace('%', '% filled')}")

    def show_theory(self, on: bool) -> None:
        self.theory_shown = on
        self._show_layers()

    @property
    def lines(self) -> dict[str, Any]:
        """The lines of theory that are shown."""
        return self._lines if self.theory_shown else {}

    @property
    def regions(self) -> dict[str, tuple[float, float]]:
        """The names of phases that are shown."""
        theory = None if self._diagram is None else self._diagram.theory
        return theory.regions if theory is not None and self.theory_shown else {}

    def _show_layers(self) -> None:
        self.map.show_theory_lines(self.lines)
        self.map.show_regions(self.regions)
        theory = None if self._diagram is None else self._diagram.theory
        self.map.show_theory(None if theory is None else theory.predicted)
        values = hatched = None
        if theory is not None and self._layer == THEORY:
            values = theory.predicted
            hatched = ~np.isfinite(values)
        elif theory is not None and self._layer in theory.branches:
            branch = theory.branches[self._layer]
            values = branch.values.get(self._observable, np.full_like(theory.predicted, np.nan))
            hatched = branch.doubtful
        if values is not None and self.measured is not None:
            fits = values.shape == self.measured.mean.shape
            values, hatched = (values, hatched) if fits else (None, None)
        self.map.show_layer(values, hatched)
        self.set_title("Phase diagram" if self._layer == MEASURED else self._layer)

    def _empty(self) -> None:
        from engine.core.maps import blank

        self._diagram, self.measured, self._lines = None, None, {}
        self._note.setText("")
        self._note.setToolTip("")
        if self.axes is not None and self._session.system is not None:
            self.map.show_map(blank(self._session.system, *self.axes, self._observable))
        self._show_layers()
        self._name_axes()

    def _name_axes(self) -> None:
        from app.diagrams import quantity_of

        self._back.setVisible(self._look > 0)
        if self.axes is None:
            return
        known, system = self._session.parameters, self._session.system
        x, y = (known[axis.name] for axis in self.axes)
        quantity = quantity_of(system, self._observable)
        self.map.set_axes(
            f"{words(x)} {x.symbol}",
            f"{words(y)} {y.symbol}",
            self._symbol,
            symbols=(x.symbol, y.symbol, self._symbol),
            span=quantity.span if quantity is not None else None,
            signed=quantity is not None and quantity.signed,
            names={q.name: q.symbol for q in getattr(system, "quantities", ())},
        )

    # Which map.

    def set_axes(self, x: str, y: str) -> None:
        """Let these parameters span the map, over what they offer; an axis that stays is kept."""
        if self._whole is None:
            return
        axes = list(self._whole)
        for side, name in enumerate((x, y)):
            parameter = self._session.parameters[name]
            if axes[side].name != name and parameter.span is not None:
                low, high = parameter.span
                axes[side] = axes[side]._replace(name=name, low=low, high=high, log=parameter.log)
        self.axes = self._whole = (axes[0], axes[1])
        self._looks, self._look = [self.axes], 0
        self.map.show_path(None)
        self._empty()
        self.show_values()
        self.axes_changed.emit()

    def zoom(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Measure this part of the map, as finely as the whole."""
        if self.axes is None or self._whole is None:
            return
        ends = []
        for axis, whole, (low, high) in zip(self.axes, self._whole, (x, y), strict=True):
            low, high = max(low, whole.low), min(high, whole.high)
            if not low < high:
                return
            ends.append(axis._replace(low=float(f"{low:.6g}"), high=float(f"{high:.6g}")))
        closer = (ends[0], ends[1])
        if closer == self._looks[self._look]:
            self._go_to(self._look)
            return
        self._looks = [*self._looks[: self._look + 1][-DEPTH:], closer]
        self._go_to(len(self._looks) - 1)

    def zoom_back(self) -> None:
        if self._look > 0:
            self._go_to(self._look - 1)

    def zoom_forward(self) -> None:
        if self._look + 1 < len(self._looks):
            self._go_to(self._look + 1)

    def whole_map(self) -> None:
        if self._whole is not None and self.axes != self._whole:
            self.zoom(*((axis.low, axis.high) for axis in self._whole))  # type: ignore[arg-type]

    def _go_to(self, look: int) -> None:
        """The cells of the look before stay where they are, greyed, until there are new ones."""
        from engine.core.maps import blank, seen_closer

        self._look, before = look, self.axes
        self.axes = self._looks[look]
        self._back.setVisible(look > 0)
        if self.axes != before and self._session.system is not None:
            coarse = blank(self._session.system, *self.axes, self._observable)
            if self.measured is not None:
                coarse = seen_closer(self.measured, coarse)
            self.measured, self._diagram = coarse, None
            self._show_layers()
        if self.measured is not None:
            self.map.show_map(self.measured)
            self.map.set_stale(bool(np.isfinite(self.measured.mean).any()) and before != self.axes)
        self.axes_changed.emit()

    # The hand.

    def draw_path(self) -> None:
        """Let the hand draw a path, or leave that."""
        self._draw.toggle()

    def leave_drawing(self) -> bool:
        """Stop drawing a path; whether one was being drawn."""
        was = self.map.drawing
        self.map.set_drawing(False)
        return was

    def _on_dot_moved(self, x: float, y: float) -> None:
        if self.axes is not None:
            self._session.hold()
            self._session.set(**{self.axes[0].name: x, self.axes[1].name: y})

    def show_menu(self, at: QPoint) -> None:
        """Which parameters span the map, what its cells show, and how closely."""
        if self.axes is None:
            return
        menu = QMenu(self)
        can = [p for p in self._session.parameters.values() if p.traced and p.span]
        for side, axis in enumerate(self.axes):
            group = menu.addMenu(("Across", "Up")[side])
            for parameter in can:
                if parameter.name == self.axes[1 - side].name:
                    continue
                item = group.addAction(f"{words(parameter)}  {parameter.symbol}")
                item.setCheckable(True)
                item.setChecked(parameter.name == axis.name)
                item.triggered.connect(
                    lambda _=False, side=side, name=parameter.name: self.axis_chosen.emit(
                        side, name
                    )
                )
        quantities = menu.addMenu("Quantity")
        for name in self._observables():
            item = quantities.addAction(name)
            item.setCheckable(True)
            item.setChecked(name == self._observable)
            item.triggered.connect(lambda _=False, name=name: self.quantity_chosen.emit(name))
        layers = menu.addMenu("Cells show")
        group = QActionGroup(layers)
        for layer in self.layers():
            item = layers.addAction(layer)
            item.setCheckable(True)
            item.setChecked(layer == self._layer)
            group.addAction(item)
            item.triggered.connect(lambda _=False, layer=layer: self.show_layer(layer))
        menu.addSeparator()
        for title, deed, can_do in (
            ("Back", self.zoom_back, self._look > 0),
            ("Forward", self.zoom_forward, self._look + 1 < len(self._looks)),
            ("Whole map", self.whole_map, self.axes != self._whole),
        ):
            menu.addAction(title, deed).setEnabled(can_do)
        menu.addSeparator()
        menu.addAction("Draw a path", self.path_asked.emit)
        menu.addAction("Find the critical point", self.point_asked.emit)
        menu.addAction("Ghost ensemble", self.ghosts_asked.emit)
        menu.addAction("Fill again", self.refill_asked.emit)
        menu.popup(at)

    def set_quantity(self, observable: str, symbol: str) -> None:
        """Show another observable of the same cells."""
        self._observable, self._symbol = observable, symbol
        self._diagram = None
        if self.measured is not None and observable in self.measured.values:
            self.measured = self.measured.of(observable)
            self.map.show_map(self.measured)
        else:
            self._empty()
        self._show_layers()
        self._name_axes()

    def _observables(self) -> list[str]:
        """What a cell is known to measure; the words of the system's file come first."""
        known = [self._observable]
        if self.measured is not None and self.measured.values:
            known = list(self.measured.values)
        named = [q.name for q in getattr(self._session.system, "quantities", ())]
        return [n for n in named if n in known] or known

    def layers(self) -> list[str]:
        """What the cells can show: what was measured, theory, and each of its phases."""
        theory = None if self._diagram is None else self._diagram.theory
        if theory is None:
            return [MEASURED]
        known = [THEORY] if np.isfinite(theory.predicted).any() else []
        branches = [
            name
            for name, branch in theory.branches.items()
            if np.isfinite(branch.values.get(self._observable, np.nan)).any()
        ]
        return [MEASURED, *known, *branches]

    def show_layer(self, layer: str) -> None:
        """Let the cells show one of the `layers`."""
        self._layer = layer
        self._show_layers()
