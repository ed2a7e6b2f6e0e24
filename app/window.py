"""The window: docks around a stage, and each action of the table bound to what it does."""

from __future__ import annotations

import inspect
import math
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QSplitter,
    QToolBar,
)

from app.actions import ACTIONS, MENUS
from app.deeds import FIRST, SCALES, THEMES, Deeds
from app.diagrams import Diagrams, quantity_of, symbol_of
from app.docks import Docks
from app.exporting import Exporter
from app.garbage import Collector
from app.map_worker import MapRequest, MapWorker
from app.runner import Moment, Runner, Trouble
from app.session import Session
from app.stage import Stage
from app.theme.mathematics import prepare
from app.theme.theme import Theme
from app.views.choose import gl_facts
from app.views.trace import TraceView
from app.widgets.about_panel import AboutPanel, Card
from app.widgets.gallery_panel import Entry, GalleryPanel
from app.widgets.header import Header
from app.widgets.history_panel import HistoryPanel, Past
from app.widgets.panel_frame import PanelFrame
from app.widgets.parameters_panel import ParametersPanel
from app.widgets.readout import FEW, Readout
from app.widgets.status_strip import StatusStrip
from app.widgets.transport_bar import TransportBar
from engine.resources import resource


if TYPE_CHECKING:
    from engine.core.system import System

SHOWN = 30  # ms that the first picture takes
LAYOUT = 1  # version of the saved state: another one is dropped
COMPACT = 1600  # pixels of scale 1 below which docks share their place
CLOUDS = (".ply", ".off", ".obj", ".xyz", ".npy", ".csv")
FAMILIES = {
    "swarms": "Swarms",
    "diffusion": "Diffusion",
    "spins": "Spins and memory",
    "neural": "Neural networks",
    "fields": "Fields",
}


