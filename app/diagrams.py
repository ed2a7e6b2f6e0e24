"""The column beside the stage: the phase diagram, the theory curve, and the smaller views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QSplitter, QStackedWidget, QTabBar, QWidget

from app.instrument import Instrument
from app.map_panel import MapPanel
from app.map_worker import MapRequest
from app.measuring import TAB, Measures
from app.views.choose import view_for
from app.views.parameter_curve import ParameterCurveView
from app.views.view import View, titled
from app.widgets.boxes import Column
from app.widgets.labels import Label
from app.widgets.panel_frame import PanelFrame
from app.widgets.parameter_row import words
from app.widgets.path_bar import PathBar


if TYPE_CHECKING:
    from app.map_worker import Diagram
    from app.runner import Moment
    from app.session import Session
    from app.theme.theme import Theme
    from engine.core.axes import Axis

FAR = 1000  # errors from theory: what is farther has not settled
ENOUGH = 24  # samples that make a value worth keeping on the curve


class Diagrams(QSplitter):
    """Shows where the run stands among all runs; the dot is the run."""

    axes_changed = Signal()  # another map, or another curve, is wanted
    export_asked = Signal(str)  # the name of a panel
    refill_asked = Signal()
    views_wanted = Signal(bool)  # whether other views of the frame than the large one are seen
    look_changed = Signal()  # what `look` tells was changed by hand

    def __init__(self, theme: Theme, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.theme, self._session = theme, session
        self.map_panel = MapPanel(theme, session)
        self.map = self.map_panel.map
        self.curve = ParameterCurveView(theme)
        self._symbol, self._observable, self._theory_name = "", "", "theory"
        self._curve: tuple[np.ndarray, dict[str, Any], dict[str, Any]] = (np.empty(0), {}, {})
        self._guides: dict[str, dict[str, np.ndarray]] = {}
        self._across = True  # whether the curve runs along the map's horizontal axis
        self._others: dict[str, View] = {}  # of the frame
        self._whole = True  # whether they are wanted
        self._own: dict[str, QWidget] = {}  # of the instrument, while they are shown
        self._visited: tuple[float, float, float] | None = None  # what the curve will keep

        self.path_bar = PathBar(theme)
        self.path_bar.hide()
        self._curve_page = Column(theme, (self.curve, 1), self.path_bar, gap=0)
        self._tabs = QTabBar(drawBase=False, expanding=False, usesScrollButtons=True)
        self._tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._curve_page)
        self._gap = Label("", "caption")
        self._gap.setToolTip(
            "How far the run's average is from theory, in standard errors of the average. "
            "Theory is for N → ∞: a finite run differs from it by about the band, 1/√N."
        )
        body = Column(theme, self._tabs, (self._pages, 1), gap=0)
        self.small_panel = PanelFrame(theme, "", body, extra=(self._gap,))
        self.addWidget(self.map_panel)
        self.addWidget(self.small_panel)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(theme.px(6))
        self.setSizes([500, 400])
        self.instrument = Instrument(theme, session, self)
        self.measures = Measures(theme, self)

        self._tabs.currentChanged.connect(lambda _: self._follow_tab())
        self._tabs.tabBarClicked.connect(lambda _: self.look_changed.emit())
        panel = self.map_panel
        panel.axes_changed.connect(self._on_axes)
        panel.axis_chosen.connect(self._choose_axis)
        panel.quantity_chosen.connect(self._choose_quantity)
        panel.refill_asked.connect(self.refill_asked)
        panel.export_asked.connect(lambda: self.export_asked.emit("map"))
        self.small_panel.export_asked.connect(lambda: self.export_asked.emit(self.small_name))
        self.small_panel.more_asked.connect(self._show_curve_menu)

    # What is shown.

    def begin(self, moment: Moment) -> None:
        """Make room for another system."""
        system = moment.system
        self._observable = system.mapped or next(iter(moment.observables), "")
        self._symbol = symbol_of(system, self._observable)
        self._theory_name = system.theory_name
        self._curve, self._guides = (np.empty(0), {}, {}), {}
        self._across = True
        self.map_panel.begin(system, self._observable, self._symbol)
        self.forget_measured()
        self.curve.show_theory(np.empty(0), {})  # that of the last system is not this one's
        self._name_curve()
        while self._tabs.count():
            self._tabs.removeTab(0)
        for view in self._others.values():
            self._pages.removeWidget(view)
            view.deleteLater()
        self._others = {}
        self.instrument.begin(system, self._observable, self._symbol)
        if self.axes is not None:
            self._tabs.setTabData(self._tabs.addTab(self._curve_title()), "curve")
        for name, layers in list(moment.frame.items())[1:]:
            view: Any = view_for(layers, self.theme, type(system).hints.get(name))
            if hasattr(view, "handle_moved"):  # a slice that a hand drags
                view.handle_moved.connect(lambda name, value: self._session.set(**{name: value}))
                view.handle_held.connect(self._on_handle_held)
            self._others[name] = view
            self._pages.addWidget(view)
            self._tabs.setTabData(self._tabs.addTab(titled(name)), name)
        self.measures.begin(moment)
        self._fit_tabs()
        self._follow_tab()
        self.show_values()
        self.axes_changed.emit()

    def show_moment(self, moment: Moment) -> None:
        for name, view in self._others.items():
            if view.isVisible() and name in moment.frame:
                view.show_layers(moment.frame[name])
        self.instrument.follow(moment)
        self.measures.follow(moment)
        estimate = moment.estimates.get(self._observable)
        if self.axes is None or estimate is None:
            return
        x = getattr(moment.system, self.cut.name)
        if self._visited is not None and x != self._visited[0]:
            self.curve.add_measured(*self._visited)
            self._visited = None
        if estimate.samples >= ENOUGH and not self.instrument.driver.running:
            self._visited = (x, estimate.mean, estimate.error)
        self.curve.set_run(x, estimate.mean, estimate.error)
        other = moment.other
        beside = None if other is None else other.estimates.get(self._observable)
        if other is None or beside is None:
            self.curve.set_beside(np.nan, np.nan)
        else:
            here = getattr(other.system, self.cut.name)
            self.curve.set_beside(here, beside.mean, beside.error)
        self.curve.set_band(getattr(moment.system, "n", None))
        gap = self.curve.gap if self.theory_shown else np.nan
        self._gap.setText(f"{gap:.1f} σ from theory" if gap < FAR else "")

    def _on_handle_held(self, held: bool) -> None:
        if held:
            self._session.hold()
        else:
            self._session.commit()

    def show_values(self) -> None:
        """Bring the dot to where the sliders are."""
        self.map_panel.show_values()
        self._show_cells()

    def _show_cells(self) -> None:
        self.curve.show_cells(*self.map.along(0 if self._across else 1))

    def show_diagram(self, diagram: Diagram) -> None:
        if self.axes is None:
            return
        self.map_panel.show_diagram(diagram)
        self._show_cells()
        if diagram.request.curve == self.cut.name:
            self._curve = (diagram.curve_x, diagram.curve, diagram.branches)
            self._guides = diagram.guides
            self._draw_theory()
        self.instrument.show_diagram(diagram)

    def show_theory(self, on: bool) -> None:
        self.map_panel.show_theory(on)
        self._draw_theory()

    def forget_measured(self) -> None:
        """Other parameters moved: what was measured along the curve no longer lies on it."""
        self._visited = None
        if not self.instrument.driver.running:
            self.curve.clear()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setHandleWidth(theme.px(6))
        for part in (self.map_panel, self.small_panel, self.instrument, self.measures):
            part.restyle(theme)

    @property
    def axes(self) -> tuple[Axis, Axis] | None:
        """The part of the map that is looked at."""
        return self.map_panel.axes

    @property
    def cut(self) -> Axis:
        """The axis of the map along which the curve runs."""
        assert self.axes is not None
        return self.axes[0 if self._across else 1]

    @property
    def theory_shown(self) -> bool:
        return self.map_panel.theory_shown

    @property
    def measured(self) -> Any:
        """The cells of the map so far, or None."""
        return self.map_panel.measured

    @property
    def lines(self) -> dict[str, Any]:
        return self.map_panel.lines

    @property
    def regions(self) -> dict[str, tuple[float, float]]:
        return self.map_panel.regions

    @property
    def request(self) -> MapRequest | None:
        """The map and the curve that are wanted now."""
        system = self._session.system
        if self.axes is None or system is None:
            return None
        return MapRequest(system, *self.axes, self._observable, self.cut.name)

    def curve_parts(self) -> dict[str, Any]:
        """The theory curve, what was measured along it, and the run, for a figure."""
        return {
            "x": self._curve[0],
            "theory": self._theory_curves() if self.theory_shown else {},
            "measured": self.curve.measured,
            "run": self.curve.run,
        }

    @property
    def small_name(self) -> str:
        """The name of the smaller view that is on top."""
        return self._tabs.tabData(self._tabs.currentIndex()) or "curve"

    @property
    def small_view(self) -> View:
        return self.views.get(self.small_name, self.curve)

    @property
    def views(self) -> dict[str, View]:
        return {
            "map": self.map,
            "curve": self.curve,
            **self._others,
            **self.instrument.views,
            **({TAB: self.measures.view} if TAB in self._tab_names() else {}),
        }

    def look(self) -> dict[str, Any]:
        """What is looked at here, in plain words: for undo and for session files."""
        axes = [] if self.axes is None else [axis.name for axis in self.axes]
        told = {"axes": axes, "small": self.small_name, "quantity": self._observable}
        return told | ({"measure": self.measures.view.value()} if TAB in self.views else {})

    def show_look(self, look: dict[str, Any]) -> None:
        """Look at it so; what this system does not have is left as it is."""
        axes, here = look.get("axes"), self.look()["axes"]
        known = {n for n, p in self._session.parameters.items() if p.traced and p.span}
        if isinstance(axes, list) and len(axes) == len(here) == 2 and axes != here:
            x, y = map(str, axes)
            if x != y and {x, y} <= known:
                self.set_axes(x, y)
        named = {quantity.name for quantity in getattr(self._session.system, "quantities", ())}
        if look.get("quantity") in named and look["quantity"] != self._observable:
            self.set_quantity(look["quantity"])
        self.measures.choose(str(look.get("measure")))
        self.show_tab(str(look.get("small")))

    # Tabs.

    def add_tab(self, name: str, title: str, page: QWidget, at: int = -1) -> None:
        """Show a page beside the views of the frame, behind them or at a place of its own."""
        if name not in self._own:
            self._own[name] = page
            self._pages.addWidget(page)
        if name not in self._tab_names():
            self._tabs.setTabData(self._tabs.insertTab(at, title), name)
            self._fit_tabs()

    def drop_tab(self, name: str) -> None:
        """Take a page of the instrument away."""
        names = self._tab_names()
        if name in names:
            self._tabs.removeTab(names.index(name))
            self._fit_tabs()

    def show_tab(self, name: str) -> None:
        """Bring this page to the front, if it is there."""
        names = self._tab_names()
        if name in names:
            self._tabs.setCurrentIndex(names.index(name))

    def _tab_names(self) -> list[str]:
        return [self._tabs.tabData(k) for k in range(self._tabs.count())]

    def _fit_tabs(self) -> None:
        self._tabs.setVisible(self._tabs.count() > 1)
        self.small_panel.setVisible(self._tabs.count() > 0)

    def _follow_tab(self) -> None:
        name = self.small_name
        page = self._own.get(name) or self._others.get(name) or self._curve_page
        self._pages.setCurrentWidget(page)
        whole = page is not self._curve_page
        if whole != self._whole:
            self._whole = whole
            self.views_wanted.emit(whole)

    # The curve.

    def set_cut(self, across: bool) -> None:
        """Let the curve run along the map's horizontal or vertical axis."""
        if across != self._across and self.axes is not None:
            self._across = across
            self._on_axes()

    def _on_axes(self) -> None:
        self.forget_measured()
        self._name_curve()
        self.show_values()
        self.axes_changed.emit()

    def _draw_theory(self) -> None:
        x, _, branches = self._curve
        phases = {
            name: (branch.values[self._observable], branch.stable)
            for name, branch in branches.items()
            if np.isfinite(branch.values.get(self._observable, np.nan)).any()
        }
        if not self.theory_shown:
            self.curve.show_theory(x, {})
        elif phases:
            self.curve.show_phases(x, phases)
        else:
            self.curve.show_theory(x, self._theory_curves())

    def _theory_curves(self) -> dict[str, np.ndarray]:
        """What theory says of the observable along the curve, and guides to read it against."""
        y = self._curve[1].get(self._observable)
        guides = {name: rows.get(self._observable) for name, rows in self._guides.items()}
        lines = {self._theory_name: y, **guides}
        return {name: line for name, line in lines.items() if line is not None}

    def _curve_title(self) -> str:
        symbol = self._session.parameters[self.cut.name].symbol
        return f"{self._symbol}({symbol})"

    def _name_curve(self) -> None:
        if self.axes is None:
            return
        parameter = self._session.parameters[self.cut.name]
        quantity = quantity_of(self._session.system, self._observable)
        span = quantity.span if quantity is not None else None
        self.curve.set_labels(
            f"{words(parameter)} {parameter.symbol}", self._symbol, span=span, log=parameter.log
        )
        self.small_panel.set_title(self._curve_title())
        names = self._tab_names()
        if "curve" in names:
            self._tabs.setTabText(names.index("curve"), self._curve_title())

    def _show_curve_menu(self, at: Any) -> None:
        """Along which axis of the map the curve runs."""
        if self.axes is None:
            return
        menu = QMenu(self)
        group = menu.addMenu("Curve along")
        for side, axis in enumerate(self.axes):
            parameter = self._session.parameters[axis.name]
            item = group.addAction(f"{words(parameter)}  {parameter.symbol}")
            item.setCheckable(True)
            item.setChecked(axis.name == self.cut.name)
            item.triggered.connect(lambda _=False, side=side: self.set_cut(side == 0))
        menu.popup(at)

    # What and along which axes.

    def set_quantity(self, observable: str) -> None:
        """Show another observable on the map, on the curve and along paths."""
        self._observable = observable
        self._symbol = symbol_of(self._session.system, observable)
        self.instrument.set_quantity(observable, self._symbol)
        self.map_panel.set_quantity(observable, self._symbol)
        self._on_axes()

    def _choose_axis(self, side: int, name: str) -> None:
        if self.axes is not None:
            names = [axis.name for axis in self.axes]
            names[side] = name
            self.set_axes(names[0], names[1])
            self.look_changed.emit()

    def _choose_quantity(self, observable: str) -> None:
        self.set_quantity(observable)
        self.look_changed.emit()

    def set_axes(self, x: str, y: str) -> None:
        """Let these parameters span the map, over what they offer; an axis that stays is kept."""
        self.instrument.forget_places()
        self.map_panel.set_axes(x, y)


def quantity_of(system: Any, observable: str) -> Any:
    """How the system writes an observable; None where it does not say."""
    return next((q for q in getattr(system, "quantities", ()) if q.name == observable), None)


def symbol_of(system: Any, observable: str) -> str:
    """The symbol of an observable, or its name."""
    quantity = quantity_of(system, observable)
    return quantity.symbol if quantity is not None else observable
