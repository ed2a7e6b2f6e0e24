"""The map as an instrument: paths, pins, ghosts, landscapes and critical points, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.companions import MOST_PINS, REPLICAS, Companions
from app.critical_worker import CriticalWorker
from app.path_driver import SPEEDS, PathDriver
from app.views.criticality import CollapseView, CriticalView
from app.views.ghosts import GhostView
from app.views.landscape import LandscapeView
from app.views.pins import Pins
from app.widgets.boxes import Column
from app.widgets.exponents_panel import ExponentsPanel


if TYPE_CHECKING:
    from app.diagrams import Diagrams
    from app.map_worker import Diagram
    from app.runner import Moment
    from app.session import Session
    from app.theme.theme import Theme
    from app.views.view import View


class Instrument(QObject):
    """What a person does with a map beyond moving the dot."""

    def __init__(self, theme: Theme, session: Session, diagrams: Diagrams) -> None:
        super().__init__(diagrams)
        self.theme, self._session, self._diagrams = theme, session, diagrams
        self.driver = PathDriver(session, self)
        self.companions = Companions(self)
        self.search = CriticalWorker(self)
        self.pins = Pins(theme, diagrams.map)
        self.ghosts = GhostView(theme)
        self.landscape = LandscapeView(theme)
        self.critical = CriticalView(theme)
        self.collapse = CollapseView(theme)
        self.exponents = ExponentsPanel(theme)
        self._scaling = Column(theme, (self.collapse, 1), self.exponents, gap=0)
        self._pages: dict[str, tuple[str, QWidget]] = {
            "landscape": ("Landscape", self.landscape),
            "critical": ("Critical point", self.critical),
            "scaling": ("Scaling", self._scaling),
            "ghosts": ("Ghosts", self.ghosts),
        }
        self.ghosts_shown = False
        self._observable, self._symbol = "", ""
        self._runs: Any = None  # SizeRuns
        self._values: tuple[Any, ...] = ()
        self._began = (0, 0.0)  # generation of the ghosts, and the run's time when it began
        self._connect()

    def _connect(self) -> None:
        panel, bar, driver = self._diagrams.map_panel, self._diagrams.path_bar, self.driver
        panel.path_asked.connect(panel.draw_path)
        panel.point_asked.connect(self.find_critical_point)
        panel.ghosts_asked.connect(self.toggle_ghosts)
        panel.map.path_drawn.connect(self.follow_path)
        panel.map.dot_moved.connect(lambda *_: driver.stop())
        panel.map.pinned.connect(self._pin)
        driver.moved.connect(self._show_path)
        driver.ended.connect(self._show_path)
        bar.again_asked.connect(self._again)
        bar.stop_asked.connect(driver.stop)
        bar.closed.connect(self.forget_path)
        bar.speed_asked.connect(self._change_speed)
        bar.return_toggled.connect(lambda on: setattr(driver, "returns", on))
        self.pins.changed.connect(self._want_pins)
        self.companions.arrived.connect(self._show_companions)
        self.companions.troubled.connect(lambda _: self._drop_ghosts())
        self.search.progressed.connect(self._say_progress)
        self.search.found.connect(self._show_point)
        self.search.fitted.connect(self._show_fit)
        self.search.refused.connect(self._say_refusal)
        self.exponents.changed.connect(self._scale)
        self.exponents.fit_asked.connect(self._fit)

    @property
    def views(self) -> dict[str, View]:
        """The pictures of the tabs that are there."""
        pictures: dict[str, View] = {
            "landscape": self.landscape,
            "critical": self.critical,
            "scaling": self.collapse,
            "ghosts": self.ghosts,
        }
        there = self._diagrams._tab_names() if hasattr(self._diagrams, "_tabs") else []
        return {name: view for name, view in pictures.items() if name in there}

    # The run.

    def begin(self, system: Any, observable: str, symbol: str) -> None:
        """Another system: nothing of the one before stays."""
        self._observable, self._symbol = observable, symbol
        self.search.cancel()
        self._runs = None
        self.forget_path()
        self.pins.clear()
        self._drop_ghosts()
        self.landscape.forget()
        for name in self._pages:
            self._diagrams.drop_tab(name)

    def set_quantity(self, observable: str, symbol: str) -> None:
        """Paths, pins and ghosts show another observable."""
        self._observable, self._symbol = observable, symbol
        self.forget_path()

    def follow(self, moment: Moment) -> None:
        """A new moment of the run."""
        self.driver.follow(moment)
        self.companions.moving, self.companions.pace = moment.running, self._session.pace
        values = tuple(
            v for n in self._session.parameters if isinstance(v := getattr(moment.system, n), float)
        )
        if values != self._values:
            self._values = values
            self.landscape.forget()
            if self.ghosts_shown:
                self.companions.want_ghosts(moment.system)
        name = self._landscape_of
        if name in moment.observables and self.landscape.isVisible():
            self.landscape.add(moment.observables[name])
        if self.ghosts_shown and self._observable in moment.observables:
            since = moment.time - self._began[1]
            if since >= 0:
                self.ghosts.add_run(since, moment.observables[self._observable])
        self._now = moment.time

    _landscape_of = ""
    _now = 0.0

    def show_diagram(self, diagram: Diagram) -> None:
        """Theory at the present values: the landscape, where there is one."""
        for name, (x, y) in diagram.landscape.items():
            from app.diagrams import symbol_of

            if name != self._landscape_of:
                self._landscape_of = name
                self.landscape.set_names(
                    symbol_of(diagram.request.system, name), diagram.request.system.theory_name
                )
            self.landscape.show_landscape(x, y)
            self._add_tab("landscape")
            break
        else:
            self._diagrams.drop_tab("landscape")

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.pins.restyle(theme)
        for _, page in self._pages.values():
            page.restyle(theme)  # type: ignore[attr-defined]

    def stop(self) -> None:
        """End all threads."""
        self.search.stop()
        self.companions.stop()

    def _add_tab(self, name: str) -> None:
        title, page = self._pages[name]
        self._diagrams.add_tab(name, title, page)

    # Paths.

    def follow_path(self, points: np.ndarray) -> None:
        """Lead the run along these points of the map, and draw what it measures."""
        from engine.core.paths import Path

        axes = self._diagrams.axes
        if axes is None:
            return
        try:
            path = Path(*axes, points)
        except ValueError:
            return  # a press that went nowhere
        self.driver.stop()
        self._diagrams.set_cut(path.main.name == axes[0].name)
        self._diagrams.show_tab("curve")
        self._diagrams.path_bar.show()
        self._diagrams.map.show_path(path.points)
        self._diagrams.curve.clear()
        self.driver.start(path, self._observable)

    def forget_path(self) -> None:
        self.driver.stop()
        self.driver.path = self.driver.loop = None
        self._diagrams.map.show_path(None)
        self._diagrams.path_bar.hide()
        self._diagrams.curve.show_loop(None)

    def forget_places(self) -> None:
        """Other axes: what lies on the map lies there no longer."""
        self.forget_path()
        self.pins.clear()

    def _again(self) -> None:
        if self.driver.path is not None:
            self.driver.start(self.driver.path, self._observable)

    def _change_speed(self, by: int) -> None:
        index = SPEEDS.index(self.driver.speed) + by
        self.driver.speed = SPEEDS[min(max(index, 0), len(SPEEDS) - 1)]
        self._show_path()

    def _show_path(self) -> None:
        loop = self.driver.loop
        self._diagrams.curve.show_loop(loop)
        area = float("nan") if loop is None else loop.area
        self._diagrams.path_bar.show_state(self.driver.running, self.driver.speed, area)

    # Pins and ghosts.

    def _pin(self, x: float, y: float) -> None:
        if self._diagrams.axes is not None:
            self.pins.add(x, y, MOST_PINS)

    def _want_pins(self) -> None:
        axes, system = self._diagrams.axes, self._session.system
        if system is None or axes is None:
            return
        known = set(self._session.parameters)
        if {axes[0].name, axes[1].name} <= known:
            self.companions.want_pins(
                {
                    key: system.replace(**{axes[0].name: pin.place[0], axes[1].name: pin.place[1]})
                    for key, pin in self.pins.pins.items()
                }
            )

    def toggle_ghosts(self) -> None:
        """Replicas of the run under it, or the run alone again."""
        if self.ghosts_shown:
            self._drop_ghosts()
        elif self._session.system is not None:
            self.ghosts_shown = True
            self._began = (0, self._now)
            self.ghosts.clear()
            self.ghosts.set_names(self._symbol, f"{REPLICAS} replicas")
            self._add_tab("ghosts")
            self._diagrams.show_tab("ghosts")
            self.companions.want_ghosts(self._session.system, anew=True)

    def _drop_ghosts(self) -> None:
        self.ghosts_shown = False
        self.companions.want_ghosts(None)
        self._diagrams.drop_tab("ghosts")

    def _show_companions(self) -> None:
        newest = self.companions.take()
        if newest is None:
            return
        ghosts, frames = newest
        if ghosts is not None and self.ghosts_shown:
            if ghosts.generation != self._began[0]:
                self._began = (ghosts.generation, self._now)
                self.ghosts.clear()
                size = "" if ghosts.members is None else f" of N = {ghosts.members}"
                self.ghosts.set_names(self._symbol, f"{len(ghosts.values)} replicas{size}")
            self.ghosts.add(ghosts.time, ghosts.values)
        for key, frame in frames.items():
            if key in self.pins.pins:
                self.pins.pins[key].show_frame(frame, self._symbol)

    # The critical point.

    def find_critical_point(self) -> None:
        """Look for it, by runs of several sizes at the present values of all other parameters."""
        from engine.core.criticality import criticality_of, size_of

        system = self._session.system
        if system is None:
            return
        known = self._session.parameters
        self._add_tab("critical")
        self._diagrams.show_tab("critical")
        try:
            how = criticality_of(system)
            size = known[size_of(system)].symbol
        except ValueError as error:
            self.critical.say(str(error))
            return
        self.critical.set_names(known[how.parameter].symbol, size)
        self.collapse.set_names(known[how.parameter].symbol, self._symbol, size)
        self.critical.say("Begins: several sizes are compiled first")
        self.search.find(system)

    def _say_progress(self, words: str, share: float) -> None:
        if words == "Fitting":
            self.exponents.say("fitting …")
        else:
            self.critical.say(f"{words}, {share:.0%}")

    def _say_refusal(self, words: str) -> None:
        self.critical.say(words)
        self.exponents.say(words)

    def _show_point(self, point: Any) -> None:
        self.critical.show_point(point)
        self._runs = point.runs
        values = point.runs.values
        self.exponents.set_spans((values[0], values[-1]), self.critical_symbol)
        self.exponents.set_values((point.value, 0.5, 0.25))
        self.exponents.say("drag until all sizes fall onto one curve")
        self._add_tab("scaling")
        self._scale(self.exponents.values)

    @property
    def critical_symbol(self) -> str:
        from engine.core.criticality import criticality_of

        assert self._session.system is not None
        return self._session.parameters[criticality_of(self._session.system).parameter].symbol

    def _scale(self, values: tuple[float, ...]) -> None:
        from engine.core.scaling import Exponents, quality

        if self._runs is not None:
            by = Exponents(*values)
            self.collapse.show_runs(self._runs, by)
            self.exponents.say(f"distance from one curve: {quality(self._runs, by):.3g} σ²")

    def _fit(self) -> None:
        from engine.core.scaling import Exponents

        if self._runs is not None:
            self.search.fit(self._runs, Exponents(*self.exponents.values))

    def _show_fit(self, fit: Any) -> None:
        self.exponents.set_values(tuple(fit.exponents), tuple(fit.errors))
        self._scale(tuple(fit.exponents))
        self.exponents.set_values(tuple(fit.exponents), tuple(fit.errors))
