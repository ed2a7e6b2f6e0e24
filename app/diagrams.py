"""The column beside the stage: the phase diagram, the theory curve, and the smaller views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QSplitter, QStackedWidget, QTabBar, QWidget

from app.views.choose import view_for
from app.views.map_view import MapView
from app.views.parameter_curve import ParameterCurveView
from app.views.view import View
from app.widgets.boxes import Column
from app.widgets.labels import Label
from app.widgets.panel_frame import PanelFrame
from app.widgets.parameter_row import words


if TYPE_CHECKING:
    from app.map_worker import Diagram
    from app.runner import Moment
    from app.session import Session
    from app.theme.theme import Theme
    from engine.core.axes import Axis

ENOUGH = 24  # samples that make a value worth keeping on the curve


class Diagrams(QSplitter):
    """Shows where the run stands among all runs; the dot is the run."""

    axes_changed = Signal()  # other parameters span the map
    export_asked = Signal(str)  # the name of a panel
    refill_asked = Signal()
    look_changed = Signal()  # what `look` tells was changed by hand

    def __init__(self, theme: Theme, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.theme, self._session = theme, session
        self.map = MapView(theme)
        self.curve = ParameterCurveView(theme)
        self.axes: tuple[Axis, Axis] | None = None
        self._symbol, self._observable, self._theory_name = "", "", "theory"
        self._lines: dict[str, Any] = {}
        self._others: dict[str, View] = {}
        self._measured: Any = None
        self._visited: tuple[float, float, float] | None = None  # what the curve will keep

        self._map_note = Label("", "caption")
        self.map_panel = PanelFrame(theme, "Phase diagram", self.map, extra=(self._map_note,))
        self._tabs = QTabBar(drawBase=False, expanding=False, usesScrollButtons=True)
        self._tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.curve)
        self.small_panel = PanelFrame(
            theme, "", Column(theme, self._tabs, (self._pages, 1), gap=0), more=False
        )
        self.addWidget(self.map_panel)
        self.addWidget(self.small_panel)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(theme.px(6))
        self.setSizes([500, 400])

        self._tabs.currentChanged.connect(lambda _: self._follow_tab())
        self._tabs.tabBarClicked.connect(lambda _: self.look_changed.emit())
        self.map.dot_moved.connect(self._on_dot_moved)
        self.map.dot_released.connect(session.commit)
        self.map_panel.export_asked.connect(lambda: self.export_asked.emit("map"))
        self.small_panel.export_asked.connect(lambda: self.export_asked.emit(self.small_name))
        self.map_panel.more_asked.connect(self._show_axes_menu)

    # What is shown.

    def begin(self, moment: Moment) -> None:
        """Make room for another system."""
        from engine.core.axes import default_axes

        session, system = self._session, moment.system
        try:
            self.axes = default_axes(system)
        except ValueError:
            self.axes = None  # fewer than two live parameters: no map, no curve
        self.map_panel.setVisible(self.axes is not None)
        self._observable = next(iter(moment.observables), "")
        self._symbol = symbol_of(system, self._observable)
        self._theory_name = system.theory_name
        self._empty_map()
        self.forget_measured()
        self._name_axes()
        while self._tabs.count():
            self._tabs.removeTab(0)
        for view in self._others.values():
            self._pages.removeWidget(view)
            view.deleteLater()
        self._others = {}
        if self.axes is not None:
            x = session.parameters[self.axes[0].name].symbol
            self._tabs.setTabData(self._tabs.addTab(f"{self._symbol}({x})"), "curve")
        for name, layers in list(moment.frame.items())[1:]:
            view = view_for(layers, self.theme, type(system).hints.get(name))
            self._others[name] = view
            self._pages.addWidget(view)
            self._tabs.setTabData(self._tabs.addTab(name[:1].upper() + name[1:]), name)
        self._tabs.setVisible(self._tabs.count() > 1)
        self.small_panel.setVisible(self._tabs.count() > 0)
        self._follow_tab()
        self.show_values()
        self.axes_changed.emit()

    def show_moment(self, moment: Moment) -> None:
        for name, view in self._others.items():
            if view.isVisible() and name in moment.frame:
                view.show_layers(moment.frame[name])
        estimate = moment.estimates.get(self._observable)
        if self.axes is None or estimate is None:
            return
        x = getattr(moment.system, self.axes[0].name)
        if self._visited is not None and x != self._visited[0]:
            self.curve.add_measured(*self._visited)
            self._visited = None
        if estimate.samples >= ENOUGH:
            self._visited = (x, estimate.mean, estimate.error)
        self.curve.set_run(x, estimate.mean, estimate.error)

    def show_values(self) -> None:
        """Bring the dot to where the sliders are."""
        if self.axes is not None:
            values = self._session.values
            self.map.set_dot(*(values[axis.name] for axis in self.axes))

    def show_diagram(self, diagram: Diagram) -> None:
        if self.axes is None or diagram.request.x.name != self.axes[0].name:
            return
        if diagram.measured is not None:
            self._measured = diagram.measured
            self.map.show_map(diagram.measured)
        self._lines = diagram.lines
        self.map.show_theory_lines(diagram.lines if self.theory_shown else {})
        self._curve = (diagram.curve_x, diagram.curve)
        self._draw_theory()
        size = "" if diagram.members is None else f"N = {diagram.members}"
        filled = 0.0 if diagram.measured is None else diagram.measured.measured.mean()
        note = size if diagram.complete else f"{size}, {filled:.0%} filled".lstrip(", ")
        self._map_note.setText(note)

    theory_shown = True
    _curve: tuple[np.ndarray, dict[str, np.ndarray]] = (np.empty(0), {})

    def show_theory(self, on: bool) -> None:
        self.theory_shown = on
        self.map.show_theory_lines(self._lines if on else {})
        self._draw_theory()

    def forget_measured(self) -> None:
        """Other parameters moved: what was measured along the curve no longer lies on it."""
        self.curve.clear()
        self._visited = None

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setHandleWidth(theme.px(6))
        for part in (self.map_panel, self.small_panel):
            part.restyle(theme)

    @property
    def measured(self) -> Any:
        """The cells of the map so far, or None."""
        return self._measured

    @property
    def lines(self) -> dict[str, Any]:
        return self._lines if self.theory_shown else {}

    def curve_parts(self) -> dict[str, Any]:
        """The theory curve, what was measured along it, and the run, for a figure."""
        x, curves = self._curve
        y = curves.get(self._observable) if self.theory_shown else None
        return {
            "x": x,
            "theory": {} if y is None else {self._theory_name: y},
            "measured": self.curve.measured,
            "run": self.curve.run,
        }

    @property
    def small_name(self) -> str:
        """The name of the smaller view that is on top."""
        return self._tabs.tabData(self._tabs.currentIndex()) or "curve"

    @property
    def small_view(self) -> View:
        return self._others.get(self.small_name, self.curve)

    @property
    def views(self) -> dict[str, View]:
        return {"map": self.map, "curve": self.curve, **self._others}

    def look(self) -> dict[str, Any]:
        """What is looked at here, in plain words: for undo and for session files."""
        axes = [] if self.axes is None else [axis.name for axis in self.axes]
        return {"axes": axes, "small": self.small_name}

    def show_look(self, look: dict[str, Any]) -> None:
        """Look at it so; what this system does not have is left as it is."""
        axes, here = look.get("axes"), self.look()["axes"]
        known = {n for n, p in self._session.parameters.items() if p.traced and p.span}
        if isinstance(axes, list) and len(axes) == len(here) == 2 and axes != here:
            x, y = map(str, axes)
            if x != y and {x, y} <= known:
                self.set_axes(x, y)
        names = [self._tabs.tabData(k) for k in range(self._tabs.count())]
        if look.get("small") in names:
            self._tabs.setCurrentIndex(names.index(look["small"]))

    # Inside.

    def _draw_theory(self) -> None:
        x, curves = self._curve
        y = curves.get(self._observable) if self.theory_shown else None
        self.curve.show_theory(x, {} if y is None else {self._theory_name: y})

    def _follow_tab(self) -> None:
        self._pages.setCurrentWidget(self.small_view)

    def _empty_map(self) -> None:
        from engine.core.maps import blank

        self._measured, self._lines = None, {}
        if self.axes is not None and self._session.system is not None:
            self.map.show_map(blank(self._session.system, *self.axes, self._observable))
        self.map.show_theory_lines({})

    def _name_axes(self) -> None:
        if self.axes is None:
            return
        known = self._session.parameters
        x, y = (known[axis.name] for axis in self.axes)
        quantity = quantity_of(self._session.system, self._observable)
        span = quantity.span if quantity is not None else None
        self.map.set_axes(
            f"{words(x)} {x.symbol}",
            f"{words(y)} {y.symbol}",
            self._symbol,
            symbols=(x.symbol, y.symbol, self._symbol),
            span=span,
        )
        self.curve.set_labels(f"{words(x)} {x.symbol}", self._symbol, span=span, log=x.log)
        self.small_panel.set_title(f"{self._symbol}({x.symbol})")

    def _on_dot_moved(self, x: float, y: float) -> None:
        if self.axes is not None:
            self._session.hold()
            self._session.set(**{self.axes[0].name: x, self.axes[1].name: y})

    def _show_axes_menu(self, at: QPoint) -> None:
        """Which parameters span the map."""
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
                    lambda _=False, side=side, name=parameter.name: self._choose_axis(side, name)
                )
        menu.addSeparator()
        menu.addAction("Fill again", self.refill_asked.emit)
        menu.popup(at)

    def _choose_axis(self, side: int, name: str) -> None:
        if self.axes is not None:
            names = [axis.name for axis in self.axes]
            names[side] = name
            self.set_axes(names[0], names[1])
            self.look_changed.emit()

    def set_axes(self, x: str, y: str) -> None:
        """Let these parameters span the map, over what they offer; an axis that stays is kept."""
        if self.axes is None:
            return
        axes = list(self.axes)
        for side, name in enumerate((x, y)):
            parameter = self._session.parameters[name]
            if axes[side].name != name and parameter.span is not None:
                low, high = parameter.span
                axes[side] = axes[side]._replace(name=name, low=low, high=high, log=parameter.log)
        self.axes = (axes[0], axes[1])
        self._empty_map()
        self.forget_measured()
        self._name_axes()
        self.show_values()
        self.axes_changed.emit()


def quantity_of(system: Any, observable: str) -> Any:
    """How the system writes an observable; None where it does not say."""
    return next((q for q in getattr(system, "quantities", ()) if q.name == observable), None)


def symbol_of(system: Any, observable: str) -> str:
    """The symbol of an observable, or its name."""
    quantity = quantity_of(system, observable)
    return quantity.symbol if quantity is not None else observable
