"""Sessions as files: opened, saved, saved by themselves, and found again after a crash.

Nothing is ever discarded: what was not saved when something else is opened, or when the window is
closed, is kept among the recent files. Reading and writing happen in threads of their own.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QBuffer, QIODevice, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from app.recent import Recent
from app.recovery import Recovery
from app.session import FASTEST
from app.stills import Reopened
from app.undo import Opening


if TYPE_CHECKING:
    from app.window import Window
    from engine.core.system import System
    from engine.storage.sessions import Session

ENDING = ".manyscope"
CLOUDS = (".ply", ".off", ".obj", ".xyz", ".npy", ".csv")
FIGURES = (".png", ".pdf", ".svg", ".tif", ".tiff", ".mp4", ".gif", ".webm")
KINDS = (
    f"All that opens (*{' *'.join((ENDING, *FIGURES, *CLOUDS))});;Sessions (*{ENDING});;"
    f"Figures and videos (*{' *'.join(FIGURES)});;Point clouds (*{' *'.join(CLOUDS)})"
)
AUTOSAVE = 30_000  # ms between two savings by itself
PICTURE = (236, 148)  # pixels of a thumbnail
PATIENCE = 10.0  # s that closing waits for the run to tell itself


class Opened(NamedTuple):
    """A session as it was read, before it is shown."""

    session: Session
    system: System[Any]  # with the values of the place that was saved
    doubts: list[str]
    figure: Reopened | None = None  # where it was in a figure


class Left(NamedTuple):
    """A run that was left for another one, to be gone back to."""

    told: Future[Session]
    figure: Reopened | None
    title: str
    path: Path | None
    saved: bool
    running: bool


class Documents(QObject):
    """Which file this is, whether it was saved, and all that is done with files."""

    changed = Signal()  # another file, or another state of it
    _done = Signal(object)  # what a thread has left for the window's thread

    def __init__(self, window: Window, folder: Path) -> None:
        super().__init__(window)
        self._window = window
        self.path: Path | None = None
        self.offers = False  # whether the first picture comes with what a crash has left
        self.recent = Recent(window.settings, folder / "recent")
        self.recovery = Recovery(folder / "recovery")
        self._threads: list[threading.Thread] = []
        self._waiting: dict[str, Any] | None = None  # what the window was like, to be shown again
        self._said: list[str] = []  # of what was opened, in words, with a doubt
        self._left: Left | None = None  # for what is being opened
        self._keeps_list = False  # of undo, when the next run is shown
        self.figure: Reopened | None = None  # that the run came in
        self._saved_at = -1  # the place in the list of undo that was last saved by itself
        self._autosave = QTimer(self, interval=AUTOSAVE)
        self._autosave.timeout.connect(self.autosave)
        self._autosave.start()
        self._done.connect(lambda deed: deed())
        window.session.undo_stack.cleanChanged.connect(lambda _: self.changed.emit())
        window.session.opened.connect(self._on_opened)
        window.session.not_opened.connect(self._on_not_opened)
        window.presenter.begun.connect(self._show_again)

    # What it is called.

    @property
    def modified(self) -> bool:
        """Whether something was done that no file holds."""
        return not self._window.session.undo_stack.isClean()

    @property
    def name(self) -> str:
        return "" if self.path is None else self.path.name

    # Opening.

    def new(self) -> None:
        """The same system from its beginning, in no file yet."""
        session = self._window.session
        if session.id:
            self.leave()
            session.open(session.id)

    def open(self) -> None:
        """Ask which file, and open it."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Open", self._folder(), KINDS)
        if path:
            self.open_path(Path(path))

    def open_path(self, path: Path) -> None:
        """Open a session, a figure that carries one, or a point cloud; what is bad is refused."""
        if path.suffix.lower() in CLOUDS:
            self._window.open_cloud(path)
            return

        def read() -> Callable[[], None]:
            try:
                opened = _read(path)
            except (OSError, ValueError, KeyError) as error:
                words = str(error)
                return lambda: self._refuse(words)
            return lambda: self._show(opened, path)

        self._begin(read)

    def _refuse(self, words: str) -> None:
        self._window.stage.say("warning", "Not opened", words, kind="warning")
        self._window.show_something()

    def _show(self, opened: Opened, path: Path) -> None:
        window, session = self._window, opened.session
        self.leave()
        self._adopt(opened, running=False)
        if self.recovery.holds(path):
            self.recovery.take_over(path)
            window.session.undo_stack.resetClean()  # no file holds it
        elif path.suffix.lower() == ENDING:
            self.path = path
            self.recent.add(path, window.title_of(session.system), session.thumbnail)
        self.changed.emit()
        self._said = [f"Opened {path.name}", *opened.doubts[:1]]

    def _adopt(self, opened: Opened, *, running: bool) -> None:
        """Let the run and the window be what a session tells."""
        window, session = self._window, opened.session
        told = session.window
        pace = told.get("pace")
        if not isinstance(pace, int) or not 0 < pace <= FASTEST:
            pace = getattr(opened.system, "pace", 4)
        window.session.adopt(
            session.system,
            opened.system,
            session.seed,
            pace=pace,
            running=running,
            beside=session.document.other is not None,
        )
        window.session.name_preset(str(told.get("preset", "")))
        window.runner.set_pace(window.session.pace)
        window.runner.play(running)  # before it could be open: at rest it takes no step
        window.runner.open_document(session)
        self._waiting, self._said, self.figure = told, [], opened.figure
        window.snapshots.show(told.get("snapshots"))
        window.parameters.set_locked(told.get("locked"))

    def _on_opened(self, name: str) -> None:
        """Another run is shown: to go back to the one that was left is a step of undo."""
        stack = self._window.session.undo_stack
        left, keeps = self._left, self._keeps_list
        self._left, self._keeps_list = None, False
        if left is not None:
            title = self._window.title_of(name)
            words = f"{left.title} → {title}" if title != left.title else f"{title}, opened anew"
            stack.push(Opening(words, self._swap, left))
            stack.setClean()
        elif not keeps:
            stack.clear()
        self.path, self._waiting, self._saved_at, self.figure = None, None, -1, None
        self.changed.emit()

    # Leaving one run for another, and going back.

    def leave(self) -> None:
        """Another run is about to be opened: this one can be gone back to."""
        self._left = self._leaving()
        self._keeps_list = self._left is None and self._window.moment is not None

    def stay(self) -> None:
        """It was not opened after all."""
        self._left, self._keeps_list = None, False

    def _leaving(self) -> Left | None:
        """The present run, as it is left; what no file holds is kept among the recent ones."""
        window = self._window
        if window.moment is None or window.session.opening:
            return None
        self._note()
        told, title = window.runner.document(self.told()), window.title_of(window.session.id)
        if self.modified:
            picture = self._picture()
            self._begin(lambda: self._keep(told, picture, title, 60))
        saved, running = not self.modified, window.session.running
        return Left(told, self.figure, title, self.path, saved, running)

    def _swap(self, left: Left) -> Left | None:
        """Go back to a run that was left; the one that is left for it can come back in turn."""
        now = self._leaving()
        self._window.session.await_another()

        def read() -> Callable[[], None]:
            try:
                opened = _opened(left.told.result(timeout=60))
            except (OSError, ValueError, RuntimeError, TimeoutError) as error:
                words = str(error)
                return lambda: self._refuse(words)
            return lambda: self._return_to(left, opened, quietly=now is None)

        self._begin(read)
        return now

    def _return_to(self, left: Left, opened: Opened, *, quietly: bool) -> None:
        self._keeps_list = True
        self._adopt(opened, running=left.running)
        stack, self.path = self._window.session.undo_stack, left.path
        self.figure = left.figure
        if left.saved:
            stack.setClean()
        else:
            stack.resetClean()
        self._said = [] if quietly else [left.title, "as it was left"]
        self.changed.emit()

    def _on_not_opened(self) -> None:
        """What was asked for could not be built: the run that still goes is shown again."""
        stack = self._window.session.undo_stack
        step: Any = stack.command(stack.index() - 1) if stack.index() else None
        if isinstance(step, Opening):
            step.back()
            step.setObsolete(True)  # it is taken off the list, not undone
            stack.undo()

    def _show_again(self, _: bool) -> None:
        """The first picture of what was opened: look at it as it was looked at."""
        told, self._waiting = self._waiting, None
        if told is not None:
            window, said = self._window, self._said
            if isinstance(told.get("look"), dict):
                window.looks.show(told["look"])
            elsewhere = told.get("layout") not in (None, window.layout_words())
            deed = ("Its layout", lambda: window.show_layout(told)) if elsewhere else None
            if self.figure is not None:
                deed = "Its page", window.export_figure
            if said:
                words = said[1] if len(said) > 1 else "paused where it was saved"
                window.stage.say("folder-open", said[0], words, deed)
        if self.offers:
            self.offers = False
            self.offer_recovery()

    # Saving.

    def save(self) -> None:
        """Into its file; the first time, ask for one."""
        if self.path is None:
            self.save_as()
        else:
            self.save_to(self.path)

    def save_as(self) -> None:
        """Ask for a file, and save into it."""
        start = str(Path(self._folder()) / f"{self._window.session.id}{ENDING}")
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save the session", start, f"Sessions (*{ENDING})"
        )
        if path:
            file = Path(path)
            self.save_to(file if file.suffix == ENDING else file.with_name(file.name + ENDING))

    def save_to(self, path: Path) -> None:
        """Save into this file, in the background; what was there stays until all is written."""
        window = self._window
        if window.moment is None:
            return
        self._note()
        told, picture, place = window.runner.document(self.told()), self._picture(), self._index()
        title = window.title_of(window.session.id)

        def write() -> Callable[[], None]:
            try:
                session = told.result(timeout=60)
                session = session.with_window(session.window, picture)
                session.save(path)
            except (OSError, ValueError, RuntimeError, TimeoutError) as error:
                words = str(error)
                return lambda: window.stage.say("warning", "Not saved", words, kind="warning")
            return lambda: self._saved(path, title, picture, place)

        self._begin(write)

    def _saved(self, path: Path, title: str, picture: bytes, place: int) -> None:
        self.path = path
        self.recent.add(path, title, picture)
        if place == self._index():
            self._window.session.undo_stack.setClean()
        self.recovery.forget()
        self.changed.emit()
        self._window.stage.say("floppy-disk", "Saved", path.name)

    def autosave(self) -> None:
        """Keep what no file holds, for the case that the program ends badly."""
        if not self.modified or self._index() == self._saved_at or self._window.moment is None:
            return
        self._saved_at = self._index()
        told = self._window.runner.document(self.told())

        def write() -> Callable[[], None]:
            try:
                told.result(timeout=60).save(self.recovery.path)
            except (OSError, ValueError, RuntimeError, TimeoutError):
                return lambda: None  # the next one may fit
            return lambda: None

        self._begin(write)

    def offer_recovery(self) -> None:
        """In one quiet line: what a program that ended badly had not saved."""
        found = self.recovery.found()
        if found:
            when = time.strftime("%d %b, %H:%M", time.localtime(found.stat().st_mtime))
            self._window.stage.say(
                "clock-counter-clockwise",
                "Not saved when Manyscope ended",
                when,
                ("Recover", lambda: self._recover(found)),
                stays=True,
            )

    def _recover(self, path: Path) -> None:
        self._window.stage.hush()
        self.open_path(path)

    def _keep(
        self, told: Future[Session], picture: bytes, title: str, patience: float
    ) -> Callable[[], None]:
        path = self.recent.unsaved_path()
        try:
            told.result(timeout=patience).save(path)
        except (OSError, ValueError, RuntimeError, TimeoutError) as error:
            words = f"{title} could not be kept: {error}"
            return lambda: self._window.stage.say("warning", "Not kept", words, kind="warning")
        return lambda: self.recent.add(path, f"{title}, not saved", picture)

    def close(self) -> None:
        """The window closes: keep what was not saved, and leave nothing to recover."""
        self._autosave.stop()
        if self.modified and self._window.moment is not None:
            told, picture = self._window.runner.document(self.told()), self._picture()
            self._keep(told, picture, self._window.title_of(self._window.session.id), PATIENCE)()
        for thread in self._threads:
            thread.join(timeout=60)
        self.recovery.forget()

    def told(self) -> dict[str, Any]:
        """What the window has to find again, in plain words."""
        window = self._window
        return {
            "look": window.looks.read(),
            "pace": window.session.pace,
            "preset": window.session.preset_name,
            "locked": sorted(window.parameters.locked()),
            "snapshots": window.snapshots.read(),
            "layout": window.layout_words(),
        }

    # Inside.

    def _note(self) -> None:
        self._window.looks.note()
        self._window.session.commit()

    def _index(self) -> int:
        return self._window.session.undo_stack.index()

    def _folder(self) -> str:
        return str(self.path.parent) if self.path is not None else ""

    def _picture(self) -> bytes:
        """The large view, small, as PNG."""
        view = self._window.stage.view
        if view is None:
            return b""
        keep = Qt.AspectRatioMode.KeepAspectRatioByExpanding
        picture = view.grab().scaled(*PICTURE, keep, Qt.TransformationMode.SmoothTransformation)
        left, top = (picture.width() - PICTURE[0]) // 2, (picture.height() - PICTURE[1]) // 2
        held = QBuffer()
        held.open(QIODevice.OpenModeFlag.WriteOnly)
        picture.copy(left, top, *PICTURE).save(held, "PNG")
        return bytes(held.data().data())

    def _begin(self, work: Callable[[], Callable[[], None]]) -> None:
        """Do it in a thread, and the rest of it in the window's."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(
            target=lambda: self._done.emit(work()), name="documents", daemon=True
        )
        self._threads.append(thread)
        thread.start()


def _read(path: Path) -> Opened:
    """A session from its own file, or from the metadata of a figure."""
    from engine.storage.sessions import Session, from_text

    if path.suffix.lower() in FIGURES:
        from app.figures.metadata import read_metadata

        said = read_metadata(path) or {}
        if not isinstance(said.get("session"), dict):
            raise ValueError(
                f"{path.name} carries no session: it was made without one, or by another program."
            )
        opened = _opened(from_text(json.dumps(said["session"])))
        if "figure" not in said:
            return opened
        from app.figures.recipe import recipe_of

        try:
            recipe = recipe_of(said["figure"])
        except ValueError as error:  # the run opens all the same
            return opened._replace(doubts=[str(error), *opened.doubts])
        return opened._replace(figure=Reopened(opened.session, recipe, path.suffix[1:].lower()))
    if path.suffix.lower() == ENDING:
        session = Session.load(path)
    else:
        known = ", ".join((ENDING, *FIGURES, *CLOUDS))
        raise ValueError(f"{path.name} is nothing that opens: {known} do.")
    return _opened(session)


def _opened(session: Session) -> Opened:
    from engine.replaying import doubts, values_of

    return Opened(session, values_of(session), doubts(session))