class Window(Deeds):
    """Manyscope. The engine is loaded by the runner's thread while this is already shown."""

    def __init__(
        self,
        theme: Theme,
        *,
        first: str = FIRST,
        cloud: Path | None = None,
        settings: QSettings | None = None,
    ) -> None:
        super().__init__()
        self.theme = theme
        self.settings = settings if settings is not None else QSettings("manyscope", "manyscope")
        self._first, self._cloud = first, cloud
        self.setWindowTitle("Manyscope")
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)

        self.runner = Runner(self)
        self.session = Session(self.runner, self)
        self.maps = MapWorker(self)
        self.moment: Moment | None = None
        self._started = False
        self._build, self._tick = 0, -1
        self._order = ""
        self._arrivals: list[float] = []
        self._building = ""
        self._axes_of = ""  # the system whose map is on screen
        self._others: dict[str, Any] = {}  # values of what is no axis of the curve

        self._make_panels()
        self._make_actions()
        self._arrange()
        self._connect()
        self.exporter = Exporter(self)

    # Making it.

    def _make_panels(self) -> None:
        theme = self.theme
        self.header = Header(theme)
        self.gallery = GalleryPanel(theme)
        self.about = AboutPanel(theme)
        self.parameters = ParametersPanel(theme)
        self.history = HistoryPanel(theme)
        self.transport = TransportBar(theme)
        self.status = StatusStrip(theme)
        self.stage = Stage(theme)
        self.trace = TraceView(theme)
        self.readout = Readout(theme)
        self.trace_panel = PanelFrame(theme, "", self.trace, (self.readout,), more=False)
        self.diagrams = Diagrams(theme, self.session)

    def _make_actions(self) -> None:
        self.actions_by_name: dict[str, QAction] = {}
        menus = {name: self.header.menu_bar.addMenu(name) for name in MENUS}
        for action in ACTIONS:
            made = QAction(action.title, self)
            made.setObjectName(action.name)
            made.setCheckable(action.checkable)
            made.setShortcuts([QKeySequence(keys) for keys in action.keys])
            made.triggered.connect(lambda _=False, action=action: self.do(action.name))
            self.actions_by_name[action.name] = made
            if action.rule:
                menus[action.menu].addSeparator()
            menus[action.menu].addAction(made)
            self.addAction(made)  # its keys act wherever the menu bar is hidden
        self.actions_by_name["toggle_theory"].setChecked(True)
        self._view_menu = menus["View"]

    def _arrange(self) -> None:
        px = self.theme.px
        self.setMenuWidget(self.header)
        left = QSplitter(Qt.Orientation.Vertical)
        left.addWidget(self.stage)
        left.addWidget(self.trace_panel)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(left)
        both.addWidget(self.diagrams)
        for splitter in (left, both):
            splitter.setHandleWidth(px(6))
            splitter.setChildrenCollapsible(False)
        left.setStretchFactor(0, 1)
        both.setStretchFactor(0, 1)
        self._splitters = {"swarm": left, "centre": both, "diagrams": self.diagrams}
        self.setCentralWidget(both)

        self._places = Docks(
            self,
            self.theme,
            left={"Systems": self.gallery, "About": self.about},
            right={"Parameters": self.parameters, "History": self.history},
        )
        self.docks = self._places.by_name
        for name, dock in self.docks.items():
            toggle = dock.toggleViewAction()
            toggle.setText(f"Panel: {name}")
            self._view_menu.addAction(toggle)
        bar = QToolBar("Transport", self)
        bar.setObjectName("transportBar")
        bar.setMovable(False)
        bar.setFloatable(False)
        bar.toggleViewAction().setVisible(False)
        bar.addWidget(self.transport)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, bar)
        foot = self.statusBar()
        foot.setSizeGripEnabled(False)
        foot.addWidget(self.status, 1)
        self._compact: bool | None = None
        self.dressed = (
            self.header,
            self.gallery,
            self.about,
            self.parameters,
            self.history,
            self.transport,
            self.status,
            self.stage,
            self.trace_panel,
            self.diagrams,
            *(dock.titleBarWidget() for dock in self.docks.values()),
        )

    def _connect(self) -> None:
        session, runner = self.session, self.runner
        runner.ready.connect(self._on_ready)
        runner.arrived.connect(self._on_arrived)
        runner.progress.connect(self._on_progress)
        runner.troubled.connect(self._on_trouble)
        runner.refused.connect(session.turn_back)
        self.maps.arrived.connect(self._on_diagram)
        self.maps.troubled.connect(lambda words: self.stage.say("warning", "Map", words))
        session.opened.connect(self._on_opened)
        session.values_changed.connect(self._on_values)
        session.state_changed.connect(self._on_state)
        session.refused.connect(self._refuse)
        session.undo_stack.indexChanged.connect(self._on_history)

        self.gallery.chosen.connect(lambda name: session.open(name))
        panel = self.parameters
        panel.changed.connect(lambda name, value: session.set(**{name: value}))
        panel.pressed.connect(lambda _: session.hold())
        panel.released.connect(lambda _: session.commit())
        panel.preset_chosen.connect(session.choose_preset)
        panel.reset_asked.connect(lambda: self.do("reset_parameters"))
        panel.randomise_asked.connect(lambda: self.do("randomise"))
        panel.poke_asked.connect(lambda name: self.runner.poke(name))
        panel.file_asked.connect(lambda _: self.do("open_file"))
        self.stage.tool_pressed.connect(self.do)
        self.stage.densities_wanted.connect(runner.want_densities)
        self.stage.touched.connect(runner.poke)
        self.diagrams.axes_changed.connect(self._ask_for_map)
        self.diagrams.refill_asked.connect(lambda: self.do("refill_map"))
        self.diagrams.export_asked.connect(lambda name: self.exporter.show_dialog((name,)))
        self.trace_panel.export_asked.connect(lambda: self.exporter.show_dialog(("trace",)))
        bar = self.transport
        bar.play_toggled.connect(session.play)
        bar.restart_asked.connect(lambda new: session.restart(new_seed=new))
        bar.step_asked.connect(lambda _: session.step())
        bar.speed_asked.connect(lambda by: self.do("faster" if by > 0 else "slower"))
        bar.seed_changed.connect(session.set_seed)
        header = self.header
        header.palette_asked.connect(lambda: self.do("palette"))
        header.theme_asked.connect(lambda: self.do("next_theme"))
        header.video_asked.connect(lambda: self.do("export_video"))
        header.export_asked.connect(lambda: self.do("export_figure"))
        self.history.chosen.connect(self._go_in_history)

    # The engine speaks.

    def _on_ready(self, gallery: dict[str, type[System[Any]]]) -> None:
        from engine.systems import family, title

        self.session.show_gallery(gallery)
        order = list(FAMILIES)
        entries = [
            Entry(
                name,
                title(system),
                FAMILIES.get(family(system), family(system).capitalize()),
                _origin(system),
                _thumbnail(name),
            )
            for name, system in sorted(
                gallery.items(), key=lambda item: (order.index(family(item[1])), item[0])
            )
        ]
        self.gallery.show_systems(entries)
        if self._cloud is not None:
            self.open_cloud(self._cloud)
        elif not self.session.open(self._first):
            self.session.open(FIRST)

    def _on_progress(self, what: str) -> None:
        self._building = what
        if not what:
            self.stage.hush()
        elif self.moment is None:
            self.stage.say("hourglass-medium", what, progress=-1, stays=True)
        else:
            words = f"{what}, first time: about 2 s"
            self.stage.say("hourglass-medium", "Building", words, progress=-1, stays=True)
        self._on_state()

    def _on_arrived(self) -> None:
        moment = self.runner.take()
        if moment is None or type(moment.system) is not type(self.session.system):
            return
        self.moment = moment
        self.session.follow(moment)
        if moment.build != self._build:
            self._begin(moment)
        elif moment.tick < self._tick:
            self.trace.clear()
        self._tick = moment.tick
        theory = moment.limit.get(self._order)  # theory that moves, where it speaks
        if theory is None or math.isnan(theory):
            theory = moment.theory.get(self._order)
        value = moment.observables.get(self._order)
        if value is not None and (moment.running or self._tick == 0):
            self.trace.append(moment.time, value, float("nan") if theory is None else theory)
        self.stage.show_moment(moment)
        self.diagrams.show_moment(moment)
        self._show_numbers(moment)

    def _begin(self, moment: Moment) -> None:
        """The first moment of another system, or of other sizes."""
        from engine.systems import title

        fresh = self._build == 0 or self._axes_of != self.session.id
        self._build = moment.build
        self._order = next(iter(moment.observables), "")
        symbol = symbol_of(moment.system, self._order)
        self.trace.clear()
        clock = moment.system.clock
        self.trace.set_names("measured", moment.system.theory_name, "" if clock == "t" else clock)
        quantity = quantity_of(moment.system, self._order)
        self.trace.set_span(quantity.span if quantity is not None else None)
        self.trace_panel.set_title(f"{symbol}(t)")
        self.readout.set_symbol(symbol, moment.system.theory_name)
        self.stage.begin(moment, title(moment.system))
        self.runner.set_software(bool(getattr(self.stage.view, "software", False)))
        if fresh:
            self._axes_of = self.session.id
            self.diagrams.begin(moment)
        self._show_preset()

    def _show_numbers(self, moment: Moment) -> None:
        now = time.perf_counter()
        self._arrivals = [*(t for t in self._arrivals if now - t < 1.0), now]
        theory = moment.theory.get(self._order)
        estimate = moment.estimates.get(self._order)
        self.readout.show_estimate(estimate, theory)
        symbol = symbol_of(moment.system, self._order)
        self.status.set_order(symbol, estimate, theory, moment.system.theory_name)
        span = now - self._arrivals[0]
        rate = (len(self._arrivals) - 1) / span if moment.running and span > 0.2 else None
        self.status.set_facts(
            rate,
            moment.steps_per_second if moment.running else None,
            getattr(moment.system, "n", None),
            self._device(),
            moment.seed,
        )
        marks = list(moment.caveats)
        if moment.running and estimate is not None and estimate.samples < FEW:
            marks.insert(0, "few samples")
        if type(moment.system).after:
            marks.append("equations after the paper")
        self.status.set_marks(marks)
        self.transport.set_state(
            self.session.running and not moment.done,
            moment.tick,
            moment.time,
            self.session.pace,
            moment.seed,
        )
        self._show_state(moment)

    def _show_state(self, moment: Moment | None) -> None:
        if self._building:
            self.status.set_state("Building", "busy")
        elif moment is None:
            self.status.set_state("Starting", "busy")
        elif moment.done:
            self.status.set_state("At its end", "paused")
        elif self.session.running:
            self.status.set_state("Running", "ok")
        else:
            self.status.set_state("Paused", "paused")

    _device_words = ""

    def _device(self) -> str:
        if not self._device_words:
            import jax

            device = jax.devices()[0]
            cpu = device.platform == "cpu"
            self._device_words = "CPU" if cpu else device.device_kind
        return self._device_words

    def _on_trouble(self, trouble: Trouble) -> None:
        self.session.running = False
        self.session.state_changed.emit()
        self.status.set_state("Stopped", "error")
        back = trouble.last_good
        deeds: list[Any] = []
        if back is not None:
            deeds.append((f"Go back to t = {back.time:.4g}", self.go_back))
        deeds += [("Restart", lambda: self.do("restart")), ("Copy debug", self.copy_debug)]
        self.trouble_words = f"{trouble.title}: {trouble.words}"
        self.stage.show_notice(
            "warning-octagon", trouble.title, trouble.words, tuple(deeds), "error"
        )

    def _on_diagram(self) -> None:
        diagram = self.maps.take()
        if diagram is None or type(diagram.request.system) is not type(self.session.system):
            return
        self.diagrams.show_diagram(diagram)
        self.parameters.set_critical(diagram.critical)

    # The session speaks.

    def _on_opened(self, name: str) -> None:
        from engine.core.about import references
        from engine.core.system import pokes
        from engine.systems import title

        session = self.session
        system = session.system
        assert system is not None
        presets = [preset.name for preset in type(system).presets]
        self.parameters.show_system(session.parameters, session.values, presets)
        self.parameters.set_preset(session.preset)
        self.parameters.set_pokes([p for p in pokes(system).values() if not p.view])
        self.gallery.set_current(name)
        known = references()
        text = (inspect.getdoc(type(system)) or "").partition("\n")[2]
        prose = "\n\n".join(part for part in text.split("\n\n") if not part.startswith("    "))
        self.about.show_card(
            Card(
                title(system),
                prose,
                tuple(type(system).equations),
                type(system).assumptions,
                tuple(known[key] for key in type(system).sources if key in known),
                type(system).after,
            )
        )
        self._on_history(0)
        self.setWindowTitle(f"{title(system)} – Manyscope")
        self.stage.hide_notice()

    def _on_values(self, values: dict[str, Any]) -> None:
        self.parameters.set_values(values)
        if self._axes_of != self.session.id or self.diagrams.axes is None:
            return
        self.diagrams.show_values()
        others = {n: v for n, v in values.items() if n != self.diagrams.axes[0].name}
        if any(
            others[n] is not self._others.get(n) and others[n] != self._others.get(n)
            for n in others
            if not hasattr(others[n], "shape")
        ):
            self.diagrams.forget_measured()
            self._others = others
        self._show_preset()
        self._ask_for_map()

    def _on_state(self) -> None:
        self.maps.moving = self.session.running
        moment = self.moment
        if moment is not None:
            self.transport.set_state(
                self.session.running and not moment.done,
                moment.tick,
                moment.time,
                self.session.pace,
                self.session.seed,
            )
        self._show_state(moment)

    def _refuse(self, sentence: str) -> None:
        self.stage.say("warning", "Not done", sentence, kind="warning")

    def _on_history(self, index: int) -> None:
        stack = self.session.undo_stack
        texts = [stack.text(k) for k in range(stack.count())]
        self.history.show_steps(
            [Past(text) for text in texts], index, f"start, seed {self.session.seed}"
        )
        for name, can in (("undo", stack.canUndo()), ("redo", stack.canRedo())):
            self.actions_by_name[name].setEnabled(can)
        if self.moment is not None and 0 < index <= len(texts):
            self.trace.mark(self.moment.time, texts[index - 1])

    def _go_in_history(self, done: int) -> None:
        self.session.commit()
        self.session.undo_stack.setIndex(done)

    def _show_preset(self) -> None:
        from engine.systems import title

        if self.session.system is None:
            return
        values, preset = self.session.values, self.session.preset
        edited = any(not hasattr(values[n], "shape") and values[n] != preset.get(n) for n in values)
        name = title(self.session.system)
        self.stage.show_title(name, self.session.preset_name, edited=edited)
        self.parameters.set_preset(preset, self.session.preset_name)

    def _ask_for_map(self, *, again: bool = False) -> None:
        axes, system = self.diagrams.axes, self.session.system
        if axes is None or system is None or self._axes_of != self.session.id:
            return
        self.maps.ask(MapRequest(system, *axes, self._order, axes[0].name), again=again)

    # The window itself.

    def restore(self) -> None:
        """Size, docks and splitters as they were left; what does not fit is dropped."""
        self.resize(1440, 900)
        self._fit_docks(anew=True)
        stored = self.settings
        if stored.value("layout") == str(LAYOUT) or stored.value("layout") == LAYOUT:
            geometry, state = stored.value("geometry"), stored.value("state")
            if isinstance(geometry, QByteArray):
                self.restoreGeometry(geometry)
            if isinstance(state, QByteArray):
                self.restoreState(state, LAYOUT)

    def _fit_docks(self, *, anew: bool = False) -> None:
        """Sizes for the room there is."""
        px = self.theme.px
        compact = self.width() < px(COMPACT)
        if compact == self._compact and not anew:
            return
        self._compact = compact
        self._places.fit(self.theme, compact)
        self.readout.set_compact(compact)
        swarm, centre, side = self._splitters.values()
        for splitter in (swarm, centre, side):
            splitter.setHandleWidth(px(6))
        swarm.setSizes([px(480), px(170)] if compact else [px(680), px(210)])
        centre.setSizes([px(490), px(256)] if compact else [px(860), px(400)])
        side.setSizes([500, 400])

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if not self._started:
            self._started = True
            # Once it is painted: importing JAX takes the interpreter for a second or two.
            QTimer.singleShot(SHOWN, self, self._start)

    def _start(self) -> None:
        self.runner.start()
        self.maps.start()
        prepare()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit_docks()

    def keyPressEvent(self, event: Any) -> None:
        if event.key() == Qt.Key.Key_Escape and self.isFullScreen():
            self.full_screen()
            return
        super().keyPressEvent(event)

    def dragEnterEvent(self, event: Any) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        urls = event.mimeData().urls()
        if urls:
            self.open_cloud(Path(urls[0].toLocalFile()))

    def closeEvent(self, event: Any) -> None:
        self.settings.setValue("layout", LAYOUT)
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("state", self.saveState(LAYOUT))
        self.hide()  # what is being compiled has to end first
        self.exporter.stop()
        self.maps.stop()
        self.runner.stop()
        super().closeEvent(event)


