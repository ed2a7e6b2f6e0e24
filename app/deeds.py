"""What each action of the table does to the window."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLineEdit,
    QMainWindow,
)

from app.actions import ACTIONS, DIGITS
from app.past_menu import show_past_menu
from app.theme.theme import Name, Theme
from app.widgets.parameter_row import words


if TYPE_CHECKING:
    from app.diagrams import Diagrams
    from app.exporting import Exporter
    from app.looks import Looks
    from app.runner import Runner
    from app.session import Session
    from app.stage import Stage
    from app.views.trace import TraceView
    from app.widgets.command_palette import CommandPalette
    from app.widgets.gallery_panel import GalleryPanel
    from app.widgets.key_list import KeyList
    from app.widgets.parameters_panel import ParametersPanel
    from app.widgets.transport_bar import TransportBar
    from app.window import Window

SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.7, 2.0)
THEMES: tuple[Name, ...] = ("dark", "light", "contrast")


class Deeds(QMainWindow):
    """Mixed into the window: one method for each action, by its name."""

    theme: Theme
    settings: QSettings
    runner: Runner
    session: Session
    stage: Stage
    transport: TransportBar
    looks: Looks
    diagrams: Diagrams
    trace: TraceView
    parameters: ParametersPanel
    gallery: GalleryPanel
    exporter: Exporter
    docks: dict[str, QDockWidget]
    actions_by_name: dict[str, QAction]
    dressed: tuple[Any, ...]  # what has a `restyle`
    command_palette: CommandPalette | None = None
    key_list: KeyList | None = None
    theory_shown = True

    @property
    def trouble_words(self) -> str:
        raise NotImplementedError

    def _refuse(self, sentence: str) -> None:
        raise NotImplementedError

    def _ask_for_map(self, *, again: bool = False) -> None:
        raise NotImplementedError

    def _fit_docks(self, *, anew: bool = False) -> None:
        raise NotImplementedError

    def open_system(self, name: str) -> None:
        raise NotImplementedError

    def do(self, name: str) -> None:
        """Do the action of this name."""
        getattr(self, name)()

    def quit(self) -> None:
        self.close()

    def undo(self) -> None:
        if not self.session.opening:  # else a step of one run would act on another
            self.looks.note()
            self.session.undo()

    def redo(self) -> None:
        if not self.session.opening:
            self.looks.note()
            self.session.redo()

    def reset_parameters(self) -> None:
        self.session.commit()
        free = [n for n in self.session.preset if n not in self.parameters.locked()]
        self.session.reset(*free)

    def randomise(self) -> None:
        """Draw all unlocked live numbers within their spans; the seed of the draw is shown."""
        seed = random.randrange(10_000)
        draw = random.Random(seed)
        locked = self.parameters.locked()
        drawn = {
            n: p.at(draw.random())
            for n, p in self.session.parameters.items()
            if p.kind == "live" and p.span and n not in locked and n not in ("dt",)
        }
        self.session.commit()
        self.session.set(**drawn)
        self.session.commit()
        self.stage.say("dice-five", "Randomised", f"draw {seed}; Ctrl+Z takes it back")

    def filter_parameters(self) -> None:
        self.docks["Parameters"].show()
        self.docks["Parameters"].raise_()
        self.parameters.filter_field.setFocus()

    def play_or_pause(self) -> None:
        self.session.toggle()

    def step_forward(self) -> None:
        self.session.step()

    def step_back(self) -> None:
        self.session.step_back()

    def compare(self) -> None:
        """Two runs under the same noise, from the present state on; or A alone again.

        Where the system names what is worth comparing, the first of these is.
        """
        pairs = self.session.pairs
        if pairs and not self.session.comparing:
            self.compare_pair(pairs[0].name)
        else:
            self.session.compare(not self.session.comparing)

    def compare_pair(self, name: str) -> None:
        """The two settings of a named pair beside each other."""
        self.session.choose_pair(name)
        names = [pair.name for pair in self.session.pairs]
        later = names[(names.index(name) + 1) % len(names)]
        deed = (later, partial(self.compare_pair, later)) if later != name else None
        self.stage.say("columns", "A | B", name, deed)

    def toggle_wipe(self) -> None:
        self.stage.toggle_wipe()

    def show_past(self) -> None:
        """Branches, and the memory of the timeline."""
        show_past_menu(cast("Window", self), self.transport.mapToGlobal(QPoint()))

    def faster(self) -> None:
        self.session.set_pace(self.session.pace * 2)

    def slower(self) -> None:
        self.session.set_pace(self.session.pace // 2)

    def restart(self) -> None:
        self.stage.hide_notice()
        self.session.restart()
        self.session.play(True)

    def restart_new_seed(self) -> None:
        self.stage.hide_notice()
        self.session.restart(new_seed=True)

    def go_back(self) -> None:
        self.stage.hide_notice()
        self.runner.go_back()
        self.session.running = False
        self.session.state_changed.emit()

    def refill_map(self) -> None:
        self._ask_for_map(again=True)

    def reset_camera(self) -> None:
        self.stage.reset_camera()
        self.diagrams.small_view.reset_camera()

    def toggle_theory(self) -> None:
        self.looks.changed()
        self.theory_shown = not self.theory_shown
        self.actions_by_name["toggle_theory"].setChecked(self.theory_shown)
        self.stage.show_theory(self.theory_shown)
        self.diagrams.show_theory(self.theory_shown)
        self.trace.show_theory(self.theory_shown)

    def toggle_density(self) -> None:
        self.stage.toggle_density()
        self.actions_by_name["toggle_density"].setChecked(self.stage.is_density)

    def toggle_trails(self) -> None:
        self.stage.toggle_overlay("trails")

    def toggle_flow(self) -> None:
        self.stage.toggle_overlay("flow")

    def toggle_medoids(self) -> None:
        self.stage.toggle_overlay("medoids")

    def more_medoids(self) -> None:
        self.stage.change_medoids(1)

    def fewer_medoids(self) -> None:
        self.stage.change_medoids(-1)

    def toggle_coarse(self) -> None:
        self.stage.toggle_overlay("coarse density")

    def toggle_box(self) -> None:
        self.stage.toggle_box()

    def toggle_repeats(self) -> None:
        self.stage.toggle_repeats()

    def show_checks(self, checks: dict[str, bool]) -> None:
        """What is on among what can be laid over a swarm."""
        for name, on in checks.items():
            self.actions_by_name[name].setChecked(on)

    def next_theme(self) -> None:
        index = (THEMES.index(self.theme.name) + 1) % len(THEMES)
        self.restyle(Theme(THEMES[index], self.theme.scale))

    def larger(self) -> None:
        self._rescale(1)

    def smaller(self) -> None:
        self._rescale(-1)

    def usual_size(self) -> None:
        self.restyle(Theme(self.theme.name, 1.0))

    def _rescale(self, by: int) -> None:
        nearest = min(range(len(SCALES)), key=lambda k: abs(SCALES[k] - self.theme.scale))
        index = min(max(nearest + by, 0), len(SCALES) - 1)
        self.restyle(Theme(self.theme.name, SCALES[index]))

    def restyle(self, theme: Theme) -> None:
        """Dress the window anew; the run does not notice."""
        self.theme = theme
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        theme.apply(application)
        for part in (*self.dressed, self.command_palette, self.key_list):
            if part is not None:
                part.restyle(theme)
        for action in ACTIONS:
            if action.icon:
                self.actions_by_name[action.name].setIcon(theme.icon(action.icon))
        self._fit_docks(anew=True)
        self.settings.setValue("theme", theme.name)
        self.settings.setValue("scale", theme.scale)
        self.runner.look_again()

    def toggle_docks(self) -> None:
        shown = any(dock.isVisible() for dock in self.docks.values())
        for dock in self.docks.values():
            dock.setVisible(not shown)

    def next_dock(self) -> None:
        self._walk_docks(1)

    def previous_dock(self) -> None:
        self._walk_docks(-1)

    def _walk_docks(self, by: int) -> None:
        names = list(self.docks)
        now = QApplication.focusWidget()
        here = next(
            (k for k, d in enumerate(self.docks.values()) if now and d.isAncestorOf(now)),
            -1 if by > 0 else 0,
        )
        dock = self.docks[names[(here + by) % len(names)]]
        dock.show()
        dock.raise_()
        target = dock.widget()
        field = target.findChild(QLineEdit)
        (field or target).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def reset_layout(self) -> None:
        for dock in self.docks.values():
            dock.setFloating(False)
            dock.show()
        for name in ("Systems", "About"):
            self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.docks[name])
        for name in ("Parameters", "History"):
            self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.docks[name])
        self._fit_docks(anew=True)

    def full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()
        self.actions_by_name["full_screen"].setChecked(self.isFullScreen())

    def show_keys(self) -> None:
        from app.widgets.key_list import KeyList

        if self.key_list is None:
            groups: dict[str, list[tuple[str, str]]] = {}
            for action in ACTIONS:
                if action.keys:
                    groups.setdefault(action.menu, []).append(
                        ("  ".join(action.keys), action.title)
                    )
            groups["Run"] += DIGITS
            self.key_list = KeyList(self.theme, list(groups.items()), self)
        self.key_list.toggle()

    def open_palette(self) -> None:
        """Every action, system and parameter by name."""
        from app.widgets.command_palette import Command, CommandPalette

        if self.command_palette is None:
            self.command_palette = CommandPalette(self.theme, self)
        commands = [
            Command(
                action.title,
                action.menu,
                action.keys[0] if action.keys else "",
                partial(self.do, action.name),
            )
            for action in ACTIONS
        ]
        for entry in self.gallery.entries:
            opens = partial(self.open_system, entry.id)
            commands.append(Command(entry.title, "System", "", opens))
        for name, parameter in self.session.parameters.items():
            title = f"{words(parameter)}  {parameter.symbol}".strip()
            commands.append(Command(title, "Parameter", "", partial(self._focus_parameter, name)))
        for pair in self.session.pairs:
            compare = partial(self.compare_pair, pair.name)
            commands.append(Command(f"A/B: {pair.name}", "Run", "", compare))
        self.command_palette.set_commands(commands)
        self.command_palette.open()

    def _focus_parameter(self, name: str) -> None:
        self.docks["Parameters"].show()
        self.docks["Parameters"].raise_()
        self.parameters.focus_row(name)

    def about_system(self) -> None:
        self.docks["About"].show()
        self.docks["About"].raise_()

    def copy_debug(self) -> None:
        """Versions, device, OpenGL and the session, for a report."""
        report = {"trouble": self.trouble_words, "session": self.session.metadata()}

        def gather() -> Callable[[], None]:
            from app.doctor import examine  # asks OpenGL in a process of its own

            words = json.dumps(report | examine(), indent=2, default=str)

            def put() -> None:
                QGuiApplication.clipboard().setText(words)
                self.stage.say("copy", "Copied", "facts for a bug report are on the clipboard")

            return put

        self.exporter.begin("", gather)

    def export_figure(self) -> None:
        self.exporter.show_dialog()

    def export_video(self) -> None:
        self.exporter.export_video()

    def copy_view(self) -> None:
        self.exporter.copy_view()

    def copy_data(self) -> None:
        self.exporter.copy_data()

    def copy_caption(self) -> None:
        self.exporter.copy_caption()
