"""The window: docks around a stage, and each action of the table bound to what it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QMenu,
    QSplitter,
    QToolBar,
)

from app.actions import ACTIONS, MENUS
from app.cards import card, entries
from app.deeds import Deeds
from app.diagrams import Diagrams
from app.docks import Docks
from app.documents import Documents
from app.exporting import Exporter
from app.file_deeds import FIRST, LAYOUT, FileDeeds
from app.looks import Looks
from app.map_deeds import MapDeeds
from app.map_worker import MapWorker
from app.past_menu import set_memory, show_past_menu
from app.point_files import PointExporter
from app.presenter import Presenter
from app.runner import Moment, Runner
from app.session import Session, differ
from app.snapshots import Snapshots
from app.stage import Stage
from app.theme.mathematics import prepare
from app.theme.theme import Theme
from app.undo import Look, Opening, Visit, short
from app.views.trace import TraceView
from app.widgets.about_panel import AboutPanel
from app.widgets.gallery_panel import GalleryPanel
from app.widgets.header import Header
from app.widgets.history_panel import HistoryPanel, Past
from app.widgets.panel_frame import PanelFrame
from app.widgets.parameters_panel import ParametersPanel
from app.widgets.readout import Readout
from app.widgets.sides import SideMark
from app.widgets.status_strip import StatusStrip
from app.widgets.transport_bar import TransportBar


if TYPE_CHECKING:
    from app.views.view import Hand
    from engine.core.gallery import Gallery

SHOWN = 30  # ms that the first picture takes
COMPACT = 1600  # pixels of scale 1 below which docks share their place


class Window(FileDeeds, MapDeeds, Deeds):
    """Manyscope. The engine is loaded by the runner's thread while this is already shown."""

    def __init__(
        self,
        theme: Theme,
        *,
        first: str = FIRST,
        file: Path | None = None,
        settings: QSettings | None = None,
    ) -> None:
        super().__init__()
        self.theme = theme
        self.settings = settings if settings is not None else QSettings("manyscope", "manyscope")
        self._first, self._file = first, file
        self.setWindowTitle("Manyscope")
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)

        self.runner = Runner(self)
        self.session = Session(self.runner, self)
        self.maps = MapWorker(self)
        self._started = False
        self._others: dict[str, Any] = {}  # values of what is no axis of the curve
        self._done = 0  # steps of the list of undo

        self.presenter = Presenter(self)
        self._make_panels()
        self._make_actions()
        self._arrange()
        self._connect()
        self.looks = Looks(self)
        self.snapshots = Snapshots(self)
        self.documents = Documents(self, _folder(self.settings))
        self.documents.changed.connect(self.show_title)
        self.exporter = Exporter(self)
        self.exporter.look = self.documents.told
        self.points = PointExporter(self)

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
        self.other_readout = Readout(theme)
        self._marks = SideMark(theme, "a"), SideMark(theme, "b")
        words = (self._marks[0], self.readout, self._marks[1], self.other_readout)
        self.trace_panel = PanelFrame(theme, "", self.trace, words, more=False)
        for part in (*self._marks, self.other_readout):
            part.hide()
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
            if action.name == "save_session":
                self._recent_menu = QMenu("Open recent", self)
                self._recent_menu.aboutToShow.connect(lambda: self.fill_recent(self._recent_menu))
                menus[action.menu].insertMenu(menus[action.menu].actions()[-1], self._recent_menu)
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

        self.places = Docks(
            self,
            self.theme,
            left={"Systems": self.gallery, "About": self.about},
            right={"Parameters": self.parameters, "History": self.history},
        )
        self.docks = self.places.by_name
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
        runner.arrived.connect(self.presenter.arrived)
        # Queued: between the end of a picture and the panels there is room for the hand.
        queued = Qt.ConnectionType.QueuedConnection
        self.stage.drawn.connect(self.presenter.arrived, queued)
        runner.progress.connect(self.presenter.progressed)
        runner.troubled.connect(self.presenter.troubled)
        self.presenter.begun.connect(self._on_begun)
        runner.refused.connect(session.turn_back)
        self.maps.arrived.connect(self._on_diagram)
        self.maps.troubled.connect(lambda words: self.stage.say("warning", "Map", words))
        session.opened.connect(self._on_opened)
        session.values_changed.connect(self._on_values)
        session.state_changed.connect(self._on_state)
        session.refused.connect(self._refuse)
        session.undo_stack.indexChanged.connect(self._on_history)

        self.gallery.chosen.connect(self.open_system)
        session.opened.connect(lambda _: self.presenter.forget())
        panel = self.parameters
        panel.changed.connect(lambda name, value: session.set(**{name: value}))
        panel.pressed.connect(lambda _: session.hold())
        panel.released.connect(lambda _: session.commit())
        panel.preset_chosen.connect(lambda name: session.choose_preset(name, panel.locked()))
        panel.reset_asked.connect(lambda: self.do("reset_parameters"))
        panel.randomise_asked.connect(lambda: self.do("randomise"))
        panel.poke_asked.connect(lambda name: session.poke(name))
        panel.file_asked.connect(lambda _: self.do("open_file"))
        self.stage.tool_pressed.connect(self.do)
        self.stage.checks_changed.connect(self.show_checks)
        self.stage.densities_wanted.connect(runner.want_densities)
        self.stage.touched.connect(self._on_touched)
        self.stage.handle_moved.connect(lambda name, value: session.set(**{name: value}))
        self.stage.handle_held.connect(lambda held: session.hold() if held else session.commit())
        self.stage.clock_held.connect(lambda held: runner.play(session.running and not held))
        self.diagrams.axes_changed.connect(self._ask_for_map)
        self.diagrams.measures.points_wanted.connect(self._keep_points)
        self.diagrams.views_wanted.connect(runner.want_views)
        self.diagrams.refill_asked.connect(lambda: self.do("refill_map"))
        self.diagrams.export_asked.connect(lambda name: self.exporter.show_dialog((name,)))
        self.trace_panel.export_asked.connect(lambda: self.exporter.show_dialog(("trace",)))
        bar = self.transport
        bar.play_toggled.connect(session.play)
        bar.restart_asked.connect(lambda new: session.restart(new_seed=new))
        bar.step_asked.connect(lambda by: session.step() if by > 0 else session.step_back())
        bar.sought.connect(session.seek)
        bar.seek_ended.connect(session.arrive)
        bar.past_menu_asked.connect(lambda at: show_past_menu(self, at))
        bar.compare_asked.connect(lambda: self.do("compare"))
        session.rows_changed.connect(self._on_rows)
        panel.focus_chosen.connect(session.set_focus)
        bar.speed_asked.connect(lambda by: self.do("faster" if by > 0 else "slower"))
        bar.seed_changed.connect(session.set_seed)
        header = self.header
        header.palette_asked.connect(lambda: self.do("open_palette"))
        header.theme_asked.connect(lambda: self.do("next_theme"))
        header.video_asked.connect(lambda: self.do("export_video"))
        header.export_asked.connect(lambda: self.do("export_figure"))
        self.history.chosen.connect(self._go_in_history)

    def _on_touched(self, name: str, hand: Hand | None, row: int) -> None:
        if row < 0:
            self.runner.poke(name, hand)
        else:
            self.session.poke(name, hand, row)

    def _keep_points(self, on: bool) -> None:
        """Somebody beside the stage reads its points, also where it shows their density."""
        if hasattr(self.stage.view, "keeps_points"):
            self.stage.view.keeps_points = on  # type: ignore[union-attr]

    # The engine speaks.

    def _on_ready(self, gallery: Gallery) -> None:
        self.session.show_gallery(gallery)
        size = self.settings.value("memory")
        if size is not None and str(size).isdigit():
            set_memory(self, int(size))
        self.gallery.show_systems(entries(gallery))
        if self._file is not None:
            self.documents.open_path(self._file)
        elif not self.session.open(self._first):
            self.session.open(FIRST)

    def _on_diagram(self) -> None:
        diagram = self.maps.take()
        if diagram is None or type(diagram.request.system) is not type(self.session.system):
            return
        self.diagrams.show_diagram(diagram)
        self.parameters.set_critical(diagram.critical)

    @property
    def moment(self) -> Moment | None:
        """What the window shows."""
        return self.presenter.moment

    @property
    def trouble_words(self) -> str:
        """Why the run was last paused by itself."""
        return self.presenter.trouble_words

    # The session speaks.

    def _on_opened(self, name: str) -> None:
        from engine.core.system import pokes

        session = self.session
        system = session.system
        assert system is not None
        presets = [preset.name for preset in type(system).presets]
        self.parameters.show_system(session.parameters, session.values, presets)
        self.parameters.set_preset(session.preset)
        self.parameters.set_pokes([p for p in pokes(system).values() if not p.view])
        self.gallery.set_current(name)
        self.about.show_card(card(system))
        self._on_history(session.undo_stack.index())
        self.show_title()
        self.stage.hide_notice()

    def _on_begun(self, fresh: bool) -> None:
        self._show_preset()
        self.places.settle()
        if fresh:
            self.looks.settle()

    def _on_rows(self) -> None:
        """One run, or two beside each other."""
        session = self.session
        self.transport.set_comparing(session.comparing)
        self.actions_by_name["compare"].setChecked(session.comparing)
        self.parameters.set_focus(session.focus if session.comparing else "")
        self.trace.set_pair(session.comparing)
        for part in (*self._marks, self.other_readout):
            part.setVisible(session.comparing)
        self._name_sides()

    def _name_sides(self) -> None:
        """What A and B differ in."""
        if self.session.comparing:
            known = self.session.parameters
            one, other = self.session.systems
            apart = [n for n in known if differ(getattr(one, n), getattr(other, n))]
            words = [
                ", ".join(f"{known[n].symbol or n} = {short(getattr(row, n))}" for n in apart)
                for row in (one, other)
            ]
            self.stage.show_sides((words[0], words[1]))

    def _on_values(self, values: dict[str, Any]) -> None:
        self.parameters.set_values(values)
        self._name_sides()
        if self.presenter.shown_system != self.session.id or self.diagrams.axes is None:
            return
        self.diagrams.show_values()
        others = {n: v for n, v in values.items() if n != self.diagrams.cut.name}
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
        self.presenter.show_transport()

    def _refuse(self, sentence: str) -> None:
        self.stage.say("warning", "Not done", sentence, kind="warning")

    def _on_history(self, index: int) -> None:
        stack = self.session.undo_stack
        steps: list[Any] = [stack.command(k) for k in range(stack.count())]
        texts = [step.text() for step in steps]
        icons = [getattr(step, "icon", "sliders-horizontal") for step in steps]
        past = [Past(text, "", icon) for text, icon in zip(texts, icons, strict=True)]
        one_run = not any(isinstance(step, Opening) for step in steps)
        seed = f", seed {self.session.seed}" if one_run else ""
        self.history.show_steps(past, index, f"start{seed}")
        for name, can in (("undo", stack.canUndo()), ("redo", stack.canRedo())):
            self.actions_by_name[name].setEnabled(can)
        before, self._done = self._done, index
        for step in steps[min(before, index) :][: before != index]:
            if self.moment is not None and not isinstance(step, Look | Opening | Visit):
                self.trace.mark(self.moment.time, f"{'undo ' * (index < before)}{step.text()}")

    def _go_in_history(self, done: int) -> None:
        if not self.session.opening:
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
        request = self.diagrams.request
        if request is not None and self.presenter.shown_system == self.session.id:
            self.maps.ask(request, again=again)

    # The window itself.

    def restore(self) -> None:
        """Size, docks and splitters as they were left; what does not fit is dropped."""
        self.resize(QSize(1440, 900).boundedTo(self.screen().availableSize()))
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
        self.places.fit(self.theme, compact)
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
        if event.key() == Qt.Key.Key_Escape and self.diagrams.map_panel.leave_drawing():
            return
        if event.key() == Qt.Key.Key_Escape and self.stage.leave():
            return
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
            self.documents.open_path(Path(urls[0].toLocalFile()))

    def closeEvent(self, event: Any) -> None:
        self.settings.setValue("layout", LAYOUT)
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("state", self.saveState(LAYOUT))
        self.hide()  # what is being compiled has to end first
        self.documents.close()
        self.exporter.stop()
        self.points.stop()
        self.diagrams.instrument.stop()
        self.diagrams.measures.stop()
        self.maps.stop()
        self.runner.stop()
        super().closeEvent(event)


def _folder(settings: QSettings) -> Path:
    """Where sessions are kept that nobody put anywhere: beside settings that lie in a file."""
    if settings.format() == QSettings.Format.IniFormat:
        return Path(settings.fileName()).parent
    return platformdirs.user_data_path("manyscope")