def run(opened: str | None = None, software_gl: bool = False) -> int:
    """Show the window on a system, or on a point cloud by its path, until it is closed."""
    if software_gl:
        os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_UseSoftwareOpenGL)
    if sys.platform.startswith("linux") and os.environ.get("DISPLAY"):
        # vispy loses its canvas under Wayland; every desktop that speaks it has X beside it.
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
    application = QApplication.instance() or QApplication(["manyscope"])
    assert isinstance(application, QApplication)
    application.setApplicationName("Manyscope")
    settings = QSettings("manyscope", "manyscope")
    name, scale = settings.value("theme", "dark"), settings.value("scale", 1.0)
    theme = Theme(name if name in THEMES else "dark", _scale(scale))
    theme.apply(application)
    cloud = Path(opened) if opened and opened.lower().endswith(CLOUDS) else None
    window = Window(
        theme, first=opened if opened and cloud is None else FIRST, cloud=cloud, settings=settings
    )
    collector = Collector(application)
    window.runner.ready.connect(collector.set_aside)
    window.restore()
    window.show()
    if error := gl_facts().error:
        window.stage.say("warning", "Painted without OpenGL", error, kind="warning")
    code = application.exec()
    if any(thread.name in ("runner", "builder", "maps") for thread in threading.enumerate()):
        os._exit(code)  # a compilation that takes minutes must not keep the program alive
    return code


def _scale(value: Any) -> float:
    try:
        return min(max(float(value), SCALES[0]), SCALES[-1])
    except (TypeError, ValueError):
        return 1.0


def _origin(system: type[System[Any]]) -> str:
    """Who wrote of it, and when: "Vicsek et al. 1995"."""
    from engine.core.about import references

    source = references().get(system.sources[0]) if system.sources else None
    if source is None:
        return ""
    return f"{'after ' if system.after else ''}{source.who} {source.year}"


def _thumbnail(name: str) -> Path | None:
    try:
        return resource(f"thumbnails/{name}.png")
    except FileNotFoundError:
        return None
